package ledger_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tidemark/internal/ledger"
)

const csv = "file:///in/a%231.csv"

// part is a range of a file, with a record for each byte.
func part(again int32, from, to int64) ledger.Source {
	return ledger.Source{
		File: csv, Again: again, From: from, To: to, Size: 100, Version: "v", Hash: ledger.Sum(to),
		FromLine: from + 1, ToLine: to + 1, Records: to - from, AtEnd: to == 100,
	}
}

func fileRecord(seq int64, sources ...ledger.Source) *ledger.Record {
	return &ledger.Record{Version: ledger.Version, Seq: seq, Table: "t", Kind: ledger.KindBatch, Batch: "b", Sources: sources}
}

// TestFilesFollow: ranges of a file follow from each other, from 0 on, and a file that
// is read again begins anew, once.
func TestFilesFollow(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []ledger.Source
		wrong string // of the last, empty: nothing
	}{
		{"in order", []ledger.Source{part(0, 0, 40), part(0, 40, 100)}, ""},
		{"not from its start", []ledger.Source{part(0, 1, 40)}, "starts at 1, but stands at 0"},
		{"twice", []ledger.Source{part(0, 0, 40), part(0, 0, 40)}, "starts at 0, but stands at 40"},
		{"a hole", []ledger.Source{part(0, 0, 40), part(0, 41, 50)}, "starts at 41, but stands at 40"},
		{"again", []ledger.Source{part(0, 0, 40), part(1, 0, 50), part(1, 50, 100)}, ""},
		{"again, not from its start", []ledger.Source{part(0, 0, 40), part(1, 40, 50)}, "#1 starts at 40, but stands at 0"},
		{"again before it was read", []ledger.Source{part(1, 0, 50)}, "is to be read again, but " + csv + " was not read"},
		{"an empty file", []ledger.Source{part(0, 0, 0)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := ledger.NewState("t"), error(nil)
			for i, p := range c.parts {
				if err != nil {
					t.Fatalf("range %d: %v", i, err)
				}
				var next *ledger.State
				if next, err = st.Apply(fileRecord(st.Head+1, p)); err == nil {
					st = next
				}
			}
			if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || !errors.Is(err, ledger.ErrUnsafe)) {
				t.Errorf("got %v, want %q", err, c.wrong)
			}
			last := c.parts[len(c.parts)-1]
			if p := st.Sources[last.Key()]; err == nil && (p.Next != last.To || p.Hash != last.Hash || p.Line != last.ToLine || p.AtEnd != last.AtEnd || p.Size != 100 || p.Version != "v") {
				t.Errorf("the state has %+v", p)
			}
		})
	}
}

// TestSourcesAsJSON: a record says of a source what its kind has, and no more, and
// reads it back; a state does, too.
func TestSourcesAsJSON(t *testing.T) {
	file := part(1, 40, 100)
	partition := ledger.Source{Topic: "topic", TopicID: ledger.TopicID{1}, Partition: 2, From: 3, To: 5, Records: 1, Skipped: 1, LeaderEpoch: 6}
	origin := ledger.Origin{File: csv, Line: 7}
	r := fileRecord(1, file, partition)
	r.Drift = []ledger.Drift{{Change: "extra", Column: "x", FirstAt: origin}, {Change: "extra", Column: "y", FirstAt: ledger.Origin{Topic: "topic", Offset: 3}}}
	data, err := ledger.EncodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{
		`{"file":"` + csv + `","again":1,"size":100,"modified_or_etag":"v","from":40,"to":100,"hash":"0000000000000064","from_line":41,"to_line":101,"records":60,"at_end":true}`,
		`{"topic":"topic","topic_id":"01000000000000000000000000000000","partition":2,"from":3,"to":5,"records":1,"skipped":1,"leader_epoch":6,"max_event_time":null,"at_end":false}`,
		`"first_at":{"file":"` + csv + `","line":7}`, `"first_at":{"topic":"topic","partition":0,"offset":3}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the record does not hold\n%s\n%s", want, text)
		}
	}
	back, err := ledger.DecodeRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	if back.Sources[0] != file || back.Sources[1] != partition || back.Drift[0].FirstAt != origin {
		t.Errorf("read back as %+v", back)
	}
	st := ledger.NewState("t")
	st.Sources[file.Key()] = ledger.Progress{Next: 5, Size: 7, Version: "w", Hash: 9, Line: 3}
	if data, err = json.Marshal(st); err != nil {
		t.Fatal(err)
	}
	again := ledger.NewState("t")
	if err := json.Unmarshal(data, again); err != nil {
		t.Fatal(err)
	}
	if got, want := again.Sources[file.Key()], st.Sources[file.Key()]; got != want {
		t.Errorf("the state reads back %+v, want %+v", got, want)
	}
}
