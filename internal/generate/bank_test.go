package generate_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/generate"
)

// folder keeps what is written in memory.
type folder map[string]*bytes.Buffer

func (f folder) create(name string) (io.WriteCloser, error) {
	if _, there := f[name]; there {
		return nil, errors.New(name + " is written twice")
	}
	f[name] = &bytes.Buffer{}
	return keep{f[name]}, nil
}

type keep struct{ io.Writer }

func (keep) Close() error { return nil }

func write(t *testing.T, cfg generate.BankConfig) folder {
	t.Helper()
	f := folder{}
	if err := generate.NewBank(cfg).Write(f.create); err != nil {
		t.Fatal(err)
	}
	return f
}

// The same configuration gives the same bytes, another seed gives others.
func TestBankIsSeeded(t *testing.T) {
	cfg := generate.BankConfig{Customers: 50, Seed: 3, Bad: 0.1}
	a, b := write(t, cfg), write(t, cfg)
	cfg.Seed++
	c := write(t, cfg)
	if len(a) != 5+7 {
		t.Errorf("%d files, want 5 and one for each of 7 days: %v", len(a), slices.Sorted(maps.Keys(a)))
	}
	for name := range a {
		if !bytes.Equal(a[name].Bytes(), b[name].Bytes()) {
			t.Errorf("%s differs from one time to the next", name)
		}
		if bytes.Equal(a[name].Bytes(), c[name].Bytes()) {
			t.Errorf("%s is the same for another seed", name)
		}
	}
}

// TestBankRefersToItself: what is clean refers to what is there, and is the same
// whether there are faulty rows beside or not. Of each fault there are as many as said.
func TestBankRefersToItself(t *testing.T) {
	for _, n := range []int{1, 2, 7, 300} {
		for _, bad := range []float64{0, 0.0001, 0.01, 1} {
			t.Run(fmt.Sprintf("%d customers, %g bad", n, bad), func(t *testing.T) {
				clean := generate.NewBank(generate.BankConfig{Customers: n}).Tables()
				keys := map[string]map[string]bool{}
				for i, table := range generate.NewBank(generate.BankConfig{Customers: n, Bad: bad}).Tables() {
					keys[table.Columns[0]] = look(t, &table, &clean[i], keys)
				}
			})
		}
	}
}

// look reads a table beside the clean one, and gives its keys.
func look(t *testing.T, table, clean *generate.BankTable, known map[string]map[string]bool) map[string]bool {
	t.Helper()
	var want []generate.Row
	for _, r := range clean.Rows() {
		want = append(want, r)
	}
	keys, rows, repeated, orphans, missing := map[string]bool{}, 0, 0, 0, 0
	taken := 0
	for _, r := range table.Rows() {
		rows++
		if taken < len(want) && slices.Equal(r, want[taken]) {
			taken++
		}
		if r[0].Text != "" && keys[r[0].Text] {
			repeated++
		}
		switch {
		case r[0].Text == "":
			missing++
		case known[table.Columns[1]] != nil && r[1].Text == "":
			missing++
		case known[table.Columns[1]] != nil && !known[table.Columns[1]][r[1].Text]:
			orphans++
		}
		keys[r[0].Text] = true
	}
	planted, _ := table.Planted()
	if taken != len(want) || rows != len(want)+planted {
		t.Errorf("%s: %d rows, %d of %d clean ones; %d are planted", table.Name, rows, taken, len(want), planted)
	}
	said := map[string]int{}
	for _, f := range table.Faults {
		word, _, _ := strings.Cut(f.Name, " ")
		if f.Name != "missing transaction_date" {
			said[word] += f.Rows
		}
	}
	got := map[string]int{"duplicate": repeated, "orphan": orphans, "missing": missing}
	for word, n := range got {
		if n != said[word] {
			t.Errorf("%s: %d rows are %s, want %d", table.Name, n, word, said[word])
		}
	}
	return keys
}

// Each file can be read as what it is.
func TestBankFiles(t *testing.T) {
	files := write(t, generate.BankConfig{Customers: 20, Bad: 0.2})
	rows := map[string]int{}
	for name, content := range files {
		table, _, _ := strings.Cut(strings.ReplaceAll(name, "/", "."), ".")
		switch {
		case strings.HasSuffix(name, ".csv"):
			all, err := csv.NewReader(content).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			rows[table] += len(all) - 1
		case strings.HasSuffix(name, ".gz"):
			in, err := gzip.NewReader(content)
			if err != nil {
				t.Fatal(err)
			}
			for lines := json.NewDecoder(in); ; rows[table]++ {
				var row map[string]any
				if err := lines.Decode(&row); errors.Is(err, io.EOF) {
					break
				} else if err != nil || len(row) != 6 {
					t.Fatalf("%v: %v", row, err)
				}
			}
		default:
			var all []map[string]any
			if err := json.Unmarshal(content.Bytes(), &all); err != nil {
				t.Fatal(err)
			}
			rows[table] += len(all)
		}
	}
	for _, table := range generate.NewBank(generate.BankConfig{Customers: 20, Bad: 0.2}).Tables() {
		planted, _ := table.Planted()
		if got, want := rows[table.Name], table.Clean+planted; got != want {
			t.Errorf("%s: the files have %d rows, want %d", table.Name, got, want)
		}
	}
}

// What cannot be written is said.
func TestBankWithoutRoom(t *testing.T) {
	full := errors.New("no space left")
	for after := range 12 {
		f := folder{}
		err := generate.NewBank(generate.BankConfig{Customers: 3}).Write(func(name string) (io.WriteCloser, error) {
			if len(f) == after {
				return nil, full
			}
			return f.create(name)
		})
		if !errors.Is(err, full) {
			t.Errorf("after %d files: %v", after, err)
		}
	}
}
