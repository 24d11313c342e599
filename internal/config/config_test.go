package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/config"
)

// none is an environment without variables.
func none(string) (string, bool) { return "", false }

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("c.yaml", []byte(text), none)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const secured = `
lake: file:///lake
source_system: core
kafka:
  brokers: [localhost:9092]
  group: tidemark
  sasl: {mechanism: PLAIN, username: tidemark, %s}
tables: [{name: transactions, preset: banking/card-transactions, topics: [transactions]}]
`

// G2: the lines that a Config could be printed by show no secret.
func TestSecretsAreNeverPrinted(t *testing.T) {
	c := parse(t, fmt.Sprintf(secured, "password: hunter2"))
	if got, err := c.Kafka.SASL.Password(); got != "hunter2" || err != nil {
		t.Fatalf("the password is %q, %v", got, err)
	}
	for _, v := range []any{c, *c, c.Kafka, *c.Kafka, c.Kafka.SASL, *c.Kafka.SASL} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "hunter2") {
				t.Errorf("%s of %T: %s", verb, v, out)
			}
		}
	}
}

// A password in a file can be renewed while the process runs, and the newline that
// editors put at the end is not part of it.
func TestPasswordFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\r\n")
	c := parse(t, fmt.Sprintf(secured, "password_file: "+path))
	if len(c.Warnings) > 0 {
		t.Errorf("warnings for a file that only we can read: %s", c.Warnings)
	}
	if got, err := c.Kafka.SASL.Password(); got != "first" || err != nil {
		t.Errorf("the password is %q, %v", got, err)
	}
	write(" second ")
	if got, err := c.Kafka.SASL.Password(); got != " second " || err != nil {
		t.Errorf("after it was renewed, the password is %q, %v", got, err)
	}
	write("\n")
	if got, err := c.Kafka.SASL.Password(); err == nil {
		t.Errorf("of an empty file the password is %q", got)
	}
}

func TestPasswordFileThatAllCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	c := parse(t, fmt.Sprintf(secured, "password_file: "+path))
	want := "c.yaml:7:63: " + path + " can be read by every user of this machine: chmod o-r it"
	if len(c.Warnings) != 1 || c.Warnings[0] != want {
		t.Errorf("warnings %q, want %q", c.Warnings, want)
	}
}

// The hash tells whether two processes do the same: it stands for what is in effect,
// not for how it is written.
func TestHash(t *testing.T) {
	base := parse(t, fmt.Sprintf(secured, "password: hunter2")).Hash
	if len(base) != 16 {
		t.Errorf("hash %q", base)
	}
	for name, text := range map[string]string{
		"another secret": fmt.Sprintf(secured, "password: other"),
		"a comment":      "# comment\n" + fmt.Sprintf(secured, "password: hunter2"),
		"a default":      fmt.Sprintf(secured, "password: hunter2") + "memory: 1024MiB\nbatch: {max_age: 0.5m}\n",
	} {
		if got := parse(t, text).Hash; got != base {
			t.Errorf("%s changes the hash from %s to %s", name, base, got)
		}
	}
	seen := map[string]string{base: "nothing"}
	for _, change := range []string{
		"lake: file:///lake2", "source_system: other", "memory: 2GiB", "batch: {max_rows: 1}", "http: {listen: \":1\"}", "writer: {level: best}",
		"group: g2", "username: u2", "name: t2", "topics: [other]", "brokers: [localhost:9093]",
		"preset: banking/card-transactions, money: double", "preset: banking/card-transactions, checks: []",
		"preset: banking/card-transactions, watermark: {late: drop}", "preset: banking/card-transactions, halt_above: 1",
		"preset: banking/card-transactions, evolution: {extra: halt}", "preset: banking/card-transactions, partition_by: hour",
		"preset: banking/card-transactions, columns: [{name: transaction_date, type: timestamp, zone: Asia/Tokyo}]",
		"preset: banking/card-transactions, columns: [{name: transaction_date, type: timestamp, zone: Europe/Zurich}]",
	} {
		got := parse(t, changed(t, change)).Hash
		if other, twice := seen[got]; twice {
			t.Errorf("%s has the hash of %s", change, other)
		}
		seen[got] = change
	}
}

// changed is the secured file with one setting in place of that of its key, or at
// the end.
func changed(t *testing.T, setting string) string {
	t.Helper()
	text := fmt.Sprintf(secured, "password: hunter2")
	key, _, _ := strings.Cut(setting, ":")
	at := strings.Index(text, key+": ")
	if at < 0 {
		return text + setting + "\n"
	}
	end := at + strings.IndexAny(text[at:], ",\n")
	if key == "topics" {
		end = at + strings.Index(text[at:], "]") + 1
	}
	return text[:at] + setting + text[end:]
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := config.Parse("c.yaml", []byte("lake: file:///lake\nsource_system: core\ntables: {}\n"), none)
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if e.File != "c.yaml" || e.Line != 3 || e.Column != 9 || e.Text == "" {
		t.Errorf("%+v", e)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.yaml"): ": no such file or directory: name a file with -c",
		dir:                                ": read the configuration: is a directory: name a file with -c",
	} {
		if _, err := config.Load(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s: … %s", err, path, want)
		}
	}
	path := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(path, []byte("lake: file:///lake/${TIDEMARK_TEST_LAKE}\nsource_system: core\ntables: [{name: t, preset: banking/loans}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TIDEMARK_TEST_LAKE", "of-the-process")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Lake, "file:///lake/of-the-process"; got != want {
		t.Errorf("lake %s, want %s", got, want)
	}
}

// G4: what is large or deep is refused before it costs anything, and what is allowed
// takes little.
func TestDocumentsAreBounded(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"1 MB":          {strings.Repeat("# comment\n", 100_000), "c.yaml:1:1: the file is larger than 256KiB: divide its tables among several files"},
		"many keys":     {strings.Repeat("a: 1\n", 50_000), "c.yaml:1:1: the file has more than 50000 words and signs: divide its tables among several files"},
		"deep list":     {"tables: " + strings.Repeat("[", 40_000), "c.yaml:1:29: this is nested deeper than any setting is: see docs/configuration.md for what is written where"},
		"deep map":      {strings.Repeat("{a: ", 15_000), "c.yaml:1:81: this is nested deeper than any setting is: see docs/configuration.md for what is written where"},
		"deep on lines": {deepLines(), "c.yaml:1:1: there is no key \"a\": write one of lake, source_system, memory, batch, kafka, registry, writer, http, tables"},
	} {
		_, err := config.Parse("c.yaml", []byte(c.data), none)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		found := false
		for line := range strings.Lines(err.Error() + "\n") {
			found = found || strings.TrimSuffix(line, "\n") == c.want
		}
		if !found {
			t.Errorf("%s: got %s, want %s", name, err, c.want)
		}
	}
}

// deepLines is as deep as lines can be indented within the largest file.
func deepLines() string {
	var b bytes.Buffer
	for i := 0; b.Len()+i < 250<<10; i++ {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func TestFaultsAreBounded(t *testing.T) {
	_, err := config.Parse("c.yaml", []byte(strings.Repeat("a: 1\n", 5000)), none)
	lines := strings.Split(err.Error(), "\n")
	if got, want := len(lines), 51; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	// 4,999 repeats, one key that is not known, three that are missing
	if got, want := lines[len(lines)-1], "c.yaml: 4953 more faults are not shown: mend these first"; got != want {
		t.Errorf("the last is %q, want %q", got, want)
	}
}

// A name that a variable holds does not make messages lie about other things.
func TestVariablesAreNamedInMessages(t *testing.T) {
	env := map[string]string{"TABLE": "top-secret", "SHORT": "a"}
	_, err := config.Parse("c.yaml", []byte("lake: file:///lake\nsource_system: ${SHORT}\ntables:\n  - {name: t, preset: banking/loans, event_time: \"${TABLE}\", topics: [\"x y\", \"${TABLE}\", \"${TABLE}\"]}\n"),
		func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	want := `c.yaml:4:50: event_time names "${TABLE}", which is no column: write one of loan_id, customer_id, loan_amount, interest_rate, loan_date, status
c.yaml:4:90: topics has "${TABLE}" twice: write it once`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range badFiles(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	example, err := os.ReadFile("../../examples/transactions.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("c.yaml", data, environment)
		if (c == nil) != (err != nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "c.yaml:") {
					t.Errorf("a fault without its place: %q", line)
				}
			}
			return
		}
		for i := range c.Tables {
			if c.Tables[i].Suite == nil || c.Tables[i].Schema.Validate() != nil {
				t.Errorf("table %d is not whole", i)
			}
		}
	})
}
