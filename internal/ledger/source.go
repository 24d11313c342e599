package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Source is a half-open range [From, To) of one partition, or of one file.
//
// Of a partition, From and To are offsets, and To − From = Records + Skipped, Skipped
// being offsets that hold no record for a read_committed reader (aborted, control,
// compacted) — or, in a claim, lost.
//
// Of a file, From and To are bytes after decompression, or rows of a format that has no
// bytes of its own (Avro, Parquet). A file that the ledger does not know stands at 0.
type Source struct {
	Topic       string  `json:"topic"`
	TopicID     TopicID `json:"topic_id"`
	Partition   int32   `json:"partition"`
	From        int64   `json:"from"`
	To          int64   `json:"to"`
	Records     int64   `json:"records"`
	Skipped     int64   `json:"skipped"`
	LeaderEpoch int32   `json:"leader_epoch"`
	// MaxEventTime is the newest event time in the range, null if it has none. Files have
	// none: they do not move the watermark.
	MaxEventTime *Time `json:"max_event_time"`
	AtEnd        bool  `json:"at_end"` // idle: the partition was fully read; or the file was
	// First is set in a claim of a source that the ledger does not know yet: the
	// compare is then with "absent", and From equals To.
	First bool `json:"first,omitempty"`

	// The rest is set for files alone.

	File    string `json:"file"`             // its canonical URL
	Again   int32  `json:"again"`            // how often it was ordered to be read anew from its start
	Size    int64  `json:"size"`             // bytes, as it lay there
	Version string `json:"modified_or_etag"` // when it was read
	// Hash is the XXH3-64 of all of the file before To: that a longer file still begins
	// with what was decided is seen by it.
	Hash Sum `json:"hash"`
	// FromLine and ToLine are the half-open range of the numbers that its records have:
	// lines of a text, rows of others. They follow from each other as From and To do.
	FromLine int64 `json:"from_line"`
	ToLine   int64 `json:"to_line"`
}

// partitionSource and fileSource are what a record says of the two.
type partitionSource struct {
	Topic        string  `json:"topic"`
	TopicID      TopicID `json:"topic_id"`
	Partition    int32   `json:"partition"`
	From         int64   `json:"from"`
	To           int64   `json:"to"`
	Records      int64   `json:"records"`
	Skipped      int64   `json:"skipped"`
	LeaderEpoch  int32   `json:"leader_epoch"`
	MaxEventTime *Time   `json:"max_event_time"`
	AtEnd        bool    `json:"at_end"`
	First        bool    `json:"first,omitempty"`
}

type fileSource struct {
	File     string `json:"file"`
	Again    int32  `json:"again"`
	Size     int64  `json:"size"`
	Version  string `json:"modified_or_etag"`
	From     int64  `json:"from"`
	To       int64  `json:"to"`
	Hash     Sum    `json:"hash"`
	FromLine int64  `json:"from_line"`
	ToLine   int64  `json:"to_line"`
	Records  int64  `json:"records"`
	AtEnd    bool   `json:"at_end"`
}

// MarshalJSON implements json.Marshaler: a source says what its kind has, and no more.
func (s Source) MarshalJSON() ([]byte, error) {
	var v any = partitionSource{
		Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition, From: s.From, To: s.To, Records: s.Records,
		Skipped: s.Skipped, LeaderEpoch: s.LeaderEpoch, MaxEventTime: s.MaxEventTime, AtEnd: s.AtEnd, First: s.First,
	}
	if s.File != "" {
		v = fileSource{
			File: s.File, Again: s.Again, Size: s.Size, Version: s.Version, From: s.From, To: s.To, Hash: s.Hash,
			FromLine: s.FromLine, ToLine: s.ToLine, Records: s.Records, AtEnd: s.AtEnd,
		}
	}
	return marshal(v)
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	b, err := encode(v)
	return []byte(strings.TrimSuffix(string(b), "\n")), err
}

// Check finds what no source may say, whatever the state.
func (s *Source) Check() error {
	switch {
	case s.To < s.From || s.Records < 0 || s.Skipped < 0,
		s.File == "" && s.To-s.From != s.Records+s.Skipped:
		return fmt.Errorf("check source %s: [%d, %d) is not %d records and %d skipped", s.Key().Place(), s.From, s.To, s.Records, s.Skipped)
	case s.File != "" && (s.Topic != "" || s.Skipped != 0 || s.First || s.MaxEventTime != nil):
		return fmt.Errorf("check source %s: it says what only a partition has", s.Key().Place())
	case s.File != "" && (s.ToLine-s.FromLine < s.Records || s.FromLine < 1):
		return fmt.Errorf("check source %s: lines [%d, %d) are not %d records", s.Key().Place(), s.FromLine, s.ToLine, s.Records)
	}
	return nil
}

// Key names a source: a partition of a topic with this id, or a file. A topic that is
// deleted and made anew has another id, and its offsets mean other records; so do the
// places of a file that is ordered to be read again.
type Key struct {
	Topic     string
	TopicID   TopicID
	Partition int32
	File      string // canonical URL; the rest is then zero but Again
	Again     int32
}

// Key is the name of the source.
func (s *Source) Key() Key {
	return Key{Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition, File: s.File, Again: s.Again}
}

func (k Key) String() string {
	switch {
	case k.File != "" && k.Again > 0:
		return fmt.Sprintf("%s#%d", k.File, k.Again)
	case k.File != "":
		return k.File
	}
	return fmt.Sprintf("%s/%s/%d", k.Topic, k.TopicID, k.Partition)
}

// Place is the source as people write it: topic/partition, or the URL of a file.
func (k Key) Place() string {
	if k.File != "" {
		return k.String()
	}
	return fmt.Sprintf("%s/%d", k.Topic, k.Partition)
}

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Key) UnmarshalText(b []byte) error {
	text := string(b)
	if strings.Contains(text, "://") { // names of topics have neither
		file, again, told := strings.Cut(text, "#")
		k.File = file
		if !told {
			return nil
		}
		n, err := strconv.ParseInt(again, 10, 32)
		k.Again = int32(n)
		if err != nil {
			return fmt.Errorf("source %q: %w", text, err)
		}
		return nil
	}
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return fmt.Errorf("source %q: want topic/id/partition, or a URL", text)
	}
	p, err := strconv.ParseInt(parts[2], 10, 32)
	if err != nil {
		return fmt.Errorf("source %q: %w", text, err)
	}
	k.Topic, k.Partition = parts[0], int32(p)
	return k.TopicID.UnmarshalText([]byte(parts[1]))
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), slices.Compare(a.TopicID[:], b.TopicID[:]), cmp.Compare(a.Partition, b.Partition),
		cmp.Compare(a.File, b.File), cmp.Compare(a.Again, b.Again))
}

// Origin is the place of one record: in a partition, or in a file.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	File      string
	Line      int64
}

func (o Origin) String() string {
	if o.File != "" {
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return fmt.Sprintf("%s/%d@%d", o.Topic, o.Partition, o.Offset)
}

type partitionOrigin struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

type fileOrigin struct {
	File string `json:"file"`
	Line int64  `json:"line"`
}

// MarshalJSON implements json.Marshaler.
func (o Origin) MarshalJSON() ([]byte, error) {
	if o.File != "" {
		return marshal(fileOrigin{o.File, o.Line})
	}
	return marshal(partitionOrigin{o.Topic, o.Partition, o.Offset})
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Origin) UnmarshalJSON(b []byte) error {
	var v struct {
		partitionOrigin
		fileOrigin
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = Origin{Topic: v.Topic, Partition: v.Partition, Offset: v.Offset, File: v.File, Line: v.Line}
	return nil
}
