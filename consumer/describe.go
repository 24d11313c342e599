package consumer

import (
	"context"
	"errors"
)

// Info is what `tidemark check` shows of a cluster.
type Info struct {
	Brokers []string // addresses that the cluster advertises
	Topics  []TopicInfo
}

// TopicInfo is a topic as the cluster knows it. Err is set where it is missing or
// not ours to read, in the broker's words; the rest is then empty.
type TopicInfo struct {
	Topic, Table string
	Err          error
	Partitions   []PartitionInfo
}

// PartitionInfo is a partition with its bounds. Committed is −1 where the group
// has committed nothing.
type PartitionInfo struct {
	Partition                int32
	LogStart, End, Committed int64
}

// Describe connects once and returns what it finds. The error is for what
// concerns the whole cluster or group: brokers that do not answer, credentials.
func Describe(ctx context.Context, cfg Config) (Info, error) { return Info{}, errors.New("not yet") }
