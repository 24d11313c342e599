package differential_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func repeated(s string, n int) string { return strings.Repeat(s, n) }

// line100MB makes a file with a line of 100 MB before a good one.
func line100MB(t *testing.T, in string) {
	f, err := os.Create(filepath.Join(in, "line-100-MB.csv"))
	must(t, err)
	w := bufio.NewWriter(f)
	_, _ = w.WriteString("id,name\n1,")
	for range 100 {
		_, _ = w.WriteString(repeated("x", 1_000_000))
	}
	_, _ = w.WriteString("\n2,y\n")
	must(t, w.Flush())
	must(t, f.Close())
}

func zigzag(x int64) string { return string(binary.AppendVarint(nil, x)) }

// avro is a container of one block with rows of an id and another column: NAME TYPE, or
// the type of name.
func avro(codec, column string, rows int64, block string) string {
	name, typ, ok := strings.Cut(column, " ")
	if !ok || strings.ContainsAny(name, `[{"`) {
		name, typ = "name", column
	}
	text := func(s string) string { return zigzag(int64(len(s))) + s }
	schema := `{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"` + name + `","type":` + typ + `}]}`
	head := "Obj\x01" + zigzag(2) + text("avro.schema") + text(schema) + text("avro.codec") + text(codec) + zigzag(0)
	const mark = "0123456789abcdef"
	return head + mark + zigzag(rows) + text(block) + mark
}

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func catalogueAvro() []catalogued {
	one := zigzag(1) // an id
	const text, array = `"string"`, `{"type":"array","items":"int"}`
	good := avro("null", text, 1, one+zigzag(1)+"x")
	fails := func(name, data, why string) badFile { return badFile{name: name + ".avro", data: data, fails: why} }
	return []catalogued{
		{line: "magic byte not 0, under 5 bytes", other: "of topics alone"},
		{line: "schema id that the registry says it does not have", other: "of topics alone"},
		{line: "registry down, slow, 5xx, 401", other: "of topics alone"},
		{line: "datum cut at each byte; string length 2^62 or −5; union index 99 or −1; enum −1; bool 2", other: "internal/rawfile TestAvroCutAtEachByte", files: []badFile{
			fails("cut", good[:len(good)-20], "cut off"),
			fails("length", avro("null", text, 1, one+zigzag(1<<62)), "4611686018427387904"), fails("length-below-zero", avro("null", text, 1, one+zigzag(-5)), "-5"),
			fails("union", avro("null", `["null","string"]`, 1, one+zigzag(99)), "type 99"), fails("union-below-zero", avro("null", `["null","string"]`, 1, one+zigzag(-1)), "type -1"),
			fails("enum", avro("null", `{"type":"enum","name":"e","symbols":["A"]}`, 1, one+zigzag(-1)), "symbol -1"), fails("boolean", avro("null", `"boolean"`, 1, one+"\x02"), "a boolean is 2")}},
		{line: "bytes after the datum", files: []badFile{fails("behind", avro("null", text, 1, one+zigzag(1)+"xyz"), "bytes")}},
		{line: "array or map count 2^30 in six bytes; block size lies; nested arrays 3,000 deep; recursive schema; 1 MB of schema text", files: []badFile{
			fails("array", avro("null", array, 1, one+zigzag(1<<30)), "1073741824"), fails("map", avro("null", `{"type":"map","values":"int"}`, 1, one+zigzag(1<<30)), "1073741824"),
			fails("block-size", avro("null", array, 1, one+zigzag(-1)+zigzag(2)+zigzag(1)+zigzag(0)), "another size"),
			fails("deep", avro("null", repeated(`{"type":"array","items":`, 3000)+`"int"`+repeated("}", 3000), 0, ""), "64 deep"),
			fails("recursive", avro("null", `["null","r"]`, 0, ""), "within itself"), fails("schema-text", avro("null", text+repeated(" ", 1<<20), 0, ""), "claims a text of")}},
		{line: "string that is not UTF-8; decimal with more digits than its type", files: []badFile{
			{name: "encoding.avro", data: avro("null", text, 2, one+zigzag(1)+"\xff"+one+zigzag(1)+"x"), rows: 1, rejected: "encoding"},
			{name: "overflow.avro", columns: "id amount", data: avro("null", `amount {"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, 2, one+zigzag(2)+"\x7f\xff"+one+zigzag(1)+"\x7f"), rows: 1, rejected: "overflow"}}},
		{line: "writer type that does not resolve to the column", files: []badFile{
			{name: "type.avro", columns: "id n", data: avro("null", "n "+text, 1, one+zigzag(1)+"x"), rejected: "type"}},
			other: "a text for a number is read as one: such a row is of another type"},
		{line: "amount as float or double in the writer's schema", files: []badFile{
			{name: "float.avro", columns: "id amount", data: avro("null", `amount "double"`, 1, one+repeated("\x00", 8)), fails: `column "amount" is double`}}},
		{line: "container: unknown codec, bad sync marker, deflate bomb 1000:1, negative block count", files: []badFile{
			fails("codec", avro("lzo", text, 1, one+zigzag(1)+"x"), "lzo"), fails("mark", good[:len(good)-1]+"x", "marker"),
			fails("bomb", avro("deflate", text, 1, deflated(repeated("\x00", 25<<20))), "1000"), fails("rows-below-zero", avro("null", text, -1, ""), "-1 rows")}},
	}
}

func catalogueOdd() []catalogued {
	odd := func(name string, rows int, fails string) badFile {
		return badFile{name: name, from: "odd/" + name, rows: rows, fails: fails}
	}
	link := func(name, to string) func(*testing.T, string) {
		return func(t *testing.T, in string) { must(t, os.Symlink(to, filepath.Join(in, name))) }
	}
	return []catalogued{
		{line: "truncated gzip or zstd, junk after the last member (two members are OK)", files: []badFile{
			odd("cut.csv.gz", 0, "cut off"), odd("cut-in-the-sum.csv.gz", 0, "cut off"), odd("cut.csv.bz2", 0, "cut off"), odd("junk-behind.csv.gz", 0, "few other bytes follow"),
			odd("zeros-behind.csv.gz", 0, "is not gzip"), odd("wrong-sum.csv.gz", 0, "invalid checksum"), odd("members.csv.gz", 2, ""), odd("bzip2.csv.bz2", 2, ""),
			{name: "cut.csv.zst", makes: cutZstd, fails: "cut off"}}},
		{line: "bomb 1000:1, zstd window over 128 MiB", files: []badFile{odd("bomb.csv.gz", 0, "more than 1000 for each"), odd("window.csv.zst", 0, "128 MiB")}},
		{line: ".csv that is gzip by its magic bytes; .gz that is not", files: []badFile{
			odd("gzip-without-its-name.csv", 2, ""), odd("plain-with-the-name.csv.gz", 0, "is not gzip"), odd("zero-bytes.csv.gz", 0, "is not gzip"), odd("packed.csv.zip", 0, "zip")}},
		{line: "FIFO, device, folder named x.csv, link out of the given root", files: []badFile{
			{name: "pipe.csv", makes: func(t *testing.T, in string) { must(t, syscall.Mkfifo(filepath.Join(in, "pipe.csv"), 0o600)) }, fails: "is a pipe"},
			{name: "device.csv", makes: link("device.csv", "/dev/null"), fails: "leads out of"},
			{name: "folder.csv", makes: func(t *testing.T, in string) { must(t, os.Mkdir(filepath.Join(in, "folder.csv"), 0o755)) }, fails: "is a folder"},
			{name: "link.csv", makes: link("link.csv", "../../../../link.csv"), fails: "is a link"}}},
		{line: "file changed while read", other: "internal/rawfile TestChangedFileIsSeen, internal/backfill TestChangedIsRefused"},
		{line: "no file matches", other: "cmd/tidemark TestScripts"},
		{line: "names with newline, %2e%2e, 255 bytes", files: []badFile{
			{name: "line\nbreak.csv", data: "id,name\n1,x\n", rows: 1}, {name: "%2e%2e.csv", data: "id,name\n1,x\n", rows: 1},
			{name: repeated("n", 251) + ".csv", data: "id,name\n1,x\n2,\"y\n", rows: 1, rejected: "quote"}, {name: "\xff?#.csv", data: "id,name\n1\n", rejected: "columns"}}},
	}
}

func cutZstd(t *testing.T, in string) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	must(t, err)
	for i := range 10_000 {
		fmt.Fprintf(w, "%d,x%d\n", i, i*i)
	}
	must(t, w.Close())
	must(t, os.WriteFile(filepath.Join(in, "cut.csv.zst"), b.Bytes()[:b.Len()/2], 0o644))
}

func catalogueParquet() []catalogued {
	bad := func(name, why string) badFile {
		return badFile{name: name + ".parquet", from: "parquet/" + name + ".parquet", columns: "id x", fails: why}
	}
	made := func(name string, f badFile) badFile {
		f.name = name + ".parquet"
		f.made = true
		return f
	}
	size := func(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) + "PAR1" }
	groups := "\x15\x02\x39\xfc" + string(binary.AppendUvarint(nil, 1_000_000)) + repeated("\x00", 1_000_001)
	return []catalogued{
		{line: "0 or 4 bytes, no magic at either end, footer length negative or beyond the file or over 16 MiB", files: []badFile{
			bad("empty", "it has 0 bytes"), bad("four-bytes", "it has 4 bytes"), bad("head", "PAR1"), bad("tail", "PAR1"), bad("footer-below-zero", "claims -1 bytes"), bad("footer-over-the-file", "claims 16777215 bytes"),
			{name: "footer-over-16-MiB.parquet", data: "PAR1" + repeated("\x00", 17<<20) + size(16<<20+1), fails: "claims 16777217 bytes"}}},
		{line: "a page that claims 4 GiB, rows read ≠ rows promised, page checksum wrong, chunk outside the file, dictionary index out of range", files: []badFile{
			bad("page-of-2-GiB", "a page claims 2147483647 bytes"), bad("page-below-zero", "claims -1 bytes"), bad("page-over-its-column", "a page claims"), bad("rows-that-miss", "its pages end"), bad("rows-too-many", "a page has 3 values"),
			bad("rows-of-groups", "promises 2 rows"), bad("rows-of-nothing", "more than 10000 for each"), bad("values-of-a-page", "has 3 values"), bad("values-that-miss", "fewer values"), bad("checksum", "checksum of a page is wrong"),
			bad("chunk-outside", "lies at bytes"), bad("chunk-too-long", "lies at bytes"), bad("chunk-below-zero", "lies at bytes"), bad("index", "number 2 of a dictionary of 2"), bad("no-dictionary", "there is none"),
			bad("dictionary-lies", "claims 1073741824 values"), bad("delta-lies", "fewer values"), bad("list-lies", "claims 2147483647 elements")}},
		{line: "unknown codec, encrypted, two columns of one name", files: []badFile{
			bad("codec", "has the codec 3"), bad("encrypted", "is encrypted"), bad("encrypted-column", "is encrypted"), bad("two-columns", `two columns "x"`), bad("encoding", "has the encoding 77"), bad("type", "with type 2"),
			bad("elsewhere", "in other files"), bad("no-columns", "its groups claim"), bad("too-many-columns", "belong to no group"), bad("columns-of-groups", "column")}},
		{line: "a million row groups", files: []badFile{{name: "groups.parquet", data: "PAR1" + groups + size(uint32(len(groups))), fails: "more than 100000 row groups"}}, other: "internal/rawfile TestParquetEndsWithAnError, internal/rawfile TestParquetWide"},
		{line: "INT96", files: []badFile{made("int96", badFile{columns: "id at", rows: 2, want: "1, 1767323045678901"})}},
		{line: "0 rows", files: []badFile{made("no-rows", badFile{})}},
		{line: "float for money", files: []badFile{made("float", badFile{columns: "id amount", fails: `column "amount" is double`})}},
		{line: "decimal(38) that fits, else", files: []badFile{made("decimal38", badFile{columns: "id amount", rows: 1, rejected: "overflow", want: "1, 12.50"})}},
		{line: "null in a required column", files: []badFile{made("null", badFile{column: map[string]string{"id": ", required: true"}, rows: 1, rejected: "required", want: `1, "x"`})}},
	}
}

func catalogueRest() []catalogued {
	var days strings.Builder
	days.WriteString("id,at\n")
	for i := range 2500 {
		fmt.Fprintf(&days, "%d,%04d-%02d-01\n", i, 1910+i/12%100, i%12+1)
	}
	return []catalogued{
		{line: "more than 2,000 days in one batch", other: "internal/pipeline TestManyDays", files: []badFile{
			{name: "days.csv", columns: "id at", more: "    event_time: at\n    backfill: {first_run: all}\n", data: days.String(), rows: 2500}}},
		{line: "YAML: unknown or doubled key, alias bomb, tab, wrong type", other: "internal/config TestBadFiles, internal/config TestDocumentsAreBounded"},
		{line: "secret file missing or empty; readable by all", other: "internal/config TestPasswordFileThatAllCanRead, internal/config TestScenarios"},
		{line: "unknown time zone, unreadable CA file", other: "internal/config TestScenarios, internal/config TestCertificates"},
		{line: "topic that is not there or not allowed", other: "of topics alone"},
	}
}
