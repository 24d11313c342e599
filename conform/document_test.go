package conform_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// asText is a row as the text that MongoDB's connector sends.
func asText(row string) string {
	text, _ := json.Marshal(row)
	return string(text)
}

// TestDocuments: a change event whose row is a text has the row that the text says, and what is
// wrong with it is told of the text.
func TestDocuments(t *testing.T) {
	fields := `"_id":{"$oid":"5b50b8b3a2c9a1b2c3d4e5f6"},"n":{"$numberLong":"7"},"amount":{"$numberDecimal":"12.50"},"at":{"$date":1795342530123},"tags":["a",{"$numberInt":"1"}],"where":{"city":"Zürich \"x\""}`
	good := `oid=5b50b8b3a2c9a1b2c3d4e5f6 n=7 amount=1250 at=1795342530123000 city=Zürich "x" tags=["a",1]`
	table := func(format schema.Format) *schema.Table {
		table := tableOf(t, "oid string", "n long", "amount decimal(18,2)", "at timestamp", "city string", "tags json")
		table.Columns[0].From = schema.From{Path: []schema.Step{{Key: "_id", Index: -1}}}
		table.Columns[4].From = schema.From{Path: []schema.Step{{Key: "where", Index: -1}, {Key: "city", Index: -1}}}
		table.Format = format
		table.AddChange()
		return table
	}
	for _, c := range []struct{ event, want string }{
		{`{"before":null,"after":` + asText(`{`+fields+`}`) + `,"op":"c","ts_ms":5}`, "ok " + good + " _op=c _ts_ms=5"},
		{`{"op":"u","after":` + asText(` {`+fields+`} `) + `,"before":null,"ts_ms":5}`, "ok " + good + " _op=u _ts_ms=5"},
		{`{"after":null,"before":` + asText(`{`+fields+`}`) + `,"op":"d","ts_ms":5}`, "ok " + good + " _op=d _ts_ms=5"},
		{`{"after":` + asText(`{"n":1}`) + `,"before":` + asText(`{`+fields+`}`) + `,"op":"d","ts_ms":5}`, "ok " + good + " _op=d _ts_ms=5"},
		{`{"after":` + asText(`{`+fields+`}x`) + `,"op":"c","ts_ms":5}`, "quarantined trailing"},
		{`{"after":` + asText(`{`+fields) + `,"op":"c","ts_ms":5}`, "quarantined syntax"},
		{`{"after":` + asText(`{"n":1,"n":1}`) + `,"op":"c","ts_ms":5}`, "quarantined duplicate_key"},
		{`{"after":` + asText(`{"n":{"$numberLong":"9223372036854775808"}}`) + `,"op":"c","ts_ms":5}`, "quarantined overflow"},
		{`{"after":` + asText(`{"amount":{"$numberDecimal":"12.505"}}`) + `,"op":"c","ts_ms":5}`, "quarantined scale"},
		{`{"after":` + asText(`{"amount":{"$numberDecimal":"NaN"}}`) + `,"op":"c","ts_ms":5}`, "quarantined type"},
		{`{"after":` + asText(`{"at":{"$date":99999999999999999}}`) + `,"op":"c","ts_ms":5}`, "quarantined time"},
		{`{"after":"{\"n\":1,\"x\":\"\ud800\"}","op":"c","ts_ms":5}`, "quarantined encoding"},
		{`{"after":"{\"n\":1,\"n\":`, "quarantined syntax"},
		{`{"after":"","op":"c","ts_ms":5}`, "quarantined envelope"},
		{`{"after":"[1]","op":"c","ts_ms":5}`, "quarantined envelope"},
		{`{"after":"null","op":"c","ts_ms":5}`, "quarantined envelope"},
		{`{"before":"x","op":"d","ts_ms":5}`, "quarantined envelope"},
		{`{"after":"x","op":"t","ts_ms":5}`, "filtered"},
	} {
		for _, format := range []schema.Format{schema.JSONFormat, schema.ConnectJSONFormat} {
			value := c.event
			if format == schema.ConnectJSONFormat {
				value = `{"schema":{"type":"struct","fields":[{"field":"after","type":"string","name":"io.debezium.data.Json"}]},"payload":` + value + `}`
			}
			plain := strings.Replace(value, c.event, `{"after":{"oid":null,"n":1,"amount":1.00,"at":null,"where":{"city":"x"},"tags":null,"_id":"z"},"op":"c","ts_ms":5}`, 1)
			got := cells(t, table(format), rawOf([]byte(plain), []byte(value), []byte(plain), []byte(value), []byte(value), []byte(plain)))
			for _, row := range []int{1, 3, 4} {
				if !strings.HasPrefix(got[row], c.want) {
					t.Errorf("%v: %s, row %d\ngot  %s\nwant %s", format, c.event, row, got[row], c.want)
				}
			}
			for _, row := range []int{0, 2, 5} {
				if !strings.HasPrefix(got[row], "ok oid=z n=1 amount=100") {
					t.Errorf("%v: row %d beside %s: %s", format, row, c.event, got[row])
				}
			}
		}
	}
}

// TestDocumentPlaces: what is wrong with a row in a text has the place of the text.
func TestDocumentPlaces(t *testing.T) {
	table := tableOf(t, "n long", "m long")
	table.AddChange()
	value := `{"op":"c","after":` + asText(`{"n":"x","m":{"$numberLong":"1"}}`) + `}`
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	b := bothWays(t, plan, table, rawOf([]byte(value)))
	at := strings.Index(value, `"{`)
	if got, want := b.Detail(b.Rejects), fmt.Sprintf("type: column n at byte %d: a whole number of 64 bits", at); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestVariableScale: decimals that say their scale are those that went in, in columns of all
// kinds, or rejected.
func TestVariableScale(t *testing.T) {
	const decimal = `{"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"field":"scale","type":"int32"},{"field":"value","type":"bytes"}],"field":`
	value := func(scale int, unscaled *big.Int) string {
		return fmt.Sprintf(`{"scale":%d,"value":%s}`, scale, base64Of(twosComplement(unscaled)))
	}
	one := func(scale int, unscaled int64) string { return value(scale, big.NewInt(unscaled)) }
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for _, c := range []struct{ typ, value, want string }{
		{"decimal(18,2)", one(2, 1250), "ok a=1250"},
		{"decimal(18,2)", one(0, -7), "ok a=-700"},
		{"decimal(18,2)", one(4, 125000), "ok a=1250"},
		{"decimal(18,2)", one(3, 12505), "quarantined scale"},
		{"decimal(18,2)", one(-2, 3), "ok a=30000"},
		{"decimal(18,2)", one(-30, 3), "quarantined overflow"},
		{"decimal(18,2)", one(-30, 0), "ok a=0"},
		{"decimal(18,2)", value(2, huge), "quarantined overflow"},
		{"string", one(2, 1250), "ok a=12.50"},
		{"string", one(2, -5), "ok a=-0.05"},
		{"string", one(-2, 3), "ok a=300"},
		{"string", one(-2, 0), "ok a=0"},
		{"string", value(10, huge), "ok a=-12345678901234567890.1234567890"},
		{"long", one(2, 1200), "ok a=12"},
		{"long", one(2, 1250), "quarantined scale"},
		{"int", one(0, 1<<31), "quarantined overflow"},
		{"double", one(2, 1250), "ok a=12.5"},
		{"json", one(2, 1250), `ok a={"scale":2,"value":"BOI="}`},
		{"boolean", one(2, 1250), "quarantined type"},
		{"timestamp", one(2, 1250), "quarantined type"},
		{"decimal(18,2)", `{"value":"BOI=","x":[{}],"scale":2}`, "ok a=1250"},
		{"decimal(18,2)", ` { "scale" : 2 , "value" : "BO\u0049=" } `, "ok a=1250"},
		{"decimal(18,2)", `null`, "ok a=null"},
		{"decimal(18,2)", `{"scale":null,"value":"BOI="}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2,"value":null}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2.0,"value":"BOI="}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2,"scale":2,"value":"BOI="}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":1001,"value":"BOI="}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2,"value":"BO"}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2,"value":""}`, "quarantined syntax"},
		{"decimal(18,2)", `{}`, "quarantined type"},
		{"decimal(18,2)", `{"scale":2,"value":"BOI="`, "quarantined syntax"},
		{"decimal(18,2)", `{"scale":2,"val\ud800ue":"BOI="}`, "quarantined encoding"},
		{"decimal(18,2)", `[1]`, "quarantined type"},
		{"decimal(18,2)", `1.25`, "ok a=125"},
		{"decimal(18,2)", `"1.25"`, "ok a=125"},
	} {
		table := tableOf(t, "a "+c.typ)
		table.Format = schema.ConnectJSONFormat
		whole := []byte(`{"schema":{"type":"struct","fields":[` + decimal + `"a"}]},"payload":{"a":` + c.value + `}}`)
		got := cells(t, table, rawOf(whole, []byte(`{"schema":null,"payload":{"a":null}}`), whole, whole))
		for _, row := range []int{0, 2, 3} {
			if !strings.HasPrefix(got[row], c.want) {
				t.Errorf("%s, row %d: %s: got %s, want %s", c.typ, row, c.value, got[row], c.want)
			}
		}
	}
	// Within lists, and each with its own scale.
	table := nestedTable(t, "list<decimal(18,4)>")
	table.Format = schema.ConnectJSONFormat
	b := decodeNested(t, table, `{"schema":{"type":"struct","fields":[{"type":"array","field":"x","items":`+decimal+`"i"}}]},"payload":{"n":1,"x":[`+one(2, 1250)+`,`+one(4, 7)+`,null]}}`)
	if got := shown(&b.Columns[1], table.Columns[1].Type, 0); got != "[12.5000,0.0007,null]" || b.Fates[0] != batch.Written {
		t.Errorf("got %s %s", b.Fates[0], got)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		unscaled, scale := rng.Int64()>>rng.IntN(64), rng.IntN(7)
		if rng.IntN(2) == 0 {
			unscaled = -unscaled
		}
		table := tableOf(t, "a string")
		table.Format = schema.ConnectJSONFormat
		got := cells(t, table, rawOf([]byte(`{"schema":{"type":"struct","fields":[`+decimal+`"a"}]},"payload":{"a":`+one(scale, unscaled)+`}}`)))
		want := "ok a=" + new(big.Rat).SetFrac(big.NewInt(unscaled), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
		if !strings.HasPrefix(got[0], want) {
			t.Fatalf("%d of scale %d: got %s, want %s", unscaled, scale, got[0], want)
		}
	}
}

// TestConnectDecimalAsText: a decimal of Connect is text with all its digits.
func TestConnectDecimalAsText(t *testing.T) {
	table := tableOf(t, "a string")
	table.Format = schema.ConnectJSONFormat
	value := `{"schema":{"type":"struct","fields":[{"field":"a","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]},"payload":{"a":`
	got := cells(t, table, rawOf([]byte(value+`"BOI="}}`), []byte(value+`"BO"}}`), []byte(value+`null}}`)))
	for row, want := range []string{"ok a=12.50", "quarantined type", "ok a=null"} {
		if !strings.HasPrefix(got[row], want) {
			t.Errorf("row %d: got %s, want %s", row, got[row], want)
		}
	}
}
