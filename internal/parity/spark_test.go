package parity_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// job is a run of pipeline.py, a process of its own.
type job struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// planned is a case as the plan of pipeline.py has it.
type planned struct {
	Name   string   `json:"name"`
	Raw    string   `json:"raw"`
	Out    string   `json:"out"`
	Others string   `json:"others"`
	Tables []string `json:"tables"`
}

// interpreter is the Python that has pyspark, as scripts/spark installs it.
func interpreter(t *testing.T, root string) string {
	t.Helper()
	cache := os.Getenv("TIDEMARK_CACHE")
	if cache == "" {
		cache = filepath.Join(root, ".cache")
	}
	python := filepath.Join(cache, "spark", "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("pyspark is not installed: run make setup, or scripts/spark up (%v)", err)
	}
	return python
}

// start starts the job over all cases; the first one is the clean bank.
func start(t *testing.T, root, dir string, all []*comparison) *job {
	t.Helper()
	python := interpreter(t, root)
	var plan []planned
	for _, c := range all {
		plan = append(plan, planned{Name: c.name, Raw: c.raw, Out: c.spark, Others: all[0].spark, Tables: c.load})
	}
	data, err := json.Marshal(plan)
	must(t, err)
	file := filepath.Join(dir, "plan.json")
	must(t, os.WriteFile(file, data, 0o644))
	j := &job{cmd: exec.Command(python, filepath.Join(root, "internal", "parity", "pipeline.py"), file)}
	j.cmd.Dir = dir // Spark leaves things where it stands
	j.cmd.Env = append(os.Environ(), "TZ=UTC", "PYSPARK_PYTHON="+python, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_LOCAL_DIRS="+filepath.Join(dir, "spark-local"))
	j.cmd.Stdout, j.cmd.Stderr = &j.stdout, &j.stderr
	// The Java machine is a child of Python: where the test ends early, both do.
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, j.cmd.Start())
	t.Cleanup(func() {
		if j.cmd.ProcessState == nil {
			_ = syscall.Kill(-j.cmd.Process.Pid, syscall.SIGKILL)
			_ = j.cmd.Wait()
		}
	})
	return j
}

// finish waits for the job, and gives what it made of each case's tables.
func (j *job) finish(t *testing.T) map[string]map[string]outcome {
	t.Helper()
	if err := j.cmd.Wait(); err != nil {
		lines := strings.Split(strings.TrimSpace(j.stderr.String()), "\n")
		t.Fatalf("pipeline.py: %v\n%s", err, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
	out := map[string]map[string]outcome{}
	must(t, json.Unmarshal(j.stdout.Bytes(), &out))
	return out
}
