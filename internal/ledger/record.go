package ledger

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Version is the version of records that this program writes. A reader refuses a
// version that it does not know, and ignores fields that it does not know.
const Version = 1

// Kind says what a record does.
type Kind string

// The kinds. Close, Reopen and Compact belong to later versions of the program;
// a fold meets them only in a ledger that a newer one wrote, and refuses.
const (
	KindBatch Kind = "batch" // rows decided, or an empty range that says a partition is idle
	KindClaim Kind = "claim" // sets where a source is read from, without rows
	KindHalt  Kind = "halt"  // evidence of a batch that quality stopped: moves nothing
	KindRun   Kind = "run"   // the end of a backfill command: moves nothing
)

// Record is one entry of a table's ledger: an immutable JSON object, created once
// under its sequence number. A batch record is the commit of its rows in all
// outputs, of its offsets, of its watermark and of its evidence, at once.
type Record struct {
	Version   int              `json:"version"`
	Seq       int64            `json:"seq"`
	Table     string           `json:"table"`
	Kind      Kind             `json:"kind"`
	Batch     string           `json:"batch"`
	Nonce     string           `json:"nonce"`
	Previous  string           `json:"previous"` // SHA-256 of the record before it (R14), empty for the first
	DecidedAt Time             `json:"decided_at"`
	DecidedBy Decider          `json:"decided_by"`
	Sources   []Source         `json:"sources"`
	Counts    Counts           `json:"counts"`
	Files     []File           `json:"files"`
	Watermark *Time            `json:"watermark"`
	Quality   *Quality         `json:"quality"`
	Nulls     map[string]int64 `json:"nulls"`
	Drift     []Drift          `json:"drift"`
	Schemas   []Written        `json:"schemas,omitempty"` // that the ledger has not recorded before
	Columns   []Column         `json:"columns,omitempty"` // of the table, where they are others than those recorded before
	TimingsMS *Timings         `json:"timings_ms"`
	Why       string           `json:"why,omitempty"`     // of a claim, a halt or a replay, one sentence
	Samples   []Origin         `json:"samples,omitempty"` // of a halt: where rejected rows are
	Run       *Run             `json:"run,omitempty"`     // of a run
	Schema    []Column         `json:"schema,omitempty"`  // of a claim: the columns that were inferred for the table

	hash string // of the bytes that it lies in the lake as, empty: of none
}

// Hash is the SHA-256 of the bytes that the record was read from or written as, in
// hexadecimal digits: what the record after it must state as Previous.
func (r *Record) Hash() string { return r.hash }

// Column is a column of a table, with its type as the configuration writes it. Those of a
// table that has the columns of its files say no more than name and type.
type Column struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"` // as the configuration writes it; empty: null
	From     string   `json:"from,omitempty"`
	Aliases  []string `json:"aliases,omitempty"`
}

// Equal reports whether nothing differs.
func (c Column) Equal(d Column) bool {
	return c.Name == d.Name && c.Type == d.Type && c.Required == d.Required && c.Default == d.Default && c.From == d.From && slices.Equal(c.Aliases, d.Aliases)
}

// Written is a schema that records were written with, and the first of them.
type Written struct {
	ID      string  `json:"id"` // its number in a registry, or a fingerprint
	Subject string  `json:"subject,omitempty"`
	Version int     `json:"version,omitempty"`
	FirstAt Origin  `json:"first_at"`
	Records int64   `json:"records"` // of this batch
	Fields  []Field `json:"fields,omitempty"`
	More    int     `json:"more_fields,omitempty"` // that are not listed
}

// Field is a field of a schema: its type is a text that differs where the types do.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Decider says who decided.
type Decider struct {
	Host       string `json:"host"`
	PID        int    `json:"pid"`
	User       string `json:"user"`
	Version    string `json:"version"`
	ConfigHash string `json:"config_hash"`
}

// Counts are the fates of a batch's records: Read is the sum of the others (P1).
type Counts struct {
	Read        int64 `json:"read"`
	Written     int64 `json:"written"`
	Late        int64 `json:"late"`
	Quarantined int64 `json:"quarantined"`
	Duplicate   int64 `json:"duplicate"`
	Filtered    int64 `json:"filtered"`
}

// Balance is Read less the fates: 0, always.
func (c Counts) Balance() int64 {
	return c.Read - c.Written - c.Late - c.Quarantined - c.Duplicate - c.Filtered
}

// Output names one of the three outputs of a table.
type Output string

// The outputs.
const (
	Main       Output = "main"
	LateRows   Output = "late"
	Quarantine Output = "quarantine"
)

// Dir is the folder of an output of a table, below the lake.
func (o Output) Dir(table string) string {
	if o == Main {
		return table
	}
	return table + "_" + string(o)
}

// File is one Parquet file of a batch. Path is where readers see it, Staged where
// it was made durable before the record was; both are relative to the lake, with
// forward slashes.
type File struct {
	Output       Output `json:"output"`
	Path         string `json:"path"`
	Staged       string `json:"staged"`
	Rows         int64  `json:"rows"`
	Bytes        int64  `json:"bytes"`
	XXH3         Sum    `json:"xxh3"`
	MinEventTime *Time  `json:"min_event_time"`
	MaxEventTime *Time  `json:"max_event_time"`
}

// Day is the UTC day, as 2026-11-22, of the folders yyyy=2026/mm=11/dd=22 that the file
// lies in; empty: it lies in none.
func (f *File) Day() string {
	var parts [3]string
	for folder := range strings.SplitSeq(f.Path, "/") {
		name, value, _ := strings.Cut(folder, "=")
		if i := slices.Index([]string{"yyyy", "mm", "dd"}, name); i >= 0 {
			parts[i] = value
		}
	}
	if slices.Contains(parts[:], "") {
		return ""
	}
	return strings.Join(parts[:], "-")
}

// Quality is the verdict on a batch.
type Quality struct {
	Verdict string  `json:"verdict"` // PASS, WARN or FAIL
	Checks  []Check `json:"checks"`
}

// Check is the verdict of one check.
type Check struct {
	Name     string `json:"name"`
	Verdict  string `json:"verdict"`
	Severity string `json:"severity"`
	Failed   int64  `json:"failed"`
	Checked  int64  `json:"checked"`
	Detail   string `json:"detail"`
	// Version is, of a reference, the state of what was looked into: a table and the
	// record up to which it was known, or a file with its size and time.
	Version string `json:"version,omitempty"`
}

// Drift is a difference between incoming records and the table's schema, with the
// first record that showed it.
type Drift struct {
	Change  string `json:"change"`
	Column  string `json:"column"`
	From    string `json:"from"`
	To      string `json:"to"`
	FirstAt Origin `json:"first_at"`
	Count   int64  `json:"count,omitempty"` // records of this batch that showed it
	Done    string `json:"done,omitempty"`  // default, drop, accept, by_value, quarantine or halt
	// The schema of the first record, where it has a name.
	SchemaID string `json:"schema_id,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Version  int    `json:"schema_version,omitempty"`
}

// Written is the schema of the first record in one text, empty: it has no name.
func (d *Drift) Written() string {
	if d.Subject == "" {
		return d.SchemaID
	}
	return fmt.Sprintf("%s (%s version %d)", d.SchemaID, d.Subject, d.Version)
}

// Timings says where the time of a batch went, in milliseconds. Decide and Publish
// of a batch are not known when its record is written; they are those of the batch
// before it in the same process, 0 for the first.
type Timings struct {
	Read    float64 `json:"read"`
	Decode  float64 `json:"decode"`
	Check   float64 `json:"check"`
	Encode  float64 `json:"encode"`
	Stage   float64 `json:"stage"`
	Decide  float64 `json:"decide"`
	Publish float64 `json:"publish"`
}

// Time is an instant in µs since 1970, written as RFC 3339 UTC with microseconds.
type Time int64

const timeLayout = "2006-01-02T15:04:05.000000Z"

// At makes a Time of t, dropping what is below a microsecond.
func At(t time.Time) Time { return Time(t.UnixMicro()) }

// Time returns t in UTC.
func (t Time) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

func (t Time) String() string { return t.Time().Format(timeLayout) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	*t = At(at)
	return err
}

// TopicID is a Kafka topic id, written as 32 hexadecimal digits.
type TopicID [16]byte

func (id TopicID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id TopicID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *TopicID) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("topic id %q: want %d hexadecimal digits", b, hex.EncodedLen(len(id)))
	}
	_, err := hex.Decode(id[:], b)
	return err
}

// Sum is an XXH3-64 checksum, written as 16 hexadecimal digits.
type Sum uint64

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%016x", (*uint64)(s))
	return err
}
