package consumer

import (
	"cmp"
	"context"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// fetches is how many answers of brokers may be on their way or buffered.
	fetches = 4
	// recordBytes is what a record costs beside its bytes.
	recordBytes = int64(unsafe.Sizeof(kgo.Record{}))
	// unmeasured is the ratio to begin with: of text that compresses well.
	unmeasured = 16
	// least is the least that is asked of a broker at a time.
	least = 64 << 10
)

// fetcher reads the partitions that it is told to, from the offsets that it is
// told, and nothing else: a client outside of any group.
//
// Its memory is bounded by asking for less: an answer is compressed, and what
// comes out of it takes a multiple of its size (its bytes again, and a record
// each). That multiple is measured, and the size of requests follows it, so that
// all answers in flight, buffered and in hand fit the budget.
type fetcher struct {
	client *kgo.Client
	unpack unpacker
	budget int64
	asked  int32 // size of requests in force
	ids    map[string][16]byte

	ratio float64 // bytes in memory for a byte on the wire, as last seen
	// Sums over the batches read since: bytes on the wire, bytes in memory, records.
	wire, held, records atomic.Int64
	weighs              int64 // what a record takes in memory, as last seen
}

func newFetcher(c *Consumer) (*fetcher, error) {
	f := &fetcher{budget: c.cfg.BufferBytes, ids: map[string][16]byte{}, ratio: unmeasured}
	f.asked = f.size()
	var err error
	memory := new(pool)
	if f.unpack, err = newUnpacker(c.cfg.MaxBatchBytes, memory); err != nil {
		return nil, err
	}
	opts := append([]kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Markers of transactions show where a position stands behind aborted records.
		kgo.KeepControlRecords(),
		// Never move by itself. AtStart, because NoResetOffset alone begins at the end;
		// it is not used, every partition is added at an exact offset.
		kgo.ConsumeResetOffset(kgo.NoResetOffset().AtStart()),
		kgo.MaxConcurrentFetches(fetches),
		kgo.FetchMaxBytes(f.asked),
		kgo.FetchMaxPartitionBytes(f.share()),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.BrokerMaxReadBytes(math.MaxInt32 / 2),
		kgo.WithDecompressor(f.unpack),
		kgo.WithHooks(f),
		kgo.WithPools(memory),
	}, c.opts...)
	f.client, err = kgo.NewClient(opts...)
	return f, err
}

func (f *fetcher) close() { f.client.CloseAllowingRebalance() }

// OnFetchBatchRead implements kgo.HookFetchBatchRead: it measures what a batch
// takes in memory.
func (f *fetcher) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	held := int64(m.UncompressedBytes) + int64(m.NumRecords)*recordBytes
	if m.CompressionType != 0 {
		held += int64(m.CompressedBytes)
	}
	f.wire.Add(int64(m.CompressedBytes))
	f.held.Add(held)
	f.records.Add(int64(m.NumRecords))
}

// size is what to ask a broker for, each of the fetches being buffered once and in
// hand once at the most.
func (f *fetcher) size() int32 {
	n := float64(f.budget) / (2 * fetches) / max(f.ratio, 1)
	return int32(min(max(n, least), 64<<20))
}

// share is what one partition may fill of an answer.
func (f *fetcher) share() int32 { return max(f.asked/2, least) }

// adapt makes the size of requests follow what batches were seen to take: at once
// where they take more, little by little where they take less.
func (f *fetcher) adapt() {
	if f.wire.Load() < least {
		return
	}
	wire, held, records := f.wire.Swap(0), f.held.Swap(0), f.records.Swap(0)
	f.ratio = max(float64(held)/float64(wire), f.ratio*0.9)
	f.weighs = held / max(records, 1)
	if n := f.size(); n < f.asked*9/10 || n > f.asked*11/10 {
		f.asked = n
		f.client.UpdateFetchMaxBytes(n, f.share())
	}
}

// weight is about what n records take in memory.
func (f *fetcher) weight(n int) int64 { return int64(n) * f.weighs }

func (f *fetcher) buffered() int64 {
	return f.client.BufferedFetchBytes() + f.client.BufferedFetchRecords()*recordBytes
}

// add begins to read parts at their positions. The client is told no leader
// epoch: with one it would move a position that the log does not hold.
func (f *fetcher) add(parts []*part) {
	if len(parts) == 0 {
		return
	}
	offsets := map[string]map[int32]kgo.Offset{}
	for _, p := range parts {
		t := offsets[p.src.Topic]
		if t == nil {
			t = map[int32]kgo.Offset{}
			offsets[p.src.Topic] = t
		}
		t[p.src.Partition] = kgo.NoResetOffset().At(p.pos)
		p.fresh = true
	}
	f.client.AddConsumePartitions(offsets)
}

// remove ends reading parts; nothing of them is buffered any more.
func (f *fetcher) remove(parts []*part) {
	gone := map[string][]int32{}
	for _, p := range parts {
		gone[p.src.Topic] = append(gone[p.src.Topic], p.src.Partition)
	}
	if len(gone) > 0 {
		f.client.RemoveConsumePartitions(gone)
	}
}

// identify tells the topic's id before it is read. The client keeps the first id
// of a topic that it meets for good; it must forget a topic that was made anew.
func (f *fetcher) identify(topic string, id [16]byte) {
	if old, ok := f.ids[topic]; ok && old != id {
		f.client.PurgeTopicsFromConsuming(topic)
	}
	f.ids[topic] = id
}

// stale reports whether the topic is read under another id than this one.
func (f *fetcher) stale(topic string, id [16]byte) bool {
	old, ok := f.ids[topic]
	return ok && old != id
}

// poll waits for records until ctx is done.
func (f *fetcher) poll(ctx context.Context) kgo.Fetches { return f.client.PollFetches(ctx) }

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}
