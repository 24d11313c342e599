package pipeline

import (
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// budget says how large a batch may become and how much may be held.
//
// Of the memory a quarter, what the program takes before it holds anything and what
// the lake holds of the file that each worker writes is left for what is not counted:
// compression, garbage, code. The rest holds the records of one batch at work for each
// worker, of one that waits and of one that is being filled, what the workers make of theirs, and
// the consumer's buffers: where these leave too little, reading waits.
type budget struct {
	total    int64 // bytes held beyond which reading waits
	workers  int64
	maxBytes int64
	maxRows  int
}

// resting is what the program takes in memory while it holds no record (60 MiB were
// measured), and what encoders keep between batches.
const resting = 64 << 20

func newBudget(c Config) budget {
	total := max(c.Memory/4*3-resting-c.Staging*int64(c.Workers), c.Memory/4)
	return budget{
		total: total, workers: int64(c.Workers),
		maxBytes: c.MaxBytes, maxRows: c.MaxRows,
	}
}

// room is how much nested columns of a batch may hold beyond what their rows were taken to
// hold when it was filled: a few bytes of a record may become many values.
func (g *budget) room() int64 { return g.total / (2 * (g.workers + 2)) }

// full reports whether an open batch is to be cut.
func (g *budget) full(b *build) bool {
	return b.raw.Rows() >= g.maxRows || b.raw.Bytes() >= g.maxBytes || g.weight(b) >= g.total
}

// weight is about what is held where all batches are like b: records of as many as there are, and
// values, of which half as many bytes as the records have may be text, of those at work.
func (g *budget) weight(b *build) int64 {
	raw := b.raw.Bytes()
	return raw*(g.workers+2) + (raw/2+int64(b.raw.Rows())*b.t.rowBytes)*g.workers
}

// ahead reports whether as much waits for a worker as makes a batch: what is read beyond that
// is decoded no sooner, and takes memory that would be at hand again soon.
func (g *budget) ahead(queue []*build) bool {
	rows, bytes, weight := 0, int64(0), int64(0)
	for _, b := range queue {
		rows += b.raw.Rows()
		bytes += b.raw.Bytes()
		weight += g.weight(b)
	}
	return rows >= g.maxRows || bytes >= g.maxBytes || weight >= g.total
}

// fits reports whether a file of the quarantine can join the records of a batch.
func (g *budget) fits(raw *batch.Raw, r *Rejects) bool {
	bytes := raw.Bytes()
	for i := range r.Rows {
		bytes += int64(len(r.Rows[i].Value) + len(r.Rows[i].Key))
	}
	return raw.Rows()+len(r.Rows) <= g.maxRows && bytes <= g.maxBytes
}

// rowBytes is about what one row takes in a worker: its fate and place, and its values twice, as
// decoded and as laid out by day.
func rowBytes(t *schema.Table) int64 {
	n := int64(32)
	for i := range t.Columns {
		switch typ := t.Columns[i].Type; {
		case typ.Kind.Fixed():
			n += 18
		case typ.Kind.Nested(): // a few elements; what they really take is in what is held
			n += 32 * int64(typ.Leaves())
		default:
			n += 10
		}
	}
	return n
}

// heldLocked is the memory that is held, in bytes, the consumer's buffers included.
func (p *Pipeline) heldLocked() int64 {
	var n int64
	if p.edge != nil {
		n = p.edge.Buffered()
	}
	for _, t := range p.tables {
		n += t.plan.Held()
		if t.open != nil {
			n += t.open.raw.Bytes()
		}
		for _, b := range t.flight {
			n += b.raw.Bytes()
		}
	}
	n += p.keyBytes()
	if p.cfg.Beside != nil {
		n += p.cfg.Beside()
	}
	for _, r := range p.spare {
		n += r.Bytes()
	}
	n += int64(len(p.blocks)) * batch.BlockSize
	for _, w := range p.workers {
		n += w.held.Load()
	}
	return n
}

// Held is the memory that is held, in bytes. It may be called at any time from any
// goroutine.
func (p *Pipeline) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heldLocked()
}

// rawLocked is an empty Raw, used before if there is one.
func (p *Pipeline) rawLocked() *batch.Raw {
	if n := len(p.spare); n > 0 {
		r := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return r
	}
	r := new(batch.Raw)
	r.Expect(p.usual + p.usual/16)
	return r
}

// lendLocked gives a Raw that will need one a block that another had.
func (p *Pipeline) lendLocked(r *batch.Raw) {
	if n := len(p.blocks); n > 0 && r.Short() {
		r.Lend(p.blocks[n-1])
		p.blocks[n-1] = nil
		p.blocks = p.blocks[:n-1]
	}
}

// returnLocked takes a Raw back. As many are kept as batches are at work.
func (p *Pipeline) returnLocked(r *batch.Raw) {
	if len(p.spare) <= p.cfg.Workers {
		r.Reset()
		p.spare = append(p.spare, r)
	}
}
