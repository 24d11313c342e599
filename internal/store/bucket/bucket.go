// Package bucket is a lake in an object store: S3 and what speaks like it, Google
// Cloud Storage, Azure Blob Storage, all through gocloud.dev/blob.
//
// In go keys and bytes, as for store.File, whose contract Bucket keeps; out come
// store's sentinels and errors that name the key and the way out. All methods may
// be called from many goroutines and processes at once, except those of one Staged.
//
// Invariants, as in package store:
//
//	S1 Create is one request with a precondition (If-None-Match: *, ifGenerationMatch=0),
//	   sent once: no SDK and no transport repeats it. What is neither success nor a
//	   sentinel is a doubt, which the ledger settles by reading
//	S2 what is visible in an object store is durable there: Sync has nothing to do
//	S3 a file is published by a copy within the store, which is seen to be there, as
//	   long as the staged one and with its nonce, before the staged one is deleted
//	S4 there are no temporary names: what is not complete is not visible
//
// Assumed of the store: a put-if-absent of which exactly one wins, also among
// racers (store.Probe looks); a read, a look or a listing after an answered write
// sees it; a copy is whole or not there. Copies ignore preconditions on these
// stores, so S3 rests on names that are never used twice: two publishers of one file
// copy the same bytes onto each other.
//
// Files are staged in parts and under a nonce in their metadata, which a copy keeps:
// a repeated request that is refused by what the first one wrote finds its own
// nonce, and the file is whole. Requests for files and looks are repeated, a few
// times and with jitter. Every request ends when nothing has moved for a minute.
// One file that is being staged holds Bucket.Held bytes of memory at most. A file
// over 5 GiB cannot be copied on S3.
//
// Uploads are verified by the store: on S3 by a CRC32 for each request, on GCS by
// the CRC32C of the whole object, on Azure by an MD5 for each request.
//
// Errors show the store's status and code, never its text, a URL or a header:
// signatures and tokens stand in these. Redirects are not followed.
package bucket

import (
	"context"
	crypto "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"gocloud.dev/blob"

	"tidemark/internal/store"
)

// callTime bounds an operation that moves little, its repetitions included.
const callTime = 3 * time.Minute

var _ store.Lake = (*Bucket)(nil)

// Bucket is a lake in an object store.
type Bucket struct {
	at    store.Address
	cloud *cloud
}

// cloud is what tells the stores apart.
type cloud struct {
	once  *blob.Bucket // sends each request once
	again *blob.Bucket // repeats what may be repeated

	// single prepares the options of an upload of n bytes in one request.
	single func(o *blob.WriterOptions, n int)
	// parts prepares the options of an upload in parts.
	parts func(o *blob.WriterOptions)
	// copy copies an object within the bucket.
	copy func(ctx context.Context, from, to string) error

	forbids bool  // answers 403 to who may create and not replace, where an object is there
	held    int64 // by one upload in parts
	waits   waits
	close   func()
}

// waits is how long pauses last.
type waits struct {
	first   time.Duration // bounds the first one between two requests; each may be twice the last
	longest time.Duration // bounds any of these
	copying time.Duration // between two looks at a copy that goes on in the background
}

// pause is before the next attempt, drawn by chance: many that were refused at once
// should not come back at once.
func (w waits) pause(attempt int, _ error) (time.Duration, error) {
	return rand.N(min(w.first<<min(attempt, 10), w.longest)), nil
}

// Open gives the lake at a URL: s3://, gs:// or azblob://. It looks for credentials,
// asks the store nothing and writes nothing.
func Open(ctx context.Context, lake string) (*Bucket, error) {
	return open(ctx, lake, waits{first: 400 * time.Millisecond, longest: 5 * time.Second, copying: 500 * time.Millisecond})
}

func open(ctx context.Context, lake string, w waits) (*Bucket, error) {
	at, err := store.ParseAddress(lake)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	b := &Bucket{at: *at}
	switch at.Scheme {
	case "s3":
		b.cloud, err = openS3(ctx, at, w)
	case "gs":
		b.cloud, err = openGCS(ctx, at, w)
	default:
		b.cloud, err = openAzure(at, w)
	}
	if err != nil {
		return nil, b.fail(ctx, "open lake", b.place(), err)
	}
	b.cloud.waits = w
	return b, nil
}

// Close ends its connections, when the requests that are under way have ended. Nothing
// waits to be written: a process that ends needs no Close.
func (b *Bucket) Close() error {
	err := errors.Join(b.cloud.once.Close(), b.cloud.again.Close())
	b.cloud.close()
	return err
}

// Held is the memory in bytes that one file which is being staged holds at most.
func (b *Bucket) Held() int64 { return b.cloud.held }

// place names the lake without its parameters.
func (b *Bucket) place() string {
	place := b.at.Scheme + "://" + b.at.Bucket
	if b.at.Prefix != "" {
		place += "/" + b.at.Prefix
	}
	return place
}

// name maps a key to the name of an object, and refuses keys that leave the lake.
func (b *Bucket) name(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !fs.ValidPath(key) || key == "." || strings.ContainsRune(key, 0) {
		return "", errors.New("not a key: want a relative path with forward slashes")
	}
	return b.prefix() + key, nil
}

// prefix begins the name of every object of the lake.
func (b *Bucket) prefix() string {
	if b.at.Prefix == "" {
		return ""
	}
	return b.at.Prefix + "/"
}

func randomHex() string {
	var b [16]byte
	crypto.Read(b[:]) // never fails: it would end the program
	return hex.EncodeToString(b[:])
}
