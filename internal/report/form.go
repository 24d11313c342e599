package report

import (
	"encoding/json"
	"fmt"
	"io"

	"tidemark/internal/ledger"
)

// JSON writes the document as one JSON object, indented.
func (d Document) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// moment writes a time for people, in UTC and to the second.
func moment(t *ledger.Time) string {
	if t == nil {
		return "–"
	}
	return t.Time().Format("2006-01-02 15:04:05Z")
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func sum(s ledger.Sum) string { return fmt.Sprintf("%016x", uint64(s)) }

// nullsOf are the nulls of one record, ordered by column.
func nullsOf(r *ledger.Record) []Null {
	m := make(map[string]*Null, len(r.Nulls))
	for column, n := range r.Nulls {
		m[column] = &Null{Column: column, Nulls: n}
	}
	return values(m, func(n *Null) string { return n.Column })
}
