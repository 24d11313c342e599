package bucket_test

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/cloudtest"
	"tidemark/internal/store/bucket"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) {
	cloudtest.Setenv()
	goleak.VerifyTestMain(m)
}

// TestServers holds every kind of store to the contract of the local disk, and to
// what only a network can do wrong, each against a running server.
func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *cloudtest.Server{
		"gofakes3": cloudtest.GoFakeS3, "versitygw": cloudtest.Versity, "minio": cloudtest.MinIO,
		"fakegcs": cloudtest.FakeGCS, "azurite": cloudtest.Azurite,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, s.Lake(t.Name())) })
			for name, check := range map[string]func(*testing.T, *cloudtest.Server){
				"MissingBucketIsNoEmptyLedger": missingBucketIsNoEmptyLedger,
				"LostAnswer":                   lostAnswer,
				"CorruptedUpload":              corruptedUpload,
				"CutAnswerIsAskedForAgain":     cutAnswerIsAskedForAgain,
				"PublishInterrupted":           publishInterrupted,
				"EntityTags":                   entityTags,
			} {
				t.Run(name, func(t *testing.T) { check(t, s) })
			}
		})
	}
}

// entityTags: what is written anew has another one, whoever is asked; a listing may
// have none.
func entityTags(t *testing.T, s *cloudtest.Server) {
	b := open(t, s.Lake(t.Name()))
	tags := map[string]bool{}
	for _, text := range []string{"one", "two"} {
		if err := b.Create(t.Context(), "x", []byte(text)); err != nil {
			t.Fatal(err)
		}
		looked, err := b.Stat(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		listed, err := b.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if looked.ETag == "" || tags[looked.ETag] || strings.Contains(looked.ETag, `"`) {
			t.Errorf("%s: the tag is %q", text, looked.ETag)
		}
		if got := listed[0].ETag; got != looked.ETag && got != "" {
			t.Errorf("%s: listed as %q, looked at as %q", text, got, looked.ETag)
		}
		t.Logf("listed %q", listed[0].ETag)
		tags[looked.ETag] = true
		if err := b.Remove(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, lake string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.OpenQuick(context.Background(), lake)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
