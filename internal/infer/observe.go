package infer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Observe notes what the columns hold in a batch that was decoded into Schema: the share of
// nulls, the widest value, which columns may be a key or the event time. It shows no value.
func (r *Result) Observe(b *batch.Batch) {
	rows, n := 0, 0
	for _, f := range b.Fates[:b.Rows] {
		switch f {
		case batch.Written:
			rows++
		case batch.Quarantined:
			n++
		}
	}
	if n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d of %d rows would be rejected: tidemark schema diff says why", n, b.Rows))
	}
	var keys, times []string
	at, pasted := 0, r.Pasted() // in the batch, which has no column for what is omitted
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Omitted || unreachable(c.Name) {
			continue
		}
		s, name := look(b, at), Quoted(pasted[at].Name)
		at++
		c.seen, c.looked = s.text(c.Type, rows), true
		if s.values != rows || rows == 0 {
			continue
		}
		switch k := c.Type.Kind; {
		case k == schema.Timestamp || k == schema.Date:
			times = append(times, name)
		case (k == schema.Int || k == schema.Long) && s.epoch() != "":
			times = append(times, fmt.Sprintf("%s, as {name: %s, type: timestamp, unit: %s}", name, name, s.epoch()))
		case (k == schema.Int || k == schema.Long || k == schema.String && !c.Type.JSON) && s.distinct == rows && rows > 1:
			keys = append(keys, name)
		}
	}
	r.Notes = append(r.Notes, candidates("the key (no value is there twice)", keys), candidates("event_time (none is missing)", times))
}

func candidates(of string, names []string) string {
	if len(names) == 0 {
		return "no candidate for " + of
	}
	return "candidates for " + of + ": " + strings.Join(names, "; ")
}

// sight is what was seen of a column.
type sight struct {
	values, distinct int
	low, high        int64 // of what stands in ints
	longest          int   // bytes of a text; of a list or a map, what it holds
}

func look(b *batch.Batch, column int) sight {
	v := &b.Columns[column]
	s := sight{low: math.MaxInt64, high: math.MinInt64}
	ints, codes := map[int64]bool{}, map[int32]bool{}
	for row, fate := range b.Fates[:b.Rows] {
		if fate != batch.Written || v.Marks != nil && v.Marks[row] != batch.Present {
			continue
		}
		s.values++
		if r := v.Offsets; r != nil {
			s.longest = max(s.longest, int(r[row+1]-r[row]))
		}
		if v.Children != nil {
			continue
		}
		if v.Ints != nil {
			x := v.Ints[row]
			ints[x] = true
			s.low, s.high = min(s.low, x), max(s.high, x)
			continue
		}
		codes[v.Codes[row]] = true
		s.longest = max(s.longest, len(v.Dict.Value(int(v.Codes[row]))))
	}
	s.distinct = len(ints) + len(codes)
	return s
}

// text says it.
func (s *sight) text(t schema.Type, rows int) string {
	var parts []string
	if rows > 0 && s.values < rows {
		parts = append(parts, fmt.Sprintf("%.3g %% without a value", 100*float64(rows-s.values)/float64(rows)))
	}
	if s.values > 0 {
		switch t.Kind {
		case schema.String, schema.Binary:
			parts = append(parts, "up to "+count(s.longest, "byte"))
		case schema.List:
			parts = append(parts, "up to "+count(s.longest, "element"))
		case schema.Map:
			parts = append(parts, "up to "+count(s.longest, "key"))
		case schema.Int, schema.Long, schema.Decimal:
			parts = append(parts, "up to "+count(digits(s.low, s.high), "digit"))
			if unit := s.epoch(); unit != "" && t.Kind != schema.Decimal {
				parts = append(parts, "looks like a time, in "+unit+" since 1970")
			}
		case schema.Timestamp:
			parts = append(parts, "from "+time.UnixMicro(s.low).UTC().Format(time.DateOnly)+" to "+time.UnixMicro(s.high).UTC().Format(time.DateOnly))
		case schema.Date:
			parts = append(parts, "from "+time.Unix(s.low*86400, 0).UTC().Format(time.DateOnly)+" to "+time.Unix(s.high*86400, 0).UTC().Format(time.DateOnly))
		}
		if s.distinct == 1 && s.values > 1 {
			parts = append(parts, "always the same")
		}
	}
	return strings.Join(parts, ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// digits is how many the widest of numbers between two has.
func digits(low, high int64) int {
	widest := 0
	for _, x := range []int64{low, high} {
		widest = max(widest, len(strings.TrimPrefix(strconv.FormatInt(x, 10), "-")))
	}
	return widest
}

// epoch is the unit in which all numbers would be times between 2000 and 2100, empty: none.
func (s *sight) epoch() string {
	const from, to = 946_684_800, 4_102_444_800
	for _, u := range []struct {
		name   string
		second int64
	}{{"ms", 1000}, {"us", 1_000_000}, {"ns", 1_000_000_000}} {
		if s.values > 0 && s.low >= from*u.second && s.high/u.second < to && s.low <= s.high {
			return u.name
		}
	}
	return ""
}
