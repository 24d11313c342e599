// White box: whether the quick plan of a rule agrees with the same rule evaluated
// row by row cannot be asked from outside, where only one of them runs.

package quality

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

var ruleTable = &schema.Table{
	Name: "t", EventTime: -1, Partition: schema.Unpartitioned,
	Columns: []schema.Column{
		{Name: "id", Type: schema.Type{Kind: schema.Long}},
		{Name: "n", Type: schema.Type{Kind: schema.Int}},
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		{Name: "limit", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 0}},
		{Name: "rate", Type: schema.Type{Kind: schema.Double}},
		{Name: "status", Type: schema.Type{Kind: schema.String}},
		{Name: "city", Type: schema.Type{Kind: schema.String}},
		{Name: "raw", Type: schema.Type{Kind: schema.Binary}},
		{Name: "ok", Type: schema.Type{Kind: schema.Boolean}},
		{Name: "day", Type: schema.Type{Kind: schema.Date}},
		{Name: "at", Type: schema.Type{Kind: schema.Timestamp}},
	},
}

// atoms are parts of rules: those that have a quick way and those that have none.
var atoms = []string{
	"id < 5", "id == 7", "7 != id", "id >= -3", "9223372036854775807 > id", "id > -9223372036854775808",
	"n <= 2", "0 < n", "n in [1, 2, 3]", "n < 2.5", "n + 1 > id",
	"amount < 0.1", "amount >= 0.10", "amount == 0.3", "amount != 0.30", "100 < amount", "amount > 12345678901234567.885",
	"amount < -0.005", "amount in [0.1, 0.2, 3]", "amount * 2 > limit", "amount + 0.1 == 0.3", "amount > n", "-amount < 5", "limit > 1e3",
	"(ok ? amount : 0.5) > 0.2", "1e30 > amount", "amount < 1e-30",
	"rate < 0.5", "rate >= 1", "rate == 0.5", "rate != 0.5", "2 > rate", "rate / 0.0 > 1.0",
	"status == 'A'", "'B' != status", "status in ['A', 'C']", "status.startsWith('A')", "size(status) > 1", "status + 'x' == 'Ax'",
	"status == city", "status.matches('^[A-B]$')", "['A','B'].exists(s, s == status)", "(status == 'A' || true ? 'p' : status) == 'p'",
	"raw == b'A'", "size(raw) == 1",
	"ok", "ok == true", "ok != false", "true", "1 / 0 == 1",
	"day < timestamp('1970-01-04T00:00:00Z')", "day >= timestamp('1970-01-02T12:00:00Z')", "at == timestamp('1970-01-01T00:00:00.000002Z')",
	"at > timestamp('1970-01-01T00:00:00.0000025Z')", "at != timestamp('1970-01-01T00:00:00.000003Z')", "at.getFullYear() == 1970", "at < day",
}

func randomRule(rng *rand.Rand, depth int) string {
	switch {
	case depth == 0 || rng.IntN(4) == 0:
		return atoms[rng.IntN(len(atoms))]
	case rng.IntN(4) == 0:
		return "!(" + randomRule(rng, depth-1) + ")"
	case rng.IntN(2) == 0:
		return "(" + randomRule(rng, depth-1) + ") && (" + randomRule(rng, depth-1) + ")"
	}
	return "(" + randomRule(rng, depth-1) + ") || (" + randomRule(rng, depth-1) + ")"
}

// randomRows fills a batch; rows that are not live hold codes of no entry.
func randomRows(rng *rand.Rand, rows int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(ruleTable, &batch.Raw{}, 0, rows)
	texts := []string{"A", "B", "C", "", "AB", "ÄA", "A"}
	for c := range b.Columns {
		v := &b.Columns[c]
		if v.Codes != nil {
			for _, t := range texts {
				v.Dict.Add([]byte(t))
			}
		}
		nulls := rng.IntN(3) * 10
		for row := range rows {
			switch {
			case v.Codes != nil:
				v.Codes[row] = int32(rng.IntN(len(texts)))
			case ruleTable.Columns[c].Type.Kind == schema.Double:
				v.Ints[row] = int64(math.Float64bits([]float64{0, 0.5, 1, 2, -1, math.NaN(), math.Inf(1)}[rng.IntN(7)]))
			case ruleTable.Columns[c].Type.Kind == schema.Boolean:
				v.Ints[row] = int64(rng.IntN(2))
			case ruleTable.Columns[c].Type.Kind == schema.Date:
				v.Ints[row] = int64(rng.IntN(6) - 1)
			case ruleTable.Columns[c].Type.Kind == schema.Long && rng.IntN(8) == 0:
				v.Ints[row] = []int64{math.MinInt64, math.MaxInt64}[rng.IntN(2)]
			default:
				v.Ints[row] = []int64{0, 1, 2, 3, 4, 5, 7, 10, 20, 30, -1, 20000, 999999999999999999}[rng.IntN(13)]
			}
			if rng.IntN(100) < nulls {
				v.SetMark(row, rows, batch.Mark(1+rng.IntN(2)))
			}
		}
	}
	for row := range rows {
		if rng.IntN(10) == 0 {
			b.Fates[row] = batch.Quarantined
			for c := range b.Columns {
				if v := &b.Columns[c]; v.Codes != nil {
					v.Codes[row] = math.MaxInt32
				}
			}
		}
	}
	return b
}

func compileBothWays(t *testing.T, text string) (quick, slow node) {
	t.Helper()
	compiler, err := newRuleCompiler(ruleTable, text)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := compiler.expression(0)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	quick, err = compiler.plan(checked.NativeRep().Expr())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	program, err := compiler.program(0)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return quick, &onRows{program: program}
}

func agree(t *testing.T, rng *rand.Rand, text string) {
	t.Helper()
	quick, slow := compileBothWays(t, text)
	r := &run{row: newRowVars(ruleTable)}
	r.start(randomRows(rng, 1+rng.IntN(200)), 0)
	yes, no, wantYes, wantNo := r.take(), r.take(), r.take(), r.take()
	quick.eval(r, yes, no)
	slow.eval(r, wantYes, wantNo)
	for row, f := range r.b.Fates {
		got, want := fmt.Sprint(yes.has(row), no.has(row)), fmt.Sprint(wantYes.has(row), wantNo.has(row))
		if f != batch.Quarantined && got != want {
			var values []any
			for c := range r.b.Columns {
				v := &r.b.Columns[c]
				if v.Mark(row) != batch.Present {
					values = append(values, "missing")
				} else {
					values = append(values, celValue(ruleTable.Columns[c].Type, v, row).Value())
				}
			}
			t.Fatalf("%s: row %d: got (yes, no) %s by columns, want %s as by rows: %v", text, row, got, want, values)
		}
	}
}

func TestRuleByColumnsAgreesWithRowByRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	for _, text := range atoms {
		agree(t, rng, text)
		agree(t, rng, "!("+text+")")
	}
	for range 150 {
		agree(t, rng, randomRule(rng, 3))
	}
}

func TestCommonShapesOfRulesNeedNoRows(t *testing.T) {
	for _, text := range []string{
		"amount < 10000.0 || status == 'APPROVED'",
		"!(id == 0) && amount >= 0.01 && status in ['A', 'B'] && ok",
		"at >= timestamp('2020-01-01T00:00:00Z') || rate < 1 || city.startsWith('Z')",
	} {
		quick, _ := compileBothWays(t, text)
		var look func(n node)
		look = func(n node) {
			switch n := n.(type) {
			case *both:
				look(n.a)
				look(n.b)
			case not:
				look(n.a)
			case *onRows:
				t.Errorf("%s: a part of it goes row by row", text)
			}
		}
		look(quick)
	}
}

func TestDecimalsInRulesAreExact(t *testing.T) {
	for text, want := range map[string]bool{ // amount is 12345678901234567.89, limit 3
		"amount == 12345678901234567.89":                true,
		"amount < 12345678901234567.890000000000000001": true,
		"amount > 12345678901234567.889999999999999999": true,
		"amount == 12345678901234567.9":                 false,
		"amount - 12345678901234567.79 == 0.1":          true,
		"limit * 0.1 == 0.3":                            true,
		"limit * 0.1 + 0.1 + 0.1 == 0.5":                true,
		"limit in [1, 2.99999999999999999999, 3]":       true,
		"limit in [2.99999999999999999999]":             false,
		"- 3.0 == -limit":                               true,
		"limit == id":                                   true, // id is 3
		"limit == 2 * id - 3":                           true,
		"limit == 0x3":                                  true,
	} {
		quick, slow := compileBothWays(t, text)
		r := &run{row: newRowVars(ruleTable)}
		b := randomRows(rand.New(rand.NewPCG(1, 1)), 1)
		b.Fates[0] = batch.Written
		for i, v := range map[int]int64{0: 3, 2: 1234567890123456789, 3: 3} {
			b.Columns[i].Ints[0], b.Columns[i].Marks = v, nil
		}
		r.start(b, 0)
		for way, n := range map[string]node{"by columns": quick, "by rows": slow} {
			yes, no := r.take(), r.take()
			if n.eval(r, yes, no); yes.has(0) != want || no.has(0) == want {
				t.Errorf("%s, %s: got (yes, no) %v %v, want yes to be %v", text, way, yes.has(0), no.has(0), want)
			}
		}
	}
}
