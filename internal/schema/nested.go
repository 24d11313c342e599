package schema

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a nested type may be: a column of more leaves than these is rather a table of its
// own, and each level costs every reader a pass.
const (
	MaxNesting = 3  // lists, maps and structs within one another
	MaxLeaves  = 64 // values of a column that hold no others
)

// IsNested reports whether a text begins as a nested type does.
func IsNested(s string) bool {
	word, _, found := strings.Cut(s, "<")
	return found && (word == "list" || word == "map" || word == "struct")
}

// ListOf, MapOf and StructOf make nested types.
func ListOf(element Type) Type { return Type{Kind: List, Of: []Inner{{"element", element}}} }

// MapOf makes the type of a map from text to values.
func MapOf(value Type) Type {
	return Type{Kind: Map, Of: []Inner{{"key", Type{Kind: String}}, {"value", value}}}
}

// StructOf makes the type of a struct.
func StructOf(fields ...Inner) Type { return Type{Kind: Struct, Of: fields} }

func (t Type) nestedString() string {
	var out strings.Builder
	out.WriteString(t.Kind.String() + "<")
	for i, in := range t.Of {
		if i > 0 {
			out.WriteByte(',')
		}
		if t.Kind == Struct {
			out.WriteString(fieldName(in.Name) + ":")
		}
		out.WriteString(in.Type.String())
	}
	out.WriteByte('>')
	return out.String()
}

// fieldName is the name of a field as it stands in a type.
func fieldName(name string) string {
	if bareName(name) == len(name) {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// bareName is the length of the name that text begins with and that needs no quotes.
func bareName(text string) int {
	for i, c := range text {
		if c != '_' && c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) || c == utf8.RuneError {
			return i
		}
	}
	return len(text)
}

// validateNested reports what a nested type may not be.
func (t Type) validateNested() error {
	depth, leaves := t.measure()
	if depth > MaxNesting {
		return fmt.Errorf("%s: at most %d lists, maps and structs stand within one another: keep what is deeper as json", t, MaxNesting)
	}
	if leaves > MaxLeaves {
		return fmt.Errorf("a column has at most %d values within it, this one has %d: name those that are needed, or keep it as json", MaxLeaves, leaves)
	}
	if t.Precision != 0 || t.Scale != 0 || t.JSON {
		return fmt.Errorf("a %s has no precision", t.Kind)
	}
	switch {
	case t.Kind == List && len(t.Of) != 1:
		return errors.New("a list has one type: write list<string>")
	case t.Kind == Map && (len(t.Of) != 2 || t.Of[0].Type.Kind != String || t.Of[0].Type.JSON):
		return errors.New("the keys of a map are text: write map<string,long>")
	case t.Kind == Struct && len(t.Of) == 0:
		return errors.New("a struct has fields: write struct<a:int,b:string>")
	}
	seen := map[string]bool{}
	for _, in := range t.Of {
		if in.Name == "" || seen[in.Name] || !utf8.ValidString(in.Name) || strings.ContainsFunc(in.Name, unicode.IsControl) {
			return fmt.Errorf("field %q: each has a name of its own, without control characters", in.Name)
		}
		seen[in.Name] = true
		if err := in.Type.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// measure tells how deep the type is and how many leaves it has. It looks no deeper than
// what is refused.
func (t Type) measure() (depth, leaves int) {
	if !t.Kind.Nested() {
		return 0, 1
	}
	for _, in := range t.Of {
		d, l := in.Type.measure()
		depth, leaves = max(depth, d), leaves+l
	}
	return depth + 1, leaves
}

// hasDecimal reports whether a value is a decimal, or has one within it.
func (t Type) hasDecimal() bool {
	for _, in := range t.Of {
		if in.Type.hasDecimal() {
			return true
		}
	}
	return t.Kind == Decimal
}

// Leaves is how many values that hold no others the type has.
func (t Type) Leaves() int {
	_, leaves := t.measure()
	return leaves
}

// typeReader reads a nested type.
type typeReader struct {
	text string
	at   int
}

func parseNested(s string) (Type, error) {
	r := &typeReader{text: s}
	t, err := r.read(0)
	if err == nil && r.at < len(s) {
		err = fmt.Errorf("something stands behind its end at byte %d", r.at)
	}
	if err == nil {
		err = t.Validate()
	}
	if err != nil {
		return Type{}, fmt.Errorf("type %q: %w", s, err)
	}
	return t, nil
}

// read reads the type that stands next, in depth others.
func (r *typeReader) read(depth int) (Type, error) {
	r.space()
	rest := r.text[r.at:]
	if !IsNested(rest[:min(len(rest), len("struct<"))]) {
		return r.scalar()
	}
	if depth == MaxNesting {
		return Type{}, fmt.Errorf("at most %d lists, maps and structs stand within one another: keep what is deeper as json", MaxNesting)
	}
	word, _, _ := strings.Cut(rest, "<")
	r.at += len(word) + 1
	switch word {
	case "list":
		t, err := r.read(depth + 1)
		return ListOf(t), r.closed(err)
	case "map":
		key, err := r.read(depth + 1)
		if err != nil {
			return Type{}, err
		}
		if key.Kind != String || key.JSON || !r.next(',') {
			return Type{}, errors.New("the keys of a map are text: write map<string,long>")
		}
		t, err := r.read(depth + 1)
		return MapOf(t), r.closed(err)
	}
	t := Type{Kind: Struct}
	for {
		name, err := r.name()
		if err != nil {
			return Type{}, err
		}
		of, err := r.read(depth + 1)
		if err != nil {
			return Type{}, err
		}
		if t.Of = append(t.Of, Inner{name, of}); len(t.Of) > MaxLeaves {
			return Type{}, fmt.Errorf("a struct has at most %d fields", MaxLeaves)
		}
		if !r.next(',') {
			return t, r.closed(nil)
		}
	}
}

// scalar reads a type that holds no others: up to what ends it.
func (r *typeReader) scalar() (Type, error) {
	from, open := r.at, false
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '(':
			open = true
		case c == ')':
			open = false
		case c == '>' || c == ',' && !open || c == '<':
			return ParseType(strings.TrimSpace(r.text[from:r.at]))
		}
	}
	return ParseType(strings.TrimSpace(r.text[from:]))
}

// name reads the name of a field and its colon.
func (r *typeReader) name() (string, error) {
	r.space()
	var name strings.Builder
	if r.next('"') {
		for ; r.at < len(r.text) && r.text[r.at] != '"'; r.at++ {
			if r.text[r.at] == '\\' && r.at+1 < len(r.text) {
				r.at++
			}
			name.WriteByte(r.text[r.at])
		}
		if !r.next('"') {
			return "", errors.New("the name of a field does not end")
		}
	} else {
		n := bareName(r.text[r.at:])
		name.WriteString(r.text[r.at : r.at+n])
		r.at += n
	}
	if r.space(); name.Len() == 0 || !r.next(':') {
		return "", errors.New("a field is a name, a colon and a type: write struct<a:int,b:string>")
	}
	return name.String(), nil
}

func (r *typeReader) space() {
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
}

// next reports whether c stands next, and reads over it.
func (r *typeReader) next(c byte) bool {
	if c != '"' {
		r.space()
	}
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// closed reads the end of a nested type.
func (r *typeReader) closed(err error) error {
	if err == nil && !r.next('>') {
		err = errors.New("a > is missing")
	}
	return err
}
