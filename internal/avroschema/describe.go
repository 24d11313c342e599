package avroschema

import (
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// described is how many bytes of a type Describe writes.
const described = 120

// Describe is the type with all that is in it, such as long?, array<string> or
// record{city string, zip string?}; ? stands for a union with null. What is long is cut, and
// ends with a checksum, so that types that differ have different texts.
func (t *Type) Describe() string {
	d := describer{}
	d.write(t)
	text := d.out.String()
	if len(text) <= described && !d.cut {
		return text
	}
	return strings.ToValidUTF8(text[:min(len(text), described)], "") + "… " + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 16)
}

// describedSteps bounds the walk: a type may be referred to many times.
const describedSteps = 10_000

type describer struct {
	out   strings.Builder
	steps int
	open  []*Type // records that are being written
	cut   bool
}

func (d *describer) write(t *Type) {
	if d.steps++; d.steps > describedSteps {
		d.cut = true
		return
	}
	if _, other := t.Optional(); other != nil {
		d.write(other)
		d.out.WriteByte('?')
		return
	}
	d.out.WriteString(t.String())
	if slices.Contains(d.open, t) {
		d.out.WriteString("{…}") // it is within itself
		return
	}
	switch t.Kind {
	case Fixed:
		d.out.WriteString("(" + strconv.Itoa(t.Size) + ")")
	case Array, Map, Union:
		d.list('<', len(t.Of), func(i int) { d.write(t.Of[i]) }, '>')
	case Record:
		d.open = append(d.open, t)
		d.list('{', len(t.Fields), func(i int) {
			d.out.WriteString(t.Fields[i].Name + " ")
			d.write(t.Fields[i].Of)
		}, '}')
		d.open = d.open[:len(d.open)-1]
	case Enum:
		d.list('(', len(t.Symbols), func(i int) { d.out.WriteString(t.Symbols[i].Text) }, ')')
	}
}

func (d *describer) list(open byte, n int, one func(i int), end byte) {
	d.out.WriteByte(open)
	for i := range n {
		if i > 0 {
			d.out.WriteString(", ")
		}
		one(i)
	}
	d.out.WriteByte(end)
}
