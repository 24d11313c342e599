package main

import (
	"context"
	"fmt"

	"tidemark/conform"
	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/infer"
	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// insideRecords is how many of the newest records of a topic are looked at for a schema: some may
// have none.
const insideRecords = 100

// lookInside looks at what the schemas in the newest records of topics mean for the tables.
func (c *plan) lookInside(ctx context.Context) {
	absent := map[string]bool{}
	for _, t := range c.info.Topics {
		absent[t.Topic] = absent[t.Topic] || t.Err != nil
	}
	for _, t := range c.tables {
		if t.Schema.Format != schema.ConnectJSONFormat {
			continue
		}
		for _, topic := range t.Topics {
			if absent[topic] {
				continue
			}
			newest, err := newestInside(ctx, c, topic)
			if err != nil {
				c.faults = append(c.faults, fmt.Errorf("table %s: read the newest records: %w", t.Schema.Name, err))
				continue
			}
			if newest == nil {
				continue
			}
			s, err := compared(t, "schema in the newest record of topic "+topic, func(plan *conform.Plan) []batch.Drift { return plan.ObjectDifferences(newest) })
			if err != nil {
				c.faults = append(c.faults, err)
				continue
			}
			c.inside = append(c.inside, s)
			if s.refused {
				c.faults = append(c.faults, usageError{fmt.Sprintf("table %s: %s: %v", t.Schema.Name, s.name, errDiffers)})
			}
		}
	}
}

// newestInside is the schema in the newest record of a topic that has one, nil: none has.
func newestInside(ctx context.Context, c *plan, topic string) (*jsonschema.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	records, err := consumer.Tail(ctx, consumerConfig(c.cfg, nil), topic, insideRecords)
	if err != nil {
		return nil, err
	}
	var values [][]byte
	for i := range records {
		values = append(values, records[i].Value)
	}
	if schemas := infer.ConnectSchemas(values); len(schemas) > 0 {
		return schemas[0].Schema, nil
	}
	return nil, nil
}

// ofConnect is the schema of Kafka Connect that a file holds, nil: it holds another thing.
func ofConnect(text []byte) *jsonschema.Schema {
	s, err := jsonschema.ParseConnect(string(text))
	if err != nil {
		return nil
	}
	return s
}
