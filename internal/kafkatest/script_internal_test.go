// Of the package itself: it takes the way to the script from root.

package kafkatest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
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
			dir := t.TempDir()
			cmd := exec.Command(filepath.Join(root(t), "scripts", "kafka"), "up", "--dir", dir, "--port", strconv.Itoa(first), "--behind", "9")
			out, err := cmd.CombinedOutput()
			want := fmt.Sprintf("port %d is taken by process %d ", port, os.Getpid())
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("up: %v, %q, want a failure with %q", err, out, want)
			}
			if made, _ := os.ReadDir(dir); len(made) > 0 {
				t.Errorf("it left %v", made)
			}
		})
	}
}
