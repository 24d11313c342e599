package faultproxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tidemark/internal/faultproxy"
)

// TestOps wants each request of the three dialects to have the name of what it asks
// for, the key of its object, and a refusal in its own dialect.
func TestOps(t *testing.T) {
	const (
		azure = "x-ms-version: 2026-01-01"
		copyS = "x-amz-copy-source: /lake/staged"
		copyA = azure + "\nx-ms-copy-source: http://h/a/lake/staged"
	)
	for _, test := range []struct {
		request string // method and target
		headers string
		want    string // op and path
	}{
		{"PUT /lake/p/a%20b.json", "", "PUT p/a b.json"},
		{"PUT /lake/p/x?x-id=CopyObject", copyS, "COPY p/x"},
		{"PUT /lake/p/x?partNumber=1&uploadId=u", "", "UPLOAD-PART p/x"},
		{"PUT /lake/p/x?partNumber=1&uploadId=u", copyS, "UPLOAD-PART p/x"},
		{"POST /lake/p/x?uploads", "", "CREATE-MULTIPART p/x"},
		{"POST /lake/p/x?uploadId=u", "", "COMPLETE p/x"},
		{"DELETE /lake/p/x?uploadId=u", "", "ABORT-MULTIPART p/x"},
		{"GET /lake?list-type=2&prefix=p%2Fledger%2F", "", "LIST p/ledger/"},
		{"GET /lake/?list-type=2&prefix=p", "", "LIST p"},
		{"HEAD /lake/p/x", "", "HEAD p/x"},
		{"HEAD /lake", "", "HEAD "},
		{"GET /lake/p/x", "", "GET p/x"},
		{"DELETE /lake/p/x", "", "DELETE p/x"},

		{"POST /upload/storage/v1/b/lake/o?uploadType=multipart&name=p%2Fx&ifGenerationMatch=0", "", "PUT p/x"},
		{"POST /upload/storage/v1/b/lake/o?uploadType=resumable&name=p%2Fx", "", "CREATE-MULTIPART p/x"},
		{"PUT /upload/storage/v1/b/lake/o?uploadType=resumable&name=p/x&upload_id=7", "Content-Range: bytes 0-9/*", "UPLOAD-PART p/x"},
		{"PUT /upload/storage/v1/b/lake/o?uploadType=resumable&name=p/x&upload_id=7", "Content-Range: bytes 0-9/10", "COMPLETE p/x"},
		{"DELETE /upload/storage/v1/b/lake/o?upload_id=7&name=p/x", "", "ABORT-MULTIPART p/x"},
		{"POST /storage/v1/b/lake/o/p%2Fstaged/rewriteTo/b/lake/o/p%2Fx", "", "COPY p/x"},
		{"POST /storage/v1/b/lake/o/p%2Fstaged/copyTo/b/lake/o/p%2Fx", "", "COPY p/x"},
		{"POST /storage/v1/b/lake/o/p%2Fx/compose", "", "COMPOSE p/x"},
		{"GET /storage/v1/b/lake/o?prefix=p%2F&delimiter=", "", "LIST p/"},
		{"GET /storage/v1/b/lake/o/p%2Fx?alt=json&projection=full", "", "HEAD p/x"},
		{"GET /storage/v1/b/lake/o/p%2Fx?alt=media", "", "GET p/x"},
		{"GET /download/storage/v1/b/lake/o/p%2Fx?alt=media", "", "GET p/x"},
		{"GET /storage/v1/b/lake?alt=json", "", "HEAD "},
		{"DELETE /storage/v1/b/lake/o/p%2Fx?alt=json", "", "DELETE p/x"},

		{"PUT /account/lake/p/x", azure + "\nx-ms-blob-type: BlockBlob", "PUT p/x"},
		{"PUT /account/lake/p/x?comp=block&blockid=1", azure, "UPLOAD-PART p/x"},
		{"PUT /account/lake/p/x?comp=blocklist", azure, "COMPLETE p/x"},
		{"PUT /account/lake/p/x", copyA, "COPY p/x"},
		{"GET /account/lake?restype=container&comp=list&prefix=p%2F", azure, "LIST p/"},
		{"HEAD /account/lake/p/x", azure, "HEAD p/x"},
		{"GET /account/lake/p/x", azure, "GET p/x"},
		{"GET /account/lake?restype=container", azure, "GET "},
		{"DELETE /account/lake/p/x", azure, "DELETE p/x"},
		{"GET /", "", "LIST "},
	} {
		s, p, client := open(t, func(faultproxy.Point) faultproxy.Action { return faultproxy.Throttle })
		method, target, _ := strings.Cut(test.request, " ")
		req, err := http.NewRequest(method, p.Endpoint+target, strings.NewReader("body"))
		must(t, err)
		for line := range strings.Lines(test.headers) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		must(t, err)
		must(t, resp.Body.Close())
		if got, want := fmt.Sprint(p.Seen()), fmt.Sprintf("[{http %s 1 false}]", test.want); got != want {
			t.Errorf("%s: got %s, want %s", test.request, got, want)
		}
		want := map[bool]int{true: http.StatusTooManyRequests, false: http.StatusServiceUnavailable}[strings.Contains(target, "/storage/v1/")]
		if got := resp.StatusCode; got != want {
			t.Errorf("%s: throttled with %d, want %d", test.request, got, want)
		}
		if got := resp.Header.Get("x-ms-error-code"); (got != "") != strings.Contains(test.headers, azure) {
			t.Errorf("%s: error code of Azure is %q", test.request, got)
		}
		if got := s.requests(); len(got) != 0 {
			t.Errorf("the server got %q", got)
		}
	}
}
