package config_test

import (
	"strings"
	"testing"
	"time"

	"tidemark/internal/config"
)

func TestFirstRun(t *testing.T) {
	for _, c := range []struct {
		value string
		want  time.Duration
		fault string
	}{
		{"{first_run: all}", 0, ""},
		{"{first_run: 30d}", 30 * 24 * time.Hour, ""},
		{"{first_run: 0s}", 0, "first_run"},
		{"{first_run: some}", 0, "first_run"},
		{"{first: 1d}", 0, "first"},
		{"all", 0, "backfill"},
	} {
		text := "lake: file:///lake\nsource_system: core\ntables: [{name: t, preset: banking/transactions, backfill: " + c.value + "}]\n"
		cfg, err := config.Parse("c.yaml", []byte(text), func(string) (string, bool) { return "", false })
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: got %v, want a fault that names %s", c.value, err, c.fault)
			}
		case err != nil:
			t.Errorf("%s: %v", c.value, err)
		case cfg.Tables[0].FirstRun != c.want:
			t.Errorf("%s: got %s, want %s", c.value, cfg.Tables[0].FirstRun, c.want)
		}
	}
}
