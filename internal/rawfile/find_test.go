package rawfile_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tidemark/internal/rawfile"
)

// tree makes files of these names, each with its name in it, below a new folder without
// links in its path. A name that ends with a slash makes a folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o700))
		} else {
			must(t, os.WriteFile(path, []byte(name), 0o600))
		}
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names are the entries below root, then the bad ones with what is wrong.
func names(found *rawfile.Found, root string) []string {
	var out []string
	for _, e := range found.Entries {
		out = append(out, strings.TrimPrefix(e.URL, "file://"+root+"/"))
	}
	for _, b := range found.Bad {
		out = append(out, fmt.Sprintf("%s: %v", strings.TrimPrefix(b.URL, "file://"+root+"/"), b.Err))
	}
	return out
}

func TestFind(t *testing.T) {
	root := tree(t, "a.csv", "b.csv", "sub/c.csv", "sub/deep/d.json", ".hidden.csv", "_tmp/e.csv", "sub/_SUCCESS", "sub/.git/f.csv",
		"odd/line\nbreak %2e%2e ü.csv", "odd/[x].csv", "odd/x.csv", "empty/")
	t.Chdir(root)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"a file", []string{"a.csv"}, []string{"a.csv"}},
		{"one file in many ways", []string{"a.csv", root + "/a.csv", "sub/../a.csv", "file://" + root + "/a.csv", "file://localhost" + root + "/a.csv", "*.csv"}, []string{"a.csv", "b.csv"}},
		{"a folder", []string{"sub"}, []string{"sub/c.csv", "sub/deep/d.json"}},
		{"the folder we are in", []string{"."}, []string{"a.csv", "b.csv", "odd/%5Bx%5D.csv", "odd/line%0Abreak%20%252e%252e%20%C3%BC.csv", "odd/x.csv", "sub/c.csv", "sub/deep/d.json"}},
		{"a hidden one that is named", []string{".hidden.csv", "_tmp", "sub/.git/*"}, []string{".hidden.csv", "_tmp/e.csv", "sub/.git/f.csv"}},
		{"a pattern", []string{"sub/*"}, []string{"sub/c.csv"}},
		{"a pattern of folders", []string{root + "/**/*.{csv,json}"}, []string{"a.csv", "b.csv", "odd/%5Bx%5D.csv", "odd/line%0Abreak%20%252e%252e%20%C3%BC.csv", "odd/x.csv", "sub/c.csv", "sub/deep/d.json"}},
		{"a pattern as URL", []string{"file://" + root + "/odd/l*%20%252e%252e%20*.csv"}, []string{"odd/line%0Abreak%20%252e%252e%20%C3%BC.csv"}},
		{"a path that looks like a pattern", []string{"odd/[x].csv"}, []string{"odd/%5Bx%5D.csv"}},
		{"the same as URL is one", []string{"file://" + root + "/odd/[x].csv"}, []string{"odd/x.csv"}},
		{"percent-encoded it is none", []string{"file://" + root + "/odd/%5Bx%5D.cs?"}, []string{"odd/%5Bx%5D.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := rawfile.Find(t.Context(), c.args, nil)
			must(t, err)
			if got := names(found, root); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// The URL of a file is enough to open it.
func TestFoundNamesCanBeOpened(t *testing.T) {
	long := strings.Repeat("n", 251) + ".csv"
	root := tree(t, "line\nbreak %2e%2e ü.csv", "tab\there.csv", "?&#%.csv", long, "x\xff\xfe.csv")
	found, err := rawfile.Find(t.Context(), []string{root}, nil)
	must(t, err)
	if got, want := len(found.Entries), 5; got != want || len(found.Bad) > 0 {
		t.Fatalf("got %d files, want %d; bad: %v", got, want, found.Bad)
	}
	for _, e := range found.Entries {
		if i := strings.IndexFunc(e.URL, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
			t.Errorf("%q has odd characters", e.URL)
		}
		r, err := rawfile.Open(t.Context(), rawfile.Entry{URL: e.URL}, options())
		must(t, err)
		must(t, r.Close())
	}
}

func TestFindRefusesWhatIsNoFile(t *testing.T) {
	root := tree(t, "in/a.csv", "in/folder.csv/", "in/sub/b.csv", "out/c.csv")
	must(t, syscall.Mkfifo(root+"/in/pipe.csv", 0o600))
	var config net.ListenConfig
	socket, err := config.Listen(context.Background(), "unix", root+"/in/s.csv")
	must(t, err)
	defer socket.Close()
	for from, to := range map[string]string{
		"leaves.csv": "../out/c.csv", "nowhere.csv": "gone.csv", "stays.csv": "sub/b.csv", "round.csv": "round.csv", "folder": "sub", "device.csv": "/dev/null", "away": "../out",
	} {
		must(t, os.Symlink(to, root+"/in/"+from))
	}
	want := []string{
		"in/a.csv", "in/sub/b.csv",
		"in/away: is a link that leads out of " + root + "/in",
		"in/device.csv: is a link that leads out of " + root + "/in",
		"in/folder.csv: is a folder",
		"in/leaves.csv: is a link that leads out of " + root + "/in",
		"in/nowhere.csv: is a link that leads nowhere",
		"in/pipe.csv: is a pipe, not a file",
		"in/round.csv: cannot be looked at: EvalSymlinks: too many links",
		"in/s.csv: is a socket, not a file",
	}
	for _, arg := range []string{root + "/in", root + "/in/**"} {
		found, err := rawfile.Find(t.Context(), []string{arg}, nil)
		must(t, err)
		got := names(found, root)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", arg, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}

	// A pattern of a certain depth goes through links to folders.
	found, err := rawfile.Find(t.Context(), []string{root + "/in/f*/*.csv"}, nil)
	must(t, err)
	if got, want := names(found, root), []string{"in/sub/b.csv"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	// What is named itself is followed, or refused.
	found, err = rawfile.Find(t.Context(), []string{root + "/in/leaves.csv", root + "/in/folder.csv", root + "/in/pipe.csv", "/dev/null"}, nil)
	must(t, err)
	want = []string{"out/c.csv", "file:///dev/null: is a device, not a file", "in/folder.csv: is a folder", "in/pipe.csv: is a pipe, not a file"}
	if got := names(found, root); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindNothing(t *testing.T) {
	root := tree(t, "a.csv", "empty/", "_hidden/b.csv")
	for _, arg := range []string{root + "/gone.csv", root + "/*.json", root + "/empty", root + "/gone/*.csv", "file://" + root + "/gone.csv", ""} {
		_, err := rawfile.Find(t.Context(), []string{root + "/a.csv", arg}, nil)
		if !errors.Is(err, rawfile.ErrNoMatch) || !strings.Contains(err.Error(), fmt.Sprintf("%q", arg)) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
	for _, arg := range []string{root + "/[a", "file://host/x", "file://" + root + "/%zz", "ftp://host/x", "s3://bucket/x"} {
		_, err := rawfile.Find(t.Context(), []string{arg}, nil)
		if err == nil || errors.Is(err, rawfile.ErrNoMatch) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rawfile.Find(ctx, []string{root}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
