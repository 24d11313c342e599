package conform

// numeral is a decimal number: ±digits × 10^exponent, without zeros at the end of
// digits.
type numeral struct {
	negative bool
	digits   uint64 // the first 19 of them
	count    int    // how many digits there are; 0: the number is 0
	exponent int
}

// pow10 are the powers of ten that fit 64 bits, exact10 those that a float64 holds
// exactly.
var (
	pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

	exact10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
)

// mostExponent is where reading an exponent stops: beyond it nothing changes, since
// a number has far fewer digits.
const mostExponent = 1 << 30

// readNumeral reads a number that keeps to the syntax of JSON.
func readNumeral(token []byte) numeral {
	var n numeral
	if token[0] == '-' {
		n.negative = true
		token = token[1:]
	}
	places := 0  // digits read, without zeros in front
	point := -1  // places when the point came
	pending := 0 // zeros that count only if another digit follows
	leading := 0 // zeros between the point and the first other digit
	i := 0
	for ; i < len(token); i++ {
		c := token[i]
		switch {
		case c == '.':
			point = places
			continue
		case c > '9': // e or E
			n.exponent = readExponent(token[i+1:])
			i = len(token)
			continue
		case c == '0':
			if places > 0 {
				places++
				pending++
			} else if point >= 0 {
				leading++
			}
			continue
		}
		if places++; places <= 19 {
			n.digits = n.digits*pow10[pending]*10 + uint64(c-'0')
		}
		n.count, pending = places, 0
	}
	if point < 0 {
		point = places
	}
	n.exponent += point - leading - n.count
	return n
}

func readExponent(token []byte) int {
	e, sign := 0, 1
	for _, c := range token {
		switch c {
		case '-':
			sign = -1
		case '+':
		default:
			e = min(e*10+int(c-'0'), mostExponent)
		}
	}
	return e * sign
}

// scaled returns |n| × 10^scale, or the reason why that is no whole number of at
// most so many digits (at most 19).
func (n *numeral) scaled(scale, digits int) (x uint64, reason string) {
	switch up := n.exponent + scale; {
	case n.count == 0:
		return 0, ""
	case n.count+up > digits:
		return 0, ReasonOverflow
	case up < 0:
		return 0, ReasonScale
	default:
		return n.digits * pow10[up], ""
	}
}

// isNumber reports whether a text is a number as JSON writes them.
func isNumber(text []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(text) && text[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	if !digits() || text[first] == '0' && i > first+1 {
		return false
	}
	if i < len(text) && text[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(text)
}

// isWhole reports whether a number is written without point and exponent.
func isWhole(token []byte) bool {
	for _, c := range token {
		if c == '.' || c|0x20 == 'e' {
			return false
		}
	}
	return true
}
