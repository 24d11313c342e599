package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/jsonschema"
	"tidemark/internal/rawfile"
	"tidemark/internal/registry"
	"tidemark/internal/schema"
)

// diffCommand is `tidemark schema diff`.
type diffCommand struct {
	Config  string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table   string `required:"" placeholder:"T" help:"The table."`
	Subject string `placeholder:"S" xor:"what" help:"The subject whose newest version is looked at. Default: the table's first topic, and -value."`
	Topic   string `placeholder:"T" xor:"what" help:"Look at the newest records of this topic."`
	Records int    `default:"1000" placeholder:"N" help:"How many records of a topic, or rows of files, are looked at. Default: 1000."`
	Path    string `arg:"" optional:"" name:"path" help:"A file with a schema of Avro (.avsc), Protobuf (.proto), JSON (.schema.json) or Kafka Connect, or files of data."`
	Message string `placeholder:"M" help:"Of a schema of Protobuf, the message that the records are. Default: the first of the file."`
	JSON    bool   `name:"json" help:"Write JSON."`
	Format  string `enum:"auto,csv,json,avro,parquet" default:"auto" placeholder:"FORMAT" help:"How files of data are written: auto (default: look at each), csv, json, avro or parquet."`
}

// Help is shown by --help.
func (diffCommand) Help() string {
	return "How a schema differs from a table, and what would become of records that are written with it, before any comes; or what the newest records of a topic, or rows of files, would become under the rules of today: " +
		"what differs, and how many would be rejected for what. Nothing is written, and no value is shown. The exit code is 2 where every record would be rejected, or the table would halt.\n\n" +
		example("tidemark schema diff -c tidemark.yaml --table transactions", "tidemark schema diff -c tidemark.yaml --table transactions next.avsc",
			"tidemark schema diff -c tidemark.yaml --table transactions --topic transactions-v2 --records 10000", "tidemark schema diff -c tidemark.yaml --table transactions 'raw/*.json.gz'")
}

// comparison is what is compared with a table: a schema or a sample.
type comparison interface {
	text() string
	document() *diffDocument
	refusal() error
}

// diffDocument is a comparison as JSON.
type diffDocument struct {
	Of          string       `json:"of"`
	Differences []diffChange `json:"differences"`
	Sample      *diffSample  `json:"sample,omitempty"` // of records
	Refused     bool         `json:"refused"`          // the exit code is 2
	Why         string       `json:"why,omitempty"`
}

type diffChange struct {
	Change  string `json:"change"`
	Column  string `json:"column"`
	From    string `json:"from"`
	To      string `json:"to"`
	Records int64  `json:"records,omitempty"`
	Fate    string `json:"fate"`
}

type diffSample struct {
	Written    int64        `json:"written"`
	Rejected   int64        `json:"rejected"`
	Filtered   int64        `json:"filtered"`
	Reasons    []diffReason `json:"reasons"`
	NotChecked []string     `json:"not_checked"`
}

type diffReason struct {
	Reason   string `json:"reason"`
	Column   string `json:"column"`
	Records  int64  `json:"records"`
	Expected string `json:"expected"`
}

func (s *subject) document() *diffDocument {
	out := &diffDocument{Of: s.name, Differences: []diffChange{}, Refused: s.refused}
	for _, d := range s.rows {
		out.Differences = append(out.Differences, diffChange{d.Change, d.Column, d.From, d.To, d.Count, d.fate})
	}
	if s.refused {
		out.Why = errDiffers.Error()
	} else if s.untold != "" {
		out.Why = "its fields cannot be told: " + s.untold
	}
	return out
}

func (v *verdict) document() *diffDocument {
	out := v.subject.document()
	sample := &diffSample{
		Written: v.counts[batch.Written], Rejected: v.counts[batch.Quarantined], Filtered: v.counts[batch.Filtered],
		Reasons: []diffReason{}, NotChecked: append([]string{}, v.skipped...),
	}
	for _, r := range v.rejects {
		sample.Reasons = append(sample.Reasons, diffReason{r.reason, r.column, r.rows, r.want})
	}
	out.Sample, out.Why = sample, v.why
	return out
}

// Run compares.
func (c *diffCommand) Run(ctx context.Context, p *program) error {
	if c.Records < 1 || c.Records > mostSampled || c.Path != "" && c.Subject+c.Topic != "" {
		return usageError{fmt.Sprintf("name a path, --subject or --topic, and --records from 1 to %d", mostSampled)}
	}
	cfg, t, err := loadTable(ctx, c.Config, c.Table)
	if err != nil {
		return err
	}
	found, err := c.compare(ctx, cfg, t)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(found.document())
	} else {
		_, err = fmt.Fprint(p.stdout, found.text())
	}
	if err != nil {
		return err
	}
	return found.refusal()
}

func (c *diffCommand) compare(ctx context.Context, cfg *config.Config, t *config.Table) (comparison, error) {
	switch {
	case c.Topic != "":
		s, err := tailOf(ctx, cfg, c.Topic, c.Records)
		if err != nil {
			return nil, err
		}
		return judgeSample(ctx, cfg, t, s)
	case c.Path != "":
		return c.comparePath(ctx, cfg, t)
	case cfg.Registry == nil:
		return nil, usageError{"name a file or --topic T, or write registry: {url: …} in the configuration"}
	case c.Subject == "" && len(t.Topics) == 0:
		return nil, usageError{fmt.Sprintf("table %s has no topics: say which --subject", t.Schema.Name)}
	}
	name := c.Subject
	if name == "" {
		name = t.Topics[0] + "-value"
	}
	client, err := registry.New(registryConfig(cfg.Registry))
	if err != nil {
		return nil, usageError{fmt.Sprintf("registry: %v", err)}
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	return ofSubject(ctx, client, t, name, c.Message)
}

// comparePath compares with a schema in a file, or with files of data.
func (c *diffCommand) comparePath(ctx context.Context, cfg *config.Config, t *config.Table) (comparison, error) {
	text, err := readHead(c.Path)
	absent := errors.Is(err, fs.ErrNotExist)
	ext := strings.ToLower(filepath.Ext(c.Path))
	switch {
	case absent && !strings.ContainsAny(c.Path, "*?[") && !strings.Contains(c.Path, "://"):
		return nil, usageError{err.Error()}
	case err == nil && (ext == ".proto" || t.Schema.Format == schema.ProtobufRegistryFormat && ext != ".json"):
		found, err := ofMessage(t, c.Path, c.Message, protoText{text: string(text)})
		if err != nil {
			return nil, usageError{c.Path + ": " + err.Error()}
		}
		return found, nil
	case err == nil && t.Schema.Format == schema.ConnectJSONFormat && ofConnect(text) != nil:
		return compared(t, c.Path, func(plan *conform.Plan) []batch.Drift { return plan.ObjectDifferences(ofConnect(text)) })
	case err == nil && isJSONSchema(c.Path):
		s, err := jsonschema.Parse(string(text))
		if err != nil {
			return nil, usageError{c.Path + ": its fields cannot be told: " + err.Error()}
		}
		return compared(t, c.Path, func(plan *conform.Plan) []batch.Drift { return plan.ObjectDifferences(s) })
	case err == nil && (ext == ".avsc" || isAvroSchema(text)):
		s, err := schemaFile(c.Path)
		if err != nil {
			return nil, usageError{strings.TrimPrefix(err.Error(), "schema_file: ")}
		}
		return compared(t, c.Path, func(plan *conform.Plan) []batch.Drift { return plan.Differences(s) })
	}
	s, err := filesOf(ctx, []string{c.Path}, rawOptions(t, c.Format), c.Records)
	if bad := (*rawfile.Error)(nil); errors.As(err, &bad) {
		return nil, usageError{err.Error()} // the whole file would fail
	}
	if err != nil {
		return nil, err
	}
	if s.raw.Rows() == 0 {
		return nil, usageError{c.Path + " holds no rows: there is nothing to look at"}
	}
	return judgeSample(ctx, cfg, t, s)
}

// readHead reads as much of a file as a schema may have.
func readHead(name string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, avroschema.MaxText+1))
}

// isJSONSchema reports whether a file is one by its name.
func isJSONSchema(path string) bool {
	name := strings.ToLower(path)
	return strings.HasSuffix(name, ".schema.json") || strings.HasSuffix(name, ".jsonschema")
}

// isAvroSchema reports whether a text is a schema of Avro, whatever its file is called.
func isAvroSchema(text []byte) bool {
	_, err := avroschema.Parse(text)
	return err == nil
}
