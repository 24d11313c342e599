package quality_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

func setOf(kind schema.Kind, values ...any) *quality.Set {
	t := &schema.Table{Name: "known", EventTime: -1, Columns: []schema.Column{{Name: "v", Type: schema.Type{Kind: kind}}}}
	b := &batch.Batch{}
	b.Reset(t, &batch.Raw{}, 0, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case int:
			b.Columns[0].Ints[i] = int64(v)
		case string:
			b.Columns[0].Codes[i] = b.Columns[0].Dict.Add([]byte(v))
		}
	}
	s := quality.NewSet(t.Columns[0].Type)
	s.Add(b, 0)
	return s
}

func TestReference(t *testing.T) {
	suite, err := quality.Compile(naiveTable, []quality.Check{
		{Reference: "kind", File: "/kinds.csv", FileColumn: "name", Severity: quality.Warn},
		{Reference: "id", In: "accounts.account_id"},
	})
	if err != nil {
		t.Fatal(err)
	}
	refs := suite.References()
	if got, want := fmt.Sprint(refs), "[{reference:kind kind string   /kinds.csv name} {reference:id id long accounts account_id  }]"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	text := "id amount kind\n1 1 fee\n0 1 other\n_ 1 _\n~7 1 fee\n9 1 fee\nquarantined: 9 1 fee\n"
	for _, c := range []struct {
		name  string
		known []quality.Known
		want  string
	}{
		{"none is known", nil, "WWQ.QWWQQ Q"},
		{"both", []quality.Known{{Set: setOf(schema.String, "fee"), Version: "v1"}, {Set: setOf(schema.Long, 0, 1), Version: "v2"}}, ""},
	} {
		b := parseBatch(t, naiveTable, text)
		j := suite.Begin(b, c.known)
		missed := j.Missed()
		report, err := j.Finish(nil)
		if err != nil || !missed {
			t.Errorf("%s: %v, missed %t", c.name, err, missed)
		}
		if c.known == nil {
			if report.Rejected != 3 || report.Results[0].Verdict != quality.VerdictWarn || report.Results[0].Failed != 4 {
				t.Errorf("%s: got %+v, want all refused", c.name, report)
			}
			continue
		}
		if report.Rejected != 1 || b.Fates[4] != batch.Quarantined || report.Results[0].Failed != 1 || report.Results[1].Failed != 1 || report.Results[1].Checked != 3 {
			t.Errorf("%s: got %+v", c.name, report)
		}
		if report.Results[0].Version != "v1" || report.Results[1].Version != "v2" {
			t.Errorf("%s: got versions %q and %q", c.name, report.Results[0].Version, report.Results[1].Version)
		}
	}
}

func TestReferenceIsRefused(t *testing.T) {
	for _, c := range []struct {
		check quality.Check
		want  string
	}{
		{quality.Check{Reference: "id"}, "write in: TABLE.COLUMN, or file:"},
		{quality.Check{Reference: "id", In: "a.b", File: "c"}, "write in: TABLE.COLUMN, or file:"},
		{quality.Check{Reference: "id", In: "accounts"}, "write TABLE.COLUMN"},
		{quality.Check{Reference: "id", In: "accounts.id", FileColumn: "id"}, "column belongs to file"},
		{quality.Check{Reference: "no", In: "accounts.id"}, "there is no column no"},
		{quality.Check{Range: "amount", Min: "0", In: "accounts.id"}, "in belongs to reference"},
	} {
		if _, err := quality.Compile(naiveTable, []quality.Check{c.check}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.check, err, c.want)
		}
	}
}

// A set says exactly what is in it, whatever the order and the distance of what comes.
func TestSetIsExact(t *testing.T) {
	one := &schema.Table{Name: "known", EventTime: -1, Columns: []schema.Column{{Name: "v", Type: schema.Type{Kind: schema.Long}}}}
	suite, err := quality.Compile(one, []quality.Check{{Reference: "v", In: "t.v"}})
	if err != nil {
		t.Fatal(err)
	}
	b, rng := &batch.Batch{}, rand.New(rand.NewPCG(1, 9))
	for seed := range 40 {
		set, have := quality.NewSet(one.Columns[0].Type), map[int64]bool{}
		span := int64(1) << (10 + rng.IntN(53))
		for range 1 + rng.IntN(4) {
			const rows = 7000
			b.Reset(one, &batch.Raw{}, 0, rows)
			for i := range rows {
				if rng.IntN(3000) == 0 {
					span = int64(1) << (10 + rng.IntN(53)) // ids that change their nature
				}
				b.Columns[0].Ints[i] = rng.Int64N(span) - span/4
				have[b.Columns[0].Ints[i]] = true
			}
			set.Add(b, 0)
		}
		if set.Len() != int64(len(have)) {
			t.Fatalf("seed %d: got %d values, want %d", seed, set.Len(), len(have))
		}
		b.Reset(one, &batch.Raw{}, 0, 5000)
		for i := range b.Rows {
			b.Columns[0].Ints[i] = rng.Int64N(span) - span/4
		}
		for i, v := range keysOf(have, 2000) {
			b.Columns[0].Ints[i] = v
		}
		report, err := suite.Begin(b, []quality.Known{{Set: set}}).Finish(nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range b.Columns[0].Ints[:b.Rows] {
			if known := b.Fates[i] == batch.Written; known != have[v] {
				t.Fatalf("seed %d: %d: got %t, want %t", seed, v, known, have[v])
			}
		}
		_ = report
	}
}

func keysOf(m map[int64]bool, n int) (out []int64) {
	for v := range m {
		if len(out) == n {
			break
		}
		out = append(out, v)
	}
	return out
}

// TestSetMemory measures sets of ten million keys, in the worst order.
func TestSetMemory(t *testing.T) {
	const keys, most = 10_000_000, 200 << 20
	one := &schema.Table{Name: "known", EventTime: -1, Columns: []schema.Column{{Name: "v", Type: schema.Type{Kind: schema.Long}}}}
	for _, c := range []struct {
		name string
		id   func(i int64) int64
	}{
		{"rising ids", func(i int64) int64 { return 1_000_000_000 + i }},
		{"shuffled ids", func(i int64) int64 { return i * 7_368_787 % keys }},
		{"random ids", func(i int64) int64 { return int64(uint64(i) * 0x9E3779B97F4A7C15) }},
	} {
		set, b := quality.NewSet(one.Columns[0].Type), &batch.Batch{}
		const rows = 100_000
		for first := int64(0); first < keys; first += rows {
			b.Reset(one, &batch.Raw{}, 0, rows)
			for i := range b.Columns[0].Ints {
				b.Columns[0].Ints[i] = c.id(first + int64(i))
			}
			set.Add(b, 0)
		}
		if set.Len() != keys || set.Bytes() > most {
			t.Errorf("%s: %d keys in %d bytes, want %d in %d at most", c.name, set.Len(), set.Bytes(), keys, most)
		}
		t.Logf("%s: %d keys take %.1f MiB", c.name, keys, float64(set.Bytes())/(1<<20))
	}
}
