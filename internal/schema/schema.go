// Package schema says what a table is: its columns with their types, where the
// event time stands, how rows are partitioned, and what becomes of a field that
// differs from the schema.
//
// It holds plain values and their parsing. It knows no file format, no Kafka and
// no configuration file; the stages (conform, watermark, quality) and the writer
// read it and never change it. A Table is immutable once Validate has passed and
// may then be shared by any number of goroutines.
package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Partitioning says which Hive-style folders a table's rows lie in.
type Partitioning uint8

// The partitionings of a table. Days and hours are UTC ones of the event time.
const (
	ByDay  Partitioning = iota // yyyy=/mm=/dd=
	ByHour                     // yyyy=/mm=/dd=/hh=
	Unpartitioned
)

var partitionings = []string{ByDay: "day", ByHour: "hour", Unpartitioned: "none"}

func (p Partitioning) String() string { return partitionings[p] }

// ParsePartitioning reads day, hour or none.
func ParsePartitioning(s string) (Partitioning, error) {
	for p, name := range partitionings {
		if s == name {
			return Partitioning(p), nil
		}
	}
	return 0, fmt.Errorf("partition_by %q is not one of day, hour, none", s)
}

// Action is what evolution does with a field that differs from the schema.
type Action uint8

// The actions. Accept means: default for a missing column, drop for an extra
// one, accept for a widening one.
const (
	Accept Action = iota
	Quarantine
	Halt
)

// Evolution is the policy for the four ways in which a record differs.
type Evolution struct {
	Missing, Extra, Widen, Narrow Action
}

// DefaultEvolution fills missing columns, drops extra ones, accepts widening and
// quarantines whatever would lose information.
func DefaultEvolution() Evolution { return Evolution{Narrow: Quarantine} }

// Column is one column of a table.
type Column struct {
	Name     string
	Type     Type
	Required bool // a missing or null value quarantines the row
	Default  Value
	Aliases  []string // other names of the same field in a source
	From     From     `json:",omitzero"` // where its value stands in a source
	// FromFloat allows a decimal to be made of a float or a double of the source: of the decimal
	// with the fewest digits that names it.
	FromFloat bool `json:",omitempty"`

	// Time tells how a date or a timestamp is written in the source.
	Time TimeFormat
}

// TimeFormat says how a source writes a time.
type TimeFormat struct {
	// Unit of numbers: "s", "ms", "us" or "ns". Empty: a number is not a time.
	Unit string
	// Layout of text, in the notation of package time. Empty: RFC 3339 and its
	// shorter forms (no zone, no time).
	Layout string
	// Zone of text that carries none. Nil: UTC.
	Zone *time.Location
}

// Value is a constant of a column's type.
type Value struct {
	Null bool
	// Int carries every fixed-width kind, as batch.Vector.Ints does.
	Int int64
	// Bytes carries string, binary and json.
	Bytes []byte
}

// Table is one dataset.
type Table struct {
	Name    string
	Columns []Column
	// EventTime is the index of the column that says when a row happened, −1 if
	// the table has none (then Partition must be Unpartitioned).
	EventTime int
	Partition Partitioning
	Evolution Evolution
	Format    Format // of the values in topics
	CSV       CSV    // how records in CSV are written; the zero CSV is the default
	Debezium  bool   // the values in topics are change events, whose rows lie within them
}

// Column returns the index of the column of that name, −1 if there is none.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Reserved names are those that Tidemark adds to every row or to the path.
var reserved = map[string]bool{
	"etl_batch_id": true, "etl_processed_at": true, "source_system": true,
	"yyyy": true, "mm": true, "dd": true, "hh": true,
}

// Validate reports what is wrong with the column by itself.
func (c *Column) Validate() error {
	if c.OfChange() {
		return nil
	}
	if reserved[c.Name] || strings.HasPrefix(c.Name, "_") {
		return fmt.Errorf("this name is Tidemark's own (names beginning with _ are too): use another, and list the source's name under aliases")
	}
	if err := c.Type.Validate(); err != nil {
		return err
	}
	if c.FromFloat && !c.Type.hasDecimal() {
		return fmt.Errorf("from_float makes decimals of floats, and the column is %s: leave it out", c.Type)
	}
	if c.Type.Kind.Nested() && c.From.Part != FromField {
		return fmt.Errorf("a %s comes from a field of the record: use from with a path, or make it a string", c.Type.Kind)
	}
	return c.From.Validate(c)
}

// Validate reports every fault of the table at once.
func (t *Table) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Name == "" || strings.ContainsAny(t.Name, "/\\ ") || t.Name[0] == '_' || t.Name[0] == '.' {
		bad("table name %q: use letters, digits, - and _, not beginning with _ or .", t.Name)
	}
	if len(t.Columns) == 0 {
		bad("table %s has no columns: name a preset or list columns", t.Name)
	}
	seen := map[string]string{}
	for i := range t.Columns {
		c := &t.Columns[i]
		names := c.Names()
		if c.Name == "" || slices.Contains(c.Aliases, "") {
			bad("column %d of table %s has an empty name or alias", i+1, t.Name)
		}
		if t.Column(c.Name) != i {
			bad("table %s has two columns named %q", t.Name, c.Name)
			names = nil
		}
		for _, n := range names {
			if other, dup := seen[n]; dup {
				bad("name %q stands for both column %s and column %s of table %s", n, other, c.Name, t.Name)
			}
			seen[n] = c.Name
		}
		if err := c.InFormat(t.Format); err != nil {
			bad("column %s of table %s: %w", c.Name, t.Name, err)
		}
		if c.From.Part == FromEnvelope && !t.Debezium {
			bad("column %s of table %s: %w", c.Name, t.Name, ErrNoEnvelope)
		}
		if err := c.Validate(); err != nil {
			bad("column %s of table %s: %w", c.Name, t.Name, err)
		}
		if c.Required && !c.Default.Null && i == t.EventTime {
			c.Default = Value{Null: true}
		}
	}
	for _, o := range t.Overlaps() {
		bad("table %s: %s", t.Name, o.Why)
	}
	switch {
	case t.EventTime >= len(t.Columns):
		bad("event_time of table %s is not one of its columns", t.Name)
	case t.EventTime < 0 && t.Partition != Unpartitioned:
		bad("table %s has no event_time: name the column, or set partition_by: none", t.Name)
	case t.EventTime >= 0 && len(t.Columns) > 0 && t.Columns[t.EventTime].Type.Kind != Timestamp && t.Columns[t.EventTime].Type.Kind != Date:
		bad("event_time of table %s must be a timestamp or a date, %s is %s", t.Name, t.Columns[t.EventTime].Name, t.Columns[t.EventTime].Type)
	}
	return errors.Join(errs...)
}
