package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/infer"
	"tidemark/internal/registry/wire"
	"tidemark/internal/schema"
	"tidemark/internal/status"
)

// ofTopic looks at the newest records of a topic, and finds out by themselves how they are
// written, but for what the table of the configuration says.
func (c *inferCommand) ofTopic(ctx context.Context, cfg *config.Config) (*infer.Result, error) {
	own, err := c.own(cfg)
	if err != nil {
		return nil, err
	}
	s, err := tailOf(ctx, cfg, c.Topic, c.Records)
	if err != nil {
		return nil, err
	}
	if file := c.Schema; file != "" || own != nil && own.Schema.Format == schema.AvroFormat {
		if file == "" {
			file = own.SchemaFile
		}
		return ofDatums(ctx, s, file)
	}
	if own != nil && own.Schema.Format == schema.CSVFormat {
		return ofLines(ctx, s, own.Schema)
	}
	k := s.kinds()
	switch {
	case k.objects > 0 && k.objects >= max(k.framed, k.singles, k.lines):
		return ofObjects(ctx, s)
	case k.framed > 0 && k.framed >= max(k.singles, k.lines) && cfg.Registry == nil:
		return nil, usageError{fmt.Sprintf("%s: they name schemas of a registry: write registry: {url: …} in the configuration, or --registry URL", s.title)}
	case k.framed > 0 && k.framed >= max(k.singles, k.lines):
		return ofFramed(ctx, cfg, s)
	case k.singles > k.lines:
		return nil, usageError{fmt.Sprintf("%s: they are single objects of Avro: name the file with their schema, with --schema-file FILE", s.title)}
	case k.lines > 0:
		return ofLines(ctx, s, nil)
	}
	return nil, usageError{fmt.Sprintf("%s: they are neither objects of JSON nor lines of CSV, and name no schema of a registry: of bare datums of Avro, name the file with their schema, with --schema-file FILE", s.title)}
}

// own is the table of the configuration that says how the topic is written, nil: none.
func (c *inferCommand) own(cfg *config.Config) (*config.Table, error) {
	if c.Table != "" {
		tables, err := selectTables(cfg, c.Table)
		if err != nil {
			return nil, err
		}
		return tables[0], nil
	}
	for i := range cfg.Tables {
		if t := &cfg.Tables[i]; slices.Contains(t.Topics, c.Topic) {
			return t, nil
		}
	}
	return nil, nil
}

// wayOf is how many records look how.
type wayOf struct{ objects, framed, singles, lines int }

func (s *sampled) kinds() (k wayOf) {
	var find wire.Finder
	for row := range s.raw.Rows() {
		value := s.raw.Value(row)
		find.Reset()
		for _, h := range batch.DecodeHeaders(s.raw.Headers(row)) {
			find.Add(h.Key, h.Value)
		}
		id, _, err := find.ID()
		switch v := bytes.TrimLeft(value, " \t\r\n\ufeff"); {
		case len(v) > 0 && v[0] == '{':
			k.objects++
		case err != nil, id.Kind() != wire.None, len(value) > 5 && value[0] == 0:
			k.framed++
		case len(value) >= 10 && value[0] == 0xc3 && value[1] == 0x01:
			k.singles++
		case infer.IsLine(value):
			k.lines++
		}
	}
	return k
}

// wrapping is what stands around most records, empty: nothing.
func (s *sampled) wrapping() string {
	kinds, values := map[string]int{}, 0
	for row := range s.raw.Rows() {
		v := s.raw.Value(row)
		if len(v) == 0 {
			continue
		}
		values++
		_, kind := infer.Unwrap(v)
		kinds[kind]++
	}
	for kind, n := range kinds {
		if kind != "" && 2*n > values {
			return kind
		}
	}
	return ""
}

// ofObjects looks at objects of JSON, without what Kafka Connect and Debezium put around them.
func ofObjects(ctx context.Context, s *sampled) (*infer.Result, error) {
	var whole, values [][]byte
	bare := &sampled{title: s.title, raw: &batch.Raw{}}
	source := bare.raw.Source(batch.Source{Topic: "inferred", Layout: &batch.Layout{Format: batch.JSON}})
	for row := range s.raw.Rows() {
		text := s.raw.Value(row)
		if len(text) == 0 {
			continue // a tombstone
		}
		v, _ := infer.Unwrap(text)
		whole, values = append(whole, text), append(values, v)
		bare.raw.Append(source, &batch.Record{Offset: s.raw.Offsets[row], Value: v})
	}
	format, changes := strings.CutSuffix(s.wrapping(), infer.Changes)
	if format == "" {
		format = "json"
	}
	beside := []string{"format: " + format}
	if changes {
		beside = append(beside, "debezium: true")
	}
	if format == "connect-json" {
		if r := infer.Connect(whole); r != nil {
			t := inferred(r, schema.ConnectJSONFormat)
			t.Schema.Debezium = len(r.Beside) > 0
			r.Of, r.Beside = s.title, beside
			return r, observeColumns(ctx, r, s, t)
		}
	}
	r, others := infer.Values(values)
	r.Of, r.Beside = s.title, beside
	if others > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s are no objects of JSON: not looked at", status.Count(int64(others), "record")))
	}
	return r, observeColumns(ctx, r, bare, inferred(r, schema.JSONFormat))
}

// ofLines looks at lines of CSV. Of a table that reads them, they have the names of its columns.
func ofLines(ctx context.Context, s *sampled, own *schema.Table) (*infer.Result, error) {
	var values [][]byte
	for row := range s.raw.Rows() {
		if v := s.raw.Value(row); infer.IsLine(v) {
			values = append(values, v)
		}
	}
	csv := schema.DefaultCSV()
	var names []string
	if own != nil {
		csv = own.CSV
		for i := range own.Columns {
			names = append(names, own.Columns[i].Name)
		}
	} else {
		csv = infer.Separated(values, csv)
	}
	csv.Header = false
	r, fit := infer.Lines(values, csv, names)
	if r == nil || own == nil && len(r.Columns) == 1 {
		return nil, usageError{fmt.Sprintf("%s: they are text, and no lines of CSV whose separator is known: write a table with format: csv and csv: {separator: …} in the configuration, and --table", s.title)}
	}
	r.Of, r.Beside = s.title, append([]string{"format: csv"}, csvKeys(csv)...)
	if len(names) != len(r.Columns) {
		r.Notes = append(r.Notes, "lines have no names: give the columns theirs, and keep their order")
	} else {
		r.Notes = append(r.Notes, "names are those of the columns of table "+own.Name)
	}
	if n := s.raw.Rows() - fit; n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s have not as many fields as most: not looked at", status.Count(int64(n), "record")))
	}
	t := inferred(r, schema.CSVFormat)
	t.Schema.CSV = csv
	return r, observeColumns(ctx, r, s, t)
}

// csvKeys are how lines are written, as a configuration has it; none: as it is by default.
func csvKeys(c schema.CSV) []string {
	var keys []string
	usual := schema.DefaultCSV()
	if c.Separator != usual.Separator {
		keys = append(keys, "separator: "+infer.Quoted(string(rune(c.Separator))))
	}
	switch c.Quote {
	case usual.Quote:
	case 0:
		keys = append(keys, "quote: none")
	default:
		keys = append(keys, "quote: "+infer.Quoted(string(rune(c.Quote))))
	}
	if !slices.Equal(c.NullValues, usual.NullValues) {
		var words []string
		for _, w := range c.NullValues {
			words = append(words, infer.Quoted(w))
		}
		keys = append(keys, "null_values: ["+strings.Join(words, ", ")+"]")
	}
	if c.DecimalComma {
		keys = append(keys, "decimal_comma: true")
	}
	if c.Thousands != "" {
		keys = append(keys, "thousands: "+infer.Quoted(c.Thousands))
	}
	if keys == nil {
		return nil
	}
	return []string{"csv: {" + strings.Join(keys, ", ") + "}"}
}

// ofDatums takes the columns of the schema in a file, which records are datums of.
func ofDatums(ctx context.Context, s *sampled, file string) (*infer.Result, error) {
	written, err := schemaFile(file)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	r := infer.Avro(written)
	r.Of, r.Beside = s.title, append([]string{"format: avro", "schema_file: " + infer.Quoted(file)}, r.Beside...)
	t := inferred(r, schema.AvroFormat)
	t.Schema.Debezium = slices.Contains(r.Beside, "debezium: true")
	t.Written = conform.NewSingleObjects(written)
	return r, observeColumns(ctx, r, s, t)
}
