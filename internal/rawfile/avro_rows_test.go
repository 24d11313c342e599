package rawfile_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

// asItLies are options to read rows as they lie there.
func asItLies() rawfile.Options {
	o := options()
	o.Text = false
	return o
}

// TestAvroChunks cuts the same rows into blocks in several ways. The chunks must not differ,
// nor what lies before each: they follow from the rows alone.
func TestAvroChunks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var rows []string
	for i := range 60_000 {
		rows = append(rows, avroText(strings.Repeat("x", rng.IntN(40)))+zigzag(int64(i)))
	}
	rows[30_000] = avroText(strings.Repeat("y", 300_000)) + zigzag(7) // longer than a chunk
	schema := `{"type":"record","name":"r","fields":[{"name":"s","type":"string"},{"name":"n","type":"long"}]}`
	var first reading
	for most := 1; most <= len(rows); most *= 40 {
		var file strings.Builder
		file.WriteString(avroHead("null", schema))
		for at := 0; at < len(rows); {
			n := min(1+rng.IntN(most), len(rows)-at)
			file.WriteString(avroBlock(int64(n), strings.Join(rows[at:at+n], "")))
			at += n
		}
		path := write(t, "x.avro", file.String())
		got := readOnce(t, path, asItLies())
		if got.err != nil || len(got.records) != len(rows) {
			t.Fatalf("%d rows, %v", len(got.records), got.err)
		}
		for i := range rows {
			if got.records[i].text != rows[i] || got.records[i].number != int64(i+1) {
				t.Fatalf("row %d is not as it lies there", i)
			}
		}
		if first.cuts == nil {
			first = got
			resumeAnywhere(t, path, got, 17, 29_999, 30_001)
		}
		if !slices.Equal(got.cuts, first.cuts) {
			t.Errorf("blocks of up to %d rows: other chunks than with blocks of one", most)
		}
	}
	if len(first.cuts) < 5 {
		t.Errorf("got %d chunks, want more", len(first.cuts))
	}
}

// resumeAnywhere asks for chunks that end at a place: they must, with the sum that does not
// depend on what is asked for, and the places of whole reads must have the same sum.
func resumeAnywhere(t *testing.T, path string, whole reading, more ...int64) {
	t.Helper()
	o := asItLies()
	for _, cut := range whole.cuts {
		for _, o.Resume = range append([]int64{cut.To - 1, cut.To}, more...) {
			got := readOnce(t, path, o)
			if !slices.ContainsFunc(got.cuts, func(c batch.Cut) bool { return c.To == o.Resume }) {
				t.Fatalf("no chunk ends at %d", o.Resume)
			}
			for _, c := range got.cuts {
				if c.To == cut.To && c.Sum != cut.Sum {
					t.Fatalf("the sum before %d depends on where reading goes on", c.To)
				}
			}
			if len(got.records) != len(whole.records) {
				t.Fatalf("%d rows, want %d", len(got.records), len(whole.records))
			}
		}
	}
}

// TestAvroSumIsOfTheSchemaToo reads the same bytes under two schemas.
func TestAvroSumIsOfTheSchemaToo(t *testing.T) {
	sum := func(typ, data string) uint64 {
		got := readOnce(t, write(t, "x.avro", avroHead("null", avroColumn(typ))+avroBlock(1, data)), asItLies())
		if got.err != nil {
			t.Fatal(got.err)
		}
		return got.cuts[0].Sum
	}
	if a, b := sum(`"long"`, zigzag(7)), sum(`"int"`, zigzag(7)); a == b {
		t.Error("a long and an int have the same sum")
	}
	if a, b := sum(`"long"`, zigzag(7)), sum(`"long"`, zigzag(8)); a == b {
		t.Error("7 and 8 have the same sum")
	}
}

// TestAvroRowsWithoutBytes reads rows of nothing: so many are a chunk, and a block has only so
// many as its size lets it.
func TestAvroRowsWithoutBytes(t *testing.T) {
	head := avroHead("null", avroColumn(`"null"`))
	got := readOnce(t, write(t, "x.avro", head+avroBlock(20_000, "")), asItLies())
	if got.err != nil || len(got.records) != 20_000 || len(got.cuts) != 2 {
		t.Errorf("%d rows in %d chunks, %v", len(got.records), len(got.cuts), got.err)
	}
	empty := avroHead("null", `{"type":"record","name":"r","fields":[]}`)
	for _, head := range []string{head, empty} {
		got = readOnce(t, write(t, "x.avro", head+avroBlock(1<<40, "")), asItLies())
		if got.err == nil || !strings.Contains(got.err.Error(), "more values than its size") {
			t.Errorf("a block of no bytes and so many rows: %v", got.err)
		}
	}
}

// TestAvroPlaceInText finds the value of a place in the text of a row.
func TestAvroPlaceInText(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"in","type":{"type":"record","name":"in","fields":[
		{"name":"s","type":["null","string"]},{"name":"a","type":{"type":"array","items":"int"}}]}},{"name":"e","type":"string"}]}`
	row := zigzag(300) + zigzag(1) + avroText("abc") + zigzag(2) + zigzag(1) + zigzag(64) + zigzag(0) + avroText("end")
	got := readOnce(t, write(t, "x.avro", avroHead("null", schema)+avroBlock(1, row)), asItLies())
	if got.err != nil {
		t.Fatal(got.err)
	}
	for _, c := range []struct {
		at, bytes int
		want      string
	}{{0, 2, "300"}, {1, 0, "300"}, {2, 0, "abc"}, {4, 3, "abc"}, {8, 1, "1"}, {9, 2, "64"}, {7, 5, "[1,64]"}, {13, 3, "end"}, {2, 10, `{"s":"abc","a":[1,64]}`}, {-1, 0, ""}, {99, 1, ""}} {
		text, from, length := got.layout.Texts.Text([]byte("before"), []byte(row), c.at, c.bytes)
		if whole := `before{"id":300,"in":{"s":"abc","a":[1,64]},"e":"end"}`; string(text) != whole {
			t.Fatalf("got %s, want %s", text, whole)
		}
		if from < 0 {
			from, length = 0, 0
		} else {
			from += len("before")
		}
		if got := string(text[from : from+length]); got != c.want {
			t.Errorf("%d bytes at %d are of %q, want %q", c.bytes, c.at, got, c.want)
		}
	}
}
