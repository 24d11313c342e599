package config_test

import (
	"testing"

	"tidemark/internal/config"
)

// none is an environment without variables.
func none(string) (string, bool) { return "", false }

const smallest = `
lake: file:///lake
source_system: core
tables:
  - {name: transactions, preset: banking/card-transactions}
`

func TestSmallest(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte(smallest), none)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(c.Tables[0].Schema.Columns), 10; got != want {
		t.Errorf("%d columns, want %d", got, want)
	}
	if err := c.ForRun(); err == nil {
		t.Error("a configuration without kafka is said to be enough for run")
	}
}
