package badday_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/cloudtest"
	"tidemark/internal/kafkatest"
)

// What `make chaos` asks for: the suites at their full length, and the seed of what is
// left to chance.
var (
	long      = flag.Bool("long", false, "run every suite at its full length")
	chaosSeed = flag.Uint64("seed", 1, "the seed of storms")
)

func TestMain(m *testing.M) {
	flag.Parse()
	cloudtest.Setenv() // lakes in object stores are read from here, too
	// Most of what runs here waits, for sessions to end and refusals to be believed.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// day is a bad one.
type day struct {
	name string
	run  func(*testing.T, *house)
}

// TestBroker is every bad day, with one broker for all of them.
func TestBroker(t *testing.T) {
	h := &house{broker: kafkatest.Start(t), program: build(t)}
	h.empty = h.probed(t)
	t.Run("beside each other", func(t *testing.T) {
		for _, d := range []day{
			{"secure", testSecure},
			{"planted secrets", testPlanted},
			{"traversal", testTraversal},
			{"topics", testTopics},
			{"full disk", testFullDisk},
			{"lake not writable", testNotWritable},
			{"rivals", testRivals},
			{"zombies", testZombies},
			{"storm", testStorm},
			{"membership", testMembership},
			{"signals", testEnds},
			{"order", testOrder},
			{"readers", testReaders},
			{"loss", testLoss},
		} {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				d.run(t, h)
			})
		}
	})
	t.Run("crash matrix", func(t *testing.T) { testMatrix(t, h) })
	t.Run("weak store", h.weakStore)
	t.Run("backfill", func(t *testing.T) { testBackfill(t, h) })
	t.Run("policies", func(t *testing.T) { testPolicies(t, h) })
	t.Run("schemas", func(t *testing.T) { testSchemas(t, h) })
	t.Run("bombs", func(t *testing.T) { testBombs(t, h) })
	t.Run("memory", func(t *testing.T) { testMemory(t, h) })
	// The last: nobody else has a broker meanwhile.
	t.Run("broker trouble", func(t *testing.T) { testBrokerTrouble(t, h) })
	t.Run("broker away", func(t *testing.T) { testAway(t, h) })
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
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", program, "tidemark/cmd/tidemark")
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
