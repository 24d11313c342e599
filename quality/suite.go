package quality

import (
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Suite is the compiled checks of a table. It may be shared.
type Suite struct{ table *schema.Table }

// Compile makes a suite of the checks. The error joins every fault found, each
// naming the check and what to write instead.
func Compile(t *schema.Table, checks []Check) (*Suite, error) { return &Suite{table: t}, nil }

// Names lists the names of the checks, in the order of Report.Results.
func (s *Suite) Names() []string { return nil }

// Run checks the rows of b that are written or late, quarantines those that a
// check of severity fail refuses, and reports.
func (s *Suite) Run(b *batch.Batch) Report { return Report{} }

// Bytes is the memory that the suite holds between runs.
func (s *Suite) Bytes() int64 { return 0 }
