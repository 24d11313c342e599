package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/report"
	"tidemark/internal/store"
)

// reportCommand is `tidemark report`.
type reportCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `placeholder:"T" help:"Only this table."`
	Batch  *int64 `placeholder:"N" xor:"what" help:"One record of the ledger, by its number, in full."`
	Day    string `placeholder:"D" xor:"what" help:"Every batch that wrote rows of this day, such as 2026-11-22, with its files."`
	Last   *int64 `placeholder:"N" xor:"what" help:"Only the last N records of each ledger. Default: all."`
	Format string `enum:",text,json,html" default:"" placeholder:"text|json|html" help:"Default: what -o ends with, else text."`
	Out    string `short:"o" name:"output" placeholder:"FILE" help:"Write to this file, in place of what is there. Default: stdout."`
}

// Help is shown by --help.
func (reportCommand) Help() string {
	return "From the records of the ledger alone: rows by day and fate, checks and nulls over time, drift, halts, backfills, and who decided. " +
		"As html it is one page that needs nothing else. A ledger with holes or damage is reported as far as it can be read, with what is wrong, and the exit code is then 4. Nothing is changed.\n\n" +
		example("tidemark report -c tidemark.yaml --table transactions -o report.html", "tidemark report -c tidemark.yaml --table transactions --batch 42",
			"tidemark report -c tidemark.yaml --day 2026-11-22 --format json | jq '.tables[].day.batches[].files[].path'")
}

// Run reads table after table, and writes the report once all are read.
func (c *reportCommand) Run(ctx context.Context, p *program) error {
	if err := c.validate(); err != nil {
		return err
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	tables, err := selectTables(cfg, c.Table)
	if err != nil {
		return err
	}
	if c.Batch != nil && len(tables) > 1 {
		return usageError{fmt.Sprintf("--batch %d: each table has a ledger of its own: say which with --table", *c.Batch)}
	}
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	doc := report.Document{Form: report.Form, At: ledger.At(time.Now()), Version: readBuild().version, Lake: cfg.Lake, Tables: []report.Table{}}
	var damaged []error
	for _, t := range tables {
		table, err := c.read(ctx, p, lake, t.Schema.Name)
		if err != nil && !errors.Is(err, ledger.ErrUnsafe) {
			return err
		}
		if err == nil && c.Batch != nil && table.Record == nil {
			return usageError{fmt.Sprintf("--batch %d: the newest record of %s is %d", *c.Batch, table.Table, table.Head)}
		}
		doc.Tables, damaged = append(doc.Tables, table), append(damaged, err)
	}
	if err := c.write(p, doc); err != nil {
		return err
	}
	return errors.Join(damaged...)
}

func (c *reportCommand) validate() error {
	if c.Batch != nil && *c.Batch < 1 || c.Last != nil && *c.Last < 1 {
		return usageError{"--batch and --last take a number of at least 1"}
	}
	return checkDay("--day", c.Day)
}

// read reads the ledger of one table, and shows how far it is.
func (c *reportCommand) read(ctx context.Context, p *program, lake store.Lake, name string) (report.Table, error) {
	var done, total atomic.Int64
	options := report.Options{Day: c.Day, Progress: func(n, of int64) {
		done.Store(n)
		total.Store(of)
	}}
	if c.Batch != nil {
		options.Batch = *c.Batch
	}
	if c.Last != nil {
		options.Last = *c.Last
	}
	following, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		p.follow(following, "reading the ledger of "+name, func() sample {
			return sample{rows: done.Load(), unit: "records", done: done.Load(), total: total.Load()}
		})
	})
	defer beside.Wait()
	defer stop()
	return report.Read(ctx, lake, name, options)
}

func (c *reportCommand) write(p *program, doc report.Document) error {
	var out bytes.Buffer
	format := doc.Text
	switch cmp.Or(c.Format, strings.TrimPrefix(filepath.Ext(c.Out), ".")) {
	case "json":
		format = doc.JSON
	case "html":
		format = doc.Page
	}
	if err := format(&out); err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	if c.Out != "" {
		return replace(c.Out, out.Bytes())
	}
	_, err := out.WriteTo(p.stdout)
	return err
}

// replace writes a file in place of another, which is there until it is whole. What is
// there and is no file, such as a pipe, is written to.
func replace(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(name, data, 0); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
