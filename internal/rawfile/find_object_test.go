package rawfile_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/cloudtest"
	"tidemark/internal/rawfile"
	"tidemark/internal/store"
	"tidemark/internal/store/bucket"
)

// openBucket is what a program passes.
func openBucket(ctx context.Context, url string) (rawfile.Objects, error) {
	b, err := bucket.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func TestFindInABucket(t *testing.T) {
	for _, pair := range cloudtest.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	server := cloudtest.GoFakeS3(t)
	base, params, _ := strings.Cut(server.Lake(""), "?")
	params = "?" + params
	lake, err := bucket.Open(t.Context(), base+params)
	must(t, err)
	defer lake.Close()
	for _, key := range []string{"in/a.csv", "in/sub/b.csv", "in/_tmp/c.csv", "in/.d.csv", "in2/e.csv", "in/odd [x] %2e.csv", "top.csv"} {
		must(t, lake.Create(t.Context(), key, []byte("id,key\n1,"+key+"\n")))
	}
	for _, c := range []struct {
		args []string
		want string // nothing: no match
	}{
		{[]string{"/in/a.csv"}, "in/a.csv"},
		{[]string{"/in", "/in/a.csv", "/in/"}, "in/a.csv in/odd%20%5Bx%5D%20%252e.csv in/sub/b.csv"},
		{[]string{"", "/"}, "in/a.csv in/odd%20%5Bx%5D%20%252e.csv in/sub/b.csv in2/e.csv top.csv"},
		{[]string{"/in/*.csv"}, "in/a.csv in/odd%20%5Bx%5D%20%252e.csv"},
		{[]string{"/**/[ab].csv"}, "in/a.csv in/sub/b.csv"},
		{[]string{"/in/odd%20%5Bx%5D*"}, "in/odd%20%5Bx%5D%20%252e.csv"},
		{[]string{"/in/odd%20%5Bx%5D%20%252e.csv"}, "in/odd%20%5Bx%5D%20%252e.csv"},
		{[]string{"/in/.*", "/in/_tmp"}, "in/.d.csv in/_tmp/c.csv"},
		{[]string{"/i"}, ""},
		{[]string{"/in/*.json"}, ""},
	} {
		var args []string
		for _, a := range c.args {
			args = append(args, base+a+params)
		}
		found, err := rawfile.Find(t.Context(), args, openBucket)
		if c.want == "" {
			if !errors.Is(err, rawfile.ErrNoMatch) || strings.Contains(err.Error(), "endpoint") {
				t.Errorf("%v: got %v", c.args, err)
			}
			continue
		}
		must(t, err)
		var got []string
		for _, e := range found.Entries {
			got = append(got, strings.TrimPrefix(e.URL, base+"/"))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%v: got %s, want %s", c.args, got, c.want)
		}
		for _, e := range found.Entries {
			checkObject(t, e)
		}
		must(t, found.Close())
	}
	if _, err := rawfile.Find(t.Context(), []string{"s3://user:secret@lake/x"}, openBucket); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// checkObject reads an object: it holds a line with its key.
func checkObject(t *testing.T, e rawfile.Entry) {
	t.Helper()
	r, err := rawfile.Open(t.Context(), e, options())
	must(t, err)
	defer r.Close()
	var c batch.Chunk
	must(t, r.Next(t.Context(), &c))
	if len(c.Lines) != 1 || !c.Last || r.Done() != e.Size || e.Modified.IsZero() {
		t.Errorf("%s: got %+v, done %d of %+v", e.URL, c, r.Done(), e)
	}
}

// objects is a bucket in memory. Each method may be given an error.
type objects struct {
	data             map[string]string
	modified         time.Time
	etag             string
	list, stat, read error
	closed           int
}

func (o *objects) List(_ context.Context, prefix string) ([]store.Entry, error) {
	var out []store.Entry
	for key, data := range o.data {
		if strings.HasPrefix(key, prefix) {
			out = append(out, store.Entry{Key: key, Size: int64(len(data)), Modified: o.modified, ETag: o.etag})
		}
	}
	return out, o.list
}

func (o *objects) Stat(_ context.Context, key string) (store.Entry, error) {
	data, ok := o.data[key]
	if o.stat == nil && !ok {
		return store.Entry{}, store.ErrNotExist
	}
	return store.Entry{Key: key, Size: int64(len(data)), Modified: o.modified, ETag: o.etag}, o.stat
}

func (o *objects) Open(_ context.Context, key string) (store.Reader, int64, error) {
	data, ok := o.data[key]
	if !ok {
		return nil, 0, store.ErrNotExist
	}
	return &object{Reader: strings.NewReader(data), objects: o}, int64(len(data)), nil
}

func (o *objects) Close() error { o.closed++; return nil }

type object struct {
	*strings.Reader
	objects *objects
}

func (o *object) Read(p []byte) (int, error) {
	if o.objects.read != nil && o.Len() < int(o.Size())/2 {
		return 0, o.objects.read
	}
	return o.Reader.Read(p[:min(len(p), 1000)])
}

func (o *object) Close() error { return nil }

func TestObjectsThatChangeOrFail(t *testing.T) {
	down := errors.New("503 slow down")
	for _, c := range []struct {
		name   string
		data   string
		change func(o *objects)
		want   string // of an error of the file; nothing: the store's own error
	}{
		{"written again", long(20), func(o *objects) { o.etag, o.modified = "", o.modified.Add(time.Second) }, "it was written to"},
		{"written again within the second", long(20), func(o *objects) { o.etag = "other" }, "it was written to"},
		{"grown", long(20), func(o *objects) { o.data["x"] += "1,a\n" }, "the file has changed"},
		{"removed", long(20), func(o *objects) { delete(o.data, "x") }, "it is gone"},
		{"no answer in the middle", long(20_000), func(o *objects) { o.read = down }, ""},
		{"no answer in the middle of what is packed", gz(t, random(900_000)), func(o *objects) { o.read = down }, ""},
		{"no answer at the end", long(20), func(o *objects) { o.stat = down }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &objects{data: map[string]string{"x": c.data}, modified: time.Unix(1_800_000_000, 0), etag: "one"}
			found, err := rawfile.Find(t.Context(), []string{"s3://b/x"}, func(context.Context, string) (rawfile.Objects, error) { return o, nil })
			must(t, err)
			r, err := rawfile.Open(t.Context(), found.Entries[0], options())
			must(t, err)
			c.change(o)
			var chunk batch.Chunk
			for err = nil; err == nil; err = r.Next(t.Context(), &chunk) {
				if chunk.Last {
					t.Fatal("the last chunk was given")
				}
			}
			var failed *rawfile.Error
			if ended := errors.As(err, &failed); ended != (c.want != "") || ended && !strings.Contains(err.Error(), c.want) || !ended && !errors.Is(err, down) {
				t.Errorf("got %v", err)
			}
			must(t, errors.Join(r.Close(), found.Close()))
			if o.closed != 1 {
				t.Errorf("closed %d times", o.closed)
			}
		})
	}
}

// random is CSV that packs badly.
func random(n int) string {
	var b strings.Builder
	b.WriteString("a\n")
	for x := uint64(1); b.Len() < n; x = x*6364136223846793005 + 1442695040888963407 {
		b.WriteByte(byte('0' + x>>33%64))
		if x>>60 == 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestStoreThatFailsWhileFinding(t *testing.T) {
	down := errors.New("503 slow down")
	for _, arg := range []string{"s3://b/x", "s3://b/", "s3://b/*"} {
		o := &objects{list: down, stat: down}
		_, err := rawfile.Find(t.Context(), []string{arg}, func(context.Context, string) (rawfile.Objects, error) { return o, nil })
		if !errors.Is(err, down) || errors.Is(err, rawfile.ErrNoMatch) || o.closed != 1 {
			t.Errorf("%s: got %v, closed %d times", arg, err, o.closed)
		}
	}
	o := &objects{data: map[string]string{"a//b": "", "a/../b": "", "/c": "", "d": ""}}
	found, err := rawfile.Find(t.Context(), []string{"gs://b"}, func(_ context.Context, url string) (rawfile.Objects, error) {
		if url != "gs://b" {
			t.Errorf("opened %s", url)
		}
		return o, nil
	})
	must(t, err)
	if got, want := names(found, ""), []string{"gs://b/d", "gs://b//c: is a key that cannot be read", "gs://b/a//b: is a key that cannot be read"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := rawfile.Open(t.Context(), rawfile.Entry{URL: "file:///gone"}, options()); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
