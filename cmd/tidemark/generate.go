package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/internal/generate"
	"tidemark/internal/status"
)

// generateCommand is `tidemark generate`.
type generateCommand struct {
	Rows   *int64   `placeholder:"N" help:"How many events."`
	Bank   int      `placeholder:"N" help:"Instead of events: the tables of a bank with N customers, as files of all kinds."`
	Format string   `default:"json" placeholder:"FORMAT" help:"How they are written: json (default), csv, avro (files: containers; in a topic: single objects), connect-json, debezium, avro-registry, json-registry or protobuf-registry."`
	Seed   uint64   `default:"1" placeholder:"N" help:"The same seed and end give the same events."`
	Days   int      `default:"7" placeholder:"N" help:"How many days of event time they cover."`
	End    string   `placeholder:"DAY" help:"Where the event times end: a day or a time in RFC 3339. Default: the last midnight, UTC."`
	Bad    *float64 `placeholder:"PCT" help:"Percentage that a check refuses, 0.1 by default; a hundredth of it is no event at all. Of a bank: of faulty rows beside the clean ones, by default none."`
	Late   *float64 `placeholder:"PCT" help:"Percentage that comes three days late. Default: 0.1."`
	Keys   *int     `placeholder:"N" help:"How many accounts. Default: 100000."`

	To string `placeholder:"DIR" xor:"to" help:"Write files into this folder."`

	Brokers     []string `placeholder:"B" xor:"to" help:"Send to these brokers."`
	Registry    string   `placeholder:"URL" help:"Register the schema of a format that needs it here, for the subject TOPIC-value."`
	Topic       string   `placeholder:"T" help:"The topic; it is created if it is not there."`
	Partitions  int32    `default:"4" placeholder:"N" help:"Partitions of a topic that is created."`
	Rate        int64    `placeholder:"N" help:"Events a second. Default: as fast as it goes."`
	Compression string   `enum:"none,lz4,zstd,snappy" default:"lz4" placeholder:"CODEC" help:"Of what is sent: none, lz4 (default), zstd or snappy."`
}

// Help is shown by --help.
func (generateCommand) Help() string {
	return "The events are card payments as the preset banking/card-transactions has them: 236 bytes each as JSON. " +
		"A bank is customers, accounts, transactions, loans, branches and products that refer to each other. What is faulty in it is in bank.json, beside the files.\n\n" + example(
		"tidemark generate --rows 1000000 --brokers localhost:9092 --topic transactions",
		"tidemark generate --rows 50000 --format csv --to /tmp/events",
		"tidemark generate --rows 1000000 --format avro-registry --registry http://localhost:8081 --brokers localhost:9092 --topic transactions",
		"tidemark generate --bank 1000 --bad 1 --to raw")
}

// Run makes the events.
func (c *generateCommand) Run(ctx context.Context, p *program) error {
	if c.Bank != 0 {
		return c.makeBank(ctx, p, time.Now())
	}
	as, err := encodingOf(c.Format)
	if err != nil {
		return usageError{err.Error()}
	}
	cfg, err := c.config(as, time.Now())
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
			return sample{rows: rows, bytes: made.bytes.Load(), done: rows, total: cfg.Rows}
		})
	})
	if c.To != "" {
		err = writeFiles(ctx, c.To, as, cfg, made)
	} else {
		err = c.send(ctx, p, as, cfg, made)
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
func (c *generateCommand) config(as encoding, now time.Time) (generate.Config, error) {
	bad, late, keys := share(c.Bad, 0.1), share(c.Late, 0.1), 100_000
	if c.Keys != nil {
		keys = *c.Keys
	}
	cfg := generate.Config{
		Seed: c.Seed, Format: as.format, Days: c.Days, Keys: keys, Bad: bad / 100, Broken: bad / 10_000, Late: late / 100,
	}
	if c.Rows != nil {
		cfg.Rows = *c.Rows
	}
	cfg.Whole = c.To != "" && as.format == generate.Avro // a container of them could not be read
	end, err := c.end(now)
	cfg.End = end
	wrong := append(percentages(map[string]float64{"--bad": bad, "--late": late}), texts(err)...)
	switch {
	case c.Rows == nil:
		wrong = append(wrong, "name --rows N for events, or --bank N for the tables of a bank")
	case cfg.Rows < 1:
		wrong = append(wrong, fmt.Sprintf("--rows %d: make at least one", cfg.Rows))
	case c.Days < 1 || keys < 1 || c.Partitions < 1 || c.Rate < 0:
		wrong = append(wrong, "--days, --keys, --partitions and --rate count from 1")
	case c.To == "" && len(c.Brokers) == 0:
		wrong = append(wrong, "name --to DIR, or --brokers B and --topic T")
	case len(c.Brokers) > 0 && c.Topic == "":
		wrong = append(wrong, "--brokers needs --topic T")
	case c.To != "" && (c.Topic != "" || c.Rate > 0):
		wrong = append(wrong, "--topic and --rate go with --brokers, not with --to")
	case as.text != "" && (c.To != "" || c.Registry == ""):
		wrong = append(wrong, fmt.Sprintf("--format %s needs --brokers B, --topic T and --registry URL", as.name))
	case as.text == "" && c.Registry != "":
		wrong = append(wrong, fmt.Sprintf("--registry goes with a format that needs it, and %s does not", as.name))
	}
	if len(wrong) > 0 {
		return cfg, usageError{strings.Join(wrong, "\n")}
	}
	return cfg, nil
}

// end is where the event times end.
func (c *generateCommand) end(now time.Time) (time.Time, error) {
	if c.End == "" {
		return now.UTC().Truncate(24 * time.Hour), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, c.End); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--end %s is not a day: write 2026-11-23 or 2026-11-23T12:00:00Z", c.End)
}

// share is what was given, or else the default.
func share(given *float64, usual float64) float64 {
	if given == nil {
		return usual
	}
	return *given
}

// percentages says which flags are none.
func percentages(flags map[string]float64) (wrong []string) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if pct := flags[name]; pct < 0 || pct > 100 || math.IsNaN(pct) {
			wrong = append(wrong, fmt.Sprintf("%s %g is not a percentage from 0 to 100", name, pct))
		}
	}
	return wrong
}

// texts are those of the errors that are one.
func texts(errs ...error) (out []string) {
	for _, err := range errs {
		if err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

// send makes the topic, and sends the events to it.
func (c *generateCommand) send(ctx context.Context, p *program, as encoding, cfg generate.Config, made *made) error {
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
	if cfg.Prefix, err = as.prefix(ctx, c.Registry, c.Topic); err != nil {
		return err
	}
	return s.send(ctx, generate.New(cfg).Next, c.Rate, made)
}
