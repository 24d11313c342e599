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
	"strings"
)

// kind is a measurement: its line in the table, the command that makes it, and what
// came of it.
type kind struct {
	title   string
	args    []string
	size    int64 // of its events, where the measurement does not say it
	beside  *kind // what it is compared with, nil: the first
	results []result
}

// run makes the events and takes turns with the measurements, so that a machine
// that changes its speed meanwhile changes it for all. The first of each warms up
// and does not count.
func run(ctx context.Context, o options, out io.Writer) error {
	var kinds []*kind
	if o.broker != "" {
		fmt.Fprintf(out, "making %s events\n", thousands(float64(o.events)))
		var err error
		if kinds, err = drains(ctx, o); err != nil {
			return err
		}
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

// drains fills a topic for each codec, and one with events in Avro, and gives what drains them.
func drains(ctx context.Context, o options) (kinds []*kind, err error) {
	codecs := strings.Split(o.codec, ",")
	for _, codec := range codecs {
		o.codec, o.topic = codec, topic+"-"+codec
		filled, err := fill(ctx, o)
		if err != nil {
			return nil, err
		}
		raw := &kind{title: "raw consume, " + codec, args: []string{"raw", "-topic", o.topic}}
		kinds = append(kinds, raw, &kind{title: "tidemark run, " + codec, args: []string{"drain", "-topic", o.topic}, size: filled.Bytes, beside: raw})
	}
	o.codec, o.topic, o.format = codecs[0], topic+"-avro", avroFormat
	filled, err := fill(ctx, o)
	if err != nil {
		return nil, err
	}
	args := []string{"drain", "-topic", o.topic, "-format", o.format}
	return append(kinds, &kind{title: "  in Avro, " + o.codec, args: args, size: filled.Bytes}), nil
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
