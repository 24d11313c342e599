package config

import (
	"strings"
	"time"
	"unicode"

	"tidemark/internal/schema"
)

// readColumns puts the listed columns over those that are there: one of a name that
// is there takes its place, others follow.
func (t *tableReader) readColumns(v value) {
	items, ok := v.list("- {name: amount, type: \"decimal(18,2)\"}")
	if ok && len(items) == 0 && len(t.schema.Columns) == 0 {
		v.fault("is an empty list: write at least one column")
	}
	t.columns = map[string]value{}
	for _, item := range items {
		item.name = ""
		c, ok := t.readColumn(item)
		if !ok {
			continue
		}
		if first, twice := t.columns[c.Name]; twice {
			item.fault("column %s is listed twice, first in line %d: keep one", quoted(c.Name), first.at().line)
			continue
		}
		t.columns[c.Name] = item
		if i := t.schema.Column(c.Name); i >= 0 {
			t.schema.Columns[i] = c
		} else {
			t.schema.Columns = append(t.schema.Columns, c)
		}
	}
	t.addChange()
	t.oneMeaning(v)
}

// oneMeaning reports names that two columns answer to, and values that two would take.
func (t *tableReader) oneMeaning(v value) {
	at := func(column string) value {
		if item, ok := t.columns[column]; ok {
			return item
		}
		return v
	}
	owner := map[string]string{}
	for i := range t.schema.Columns {
		c := &t.schema.Columns[i]
		names := c.Names()
		if len(names) == 0 {
			continue
		}
		if other, taken := owner[names[0]]; taken {
			at(c.Name).fault("column %s comes from %s, and so does column %s: a field fills one column", c.Name, quoted(names[0]), other)
		}
		owner[names[0]] = c.Name
	}
	for i := range t.schema.Columns {
		c := &t.schema.Columns[i]
		for k, alias := range c.Names() {
			if k == 0 {
				continue
			}
			if other, taken := owner[alias]; taken {
				at(c.Name).fault("aliases of column %s have %s, which stands for column %s: a name stands for one column, once", c.Name, quoted(alias), other)
			}
			owner[alias] = c.Name
		}
	}
	for _, o := range t.schema.Overlaps() {
		at(t.schema.Columns[o.Column].Name).fault("%s", o.Why)
	}
}

// readColumn reads one column. Without a name there is nothing to go on with.
func (t *tableReader) readColumn(v value) (schema.Column, bool) {
	var c schema.Column
	s, ok := v.section(columnSection)
	if !ok {
		return c, false
	}
	s.require("name", "amount", func(v value) { ok = v.text(&c.Name) })
	ok = ok && c.Name != ""
	s.with("name", func(v value) { v.nameable(c.Name) })
	typed := false
	s.require("type", "string", func(v value) { typed = v.columnType(&c.Type) })
	s.with("required", func(v value) { v.truth(&c.Required) })
	s.with("from_float", func(v value) { v.truth(&c.FromFloat) })
	s.with("aliases", func(v value) {
		v.texts(&c.Aliases, "[state]")
		for _, alias := range c.Aliases {
			v.nameable(alias)
		}
	})
	if !typed {
		return c, ok
	}
	if err := c.Validate(); err != nil {
		s.values["name"].fault("%s: %v", quoted(c.Name), err)
	}
	if err := c.InFormat(t.schema.Format); err != nil {
		s.values["type"].fault("of column %s: %v", c.Name, err)
	}
	s.with("from", func(v value) { t.readFrom(v, &c) })
	c.Default = schema.DefaultFor(c.Type)
	s.with("default", func(v value) { v.columnDefault(&c) })
	s.readTime(&c)
	return c, ok
}

// readFrom reads where a column comes from.
func (t *tableReader) readFrom(v value, c *schema.Column) {
	var text string
	if !v.text(&text) {
		return
	}
	from, err := schema.ParseFrom(text)
	if err != nil {
		v.fault("%s of column %s: %v", v.shown(), c.Name, err)
		return
	}
	for _, step := range from.Path {
		v.nameable(step.Key)
	}
	v.nameable(from.Header)
	c.From = from
	var outside error
	if from.Part == schema.FromEnvelope && !t.schema.Debezium {
		outside = schema.ErrNoEnvelope
	}
	for _, err := range []error{c.From.Validate(c), c.InFormat(t.schema.Format), outside} {
		if err != nil {
			v.fault("of column %s: %v", c.Name, err)
			c.From = schema.From{}
		}
	}
}

// longestName is more than any column is called, in bytes.
const longestName = 255

// nameable reports a name that a terminal or a reader of Parquet would stumble over. It
// need not be fit for a path: no column's name ever stands in one.
func (v value) nameable(name string) {
	odd := func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }
	if len(name) > longestName || strings.ContainsFunc(name, odd) {
		v.fault("%s: write up to %d bytes, without control characters", quoted(name), longestName)
	}
}

// columnType reads a type.
func (v value) columnType(to *schema.Type) bool {
	var text string
	if !v.text(&text) {
		return false
	}
	typ, err := schema.ParseType(text)
	switch {
	case err == nil:
		*to = typ
		return true
	case schema.IsNested(text):
		v.fault("%s", strings.TrimPrefix(err.Error(), "type "))
	case strings.HasPrefix(text, "decimal"):
		v.fault(`%s: write "decimal(18,2)" in quotes, with 1 to %d digits in all and no more than these after the point`, v.shown(), schema.MaxPrecision)
	default:
		v.fault("%s: write one of int, long, float, double, decimal(p,s), string, boolean, date, timestamp, binary, json, list<…>, map<string,…>, struct<…>%s", v.shown(), otherTypeName(text))
	}
	return false
}

// otherTypeName is a hint for names that other systems use.
func otherTypeName(s string) string {
	names := map[string]string{
		"bigint": "long", "int64": "long", "int32": "int", "integer": "int", "text": "string", "varchar": "string", "bool": "boolean",
		"datetime": "timestamp", "bytes": "binary", "numeric": "decimal(18,2)", "number": "decimal(18,2)", "real": "float", "float64": "double", "float32": "float",
	}
	if ours := names[strings.ToLower(s)]; ours != "" {
		return "; here it is " + ours
	}
	return ""
}

func (v value) columnDefault(c *schema.Column) {
	if v.kind() == "empty" {
		c.Default = schema.Value{Null: true}
		return
	}
	s, ok := v.scalar("a value of type " + c.Type.String() + ", or null")
	if !ok {
		return
	}
	if c.Type.Kind.Nested() {
		v.fault("of column %s, which is %s: leave it out, such a column is null where nothing comes", c.Name, c.Type)
		return
	}
	d, err := schema.ParseValue(c.Type, s.text)
	if err != nil {
		v.fault("%s of column %s, which is %s: %v", quoted(s.source), c.Name, c.Type, err)
		return
	}
	if c.Required {
		v.fault("of column %s, which is required: leave out default, or required", c.Name)
		return
	}
	c.Default = d
}

// readTime reads how the source writes a time.
func (s section) readTime(c *schema.Column) {
	isTime := c.Type.Kind == schema.Timestamp || c.Type.Kind == schema.Date
	for _, key := range []string{"unit", "layout", "zone"} {
		if s.has(key) && !isTime {
			s.values[key].fault("is for timestamps and dates, and column %s is %s: leave it out", c.Name, c.Type)
		}
	}
	if !isTime {
		return
	}
	s.with("unit", func(v value) { v.choice(&c.Time.Unit, "s", "ms", "us", "ns") })
	s.with("layout", func(v value) {
		if v.text(&c.Time.Layout) && !tellsTheDay(c.Time.Layout) {
			v.fault(`%s does not tell the day: write how 2 January 2006, 15:04:05 would look, such as "02.01.2006 15:04"`, v.shown())
		}
	})
	s.with("zone", func(v value) {
		var name string
		if !v.text(&name) {
			return
		}
		zone, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			v.fault("%s is no time zone: write a name such as Europe/Zurich or UTC", v.shown())
			return
		}
		c.Time.Zone = zone
	})
}

// tellsTheDay reports whether a text of the layout has a year, a month and a day.
func tellsTheDay(layout string) bool {
	want := time.Date(2017, 11, 23, 0, 0, 0, 0, time.UTC)
	got, err := time.Parse(layout, want.Format(layout))
	return err == nil && got.Year() == want.Year() && got.YearDay() == want.YearDay()
}
