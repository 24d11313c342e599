package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/jsontext"
	"tidemark/internal/schema"
)

// avroPlan is how the datums of one schema become rows of one table: what to do with each
// field, in the order in which they lie there. It never changes.
type avroPlan struct {
	ops     []avroOp
	missing []int         // columns that have no field
	nodes   []int32       // fields that columns come from within
	drift   []toldDrift   // how the schema differs from the table
	origin  *batch.Schema // of schemas that have no name, made when first asked for
	least   int           // bytes that a datum has at least
	symbols int           // of enums that become text
	event   *avroEvent    // of change events, in place of ops; nil: it is none
}

// avroOp is what to do with one field, or with one branch of a union.
type avroOp struct {
	code     avroCode
	optional bool // a union of null and what code is for: the byte of null is in null
	null     byte
	tells    tell // what is told of each value
	column   int32
	node     int32 // of a value that columns come from within, or of such a column; 0: none
	symbol   int32 // where its codes begin in avroWriters
	size     int32 // symbols of an enum; bytes of a decimal, −1: as many as it says
	// A whole number from low to high times mul is the column's; of a decimal, those are
	// bounds of the unscaled one.
	low, high, mul int64
	of             *avroschema.Type
	branches       []avroOp
	want           string // of a reject that is certain
	name           []byte // of a field without a column
}

// tell is what a policy other than accept asks to be told of a value.
type tell uint8

const (
	tellNothing tell = iota
	tellExtra
	tellWiden
)

// toldDrift is a difference of all records of a schema or a header, and the key that it is
// told apart by.
type toldDrift struct {
	drift batch.Drift // but for the row
	key   string
}

// avroPlans are the plans of schemas of Avro.
type avroPlans = plans[*avroschema.Schema, *avroPlan]

// opBytes is what an avroOp takes, about.
const opBytes = 128

// originOf names a schema that nobody has named.
func (p *Plan) originOf(one *avroPlan, s *avroschema.Schema) *batch.Schema {
	p.avro.mu.Lock()
	defer p.avro.mu.Unlock()
	if one.origin == nil {
		one.origin = batch.NewAvro("", s)
	}
	return one.origin
}

// Differences lists how a schema of Avro differs from the table, before any record comes: as
// Decode tells it, and the columns that it has no field for. A mismatch, such as a double
// for money, and a missing column that is required mean that no record can become a row.
// Columns from within a field that is there are not among the missing ones.
func (p *Plan) Differences(s *avroschema.Schema) []batch.Drift {
	one := p.avro.find(s, p.compileAvro)
	if p.table.Debezium && one.event == nil {
		return []batch.Drift{noChange()}
	}
	return p.differences(one.drift, one.missing)
}

func (p *Plan) differences(drift []toldDrift, missing []int) []batch.Drift {
	var out []batch.Drift
	for i := range drift {
		out = append(out, drift[i].drift)
	}
	for _, column := range missing {
		out = append(out, batch.Drift{Change: changeMissing, Column: p.table.Columns[column].Name, To: p.columns[column].typeName})
	}
	return out
}

func (p *avroPlan) bytes() int64 {
	n := int64(len(p.ops))*opBytes + int64(len(p.missing))*8 + int64(len(p.drift))*112 + 256
	if e := p.event; e != nil {
		n += e.bytes()
	}
	return n + heldBy(p.ops)
}

// heldBy is what ops hold.
func heldBy(ops []avroOp) (n int64) {
	for i := range ops {
		n += int64(len(ops[i].branches))*opBytes + int64(len(ops[i].name)+len(ops[i].want)) + heldBy(ops[i].branches)
	}
	return n
}

// avroCompiler makes a plan.
type avroCompiler struct {
	plan  *Plan
	out   *avroPlan
	parts int  // of nested columns
	made  bool // the schema is of another format, whose fields may all be null
	// untold: the differences of types are not told.
	untold bool
}

// compileAvro makes the plan of a schema: fields find their columns by the names of the
// columns, then by their aliases, as keys of JSON do.
func (p *Plan) compileAvro(s *avroschema.Schema) *avroPlan {
	c := avroCompiler{plan: p, out: &avroPlan{least: s.Root.Least}, made: s.IsMade()}
	if p.table.Debezium && isChange(s.Root) {
		c.change(s.Root.Fields)
		return c.out
	}
	c.row(s.Root.Fields)
	return c.out
}

// row is what to do with the fields of a row.
func (c *avroCompiler) row(fields []avroschema.Field) {
	p := c.plan
	// The field of a column, or of what columns come from within, from 1 on.
	holder, ranks := make([]int, len(p.columns)+len(p.fields)), make([]int, len(p.columns)+len(p.fields))
	for i := range fields {
		column, rank, ok := p.keys.find([]byte(fields[i].Name))
		if ok && (holder[column] == 0 || rank < ranks[column]) {
			holder[column], ranks[column] = i+1, rank
		}
	}
	for i := range fields {
		f := &fields[i]
		column, rank, ok := p.keys.find([]byte(f.Name))
		if !ok || holder[column] != i+1 {
			c.out.ops = append(c.out.ops, c.extra(f.Of, f.Name))
			continue
		}
		if column >= len(p.columns) {
			n := p.fields[column-len(p.columns)].node
			c.out.nodes = append(c.out.nodes, n)
			c.out.ops = append(c.out.ops, c.inside(f.Of, n))
			continue
		}
		if name := p.table.Columns[column].Name; rank > 0 {
			c.tell(batch.Drift{Change: changeAlias, Column: name, From: f.Name, To: name})
		}
		c.out.ops = append(c.out.ops, c.field(f.Of, column))
	}
	for column, i := range holder[:len(p.columns)] {
		if f := &p.columns[column]; i == 0 && f.outer == 0 && f.from.Part == schema.FromField {
			c.out.missing = append(c.out.missing, column)
		}
	}
}

func newToldDrift(d batch.Drift) toldDrift {
	return toldDrift{d, d.Change + "\x00" + d.Column + "\x00" + d.From}
}

// tell notes a difference.
func (c *avroCompiler) tell(d batch.Drift) {
	c.out.drift = append(c.out.drift, newToldDrift(d))
}

// extra reads over a field that has no column.
func (c *avroCompiler) extra(t *avroschema.Type, name string) avroOp {
	op := passed(t)
	if c.plan.table.Evolution.Extra != schema.Accept {
		op = told(avroOp{code: avroSkip, of: t, name: []byte(name), column: -1, tells: tellExtra})
	}
	c.tell(batch.Drift{Change: changeExtra, Column: name, From: t.String()})
	return op
}

// passed reads over a value.
func passed(t *avroschema.Type) avroOp {
	op := avroOp{code: avroSkip, of: t, column: -1}
	if null, other := t.Optional(); other != nil {
		op.optional, op.null, op.of = true, byte(2*null), other
	}
	switch op.of.Kind {
	case avroschema.String, avroschema.Bytes:
		op.code = avroSkipText
	case avroschema.Long:
		op.code = avroSkipLong
	}
	return op
}

// told has a policy be told of a value before it is decoded.
func told(op avroOp) avroOp {
	return avroOp{code: avroTold, column: op.column, of: op.of, branches: []avroOp{op}}
}

// field is what to do with a field of a type, for a column.
func (c *avroCompiler) field(t *avroschema.Type, column int) avroOp {
	f := c.plan.slot(column)
	var op avroOp
	null, other := t.Optional()
	switch {
	case other != nil:
		op = c.value(other, column)
		op.optional, op.null = true, byte(2*null)
	case t.Kind == avroschema.Union:
		op = c.union(t, column)
	default:
		op = c.value(t, column)
	}
	if c.unfit(&op) {
		c.tell(batch.Drift{Change: changeMismatch, Column: f.path, From: t.String(), To: f.typeName})
	}
	if f.required && t.Kind == avroschema.Union && hasNull(t) && !c.made {
		c.tell(batch.Drift{Change: changeNullable, Column: f.path, From: t.String(), To: f.typeName})
	}
	return op
}

// unfit reports whether no value ever becomes one of the column, and has its rejects say
// so.
func (c *avroCompiler) unfit(op *avroOp) bool {
	if op.code == avroUnion {
		all := true
		for i := range op.branches {
			all = all && (op.branches[i].code == avroNull || op.branches[i].code == avroUnfit)
		}
		if !all {
			return false
		}
		some := false
		for i := range op.branches {
			some = c.unfit(&op.branches[i]) || some
		}
		return some
	}
	if op.code != avroUnfit {
		return false
	}
	f := c.plan.slot(int(op.column))
	op.want = f.mismatch(op.of.String(), op.of.Inexact())
	return true
}

// mismatch says that a type of a schema never becomes the column's; it is inexact where it is
// that of floats.
func (f *field) mismatch(name, inexact string) string {
	want := f.typeName + ": the record's schema has " + name
	if f.kind == schema.Decimal && inexact != "" {
		want += ", which from_float: true would allow"
	}
	return want
}

func hasNull(t *avroschema.Type) bool {
	for _, b := range t.Of {
		if b.Kind == avroschema.Null {
			return true
		}
	}
	return false
}

// union is what to do with a union of several types.
func (c *avroCompiler) union(t *avroschema.Type, column int) avroOp {
	op := avroOp{code: avroUnion, column: int32(column), of: t}
	c.untold = c.made // it is one type there
	for _, b := range t.Of {
		op.branches = append(op.branches, c.value(b, column))
	}
	c.untold = false
	return op
}

// value is what to do with a value of a type that is no union.
func (c *avroCompiler) value(t *avroschema.Type, column int) avroOp {
	f := c.plan.slot(column)
	said := t
	t = f.meant(t)
	code, change := f.avroCode(t)
	switch {
	case t == said:
	case t.Base == avroschema.Record:
		code, change = avroVariable, ""
	case code == avroUnfit && t.Kind == avroschema.Decimal && f.kind == schema.String:
		code, change = avroOther, changeType
	}
	op := avroOp{code: code, column: int32(column), of: t, mul: 1}
	switch op.code {
	case avroWhole:
		op.bounds(f)
	case avroDecimal:
		op.scaledBounds(f)
		if op.size = int32(t.Size); t.Base == bytesKind {
			op.size = -1
		}
	case avroNested:
		c.nested(&op, f)
	case avroEnum:
		op.symbol, op.size = int32(c.out.symbols), int32(len(t.Symbols))
		c.out.symbols += len(t.Symbols)
	}
	if change == "" || c.untold {
		return op
	}
	c.tell(batch.Drift{Change: change, Column: f.path, From: t.String(), To: f.typeName})
	if change == changeWiden && c.plan.table.Evolution.Widen != schema.Accept {
		op.tells, op.want = tellWiden, f.typeName+": the record's schema has "+t.String()
		return told(op)
	}
	return op
}

// scaledBounds sets what an unscaled number must lie between, and what one of it counts.
func (op *avroOp) scaledBounds(f *field) {
	op.mul = int64(pow10[f.scale-op.of.Scale])
	op.high = int64(f.limit) / op.mul
	if op.of.Precision <= 18 {
		op.high = min(op.high, int64(pow10[op.of.Precision])-1)
	}
	op.low = -op.high
}

// bounds sets what a whole number must lie between, and what one of it counts.
func (op *avroOp) bounds(f *field) {
	switch t := op.of; t.Kind {
	case avroschema.Date:
		op.low, op.high = firstDay, lastDay
	case avroschema.Moment:
		op.low, op.high = firstMoment, lastMoment
		if t.Unit == jsontext.Millis {
			op.low, op.high, op.mul = firstMoment/1000, lastMoment/1000, 1000
		}
	default:
		op.low, op.high = -int64(f.lowest-1)-1, int64(f.limit)
		if f.kind == schema.Decimal {
			op.mul = int64(pow10[f.scale])
			op.high = int64(f.limit) / op.mul
			op.low = -op.high
		}
		if t.Kind == avroschema.Int {
			op.low, op.high = max(op.low, -1<<31), min(op.high, 1<<31-1)
		}
	}
}
