package config

import "slices"

// readWriter reads a section on top of what w holds, and gives the value of sort_by,
// whose columns only a table knows.
func readWriter(v value, w *Writer) (sortBy value) {
	s, ok := v.section(writerSection)
	if !ok {
		return value{}
	}
	s.with("codec", func(v value) { v.choice(&w.Codec, "zstd", "snappy", "gzip", "lz4", "none") })
	s.with("level", func(v value) { v.choice(&w.Level, "fastest", "default", "better", "best") })
	s.with("target_file", func(v value) { v.size(&w.TargetFile, 1<<20, 16<<30) })
	s.with("sort_by", func(v value) {
		if v.texts(&w.SortBy, "[transaction_date]") {
			sortBy = v
		}
	})
	if level, has := s.values["level"]; has && (w.Codec == "snappy" || w.Codec == "none") {
		level.fault("means nothing with codec: %s: leave it out", w.Codec)
	}
	return sortBy
}

// sortable reports columns to sort by that the table does not have.
func sortable(v value, sortBy []string, t *tableReader) {
	for _, name := range sortBy {
		if !slices.Contains(t.columnNames(), name) {
			v.fault("names %s, which is no column of table %s: %s", quoted(name), t.schema.Name, t.someColumn(name))
		} else if c := t.schema.Columns[t.schema.Column(name)]; c.Type.Kind.Nested() {
			v.fault("names %s, which is %s: rows are sorted by columns without lists, maps and structs", quoted(name), c.Type)
		}
	}
}
