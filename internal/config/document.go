package config

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a document (G4). The parser recurses with its depth and takes time
// with the square of its tokens: 50,000 of them are below a second, and more than
// a hundred tables have.
const (
	maxDocument = 256 << 10
	maxTokens   = 50_000
	maxDepth    = 20 // of what can be nested within a line; lines take room to indent
)

// document parses YAML into a tree, if it is fit to be looked at.
func (r *reader) document(data []byte) (value, bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !r.fit(data) {
		return value{}, false
	}
	tokens := lexer.Tokenize(string(data))
	if !r.fitTokens(tokens) {
		return value{}, false
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // doubled keys get faults of our own, all of them
	if err != nil {
		r.syntax(data, err)
		return value{}, false
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		r.fault(place{1, 1}, "the file is empty: write lake, source_system and tables")
		return value{}, false
	case len(bodies) > 1:
		r.fault(r.value(bodies[1], "").at(), "a second document begins: write one, without ---")
		return value{}, false
	}
	return r.value(bodies[0], ""), true
}

// fit looks at the bytes.
func (r *reader) fit(data []byte) bool {
	if len(data) > maxDocument {
		r.fault(place{1, 1}, "the file is larger than %s: divide its tables among several files", formatSize(maxDocument))
		return false
	}
	good := true
	for i, line := range strings.Split(string(data), "\n") {
		if at := invalid(line); at >= 0 {
			r.fault(place{i + 1, at + 1}, "this is not text in UTF-8: save the file as UTF-8")
			return false
		}
		at, indent := place{i + 1, 0}, true
		for _, c := range strings.TrimSuffix(line, "\r") {
			at.column++
			switch {
			case c == '\t' && indent:
				r.fault(at, "a tab: indent with spaces")
				good, indent = false, false
			case c < ' ' && c != '\t' || c == 0x7f:
				r.fault(at, `a control character: write it as \x%02x in double quotes`, c)
				good = false
			}
			indent = indent && c == ' '
		}
	}
	return good
}

// invalid is how many characters stand before the first byte that is not UTF-8, or
// −1.
func invalid(line string) int {
	n := 0
	for i := 0; i < len(line); n++ {
		c, size := utf8.DecodeRuneInString(line[i:])
		if c == utf8.RuneError && size == 1 {
			return n
		}
		i += size
	}
	return -1
}

// unused are the parts of YAML that a configuration does without.
func unused(t token.Type) string {
	switch t {
	case token.AnchorType, token.AliasType:
		return "anchors (&) and aliases (*) are not allowed: write the value out, or in quotes if it is a text"
	case token.MergeKeyType:
		return "merge keys (<<) are not allowed: write the keys out"
	case token.TagType:
		return "tags (!) are not allowed: leave it out, or write the value in quotes if it is a text"
	case token.DirectiveType:
		return "directives (%) are not allowed: leave it out, or write the value in quotes if it is a text"
	case token.MappingKeyType:
		return "keys with ? are not allowed: write key: value"
	}
	return ""
}

// fitTokens looks at what the parser would get.
func (r *reader) fitTokens(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.fault(place{1, 1}, "the file has more than %d words and signs: divide its tables among several files", maxTokens)
		return false
	}
	said := map[string]bool{}
	flow, line, onLine := 0, 0, 0
	for _, t := range tokens {
		at := place{t.Position.Line, t.Position.Column}
		if text := unused(t.Type); text != "" && !said[text] {
			r.fault(at, "%s", text)
			said[text] = true
		}
		if at.line != line {
			line, onLine = at.line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingValueType:
			if flow <= 0 {
				onLine++
			}
		}
		if flow > maxDepth || onLine > maxDepth {
			r.fault(at, "this is nested deeper than any setting is: see docs/configuration.md for what is written where")
			return false
		}
	}
	return len(said) == 0
}

// words are those of the file in what the parser says: among them may be a secret whose
// line is broken (G2). Single signs stay.
var words = regexp.MustCompile(`"(?:[^"\\]|\\.){3,}"`)

// syntax turns what the parser says into a fault.
func (r *reader) syntax(data []byte, err error) {
	var s *yaml.SyntaxError
	if !errors.As(err, &s) || s.Token == nil {
		r.fault(place{1, 1}, "this is not YAML: write key: value, lists as [a, b] or with - before each")
		return
	}
	at := place{max(s.Token.Position.Line, 1), max(s.Token.Position.Column, 1)}
	lines := strings.Split(string(data), "\n")
	hint := advice(s.Message)
	if at.line <= len(lines) && strings.Contains(lines[at.line-1], "${") && strings.ContainsAny(lines[at.line-1], "{[") {
		hint = `within { } and [ ] write variables in quotes: "${NAME}"`
	}
	r.fault(at, "this is not YAML: %s: %s", words.ReplaceAllString(s.Message, `"…"`), hint)
}

// advice is what to do about the faults of YAML that people make.
func advice(message string) string {
	for _, a := range []struct{ part, text string }{
		{"tab", "indent with spaces"},
		{"quoted text", "close the quotes"},
		{"']'", "close the list with ]"},
		{"'}'", "close the braces with }"},
		{"escape", "write a backslash twice, or use single quotes"},
		{"reserved", "write the text in quotes"},
		{"mapping value is not allowed", "write one key: value a line, keys of one section one below the other, a text with a colon in quotes"},
	} {
		if strings.Contains(message, a.part) {
			return a.text
		}
	}
	return "write key: value, keys of one section one below the other, lists as [a, b] or with - before each"
}
