package conform

import "bytes"

// connectNames are the members of what Kafka Connect's JsonConverter writes, and of its
// schemas.
type connectNames struct {
	around, of nameTable
}

// The members around a payload.
const (
	connectSchema = 1 + iota
	connectPayload
)

// The members of a schema.
const (
	connectField = 1 + iota
	connectType
	connectName
	connectParameters
	connectFields
	connectItems
	connectValues
	connectScale // of the parameters
	connectMembers
)

func newConnectNames() connectNames {
	return connectNames{
		around: newNameTable([]nameSlot{{name: "schema", column: connectSchema}, {name: "payload", column: connectPayload}}),
		of: newNameTable([]nameSlot{
			{name: "field", column: connectField}, {name: "type", column: connectType}, {name: "name", column: connectName},
			{name: "parameters", column: connectParameters}, {name: "fields", column: connectFields}, {name: "items", column: connectItems},
			{name: "values", column: connectValues}, {name: "scale", column: connectScale},
		}),
	}
}

const (
	wantConnect = "an object with schema and payload, as Kafka Connect's JsonConverter writes where schemas.enable=true"
	wantPayload = "an object in payload"
	wantSchema  = "null in schema, or a schema of Kafka Connect of type struct"
)

// connectState is what a Decoder knows of records with one schema.
type connectState struct {
	text    []byte // of the schema; nil: none
	fields  []field
	inner   []field // of what nested columns hold; nil: as without a schema
	learned template
	items   []int32 // by slot, as column.item
}

const (
	keptConnect      = 64      // schemas, by a decoder
	keptConnectBytes = 4 << 20 // of them
	recentConnect    = 4       // that are looked for first
	longestConnect   = 1 << 20 // bytes of a schema: so many are too many
)

// connected decodes the object that opens at pos, which has a schema and a payload.
func (d *Decoder) connected(pos int) {
	a := &d.around
	next, ok := d.wrapper(pos)
	if !ok || !d.ended(next) {
		return
	}
	if a.schema == 0 || a.payload == 0 {
		if !a.file {
			d.fail(ReasonEnvelope, wantConnect, -1, 0)
			return
		}
		d.use(&a.base)
		d.startOver()
		if d.plan.table.Debezium {
			d.event(pos)
		} else {
			d.flat(pos)
		}
		return
	}
	switch {
	case d.buf[a.payload] == '{' && d.plan.table.Debezium:
		d.settle(1)
	case d.buf[a.payload] == '{':
	case d.buf[a.payload] != 'n':
		d.noRow(a.payload, wantPayload)
	case d.plan.table.Debezium:
		d.filtered = true
	default:
		d.fail(ReasonTombstone, "", -1, 0)
	}
}

// wrapper reads the object at pos, and decodes its payload. It returns the place behind it.
func (d *Decoder) wrapper(pos int) (next int, ok bool) {
	a := &d.around
	a.schema, a.payload = 0, 0
	at, done := d.space(pos+1), false
	if d.peek(at) == '}' {
		return at + 1, true
	}
	early := false // the payload came before its schema
	for n := 1; !done; n++ {
		m, value, ok := d.keyInside(&d.plan.connect.around, at)
		switch {
		case !ok:
			return 0, false
		case n >= maxKeys:
			d.fail(ReasonLimit, "fewer than 100,000 keys", at, 0)
			return 0, false
		case m == connectSchema && a.schema > 0, m == connectPayload && a.payload > 0:
			return d.twice(at)
		case m == connectSchema:
			a.schema = value
			at, ok = d.connectSchema(value)
		case m == connectPayload && a.schema > 0:
			a.payload = value
			at, ok = d.payload(value)
		case m == connectPayload:
			a.payload, early = value, true
			at, ok = d.pass(value, 1)
		default:
			at, ok = d.pass(value, 1)
		}
		if !ok {
			return 0, false
		}
		if at, done, ok = d.further(at); !ok {
			return 0, false
		}
	}
	if early && a.schema > 0 {
		if _, ok := d.payload(a.payload); !ok {
			return 0, false
		}
	}
	return at, true
}

// payload decodes the payload at pos. It returns the place behind it.
func (d *Decoder) payload(pos int) (int, bool) {
	switch {
	case d.peek(pos) != '{':
		return d.pass(pos, 1)
	case d.plan.table.Debezium:
		return d.change(pos, 1)
	}
	return d.inRow(pos, 1)
}

// connectSchema has the payload be read as the schema at pos says. It returns the place
// behind it.
func (d *Decoder) connectSchema(pos int) (int, bool) {
	a := &d.around
	for i, s := range a.recent {
		if s != nil && len(s.text) <= d.end-pos && bytes.Equal(s.text, d.buf[pos:pos+len(s.text)]) {
			copy(a.recent[1:i+1], a.recent[:i])
			a.recent[0] = s
			d.use(s)
			return pos + len(s.text), true
		}
	}
	next, ok := d.skip(pos, 1)
	if !ok {
		return 0, false
	}
	text := d.buf[pos:next]
	if text[0] == 'n' {
		d.use(&a.base)
		return next, true
	}
	s := a.known[string(text)]
	if s == nil {
		if s, ok = d.learnSchema(pos, next); !ok {
			return 0, false
		}
	}
	copy(a.recent[1:], a.recent[:])
	a.recent[0] = s
	d.use(s)
	return next, true
}

// learnSchema makes what is known of records with the schema from pos up to next.
func (d *Decoder) learnSchema(pos, next int) (*connectState, bool) {
	a := &d.around
	if next-pos >= longestConnect {
		d.fail(ReasonLimit, "a schema under 1 MiB", pos, next-pos)
		return nil, false
	}
	s := &connectState{text: bytes.Clone(d.buf[pos:next])}
	if !d.compileConnect(pos, s) {
		return nil, false
	}
	s.items = make([]int32, len(d.slots))
	s.forget()
	if a.known == nil || len(a.known) == keptConnect || a.held > keptConnectBytes {
		d.use(&a.base)
		a.known, a.held, a.recent = map[string]*connectState{}, 0, [recentConnect]*connectState{}
	}
	a.known[string(s.text)] = s
	a.held += 2*int64(len(s.text)) + int64(len(s.fields)+len(s.inner))*fieldBytes + int64(len(d.slots))*4
	return s, true
}

// fieldBytes is what a field takes, about.
const fieldBytes = 320

// use has values of columns be read as a schema says, and records be expected as those with
// it were written.
func (d *Decoder) use(s *connectState) {
	was := d.around.now
	if was == s {
		return
	}
	d.around.now = s
	was.learned, d.learned = d.learned, s.learned
	for i := range d.slots {
		was.items[i], d.slots[i].item = d.slots[i].item, s.items[i]
	}
	for i := range d.columns {
		d.columns[i].field = &s.fields[i]
	}
	inner := s.inner
	if inner == nil {
		inner = d.plan.inner
	}
	for i := range d.held {
		d.held[i].field = &inner[i]
	}
}

// forget has nothing be known of how records with the schema are written.
func (s *connectState) forget() {
	s.learned = template{patience: max(s.learned.patience, leastPatience)}
	for i := range s.items {
		s.items[i] = -1
	}
}

// forgetAll makes the decoder learn anew, whatever the schema.
func (d *Decoder) forgetAll() {
	a := &d.around
	a.base.forget()
	for _, s := range a.known {
		s.forget()
	}
	for _, w := range d.avro.objects {
		w.json.forget()
	}
	d.forget()
}
