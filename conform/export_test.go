package conform

// PlainDecoder makes a decoder that takes no short cut, to compare with.
func (p *Plan) PlainDecoder() *Decoder {
	d := p.Decoder()
	d.plain = true
	return d
}
