package conform

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// Plan is how records become rows of one table. It never changes, but that it remembers
// what it made of the schemas that it met.
type Plan struct {
	table   *schema.Table
	columns []field
	fields  []field    // at the top of a record, that columns come from within
	nodes   []pathNode // from 1 on
	nested  []int      // columns of nested types
	inner   []field    // what their values hold
	record  []int      // columns that come from the key, the headers or the timestamp
	events  []int      // columns that come from what a change event has beside the row
	event   eventPlan
	connect connectNames
	atOnce  int       // names that a record has if no column is missing, −1: they do not tell
	names   nameTable // columns
	keys    nameTable // of an object of JSON or a record of Avro: columns, and fields that columns come from within
	csv     csvStyle
	avro    *avroPlans
	proto   *protoPlans
}

// field is what is fixed about one column.
type field struct {
	kind     schema.Kind
	required bool
	fallback schema.Value // what a missing value becomes
	aliases  []string
	from     schema.From
	json     bool   // a value is kept as it stands
	inexact  bool   // a decimal may be made of a float
	nest     *nest  // of a nested type, nil: it holds no others
	boxed    bool   // it is of a nested type, or within one
	path     string // what it is called where something is told of it
	node     int32  // of a column from within a field, and of that field; 0: none
	top      int32  // of what a nested column holds: that column
	outer    int32  // the slot of the field that the column comes from within, 0: none

	digits int    // most digits of a whole number (unscaled, for a decimal)
	scale  int    // of a decimal
	limit  uint64 // greatest magnitude of a whole number
	lowest uint64 // greatest magnitude of a negative one

	unit   string
	shift  int // from the unit of numbers to microseconds, as a power of ten
	layout string
	zoned  bool // the layout says the zone
	zone   *time.Location

	sent *avroOp // how a value is written that is not as JSON has it, nil: it is as that has it

	usual    class // how its values are mostly written
	typeName string
	want     string // what a value of this column looks like
	none     string // where a value should be that comes from another part than the fields
}

// Compile makes the plan of a table whose records are JSON objects or lines of CSV.
// It reports every fault at once.
func Compile(t *schema.Table) (*Plan, error) {
	errs := []error{t.Validate()}
	if len(t.Columns) > math.MaxInt16 {
		errs = append(errs, fmt.Errorf("table %s has %d columns: %d are possible", t.Name, len(t.Columns), math.MaxInt16))
	}
	p := &Plan{table: t}
	style, err := compileCSV(t)
	p.csv, errs = style, append(errs, err)
	for i := range t.Columns {
		c := &t.Columns[i]
		f, err := compileField(c)
		for _, one := range err {
			errs = append(errs, fmt.Errorf("column %s of table %s: %w", c.Name, t.Name, one))
		}
		f.path = c.Name
		p.columns = append(p.columns, f)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.compileNested()
	p.compileNames()
	p.avro, p.proto = &avroPlans{}, &protoPlans{}
	return p, nil
}

func compileField(c *schema.Column) (field, []error) {
	f := field{
		kind: c.Type.Kind, required: c.Required, fallback: c.Default, aliases: c.Aliases, from: c.From, json: c.Type.JSON, inexact: c.FromFloat,
		unit: c.Time.Unit, layout: c.Time.Layout, zone: c.Time.Zone,
	}
	if c.Type.Validate() != nil {
		return f, nil // the table's own validation tells
	}
	f.typeName = c.Type.String()
	var errs []error
	switch f.kind {
	case schema.Int:
		f.digits, f.limit, f.lowest = 10, math.MaxInt32, math.MaxInt32+1
		f.want = "a whole number of 32 bits"
	case schema.Long:
		f.digits, f.limit, f.lowest = 19, math.MaxInt64, math.MaxInt64+1
		f.want = "a whole number of 64 bits"
	case schema.Decimal:
		f.digits, f.scale = c.Type.Precision, c.Type.Scale
		f.limit = pow10[f.digits] - 1
		f.lowest = f.limit
		f.want = fmt.Sprintf("a number that fits %s", f.typeName)
	case schema.Float, schema.Double:
		f.want = "a number that fits " + f.typeName
	case schema.String:
		f.want = "text"
		if f.json {
			f.want = "JSON"
		}
	case schema.Boolean:
		f.want = "true or false"
	case schema.Binary:
		f.want = "text in base64"
	case schema.List, schema.Map, schema.Struct:
		f.want = wantNested(c.Type)
	case schema.Date, schema.Timestamp:
		errs = f.compileTime()
	}
	if !f.isTime() && (f.unit != "" || f.layout != "" || f.zone != nil) {
		errs = append(errs, fmt.Errorf("unit, layout and zone belong to a date or a timestamp, this is a %s: leave them out", f.typeName))
	}
	if f.from.Part != schema.FromField && f.from.Part != schema.FromEnvelope {
		if f.kind == schema.String && !f.json {
			f.want += " in UTF-8"
		}
		f.want += " in " + partName(f.from)
		f.none = "a value: there is none in " + partName(f.from)
	}
	f.findUsual()
	return f, append(errs, f.checkDefault()...)
}

// findUsual finds how values of the column are mostly written.
func (f *field) findUsual() {
	f.usual = classOther
	for _, c := range []byte(`0"t`) {
		if f.usual == classOther {
			f.usual = f.classFor(c)
		}
	}
}

func (f *field) isTime() bool { return f.kind == schema.Date || f.kind == schema.Timestamp }

// units are the powers of ten from a unit of numbers to microseconds.
var units = map[string]int{"s": 6, "ms": 3, "us": 0, "ns": -3}

func (f *field) compileTime() []error {
	var errs []error
	shift, known := units[f.unit]
	f.shift = shift
	if f.unit != "" && !known {
		errs = append(errs, fmt.Errorf("unit %q is not one of s, ms, us, ns", f.unit))
	}
	if f.zone == time.UTC {
		f.zone = nil
	}
	f.want = "a time such as 2026-11-22T10:15:30.123456Z"
	if f.kind == schema.Date {
		f.want = "a date such as 2026-11-22"
	}
	if f.layout != "" {
		errs = append(errs, f.compileLayout()...)
	}
	if f.unit != "" {
		f.want += fmt.Sprintf(", or a number of %s since 1970 between the years 1900 and 2200", f.unit)
	}
	return errs
}

func (f *field) compileLayout() []error {
	f.want = fmt.Sprintf("a time written as %q", f.layout)
	var errs []error
	// The probe's parts all differ from what a layout without them leaves.
	probe := time.Date(2034, time.November, 23, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(f.layout, probe.Format(f.layout))
	if err != nil || back.Year() != 2034 || back.Month() != time.November || back.Day() != 23 {
		errs = append(errs, fmt.Errorf("layout %q does not say year, month and day: write them as 2006, 01 and 02", f.layout))
	}
	if strings.Contains(f.layout, "MST") {
		errs = append(errs, fmt.Errorf("layout %q reads the name of a zone, which may mean several: use -0700, or leave it out and set zone", f.layout))
	}
	east := probe.In(time.FixedZone("", 3600))
	same := time.Date(2034, time.November, 23, 1, 0, 0, 0, time.UTC)
	f.zoned = east.Format(f.layout) != same.Format(f.layout)
	return errs
}

// checkDefault reports a default that the column cannot hold.
func (f *field) checkDefault() []error {
	v := f.fallback
	switch {
	case v.Null:
	case f.kind.Fixed() && v.Bytes != nil:
		return []error{fmt.Errorf("default is text, the column is a %s", f.typeName)}
	case f.kind == schema.String && !utf8.Valid(v.Bytes):
		return []error{errors.New("default is not valid UTF-8")}
	case f.limit > 0 && (v.Int > 0 && uint64(v.Int) > f.limit || v.Int < 0 && uint64(-v.Int) > f.lowest),
		f.kind == schema.Boolean && v.Int>>1 != 0:
		return []error{fmt.Errorf("default does not fit %s", f.typeName)}
	}
	return nil
}

// Decoder makes a decoder for one goroutine.
func (p *Plan) Decoder() *Decoder {
	d := &Decoder{plan: p, seed: maphash.MakeSeed(), level: 1, strides: hasStrides}
	d.beginEnvelope()
	d.slots = make([]column, len(p.columns)+len(p.fields)+len(p.inner))
	d.columns = d.slots[:len(p.columns):len(p.columns)]
	d.within = make([]bool, len(p.nodes))
	for i := range p.fields {
		d.slots[len(p.columns)+i].field = &p.fields[i]
	}
	for i := range d.columns {
		d.columns[i].field = &p.columns[i]
	}
	d.held = d.slots[len(p.columns)+len(p.fields):]
	for i := range p.inner {
		d.held[i].field = &p.inner[i]
	}
	for i := range d.slots {
		for k := range d.slots[i].index.mix { // odd, so that no bit of a text is lost
			d.slots[i].index.mix[k] = maphash.Bytes(d.seed, []byte{byte(k)}) | 1
		}
	}
	d.drift.init(p)
	d.forget()
	d.beginConnect()
	return d
}

// Held is the memory of what is known of the schemas of records, in bytes, about. It never
// waits.
func (p *Plan) Held() int64 { return p.avro.all.Load() + p.proto.all.Load() }
