package quality

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// key is what a unique check compares: one column that is a whole number, or any
// others.
type key struct {
	columns []int
	text    []bool // by column: it is text or binary
	float   []bool // by column: 0 and −0 are one key
	seed    maphash.Seed
	mix     uint64 // odd
}

// number reports whether the key is a single value of eight bytes.
func (k *key) number() bool { return len(k.columns) == 1 && !k.text[0] && !k.float[0] }

// newKey makes the key of these columns. The seed keeps a producer from choosing keys
// that all collide; what is found does not depend on it.
func newKey(t *schema.Table, columns []int) *key {
	k := &key{columns: columns, seed: maphash.MakeSeed()}
	k.mix = maphash.Comparable(k.seed, 0) | 1
	for _, column := range columns {
		kind := t.Columns[column].Type.Kind
		k.text = append(k.text, !kind.Fixed())
		k.float = append(k.float, kind == schema.Float || kind == schema.Double)
	}
	return k
}

func (out *check) compileUnique(t *schema.Table, c *Check) error {
	columns, err := findAll(t, c.Unique, find)
	if err != nil {
		return err
	}
	k := newKey(t, columns)
	out.key, out.columns, out.scope = k, columns, c.Scope
	out.want = "the first row of its " + strings.Join(c.Unique, ", ")
	if len(columns) == 1 {
		out.column = int16(columns[0])
	}
	return nil
}

// judgeKeys finds the rows that are duplicates and runs the unique checks, last of all
// (Q4): a row takes its keys only if nothing else refuses it. Where several keys are
// of severity fail, a row must be the first of each to take any, so the order of the
// checks does not matter (Q5).
func (s *Suite) judgeKeys(r *run, report *Report) error {
	if len(s.unique) == 0 && s.dedupe == nil {
		return nil
	}
	for i := range s.unique {
		k := s.checks[s.unique[i]].key
		r.keys[i].reset(k, r)
	}
	rows := r.take()
	defer func() { r.give(rows) }()
	if err := s.judgeTogether(r, rows); err != nil {
		return err
	}
	s.concludeKeys(r, rows, s.unique[:s.fails], report)
	for i := s.fails; i < len(s.unique); i++ {
		bad := r.bad[s.unique[i]]
		s.withKey(r, rows, i)
		if err := r.shared.taken(i, r.b, rows, bad); err != nil {
			return err
		}
		rows.andNot(bad)
		r.keys[i].walk(rows, bad)
		s.concludeKeys(r, rows, s.unique[i:i+1], report)
	}
	return nil
}

// judgeTogether finds duplicates and runs the unique checks of severity fail. Of these
// bad holds at first the rows whose key an earlier batch has.
func (s *Suite) judgeTogether(r *run, rows bitmap) error {
	for i := range s.fails {
		s.withKey(r, rows, i)
		if err := r.shared.taken(i, r.b, rows, r.bad[s.unique[i]]); err != nil {
			return err
		}
	}
	if s.fails == 0 && s.dedupe == nil {
		return nil
	}
	if s.fails == 1 && s.dedupe == nil && !r.shared.skips(batch.Late) {
		rows.andNot(r.bad[s.unique[0]])
		r.keys[0].walk(rows, r.bad[s.unique[0]])
		return nil
	}
	w := s.newWindow(r)
	for i, word := range r.live {
		each(i, word&^r.refused[i], func(row int) {
			if w.duplicate(row) {
				r.doubles.set(row)
				return
			}
			if s.firstOfAll(r, row) {
				w.take(row)
			}
		})
	}
	for i := range s.fails {
		r.bad[s.unique[i]].andNot(r.doubles)
	}
	return nil
}

// firstOfAll takes the keys of a row if it is the first of each.
func (s *Suite) firstOfAll(r *run, row int) bool {
	first := true
	for i := range s.fails {
		if bad := r.bad[s.unique[i]]; bad.has(row) {
			first = false
		} else if s.complete(r, i, row) && r.keys[i].has(row) {
			bad.set(row)
			first = false
		}
	}
	for i := 0; first && i < s.fails && !r.shared.skips(r.b.Fates[row]); i++ {
		if s.complete(r, i, row) {
			r.keys[i].add(row)
		}
	}
	return first
}

// withKey sets rows to those that have the key of a check, are not refused and are no
// duplicates.
func (s *Suite) withKey(r *run, rows bitmap, i int) {
	copy(rows, r.live)
	rows.andNot(r.refused)
	rows.andNot(r.doubles)
	for _, column := range s.checks[s.unique[i]].columns {
		rows.andNot(r.missing[column])
	}
}

// complete reports whether a row has the key of a check.
func (s *Suite) complete(r *run, i, row int) bool {
	for _, column := range s.checks[s.unique[i]].columns {
		if m := r.missing[column]; m != nil && m.has(row) {
			return false
		}
	}
	return true
}

// concludeKeys makes the results of these unique checks, and refuses their rows.
func (s *Suite) concludeKeys(r *run, rows bitmap, unique []int, report *Report) {
	copy(rows, r.live)
	rows.andNot(r.refused)
	rows.andNot(r.doubles)
	for _, n := range unique {
		report.Results[n] = s.checks[n].result(r, r.bad[n], rows)
	}
	for _, n := range unique {
		if report.Results[n].Verdict == VerdictFail {
			r.refused.or(r.bad[n])
		}
	}
}

// keys is the set of the keys that the rows of one batch have taken, for one
// check. Numbers stand 64 neighbours to a word, since ids mostly rise by one;
// any other key by its hash and the row that took it.
type keys struct {
	key     *key
	r       *run
	numbers numberSet
	rows    rowSet
}

func (k *keys) reset(key *key, r *run) {
	k.key, k.r = key, r
	if key.number() {
		k.numbers.reset(key.mix)
	} else {
		k.rows.reset()
	}
}

func (k *keys) bytes() int64 {
	return int64(cap(k.numbers.slots))*16 + int64(cap(k.rows.slots))*16
}

// walk takes the keys of the rows in order and sets in out those that were taken
// before.
func (k *keys) walk(rows, out bitmap) {
	if !k.key.number() {
		for i, word := range rows {
			each(i, word, func(row int) {
				if !k.add(row) {
					out.set(row)
				}
			})
		}
		return
	}
	values := k.r.b.Columns[k.key.columns[0]].Ints
	for i, word := range rows {
		w := uint64(0)
		for ; word != 0; word &= word - 1 {
			j := bits.TrailingZeros64(word)
			w |= bit(!k.numbers.add(uint64(values[i<<6+j]))) << (j & 63)
		}
		out[i] |= w
	}
}

// has reports whether the key of a row is taken.
func (k *keys) has(row int) bool {
	if k.key.number() {
		return k.numbers.has(uint64(k.r.b.Columns[k.key.columns[0]].Ints[row]))
	}
	return k.rows.find(k, row, k.hash(row)) >= 0
}

// add takes the key of a row. It reports false if it was taken before.
func (k *keys) add(row int) bool {
	if k.key.number() {
		return k.numbers.add(uint64(k.r.b.Columns[k.key.columns[0]].Ints[row]))
	}
	return k.rows.add(k, row, k.hash(row))
}

// hash mixes the values of a row's key.
func (k *keys) hash(row int) uint64 {
	h := k.key.mix
	for i, column := range k.key.columns {
		v := &k.r.b.Columns[column]
		var x uint64
		if k.key.text[i] {
			x = maphash.Bytes(k.key.seed, v.Dict.Value(int(v.Codes[row])))
		} else {
			x = k.value(i, v.Ints[row])
		}
		hi, lo := bits.Mul64(h^x, k.key.mix)
		h = hi ^ lo + uint64(i)
	}
	return h
}

// value is the number that stands for a value of column i of the key.
func (k *keys) value(i int, v int64) uint64 {
	if k.key.float[i] && v == -1<<63 {
		return 0 // −0
	}
	return uint64(v)
}

// same reports whether two rows have the same key.
func (k *keys) same(a, b int) bool {
	for i, column := range k.key.columns {
		v := &k.r.b.Columns[column]
		if k.key.text[i] {
			if v.Codes[a] != v.Codes[b] &&
				!bytes.Equal(v.Dict.Value(int(v.Codes[a])), v.Dict.Value(int(v.Codes[b]))) {
				return false
			}
		} else if k.value(i, v.Ints[a]) != k.value(i, v.Ints[b]) {
			return false
		}
	}
	return true
}
