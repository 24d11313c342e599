package consumer

import (
	"math"
	"time"

	"tidemark/internal/batch"
)

// key names a partition among those that are ours: by name, since a topic that is
// made anew takes the place of the old one.
type key struct {
	topic     string
	partition int32
}

// stage is what a partition is waiting for.
type stage uint8

const (
	wanted  stage = iota // ours, not started
	reading              // started
	broken               // started, not read any more: to be stopped and started anew
)

// lately is how soon the same trouble comes again, if it has not gone.
const lately = 10 * time.Second

// part is a partition that is ours. It is changed in a turn only.
type part struct {
	src   batch.Source // with the topic id from Start on
	table string
	stage stage

	pos    int64 // the offset of the next record to hand over
	end    int64 // the last stable offset as last seen, −1: unknown
	target int64 // read up to here and no further (a drain), else math.MaxInt64
	// fresh is set until the first fetch after a start: only that one is sure to
	// have asked for pos.
	fresh  bool
	paused bool
	held   bool  // not read until it is sought, or started anew
	term   int64 // which start of the session this one is, by number

	heard time.Time // when records or a skip were last handed over
	probe time.Time // not to be probed before
	wait  time.Duration

	trouble error // what broke it
	undo    bool  // what was accepted is not what the log holds: stop with Lost
	// since and last bound the span of the present trouble, in which nothing was
	// handed over.
	since, last time.Time
}

func newPart(k key, table string) *part {
	return &part{
		src:   batch.Source{Topic: k.topic, Partition: k.partition},
		table: table, end: -1, target: math.MaxInt64,
	}
}

func (p *part) key() key { return key{p.src.Topic, p.src.Partition} }

// started reports whether the Handler holds p.
func (p *part) started() bool { return p.stage != wanted }

// drained reports whether nothing of p is left to read in a drain.
func (p *part) drained() bool {
	return p.paused || p.stage == reading && !p.held && p.pos >= p.target
}

// hears reports whether the Handler is told of p.
func (p *part) hears() bool { return p.stage == reading && !p.paused && !p.held }

// bound is the end that the Handler is told: in a drain the target, behind which
// nothing will be read.
func (p *part) bound() int64 { return min(p.end, p.target) }

// fail makes p one to be read anew.
func (p *part) fail(err error, undo bool, now time.Time) {
	if p.stage == reading {
		p.stage = broken
	}
	p.held = false
	p.undo = p.undo || undo
	p.suffer(err, now)
}

// suffer notes trouble: a new one where there was none lately.
func (p *part) suffer(err error, now time.Time) {
	if p.since.IsZero() || now.Sub(p.last) > lately {
		p.since = now
	}
	p.trouble, p.last = err, now
}

// overdue is the trouble of p if it has lasted for longer than patience, else nil.
func (p *part) overdue(patience time.Duration, now time.Time) error {
	if p.since.IsZero() || now.Sub(p.last) > lately || now.Sub(p.since) < patience {
		return nil
	}
	return p.trouble
}

// moved notes that something was handed over: there is no trouble any more.
func (p *part) moved(now time.Time) {
	p.heard, p.wait, p.probe = now, 0, time.Time{}
	p.trouble, p.since, p.last = nil, time.Time{}, time.Time{}
}
