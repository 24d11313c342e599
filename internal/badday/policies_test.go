package badday_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/goccy/go-yaml"

	"tidemark/internal/cloudtest"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/store/bucket"
)

// testPolicies gives users the rights of examples/policies on a real gateway. With
// those of s3-ingest.json the whole main job is done, and the server refuses what the
// policy does not name, whatever asks for it.
func testPolicies(t *testing.T, h *house) {
	t.Run("versitygw", func(t *testing.T) { h.policies(t, cloudtest.Versity(t)) })
	if *long {
		t.Run("minio", func(t *testing.T) { h.policies(t, cloudtest.MinIO(t)) })
	}
}

func (h *house) policies(t *testing.T, s *cloudtest.Server) {
	const prefix = "banks/lake"
	users := s.Grant(map[string][]byte{
		"ingest": policy(t, "s3-ingest.json", prefix), "reader": policy(t, "s3-read.json", prefix), "vacuum": policy(t, "s3-vacuum.json", prefix),
	})
	seen := watch(t, s.Endpoint)
	tp := h.newTopic(t, "policies-"+s.Name, 2)
	tp.produce(200)
	j := h.newJob(t, tp)
	j.set.lake = s.LakeThrough(seen.endpoint, prefix)
	j.set.maxRows = 2 // more than a hundred records: a checkpoint

	t.Run("ingest", func(t *testing.T) {
		j := j.as(t, users["ingest"])
		j.run(0, []string{"check", "-c", j.config()})
		p := j.start(j.stream())
		j.awaitDecided(20, p)
		must(t, p.cmd.Process.Kill())
		<-p.done
		j.run(0, j.drain())
		tp.produce(20)
		j.run(0, j.drain())
		j.mirror(s.Lake(prefix))
		j.lake.holds(t, tp.sent)
		j.run(0, []string{"status", "-c", j.config()})
		j.run(0, []string{"vacuum", "-c", j.config()})
		stageLarge(t, users["ingest"], j.set.lake)
		left, err := s.Client(cloudtest.Owner()).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(cloudtest.Bucket)})
		must(t, err)
		for _, u := range left.Uploads {
			t.Errorf("parts of %s are left", *u.Key)
		}
	})
	t.Run("reader", func(t *testing.T) {
		j := j.as(t, users["reader"])
		j.verify()
		j.run(0, []string{"status", "-c", j.config()})
		j.run(0, []string{"vacuum", "-c", j.config()})
		tp.produce(1)
		for _, args := range [][]string{j.drain(), {"vacuum", "-c", j.config(), "--yes"}} {
			says(t, j.run(1, args), "403 AccessDenied")
		}
	})
	t.Run("vacuum", func(t *testing.T) {
		j := j.as(t, users["vacuum"])
		if out := j.output("vacuum", "-c", j.config(), "--yes"); !strings.Contains(out, "removed from staging") {
			t.Errorf("vacuum removed nothing:\n%s", out)
		}
	})
	t.Run("ingest after that", func(t *testing.T) {
		j := j.as(t, users["ingest"])
		j.run(0, j.drain())
		j.run(0, []string{"vacuum", "-c", j.config(), "--yes"})
		j.verify()
		j.mirror(s.Lake(prefix))
		j.lake.holds(t, tp.sent)
	})
	t.Run("refusals", func(t *testing.T) { refusals(t, s, users, prefix) })
	t.Run("conditions", func(t *testing.T) { seen.conditional(t, prefix) })
}

// policy is a file of examples/policies for our bucket.
func policy(t *testing.T, name, prefix string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "policies", name))
	must(t, err)
	return []byte(strings.NewReplacer("BUCKET", cloudtest.Bucket, "PREFIX", prefix).Replace(string(text)))
}

// as is the job with the keys of a user, and with more of an environment, as NAME=value.
// The program is wrapped, for tests set the owner's keys in the environment of all that
// they start.
func (j *job) as(t *testing.T, u cloudtest.User, environ ...string) *job {
	t.Helper()
	own := *j
	own.t, own.dir, own.log = t, t.TempDir(), newJournal()
	own.lake = lake(filepath.Join(own.dir, "lake"))
	own.program = filepath.Join(own.dir, "as-a-user")
	environ = append(u.Environ(), environ...)
	script := "#!/bin/sh\nexport '" + strings.Join(environ, "' '") + "'\nexec '" + j.program + "' \"$@\"\n"
	must(t, os.WriteFile(own.program, []byte(script), 0o700))
	return &own
}

// output is what a command that ends well writes to stdout.
func (j *job) output(args ...string) string {
	j.t.Helper()
	p := j.start(args)
	p.ends(0)
	return p.stdout.String()
}

// stageLarge stages files that are sent in parts: one to its end, one that is given up.
// Neither is published.
func stageLarge(t *testing.T, u cloudtest.User, url string) {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(keys, fmt.Appendf(nil, "[user]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", u.AccessKey, u.SecretKey, u.Token), 0o600))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", keys)
	b, err := bucket.Open(t.Context(), url+"&profile=user")
	must(t, err)
	defer b.Close()
	data := bytes.Repeat([]byte("large "), 2<<20)
	for i, end := range []func(store.Staged) error{
		func(f store.Staged) error { return f.Finish(t.Context()) },
		store.Staged.Abort,
	} {
		key := ledger.StagingDir(table, fmt.Sprintf("large-%d", i)) + "/main"
		f, err := b.Stage(t.Context(), key)
		must(t, err)
		_, err = f.Write(data)
		must(t, err)
		must(t, end(f))
	}
}

// refusals: what no policy names is refused by the server, and nothing has changed.
func refusals(t *testing.T, s *cloudtest.Server, users map[string]cloudtest.User, prefix string) {
	owner := s.Client(cloudtest.Owner())
	listed, err := owner.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(cloudtest.Bucket)})
	must(t, err)
	first := func(part string) string {
		for _, o := range listed.Contents {
			if strings.HasPrefix(*o.Key, prefix+"/"+part) {
				return *o.Key
			}
		}
		t.Fatalf("nothing begins with %s", part)
		return ""
	}
	record, checkpoint, file := first("_tidemark/transactions/ledger/"), first("_tidemark/transactions/checkpoint/"), first("transactions/")
	probe := prefix + "/_tidemark/probe/result.json"
	beside := "others/object"
	put(t, owner, beside)
	for name, u := range users {
		c := s.Client(u)
		for _, key := range []string{record, checkpoint, file, probe, beside, prefix, "banks/lake2/object"} {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &key})
			refused(t, err, "%s deletes %s", name, key)
		}
		for _, key := range []string{beside, "banks/lake2/object", "_tidemark/transactions/ledger/x"} {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &key, Body: strings.NewReader("x")})
			refused(t, err, "%s writes %s", name, key)
		}
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &beside})
		refused(t, err, "%s reads %s", name, beside)
		_, err = c.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(cloudtest.Bucket)})
		refused(t, err, "%s takes the policy away", name)
		if name == "ingest" {
			continue
		}
		for _, key := range []string{record, file, prefix + "/new", prefix + "/_tidemark/transactions/staging/x/main"} {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &key, Body: strings.NewReader("x")})
			refused(t, err, "%s writes %s", name, key)
		}
	}
	_, err = s.Client(users["vacuum"]).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &file})
	refused(t, err, "vacuum reads rows")
	staged := prefix + "/_tidemark/transactions/staging/x/main"
	put(t, owner, staged)
	_, err = s.Client(users["reader"]).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &staged})
	refused(t, err, "reader deletes what is staged")
	_, err = s.Client(users["ingest"]).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &staged})
	must(t, err)
}

func put(t *testing.T, c *s3.Client, key string) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(cloudtest.Bucket), Key: &key, Body: strings.NewReader(key)})
	must(t, err)
}

// refused fails unless the server answered 403.
func refused(t *testing.T, err error, format string, args ...any) {
	t.Helper()
	answer := new(awshttp.ResponseError)
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf(format+": %v, want a refusal", append(args, err)...)
	}
}

// watched is a proxy before a server that keeps what is asked of it.
type watched struct {
	endpoint string
	mu       sync.Mutex
	requests []*http.Request // without bodies
}

func watch(t *testing.T, upstream string) *watched {
	t.Helper()
	to, err := url.Parse(upstream)
	must(t, err)
	w := &watched{}
	transport := &http.Transport{}
	forward := &httputil.ReverseProxy{
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0), // clients are killed
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r.Clone(t.Context()))
		w.mu.Unlock()
		forward.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	w.endpoint = server.URL
	return w
}

// conditional fails unless s3-bucket.json, which only Amazon evaluates, would have let
// all of it pass: what makes an object below its resources says that none may be there.
// Copies are made where it does not look.
func (w *watched) conditional(t *testing.T, prefix string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	guarded := guarded(t, prefix)
	made := map[string]int{}
	for _, r := range w.requests {
		q := r.URL.Query()
		creates := r.Method == http.MethodPut && !q.Has("partNumber") || r.Method == http.MethodPost && q.Has("uploadId")
		copies := r.Header.Get("X-Amz-Copy-Source") != ""
		i := slices.IndexFunc(guarded, func(g *regexp.Regexp) bool { return g.MatchString(r.URL.Path) })
		switch {
		case !creates:
		case i < 0 && !copies:
			t.Errorf("%s %s makes an object where s3-bucket.json does not look", r.Method, r.URL.Path)
		case i >= 0 && (copies || r.Header.Get("If-None-Match") != "*"):
			t.Errorf("%s %s has no If-None-Match: s3-bucket.json would refuse it", r.Method, r.URL.Path)
		case i >= 0:
			made[fmt.Sprintf("%s %d", r.Method, i)]++
		}
	}
	t.Logf("figures: %d requests, of these that make objects, by statement: %v", len(w.requests), made)
	for _, want := range []string{"PUT 0", "PUT 1", "PUT 2", "POST 2", "PUT 3"} { // records, checkpoints, staging, in parts, the probe
		if made[want] == 0 {
			t.Errorf("no object was made by %s: %v", want, made)
		}
	}
}

// guarded are the objects that s3-bucket.json lets be made once.
func guarded(t *testing.T, prefix string) (out []*regexp.Regexp) {
	t.Helper()
	var doc struct {
		Statement []struct {
			Resource  []string                     `json:"Resource"`
			Condition map[string]map[string]string `json:"Condition"`
		} `json:"Statement"`
	}
	must(t, json.Unmarshal(policy(t, "s3-bucket.json", prefix), &doc))
	first := doc.Statement[0]
	if first.Condition["Null"]["s3:if-none-match"] != "true" {
		t.Fatalf("the first statement has the condition %v", first.Condition)
	}
	for _, r := range first.Resource {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimPrefix(r, "arn:aws:s3:::")), `\*`, ".*")
		out = append(out, regexp.MustCompile("^/"+pattern+"$"))
	}
	return out
}

// TestPolicyFiles: what no server here evaluates is at least what it says: no file gives
// a right to delete but for what is staged, and readers get no right to write.
func TestPolicyFiles(t *testing.T) {
	files, err := filepath.Glob("../../examples/policies/*")
	must(t, err)
	if len(files) < 10 {
		t.Fatalf("only %d files", len(files))
	}
	deletes := regexp.MustCompile(`s3:DeleteObject|blobs/delete|storage\.objects\.delete`)
	writes := regexp.MustCompile(`s3:(Put|Delete|\*)|blobs/(write|add|delete)|storage\.objects\.(create|update|delete)`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		name, text := filepath.Base(file), regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(data), "")
		var doc map[string]any
		switch filepath.Ext(name) {
		case ".json":
			must(t, json.Unmarshal(data, &doc))
		case ".yaml":
			must(t, yaml.Unmarshal(data, &doc))
		}
		if strings.Contains(name, "-read") && writes.MatchString(text) {
			t.Errorf("%s lets readers write: %s", name, writes.FindString(text))
		}
		switch name {
		case "azure-ingest-role.json", "azure-ingest-condition.txt", "gcs-staging-role.yaml", "s3-bucket.json": // seen below; it denies
		default:
			for rest := range strings.SplitSeq(text, `"Sid"`) { // a statement
				if deletes.MatchString(rest) && !strings.Contains(rest, "_tidemark/*/staging/*") {
					t.Errorf("%s lets somebody delete what is not staged:\n%s", name, rest)
				}
			}
		}
	}
	for name, want := range map[string]string{
		"azure-ingest-condition.txt": `(?s)^\(\s*\(\s*!\(ActionMatches\{'[^']*/blobs/delete'\}\)\s*\)\s*OR\s*\(\s*@Resource\[[^]]*/blobs:path\] StringLike 'banks/_tidemark/\*/staging/\*'\s*\)\s*\)\s*AND\s*\(`,
		"gcs-staging-condition.yaml": `resource\.name\.startsWith\("projects/_/buckets/lake/objects/banks/_tidemark/TABLE/staging/"\)\)\n$`,
		"gcs-staging-role.yaml":      `includedPermissions:\n  - storage\.objects\.delete\n$`,
	} {
		if text := policy(t, name, "banks"); !regexp.MustCompile(want).Match(text) {
			t.Errorf("%s is not what docs/security.md says:\n%s", name, text)
		}
	}
}
