package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/conform"
	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/infer"
	"tidemark/internal/pipeline"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
	"tidemark/internal/status"
	"tidemark/quality"
	"tidemark/watermark"
)

// sampled is what was looked at of a topic or of files: some records, as a table gets them.
type sampled struct {
	title string // such as "the newest 1,000 records of topic t"
	raw   *batch.Raw
}

// sampledBytes is what a sample may take.
const sampledBytes = 256 << 20

// tailOf reads the newest records of a topic.
func tailOf(ctx context.Context, cfg *config.Config, topic string, n int) (*sampled, error) {
	if cfg.Kafka == nil {
		return nil, usageError{"write kafka: {brokers: [HOST:PORT], group: NAME} in the configuration"}
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	records, err := consumer.Tail(ctx, consumerConfig(cfg, nil), topic, n)
	if err != nil {
		return nil, fmt.Errorf("read the newest records: %w", err)
	}
	if len(records) == 0 {
		return nil, usageError{fmt.Sprintf("topic %s holds no records: there is nothing to look at", topic)}
	}
	s := &sampled{raw: &batch.Raw{}, title: fmt.Sprintf("the newest %s of topic %s", status.Count(int64(len(records)), "record"), topic)}
	held := 0
	for i := range records {
		if held += len(records[i].Value) + len(records[i].Key); held > sampledBytes {
			s.title = fmt.Sprintf("%s of topic %s, as many as %s hold", status.Count(int64(i), "record"), topic, status.Size(sampledBytes))
			break
		}
		s.raw.Append(s.raw.Source(records[i].Source), &records[i].Record)
	}
	return s, nil
}

// filesOf reads the first records of files.
func filesOf(ctx context.Context, paths []string, o rawfile.Options, n int) (*sampled, error) {
	found, err := rawfile.Find(ctx, paths, openBucket)
	if errors.Is(err, rawfile.ErrNoMatch) {
		return nil, usageError{err.Error()}
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	if len(found.Bad) > 0 {
		return nil, found.Bad[0]
	}
	s := &sampled{raw: &batch.Raw{}}
	read := 0
	for _, e := range found.Entries {
		if s.raw.Rows() >= n || s.raw.Bytes() > sampledBytes {
			break
		}
		if err := s.file(ctx, e, o, n); err != nil {
			return nil, err
		}
		read++
	}
	s.title = fmt.Sprintf("the first %s of %s", status.Count(int64(s.raw.Rows()), "row"), status.Count(int64(read), "file"))
	return s, nil
}

func (s *sampled) file(ctx context.Context, e rawfile.Entry, o rawfile.Options, n int) error {
	in, err := rawfile.Open(ctx, e, o)
	if err != nil {
		return err
	}
	defer in.Close()
	source := s.raw.Source(batch.Source{File: e.URL, Layout: in.Layout()})
	var c batch.Chunk
	for last := false; !last && s.raw.Rows() < n && s.raw.Bytes() <= sampledBytes; last = c.Last {
		if err := in.Next(ctx, &c); err != nil {
			return err
		}
		s.raw.AppendChunk(source, &c)
	}
	return nil
}

// decode makes rows of the records as a table's plan says, once their schemas are at hand.
func (s *sampled) decode(ctx context.Context, t *pipeline.Table) (*batch.Batch, *conform.Plan, conform.Report, error) {
	plan, err := conform.Compile(t.Schema)
	if err != nil {
		return nil, nil, conform.Report{}, usageError{err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	b, d := &batch.Batch{}, plan.Decoder()
	d.Schemas = t.Written
	for {
		var changed <-chan struct{}
		if t.Schemas != nil {
			changed = t.Schemas.Changed()
			s.ask(t.Schemas)
		}
		b.Reset(t.Schema, s.raw, 0, s.raw.Rows())
		report := d.Decode(b)
		if report.Waits == 0 {
			return b, plan, report, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil, report, fmt.Errorf("the registry does not tell the schemas of %s: %w", status.Count(int64(report.Waits), "record"), context.Cause(ctx))
		case <-changed:
		}
	}
}

// ask has the schemas of records asked for.
func (s *sampled) ask(schemas pipeline.Schemas) {
	for row := range s.raw.Rows() {
		rec := batch.Record{Value: s.raw.Value(row)}
		if h := s.raw.Headers(row); len(h) > 0 {
			rec.Headers = batch.DecodeHeaders(h)
		}
		schemas.Ready(&rec)
	}
}

// judgeSample says what a sample would become under the rules of a table.
func judgeSample(ctx context.Context, cfg *config.Config, t *config.Table, s *sampled) (*verdict, error) {
	ctx, stop := context.WithCancel(ctx) // of who asks the registry
	defer stop()
	settings := pipelineConfig(cfg, []*config.Table{t}, true)
	if len(s.raw.Sources) > 0 && s.raw.Sources[0].File == "" {
		if err := addSchemas(ctx, cfg, &settings, slog.New(slog.DiscardHandler)); err != nil {
			return nil, err
		}
	}
	b, plan, report, err := s.decode(ctx, &settings.Tables[0])
	if err != nil {
		return nil, err
	}
	v := &verdict{subject: subject{name: s.title}, counts: map[batch.Fate]int64{}}
	watermark.Judge(b, watermark.Bounds{Future: time.Now().Add(t.MaxFuture).UnixMicro(), Late: watermark.Accept})
	checks := v.check(t, b)
	for _, f := range b.Fates[:b.Rows] {
		v.counts[f]++
	}
	for _, d := range b.Drift {
		fate, _ := fateOf(plan, t.Schema, d)
		v.rows = append(v.rows, difference{d, fate})
	}
	v.reasons(b)
	v.decide(t, report, checks)
	v.written(s, plan, t)
	return v, nil
}

// written adds how schemas that stand in the records differ from the table, beyond what the
// records show. What is written with the newest of them is what comes next.
func (v *verdict) written(s *sampled, plan *conform.Plan, t *config.Table) {
	if t.Schema.Format != schema.ConnectJSONFormat {
		return
	}
	at := map[[2]string]int{}
	for i, d := range v.rows {
		at[[2]string{d.Change, d.Column}] = i + 1
	}
	shown := len(v.rows)
	for i, one := range infer.ConnectSchemas(s.values()) {
		for _, d := range plan.ObjectDifferences(one.Schema) {
			fate, refused := fateOf(plan, t.Schema, d)
			if refused && i == 0 && !v.refused {
				v.why, v.refused = "its newest schema: "+errDiffers.Error(), true
			}
			key := [2]string{d.Change, d.Column}
			switch k := at[key] - 1; {
			case d.Change == "type": // values tell
			case k < 0:
				d.Count = one.Values
				v.rows = append(v.rows, difference{d, fate})
				at[key] = len(v.rows)
			case k >= shown:
				v.rows[k].Count += one.Values
			}
		}
	}
}

// values are those of all records.
func (s *sampled) values() (out [][]byte) {
	for row := range s.raw.Rows() {
		out = append(out, s.raw.Value(row))
	}
	return out
}

// verdict is what a sample would become.
type verdict struct {
	subject
	counts  map[batch.Fate]int64
	rejects []reasoned
	skipped []string // checks that were not run
	why     string   // it is refused
}

// reasoned are rows that would be rejected for one reason.
type reasoned struct {
	reason, column, want string
	rows                 int64
}

// check runs the checks, but those that look at other tables, files or batches.
func (v *verdict) check(t *config.Table, b *batch.Batch) *quality.Report {
	var own []quality.Check
	for _, c := range t.Checks {
		if c.Reference != "" {
			v.skipped = append(v.skipped, "reference:"+c.Reference)
			continue
		}
		own = append(own, c)
	}
	suite, err := quality.Compile(t.Schema, own)
	if err != nil {
		v.skipped = append(v.skipped, err.Error())
		return &quality.Report{}
	}
	report := suite.Run(b)
	return &report
}

// reasons counts what rows are rejected for: the first reason of each.
func (v *verdict) reasons(b *batch.Batch) {
	at := map[reasoned]int64{}
	last := int32(-1)
	for _, r := range b.Rejects {
		if r.Row == last {
			continue
		}
		last = r.Row
		one := reasoned{reason: r.Reason}
		if r.Column >= 0 {
			one.column = b.Table.Columns[r.Column].Name
		}
		if !r.Told {
			one.want = r.Want
		}
		at[one]++
	}
	for one, n := range at {
		one.rows = n
		v.rejects = append(v.rejects, one)
	}
	slices.SortFunc(v.rejects, func(a, b reasoned) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.reason, b.reason), cmp.Compare(a.column, b.column), cmp.Compare(a.want, b.want))
	})
}

// decide says whether the table's policy would let such records pass.
func (v *verdict) decide(t *config.Table, evolved conform.Report, checks *quality.Report) {
	rows := int64(0)
	for _, n := range v.counts {
		rows += n
	}
	bad := v.counts[batch.Quarantined]
	policy := t.Policy
	policy.HaltMinRows = 0 // a sample stands for batches of any size
	d := policy.Decide(checks, rows, bad)
	switch {
	case evolved.Halt != "":
		v.why = "it would halt the table: " + evolved.Halt
	case d.Action == quality.Halt:
		v.why = "it would halt the table: " + d.Reason
	case d.Action == quality.Quarantine:
		v.why = "every record would be rejected: " + d.Reason
	case bad == rows && rows > 0:
		v.why = "every record would be rejected"
	}
	v.refused = v.why != ""
}

// text writes it.
func (v *verdict) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s:\n", status.Plain(v.name))
	if len(v.rows) == 0 {
		out.WriteString("nothing differs from the table\n")
	} else {
		g := status.Grid("change", "column", "from", "to", "+records", "what becomes of it")
		for _, d := range v.rows {
			g.AppendRow(table.Row{d.Change, status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To), status.Number(d.Count), d.fate})
		}
		fmt.Fprintf(&out, "%s\n", g.Render())
	}
	good, bad := v.counts[batch.Written], v.counts[batch.Quarantined]
	fmt.Fprintf(&out, "\n%s would be written, %s rejected (%s)", status.Count(good, "record"), status.Number(bad), status.Share(bad, good+bad))
	if n := v.counts[batch.Filtered]; n > 0 {
		fmt.Fprintf(&out, ", %s left out", status.Number(n))
	}
	out.WriteString("\n")
	if len(v.rejects) > 0 {
		g := status.Grid("reason", "column", "+records", "what was expected")
		for _, r := range v.rejects[:min(len(v.rejects), mostReasons)] {
			g.AppendRow(table.Row{status.Plain(r.reason), status.Plain(r.column), status.Number(r.rows), status.Plain(r.want)})
		}
		fmt.Fprintf(&out, "%s\n", g.Render())
	}
	if len(v.skipped) > 0 {
		fmt.Fprintf(&out, "not checked, since they look beyond these records: %s\n", status.Plain(strings.Join(v.skipped, ", ")))
	}
	return out.String()
}

// refusal is the error of a sample that the policy would not let pass.
func (v *verdict) refusal() error {
	if !v.refused {
		return nil
	}
	return usageError{fmt.Sprintf("%s: %s", v.name, v.why)}
}

// mostReasons is how many reasons are listed, those with the most records first.
const mostReasons = 50

// mostSampled bounds --records.
const mostSampled = math.MaxInt32
