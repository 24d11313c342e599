package avropeers_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
)

// answer is a value of what scripts/peers says.
func (t *typ) answer(text json.RawMessage) (any, error) {
	if t.kind == "union" {
		var parts []json.RawMessage
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, err
		}
		var i int
		if err := json.Unmarshal(parts[0], &i); err != nil {
			return nil, err
		}
		v, err := t.of[i].answer(parts[1])
		return branch{i, v}, err
	}
	var s string
	var x int64
	var b bool
	switch t.kind {
	case "null":
		return nil, nil
	case "boolean":
		err := json.Unmarshal(text, &b)
		return b, err
	case "int", "long":
		err := json.Unmarshal(text, &x)
		return x, err
	case "array", "record":
		var parts []json.RawMessage
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, err
		}
		out := make([]any, len(parts))
		for i := range parts {
			v, err := t.at(i).answer(parts[i])
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	if t.kind == "string" || t.kind == "enum" {
		return s, nil
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind == "float":
		return math.Float32frombits(uint32(new(big.Int).SetBytes(raw).Uint64())), nil
	case t.kind == "double":
		return math.Float64frombits(new(big.Int).SetBytes(raw).Uint64()), nil
	case t.logical == "uuid":
		return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]), nil
	case t.logical == "decimal":
		v := new(big.Int).SetBytes(raw)
		if len(raw) > 0 && raw[0] >= 0x80 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
		return v, nil
	}
	return raw, nil
}
