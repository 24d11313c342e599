package badday_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBroker is every bad day, with one broker for all of them.
func TestBroker(t *testing.T) {
	h := &house{broker: kafkatest.Start(t), program: build(t)}
	h.empty = h.probed(t)
	for _, day := range []struct {
		name string
		run  func(*testing.T, *house)
	}{
		{"killed before each call", testKilled},
		{"full disk", testFullDisk},
		{"lake not writable", testNotWritable},
		{"rivals", testRivals},
		{"topics", testTopics},
		{"signals", testEnds},
		{"secure", testSecure},
		{"readers", testReaders},
		{"loss", testLoss},
		{"memory", testMemory},
		{"broker away", testAway}, // the last: all topics are away
	} {
		t.Run(day.name, func(t *testing.T) { day.run(t, h) })
	}
}

// house is what all tests share.
type house struct {
	broker  *kafkatest.Broker
	program string // the file
	empty   string // a lake that was probed and holds nothing else
}

// build builds the program as make build does.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tidemark")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "tidemark/cmd/tidemark")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return program
}

// must ends the test where err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
