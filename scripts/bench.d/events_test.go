package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/schema"
)

// The general form of an event says the same as the event, in other words.
func TestGeneralSaysTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	var spaced, escaped, moved int
	g := generator(options{events: 2000, seed: 1})
	for {
		e, ok := g.Next()
		if !ok {
			break
		}
		text := string(general(nil, e.Value, random))
		var want, got map[string]any
		if json.Unmarshal(e.Value, &want) != nil {
			continue
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %s, %v, want what %s says", text, err, e.Value)
		}
		spaced += strings.Count(text, " ")
		escaped += strings.Count(text, `\u`)
		if !strings.Contains(text[:12], "transaction") {
			moved++
		}
	}
	if spaced < 2000 || escaped < 2000 || moved < 1000 {
		t.Errorf("got %d spaces, %d escapes, %d moved keys in 2000 events, want more", spaced, escaped, moved)
	}
}

// What lies in memory is what was generated, dealt out in turn.
func TestPartitions(t *testing.T) {
	o := options{events: 1001, seed: 1, partitions: 4}
	parts, err := newPartitions(o)
	if err != nil {
		t.Fatal(err)
	}
	g := generator(o)
	for i := range o.events {
		e, _ := g.Next()
		p, offset := parts[i%4], i/4
		for r := range p.records(offset, offset+1, time.Now()) {
			if !bytes.Equal(r.Value, e.Value) || !bytes.Equal(r.Key, e.Key) || r.Offset != offset {
				t.Fatalf("event %d: got %d %s %s, want %s %s", i, r.Offset, r.Key, r.Value, e.Key, e.Value)
			}
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	runs := func(seconds ...float64) (rs []result) {
		for _, s := range seconds {
			rs = append(rs, result{Rows: 1_000_000, Bytes: 236_000_000, Seconds: s, CPU: 2 * s, Mallocs: 1000, Peak: 100 << 20})
		}
		return rs
	}
	table(&out, []*kind{{title: "raw", results: runs(0.5, 0.4, 0.8)}, {title: "drain", results: runs(1, 2, 1.25)}})
	for _, want := range []string{
		"raw 2,000,000 1,250,000 2,500,000 472 1,000,000 0.0010 100 1.00",
		"drain 800,000 500,000 1,000,000 189 400,000 0.0010 100 0.40",
	} {
		if got := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant a line %s", out.String(), want)
		}
	}
}

// An event in Avro or Protobuf becomes the row that it becomes in JSON.
func TestFormatsSayTheSame(t *testing.T) {
	t.Setenv("BENCH_LAKE", t.TempDir())
	c, err := config.Load("tidemark.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for name, f := range map[string]schema.Format{"json": schema.JSONFormat, "avro-registry": schema.AvroRegistryFormat, "protobuf-registry": schema.ProtobufRegistryFormat} {
		parts, err := newPartitions(options{events: 2000, seed: 1, partitions: 1, format: name})
		if err != nil {
			t.Fatal(err)
		}
		raw := &batch.Raw{}
		source := raw.Source(batch.Source{Topic: topic})
		for r := range parts[0].records(0, 2000, time.Now()) {
			raw.Append(source, &r)
		}
		table := *c.Tables[0].Schema
		table.Format = f
		plan, err := conform.Compile(&table)
		if err != nil {
			t.Fatal(err)
		}
		d := plan.Decoder()
		if name != "json" {
			if d.Schemas, err = newOneSchema(name); err != nil {
				t.Fatal(err)
			}
		}
		var b batch.Batch
		b.Reset(&table, raw, 0, 2000)
		d.Decode(&b)
		var out strings.Builder
		for row := range b.Rows {
			fmt.Fprint(&out, b.Fates[row])
			for c := range b.Columns {
				if b.Fates[row] != batch.Written {
					break
				}
				v := &b.Columns[c]
				if v.Codes != nil {
					fmt.Fprintf(&out, " %s", v.Text(row))
				} else {
					fmt.Fprintf(&out, " %d", v.Ints[row])
				}
			}
			out.WriteByte('\n')
		}
		rows[name] = out.String()
	}
	for name, text := range rows {
		got, want := strings.Split(text, "\n"), strings.Split(rows["json"], "\n")
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("event %d in %s: got %s, JSON is %s", i, name, got[i], want[i])
				break
			}
		}
	}
	if n := strings.Count(rows["json"], "written"); n < 1900 {
		t.Errorf("%d events are written, want nearly all", n)
	}
}
