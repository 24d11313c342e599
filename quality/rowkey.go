package quality

import (
	"crypto/sha256"
	"encoding/binary"

	"tidemark/internal/batch"
)

// rowKey is the key of one row: a number or bytes.
type rowKey struct {
	number uint64
	text   []byte
	buffer []byte
}

// hashEntry is a key of bytes as a spill keeps it.
func hashEntry(key []byte) SpillEntry {
	sum := sha256.Sum256(key)
	return SpillEntry{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

// has reports whether a row has a value in each column of the key.
func (k *key) has(b *batch.Batch, row int) bool {
	for _, column := range k.columns {
		if b.Columns[column].Mark(row) != batch.Present {
			return false
		}
	}
	return true
}

// read gets the key of a row. Its bytes are those of the batch, or of's.
func (k *key) read(b *batch.Batch, row int, of *rowKey) {
	v := &b.Columns[k.columns[0]]
	if k.number() {
		of.number = uint64(v.Ints[row])
		return
	}
	if len(k.columns) == 1 && k.text[0] {
		of.text = v.Dict.Value(int(v.Codes[row]))
		return
	}
	text := of.buffer[:0]
	for i, column := range k.columns {
		v := &b.Columns[column]
		if !k.text[i] {
			x := uint64(v.Ints[row])
			if k.float[i] && x == 1<<63 {
				x = 0 // −0
			}
			text = binary.LittleEndian.AppendUint64(text, x)
			continue
		}
		value := v.Dict.Value(int(v.Codes[row]))
		text = binary.AppendUvarint(text, uint64(len(value)))
		text = append(text, value...)
	}
	of.text, of.buffer = text, text
}
