package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/config"
	"tidemark/internal/schema"
)

// Scenarios are read by eye. Their commands:
//
//	parse [NAME=VALUE …]      reads the body in that environment and prints what is
//	                          in effect, or the faults; "_" in a value is a space
//	run                       what ForRun says of the last one
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenario", func(t *testing.T, path string) {
		var last *config.Config
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse":
				env := map[string]string{}
				for _, a := range d.CmdArgs {
					env[a.Key] = strings.ReplaceAll(strings.Join(a.Vals, ""), "_", " ")
				}
				c, err := config.Parse("c.yaml", []byte(d.Input), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
				if err != nil {
					return err.Error()
				}
				last = c
				return describe(c)
			case "run":
				if err := last.ForRun(); err != nil {
					return err.Error()
				}
				return "ready"
			}
			d.Fatalf(t, "no such command")
			return ""
		})
	})
}

// describe says what is in effect.
func describe(c *config.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "lake %s, source_system %q, memory %d, batch %s %d %d, http %q\n", c.Lake, c.SourceSystem, c.Memory,
		c.Batch.MaxAge, c.Batch.MaxRows, c.Batch.MaxBytes, c.HTTP.Listen)
	if k := c.Kafka; k != nil {
		fmt.Fprintf(&b, "kafka %v group %q start %s on_loss %s protocol %s session %s instance %q rack %q\n",
			k.Brokers, k.Group, k.Start, k.OnLoss, k.Protocol, k.SessionTimeout, k.InstanceID, k.Rack)
		if k.TLS != nil {
			fmt.Fprintf(&b, "tls %+v\n", *k.TLS)
		}
		if k.SASL != nil {
			password, err := k.SASL.Password()
			fmt.Fprintf(&b, "sasl %s %q password %q %v\n", k.SASL.Mechanism, k.SASL.Username, password, err)
		}
	}
	for i := range c.Tables {
		describeTable(&b, &c.Tables[i])
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

func describeTable(b *strings.Builder, t *config.Table) {
	s := t.Schema
	fmt.Fprintf(b, "table %s topics %v format %s by %s", s.Name, t.Topics, t.Format, s.Partition)
	if s.EventTime >= 0 {
		fmt.Fprintf(b, " of %s", s.Columns[s.EventTime].Name)
	}
	fmt.Fprintf(b, "\n  evolution %v, delay %s, max_future %s, idle_after %s, late %s\n", s.Evolution, t.Delay, t.MaxFuture, t.IdleAfter, t.Late)
	fmt.Fprintf(b, "  %s, halt_above %v of %d rows, writer %+v\n", t.Policy.OnFail, t.Policy.HaltAbove, t.Policy.HaltMinRows, t.Writer)
	for i := range s.Columns {
		fmt.Fprintf(b, "  column %s\n", column(&s.Columns[i]))
	}
	fmt.Fprintf(b, "  checks %s\n", strings.Join(t.Suite.Names(), ", "))
	for _, r := range t.Remarks {
		fmt.Fprintf(b, "  remark: %s\n", r)
	}
}

func column(c *schema.Column) string {
	out := c.Name + " " + c.Type.String()
	if c.Required {
		out += " required"
	}
	switch d := c.Default; {
	case d.Null:
		out += " default null"
	case d.Bytes != nil:
		out += fmt.Sprintf(" default %q", d.Bytes)
	default:
		out += fmt.Sprintf(" default %d", d.Int)
	}
	if !c.From.IsZero() {
		out += fmt.Sprintf(" from %s", c.From)
	}
	if c.Aliases != nil {
		out += fmt.Sprintf(" aliases %v", c.Aliases)
	}
	if f := c.Time; f.Unit != "" || f.Layout != "" || f.Zone != nil {
		out += fmt.Sprintf(" unit %q layout %q zone %s", f.Unit, f.Layout, f.Zone)
	}
	return out
}
