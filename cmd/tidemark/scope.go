package main

import (
	"fmt"
	"strings"

	"tidemark/internal/config"
	"tidemark/internal/pipeline"
	"tidemark/internal/rawfile"
)

// endless refuses unique checks of scope run where a run has no end.
func endless(settings *pipeline.Config) error {
	if settings.Drain || settings.Raw {
		return nil
	}
	for i := range settings.Tables {
		t := &settings.Tables[i]
		if names := t.Suite.RunWide(false); len(names) > 0 {
			return usageError{fmt.Sprintf("table %s: %s has scope: run, and this run has no end: run with --until-current, or write scope: batch and dedupe: {keys: […], within: 24h}",
				t.Schema.Name, strings.Join(names, ", "))}
		}
	}
	return nil
}

// members says which files a command names: unique checks look at all of them, read now
// or decided before. Files that are to be read anew would be found to repeat themselves.
func members(entries []rawfile.Entry, again bool) func(url string) bool {
	if again {
		return nil
	}
	urls := make(map[string]bool, len(entries))
	for i := range entries {
		urls[entries[i].URL] = true
	}
	return func(url string) bool { return urls[url] }
}

// alone refuses unique checks that reach through a whole backfill of which others read
// a share.
func alone(t *config.Table) error {
	if names := t.Suite.RunWide(true); len(names) > 0 {
		return usageError{fmt.Sprintf("--shard: table %s: %s looks at all files of a backfill (scope: run, the default), and shards do not know each other's: write scope: batch, or checks: without it",
			t.Schema.Name, strings.Join(names, ", "))}
	}
	return nil
}
