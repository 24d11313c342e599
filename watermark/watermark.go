// Package watermark owns the notion of time of a table: how far event time has
// come, which rows are late, which claim to come from the future, and when a
// partition counts as idle.
//
// Values go in and a report comes out. Judge changes the fates and rejects of the
// batch it is given and keeps nothing of it; Next and Idle keep nothing but what
// they return. Nothing here reads a clock: the present is an argument.
//
// Invariants:
//
//	W1 the watermark never falls, whatever partition joins, wakes or is left out
//	W2 a row from beyond now + max_future moves nothing
//	W3 a partition that has rows left to read is never idle, however slow it is
//	W4 a row that has a fate other than written or late keeps it
//
// The pipeline calls Judge once per batch, on the goroutine that holds the batch,
// with the watermark of the state before that batch, and Next when a batch is
// accepted for deciding. If a batch in flight before it is dropped, Rejudge judges
// the lateness again. Nothing here fails; a table without event time is judged
// trivially. What is done with late rows, where they are written and what a closed
// day means is left to the callers.
package watermark

import (
	"fmt"
	"math"
	"time"
)

// Mark is a point in event time, µs since 1970-01-01T00:00:00Z, or none. The zero
// Mark is none: no event time is known yet.
type Mark struct {
	Micros int64
	Known  bool
}

// At makes a known Mark.
func At(micros int64) Mark { return Mark{Micros: micros, Known: true} }

// Max returns the later of two marks; a known one is later than none.
func (m Mark) Max(o Mark) Mark {
	if !m.Known || o.Known && o.Micros > m.Micros {
		return o
	}
	return m
}

// String is RFC 3339 in UTC with microseconds, or "none".
func (m Mark) String() string {
	if !m.Known {
		return "none"
	}
	return time.UnixMicro(m.Micros).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// less returns m earlier by d, not falling out of the range of micros.
func (m Mark) less(d time.Duration) Mark {
	if us := d.Microseconds(); us > 0 && m.Micros < math.MinInt64+us {
		m.Micros = math.MinInt64
	} else {
		m.Micros -= us
	}
	return m
}

// Partition is what Next needs to know of one partition.
type Partition struct {
	// MaxEventTime is the newest event time seen in it, as Report gives it.
	MaxEventTime Mark
	// Idle: it is fully read, and has been for idle_after.
	Idle bool
}

// Next is the watermark after prev: the minimum over the partitions that are not
// idle of their newest event time, less the delay (the lateness allowed). It never
// falls: the later of prev and the formula stands (W1).
//
// A partition that is not idle and has shown no event time yet holds the watermark
// where it is, since its first row may be older than anything seen. If every
// partition is idle, the one furthest ahead stands for all: all are read to their
// end, so there is nothing left to wait for, and the minimum would hold the table
// back for ever behind a partition that receives no more rows.
//
// The caller leaves out partitions of topics that were retired; with no partitions
// prev stands.
func Next(prev Mark, parts []Partition, delay time.Duration) Mark {
	slowest := Mark{Micros: math.MaxInt64}
	var furthest Mark
	for _, p := range parts {
		if p.Idle {
			furthest = furthest.Max(p.MaxEventTime)
			continue
		}
		if !p.MaxEventTime.Known {
			return prev
		}
		slowest = At(min(slowest.Micros, p.MaxEventTime.Micros))
	}
	if !slowest.Known {
		slowest = furthest
	}
	if !slowest.Known {
		return prev
	}
	return prev.Max(slowest.less(delay))
}

// Policy says what becomes of a late row.
type Policy uint8

// The policies.
const (
	Route  Policy = iota // to the table of late rows
	Accept               // into the table: written, although late
	Drop                 // nowhere: its fate is late, and no file holds it
	Filter               // nowhere: nobody asked for a row so old, its fate is filtered
)

var policies = []string{Route: "route", Accept: "accept", Drop: "drop"}

func (p Policy) String() string {
	if p == Filter {
		return "filter"
	}
	return policies[p]
}

// ParsePolicy reads route, accept or drop.
func ParsePolicy(s string) (Policy, error) {
	for p, name := range policies { // Filter is not for a stream
		if s == name {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("late %q is not one of route, accept, drop", s)
}
