package schema_test

import (
	"strings"
	"testing"

	"tidemark/internal/schema"
)

func TestParseFrom(t *testing.T) {
	for _, c := range []struct {
		text  string
		steps string // each key in bars, each index in brackets
	}{
		{"state", "|state|"},
		{"customer.address.city", "|customer||address||city|"},
		{"items[0].sku", "|items|[0]|sku|"},
		{"a[12][999999]", "|a|[12][999999]"},
		{`"odd.name".city`, "|odd.name||city|"},
		{`a.$id."x[0]"[3]`, "|a||$id||x[0]|[3]"},
		{`a.$id`, "|a||$id|"},
		{`"$id"`, "|$id|"},
		{`"a\"b\\c d"`, `|a"b\c d|`},
		{"größe.ключ.名前", "|größe||ключ||名前|"},
		{"a-b_c@d/e:f#g", "|a-b_c@d/e:f#g|"},
		{"0.1", "|0||1|"},
	} {
		from, err := schema.ParseFrom(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := ""
		for _, s := range from.Path {
			if s.Index >= 0 {
				got += (schema.From{Path: []schema.Step{{Key: "x", Index: -1}, s}}).String()[1:]
			} else {
				got += "|" + s.Key + "|"
			}
		}
		if got != c.steps {
			t.Errorf("%s: got %s, want %s", c.text, got, c.steps)
		}
		if from.String() != c.text {
			t.Errorf("%s is written as %s", c.text, from)
		}
	}
	for text, want := range map[string]schema.From{
		"$key": {Part: schema.FromKey}, "$timestamp": {Part: schema.FromTimestamp},
		"$headers.a.b c": {Part: schema.FromHeader, Header: "a.b c"},
		"$envelope.op":   {Part: schema.FromEnvelope}, `$envelope."$x"[1].y`: {Part: schema.FromEnvelope},
	} {
		if got, err := schema.ParseFrom(text); err != nil || got.Part != want.Part || got.Header != want.Header || got.String() != text {
			t.Errorf("%s: got %+v (%s), %v", text, got, got, err)
		}
	}
}

func TestParseFromFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "at character 1: write a key",
		".":                      "at character 1: write a key",
		"a.":                     "at character 3: write a key",
		"größe..b":               "at character 7: write a key",
		"[0]":                    "at character 1: write a key",
		"a.[0]":                  "at character 3: write a key",
		"a b":                    "at character 2: write . and a key",
		"a\u00a0b":               "at character 2: write . and a key",
		"a\u200bb":               "at character 2: write . and a key",
		"a]":                     "at character 2: write . and a key",
		`a"b"`:                   "at character 2: write . and a key",
		`"a"b`:                   "at character 4: write . and a key",
		`a\b`:                    "at character 2: write . and a key",
		`"a`:                     "at character 3: the quote is not closed",
		`""`:                     "at character 1: write a key within the quotes",
		`"a\n"`:                  `at character 3: within quotes write \" for a quote`,
		"a[]":                    "at character 3: write an index from 0 to 999999",
		"a[-1]":                  "at character 3: write an index",
		"a[+1]":                  "at character 3: write an index",
		"a[01]":                  "at character 3: write an index",
		"a[1":                    "at character 3: write an index",
		"a[1000000]":             "at character 3: write an index",
		"a[0]b":                  "at character 5: write . and a key",
		"$headers.":              "write $key, $headers.NAME, $timestamp, or",
		"$headers":               "write $key, $headers.NAME, $timestamp, or",
		"$keys":                  "write $key, $headers.NAME, $timestamp, or",
		"$envelope":              "write $key",
		"$envelope.":             "at character 1: write a key",
		"$envelope.a..b":         "at character 3: write a key",
		"$offset":                "every row has this in its column _offset",
		"\xff":                   "write UTF-8",
		strings.Repeat("a.", 40): "a path has at most 32 steps",
	} {
		if got, err := schema.ParseFrom(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want %s", text, got, err, want)
		}
	}
}

// What a table says of columns that get in each other's way.
func TestValidateFrom(t *testing.T) {
	column := func(name, from string, aliases ...string) schema.Column {
		c := schema.Column{Name: name, Type: schema.Type{Kind: schema.String}, Aliases: aliases}
		if from != "" {
			var err error
			if c.From, err = schema.ParseFrom(from); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	whole := func(c schema.Column) schema.Column {
		c.Type.JSON = true
		return c
	}
	for _, c := range []struct {
		columns []schema.Column
		format  schema.Format
		want    string // "": sound
	}{
		{columns: []schema.Column{column("a", "x.a"), column("b", "x.b"), column("x", "y"), column("k", "$key"), column("l", "$key")}},
		{columns: []schema.Column{column("a", "b"), column("b", "a")}},
		{columns: []schema.Column{column("a", "x[0].a"), column("b", "x[0].b"), column("c", "x[1].a")}},
		{columns: []schema.Column{column("a", "", "b"), column("k", "b")}, want: `name "b" stands for both column a and column k`},
		{columns: []schema.Column{column("a", "b"), column("k", "b")}, want: `name "b" stands for both column a and column k`},
		{columns: []schema.Column{column("a", "b"), column("a", "c")}, want: `two columns named "a"`},
		{columns: []schema.Column{column("a", "x.y", "z")}, want: "from x.y is the one place"},
		{columns: []schema.Column{column("a", "$timestamp")}, want: "from $timestamp is a timestamp"},
		{columns: []schema.Column{column("x", ""), column("a", "x.y")}, want: "column x comes from x, and column a from within it"},
		{columns: []schema.Column{column("a", "x.y"), column("b", "", "x")}, want: "column b comes from x, and column a from within it"},
		{columns: []schema.Column{column("a", "x.y"), column("b", "x.y.z")}, want: "column a comes from x.y, and column b from within it"},
		{columns: []schema.Column{column("b", "x.y.z"), column("a", "x.y")}, want: "column a comes from x.y, and column b from within it"},
		{columns: []schema.Column{column("a", "x.y"), column("b", "x.y")}, want: "columns a and b both come from x.y"},
		{columns: []schema.Column{whole(column("x", "")), column("a", "x.y"), whole(column("b", "x.z")), column("c", "x.z[0]")}},
		{columns: []schema.Column{column("a", "x.y"), whole(column("b", "", "x"))}, want: "column b comes from x, and column a from within it"},
		{columns: []schema.Column{whole(column("a", "x.y")), whole(column("b", "x.y"))}, want: "columns a and b both come from x.y"},
		{columns: []schema.Column{column("a", "x.y"), column("b", "x[0]")}, want: "x is an object for one of columns a and b"},
		{columns: []schema.Column{column("a", "x.y")}, format: schema.CSVFormat, want: "a line of CSV has none"},
		{columns: []schema.Column{column("a", "y"), column("k", "$key")}, format: schema.CSVFormat},
		{columns: []schema.Column{{Name: "a", Type: schema.Type{Kind: schema.Long}, From: schema.From{Path: []schema.Step{{Index: 0}}}}}, want: "from is no path"},
	} {
		table := schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Format: c.format, Columns: c.columns}
		switch err := table.Validate(); {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c.columns, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// Whatever is read is written in a way that reads as the same.
func FuzzParseFrom(f *testing.F) {
	for _, s := range []string{"a.b[0].c", `"odd.name".city`, `"a\"\\".b`, "$key", "$headers.x", "$timestamp", "größe", "a[999999][0]", "a. b", "\u00a0", `"$"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, err := schema.ParseFrom(text)
		if err != nil {
			return
		}
		again, err := schema.ParseFrom(from.String())
		if err != nil || again.String() != from.String() || len(again.Path) != len(from.Path) || again.Part != from.Part || again.Header != from.Header {
			t.Fatalf("%q is written as %q, which reads as %+v, %v", text, from, again, err)
		}
		for i := range from.Path {
			if again.Path[i] != from.Path[i] {
				t.Fatalf("%q: step %d: got %+v, want %+v", text, i, again.Path[i], from.Path[i])
			}
		}
		if c := (schema.Column{Name: "c", Type: schema.Type{Kind: schema.Timestamp}, From: from}); c.From.Validate(&c) != nil {
			t.Fatalf("%q is read, but not valid: %v", text, c.From.Validate(&c))
		}
	})
}
