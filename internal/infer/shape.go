package infer

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// shape is what was seen of objects and arrays in one place.
type shape struct {
	objects, arrays int64 // that hold something
	bare            int64 // objects that hold nothing
	empty           int64 // arrays that hold nothing
	keys            []*column
	named           map[string]*column
	members         int64   // of all objects
	rest            *column // what stands under keys beyond the first
	element         *column // of all arrays
}

// mostKeys is how many keys of objects are told from each other.
const mostKeys = 1000

// see looks at an object or an array, which stands in depth others.
func (s *shape) see(text json.RawMessage, depth int) {
	if depth >= schema.MaxNesting {
		return // whatever it holds, no type has room for it
	}
	if text[0] == '[' {
		var elements []json.RawMessage
		_ = json.Unmarshal(text, &elements)
		if len(elements) == 0 {
			s.empty++
			return
		}
		s.arrays++
		if s.element == nil {
			s.element = &column{}
		}
		for _, e := range elements {
			s.element.value(e, depth+1)
		}
		return
	}
	before := s.members
	members(text, func(name string, value json.RawMessage) {
		s.members++
		s.key(name).value(value, depth+1)
	})
	if s.members == before {
		s.bare++
	} else {
		s.objects++
	}
}

// key finds or makes what is known of a key.
func (s *shape) key(name string) *column {
	if c := s.named[name]; c != nil {
		return c
	}
	if len(s.keys) == mostKeys {
		if s.rest == nil {
			s.rest = &column{}
		}
		return s.rest
	}
	if s.named == nil {
		s.named = map[string]*column{}
	}
	c := &column{name: name}
	s.named[name] = c
	s.keys = append(s.keys, c)
	return c
}

// asJSON is the type of what is kept as the text that it is.
func asJSON() schema.Type { return schema.Type{Kind: schema.String, JSON: true} }

// keptWhole is the remark on a column of it.
func keptWhole(name string) string {
	return "an object or an array: a value within can be a column of its own, with from: " + within(name)
}

// nested is the type of a column that holds objects or arrays.
func (c *column) nested() (schema.Type, string) {
	t := asJSON()
	if c.only(nested) {
		t = c.within.typ(0)
	}
	if t.Validate() != nil {
		t = asJSON()
	}
	if t.Kind.Nested() {
		return t, instead(t, c.name)
	}
	return t, keptWhole(c.name)
}

// instead says how a value within a nested column would be a column.
func instead(t schema.Type, name string) string {
	switch t.Kind {
	case schema.List:
		return "an array: instead, an element can be a column, with from: " + path(schema.Step{Key: name, Index: -1}, schema.Step{Index: 0})
	case schema.Map:
		return "an object whose keys vary: instead, what stands under one can be a column, with from: " + within(name)
	}
	for _, in := range t.Of {
		if !in.Type.Kind.Nested() {
			from := path(schema.Step{Key: name, Index: -1}, schema.Step{Key: in.Name, Index: -1})
			return "an object: instead, each value can be a column, such as {name: " + Quoted(name+"_"+in.Name) + ", type: " + flow(in.Type.String()) + ", from: " + Quoted(from) + "}"
		}
	}
	return "an object: instead, a value within can be a column, with from: " + within(name)
}

func path(steps ...schema.Step) string { return schema.From{Path: steps}.String() }

// typ is the type of what stands in depth others.
func (s *shape) typ(depth int) schema.Type {
	switch {
	case depth == schema.MaxNesting, s.objects+s.bare > 0 && s.arrays+s.empty > 0:
		return asJSON()
	case s.arrays > 0:
		if of := s.element.inner(depth + 1); !of.JSON {
			return schema.ListOf(of)
		}
		return asJSON()
	case s.objects == 0:
		return asJSON()
	}
	fields, possible := s.fields(depth)
	varies := s.varies()
	if !possible || varies {
		all := column{}
		for _, k := range s.keys {
			all.merge(k)
		}
		if s.rest != nil {
			all.merge(s.rest)
		}
		if of := all.inner(depth + 1); !of.JSON && (varies || of.Kind != schema.Struct) {
			return schema.MapOf(of)
		}
	}
	if !possible {
		return asJSON()
	}
	return fields
}

// inner is the type of values within others: of those of several kinds it is text of JSON.
func (c *column) inner(depth int) schema.Type {
	if c.seen[nested] > 0 {
		if c.only(nested) {
			return c.within.typ(depth)
		}
		return asJSON()
	}
	t, remark := c.scalar()
	if remark != "" && (c.values() == 0 || c.bare[truth]+c.bare[whole]+c.bare[exact]+c.bare[large]+c.bare[power] > 0) {
		return asJSON()
	}
	return t
}

// fields is the struct of all keys; possible: there can be one.
func (s *shape) fields(depth int) (t schema.Type, possible bool) {
	t.Kind = schema.Struct
	folded := map[string]bool{}
	for _, k := range s.keys {
		like := strings.ToLower(k.name)
		if k.name == "" || folded[like] || !utf8.ValidString(k.name) || strings.ContainsFunc(k.name, odd) || strings.ContainsFunc(k.name, unicode.IsControl) {
			return t, false // readers of Parquet find fields whatever their case
		}
		folded[like] = true
		t.Of = append(t.Of, schema.Inner{Name: k.name, Type: k.inner(depth + 1)})
	}
	return t, s.rest == nil && t.Leaves() <= schema.MaxLeaves
}

// varies reports whether keys are rather what is told than names of it: no object has half of
// them, and none is in nearly all; or they are numbers and days.
func (s *shape) varies() bool {
	numbers, common := 0, false
	for _, k := range s.keys {
		common = common || s.objects > 1 && k.values()+k.nulls >= s.objects-s.objects/10
		if k.name != "" && k.name[0] >= '0' && k.name[0] <= '9' {
			numbers++
		}
	}
	return numbers == len(s.keys) || !common && len(s.keys) > 2 && s.members*2 <= s.objects*int64(len(s.keys))
}

// merge sees what another one has seen.
func (c *column) merge(o *column) {
	for k := range c.seen {
		c.seen[k] += o.seen[k]
		c.bare[k] += o.bare[k]
	}
	c.integer, c.scale, c.nulls = max(c.integer, o.integer), max(c.scale, o.scale), c.nulls+o.nulls
	if o.within == nil {
		return
	}
	if c.within == nil {
		c.within = &shape{}
	}
	c.within.merge(o.within)
}

func (s *shape) merge(o *shape) {
	s.objects, s.arrays, s.bare, s.empty, s.members = s.objects+o.objects, s.arrays+o.arrays, s.bare+o.bare, s.empty+o.empty, s.members+o.members
	for _, k := range o.keys {
		s.key(k.name).merge(k)
	}
	for _, one := range []struct{ to, of **column }{{&s.rest, &o.rest}, {&s.element, &o.element}} {
		if *one.of == nil {
			continue
		}
		if *one.to == nil {
			*one.to = &column{}
		}
		(*one.to).merge(*one.of)
	}
}
