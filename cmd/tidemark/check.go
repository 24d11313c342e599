package main

import (
	"context"
	"errors"
	"time"

	"tidemark/internal/config"
)

// checkCommand is `tidemark check`.
type checkCommand struct {
	Config  string `short:"c" required:"" placeholder:"FILE" help:"The configuration."`
	Offline bool   `help:"Read the file alone: reach neither brokers nor lake."`
}

// Help is shown by --help.
func (checkCommand) Help() string {
	return "The file is read strictly, brokers and topics are looked at, the lake must let exactly one of many win the creation of a file, and the plan says what run would do. All faults are named at once.\n\n" +
		example("tidemark check -c tidemark.yaml", "tidemark check -c tidemark.yaml --offline")
}

// kafkaPatience is how long check waits for brokers.
const kafkaPatience = 20 * time.Second

// Run checks, and prints the plan.
func (c *checkCommand) Run(ctx context.Context, p *program) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	plan := &plan{cfg: cfg}
	if plan.tables, err = selectTables(cfg); err != nil {
		return err
	}
	if err := cfg.ForRun(); err != nil && (cfg.Kafka != nil || len(cfg.Streamed()) > 0) {
		plan.faults = append(plan.faults, err)
	}
	if !c.Offline {
		plan.reach(ctx)
	}
	if err := plan.print(p.stdout); err != nil {
		return err
	}
	return errors.Join(plan.faults...)
}
