package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// grammar is the command line.
type grammar struct {
	LogFormat string `enum:"text,json" default:"text" placeholder:"text|json" help:"How logs are written to stderr: text (default) or json."`
	LogLevel  string `enum:",debug,info,warn,error" default:"" placeholder:"LEVEL" help:"What is logged: debug, info (default; of demo: warn), warn or error."`

	Demo     demoCommand     `cmd:"" help:"Show the whole on generated events, with nothing installed."`
	Run      runCommand      `cmd:"" help:"Read topics into a lake."`
	Backfill backfillCommand `cmd:"" help:"Read raw files into a table."`
	Check    checkCommand    `cmd:"" help:"Check a configuration and all that it reaches, and print what run would do."`
	Status   statusCommand   `cmd:"" help:"Show how far each table is."`
	Files    filesCommand    `cmd:"" help:"List the files of a table that count."`
	Verify   verifyCommand   `cmd:"" help:"Compare a lake with its ledger."`
	Replay   replayCommand   `cmd:"" help:"Send rows of the quarantine through the rules of today."`
	Report   reportCommand   `cmd:"" help:"Show what a lake's ledgers tell: fates, checks, drift, nulls."`
	Vacuum   vacuumCommand   `cmd:"" help:"Remove staged files that can never be decided."`
	Schema   schemaCommand   `cmd:"" help:"Find out what columns files have, and how a schema differs from a table."`
	Generate generateCommand `cmd:"" help:"Make events, into files or a topic."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// program is what commands share: where they write, and how.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)
	log            *slog.Logger
}

// run is the program without the process around it. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) (string, bool)) int {
	var cli grammar
	answered := false // kong has printed the help
	parser, err := kong.New(&cli,
		kong.Name("tidemark"),
		kong.Description("Kafka to Parquet in a plain folder, each record in exactly one place."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { answered = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		complain(stderr, fmt.Errorf("read the command line: %w", err))
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if answered {
		return exitDone
	}
	if err != nil {
		complain(stderr, fmt.Errorf("%w: see %s --help", err, commandOf(err)))
		return exitUsage
	}
	if cli.LogLevel == "" && strings.HasPrefix(command.Command(), "demo") {
		cli.LogLevel = "warn" // it tells the story itself
	}
	shared := &screen{w: stderr}
	p := &program{stdout: stdout, stderr: shared, getenv: getenv, log: newLog(shared, cli.LogFormat, cli.LogLevel)}
	err = command.Run(p)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	code := exitCode(err)
	if code != exitDone {
		complain(stderr, err)
	}
	return code
}

// commandOf names the command whose help says more about a fault of the command
// line.
func commandOf(err error) string {
	if fault := (*kong.ParseError)(nil); errors.As(err, &fault) {
		if node := fault.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "tidemark"
}

// newLog makes the one logger of the process.
func newLog(w io.Writer, format, level string) *slog.Logger {
	var l slog.Level                   // info
	_ = l.UnmarshalText([]byte(level)) // kong has checked it, or it is empty
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// terminal says whether w is a screen that a person looks at.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// color says whether what is written to w may have colors (https://no-color.org).
func (p *program) color(w io.Writer) bool {
	no, set := p.getenv("NO_COLOR")
	kind, _ := p.getenv("TERM")
	return terminal(w) && !(set && no != "") && kind != "dumb"
}

// example lays out the examples of a command for its help.
func example(lines ...string) string {
	var out strings.Builder
	out.WriteString("Example:\n")
	for _, l := range lines {
		out.WriteString("\n    " + l)
	}
	return out.String()
}
