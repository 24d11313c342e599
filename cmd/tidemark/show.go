package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/config"
	"tidemark/internal/history"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/schema"
	"tidemark/internal/status"
	"tidemark/writer"
)

// showCommand is `tidemark schema show`.
type showCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `required:"" placeholder:"T" help:"The table."`
	JSON   bool   `name:"json" help:"Write JSON."`
}

// Help is shown by --help.
func (showCommand) Help() string {
	return "The columns of a table as they are applied: the preset's, with what the configuration changes, and those that Tidemark adds to each row. " +
		"Of a table that takes the columns of its files, those that its ledger records.\n\n" +
		example("tidemark schema show -c tidemark.yaml --table transactions", "tidemark schema show -c tidemark.yaml --table transactions --json | jq -r '.columns[].name'")
}

// shown is a table's schema, as JSON.
type shown struct {
	Table       string            `json:"table"`
	Format      string            `json:"format"`
	EventTime   string            `json:"event_time"` // empty: none
	PartitionBy string            `json:"partition_by"`
	Evolution   map[string]string `json:"evolution"`
	Columns     []shownColumn     `json:"columns"`
	Added       []shownColumn     `json:"added"`   // by Tidemark, to each row
	Folders     []string          `json:"folders"` // columns that stand in the path
}

type shownColumn struct {
	ledger.Column
	Missing string `json:"missing,omitempty"` // what becomes of a record without it: reject, null or default
	Unit    string `json:"unit,omitempty"`
	Layout  string `json:"layout,omitempty"`
	Zone    string `json:"zone,omitempty"`
}

// Run shows.
func (c *showCommand) Run(ctx context.Context, p *program) error {
	_, t, err := loadTable(ctx, c.Config, c.Table)
	if err != nil {
		return err
	}
	s := showTable(t)
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	return s.text(p.stdout)
}

// loadLedger loads the ledger of a table.
func loadLedger(ctx context.Context, cfg *config.Config, name string) (*ledger.Ledger, *ledger.State, error) {
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return nil, nil, err
	}
	l := ledger.New(lake, name)
	st, err := l.Load(ctx)
	return l, st, err
}

func showTable(t *config.Table) *shown {
	s := t.Schema
	out := &shown{
		Table: s.Name, Format: t.Format, PartitionBy: s.Partition.String(), Folders: []string{},
		Evolution: map[string]string{
			"missing": actionName(s.Evolution.Missing, "default"), "extra": actionName(s.Evolution.Extra, "drop"),
			"widen": actionName(s.Evolution.Widen, "accept"), "narrow": actionName(s.Evolution.Narrow, "accept"),
		},
	}
	if s.EventTime >= 0 {
		out.EventTime = s.Columns[s.EventTime].Name
	}
	for i, c := range pipeline.ColumnsOf(s) {
		one := shownColumn{Column: c, Missing: "default"}
		switch of := &s.Columns[i]; {
		case of.Required:
			one.Missing = "reject"
		case of.Default.Null:
			one.Missing = "null"
		}
		f := s.Columns[i].Time
		if one.Unit, one.Layout = f.Unit, f.Layout; f.Zone != nil {
			one.Zone = f.Zone.String()
		}
		out.Columns = append(out.Columns, one)
	}
	for _, c := range writer.Added() {
		out.Added = append(out.Added, shownColumn{Column: ledger.Column{Name: c.Name, Type: c.Type.String(), Required: c.Required}})
	}
	if s.Partition != schema.Unpartitioned {
		out.Folders = []string{"yyyy", "mm", "dd"}
	}
	if s.Partition == schema.ByHour {
		out.Folders = append(out.Folders, "hh")
	}
	return out
}

func actionName(a schema.Action, accepted string) string {
	switch a {
	case schema.Quarantine:
		return "quarantine"
	case schema.Halt:
		return "halt"
	}
	return accepted
}

func (s *shown) text(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "table        %s\n", status.Plain(s.Table))
	if s.EventTime != "" {
		fmt.Fprintf(&out, "event time   %s\n", status.Plain(s.EventTime))
	}
	fmt.Fprintf(&out, "folders      by %s", s.PartitionBy)
	if len(s.Folders) > 0 {
		fmt.Fprintf(&out, ": %s", strings.Join(s.Folders, ", "))
	}
	fmt.Fprintf(&out, "\nevolution    missing: %s, extra: %s, widen: %s, narrow: %s\n",
		s.Evolution["missing"], s.Evolution["extra"], s.Evolution["widen"], s.Evolution["narrow"])
	g := status.Grid("column", "type", "where there is none", "from", "written as")
	for i := range s.Columns {
		c := &s.Columns[i]
		missing := map[string]string{"reject": "rejected", "null": "null", "default": "default " + c.Default}[c.Missing]
		g.AppendRow(table.Row{status.Plain(c.Name), c.Type, status.Plain(missing), status.Plain(c.source()), status.Plain(c.time())})
	}
	for _, c := range s.Added {
		g.AppendRow(table.Row{c.Name, c.Type, "", "added by Tidemark", ""})
	}
	fmt.Fprintf(&out, "%s\n", g.Render())
	_, err := io.WriteString(w, out.String())
	return err
}

// source says where values come from, if not from a field of the column's name.
func (c *shownColumn) source() string {
	parts := []string{}
	if c.From != "" {
		parts = append(parts, c.From)
	}
	if len(c.Aliases) > 0 {
		parts = append(parts, "or "+strings.Join(c.Aliases, ", "))
	}
	return strings.Join(parts, " ")
}

// time says how a time is written, if not as RFC 3339 in UTC.
func (c *shownColumn) time() string {
	var parts []string
	if c.Unit != "" {
		parts = append(parts, "numbers of "+c.Unit)
	}
	if c.Layout != "" {
		parts = append(parts, c.Layout)
	}
	if c.Zone != "" {
		parts = append(parts, c.Zone)
	}
	return strings.Join(parts, ", ")
}

// historyCommand is `tidemark schema history`.
type historyCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `required:"" placeholder:"T" help:"The table."`
	JSON   bool   `name:"json" help:"Write JSON."`
}

// Help is shown by --help.
func (historyCommand) Help() string {
	return "From the records of the ledger: each version of the table's own columns; each schema that records were written with, with its id, subject and version, " +
		"the first record, and the difference to the version before; and each difference to the table, with what was done. Nothing else is asked, so that it tells of schemas too that the registry no longer has.\n\n" +
		example("tidemark schema history -c tidemark.yaml --table transactions", "tidemark schema history -c tidemark.yaml --table transactions --json | jq '.schemas[] | {id, version, changes}'")
}

// Run reads the ledger.
func (c *historyCommand) Run(ctx context.Context, p *program) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if _, err := selectTables(cfg, c.Table); err != nil {
		return err
	}
	l, st, err := loadLedger(ctx, cfg, c.Table)
	if err != nil {
		return err
	}
	h := history.New(c.Table)
	err = l.Records(ctx, 1, st.Head, func(r *ledger.Record) error {
		h.Add(r)
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(h.Table())
	}
	return h.Table().Text(p.stdout)
}
