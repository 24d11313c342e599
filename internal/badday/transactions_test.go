package badday_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// producer is one that produces in transactions.
type producer struct {
	*topic
	id     string
	client *kgo.Client
	open   []record // of the transaction under way
}

// producer makes one. It ends what an earlier one of its id has left open.
func (tp *topic) producer(id string, opts ...kgo.Opt) *producer {
	tp.t.Helper()
	client := tp.broker.Client(tp.t, append(opts, kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	_, _, err := client.ProducerID(tp.t.Context()) // it asks for one, and so shuts out the one before
	must(tp.t, err)
	return &producer{topic: tp, id: id, client: client}
}

// begin begins a transaction with n records.
func (p *producer) begin(n int) {
	p.t.Helper()
	must(p.t, p.client.BeginTransaction())
	p.more(n)
}

func (p *producer) more(n int) {
	p.t.Helper()
	p.open = append(p.open, p.put(p.client, p.next(n)...)...)
}

// end commits or aborts.
func (p *producer) end(how kgo.TransactionEndTry) {
	p.t.Helper()
	must(p.t, p.client.EndTransaction(p.t.Context(), how))
	if how == kgo.TryCommit {
		p.sent = append(p.sent, p.open...)
	}
	p.open = nil
}

// held is what the program may see of what was sent: all before the first record of an
// open transaction in each partition.
func held(sent, open []record) (seen []record) {
	first := map[int32]int64{}
	for _, r := range open {
		if at, ok := first[r.partition]; !ok || r.offset < at {
			first[r.partition] = r.offset
		}
	}
	for _, r := range sent {
		if at, ok := first[r.partition]; !ok || r.offset < at {
			seen = append(seen, r)
		}
	}
	return seen
}

// openTransaction: the last stable offset is before the end of the log. What is behind
// it is not there yet, for a drain and for a stream, until it is decided.
func (h *house) openTransaction(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "tx-open", 2)
	tp.produce(20)
	a := tp.producer("badday-open")
	a.begin(20)
	tp.produce(20)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	j.check(held(tp.sent, a.open))
	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) == 2 }, p)
	a.more(20)
	tp.produce(20)
	a.end(kgo.TryCommit)
	j.awaitPublished(len(tp.sent), p)

	a.begin(20) // and once more, for a process that ends meanwhile
	tp.produce(20)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(held(tp.sent, a.open))
	a.end(kgo.TryAbort)
	j.run(0, j.drain())
	j.check(tp.sent)
}

// hangingTransaction: a producer dies within a transaction. Somebody of its name aborts
// it, or the broker does in time.
func (h *house) hangingTransaction(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "tx-hanging", 2)
	j := h.newJob(t, tp)
	dead := tp.producer("badday-hanging")
	dead.begin(20)
	dead.client.Close()
	tp.produce(20)
	j.run(0, j.drain())
	j.check(held(tp.sent, dead.open))
	heir := tp.producer("badday-hanging")
	j.run(0, j.drain())
	j.check(tp.sent)

	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) == 2 }, p)
	heir.begin(20)
	heir.end(kgo.TryCommit)
	slow := tp.producer("badday-slow", kgo.TransactionTimeout(time.Second))
	slow.begin(20)
	slow.client.Close()
	tp.produce(20)
	j.awaitPublished(len(tp.sent), p) // when the broker has aborted it
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
}

// interleavedTransactions: two producers and one without transactions, in turns in the
// same partitions; one of the two commits.
func (h *house) interleavedTransactions(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "tx-interleaved", 2)
	j := h.newJob(t, tp)
	j.set.maxRows = 7
	a, b := tp.producer("badday-a"), tp.producer("badday-b")
	for _, how := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		a.begin(10)
		b.begin(10)
		for range 5 {
			a.more(6)
			tp.produce(4)
			b.more(8)
		}
		b.end(!how)
		j.run(0, j.drain())
		j.check(held(tp.sent, a.open))
		a.end(how)
		j.run(0, j.drain())
		j.check(tp.sent)
	}
	p := j.start(j.stream())
	j.await("it reads", func(lines []line) bool { return reading(lines, p) == 2 }, p)
	for i := range 10 {
		a.begin(6)
		b.begin(2)
		a.more(3)
		a.end(i%3 == 0)
		b.more(5)
		b.end(i%2 == 0)
	}
	j.awaitPublished(len(tp.sent), p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
	t.Logf("figures: transactions: %d records checked", len(tp.sent))
}
