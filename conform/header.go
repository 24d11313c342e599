package conform

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// header is which column each field of a line of CSV belongs to.
type header struct {
	fields  []headerField
	missing []int // columns without a field

	cases     []toldDrift    // columns whose names are written in another case
	dropped   bool           // fields without a column are dropped
	doubled   bool           // a name stands there twice
	quick     bool           // quickLine is for its lines
	separator byte           // of them
	told      uint32         // the batch that was told the differences last
	records   int64          // lines of that batch
	wants     map[int]string // by the wrong number of fields
	want      string         // for more numbers than are kept
}

type headerField struct {
	column int32 // −1: none
	rank   int32 // of the name that it stands under, as in nameTable
	class  class
	name   []byte
}

const (
	keptHeaders = 64 // of sources, by a decoder
	keptWants   = 64 // of wrong counts of fields, by a header
)

// headerFor is the header of the records of a source, nil where they are JSON.
func (d *Decoder) headerFor(l *batch.Layout) *header {
	if l == nil && d.plan.table.Format != schema.CSVFormat || l != nil && l.Format != batch.CSV {
		return nil
	}
	if h := d.headers[l]; h != nil {
		return h
	}
	if d.headers == nil || len(d.headers) == keptHeaders {
		d.tallyHeaders()
		d.headers = map[*batch.Layout]*header{}
	}
	var names []string
	if l != nil {
		names = l.Header
	} else {
		for i := range d.plan.table.Columns {
			if c := d.plan.table.Columns[i].Names(); c != nil {
				names = append(names, c[0])
			}
		}
	}
	h := d.plan.newHeader(names)
	d.headers[l] = h
	return h
}

// newHeader finds the columns of names: by what they say, and where no name does
// that, by the only one that differs in its case or the blanks around it.
func (p *Plan) newHeader(names []string) *header {
	h := &header{dropped: p.table.Evolution.Extra == schema.Accept, wants: map[int]string{}}
	holder := make([]int, len(p.columns)) // field of a column, from 1 on
	seen := map[string]bool{}
	for i, name := range names {
		h.doubled = h.doubled || seen[name]
		seen[name] = true
		f := headerField{column: -1, name: []byte(name)}
		if column, rank, ok := p.names.find(f.name); ok {
			f.column, f.rank = int32(column), int32(rank)
			switch other := holder[column]; {
			case other == 0:
				holder[column] = i + 1
			case h.fields[other-1].rank > f.rank: // this is the better name
				h.fields[other-1].column = -1
				holder[column] = i + 1
			default:
				f.column = -1
			}
		}
		h.fields = append(h.fields, f)
	}
	h.want = fmt.Sprintf("%d fields as the header has, this line has another number", len(h.fields))
	p.byCase(h, holder)
	for column, i := range holder {
		if i == 0 {
			h.missing = append(h.missing, column)
			continue
		}
		f := &h.fields[i-1]
		f.class = p.columns[column].textClass(&p.csv)
	}
	h.separator = p.csv.separator
	h.quick = !h.doubled && len(p.csv.nulls) == 0 && len(h.fields) > 0 &&
		!slices.ContainsFunc(h.fields, func(f headerField) bool { return f.column < 0 || f.class == classOther })
	return h
}

// byCase gives columns without a field the one whose name differs in its case.
func (p *Plan) byCase(h *header, holder []int) {
	fold := func(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
	fields := map[string]int{} // from 1 on, −1: several
	for i := range h.fields {
		if f := &h.fields[i]; f.column < 0 {
			name := fold(string(f.name))
			if fields[name] != 0 {
				fields[name] = -1
			} else {
				fields[name] = i + 1
			}
		}
	}
	owners := map[string]int{} // columns that a name may mean
	for i := range p.table.Columns {
		c := &p.table.Columns[i]
		own := map[string]bool{}
		for _, name := range c.Names() {
			if name = fold(name); !own[name] {
				own[name] = true
				owners[name]++
			}
		}
	}
	for i := range p.table.Columns {
		c := &p.table.Columns[i]
		for _, name := range c.Names() {
			key := fold(name)
			at := fields[key]
			if holder[i] != 0 || at <= 0 || owners[key] > 1 || h.fields[at-1].column >= 0 {
				continue
			}
			f := &h.fields[at-1]
			f.column, f.rank = int32(i), 0
			holder[i] = at
			h.cases = append(h.cases, newToldDrift(batch.Drift{Change: changeCase, Column: c.Name, From: string(f.name), To: name}))
		}
	}
}

// heard counts a line of a header, of which the batch is told before the first.
func (d *Decoder) heard(h *header) {
	if h.told != d.drift.batch {
		h.told = d.drift.batch
		d.tellHeader(h)
	}
	h.records++
}

// tellHeader lists how a header differs from the table, and what its first line differs in
// with it.
func (d *Decoder) tellHeader(h *header) {
	h.records = 0
	for i := range h.fields {
		f := &h.fields[i]
		if at := d.ofField(h, f); at >= 0 {
			d.introduce(at)
			if f.column < 0 {
				d.forbidExtra(-1, 0)
			}
		}
	}
	for i := range h.cases {
		d.introduce(d.drift.written(&h.cases[i]))
	}
}

// ofField is the difference that a field of the header shows in every line, −1: none.
func (d *Decoder) ofField(h *header, f *headerField) int {
	switch {
	case f.column < 0 && h.dropped:
		return d.drift.extraKey(f.name, "string")
	case f.column >= 0 && f.rank > 0:
		return d.drift.alias(int(f.column), int(f.rank))
	}
	return -1
}

// tallyHeaders counts the lines of the batch for what all lines of their headers differ in.
func (d *Decoder) tallyHeaders() {
	for _, h := range d.headers {
		if h.told == d.drift.batch {
			d.tallyHeader(h)
		}
	}
}

func (d *Decoder) tallyHeader(h *header) {
	for i := range h.fields {
		d.whole(d.ofField(h, &h.fields[i]), h.records)
	}
	for i := range h.cases {
		d.whole(d.drift.written(&h.cases[i]), h.records)
	}
}

// wantFields says how many fields a line must have, of one that has n.
func (h *header) wantFields(n int) string {
	if want, ok := h.wants[n]; ok {
		return want
	}
	if len(h.wants) == keptWants {
		return h.want
	}
	want := fmt.Sprintf("%d fields as the header has, this line has %d", len(h.fields), n)
	h.wants[n] = want
	return want
}

// bytes is the memory that the header holds.
func (h *header) bytes() int64 {
	n := int64(cap(h.fields)*56+cap(h.missing)*8+cap(h.cases)*96) + int64(len(h.wants))*96
	for i := range h.fields {
		n += int64(len(h.fields[i].name))
	}
	return n
}
