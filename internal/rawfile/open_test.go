package rawfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

func TestFormatIsSeen(t *testing.T) {
	for _, c := range []struct {
		name, file, data string
		want             batch.Format
	}{
		{"object", "x.csv", " \n{\"a\":1}\n", batch.JSON},
		{"array behind a mark", "x", "\xef\xbb\xbf [{}]", batch.JSON},
		{"header", "x.json.csv", "id,name\n", batch.CSV},
		{"a broken first line, by its name", "x.NDJSON", "nul\n{\"a\":1}\n", batch.JSON},
		{"nothing, by its name", "x.jsonl", "", batch.JSON},
		{"nothing", "x.txt", "", batch.CSV},
		{"packed, by its name below", "x.json.gz", gz(t, "\"s\"\n"), batch.JSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, write(t, c.file, c.data), options())
			if got.err != nil || got.layout.Format != c.want {
				t.Errorf("got %v, %v, want %v", got.layout.Format, got.err, c.want)
			}
		})
	}
}

func TestFormatThatWasAskedFor(t *testing.T) {
	path := write(t, "x.csv", "{\"a\":1}\n{\"a\":2}\n")
	o := options()
	o.Format = rawfile.CSV
	if got := read(t, path, o); got.err != nil || !slices.Equal(got.layout.Header, []string{`{"a":1}`}) {
		t.Errorf("got %+v", got)
	}
	for _, data := range []string{"PAR1aaaaaaaaaPAR1", "Obj\x01aaaaaaaaaaa"} {
		failed, _ := failure(t, write(t, "x.csv", data), o)
		if !strings.Contains(failed.Error(), "is to be read as csv") || !strings.Contains(failed.Hint, "--format") {
			t.Errorf("got %v", failed)
		}
	}
	failed, _ := failure(t, write(t, "x.parquet", gz(t, "PAR1aaaaaaaaaPAR1")), options())
	if !strings.Contains(failed.Error(), "packed as a whole") {
		t.Errorf("got %v", failed)
	}
}

func TestHeader(t *testing.T) {
	five := []string{"id", "name", "amount", "day", "state"}
	for _, c := range []struct {
		name, data string
		change     func(o *rawfile.Options)
		want       []string
		fails      string
	}{
		{name: "blanks around names", data: " id ,\tName, \"a,\"\"b\" \n", want: []string{"id", "Name", `"a`, `b"`}},
		{name: "quoted names", data: "\"id\",\"a,\"\"b\n c\" x,d\n", want: []string{"id", "a,\"b\n c x", "d"}},
		{name: "one of two has no name", data: "id,\n1,2\n", fails: "column 2 of 2 in the header has no name: name it; if the file has no header, set csv.header: false"},
		{name: "one is doubled", data: "id,name, id\n", fails: `columns 1 and 3 of the header are both named "id"`},
		{name: "two differ by case", data: "id,ID\n", want: []string{"id", "ID"}},
		{name: "another separator", data: "id;name;amount\n", change: func(o *rawfile.Options) { o.Columns = five }, fails: `the header has one column, "id;name;amount", where 5 are expected: set csv.separator: ';'`},
		{name: "no separator at all", data: "id\n", change: func(o *rawfile.Options) { o.Columns = five }, fails: "set csv.separator to what stands between them"},
		{name: "one column of one", data: "id\n", change: func(o *rawfile.Options) { o.Columns = five[:1] }, want: five[:1]},
		{name: "semicolons", data: "id;name\n1;a\n", change: func(o *rawfile.Options) { o.CSV.Separator = ';' }, want: []string{"id", "name"}},
		{name: "a required one is there", data: "ID,x\n", change: func(o *rawfile.Options) { o.Required = [][]string{{"key", "id"}} }, want: []string{"ID", "x"}},
		{name: "a required one is missing", data: "x,y\n", change: func(o *rawfile.Options) { o.Required = [][]string{{"key", "id"}} }, fails: `the header has no column "key", which is required; it has "x", "y": add it`},
		{name: "a quote that does not close", data: "\"id,name\n1,2\n", fails: "a quote of the header does not close"},
		{name: "a line without an end", data: strings.Repeat("x", 300<<10), fails: "the first line has no end within"},
		{name: "without a header", data: "1,2\n", change: func(o *rawfile.Options) { o.CSV.Header, o.Columns = false, five }, want: five},
		{name: "without a header and columns", data: "1,2\n", change: func(o *rawfile.Options) { o.CSV.Header = false }, fails: "no columns are known"},
		{name: "UTF-16 that was not announced", data: "\xff\xfei\x00d\x00", fails: "set csv.encoding: utf-16"},
		{name: "an unknown encoding", data: "id\n", change: func(o *rawfile.Options) { o.CSV.Encoding = "ebcdic" }, fails: `encoding "ebcdic" is not known`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			if c.change != nil {
				c.change(&o)
			}
			path := write(t, "x.csv", c.data)
			if c.fails != "" {
				failed, _ := failure(t, path, o)
				if !strings.Contains(failed.Error(), c.fails) {
					t.Errorf("got %v, want %s", failed, c.fails)
				}
				return
			}
			if got := read(t, path, o); got.err != nil || !slices.Equal(got.layout.Header, c.want) {
				t.Errorf("got %q, %v, want %q", got.layout.Header, got.err, c.want)
			}
		})
	}
}

// Without a header, the first line is a record, and none is taken for a header again.
func TestNoHeader(t *testing.T) {
	o := options()
	o.CSV.Header, o.Columns = false, []string{"a", "b"}
	got := read(t, write(t, "x.csv", "1,2\n1,2\n\"3\n\",4\n"), o)
	if got, want := text(got.records), wanted(`1:"1,2"`, `2:"1,2"`, `3:"\"3\n\",4"`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Without a quote, a quote is text.
func TestNoQuote(t *testing.T) {
	o := options()
	o.CSV.Quote = 0
	got := read(t, write(t, "x.csv", "\"a,b\n\"1,2\n3,4\n"), o)
	if got, want := text(got.records), wanted(`2:"\"1,2"`, `3:"3,4"`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestEncodings(t *testing.T) {
	const data = "id,name\n1,Zürich\n2,\"ß\r\n€\"\n3,😀\n"
	plain := strings.ReplaceAll(data, "😀", "ok")
	latin := strings.ReplaceAll(plain, "€", "¤")
	encode := func(s string, f func([]byte) ([]byte, error)) string {
		b, err := f([]byte(s))
		must(t, err)
		return string(b)
	}
	little := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes
	big := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes
	for _, c := range []struct{ encoding, data, want, fails string }{
		{encoding: "latin-1", data: encode(latin, charmap.ISO8859_1.NewEncoder().Bytes), want: latin},
		{encoding: "windows-1252", data: encode(plain, charmap.Windows1252.NewEncoder().Bytes), want: plain},
		{encoding: "utf-16", data: encode(data, little), want: "\ufeff" + data},
		{encoding: "utf-16", data: encode(data, big), want: "\ufeff" + data},
		{encoding: "utf-16le", data: encode(data, little), want: "\ufeff" + data},
		{encoding: "utf-16le", data: encode(data, little)[2:], want: data},
		{encoding: "utf-16be", data: encode(data, big)[2:], want: data},
		{encoding: "utf-16", data: "", want: ""},
		{encoding: "utf-16", data: encode(data, big)[2:], fails: "set csv.encoding: utf-16le or utf-16be"},
		{encoding: "utf-16be", data: encode(data, little), fails: "other order than utf-16be"},
		// Half of a pair, alone, before a letter and at the end, and half a unit.
		{encoding: "utf-16be", data: "\x00a\x00,\x00b\x00\n\xd8\x3d\x00x\x00\n\xde\x00\xd8\x3d", want: "a,b\n\xed\xa0\xbdx\n\xed\xb8\x80\xed\xa0\xbd"},
		{encoding: "utf-16le", data: "a\x00,\x00b\x00\n\x001\x00x", want: "a,b\n1\xff"},
	} {
		t.Run(c.encoding, func(t *testing.T) {
			o := options()
			o.CSV.Encoding = c.encoding
			path := write(t, "x.csv", c.data)
			if c.fails != "" {
				if failed, _ := failure(t, path, o); !strings.Contains(failed.Error(), c.fails) {
					t.Errorf("got %v", failed)
				}
				return
			}
			got, want := read(t, path, o), read(t, write(t, "y.csv", c.want), options())
			if got.err != nil || text(got.records) != text(want.records) || !slices.Equal(got.cuts, want.cuts) {
				t.Errorf("got %v\n%swant\n%s", got.err, text(got.records), text(want.records))
			}
		})
	}
}

// long makes CSV of many chunks.
func long(lines int) string {
	return "id,name\n" + strings.Repeat("123456,some text that is about as long as a line\n", lines)
}

func TestChangedFileIsSeen(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name   string
		change func(t *testing.T, path string)
		want   string
	}{
		{"appended to", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString("1,a\n")
			must(t, errors.Join(err, f.Close()))
		}, "the file has changed: it has"},
		{"cut off", func(t *testing.T, path string) { must(t, os.Truncate(path, 300<<10)) }, "the file has changed: it has 307200 bytes, and had"},
		{"written to", func(t *testing.T, path string) { must(t, os.Chtimes(path, now, now.Add(time.Hour))) }, "it was written to"},
		{"replaced", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".old"))
			must(t, os.WriteFile(path, []byte("id,name\n"), 0o600))
		}, "another one has taken its place"},
		{"removed", func(t *testing.T, path string) { must(t, os.Remove(path)) }, "or nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "x.csv", long(20_000))
			e := entry(t, path)
			r, err := rawfile.Open(t.Context(), e, options())
			must(t, err)
			defer r.Close()
			var chunk batch.Chunk
			must(t, r.Next(t.Context(), &chunk))
			c.change(t, path)
			for err = nil; err == nil; err = r.Next(t.Context(), &chunk) {
				if chunk.Last {
					t.Fatal("the last chunk was given")
				}
			}
			var failed *rawfile.Error
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), c.want) || failed.URL != e.URL {
				t.Errorf("got %v", err)
			}
			if len(chunk.Lines) > 0 {
				t.Error("a changed part was given")
			}
			if c.name == "removed" {
				return
			}
			if _, err := rawfile.Open(t.Context(), e, options()); !errors.As(err, &failed) || !strings.Contains(err.Error(), "changed") {
				t.Errorf("opened again: got %v", err)
			}
		})
	}
}

func TestOpenRefusesWhatTookThePlaceOfAFile(t *testing.T) {
	path := write(t, "x.csv", "id\n")
	e := entry(t, path)
	must(t, os.Remove(path))
	var failed *rawfile.Error
	if _, err := rawfile.Open(t.Context(), e, options()); !errors.As(err, &failed) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	must(t, os.Mkdir(path, 0o700))
	if _, err := rawfile.Open(t.Context(), e, options()); !errors.As(err, &failed) || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("got %v", err)
	}
	if _, err := rawfile.Open(t.Context(), rawfile.Entry{URL: "s3://bucket/x"}, options()); !errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
}

func TestDoneCountsTheFileAsItLies(t *testing.T) {
	for _, data := range []string{long(50_000), gz(t, long(50_000))} {
		path := write(t, "x.csv", data)
		r, err := rawfile.Open(t.Context(), entry(t, path), options())
		must(t, err)
		t.Cleanup(func() { must(t, r.Close()) })
		if done := r.Done(); done <= 0 || done > int64(len(data)) {
			t.Errorf("at the start: got %d", done)
		}
		for c := (batch.Chunk{}); !c.Last; {
			must(t, r.Next(t.Context(), &c))
		}
		if got, want := r.Done(), int64(len(data)); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestCancelledReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := rawfile.Open(ctx, entry(t, write(t, "x.csv", long(1))), options())
	must(t, err)
	defer r.Close()
	cancel()
	if err := r.Next(ctx, &batch.Chunk{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A file that was read to its end, and has grown, goes on behind it.
func TestResumeBehindTheOldEnd(t *testing.T) {
	for _, c := range []struct {
		name, old, more string
		want            []string // of what follows; nil: no chunk ends there
	}{
		{"lines", "id,name\n1,a\n", "2,b\n", []string{`3:"2,b"`}},
		{"a line without an end", "id,name\n1,a", "\n2,b\n", []string{`3:"2,b"`}},
		{"a line that goes on", "id,name\n1,a", "bc\n2,b\n", nil},
		{"half of a line end", "id,name\r\n1,a\r", "\n2,b\r\n", []string{`3:"2,b"`}},
		{"a header alone", "id,name\n", "1,a\n", []string{`2:"1,a"`}},
		{"a header without an end", "id,name", "\n1,a\n", []string{`2:"1,a"`}},
		{"a header that goes on", "id,name", "s\n1,a\n", nil},
		{"an open quote", "id,name\n1,\"a\n", "b\"\n2,b\n", nil},
		{"objects", "{\"a\":1}\n{\"a\":2}", "\n{\"a\":3}", []string{`3:"{\"a\":3}"`}},
		{"pretty", "{\n\"a\":1\n}", "\n{\n\"a\":2\n}", []string{`4:"{\n\"a\":2\n}"`}},
		{"an open brace", "{\n\"a\":1", "\n}\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := read(t, write(t, "x", c.old), options())
			must(t, was.err)
			o := options()
			o.Resume = int64(len(c.old))
			got := read(t, write(t, "x", c.old+c.more), o)
			must(t, got.err)
			i := slices.IndexFunc(got.cuts, func(k batch.Cut) bool { return k.To >= o.Resume })
			if cut := got.cuts[i]; cut.To != o.Resume {
				if c.want != nil {
					t.Errorf("got a chunk up to %d, want one to %d", cut.To, o.Resume)
				}
				return
			} else if c.want == nil {
				t.Fatalf("got a chunk up to %d", cut.To)
			}
			if got, want := got.cuts[i].Sum, was.cuts[len(was.cuts)-1].Sum; got != want {
				t.Errorf("got sum %x, want %x", got, want)
			}
			if got, want := text(got.records[len(was.records):]), wanted(c.want...); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// Where chunks end is the same however often a file is read, and every chunk's end is
// found again.
func TestResumeAtEveryChunk(t *testing.T) {
	path := write(t, "x.csv", long(60_000))
	all := read(t, path, options())
	must(t, all.err)
	if len(all.cuts) < 10 {
		t.Fatalf("got %d chunks", len(all.cuts))
	}
	for i, cut := range all.cuts {
		o := options()
		o.Resume = cut.To
		again := read(t, path, o)
		must(t, again.err)
		if !slices.Equal(again.cuts[:i+1], all.cuts[:i+1]) {
			t.Errorf("chunk %d: got %+v, want %+v", i, again.cuts[:i+1], all.cuts[:i+1])
		}
	}
}

// zeros is a file of a header, a line as long as asked for, and one more, which takes no
// space.
func zeros(t *testing.T, n int64) string {
	t.Helper()
	path := write(t, "x.csv", "id,name\n")
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("\n2,b\n"), 8+n)
	must(t, errors.Join(err, f.Close()))
	return path
}

// A line of 1 GB costs itself, and no more memory than one of 16 MiB.
func TestLineOfOneGB(t *testing.T) {
	for format, size := range map[rawfile.Format]int64{rawfile.CSV: 1 << 30, rawfile.JSON: 200 << 20} {
		path, o := zeros(t, size), options()
		o.Format = format
		o.CSV.Header, o.Columns = format == rawfile.CSV, nil
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := read(t, path, o)
		must(t, got.err)
		runtime.ReadMemStats(&after)
		if grew := after.HeapSys - before.HeapSys; grew > 100<<20 && after.HeapSys > before.HeapSys {
			t.Errorf("%s: the heap grew by %d MiB", format, grew>>20)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 100<<20 {
			t.Errorf("%s: %d MiB were allocated", format, allocated>>20)
		}
		last := len(got.records) - 1
		r := got.records[last-1]
		if r.defect != "limit" || r.number != 2 || r.text != string(make([]byte, 1<<20)) {
			t.Errorf("%s: got line %d, %d bytes, defect %q", format, r.number, len(r.text), r.defect)
		}
		if got, want := got.records[last], (record{3, "2,b", ""}); got != want {
			t.Errorf("%s: got %v, want %v", format, got, want)
		}
	}
}

// What was cut away of a record is told by its length and its hash.
func TestRecordOverTheLimit(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<20) + "x"
	quoted := "1,\"" + strings.Repeat("y\n\"\"", 200_000) + "\"," + big
	object := `{"a":"` + big + `"}`
	for _, c := range []struct{ name, head, big, tail string }{
		{"x.csv", "id,name\n", big, "\n2,b\n"},
		{"x.csv", "id,name\r\n", big, "\r\n2,b\r\n"},
		{"x.csv", "id,name\n", quoted, "\n2,b"},
		{"x.ndjson", "{}\n", object, "\r\n{\"b\":2}\n"},
		{"x.json", "[{},\n", object, ",{\"b\":2}]"},
		{"x.json", "{\n}\n", object, " {\"b\":2}"},
	} {
		path := write(t, c.name, c.head+c.big+c.tail)
		r, err := rawfile.Open(t.Context(), entry(t, path), options())
		must(t, err)
		t.Cleanup(func() { must(t, r.Close()) })
		var defects []batch.Defect
		var records []record
		for c := (batch.Chunk{}); !c.Last; {
			must(t, r.Next(t.Context(), &c))
			defects = append(defects, c.Defects...)
			records = append(records, recordsOf(&c)...)
		}
		want := fmt.Sprintf("at most 16777216 bytes; it has %d with xxh3 %016x, of which the first 1048576 are kept", len(c.big), xxh3.HashString(c.big))
		if len(defects) != 1 || defects[0].Reason != "limit" || defects[0].Want != want {
			t.Errorf("%s: got %+v, want %s", c.name, defects, want)
		}
		if n := len(records); n < 2 || records[n-2].text != c.big[:1<<20] {
			t.Errorf("%s: got %d records", c.name, n)
		} else if last := records[n-1].text; last != "2,b" && last != `{"b":2}` {
			t.Errorf("%s: got %q at the end", c.name, last)
		}
	}
}
