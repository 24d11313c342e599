package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
)

func TestExitCodes(t *testing.T) {
	other := errors.New("other")
	halt := &pipeline.HaltError{Table: "t"}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{other, 1},
		{context.Canceled, 1},
		{usageError{"x"}, 2},
		{&config.Error{File: "f"}, 2},
		{fmt.Errorf("topic: %w", consumer.ErrRefused), 2},
		{halt, 3},
		{errors.Join(halt, other), 3},
		{&pipeline.LossError{}, 4},
		{&ledger.HoleError{}, 4},
		{&store.WeakError{}, 4},
		{errors.Join(halt, &ledger.HoleError{}, &config.Error{}), 4},
		{fmt.Errorf("%w: 3 differences", errDifference), 5},
		{errStuck, 1},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestEachFaultIsALine(t *testing.T) {
	var out bytes.Buffer
	complain(&out, errors.Join(errors.New("one"), errors.Join(errors.New("two"), errors.New("three"))))
	if got, want := out.String(), "tidemark: one\ntidemark: two\ntidemark: three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
