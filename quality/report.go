package quality

// Verdict is the outcome of a check or of a batch.
type Verdict uint8

// The verdicts, the worse the greater.
const (
	VerdictPass Verdict = iota
	VerdictWarn
	VerdictFail
)

var verdicts = []string{VerdictPass: "PASS", VerdictWarn: "WARN", VerdictFail: "FAIL"}

func (v Verdict) String() string { return verdicts[v] }

// Report is what Run found in one batch. It shares no memory with the batch or
// the suite.
type Report struct {
	Verdict Verdict  // the worst of the results
	Results []Result // in the order of the checks as written
	// Nulls counts the values that were null or defaulted, by column, in the rows
	// looked at. Columns that have none are not in it.
	Nulls map[string]int64
	// Checked is the number of rows looked at, Rejected that of those refused.
	Checked, Rejected int64
	// Duplicates is the number of rows of which another with their key was taken.
	Duplicates int64
}

// Result is the outcome of one check.
type Result struct {
	Name     string
	Verdict  Verdict
	Severity Severity
	Failed   int64 // rows that do not hold
	Checked  int64 // rows that had something to judge
	// Detail says what was wanted and, if some rows do not hold, how many do. It
	// holds no data of a record.
	Detail string
	// Version says, of a reference, which state of what it names was looked at.
	Version string
}

// firstFailed is the first result whose verdict is FAIL, nil if there is none.
func (r *Report) firstFailed() *Result {
	for i := range r.Results {
		if r.Results[i].Verdict == VerdictFail {
			return &r.Results[i]
		}
	}
	return nil
}
