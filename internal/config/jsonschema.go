package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/schema"
)

// JSONSchema is a JSON Schema (draft 7, which editors know best) of a configuration file.
//
// Which keys there are is what the reader goes by: the layouts of sections, the names of
// presets, and of formats and types those that it takes. What may stand under a key is said
// here, once more, in the terms of JSON Schema, where these can say it; the rest, such as
// which column a check may name, is for `tidemark check`. A variable, ${NAME}, may stand in
// place of any value that is no list and no section.
func JSONSchema() ([]byte, error) {
	b := schemaBuilder{}
	whole := b.section(top, sections())
	whole["$schema"], whole["title"] = "http://json-schema.org/draft-07/schema#", "A configuration of Tidemark"
	if len(b.faults) > 0 {
		return nil, errors.Join(b.faults...)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(whole)
	return out.Bytes(), err
}

// fragment is a part of a schema.
type fragment map[string]any

// keys are the values of a section, by key; a key that ends with ! must be there.
type keys map[string]any

// inner is a section within another one.
type inner struct {
	layout layout
	keys   keys
	text   string
}

type schemaBuilder struct{ faults []error }

// section writes a section. A key that the reader knows and that is not told here, or
// conversely, is a fault.
func (b *schemaBuilder) section(l layout, of keys) fragment {
	properties, required := fragment{}, []string{}
	told := map[string]bool{}
	for key, v := range of {
		name, must := strings.CutSuffix(key, "!")
		told[name] = true
		if must {
			required = append(required, name)
		}
		if !l.has(name) {
			b.faults = append(b.faults, fmt.Errorf("%s has no key %s", l.title, name))
		}
		properties[name] = b.value(v)
	}
	for _, key := range l.keys {
		if !told[key] {
			b.faults = append(b.faults, fmt.Errorf("what may stand in %s of %s is not told", key, l.title))
		}
	}
	slices.Sort(required)
	out := fragment{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (b *schemaBuilder) value(v any) any {
	switch v := v.(type) {
	case inner:
		out := b.section(v.layout, v.keys)
		if v.text != "" {
			out["description"] = v.text
		}
		return out
	case []any: // a list of sections
		return fragment{"type": "array", "items": b.value(v[0])}
	}
	return v
}

const variable = `\$\{`

// or is a scalar, or a text with a variable in it.
func or(text string, f fragment) fragment {
	return fragment{"description": text, "anyOf": []fragment{f, {"type": "string", "pattern": variable}}}
}

func oneOf(text string, of ...string) fragment {
	return or(text, fragment{"type": "string", "enum": of})
}

func aText(text string) fragment {
	return fragment{"description": text, "type": "string", "minLength": 1}
}

func literal(text string) fragment {
	return fragment{"description": text, "type": []string{"string", "number", "boolean"}}
}

func aTruth(text string) fragment { return or(text, fragment{"type": "boolean"}) }

func aNumber(text string, least, most int64) fragment {
	return or(text, fragment{"type": "integer", "minimum": least, "maximum": most})
}

func aShare(text string) fragment {
	return or(text, fragment{"type": "number", "minimum": 0, "maximum": 1})
}

func aDuration(text string) fragment {
	return or(text+", such as 30s, 12h or 7d", fragment{"type": "string", "pattern": `^([0-9]+d|0|([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+)$`})
}

func aSize(text string) fragment {
	return fragment{"description": text + ", such as 256MiB or 1GiB, or a number of bytes", "anyOf": []fragment{
		{"type": "integer", "minimum": 1}, {"type": "string", "pattern": `^[0-9]+(KiB|MiB|GiB|TiB)?$`}, {"type": "string", "pattern": variable},
	}}
}

func texts(text string) fragment {
	return fragment{"description": text, "type": "array", "items": fragment{"type": "string", "minLength": 1}, "uniqueItems": true}
}

func literals(text string) fragment {
	return fragment{"description": text, "type": "array", "items": fragment{"type": []string{"string", "number", "boolean"}}}
}

// aType is a column's type.
func aType() fragment {
	var names []string
	for _, name := range []string{"int", "long", "float", "double", "string", "boolean", "date", "timestamp", "binary", "json"} {
		if _, err := schema.ParseType(name); err == nil {
			names = append(names, name)
		}
	}
	of := []fragment{{"enum": names}, {"type": "string", "pattern": `^decimal\( *[0-9]+ *, *[0-9]+ *\)$`}, {"type": "string", "pattern": variable}}
	if _, err := schema.ParseType("list<string>"); err == nil {
		of = append(of, fragment{"type": "string", "pattern": "^(list|map|struct)<.+>$"})
	}
	return fragment{"description": "int, long, float, double, decimal(p,s), string, boolean, date, timestamp, binary, json, list<…>, map<string,…> or struct<…>", "anyOf": of}
}

// formats are the names that the reader takes.
func formats() (out []string) {
	for _, f := range []string{"json", "connect-json", "csv", "avro", "avro-registry", "json-registry", "protobuf-registry"} {
		text := "lake: file:///lake\nsource_system: s\nregistry: {url: \"http://registry\"}\ntables:\n  - {name: t, topics: [t], partition_by: none, columns: [{name: a, type: long}], format: " + f
		if f == "avro" {
			text += ", schema_file: a.avsc"
		}
		if _, err := Parse("", []byte(text+"}\n"), func(string) (string, bool) { return "", false }); err == nil {
			out = append(out, f)
		}
	}
	return out
}

func tlsKeys() keys {
	return keys{"ca_file": aText("certificates to trust, in PEM; default: the system's"), "cert_file": aText("our certificate, for mutual TLS"), "key_file": aText("its key")}
}

func writerKeys() keys {
	return keys{
		"codec": oneOf("how files are compressed", "zstd", "snappy", "gzip", "lz4", "none"), "level": oneOf("how hard it tries", "fastest", "default", "better", "best"),
		"target_file": aSize("where a file is closed and another begun"), "sort_by": texts("columns to sort rows by within a file"),
	}
}

// sections is what may stand in a file.
func sections() keys {
	return keys{
		"lake!": aText("the folder under which all tables lie: file:///path, s3://…, gs://… or azblob://…"), "source_system!": aText("written into every row"),
		"memory": aSize("what the process may hold, Kafka's buffers included"),
		"batch": inner{batchSection, keys{
			"max_age": aDuration("a batch is cut at this age"), "max_rows": aNumber("or at so many rows", 1, 100_000_000), "max_bytes": aSize("or at this size"),
		}, "when a batch is cut: whichever comes first"},
		"kafka": inner{kafkaSection, kafkaKeys(), "where topics are"},
		"registry": inner{registrySection, keys{
			"url!": fragment{"description": "one address of the registry, or several", "anyOf": []fragment{
				{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": fragment{"type": "string", "minLength": 1}},
			}},
			"username": aText("for basic authentication"), "password": aText("its password: better in a file"), "password_file": aText("a file that holds it"),
			"token": aText("a bearer's token: better in a file"), "token_file": aText("a file that holds it"),
			"tls": inner{registryTLSSection, tlsKeys(), ""}, "timeout": aDuration("of a request"),
		}, "where schemas are, of formats that need them"},
		"writer":  inner{writerSection, writerKeys(), "how files are written"},
		"http":    inner{httpSection, keys{"listen!": aText(`":8080" or "127.0.0.1:8080"`)}, "metrics, health, status"},
		"tables!": []any{inner{tableSection, tableKeys(), ""}},
	}
}

func kafkaKeys() keys {
	return keys{
		"brokers!": fragment{"description": "host:port of brokers", "type": "array", "minItems": 1, "items": fragment{"type": "string", "minLength": 1}},
		"group!":   aText("the consumer group"),
		"start":    aText("where a partition begins that the ledger does not know: earliest, latest, an age such as 7d, or a time"),
		"on_loss":  oneOf("what to do where Kafka has deleted what comes next", "stop", "continue"), "session_timeout": aDuration("after which a silent process loses its partitions"),
		"instance_id": aText("for static membership"), "rack": aText("the rack of the nearest replicas"), "protocol": oneOf("of the group; consumer is KIP-848", "classic", "consumer"),
		"tls": inner{tlsSection, tlsKeys(), "TLS; {} trusts the system's certificates"},
		"sasl": inner{saslSection, keys{
			"mechanism!": oneOf("how we prove who we are", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "username!": aText("who we are"),
			"password": aText("better in a file"), "password_file": aText("a file that holds the password"),
		}, ""},
	}
}

func tableKeys() keys {
	return keys{
		"name!":  fragment{"description": "of the table and its folder", "type": "string", "anyOf": []fragment{{"pattern": tableName.String()}, {"pattern": variable}}},
		"preset": oneOf("a built-in table: what stands beside it overrides it", presetNames()...), "money": oneOf("type of the preset's money", "decimal", "double"), "ids": oneOf("type of the preset's ids", "long", "int"),
		"topics": texts("that feed the table"), "format": oneOf("how the values in topics are written", formats()...), "debezium": aTruth("values are change events"),
		"schema_file": aText("the schema of records in Avro that name none"),
		"csv": inner{csvSection, keys{
			"header": aTruth("of a file, the first line names the fields"), "separator": literal("between fields"), "quote": literal("around fields that hold separators; none for no quotes"),
			"encoding": oneOf("of files", "utf-8", "latin-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"), "null_values": literals("what an unquoted field is when it is null"),
			"decimal_comma": aTruth("12,50 is twelve and a half"), "thousands": literal("what groups digits"),
		}, "how lines of CSV are written"},
		"event_time": aText("the column that says when it happened"), "partition_by": oneOf("which folders there are", "day", "hour", "none"),
		"columns": []any{inner{columnSection, columnKeys(), ""}},
		"evolution": inner{evolutionSection, keys{
			"missing": oneOf("a column that a record has not", "default", "quarantine", "halt"), "extra": oneOf("a field without a column", "drop", "quarantine", "halt"),
			"widen": oneOf("a smaller type than the column's", "accept", "quarantine", "halt"), "narrow": oneOf("a value that does not fit", "quarantine", "halt"),
		}, "what becomes of a record that differs from the columns"},
		"watermark": inner{watermarkSection, keys{
			"delay": aDuration("how late a row may be"), "max_future": aDuration("how far ahead of now an event may lie"),
			"idle_after": aDuration("how long a partition is fully read before it is idle"), "late": oneOf("what becomes of late rows", "route", "accept", "drop"),
		}, ""},
		"dedupe":  inner{dedupeSection, keys{"keys!": texts("columns that make up a key"), "within!": aDuration("how long a key is remembered, in event time")}, "rows whose key was taken before are duplicates"},
		"checks":  []any{inner{checkSection, checkKeys(), ""}},
		"on_fail": oneOf("what a failed check does", "quarantine_rows", "quarantine_batch", "halt"), "halt_above": aShare("more than this share of a batch rejected halts it"),
		"halt_min_rows": aNumber("batches under this size are not halted by a share", 0, 100_000_000), "writer": inner{writerSection, writerKeys(), "how files of this table are written"},
		"backfill": inner{backfillSection, keys{
			"first_run": fragment{"description": "all, or how old rows of the first backfill may be", "anyOf": []any{fragment{"enum": []string{"all"}}, aDuration("an age")}},
		}, ""},
	}
}

func columnKeys() keys {
	return keys{
		"name!": aText("of the column, and of its field unless from says another"), "type!": aType(), "required": aTruth("a missing value rejects the row"),
		"default": fragment{"description": "in place of a missing value; null for none", "type": []string{"string", "number", "boolean", "null"}},
		"from":    aText("where the value stands: a path such as customer.city or items[0].sku, $key, $headers.NAME, $timestamp"), "aliases": texts("other names of the field"),
		"unit": oneOf("of numbers that stand for a time", "s", "ms", "us", "ns"), "layout": aText("of texts that stand for a time: how 2 January 2006, 15:04:05 would look"),
		"zone": aText("of times that carry none, such as Europe/Zurich"), "from_float": aTruth("a decimal may be made of a float or a double, as its shortest text"),
	}
}

func checkKeys() keys {
	return keys{
		"completeness": texts("columns that must not be null, blank or defaulted"), "at_least": aShare("the share of complete rows that suffices"),
		"unique": texts("columns that make up a key"), "scope": oneOf("how far a key reaches", "batch", "run"),
		"range": aText("a column that lies between min and max"), "min": literal("the least value"), "max": literal("the greatest value"),
		"category": aText("a column whose values are listed"), "values": literals("the list"), "ignore_case": aTruth("case does not count"),
		"pattern": aText("a column that matches regex"), "regex": aText("RE2, of the whole value"), "rule": aText("an expression in CEL over the columns of one row"),
		"nulls": oneOf("what a null is worth", "pass", "fail"), "severity": oneOf("fail rejects rows, warn counts them", "fail", "warn"), "name": aText("of the check"),
		"reference": aText("a column whose values stand in another table or file"), "in": aText("TABLE.COLUMN of the lake"), "file": aText("in place of a table"), "column": aText("of the file"),
	}
}
