package quality

import (
	"iter"
	"math"
	"math/bits"
	"slices"
	"sync"

	"tidemark/internal/batch"
)

// KeyOptions say how keys are kept that live longer than a batch.
type KeyOptions struct {
	// Run lets each unique check whose scope is auto reach through all batches. Those of
	// scope run do so in any case.
	Run bool
	// All lets every unique check do so, whatever its scope.
	All bool
	// SkipLate is set where late rows are not kept: they take no key then.
	SkipLate bool
	// Spill makes a place for the keys of a unique check that outgrow Limit bytes. Nil:
	// they stay in memory. It keeps numbers, or else 128 bits of the SHA-256 of each key:
	// that two of 10^9 keys have the same has a probability of 10^-21.
	Spill func(numbers bool) (Spill, error)
	Limit int64
}

// SpillEntry is 64 neighbouring numbers, from 64·Key, of which those are meant that
// have a bit set in Bits; or a key by 128 bits of its hash.
type SpillEntry struct{ Key, Bits uint64 }

// Spill keeps entries on a disk, exactly. It is used by one goroutine at a time.
type Spill interface {
	// Add keeps entries, which ascend, for good.
	Add(entries iter.Seq[SpillEntry]) error
	// Find calls found with the index of each entry of which something is kept. Entries
	// ascend; of numbers each has one bit.
	Find(entries []SpillEntry, found func(i int)) error
	// Bytes is the memory that it holds.
	Bytes() int64
}

// Keys is the keys of a table that live longer than a batch: of unique checks that
// reach through a run, and of dedupe. Batches come in their order: Begin, Finish, Hold;
// then Commit in the same order when they are decided, or Rollback of all that are
// not. What others decide is learned at any time. Its methods take turns. A nil Keys holds none.
type Keys struct {
	suite *Suite
	opts  KeyOptions

	mu     sync.Mutex
	unique []*runKeys // by unique check, nil: it looks at one batch
	recent *seen      // of decided batches, nil: no dedupe
	held   []*Held    // of batches that are not decided, in their order
}

// Held is the keys of one batch that is not decided.
type Held struct {
	unique    []*Set // by unique check
	recent    *seen
	overtaken bool
}

// runKeys is the keys of decided batches, for one check.
type runKeys struct {
	key   *key
	set   *Set
	spill Spill // nil: none was needed
	wants []want
}

// want is a key that is looked for in a spill, and the row that has it.
type want struct {
	entry SpillEntry
	row   int32
}

// NewKeys makes the keys of a table. It is nil where no check reaches further than a
// batch and there is no dedupe.
func (s *Suite) NewKeys(opts KeyOptions) *Keys {
	k := &Keys{suite: s, opts: opts, unique: make([]*runKeys, len(s.unique))}
	needed := s.dedupe != nil
	for i, n := range s.unique {
		if c := s.checks[n]; c.scope == ScopeRun || c.scope == ScopeAuto && opts.Run || opts.All {
			k.unique[i] = &runKeys{key: c.key, set: c.key.newSet()}
			needed = true
		}
	}
	if !needed {
		return nil
	}
	if s.dedupe != nil {
		k.recent = newSeen(s.dedupe.key, 0)
	}
	return k
}

// RunWide lists the unique checks of scope run; with auto those of scope auto, too.
func (s *Suite) RunWide(auto bool) (names []string) {
	for _, n := range s.unique {
		if scope := s.checks[n].scope; scope == ScopeRun || auto && scope == ScopeAuto {
			names = append(names, s.checks[n].name)
		}
	}
	return names
}

// Learn takes in rows of batches that were decided before: recent says that dedupe
// learns of them, run that unique checks do.
func (k *Keys) Learn(b *batch.Batch, recent, run bool) error {
	if k == nil {
		return nil
	}
	k.lock()
	defer k.unlock()
	learned := k.collect(b, recent, run)
	for _, h := range k.held {
		h.overtaken = h.overtaken || k.share(h, learned, b)
	}
	return k.merge(learned)
}

// share reports whether a batch took a key that held has too.
func (k *Keys) share(held, learned *Held, b *batch.Batch) bool {
	var of rowKey
	for row, f := range b.Fates[:b.Rows] {
		if k.skips(f) {
			continue
		}
		for i, u := range k.unique {
			if learned.unique[i] == nil || held.unique[i] == nil || !u.key.has(b, row) {
				continue
			}
			if u.key.read(b, row, &of); held.unique[i].has(of) {
				return true
			}
		}
		if held.recent == nil || !held.recent.key.has(b, row) {
			continue
		}
		held.recent.key.read(b, row, &of)
		if _, ok := held.recent.get(of); ok {
			return true
		}
	}
	return false
}

// Overtaken reports whether a key of the batch was learned since it is held: others have
// decided it, so that the batch must be judged anew.
func (k *Keys) Overtaken(h *Held) bool {
	if k == nil || h == nil {
		return false
	}
	k.lock()
	defer k.unlock()
	return h.overtaken
}

// Hold lets the keys of the batch count for those after it, until it is decided or
// rolled back: of its rows that are written or late as they now stand.
func (k *Keys) Hold(b *batch.Batch) *Held {
	if k == nil {
		return nil
	}
	k.lock()
	defer k.unlock()
	h := k.collect(b, true, true)
	k.held = append(k.held, h)
	return h
}

// Commit says that the batch is decided. It may not be after a Rollback.
func (k *Keys) Commit(h *Held) error {
	if k == nil {
		return nil
	}
	k.lock()
	defer k.unlock()
	i := slices.Index(k.held, h)
	if i < 0 {
		return nil // rolled back: whoever loads the ledger learns of it there
	}
	k.held = slices.Delete(k.held, i, i+1)
	return k.merge(h)
}

// Rollback forgets all that is held.
func (k *Keys) Rollback() {
	if k == nil {
		return
	}
	k.lock()
	defer k.unlock()
	k.held = nil
}

// Newest is the newest event time of a key that was learned or committed, in µs since
// 1970; false: there is none.
func (k *Keys) Newest() (int64, bool) {
	k.lock()
	defer k.unlock()
	if k == nil || k.recent == nil {
		return 0, false
	}
	return k.recent.newest, k.recent.newest != math.MinInt64
}

// Bytes is the memory that is held.
func (k *Keys) Bytes() (n int64) {
	if k == nil {
		return 0
	}
	k.lock()
	defer k.unlock()
	for _, u := range k.unique {
		if u != nil {
			n += u.set.Bytes() + int64(cap(u.wants))*24
			if u.spill != nil {
				n += u.spill.Bytes()
			}
		}
	}
	if k.recent != nil {
		n += k.recent.bytes()
	}
	for _, h := range k.held {
		for _, s := range h.unique {
			if s != nil {
				n += s.Bytes()
			}
		}
		if h.recent != nil {
			n += h.recent.bytes()
		}
	}
	return n
}

func (k *Keys) lock() {
	if k != nil {
		k.mu.Lock()
	}
}

func (k *Keys) unlock() {
	if k != nil {
		k.mu.Unlock()
	}
}

// skips reports whether a row of this fate takes no key.
func (k *Keys) skips(f batch.Fate) bool {
	return f > batch.Late || f == batch.Late && k != nil && k.opts.SkipLate
}

// seen is what dedupe knows of other batches.
func (k *Keys) seen() (out []*seen) {
	if k == nil || k.recent == nil {
		return nil
	}
	for _, h := range k.held {
		out = append(out, h.recent)
	}
	return append(out, k.recent)
}

// collect gathers the keys of the rows that take any.
func (k *Keys) collect(b *batch.Batch, recent, run bool) *Held {
	h := &Held{unique: make([]*Set, len(k.unique))}
	var of rowKey
	for i, u := range k.unique {
		if u == nil || !run {
			continue
		}
		h.unique[i] = u.key.newSet()
		if u.key.number() {
			k.collectNumbers(b, u.key.columns[0], &h.unique[i].numbers)
			continue
		}
		for row, f := range b.Fates[:b.Rows] {
			if !k.skips(f) && u.key.has(b, row) {
				u.key.read(b, row, &of)
				h.unique[i].add(of)
			}
		}
	}
	if k.recent == nil {
		return h
	}
	h.recent = newSeen(k.recent.key, b.Rows)
	for row, f := range b.Fates[:b.Rows] {
		if !recent || k.skips(f) {
			continue
		}
		k.suite.dedupe.take(h.recent, b, row, &of)
	}
	return h
}

// collectNumbers gathers the numbers of a column, neighbours that follow each other together.
func (k *Keys) collectNumbers(b *batch.Batch, column int, to *numbers) {
	v := &b.Columns[column]
	var group, taken uint64
	for row, f := range b.Fates[:b.Rows] {
		if k.skips(f) || v.Mark(row) != batch.Present {
			continue
		}
		n := uint64(v.Ints[row])
		if n>>6 != group {
			to.or(group, taken)
			group, taken = n>>6, 0
		}
		taken |= 1 << (n & 63)
	}
	to.or(group, taken)
}

// merge makes the keys of a batch those of decided ones.
func (k *Keys) merge(h *Held) error {
	if h.recent != nil {
		k.recent.merge(h.recent, k.suite.dedupe.within)
	}
	for i, u := range k.unique {
		if u == nil || h.unique[i] == nil {
			continue
		}
		u.set.Merge(h.unique[i])
		if err := u.shed(&k.opts); err != nil {
			return err
		}
	}
	return nil
}

// shed moves the keys to the spill where they have outgrown their share.
func (u *runKeys) shed(o *KeyOptions) (err error) {
	if o.Spill == nil || u.set.Bytes() <= o.Limit {
		return nil
	}
	if u.spill == nil {
		if u.spill, err = o.Spill(u.set.number); err != nil {
			return err
		}
	}
	return u.spill.Add(u.set.drain())
}

// taken sets in out the rows, of those given, whose key a batch before has.
func (k *Keys) taken(i int, b *batch.Batch, rows, out bitmap) error {
	if k == nil || k.unique[i] == nil {
		return nil
	}
	u := k.unique[i]
	u.wants = u.wants[:0]
	sets := []*Set{u.set}
	for _, h := range k.held {
		sets = append(sets, h.unique[i])
	}
	if u.set.number {
		u.takenNumbers(b.Columns[u.key.columns[0]].Ints, rows, out, sets)
		return u.find(out)
	}
	var of rowKey
	for w, word := range rows {
		each(w, word, func(row int) {
			u.key.read(b, row, &of)
			for _, s := range sets {
				if s.has(of) {
					out.set(row)
					return
				}
			}
			if u.spill != nil {
				u.wants = append(u.wants, want{hashEntry(of.text), int32(row)})
			}
		})
	}
	return u.find(out)
}

// takenNumbers sets in out the rows whose number one of the sets has, and remembers those that the
// spill may have. A group that is one number's is mostly the next one's too.
func (u *runKeys) takenNumbers(values []int64, rows, out bitmap, sets []*Set) {
	var grouped []*numberSet
	var plain []*numbers
	for _, s := range sets {
		if s.numbers.plain == nil {
			grouped = append(grouped, &s.numbers.words)
		} else {
			plain = append(plain, &s.numbers)
		}
	}
	var group, taken uint64
	known := false
	for w, word := range rows {
		for ; word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			v := uint64(values[row])
			if !known || v>>6 != group {
				known, group, taken = true, v>>6, 0
				for _, s := range grouped {
					taken |= s.group(group)
				}
			}
			found := taken>>(v&63)&1 != 0
			for i := 0; !found && i < len(plain); i++ {
				found = plain[i].has(v)
			}
			if found {
				out.set(row)
			} else if u.spill != nil {
				u.wants = append(u.wants, want{SpillEntry{v >> 6, 1 << (v & 63)}, int32(row)})
			}
		}
	}
}

// find sets in out the rows whose keys lie in the spill.
func (u *runKeys) find(out bitmap) error {
	if len(u.wants) == 0 {
		return nil
	}
	slices.SortFunc(u.wants, func(a, b want) int { return a.entry.compare(b.entry) })
	entries := make([]SpillEntry, len(u.wants))
	for i, w := range u.wants {
		entries[i] = w.entry
	}
	return u.spill.Find(entries, func(i int) { out.set(int(u.wants[i].row)) })
}

func (e SpillEntry) compare(o SpillEntry) int {
	if c := compareUint(e.Key, o.Key); c != 0 {
		return c
	}
	return compareUint(e.Bits, o.Bits)
}
