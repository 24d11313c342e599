package main

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/internal/generate"
)

// TestWhatIsSentIsCounted ends sending in its midst: what it counts is then exactly
// what the topic holds.
func TestWhatIsSentIsCounted(t *testing.T) {
	s, err := newSender(broker(t), "transactions", "lz4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, made, n := generate.New(generate.Config{Seed: 1}), &made{}, 0
	err = s.send(ctx, func() (generate.Event, bool) {
		if n++; n == 5000 {
			cancel()
		}
		return events.Next()
	}, 0, made)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	counted := made.rows.Load()
	ends, err := kadm.NewClient(s.client).ListEndOffsets(t.Context(), "transactions")
	if err != nil {
		t.Fatal(err)
	}
	held := int64(0)
	ends.Each(func(o kadm.ListedOffset) { held += o.Offset })
	if counted != held || counted != 5000 {
		t.Errorf("counted %d, the topic holds %d, want 5000", counted, held)
	}
}
