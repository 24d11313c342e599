package badday_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"tidemark/internal/ledger"
)

// census is what was produced into a topic, as one hash for each offset: it compares
// millions of records with a lake, exactly, in ten bytes for each.
type census struct {
	mu     sync.Mutex
	hashes [][]uint64 // by partition and offset, 0: nothing was produced there
	count  int64
}

func newCensus(partitions int32) *census { return &census{hashes: make([][]uint64, partitions)} }

// add takes in a record that Kafka has acknowledged.
func (c *census) add(partition int32, offset int64, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for int64(len(c.hashes[partition])) <= offset {
		c.hashes[partition] = append(c.hashes[partition], 0)
	}
	c.hashes[partition][offset] = xxh3.Hash(value)
	c.count++
}

// findings are how a lake differs from a census.
type findings struct {
	rows                              int64
	lost, doubled, changed, strangers int64
}

func (f findings) exact() bool { return f == findings{rows: f.rows} }

func (f findings) String() string {
	return fmt.Sprintf("%d records checked, %d lost, %d doubled, %d changed, %d of unknown batches or places", f.rows, f.lost, f.doubled, f.changed, f.strangers)
}

// compare reads all rows of a lake and looks each up. Nothing may run.
func (c *census) compare(t *testing.T, l lake, topicID string) (f findings) {
	t.Helper()
	ids := l.topicIDs(t)
	seen := make([][]bool, len(c.hashes))
	for p := range seen {
		seen[p] = make([]bool, len(c.hashes[p]))
	}
	for _, output := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		for _, path := range l.files(t, output) {
			scan(t, filepath.Join(string(l), path), output, func(r *stranger) {
				f.rows++
				switch p, o := r.partition, r.offset; {
				case ids[r.batch+"/"+r.topic] != topicID || p < 0 || int(p) >= len(seen) || o < 0 || o >= int64(len(seen[p])):
					f.strangers++
				case seen[p][o]:
					f.doubled++
				default:
					seen[p][o] = true
					if c.hashes[p][o] != r.hash {
						f.changed++
					}
				}
			})
		}
	}
	for p := range seen {
		for o := range seen[p] {
			if !seen[p][o] && c.hashes[p][o] != 0 {
				f.lost++
			}
		}
	}
	return f
}

// stranger is a row of a lake of which it is not known yet whether it belongs there.
type stranger struct {
	batch, topic string
	partition    int32
	offset       int64
	hash         uint64 // of the event that it was made of
}

// scan goes through the rows of a file.
func scan(t *testing.T, name string, output ledger.Output, row func(*stranger)) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	at := map[string]int{}
	for i, path := range file.Schema().Columns() {
		at[path[0]] = i
	}
	text := func(r parquet.Row, column string) string { return string(r[at[column]].ByteArray()) }
	var event []byte
	buf := make([]parquet.Row, 512)
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		for n, err := 1, error(nil); n > 0 && err == nil; {
			n, err = rows.ReadRows(buf)
			for _, r := range buf[:n] {
				s := stranger{batch: text(r, "etl_batch_id"), topic: text(r, "_topic"), partition: r[at["_partition"]].Int32(), offset: r[at["_offset"]].Int64()}
				if output == ledger.Quarantine {
					event = append(event[:0], r[at["_value"]].ByteArray()...)
				} else {
					event = appendEvent(event[:0], r, at)
				}
				s.hash = xxh3.Hash(event)
				row(&s)
			}
		}
		must(t, rows.Close())
	}
}

// appendEvent writes a row as the event that it was made of, as event does.
func appendEvent(b []byte, r parquet.Row, at map[string]int) []byte {
	name := func(b []byte, column string) []byte { return append(append(append(b, `,"`...), column...), `":`...) }
	b = strconv.AppendInt(append(b, `{"transaction_id":`...), r[at["transaction_id"]].Int64(), 10)
	b = strconv.AppendInt(name(b, "account_id"), r[at["account_id"]].Int64(), 10)
	b = name(b, "amount")
	cents := r[at["amount"]].Int64()
	if cents < 0 {
		b, cents = append(b, '-'), -cents
	}
	b = append(strconv.AppendInt(b, cents/100, 10), '.', byte('0'+cents/10%10), byte('0'+cents%10))
	for _, column := range []string{"transaction_type", "transaction_date", "status", "currency", "channel", "merchant", "country"} {
		b = append(name(b, column), '"')
		if v := r[at[column]]; column == "transaction_date" {
			b = time.UnixMicro(v.Int64()).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
		} else {
			b = append(b, v.ByteArray()...)
		}
		b = append(b, '"')
	}
	return append(b, '}')
}
