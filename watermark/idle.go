package watermark

import "time"

// Idle watches one partition and tells when it is idle: when its position has
// been at its end offset, and that end has not moved, for a while. A partition
// that we are slow to read, or have paused, is never at its end and so never idle
// (W3), however long it stays silent.
//
// The zero Idle has seen nothing. It is not safe for concurrent use.
type Idle struct {
	end   int64
	since time.Time
	full  bool // at the end since since
}

// Observe takes in what is known at now, position being the next offset to read,
// all before it having been handed to a batch, and end the offset after the last
// record that can be read (the last stable offset). It reports whether the
// partition is idle. A clock that steps back starts the wait anew.
func (i *Idle) Observe(now time.Time, position, end int64, after time.Duration) bool {
	if position != end {
		*i = Idle{}
		return false
	}
	if !i.full || i.end != end || now.Before(i.since) {
		*i = Idle{end: end, since: now, full: true}
	}
	return now.Sub(i.since) >= after
}
