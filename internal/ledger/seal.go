package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// A record's own check is its last field: the SHA-256 of all its bytes before that
// field. The record after it states the SHA-256 of the whole, this field included.
const (
	sealBegin = `,"sha256":"`
	sealEnd   = "\"}\n"
)

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// seal adds its own check to a record, an object in one line.
func seal(object []byte) []byte {
	body := bytes.TrimSuffix(object, []byte("}\n"))
	sum := hashOf(body)
	return append(append(append(bytes.Clone(body), sealBegin...), sum...), sealEnd...)
}

// CheckRecord holds the bytes of a record against the check that they carry (R14).
// It is by bytes, not by fields: no edit is too small, and none is of no meaning. A
// record of the program's first days carries no check, and passes.
func CheckRecord(data []byte) error {
	var stated struct {
		Previous *string `json:"previous"`
		SHA256   *string `json:"sha256"`
	}
	if err := json.Unmarshal(data, &stated); err == nil && stated.Previous == nil && stated.SHA256 == nil {
		return nil
	}
	if at := bytes.LastIndex(data, []byte(sealBegin)); at >= 0 && bytes.Equal(data, seal(append(bytes.Clone(data[:at]), "}\n"...))) {
		return nil
	}
	return errors.New("it was changed after it was written: it is not what its own SHA-256 says")
}
