package rawfile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"tidemark/internal/rawfile"
)

const avroMark = "0123456789abcdef"

// zigzag is a number as Avro writes it.
func zigzag(x int64) string { return string(binary.AppendVarint(nil, x)) }

// avroText is a text or bytes as Avro writes them.
func avroText(s string) string { return zigzag(int64(len(s))) + s }

// avroHead is the beginning of a container.
func avroHead(codec, schema string) string {
	head := "Obj\x01" + zigzag(2) + avroText("avro.schema") + avroText(schema) + avroText("avro.codec") + avroText(codec)
	return head + zigzag(0) + avroMark
}

// avroBlock is a block of so many rows.
func avroBlock(rows int64, data string) string {
	return zigzag(rows) + avroText(data) + avroMark
}

// avroColumn is the schema of rows with one column x.
func avroColumn(typ string) string {
	return `{"type":"record","name":"r","fields":[{"name":"x","type":` + typ + `}]}`
}

// float64s are the bytes of a double.
func float64s(x float64) string {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
}

func TestAvroValues(t *testing.T) {
	for _, c := range []struct{ typ, data, want, defect string }{
		{`"null"`, "", "null", ""},
		{`"boolean"`, "\x01", "true", ""},
		{`"int"`, zigzag(math.MinInt32), "-2147483648", ""},
		{`"long"`, zigzag(9007199254740993), "9007199254740993", ""},
		{`"long"`, zigzag(math.MinInt64), "-9223372036854775808", ""},
		{`"float"`, "\xcd\xcc\xcc\x3d", "0.1", ""},
		{`"double"`, float64s(0.1), "0.1", ""},
		{`"double"`, float64s(5e-324), "5e-324", ""},
		{`"double"`, float64s(math.NaN()), "NaN", "syntax"},
		{`"double"`, float64s(math.Inf(-1)), "-Inf", "syntax"},
		{`"string"`, avroText("a\"\\\n\x00\u2028é"), `"a\"\\\n\u0000` + "\u2028é\"", ""},
		{`"string"`, avroText("a\xff"), "\"a\xff\"", "encoding"},
		{`"bytes"`, avroText("\xff\x00\x10"), `"/wAQ"`, ""},
		{`{"type":"fixed","name":"f","size":2}`, "ab", `"YWI="`, ""},
		{`{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}`, avroText("\xff"), "-0.01", ""},
		{`{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}`, avroText("\x00\x00\x30\x39"), "123.45", ""},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, avroText("\x00\x00\x30\x39"), "123.45", "overflow"},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, avroText(""), "null", "syntax"},
		{`{"type":"fixed","name":"f","size":16,"logicalType":"decimal","precision":38,"scale":10}`,
			"\x80" + strings.Repeat("\x00", 15), "-17014118346046923173168730371.5884105728", "overflow"},
		{`{"type":"fixed","name":"f","size":16,"logicalType":"decimal","precision":38,"scale":0}`,
			"\xff" + strings.Repeat("\x00", 15), "-1329227995784915872903807060280344576", ""},
		{`{"type":"fixed","name":"f","size":16,"logicalType":"uuid"}`, "\x01\x23\x45\x67\x89\xab\xcd\xef0123456\xff", `"01234567-89ab-cdef-3031-3233343536ff"`, ""},
		{`{"type":"int","logicalType":"date"}`, zigzag(20779), `"2026-11-22"`, ""},
		{`{"type":"int","logicalType":"date"}`, zigzag(-719162), `"0001-01-01"`, ""},
		{`{"type":"int","logicalType":"date"}`, zigzag(-719163), `"0000-12-31"`, ""},
		{`{"type":"int","logicalType":"time-millis"}`, zigzag(86399999), `"23:59:59.999"`, ""},
		{`{"type":"int","logicalType":"time-millis"}`, zigzag(86400000), `86400000`, "time"},
		{`{"type":"long","logicalType":"time-micros"}`, zigzag(1), `"00:00:00.000001"`, ""},
		{`{"type":"long","logicalType":"timestamp-millis"}`, zigzag(-1), `"1969-12-31T23:59:59.999Z"`, ""},
		{`{"type":"long","logicalType":"timestamp-micros"}`, zigzag(1795342530123456), `"2026-11-22T10:15:30.123456Z"`, ""},
		{`{"type":"long","logicalType":"timestamp-nanos"}`, zigzag(1795342530123456789), `"2026-11-22T10:15:30.123456789Z"`, ""},
		{`{"type":"long","logicalType":"timestamp-millis"}`, zigzag(math.MaxInt64), `"292278994-08-17T07:12:55.807Z"`, ""},
		{`{"type":"long","logicalType":"timestamp-millis"}`, zigzag(math.MinInt64), `"-292275055-05-16T16:47:04.192Z"`, ""},
		{`{"type":"long","logicalType":"local-timestamp-micros"}`, zigzag(0), `"1970-01-01T00:00:00"`, ""},
		{`{"type":"enum","name":"e","symbols":["A","B"]}`, zigzag(1), `"B"`, ""},
		{`["null","string"]`, zigzag(0), "null", ""},
		{`["null","string","long"]`, zigzag(2) + zigzag(7), "7", ""},
		{`{"type":"array","items":"int"}`, zigzag(2) + zigzag(1) + zigzag(2) + zigzag(-1) + zigzag(1) + zigzag(3) + zigzag(0), "[1,2,3]", ""},
		{`{"type":"map","values":"int"}`, zigzag(1) + avroText("k\"") + zigzag(2) + zigzag(0), `{"k\"":2}`, ""},
		{`{"type":"record","name":"in","namespace":"n","fields":[{"name":"a","type":{"type":"enum","name":"e","symbols":["S"]}},{"name":"b","type":"n.e"}]}`, zigzag(0) + zigzag(0), `{"a":"S","b":"S"}`, ""},
		{`{"type":"fixed","name":"d","size":12,"logicalType":"duration"}`, "\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00", `{"months":1,"days":2,"millis":3}`, ""},
	} {
		path := write(t, "x.avro", avroHead("null", avroColumn(c.typ))+avroBlock(1, c.data))
		got := read(t, path, options())
		if got.err != nil || len(got.records) != 1 {
			t.Errorf("%s: %v, %v", c.typ, got.records, got.err)
			continue
		}
		if r := got.records[0]; r.text != `{"x":`+c.want+`}` || !strings.HasPrefix(r.defect, c.defect) || (c.defect == "") != (r.defect == "") {
			t.Errorf("%s: got %s, defect %q, want %s, defect %q", c.typ, r.text, r.defect, c.want, c.defect)
		}
	}
}

func TestAvroEndsWithAnError(t *testing.T) {
	long := `"long"`
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "byte 0: is no Avro container"},
		{"codec", avroHead("xz", avroColumn(long)), `its codec is "xz"`},
		{"mark", avroHead("null", avroColumn(long)) + strings.Replace(avroBlock(1, zigzag(1)), "abc", "abd", 1), "does not end with the marker"},
		{"count below zero", avroHead("null", avroColumn(long)) + avroBlock(-1, zigzag(1)), "claims -1 rows"},
		{"count", avroHead("null", avroColumn(long)) + avroBlock(3, zigzag(1)), "claims 3 rows"},
		{"count of nothing", avroHead("null", avroColumn(`"null"`)) + avroBlock(1<<40, ""), "more values than its size"},
		{"size", avroHead("null", avroColumn(long)) + zigzag(1) + zigzag(1<<40), "claims 1 rows in 1099511627776 bytes"},
		{"size below zero", avroHead("null", avroColumn(long)) + zigzag(1) + zigzag(-5), "in -5 bytes"},
		{"more bytes than rows", avroHead("null", avroColumn(long)) + avroBlock(1, zigzag(1)+zigzag(1)), "row 1: 1 bytes follow"},
		{"text", avroHead("null", avroColumn(`"string"`)) + avroBlock(1, zigzag(1<<62)), `row 1: column "x": it claims 4611686018427387904 bytes`},
		{"text below zero", avroHead("null", avroColumn(`"string"`)) + avroBlock(1, zigzag(-5)), "it claims -5 bytes"},
		{"union", avroHead("null", avroColumn(`["null","int"]`)) + avroBlock(1, zigzag(99)), "type 99 of a union of 2"},
		{"union below zero", avroHead("null", avroColumn(`["null","int"]`)) + avroBlock(1, zigzag(-1)), "type -1"},
		{"enum", avroHead("null", avroColumn(`{"type":"enum","name":"e","symbols":["A"]}`)) + avroBlock(1, zigzag(-1)), "symbol -1"},
		{"boolean", avroHead("null", avroColumn(`"boolean"`)) + avroBlock(1, "\x02"), "a boolean is 2"},
		{"int", avroHead("null", avroColumn(`"int"`)) + avroBlock(1, zigzag(1<<31)), "more than 32 bits"},
		{"array", avroHead("null", avroColumn(`{"type":"array","items":"int"}`)) + avroBlock(1, zigzag(1<<30)), "claims 1073741824 items"},
		{"array of nothing", avroHead("null", avroColumn(`{"type":"array","items":"null"}`)) + avroBlock(1, zigzag(1<<30)), "claims 1073741824 items"},
		{"array below zero", avroHead("null", avroColumn(`{"type":"array","items":"int"}`)) + avroBlock(1, zigzag(math.MinInt64)+zigzag(0)), "items"},
		{"array size", avroHead("null", avroColumn(`{"type":"array","items":"int"}`)) + avroBlock(1, zigzag(-1)+zigzag(2)+zigzag(1)+zigzag(0)), "another size"},
		{"deep", avroHead("null", avroColumn(strings.Repeat(`{"type":"array","items":`, 3000)+`"int"`+strings.Repeat("}", 3000))), "64 deep"},
		{"recursive", avroHead("null", `{"type":"record","name":"r","fields":[{"name":"x","type":["null","r"]}]}`), `"r" within itself`},
		{"schema", avroHead("null", `"long"`), "is not that of a record"},
		{"large schema", avroHead("null", avroColumn(long)+strings.Repeat(" ", 1<<20)), "claims a text of"},
		{"two fields", avroHead("null", `{"type":"record","name":"r","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}`), `two fields "x"`},
		{"bomb", avroHead("deflate", avroColumn(`"bytes"`)) + avroBlock(1, deflated(strings.Repeat("\x00", 60<<20))), "more than 1000 for each"},
		{"snappy checksum", avroHead("snappy", avroColumn(long)) + avroBlock(1, string(snappy.Encode(nil, []byte{2}))+"abcd"), "checksum is wrong"},
		{"snappy size", avroHead("snappy", avroColumn(long)) + avroBlock(1, "\xff\xff\xff\xff\x0fabcd"), "it claims 4294967295 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "x.avro", c.file)
			got := read(t, path, rawfile.Options{Format: rawfile.Avro})
			var e *rawfile.Error
			if !errors.As(got.err, &e) || !strings.Contains(got.err.Error(), c.want) || !strings.Contains(got.err.Error(), "x.avro") {
				t.Errorf("got %v, want %q", got.err, c.want)
			}
		})
	}
}

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestAvroCodecs(t *testing.T) {
	data := strings.Repeat(zigzag(77), 1000)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	snap := snappy.Encode(nil, []byte(data))
	for codec, packed := range map[string]string{
		"null": data, "deflate": deflated(data), "zstandard": string(z.EncodeAll([]byte(data), nil)),
		"snappy": string(binary.BigEndian.AppendUint32(snap, crc32.ChecksumIEEE([]byte(data)))),
	} {
		file := avroHead(codec, avroColumn(`"long"`)) + avroBlock(0, map[string]string{"null": "", "deflate": deflated("")}[codec])
		if codec == "zstandard" || codec == "snappy" {
			file = avroHead(codec, avroColumn(`"long"`))
		}
		got := read(t, write(t, codec+".avro", file+avroBlock(1000, packed)+avroBlock(1000, packed)), options())
		if got.err != nil || len(got.records) != 2000 || got.records[1999].text != `{"x":77}` {
			t.Errorf("%s: %d rows, %v", codec, len(got.records), got.err)
		}
	}
}

func TestAvroCutAtEachByte(t *testing.T) {
	head := avroHead("null", avroColumn(`["null","string"]`))
	block := avroBlock(2, zigzag(1)+avroText("abc")+zigzag(0))
	file := head + block + block
	for n := range file {
		got := read(t, write(t, "x.avro", file[:n]), rawfile.Options{Format: rawfile.Avro})
		if whole := n == len(head) || n == len(head)+len(block); whole != (got.err == nil) {
			t.Errorf("%d of %d bytes: %v", n, len(file), got.err)
		}
	}
}

func TestAvroFloatForMoney(t *testing.T) {
	for _, typ := range []string{`"double"`, `["null","float"]`} {
		o := options()
		o.Exact = []string{"amount", "x"}
		got := read(t, write(t, "x.avro", avroHead("null", avroColumn(typ))), o)
		if got.err == nil || !strings.Contains(got.err.Error(), `column "x"`) || !strings.Contains(got.err.Error(), "type: double") {
			t.Errorf("%s: got %v", typ, got.err)
		}
	}
}

func TestAvroResumesAtARow(t *testing.T) {
	file := avroHead("null", avroColumn(`"long"`)) + avroBlock(5, strings.Repeat(zigzag(1), 5))
	for resume, want := range map[int64]string{0: "5", 2: "2 5", 5: "5", 9: "5"} {
		o := options()
		o.Resume = resume
		var cuts []string
		for _, c := range read(t, write(t, "x.avro", file), o).cuts {
			cuts = append(cuts, fmt.Sprint(c.To))
		}
		if got := strings.Join(cuts, " "); got != want {
			t.Errorf("resume %d: got %s, want %s", resume, got, want)
		}
	}
}
