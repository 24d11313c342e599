package quality_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// Scenarios are read by eye. Their commands:
//
//	table                 one column a line: name type
//	check kind=… …        adds a check; the body is its regex or rule
//	run                   a header of columns, then one row a line: _ null, ~v a
//	                      default v, '' empty, . a space; "fate:" may stand before
//	decide key=… …        what becomes of the batch of the last run
//	quarantine            QuarantineAll
//
// Every run is made again with the checks in the opposite order, which must change
// nothing but the order of results and of a row's reasons.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "table":
				s.table, s.checks = parseTable(t, d.Input), nil
				return ""
			case "check":
				return s.check(t, d)
			case "run":
				return s.run(t, d.Input)
			case "decide":
				return s.decide(t, d)
			case "quarantine":
				quality.QuarantineAll(s.batch, &s.report)
				return describeBatch(s.batch)
			}
			d.Fatalf(t, "no such command")
			return ""
		})
	})
}

type scenario struct {
	table  *schema.Table
	checks []quality.Check
	batch  *batch.Batch
	report quality.Report
}

func parseTable(t *testing.T, input string) *schema.Table {
	t.Helper()
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned}
	for line := range strings.Lines(input) {
		name, typ, _ := strings.Cut(strings.TrimSpace(line), " ")
		parsed, err := schema.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		table.Columns = append(table.Columns, schema.Column{Name: name, Type: parsed})
	}
	return table
}

// check adds a check if it compiles; its output is the error if not.
func (s *scenario) check(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	var c quality.Check
	for _, arg := range d.CmdArgs {
		one := strings.Join(arg.Vals, ",")
		var err error
		switch arg.Key {
		case "completeness":
			c.Completeness = arg.Vals
		case "unique":
			c.Unique = arg.Vals
		case "range":
			c.Range = one
		case "category":
			c.Category = one
		case "pattern":
			c.Pattern, c.Regex = one, d.Input
		case "rule":
			c.Rule = d.Input
		case "min":
			c.Min = one
		case "max":
			c.Max = one
		case "values":
			c.Values = arg.Vals
		case "name":
			c.Name = one
		case "at_least":
			var x float64
			x, err = strconv.ParseFloat(one, 64)
			c.AtLeast = &x
		case "ignore_case":
			x := one == "true"
			c.IgnoreCase = &x
		case "severity":
			c.Severity, err = quality.ParseSeverity(one)
		case "nulls":
			c.Nulls, err = quality.ParseNulls(one)
		case "scope":
			c.Scope, err = quality.ParseScope(one)
		default:
			d.Fatalf(t, "no such key %s", arg.Key)
		}
		if err != nil {
			return err.Error()
		}
	}
	if _, err := quality.Compile(s.table, append(slices.Clone(s.checks), c)); err != nil {
		return err.Error()
	}
	s.checks = append(s.checks, c)
	return ""
}

func (s *scenario) run(t *testing.T, input string) string {
	t.Helper()
	s.batch, s.report = s.once(t, input, s.checks)
	reversed := slices.Clone(s.checks)
	slices.Reverse(reversed)
	other, report := s.once(t, input, reversed)
	if got, want := fmt.Sprint(other.Fates), fmt.Sprint(s.batch.Fates); got != want {
		t.Errorf("checks in the opposite order: got fates %s, want %s", got, want)
	}
	if got, want := sorted(report.Results), sorted(s.report.Results); !slices.Equal(got, want) {
		t.Errorf("checks in the opposite order:\ngot  %q\nwant %q", got, want)
	}
	if got, want := sorted(other.Rejects), sorted(s.batch.Rejects); !slices.Equal(got, want) {
		t.Errorf("checks in the opposite order:\ngot  %q\nwant %q", got, want)
	}

	var out strings.Builder
	fmt.Fprintf(&out, "%s: %d checked, %d rejected\n", s.report.Verdict, s.report.Checked, s.report.Rejected)
	for _, r := range s.report.Results {
		fmt.Fprintf(&out, "  %s %s (%s) %d/%d: %s\n", r.Verdict, r.Name, r.Severity, r.Failed, r.Checked, r.Detail)
	}
	if len(s.report.Nulls) > 0 {
		fmt.Fprintf(&out, "nulls %v\n", s.report.Nulls)
	}
	return out.String() + describeBatch(s.batch)
}

func (s *scenario) once(t *testing.T, input string, checks []quality.Check) (*batch.Batch, quality.Report) {
	t.Helper()
	suite, err := quality.Compile(s.table, checks)
	if err != nil {
		t.Fatal(err)
	}
	b := parseBatch(t, s.table, input)
	return b, suite.Run(b)
}

func sorted[T any](s []T) []string {
	var out []string
	for _, v := range s {
		out = append(out, fmt.Sprint(v))
	}
	slices.Sort(out)
	return out
}

// describeBatch lists the rows that are not written.
func describeBatch(b *batch.Batch) string {
	var out strings.Builder
	rest := b.Rejects
	for row, f := range b.Fates[:b.Rows] {
		n := 0
		for n < len(rest) && int(rest[n].Row) == row {
			n++
		}
		if f != batch.Written {
			fmt.Fprintf(&out, "row %d %s %s\n", row, f, b.Detail(rest[:n]))
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		fmt.Fprintf(&out, "rejects out of order: %v\n", b.Rejects)
	}
	return out.String()
}

func (s *scenario) decide(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	p := quality.DefaultPolicy()
	rows, quarantined := int64(s.batch.Rows), int64(0)
	for _, f := range s.batch.Fates {
		if f == batch.Quarantined {
			quarantined++
		}
	}
	for _, arg := range d.CmdArgs {
		var err error
		switch arg.Key {
		case "on_fail":
			p.OnFail, err = quality.ParseOnFail(arg.Vals[0])
		case "halt_above":
			p.HaltAbove, err = strconv.ParseFloat(arg.Vals[0], 64)
		case "halt_min_rows":
			p.HaltMinRows, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "rows":
			rows, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "quarantined":
			quarantined, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		}
		if err != nil {
			return err.Error()
		}
	}
	if err := p.Validate(); err != nil {
		return err.Error()
	}
	decision := p.Decide(&s.report, rows, quarantined)
	return strings.TrimSpace(decision.Action.String() + " " + decision.Reason)
}

func parseBatch(t *testing.T, table *schema.Table, input string) *batch.Batch {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(input), "\n")
	header := strings.Fields(lines[0])
	raw := &batch.Raw{}
	for range lines[1:] {
		raw.Append(raw.Source(batch.Source{Topic: "t"}), &batch.Record{})
	}
	b := &batch.Batch{}
	b.Reset(table, raw, 0, len(lines)-1)
	for row, line := range lines[1:] {
		cells := strings.Fields(line)
		if fate, ok := strings.CutSuffix(cells[0], ":"); ok {
			cells = cells[1:]
			for f := batch.Written; f <= batch.Filtered; f++ {
				if f.String() == fate {
					b.Fates[row] = f
				}
			}
			if b.Fates[row] == batch.Quarantined {
				b.Rejects = append(b.Rejects, batch.Reject{Row: int32(row), Column: -1, Stage: batch.StageConform, Reason: "earlier", At: -1})
			}
		}
		for i, cell := range cells {
			setCell(t, b, table.Column(header[i]), row, cell)
		}
	}
	return b
}

func setCell(t *testing.T, b *batch.Batch, column, row int, cell string) {
	t.Helper()
	v := &b.Columns[column]
	cell, defaulted := strings.CutPrefix(cell, "~")
	if defaulted {
		v.SetMark(row, b.Rows, batch.Defaulted)
	}
	if cell == "_" {
		v.SetMark(row, b.Rows, batch.Null)
		if v.Ints != nil {
			v.Ints[row] = 0
		} else {
			v.Codes[row] = 0
		}
		return
	}
	if v.Codes != nil {
		v.Codes[row] = v.Dict.Add([]byte(strings.ReplaceAll(strings.Trim(cell, "'"), ".", " ")))
		return
	}
	x, err := parseCell(b.Table.Columns[column].Type, cell)
	if err != nil {
		t.Fatalf("row %d, column %s: %v", row, b.Table.Columns[column].Name, err)
	}
	v.Ints[row] = x
}

func parseCell(typ schema.Type, cell string) (int64, error) {
	switch typ.Kind {
	case schema.Boolean:
		return map[string]int64{"true": 1}[cell], nil
	case schema.Date:
		at, err := time.Parse(time.DateOnly, cell)
		return at.Unix() / 86400, err
	case schema.Timestamp:
		at, err := time.Parse(time.RFC3339, cell)
		return at.UnixMicro(), err
	case schema.Float:
		x, err := strconv.ParseFloat(cell, 32)
		return int64(math.Float64bits(x)), err
	case schema.Double:
		x, err := strconv.ParseFloat(cell, 64)
		return int64(math.Float64bits(x)), err
	}
	x, ok := new(big.Rat).SetString(cell)
	if !ok {
		return 0, fmt.Errorf("%q is no number", cell)
	}
	x.Mul(x, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(typ.Scale)), nil)))
	if !x.IsInt() || !x.Num().IsInt64() {
		return 0, fmt.Errorf("%q is no %s", cell, typ)
	}
	return x.Num().Int64(), nil
}
