package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// EncodeRecord writes a record as it lies in the lake: one line of JSON, which ends
// with its own check (R14).
func EncodeRecord(r *Record) ([]byte, error) {
	full := *r
	// Lists that are empty are written as such: a reader in another language then
	// needs no case for null.
	full.Sources = orEmpty(full.Sources)
	full.Files = orEmpty(full.Files)
	full.Drift = orEmpty(full.Drift)
	if full.Nulls == nil {
		full.Nulls = map[string]int64{}
	}
	body, err := encode(&full)
	if err != nil {
		return nil, err
	}
	return seal(body), nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode json: %w", err)
	}
	return b.Bytes(), nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// DecodeRecord reads a record. Fields that it does not know are ignored. Versions
// and kinds that it does not know are left to State.Apply to refuse, so that such
// a record can still be shown. A batch whose files lie elsewhere than a batch's may is
// no record: whoever acts on it would read, publish or remove what is not the batch's.
func DecodeRecord(data []byte) (*Record, error) {
	var head struct {
		Version int    `json:"version"`
		Seq     int64  `json:"seq"`
		Table   string `json:"table"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("decode json: %w", err)
	}
	if head.Version != Version {
		// What else it holds may have other types by now.
		return &Record{Version: head.Version, Seq: head.Seq, Table: head.Table, hash: hashOf(data)}, nil
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decode json: %w", err)
	}
	if r.Kind == KindBatch {
		if err := r.validateFiles(); err != nil {
			return nil, err
		}
	}
	r.hash = hashOf(data)
	return &r, nil
}

// validate finds what no record may say, before it is written for ever.
func (r *Record) validate() error {
	if b := r.Counts.Balance(); b != 0 {
		return fmt.Errorf("check counts: %d records have no fate, or two", b)
	}
	var records int64
	for i := range r.Sources {
		s := &r.Sources[i]
		records += s.Records
		if err := s.Check(); err != nil {
			return err
		}
	}
	if err := r.checkReplay(); err != nil {
		return err
	}
	switch r.Kind {
	case KindBatch:
		if records != r.Counts.Read {
			return fmt.Errorf("check counts: read %d, but the sources have %d records", r.Counts.Read, records)
		}
	case KindHalt:
	default:
		if records != 0 || r.Counts != (Counts{}) {
			return fmt.Errorf("check counts: a %s has no records", r.Kind)
		}
	}
	if r.Kind != KindBatch && len(r.Files) > 0 {
		return fmt.Errorf("check files: a %s has no files", r.Kind)
	}
	return r.validateFiles()
}

func (r *Record) validateFiles() error {
	for i := range r.Files {
		if err := r.Files[i].validate(r.Table, r.Batch); err != nil {
			return err
		}
	}
	return nil
}

// validate keeps a published name below its output's folder and a staged one in
// the batch's own, where no reader's glob finds it.
func (f *File) validate(table, batch string) error {
	for _, path := range []string{f.Path, f.Staged} {
		if !fs.ValidPath(path) || strings.ContainsFunc(path, unicode.IsControl) {
			return fmt.Errorf("check file %q: want a relative path without . and .., each name within the one before it", path)
		}
	}
	switch f.Output {
	case Main, LateRows, Quarantine:
	default:
		return fmt.Errorf("check file %s: no output %q", f.Path, f.Output)
	}
	name := f.Path[strings.LastIndexByte(f.Path, '/')+1:]
	if !strings.HasPrefix(f.Path, f.Output.Dir(table)+"/") || !strings.HasPrefix(name, batch) || !strings.HasSuffix(name, ".parquet") {
		return fmt.Errorf("check file %s: want %s/…/%s….parquet", f.Path, f.Output.Dir(table), batch)
	}
	if !strings.HasPrefix(f.Staged, StagingDir(table, batch)+"/") || strings.HasSuffix(f.Staged, ".parquet") {
		return fmt.Errorf("check file %s: staged as %s: want a name below %s that does not end in .parquet", f.Path, f.Staged, StagingDir(table, batch))
	}
	return nil
}
