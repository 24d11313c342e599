package config

import "time"

// readBackfill reads how old rows of a table's first backfill may be.
func (t *tableReader) readBackfill(v value) {
	s, ok := v.section(backfillSection)
	if !ok {
		return
	}
	s.with("first_run", func(v value) {
		if word, ok := v.scalar("all, or a duration such as 30d"); ok && word.text != "all" {
			const century = 100 * 366 * 24 * time.Hour
			v.duration(&t.FirstRun, time.Hour, century)
		}
	})
}
