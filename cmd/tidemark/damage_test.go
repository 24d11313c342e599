package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// damage HOW GLOB does something to the first file that matches: flip, cut, copy,
// remove; edit OLD NEW; swap, with the second that matches; again, to a ledger: its
// newest record once more, under the next number.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	name := match(ts, args[1], 0)
	if args[0] == "again" {
		again(ts, name)
		return
	}
	data, err := os.ReadFile(name)
	ts.Check(err)
	switch args[0] {
	case "flip":
		data[len(data)/2] ^= 1
	case "cut":
		data = data[:len(data)-1]
	case "copy":
		name = strings.TrimSuffix(name, ".parquet") + "-copy.parquet"
	case "edit":
		if data = bytes.Replace(data, []byte(args[2]), []byte(args[3]), 1); !bytes.Contains(data, []byte(args[3])) {
			ts.Fatalf("%s holds no %s", name, args[2])
		}
	case "swap":
		second := match(ts, args[1], 1)
		other, err := os.ReadFile(second)
		ts.Check(err)
		ts.Check(os.WriteFile(second, data, 0o644))
		data = other
	case "remove":
		ts.Check(os.Remove(name))
		return
	default:
		ts.Fatalf("no damage %q", args[0])
	}
	ts.Check(os.WriteFile(name, data, 0o644))
}

// again decides the newest record's batch a second time, as a program would that made
// its check anew.
func again(ts *testscript.TestScript, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	ts.Check(err)
	data, err := os.ReadFile(names[len(names)-1])
	ts.Check(err)
	r, err := ledger.DecodeRecord(data)
	ts.Check(err)
	r.Seq, r.Previous = r.Seq+1, r.Hash()
	data, err = ledger.EncodeRecord(r)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(ledger.RecordKey("t", r.Seq))), data, 0o644))
}

// fresh FROM TO copies a folder in place of another.
func fresh(ts *testscript.TestScript, _ bool, args []string) {
	to := ts.MkAbs(args[1])
	ts.Check(os.RemoveAll(to))
	ts.Check(os.CopyFS(to, os.DirFS(ts.MkAbs(args[0]))))
}

// strand BATCH LAKE OFFSET stages a batch that starts there, in the partitions that
// record 1 of the table transactions names, and nobody will decide.
func strand(ts *testscript.TestScript, _ bool, args []string) {
	first, err := os.ReadFile(filepath.Join(ts.MkAbs(args[1]), filepath.FromSlash(ledger.RecordKey("transactions", 1))))
	ts.Check(err)
	r, err := ledger.DecodeRecord(first)
	ts.Check(err)
	from, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	for i := range r.Sources {
		r.Sources[i].From = from
	}
	lake, err := store.Open(context.Background(), "file://"+ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(ledger.New(lake, "transactions").WriteManifest(context.Background(), args[0], r.Sources))
	ts.Check(lake.Create(context.Background(), ledger.StagingDir("transactions", args[0])+"/main-0", []byte("rows")))
}

// match is the nth file that matches, from 0.
func match(ts *testscript.TestScript, glob string, n int) string {
	names, err := filepath.Glob(ts.MkAbs(glob))
	ts.Check(err)
	if len(names) <= n {
		ts.Fatalf("%d files match %s", len(names), glob)
	}
	return names[n]
}
