// Package cloudtest runs object-store servers for tests: gofakes3 in this process,
// and with scripts/stores, on free ports and in temporary folders, versitygw and
// MinIO (S3), fake-gcs-server (GCS), Azurite (Azure Blob) and S3Mock, which speaks S3
// and lets several racers win a put-if-absent.
//
// Each server has one empty bucket (or container), "lake", and is stopped when the
// test that started it ends. A test that needs a server and cannot have it fails; it
// is never skipped. The servers that are programs take the keys of Environ.
package cloudtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"tidemark/internal/scripttest"
)

// Bucket is the bucket, or container, that every server has.
const Bucket = "lake"

// account is the one that every emulator of Azure has, with its key.
const (
	account    = "devstoreaccount1"
	accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// AccessKey and SecretKey are those of the owner of every S3 server.
const (
	AccessKey = "tidemark"
	SecretKey = "tidemark-secret"
)

// Server is a running server.
type Server struct {
	Name     string // versitygw, minio, …
	Scheme   string // of its lakes: s3, gs or azblob
	Endpoint string // http://127.0.0.1:port, without a path
	Dir      string // of its data and its log; "" in this process

	t     testing.TB
	keeps bool // its data over an end
	port  int
}

// Versity starts the Versity S3 Gateway. It keeps its data.
func Versity(t testing.TB) *Server {
	return start(t, Server{Name: "versitygw", Scheme: "s3", keeps: true})
}

// MinIO starts MinIO. It keeps its data.
func MinIO(t testing.TB) *Server { return start(t, Server{Name: "minio", Scheme: "s3", keeps: true}) }

// FakeGCS starts fake-gcs-server, in memory.
func FakeGCS(t testing.TB) *Server { return start(t, Server{Name: "fakegcs", Scheme: "gs"}) }

// Azurite starts Azurite, in memory.
func Azurite(t testing.TB) *Server { return start(t, Server{Name: "azurite", Scheme: "azblob"}) }

// S3Mock starts the store that has to be refused.
func S3Mock(t testing.TB) *Server { return start(t, Server{Name: "s3mock", Scheme: "s3"}) }

func start(t testing.TB, s Server) *Server {
	t.Helper()
	s.t, s.Dir, s.port = t, t.TempDir(), scripttest.FreePorts(t, 1)
	t.Cleanup(s.end) // its data goes, too: no need for good order
	s.up()
	return &s
}

// Lake is the URL of a lake below prefix, which may be empty.
func (s *Server) Lake(prefix string) string { return s.LakeThrough(s.Endpoint, prefix) }

// LakeThrough is the same lake, reached through a proxy: http://127.0.0.1:port.
func (s *Server) LakeThrough(endpoint, prefix string) string {
	lake := fmt.Sprintf("%s://%s", s.Scheme, Bucket)
	if prefix != "" {
		lake += "/" + prefix
	}
	switch s.Scheme {
	case "gs":
		return fmt.Sprintf("%s?endpoint=%s&anonymous=true", lake, endpoint)
	case "azblob":
		return fmt.Sprintf("%s?account=%s&endpoint=%s/%s", lake, account, endpoint, account)
	default:
		return fmt.Sprintf("%s?region=us-east-1&endpoint=%s&path_style=true", lake, endpoint)
	}
}

// Kill ends the server at once, as a crash would, and waits for its end. It is for
// those that keep their data.
func (s *Server) Kill() {
	s.t.Helper()
	if !s.keeps {
		s.t.Fatalf("%s keeps nothing: it cannot be killed and come back", s.Name)
	}
	s.end()
}

// Restart brings it up again after Kill, with the data and the address that it had.
func (s *Server) Restart() {
	s.t.Helper()
	s.up()
}

func (s *Server) up() {
	s.t.Helper()
	out := s.run("up", "--port", strconv.Itoa(s.port))
	s.Endpoint = strings.TrimSpace(strings.TrimPrefix(out, "endpoint "))
}

func (s *Server) end() {
	s.t.Helper()
	s.run("kill")
}

func (s *Server) run(verb string, args ...string) string {
	s.t.Helper()
	return scripttest.Run(s.t, "stores", append([]string{verb, s.Name, "--dir", s.Dir}, args...)...)
}

// Environ is, as NAME=value, what a program needs to use any of the servers: the keys,
// and that no others are looked for on this machine.
func Environ() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + SecretKey,
		"AWS_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true",
		"GCE_METADATA_HOST=127.0.0.1:1", // nobody there: the library of Google's store asks whether this is a machine of Google's
		"AZURE_STORAGE_ACCOUNT=" + account,
		"AZURE_STORAGE_KEY=" + accountKey,
	}
}

// Setenv puts Environ into this process, for a TestMain.
func Setenv() {
	for _, pair := range Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
}
