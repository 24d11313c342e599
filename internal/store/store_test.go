package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *store.File {
	t.Helper()
	s, err := store.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) {
	t.Run("File", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, t.TempDir()+"/not/there/yet") })
	})
	t.Run("Memory", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) storetest.Store { return &storetest.Memory{} })
	})
	t.Run("Faulty", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) storetest.Store { return &storetest.Faulty{Store: &storetest.Memory{}} })
	})
}

func TestOpenUnderstandsFileURLs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ url, root, err string }{
		{"file://" + dir, dir, ""},
		{"file://" + dir + "/a%20b/%3F/", dir + "/a b/?", ""},
		{"file://" + dir + "/file", "", "not a directory"},
		{"file://relative/lake", "", "three slashes"},
		{"file:lake", "", "three slashes"},
		{"file:///lake?x=1", "", "no parameters"},
		{dir, "", "write it as file:///path"},
		{"s3://bucket/x", "", "write it as file:///path"},
		{"gs://bucket/x", "", "write it as file:///path"},
		{"azblob://bucket/x", "", "write it as file:///path"},
		{"file://%zz", "", "invalid URL escape"},
	} {
		s, err := store.Open(t.Context(), test.url)
		switch {
		case test.err == "" && (err != nil || s.Root() != test.root):
			t.Errorf("open %q: got %v, %v, want %s", test.url, s, err, test.root)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("open %q: got %v, want an error with %q", test.url, err, test.err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v: open must not write", entries, err)
	}
}

func TestKeysStayInTheLake(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir+"/lake")
	for _, key := range []string{"", ".", "..", "../x", "a/../../x", "/etc/x", "a//b", "a/", "./a", "a\x00b", "a/.tidemark-tmp-1"} {
		if s.Create(t.Context(), key, nil) == nil {
			t.Errorf("create %q: got no error", key)
		}
		if f, err := s.Stage(t.Context(), key); err == nil {
			t.Errorf("stage %q: got no error", key)
			if err := f.Abort(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := s.List(t.Context(), "../"); err == nil {
		t.Error("list ../: got no error")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("got %v, want nothing", entries)
	}
}

func TestTemporaryFilesAreNeverListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".tidemark-tmp-0123"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, dir).List(t.Context(), "")
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

// A day's folder that somebody removed is made again: the store remembers which
// folders are durable, and must notice that one is gone.
func TestFoldersMayGoAway(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i, key := range []string{"t/dd=01/a", "t/dd=01/b"} {
		f, err := s.Stage(t.Context(), "stage/"+key)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), "stage/"+key, key, 0); err != nil {
			t.Errorf("publish %d: %v", i, err)
		}
		if err := s.Create(t.Context(), "u/v/"+filepath.Base(key), nil); err != nil {
			t.Errorf("create %d: %v", i, err)
		}
		for _, gone := range []string{"/t", "/u"} {
			if err := os.RemoveAll(dir + gone); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestManyProcessesShareALake(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	won := make(chan int, 64)
	for i := range 8 { // each with a store of its own: they share nothing but the disk
		s := open(t, dir)
		all.Go(func() {
			for _, key := range []string{"x/1", "x/2", "y/z/1", "y/z/2"} {
				if err := s.Create(context.Background(), key, []byte{byte(i)}); err == nil {
					won <- i
				} else if !errors.Is(err, store.ErrExists) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got, want := len(won), 4; got != want {
		t.Errorf("got %d winners, want %d", got, want)
	}
	left, err := filepath.Glob(dir + "/*/.tidemark-tmp-*")
	if err != nil || len(left) != 0 {
		t.Errorf("got %v, %v: no temporary file may be left", left, err)
	}
}
