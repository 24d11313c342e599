package consumer

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
)

// leastRecord is what the smallest record takes in a batch behind its length.
const leastRecord = 6

// unpacker decompresses the batches of producers, each of which may take so much
// memory: its bytes, and a record for each that it holds. A few bytes on the wire can
// be millions of empty records.
type unpacker struct {
	kgo.Decompressor
	most int64
}

// newUnpacker borrows from a client, which reaches nobody, its decompressor: there is
// no other way to one that is bounded.
func newUnpacker(most int64, p *pool) (unpacker, error) {
	lender, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(int(min(most, math.MaxInt32))), kgo.WithPools(p))
	if err != nil {
		return unpacker{}, err
	}
	defer lender.Close()
	d, ok := lender.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return unpacker{}, errors.New("borrow a decompressor: the client gives none")
	}
	return unpacker{d, most}, nil
}

// Decompress implements kgo.Decompressor.
func (u unpacker) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	out, err := u.Decompressor.Decompress(src, codec)
	if err == nil && int64(len(out))+countRecords(out)*recordBytes > u.most {
		return nil, kgo.ErrMaxDecompress
	}
	return out, err
}

// countRecords counts the records of a batch, as far as they look like some: what
// brokers kept from before Kafka 0.11 does not, and is bounded by its bytes alone.
func countRecords(batch []byte) (n int64) {
	for {
		length, width := binary.Varint(batch)
		if width <= 0 || length < leastRecord || length > int64(len(batch)-width) {
			return n
		}
		batch = batch[int64(width)+length:]
		n++
	}
}
