package avroschema_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"tidemark/internal/avroschema"
)

// FuzzSchema: whatever the text, there is a schema or an *Error, at a cost that the length
// bounds; its canonical form is a schema that lies in the same bytes and has the same
// fingerprint; and what it says that it takes is no more than was allocated for it.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"type":"record","name":"r","namespace":"n","fields":[{"name":"a","type":["null",{"type":"enum","name":"e","symbols":["A"]}]},{"name":"b","type":"e"}]}`), []byte(""))
	f.Add([]byte(`{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"map","values":{"type":"array","items":"x.y"}}}]}`), []byte(`{"type":"fixed","name":"x.y","size":16,"logicalType":"uuid"}`))
	f.Add([]byte(`{"type":"record","name":"r","fields":[{"name":"a","type":{"type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}}]}`), []byte(""))
	f.Add(append(append([]byte(`{"type":"record","name":"r","fields":[{"name":"a","type":`), bytes.Repeat([]byte(`{"type":"array","items":`), 70)...), `"r"`...), []byte(""))
	f.Add(bytes.Repeat([]byte("["), 20_000), []byte(""))
	f.Fuzz(func(t *testing.T, text, refers []byte) {
		var others [][]byte
		if len(refers) > 0 {
			others = append(others, refers)
		}
		before := allocated()
		s, err := avroschema.Parse(text, others...)
		took, length := allocated()-before, uint64(len(text)+len(refers))
		if most := 512*length + 1<<20; took > most {
			t.Fatalf("%d bytes are allocated for a text of %d, want %d at most", took, length, most)
		}
		if bad := (*avroschema.Error)(nil); err != nil && !errors.As(err, &bad) {
			t.Fatalf("not an *Error: %v", err)
		}
		if err != nil {
			return
		}
		if s.Bytes() <= 0 || uint64(s.Bytes()) > took {
			t.Fatalf("it says that it takes %d bytes, and %d were allocated", s.Bytes(), took)
		}
		if len(others) > 0 {
			return // its canonical form speaks of types that the others define
		}
		again, err := avroschema.Parse([]byte(s.Canonical()))
		if err != nil || again.Canonical() != s.Canonical() || again.Fingerprint != s.Fingerprint || again.Root.Least != s.Root.Least {
			t.Fatalf("%s: the canonical form is read as another schema: %v", s.Canonical(), err)
		}
	})
}

// allocated is how many bytes were allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
