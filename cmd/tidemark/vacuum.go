package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/status"
	"tidemark/internal/store"
)

// vacuumCommand is `tidemark vacuum`.
type vacuumCommand struct {
	Config    string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table     string `placeholder:"T" help:"Only this table."`
	OlderThan age    `placeholder:"AGE" help:"Spare what was written within this time, such as 12h or 7d. No age makes a file one that may go."`
	Yes       bool   `help:"Remove. Without it nothing is changed."`
	JSON      bool   `name:"json" help:"Write JSON, one document."`
}

// Help is shown by --help.
func (vacuumCommand) Help() string {
	return "A process that was killed leaves files in staging, and each published batch a manifest. What may go is what the ledger shows to be dead: a partition was decided past the start of the batch, " +
		"and the batch is not among those that may still have to be published. This holds whoever runs beside it, for however long. The rest stays, with the reason.\n\n" +
		example("tidemark vacuum -c tidemark.yaml", "tidemark vacuum -c tidemark.yaml --older-than 7d --yes")
}

// age is a duration that may be in days.
type age time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *age) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if days, ok := strings.CutSuffix(string(b), "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not an age: write 30m, 12h or 7d", b)
	}
	*a = age(d)
	return nil
}

// vacuumWorkers is how many batches are looked at and removed at a time: most of it is
// waiting for an object store.
const vacuumWorkers = 16

// Run vacuums table after table.
func (c *vacuumCommand) Run(ctx context.Context, p *program) error {
	on, err := openTables(ctx, c.Config, c.Table)
	if err != nil {
		return err
	}
	doc := vacuumed{DryRun: !c.Yes, Tables: []vacuumedTable{}}
	for _, t := range on.tables {
		done, err := c.table(ctx, p, on.lake, t.Schema.Name)
		doc.Tables = append(doc.Tables, done)
		if !c.JSON {
			done.text(p, c.Yes)
		}
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(doc)
	}
	if doc.dead() > 0 && !c.Yes {
		_, err = fmt.Fprintln(p.stdout, "nothing was removed: say --yes to do it")
	}
	return err
}

func (c *vacuumCommand) table(ctx context.Context, p *program, lake store.Lake, table string) (vacuumedTable, error) {
	out := vacuumedTable{Table: table, Stays: []stay{}}
	var sofar atomic.Pointer[sample]
	sofar.Store(&sample{unit: "files"})
	options := ledger.VacuumOptions{Remove: c.Yes, Workers: vacuumWorkers, Done: func(l *ledger.Leftover, all int) {
		out.add(l)
		s := *sofar.Load()
		s.rows, s.bytes, s.done, s.total = s.rows+l.Files, s.bytes+l.Bytes, s.done+1, int64(all)
		sofar.Store(&s)
	}}
	if c.OlderThan > 0 {
		options.Before = time.Now().Add(-time.Duration(c.OlderThan))
	}
	following, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		p.follow(following, "vacuuming "+table, func() sample { return *sofar.Load() })
	})
	err := ledger.Vacuum(ctx, ledger.New(lake, table), lake, options)
	stop()
	beside.Wait()
	slices.SortFunc(out.Stays, func(a, b stay) int { return strings.Compare(a.Batch, b.Batch) })
	return out, err
}

// vacuumed is the document of --json.
type vacuumed struct {
	DryRun bool            `json:"dry_run"`
	Tables []vacuumedTable `json:"tables"`
}

func (v *vacuumed) dead() (n int64) {
	for i := range v.Tables {
		n += v.Tables[i].Dead.Batches
	}
	return n
}

type vacuumedTable struct {
	Table   string `json:"table"`
	Dead    amount `json:"dead"`    // what may go
	Removed amount `json:"removed"` // what went
	Stays   []stay `json:"stays"`
}

type amount struct {
	Batches int64 `json:"batches"`
	Files   int64 `json:"files"`
	Bytes   int64 `json:"bytes"`
}

type stay struct {
	Batch string `json:"batch"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
	Why   string `json:"why"`
	kind  string
}

func (a *amount) add(l *ledger.Leftover) {
	a.Batches++
	a.Files += l.Files
	a.Bytes += l.Bytes
}

func (a amount) String() string {
	return fmt.Sprintf("%s (%s, %s)", status.Count(a.Batches, "batch"), status.Count(a.Files, "file"), status.Size(a.Bytes))
}

func (t *vacuumedTable) add(l *ledger.Leftover) {
	kinds := map[ledger.Verdict]string{
		ledger.Waiting: "no partition was decided past the start, it may still be decided",
		ledger.Needed:  "decided since the last checkpoint, and perhaps still needed",
		ledger.Unknown: "the manifest is missing or cannot be read, nothing tells whether it is needed",
		ledger.Dead:    "younger than --older-than",
	}
	if l.Removed {
		t.Removed.add(l)
	}
	if l.Verdict == ledger.Dead && !l.Young {
		t.Dead.add(l)
		return
	}
	s := stay{Batch: l.Batch, Files: l.Files, Bytes: l.Bytes, Why: l.Why, kind: kinds[l.Verdict]}
	if l.Young {
		s.Why = s.kind
	}
	t.Stays = append(t.Stays, s)
}

// shownStays is how many batches that stay are named for each reason.
const shownStays = 3

// text is what a person reads of a table.
func (t *vacuumedTable) text(p *program, removed bool) {
	switch {
	case t.Dead.Batches == 0:
		fmt.Fprintf(p.stdout, "%s: nothing in staging can go\n", t.Table)
	case removed:
		fmt.Fprintf(p.stdout, "%s: %s removed from staging\n", t.Table, t.Removed)
	default:
		fmt.Fprintf(p.stdout, "%s: %s could go from staging\n", t.Table, t.Dead)
	}
	byKind := map[string]*amount{}
	named := map[string][]string{}
	var kinds []string
	for i := range t.Stays {
		s := &t.Stays[i]
		if byKind[s.kind] == nil {
			byKind[s.kind] = &amount{}
			kinds = append(kinds, s.kind)
		}
		byKind[s.kind].add(&ledger.Leftover{Files: s.Files, Bytes: s.Bytes})
		if len(named[s.kind]) < shownStays {
			named[s.kind] = append(named[s.kind], s.Batch)
		}
	}
	for _, kind := range kinds {
		more := ""
		if byKind[kind].Batches > shownStays {
			more = ", …"
		}
		fmt.Fprintln(p.stdout, status.Plain(fmt.Sprintf("%s: %s kept: %s: %s%s", t.Table, byKind[kind], kind, strings.Join(named[kind], ", "), more)))
	}
}
