package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// oddNames are names of fields as they should not be, and as they are.
var oddNames = []string{"id", "amount", "Amount", "a b", "a.b", "a[0]", "$x", "_id", "x\"y", "x\\y", "é", "日本", "a:b", "- a", "#a", "null", "true", "1", "2026", "a,b", "a>b", "a<b", "{a}", "'", "etl_batch_id",
	"yyyy", "a\tb", "\u202eabc", "", " ", "struct", "list<long>", "key", "value", "element", strings.Repeat("n", 300), "\U0001f600", "%2e", "../x", "\u2028"}

// randomValue is a value of JSON, with values that resemble each other under one name.
func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(12); {
	case n < 2 && depth < 4:
		out := map[string]any{}
		for range r.IntN(4) {
			out[oddNames[r.IntN(len(oddNames))]] = randomValue(r, depth+1)
		}
		return out
	case n == 2 && depth < 4:
		out := []any{}
		one := randomValue(r, depth+1)
		for range r.IntN(4) {
			out = append(out, one)
		}
		return out
	case n == 3:
		return nil
	case n == 4:
		return r.IntN(2) == 0
	case n == 5:
		return json.Number(fmt.Sprintf("%d.%02d", r.IntN(1000)-500, r.IntN(100)))
	case n == 6:
		return json.Number(fmt.Sprint(r.Int64()))
	case n == 7:
		return json.Number("1e" + fmt.Sprint(r.IntN(300)))
	case n == 8:
		return "2026-11-2" + fmt.Sprint(r.IntN(10))
	case n == 9:
		return json.Number(strings.Repeat("9", 1+r.IntN(30)))
	case n == 10:
		return oddNames[r.IntN(len(oddNames))]
	}
	return r.IntN(100)
}

// TestInferTakesAnything wants what infer prints of any objects to be a configuration, and one
// that takes them, but for what it says that is rejected.
func TestInferTakesAnything(t *testing.T) {
	refuses := regexp.MustCompile(`are rejected|long numbers are rounded`)
	taken, nested := 0, 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 5))
		names := make([]string, 1+r.IntN(6))
		shape := map[string]any{}
		for i := range names {
			names[i] = oddNames[r.IntN(len(oddNames))]
			shape[names[i]] = randomValue(r, 0)
		}
		var lines []string
		for range 1 + r.IntN(20) {
			row := map[string]any{}
			for _, name := range names {
				switch r.IntN(8) {
				case 0:
				case 1:
					row[name] = nil
				case 2:
					row[name] = randomValue(r, 0)
				default:
					row[name] = shape[name]
				}
			}
			text, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(text))
		}
		file := filepath.Join(t.TempDir(), "rows.json")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, errs := quiet(t, "schema", "infer", file)
		if code != 0 || !strings.Contains(out, "  - {") {
			if !strings.Contains(out+errs, "no configuration can name it") && !strings.Contains(out+errs, "a column without a name") && !strings.Contains(out, "columns:\n") {
				t.Errorf("seed %d: %d %s%s\n%s", seed, code, out, errs, strings.Join(lines, "\n"))
			}
			continue
		}
		table := strings.ReplaceAll(pasted(out), "    topics: [transactions]\n", "")
		config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\ntables:\n", t.TempDir())+table)
		if code, said, errs := quiet(t, "check", "--offline", "-c", config); code != 0 {
			t.Fatalf("seed %d: check: %d %s%s\n%s\n%s", seed, code, said, errs, table, strings.Join(lines, "\n"))
		}
		code, said, errs := quiet(t, "schema", "diff", "-c", config, "--table", "t", file)
		if !refuses.MatchString(out) && (code != 0 || !strings.Contains(said, ", 0 rejected")) {
			t.Fatalf("seed %d: diff: %d %s%s\n%s\n%s", seed, code, said, errs, table, strings.Join(lines, "\n"))
		}
		if !refuses.MatchString(out) {
			taken++
			nested += strings.Count(out, "struct<") + strings.Count(out, "list<") + strings.Count(out, "map<")
		}
	}
	if taken < 30 || nested < 20 {
		t.Errorf("%d tables took all, which had %d nested types: that shows little", taken, nested)
	}
}
