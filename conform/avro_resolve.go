package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/schema"
)

// avroCode is what is done with a value.
type avroCode uint8

const (
	avroUnfit    avroCode = iota // it is read over and rejected: it never becomes a value of the column
	avroSkip                     // it is read over
	avroSkipText                 // the same, of a length and so many bytes
	avroSkipLong                 //
	avroTold                     // a policy is told of it first
	avroUnion                    // its branch says
	avroInside                   // columns come from within it
	avroOutside                  // columns should come from within it, and cannot
	avroNull                     //
	avroBoolean                  //
	avroWhole                    // a whole number, a day or a moment, within bounds
	avroReal                     // a whole number, for a float or double
	avroDouble                   //
	avroFloat                    //
	avroText                     //
	avroBytes                    // into a column of bytes
	avroEnum                     // into a column of text
	avroDecimal                  // into one with at least its scale
	avroJSON                     // as text of JSON
	avroNested                   // into a column of a nested type
	avroOther                    // by way of what it is as text
	avroVariable                 // of Debezium: an object with a scale and an unscaled number
)

// The changes that a schema of Avro shows before any value does.
const (
	changeNarrow   = "narrow"   // a type that holds more than the column: what fits is taken
	changeType     = "type"     // another type, which some values of the column are written as
	changeNullable = "nullable" // null may come, and the column is required
	changeMismatch = "mismatch" // a type that never becomes the column's
)

// avroCode says how a value of a type becomes one of the column, and the change that this
// is, empty: none. What JSON takes is taken, and beyond that what Avro itself resolves;
// nothing of another kind is.
func (f *field) avroCode(t *avroschema.Type) (code avroCode, change string) {
	if f.nest != nil && t.Kind != avroschema.Null {
		return f.avroNested(t), ""
	}
	if f.json && t.Kind != avroschema.Null {
		return avroJSON, ""
	}
	switch t.Kind {
	case avroschema.Null:
		return avroNull, ""
	case avroschema.Boolean:
		if f.kind == schema.Boolean {
			return avroBoolean, ""
		}
	case avroschema.Int, avroschema.Long:
		return f.avroInteger(t)
	case avroschema.Float, avroschema.Double:
		return f.avroFraction(t)
	case avroschema.String, avroschema.Bytes:
		return f.avroString(t)
	case avroschema.Enum:
		if f.kind == schema.String {
			return avroEnum, ""
		}
	case avroschema.Fixed, avroschema.Duration, avroschema.UUID:
		switch {
		case f.kind == schema.Binary:
			return avroBytes, ""
		case f.kind == schema.String && t.Kind == avroschema.UUID:
			return avroOther, ""
		}
	case avroschema.Decimal:
		return f.avroDecimal(t)
	case avroschema.Date, avroschema.Moment, avroschema.Time:
		return f.avroTime(t)
	}
	return avroUnfit, ""
}

func (f *field) avroInteger(t *avroschema.Type) (avroCode, string) {
	short := t.Kind == avroschema.Int
	switch f.kind {
	case schema.Int:
		if short {
			return avroWhole, ""
		}
		return avroWhole, changeNarrow
	case schema.Long:
		if short {
			return avroWhole, changeWiden
		}
		return avroWhole, ""
	case schema.Decimal:
		return avroWhole, changeWiden
	case schema.Float, schema.Double:
		return avroReal, changeWiden
	case schema.Date, schema.Timestamp:
		if f.unit != "" {
			return avroOther, ""
		}
	}
	return avroUnfit, ""
}

func (f *field) avroFraction(t *avroschema.Type) (avroCode, string) {
	single := t.Kind == avroschema.Float
	switch f.kind {
	case schema.Double:
		if single {
			return avroFloat, changeWiden
		}
		return avroDouble, ""
	case schema.Float:
		if single {
			return avroFloat, ""
		}
		return avroOther, changeNarrow
	case schema.Int, schema.Long:
		return avroOther, changeNarrow
	case schema.Date, schema.Timestamp:
		if f.unit != "" {
			return avroOther, ""
		}
	}
	if f.kind == schema.Decimal && f.inexact {
		return avroOther, changeNarrow
	}
	return avroUnfit, "" // a decimal is made of what is exact
}

func (f *field) avroString(t *avroschema.Type) (avroCode, string) {
	text := t.Kind == avroschema.String
	switch f.kind {
	case schema.String:
		if text {
			return avroText, ""
		}
		return avroText, changeWiden
	case schema.Binary:
		if text {
			return avroBytes, changeWiden
		}
		return avroBytes, ""
	case schema.Boolean:
		return avroUnfit, ""
	}
	if text {
		return avroOther, changeType
	}
	return avroUnfit, ""
}

func (f *field) avroDecimal(t *avroschema.Type) (avroCode, string) {
	switch whole := t.Precision - t.Scale; f.kind {
	case schema.Decimal:
		switch {
		case f.scale == t.Scale && f.digits == t.Precision:
			return avroDecimal, ""
		case f.scale < t.Scale:
			return avroOther, changeNarrow
		case f.digits-f.scale < whole:
			return avroDecimal, changeNarrow
		}
		return avroDecimal, changeWiden
	case schema.Int, schema.Long, schema.Float, schema.Double:
		return avroOther, changeNarrow
	case schema.Date, schema.Timestamp:
		if f.unit != "" {
			return avroOther, ""
		}
	}
	return avroUnfit, ""
}

func (f *field) avroTime(t *avroschema.Type) (avroCode, string) {
	switch moment := t.Kind == avroschema.Moment; f.kind {
	case schema.String:
		return avroOther, changeType
	case schema.Date:
		switch {
		case t.Kind == avroschema.Date:
			return avroWhole, ""
		case moment:
			return avroOther, changeNarrow
		}
	case schema.Timestamp:
		switch {
		case t.Kind == avroschema.Date:
			return avroOther, changeWiden
		case moment && t.Unit == 1e9:
			return avroOther, changeNarrow
		case moment && (t.Zoned || f.zone == nil):
			return avroWhole, ""
		case moment:
			return avroOther, ""
		}
	}
	return avroUnfit, ""
}
