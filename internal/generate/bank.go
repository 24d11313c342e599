package generate

import (
	"iter"
	"math/rand/v2"
	"strconv"
	"time"
)

// BankConfig says what bank to make. The zero value of a field that has a default means
// the default.
type BankConfig struct {
	Customers int    // 1000; all other tables follow from it
	Seed      uint64 // the same seed, the same bank

	// Bad is how many faulty rows are planted beside the clean ones, as a share of them:
	// 0 none, else of each fault at least one a table. The clean rows are the same.
	Bad float64

	Days int       // that transactions cover; 7
	End  time.Time // of the last day; 2026-11-23T00:00:00Z
}

// Bank makes the tables of a small bank, of which each refers only to what is in the
// others. Nothing in it changes: it may be used by many at once.
type Bank struct {
	cfg      BankConfig
	accounts int
	perDay   int // transactions
	loans    int
	branches int
}

// Value is one value of a row.
type Value struct {
	Text   string // "": null
	Number bool   // JSON has it without quotes
}

// Row is the values of a row, in the order of its table's columns.
type Row []Value

// BankTable is one table of a bank.
type BankTable struct {
	Name    string
	Columns []string
	Clean   int     // rows without a fault
	Faults  []Fault // in the order in which they are planted, turn by turn
	row     func(i int) Row
}

// Fault is one way in which rows are faulty. A faulty row has one fault.
type Fault struct {
	Name string `json:"fault"`
	// FoundBy is the check that fails, or "required" for what has no value where the
	// table must have one: such a row is rejected before checks, and completeness counts it.
	FoundBy  string `json:"found_by"`
	Rejected bool   `json:"rejected"` // else the row is in the table, with a warning
	Rows     int    `json:"rows"`

	spoil func(r Row, n int) // changes a row; n counts the faulty rows of a table from 0
	again bool               // the row before once more: ids stay
}

const (
	firstCustomer, firstAccount, firstLoan = 100_001, 500_000_001, 400_000_001
	// Faulty rows have ids from here on, and orphans refer to others. All fit 32 bits.
	firstFaulty, nobody = 2_000_000_000, 2_100_000_000
)

// NewBank makes a bank.
func NewBank(cfg BankConfig) *Bank {
	if cfg.Customers <= 0 {
		cfg.Customers = 1000
	}
	if cfg.Days <= 0 {
		cfg.Days = 7
	}
	if cfg.End.IsZero() {
		cfg.End = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	}
	n := cfg.Customers
	return &Bank{cfg: cfg, accounts: n + n/2, perDay: n, loans: (n + 4) / 5, branches: 3 + n/500}
}

// Tables are the tables of the bank, those first that others refer to.
func (b *Bank) Tables() []BankTable {
	tables := []BankTable{
		{Name: "customers", Clean: b.cfg.Customers, row: b.customer, Faults: customerFaults(), Columns: []string{
			"customer_id", "first_name", "last_name", "email", "phone", "address", "city", "state", "zipcode", "created_at"}},
		{Name: "accounts", Clean: b.accounts, row: b.account, Faults: accountFaults(), Columns: []string{
			"account_id", "customer_id", "account_type", "balance", "created_at"}},
		{Name: "transactions", Clean: b.perDay * b.cfg.Days, row: b.transaction, Faults: transactionFaults(), Columns: []string{
			"transaction_id", "account_id", "amount", "transaction_type", "transaction_date", "status"}},
		{Name: "loans", Clean: b.loans, row: b.loan, Faults: loanFaults(), Columns: []string{
			"loan_id", "customer_id", "loan_amount", "interest_rate", "loan_date", "status"}},
		{Name: "branches", Clean: b.branches, row: b.branch, Columns: []string{
			"branch_id", "branch_name", "address", "city", "state", "zipcode", "opened_on", "atms", "drive_through"}},
		{Name: "products", Clean: len(products), row: b.product, Columns: []string{
			"product_code", "product_name", "product_type", "annual_fee", "interest_rate", "active", "updated_at"}},
	}
	for i := range tables {
		tables[i].plant(b.cfg.Bad)
	}
	return tables
}

// Days are those that transactions cover, the first one first.
func (b *Bank) Days() []time.Time {
	var days []time.Time
	for d := b.cfg.Days; d > 0; d-- {
		days = append(days, b.cfg.End.AddDate(0, 0, -d))
	}
	return days
}

// plant says how many rows of each fault there are.
func (t *BankTable) plant(share float64) {
	total := int(share*float64(t.Clean) + 0.5)
	for i := range t.Faults {
		if share > 0 {
			t.Faults[i].Rows = max(1, (total+i)/len(t.Faults))
		}
	}
}

// Planted is how many rows are faulty, and how many of them are to be rejected.
func (t *BankTable) Planted() (rows, rejected int) {
	for _, f := range t.Faults {
		rows += f.Rows
		if f.Rejected {
			rejected += f.Rows
		}
	}
	return rows, rejected
}

// Rows gives each row with the number of the clean row that it is, or that it follows.
// Faulty rows are spread evenly between the clean ones.
func (t *BankTable) Rows() iter.Seq2[int, Row] {
	return func(yield func(int, Row) bool) {
		left := make([]int, len(t.Faults))
		for i, f := range t.Faults {
			left[i] = f.Rows
		}
		planted, turn := 0, 0
		total, _ := t.Planted()
		for i := range t.Clean {
			if !yield(i, t.row(i)) {
				return
			}
			for ; planted*t.Clean < (i+1)*total; planted++ {
				for left[turn] == 0 {
					turn = (turn + 1) % len(left)
				}
				left[turn]--
				if !yield(i, t.faulty(i, planted, &t.Faults[turn])) {
					return
				}
				turn = (turn + 1) % len(left)
			}
		}
	}
}

// faulty is a row like row i, with an id of its own unless it is there to repeat one,
// and with a fault.
func (t *BankTable) faulty(i, n int, f *Fault) Row {
	r := t.row(i)
	if f.again {
		return r
	}
	r[0] = number(firstFaulty + int64(n))
	f.spoil(r, n)
	return r
}

// missing is a row without the value of a column that must have one.
func missing(column string, at int) Fault {
	return Fault{Name: "missing " + column, FoundBy: "required", Rejected: true, spoil: func(r Row, _ int) { r[at].Text = "" }}
}

// repeated is a row that is there twice: the first one is good.
func repeated(key string) Fault {
	return Fault{Name: "duplicate " + key, FoundBy: "unique:" + key, Rejected: true, again: true}
}

// orphan is a row that refers to nothing.
func orphan(column string, at int) Fault {
	return Fault{Name: "orphan " + column, FoundBy: "reference:" + column, Rejected: true, spoil: func(r Row, n int) { r[at] = number(nobody + int64(n)) }}
}

// blank is a row with a blank or no text, turn by turn.
func blank(column string, at int) Fault {
	return Fault{Name: "blank " + column, FoundBy: "completeness:" + column, spoil: func(r Row, n int) { r[at].Text = []string{"", "  "}[n%2] }}
}

// odd is a row with a value that a check does not accept.
func odd(name, check string, at int, text string) Fault {
	return Fault{Name: name, FoundBy: check, spoil: func(r Row, _ int) { r[at].Text = text }}
}

// refused is a fault for which the row is rejected.
func refused(f Fault) Fault {
	f.Rejected = true
	return f
}

func customerFaults() []Fault {
	return []Fault{missing("customer_id", 0), repeated("customer_id"), blank("first_name", 1), blank("last_name", 2), blank("email", 3)}
}

func accountFaults() []Fault {
	return []Fault{
		missing("account_id", 0), missing("customer_id", 1), repeated("account_id"), orphan("customer_id", 1),
		odd("unknown account_type", "category:account_type", 2, "gold"), odd("negative balance", "range:balance", 3, "-250.00"),
	}
}

func transactionFaults() []Fault {
	return []Fault{
		missing("transaction_id", 0), missing("account_id", 1), missing("transaction_date", 4), repeated("transaction_id"), orphan("account_id", 1),
		refused(odd("negative amount", "range:amount", 2, "-19.99")), refused(odd("no amount", "range:amount", 2, "")),
		odd("unknown transaction_type", "category:transaction_type", 3, "barter"),
	}
}

func loanFaults() []Fault {
	return []Fault{
		missing("loan_id", 0), missing("customer_id", 1), refused(odd("no loan_amount", "completeness:loan_amount", 2, "")), repeated("loan_id"),
		orphan("customer_id", 1), odd("interest_rate over 100", "range:interest_rate", 3, "250.0"),
	}
}

// dice are those of one row: a row does not depend on the others.
func (b *Bank) dice(table, row int) *rand.Rand {
	return rand.New(rand.NewPCG(b.cfg.Seed<<8|uint64(table), uint64(row)))
}

func number(n int64) Value { return Value{Text: strconv.FormatInt(n, 10), Number: true} }
func text(s string) Value  { return Value{Text: s} }

// money is an amount of cents.
func money(cents int64) Value { return Value{Text: string(appendAmount(nil, cents)), Number: true} }
