package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Info is what Describe finds: the cluster as this configuration sees it.
type Info struct {
	Brokers []string // addresses that the cluster advertises
	Topics  []TopicInfo
}

// TopicInfo is a topic as the cluster knows it. Err is set where it is missing or
// not ours to read, in the broker's words; the rest is then empty.
type TopicInfo struct {
	Topic, Table string
	ID           [16]byte
	Err          error
	Partitions   []PartitionInfo
}

// PartitionInfo is a partition with its bounds. Committed is −1 where the group
// has committed nothing. Err is set where its bounds could not be learned.
type PartitionInfo struct {
	Partition                       int32
	LogStart, End, Begin, Committed int64
	Err                             error
}

// Describe looks at the cluster once, without joining the group. The error is for
// what concerns all of it: brokers that do not answer, credentials, rights on the
// group.
func Describe(ctx context.Context, cfg Config) (Info, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return Info{}, err
	}
	from, err := parseStart(cfg.Start)
	if err != nil {
		return Info{}, err
	}
	opts, err := cfg.connection(slog.New(slog.DiscardHandler))
	if err != nil {
		return Info{}, err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(2))...)
	if err != nil {
		return Info{}, fmt.Errorf("open kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return Info{}, fmt.Errorf("list brokers: %w", err)
	}
	var info Info
	for _, b := range brokers {
		info.Brokers = append(info.Brokers, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	slices.Sort(info.Brokers)
	seen, err := look(ctx, admin, cfg.topics(), from)
	if err != nil {
		return info, err
	}
	committed, err := admin.FetchOffsets(ctx, cfg.Group)
	// A group that is not there has committed nothing, and a new cluster has no
	// coordinator until somebody asks for one: neither is a reason to see nothing.
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) && !kerr.IsRetriable(err) {
		return info, fmt.Errorf("read committed offsets of group %s: %w", cfg.Group, err)
	}
	for _, topic := range cfg.topics() {
		info.Topics = append(info.Topics, describeTopic(topic, cfg.Tables[topic], seen, committed))
	}
	return info, nil
}

func describeTopic(topic, table string, seen sight, committed kadm.OffsetResponses) TopicInfo {
	t := TopicInfo{Topic: topic, Table: table, Err: seen.topics[topic]}
	for k, p := range seen.parts {
		if k.topic != topic {
			continue
		}
		t.ID = p.TopicID
		info := PartitionInfo{Partition: k.partition, LogStart: p.LogStart, End: p.End, Begin: p.Begin, Committed: -1}
		if o, ok := committed.Lookup(topic, k.partition); ok && o.Err == nil {
			info.Committed = o.At
		}
		t.Partitions = append(t.Partitions, info)
	}
	for k, err := range seen.missing {
		if k.topic == topic {
			t.Partitions = append(t.Partitions, PartitionInfo{Partition: k.partition, Committed: -1, Err: err})
		}
	}
	slices.SortFunc(t.Partitions, func(a, b PartitionInfo) int { return int(a.Partition - b.Partition) })
	if t.Err == nil && len(t.Partitions) == 0 {
		t.Err = errors.New("the topic has no partitions")
	}
	return t
}
