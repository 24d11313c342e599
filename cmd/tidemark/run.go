package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/config"
	"tidemark/internal/status"
)

// runCommand is `tidemark run`.
type runCommand struct {
	Config       string   `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	UntilCurrent bool     `help:"Read to the ends that the topics have now, without joining the group, and exit."`
	Table        []string `placeholder:"T" sep:"none" help:"Only this table. May be repeated."`
}

// Help is shown by --help.
func (runCommand) Help() string {
	return "Without --until-current it runs until SIGTERM or SIGINT, which ends it within ten seconds: what is decided gets published, what is not stays in Kafka. A second one ends it at once, which harms nothing.\n\n" +
		example("tidemark run -c tidemark.yaml", "tidemark run -c tidemark.yaml --until-current --table transactions")
}

// Run reads topics into the lake.
func (c *runCommand) Run(ctx context.Context, p *program) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if err := cfg.ForRun(); err != nil {
		return err
	}
	tables, err := selectTables(cfg, c.Table...)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if len(c.Table) > 0 && len(t.Topics) == 0 {
			return usageError{fmt.Sprintf("--table %s: no topics feed it: write topics: [NAME] in it, or use backfill", t.Schema.Name)}
		}
	}
	tables = slices.DeleteFunc(tables, func(t *config.Table) bool { return len(t.Topics) == 0 })
	for _, w := range cfg.Warnings {
		p.log.Warn(w)
	}
	defer limitMemory(cfg.Memory)()
	e, err := newEngine(ctx, cfg, tables, c.UntilCurrent, p.log)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was asked to end before it began
	}
	if err != nil {
		return err
	}
	begin := time.Now()
	err = e.run(ctx, p)
	if c.UntilCurrent {
		e.summarize(ctx, p, time.Since(begin))
	}
	return err
}

// summarize says what a drain has done.
func (e *engine) summarize(ctx context.Context, p *program, took time.Duration) {
	fmt.Fprintln(p.stdout, status.Fates(e.document().Tables))
	said := "drained"
	if ctx.Err() != nil {
		said = "ended before all was read"
	}
	rows, seconds := int64(0), took.Seconds()
	for _, s := range e.pipe.Snapshot() { // the meter counts what is handed over again, too
		rows += s.Counts.Read
	}
	p.log.Info(said, "rows", rows, "seconds", fmt.Sprintf("%.1f", seconds),
		"rows_per_s", int64(float64(rows)/seconds), "mb_per_s", fmt.Sprintf("%.1f", float64(e.meter.bytes.Load())/seconds/1e6))
}

// run feeds the lake, with the site and the progress beside it. Those go on while
// the feed ends: what it still does can be seen.
func (e *engine) run(ctx context.Context, p *program) error {
	if e.listen == "" {
		return e.runAt(ctx, p, nil)
	}
	l, err := listen(ctx, e.listen)
	if err != nil {
		return err
	}
	e.log.Info("serving http", "address", l.Addr().String())
	return e.runAt(ctx, p, l)
}

// runAt is run with the site at l, nil: without. It closes l.
func (e *engine) runAt(ctx context.Context, p *program, l net.Listener) error {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, alive := errgroup.WithContext(beside)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(alive, cancel)() // a site that cannot serve ends the feed
	if l != nil {
		s := &site{document: e.document, ready: e.ready, metrics: e.registry}
		g.Go(func() error { return s.serve(alive, l, e.log) })
	}
	if e.watched != nil {
		g.Go(func() error {
			p.follow(alive, e.doing, e.watched)
			return nil
		})
	}
	g.Go(func() error {
		defer stop()
		return e.feed(ctx)
	})
	return g.Wait()
}

// drained is how far a drain is. Positions, not records, are what the bar goes by:
// what was aborted or compacted counts too.
func (e *engine) drained() sample {
	s := sample{rows: e.meter.rows.Load(), bytes: e.meter.bytes.Load()}
	lag, decided := int64(0), int64(0)
	for _, t := range e.document().Tables {
		if t.Lag != nil {
			lag += *t.Lag
		}
		decided += t.Totals.Read
	}
	s.rest = []any{"decided", decided}
	s.done, s.total = s.rows, s.rows+lag
	return s
}
