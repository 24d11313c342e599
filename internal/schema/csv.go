package schema

// CSV says how the lines of a CSV source are written.
type CSV struct {
	Header       bool     // the first line names the fields; else they are the table's columns, in order
	Separator    byte     // ',' mostly; a byte of ASCII that is neither the quote nor a line end
	Quote        byte     // '"' mostly; two of it within a quoted field stand for one. 0: no quotes
	Encoding     string   // utf-8, latin-1, windows-1252, utf-16, utf-16le or utf-16be; utf-16 needs a byte order mark
	NullValues   []string // what an unquoted field is when it is null
	DecimalComma bool     // 12,50 is twelve and a half
	Thousands    string   // what groups digits, such as "." or "'"; empty: nothing does
}

// DefaultCSV is what RFC 4180 says, with a header, in UTF-8, where an empty field that
// is not quoted is null.
func DefaultCSV() CSV {
	return CSV{Header: true, Separator: ',', Quote: '"', Encoding: "utf-8", NullValues: []string{""}}
}
