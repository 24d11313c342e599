package parity_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// loaded is the end of a load that came to its end.
const loaded = "loaded"

// order is that in which tables are loaded: parents first.
func order() []string {
	return []string{"customers", "accounts", "transactions", "loans", "branches", "products"}
}

// outcome is what one side made of a table.
type outcome struct {
	End      string  `json:"-"` // loaded, or halted
	Read     int64   `json:"read"`
	Rejected int64   `json:"rejected"`
	Filtered int64   `json:"-"` // neither written nor rejected: headers that are repeated
	Checks   []check `json:"checks"`

	files
	reasons map[string]int64 // of Tidemark's rejected rows: a check, or what came before checks
}

// check is what came out of one check.
type check struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Failed  int64  `json:"failed"`
	Checked int64  `json:"checked"`
}

// judged is how many rows came to the checks. Completeness has something to judge in each of them;
// of a required column it counts rows beside that were rejected before.
func (o *outcome) judged() int64 {
	n := o.Read
	for _, c := range o.Checks {
		if strings.HasPrefix(c.Name, "completeness:") {
			n = min(n, c.Checked)
		}
	}
	return n
}

// facts are all that is compared, by what it is.
func (o *outcome) facts() map[string]string {
	f := map[string]string{
		"end": o.End, "rows read": number(o.Read), "rows judged": number(o.judged()), "rows rejected": number(o.Rejected), "rows filtered": number(o.Filtered),
	}
	for _, c := range o.Checks {
		f[c.Name] = fmt.Sprintf("%s %d", c.Verdict, c.Failed)
		if key, unique := strings.CutPrefix(c.Name, "unique:"); unique {
			f["keys of "+key] = number(c.Checked)
		} else if !strings.HasPrefix(c.Name, "completeness:") {
			f["rows without "+c.Name] = number(o.judged() - c.Checked)
		}
	}
	for column, kind := range o.types {
		f["type of "+column] = kind
	}
	return f
}

// found says what was wrong with a table, "" if nothing was: besides, that no row was
// rejected, and the partitions have others than those of the clean bank.
func (o *outcome) found(clean outcome) string {
	var parts []string
	if o.End != loaded {
		parts = append(parts, o.End)
	}
	if o.Rejected > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s rows rejected", number(o.Rejected), number(o.Read)))
	}
	for _, reason := range slices.Sorted(maps.Keys(o.reasons)) {
		if !strings.Contains(reason, ":") { // else it is a check's name
			parts = append(parts, fmt.Sprintf("%#q %s", reason, number(o.reasons[reason])))
		}
	}
	for _, c := range o.Checks {
		if c.Verdict != "PASS" {
			parts = append(parts, fmt.Sprintf("%#q %s %s", c.Name, c.Verdict, number(c.Failed)))
		}
	}
	if moved := days(o.partitions, clean.partitions); o.Rejected == 0 && moved != "" {
		parts = append(parts, "rows written: "+moved)
	}
	return strings.Join(parts, ", ")
}

// number has thousands apart.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// days says how many rows the partitions have that one side has otherwise.
func days(mine, other map[string]int64) string {
	all := maps.Clone(mine)
	maps.Copy(all, other)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		day := strings.NewReplacer("yyyy=", "", "/mm=", "-", "/dd=", "-").Replace(name)
		if mine[name] != other[name] {
			parts = append(parts, strings.TrimSpace(day+" "+number(mine[name])))
		}
	}
	return strings.Join(parts, ", ")
}

// differences compares the outcomes of one table: what it is, what it is for Spark and
// what for Tidemark. "-" says nothing of it.
func differences(table string, spark, tidemark outcome) (out []string) {
	a, b := spark.facts(), tidemark.facts()
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(what, "type of ") && (a[what] == "" || b[what] == "") {
			continue // one side has written no row
		}
		if a[what] != b[what] {
			out = append(out, fmt.Sprintf("%s: %s: %s / %s", table, what, cmp.Or(a[what], "-"), cmp.Or(b[what], "-")))
		}
	}
	if s := days(spark.partitions, tidemark.partitions); s != "" {
		out = append(out, fmt.Sprintf("%s: rows written: %s / %s", table, s, days(tidemark.partitions, spark.partitions)))
	}
	if n := spark.others(tidemark.files); n > 0 {
		out = append(out, fmt.Sprintf("%s: rows with other values: %s", table, number(n)))
	}
	return out
}

// The comparison sees whatever differs.
func TestDifferences(t *testing.T) {
	table := func(change func(o *outcome)) outcome {
		o := outcome{
			End: loaded, Read: 1000, Rejected: 2,
			files: files{map[string]int64{"yyyy=2026/mm=11/dd=19": 990, "yyyy=2026/mm=11/dd=20": 8}, map[string]string{"id": "INT64", "name": "STRING"},
				map[string]map[string]string{"1": {"id": "1", "name": "a"}, "2": {"id": "2", "name": "b"}}},
			Checks: []check{{"completeness:id", "PASS", 0, 1000}, {"range:amount", "FAIL", 2, 999}, {"unique:id", "PASS", 0, 998}},
		}
		if change != nil {
			change(&o)
		}
		return o
	}
	same := table(nil)
	if got := differences("t", same, table(nil)); len(got) > 0 {
		t.Errorf("of the same: %v", got)
	}
	for _, c := range []struct {
		change func(o *outcome)
		want   string
	}{
		{func(o *outcome) { o.End = "halted" }, "[t: end: loaded / halted]"},
		{func(o *outcome) { o.Read++ }, "[t: rows read: 1,000 / 1,001]"},
		{func(o *outcome) { o.Rejected-- }, "[t: rows rejected: 2 / 1]"},
		{func(o *outcome) { o.Filtered++ }, "[t: rows filtered: 0 / 1]"},
		{func(o *outcome) { o.Checks[0].Verdict = "FAIL" }, "[t: completeness:id: PASS 0 / FAIL 0]"},
		{func(o *outcome) { o.Checks[1].Failed = 3 }, "[t: range:amount: FAIL 2 / FAIL 3]"},
		{func(o *outcome) { o.Checks[1].Checked = 1000 }, "[t: rows without range:amount: 1 / 0]"},
		{func(o *outcome) { o.Checks[2].Checked = 997 }, "[t: keys of id: 998 / 997]"},
		{func(o *outcome) { o.Checks = o.Checks[:2] }, "[t: keys of id: 998 / - t: unique:id: PASS 0 / -]"},
		{func(o *outcome) { o.partitions["yyyy=2026/mm=11/dd=20"] = 7 }, "[t: rows written: 2026-11-20 8 / 2026-11-20 7]"},
		{func(o *outcome) { delete(o.partitions, "yyyy=2026/mm=11/dd=20") }, "[t: rows written: 2026-11-20 8 / 2026-11-20 0]"},
		{func(o *outcome) { o.partitions[""] = 1 }, "[t: rows written: 0 / 1]"},
		{func(o *outcome) { o.values["2"]["name"] = "c" }, "[t: rows with other values: 1]"},
		{func(o *outcome) { o.values["3"] = map[string]string{"id": "3", "name": "c"} }, "[]"}, // it is among the rows written
		{func(o *outcome) { o.types["name"] = "JSON" }, "[t: type of name: STRING / JSON]"},
	} {
		if got := fmt.Sprint(differences("t", same, table(c.change))); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// What is wrong with a table is said, and nothing of one with which nothing is.
func TestFound(t *testing.T) {
	clean := outcome{End: loaded, Read: 9, Checks: []check{{"range:amount", "PASS", 0, 9}}, files: files{partitions: map[string]int64{"yyyy=2026/mm=11/dd=19": 9}}}
	for _, c := range []struct {
		change func(o *outcome)
		want   string
	}{
		{func(*outcome) {}, ""},
		{func(o *outcome) { o.End = "halted" }, "halted"},
		{func(o *outcome) { o.Rejected, o.reasons = 2, map[string]int64{"type": 1, "range:amount": 1} }, "2 of 9 rows rejected, `type` 1"},
		{func(o *outcome) { o.Checks = []check{{"range:amount", "WARN", 3, 9}} }, "`range:amount` WARN 3"},
		{func(o *outcome) { o.partitions = map[string]int64{"yyyy=2026/mm=11/dd=20": 9} }, "rows written: 2026-11-19 0, 2026-11-20 9"},
	} {
		o := clean
		c.change(&o)
		if got := o.found(clean); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
