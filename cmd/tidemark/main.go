// Command tidemark reads events from Kafka and writes them as Parquet files in a
// plain folder, partitioned by day, each record in exactly one place.
//
// This package reads the command line and the configuration, builds everything
// else from them, runs it, and maps what comes back to an exit code (exitCode). It
// decides nothing about records. Each command is a struct of flags with a Run
// method, in a file of its name; what several share lies in files named for it.
//
// Results go to stdout, logs and progress to stderr. A first SIGTERM or SIGINT
// ends the context that everything runs under; a second one ends the process at
// once, which is as safe as kill -9.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones of columns, on machines and images that have none
)

func main() {
	// We log through slog alone. A library of the SDK for S3 prints errors of the store
	// here, with what must not be shown, past every format and level.
	log.SetOutput(io.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the process
		<-signals
		cancel()
		<-signals
		os.Exit(exitKilled)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.LookupEnv))
}
