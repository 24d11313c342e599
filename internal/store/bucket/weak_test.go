package bucket_test

import (
	"errors"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/store"
)

// TestWeakStoreIsRefused: a server that lets several racers win the creation of one
// key is found by a probe of the size that the program makes.
func TestWeakStoreIsRefused(t *testing.T) {
	s := cloudtest.S3Mock(t)
	err := store.Probe(t.Context(), open(t, s.Lake("p")), 20, 16)
	if !errors.Is(err, store.ErrWeak) {
		t.Errorf("got %v, want %v", err, store.ErrWeak)
	}
}
