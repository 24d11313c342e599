package badday_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/ledger"
)

const table = "transactions"

// lake is a folder that the program writes.
type lake string

// holds fails unless the lake holds exactly these records, each in one row of one
// output, and nothing that its ledger does not know. Nothing may run.
func (l lake) holds(t *testing.T, want []record) {
	t.Helper()
	got := map[record]int{}
	ids := l.topicIDs(t)
	for _, output := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		for _, row := range l.rows(t, output) {
			r := origin(t, row)
			id, ok := ids[row["etl_batch_id"].String()+"/"+string(row["_topic"].Bytes())]
			if !ok {
				t.Errorf("a row of batch %s, which the ledger does not know", row["etl_batch_id"])
			}
			if r.file == "" {
				r.topicID = id
			}
			if r.value = string(row["_value"].Bytes()); output != ledger.Quarantine {
				r.value = event(t, row)
			}
			got[r]++
		}
	}
	missing, odd := 0, 0
	complain := func(n *int, format string, args ...any) {
		if *n++; *n <= 5 {
			t.Errorf(format, args...)
		}
	}
	for _, r := range want {
		if got[r]--; got[r] < 0 {
			complain(&missing, "missing: %+v", r)
		}
	}
	for r, n := range got {
		if n > 0 {
			complain(&odd, "%d too many: %+v", n, r)
		}
	}
	if missing+odd > 0 {
		t.Errorf("%d of %d records are missing, %d are not as produced", missing, len(want), odd)
	}
	l.named(t)
}

// origin is where a row comes from.
func origin(t *testing.T, row map[string]parquet.Value) record {
	t.Helper()
	if file := row["_file"]; !file.IsNull() {
		return record{file: filepath.Base(file.String()), line: number(t, row, "_line")}
	}
	return record{partition: int32(number(t, row, "_partition")), offset: number(t, row, "_offset")}
}

// named fails unless the files of the tables are those that the ledger names.
func (l lake) named(t *testing.T) {
	t.Helper()
	want := map[string]bool{}
	for _, r := range l.ledger(t) {
		for _, f := range r.Files {
			want[f.Path] = true
		}
	}
	for _, output := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		for _, path := range l.files(t, output) {
			if !want[path] {
				t.Errorf("%s is in no record of the ledger", path)
			}
			delete(want, path)
		}
	}
	for path := range maps.Keys(want) {
		t.Errorf("%s is decided, and not published", path)
	}
}

// ledger reads all records, which must be numbered without a hole.
func (l lake) ledger(t *testing.T) []*ledger.Record {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(string(l), ledger.LedgerDir(table), "*.json"))
	must(t, err)
	var out []*ledger.Record
	for i, name := range names { // sorted
		data, err := os.ReadFile(name)
		must(t, err)
		r := new(ledger.Record)
		must(t, json.Unmarshal(data, r))
		if r.Seq != int64(i)+1 || !strings.HasSuffix(name, ledger.RecordKey(table, r.Seq)) {
			t.Errorf("record %d of the ledger is %s", i+1, name)
		}
		out = append(out, r)
	}
	return out
}

// topicIDs are the ids of topics, by batch and the topic's name.
func (l lake) topicIDs(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range l.ledger(t) {
		for i := range r.Sources {
			if r.Kind == ledger.KindBatch {
				out[r.Batch+"/"+r.Sources[i].Topic] = r.Sources[i].TopicID.String()
			}
		}
	}
	return out
}

// files are the names below the folder of an output, relative to the lake.
func (l lake) files(t *testing.T, o ledger.Output) []string {
	t.Helper()
	var out []string
	dir := filepath.Join(string(l), o.Dir(table))
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(string(l), path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	}))
	return out
}

// rows are all rows of an output, by the names of their columns.
func (l lake) rows(t *testing.T, o ledger.Output) []map[string]parquet.Value {
	t.Helper()
	var out []map[string]parquet.Value
	for _, path := range l.files(t, o) {
		f, err := os.Open(filepath.Join(string(l), path))
		must(t, err)
		info, err := f.Stat()
		must(t, err)
		p, err := parquet.OpenFile(f, info.Size())
		if err != nil {
			t.Fatalf("open %s: %v", path, err)
		}
		columns := p.Schema().Columns()
		for _, g := range p.RowGroups() {
			rows := g.Rows()
			buf := make([]parquet.Row, 256)
			for n, err := 1, error(nil); n > 0 && err == nil; {
				n, err = rows.ReadRows(buf)
				for _, values := range buf[:n] {
					row := map[string]parquet.Value{}
					for _, v := range values {
						row[columns[v.Column()][0]] = v.Clone()
					}
					out = append(out, row)
				}
			}
			must(t, rows.Close())
		}
		must(t, f.Close())
	}
	return out
}

func number(t *testing.T, row map[string]parquet.Value, column string) int64 {
	t.Helper()
	v := row[column]
	n, err := strconv.ParseInt(v.String(), 10, 64)
	if err != nil {
		t.Fatalf("%s is %s, want a number", column, v)
	}
	return n
}

// event is a row as the event that it was made of, written as package generate
// writes events.
func event(t *testing.T, row map[string]parquet.Value) string {
	t.Helper()
	cents, sign := number(t, row, "amount"), ""
	if cents < 0 {
		cents, sign = -cents, "-"
	}
	return fmt.Sprintf(`{"transaction_id":%d,"account_id":%d,"amount":%s%d.%02d,"transaction_type":"%s","transaction_date":"%s",`+
		`"status":"%s","currency":"%s","channel":"%s","merchant":"%s","country":"%s"}`,
		number(t, row, "transaction_id"), number(t, row, "account_id"), sign, cents/100, cents%100, row["transaction_type"],
		time.UnixMicro(number(t, row, "transaction_date")).UTC().Format("2006-01-02T15:04:05.000000Z"),
		row["status"], row["currency"], row["channel"], row["merchant"], row["country"])
}

// decided are the records that the ledger covers with batches, of those produced.
func (l lake) decided(t *testing.T, sent []record) []record {
	t.Helper()
	type span struct {
		id        string
		partition int32
	}
	ranges := map[span][][2]int64{}
	for _, r := range l.ledger(t) {
		for i := range r.Sources {
			if s := &r.Sources[i]; r.Kind == ledger.KindBatch {
				at := span{s.TopicID.String(), s.Partition}
				ranges[at] = append(ranges[at], [2]int64{s.From, s.To})
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(sent), func(r record) bool {
		return !slices.ContainsFunc(ranges[span{r.topicID, r.partition}], func(x [2]int64) bool { return x[0] <= r.offset && r.offset < x[1] })
	})
}
