package main

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/status"
	"tidemark/internal/store"
	"tidemark/internal/verify"
)

// verifyCommand is `tidemark verify`.
type verifyCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `placeholder:"T" help:"Only this table."`
	Deep   bool   `help:"Read all rows again: count them, and look at every offset, day and batch id."`
}

// Help is shown by --help.
func (verifyCommand) Help() string {
	return "Every record of the ledger is held against those before it and against its files: they must exist, with their size and checksum, and no other Parquet file may lie beside them. " +
		"Each difference is one line with its place, and the exit code is then 5. Nothing is changed, and it may run while others write.\n\n" +
		example("tidemark verify -c tidemark.yaml --deep")
}

// Run verifies table after table.
func (c *verifyCommand) Run(ctx context.Context, p *program) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	tables, err := selectTables(cfg, c.Table)
	if err != nil {
		return err
	}
	lake, err := store.Open(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	different := int64(0)
	for _, t := range tables {
		sum, err := c.table(ctx, p, lake, t)
		if err != nil {
			return err
		}
		different += sum.Different
	}
	if different > 0 {
		return fmt.Errorf("%w: %s differences", errDifference, status.Number(different))
	}
	return nil
}

func (c *verifyCommand) table(ctx context.Context, p *program, lake *store.File, t *config.Table) (verify.Summary, error) {
	steps := newTicker(10*time.Second, time.Now())
	options := verify.Options{
		Deep:  c.Deep,
		Found: func(f verify.Finding) { fmt.Fprintln(p.stdout, status.Plain(f.String())) },
		Progress: func(s verify.Summary) {
			if steps.due(time.Now()) {
				p.log.Info("verifying", "table", s.Table, "record", s.Head, "files", s.Files, "rows", s.Rows, "mb", s.Bytes>>20)
			}
		},
	}
	if at := t.Schema.EventTime; at >= 0 {
		options.EventTime = t.Schema.Columns[at].Name
	}
	sum, err := verify.Table(ctx, lake, t.Schema.Name, options)
	if err != nil {
		return sum, err
	}
	verdict := "no difference"
	if sum.Different > 0 {
		verdict = status.Number(sum.Different) + " DIFFERENCES"
	}
	pending := ""
	if sum.Pending > 0 {
		pending = fmt.Sprintf(" (%s not published yet)", status.Number(sum.Pending))
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s: %s records, %s batches, %s files%s, %s rows, %s\n", t.Schema.Name, verdict,
		status.Number(sum.Head), status.Number(sum.Batches), status.Number(sum.Files), pending, status.Number(sum.Rows), status.Size(sum.Bytes))
	return sum, err
}

// ticker tells when a while has passed, for progress in logs.
type ticker struct {
	every time.Duration
	last  time.Time
}

func newTicker(every time.Duration, now time.Time) *ticker { return &ticker{every: every, last: now} }

func (t *ticker) due(now time.Time) bool {
	if now.Sub(t.last) < t.every {
		return false
	}
	t.last = now
	return true
}
