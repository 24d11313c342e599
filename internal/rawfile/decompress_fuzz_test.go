package rawfile_test

import (
	"errors"
	"runtime"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

// FuzzOpen reads any bytes under any name: it ends with the last chunk or with an error
// of the file, in bounded memory.
func FuzzOpen(f *testing.F) {
	f.Add("x.csv.gz", []byte(gz(f, plainCSV)))
	f.Add("x.csv.zst", []byte(zst(f, plainCSV)))
	f.Add("x.bz2", []byte(bz2(f)))
	f.Add("x.csv", []byte(plainCSV))
	f.Add("x.json", []byte("[{\"a\":1}]"))
	f.Add("x", []byte("\xff\xfea\x00"))
	f.Add("x.zst", []byte("\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		ending := ""
		for _, known := range []string{".csv", ".json", ".gz", ".zst", ".bz2"} {
			if len(name) >= len(known) && name[len(name)-len(known):] == known {
				ending = known
			}
		}
		e := entry(t, write(t, "x"+ending, string(data)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := rawfile.Open(t.Context(), e, options())
		var c batch.Chunk
		for err == nil && !c.Last {
			err = r.Next(t.Context(), &c)
		}
		var failed *rawfile.Error
		if err != nil && !errors.As(err, &failed) {
			t.Fatalf("got %T: %v", err, err)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 512<<20 {
			t.Fatalf("%d bytes were allocated", after.TotalAlloc-before.TotalAlloc)
		}
		if r != nil {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
