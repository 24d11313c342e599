package conform

import (
	"strconv"

	"tidemark/internal/avroschema"
	"tidemark/internal/jsontext"
)

// connectDecimal names a decimal of Kafka Connect, whose scale stands in its parameters.
const connectDecimal = "org.apache.kafka.connect.data.Decimal"

// connectVariable names a decimal of Debezium that is an object with its scale.
const connectVariable = "io.debezium.data.VariableScaleDecimal"

// mostConnectScale is more than any column has.
const mostConnectScale = 1000

// decimalNamed is a decimal of Kafka Connect with a scale, nil: there is none of it.
func decimalNamed(scale string) *avroschema.Type {
	n, err := strconv.Atoi(scale)
	if err != nil || n < 0 || n > mostConnectScale {
		return nil
	}
	return &avroschema.Type{Kind: avroschema.Decimal, Base: avroschema.Bytes, Scale: n, Precision: 1 << 30}
}

// typeNamed is the type of values that Kafka Connect and Debezium write as numbers, or as an
// object with a scale, by the name of their schema, nil for all others.
func typeNamed(name string) *avroschema.Type {
	moment := func(unit jsontext.Unit, zoned bool) *avroschema.Type {
		return &avroschema.Type{Kind: avroschema.Moment, Unit: unit, Zoned: zoned}
	}
	clock := func(unit jsontext.Unit) *avroschema.Type { return &avroschema.Type{Kind: avroschema.Time, Unit: unit} }
	switch name {
	case connectVariable:
		return &avroschema.Type{Kind: avroschema.Decimal, Base: avroschema.Record}
	case "org.apache.kafka.connect.data.Date", "io.debezium.time.Date":
		return &avroschema.Type{Kind: avroschema.Date}
	case "org.apache.kafka.connect.data.Timestamp":
		return moment(jsontext.Millis, true)
	case "io.debezium.time.Timestamp":
		return moment(jsontext.Millis, false)
	case "io.debezium.time.MicroTimestamp":
		return moment(jsontext.Micros, false)
	case "io.debezium.time.NanoTimestamp":
		return moment(jsontext.Nanos, false)
	case "org.apache.kafka.connect.data.Time", "io.debezium.time.Time":
		return clock(jsontext.Millis)
	case "io.debezium.time.MicroTime":
		return clock(jsontext.Micros)
	case "io.debezium.time.NanoTime":
		return clock(jsontext.Nanos)
	}
	return nil
}
