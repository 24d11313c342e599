package avroschema

import (
	"strconv"

	"tidemark/internal/jsontext"
)

// ConnectDecimal names a decimal of Kafka Connect, whose scale stands in its parameters.
const ConnectDecimal = "org.apache.kafka.connect.data.Decimal"

// ConnectVariable names a decimal of Debezium that says its scale beside its number.
const ConnectVariable = "io.debezium.data.VariableScaleDecimal"

const (
	mostScale     = 1000 // is more than any column has
	connectDigits = 64   // of a decimal that does not say, as Confluent's converter has it
)

// DecimalOf is a decimal of Kafka Connect with a scale, nil: there is none of it.
func DecimalOf(scale string) *Type {
	n, err := strconv.Atoi(scale)
	if err != nil || n < 0 || n > mostScale {
		return nil
	}
	return &Type{Kind: Decimal, Base: Bytes, Scale: n, Precision: 1 << 30}
}

// Named is the type of values that Kafka Connect and Debezium write as numbers, or as an object
// with a scale, by the name of their schema, nil for all others.
func Named(name string) *Type {
	moment := func(unit jsontext.Unit, zoned bool) *Type {
		return &Type{Kind: Moment, Base: Long, Unit: unit, Zoned: zoned}
	}
	switch name {
	case ConnectVariable:
		return &Type{Kind: Decimal, Base: Record, Precision: 1 << 30}
	case "org.apache.kafka.connect.data.Date", "io.debezium.time.Date":
		return &Type{Kind: Date, Base: Int}
	case "org.apache.kafka.connect.data.Timestamp":
		return moment(jsontext.Millis, true)
	case "io.debezium.time.Timestamp":
		return moment(jsontext.Millis, false)
	case "io.debezium.time.MicroTimestamp":
		return moment(jsontext.Micros, false)
	case "io.debezium.time.NanoTimestamp":
		return moment(jsontext.Nanos, false)
	case "org.apache.kafka.connect.data.Time", "io.debezium.time.Time":
		return &Type{Kind: Time, Base: Int, Unit: jsontext.Millis}
	case "io.debezium.time.MicroTime":
		return &Type{Kind: Time, Base: Long, Unit: jsontext.Micros}
	case "io.debezium.time.NanoTime":
		return &Type{Kind: Time, Base: Long, Unit: jsontext.Nanos}
	}
	return nil
}

// variable notes on a record that it is a decimal of Debezium that says its scale.
func variable(t *Type, o map[string]any) {
	name, _ := o["connect.name"].(string)
	if name == ConnectVariable && len(t.Fields) == 2 && t.Fields[0].Name == "scale" && t.Fields[0].Of.Kind == Int && t.Fields[1].Name == "value" && t.Fields[1].Of.Kind == Bytes {
		t.Connect = &Type{Kind: Decimal, Base: Record, Precision: 1 << 30}
	}
}

// connected notes on a type what Kafka Connect says that its values are, where Avro itself does
// not say it.
func connected(t *Type, o map[string]any) *Type {
	name, _ := o["connect.name"].(string)
	if name == "" || t.Kind != Int && t.Kind != Long && t.Kind != Bytes {
		return t
	}
	of := Named(name)
	if name == ConnectDecimal {
		parameters, _ := o["connect.parameters"].(map[string]any)
		scale, _ := parameters["scale"].(string)
		of = DecimalOf(scale)
		if of != nil {
			of.Precision = max(connectDigits, of.Scale)
		}
		digits, _ := parameters["connect.decimal.precision"].(string)
		if n, err := strconv.Atoi(digits); of != nil && err == nil && n >= max(1, of.Scale) && n <= maxDigits {
			of.Precision = n
		}
	}
	if of == nil || of.Base != t.Kind {
		return t
	}
	of.Least = t.Least
	out := *t
	out.Connect = of
	return &out
}
