//go:build !amd64

package conform

import "tidemark/internal/batch"

const hasStrides = false

func strideMembers(*Decoder, int, int, int) (next, place, before int) { panic("not here") }

func strideRecords(*Decoder, *batch.Span, int, int) (at, next, place, before int) { panic("not here") }

func strideFields(*Decoder, int, int, int) (next, place int) { panic("not here") }

func strideLines(*Decoder, *batch.Span, int, int) (at, next, place int) { panic("not here") }
