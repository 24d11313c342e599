package conform_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// linesOf holds lines as records of a file with a header.
func linesOf(header string, lines ...string) *batch.Raw {
	raw := &batch.Raw{}
	appendLines(raw, &batch.Layout{Format: batch.CSV, Header: strings.Split(header, ",")}, lines...)
	return raw
}

func appendLines(raw *batch.Raw, l *batch.Layout, lines ...string) {
	source := raw.Source(batch.Source{File: "file:///f.csv", Layout: l})
	for _, line := range lines {
		raw.Append(source, &batch.Record{Offset: int64(raw.Rows() + 1), Value: []byte(line)})
	}
}

// csvTable is the corpus table, written as CSV in a way.
func csvTable(tb testing.TB, change func(*schema.CSV)) *schema.Table {
	tb.Helper()
	table := corpusTable(tb)
	table.CSV = schema.DefaultCSV()
	if change != nil {
		change(&table.CSV)
	}
	return table
}

const csvHeader = "id,amount,n,big,x,status,ok,at,sent,local,day,data"

// Each way to write a line or a value, and what becomes of it.
func TestCSVLines(t *testing.T) {
	european := csvTable(t, func(c *schema.CSV) { c.Separator, c.DecimalComma, c.Thousands = ';', true, "." })
	swiss := csvTable(t, func(c *schema.CSV) { c.Thousands = "'" })
	nulls := csvTable(t, func(c *schema.CSV) { c.NullValues = []string{"NULL", `\N`} })
	noQuotes := csvTable(t, func(c *schema.CSV) { c.Quote = 0 })
	plain := csvTable(t, nil)
	for _, c := range []struct {
		name         string
		table        *schema.Table
		header, line string
		want         string
	}{
		{"all kinds", plain, csvHeader, `7,1.25,2,3,0.5,OPEN,true,2026-11-22T10:15:30Z,1795342530123,2026-11-22T10:15:30,2026-11-22,AAEC`,
			`ok id=7 amount=125 n=2 big=3 x=0.5 status=OPEN ok=1 at=1795342530000000 sent=1795342530123000 local=1795338930000000 day=20779 data="\x00\x01\x02"`},
		{"all kinds in quotes", plain, csvHeader, `"7","1.25","2","3","0.5","OPEN","TRUE","2026-11-22T10:15:30Z","1795342530123","2026-11-22T10:15:30","2026-11-22","AAEC"`,
			`ok id=7 amount=125 n=2 big=3 x=0.5 status=OPEN ok=1 at=1795342530000000 sent=1795342530123000 local=1795338930000000 day=20779 data="\x00\x01\x02"`},
		{"too few", plain, "id,n,status", `7,1`, `quarantined columns (3 fields as the header has, this line has 2)`},
		{"too many", plain, "id,n", `7,1,"a"`, `quarantined columns (2 fields as the header has, this line has 3)`},
		{"no quote that closes", plain, "id,status", `7,"a""`, `quarantined quote byte 2+1 (a quote that is closed)`},
		{"a quote alone", plain, "id,status", `7,"`, `quarantined quote byte 2+1 (a quote that is closed)`},
		{"text behind a quote", plain, "id,status", `7,"a"b`, `quarantined quote byte 5+1 (a separator or the end of the line behind a closing quote)`},
		{"a quote in a bare field", plain, "id,status", `7,a"b`, `quarantined quote byte 3+1 (no quote within a field that does not begin with one)`},
		{"not UTF-8", plain, "id,status", "7,Z\xfcrich", `quarantined encoding byte 3+1 (text in UTF-8)`},
		{"not UTF-8, in quotes", plain, "id,status", "7,\"Z\xfcrich\"", `quarantined encoding byte 4+1 (text in UTF-8)`},
		{"UTF-16", plain, "id,status", "\xff\xfe7\x00,\x00a\x00", `quarantined encoding byte 0+1 (text in UTF-8)`},
		{"nothing", plain, "id", "", `quarantined empty`},
		{"only a line end", plain, "id", "\r\n", `quarantined empty`},
		{"two lines", plain, "id,n", "7,1\n8,2", `quarantined trailing byte 3+4 (nothing after the line)`},
		{"two lines, quotes in the first", plain, "id,status", "7,\"a\"\n8,b", `quarantined trailing byte 5+4 (nothing after the line)`},
		{"a line end", plain, "id,n", "7,1\r\n", `ok id=7 n=1`},
		{"a byte order mark", plain, "id,n", "\xef\xbb\xbf7,1", `ok id=7 n=1`},
		{"a line end within quotes", plain, "id,status", "7,\"a\r\nb\"", `ok id=7 status="a\r\nb"`},
		{"doubled quotes and a separator", plain, "id,status", `7,"a ""b"", c"`, `ok id=7 status="a \"b\", c"`},
		{"only doubled quotes", plain, "id,status", `7,""""`, `ok id=7 status="\""`},
		{"a null and an empty text", plain, "id,status,n", `7,"",`, `ok id=7 n=null status=""`},
		{"an empty text for a number", plain, "id,n", `7,""`, `quarantined type column n byte 2+2 (a whole number of 32 bits)`},
		{"a null where one is required", plain, "id,n", `,1`, `quarantined required column id byte 0+0 (a value, not null)`},
		{"null values", nulls, "id,n,status,big", `7,NULL,\N,"NULL"`, `quarantined type column big byte 10+6 (a whole number of 64 bits)`},
		{"null values, in part quoted", nulls, "id,n,status", `7,NULL,"NULL"`, `ok id=7 n=null status=NULL`},
		{"an empty field that is no null", nulls, "id,status", `7,`, `ok id=7 status=""`},
		{"no quotes at all", noQuotes, "id,status", `7,"a"b`, `ok id=7 status="\"a\"b"`},
		{"exact numbers", plain, "id,n,big,amount", `9007199254740993,1E3,1.0,12.340`, `ok id=9007199254740993 amount=1234 n=1000 big=1`},
		{"minus zero", plain, "id,amount,n", `7,-0.00,-0`, `ok id=7 amount=0 n=0`},
		{"scale", plain, "id,amount", `7,12.345`, `quarantined scale column amount byte 2+6 (a number that fits decimal(18,2))`},
		{"overflow", plain, "id,n,big", `7,2147483648,9223372036854775808`, `quarantined overflow column n byte 2+10 (a whole number of 32 bits); overflow column big byte 13+19 (a whole number of 64 bits)`},
		{"a plus", plain, "id,n", `7,+1`, `quarantined type column n byte 2+2 (a whole number of 32 bits)`},
		{"blanks", plain, "id,n", `7, 1`, `quarantined type column n byte 2+2 (a whole number of 32 bits)`},
		{"a blank behind", plain, "id,n", `7,1 `, `quarantined type column n byte 2+2 (a whole number of 32 bits)`},
		{"zeros in front", plain, "id,n", `7,01`, `quarantined type column n byte 2+2 (a whole number of 32 bits)`},
		{"groups that nobody told of", plain, "id,amount", `7,"1,234.50"`, `quarantined type column amount byte 2+10 (a number that fits decimal(18,2))`},
		{"no number", plain, "id,x", `7,NaN`, `quarantined type column x byte 2+3 (a number that fits double)`},
		{"a comma and groups", european, "id,amount,x", "7;-1.234.567,5;0,25", `ok id=7 amount=-123456750 x=0.25`},
		{"a comma without groups", european, "id,amount", "7;1234,50", `ok id=7 amount=123450`},
		{"groups in a whole number", european, "id,n", "7;1.234", `ok id=7 n=1234`},
		{"a group of two", european, "id,amount", "7;1.23", `quarantined type column amount byte 2+4 (a number that fits decimal(18,2))`},
		{"a group of four", european, "id,amount", "7;1.2345,00", `quarantined type column amount byte 2+9 (a number that fits decimal(18,2))`},
		{"a first group of four", european, "id,amount", "7;1234.567", `quarantined type column amount byte 2+8 (a number that fits decimal(18,2))`},
		{"an empty group", european, "id,amount", "7;.123", `quarantined type column amount byte 2+4 (a number that fits decimal(18,2))`},
		{"a group behind the comma", european, "id,amount", "7;1,234.5", `quarantined type column amount byte 2+7 (a number that fits decimal(18,2))`},
		{"groups by an apostrophe", swiss, "id,amount", "7,1'234.50", `ok id=7 amount=123450`},
		{"a comma with a point", swiss, "id,amount", `7,"1'234,50"`, `quarantined type column amount byte 2+10 (a number that fits decimal(18,2))`},
		{"truths", plain, "id,ok", "7,False", `ok id=7 ok=0`},
		{"a digit for a truth", plain, "id,ok", "7,1", `ok id=7 ok=1`},
		{"no truth", plain, "id,ok", "7,yes", `quarantined type column ok byte 2+3 (true or false)`},
		{"times that do not exist", plain, "id,at,day", "7,2026-11-22T24:00:00Z,2026-02-30", `quarantined time column at byte 2+20 (a time such as 2026-11-22T10:15:30.123456Z); time column day byte 23+10 (a date such as 2026-11-22)`},
		{"a number for a time without a unit", plain, "id,at", "7,1795342530", `quarantined time column at byte 2+10 (a time such as 2026-11-22T10:15:30.123456Z)`},
		{"a time for one with a unit", plain, "id,sent", "7,2026-11-22T10:15:30Z", `ok id=7 sent=1795342530000000`},
		{"a number of another unit", plain, "id,sent", "7,1795342530123456", `quarantined time column sent byte 2+16 (a time such as 2026-11-22T10:15:30.123456Z, or a number of ms since 1970 between the years 1900 and 2200)`},
		{"what a spreadsheet would run", plain, "id,status", "7,=cmd()", `ok id=7 status==cmd()`},
		{"a NUL", plain, "id,status", "7,a\x00\x1bb", `ok id=7 status="a\x00\x1bb"`},
		{"a long text", plain, "id,status", "7," + strings.Repeat("a", 1_000_000), `quarantined limit column status byte 2+1000000 (text under 1,000,000 bytes)`},
		{"many digits", plain, "id,amount", "7," + strings.Repeat("1", 100_000), `quarantined limit column amount byte 2+100000 (a number under 100,000 bytes)`},
		{"a name twice", plain, "id,n,n", "7,1,1", `quarantined duplicate_key (a header that has each name once)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, c.table)
			var b batch.Batch
			raw := linesOf(c.header, c.line, c.line, c.line)
			if decodeAll(d, &b, c.table, raw); outcome(&b, 1) != c.want {
				t.Errorf("got  %s\nwant %s", outcome(&b, 1), c.want)
			}
			if outcome(&b, 0) != outcome(&b, 1) || outcome(&b, 2) != outcome(&b, 1) {
				t.Error("the same line three times has different outcomes")
			}
		})
	}
}

// Names of fields: exactly, then by alias, then in another case where only one fits.
func TestCSVHeaders(t *testing.T) {
	for _, c := range []struct {
		header, line string
		change       func(*schema.Evolution)
		want         string
	}{
		{"status,id", "A,7", nil, "ok id=7 status=A []"},
		{"state,id", "A,7", nil, "ok id=7 status=A [alias status state]"},
		{"state,id,status", "A,7,B", nil, "ok id=7 status=B [extra state string]"},
		{"STATUS,Id", "A,7", nil, "ok id=7 status=A [case id Id case status STATUS]"},
		{" status ,id", "A,7", nil, "ok id=7 status=A [case status  status ]"},
		{"State,id", "A,7", nil, "ok id=7 status=A [case status State]"},
		{"STATUS,id,status", "A,7,B", nil, "ok id=7 status=B [extra STATUS string]"},
		{"STATUS,id,Status", "A,7,B", nil, "ok id=7 [extra STATUS string extra Status string]"},
		{"id,more", "7,A", nil, "ok id=7 [extra more string]"},
		{"id,more", "7,A", func(e *schema.Evolution) { e.Extra = schema.Quarantine }, "quarantined extra byte 2+1 (only keys that are columns) [extra more string]"},
		{"id,more", "7,A", func(e *schema.Evolution) { e.Extra = schema.Halt }, "quarantined extra byte 2+1 (only keys that are columns) [extra more string] halt"},
		{"n", "7", nil, "quarantined required column id (a value: the key is missing) []"},
		{"id,n", "7,1", func(e *schema.Evolution) { e.Missing = schema.Quarantine }, "quarantined missing column amount"},
	} {
		table := csvTable(t, nil)
		if c.change != nil {
			c.change(&table.Evolution)
		}
		d := newDecoder(t, table)
		var b batch.Batch
		for range 2 {
			r := decodeAll(d, &b, table, linesOf(c.header, c.line, c.line))
			var drift []string
			for _, one := range b.Drift {
				if one.Row != 0 {
					t.Errorf("%s: %+v is listed late", c.header, one)
				}
				if one.Change != "missing" {
					drift = append(drift, one.Change, one.Column)
					if one.From != "" {
						drift = append(drift, one.From)
					}
				}
			}
			got := strings.TrimSuffix(fmt.Sprint(outcome(&b, 1), " ", drift, " ", map[bool]string{true: "halt"}[r.Halt != ""]), " ")
			if got != c.want && !(strings.Contains(c.want, " missing ") && strings.HasPrefix(got, c.want)) {
				t.Errorf("%s:\ngot  %s\nwant %s", c.header, got, c.want)
			}
		}
	}
}

// The values of a topic are lines whose fields are the table's columns.
func TestCSVOfTopics(t *testing.T) {
	table := textTable()
	table.Format = schema.CSVFormat
	var b batch.Batch
	decodeAll(newDecoder(t, table), &b, table, rawOf([]byte("7,a"), []byte("8,\"b\"\n"), nil, []byte(`{"id":1}`)))
	for row, want := range []string{"ok id=7 text=a", "ok id=8 text=b", "quarantined tombstone", "quarantined quote byte 1+1 (no quote within a field that does not begin with one)"} {
		if got := outcome(&b, row); got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
}

// What the reader of a file found has its fate, whatever it holds, and in any part of
// a Raw.
func TestDefects(t *testing.T) {
	table := textTable()
	for _, l := range []*batch.Layout{{Format: batch.CSV, Header: []string{"id", "text"}}, {Format: batch.JSON}, nil} {
		line := func(i int) string {
			if l != nil && l.Format == batch.CSV {
				return fmt.Sprintf("%d,x", i)
			}
			return fmt.Sprintf(`{"id":%d,"text":"x"}`, i)
		}
		raw := &batch.Raw{}
		for i := range 20 {
			appendLines(raw, l, line(i))
		}
		raw.Defects = []batch.Defect{{Row: 0, Filtered: true}, {Row: 3, Reason: "limit", Want: "a line under 16 MiB"}, {Row: 4, Filtered: true}, {Row: 9, Reason: "quote"}, {Row: 19, Filtered: true}}
		d := newDecoder(t, table)
		for first := range 20 {
			for rows := range 21 - first {
				var b batch.Batch
				b.Reset(table, raw, first, rows)
				d.Decode(&b)
				for row := range rows {
					want := fmt.Sprintf("ok id=%d text=x", first+row)
					switch first + row {
					case 0, 4, 19:
						want = "filtered"
					case 3:
						want = "quarantined limit (a line under 16 MiB)"
					case 9:
						want = "quarantined quote"
					}
					if got := outcome(&b, row); got != want {
						t.Fatalf("rows %d+%d, row %d: got %s, want %s", first, rows, row, got, want)
					}
					if v := b.Columns[0].Ints[row]; b.Fates[row] != batch.Written && (v != 0 || b.Columns[1].Codes[row] != 0) {
						t.Fatalf("row %d is %s and holds values", row, b.Fates[row])
					}
				}
				for _, r := range b.Rejects {
					if r.Stage != batch.StageFile || r.Column != -1 || r.At != -1 {
						t.Fatalf("got reject %+v", r)
					}
				}
			}
		}
	}
}

// Many files in one batch, more than are remembered, each with an order of its own.
func TestCSVOfManyFiles(t *testing.T) {
	table := textTable()
	raw := &batch.Raw{}
	for i := range 300 {
		switch i % 3 {
		case 0:
			appendLines(raw, &batch.Layout{Format: batch.CSV, Header: []string{"id", "TEXT"}}, fmt.Sprintf("%d,x", i))
		case 1:
			appendLines(raw, &batch.Layout{Format: batch.CSV, Header: []string{"TEXT", "id"}}, fmt.Sprintf("x,%d", i))
		default:
			appendLines(raw, nil, fmt.Sprintf(`{"text":"x","id":%d}`, i))
		}
	}
	d := newDecoder(t, table)
	var b batch.Batch
	decodeAll(d, &b, table, raw)
	for row := range b.Rows {
		if got, want := outcome(&b, row), fmt.Sprintf("ok id=%d text=x", row); got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
	if len(b.Drift) != 1 {
		t.Errorf("got drift %v, want the case once", b.Drift)
	}
	if held := d.Bytes(); held > 1<<18 {
		t.Errorf("the decoder holds %d bytes", held)
	}
}

// Lines take no memory per row.
func TestCSVTakesNoMemoryPerRow(t *testing.T) {
	table := cardTable()
	for _, quote := range []bool{false, true} {
		raw := csvOf(t, table, cardRaw(cardStyles[0], 5000), quote)
		d := newDecoder(t, table)
		var b batch.Batch
		decodeAll(d, &b, table, raw)
		if allocs := testing.AllocsPerRun(3, func() { decodeAll(d, &b, table, raw) }); allocs > 20 {
			t.Errorf("got %v allocations for %d rows", allocs, b.Rows)
		}
	}
}

// Fields are those that encoding/csv finds, and what it refuses is refused.
func TestCSVFieldsAgreeWithLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	columns := 12
	tables, decoders, layouts := make([]*schema.Table, columns+1), make([]*conform.Decoder, columns+1), make([]*batch.Layout, columns+1)
	var raw batch.Raw
	var b batch.Batch
	for n := 1; n <= columns; n++ {
		tables[n] = &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, CSV: schema.CSV{Separator: ',', Quote: '"'}}
		for i := range n {
			tables[n].Columns = append(tables[n].Columns, schema.Column{Name: fmt.Sprint("c", i), Type: schema.Type{Kind: schema.String}})
		}
		decoders[n], layouts[n] = newDecoder(t, tables[n]), &batch.Layout{Format: batch.CSV}
		for i := range n {
			layouts[n].Header = append(layouts[n].Header, fmt.Sprint("c", i))
		}
	}
	accepted, refused := 0, 0
	for range 30_000 {
		parts := []string{"a", ",", `"`, ",\"", "\",", `""`, "\n", "é", "long text of words"}
		var text strings.Builder
		for range rng.IntN(12) {
			text.WriteString(parts[rng.IntN(len(parts))])
		}
		line := text.String()
		if strings.HasPrefix(line, "\n") || strings.HasSuffix(line, "\n\n") || line == "" {
			continue // lines without anything, which encoding/csv passes over
		}
		r := csv.NewReader(strings.NewReader(line))
		r.FieldsPerRecord = -1
		records, err := r.ReadAll()
		n := 1
		if err == nil && len(records) == 1 {
			n = len(records[0])
		}
		raw.Reset()
		appendLines(&raw, layouts[n], line)
		decodeAll(decoders[n], &b, tables[n], &raw)
		if err != nil || len(records) != 1 {
			if refused++; b.Fates[0] != batch.Quarantined {
				t.Fatalf("%q: got %s, encoding/csv says %q, %v", line, outcome(&b, 0), records, err)
			}
			continue
		}
		accepted++
		var got []string
		for i := range n {
			got = append(got, string(b.Columns[i].Text(0)))
		}
		if b.Fates[0] != batch.Written || !slices.Equal(got, records[0]) {
			t.Fatalf("%q: got %s %q, want %q", line, outcome(&b, 0), got, records[0])
		}
	}
	if accepted < 3_000 || refused < 3_000 {
		t.Errorf("only %d lines were accepted and %d refused", accepted, refused)
	}
}

// field writes a text as a field.
func field(rng *rand.Rand, text string) string {
	if text != "" && !strings.ContainsAny(text, ",\"\r\n") && rng.IntN(4) > 0 {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// The same rows as JSON and as CSV are the same batch, in batches that hold both.
func TestCSVAgreesWithJSON(t *testing.T) {
	table := csvTable(t, nil)
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := &recordWriter{rng: rng}
		names := []string{"id", "amount", "n", "big", "x", "status", "ok", "at", "sent", "local", "day", "data"}
		rng.Shuffle(len(names)-1, func(i, j int) { names[i+1], names[j+1] = names[j+1], names[i+1] })
		names = names[:1+rng.IntN(len(names))]
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		lines := &batch.Layout{Format: batch.CSV, Header: names}
		raw, mixed, both := &batch.Raw{}, rng.IntN(2) == 0, make([][2]string, 0, 300)
		for range cap(both) {
			both = append(both, sameRow(rng, w, names))
		}
		order := func(as int) {
			for _, row := range both {
				if as == 0 {
					appendLines(raw, nil, row[0])
				} else {
					appendLines(raw, lines, row[1])
				}
			}
		}
		if mixed {
			for _, row := range both {
				appendLines(raw, nil, row[0])
				appendLines(raw, lines, row[1])
			}
		} else {
			order(0)
			order(1)
		}
		d := plan.Decoder()
		var b batch.Batch
		for range 2 {
			decodeAll(d, &b, table, raw)
			for i := range both {
				x, y := i, i+len(both)
				if mixed {
					x, y = 2*i, 2*i+1
				}
				if got, want := rowAsText(&b, y), rowAsText(&b, x); got != want {
					t.Fatalf("seed %d: %s is %s\n%s is %s", seed, raw.Value(y), got, raw.Value(x), want)
				}
			}
		}
	}
}

// sameRow writes one row as an object and as a line.
func sameRow(rng *rand.Rand, w *recordWriter, names []string) (out [2]string) {
	var object, line []string
	for _, name := range names {
		value := w.value(name)
		switch {
		case len(names) == 1: // an empty line is no null
		case name != "id" && rng.IntN(12) == 0, rng.IntN(300) == 0:
			object, line = append(object, fmt.Sprintf("%q:null", name)), append(line, "")
			continue
		case name == "status":
			text := w.pick("OPEN", "a \"quoted\" word", "two\nlines", "a\r\nb", ",", `"`, "", "back\\slash", "Zürich", "fifteen15151515", "sixteen161616161", strings.Repeat("é,\"", rng.IntN(20)), "tab\t", "\x00")
			object, line = append(object, `"status":`+quoted(text)), append(line, field(rng, text))
			continue
		case slices.Contains([]string{"n", "big", "amount", "x", "id"}, name) && rng.IntN(8) == 0:
			value = w.pick("0", "-0", "1e3", "1E400", "12.345", "12.340", "0.000", "99999999999999999.99", "-2147483648", "9223372036854775808", "123456789012345678901234567890", "1.5e-1", "1.0")
		}
		object = append(object, fmt.Sprintf("%q:%s", name, value))
		line = append(line, field(rng, strings.Trim(value, `"`)))
	}
	return [2]string{"{" + strings.Join(object, ",") + "}", strings.Join(line, ",")}
}

// rowAsText tells fate, reasons, marks and values of a row, not the places.
func rowAsText(b *batch.Batch, row int) string {
	out := b.Fates[row].String()
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			out += fmt.Sprint(" ", r.Reason, r.Column, r.Want, r.Stage)
		}
	}
	for c := range b.Columns {
		if v := &b.Columns[c]; b.Fates[row] == batch.Written {
			out += fmt.Sprintf(" %d:%q", v.Mark(row), describe(b, c, row))
		} else if v.Ints != nil && v.Ints[row] != 0 {
			out += " not zero"
		}
	}
	return out
}

// A name that may mean two columns means none, and neither does one of two that
// differ in their case alone.
func TestCSVHeaderThatIsAmbiguous(t *testing.T) {
	text := schema.Type{Kind: schema.String}
	table := &schema.Table{
		Name: "t", EventTime: -1, Partition: schema.Unpartitioned,
		Columns: []schema.Column{{Name: "Id", Type: text, Aliases: []string{"key", "KEY"}}, {Name: "iD", Type: text}},
	}
	for header, want := range map[string]string{
		"ID":    "ok",           // Id or iD
		"ID,Id": "ok Id=b",      // Id is exact, and then ID is still iD or Id
		"Key":   "ok Id=a",      // both aliases are of one column
		"iD,Id": "ok Id=b iD=a", // exact
	} {
		line := "a"
		if strings.Contains(header, ",") {
			line = "a,b"
		}
		var b batch.Batch
		decodeAll(newDecoder(t, table), &b, table, linesOf(header, line))
		if got := outcome(&b, 0); got != want {
			t.Errorf("%s: got %s, want %s", header, got, want)
		}
	}
}
