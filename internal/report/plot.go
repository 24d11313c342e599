package report

import (
	"fmt"
	"slices"
	"time"

	"tidemark/internal/status"
)

// The measures of plots, in units of their own coordinates.
const (
	plotWidth, plotHeight   = 960.0, 190.0
	plotLeft, plotBottom    = 70.0, 24.0
	sparkWidth, sparkHeight = 360.0, 36.0
	visible                 = 2.0 // the least height of what is not 0
	mostBars                = 180
)

// plot is a picture of bars. It holds numbers and texts and no markup: the page's
// template makes SVG of it, and escapes.
type plot struct {
	Label         string
	Width, Height string
	Bars          []bar
	Lines         []mark // across, with their values
	Ticks         []mark // below
	Kinds         []string
}

// bar is a rectangle; Class is the name of its color, one of a fixed set.
type bar struct {
	X, Y, W, H, Class, Title string
}

type mark struct {
	X, Y, Text string
}

// group is one place of a stacked plot.
type group struct {
	name  string
	parts []int64 // as the kinds of the plot
	note  string
}

func px(f float64) string { return fmt.Sprintf("%.1f", f) }

// stacked draws groups beside each other and the parts of each upon each other. What is
// not 0 can be seen, however small it is.
func stacked(label string, kinds []string, groups []group) plot {
	p := plot{Label: label, Width: px(plotWidth), Height: px(plotHeight), Kinds: kinds}
	most := int64(1)
	for _, g := range groups {
		total := int64(0)
		for _, n := range g.parts {
			total += n
		}
		most = max(most, total)
	}
	top, floor := visible*float64(len(kinds))+4, plotHeight-plotBottom
	scale := (floor - top) / float64(most)
	step := (plotWidth - plotLeft) / float64(max(len(groups), 1))
	width := max(min(step*0.85, 60), 0.8)
	for i, g := range groups {
		x, y := plotLeft+step*float64(i)+(step-width)/2, floor
		for k, n := range g.parts {
			if n <= 0 {
				continue
			}
			h := max(float64(n)*scale, visible)
			y -= h
			p.Bars = append(p.Bars, bar{px(x), px(y), px(width), px(h), kinds[k], fmt.Sprintf("%s: %s %s%s", g.name, status.Number(n), kinds[k], g.note)})
		}
	}
	for _, n := range slices.Compact([]int64{0, most / 2, most}) {
		p.Lines = append(p.Lines, mark{px(plotLeft), px(floor - float64(n)*scale), status.Number(n)})
	}
	each := (len(groups) + 7) / 8
	for i := 0; i < len(groups); i += each {
		p.Ticks = append(p.Ticks, mark{px(plotLeft + step*(float64(i)+0.5)), px(plotHeight - 6), groups[i].name})
	}
	return p
}

// share is one place of a small plot: n of total.
type share struct {
	n, total    int64
	class, name string
}

// spark draws shares beside each other, the largest as high as the plot.
func spark(label string, shares []share) plot {
	p := plot{Label: label, Width: px(sparkWidth), Height: px(sparkHeight)}
	most := 0.0
	for _, s := range shares {
		if s.total > 0 {
			most = max(most, float64(s.n)/float64(s.total))
		}
	}
	step := sparkWidth / float64(max(len(shares), 1))
	for i, s := range shares {
		if s.total <= 0 {
			continue
		}
		h, class := 1.0, "zero"
		if s.n > 0 {
			h, class = max(float64(s.n)/float64(s.total)/most*sparkHeight, visible), s.class
		}
		p.Bars = append(p.Bars, bar{px(step * float64(i)), px(sparkHeight - h), px(max(step*0.85, 0.8)), px(h), class,
			fmt.Sprintf("%s: %s of %s, %s", s.name, status.Number(s.n), status.Number(s.total), status.Share(s.n, s.total))})
	}
	return p
}

// calendar lays days out without gaps: a day on which nothing came is seen as such. If
// there are too many, months or years stand for them. What is no day has no place.
func calendar(days []string) (names []string, place func(day string) (int, bool)) {
	var known []time.Time
	for _, d := range days {
		if at, err := time.Parse(time.DateOnly, d); err == nil {
			known = append(known, at)
		}
	}
	if len(known) == 0 {
		return nil, func(string) (int, bool) { return 0, false }
	}
	first, last := slices.MinFunc(known, time.Time.Compare), slices.MaxFunc(known, time.Time.Compare)
	layout, next := time.DateOnly, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	if last.Sub(first) >= mostBars*24*time.Hour {
		layout, next = "2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
		first = first.AddDate(0, 0, 1-first.Day())
	}
	if first.AddDate(0, mostBars, 0).Before(last) {
		layout, next = "2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
		first = time.Date(max(first.Year(), last.Year()-mostBars+1), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	at := map[string]int{}
	for t := first; !t.After(last); t = next(t) {
		at[t.Format(layout)] = len(names)
		names = append(names, t.Format(layout))
	}
	return names, func(day string) (int, bool) {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return 0, false
		}
		i, ok := at[t.Format(layout)]
		return i, ok
	}
}

// byCalendar draws parts of days.
func byCalendar[T any](label string, kinds []string, list []T, of func(*T) (day string, parts []int64)) plot {
	days := make([]string, len(list))
	for i := range list {
		days[i], _ = of(&list[i])
	}
	names, place := calendar(days)
	groups := make([]group, len(names))
	for i, name := range names {
		groups[i] = group{name: name, parts: make([]int64, len(kinds))}
	}
	for i := range list {
		day, parts := of(&list[i])
		at, ok := place(day)
		if !ok {
			continue
		}
		for k, n := range parts {
			groups[at].parts[k] += n
		}
	}
	return stacked(label, kinds, groups)
}

// What follows are the pictures of the page.

func (s *Summary) dayPlot() plot {
	return byCalendar("Rows by the day of their folder", []string{"written", "late", "quarantined"}, s.Days, func(d *Day) (string, []int64) {
		return d.Day, []int64{d.Main.Rows, d.Late.Rows, d.Quarantine.Rows}
	})
}

func (s *Summary) decidedPlot() plot {
	return byCalendar("Records by the day of the decision", []string{"written", "late", "quarantined", "duplicate", "filtered"}, s.Decided, func(d *Decided) (string, []int64) {
		c := d.Counts
		return d.Day, []int64{c.Written, c.Late, c.Quarantined, c.Duplicate, c.Filtered}
	})
}

func (s *Summary) stepPlot() plot {
	groups := make([]group, len(s.Steps))
	for i := range s.Steps {
		v := &s.Steps[i]
		groups[i] = group{name: v.name(), parts: []int64{v.Verdicts.Pass, v.Verdicts.Warn, v.Verdicts.Fail, v.Verdicts.None, v.Halts}, note: v.when()}
	}
	return stacked("Batches by verdict", []string{"pass", "warn", "fail", "without", "halt"}, groups)
}

func (s *Summary) checkPlot(c *Check) plot {
	shares := make([]share, len(c.Steps))
	for i, v := range c.Steps {
		class := "pass"
		switch badness(v.Verdict) {
		case badness("WARN"):
			class = "warn"
		case badness("FAIL"):
			class = "fail"
		}
		shares[i] = share{v.Failed, v.Checked, class, s.Steps[i].title()}
	}
	return spark("Share of rows that failed "+status.Plain(c.Name), shares)
}

func (s *Summary) nullPlot(n *Null) plot {
	shares := make([]share, len(n.Steps))
	for i, v := range n.Steps {
		shares[i] = share{v, s.Steps[i].Read, "null", s.Steps[i].title()}
	}
	return spark("Share of nulls in "+status.Plain(n.Column), shares)
}

func (s *Step) name() string {
	if s.First == s.Last {
		return status.Number(s.First)
	}
	return status.Number(s.First) + "–" + status.Number(s.Last)
}

func (s *Step) title() string {
	noun := "records "
	if s.First == s.Last {
		noun = "record "
	}
	return noun + s.name() + s.when()
}

func (s *Step) when() string {
	if s.From == nil {
		return ""
	}
	return ", " + moment(s.From)
}
