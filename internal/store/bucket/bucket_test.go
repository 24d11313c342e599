package bucket_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/cloudtest"
	"tidemark/internal/store/bucket"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) {
	cloudtest.Setenv()
	// The library for Google Cloud Storage asks in the background whether this machine is
	// one of Google's, and where anything answers, a connection outlives a short test.
	if err := os.Setenv("GCE_METADATA_HOST", "127.0.0.1:1"); err != nil {
		panic(err)
	}
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
			} {
				t.Run(name, func(t *testing.T) { check(t, s) })
			}
		})
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
