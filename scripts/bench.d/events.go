package main

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/generate"
)

// generator makes the events that speed is measured with.
func generator(o options) *generate.Generator {
	c := generate.Bench(o.events)
	c.Seed = o.seed
	return generate.New(c)
}

// partition is events in memory, as a partition of a topic has them. Their bytes
// are not on Go's heap, where they would make collections rarer than a stream does.
type partition struct {
	data []byte
	ends []ends // by offset
}

// ends are where a record's key and its value end in data; it begins where the one
// before it ends.
type ends struct{ key, value uint32 }

// maxEvent is how long an event may be, on average.
const maxEvent = 512

// newPartitions makes the events, dealt out to partitions in turn.
func newPartitions(o options) ([]*partition, error) {
	parts := make([]*partition, o.partitions)
	each := int(o.events)/o.partitions + 1
	for i := range parts {
		data, err := syscall.Mmap(-1, 0, each*maxEvent, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			return nil, fmt.Errorf("get memory for events: %w", err)
		}
		parts[i] = &partition{data: data[:0], ends: make([]ends, 0, each)}
	}
	random := rand.New(rand.NewPCG(o.seed, 0))
	g := generator(o)
	for i := 0; ; i++ {
		e, ok := g.Next()
		if !ok {
			return parts, nil
		}
		p := parts[i%len(parts)]
		if len(p.data)+len(e.Key)+2*len(e.Value)+64 > cap(p.data) {
			return nil, fmt.Errorf("make events: they are longer than %d bytes on average", maxEvent)
		}
		p.data = append(p.data, e.Key...)
		key := len(p.data)
		switch {
		case o.general:
			p.data = general(p.data, e.Value, random)
		case o.format != "" && o.format != "json":
			p.data = inFormat(p.data, o.format, e.Value)
		default:
			p.data = append(p.data, e.Value...)
		}
		p.ends = append(p.ends, ends{uint32(key), uint32(len(p.data))})
	}
}

// values is how many bytes all values have.
func (p *partition) values() int64 {
	n := int64(0)
	for _, e := range p.ends {
		n += int64(e.value - e.key)
	}
	return n
}

// records are those of offsets [from, to).
func (p *partition) records(from, to int64, at time.Time) iter.Seq[batch.Record] {
	return func(yield func(batch.Record) bool) {
		begin := uint32(0)
		if from > 0 {
			begin = p.ends[from-1].value
		}
		for i, e := range p.ends[from:to] {
			r := batch.Record{Offset: from + int64(i), Time: at, Key: p.data[begin:e.key:e.key], Value: p.data[e.key:e.value:e.value]}
			if !yield(r) {
				return
			}
			begin = e.value
		}
	}
}

// general writes an event as another producer might: keys in any order, spaces
// wherever they may stand, and an escape in a string. What is no object of plain
// members stays as it is.
func general(to, event []byte, r *rand.Rand) []byte {
	members, ok := split(event)
	if !ok {
		return append(to, event...)
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	to = append(to, '{')
	for i, m := range members {
		if i > 0 {
			to = append(to, ',')
		}
		to = blanks(to, r)
		key, value, _ := bytes.Cut(m, []byte(":"))
		to = append(blanks(append(to, key...), r), ':')
		to = blanks(to, r)
		if len(value) > 2 && value[0] == '"' && r.IntN(4) == 0 {
			to = append(to, `"\u00`...)
			to = append(to, strconv.FormatUint(uint64(value[1]), 16)...)
			value = value[2:]
		}
		to = append(to, value...)
	}
	return append(blanks(to, r), '}')
}

func blanks(to []byte, r *rand.Rand) []byte { return append(to, "  "[:r.IntN(3)]...) }

// split gives the members of a flat object without a comma in a string.
func split(event []byte) ([][]byte, bool) {
	body, ok := bytes.CutPrefix(event, []byte("{"))
	if ok {
		body, ok = bytes.CutSuffix(body, []byte("}"))
	}
	if !ok {
		return nil, false
	}
	members := bytes.Split(body, []byte(","))
	for _, m := range members {
		if len(m) < 4 || m[0] != '"' || !bytes.Contains(m, []byte(`":`)) {
			return nil, false
		}
	}
	return members, true
}
