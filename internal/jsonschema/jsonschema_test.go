package jsonschema_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"tidemark/internal/jsonschema"
)

// told is the fields of a schema in words, or why there are none.
func told(s *jsonschema.Schema, err error) string {
	if bad := (*jsonschema.Error)(nil); errors.As(err, &bad) {
		return fmt.Sprintf("limit %t: %s", bad.Limit, bad.Why)
	}
	var out []string
	for i := range s.Root.Fields {
		out = append(out, s.Root.Fields[i].Name+" "+s.Root.Fields[i].Describe())
	}
	if s.Root.Closed {
		out = append(out, "closed")
	}
	return strings.Join(out, ", ")
}

func TestParse(t *testing.T) {
	const money = `{"$id":"https://bank.example/money.json","type":"object","properties":{"cents":{"type":"integer"}},"required":["cents"],"definitions":{"code":{"enum":["CHF","EUR"]}}}`
	for name, c := range map[string]struct{ text, want string }{
		"types":                {`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"number"},"c":{"type":"string"},"d":{"type":"boolean"},"e":{"type":"null"},"f":{"type":"array","items":{"type":"string"}},"g":{"type":"object"}},"required":["a","d"]}`, "a integer, b number?, c string?, d boolean, e null?, f array<string>?, g object?"},
		"order":                {`{"type":"object","properties":{"z":{},"a":{},"m":{}}}`, "z any?, a any?, m any?"},
		"formats":              {`{"properties":{"a":{"type":"string","format":"date"},"b":{"format":"date-time"},"c":{"type":"integer","format":"int64"}}}`, "a string date?, b string date-time?, c integer?"},
		"null beside a type":   {`{"properties":{"a":{"type":["null","integer"]},"b":{"type":["string","null"]}},"required":["a","b"]}`, "a integer?, b string?"},
		"several types":        {`{"properties":{"a":{"type":["string","integer"]},"b":{"type":["integer","number"]},"c":{"type":["number","integer","null"]}},"required":["a","b","c"]}`, "a any, b number, c number?"},
		"oneOf with null":      {`{"properties":{"a":{"oneOf":[{"type":"null"},{"type":"integer","title":"io.debezium.time.Date","connect.type":"int32"}]},"b":{"anyOf":[{"type":"integer"},{"type":"number"}]},"c":{"anyOf":[{"type":"string"},{"type":"object"}]}},"required":["a","b","c"]}`, "a Date?, b number, c any"},
		"lists":                {`{"properties":{"a":{"enum":["A","B"]},"b":{"const":1},"c":{"enum":["A",null]},"d":{"enum":[1,2.5]}},"required":["a","b","c","d"]}`, "a string, b integer, c string?, d number"},
		"references":           {`{"properties":{"a":{"$ref":"#/definitions/x"},"b":{"$ref":"#/$defs/y~1z"},"c":{"$ref":"#"}},"definitions":{"x":{"type":"integer"}},"$defs":{"y/z":{"type":"object","properties":{"q":{"type":"string"}}}}}`, "a integer?, b object{q string?}?, c any?"},
		"other documents":      {`{"properties":{"a":{"$ref":"money"},"b":{"$ref":"https://bank.example/money.json"},"c":{"$ref":"money#/definitions/code"}},"required":["a"]}`, "a object{cents integer}, b object{cents integer}?, c string?"},
		"the top refers":       {`{"$ref":"#/definitions/tx","definitions":{"tx":{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"additionalProperties":false}}}`, "id integer, closed"},
		"allOf":                {`{"allOf":[{"$ref":"money"},{"properties":{"at":{"format":"date-time"},"cents":{"type":"number"}}}],"required":["at"]}`, "cents number, at string date-time"},
		"allOf beside":         {`{"type":"object","properties":{"id":{"type":"integer"}},"allOf":[{"properties":{"at":{"format":"date"}}}]}`, "id integer?, at string date?"},
		"maps":                 {`{"properties":{"a":{"type":"object","additionalProperties":{"type":"integer"}}}}`, "a object<integer>?"},
		"OpenAPI's null":       {`{"properties":{"a":{"type":"string","nullable":true}},"required":["a"]}`, "a string?"},
		"true and false":       {`{"properties":{"a":true,"b":false}}`, "a any?, b any?"},
		"within itself":        {`{"$ref":"#/definitions/n","definitions":{"n":{"type":"object","properties":{"id":{"type":"integer"},"next":{"$ref":"#/definitions/n"},"all":{"type":"array","items":{"$ref":"#/definitions/n"}}}}}}`, "id integer?, next any?, all array<any>?"},
		"a circle":             {`{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}`, "limit false: is of any, and a row is an object with properties"},
		"Kafka Connect":        {`{"type":"object","title":"t","properties":{"amount":{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.type":"bytes","connect.parameters":{"scale":"2"},"connect.index":1},"id":{"type":"integer","connect.type":"int64","connect.index":0}}}`, "id integer?, amount Decimal?"},
		"no object":            {`{"type":"string"}`, "limit false: is of string, and a row is an object with properties"},
		"no properties":        {`{"type":"object"}`, "limit false: names no properties"},
		"any":                  {`true`, "limit false: is of any, and a row is an object with properties"},
		"no JSON":              {`{"type":`, "limit false: is no JSON: "},
		"two":                  {`{} {}`, "limit false: goes on behind its end"},
		"a key twice":          {`{"properties":{},"properties":{}}`, `limit false: has "properties" twice in an object`},
		"a type of its own":    {`{"properties":{"a":{"type":"decimal"}}}`, `limit false: has the type "decimal", which JSON does not have`},
		"a reference to none":  {`{"properties":{"a":{"$ref":"#/definitions/x"}}}`, `limit false: refers to "#/definitions/x", which is not there`},
		"another, not given":   {`{"properties":{"a":{"$ref":"https://elsewhere/x.json"}}}`, `limit false: refers to "https://elsewhere/x.json", which is none of its references`},
		"an anchor":            {`{"properties":{"a":{"$ref":"#here"}}}`, `limit false: refers to "#here": only places`},
		"a megabyte":           {`{"title":"` + strings.Repeat("x", 1<<20) + `"}`, "limit true: has more than 1 MiB"},
		"deep":                 {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "limit true: nests deeper than 200 levels"},
		"values":               {"[" + strings.Repeat("0,", 200_000) + "0]", "limit true: has more than 100,000 values"},
		"types within another": {strings.Repeat(`{"properties":{"a":`, 80) + `{}` + strings.Repeat("}}", 80), "limit true: has types that stand more than 64 deep"},
		"a billion": {`{"$ref":"#/definitions/d0","definitions":{` + func() string {
			var all []string
			for i := range 30 {
				all = append(all, fmt.Sprintf(`"d%d":{"properties":{"a":{"$ref":"#/definitions/d%d"},"b":{"$ref":"#/definitions/d%d"}}}`, i, i+1, i+1))
			}
			return strings.Join(all, ",")
		}() + `,"d30":{"type":"integer"}}}`, "limit true: comes to more than 20,000 types"},
		"no UTF-8": {"{\"title\":\"\xff\"}", "limit false: is not UTF-8"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s, err := jsonschema.Parse(c.text, jsonschema.Reference{Name: "money", Text: money})
		runtime.ReadMemStats(&after)
		if got := told(s, err); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
			t.Errorf("%s: %d bytes were allocated", name, took)
		}
		if err == nil && s.Bytes() <= 0 {
			t.Errorf("%s: it takes %d bytes", name, s.Bytes())
		}
	}
	if _, err := jsonschema.Parse(`{"$ref":"x"}`, jsonschema.Reference{Name: "x", Text: "{"}); err == nil || !strings.Contains(err.Error(), `it refers to "x", which is no JSON`) {
		t.Errorf("a reference that is no JSON: %v", err)
	}
	if s := jsonschema.Unread("no"); s.Why != "no" || len(s.Root.Fields) > 0 {
		t.Errorf("unread: %+v", s)
	}
}

// TestDescribe wants types that differ to have different texts, however long.
func TestDescribe(t *testing.T) {
	long := func(last string) string {
		s, err := jsonschema.Parse(`{"properties":{"a":{"type":"object","properties":{"a_name_that_is_longer_than_others":{"type":"string"},` +
			`"b_name_that_is_longer_than_others":{"type":"string"},"c_name_that_is_longer_than_others":{"type":"string"},"last":{"type":"` + last + `"}}}}}`)
		if err != nil {
			t.Fatal(err)
		}
		return s.Root.Fields[0].Describe()
	}
	a, b := long("integer"), long("number")
	if a == b || len(a) > 140 || !strings.Contains(a, "… ") {
		t.Errorf("%q, %q", a, b)
	}
}

// FuzzParse: whatever the text, there is an end, and no more memory than the text may cost.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`{"type":"object","properties":{"a":{"$ref":"#/definitions/b"}},"definitions":{"b":{"anyOf":[{"type":"null"},{"enum":[1]}]}}}`, `{"allOf":[{"properties":{"a":{"items":{"$ref":"#"}}}}],"required":["a"]}`, "[[1]]", `{"$ref":"#"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s, err := jsonschema.Parse(text)
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(2048*len(text)+16<<20); took > most {
			t.Fatalf("%d bytes were allocated for %d", took, len(text))
		}
		if (err == nil) != (s != nil) {
			t.Fatal("neither a schema nor an error")
		}
		if err == nil {
			told(s, nil)
		}
	})
}

// TestParseConnect: schemas of Kafka Connect say what their fields are.
func TestParseConnect(t *testing.T) {
	of := func(fields string) string { return `{"type":"struct","fields":[` + fields + `],"optional":false}` }
	deep := `{"type":"int64"}`
	for range 70 {
		deep = `{"type":"array","items":` + deep + `}`
	}
	for text, want := range map[string]string{
		of(`{"field":"a","type":"int64"},{"field":"b","type":"string","optional":true},{"field":"c","type":"boolean"},{"field":"d","type":"double"}`):                                                                                                                                                                    "a integer, b string?, c boolean, d number, closed",
		of(`{"field":"a","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},{"field":"b","type":"struct","name":"core.Value","fields":[{"field":"x","type":"int8"}]}`):                                                                                                            "a Decimal, b object{x integer}, closed",
		of(`{"field":"a","type":"array","items":{"type":"string","optional":true}},{"field":"b","type":"map","keys":{"type":"string"},"values":{"type":"int64"}},{"field":"c","type":"map","keys":{"type":"int64"},"values":{"type":"int64"}},{"field":"d","type":"array"},{"field":"e","type":"struct"},{"field":"f"}`): "a array<string?>, b object<integer>, c array, d array, e object, f any, closed",
		of(`{"field":"a","type":"string","name":"io.debezium.time.ZonedTimestamp"}`): "a ZonedTimestamp, closed",
		of(``):              "limit false: names no fields",
		`{"type":"string"}`: "limit false: is no schema of Kafka Connect for a struct",
		`{"type":"struct"}`: "limit false: names no fields",
		`{"type":"object","properties":{"a":{}}}`: "limit false: is no schema of Kafka Connect for a struct",
		`[]`: "limit false: is no schema of Kafka Connect for a struct",
		`{"`: "limit false: is no JSON: ",
		of(`{"field":"a","type":"int64"},{"field":"a","type":"int64"}`):                 `limit false: has the field "a" twice`,
		of(`{"field":"a","type":"array","items":` + deep + `}`):                         "limit true: has types that stand more than 64 deep in each other",
		of(strings.Repeat(`{"field":"a","type":"int64"},`, 20_000) + `{"type":"int8"}`): `limit false: has the field "a" twice`,
	} {
		if got := told(jsonschema.ParseConnect(text)); !strings.HasPrefix(got, want) || want == "" {
			t.Errorf("%.200s: got %s, want %s", text, got, want)
		}
	}
	var wide strings.Builder
	for i := range 20_001 {
		fmt.Fprintf(&wide, `{"field":"f%d","type":"int64"},`, i)
	}
	if got := told(jsonschema.ParseConnect(of(strings.TrimSuffix(wide.String(), ",")))); got != "limit true: comes to more than 20,000 types" {
		t.Errorf("got %.200s", got)
	}
}

// FuzzParseConnect: whatever the text, there is an end, and no more memory than the text may cost.
func FuzzParseConnect(f *testing.F) {
	f.Add(`{"type":"struct","fields":[{"field":"a","type":"map","keys":{"type":"string"},"values":{"type":"array","items":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s, err := jsonschema.ParseConnect(text)
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(2048*len(text)+16<<20); took > most {
			t.Fatalf("%d bytes were allocated for %d", took, len(text))
		}
		if (err == nil) != (s != nil) {
			t.Fatal("neither a schema nor an error")
		}
	})
}
