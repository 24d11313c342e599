package badday_test

import (
	"syscall"
	"testing"
)

// testMembership: members that have a name of their own in the group, instance_id.
func testMembership(t *testing.T, h *house) {
	for _, tc := range []struct {
		name, protocol string
		end            syscall.Signal
	}{
		{"restarted, classic", "classic", syscall.SIGTERM},
		{"killed and restarted, classic", "classic", syscall.SIGKILL},
		{"restarted, KIP-848", "consumer", syscall.SIGTERM},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h.restarted(t, tc.protocol, tc.end)
		})
	}
	t.Run("a second of its name, classic", h.fenced)
	if *long { // it is borne for a minute
		t.Run("a second of its name, KIP-848", h.unreleased)
	}
}

// instance starts a member with this instance id.
func (j *job) instance(id, protocol string) *process {
	j.t.Helper()
	j.set.kafka = ", protocol: " + protocol + ", instance_id: " + id
	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) > 0 }, p) // the configuration was read, too
	return p
}

// restarted: who is back within its session has its partitions back, and the others
// notice nothing.
func (h *house) restarted(t *testing.T, protocol string, end syscall.Signal) {
	tp := h.newTopic(t, "restarted-"+protocol+"-"+end.String(), 4)
	n := &night{job: h.newJob(t, tp)}
	one, two := n.instance("one", protocol), n.instance("two", protocol)
	n.await("each has its share", func(lines []line) bool {
		of := map[*process]int{}
		for _, p := range n.readers(lines) {
			of[p]++
		}
		return of[one] == 2 && of[two] == 2
	}, one, two)
	tp.produce(60)
	n.awaitPublished(len(tp.sent), one, two)
	from := n.now()
	one.signal(end)
	<-one.done
	one = n.instance("one", protocol)
	tp.produce(60)
	n.awaitPublished(len(tp.sent), one, two)
	lines, _ := n.log.seen()
	for _, l := range lines[from:] {
		if l.of == two && (l.is("reading") || l.is("giving partitions up")) {
			t.Errorf("the other member has a rebalance: %v", l.text)
		}
	}
	for _, p := range []*process{one, two} {
		p.signal(syscall.SIGTERM)
		p.ends(0)
	}
	n.check(tp.sent)
}

// fenced: with the classic protocol the first of two processes of one name is shut out.
func (h *house) fenced(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "fenced", 2)
	j := h.newJob(t, tp)
	one := j.instance("one", "classic")
	tp.produce(60)
	j.awaitPublished(60, one)
	two := j.instance("one", "classic")
	one.ends(2)
	says(t, one.stderr, "kafka refuses instance_id one: another member uses it: ", "FENCED_INSTANCE_ID")
	tp.produce(60)
	j.awaitPublished(120, two)
	two.signal(syscall.SIGTERM)
	two.ends(0)
	j.check(tp.sent)
}

// unreleased: with KIP-848 it is the second.
func (h *house) unreleased(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "unreleased", 2)
	j := h.newJob(t, tp)
	one := j.instance("one", "consumer")
	two := j.start(j.stream())
	tp.produce(60)
	two.ends(2)
	says(t, two.stderr, "kafka refuses instance_id one for 1m0s: another member uses it: give each process an instance_id of its own: ", "UNRELEASED_INSTANCE_ID")
	tp.produce(60)
	j.awaitPublished(120, one)
	one.signal(syscall.SIGTERM)
	one.ends(0)
	j.check(tp.sent)
}
