package main

import (
	"iter"
	"sync/atomic"

	"tidemark/internal/batch"
	"tidemark/internal/pipeline"
)

// meter counts what passes from the consumer to the pipeline, for progress.
type meter struct {
	*pipeline.Pipeline
	rows, bytes atomic.Int64
}

// Accept implements consumer.Handler.
func (m *meter) Accept(src batch.Source, next, end int64, records iter.Seq[batch.Record]) {
	if records == nil {
		m.Pipeline.Accept(src, next, end, nil)
		return
	}
	rows, bytes := int64(0), int64(0)
	m.Pipeline.Accept(src, next, end, func(yield func(batch.Record) bool) {
		for r := range records {
			rows++
			bytes += int64(len(r.Key) + len(r.Value))
			if !yield(r) {
				return
			}
		}
	})
	m.rows.Add(rows)
	m.bytes.Add(bytes)
}
