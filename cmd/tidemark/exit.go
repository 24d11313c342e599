package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
)

// The exit codes, as docs/operations.md explains them.
const (
	exitDone       = 0
	exitFailed     = 1   // may be retried
	exitUsage      = 2   // the command line or the configuration
	exitHalted     = 3   // by quality: nothing of the batch is decided
	exitUnsafe     = 4   // stopped to avoid losing or doubling data
	exitDifference = 5   // verify found one
	exitKilled     = 130 // a second signal
)

// usageError is a fault of the command line that kong cannot see.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// errDifference says that verify found differences; they are printed already.
var errDifference = errors.New("the lake differs from its ledger")

// errInterrupted ends what a signal ended before it was done.
var errInterrupted = errors.New("interrupted")

// exitCode maps what a command returned. Where several things went wrong, the one
// that a person must look at before anything else counts.
func exitCode(err error) int {
	var (
		parse *kong.ParseError
		usage usageError
		conf  *config.Error
		halt  *pipeline.HaltError
		types *pipeline.ColumnsError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, ledger.ErrUnsafe), errors.Is(err, store.ErrWeak):
		return exitUnsafe
	case errors.As(err, &halt):
		return exitHalted
	case errors.As(err, &parse), errors.As(err, &usage), errors.As(err, &conf), errors.As(err, &types), errors.Is(err, consumer.ErrRefused):
		return exitUsage
	case errors.Is(err, errDifference):
		return exitDifference
	}
	return exitFailed
}

// complain writes an error as one line for each fault.
func complain(w io.Writer, err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintf(w, "tidemark: %s\n", line)
		}
	}
}
