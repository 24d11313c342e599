package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/config"
)

// environment holds one variable, whose value must be in no message (G3).
func environment(name string) (string, bool) { return "from-the-environment", name == "SECRET" }

// Each file in testdata/bad has beside it the faults that its author reads.
func TestBadFiles(t *testing.T) {
	for _, path := range badFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse(filepath.Base(path), data, environment)
			if err == nil {
				t.Fatalf("accepted: %+v", c)
			}
			got := err.Error() + "\n"
			for _, secret := range []string{"hunter2", "from-the-environment"} {
				if strings.Contains(got, secret) {
					t.Errorf("the faults show %s:\n%s", secret, got)
				}
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if flag.Lookup("rewrite").Value.String() == "true" { // of package datadriven
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

func badFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/bad: %v", err)
	}
	return files
}
