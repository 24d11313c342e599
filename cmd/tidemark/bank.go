package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/generate"
	"tidemark/internal/status"
)

// bankTable is what bank.json says of a table.
type bankTable struct {
	Table    string           `json:"table"`
	Rows     int              `json:"rows"`
	Accepted int              `json:"accepted"`
	Rejected int              `json:"rejected"`
	Faults   []generate.Fault `json:"faults"`
}

// makeBank writes the files of a bank, and beside them what is faulty in which.
func (c *generateCommand) makeBank(ctx context.Context, p *program, now time.Time) error {
	cfg, err := c.bankConfig(now)
	if err != nil {
		return err
	}
	b := generate.NewBank(cfg)
	create := func(name string) (io.WriteCloser, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name = filepath.Join(c.To, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	}
	if err := b.Write(create); err != nil {
		return err
	}
	var all []bankTable
	for _, t := range b.Tables() {
		planted, rejected := t.Planted()
		all = append(all, bankTable{Table: t.Name, Rows: t.Clean + planted, Accepted: t.Clean + planted - rejected, Rejected: rejected, Faults: append([]generate.Fault{}, t.Faults...)})
	}
	out, err := create("bank.json")
	if err != nil {
		return fmt.Errorf("write bank.json: %w", err)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	err = enc.Encode(all)
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write bank.json: %w", err)
	}
	showBank(p.stdout, all)
	return nil
}

// bankConfig turns flags into what a bank is made of.
func (c *generateCommand) bankConfig(now time.Time) (generate.BankConfig, error) {
	bad := share(c.Bad, 0)
	cfg := generate.BankConfig{Customers: c.Bank, Seed: c.Seed, Bad: bad / 100, Days: c.Days}
	var err error
	cfg.End, err = c.end(now)
	wrong := append(percentages(map[string]float64{"--bad": bad}), texts(err)...)
	const most = 1_000_000 // ids fit 32 bits
	switch {
	case c.Bank < 1 || c.Bank > most:
		wrong = append(wrong, fmt.Sprintf("--bank %d: a bank has 1 to %s customers", c.Bank, status.Number(most)))
	case c.Days < 1 || c.Days > 366:
		wrong = append(wrong, fmt.Sprintf("--days %d: transactions of a bank cover 1 to 366 days", c.Days))
	}
	var foreign []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--rows", c.Rows != nil}, {"--format", c.Format != "json"}, {"--late", c.Late != nil}, {"--keys", c.Keys != nil},
		{"--brokers", len(c.Brokers) > 0}, {"--topic", c.Topic != ""}, {"--rate", c.Rate != 0},
	} {
		if f.given {
			foreign = append(foreign, f.name)
		}
	}
	if len(foreign) > 0 {
		wrong = append(wrong, fmt.Sprintf("--bank goes with --to, --seed, --days, --end and --bad: leave out %s", strings.Join(foreign, ", ")))
	}
	if c.To == "" {
		wrong = append(wrong, "--bank needs --to DIR")
	}
	if len(wrong) > 0 {
		return cfg, usageError{strings.Join(wrong, "\n")}
	}
	cfg.End = cfg.End.UTC().Truncate(24 * time.Hour)
	return cfg, nil
}

// showBank prints what was made, and what is faulty in it.
func showBank(w io.Writer, all []bankTable) {
	g := status.Grid("table", "+rows", "+to be accepted", "+to be rejected")
	faults := status.Grid("table", "fault", "found by", "+rows")
	for _, t := range all {
		g.AppendRow(table.Row{t.Table, status.Number(int64(t.Rows)), status.Number(int64(t.Accepted)), status.Number(int64(t.Rejected))})
		for _, f := range t.Faults {
			if f.Rows > 0 {
				faults.AppendRow(table.Row{t.Table, f.Name, f.FoundBy, status.Number(int64(f.Rows))})
			}
		}
	}
	fmt.Fprintln(w, g.Render())
	if faults.Length() > 0 {
		fmt.Fprintln(w, faults.Render())
	}
}
