package main

import (
	"testing"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/pipeline"
	"tidemark/quality"
	"tidemark/watermark"
)

// TestSettingsReachTheirUsers changes every setting and looks for each where it is
// used: one that got lost on the way would be accepted and do nothing.
func TestSettingsReachTheirUsers(t *testing.T) {
	cfg, err := config.Parse("c.yaml", []byte(`
lake: file:///lake
source_system: core
memory: 128MiB
batch: {max_age: 7s, max_rows: 77, max_bytes: 7MiB}
writer: {codec: gzip, target_file: 33MiB, sort_by: []}
kafka:
  brokers: ["b1:1", "b2:2"]
  group: g
  start: latest
  on_loss: continue
  session_timeout: 11s
  instance_id: i-1
  rack: zone-1
  protocol: consumer
  tls: {}
  sasl: {mechanism: SCRAM-SHA-256, username: u, password: secret}
tables:
  - name: t
    preset: banking/card-transactions
    topics: [a, b]
    watermark: {delay: 2h, max_future: 3h, idle_after: 4s, late: drop}
    on_fail: halt
    halt_above: 0.25
    halt_min_rows: 9
    writer: {level: best, sort_by: [transaction_date]}
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	tables, err := selectTables(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := consumerConfig(cfg, tables)
	if len(c.Brokers) != 2 || c.Group != "g" || c.Start != "latest" || c.SessionTimeout != 11*time.Second || c.InstanceID != "i-1" ||
		c.Rack != "zone-1" || c.Protocol != "consumer" || c.TLS == nil || len(c.Tables) != 2 || c.Tables["a"] != "t" || c.Tables["b"] != "t" || c.BufferBytes != 16<<20 {
		t.Errorf("the consumer gets %+v", c)
	}
	if c.SASL == nil || c.SASL.Mechanism != "SCRAM-SHA-256" || c.SASL.Username != "u" {
		t.Fatalf("the consumer gets %+v", c.SASL)
	}
	if password, err := c.SASL.Password(); password != "secret" || err != nil {
		t.Errorf("the password is %q, %v", password, err)
	}
	p := pipelineConfig(cfg, tables, true)
	if p.SourceSystem != "core" || p.OnLoss != pipeline.Continue || p.MaxAge != 7*time.Second || p.MaxRows != 77 || p.MaxBytes != 7<<20 ||
		p.Memory != 128<<20 || !p.Drain || p.Decider.ConfigHash != cfg.Hash || p.Decider.PID == 0 || p.Decider.Host == "" || len(p.Tables) != 1 {
		t.Errorf("the pipeline gets %+v", p)
	}
	got := p.Tables[0]
	if got.Delay != 2*time.Hour || got.MaxFuture != 3*time.Hour || got.IdleAfter != 4*time.Second || got.Late != watermark.Drop ||
		got.Policy != (quality.Policy{OnFail: quality.HaltBatch, HaltAbove: 0.25, HaltMinRows: 9}) || got.Suite == nil || len(got.Topics) != 2 {
		t.Errorf("the pipeline gets the table %+v", got)
	}
	if w := got.Writer; w.Codec != "gzip" || w.Level != "best" || w.TargetFile != 33<<20 || len(w.SortBy) != 1 {
		t.Errorf("the writer gets %+v", w)
	}
}
