package quality_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// naive is the checks again, one row at a time and as plainly as can be said.
type naive struct {
	b      *batch.Batch
	checks []quality.Check
}

// missing reports a value that no check may take for one.
func (n *naive) missing(column string, row int) bool {
	return n.b.Columns[n.b.Table.Column(column)].Mark(row) != batch.Present
}

func (n *naive) number(column string, row int) int64 {
	return n.b.Columns[n.b.Table.Column(column)].Ints[row]
}

func (n *naive) text(column string, row int) string {
	return string(n.b.Columns[n.b.Table.Column(column)].Text(row))
}

// holds judges a row by a check that is not a unique one.
func (n *naive) holds(c *quality.Check, row int) bool {
	switch {
	case c.Completeness != nil:
		column := c.Completeness[0]
		return !n.missing(column, row) && (column != "kind" || strings.TrimSpace(n.text(column, row)) != "")
	case n.missing(c.Range+c.Category+c.Pattern, row):
		return c.Nulls == quality.NullsPass
	case c.Range != "": // of amount, in cents, from 0 to 100
		return n.number(c.Range, row) >= 0 && n.number(c.Range, row) <= 10000
	case c.Category != "":
		return slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, n.text(c.Category, row)) })
	}
	return regexp.MustCompile(c.Regex).MatchString(n.text(c.Pattern, row))
}

// key is the text of a row's key; it has none if a part is missing.
func (n *naive) key(c *quality.Check, row int) (string, bool) {
	key := ""
	for _, column := range c.Unique {
		if n.missing(column, row) {
			return "", false
		}
		if column == "kind" {
			key += fmt.Sprintf("%q,", n.text(column, row))
		} else {
			key += fmt.Sprintf("%d,", n.number(column, row))
		}
	}
	return key, true
}

// refused returns, per row, the names of the failed checks that refuse it.
func (n *naive) refused(name func(*quality.Check) string) [][]string {
	out := make([][]string, n.b.Rows)
	taken := map[string]bool{}
	for row := range n.b.Rows {
		if n.b.Fates[row] > batch.Late {
			continue
		}
		for i := range n.checks {
			if c := &n.checks[i]; c.Severity == quality.Fail && c.Unique == nil && !n.holds(c, row) {
				out[row] = append(out[row], name(c))
			}
		}
		if out[row] != nil {
			continue
		}
		var keys []string
		for i := range n.checks {
			c := &n.checks[i]
			if key, ok := n.key(c, row); ok && c.Unique != nil && c.Severity == quality.Fail {
				keys = append(keys, name(c)+key)
				if taken[name(c)+key] {
					out[row] = append(out[row], name(c))
				}
			}
		}
		for _, key := range keys {
			taken[key] = taken[key] || out[row] == nil
		}
	}
	return out
}

var naiveTable = &schema.Table{
	Name: "t", EventTime: -1, Partition: schema.Unpartitioned,
	Columns: []schema.Column{
		{Name: "id", Type: schema.Type{Kind: schema.Long}},
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		{Name: "kind", Type: schema.Type{Kind: schema.String}},
	},
}

func naiveBatch(rng *rand.Rand) *batch.Batch {
	rows := 1 + rng.IntN(300)
	raw := &batch.Raw{}
	for range rows {
		raw.Append(raw.Source(batch.Source{}), &batch.Record{})
	}
	b := &batch.Batch{}
	b.Reset(naiveTable, raw, 0, rows)
	ids := int64(1) << rng.IntN(40)
	for row := range rows {
		b.Columns[0].Ints[row] = rng.Int64N(ids) - ids/2
		b.Columns[1].Ints[row] = rng.Int64N(10400) - 200
		if code := rng.IntN(10); code < b.Columns[2].Dict.Len() {
			b.Columns[2].Codes[row] = int32(code)
		} else {
			word := []string{"fee", "FEE", "Refund", " ", "", "\u2003", "refund", "payment", "ﬀ"}[rng.IntN(9)]
			b.Columns[2].Codes[row] = b.Columns[2].Dict.Add([]byte(word))
		}
		for c := range b.Columns {
			if rng.IntN(15) == 0 {
				b.Columns[c].SetMark(row, rows, batch.Mark(1+rng.IntN(2)))
			}
		}
		switch rng.IntN(12) {
		case 0:
			b.Fates[row] = batch.Quarantined
			b.Rejects = append(b.Rejects, batch.Reject{Row: int32(row), Column: -1, Reason: "earlier", At: -1})
			if rng.IntN(2) == 0 {
				b.Columns[2].Codes[row] = 1 << 30 // left from another batch
			}
		case 1, 2, 3:
			b.Fates[row] = batch.Fate(rng.IntN(5))
			if b.Fates[row] == batch.Quarantined {
				b.Fates[row] = batch.Late
			}
		}
	}
	return b
}

func TestRunAgreesWithRowByRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	pool := []quality.Check{
		{Completeness: []string{"id"}},
		{Completeness: []string{"kind"}},
		{Range: "amount", Min: "0", Max: "100.00"},
		{Range: "amount", Min: "0", Max: "100", Nulls: quality.NullsFail, Name: "strict"},
		{Category: "kind", Values: []string{"Fee", "REFUND", "\u2003", "ﬀ"}},
		{Pattern: "kind", Regex: "^[A-Za-z ]*$"},
		{Unique: []string{"id"}},
		{Unique: []string{"amount"}},
		{Unique: []string{"id", "kind"}},
		{Unique: []string{"kind"}, Severity: quality.Warn, Name: "kinds"},
		{Range: "amount", Min: "0", Max: "100", Severity: quality.Warn, Name: "low"},
	}
	name := func(c *quality.Check) string {
		if c.Name != "" {
			return c.Name
		}
		for kind, columns := range map[string][]string{"completeness": c.Completeness, "unique": c.Unique,
			"range": {c.Range}, "category": {c.Category}, "pattern": {c.Pattern}} {
			if columns != nil && columns[0] != "" {
				return kind + ":" + strings.Join(columns, ",")
			}
		}
		return ""
	}
	for range 300 {
		checks := slices.Clone(pool)
		rng.Shuffle(len(checks), func(i, j int) { checks[i], checks[j] = checks[j], checks[i] })
		checks = checks[:rng.IntN(len(checks)+1)]
		suite, err := quality.Compile(naiveTable, checks)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // the same suite again, with the memory of the last run
			b := naiveBatch(rng)
			before := slices.Clone(b.Fates)
			want := (&naive{b: b, checks: checks}).refused(name)
			report := suite.Run(b)
			compare(t, b, before, want, report)
		}
	}
}

func compare(t *testing.T, b *batch.Batch, before []batch.Fate, want [][]string, report quality.Report) {
	t.Helper()
	got := make([][]string, b.Rows)
	for i, r := range b.Rejects {
		if r.Stage == batch.StageQuality {
			got[r.Row] = append(got[r.Row], r.Reason)
		}
		if i > 0 && r.Row < b.Rejects[i-1].Row {
			t.Fatalf("reject %d of row %d stands behind row %d", i, r.Row, b.Rejects[i-1].Row)
		}
	}
	rejected := int64(0)
	for row := range b.Rows {
		fate := before[row]
		if want[row] != nil {
			fate = batch.Quarantined
			rejected++
		}
		if !slices.Equal(got[row], want[row]) || b.Fates[row] != fate {
			t.Fatalf("row %d: got %s %q, want %s %q", row, b.Fates[row], got[row], fate, want[row])
		}
	}
	if report.Rejected != rejected {
		t.Fatalf("got %d rejected, want %d", report.Rejected, rejected)
	}
}

// Keys far apart make the set grow, and a set that has grown is used again.
func TestUniqueOfManyKeys(t *testing.T) {
	suite, err := quality.Compile(naiveTable, []quality.Check{{Unique: []string{"id"}}, {Unique: []string{"kind", "id"}, Name: "pair"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, spread := range []int64{1, 1 << 40, 63, 64, 1} {
		const rows = 20000
		b := &batch.Batch{}
		b.Reset(naiveTable, &batch.Raw{}, 0, rows)
		b.Columns[2].Dict.Add([]byte("x"))
		for row := range rows {
			b.Columns[0].Ints[row] = int64(row%(rows-7)) * spread
			b.Columns[2].Codes[row] = 0
		}
		if report := suite.Run(b); report.Rejected != 7 || report.Results[0].Failed != 7 || report.Results[1].Failed != 7 {
			t.Errorf("ids %d apart: got %+v, want 7 repetitions of each", spread, report)
		}
	}
}
