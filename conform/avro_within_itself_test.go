package conform_test

import (
	"strings"
	"testing"

	"tidemark/internal/batch"
)

// A schema of a record within itself is read: what no column comes from is read over, a column of
// type json keeps it whole, and others come from within it or hold a part; all of it at most 100
// deep, as in JSON.
func TestAvroWithinItself(t *testing.T) {
	s := mustSchema(t, fieldOf("id", `"long"`), fieldOf("next", `["null","r"]`), fieldOf("all", `{"type":"array","items":"r"}`), fieldOf("note", `"string"`))
	leaf := func(id int64) string { return zig(id) + zig(0) + zig(0) + str("n") }
	chain := func(deep int) string { // of records in records, the whole one included
		out := leaf(int64(deep))
		for i := deep - 1; i > 0; i-- {
			out = zig(int64(i)) + zig(1) + out + zig(0) + str("n")
		}
		return out
	}
	tree := func(deep int) string { // each level is a record in an array
		out := leaf(int64(deep))
		for i := deep - 1; i > 0; i-- {
			out = zig(int64(i)) + zig(0) + zig(1) + out + zig(0) + str("n")
		}
		return out
	}
	wide := zig(7) + zig(0) + zig(150) + strings.Repeat(leaf(8), 150) + zig(0) + str("n")
	within := func(deep int) string { // a chain in a record in an array
		return zig(7) + zig(0) + zig(1) + zig(8) + zig(1) + chain(deep) + zig(0) + str("n") + zig(0) + str("n")
	}
	text := func(deep int) string {
		return strings.Repeat(`{"id":7,"next":`, deep) + "null" + strings.Repeat(`,"all":[],"note":"n"}`, deep)
	}
	for _, c := range []struct{ columns, datum, want string }{
		{"id long, note string", chain(1), "1 n"},
		{"id long, note string", chain(2), "1 n"},
		{"id long, note string", chain(99), "1 n"},
		{"id long, note string", chain(100), "limit"}, // the last one has an array within it
		{"id long, note string", chain(3000), "limit"},
		{"id long, note string", tree(50), "1 n"},
		{"id long, note string", tree(51), "limit"}, // it has arrays, too
		{"id long, next json", chain(1), "1 null"},
		{"id long, next json", chain(3), `1 {"id":2,"next":{"id":3,"next":null,"all":[],"note":"n"},"all":[],"note":"n"}`},
		{"id long, all json", tree(2), `1 [{"id":2,"next":null,"all":[],"note":"n"}]`},
		{"next json", chain(99), ""},
		{"next json", chain(100), "limit"},
		{"all json", tree(50), ""},
		{"all json", tree(51), "limit"},
		{"x long from=next.next.id", chain(3), "3"},
		{"x long from=next.next.id", chain(2), "null"},
		{"x long from=all[0].all[0].id", tree(4), "3"},
		{"x long from=next.next.id", chain(100), "limit"},
		{"next struct<id:long,next:struct<id:long,next:json>>", chain(4), `{"id":2,"next":{"id":3,"next":"{"id":4,"next":null,"all":[],"note":"n"}"}}`},
		{"all list<struct<id:long,all:list<json>>>", tree(3), `[{"id":2,"all":["{"id":3,"next":null,"all":[],"note":"n"}"]}]`},
		{"all list<struct<id:long,all:list<json>>>", tree(50), ""},
		{"all list<struct<id:long,all:list<json>>>", tree(51), "limit"},
		{"x long from=all[0].all[0].id", tree(50), "3"},
		{"x long from=all[0].all[0].id", tree(51), "limit"},
		{"all json", wide, ""}, {"id long", wide, "7"}, {"all list<struct<id:long>>", wide, ""}, {"all list<json>", wide, ""},
		{"all list<struct<id:long>>", within(96), `[{"id":8}]`}, {"all list<struct<id:long>>", within(97), "limit"},
		{"all list<struct<next:json>>", within(96), ""}, {"all list<struct<next:json>>", within(97), "limit"},
		{"id long, note string", chain(5)[:20], "syntax"},
	} {
		table := tableOf(t, strings.Split(c.columns, ", ")...)
		b, _ := decodeAvro(t, table, s, chain(2), c.datum, chain(2))
		got := rejectOf(b, 1)
		if b.Fates[1] == batch.Written {
			var parts []string
			for i := range b.Columns {
				parts = append(parts, describe(b, i, 1))
			}
			got = strings.Join(parts, " ")
			if c.want == "" { // as long as it is
				got = ""
			}
		}
		if got != c.want || b.Fates[0] != batch.Written || b.Fates[2] != batch.Written {
			t.Errorf("%s of %d bytes: got %s, want %s: %v", c.columns, len(c.datum), got, c.want, b.Fates)
		}
	}
	table := tableOf(t, "next json")
	b, _ := decodeAvro(t, table, s, strings.Repeat(zig(7)+zig(1), 98)+zig(7)+zig(0)+strings.Repeat(zig(0)+str("n"), 99))
	if got := describe(b, 0, 0); got != text(98) {
		t.Errorf("got %s", got)
	}
}
