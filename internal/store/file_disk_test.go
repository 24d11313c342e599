//go:build linux

package store_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"tidemark/internal/store"
)

// smallDisk mounts a file system of 1 MiB, which needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mount a small tmpfs (run the tests as root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until the disk is full, and returns a call that frees it again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	f, err := os.Create(dir + "/ballast")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(dir + "/ballast"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	s := open(t, dir)
	if err := s.Create(t.Context(), "ledger/1.json", []byte("first")); err != nil {
		t.Fatal(err)
	}
	free := fill(t, dir)

	err := s.Create(t.Context(), "ledger/2.json", bytes.Repeat([]byte("x"), 8192))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space for "+dir) {
		t.Errorf("create: got %v, want no space and the way out", err)
	}
	if _, err := s.Read(t.Context(), "ledger/2.json"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("read: got %v, want %v: a record is there whole or not at all", err, store.ErrNotExist)
	}

	f, err := s.Stage(t.Context(), "stage/x")
	if err == nil {
		_, err = f.Write(bytes.Repeat([]byte("x"), 64<<10))
		if e := f.Finish(t.Context()); err == nil || e == nil {
			t.Errorf("write %v, finish %v: want both to say that the disk is full", err, e)
		}
		if err := f.Abort(); err != nil {
			t.Error(err)
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("stage: got %v, want no space", err)
	}

	free()
	if err := s.Create(t.Context(), "ledger/2.json", bytes.Repeat([]byte("x"), 8192)); err != nil {
		t.Errorf("create after space was freed: %v", err)
	}
	entries, err := s.List(t.Context(), "")
	if err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v, want the two records: nothing else may take space", entries, err)
	}
	if left, err := os.ReadDir(dir + "/ledger"); err != nil || len(left) != 2 {
		t.Errorf("got %v, %v: no temporary file may be left", left, err)
	}
}

// A publication needs no space for rows: what is staged can always be published
// once the day's folder can be made.
func TestFullDiskWhilePublishing(t *testing.T) {
	dir := smallDisk(t)
	s := open(t, dir)
	f, err := s.Stage(t.Context(), "stage/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := fill(t, dir)
	if err := s.Publish(t.Context(), "stage/x", "t/dd=01/x.parquet", 64<<10); err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("publish: got %v, want no space, if anything", err)
		}
		if _, err := s.Stat(t.Context(), "stage/x"); err != nil {
			t.Errorf("the staged file after a failure: %v", err)
		}
		free()
		if err := s.Publish(t.Context(), "stage/x", "t/dd=01/x.parquet", 64<<10); err != nil {
			t.Errorf("publish after space was freed: %v", err)
		}
	}
	if e, err := s.Stat(t.Context(), "t/dd=01/x.parquet"); err != nil || e.Size != 64<<10 {
		t.Errorf("got %v, %v, want the file", e, err)
	}
}

func TestLakeThatCannotBeWritten(t *testing.T) {
	dir := smallDisk(t)
	s := open(t, dir)
	if err := s.Create(t.Context(), "ledger/1.json", nil); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*store.File{s, open(t, dir)} { // with folders known, and without
		_, stageErr := s.Stage(t.Context(), "stage/x")
		for op, err := range map[string]error{"create": s.Create(t.Context(), "ledger/2.json", nil), "stage": stageErr} {
			want := "read-only file system (make " + dir + " writable for this user)"
			if !errors.Is(err, syscall.EROFS) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: got %v, want …%s", op, err, want)
			}
		}
		if err := s.Sync(t.Context(), "ledger"); err != nil {
			t.Errorf("sync: %v: a reader must be able to look", err)
		}
	}
}

func TestFileInThePlaceOfAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/_tidemark", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := open(t, dir).Create(t.Context(), "_tidemark/t/ledger/1.json", nil)
	if want := "create _tidemark/t/ledger/1.json: not a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
