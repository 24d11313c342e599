package batch

import (
	"fmt"
	"strconv"
	"strings"
)

// Stage names the stage that found a reject.
type Stage string

// The stages that reject rows.
const (
	StageFile      Stage = "file" // what cuts a file into records
	StageConform   Stage = "conform"
	StageWatermark Stage = "watermark"
	StageQuality   Stage = "quality"
)

// Reject says why one row is quarantined. It is small and holds no text of its
// own: a batch in which every row is bad must fit the memory budget too. What a
// person reads is made by Detail when the row is written.
type Reject struct {
	Row    int32
	Column int16 // index in the table, −1: none
	Told   bool  // Want is all that Detail says of it
	Stage  Stage
	// Reason is the word of the kind of bad input (syntax, overflow, …), or a
	// check's name.
	Reason string
	// Want says what was expected, "" if the reason says it all: a constant or text
	// made once per table, never per row.
	Want string
	// At and Len are the place of the offending bytes in the row's value. Len 0:
	// only the place is known. At −1: no place.
	At, Len int32
}

const rejectBytes = 64

// ReasonRequired is the reason of a row whose value in a required column is missing or null.
// Checks of completeness count such rows, which are rejected before they run.
const ReasonRequired = "required"

// Drift is one difference between incoming records and the table's schema.
type Drift struct {
	Change string // extra, missing, alias, widen, …
	Column string
	From   string // the type or name seen
	To     string // the type or name in the table
	Row    int    // the first row of the batch that showed it
	// Count is how many records of the batch showed it.
	Count int64
	// Schema is what the first of them was written with, nil: nothing that has a name.
	Schema *Schema
}

// detailValue is how many bytes of an offending value Detail shows.
const detailValue = 64

// Detail tells a person all that was wrong with one row, of which rejects are the
// rejects: column, byte, what was expected and the start of the value, quoted. It
// holds data of the record: it belongs into the quarantine, not into a log.
func (b *Batch) Detail(rejects []Reject) string {
	var out strings.Builder
	for i, r := range rejects {
		if i > 0 {
			out.WriteString("; ")
		}
		if r.Told {
			out.WriteString(r.Want)
			continue
		}
		out.WriteString(r.Reason)
		if r.Column >= 0 {
			out.WriteString(": column ")
			out.WriteString(b.Table.Columns[r.Column].Name)
		}
		value, at, length := b.Raw.textAt(b.First+int(r.Row), int(r.At), int(r.Len))
		if at >= 0 {
			fmt.Fprintf(&out, " at byte %d", at)
		}
		if r.Want != "" {
			out.WriteString(": ")
			out.WriteString(r.Want)
		}
		if at >= 0 && length > 0 && at+length <= len(value) {
			got := value[at : at+length]
			out.WriteString(", got ")
			out.WriteString(strconv.QuoteToASCII(string(got[:min(len(got), detailValue)])))
			if len(got) > detailValue {
				fmt.Fprintf(&out, "… (%d bytes)", len(got))
			}
		}
	}
	return out.String()
}
