package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/infer"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// adopt gives a raw table its columns: those that are recorded, or else what the files
// have, which record leaves in the ledger.
func (j *job) adopt(ctx context.Context, cfg *config.Config, p *program) error {
	if !j.table.Raw {
		return nil
	}
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	st, err := ledger.New(lake, j.Table).Load(ctx)
	if err != nil {
		return err
	}
	if len(st.Schema) > 0 {
		columns, err := recorded(st.Schema)
		if err != nil {
			return fmt.Errorf("table %s: its recorded columns: %w", j.Table, err)
		}
		return j.table.Adopt(columns)
	}
	found, err := infer.Files(ctx, j.found.Entries, rawOptions(j.table, j.Format))
	if err != nil {
		return fmt.Errorf("table %s takes the columns of its files: %w", j.Table, err)
	}
	found.Whole()
	if err := j.table.Adopt(found.Schema()); err != nil {
		return usageError{err.Error()}
	}
	for _, c := range j.table.Schema.Columns {
		j.inferred = append(j.inferred, ledger.Column{Name: c.Name, Type: c.Type.String()})
	}
	for _, c := range found.Columns {
		if c.Omitted {
			p.log.Warn("column left out", "table", j.Table, "column", c.Name, "why", c.Remark)
		}
	}
	if j.ghost != nil && !j.JSON {
		fmt.Fprintln(p.stdout, found.YAML())
	}
	p.log.Info("columns inferred", "table", j.Table, "rows", found.Rows, "files", found.Files, "columns", listed(j.inferred))
	return nil
}

// recorded is what the ledger has, as a table has it.
func recorded(columns []ledger.Column) ([]schema.Column, error) {
	var out []schema.Column
	for _, c := range columns {
		typ, err := schema.ParseType(c.Type)
		if err != nil {
			return nil, err
		}
		out = append(out, schema.Column{Name: c.Name, Type: typ, Default: schema.Value{Null: true}})
	}
	return out, nil
}

func listed(columns []ledger.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name+" "+c.Type)
	}
	return strings.Join(out, ", ")
}

// record leaves inferred columns in the ledger before any row is decided with them, so
// that every later run has the same. Of several that infer at once, the first counts.
func (j *job) record(ctx context.Context) error {
	if len(j.inferred) == 0 || j.ghost != nil {
		return nil
	}
	l := ledger.New(j.engine.lake, j.Table)
	_, err := l.Decide(ctx, ledger.Proposal{
		Batch: ledger.NewBatchID(time.Now(), rand.Reader), Kind: ledger.KindClaim,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) {
			return &ledger.Record{
				DecidedAt: ledger.At(time.Now()), DecidedBy: decider(j.engine.cfg.Hash), Schema: j.inferred,
				Why: "the columns were inferred from the first files: " + listed(j.inferred),
			}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("record the columns: %w", err)
	}
	if st := l.State(); !slices.EqualFunc(st.Schema, j.inferred, ledger.Column.Equal) {
		return fmt.Errorf("table %s: another backfill has recorded other columns meanwhile: run this one again, which takes those", j.Table)
	}
	return nil
}
