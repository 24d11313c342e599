package badday_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// testFullDisk fills the disk before a chosen call, in turn while a batch is staged,
// decided and published, of bytes or of names. The program says so and ends; with
// room again, a restart goes on.
func testFullDisk(t *testing.T, h *house) {
	tp := h.newTopic(t, "full-disk", 2)
	tp.produce(12)
	for _, tc := range []struct {
		name string
		when func(call) bool
		says []string // anywhere
	}{
		{"staging a manifest", on("open", "/staging/", "/.tidemark-tmp-"), []string{"create _tidemark/transactions/staging/"}},
		{"staging a file", on("open", "/staging/", "/main-"), []string{"stage _tidemark/transactions/staging/"}},
		{"staging rows", on("write", "/staging/", "/main-"), []string{"stage _tidemark/transactions/staging/"}},
		{"claiming", on("write", "/ledger/.tidemark-tmp-"), []string{"create _tidemark/transactions/ledger/00000000000000000001.json"}},
		{"deciding before the record is written", second("write", "/ledger/.tidemark-tmp-"), []string{"create _tidemark/transactions/ledger/00000000000000000002.json"}},
		{"deciding before it gets its name", second("link", "/ledger/"), []string{"create _tidemark/transactions/ledger/00000000000000000002.json"}},
		{"publishing before the folder", on("mkdir", "transactions/yyyy="), []string{"publish _tidemark/transactions/staging/", " as transactions"}},
		{"publishing before the name", on("link", "transactions/yyyy="), []string{"publish _tidemark/transactions/staging/", " as transactions"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			j := h.newJob(t, tp)
			j.lake = lake(filepath.Join(mount(t, "size=4m,nr_inodes=1000"), "lake"))
			must(t, os.Mkdir(string(j.lake), 0o755))
			must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
			var free func()
			code, stderr := j.traced(j.drain(), func(c call) bool {
				if free == nil && tc.when(c) {
					free = fill(t, filepath.Dir(string(j.lake)))
				}
				return true
			})
			if free == nil {
				t.Fatalf("the call was not made:\n%s", stderr)
			}
			if code != 1 {
				t.Errorf("exit code %d, want 1:\n%s", code, stderr)
			}
			for _, words := range tc.says {
				if !strings.Contains(stderr, words) {
					t.Errorf("nothing is said of %q:\n%s", words, stderr)
				}
			}
			says(t, stderr, "no space left on device", "free some space for "+string(j.lake)+" and start again")
			// A full disk stays full, however often it is tried.
			says(t, j.run(1, j.drain()), "no space left on device")
			free()
			j.run(0, j.drain())
			j.check(tp.sent)
		})
	}
}

// on is the first call of a name whose path holds all of these.
func on(name string, parts ...string) func(call) bool {
	return func(c call) bool {
		for _, p := range parts {
			if !strings.Contains(c.path, p) {
				return false
			}
		}
		return c.name == name
	}
}

// second is the second such call.
func second(name string, parts ...string) func(call) bool {
	first, n := on(name, parts...), 0
	return func(c call) bool {
		if first(c) {
			n++
		}
		return n == 2
	}
}

// mount mounts a small file system.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount a small tmpfs (run the tests as root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all bytes and all names of a file system, and returns a call that gives
// them back.
func fill(t *testing.T, dir string) (free func()) {
	dir = filepath.Join(dir, "ballast")
	check := func(err error) bool {
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
		return err == nil
	}
	check(os.Mkdir(dir, 0o755))
	for _, size := range []int{1 << 16, 1, 0} {
		data := make([]byte, size)
		for i := 0; check(os.WriteFile(filepath.Join(dir, fmt.Sprint(size, "-", i)), data, 0o644)); i++ {
		}
	}
	return func() { must(t, os.RemoveAll(dir)) }
}

// testNotWritable: a lake that cannot be written, or is none.
func testNotWritable(t *testing.T, h *house) {
	tp := h.newTopic(t, "not-writable", 1)
	tp.produce(20)
	first := len(tp.sent)

	t.Run("read-only", func(t *testing.T) {
		j := h.newJob(t, tp)
		dir := mount(t, "size=4m")
		j.lake = lake(filepath.Join(dir, "lake"))
		remount := func(flags uintptr) { must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|flags, "")) }
		remount(unix.MS_RDONLY)
		says(t, j.run(1, j.drain()), "read-only file system", "make "+string(j.lake)+" writable for this user")
		remount(0)
		j.run(0, j.drain())
		j.check(tp.sent[:first])

		// And while it runs.
		p := j.start(j.stream())
		j.await("it reads", func(lines []line) bool { return reading(lines, p) == 1 }, p)
		remount(unix.MS_RDONLY)
		tp.produce(20)
		p.ends(1)
		says(t, p.stderr, "read-only file system", "make "+string(j.lake)+" writable for this user")
		remount(0)
		j.check(tp.sent[:first])
		j.run(0, j.drain())
		j.check(tp.sent)
	})
	t.Run("a file", func(t *testing.T) {
		j := h.newJob(t, tp)
		must(t, os.WriteFile(string(j.lake), []byte("not a lake"), 0o644))
		says(t, j.run(1, j.drain()), "open lake "+string(j.lake)+": not a directory")
		must(t, os.Remove(string(j.lake)))
		j.run(0, j.drain())
		j.check(tp.sent)
	})
	t.Run("a file in its way", func(t *testing.T) {
		j := h.newJob(t, tp)
		must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
		must(t, os.WriteFile(filepath.Join(string(j.lake), table), nil, 0o644))
		says(t, j.run(1, j.drain()), "publish ", "not a directory")
		must(t, os.Remove(filepath.Join(string(j.lake), table)))
		j.run(0, j.drain())
		j.check(tp.sent)
	})
}

// reading counts the partitions that a process has begun to read.
func reading(lines []line, p *process) (n int) {
	for _, l := range lines {
		if l.of == p && l.is("reading") {
			n++
		}
	}
	return n
}
