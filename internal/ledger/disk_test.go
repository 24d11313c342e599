//go:build linux

package ledger_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"tidemark/internal/store"
)

// TestFullDiskAtEveryStep fills a small disk so far that a process runs into its
// end while it stages, decides, publishes or writes a checkpoint, at another place
// for each number of bytes left; frees the space, and wants the same process, or a
// fresh one, to go on to the end.
func TestFullDiskAtEveryStep(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,nr_inodes=200"); err != nil {
		t.Fatalf("mount a small tmpfs (run the tests as root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	rows := []int64{6}
	hit := 0
	for left := 1; ; left++ { // pages of 4 KiB that remain: each file takes one
		lake := dir + "/lake"
		free := leave(t, dir, left)
		s, err := store.Open(t.Context(), "file://"+lake)
		if err != nil {
			t.Fatal(err)
		}
		p := newProcess(s, byte(left))
		err = p.drain(t.Context(), rows)
		free()
		if err == nil {
			t.Logf("%d places at which the disk was full", hit)
			break
		}
		hit++
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d left: got %v, want %v", left, err, syscall.ENOSPC)
		}
		checkPart(t, s)
		if left%2 == 0 {
			p = newProcess(s, byte(left)+100)
		}
		mustDrain(t, p, rows...)
		checkPart(t, s)
		checkWhole(t, s, rows)
		if err := os.RemoveAll(lake); err != nil {
			t.Fatal(err)
		}
	}
	if hit < 5 {
		t.Errorf("the disk was full at %d places, want several", hit)
	}
}

// leave fills the disk up to so many pages, and returns a call that frees it.
func leave(t *testing.T, dir string, pages int) (free func()) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	ballast := make([]byte, (int64(fs.Bavail)-int64(pages))*fs.Bsize)
	if err := os.WriteFile(dir+"/ballast", ballast, 0o644); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(dir + "/ballast"); err != nil {
			t.Fatal(err)
		}
	}
}
