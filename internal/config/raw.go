package config

import (
	"fmt"

	"tidemark/internal/schema"
	"tidemark/quality"
)

// readRaw reports what a table without columns of its own cannot have.
func (t *tableReader) readRaw() {
	if !t.Raw {
		return
	}
	const way = "needs columns, and this table takes those of its files: write columns: too (tidemark schema infer prints them)"
	for _, key := range []string{"topics", "debezium", "event_time", "checks", "dedupe"} {
		t.section.with(key, func(v value) { v.fault(way) })
	}
	if len(t.Writer.SortBy) > 0 {
		t.section.r.fault(t.section.at, "writer.sort_by %s", way)
	}
}

// Adopt gives a raw table its columns. The error says which of them no table can have.
func (t *Table) Adopt(columns []schema.Column) error {
	t.Schema.Columns = columns
	err := t.Schema.Validate()
	if err == nil {
		t.Suite, err = quality.Compile(t.Schema, nil)
	}
	if err != nil {
		return fmt.Errorf("table %s takes the columns of its files: %w: write columns: in it", t.Schema.Name, err)
	}
	return nil
}
