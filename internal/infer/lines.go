package infer

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// Lines looks at records of a topic that are lines of CSV each. Names are those of the fields,
// in their order; where there are not as many, they are numbered. It returns nil where the
// lines have not as many fields each as most have, and how many have.
func Lines(values [][]byte, csv schema.CSV, names []string) (r *Result, fit int) {
	width := usualWidth(values, csv)
	if width == 0 {
		return nil, 0
	}
	if len(names) != width {
		names = names[:0:0]
		for i := range width {
			names = append(names, fmt.Sprintf("field_%d", i+1))
		}
	}
	f := newFinder(csv)
	for _, v := range values {
		f.line(trimLine(v), names)
	}
	r = f.result()
	return r, int(f.rows)
}

// Separated is csv with the separator that makes the most of lines: as many fields in each,
// and the more the better. What csv has counts where others do not do better.
func Separated(values [][]byte, csv schema.CSV) schema.CSV {
	best, score := csv.Separator, 0
	for _, c := range append([]byte{csv.Separator}, ",;\t|"...) {
		one := csv
		one.Separator = c
		width := usualWidth(values, one)
		fit := 0
		for _, v := range values {
			if width > 1 && len(split(nil, string(trimLine(v)), c, csv.Quote)) == width {
				fit += width
			}
		}
		if fit > score {
			best, score = c, fit
		}
	}
	csv.Separator = best
	return csv
}

// usualWidth is how many fields most lines have, 0: there are none.
func usualWidth(values [][]byte, csv schema.CSV) int {
	widths, most := map[int]int{}, 0
	for _, v := range values {
		if line := trimLine(v); len(line) > 0 {
			n := len(split(nil, string(line), csv.Separator, csv.Quote))
			if widths[n]++; widths[n] > widths[most] || widths[n] == widths[most] && n > most {
				most = n
			}
		}
	}
	return most
}

// trimLine is a line without its end, and without a byte order mark.
func trimLine(v []byte) []byte {
	v = bytes.TrimPrefix(v, []byte("\ufeff"))
	return bytes.TrimSuffix(bytes.TrimSuffix(v, []byte("\n")), []byte("\r"))
}

// IsLine reports whether a value may be a line of CSV: text, without control characters.
func IsLine(value []byte) bool {
	return len(value) > 0 && utf8.Valid(value) && !strings.ContainsFunc(string(value), func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f
	})
}
