package pipeline_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
)

// corpusTable is the table that conform's corpus was written for.
func corpusTable(t testing.TB) pipeline.Table {
	t.Helper()
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	null := schema.Value{Null: true}
	s := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for _, c := range []struct {
		name, kind string
		time       schema.TimeFormat
	}{
		{"id", "long", schema.TimeFormat{}}, {"amount", "decimal(18,2)", schema.TimeFormat{}}, {"n", "int", schema.TimeFormat{}},
		{"big", "long", schema.TimeFormat{}}, {"x", "double", schema.TimeFormat{}}, {"status", "string", schema.TimeFormat{}},
		{"ok", "boolean", schema.TimeFormat{}}, {"at", "timestamp", schema.TimeFormat{}}, {"sent", "timestamp", schema.TimeFormat{Unit: "ms"}},
		{"local", "timestamp", schema.TimeFormat{Zone: zurich}}, {"day", "date", schema.TimeFormat{}}, {"data", "binary", schema.TimeFormat{}},
	} {
		kind, err := schema.ParseType(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		s.Columns = append(s.Columns, schema.Column{Name: c.name, Type: kind, Time: c.time, Default: schema.DefaultFor(kind)})
	}
	s.Columns[0].Required, s.Columns[5].Aliases = true, []string{"state"}
	s.Columns[7].Default = null
	suite, err := quality.Compile(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	table := testTable(t)
	table.Schema, table.Suite = s, suite
	return table
}

// corpusFates reads what conform's golden file says of each record of the corpus:
// "ok", or the reason for its quarantine.
func corpusFates(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../conform/testdata/bad/json.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if f := strings.Fields(rest); ok && len(f) > 0 && (f[0] == "ok" || f[0] == "quarantined") {
			out[name] = f[min(1, len(f)-1)]
			if f[0] == "ok" {
				out[name] = "ok"
			}
		}
	}
	return out
}

// corpusValue reads a file of the corpus, or cooks it by its recipe.
func corpusValue(t *testing.T, path string) (name, value string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name, isRecipe := strings.CutSuffix(filepath.Base(path), ".recipe")
	if !isRecipe {
		return strings.TrimSuffix(name, ".json"), string(text)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		count, piece, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			out.WriteString(strings.ReplaceAll(piece, "%d", strconv.Itoa(i)))
		}
	}
	return name, out.String()
}

// TestCorpus takes every record of conform's corpus the whole way, each between good
// ones, and wants it in the lake with its reason and its bytes, its neighbours
// untouched, the counts balanced, and nothing of its value in the log.
func TestCorpus(t *testing.T) {
	want := corpusFates(t)
	paths, err := filepath.Glob("../../conform/testdata/bad/json/*")
	if err != nil || len(paths) == 0 || len(want) < len(paths)/2 {
		t.Fatalf("no corpus: %d files, %d fates, %v", len(paths), len(want), err)
	}
	slices.Sort(paths)
	tp := newTopic(1)
	add := func(value string) { tp.parts[0].events = append(tp.parts[0].events, event{value: value, at: noon}) }
	var names []string
	for i, path := range paths {
		name, value := corpusValue(t, path)
		names = append(names, name)
		add(fmt.Sprintf(`{"id":%d,"status":"neighbour"}`, 1_000_000+i))
		add(value)
	}
	cfg := testConfig(t)
	cfg.Tables = []pipeline.Table{corpusTable(t)}
	cfg.MaxRows = 50
	lake := &storetest.Memory{}
	var log bytes.Buffer
	d := newProcess(t, cfg, lake, tp)
	if d.p, err = pipeline.New(cfg, lake, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}

	got := map[string][]row{}
	for _, o := range []ledger.Output{ledger.Main, ledger.Quarantine} {
		for _, r := range rows(t, lake, o, "t") {
			got[r["_offset"]] = append(got[r["_offset"]], r)
		}
	}
	for o, e := range tp.parts[0].events {
		r := got[strconv.Itoa(o)]
		if len(r) != 1 {
			t.Errorf("offset %d is in the lake %d times", o, len(r))
			continue
		}
		fate := "ok"
		if o%2 == 1 {
			fate = want[names[o/2]]
		}
		switch {
		case fate == "ok" && (r[0]["_reason"] != "" || r[0]["id"] == ""):
			t.Errorf("offset %d (%s): got %v, want it accepted", o, names[o/2], r[0]["_reason"])
		case fate != "ok" && (r[0]["_reason"] != fate || r[0]["_value"] != e.value):
			t.Errorf("%s: got %s with %d bytes, want %s with %d", names[o/2], r[0]["_reason"], len(r[0]["_value"]), fate, len(e.value))
		}
		if len(e.value) > 16 && strings.Contains(log.String(), e.value) {
			t.Errorf("%s: its value is in the log", names[o/2])
		}
	}
	checkBalance(t, lake, "t")
}
