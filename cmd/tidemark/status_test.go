package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"

	"tidemark/internal/status"
)

// TestStatusWatch reads one document after another, until it is told to end.
func TestStatusWatch(t *testing.T) {
	config := configure(t, broker(t), "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, out := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"status", "-c", config, "--watch", "--json"}, out, io.Discard, os.LookupEnv)
		_ = out.Close() // of a pipe: it has no error
	}()
	documents := json.NewDecoder(in)
	var first, second status.Document
	for _, doc := range []*status.Document{&first, &second} {
		if err := documents.Decode(doc); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Error(err)
	}
	if code := <-done; code != exitDone {
		t.Errorf("code %d, want %d", code, exitDone)
	}
	if second.At <= first.At || len(second.Tables) != 1 {
		t.Errorf("got %v and then %+v", first.At, second)
	}
}
