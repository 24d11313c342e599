package quality

import (
	"errors"
	"fmt"
	"strings"

	"tidemark/internal/schema"
)

// Reference is what a reference check looks values up in. Either Table and In, or File
// and FileColumn are set.
type Reference struct {
	Check  string      // its name
	Column string      // whose values are looked up
	Type   schema.Type // of that column

	Table, In        string // a table of the lake and its column
	File, FileColumn string
}

// Known is the set that a reference looks into, and which version of it this is, for
// the record. Set nil: nothing is in it.
type Known struct {
	Set     *Set
	Version string
}

// referenced finds values that are not in the set of a reference.
type referenced struct {
	column int
	index  int // of the reference
	text   bool
	to     Reference
}

func (out *check) compileReference(t *schema.Table, c *Check) error {
	column, err := find(t, c.Reference)
	if err != nil {
		return err
	}
	to := Reference{Check: out.name, Column: c.Reference, Type: t.Columns[column].Type, File: c.File, FileColumn: c.FileColumn}
	switch {
	case (c.In == "") == (c.File == ""):
		return errors.New("it needs one thing to look into: write in: TABLE.COLUMN, or file: PATH with column: NAME")
	case c.In != "":
		var ok bool
		if to.Table, to.In, ok = strings.Cut(c.In, "."); !ok || to.Table == "" || to.In == "" {
			return fmt.Errorf("in %q: write TABLE.COLUMN, such as accounts.account_id", c.In)
		}
		if c.FileColumn != "" {
			return errors.New("column belongs to file: the column of a table stands behind its name, in: TABLE.COLUMN")
		}
		out.want = "a value of " + c.In
	default:
		if to.FileColumn == "" {
			to.FileColumn = c.Reference
		}
		out.want = "a value of column " + to.FileColumn + " of " + c.File
	}
	switch to.Type.Kind {
	case schema.Float, schema.Double, schema.Boolean:
		return fmt.Errorf("column %s is %s, which identifies nothing: refer by whole numbers, decimals, text or times", c.Reference, to.Type)
	}
	ref := &referenced{column: column, text: !to.Type.Kind.Fixed(), to: to}
	out.ref = ref
	out.onColumn(column, NullsPass, ref)
	return nil
}

// References lists what the reference checks look into, in the order in which Begin
// wants it.
func (s *Suite) References() []Reference { return s.references }

func (c *referenced) judge(r *run, out bitmap) {
	var set *Set
	if c.index < len(r.known) {
		set = r.known[c.index].Set
	}
	switch {
	case set == nil || set.number == c.text: // nothing of this kind is in it
		out.or(r.live)
	case c.text:
		rows := r.take()
		copy(rows, r.live)
		rows.andNot(r.missing[c.column])
		r.byEntry(c.column, rows, out, func(_ *run, value []byte) bool { return set.texts.has(value) })
		r.give(rows)
	default:
		for i, v := range r.b.Columns[c.column].Ints[:r.b.Rows] {
			out[i>>6] |= bit(!set.numbers.has(uint64(v))) << (i & 63)
		}
	}
}
