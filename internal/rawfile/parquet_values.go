package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The encodings.
const (
	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3
	encodingDelta           = 5
	encodingDeltaLength     = 6
	encodingDeltaBytes      = 7
	encodingDictionary      = 8
	encodingSplit           = 9
)

// parquetValue is a value of a column: its bits, or its bytes, which are valid until the
// next one is read.
type parquetValue struct {
	bits  uint64
	bytes []byte
}

// parquetValues are the values of a page, one after another. They are decoded as they
// are asked for, so that what a page claims to hold takes no memory.
type parquetValues interface {
	next(v *parquetValue) error
}

var errValuesCut = errors.New("a page has fewer values than it claims")

// plainValues are values as they are.
type plainValues struct {
	b     []byte
	width int
	wide  bool // wider than the bits of a parquetValue
}

func (p *plainValues) next(v *parquetValue) error {
	if len(p.b) < p.width {
		return errValuesCut
	}
	b := p.b[:p.width]
	p.b = p.b[p.width:]
	switch {
	case p.wide:
		v.bytes = b
	case p.width == 4:
		v.bits = uint64(binary.LittleEndian.Uint32(b))
	default:
		v.bits = binary.LittleEndian.Uint64(b)
	}
	return nil
}

// plainBytes are values with their lengths before them.
type plainBytes struct{ b []byte }

func (p *plainBytes) next(v *parquetValue) error {
	if len(p.b) < 4 {
		return errValuesCut
	}
	n := uint64(binary.LittleEndian.Uint32(p.b))
	if n > uint64(len(p.b)-4) {
		return fmt.Errorf("a value claims %d bytes, and its page has %d", n, len(p.b)-4)
	}
	v.bytes = p.b[4 : 4+n]
	p.b = p.b[4+n:]
	return nil
}

// plainBits are booleans.
type plainBits struct {
	b []byte
	n uint
}

func (p *plainBits) next(v *parquetValue) error {
	if len(p.b) == 0 {
		return errValuesCut
	}
	v.bits = uint64(p.b[0] >> p.n & 1)
	if p.n++; p.n == 8 {
		p.b, p.n = p.b[1:], 0
	}
	return nil
}

// runBits are booleans in runs.
type runBits struct{ hybrid }

func (p *runBits) next(v *parquetValue) error {
	x, err := p.level()
	v.bits = uint64(x)
	return err
}

// dictionary are the values that the pages of a chunk refer to.
type dictionary struct {
	bits  []uint64
	bytes []byte
	ends  []uint32 // of the values in bytes
}

func (d *dictionary) size() int { return len(d.bits) + len(d.ends) }

// fill reads n values. least is how many bytes one needs, at least.
func (d *dictionary) fill(from parquetValues, n, least int, page []byte) error {
	if n < 0 || n > len(page)/least {
		return fmt.Errorf("a dictionary claims %d values in %d bytes", n, len(page))
	}
	d.bits, d.bytes, d.ends = d.bits[:0], d.bytes[:0], d.ends[:0]
	var v parquetValue
	for range n {
		if err := from.next(&v); err != nil {
			return err
		}
		if v.bytes == nil {
			d.bits = append(d.bits, v.bits)
			continue
		}
		d.bytes = append(d.bytes, v.bytes...)
		d.ends = append(d.ends, uint32(len(d.bytes)))
	}
	return nil
}

// indexValues are places in a dictionary.
type indexValues struct {
	hybrid
	of *dictionary
}

func (p *indexValues) next(v *parquetValue) error {
	i, err := p.level()
	switch n := uint32(p.of.size()); {
	case err != nil:
		return err
	case i >= n:
		return fmt.Errorf("a value is number %d of a dictionary of %d", i, n)
	}
	if len(p.of.bits) > 0 {
		v.bits = p.of.bits[i]
		return nil
	}
	from := uint32(0)
	if i > 0 {
		from = p.of.ends[i-1]
	}
	v.bytes = p.of.bytes[from:p.of.ends[i]]
	return nil
}

// splitValues are values whose first bytes stand together, then their second ones, ….
type splitValues struct {
	b          []byte
	width, n   int // bytes of a value, and values
	i          int
	wide       bool
	room       []byte
	wordBuffer [8]byte
}

func (p *splitValues) next(v *parquetValue) error {
	if p.i >= p.n {
		return errValuesCut
	}
	to := p.room
	if !p.wide {
		to = p.wordBuffer[:]
	}
	for k := range p.width {
		to[k] = p.b[k*p.n+p.i]
	}
	p.i++
	if p.wide {
		v.bytes = to
	} else {
		v.bits = binary.LittleEndian.Uint64(to)
	}
	return nil
}

// valuesOf are the values of a page of column n.
func valuesOf(n *parquetNode, encoding int32, b []byte, d *dictionary) (parquetValues, error) {
	fixed := n.physical == physicalInt32 || n.physical == physicalInt64 || n.physical == physicalFloat || n.physical == physicalDouble
	wide := n.physical == physicalFixed || n.physical == physicalInt96
	integer := n.physical == physicalInt32 || n.physical == physicalInt64
	switch encoding {
	case encodingPlain:
		switch n.physical {
		case physicalBoolean:
			return &plainBits{b: b}, nil
		case physicalBytes:
			return &plainBytes{b}, nil
		}
		return &plainValues{b, n.width, wide}, nil
	case encodingPlainDictionary, encodingDictionary:
		switch {
		case d == nil:
			return nil, errors.New("a page refers to a dictionary, and there is none")
		case len(b) == 0:
			return &indexValues{of: d}, nil
		case b[0] > 32:
			return nil, fmt.Errorf("the places in a dictionary have %d bits", b[0])
		}
		return &indexValues{hybrid{b: b[1:], width: uint(b[0])}, d}, nil
	case encodingRLE:
		if n.physical == physicalBoolean {
			b, err := prefixed(&b)
			return &runBits{hybrid{b: b, width: 1}}, err
		}
	case encodingDelta:
		if integer {
			return newDeltaValues(b, n.physical == physicalInt32)
		}
	case encodingDeltaLength:
		if n.physical == physicalBytes {
			return newDeltaLengths(b)
		}
	case encodingDeltaBytes:
		if n.physical == physicalBytes || n.physical == physicalFixed {
			return newDeltaBytes(b, n.width)
		}
	case encodingSplit:
		if fixed || wide {
			return &splitValues{b: b, width: n.width, n: len(b) / n.width, wide: wide, room: make([]byte, n.width)}, nil
		}
	}
	return nil, fmt.Errorf("a page has the encoding %d, which its type %d cannot have", encoding, n.physical)
}

// prefixed takes bytes off b, which has their number before them.
func prefixed(b *[]byte) ([]byte, error) {
	if len(*b) < 4 {
		return nil, errValuesCut
	}
	n := uint64(binary.LittleEndian.Uint32(*b))
	if n > uint64(len(*b)-4) {
		return nil, fmt.Errorf("a part of a page claims %d bytes, and the page has %d", n, len(*b)-4)
	}
	part := (*b)[4 : 4+n]
	*b = (*b)[4+n:]
	return part, nil
}
