package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tidemark/internal/config"
	"tidemark/internal/infer"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// schemaCommand is `tidemark schema`.
type schemaCommand struct {
	Show    showCommand    `cmd:"" help:"Show a table's columns as they are applied."`
	History historyCommand `cmd:"" help:"Show which columns a table had, and which schemas its records were written with."`
	Infer   inferCommand   `cmd:"" help:"Print the columns that files have, for a configuration."`
	Diff    diffCommand    `cmd:"" help:"Show how a schema differs from a table, before records come."`
}

// inferCommand is `tidemark schema infer`.
type inferCommand struct {
	Config string   `short:"c" placeholder:"FILE" help:"The configuration, where --table is."`
	Table  string   `placeholder:"T" help:"Read CSV the way that this table says. Default: with a header, commas and double quotes."`
	Format string   `enum:"auto,csv,json,avro,parquet" default:"auto" placeholder:"FORMAT" help:"How the files are written: auto (default: look at each), csv, json, avro or parquet."`
	Paths  []string `arg:"" name:"path" help:"Files, folders, globs (** too), or URLs of files (s3://, gs://, azblob://)."`
}

// Help is shown by --help.
func (inferCommand) Help() string {
	return fmt.Sprintf("The first %d rows are looked at. Types are the narrowest that fit; what is no number for certain is text. ", infer.Rows) +
		"Look over what comes out before it goes into a configuration: which columns are required, only you know.\n\n" +
		example("tidemark schema infer raw/branches.csv")
}

// Run prints a columns: block.
func (c *inferCommand) Run(ctx context.Context, p *program) error {
	options := rawfile.Options{Format: rawfile.Format(c.Format), CSV: schema.DefaultCSV()}
	switch {
	case c.Table != "" && c.Config == "":
		return usageError{"--table needs -c FILE"}
	case c.Config != "":
		cfg, err := config.Load(c.Config)
		if err != nil {
			return err
		}
		if c.Table == "" {
			break
		}
		tables, err := selectTables(cfg, c.Table)
		if err != nil {
			return err
		}
		options.CSV = tables[0].Schema.CSV
	}
	found, err := rawfile.Find(ctx, c.Paths, openBucket)
	if errors.Is(err, rawfile.ErrNoMatch) {
		return usageError{err.Error()}
	} else if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	if len(found.Bad) > 0 {
		return found.Bad[0]
	}
	r, err := infer.Files(ctx, found.Entries, options)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(c.Paths, " "), err)
	}
	_, err = fmt.Fprint(p.stdout, r.YAML())
	return err
}
