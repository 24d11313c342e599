// White-box: the page on configuration is compared with the layouts, which nothing
// else needs to see.
package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const page = "../../docs/configuration.md"

var ticked = regexp.MustCompile("`([^`]+)`")

// docRow is a row of a table of the page: its keys and its default.
type docRow struct {
	keys []string
	cell string // the default's
}

// docTables gives the rows of tables that begin with "key", by the heading above.
func docTables(t *testing.T) map[string][]docRow {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]docRow{}
	heading, in := "", false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		if !strings.HasPrefix(line, "|") {
			in = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if strings.TrimSpace(cells[0]) == "key" {
			in = true
			continue
		}
		if !in || strings.HasPrefix(cells[0], "---") {
			continue
		}
		row := docRow{cell: strings.TrimSpace(cells[1])}
		for _, m := range ticked.FindAllStringSubmatch(cells[0], -1) {
			row.keys = append(row.keys, m[1])
		}
		out[heading] = append(out[heading], row)
	}
	return out
}

// leaves lists the keys of a section with those of the sections in it.
func leaves(l layout, within map[string]layout) []string {
	var out []string
	for _, key := range l.keys {
		inner, ok := within[key]
		if !ok {
			out = append(out, key)
			continue
		}
		for _, k := range leaves(inner, within) {
			out = append(out, key+"."+k)
		}
	}
	return out
}

func TestPageHasEveryKey(t *testing.T) {
	tables := docTables(t)
	keys := func(headings ...string) []string {
		var out []string
		for _, h := range headings {
			for _, row := range tables[h] {
				out = append(out, row.keys...)
			}
		}
		return out
	}
	within := map[string]layout{"batch": batchSection, "writer": writerSection, "http": httpSection, "kafka": kafkaSection, "registry": registrySection, "tls": tlsSection, "sasl": saslSection}
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"the whole", append(keys("The whole", "Kafka", "Schema registry"), "tables"), leaves(top, within)},
		{"a table", keys("Tables"), leaves(tableSection, map[string]layout{"dedupe": dedupeSection, "csv": csvSection, "evolution": evolutionSection, "watermark": watermarkSection, "backfill": backfillSection})},
		{"a column", keys("Columns"), columnSection.keys},
	} {
		slices.Sort(c.got)
		want := slices.Sorted(slices.Values(c.want))
		if !slices.Equal(c.got, want) {
			t.Errorf("%s has these keys in %s:\n%v\nand these in the code:\n%v", c.name, page, c.got, want)
		}
	}
	text, _ := os.ReadFile(page)
	words := ticked.FindAllString(strings.ReplaceAll(string(text), "```", ""), -1)
	for _, l := range []layout{top, tableSection, columnSection} {
		for _, key := range l.absent {
			if !slices.Contains(words, "`"+key+"`") {
				t.Errorf("%s does not say that %s is not in this version", page, key)
			}
		}
	}
	for _, key := range checkSection.keys {
		if !slices.Contains(words, "`"+key+"`") && !slices.Contains([]string{"in", "file", "column"}, key) {
			t.Errorf("%s does not have the key %s of checks", page, key)
		}
	}
	for _, name := range presetNames() {
		if !slices.Contains(words, "`"+name+"`") {
			t.Errorf("%s does not have the preset %s", page, name)
		}
	}
}

// The defaults on the page are those of a file that says nothing.
func TestPageHasTheDefaults(t *testing.T) {
	c, err := Parse("c.yaml", []byte(`
lake: file:///lake
source_system: core
kafka: {brokers: [localhost:9092], group: tidemark}
registry: {url: "http://localhost:8081"}
tables: [{name: t, preset: banking/transactions}]
`), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	table, k := c.Tables[0], c.Kafka
	want := map[string]string{
		"memory": formatSize(c.Memory), "batch.max_age": formatDuration(c.Batch.MaxAge), "batch.max_rows": "500000",
		"batch.max_bytes": formatSize(c.Batch.MaxBytes), "writer.codec": c.Writer.Codec, "writer.level": c.Writer.Level,
		"writer.target_file": formatSize(c.Writer.TargetFile),
		"registry.timeout":   formatDuration(c.Registry.Timeout),
		"kafka.start":        k.Start, "kafka.on_loss": k.OnLoss, "kafka.session_timeout": formatDuration(k.SessionTimeout), "kafka.protocol": k.Protocol,
		"money": "decimal", "ids": "long", "format": table.Format, "debezium": strconv.FormatBool(table.Schema.Debezium), "csv.header": "true", "csv.separator": string(table.Schema.CSV.Separator), "csv.quote": string(table.Schema.CSV.Quote), "csv.encoding": table.Schema.CSV.Encoding, "csv.decimal_comma": "false", "partition_by": table.Schema.Partition.String(),
		"evolution.missing": "default", "evolution.extra": "drop", "evolution.widen": "accept", "evolution.narrow": "quarantine",
		"watermark.delay": formatDuration(table.Delay), "watermark.max_future": formatDuration(table.MaxFuture),
		"watermark.idle_after": formatDuration(table.IdleAfter), "watermark.late": table.Late.String(),
		"backfill.first_run": map[bool]string{true: "all"}[table.FirstRun == 0], "on_fail": table.Policy.OnFail.String(), "halt_above": "0.05", "halt_min_rows": "1000",
	}
	tables := docTables(t)
	for _, heading := range []string{"The whole", "Kafka", "Schema registry", "Tables"} {
		for _, row := range tables[heading] {
			m := ticked.FindStringSubmatch(row.cell)
			if len(m) == 0 || m[0] != row.cell {
				continue // required, none, or said in words
			}
			if got := m[1]; got != want[row.keys[0]] {
				t.Errorf("the default of %s is %q on the page and %q in effect", row.keys[0], got, want[row.keys[0]])
			}
			delete(want, row.keys[0])
		}
	}
	for key := range want {
		t.Errorf("the page has no default of %s", key)
	}
	if got, want := c.Batch.MaxRows, 500_000; got != want {
		t.Errorf("max_rows is %d, want %d", got, want)
	}
	if p := table.Policy; p.HaltAbove != 0.05 || p.HaltMinRows != 1000 {
		t.Errorf("halt_above %v, halt_min_rows %d", p.HaltAbove, p.HaltMinRows)
	}
}

// The columns of presets on the page are those in effect.
func TestPageHasThePresets(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range presetNames() {
		if name == "banking/branches" || name == "banking/products" {
			continue
		}
		c, err := Parse("c.yaml", []byte("lake: file:///l\nsource_system: s\ntables: [{name: t, preset: "+name+"}]"), os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		s := c.Tables[0].Schema
		row := "| `" + name + "` | "
		for i := range s.Columns {
			row += s.Columns[i].Name + ", "
		}
		row = strings.TrimSuffix(row, ", ") + " |"
		if s.EventTime >= 0 {
			row += " " + s.Columns[s.EventTime].Name
		}
		if row += " |"; !strings.Contains(string(text), row) {
			t.Errorf("%s lacks %s", page, row)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every configuration that a reader may copy loads: the examples, and the blocks of
// the pages, those that are a part of a table put into one.
func TestPagesAndExamplesLoad(t *testing.T) {
	files, _ := filepath.Glob("../../examples/*.yaml")
	if len(files) == 0 {
		t.Error("there is no example")
	}
	for _, f := range files {
		c, err := Load(f)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := c.ForRun(); err != nil {
			t.Error(err)
		}
		if len(c.Warnings) > 0 {
			t.Errorf("%s warns: %s", f, c.Warnings)
		}
	}
	pages, _ := filepath.Glob("../../docs/*.md")
	blocks := 0
	for _, p := range append(pages, "../../README.md") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			blocks++
			if _, err := Parse(p, []byte(inTable(m[1])), os.LookupEnv); err != nil {
				t.Errorf("%s:\n%s%v", p, m[1], err)
			}
		}
	}
	if blocks == 0 {
		t.Error("there is no block of YAML on any page")
	}
}

// inTable completes a block that is a part of a table.
func inTable(block string) string {
	const whole = "lake: file:///lake\nsource_system: core\ntables:\n  - name: t\n"
	switch {
	case strings.HasPrefix(block, "columns:"):
		return whole + "    partition_by: none\n    " + strings.ReplaceAll(block, "\n", "\n    ")
	case strings.HasPrefix(block, "checks:"):
		return whole + "    preset: banking/card-transactions\n    " + strings.ReplaceAll(block, "\n", "\n    ")
	}
	return block
}
