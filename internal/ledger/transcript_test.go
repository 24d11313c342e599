package ledger_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// TestTranscripts runs testdata/transcript: what each command asks of the store, in
// order, and what comes of it. Commands:
//
//	process N                go on as process N; it is started if it is new
//	restart N                process N lost its memory
//	load, publish            as the methods; load prints the state
//	claim P…                 decide a claim of these partitions, from 0
//	batch P:FROM-TO…         stage and decide a batch
//	fault OP [key=…] [index=…] [times=…] [mode=lose|late] [err=again]
//	deliver, heal            see storetest.Faulty
//	power-cut, remove KEY    what befalls a lake
//	write KEY                somebody's bytes under a key (the command's input)
//	unsynced KEY             the object of the command's input, visible but not durable
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcript", func(t *testing.T, path string) {
		memory := &storetest.Memory{}
		h := &transcript{memory: memory, faulty: &storetest.Faulty{Store: memory}, processes: map[string]*process{}, names: map[string]string{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			h.faulty.Forget()
			result := h.run(t, d)
			return h.shorten(storetest.Lines(h.faulty.Transcript()) + result)
		})
	})
}

type transcript struct {
	memory    *storetest.Memory
	faulty    *storetest.Faulty
	processes map[string]*process
	current   *process
	names     map[string]string // batch ids by what they are called here
}

func (h *transcript) run(t *testing.T, d *datadriven.TestData) string {
	ctx := t.Context()
	switch d.Cmd {
	case "process", "restart":
		name := d.CmdArgs[0].Key
		if h.processes[name] == nil || d.Cmd == "restart" {
			h.processes[name] = newProcess(h.faulty, name[0]+byte(len(h.names)))
		}
		h.current = h.processes[name]
		return ""
	case "load":
		st, err := h.current.ledger.Load(ctx)
		if err != nil {
			return outcome(err)
		}
		return show(st)
	case "publish":
		done, err := h.current.publisher.Publish(ctx)
		var b strings.Builder
		for _, r := range done {
			fmt.Fprintf(&b, "published %d\n", r.Seq)
		}
		return b.String() + outcome(err)
	case "claim", "batch":
		return h.decide(t, d)
	case "fault":
		h.faulty.Inject(faultOf(t, d))
		return ""
	case "heal":
		h.faulty.Heal()
		return ""
	case "deliver":
		var b strings.Builder
		for _, err := range h.faulty.Deliver() {
			fmt.Fprintf(&b, "delivered: %v\n", err)
		}
		return b.String()
	case "power-cut":
		h.memory.PowerCut()
		return ""
	case "remove":
		return outcome(h.memory.Remove(ctx, h.lengthen(d.CmdArgs[0].String())))
	case "write":
		return outcome(h.memory.Create(ctx, h.lengthen(d.CmdArgs[0].String()), []byte(d.Input)))
	case "unsynced":
		return outcome(h.memory.Link(h.lengthen(d.CmdArgs[0].String()), []byte(d.Input)))
	}
	t.Fatalf("unknown command %q", d.Cmd)
	return ""
}

func (h *transcript) decide(t *testing.T, d *datadriven.TestData) string {
	var sources []ledger.Source
	for _, a := range d.CmdArgs {
		place, span, ranged := strings.Cut(a.String(), ":")
		src := sourceOf(topicKey(int32(number(t, place))), 0, 0)
		src.First = !ranged
		if from, to, ok := strings.Cut(span, "-"); ok {
			src = sourceOf(topicKey(src.Partition), int64(number(t, from)), int64(number(t, to)))
		}
		sources = append(sources, src)
	}
	if d.Cmd == "claim" {
		dec, err := h.current.ledger.Decide(t.Context(), ledger.Proposal{
			Batch: ledger.NewBatchID(now(), h.current.random), Kind: ledger.KindClaim, Sources: sources,
			Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{}, nil },
		})
		return decided(dec, err)
	}
	return decided(h.current.batch(t.Context(), sources))
}

func decided(d ledger.Decision, err error) string {
	switch {
	case err != nil:
		return outcome(err)
	case d.Dropped:
		return "dropped: " + d.Why + "\n"
	}
	return fmt.Sprintf("decided %d\n", d.Record.Seq)
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("error: %v\n", err)
}

func faultOf(t *testing.T, d *datadriven.TestData) storetest.Fault {
	f := storetest.Fault{Op: storetest.Op(d.CmdArgs[0].Key)}
	for _, a := range d.CmdArgs[1:] {
		switch v := a.Vals[0]; a.Key {
		case "key":
			f.Key = v
		case "index":
			f.Index = number(t, v)
		case "times":
			f.Times = number(t, v)
		case "mode":
			f.Mode = map[string]storetest.Mode{"lose": storetest.Lose, "late": storetest.Late}[v]
		case "err":
			f.Err = map[string]error{"again": store.ErrAgain}[v]
		}
	}
	return f
}

var (
	batchID    = regexp.MustCompile(`20261124t113805123456-[a-z2-7]{16}`)
	longNumber = regexp.MustCompile(`\b0+(\d+)\.json`)
	shortName  = regexp.MustCompile(`^(ledger|checkpoint)/(\d+)$`)
)

// shorten makes a transcript readable: batches are b1, b2, … in the order of their
// appearance, and records and checkpoints have short numbers.
func (h *transcript) shorten(s string) string {
	s = batchID.ReplaceAllStringFunc(s, func(id string) string {
		if h.names[id] == "" {
			h.names[id] = fmt.Sprint("b", len(h.names)+1)
		}
		return h.names[id]
	})
	return longNumber.ReplaceAllString(strings.ReplaceAll(s, "_tidemark/t/", ""), "$1")
}

func (h *transcript) lengthen(key string) string {
	if m := shortName.FindStringSubmatch(key); m != nil {
		n, _ := strconv.Atoi(m[2])
		return fmt.Sprintf("_tidemark/t/%s/%020d.json", m[1], n)
	}
	for id, name := range h.names {
		key = strings.ReplaceAll(key, name+"-", id+"-")
		key = strings.ReplaceAll(key, "staging/"+name+"/", "_tidemark/t/staging/"+id+"/")
	}
	return key
}
