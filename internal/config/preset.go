package config

import (
	"embed"
	"path"
	"strings"

	"tidemark/internal/schema"
)

// presets are the built-in tables, written as a user would write them. Money, ids
// and rates are variables in them.
//
//go:embed presets/*.yaml
var presets embed.FS

// preset is a built-in table as far as the file's own table does not override it.
type preset struct {
	// usable is false if the preset cannot be known: what is missing is then no
	// fault of its own.
	usable    bool
	eventTime string
	partition schema.Partitioning
	checks    []placedCheck
}

// presetSection is what a preset's file holds.
var presetSection = layout{title: "a preset", keys: []string{"event_time", "partition_by", "columns", "checks"}}

// readPreset fills in the columns of the table's preset and gives the rest of it.
func (t *tableReader) readPreset() preset {
	p := preset{usable: true, partition: schema.ByDay}
	s := t.section
	types := map[string]string{"money": "decimal(18,2)", "rate": "decimal(12,6)", "ids": "long"}
	s.with("money", func(v value) {
		var word string
		if v.choice(&word, "decimal", "double") && word == "double" {
			types["money"], types["rate"] = word, word
		}
	})
	s.with("ids", func(v value) {
		var word string
		if v.choice(&word, "long", "int") {
			types["ids"] = word
		}
	})
	v, has := s.values["preset"]
	if !has {
		for _, key := range []string{"money", "ids"} {
			s.with(key, func(v value) { v.fault("is for tables with a preset: leave it out, columns have types of their own") })
		}
		return p
	}
	p.usable = false
	var name string
	if !v.text(&name) {
		return p
	}
	text, err := presets.ReadFile("presets/" + strings.TrimPrefix(name, "banking/") + ".yaml")
	if err != nil || !strings.HasPrefix(name, "banking/") {
		if near := nearest(name, presetNames()); near != "" {
			v.fault("%s is no preset: did you mean %s?", v.shown(), near)
		} else {
			v.fault("%s is no preset: write one of %s", v.shown(), strings.Join(presetNames(), ", "))
		}
		return p
	}
	p.usable = true
	t.usePreset(&p, v, builtin{name, text, types})
	return p
}

// builtin is the source of a preset.
type builtin struct {
	name  string
	text  []byte
	types map[string]string
}

// usePreset reads a preset by a reader of its own: its faults are ours and a test
// looks for them.
func (t *tableReader) usePreset(p *preset, at value, b builtin) {
	r := &reader{file: "preset " + b.name, getenv: func(key string) (string, bool) { text, ok := b.types[key]; return text, ok }}
	doc, _ := r.document(b.text)
	s, _ := doc.section(presetSection)
	s.with("event_time", func(v value) { v.text(&p.eventTime) })
	s.with("partition_by", func(v value) {
		var word string
		v.choice(&word, "day", "hour", "none")
		p.partition, _ = schema.ParsePartitioning(word)
	})
	own := tableReader{schema: t.schema}
	s.with("columns", own.readColumns)
	s.with("checks", func(v value) {
		items, _ := v.list("")
		for _, item := range items {
			item.name = ""
			if c, ok := readCheck(item); ok {
				p.checks = append(p.checks, placedCheck{check: c, at: at, from: b.name})
			}
		}
	})
	if err := r.err(); err != nil {
		panic(err) // a preset of ours that does not parse
	}
	t.Raw = len(t.schema.Columns) == 0 && !t.section.has("columns")
}

// presetNames lists the presets.
func presetNames() []string {
	files, _ := presets.ReadDir("presets") // embedded: cannot fail
	var names []string
	for _, f := range files {
		names = append(names, "banking/"+strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	return names
}
