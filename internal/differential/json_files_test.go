package differential_test

import (
	"strings"
)

// of is a file of one object, which has an id and a column.
func of(name, columns, text string) awkward {
	_, column, _ := strings.Cut(columns, " ")
	return awkward{name: name, columns: columns, data: `{"id":1,"` + column + `":` + text + "}\n"}
}

func jsonFiles() []awkward {
	var all []awkward
	for _, files := range [][]awkward{jsonLines(), jsonArrays(), jsonBroken(), jsonKeys(), jsonText(), jsonNumbers(), jsonOthers()} {
		all = append(all, files...)
	}
	return all
}

func jsonLines() []awkward {
	return []awkward{
		{name: "an object a line", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"a\":\"y\"}\n"},
		{name: "lines end with CR LF", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\r\n{\"id\":2,\"a\":\"y\"}\r\n"},
		{name: "lines end with a lone CR", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\r{\"id\":2,\"a\":\"y\"}\r"},
		{name: "the last line has no end", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"a\":\"y\"}"},
		{name: "blank lines", columns: "id a", data: "\n{\"id\":1,\"a\":\"x\"}\n\n  \n{\"id\":2,\"a\":\"y\"}\n\n\n"},
		{name: "a byte order mark", columns: "id a", data: "\ufeff{\"id\":1,\"a\":\"x\"}\n"},
		{name: "white space between everything", columns: "id a", data: " { \"id\" :\t1 , \"a\" : \"x\" } \n"},
		{name: "two objects in a line", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}{\"id\":2,\"a\":\"y\"}\n"},
		{name: "two objects in a line, the second is not the first", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"a\":\"y\"} {\"id\":3,\"a\":\"z\"}\n"},
		{name: "objects over several lines, one after another", columns: "id a", lines: true, data: "{\n  \"id\": 1,\n  \"a\": \"x\"\n}\n{\n  \"id\": 2,\n  \"a\": \"y\"\n}\n"},
		{name: "objects over several lines, with a comma between them", columns: "id a", lines: true, data: "{\n  \"id\": 1,\n  \"a\": \"x\"\n},\n{\n  \"id\": 2,\n  \"a\": \"y\"\n}\n"},
		{name: "no bytes", columns: "id a", data: ""},
		{name: "blanks alone", columns: "id a", data: " \n \n"},
		{name: "an object without keys", columns: "id a", data: "{}\n{\"id\":1,\"a\":\"x\"}\n"},
		{name: "20,000 objects", columns: "id a", data: strings.Repeat("{\"id\":1,\"a\":\"x\"}\n", 20_000)},
		{name: "a column of 500 kB", columns: "id a", data: "{\"id\":1,\"a\":\"" + strings.Repeat("x", 500_000) + "\"}\n"},
		{name: "a column of 1 MB", columns: "id a", data: "{\"id\":1,\"a\":\"" + strings.Repeat("x", 1<<20) + "\"}\n"},
		{name: "packed with gzip", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n", pack: "gz"},
		{name: "packed with zstd", columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n", pack: "zst"},
		{name: "UTF-16", columns: "id a", data: utf16("\ufeff{\"id\":1,\"a\":\"x\"}\n", false)},
	}
}

func jsonArrays() []awkward {
	return []awkward{
		{name: "one array", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},{\"id\":2,\"a\":\"y\"}]"},
		{name: "one array over several lines", columns: "id a", lines: true, data: "[\n  {\n    \"id\": 1,\n    \"a\": \"x\"\n  },\n  {\n    \"id\": 2,\n    \"a\": \"y\"\n  }\n]\n"},
		{name: "one array, an object a line", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},\n {\"id\":2,\"a\":\"y\"}]\n"},
		{name: "40,000 objects of one array in one line, in several batches", columns: "id a", data: "[" + strings.Repeat("{\"id\":1,\"a\":\"a text of some length, so that there is more than a chunk\"},", 40_000) + "{}]", maxRows: 10_000},
		{name: "an empty array", columns: "id a", data: "[]"},
		{name: "an array that ends with a comma", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},{\"id\":2,\"a\":\"y\"},]"},
		{name: "an array with a comma too many", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},,{\"id\":2,\"a\":\"y\"}]"},
		{name: "an array without a comma", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"} {\"id\":2,\"a\":\"y\"}]"},
		{name: "an array that does not end", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},{\"id\":2,\"a\":\"y\"}"},
		{name: "an array and something behind it", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"}]\n{\"id\":2,\"a\":\"y\"}\n"},
		{name: "two arrays", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"}]\n[{\"id\":2,\"a\":\"y\"}]\n"},
		{name: "an array with what is no object", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"},7,null]"},
		{name: "arrays in an array", columns: "id a", data: "[[{\"id\":1,\"a\":\"x\"}]]"},
		{name: "one array, packed with gzip", columns: "id a", data: "[{\"id\":1,\"a\":\"x\"}]", pack: "gz"},
	}
}

func jsonBroken() []awkward {
	broken := func(name, text string) awkward {
		return awkward{name: name, columns: "id a", data: "{\"id\":1,\"a\":\"x\"}\n" + text + "\n{\"id\":3,\"a\":\"z\"}\n"}
	}
	return []awkward{
		broken("a comma before the brace", "{\"id\":2,\"a\":\"y\",}"),
		broken("an object that is cut off", "{\"id\":2,\"a\":"),
		broken("a string that is not closed", "{\"id\":2,\"a\":\"y}"),
		broken("single quotes", "{'id':2,'a':'y'}"),
		broken("a key without quotes", "{id:2,\"a\":\"y\"}"),
		broken("a comment", "{\"id\":2,\"a\":\"y\"/* c */}"),
		broken("a line that is a comment", "// c"),
		broken("bytes behind the object", "{\"id\":2,\"a\":\"y\"} x"),
		broken("a colon for a comma", "{\"id\":2:\"a\":\"y\"}"),
		broken("no colon", "{\"id\" 2,\"a\":\"y\"}"),
		broken("a brace too many", "{\"id\":2,\"a\":\"y\"}}"),
		broken("null for an object", "null"),
		broken("a text for an object", "\"x\""),
		broken("a number for an object", "1"),
		broken("an empty array for an object", "[]"),
		broken("an array for an object", "[{\"id\":2,\"a\":\"y\"}]"),
		broken("a lone brace", "}"),
		broken("no JSON at all", "x,y"),
	}
}

func jsonKeys() []awkward {
	return []awkward{
		{name: "keys in another order", columns: "id a s", data: "{\"s\":\"y\",\"id\":1,\"a\":\"x\"}\n"},
		{name: "keys that nobody asked for", columns: "id a", data: "{\"id\":1,\"more\":{\"a\":[1,{\"id\":7}]},\"a\":\"x\"}\n"},
		{name: "a key that is not there", columns: "id a s", data: "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"s\":\"y\"}\n"},
		{name: "a key twice", columns: "id a", data: "{\"id\":1,\"a\":\"x\",\"a\":\"y\"}\n"},
		{name: "a key twice, with the same value", columns: "id a", data: "{\"id\":1,\"a\":\"x\",\"a\":\"x\"}\n"},
		{name: "a key twice that nobody asked for", columns: "id a", data: "{\"id\":1,\"more\":1,\"more\":2,\"a\":\"x\"}\n"},
		{name: "a key in another case", columns: "id a", data: "{\"ID\":1,\"A\":\"x\"}\n"},
		{name: "a key beside itself in another case", columns: "id a", data: "{\"id\":1,\"A\":\"y\",\"a\":\"x\"}\n"},
		{name: "a key written with an escape", columns: "id a", data: "{\"\\u0069d\":1,\"a\":\"x\"}\n"},
		{name: "an empty key", columns: "id a", data: "{\"\":7,\"id\":1,\"a\":\"x\"}\n"},
		{name: "90 levels in what nobody asked for", columns: "id a", data: "{\"id\":1,\"a\":\"x\",\"more\":" + strings.Repeat("[", 90) + strings.Repeat("]", 90) + "}\n"},
		{name: "900 levels in what nobody asked for", columns: "id a", data: "{\"id\":1,\"a\":\"x\",\"more\":" + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "}\n"},
		{name: "1,000 keys that nobody asked for", columns: "id a", data: "{\"id\":1,\"a\":\"x\",\"" + strings.ReplaceAll(wide(1000), " ", "\":1,\"") + "\":1}\n"},
	}
}

func jsonText() []awkward {
	return []awkward{
		of("escapes in a text", "id a", `"\"\\\/\b\f\n\r\t\u00e9"`),
		of("a pair of surrogates as escapes", "id a", `"\ud83c\udfe6"`),
		of("a high surrogate alone", "id a", `"\ud83c"`),
		of("a low surrogate alone", "id a", `"\udfe6"`),
		of("surrogates in the wrong order", "id a", `"\udfe6\ud83c"`),
		of("NUL as an escape", "id a", `"x\u0000y"`),
		of("NUL in a text", "id a", "\"x\x00y\""),
		of("a tab in a text", "id a", "\"x\ty\""),
		of("an escape that there is not", "id a", `"\x41"`),
		of("an escape that is cut off", "id a", `"\u00"`),
		of("text beyond ASCII", "id a", `"Zürich Ω 銀行 🏦"`),
		of("the line separator of Unicode", "id a", "\"x\u2028y\u0085z\""),
		of("DEL in a text", "id a", "\"x\x7f\""),
		of("bytes that are not UTF-8", "id a", "\"Z\xfcrich\""),
		of("a surrogate in UTF-8", "id a", "\"\xed\xa0\x80\""),
		of("a number for a text", "id a", "12.50"),
		of("a truth for a text", "id a", "true"),
		of("an object for a text", "id a", `{"b": 1}`),
		of("an array for a text", "id a", `[1, 2]`),
		of("an empty text", "id a", `""`),
		of("null for a text", "id a", `null`),
		of("the text null", "id a", `"null"`),
		of("blanks in a text", "id a", `"  x  "`),
	}
}

func jsonNumbers() []awkward {
	return []awkward{
		of("the largest long", "id n", "9223372036854775807"),
		of("the smallest long", "id n", "-9223372036854775808"),
		of("beyond the largest long", "id n", "9223372036854775808"),
		of("beyond the largest int", "id i", "2147483648"),
		of("an id beyond what a double holds", "id n", "9007199254740993"),
		of("a long in quotes", "id n", `"9007199254740993"`),
		of("minus zero for a whole number", "id n", "-0"),
		of("a fraction of zero for a whole number", "id n", "1.0"),
		of("a fraction for a whole number", "id n", "1.5"),
		of("an exponent for a whole number", "id n", "1E3"),
		of("zeros before a number", "id n", "007"),
		of("a plus before a number", "id n", "+5"),
		of("a text for a whole number", "id n", `"x"`),
		of("an empty text for a whole number", "id n", `""`),
		of("null for a whole number", "id n", "null"),
		of("a truth for a whole number", "id n", "true"),
		of("an array for a whole number", "id n", "[1]"),
		of("a decimal", "id d", "12.50"),
		of("a decimal in quotes", "id d", `"12.50"`),
		of("a whole number for a decimal", "id d", "12"),
		of("a decimal with an exponent", "id d", "125e-1"),
		of("zeros behind the scale", "id d", "12.34000"),
		of("digits behind the scale", "id d", "12.345"),
		of("a decimal of 18 digits", "id d", "9999999999999999.99"),
		of("a decimal of 18 digits in quotes", "id d", `"9999999999999999.99"`),
		of("a decimal of 17 digits that no double holds", "id d", "123456789012345.67"),
		of("a decimal of 19 digits", "id d", "12345678901234567.89"),
		of("minus zero as a decimal", "id d", "-0.00"),
		of("a double", "id x", "0.1"),
		of("a whole number for a double", "id x", "12"),
		of("a double in quotes", "id x", `"0.1"`),
		of("a double with many digits", "id x", "0.1000000000000000055511151231257827"),
		of("a double half way between two", "id x", "9007199254740993.0"),
		of("the smallest double", "id x", "5e-324"),
		of("the largest double", "id x", "1.7976931348623157e308"),
		of("beyond the largest double", "id x", "1e400"),
		of("below the smallest double", "id x", "1e-400"),
		of("minus zero as a double", "id x", "-0.0"),
		of("NaN", "id x", "NaN"),
		of("Infinity", "id x", "-Infinity"),
		of("NaN in quotes", "id x", `"NaN"`),
		of("no digit behind the point", "id x", "5."),
		of("no digit before the point", "id x", ".5"),
		of("a hexadecimal number", "id x", "0x10"),
	}
}

func jsonOthers() []awkward {
	return []awkward{
		of("true", "id b", "true"),
		of("True", "id b", "True"),
		of("true in quotes", "id b", `"true"`),
		of("1 for a truth", "id b", "1"),
		of("null for a truth", "id b", "null"),
		of("a date", "id day", `"2026-01-02"`),
		of("30 February", "id day", `"2026-02-30"`),
		of("days since 1970 for a date", "id day", "20455"),
		of("a time in UTC", "id at", `"2026-01-02T03:04:05Z"`),
		of("a time with an offset", "id at", `"2026-01-02T03:04:05+02:00"`),
		of("a time without a zone", "id at", `"2026-01-02T03:04:05"`),
		of("a time with microseconds", "id at", `"2026-01-02T03:04:05.123456Z"`),
		of("a time with nanoseconds", "id at", `"2026-01-02T03:04:05.123456789Z"`),
		of("a number for a time", "id at", "1767323045"),
		of("24:00", "id at", `"2026-01-02T24:00:00Z"`),
		of("null for a time", "id at", "null"),
	}
}
