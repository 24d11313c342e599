package badday_test

import (
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// expire makes Kafka's retention take all records of the topic, and waits until it has.
func (tp *topic) expire() (start int64) {
	tp.t.Helper()
	tp.configure("retention.ms", "1")
	end := int64(0)
	for _, r := range tp.sent {
		if r.topicID == tp.id && r.partition == 0 {
			end = r.offset + 1
		}
	}
	for start < end {
		starts, err := tp.admin().ListStartOffsets(tp.t.Context(), tp.name)
		must(tp.t, err)
		o, _ := starts.Lookup(tp.name, 0)
		start = o.Offset
	}
	tp.configure("retention.ms", "-1")
	return start
}

func (tp *topic) configure(key, value string) {
	tp.t.Helper()
	answers, err := tp.admin().AlterTopicConfigs(tp.t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, tp.name)
	must(tp.t, err)
	for _, a := range answers {
		must(tp.t, a.Err)
	}
}

// answered gives the broker requests enough that it has answered what waited for a record: it
// may be about to when the record is acknowledged, and would read on what follows.
func (tp *topic) answered() {
	tp.t.Helper()
	for range 20 {
		_, err := tp.admin().ListEndOffsets(tp.t.Context(), tp.name)
		must(tp.t, err)
	}
}

// expired: the time that records are kept passes the position, once between runs and
// once under a process that stands still with what it read.
func (h *house) expired(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "expired", 1, "retention.ms", "-1", "file.delete.delay.ms", "100")
	j := h.newJob(t, tp)
	tp.produce(40)
	j.run(0, j.drain())
	tp.produce(100)
	tp.expire()
	tp.produce(10)
	for _, args := range [][]string{j.drain(), j.stream()} {
		says(t, j.run(4, args), "partition 0: offset 40 is gone, the log starts at 140 (100 records lost). Set on_loss: continue")
		j.check(tp.sent[:40])
	}
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	j.check(lost(tp.sent, 40, 140))
	j.claimed(40, 140)

	j.set.onLoss = "stop"
	asleep := newBed(on("link", "transactions/yyyy="), func(call) {
		tp.produce(1) // a fetch that is under way brings no more
		tp.answered()
		tp.produce(100)
		tp.expire()
		tp.produce(10)
	})
	close(asleep.out)
	tp.produce(20)
	p := j.trace(j.stream(), sleeps(t.Context(), []*bed{asleep}), nil)
	p.ends(4)
	decided := int64(len(j.lake.decided(t, tp.sent))) + 100
	says(t, p.stderr, "is gone, the log starts at 271 ", "Set on_loss: continue")
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	left := lost(tp.sent, 40, 140)
	j.check(lost(left, decided, 271))
	j.claimed(decided, 271)
}

// deleted: the topic goes while it is read, and does not come back. What was decided
// stands; when there is one of its name again, that is for a person to accept.
func (h *house) deleted(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "deleted", 1)
	j := h.newJob(t, tp)
	p := j.start(j.stream())
	tp.produce(40)
	j.awaitPublished(40, p)
	answers, err := tp.admin().DeleteTopics(t.Context(), tp.name)
	must(t, err)
	must(t, answers.Error())
	if *long { // it is borne for a minute
		p.ends(2)
		says(t, p.stderr, "kafka refuses topic deleted", "UNKNOWN_TOPIC_OR_PARTITION")
	} else {
		p.signal(syscall.SIGTERM)
		p.ends(0)
	}
	j.check(tp.sent)
}
