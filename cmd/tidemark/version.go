package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is that of a release; make build sets it.
var version = ""

// versionCommand is `tidemark version`.
type versionCommand struct{}

// Help is shown by --help.
func (versionCommand) Help() string { return example("tidemark version") }

// Run prints what this binary was made of.
func (versionCommand) Run(p *program) error {
	b := readBuild()
	_, err := fmt.Fprintf(p.stdout, "tidemark %s\ncommit   %s\ngo       %s %s/%s\n", b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// build says what a binary was made of.
type build struct{ version, commit string }

// readBuild takes what the linker and the Go tool have left in the binary.
func readBuild() build {
	b := build{version: version, commit: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified {
		b.commit += " (with changes)"
	}
	if b.version == "" {
		b.version = info.Main.Version
	}
	if b.version == "" {
		b.version = "(devel)"
	}
	return b
}
