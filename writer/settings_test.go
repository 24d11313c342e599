package writer_test

import (
	"strings"
	"testing"

	"tidemark/writer"
)

func TestOptionsThatAreWrong(t *testing.T) {
	_, err := writer.New(allTypes(), writer.Options{Codec: "brotli", Level: "11", TargetFile: -1, SortBy: []string{"amount", "who", "amount"}})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"set up writer of table all: ",
		`level "11" is not one of fastest, default, better, best`,
		`codec "brotli" is not one of zstd, snappy, gzip, lz4, none`,
		"target_file is -1 bytes: write a size like 256MiB",
		`sort_by: "who" is not a column of the table: name one of zid, i, f,`,
		"sort_by names amount twice",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q\nwant %q in it", err, want)
		}
	}
}

func TestAllCodecsAndLevels(t *testing.T) {
	m := newMaker(50)
	b := m.make(allTypes(), 500)
	for _, codec := range []string{"", "zstd", "snappy", "gzip", "lz4", "none"} {
		for _, level := range []string{"", "fastest", "default", "better", "best"} {
			o := writer.Options{Codec: codec, Level: level}
			lake, files := write(t, o, b, build("b1"))
			check(t, lake, files, b, build("b1"), o)
		}
	}
}
