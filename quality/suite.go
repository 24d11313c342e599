package quality

import (
	"fmt"
	"sync"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Suite is the compiled checks of a table. Any number of goroutines may share it.
type Suite struct {
	table  *schema.Table
	checks []*check
	// unique is the indices of the checks of keys: those of severity fail, then the
	// others.
	unique []int
	fails  int // how many of unique are of severity fail

	references []Reference // of the reference checks, in their order
	dedupe     *dedupe     // nil: none

	mu   sync.Mutex
	idle []*run // guarded by mu
}

// check is one compiled check.
type check struct {
	name     string
	severity Severity
	want     string // what holds, in words: made once, shared by all rejects
	column   int16  // of its rejects, −1 if it looks at more than one
	atLeast  float64

	// columns are those whose missing values the check leaves out of what it counts
	// as checked; nil if it judges them too.
	columns []int
	test    test // nil for unique checks
	key     *key // of unique checks
	scope   Scope
	ref     *referenced // of reference checks
}

// test is what one kind of check does with a batch.
type test interface {
	// judge sets in out the rows that do not hold. What it says of rows that are not
	// live does not matter, but their values may be anything.
	judge(r *run, out bitmap)
}

// Names lists the names of the checks, in the order of Report.Results.
func (s *Suite) Names() []string {
	names := make([]string, len(s.checks))
	for i, c := range s.checks {
		names[i] = c.name
	}
	return names
}

// Run checks the rows of b that are written or late, quarantines those that a
// check of severity fail refuses, and reports. The same batch, run again, would
// be judged without the rows refused before. It knows no batch but this one: a key
// is held against its rows alone, and a reference finds nothing.
func (s *Suite) Run(b *batch.Batch) Report {
	report, _ := s.Begin(b, nil).Finish(nil) // only keys of other batches can fail
	return report
}

// Judgement is a batch that is being checked: everything is known but what depends on
// the batches before it. It belongs to the goroutine that holds the batch, and is
// ended by Finish or Drop.
type Judgement struct {
	suite  *Suite
	run    *run
	report Report
}

// Begin judges all that does not depend on the batches before b: everything but keys.
// Known are the sets that Suite.References names, in that order. Where one is not
// given, nothing is in it.
func (s *Suite) Begin(b *batch.Batch, known []Known) *Judgement {
	r := s.borrow()
	r.start(b, len(s.checks))
	r.known = known
	report := Report{Results: make([]Result, len(s.checks)), Checked: r.live.count()}
	for i, c := range s.checks {
		if c.test != nil {
			c.test.judge(r, r.bad[i])
			r.bad[i].and(r.live)
			report.Results[i] = c.result(r, r.bad[i], r.live)
			if c.ref != nil && c.ref.index < len(known) {
				report.Results[i].Version = known[c.ref.index].Version
			}
			if report.Results[i].Verdict == VerdictFail {
				r.refused.or(r.bad[i])
			}
		}
	}
	return &Judgement{suite: s, run: r, report: report}
}

// Missed reports whether a row has a reference that is not known: a newer set may
// have it.
func (j *Judgement) Missed() bool {
	for i, c := range j.suite.checks {
		if c.ref != nil && j.report.Results[i].Failed > 0 {
			return true
		}
	}
	return false
}

// Drop ends the judgement and leaves the batch as it is.
func (j *Judgement) Drop() { j.suite.handBack(j.run) }

// Finish judges the keys, quarantines what is refused, gives duplicates their fate,
// and reports. Batches of a table come here in their order, each after Keys.Hold of
// the one before. K may be nil: no batch was before. An error comes from the Spill of
// k, and leaves the batch as it was.
func (j *Judgement) Finish(k *Keys) (Report, error) {
	s, r, report := j.suite, j.run, &j.report
	defer s.handBack(r)
	k.lock()
	defer k.unlock()
	r.shared = k
	if err := s.judgeKeys(r, report); err != nil {
		return Report{}, err
	}
	for i := range report.Results {
		report.Verdict = max(report.Verdict, report.Results[i].Verdict)
	}
	report.Nulls = s.countNulls(r)
	report.Rejected = s.reject(r, report)
	for w, word := range r.doubles {
		each(w, word, func(row int) { r.b.Fates[row] = batch.Duplicate })
	}
	report.Duplicates = r.doubles.count()
	return *report, nil
}

// result counts what a check found among rows.
func (c *check) result(r *run, bad, rows bitmap) Result {
	res := Result{Name: c.name, Severity: c.severity, Failed: bad.count(), Detail: c.want}
	seen := r.take()
	copy(seen, rows)
	for _, column := range c.columns {
		seen.andNot(r.missing[column])
	}
	res.Checked = seen.count()
	r.give(seen)
	if t, ok := c.test.(*complete); ok {
		n := t.refused(r.b)
		res.Failed, res.Checked = res.Failed+n, res.Checked+n
	}
	if res.Failed == 0 {
		return res
	}
	share := float64(res.Checked-res.Failed) / float64(res.Checked)
	res.Detail = fmt.Sprintf("%s; %d of %d rows fail", c.want, res.Failed, res.Checked)
	if c.atLeast < 1 {
		res.Detail += fmt.Sprintf(" (%s %% hold, %s %% suffice)", percent(share), percent(c.atLeast))
		if share >= c.atLeast {
			return res
		}
	}
	res.Verdict = VerdictFail
	if c.severity == Warn {
		res.Verdict = VerdictWarn
	}
	return res
}

// countNulls counts the missing values of each column among the rows looked at.
func (s *Suite) countNulls(r *run) map[string]int64 {
	var out map[string]int64
	for c, missing := range r.missing {
		if missing == nil {
			continue
		}
		missing.and(r.live)
		if n := missing.count(); n > 0 {
			if out == nil {
				out = map[string]int64{}
			}
			out[s.table.Columns[c].Name] = n
		}
	}
	return out
}

// reject quarantines the refused rows, with a reject per check that refuses one.
func (s *Suite) reject(r *run, report *Report) int64 {
	r.failing = r.failing[:0]
	for i, c := range s.checks {
		if c.test != nil && report.Results[i].Verdict == VerdictFail {
			r.failing = append(r.failing, i)
		}
	}
	for _, i := range s.unique { // keys come last (Q4), and so do their reasons
		if report.Results[i].Verdict == VerdictFail {
			r.failing = append(r.failing, i)
		}
	}
	from := len(r.b.Rejects)
	for w, word := range r.refused {
		each(w, word, func(row int) {
			r.b.Fates[row] = batch.Quarantined
			for _, i := range r.failing {
				if c := s.checks[i]; r.bad[i].has(row) {
					r.b.Rejects = append(r.b.Rejects, batch.Reject{
						Row: int32(row), Column: c.column, Stage: batch.StageQuality, Reason: c.name, Want: c.want, At: -1,
					})
				}
			}
		})
	}
	r.b.MergeRejects(from)
	return r.refused.count()
}

// Bytes is the memory that the suite holds between runs.
func (s *Suite) Bytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idle {
		n += r.bytes()
	}
	return n
}

func (s *Suite) borrow() *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		r := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return r
	}
	return &run{keys: make([]keys, len(s.unique)), row: newRowVars(s.table)}
}

func (s *Suite) handBack(r *run) {
	r.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, r)
}
