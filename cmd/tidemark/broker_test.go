package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/internal/kafkatest"
	"tidemark/internal/status"
)

// TestBrokerCommands runs the commands against Apache Kafka, as one story.
func TestBrokerCommands(t *testing.T) {
	b := kafkatest.Start(t)
	brokers := []string{b.Plain}
	config := configure(t, brokers, fmt.Sprintf("http: {listen: %q}\n", free(t)))
	must := func(t *testing.T, want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, out, errs := quiet(t, args...)
		if code != want {
			t.Fatalf("%s: code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
		}
		return out, errs
	}
	total := func(t *testing.T) status.Table {
		t.Helper()
		out, _ := must(t, exitDone, "status", "-c", config, "--json")
		var doc status.Document
		if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Kafka != "" {
			t.Fatalf("status: %v %s", err, out)
		}
		return doc.Tables[0]
	}
	admin := kadm.NewClient(b.Client(t))

	t.Run("a missing topic is named", func(t *testing.T) {
		_, errs := must(t, exitUsage, "check", "-c", config)
		if !strings.Contains(errs, "topic transactions: UNKNOWN_TOPIC_OR_PARTITION") {
			t.Errorf("got %s", errs)
		}
	})
	t.Run("drain", func(t *testing.T) {
		must(t, exitDone, "generate", "--rows", "50000", "--bad", "1", "--brokers", b.Plain, "--topic", "transactions")
		if out, _ := must(t, exitDone, "check", "-c", config); !strings.Contains(out, "all is well") || !strings.Contains(out, "kafka.start") {
			t.Errorf("check: %s", out)
		}
		if out, _ := must(t, exitDone, "run", "-c", config, "--until-current"); !strings.Contains(out, " 50,000 │ = ") {
			t.Errorf("run: %s", out)
		}
		if got := total(t); got.Totals.Read != 50000 || *got.Lag != 0 || got.Pending != 0 {
			t.Errorf("status: %+v", got)
		}
		committed, err := admin.FetchOffsets(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		committed.Each(func(o kadm.OffsetResponse) { sum += o.At })
		if sum != 50000 {
			t.Errorf("offsets committed for lag tools add up to %d, want 50000", sum)
		}
	})
	t.Run("stream", func(t *testing.T) {
		r := launch(t, "run", "-c", config)
		site := "http://" + r.until(`serving http.*address=(\S+)`)
		must(t, exitDone, "generate", "--rows", "7000", "--seed", "2", "--brokers", b.Plain, "--topic", "transactions")
		for read := int64(0); read < 57000; {
			r.until("batch published")
			_, body, _ := get(t, site+"/status")
			var doc status.Document
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatal(err)
			}
			read = doc.Tables[0].Totals.Read
		}
		r.end(exitDone)
	})
	t.Run("the evidence holds", func(t *testing.T) {
		out, _ := must(t, exitDone, "verify", "-c", config, "--deep")
		if !strings.Contains(out, "no difference") || !strings.Contains(out, "57,000 rows") {
			t.Errorf("got %s", out)
		}
	})
	t.Run("records that are gone", func(t *testing.T) {
		must(t, exitDone, "generate", "--rows", "1000", "--brokers", b.Plain, "--topic", "transactions")
		ends, err := admin.ListEndOffsets(t.Context(), "transactions")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"check"}, {"run", "--until-current"}} {
			_, errs := must(t, exitUnsafe, append(args, "-c", config)...)
			if !strings.Contains(errs, "is gone, the log starts at") || !strings.Contains(errs, "Set on_loss: continue") {
				t.Errorf("%v: %s", args, errs)
			}
		}
		data, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, []byte(strings.Replace(string(data), "group: g", "group: g, on_loss: continue", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, _ := must(t, exitDone, "check", "-c", config); !strings.Contains(out, "on_loss: continue") {
			t.Errorf("check: %s", out)
		}
		must(t, exitDone, "run", "-c", config, "--until-current")
		must(t, exitDone, "verify", "-c", config, "--deep")
	})
	http.DefaultClient.CloseIdleConnections()
	t.Run("a password", func(t *testing.T) { checkPassword(t, b) })
}

// checkPassword reaches a broker that wants TLS and a password, from a file.
func checkPassword(t *testing.T, b *kafkatest.Broker) {
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "secret"), filepath.Join(dir, "tidemark.yaml")
	text := fmt.Sprintf(`lake: file://%s/lake
source_system: test
kafka:
  brokers: [%q]
  group: g2
  tls: {ca_file: %q}
  sasl: {mechanism: SCRAM-SHA-512, username: %q, password_file: %q}
tables:
  - {name: transactions, preset: banking/card-transactions, topics: [transactions]}
`, dir, b.TLSSASL, b.CA, b.User, secret)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]int{b.Password: exitDone, "wrong-" + b.Password: exitUsage} {
		if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := quiet(t, "check", "-c", config)
		if code != want {
			t.Errorf("code %d, want %d\n%s%s", code, want, out, errs)
		}
		if strings.Contains(out+errs, b.Password) {
			t.Errorf("the password is shown:\n%s%s", out, errs)
		}
	}
	// Neither does it get into the log, however much is logged, nor into the lake.
	if err := os.WriteFile(secret, []byte(b.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := quiet(t, "run", "-c", config, "--until-current", "--log-level", "debug")
	if code != exitDone || strings.Contains(out+errs, b.Password) {
		t.Errorf("run: code %d\n%s%s", code, out, errs)
	}
	if code, out, errs = quiet(t, "status", "-c", config, "--json"); code != exitDone || strings.Contains(out+errs, b.Password) {
		t.Errorf("status: code %d\n%s%s", code, out, errs)
	}
	records := 0
	err := filepath.WalkDir(filepath.Join(dir, "lake"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(b.Password)) {
			t.Errorf("the password lies in %s", path)
		}
		records++
		return err
	})
	if err != nil || records == 0 {
		t.Errorf("looked at %d files, %v", records, err)
	}
}
