package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tidemark/internal/ledger"
)

// Number writes a number with commas: 1,234,567.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Count writes a number with its noun: 1 file, 2 files, 3 batches.
func Count(n int64, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "ch"):
		noun += "es"
	default:
		noun += "s"
	}
	return Number(n) + " " + noun
}

// Size writes a number of bytes: 12.3 MiB.
func Size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f := float64(n) / 1024
	u := 0
	for f >= 1023.95 && u < len(units)-1 {
		f /= 1024
		u++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[u])
}

// Share writes n of total as a percentage that is 0 % and 100 % only where it is
// exactly that.
func Share(n, total int64) string {
	switch {
	case total == 0:
		return "–"
	case n == 0:
		return "0 %"
	case n == total:
		return "100 %"
	}
	p := 100 * float64(n) / float64(total)
	switch {
	case p < 0.01:
		return "< 0.01 %"
	case p > 99.99:
		return "> 99.99 %"
	case p < 10:
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// moment writes a time for people, in UTC and to the second.
func moment(t *ledger.Time) string {
	if t == nil {
		return "–"
	}
	return t.Time().Format("2006-01-02 15:04:05Z")
}

// optional writes a number that may not be known.
func optional(n *int64) string {
	if n == nil {
		return "–"
	}
	return Number(*n)
}

// ago writes how long before now a time is.
func ago(t *ledger.Time, now ledger.Time) string {
	if t == nil {
		return "–"
	}
	d := now.Time().Sub(t.Time())
	switch {
	case d < 0:
		return "in " + span(-d)
	case d < time.Second:
		return "now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int64(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int64(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int64(d.Hours()))
	}
	return fmt.Sprintf("%d days", int64(d.Hours()/24))
}

// Plain takes out of a text what could move a terminal's cursor.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '·'
		}
		return r
	}, s)
}
