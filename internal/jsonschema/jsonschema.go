// Package jsonschema reads what a JSON Schema says of the fields of records: their names, kinds,
// formats, and whether they may be absent or null.
//
// In goes the text of a schema, from a registry or a file, which nobody has looked at before. Out
// comes a Schema, or an *Error that says why its fields cannot be told. Drafts 4 to 2020-12 are
// read alike: properties, required, type, format, enum and const, items, additionalProperties,
// allOf, anyOf and oneOf, $ref into the same text or one that it refers to. Nothing is validated:
// what no keyword here tells, such as a pattern or a maximum, is not looked at.
//
// Limits are looked at first: the length of a text, how deep it nests, how many types come of it,
// since a definition may be referred to many times. A type that holds itself is an Any where it
// comes again.
//
// Parse is safe for several goroutines. A Schema never changes.
package jsonschema

// What a schema may have.
const (
	MaxText  = 1 << 20 // bytes of its text, and of each that it refers to
	maxDepth = 200     // objects and arrays of a text
	maxNodes = 100_000 // values of a text
	maxLevel = 64      // types within each other
	maxTypes = 20_000
)

// Kind is what a value looks like.
type Kind uint8

// The kinds of values.
const (
	Any Kind = iota // of several kinds, or the schema does not say
	Null
	Boolean
	Integer
	Number
	String
	Object
	Array
)

// Type is what a schema says of a value.
type Type struct {
	Kind     Kind
	Nullable bool
	Format   string // of a text: date, date-time, uuid and so on; empty: none is told

	// What the converter of Kafka Connect writes beside, empty: nothing.
	Connect string // the kind of its own, such as int64 or bytes
	Name    string // of a logical type, such as org.apache.kafka.connect.data.Date
	Scale   string // of its Decimal

	Fields []Field // of an object
	Closed bool    // an object has no others
	Items  *Type   // of an array, nil: any
	Values *Type   // of what else an object has, nil: any
}

// Field is a property.
type Field struct {
	Name     string
	Required bool // it is never absent
	Of       *Type
}

// Schema is a schema of records.
type Schema struct {
	Root *Type // an object; one that nothing is known of where Why says so
	// Why is not empty if its fields cannot be told: one sentence.
	Why   string
	bytes int64
}

// Unread is a schema of which nothing is known.
func Unread(why string) *Schema { return &Schema{Root: &Type{Kind: Object}, Why: why} }

// Bytes is what a schema takes in memory, about.
func (s *Schema) Bytes() int64 { return s.bytes + int64(len(s.Why)) }

// Named is the field of a name, nil: there is none.
func (t *Type) Named(name string) *Field {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return &t.Fields[i]
		}
	}
	return nil
}

// Error says why the fields of a schema cannot be told.
type Error struct {
	Limit bool   // it is beyond a limit
	Why   string // behind "it"
}

// Error implements error.
func (e *Error) Error() string { return "it " + e.Why }

// Reference is a text that a schema refers to.
type Reference struct {
	Name string // as $ref has it
	Text string
}

// Parse reads a schema, and what it refers to.
func Parse(text string, refers ...Reference) (*Schema, error) {
	r := reader{documents: map[string]*node{}, open: map[*node]bool{}}
	for _, one := range refers {
		n, err := parse(one.Text)
		if err != nil {
			return nil, &Error{err.Limit, "refers to " + short(one.Name) + ", which " + err.Why}
		}
		r.documents[one.Name] = n
		if id := n.text("$id", "id"); id != "" {
			r.documents[id] = n
		}
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	t, err := r.read(root, root)
	switch {
	case err != nil:
		return nil, err
	case t.Kind != Object:
		return nil, &Error{Why: "is of " + t.String() + ", and a row is an object with properties"}
	case len(t.Fields) == 0:
		return nil, &Error{Why: "names no properties"}
	}
	return &Schema{Root: t, bytes: r.bytes}, nil
}
