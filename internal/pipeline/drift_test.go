package pipeline_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
)

// named are schemas by the first byte of a value.
type named map[byte]conform.Written

func (n named) Schema(value, _ []byte) conform.Written { return n[value[0]] }

func written(t *testing.T, id, text string, version int) conform.Written {
	t.Helper()
	s, err := avroschema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := batch.NewAvro(id, s)
	o.Uses = []batch.Use{{Subject: "another", Version: 40}, {Subject: "in-value", Version: version}}
	return conform.Written{Schema: s, At: 1, Lasting: true, Origin: o}
}

// TestSchemasAreRecorded wants each schema in the ledger once, by its id and its version of
// the topic's subject, and drift to say which one brought it, how many records have it and
// what was done.
func TestSchemasAreRecorded(t *testing.T) {
	tp := newTopic(1)
	add := func(which byte, id int64, more ...int64) {
		value := []byte{which}
		for _, n := range append([]int64{id, noon.Add(-time.Hour).UnixMicro()}, more...) {
			value = binary.AppendVarint(value, n)
		}
		tp.parts[0].events = append(tp.parts[0].events, event{value: string(value), at: noon})
	}
	for i := range int64(12) { // batches of four
		if i == 5 || i == 6 || i == 9 {
			add(2, i, 1)
		} else {
			add(1, i)
		}
	}
	cfg := testConfig(t)
	cfg.Tables[0].Schema.Format = schema.AvroRegistryFormat
	const at = `{"name":"id","type":"long"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}`
	cfg.Tables[0].Written = named{
		1: written(t, "11", `{"type":"record","name":"r","fields":[`+at+`]}`, 1),
		2: written(t, "12", `{"type":"record","name":"r","fields":[`+at+`,{"name":"extra","type":"long"}]}`, 2),
	}
	lake := &storetest.Memory{}
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var schemas []ledger.Written
	var extra []ledger.Drift
	for _, r := range records(t, lake, "t") {
		schemas = append(schemas, r.Schemas...)
		for _, d := range r.Drift {
			if d.Change == "extra" {
				extra = append(extra, d)
			}
		}
	}
	if len(schemas) != 2 {
		t.Fatalf("got schemas %+v, want two", schemas)
	}
	for i, want := range []ledger.Written{
		{ID: "11", Subject: "in-value", Version: 1, FirstAt: ledger.Origin{Topic: "in"}, Records: 4},
		{ID: "12", Subject: "in-value", Version: 2, FirstAt: ledger.Origin{Topic: "in", Offset: 5}, Records: 2},
	} {
		got := schemas[i]
		fields := got.Fields
		got.Fields = nil
		if got.ID != want.ID || got.Subject != want.Subject || got.Version != want.Version || got.FirstAt != want.FirstAt || got.Records != want.Records {
			t.Errorf("schema %d: got %+v, want %+v", i, got, want)
		}
		if want := []ledger.Field{{Name: "id", Type: "long"}, {Name: "at", Type: "timestamp-micros"}, {Name: "extra", Type: "long"}}[:2+i]; !slices.Equal(fields, want) {
			t.Errorf("fields of schema %d: got %v, want %v", i, fields, want)
		}
	}
	want := ledger.Drift{Change: "extra", Column: "extra", From: "long", FirstAt: ledger.Origin{Topic: "in", Offset: 5}, Count: 2, Done: "drop", SchemaID: "12", Subject: "in-value", Version: 2}
	if len(extra) != 1 || extra[0] != want {
		t.Errorf("got %+v, want %+v alone", extra, want)
	}
}

// TestColumnsAreRecorded wants the columns of the table in the ledger once, and again when
// the configuration has others, with those that are gone kept in the state.
func TestColumnsAreRecorded(t *testing.T) {
	tp := newTopic(1)
	lake := &storetest.Memory{}
	drain := func(n int, change func(*schema.Table)) *ledger.State {
		t.Helper()
		tp.add(0, n, noon.Add(-time.Hour))
		cfg := testConfig(t)
		cfg.Random = rand.NewChaCha8([32]byte{byte(len(tp.parts[0].events))})
		change(cfg.Tables[0].Schema)
		suite, err := quality.Compile(cfg.Tables[0].Schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Tables[0].Suite = suite
		if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		st, err := ledger.New(lake, "t").Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	drain(8, func(*schema.Table) {})
	drain(8, func(*schema.Table) {})
	drop := func(s *schema.Table) {
		s.Columns = slices.Delete(slices.Clone(s.Columns), 1, 2) // amount
		s.EventTime--
	}
	st := drain(8, func(s *schema.Table) {
		drop(s)
		s.Columns = append(s.Columns, schema.Column{Name: "fee", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}, Default: schema.Value{Int: -5}})
	})
	var seqs []int64
	var last []ledger.Column
	for _, r := range records(t, lake, "t") {
		if len(r.Columns) > 0 {
			seqs, last = append(seqs, r.Seq), r.Columns
		}
	}
	if len(seqs) != 2 {
		t.Errorf("columns are in records %v, want two", seqs)
	}
	fee := ledger.Column{Name: "fee", Type: "decimal(18,2)", Default: "-0.05"}
	if n := len(last); n == 0 || !last[n-1].Equal(fee) || !st.HasColumns(last) {
		t.Errorf("got %+v, want %+v at the end", last, fee)
	}
	if want := []ledger.Column{{Name: "amount", Type: "decimal(18,2)"}}; !slices.EqualFunc(st.Past, want, ledger.Column.Equal) {
		t.Errorf("past columns: got %+v, want %+v", st.Past, want)
	}
}

// TestTypesOfFiles wants a table to be refused before it begins if its files have a column of
// another type: by the ledger, also where the column was left out meanwhile, and by the
// newest file if the ledger says nothing of columns.
func TestTypesOfFiles(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 4, noon.Add(-time.Hour))
	lake := &storetest.Memory{}
	if err := newProcess(t, testConfig(t), lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, err := ledger.New(lake, "t").Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := *st // as the program's first days have it
	old.Columns, old.Versions = nil, 0
	past := *st
	past.Columns, past.Past = slices.Delete(slices.Clone(st.Columns), 1, 2), st.Columns[1:2]
	as := func(name string, typ schema.Type) *schema.Table {
		out := *testTable(t).Schema
		out.Columns = slices.Clone(out.Columns)
		out.Columns[out.Column(name)].Type = typ
		return &out
	}
	text := schema.Type{Kind: schema.String, JSON: true}
	for _, c := range []struct {
		table *schema.Table
		want  string
	}{
		{as("kind", schema.Type{Kind: schema.String}), ""},
		{as("kind", text), ""}, // lies in files as a string does
		{as("kind", schema.Type{Kind: schema.Binary}), "column kind is binary, and files of the table have it as string"},
		{as("amount", schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 4}), "column amount is decimal(18,4), and files of the table have it as decimal(18,2)"},
		{as("id", schema.Type{Kind: schema.Int}), `as in {name: id_new, type: "int", from: id}`},
		{&schema.Table{Name: "t", Columns: []schema.Column{{Name: "other", Type: text}}}, ""},
	} {
		for name, st := range map[string]*ledger.State{"now": st, "past": &past, "old": &old} {
			err := pipeline.CheckColumns(t.Context(), lake, st, c.table)
			if want := (*pipeline.ColumnsError)(nil); c.want == "" && err != nil || c.want != "" && (!errors.As(err, &want) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: got %v, want %q", name, err, c.want)
			}
		}
	}
	cfg := testConfig(t)
	cfg.Random = rand.NewChaCha8([32]byte{2})
	cfg.Tables[0].Schema = as("kind", schema.Type{Kind: schema.Binary})
	tp.add(0, 4, noon.Add(-time.Hour))
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err == nil || !strings.Contains(err.Error(), "column kind is binary") {
		t.Errorf("got %v, want a refusal", err)
	}
	if got := len(records(t, lake, "t")); int64(got) != st.Head {
		t.Errorf("%d records, want %d as before", got, st.Head)
	}
}
