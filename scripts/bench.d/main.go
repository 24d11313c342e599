// Command bench.d measures what Tidemark is worth beside the client that it reads
// with: the raw consume of a topic, the drain of it into a lake, and the pipeline
// alone, from bytes in memory to files on disk, on events as they are generated, on
// ones with shuffled keys, spaces and escapes, in Avro and Protobuf, and from a file of
// Avro or Parquet.
//
// scripts/bench starts a broker and calls it as `run`, which makes the events, and
// then takes turns with the measurements, each in a process of its own, so that
// processor time and peak memory are those of one measurement. It prints one table.
// As `latency` it measures how long rows take to be seen.
// Every measurement counts its rows, and fails if one is missing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are those of all commands.
type options struct {
	events     int64
	seed       uint64
	partitions int
	rounds     int
	broker     string
	dir        string // everything is written below it
	tidemark   string // the program
	config     string // of the program
	general    bool   // events with shuffled keys, spaces and escapes
	format     string // of events in memory
	topic      string
	codec      string // of batches in the topic
	text       bool   // rows of a file go by way of JSON
	raw        bool   // the pipeline takes files
	profile    string // file
	rate       int    // events a second, of latency
	length     time.Duration
	maxAge     time.Duration
}

func command(ctx context.Context, args []string, out io.Writer) error {
	commands := map[string]func(context.Context, options) (result, error){"fill": fill, "raw": raw, "drain": drain, "alone": alone, "file": file}
	if len(args) == 0 || args[0] != "run" && args[0] != "latency" && commands[args[0]] == nil {
		return fmt.Errorf("want one of run, latency, fill, raw, drain, alone, file")
	}
	var o options
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Int64Var(&o.events, "events", 5_000_000, "how many `events`")
	flags.Uint64Var(&o.seed, "seed", 1, "of the events")
	flags.IntVar(&o.partitions, "partitions", 4, "of the topic")
	flags.IntVar(&o.rounds, "rounds", 3, "measurements of each kind, after one to warm up")
	flags.StringVar(&o.broker, "broker", "", "`host:port`; empty: the pipeline alone")
	flags.StringVar(&o.dir, "dir", "", "`folder` for everything that is written")
	flags.StringVar(&o.tidemark, "tidemark", "", "the program's `file`")
	flags.StringVar(&o.config, "config", "", "the program's configuration `file`")
	flags.StringVar(&o.topic, "topic", topic, "its `name`")
	flags.StringVar(&o.codec, "codec", "lz4,zstd,none", "of the topic: lz4, zstd, snappy, gzip or none; of run several, with commas between them")
	flags.BoolVar(&o.general, "general", false, "shuffled keys, spaces and escapes")
	flags.StringVar(&o.format, "format", "json", "of the events of the pipeline alone: json, avro-registry or protobuf-registry; of a file: avro or parquet")
	flags.BoolVar(&o.text, "text", false, "have the rows of a file go by way of JSON")
	flags.StringVar(&o.profile, "profile", "", "`file` for a processor profile of the pipeline alone")
	flags.IntVar(&o.rate, "rate", 20_000, "events a second, of latency")
	flags.DurationVar(&o.length, "for", 60*time.Second, "how long latency is measured")
	flags.DurationVar(&o.maxAge, "max-age", time.Second, "of a batch, of latency")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "run":
		return run(ctx, o, out)
	case "latency":
		return latency(ctx, o, out)
	}
	r, err := commands[args[0]](ctx, o)
	if err != nil {
		return fmt.Errorf("measure %s: %w", args[0], err)
	}
	return json.NewEncoder(out).Encode(r)
}
