package jsonschema

import (
	"slices"
	"strconv"
	"strings"
)

// reader makes types of nodes.
type reader struct {
	documents map[string]*node
	open      map[*node]bool // that are being read
	types     int
	bytes     int64
}

// typeBytes is what a type takes, about.
const typeBytes = 160

// read makes a type of a schema that stands in a document.
func (r *reader) read(n, in *node) (*Type, *Error) {
	if r.types++; r.types > maxTypes {
		return nil, &Error{true, "comes to more than 20,000 types"}
	}
	r.bytes += typeBytes
	t := &Type{}
	if n.kind != '{' || r.open[n] { // true and false are schemas as well
		return t, nil
	}
	if len(r.open) == maxLevel {
		return nil, &Error{true, "has types that stand more than 64 deep in each other"}
	}
	r.open[n] = true
	defer delete(r.open, n)
	if ref := n.get("$ref"); ref != nil {
		to, where, err := r.follow(ref, in)
		if err != nil {
			return nil, err
		}
		if t, err = r.read(to, where); err != nil {
			return nil, err
		}
	}
	for _, part := range []func(*Type, *node, *node) *Error{r.kinds, r.object, r.array, r.all, r.some, r.required} {
		if err := part(t, n, in); err != nil {
			return nil, err
		}
	}
	if m := n.get("nullable"); m != nil && m.kind == 't' {
		t.Nullable = true
	}
	if f := n.text("format"); f != "" && (t.Kind == String || t.Kind == Any) {
		t.Kind, t.Format = String, f
	}
	r.connect(t, n)
	return t, nil
}

// follow finds what a reference leads to, and the document that it stands in.
func (r *reader) follow(ref, in *node) (to, where *node, err *Error) {
	if ref.kind != '"' {
		return nil, nil, &Error{Why: "has a $ref that is no text"}
	}
	name, pointer, _ := strings.Cut(ref.word, "#")
	if where = in; name != "" {
		if where = r.documents[name]; where == nil {
			return nil, nil, &Error{Why: "refers to " + short(name) + ", which is none of its references"}
		}
	}
	to = where
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return nil, nil, &Error{Why: "refers to " + short(ref.word) + ": only places such as #/definitions/NAME are followed"}
	}
	if pointer != "" {
		for _, step := range strings.Split(pointer[1:], "/") {
			step = strings.NewReplacer("~1", "/", "~0", "~", "%25", "%", "%20", " ").Replace(step)
			if i, bad := strconv.Atoi(step); bad == nil && to.kind == '[' && i >= 0 && i < len(to.items) {
				to = to.items[i]
			} else if to = to.get(step); to == nil {
				return nil, nil, &Error{Why: "refers to " + short(ref.word) + ", which is not there"}
			}
		}
	}
	return to, where, nil
}

// kinds reads which kinds of values there may be.
func (r *reader) kinds(t *Type, n, _ *node) *Error {
	var kinds []Kind
	named := map[string]Kind{"null": Null, "boolean": Boolean, "integer": Integer, "number": Number, "string": String, "object": Object, "array": Array}
	add := func(m *node) *Error {
		k, ok := named[m.word]
		if m.kind != '"' || !ok {
			return &Error{Why: "has the type " + short(m.word) + ", which JSON does not have"}
		}
		kinds = append(kinds, k)
		return nil
	}
	switch m := n.get("type"); {
	case m == nil:
		for _, v := range listed(n) {
			kinds = append(kinds, v.is())
		}
	case m.kind == '[':
		for _, one := range m.items {
			if err := add(one); err != nil {
				return err
			}
		}
	default:
		if err := add(m); err != nil {
			return err
		}
	}
	if len(kinds) > 0 {
		t.Kind, t.Nullable = oneOf(kinds)
	}
	return nil
}

// listed are the values that a schema lists.
func listed(n *node) []*node {
	if m := n.get("const"); m != nil {
		return []*node{m}
	}
	if m := n.get("enum"); m != nil && m.kind == '[' {
		return m.items
	}
	return nil
}

// is the kind of a value.
func (n *node) is() Kind {
	switch n.kind {
	case 'n':
		return Null
	case 't', 'f':
		return Boolean
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	}
	if strings.ContainsAny(n.word, ".eE") {
		return Number
	}
	return Integer
}

// oneOf is the kind that takes all of several, and whether null is among them.
func oneOf(kinds []Kind) (k Kind, nullable bool) {
	k = Null
	for _, one := range kinds {
		switch {
		case one == Null:
			nullable = true
		case k == Null || k == one:
			k = one
		case k+one == Integer+Number && k != one && min(k, one) == Integer:
			k = Number
		default:
			k = Any
			return k, nullable || slices.Contains(kinds, Null)
		}
	}
	return k, nullable
}

// object reads the fields of an object.
func (r *reader) object(t *Type, n, in *node) *Error {
	properties, rest := n.get("properties"), n.get("additionalProperties")
	if t.Kind == Any && (properties != nil || rest != nil && rest.kind == '{') && n.get("type") == nil {
		t.Kind = Object
	}
	if t.Kind != Object {
		return nil
	}
	if properties != nil {
		for i, name := range properties.keys {
			of, err := r.read(properties.items[i], in)
			if err != nil {
				return err
			}
			r.bytes += int64(len(name))
			t.put(Field{Name: name, Of: of})
		}
		r.inOrder(t, properties)
	}
	switch {
	case rest == nil:
	case rest.kind == 'f':
		t.Closed = true
	case rest.kind == '{':
		var err *Error
		if t.Values, err = r.read(rest, in); err != nil {
			return err
		}
	}
	return nil
}

// required reads which fields are never absent.
func (r *reader) required(t *Type, n, _ *node) *Error {
	m := n.get("required")
	if m == nil || len(t.Fields) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, one := range m.items {
		names[one.word] = true
	}
	for i := range t.Fields {
		t.Fields[i].Required = t.Fields[i].Required || names[t.Fields[i].Name]
	}
	return nil
}

// inOrder sorts fields as the converter of Kafka Connect numbers them, if it does all.
func (r *reader) inOrder(t *Type, properties *node) {
	at := map[string]int{}
	for i, name := range properties.keys {
		m := properties.items[i].get("connect.index")
		if m == nil {
			return
		}
		at[name], _ = strconv.Atoi(m.word)
	}
	slices.SortStableFunc(t.Fields, func(a, b Field) int { return at[a.Name] - at[b.Name] })
}

// put adds a field, or takes the place of one of its name.
func (t *Type) put(f Field) {
	if old := t.Named(f.Name); old != nil {
		f.Required = f.Required || old.Required
		*old = f
		return
	}
	t.Fields = append(t.Fields, f)
}

// array reads what an array holds.
func (r *reader) array(t *Type, n, in *node) *Error {
	items := n.get("items")
	if t.Kind == Any && items != nil && n.get("type") == nil {
		t.Kind = Array
	}
	if t.Kind != Array || items == nil || items.kind != '{' {
		return nil
	}
	var err *Error
	t.Items, err = r.read(items, in)
	return err
}

// all reads schemas that all hold.
func (r *reader) all(t *Type, n, in *node) *Error {
	m := n.get("allOf")
	if m == nil {
		return nil
	}
	for _, one := range m.items {
		of, err := r.read(one, in)
		if err != nil {
			return err
		}
		if t.Kind == Any {
			of.Fields = append(t.Fields, of.Fields...)
			*t = *of
			continue
		}
		for _, f := range of.Fields {
			t.put(f)
		}
		t.Closed = t.Closed || of.Closed
	}
	return nil
}

// some reads schemas of which one holds: what is common to them is told.
func (r *reader) some(t *Type, n, in *node) *Error {
	for _, key := range []string{"anyOf", "oneOf"} {
		m := n.get(key)
		if m == nil || t.Kind != Any {
			continue
		}
		var kinds []Kind
		var only *Type
		others, nullable := 0, false
		for _, one := range m.items {
			of, err := r.read(one, in)
			if err != nil {
				return err
			}
			kinds, nullable = append(kinds, of.Kind), nullable || of.Nullable
			if of.Kind != Null {
				only = of
				others++
			}
		}
		switch k, null := oneOf(kinds); {
		case others == 1:
			*t = *only
			t.Nullable = nullable || null
		case len(kinds) > 0:
			t.Kind, t.Nullable = k, nullable || null
		}
	}
	return nil
}

// connect reads what the converter of Kafka Connect writes beside.
func (r *reader) connect(t *Type, n *node) {
	if kind := n.text("connect.type"); kind != "" {
		t.Connect = kind
	}
	name := n.text("title")
	if isLogical(name) {
		t.Name = name
		if m := n.get("connect.parameters"); m != nil {
			t.Scale = m.text("scale")
		}
	}
}
