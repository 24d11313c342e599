package writer_test

import (
	"fmt"
	"maps"
	"path"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/writer"
)

// check reads the files of a batch and compares every row with what was put in:
// exactly the rows that belong into a file, each once, in the right folder (O1).
func check(t *testing.T, lake *storetest.Memory, files []ledger.File, b *batch.Batch, in writer.Build, o writer.Options) {
	t.Helper()
	expected := map[string]record{}
	for row, fate := range b.Fates[:b.Rows] {
		if fate == batch.Written || fate == batch.Late && !in.DropLate || fate == batch.Quarantined {
			rec := want(b, row, in, o)
			expected[rec["_partition"]+"/"+rec["_offset"]+rec["_file"]+rec["_line"]] = rec
		}
	}
	for k, f := range files {
		rows := read(t, lake, f)
		if got, want := int64(len(rows)), f.Rows; got != want {
			t.Errorf("%s: got %d rows, the record says %d", f.Path, got, want)
		}
		if got, want := path.Base(f.Path), fmt.Sprintf("%s-%d.parquet", in.Batch, k); got != want {
			t.Errorf("name: got %s, want %s", got, want)
		}
		for _, rec := range rows {
			id := rec["_partition"] + "/" + rec["_offset"] + rec["_file"] + rec["_line"]
			w, ok := expected[id]
			if !ok {
				t.Fatalf("%s: row %s is in no file or in two", f.Path, id)
			}
			if !maps.Equal(rec, w) {
				t.Fatalf("%s: row %s\ngot  %s\nwant %s", f.Path, id, describe(rec), describe(w))
			}
			if got, want := path.Dir(f.Path), wantDir(b.Table, f.Output, rec); got != want {
				t.Fatalf("row %s: got folder %s, want %s", id, got, want)
			}
			delete(expected, id)
		}
	}
	if len(expected) > 0 {
		t.Errorf("%d rows are in no file", len(expected))
	}
}

func wantDir(table *schema.Table, output ledger.Output, rec record) string {
	if output == ledger.Quarantine {
		us, err := strconv.ParseInt(rec["_timestamp"], 10, 64)
		if err != nil {
			us = int64(processedAt)
		}
		return table.Name + "_quarantine" + time.UnixMicro(us).UTC().Format("/yyyy=2006/mm=01/dd=02")
	}
	dir := output.Dir(table.Name)
	if table.Partition == schema.Unpartitioned {
		return dir
	}
	v, _ := strconv.ParseInt(rec[table.Columns[table.EventTime].Name], 10, 64)
	at := time.UnixMicro(v)
	if table.Columns[table.EventTime].Type.Kind == schema.Date {
		at = time.Unix(v*86_400, 0)
	}
	if table.Partition == schema.ByHour {
		return dir + at.UTC().Format("/yyyy=2006/mm=01/dd=02/hh=15")
	}
	return dir + at.UTC().Format("/yyyy=2006/mm=01/dd=02")
}

func describe(r record) string {
	var names []string
	for n := range r {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, " %s=%q", n, r[n])
	}
	return b.String()
}

// TestRowsThatStayTogether: rows that mostly come day by day, which are moved many at a time, are in
// one file each as all others are.
func TestRowsThatStayTogether(t *testing.T) {
	for apart, rows := range map[int]int{2: 500, 7: 900, 9: 900, 100: 3000, 1000: 2999} {
		m := newMaker(uint64(apart))
		b := m.make(allTypes(), rows)
		at := b.Columns[b.Table.EventTime].Ints
		for row := range rows {
			at[row] = kafkaTime.UnixMicro() - int64(row/apart%3)*86_400_000_000
			switch row % (7 * apart) {
			case apart:
				reject(b, row, "syntax")
			case 2*apart + 1:
				b.Fates[row] = batch.Duplicate
			case 3 * apart:
				b.Fates[row] = batch.Late
			}
		}
		lake, files := write(t, writer.Options{}, b, build("b1"))
		check(t, lake, files, b, build("b1"), writer.Options{})
	}
}

func TestEveryRowIsInOneFile(t *testing.T) {
	for _, by := range []schema.Partitioning{schema.ByDay, schema.ByHour, schema.Unpartitioned} {
		for _, rows := range []int{1, 2, 17, 1000, 45_000} {
			if rows > 1000 && by != schema.Unpartitioned {
				continue // only files of several pages need as many
			}
			t.Run(fmt.Sprintf("%s/%d", by, rows), func(t *testing.T) {
				table := allTypes()
				table.Partition = by
				m := newMaker(uint64(rows))
				b := m.make(table, rows)
				m.fates()
				o := writer.Options{SourceSystem: "core"}
				lake, files := write(t, o, b, build("b1"))
				check(t, lake, files, b, build("b1"), o)
			})
		}
	}
}
