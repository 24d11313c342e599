package infer

import (
	"encoding/json"
	"fmt"
	"slices"

	"tidemark/internal/jsonschema"
)

// Connect is the columns for values that Kafka Connect's JsonConverter wrote, the newest last,
// by the schemas in them. Fields that only older schemas have come last. Of change events of
// Debezium, the columns are those of the rows behind the changes. It is nil where no value has
// such a schema, and where rows are texts, of which it says nothing.
func Connect(values [][]byte) *Result {
	var out *Result
	seen := map[string]bool{}
	schemas := ConnectSchemas(values)
	for _, s := range schemas {
		if row, _ := rowOf(s.Root); row == nil {
			continue
		}
		r := Objects(s.Schema)
		if out == nil {
			out = &Result{Beside: r.Beside}
		}
		for _, c := range r.Columns {
			if seen[c.Name] {
				continue
			}
			seen[c.Name] = true
			if s != schemas[0] {
				c.Remark = joined("the newest schema has no such field", c.Remark)
			}
			out.Columns = append(out.Columns, c)
		}
	}
	if out != nil && len(schemas) > 1 {
		out.Notes = append(out.Notes, fmt.Sprintf("of %d schemas: the columns are those of the newest one first", len(schemas)))
	}
	return out
}

// ConnectSchema is a schema that stands in values.
type ConnectSchema struct {
	*jsonschema.Schema
	Values int64 // that have it
}

// ConnectSchemas are the schemas in values of Kafka Connect's JsonConverter, of which the newest
// is the last: that of the newest value first. Those that are none are left out.
func ConnectSchemas(values [][]byte) []*ConnectSchema {
	var out []*ConnectSchema
	known := map[string]*ConnectSchema{}
	for _, v := range slices.Backward(values) {
		var whole struct {
			Schema json.RawMessage `json:"schema"`
		}
		if json.Unmarshal(v, &whole) != nil || len(whole.Schema) == 0 {
			continue
		}
		s, ok := known[string(whole.Schema)]
		if !ok {
			if parsed, err := jsonschema.ParseConnect(string(whole.Schema)); err == nil {
				s = &ConnectSchema{Schema: parsed}
				out = append(out, s)
			}
			known[string(whole.Schema)] = s
		}
		if s != nil {
			s.Values++
		}
	}
	return out
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
