package config

import (
	"regexp"
	"strings"
	"time"

	"tidemark/internal/schema"
	"tidemark/quality"
	"tidemark/watermark"
)

// inherited is what a table takes over from the top.
type inherited struct {
	writer Writer
	sortBy value // where the columns to sort by are named
}

// tableReader is a table in the making.
type tableReader struct {
	Table
	section section
	schema  *schema.Table
	columns map[string]value // of those that the file lists, by name
	checks  []placedCheck
	faults  int  // how many there were before this table
	faulty  bool // it has some
	sound   bool // the columns are right, so that checks can be compiled
}

func readTables(v value, in inherited) []Table {
	items, ok := v.list("- {name: transactions, preset: banking/transactions, topics: [transactions]}")
	if ok && len(items) == 0 {
		v.fault("is an empty list: write at least one table")
	}
	var tables []*tableReader
	names, topics := map[string]place{}, map[string]string{}
	for _, item := range items {
		item.name = ""
		s, ok := item.section(tableSection)
		if !ok {
			continue
		}
		t := &tableReader{section: s, faults: len(v.r.faults)}
		t.read(in)
		t.once(names, topics)
		tables = append(tables, t)
	}
	var out []Table
	for _, t := range tables {
		t.resolve(tables)
		t.compile()
		out = append(out, t.Table)
	}
	return out
}

// once reports names and topics that another table has. A table's late and
// rejected rows lie in folders of their own, so these names are taken as well.
func (t *tableReader) once(names map[string]place, topics map[string]string) {
	t.section.with("name", func(v value) {
		name := t.schema.Name
		for _, n := range []string{name, name + "_late", name + "_quarantine"} {
			if first, taken := names[strings.ToLower(n)]; taken && name != "" {
				v.fault("%s is taken by the table in line %d (with its _late and _quarantine): write another", quoted(n), first.line)
				return
			}
		}
		for _, n := range []string{name, name + "_late", name + "_quarantine"} {
			names[strings.ToLower(n)] = v.at()
		}
	})
	t.section.with("topics", func(v value) {
		for _, topic := range t.Topics {
			if other, taken := topics[topic]; taken {
				v.fault("has %s, which already feeds table %s: a topic feeds one table", quoted(topic), other)
			}
			topics[topic] = t.schema.Name
		}
	})
}

var (
	tableName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
)

func (t *tableReader) read(in inherited) {
	s := t.section
	t.schema = &schema.Table{EventTime: -1, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV()}
	t.Schema, t.Format = t.schema, "json"
	s.require("name", "transactions", func(v value) {
		if v.text(&t.schema.Name) && !tableName.MatchString(t.schema.Name) {
			v.fault("%s: write up to 100 letters, digits, - and _, not beginning with - or _", v.shown())
		}
	})
	s.with("topics", t.readTopics)
	s.with("format", t.readFormat)
	s.with("debezium", t.readDebezium)
	s.with("schema_file", t.readSchemaFile)
	if t.Format == "avro" && !s.has("schema_file") {
		s.r.fault(s.at, "schema_file is missing: format avro needs the schema: write schema_file: tx.avsc, or format: avro-registry")
	}
	s.with("csv", t.readCSV)
	before := len(s.r.faults)
	p := t.readPreset()
	s.with("columns", t.readColumns)
	t.addChange()
	if len(t.schema.Columns) == 0 && !s.has("columns") && p.usable && !t.Raw {
		s.r.fault(s.at, "columns are missing: write columns: [{name: id, type: long}], or preset: banking/transactions")
	}
	t.sound = p.usable && len(t.schema.Columns) > 0 && len(s.r.faults) == before
	t.readLayout(p)
	s.with("evolution", t.readEvolution)
	t.readWatermark()
	s.with("backfill", t.readBackfill)
	s.with("dedupe", t.readDedupe)
	t.readChecks(p)
	t.readPolicy()
	t.readWriter(in, p)
	t.readRaw()
	// Checks are looked at once the columns are right: their faults would else only
	// repeat those of columns.
	if t.sound {
		t.compileChecks()
	}
	t.faulty = len(s.r.faults) > t.faults
}

func (s section) has(key string) bool {
	_, ok := s.values[key]
	return ok
}

func (t *tableReader) readTopics(v value) {
	v.texts(&t.Topics, "[transactions]")
	for _, topic := range t.Topics {
		if !topicName.MatchString(topic) || topic == "." || topic == ".." {
			v.fault("has %s, which no topic can be called: write letters, digits, ., - and _", quoted(topic))
		}
	}
}

func (t *tableReader) readFormat(v value) {
	var f string
	if !v.text(&f) {
		return
	}
	switch f {
	case "json":
	case "csv":
		t.Format, t.schema.Format = f, schema.CSVFormat
	case "avro":
		t.Format, t.schema.Format = f, schema.AvroFormat
	case "avro-registry":
		t.Format, t.schema.Format = f, schema.AvroRegistryFormat
	case "protobuf-registry":
		t.Format, t.schema.Format = f, schema.ProtobufRegistryFormat
	case "connect-json":
		t.Format, t.schema.Format = f, schema.ConnectJSONFormat
	case "json-registry":
		t.Format, t.schema.Format = f, schema.JSONRegistryFormat
	default:
		v.fault("%s: write json, connect-json, csv, avro, avro-registry, json-registry or protobuf-registry", v.shown())
	}
}

// readDebezium reads whether the values in topics are change events.
func (t *tableReader) readDebezium(v value) {
	v.truth(&t.schema.Debezium)
	switch t.Format {
	case "json", "connect-json", "json-registry", "avro", "avro-registry":
	default:
		if t.schema.Debezium {
			v.fault("change events in format %s are not read: write format: json, connect-json, json-registry, avro or avro-registry, as the connector's converter writes them", t.Format)
		}
		t.schema.Debezium = false
	}
}

// addChange gives a table of change events the columns that it has besides its own.
func (t *tableReader) addChange() {
	if t.schema.Debezium && len(t.schema.Columns) > 0 && t.schema.Column(schema.ChangeOp) < 0 {
		t.schema.AddChange()
	}
}

// readSchemaFile reads which schema the datums of a topic have where none is named.
func (t *tableReader) readSchemaFile(v value) {
	if v.text(&t.SchemaFile) && t.Format != "avro" {
		v.fault("is of no use to format %s: leave it out, or write format: avro", t.Format)
	}
}

// readLayout reads where the event time stands and which folders it makes.
func (t *tableReader) readLayout(p preset) {
	s := t.section
	t.schema.Partition = p.partition
	s.with("partition_by", func(v value) {
		var word string
		if v.choice(&word, "day", "hour", "none") {
			t.schema.Partition, _ = schema.ParsePartitioning(word)
		}
	})
	name := p.eventTime
	at := s.values["preset"]
	s.with("event_time", func(v value) { v.text(&name); at = v })
	if name == "" {
		if t.schema.Partition != schema.Unpartitioned && p.usable && !s.has("event_time") {
			s.r.fault(s.at, "event_time is missing: write event_time: NAME of the column that says when it happened, or partition_by: none")
		}
		return
	}
	t.schema.EventTime = t.schema.Column(name)
	if t.schema.EventTime < 0 {
		if p.usable && len(t.schema.Columns) > 0 {
			at.fault("names %s, which is no column: %s", quoted(name), t.someColumn(name))
		}
		return
	}
	if c := t.schema.Columns[t.schema.EventTime]; c.Type.Kind != 0 && c.Type.Kind != schema.Timestamp && c.Type.Kind != schema.Date {
		at.fault("names %s, which is of type %s: write the name of a timestamp or a date", quoted(name), c.Type)
	}
}

func (t *tableReader) readEvolution(v value) {
	s, ok := v.section(evolutionSection)
	if !ok {
		return
	}
	e := &t.schema.Evolution
	actions := func(key, accept string, to *schema.Action) {
		s.with(key, func(v value) {
			words := []string{"quarantine", "halt"}
			if accept != "" {
				words = append([]string{accept}, words...)
			}
			var word string
			if v.choice(&word, words...) {
				*to = map[string]schema.Action{accept: schema.Accept, "quarantine": schema.Quarantine, "halt": schema.Halt}[word]
			}
		})
	}
	actions("missing", "default", &e.Missing)
	actions("extra", "drop", &e.Extra)
	actions("widen", "accept", &e.Widen)
	actions("narrow", "", &e.Narrow)
}

func (t *tableReader) readWatermark() {
	t.Delay, t.MaxFuture, t.IdleAfter = 24*time.Hour, time.Hour, 30*time.Second
	t.section.with("watermark", func(v value) {
		s, ok := v.section(watermarkSection)
		if !ok {
			return
		}
		const years = 10 * 366 * 24 * time.Hour
		s.with("delay", func(v value) { v.duration(&t.Delay, 0, years) })
		s.with("max_future", func(v value) { v.duration(&t.MaxFuture, 0, years) })
		s.with("idle_after", func(v value) { v.duration(&t.IdleAfter, 100*time.Millisecond, 24*time.Hour) })
		s.with("late", func(v value) {
			var word string
			if v.choice(&word, "route", "accept", "drop") {
				t.Late, _ = watermark.ParsePolicy(word)
			}
		})
	})
}

func (t *tableReader) readPolicy() {
	p := quality.DefaultPolicy()
	t.section.with("on_fail", func(v value) {
		var word string
		if v.choice(&word, "quarantine_rows", "quarantine_batch", "halt") {
			p.OnFail, _ = quality.ParseOnFail(word)
		}
	})
	t.section.with("halt_above", func(v value) { v.share(&p.HaltAbove) })
	t.section.with("halt_min_rows", func(v value) { v.whole(&p.HaltMinRows, 0, 100_000_000) })
	t.Policy = p
}

func (t *tableReader) readWriter(in inherited, p preset) {
	t.Writer = in.writer
	sortBy := in.sortBy
	t.section.with("writer", func(v value) {
		if own := readWriter(v, &t.Writer); own.node != nil {
			sortBy = own
		}
	})
	if p.usable && len(t.schema.Columns) > 0 {
		sortable(sortBy, t.Writer.SortBy, t)
	}
}

// columnNames lists the columns.
func (t *tableReader) columnNames() []string {
	names := make([]string, len(t.schema.Columns))
	for i := range t.schema.Columns {
		names[i] = t.schema.Columns[i].Name
	}
	return names
}

// someColumn says which column may be meant.
func (t *tableReader) someColumn(name string) string {
	if near := nearest(name, t.columnNames()); near != "" {
		return "did you mean " + near + "?"
	}
	return "write one of " + strings.Join(t.columnNames(), ", ")
}

// compile makes the suite, of a table without faults.
func (t *tableReader) compile() {
	r := t.section.r
	if t.faulty || t.Raw {
		return
	}
	if err := t.schema.Validate(); err != nil {
		r.fault(t.section.at, "%v", err)
		return
	}
	for _, c := range t.checks {
		t.Checks = append(t.Checks, c.check)
	}
	var opts []quality.Option
	if t.Dedupe != nil {
		opts = append(opts, quality.WithDedupe(*t.Dedupe))
	}
	suite, err := quality.Compile(t.schema, t.Checks, opts...)
	if err != nil {
		r.fault(t.section.at, "%v", err)
		return
	}
	t.Suite = suite
}
