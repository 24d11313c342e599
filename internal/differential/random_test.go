package differential_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maker makes up files by a seed.
type maker struct {
	*rand.Rand
	json bool
}

// madeColumns are the columns of the files that are made up. JSON has no date: pyarrow
// reads none there.
const madeColumns = "id a s n i d x b at"

// testRandom compares files that are made up, well formed, and full of hard values. There
// is nothing in them on which readers may differ.
func testRandom(t *testing.T, program string) {
	const rows = 500
	var csv, objects []awkward
	for seed := range uint64(6) {
		m := maker{Rand: rand.New(rand.NewPCG(seed, 1))}
		csv = append(csv, m.csv(fmt.Sprintf("CSV of seed %d", seed), rows))
		m = maker{Rand: rand.New(rand.NewPCG(seed, 2)), json: true}
		objects = append(objects, m.objects(fmt.Sprintf("JSON of seed %d", seed), rows, seed%3))
	}
	read := 0
	for format, files := range map[string][]awkward{"csv": csv, "json": objects} {
		for _, c := range compareAll(t, program, format, files) {
			if strings.HasPrefix(c.data, "[") {
				c.why.pyarrow = noArrays
			}
			c.check(t)
			if c.refused() {
				t.Errorf("%s: Tidemark rejects %+v %+v", c.name, c.lake.Rejected, c.run.Failed)
			}
			read += len(c.lake.Rows)
		}
	}
	if want := rows * (len(csv) + len(objects)); read != want {
		t.Errorf("%d rows were read, want %d", read, want)
	}
}

// csv is a file that is well formed by RFC 4180.
func (m *maker) csv(name string, rows int) awkward {
	s := usual()
	s.Separator = pick(m, ",", ";", "\t", "|")
	end := pick(m, "\n", "\r\n")
	columns := columnsOf(madeColumns + " day")
	var out strings.Builder
	line := func(fields []string) {
		out.WriteString(strings.Join(fields, s.Separator) + end)
	}
	var names []string
	for _, c := range columns {
		names = append(names, m.field(c[0], s.Separator, false))
	}
	line(names)
	for range rows {
		var fields []string
		for _, c := range columns {
			if m.IntN(8) == 0 && c[0] != "id" {
				fields = append(fields, "") // null
				continue
			}
			fields = append(fields, m.field(m.value(c[1]), s.Separator, c[1] == "string"))
		}
		line(fields)
	}
	data := out.String()
	if m.IntN(2) == 0 {
		data = strings.TrimSuffix(data, end)
	}
	return awkward{name: name, columns: madeColumns + " day", data: data, settings: &s}
}

// field quotes a value where it must, or by chance.
func (m *maker) field(value, separator string, text bool) string {
	if strings.ContainsAny(value, "\"\r\n"+separator) || text && value == "" || m.IntN(5) == 0 {
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return value
}

// objects is a file of JSON: an object a line, objects over lines, or one array.
func (m *maker) objects(name string, rows int, shape uint64) awkward {
	columns := columnsOf(madeColumns)
	var all []string
	for range rows {
		var members []string
		for _, c := range columns {
			switch n := m.IntN(10); {
			case n == 0 && c[0] != "id": // not there
			case n == 1 && c[0] != "id":
				members = append(members, m.text(c[0])+":null")
			default:
				members = append(members, m.text(c[0])+m.blank()+":"+m.blank()+m.token(c[1]))
			}
		}
		if m.IntN(3) == 0 {
			members = append(members, `"more":`+pick(m, `{"id":[1,{"a":"}"}]}`, `[]`, `"]}\""`, `-1e-7`, `false`))
		}
		m.Shuffle(len(members), func(i, k int) { members[i], members[k] = members[k], members[i] })
		between := "," + m.blank()
		if shape == 1 {
			between = ",\n  "
		}
		all = append(all, strings.Join(members, between))
	}
	f := awkward{name: name, columns: madeColumns, lines: shape == 1}
	switch shape {
	case 0:
		f.data = "{" + strings.Join(all, "}\n{") + "}\n"
	case 1:
		f.data = "{\n  " + strings.Join(all, "\n}\n{\n  ") + "\n}\n"
	default:
		f.data = "[{" + strings.Join(all, "},{") + "}]"
	}
	return f
}

// token is a value of JSON.
func (m *maker) token(kind string) string {
	value := m.value(kind)
	switch {
	case kind == "string" || kind == "timestamp":
		return m.text(value)
	case strings.HasPrefix(kind, "decimal") && len(value) > 15: // DuckDB has it go through a double
		return m.text(value)
	}
	return value
}

// text writes a text of JSON, with escapes where it must, and by chance.
func (m *maker) text(value string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\' || r < 0x20:
			b, _ := json.Marshal(string(r))
			out.Write(b[1 : len(b)-1])
		case m.IntN(12) > 0:
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		case r == '/':
			out.WriteString(`\/`)
		default:
			fmt.Fprintf(&out, pick(m, `\u%04x`, `\u%04X`), r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func (m *maker) blank() string { return pick(m, "", "", " ", "\t", "  ") }

// value makes up a value that is hard to read for its kind.
func (m *maker) value(kind string) string {
	switch kind {
	case "string":
		return m.words()
	case "long":
		return pick(m, "0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993", strconv.FormatInt(int64(m.Uint64())>>m.IntN(64), 10))
	case "int":
		return pick(m, "0", "2147483647", "-2147483648", strconv.Itoa(int(int32(m.Uint32())>>m.IntN(32))))
	case "decimal(18,2)":
		return m.decimal()
	case "double":
		return m.double()
	case "boolean":
		return pick(m, "true", "false")
	case "date":
		return time.Unix(m.Int64N(20_000_000_000)-10_000_000_000, 0).UTC().Format(time.DateOnly)
	}
	at := time.Unix(m.Int64N(8_000_000_000)-2_000_000_000, m.Int64N(1_000_000)*1000).UTC()
	if m.IntN(3) == 0 {
		at = at.In(time.FixedZone("", 900*(m.IntN(100)-50)))
	}
	return at.Format(pick(m, "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000000Z07:00"))
}

// words are a text of pieces that mean something to a reader.
func (m *maker) words() string {
	var out strings.Builder
	for range m.IntN(5) {
		out.WriteString(pick(m, "x", " ", "  ", "\"", "\"\"", "'", ",", ";", "\t", "|", "\n", "\r\n", "\r", "\n\n", "\\", "\\n", "\\\"", "NULL", "\\N", "null",
			"é", "e\u0301", "銀行", "🏦", "\u202e", "\u00a0", "\u2028", "\u200b", "{", "}]", "#", "=1+1", "@", "-", "0", "1e5", "007", "true", "<&>", "/", "id,a", "\x7f"))
	}
	return out.String()
}

// decimal has up to sixteen digits before the point, and up to two behind it.
func (m *maker) decimal() string {
	minus := pick(m, "", "", "-")
	whole := strconv.FormatInt(m.Int64N(10_000_000_000_000_000)>>m.IntN(54), 10)
	return minus + pick(m, whole, whole+"."+strconv.Itoa(m.IntN(10)), fmt.Sprintf("%s.%02d", whole, m.IntN(100)), "0.01", "0.00", "9999999999999999.99")
}

// double is one of all that there are, but for what is no number.
func (m *maker) double() string {
	x := math.Float64frombits(m.Uint64())
	for math.IsNaN(x) || math.IsInf(x, 0) {
		x = math.Float64frombits(m.Uint64())
	}
	return pick(m, strconv.FormatFloat(x, 'g', -1, 64), strconv.FormatFloat(x, 'e', -1, 64), strconv.FormatFloat(m.NormFloat64(), 'f', -1, 64),
		"0.1", "-0.0", "5e-324", "1.7976931348623157e308", "2.2250738585072011e-308", "9007199254740993.0", "0.1000000000000000055511151231257827", "1E3", strconv.Itoa(m.IntN(1000)))
}

func pick(m *maker, of ...string) string { return of[m.IntN(len(of))] }
