package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/status"
	"tidemark/internal/store"
)

// filesCommand is `tidemark files`.
type filesCommand struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Table  string `required:"" placeholder:"T" help:"The table."`
	Output string `enum:"main,late,quarantine" default:"main" placeholder:"main|late|quarantine" help:"Which of its outputs: main (default), late or quarantine."`
	Day    string `placeholder:"D" help:"Only the folders of this day, such as 2026-11-22."`
	JSON   bool   `name:"json" help:"Write JSON, an object a line, with rows, bytes, checksum and the record that decided the file."`
}

// Help is shown by --help.
func (filesCommand) Help() string {
	return "One file a line, as a URL, in the order in which they were decided: those that readers see and that count. " +
		"Of the quarantine, files whose rows were replayed are left out: they stay in the lake, and their rows lie elsewhere since.\n\n" +
		example("tidemark files -c tidemark.yaml --table transactions --day 2026-11-22",
			"tidemark files -c tidemark.yaml --table transactions --output quarantine --json | jq .rows")
}

// listed file, as JSON.
type listedFile struct {
	URL       string      `json:"url"`
	Seq       int64       `json:"seq"`
	Batch     string      `json:"batch"`
	DecidedAt ledger.Time `json:"decided_at"`
	ledger.File
}

// Run lists files.
func (c *filesCommand) Run(ctx context.Context, p *program) error {
	if err := checkDay("--day", c.Day); err != nil {
		return err
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if _, err := selectTables(cfg, c.Table); err != nil {
		return err
	}
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	l := ledger.New(lake, c.Table)
	st, err := l.Load(ctx)
	if err != nil {
		return err
	}
	root, _, _ := strings.Cut(cfg.Lake, "?") // parameters may be secrets
	out := bufio.NewWriter(p.stdout)
	encoder := json.NewEncoder(out)
	staged := 0
	err = l.Counting(ctx, st, func(r *ledger.Record, f *ledger.File) error {
		if string(f.Output) != c.Output || c.Day != "" && f.Day() != c.Day {
			return nil
		}
		if r.Seq >= st.Mark { // nobody has noted whether it is published
			if _, err := lake.Stat(ctx, f.Path); errors.Is(err, store.ErrNotExist) {
				staged++
				return nil
			} else if err != nil {
				return err
			}
		}
		url := strings.TrimSuffix(root, "/") + "/" + f.Path
		if c.JSON {
			return encoder.Encode(listedFile{url, r.Seq, r.Batch, r.DecidedAt, *f})
		}
		_, err := fmt.Fprintln(out, url)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil && staged > 0 {
		p.log.Warn(status.Count(int64(staged), "file") + " not listed: decided, and not published yet")
	}
	return err
}

// checkDay refuses what is no day.
func checkDay(flag, day string) error {
	if day == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return usageError{fmt.Sprintf("%s %s: write a day such as 2026-11-22", flag, day)}
	}
	return nil
}
