package keyload_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/keyload"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
	"tidemark/writer"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// types are those that a reference may compare.
var types = []string{"int", "long", "decimal(18,2)", "string", "date", "timestamp", "binary"}

func table(name string) *schema.Table {
	t := &schema.Table{Name: name, EventTime: 0, Partition: schema.ByDay, Columns: []schema.Column{{Name: "at", Type: schema.Type{Kind: schema.Timestamp}}}}
	for _, text := range types {
		typ, err := schema.ParseType(text)
		if err != nil {
			panic(err)
		}
		t.Columns = append(t.Columns, schema.Column{Name: string(text[0]) + text[1:3], Type: typ})
	}
	return t
}

// world is a lake with a table, and batches decided in it.
type world struct {
	t      *testing.T
	lake   *storetest.Memory
	table  *schema.Table
	ledger *ledger.Ledger
	offset int64
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, lake: &storetest.Memory{}, table: table("parents")}
	w.ledger = ledger.New(w.lake, "parents")
	w.decide(ledger.NewBatchID(noon, rand.NewChaCha8([32]byte{99})), ledger.KindClaim, ledger.Source{Topic: "in", First: true}, &ledger.Record{DecidedAt: 1})
	return w
}

// rows are values i in all columns, at a time; odd ones are late.
func (w *world) rows(at time.Time, values ...int) *batch.Batch {
	raw := &batch.Raw{}
	for i := range values {
		raw.Append(raw.Source(batch.Source{Topic: "in"}), &batch.Record{Offset: w.offset + int64(i)})
	}
	b := &batch.Batch{}
	b.Reset(w.table, raw, 0, len(values))
	for row, v := range values {
		for c := range b.Columns {
			col := &b.Columns[c]
			if col.Codes != nil {
				col.Codes[row] = col.Dict.Add(fmt.Appendf(nil, "v%d", v))
			} else {
				col.Ints[row] = int64(v)
			}
			if v == 0 && c > 0 {
				col.SetMark(row, len(values), batch.Null)
			}
		}
		b.Columns[0].Ints[row] = at.UnixMicro()
		if v%2 == 1 {
			b.Fates[row] = batch.Late
		}
	}
	return b
}

// batch decides a batch of rows; it is published only if asked for.
func (w *world) batch(at time.Time, publish bool, values ...int) {
	b := w.rows(at, values...)
	wr, err := writer.New(w.table, writer.Options{Codec: "none"})
	if err != nil {
		w.t.Fatal(err)
	}
	id := ledger.NewBatchID(at, rand.NewChaCha8([32]byte{byte(w.offset)}))
	files, err := wr.Write(w.t.Context(), w.lake, b, writer.Build{Batch: id, ProcessedAt: ledger.At(at)})
	if err != nil {
		w.t.Fatal(err)
	}
	from := w.offset
	w.offset += int64(len(values))
	w.decide(id, ledger.KindBatch, ledger.Source{Topic: "in", From: from, To: w.offset, Records: w.offset - from},
		&ledger.Record{DecidedAt: ledger.At(at), Files: files, Counts: ledger.Counts{Read: int64(len(values)), Written: int64(len(values))}})
	if publish {
		if _, err := ledger.NewPublisher(w.ledger, w.lake).Publish(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) decide(id string, kind ledger.Kind, source ledger.Source, r *ledger.Record) {
	d, err := w.ledger.Decide(w.t.Context(), ledger.Proposal{Batch: id, Kind: kind, Sources: []ledger.Source{source},
		Seal: func(*ledger.State, int64) (*ledger.Record, error) { return r, nil }})
	if err != nil || d.Dropped {
		w.t.Fatalf("decide: %v %s", err, d.Why)
	}
}

// known says which of values a reference finds, in a column of its own type.
func known(t *testing.T, w *world, refs *keyload.References, suite *quality.Suite, values ...int) (found []int, version string) {
	t.Helper()
	b := w.rows(noon, values...)
	clear(b.Fates)
	refs.Use(func(k []quality.Known) {
		report, err := suite.Begin(b, k).Finish(nil)
		if err != nil {
			t.Fatal(err)
		}
		version = report.Results[0].Version
	})
	for i, v := range values {
		if b.Fates[i] == batch.Written {
			found = append(found, v)
		}
	}
	return found, version
}

// TestTable looks into columns of every type, of batches that are published and of one
// that is not, sees what is new, and takes late rows for what they are: not in the table.
func TestTable(t *testing.T) {
	for _, c := range table("parents").Columns[1:] {
		t.Run(c.Type.String(), func(t *testing.T) {
			w := newWorld(t)
			suite, err := quality.Compile(w.table, []quality.Check{{Reference: c.Name, In: "parents." + c.Name}})
			if err != nil {
				t.Fatal(err)
			}
			library := keyload.NewLibrary(w.lake, nil)
			refs, err := library.References(suite.References())
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range []struct {
				load    []int
				publish bool
				want    []int
				version string
			}{
				{nil, false, nil, "parents@1"},
				{[]int{2, 4, 3, 0}, true, []int{2, 4}, "parents@2"},
				{[]int{6, 1}, false, []int{2, 4, 6}, "parents@3"},
			} {
				if step.load != nil {
					w.batch(noon, step.publish, step.load...)
				}
				now := noon.Add(time.Duration(i) * time.Minute)
				if changed, err := refs.Refresh(t.Context(), now, time.Minute); err != nil || !changed {
					t.Fatalf("refresh %d: %v, changed %t", i, err, changed)
				}
				if changed, err := refs.Refresh(t.Context(), now.Add(time.Second), time.Minute); err != nil || changed {
					t.Errorf("refresh %d, a second later: %v, changed %t", i, err, changed)
				}
				got, version := known(t, w, refs, suite, 1, 2, 3, 4, 5, 6)
				if !slices.Equal(got, step.want) || version != step.version {
					t.Errorf("step %d: got %v of %s, want %v of %s", i, got, version, step.want, step.version)
				}
			}
			if keys, bytes := library.Size(); keys != 3 || bytes == 0 {
				t.Errorf("got %d keys in %d bytes, want 3", keys, bytes)
			}
		})
	}
}

// A column that the files do not have, or have with another type, is an error.
func TestTableOfAnotherShape(t *testing.T) {
	w := newWorld(t)
	w.batch(noon, true, 2)
	for in, want := range map[string]string{"no": "has no column no", "str": "it holds BYTE_ARRAY, not long"} {
		refs, err := keyload.NewLibrary(w.lake, nil).References([]quality.Reference{{Check: "c", Table: "parents", In: in, Type: schema.Type{Kind: schema.Long}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := refs.Refresh(t.Context(), noon, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
}

func TestFile(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "parents.csv")
	write := func(text string, minute int) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon, noon.Add(time.Duration(minute)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	suite, err := quality.Compile(w.table, []quality.Check{{Reference: "lon", File: path, FileColumn: "id"}})
	if err != nil {
		t.Fatal(err)
	}
	refs, err := keyload.NewLibrary(w.lake, nil).References(suite.References())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refs.Refresh(t.Context(), noon, 0); err == nil {
		t.Error("a file that is not there is found")
	}
	for i, step := range []struct {
		text    string
		changed bool
		want    []int
		fails   string
		version string
	}{
		{text: "name,id\na,2\nb,x\n", changed: true, want: []int{2}, version: "1 rows of it unreadable"},
		{text: "name,id\na,4\n", changed: true, want: []int{4}, version: "12 bytes, 2026-11-24T12:01:00.000000Z"},
		{text: "name,key\na,5\n", fails: "id", want: []int{4}},
		{text: "{\"id\":6}\n{\"id\":7}\n", changed: true, want: []int{6, 7}},
		{text: "{\"key\":6}\n", fails: "none has a long in column id", want: []int{6, 7}},
	} {
		write(step.text, i)
		changed, err := refs.Refresh(t.Context(), noon, 0)
		if changed != step.changed || (err != nil) != (step.fails != "") || err != nil && !strings.Contains(err.Error(), step.fails) {
			t.Errorf("step %d: got %v, changed %t, want %q and %t", i, err, changed, step.fails, step.changed)
		}
		if changed, err := refs.Refresh(t.Context(), noon, 0); step.fails == "" && (changed || err != nil) {
			t.Errorf("step %d again: %v, changed %t", i, err, changed)
		}
		got, version := known(t, w, refs, suite, 1, 2, 3, 4, 5, 6, 7)
		if !slices.Equal(got, step.want) || !strings.Contains(version, step.version) {
			t.Errorf("step %d: got %v of %s, want %v of %s", i, got, version, step.want, step.version)
		}
	}
}

// TestRebuild learns what lies in the window of dedupe, from the main and the late rows,
// and reads no file and no record that cannot hold any of it.
func TestRebuild(t *testing.T) {
	w := newWorld(t)
	suite, err := quality.Compile(w.table, nil, quality.WithDedupe(quality.Dedupe{Keys: []string{"lon"}, Within: time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		w.batch(noon.Add(time.Duration(i-199)*10*time.Minute), i < 190, 2*i+2, 2*i+3)
	}
	head := w.ledger.State().Head
	counted := &counting{Memory: w.lake, reads: map[string]int{}}
	l := ledger.New(counted, "parents")
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	clear(counted.reads)
	keys := suite.NewKeys(quality.KeyOptions{})
	r := keyload.Rebuild{Lake: counted, Ledger: l, Table: w.table, Suite: suite, Keys: keys, MaxFuture: time.Hour}
	if err := r.Start(t.Context(), head); err != nil {
		t.Fatal(err)
	}
	b := w.rows(noon, 2, 387, 388, 389, 390, 400, 401, 999)
	clear(b.Fates)
	if _, err := suite.Begin(b, nil).Finish(keys); err != nil {
		t.Fatal(err)
	}
	// The window of an hour holds the last seven batches: 388 to 401.
	if got, want := fmt.Sprint(b.Fates), "[written written duplicate duplicate duplicate duplicate duplicate written]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if counted.opens != 14 {
		t.Errorf("%d files were opened, want those of seven batches", counted.opens)
	}
	if n := len(counted.reads); n > 64 {
		t.Errorf("%d records were read to find them", n)
	}
}

// counting counts what is read.
type counting struct {
	*storetest.Memory
	mu    sync.Mutex
	reads map[string]int
	opens int
}

func (c *counting) Read(ctx context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	c.reads[key]++
	c.mu.Unlock()
	return c.Memory.Read(ctx, key)
}

func (c *counting) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	r, n, err := c.Memory.Open(ctx, key)
	if err == nil {
		c.mu.Lock()
		c.opens++
		c.mu.Unlock()
	}
	return r, n, err
}
