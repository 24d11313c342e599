package avropeers_test

import (
	"math/big"
)

// cell is one change of a schema: what records have, what the table has, and a record.
type cell struct {
	change string // of the matrix
	name   string
	w      []field // of the record
	r      []field // of the table: of each a column of its name
	values []any
	from   string // where column x comes from
	needed bool   // x is required
}

func typed(kind string) *typ            { return &typ{kind: kind} }
func meaning(kind, logical string) *typ { return &typ{kind: kind, logical: logical} }
func digits(p, s int) *typ {
	return &typ{kind: "bytes", logical: "decimal", precision: p, scale: s}
}
func symbols(all ...string) *typ { return &typ{kind: "enum", name: "e", symbols: all} }
func either(of ...*typ) *typ     { return &typ{kind: "union", of: of} }
func record(name string, fields ...field) *typ {
	return &typ{kind: "record", name: name, fields: fields}
}
func x(of *typ) field { return field{name: "x", of: of} }

// typeCells are the changes of one field's type.
func typeCells() []cell {
	null := typed("null")
	var out []cell
	for _, c := range []struct {
		change, name string
		w, r         *typ
		value        any
	}{
		{"widened", "int to long", typed("int"), typed("long"), int64(-7)},
		{"widened", "int to float", typed("int"), typed("float"), int64(7)},
		{"widened", "long to float", typed("long"), typed("float"), int64(16777217)},
		{"widened", "int to double", typed("int"), typed("double"), int64(7)},
		{"widened", "long to double", typed("long"), typed("double"), int64(7)},
		{"widened", "float to double", typed("float"), typed("double"), float32(0.5)},
		{"widened", "int to decimal", typed("int"), digits(9, 2), int64(-7)},
		{"widened", "int to decimal, too large", typed("int"), digits(9, 2), int64(10_000_000)},
		{"widened", "decimal of more digits", digits(9, 2), digits(18, 2), big.NewInt(-256)},
		{"widened", "decimal of a larger scale", digits(9, 2), digits(18, 4), big.NewInt(127)},
		{"widened", "string to bytes", typed("string"), typed("bytes"), "AAEC"},
		{"widened", "bytes to string", typed("bytes"), typed("string"), []byte("Zürich")},
		{"widened", "bytes to string, no text", typed("bytes"), typed("string"), []byte("\xff")},
		{"widened", "date to timestamp", meaning("int", "date"), meaning("long", "timestamp-micros"), int64(20785)},
		{"narrowed", "long to int", typed("long"), typed("int"), int64(7)},
		{"narrowed", "long to int, too large", typed("long"), typed("int"), int64(1 << 31)},
		{"narrowed", "double to float", typed("double"), typed("float"), 0.5},
		{"narrowed", "double to float, too large", typed("double"), typed("float"), 1e300},
		{"narrowed", "double to long", typed("double"), typed("long"), 3.0},
		{"narrowed", "double to long, with a fraction", typed("double"), typed("long"), 3.5},
		{"narrowed", "decimal of fewer digits, that fits", digits(18, 2), digits(9, 2), big.NewInt(1250)},
		{"narrowed", "decimal of fewer digits, too large", digits(18, 2), digits(3, 2), big.NewInt(1000)},
		{"narrowed", "decimal of a smaller scale", digits(9, 3), digits(9, 2), big.NewInt(1230)},
		{"narrowed", "decimal of a smaller scale, a digit too many", digits(9, 3), digits(9, 2), big.NewInt(1231)},
		{"narrowed", "decimal to long", digits(9, 2), typed("long"), big.NewInt(700)},
		{"narrowed", "timestamp to date, midnight", meaning("long", "timestamp-millis"), meaning("int", "date"), int64(86_400_000)},
		{"narrowed", "timestamp to date, within the day", meaning("long", "timestamp-millis"), meaning("int", "date"), int64(1)},
		{"null or required", "may be null, and is not", either(null, typed("long")), typed("long"), branch{1, int64(7)}},
		{"null or required", "may be null, and is", either(null, typed("long")), typed("long"), branch{0, nil}},
		{"null or required", "is never null any longer", typed("long"), either(null, typed("long")), int64(7)},
		{"null or required", "is nothing but null", null, either(null, typed("long")), nil},
		{"enum", "a symbol added", symbols("A", "B", "C"), symbols("A", "B"), "C"},
		{"enum", "a symbol removed", symbols("B"), symbols("A", "B"), "B"},
		{"enum", "symbols reordered", symbols("B", "A"), symbols("A", "B"), "A"},
		{"enum", "enum to string", symbols("A"), typed("string"), "A"},
		{"enum", "string to enum", typed("string"), symbols("A"), "Z"},
		{"union", "reordered", either(typed("long"), null), either(null, typed("long")), branch{0, int64(7)}},
		{"union", "a type added, another comes", either(null, typed("long"), typed("string")), either(null, typed("long")), branch{1, int64(7)}},
		{"union", "a type added, it comes", either(null, typed("long"), typed("string")), either(null, typed("long")), branch{2, "seven"}},
		{"union", "a type added, it comes and can be read", either(null, typed("long"), typed("string")), either(null, typed("long")), branch{2, "7"}},
		{"union", "of several, kept as JSON", either(null, typed("long"), typed("string")), either(typed("string"), null, typed("long")), branch{1, int64(7)}},
		{"logical type", "milliseconds to microseconds", meaning("long", "timestamp-millis"), meaning("long", "timestamp-micros"), int64(1795342530123)},
		{"logical type", "nanoseconds to microseconds", meaning("long", "timestamp-nanos"), meaning("long", "timestamp-micros"), int64(1000)},
		{"logical type", "nanoseconds to microseconds, a part of one", meaning("long", "timestamp-nanos"), meaning("long", "timestamp-micros"), int64(1001)},
		{"logical type", "local to UTC", meaning("long", "local-timestamp-micros"), meaning("long", "timestamp-micros"), int64(1795342530123456)},
		{"logical type", "long to timestamp", typed("long"), meaning("long", "timestamp-micros"), int64(1)},
		{"logical type", "timestamp to long", meaning("long", "timestamp-micros"), typed("long"), int64(1)},
		{"logical type", "string to timestamp", typed("string"), meaning("long", "timestamp-micros"), "2026-11-22T10:15:30Z"},
		{"logical type", "string to decimal", typed("string"), digits(9, 2), "12.50"},
		{"logical type", "decimal to bytes", digits(9, 2), typed("bytes"), big.NewInt(1)},
		{"logical type", "bytes to decimal", typed("bytes"), digits(9, 2), []byte{1}},
		{"logical type", "time of day to string", meaning("long", "time-micros"), typed("string"), int64(1)},
		{"another kind", "double for money", typed("double"), digits(9, 2), 12.5},
		{"another kind", "float for money", typed("float"), digits(9, 2), float32(12.5)},
		{"another kind", "boolean to long", typed("boolean"), typed("long"), true},
		{"another kind", "long to string", typed("long"), typed("string"), int64(7)},
		{"another kind", "record to string", record("q", field{name: "a", of: typed("long")}), typed("string"), []any{int64(7)}},
	} {
		out = append(out, cell{change: c.change, name: c.name, w: []field{x(c.w)}, r: []field{x(c.r)}, values: []any{c.value}})
	}
	return out
}

// fieldCells are the changes of which fields there are.
func fieldCells() []cell {
	id, long := field{name: "id", of: typed("long")}, typed("long")
	added := field{name: "added", of: typed("string")}
	preset := field{name: "added", of: typed("string"), preset: `"n"`}
	both := []field{id, x(long)}
	y := field{name: "y", of: long}
	return []cell{
		{change: "added", name: "first", w: []field{added, id, x(long)}, r: both, values: []any{"n", int64(1), int64(7)}},
		{change: "added", name: "in the middle", w: []field{id, added, x(long)}, r: both, values: []any{int64(1), "n", int64(7)}},
		{change: "added", name: "last", w: []field{id, x(long), added}, r: both, values: []any{int64(1), int64(7), "n"}},
		{change: "added", name: "last, with a default", w: []field{id, x(long), preset}, r: both, values: []any{int64(1), int64(7), "n"}},
		{change: "added", name: "last, null", w: []field{id, x(long), {name: "added", of: either(typed("null"), long), preset: "null"}}, r: both, values: []any{int64(1), int64(7), branch{0, nil}}},
		{change: "dropped", name: "without a default", w: []field{id}, r: both, values: []any{int64(1)}},
		{change: "dropped", name: "with a default", w: []field{id}, r: []field{id, {name: "x", of: typed("string"), preset: `"n"`}}, values: []any{int64(1)}},
		{change: "dropped", name: "required", w: []field{id}, r: both, values: []any{int64(1)}, needed: true},
		{change: "renamed", name: "without an alias", w: []field{id, y}, r: both, values: []any{int64(1), int64(7)}},
		{change: "renamed", name: "with an alias of the table", w: []field{id, y}, r: []field{id, {name: "x", of: long, aliases: []string{"y"}}}, values: []any{int64(1), int64(7)}},
		{change: "renamed", name: "with an alias of the writer", w: []field{id, {name: "y", of: long, aliases: []string{"x"}}}, r: both, values: []any{int64(1), int64(7)}},
		{change: "renamed", name: "in another case", w: []field{id, {name: "X", of: long}}, r: both, values: []any{int64(1), int64(7)}},
		{change: "reordered", name: "", w: []field{x(long), id}, r: both, values: []any{int64(7), int64(1)}},
		{change: "null or required", name: "may be null, and is, and is required", w: []field{x(either(typed("null"), long))}, r: []field{x(long)}, values: []any{branch{0, nil}}, needed: true},
		{change: "default changed", name: "of a field that is there", w: []field{{name: "x", of: long, preset: "9"}}, r: []field{{name: "x", of: long, preset: "5"}}, values: []any{int64(7)}},
		{change: "nested", name: "as the table has it", w: []field{{name: "a", of: record("q", field{name: "c", of: long})}}, r: []field{x(long)}, values: []any{[]any{int64(7)}}, from: "a.c"},
		{change: "nested", name: "one level deeper", w: []field{{name: "a", of: record("q", field{name: "b", of: record("v", field{name: "c", of: long})})}}, r: []field{x(long)}, values: []any{[]any{[]any{int64(7)}}}, from: "a.c"},
		{change: "nested", name: "one level deeper, the record may be null", w: []field{{name: "a", of: record("q", field{name: "b", of: either(typed("null"), record("v", field{name: "c", of: long}))})}}, r: []field{x(long)}, values: []any{[]any{branch{0, nil}}}, from: "a.b.c"},
		{change: "nested", name: "a record in place of a number", w: []field{x(record("q", field{name: "c", of: long}))}, r: []field{x(long)}, values: []any{[]any{int64(7)}}},
		{change: "nested", name: "a number in place of a record", w: []field{{name: "a", of: long}}, r: []field{x(long)}, values: []any{int64(7)}, from: "a.c"},
	}
}
