package bucket

import (
	"strings"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
)

// listedETag is the entity tag of a listed object, "" where the listing has none.
func listedETag(o *blob.ListObject) string {
	var (
		amazon types.Object
		google storage.ObjectAttrs
		azure  container.BlobItem
	)
	switch {
	case o.As(&amazon):
		return bareETag(aws.ToString(amazon.ETag))
	case o.As(&google):
		return bareETag(google.Etag)
	case o.As(&azure) && azure.Properties != nil && azure.Properties.ETag != nil:
		return bareETag(string(*azure.Properties.ETag))
	}
	return ""
}

// bareETag takes away the quotes that some answers have and others do not.
func bareETag(tag string) string { return strings.Trim(tag, `"`) }
