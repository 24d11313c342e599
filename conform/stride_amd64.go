package conform

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"tidemark/internal/batch"
)

// hasStrides reports whether the processor has what the four functions need.
var hasStrides = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// What the assembler takes a span to be, which is of another package.
var (
	_ [4]byte             = [unsafe.Offsetof(batch.Span{}.At)]byte{}
	_ [8]byte             = [unsafe.Offsetof(batch.Span{}.Value)]byte{}
	_ [12]byte            = [unsafe.Sizeof(batch.Span{})]byte{}
	_ [batch.Padding]byte = [64]byte{}
)

// strideMembers reads members of the record, from an item on that is expected at pos, and returns
// the first that it did not read, its place and the place of the one before.
//
//go:noescape
func strideMembers(d *Decoder, item, pos, last int) (next, place, before int)

// strideRecords reads rows up to one that it could not read to its end, with what strideMembers
// returns of that. The span is that of the row.
//
//go:noescape
func strideRecords(d *Decoder, span *batch.Span, row, rows int) (at, next, place, before int)

// strideFields is strideMembers for the fields of a line of d.csv that ends at to.
//
//go:noescape
func strideFields(d *Decoder, field, pos, to int) (next, place int)

// strideLines is strideRecords for lines of d.csv.
//
//go:noescape
func strideLines(d *Decoder, span *batch.Span, row, rows int) (at, next, place int)
