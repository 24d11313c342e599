// Package status owns what a table looks like from outside: one Document, which
// is the JSON of `tidemark status --json` and of /status, and its two forms for
// people, on a terminal (Text) and in a browser (Page).
//
// In goes a folded ledger.State with what only Kafka and a running process know
// (Live); out comes a Table that holds no reference to either. Read gets what the
// ledger's part needs from a lake and writes nothing. The package reaches no
// broker: where the partitions end is brought by the caller, and absent when Kafka
// is away.
//
// All times are UTC. Text from outside (topics, hosts, reasons) is shown with
// control characters taken out, and escaped in the page. Everything here may be
// called concurrently; nothing is kept.
package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/internal/ledger"
)

// Shown is how many batches and days a Table holds.
const Shown = 10

// Document is the state of a lake's tables at one moment.
type Document struct {
	At      ledger.Time `json:"at"`
	Version string      `json:"version"`
	Lake    string      `json:"lake"`
	Kafka   string      `json:"kafka_error,omitempty"` // why ends and lags are missing
	Tables  []Table     `json:"tables"`
}

// Table is the state of one table.
type Table struct {
	Table      string        `json:"table"`
	Head       int64         `json:"head"`       // the newest record, 0: none
	Mark       int64         `json:"mark"`       // everything below it is known as published
	Pending    int           `json:"pending"`    // batches decided and not published yet
	DecidedAt  *ledger.Time  `json:"decided_at"` // of the newest record
	Watermark  *ledger.Time  `json:"watermark"`
	Totals     ledger.Counts `json:"totals"`
	Balance    int64         `json:"balance"`  // 0, always
	Replayed   int64         `json:"replayed"` // rows that left a file of the quarantine in a replay
	Lag        *int64        `json:"lag"`      // null where Kafka is away
	Partitions []Partition   `json:"partitions"`
	RawFiles   RawFiles      `json:"raw_files"`
	Days       []Day         `json:"days"`    // touched by the batches below, newest first
	Batches    []Batch       `json:"batches"` // newest first
	Halts      []Halt        `json:"halts"`   // whose records are still in the way
	Halted     string        `json:"halted"`  // why this process stopped the table
	OpenRows   int64         `json:"open_rows"`
	Oldest     *ledger.Time  `json:"oldest_undecided"` // Kafka time of the oldest record in this process
}

// Partition is how far one partition is decided.
type Partition struct {
	Topic        string         `json:"topic"`
	TopicID      ledger.TopicID `json:"topic_id"`
	Partition    int32          `json:"partition"`
	Next         *int64         `json:"next"` // null: the ledger does not know it yet
	End          *int64         `json:"end"`  // null: not known
	Lag          *int64         `json:"lag"`
	Idle         bool           `json:"idle"`
	Retired      bool           `json:"retired"` // its topic was made anew
	MaxEventTime *ledger.Time   `json:"max_event_time"`
}

// RawFiles are the files that backfills have read.
type RawFiles struct {
	Known int64 `json:"known"` // of which something is decided
	Done  int64 `json:"done"`  // to their end
	Runs  int64 `json:"runs"`  // backfills that came to their end
}

func rawFiles(st *ledger.State) RawFiles {
	f := RawFiles{Runs: st.Runs}
	for k, p := range st.Sources {
		if _, ours := k.Quarantined(); k.File != "" && !ours {
			f.Known++
			if p.AtEnd {
				f.Done++
			}
		}
	}
	return f
}

// Day is a folder that batches wrote to.
type Day struct {
	Day   string `json:"day"`
	Rows  int64  `json:"rows"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// Batch is a decided or a halted batch.
type Batch struct {
	Seq       int64         `json:"seq"`
	Kind      ledger.Kind   `json:"kind"`
	Batch     string        `json:"batch"`
	DecidedAt ledger.Time   `json:"decided_at"`
	DecidedBy string        `json:"decided_by"`
	Counts    ledger.Counts `json:"counts"`
	Files     int           `json:"files"`
	Bytes     int64         `json:"bytes"`
	Watermark *ledger.Time  `json:"watermark"`
	Verdict   string        `json:"verdict"` // empty: it had nothing to judge
	Failed    []string      `json:"failed"`  // checks that did not pass
	Why       string        `json:"why,omitempty"`
}

// Halt is a batch that quality stopped.
type Halt struct {
	Seq    int64    `json:"seq"`
	Why    string   `json:"why"`
	Ranges []string `json:"ranges"`
}

// Live is what only Kafka and a running process know of a table.
type Live struct {
	Ends     map[ledger.Key]int64 // where partitions end; nil: Kafka is away
	Recent   []*ledger.Record     // the newest records, in any order
	Pending  int                  // batches decided and not published
	Halted   string
	OpenRows int64
	Oldest   time.Time
}

// Of makes the table's state of its ledger's and of what is known live.
func Of(st *ledger.State, live Live) Table {
	t := Table{
		Table: st.Table, Head: st.Head, Mark: st.Mark, Pending: live.Pending, Watermark: st.Watermark,
		Totals: st.Totals, Balance: st.Totals.Balance(), Replayed: st.Replayed, Halted: live.Halted, OpenRows: live.OpenRows,
		Partitions: partitions(st, live.Ends), RawFiles: rawFiles(st), Batches: batches(live.Recent), Days: days(live.Recent), Halts: []Halt{},
	}
	if st.Head > 0 {
		t.DecidedAt = &st.DecidedAt
	}
	if !live.Oldest.IsZero() {
		t.Oldest = new(ledger.At(live.Oldest))
	}
	if live.Ends != nil {
		t.Lag = new(int64(0))
		for _, p := range t.Partitions {
			if p.Lag != nil {
				*t.Lag += *p.Lag
			}
		}
	}
	for _, h := range st.Halts {
		halt := Halt{Seq: h.Seq, Why: h.Why}
		for _, r := range h.Ranges {
			halt.Ranges = append(halt.Ranges, fmt.Sprintf("%s [%d, %d)", r.Source.Place(), r.From, r.To))
		}
		t.Halts = append(t.Halts, halt)
	}
	return t
}

// partitions are those of the ledger and those that only Kafka knows yet.
func partitions(st *ledger.State, ends map[ledger.Key]int64) []Partition {
	keys := map[ledger.Key]bool{}
	for k := range st.Sources {
		keys[k] = k.File == ""
	}
	for k := range ends {
		keys[k] = k.File == ""
	}
	maps.DeleteFunc(keys, func(_ ledger.Key, partition bool) bool { return !partition })
	out := []Partition{}
	for _, k := range slices.SortedFunc(maps.Keys(keys), compareKeys) {
		p := Partition{Topic: k.Topic, TopicID: k.TopicID, Partition: k.Partition}
		progress, known := st.Sources[k]
		if known {
			p.Next = new(progress.Next)
			p.Idle, p.Retired, p.MaxEventTime = progress.AtEnd, progress.Retired, progress.MaxEventTime
		}
		if end, ok := ends[k]; ok {
			p.End = new(end)
			if known {
				p.Lag = new(max(0, end-progress.Next))
			}
		}
		out = append(out, p)
	}
	return out
}

func compareKeys(a, b ledger.Key) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), slices.Compare(a.TopicID[:], b.TopicID[:]), cmp.Compare(a.Partition, b.Partition))
}

func batches(recent []*ledger.Record) []Batch {
	out := []Batch{}
	for _, r := range recent {
		if r.Kind != ledger.KindBatch && r.Kind != ledger.KindHalt {
			continue
		}
		b := Batch{
			Seq: r.Seq, Kind: r.Kind, Batch: r.Batch, DecidedAt: r.DecidedAt, Counts: r.Counts, Files: len(r.Files), Watermark: r.Watermark,
			DecidedBy: fmt.Sprintf("%s/%d", r.DecidedBy.Host, r.DecidedBy.PID), Failed: []string{}, Why: r.Why,
		}
		for i := range r.Files {
			b.Bytes += r.Files[i].Bytes
		}
		if r.Quality != nil {
			b.Verdict = r.Quality.Verdict
			for _, c := range r.Quality.Checks {
				if c.Verdict != "PASS" {
					b.Failed = append(b.Failed, fmt.Sprintf("%s (%s of %s)", c.Name, Number(c.Failed), Number(c.Checked)))
				}
			}
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Batch) int { return cmp.Compare(b.Seq, a.Seq) })
	return out[:min(len(out), Shown)]
}

// days are the folders of the main output that the batches wrote to.
func days(recent []*ledger.Record) []Day {
	byDay := map[string]*Day{}
	for _, r := range recent {
		for i := range r.Files {
			f := &r.Files[i]
			name := dayOf(f.Path)
			if f.Output != ledger.Main || name == "" {
				continue
			}
			d := byDay[name]
			if d == nil {
				d = &Day{Day: name}
				byDay[name] = d
			}
			d.Rows, d.Files, d.Bytes = d.Rows+f.Rows, d.Files+1, d.Bytes+f.Bytes
		}
	}
	out := []Day{}
	for _, d := range byDay {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Day) int { return strings.Compare(b.Day, a.Day) })
	return out[:min(len(out), Shown)]
}

// dayOf turns …/yyyy=2026/mm=11/dd=22/… into 2026-11-22, and "" into itself.
func dayOf(path string) string {
	var parts []string
	for _, folder := range strings.Split(path, "/") {
		if _, value, ok := strings.Cut(folder, "="); ok {
			parts = append(parts, value)
		}
	}
	if len(parts) > 3 {
		return strings.Join(parts[:3], "-") + " " + parts[3] + "h"
	}
	return strings.Join(parts, "-")
}
