// Package report owns what an auditor reads about a lake: one Document, made of the
// records of its ledgers and of nothing else, which is the JSON of
// `tidemark report --format json`, and its two forms for people, on a terminal (Text)
// and as one self-contained page with plots (Page).
//
// Read walks the records of one table in order and folds each into a Summary, takes
// one of them out in full, or collects those that wrote rows of a day. What is kept
// grows with days, checks and columns and not with records; lists of single events
// are cut at Listed, and say by how much. Nothing is written, no Parquet file is
// opened, and no value of a record of the source is in a report: the ledger has none.
//
// A ledger with holes or damage is read as far as it goes. What is wrong is part of
// the Table, and Read returns it as an error too, which is ledger.ErrUnsafe.
//
// All times are UTC. Text from outside (names of columns, files and topics, hosts,
// reasons) is shown with control characters taken out, and escaped in the page.
// Everything here may be called concurrently; nothing is kept.
package report

import (
	"tidemark/internal/ledger"
)

// Listed is how many entries a list of single events (drift, halts, claims, runs,
// deciders, damage) or of names (checks, columns) holds at most.
const Listed = 1000

// Steps is how many steps a Summary cuts its records into at most.
const Steps = 120

// Form is the version of the JSON.
const Form = 1

// Document is what the ledgers of a lake's tables say.
type Document struct {
	Form    int         `json:"form"`    // of this JSON, 1
	At      ledger.Time `json:"at"`      // when it was made
	Version string      `json:"version"` // of the program that made it
	Lake    string      `json:"lake"`
	Tables  []Table     `json:"tables"`
}

// Table is what the ledger of one table says. One of Summary, Record and Day is set,
// or none where there is nothing to say.
type Table struct {
	Table       string   `json:"table"`
	Head        int64    `json:"head"`         // the newest record, 0: none
	HeadHash    string   `json:"head_sha256"`  // of its bytes, empty: it was not read
	Damage      []Damage `json:"damage"`       // what is wrong with the ledger, the first Listed
	DamageTotal int64    `json:"damage_total"` // 0: the records that were read are whole
	Summary     *Summary `json:"summary,omitempty"`
	Record      *Entry   `json:"record,omitempty"`
	Day         *OneDay  `json:"day,omitempty"`
}

// Damage is one fault of a ledger.
type Damage struct {
	Seq int64  `json:"seq"` // 0: of no single record
	Why string `json:"why"`
}

// Entry is one record in full.
type Entry struct {
	*ledger.Record
	Hash string `json:"sha256"` // of the bytes that it lies in the lake as
}

// Summary is a row of records, folded.
type Summary struct {
	First     int64          `json:"first"` // number of the first record, 0: there is none
	Last      int64          `json:"last"`
	From      *ledger.Time   `json:"from"` // when the oldest of them was decided
	To        *ledger.Time   `json:"to"`   // when the newest was
	Records   Kinds          `json:"records"`
	Watermark *ledger.Time   `json:"watermark"`
	Counts    ledger.Counts  `json:"counts"`  // of all batches; a row that was replayed, as it is since
	Balance   int64          `json:"balance"` // records without a fate or with two: 0, always
	Outputs   Outputs        `json:"outputs"` // what counts: without what was replayed
	Replayed  Replayed       `json:"replayed"`
	Verdicts  Verdicts       `json:"verdicts"`   // of batches
	TimingsMS ledger.Timings `json:"timings_ms"` // sums
	Days      []Day          `json:"days"`       // by the folder of the files, oldest first
	Decided   []Decided      `json:"decided"`    // by when batches were decided, oldest first
	Steps     []Step         `json:"steps"`      // at most Steps, with equally many numbers each
	Checks    []Check        `json:"checks"`     // ordered by name
	Nulls     []Null         `json:"nulls"`      // ordered by column
	Drift     []Drift        `json:"drift"`      // the first, oldest first
	Halts     []Halt         `json:"halts"`      // the last, oldest first
	Claims    []Claim        `json:"claims"`     // the last, oldest first
	Runs      []Run          `json:"runs"`       // of backfill, the last, oldest first
	Deciders  []Decider      `json:"deciders"`   // in the order in which they came first
	Omitted   Omitted        `json:"omitted"`
}

// Kinds counts records by kind.
type Kinds struct {
	Batch int64 `json:"batch"`
	Claim int64 `json:"claim"`
	Halt  int64 `json:"halt"`
	Run   int64 `json:"run"`
}

// Replayed is what left files of the quarantine in replays. The files are still there, as
// history.
type Replayed struct {
	Batches int64 `json:"batches"`
	Rows    int64 `json:"rows"`
	Files   int64 `json:"files"`
}

// Outputs are the files of a table by output.
type Outputs struct {
	Main       Size `json:"main"`
	Late       Size `json:"late"`
	Quarantine Size `json:"quarantine"`
}

func (o *Outputs) add(f *ledger.File) {
	s := &o.Quarantine
	switch f.Output {
	case ledger.Main:
		s = &o.Main
	case ledger.LateRows:
		s = &o.Late
	}
	s.Rows, s.Files, s.Bytes = s.Rows+f.Rows, s.Files+1, s.Bytes+f.Bytes
}

// drop takes a file of the quarantine out again: its rows were replayed.
func (o *Outputs) drop(f *ledger.File) {
	s := &o.Quarantine
	s.Rows, s.Files, s.Bytes = s.Rows-f.Rows, s.Files-1, s.Bytes-f.Bytes
}

// Size is how much some files hold.
type Size struct {
	Rows  int64 `json:"rows"`
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Verdicts counts verdicts.
type Verdicts struct {
	Pass int64 `json:"pass"`
	Warn int64 `json:"warn"`
	Fail int64 `json:"fail"`
	None int64 `json:"none"` // there was nothing to judge
}

func (v *Verdicts) add(verdict string) {
	switch verdict {
	case "":
		v.None++
	case "PASS":
		v.Pass++
	case "WARN":
		v.Warn++
	default:
		v.Fail++
	}
}

// Day is what lies in the folders of one UTC day. Of the main output and of late rows
// it is the day of the event time; of the quarantine, the day of Kafka's timestamp.
type Day struct {
	Day string `json:"day"` // empty: files in no day's folder
	Outputs
}

// Decided is what was decided on one UTC day. All fates have their place here.
type Decided struct {
	Day     string        `json:"day"`
	Batches int64         `json:"batches"`
	Halts   int64         `json:"halts"`
	Counts  ledger.Counts `json:"counts"` // of the batches
}

// Step is a part of the records of a Summary.
type Step struct {
	First    int64        `json:"first"`
	Last     int64        `json:"last"`
	From     *ledger.Time `json:"from"` // null: it holds no record that was read
	To       *ledger.Time `json:"to"`
	Read     int64        `json:"read"` // records of batches
	Verdicts Verdicts     `json:"verdicts"`
	Halts    int64        `json:"halts"`
}

// Check is what became of one check in all batches.
type Check struct {
	Name       string      `json:"name"`
	Severity   string      `json:"severity"` // the newest
	Verdicts   Verdicts    `json:"verdicts"`
	Failed     int64       `json:"failed"` // rows
	Checked    int64       `json:"checked"`
	LastFailed *Failure    `json:"last_failed"` // null: it always passed
	Steps      []CheckStep `json:"steps"`       // as those of the Summary
}

// Failure is a batch in which a check did not pass.
type Failure struct {
	Seq       int64       `json:"seq"`
	DecidedAt ledger.Time `json:"decided_at"`
	Verdict   string      `json:"verdict"`
	Detail    string      `json:"detail"`
}

// CheckStep is one step of a check.
type CheckStep struct {
	Failed  int64  `json:"failed"`
	Checked int64  `json:"checked"`
	Verdict string `json:"verdict"` // the worst, empty: none
}

// Null counts the values of a column that were null or defaulted, in rows that were
// checked.
type Null struct {
	Column string  `json:"column"`
	Nulls  int64   `json:"nulls"`
	Steps  []int64 `json:"steps"` // as those of the Summary
}

// Drift is a difference to the schema and the record that tells of it first.
type Drift struct {
	Seq       int64       `json:"seq"`
	DecidedAt ledger.Time `json:"decided_at"`
	ledger.Drift
}

// Halt is a batch that quality stopped.
type Halt struct {
	Seq       int64           `json:"seq"`
	DecidedAt ledger.Time     `json:"decided_at"`
	By        string          `json:"by"`
	Why       string          `json:"why"`
	Counts    ledger.Counts   `json:"counts"`
	Failed    []string        `json:"failed"`  // names of checks that did not pass
	Samples   []ledger.Origin `json:"samples"` // where rejected records are
}

// Claim is a record that sets where sources are read from.
type Claim struct {
	Seq       int64           `json:"seq"`
	DecidedAt ledger.Time     `json:"decided_at"`
	By        string          `json:"by"`
	Why       string          `json:"why"`
	Lost      int64           `json:"lost"` // offsets that were passed over
	Sources   []ledger.Source `json:"sources"`
}

// Run is the end of a backfill command. Of the files that failed, the first 100 are
// here.
type Run struct {
	Seq         int64       `json:"seq"`
	DecidedAt   ledger.Time `json:"decided_at"`
	By          string      `json:"by"`
	FailedTotal int64       `json:"failed_total"`
	ledger.Run
}

// Decider is who decided, and under which configuration.
type Decider struct {
	User       string      `json:"user"`
	Host       string      `json:"host"`
	Version    string      `json:"version"`
	ConfigHash string      `json:"config_hash"`
	Records    int64       `json:"records"`
	First      ledger.Time `json:"first"`
	Last       ledger.Time `json:"last"`
}

// Omitted is how many entries the lists do not hold.
type Omitted struct {
	Checks   int64 `json:"checks"` // verdicts
	Nulls    int64 `json:"nulls"`  // counts
	Drift    int64 `json:"drift"`
	Halts    int64 `json:"halts"`
	Claims   int64 `json:"claims"`
	Runs     int64 `json:"runs"`
	Deciders int64 `json:"deciders"` // records
}

// OneDay is every batch that wrote rows of one UTC day.
type OneDay struct {
	Day     string     `json:"day"`
	Outputs Outputs    `json:"outputs"` // of the files below
	Batches []DayBatch `json:"batches"` // oldest first
}

// DayBatch is a batch and its files of one day.
type DayBatch struct {
	Seq       int64         `json:"seq"`
	Batch     string        `json:"batch"`
	DecidedAt ledger.Time   `json:"decided_at"`
	By        string        `json:"by"`
	Verdict   string        `json:"verdict"`
	Counts    ledger.Counts `json:"counts"` // of the whole batch, other days included
	Files     []ledger.File `json:"files"`  // of this day
	// Replayed are those of the files, by path, whose rows were replayed: they are history.
	Replayed []string `json:"replayed,omitempty"`
}
