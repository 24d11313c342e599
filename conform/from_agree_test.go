package conform_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Columns from within: on random documents and paths, in any style of writing, our
// values are those that a walk over what encoding/json read comes to; and short cuts
// change nothing. -long: 100,000 documents.
func TestFromAgreesWithEncodingJSON(t *testing.T) {
	const each = 250
	documents := 3_000
	if f := flag.Lookup("long"); f != nil && f.Value.String() == "true" {
		documents = 100_000
	}
	fates, size := map[string]int{}, 0
	for seed := range documents / each {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		table := randomPaths(rng)
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		w := documentWriter{rng: rng, spaces: rng.IntN(3) == 0, escapes: rng.IntN(3) == 0, doubles: rng.IntN(4) == 0, odd: rng.IntN(4) * 5}
		values := make([][]byte, each)
		for i := range values {
			if i > 0 && rng.IntN(2) == 0 { // of the same shape, which short cuts are for
				w.rng = rand.New(rand.NewPCG(uint64(seed), 99))
			}
			values[i] = w.document(table)
			size += len(values[i])
			w.rng = rng
		}
		b := bothWays(t, plan, table, dirty(values[0], values))
		for row, value := range values {
			got, want := nested(b, row), walked(t, table, value)
			if got != want {
				t.Fatalf("seed %d, row %d: %s\ngot  %s\nwant %s", seed, row, value, got, want)
			}
			fates[strings.Fields(got)[0]]++
		}
	}
	t.Logf("%d documents, %d bytes, %v", documents, size, fates)
	if fates["ok"] < documents/3 || fates["type"] < documents/20 || fates["duplicate_key"] < documents/200 {
		t.Errorf("got %v: too few of a kind", fates)
	}
}

// F4: the same where bytes are taken out, put in and replaced.
func TestF4MutilatedFields(t *testing.T) {
	const bytesOfJSON = `{}[]":,{}":,0129.-etnul ` + "\n\x00\x80\\"
	for seed := range 40 {
		rng := rand.New(rand.NewPCG(uint64(seed), 8))
		table := randomPaths(rng)
		table.Evolution = schema.Evolution{Missing: schema.Action(rng.IntN(2)), Widen: schema.Action(rng.IntN(3)), Narrow: schema.Action(rng.IntN(3))}
		for i := range table.Columns {
			table.Columns[i].Required = rng.IntN(6) == 0
		}
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		w := documentWriter{rng: rng, odd: 2}
		var values [][]byte
		for range 8 {
			v := w.document(table)
			values = append(values, v, v, v, v)
			for range 40 {
				v := bytes.Clone(v)
				for range 1 + rng.IntN(2) {
					at := rng.IntN(len(v))
					switch n := rng.IntN(min(20, len(v)-at)); rng.IntN(4) {
					case 0:
						v = append(v[:at], v[at+n:]...)
					case 1:
						v[at] = bytesOfJSON[rng.IntN(len(bytesOfJSON))]
					case 2:
						v = slices.Insert(v, at+n, v[at:at+n]...)
					case 3:
						v = slices.Insert(v, at, bytesOfJSON[rng.IntN(len(bytesOfJSON))])
					}
					v = append(v, ' ')
				}
				values = append(values, v)
			}
		}
		b := bothWays(t, plan, table, dirty(values[0], values))
		for row, value := range values {
			if b.Fates[row] == batch.Written && !json.Valid(value) {
				t.Fatalf("seed %d, row %d was accepted, encoding/json calls it invalid: %s", seed, row, value)
			}
			if json.Valid(value) && rejectOf(b, row) == conform.ReasonSyntax {
				t.Fatalf("seed %d, row %d was rejected for its syntax, encoding/json calls it valid: %s", seed, row, value)
			}
		}
	}
}

// wordsOf are the keys of random documents, as they stand and as paths write them.
var wordsOf = []string{"a", "b", "c", "dd", "e.f", `q"x`, "zürich", "a key of more than twenty-four bytes", "x"}

// randomPaths makes a table of columns from within, of which none is in another's way.
func randomPaths(rng *rand.Rand) *schema.Table {
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	types := []schema.Type{{Kind: schema.String, JSON: true}, {Kind: schema.String}, {Kind: schema.Long}, {Kind: schema.Boolean}, {Kind: schema.Decimal, Precision: 9, Scale: 2}}
	for range 40 {
		typ := types[rng.IntN(len(types))]
		c := schema.Column{Name: fmt.Sprint("c", len(table.Columns)), Type: typ, Default: schema.DefaultFor(typ)}
		for k := range 1 + rng.IntN(4) {
			step := schema.Step{Index: -1, Key: wordsOf[rng.IntN(len(wordsOf)-1)]}
			if k > 0 && rng.IntN(4) == 0 {
				step = schema.Step{Index: rng.IntN(3)}
			}
			c.From.Path = append(c.From.Path, step)
		}
		from, err := schema.ParseFrom(c.From.String())
		if err != nil {
			panic(err)
		}
		c.From = from
		table.Columns = append(table.Columns, c)
		if table.Validate() != nil || len(table.Columns) > 8 {
			table.Columns = table.Columns[:len(table.Columns)-1]
		}
	}
	return table
}

// documentWriter writes random documents, in which paths mostly lead to what fits.
type documentWriter struct {
	rng                      *rand.Rand
	spaces, escapes, doubles bool
	odd                      int // per cent of values that are of any kind
	out                      []byte
}

// way is a column, as seen from a value of the document.
type way struct {
	typ  schema.Type
	rest []schema.Step
}

func (w *documentWriter) document(table *schema.Table) []byte {
	var ways []way
	for i := range table.Columns {
		ways = append(ways, way{table.Columns[i].Type, table.Columns[i].From.Path})
	}
	w.out = nil
	w.object(0, ways)
	return bytes.Clone(w.out)
}

func (w *documentWriter) space() {
	if w.spaces {
		w.out = append(w.out, []string{"", " ", "\n", "\t ", "\r\n"}[w.rng.IntN(5)]...)
	}
}

// along are the ways that a step leads along.
func along(ways []way, step schema.Step) []way {
	var out []way
	for _, x := range ways {
		if len(x.rest) > 0 && x.rest[0] == step {
			out = append(out, way{x.typ, x.rest[1:]})
		}
	}
	return out
}

func (w *documentWriter) object(depth int, ways []way) {
	w.space()
	w.out = append(w.out, '{')
	keys := w.rng.Perm(len(wordsOf))
	if n := w.rng.IntN(len(wordsOf) + 1); len(ways) == 0 || w.rng.IntN(4) == 0 {
		keys = keys[:n/(1+depth)]
	}
	if w.doubles && depth > 0 && len(keys) > 0 && w.rng.IntN(6) == 0 {
		keys = append(keys, keys[w.rng.IntN(len(keys))])
	}
	for i, k := range keys {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.space()
		w.text(wordsOf[k])
		w.space()
		w.out = append(w.out, ':')
		w.value(depth+1, along(ways, schema.Step{Key: wordsOf[k], Index: -1}))
	}
	w.space()
	w.out = append(w.out, '}')
	w.space()
}

func (w *documentWriter) text(s string) {
	if !w.escapes || w.rng.IntN(4) > 0 {
		w.out = append(w.out, quoted(s)...)
		return
	}
	w.out = append(w.out, '"')
	for _, r := range s {
		w.out = fmt.Appendf(w.out, `\u%04x`, r)
	}
	w.out = append(w.out, '"')
}

func (w *documentWriter) array(depth int, ways []way) {
	w.out = append(w.out, '[')
	for i := range w.rng.IntN(4) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value(depth+1, along(ways, schema.Step{Index: i}))
	}
	w.space()
	w.out = append(w.out, ']')
}

func (w *documentWriter) value(depth int, ways []way) {
	w.space()
	defer w.space()
	kind := w.rng.IntN(6) // any
	switch {
	case w.rng.IntN(100) < w.odd:
	case len(ways) == 0:
		kind = w.rng.IntN(14)
	case w.rng.IntN(20) == 0:
		kind = 0
	case len(ways[0].rest) == 0:
		kind = map[schema.Kind]int{schema.Boolean: 1, schema.Long: 2, schema.String: 3, schema.Decimal: 4}[ways[0].typ.Kind]
	case ways[0].rest[0].Index >= 0:
		kind = 5
	default:
		kind = 6
	}
	if depth > 4 {
		kind = min(kind, 4)
	}
	switch kind {
	case 0:
		w.out = append(w.out, "null"...)
	case 1:
		w.out = append(w.out, []string{"true", "false"}[w.rng.IntN(2)]...)
	case 2:
		w.out = fmt.Append(w.out, w.rng.IntN(2000)-1000)
	case 3:
		w.text([]string{"x", "Zürich", "a\nb", "a text of more than sixteen bytes", ""}[w.rng.IntN(5)])
	case 4:
		w.out = fmt.Appendf(w.out, "%d.%02d", w.rng.IntN(1000), w.rng.IntN(100))
	case 5:
		w.array(depth, ways)
	case 6, 7:
		w.object(depth, ways)
	default:
		w.out = append(w.out, '0')
	}
}

// nested tells what a row became: ok and its values, or why it was rejected, with the
// columns that were.
func nested(b *batch.Batch, row int) string {
	if b.Fates[row] == batch.Written {
		var out strings.Builder
		out.WriteString("ok")
		for c := range b.Columns {
			text := describe(b, c, row)
			if b.Table.Columns[c].Type.JSON && text != "null" {
				text = canonical([]byte(text))
			}
			fmt.Fprintf(&out, " %q", text)
		}
		return out.String()
	}
	out := ""
	for _, r := range b.Rejects {
		switch {
		case int(r.Row) != row:
		case r.Column < 0:
			return r.Reason
		default:
			out = "type" // of a value, of which a scale is one
		}
	}
	return out
}

// walked is what nested says, by encoding/json.
func walked(t *testing.T, table *schema.Table, value []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var object any
	if err := d.Decode(&object); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	var out strings.Builder
	out.WriteString("ok")
	misfit := false
	for i := range table.Columns {
		c := &table.Columns[i]
		path := c.From.Path
		if doubled(value, path) {
			return "duplicate_key"
		}
		at, there, fits := object, true, true
		for _, step := range path {
			if at == nil || !there || !fits {
				break
			}
			switch v := at.(type) {
			case map[string]any:
				if at, there = v[step.Key]; step.Index >= 0 {
					fits = false
				}
			case []any:
				switch {
				case step.Index < 0:
					fits = false
				case step.Index >= len(v):
					there = false
				default:
					at = v[step.Index]
				}
			default:
				fits = false
			}
		}
		switch {
		case !fits:
			misfit = true
		case !there && c.Default.Null:
			fmt.Fprintf(&out, " %q", "null")
		case !there && c.Default.Bytes != nil:
			fmt.Fprintf(&out, " %q", "~"+string(c.Default.Bytes))
		case !there:
			fmt.Fprintf(&out, " %q", "~0")
		default:
			text, ok := asColumn(c.Type, at)
			misfit = misfit || !ok
			fmt.Fprintf(&out, " %q", text)
		}
	}
	if misfit {
		return "type"
	}
	return out.String()
}

// asColumn is a value as a column of the type has it, false if it cannot.
func asColumn(typ schema.Type, v any) (text string, ok bool) {
	if typ.JSON {
		b, err := json.Marshal(v)
		return string(b), err == nil
	}
	switch x := v.(type) {
	case nil:
		return "null", true
	case string:
		return x, typ.Kind == schema.String
	case bool:
		return fmt.Sprint(btoi(x)), typ.Kind == schema.Boolean
	case json.Number:
		switch typ.Kind {
		case schema.Decimal:
			return asNumber(typ, x.String(), ""), true
		case schema.Long:
			text = asNumber(typ, x.String(), "")
			return text, !strings.Contains(text, "/")
		}
	}
	return "", false
}

// canonical is JSON with its keys in order, without blanks.
func canonical(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "no JSON: " + string(text)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// doubled reports whether a key of the path stands twice in its object, by the tokens of
// the value; what stands below the second is not looked at.
func doubled(value []byte, path []schema.Step) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	return doubledIn(d, path)
}

// doubledIn reads one value.
func doubledIn(d *json.Decoder, path []schema.Step) bool {
	token, err := d.Token()
	if err != nil {
		panic(err)
	}
	bracket, _ := token.(json.Delim)
	seen, twice := 0, false
	for i := 0; bracket != 0 && d.More(); i++ {
		leads := len(path) > 0 && bracket == '[' && path[0].Index == i
		if bracket == '{' {
			key, _ := d.Token()
			leads = len(path) > 0 && path[0].Index < 0 && key == path[0].Key
		}
		var rest []schema.Step
		if leads {
			rest = path[1:]
			seen++
		}
		twice = doubledIn(d, rest) && leads || twice
	}
	if bracket != 0 {
		if _, err := d.Token(); err != nil {
			panic(err)
		}
	}
	return twice || seen > 1
}

// Whatever the bytes: no panic, the same with short cuts as without, and what is taken
// encoding/json calls valid.
func FuzzFields(f *testing.F) {
	usual := []byte(`{"id":1,"x":{"a":{"b":"t","n":[1,2.50]},"k":null},"list":[{"s":7},[true]],"j":{"z":[]}}`)
	for _, s := range []string{string(usual), `{"x":null}`, `{"x":{"a":1}}`, `{"x":{"a":{"b":"\u0041","b":1}}}`, `{"list":[1,2],"x":{"a":[]}}`, `{"x":{"\u0061":{"n":[]}},"x":1}`, `{"j":{"z":"\ud800"}}`} {
		f.Add([]byte(s))
	}
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for _, line := range []string{"id long", "b string from=x.a.b", "n decimal(9,2) from=x.a.n[1]", "a json from=x.a", "k date from=x.k", "s long from=list[0].s", "ok boolean from=list[1][0]", "j json", "z json from=j.z"} {
		table.Columns = append(table.Columns, parseColumn(f, line))
	}
	plan, err := conform.Compile(table)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		b := bothWays(t, plan, table, dirty(usual, [][]byte{usual, usual, usual, usual, value, usual, value}))
		if b.Fates[4] == batch.Written && !json.Valid(value) {
			t.Fatalf("accepted: %q", value)
		}
		if b.Fates[3] != batch.Written || b.Fates[5] != batch.Written {
			t.Fatal("a good record beside it was not taken")
		}
	})
}
