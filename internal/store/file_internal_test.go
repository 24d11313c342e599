// White-box: the order of fsync, link and unlink can be seen only below File.

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// recorder is a disk that writes down the calls that make things durable, and can
// make one of them fail, or lie.
type recorder struct {
	root  string
	log   strings.Builder
	fail  string // the call that fails: a line of the log
	lie   string // the call that answers success and does nothing
	calls int
}

var temporary = regexp.MustCompile(`\.tidemark-tmp-[0-9a-f]+`)

func (r *recorder) call(line string, do func() error) error {
	line = temporary.ReplaceAllString(strings.ReplaceAll(line, r.root, "lake"), "TEMP")
	r.calls++
	switch line {
	case r.fail:
		fmt.Fprintf(&r.log, "%s: fails\n", line)
		return syscall.EIO
	case r.lie:
		fmt.Fprintf(&r.log, "%s: lies\n", line)
		return nil
	}
	err := do()
	if err != nil {
		line += ": " + cause(err).Error()
	}
	r.log.WriteString(line + "\n")
	return err
}

func (r *recorder) disk() disk {
	return disk{
		open: func(name string, flag int, perm fs.FileMode) (f *os.File, err error) {
			if flag&os.O_CREATE == 0 {
				return os.OpenFile(name, flag, perm)
			}
			err = r.call("new "+name, func() error { f, err = os.OpenFile(name, flag, perm); return err })
			return f, err
		},
		sync: func(f *os.File) error { return r.call("sync "+f.Name(), f.Sync) },
		link: func(from, to string) error {
			return r.call("link "+from+" -> "+to, func() error { return os.Link(from, to) })
		},
		remove: func(name string) error {
			return r.call("remove "+name, func() error { return os.Remove(name) })
		},
	}
}

func recorded(t *testing.T) (*File, *recorder) {
	t.Helper()
	dir := t.TempDir()
	f, err := newFile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{root: dir}
	f.disk = r.disk()
	return f, r
}

// TestDurableOrder holds the calls of each operation, line by line: a sync that is
// dropped or comes too late is a change of the golden.
func TestDurableOrder(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		f, r := recorded(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			r.log.Reset()
			r.fail, r.lie = "", ""
			if d.HasArg("fail") || d.HasArg("lie") {
				call, rest, _ := strings.Cut(d.Input, "\n")
				d.Input = rest
				if d.HasArg("fail") {
					r.fail = call
				} else {
					r.lie = call
				}
			}
			if err := carryOut(t.Context(), f, d); err != nil {
				fmt.Fprintf(&r.log, "error: %s\n", strings.ReplaceAll(err.Error(), r.root, "lake"))
			}
			return r.log.String()
		})
	})
}

func carryOut(ctx context.Context, f *File, d *datadriven.TestData) error {
	arg := func(i int) string { return d.CmdArgs[i].String() }
	switch d.Cmd {
	case "create":
		return f.Create(ctx, arg(0), []byte("data"))
	case "stage":
		s, err := f.Stage(ctx, arg(0))
		if err != nil {
			return err
		}
		if _, err := s.Write([]byte("rows")); err != nil {
			return errors.Join(err, s.Abort())
		}
		if err := s.Finish(ctx); err != nil {
			return errors.Join(err, s.Abort())
		}
		return nil
	case "publish":
		return f.Publish(ctx, arg(0), arg(1), 4)
	case "remove":
		return f.Remove(ctx, arg(0))
	case "sync":
		return f.Sync(ctx, arg(0))
	case "rmdir": // somebody else's doing
		return os.RemoveAll(filepath.Join(f.root, arg(0)))
	}
	return fmt.Errorf("unknown command %q", d.Cmd)
}

// TestVerifyThenDelete: whatever call of a publication fails, or claims to have
// worked, the rows are in the lake under one of the two names, whole.
func TestVerifyThenDelete(t *testing.T) {
	_, calls := publishOnce(t, "", "")
	for _, call := range calls {
		for _, mode := range []string{"fail", "lie"} {
			t.Run(mode+" "+strings.ReplaceAll(call, "/", "_"), func(t *testing.T) {
				fail, lie := call, ""
				if mode == "lie" {
					fail, lie = "", call
				}
				f, _ := publishOnce(t, fail, lie)
				found := 0
				for _, key := range []string{"stage/x", "t/dd=01/x.parquet"} {
					if data, err := f.Read(t.Context(), key); err == nil && string(data) == "rows" {
						found++
					}
				}
				if found == 0 {
					t.Fatal("the rows are in neither place")
				}
				f.disk = (&recorder{root: f.root}).disk()
				if err := f.Publish(t.Context(), "stage/x", "t/dd=01/x.parquet", 4); err != nil && !errors.Is(err, ErrNotExist) {
					t.Fatalf("publish again: %v", err)
				}
				if data, err := f.Read(t.Context(), "t/dd=01/x.parquet"); err != nil || string(data) != "rows" {
					t.Errorf("got %q, %v, want the rows", data, err)
				}
			})
		}
	}
}

func publishOnce(t *testing.T, fail, lie string) (*File, []string) {
	f, r := recorded(t)
	s, err := f.Stage(t.Context(), "stage/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("rows")); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.log.Reset()
	r.fail, r.lie = fail, lie
	err = f.Publish(t.Context(), "stage/x", "t/dd=01/x.parquet", 4)
	if fail != "" && err == nil {
		t.Errorf("%s failed, and publish said nothing", fail)
	}
	return f, strings.Split(strings.TrimSpace(r.log.String()), "\n")
}

// TestStagedIsDurable: a staged file whose sync failed is never reported as durable,
// not even when a second sync would succeed, as it does on Linux.
func TestStagedIsDurable(t *testing.T) {
	for _, call := range []string{"sync lake/stage/x", "sync lake/stage"} {
		f, r := recorded(t)
		s, err := f.Stage(t.Context(), "stage/x")
		if err != nil {
			t.Fatal(err)
		}
		r.fail = call
		if err := s.Finish(t.Context()); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s fails: got %v, want %v", call, err, syscall.EIO)
		}
		r.fail = ""
		if err := s.Finish(t.Context()); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s failed before: got %v, want %v", call, err, syscall.EIO)
		}
		if err := s.Abort(); err != nil {
			t.Error(err)
		}
	}
}

// TestKnownFoldersAreBounded: the memory for folders does not grow with the batches.
func TestKnownFoldersAreBounded(t *testing.T) {
	f, err := newFile(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f.disk.sync = func(*os.File) error { return nil } // not what is tested, and slow
	for i := range maxKnownDirs + 10 {
		if err := f.makeDir(filepath.Join(f.root, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(f.mu.durable); got > maxKnownDirs {
		t.Errorf("got %d folders remembered, want at most %d", got, maxKnownDirs)
	}
}
