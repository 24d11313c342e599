package rawfile_test

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

// event is about as long as an event of a bank.
const event = `{"transaction_id":%d,"account_id":48213377,"amount":1250.75,"transaction_type":"payment","transaction_date":"2026-11-22T10:15:30.123456Z","status":"APPROVED","currency":"CHF","channel":"mobile","merchant":"Coop 2211","country":"CH"}`

// processor is the time in seconds that the processors spent on this process, which the
// load of the machine does not change as it does the clock's.
func processor(b *testing.B) float64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return float64(use.Utime.Nano()+use.Stime.Nano()) / 1e9
}

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
	begin := processor(b)
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
	b.ReportMetric(float64(e.Size)*float64(b.N)/1e6/(processor(b)-begin), "MB/cpu-s")
}

func BenchmarkJSONLines(b *testing.B) {
	bench(b, "x.ndjson", func(i int) string { return fmt.Sprintf(event, i) })
}

func BenchmarkJSONPretty(b *testing.B) {
	bench(b, "x.json", func(i int) string {
		return "{\n  " + string(bytes.ReplaceAll(fmt.Appendf(nil, event, i)[1:], []byte(`,"`), []byte(",\n  \"")))
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
