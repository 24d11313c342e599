package conform_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Whatever the bytes: no panic, the same with short cuts as without, the good
// records around them untouched, and what was accepted is accepted again, as the
// same values, when it is written anew.
func FuzzDecode(f *testing.F) {
	for _, c := range corpus(f) {
		if len(c.value) < 1<<12 {
			f.Add(c.value, good[0])
		}
	}
	for _, style := range cardStyles {
		raw := cardRaw(style, 2)
		f.Add(raw.Value(0), raw.Value(1))
	}
	table := corpusTable(f)
	plan, err := conform.Compile(table)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value, old []byte) {
		values := [][]byte{good[0], good[0], good[0], good[0], value, good[1], value, value, value, good[0]}
		b := bothWays(t, plan, table, dirty(old, values))
		for _, row := range []int{0, 3, 5, 9} {
			if b.Fates[row] != batch.Written {
				t.Fatalf("row %d is %s, want a good record untouched", row, outcome(b, row))
			}
		}
		if b.Fates[4] != batch.Written {
			return
		}
		want := outcome(b, 4)
		again := bothWays(t, plan, table, rawOf(encode(b, 4)))
		if got := outcome(again, 0); got != want {
			t.Fatalf("written anew as %s: got %s, want %s", encode(b, 4), got, want)
		}
	})
}

// encode writes a row as a record.
func encode(b *batch.Batch, row int) []byte {
	var fields []string
	for c := range b.Columns {
		v, column := &b.Columns[c], &b.Table.Columns[c]
		var text string
		switch {
		case v.Mark(row) == batch.Defaulted:
			continue
		case v.Mark(row) == batch.Null:
			text = "null"
		default:
			text = encodeValue(column, v, row)
		}
		fields = append(fields, fmt.Sprintf("%q:%s", column.Name, text))
	}
	return []byte("{" + strings.Join(fields, ",") + "}")
}

func encodeValue(column *schema.Column, v *batch.Vector, row int) string {
	if column.Type.Kind == schema.Binary {
		return base64Of(v.Text(row))
	}
	if v.Codes != nil {
		return quoted(string(v.Text(row)))
	}
	x := v.Ints[row]
	switch column.Type.Kind {
	case schema.Decimal:
		sign, digits := "", strings.TrimPrefix(strconv.FormatInt(x, 10), "-")
		if x < 0 {
			sign = "-"
		}
		digits = strings.Repeat("0", max(column.Type.Scale+1-len(digits), 0)) + digits
		return sign + digits[:len(digits)-column.Type.Scale] + "." + digits[len(digits)-column.Type.Scale:]
	case schema.Double:
		return strconv.FormatFloat(float64frombits(x), 'g', -1, 64)
	case schema.Boolean:
		return strconv.FormatBool(x == 1)
	case schema.Timestamp:
		return time.UnixMicro(x).UTC().Format(`"` + time.RFC3339Nano + `"`)
	case schema.Date:
		return time.UnixMicro(x * 86400e6).UTC().Format(`"` + time.DateOnly + `"`)
	}
	return strconv.FormatInt(x, 10)
}

// Limits are looked at before anything is allocated: a value costs no more than a
// few times its length, whatever it says.
func FuzzCost(f *testing.F) {
	f.Add(`{"id":1,"extra":`, "[", uint16(5000))
	f.Add(`{"id":1`, `,"a":1`, uint16(5000))
	f.Add(`{"id":1,"status":"`, `\u0041`, uint16(5000))
	f.Add(`{"id":1,"amount":`, `0`, uint16(5000))
	table := corpusTable(f)
	plan, err := conform.Compile(table)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, head, part string, n uint16) {
		value := head + strings.Repeat(part, min(int(n), 1<<16/(len(part)+1)))
		d := plan.Decoder()
		var b batch.Batch
		raw := rawOf([]byte(value))
		b.Reset(table, raw, 0, 1)
		d.Decode(&b)
		if held, most := d.Bytes()+b.Bytes(), int64(1<<18+16*len(value)); held > most {
			t.Errorf("%d bytes are held for a record of %d, want at most %d", held, len(value), most)
		}
	})
}
