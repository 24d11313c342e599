package ledger_test

import (
	"testing"

	"tidemark/internal/ledger"
)

// TestBatchRecordAsItLiesInTheLake holds every field of a batch record by its name
// and form: programs of others read them.
func TestBatchRecordAsItLiesInTheLake(t *testing.T) {
	at := ledger.Time(1_795_342_530_000_001)
	r := ledger.Record{
		Version: 1, Seq: 42, Table: "t", Kind: ledger.KindBatch, Batch: "b", Nonce: "n", Previous: "e3b0", DecidedAt: at,
		DecidedBy: ledger.Decider{Host: "h", PID: 7, User: "u", Version: "v", ConfigHash: "c"},
		Sources: []ledger.Source{{Topic: "in", TopicID: ledger.TopicID{15: 1}, Partition: 3, From: 10, To: 15, Records: 4, Skipped: 1,
			LeaderEpoch: 2, MaxEventTime: &at, AtEnd: true}},
		Counts: ledger.Counts{Read: 4, Written: 1, Late: 2, Quarantined: 1},
		Files: []ledger.File{{Output: ledger.Quarantine, Path: "p", Staged: "s", Rows: 1, Bytes: 9, XXH3: 0xab, MinEventTime: &at, MaxEventTime: nil},
			{Output: ledger.Main, Path: "p2", Staged: "s2", Rows: 1, Bytes: 8}, {Output: ledger.LateRows, Path: "p3", Staged: "s3", Rows: 2, Bytes: 7}},
		Watermark: &at,
		Quality:   &ledger.Quality{Verdict: "FAIL", Checks: []ledger.Check{{Name: "k", Verdict: "FAIL", Severity: "fail", Failed: 1, Checked: 4, Detail: "d"}}},
		Nulls:     map[string]int64{"c": 1},
		Drift:     []ledger.Drift{{Change: "widen", Column: "c", From: "int", To: "long", FirstAt: ledger.Origin{Topic: "in", Partition: 3, Offset: 11}}},
		TimingsMS: &ledger.Timings{Read: 1, Decode: 2, Check: 3, Encode: 4, Stage: 5, Decide: 6, Publish: 7},
	}
	data, err := ledger.EncodeRecord(&r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"seq":42,"table":"t","kind":"batch","batch":"b","nonce":"n","previous":"e3b0","decided_at":"2026-11-22T10:15:30.000001Z",` +
		`"decided_by":{"host":"h","pid":7,"user":"u","version":"v","config_hash":"c"},` +
		`"sources":[{"topic":"in","topic_id":"00000000000000000000000000000001","partition":3,"from":10,"to":15,"records":4,"skipped":1,` +
		`"leader_epoch":2,"max_event_time":"2026-11-22T10:15:30.000001Z","at_end":true}],` +
		`"counts":{"read":4,"written":1,"late":2,"quarantined":1,"duplicate":0,"filtered":0},` +
		`"files":[{"output":"quarantine","path":"p","staged":"s","rows":1,"bytes":9,"xxh3":"00000000000000ab","min_event_time":"2026-11-22T10:15:30.000001Z","max_event_time":null},` +
		`{"output":"main","path":"p2","staged":"s2","rows":1,"bytes":8,"xxh3":"0000000000000000","min_event_time":null,"max_event_time":null},` +
		`{"output":"late","path":"p3","staged":"s3","rows":2,"bytes":7,"xxh3":"0000000000000000","min_event_time":null,"max_event_time":null}],` +
		`"watermark":"2026-11-22T10:15:30.000001Z",` +
		`"quality":{"verdict":"FAIL","checks":[{"name":"k","verdict":"FAIL","severity":"fail","failed":1,"checked":4,"detail":"d"}]},` +
		`"nulls":{"c":1},"drift":[{"change":"widen","column":"c","from":"int","to":"long","first_at":{"topic":"in","partition":3,"offset":11}}],` +
		`"timings_ms":{"read":1,"decode":2,"check":3,"encode":4,"stage":5,"decide":6,"publish":7},"sha256":"e8af93512e94ea3905f5788af0df7a5fafc29834ed70d3396619f75866788deb"}` + "\n"
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}
