package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/config"
	"tidemark/internal/pipeline"
	"tidemark/internal/registry"
	"tidemark/internal/schema"
	"tidemark/internal/schemas"
)

// The texts of schemas that are kept: a part of memory, and so many bytes at most. Ten thousand
// of a kilobyte fit where memory is 256 MiB.
const (
	textShare = 16
	textMost  = 32 << 20
)

// addSchemas tells tables whose topics have schemas where those of their records are.
func addSchemas(ctx context.Context, cfg *config.Config, p *pipeline.Config, log *slog.Logger) error {
	var shared *schemas.Registry
	for i := range p.Tables {
		t := &p.Tables[i]
		switch t.Schema.Format {
		case schema.AvroFormat:
			own, err := schemaFile(tableOf(cfg, t.Schema.Name).SchemaFile)
			if err != nil {
				return usageError{fmt.Sprintf("table %s: %v", t.Schema.Name, err)}
			}
			if err := inexact(t.Schema, own); err != nil {
				return usageError{fmt.Sprintf("table %s: schema_file %s %v", t.Schema.Name, tableOf(cfg, t.Schema.Name).SchemaFile, err)}
			}
			t.Written = conform.NewSingleObjects(own)
		case schema.AvroRegistryFormat, schema.ProtobufRegistryFormat, schema.JSONRegistryFormat:
			if shared == nil {
				settings := registryConfig(cfg.Registry)
				settings.Bytes = min(cfg.Memory/textShare, textMost)
				client, err := registry.New(settings)
				if err != nil {
					return usageError{fmt.Sprintf("registry: %v", err)}
				}
				shared = schemas.New(client, log)
				p.Beside = shared.Bytes
				go shared.Run(ctx) // as long as the process
			}
			t.Schemas, t.Written = shared, shared
			switch t.Schema.Format {
			case schema.ProtobufRegistryFormat:
				t.Schemas, t.Written = shared.Protobuf(), shared.Protobuf()
			case schema.JSONRegistryFormat:
				t.Schemas, t.Written = shared.JSON(), shared.JSON()
			}
		}
	}
	return nil
}

func tableOf(cfg *config.Config, name string) *config.Table {
	for i := range cfg.Tables {
		if cfg.Tables[i].Schema.Name == name {
			return &cfg.Tables[i]
		}
	}
	return &config.Table{}
}

// inexact is an error where records have a float or a double for a decimal: none of them
// could become a row, and that is known before the first one comes.
func inexact(t *schema.Table, s *avroschema.Schema) error {
	plan, err := conform.Compile(t)
	if err != nil {
		return err
	}
	for _, d := range plan.Differences(s) {
		if t.Debezium && d.Column == "op" && d.Change == "mismatch" && t.Column("op") < 0 {
			return errors.New("is not one of change events, which have op, and before or after: name theirs, or leave out debezium")
		}
		if plan.Done(d) != conform.DoneQuarantine || !strings.HasPrefix(d.To, "decimal(") || d.From != "float" && d.From != "double" {
			continue
		}
		return fmt.Errorf("has a %s for column %s, which is a %s: money is never made of a float, so have the producer write a decimal or a text, make the column a double, or write from_float: true to take the decimal that names it shortest", d.From, d.Column, d.To)
	}
	return nil
}

// schemaFile reads a schema of Avro.
func schemaFile(name string) (*avroschema.Schema, error) {
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("schema_file: %w", err)
	}
	s, err := avroschema.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("schema_file %s: %w", name, err)
	}
	return s, nil
}

func registryConfig(r *config.Registry) registry.Config {
	out := registry.Config{URLs: r.URLs, Username: r.Username, Password: r.Password, Token: r.Token, Timeout: r.Timeout}
	if r.TLS != nil {
		out.TLS = registry.TLS{CAFile: r.TLS.CAFile, CertFile: r.TLS.CertFile, KeyFile: r.TLS.KeyFile}
	}
	return out
}
