package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/internal/schema"
	"tidemark/quality"
)

// readDedupe reads which rows are duplicates. Columns and event time are known by now.
func (t *tableReader) readDedupe(v value) {
	s, ok := v.section(dedupeSection)
	if !ok {
		return
	}
	var d quality.Dedupe
	before := len(v.r.faults)
	s.require("keys", "[transaction_id]", func(v value) { v.texts(&d.Keys, "[transaction_id]") })
	s.require("within", "24h", func(v value) { v.duration(&d.Within, time.Second, 366*24*time.Hour) })
	if len(v.r.faults) > before || !t.sound {
		return
	}
	if _, err := quality.Compile(t.schema, nil, quality.WithDedupe(d)); err != nil {
		for _, e := range parts(err) {
			v.r.fault(v.at(), "%v", e)
		}
		return
	}
	t.Dedupe = &d
}

// resolve looks for the tables that references name. One of the table's own checks must
// be there; one of its preset's is left out with a remark if it is not.
func (t *tableReader) resolve(tables []*tableReader) {
	t.checks = slices.DeleteFunc(t.checks, func(c placedCheck) bool {
		if c.check.In == "" || t.schema.Column(c.check.Reference) < 0 {
			return false
		}
		why := t.unresolved(c.check, tables)
		if why == "" {
			return false
		}
		if c.from == "" {
			c.fault("%s", why)
			return false
		}
		t.Remarks = append(t.Remarks, fmt.Sprintf("reference %s in %s: %s", c.check.Reference, c.check.In, why))
		return true
	})
}

// unresolved says what is wrong with the table or the column that a reference names.
func (t *tableReader) unresolved(c quality.Check, tables []*tableReader) string {
	name, column, _ := strings.Cut(c.In, ".")
	if name == "" || column == "" {
		return "" // quality says so
	}
	i := slices.IndexFunc(tables, func(o *tableReader) bool { return o.schema.Name == name })
	if i < 0 {
		return fmt.Sprintf("table %s is not configured: add it to tables", name)
	}
	other := tables[i]
	if other.Raw {
		return fmt.Sprintf("table %s has the columns of its files: write columns: in it (tidemark schema infer prints them)", name)
	}
	if !other.sound {
		return "" // its own faults come first
	}
	at := other.schema.Column(column)
	if at < 0 {
		return fmt.Sprintf("table %s has no column %s: %s", name, quoted(column), other.someColumn(column))
	}
	own, there := t.schema.Columns[t.schema.Column(c.Reference)].Type, other.schema.Columns[at].Type
	if !alike(own, there) {
		return fmt.Sprintf("%s is %s and %s is %s: a reference compares values of one type", c.Reference, own, c.In, there)
	}
	return ""
}

// alike reports whether values of two types can be the same.
func alike(a, b schema.Type) bool {
	whole := func(k schema.Kind) bool { return k == schema.Int || k == schema.Long }
	return a.Kind == b.Kind && a.Scale == b.Scale || whole(a.Kind) && whole(b.Kind)
}
