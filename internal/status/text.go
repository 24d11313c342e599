package status

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tidemark/internal/ledger"
)

// Text writes the document for a terminal. Color: verdicts and what is wrong stand
// out.
func (d Document) Text(w io.Writer, color bool) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s at %s\n", Plain(d.Lake), moment(&d.At))
	if d.Kafka != "" {
		fmt.Fprintf(&out, "%s\n", paint(color, text.FgYellow, "Kafka is away, so ends and lags are missing: "+Plain(d.Kafka)))
	}
	for i := range d.Tables {
		d.Tables[i].text(&out, d.At, color)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *Table) text(out *strings.Builder, now ledger.Time, color bool) {
	fmt.Fprintf(out, "\n%s\n", paint(color, text.Bold, Plain(t.Table)))
	fmt.Fprintf(out, "  head       %s, %s\n", Number(t.Head), t.published())
	fmt.Fprintf(out, "  decided    %s (%s)\n", moment(t.DecidedAt), ago(t.DecidedAt, now))
	fmt.Fprintf(out, "  watermark  %s (%s)\n", moment(t.Watermark), ago(t.Watermark, now))
	if t.Halted != "" {
		fmt.Fprintf(out, "  %s\n", paint(color, text.FgRed, "halted     "+Plain(t.Halted)))
	}
	for _, h := range t.Halts {
		fmt.Fprintf(out, "  %s\n", paint(color, text.FgRed, fmt.Sprintf("halt       record %d: %s (%s)", h.Seq, Plain(h.Why), Plain(strings.Join(h.Ranges, ", ")))))
	}
	out.WriteByte('\n')
	t.partitionText(out)
	fmt.Fprintf(out, "\n%s\n", Fates([]Table{*t}))
	if t.Replayed > 0 {
		fmt.Fprintf(out, "rows of the quarantine judged anew by replays: %s; they are counted as they are since\n", Number(t.Replayed))
	}
	t.dayText(out)
	t.batchText(out, color)
}

// published says how far the files of decided batches are visible.
func (t *Table) published() string {
	switch {
	case t.Head == 0:
		return "there is no ledger yet: nothing was decided"
	case t.Pending == 0:
		return "all published"
	case t.Pending == 1:
		return "1 batch decided and not published yet"
	}
	return Number(int64(t.Pending)) + " batches decided and not published yet"
}

func (t *Table) partitionText(out *strings.Builder) {
	w := Grid("partition", "+next", "+end", "+lag", "idle", "newest event")
	for _, p := range t.Partitions {
		state := ""
		switch {
		case p.Retired:
			state = "retired"
		case p.Next == nil:
			state = "not begun"
		case p.Idle:
			state = "idle"
		}
		w.AppendRow(table.Row{fmt.Sprintf("%s/%d", Plain(p.Topic), p.Partition), optional(p.Next), optional(p.End), optional(p.Lag), state, moment(p.MaxEventTime)})
	}
	if len(t.Partitions) > 0 {
		out.WriteString(w.Render() + "\n")
	}
	if f := t.RawFiles; f.Known > 0 || f.Runs > 0 {
		fmt.Fprintf(out, "raw files: %s read to their end, %s in part, by %s\n", Number(f.Done), Number(f.Known-f.Done), Count(f.Runs, "backfill"))
	}
}

func (t *Table) dayText(out *strings.Builder) {
	if len(t.Days) == 0 {
		return
	}
	w := Grid("day touched lately", "+rows", "+files", "+size")
	for _, d := range t.Days {
		w.AppendRow(table.Row{d.Day, Number(d.Rows), d.Files, Size(d.Bytes)})
	}
	fmt.Fprintf(out, "\n%s\n", w.Render())
}

func (t *Table) batchText(out *strings.Builder, color bool) {
	if len(t.Batches) == 0 {
		return
	}
	w := Grid("+record", "decided", "+read", "+written", "+late", "+quarantined", "+size", "verdict", "checks that did not pass")
	for _, b := range t.Batches {
		verdict := Plain(b.Verdict)
		if b.Kind == ledger.KindHalt {
			verdict = "HALT"
		}
		w.AppendRow(table.Row{b.Seq, moment(&b.DecidedAt), Number(b.Counts.Read), Number(b.Counts.Written), Number(b.Counts.Late),
			Number(b.Counts.Quarantined), Size(b.Bytes), paint(color, verdictColor(verdict), verdict), Plain(strings.Join(b.Failed, ", "))})
	}
	fmt.Fprintf(out, "\n%s\n", w.Render())
}

func verdictColor(verdict string) text.Color {
	switch verdict {
	case "FAIL", "HALT":
		return text.FgRed
	case "WARN":
		return text.FgYellow
	}
	return text.FgGreen
}

// Fates renders what became of the records of tables, as a table that adds up.
func Fates(tables []Table) string {
	w := Grid("table", "+read", "=", "+written", "+late", "+quarantined", "+duplicate", "+filtered", "")
	for i := range tables {
		t := &tables[i]
		c := t.Totals
		sum := "adds up"
		if t.Balance != 0 {
			sum = fmt.Sprintf("%s RECORDS HAVE NO FATE OR TWO", Number(t.Balance))
		}
		w.AppendRow(table.Row{Plain(t.Table), Number(c.Read), "=", Number(c.Written), Number(c.Late), Number(c.Quarantined), Number(c.Duplicate), Number(c.Filtered), sum})
		if len(tables) == 1 && c.Read > 0 {
			w.AppendRow(table.Row{"", "", "", Share(c.Written, c.Read), Share(c.Late, c.Read), Share(c.Quarantined, c.Read), Share(c.Duplicate, c.Read), Share(c.Filtered, c.Read), ""})
		}
	}
	return w.Render()
}

// Grid begins a table for a terminal. A column whose name begins with + stands to
// the right.
func Grid(columns ...string) table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	header := make(table.Row, len(columns))
	var configs []table.ColumnConfig
	for i, name := range columns {
		name, right := strings.CutPrefix(name, "+")
		header[i] = name
		if right {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	w.SetColumnConfigs(slices.Clip(configs))
	w.AppendHeader(header)
	return w
}

func paint(color bool, c text.Color, s string) string {
	if !color || s == "" {
		return s
	}
	return c.EscapeSeq() + s + text.Reset.EscapeSeq()
}
