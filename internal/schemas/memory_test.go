package schemas_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/registry"
)

// TestCountsMemory: what is kept is counted, with what the client keeps; what takes the
// place of something, or is given up, is counted no longer.
func TestCountsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient()
		const theirs = 1 << 40
		r := started(t, c)
		if got := r.Bytes(); got != theirs {
			t.Fatalf("with nothing kept there are %d bytes, want %d", got, theirs)
		}
		ask := func(id uint64) int64 {
			await(t, r, &batch.Record{Value: value(id, "\x02")})
			return r.Bytes() - theirs
		}
		absent := ask(500)
		if absent <= 0 {
			t.Errorf("an id without a schema takes %d bytes", absent)
		}
		c.mu.Lock()
		c.texts[one(500)] = registry.Schema{ID: one(500), Type: registry.Avro, Text: record}
		c.mu.Unlock()
		<-time.After(2 * time.Minute)
		small := ask(500)
		if small <= absent {
			t.Errorf("a schema takes %d bytes, and its absence %d", small, absent)
		}
		if got := ask(7) - small; got != small {
			t.Errorf("the same schema under another id takes %d bytes, want %d", got, small)
		}
		c.mu.Lock()
		for id := range uint64(20_000) {
			c.texts[one(1000+id)] = registry.Schema{ID: one(1000 + id), Type: registry.Avro, Text: record}
		}
		c.mu.Unlock()
		for id := range uint64(20_000) {
			ask(1000 + id)
		}
		if got := r.Bytes() - theirs; got != small*(16<<10) {
			t.Errorf("20,000 schemas take %d bytes, want those of the %d that are kept: %d", got, 16<<10, small*(16<<10))
		}
	})
}

// TestSizeOfASchema compares what a schema says that it takes with what it takes.
func TestSizeOfASchema(t *testing.T) {
	for name, text := range map[string]string{
		"many fields": `{"type":"record","name":"r","fields":[` + strings.Repeat(`{"name":"a_name_of_a_field_NNN","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},`, 200) + `{"name":"last","type":"int"}]}`,
		"many types":  `{"type":"record","name":"r","fields":[{"name":"u","type":[` + strings.Repeat(`"int",`, 500) + `"null"]}]}`,
		"an enum":     `{"type":"record","name":"r","fields":[{"name":"e","type":{"type":"enum","name":"e","symbols":[` + strings.Repeat(`"SNNN",`, 500) + `"LAST"]}}]}`,
		"one field":   record,
	} {
		for i := range 500 { // names differ
			text = strings.Replace(text, "NNN", string(rune('a'+i%26))+string(rune('a'+i/26)), 1)
		}
		var kept []*avroschema.Schema
		var counted int64
		before := heap()
		for range 200 {
			s, err := avroschema.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			kept, counted = append(kept, s), counted+s.Bytes()
		}
		took := heap() - before
		runtime.KeepAlive(kept)
		if counted < took/2 || counted > took*2 {
			t.Errorf("%s: it says %d bytes, and takes %d", name, counted/200, took/200)
		}
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
