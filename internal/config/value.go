package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// value is a value of the document: where it stands, and what it is called in
// messages, such as kafka.brokers.
type value struct {
	r    *reader
	node ast.Node
	name string
}

func (r *reader) value(node ast.Node, name string) value { return value{r, node, name} }

// at is where the value begins. A map in block style begins at its first key.
func (v value) at() place {
	node := v.node
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 && m.Start.Type != token.MappingStartType {
		node = m.Values[0].Key
	}
	if m, ok := node.(*ast.MappingValueNode); ok {
		node = m.Key
	}
	p := node.GetToken().Position
	return place{p.Line, p.Column}
}

// fault reports what is wrong with the value, by its name.
func (v value) fault(format string, args ...any) {
	v.r.fault(v.at(), "%s", v.named(fmt.Sprintf(format, args...)))
}

func (v value) named(text string) string {
	if v.name == "" {
		return text
	}
	return v.name + " " + text
}

func (v value) warn(format string, args ...any) {
	v.r.warnings = append(v.r.warnings, v.r.errorAt(v.at(), format, args...).Error())
}

// kind says in words what the value is.
func (v value) kind() string {
	switch v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "empty"
	case *ast.BoolNode:
		return v.node.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return "a text"
}

// list gives the values of a list.
func (v value) list(example string) ([]value, bool) {
	s, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.fault("is %s: write a list, such as %s", v.kind(), example)
		return nil, false
	}
	out := make([]value, len(s.Values))
	for i, node := range s.Values {
		out[i] = v.r.value(node, v.name)
	}
	return out, true
}

// texts reads a list of texts, none of them empty or there twice.
func (v value) texts(to *[]string, example string) bool {
	items, ok := v.list(example)
	out := make([]string, 0, len(items))
	seen := map[string]bool{}
	for _, item := range items {
		var s string
		if !item.text(&s) {
			ok = false
			continue
		}
		if seen[s] {
			item.fault("has %s twice: write it once", item.shown())
			ok = false
		}
		seen[s] = true
		out = append(out, s)
	}
	if ok {
		*to = out
	}
	return ok
}

// section is a map whose keys are known.
type section struct {
	r      *reader
	name   string
	at     place
	values map[string]value
	keys   map[string]place
}

// section reads a map of the keys that a layout lists, and reports others.
func (v value) section(l layout) (section, bool) {
	s, ok := v.peek(l)
	if !ok {
		hint := "write its keys below it, such as "
		if _, isNull := v.node.(*ast.NullNode); isNull {
			hint = "leave it out, or write its keys below it, such as "
		}
		if v.name == "" {
			v.name = l.title
		}
		v.fault("is %s: %s%s", v.kind(), hint, strings.Join(l.keys[:min(3, len(l.keys))], ", "))
		return s, false
	}
	v.r.unknown(v, l)
	return s, true
}

// entries are the keys and values of a map.
func (v value) entries() ([]*ast.MappingValueNode, bool) {
	switch m := v.node.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// peek is section without a fault.
func (v value) peek(l layout) (section, bool) {
	entries, ok := v.entries()
	s := section{r: v.r, name: v.name, values: map[string]value{}, keys: map[string]place{}}
	if !ok {
		return s, false
	}
	s.at = v.at()
	for _, e := range entries {
		key := e.Key.GetToken()
		if _, twice := s.values[key.Value]; twice || !l.has(key.Value) {
			continue
		}
		s.values[key.Value] = v.r.value(e.Value, v.path(key.Value))
		s.keys[key.Value] = place{key.Position.Line, key.Position.Column}
	}
	return s, true
}

// path is the name of a key of the map in messages.
func (v value) path(key string) string {
	if v.name == "" {
		return key
	}
	return v.name + "." + key
}

// unknown reports keys that are not in the layout, not in this version, or there
// twice (G1).
func (r *reader) unknown(v value, l layout) {
	entries, _ := v.entries()
	seen := map[string]place{}
	for _, e := range entries {
		token := e.Key.GetToken()
		key, at := token.Value, place{token.Position.Line, token.Position.Column}
		if first, twice := seen[key]; twice {
			r.fault(at, "key %s is given twice, first in line %d: keep one", quoted(key), first.line)
			continue
		}
		seen[key] = at
		switch {
		case l.has(key):
		case l.lacks(key):
			r.fault(at, "%s: not in this version: leave it out", v.path(key))
		default:
			r.fault(at, "there is no key %s%s: %s", quoted(key), inside(l.title), l.suggest(key))
		}
	}
}

func inside(title string) string {
	if title == top.title {
		return ""
	}
	return " in " + title
}

// with hands the value of a key on, if it is there.
func (s section) with(key string, read func(value)) {
	if v, ok := s.values[key]; ok {
		read(v)
	}
}

// require hands the value of a key on, or reports that it is not there.
func (s section) require(key, example string, read func(value)) {
	v, ok := s.values[key]
	if !ok {
		s.r.fault(s.at, "%s is missing: write %s: %s", value{name: s.name}.path(key), key, example)
		return
	}
	read(v)
}
