package quality

import "fmt"

// Check is one check as the configuration writes it. Exactly one of Completeness,
// Unique, Reference, Range, Category, Pattern and Rule is set and says its kind.
type Check struct {
	// Completeness names columns that may not be null, blank or defaulted. Without a
	// Name each column is a check of its own; with one they are one check together,
	// and a row is complete when all of them are.
	Completeness []string
	// AtLeast is the share of complete rows that suffices, above 0 and at most 1.
	// Nil: 1. Where the share is below it, the rows that are incomplete fail; where
	// it is not, none does.
	AtLeast *float64

	// Unique names the columns that make up a key. The first row of a key passes,
	// later ones fail. A key with a null in it is no key.
	Unique []string
	// Scope is how far a key reaches.
	Scope Scope

	// Reference names a column whose values are all among those of another: of a table
	// of the lake, In being TABLE.COLUMN, or of a file, File being where it lies and
	// FileColumn which of its columns. What is missing is not looked at.
	Reference        string
	In               string
	File, FileColumn string

	// Range names a column of numbers or times that lies between Min and Max, both
	// included.
	Range string
	// Min and Max are bounds as text, "" for none: 0, -12.50, 1e6, or for a date or
	// a timestamp 2020-01-01 (its midnight in UTC) or RFC 3339. For whole and decimal
	// columns they hold to the last digit; for float and double they are rounded as a
	// value of the column is.
	Min, Max string

	// Category names a column whose value is one of Values.
	Category string
	Values   []string
	// IgnoreCase lets letters differ in case. Nil: true.
	IgnoreCase *bool

	// Pattern names a text column that matches Regex (RE2, anywhere in the value
	// unless anchored).
	Pattern string
	Regex   string

	// Rule is a CEL expression over the columns of one row that must be true. A null
	// or defaulted operand is an error, and an error fails the row unless the other
	// side of an || or && decides without it.
	Rule string

	// Nulls says what range, category and pattern make of a missing value.
	Nulls Nulls

	// Name is the check's name in reports and the reason of the rows that it refuses.
	// Empty: kind:column.
	Name     string
	Severity Severity
}

// Severity says what a check that does not hold means.
type Severity uint8

// The severities.
const (
	Fail Severity = iota // the rows are rejected, the batch's verdict is FAIL
	Warn                 // counted and reported, nothing more
)

var severities = []string{Fail: "fail", Warn: "warn"}

func (s Severity) String() string { return severities[s] }

// ParseSeverity reads warn or fail.
func ParseSeverity(s string) (Severity, error) { return parse[Severity]("severity", s, severities) }

// Nulls says what becomes of a missing value.
type Nulls uint8

// What a check can make of missing values.
const (
	NullsPass Nulls = iota // not looked at: that is completeness's business
	NullsFail
)

var nulls = []string{NullsPass: "pass", NullsFail: "fail"}

func (n Nulls) String() string { return nulls[n] }

// ParseNulls reads pass or fail.
func ParseNulls(s string) (Nulls, error) { return parse[Nulls]("nulls", s, nulls) }

// Scope is how far a key of a unique check reaches.
type Scope uint8

// The scopes.
const (
	ScopeAuto  Scope = iota // of a stream: batch, of a backfill: run
	ScopeBatch              // the rows of one batch
	ScopeRun                // all batches of one command
)

var scopes = []string{ScopeAuto: "auto", ScopeBatch: "batch", ScopeRun: "run"}

func (s Scope) String() string { return scopes[s] }

// ParseScope reads auto, batch or run.
func ParseScope(s string) (Scope, error) { return parse[Scope]("scope", s, scopes) }

// parse finds s among the names and returns its index.
func parse[T ~uint8](key, s string, names []string) (T, error) {
	for i, name := range names {
		if s == name {
			return T(i), nil
		}
	}
	list := ""
	for i, name := range names {
		if i > 0 {
			list += ", "
		}
		list += name
	}
	return 0, fmt.Errorf("%s %q is not one of %s", key, s, list)
}
