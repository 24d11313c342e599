package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"google.golang.org/api/googleapi"

	"gocloud.dev/blob"

	"tidemark/internal/store"
)

// answer is a refusal by the store. It shows no text of the store's.
type answer struct {
	status int
	code   string
}

func (a *answer) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the store answered %d %s", a.status, a.code))
}

// codeShape is what codes look like; anything else is not shown.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// answerOf finds the store's refusal in an error of any SDK. gocloud's own codes are
// coarser, and differ: a 403 of GCS is a "not found" there.
func answerOf(err error) (*answer, bool) {
	a := &answer{}
	var http1 *awshttp.ResponseError
	var api smithy.APIError
	var google *googleapi.Error
	var azure *azcore.ResponseError
	switch {
	case errors.Is(err, storage.ErrBucketNotExist):
		a.status, a.code = http.StatusNotFound, noBucketGCS
	case errors.As(err, &google):
		a.status = google.Code
		if len(google.Errors) > 0 {
			a.code = google.Errors[0].Reason
		}
	case errors.Is(err, storage.ErrObjectNotExist):
		a.status = http.StatusNotFound
	case errors.As(err, &azure):
		a.status, a.code = azure.StatusCode, azure.ErrorCode
	case errors.As(err, &http1) && http1.HTTPStatusCode() >= 300:
		a.status = http1.HTTPStatusCode()
		if errors.As(err, &api) {
			a.code = api.ErrorCode()
		}
		if a.code == "UnknownError" { // the SDK's word for none
			a.code = ""
		}
	default:
		return nil, false
	}
	if !codeShape.MatchString(a.code) {
		a.code = ""
	}
	return a, true
}

// Codes of a bucket that is not there.
const (
	noBucketS3    = "NoSuchBucket"
	noBucketGCS   = "BucketNotExist" // ours: GCS has none
	noBucketAzure = "ContainerNotFound"
)

func (a *answer) noBucket() bool {
	return a.code == noBucketS3 || a.code == noBucketGCS || a.code == noBucketAzure
}

// absent reports an answer that says that there is no such object.
func (a *answer) absent() bool { return a.status == http.StatusNotFound && !a.noBucket() }

// keyAbsent reports an answer that can only be about the object. That of S3 to HEAD
// and any of GCS may be about the bucket as well.
func (a *answer) keyAbsent() bool {
	return a.status == http.StatusNotFound && (a.code == "NoSuchKey" || a.code == "BlobNotFound")
}

// taken reports an answer that says that the precondition of a write failed.
func (a *answer) taken() bool {
	return a.status == http.StatusPreconditionFailed || a.status == http.StatusConflict && a.code == "BlobAlreadyExists"
}

// busy reports an answer of S3 that says that nothing was done because another
// writer is at this key.
func (a *answer) busy() bool {
	return a.status == http.StatusConflict && (a.code == "ConditionalRequestConflict" || a.code == "OperationAborted")
}

func isAbsent(err error) bool {
	a, ok := answerOf(err)
	return ok && a.absent()
}

// fail wraps the error of an operation that needs no object to be there.
func (b *Bucket) fail(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	e := b.failUnsettled(ctx, op, key, err)
	if a, ok := answerOf(err); ok && ctx.Err() == nil {
		switch {
		case a.taken():
			e.Err, e.Hint = store.ErrExists, ""
		case a.busy() && op == "create":
			e.Err, e.Hint = store.ErrAgain, ""
		case a.absent(): // not an object: it can only be the bucket
			e.Hint = b.hint(&answer{code: noBucketS3})
		}
	}
	return e
}

// failLook wraps the error of an operation on an object that should be there. A
// bucket that is not there must never be read as an empty ledger.
func (b *Bucket) failLook(ctx context.Context, op, key string, err error) error {
	a, ok := answerOf(err)
	if !ok || !a.absent() || ctx.Err() != nil {
		return b.fail(ctx, op, key, err)
	}
	if !a.keyAbsent() {
		call, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		objects := b.cloud.again.List(&blob.ListOptions{Prefix: b.prefix() + key})
		if _, err := objects.Next(call); err != nil && !errors.Is(err, io.EOF) {
			return b.fail(ctx, op, key, err)
		}
	}
	return &store.Error{Op: op, Key: key, Err: store.ErrNotExist}
}

// failUnsettled wraps an error and makes no sentinel of an answer.
func (b *Bucket) failUnsettled(ctx context.Context, op, key string, err error) *store.Error {
	e := &store.Error{Op: op, Key: key}
	var failed *store.Error
	a, answered := answerOf(err)
	var ending *url.Error
	var signIn *azidentity.AuthenticationFailedError
	unreachable := "check that " + b.server() + " can be reached from this machine, and start again: nothing is lost"
	switch {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case errors.As(err, &failed):
		return failed
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrSize):
		e.Err = err
	case answered:
		e.Err, e.Hint = a, b.hint(a)
	case errors.Is(err, errQuiet):
		e.Err, e.Hint = errQuiet, unreachable
	case errors.Is(err, context.DeadlineExceeded):
		e.Err, e.Hint = fmt.Errorf("no answer within %s", callTime.Round(time.Minute)), unreachable
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Err, e.Hint = errors.New("the answer was cut off"), unreachable
	case errors.As(err, &signIn):
		e.Err, e.Hint = errors.New("cannot sign in to Azure"), hintCredentials["azblob"]
	case errors.As(err, &ending):
		e.Err, e.Hint = errors.New(clean(ending.Err.Error())), unreachable
	default:
		e.Err = errors.New(clean(err.Error()))
	}
	return e
}

// hintCredentials says, by scheme, where credentials are looked for.
var hintCredentials = map[string]string{
	"s3":     "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
	"gs":     "set GOOGLE_APPLICATION_CREDENTIALS to a file of keys, or give this machine a service account",
	"azblob": "set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or give this machine an identity",
}

// server names who was asked.
func (b *Bucket) server() string {
	if b.at.Endpoint != "" {
		return b.at.Endpoint
	}
	return map[string]string{"s3": "Amazon S3", "gs": "Google Cloud Storage", "azblob": "Azure Blob Storage"}[b.at.Scheme]
}

// hint is the way out of an answer.
func (b *Bucket) hint(a *answer) string {
	switch {
	case a.noBucket():
		return "there is no " + b.at.Scheme + "://" + b.at.Bucket + " at " + b.server() + ": create it, or mend lake"
	case a.code == "RequestTimeTooSkewed" || a.code == "ExpiredToken":
		return "set the clock of this machine, and renew its credentials"
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return "let these credentials list, read and write " + b.place()
	case a.status >= 300 && a.status < 400, a.code == "AuthorizationHeaderMalformed", a.code == "IllegalLocationConstraintException":
		return "the bucket lies elsewhere: mend region or endpoint of lake"
	case a.status == http.StatusInsufficientStorage, a.code == "QuotaExceeded", a.code == "XMinioStorageFull":
		return "free some space for " + b.place() + " and start again: nothing is lost"
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		return "the store is overloaded: start again later, nothing is lost"
	case a.status == http.StatusNotImplemented:
		return "this store lacks what a lake needs: use another"
	case a.status >= 500:
		return "look at the store, and start again: nothing is lost"
	}
	return ""
}

// queries are what follows the path in a URL: signatures stand there.
var queries = regexp.MustCompile(`\?[^\s"']+`)

// clean makes a line of a text of unknown origin, without secrets.
func clean(s string) string {
	for _, name := range []string{
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET",
	} {
		if secret := os.Getenv(name); secret != "" {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	s = strings.Join(strings.Fields(queries.ReplaceAllString(s, "?…")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
