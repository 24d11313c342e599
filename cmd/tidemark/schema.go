package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/infer"
	"tidemark/internal/pipeline"
	"tidemark/internal/protoschema"
	"tidemark/internal/rawfile"
	"tidemark/internal/registry"
	"tidemark/internal/schema"
	"tidemark/internal/schemas"
	"tidemark/internal/status"
)

// schemaCommand is `tidemark schema`.
type schemaCommand struct {
	Show    showCommand    `cmd:"" help:"Show a table's columns as they are applied."`
	History historyCommand `cmd:"" help:"Show which columns a table had, and which schemas its records were written with."`
	Infer   inferCommand   `cmd:"" help:"Print the columns that files, a topic or a subject have, for a configuration."`
	Config  editorCommand  `cmd:"" help:"Print a JSON Schema of configuration files, for editors."`
	Diff    diffCommand    `cmd:"" help:"Show how a schema, a topic or files differ from a table, before records come."`
}

// inferCommand is `tidemark schema infer`.
type inferCommand struct {
	Config   string   `short:"c" placeholder:"FILE" help:"The configuration: where brokers and registry are, and --table."`
	Table    string   `placeholder:"T" help:"Read CSV the way that this table says, a topic of it with the names of its columns; or Avro with its schema_file. Default: of a topic, the table that it feeds; of files, with a header, commas and double quotes."`
	Format   string   `enum:"auto,csv,json,avro,parquet" default:"auto" placeholder:"FORMAT" help:"How the files are written: auto (default: look at each), csv, json, avro or parquet."`
	Topic    string   `xor:"what" placeholder:"T" help:"Look at the newest records of a topic: JSON, also of Kafka Connect and Debezium, CSV, Avro or Protobuf."`
	Schema   string   `name:"schema-file" placeholder:"FILE" help:"Of a topic of single objects or bare datums of Avro: the file with their schema. Default: schema_file of the table."`
	Subject  string   `xor:"what" placeholder:"S" help:"Look at the newest version of a subject of the registry."`
	Records  int      `default:"1000" placeholder:"N" help:"How many records of a topic are looked at. Default: 1000."`
	Brokers  []string `placeholder:"B" help:"Brokers, as HOST:PORT. Default: those of the configuration."`
	Registry string   `placeholder:"URL" help:"The registry. Default: that of the configuration."`
	Paths    []string `arg:"" optional:"" name:"path" help:"Files, folders, globs (** too), or URLs of files (s3://, gs://, azblob://); or a schema of Avro (.avsc), Protobuf (.proto), JSON (.schema.json) or Kafka Connect (.json)."`
}

// Help is shown by --help.
func (inferCommand) Help() string {
	return fmt.Sprintf("Of files, the first %s rows are looked at. Types are the narrowest that fit; what is no number for certain is text. Records that name a schema have its types. ", status.Number(infer.Rows)) +
		"Comments tell what was seen: the share of records without a value, the widest one, and what may be a key or the event time. " +
		"Look over what comes out before it goes into a configuration: which columns are required, only you know.\n\n" +
		example("tidemark schema infer raw/branches.csv", "tidemark schema infer transaction.avsc", "tidemark schema infer -c tidemark.yaml --topic transactions", "tidemark schema infer --brokers localhost:9092 --topic transactions",
			"tidemark schema infer --registry http://localhost:8081 --subject transactions-value")
}

// Run prints a columns: block.
func (c *inferCommand) Run(ctx context.Context, p *program) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	var r *infer.Result
	switch {
	case c.Topic+c.Subject != "" && len(c.Paths) > 0, c.Topic+c.Subject == "" && len(c.Paths) == 0:
		return usageError{"name files, --topic T or --subject S"}
	case c.Topic != "":
		r, err = c.ofTopic(ctx, cfg)
	case c.Subject != "":
		r, err = c.ofSubject(ctx, cfg)
	default:
		r, err = c.ofFiles(ctx, cfg)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.stdout, r.YAML())
	return err
}

// load reads the configuration, if there is one, with what flags say in its place.
func (c *inferCommand) load() (*config.Config, error) {
	cfg := &config.Config{Memory: 1 << 30}
	if c.Table != "" && c.Config == "" {
		return nil, usageError{"--table needs -c FILE"}
	}
	if c.Records < 1 || c.Records > mostSampled {
		return nil, usageError{fmt.Sprintf("--records %d: look at some", c.Records)}
	}
	if c.Config != "" {
		var err error
		if cfg, err = config.Load(c.Config); err != nil {
			return nil, err
		}
	}
	if len(c.Brokers) > 0 {
		cfg.Kafka = &config.Kafka{Brokers: c.Brokers, Group: "tidemark", Start: "earliest"}
	}
	if c.Registry != "" {
		cfg.Registry = &config.Registry{URLs: []string{c.Registry}}
	}
	if c.Topic != "" && cfg.Kafka == nil {
		return nil, usageError{"--topic needs -c FILE with kafka, or --brokers HOST:PORT"}
	}
	if c.Subject != "" && cfg.Registry == nil {
		return nil, usageError{"--subject needs -c FILE with registry, or --registry URL"}
	}
	return cfg, nil
}

func (c *inferCommand) ofFiles(ctx context.Context, cfg *config.Config) (*infer.Result, error) {
	options := rawfile.Options{Format: rawfile.Format(c.Format), CSV: schema.DefaultCSV()}
	if c.Table != "" {
		tables, err := selectTables(cfg, c.Table)
		if err != nil {
			return nil, err
		}
		options.CSV = tables[0].Schema.CSV
	}
	found, err := rawfile.Find(ctx, c.Paths, openBucket)
	if errors.Is(err, rawfile.ErrNoMatch) {
		return nil, usageError{err.Error()}
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	if len(found.Bad) > 0 {
		return nil, found.Bad[0]
	}
	if r, err := c.ofSchemaFile(); r != nil || err != nil {
		return r, err
	}
	r, err := infer.Files(ctx, found.Entries, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(c.Paths, " "), err)
	}
	s, err := filesOf(ctx, c.Paths, options, infer.Rows)
	if err != nil {
		return nil, err
	}
	if l := s.raw.Sources[0].Layout; l != nil && l.Format == batch.JSON && s.wrapping() != "" {
		return ofObjects(ctx, s)
	}
	t := inferred(r, schema.JSONFormat)
	t.Schema.CSV = options.CSV
	return r, observeColumns(ctx, r, s, t)
}

// ofSchemaFile takes the columns of a schema in a file, if there is one; nil: there is none.
func (c *inferCommand) ofSchemaFile() (*infer.Result, error) {
	if len(c.Paths) != 1 {
		return nil, nil
	}
	path := c.Paths[0]
	as := map[string]registry.Type{".avsc": registry.Avro, ".proto": registry.Protobuf}[strings.ToLower(filepath.Ext(path))]
	connect := false
	if isJSONSchema(path) {
		as = registry.JSON
	} else if strings.EqualFold(filepath.Ext(path), ".json") {
		head, err := readHead(path)
		connect = err == nil && ofConnect(head) != nil
	}
	if as == "" && !connect {
		return nil, nil
	}
	text, err := readHead(path)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	if connect {
		r := infer.Objects(ofConnect(text))
		r.Of, r.Beside = path, append([]string{"format: connect-json"}, r.Beside...)
		return r, nil
	}
	r, err := ofSchema(registry.Schema{Type: as, Text: string(text)})
	if err != nil {
		return nil, usageError{fmt.Sprintf("%s: %v", path, err)}
	}
	r.Of = path
	return r, nil
}

// inferred is a table of the columns that were found.
func inferred(r *infer.Result, f schema.Format) *pipeline.Table {
	return &pipeline.Table{Schema: &schema.Table{
		Name: "inferred", Columns: r.Pasted(), EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Format: f,
	}}
}

// observeColumns notes what a sample has in the columns that were found.
func observeColumns(ctx context.Context, r *infer.Result, s *sampled, t *pipeline.Table) error {
	if len(t.Schema.Columns) == 0 {
		return nil
	}
	b, _, _, err := s.decode(ctx, t)
	if err != nil {
		return err
	}
	r.Observe(b)
	return nil
}

// ofSubject takes the columns of the newest version of a subject.
func (c *inferCommand) ofSubject(ctx context.Context, cfg *config.Config) (*infer.Result, error) {
	client, err := registry.New(registryConfig(cfg.Registry))
	if err != nil {
		return nil, usageError{fmt.Sprintf("registry: %v", err)}
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	v, err := client.Latest(ctx, c.Subject)
	if err != nil {
		return nil, fmt.Errorf("subject %s: %w", c.Subject, err)
	}
	title := fmt.Sprintf("version %d of subject %s", v.Version, c.Subject)
	r, err := ofSchema(v.Schema)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	r.Of = title
	r.Beside = append([]string{"format: " + map[registry.Type]string{registry.Avro: "avro-registry", registry.Protobuf: "protobuf-registry", registry.JSON: "json-registry"}[v.Schema.Type]}, r.Beside...)
	return r, nil
}

func ofSchema(s registry.Schema) (*infer.Result, error) {
	switch s.Type {
	case registry.Avro:
		refers := make([][]byte, len(s.References))
		for i, r := range s.References {
			refers[i] = []byte(r.Text)
		}
		parsed, err := avroschema.Parse([]byte(s.Text), refers...)
		if err != nil {
			return nil, err
		}
		return infer.Avro(parsed), nil
	case registry.Protobuf:
		var imports []protoschema.Import
		for _, r := range s.References {
			imports = append(imports, protoschema.Import{Path: r.Name, Text: r.Text})
		}
		parsed, err := protoschema.Parse(s.Text, imports...)
		if err != nil {
			return nil, err
		}
		m := parsed.Message(0)
		if m == nil {
			return nil, errors.New("it has no message")
		}
		r := infer.Message(m)
		r.Notes = append(r.Notes, "of message "+m.Name)
		return r, nil
	}
	parsed, err := objectsOf(s)
	if err != nil {
		return nil, usageError{fmt.Sprintf("its fields cannot be told: %v: look at records of its topic, with --topic", err)}
	}
	return infer.Objects(parsed), nil
}

// ofFramed takes the columns of the schema that the newest record names.
func ofFramed(ctx context.Context, cfg *config.Config, s *sampled) (*infer.Result, error) {
	client, err := registry.New(registryConfig(cfg.Registry))
	if err != nil {
		return nil, usageError{fmt.Sprintf("registry: %v", err)}
	}
	defer client.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shared := schemas.New(client, slog.New(slog.DiscardHandler))
	go shared.Run(ctx)
	var why string
	for _, as := range []struct {
		format schema.Format
		name   string
		from   interface {
			pipeline.Schemas
			conform.Schemas
		}
	}{{schema.AvroRegistryFormat, "avro-registry", shared}, {schema.ProtobufRegistryFormat, "protobuf-registry", shared.Protobuf()}, {schema.JSONRegistryFormat, "json-registry", shared.JSON()}} {
		w, err := s.newest(ctx, as.from)
		if err != nil {
			return nil, err
		}
		var r *infer.Result
		switch {
		case w.Schema != nil:
			r = infer.Avro(w.Schema)
		case w.Message != nil:
			r = infer.Message(w.Message)
		case w.JSON != nil && w.JSON.Why != "":
			r = &infer.Result{Notes: []string{"the fields of the schema cannot be told: " + w.JSON.Why}}
		case w.JSON != nil:
			r = infer.Objects(w.JSON)
		default:
			why = w.Want
			continue
		}
		r.Of, r.Beside = s.title, append([]string{"format: " + as.name}, r.Beside...)
		if o := w.Origin; o != nil {
			r.Notes = append(r.Notes, "of schema "+o.ID+", which the newest of them names")
		}
		t := inferred(r, as.format)
		t.Schema.Debezium = slices.Contains(r.Beside, "debezium: true")
		t.Schemas, t.Written = as.from, as.from
		return r, observeColumns(ctx, r, s, t)
	}
	return nil, usageError{fmt.Sprintf("%s: the newest needs %s", s.title, why)}
}

// newest is what the newest record was written with, once the registry has told it.
func (s *sampled) newest(ctx context.Context, from interface {
	pipeline.Schemas
	conform.Schemas
}) (conform.Written, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	row := s.raw.Rows() - 1
	for row > 0 && len(s.raw.Value(row)) == 0 {
		row--
	}
	rec := batch.Record{Value: s.raw.Value(row)}
	if h := s.raw.Headers(row); len(h) > 0 {
		rec.Headers = batch.DecodeHeaders(h)
	}
	for {
		changed := from.Changed()
		if from.Ready(&rec) {
			return from.Schema(rec.Value, s.raw.Headers(row)), nil
		}
		select {
		case <-ctx.Done():
			return conform.Written{}, fmt.Errorf("the registry does not answer: %w", context.Cause(ctx))
		case <-changed:
		}
	}
}
