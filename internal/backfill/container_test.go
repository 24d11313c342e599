package backfill_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
	"github.com/parquet-go/parquet-go"

	"tidemark/internal/backfill"
	"tidemark/internal/ledger"
)

const eventSchema = `{"type":"record","name":"event","fields":[{"name":"id","type":["null","long"]},{"name":"at","type":"string"}]}`

// tooLong is the id of an event that is longer than any record may be.
const tooLong = 1_000_000

// container is an Avro file of events from..to-1, in blocks of so many; of one below zero, the
// id is null.
func container(t *testing.T, from, to, block int) string {
	t.Helper()
	var file bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &file, Schema: eventSchema, CompressionName: "null"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []any
	for id := from; id < to; id++ {
		row := map[string]any{"id": goavro.Union("long", id), "at": "2026-03-01T00:00:00Z"}
		if id < 0 {
			row["at"] = fmt.Sprint("no time ", id)
		}
		if id == tooLong {
			row["at"] = strings.Repeat("x", 17<<20)
		}
		if rows = append(rows, row); len(rows) == block || id+1 == to {
			if err := w.Append(rows); err != nil {
				t.Fatal(err)
			}
			rows = rows[:0]
		}
	}
	return file.String()
}

// columnar is a Parquet file of the same events, with row groups of so many.
func columnar(t *testing.T, from, to, group int) string {
	t.Helper()
	type event struct {
		ID *int64 `parquet:"id,optional"`
		At string `parquet:"at,dict"`
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[event](&file, parquet.MaxRowsPerRowGroup(int64(group)))
	for id := int64(from); id < int64(to); id++ {
		e := event{&id, "2026-03-01T00:00:00Z"}
		if id < 0 {
			e.At = fmt.Sprint("no time ", id)
		}
		if _, err := w.Write([]event{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// writers are what makes files of events, by the names of the files.
func writers() map[string]func(t *testing.T, from, to, block int) string {
	return map[string]func(t *testing.T, from, to, block int) string{"a.avro": container, "a.parquet": columnar}
}

// TestContainerGoesOn: what is decided of a container is compared by the bytes of its rows, or by
// their text, as an older version did; whichever it was, reading goes on behind it.
func TestContainerGoesOn(t *testing.T) {
	as := func(text bool) func(*backfill.Config) {
		return func(c *backfill.Config) { c.Options.Text = text }
	}
	for name, write := range writers() {
		for _, first := range []bool{true, false} {
			w := newWorld(t)
			w.put(name, write(t, 0, 900, 100), 1)
			run, err := w.run(options{config: as(first)})
			done(t, run, err, 1, 0)

			w.put(name, write(t, 0, 900, 100), 2) // touched
			run, err = w.run(options{config: as(!first)})
			done(t, run, err, 0, 1)

			w.put(name, write(t, 0, 1500, 70), 3) // grown, in other blocks
			run, err = w.run(options{config: as(!first)})
			done(t, run, err, 1, 0)
			all := want(nil, name, 1, 0, 1500)
			w.holds(all)

			w.put(name, write(t, 5, 1505, 70), 4)
			run, err = w.run(options{config: as(first)})
			done(t, run, err, 0, 0, "are not what is decided")
			w.holds(all)
		}
	}
}

// TestContainerRejects: of a row that is rejected, the quarantine has the text.
func TestContainerRejects(t *testing.T) {
	for name, write := range writers() {
		w := newWorld(t)
		w.put(name, write(t, -2, 3, 10), 1)
		run, err := w.run(options{})
		done(t, run, err, 1, 0)
		w.holds(want(nil, name, 3, 0, 3))
		holdsRejects(t, w.rejected())
	}
}

func holdsRejects(t *testing.T, rows []rejected) {
	t.Helper()
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		want := rejected{
			"time", fmt.Sprintf(`time: column at at byte 15: a time such as 2026-11-22T10:15:30.123456Z, got "no time %d"`, i-2),
			fmt.Sprintf(`{"id":%d,"at":"no time %d"}`, i-2, i-2), int64(i + 1),
		}
		if r != want {
			t.Errorf("got %+v, want %+v", r, want)
		}
	}
}

// TestContainerLimit: of a row that is too long, the quarantine has the text but for the value
// that is.
func TestContainerLimit(t *testing.T) {
	w := newWorld(t)
	w.put("a.avro", container(t, tooLong-1, tooLong+2, 10), 1)
	run, err := w.run(options{})
	done(t, run, err, 1, 0)
	w.holds(map[row]int{{tooLong - 1, "a.avro", 1}: 1, {tooLong + 1, "a.avro", 3}: 1})
	want := fmt.Sprintf(`{"id":%d,"at":`, tooLong)
	if rows := w.rejected(); len(rows) != 1 || rows[0].Reason != "limit" || len(rows[0].Value) > 1<<20 || !strings.HasPrefix(rows[0].Value, want) {
		t.Errorf("%d rows: %s %.40s, want limit %s", len(rows), rows[0].Reason, rows[0].Value, want)
	}
}

// rejected is a row of the quarantine.
type rejected struct {
	Reason string `parquet:"_reason"`
	Detail string `parquet:"_detail"`
	Value  string `parquet:"_value"`
	Line   int64  `parquet:"_line"`
}

// rejected are the rows of the quarantine, which is one file.
func (w *world) rejected() []rejected {
	t := w.t
	t.Helper()
	entries, err := w.lake.List(t.Context(), ledger.Quarantine.Dir("t")+"/")
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	in, size, err := w.lake.Open(t.Context(), entries[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	rows, err := parquet.Read[rejected](in, size)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
