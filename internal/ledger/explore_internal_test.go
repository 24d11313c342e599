// White-box: the exploration copies and compares the state of attempts and
// handovers, which is nobody else's business.

package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// bounds are what an exploration walks through: every interleaving of so many
// writers and publishers over so many records, with so many faults.
type bounds struct {
	writers, partitions, rows, publishers int

	lost    int  // answers that do not come: of a PUT, a GET or a publication
	delayed int  // PUTs that land later, or never
	twice   int  // PUTs that land, and are answered as their own second copy is; or are asked for again
	kills   int  // writers that lose their memory
	pubKill int  // publishers that start again from the checkpoint
	power   int  // power cuts
	copies  bool // publishing is copy, verify, delete instead of one rename
	vacuums int  // passes of a slow vacuum: it loads once, and removes what it found dead one by one, at any time
	again   int  // staged files of which a second copy lands after they were published
	wild    bool // writers may start anywhere, as after another's idea of offsets

	drop string // the rule that is dropped: see the teeth
}

// build is one batch as one writer built it, with one file.
type build struct {
	writer, serial int
	starts, ends   []int64
	name           int // of its file: its own index, unless names are reused
}

type put struct{ seq, batch int }

// file is what lies under a name.
type file struct {
	content int // the build whose rows it holds
	durable bool
}

// writerState is where a writer stands. batch < 0: it has none.
type writerState struct {
	batch   int
	attempt Attempt
	act     Action
	doubt   bool // an answer did not come: it may give up
}

// publisherState is where a publisher stands. seq 0: between two files.
type publisherState struct {
	mark     int64
	seq      int64
	handover Handover
	step     Step
	part     int // of a copying publication: 0 copy, 1 verify, 2 delete
}

// world is everything that the processes share, and where each of them stands.
type world struct {
	ledger     []int // batch + 1 of record i + 1, 0: absent
	landed     []int // batches that ever were decided, ordered
	staged     map[int]file
	final      map[int]map[int]int // content of the finals: by file name, then by the name given
	flying     []put
	writers    []writerState
	publishers []publisherState
	checkpoint int64  // the mark in the newest checkpoint
	vacuum     *State // what a vacuum has loaded, nil: none is under way

	lost, delayed, twice, kills, pubKill, power, trim, vacuums, again int // left
}

type explorer struct {
	bounds
	builds []build
	index  map[string]int
	states map[string]*State // by ledger prefix
	seen   map[string]bool
}

// violation is what a dropped rule leads to.
type violation struct {
	what  string
	trace []string
}

type node struct {
	w      world
	parent *node
	label  string
}

// explore walks breadth first, so that the trace it returns is a shortest one.
func explore(b bounds) (int, *violation) {
	x := &explorer{bounds: b, index: map[string]int{}, states: map[string]*State{}, seen: map[string]bool{}}
	first := &node{w: x.start()}
	queue := []*node{first}
	x.seen[x.key(&first.w)] = true
	for ; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		progress := false
		var found *violation
		x.steps(&at.w, func(label string, w world, what string) {
			// What must not be needed to come to an end: a late arrival, a vacuum.
			if !strings.HasPrefix(label, "deliver") && !strings.HasPrefix(label, "V ") {
				progress = true
			}
			n := &node{parent: at, label: label}
			if what == "" {
				what = x.check(&w)
			}
			if what != "" {
				if found == nil {
					found = &violation{what, trace(n)}
				}
				return
			}
			if k := x.key(&w); !x.seen[k] {
				x.seen[k] = true
				n.w = w
				queue = append(queue, n)
			}
		})
		if found == nil && !progress {
			if what := x.checkEnd(&at.w); what != "" {
				found = &violation{what, trace(at)}
			}
		}
		if found != nil {
			return len(x.seen), found
		}
		at.w = world{} // only the labels are wanted from here on
	}
	return len(x.seen), nil
}

func trace(n *node) []string {
	var out []string
	for ; n.parent != nil; n = n.parent {
		out = append(out, n.label)
	}
	slices.Reverse(out)
	return out
}

func (x *explorer) start() world {
	w := world{
		staged: map[int]file{}, final: map[int]map[int]int{}, checkpoint: 1,
		lost: x.lost, delayed: x.delayed, twice: x.twice, kills: x.kills, pubKill: x.pubKill, power: x.power,
		vacuums: x.vacuums, again: x.again,
	}
	if x.drop == "trim-ledger" {
		w.trim = 1
	}
	for range x.bounds.writers {
		w.writers = append(w.writers, writerState{batch: -1})
	}
	for range x.bounds.publishers {
		w.publishers = append(w.publishers, publisherState{mark: 1})
	}
	return w
}

func (w *world) clone() world {
	c := *w
	c.ledger, c.landed, c.flying = slices.Clone(w.ledger), slices.Clone(w.landed), slices.Clone(w.flying)
	c.writers, c.publishers = slices.Clone(w.writers), slices.Clone(w.publishers)
	c.staged = make(map[int]file, len(w.staged))
	for k, v := range w.staged {
		c.staged[k] = v
	}
	c.final = make(map[int]map[int]int, len(w.final))
	for k, v := range w.final {
		names := make(map[int]int, len(v))
		for n, content := range v {
			names[n] = content
		}
		c.final[k] = names
	}
	return c
}

// key tells two worlds apart by all that the future depends on.
func (x *explorer) key(w *world) string {
	var b []byte
	num := func(ns ...int) {
		for _, n := range ns {
			b = binary.AppendUvarint(b, uint64(n+1))
		}
	}
	num(len(w.ledger))
	num(w.ledger...)
	num(len(w.landed))
	num(w.landed...)
	for _, p := range w.flying {
		num(p.seq, p.batch)
	}
	b = append(b, '|')
	for i := range x.builds {
		f, ok := w.staged[i]
		if ok && x.matters(w, i) {
			num(i, f.content)
			if !f.durable {
				b = append(b, '~')
			}
		}
	}
	b = append(b, '|')
	for i := range x.builds {
		for name := -1; name < len(w.publishers); name++ {
			if content, ok := w.final[i][name]; ok {
				num(i, name, content)
			}
		}
	}
	b = append(b, '|')
	for _, s := range w.writers {
		num(s.batch)
		if s.batch >= 0 {
			num(int(s.attempt.step), int(s.attempt.seq), int(s.attempt.taken), int(s.act.Kind), int(s.act.Seq))
			if s.doubt {
				b = append(b, '?')
			}
			if st := s.attempt.state; st != nil {
				num(int(st.Head))
				for p := range x.partitions {
					num(int(st.Sources[keyOf(p)].Next))
				}
			}
		}
	}
	for _, p := range w.publishers {
		num(int(p.mark), int(p.seq), int(p.handover.step), int(p.step), p.part)
	}
	num(int(w.checkpoint), w.lost, w.delayed, w.twice, w.kills, w.pubKill, w.power, w.trim, w.vacuums, w.again)
	if w.vacuum != nil {
		num(int(w.vacuum.Head), int(w.vacuum.Mark))
	}
	return string(b)
}

// matters says whether a staged file can still be of interest: that of a dropped
// batch lies there until a vacuum, and nothing looks at it.
func (x *explorer) matters(w *world, name int) bool {
	if x.drop != "" {
		return true
	}
	for _, s := range w.writers {
		if s.batch >= 0 && x.builds[s.batch].name == name {
			return true
		}
	}
	for _, p := range w.flying {
		if x.builds[p.batch].name == name {
			return true
		}
	}
	return slices.ContainsFunc(w.landed, func(b int) bool { return x.builds[b].name == name })
}

func keyOf(p int) Key { return Key{Topic: "t", Partition: int32(p)} }

// load folds the ledger up to its first absent number, with the real fold.
func (x *explorer) load(w *world) (*State, error) {
	n := slices.Index(w.ledger, 0)
	if n < 0 {
		n = len(w.ledger)
	}
	prefix := fmt.Sprint(w.ledger[:n])
	if st := x.states[prefix]; st != nil {
		return st, nil
	}
	st := NewState("t")
	for p := range x.partitions {
		st.Sources[keyOf(p)] = Progress{}
	}
	for i, b := range w.ledger[:n] {
		var err error
		if st, err = st.Apply(x.record(b-1, int64(i+1))); err != nil {
			return nil, err
		}
	}
	x.states[prefix] = st
	return st, nil
}

func (x *explorer) record(batch int, seq int64) *Record {
	c := x.claimant(batch)
	return &Record{Version: Version, Seq: seq, Table: "t", Kind: KindBatch, Batch: c.Batch, Nonce: c.Nonce, Sources: c.Sources}
}

func (x *explorer) claimant(batch int) Claimant {
	b := &x.builds[batch]
	c := Claimant{Kind: KindBatch, Batch: fmt.Sprint("b", b.name), Nonce: fmt.Sprint("n", batch)}
	for p := range b.starts {
		if b.ends[p] > b.starts[p] {
			c.Sources = append(c.Sources, Source{Topic: "t", Partition: int32(p), From: b.starts[p], To: b.ends[p], Records: b.ends[p] - b.starts[p]})
		}
	}
	return c
}

// intern gives the build of a writer over these ranges a fresh id: one that
// nothing in the world refers to.
func (x *explorer) intern(w *world, writer int, starts, ends []int64) int {
	for serial := 0; ; serial++ {
		k := fmt.Sprint(writer, serial, starts, ends)
		i, ok := x.index[k]
		if !ok {
			i = len(x.builds)
			x.index[k] = i
			b := build{writer: writer, serial: serial, starts: starts, ends: ends, name: i}
			if x.drop == "reuse-names" {
				b.name = slices.IndexFunc(append(x.builds, b), func(o build) bool { return slices.Equal(o.starts, starts) })
			}
			x.builds = append(x.builds, b)
		}
		used := slices.Contains(w.landed, i) || slices.ContainsFunc(w.flying, func(p put) bool { return p.batch == i }) ||
			slices.ContainsFunc(w.writers, func(s writerState) bool { return s.batch == i })
		if !used {
			return i
		}
	}
}

// check looks at the invariants of every state (I1 to I4), with no help from the
// code under test.
func (x *explorer) check(w *world) string {
	for p := range x.partitions {
		var rows []int64
		for _, b := range w.landed {
			for o := x.builds[b].starts[p]; o < x.builds[b].ends[p]; o++ {
				rows = append(rows, o)
			}
		}
		slices.Sort(rows)
		for i, o := range rows {
			if i > 0 && rows[i-1] == o {
				return "rows twice"
			}
			if o != int64(i) {
				return "rows lost: a gap"
			}
		}
	}
	for name, names := range w.final {
		for _, content := range names {
			if !slices.Contains(w.landed, content) {
				return "undecided rows visible"
			}
		}
		if len(names) > 1 {
			return fmt.Sprintf("rows of %d visible twice", name)
		}
	}
	for _, b := range w.landed {
		name := x.builds[b].name
		f, staged := w.staged[name]
		ok := staged && f.content == b
		for _, content := range w.final[name] {
			ok = ok || content == b
		}
		if !ok {
			return "rows lost: a decided file is gone or another's"
		}
	}
	return ""
}

// checkEnd looks at what must hold when nobody has anything left to do (I9).
func (x *explorer) checkEnd(w *world) string {
	st, err := x.load(w)
	if err != nil {
		return "ledger broken: " + err.Error()
	}
	for p := range x.partitions {
		if got := st.Sources[keyOf(p)].Next; got != int64(x.rows) {
			return fmt.Sprintf("a writer is stuck at %d", got)
		}
	}
	for _, b := range w.landed {
		if len(w.final[x.builds[b].name]) == 0 && len(w.publishers) > 0 {
			return "decided rows never published"
		}
	}
	return ""
}

type emit func(label string, w world, violation string)

// steps calls do with every world that one step of somebody leads to.
func (x *explorer) steps(w *world, do emit) {
	for i := range w.writers {
		x.writerSteps(w, i, do)
	}
	for i := range w.publishers {
		x.publisherSteps(w, i, do)
	}
	for i, p := range w.flying {
		c := w.clone()
		c.flying = slices.Delete(c.flying, i, i+1)
		x.land(&c, p.seq, p.batch)
		do(fmt.Sprintf("deliver b%d as %d", p.batch, p.seq), c, "")
	}
	if w.power > 0 {
		c := w.clone()
		c.power--
		for name, f := range c.staged {
			if !f.durable {
				delete(c.staged, name)
			}
		}
		for i := range c.writers {
			c.writers[i] = writerState{batch: -1}
		}
		for i := range c.publishers {
			c.publishers[i] = publisherState{mark: c.checkpoint}
		}
		do("power cut", c, "")
	}
	x.vacuumSteps(w, do)
	if w.trim > 0 && len(w.ledger) > 0 && w.ledger[0] != 0 && len(w.final[x.builds[w.ledger[0]-1].name]) > 0 {
		c := w.clone()
		c.trim--
		c.ledger[0] = 0
		do("record 1 deleted", c, "")
	}
}

// land is the store's put-if-absent. It says whether the number was free.
func (x *explorer) land(w *world, seq, batch int) bool {
	for len(w.ledger) < seq {
		w.ledger = append(w.ledger, 0)
	}
	if w.ledger[seq-1] != 0 {
		return false
	}
	w.ledger[seq-1] = batch + 1
	if slices.Contains(w.landed, batch) {
		// The same batch under two numbers: its rows count twice.
		x.builds = append(x.builds, x.builds[batch])
		batch = len(x.builds) - 1
	}
	at, _ := slices.BinarySearch(w.landed, batch)
	w.landed = slices.Insert(w.landed, at, batch)
	return true
}
