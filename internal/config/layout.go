package config

import (
	"slices"
	"strings"
)

// layout is what may stand in a section.
type layout struct {
	title  string   // as messages call the section
	keys   []string // in the order of the documentation
	absent []string // of features that are not in this version
}

// The sections of the file.
var (
	top = layout{
		title:  "the file",
		keys:   []string{"lake", "source_system", "memory", "batch", "kafka", "registry", "writer", "http", "tables"},
		absent: []string{"notify", "delta"},
	}
	batchSection  = layout{title: "batch", keys: []string{"max_age", "max_rows", "max_bytes"}}
	writerSection = layout{title: "writer", keys: []string{"codec", "level", "target_file", "sort_by"}}
	httpSection   = layout{title: "http", keys: []string{"listen"}}
	kafkaSection  = layout{title: "kafka", keys: []string{
		"brokers", "group", "start", "on_loss", "session_timeout", "instance_id", "rack", "protocol", "tls", "sasl",
	}}
	tlsSection      = layout{title: "kafka.tls", keys: []string{"ca_file", "cert_file", "key_file"}}
	saslSection     = layout{title: "kafka.sasl", keys: []string{"mechanism", "username", "password", "password_file"}}
	registrySection = layout{title: "registry", keys: []string{
		"url", "username", "password", "password_file", "token", "token_file", "tls", "timeout",
	}}
	registryTLSSection = layout{title: "registry.tls", keys: tlsSection.keys}
	tableSection       = layout{title: "a table", keys: []string{
		"name", "preset", "money", "ids", "topics", "format", "debezium", "schema_file", "csv", "event_time", "partition_by", "columns", "evolution", "watermark",
		"dedupe", "checks", "on_fail", "halt_above", "halt_min_rows", "writer", "backfill",
	}, absent: []string{"compaction", "delta", "notify"}}
	csvSection = layout{title: "csv", keys: []string{
		"header", "separator", "quote", "encoding", "null_values", "decimal_comma", "thousands",
	}}
	evolutionSection = layout{title: "evolution", keys: []string{"missing", "extra", "widen", "narrow"}}
	backfillSection  = layout{title: "backfill", keys: []string{"first_run"}}
	dedupeSection    = layout{title: "dedupe", keys: []string{"keys", "within"}}
	watermarkSection = layout{title: "watermark", keys: []string{"delay", "max_future", "idle_after", "late"}}
	columnSection    = layout{title: "a column", keys: []string{
		"name", "type", "required", "default", "from", "aliases", "unit", "layout", "zone", "from_float",
	}}
	checkSection = layout{title: "a check", keys: []string{
		"completeness", "at_least", "unique", "scope", "range", "min", "max", "category", "values", "ignore_case",
		"pattern", "regex", "rule", "nulls", "severity", "name", "reference", "in", "file", "column",
	}}
)

func (l layout) has(key string) bool   { return slices.Contains(l.keys, key) }
func (l layout) lacks(key string) bool { return slices.Contains(l.absent, key) }

// suggest says what to write for a key that is not known.
func (l layout) suggest(key string) string {
	if strings.HasSuffix(key, ")") {
		return `it looks like the rest of a decimal: within { } write "decimal(18,2)" in quotes`
	}
	if near := nearest(key, l.keys); near != "" {
		return "did you mean " + near + "?"
	}
	return "write one of " + strings.Join(l.keys, ", ")
}

// nearest is the word that takes the fewest changes of a letter to become what was
// written, if they are few for its length.
func nearest(written string, words []string) string {
	if len(written) > 40 {
		return ""
	}
	best, least := "", 1+max(1, len(written)/3)
	for _, w := range words {
		if d := distance(strings.ToLower(written), w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			same := 1
			if a[i] == b[j] {
				same = 0
			}
			row[j+1] = min(last[j]+same, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
