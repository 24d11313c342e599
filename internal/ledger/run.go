package ledger

// Run is what one backfill command did, as its last record says, also when there was
// nothing new.
type Run struct {
	Command  string   `json:"command"`  // what was asked for, without secrets
	Found    int64    `json:"found"`    // files that matched
	Read     int64    `json:"read"`     // files of which rows were read
	Empty    int64    `json:"empty"`    // new ones that hold no rows
	Skipped  int64    `json:"skipped"`  // done before, and unchanged since
	Older    int64    `json:"older"`    // not modified since the time that was asked for
	Others   int64    `json:"others"`   // the business of other shards
	Failed   []Broken `json:"failed"`   // refused, or not readable to the end
	Batches  int64    `json:"batches"`  // decided by this command
	Counts   Counts   `json:"counts"`   // of these batches
	Duration float64  `json:"duration"` // seconds
}

// Broken is a file of a run that did not come to its end.
type Broken struct {
	File string `json:"file"`
	Why  string `json:"why"`
}
