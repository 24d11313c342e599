package schema

import "errors"

// The columns that a table of change events has behind its own.
const (
	ChangeOp   = "_op"    // what happened to the row: c, u, d, r
	ChangeTime = "_ts_ms" // when it was read from the log of the database, in ms since 1970
)

// ErrNoEnvelope says what a column from an envelope needs.
var ErrNoEnvelope = errors.New("from $envelope. leads into a change event: write debezium: true in the table")

// AddChange makes t one of change events, whose rows say what happened to them and when.
func (t *Table) AddChange() {
	t.Debezium = true
	t.Columns = append(t.Columns,
		Column{Name: ChangeOp, Type: Type{Kind: String}, Default: Value{Null: true}, From: ofEnvelope("op")},
		Column{Name: ChangeTime, Type: Type{Kind: Long}, Default: Value{Null: true}, From: ofEnvelope("ts_ms")})
}

func ofEnvelope(key string) From {
	return From{Part: FromEnvelope, Path: []Step{{Key: key, Index: -1}}}
}

// OfChange reports whether the column is one of those that AddChange adds.
func (c *Column) OfChange() bool {
	return c.From.Part == FromEnvelope && len(c.From.Path) == 1 &&
		(c.Name == ChangeOp && c.From.Path[0].Key == "op" || c.Name == ChangeTime && c.From.Path[0].Key == "ts_ms")
}
