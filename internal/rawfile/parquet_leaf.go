package rawfile

import (
	"fmt"

	"tidemark/internal/jsontext"
)

// The annotations that are told apart, by their numbers in a logical type. The older
// ones that say the same are translated.
const (
	logicalNone      = 0
	logicalString    = 1
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalJSON      = 12
	logicalUUID      = 14
	logicalFloat16   = 15
	logicalInterval  = -1
)

// translate gives an element of an old file the logical type that it would have today.
func (e *parquetElement) translate() {
	if e.logical != logicalNone {
		return
	}
	switch e.converted {
	case 0:
		e.logical = logicalString
	case 4:
		e.logical = logicalEnum
	case 5:
		e.logical, e.logicalScale, e.logicalPrec = logicalDecimal, e.scale, e.precision
	case 6:
		e.logical = logicalDate
	case 7:
		e.logical, e.unit = logicalTime, jsontext.Millis
	case 8:
		e.logical, e.unit = logicalTime, jsontext.Micros
	case 9:
		e.logical, e.unit, e.adjusted = logicalTimestamp, jsontext.Millis, true
	case 10:
		e.logical, e.unit, e.adjusted = logicalTimestamp, jsontext.Micros, true
	case 11, 12, 13, 14:
		e.logical, e.unsigned = logicalInteger, true
	case 19:
		e.logical = logicalJSON
	case 21:
		e.logical = logicalInterval
	}
}

// leaf compiles a column. What an annotation says that does not fit its type is ignored.
func (e *parquetElement) leaf(path string) (*parquetNode, error) {
	e.translate()
	n := &parquetNode{path: path, physical: e.typ, unit: e.unit, zoned: e.adjusted}
	if e.logical == logicalDecimal {
		n.scale, n.precision = int(e.logicalScale), int(e.logicalPrec)
		if n.precision < 1 || n.scale < 0 || n.scale > n.precision || n.precision > maxDecimal {
			return nil, fmt.Errorf("is decimal(%d,%d): precision is 1 to %d, scale 0 to the precision", n.precision, n.scale, maxDecimal)
		}
	}
	switch e.typ {
	case physicalBoolean:
		n.kind = parquetBoolean
	case physicalInt32, physicalInt64:
		n.kind, n.width = e.integer(), int(4*e.typ)
	case physicalInt96:
		n.kind, n.width = parquetInt96, 12
	case physicalFloat:
		n.kind, n.width = parquetFloat, 4
	case physicalDouble:
		n.kind, n.width = parquetDouble, 8
	case physicalBytes:
		n.kind = e.bytes()
	case physicalFixed:
		if e.length < 1 || e.length > maxFixed {
			return nil, fmt.Errorf("claims %d bytes for each value", e.length)
		}
		n.kind, n.width = e.fixed(), int(e.length)
	default:
		return nil, fmt.Errorf("has the unknown type %d", e.typ)
	}
	return n, nil
}

func (e *parquetElement) integer() parquetKind {
	long := e.typ == physicalInt64
	switch {
	case e.logical == logicalDecimal:
		return parquetNumber
	case e.logical == logicalDate && !long:
		return parquetDate
	case e.logical == logicalTime && e.unit != 0 && long == (e.unit != jsontext.Millis):
		return parquetTime
	case e.logical == logicalTimestamp && e.unit != 0 && long:
		return parquetMoment
	case e.logical == logicalInteger && e.unsigned && long:
		return parquetUint64
	case e.logical == logicalInteger && e.unsigned:
		return parquetUint32
	}
	return parquetInt
}

func (e *parquetElement) bytes() parquetKind {
	switch e.logical {
	case logicalString, logicalEnum, logicalJSON:
		return parquetText
	case logicalDecimal:
		return parquetDecimal
	}
	return parquetBinary
}

func (e *parquetElement) fixed() parquetKind {
	switch {
	case e.logical == logicalDecimal:
		return parquetDecimal
	case e.logical == logicalUUID && e.length == 16:
		return parquetUUID
	case e.logical == logicalFloat16 && e.length == 2:
		return parquetHalf
	case e.logical == logicalInterval && e.length == 12:
		return parquetInterval
	}
	return parquetBinary
}
