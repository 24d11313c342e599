package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/jsonschema"
	"tidemark/internal/protoschema"
	"tidemark/internal/registry"
	"tidemark/internal/schema"
	"tidemark/internal/status"
)

// subject is a schema that records of a table are or will be written with, beside the
// table.
type subject struct {
	name    string // with its version, or a file
	rows    []difference
	refused bool // the table's policy would set records aside, or halt, whatever is in them
	// untold says why its fields are not known, of a JSON Schema: records are read all the same.
	untold string
}

// difference is one of them, with what becomes of it.
type difference struct {
	batch.Drift
	fate string
}

// ofSubject looks at the newest version of a subject. A table of Protobuf is compared with a
// message of it, the first if it is not named.
func ofSubject(ctx context.Context, client *registry.Client, t *config.Table, name, message string) (*subject, error) {
	v, err := client.Latest(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("table %s: subject %s: %w", t.Schema.Name, name, err)
	}
	title := fmt.Sprintf("%s version %d", name, v.Version)
	if want := typeOf(t); v.Schema.Type != want {
		return nil, fmt.Errorf("table %s: subject %s is one of %s, and the table's format is %s", t.Schema.Name, title, v.Schema.Type, t.Format)
	}
	if v.Schema.Type == registry.Protobuf {
		var imports []protoschema.Import
		for _, r := range v.Schema.References {
			imports = append(imports, protoschema.Import{Path: r.Name, Text: r.Text})
		}
		one, err := ofMessage(t, title, message, protoText{v.Schema.Text, imports})
		if err != nil {
			return nil, fmt.Errorf("table %s: subject %s: %w", t.Schema.Name, title, err)
		}
		return one, nil
	}
	if v.Schema.Type == registry.JSON {
		s, err := objectsOf(v.Schema)
		if err != nil {
			return &subject{name: title, untold: err.Error()}, nil
		}
		return compared(t, title, func(plan *conform.Plan) []batch.Drift { return plan.ObjectDifferences(s) })
	}
	refers := make([][]byte, len(v.Schema.References))
	for i, r := range v.Schema.References {
		refers[i] = []byte(r.Text)
	}
	s, err := avroschema.Parse([]byte(v.Schema.Text), refers...)
	if err != nil {
		return nil, fmt.Errorf("table %s: subject %s: %w", t.Schema.Name, title, err)
	}
	return compared(t, title, func(plan *conform.Plan) []batch.Drift { return plan.Differences(s) })
}

// typeOf is the type of the schemas that a registry has of a table's records.
func typeOf(t *config.Table) registry.Type {
	switch t.Schema.Format {
	case schema.ProtobufRegistryFormat:
		return registry.Protobuf
	case schema.JSONRegistryFormat:
		return registry.JSON
	}
	return registry.Avro
}

// objectsOf reads a JSON Schema of a registry.
func objectsOf(s registry.Schema) (*jsonschema.Schema, error) {
	refers := make([]jsonschema.Reference, len(s.References))
	for i, r := range s.References {
		refers[i] = jsonschema.Reference{Name: r.Name, Text: r.Text}
	}
	return jsonschema.Parse(s.Text, refers...)
}

// protoText is the text of a .proto file, with what it imports.
type protoText struct {
	text    string
	imports []protoschema.Import
}

// ofMessage holds a message of a .proto file against a table, the first if it is not named.
func ofMessage(t *config.Table, title, message string, of protoText) (*subject, error) {
	f, err := protoschema.Parse(of.text, of.imports...)
	if err != nil {
		return nil, err
	}
	m := f.Message(0)
	if message != "" {
		m = f.Named(message)
	}
	if m == nil {
		return nil, fmt.Errorf("has no message %s at its top", message)
	}
	return compared(t, title+" ("+m.Name+")", func(plan *conform.Plan) []batch.Drift { return plan.MessageDifferences(m) })
}

// compared holds a schema against a table.
func compared(t *config.Table, title string, differences func(*conform.Plan) []batch.Drift) (*subject, error) {
	plan, err := conform.Compile(t.Schema)
	if err != nil {
		return nil, err
	}
	out := &subject{name: title}
	for _, d := range differences(plan) {
		fate, refused := fateOf(plan, t.Schema, d)
		out.rows = append(out.rows, difference{d, fate})
		out.refused = out.refused || refused
	}
	return out, nil
}

// fateOf says what becomes of records that differ so. Refused: of all of them, whatever
// values they have.
func fateOf(plan *conform.Plan, t *schema.Table, d batch.Drift) (fate string, refused bool) {
	switch done := plan.Done(d); done {
	case conform.DoneDefault:
		return "the column gets its default", false
	case conform.DoneDrop:
		return "the field is dropped", false
	case conform.DoneHalt:
		return "it halts the table", true
	case conform.DoneQuarantine:
		switch d.Change {
		case "missing":
			if c := t.Column(d.Column); t.Columns[c].Required {
				return "every record is rejected: the column is required", true
			}
		case "mismatch":
			return "every record is rejected: the types never fit", true
		}
		return "every record is rejected", true
	case conform.DoneByValue:
		switch {
		case d.Change == "nullable":
			return "records without a value are rejected: the column is required", false
		case t.Evolution.Narrow == schema.Halt:
			return "a value that does not fit halts the table", false
		}
		return "values that do not fit are rejected", false
	}
	return "taken as it is", false
}

// refusal is the error of a schema that the table's policy would not let pass.
func (s *subject) refusal() error {
	if !s.refused {
		return nil
	}
	return usageError{fmt.Sprintf("%s: %v", s.name, errDiffers)}
}

// text writes the differences as a table.
func (s *subject) text() string {
	if s.untold != "" {
		return fmt.Sprintf("%s: its fields cannot be told: %s. Records are read all the same: compare them, with --topic\n", status.Plain(s.name), status.Plain(s.untold))
	}
	if len(s.rows) == 0 {
		return s.name + ": as the table\n"
	}
	w := status.Grid("change", "column", "from", "to", "what becomes of it")
	for _, d := range s.rows {
		w.AppendRow(table.Row{d.Change, status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To), d.fate})
	}
	return fmt.Sprintf("%s:\n%s\n", status.Plain(s.name), w.Render())
}

// errDiffers ends a comparison that found what the table's policy would not let pass.
var errDiffers = errors.New("what is written with it would be rejected, or halt the table: mend columns or evolution first")

// reachRegistry asks the registry, and looks at what its newest schemas mean for the tables.
func (c *plan) reachRegistry(ctx context.Context) {
	if c.cfg.Registry == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	client, err := registry.New(registryConfig(c.cfg.Registry))
	if err == nil {
		defer client.Close()
		err = client.Ping(ctx)
	}
	if err != nil {
		c.faults = append(c.faults, fmt.Errorf("reach the registry: %w", err))
		return
	}
	c.registry = "reached"
	for _, t := range c.tables {
		if !t.Schema.Format.InRegistry() {
			continue
		}
		for _, topic := range t.Topics {
			s, err := ofSubject(ctx, client, t, topic+"-value", "")
			if absent := (*registry.NotFoundError)(nil); errors.As(err, &absent) {
				continue // its subjects are named in another way
			}
			if err != nil {
				c.faults = append(c.faults, err)
				continue
			}
			c.subjects = append(c.subjects, s)
			if s.refused {
				c.faults = append(c.faults, usageError{fmt.Sprintf("table %s: subject %s: %v", t.Schema.Name, s.name, errDiffers)})
			}
		}
	}
}
