package badday_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// testBadJSONRegistry puts bad records behind the ids of JSON Schemas through the program, each
// between good ones: what is no id, ids that lead to nothing that is read, and behind a good id all
// that is bad in JSON alone. What a schema says, however large or odd, sets no record aside.
func testBadJSONRegistry(t *testing.T, h *house) {
	framed := func(id int, value string) string {
		return "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(id))) + value
	}
	good := func(id int64, note string) string {
		return fmt.Sprintf(`{"id":%d,"note":%q,"amount":2.58,"kind":"A","ok":true}`, id, note)
	}
	properties := func(of string) string { return `{"type":"object","properties":{` + of + `}}` }
	texts := []string{
		properties(`"id":{"type":"integer"},"note":{"type":"string"},"amount":{"type":"number"}`),
		`{"type":"record","name":"r","fields":[{"name":"id","type":"long"}]}`,
		`syntax = "proto3"; message M { int64 id = 1; }`,
		`{"type":"object"`, `{"type":"string"}`, strings.Repeat(`{"properties":{"a":`, 3000) + "{}" + strings.Repeat("}}", 3000),
		properties(`"self":{"$ref":"#"}`), properties(`"id":{"title":"` + strings.Repeat("x", 900_000) + `"}`), properties(`"x":{"$ref":"https://elsewhere/x.json"}`),
		properties(`"id":{"type":"boolean"}`), `[` + strings.Repeat("0,", 200_000) + `0]`,
	}
	kinds := map[int]string{2: "AVRO", 3: "PROTOBUF"}
	all := []bad{
		{"one byte", "\x00", "wire"}, {"four bytes", "\x00\x00\x00\x00", "wire"}, {"another mark", "\x01" + framed(1, good(7, planted))[1:], "wire"},
		{"no id", good(7, planted), "wire"}, {"nothing behind the id", framed(1, ""), "empty"}, {"an id that is not there", framed(99, good(7, planted)), "schema_unknown"},
		{"the largest id", framed(-1, good(7, planted)), "schema_unknown"}, {"an id of Avro", framed(2, good(7, planted)), "schema_unknown"}, {"an id of Protobuf", framed(3, good(7, planted)), "schema_unknown"},
		{"message indexes behind the id", framed(1, "\x00"+good(7, planted)), "encoding"}, {"null behind the id", framed(1, "null"), "not_object"},
	}
	for id := 4; id <= len(texts); id++ {
		all = append(all, bad{fmt.Sprintf("schema %d, which is odd", id), framed(id, good(7, planted)), ""})
	}
	for _, b := range []bad{
		{"whole", good(7, planted), ""}, {"bytes behind", good(7, planted) + "x", "trailing"}, {"two", good(7, planted) + good(8, planted), "trailing"}, {"an array", "[" + good(7, planted) + "]", "not_object"},
		{"a key twice", `{"id":7,"id":7,"note":"` + planted + `"}`, "duplicate_key"}, {"NaN", `{"id":7,"amount":NaN}`, "syntax"}, {"deep", `{"id":7,"x":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + "}", "limit"},
		{"a hundred thousand digits", `{"id":7,"amount":` + strings.Repeat("1", 100_000) + `}`, "limit"}, {"no UTF-8", `{"id":7,"note":"` + planted + "\xff\"}", "encoding"}, {"three digits", `{"id":7,"amount":12.345}`, "scale"},
		{"overflow", `{"id":9223372036854775808,"note":"` + planted + `"}`, "overflow"}, {"a text for a truth", `{"id":7,"ok":"` + planted + `"}`, "type"}, {"no id in it", `{"note":"` + planted + `"}`, "required"},
	} {
		all = append(all, bad{b.name, framed(1, b.value), b.want})
	}
	for n := range len(good(7, planted)) {
		if n > 0 {
			all = append(all, bad{fmt.Sprintf("cut at byte %d", n), framed(1, good(7, planted)[:n]), "syntax"})
		}
	}
	s := registryOf(t, func(id int) string {
		if k := kinds[id]; k != "" {
			return k
		}
		return "JSON"
	}, texts)
	h.badRecords(t, "json-registry", fmt.Sprintf("registry: {url: %q}", s.URL), func(id int64) string { return framed(1, good(id, "neighbour")) }, all)
}
