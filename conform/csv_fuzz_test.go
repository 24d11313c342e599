package conform_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Whatever the bytes: no panic, the same with other bytes behind the line or none,
// good lines around it untouched, what was accepted is accepted again, and little is
// held for it.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"7,a,1.5", `7,"a ""b""",`, "7,\"a\nb\",2", "\xef\xbb\xbf7,,", `"`, `7,"a"b,1`, "7,\xff,", "7,a,1\n8,b,2", ",,,,,,,,,", "7,a,1,234"} {
		f.Add([]byte(s), []byte(`,"x",`), "")
		f.Add([]byte(s), []byte("\n"), "'")
	}
	f.Fuzz(func(t *testing.T, value, old []byte, thousands string) {
		table := csvTable(t, func(c *schema.CSV) { c.Thousands = thousands })
		plan, err := conform.Compile(table)
		if err != nil {
			return
		}
		header := &batch.Layout{Format: batch.CSV, Header: []string{"id", "status", "amount"}}
		const good = "7,OPEN,1.25"
		lines := []string{good, string(value), good, string(value), good}
		d := plan.Decoder()
		var b batch.Batch
		raw := dirty(old, nil)
		appendLines(raw, header, lines...)
		decodeAll(d, &b, table, raw)
		for _, row := range []int{0, 2, 4} {
			if got, want := outcome(&b, row), "ok id=7 amount=125 status=OPEN"; got != want {
				t.Fatalf("row %d is %s, want %s", row, got, want)
			}
		}
		want := rowAsText(&b, 1)
		if got := rowAsText(&b, 3); got != want {
			t.Fatalf("the second time: got %s, want %s", got, want)
		}
		if held, most := d.Bytes()+b.Bytes(), int64(1<<18+16*len(value)); held > most {
			t.Errorf("%d bytes are held for a line of %d, want at most %d", held, len(value), most)
		}
		again := &batch.Raw{}
		appendLines(again, header, string(value))
		s := again.Spans[0]
		again.Blocks[0] = slices.Clip(bytes.Clone(again.Blocks[0][:s.At+s.Value]))
		if s.Value > 0 {
			decodeAll(d, &b, table, again)
			if got := rowAsText(&b, 0); got != want {
				t.Fatalf("without padding: got %s, want %s", got, want)
			}
		}
		if !strings.HasPrefix(want, "written") {
			return
		}
		fields := make([]string, 3)
		for i, c := range []int{0, 5, 1} {
			switch v := &b.Columns[c]; {
			case v.Mark(0) == batch.Null:
			case v.Codes != nil:
				fields[i] = `"` + strings.ReplaceAll(string(v.Text(0)), `"`, `""`) + `"`
			default:
				fields[i] = encodeValue(&table.Columns[c], v, 0)
			}
		}
		decodeAll(d, &b, table, linesOf("id,status,amount", strings.Join(fields, ",")))
		if got := rowAsText(&b, 0); got != want {
			t.Fatalf("written anew as %q: got %s, want %s", fields, got, want)
		}
	})
}
