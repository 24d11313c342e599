package rawfile_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"strings"
	"testing"

	"tidemark/internal/rawfile"
)

// field is one of a structure in Thrift's compact protocol.
type field struct {
	id    int
	value any // int: 32 bits, int64, string, structure, []structure, bool
}

type structure []field

func (s structure) String() string {
	var b strings.Builder
	last := 0
	for _, f := range s {
		head, value := byte(0), ""
		switch v := f.value.(type) {
		case int:
			head, value = 5, zigzag(int64(v))
		case int64:
			head, value = 6, zigzag(v)
		case string:
			head, value = 8, uvarint(len(v))+v
		case structure:
			head, value = 12, v.String()
		case []structure:
			parts := make([]string, len(v))
			for i, e := range v {
				parts[i] = e.String()
			}
			head, value = 9, "\xfc"+uvarint(len(v))+strings.Join(parts, "")
		case bool:
			if head = 2; v {
				head = 1
			}
		}
		b.WriteByte(byte(f.id-last)<<4 | head)
		b.WriteString(value)
		last = f.id
	}
	return b.String() + "\x00"
}

func uvarint(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

// crafted is a file of one row group with one column, which is changed to be wrong.
type crafted struct {
	schema       []structure
	pages        string
	typ, codec   int
	rows, values int64
	start, size  int64 // start 0: as it is
	extra        []field
	groups       []structure // nil: the one
	footer       string      // "": of the above
}

func craft(pages string, rows int64) crafted {
	return crafted{
		schema: []structure{{{4, "root"}, {5, 1}}, {{1, 1}, {3, 0}, {4, "x"}}},
		pages:  pages, typ: 1, rows: rows, values: rows,
	}
}

func (c crafted) file() string {
	start, size := int64(4), int64(len(c.pages))
	if c.start != 0 {
		start, size = c.start, c.size
	}
	chunk := structure{{2, int64(4)}, {3, structure{{1, c.typ}, {4, c.codec}, {5, c.values}, {6, size}, {7, size}, {9, start}}}}
	chunk = append(chunk, c.extra...)
	groups := c.groups
	if groups == nil {
		groups = []structure{{{1, []structure{chunk}}, {3, c.rows}}}
	}
	footer := c.footer
	if footer == "" {
		footer = structure{{1, 1}, {2, c.schema}, {3, c.rows}, {4, groups}}.String()
	}
	return "PAR1" + c.pages + footer + string(binary.LittleEndian.AppendUint32(nil, uint32(len(footer)))) + "PAR1"
}

// page is a page of values in an encoding.
func page(values, encoding int, data string, more ...field) string {
	h := structure{{1, 0}, {2, len(data)}, {3, len(data)}}
	h = append(h, more...)
	return append(h, field{5, structure{{1, values}, {2, encoding}, {3, 3}, {4, 3}}}).String() + data
}

func dictionaryPage(values int, data string) string {
	return structure{{1, 2}, {2, len(data)}, {3, len(data)}, {7, structure{{1, values}, {2, 0}}}}.String() + data
}

const oneTwo = "\x01\x00\x00\x00\x02\x00\x00\x00"

func TestParquetCrafted(t *testing.T) {
	sum := int(int32(crc32.ChecksumIEEE([]byte(oneTwo))))
	for name, pages := range map[string]string{
		"plain":      page(2, 0, oneTwo),
		"checksum":   page(2, 0, oneTwo, field{4, sum}),
		"two pages":  page(1, 0, oneTwo[:4]) + page(0, 0, "") + page(1, 0, oneTwo[4:]),
		"dictionary": dictionaryPage(2, oneTwo) + page(2, 8, "\x01\x03\x02"),
	} {
		got := read(t, write(t, "x.parquet", craft(pages, 2).file()), options())
		if text(got.records) != wanted(`1:"{\"x\":1}"`, `2:"{\"x\":2}"`) || got.err != nil {
			t.Errorf("%s: %s, %v", name, text(got.records), got.err)
		}
	}
}

func badParquet() map[string]struct{ file, want string } {
	type bad = struct{ file, want string }
	change := func(f func(c *crafted)) string {
		c := craft(page(2, 0, oneTwo), 2)
		f(&c)
		return c.file()
	}
	paged := func(pages string) string { return craft(pages, 2).file() }
	header := func(plain, packed int) string {
		return structure{{1, 0}, {2, plain}, {3, packed}, {5, structure{{1, 2}, {2, 0}, {3, 3}, {4, 3}}}}.String() + oneTwo
	}
	whole := craft(page(2, 0, oneTwo), 2).file()
	return map[string]bad{
		"empty":                {"", "it has 0 bytes"},
		"four bytes":           {"PAR1", "it has 4 bytes"},
		"head":                 {"PARX" + whole[4:], "does not begin with PAR1"},
		"tail":                 {whole[:len(whole)-1] + "X", "does not end with PAR1"},
		"encrypted":            {whole[:len(whole)-1] + "E", "is encrypted"},
		"encrypted column":     {change(func(c *crafted) { c.extra = []field{{8, structure{}}} }), "is encrypted"},
		"footer below zero":    {whole[:len(whole)-8] + "\xff\xff\xff\xffPAR1", "claims -1 bytes"},
		"footer over the file": {whole[:len(whole)-8] + "\xff\xff\xff\x00PAR1", "claims 16777215 bytes"},
		"footer over 16 MiB":   {"PAR1" + strings.Repeat("\x00", 17<<20) + "\x01\x00\x00\x01PAR1", "claims 16777217 bytes"},
		"page of 2 GiB":        {paged(header(1<<31-1, 8)), "a page claims 2147483647 bytes"},
		"page below zero":      {paged(header(-1, 8)), "a page claims -1 bytes"},
		"page over its column": {paged(header(8, 1<<30)), "a page claims 1073741824 bytes"},
		"rows that miss":       {paged(page(1, 0, oneTwo[:4])), "its pages end, and 1 of its values"},
		"values that miss":     {paged(page(2, 0, oneTwo[:4])), "fewer values than it claims"},
		"rows too many":        {paged(page(3, 0, oneTwo)), "a page has 3 values"},
		"checksum":             {paged(page(2, 0, oneTwo, field{4, 7})), "checksum of a page is wrong"},
		"index":                {paged(dictionaryPage(2, oneTwo) + page(2, 8, "\x02\x04\x02")), "number 2 of a dictionary of 2"},
		"no dictionary":        {paged(page(2, 8, "\x02\x04\x02")), "and there is none"},
		"dictionary lies":      {paged(dictionaryPage(1<<30, oneTwo) + page(2, 8, "\x01\x04\x01")), "claims 1073741824 values"},
		"chunk outside":        {change(func(c *crafted) { c.start, c.size = 1<<40, 30 }), "lies at bytes 1099511627776"},
		"chunk too long":       {change(func(c *crafted) { c.start, c.size = 4, 1<<62 }), "lies at bytes 4 to"},
		"chunk below zero":     {change(func(c *crafted) { c.start, c.size = -5, 30 }), "lies at bytes -5"},
		"codec":                {change(func(c *crafted) { c.codec = 3 }), "has the codec 3"},
		"type":                 {change(func(c *crafted) { c.typ = 2 }), "with type 2"},
		"elsewhere": {change(func(c *crafted) {
			c.extra = nil
			c.groups = []structure{{{1, []structure{{{1, "other.parquet"}}}}, {3, int64(2)}}}
		}), "in other files"},
		"two columns": {change(func(c *crafted) {
			c.schema = []structure{{{4, "root"}, {5, 2}}, c.schema[1], c.schema[1]}
		}), `two columns "x"`},
		"no columns":        {change(func(c *crafted) { c.schema = c.schema[:1] }), "shorter than its groups claim"},
		"too many columns":  {change(func(c *crafted) { c.schema = append(c.schema, c.schema[1]) }), "belong to no group"},
		"deep":              {change(func(c *crafted) { c.schema = deepSchema(3000) }), "64 deep"},
		"rows of groups":    {change(func(c *crafted) { c.groups = []structure{{{3, int64(1)}}} }), "promises 2 rows"},
		"a million groups":  {change(func(c *crafted) { c.groups = make([]structure, 1_000_000) }), "more than 100000 row groups"},
		"columns of groups": {change(func(c *crafted) { c.groups = []structure{{{1, make([]structure, 3)}, {3, int64(2)}}} }), "column"},
		"list lies":         {change(func(c *crafted) { c.footer = "\x29\xfc\xff\xff\xff\xff\x07" }), "a list claims 2147483647 elements"},
		"nested thrift":     {change(func(c *crafted) { c.footer = strings.Repeat("\xfc", 1<<20) }), "nests more than"},
		"rows of nothing":   {change(func(c *crafted) { c.rows, c.values = 1<<40, 1<<40 }), "more than 10000 for each"},
		"values of a page":  {change(func(c *crafted) { c.values = 3 }), "has 3 values"},
		"encoding":          {paged(page(2, 77, oneTwo)), "has the encoding 77"},
		"delta lies":        {paged(page(2, 5, "\x80\x01\x04\xff\xff\xff\xff\x0f\x00\x00\x01\x02\x03\x04")), "fewer values"},
	}
}

func deepSchema(n int) []structure {
	schema := []structure{{{4, "root"}, {5, 1}}}
	for range n {
		schema = append(schema, structure{{3, 0}, {4, "g"}, {5, 1}})
	}
	return append(schema, structure{{1, 1}, {3, 0}, {4, "x"}})
}

// TestParquetEndsWithAnError reads files that lie. None of them takes much memory.
func TestParquetEndsWithAnError(t *testing.T) {
	for name, c := range badParquet() {
		t.Run(name, func(t *testing.T) {
			path := write(t, "x.parquet", c.file)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := read(t, path, rawfile.Options{Format: rawfile.Parquet})
			runtime.ReadMemStats(&after)
			var e *rawfile.Error
			if !errors.As(got.err, &e) || !strings.Contains(got.err.Error(), c.want) || !strings.Contains(got.err.Error(), "x.parquet") {
				t.Errorf("got %v, want %q", got.err, c.want)
			}
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 {
				t.Errorf("it took %d MiB", took)
			}
		})
	}
}

// TestParquetWide has as many columns as there may be, of which each could be read ahead.
func TestParquetWide(t *testing.T) {
	const columns = 9_990
	f := craft(page(1, 0, oneTwo[:4])+strings.Repeat("\x00", 100<<10), 1)
	f.schema = []structure{{{4, "root"}, {5, columns}}}
	var chunks []structure
	for i := range columns {
		f.schema = append(f.schema, structure{{1, 1}, {3, 0}, {4, fmt.Sprintf("c%d", i)}})
		chunks = append(chunks, structure{{2, int64(4)}, {3, structure{{1, 1}, {4, 0}, {5, int64(1)}, {6, int64(len(f.pages))}, {7, int64(len(f.pages))}, {9, int64(4)}}}})
	}
	f.groups = []structure{{{1, chunks}, {3, int64(1)}}}
	path := write(t, "x.parquet", f.file())
	for _, o := range []rawfile.Options{options(), asItLies()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := readOnce(t, path, o)
		runtime.ReadMemStats(&after)
		if got.err != nil || len(got.records) != 1 || !strings.HasSuffix(got.records[0].text, `"c9989":1}`) && o.Text {
			t.Errorf("got %d rows and %v", len(got.records), got.err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 256 { // 100 or so, with pools at hand; 2,500 where each column is read ahead
			t.Errorf("it took %d MiB", took)
		}
	}
}

func TestParquetFloatForMoney(t *testing.T) {
	o := options()
	o.Exact = []string{"x", "rate"}
	got := read(t, write(t, "x.parquet", string(sample(t))), o)
	if got.err == nil || !strings.Contains(got.err.Error(), `column "rate" is double`) || !strings.Contains(got.err.Error(), "type: double") {
		t.Errorf("got %v", got.err)
	}
}

// TestParquetLevelsDisagree has one column of a structure be null where the other is not.
func TestParquetLevelsDisagree(t *testing.T) {
	schema := []structure{{{4, "root"}, {5, 1}}, {{3, 1}, {4, "s"}, {5, 2}}, {{1, 1}, {3, 0}, {4, "a"}}, {{1, 1}, {3, 0}, {4, "b"}}}
	there := page(1, 0, "\x02\x00\x00\x00\x02\x01"+oneTwo[:4])
	null := page(1, 0, "\x02\x00\x00\x00\x02\x00")
	for _, c := range []struct{ a, b, want string }{
		{there, there, ""}, {null, null, ""}, {null, there, "do not fit"}, {there, null, "do not fit"},
	} {
		chunk := func(start, size int64) structure {
			return structure{{2, start}, {3, structure{{1, 1}, {4, 0}, {5, int64(1)}, {6, size}, {7, size}, {9, start}}}}
		}
		f := craft(c.a+c.b, 1)
		f.schema = schema
		f.groups = []structure{{{1, []structure{chunk(4, int64(len(c.a))), chunk(4+int64(len(c.a)), int64(len(c.b)))}}, {3, int64(1)}}}
		got := read(t, write(t, "x.parquet", f.file()), options())
		if c.want == "" && got.err != nil || c.want != "" && (got.err == nil || !strings.Contains(got.err.Error(), c.want)) {
			t.Errorf("got %v, want %q", got.err, c.want)
		}
	}
}

// TestParquetFloatForDecimal: a float that may become a decimal is the shortest text that names
// it, also where it is a whole number, and one that is none spoils its row alone.
func TestParquetFloatForDecimal(t *testing.T) {
	bits32 := func(x float32) string {
		return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
	}
	bits64 := func(x float64) string {
		return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
	}
	nan, inf := math.NaN(), math.Inf(-1)
	for typ, c := range map[int]struct{ data, want string }{
		4: {bits32(0.1) + bits32(123456789) + bits32(float32(nan)), `{"x":0.1} {"x":1.2345679e+08} type`},
		5: {bits64(0.1) + bits64(12345678901234567890) + bits64(inf), `{"x":0.1} {"x":1.2345678901234567e+19} type`},
	} {
		f := craft(page(3, 0, c.data), 3)
		f.schema = []structure{{{4, "root"}, {5, 1}}, {{1, typ}, {3, 0}, {4, "x"}}}
		f.typ = typ
		o := options()
		o.Inexact = []string{"x"}
		got := read(t, write(t, "x.parquet", f.file()), o)
		var rows []string
		for _, r := range got.records {
			if r.defect != "" {
				r.text, _, _ = strings.Cut(r.defect, ":")
			}
			rows = append(rows, r.text)
		}
		if s := strings.Join(rows, " "); s != c.want || got.err != nil {
			t.Errorf("type %d: got %s, %v, want %s", typ, s, got.err, c.want)
		}
		o.Exact, o.Inexact = o.Inexact, nil
		if got := read(t, write(t, "x.parquet", f.file()), o); got.err == nil || !strings.Contains(got.err.Error(), "from_float: true") {
			t.Errorf("type %d: got %v, want the way out", typ, got.err)
		}
	}
}
