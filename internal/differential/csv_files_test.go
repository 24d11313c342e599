package differential_test

import (
	"fmt"
	"strings"
)

// one is a file of one row, whose column holds a text.
func one(name, columns, text string) awkward {
	return awkward{name: name, columns: columns, data: strings.Join(strings.Fields(columns), ",") + "\n1," + text + "\n"}
}

// set is f with settings.
func (f awkward) set(change func(*settings)) awkward {
	f.settings = with(change)
	return f
}

func csvFiles() []awkward {
	var all []awkward
	for _, of := range [][]awkward{csvLines(), csvQuotes(), csvHeaders(), csvSettings(), csvText(), csvWhole(), csvDecimals(), csvDoubles(), csvOthers(), csvTimes()} {
		all = append(all, of...)
	}
	return all
}

func csvLines() []awkward {
	return []awkward{
		{name: "lines end with LF", columns: "id a", data: "id,a\n1,x\n2,y\n"},
		{name: "lines end with CR LF", columns: "id a", data: "id,a\r\n1,x\r\n2,y\r\n"},
		{name: "lines end with a lone CR", columns: "id a", data: "id,a\r1,x\r2,y\r"},
		{name: "LF, CR LF and CR in one file", columns: "id a", data: "id,a\n1,x\r\n2,y\r3,z\n"},
		{name: "the last line has no end", columns: "id a", data: "id,a\n1,x\n2,y"},
		{name: "blank lines at the end", columns: "id a", data: "id,a\n1,x\n\n\n\n"},
		{name: "a blank line in mid-file", columns: "id a", data: "id,a\n1,x\n\n2,y\n"},
		{name: "blank lines before the header", columns: "id a", data: "\n\nid,a\n1,x\n"},
		{name: "a line of blanks", columns: "id a", data: "id,a\n1,x\n   \n2,y\n"},
		{name: "a byte order mark", columns: "id a", data: "\ufeffid,a\n1,x\n"},
		{name: "a byte order mark before a quoted header", columns: "id a", data: "\ufeff\"id\",a\n1,x\n"},
		{name: "a header and no rows", columns: "id a", data: "id,a\n"},
		{name: "a header without a line end and no rows", columns: "id a", data: "id,a"},
		{name: "no bytes", columns: "id a", data: ""},
		{name: "a row too short", columns: "id a s", data: "id,a,s\n1,x,y\n2,x\n3,x,z\n"},
		{name: "a row too long", columns: "id a s", data: "id,a,s\n1,x,y\n2,x,y,z\n3,x,z\n"},
		{name: "each row ends with a separator", columns: "id a", data: "id,a\n1,x,\n2,y,\n"},
		{name: "header and rows end with a separator", columns: "id a", data: "id,a,\n1,x,\n2,y,\n"},
		{name: "a row of empty fields", columns: "id a s", data: "id,a,s\n1,x,y\n,,\n"},
		{name: "one column", columns: "a", data: "a\nx\ny\n"},
		{name: "one column and an empty field, which is a blank line", columns: "a", data: "a\nx\n\ny\n"},
		{name: "one column and a quoted empty field", columns: "a", data: "a\nx\n\"\"\ny\n"},
		{name: "a line that begins with #", columns: "a s", data: "a,s\n#x,y\n"},
		{name: "20,000 rows", columns: "id a", data: "id,a\n" + strings.Repeat("7,seven\n", 20_000)},
		{name: "2,000 columns", columns: wide(2000), data: strings.ReplaceAll(wide(2000), " ", ",") + "\n" + strings.TrimSuffix(strings.Repeat("7,", 2000), ",") + "\n"},
		{name: "a field of 1 MB", columns: "id a", data: "id,a\n1," + strings.Repeat("x", 1<<20) + "\n2,y\n"},
	}
}

// wide are the names of n columns.
func wide(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return strings.Join(names, " ")
}

func csvQuotes() []awkward {
	return []awkward{
		{name: "quoted fields", columns: "id a s", data: "\"id\",\"a\",\"s\"\n\"1\",\"x\",\"y\"\n"},
		{name: "a separator in quotes", columns: "id a", data: "id,a\n1,\"x,y\"\n"},
		{name: "a doubled quote", columns: "id a", data: "id,a\n1,\"say \"\"x\"\"\"\n2,\"\"\"\"\n"},
		{name: "LF in quotes", columns: "id a", data: "id,a\n1,\"x\ny\"\n2,z\n"},
		{name: "CR LF in quotes, in a file with LF", columns: "id a", data: "id,a\n1,\"x\r\ny\"\n2,z\n"},
		{name: "LF in quotes, in a file with CR LF", columns: "id a", data: "id,a\r\n1,\"x\ny\"\r\n2,z\r\n"},
		{name: "a lone CR in quotes", columns: "id a", data: "id,a\n1,\"x\ry\"\n2,z\n"},
		{name: "blank lines in quotes", columns: "id a", data: "id,a\n1,\"x\n\n\ny\"\n"},
		{name: "what looks like a row in quotes", columns: "id a", data: "id,a\n1,\"x\n2,y\n3\"\n4,z\n"},
		{name: "an empty field and a quoted empty field", columns: "id a s", data: "id,a,s\n1,,\"\"\n2,\"\",\n"},
		{name: "a quoted empty field for a number", columns: "id n", data: "id,n\n1,\"\"\n2,\n"},
		{name: "a quoted number", columns: "id n d", data: "id,n,d\n\"1\",\"-5\",\"12.50\"\n"},
		{name: "text behind a closing quote", columns: "id a", data: "id,a\n1,\"x\"y\n2,z\n"},
		{name: "a blank behind a closing quote", columns: "id a", data: "id,a\n1,\"x\" \n2,z\n"},
		{name: "a blank before an opening quote", columns: "id a s", data: "id,a,s\n1, \"x\",y\n2,z,y\n"},
		{name: "quotes in the middle of a bare field", columns: "id a", data: "id,a\n1,x\"y\"z\n2,z\n"},
		{name: "one quote in the middle of a bare field", columns: "id a", data: "id,a\n1,5\" pipe\n2,z\n"},
		{name: "a quote at the end of a bare field", columns: "id a", data: "id,a\n1,x\"\n2,z\n"},
		{name: "a quote that does not close", columns: "id a", data: "id,a\n1,x\n2,\"y\n3,z\n"},
		{name: "a quote that does not close in the last line", columns: "id a", data: "id,a\n1,x\n2,\"y"},
		{name: "a quote escaped with a backslash", columns: "id a", data: "id,a\n1,\"x\\\"y\"\n2,z\n"},
		{name: "backslashes", columns: "id a s", data: "id,a,s\n1,C:\\new,\\\"\n2,\"C:\\\",\\N\n"},
		{name: "apostrophes are text", columns: "id a", data: "id,a\n1,'x\n2,O'Brien\n3,'y'\n"},
	}
}

func csvHeaders() []awkward {
	return []awkward{
		{name: "the header is repeated in mid-file", columns: "a s", data: "a,s\nx,y\na,s\nz,y\n"},
		{name: "header names in another case", columns: "id a", data: "ID,A\n1,x\n"},
		{name: "blanks around header names", columns: "id a", data: " id , a\n1,x\n"},
		{name: "columns in another order", columns: "id a s", data: "s,id,a\ny,1,x\n"},
		{name: "a column that nobody asked for", columns: "id a", data: "id,more,a\n1,z,x\n"},
		{name: "a column that is not there", columns: "id a s", data: "id,a\n1,x\n"},
		{name: "a name twice in the header", columns: "id a", data: "id,a,a\n1,x,y\n"},
		{name: "an empty name in the header", columns: "id a", data: "id,,a\n1,y,x\n"},
		{name: "a header alone is broken by a line end in quotes", columns: "id a", data: "id,\"a\n\"\n1,x\n"},
		{name: "no header", columns: "id a", data: "1,x\n2,y\n", settings: with(func(s *settings) { s.NoHeader = true })},
		{name: "no header and a byte order mark", columns: "id a", data: "\ufeff1,x\n2,y\n", settings: with(func(s *settings) { s.NoHeader = true })},
		{name: "no header and a row too short", columns: "id a", data: "1,x\n2\n", settings: with(func(s *settings) { s.NoHeader = true })},
	}
}

func csvSettings() []awkward {
	null := func(words ...string) func(*settings) { return func(s *settings) { s.Null = words } }
	return []awkward{
		{name: "separated by ;", columns: "id a", data: "id;a\n1;x,y\n", settings: with(func(s *settings) { s.Separator = ";" })},
		{name: "separated by a tab", columns: "id a", data: "id\ta\n1\tx y\n2\t\"x\ty\"\n", settings: with(func(s *settings) { s.Separator = "\t" })},
		{name: "separated by |", columns: "id a", data: "id|a\n1|x\n", settings: with(func(s *settings) { s.Separator = "|" })},
		{name: "separated by blanks", columns: "id a", data: "id a\n1 x\n2 \n", settings: with(func(s *settings) { s.Separator = " " })},
		{name: "the wrong separator", columns: "id a", data: "id;a\n1;x\n"},
		{name: "quoted by '", columns: "id a", data: "id,a\n1,'x,''y'\n2,\"z\"\n", settings: with(func(s *settings) { s.Quote = "'" })},
		{name: "no quotes", columns: "id a", data: "id,a\n1,\"x\"\n2,y\"\n3,\"z\n", settings: with(func(s *settings) { s.Quote = "" })},
		one("NULL and \\N as null", "id a s n", "NULL,\\N,NULL").set(null("", "NULL", "\\N")),
		one("a quoted NULL", "id a", `"NULL"`).set(null("", "NULL")),
		one("NULL as text, where only the empty field is null", "id a", "NULL"),
		one("an empty field where it is not null", "id a", "").set(null("NULL")),
		one("an empty field for a number where it is not null", "id n", "").set(null("NULL")),
		one("NULL among blanks", "id a", " NULL ").set(null("", "NULL")),
		{name: "UTF-16, little end first, with its mark", columns: "id a", data: utf16("\ufeffid,a\n1,Zürich Ω\n", false), settings: with(func(s *settings) { s.Encoding = "utf-16" })},
		{name: "UTF-16 with a pair of surrogates", columns: "id a", data: utf16("\ufeffid,a\n1,🏦\n", false), settings: with(func(s *settings) { s.Encoding = "utf-16" })},
		{name: "UTF-16, big end first, with its mark", columns: "id a", data: utf16("\ufeffid,a\n1,Zürich\n", true), settings: with(func(s *settings) { s.Encoding = "utf-16" })},
		{name: "UTF-16 that nobody announced", columns: "id a", data: utf16("\ufeffid,a\n1,x\n", false)},
		{name: "latin-1", columns: "id a", data: "id,a\n1,Z\xfcrich\n", settings: with(func(s *settings) { s.Encoding = "latin-1" })},
		{name: "latin-1 and a byte of its control characters", columns: "id a", data: "id,a\n1,x\x80\n", settings: with(func(s *settings) { s.Encoding = "latin-1" })},
		{name: "windows-1252", columns: "id a", data: "id,a\n1,Z\xfcrich \x80\n", settings: with(func(s *settings) { s.Encoding = "windows-1252" })},
		one("decimal comma", "id d", `"12,50"`).set(func(s *settings) { s.DecimalComma = true }),
		one("decimal comma for a double", "id x", `"-1,5e3"`).set(func(s *settings) { s.DecimalComma = true }),
		one("a point where the comma is set", "id d", "12.50").set(func(s *settings) { s.DecimalComma = true }),
		one("thousands", "id d", `"1,234,567.50"`).set(func(s *settings) { s.Thousands = "," }),
		one("thousands of a whole number", "id n", `"1,234,567"`).set(func(s *settings) { s.Thousands = "," }),
		one("thousands at the wrong places", "id d", `"1,2,34.50"`).set(func(s *settings) { s.Thousands = "," }),
		one("thousands with a point, decimal comma", "id d", `"1.234,50"`).set(func(s *settings) { s.DecimalComma, s.Thousands = true, "." }),
		one("thousands with an apostrophe", "id d", "1'234.50").set(func(s *settings) { s.Thousands = "'" }),
		one("thousands that nobody announced", "id d", `"1,234.50"`),
	}
}

// utf16 is a text of the basic plane and beyond in UTF-16.
func utf16(s string, big bool) string {
	var out strings.Builder
	unit := func(r rune) {
		if lo, hi := byte(r), byte(r>>8); big {
			out.Write([]byte{hi, lo})
		} else {
			out.Write([]byte{lo, hi})
		}
	}
	for _, r := range s {
		if r < 0x10000 {
			unit(r)
			continue
		}
		unit(0xd800 + (r-0x10000)>>10)
		unit(0xdc00 + (r-0x10000)&0x3ff)
	}
	return out.String()
}

func csvText() []awkward {
	return []awkward{
		one("blanks around a text", "id a", "  x  "),
		one("a tab in a text", "id a", "x\ty"),
		one("a text of blanks", "id a", "  "),
		one("text beyond ASCII", "id a", "Zürich Ω 銀行 🏦"),
		one("text that is not normalised", "id a", "u\u0308 \u00fc"),
		one("right-to-left marks", "id a", "\u202ex\u202c"),
		one("a no-break space and a zero-width space", "id a", "\u00a0x\u200b"),
		one("the line separator of Unicode", "id a", "x\u2028y\u0085z"),
		one("control characters", "id a", "\x01\x1b[31m\x7f"),
		one("NUL in a text", "id a", "x\x00y"),
		one("bytes that are not UTF-8", "id a", "Z\xfcrich"),
		one("a surrogate in UTF-8", "id a", "\xed\xa0\x80"),
		one("an overlong encoding", "id a", "\xc0\xaf"),
		one("a character cut in two", "id a", "\xe2\x82"),
		one("text like a formula", "id a", "=cmd()"),
		one("text like a number", "id a", "007"),
	}
}

func csvWhole() []awkward {
	return []awkward{
		one("zeros before a number", "id n", "007"),
		one("a plus before a number", "id n", "+5"),
		one("minus zero", "id n", "-0"),
		one("blanks around a number", "id n", " 5 "),
		one("a fraction of zero", "id n", "1.0"),
		one("a fraction", "id n", "1.5"),
		one("an exponent for a whole number", "id n", "1e3"),
		one("an exponent that leaves no whole number", "id n", "15e-1"),
		one("the largest long", "id n", "9223372036854775807"),
		one("the smallest long", "id n", "-9223372036854775808"),
		one("beyond the largest long", "id n", "9223372036854775808"),
		one("beyond the largest int", "id i", "2147483648"),
		one("an id beyond what a double holds", "id n", "9007199254740993"),
		one("a hexadecimal number", "id n", "0x10"),
		one("an underscore in a number", "id n", "1_000"),
		one("no number", "id n", "x"),
		one("a minus alone", "id n", "-"),
		one("Arabic digits", "id n", "١٢"),
		one("a truth for a number", "id n", "true"),
	}
}

func csvDecimals() []awkward {
	return []awkward{
		one("a decimal", "id d", "12.50"),
		one("a whole number for a decimal", "id d", "12"),
		one("zeros behind the scale", "id d", "12.34000"),
		one("digits behind the scale", "id d", "12.345"),
		one("one more digit, that would round down", "id d", "12.344"),
		one("no digit before the point", "id d", ".5"),
		one("no digit behind the point", "id d", "5."),
		one("a plus before a decimal", "id d", "+1.50"),
		one("blanks around a decimal", "id d", " 1.50 "),
		one("an exponent in a decimal", "id d", "1.25e1"),
		one("a decimal with a minus exponent", "id d", "125e-1"),
		one("a decimal of 18 digits", "id d", "9999999999999999.99"),
		one("a decimal of 19 digits", "id d", "12345678901234567.89"),
		one("minus zero as a decimal", "id d", "-0.00"),
		one("zeros before a decimal", "id d", "00012.50"),
		one("a currency before a decimal", "id d", "$12.50"),
		one("a decimal in brackets, for a minus", "id d", "(12.50)"),
	}
}

func csvDoubles() []awkward {
	return []awkward{
		one("a double", "id x", "0.1"),
		one("a double with many digits", "id x", "0.1000000000000000055511151231257827"),
		one("a double half way between two", "id x", "9007199254740993"),
		one("an exponent in a double", "id x", "-1.5E+10"),
		one("the smallest double", "id x", "5e-324"),
		one("the largest double", "id x", "1.7976931348623157e308"),
		one("beyond the largest double", "id x", "1e400"),
		one("below the smallest double", "id x", "1e-400"),
		one("minus zero as a double", "id x", "-0.0"),
		one("NaN", "id x", "NaN"),
		one("Infinity", "id x", "Infinity"),
		one("inf", "id x", "-inf"),
		one("a plus before a double", "id x", "+0.5"),
		one("no digit before the point of a double", "id x", ".5"),
		one("no digit behind the point of a double", "id x", "5."),
		one("blanks around a double", "id x", " 0.5 "),
		one("a hexadecimal double", "id x", "0x1p-2"),
	}
}

func csvOthers() []awkward {
	return []awkward{
		one("true", "id b", "true"),
		one("False", "id b", "False"),
		one("TRUE", "id b", "TRUE"),
		one("t", "id b", "t"),
		one("yes", "id b", "yes"),
		one("1 for a truth", "id b", "1"),
		one("0 for a truth", "id b", "0"),
		one("blanks around a truth", "id b", " true "),
		{name: "packed with gzip", columns: "id a", data: "id,a\n1,x\n", pack: "gz"},
		{name: "packed with zstd", columns: "id a", data: "id,a\n1,x\n", pack: "zst"},
		{name: "packed with bzip2", columns: "id name", data: "BZh91AY&SY\xa00{~\x00\x00\x06\xd9\x00\x00\x10\x00\x040\x006# \x001\x00\xd3M\x04\x03\x10 AE\x97F\xf5\xed\xf8\xbb\x92)\xc2\x84\x85\x01\x83\xdb\xf0", pack: "bz2"},
		{name: "two members of gzip", columns: "id a", data: "id,a\n1,x\n2,y\n", pack: "gz+gz"},
		{name: "two frames of zstd", columns: "id a", data: "id,a\n1,x\n2,y\n", pack: "zst+zst"},
		{name: "no bytes, packed with gzip", columns: "id a", data: "", pack: "gz"},
	}
}

func csvTimes() []awkward {
	layout := func(tidemark, strftime string) func(*settings) {
		return func(s *settings) { s.Layout, s.Strftime = tidemark, strftime }
	}
	return []awkward{
		one("a date", "id day", "2026-01-02"),
		one("a date without its zeros", "id day", "2026-1-2"),
		one("a date without hyphens", "id day", "20260102"),
		one("a date with slashes", "id day", "2026/01/02"),
		one("a date with points, and its layout", "id day", "31.12.2026").set(layout("02.01.2006", "%d.%m.%Y")),
		one("a date with a time", "id day", "2026-01-02T00:00:00Z"),
		one("30 February", "id day", "2026-02-30"),
		one("29 February of no leap year", "id day", "2025-02-29"),
		one("the first day", "id day", "0001-01-01"),
		one("the last day", "id day", "9999-12-31"),
		one("the year 0", "id day", "0000-01-01"),
		one("blanks around a date", "id day", " 2026-01-02 "),
		one("a time in UTC", "id at", "2026-01-02T03:04:05Z"),
		one("a time with an offset", "id at", "2026-01-02T03:04:05+02:00"),
		one("a time with an offset without its colon", "id at", "2026-01-02T03:04:05+0200"),
		one("a time with an offset of hours", "id at", "2026-01-02T03:04:05+02"),
		one("a time with a blank for the T", "id at", "2026-01-02 03:04:05Z"),
		one("a time without a zone", "id at", "2026-01-02T03:04:05"),
		one("a time without seconds", "id at", "2026-01-02T03:04Z"),
		one("a day for a time", "id at", "2026-01-02"),
		one("a time with milliseconds", "id at", "2026-01-02T03:04:05.123Z"),
		one("a time with microseconds", "id at", "2026-01-02T03:04:05.123456Z"),
		one("a time with nanoseconds", "id at", "2026-01-02T03:04:05.123456789Z"),
		one("a time with zeros for nanoseconds", "id at", "2026-01-02T03:04:05.123456000Z"),
		one("a time with t and z", "id at", "2026-01-02t03:04:05z"),
		one("24:00", "id at", "2026-01-02T24:00:00Z"),
		one("the second 60", "id at", "2026-12-31T23:59:60Z"),
		one("a time before 1970", "id at", "1905-01-02T03:04:05.5Z"),
		one("seconds since 1970 for a time", "id at", "1767323045"),
		one("a time with its layout", "id at", "02.01.2026 03:04").set(layout("02.01.2006 15:04", "%d.%m.%Y %H:%M")),
	}
}
