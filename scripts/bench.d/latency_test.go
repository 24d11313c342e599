package main

import (
	"strings"
	"testing"

	"tidemark/internal/scripttest"
)

// Each row that is sent to a real broker is seen in the lake, once, and the table says when.
func TestBrokerLatency(t *testing.T) {
	out := scripttest.Run(t, "bench-latency", "--rate", "500", "--for", "2s")
	if want := "\n| 500 | 1s | 1,0"; !strings.Contains(out, want) {
		t.Errorf("got\n%s\nwant %q", out, want)
	}
}
