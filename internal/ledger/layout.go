package ledger

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// LedgerDir is the folder of a table's records.
func LedgerDir(table string) string { return "_tidemark/" + table + "/ledger" }

// CheckpointDir is the folder of a table's folded states.
func CheckpointDir(table string) string { return "_tidemark/" + table + "/checkpoint" }

// StagingDir is the folder of a batch's files until they are published.
func StagingDir(table, batch string) string { return "_tidemark/" + table + "/staging/" + batch }

// RecordKey is where record seq of a table lies. The first record has number 1.
func RecordKey(table string, seq int64) string {
	return fmt.Sprintf("%s/%020d.json", LedgerDir(table), seq)
}

// CheckpointKey is where the state at head lies.
func CheckpointKey(table string, head int64) string {
	return fmt.Sprintf("%s/%020d.json", CheckpointDir(table), head)
}

// ManifestKey is where the manifest of a batch lies.
func ManifestKey(table, batch string) string { return StagingDir(table, batch) + "/manifest.json" }

// seqOf is the number in the name of a record or a checkpoint.
func seqOf(key string) (int64, bool) {
	name, ok := strings.CutSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
	if !ok || len(name) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 63)
	return int64(n), err == nil && n > 0
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewBatchID makes the id of one build of a batch: the time, so that ids sort by
// it, and 80 bits of random, so that no two builds ever share one (R3). A batch
// that is built again, for whatever reason, gets a new one. It panics if random
// gives nothing: with a repeated id, files of two batches would overwrite each other.
func NewBatchID(now time.Time, random io.Reader) string {
	var b [10]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic(fmt.Sprintf("read random for a batch id: %v", err))
	}
	at := strings.Replace(now.UTC().Format("20060102t150405.000000"), ".", "", 1)
	return at + "-" + lowerBase32.EncodeToString(b[:])
}

// newNonce tells one attempt to decide from all others.
func newNonce(random io.Reader) string {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic(fmt.Sprintf("read random for a nonce: %v", err))
	}
	return hex.EncodeToString(b[:])
}
