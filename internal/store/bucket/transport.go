package bucket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// quiet is how long a request may wait without a byte moving in either direction. A
// store that copies a large object says nothing before it is done.
const quiet = time.Minute

// errQuiet is what a request gets that was ended for that.
var errQuiet = errors.New("no byte moved for a minute")

// newHTTP makes the client of all requests: none waits for ever, and no redirect is
// followed, for its target would be sent our credentials or our bytes.
func newHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return &http.Client{
		Transport:     &watched{base: t, quiet: quiet},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// watched ends requests that make no progress.
type watched struct {
	base  *http.Transport
	quiet time.Duration
}

func (w *watched) CloseIdleConnections() { w.base.CloseIdleConnections() }

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(w.quiet, func() { cancel(errQuiet) })
	moved := &progress{cancel: cancel, why: func() error { return context.Cause(ctx) }, timer: timer, quiet: w.quiet}
	req = req.Clone(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sent{ReadCloser: req.Body, progress: moved}
	}
	resp, err := w.base.RoundTrip(req)
	timer.Stop()
	if err != nil {
		defer cancel(nil)
		return nil, moved.cause(err)
	}
	resp.Body = &received{ReadCloser: resp.Body, progress: moved}
	return resp, nil
}

// progress is that of one request.
type progress struct {
	cancel context.CancelCauseFunc // ends one request
	why    func() error            // it was ended
	timer  *time.Timer
	quiet  time.Duration
}

func (p *progress) cause(err error) error {
	if errors.Is(p.why(), errQuiet) {
		return errQuiet
	}
	return err
}

type sent struct {
	io.ReadCloser
	*progress
}

func (s *sent) Read(p []byte) (int, error) {
	s.timer.Reset(s.quiet)
	return s.ReadCloser.Read(p)
}

type received struct {
	io.ReadCloser
	*progress
}

func (r *received) Read(p []byte) (int, error) {
	r.timer.Reset(r.quiet)
	defer r.timer.Stop()
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.cause(err)
	}
	return n, err
}

func (r *received) Close() error {
	defer r.cancel(nil)
	return r.ReadCloser.Close()
}
