package rawfile_test

import (
	"bytes"
	"fmt"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

// object is about as long as an event of a bank.
const object = `{"transaction_id":%d,"account_id":48213377,"amount":1250.75,"transaction_type":"payment","transaction_date":"2026-11-22T10:15:30.123456Z","status":"APPROVED","currency":"CHF","channel":"mobile","merchant":"Coop 2211","country":"CH"}`

// bench reads a file of about 64 MiB again and again.
func bench(b *testing.B, name string, line func(i int) string) {
	var data bytes.Buffer
	if name == "x.csv" {
		data.WriteString("transaction_id,account_id,amount,transaction_type,transaction_date,status\n")
	}
	for i := 0; data.Len() < 64<<20; i++ {
		data.WriteString(line(i))
		data.WriteByte('\n')
	}
	e := entry(b, write(b, name, data.String()))
	b.SetBytes(e.Size)
	var c batch.Chunk
	for b.Loop() {
		r, err := rawfile.Open(b.Context(), e, options())
		if err != nil {
			b.Fatal(err)
		}
		for c.Last = false; !c.Last; {
			if err := r.Next(b.Context(), &c); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONLines(b *testing.B) {
	bench(b, "x.ndjson", func(i int) string { return fmt.Sprintf(object, i) })
}

func BenchmarkJSONPretty(b *testing.B) {
	bench(b, "x.json", func(i int) string {
		return "{\n  " + string(bytes.ReplaceAll(fmt.Appendf(nil, object, i)[1:], []byte(`,"`), []byte(",\n  \"")))
	})
}

func BenchmarkCSV(b *testing.B) {
	bench(b, "x.csv", func(i int) string { return fmt.Sprintf("%d,48213377,1250.75,payment,2026-11-22T10:15:30Z,APPROVED", i) })
}

func BenchmarkCSVCRLF(b *testing.B) {
	bench(b, "x.csv", func(i int) string {
		return fmt.Sprintf("%d,48213377,1250.75,payment,2026-11-22T10:15:30Z,APPROVED\r", i)
	})
}

func BenchmarkCSVQuoted(b *testing.B) {
	bench(b, "x.csv", func(i int) string {
		return fmt.Sprintf(`%d,48213377,1250.75,"payment","2026-11-22T10:15:30Z","APPROVED"`, i)
	})
}
