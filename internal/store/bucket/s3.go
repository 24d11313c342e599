package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"tidemark/internal/store"
)

const (
	// tries is how often a request for a file or a look is sent.
	tries = 5
	// partSize is the least that S3 takes as a part.
	partSize = 5 << 20
	// signInTime bounds the search for credentials.
	signInTime = 20 * time.Second
)

func openS3(ctx context.Context, at *store.Address, w waits) (*cloud, error) {
	cfg, err := configS3(ctx, at)
	if err != nil {
		return nil, err
	}
	web := newHTTP()
	client := func(again aws.Retryer) *s3.Client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.HTTPClient, o.Retryer, o.UsePathStyle = web, again, at.PathStyle
			o.Logger = logging.Nop{}
			o.DisableLogOutputChecksumValidationSkipped = true
			if at.Endpoint != "" {
				o.BaseEndpoint = aws.String(at.Endpoint)
			}
		})
	}
	once := client(aws.NopRetryer{})
	again := client(retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.Backoff = tries, retry.BackoffDelayerFunc(w.pause)
	}))
	c := &cloud{close: web.CloseIdleConnections}
	if c.once, err = s3blob.OpenBucket(ctx, once, at.Bucket, nil); err != nil {
		return nil, err
	}
	if c.again, err = s3blob.OpenBucket(ctx, again, at.Bucket, nil); err != nil {
		return nil, err
	}
	c.single = func(o *blob.WriterOptions, n int) {
		o.BeforeWrite = uploads(once, max(int64(n)+1, partSize))
	}
	c.parts = func(o *blob.WriterOptions) { o.BeforeWrite = uploads(again, partSize) }
	c.copy = func(ctx context.Context, from, to string) error { return c.again.Copy(ctx, to, from, nil) }
	// The first part, read without knowing its length, and two more at work.
	c.held = 5 * partSize
	return c, nil
}

// configS3 looks for the credentials: those of the profile, of the environment, of
// the machine.
func configS3(ctx context.Context, at *store.Address) (aws.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	var options []func(*config.LoadOptions) error
	if at.Region != "" {
		options = append(options, config.WithRegion(at.Region))
	}
	if at.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(at.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, &store.Error{Op: "open lake", Key: "s3://" + at.Bucket, Err: fmt.Errorf("read the AWS configuration: %s", clean(err.Error()))}
	}
	if cfg.Region == "" {
		return cfg, &store.Error{Op: "open lake", Key: "s3://" + at.Bucket, Err: errors.New("no region"), Hint: "add ?region=… to lake, or set AWS_REGION"}
	}
	if at.RoleARN != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), at.RoleARN))
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return cfg, &store.Error{Op: "open lake", Key: "s3://" + at.Bucket, Err: noCredentials(err), Hint: hintCredentials["s3"]}
	}
	return cfg, nil
}

func noCredentials(err error) error {
	if a, ok := answerOf(err); ok {
		return fmt.Errorf("no credentials: %w", a)
	}
	return fmt.Errorf("no credentials: %s", clean(err.Error()))
}

// uploads sets the size below which an upload is one request, and the parts of a
// larger one. One part is sent at a time. The driver lets no one set these, but
// shows its transfer manager.
func uploads(client *s3.Client, part int64) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var tm *transfermanager.Client
		if as(&tm) {
			*tm = *transfermanager.New(client, func(o *transfermanager.Options) {
				o.PartSizeBytes, o.MultipartUploadThreshold, o.Concurrency = part, part, 1
				o.FailTimeout = signInTime // to take the parts away when the context has ended
			})
		}
		return nil
	}
}
