package bucket

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"tidemark/internal/store"
)

func openAzure(at *store.Address, w waits) (*cloud, error) {
	web := newHTTP()
	once, err := clientAzure(at, web, policy.RetryOptions{MaxRetries: -1})
	if err != nil {
		return nil, err
	}
	again, err := clientAzure(at, web, policy.RetryOptions{MaxRetries: tries - 1, RetryDelay: w.first, MaxRetryDelay: w.longest})
	if err != nil {
		return nil, err
	}
	c := &cloud{held: 2 * chunkSize, close: web.CloseIdleConnections}
	if c.once, err = azureblob.OpenBucket(context.Background(), once, nil); err != nil {
		return nil, err
	}
	if c.again, err = azureblob.OpenBucket(context.Background(), again, nil); err != nil {
		return nil, err
	}
	// One block more than the bytes, or they would be sent as blocks.
	c.single = func(o *blob.WriterOptions, n int) { o.BufferSize, o.MaxConcurrency = n+1, 1 }
	c.parts = func(o *blob.WriterOptions) { o.BufferSize, o.MaxConcurrency = chunkSize, 1 }
	c.copy = func(ctx context.Context, from, to string) error { return w.copyAzure(ctx, again, from, to) }
	return c, nil
}

// clientAzure makes a client with the key of the account, a shared access signature,
// or what this machine is signed in as.
func clientAzure(at *store.Address, web *http.Client, again policy.RetryOptions) (*container.Client, error) {
	place := "azblob://" + at.Bucket
	account := at.Account
	if account == "" {
		account = os.Getenv("AZURE_STORAGE_ACCOUNT")
	}
	if account == "" {
		return nil, &store.Error{Op: "open lake", Key: place, Err: errors.New("no account"), Hint: "add ?account=… to lake, or set AZURE_STORAGE_ACCOUNT"}
	}
	address := "https://" + account + ".blob.core.windows.net"
	if at.Endpoint != "" {
		address = at.Endpoint
	}
	address += "/" + at.Bucket
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: web, Retry: again, PerCallPolicies: []policy.Policy{checksummed{}},
	}}
	key, token := os.Getenv("AZURE_STORAGE_KEY"), os.Getenv("AZURE_STORAGE_SAS_TOKEN")
	switch {
	case key != "":
		shared, err := container.NewSharedKeyCredential(account, key)
		if err != nil { // the error may hold the key
			return nil, &store.Error{Op: "open lake", Key: place, Err: errors.New("AZURE_STORAGE_KEY is not a key"), Hint: "copy the whole key: it ends with =="}
		}
		return container.NewClientWithSharedKeyCredential(address, shared, options)
	case token != "":
		return container.NewClientWithNoCredential(address+"?"+strings.TrimPrefix(token, "?"), options)
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, &store.Error{Op: "open lake", Key: place, Err: noCredentials(err), Hint: hintCredentials["azblob"]}
	}
	return container.NewClient(address, identity, options)
}

// checksummed adds the MD5 of what is sent, which the store compares.
type checksummed struct{}

// contentMD5 is the header as the SDK writes and signs it, which is not how package
// http would.
const contentMD5 = "Content-MD5"

func (checksummed) Do(req *policy.Request) (*http.Response, error) {
	//lint:ignore SA1008 the SDK writes this header past the canonical form, and signs it so
	if body := req.Body(); body != nil && req.Raw().Method == http.MethodPut && len(req.Raw().Header[contentMD5]) == 0 {
		sum := md5.New()
		if _, err := io.Copy(sum, body); err != nil {
			return nil, fmt.Errorf("add up a request: %w", err)
		}
		if err := req.RewindBody(); err != nil {
			return nil, err
		}
		req.Raw().Header[contentMD5] = []string{base64.StdEncoding.EncodeToString(sum.Sum(nil))}
	}
	return req.Next()
}

// copyAzure is what the driver's Copy does, which panics where a look at a copy in
// the background gets no answer.
func (w waits) copyAzure(ctx context.Context, c *container.Client, from, to string) error {
	target := c.NewBlobClient(to)
	started, err := target.StartCopyFromURL(ctx, c.NewBlobClient(from).URL(), nil)
	if err != nil {
		return err
	}
	status := started.CopyStatus
	tick := time.NewTicker(w.copying)
	defer tick.Stop()
	for status != nil && *status == azblob.CopyStatusTypePending {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now, err := target.GetProperties(ctx, nil)
		if err != nil {
			return err
		}
		status = now.CopyStatus
	}
	if status == nil || *status != azblob.CopyStatusTypeSuccess {
		return errors.New("the copy did not succeed")
	}
	return nil
}
