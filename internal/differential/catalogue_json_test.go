package differential_test

// catalogue has every line of the catalogue of bad input, whether files can have it or not.
func catalogue() []catalogued {
	var all []catalogued
	for _, of := range [][]catalogued{catalogueJSON(), catalogueAvro(), catalogueCSV(), catalogueOdd(), catalogueParquet(), catalogueRest()} {
		all = append(all, of...)
	}
	return all
}

func catalogueJSON() []catalogued {
	return []catalogued{
		{line: "empty value; null value", corpus: "empty", files: []badFile{{name: "blank-lines.json", data: "\n \n{\"id\":1}\n\n", rows: 1}},
			other: "a file has neither: a blank line is no record"},
		{line: "null [] \"x\" 1 at the top; two objects in one value; bytes after the object", corpus: "not-object trailing",
			files: []badFile{{name: "not-objects.ndjson", from: "json/not-objects.ndjson", rows: 1, rejected: "not_object not_object not_object not_object"},
				{name: "two-in-a-line.ndjson", from: "json/two-in-a-line.ndjson", rejected: "trailing trailing"},
				{name: "array-bytes-behind.json", from: "json/array-bytes-behind.json", rows: 1, rejected: "trailing"}}},
		{line: "truncated; NaN Infinity 01 +1 0x1 1. .5; single quotes, comments, trailing commas", corpus: "syntax",
			files: []badFile{{name: "lines-broken.ndjson", from: "json/lines-broken.ndjson", rows: 2, rejected: "not_object syntax syntax syntax syntax"},
				{name: "array-no-end.json", from: "json/array-no-end.json", fails: "byte 19: the array does not end"},
				{name: "pretty-open.json", from: "json/pretty-open.json", rows: 2, rejected: "syntax"},
				{name: "array-in-one-line.json", data: `[{"id":1},{"id":2},{"id":3,},{"id":4}]`, rows: 3, rejected: "syntax", want: "1, null"}}},
		{line: "a key twice, also with the same value, also written as an escape, in an object that a column reads", corpus: "duplicate ok-duplicate-in-dropped"},
		{line: "AMOUNT beside amount", corpus: "ok-case"},
		{line: "bad UTF-8, lone surrogate, UTF-16; a BOM before the object", corpus: "encoding ok-bom",
			files: []badFile{{name: "bom.json", data: "\ufeff{\"id\":1}\n", rows: 1}, {name: "utf-16.ndjson", from: "json/utf-16.ndjson", rejected: "encoding encoding syntax"}}},
		{line: "depth 101 … 1,000,000; 100,000 keys; 1 MB string in a known column; 100 kB of digits", corpus: "limit",
			files: []badFile{{name: "deep.json", from: "json/deep.json", rows: 1, rejected: "limit"}}},
		{line: "1e400, 39 digits, beyond decimal(18,2), int64 + 1", corpus: "overflow"},
		{line: "12.345 for scale 2", corpus: "scale ok-exact-trailing-zero"},
		{line: "-0 -0.00; 9007199254740993 as id; 1E3 for an int; 1.0 for an int; \"12.50\" for a decimal", corpus: "ok-zero ok-id ok-int ok-exact-text"},
		{line: "\"1,234.50\" \" 12\" Arabic digits, true for a number, an object for a string", corpus: "type"},
		{line: "missing column; unknown column; null for a required one", corpus: "required ok-missing ok-extra ok-null",
			files: []badFile{{name: "missing.json", data: "{\"id\":1}\n", rows: 1, log: "change=missing column=name"},
				{name: "extra.json", data: "{\"id\":1,\"name\":\"x\",\"more\":1}\n", rows: 1, log: "change=extra column=more"}}},
		{line: "NUL, ESC, CR/LF, right-to-left marks in a string", corpus: "ok-text-controls ok-text-right-to-left"},
		{line: "a time without a zone, 24:00, second 60, 30 February, year 0 or 292278995", corpus: "ok-time-no-zone ok-time-local time-24 time-second-60 time-30-february time-year-0 time-year-292278995"},
		{line: "epoch seconds, millis and micros mixed; a date before 1900 or after 2200 from a number", corpus: "time-micros-as-millis time-nanos-as-millis time-before-1900 time-after-2200 time-number-without-unit"},
		{line: "a date without a time", corpus: "ok-time-date-only ok-time-local-date"},
		{line: "event time beyond max_future, backfill too", files: []badFile{
			{name: "future.json", columns: "id at", more: "    event_time: at\n", data: "{\"id\":1,\"at\":\"2999-01-01\"}\n{\"id\":2,\"at\":\"2026-01-01\"}\n{\"id\":3}\n", rows: 2, rejected: "future"}}},
	}
}

func catalogueCSV() []catalogued {
	one := func(name string, rows int) badFile { return badFile{name: name, from: "csv/" + name, rows: rows} }
	return []catalogued{
		{line: "BOM, CRLF, lone CR, blank lines at the end, header repeated in mid-file", files: []badFile{
			one("bom.csv", 1), one("crlf.csv", 2), one("lone-cr.csv", 2), one("mixed-line-ends.csv", 3), one("blank-lines-at-the-end.csv", 1), one("newline-in-quotes.csv", 2),
			{name: "header-repeated.csv", from: "csv/header-repeated.csv", rows: 3, filtered: 2}}},
		{line: "too few or too many fields", files: []badFile{{name: "too-few-and-many.csv", from: "csv/too-few-and-many.csv", rows: 1, rejected: "columns columns"}}},
		{line: "a quote that does not close within 1 MiB or by the end of the file", files: []badFile{
			{name: "quote-open.csv", from: "csv/quote-open.csv", rows: 2, rejected: "quote"},
			{name: "quote-at-the-end.csv", from: "csv/quote-at-the-end.csv", rows: 1, rejected: "quote"},
			{name: "quote-open-twice.csv", from: "csv/quote-open-twice.csv", rows: 1, rejected: "quote quote"},
			{name: "quote-open-1-MiB.csv", data: "id,name\n1,\"x\n" + repeated("2,yyyyy\n", 200_000) + "3,\"z\"\n", rows: 200_001, rejected: "quote"}}},
		{line: "a quote in the middle of a bare field; text after a closing quote", files: []badFile{
			{name: "quote-in-bare-field.csv", from: "csv/quote-in-bare-field.csv", rows: 1, rejected: "quote"},
			{name: "quote-text-behind.csv", from: "csv/quote-text-behind.csv", rejected: "quote quote"}}},
		{line: "bytes that are not UTF-8 (no encoding: set)", files: []badFile{
			{name: "not-utf8.csv", from: "csv/not-utf8.csv", rows: 1, rejected: "encoding"},
			{name: "utf-16-unannounced.csv", from: "csv/utf-16-unannounced.csv", fails: "set csv.encoding: utf-16"}}},
		{line: "0 bytes; a header and no rows", files: []badFile{one("zero-bytes.csv", 0), one("header-alone.csv", 0), one("header-alone-no-end.csv", 0)}},
		{line: "header names in another case or with blanks around", files: []badFile{
			{name: "header-blanks-and-case.csv", from: "csv/header-blanks-and-case.csv", rows: 1, log: "change=case column=name"}}},
		{line: "header with an empty, doubled or missing required name; a file of one column where five are expected (wrong separator)", files: []badFile{
			{name: "header-doubled.csv", from: "csv/header-doubled.csv", fails: "are both named"},
			{name: "header-empty-name.csv", from: "csv/header-empty-name.csv", fails: "has no name"},
			{name: "header-quote-open.csv", from: "csv/header-quote-open.csv", fails: "set csv.quote"},
			{name: "header-missing.csv", data: "name,x\ny,1\n", column: map[string]string{"id": ", required: true"}, fails: `no column "id", which is required`},
			{name: "header-one-column.csv", from: "csv/header-one-column.csv", fails: "set csv.separator: ';'"}}},
		{line: "empty field and quoted empty field; NULL, \\N", files: []badFile{
			{name: "empty.csv", data: "id,name\n1,\n", rows: 1, want: "1, null"}, {name: "quoted-empty.csv", data: "id,name\n1,\"\"\n", rows: 1, want: `1, ""`},
			{name: "null.csv", data: "id,name\n1,NULL\n", rows: 1, want: `1, "NULL"`},
			{name: "null-values.csv", data: "id,name\n\\N,NULL\n", settings: with(func(s *settings) { s.Null = []string{"NULL", `\N`} }), rows: 1, want: "null, null"}}},
		{line: "a line of 100 MB or 1 GB", files: []badFile{{name: "line-100-MB.csv", makes: line100MB, rows: 1, rejected: "limit"}}, other: "internal/rawfile TestLineOfOneGB"},
		{line: "=cmd() @x", files: []badFile{{name: "formula.csv", data: "id,name\n1,=cmd()\n", rows: 1, want: `1, "=cmd()"`}}, other: "no report writes CSV"},
	}
}
