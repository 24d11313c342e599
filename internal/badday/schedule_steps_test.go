package badday_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tidemark/internal/faultproxy"
)

// schedule is what befalls one round. It follows from a seed and a round's number
// alone, and no clock is in it: each step waits for a number of events.
type schedule struct {
	seed, round uint64
	bucket      bool   // the lake is in an object store, not on a disk
	protocol    string // of the group
	members     int    // that begin
	records     int    // at least, without those of steps
	maxRows     int
	maxAge      string
	steps       []step
}

// step is one thing that happens, once so many events have.
type step struct {
	no    int // within the whole schedule, from 1 on
	when  counted
	after int
	kind  stepKind
	who   int // the member, counted round those that there are
	rows  int // records of a transaction, or tombstones
	fault fault
}

// counted is what is counted.
type counted uint8

const (
	produced counted = iota // records without a transaction
	decided                 // lines "batch decided"
	asked                   // requests to Kafka, of all processes
	stored                  // requests to the object store, of all processes
	events                  // how many kinds there are
)

var eventNames = [...]string{"records produced", "batches decided", "requests to Kafka", "requests to the store"}

func (e counted) String() string { return eventNames[e] }

// stepKind is what a step does.
type stepKind uint8

const (
	kill       stepKind = iota // SIGKILL; another process takes its place
	stop                       // SIGSTOP, and SIGCONT when others have its partitions
	join                       // a member more
	leave                      // SIGTERM
	rival                      // --until-current beside the group
	brokerDies                 // SIGKILL of the broker, which comes back
	storeDies                  // SIGKILL of the object store, which comes back
	diskFull                   // the disk takes nothing more, for a while
	vacuum                     // beside the group
	verify                     // beside the group
	kafkaCut                   // all connections to the broker are closed
	kafkaFault                 // of requests to Kafka
	storeFault                 // of requests to the object store
	abort                      // a transaction that the producer aborts
	commit                     // one that it commits
	hang                       // one that a producer leaves open, and its heir aborts at the end
	tombstones                 // records without a value
	stepKinds
)

var stepNames = [...]string{
	"kill", "stop", "join", "leave", "rival", "broker dies", "store dies", "disk full", "vacuum", "verify", "connections cut",
	"kafka fault", "store fault", "abort", "commit", "hang", "tombstones",
}

func (k stepKind) String() string { return stepNames[k] }

// fault is what becomes of the next requests of a sort.
type fault struct {
	op    string // empty: any
	part  string // of the object's name; empty: any
	act   faultproxy.Action
	times int
	until int // requests later, or ten times as many records, what is held goes on
}

func (f fault) hits(p faultproxy.Point) bool {
	return !p.After && (f.op == "" || f.op == p.Op) && strings.Contains(p.Path, f.part)
}

func (s step) String() string {
	what := s.kind.String()
	switch s.kind {
	case kill, stop, leave:
		what += fmt.Sprintf(" member %d", s.who)
	case kafkaFault, storeFault:
		what = s.fault.String()
	case abort, commit, hang:
		what += fmt.Sprintf(": a transaction of %d records", s.rows)
	case tombstones:
		what = fmt.Sprintf("%d tombstones", s.rows)
	}
	return fmt.Sprintf("%d: after %d %s: %s", s.no, s.after, s.when, what)
}

func (f fault) String() string {
	what := "the next request"
	if f.times > 1 {
		what = fmt.Sprintf("the next %d requests", f.times)
	}
	if f.op != "" {
		what += " " + f.op
	}
	if f.part != "" {
		what += " of " + f.part
	}
	if f.delays() {
		what += fmt.Sprintf(", for %d requests", f.until)
	}
	return fmt.Sprintf("%s %s", f.act, what)
}

// delays says that the fault has an end of its own.
func (f fault) delays() bool {
	return f.act == faultproxy.Late || f.act == faultproxy.Hold || f.act == faultproxy.Land
}

func (s schedule) String() string {
	var b strings.Builder
	lake := "on a disk"
	if s.bucket {
		lake = "in an object store"
	}
	fmt.Fprintf(&b, "seed %d, round %d: %d members (%s), %d records, batches of %d rows or %s, a lake %s\n",
		s.seed, s.round, s.members, s.protocol, s.records, s.maxRows, s.maxAge, lake)
	for _, st := range s.steps {
		fmt.Fprintf(&b, "    %s\n", st)
	}
	return b.String()
}

// with is the same schedule with other steps.
func (s schedule) with(steps []step) schedule {
	s.steps = steps
	return s
}

// numbers are the numbers of steps, as the flag -steps takes them.
func numbers(steps []step) string {
	var out []string
	for _, s := range steps {
		out = append(out, fmt.Sprint(s.no))
	}
	return strings.Join(out, ",")
}

// newSchedule makes the schedule of a round. Rounds take turns: one lake on a disk, one
// in an object store.
func newSchedule(seed, round uint64) schedule {
	r := rand.New(rand.NewPCG(seed, round))
	s := schedule{
		seed: seed, round: round, bucket: round%2 == 1,
		protocol: pick(r, "classic", "consumer"),
		members:  1 + r.IntN(3),
		records:  1500 + 500*r.IntN(4),
		maxRows:  pick(r, 60, 200, 1000),
		maxAge:   pick(r, "100ms", "300ms"),
	}
	for range 3 + r.IntN(8) {
		s.steps = append(s.steps, newStep(r, s))
	}
	slices.SortStableFunc(s.steps, func(a, b step) int { return s.share(a) - s.share(b) })
	for i := range s.steps {
		s.steps[i].no = i + 1
	}
	return s
}

// reach is how many events of a kind a round has about, before it ends.
func (s schedule) reach(e counted) int {
	return [...]int{produced: s.records, decided: s.records / min(s.maxRows, 150), asked: 300, stored: 500}[e]
}

// share is how far into a round a step comes, in thousandths.
func (s schedule) share(st step) int { return 1000 * st.after / s.reach(st.when) }

// quick says that the round takes some seconds: at most one session ends, and nothing
// else is waited for. Something of what matters most is in it.
func (s schedule) quick() bool {
	n := map[stepKind]int{}
	for _, st := range s.steps {
		n[st.kind]++
	}
	if n[stop]+n[brokerDies]+n[hang] > 0 || s.records > 2000 {
		return false
	}
	if s.bucket {
		return n[kill] == 0 && n[storeFault] > 1
	}
	return n[kill] == 1 && n[kafkaFault] > 0
}

func newStep(r *rand.Rand, s schedule) step {
	// What is named twice is twice as likely.
	kinds := []stepKind{kill, kill, kill, kill, stop, stop, join, join, leave, leave, rival, rival, vacuum, verify, brokerDies, kafkaCut, kafkaFault, kafkaFault, kafkaFault, abort, abort, commit, hang, tombstones}
	whens := []counted{produced, decided, asked}
	if s.bucket {
		kinds = append(kinds, storeDies, storeFault, storeFault, storeFault, storeFault, storeFault, storeFault)
		whens = append(whens, stored, stored)
	} else {
		kinds = append(kinds, diskFull, diskFull)
	}
	st := step{kind: pick(r, kinds...), when: pick(r, whens...), who: 1 + r.IntN(4), rows: 5 + r.IntN(60)}
	st.after = 1 + r.IntN(s.reach(st.when))
	switch st.kind {
	case kafkaFault:
		st.fault = kafkaFaultOf(r, s)
	case storeFault:
		st.fault = storeFaultOf(r)
	}
	return st
}

var acts = []faultproxy.Action{
	faultproxy.Fail, faultproxy.Throttle, faultproxy.Lose, faultproxy.Late, faultproxy.Twice,
	faultproxy.CutRequest, faultproxy.CutAnswer, faultproxy.Land, faultproxy.Hold,
}

func kafkaFaultOf(r *rand.Rand, s schedule) fault {
	ops := []string{"", "", "Fetch", "Fetch", "ListOffsets", "Metadata", "FindCoordinator", "OffsetCommit", "OffsetForLeaderEpoch"}
	if s.protocol == "classic" {
		ops = append(ops, "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup")
	} else {
		ops = append(ops, "ConsumerGroupHeartbeat", "ConsumerGroupHeartbeat")
	}
	return fault{op: pick(r, ops...), act: pick(r, acts...), times: pick(r, 1, 1, 2, 5, 20), until: 5 + r.IntN(40)}
}

func storeFaultOf(r *rand.Rand) fault {
	f := fault{act: pick(r, acts...), times: pick(r, 1, 1, 1, 2, 4, 8), until: 5 + r.IntN(80)}
	// Mostly what commits, publishes and reads the ledger.
	at := pick(r,
		fault{op: "PUT", part: "/ledger/"}, fault{op: "PUT", part: "/ledger/"}, fault{op: "PUT", part: "/ledger/"},
		fault{op: "GET", part: "/ledger/"}, fault{op: "LIST"},
		fault{op: "PUT", part: "/staging/"}, fault{op: "PUT", part: "manifest"}, fault{op: "DELETE", part: "/staging/"},
		fault{op: "COPY"}, fault{op: "COPY"}, fault{op: "HEAD"}, fault{})
	f.op, f.part = at.op, at.part
	return f
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
