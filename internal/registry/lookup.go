package registry

import (
	"context"
	"time"

	"tidemark/internal/registry/wire"
)

// refusal is an answer that there is no schema, or none that can be used.
type refusal struct {
	err   error
	until time.Time
}

// flight is a request for an id that is under way. Its fields are set before done is
// closed.
type flight struct {
	done   chan struct{}
	schema Schema
	err    error
	again  bool // whoever led it went away without an answer
}

// Lookup returns the schema of an id if it is known. It never waits for the network,
// allocates nothing, and is meant to be called for each record.
func (c *Client) Lookup(id wire.ID) (Schema, bool) { return c.known.get(id) }

// Schema returns the schema of an id with all that it refers to, and asks the registry
// unless it is known. It returns a NotFoundError, an UnusableError or an
// UnavailableError. It asks again and again while that may help, until the context
// ends: give it a deadline. When the context is cancelled, the error wraps its cause.
func (c *Client) Schema(ctx context.Context, id wire.ID) (Schema, error) {
	for {
		s, f, leads, err := c.join(id)
		switch {
		case err != nil:
			return Schema{}, err
		case f == nil:
			return s, nil
		case leads:
			return c.lead(ctx, id, f)
		}
		select {
		case <-ctx.Done():
			return Schema{}, c.waited(ctx, id)
		case <-f.done:
			if !f.again {
				return f.schema, f.err
			}
		}
	}
}

// join returns what is known of an id, or the request that is under way for it; leads
// says that it is the caller's to do (K3).
func (c *Client) join(id wire.ID) (s Schema, f *flight, leads bool, err error) {
	if s, ok := c.known.get(id); ok {
		return s, nil, false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.known.get(id); ok { // it came while we had no lock
		return s, nil, false, nil
	}
	if r, ok := c.refused.get(id); ok && c.conf.Now().Before(r.until) {
		return Schema{}, nil, false, r.err
	}
	if f := c.flights[id]; f != nil {
		return Schema{}, f, false, nil
	}
	f = &flight{done: make(chan struct{})}
	c.flights[id] = f
	return Schema{}, f, true, nil
}

// lead asks for an id and tells all who wait for it.
func (c *Client) lead(ctx context.Context, id wire.ID, f *flight) (Schema, error) {
	f.again = true // also if we do not come back from fetch
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if final(f.err) {
			c.refused.put(id, refusal{f.err, c.conf.Now().Add(c.conf.Negative)})
		}
		delete(c.flights, id)
		close(f.done)
	}()
	f.schema, f.err = c.fetch(ctx, id)
	if f.err == nil {
		c.known.put(id, f.schema)
	}
	f.again = ctx.Err() != nil && f.err != nil && !final(f.err)
	return f.schema, f.err
}

// waited is the error of one whose context ended while another one asked.
func (c *Client) waited(ctx context.Context, id wire.ID) error {
	return &UnavailableError{
		What: whatOf(id), Host: c.bases[c.good.Load()].Host, Retry: true, Err: context.Cause(ctx),
		Why: "there is no answer yet",
	}
}
