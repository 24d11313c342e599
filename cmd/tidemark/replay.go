package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/replay"
	"tidemark/internal/status"
)

// replayCommand is `tidemark replay`.
type replayCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `required:"" placeholder:"T" help:"The table."`
	Reason string `placeholder:"R" help:"Only rows that were rejected for this reason (_reason in the quarantine)."`
	From   string `placeholder:"DAY" help:"Only rows in folders of the quarantine from this day on, such as 2026-11-22."`
	To     string `placeholder:"DAY" help:"Only rows in folders of the quarantine up to this day."`
	DryRun bool   `help:"Show what would become of the rows, and write nothing."`
	JSON   bool   `name:"json" help:"Print the summary as JSON."`
}

// Help is shown by --help.
func (replayCommand) Help() string {
	return "Rows of the quarantine go through the rules of today once more, from the bytes that first came, and keep their origin. Each ends in exactly one place: " +
		"in the table, among the late rows, or still in the quarantine. Those that stay are written anew, with the reason of today; the files that were replayed remain in the lake as history " +
		"(tidemark files --output quarantine lists those that count). Of rows with a unique key that the table has already, none is let in. " +
		"It may run beside everything else, be interrupted, and be run again.\n\n" +
		example("tidemark replay -c tidemark.yaml --table transactions --dry-run",
			"tidemark replay -c tidemark.yaml --table transactions --reason category:transaction_type --from 2026-11-01")
}

// replaying is one replay, put together.
type replaying struct {
	*replayCommand
	engine *engine
	sofar  replay.Progress
	ghost  *rehearsal // of a dry run, else nil
	result replay.Result
	counts ledger.Counts
	moved  int64 // batches that were decided
}

// Run replays rows of the quarantine.
func (c *replayCommand) Run(ctx context.Context, p *program) error {
	r, err := c.prepare(ctx, p)
	if err != nil {
		return err
	}
	defer limitMemory(r.engine.cfg.Memory)()
	err = r.engine.run(ctx, p)
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	return errors.Join(err, r.summarize(p))
}

func (c *replayCommand) prepare(ctx context.Context, p *program) (*replaying, error) {
	if err := errors.Join(checkDay("--from", c.From), checkDay("--to", c.To)); err != nil {
		return nil, usageError{err.Error()}
	}
	cfg, t, err := loadTable(ctx, c.Config, c.Table)
	if err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings {
		p.log.Warn(w)
	}
	settings := pipelineConfig(cfg, []*config.Table{t}, true)
	settings.Raw, settings.Tables[0].Topics = true, nil
	settings.Replay = c.command()
	// What was bad once is bad mostly: it is no sign of a broken producer.
	settings.Tables[0].Policy.HaltAbove = 1
	r := &replaying{replayCommand: c}
	if c.DryRun {
		r.ghost = newRehearsal()
		settings.Dry = r.ghost.add
	}
	if r.engine, err = prepare(ctx, cfg, settings, p.log); err != nil {
		return nil, err
	}
	r.engine.listen, r.engine.read = "", r.read
	r.engine.watched, r.engine.doing = r.sample, "replaying the quarantine of "+c.Table
	return r, nil
}

// loadTable reads a configuration and finds a table in it, with the columns that its ledger
// has where the table is raw.
func loadTable(ctx context.Context, file, name string) (*config.Config, *config.Table, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, nil, err
	}
	tables, err := selectTables(cfg, name)
	if err != nil {
		return nil, nil, err
	}
	if t := tables[0]; t.Raw {
		return cfg, t, adoptRecorded(ctx, cfg, t)
	}
	return cfg, tables[0], nil
}

// adoptRecorded gives a raw table the columns that its ledger has.
func adoptRecorded(ctx context.Context, cfg *config.Config, t *config.Table) error {
	_, st, err := loadLedger(ctx, cfg, t.Schema.Name)
	if err != nil {
		return err
	}
	if len(st.Schema) == 0 {
		return usageError{fmt.Sprintf("table %s has no rows and no columns yet: it takes those of the files of its first backfill (tidemark schema infer shows them)", t.Schema.Name)}
	}
	columns, err := recorded(st.Schema)
	if err != nil {
		return fmt.Errorf("table %s: its recorded columns: %w", t.Schema.Name, err)
	}
	return t.Adopt(columns)
}

// command is what was asked for, as the records of the replay say it.
func (c *replayCommand) command() string {
	words := []string{"replay", "--table", c.Table}
	for _, flag := range [][2]string{{"--reason", c.Reason}, {"--from", c.From}, {"--to", c.To}} {
		if flag[1] != "" {
			words = append(words, flag[0], flag[1])
		}
	}
	return strings.Join(words, " ")
}

// read is what feeds the pipeline.
func (r *replaying) read(ctx context.Context) (err error) {
	begin := time.Now()
	r.result, err = replay.Run(ctx, r.engine.pipe, replay.Config{
		Table: r.Table, Lake: r.engine.lake, Ledger: ledger.New(r.engine.lake, r.Table),
		Reason: r.Reason, From: r.From, To: r.To, Log: r.engine.log.With("table", r.Table),
	}, &r.sofar)
	mine := r.engine.pipe.Snapshot()[0]
	r.counts, r.moved = mine.Counts, mine.Batches
	done := "replayed"
	if r.ghost != nil {
		done = "rehearsed"
	}
	r.engine.log.Info(done, "rows", r.result.Rows, "files", r.result.Files, "seconds", fmt.Sprintf("%.2f", time.Since(begin).Seconds()))
	return err
}

// sample is how far the replay is.
func (r *replaying) sample() sample {
	c := r.engine.pipe.Snapshot()[0].Counts
	return sample{
		rows: r.sofar.Rows.Load(), bytes: r.sofar.Bytes.Load(), done: r.sofar.Bytes.Load(), total: r.sofar.Total.Load(),
		rest: []any{"written", c.Written, "still_quarantined", c.Quarantined},
	}
}

// replayed is what a replay prints as JSON.
type replayedRows struct {
	replay.Result
	Batches int64         `json:"batches"` // decided
	Counts  ledger.Counts `json:"counts"`  // of all rows of the files, those that were not judged among the quarantined
}

// summarize shows what was done, or would have been.
func (r *replaying) summarize(p *program) error {
	if r.ghost != nil {
		return r.ghost.show(p, nil, r.JSON)
	}
	if r.JSON {
		return json.NewEncoder(p.stdout).Encode(replayedRows{r.result, r.moved, r.counts})
	}
	if r.result.Files == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing to replay: the quarantine has no rows of this kind that count")
		return err
	}
	w := status.Grid("rows of the quarantine", "+")
	w.AppendRow(table.Row{"judged anew", status.Number(r.result.Rows)})
	for _, row := range []struct {
		name   string
		n      int64
		always bool
	}{
		{"now in the table", r.counts.Written, true}, {"now among the late rows", r.counts.Late, false}, {"duplicates", r.counts.Duplicate, false}, {"filtered", r.counts.Filtered, false},
		{"still quarantined", r.counts.Quarantined - r.result.Aside, true}, {"not asked for, in the same files", r.result.Aside, false},
	} {
		if row.n != 0 || row.always {
			w.AppendRow(table.Row{row.name, status.Number(row.n)})
		}
	}
	_, err := fmt.Fprintln(p.stdout, w.Render())
	return err
}
