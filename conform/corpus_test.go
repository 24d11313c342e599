package conform_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// corpusTable has a column of each kind.
func corpusTable(tb testing.TB) *schema.Table {
	tb.Helper()
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		tb.Fatal(err)
	}
	null := schema.Value{Null: true}
	at := schema.Type{Kind: schema.Timestamp}
	return &schema.Table{
		Name: "corpus", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
			{Name: "n", Type: schema.Type{Kind: schema.Int}},
			{Name: "big", Type: schema.Type{Kind: schema.Long}},
			{Name: "x", Type: schema.Type{Kind: schema.Double}},
			{Name: "status", Type: schema.Type{Kind: schema.String}, Default: schema.Value{Bytes: []byte("UNKNOWN")}, Aliases: []string{"state"}},
			{Name: "ok", Type: schema.Type{Kind: schema.Boolean}},
			{Name: "at", Type: at, Default: null},
			{Name: "sent", Type: at, Default: null, Time: schema.TimeFormat{Unit: "ms"}},
			{Name: "local", Type: at, Default: null, Time: schema.TimeFormat{Zone: zurich}},
			{Name: "day", Type: schema.Type{Kind: schema.Date}, Default: null},
			{Name: "data", Type: schema.Type{Kind: schema.Binary}, Default: null},
		},
	}
}

// good are records that stand around a bad one.
var good = [][]byte{
	[]byte(`{"id":7,"amount":1.25,"n":2,"big":3,"x":0.5,"status":"OPEN","ok":true,"at":"2026-11-22T10:15:30Z","sent":1795342530123,"local":"2026-11-22T10:15:30","day":"2026-11-22","data":"AAEC"}`),
	[]byte(`{"id":8,"status":"CLOSED"}`),
}

type corpusFile struct {
	name  string
	value []byte
}

// corpus reads the files of bad and odd records: NAME.json as they are, and
// NAME.recipe, whose lines are a count and what to repeat so many times.
func corpus(tb testing.TB) []corpusFile {
	tb.Helper()
	paths, err := filepath.Glob("testdata/bad/json/*")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no corpus: %v", err)
	}
	slices.Sort(paths)
	var out []corpusFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		name, isRecipe := strings.CutSuffix(filepath.Base(path), ".recipe")
		if isRecipe {
			text = cook(tb, string(text))
		}
		out = append(out, corpusFile{strings.TrimSuffix(name, ".json"), text})
	}
	return out
}

func cook(tb testing.TB, recipe string) []byte {
	tb.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(recipe) {
		count, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			tb.Fatal(err)
		}
		for i := range n {
			out.WriteString(strings.ReplaceAll(text, "%d", strconv.Itoa(i)))
		}
	}
	return out.Bytes()
}

// The corpus of bad and odd JSON, and what becomes of each record. Each stands
// between good ones, which must come out as they do alone.
func TestCorpus(t *testing.T) {
	table := corpusTable(t)
	files := corpus(t)
	datadriven.RunTest(t, "testdata/bad/json.txt", func(t *testing.T, _ *datadriven.TestData) string {
		var out strings.Builder
		d := newDecoder(t, table)
		for _, f := range files {
			values := [][]byte{good[0], good[0], good[0], good[1], f.value, good[0], f.value, good[1], good[0], f.value}
			raw := rawOf(values...)
			var b batch.Batch
			b.Reset(table, raw, 0, raw.Rows())
			d.Decode(&b)
			line := outcome(&b, 4)
			for row, v := range values {
				got, want := outcome(&b, row), line
				switch &v[:1][0] {
				case &good[0][0]:
					want = "ok id=7 amount=125 n=2 big=3 x=0.5 status=OPEN ok=1 at=1795342530000000 sent=1795342530123000 local=1795338930000000 day=20779 data=\"\\x00\\x01\\x02\""
				case &good[1][0]:
					want = "ok id=8 status=CLOSED"
				}
				if got != want {
					t.Errorf("%s: row %d is %s, want %s", f.name, row, got, want)
				}
			}
			if held := d.Bytes(); held > 1<<20 {
				t.Errorf("%s: the decoder holds %d bytes afterwards", f.name, held)
			}
			fmt.Fprintf(&out, "%s: %s\n", f.name, line)
		}
		return out.String()
	})
}

// outcome tells the fate of a row: its values but for defaults, or its rejects.
func outcome(b *batch.Batch, row int) string {
	var out strings.Builder
	if b.Fates[row] == batch.Written {
		out.WriteString("ok")
		for c := range b.Columns {
			name, value := b.Table.Columns[c].Name, describe(b, c, row)
			if strings.HasPrefix(value, "~") || value == "null" && b.Table.Columns[c].Default.Null {
				continue
			}
			if k := b.Table.Columns[c].Type.Kind; k == schema.Binary || !isWord(value) {
				value = strconv.QuoteToASCII(value)
			}
			if len(value) > 60 {
				value = fmt.Sprintf("%s…(%d)", value[:20], len(value))
			}
			fmt.Fprintf(&out, " %s=%s", name, value)
		}
		return out.String()
	}
	out.WriteString(b.Fates[row].String())
	n := 0
	for _, r := range b.Rejects {
		if int(r.Row) != row {
			continue
		}
		if n++; n > 1 {
			out.WriteString(";")
		}
		out.WriteString(" " + r.Reason)
		if r.Column >= 0 {
			out.WriteString(" column " + b.Table.Columns[r.Column].Name)
		}
		if r.At >= 0 {
			fmt.Fprintf(&out, " byte %d+%d", r.At, r.Len)
		}
		if r.Want != "" {
			fmt.Fprintf(&out, " (%s)", r.Want)
		}
	}
	return out.String()
}

func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}
