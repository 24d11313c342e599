package conform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// nestedTable has a column x of the type, and the number n in front of it.
func nestedTable(t testing.TB, typ string) *schema.Table {
	t.Helper()
	of, err := schema.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	return &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Columns: []schema.Column{
		{Name: "n", Type: schema.Type{Kind: schema.Long}},
		{Name: "x", Type: of, Default: schema.Value{Null: true}},
	}}
}

// decodeNested decodes records, each a row.
func decodeNested(t testing.TB, table *schema.Table, records ...string) *batch.Batch {
	t.Helper()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i, r := range records {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: []byte(r)})
	}
	b := &batch.Batch{}
	b.Reset(table, raw, 0, len(records))
	plan.Decoder().Decode(b)
	return b
}

// shown is a row of a nested vector as JSON, with text as it is.
func shown(v *batch.Vector, t schema.Type, row int) string {
	if v.Mark(row) == batch.Null {
		return "null"
	}
	var parts []string
	switch t.Kind {
	case schema.List:
		for i := v.Offsets[row]; i < v.Offsets[row+1]; i++ {
			parts = append(parts, shown(&v.Children[0], t.Of[0].Type, int(i)))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case schema.Map:
		for i := v.Offsets[row]; i < v.Offsets[row+1]; i++ {
			parts = append(parts, shown(&v.Children[0], t.Of[0].Type, int(i))+":"+shown(&v.Children[1], t.Of[1].Type, int(i)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case schema.Struct:
		for i, in := range t.Of {
			parts = append(parts, `"`+in.Name+`":`+shown(&v.Children[i], in.Type, row))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case schema.String, schema.Binary:
		return `"` + string(v.Text(row)) + `"`
	}
	return schema.Value{Int: v.Ints[row]}.Text(t)
}

// F1, F3, F5: what nested values become, and what rejects them.
func TestNested(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"list<long>", `null`, `null`},
		{"list<long>", `[]`, `[]`},
		{"list<long>", ` [ null ] `, `[null]`},
		{"list<long>", `[1,null,2]`, `[1,null,2]`},
		{"list<long>", `{}`, `type at byte 11: an array, for list<long>`},
		{"list<long>", `7`, `type at byte 11: an array, for list<long>`},
		{"list<long>", `"[1]"`, `type at byte 11: an array, for list<long>`},
		{"list<long>", `[1,"x"]`, `type at byte 14: a whole number of 64 bits`},
		{"list<long>", `[1,[2]]`, `type at byte 14: a whole number of 64 bits`},
		{"list<long>", `[9223372036854775808]`, `overflow at byte 12: a whole number of 64 bits`},
		{"list<long>", `[1,]`, `syntax`},
		{"list<long>", `[1 2]`, `syntax`},
		{"list<decimal(4,2)>", `[1.5,-0.25,12.340]`, `[1.50,-0.25,12.34]`},
		{"list<decimal(4,2)>", `[1.234]`, `scale at byte 12: a number that fits decimal(4,2)`},
		{"list<boolean>", `[true,false,null]`, `[true,false,null]`},
		{"list<date>", `["2026-11-22"]`, `[2026-11-22]`},
		{"list<date>", `["2026-02-30"]`, `time at byte 12: a date such as 2026-11-22`},
		{"list<timestamp>", `["2026-11-22T10:15:30.5Z"]`, `[2026-11-22T10:15:30.5Z]`},
		{"list<binary>", `["AAE="]`, "[\"\x00\x01\"]"},
		{"list<string>", `["","é","\u00e9","a\"b"]`, `["","é","é","a"b"]`},
		{"list<string>", `["\ud800"]`, `encoding at byte 13: surrogates in pairs`},
		{"list<json>", `[{"a":[1]},null,7]`, `["{"a":[1]}",null,"7"]`},
		{"map<string,long>", `{}`, `{}`},
		{"map<string,long>", `{"a":1,"":null}`, `{"a":1,"":null}`},
		{"map<string,long>", `{"a":1,"\u0061":2}`, `duplicate_key`},
		{"map<string,long>", `[]`, `type at byte 11: an object, for map<string,long>`},
		{"map<string,list<long>>", `{"a":[1,2],"b":[],"c":null,"d":[null]}`, `{"a":[1,2],"b":[],"c":null,"d":[null]}`},
		{"map<string,map<string,long>>", `{"a":{"a":1},"b":{"a":1}}`, `{"a":{"a":1},"b":{"a":1}}`},
		{"map<string,map<string,long>>", `{"a":{"z":1},"a":{}}`, `duplicate_key`},
		{"struct<a:int,b:string>", `{}`, `{"a":null,"b":null}`},
		{"struct<a:int,b:string>", `{"b":"x"}`, `{"a":null,"b":"x"}`},
		{"struct<a:int,b:string>", `{"b":"x","c":[1,{"d":2}],"a":7}`, `{"a":7,"b":"x"}`},
		{"struct<a:int,b:string>", `{"a":1,"a":1}`, `duplicate_key`},
		{"struct<a:int,b:string>", `{"a":{}}`, `type at byte 16: a whole number of 32 bits`},
		{"struct<a:int,l:list<struct<x:int>>>", `{"l":[{"x":1},null,{}]}`, `{"a":null,"l":[{"x":1},null,{"x":null}]}`},
		{"list<struct<a:int,l:list<int>>>", `[{"l":[1,2]},{"a":1},null,{"l":null,"a":2},{"l":[]}]`,
			`[{"a":null,"l":[1,2]},{"a":1,"l":null},null,{"a":2,"l":null},{"a":null,"l":[]}]`},
		{"list<list<list<int>>>", `[[],[[]],[[1],[2,3],null],null]`, `[[],[[]],[[1],[2,3],null],null]`},
	} {
		table := nestedTable(t, c.typ)
		record := `{"n":1,"x":` + c.value + `}`
		// The neighbours are as they were, whatever stands between them.
		b := decodeNested(t, table, `{"n":0,"x":null}`, record, record, `{"n":3}`, record)
		for _, row := range []int{1, 2, 4} {
			got := shown(&b.Columns[1], table.Columns[1].Type, row)
			if b.Fates[row] == batch.Quarantined {
				for _, r := range b.Rejects {
					if int(r.Row) == row {
						got, _, _ = strings.Cut(strings.ReplaceAll(b.Detail([]batch.Reject{r}), ": column x", ""), ", got")
						break
					}
				}
			}
			if got != c.want && !(b.Fates[row] == batch.Quarantined && strings.HasPrefix(got, c.want)) {
				t.Errorf("%s, row %d: %s: got %s, want %s", c.typ, row, c.value, got, c.want)
			}
		}
		for _, row := range []int{0, 3} {
			if got := shown(&b.Columns[1], table.Columns[1].Type, row); got != "null" || b.Fates[row] != batch.Written {
				t.Errorf("%s: row %d beside %s: got %s %s", c.typ, row, c.value, b.Fates[row], got)
			}
		}
		if got := b.Columns[1].Rows(); got != b.Rows {
			t.Errorf("%s: got %d rows, want %d", c.typ, got, b.Rows)
		}
	}
}

// F6: a million values are too many, and the record alone is rejected.
func TestNestedLimit(t *testing.T) {
	many := `{"x":[` + strings.Repeat("1,", 999_999) + `1]}`
	fewer := `{"x":[` + strings.Repeat("1,", 999_997) + `1]}`
	b := decodeNested(t, nestedTable(t, "list<int>"), fewer, many, `{"x":[1]}`)
	if got, want := b.Fates, []batch.Fate{batch.Written, batch.Quarantined, batch.Written}; got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(b.Rejects) != 1 || b.Rejects[0].Reason != conform.ReasonLimit || b.Rejects[0].Column != 1 {
		t.Errorf("got %+v, want a limit of column 1", b.Rejects)
	}
}

// What a struct has no field for is left out, and told once.
func TestNestedDrift(t *testing.T) {
	b := decodeNested(t, nestedTable(t, "list<struct<a:int>>"), `{"n":1,"x":[{"a":1,"b":2},{"b":3}]}`, `{"n":1,"x":[{"b":1}]}`)
	if len(b.Drift) != 1 || b.Drift[0].Change != "extra" || b.Drift[0].Column != "x.b" || b.Drift[0].Count != 2 {
		t.Errorf("got %+v, want one extra x.b of 2 records", b.Drift)
	}
}

// A required column is neither null nor missing; one under an alias, and one from within, are
// read as others.
func TestNestedPlaces(t *testing.T) {
	table := nestedTable(t, "list<int>")
	table.Columns[1].Required = true
	b := decodeNested(t, table, `{"n":1,"x":null}`, `{"n":1}`, `{"n":1,"x":[]}`)
	if b.Fates[0] != batch.Quarantined || b.Fates[1] != batch.Quarantined || b.Fates[2] != batch.Written {
		t.Errorf("got %v", b.Fates)
	}
	table = nestedTable(t, "list<int>")
	table.Columns[1].Aliases = []string{"y"}
	b = decodeNested(t, table, `{"n":1,"y":[1],"x":[2,3]}`, `{"n":1,"y":[4]}`)
	typ := table.Columns[1].Type
	if got := shown(&b.Columns[1], typ, 0) + shown(&b.Columns[1], typ, 1); got != "[2,3][4]" {
		t.Errorf("got %s", got)
	}
	table = nestedTable(t, "list<int>")
	table.Columns[1].From, _ = schema.ParseFrom("o.deep.x")
	b = decodeNested(t, table, `{"n":1,"o":{"deep":{"x":[1,2]}}}`, `{"n":1,"o":null}`, `{"n":1,"o":{"deep":{"x":[true]}}}`, `{"n":1,"o":{"deep":{"x":[7]}}}`)
	if got := shown(&b.Columns[1], typ, 0) + shown(&b.Columns[1], typ, 1) + shown(&b.Columns[1], typ, 3); got != "[1,2]null[7]" || b.Fates[2] != batch.Quarantined {
		t.Errorf("got %s %v", got, b.Fates)
	}
}

// randomJSON makes a value of a type as JSON: what goes in, and what comes out of it.
func randomJSON(r *rand.Rand, t schema.Type) string {
	space := strings.Repeat(" ", r.IntN(2))
	if r.IntN(6) == 0 {
		return "null"
	}
	var parts []string
	switch t.Kind {
	case schema.List:
		for range r.IntN(5) {
			parts = append(parts, space+randomJSON(r, t.Of[0].Type)+space)
		}
		return "[" + space + strings.Join(parts, ",") + "]"
	case schema.Map:
		for i := range r.IntN(5) {
			parts = append(parts, fmt.Sprintf(`%s"k%d"%s:%s%s`, space, i, space, space, randomJSON(r, t.Of[1].Type)))
		}
		return "{" + space + strings.Join(parts, ",") + "}"
	case schema.Struct:
		for _, i := range r.Perm(len(t.Of)) {
			if r.IntN(4) > 0 {
				parts = append(parts, fmt.Sprintf(`%q:%s%s`, t.Of[i].Name, space, randomJSON(r, t.Of[i].Type)))
			}
		}
		return "{" + strings.Join(parts, ","+space) + space + "}"
	case schema.String:
		return []string{`""`, `"a"`, `"é"`, `"a longer text than fits"`, `"x7"`}[r.IntN(5)]
	case schema.Boolean:
		return []string{"true", "false"}[r.IntN(2)]
	}
	return strconv.Itoa(r.IntN(2000) - 1000)
}

// asGo is a value as encoding/json has it, with nulls where a struct has no field.
func asGo(v any, t schema.Type) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = asGo(v[i], t.Of[0].Type)
		}
	case map[string]any:
		if t.Kind == schema.Map {
			for k := range v {
				v[k] = asGo(v[k], t.Of[1].Type)
			}
			return v
		}
		for _, in := range t.Of {
			v[in.Name] = asGo(v[in.Name], in.Type)
		}
	}
	return v
}

// Random documents are what encoding/json takes them for, in one batch and with one decoder.
func TestNestedAgreesWithEncodingJSON(t *testing.T) {
	for seed, typ := range []string{
		"list<long>", "list<list<list<boolean>>>", "map<string,list<long>>", "struct<a:int,b:string,c:list<string>>",
		"list<struct<a:int,m:map<string,string>>>", "map<string,map<string,struct<x:long,y:boolean>>>", "struct<s:struct<t:struct<u:int,v:string>,w:int>>",
	} {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		table := nestedTable(t, typ)
		of := table.Columns[1].Type
		var records, values []string
		for range 3000 {
			value := randomJSON(r, of)
			values = append(values, value)
			record := `{"n":1,"x":` + value + `}`
			if r.IntN(20) == 0 {
				record = record[:len(record)-1] + `,"x":[]}` // twice: rejected
			}
			records = append(records, record)
		}
		b := decodeNested(t, table, records...)
		for row := range records {
			if b.Fates[row] == batch.Quarantined {
				if !strings.HasSuffix(records[row], `"x":[]}`) {
					t.Fatalf("%s: %s is rejected: %+v", typ, records[row], b.Rejects)
				}
				continue
			}
			var got, want any
			if err := errors.Join(json.Unmarshal([]byte(shown(&b.Columns[1], of, row)), &got), json.Unmarshal([]byte(values[row]), &want)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, asGo(want, of)) {
				t.Fatalf("%s: got %v for %s", typ, got, values[row])
			}
		}
	}
}

// Whatever the bytes, columns have a value for each row, lists end where they should, and the
// record beside is as it was.
func FuzzNested(f *testing.F) {
	types := []string{"list<decimal(9,2)>", "map<string,list<long>>", "struct<a:int,b:list<string>>", "list<struct<a:timestamp,b:json>>"}
	for i := range types {
		f.Add([]byte(`{"n":1,"x":[1,null,{"a":1,"b":["x"]}]}`), byte(i))
		f.Add([]byte(`{"x":{"a":[1,2],"b":null},"n":2}`), byte(i))
	}
	f.Fuzz(func(t *testing.T, record []byte, which byte) {
		table := nestedTable(t, types[int(which)%len(types)])
		b := decodeNested(t, table, `{"n":0,"x":null}`, string(record), `{"n":2,"x":null}`)
		if v := &b.Columns[1]; v.Rows() != 3 || v.Mark(0) != batch.Null || v.Mark(2) != batch.Null {
			t.Errorf("got %d rows, %v", v.Rows(), v.Marks)
		}
		if b.Fates[1] == batch.Written && !json.Valid(bytes.TrimPrefix(record, []byte("\xef\xbb\xbf"))) {
			t.Errorf("%q is written", record)
		}
		_ = shown(&b.Columns[1], table.Columns[1].Type, 1)
	})
}

// What nested columns hold is counted while it is decoded: a batch of which too much becomes says
// how many rows fit, and these do. One row always does.
func TestNestedRoom(t *testing.T) {
	table := nestedTable(t, "list<struct<a:long,b:long,c:long,d:long>>")
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i := range 10 {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: []byte(`{"x":[` + strings.Repeat("{},", 249) + `{}]}`)}) // 1,000 values
	}
	d := plan.Decoder()
	d.Room = 50_000
	var b batch.Batch
	for _, c := range []struct{ first, rows, fits int }{{0, 10, 4}, {0, 4, 0}, {4, 6, 4}, {8, 2, 0}, {3, 1, 0}} {
		b.Reset(table, raw, c.first, c.rows)
		if got := d.Decode(&b).Fits; got != c.fits {
			t.Errorf("of %d rows %d fit, want %d", c.rows, got, c.fits)
		}
	}
	d.Room = 1
	for _, rows := range []int{1, 2, 10} {
		b.Reset(table, raw, 0, rows)
		if got := d.Decode(&b).Fits; got != btoi(rows > 1) {
			t.Errorf("without room, of %d rows %d fit", rows, got)
		}
	}
	d.Room = 0
	b.Reset(table, raw, 0, 10)
	if got := d.Decode(&b); got != (conform.Report{}) || b.Columns[1].Bytes() < 50_000 {
		t.Errorf("got %+v, %d bytes", got, b.Columns[1].Bytes())
	}
}
