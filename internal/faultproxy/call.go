package faultproxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// dialect is whose protocol a request speaks.
type dialect uint8

const (
	s3 dialect = iota // and the XML half of Google's
	gcs
	azure
)

// call is what a request to an object store asks for.
type call struct {
	dialect  dialect
	op, path string
	head     bool   // its answer has no body
	host     string // what the client calls the server
}

func callOf(r *http.Request) call {
	q := r.URL.Query()
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	var c call
	switch {
	case r.Header.Get("x-ms-version") != "":
		c = azureCall(r, q, parts)
	case len(parts) > 2 && (parts[0] == "storage" || parts[0] == "upload" || parts[0] == "download") && (parts[1] == "v1" || parts[1] == "storage"):
		c = gcsCall(r, q, parts)
	default:
		c = s3Call(r, q, parts)
	}
	c.head, c.host = r.Method == http.MethodHead, r.Host
	return c
}

// s3Call reads /BUCKET/KEY.
func s3Call(r *http.Request, q url.Values, parts []string) call {
	c := call{dialect: s3, op: r.Method, path: join(parts[1:])}
	switch {
	case r.Method == http.MethodPut && q.Has("partNumber"):
		c.op = "UPLOAD-PART"
	case r.Method == http.MethodPut && r.Header.Get("x-amz-copy-source") != "":
		c.op = "COPY"
	case r.Method == http.MethodPost && q.Has("uploads"):
		c.op = "CREATE-MULTIPART"
	case r.Method == http.MethodPost && q.Has("uploadId"):
		c.op = "COMPLETE"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		c.op = "ABORT-MULTIPART"
	case r.Method == http.MethodGet && c.path == "":
		c.op, c.path = "LIST", q.Get("prefix")
	}
	return c
}

// gcsCall reads [upload/ or download/]storage/v1/b/BUCKET/o/OBJECT. An object's name is
// one part, escaped; that of an upload stands in the query.
func gcsCall(r *http.Request, q url.Values, parts []string) call {
	c := call{dialect: gcs, op: r.Method}
	upload := parts[0] == "upload"
	if parts[0] != "storage" {
		parts = parts[1:]
	}
	parts = parts[min(4, len(parts)):] // storage, v1, b, BUCKET
	switch {
	case len(parts) > 1:
		c.path = join(parts[1:2])
	case upload:
		c.path = q.Get("name")
	}
	switch {
	case upload && r.Method == http.MethodPost && q.Get("uploadType") == "resumable":
		c.op = "CREATE-MULTIPART"
	case upload && r.Method == http.MethodPost:
		c.op = "PUT"
	case upload && r.Method == http.MethodPut:
		c.op = "UPLOAD-PART"
		if known := r.Header.Get("Content-Range"); known != "" && !strings.HasSuffix(known, "/*") {
			c.op = "COMPLETE" // the size of the whole is known with the last part
		}
	case upload && r.Method == http.MethodDelete:
		c.op = "ABORT-MULTIPART"
	case len(parts) == 7 && (parts[2] == "rewriteTo" || parts[2] == "copyTo"):
		c.op, c.path = "COPY", join(parts[6:])
	case len(parts) == 3 && parts[2] == "compose":
		c.op = "COMPOSE"
	case r.Method == http.MethodGet && len(parts) > 0 && c.path == "":
		c.op, c.path = "LIST", q.Get("prefix")
	case r.Method == http.MethodGet && q.Get("alt") != "media":
		c.op = "HEAD" // what is known of the object, or of the bucket
	}
	return c
}

// azureCall reads /ACCOUNT/CONTAINER/BLOB.
func azureCall(r *http.Request, q url.Values, parts []string) call {
	c := call{dialect: azure, op: r.Method, path: join(parts[min(2, len(parts)):])}
	switch {
	case r.Method == http.MethodPut && q.Get("comp") == "block":
		c.op = "UPLOAD-PART"
	case r.Method == http.MethodPut && q.Get("comp") == "blocklist":
		c.op = "COMPLETE"
	case r.Method == http.MethodPut && r.Header.Get("x-ms-copy-source") != "":
		c.op = "COPY"
	case r.Method == http.MethodGet && q.Get("restype") == "container" && q.Get("comp") == "list":
		c.op, c.path = "LIST", q.Get("prefix")
	}
	return c
}

func join(parts []string) string {
	joined := strings.Join(parts, "/")
	if plain, err := url.PathUnescape(joined); err == nil {
		return plain
	}
	return joined
}

// refuse answers as the server would that is broken, or that is asked too often.
func (c call) refuse(w http.ResponseWriter, throttle bool) {
	status, code := http.StatusInternalServerError, "InternalError"
	var body string
	switch c.dialect {
	case s3:
		if throttle {
			status, code = http.StatusServiceUnavailable, "SlowDown"
		}
		w.Header().Set("Content-Type", "application/xml")
		body = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>injected fault</Message></Error>", code)
	case gcs:
		code = "backendError"
		if throttle {
			status, code = http.StatusTooManyRequests, "rateLimitExceeded"
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		body = fmt.Sprintf(`{"error":{"code":%d,"message":"injected fault","errors":[{"reason":%q,"message":"injected fault"}]}}`, status, code)
	case azure:
		if throttle {
			status, code = http.StatusServiceUnavailable, "ServerBusy"
		}
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("x-ms-error-code", code)
		body = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Error><Code>%s</Code><Message>injected fault</Message></Error>", code)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if !c.head {
		_, _ = w.Write([]byte(body))
	}
}
