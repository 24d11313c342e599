package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"tidemark/internal/generate"
)

// TestExamples runs each configuration of examples/ as it stands against generated events in
// its format, of which some are late, refused or broken: it must have the rows that JSON has,
// value by value, and as many of each fate.
func TestExamples(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	formats := map[string]string{"transactions": "json"} // of other names than their files
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v: %v", files, err)
	}
	t.Setenv("TIDEMARK_SCHEMAS", "../../examples")
	drain := func(t *testing.T, config, format string) (rows []string, fates string) {
		t.Helper()
		lake, broker, registry := t.TempDir(), broker(t)[0], srfake.New()
		t.Cleanup(registry.Close)
		t.Setenv("TIDEMARK_LISTEN", free(t))
		t.Setenv("TIDEMARK_LAKE", lake)
		t.Setenv("TIDEMARK_BROKERS", broker)
		t.Setenv("TIDEMARK_REGISTRY", registry.URL())
		made := []string{"generate", "--rows", "3000", "--bad", "4", "--late", "3", "--end", "2026-11-23", "--format", format, "--brokers", broker, "--topic", "transactions"}
		if strings.HasSuffix(format, "-registry") {
			made = append(made, "--registry", registry.URL())
		}
		if code, _, errs := quiet(t, made...); code != 0 {
			t.Fatalf("generate: %d %s", code, errs)
		}
		for _, args := range [][]string{
			{"check"}, {"schema", "diff", "--table", "transactions", "--topic", "transactions", "--records", "9000"}, {"run", "--until-current"}, {"verify", "--deep"},
		} {
			code, out, errs := quiet(t, append(args, "-c", config)...)
			if code != 0 {
				t.Fatalf("%v: %d %s%s", args, code, out, errs)
			}
			switch args[0] {
			case "schema":
				fates += regexp.MustCompile(`(?m)^.* would be written, .* rejected .*$`).FindString(out) + "\n"
			case "run":
				fates += out
			}
		}
		return rowsOf(t, filepath.Join(lake, "transactions")), fates
	}
	rows, fates := drain(t, "../../examples/transactions.yaml", "json")
	if len(rows) < 2500 || len(rows) > 2950 || !strings.Contains(fates, " records would be written, ") {
		t.Fatalf("%d rows of 3000: %s", len(rows), fates)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		format := formats[name]
		if format == "" {
			format = name
		}
		t.Run(name, func(t *testing.T) {
			got, gotFates := drain(t, file, format)
			if gotFates != fates {
				t.Errorf("got\n%s\nwant\n%s", gotFates, fates)
			}
			if !slices.Equal(got, rows) {
				t.Errorf("%d rows differ from the %d of JSON, the first: %s", len(got), len(rows), firstOther(got, rows))
			}
		})
	}
	written, err := os.ReadFile("../../examples/transaction.avsc")
	if err != nil || string(written) != generate.AvroSchema {
		t.Errorf("examples/transaction.avsc is not what events in Avro are written with (%v)", err)
	}
}

func firstOther(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return got[i] + " for " + want[i]
		}
	}
	return "one has more"
}

// rowsOf are the rows of a table's files, without what says where they come from, in order.
func rowsOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		info, err := in.Stat()
		if err != nil {
			return err
		}
		f, err := parquet.OpenFile(in, info.Size())
		if err != nil {
			return err
		}
		columns := f.Schema().Columns()
		reader := parquet.NewReader(f)
		for {
			row := make([]parquet.Row, 1)
			n, err := reader.ReadRows(row)
			if n == 0 {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			var text strings.Builder
			for _, v := range row[0] {
				if name := columns[v.Column()][0]; name[0] != '_' && !strings.HasPrefix(name, "etl_") {
					fmt.Fprintf(&text, "%s=%v ", name, v)
				}
			}
			out = append(out, text.String())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// TestGeneratedFiles wants files of each format to hold the rows that JSON does.
func TestGeneratedFiles(t *testing.T) {
	config := func(lake string) string {
		return writeConfig(t, "lake: file://"+lake+"\nsource_system: test\ntables:\n  - {name: transactions, preset: banking/card-transactions, halt_above: 1}\n")
	}
	var want []string
	for _, format := range []string{"json", "csv", "avro"} {
		dir, again, lake := t.TempDir(), t.TempDir(), t.TempDir()
		for _, to := range []string{dir, again} {
			if code, _, errs := quiet(t, "generate", "--rows", "10000", "--bad", "4", "--end", "2026-11-23", "--format", format, "--to", to); code != 0 {
				t.Fatalf("%s: %d %s", format, code, errs)
			}
		}
		a, _ := os.ReadFile(filepath.Join(dir, "events-00000."+format))
		b, _ := os.ReadFile(filepath.Join(again, "events-00000."+format))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, and other %d of the same seed", format, len(a), len(b))
		}
		code, out, errs := quiet(t, "backfill", "-c", config(lake), "--table", "transactions", dir)
		if code != 0 {
			t.Fatalf("%s: %d %s%s", format, code, out, errs)
		}
		rows := rowsOf(t, filepath.Join(lake, "transactions"))
		if want == nil {
			want = rows
		}
		if !slices.Equal(rows, want) {
			t.Errorf("%s: %d rows, JSON has %d, the first other one: %s", format, len(rows), len(want), firstOther(rows, want))
		}
	}
	for args, want := range map[string]string{
		"--format avro-registry --to x":                           "--format avro-registry needs --brokers B, --topic T and --registry URL",
		"--format json --brokers b --topic t --registry http://r": "--registry goes with a format that needs it",
		"--format xml --to x":                                     "--format xml is not one of json, csv, avro, connect-json, debezium, avro-registry, json-registry, protobuf-registry",
	} {
		code, _, errs := quiet(t, append([]string{"generate", "--rows", "1"}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s, want %q", args, code, errs, want)
		}
	}
}
