package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/parquet-go/parquet-go"

	"tidemark/internal/generate"
	"tidemark/internal/ledger"
	"tidemark/internal/status"
	"tidemark/internal/store"
)

// conclude shows what became of the events, and how to look for oneself.
func (d *demo) conclude(ctx context.Context) error {
	doc := d.engine.document()
	t := doc.Tables[0]
	sent := d.sent.rows.Load()
	fmt.Fprintf(d.stdout, "\nWhat became of them\n%s\n", status.Fates(doc.Tables))
	if t.Totals.Read == sent {
		fmt.Fprintf(d.stdout, "%s sent, %s read: each has exactly one fate.\n", status.Number(sent), status.Number(t.Totals.Read))
	} else {
		fmt.Fprintf(d.stdout, "%s sent, %s READ.\n", status.Number(sent), status.Number(t.Totals.Read))
	}
	fmt.Fprintf(d.stdout, "\nWhat was sent\n%s\n", d.sentTable())
	reasons, err := topReasons(ctx, d.engine.lake.lake)
	if err != nil {
		return err
	}
	if reasons != "" {
		fmt.Fprintf(d.stdout, "\nWhy records were quarantined: each is kept as the bytes that came\n%s\n", reasons)
	}
	fmt.Fprintf(d.stdout, "\nThe evidence, recomputed from the files (tidemark verify --deep)\n")
	check := &verifyCommand{Config: d.config, Deep: true}
	if err := check.Run(ctx, d.program); err != nil {
		return err
	}
	d.invite(t.Totals)
	if t.Totals.Read != sent {
		return fmt.Errorf("compare what was sent with what was read: %d and %d", sent, t.Totals.Read)
	}
	return nil
}

// expected says what each kind of event is there to show.
var expected = []string{
	generate.Good:      "written",
	generate.Late:      "three days behind: late, once there is a watermark",
	generate.Failing:   "an amount below zero: quarantined by a check",
	generate.Broken:    "no JSON: quarantined",
	generate.Duplicate: "sent twice: the second one quarantined by a check",
	generate.Future:    "a year ahead: quarantined, and the watermark stays",
}

func (d *demo) sentTable() string {
	w := status.Grid("kind", "+events", "what it shows")
	for kind, n := range d.kinds {
		w.AppendRow(table.Row{generate.Kind(kind).String(), status.Number(n), expected[kind]})
	}
	return w.Render()
}

// rejected are the columns of the quarantine that a person wants to see first.
type rejected struct {
	Reason string `parquet:"_reason"`
	Stage  string `parquet:"_stage"`
	Detail string `parquet:"_detail"`
}

// reason is why records were quarantined, with one of them as an example.
type reason struct {
	rejected
	rows int64
}

// topReasons reads the quarantine as anybody would, from the files alone.
func topReasons(ctx context.Context, lake store.Lake) (string, error) {
	entries, err := lake.List(ctx, ledger.Quarantine.Dir(demoTopic)+"/")
	if err != nil {
		return "", err
	}
	byName := map[string]*reason{}
	for _, e := range entries {
		if err := countReasons(ctx, lake, e.Key, byName); err != nil {
			return "", err
		}
	}
	if len(byName) == 0 {
		return "", nil
	}
	var all []*reason
	for _, r := range byName {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *reason) int { return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.Reason, b.Reason)) })
	const shown, width = 8, 72
	w := status.Grid("_reason", "_stage", "+records", "for example")
	for _, r := range all[:min(shown, len(all))] {
		detail := []rune(status.Plain(r.Detail))
		if len(detail) > width {
			detail = append(detail[:width-1], '…')
		}
		w.AppendRow(table.Row{r.Reason, r.Stage, status.Number(r.rows), string(detail)})
	}
	return w.Render(), nil
}

func countReasons(ctx context.Context, lake store.Files, key string, byName map[string]*reason) error {
	in, size, err := lake.Open(ctx, key)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := parquet.OpenFile(in, size)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	rows := parquet.NewGenericReader[rejected](file)
	defer func() { _ = rows.Close() }()
	buffer := make([]rejected, 256)
	for {
		n, err := rows.Read(buffer)
		for _, r := range buffer[:n] {
			if byName[r.Reason] == nil {
				byName[r.Reason] = &reason{rejected: r}
			}
			byName[r.Reason].rows++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
	}
}

// invite says how to look for oneself. A reader refuses a glob that finds no file,
// so that only what is there is asked for.
func (d *demo) invite(total ledger.Counts) {
	lake := filepath.Join(d.dir, "lake")
	fmt.Fprintf(d.stdout, `
Look for yourself
  tidemark status -c %[1]s
  tidemark verify -c %[1]s --deep

or paste into DuckDB:
`, d.config)
	if total.Written > 0 {
		fmt.Fprintf(d.stdout, `
  SELECT yyyy, mm, dd, count(*) AS payments, sum(amount) AS total
  FROM read_parquet('%s/transactions/**/*.parquet', hive_partitioning = true)
  GROUP BY ALL ORDER BY ALL;
`, lake)
	}
	if total.Quarantined > 0 {
		fmt.Fprintf(d.stdout, `
  SELECT _reason, count(*) AS records, any_value(_detail) AS example
  FROM '%s/transactions_quarantine/**/*.parquet' GROUP BY ALL ORDER BY records DESC;
`, lake)
	}
	if total.Late > 0 {
		fmt.Fprintf(d.stdout, `
  SELECT _watermark, transaction_date, transaction_id FROM '%s/transactions_late/**/*.parquet' LIMIT 5;
`, lake)
	}
}
