package badday_test

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// moment is a moment at which a member of a group of three falls asleep, for longer
// than its session: right before a call, or when it logged something, or when all is
// quiet.
type moment struct {
	name string
	call func() func(call) bool
	line func(line) bool
	// The sleeper is the first of the group: the others come when it reads, or, where
	// it never gets so far, when it sleeps.
	first, alone bool
	naps         int  // how often it falls asleep, 0: once
	two          bool // two of the three do
	told         bool // it is told to end, and falls asleep over that
	again        bool // more records come once it has decided something
	refused      bool // it cannot but propose what others decided
	protocol     string
	short        bool
}

// moments are where sleepers may come to harm.
func moments() []moment {
	calls := func(name string, parts ...string) func() func(call) bool {
		return func() func(call) bool { return on(name, parts...) }
	}
	decision := calls("link", "/ledger/")
	return []moment{
		// It had looked at the log, which was empty, and woke up to a ledger that was
		// ahead of it. It took that for a log that was truncated, and ended.
		{name: "claim", call: decision, first: true, alone: true, short: true},
		{name: "manifest", call: calls("open", "/staging/", "/.tidemark-tmp-")},
		{name: "staged file", call: calls("open", "/staging/", "/main-")},
		{name: "rows", call: calls("write", "/staging/", "/main-")},
		{name: "durable rows", call: calls("fsync", "/staging/", "/main-")},
		{name: "record", call: calls("write", "/ledger/.tidemark-tmp-"), refused: true},
		{name: "decision", call: decision, refused: true, short: true},
		{name: "second decision", call: func() func(call) bool { return second("link", "/ledger/") }, again: true, refused: true},
		{name: "durable decision", call: calls("unlink", "/ledger/")},
		{name: "publication", call: calls("link", "transactions/yyyy=")},
		{name: "durable name", call: calls("fsync", "transactions/yyyy=")},
		{name: "end of the staged", call: calls("unlink", "/staging/", "/main-")},
		{name: "assigned", line: tells("reading")},
		{name: "decided", line: tells("batch decided")},
		{name: "published", line: tells("batch published")},
		{name: "revoked", line: gives("revoked"), first: true, short: true},
		{name: "between fetches", short: true},
		{name: "told to end as it decides", call: decision, told: true, refused: true},
		{name: "told to end", line: gives("shutdown"), told: true},
		{name: "twice in a row", call: decision, naps: 2, refused: true},
		{name: "two of three", call: decision, two: true, refused: true, short: true},
		{name: "decision with KIP-848", call: decision, protocol: "consumer", refused: true, short: true},
		{name: "publication with KIP-848", call: calls("link", "transactions/yyyy="), protocol: "consumer"},
		{name: "revoked with KIP-848", line: gives("revoked"), first: true, protocol: "consumer"},
	}
}

// tells is a line with this message, gives one that gives partitions up for this reason.
func tells(msg string) func(line) bool { return func(l line) bool { return l.is(msg) } }

func gives(why string) func(line) bool {
	return func(l line) bool { return l.is("giving partitions up") && l.text["why"] == why }
}

// testZombies: who slept for longer than its session is a zombie: others have its
// partitions, and it goes on as if they were its own. All sessions are seen to be
// over before anybody wakes up.
func testZombies(t *testing.T, h *house) {
	var sleepers, refused, records atomic.Int64
	from := time.Now()
	t.Run("moments", func(t *testing.T) {
		for _, m := range moments() {
			if !m.short && !*long {
				continue
			}
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				n := h.fallAsleep(t, m)
				sleepers.Add(int64(n.naps))
				refused.Add(int64(n.refusals()))
				records.Add(int64(len(n.topic.sent)))
			})
		}
	})
	if !t.Failed() {
		t.Logf("figures: zombies: %d sessions lost in sleep, %d of their batches refused, %d records checked, 0 lost, 0 doubled, %.0f seconds",
			sleepers.Load(), refused.Load(), records.Load(), time.Since(from).Seconds())
	}
	t.Run("store stands still", h.storeStandsStill)
	if *long {
		t.Run("store stands still in a rebalance", h.storeStandsStillWhileRevoked)
	}
}

// night is a group of three of which some sleep.
type night struct {
	*job
	group []*process
	zed   []*process // who sleeps at times
	beds  [][]*bed   // of each of them, for moments that are calls
	ends  []func(code int)
	mark  int // lines of the journal when it fell asleep
	naps  int // that were slept
}

// fallAsleep is one night: records come before it, during it and after it.
func (h *house) fallAsleep(t *testing.T, m moment) *night {
	tp := h.newTopic(t, fmt.Sprintf("zombies-%x", m.name), 6)
	n := &night{job: h.newJob(t, tp)}
	must(t, os.CopyFS(string(n.lake), os.DirFS(h.empty)))
	if m.protocol != "" {
		n.set.kafka = ", protocol: " + m.protocol
	}
	n.assemble(m)
	tp.produce(60)
	if m.again {
		n.awaitOf(n.zed[0], "it has decided something", 0, tells("batch decided"))
		tp.produce(60)
	}
	n.sleep(m, 0)
	if m.alone {
		n.join(2)
	}
	for nap := range max(1, m.naps) {
		if nap > 0 {
			n.awaitOf(n.zed[0], "it reads once more", n.mark, tells("reading"))
			tp.produce(60)
			n.sleep(m, nap)
		}
		tp.produce(60)
		n.inherited()
		n.naps += len(n.zed)
		n.awaitPublished(len(tp.sent))
		n.mark = n.now()
		n.wake(m, nap)
		n.learns(m)
	}
	if m.told {
		for _, end := range n.ends {
			end(0)
		}
		n.group = n.group[:2]
		n.ends = nil
	}
	tp.produce(60)
	n.awaitPublished(len(tp.sent))
	for _, p := range n.group {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range n.group[:3-len(n.zed)] {
		p.ends(0)
	}
	for _, end := range n.ends {
		end(0)
	}
	n.check(tp.sent)
	if got := n.refusals(); m.refused && got < len(n.zed) {
		t.Errorf("%d batches of sleepers were refused, want one of each at least", got)
	}
	return n
}

// assemble starts the group: sleepers last, unless they come first.
func (n *night) assemble(m moment) {
	n.t.Helper()
	sleepers := 1
	if m.two {
		sleepers = 2
	}
	if !m.first {
		n.join(3 - sleepers)
		n.awaitReaders()
	}
	for range sleepers {
		n.bed(m)
	}
	switch {
	case m.alone:
	case m.first:
		n.awaitReaders()
		n.topic.produce(60)
		n.awaitPublished(60)
		n.join(2)
	case m.line == nil || !m.line(line{text: map[string]any{"msg": "reading"}}):
		for _, z := range n.zed {
			n.awaitOf(z, "it reads", 0, tells("reading"))
		}
	}
}

// join adds members that stay awake.
func (n *night) join(members int) {
	n.t.Helper()
	for range members {
		n.group = append([]*process{n.start(n.stream())}, n.group...)
	}
}

// bed adds a member that will sleep.
func (n *night) bed(m moment) {
	n.t.Helper()
	if m.call == nil {
		p := n.start(n.stream())
		n.zed, n.group, n.ends = append(n.zed, p), append(n.group, p), append(n.ends, p.ends)
		return
	}
	var beds []*bed
	for range max(1, m.naps) {
		var then func(call)
		if m.told {
			then = func(c call) { must(n.t, syscall.Kill(c.pid, syscall.SIGTERM)) }
		}
		beds = append(beds, newBed(m.call(), then))
	}
	s := n.trace(n.stream(), sleeps(n.t.Context(), beds), nil)
	n.beds = append(n.beds, beds)
	n.zed, n.group, n.ends = append(n.zed, s.process), append(n.group, s.process), append(n.ends, s.ends)
}

// sleep waits until all who shall sleep do.
func (n *night) sleep(m moment, nap int) {
	n.t.Helper()
	if m.call != nil {
		late := time.NewTimer(patience)
		defer late.Stop()
		for _, beds := range n.beds {
			select {
			case <-beds[nap].in:
			case <-late.C:
				n.t.Fatal("the moment did not come")
			}
		}
		return
	}
	z := n.zed[0]
	if m.line == nil { // all is quiet
		n.awaitPublished(len(n.topic.sent))
	}
	if m.told {
		z.signal(syscall.SIGTERM)
	}
	if m.line != nil {
		n.awaitOf(z, "the moment comes", 0, m.line)
	}
	z.signal(syscall.SIGSTOP)
}

func (n *night) wake(m moment, nap int) {
	n.t.Helper()
	for _, beds := range n.beds {
		close(beds[nap].out)
	}
	if m.call == nil {
		n.zed[0].signal(syscall.SIGCONT)
	}
}

// readers are who reads each partition, as last logged.
func (n *night) readers(lines []line) map[int64]*process {
	out := map[int64]*process{}
	for _, l := range lines {
		if l.is("reading") {
			out[l.number("partition")] = l.of
		}
	}
	return out
}

// awaitReaders waits until somebody reads each partition.
func (n *night) awaitReaders() {
	n.t.Helper()
	n.await("all partitions are read", func(lines []line) bool { return len(n.readers(lines)) == int(n.topic.partitions) }, n.group...)
}

// inherited waits until all partitions are read by who is awake. The group gives
// nobody a partition whose owner's session is not over.
func (n *night) inherited() {
	n.t.Helper()
	n.await("all sessions of sleepers are over", func(lines []line) bool {
		readers := n.readers(lines)
		for _, z := range n.zed {
			for _, p := range readers {
				if p == z {
					return false
				}
			}
		}
		return len(readers) == int(n.topic.partitions)
	}, n.awake()...)
}

func (n *night) awake() []*process { return n.group[:len(n.group)-len(n.zed)] }

// learns waits until who woke up was told that its partitions are lost.
func (n *night) learns(m moment) {
	n.t.Helper()
	if m.alone || m.told {
		return // it has none yet, or goes without asking
	}
	for _, z := range n.zed {
		n.awaitOf(z, "the sleeper learns of it", n.mark, gives("lost"))
	}
}

// awaitOf waits for a line of a process, of those after the first so many of all.
func (n *night) awaitOf(p *process, what string, from int, ok func(line) bool) {
	n.t.Helper()
	n.await(what, func(lines []line) bool {
		return slices.ContainsFunc(lines[from:], func(l line) bool { return l.of == p && ok(l) })
	}, p)
}

func (n *night) now() int {
	lines, _ := n.log.seen()
	return len(lines)
}

// refusals are the batches of sleepers that the ledger did not let in.
func (n *night) refusals() (count int) {
	lines, _ := n.log.seen()
	for _, l := range lines {
		for _, z := range n.zed {
			if l.of == z && l.is("batch dropped; reading again from the ledger's offsets") {
				count++
			}
		}
	}
	return count
}

// awaitPublished waits until so many records are published since the job began, by
// whomever: who is killed or asleep as it decides says nothing of it.
func (j *job) awaitPublished(want int, running ...*process) {
	j.t.Helper()
	j.await(fmt.Sprintf("%d records are published", want), func(lines []line) bool { return published(lines) >= int64(want) }, running...)
}

// published adds up the rows of batches, each once.
func published(lines []line) (rows int64) {
	seen := map[int64]bool{}
	for _, l := range lines {
		if seq := l.number("seq"); l.is("batch published") && !seen[seq] {
			seen[seq] = true
			rows += l.number("rows")
		}
	}
	return rows
}

// storeStandsStill: the process lives, is a member and reads, but its store does not
// come back for longer than a session. Nobody takes its partitions. A drain, which
// asks no group, decides what it has in hand.
func (h *house) storeStandsStill(t *testing.T) {
	for _, tc := range []struct {
		name string
		when func() func(call) bool
	}{
		{"staging", func() func(call) bool { return on("open", "/staging/", "/main-") }},
		{"deciding", func() func(call) bool { return on("link", "/ledger/") }},
		{"publishing", func() func(call) bool { return on("link", "transactions/yyyy=") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tp := h.newTopic(t, "still-"+tc.name, 3)
			n := &night{job: h.newJob(t, tp)}
			must(t, os.CopyFS(string(n.lake), os.DirFS(h.empty)))
			n.join(2)
			n.awaitReaders()
			still := n.stands(tc.when(), func() { tp.produce(60) })
			before := n.now()

			tp.produce(60)
			n.outlasts(6 * time.Second)
			lines, _ := n.log.seen()
			for _, l := range lines[before:] {
				if l.is("giving partitions up") {
					t.Errorf("partitions were given up although all members live: %v", l.text)
				}
			}
			n.run(0, n.drain())
			still.shut.Store(false)
			tp.produce(60)
			n.awaitPublished(len(tp.sent))
			n.retire(tp)
			t.Logf("figures: store stands still, %s: %d batches refused, %d records checked", tc.name, n.refusals(), len(tp.sent))
			if tc.name != "publishing" && n.refusals() == 0 {
				t.Error("nothing was refused of what the drain had decided")
			}
		})
	}
}

// storeStandsStillWhileRevoked: the same, and others join. What is to go to them cannot
// be decided, and is not given back either while a decision is under way. With KIP-848
// the group waits for a rebalance's time and then goes on without the sleeper; with the
// classic protocol it waits for as long as the sleeper has a heart that beats.
func (h *house) storeStandsStillWhileRevoked(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			tp := h.newTopic(t, "still-revoked-"+protocol, 3)
			n := &night{job: h.newJob(t, tp)}
			must(t, os.CopyFS(string(n.lake), os.DirFS(h.empty)))
			n.set.kafka = ", protocol: " + protocol
			still := n.stands(on("link", "/ledger/"), func() { tp.produce(60) })
			n.join(2)
			n.awaitOf(n.zed[0], "it is to give some back", 0, gives("revoked"))
			tp.produce(60)
			if protocol == "classic" {
				n.outlasts(20 * time.Second) // what a revocation may take
			} else {
				n.inherited()
				n.awaitPublished(len(tp.sent))
			}
			still.shut.Store(false)
			tp.produce(60)
			n.awaitPublished(len(tp.sent))
			n.retire(tp)
			t.Logf("figures: store stands still in a rebalance, %s: %d batches refused, %d records checked", protocol, n.refusals(), len(tp.sent))
		})
	}
}

// stands adds a member whose store stands still from a call of its on, after it
// began to read and with what then is produced. It returns when that is so.
func (n *night) stands(when func(call) bool, produce func()) *gate {
	n.t.Helper()
	still, shut, reads := new(gate), make(chan struct{}), new(atomic.Bool)
	s := n.trace(n.stream(), func(c call) bool {
		if !still.isShut() && reads.Load() && when(c) {
			select {
			case <-shut: // once only
			default:
				still.shut.Store(true)
				close(shut)
			}
		}
		return true
	}, still)
	n.zed, n.group, n.ends = append(n.zed, s.process), append(n.group, s.process), append(n.ends, s.ends)
	n.awaitOf(s.process, "it reads", 0, tells("reading"))
	reads.Store(true)
	produce()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-shut:
	case <-late.C:
		n.t.Fatal("the moment did not come")
	}
	return still
}

// outlasts waits for so long: that time passes is what is tested.
func (n *night) outlasts(session time.Duration) {
	timer := time.NewTimer(session + 2*time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.t.Context().Done():
	}
}

// retire ends all members, in good order, and looks at the lake.
func (n *night) retire(tp *topic) {
	n.t.Helper()
	for _, p := range n.group {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range n.awake() {
		p.ends(0)
	}
	for _, end := range n.ends {
		end(0)
	}
	n.check(tp.sent)
}
