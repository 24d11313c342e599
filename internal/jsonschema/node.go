package jsonschema

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// node is a value of JSON, with the members of an object in their order.
type node struct {
	kind  byte // { [ " 0 t f n
	word  string
	keys  []string
	items []*node
}

// parse reads a text.
func parse(text string) (*node, *Error) {
	if len(text) > MaxText {
		return nil, &Error{true, "has more than 1 MiB"}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{Why: "is not UTF-8"}
	}
	d := parser{json.NewDecoder(strings.NewReader(text)), 0}
	d.UseNumber()
	n, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, more := d.Token(); !errors.Is(more, io.EOF) {
		return nil, &Error{Why: "goes on behind its end"}
	}
	return n, nil
}

// parser counts what it makes.
type parser struct {
	*json.Decoder
	nodes int
}

func (d *parser) value(depth int) (*node, *Error) {
	if d.nodes++; d.nodes > maxNodes {
		return nil, &Error{true, "has more than 100,000 values"}
	}
	token, err := d.Token()
	if err != nil {
		return nil, &Error{Why: "is no JSON: " + err.Error()}
	}
	switch v := token.(type) {
	case string:
		return &node{kind: '"', word: v}, nil
	case json.Number:
		return &node{kind: '0', word: v.String()}, nil
	case bool:
		if v {
			return &node{kind: 't'}, nil
		}
		return &node{kind: 'f'}, nil
	case nil:
		return &node{kind: 'n'}, nil
	}
	if depth == maxDepth {
		return nil, &Error{true, "nests deeper than 200 levels"}
	}
	n, seen := &node{kind: '['}, map[string]bool(nil)
	if token == json.Delim('{') {
		n.kind, seen = '{', map[string]bool{}
	}
	for d.More() {
		if n.kind == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, &Error{Why: "is no JSON: " + err.Error()}
			}
			name, _ := key.(string) // the decoder lets no other token be a key
			if seen[name] {
				return nil, &Error{Why: "has " + short(name) + " twice in an object"}
			}
			seen[name] = true
			n.keys = append(n.keys, name)
		}
		one, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, one)
	}
	if _, err := d.Token(); err != nil {
		return nil, &Error{Why: "is no JSON: " + err.Error()}
	}
	return n, nil
}

// get is a member of an object, nil: it has none, or is none.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return nil
}

// text is the first member of such names that is a text.
func (n *node) text(keys ...string) string {
	for _, key := range keys {
		if m := n.get(key); m != nil && m.kind == '"' {
			return m.word
		}
	}
	return ""
}

// short is a name as an error may show it.
func short(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return `"` + s + `"`
}
