package writer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/writer"
)

// O3: whatever operation of the shelf fails, and however, no file is left open: each
// that was begun was finished or aborted, and those finished before stay.
func TestErrorAtEachOperation(t *testing.T) {
	m := newMaker(20)
	b := m.make(allTypes(), 3000)
	m.fates()
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	clean, _ := write(t, writer.Options{}, b, build("b1"))
	for _, op := range []storetest.Op{storetest.OpStage, storetest.OpWrite, storetest.OpFinish} {
		for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose} {
			for n := 1; ; n++ {
				lake := &storetest.Memory{}
				faulty := &storetest.Faulty{Store: lake}
				faulty.Inject(storetest.Fault{Op: op, Index: n, Mode: mode})
				shelf := &counting{shelf: faulty}
				files, err := w.Write(t.Context(), shelf, b, build("b1"))
				if err == nil {
					if n == 1 {
						t.Fatalf("%s was never called", op)
					}
					check(t, lake, files, b, build("b1"), writer.Options{})
					if !maps.Equal(lake.Snapshot(), clean.Snapshot()) {
						t.Errorf("after errors of %s the files are others", op)
					}
					break // there are fewer than n operations of this kind
				}
				if !errors.Is(err, storetest.ErrInjected) || !strings.Contains(err.Error(), "write batch b1") {
					t.Fatalf("%s %d: got error %v", op, n, err)
				}
				if files != nil {
					t.Errorf("%s %d: got files with an error", op, n)
				}
				shelf.check(t, fmt.Sprintf("%s %d", op, n))
			}
		}
	}
}

// counting watches what becomes of each file.
type counting struct {
	shelf writer.Shelf
	files []*watched
}

type watched struct {
	store.Staged
	finished, aborted, failed int
}

func (c *counting) Stage(ctx context.Context, key string) (store.Staged, error) {
	if n := len(c.files); n > 0 && c.files[n-1].finished+c.files[n-1].aborted == 0 {
		return nil, errors.New("two files are open")
	}
	s, err := c.shelf.Stage(ctx, key)
	if err != nil {
		return nil, err
	}
	c.files = append(c.files, &watched{Staged: s})
	return c.files[len(c.files)-1], nil
}

func (w *watched) Finish(ctx context.Context) error {
	if err := w.Staged.Finish(ctx); err != nil {
		w.failed++
		return err
	}
	w.finished++
	return nil
}

func (w *watched) Abort() error { w.aborted++; return w.Staged.Abort() }

func (c *counting) check(t *testing.T, at string) {
	t.Helper()
	for i, f := range c.files {
		if f.finished+f.aborted != 1 {
			t.Errorf("%s: file %d was finished %d times and aborted %d times", at, i, f.finished, f.aborted)
		}
	}
}

// An error of the abort is told beside the one that led to it.
func TestAbortFails(t *testing.T) {
	m := newMaker(21)
	b := m.make(allTypes(), 10)
	gone := errors.New("disk is gone")
	faulty := &storetest.Faulty{Store: &storetest.Memory{}}
	faulty.Inject(storetest.Fault{Op: storetest.OpFinish}, storetest.Fault{Op: storetest.OpAbort, Err: gone})
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(t.Context(), faulty, b, build("b1"))
	if !errors.Is(err, gone) || !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("got %v, want both errors", err)
	}
}

func TestContextEnds(t *testing.T) {
	m := newMaker(22)
	b := m.make(allTypes(), 1000)
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for after := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		shelf := &ending{counting: counting{shelf: &storetest.Memory{}}, after: after, end: cancel}
		_, err := w.Write(ctx, shelf, b, build("b1"))
		if after < 3 && !errors.Is(err, context.Canceled) {
			t.Errorf("after %d files: got %v, want that the context ended", after, err)
		}
		shelf.check(t, fmt.Sprintf("after %d files", after))
		cancel()
	}
}

// Wherever a Write ends early, the next one is not the worse for it.
func TestWriterIsUsedAgain(t *testing.T) {
	m := newMaker(25)
	b := m.make(allTypes(), 2000)
	m.fates()
	o := writer.Options{TargetFile: 15_000} // several row groups in a file
	clean, _ := write(t, o, b, build("b1"))
	for n := 0; ; n += 7 {
		w, err := writer.New(b.Table, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(&patient{Context: t.Context(), left: n}, &storetest.Memory{}, b, build("b1")); err == nil {
			return
		}
		lake := &storetest.Memory{}
		if _, err := w.Write(t.Context(), lake, b, build("b1")); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(lake.Snapshot(), clean.Snapshot()) {
			t.Fatalf("after a context that ended at look %d the files are others", n)
		}
	}
}

// patient is a context that ends after it was looked at so many times.
type patient struct {
	context.Context
	left int
}

func (p *patient) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

// A file that nobody waits for is not encoded to its end.
func TestContextEndsWithinAFile(t *testing.T) {
	b := largeRecords(newMaker(24), 64, 1<<20)
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shelf := &cancelling{end: cancel}
	if _, err := w.Write(ctx, shelf, b, build("b1")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context ended", err)
	}
	if got, limit := shelf.bytes>>20, int64(20); got > limit {
		t.Errorf("%d MiB were written after the context had ended, want no more than a row group", got)
	}
}

// cancelling ends a context at the first write.
type cancelling struct {
	nowhere
	end func()
}

func (c *cancelling) Stage(context.Context, string) (store.Staged, error) { return c, nil }
func (c *cancelling) Write(p []byte) (int, error)                         { c.end(); return c.nowhere.Write(p) }

// ending ends a context when so many files have been staged.
type ending struct {
	counting
	after int
	end   func()
}

func (e *ending) Stage(ctx context.Context, key string) (store.Staged, error) {
	s, err := e.counting.Stage(ctx, key)
	if len(e.files) > e.after {
		e.end()
	}
	return s, err
}

func TestRowsThatNoStageLetsThrough(t *testing.T) {
	m := newMaker(23)
	for name, spoil := range map[string]func(b *batch.Batch){
		"has no event time":    func(b *batch.Batch) { b.Columns[b.Table.EventTime].SetMark(3, b.Rows, batch.Null) },
		"is required":          func(b *batch.Batch) { b.Columns[0].SetMark(3, b.Rows, batch.Null) },
		"and nothing says why": func(b *batch.Batch) { b.Fates[3] = batch.Quarantined },
	} {
		b := m.make(allTypes(), 10)
		spoil(b)
		w, err := writer.New(b.Table, writer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.Write(t.Context(), &storetest.Memory{}, b, build("b1")); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that says %q", err, name)
		}
		b = m.make(allTypes(), 10)
		lake := &storetest.Memory{}
		files, err := w.Write(t.Context(), lake, b, build("b2"))
		if err != nil {
			t.Fatal(err)
		}
		check(t, lake, files, b, build("b2"), writer.Options{})
	}
}
