package bucket_test

import (
	"context"
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
	for _, start := range []func(testing.TB) *cloudtest.Server{
		cloudtest.GoFakeS3, cloudtest.Versity, cloudtest.MinIO, cloudtest.FakeGCS, cloudtest.Azurite,
	} {
		s := start(t)
		t.Run(s.Name, func(t *testing.T) {
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
	b, err := bucket.Open(context.Background(), lake)
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
