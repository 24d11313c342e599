package backfill_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/backfill"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/internal/verify"
	"tidemark/quality"
	"tidemark/writer"
)

// noon is the present of all tests.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is a lake and a folder of raw files beside it.
type world struct {
	t    *testing.T
	lake *store.File
	url  string
	raw  string // the folder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, url: "file://" + t.TempDir(), raw: t.TempDir()}
	lake, err := store.Open(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.lake = lake
	return w
}

// put writes a raw file, as of a minute of the day before.
func (w *world) put(name, text string, minute int) {
	w.t.Helper()
	path := filepath.Join(w.raw, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	at := noon.Add(-24*time.Hour + time.Duration(minute)*time.Minute)
	if err := os.Chtimes(path, at, at); err != nil {
		w.t.Fatal(err)
	}
}

// line is the event of this number.
func line(id int) string {
	return fmt.Sprintf(`{"id":%d,"at":"2026-%02d-%02dT00:00:00Z"}`, id, 1+id%9, 1)
}

// lines are events from..to-1, each with its newline.
func lines(from, to int) string {
	var out strings.Builder
	for id := from; id < to; id++ {
		out.WriteString(line(id) + "\n")
	}
	return out.String()
}

// options are what a run may have different from the usual.
type options struct {
	oldest time.Time
	dry    func(*pipeline.Dry)
	config func(*backfill.Config)
	feeder func(backfill.Feeder) backfill.Feeder
	lake   pipeline.Lake
	ctx    context.Context
	rows   int // of a batch, at most
}

// table is that of all tests.
func table() *schema.Table {
	return &schema.Table{
		Name: "t", EventTime: 1, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "at", Type: schema.Type{Kind: schema.Timestamp}, Required: true, Default: schema.Value{Null: true}},
		},
	}
}

// run is one backfill of all raw files.
func (w *world) run(o options) (*ledger.Run, error) {
	w.t.Helper()
	suite, err := quality.Compile(table(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	lake := o.lake
	if lake == nil {
		lake = w.lake
	}
	rows := o.rows
	if rows == 0 {
		rows = 1_000_000
	}
	cfg := pipeline.Config{
		Tables:       []pipeline.Table{{Schema: table(), Suite: suite, Policy: quality.DefaultPolicy(), MaxFuture: time.Hour, Writer: writer.Options{Codec: "zstd", Level: "fastest", TargetFile: 1 << 20}}},
		SourceSystem: "test", MaxRows: rows, Raw: true, Drain: true, Workers: 2, Oldest: o.oldest, Dry: o.dry,
		Now: func() time.Time { return noon },
	}
	log := slog.New(slog.DiscardHandler)
	p, err := pipeline.New(cfg, lake, log, prometheus.NewRegistry())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx := o.ctx
	if ctx == nil {
		ctx = w.t.Context()
	}
	found, err := rawfile.Find(ctx, []string{w.raw}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	bc := backfill.Config{Table: "t", Files: found.Entries, Log: log, Options: rawfile.Options{CSV: schema.DefaultCSV(), Columns: []string{"id", "at"}}}
	if o.config != nil {
		o.config(&bc)
	}
	var feed backfill.Feeder = p
	if o.feeder != nil {
		feed = o.feeder(p)
	}
	var run *ledger.Run
	err = p.Feed(ctx, nil, func(ctx context.Context) error {
		st, err := p.State("t")
		if err != nil {
			return err
		}
		var sofar backfill.Progress
		if run, err = backfill.Run(ctx, feed, bc, st, &sofar); err != nil || o.dry != nil {
			return err
		}
		return p.FinishRun(ctx, "t", run)
	})
	return run, err
}

// row is what a row of the table says.
type row struct {
	ID   int64  `parquet:"id"`
	File string `parquet:"_file"`
	Line int64  `parquet:"_line"`
}

// rows are those that a plain glob sees, by how often.
func (w *world) rows(output ledger.Output) map[row]int {
	w.t.Helper()
	out := map[row]int{}
	entries, err := w.lake.List(w.t.Context(), output.Dir("t")+"/")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		in, size, err := w.lake.Open(w.t.Context(), e.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		f, err := parquet.OpenFile(in, size)
		if err != nil {
			w.t.Fatal(err)
		}
		r := parquet.NewGenericReader[row](f)
		buf := make([]row, f.NumRows())
		n, _ := r.Read(buf)
		for _, x := range buf[:n] {
			x.File = filepath.Base(x.File)
			out[x]++
		}
		_ = r.Close()
		_ = in.Close()
	}
	return out
}

// holds fails unless the table has exactly these rows, and the evidence agrees.
func (w *world) holds(want map[row]int) {
	w.t.Helper()
	got := w.rows(ledger.Main)
	if !maps.Equal(got, want) {
		for _, x := range slices.SortedFunc(maps.Keys(want), func(a, b row) int { return int(a.ID - b.ID) }) {
			if got[x] != want[x] {
				w.t.Errorf("%+v is there %d times, want %d", x, got[x], want[x])
				break
			}
		}
		w.t.Errorf("%d different rows, want %d", len(got), len(want))
	}
	_, err := verify.Table(w.t.Context(), w.lake, "t", verify.Options{
		Deep: true, EventTime: "at", Found: func(f verify.Finding) { w.t.Errorf("verify: %s", f) },
	})
	if err != nil {
		w.t.Error(err)
	}
}

// want are the rows of events from..to-1 in a file of such lines, the first of which is
// line first.
func want(all map[row]int, file string, first, from, to int) map[row]int {
	if all == nil {
		all = map[row]int{}
	}
	for id := from; id < to; id++ {
		all[row{int64(id), file, int64(first + id - from)}]++
	}
	return all
}
