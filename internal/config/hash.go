package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"tidemark/internal/schema"
)

// hash is the first 16 hex digits of the SHA-256 of everything that is in effect:
// defaults and variables put in, secrets left out.
func (c *Config) hash() string {
	text, err := json.Marshal(c.effective())
	if err != nil {
		panic(err) // plain values only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:16]
}

// effective is a configuration in a form that JSON can write whole.
func (c *Config) effective() map[string]any {
	out := map[string]any{
		"lake": c.Lake, "source_system": c.SourceSystem, "batch": c.Batch, "memory": c.Memory, "writer": c.Writer, "http": c.HTTP,
	}
	if c.Kafka != nil {
		k := *c.Kafka
		if k.SASL != nil {
			k.SASL = nil
			out["sasl"] = []string{c.Kafka.SASL.Mechanism, c.Kafka.SASL.Username}
		}
		out["kafka"] = k
	}
	if c.Registry != nil {
		out["registry"] = c.Registry.effective()
	}
	var tables []map[string]any
	for i := range c.Tables {
		tables = append(tables, c.Tables[i].effective())
	}
	out["tables"] = tables
	return out
}

func (t *Table) effective() map[string]any {
	type column struct {
		schema.Column
		Zone string
	}
	var columns []column
	for _, c := range t.Schema.Columns {
		e := column{Column: c}
		if c.Time.Zone != nil {
			e.Zone = c.Time.Zone.String()
		}
		columns = append(columns, e)
	}
	return map[string]any{
		"name": t.Schema.Name, "columns": columns, "event_time": t.Schema.EventTime, "partition_by": t.Schema.Partition,
		"evolution": t.Schema.Evolution, "topics": t.Topics, "format": t.Format, "debezium": t.Schema.Debezium, "schema_file": t.SchemaFile, "csv": t.Schema.CSV, "delay": t.Delay, "max_future": t.MaxFuture,
		"idle_after": t.IdleAfter, "late": t.Late, "checks": t.Checks, "dedupe": t.Dedupe, "policy": t.Policy, "writer": t.Writer,
	}
}
