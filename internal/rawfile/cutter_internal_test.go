// White box: with the usual limits, only files of many MiB would meet them. Here the
// limits are small, so that short inputs make many chunks.

package rawfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// tiny are limits that a few bytes meet.
func tiny() limits { return limits{window: 24, room: 4, record: 64, kept: 16, quoted: 16} }

// took is one record.
type took struct {
	Number int64
	Text   string
	Defect string
}

// part is one chunk.
type part struct {
	Records []took
	Data    string
	To      int64
	Sum     uint64
	Last    bool
}

// cutting cuts in as CSV or JSON.
type cutting struct {
	csv    bool
	header bool
	limits limits
	resume int64
	slow   bool // the file is read ahead, byte by byte
	jump   bool // and so is it, from many places at once
	wrap   func(k *cutter)
}

func (c cutting) cut(t testing.TB, in io.Reader) ([]part, error) {
	t.Helper()
	o := Options{CSV: schema.DefaultCSV(), Columns: []string{"a", "b"}, Resume: c.resume}
	o.CSV.Header = c.header
	s := &stream{r: in}
	if err := s.fill(window); err != nil {
		t.Fatal(err)
	}
	open := openJSON
	if c.csv {
		open = openCSV
	}
	r, err := open(s, Entry{URL: "x"}, o)
	if err != nil {
		return nil, err
	}
	k := r.(*cutter)
	k.limits = c.limits
	if k.lead.size <= c.limits.window-c.limits.room { // else it was read with the usual limits
		switch all := bytes.Clone(k.stream.bytes()); {
		case c.slow:
			k.stream = &stream{r: iotest.OneByteReader(k.stream.rest())}
		case c.jump && k.stream.eof:
			k.stream = &stream{file: bytes.NewReader(all), size: int64(len(all))}
		}
	}
	if c.wrap != nil {
		c.wrap(k)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	if split, ok := k.split.(*csvLines); ok {
		split.quoted = c.limits.quoted
	}
	var parts []part
	var chunk batch.Chunk
	for !chunk.Last {
		if err := k.Next(t.Context(), &chunk); err != nil {
			return parts, err
		}
		parts = append(parts, partOf(&chunk))
		if n := len(parts); n > 1 && parts[n-1].To == parts[n-2].To && !chunk.Last {
			t.Fatalf("no progress at %d", chunk.To)
		}
	}
	return parts, nil
}

func partOf(c *batch.Chunk) part {
	p := part{Data: string(c.Data), To: c.To, Sum: c.Sum, Last: c.Last}
	for _, l := range c.Lines {
		p.Records = append(p.Records, took{l.Number, string(c.Data[l.At : l.At+l.Len]), ""})
	}
	for _, d := range c.Defects {
		p.Records[d.Row].Defect = d.Reason
		if d.Filtered {
			p.Records[d.Row].Defect = "filtered"
		}
	}
	return p
}

// records are those of all parts.
func records(parts []part) []took {
	var all []took
	for _, p := range parts {
		all = append(all, p.Records...)
	}
	return all
}

// check asserts what holds for any input, however broken.
func (c cutting) check(t *testing.T, data []byte) {
	parts, err := c.cut(t, bytes.NewReader(data))
	if err != nil {
		var failed *Error
		if !errors.As(err, &failed) {
			t.Fatalf("got error %T: %v", err, err)
		}
	} else if to := parts[len(parts)-1].To; to != int64(len(data)) {
		t.Fatalf("the last chunk ends at %d of %d", to, len(data))
	}
	c.checkBytes(t, data, parts)
	last := int64(0)
	for _, r := range records(parts) { // the ledger and verify tell records by their numbers
		if r.Number <= last {
			t.Fatalf("%q: a record has the number %d behind %d", data, r.Number, last)
		}
		last = r.Number
	}
	for _, in := range []io.Reader{iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
		if again, _ := c.cut(t, in); !reflect.DeepEqual(again, parts) {
			t.Fatalf("read in another way: got\n%+v\nwant\n%+v", again, parts)
		}
	}
	slow := c
	slow.slow = true
	if again, _ := slow.cut(t, bytes.NewReader(data)); !reflect.DeepEqual(again, parts) {
		t.Fatalf("read ahead, byte by byte: got\n%+v\nwant\n%+v", again, parts)
	}
	jump := c
	jump.jump = true
	if again, _ := jump.cut(t, bytes.NewReader(data)); !reflect.DeepEqual(again, parts) {
		t.Fatalf("read from many places: got\n%+v\nwant\n%+v", again, parts)
	}
	for _, p := range parts {
		c.checkResume(t, data, p.To, parts)
	}
	// The file was shorter once.
	for x := 1; x < len(data); x++ {
		was, err := c.cut(t, bytes.NewReader(data[:x]))
		if err == nil {
			c.checkResume(t, data, int64(x), was)
		}
	}
}

// checkBytes asserts that every byte is in one record or between two.
func (c cutting) checkBytes(t *testing.T, data []byte, parts []part) {
	from := int64(0)
	for i, p := range parts {
		if sum := xxh3.Hash(data[:p.To]); p.Sum != sum {
			t.Fatalf("chunk %d: got sum %x, want %x", i, p.Sum, sum)
		}
		whole := data[from:p.To]
		from = p.To
		if len(p.Records) == 1 && p.Records[0].Defect == "limit" {
			if len(whole) <= c.limits.record || p.Data != p.Records[0].Text || !bytes.HasPrefix(whole, []byte(p.Data)) || len(p.Data) != c.limits.kept {
				t.Fatalf("chunk %d: %q has a record over the limit: %q", i, whole, p.Data)
			}
			continue
		}
		if p.Data != string(whole) {
			t.Fatalf("chunk %d: got %q, want %q", i, p.Data, whole)
		}
		if len(p.Data) > c.limits.window && len(p.Records) > 1 {
			t.Fatalf("chunk %d: %d bytes with %d records", i, len(p.Data), len(p.Records))
		}
	}
}

// checkResume asserts that a chunk ends at x, having given what was, where was are the
// chunks of the file up to there; or that none does, if a record goes on over x.
func (c cutting) checkResume(t *testing.T, data []byte, x int64, was []part) {
	want := was
	natural := false
	for i, p := range was {
		if p.To == x {
			want, natural = was[:i+1], true
		}
	}
	c.resume = x
	parts, err := c.cut(t, bytes.NewReader(data))
	if err != nil && parts == nil {
		return // refused
	}
	for i, p := range parts {
		if p.To < x {
			continue
		}
		if p.To == x {
			if got, want := records(parts[:i+1]), records(want); !slices.Equal(got, want) {
				t.Fatalf("%q up to %d: got\n%+v\nwant\n%+v", data, x, got, want)
			}
			c.checkRest(t, data, parts[:i+1], parts[i+1:])
			return
		}
		break
	}
	grown := was[len(was)-1].Last && was[len(was)-1].To < int64(len(data))
	if natural && !grown && x > 0 {
		t.Fatalf("%q: no chunk ends at %d", data, x)
	}
}

// checkRest asserts that what follows a cut is what the file holds there anyway.
func (c cutting) checkRest(t *testing.T, data []byte, before, after []part) {
	c.resume = 0
	plain, err := c.cut(t, bytes.NewReader(data))
	if err != nil {
		return
	}
	if got, want := append(records(before), records(after)...), records(plain); !slices.Equal(got, want) {
		t.Fatalf("%q cut at %d: got\n%+v\nwant\n%+v", data, before[len(before)-1].To, got, want)
	}
}

func seeds() []string {
	return []string{
		"", "\n", "\xef\xbb\xbf", "a,b\n1,2\n", "a,b\r\n1,\"x\r\ny\"\r\n2,3", "a,b\r1,2\r\r\n3,4\r", "a,b\n1,\"2\n3,4\n5,6\n7,8\n9,10\n11,12\n",
		"a,b\n1,2\na,b\n\n3,\"\"\"\"\n4,\"a\"b\n", "a,b\n" + string(bytes.Repeat([]byte("x"), 90)) + "\n1,2\n", "a,b\n" + string(bytes.Repeat([]byte("\"x\r\n\","), 20)) + "\n1,2\n",
		"{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":", "[{\"a\":1},\n {\"b\":\"]\"} ]\n x", "{\n \"a\": [1,\n{\n}]}\n{\n}\n", "{\n\"a\":\"\n{\n\"b\":2}", "[1,\"x\\\"]\",{}]", "[]\n{}\n",
		// Longer than what is held of a record, up to line ends that a file once had half of,
		// and with quotes behind one that is not closed.
		"a,b\n" + string(bytes.Repeat([]byte("x"), 150)) + "\r\n1,2\n", "{\"a\":\"" + string(bytes.Repeat([]byte("y"), 150)) + "\"}\r\n{}\n",
		"a,b\n1,\"" + string(bytes.Repeat([]byte("x"), 150)) + ",\"z\n\",2\n3,4\n",
		"{\"a\":\"" + string(bytes.Repeat([]byte("y"), 80)) + "\"}\n{\"b\":1}\n", "[{\"a\":\"" + string(bytes.Repeat([]byte("y"), 80)) + "\"},{\"b\":1}]",
	}
}

func TestCutSeeds(t *testing.T) {
	for _, s := range seeds() {
		for _, c := range []cutting{{}, {csv: true}, {csv: true, header: true}} {
			c.limits = tiny()
			c.check(t, []byte(s))
		}
	}
}

// TestCutRandom makes up inputs of the bytes that matter.
func TestCutRandom(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		for i, alphabet := range []string{"a,\"\n\r", "a,\"\n", "{}\":1\n ", "[]{},\"\n\\", "{}[]\n\r:,"} {
			var data []byte
			if i > 1 {
				data = append(data, "{["[rnd.IntN(2)])
			}
			for range rnd.IntN(90) {
				data = append(data, alphabet[rnd.IntN(len(alphabet))])
				if rnd.IntN(12) == 0 {
					data = append(data, bytes.Repeat([]byte{'x'}, rnd.IntN(30))...)
				}
			}
			c := cutting{csv: i < 2, header: seed%2 == 0, limits: tiny()}
			c.check(t, data)
			if c.csv {
				compare(t, data)
			}
			if t.Failed() {
				t.Fatalf("seed %d, alphabet %d", seed, i)
			}
		}
	}
}

func FuzzCutJSON(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 300 {
			return
		}
		cutting{limits: tiny()}.check(t, data)
	})
}

func FuzzCutCSV(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 300 {
			return
		}
		cutting{csv: true, limits: tiny()}.check(t, data)
		cutting{csv: true, header: true, limits: tiny()}.check(t, data)
		compare(t, data)
	})
}

// compare asserts that the standard library, which is stricter and takes a lone CR for
// text, finds the same records where it finds no error.
func compare(t *testing.T, data []byte) {
	if bytes.Contains(bytes.ReplaceAll(data, []byte("\r\n"), nil), []byte("\r")) || bytes.HasPrefix(data, bom) {
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	want, err := r.ReadAll()
	if err != nil {
		return
	}
	parts, err := cutting{csv: true, limits: usual()}.cut(t, bytes.NewReader(data))
	if err != nil {
		return // UTF-16
	}
	var got [][]string
	for _, rec := range records(parts) {
		one := csv.NewReader(bytes.NewReader([]byte(rec.Text)))
		fields, err := one.Read()
		if err != nil {
			t.Fatalf("record %q: %v", rec.Text, err)
		}
		got = append(got, fields)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: got %q, want %q", data, got, want)
	}
}
