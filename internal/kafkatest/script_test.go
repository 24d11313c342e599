package kafkatest_test

import (
	"net"
	"strconv"
	"testing"

	"tidemark/internal/scripttest"
)

// TestTakenPort: `up` on a port on which another one answers does not take the
// other one's answer for its own, and says whose the port is.
func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for name, first := range map[string]int{"plain": port, "controller": port - 1, "behind": port - 5} {
		t.Run(name, func(t *testing.T) {
			scripttest.RefusesTakenPort(t, port, "kafka", "up", "--port", strconv.Itoa(first), "--behind", "9")
		})
	}
}
