package rawfile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tidemark/internal/rawfile"
)

const plainCSV = "id,name\n1,a\n2,b\n"

func gz(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t testing.TB, data string, o ...zstd.EOption) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(data), nil))
}

// plainBZ2 is plainCSV as bzip2 packs it, in base64.
const plainBZ2 = "QlpoOTFBWSZTWaAwe34AAAbZAAAQAAQwADYjIAAxANNNBAMQIEFFl0b17fi7kinChIUBg9vw"

// bz2 holds plainCSV.
func bz2(t testing.TB) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(plainBZ2)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCompressionIsUndone(t *testing.T) {
	want := wanted(`2:"1,a"`, `3:"2,b"`)
	for _, c := range []struct{ name, file, data string }{
		{"gzip", "x.csv.gz", gz(t, plainCSV)},
		{"gzip by its first bytes", "x.csv", gz(t, plainCSV)},
		{"gzip, two members", "x.csv.gz", gz(t, plainCSV[:5]) + gz(t, plainCSV[5:])},
		{"zstd", "x.csv.zst", zst(t, plainCSV)},
		{"zstd by its first bytes", "x.csv", zst(t, plainCSV)},
		{"zstd, two frames and one to skip", "x.csv.zst", "\x50\x2a\x4d\x18\x02\x00\x00\x00ab" + zst(t, plainCSV[:5]) + zst(t, plainCSV[5:])},
		{"bzip2", "x.csv.bz2", bz2(t)},
		{"bzip2 by its first bytes", "x", bz2(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, write(t, c.file, c.data), options())
			if got.err != nil {
				t.Fatal(got.err)
			}
			if got := text(got.records); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// failure is the error of reading a file, which must be one that ends that file alone.
func failure(t *testing.T, path string, o rawfile.Options) (*rawfile.Error, reading) {
	t.Helper()
	got := read(t, path, o)
	var failed *rawfile.Error
	if !errors.As(got.err, &failed) {
		t.Fatalf("got %v (%T), want an error of the file", got.err, got.err)
	}
	return failed, got
}

func TestCompressionThatIsBroken(t *testing.T) {
	half := strings.Repeat("1,a\n", 100)
	for _, c := range []struct{ name, file, data, want string }{
		{"named gzip, and plain", "x.csv.gz", plainCSV, "ends with .gz and is not gzip"},
		{"named gzip, and empty", "x.csv.gz", "", "ends with .gz and is not gzip"},
		{"named gzip, and zstd", "x.csv.gz", zst(t, plainCSV), "ends with .gz and is zstd"},
		{"gzip cut off", "x.gz", cutShort(gz(t, half)), "gzip data are cut off"},
		{"gzip cut off in its header", "x.gz", gz(t, half)[:6], "gzip data are cut off"},
		{"gzip cut off in its second header", "x.gz", gz(t, half) + gz(t, half)[:5], "gzip data are cut off"},
		{"gzip with bytes after it", "x.gz", gz(t, half) + "more and more", "follows the gzip data is not gzip"},
		{"gzip with zeros after it", "x.gz", gz(t, half) + strings.Repeat("\x00", 20), "follows the gzip data is not gzip"},
		{"gzip with a wrong sum", "x.gz", flipped(gz(t, half), -6), "gzip data are broken"},
		{"zstd cut off", "x.zst", cutShort(zst(t, half)), "zstd data are cut off"},
		{"zstd with bytes after it", "x.zst", zst(t, half) + "more and more", "follows the zstd data is not zstd"},
		{"zstd with a few bytes after it", "x.zst", zst(t, half) + "x", "zstd"},
		{"zstd with a wrong sum", "x.zst", flipped(zst(t, half, zstd.WithEncoderCRC(true)), -1), "zstd data are broken"},
		{"zstd with a huge window", "x.zst", "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", "window of more than 128 MiB"},
		{"bzip2 cut off", "x.bz2", cutShort(bz2(t)), "bzip2 data are cut off"},
		{"bzip2 with bytes after it", "x.bz2", bz2(t) + "more", "bzip2"},
		{"xz", "x.csv.xz", "\xfd7zXZ\x00\x00", "packed with xz"},
		{"zip", "x.csv", "PK\x03\x04\x14\x00", "packed with zip"},
		{"gzip bomb", "x.gz", gz(t, "a,b\n"+strings.Repeat("1", 40<<20)), "more than 1000 for each"},
		{"zstd bomb", "x.zst", zst(t, "a,b\n"+strings.Repeat("1", 40<<20)), "more than 1000 for each"},
	} {
		t.Run(c.name, func(t *testing.T) {
			failed, got := failure(t, write(t, c.file, c.data), options())
			if !strings.Contains(failed.Error(), c.want) || !strings.Contains(failed.Error(), failed.URL) {
				t.Errorf("got %q, want it to name the file and say %q", failed, c.want)
			}
			if n := len(got.cuts); n > 0 && got.cuts[n-1].Last {
				t.Error("a last chunk was given")
			}
		})
	}
}

func cutShort(s string) string { return s[:len(s)-7] }

// flipped turns one bit of the byte at i, counted from the end.
func flipped(s string, i int) string {
	b := []byte(s)
	b[len(b)+i] ^= 1
	return string(b)
}
