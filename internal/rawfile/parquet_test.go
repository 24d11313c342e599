package rawfile_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tidemark/internal/rawfile"
)

// makeParquet has testdata/parquet/make.py write its files.
func makeParquet(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("TIDEMARK_CACHE")
	if cache == "" {
		cache = "../../.cache"
	}
	if _, err := os.Stat(cache + "/readers/ready"); err != nil {
		t.Fatal("the outside readers are not installed: run `make setup`")
	}
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), cache+"/readers/venv/bin/python", "testdata/parquet/make.py", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("make.py: %v\n%s", err, out)
	}
	return dir
}

// TestParquetAgreesWithPyarrow reads files of three writers, and compares every value
// with what pyarrow reads.
func TestParquetAgreesWithPyarrow(t *testing.T) {
	dir := makeParquet(t)
	files, err := filepath.Glob(dir + "/*.parquet")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := read(t, path, options())
			if got.err != nil {
				t.Fatal(got.err)
			}
			want, err := os.Open(strings.TrimSuffix(path, ".parquet") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			lines := bufio.NewScanner(want)
			lines.Buffer(nil, 1<<20)
			n := 0
			for ; lines.Scan(); n++ {
				if n >= len(got.records) {
					continue
				}
				r := got.records[n]
				if diff := differ(decode(t, r.text), decode(t, lines.Text()), ""); diff != "" || r.number != int64(n+1) || r.defect != "" {
					t.Fatalf("row %d (defect %q): %s", n, r.defect, diff)
				}
			}
			if lines.Err() != nil || n != len(got.records) {
				t.Errorf("%d rows, want %d (%v)", len(got.records), n, lines.Err())
			}
		})
	}
}

// member is a key of an object with its value, so that order and doubles count.
type member struct {
	key   string
	value any
}

// decode reads JSON and keeps all of it.
func decode(t *testing.T, text string) any {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("no JSON: %q", text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return decodeValue(t, d)
}

func decodeValue(t *testing.T, d *json.Decoder) any {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token
	}
	var list []any
	for d.More() {
		if delim == '{' {
			key, _ := decodeValue(t, d).(string)
			list = append(list, member{key, decodeValue(t, d)})
		} else {
			list = append(list, decodeValue(t, d))
		}
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	return append(list, delim)
}

// differ says where a value is not what is wanted. A float that is wanted stands as a
// text with its bits.
func differ(got, want any, path string) string {
	if list, ok := want.([]any); ok {
		mine, _ := got.([]any)
		if len(mine) != len(list) {
			return fmt.Sprintf("%s: got %v, want %v", path, got, want)
		}
		for i := range list {
			if diff := differ(mine[i], list[i], fmt.Sprintf("%s[%d]", path, i)); diff != "" {
				return diff
			}
		}
		return ""
	}
	if m, ok := want.(member); ok {
		mine, _ := got.(member)
		if mine.key != m.key {
			return fmt.Sprintf("%s: got key %q, want %q", path, mine.key, m.key)
		}
		return differ(mine.value, m.value, path+"."+m.key)
	}
	if text, ok := want.(string); ok {
		kind, bits, found := strings.Cut(text, ":")
		if n, isNumber := got.(json.Number); isNumber && found {
			size := map[string]int{"float": 32, "double": 64}[kind]
			x, err := strconv.ParseFloat(n.String(), size)
			y, err2 := strconv.ParseFloat(bits, 64)
			if err == nil && err2 == nil && math.Float64bits(x) == math.Float64bits(y) && n.String() == strconv.FormatFloat(x, 'g', -1, size) {
				return ""
			}
		}
	}
	if got != want {
		return fmt.Sprintf("%s: got %#v, want %#v", path, got, want)
	}
	return ""
}

// sample is a small file with most of what files can have.
func sample(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/parquet/sample.parquet")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParquetBroken changes each byte of a file, and cuts it at each: it is read, or it
// ends with an error that names it; nothing else happens.
func TestParquetBroken(t *testing.T) {
	whole := sample(t)
	try := func(what string, b []byte) {
		got := read(t, write(t, "x.parquet", string(b)), rawfile.Options{Format: rawfile.Parquet, Text: true})
		if got.err != nil && !strings.Contains(got.err.Error(), "x.parquet") {
			t.Errorf("%s: %v", what, got.err)
		}
	}
	for i := range whole {
		for _, bit := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[i] ^= bit
			try(fmt.Sprintf("byte %d changed by %x", i, bit), b)
		}
	}
	for n := range whole {
		got := read(t, write(t, "x.parquet", string(whole[:n])), rawfile.Options{Format: rawfile.Parquet, Text: true})
		if got.err == nil {
			t.Errorf("%d of %d bytes were read", n, len(whole))
		}
	}
}
