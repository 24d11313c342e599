package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

func (r result) rate() float64 { return float64(r.Rows) / r.Seconds }

// median is the measurement in the middle, by rate, as a whole: its figures belong
// together.
func (k *kind) median() result {
	sorted := slices.SortedFunc(slices.Values(k.results), func(a, b result) int { return cmp.Compare(a.rate(), b.rate()) })
	return sorted[len(sorted)/2]
}

// table prints all measurements, and how fast each is beside the raw consume of its topic or, where it
// has none, beside the first.
func table(out io.Writer, kinds []*kind) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\n\trows/s\tslowest\tfastest\tMB/s\trows/CPU s\tallocations/row\tpeak MiB\tof the raw consume\t")
	for _, k := range kinds {
		r, n := k.median(), float64(k.median().Rows)
		allocations := "unknown"
		if r.Mallocs > 0 {
			allocations = strconv.FormatFloat(r.Mallocs/n, 'f', 4, 64)
		}
		beside := cmp.Or(k.beside, kinds[0])
		rates := make([]float64, len(k.results))
		for i, x := range k.results {
			rates[i] = x.rate()
		}
		fmt.Fprintf(w, "%-28s\t%s\t%s\t%s\t%.0f\t%s\t%s\t%.0f\t%.2f\t\n", k.title, thousands(r.rate()), thousands(slices.Min(rates)), thousands(slices.Max(rates)),
			float64(r.Bytes)/1e6/r.Seconds, thousands(n/r.CPU), allocations, float64(r.Peak)/(1<<20), r.rate()/beside.median().rate())
	}
	_ = w.Flush()
}

// thousands writes a number without a fraction, its digits in groups.
func thousands(f float64) string {
	s := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
