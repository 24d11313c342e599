package differential_test

// difference is how DuckDB and pyarrow differ from Tidemark on a file, in one sentence
// each; empty: they do not.
type difference struct{ duckdb, pyarrow string }

func both(why string) difference { return difference{why, why} }

// What more than one file has.
const (
	byPlace   = "it takes declared columns by their place, whatever the header says"
	noLayout  = "its layouts are not for dates or times with a zone"
	asJSON    = "it reads more spellings of a number; here a number is written as in JSON, without blanks, plus or zeros before it"
	noNumber  = "it reads it as a number; here there is none that JSON could not write"
	rounds    = "it rounds; here a value that does not fit its column is rejected"
	lenient   = "it takes a quote where RFC 4180 has none for text; here the row is rejected"
	bothEnds  = "it ignores blanks around quotes, or takes the quotes for text; here the row is rejected"
	noGroups  = "it knows no thousands"
	nullTime  = "it makes null of a time with a zone that it cannot read"
	noZone    = "it wants a zone; here a time without one is UTC, or in the zone of the column"
	noEmpty   = "it refuses a file without rows or lines"
	noArrays  = "it reads no array as a file"
	noWhole   = "it wants whole numbers without a fraction or exponent, also where these change nothing"
	inDouble  = "it reads decimals through a double, which holds 15 to 17 digits"
	toInf     = "it makes infinity of a number beyond the largest double"
	wideTruth = "it reads more words as a truth"
	textOf    = "it makes a text of whatever stands there; here a value of another kind is rejected"
	noQuotes  = "it reads no values in quotes for this type"
	skipsKeys = "it does not look at what no column reads; here an object has each key once, all the way"
	exactOnly = "it knows header names by their exact bytes alone, and makes null of a column that it does not find"
)

func csvDifferences() map[string]difference {
	return map[string]difference{
		// Lines.
		"LF, CR LF and CR in one file":            {"it wants one kind of line end in a file", ""},
		"blank lines before the header":           {"it takes the first line for the header, also a blank one", ""},
		"a header without a line end and no rows": {"", noEmpty},
		"no bytes":                                             {"", noEmpty},
		"packed with bzip2":                                    {"it knows no bzip2", ""},
		"no bytes, packed with gzip":                           {"", noEmpty},
		"each row ends with a separator":                       {"it drops an empty field behind the last column", ""},
		"header and rows end with a separator":                 both("it drops the column without a name; here a header has a name for each"),
		"one column and an empty field, which is a blank line": {"it takes a blank line for an empty field where there is one column; here a blank line is no row", ""},
		"a field of 1 MB":                                      both("here a text has less than 1,000,000 bytes"),

		// Quotes.
		"text behind a closing quote":                  {"", "it takes what follows a closing quote for more of the text"},
		"a blank behind a closing quote":               both(bothEnds),
		"a blank before an opening quote":              both(bothEnds),
		"quotes in the middle of a bare field":         both(lenient),
		"one quote in the middle of a bare field":      both(lenient),
		"a quote at the end of a bare field":           both(lenient),
		"a quote that does not close":                  {"", "it ends the text where the file ends, and so takes the rows that follow for text"},
		"a quote that does not close in the last line": {"", "it ends the text where the file ends"},
		"a quote escaped with a backslash":             {"", "it takes what follows a closing quote for more of the text"},
		"backslashes":                                  both(lenient),

		// Headers.
		"the header is repeated in mid-file":               both("it takes the repeated header for a row"),
		"header names in another case":                     {"", exactOnly},
		"blanks around header names":                       {"", exactOnly},
		"a header alone is broken by a line end in quotes": {"", exactOnly},
		"the wrong separator":                              {"", exactOnly},
		"columns in another order":                         {byPlace, ""},
		"a column that nobody asked for":                   {byPlace, ""},
		"a column that is not there":                       {byPlace, ""},
		"a name twice in the header":                       {"", "it takes the first column of a name that stands there twice"},
		"an empty name in the header":                      {"", "it drops a column without a name"},

		// Settings.
		"UTF-16 with a pair of surrogates":             {"it reads no characters beyond the first 65,536 in UTF-16", ""},
		"UTF-16, big end first, with its mark":         {"it reads UTF-16 with the little end first alone", ""},
		"latin-1 and a byte of its control characters": {"it refuses the control characters of latin-1", ""},
		"windows-1252":                          {"it has the encoding in an extension alone", ""},
		"thousands":                             {"", noGroups},
		"thousands of a whole number":           {"", noGroups},
		"thousands at the wrong places":         {"it takes thousands at any place; here they group three digits", ""},
		"thousands with a point, decimal comma": {"", noGroups},
		"thousands with an apostrophe":          {"", noGroups},

		// Whole numbers.
		"zeros before a number":                   both(asJSON),
		"a plus before a number":                  {asJSON, ""},
		"blanks around a number":                  both(asJSON),
		"a fraction of zero":                      {"", noWhole},
		"a fraction":                              {rounds, ""},
		"an exponent for a whole number":          {"", noWhole},
		"an exponent that leaves no whole number": {rounds, ""},
		"a hexadecimal number":                    both(noNumber),
		"an underscore in a number":               {noNumber, ""},

		// Decimals and doubles.
		"digits behind the scale":               {rounds, ""},
		"one more digit, that would round down": {rounds, ""},
		"no digit before the point":             both(asJSON),
		"no digit behind the point":             both(asJSON),
		"a plus before a decimal":               both(asJSON),
		"blanks around a decimal":               both(asJSON),
		"zeros before a decimal":                both(asJSON),
		"beyond the largest double":             both(toInf),
		"NaN":                                   both(noNumber),
		"Infinity":                              both(noNumber),
		"inf":                                   both(noNumber),
		"a plus before a double":                both(asJSON),
		"no digit before the point of a double": both(asJSON),
		"no digit behind the point of a double": both(asJSON),
		"blanks around a double":                both(asJSON),

		// Truths, dates, times.
		"t":                                  {wideTruth, ""},
		"yes":                                {wideTruth, ""},
		"a date without its zeros":           {"it reads more ways to write a date", ""},
		"a date with slashes":                {"it reads more ways to write a date", ""},
		"a date with points, and its layout": {"", noLayout},
		"a date with a time":                 {"", "it takes no time of day for a date, also at midnight"},
		"the year 0":                         both("it has a year 0"),
		"blanks around a date":               both("it ignores blanks around a date"),
		"a time with an offset without its colon": both("it reads offsets without their colon"),
		"a time with an offset of hours":          both("it reads offsets of hours alone"),
		"a time without a zone":                   {"", noZone},
		"a day for a time":                        {"", noZone},
		"a time without seconds":                  {nullTime, ""},
		"a time with nanoseconds":                 {rounds, ""},
		"a time with zeros for nanoseconds":       {"", "it reads no nanoseconds for microseconds, also where they are 0"},
		"a time with t and z":                     {nullTime, "it wants a capital T and Z"},
		"24:00":                                   {"it takes 24:00 for midnight of the next day", ""},
		"the second 60":                           {nullTime, ""},
		"seconds since 1970 for a time":           {nullTime, ""},
		"a time with its layout":                  both(noLayout),
	}
}

func jsonDifferences() map[string]difference {
	return map[string]difference{
		// Lines and arrays.
		"lines end with a lone CR":                           both("it takes objects one after another, whatever is between them; here an object ends with its line, and a lone CR is a blank"),
		"two objects in a line":                              both("it takes objects one after another, whatever is between them; here an object ends with its line"),
		"two objects in a line, the second is not the first": {"", "it takes objects one after another, whatever is between them; here an object ends with its line"},
		"no bytes":                     {"", noEmpty},
		"a column of 1 MB":             both("here a text has less than 1,000,000 bytes"),
		"one array":                    {"", noArrays},
		"one array over several lines": {"", noArrays},
		"one array, an object a line":  {"", noArrays},
		"one array, packed with gzip":  {"", noArrays},
		"40,000 objects of one array in one line, in several batches": {"", noArrays},
		"an empty array":                  {"", noArrays},
		"an array that ends with a comma": {"it refuses the file; here what stands between whole objects is not looked at", noArrays},
		"an array with a comma too many":  {"it refuses the file; here what stands between whole objects is not looked at", noArrays},
		"an array without a comma":        {"it refuses the file; here what stands between whole objects is not looked at", noArrays},

		// Broken lines.
		"a comma before the brace": {"it allows a comma before the brace", ""},
		"null for an object":       both("it makes a row of nulls of null"),

		// Keys.
		"a key twice that nobody asked for":   both(skipsKeys),
		"900 levels in what nobody asked for": both("it goes deeper; here 100 levels are the limit"),

		// Text.
		"a number for a text":  {textOf, ""},
		"a truth for a text":   {textOf, ""},
		"an object for a text": {textOf, ""},
		"an array for a text":  {textOf, ""},

		// Numbers.
		"a long in quotes":                            {"", noQuotes},
		"a fraction of zero for a whole number":       {"", noWhole},
		"an exponent for a whole number":              {"", noWhole},
		"a fraction for a whole number":               {rounds, ""},
		"a truth for a whole number":                  {"it makes 1 of true", ""},
		"digits behind the scale":                     {rounds, ""},
		"a decimal of 18 digits":                      {inDouble, ""},
		"a decimal of 17 digits that no double holds": {inDouble, ""},
		"a double in quotes":                          {"", noQuotes},
		"beyond the largest double":                   {toInf, ""},
		"NaN":                                         both("it reads what is no JSON"),
		"Infinity":                                    both("it reads what is no JSON"),
		"NaN in quotes":                               {noNumber, ""},

		// The rest.
		"true in quotes":             {wideTruth, ""},
		"1 for a truth":              {wideTruth, ""},
		"a date":                     {"", noQuotes},
		"days since 1970 for a date": {"", "it reads days since 1970; here a date is a text"},
		"a time with nanoseconds":    {rounds, ""},
		"24:00":                      {"it takes 24:00 for midnight of the next day", ""},
	}
}
