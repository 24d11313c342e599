package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/ledger"
	"tidemark/internal/status"
)

// The terminal shows the ends of long lists; the other forms have all.
const (
	textDays   = 31
	textEvents = 20
)

// Text writes the document for a terminal.
func (d Document) Text(w io.Writer) error {
	t := &texter{}
	t.line("%s, from the ledger alone, at %s", status.Plain(d.Lake), moment(&d.At))
	for i := range d.Tables {
		t.table(&d.Tables[i])
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

type texter struct{ out strings.Builder }

func (t *texter) line(format string, args ...any) { fmt.Fprintf(&t.out, format+"\n", args...) }

// grid writes a table with a heading, if it has rows.
func (t *texter) grid(title string, w table.Writer) {
	if w.Length() == 0 {
		return
	}
	t.line("\n%s\n%s", title, w.Render())
}

func (t *texter) table(v *Table) {
	t.line("\n%s", status.Plain(v.Table))
	if v.Head == 0 && v.DamageTotal == 0 {
		t.line("  there is no ledger yet: nothing was decided")
		return
	}
	t.line("  head       record %s, SHA-256 %s", status.Number(v.Head), dash(v.HeadHash))
	if v.DamageTotal > 0 {
		t.line("  DAMAGE     the ledger has %s: this report is of what could be read", status.Count(v.DamageTotal, "fault"))
		for _, d := range v.Damage[:min(len(v.Damage), textEvents)] {
			t.line("             %s", status.Plain(d.Why))
		}
		t.more(v.DamageTotal, textEvents)
	}
	switch {
	case v.Summary != nil:
		t.summary(v.Table, v.Summary)
	case v.Record != nil:
		t.record(v.Record)
	case v.Day != nil:
		t.day(v.Day)
	}
}

// more says that a list has more entries than were shown.
func (t *texter) more(total, shown int64) {
	if total > shown {
		t.line("             and %s more: --format json has them", status.Number(total-shown))
	}
}

func (t *texter) summary(name string, s *Summary) {
	t.line("  records    %s to %s: %s, %s, %s, %s", status.Number(s.First), status.Number(s.Last), status.Count(s.Records.Batch, "batch"),
		status.Count(s.Records.Claim, "claim"), status.Count(s.Records.Halt, "halt"), status.Count(s.Records.Run, "backfill"))
	t.line("  decided    %s to %s", moment(s.From), moment(s.To))
	t.line("  watermark  %s", moment(s.Watermark))
	t.line("  verdicts   %s pass, %s warn, %s fail, %s without", status.Number(s.Verdicts.Pass), status.Number(s.Verdicts.Warn),
		status.Number(s.Verdicts.Fail), status.Number(s.Verdicts.None))
	t.line("\n%s", status.Fates([]status.Table{{Table: name, Totals: s.Counts, Balance: s.Balance}}))
	if n := s.Replayed; n.Batches > 0 {
		t.line("%s of %s of the quarantine were judged anew by replays, and count as they are since.", status.Count(n.Rows, "row"), status.Count(n.Files, "file"))
	}

	days := s.Days[max(0, len(s.Days)-textDays):]
	w := status.Grid("day of the rows", "+main", "+late", "+quarantined", "+files", "+size")
	for i := range days {
		o := &days[i].Outputs
		w.AppendRow(outputRow(dash(status.Plain(days[i].Day)), o))
	}
	if len(s.Days) > 0 {
		w.AppendSeparator()
		w.AppendRow(outputRow("all "+status.Count(int64(len(s.Days)), "day"), &s.Outputs))
	}
	t.grid("Rows by the day of their folder (quarantine: of Kafka's timestamp)"+last(len(days), len(s.Days)), w)

	decided := s.Decided[max(0, len(s.Decided)-textDays):]
	w = status.Grid("decided on", "+batches", "+read", "+written", "+late", "+quarantined", "+duplicate", "+filtered", "+halts")
	for _, d := range decided {
		w.AppendRow(table.Row{d.Day, status.Number(d.Batches), status.Number(d.Counts.Read), status.Number(d.Counts.Written), status.Number(d.Counts.Late),
			status.Number(d.Counts.Quarantined), status.Number(d.Counts.Duplicate), status.Number(d.Counts.Filtered), status.Number(d.Halts)})
	}
	t.grid("Records by the day of the decision"+last(len(decided), len(s.Decided)), w)
	t.quality(s)
	t.events(s)
}

func outputRow(name string, o *Outputs) table.Row {
	all := o.all()
	return table.Row{name, status.Number(o.Main.Rows), status.Number(o.Late.Rows), status.Number(o.Quarantine.Rows), status.Number(all.Files), status.Size(all.Bytes)}
}

func (o *Outputs) all() Size {
	return Size{
		Rows:  o.Main.Rows + o.Late.Rows + o.Quarantine.Rows,
		Files: o.Main.Files + o.Late.Files + o.Quarantine.Files,
		Bytes: o.Main.Bytes + o.Late.Bytes + o.Quarantine.Bytes,
	}
}

func (t *texter) quality(s *Summary) {
	w := status.Grid("check", "severity", "+pass", "+warn", "+fail", "+rows failed", "+of", "+share", "last in", "what was wrong then")
	for i := range s.Checks {
		c := &s.Checks[i]
		where, what := "–", ""
		if f := c.LastFailed; f != nil {
			where, what = "record "+status.Number(f.Seq), f.Detail
		}
		w.AppendRow(table.Row{status.Plain(c.Name), status.Plain(c.Severity), status.Number(c.Verdicts.Pass), status.Number(c.Verdicts.Warn), status.Number(c.Verdicts.Fail),
			status.Number(c.Failed), status.Number(c.Checked), status.Share(c.Failed, c.Checked), where, status.Plain(what)})
	}
	t.grid("Checks"+omitted(s.Omitted.Checks, "verdict"), w)
	w = status.Grid("column", "+null or defaulted", "+of records read")
	for _, n := range s.Nulls {
		w.AppendRow(table.Row{status.Plain(n.Column), status.Number(n.Nulls), status.Share(n.Nulls, s.Counts.Read)})
	}
	t.grid("Nulls, in rows that were checked"+omitted(s.Omitted.Nulls, "count"), w)
}

// events writes the lists of single events, the newest of each.
func (t *texter) events(s *Summary) {
	drift := s.Drift[max(0, len(s.Drift)-textEvents):]
	w := status.Grid("change", "column", "from", "to", "done", "schema", "first at", "+record", "decided")
	for i := range drift {
		d := &drift[i]
		w.AppendRow(table.Row{status.Plain(d.Change), status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To), status.Plain(d.Done), status.Plain(d.Written()),
			status.Plain(d.FirstAt.String()), status.Number(d.Seq), moment(&d.DecidedAt)})
	}
	t.grid("Drift"+last(len(drift), len(s.Drift))+omitted(s.Omitted.Drift, "later one"), w)

	halts := s.Halts[max(0, len(s.Halts)-textEvents):]
	w = status.Grid("+record", "decided", "by", "+read", "+quarantined", "why")
	for i := range halts {
		h := &halts[i]
		w.AppendRow(table.Row{status.Number(h.Seq), moment(&h.DecidedAt), status.Plain(h.By), status.Number(h.Counts.Read), status.Number(h.Counts.Quarantined), status.Plain(h.Why)})
	}
	t.grid("Halts"+last(len(halts), len(s.Halts))+omitted(s.Omitted.Halts, "older one"), w)

	claims := s.Claims[max(0, len(s.Claims)-textEvents):]
	w = status.Grid("+record", "decided", "by", "+sources", "+offsets passed over", "why")
	for i := range claims {
		c := &claims[i]
		w.AppendRow(table.Row{status.Number(c.Seq), moment(&c.DecidedAt), status.Plain(c.By), status.Number(int64(len(c.Sources))), status.Number(c.Lost), status.Plain(c.Why)})
	}
	t.grid("Claims: where reading starts"+last(len(claims), len(s.Claims))+omitted(s.Omitted.Claims, "older one"), w)

	runs := s.Runs[max(0, len(s.Runs)-textEvents):]
	w = status.Grid("+record", "decided", "+found", "+read", "+skipped", "+failed", "+batches", "+records", "+written", "command")
	for i := range runs {
		r := &runs[i]
		w.AppendRow(table.Row{status.Number(r.Seq), moment(&r.DecidedAt), status.Number(r.Found), status.Number(r.Read), status.Number(r.Skipped), status.Number(r.FailedTotal),
			status.Number(r.Batches), status.Number(r.Counts.Read), status.Number(r.Counts.Written), status.Plain(r.Command)})
	}
	t.grid("Backfills"+last(len(runs), len(s.Runs))+omitted(s.Omitted.Runs, "older one"), w)

	deciders := s.Deciders[max(0, len(s.Deciders)-textEvents):]
	w = status.Grid("user", "host", "version", "configuration", "+records", "first", "last")
	for i := range deciders {
		d := &deciders[i]
		w.AppendRow(table.Row{status.Plain(d.User), status.Plain(d.Host), status.Plain(d.Version), status.Plain(d.ConfigHash), status.Number(d.Records), moment(&d.First), moment(&d.Last)})
	}
	t.grid("Who decided"+last(len(deciders), len(s.Deciders))+omitted(s.Omitted.Deciders, "record"), w)
}

// last says that a list is shown in part.
func last(shown, total int) string {
	if shown == total {
		return ""
	}
	return fmt.Sprintf(", the last %d of %s: --format json has all", shown, status.Number(int64(total)))
}

func omitted(n int64, noun string) string {
	if n == 0 {
		return ""
	}
	return ", without " + status.Count(n, noun)
}

func (t *texter) record(r *Entry) {
	t.line("\nRecord %s, a %s", status.Number(r.Seq), status.Plain(string(r.Kind)))
	t.line("  batch      %s", dash(status.Plain(r.Batch)))
	t.line("  SHA-256    %s", r.Hash)
	t.line("  after      %s", dash(status.Plain(r.Previous)))
	t.line("  decided    %s", moment(&r.DecidedAt))
	by := r.DecidedBy
	t.line("  by         %s on %s, process %d, version %s, configuration %s", dash(status.Plain(by.User)), dash(status.Plain(by.Host)), by.PID, dash(status.Plain(by.Version)), dash(status.Plain(by.ConfigHash)))
	t.line("  watermark  %s", moment(r.Watermark))
	if r.Why != "" {
		t.line("  why        %s", status.Plain(r.Why))
	}
	if r.Kind == ledger.KindBatch || r.Kind == ledger.KindHalt {
		t.line("\n%s", status.Fates([]status.Table{{Table: r.Table, Totals: r.Counts, Balance: r.Counts.Balance()}}))
	}
	t.sources(r.Sources)
	t.files("Files", r.Files)
	if q := r.Quality; q != nil {
		w := status.Grid("check", "verdict", "severity", "+failed", "+checked", "detail", "looked into")
		for i := range q.Checks {
			c := &q.Checks[i]
			w.AppendRow(table.Row{status.Plain(c.Name), status.Plain(c.Verdict), status.Plain(c.Severity), status.Number(c.Failed), status.Number(c.Checked), status.Plain(c.Detail), status.Plain(c.Version)})
		}
		t.line("\nQuality: %s", status.Plain(q.Verdict))
		if w.Length() > 0 {
			t.line("%s", w.Render())
		}
	}
	w := status.Grid("column", "+null or defaulted", "+of records read")
	for _, n := range nullsOf(r.Record) {
		w.AppendRow(table.Row{status.Plain(n.Column), status.Number(n.Nulls), status.Share(n.Nulls, r.Counts.Read)})
	}
	t.grid("Nulls, in rows that were checked", w)
	w = status.Grid("change", "column", "from", "to", "done", "schema", "+records", "first at")
	for _, d := range r.Drift {
		w.AppendRow(table.Row{status.Plain(d.Change), status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To), status.Plain(d.Done), status.Plain(d.Written()),
			status.Number(d.Count), status.Plain(d.FirstAt.String())})
	}
	t.grid("Drift", w)
	t.rest(r)
}

// rest writes what only some kinds of records have.
func (t *texter) rest(r *Entry) {
	w := status.Grid("rejected record")
	for _, o := range r.Samples {
		w.AppendRow(table.Row{status.Plain(o.String())})
	}
	t.grid("Samples", w)
	if v := r.Run; v != nil {
		t.line("\nBackfill: %s", status.Plain(v.Command))
		t.line("  %s found: %s read, %s empty, %s done before, %s too old, %s of other shards, %s failed; %s in %.1f s", status.Count(v.Found, "file"),
			status.Number(v.Read), status.Number(v.Empty), status.Number(v.Skipped), status.Number(v.Older), status.Number(v.Others),
			status.Number(int64(len(v.Failed))), status.Count(v.Batches, "batch"), v.Duration)
		t.line("\n%s", status.Fates([]status.Table{{Table: r.Table, Totals: v.Counts, Balance: v.Counts.Balance()}}))
		w := status.Grid("file that failed", "why")
		for _, f := range v.Failed {
			w.AppendRow(table.Row{status.Plain(f.File), status.Plain(f.Why)})
		}
		t.grid("Failed", w)
	}
	if m := r.TimingsMS; m != nil {
		t.line("\nMilliseconds: read %.1f, decode %.1f, check %.1f, encode %.1f, stage %.1f; of the batch before: decide %.1f, publish %.1f",
			m.Read, m.Decode, m.Check, m.Encode, m.Stage, m.Decide, m.Publish)
	}
}

func (t *texter) sources(sources []ledger.Source) {
	w := status.Grid("source", "+from", "+to", "+records", "+skipped", "newest event", "")
	for i := range sources {
		s := &sources[i]
		w.AppendRow(table.Row{status.Plain(s.Key().Place()), status.Number(s.From), status.Number(s.To), status.Number(s.Records), status.Number(s.Skipped), moment(s.MaxEventTime), sourceState(s)})
	}
	t.grid("Sources: half-open ranges of offsets, or of bytes or rows of a file", w)
}

func sourceState(s *ledger.Source) string {
	switch {
	case s.First:
		return "new"
	case s.AtEnd:
		return "read to its end"
	}
	return ""
}

func (t *texter) files(title string, files []ledger.File) {
	w := status.Grid("output", "file", "+rows", "+size", "XXH3", "oldest event", "newest event")
	for i := range files {
		f := &files[i]
		w.AppendRow(table.Row{status.Plain(string(f.Output)), status.Plain(f.Path), status.Number(f.Rows), status.Size(f.Bytes), sum(f.XXH3), moment(f.MinEventTime), moment(f.MaxEventTime)})
	}
	t.grid(title, w)
}

func (t *texter) day(d *OneDay) {
	t.line("  day        %s: %s wrote %s of the table, %s late and %s quarantined", d.Day, status.Count(int64(len(d.Batches)), "batch"),
		status.Count(d.Outputs.Main.Rows, "row"), status.Number(d.Outputs.Late.Rows), status.Number(d.Outputs.Quarantine.Rows))
	w := status.Grid("+record", "batch", "decided", "by", "verdict", "+rows", "+late", "+quarantined", "+files", "+size")
	for i := range d.Batches {
		b := &d.Batches[i]
		o := b.outputs()
		all := o.all()
		w.AppendRow(table.Row{status.Number(b.Seq), status.Plain(b.Batch), moment(&b.DecidedAt), status.Plain(b.By), dash(status.Plain(b.Verdict)),
			status.Number(o.Main.Rows), status.Number(o.Late.Rows), status.Number(o.Quarantine.Rows), status.Number(all.Files), status.Size(all.Bytes)})
	}
	t.grid("Batches that wrote rows of this day, with what they wrote of it", w)
	for i := range d.Batches {
		t.files("Files of record "+status.Number(d.Batches[i].Seq), d.Batches[i].Files)
	}
}

// outputs are the batch's files of the day.
func (b *DayBatch) outputs() Outputs {
	var o Outputs
	for i := range b.Files {
		o.add(&b.Files[i])
	}
	return o
}
