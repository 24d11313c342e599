// White-box: what the lake holds is seen in the budget alone.
package pipeline

import "testing"

// TestBudgetLeavesRoomForStaging: what each worker's open file holds in the lake is
// no room for batches, and the least share is kept.
func TestBudgetLeavesRoomForStaging(t *testing.T) {
	cfg := Config{Memory: 1 << 30, Workers: 2}
	disk := newBudget(cfg).total
	cfg.Staging = 25 << 20
	if got, want := newBudget(cfg).total, disk-50<<20; got != want {
		t.Errorf("with files of 25 MiB in the making: %d, want %d", got, want)
	}
	cfg.Workers = 64
	if got, want := newBudget(cfg).total, int64(1<<28); got != want {
		t.Errorf("with 64 workers: %d, want a quarter: %d", got, want)
	}
}
