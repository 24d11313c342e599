// White-box: that a file is sought twice takes two drops at two moments.
package backfill

import (
	"testing"

	"tidemark/internal/ledger"
)

// TestRequeueOnce: a file that is sought again while it waits to be read once more waits once.
// Read twice in a row, its second reading would begin where the first has not been decided.
func TestRequeueOnce(t *testing.T) {
	a, b := ledger.Key{File: "file:///a.json"}, ledger.Key{File: "file:///b.json"}
	r := runner{queue: []step{{key: a}}, sought: map[ledger.Key]step{a: {key: a}, b: {key: b}}}
	r.requeue()
	if len(r.queue) != 2 || r.queue[0].key != a || r.queue[1].key != b || len(r.sought) != 0 {
		t.Errorf("queued %+v, still sought %+v", r.queue, r.sought)
	}
}
