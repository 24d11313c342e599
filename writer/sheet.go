package writer

import (
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// field is a column of an output.
type field struct {
	name     string
	typ      schema.Type
	required bool
}

// fieldsOf are the columns of an output, in their order.
func fieldsOf(t *schema.Table, output ledger.Output) []field {
	of := func(name string, k schema.Kind) field { return field{name: name, typ: schema.Type{Kind: k}} }
	must := func(name string, k schema.Kind) field { return field{name, schema.Type{Kind: k}, true} }
	var fields []field
	if output == ledger.Quarantine {
		fields = append(fields, must("_reason", schema.String), must("_detail", schema.String), must("_stage", schema.String),
			of("_value", schema.Binary), of("_key", schema.Binary), of("_headers", schema.Binary),
			of("_schema_id", schema.Int), of("_timestamp", schema.Timestamp))
	} else {
		for _, c := range t.Columns {
			fields = append(fields, field{c.Name, c.Type, c.Required})
		}
	}
	for _, c := range Added() {
		fields = append(fields, field{c.Name, c.Type, c.Required})
	}
	if output == ledger.LateRows {
		fields = append(fields, of("_watermark", schema.Timestamp))
	}
	return fields
}

// Added are the columns that every output has behind its own: who wrote the row, and where
// it comes from.
func Added() []schema.Column {
	column := func(name string, k schema.Kind, required bool) schema.Column {
		return schema.Column{Name: name, Type: schema.Type{Kind: k}, Required: required}
	}
	return []schema.Column{
		column("etl_batch_id", schema.String, true), column("etl_processed_at", schema.Timestamp, true), column("source_system", schema.String, true),
		column("_topic", schema.String, false), column("_partition", schema.Int, false), column("_offset", schema.Long, false),
		column("_file", schema.String, false), column("_line", schema.Long, false),
	}
}

// sheet is one output of a table: its columns and the encoder of its files.
type sheet struct {
	output   ledger.Output
	fields   []field
	leaves   []leaf
	at       []int // for each field: its leaf, the first of several of a nested one
	settings *settings
	scratch  *scratch

	cells    []cells // of the batch, for each field
	event    *cells  // the event time, nil where there is none
	date     bool    // it is a date
	rejected rejected

	// indexed says which leaves have a dictionary. It is part of a file's schema
	// for parquet-go, so that a change of it needs another encoder.
	indexed []bool
	//lint:ignore SA1019 a GenericWriter asks for the levels of columns before it describes them, see optional
	encoder *parquet.Writer
	columns []*parquet.ColumnWriter
}

func newSheet(t *schema.Table, output ledger.Output, o *settings, scratch *scratch) *sheet {
	s := &sheet{output: output, fields: fieldsOf(t, output), settings: o, scratch: scratch}
	for _, f := range s.fields {
		s.at = append(s.at, len(s.leaves))
		s.leaves = append(s.leaves, leavesOf(f)...)
	}
	s.indexed = make([]bool, len(s.leaves))
	for i := range s.leaves {
		l := &s.leaves[i]
		l.paged = pageType{Type: l.typ, leaf: l}
	}
	return s
}

// physical is the Parquet type of a column.
func physical(t schema.Type) parquet.Type {
	switch t.Kind {
	case schema.Int:
		return parquet.Int32Type
	case schema.Long:
		return parquet.Int64Type
	case schema.Float:
		return parquet.FloatType
	case schema.Double:
		return parquet.DoubleType
	case schema.Decimal:
		return parquet.Decimal(t.Scale, t.Precision, parquet.Int64Type).Type()
	case schema.String:
		return parquet.String().Type()
	case schema.Boolean:
		return parquet.BooleanType
	case schema.Date:
		return parquet.Date().Type()
	case schema.Timestamp:
		return parquet.Timestamp(parquet.Microsecond).Type()
	}
	return parquet.ByteArrayType
}

// encodingOf is how values of a column are encoded, unless they have a dictionary.
func encodingOf(k schema.Kind) encoding.Encoding {
	switch k {
	case schema.String, schema.Binary:
		return &parquet.DeltaLengthByteArray
	case schema.Float, schema.Double, schema.Boolean:
		return &parquet.Plain
	}
	return &parquet.DeltaBinaryPacked
}

// root is the schema's root. A parquet.Group sorts its columns by name; readers
// shall see the table's order.
type root struct {
	parquet.Group
	fields []parquet.Field
	laid   *bool // the columns have been described, see optional
}

// Optional implements parquet.Node. NewWriter asks the root only when it begins to
// make the writers of the columns.
func (r *root) Optional() bool {
	*r.laid = true
	return false
}

// Fields implements parquet.Node.
func (r *root) Fields() []parquet.Field { return r.fields }

// schema is the schema of a file in which the columns marked in indexed have a
// dictionary.
func (s *sheet) schema() *parquet.Schema {
	group, laid, at := parquet.Group{}, new(bool), map[string]int{}
	for i, f := range s.fields {
		at[f.name] = i
		next := s.at[i]
		group[f.name] = s.nodeOf(f.typ, f.required, laid, &next)
	}
	fields := group.Fields()
	slices.SortFunc(fields, func(x, y parquet.Field) int { return at[x.Name()] - at[y.Name()] })
	return parquet.NewSchema("row", &root{Group: group, fields: fields, laid: laid})
}

// begin makes the encoder write a new file to out.
func (s *sheet) begin(out io.Writer) {
	if s.encoder != nil {
		// Reset empties, in what is left of the last file's metadata, slices that the
		// encoder still uses: path_in_schema (parquet-go issue 602), which pyarrow and
		// Spark cannot do without, and the sorting columns. So it is left nothing.
		clear(s.encoder.File().Metadata().RowGroups)
		s.encoder.Reset(out)
		return
	}
	s.encoder = parquet.NewWriter(out, s.schema(),
		parquet.Compression(s.settings.codec),
		parquet.CreatedBy("tidemark", "", ""),
		parquet.DataPageVersion(1),
		parquet.DataPageStatistics(false),
		parquet.PageBufferSize(1<<30),                                 // we cut pages
		parquet.WriteBufferSize(0),                                    // we buffer what it writes
		parquet.ColumnIndexSizeLimit(func([]string) int { return 0 }), // we cut bounds
		parquet.SortingWriterConfig(parquet.SortingColumns(s.sorting()...)),
	)
	s.columns = s.encoder.ColumnWriters()
}

// release lets go of the batch that was loaded.
func (s *sheet) release() {
	clear(s.cells)
	s.event = nil
	s.rejected.b, s.rejected.cells = nil, [8]cells{}
	for i := range s.leaves {
		s.leaves[i].values, s.leaves[i].page = encoding.Values{}, page{}
		s.leaves[i].lower, s.leaves[i].upper = parquet.Value{}, parquet.Value{}
	}
}

// bytes is the memory held, without the encoder, which keeps little.
func (s *sheet) bytes() int64 {
	n := s.rejected.bytes()
	for i := range s.leaves {
		l := &s.leaves[i]
		n += int64(cap(l.data)+cap(l.paged.prefix)+cap(l.paged.encoded)) + 4*int64(cap(l.ends))
	}
	return n
}

func (s *sheet) sorting() []parquet.SortingColumn {
	if s.output == ledger.Quarantine {
		return nil
	}
	return s.settings.sorting
}

// constants are values that all rows of a build share.
type constants struct {
	batch, system batch.Dict
	processedAt   []int64
	watermark     cells
}

func newConstants(in Build, system string) *constants {
	c := &constants{processedAt: []int64{int64(in.ProcessedAt)}, watermark: cells{none: true}}
	c.batch.Add([]byte(in.Batch))
	c.system.Add([]byte(system))
	if in.Watermark != nil {
		c.watermark = cells{ints: []int64{int64(*in.Watermark)}, same: true}
	}
	return c
}

// load gives the sheet the columns of a batch.
func (s *sheet) load(b *batch.Batch, w *Writer, c *constants) error {
	var rows []cells
	if s.output == ledger.Quarantine {
		if err := s.rejected.load(b, &w.plan); err != nil {
			return err
		}
		rows = append(rows, s.rejected.cells[:]...)
	} else {
		rows = append(rows, w.columns.table...)
		s.event, s.date = w.columns.event, w.columns.date
	}
	zero := []int32{0}
	rows = append(rows,
		cells{codes: zero, dict: &c.batch, same: true}, cells{ints: c.processedAt, same: true}, cells{codes: zero, dict: &c.system, same: true})
	rows = append(rows, w.columns.origin.kafkaCells(w.columns.offsets)...)
	rows = append(rows, w.columns.origin.diskCells(w.columns.offsets)...)
	if s.output == ledger.LateRows {
		rows = append(rows, c.watermark)
	}
	s.cells = rows
	return nil
}
