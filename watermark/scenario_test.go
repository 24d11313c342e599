package watermark_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/watermark"
)

// Scenarios are read by eye. Times are minutes after midnight of 2026-11-22, "-"
// is none. Their commands:
//
//	table [type=date] [partition_by=none] [event_time=none]     the table of judge
//	next prev=M delay=D        a partition a line: its newest time, maybe "idle"
//	idle after=D               an observation a line: now position end
//	judge watermark=M future=M late=P    a row a line: source time [fate], ~time
//	                           is a defaulted one
//	rejudge watermark=M        the same batch by another watermark
//
// Every next is asked again with the partitions in the opposite order, and every
// judge of each row alone: no answer may depend on order or company.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{table: newTable()}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "table":
				s.tableCommand(d)
				return ""
			case "next":
				return next(t, d)
			case "idle":
				return idle(t, d)
			case "judge":
				return s.judge(t, d)
			case "rejudge":
				late := watermark.Rejudge(s.batch, bounds(t, d))
				return fmt.Sprintf("late %d\n", late) + describe(s.batch)
			}
			d.Fatalf(t, "no such command")
			return ""
		})
	})
}

type scenario struct {
	table *schema.Table
	batch *batch.Batch
}

func newTable() *schema.Table {
	return &schema.Table{Name: "t", Columns: []schema.Column{{Name: "at", Type: schema.Type{Kind: schema.Timestamp}}}}
}

func (s *scenario) tableCommand(d *datadriven.TestData) {
	s.table = newTable()
	if d.HasArg("type") {
		s.table.Columns[0].Type.Kind = schema.Date
	}
	if d.HasArg("partition_by") {
		s.table.Partition = schema.Unpartitioned
	}
	if d.HasArg("event_time") {
		s.table.EventTime, s.table.Partition = -1, schema.Unpartitioned
	}
}

var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func mark(t *testing.T, s string) watermark.Mark {
	t.Helper()
	if s == "-" {
		return watermark.Mark{}
	}
	minutes, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return watermark.At(midnight.UnixMicro() + minutes*60e6)
}

func arg(t *testing.T, d *datadriven.TestData, key, otherwise string) string {
	t.Helper()
	d.MaybeScanArgs(t, key, &otherwise)
	return otherwise
}

func next(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	prev := mark(t, arg(t, d, "prev", "-"))
	delay, err := time.ParseDuration(arg(t, d, "delay", "0s"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []watermark.Partition
	for line := range strings.Lines(d.Input) {
		words := strings.Fields(line)
		parts = append(parts, watermark.Partition{MaxEventTime: mark(t, words[0]), Idle: len(words) > 1})
	}
	got := watermark.Next(prev, parts, delay)
	slices.Reverse(parts)
	if other := watermark.Next(prev, parts, delay); other != got {
		t.Errorf("partitions in the opposite order: got %v, want %v", other, got)
	}
	return got.String()
}

func idle(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	after, err := time.ParseDuration(arg(t, d, "after", "30s"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var i watermark.Idle
	for line := range strings.Lines(d.Input) {
		var seconds, position, end int64
		if _, err := fmt.Sscan(line, &seconds, &position, &end); err != nil {
			t.Fatal(err)
		}
		is := i.Observe(midnight.Add(time.Duration(seconds)*time.Second), position, end, after)
		fmt.Fprintf(&out, "%s: %v\n", strings.TrimSpace(line), is)
	}
	return out.String()
}

func bounds(t *testing.T, d *datadriven.TestData) watermark.Bounds {
	t.Helper()
	late, err := watermark.ParsePolicy(arg(t, d, "late", "route"))
	if err != nil {
		t.Fatal(err)
	}
	return watermark.Bounds{
		Watermark: mark(t, arg(t, d, "watermark", "-")),
		Future:    mark(t, arg(t, d, "future", "1000000")).Micros,
		Late:      late,
	}
}

func (s *scenario) judge(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(d.Input), "\n")
	s.batch = parseBatch(t, s.table, lines)
	in := bounds(t, d)
	report := watermark.Judge(s.batch, in)

	var out strings.Builder
	fmt.Fprintf(&out, "late %d future %d missing %d\n", report.Late, report.Future, report.Missing)
	for i, m := range report.MaxEventTime {
		fmt.Fprintf(&out, "partition %d: %v\n", s.batch.Raw.Sources[i].Partition, m)
	}
	for row, line := range lines {
		one := parseBatch(t, s.table, []string{line})
		watermark.Judge(one, in)
		if one.Fates[0] != s.batch.Fates[row] {
			t.Errorf("row %d alone: got %s, want %s", row, one.Fates[0], s.batch.Fates[row])
		}
	}
	return out.String() + describe(s.batch)
}

// parseBatch puts the rows into a batch that is not the first of its Raw.
func parseBatch(t *testing.T, table *schema.Table, lines []string) *batch.Batch {
	t.Helper()
	raw := &batch.Raw{}
	before := 0
	for i, line := range append([]string{"0 -"}, lines...) {
		partition, err := strconv.Atoi(strings.Fields(line)[0])
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			before++
		}
		raw.Append(raw.Source(batch.Source{Topic: "t", Partition: int32(partition)}), &batch.Record{Offset: int64(i)})
	}
	b := &batch.Batch{}
	b.Reset(table, raw, before, len(lines))
	for row, line := range lines {
		words := strings.Fields(line)
		at, defaulted := strings.CutPrefix(words[1], "~")
		m := mark(t, at)
		b.Columns[0].Ints[row] = m.Micros
		if table.Columns[0].Type.Kind == schema.Date {
			b.Columns[0].Ints[row] = m.Micros / 86400e6
		}
		if !m.Known {
			b.Columns[0].Ints[row] = 0
			b.Columns[0].SetMark(row, b.Rows, batch.Null)
		} else if defaulted {
			b.Columns[0].SetMark(row, b.Rows, batch.Defaulted)
		}
		for f := batch.Written; len(words) > 2 && f <= batch.Filtered; f++ {
			if f.String() == words[2] {
				b.Fates[row] = f
			}
		}
		if b.Fates[row] == batch.Quarantined {
			b.Rejects = append(b.Rejects, batch.Reject{Row: int32(row), Column: -1, Reason: "earlier", At: -1})
		}
	}
	return b
}

func describe(b *batch.Batch) string {
	var out strings.Builder
	rest := b.Rejects
	for row, f := range b.Fates[:b.Rows] {
		n := 0
		for n < len(rest) && int(rest[n].Row) == row {
			n++
		}
		fmt.Fprintf(&out, "row %d %s", row, f)
		if n > 0 {
			fmt.Fprintf(&out, " %s", b.Detail(rest[:n]))
		}
		out.WriteString("\n")
		rest = rest[n:]
	}
	if len(rest) > 0 {
		fmt.Fprintf(&out, "rejects out of order: %v\n", b.Rejects)
	}
	return out.String()
}
