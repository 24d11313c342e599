package conform_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// protoCase is a made up schema with its records and what became of them, for other runtimes.
type protoCase struct {
	Files   string        `json:"files"` // a FileDescriptorSet in base64
	Message string        `json:"message"`
	Columns []protoColumn `json:"columns"`
	Rows    []protoRow    `json:"rows"`
	table   *schema.Table // not for them
	desc    protoreflect.MessageDescriptor
}

type protoColumn struct {
	Path []any  `json:"path"`
	Type string `json:"type"`
}

type protoRow struct {
	Value string    `json:"value"` // in base64
	Cells []*string `json:"cells"` // nil: null; none: it was rejected
}

// TestProtoDifferential decodes made up records of made up schemas, and wants each value to be
// what the runtimes of Protobuf read there: Go's and Python's. -long: 100,000 records of 200 schemas.
func TestProtoDifferential(t *testing.T) {
	schemas, rows := 40, 60
	if *long {
		schemas, rows = 200, 500
	}
	written, total := 0, 0
	dir := t.TempDir()
	for seed := range uint64(schemas) {
		w := newProtoMade(seed)
		c := decodeMade(t, w, rows)
		for i := range c.Rows {
			total++
			if c.Rows[i].Cells != nil {
				written++
			}
			compareGo(t, w, c, i)
			if t.Failed() {
				t.Fatalf("seed %d, row %d: schema\n%s", seed, i, w.text)
			}
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.json", seed)), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d records were written", written, total)
	if written < total*3/4 {
		t.Errorf("%d of %d rows were written, want most of them", written, total)
	}
	if out, err := exec.CommandContext(t.Context(), "../scripts/protobuf", "up").CombinedOutput(); err != nil {
		t.Fatalf("scripts/protobuf up: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "../scripts/protobuf", "check", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("scripts/protobuf: %v\n%s", err, out)
	}
	if want := fmt.Sprintf("%d records of %d schemas", total, schemas); !strings.Contains(string(out), want) {
		t.Errorf("scripts/protobuf says %s, want %s", out, want)
	}
}

// decodeMade makes up records of a schema and decodes them.
func decodeMade(t *testing.T, w *protoMade, rows int) *protoCase {
	t.Helper()
	f := mustProto(t, w.text)
	c := &protoCase{Message: "made.M0", table: w.table, desc: f.other.Messages().Get(0)}
	set := &descriptorpb.FileDescriptorSet{}
	addFiles(set, f.other, map[string]bool{})
	bytes, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	c.Files = base64.StdEncoding.EncodeToString(bytes)
	for i := range w.table.Columns {
		col := &w.table.Columns[i]
		one := protoColumn{Type: col.Type.String(), Path: []any{col.Name}}
		if col.From.Nested() {
			one.Path = nil
			for _, s := range col.From.Path {
				if s.Index >= 0 {
					one.Path = append(one.Path, s.Index)
				} else {
					one.Path = append(one.Path, s.Key)
				}
			}
		}
		c.Columns = append(c.Columns, one)
	}
	var values []string
	for range rows {
		a, err := proto.MarshalOptions{Deterministic: true}.Marshal(w.message(c.desc, 3))
		if err != nil {
			t.Fatal(err)
		}
		b, err := proto.Marshal(w.message(c.desc, 2))
		if err != nil {
			t.Fatal(err)
		}
		whole := string(w.pieces(a, b))
		if beyondJSON(c.desc, whole) {
			whole = string(a)
		}
		values = append(values, whole)
	}
	b, _ := decodeProto(t, w.table, f.Message(0), values...)
	for row, v := range values {
		one := protoRow{Value: base64.StdEncoding.EncodeToString([]byte(v))}
		if b.Fates[row] == batch.Written {
			one.Cells = cellsOf(b, row)
		} else if !beyondUs(b, row) {
			t.Fatalf("row %d is rejected: %s\n%s\n%x", row, b.Detail(b.Rejects), w.text, v)
		}
		c.Rows = append(c.Rows, one)
	}
	return c
}

// beyondUs reports whether a row is rejected for what a column cannot hold and Protobuf can.
func beyondUs(b *batch.Batch, row int) bool {
	for _, r := range b.Rejects {
		if int(r.Row) == row && r.Reason != conform.ReasonOverflow && r.Reason != conform.ReasonScale {
			return false
		}
	}
	return true
}

// beyondJSON reports whether a record has what JSON cannot hold: pieces of a Duration with two
// signs.
func beyondJSON(d protoreflect.MessageDescriptor, value string) bool {
	m := dynamicpb.NewMessage(d)
	if err := proto.Unmarshal([]byte(value), m); err != nil {
		return false
	}
	_, err := protojson.Marshal(m)
	return err != nil
}

// cellsOf are the values of a row: bytes in base64, and fractions as their bits.
func cellsOf(b *batch.Batch, row int) []*string {
	out := make([]*string, len(b.Columns))
	for c := range b.Columns {
		v, typ := &b.Columns[c], b.Table.Columns[c].Type
		if v.Mark(row) == batch.Null {
			continue
		}
		text := describe(b, c, row)
		switch {
		case typ.Kind == schema.Binary:
			text = base64.StdEncoding.EncodeToString(v.Text(row))
		case v.Ints != nil:
			text = strconv.FormatInt(v.Ints[row], 10)
		}
		out[c] = &text
	}
	return out
}

func addFiles(set *descriptorpb.FileDescriptorSet, f protoreflect.FileDescriptor, done map[string]bool) {
	if done[f.Path()] {
		return
	}
	done[f.Path()] = true
	for i := range f.Imports().Len() {
		addFiles(set, f.Imports().Get(i).FileDescriptor, done)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
}

// compareGo compares a row with what Go's runtime reads.
func compareGo(t *testing.T, w *protoMade, c *protoCase, row int) {
	t.Helper()
	if c.Rows[row].Cells == nil {
		return
	}
	value, err := base64.StdEncoding.DecodeString(c.Rows[row].Value)
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(c.desc)
	if err := proto.Unmarshal(value, m); err != nil {
		t.Errorf("its own runtime: %v", err)
		return
	}
	for i, col := range c.Columns {
		want, ok := goCell(t, m, c.desc, col)
		got := c.Rows[row].Cells[i]
		same := ok == (got != nil)
		if same && ok {
			same = *got == want || col.Type == "json" && sortedJSON(t, *got) == sortedJSON(t, want)
		}
		if !same {
			have := "null"
			if got != nil {
				have = *got
			}
			t.Errorf("column %v %s: got %s, Go has %s, %t\n%x", col.Path, col.Type, have, want, ok, value)
		}
	}
	_ = w
}

// goCell is what a column should hold, false: null.
func goCell(t *testing.T, m protoreflect.Message, d protoreflect.MessageDescriptor, col protoColumn) (string, bool) {
	t.Helper()
	for i, step := range col.Path {
		f := d.Fields().ByName(protoreflect.Name(step.(string)))
		if f == nil {
			return "", false
		}
		last := i == len(col.Path)-1
		if !last && f.IsList() {
			list := m.Get(f).List()
			n := col.Path[i+1].(int)
			if n >= list.Len() {
				return "", false
			}
			return goValue(t, f, list.Get(n), col.Type), true
		}
		if f.HasPresence() && !m.Has(f) && !(last && f.HasDefault()) {
			return "", false
		}
		if last {
			text := goField(t, m, f, col.Type)
			return text, col.Type != "json" || text != "null"
		}
		m, d = m.Get(f).Message(), f.Message()
	}
	return "", false
}

// goField is the value of a field in a column.
func goField(t *testing.T, m protoreflect.Message, f protoreflect.FieldDescriptor, typ string) string {
	t.Helper()
	if typ != "json" || f.HasDefault() && !m.Has(f) {
		return goValue(t, f, m.Get(f), typ)
	}
	// The field as it stands in the text of its message.
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true, AllowPartial: true}.Marshal(m.Interface())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return string(all[string(f.Name())])
}

// goValue is a value that is no list and no map in a column of a type.
func goValue(t *testing.T, f protoreflect.FieldDescriptor, v protoreflect.Value, typ string) string {
	t.Helper()
	bits := func(x float64) string { return strconv.FormatInt(int64(math.Float64bits(x)), 10) }
	if f.Message() != nil && typ != "json" {
		if f.Message().FullName() == "google.protobuf.Duration" || f.Message().FullName() == "google.protobuf.Timestamp" {
			text, err := protojson.Marshal(v.Message().Interface())
			if err != nil {
				t.Fatal(err)
			}
			return strings.Trim(string(text), `"`)
		}
		inner := f.Message().Fields().ByName("value")
		return goValue(t, inner, v.Message().Get(inner), typ)
	}
	text := v.String()
	switch f.Kind() {
	case protoreflect.EnumKind:
		if one := f.Enum().Values().ByNumber(v.Enum()); one != nil {
			text = string(one.Name())
		}
	case protoreflect.BytesKind:
		text = base64.StdEncoding.EncodeToString(v.Bytes())
	case protoreflect.BoolKind:
		text = strconv.Itoa(btoi(v.Bool()))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		text = bits(v.Float())
	}
	switch typ {
	case "json":
		switch f.Kind() {
		case protoreflect.BoolKind:
			return strconv.FormatBool(v.Bool())
		case protoreflect.FloatKind:
			return strconv.FormatFloat(v.Float(), 'g', -1, 32)
		case protoreflect.DoubleKind:
			return strconv.FormatFloat(v.Float(), 'g', -1, 64)
		case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			return text
		}
		return quoted(text)
	case "binary":
		if f.Kind() == protoreflect.StringKind {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
	case "double":
		switch x := v.Interface().(type) {
		case int32:
			return bits(float64(x))
		case uint64:
			return bits(float64(x))
		}
	case "decimal(18,3)":
		return strconv.FormatInt(v.Int()*1000, 10)
	}
	return text
}
