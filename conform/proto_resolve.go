package conform

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// protoCode is what is done with a value.
type protoCode uint8

const (
	protoUnfit    protoCode = iota // it is rejected: it never becomes a value of the column
	protoText                      //
	protoWhole                     // a varint, for a column of whole numbers or decimals
	protoInteger                   // the same, written in another way
	protoReal                      // a whole number, for a float or double
	protoBoolean                   //
	protoDouble                    // for a double
	protoFloat                     // the same
	protoFraction                  // a float or double for any other column
	protoEpoch                     // a whole number of a unit since 1970
	protoBytes                     // into a column of bytes
	protoEnum                      //
	protoSays                      // what a text says
	protoMoment                    // a Timestamp
	protoDay                       // a Date
	protoSpan                      // a Duration, as text
	protoDecimal                   // one of google.type
	protoScaled                    // one of confluent.type
	protoWrapper                   // what it wraps
	protoJSON                      // as text of JSON
	protoNested                    // into a column of a nested type
	protoInside                    // a message that columns come from within
	protoElements                  // a list or map that they come from within
	protoOutside                   // they should come from within it, and cannot
	protoCheck                     // no column: its bytes are looked at
	protoSkip                      // no column
)

// plainZero reports whether an absent value makes the column's bits 0.
func (c protoCode) plainZero() bool { return c >= protoWhole && c <= protoFloat }

// protoCode says how a value of a field becomes one of the column, and the change that this
// is, empty: none. What the JSON that Protobuf itself would write becomes, it becomes, but that
// no text is made of a number, and that what is exact without JSON is taken so: bytes are
// bytes, a float is the double that it is.
func (f *field) protoCode(of *protoschema.Field) (code protoCode, change string) {
	if f.json {
		return protoJSON, ""
	}
	if f.nest != nil {
		return f.protoNested(of), ""
	}
	if of.List || of.Map {
		return protoUnfit, ""
	}
	switch of.Kind {
	case protoreflect.BoolKind:
		if f.kind == schema.Boolean {
			return protoBoolean, ""
		}
	case protoreflect.EnumKind:
		if f.kind == schema.String {
			return protoEnum, ""
		}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return f.protoFraction(of)
	case protoreflect.StringKind:
		return f.protoString()
	case protoreflect.BytesKind:
		switch f.kind {
		case schema.Binary:
			return protoBytes, ""
		case schema.String:
			return protoText, changeWiden
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return f.protoKnown(of)
	default:
		return f.protoInteger(of)
	}
	return protoUnfit, ""
}

// protoSizes are the bits of whole numbers: negative, they have a sign.
func protoSizes(k protoreflect.Kind) int {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return -32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 32
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 64
	}
	return -64
}

func (f *field) protoInteger(of *protoschema.Field) (protoCode, string) {
	code := protoInteger
	if of.Kind == protoreflect.Int32Kind || of.Kind == protoreflect.Int64Kind {
		code = protoWhole
	}
	size := protoSizes(of.Kind)
	switch f.kind {
	case schema.Int:
		if size == -32 {
			return code, ""
		}
		return code, changeNarrow
	case schema.Long:
		switch size {
		case -64:
			return code, ""
		case 64:
			return code, changeNarrow
		}
		return code, changeWiden
	case schema.Decimal:
		return code, changeWiden
	case schema.Float, schema.Double:
		return protoReal, changeWiden
	case schema.Date, schema.Timestamp:
		if f.unit != "" {
			return protoEpoch, ""
		}
	}
	return protoUnfit, ""
}

func (f *field) protoFraction(of *protoschema.Field) (protoCode, string) {
	single := of.Kind == protoreflect.FloatKind
	switch f.kind {
	case schema.Double:
		if single {
			return protoFloat, changeWiden
		}
		return protoDouble, ""
	case schema.Float:
		if single {
			return protoFloat, ""
		}
		return protoFraction, changeNarrow
	case schema.Int, schema.Long:
		return protoFraction, changeNarrow
	case schema.Date, schema.Timestamp:
		if f.unit != "" {
			return protoFraction, ""
		}
	}
	if f.kind == schema.Decimal && f.inexact {
		return protoFraction, changeNarrow
	}
	return protoUnfit, "" // a decimal is made of what is exact
}

func (f *field) protoString() (protoCode, string) {
	switch f.kind {
	case schema.String:
		return protoText, ""
	case schema.Binary:
		return protoBytes, changeWiden
	case schema.Boolean:
		return protoUnfit, ""
	}
	return protoSays, changeType
}

// protoKnown is protoCode for a message.
func (f *field) protoKnown(of *protoschema.Field) (protoCode, string) {
	switch known := of.Of.Known; known {
	case protoschema.Wrapper:
		code, change := f.protoCode(&of.Of.Fields[0])
		if code == protoUnfit {
			return code, change
		}
		return protoWrapper, "" // what it wraps tells the change
	case protoschema.Timestamp:
		switch f.kind {
		case schema.Timestamp:
			return protoMoment, ""
		case schema.Date:
			return protoMoment, changeNarrow
		case schema.String:
			return protoMoment, changeType
		}
	case protoschema.Date:
		switch f.kind {
		case schema.Date:
			return protoDay, ""
		case schema.Timestamp:
			return protoDay, changeWiden
		case schema.String:
			return protoDay, changeType
		}
	case protoschema.Duration:
		if f.kind == schema.String {
			return protoSpan, changeType
		}
	case protoschema.TextDecimal, protoschema.BytesDecimal:
		code := protoDecimal
		if known == protoschema.BytesDecimal {
			code = protoScaled
		}
		switch f.kind {
		case schema.Decimal:
			return code, ""
		case schema.Int, schema.Long, schema.Float, schema.Double:
			return code, changeNarrow
		}
	}
	return protoUnfit, ""
}
