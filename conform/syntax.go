package conform

// skip reads over the value at pos, which stands in depth objects and arrays, and
// returns the place behind it. It looks at the syntax and the depth alone, and
// keeps no stack but a byte per level.
func (d *Decoder) skip(pos, depth int) (int, bool) {
	var open [maxDepth]byte // '}' or ']'
	level := 0
	for {
		var ok bool
		switch c := d.peek(pos); {
		case c == '{' || c == '[':
			if depth+level >= maxDepth {
				d.fail(ReasonLimit, "at most 100 levels of objects and arrays", pos, 0)
				return 0, false
			}
			open[level] = c + 2
			level++
			pos = d.space(pos + 1)
			if d.peek(pos) != c+2 {
				if c == '{' {
					if pos, ok = d.key(pos); !ok {
						return 0, false
					}
				}
				continue
			}
		default:
			if pos, ok = d.scalar(pos); !ok {
				return 0, false
			}
			if level == 0 {
				return pos, true
			}
			pos = d.space(pos)
		}
		// Behind a value, or on the bracket of what is empty.
		for level > 0 && d.peek(pos) == open[level-1] {
			level--
			pos++
			if level == 0 {
				return pos, true
			}
			pos = d.space(pos)
		}
		if d.peek(pos) != ',' {
			d.unexpected("a comma or the end of what is open", pos)
			return 0, false
		}
		pos = d.space(pos + 1)
		if open[level-1] == '}' {
			if pos, ok = d.key(pos); !ok {
				return 0, false
			}
		}
	}
}

// key reads over a key and its colon, to the value.
func (d *Decoder) key(pos int) (int, bool) {
	if d.peek(pos) != '"' {
		d.unexpected("a key in double quotes", pos)
		return 0, false
	}
	s, ok := d.str(pos)
	if !ok {
		return 0, false
	}
	pos = d.space(s.to + 1)
	if d.peek(pos) != ':' {
		d.unexpected("a colon", pos)
		return 0, false
	}
	return d.space(pos + 1), true
}

// scalar reads over a value that is no object and no array.
func (d *Decoder) scalar(pos int) (int, bool) {
	switch c := d.peek(pos); c {
	case '"':
		s, ok := d.str(pos)
		return s.to + 1, ok
	case 't':
		return d.word(pos, "true")
	case 'f':
		return d.word(pos, "false")
	case 'n':
		return d.word(pos, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			return d.number(pos)
		}
	}
	d.unexpected("a value", pos)
	return 0, false
}

func (d *Decoder) word(pos int, w string) (int, bool) {
	for i := range len(w) {
		if d.peek(pos+i) != w[i] {
			d.unexpected("true, false or null", pos+i)
			return 0, false
		}
	}
	return pos + len(w), true
}

// number reads over a number: no plus, no zero in front, digits on both sides of
// the point.
func (d *Decoder) number(pos int) (int, bool) {
	if d.peek(pos) == '-' {
		pos++
	}
	switch c := d.peek(pos); {
	case c == '0':
		if pos++; d.peek(pos)-'0' <= 9 {
			d.unexpected("a number without zeros in front", pos)
			return 0, false
		}
	case c-'0' <= 9:
		pos = d.digits(pos)
	default:
		d.unexpected("a digit", pos)
		return 0, false
	}
	if d.peek(pos) == '.' {
		if pos++; d.peek(pos)-'0' > 9 {
			d.unexpected("a digit", pos)
			return 0, false
		}
		pos = d.digits(pos)
	}
	if c := d.peek(pos); c == 'e' || c == 'E' {
		pos++
		if c := d.peek(pos); c == '+' || c == '-' {
			pos++
		}
		if d.peek(pos)-'0' > 9 {
			d.unexpected("a digit", pos)
			return 0, false
		}
		pos = d.digits(pos)
	}
	return pos, true
}

func (d *Decoder) digits(pos int) int {
	for d.peek(pos)-'0' <= 9 {
		pos++
	}
	return pos
}
