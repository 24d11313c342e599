package batch

import "encoding/json"

// HeaderOfCSV is the key under which the headers of a rejected line of CSV hold the names
// of the fields of its file, as a JSON array: without them the line could not be read again.
const HeaderOfCSV = "tidemark.csv.header"

// Beside returns what stood beside the value of a row, encoded as EncodeHeaders does: the
// headers of a Kafka record, or of a line of CSV from a file its HeaderOfCSV. It is empty
// where there is nothing.
func (r *Raw) Beside(row int) []byte {
	head := r.Headers(row)
	if len(head) > 0 {
		return head
	}
	l := r.LayoutOf(row)
	if l == nil || l.Format != CSV {
		return head
	}
	names, err := json.Marshal(l.Header)
	if err != nil {
		return head // names of fields are text
	}
	return EncodeHeaders(nil, []Header{{Key: HeaderOfCSV, Value: names}})
}
