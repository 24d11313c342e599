package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// How attempts follow each other (K7): the waits double from the first to the longest, and
// each is between a half and the whole of that.
const (
	firstWait = 100 * time.Millisecond
	maxWait   = 1500 * time.Millisecond
	maxAfter  = 10 * time.Second // what a registry may ask for
)

// ask puts a query until there is an answer that read takes, or one that is final. read
// may be called more than once.
func (c *Client) ask(ctx context.Context, q query, read func(body []byte) error) error {
	q.read = read
	for delay := firstWait; ; delay = min(2*delay, maxWait) {
		err := c.round(ctx, q)
		var away *UnavailableError
		if !errors.As(err, &away) || !away.Retry || away.Err != nil {
			return err
		}
		pause := max(delay/2+time.Duration(c.conf.Chance()*float64(delay/2)), away.after)
		if err := c.conf.Wait(ctx, pause); err != nil {
			away.Err = err
			return away
		}
	}
}

// round puts a query to each host in turn, the one that answered last first, until one
// answers.
func (c *Client) round(ctx context.Context, q query) error {
	var worst *UnavailableError
	first := int(c.good.Load())
	for i := range c.bases {
		at := (first + i) % len(c.bases)
		err := c.exchange(ctx, c.bases[at], q)
		var away *UnavailableError
		if !errors.As(err, &away) {
			c.good.Store(int32(at))
			return err
		}
		if worst == nil || away.Retry {
			worst = away
		}
		if ctx.Err() != nil {
			worst.Err = context.Cause(ctx)
			return worst
		}
	}
	return worst
}

// exchange puts a query to one host and reads the answer.
func (c *Client) exchange(ctx context.Context, base *url.URL, q query) error {
	begin := c.conf.Now()
	body, err := c.send(ctx, base, q)
	if err == nil && q.read != nil {
		err = q.read(body)
	}
	if wrong := (*contentError)(nil); errors.As(err, &wrong) {
		err = &UnavailableError{What: q.what, Host: base.Host, Status: http.StatusOK, Why: wrong.why, Retry: true}
	}
	c.conf.Observe(Event{What: q.what, Host: base.Host, Took: c.conf.Now().Sub(begin), Err: err})
	return err
}
