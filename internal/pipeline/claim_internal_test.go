// In the package itself: the planner is pure logic that nobody outside calls.
package pipeline

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
)

// TestStartIgnoresKafka goes through what the ledger and a log can say of a partition
// (R2). A topic is written name#id. The commands:
//
//	ledger       what it knows, a line each: topic#id/partition next=N [retired], or
//	             seen=N, of a record decided under leader epoch 1
//	start [on_loss=continue] [many]
//	             what is to be read, a line each: topic#id/partition log=START-END
//	             begin=N [epoch=N], where epoch 1 ends; answers are claims and errors. What a start doubts is known
//	             to the next, which has seen the log again
func TestStartIgnoresKafka(t *testing.T) {
	datadriven.Walk(t, "testdata/claim", func(t *testing.T, path string) {
		st := ledger.NewState("t")
		var doubts map[ledger.Key]int64
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "ledger":
				st = ledger.NewState("t")
				for line := range strings.Lines(d.Input) {
					f := strings.Fields(line)
					at := ledger.Progress{Next: number(t, f[1], "next=")}
					if len(f) > 2 {
						at.Retired = f[2] == "retired"
					}
					if len(f) > 2 && !at.Retired {
						at.Seen, at.LeaderEpoch = number(t, f[2], "seen="), 1
					}
					st.Sources[parseKey(t, f[0])] = at
				}
				return ""
			case "start":
				pl := planner{table: "t", state: st, many: d.HasArg("many"), doubts: doubts, epochs: map[ledger.Key]int64{}}
				if d.HasArg("on_loss") {
					pl.onLoss = Continue
				}
				for line := range strings.Lines(d.Input) {
					f := strings.Fields(line)
					key := parseKey(t, f[0])
					if len(f) > 3 {
						pl.epochs[key] = number(t, f[3], "epoch=")
					}
					start, end, _ := strings.Cut(strings.TrimPrefix(f[1], "log="), "-")
					pl.plan(consumer.Partition{
						Source:   batch.Source{Topic: key.Topic, TopicID: key.TopicID, Partition: key.Partition},
						LogStart: number(t, start, ""), End: number(t, end, ""), Begin: number(t, f[2], "begin="),
					})
				}
				claims, err := pl.result()
				doubts = pl.ahead
				return render(claims, err)
			}
			d.Fatalf(t, "no such command")
			return ""
		})
	})
}

func render(claims []claim, err error) string {
	var out strings.Builder
	for _, c := range claims {
		fmt.Fprintf(&out, "claim: %s\n", c.why)
		for _, s := range c.sources {
			fmt.Fprintf(&out, "  %s#%d/%d %d-%d skipped=%d first=%t\n", s.Topic, s.TopicID[0], s.Partition, s.From, s.To, s.Skipped, s.First)
		}
	}
	if err != nil {
		fmt.Fprintf(&out, "%v\n", err)
	}
	if out.Len() == 0 {
		return "nothing to claim\n"
	}
	return out.String()
}

func parseKey(t *testing.T, s string) ledger.Key {
	name, rest, _ := strings.Cut(s, "#")
	id, part, _ := strings.Cut(rest, "/")
	return ledger.Key{Topic: name, TopicID: ledger.TopicID{byte(number(t, id, ""))}, Partition: int32(number(t, part, ""))}
}

func number(t *testing.T, s, prefix string) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(s, prefix), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
