package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// From says where a record has the value of a column. The zero From is a field of
// the column's name.
type From struct {
	Part   Part
	Header string `json:",omitempty"` // whose value is taken, of FromHeader
	Path   []Step `json:",omitempty"` // to the value, of FromField and FromEnvelope; the first step is a key
}

// Part is the part of a record that a value is taken from.
type Part uint8

// The parts of a record.
const (
	FromField     Part = iota // a field of the value
	FromKey                   // Kafka's key
	FromHeader                // the last header of a name
	FromTimestamp             // Kafka's timestamp
	FromEnvelope              // what stands in a change event beside the row
)

func (p Part) hasPath() bool { return p == FromField || p == FromEnvelope }

// Step leads from an object to what stands under a key, or from an array to one of
// its elements.
type Step struct {
	Key   string
	Index int // from 0 on, −1: the step is a key
}

// What a path may have. An array is read to its element: an index costs no more
// than the bytes before it.
const (
	MaxSteps = 32
	MaxIndex = 999_999
)

// IsZero reports whether the column comes from a field of its own name.
func (f From) IsZero() bool { return f.Part == FromField && len(f.Path) == 0 }

// Nested reports whether the value stands within an object or an array of the
// record.
func (f From) Nested() bool { return f.Part == FromField && len(f.Path) > 1 }

// within reports whether the value stands within something else of the record.
func (f From) within() bool { return f.Nested() || f.Part == FromEnvelope }

// String is what ParseFrom reads, "" for the zero From.
func (f From) String() string {
	switch f.Part {
	case FromKey:
		return "$key"
	case FromTimestamp:
		return "$timestamp"
	case FromHeader:
		return "$headers." + f.Header
	case FromEnvelope:
		return envelope + pathString(f.Path)
	}
	return pathString(f.Path)
}

func pathString(path []Step) string {
	var out strings.Builder
	for i, s := range path {
		switch {
		case s.Index >= 0:
			fmt.Fprintf(&out, "[%d]", s.Index)
			continue
		case i > 0:
			out.WriteByte('.')
		}
		if bare := bareKey(s.Key); bare < len(s.Key) || i == 0 && s.Key[0] == '$' {
			out.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.Key) + `"`)
		} else {
			out.WriteString(s.Key)
		}
	}
	return out.String()
}

// envelope is what a path into a change event begins with.
const envelope = "$envelope."

// ParseFrom reads a path such as customer.address.city or items[0].sku, $key,
// $timestamp, $envelope. and a path, or $headers. and a name, which goes to the end of the
// text. A key with other letters than these stands between double quotes, where \" is a
// quote and \\ a backslash.
func ParseFrom(s string) (From, error) {
	if !utf8.ValidString(s) {
		return From{}, errors.New("write UTF-8")
	}
	switch name, isHeader := strings.CutPrefix(s, "$headers."); {
	case s == "$key":
		return From{Part: FromKey}, nil
	case s == "$timestamp":
		return From{Part: FromTimestamp}, nil
	case isHeader && name != "":
		return From{Part: FromHeader, Header: name}, nil
	case s == "$topic", s == "$partition", s == "$offset":
		return From{}, fmt.Errorf("every row has this in its column _%s: leave the column out", s[1:])
	case strings.HasPrefix(s, envelope):
		path, err := parsePath(s[len(envelope):])
		return From{Part: FromEnvelope, Path: path}, err
	case strings.HasPrefix(s, "$"):
		return From{}, errors.New(`write $key, $headers.NAME, $timestamp, or of change events $envelope.source.lsn; a field whose name begins with $ stands in quotes, as in '"$id"'`)
	}
	path, err := parsePath(s)
	return From{Path: path}, err
}

func parsePath(s string) ([]Step, error) {
	var path []Step
	for at := 0; ; {
		rest := s[at:]
		step := Step{Index: -1}
		var n int
		var err error
		if strings.HasPrefix(rest, "[") && at > 0 && s[at-1] != '.' {
			step.Index, n, err = parseIndex(rest)
		} else {
			step.Key, n, err = parseKey(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("at character %d: %w", 1+utf8.RuneCountInString(s[:at+n]), err)
		}
		if path = append(path, step); len(path) > MaxSteps {
			return nil, fmt.Errorf("a path has at most %d steps", MaxSteps)
		}
		if at += n; at == len(s) {
			return path, nil
		}
		switch s[at] {
		case '.':
			at++
		case '[':
		default:
			return nil, fmt.Errorf("at character %d: write . and a key, or an index such as [0]", 1+utf8.RuneCountInString(s[:at]))
		}
	}
}

// bareKey is how many bytes at the beginning of s a key may have without quotes.
func bareKey(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return strings.ContainsRune(`.[]"\`, r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
	if n < 0 {
		return len(s)
	}
	return n
}

// parseKey reads the key that s begins with, and says how many bytes it takes; with
// an error, where that is.
func parseKey(s string) (key string, n int, err error) {
	if !strings.HasPrefix(s, `"`) {
		if n = bareKey(s); n == 0 {
			return "", 0, errors.New(`write a key, such as customer; one with other letters stands in quotes, as in '"odd.name".city'`)
		}
		return s[:n], n, nil
	}
	var out strings.Builder
	for n = 1; n < len(s); n++ {
		switch s[n] {
		case '"':
			if out.Len() == 0 {
				return "", 0, errors.New("write a key within the quotes")
			}
			return out.String(), n + 1, nil
		case '\\':
			if n++; n == len(s) || s[n] != '"' && s[n] != '\\' {
				return "", n - 1, errors.New(`within quotes write \" for a quote and \\ for a backslash`)
			}
		}
		out.WriteByte(s[n])
	}
	return "", len(s), errors.New("the quote is not closed")
}

// parseIndex reads the index that s begins with, as parseKey does a key.
func parseIndex(s string) (index, n int, err error) {
	digits, _, closed := strings.Cut(s[1:], "]")
	index, err = strconv.Atoi(digits)
	if !closed || err != nil || index > MaxIndex || digits != strconv.Itoa(index) || index < 0 {
		return 0, 1, fmt.Errorf("write an index from 0 to %d and a bracket, as in [0]", MaxIndex)
	}
	return index, len(digits) + 2, nil
}

// Field is the name of the field at the top of a record that holds the column's
// value or what it stands in; false: the value comes from another part.
func (c *Column) Field() (name string, ok bool) {
	switch {
	case c.From.Part != FromField:
		return "", false
	case len(c.From.Path) == 0:
		return c.Name, true
	}
	return c.From.Path[0].Key, true
}

// Names are what the field at the top of a record may be called that the column comes
// from, the best one first; none where it comes from within one, or from elsewhere.
func (c *Column) Names() []string {
	field, ok := c.Field()
	if !ok || c.From.Nested() {
		return nil
	}
	return append([]string{field}, c.Aliases...)
}

// Validate reports a source that the column cannot have.
func (f From) Validate(c *Column) error {
	switch {
	case f.Part == FromTimestamp && c.Type.Kind != Timestamp:
		return fmt.Errorf("from %s is a timestamp, and the column is %s: write type: timestamp", f, c.Type)
	case len(c.Aliases) > 0 && (f.Part != FromField || f.Nested()):
		return fmt.Errorf("from %s is the one place that the value comes from: leave out aliases, which are other names of a field at the top of a record", f)
	case f.Part == FromEnvelope && len(f.Path) == 0, f.Part.hasPath() && len(f.Path) > 0 && (len(f.Path) > MaxSteps || f.Path[0].Index >= 0 || f.Path[0].Key == ""):
		return errors.New("from is no path: it begins with a key")
	}
	return nil
}

// InFormat reports a column that values of a format cannot fill.
func (c *Column) InFormat(f Format) error {
	switch {
	case f != CSVFormat:
	case c.Type.Kind.Nested():
		return fmt.Errorf("%s is filled from objects and arrays, and a line of CSV has none: write json or string", c.Type)
	case c.From.Nested():
		return fmt.Errorf("from %s leads into an object or an array, and a line of CSV has none: write the name of a field", c.From)
	}
	return nil
}

// Overlap is two columns of which one takes what the other does, or a part of it.
type Overlap struct {
	Column int    // that comes from within a field
	Why    string // in words
}

// Overlaps lists the columns from within a field that cannot be filled because
// of another column, each once.
func (t *Table) Overlaps() []Overlap {
	var out []Overlap
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.From.within() {
			continue
		}
		for j := range t.Columns {
			other := &t.Columns[j]
			if i == j || j > i && other.From.within() || other.From.Part != c.From.Part {
				continue
			}
			if why := c.overlap(other); why != "" {
				out = append(out, Overlap{i, why})
				break
			}
		}
	}
	return out
}

// overlap says why c, which comes from within a field, and another column cannot
// both be filled; "": they can.
func (c *Column) overlap(other *Column) string {
	mine := c.From.Path
	for _, path := range other.paths() {
		n := 0
		for n < min(len(mine), len(path)) && mine[n] == path[n] {
			n++
		}
		whole := pathString(mine[:n])
		if c.From.Part == FromEnvelope {
			whole = envelope + whole
		}
		switch {
		case n == len(mine) && n == len(path):
			return fmt.Sprintf("columns %s and %s both come from %s: a value fills one column", other.Name, c.Name, whole)
		case n == len(mine) && c.Type.JSON, n == len(path) && other.Type.JSON && len(other.Aliases) == 0:
		case n == len(mine):
			return fmt.Sprintf("column %s comes from %s, and column %s from within it: beside its parts a whole is of type json, without aliases", c.Name, whole, other.Name)
		case n == len(path):
			return fmt.Sprintf("column %s comes from %s, and column %s from within it: beside its parts a whole is of type json, without aliases", other.Name, whole, c.Name)
		case mine[n].Index < 0 != (path[n].Index < 0):
			return fmt.Sprintf("%s is an object for one of columns %s and %s, and an array for the other: it is one of them", whole, other.Name, c.Name)
		}
	}
	return ""
}

// paths is where the column's values may stand, none where they come from another
// part of a record than its fields.
func (c *Column) paths() [][]Step {
	if c.From.within() {
		return [][]Step{c.From.Path}
	}
	var paths [][]Step
	for _, name := range c.Names() {
		paths = append(paths, []Step{{Key: name, Index: -1}})
	}
	return paths
}
