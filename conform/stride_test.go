package conform_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// strideTable has a column for each way in which strides read a value, and one that they do not.
func strideTable() *schema.Table {
	return &schema.Table{
		Name: "strides", EventTime: 5, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "few", Type: schema.Type{Kind: schema.Int}},
			{Name: "sum", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 4}},
			{Name: "fine", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 16}},
			{Name: "word", Type: schema.Type{Kind: schema.String}},
			{Name: "at", Type: schema.Type{Kind: schema.Timestamp}},
			{Name: "a_column_with_a_long_name", Type: schema.Type{Kind: schema.String}},
			{Name: "last", Type: schema.Type{Kind: schema.String}},
		},
	}
}

var strideUsual = []string{"1000000001", "7", "12.5", "1.25", "WORD", "2026-11-22T10:15:30.123456Z", "another", "end"}

// strideEdges are values at the edges of what strides take, for each column the same.
func strideEdges() []string {
	edges := []string{
		"", "-", "-1", "+1", "0", "00", "01", "-0", "1.", ".5", "0.5", "00.5", "1.2.3", "1e3", "1.5e3", "1E", "null", "true", " 1", "1 ", "x", "é", "\t", "\x00", "\x7f", `\n`, `\u0041`, `\`, `"`, `a"b`, "{", "}", "[1]", ",", "a,b", ":",
		"2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999.9999", "99999999999999.99991", "100000000000000.0000", "999.99", "1000.00", "999.999", "0.0000", "0.00000",
	}
	for n := 1; n <= 20; n++ {
		edges = append(edges, "12345678901234567890"[:n], "98765432109876543210"[:n]+".5", "1."+"12345678901234567890"[:n], strings.Repeat("9", n), strings.Repeat("w", n), strings.Repeat("ü", n))
	}
	edges = append(edges,
		"2026-11-22", "2026-11-22T10:15", "2026-11-22T10:15Z", "2026-11-22T10:15:30", "2026-11-22T10:15:30Z", "2026-11-22T10:15:30.", "2026-11-22T10:15:30.Z", "2026-11-22t10:15:30z", "2026-11-22 10:15:30Z",
		"2026-11-22T10:15:30+02:00", "2026-11-22T10:15:30.5-09:30", "2026-11-22T10:15:30.5+24:00", "2026-11-22T10:15:30ZZ", "2026-11-22T24:00:00Z", "2026-11-22T23:59:59.999999Z", "2026-11-22T23:60:00Z", "2026-11-22T23:59:60Z",
		"2026-11-22T29:00:00Z", "2026-11-22T30:00:00Z", "2026-11-22T10:70:00Z", "2026-11-22T10:00:70Z", "2026-11-22T10:99:99Z", "2026-00-22T10:15:30Z", "2026-13-22T10:15:30Z", "2026-02-29T10:15:30Z", "2024-02-29T10:15:30Z", "2026-11-31T10:15:30Z", "2026-11-00T10:15:30Z",
		"0000-11-22T10:15:30Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026/11/22T10:15:30Z", "2026-11-22T10-15-30Z", "2026-11-2xT10:15:30Z", "2026-11-22T1:15:30Z", "2026-11-22T10:15:3\xb0Z", "2026-11-22T10:15:30.1x3456Z",
	)
	for n := 1; n <= 8; n++ {
		edges = append(edges, "2026-11-22T10:15:30."+strings.Repeat("7", n)+"Z")
	}
	return edges
}

// TestStridesStopAtTheEdges puts each value at the edge of what strides read into each column,
// in records that are else all alike, before and behind such ones, twice in a row, and cut off
// behind it. Whole records and lines must come out as without short cuts, and the values behind the
// odd one too.
func TestStridesStopAtTheEdges(t *testing.T) {
	table := strideTable()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	isText := []bool{4: true, 5: true, 6: true, 7: true}
	jsonOf := func(values []string) string {
		var parts []string
		for i, v := range values {
			if isText[i] {
				v = `"` + v + `"`
			}
			parts = append(parts, fmt.Sprintf("%q:%s", table.Columns[i].Name, v))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	header := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		header[i] = c.Name
	}
	accepted := 0
	for column := range strideUsual {
		var records [][]byte
		var lines []string
		for i, edge := range strideEdges() {
			usual := slices.Clone(strideUsual)
			usual[0] = fmt.Sprint(1_000_000_000 + i)
			odd := slices.Clone(usual)
			odd[column] = edge
			a, b := jsonOf(usual), jsonOf(odd)
			cut := strings.Index(b, edge) + len(edge)
			records = append(records, []byte(a), []byte(a), []byte(b), []byte(b), []byte(a), []byte(b+" "), []byte(b[:cut]), []byte(a),
				[]byte(a+" "), []byte(a+"}"), []byte(a+","), []byte(a))
			a, b = strings.Join(usual, ","), strings.Join(odd, ",")
			lines = append(lines, a, b, b+"\r\n", a+"\n", a+"\r", b[:strings.Index(b, edge)+len(edge)], "\ufeff"+a, a)
		}
		for _, b := range []*batch.Batch{
			bothWays(t, plan, table, dirty([]byte(jsonOf(strideUsual)), records)),
			bothWays(t, plan, table, headedLines(header, lines)),
		} {
			for _, f := range b.Fates {
				if f == batch.Written {
					accepted++
				}
			}
		}
	}
	if accepted < 8000 {
		t.Errorf("only %d records were accepted: this says little", accepted)
	}
}

// headedLines holds lines as they lie in a file, behind what was in the block before.
func headedLines(header []string, lines []string) *batch.Raw {
	raw := dirty([]byte(",7,8;9|"), nil)
	appendLines(raw, &batch.Layout{Format: batch.CSV, Header: header}, lines...)
	return raw
}

// TestStridesOfLines has lines that strides must leave alone although they can read them.
func TestStridesOfLines(t *testing.T) {
	text, number := schema.Type{Kind: schema.String}, schema.Type{Kind: schema.Long}
	for name, c := range map[string]struct {
		types []schema.Type
		quote byte
		lines []string
	}{
		"a mark of the byte order is none of a text that begins with one": {[]schema.Type{text, number}, '"', []string{"a,1", "b,2", "\"\ufeffc\",3", "\ufeffc,4", "c,5"}},
		"a number ends with its field":                                    {[]schema.Type{number, number}, '"', []string{"1,2\n", "3,4\n", "5x6\n", "7 8\n", "9,10\n"}},
		"fields that are missing or too many":                             {[]schema.Type{number, number}, '"', []string{"1,2", "3,4", "5", "6,", "7,8,", "7,8,9", ",", "", "9,10"}},
		"a quote that is no double quote":                                 {[]schema.Type{text, number}, '\'', []string{"a,1", "b,2", "'''c',3", "'c,4", "'c',5"}},
	} {
		t.Run(name, func(t *testing.T) {
			table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV()}
			table.CSV.Quote = c.quote
			header := []string{"c0", "c1"}
			for i, typ := range c.types {
				table.Columns = append(table.Columns, schema.Column{Name: header[i], Type: typ})
			}
			plan, err := conform.Compile(table)
			if err != nil {
				t.Fatal(err)
			}
			bothWays(t, plan, table, headedLines(header, c.lines))
		})
	}
}

// TestStridesOverBlocks has lines in more than one block, of which each begins another stride.
func TestStridesOverBlocks(t *testing.T) {
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV()}
	table.Columns = []schema.Column{{Name: "c0", Type: schema.Type{Kind: schema.Long}}, {Name: "c1", Type: schema.Type{Kind: schema.Long}}}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range 2 * batch.BlockSize / 16 {
		lines = append(lines, fmt.Sprintf("%d,%d\n", 1_000_000_000+i, 1_000_000_000-i))
	}
	raw := headedLines([]string{"c0", "c1"}, lines)
	if len(raw.Blocks) < 2 {
		t.Fatalf("%d lines are in %d block", len(lines), len(raw.Blocks))
	}
	bothWays(t, plan, table, raw)
}

// What strides read behind a record must stay within batch.Padding: the memory behind the block of
// these is not to be read at all. The records are cut at each byte, and what was there before goes on
// in the padding as if they were not.
func TestStridesStayInTheBlock(t *testing.T) {
	table := cardTable()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	size := os.Getpagesize()
	memory, err := syscall.Mmap(-1, 0, 2*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	if err := syscall.Mprotect(memory[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	line := "1000000123,50321,1523.75,PURCHASE,2026-11-22T10:15:30.123456Z,COMPLETED,USD,POS,Merchant 00123,US"
	header := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		header[i] = c.Name
	}
	for _, c := range []struct {
		record string
		source batch.Source
	}{
		{cardEvent, batch.Source{Topic: "t"}},
		{line, batch.Source{File: "file:///f", Layout: &batch.Layout{Format: batch.CSV, Header: header}}},
	} {
		for cut := 1; cut <= len(c.record); cut++ {
			for padding := batch.Padding; padding >= 0; padding -= batch.Padding {
				block := memory[:size:size]
				// The record, cut, ends so that no more than the padding is left, and goes on there.
				at := size - padding - cut
				copy(block[at:], strings.Repeat(c.record, 2))
				copy(block[at-2*len(c.record):], c.record+c.record)
				raw := &batch.Raw{Blocks: [][]byte{block}}
				source := raw.Source(c.source)
				for i, s := range []batch.Span{
					{At: int32(at - 2*len(c.record)), Value: int32(len(c.record))}, {At: int32(at - len(c.record)), Value: int32(len(c.record))}, {At: int32(at), Value: int32(cut)},
				} {
					raw.Spans, raw.Offsets = append(raw.Spans, s), append(raw.Offsets, int64(i))
				}
				raw.Runs = []batch.Run{{Source: source, Rows: len(raw.Spans)}}
				bothWays(t, plan, table, raw)
			}
		}
	}
}
