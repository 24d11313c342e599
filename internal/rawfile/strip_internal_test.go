// White box: whether what was found in strips is used can be seen from inside alone, since the
// chunks are the same.

package rawfile

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"tidemark/internal/batch"
)

// counting is a splitter that counts the bytes that it looks through.
type counting struct {
	splitter
	seen *atomic.Int64
}

func (s counting) scan(p piece, c *batch.Chunk) (int, spot, tail) {
	s.seen.Add(int64(len(p.data) - p.from))
	return s.splitter.scan(p, c)
}

// large makes a text of about 3 MB of lines.
func large(head string, line func(i int) string) []byte {
	text := []byte(head)
	for i := 0; len(text) < 3_000_000; i++ {
		text = append(text, line(i)...)
	}
	return text
}

// TestStripsAgree: a file that is read in strips gives the chunks that it gives in one piece,
// and each strip is looked through once, but for the records between two of them.
func TestStripsAgree(t *testing.T) {
	note := strings.Repeat("one, two\n", 30)
	for name, c := range map[string]struct {
		text []byte
		once bool // the guesses are good
	}{
		"lines.ndjson":     {large("", func(i int) string { return fmt.Sprintf("{\"a\":%d,\"b\":\"x y z\"}\n", i) }), true},
		"plain.csv":        {large("a,b\n", func(i int) string { return fmt.Sprintf("%d,x y z\n", i) }), true},
		"quoted.csv":       {large("a,b\r\n", func(i int) string { return fmt.Sprintf("%d,\"x \"\"y\"\" z\"\r\n", i) }), true},
		"longer.csv":       {large("a,b\n", func(i int) string { return fmt.Sprintf("%d,%s\n", i, strings.Repeat("x", i*37%20_000)) }), false},
		"newlines.csv":     {large("a,b\n", func(i int) string { return strconv.Itoa(i) + `,"` + note + "\"\n" }), false},
		"returns.csv":      {large("a,b\r", func(i int) string { return fmt.Sprintf("%d,x\r", i) }), false},
		"never closed.csv": {large("a,b\n", func(i int) string { return fmt.Sprintf("%d,\"x\n", i) }), false},
		"again.csv":        {large("a,b\n", func(i int) string { return fmt.Sprintf("%d,x\na,b\n", i) }), true},
		"pretty.json": {large("", func(i int) string {
			return fmt.Sprintf("{\n  \"a\": %d,\n  \"b\": [\n    {\n      \"c\": 1\n    }\n  ]\n}\n", i)
		}), true},
		"array.json":       {append(large("[{}", func(i int) string { return fmt.Sprintf(",\n  {\n    \"a\": {\n      \"b\": %d }}", i) }), ']'), true},
		"one line.json":    {append(large("[{}", func(i int) string { return fmt.Sprintf(",{\"a\":%d}", i) }), ']'), false},
		"cut off.json":     {large("[{}", func(i int) string { return fmt.Sprintf(",\n{\"a\":%d}", i) }), true},
		"many a line.json": {large("{\n}\n", func(i int) string { return "{} {} {}\n" }), false},
		"more.json":        {large("[{},\n{}\n]\n", func(i int) string { return fmt.Sprintf("{\"a\":%d}\n", i) }), false},
		"one record.json":  {large("{\"a\":[1", func(i int) string { return fmt.Sprintf(",\n%d", i) }), false},
	} {
		whole := cutting{csv: strings.HasSuffix(name, ".csv"), header: true, limits: usual()}
		var want []part
		for _, how := range []string{"in one piece", "ahead", "from many places"} {
			seen := &atomic.Int64{}
			whole.wrap = func(k *cutter) {
				k.split = counting{k.split, seen}
				switch how {
				case "in one piece":
					k.stream = &stream{buf: c.text, end: len(c.text), eof: true}
				case "from many places":
					k.stream = &stream{file: bytes.NewReader(c.text), size: int64(len(c.text))}
				}
			}
			parts, err := whole.cut(t, io.LimitReader(bytes.NewReader(c.text), int64(len(c.text))))
			if (err != nil) != (name == "cut off.json") {
				t.Fatalf("%s, %s: got error %v", name, how, err)
			}
			if how == "in one piece" {
				want = parts
				continue
			}
			if !reflect.DeepEqual(parts, want) {
				t.Fatalf("%s, %s: got %d chunks that differ from the %d", name, how, len(parts), len(want))
			}
			if looked := seen.Load(); c.once && looked > int64(len(c.text))*5/4 {
				t.Errorf("%s, %s: %d bytes were looked through, of %d", name, how, looked, len(c.text))
			}
		}
	}
}

// TestStripsEnd: whoever closes a file in the middle leaves no goroutine behind, which the end of
// a bubble waits for.
func TestStripsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{r: endless{}}
		if err := s.fill(window); err != nil {
			t.Fatal(err)
		}
		r, err := openJSON(s, Entry{URL: "x"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var c batch.Chunk
		for range 5 {
			if err := r.Next(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, "{}\n{}\n"), nil }
