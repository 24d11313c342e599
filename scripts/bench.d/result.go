package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// result is one measurement of one process.
type result struct {
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`   // of the events; 0: as many as another measurement read
	Seconds float64 `json:"seconds"` // on the clock
	CPU     float64 `json:"cpu"`     // seconds of user and system time
	Mallocs float64 `json:"mallocs"` // 0: not known
	Peak    int64   `json:"peak"`    // bytes resident at most, without the events where we hold them

	Kinds map[string]int64 `json:"kinds,omitempty"` // of events that were sent
}

// meter measures this process from start on.
type meter struct {
	at      time.Time
	cpu     float64
	mallocs uint64
}

// start begins with a clean heap and forgets the peak of before.
func start() (meter, error) {
	runtime.GC()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return meter{}, fmt.Errorf("reset peak memory: %w", err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	cpu, err := selfCPU()
	return meter{at: time.Now(), cpu: cpu, mallocs: m.Mallocs}, err
}

// stop ends the measurement. Held is what the process held for the measurement's
// sake.
func (m meter) stop(rows, size, held int64) (result, error) {
	seconds := time.Since(m.at).Seconds()
	cpu, err := selfCPU()
	if err != nil {
		return result{}, err
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	peak, err := peakMemory()
	return result{
		Rows: rows, Bytes: size, Seconds: seconds, CPU: cpu - m.cpu,
		Mallocs: float64(after.Mallocs - m.mallocs), Peak: peak - held,
	}, err
}

func selfCPU() (float64, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return seconds(u.Utime) + seconds(u.Stime), nil
}

func seconds(t syscall.Timeval) float64 { return float64(t.Nano()) / 1e9 }

// peakMemory is VmHWM of this process, in bytes.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("read peak memory: no VmHWM in /proc/self/status")
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
}
