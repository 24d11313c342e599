package conform_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// envelopeTables are corpusTable with each kind of thing around its rows.
func envelopeTables(tb testing.TB) []*schema.Table {
	tb.Helper()
	var out []*schema.Table
	for i, f := range []schema.Format{schema.JSONFormat, schema.ConnectJSONFormat, schema.ConnectJSONFormat} {
		t := corpusTable(tb)
		t.Format = f
		if i == 2 {
			out = append(out, t)
			break
		}
		t.Columns = append(t.Columns, parseColumn(tb, "lsn long null from=$envelope.source.lsn"), parseColumn(tb, "was string null from=$envelope.before.status"))
		t.AddChange()
		out = append(out, t)
	}
	return out
}

// aroundRows are ways to write what stands around rows: ROW is one.
var aroundRows = []string{
	`{"before":null,"after":ROW,"source":{"lsn":7},"op":"c","ts_ms":5}`,
	`{"op":"d","before":ROW,"after":null,"source":{"lsn":7}}`,
	`{"schema":{"type":"struct","fields":[{"field":"id","type":"int64"},{"field":"amount","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]},"payload":ROW}`,
	`{"payload":ROW,"schema":null}`,
	`{"schema":null,"payload":{"op":"u","after":ROW}}`,
	`{"op":"t","ts_ms":5}`,
}

func around(text string, row []byte) []byte {
	return []byte(strings.Replace(text, "ROW", string(row), 1))
}

// Whatever the bytes: no panic, the same with short cuts as without, the records around them
// untouched, a cost that their length bounds, and what is accepted is JSON.
func FuzzEnvelope(f *testing.F) {
	for i, text := range aroundRows {
		f.Add(around(text, good[0]), byte(i))
		f.Add(around(text, []byte(`{"id":1,"amount":"AQI=","at":5}`)), byte(i))
		f.Add(around(text, []byte(asText(`{"id":{"$numberLong":"1"},"amount":{"$numberDecimal":"1.5"},"at":{"$date":{"$numberLong":"5"}}}`))), byte(i))
		f.Add(around(strings.Replace(text, "data.Decimal", "data.VariableScaleDecimal", 1), []byte(`{"id":1,"amount":{"scale":2,"value":"AQI="}}`)), byte(i))
	}
	f.Add(around(strings.Replace(aroundRows[2], "org.apache.kafka.connect.data.Decimal", "io.debezium.data.VariableScaleDecimal", 1), []byte(`{"id":1,"amount":{"scale":-2,"value":"AQI="}}`)), byte(2))
	for _, c := range corpus(f) {
		if len(c.value) < 1<<10 {
			f.Add(around(aroundRows[0], c.value), byte(0))
		}
	}
	tables := envelopeTables(f)
	f.Fuzz(func(t *testing.T, value []byte, kind byte) {
		table := tables[int(kind)%len(tables)]
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		fine := around(aroundRows[0], good[0])
		if table.Format == schema.ConnectJSONFormat {
			fine = around(`{"schema":null,"payload":ROW}`, fine)
		}
		if !table.Debezium {
			fine = around(aroundRows[3], good[0])
		}
		values := [][]byte{fine, fine, fine, fine, value, fine, value, value, fine}
		b := bothWays(t, plan, table, dirty(fine, values))
		want := outcome(b, 0)
		for row, v := range values {
			if bytes.Equal(v, fine) && (b.Fates[row] != batch.Written || outcome(b, row) != want) {
				t.Fatalf("row %d is %s, want a good record untouched", row, outcome(b, row))
			}
		}
		accepted := b.Fates[4] == batch.Written || b.Fates[4] == batch.Filtered
		if accepted && !json.Valid(bytes.TrimPrefix(value, []byte("\xef\xbb\xbf"))) {
			t.Fatalf("%q is %s, and no JSON", value, outcome(b, 4))
		}
		d := plan.Decoder()
		raw := rawOf(value)
		var alone batch.Batch
		alone.Reset(table, raw, 0, 1)
		before := allocated()
		d.Decode(&alone)
		if got, most := allocated()-before, uint64(64*len(value)+1<<20); got > most {
			t.Fatalf("%d bytes are allocated for a record of %d, want %d at most", got, len(value), most)
		}
	})
}

// F4: short cuts change nothing where bytes of an envelope are taken out, put in and replaced.
func TestF4MutilatedEnvelopes(t *testing.T) {
	const bytesOfJSON = `{}[]":,{}":,0129.-etnulcdop ` + "\n\x00\x80\\"
	for seed, table := range envelopeTables(t) {
		rng := rand.New(rand.NewPCG(uint64(seed), 9))
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		var values [][]byte
		for range 6 {
			for _, text := range aroundRows {
				row := good[rng.IntN(2)]
				if rng.IntN(4) == 0 {
					row = []byte(asText(string(row)))
				}
				whole := around(text, row)
				if rng.IntN(2) == 0 {
					whole = around(aroundRows[2+rng.IntN(2)], whole)
				}
				values = append(values, whole, whole)
				for range 60 {
					v := bytes.Clone(whole)
					for range 1 + rng.IntN(2) {
						at := rng.IntN(len(v))
						switch n := rng.IntN(min(20, len(v)-at)); rng.IntN(4) {
						case 0:
							v = append(v[:at], v[at+n:]...)
						case 1:
							v[at] = bytesOfJSON[rng.IntN(len(bytesOfJSON))]
						case 2:
							v = slices.Insert(v, at+n, v[at:at+n]...)
						case 3:
							v = slices.Insert(v, at, bytesOfJSON[rng.IntN(len(bytesOfJSON))])
						}
						v = append(v, ' ')
					}
					values = append(values, v)
				}
			}
		}
		b := bothWays(t, plan, table, dirty(values[0], values))
		for row, value := range values {
			if (b.Fates[row] == batch.Written || b.Fates[row] == batch.Filtered) && !json.Valid(value) {
				t.Fatalf("table %d, row %d was accepted, encoding/json calls it invalid: %s", seed, row, value)
			}
			inText := bytes.Contains(value, []byte(`\"`)) // a row that is a text, which need not be JSON
			if json.Valid(value) && !inText && rejectOf(b, row) == conform.ReasonSyntax {
				t.Fatalf("table %d, row %d was rejected for its syntax, encoding/json calls it valid: %s", seed, row, value)
			}
		}
	}
}

// The depth of a value is counted from the top of the record.
func TestDepthWithinAnEnvelope(t *testing.T) {
	for _, table := range envelopeTables(t) {
		levels := 1 // above the row
		if table.Debezium && table.Format == schema.ConnectJSONFormat {
			levels = 2
		}
		for _, column := range []string{"more", "status"} {
			for deep, want := range map[int]string{98 - levels: "", 99 - levels: "", 100 - levels: conform.ReasonLimit} {
				row := []byte(`{"id":1,"` + column + `":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}`)
				value := around(aroundRows[0], row)
				if !table.Debezium {
					value = around(aroundRows[3], row)
				} else if table.Format == schema.ConnectJSONFormat {
					value = around(aroundRows[3], value)
				}
				plan, err := conform.Compile(table)
				if err != nil {
					t.Fatal(err)
				}
				b := bothWays(t, plan, table, rawOf(value, value, value))
				if want == "" && column == "status" {
					want = conform.ReasonType
				}
				for at := range 3 {
					if got := rejectOf(b, at); got != want {
						t.Errorf("%v, debezium %v, %d levels in %s: got %q, want %q", table.Format, table.Debezium, deep, column, got, want)
					}
				}
			}
		}
	}
}
