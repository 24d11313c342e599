package conform

import (
	"tidemark/internal/schema"
)

// envelope is what a Decoder knows of what stands around rows of JSON.
type envelope struct {
	on      bool   // records have something around their rows
	connect bool   // a schema of Kafka Connect and a payload
	file    bool   // records are of a file, which may hold rows without anything around
	places  []int  // of the members of a change event, by eventPlan; 0: it has none
	row     bool   // it had an object in after, which is decoded
	text    []byte // a row that came as the text of an object

	schema, payload int          // where they stand, 0: they do not
	base            connectState // of records without a schema
	now             *connectState
	recent          [recentConnect]*connectState
	known           map[string]*connectState // by their text
	held            int64                    // bytes of known
}

func (d *Decoder) beginEnvelope() {
	a, t := &d.around, d.plan.table
	a.connect = t.Format == schema.ConnectJSONFormat
	a.on = a.connect || t.Debezium
	a.places = make([]int, len(d.plan.event.nodes))
}

// beginConnect has records be read without a schema.
func (d *Decoder) beginConnect() {
	a := &d.around
	a.base.fields, a.base.items, a.now = d.plan.columns, make([]int32, len(d.slots)), &a.base
	a.base.forget()
}

// enveloped decodes the value buf[at:end], in which the row stands within something else.
func (d *Decoder) enveloped(at int) {
	pos, ok := d.opening(at)
	switch {
	case !ok:
	case d.around.connect:
		d.connected(pos)
	default:
		d.event(pos)
	}
}

// event decodes the object that opens at pos, which is a change event.
func (d *Decoder) event(pos int) {
	next, ok := d.change(pos, 0)
	if !ok || !d.ended(next) {
		return
	}
	if d.around.file && !d.isEvent() {
		d.flat(pos)
		return
	}
	d.settle(0)
}

// ended rejects a record that goes on behind its object.
func (d *Decoder) ended(at int) bool {
	if at = d.space(at); at < d.end {
		d.fail(ReasonTrailing, "nothing after the object", at, d.end-at)
		return false
	}
	return true
}

// isEvent reports whether the object that was read is a change event.
func (d *Decoder) isEvent() bool {
	p := d.around.places
	return p[eventOp] > 0 && (p[eventBefore] > 0 || p[eventAfter] > 0)
}

// bytes is the memory that is held for schemas.
func (a *envelope) bytes() int64 {
	n := a.held + int64(cap(a.text))
	for _, s := range a.known {
		if s != a.now {
			n += s.learned.bytes()
		}
	}
	return n
}

// flat decodes the object at pos as a row that nothing stands around.
func (d *Decoder) flat(pos int) {
	d.startOver()
	d.object(pos)
	d.noEvent()
}
