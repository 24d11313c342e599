package conform_test

import (
	"runtime"
	"strings"
	"testing"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// fuzzTable has a column of each kind under each of a few names, and some from within.
func fuzzTable(tb testing.TB, kind byte) *schema.Table {
	tb.Helper()
	kinds := []string{"int", "long", "float", "double", "decimal(18,4)", "string", "boolean", "date", "timestamp", "timestamp unit=ms", "binary", "json"}
	at := func(i int) string { return kinds[(int(kind)+i)%len(kinds)] }
	return tableOf(tb, "a "+at(0), "b "+at(1)+" required", "c "+at(2), "d "+at(3)+" also=e", "f "+at(4)+" from=in.f", "g "+at(5)+" from=in.g[1].h", "k "+at(6)+" from=map.k", "map json", "y json also=x",
		"more list<struct<a:string,map:map<string,long>,more:list<json>>>", "packed list<long>", "n map<string,struct<a:date,b:list<decimal(9,2)>>>")
}

// Whatever the schema and the bytes: no panic, a cost that their length bounds, the good
// records around them untouched, the same result behind what other records have left, and
// no accepted datum that is accepted when it is cut.
func FuzzAvro(f *testing.F) {
	rec := func(fields ...string) string {
		return `{"type":"record","name":"r","fields":[` + strings.Join(fields, ",") + `]}`
	}
	for _, typ := range []string{`"long"`, `["null","string"]`, `"bytes"`, `"double"`, `["null","long","string"]`, `{"type":"bytes","logicalType":"decimal","precision":30,"scale":3}`,
		`{"type":"long","logicalType":"timestamp-nanos"}`, `{"type":"enum","name":"e","symbols":["A","B"]}`, `{"type":"fixed","name":"f","size":16,"logicalType":"uuid"}`} {
		f.Add(rec(fieldOf("a", typ), fieldOf("b", `"string"`)), []byte("\x02\x02\x02abcdefghijklmnop"), byte(5))
	}
	f.Add(rec(fieldOf("in", `{"type":"record","name":"q","fields":[{"name":"g","type":{"type":"array","items":{"type":"map","values":"long"}}}]}`)), []byte("\x04\x00\x02\x02h\x02\x00\x00"), byte(1))
	f.Add(rec(fieldOf("x", `{"type":"array","items":"null"}`), fieldOf("map", `{"type":"map","values":["null","long"]}`)), []byte("\xfe\xff\x07\x00\x02\x02k\x02\x08\x00"), byte(0))
	f.Add(rec(fieldOf("x", `{"type":"array","items":{"type":"array","items":{"type":"record","name":"q","fields":[]}}}`)), []byte("\x02\xfe\xff\x03\x00\x00"), byte(0))
	item := rec(fieldOf("a", `["null","string"]`), fieldOf("map", `{"type":"map","values":"int"}`), fieldOf("z", `"string"`))
	f.Add(rec(fieldOf("more", `{"type":"array","items":`+item[:len(item)-1]+`}}`), fieldOf("packed", `["null",{"type":"array","items":["null","long"]}]`)),
		[]byte("\x02\x02\x02x\x02\x02k\x02\x00\x00\x00\x02\x03\x04\x00\x02\x02\x00"), byte(3))
	f.Add(rec(fieldOf("packed", `{"type":"array","items":"null"}`), fieldOf("n", `{"type":"map","values":{"type":"map","values":{"type":"array","items":"string"}}}`)),
		[]byte("\xfe\xff\x01\x00\x02\x02k\x02\x02b\x02\x061.5\x00\x00\x00"), byte(7))
	f.Add(rec(fieldOf("a", `"long"`), fieldOf("in", `["null","r"]`), fieldOf("more", `{"type":"array","items":"r"}`), fieldOf("map", `["null",{"type":"map","values":"r"}]`)),
		[]byte("\x02\x02\x04\x00\x00\x00\x02\x06\x00\x00\x00\x00\x02\x02\x02k\x08\x00\x00\x00\x00"), byte(1))
	f.Fuzz(func(t *testing.T, text string, datum []byte, kind byte) {
		table := fuzzTable(t, kind)
		one := newDecoder(t, table)
		var alone, b batch.Batch
		before := allocated()
		s, err := avroschema.Parse([]byte(text))
		if err != nil {
			return
		}
		raw := avroRaw(s, [][]byte{datum})
		held := allocated() // records are copied before they are decoded
		alone.Reset(table, raw, 0, 1)
		one.Decode(&alone)
		if got, most := allocated()-held, uint64(64*(len(text)+len(datum))+1<<20); got > most {
			t.Fatalf("%d bytes are allocated for a schema of %d and a record of %d, want %d at most", got, len(text), len(datum), most)
		}
		if got, most := held-before, uint64(512*len(text)+2*batch.BlockSize+3*len(datum)+1<<20); got > most {
			t.Fatalf("%d bytes are allocated to read a schema of %d bytes, want %d at most", got, len(text), most)
		}
		want := avroOutcome(&alone, 0)
		values := [][]byte{datum, datum, append(append([]byte{}, datum...), 0)}
		for n := range min(len(datum), 40) {
			values = append(values, datum[:len(datum)-n-1])
		}
		raw = avroRaw(s, append(values, datum))
		b.Reset(table, raw, 0, raw.Rows())
		one.Decode(&b)
		for _, row := range []int{0, 1, raw.Rows() - 1} {
			if got := avroOutcome(&b, row); got != want {
				t.Fatalf("row %d: got %s, alone %s", row, got, want)
			}
		}
		for row := 2; row < raw.Rows()-1 && alone.Fates[0] == batch.Written && len(datum) > 0; row++ {
			if b.Fates[row] == batch.Written {
				t.Fatalf("row %d, of %d bytes, is accepted, and so is one of %d", row, len(values[row]), len(datum))
			}
		}
	})
}

// allocated is how many bytes were allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
