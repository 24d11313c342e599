package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"tidemark/internal/status"
)

// sample is how far some long work is, in total since its start.
type sample struct {
	rows, bytes int64
	unit        string // what is counted as rows, empty: rows
	done, total int64  // what the bar and the estimate go by; total 0: not known yet
	rest        []any  // further attributes for the log
}

// The pace of progress on a log and on a screen.
const (
	logEvery = 10 * time.Second
	barEvery = 200 * time.Millisecond
)

// reporter shows how far long work is: a bar where a person looks on, a line in the
// log every ten seconds elsewhere.
type reporter struct {
	what   string
	sample func() sample
	start  time.Time
}

// follow shows progress until ctx is done.
func (p *program) follow(ctx context.Context, what string, f func() sample) {
	r := &reporter{what: what, sample: f, start: time.Now()}
	if s, ok := p.stderr.(*screen); ok && terminal(s.w) {
		r.bar(ctx, s)
		return
	}
	r.lines(ctx, p.log)
}

func (r *reporter) lines(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	last, at := sample{}, r.start
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s := r.sample()
			seconds := now.Sub(at).Seconds()
			unit := cmp.Or(s.unit, "rows")
			attrs := []any{unit, s.rows, unit + "_per_s", int64(float64(s.rows-last.rows) / seconds), "mb_per_s", fmt.Sprintf("%.1f", float64(s.bytes-last.bytes)/seconds/1e6)}
			if s.total > 0 {
				attrs = append(attrs, "left", s.total-s.done)
			}
			log.Info(r.what, append(attrs, s.rest...)...)
			last, at = s, now
		}
	}
}

func (r *reporter) bar(ctx context.Context, s *screen) {
	w := progress.NewWriter()
	w.SetOutputWriter(s.w)
	w.SetAutoStop(false)
	w.SetTrackerLength(30)
	w.SetUpdateFrequency(barEvery)
	w.SetStyle(progress.StyleBlocks)
	w.Style().Visibility.Value, w.Style().Visibility.Speed = false, false
	w.Style().Visibility.ETA = true
	t := &progress.Tracker{Message: r.what}
	w.AppendTracker(t)
	s.show(w)
	var drawn sync.WaitGroup
	drawn.Go(w.Render)
	defer drawn.Wait()
	defer w.Stop()
	defer s.show(nil)
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if r.update(t) {
				t.MarkAsDone()
			} else {
				t.MarkAsErrored()
			}
			return
		case <-tick.C:
			r.update(t)
		}
	}
}

// update brings a bar up to date, and reports whether all is done.
func (r *reporter) update(t *progress.Tracker) bool {
	now := r.sample()
	seconds := time.Since(r.start).Seconds()
	if now.total > 0 {
		t.UpdateTotal(max(now.total, now.done))
		t.SetValue(min(now.done, now.total-1)) // at its total a tracker ends by itself
	}
	unit := cmp.Or(now.unit, "rows")
	t.UpdateMessage(fmt.Sprintf("%s  %s %s  %s %s/s  %.1f MB/s", r.what, status.Number(now.rows), unit,
		status.Number(int64(float64(now.rows)/seconds)), unit, float64(now.bytes)/seconds/1e6))
	return now.done >= now.total
}

// screen is stderr: what is logged while a bar is drawn goes above it.
type screen struct {
	w io.Writer

	mu  sync.Mutex
	bar progress.Writer
}

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		return s.w.Write(b)
	}
	s.bar.Log("%s", strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

func (s *screen) show(bar progress.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = bar
}
