package generate

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Create opens a file to write to, by its path below the folder of the bank.
type Create func(name string) (io.WriteCloser, error)

// Write writes the tables as a bank's systems would leave them: customers, accounts,
// branches and products as CSV, loans as a JSON array, transactions as a packed file of
// JSON lines a day. The same configuration gives the same bytes. Errors are those of
// create and of what it returns.
func (b *Bank) Write(create Create) error {
	for _, t := range b.Tables() {
		var err error
		switch t.Name {
		case "transactions":
			err = b.writeDays(&t, create)
		case "loans":
			err = writeFile(t.Name+".json", create, t.writeArray)
		default:
			err = writeFile(t.Name+".csv", create, t.writeCSV)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", t.Name, err)
		}
	}
	return nil
}

func writeFile(name string, create Create, fill func(io.Writer) error) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = fill(w)
	return errors.Join(err, w.Flush(), f.Close())
}

func (t *BankTable) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(t.Columns) // Flush has the error
	cells := make([]string, len(t.Columns))
	for _, r := range t.Rows() {
		for i, v := range r {
			cells[i] = v.Text
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

func (t *BankTable) writeArray(w io.Writer) error {
	line, between := []byte(nil), "[\n"
	for _, r := range t.Rows() {
		line = t.appendJSON(append(line[:0], between...), r)
		if _, err := w.Write(line); err != nil {
			return err
		}
		between = ",\n"
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}

// writeDays writes one file a day. A faulty row is in the file of the row before it.
func (b *Bank) writeDays(t *BankTable, create Create) error {
	days := b.Days()
	var (
		open *dayFile
		err  error
		line []byte
	)
	for i, r := range t.Rows() {
		if day := i / b.perDay; open == nil || open.day != day {
			if err = open.close(); err == nil {
				open, err = newDayFile(days[day], day, create)
			}
		}
		if err != nil {
			return err
		}
		line = append(t.appendJSON(line[:0], r), '\n')
		if _, err = open.packed.Write(line); err != nil {
			return errors.Join(err, open.close())
		}
	}
	return open.close()
}

// dayFile is the file of a day in the making.
type dayFile struct {
	day    int
	packed *gzip.Writer
	file   io.WriteCloser
}

func newDayFile(date time.Time, day int, create Create) (*dayFile, error) {
	f, err := create("transactions/" + date.Format(time.DateOnly) + "/transactions.json.gz")
	if err != nil {
		return nil, err
	}
	return &dayFile{day, gzip.NewWriter(f), f}, nil
}

func (f *dayFile) close() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.packed.Close(), f.file.Close())
}

func (t *BankTable) appendJSON(b []byte, r Row) []byte {
	b = append(b, '{')
	for i, v := range r {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), t.Columns[i]...), `":`...)
		switch {
		case v.Text == "":
			b = append(b, "null"...)
		case v.Number:
			b = append(b, v.Text...)
		default:
			text, _ := json.Marshal(v.Text) // of a string: cannot fail
			b = append(b, text...)
		}
	}
	return append(b, '}')
}
