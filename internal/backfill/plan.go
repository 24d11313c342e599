package backfill

import (
	"fmt"

	"github.com/zeebo/xxh3"

	"tidemark/internal/ledger"
	"tidemark/internal/rawfile"
)

// What is to be done with a file.
type action uint8

const (
	read    action = iota // from where the ledger has it decided
	done                  // it was read to its end, and is unchanged
	older                 // not modified since the time that was asked for
	foreign               // another shard takes it
)

// step is what is to be done with one file.
type step struct {
	entry  rawfile.Entry
	action action
	key    ledger.Key      // under which the ledger has it, or will
	at     ledger.Progress // how far that is
	passed bool            // reading has come to there
	// other is the sum of what the file has up to there when its rows are read the other way.
	other func() (uint64, error)
}

// look says what is to be done with a file, by what the ledger knows and how it looks
// from outside: pure logic.
func (c *Config) look(st *ledger.State, e rawfile.Entry) step {
	s := step{entry: e, key: newest(st, e.URL)}
	s.at = st.Sources[s.key]
	switch {
	case c.Shards > 1 && xxh3.HashString(e.URL)%uint64(c.Shards) != uint64(c.Shard):
		s.action = foreign
	case !c.Since.IsZero() && e.Modified.Before(c.Since):
		s.action = older
	case s.at.AtEnd && s.at.Size == e.Size && s.at.Version == e.Version():
		s.action = done
	}
	return s
}

// newest is the name that the ledger has for a file: that of the last time that it was
// ordered to be read anew.
func newest(st *ledger.State, url string) ledger.Key {
	k := ledger.Key{File: url}
	for {
		next := k
		next.Again++
		if _, known := st.Sources[next]; !known {
			return k
		}
		k = next
	}
}

// ChangedError says that a file is not any more what is decided of it.
type ChangedError struct {
	File string
	What string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s: %s: its rows are in the table as they were. To have the file as it is now in the table too, as rows of their own, say --again", e.File, e.What)
}
