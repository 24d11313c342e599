package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"tidemark/internal/ledger"
)

// mostBroken is how many files of a run are named that did not come to their end.
const mostBroken = 100

// fold makes a Summary of records that come one at a time, in order.
type fold struct {
	sum      Summary
	stride   int64 // numbers in a step
	days     map[string]*Day
	decided  map[string]*Decided
	checks   map[string]*Check
	nulls    map[string]*Null
	deciders map[Decider]int         // their place; the key has no counts and times
	rejected map[string]*ledger.File // of the quarantine, by their name as a source
}

// newFold is for records with numbers from first to last.
func newFold(first, last int64) *fold {
	f := &fold{
		sum:  Summary{First: first, Last: last},
		days: map[string]*Day{}, decided: map[string]*Decided{}, checks: map[string]*Check{}, nulls: map[string]*Null{}, deciders: map[Decider]int{}, rejected: map[string]*ledger.File{},
	}
	total := last - first + 1
	f.stride = max(1, total/Steps)
	if f.stride*Steps < total {
		f.stride++
	}
	for left := total; left > 0; left -= f.stride { // counts down: numbers may end where int64 does
		at := last - left + 1
		f.sum.Steps = append(f.sum.Steps, Step{First: at, Last: at + min(f.stride, left) - 1})
	}
	return f
}

func (f *fold) add(r *ledger.Record) {
	s := &f.sum
	place := int((r.Seq - s.First) / f.stride)
	step := &s.Steps[place]
	s.From, s.To = span(s.From, s.To, r.DecidedAt)
	step.From, step.To = span(step.From, step.To, r.DecidedAt)
	f.addDecider(r)
	switch r.Kind {
	case ledger.KindBatch:
		s.Records.Batch++
		f.addBatch(r, place)
	case ledger.KindClaim:
		s.Records.Claim++
		c := Claim{Seq: r.Seq, DecidedAt: r.DecidedAt, By: by(r), Why: r.Why, Sources: slices.Clip(r.Sources)}
		for i := range r.Sources {
			c.Lost += r.Sources[i].Skipped
		}
		s.Claims = newest(s.Claims, c, &s.Omitted.Claims)
	case ledger.KindHalt:
		s.Records.Halt++
		step.Halts++
		f.onDay(r).Halts++
		s.Halts = newest(s.Halts, Halt{Seq: r.Seq, DecidedAt: r.DecidedAt, By: by(r), Why: r.Why, Counts: r.Counts,
			Failed: failed(r), Samples: r.Samples}, &s.Omitted.Halts)
	case ledger.KindRun:
		s.Records.Run++
		run := Run{Seq: r.Seq, DecidedAt: r.DecidedAt, By: by(r)}
		if r.Run != nil {
			run.Run, run.FailedTotal = *r.Run, int64(len(r.Run.Failed))
			run.Failed = slices.Clone(r.Run.Failed[:min(len(r.Run.Failed), mostBroken)])
		}
		s.Runs = newest(s.Runs, run, &s.Omitted.Runs)
	}
}

func (f *fold) addBatch(r *ledger.Record, place int) {
	s := &f.sum
	s.Counts.Add(r.Counts)
	if t := r.Watermark; t != nil && (s.Watermark == nil || *t > *s.Watermark) {
		s.Watermark = t
	}
	day := f.onDay(r)
	day.Batches++
	day.Counts.Add(r.Counts)
	for i := range r.Files {
		s.Outputs.add(&r.Files[i])
		name := r.Files[i].Day()
		if f.days[name] == nil {
			f.days[name] = &Day{Day: name}
		}
		f.days[name].add(&r.Files[i])
		if r.Files[i].Output == ledger.Quarantine {
			f.rejected[ledger.QuarantineSource(r.Files[i].Path)] = &r.Files[i]
		}
	}
	f.addReplay(r)
	if t := r.TimingsMS; t != nil {
		s.TimingsMS.Read += t.Read
		s.TimingsMS.Decode += t.Decode
		s.TimingsMS.Check += t.Check
		s.TimingsMS.Encode += t.Encode
		s.TimingsMS.Stage += t.Stage
		s.TimingsMS.Decide += t.Decide
		s.TimingsMS.Publish += t.Publish
	}
	verdict := verdictOf(r)
	s.Verdicts.add(verdict)
	s.Steps[place].Verdicts.add(verdict)
	s.Steps[place].Read += r.Counts.Read
	if r.Quality != nil {
		for i := range r.Quality.Checks {
			f.addCheck(r, &r.Quality.Checks[i], place)
		}
	}
	for column, n := range r.Nulls {
		v, room := entry(f.nulls, column)
		if !room {
			s.Omitted.Nulls++
			continue
		}
		if v.Steps == nil {
			v.Column, v.Steps = column, make([]int64, len(s.Steps))
		}
		v.Nulls += n
		v.Steps[place] += n
	}
	for _, d := range r.Drift {
		if len(s.Drift) == Listed {
			s.Omitted.Drift++
			continue
		}
		s.Drift = append(s.Drift, Drift{Seq: r.Seq, DecidedAt: r.DecidedAt, Drift: d})
	}
}

// addReplay lets the rows of a replay count as they are since. Files that were written by
// records which are not in the report are not in its numbers either.
func (f *fold) addReplay(r *ledger.Record) {
	n := r.Replayed()
	if n == 0 {
		return
	}
	s := &f.sum
	s.Replayed.Batches, s.Replayed.Rows, s.Replayed.Files = s.Replayed.Batches+1, s.Replayed.Rows+n, s.Replayed.Files+int64(len(r.Sources))
	for i := range r.Sources {
		was := f.rejected[r.Sources[i].File]
		if was == nil {
			continue
		}
		delete(f.rejected, r.Sources[i].File)
		s.Counts.Read -= was.Rows
		s.Counts.Quarantined -= was.Rows
		s.Outputs.drop(was)
		f.days[was.Day()].drop(was)
	}
}

func (f *fold) addCheck(r *ledger.Record, c *ledger.Check, place int) {
	v, room := entry(f.checks, c.Name)
	if !room {
		f.sum.Omitted.Checks++
		return
	}
	if v.Steps == nil {
		v.Name, v.Steps = c.Name, make([]CheckStep, len(f.sum.Steps))
	}
	v.Severity = c.Severity
	v.Verdicts.add(c.Verdict)
	v.Failed += c.Failed
	v.Checked += c.Checked
	step := &v.Steps[place]
	step.Failed += c.Failed
	step.Checked += c.Checked
	if badness(c.Verdict) > badness(step.Verdict) {
		step.Verdict = c.Verdict
	}
	if badness(c.Verdict) > badness("PASS") {
		v.LastFailed = &Failure{Seq: r.Seq, DecidedAt: r.DecidedAt, Verdict: c.Verdict, Detail: c.Detail}
	}
}

func (f *fold) addDecider(r *ledger.Record) {
	d := r.DecidedBy
	key := Decider{User: d.User, Host: d.Host, Version: d.Version, ConfigHash: d.ConfigHash}
	at, known := f.deciders[key]
	if !known {
		if len(f.sum.Deciders) == Listed {
			f.sum.Omitted.Deciders++
			return
		}
		at = len(f.sum.Deciders)
		f.deciders[key] = at
		key.First, key.Last = r.DecidedAt, r.DecidedAt
		f.sum.Deciders = append(f.sum.Deciders, key)
	}
	v := &f.sum.Deciders[at]
	v.Records++
	v.First, v.Last = min(v.First, r.DecidedAt), max(v.Last, r.DecidedAt)
}

// onDay is the day on which a record was decided.
func (f *fold) onDay(r *ledger.Record) *Decided {
	name := r.DecidedAt.Time().Format("2006-01-02")
	if f.decided[name] == nil {
		f.decided[name] = &Decided{Day: name}
	}
	return f.decided[name]
}

// summary is what all records come to. The fold is over then.
func (f *fold) summary() *Summary {
	s := &f.sum
	s.Balance = s.Counts.Balance()
	for _, ms := range []*float64{&s.TimingsMS.Read, &s.TimingsMS.Decode, &s.TimingsMS.Check, &s.TimingsMS.Encode, &s.TimingsMS.Stage, &s.TimingsMS.Decide, &s.TimingsMS.Publish} {
		*ms = math.Round(*ms*1000) / 1000 // as records have them: sums of floats have more digits than that
	}
	s.Days = values(f.days, func(d *Day) string { return d.Day })
	s.Decided = values(f.decided, func(d *Decided) string { return d.Day })
	s.Checks = values(f.checks, func(c *Check) string { return c.Name })
	s.Nulls = values(f.nulls, func(n *Null) string { return n.Column })
	s.Steps, s.Drift, s.Halts = orEmpty(s.Steps), orEmpty(s.Drift), orEmpty(s.Halts)
	s.Claims, s.Runs, s.Deciders = orEmpty(s.Claims), orEmpty(s.Runs), orEmpty(s.Deciders)
	for i := range s.Halts {
		s.Halts[i].Samples = orEmpty(s.Halts[i].Samples)
	}
	for i := range s.Runs {
		s.Runs[i].Failed = orEmpty(s.Runs[i].Failed)
	}
	for i := range s.Claims {
		s.Claims[i].Sources = orEmpty(s.Claims[i].Sources)
	}
	return s
}

// collect adds a batch to those of a day, if it wrote rows of it. A file in no day's
// folder belongs to all days that its event times reach.
func (d *OneDay) collect(r *ledger.Record) {
	if r.Kind != ledger.KindBatch {
		return
	}
	for i := range r.Sources {
		if path, ok := r.Sources[i].Key().Quarantined(); ok {
			d.replayed(path)
		}
	}
	b := DayBatch{Seq: r.Seq, Batch: r.Batch, DecidedAt: r.DecidedAt, By: by(r), Verdict: verdictOf(r), Counts: r.Counts}
	for i := range r.Files {
		if f := &r.Files[i]; d.has(f) {
			b.Files = append(b.Files, *f)
			d.Outputs.add(f)
		}
	}
	if b.Files != nil {
		d.Batches = append(d.Batches, b)
	}
}

// replayed makes a file of the quarantine history, if it is one of the day's.
func (d *OneDay) replayed(path string) {
	for i := range d.Batches {
		b := &d.Batches[i]
		if j := slices.IndexFunc(b.Files, func(f ledger.File) bool { return f.Path == path }); j >= 0 {
			b.Replayed = append(b.Replayed, path)
			d.Outputs.drop(&b.Files[j])
		}
	}
}

func (d *OneDay) has(f *ledger.File) bool {
	if day := f.Day(); day != "" || f.MinEventTime == nil || f.MaxEventTime == nil {
		return day == d.Day
	}
	return f.MinEventTime.Time().Format("2006-01-02") <= d.Day && d.Day <= f.MaxEventTime.Time().Format("2006-01-02")
}

func by(r *ledger.Record) string { return fmt.Sprintf("%s/%d", r.DecidedBy.Host, r.DecidedBy.PID) }

func verdictOf(r *ledger.Record) string {
	if r.Quality == nil {
		return ""
	}
	return r.Quality.Verdict
}

// failed names the checks that did not pass.
func failed(r *ledger.Record) []string {
	out := []string{}
	if r.Quality != nil {
		for i := range r.Quality.Checks {
			if c := &r.Quality.Checks[i]; badness(c.Verdict) > badness("PASS") {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

func badness(verdict string) int {
	switch verdict {
	case "":
		return 0
	case "PASS":
		return 1
	case "WARN":
		return 2
	}
	return 3
}

func span(from, to *ledger.Time, at ledger.Time) (*ledger.Time, *ledger.Time) {
	if from == nil {
		return new(at), new(at)
	}
	return new(min(*from, at)), new(max(*to, at))
}

// newest adds to a list that keeps its last entries.
func newest[T any](list []T, v T, omitted *int64) []T {
	if len(list) == Listed {
		*omitted++
		copy(list, list[1:])
		list = list[:Listed-1]
	}
	return append(list, v)
}

// entry is the value of a name, made if there is room for it.
func entry[T any](m map[string]*T, name string) (v *T, room bool) {
	if v = m[name]; v == nil {
		if len(m) == Listed {
			return nil, false
		}
		v = new(T)
		m[name] = v
	}
	return v, true
}

func values[T any](m map[string]*T, name func(*T) string) []T {
	out := make([]T, 0, len(m))
	for _, v := range slices.SortedFunc(maps.Values(m), func(a, b *T) int { return cmp.Compare(name(a), name(b)) }) {
		out = append(out, *v)
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
