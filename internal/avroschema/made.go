package avroschema

import "strconv"

// Made is the schema of records that another format's types were put in terms of. Of says
// what they are of, such as "parquet"; its name is made of that and of its types. A null in a
// field that may be null tells nothing: writers of such formats mark every field so.
func Made(of string, root *Type) *Schema {
	s := &Schema{Root: root, of: of}
	for i := range root.Fields {
		f := &root.Fields[i]
		f.Of.setLeast()
		root.Least = min(root.Least+f.Of.Least, maxLeast)
		s.canonical = strconv.AppendQuote(s.canonical, f.Name)
		s.canonical = append(append(s.canonical, ' '), f.Of.Describe()...)
		s.canonical = append(s.canonical, '\n')
	}
	s.Fingerprint = fingerprint(s.canonical)
	s.bytes = 128 + int64(cap(s.canonical)) + size(root, map[*Type]bool{})
	return s
}

// setLeast sets what a value has at least, of types without others within but unions.
func (t *Type) setLeast() {
	switch t.Kind {
	case Union:
		t.Least = maxLeast
		for _, b := range t.Of {
			b.setLeast()
			t.Least = min(t.Least, 1+b.Least)
		}
	case Null:
	case Float:
		t.Least = 4
	case Double:
		t.Least = 8
	default:
		if t.Least = 1; t.Kind == Fixed || t.Base == Fixed {
			t.Least = min(t.Size, maxLeast)
		}
	}
}

// Name is how records of the schema are told from others where it has no other name.
func (s *Schema) Name() string {
	of := s.of
	if of == "" {
		of = "avro"
	}
	text := strconv.FormatUint(s.Fingerprint, 16)
	return of + " " + "0000000000000000"[len(text):] + text
}

// IsMade reports that the schema comes from Made.
func (s *Schema) IsMade() bool { return s.of != "" }
