package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func absent(err error) bool { return errors.Is(err, store.ErrNotExist) }

// walk verifies the records from 1 to the head (V1).
func (v *verifier) walk(ctx context.Context) error {
	for seq := int64(1); ; seq++ {
		r, err := v.read(ctx, seq)
		if absent(err) {
			next, err := v.after(ctx, seq)
			if err != nil {
				return err
			}
			if next == 0 {
				return v.checkTail(seq - 1)
			}
			for ; seq < next; seq++ {
				v.missing(seq, fmt.Sprintf("record %d is there", next))
			}
			seq--
			continue
		}
		if err != nil {
			return err
		}
		v.sum.Head = seq
		if r == nil {
			v.broken = true
			continue
		}
		if err := v.record(ctx, r); err != nil {
			return err
		}
		if v.options.Progress != nil {
			v.options.Progress(v.sum)
		}
	}
}

func (v *verifier) missing(seq int64, why string) {
	v.broken = true
	v.found(seq, ledger.RecordKey(v.sum.Table, seq), "is missing, but %s", why)
}

// read returns nil where a record is there and none can be read from it.
func (v *verifier) read(ctx context.Context, seq int64) (*ledger.Record, error) {
	key := ledger.RecordKey(v.sum.Table, seq)
	data, err := v.lake.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := ledger.DecodeRecord(data)
	switch {
	case err != nil:
		v.found(seq, key, "is not a record: %v", err)
		return nil, nil
	case r.Seq != seq || r.Table != v.sum.Table:
		v.found(seq, key, "says that it is record %d of %q", r.Seq, r.Table)
		return nil, nil
	}
	if r.Version == ledger.Version {
		if ledger.CheckRecord(data) != nil {
			v.changed = seq
			v.found(seq, key, "was changed after it was written, as its own SHA-256 tells: put it back from a copy of the lake")
		}
	}
	return r, nil
}

// after is the lowest number above seq that is there, 0 if none is. It looks at seq
// once more: the listing may show a record that was created after seq was.
func (v *verifier) after(ctx context.Context, seq int64) (int64, error) {
	entries, err := v.lake.List(ctx, ledger.LedgerDir(v.sum.Table)+"/")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if n := number(e.Key); n >= seq {
			return n, nil
		}
	}
	return 0, nil
}

// number is that in the name of a record or a checkpoint, 0 if it has none.
func number(key string) int64 {
	name, ok := strings.CutSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
	n, err := strconv.ParseInt(name, 10, 64)
	if !ok || len(name) != 20 || err != nil {
		return 0
	}
	return n
}

// follows folds a record, and reports where it does not follow from those before.
func (v *verifier) follows(ctx context.Context, r *ledger.Record) error {
	was := v.linked(r)
	next, err := was.Apply(r)
	if unknown := (*ledger.UnsupportedError)(nil); errors.As(err, &unknown) {
		return err
	}
	if err != nil {
		if hole := (*ledger.HoleError)(nil); !errors.As(err, &hole) { // those are reported already
			v.found(r.Seq, "", "does not follow from those before it: %v", errors.Unwrap(err))
		}
		v.broken = true
		if next, err = resumed(was, r).Apply(r); err != nil {
			v.state = resumed(was, r)
			v.state.Head, v.state.HeadHash = r.Seq, r.Hash()
			return nil
		}
	}
	if r.Watermark != nil && was.Watermark != nil && *r.Watermark < *was.Watermark {
		v.found(r.Seq, "", "has watermark %s, which was %s before it: a watermark never falls", r.Watermark, was.Watermark)
	}
	if r.DecidedAt < was.DecidedAt {
		v.found(r.Seq, "", "was decided at %s, before the one in front of it (%s)", r.DecidedAt, was.DecidedAt)
	}
	v.state = next
	return v.checkpoint(ctx)
}

// linked holds the record before r, as it was read, against what r states of it, and
// is the state that r follows as far as that goes. Of a record that is missing, or
// cannot be read, there is nothing to compare.
func (v *verifier) linked(r *ledger.Record) *ledger.State {
	st := v.state
	if r.Seq != st.Head+1 || r.Version != ledger.Version {
		return st
	}
	switch {
	case r.Seq == v.changed: // what it states of others is not worth much
	case r.Previous == "" && st.Chained:
		v.found(r.Seq, "", "does not state which record it was written after, as those before it do")
	case r.Previous != "" && st.Head == 0:
		v.found(r.Seq, "", "states a record before it, and is the first")
	case r.Previous != "" && r.Previous != st.HeadHash && st.Head == v.changed: // reported already
	case r.Previous != "" && r.Previous != st.HeadHash:
		v.found(st.Head, ledger.RecordKey(v.sum.Table, st.Head),
			"is not the record that record %d was written after (SHA-256 %s, which it should be, and %s, which it is): put it back from a copy of the lake",
			r.Seq, r.Previous, st.HeadHash)
	default:
		v.sum.Linked += int64(min(1, len(r.Previous)))
		return st
	}
	return unlinked(st, r)
}

// unlinked is st, with a last record that r follows.
func unlinked(st *ledger.State, r *ledger.Record) *ledger.State {
	c := *st
	c.HeadHash, c.Chained = r.Previous, c.Chained && r.Previous != ""
	return &c
}

// resumed is a state after which a record could follow, so that one that is missing
// or wrong is reported once and not with each that comes after it.
func resumed(was *ledger.State, r *ledger.Record) *ledger.State {
	st := *unlinked(was, r)
	st.Head = r.Seq - 1
	st.Sources = maps.Clone(was.Sources)
	for i := range r.Sources {
		k := r.Sources[i].Key()
		if r.Sources[i].First {
			delete(st.Sources, k)
			continue
		}
		p := st.Sources[k]
		p.Next = r.Sources[i].From
		st.Sources[k] = p
	}
	return &st
}

// listCheckpoints learns which checkpoints there are, and up to where the newest
// has the files as published.
func (v *verifier) listCheckpoints(ctx context.Context) error {
	entries, err := v.lake.List(ctx, ledger.CheckpointDir(v.sum.Table)+"/")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if n := number(e.Key); n > 0 {
			v.checkpoints = append(v.checkpoints, n)
		}
	}
	if len(v.checkpoints) == 0 {
		return nil
	}
	newest, err := v.readCheckpoint(ctx, v.checkpoints[len(v.checkpoints)-1])
	if newest != nil {
		v.mark = newest.Mark
	}
	return err
}

// readCheckpoint returns nil for one that cannot be read as one.
func (v *verifier) readCheckpoint(ctx context.Context, head int64) (*ledger.State, error) {
	data, err := v.lake.Read(ctx, ledger.CheckpointKey(v.sum.Table, head))
	if err != nil {
		return nil, err
	}
	st := ledger.NewState(v.sum.Table)
	if json.Unmarshal(data, st) != nil {
		return nil, nil
	}
	return st, nil
}

// checkpoint compares the checkpoint at the head with the fold (V5). Where the
// records themselves are not whole there is nothing to compare with.
func (v *verifier) checkpoint(ctx context.Context) error {
	for len(v.checkpoints) > 0 && v.checkpoints[0] < v.state.Head {
		v.checkpoints = v.checkpoints[1:]
	}
	if len(v.checkpoints) == 0 || v.checkpoints[0] != v.state.Head || v.broken {
		return nil
	}
	kept, err := v.readCheckpoint(ctx, v.state.Head)
	if err != nil {
		return err
	}
	if kept == nil || !sameFold(kept, v.state) {
		v.found(v.state.Head, ledger.CheckpointKey(v.sum.Table, v.state.Head),
			"does not say what the records up to it say: one of them was changed, or it was")
	}
	return nil
}

// sameFold compares what records determine: not the mark, which says how far the
// one who wrote the checkpoint had published.
func sameFold(kept, fold *ledger.State) bool {
	// The program's first days knew no hashes.
	unhashed := kept.HeadHash == "" && !fold.Chained
	folded := func(s *ledger.State) string {
		c := *s
		c.Mark, c.Pending = 0, nil
		c.Sources = maps.Clone(s.Sources)
		for k, p := range c.Sources {
			p.Seen = 0 // the program's first days did not keep it
			c.Sources[k] = p
		}
		if unhashed {
			c.HeadHash = ""
		}
		if len(kept.Schemas) == 0 && len(kept.Columns) == 0 {
			c.Schemas, c.Columns, c.Past, c.Versions = nil, nil, nil, 0 // a program that did not know them
		}
		c.Drifts, c.Halts = slices.Concat(s.Drifts), slices.Concat(s.Halts)
		data, err := json.Marshal(&c)
		if err != nil {
			return err.Error()
		}
		return string(data)
	}
	return folded(kept) == folded(fold)
}

// checkTail looks for records that are gone from the end.
func (v *verifier) checkTail(head int64) error {
	if n := len(v.checkpoints); n > 0 {
		for seq := head + 1; seq <= v.checkpoints[n-1]; seq++ {
			v.missing(seq, "a checkpoint knows it")
		}
	}
	return nil
}
