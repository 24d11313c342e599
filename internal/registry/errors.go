package registry

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/registry/wire"
)

// NotFoundError says that the registry has no such thing.
type NotFoundError struct {
	What string // "schema 42", "subject tx-value"
}

// Error implements error.
func (e *NotFoundError) Error() string {
	return "the registry has no " + e.What + ": was it deleted, or is it another registry's?"
}

// UnusableError says that a schema is there and that nobody can decode with it. Asking
// again helps only once somebody has changed the registry.
type UnusableError struct {
	What  string // "schema 42"
	Why   string
	Limit bool // it is larger, or refers to more, than K4 allows
}

// Error implements error.
func (e *UnusableError) Error() string { return e.What + " cannot be used: " + e.Why }

// UnavailableError says that there is no answer, which says nothing about the schema.
type UnavailableError struct {
	What   string // what was asked for
	Host   string // of the registry
	Status int    // of HTTP, 0: no answer came
	Why    string // with the way out, where there is one
	// Retry says that asking again may help without anybody doing anything. Where it is
	// false, somebody must mend the configuration or the registry; until then nothing is to
	// be set aside either.
	Retry bool
	Err   error // nil, or why the wait ended: the cause of the caller's context

	after time.Duration // that the registry asks us to wait
}

// Error implements error.
func (e *UnavailableError) Error() string {
	s := fmt.Sprintf("ask the registry at %s for %s: %s", e.Host, e.What, e.Why)
	if e.Err != nil {
		s += fmt.Sprintf(" (%v)", e.Err)
	}
	return s
}

// Unwrap returns why the wait ended, if it was the caller's context.
func (e *UnavailableError) Unwrap() error { return e.Err }

// final reports whether an error is an answer, to be believed for a while.
func final(err error) bool {
	missing, unusable := (*NotFoundError)(nil), (*UnusableError)(nil)
	return errors.As(err, &missing) || errors.As(err, &unusable)
}

// whatOf is how messages call a schema.
func whatOf(id wire.ID) string { return "schema " + id.String() }
