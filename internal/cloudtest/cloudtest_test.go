package cloudtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // their drivers, as the makers intend them to be used
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"

	"tidemark/internal/cloudtest"
	"tidemark/internal/scripttest"
)

func TestMain(m *testing.M) {
	cloudtest.Setenv()
	goleak.VerifyTestMain(m)
}

// TestServers: each answers, has the bucket and keeps what it is given; those that
// claim it keep it over a crash, at the same address.
func TestServers(t *testing.T) {
	for _, c := range []struct {
		start func(testing.TB) *cloudtest.Server
		keeps bool
	}{
		{cloudtest.GoFakeS3, false},
		{cloudtest.Versity, true},
		{cloudtest.MinIO, true},
		{cloudtest.S3Mock, false},
		{cloudtest.FakeGCS, false},
		{cloudtest.Azurite, false},
	} {
		s := c.start(t)
		t.Run(s.Name, func(t *testing.T) {
			bucket := open(t, s)
			if keys := list(t, bucket); len(keys) > 0 {
				t.Errorf("a new server holds %q", keys)
			}
			write(t, bucket, "a/b c=1")
			want := []string{"a/b c=1"}
			if got := list(t, bucket); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("it lists %q, want %q", got, want)
			}
			if !c.keeps {
				return
			}
			before := s.Endpoint
			s.Kill()
			if conn, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint, "http://")); err == nil {
				conn.Close()
				t.Error("it answers after Kill")
			}
			s.Restart()
			if got := list(t, open(t, s)); fmt.Sprint(got) != fmt.Sprint(want) || s.Endpoint != before {
				t.Errorf("after Kill and Restart it lists %q at %s, want %q at %s", got, s.Endpoint, want, before)
			}
		})
	}
}

// open gives the bucket of a server by gocloud's own addresses, not by Lake: what is
// under test here is the server.
func open(t *testing.T, s *cloudtest.Server) *blob.Bucket {
	t.Helper()
	address := map[string]string{
		"s3":     "s3://lake?region=us-east-1&use_path_style=true&endpoint=" + s.Endpoint,
		"gs":     "gs://lake?anonymous=true",
		"azblob": "azblob://lake?protocol=http&localemu=true&domain=" + strings.TrimPrefix(s.Endpoint, "http://"),
	}[s.Scheme]
	if s.Scheme == "gs" {
		t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(s.Endpoint, "http://"))
	}
	bucket, err := blob.OpenBucket(context.Background(), address)
	if err != nil {
		t.Fatalf("open %s: %v", address, err)
	}
	t.Cleanup(func() {
		bucket.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return bucket
}

// write puts its own name into a key and reads it back.
func write(t *testing.T, bucket *blob.Bucket, key string) {
	t.Helper()
	ctx := context.Background()
	if err := bucket.Upload(ctx, key, strings.NewReader(key), &blob.WriterOptions{ContentType: "text/plain"}); err != nil {
		t.Fatalf("write %q: %v", key, err)
	}
	got, err := bucket.ReadAll(ctx, key)
	if err != nil || string(got) != key {
		t.Fatalf("read %q: %q, %v", key, got, err)
	}
}

func list(t *testing.T, bucket *blob.Bucket) []string {
	t.Helper()
	var keys []string
	objects := bucket.List(nil)
	for {
		object, err := objects.Next(context.Background())
		if object == nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("list: %v", err)
			}
			return keys
		}
		keys = append(keys, object.Key)
	}
}

// TestAddresses: what Lake says of each kind, direct and through a proxy.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ scheme, prefix, want string }{
		{"s3", "a/b", "s3://lake/a/b?region=us-east-1&endpoint=http://127.0.0.1:7&path_style=true"},
		{"s3", "", "s3://lake?region=us-east-1&endpoint=http://127.0.0.1:7&path_style=true"},
		{"gs", "a", "gs://lake/a?endpoint=http://127.0.0.1:7&anonymous=true"},
		{"azblob", "a", "azblob://lake/a?account=devstoreaccount1&endpoint=http://127.0.0.1:7/devstoreaccount1"},
	} {
		s := cloudtest.Server{Scheme: c.scheme, Endpoint: "http://127.0.0.1:7"}
		if got := s.Lake(c.prefix); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.scheme, c.prefix, got, c.want)
		}
		s.Endpoint = "http://127.0.0.1:8"
		if got := s.LakeThrough("http://127.0.0.1:7", c.prefix); got != c.want {
			t.Errorf("%s, %q, through a proxy: %s, want %s", c.scheme, c.prefix, got, c.want)
		}
	}
}

// TestTakenPort: `up` on a port on which another one answers does not take the other
// one's answer for its own, and says whose the port is.
func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	scripttest.RefusesTakenPort(t, port, "stores", "up", "versitygw", "--port", strconv.Itoa(port))
}
