package conform

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// protoPlan is how the messages of one type become rows of one table. It never changes.
type protoPlan struct {
	root       protoNode
	places     int         // where values may stand
	missing    []int       // columns that have no field
	drift      []toldDrift // how the schema differs from the table
	symbols    int         // of enums that become text
	tellsExtra bool        // a policy wants to be told of fields without a column
	size       int64
}

// protoPlans are the plans of messages.
type protoPlans = plans[*protoschema.Message, *protoPlan]

func (p *protoPlan) bytes() int64 { return p.size + int64(len(p.drift))*112 + 256 }

// protoNode is what to do with a message that columns come from.
type protoNode struct {
	message *protoschema.Message
	ops     []protoOp // those with a column, then those of other fields
	filled  int       // how many have a column
	first   int32     // the place of the first op in protoDecoder.at
	extra   bool      // of a part of a nested column: it has fields without one, of which a policy wants to be told
	lost    []int     // columns whose way leads nowhere from here

	dense  []int32 // op, plus one, by field number
	sparse []protoNumber
	oneofs [][]int32 // ops, by oneof
	must   []int32   // ops of required fields
}

// protoNumber is a field number that dense does not reach.
type protoNumber struct {
	number uint64
	op     int32
}

// find returns the op of a field number, −1: the schema has no such field.
func (n *protoNode) find(number uint64) int {
	if number < uint64(len(n.dense)) {
		return int(n.dense[number]) - 1
	}
	i, ok := slices.BinarySearchFunc(n.sparse, number, func(s protoNumber, number uint64) int {
		switch {
		case s.number < number:
			return -1
		case s.number > number:
			return 1
		}
		return 0
	})
	if !ok {
		return -1
	}
	return int(n.sparse[i].op)
}

// protoOp is what to do with the values of one field. Of avroOp it has the column, the node,
// bounds and what is told.
type protoOp struct {
	avroOp
	do    protoCode
	wire  uint8 // of a value that stands alone
	rare  bool  // scan has more to do than to note a place
	zero  bool  // where it is absent the column is 0
	oneof int32
	field *protoschema.Field
	// absent is what stands where there is no value, with padding; nil: null
	absent []byte

	inner *protoNode // of a message that columns come from within
	parts []protoOp  // of a list or map: what its elements are for; of a wrapper: its value
	index int        // of an element of a list
}

// protoOpBytes is what a protoOp takes, about.
const protoOpBytes = 320

// MessageDifferences is Differences for a message of Protobuf.
func (p *Plan) MessageDifferences(m *protoschema.Message) []batch.Drift {
	one := p.proto.find(m, p.compileProto)
	return p.differences(one.drift, one.missing)
}

// protoCompiler makes a plan.
type protoCompiler struct {
	plan  *Plan
	out   *protoPlan
	zeros []byte
	parts int // of nested columns
}

// compileProto makes the plan of a message: fields find their columns by the names of the
// columns, then by their aliases, as keys of JSON do.
func (p *Plan) compileProto(m *protoschema.Message) *protoPlan {
	c := protoCompiler{plan: p, out: &protoPlan{}, zeros: make([]byte, 8+batch.Padding)}
	holder, ranks := make([]int, len(p.columns)+len(p.fields)), make([]int, len(p.columns)+len(p.fields))
	slot := make([]int, len(m.Fields))
	for i := range m.Fields {
		column, rank, ok := p.keys.find([]byte(m.Fields[i].Name))
		if slot[i] = -1; !ok {
			continue
		}
		if slot[i] = column; holder[column] == 0 || rank < ranks[column] {
			holder[column], ranks[column] = i+1, rank
		}
	}
	ops := make([]protoOp, len(m.Fields))
	for i := range m.Fields {
		f, column := &m.Fields[i], slot[i]
		switch {
		case column < 0 || holder[column] != i+1:
			c.tell(batch.Drift{Change: changeExtra, Column: f.Name, From: f.String()})
			c.out.tellsExtra = p.table.Evolution.Extra != schema.Accept
			ops[i].do = protoSkip
		case column >= len(p.columns):
			ops[i] = c.inside(f, p.fields[column-len(p.columns)].node)
		default:
			if name := p.table.Columns[column].Name; ranks[column] > 0 {
				c.tell(batch.Drift{Change: changeAlias, Column: name, From: f.Name, To: name})
			}
			ops[i] = c.field(f, column)
		}
	}
	c.node(&c.out.root, m, ops)
	for column, i := range holder[:len(p.columns)] {
		if f := &p.columns[column]; i == 0 && f.outer == 0 && f.from.Part == schema.FromField {
			c.out.missing = append(c.out.missing, column)
		}
	}
	for slot, i := range holder[len(p.columns):] {
		if i == 0 {
			n := p.fields[slot].node
			c.out.missing = append(c.out.missing, c.columnsOf(n)...)
		}
	}
	return c.out
}

// columnsOf lists the columns that come from a node.
func (c *protoCompiler) columnsOf(n int32) []int {
	var out []int
	node := &c.plan.nodes[n]
	if node.column >= 0 {
		out = append(out, int(node.column))
	}
	for _, l := range node.leaves {
		out = append(out, int(l.column))
	}
	return out
}

// tell notes a difference.
func (c *protoCompiler) tell(d batch.Drift) {
	c.out.drift = append(c.out.drift, toldDrift{d, d.Change + "\x00" + d.Column + "\x00" + d.From})
}

// node makes a node of what is to be done with each field of a message.
func (c *protoCompiler) node(n *protoNode, m *protoschema.Message, ops []protoOp) {
	n.message, n.first, n.oneofs = m, int32(c.out.places), make([][]int32, m.Oneofs)
	places := make([]int32, len(ops)) // in n.ops, plus one
	add := func(i int, op protoOp) {
		n.ops = append(n.ops, op)
		places[i] = int32(len(n.ops))
	}
	wanted := make([]bool, m.Oneofs+1) // by oneof: a column comes from it
	for i := range ops {
		if ops[i].do != protoSkip {
			add(i, c.finished(ops[i], &m.Fields[i]))
			wanted[m.Fields[i].Oneof] = true
		}
	}
	n.filled = len(n.ops)
	var shared [8]int32 // of fields that are read over, by wire type
	for i := range ops {
		f := &m.Fields[i]
		switch {
		case places[i] > 0:
		case f.Of != nil || f.Packs():
			add(i, c.finished(protoOp{do: protoCheck}, f))
		case f.Must > 0 || f.Oneof > 0 && wanted[f.Oneof]:
			add(i, c.finished(protoOp{do: protoSkip}, f))
		default:
			if shared[f.Wire()] == 0 {
				add(i, protoOp{do: protoSkip, field: f, wire: f.Wire()})
				shared[f.Wire()] = places[i]
			}
			places[i] = shared[f.Wire()]
		}
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.Must > 0 {
			n.must = append(n.must, places[i]-1)
		}
		if f.Oneof > 0 && wanted[f.Oneof] {
			n.oneofs[f.Oneof-1] = append(n.oneofs[f.Oneof-1], places[i]-1)
		}
		n.number(uint64(f.Number), places[i])
	}
	slices.SortFunc(n.sparse, func(a, b protoNumber) int { return int(int64(a.number) - int64(b.number)) })
	c.out.places += len(n.ops)
	c.out.size += int64(len(n.ops))*protoOpBytes + int64(len(n.dense))*4 + int64(len(n.sparse))*16
}

// densest is the highest field number that is found at once.
const densest = 1 << 11

func (n *protoNode) number(number uint64, place int32) {
	if number >= densest {
		n.sparse = append(n.sparse, protoNumber{number, place - 1})
		return
	}
	for number >= uint64(len(n.dense)) {
		n.dense = append(n.dense, 0)
	}
	n.dense[number] = place
}

// finished adds to an op what follows from its field.
func (c *protoCompiler) finished(op protoOp, f *protoschema.Field) protoOp {
	op.field, op.wire, op.oneof = f, f.Wire(), int32(f.Oneof)
	op.rare = op.oneof > 0 || f.List || f.Of != nil
	if f.Must > 0 {
		op.want = "a value of " + f.Name + ", which the schema requires"
	}
	if op.do >= protoCheck { // it has no column
		return op
	}
	switch f.Presence {
	case protoschema.Implicit:
		op.absent = c.zeros
		op.zero = op.do.plainZero() && op.tells == tellNothing
	case protoschema.Default:
		op.absent = append(slices.Clone(f.Default), make([]byte, batch.Padding)...)
	}
	return op
}

// field is what to do with a field, for a column.
func (c *protoCompiler) field(f *protoschema.Field, column int) protoOp {
	to := c.plan.slot(column)
	op := c.value(f, column)
	if op.do == protoUnfit {
		op.want = to.mismatch(f.String(), inexactOf(f))
		c.tell(batch.Drift{Change: changeMismatch, Column: to.path, From: f.String(), To: to.typeName})
	}
	if to.required && (f.Presence == protoschema.Explicit || f.Of != nil && f.Presence != protoschema.Required && !f.List && !f.Map) {
		c.tell(batch.Drift{Change: changeNullable, Column: to.path, From: f.String(), To: to.typeName})
	}
	return op
}

// inexactOf is float or double where a value that stands alone is one, or wraps one, else empty.
func inexactOf(f *protoschema.Field) string {
	switch {
	case f.List || f.Map:
		return ""
	case f.Of != nil && f.Of.Known == protoschema.Wrapper:
		return f.Of.Fields[0].Inexact()
	}
	return f.Inexact()
}

// value is what to do with a value of a field for a column.
func (c *protoCompiler) value(f *protoschema.Field, column int) protoOp {
	to := c.plan.slot(column)
	do, change := to.protoCode(f)
	op := protoOp{do: do, field: f, wire: f.Wire()}
	op.avroOp = avroOp{column: int32(column), mul: 1, of: &avroschema.Type{Kind: avroschema.Long}}
	switch {
	case do == protoNested:
		c.nested(&op, to)
	case f.Kind == protoreflect.FloatKind:
		op.of = &avroschema.Type{Kind: avroschema.Float}
	case f.Kind == protoreflect.DoubleKind:
		op.of = &avroschema.Type{Kind: avroschema.Double}
	case do == protoWhole || do == protoInteger:
		op.limits(to)
	case do == protoEnum:
		op.symbol, op.size = int32(c.out.symbols), int32(len(f.Enum.Symbols))
		c.out.symbols += len(f.Enum.Symbols)
	case do == protoWrapper:
		op.parts = []protoOp{c.value(&f.Of.Fields[0], column)}
		op.parts[0] = c.finished(op.parts[0], &f.Of.Fields[0])
	}
	if change == "" {
		return op
	}
	c.tell(batch.Drift{Change: change, Column: to.path, From: f.String(), To: to.typeName})
	if change == changeWiden && c.plan.table.Evolution.Widen != schema.Accept {
		op.tells, op.want = tellWiden, to.typeName+": the record's schema has "+f.String()
	}
	return op
}

// limits sets what a whole number must lie between, and what one of it counts.
func (op *protoOp) limits(f *field) {
	op.low, op.high = -int64(f.lowest-1)-1, int64(f.limit)
	if f.kind == schema.Decimal {
		op.mul = int64(pow10[f.scale])
		op.high = int64(f.limit) / op.mul
		op.low = -op.high
	}
	switch op.field.Kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		op.low, op.high = max(op.low, -1<<31), min(op.high, 1<<31-1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		op.low, op.high = 0, min(op.high, 1<<32-1)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		op.low = 0
	}
}

func appendUint(dst []byte, x uint64) []byte { return strconv.AppendUint(dst, x, 10) }
