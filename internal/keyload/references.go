package keyload

import (
	"context"
	"errors"
	"sync"
	"time"

	"tidemark/internal/rawfile"
	"tidemark/quality"
)

// Library holds the sets of all references of a process: each once, however many
// checks look into it.
type Library struct {
	lake    Lake
	open    rawfile.OpenObjects
	sources map[target]source // guarded by nothing: References is called before the rest
}

// target is what a reference looks into.
type target struct {
	table, file, column string
	typ                 string
}

// source is a set that can be brought up to date. Refresh takes turns with itself by
// its caller's care.
type source interface {
	refresh(ctx context.Context) (changed bool, err error)
	common() *shared
}

// shared is what all sources have.
type shared struct {
	turn   sync.Mutex // held during refresh
	looked time.Time  // when refresh was called last, guarded by turn
	seen   string     // guarded by turn
	fill   sync.Mutex // of a set in the making

	lock    sync.RWMutex
	set     *quality.Set // guarded by lock
	version string       // guarded by lock, and written only with turn
}

func (s *shared) common() *shared { return s }

// NewLibrary makes an empty library over a lake. Open opens buckets for files that are
// named by URL; nil: there are none.
func NewLibrary(lake Lake, open rawfile.OpenObjects) *Library {
	return &Library{lake: lake, open: open, sources: map[target]source{}}
}

// References are the sets of one suite.
type References struct {
	list []source // in the order of the suite
	once []source // each once
}

// References gives the sets that these look into; nothing is read yet. It is not to be
// called at the same time as anything else.
func (l *Library) References(refs []quality.Reference) (*References, error) {
	out := &References{}
	var errs []error
	for _, ref := range refs {
		t := target{ref.Table, ref.File, ref.In + ref.FileColumn, ref.Type.String()}
		s := l.sources[t]
		if s == nil {
			var err error
			if ref.Table != "" {
				s = newTableSource(l.lake, ref)
			} else if s, err = newFileSource(l.open, ref); err != nil {
				errs = append(errs, err)
				continue
			}
			l.sources[t] = s
		}
		out.list = append(out.list, s)
		known := false
		for _, o := range out.once {
			known = known || o == s
		}
		if !known {
			out.once = append(out.once, s)
		}
	}
	return out, errors.Join(errs...)
}

// Refresh looks whether there is anything newer, but for sets that were looked at less
// than an age before now. It reports whether a set has changed. With an error the sets
// are as they were, and will be looked at again after that age.
func (r *References) Refresh(ctx context.Context, now time.Time, age time.Duration) (changed bool, err error) {
	var errs []error
	for _, s := range r.once {
		is, err := refresh(ctx, s, now, age)
		changed = changed || is
		errs = append(errs, err)
	}
	return changed, errors.Join(errs...)
}

func refresh(ctx context.Context, s source, now time.Time, age time.Duration) (bool, error) {
	c := s.common()
	c.turn.Lock()
	defer c.turn.Unlock()
	if since := now.Sub(c.looked); !c.looked.IsZero() && since >= 0 && since < age {
		return false, nil
	}
	c.looked = now
	return s.refresh(ctx)
}

// Use calls f with the sets as they are now. They do not change meanwhile: f is to be
// short.
func (r *References) Use(f func([]quality.Known)) {
	for _, s := range r.once {
		s.common().lock.RLock()
	}
	defer func() {
		for _, s := range r.once {
			s.common().lock.RUnlock()
		}
	}()
	known := make([]quality.Known, len(r.list))
	for i, s := range r.list {
		known[i] = quality.Known{Set: s.common().set, Version: s.common().version}
	}
	f(known)
}

// Size is how many keys there are and the memory that they take, in bytes.
func (l *Library) Size() (keys, bytes int64) {
	for _, s := range l.sources {
		c := s.common()
		c.lock.RLock()
		keys += c.set.Len()
		bytes += c.set.Bytes()
		c.lock.RUnlock()
	}
	return keys, bytes
}
