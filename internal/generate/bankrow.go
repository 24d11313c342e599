package generate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// What rows are made of. Places have ZIP codes that begin with a zero, streets have
// commas, names have letters beyond ASCII: a reader of raw files must stand them.
var (
	firstNames = [...]string{"Anna", "Brian", "Carmen", "Dmitri", "Élise", "Fatima", "George", "Hanna", "Ivan", "José", "Keiko", "Liam", "Maria", "Noah", "Olga", "Priya", "Quentin", "Rosa", "Søren", "Thandi", "Uwe", "Violet", "Wei", "Zoë"}
	lastNames  = [...]string{"Adams", "Brown", "Chen", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jones", "Kowalski", "López", "Müller", "Novák", "O'Brien", "Patel", "Quinn", "Rossi", "Smith", "Takahashi", "Usman", "van der Berg", "Williams", "Yılmaz"}
	streets    = [...]string{"Main Street", "Oak Avenue", "Maple Drive", "2nd Street", "Park Road", "Cedar Lane", "Hill Street", "Lake View"}
	towns      = [...]town{{"Boston", "MA", 2108}, {"Newark", "NJ", 7102}, {"New York", "NY", 10001}, {"Atlanta", "GA", 30303}, {"Chicago", "IL", 60601}, {"Austin", "TX", 73301}, {"Denver", "CO", 80202}, {"Seattle", "WA", 98101}}

	accountTypes = [...]string{"checking", "checking", "checking", "savings", "savings", "current", "credit", "loan"}
	movements    = [...]string{"payment", "payment", "payment", "deposit", "withdrawal", "transfer", "fee", "refund"}
	loanStates   = [...]string{"active", "active", "active", "paid", "defaulted"}

	products = [...][6]string{
		{"CHK-01", "Everyday Checking", "checking", "0.00", "0.0", "true"}, {"CHK-02", "Premium Checking", "checking", "120.00", "0.1", "true"},
		{"SAV-01", "Simple Savings", "savings", "0.00", "1.25", "true"}, {"SAV-02", `Savings "Plus", bonus rate`, "savings", "24.00", "2.125", "true"},
		{"CRD-01", "Credit Card", "credit", "35.50", "18.9", "true"}, {"CRD-02", "Student Card", "credit", "", "21.49", "false"},
		{"LOA-01", "Car Loan", "loan", "0.00", "5.75", "true"}, {"LOA-02", "Home Loan", "loan", "0.00", "3.875", "true"},
	}
)

type town struct {
	name, state string
	zip         int
}

func oneOf(d *rand.Rand, words []string) string { return words[d.IntN(len(words))] }

// stamp is a time as most systems write it.
func stamp(t time.Time) Value { return text(t.UTC().Format("2006-01-02T15:04:05Z")) }

// before is a time up to so many days before the first transaction.
func (b *Bank) before(d *rand.Rand, days int) time.Time {
	return b.cfg.End.AddDate(0, 0, -b.cfg.Days-1).Add(-time.Duration(d.IntN(days*secondsOfDay)) * time.Second)
}

func address(d *rand.Rand) (street string, at town) {
	street = fmt.Sprintf("%d %s", 1+d.IntN(999), oneOf(d, streets[:]))
	if d.IntN(4) == 0 {
		street += fmt.Sprintf(", Apt %d", 1+d.IntN(40))
	}
	return street, towns[d.IntN(len(towns))]
}

func (t *town) zipcode() Value { return text(fmt.Sprintf("%05d", t.zip)) }

func (b *Bank) customer(i int) Row {
	d := b.dice(0, i)
	first, last := oneOf(d, firstNames[:]), oneOf(d, lastNames[:])
	street, at := address(d)
	id := int64(firstCustomer + i)
	return Row{
		number(id), text(first), text(last), text(fmt.Sprintf("customer%d@example.com", id)), text(fmt.Sprintf("+1-555-%07d", i)),
		text(street), text(at.name), text(at.state), at.zipcode(), stamp(b.before(d, 3650).AddDate(-1, 0, 0)),
	}
}

// account i belongs to customer i; who has a second one has the even numbers.
func (b *Bank) account(i int) Row {
	d := b.dice(1, i)
	owner := i
	if i >= b.cfg.Customers {
		owner = 2 * (i - b.cfg.Customers)
	}
	return Row{
		number(int64(firstAccount + i)), number(int64(firstCustomer + owner)), text(oneOf(d, accountTypes[:])),
		money(int64(d.IntN(2_000_000))), stamp(b.before(d, 365)),
	}
}

func (b *Bank) transaction(i int) Row {
	d := b.dice(2, i)
	day, within := i/b.perDay, i%b.perDay
	at := b.cfg.End.AddDate(0, 0, day-b.cfg.Days).Add(time.Duration(int64(24*time.Hour)/int64(b.perDay)) * time.Duration(within))
	return Row{
		number(firstID + int64(i)), number(int64(firstAccount + d.IntN(b.accounts))), money(100 + int64(d.ExpFloat64()*5_000)),
		text(oneOf(d, movements[:])), text(at.UTC().Format("2006-01-02T15:04:05.000Z")), text(oneOf(d, statuses[:])),
	}
}

func (b *Bank) loan(i int) Row {
	d := b.dice(3, i)
	return Row{
		number(int64(firstLoan + i)), number(int64(firstCustomer + d.IntN(b.cfg.Customers))), money(int64(1+d.IntN(500)) * 100_000),
		{Text: fmt.Sprintf("%d.%03d", 2+d.IntN(12), d.IntN(1000)), Number: true}, stamp(b.before(d, 365)), text(oneOf(d, loanStates[:])),
	}
}

func (b *Bank) branch(i int) Row {
	d := b.dice(4, i)
	street, at := address(d)
	return Row{
		number(int64(1 + i)), text(fmt.Sprintf("%s %s", at.name, strings.TrimSuffix(oneOf(d, streets[:]), " Street"))), text(street), text(at.name), text(at.state),
		at.zipcode(), text(b.before(d, 7300).Format(time.DateOnly)), number(int64(d.IntN(9))), text([]string{"false", "true"}[d.IntN(2)]),
	}
}

func (b *Bank) product(i int) Row {
	p := products[i]
	return Row{text(p[0]), text(p[1]), text(p[2]), text(p[3]), text(p[4]), text(p[5]), stamp(b.before(b.dice(5, i), 365))}
}
