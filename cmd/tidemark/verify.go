package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
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
	return "Every record of the ledger is held against its own hash, those before it and its files: they must exist, with their size and checksum, and no other Parquet file may lie beside them. " +
		"Each difference is one line with its place, and the exit code is then 5. Nothing is changed, and it may run while others write.\n\n" +
		example("tidemark verify -c tidemark.yaml --deep")
}

// Run verifies table after table.
func (c *verifyCommand) Run(ctx context.Context, p *program) error {
	on, err := openTables(ctx, c.Config, c.Table)
	if err != nil {
		return err
	}
	different := int64(0)
	for _, t := range on.tables {
		sum, err := c.table(ctx, p, on.lake, t)
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

func (c *verifyCommand) table(ctx context.Context, p *program, lake store.Lake, t *config.Table) (verify.Summary, error) {
	name := t.Schema.Name
	records, err := lake.List(ctx, ledger.LedgerDir(name)+"/")
	if err != nil {
		return verify.Summary{}, err
	}
	var sofar atomic.Pointer[verify.Summary]
	sofar.Store(&verify.Summary{})
	options := verify.Options{
		Deep:     c.Deep,
		Found:    func(f verify.Finding) { fmt.Fprintln(p.stdout, status.Plain(f.String())) },
		Progress: func(s verify.Summary) { sofar.Store(&s) },
	}
	if at := t.Schema.EventTime; at >= 0 {
		options.EventTime = t.Schema.Columns[at].Name
	}
	following, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		p.follow(following, "verifying "+name, func() sample {
			s := sofar.Load()
			return sample{rows: s.Rows, bytes: s.Bytes, done: s.Head, total: int64(len(records))}
		})
	})
	sum, err := verify.Table(ctx, lake, name, options)
	stop()
	beside.Wait()
	if err != nil {
		return sum, err
	}
	_, err = fmt.Fprintln(p.stdout, conclusion(sum))
	return sum, err
}

// conclusion is what is to be said about a table.
func conclusion(s verify.Summary) string {
	verdict := "no difference"
	switch {
	case s.Different > 0:
		verdict = status.Number(s.Different) + " DIFFERENCES"
	case s.Head == 0:
		verdict = "there is no ledger yet"
	}
	pending := ""
	if s.Pending > 0 {
		pending = fmt.Sprintf(" (%s not published yet)", status.Number(s.Pending))
	}
	line := fmt.Sprintf("%s: %s: %s, %s, %s%s, %s, %s", s.Table, verdict,
		status.Count(s.Head, "record"), status.Count(s.Batches, "batch"), status.Count(s.Files, "file"), pending, status.Count(s.Rows, "row"), status.Size(s.Bytes))
	if s.Head == 0 {
		return line
	}
	chain := "whole"
	if unlinked := s.Head - 1 - s.Linked; unlinked > 0 {
		chain = fmt.Sprintf("%s of %s follow from the hash of the one before", status.Number(s.Linked), status.Count(s.Head-1, "record"))
	}
	// Nothing in the lake covers the newest record but itself: who keeps this hash
	// elsewhere can tell whether a ledger was made anew.
	return fmt.Sprintf("%s\n%s: chain of records: %s; record %d has SHA-256 %s", line, s.Table, chain, s.Head, s.HeadHash)
}
