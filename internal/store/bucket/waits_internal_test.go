// White-box: pauses that are right for a busy store are too long for a test.
package bucket

import (
	"context"
	"time"
)

// OpenQuick is Open with pauses of milliseconds.
func OpenQuick(ctx context.Context, lake string) (*Bucket, error) {
	return open(ctx, lake, waits{first: 20 * time.Millisecond, longest: 400 * time.Millisecond, copying: 10 * time.Millisecond})
}
