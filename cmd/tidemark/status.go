package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/status"
)

// statusCommand is `tidemark status`.
type statusCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Watch  bool   `help:"Show it again every two seconds, until Ctrl-C."`
	JSON   bool   `name:"json" help:"Write JSON, one document a line."`
}

// Help is shown by --help.
func (statusCommand) Help() string {
	return "Read from the ledger, and from Kafka where it answers. Nothing is changed.\n\n" +
		example("tidemark status -c tidemark.yaml", "tidemark status -c tidemark.yaml --json | jq '.tables[].lag'")
}

const (
	watchEvery  = 2 * time.Second
	kafkaAnswer = 5 * time.Second // is waited for Kafka, which status can do without
)

// Run shows the state once, or again and again.
func (c *statusCommand) Run(ctx context.Context, p *program) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	for {
		doc, err := readStatus(ctx, cfg, lake)
		if err != nil {
			return err
		}
		if err := c.show(p, doc); err != nil || !c.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

func (c *statusCommand) show(p *program, doc status.Document) error {
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(doc)
	}
	if c.Watch && terminal(p.stdout) {
		fmt.Fprint(p.stdout, "\x1b[H\x1b[2J") // to the top of an empty screen
	}
	return doc.Text(p.stdout, p.color(p.stdout))
}

// readStatus puts the document together from the ledgers and from Kafka.
func readStatus(ctx context.Context, cfg *config.Config, lake status.Lake) (status.Document, error) {
	doc := status.Document{At: ledger.At(time.Now()), Version: readBuild().version, Lake: cfg.Lake, Tables: []status.Table{}}
	tables, err := selectTables(cfg)
	if err != nil {
		return doc, err
	}
	var info consumer.Info
	if cfg.Kafka == nil {
		doc.Kafka = "the configuration names no brokers"
	} else {
		asked, cancel := context.WithTimeout(ctx, kafkaAnswer)
		defer cancel()
		if info, err = kafkaInfo(asked, cfg, tables); err != nil {
			doc.Kafka = err.Error()
		}
	}
	for _, t := range tables {
		st, live, err := status.Read(ctx, lake, t.Schema.Name)
		if err != nil {
			return doc, err
		}
		if doc.Kafka == "" {
			live.Ends = ends(info, t.Schema.Name)
		}
		doc.Tables = append(doc.Tables, status.Of(st, live))
	}
	return doc, nil
}

// ends are where the partitions of a table end, as Kafka says.
func ends(info consumer.Info, table string) map[ledger.Key]int64 {
	out := map[ledger.Key]int64{}
	for _, topic := range info.Topics {
		if topic.Table != table || topic.Err != nil {
			continue
		}
		for _, p := range topic.Partitions {
			if p.Err == nil {
				out[ledger.Key{Topic: topic.Topic, TopicID: topic.ID, Partition: p.Partition}] = p.End
			}
		}
	}
	return out
}
