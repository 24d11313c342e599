package badday_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/generate"
	"tidemark/internal/ledger"
)

// testTopics: topics that are not what they were, or never were as one would like.
func testTopics(t *testing.T, h *house) {
	t.Run("more partitions while running", h.grownWhileRunning)
	t.Run("more partitions between runs", h.grownBetweenRuns)
	t.Run("empty", h.emptyTopic)
	t.Run("all bad", h.allBad)
	t.Run("clock jumped back", h.clockJumpedBack)
	t.Run("aborted transactions", h.aborted)
	t.Run("open transaction", h.openTransaction)
	t.Run("hanging transaction", h.hangingTransaction)
	t.Run("interleaved transactions", h.interleavedTransactions)
	t.Run("compacted", h.compacted)
	t.Run("committed offsets ahead", h.committedAhead)
}

func (h *house) grownBetweenRuns(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "grown", 1)
	tp.produce(30)
	j := h.newJob(t, tp)
	j.set.kafka = ", start: latest" // the new partitions begin at their beginning even so
	j.run(0, j.drain())
	j.check(nil)
	first := len(tp.sent)
	tp.grow(2)
	tp.produce(30)
	j.run(0, j.drain())
	j.check(tp.sent[first:])
}

func (h *house) grownWhileRunning(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "growing", 1)
	j := h.newJob(t, tp)
	p := j.start(j.stream())
	tp.produce(30)
	j.awaitDecided(30, p)
	tp.grow(2)
	tp.produce(30) // before anybody knows of them
	j.awaitDecided(60, p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
}

func (h *house) emptyTopic(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "empty", 3)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	j.check(nil)
	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) == 3 }, p)
	tp.produce(30)
	j.awaitDecided(30, p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
}

func (h *house) allBad(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "all-bad", 2)
	tp.generate(generate.Config{})
	tp.produce(100)
	j := h.newJob(t, tp)
	j.set.haltAbove = "0.05"
	j.run(0, j.drain())
	j.check(tp.sent)
	good := len(tp.sent)
	tp.generate(generate.Config{Broken: 0.5, Bad: 0.5})
	tp.produce(50)
	tp.generate(generate.Config{})
	tp.produce(10)
	j.set.maxRows = 10 // some batches have nothing but bad ones
	for _, args := range [][]string{j.drain(), j.stream(), j.drain()} {
		says(t, j.run(3, args), "transactions: halted, nothing of the batch is decided: ", "all-bad/", "raise halt_above, and start again")
		j.check(tp.sent[:good])
	}
	halts := slices.DeleteFunc(j.lake.ledger(t), func(r *ledger.Record) bool { return r.Kind != ledger.KindHalt })
	if len(halts) == 0 || halts[0].Counts.Quarantined == 0 || len(halts[0].Samples) == 0 {
		t.Errorf("%d halts are in the ledger, want one with counts and places", len(halts))
	}
	j.set.haltAbove = "1"
	j.run(0, j.drain())
	j.check(tp.sent)
}

// clockJumpedBack: the newest decision was made by a clock two days ahead of ours. What
// was not from the future for it is not for us.
func (h *house) clockJumpedBack(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "clock", 1)
	tp.generate(generate.Config{})
	tp.produce(10)
	j := h.newJob(t, tp)
	j.run(0, j.drain())

	// A record is not to be changed, except by who plays that other clock.
	records := j.lake.ledger(t)
	newest := records[len(records)-1]
	ahead := ledger.At(time.Now().Add(48 * time.Hour))
	name := filepath.Join(string(j.lake), ledger.RecordKey(table, newest.Seq))
	newest.DecidedAt = ahead
	data, err := ledger.EncodeRecord(newest)
	must(t, err)
	must(t, os.WriteFile(name, data, 0o644))

	tomorrow := tp.next(1)[0]
	text := string(tomorrow.Value)
	at := strings.Index(text, `"transaction_date":"`) + len(`"transaction_date":"`)
	tomorrow.Value = []byte(text[:at] + time.Now().UTC().Add(47*time.Hour).Format("2006-01-02T15:04:05.000000Z") + text[at+len("2006-01-02T15:04:05.000000Z"):])
	tp.send(tomorrow)
	j.run(0, j.drain())
	j.check(tp.sent)
	if rows := j.lake.rows(t, ledger.Quarantine); len(rows) > 0 {
		t.Errorf("a row from tomorrow was rejected: %s", rows[0]["_detail"])
	}
	last := ledger.Time(0)
	for _, r := range j.lake.ledger(t) {
		if r.DecidedAt < last {
			t.Errorf("record %d was decided at %s, the one before it at %s", r.Seq, r.DecidedAt, last)
		}
		last = r.DecidedAt
	}
}

func (h *house) aborted(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "aborted", 2)
	client := h.broker.Client(t, kgo.TransactionalID("badday"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	transact := func(end kgo.TransactionEndTry) {
		must(t, client.BeginTransaction())
		if sent := tp.put(client, tp.next(20)...); end == kgo.TryCommit {
			tp.sent = append(tp.sent, sent...)
		}
		must(t, client.EndTransaction(t.Context(), end))
	}
	j := h.newJob(t, tp)
	transact(kgo.TryAbort)
	j.run(0, j.drain()) // nothing but what was aborted
	j.check(nil)
	transact(kgo.TryCommit)
	transact(kgo.TryAbort)
	tp.produce(20)
	transact(kgo.TryAbort)
	j.run(0, j.drain())
	j.check(tp.sent)

	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) == 2 }, p)
	transact(kgo.TryAbort)
	transact(kgo.TryCommit)
	j.awaitDecided(60, p) // 40 by the drain
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
}

// committedAhead: Kafka's committed offsets say that all was read. Nobody asks them.
func (h *house) committedAhead(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "committed", 2)
	j := h.newJob(t, tp)
	tp.produce(40)
	tp.commit(j.set.group, 1_000)
	j.run(0, j.drain())
	j.check(tp.sent)
	tp.produce(40)
	tp.commit(j.set.group, 40)
	p := j.start(j.stream())
	j.awaitDecided(80, p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
}

// commit commits an offset of a group for all partitions.
func (tp *topic) commit(group string, at int64) {
	tp.t.Helper()
	offsets := kadm.Offsets{}
	for p := range tp.partitions {
		offsets.Add(kadm.Offset{Topic: tp.name, Partition: p, At: at, LeaderEpoch: -1})
	}
	must(tp.t, tp.admin().CommitAllOffsets(tp.t.Context(), group, offsets))
}
