package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/twmb/franz-go/pkg/kerr"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/history"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/status"
	"tidemark/internal/store"
	"tidemark/quality"
)

// plan is what run would do, and what would keep it from that.
type plan struct {
	cfg    *config.Config
	tables []*config.Table
	info   *consumer.Info           // nil: not looked at
	states map[string]*ledger.State // by table; those that could be loaded
	probed string                   // what the probe of the lake said
	faults []error
	// registry says that it was reached; subjects are what it has for the tables.
	registry string
	subjects []*subject
	inside   []*subject // schemas that stand in the newest records of topics
}

// refusedError is what brokers refuse: a topic that is not there, or not ours.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }

// Is makes the error a consumer.ErrRefused: run would end with it.
func (e *refusedError) Is(target error) bool { return target == consumer.ErrRefused }

func (e *refusedError) Unwrap() error { return e.err }

// reach looks at brokers and lake.
func (c *plan) reach(ctx context.Context) {
	if err := c.reachLake(ctx); err != nil {
		c.faults = append(c.faults, err)
	}
	c.reachRegistry(ctx)
	if c.cfg.Kafka == nil {
		return
	}
	asked, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	info, err := kafkaInfo(asked, c.cfg, c.tables)
	if err != nil {
		err = fmt.Errorf("reach kafka at %s: %w", strings.Join(c.cfg.Kafka.Brokers, ", "), err)
		if no := (*kerr.Error)(nil); errors.As(err, &no) && !no.Retriable {
			err = &refusedError{err} // a wrong password, missing rights
		}
		c.faults = append(c.faults, err)
		return
	}
	c.info = &info
	for _, t := range info.Topics {
		if t.Err != nil {
			c.faults = append(c.faults, &refusedError{fmt.Errorf("table %s: topic %s: %w: create it, or mend topics in the configuration", t.Table, t.Topic, t.Err)})
		}
		for _, part := range t.Partitions {
			if part.Err != nil {
				c.faults = append(c.faults, fmt.Errorf("table %s: topic %s: partition %d: %w", t.Table, t.Topic, part.Partition, part.Err))
			}
		}
	}
	c.findLosses()
	c.lookInside(ctx)
}

func (c *plan) reachLake(ctx context.Context) error {
	lake, err := openLake(ctx, c.cfg.Lake)
	if err != nil {
		return err
	}
	if err := store.Probe(ctx, lake, probeKeys, probeRacers); err != nil {
		return err
	}
	c.probed = fmt.Sprintf("of %d that created each of %d keys at once exactly one won", probeRacers, probeKeys)
	c.states = map[string]*ledger.State{}
	var errs []error
	for _, t := range c.tables {
		st, err := ledger.New(lake, t.Schema.Name).Load(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.states[t.Schema.Name] = st
		if !t.Raw {
			if err := pipeline.CheckColumns(ctx, lake, st, t.Schema); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// print writes the plan.
func (c *plan) print(w io.Writer) error {
	var out strings.Builder
	c.printWhole(&out)
	for _, t := range c.tables {
		c.printTable(&out, t)
	}
	for _, s := range c.subjects {
		fmt.Fprintf(&out, "\nsubject %s", s.text())
	}
	for _, s := range c.inside {
		fmt.Fprintf(&out, "\n%s", s.text())
	}
	if n := len(c.faults); n == 0 {
		out.WriteString("\nall is well\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c *plan) printWhole(out *strings.Builder) {
	cfg := c.cfg
	fmt.Fprintf(out, "lake           %s\n", cfg.Lake)
	if c.probed != "" {
		fmt.Fprintf(out, "               %s\n", c.probed)
	}
	fmt.Fprintf(out, "source system  %s\n", cfg.SourceSystem)
	if k := cfg.Kafka; k != nil {
		fmt.Fprintf(out, "kafka          %s, group %s%s\n", strings.Join(k.Brokers, ", "), k.Group, security(k))
		fmt.Fprintf(out, "               begins at %s where the ledger knows nothing; where records are gone: %s\n", k.Start, k.OnLoss)
	}
	if c.info != nil {
		fmt.Fprintf(out, "               reached: %s\n", strings.Join(c.info.Brokers, ", "))
	}
	if r := cfg.Registry; r != nil {
		fmt.Fprintf(out, "registry       %s\n", strings.Join(r.URLs, ", "))
		if c.registry != "" {
			fmt.Fprintf(out, "               %s\n", c.registry)
		}
	}
	buffers := min(cfg.Memory/bufferShare, bufferMost)
	fmt.Fprintf(out, "memory         %s: %s for records fetched ahead, batches of up to %s as they came\n", status.Size(cfg.Memory), status.Size(buffers), status.Size(cfg.Batch.MaxBytes))
	fmt.Fprintf(out, "batches        cut after %s, %s rows or %s\n", short(cfg.Batch.MaxAge), status.Number(int64(cfg.Batch.MaxRows)), status.Size(cfg.Batch.MaxBytes))
	if cfg.HTTP.Listen != "" {
		fmt.Fprintf(out, "http           %s\n", cfg.HTTP.Listen)
	}
	for _, warning := range cfg.Warnings {
		fmt.Fprintf(out, "warning        %s\n", warning)
	}
}

func security(k *config.Kafka) string {
	var parts []string
	if k.TLS != nil {
		parts = append(parts, "TLS")
	}
	if k.SASL != nil {
		parts = append(parts, k.SASL.Mechanism+" as "+k.SASL.Username)
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

func (c *plan) printTable(out *strings.Builder, t *config.Table) {
	fmt.Fprintf(out, "\ntable %s\n", t.Schema.Name)
	if len(t.Topics) > 0 {
		fmt.Fprintf(out, "  topics       %s (%s)\n", strings.Join(t.Topics, ", "), t.Format)
	} else {
		out.WriteString("  topics       none: it is fed by backfill\n")
	}
	folders := "by " + t.Schema.Partition.String()
	if at := t.Schema.EventTime; at >= 0 {
		folders += " of " + t.Schema.Columns[at].Name
	}
	fmt.Fprintf(out, "  folders      %s\n", folders)
	fmt.Fprintf(out, "  watermark    %s behind the newest event, at most %s ahead of now; late rows: %s; a partition is idle %s after it is read\n", short(t.Delay), short(t.MaxFuture), t.Late, short(t.IdleAfter))
	fmt.Fprintf(out, "  files        %s %s, closed at %s%s\n", t.Writer.Codec, t.Writer.Level, status.Size(t.Writer.TargetFile), sorted(t.Writer.SortBy))
	fmt.Fprintf(out, "  a failure    %s\n", policy(t))
	c.printColumns(out, t)
	c.printChecks(out, t)
	c.printStarts(out, t)
}

func sorted(by []string) string {
	if len(by) == 0 {
		return ""
	}
	return ", sorted by " + strings.Join(by, ", ")
}

func policy(t *config.Table) string {
	s := fmt.Sprintf("%s; over %s of a batch rejected halts it, from %s rows on", t.Policy.OnFail, percent(t.Policy.HaltAbove), status.Number(t.Policy.HaltMinRows))
	if t.Policy.HaltAbove == 0 {
		s = fmt.Sprintf("%s; any rejected row halts the batch", t.Policy.OnFail)
	}
	return s
}

// short writes a duration without what is zero: 24h for 24h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func percent(share float64) string { return fmt.Sprintf("%g %%", share*100) }

func (c *plan) printColumns(out *strings.Builder, t *config.Table) {
	if st := c.states[t.Schema.Name]; t.Raw && st != nil && len(st.Schema) > 0 {
		fmt.Fprintf(out, "  columns      inferred by the first backfill: %s\n", listed(st.Schema))
		return
	}
	if t.Raw {
		fmt.Fprintf(out, "  columns      those of its files: the first backfill infers and records them\n")
		return
	}
	w := status.Grid("column", "type", "missing", "also known as")
	for _, col := range t.Schema.Columns {
		missing := "default"
		switch {
		case col.Required:
			missing = "rejected"
		case col.Default.Null:
			missing = "null"
		}
		from := strings.Join(col.Aliases, ", ")
		if !col.From.IsZero() {
			from = strings.TrimSuffix("from "+col.From.String()+", "+from, ", ")
		}
		w.AppendRow(table.Row{col.Name, col.Type.String(), missing, from})
	}
	fmt.Fprintf(out, "%s\n", w.Render())
	c.printVersions(out, t)
}

// printVersions says what becomes of files that have other columns than the table.
func (c *plan) printVersions(out *strings.Builder, t *config.Table) {
	st := c.states[t.Schema.Name]
	if st == nil || len(st.Columns) == 0 {
		return
	}
	versions := st.Versions
	var changes []string
	for _, ch := range history.OfColumns(st.Columns, pipeline.ColumnsOf(t.Schema)) {
		if ch.Change == "added" || ch.Change == "dropped" || ch.Change == "type" {
			changes = append(changes, ch.Change+" "+ch.Name)
		}
	}
	if len(changes) > 0 {
		versions++
		fmt.Fprintf(out, "  changed      since the last batch: %s\n", strings.Join(changes, ", "))
	}
	if versions > 1 {
		fmt.Fprintf(out, "  versions     %s of the columns: a bare glob spans one, so tell readers to unite them (union_by_name in DuckDB, mergeSchema in Spark, schema= and missing_columns in Polars, schema= in pyarrow)\n",
			status.Number(versions))
	}
}

func (c *plan) printChecks(out *strings.Builder, t *config.Table) {
	if t.Suite != nil && len(t.Checks) > 0 {
		fmt.Fprintf(out, "  checks       %s\n", strings.Join(t.Suite.Names(), ", "))
		for _, ref := range t.Suite.References() {
			fmt.Fprintf(out, "  reference    %s\n", c.reference(ref))
		}
	}
	if d := t.Dedupe; d != nil {
		fmt.Fprintf(out, "  duplicates   rows whose %s was taken within %s of event time\n", strings.Join(d.Keys, ", "), short(d.Within))
	}
	for _, r := range t.Remarks {
		fmt.Fprintf(out, "  not checked  %s\n", r)
	}
}

// reference says what a reference check looks into, and how much of it there is.
func (c *plan) reference(ref quality.Reference) string {
	if ref.File != "" {
		return fmt.Sprintf("%s in column %s of %s", ref.Column, ref.FileColumn, ref.File)
	}
	text := fmt.Sprintf("%s in %s.%s", ref.Column, ref.Table, ref.In)
	if st, loaded := c.states[ref.Table]; loaded {
		text += fmt.Sprintf(", which has %s", status.Count(st.Totals.Written, "row"))
		if st.Totals.Written == 0 {
			text += ": load it first, or every row is refused"
		}
	}
	return text
}
