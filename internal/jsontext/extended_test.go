package jsontext_test

import (
	"encoding/json"
	"testing"

	"tidemark/internal/jsontext"
)

// TestAppendPlain: values of extended JSON, in both forms and the older one, are plain ones.
func TestAppendPlain(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"$numberLong":"9007199254740993"}}`:                                   `{"a":9007199254740993}`,
		`{"a":{"$numberLong":7},"b":[{"$numberInt":"-5"}]}`:                          `{"a":7,"b":[-5]}`,
		`{"a":{"$numberDecimal":"12.50"},"b":{"$numberDecimal":"1E+3"}}`:             `{"a":12.50,"b":1E+3}`,
		`{"a":{"$numberDecimal":"NaN"},"b":{"$numberDouble":"Infinity"}}`:            `{"a":"NaN","b":"Infinity"}`,
		`{"a":{"$numberDouble":"1.5"}}`:                                              `{"a":1.5}`,
		`{"a":{"$numberDouble":"01"}}`:                                               `{"a":"01"}`,
		`{ "_id" : { "$oid" : "5b50b8b3a2c9a1b2c3d4e5f6" } }`:                        `{ "_id" : "5b50b8b3a2c9a1b2c3d4e5f6" }`,
		`{"a":{"$date":1795342530123}}`:                                              `{"a":"2026-11-22T10:15:30.123Z"}`,
		`{"a":{"$date":{"$numberLong":"-1"}}}`:                                       `{"a":"1969-12-31T23:59:59.999Z"}`,
		`{"a":{"$date":"2026-11-22T10:15:30Z"}}`:                                     `{"a":"2026-11-22T10:15:30Z"}`,
		`{"a":{"$date":99999999999999999}}`:                                          `{"a":99999999999999999}`,
		`{"a":{"$date":{"$numberLong":"99999999999999999999"}}}`:                     `{"a":99999999999999999999}`,
		`{"a":{"$date":1.5}}`:                                                        `{"a":1.5}`,
		`{"a":{"$binary":"AAE=","$type":"00"}}`:                                      `{"a":"AAE="}`,
		`{"a":{"$binary":{"base64":"AAE=","subType":"04"}}}`:                         `{"a":"AAE="}`,
		`{"a":{"$uuid":"3b241101-e2bb-4255-8caf-4136c566a962"},"b":{"$symbol":"x"}}`: `{"a":"3b241101-e2bb-4255-8caf-4136c566a962","b":"x"}`,
		// What is none of these stays.
		`{"a":{"$numberLong":"1","b":2}}`:         `{"a":{"$numberLong":"1","b":2}}`,
		`{"a":{"$timestamp":{"t":1,"i":2}}}`:      `{"a":{"$timestamp":{"t":1,"i":2}}}`,
		`{"a":"{\"$numberLong\":\"1\"}"}`:         `{"a":"{\"$numberLong\":\"1\"}"}`,
		`{"a":{"$numberLong":null}}`:              `{"a":{"$numberLong":null}}`,
		`{"a":{"$oid":{"x":1}}}`:                  `{"a":{"$oid":{"x":1}}}`,
		`{"a":{"$date":{"x":1}}}`:                 `{"a":{"$date":{"x":1}}}`,
		`{"a":{"$date":true}}`:                    `{"a":{"$date":true}}`,
		`{"a":{"$binary":{"base64":5}}}`:          `{"a":{"$binary":{"base64":5}}}`,
		`{"a":{"$binary":5}}`:                     `{"a":{"$binary":5}}`,
		`{"a":{"$x":{"$numberLong":"1"}},"$y":1}`: `{"a":{"$x":1},"$y":1}`,
		`{"$numberLong":"1"}`:                     `1`,
		`{"a":{"$numberLong":"1"`:                 `{"a":{"$numberLong":"1"`,
		`{"a":{"$numberLong`:                      `{"a":{"$numberLong`,
		`{"a":{"$`:                                `{"a":{"$`,
		`{"a":"\`:                                 `{"a":"\`,
		`{"$date":`:                               `{"$date":`,
		`{"$binary":`:                             `{"$binary":`,
		`{"$binary":{"base64":`:                   `{"$binary":{"base64":`,
		`{"$date":{"$numberLong":`:                `{"$date":{"$numberLong":`,
		`{"$date":{`:                              `{"$date":{`,
		`{"$oid":}`:                               `{"$oid":}`,
		``:                                        ``,
	} {
		if got := string(jsontext.AppendPlain([]byte("x"), []byte(text))); got != "x"+want {
			t.Errorf("%s: got %s, want %s", text, got[1:], want)
		}
	}
}

// FuzzAppendPlain: JSON stays JSON, and nothing is read twice: what comes out is as long as
// twice what went in, at most.
func FuzzAppendPlain(f *testing.F) {
	f.Add([]byte(`{"_id":{"$oid":"a"},"n":{"$numberLong":"1"},"d":{"$date":{"$numberLong":"5"}},"b":{"$binary":{"base64":"","subType":"00"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		out := jsontext.AppendPlain(nil, text)
		if json.Valid(text) && !json.Valid(out) {
			t.Errorf("%q became %q", text, out)
		}
		if len(out) > 3*len(text) {
			t.Errorf("%d bytes became %d", len(text), len(out))
		}
	})
}
