package badday_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tidemark/internal/faultproxy"
	"tidemark/internal/kafkatest"
)

// kafkaMatrix kills the program before and after each request that it makes to a broker:
// before one reaches the broker, and when the broker has answered and the program does
// not know. It does so in a drain, which joins no group, and in a member of a group.
func (h *house) kafkaMatrix(t *testing.T, m *matrix) {
	t.Parallel()
	broker := kafkatest.Start(t, kafkatest.Behind(0))
	k := &kafkaMatrix{house: &house{broker: broker, program: h.program, empty: h.empty}, matrix: m}
	k.proxy = faultproxy.Kafka(t, broker.BehindAddr, nil)
	for _, mode := range []kafkaMode{
		{of: kafkaDrain, name: "drain", some: 8},
		{of: kafkaClassic, name: "classic", member: true, some: 6},
		{of: kafkaConsumer, name: "consumer", member: true, some: 6},
	} {
		tp := k.newTopic(t, "matrix-"+mode.name, 2)
		mode.lake = k.begun(t, tp, 2) // who goes on asks more than who begins
		tp.produce(12)
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			stage{
				of: mode.of, workers: 4, some: ofAll(mode.some),
				die: func(t *testing.T, p *pass) { k.die(t, mode, tp, p) },
			}.play(t)
		})
	}
}

type kafkaMatrix struct {
	*house
	*matrix
	proxy *faultproxy.Proxy
	turn  sync.Mutex // whose program is behind the proxy
}

// kafkaMode is how the program reads.
type kafkaMode struct {
	of     medium
	name   string // of a member, its protocol
	member bool   // of a group: it ends by SIGTERM, when it has published all and then said that it lives
	some   int    // points of the quick form
	lake   string // what a lake begins with
}

// die is for a stage. Who waits for the end of a dead member's session needs no proxy:
// others take their turn at it meanwhile.
func (k *kafkaMatrix) die(t *testing.T, mode kafkaMode, tp *topic, p *pass) {
	j := k.newJob(t, tp)
	must(t, os.CopyFS(string(j.lake), os.DirFS(mode.lake)))
	j.set.maxRows = 6
	j.set.group = fmt.Sprintf("%s %s %d", mode.name, p.at, p.at.nth)
	if mode.member {
		j.set.kafka = ", protocol: " + mode.name
	}
	if !k.killed(j, mode, p) {
		return
	}
	found := j.lake.remains(t, tp.sent)
	if mode.member {
		again := j.start(j.stream())
		j.await("a member has the partitions of the one that died, and the lake is whole", func(lines []line) bool {
			now := j.lake.remains(t, tp.sent)
			return reading(lines, again) >= int(tp.partitions) && !now.left && !now.pending
		}, again)
		again.signal(syscall.SIGTERM)
		again.ends(0)
	} else {
		j.run(0, j.drain())
	}
	j.verify()
	k.autopsy(j, mode.of, p.at, found)
}

// killed runs the program behind the proxy, and reports whether it was killed.
func (k *kafkaMatrix) killed(j *job, mode kafkaMode, p *pass) bool {
	j.t.Helper()
	k.turn.Lock()
	defer k.turn.Unlock()
	j.set.brokers = k.proxy.Endpoint
	args := j.drain()
	if mode.member {
		args = j.stream()
	}
	started := make(chan *process, 1)
	program := func() *process {
		p := <-started
		started <- p
		return p
	}
	ending := false
	k.proxy.Set(inTurn(func(at faultproxy.Point) faultproxy.Action {
		if p.reached() {
			return faultproxy.Fail // of the dead one
		}
		if p.here(at.Op, at.N, at.After) {
			killNow(program())
			return faultproxy.Fail // nor is it forwarded, or answered
		}
		lines, _ := j.log.seen()
		if at.After && mode.member && !ending && strings.HasSuffix(at.Op, "Heartbeat") && published(lines) == int64(len(j.topic.sent)) {
			ending = true
			_ = program().cmd.Process.Signal(syscall.SIGTERM)
		}
		return faultproxy.Pass
	}))
	run := j.start(args)
	started <- run
	code := run.end()
	k.proxy.Set(nil)
	k.proxy.Cut()
	j.set.brokers = ""
	return p.died(j.t, mode.of, code, run.stderr)
}

// killNow kills a program and returns when it is dead.
func killNow(p *process) {
	_ = p.cmd.Process.Kill() // unless it ended
	<-p.done
}

// inTurn asks d for one point after the other.
func inTurn(d faultproxy.Decide) faultproxy.Decide {
	var mu sync.Mutex
	return func(p faultproxy.Point) faultproxy.Action {
		mu.Lock()
		defer mu.Unlock()
		return d(p)
	}
}
