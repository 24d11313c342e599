package history_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/history"
	"tidemark/internal/ledger"
)

func fields(list string) (out []ledger.Field) {
	for f := range strings.FieldsSeq(list) {
		name, typ, _ := strings.Cut(f, ":")
		out = append(out, ledger.Field{Name: name, Type: typ})
	}
	return out
}

// TestFields says how one version of a schema differs from another.
func TestFields(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a:int b:long", "a:int b:long", "[]"},
		{"a:int b:long", "a:long b:long", "[{type a int long}]"},
		{"a:int b:long", "a:int", "[{dropped b long }]"},
		{"b:long", "a:int b:long", "[{added a  int}]"},
		{"a:int b:long", "b:long a:int", "[{order  a, b b, a}]"},
		{"a:int b:long c:int", "c:int d:int a:int", "[{added d  int} {dropped b long } {order  a, c c, a}]"},
		{"", "a:int", "[{added a  int}]"},
	} {
		if got := fmt.Sprint(history.OfFields(fields(c.before), fields(c.after))); got != c.want {
			t.Errorf("%s → %s: got %s, want %s", c.before, c.after, got, c.want)
		}
	}
}

// TestVersions wants a schema to be compared with the one before of its subject, or of its
// topic where subjects are not known, and the table's columns with those before.
func TestVersions(t *testing.T) {
	h := history.New("t")
	seen := func(id, subject, topic, list string) *ledger.Record {
		return &ledger.Record{Schemas: []ledger.Written{{ID: id, Subject: subject, FirstAt: ledger.Origin{Topic: topic}, Fields: fields(list)}}}
	}
	columns := []ledger.Column{{Name: "a", Type: "long"}, {Name: "b", Type: "string", Default: "x"}}
	for i, r := range []*ledger.Record{
		{Schema: columns},
		{Columns: columns}, // the same: no version
		seen("1", "one", "in", "a:int"),
		seen("2", "other", "in", "z:int"),
		seen("3", "one", "in", "a:long"),
		seen("4", "", "more", "a:int"),
		seen("5", "", "more", "a:int b:int"),
		{Columns: []ledger.Column{{Name: "a", Type: "long", Required: true}, {Name: "b", Type: "string"}, {Name: "c", Type: "date", From: "x.y"}}},
	} {
		r.Seq = int64(i + 1)
		h.Add(r)
	}
	table := h.Table()
	var got []string
	for _, s := range table.Schemas {
		got = append(got, fmt.Sprint(s.ID, " after ", s.Before, " ", s.Changes))
	}
	want := "1 after  []; 2 after  []; 3 after 1 [{type a int long}]; 4 after  []; 5 after 4 [{added b  int}]"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if len(table.Columns) != 2 || fmt.Sprint(table.Columns[1].Changes) != "[{required a no yes} {default b x } {added c  date}]" {
		t.Errorf("columns: got %+v", table.Columns)
	}
	var out strings.Builder
	if err := table.Text(&out); err != nil || !strings.Contains(out.String(), "│ required │ a") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
