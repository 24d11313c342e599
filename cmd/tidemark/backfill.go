package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/backfill"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
	"tidemark/internal/status"
)

// backfillCommand is `tidemark backfill`.
type backfillCommand struct {
	Config string   `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string   `required:"" placeholder:"T" help:"The table that the files belong to."`
	Format string   `enum:"auto,csv,json,avro,parquet" default:"auto" placeholder:"FORMAT" help:"How the files are written: auto (default: look at each), csv, json, avro or parquet."`
	Since  string   `placeholder:"TIME|7d" help:"Only files modified since then: a day, a time in RFC 3339, or how long ago."`
	DryRun bool     `help:"Show what would be written, and write nothing."`
	Shard  string   `placeholder:"I/N" help:"Only share I, from 0 on, of N: each of N processes takes its own files. Default of I: JOB_COMPLETION_INDEX, as in /4."`
	Again  bool     `help:"Read files that have changed anew, from their start, beside what the table has of them."`
	Listen string   `placeholder:"ADDR" help:"Serve metrics and status there meanwhile."`
	JSON   bool     `name:"json" help:"Print the summary as JSON."`
	Paths  []string `arg:"" name:"path" help:"Files, folders, globs (** too), or URLs of files (s3://, gs://, azblob://)."`
}

// Help is shown by --help.
func (backfillCommand) Help() string {
	return "Rows go the way that records of Kafka go: the same checks, files, ledger and fates. Their origin is the file and the line. " +
		"What is decided of a file is in the ledger: run again after whatever happened, it goes on where it was, and files that are done are skipped.\n\n" +
		example("tidemark backfill -c tidemark.yaml --table transactions 'raw/2025/**/*.csv.gz'",
			"tidemark backfill -c tidemark.yaml --table transactions --dry-run raw/2025-11-22.csv")
}

// job is one backfill, put together.
type job struct {
	*backfillCommand
	engine *engine
	table  *config.Table
	config backfill.Config
	sofar  backfill.Progress
	ghost  *rehearsal // of a dry run, else nil
	// inferred are the columns of a raw table that are to be recorded.
	inferred []ledger.Column
	run      *ledger.Run
	found    *rawfile.Found
}

// errFiles ends a backfill of which some files failed; each was reported.
var errFiles = errors.New("the others are done: mend them and run the same command again, which skips what is done")

// errRehearsed ends a dry run of which some files failed.
var errRehearsed = errors.New("a run would leave them out, and end with this code too")

// Run reads files into a table.
func (c *backfillCommand) Run(ctx context.Context, p *program) error {
	begin := time.Now()
	j, err := c.prepare(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = j.found.Close() }()
	defer limitMemory(j.engine.cfg.Memory)()
	err = j.engine.run(ctx, p)
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	if j.run == nil {
		return err
	}
	if e := j.summarize(p, time.Since(begin), err == nil); err == nil {
		err = e
	}
	if n := len(j.run.Failed); err == nil && n > 0 {
		why := errFiles
		if j.ghost != nil {
			why = errRehearsed
		}
		err = fmt.Errorf("%s failed: %w", status.Count(int64(n), "file"), why)
	}
	return err
}

// prepare reads the command line and the configuration, finds the files and puts
// everything together.
func (c *backfillCommand) prepare(ctx context.Context, p *program) (*job, error) {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return nil, err
	}
	tables, err := selectTables(cfg, c.Table)
	if err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings {
		p.log.Warn(w)
	}
	j := &job{backfillCommand: c, table: tables[0]}
	j.config = backfill.Config{Table: c.Table, Again: c.Again, Log: p.log.With("table", c.Table)}
	if j.config.Shard, j.config.Shards, err = c.shard(p.getenv); err != nil {
		return nil, err
	}
	if j.config.Since, err = since(c.Since, time.Now()); err != nil {
		return nil, err
	}
	if j.found, err = rawfile.Find(ctx, c.Paths, openBucket); errors.Is(err, rawfile.ErrNoMatch) {
		return nil, usageError{err.Error()}
	} else if err != nil {
		return nil, err
	}
	j.config.Files = j.found.Entries
	if c.DryRun {
		j.ghost = newRehearsal()
	}
	if err := j.adopt(ctx, cfg, p); err != nil {
		return nil, err
	}
	j.config.Options = rawOptions(j.table, c.Format)
	if j.config.Shards > 1 {
		if err := alone(j.table); err != nil {
			return nil, err
		}
	}
	settings := pipelineConfig(cfg, tables, true)
	settings.Raw, settings.Tables[0].Topics = true, nil
	settings.RunFiles = members(j.found.Entries, c.Again)
	if j.ghost != nil {
		settings.Dry = j.ghost.add
	}
	if settings.Oldest, err = j.oldest(ctx, cfg); err != nil {
		return nil, err
	}
	if j.engine, err = prepare(ctx, cfg, settings, p.log); err != nil {
		return nil, err
	}
	j.engine.listen, j.engine.read = c.Listen, j.read
	j.engine.watched, j.engine.doing = j.sample, "backfilling "+c.Table
	return j, nil
}

// oldest is the event time before which rows are filtered, zero: none is. Only the
// first backfill of a table filters: until one has come to its end.
func (j *job) oldest(ctx context.Context, cfg *config.Config) (time.Time, error) {
	if j.table.FirstRun == 0 {
		return time.Time{}, nil
	}
	if j.config.Shards > 0 {
		// The first to end would make the others second.
		return time.Time{}, usageError{"--shard: which run is the first cannot be told of shares: set backfill: {first_run: all}, and use --since"}
	}
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return time.Time{}, err
	}
	st, err := ledger.New(lake, j.Table).Load(ctx)
	if err != nil || st.Runs > 0 {
		return time.Time{}, err
	}
	return time.Now().Add(-j.table.FirstRun), nil
}

// read is what feeds the pipeline.
func (j *job) read(ctx context.Context) error {
	begin := time.Now()
	if err := j.record(ctx); err != nil {
		return err
	}
	pipe := j.engine.pipe
	st, err := pipe.State(j.Table)
	if err != nil {
		return err
	}
	j.run, err = backfill.Run(ctx, pipe, j.config, st, &j.sofar)
	for _, e := range j.found.Bad {
		j.engine.log.Error("file failed; going on with the others", "file", e.URL, "err", e)
		j.run.Failed = append(j.run.Failed, ledger.Broken{File: e.URL, Why: e.Error()})
	}
	mine := pipe.Snapshot()[0]
	j.run.Batches, j.run.Counts = mine.Batches, mine.Counts
	j.run.Command, j.run.Duration = j.command(), time.Since(begin).Round(time.Millisecond).Seconds()
	if err != nil || j.ghost != nil {
		return err
	}
	return pipe.FinishRun(ctx, j.Table, j.run)
}

// command is what was asked for, as far as a reader of the ledger wants to know.
func (j *job) command() string {
	words := []string{"backfill", "--table", j.Table}
	if j.Since != "" {
		words = append(words, "--since", j.Since)
	}
	if j.config.Shards > 0 {
		words = append(words, "--shard", fmt.Sprintf("%d/%d", j.config.Shard, j.config.Shards))
	}
	if j.Again {
		words = append(words, "--again")
	}
	for _, p := range j.Paths {
		path, _, _ := strings.Cut(p, "?") // parameters of a URL may be secrets
		words = append(words, path)
	}
	return strings.Join(words, " ")
}

// sample is how far the backfill is.
func (j *job) sample() sample {
	s := sample{rows: j.sofar.Rows.Load(), bytes: j.sofar.Bytes.Load(), done: j.sofar.Bytes.Load(), total: j.sofar.Total.Load()}
	s.rest = []any{"files", j.sofar.Files.Load(), "of", j.sofar.Count.Load()}
	c := j.engine.pipe.Snapshot()[0].Counts
	s.rest = append(s.rest, "written", c.Written, "quarantined", c.Quarantined, "filtered", c.Filtered)
	return s
}

// rawOptions say how the files of a table are read.
func rawOptions(t *config.Table, format string) rawfile.Options {
	o := rawfile.Options{Format: rawfile.Format(format), CSV: t.Schema.CSV, Kinds: map[string]rawfile.ColumnKind{}}
	o.Text = t.Schema.Debezium || t.Schema.Format == schema.ConnectJSONFormat // change events, and what Connect puts around rows, are read from JSON
	for i := range t.Schema.Columns {
		c := &t.Schema.Columns[i]
		names := c.Names() // of the field; none for what comes from within one, or from beside the value
		if len(names) == 0 {
			continue
		}
		o.Columns = append(o.Columns, names[0])
		if c.Required {
			o.Required = append(o.Required, names)
		}
		for _, name := range names {
			o.Kinds[name] = rawfile.ColumnKind{Kind: c.Type.Kind, JSON: c.Type.JSON}
		}
		switch {
		case c.Type.Kind != schema.Decimal:
		case c.FromFloat:
			o.Inexact = append(o.Inexact, names...)
		default:
			o.Exact = append(o.Exact, names...)
		}
	}
	return o
}

// shard reads I/N.
func (c *backfillCommand) shard(getenv func(string) (string, bool)) (i, n int, err error) {
	if c.Shard == "" {
		return 0, 0, nil
	}
	bad := usageError{fmt.Sprintf("--shard %s: write I/N with I from 0 to N-1, such as 0/4; or /4 where JOB_COMPLETION_INDEX is set", c.Shard)}
	left, right, ok := strings.Cut(c.Shard, "/")
	if left == "" {
		left, _ = getenv("JOB_COMPLETION_INDEX")
	}
	i, e1 := strconv.Atoi(left)
	n, e2 := strconv.Atoi(right)
	if !ok || e1 != nil || e2 != nil || i < 0 || i >= n {
		return 0, 0, bad
	}
	return i, n, nil
}

// since reads a day, a time, or how long ago.
func since(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if ago, ok := config.ParseDuration(text); ok && ago > 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, usageError{fmt.Sprintf("--since %s: write a day such as 2026-11-22, a time such as 2026-11-22T10:15:00Z, or how long ago, such as 7d", text)}
}

// summarize shows what was done, or would have been. Whole: nothing ended it early.
func (j *job) summarize(p *program, took time.Duration, whole bool) error {
	r := j.run
	if j.ghost != nil {
		return j.ghost.show(p, r, j.JSON)
	}
	if j.JSON {
		return json.NewEncoder(p.stdout).Encode(r)
	}
	w := status.Grid("files", "+of the command")
	w.AppendRows([]table.Row{{"matched", status.Number(r.Found)}, {"read", status.Number(r.Read)}, {"done before, unchanged", status.Number(r.Skipped)}})
	for _, row := range []struct {
		name string
		n    int64
	}{{"without rows", r.Empty}, {"not modified since " + j.Since, r.Older}, {"of other shards", r.Others}, {"failed", int64(len(r.Failed))}} {
		if row.n > 0 {
			w.AppendRow(table.Row{row.name, status.Number(row.n)})
		}
	}
	fmt.Fprintln(p.stdout, w.Render())
	if whole && r.Counts.Read == 0 && len(r.Failed) == 0 {
		fmt.Fprintln(p.stdout, "nothing is new")
		return nil
	}
	fmt.Fprintln(p.stdout, status.Fates([]status.Table{{Table: j.Table, Totals: r.Counts}}))
	rows, seconds := j.sofar.Rows.Load(), took.Seconds()
	p.log.Info("backfilled", "rows", rows, "seconds", fmt.Sprintf("%.2f", seconds),
		"rows_per_s", int64(float64(rows)/seconds), "mb_per_s", fmt.Sprintf("%.1f", float64(j.sofar.Bytes.Load())/seconds/1e6))
	return nil
}
