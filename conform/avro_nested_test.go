package conform_test

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// madeNested is a made up type of Avro beside a column's, and how to make values of it: as
// goavro takes them, and as JSON.
type madeNested struct {
	text  string
	label string // in a union, as goavro names it
	value func(r *rand.Rand) (native any, text string)
}

// nestedMaker makes up types.
type nestedMaker struct {
	r     *rand.Rand
	names int
}

func (m *nestedMaker) name() string {
	m.names++
	return fmt.Sprintf("t%d", m.names)
}

// of is a type that becomes one of a column.
func (m *nestedMaker) of(t schema.Type) madeNested {
	one := m.bare(t)
	switch m.r.IntN(5) {
	case 0:
		return optionalNested(one, `["null",`+one.text+`]`)
	case 1:
		return optionalNested(one, `[`+one.text+`,"null"]`)
	case 2:
		if t.Kind != schema.Boolean {
			return optionalNested(one, `["boolean",`+one.text+`,"null"]`)
		}
	}
	return one
}

func optionalNested(one madeNested, text string) madeNested {
	return madeNested{text, "", func(r *rand.Rand) (any, string) {
		if r.IntN(5) == 0 {
			return nil, "null"
		}
		v, text := one.value(r)
		return map[string]any{one.label: v}, text
	}}
}

func (m *nestedMaker) bare(t schema.Type) madeNested {
	switch t.Kind {
	case schema.List:
		return m.array(m.of(t.Of[0].Type))
	case schema.Map:
		if m.r.IntN(4) == 0 {
			var fields []schema.Inner
			for i := range m.r.IntN(4) {
				fields = append(fields, schema.Inner{Name: fmt.Sprintf("k%d", i), Type: t.Of[1].Type})
			}
			return m.record(fields)
		}
		return m.object(m.of(t.Of[1].Type), "a", "", "é", "k7", "a key of more than sixteen")
	case schema.Struct:
		return m.ofStruct(t)
	}
	return m.scalar(t)
}

func (m *nestedMaker) array(of madeNested) madeNested {
	return madeNested{`{"type":"array","items":` + of.text + `}`, "array", func(r *rand.Rand) (any, string) {
		native, texts := []any{}, []string{}
		for range r.IntN(4) * r.IntN(3) {
			v, text := of.value(r)
			native, texts = append(native, v), append(texts, text)
		}
		return native, "[" + strings.Join(texts, ",") + "]"
	}}
}

func (m *nestedMaker) object(of madeNested, keys ...string) madeNested {
	return madeNested{`{"type":"map","values":` + of.text + `}`, "map", func(r *rand.Rand) (any, string) {
		native, texts := map[string]any{}, []string{}
		// Of one key alone: goavro goes through maps in any order.
		for _, key := range keys {
			if len(texts) == 0 && r.IntN(2) == 0 {
				v, text := of.value(r)
				native[key], texts = v, append(texts, strconv.Quote(key)+":"+text)
			}
		}
		return native, "{" + strings.Join(texts, ",") + "}"
	}}
}

func (m *nestedMaker) ofStruct(t schema.Type) madeNested {
	same := true
	for _, in := range t.Of {
		same = same && in.Type.String() == t.Of[0].Type.String()
	}
	if same && m.r.IntN(2) == 0 {
		return m.object(m.of(t.Of[0].Type), t.Of[0].Name, "none", t.Of[len(t.Of)-1].Name)
	}
	var fields []schema.Inner
	for _, i := range m.r.Perm(len(t.Of)) {
		if m.r.IntN(5) > 0 {
			fields = append(fields, t.Of[i])
		}
		if m.r.IntN(5) == 0 {
			extra := []schema.Type{{Kind: schema.Long}, {Kind: schema.String}, schema.ListOf(schema.Type{Kind: schema.Double})}
			fields = append(fields, schema.Inner{Name: m.name(), Type: extra[m.r.IntN(3)]})
		}
	}
	return m.record(fields)
}

func (m *nestedMaker) record(fields []schema.Inner) madeNested {
	var made []madeNested
	var texts []string
	for _, f := range fields {
		one := m.of(f.Type)
		made, texts = append(made, one), append(texts, fieldOf(f.Name, one.text))
	}
	name := m.name()
	return madeNested{`{"type":"record","name":"` + name + `","fields":[` + strings.Join(texts, ",") + `]}`, name, func(r *rand.Rand) (any, string) {
		native, texts := map[string]any{}, []string{}
		for i, f := range fields {
			v, text := made[i].value(r)
			native[f.Name], texts = v, append(texts, strconv.Quote(f.Name)+":"+text)
		}
		return native, "{" + strings.Join(texts, ",") + "}"
	}}
}

func (m *nestedMaker) scalar(t schema.Type) madeNested {
	logical := func(base, name string) (text, label string) {
		return `{"type":"` + base + `","logicalType":"` + name + `"}`, base + "." + name
	}
	switch t.Kind {
	case schema.Int, schema.Long:
		if t.Kind == schema.Int && m.r.IntN(2) == 0 {
			return madeNested{`"int"`, "int", func(r *rand.Rand) (any, string) {
				x := int32(wholeOf(32)(r))
				return x, strconv.Itoa(int(x))
			}}
		}
		return madeNested{`"long"`, "long", func(r *rand.Rand) (any, string) { // it may be beyond an int
			x := r.Int64N(1000)
			if r.IntN(40) == 0 {
				x = wholeOf(64)(r)
			}
			return x, strconv.FormatInt(x, 10)
		}}
	case schema.Double:
		return madeNested{`"double"`, "double", func(r *rand.Rand) (any, string) {
			x := r.NormFloat64() * 1e6
			return x, strconv.FormatFloat(x, 'g', -1, 64)
		}}
	case schema.Boolean:
		return madeNested{`"boolean"`, "boolean", func(r *rand.Rand) (any, string) {
			x := r.IntN(2) == 0
			return x, strconv.FormatBool(x)
		}}
	case schema.Decimal:
		return madeNested{`{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}`, "bytes.decimal", func(r *rand.Rand) (any, string) {
			x := big.NewRat(r.Int64N(2e9)-1e9, 100)
			text := x.FloatString(2)
			return x, text
		}}
	case schema.Date:
		text, label := logical("int", "date")
		return madeNested{text, label, func(r *rand.Rand) (any, string) {
			at := time.Unix(86400*r.Int64N(30000), 0).UTC()
			return at, at.Format(`"2006-01-02"`)
		}}
	case schema.Timestamp:
		text, label := logical("long", "timestamp-micros")
		return madeNested{text, label, func(r *rand.Rand) (any, string) {
			at := time.UnixMicro(r.Int64N(4e15)).UTC()
			return at, at.Format(`"2006-01-02T15:04:05.000000Z"`)
		}}
	case schema.Binary:
		return madeNested{`"bytes"`, "bytes", func(r *rand.Rand) (any, string) {
			x := []byte{byte(r.Uint32()), 0xff}[:r.IntN(3)]
			return x, `"` + base64.StdEncoding.EncodeToString(x) + `"`
		}}
	}
	if t.JSON {
		one := m.array(m.object(madeNested{`"string"`, "string", func(r *rand.Rand) (any, string) { return "x", `"x"` }}, "k"))
		return one
	}
	if m.r.IntN(4) == 0 {
		name := m.name()
		return madeNested{`{"type":"enum","name":"` + name + `","symbols":["NEW","DONE"]}`, name, func(r *rand.Rand) (any, string) {
			x := pickOf(r, "NEW", "DONE")
			return x, `"` + x + `"`
		}}
	}
	return madeNested{`"string"`, "string", func(r *rand.Rand) (any, string) {
		x := pickOf(r, "", "a", "é", "fifteen15151515", "sixteen161616161", "a longer text than fits", `a "quoted" one`, "a\nb", strconv.Itoa(r.IntN(1000)))
		return x, strconv.Quote(x)
	}}
}

// randomNested makes up a nested type, of a depth at most.
func randomNested(r *rand.Rand, depth int) string {
	if depth == 0 || depth < 3 && r.IntN(3) == 0 {
		return pickOf(r, "int", "long", "double", "boolean", "decimal(12,2)", "date", "timestamp", "binary", "string", "string", "json")
	}
	switch r.IntN(3) {
	case 0:
		return "list<" + randomNested(r, depth-1) + ">"
	case 1:
		return "map<string," + randomNested(r, depth-1) + ">"
	}
	var fields []string
	same := randomNested(r, depth-1)
	for i := range 1 + r.IntN(4) {
		if r.IntN(4) > 0 {
			same = randomNested(r, depth-1)
		}
		fields = append(fields, fmt.Sprintf("f%d:%s", i, same))
	}
	return "struct<" + strings.Join(fields, ",") + ">"
}

// nestedOutcome is what became of a row of a nested table.
func nestedOutcome(b *batch.Batch, typ schema.Type, row int) string {
	if b.Fates[row] == batch.Written {
		return shown(&b.Columns[1], typ, row)
	}
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			return fmt.Sprintf("%s %s of column %d", b.Fates[row], r.Reason, r.Column)
		}
	}
	return b.Fates[row].String()
}

// F1: records that goavro wrote with made up schemas fill nested columns with what the same
// records in JSON do. -long: 100,000 records of 200 schemas.
func TestAvroNestedMeansWhatJSONDoes(t *testing.T) {
	schemas, rows := 150, 60
	if *long {
		schemas, rows = 200, 500
	}
	written := 0
	for seed := range uint64(schemas) {
		r := rand.New(rand.NewPCG(seed, 21))
		table := nestedTable(t, randomNested(r, 3))
		typ := table.Columns[1].Type
		m := nestedMaker{r: r}
		one := m.record([]schema.Inner{{Name: "n", Type: schema.Type{Kind: schema.Long}}, {Name: "x", Type: typ}})
		codec, err := goavro.NewCodec(one.text)
		if err != nil {
			t.Fatalf("%v: %s", err, one.text)
		}
		var datums, texts []string
		for range rows {
			native, text := one.value(r)
			datum, err := codec.BinaryFromNative(nil, native)
			if err != nil {
				t.Fatalf("%v: %s: %v", err, one.text, native)
			}
			datums, texts = append(datums, string(datum)), append(texts, text)
		}
		s, err := avroschema.Parse([]byte(one.text))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := decodeAvro(t, table, s, datums...)
		want := decodeNested(t, table, texts...)
		for row := range rows {
			g, x := nestedOutcome(got, typ, row), nestedOutcome(want, typ, row)
			if g != x {
				t.Fatalf("seed %d, row %d of %s\nAvro %s\nJSON %s\n%s\n%s\n%s", seed, row, typ, g, x, texts[row], one.text, got.Detail(got.Rejects))
			}
			written += btoi(got.Fates[row] == batch.Written)
		}
		if n := got.Columns[1].Rows(); n != rows {
			t.Fatalf("seed %d: got %d rows, want %d", seed, n, rows)
		}
	}
	if least := schemas * rows * 3 / 4; written < least {
		t.Errorf("%d rows were written, want %d at least", written, least)
	}
}

// F1, F3, F6: what values of Avro become in nested columns, and what rejects them.
func TestAvroNested(t *testing.T) {
	longs := `{"type":"array","items":"long"}`
	for _, c := range []struct{ typ, avro, datum, want string }{
		{"list<long>", longs, zig(3) + zig(1) + zig(2) + zig(-3) + zig(0), `[1,2,-3]`},
		{"list<long>", longs, zig(0), `[]`},
		{"list<long>", longs, zig(-2) + zig(2) + zig(1) + zig(2) + zig(1) + zig(7) + zig(0), `[1,2,7]`}, // in blocks, of which one says its size
		{"list<long>", longs, zig(-2) + zig(5) + zig(1) + zig(2) + zig(0), `limit`},
		{"list<long>", longs, zig(-2) + zig(1) + zig(1) + zig(2) + zig(0), `limit`},
		{"list<long>", longs, zig(1<<30) + zig(1), `limit`}, // six bytes
		{"list<long>", longs, zig(2) + zig(1), `syntax`},
		{"list<long>", longs, zig(2) + zig(1) + zig(2), `syntax`},
		{"list<long>", longs, zig(1) + zig(1) + zig(0) + "x", `trailing`},
		{"list<long>", `["null",` + longs + `]`, zig(0), `null`},
		{"list<long>", `{"type":"array","items":"null"}`, zig(3) + zig(0), `[null,null,null]`},
		{"list<long>", `{"type":"array","items":"null"}`, zig(1<<20) + zig(0), `limit`},
		{"list<long>", `{"type":"array","items":"null"}`, zig(4000) + zig(4000) + zig(0), `limit`},
		{"list<long>", `{"type":"array","items":"boolean"}`, zig(1) + "\x01" + zig(0), `schema_mismatch`},
		{"list<long>", `{"type":"array","items":"boolean"}`, zig(0), `[]`},
		{"list<long>", `"long"`, zig(7), `schema_mismatch`},
		{"list<long>", `{"type":"map","values":"long"}`, zig(0), `schema_mismatch`},
		{"list<int>", longs, zig(1) + zig(1<<31) + zig(0), `overflow`},
		{"list<string>", `{"type":"array","items":"string"}`, zig(2) + str("a") + str("\xff") + zig(0), `encoding`},
		{"list<decimal(4,2)>", `{"type":"array","items":"string"}`, zig(1) + str("1.234") + zig(0), `scale`},
		{"list<string>", `{"type":"array","items":["null","string","long"]}`, zig(3) + zig(0) + zig(1) + str("a") + zig(1) + str("b") + zig(0), `[null,"a","b"]`},
		{"list<string>", `{"type":"array","items":["null","string","long"]}`, zig(1) + zig(2) + zig(7) + zig(0), `type`},
		{"map<string,long>", `{"type":"map","values":"long"}`, zig(2) + str("a") + zig(1) + str("") + zig(2) + zig(0), `{"a":1,"":2}`},
		{"map<string,long>", `{"type":"map","values":"long"}`, zig(2) + str("a") + zig(1) + str("a") + zig(2) + zig(0), `duplicate_key`},
		{"map<string,long>", `{"type":"map","values":"long"}`, zig(1) + str("\xc3") + zig(1) + zig(0), `encoding`},
		{"map<string,map<string,long>>", `{"type":"map","values":{"type":"map","values":"long"}}`,
			zig(2) + str("a") + zig(1) + str("a") + zig(1) + zig(0) + str("b") + zig(1) + str("a") + zig(2) + zig(0) + zig(0), `{"a":{"a":1},"b":{"a":2}}`},
		{"map<string,long>", `{"type":"record","name":"m","fields":[` + fieldOf("a", `"long"`) + "," + fieldOf("b", `["null","long"]`) + `]}`, zig(1) + zig(0), `{"a":1,"b":null}`},
		{"struct<a:int,b:string>", `{"type":"map","values":["int","string"]}`, zig(2) + str("b") + zig(1) + str("x") + str("a") + zig(0) + zig(7) + zig(0), `{"a":7,"b":"x"}`},
		{"struct<a:int,b:string>", `{"type":"map","values":["int","string"]}`, zig(2) + str("a") + zig(0) + zig(7) + str("a") + zig(0) + zig(7) + zig(0), `duplicate_key`},
		{"struct<a:int,b:string>", `{"type":"record","name":"m","fields":[]}`, "", `{"a":null,"b":null}`},
		{"struct<a:int,b:string>", `{"type":"record","name":"m","fields":[` + fieldOf("z", `"double"`) + "," + fieldOf("b", `"string"`) + "," + fieldOf("a", `"int"`) + `]}`,
			bits64(1) + str("x") + zig(7), `{"a":7,"b":"x"}`},
		{"list<struct<a:int,l:list<int>>>", `{"type":"array","items":["null",{"type":"record","name":"m","fields":[` + fieldOf("l", `["null",{"type":"array","items":"int"}]`) + "," + fieldOf("a", `["null","int"]`) + `]}]}`,
			zig(4) + zig(1) + zig(1) + zig(2) + zig(1) + zig(2) + zig(0) + zig(0) + zig(0) + zig(1) + zig(0) + zig(1) + zig(2) + zig(1) + zig(1) + zig(0) + zig(0) + zig(0),
			`[{"a":null,"l":[1,2]},null,{"a":2,"l":null},{"a":null,"l":[]}]`},
	} {
		table := nestedTable(t, c.typ)
		s := mustSchema(t, fieldOf("n", `"long"`), fieldOf("x", c.avro))
		// The neighbours are as they were, whatever stands between them.
		b, _ := decodeAvro(t, table, s, zig(1)+c.datum, zig(1)+c.datum, zig(9), zig(1)+c.datum)
		for _, row := range []int{0, 1, 3} {
			got := nestedOutcome(b, table.Columns[1].Type, row)
			if got != c.want && !strings.HasPrefix(got, "quarantined "+c.want+" ") {
				t.Errorf("%s of %s, row %d: got %s, want %s", c.typ, c.avro, row, got, c.want)
			}
		}
		if got := b.Columns[1].Rows(); got != b.Rows {
			t.Errorf("%s: got %d rows, want %d", c.typ, got, b.Rows)
		}
	}
}

// F6: a million values are too many, whatever they take in bytes, and the record alone is
// rejected; a count is looked at before anything is made room for.
func TestAvroNestedLimit(t *testing.T) {
	table := nestedTable(t, "list<struct<a:long,b:long,c:long,d:long>>")
	empty := mustSchema(t, fieldOf("n", `"long"`), fieldOf("x", `{"type":"array","items":{"type":"record","name":"e","fields":[]}}`),
		fieldOf("rest", `"bytes"`))
	room := str(strings.Repeat("x", 20_000)) // for items without bytes
	b, _ := decodeAvro(t, table, empty, zig(1)+zig(249_999)+zig(0)+room, zig(1)+zig(250_000)+zig(0)+room, zig(1)+zig(1)+zig(0)+room)
	for row, want := range []batch.Fate{batch.Written, batch.Quarantined, batch.Written} {
		if got := b.Fates[row]; got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
	if len(b.Rejects) != 1 || b.Rejects[0].Reason != conform.ReasonLimit || b.Rejects[0].Column != 1 {
		t.Errorf("got %s, want a limit of column 1", b.Detail(b.Rejects))
	}
	before := allocated()
	b, _ = decodeAvro(t, table, empty, zig(1)+zig(600_000)+zig(0)+room)
	if got := allocated() - before; got > 2<<20 || b.Fates[0] != batch.Quarantined {
		t.Errorf("%d bytes are allocated for a count: %s", got, b.Fates[0])
	}
	b, _ = decodeAvro(t, table, empty, zig(1)+zig(2000)+zig(0)+str("")) // 8,000 values of six bytes
	if got := nestedOutcome(b, table.Columns[1].Type, 0); got != "quarantined limit of column -1" {
		t.Errorf("got %s", got)
	}
	// In blocks, and behind a list within: what was read up to the limit counts for nothing.
	deep := nestedTable(t, "list<list<long>>")
	s := mustSchema(t, fieldOf("n", `"long"`), fieldOf("x", `{"type":"array","items":{"type":"array","items":"null"}}`), fieldOf("rest", `"bytes"`))
	half := zig(500_000) + zig(0)
	b, _ = decodeAvro(t, deep, s, zig(1)+zig(2)+half+half+zig(0)+str(strings.Repeat("x", 16_000)))
	if len(b.Rejects) != 1 || b.Rejects[0].Reason != conform.ReasonLimit || b.Rejects[0].Column != 1 || b.Columns[1].Rows() != 1 {
		t.Errorf("got %s, want a limit of column 1", b.Detail(b.Rejects))
	}
}

// What a struct has no field for, what is widened and what never fits is told once for each
// schema, by its place within the column.
func TestAvroNestedDrift(t *testing.T) {
	table := nestedTable(t, "list<struct<a:long,s:struct<b:decimal(9,2),c:boolean>>>")
	inner := `{"type":"record","name":"i","fields":[` + fieldOf("b", `"int"`) + "," + fieldOf("c", `"string"`) + "," + fieldOf("d", `"string"`) + `]}`
	s := mustSchema(t, fieldOf("n", `"long"`), fieldOf("x", `{"type":"array","items":{"type":"record","name":"o","fields":[`+fieldOf("s", inner)+","+fieldOf("a", `"int"`)+`]}}`))
	b, _ := decodeAvro(t, table, s, zig(1)+zig(0), zig(1)+zig(0))
	if got, want := driftOf(b), "widen x.s.b int>decimal(9,2) @0, mismatch x.s.c string>boolean @0, extra x.s.d string> @0, widen x.a int>long @0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	table.Evolution.Extra, table.Evolution.Widen = schema.Quarantine, schema.Halt
	b, report := decodeAvro(t, table, s, zig(1)+zig(1)+zig(1)+str("x")+str("")+zig(1)+zig(0), zig(1)+zig(0))
	if b.Fates[0] != batch.Quarantined || b.Fates[1] != batch.Written || report.Halt == "" {
		t.Errorf("got %v, %+v: %s", b.Fates, report, b.Detail(b.Rejects))
	}
}

// A schema that makes many parts of few bytes is none that nested columns are made of.
func TestAvroNestedParts(t *testing.T) {
	table := nestedTable(t, "map<string,map<string,map<string,long>>>")
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf(`{"name":"f%d","type":%%s}`, i))
	}
	all := strings.Join(names, ",")
	of := func(name, typ string) string {
		first := strings.Replace(all, "%s", typ, 1)
		other := `"` + strings.Trim(typ, `"`) + `"`
		if i := strings.Index(typ, `"name":"`); i >= 0 {
			other = `"` + typ[i+8:i+9] + `"`
		}
		return `{"type":"record","name":"` + name + `","fields":[` + strings.ReplaceAll(first, "%s", other) + `]}`
	}
	s := mustSchema(t, fieldOf("n", `"long"`), fieldOf("x", of("a", of("b", of("c", `"long"`)))))
	b, _ := decodeAvro(t, table, s, zig(1)+strings.Repeat(zig(1), 200*200*200))
	if got := nestedOutcome(b, table.Columns[1].Type, 0); got != "quarantined schema_mismatch of column 1" {
		t.Errorf("got %s", got)
	}
}
