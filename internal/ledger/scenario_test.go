package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/ledger"
)

// TestScenarios runs testdata/scenario. Commands:
//
//	fold     one record a line, folded into the state; prints the state
//	attempt  the proposal on the command line, then one answer a line; prints the actions
//	handover one look a line; prints the steps
//
// A record is: kind, then sources as topic[#id]/partition:from-to[,first][,end]
// [,max=µs][,epoch=N], and wm=µs, at=µs, version=N, seq=N, files=N, drift=column.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenario", func(t *testing.T, path string) {
		s := scenario{state: ledger.NewState("t")}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			switch d.Cmd {
			case "fold":
				s.fold(t, &out, d.Input)
			case "attempt":
				var words []string
				for _, a := range d.CmdArgs {
					words = append(words, a.String())
				}
				s.attempt(t, &out, words, d.Input)
			case "handover":
				handover(t, &out, d.Input)
			default:
				t.Fatalf("unknown command %q", d.Cmd)
			}
			return out.String()
		})
	})
}

type scenario struct{ state *ledger.State }

func (s *scenario) fold(t *testing.T, out *strings.Builder, input string) {
	for line := range strings.Lines(input) {
		r := s.record(t, strings.Fields(line))
		before := asJSON(t, s.state)
		next, err := s.state.Apply(r)
		if asJSON(t, s.state) != before {
			t.Errorf("%s: folding changed the state before", line)
		}
		// The order of sources must not matter.
		turned := *r
		turned.Sources = slices.Clone(r.Sources)
		slices.Reverse(turned.Sources)
		other, otherErr := s.state.Apply(&turned)
		if (err == nil) != (otherErr == nil) || err == nil && asJSON(t, other) != asJSON(t, next) {
			t.Errorf("%s: the order of its sources matters", line)
		}
		if err != nil {
			fmt.Fprintf(out, "refused: %v\n", err)
			if !errors.Is(err, ledger.ErrUnsafe) {
				t.Errorf("%s: got %v, want an error that is %v", line, err, ledger.ErrUnsafe)
			}
			continue
		}
		s.state = next
	}
	// What a checkpoint keeps must be all that there is.
	var back ledger.State
	if err := json.Unmarshal([]byte(asJSON(t, s.state)), &back); err != nil {
		t.Error(err)
	}
	if got, want := show(&back), show(s.state); got != want {
		t.Errorf("from JSON: got %s, want %s", got, want)
	}
	out.WriteString(show(s.state))
}

func (s *scenario) record(t *testing.T, words []string) *ledger.Record {
	r := &ledger.Record{Version: 1, Seq: s.state.Head + 1, Table: "t", Kind: ledger.Kind(words[0])}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "wm":
			r.Watermark = micros(t, value)
		case "at":
			r.DecidedAt = *micros(t, value)
		case "version":
			r.Version = number(t, value)
		case "seq":
			r.Seq = int64(number(t, value))
		case "drift":
			r.Drift = append(r.Drift, ledger.Drift{Change: "extra", Column: value})
		default:
			r.Sources = append(r.Sources, source(t, w))
		}
	}
	r.Batch = fmt.Sprint("b", r.Seq)
	for _, src := range r.Sources {
		r.Counts.Read += src.Records
	}
	r.Counts.Written = r.Counts.Read
	return r
}

func source(t *testing.T, word string) ledger.Source {
	parts := strings.Split(word, ",")
	place, span, _ := strings.Cut(parts[0], ":")
	topic, partition, _ := strings.Cut(place, "/")
	topic, id, _ := strings.Cut(topic, "#")
	from, to, ranged := strings.Cut(span, "-")
	src := ledger.Source{Topic: topic, Partition: int32(number(t, partition)), From: int64(number(t, from))}
	src.To = src.From
	if ranged {
		src.To = int64(number(t, to))
	}
	if id != "" {
		src.TopicID[15] = byte(number(t, id))
	}
	src.Records = src.To - src.From
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "first":
			src.First = true
		case "end":
			src.AtEnd = true
		case "max":
			src.MaxEventTime = micros(t, value)
		case "epoch":
			src.LeaderEpoch = int32(number(t, value))
		default:
			t.Fatalf("source %q: unknown %q", word, p)
		}
	}
	return src
}

func (s *scenario) attempt(t *testing.T, out *strings.Builder, words []string, input string) {
	who := ledger.Claimant{Kind: ledger.KindBatch, Batch: "ours", Nonce: "n1"}
	for _, w := range words {
		if kind, ok := strings.CutPrefix(w, "kind="); ok {
			who.Kind = ledger.Kind(kind)
			continue
		}
		who.Sources = append(who.Sources, source(t, w))
	}
	a := ledger.NewAttempt(who)
	for line := range strings.Lines(input) {
		var ev ledger.Event
		switch line = strings.TrimSpace(line); {
		case line == "loaded":
			ev = ledger.Event{Kind: ledger.Loaded, State: s.state}
		case strings.HasPrefix(line, "others: "):
			// Somebody else's record, seen by the next "loaded" alone.
			next, err := s.state.Apply(s.record(t, strings.Fields(line)[1:]))
			if err != nil {
				t.Fatal(err)
			}
			s.state = next
			continue
		case line == "got ours":
			ev = ledger.Event{Kind: ledger.GotRecord, Record: &ledger.Record{Batch: "ours", Nonce: "n1"}}
		case line == "got our batch by another attempt":
			ev = ledger.Event{Kind: ledger.GotRecord, Record: &ledger.Record{Batch: "ours", Nonce: "n2"}}
		case line == "got another's":
			ev = ledger.Event{Kind: ledger.GotRecord, Record: &ledger.Record{Batch: "theirs", Nonce: "n1"}}
		default:
			for k := ledger.Loaded; k <= ledger.GetDoubt; k++ {
				if k.String() == line {
					ev = ledger.Event{Kind: k}
				}
			}
			if ev.Kind == ledger.Loaded {
				t.Fatalf("unknown answer %q", line)
			}
		}
		act := a.Next(ev)
		fmt.Fprintf(out, "%s -> %s", line, act.Kind)
		if act.Seq > 0 {
			fmt.Fprintf(out, " %d", act.Seq)
		}
		if act.Why != "" {
			fmt.Fprintf(out, ": %s", act.Why)
		}
		out.WriteByte('\n')
	}
}

func handover(t *testing.T, out *strings.Builder, input string) {
	var h ledger.Handover
	for line := range strings.Lines(input) {
		line = strings.TrimSpace(line)
		saw := ledger.Look(255)
		for l := ledger.Begin; l <= ledger.FinalAbsent; l++ {
			if l.String() == line {
				saw = l
			}
		}
		if saw == 255 {
			t.Fatalf("unknown look %q", line)
		}
		fmt.Fprintf(out, "%s -> %s\n", line, h.Next(saw))
	}
}

func show(s *ledger.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "head %d mark %d read %d", s.Head, s.Mark, s.Totals.Read)
	if s.DecidedAt != 0 {
		fmt.Fprintf(&b, " decided %d", s.DecidedAt)
	}
	if s.Watermark != nil {
		fmt.Fprintf(&b, " watermark %d", *s.Watermark)
	}
	b.WriteByte('\n')
	for _, k := range s.Keys() {
		p := s.Sources[k]
		fmt.Fprintf(&b, "%s#%d/%d next %d epoch %d", k.Topic, k.TopicID[15], k.Partition, p.Next, p.LeaderEpoch)
		if p.MaxEventTime != nil {
			fmt.Fprintf(&b, " max %d", *p.MaxEventTime)
		}
		if p.AtEnd {
			b.WriteString(" at end")
		}
		if p.Retired {
			b.WriteString(" retired")
		}
		b.WriteByte('\n')
	}
	for _, p := range s.Pending {
		fmt.Fprintf(&b, "pending %d %s\n", p.Seq, p.Batch)
	}
	for _, h := range s.Halts {
		fmt.Fprintf(&b, "halt %d of", h.Seq)
		for _, g := range h.Ranges {
			fmt.Fprintf(&b, " %s/%d:%d-%d", g.Source.Topic, g.Source.Partition, g.From, g.To)
		}
		b.WriteByte('\n')
	}
	for _, d := range s.Drifts {
		fmt.Fprintf(&b, "drift %s %s\n", d.Change, d.Column)
	}
	return b.String()
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func micros(t *testing.T, s string) *ledger.Time {
	at := ledger.Time(number(t, s))
	return &at
}
