// White-box: a minute is too long for a test.
package bucket

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestQuietRequestEnds: a server that says nothing, before its answer or within it,
// holds nobody for ever.
func TestQuietRequestEnds(t *testing.T) {
	for _, begins := range []bool{false, true} {
		release := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begins {
				w.Header().Set("Content-Length", "10")
				_, _ = w.Write([]byte("half"))
				w.(http.Flusher).Flush()
			}
			<-release
		}))
		w := &watched{base: &http.Transport{}, quiet: 50 * time.Millisecond}
		resp, err := (&http.Client{Transport: w}).Get(s.URL)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if !errors.Is(err, errQuiet) {
			t.Errorf("with an answer that begins %v: got %v, want %v", begins, err, errQuiet)
		}
		close(release)
		w.CloseIdleConnections()
		s.Close()
	}
}
