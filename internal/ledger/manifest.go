package ledger

import (
	"context"
	"encoding/json"
	"fmt"
)

// Manifest says what a batch in staging is, before any of its files is there (R3).
// Vacuum judges by it: once a source has passed From, the batch is dead unless it
// is decided.
type Manifest struct {
	Version int             `json:"version"`
	Table   string          `json:"table"`
	Batch   string          `json:"batch"`
	Sources []ManifestStart `json:"sources"`
}

// ManifestStart is where a batch begins in one source: a partition, or a file.
type ManifestStart struct {
	Topic     string  `json:"topic,omitempty"`
	TopicID   TopicID `json:"topic_id,omitzero"`
	Partition int32   `json:"partition"`
	File      string  `json:"file,omitempty"`
	Again     int32   `json:"again,omitempty"`
	From      int64   `json:"from"`
}

// Key is the name of the source.
func (m *ManifestStart) Key() Key {
	return Key{Topic: m.Topic, TopicID: m.TopicID, Partition: m.Partition, File: m.File, Again: m.Again}
}

// WriteManifest begins the staging of a batch: it makes the starts of its sources
// durable. It fails where anything has this batch id already, and the batch is then
// built again under a new one.
func (l *Ledger) WriteManifest(ctx context.Context, batch string, sources []Source) error {
	if !validID(batch) {
		return fmt.Errorf("write manifest: %q is not a batch id", batch)
	}
	m := Manifest{Version: Version, Table: l.table, Batch: batch, Sources: make([]ManifestStart, len(sources))}
	for i, s := range sources {
		m.Sources[i] = ManifestStart{Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition, File: s.File, Again: s.Again, From: s.From}
	}
	data, err := encode(&m)
	if err != nil {
		return err
	}
	if err := l.store.Create(ctx, ManifestKey(l.table, batch), data); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// ReadManifest reads the manifest of a staged batch.
func (l *Ledger) ReadManifest(ctx context.Context, batch string) (Manifest, error) {
	var m Manifest
	data, err := l.store.Read(ctx, ManifestKey(l.table, batch))
	if err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("read manifest of %s: %w", batch, err)
	}
	return m, nil
}
