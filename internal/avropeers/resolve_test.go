package avropeers_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// partings are the rules where Java's Avro reads something and a table does not take it as
// that, each with the reason.
var partings = map[string]string{
	ruleFinite:  "no column holds NaN or Infinity, whoever wrote them",
	ruleYears:   "a column of times ends where dates have four digits; Avro has the number",
	ruleUTF8:    "Java puts a mark in place of what it cannot read; bytes are never repaired here",
	ruleDecimal: "Java's reader has the digits without looking at the scale; here the value stays what it was",
	ruleMoment:  "Java's reader has the number, whatever its unit; here the time stays what it was",
	ruleDay:     "Java's reader has the number; here a day is its midnight, and a midnight its day",
	ruleClock:   "Java's reader has the number; here the time of day stays what it was",
	ruleNumber:  "Java's reader has the number; here a number without a unit is no time, and a time no number",
	ruleRaw:     "Java's reader has the bytes; here bytes that do not say so are no decimal, and a decimal no bytes",
	ruleDigits:  "Java's reader has the letters as the bytes of a decimal; here a text is read as a person would, or rejected",
}

// TestPeersResolve makes up pairs of a writer's and a reader's schema. Where Java's Avro
// reads a datum of the one as the other, the table of the reader has the same row, but for
// the rules of partings; where it refuses, a rule of ours says what becomes of the record.
func TestPeersResolve(t *testing.T) {
	pairs, rows := 2000, 12
	if *long {
		pairs, rows = 20_000, 100
	}
	java := start(t, "java")
	tally := map[string]*outcome{}
	for seed := range uint64(pairs) {
		p := newPairing(seed)
		if err := p.run(t, java, rows, tally); err != nil {
			t.Fatalf("seed %d: %v\nwriter %s\nreader %s", seed, err, p.writer.text(), p.reader.text())
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(tally)) {
		o := tally[rule]
		t.Logf("%-45s alike %6d, otherwise than Java %6d, refused by Java %6d", rule, o.alike, o.parted, o.refused)
		if (partings[rule] != "") != (o.parted > 0) {
			t.Errorf("%q: %d records became something else than in Java", rule, o.parted)
		}
	}
	if tally[""].alike < pairs || tally[rulePromote].alike < pairs/10 {
		t.Errorf("too few records are alike")
	}
	for _, rule := range []string{ruleNull, ruleValue, ruleSymbol, ruleText, ruleFixed, ruleMismatch} {
		if tally[rule] == nil || tally[rule].refused == 0 {
			t.Errorf("%q: never refused by Java", rule)
		}
	}
}

// outcome counts, of one rule, records that are as Java reads them, that are something else,
// and that Java refuses.
type outcome struct{ alike, parted, refused int }

// pairing is a writer's and a reader's schema that differ in one field, x, and in what
// stands around it.
type pairing struct {
	*maker
	writer, reader *typ
	wx, rx         *typ
	table          *schema.Table
}

func newPairing(seed uint64) *pairing {
	p := &pairing{maker: newMaker(seed ^ 0xabcdef)}
	p.wx = p.scalar()
	for p.rx = p.scalar(); p.IntN(5) > 0 && p.rx.column() != p.wx.column() && !near(p.wx, p.rx); {
		p.rx = p.scalar()
	}
	if p.IntN(3) == 0 {
		p.wx = p.optional(p.wx)
	}
	if p.IntN(3) == 0 {
		p.rx = p.optional(p.rx)
	}
	text, number := &typ{kind: "string"}, &typ{kind: "long"}
	ws := []field{{name: "id", of: number}, {name: "x", of: p.wx}, {name: "note", of: text}, {name: "dropped", of: p.type_(1)}}
	rs := []field{{name: "id", of: number}, {name: "x", of: p.rx}, {name: "note", of: text}, {name: "added", of: text, preset: `"new"`}}
	if p.IntN(3) == 0 {
		rs[1].name, rs[1].aliases = "y", []string{"z", "x"}
	}
	p.writer, p.reader = &typ{kind: "record", name: "row", fields: p.some(ws)}, &typ{kind: "record", name: "row", fields: p.some(rs)}
	p.table = readerTable(p.reader)
	return p
}

// some are fields in any order; the last one may be left out.
func (m *maker) some(fields []field) []field {
	out := slices.Clone(fields[:len(fields)-m.IntN(2)])
	m.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// scalar is a type for one column. Types with a name have the same one each time.
func (m *maker) scalar() *typ {
	switch n := m.IntN(15); {
	case n < 7:
		return &typ{kind: primitives[n]}
	case n < 10:
		t := logicals[m.IntN(len(logicals))]
		return &t
	case n < 12:
		t := &typ{kind: "bytes", logical: "decimal", precision: 1 + m.IntN(18)}
		if t.scale = m.IntN(t.precision + 1); m.IntN(3) == 0 {
			t.kind, t.name, t.size = "fixed", "d", 9
		}
		return t
	case n == 12:
		return &typ{kind: "fixed", name: "x", size: 3 + m.IntN(2)}
	case n == 13:
		all := []string{"A", "B", "C", "D"}
		m.Shuffle(4, func(i, j int) { all[i], all[j] = all[j], all[i] })
		return &typ{kind: "enum", name: "e", symbols: all[:1+m.IntN(4)]}
	}
	return &typ{kind: "fixed", name: "g", size: 16, logical: "uuid"}
}

// near reports whether a change from one type to the other is one that people make.
func near(w, r *typ) bool {
	number := map[string]bool{"int": true, "long": true, "float": true, "double": true}
	text := map[string]bool{"string": true, "bytes": true, "enum": true, "fixed": true}
	return number[w.kind] && number[r.kind] || text[w.kind] && text[r.kind] || r.logical == "decimal" && number[w.kind]
}

// readerTable is the table that is like a reader's schema.
func readerTable(r *typ) *schema.Table {
	t := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for _, f := range r.fields {
		kind, err := schema.ParseType(f.of.column())
		if err != nil {
			panic(err)
		}
		c := schema.Column{Name: f.name, Type: kind, Aliases: f.aliases, Default: schema.DefaultFor(kind)}
		if f.preset != "" {
			if text, err := strconv.Unquote(f.preset); err == nil {
				c.Default = schema.Value{Bytes: []byte(text)}
			}
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// run decodes records of the writer and compares.
func (p *pairing) run(t *testing.T, java *process, rows int, tally map[string]*outcome) error {
	must(t, java.schema(p.writer.text()))
	records := make([]any, rows)
	if p.rx.column() == "string" || p.other().column() == "string" { // years that no text has four digits for
		p.tame++
	}
	for i := range records {
		records[i] = p.value(p.writer)
		p.spoil(records[i].([]any))
	}
	data, err := java.write(p.writer, records)
	must(t, err)
	_, err = java.ask("reader", json.RawMessage(p.reader.text()))
	must(t, err)
	b := p.decode(t, data)
	for row, v := range data {
		answer, err := java.ask("read", hex.EncodeToString(v))
		if says := refusal(""); err != nil && !errors.As(err, &says) {
			return err
		}
		var want []any
		if err == nil {
			read, err := p.reader.answer(answer)
			if err != nil {
				return err
			}
			want = read.([]any)
		}
		if err := p.compare(b, row, records[row].([]any), want, tally); err != nil {
			return fmt.Errorf("%w\nrecord %v\nJava reads %v", err, records[row], want)
		}
	}
	return nil
}

// spoil has a text for a column that is none be no value of the column.
func (p *pairing) spoil(record []any) {
	at := p.fieldAt("x")
	b, inUnion := record[at].(branch)
	if inUnion {
		record[at] = b.value
	}
	if _, ok := record[at].(string); ok && p.other().column() != "string" && p.other().column() != "binary" {
		if w := p.wx.text(); strings.Contains(w, `"string"`) && !strings.Contains(w, "uuid") {
			record[at] = "no value of it"
		}
	}
	if inUnion {
		record[at] = branch{b.i, record[at]}
	}
}

// other is the type of x that the reader has, without null.
func (p *pairing) other() *typ {
	if o := p.rx.other(); o != nil {
		return o
	}
	return p.rx
}

func (p *pairing) fieldAt(name string) int {
	return slices.IndexFunc(p.writer.fields, func(f field) bool { return f.name == name })
}

func (p *pairing) decode(t *testing.T, data [][]byte) *batch.Batch {
	parsed, err := avroschema.Parse([]byte(p.writer.text()))
	must(t, err)
	p.table.Format = schema.AvroFormat
	plan, err := conform.Compile(p.table)
	must(t, err)
	d := plan.Decoder()
	d.Schemas = oneID{"", parsed}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i, v := range data {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
	}
	b := &batch.Batch{}
	b.Reset(p.table, raw, 0, raw.Rows())
	if report := d.Decode(b); report.Halt != "" || report.Waits > 0 {
		t.Fatalf("got %+v", report)
	}
	return b
}

// compare compares a row with the fate of its x by our rules, and with what Java reads,
// nil where it refuses.
func (p *pairing) compare(b *batch.Batch, row int, record, java []any, tally map[string]*outcome) error {
	at := p.fieldAt("x")
	want := fateOf(p.wx, record[at], p.rx)
	column := slices.IndexFunc(p.table.Columns, func(c schema.Column) bool { return c.Name == "x" || c.Name == "y" })
	if at < 0 || column < 0 {
		return errors.New("no x")
	}
	if got := observed(b, row, column); got.text != want.text || got.reason != want.reason && (got.reason != want.or || want.or == "") {
		return fmt.Errorf("row %d: x is %v, by the rule %q it is %v", row, got, want.rule, want)
	}
	o := tally[want.rule]
	if o == nil {
		o = &outcome{}
		tally[want.rule] = o
	}
	if java == nil {
		o.refused++
		if want.rule == "" || want.rule == rulePromote {
			return fmt.Errorf("row %d: Java refuses what no rule speaks of", row)
		}
		return nil
	}
	var apart error
	for i, f := range p.reader.fields {
		if want.reason != "" {
			apart = fmt.Errorf("row %d: it is rejected, and Java reads it", row)
			break
		}
		if err := same(b, row, i, f.of, java[i]); err != nil {
			apart = fmt.Errorf("row %d: column %s: %w", row, f.name, err)
			break
		}
	}
	switch {
	case apart == nil:
		o.alike++
	case partings[want.rule] == "":
		return apart
	default:
		o.parted++
	}
	return nil
}

// observed is what became of the value of a column.
func observed(b *batch.Batch, row, column int) fate {
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			return fate{reason: r.Reason}
		}
	}
	v := &b.Columns[column]
	switch {
	case v.Mark(row) == batch.Null:
		return fate{text: "null"}
	case v.Codes != nil:
		return fate{text: string(v.Text(row))}
	}
	return fate{text: strconv.FormatInt(v.Ints[row], 10)}
}
