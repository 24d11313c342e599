package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

// row is a row of any output as text, by column; null columns are not in it.
type row map[string]string

func (r row) origin() string { return r["_topic"] + "/" + r["_partition"] + "@" + r["_offset"] }

// rows reads what a plain glob over an output of a table sees.
func rows(t testing.TB, s storetest.Store, o ledger.Output, table string) []row {
	t.Helper()
	entries, err := s.List(t.Context(), o.Dir(table)+"/")
	if err != nil {
		t.Fatal(err)
	}
	var out []row
	for _, e := range entries {
		if !strings.HasSuffix(e.Key, ".parquet") {
			t.Errorf("%s lies among published files", e.Key)
			continue
		}
		data, err := s.Read(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parquetRows(t, e.Key, data)...)
	}
	slices.SortStableFunc(out, func(a, b row) int { return strings.Compare(a.origin(), b.origin()) })
	return out
}

func parquetRows(t testing.TB, name string, data []byte) []row {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []row
	columns := f.Schema().Columns()
	for _, g := range f.RowGroups() {
		r := g.Rows()
		buf := make([]parquet.Row, 64)
		for {
			n, err := r.ReadRows(buf)
			for _, values := range buf[:n] {
				one := row{}
				for _, v := range values {
					if !v.IsNull() {
						one[columns[v.Column()][0]] = v.String()
					}
				}
				out = append(out, one)
			}
			if err != nil {
				break
			}
		}
		r.Close()
	}
	return out
}

// records reads the whole ledger of a table.
func records(t testing.TB, s storetest.Store, table string) []*ledger.Record {
	t.Helper()
	entries, err := s.List(t.Context(), ledger.LedgerDir(table)+"/")
	if err != nil {
		t.Fatal(err)
	}
	var out []*ledger.Record
	for _, e := range entries {
		data, err := s.Read(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.DecodeRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// fates is where each record of a topic lies: a line "partition@offset output value"
// for each row of the three outputs, in order, doubles included.
func fates(t testing.TB, s storetest.Store, table string) []string {
	t.Helper()
	var out []string
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		for _, r := range rows(t, s, o, table) {
			value := r["id"]
			if o == ledger.Quarantine {
				value = r["_reason"] + " " + r["_value"]
			}
			out = append(out, fmt.Sprintf("%s@%03s %s %s", r["_partition"], r["_offset"], o, value))
		}
	}
	slices.Sort(out)
	return out
}

// origins wants each of n[p] records of partition p to lie in exactly one output,
// once, with the bytes that came: main and late rows have their id, rejected ones
// their value.
func checkExact(t testing.TB, s storetest.Store, table string, topic *topic) {
	t.Helper()
	var got, want []string
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows} {
		for _, r := range rows(t, s, o, table) {
			got = append(got, fmt.Sprintf("%s@%s id=%s", r["_partition"], r["_offset"], r["id"]))
		}
	}
	for _, r := range rows(t, s, ledger.Quarantine, table) {
		got = append(got, fmt.Sprintf("%s@%s value=%s", r["_partition"], r["_offset"], r["_value"]))
	}
	rejected := map[string]bool{}
	for _, g := range got {
		if at, _, ok := strings.Cut(g, " value="); ok {
			rejected[at] = true
		}
	}
	for p := range topic.parts {
		for o, e := range topic.parts[p].events {
			if e.gone {
				continue
			}
			at := fmt.Sprintf("%d@%d", p, o)
			if rejected[at] {
				want = append(want, at+" value="+e.value)
			} else {
				want = append(want, fmt.Sprintf("%s id=%s", at, e.id()))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("visible rows: got %d, want %d\n got %v\nwant %v", len(got), len(want), clip(got), clip(want))
	}
}

func clip(s []string) []string { return s[:min(len(s), 40)] }

// checkBalance wants each batch record to add up, and its files to hold what it says.
func checkBalance(t testing.TB, s storetest.Store, table string) {
	t.Helper()
	for _, r := range records(t, s, table) {
		if r.Counts.Balance() != 0 {
			t.Errorf("record %d: counts %+v do not add up", r.Seq, r.Counts)
		}
		byOutput := map[ledger.Output]int64{}
		for _, f := range r.Files {
			byOutput[f.Output] += f.Rows
		}
		if r.Kind != ledger.KindBatch {
			continue
		}
		if byOutput[ledger.Main] != r.Counts.Written || byOutput[ledger.LateRows] != r.Counts.Late || byOutput[ledger.Quarantine] != r.Counts.Quarantined {
			t.Errorf("record %d: files %v do not hold the counts %+v", r.Seq, byOutput, r.Counts)
		}
	}
}

func dump(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}
