package badday_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// badChange is the schema of change events around rows of badRecord.
func badChange() string {
	return `{"type":"record","name":"Envelope","fields":[{"name":"before","type":["null",` + badRecord(badFields) + `]},{"name":"after","type":["null","r"]},` +
		`{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"db","type":"string"},{"name":"lsn","type":["null","long"]}]}},{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"]}]}`
}

// changeDatum is a change event; an empty row is null.
func changeDatum(op, before, after string) string {
	image := func(row string) string {
		if row == "" {
			return zig(0)
		}
		return zig(1) + row
	}
	return image(before) + image(after) + avroText(planted) + zig(1) + zig(9) + avroText(op) + zig(1) + zig(5)
}

// testBadChanges puts bad change events in Avro through the program, each between good ones: what
// is bad of a row is bad in an event too, and an event may lack what it should have.
func testBadChanges(t *testing.T, h *house) {
	framed := func(id int, datum string) string {
		return "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(id))) + datum
	}
	row := goodDatum(7, planted)
	all := []bad{
		{"a delete", framed(1, changeDatum("d", row, "")), ""}, {"a delete that says nothing", framed(1, changeDatum("d", "", "")), "envelope"},
		{"no row", framed(1, changeDatum("c", row, "")), "envelope"}, {"no op", framed(1, changeDatum("", "", row)), "envelope"}, {"an op of its own", framed(1, changeDatum("delete", row, "")), "envelope"},
		{"rows without events", framed(2, row), "envelope"}, {"a document that is none", framed(3, zig(1)+avroText(`{"id":`)+avroText("c")), "syntax"}, {"a document", framed(3, zig(1)+avroText(`{"id":7}`)+avroText("c")), ""},
		{"an id that is not there", framed(99, changeDatum("c", "", row)), "schema_unknown"}, {"no id", "{}", "wire"}, {"branch 5", framed(1, zig(5)+row), "syntax"}, {"branch of after -1", framed(1, zig(0)+zig(-1)+row), "syntax"},
	}
	for _, b := range badDatums() {
		switch {
		case b.value == "" || strings.HasPrefix(b.name, "cut"):
		case b.name == "bytes behind" || b.name == "whole":
			all = append(all, bad{b.name, framed(1, changeDatum("c", "", row)+b.value[len(row):]), b.want})
		default:
			all = append(all, bad{b.name + ", after", framed(1, changeDatum("c", "", b.value)), b.want})
		}
	}
	whole := changeDatum("u", row, row)
	for n := 1; n < len(whole); n++ {
		all = append(all, bad{fmt.Sprintf("cut at byte %d", n), framed(1, whole[:n]), "syntax"})
	}
	s := registryOf(t, func(int) string { return "" }, []string{badChange(), badRecord(badFields), `{"type":"record","name":"e","fields":[{"name":"after","type":["null","string"]},{"name":"op","type":"string"}]}`})
	h.badRecords(t, "avro-registry, debezium: true", fmt.Sprintf("registry: {url: %q}", s.URL), func(id int64) string { return framed(1, changeDatum("c", "", goodDatum(id, "neighbour"))) }, all)
}
