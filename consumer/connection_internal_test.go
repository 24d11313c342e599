// Inside the package: that failing connections are slow shows from outside only
// as a processor that is not busy.
package consumer

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailedConnectionsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
		began := time.Now()
		if _, err := paced(refuse)(t.Context(), "tcp", "a:1"); err == nil {
			t.Error("a refused connection is no error")
		}
		if took := time.Since(began); took != pace {
			t.Errorf("a refused connection took %s, want %s", took, pace)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		if _, err := paced(refuse)(ctx, "tcp", "a:1"); err == nil || time.Since(began) != 0 {
			t.Errorf("a cancelled connection took %s: %v", time.Since(began), err)
		}
	})
}
