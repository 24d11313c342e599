package schema_test

import (
	"testing"

	"tidemark/internal/schema"
)

// json is text with a meaning: read, written, with null where nothing comes, and a default
// that is JSON.
func TestTypeJSON(t *testing.T) {
	typ, err := schema.ParseType("json")
	if err != nil || typ.Kind != schema.String || !typ.JSON || typ.String() != "json" || typ.Validate() != nil {
		t.Errorf("got %+v (%s), %v", typ, typ, err)
	}
	if d := schema.DefaultFor(typ); !d.Null {
		t.Errorf("got default %+v, want null", d)
	}
	if v, err := schema.ParseValue(typ, `{"a":[]}`); err != nil || string(v.Bytes) != `{"a":[]}` {
		t.Errorf("got %q, %v", v.Bytes, err)
	}
	if v, err := schema.ParseValue(typ, "UNKNOWN"); err == nil {
		t.Errorf("got %q, want an error", v.Bytes)
	}
	if err := (schema.Type{Kind: schema.Long, JSON: true}).Validate(); err == nil {
		t.Error("a long of JSON is valid")
	}
	for _, name := range []string{"JSON", "json(1)", "jsonb"} {
		if typ, err := schema.ParseType(name); err == nil {
			t.Errorf("%s is %s", name, typ)
		}
	}
}
