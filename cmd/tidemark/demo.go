package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"tidemark/internal/config"
	"tidemark/internal/generate"
	"tidemark/internal/status"
)

// demoCommand is `tidemark demo`.
type demoCommand struct {
	Dir    string        `placeholder:"DIR" help:"Where the lake goes. Default: a new folder for temporary files."`
	Events int64         `default:"40000" placeholder:"N" help:"How many events are sent (40000)."`
	Rate   int64         `default:"2000" placeholder:"N" help:"How many a second (2000)."`
	For    time.Duration `placeholder:"D" help:"Stop sending after this time, such as 10s."`
	Bad    float64       `default:"2" placeholder:"PCT" help:"Percentage that is broken or that a check refuses (2)."`
	Listen string        `placeholder:"ADDR" help:"Address of the status page. Default: a free port of this machine."`
}

// Help is shown by --help.
func (demoCommand) Help() string {
	return "A broker inside this process, generated card payments of which some are late, broken, repeated or from the future, the real pipeline, a status page. " +
		"It ends by itself, or on Ctrl-C, with the table of what became of each event and a query for DuckDB.\n\n" +
		example("tidemark demo", "tidemark demo --events 200000 --rate 20000 --dir /tmp/demo")
}

const (
	demoTopic      = "transactions"
	demoPartitions = 4
	demoDays       = 7
	// demoSettle is how long the demo waits for what was sent to be decided.
	demoSettle = 30 * time.Second
)

// demoConfig is what the demo runs with. It stays beside the lake, for the other
// commands to try.
const demoConfig = `# Written by tidemark demo. Its broker is gone; verify and status work.
lake: file://%s
source_system: demo
memory: 256MiB
kafka: {brokers: [%q], group: tidemark-demo}
batch: {max_age: 2s}
tables:
  - name: transactions
    preset: banking/card-transactions
    topics: [transactions]
    watermark: {delay: 24h, max_future: 1h, idle_after: 5s, late: route}
    halt_above: 0.5          # a demo shall go on whatever --bad says
`

// demo is one showing.
type demo struct {
	*program
	flags  *demoCommand
	dir    string
	config string // the file
	engine *engine
	sender *sender
	sent   *made
	kinds  [generate.Future + 1]int64
}

// Run shows everything.
func (c *demoCommand) Run(ctx context.Context, p *program) error {
	if c.Events < 1 || c.Rate < 1 || c.Bad < 0 || c.Bad > 90 || c.For < 0 {
		return usageError{"--events and --rate count from 1, --bad from 0 to 90"}
	}
	d := &demo{program: p, flags: c, sent: &made{}}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(demoPartitions, demoTopic))
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	defer cluster.Close()
	if err := d.prepare(ctx, cluster.ListenAddrs()); err != nil {
		return err
	}
	defer d.sender.close()
	if err := d.show(ctx); err != nil {
		return err
	}
	return d.conclude(context.WithoutCancel(ctx))
}

// prepare makes the folder, the configuration, and everything that runs by it.
func (d *demo) prepare(ctx context.Context, brokers []string) (err error) {
	if d.dir, err = demoFolder(d.flags.Dir); err != nil {
		return err
	}
	lake := (&url.URL{Path: filepath.Join(d.dir, "lake")}).EscapedPath()
	text := fmt.Sprintf(demoConfig, lake, brokers[0])
	d.config = filepath.Join(d.dir, "tidemark.yaml")
	if err := os.WriteFile(d.config, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	cfg, err := config.Parse(d.config, []byte(text), d.getenv)
	if err != nil {
		return err
	}
	tables, err := selectTables(cfg)
	if err != nil {
		return err
	}
	if d.engine, err = newEngine(ctx, cfg, tables, false, d.log); err != nil {
		return err
	}
	if d.engine.listen = d.flags.Listen; d.engine.listen == "" {
		d.engine.listen = "127.0.0.1:0"
	}
	d.sender, err = newSender(brokers, demoTopic, "lz4")
	return err
}

// demoFolder gives the folder of the demo, which may not hold an earlier one: its
// topic is another, though of the same name.
func demoFolder(dir string) (string, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "tidemark-demo-")
		if err != nil {
			return "", fmt.Errorf("make folder: %w", err)
		}
		return made, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "lake")); err == nil {
		return "", usageError{fmt.Sprintf("--dir %s holds a lake already: name another folder, or remove %s", dir, filepath.Join(dir, "lake"))}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	return dir, nil
}

// show sends, reads, and tells what happens, until all that was sent is decided.
func (d *demo) show(ctx context.Context) error {
	l, err := listen(ctx, d.engine.listen)
	if err != nil {
		return err
	}
	d.introduce(l)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, alive := errgroup.WithContext(running)
	g.Go(func() error { return d.engine.runAt(alive, d.program, l) })
	g.Go(func() error {
		d.narrate(alive)
		return nil
	})
	g.Go(func() error {
		defer stop()
		if err := d.send(ctx, alive); err != nil {
			return err
		}
		return d.settle(alive)
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// send sends the events until there are no more, time is up, or Ctrl-C.
func (d *demo) send(ctx, alive context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(alive, cancel)()
	if d.flags.For > 0 {
		defer time.AfterFunc(d.flags.For, cancel).Stop()
	}
	bad := d.flags.Bad / 100
	events := generate.New(generate.Config{
		Rows: d.flags.Events, Seed: uint64(time.Now().UnixNano()), Days: demoDays, End: time.Now().UTC().Truncate(time.Minute), Keys: 1000,
		Bad: bad * 0.8, Broken: bad * 0.2, Late: 0.01, Duplicate: 0.005, Future: 0.002,
	})
	err := d.sender.send(ctx, func() (generate.Event, bool) {
		e, ok := events.Next()
		if ok {
			d.kinds[e.Kind]++
		}
		return e, ok
	}, d.flags.Rate, d.sent)
	if ctx.Err() != nil {
		return nil // it was told to stop
	}
	return err
}

// settle waits until all that was sent is decided and published.
func (d *demo) settle(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(demoSettle)
	defer late.Stop()
	for {
		t := d.engine.document().Tables[0]
		if t.Totals.Read >= d.sent.rows.Load() && t.Pending == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-late.C:
			return fmt.Errorf("wait for the last batch: %s events were sent, %s are decided after %s", status.Number(d.sent.rows.Load()), status.Number(t.Totals.Read), demoSettle)
		case <-tick.C:
		}
	}
}

// introduce says what is about to be seen.
func (d *demo) introduce(l net.Listener) {
	fmt.Fprintf(d.stdout, `Tidemark demo: a broker in this process, generated card payments, the real pipeline.

  lake    %s
  status  http://%s/

Sending %s events, %s a second: %d days of event time in about %d seconds. Some are
late, repeated, broken or from the future. Ctrl-C ends it early.

`, filepath.Join(d.dir, "lake"), l.Addr(), status.Number(d.flags.Events), status.Number(d.flags.Rate), demoDays, (d.flags.Events+d.flags.Rate-1)/d.flags.Rate)
}

// narrate tells of each batch as it is decided, the last one included.
func (d *demo) narrate(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	told := int64(0)
	for {
		told = d.tell(told)
		select {
		case <-ctx.Done():
			d.tell(told)
			return
		case <-tick.C:
		}
	}
}

// tell tells of the batches after record told, and returns the newest told of.
func (d *demo) tell(told int64) int64 {
	batches := d.engine.document().Tables[0].Batches // newest first
	for i := len(batches) - 1; i >= 0; i-- {
		b := batches[i]
		if b.Seq <= told {
			continue
		}
		told = b.Seq
		if b.Counts.Read == 0 {
			continue // it says that a partition is idle
		}
		mark := "no watermark yet"
		if b.Watermark != nil {
			mark = "watermark " + b.Watermark.Time().Format("01-02 15:04")
		}
		fmt.Fprintf(d.stdout, "batch %2d  %6s read  %6s written  %4s late  %4s quarantined  %2d files  %s\n", b.Seq,
			status.Number(b.Counts.Read), status.Number(b.Counts.Written), status.Number(b.Counts.Late), status.Number(b.Counts.Quarantined), b.Files, mark)
	}
	return told
}
