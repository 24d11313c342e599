package parity_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/generate"
)

// The bank of all cases. Its transactions are one batch, large enough to be halted for
// the share of it that is rejected.
const (
	customers, daysOfBank = 300, 4
	seed, end             = 7, "2026-11-23"
)

// sheet is one raw file before it is written: rows of cells.
type sheet struct {
	table   string
	file    string // below the raw folder
	columns []string
	rows    []generate.Row
}

// isCSV tells the format of a file by its name.
func (s *sheet) isCSV() bool { return strings.HasSuffix(s.file, ".csv") }

// column is the place of a column.
func (s *sheet) column(name string) int { return slices.Index(s.columns, name) }

// lines are the lines of the file, without their ends: of CSV with the header.
func (s *sheet) lines() (lines []string) {
	if !s.isCSV() {
		for _, r := range s.rows {
			lines = append(lines, s.object(r))
		}
		return lines
	}
	header := make(generate.Row, len(s.columns))
	for i, c := range s.columns {
		header[i].Text = c
	}
	for _, r := range append([]generate.Row{header}, s.rows...) {
		lines = append(lines, csvLine(r))
	}
	return lines
}

// object is a row as JSON has it.
func (s *sheet) object(r generate.Row) string {
	var fields []string
	for i, v := range r {
		text := v.Text
		switch {
		case text == "":
			text = "null"
		case !v.Number:
			quoted, _ := json.Marshal(text) // of a string: cannot fail
			text = string(quoted)
		}
		fields = append(fields, `"`+s.columns[i]+`":`+text)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func csvLine(r generate.Row) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	var cells []string
	for _, v := range r {
		cells = append(cells, v.Text)
	}
	_ = w.Write(cells) // into memory: cannot fail
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// bankOf is the bank of all cases.
func bankOf() *generate.Bank {
	last, _ := time.Parse(time.DateOnly, end) // a constant: cannot fail
	return generate.NewBank(generate.BankConfig{Customers: customers, Days: daysOfBank, Seed: seed, End: last})
}

// sheets are the files of a table of the clean bank. Transactions are JSON lines, as
// the generator writes them, or the same rows as CSV.
func sheets(t *testing.T, table string, asCSV bool) (out []*sheet) {
	t.Helper()
	bank := bankOf()
	for _, of := range bank.Tables() {
		if of.Name != table {
			continue
		}
		var rows []generate.Row
		for _, r := range of.Rows() {
			rows = append(rows, r)
		}
		if table != "transactions" {
			return []*sheet{{table: table, file: table + ".csv", columns: of.Columns, rows: rows}}
		}
		ending := ".json.gz"
		if asCSV {
			ending = ".csv"
		}
		perDay := len(rows) / daysOfBank
		for i, day := range bank.Days() {
			out = append(out, &sheet{
				table: table, file: "transactions/" + day.Format(time.DateOnly) + "/transactions" + ending,
				columns: of.Columns, rows: rows[i*perDay : (i+1)*perDay],
			})
		}
	}
	return out
}

// files are the raw files of a table, dirtied, by their names below the raw folder.
func (d *dirt) files(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	all := sheets(t, d.table, d.csv)
	seen := 0
	for _, s := range all {
		if d.rows != nil {
			s.rows, seen = d.rows(s, seen), seen+len(s.rows)
		}
	}
	for i, s := range all {
		lines := s.lines()
		if d.lines != nil {
			lines = d.lines(i, lines)
		}
		data := []byte(strings.Join(lines, "\n") + "\n")
		if d.bytes != nil {
			data = d.bytes(data)
		}
		out[s.file] = data
	}
	if d.folder != nil {
		d.folder(out)
	}
	for name, data := range out {
		if path.Ext(name) == ".gz" {
			out[name] = packed(t, data)
		}
	}
	return out
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// unpacked is the content of a file, whether it is packed or not.
func unpacked(t *testing.T, data []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	must(t, err)
	out, err := io.ReadAll(r)
	must(t, err)
	return out
}

// write puts the raw files of a case into a folder: the dirtied ones, and of the other
// tables those of the clean bank.
func (d *dirt) write(t *testing.T, clean, raw string) {
	t.Helper()
	must(t, os.CopyFS(raw, os.DirFS(clean)))
	files := d.files(t)
	must(t, os.RemoveAll(filepath.Join(raw, d.table)))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		to := filepath.Join(raw, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		must(t, os.WriteFile(to, files[name], 0o644))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
