package parity_test

import (
	"slices"
	"strings"

	"tidemark/internal/generate"
)

// clean is the bank as the program makes it.
func clean() dirt {
	return dirt{name: "clean", says: "Nothing: the bank as it is generated."}
}

// cases are the ways in which the bank is dirtied, by what is wrong.
func cases() []dirt {
	return slices.Concat(keyCases(), amountCases(), wordCases(), timeCases(), shapeCases(), textCases())
}

func keyCases() []dirt {
	return []dirt{
		{
			name: "null id", says: "One transaction in a hundred has null for its transaction_id.",
			table: "transactions", rows: with("transaction_id", always(bare(""))),
		},
		{
			name: "blank id", says: "One transaction in a hundred has two blanks for its transaction_id.",
			table: "transactions", rows: with("transaction_id", always(quoted("  "))),
		},
		{
			name: "duplicate id", says: "One transaction in a hundred stands there twice, in one file.",
			table: "transactions", rows: again,
		},
		{
			name: "duplicate across files", says: "Each day's file begins with a transaction that has the transaction_id of one of the day before.",
			table: "transactions", rows: acrossFiles,
		},
		{
			name: "duplicate file", says: "The file of the second day is there twice, under another name.",
			table: "transactions", folder: func(files map[string][]byte) {
				files["transactions/2026-11-20/transactions-copy.json.gz"] = files["transactions/2026-11-20/transactions.json.gz"]
			},
		},
		{
			name: "orphan account", says: "One transaction in a hundred is on an account that nobody has.",
			table: "transactions", rows: with("account_id", always(bare("999999999"))),
		},
		{
			name: "orphan customer", says: "One account in a hundred belongs to a customer whom nobody knows.",
			table: "accounts", rows: with("customer_id", always(bare("999999999"))),
		},
		{
			name: "id beyond int64", says: "One transaction in a hundred has a transaction_id of twenty digits.",
			table: "transactions", rows: with("transaction_id", func(id string) generate.Value { return bare("99999999999" + id) }),
		},
		{
			name: "leading zeros", says: "One account_id in a hundred of the transactions, in CSV, begins with zeros.",
			table: "transactions", csv: true, rows: with("account_id", func(id string) generate.Value { return bare("000" + id) }),
		},
	}
}

// acrossFiles gives the first row of each file but the first the key of the row before.
func acrossFiles(s *sheet, from int) []generate.Row {
	rows := slices.Clone(s.rows)
	if from > 0 {
		rows[0] = slices.Clone(rows[0])
		rows[0][0] = bare(previous(rows[0][0].Text))
	}
	return rows
}

// previous is the number before one, as text.
func previous(n string) string {
	digits := []byte(n)
	for i := len(digits) - 1; ; i-- {
		if digits[i] > '0' {
			digits[i]--
			return string(digits)
		}
		digits[i] = '9'
	}
}

func amountCases() []dirt {
	amount := func(name, says string, change func(string) generate.Value) dirt {
		return dirt{name: name, says: says, table: "transactions", rows: with("amount", change)}
	}
	inCSV := func(d dirt) dirt {
		d.csv = true
		return d
	}
	return []dirt{
		amount("negative amount", "One amount in a hundred is negative.", func(a string) generate.Value { return bare("-" + a) }),
		amount("null amount", "One amount in a hundred is null.", always(bare(""))),
		amount("amount as text", "One amount in a hundred is the text n/a.", always(quoted("n/a"))),
		amount("amount in quotes", "One amount in a hundred is a number in quotes.", quoted),
		amount("three decimals", "One amount in a hundred has three decimals.", func(a string) generate.Value { return bare(a + "5") }),
		amount("exponent", "One amount in a hundred is written with an exponent, 1.25E2.", always(bare("1.25E2"))),
		inCSV(amount("thousands separator", "One amount in a hundred, in CSV, is 1,234.50, in quotes.", always(quoted("1,234.50")))),
	}
}

func wordCases() []dirt {
	word := func(name, says, column string, change func(string) generate.Value) dirt {
		return dirt{name: name, says: says, table: "transactions", rows: with(column, change)}
	}
	return []dirt{
		word("unknown type", "One transaction_type in a hundred is barter.", "transaction_type", always(quoted("barter"))),
		word("type in other case", "One transaction_type in a hundred is in capitals.", "transaction_type",
			func(w string) generate.Value { return quoted(strings.ToUpper(w)) }),
		word("type with blanks", "One transaction_type in a hundred has blanks around it.", "transaction_type",
			func(w string) generate.Value { return quoted(" " + w + " ") }),
		word("null status", "One status in a hundred is null.", "status", always(bare(""))),
	}
}

func timeCases() []dirt {
	at := func(name, says string, change func(string) generate.Value) dirt {
		return dirt{name: name, says: says, table: "transactions", rows: with("transaction_date", change)}
	}
	return []dirt{
		at("impossible date", "One transaction_date in a hundred is a 31 November.", func(d string) generate.Value { return quoted("2026-11-31" + d[10:]) }),
		at("date without time", "One transaction_date in a hundred has no time of day.", func(d string) generate.Value { return quoted(d[:10]) }),
		at("date of another layout", "One transaction_date in a hundred is written 20.11.2026 10:00.", always(quoted("20.11.2026 10:00"))),
		at("date of another zone", "One transaction_date in a hundred is half past eleven at night in New York, which is the next day in UTC.",
			func(d string) generate.Value { return quoted(d[:10] + "T23:30:00.000-05:00") }),
		at("empty date", "One transaction_date in a hundred is null.", always(bare(""))),
	}
}

func shapeCases() []dirt {
	return []dirt{
		{
			name: "extra column", says: "Transactions of the second day have a further field, branch_id.",
			table: "transactions", lines: inFile(func(lines []string) []string { return ends(lines, "}", `,"branch_id":7}`) }),
		},
		{
			name: "missing column", says: "Transactions of the second day have no amount.",
			table: "transactions", rows: without("amount"),
		},
		{
			name: "columns in other order", says: "The second day's file, in CSV, has its columns in the opposite order, and its header says so.",
			table: "transactions", csv: true, rows: backwards,
		},
		{
			name: "short row", says: "One line in a hundred of the transactions, in CSV, lacks its last two fields.",
			table: "transactions", csv: true, lines: inLines(func(l string) string { return beforeField(l, 4) }),
		},
		{
			name: "long row", says: "One line in a hundred of the transactions, in CSV, has a field too many in its middle.",
			table: "transactions", csv: true, lines: inLines(func(l string) string { return beforeField(l, 2) + ",EUR" + l[len(beforeField(l, 2)):] }),
		},
		{
			name: "header repeated", says: "The header of the second day's file, in CSV, stands there a second time, in its middle.",
			table: "transactions", csv: true,
			lines: inFile(func(lines []string) []string { return slices.Insert(slices.Clone(lines), len(lines)/2, lines[0]) }),
		},
	}
}

// ends replaces the end of each line.
func ends(lines []string, old, becomes string) (out []string) {
	for _, l := range lines {
		out = append(out, strings.TrimSuffix(l, old)+becomes)
	}
	return out
}

// beforeField is a line of CSV without quotes up to the comma before a field.
func beforeField(line string, n int) string {
	return strings.Join(strings.Split(line, ",")[:n], ",")
}

// without leaves a column out of the second file.
func without(column string) func(*sheet, int) []generate.Row {
	return func(s *sheet, from int) []generate.Row {
		if from != len(s.rows) {
			return s.rows
		}
		at := s.column(column)
		s.columns = slices.Delete(slices.Clone(s.columns), at, at+1)
		var out []generate.Row
		for _, r := range s.rows {
			out = append(out, slices.Delete(slices.Clone(r), at, at+1))
		}
		return out
	}
}

// backwards turns the columns of the second file round.
func backwards(s *sheet, from int) []generate.Row {
	if from != len(s.rows) {
		return s.rows
	}
	s.columns = slices.Clone(s.columns)
	slices.Reverse(s.columns)
	var out []generate.Row
	for _, r := range s.rows {
		r = slices.Clone(r)
		slices.Reverse(r)
		out = append(out, r)
	}
	return out
}

func textCases() []dirt {
	return []dirt{
		{
			name: "byte order mark", says: "Files of transactions, in CSV, begin with a byte order mark.",
			table: "transactions", csv: true, bytes: func(data []byte) []byte { return append([]byte("\ufeff"), data...) },
		},
		{
			name: "CRLF", says: "Lines of transactions, in CSV, end with CR LF.",
			table: "transactions", csv: true, bytes: replaced("\n", "\r\n"),
		},
		{
			name: "blank lines at the end", says: "Files of transactions, in CSV, end with five blank lines.",
			table: "transactions", csv: true, bytes: func(data []byte) []byte { return append(slices.Clone(data), "\n\n\n\n\n"...) },
		},
		{
			name: "line break in quotes", says: "One address in a hundred has a line break in it, in quotes.",
			table: "customers", rows: with("address", func(a string) generate.Value { return quoted(a + "\nc/o Smith") }),
		},
		{
			name: "Latin-1", says: "One first_name in a hundred has a letter in Latin-1, in a file that is UTF-8.",
			table: "customers", rows: with("first_name", always(quoted("Ren\xe9"))),
		},
	}
}
