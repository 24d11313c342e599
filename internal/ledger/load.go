package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tidemark/internal/store"
)

// maxCached bounds the records that are kept for the publisher. It reads what is
// not kept, so that a process without a publisher does not grow.
const maxCached = 512

// Load brings the state up to the ledger's head and returns it (R1). The first
// call reads the newest checkpoint and looks for holes in the whole ledger; later
// ones read only what is new.
func (l *Ledger) Load(ctx context.Context) (*State, error) {
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return l.State(), nil
}

func (l *Ledger) load(ctx context.Context) error {
	err := l.loadFrom(ctx, l.State())
	if err != nil && !errors.Is(err, ErrUnsafe) { // those name the table themselves
		return fmt.Errorf("load ledger of %s: %w", l.table, err)
	}
	return err
}

func (l *Ledger) loadFrom(ctx context.Context, st *State) error {
	if st == nil {
		var err error
		if st, err = l.readCheckpoint(ctx); err != nil {
			return err
		}
		if err := l.findHoles(ctx, st.Head); err != nil {
			return err
		}
	}
	return l.readOn(ctx, st)
}

// readOn folds the records after st, and takes over the result once it is durable.
func (l *Ledger) readOn(ctx context.Context, st *State) error {
	var fresh []*Record
	var due *State
	for {
		r, err := l.read(ctx, st.Head+1)
		if absent(err) {
			if err := l.checkNext(ctx, st.Head+1); err == nil {
				break
			} else if !errors.Is(err, errReadAgain) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if st, err = st.Apply(r); err != nil {
			return err
		}
		if fresh = append(fresh, r); len(fresh) > maxCached {
			fresh = fresh[1:]
		}
		if st.Head%l.every == 0 {
			due = st
		}
	}
	if len(fresh) > 0 {
		// Whoever wrote them may have lost power, or be stopped, just before his own
		// fsync. A record of ours must not outlive one that it builds upon.
		if err := l.store.Sync(ctx, LedgerDir(l.table)); err != nil {
			return err
		}
	}
	l.install(st, due, fresh)
	return nil
}

var errReadAgain = errors.New("the record has come meanwhile")

// checkNext makes sure that an absent number is the end and not a hole: the number
// after it must be absent too, unless both have come just now.
func (l *Ledger) checkNext(ctx context.Context, seq int64) error {
	_, err := l.store.Read(ctx, RecordKey(l.table, seq+1))
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.confirmHole(ctx, seq, seq+1)
}

// confirmHole reads a number that was absent once more. Numbers are created in
// order: if it is still absent while a higher one is there, it was taken away.
func (l *Ledger) confirmHole(ctx context.Context, missing, seen int64) error {
	switch _, err := l.store.Read(ctx, RecordKey(l.table, missing)); {
	case err == nil:
		return errReadAgain
	case absent(err):
		return &HoleError{Table: l.table, Missing: missing, Seen: seen}
	default:
		return err
	}
}

// findHoles looks at the names of all records: with one of them gone, anybody who
// loads without the checkpoint would decide its rows again (R13).
func (l *Ledger) findHoles(ctx context.Context, head int64) error {
	entries, err := l.store.List(ctx, LedgerDir(l.table)+"/")
	if err != nil {
		return err
	}
	want := int64(1)
	// upTo wants all numbers up to one that is known to have been there.
	upTo := func(seen int64) error {
		for ; want < seen; want++ {
			// A listing may miss a record that is created while it runs.
			if err := l.confirmHole(ctx, want, seen); !errors.Is(err, errReadAgain) {
				return err
			}
		}
		want = max(want, seen+1)
		return nil
	}
	for _, e := range entries {
		if seq, ok := seqOf(e.Key); ok {
			if err := upTo(seq); err != nil {
				return err
			}
		}
	}
	for ; want <= head; want++ {
		if err := l.confirmHole(ctx, want, want); !errors.Is(err, errReadAgain) {
			return err
		}
	}
	return nil
}

// readCheckpoint returns the newest checkpoint that can be read, or the state of
// an empty ledger.
func (l *Ledger) readCheckpoint(ctx context.Context) (*State, error) {
	entries, err := l.store.List(ctx, CheckpointDir(l.table)+"/")
	if err != nil {
		return nil, err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		head, ok := seqOf(entries[i].Key)
		if !ok {
			continue
		}
		data, err := l.store.Read(ctx, entries[i].Key)
		if err != nil && !absent(err) {
			return nil, err
		}
		if st := decodeCheckpoint(data, l.table, head); st != nil {
			return st, nil
		}
	}
	return NewState(l.table), nil
}

// decodeCheckpoint returns nil for what is not a checkpoint of this version: the
// records that it folds are still there.
func decodeCheckpoint(data []byte, table string, head int64) *State {
	st := NewState(table)
	if json.Unmarshal(data, st) != nil || st.Version != Version || st.Table != table || st.Head != head {
		return nil
	}
	if (st.HeadHash == "") != (st.Head == 0) {
		return nil // of a program that knew no hashes: what follows could not be held against it
	}
	last := st.Mark - 1
	for _, p := range st.Pending {
		if p.Seq <= last || p.Seq > st.Head {
			return nil
		}
		last = p.Seq
	}
	if st.Mark < 1 || st.Mark > st.Head+1 || len(st.Pending) == 0 && st.Mark != st.Head+1 {
		return nil
	}
	return st
}

// accept takes over a record that was just decided here.
func (l *Ledger) accept(r *Record) error {
	st, err := l.State().Apply(r)
	if err != nil {
		return err
	}
	var due *State
	if st.Head%l.every == 0 {
		due = st
	}
	l.install(st, due, []*Record{r})
	return nil
}

func (l *Ledger) install(st, due *State, fresh []*Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if due != nil {
		l.mu.due = due
	}
	l.setStateLocked(st)
	for _, r := range fresh {
		if r.Seq >= l.mu.state.Mark && len(l.mu.cache) < maxCached {
			l.mu.cache[r.Seq] = r
		}
	}
}

func (l *Ledger) setStateLocked(st *State) {
	l.mu.mark = max(l.mu.mark, st.Mark)
	l.mu.state = st.withMark(l.mu.mark)
	for seq := range l.mu.cache {
		if seq < l.mu.state.Mark {
			delete(l.mu.cache, seq)
		}
	}
}

// advance raises the published mark.
func (l *Ledger) advance(mark int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.mark = max(l.mu.mark, mark)
	l.setStateLocked(l.mu.state)
}

// writeCheckpoint writes the state that is due, if one is (R8). Everybody writes
// the same numbers, so that one of many processes does it.
func (l *Ledger) writeCheckpoint(ctx context.Context) error {
	l.mu.Lock()
	due := l.mu.due
	if due != nil {
		due = due.withMark(l.mu.mark)
	}
	was := l.mu.due
	l.mu.Unlock()
	if due == nil {
		return nil
	}
	data, err := encode(due)
	if err != nil {
		return err
	}
	if err := l.store.Create(ctx, CheckpointKey(l.table, due.Head), data); err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("write checkpoint of %s: %w", l.table, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.due == was {
		l.mu.due = nil
	}
	return nil
}
