package main

import (
	"bytes"
	"os"
	"testing"
)

// TestColors: a terminal gets colors unless somebody says no; all else gets none.
func TestColors(t *testing.T) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	for _, tc := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true},
		{map[string]string{"NO_COLOR": "1"}, false},
		{map[string]string{"TERM": "dumb"}, false},
	} {
		p := &program{getenv: func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }}
		if got := p.color(screen); got != tc.want {
			t.Errorf("%v on a terminal: colors %v, want %v", tc.env, got, tc.want)
		}
		if p.color(&bytes.Buffer{}) {
			t.Errorf("%v in a file: colors", tc.env)
		}
	}
}
