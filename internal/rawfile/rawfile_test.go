package rawfile_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// record is one as it was handed on, with its number and its defect.
type record struct {
	number int64
	text   string
	defect string
}

// reading is all that a file gave.
type reading struct {
	layout  batch.Layout
	records []record
	cuts    []batch.Cut // Rows are those of the chunk
	err     error
}

// write makes a file of a name in a folder of its own.
func write(t testing.TB, name, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// entry finds a file.
func entry(t testing.TB, path string) rawfile.Entry {
	t.Helper()
	found, err := rawfile.Find(t.Context(), []string{path}, nil)
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("find %s: %v, %v", path, found, err)
	}
	return found.Entries[0]
}

// options read CSV as RFC 4180 has it.
func options() rawfile.Options {
	return rawfile.Options{Format: rawfile.Auto, CSV: schema.DefaultCSV(), Text: true}
}

// read reads a whole file and checks what holds for every one. What is read as text is read
// as it lies there, too.
func read(t testing.TB, path string, o rawfile.Options) (out reading) {
	t.Helper()
	out = readOnce(t, path, o)
	head := make([]byte, 4)
	if f, err := os.Open(path); err == nil {
		_, _ = io.ReadFull(f, head)
		_ = f.Close()
	}
	if o.Text && (string(head) == "Obj\x01" || string(head) == "PAR1") {
		o.Text = false
		alike(t, out, readOnce(t, path, o))
	}
	return out
}

// alike compares the rows of a file as text with those as they lie there.
func alike(t testing.TB, want, got reading) {
	t.Helper()
	if fmt.Sprint(got.err) != fmt.Sprint(want.err) {
		t.Errorf("as it lies there: error %v, and as text %v", got.err, want.err)
	}
	if got.layout.Texts == nil {
		return
	}
	if got.err == nil && len(got.records) != len(want.records) {
		t.Errorf("as it lies there: %d rows, and as text %d", len(got.records), len(want.records))
	}
	for i := range min(len(got.records), len(want.records)) {
		g, w := got.records[i], want.records[i]
		if g.defect == "" {
			text, _, _ := got.layout.Texts.Text(nil, []byte(g.text), -1, 0)
			g.text = string(text)
		}
		if w.text != g.text && w.defect != "limit" || w.number != g.number || g.defect != "" && g.defect != w.defect {
			t.Fatalf("row %d as it lies there: %.200q %s, and as text %.200q %s", i, g.text, g.defect, w.text, w.defect)
		}
	}
}

func readOnce(t testing.TB, path string, o rawfile.Options) (out reading) {
	t.Helper()
	r, err := rawfile.Open(t.Context(), entry(t, path), o)
	if err != nil {
		return reading{err: err}
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	out.layout = *r.Layout()
	var c batch.Chunk
	for to := int64(0); !c.Last; to = c.To {
		if out.err = r.Next(t.Context(), &c); out.err != nil {
			return out
		}
		if c.To < to || c.To == to && !c.Last {
			t.Fatalf("chunk ends at %d, after one that ended at %d", c.To, to)
		}
		out.cuts = append(out.cuts, batch.Cut{Rows: len(c.Lines), To: c.To, Sum: c.Sum, Last: c.Last})
		out.records = append(out.records, recordsOf(&c)...)
	}
	return out
}

func recordsOf(c *batch.Chunk) []record {
	records := make([]record, len(c.Lines))
	for i, l := range c.Lines {
		records[i] = record{l.Number, string(c.Data[l.At : l.At+l.Len]), ""}
	}
	for _, d := range c.Defects {
		records[d.Row].defect = d.Reason
		if d.Filtered {
			records[d.Row].defect = "filtered"
		}
	}
	return records
}

// text shows records as number:text, with a defect behind.
func text(records []record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%d:%q", r.number, r.text)
		if r.defect != "" {
			b.WriteString(" " + r.defect)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// wanted makes the same of lines written by hand.
func wanted(lines ...string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestArrayInOneLine reads arrays without line ends, of less than a chunk and of many.
func TestArrayInOneLine(t *testing.T) {
	for _, n := range []int64{1, 2, 1000, 200_000} {
		data := "[" + strings.Repeat("{\"a\":\"some text\"},", int(n)-1) + " {\"b\":2}]"
		o := options()
		got := read(t, write(t, "x.json", data), o)
		if got.err != nil || int64(len(got.records)) != n {
			t.Fatalf("%d elements: got %d, %v", n, len(got.records), got.err)
		}
		if last := got.records[n-1]; last.text != `{"b":2}` || last.number != n || last.defect != "" {
			t.Errorf("%d elements: the last is %+v", n, last)
		}
		if many := len(data) > 1<<20; many != (len(got.cuts) > 1) {
			t.Errorf("%d elements: got %d chunks", n, len(got.cuts))
		}
	}
	// One record a line, of which the first is an array that is longer than a chunk.
	long := "[" + strings.Repeat("1,", 1<<20) + "1]"
	if got := read(t, write(t, "x.json", long+"\n{\"a\":1}\n"), options()); len(got.records) != 2 || got.records[1].text != `{"a":1}` || got.records[1].defect != "" {
		t.Errorf("got %d records, %v", len(got.records), got.err)
	}
}

func TestRecordsOfJSON(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       []string
	}{
		{"nothing", "", nil},
		{"blanks", " \n\r\n\t", nil},
		{"mark alone", "\xef\xbb\xbf", nil},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", []string{`1:"{\"a\":1}"`, `2:"{\"a\":2}"`}},
		{"no end of line", `{"a":1}`, []string{`1:"{\"a\":1}"`}},
		{"CR LF, blank lines, a mark", "\xef\xbb\xbf{\"a\":1}\r\n\r\n \n{\"a\":2}\r\n", []string{`1:"{\"a\":1}"`, `4:"{\"a\":2}"`}},
		{"a broken line costs itself", "{\"a\":1}\n{\"a\":\n{\"a\":3}\n", []string{`1:"{\"a\":1}"`, `2:"{\"a\":"`, `3:"{\"a\":3}"`}},
		{"a broken first line", "{\"a\":\"x\n{\"a\":2}\n{\"a\":3}", []string{`1:"{\"a\":\"x"`, `2:"{\"a\":2}"`, `3:"{\"a\":3}"`}},
		{"a broken first line that ends with a comma", "{\"a\":1,\n{\"a\":2}\n", []string{`1:"{\"a\":1,"`, `2:"{\"a\":2}"`}},
		{"a broken first line that could go on", "{\"a\":\n{\"a\":2}\n{\"a\":3}\n", []string{`1:"{\"a\":"`, `2:"{\"a\":2}"`, `3:"{\"a\":3}"`}},
		{"pretty, with an object in one line", "{\"a\": [\n{\"b\":1}\n]}\n{\n}", []string{`1:"{\"a\": [\n{\"b\":1}\n]}"`, `4:"{\n}"`}},
		{"two in one line", "{\"a\":1}{\"a\":2}\n", []string{`1:"{\"a\":1}{\"a\":2}"`}},
		{"no objects", "null\n[]\n\"x\"\n1\n", []string{`1:"null"`, `2:"[]"`, `3:"\"x\""`, `4:"1"`}},
		{"an array first, then objects", "[]\n{\"a\":1}\n", []string{`1:"[]"`, `2:"{\"a\":1}"`}},
		{"array", "[{\"a\":1},{\"a\":[1,2]}\n, {\"a\":\"]\\\"}\"} ]\n", []string{`1:"{\"a\":1}"`, `2:"{\"a\":[1,2]}"`, `3:"{\"a\":\"]\\\"}\"}"`}},
		{"array that has many elements in a line, and then few", "[{\"a\":1},{\"a\":2},{\"a\":3},\n{\"a\":4},\n\n\n\n{\"a\":5}]", []string{`1:"{\"a\":1}"`, `2:"{\"a\":2}"`, `3:"{\"a\":3}"`, `4:"{\"a\":4}"`, `6:"{\"a\":5}"`}},
		{"array, pretty", "[\n  {\n    \"a\": 1\n  },\n  {\"a\": 2}\n]", []string{`2:"{\n    \"a\": 1\n  }"`, `5:"{\"a\": 2}"`}},
		{"empty array", "[]", nil},
		{"empty array with blanks", " [ \t] \n\n", nil},
		{"array whose last object is open", "[{\"a\":1},{\"a\":\"x\n]", []string{`1:"{\"a\":1}"`, `2:"{\"a\":\"x"`}},
		{"array of other things", "[ 1 , \"a,]\", null,[2],{}]", []string{`1:"1"`, `2:"\"a,]\""`, `3:"null"`, `4:"[2]"`, `5:"{}"`}},
		{"array with bytes after it", "[{\"a\":1}]\nx y\n{\"a\":2}", []string{`1:"{\"a\":1}"`, `2:"x y" trailing`, `3:"{\"a\":2}" trailing`}},
		{"array with an element that is cut off", "[{\"a\":1},{\"a\":", []string{`1:"{\"a\":1}"`, `2:"{\"a\":"`}},
		{"array with a string that is not closed", "[\n{\"a\":\"x},\n{\"a\":2},\n{\"a\":3}\n]", []string{`2:"{\"a\":\"x},"`, `3:"{\"a\":2}"`, `4:"{\"a\":3}"`}},
		{"pretty", "{\n  \"a\": {\n    \"b\": 1 }\n}\n{\n  \"a\": 2\n} {\"a\":3}\n", []string{`1:"{\n  \"a\": {\n    \"b\": 1 }\n}"`, `5:"{\n  \"a\": 2\n}"`, `7:"{\"a\":3}"`}},
		{"pretty without indents", "{\n\"a\": [\n{\n\"b\": 1\n},\n{\n}\n]\n}\n{\n}", []string{`1:"{\n\"a\": [\n{\n\"b\": 1\n},\n{\n}\n]\n}"`, `10:"{\n}"`}},
		{"pretty, and one that is not closed", "{\n  \"a\": 1\n}\n{\n  \"a\": 2,\n{\n  \"a\": 3\n}\n", []string{`1:"{\n  \"a\": 1\n}"`, `4:"{\n  \"a\": 2,"`, `6:"{\n  \"a\": 3\n}"`}},
		{"pretty, with other things between", "{\n}\nfoo, bar\n{\n}", []string{`1:"{\n}"`, `3:"foo, bar"`, `4:"{\n}"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			o.Format = rawfile.JSON
			got := read(t, write(t, "x.json", c.data), o)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if got, want := text(got.records), wanted(c.want...); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got, want := got.cuts[len(got.cuts)-1], (batch.Cut{Rows: len(c.want), To: int64(len(c.data)), Sum: xxh3.HashString(c.data), Last: true}); got != want {
				t.Errorf("got cut %+v, want %+v", got, want)
			}
		})
	}
}

func TestRecordsOfCSV(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       []string
	}{
		{"nothing", "", nil},
		{"a header and no rows", "id,name\n", nil},
		{"a header without an end", "id,name", nil},
		{"lines", "id,name\n1,a\n2,b\n", []string{`2:"1,a"`, `3:"2,b"`}},
		{"mark, CR LF, blank lines, no end", "\xef\xbb\xbfid,name\r\n1,a\r\n\r\n2,b", []string{`2:"1,a"`, `4:"2,b"`}},
		{"lone CR", "id,name\r1,a\r2,b\r", []string{`2:"1,a"`, `3:"2,b"`}},
		{"blank lines at both ends", "\n\nid,name\n1,a\n\n\n", []string{`4:"1,a"`}},
		{"header repeated", "id,name\n1,a\n\xef\xbb\xbfid,name\n2,b\nid,name", []string{`2:"1,a"`, `3:"\ufeffid,name" filtered`, `4:"2,b"`, `5:"id,name" filtered`}},
		{"newlines and separators in quotes", "id,name\n1,\"a\n,\"\"b\r\n\"\n2,b\n", []string{`2:"1,\"a\n,\"\"b\r\n\""`, `5:"2,b"`}},
		{"a quote in a bare field opens nothing", "id,name\n1,a\"b\n2,c\"\n", []string{`2:"1,a\"b"`, `3:"2,c\""`}},
		{"text after a closing quote", "id,name\n1,\"a\"b\n2,\"\"\"\n3,c\n", []string{`2:"1,\"a\"b"`, `3:"2,\"\"\"" quote`, `4:"3,c"`}},
		{"a quote that does not close", "id,name\n1,\"a\n2,b\n3,c\n", []string{`2:"1,\"a" quote`, `3:"2,b"`, `4:"3,c"`}},
		{"a quote that does not close in the last line", "id,name\n1,a\n2,\"b", []string{`2:"1,a"`, `3:"2,\"b" quote`}},
		{"empty quotes", "id,name\n\"\",\"\"\n", []string{`2:"\"\",\"\""`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, write(t, "x.csv", c.data), options())
			if got.err != nil {
				t.Fatal(got.err)
			}
			if got, want := text(got.records), wanted(c.want...); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if want := []string{"id", "name"}; c.data != "" && !slices.Equal(got.layout.Header, want) {
				t.Errorf("got header %q, want %q", got.layout.Header, want)
			}
			if got, want := got.cuts[len(got.cuts)-1], (batch.Cut{Rows: len(c.want), To: int64(len(c.data)), Sum: xxh3.HashString(c.data), Last: true}); got != want {
				t.Errorf("got cut %+v, want %+v", got, want)
			}
		})
	}
}
