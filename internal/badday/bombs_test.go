package badday_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// testBombs: what is small on the wire and large in memory, in batches that no honest
// client would make. The program stays within its budget; what it cannot take it
// refuses by name, and what came before stands. It was not so: a batch of 100 MiB took
// 359 MiB of a budget of 256, and five million empty records were no large batch.
func testBombs(t *testing.T, h *house) {
	const budget = 256 << 20
	zeros := make([]byte, 300<<20)
	for _, tc := range []struct {
		name    string
		codec   kgo.CompressionCodec
		records int
		value   func(i int) []byte
		refused bool
	}{
		{"300 MiB in gzip", kgo.GzipCompression(), 1, func(int) []byte { return zeros }, true},
		{"300 MiB in zstd", kgo.ZstdCompression(), 1, func(int) []byte { return zeros }, true},
		{"31 MiB in gzip", kgo.GzipCompression(), 1, func(int) []byte { return zeros[:31<<20] }, false},
		{"31 MiB in zstd", kgo.ZstdCompression(), 1, func(int) []byte { return zeros[:31<<20] }, false},
		{"three million empty records", kgo.GzipCompression(), 3_000_000, func(int) []byte { return nil }, true},
		{"nested 8 million deep", kgo.ZstdCompression(), 3, func(int) []byte { return bytes.Repeat([]byte{'['}, 8<<20) }, false},
		{"objects in objects", kgo.ZstdCompression(), 3, func(int) []byte { return bytes.Repeat([]byte(`{"account_id":`), 600_000) }, false},
		{"100 000 keys", kgo.ZstdCompression(), 10, keys, false},
		{"empty objects for wide structs", kgo.ZstdCompression(), 60, wideObjects, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tp := h.newTopic(t, strings.ReplaceAll(tc.name, " ", "-"), 1)
			tp.produce(20)
			bomb, size := pack(t, tc.codec, tc.records, tc.value)
			j := h.newJob(t, tp)
			j.set.memory = fmt.Sprintf("%dMiB", budget>>20)
			if strings.Contains(tc.name, "wide") {
				j.set.more = `, columns: [{name: wide, type: "list<struct<` + strings.Join(wideFields(), ",") + `>>"}]`
			}
			p := j.start(j.stream())
			j.awaitDecided(20, p)
			peak := p.watch()
			tp.explode(bomb)
			if tc.refused {
				p.ends(1)
				says(t, p.stderr, "partition 0, offset 20", "give more memory")
			} else {
				j.awaitDecided(20+tc.records, p)
				p.signal(syscall.SIGTERM)
				p.ends(0)
			}
			took := peak()
			t.Logf("figures: %s: %d KiB on the wire, %d MiB in a batch, %d MiB resident", tc.name, len(bomb)>>10, size>>20, took>>20)
			if took > budget {
				t.Errorf("%d MiB were resident, want %d MiB at most", took>>20, budget>>20)
			}
			j.verify()
		})
	}
}

// keys is an event with a hundred thousand fields that no other event has.
func keys(i int) []byte {
	out := []byte(`{"transaction_id":1`)
	for k := range 100_000 {
		out = fmt.Appendf(out, `,"key_%d_%d":%d`, i, k, k)
	}
	return append(out, '}')
}

// wideFields are as many fields as a column may have within it.
func wideFields() []string {
	fields := make([]string, 64)
	for i := range fields {
		fields[i] = fmt.Sprintf("f%d:long", i)
	}
	return fields
}

// wideObjects is an event with a list of objects of three bytes, each of which becomes 64 nulls: as
// many as a column may hold.
func wideObjects(i int) []byte {
	at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	return fmt.Appendf(nil, `{"transaction_id":%d,"account_id":1,"amount":1,"transaction_type":"deposit","transaction_date":"%s","status":"APPROVED","currency":"CHF","wide":[{}%s]}`,
		1_000_000+i, at, strings.Repeat(",{}", 15_600))
}

// pack makes a batch of Kafka of n records, and says what is in it without compression.
func pack(t *testing.T, codec kgo.CompressionCodec, n int, value func(int) []byte) (batch []byte, size int) {
	t.Helper()
	var plain []byte
	for i := range n {
		r := kmsg.Record{OffsetDelta: int32(i), Value: value(i)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		plain = r.AppendTo(plain)
	}
	c, err := kgo.DefaultCompressor(codec)
	must(t, err)
	packed, kind := c.Compress(new(bytes.Buffer), plain)
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(kind), LastOffsetDelta: int32(n - 1), FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(n), Records: packed,
	}
	raw := b.AppendTo(nil)
	b.Length = int32(len(raw) - 12)
	b.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil), len(plain)
}

// explode sends a batch as it is to partition 0.
func (tp *topic) explode(raw []byte) {
	tp.t.Helper()
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = raw
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.Partitions = tp.name, []kmsg.ProduceRequestTopicPartition{part}
	id, err := tp.admin().ListTopics(tp.t.Context(), tp.name)
	must(tp.t, err)
	topic.TopicID = id[tp.name].ID
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 60_000, []kmsg.ProduceRequestTopic{topic}
	answer, err := tp.client.Broker(1).RetriableRequest(tp.t.Context(), req)
	must(tp.t, err)
	must(tp.t, kerr.ErrorForCode(answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode))
}

// watch looks again and again at the most memory that a process had resident, and gives
// it once the process has ended. What the system says afterwards would not do: it counts
// in what we had, from whom the process was forked.
func (p *process) watch() func() int64 {
	peaks := make(chan int64, 1)
	go func() {
		var peak int64
		often := time.NewTicker(2 * time.Millisecond)
		defer often.Stop()
		for {
			select {
			case <-p.done:
				peaks <- peak
				return
			case <-often.C:
				if now, ok := resident(p.cmd.Process.Pid); ok {
					peak = now
				}
			}
		}
	}()
	return func() int64 { return <-peaks }
}

// resident is the most memory that a process had resident up to now, if it lives.
func resident(pid int) (int64, bool) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for text := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(text, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}
