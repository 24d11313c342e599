package rawfile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"tidemark/internal/jsontext"
)

var errLevels = errors.New("its levels do not fit those of the columns beside it")

// write writes the value of a node, of which the first is repeated at level rep: what
// the columns within say must agree at each step.
func (p *parquetFile) write(ctx context.Context, n *parquetNode, rep int) error {
	first := p.columns[n.from]
	if n.optional {
		if err := first.peek(ctx); err != nil {
			return err
		}
		if first.def < n.def {
			p.buf = append(p.buf, "null"...)
			return p.absent(ctx, n, rep, n.def)
		}
	}
	switch n.kind {
	case parquetObject:
		return p.object(ctx, n, rep)
	case parquetList, parquetMap:
		return p.elementsOf(ctx, n, rep)
	}
	return p.leaf(ctx, first, rep)
}

// absent passes the place that each column within a node has where it is null or empty:
// below level def.
func (p *parquetFile) absent(ctx context.Context, n *parquetNode, rep, def int) error {
	for _, c := range p.columns[n.from:n.to] {
		if err := c.peek(ctx); err != nil {
			return err
		}
		if c.rep != rep || c.def >= def {
			return fmt.Errorf("%q: %w", c.path, errLevels)
		}
		c.shown = false
	}
	return nil
}

func (p *parquetFile) object(ctx context.Context, n *parquetNode, rep int) error {
	p.buf = append(p.buf, '{')
	for i, child := range n.children {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = append(p.buf, child.key...)
		if err := p.write(ctx, child, rep); err != nil {
			return err
		}
		p.trim()
	}
	p.buf = append(p.buf, '}')
	return nil
}

// elementsOf writes a list or a map.
func (p *parquetFile) elementsOf(ctx context.Context, n *parquetNode, rep int) error {
	first := p.columns[n.from]
	open, shut := byte('['), byte(']')
	if n.kind == parquetMap {
		open, shut = '{', '}'
	}
	p.buf = append(p.buf, open)
	if err := first.peek(ctx); err != nil {
		return err
	}
	if first.def < n.some {
		p.buf = append(p.buf, shut)
		return p.absent(ctx, n, rep, n.some)
	}
	for at := rep; ; at = n.rep {
		if err := p.elementOf(ctx, n, at); err != nil {
			return err
		}
		p.trim()
		if p.elements++; p.elements&0xffff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if first.ended() {
			break
		}
		if err := first.peek(ctx); err != nil {
			return err
		}
		if first.rep < n.rep {
			break
		}
		p.buf = append(p.buf, ',')
	}
	p.buf = append(p.buf, shut)
	return nil
}

func (p *parquetFile) elementOf(ctx context.Context, n *parquetNode, rep int) error {
	if n.kind == parquetList {
		return p.write(ctx, n.children[0], rep)
	}
	from := len(p.buf)
	if err := p.write(ctx, n.children[0], rep); err != nil {
		return err
	}
	if from < len(p.buf) && p.buf[from] != '"' { // a key is a text in JSON
		text := string(p.buf[from:])
		p.buf = jsontext.AppendString(p.buf[:from], []byte(text))
	}
	p.buf = append(p.buf, ':')
	return p.write(ctx, n.children[1], rep)
}

// leaf writes the value of a column.
func (p *parquetFile) leaf(ctx context.Context, c *parquetColumn, rep int) error {
	if err := c.peek(ctx); err != nil {
		return err
	}
	if c.rep != rep || c.def != c.maxDef {
		return fmt.Errorf("%q: %w", c.path, errLevels)
	}
	c.shown = false
	if err := c.values.next(&c.value); err != nil {
		return err
	}
	switch v := &c.value; c.kind {
	case parquetText:
		p.str(v.bytes)
	case parquetDecimal:
		p.decimal(v.bytes, c.scale, c.precision)
	case parquetUUID:
		p.uuid(v.bytes)
	case parquetInterval:
		p.duration(v.bytes)
	case parquetInt96:
		p.int96(v.bytes)
	case parquetHalf:
		p.fraction(c, half(uint16(v.bytes[0])|uint16(v.bytes[1])<<8), 32)
	case parquetBinary:
		p.bin(v.bytes)
	case parquetFloat:
		p.fraction(c, float64(math.Float32frombits(uint32(v.bits))), 32)
	case parquetDouble:
		p.fraction(c, math.Float64frombits(v.bits), 64)
	default:
		p.number64(c, v.bits)
	}
	return nil
}

// fraction writes a float of so many bits.
func (p *parquetFile) fraction(c *parquetColumn, x float64, bits int) {
	if !c.shortest {
		p.float(x, bits)
		return
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		p.spoil("type", "a finite number, for a decimal")
	}
	p.buf = strconv.AppendFloat(p.buf, x, 'g', -1, bits)
}

// number64 writes what is stored as a boolean or an integer.
func (p *parquetFile) number64(c *parquetColumn, bits uint64) {
	x := int64(bits)
	if c.physical == physicalInt32 {
		x = int64(int32(bits))
	}
	switch c.kind {
	case parquetBoolean:
		p.buf = strconv.AppendBool(p.buf, bits != 0)
	case parquetUint32:
		p.buf = strconv.AppendUint(p.buf, uint64(uint32(bits)), 10)
	case parquetUint64:
		p.buf = strconv.AppendUint(p.buf, bits, 10)
	case parquetNumber:
		p.number(x, c.scale, c.precision)
	case parquetDate:
		p.date(x)
	case parquetTime:
		p.timeOfDay(x, c.unit)
	case parquetMoment:
		p.moment(x, c.unit, c.zoned)
	default:
		p.buf = strconv.AppendInt(p.buf, x, 10)
	}
}

// half is the value of a number of 16 bits.
func half(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
