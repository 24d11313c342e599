package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidemark/internal/config"
)

// validator is the schema of configurations, as an editor has it.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tidemark.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("tidemark.json")
}

// validate holds a file against the schema; whole is false where it is no YAML that an editor
// could look at.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) (err error, whole bool) {
	t.Helper()
	// This reader of YAML takes host:port within braces for a map, as no editor does.
	text = bytes.ReplaceAll(text, []byte("[localhost:9092]"), []byte(`["localhost:9092"]`))
	var doc any
	if yaml.Unmarshal(text, &doc) != nil {
		return nil, false
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	return s.Validate(value), true
}

// The file for editors is what JSONSchema says.
func TestJSONSchemaFile(t *testing.T) {
	want, err := config.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/tidemark.schema.json"
	if flag.Lookup("rewrite").Value.String() == "true" { // of package datadriven
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what this version reads (%v): go test ./internal/config -rewrite writes it", file, err)
	}
}

// Whatever the reader takes the schema takes: the examples, and what scenarios read.
func TestJSONSchemaTakesWhatIsRead(t *testing.T) {
	s := validator(t)
	n := 0
	look := func(name string, text []byte, getenv func(string) (string, bool)) {
		if _, err := config.Parse(name, text, getenv); err != nil {
			return
		}
		n++
		if err, whole := validate(t, s, text); err != nil || !whole {
			t.Errorf("%s is read, and the schema refuses it: %v\n%s", name, err, text)
		}
	}
	for _, pattern := range []string{"../../examples/*.yaml", "../../examples/*/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			look(f, text, os.LookupEnv)
		}
	}
	some := func(string) (string, bool) { return "1", true }
	scenarios, _ := filepath.Glob("testdata/scenario/*.txt")
	for _, f := range scenarios {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range regexp.MustCompile(`(?s)\nparse[^\n]*\n(.*?)\n----\n`).FindAllSubmatch(text, -1) {
			for _, getenv := range []func(string) (string, bool){none, some} {
				look(fmt.Sprintf("%s %d", f, i+1), m[1], getenv)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d were looked at", n)
	}
}

// plainFaults are those that a schema can see: which keys there are, and what kind of value.
var plainFaults = regexp.MustCompile(`there is no key|not in this version|did you mean \S+\?$|is not a text|write true or false|write a whole number|is missing: write \w+: |write one of \w+, \w+|is a list: |is a map: `)

// What the reader refuses for its keys and kinds of values the schema refuses too.
func TestJSONSchemaRefusesWhatIsNotRead(t *testing.T) {
	s := validator(t)
	refused, passed := 0, []string{}
	for _, path := range badFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		faults, err := os.ReadFile(strings.TrimSuffix(path, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		err, whole := validate(t, s, text)
		switch {
		case !whole:
		case err != nil:
			refused++
		case strings.HasPrefix(filepath.Base(path), "bucket_"): // what is wrong is within a URL
		case plainFaults.Match(faults):
			passed = append(passed, fmt.Sprintf("%s:\n%s", path, faults))
		}
	}
	if len(passed) > 0 {
		t.Errorf("the schema takes\n%s", strings.Join(passed, "\n"))
	}
	if refused < 10 {
		t.Errorf("it refuses %d of the bad files", refused)
	}
	for _, text := range []string{
		"lake: file:///lake\n", "lake: 1\nsource_system: s\ntables: []\n", "lake: file:///lake\nsource_system: s\ntables: [{name: t, colums: []}]\n",
		"lake: file:///lake\nsource_system: s\ntables: [{name: t, columns: [{name: a, type: text}]}]\n", "lake: file:///lake\nsource_system: s\ntables: [{name: t, halt_above: 5}]\n",
		"lake: file:///lake\nsource_system: s\nmemory: 1GB\ntables: []\n",
	} {
		if err, _ := validate(t, s, []byte(text)); err == nil {
			t.Errorf("the schema takes\n%s", text)
		}
	}
}
