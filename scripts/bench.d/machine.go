package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine says what the figures were measured on.
func machine() string {
	model := field("/proc/cpuinfo", "model name")
	memory, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores, %s, %d GiB, Linux %s, %s", runtime.NumCPU(), model, memory>>20, strings.TrimSpace(string(kernel)), runtime.Version())
}

// field is what a "name: value" file of /proc says of a name.
func field(file, name string) string {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

const (
	quietShare = 0.10 // of the processors, busy with other things
	looks      = 10
)

// quiet waits until the machine is quiet, for some seconds at most, and returns the
// share of its processors that others still use.
func quiet(ctx context.Context) (busy float64, err error) {
	for range looks {
		if busy, err = busyFor(ctx, 3*time.Second); err != nil || busy <= quietShare {
			return busy, err
		}
	}
	return busy, nil
}

func busyFor(ctx context.Context, d time.Duration) (float64, error) {
	idle, all, err := ticks()
	if err != nil {
		return 0, err
	}
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	idle2, all2, err := ticks()
	if err != nil || all2 == all {
		return 0, err
	}
	return 1 - (idle2-idle)/(all2-all), nil
}

// ticks are how long all processors were idle, waiting for disks included, and in all.
func ticks() (idle, all float64, err error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("read processor time: %w", err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	for i, f := range strings.Fields(first)[1:] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read processor time: %w", err)
		}
		if i == 3 || i == 4 {
			idle += n
		}
		if i < 8 { // the rest is counted in the first ones already
			all += n
		}
	}
	return idle, all, nil
}
