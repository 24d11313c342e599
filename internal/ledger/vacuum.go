package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tidemark/internal/store"
)

// Bin is where Vacuum throws staged files.
//
// Remove deletes an object, durably; store.ErrNotExist says that there is none. After
// any other error it may be gone, and is removed again by the next vacuum. It may be
// called concurrently, also by other processes for the same key.
type Bin interface {
	Remove(ctx context.Context, key string) error
}

// Leftover is what lies in staging under one batch id.
type Leftover struct {
	Batch   string
	Files   int64 // objects, the manifest included
	Bytes   int64
	Newest  time.Time // when the youngest of them was written, as the store says
	Verdict Verdict
	Why     string // of the verdict, one sentence
	Young   bool   // dead, but not as old as was asked for
	Removed bool

	keys []string // the manifest is the last
}

// VacuumOptions say what a vacuum removes and whom it tells.
type VacuumOptions struct {
	Remove bool // false: only look
	// Before, if set, spares what is younger: a condition more, never one less. No age
	// makes a batch dead.
	Before time.Time
	// Workers is how many batches are worked on at a time: 1, if not set.
	Workers int
	// Done is called, by one goroutine at a time, after each batch, with how many there
	// are in all.
	Done func(l *Leftover, all int)
}

// Vacuum removes the staging of batches of a table that can never be decided (R12), in
// one pass: it loads the ledger once, lists what is staged, and judges each batch by
// its manifest. It may run beside any number of writers, publishers and vacuums. The
// manifest goes last, so that what an interrupted vacuum leaves is judged as before;
// what has no manifest, or one that cannot be read, is left alone: nothing tells where
// it starts. It ends at the first error, and may be called again.
func Vacuum(ctx context.Context, l *Ledger, bin Bin, o VacuumOptions) error {
	st, err := l.Load(ctx)
	if err != nil {
		return err
	}
	all, err := l.leftovers(ctx)
	if err != nil {
		return fmt.Errorf("vacuum %s: %w", l.table, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		working sync.WaitGroup
		told    sync.Mutex
	)
	next := make(chan *Leftover)
	for range max(o.Workers, 1) {
		working.Go(func() {
			for left := range next {
				if err := l.vacuum(ctx, bin, left, st, &o); err != nil {
					cancel(fmt.Errorf("vacuum %s: %w", l.table, err))
				}
				told.Lock()
				if o.Done != nil {
					o.Done(left, len(all))
				}
				told.Unlock()
			}
		})
	}
	for _, left := range all {
		if ctx.Err() != nil {
			break
		}
		next <- left
	}
	close(next)
	working.Wait()
	return context.Cause(ctx)
}

// leftovers lists what is staged, by batch.
func (l *Ledger) leftovers(ctx context.Context) ([]*Leftover, error) {
	prefix := StagingDir(l.table, "")
	entries, err := l.store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var all []*Leftover
	byBatch := map[string]*Leftover{}
	manifests := map[string]string{}
	for _, e := range entries {
		batch, name, _ := strings.Cut(strings.TrimPrefix(e.Key, prefix), "/")
		left := byBatch[batch]
		if left == nil {
			left = &Leftover{Batch: batch}
			byBatch[batch] = left
			all = append(all, left)
		}
		left.Files++
		left.Bytes += e.Size
		if e.Modified.After(left.Newest) {
			left.Newest = e.Modified
		}
		if name == "" || !validID(batch) {
			continue // nothing of ours: it has no manifest, and stays
		}
		if e.Key == ManifestKey(l.table, batch) {
			manifests[batch] = e.Key
			continue
		}
		left.keys = append(left.keys, e.Key)
	}
	for batch, key := range manifests {
		byBatch[batch].keys = append(byBatch[batch].keys, key)
	}
	return all, nil
}

// vacuum judges one batch and removes it, if that is what is wanted.
func (l *Ledger) vacuum(ctx context.Context, bin Bin, left *Leftover, st *State, o *VacuumOptions) error {
	m, err := l.manifestOf(ctx, left)
	if err != nil {
		return err
	}
	if m == nil {
		return nil
	}
	left.Verdict, left.Why = st.Judge(m)
	if left.Verdict != Dead {
		return nil
	}
	if left.Young = !o.Before.IsZero() && !left.Newest.Before(o.Before); left.Young || !o.Remove {
		return nil
	}
	for _, key := range left.keys {
		if err := bin.Remove(ctx, key); err != nil && !errors.Is(err, store.ErrNotExist) {
			return fmt.Errorf("remove staged %s: %w: if the store forbids it, allow deleting below %s; nothing that is needed is gone, and the next vacuum goes on",
				key, err, StagingDir(l.table, ""))
		}
	}
	left.Removed = true
	return nil
}

// manifestOf reads the manifest of a batch. Where none can be read, the leftover says
// so, and is to stay.
func (l *Ledger) manifestOf(ctx context.Context, left *Leftover) (*Manifest, error) {
	left.Verdict, left.Why = Unknown, "it has no manifest, so that nothing tells whether it can still be decided"
	if len(left.keys) == 0 {
		return nil, nil
	}
	data, err := l.store.Read(ctx, ManifestKey(l.table, left.Batch))
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	switch err := json.Unmarshal(data, &m); {
	case err != nil:
		left.Why = fmt.Sprintf("its manifest cannot be read: %v", err)
	case m.Version != Version:
		left.Why = fmt.Sprintf("its manifest has version %d, which this version does not know", m.Version)
	case m.Table != l.table || m.Batch != left.Batch:
		left.Why = fmt.Sprintf("its manifest is that of batch %s of %s", m.Batch, m.Table)
	default:
		return &m, nil
	}
	return nil, nil
}
