package registry_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

// fake is franz-go's registry with a log of what it was asked, and a client of it whose
// clock stands still and whose waits take no time.
type fake struct {
	*srfake.Registry
	*registry.Client

	mu    sync.Mutex
	asked []string
	now   time.Time
}

func newFake(t *testing.T, change ...func(*registry.Config)) *fake {
	t.Helper()
	f := &fake{Registry: srfake.New(), now: time.Unix(1_000_000, 0)}
	t.Cleanup(f.Registry.Close)
	f.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, r.URL.Path)
		return false
	})
	conf := registry.Config{URLs: []string{f.URL()}, Now: func() time.Time { return f.now }, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, c := range change {
		c(&conf)
	}
	f.Client = open(t, conf)
	return f
}

// took returns what the registry was asked since the last call.
func (f *fake) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.asked
	f.asked = nil
	return out
}

func open(t *testing.T, conf registry.Config) *registry.Client {
	t.Helper()
	c, err := registry.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func id(n uint64) wire.ID { return wire.Number(wire.Confluent, n) }

// names are those of references, in order.
func names(s registry.Schema) string {
	var out []string
	for _, r := range s.References {
		out = append(out, fmt.Sprintf("%s=%s/%d", r.Name, r.Subject, r.Version))
	}
	return strings.Join(out, " ")
}

func ref(name, subject string, version int) sr.SchemaReference {
	return sr.SchemaReference{Name: name, Subject: subject, Version: version}
}

func TestSchemaOfEachType(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("a-value", 1, 1, sr.Schema{Schema: `"string"`})
	f.SeedSchema("j-value", 1, 2, sr.Schema{Schema: `{"type":"object"}`, Type: sr.TypeJSON})
	f.SeedSchema("p-value", 1, 3, sr.Schema{Schema: `syntax = "proto3"; message M {}`, Type: sr.TypeProtobuf})
	for n, want := range map[uint64]registry.Schema{
		1: {ID: id(1), Type: registry.Avro, Text: `"string"`},
		2: {ID: id(2), Type: registry.JSON, Text: `{"type":"object"}`},
		3: {ID: id(3), Type: registry.Protobuf, Text: `syntax = "proto3"; message M {}`},
	} {
		if s, ok := f.Lookup(id(n)); ok {
			t.Errorf("schema %d is known before anybody asked: %v", n, s)
		}
		got, err := f.Schema(t.Context(), id(n))
		if err != nil || got.ID != want.ID || got.Type != want.Type || got.Text != want.Text || len(got.References) != 0 {
			t.Errorf("schema %d is %v, %v, want %v", n, got, err, want)
		}
		if got, ok := f.Lookup(id(n)); !ok || got.Text != want.Text {
			t.Errorf("schema %d is not known afterwards: %v, %v", n, got, ok)
		}
	}
	f.took()
	if _, err := f.Schema(t.Context(), id(3)); err != nil || len(f.took()) > 0 {
		t.Errorf("what is known was asked for again, or not found: %v", err)
	}
	if got := testing.AllocsPerRun(100, func() { f.Lookup(id(3)) }); got != 0 {
		t.Errorf("a lookup allocates %v times, want none", got)
	}
}

// The deepest reference comes first, and each comes once.
func TestReferences(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("base", 1, 1, sr.Schema{Schema: `"base"`})
	f.SeedSchema("left", 1, 2, sr.Schema{Schema: `"left"`, References: []sr.SchemaReference{ref("a.Base", "base", 1)}})
	f.SeedSchema("right", 4, 3, sr.Schema{Schema: `"right"`, References: []sr.SchemaReference{ref("a.Base", "base", 1)}})
	f.SeedSchema("top-value", 1, 4, sr.Schema{Schema: `"top"`, References: []sr.SchemaReference{ref("a.Left", "left", 1), ref("a.Right", "right", 4)}})
	s, err := f.Schema(t.Context(), id(4))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(s), "a.Base=base/1 a.Left=left/1 a.Right=right/4"; got != want {
		t.Errorf("references %s, want %s", got, want)
	}
	if got, want := s.References[2].Text, `"right"`; got != want {
		t.Errorf("text %s, want %s", got, want)
	}
	if got, want := len(f.took()), 4; got != want {
		t.Errorf("%d requests, want %d", got, want)
	}
}

// K4, and references that lead nowhere: the schema is there and cannot be used.
func TestUnusable(t *testing.T) {
	many := make([]sr.SchemaReference, registry.MaxReferences+1)
	for i := range many {
		many[i] = ref(fmt.Sprint("n", i), "leaf", 1)
	}
	wide := strings.Repeat("x", registry.MaxText/2)
	for name, c := range map[string]struct {
		schema sr.Schema
		limit  bool
		why    string
	}{
		"type":          {why: "its type is"},
		"missing":       {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "nowhere", 1)}}, why: "does not have"},
		"no version":    {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "leaf", 0)}}, why: "no name of a schema"},
		"no subject":    {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "..", 1)}}, why: "no name of a schema"},
		"circle":        {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "ring", 1)}}, why: "refers back"},
		"two meanings":  {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "leaf", 1), ref("n", "other", 1)}}, why: "in one place"},
		"many":          {schema: sr.Schema{Schema: `"x"`, References: many}, limit: true, why: "more than 64"},
		"deep":          {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("n", "deep", 1)}}, limit: true, why: "more than 16 deep"},
		"large, in all": {schema: sr.Schema{Schema: wide, References: []sr.SchemaReference{ref("a", "wide", 1), ref("b", "wide", 2)}}, limit: true, why: "larger than 1 MiB"},
		"large":         {schema: sr.Schema{Schema: wide + wide + wide}, limit: true, why: "larger than 1 MiB"},
		"large, in one": {schema: sr.Schema{Schema: `"x"`, References: []sr.SchemaReference{ref("a", "huge", 1)}}, limit: true, why: "larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			// franz-go's registry takes no broken ones: these are answered before it is asked.
			answers := map[string]sr.SubjectSchema{"/schemas/ids/1": {Schema: c.schema}}
			seed := func(subject string, version int, text string, refs ...sr.SchemaReference) {
				answers[fmt.Sprintf("/subjects/%s/versions/%d", subject, version)] = sr.SubjectSchema{Subject: subject, Version: version, Schema: sr.Schema{Schema: text, References: refs}}
			}
			seed("leaf", 1, `"leaf"`)
			seed("other", 1, `"other"`)
			seed("ring", 1, `"ring"`, ref("r", "ring2", 1))
			seed("ring2", 1, `"ring2"`, ref("q", "ring", 1))
			for i := range 20 {
				seed(deep(i), 1, `"deep"`, ref(fmt.Sprint("d", i), deep(i+1), 1))
			}
			seed("wide", 1, wide)
			seed("wide", 2, wide+"y")
			seed("huge", 1, wide+wide+"y")
			f.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				switch answer, ok := answers[r.URL.Path]; {
				case ok && c.schema.Schema == "":
					fmt.Fprint(w, `{"schema":"<xs/>","schemaType":"XML"}`)
					return true
				case ok:
					_ = json.NewEncoder(w).Encode(answer)
					return true
				}
				return false
			})
			s, err := f.Schema(t.Context(), id(1))
			unusable := (*registry.UnusableError)(nil)
			if !errors.As(err, &unusable) || unusable.Limit != c.limit || !strings.Contains(unusable.Why, c.why) || unusable.What != "schema 1" {
				t.Fatalf("%v, %v, want one that cannot be used: %s", s, err, c.why)
			}
			if got, most := len(f.took()), 2+registry.MaxReferences+registry.MaxDepth; got > most {
				t.Errorf("%d requests, want %d at most", got, most)
			}
			if _, again := f.Schema(t.Context(), id(1)); !errors.Is(again, err) || len(f.took()) > 0 {
				t.Errorf("it was asked for again within a minute: %v", again)
			}
		})
	}
}

func deep(i int) string {
	if i == 0 {
		return "deep"
	}
	return fmt.Sprint("deep", i)
}

// K3: that there is none is believed for a minute.
func TestNotFoundForAMinute(t *testing.T) {
	f := newFake(t)
	for _, missing := range []wire.ID{id(5), id(1 << 31), wire.NewGUID([16]byte{1}), {}} {
		_, err := f.Schema(t.Context(), missing)
		if none := (*registry.NotFoundError)(nil); !errors.As(err, &none) {
			t.Errorf("%v: %v, want a NotFoundError", missing, err)
		}
	}
	if got := f.took(); len(got) != 2 {
		t.Errorf("it was asked %v, want no request for what no registry gives out", got)
	}
	f.SeedSchema("s", 1, 5, sr.Schema{Schema: `"int"`})
	f.now = f.now.Add(time.Minute - time.Nanosecond)
	if _, err := f.Schema(t.Context(), id(5)); err == nil || len(f.took()) > 0 {
		t.Errorf("it was asked for again within a minute: %v", err)
	}
	f.now = f.now.Add(time.Nanosecond)
	if s, err := f.Schema(t.Context(), id(5)); err != nil || s.Text != `"int"` {
		t.Errorf("after a minute: %v, %v", s, err)
	}
}

// K2, K3: ten thousand ids in one topic are each asked for once, and all are kept.
func TestTenThousandIDs(t *testing.T) {
	const ids = 10_000
	text := strings.Repeat("x", 2000)
	s, asked := server(t, body(`{"schema":"`+text+`"}`))
	client := open(t, registry.Config{URLs: []string{s.URL}})
	for range 2 {
		for i := range uint64(ids) {
			if _, err := client.Schema(t.Context(), id(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := asked.Load(), int32(ids); got != want {
		t.Errorf("%d requests, want %d", got, want)
	}
	// With less room than they need, what is kept stays within it.
	small := open(t, registry.Config{URLs: []string{s.URL}, Bytes: 100 * 1000})
	known := 0
	for i := range uint64(1000) {
		if _, err := small.Schema(t.Context(), id(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(1000) {
		if _, ok := small.Lookup(id(i)); ok {
			known++
		}
	}
	if known == 0 || known > 50 {
		t.Errorf("%d schemas of 2,000 bytes are kept in 100,000", known)
	}
}

// K3: a hundred who want an id make one request.
func TestSingleFlight(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("s", 1, 1, sr.Schema{Schema: `"int"`})
	arrived, release := make(chan struct{}, 200), make(chan struct{})
	f.Intercept(func(http.ResponseWriter, *http.Request) bool {
		arrived <- struct{}{}
		<-release
		return false
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if s, err := f.Schema(t.Context(), id(1)); err != nil || s.Text != `"int"` {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
	<-arrived
	if _, ok := f.Lookup(id(1)); ok {
		t.Error("it is known before the answer is there")
	}
	// Whoever gives up waiting takes nothing from the others.
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the table is gone")
	cancel(why)
	away := (*registry.UnavailableError)(nil)
	if _, err := f.Schema(ctx, id(1)); !errors.As(err, &away) || !errors.Is(err, why) {
		t.Errorf("%v, want an UnavailableError with the cause", err)
	}
	close(release)
	all.Wait()
	if got := f.took(); len(got) != 1 {
		t.Errorf("%d requests, want one", len(got))
	}
}

// Whoever asked first and goes away leaves the work to another one who waits.
func TestLeaderGoesAway(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("s", 1, 1, sr.Schema{Schema: `"int"`})
	arrived, release := make(chan struct{}, 8), make(chan struct{})
	f.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return false
	})
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := f.Schema(ctx, id(1)); first <- err }()
	<-arrived
	go func() { _, err := f.Schema(t.Context(), id(1)); second <- err }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first one gets %v, want its context's end", err)
	}
	<-arrived
	close(release)
	if err := <-second; err != nil {
		t.Errorf("the second one gets %v", err)
	}
}

func TestSubjects(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("tx/é %-value", 1, 1, sr.Schema{Schema: `"int"`})
	f.SeedSchema("other", 2, 9, sr.Schema{Schema: `"int"`})
	f.SeedSchema("tx/é %-value", 3, 2, sr.Schema{Schema: `"long"`, References: []sr.SchemaReference{ref("n", "other", 2)}})
	const subject = "tx/é %-value"
	if got, err := f.Versions(t.Context(), subject); err != nil || !slices.Equal(got, []int{1, 3}) {
		t.Errorf("versions %v, %v, want 1 and 3", got, err)
	}
	v, err := f.Latest(t.Context(), subject)
	if err != nil || v.Version != 3 || v.Subject != subject || v.Schema.ID != id(2) || v.Schema.Text != `"long"` || names(v.Schema) != "n=other/2" {
		t.Errorf("latest is %v, %v", v, err)
	}
	if v, err := f.Version(t.Context(), subject, 1); err != nil || v.Version != 1 || v.Schema.ID != id(1) {
		t.Errorf("version 1 is %v, %v", v, err)
	}
	uses, err := f.Uses(t.Context(), id(1))
	if want := []registry.Use{{subject, 1}}; err != nil || !slices.Equal(uses, want) {
		t.Errorf("uses %v, %v, want %v", uses, err, want)
	}
	for name, ask := range map[string]func() error{
		"versions":        func() error { _, err := f.Versions(t.Context(), "none"); return err },
		"latest":          func() error { _, err := f.Latest(t.Context(), "none"); return err },
		"version":         func() error { _, err := f.Version(t.Context(), subject, 9); return err },
		"version 0":       func() error { _, err := f.Version(t.Context(), subject, 0); return err },
		"a way out":       func() error { _, err := f.Latest(t.Context(), ".."); return err },
		"no subject":      func() error { _, err := f.Versions(t.Context(), ""); return err },
		"uses":            func() error { _, err := f.Uses(t.Context(), id(99)); return err },
		"uses of nothing": func() error { _, err := f.Uses(t.Context(), wire.ID{}); return err },
	} {
		if none := (*registry.NotFoundError)(nil); !errors.As(ask(), &none) {
			t.Errorf("%s: %v, want a NotFoundError", name, ask())
		}
	}
}

// A GUID is looked up as one, and its uses by the id that it has.
func TestGUID(t *testing.T) {
	f := newFake(t)
	f.SeedSchema("s", 1, 7, sr.Schema{Schema: `"int"`})
	plain, err := sr.NewClient(sr.URLs(f.URL()))
	if err != nil {
		t.Fatal(err)
	}
	seeded, err := plain.SchemaByVersion(t.Context(), "s", 1)
	if err != nil || seeded.GUID == "" {
		t.Fatalf("%v, %v", seeded, err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(seeded.GUID, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	guid := wire.NewGUID([16]byte(b))
	if got, want := guid.String(), seeded.GUID; got != want {
		t.Fatalf("GUID %s, want %s", got, want)
	}
	if s, err := f.Schema(t.Context(), guid); err != nil || s.Text != `"int"` || s.ID != guid {
		t.Errorf("%v, %v", s, err)
	}
	if uses, err := f.Uses(t.Context(), guid); err != nil || !slices.Equal(uses, []registry.Use{{"s", 1}}) {
		t.Errorf("uses %v, %v", uses, err)
	}
}

// Credentials reach the registry, renewed each time.
func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	secret := func() (string, error) { b, err := os.ReadFile(file); return string(b), err }
	for name, c := range map[string]struct {
		conf registry.Config
		want string
	}{
		"basic":  {registry.Config{Username: "me", Password: secret}, "Basic bWU6czE="},
		"bearer": {registry.Config{Token: secret}, "Bearer s1"},
	} {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header.Get("Authorization"))
			_ = json.NewEncoder(w).Encode(map[string]string{"schema": `"int"`})
		}))
		c.conf.URLs = []string{s.URL}
		c.conf.Wait = func(context.Context, time.Duration) error { return os.WriteFile(file, []byte("s1"), 0o600) } // mounted late
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
		client := open(t, c.conf)
		if _, err := client.Schema(t.Context(), id(1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: it was sent %q, want %q", name, got, c.want)
		}
		s.Close()
	}
}

func TestNewRefuses(t *testing.T) {
	text := func() (string, error) { return "hunter2", nil }
	for name, conf := range map[string]registry.Config{
		"no url":     {},
		"no address": {URLs: []string{"localhost:8081"}},
		"a user":     {URLs: []string{"http://me:hunter2@localhost:8081"}},
		"parameters": {URLs: []string{"http://localhost:8081/?key=hunter2"}},
		"not a url":  {URLs: []string{"http://me:hunter2@local host"}},
		"both":       {URLs: []string{"http://localhost:8081"}, Username: "me", Password: text, Token: text},
		"authority":  {URLs: []string{"http://localhost:8081"}, TLS: registry.TLS{CAFile: "/nowhere"}},
		"cert":       {URLs: []string{"http://localhost:8081"}, TLS: registry.TLS{CertFile: "/nowhere", KeyFile: "/nowhere"}},
	} {
		if _, err := registry.New(conf); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want an error without the secret", name, err)
		}
	}
}
