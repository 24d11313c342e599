package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"tidemark/internal/generate"
	"tidemark/internal/status"
)

// generateCommand is `tidemark generate`.
type generateCommand struct {
	Rows   int64   `required:"" placeholder:"N" help:"How many events."`
	Format string  `enum:"json,csv" default:"json" placeholder:"json|csv" help:"How they are written."`
	Seed   uint64  `default:"1" placeholder:"N" help:"The same seed and end give the same events."`
	Days   int     `default:"7" placeholder:"N" help:"How many days of event time they cover."`
	End    string  `placeholder:"DAY" help:"Where the event times end: a day or a time in RFC 3339. Default: the last midnight, UTC."`
	Bad    float64 `default:"0.1" placeholder:"PCT" help:"Percentage that a check refuses; a hundredth of it is no event at all."`
	Late   float64 `default:"0.1" placeholder:"PCT" help:"Percentage that comes three days late."`
	Keys   int     `default:"100000" placeholder:"N" help:"How many accounts."`

	To string `placeholder:"DIR" xor:"to" help:"Write files into this folder."`

	Brokers     []string `placeholder:"B" xor:"to" help:"Send to these brokers."`
	Topic       string   `placeholder:"T" help:"The topic; it is created if it is not there."`
	Partitions  int32    `default:"4" placeholder:"N" help:"Partitions of a topic that is created."`
	Rate        int64    `placeholder:"N" help:"Events a second. Default: as fast as it goes."`
	Compression string   `enum:"none,lz4,zstd,snappy" default:"lz4" placeholder:"CODEC" help:"Of what is sent: none, lz4 (default), zstd or snappy."`
}

// Help is shown by --help.
func (generateCommand) Help() string {
	return "The events are card payments as the preset banking/card-transactions has them: 236 bytes each as JSON.\n\n" + example(
		"tidemark generate --rows 1000000 --brokers localhost:9092 --topic transactions",
		"tidemark generate --rows 50000 --format csv --to /tmp/events")
}

// Run makes the events.
func (c *generateCommand) Run(ctx context.Context, p *program) error {
	cfg, err := c.config(time.Now())
	if err != nil {
		return err
	}
	begin := time.Now()
	made := &made{}
	following, stop := context.WithCancel(ctx)
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() {
		p.follow(following, "generating", func() sample {
			rows := made.rows.Load()
			return sample{rows: rows, bytes: made.bytes.Load(), done: rows, total: c.Rows}
		})
	})
	if c.To != "" {
		err = writeFiles(ctx, c.To, cfg, made)
	} else {
		err = c.send(ctx, p, cfg, made)
	}
	stop()
	beside.Wait()
	rows, bytes, seconds := made.rows.Load(), made.bytes.Load(), time.Since(begin).Seconds()
	if err != nil && rows == 0 {
		return err
	}
	where := c.To
	if where == "" {
		where = "topic " + c.Topic
	}
	fmt.Fprintf(p.stdout, "%s events, %s, in %.1f s (%s events/s) to %s\n", status.Number(rows), status.Size(bytes), seconds,
		status.Number(int64(float64(rows)/max(seconds, 0.001))), where)
	return err // what was made until then is made
}

// config turns flags into what the generator takes.
func (c *generateCommand) config(now time.Time) (generate.Config, error) {
	format, err := generate.ParseFormat(c.Format)
	if err != nil {
		return generate.Config{}, usageError{err.Error()}
	}
	cfg := generate.Config{
		Rows: c.Rows, Seed: c.Seed, Format: format, Days: c.Days, Keys: c.Keys,
		Bad: c.Bad / 100, Broken: c.Bad / 10_000, Late: c.Late / 100,
		End: now.UTC().Truncate(24 * time.Hour),
	}
	var wrong []string
	if c.End != "" {
		if cfg.End, err = parseEnd(c.End); err != nil {
			wrong = append(wrong, fmt.Sprintf("--end %s is not a day: write 2026-11-23 or 2026-11-23T12:00:00Z", c.End))
		}
	}
	for name, pct := range map[string]float64{"--bad": c.Bad, "--late": c.Late} {
		if pct < 0 || pct > 100 || math.IsNaN(pct) {
			wrong = append(wrong, fmt.Sprintf("%s %g is not a percentage from 0 to 100", name, pct))
		}
	}
	switch {
	case c.Rows < 1:
		wrong = append(wrong, fmt.Sprintf("--rows %d: make at least one", c.Rows))
	case c.Days < 1 || c.Keys < 1 || c.Partitions < 1 || c.Rate < 0:
		wrong = append(wrong, "--days, --keys, --partitions and --rate count from 1")
	case c.To == "" && len(c.Brokers) == 0:
		wrong = append(wrong, "name --to DIR, or --brokers B and --topic T")
	case len(c.Brokers) > 0 && c.Topic == "":
		wrong = append(wrong, "--brokers needs --topic T")
	case c.To != "" && (c.Topic != "" || c.Rate > 0):
		wrong = append(wrong, "--topic and --rate go with --brokers, not with --to")
	}
	if len(wrong) > 0 {
		return cfg, usageError{strings.Join(wrong, "\n")}
	}
	return cfg, nil
}

func parseEnd(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// send makes the topic, and sends the events to it.
func (c *generateCommand) send(ctx context.Context, p *program, cfg generate.Config, made *made) error {
	s, err := newSender(c.Brokers, c.Topic, c.Compression)
	if err != nil {
		return err
	}
	defer s.close()
	created, err := s.createTopic(ctx, c.Partitions)
	if err != nil {
		return err
	}
	if created {
		p.log.Info("created topic", "topic", c.Topic, "partitions", c.Partitions)
	}
	return s.send(ctx, generate.New(cfg).Next, c.Rate, made)
}
