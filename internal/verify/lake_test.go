package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/verify"
)

// row is a row of the main and the late output.
type row struct {
	When      *time.Time `parquet:"when,optional,timestamp(microsecond)"`
	Batch     string     `parquet:"etl_batch_id"`
	Topic     string     `parquet:"_topic,dict"`
	Partition int32      `parquet:"_partition"`
	Offset    int64      `parquet:"_offset"`
}

// reject is a row of the quarantine.
type reject struct {
	Timestamp time.Time `parquet:"_timestamp,timestamp(microsecond)"`
	Batch     string    `parquet:"etl_batch_id"`
	Topic     string    `parquet:"_topic,dict"`
	Partition int32     `parquet:"_partition"`
	Offset    int64     `parquet:"_offset"`
}

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// lake is a real one on a disk, with a ledger that the real code has written.
type lake struct {
	t      *testing.T
	dir    string
	store  *store.File
	ledger *ledger.Ledger
	topic  ledger.TopicID
	next   [2]int64
	batch  int
}

func newLake(t *testing.T) *lake {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	l := &lake{t: t, dir: dir, store: s, ledger: ledger.New(s, "tx", ledger.WithCheckpointEvery(4)), topic: ledger.TopicID{7}}
	l.decide(ledger.Proposal{Kind: ledger.KindClaim, Batch: l.id(), Sources: []ledger.Source{
		{Topic: "t", TopicID: l.topic, Partition: 0, First: true}, {Topic: "t", TopicID: l.topic, Partition: 1, First: true}},
		Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{Why: "first start"}, nil }})
	return l
}

func (l *lake) id() string {
	l.batch++
	return fmt.Sprintf("batch%d", l.batch)
}

func (l *lake) decide(p ledger.Proposal) *ledger.Record {
	l.t.Helper()
	d, err := l.ledger.Decide(l.t.Context(), p)
	if err != nil || d.Dropped {
		l.t.Fatalf("decide: %v %s", err, d.Why)
	}
	return d.Record
}

// build is the rows of a batch of ten offsets a partition: of each the first is
// late, the second quarantined, the third holds no record. Change alters them after
// the record's numbers were made from them.
type build struct {
	rows, late []row
	rejects    []reject
	dropLate   bool
	change     func(*build)
}

func (l *lake) stage(key string, data []byte) {
	l.t.Helper()
	s, err := l.store.Stage(l.t.Context(), key)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := s.Write(data); err != nil {
		l.t.Fatal(err)
	}
	if err := s.Finish(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

func encode[T any](t *testing.T, rows []T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.DataPageVersion(1), parquet.MaxRowsPerRowGroup(4))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// add decides a batch.
func (l *lake) add(b build) *ledger.Record {
	l.t.Helper()
	id := l.id()
	sources := []ledger.Source{}
	for p := range int32(2) {
		from := l.next[p]
		for i := range int64(10) {
			at := day.Add(time.Duration(from+i) * time.Minute)
			switch i {
			case 0:
				b.late = append(b.late, row{&at, id, "t", p, from + i})
			case 1:
				b.rejects = append(b.rejects, reject{at, id, "t", p, from + i})
			case 2:
			default:
				b.rows = append(b.rows, row{&at, id, "t", p, from + i})
			}
		}
		sources = append(sources, ledger.Source{Topic: "t", TopicID: l.topic, Partition: p, From: from, To: from + 10, Records: 9, Skipped: 1})
		l.next[p] += 10
	}
	counts := ledger.Counts{Read: 18, Written: int64(len(b.rows)), Late: int64(len(b.late)), Quarantined: int64(len(b.rejects))}
	first, last := ledger.At(*b.rows[0].When), ledger.At(*b.rows[len(b.rows)-1].When)
	lateFirst, lateLast := ledger.At(*b.late[0].When), ledger.At(*b.late[len(b.late)-1].When)
	counted := len(b.rows)
	if b.change != nil {
		b.change(&b)
	}
	var files []ledger.File
	file := func(o ledger.Output, rows int, low, high *ledger.Time, data []byte) {
		k := len(files)
		f := ledger.File{Output: o, Rows: int64(rows), Bytes: int64(len(data)), XXH3: ledger.Sum(xxh3.Hash(data)), MinEventTime: low, MaxEventTime: high,
			Path:   fmt.Sprintf("%s/yyyy=2026/mm=11/dd=22/%s-%d.parquet", o.Dir("tx"), id, k),
			Staged: fmt.Sprintf("%s/%d", ledger.StagingDir("tx", id), k)}
		l.stage(f.Staged, data)
		files = append(files, f)
	}
	file(ledger.Main, counted, &first, &last, encode(l.t, b.rows))
	if !b.dropLate {
		file(ledger.LateRows, len(b.late), &lateFirst, &lateLast, encode(l.t, b.late))
	}
	file(ledger.Quarantine, len(b.rejects), nil, nil, encode(l.t, b.rejects))
	mark := ledger.At(day.Add(time.Duration(l.next[0]) * time.Minute))
	return l.decide(ledger.Proposal{Kind: ledger.KindBatch, Batch: id, Sources: sources, Seal: func(*ledger.State, int64) (*ledger.Record, error) {
		return &ledger.Record{DecidedAt: ledger.At(day.Add(time.Duration(l.batch) * time.Hour)), Counts: counts, Files: files, Watermark: &mark}, nil
	}})
}

func (l *lake) publish() {
	l.t.Helper()
	if _, err := ledger.NewPublisher(l.ledger, l.store).Publish(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// full is a lake of four published batches and two checkpoints.
func full(t *testing.T) *lake {
	t.Helper()
	l := newLake(t)
	for range 8 {
		l.add(build{})
		l.publish()
	}
	return l
}

func (l *lake) record(seq int64) *ledger.Record {
	l.t.Helper()
	r, err := ledger.New(l.store, "tx").Record(l.t.Context(), seq)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func (l *lake) path(key string) string { return filepath.Join(l.dir, filepath.FromSlash(key)) }

func (l *lake) read(key string) []byte {
	l.t.Helper()
	data, err := os.ReadFile(l.path(key))
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

func (l *lake) write(key string, data []byte) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(l.path(key)), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(l.path(key), data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lake) remove(key string) {
	l.t.Helper()
	if err := os.Remove(l.path(key)); err != nil {
		l.t.Fatal(err)
	}
}

// replace changes text in an object.
func (l *lake) replace(key, old, with string) {
	l.t.Helper()
	data := l.read(key)
	if !bytes.Contains(data, []byte(old)) {
		l.t.Fatalf("%s holds no %q: %s", key, old, data)
	}
	l.write(key, bytes.Replace(data, []byte(old), []byte(with), 1))
}

// forge changes a record and makes its own check anew.
func (l *lake) forge(seq int64, change func(*ledger.Record)) {
	l.t.Helper()
	key := ledger.RecordKey("tx", seq)
	r, err := ledger.DecodeRecord(l.read(key))
	if err != nil {
		l.t.Fatal(err)
	}
	change(r)
	data, err := ledger.EncodeRecord(r)
	if err != nil {
		l.t.Fatal(err)
	}
	l.write(key, data)
}

var hashesOfARecord = regexp.MustCompile(`"previous":"[0-9a-f]*",|,"sha256":"[0-9a-f]*"`)

// strip makes a record one of the program's first days: without hashes.
func (l *lake) strip(seq int64) {
	l.t.Helper()
	key := ledger.RecordKey("tx", seq)
	l.write(key, hashesOfARecord.ReplaceAll(l.read(key), nil))
}

// verifyAnyVersion is verify where a version that is not known, which is an error, is
// as good as a finding.
func (l *lake) verifyAnyVersion() string {
	l.t.Helper()
	var lines []string
	_, err := verify.Table(l.t.Context(), l.store, "tx", verify.Options{Found: func(f verify.Finding) { lines = append(lines, f.String()) }})
	if err != nil {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

// verify returns what is found, one difference a line.
func (l *lake) verify(deep bool) (string, verify.Summary) {
	l.t.Helper()
	var lines []string
	sum, err := verify.Table(context.WithoutCancel(l.t.Context()), l.store, "tx", verify.Options{
		Deep: deep, EventTime: "when", Found: func(f verify.Finding) { lines = append(lines, f.String()) }})
	if err != nil {
		l.t.Fatal(err)
	}
	if got, want := sum.Different, int64(len(lines)); got != want {
		l.t.Errorf("summary says %d differences, %d were found", got, want)
	}
	return strings.Join(lines, "\n"), sum
}

// busyLake is a lake in which a batch is decided and published just after the walk
// over the ledger has found its end.
type busyLake struct {
	*lake
	done bool
}

func (b *busyLake) Read(ctx context.Context, key string) ([]byte, error) {
	return b.store.Read(ctx, key)
}

func (b *busyLake) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	return b.store.Open(ctx, key)
}

func (b *busyLake) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if prefix == "tx/" && !b.done {
		b.done = true
		b.add(build{})
		b.publish()
	}
	return b.store.List(ctx, prefix)
}

// racedLake is a lake that is published the moment somebody looks for a staged file.
type racedLake struct{ *lake }

func (r *racedLake) Read(ctx context.Context, key string) ([]byte, error) {
	return r.store.Read(ctx, key)
}

func (r *racedLake) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	return r.store.List(ctx, prefix)
}

func (r *racedLake) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	if strings.HasPrefix(key, "_tidemark/tx/staging/") {
		r.publish()
	}
	return r.store.Open(ctx, key)
}

// countedLake counts what is read of files.
type countedLake struct {
	*lake
	streamed, ranges int64
}

func (c *countedLake) Read(ctx context.Context, key string) ([]byte, error) {
	return c.store.Read(ctx, key)
}

func (c *countedLake) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	return c.store.List(ctx, prefix)
}

func (c *countedLake) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	in, size, err := c.store.Open(ctx, key)
	return &countedReader{in, c}, size, err
}

type countedReader struct {
	store.Reader
	lake *countedLake
}

func (r *countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.lake.streamed += int64(n)
	return n, err
}

func (r *countedReader) ReadAt(b []byte, at int64) (int, error) {
	r.lake.ranges++
	return r.Reader.ReadAt(b, at)
}
