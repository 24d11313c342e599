package pipeline_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidemark/internal/store/storetest"
)

// TestDurableOrder is the promise as a text: every operation of the store, and every
// word to Kafka, of one batch that is drained, in order. REWRITE=1 in the
// environment writes what was observed.
func TestDurableOrder(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 3, noon.Add(-30*time.Hour))
	tp.parts[0].events[1].value = "garbage"
	faulty := &storetest.Faulty{Store: &storetest.Memory{}}
	cfg := testConfig(t)
	cfg.Workers = 1
	d := newProcess(t, cfg, faulty, tp)
	d.onCommit = func(line string) { d.marks = append(d.marks, fmt.Sprintf("%d %s", faulty.Count(), line)) }
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := transcript(faulty.Transcript(), d.marks)
	const golden = "testdata/durable_order.txt"
	if os.Getenv("REWRITE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("order of operations changed:\n%s\nwant:\n%s", got, want)
	}
}

var batchID = regexp.MustCompile(`\d{8}t\d{12}-[a-z2-7]+`)

func transcript(ops, marks []string) string {
	names := map[string]string{}
	var out strings.Builder
	out.WriteString("# One batch of three records, one of them rejected, from its claim to its end.\n----\n")
	for i := 0; i <= len(ops); i++ {
		for _, m := range marks {
			if n, text, _ := strings.Cut(m, " "); n == fmt.Sprint(i) {
				out.WriteString("kafka " + text + "\n")
			}
		}
		if i == len(ops) {
			break
		}
		out.WriteString(batchID.ReplaceAllStringFunc(ops[i], func(id string) string {
			if names[id] == "" {
				names[id] = fmt.Sprintf("BATCH%d", len(names)+1)
			}
			return names[id]
		}) + "\n")
	}
	return out.String()
}
