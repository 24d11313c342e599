package pipeline

import (
	"slices"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// drift is what the ledger has not recorded yet.
func (s *shift) drift(st *ledger.State) []ledger.Drift {
	var out []ledger.Drift
	for _, d := range s.worker.batch.Drift {
		l := ledger.Drift{
			Change: d.Change, Column: d.Column, From: d.From, To: d.To, FirstAt: s.origin(d.Row),
			Count: d.Count, Done: s.b.t.plan.Done(d),
		}
		if st.KnowsDrift(l) {
			continue
		}
		if d.Schema != nil {
			use := d.Schema.Of(l.FirstAt.Topic)
			l.SchemaID, l.Subject, l.Version = d.Schema.ID, use.Subject, use.Version
		}
		out = append(out, l)
	}
	return out
}

// What a record says of schemas: producers that make one for each record must not make
// records of the ledger as large as their data.
const (
	mostFields  = 200 // of a schema
	mostWritten = 200 // schemas of which fields are listed
)

// schemas are those that the ledger has not recorded yet.
func (s *shift) schemas(st *ledger.State) []ledger.Written {
	var out []ledger.Written
	at := map[string]int{} // in out
	for _, m := range s.worker.batch.Schemas {
		if st.KnowsSchema(m.Schema.ID) {
			continue
		}
		if i, ok := at[m.Schema.ID]; ok {
			out[i].Records += m.Records
			continue
		}
		w := ledger.Written{ID: m.Schema.ID, FirstAt: s.origin(m.Row), Records: m.Records}
		use := m.Schema.Of(w.FirstAt.Topic)
		w.Subject, w.Version = use.Subject, use.Version
		if len(out) < mostWritten {
			w.Fields, w.More = fieldsOf(m.Schema)
		}
		at[w.ID] = len(out)
		out = append(out, w)
	}
	return out
}

func fieldsOf(s *batch.Schema) (out []ledger.Field, more int) {
	for _, f := range s.Fields[:min(len(s.Fields), mostFields)] {
		out = append(out, ledger.Field(f))
	}
	return out, len(s.Fields) - len(out)
}

// columns are those of the table, if the record's files have them and the ledger last
// recorded others.
func (s *shift) columns(st *ledger.State) []ledger.Column {
	if !slices.ContainsFunc(s.files, func(f ledger.File) bool { return f.Output != ledger.Quarantine }) {
		return nil
	}
	if columns := s.b.t.columns; !st.HasColumns(columns) {
		return columns
	}
	return nil
}

// ColumnsOf are the columns of a table as its ledger records them.
func ColumnsOf(t *schema.Table) []ledger.Column {
	out := make([]ledger.Column, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		out[i] = ledger.Column{Name: c.Name, Type: c.Type.String(), Required: c.Required, From: c.From.String(), Aliases: c.Aliases}
		if !c.Required && !c.Default.Null {
			out[i].Default = c.Default.Text(c.Type)
		}
	}
	return out
}
