package conform

import "tidemark/internal/avroschema"

// PlainDecoder makes a decoder that takes no short cut, to compare with.
func (p *Plan) PlainDecoder() *Decoder {
	d := p.Decoder()
	d.plain = true
	return d
}

// GoDecoder makes a decoder whose short cuts are all in Go, as on other processors.
func (p *Plan) GoDecoder() *Decoder {
	d := p.Decoder()
	d.strides = false
	return d
}

// AvroHeld is how many plans of schemas p remembers, and what they take.
func (p *Plan) AvroHeld() (plans int, bytes int64) {
	p.avro.mu.Lock()
	defer p.avro.mu.Unlock()
	for _, all := range []map[*avroschema.Schema]*avroPlan{p.avro.young, p.avro.old} {
		for _, one := range all {
			plans++
			bytes += one.bytes()
		}
	}
	return plans, bytes
}
