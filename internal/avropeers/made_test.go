package avropeers_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
)

// maker makes up schemas and values.
type maker struct {
	*rand.Rand
	named int // types with a name so far
	tame  int // above 0: no value that the column may reject, and no edge of time
}

func newMaker(seed uint64) *maker { return &maker{Rand: rand.New(rand.NewPCG(seed, 77))} }

func (m *maker) name(kind string) string {
	m.named++
	return fmt.Sprintf("%s%d", kind, m.named)
}

// record makes up the schema of a record.
func (m *maker) record() *typ {
	t := &typ{kind: "record", name: "row"}
	for i := range 2 + m.IntN(11) {
		t.fields = append(t.fields, field{name: fmt.Sprintf("f%d", i), of: m.type_(2)})
	}
	return t
}

// type_ makes up a type, with at most so many levels within it.
func (m *maker) type_(depth int) *typ {
	switch n := m.IntN(20); {
	case n < 6:
		return m.optional(m.plain(depth))
	case n == 6:
		return m.union(depth)
	}
	return m.plain(depth)
}

func (m *maker) optional(t *typ) *typ {
	if t.kind == "null" {
		return t
	}
	if m.IntN(3) == 0 {
		return &typ{kind: "union", of: []*typ{t, {kind: "null"}}}
	}
	return &typ{kind: "union", of: []*typ{{kind: "null"}, t}}
}

// union is one of several types, which no peer takes for each other.
func (m *maker) union(depth int) *typ {
	all := []*typ{{kind: "null"}, {kind: "boolean"}, {kind: "long"}, {kind: "double"}, {kind: "string"}, {kind: "bytes"}}
	if depth > 0 {
		all = append(all, &typ{kind: "array", of: []*typ{{kind: "long"}}}, &typ{kind: "record", name: m.name("u"), fields: []field{{name: "a", of: &typ{kind: "string"}}}})
	}
	m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return &typ{kind: "union", of: all[:3+m.IntN(len(all)-2)]}
}

var primitives = strings.Fields("boolean int long float double bytes string")

var logicals = []typ{
	{kind: "int", logical: "date"}, {kind: "int", logical: "time-millis"}, {kind: "long", logical: "time-micros"},
	{kind: "long", logical: "timestamp-millis"}, {kind: "long", logical: "timestamp-micros"}, {kind: "long", logical: "timestamp-nanos"},
	{kind: "long", logical: "local-timestamp-millis"}, {kind: "long", logical: "local-timestamp-micros"}, {kind: "long", logical: "local-timestamp-nanos"},
	{kind: "string", logical: "uuid"},
}

// plain is a type that is no union.
func (m *maker) plain(depth int) *typ {
	nests := 0
	if depth > 0 {
		nests = 4
	}
	switch n := m.IntN(24 + nests); {
	case n < 10:
		return &typ{kind: primitives[m.IntN(len(primitives))]}
	case n < 17:
		t := logicals[m.IntN(len(logicals))]
		return &t
	case n < 20:
		t := &typ{kind: "bytes", logical: "decimal", precision: 1 + m.IntN(38)}
		t.scale = m.IntN(min(t.precision, 18) + 1)
		if m.IntN(2) == 0 {
			t.kind, t.name, t.size = "fixed", m.name("d"), 17
		}
		return t
	case n == 20:
		return &typ{kind: "fixed", name: m.name("x"), size: 1 + m.IntN(20)}
	case n == 21:
		return []*typ{{kind: "fixed", name: m.name("t"), size: 12, logical: "duration"}, {kind: "fixed", name: m.name("g"), size: 16, logical: "uuid"}}[m.IntN(2)]
	case n < 24:
		t := &typ{kind: "enum", name: m.name("e")}
		for i := range 1 + m.IntN(70) {
			t.symbols = append(t.symbols, fmt.Sprintf("S%d", i))
		}
		return t
	case n == 24:
		return &typ{kind: "array", of: []*typ{m.type_(depth - 1)}}
	case n == 25:
		return &typ{kind: "map", of: []*typ{m.type_(depth - 1)}}
	}
	t := &typ{kind: "record", name: m.name("r")}
	for i := range 1 + m.IntN(4) {
		t.fields = append(t.fields, field{name: fmt.Sprintf("g%d", i), of: m.type_(depth - 1)})
	}
	return t
}

// value makes up a value.
func (m *maker) value(t *typ) any {
	if t.logical != "" {
		return m.meant(t)
	}
	switch t.kind {
	case "boolean":
		return m.IntN(2) == 0
	case "int":
		return int64(int32(m.whole(32)))
	case "long":
		return m.whole(64)
	case "float":
		return m.float()
	case "double":
		return m.double()
	case "bytes":
		return m.bytes(m.IntN(40) * m.IntN(2))
	case "fixed":
		return m.bytes(t.size)
	case "string":
		return m.text()
	case "enum":
		return t.symbols[m.IntN(len(t.symbols))]
	case "union":
		i := m.IntN(len(t.of))
		return branch{i, m.value(t.of[i])}
	}
	m.tame++
	defer func() { m.tame-- }()
	switch t.kind {
	case "array":
		out := []any{}
		for range m.IntN(4) {
			out = append(out, m.value(t.of[0]))
		}
		return out
	case "map":
		out := []pair{}
		for i := range m.IntN(4) {
			out = append(out, pair{fmt.Sprintf("%s %d", m.text(), i), m.value(t.of[0])})
		}
		return out
	case "record":
		out := []any{}
		if m.tame--; t.name != "row" {
			m.tame++
		}
		for _, f := range t.fields {
			out = append(out, m.value(f.of))
		}
		if t.name == "row" {
			m.tame++
		}
		return out
	}
	return nil
}

// whole is a number of so many bits, often at an edge.
func (m *maker) whole(bits int) int64 {
	most := int64(math.MaxInt64) >> (64 - bits)
	switch m.IntN(10) {
	case 0:
		return most
	case 1:
		return -most - 1
	case 2:
		return int64(m.IntN(3)) - 1
	case 3:
		return (1<<53 + 1) & most
	case 4: // rounded to a double and then to a float it is another float than at once
		return (1<<60 + 1<<36 + 1) & most
	}
	return m.Int64() >> (64 - bits + m.IntN(bits)) * int64(1-2*m.IntN(2))
}

func (m *maker) float() float32 {
	edges := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.MaxFloat32, math.MaxFloat32, 0.1, 16777217}
	wild := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	switch n := m.IntN(30); {
	case n == 0 && (m.tame == 0 || m.IntN(9) == 0):
		return wild[m.IntN(3)]
	case n < 12:
		return edges[m.IntN(len(edges))]
	}
	return float32(m.NormFloat64() * math.Pow(10, float64(m.IntN(60)-30)))
}

func (m *maker) double() float64 {
	edges := []float64{0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, -math.MaxFloat64, math.MaxFloat64, 0.1, 1 << 53, 1 << 63, 1e22, 2.2250738585072011e-308}
	wild := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}
	switch n := m.IntN(30); {
	case n == 0 && (m.tame == 0 || m.IntN(9) == 0):
		return wild[m.IntN(3)]
	case n < 12:
		return edges[m.IntN(len(edges))]
	}
	return m.NormFloat64() * math.Pow(10, float64(m.IntN(600)-300))
}

func (m *maker) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = []byte{0, 0xff, 0x80, byte(m.Uint32())}[m.IntN(4)]
	}
	return out
}

func (m *maker) text() string {
	words := []string{
		"", "", "a", "OPEN", "NULL", "\x00", "\"", "\\", "a\nb\r", "\u2028", "\ufeff", "\ufffd", "😀", "Zürich", "عربى", "\u202e", "7", "-0", "1e3", "2026-11-28",
		"seven77", "eight888", "nine99999", "fifteen15151515", "sixteen161616161", "seventeen17171717",
	}
	switch m.IntN(8) {
	case 0:
		return strings.Repeat("lang ", m.IntN(60))
	case 1:
		return fmt.Sprint(m.Int64())
	}
	return words[m.IntN(len(words))]
}

// meant is a value of a logical type.
func (m *maker) meant(t *typ) any {
	switch t.logical {
	case "decimal":
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.precision)), nil)
		x := new(big.Int).SetBytes(m.bytes(17))
		x.Add(x, big.NewInt(m.Int64())).Rem(x, most)
		switch m.IntN(6) {
		case 0:
			x.Sub(most, big.NewInt(1))
		case 1:
			x.SetInt64(0)
		case 2, 3: // one that a column of 18 digits holds
			x.Rem(x, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(t.precision, 18))), nil))
		}
		if m.IntN(2) == 0 {
			x.Neg(x)
		}
		return x
	case "uuid":
		b := m.bytes(16)
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case "duration":
		return m.bytes(12)
	case "date":
		return m.day()
	case "time-millis":
		return []int64{0, 86399999, m.Int64N(86400000), m.Int64N(86400) * 1000}[m.IntN(4)]
	case "time-micros":
		return []int64{0, 86399999999, m.Int64N(86400e6), m.Int64N(86400) * 1e6}[m.IntN(4)]
	case "timestamp-millis", "local-timestamp-millis":
		return m.moment(1e3)
	case "timestamp-nanos", "local-timestamp-nanos":
		x := m.moment(1e9)
		if m.tame > 0 || m.IntN(4) > 0 {
			x -= x % 1000
		}
		return x
	}
	return m.moment(1e6)
}

// The days of the years 1 to 9999.
const firstDay, lastDay = -719162, 2932896

func (m *maker) day() int64 {
	switch n := m.IntN(20); {
	case n < 4:
		return []int64{firstDay, lastDay, 0, -1}[n]
	case n == 4 && m.tame == 0:
		return []int64{firstDay - 1, lastDay + 1, math.MaxInt32, math.MinInt32}[m.IntN(4)]
	}
	return m.Int64N(60000) - 20000
}

func (m *maker) moment(unit int64) int64 {
	first, last := int64(firstDay), int64(lastDay)
	if unit == 1e9 {
		first, last = -106751, 106750 // nanoseconds reach no further
	}
	switch n := m.IntN(24); {
	case n == 0:
		return first * 86400 * unit
	case n == 1:
		return (last+1)*86400*unit - 1
	case n < 4:
		return int64(n - 3)
	case n == 4 && m.tame == 0 && unit != 1e9:
		return []int64{first*86400*unit - 1, (last + 1) * 86400 * unit}[m.IntN(2)]
	case n < 10:
		return m.Int64N(8e9)*unit - 2e9*unit
	}
	return m.Int64N(8e9*unit) - 2e9*unit
}
