package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// kind is a measurement: its line in the table, the command that makes it, and what
// came of it.
type kind struct {
	title   string
	args    []string
	size    int64 // of its events, where the measurement does not say it
	results []result
}

// run makes the events and takes turns with the measurements, so that a machine
// that changes its speed meanwhile changes it for all. The first of each warms up
// and does not count.
func run(ctx context.Context, o options, out io.Writer) error {
	var kinds []*kind
	if o.broker != "" {
		fmt.Fprintf(out, "making %s events\n", thousands(float64(o.events)))
		inJSON, err := fill(ctx, o)
		if err != nil {
			return err
		}
		avro := o
		avro.format = avroFormat
		inAvro, err := fill(ctx, avro)
		if err != nil {
			return err
		}
		kinds = append(kinds, &kind{title: "raw consume, franz-go", args: []string{"raw"}},
			&kind{title: "whole drain, tidemark run", args: []string{"drain"}, size: inJSON.Bytes},
			&kind{title: "  in Avro", args: []string{"drain", "-format", avroFormat}, size: inAvro.Bytes})
	}
	kinds = append(kinds, &kind{title: "pipeline alone", args: []string{"alone"}}, &kind{title: "  shuffled, spaces, escapes", args: []string{"alone", "-general"}},
		&kind{title: "  in Avro", args: []string{"alone", "-format", avroFormat}}, &kind{title: "  in Protobuf", args: []string{"alone", "-format", "protobuf-registry"}},
		&kind{title: "  Avro container file", args: []string{"file", "-format", "avro"}}, &kind{title: "  Parquet file", args: []string{"file", "-format", "parquet"}})
	busy, err := quiet(ctx)
	if err != nil {
		return err
	}
	for round := range o.rounds + 1 {
		fmt.Fprintf(out, "round %d of %d", round, o.rounds)
		for _, k := range kinds {
			r, err := measure(ctx, o, k.args)
			if err != nil {
				fmt.Fprintln(out)
				return err
			}
			r.Bytes = cmp.Or(r.Bytes, k.size)
			if round > 0 {
				k.results = append(k.results, r)
			}
			fmt.Fprintf(out, "  %s", thousands(r.rate()))
		}
		fmt.Fprintln(out, " rows/s")
	}
	table(out, kinds)
	fmt.Fprintf(out, "\n%s events of %.0f bytes; median of %d after one to warm up; a process for each\n",
		thousands(float64(o.events)), float64(kinds[0].median().Bytes)/float64(o.events), o.rounds)
	fmt.Fprintln(out, machine())
	if busy > quietShare {
		fmt.Fprintf(out, "NOT QUIET: others used %.0f %% of the processors before the first round; the figures are too low\n", busy*100)
	}
	return nil
}

// measure runs one measurement in a process of its own.
func measure(ctx context.Context, o options, args []string) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, fmt.Errorf("find this program: %w", err)
	}
	args = append(args, "-events", strconv.FormatInt(o.events, 10), "-seed", strconv.FormatUint(o.seed, 10), "-partitions", strconv.Itoa(o.partitions),
		"-broker", o.broker, "-dir", o.dir, "-tidemark", o.tidemark, "-config", o.config)
	if args[0] == "alone" && o.profile != "" && args[1] == "-events" {
		args = append(args, "-profile", o.profile)
	}
	var answer, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = &answer, &complaint
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("%w: %s", err, complaint.Bytes())
	}
	var r result
	if err := json.Unmarshal(answer.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("read a result: %w", err)
	}
	return r, nil
}
