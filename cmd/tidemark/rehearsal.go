package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/status"
)

// rehearsal gathers what a dry run would have decided.
type rehearsal struct {
	mu      sync.Mutex
	batches int64
	counts  ledger.Counts
	days    map[string]int64
	checks  map[string]*ledger.Check
	order   []string
	drift   map[ledger.DriftKey]ledger.Drift
	rejects []pipeline.Rejected
	halts   []string
}

const rehearsedRejects = 20

func newRehearsal() *rehearsal {
	return &rehearsal{days: map[string]int64{}, checks: map[string]*ledger.Check{}, drift: map[ledger.DriftKey]ledger.Drift{}}
}

// add takes in a batch.
func (r *rehearsal) add(d *pipeline.Dry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches++
	r.counts.Add(d.Counts)
	for day, rows := range d.Days {
		r.days[day] += rows
	}
	for _, c := range d.Quality.Checks {
		sum := r.checks[c.Name]
		if sum == nil {
			sum = &ledger.Check{Name: c.Name, Severity: c.Severity, Verdict: c.Verdict}
			r.checks[c.Name] = sum
			r.order = append(r.order, c.Name)
		}
		sum.Failed += c.Failed
		sum.Checked += c.Checked
		if c.Verdict != "PASS" {
			sum.Verdict = c.Verdict
		}
	}
	for _, dr := range d.Drift {
		k := ledger.DriftKey{Change: dr.Change, Column: dr.Column, From: dr.From, To: dr.To}
		if _, known := r.drift[k]; !known {
			r.drift[k] = dr
		}
	}
	if room := rehearsedRejects - len(r.rejects); room > 0 {
		r.rejects = append(r.rejects, d.Rejects[:min(room, len(d.Rejects))]...)
	}
	if d.Halt != "" {
		r.halts = append(r.halts, d.Halt)
	}
}

// rehearsed is what a dry run prints as JSON.
type rehearsed struct {
	Files   *ledger.Run       `json:"files,omitempty"` // of a backfill
	Batches int64             `json:"batches"`
	Counts  ledger.Counts     `json:"counts"`
	Days    map[string]int64  `json:"days"`
	Checks  []ledger.Check    `json:"checks"`
	Drift   []ledger.Drift    `json:"drift"`
	Rejects []rehearsedReject `json:"rejects"`
	Halts   []string          `json:"halts"`
}

type rehearsedReject struct {
	At     ledger.Origin `json:"at"`
	Detail string        `json:"detail"`
}

// show prints what would have been.
func (r *rehearsal) show(p *program, run *ledger.Run, asJSON bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var checks []ledger.Check
	for _, name := range r.order {
		checks = append(checks, *r.checks[name])
	}
	drift := slices.SortedFunc(maps.Values(r.drift), func(a, b ledger.Drift) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Column, b.Column), cmp.Compare(a.From, b.From))
	})
	if asJSON {
		out := rehearsed{Files: run, Batches: r.batches, Counts: r.counts, Days: r.days, Checks: checks, Drift: drift, Halts: r.halts}
		for _, x := range r.rejects {
			out.Rejects = append(out.Rejects, rehearsedReject{x.At, x.Detail})
		}
		return json.NewEncoder(p.stdout).Encode(out)
	}
	w := p.stdout
	fmt.Fprintf(w, "dry run: nothing is written\n\n%s\n", status.Fates([]status.Table{{Table: "would be", Totals: r.counts}}))
	if run == nil {
		run = &ledger.Run{} // of a replay: there are no raw files
	} else {
		fmt.Fprintf(w, "files: %s matched, %s read, %s without rows, %s done before and unchanged, %s failed\n",
			status.Number(run.Found), status.Number(run.Read), status.Number(run.Empty), status.Number(run.Skipped), status.Number(int64(len(run.Failed))))
	}
	days := status.Grid("folder", "+rows")
	for _, day := range slices.Sorted(maps.Keys(r.days)) {
		name := day
		if name == "" {
			name = "(the table's own)"
		}
		days.AppendRow(table.Row{name, status.Number(r.days[day])})
	}
	fmt.Fprintf(w, "\n%s\n", days.Render())
	if len(checks) > 0 {
		g := status.Grid("check", "verdict", "+failed", "+checked")
		for _, c := range checks {
			g.AppendRow(table.Row{status.Plain(c.Name), c.Verdict, status.Number(c.Failed), status.Number(c.Checked)})
		}
		fmt.Fprintf(w, "\n%s\n", g.Render())
	}
	if len(drift) > 0 {
		g := status.Grid("drift", "column", "from", "to", "first at")
		for _, d := range drift {
			g.AppendRow(table.Row{d.Change, status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To), status.Plain(d.FirstAt.String())})
		}
		fmt.Fprintf(w, "\n%s\n", g.Render())
	}
	if len(r.rejects) > 0 {
		g := status.Grid("rejected, for example", "why")
		for _, x := range r.rejects {
			g.AppendRow(table.Row{status.Plain(x.At.String()), status.Plain(x.Detail)})
		}
		fmt.Fprintf(w, "\n%s\n", g.Render())
	}
	for _, h := range r.halts {
		fmt.Fprintf(w, "\nit would halt: %s\n", status.Plain(h))
	}
	for _, f := range run.Failed {
		fmt.Fprintf(w, "\nfailed: %s\n", status.Plain(f.Why))
	}
	return nil
}
