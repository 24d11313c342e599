package badday_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/scripttest"
)

// testPlanted plants secrets wherever an operator writes one, by right or by mistake,
// and looks for them in all that the program says and leaves: stdout, stderr at its most
// talkative, every page of its port, every object of the lake. It looks in runs that go
// well and in runs that do not.
func testPlanted(t *testing.T, h *house) {
	s := cloudtest.Versity(t)
	user := s.Grant(map[string][]byte{"planted-ingest": policy(t, "s3-ingest.json", "planted")})["planted-ingest"]
	tp := h.newTopic(t, "planted", 2)
	tp.produce(40)
	secrets := &secrets{values: map[string]string{"the user's key of the store": user.SecretKey, "the broker's password": h.broker.Password}}
	wrong := mistakes(t, h, s, secrets)
	t.Run("beside each other", func(t *testing.T) {
		t.Run("all goes well", func(t *testing.T) {
			t.Parallel()
			h.plantedRight(t, tp, s, user, secrets)
		})
		for _, m := range wrong {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				h.plantedWrong(t, tp, m, secrets)
			})
		}
	})
}

// secrets are what must be nowhere. Tests only read it.
type secrets struct{ values map[string]string }

// plant makes a secret. It has all the signs that tools escape.
func (s *secrets) plant(what string) string {
	v := fmt.Sprintf("Pl4nted/%d+%%=&%s", len(s.values), strings.Repeat("xyZ", 3))
	s.values[what] = v
	return v
}

// forms are what a secret may look like.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	out := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`), hex.EncodeToString([]byte(secret)),
	}
	// Base64 of something that holds it: three places where it may begin in a group.
	for shift := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString([]byte(strings.Repeat(" ", shift) + secret))
			out = append(out, text[(shift*8+5)/6:len(text)-2])
		}
	}
	return out
}

// search fails where a secret is in what was found at some place.
func (s *secrets) search(t *testing.T, place string, found []byte) {
	t.Helper()
	for what, secret := range s.values {
		for _, form := range forms(secret) {
			if i := bytes.Index(found, []byte(form)); i >= 0 {
				t.Errorf("%s shows %s: …%q", place, what, found[max(0, i-60):min(len(found), i+len(form)+20)])
			}
		}
	}
}

// hears runs a command to its end and searches what it says. It returns the exit code.
func (s *secrets) hears(j *job, args []string) (code int, said string) {
	j.t.Helper()
	p := j.start(append([]string{"--log-level", "debug"}, args...))
	code = p.end()
	said = p.stdout.String() + p.stderr
	s.search(j.t, strings.Join(args, " "), []byte(said))
	return code, said
}

// plantedRight is the whole job, with each secret where it belongs.
func (h *house) plantedRight(t *testing.T, tp *topic, s *cloudtest.Server, user cloudtest.User, found *secrets) {
	j := h.newJob(t, tp).as(t, user)
	j.set.lake = s.Lake("planted")
	j.secure(h.broker.TLSSASL, fmt.Sprintf("ca_file: %s, cert_file: %s, key_file: %s", h.broker.CA, h.broker.ClientCert, h.broker.ClientKey), "SCRAM-SHA-512", h.broker.Password)
	config := j.config() + ".http"
	text, err := os.ReadFile(j.config())
	must(t, err)
	must(t, os.WriteFile(config, fmt.Appendf(text, "http: {listen: \"127.0.0.1:%d\"}\n", scripttest.FreePorts(t, 1)), 0o600))
	p := j.start([]string{"--log-format", "json", "--log-level", "debug", "run", "-c", config})
	j.awaitDecided(40, p)
	for _, page := range []string{"/metrics", "/status", "/", "/healthz", "/readyz", "/debug/pprof/cmdline", "/debug/vars"} {
		found.search(t, page, get(t, p.address(j)+page))
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
	found.search(t, "run", []byte(p.stdout.String()+p.stderr))
	// The password in the file itself, and from the environment.
	inline := strings.ReplaceAll(string(text), "password_file: "+filepath.Join(j.dir, "password"), `password: "%s"`)
	for i, password := range []string{h.broker.Password, "${PLANTED:-" + h.broker.Password + "}"} {
		config := fmt.Sprintf("%s.%d", j.config(), i)
		must(t, os.WriteFile(config, fmt.Appendf(nil, inline, password), 0o600))
		for _, args := range [][]string{
			{"check", "-c", config}, {"run", "-c", config, "--until-current"}, {"status", "-c", config, "--json"}, {"status", "-c", config},
			{"verify", "-c", config, "--deep"}, {"vacuum", "-c", config, "--json"},
		} {
			if code, said := found.hears(j, args); code != 0 {
				t.Errorf("%v: exit code %d:\n%s", args, code, said)
			}
		}
	}
	j.mirror(s.Lake("planted"))
	objects := 0
	must(t, filepath.WalkDir(string(j.lake), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		objects++
		data, err := os.ReadFile(path)
		found.search(t, path, data)
		return err
	}))
	t.Logf("figures: %d secrets in %d forms each, %d objects of the lake", len(found.values), len(forms("x-x-x")), objects)
}

// get is what a page shows, whatever it is.
func get(t *testing.T, address string) []byte {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(address)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return body
}

// address is where a process that runs serves its pages.
func (p *process) address(j *job) (at string) {
	j.t.Helper()
	j.await("it serves http", func(lines []line) bool {
		for _, l := range lines {
			if text, ok := l.text["address"].(string); ok && l.of == p && l.is("serving http") {
				at = "http://" + text
			}
		}
		return at != ""
	}, p)
	return at
}

// mistake is a configuration with secrets, and how it fails.
type mistake struct {
	name    string
	config  string   // after the topic's name is put in
	environ []string // NAME=value
	code    int      // of check, −1: any but 0
	run     bool     // it fails when it runs, too
}

// mistakes plants more secrets. It is called before any is looked for.
func mistakes(t *testing.T, h *house, s *cloudtest.Server, planted *secrets) []mistake {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	local := "file://" + filepath.Join(dir, "lake")
	sasl := func(secret string) string {
		return fmt.Sprintf(`, sasl: {mechanism: PLAIN, username: tidemark, %s}`, secret)
	}
	azurite := cloudtest.Azurite(t)
	inFile := planted.plant("a wrong password in a file")
	all := []mistake{
		{"wrong password", conf(local, h.broker.SASL, sasl(yamlKey("password", planted.plant("a wrong password")))), nil, 2, false},
		{"wrong password in a file", conf(local, h.broker.SASL, sasl("password_file: "+file("password", inFile))), nil, 2, false},
		{"wrong password in the environment", conf(local, h.broker.SASL, sasl(`password: "${PLANTED}"`)), []string{"PLANTED=" + planted.plant("a wrong password in the environment")}, 2, false},
		{"no SASL there", conf(local, h.broker.Plain, sasl(yamlKey("password", planted.plant("a password for a broker without")))), nil, -1, false},
		{"a key that cannot be read", conf(local, h.broker.TLS, fmt.Sprintf(", tls: {ca_file: %s, cert_file: %s, key_file: %s}", h.broker.CA, h.broker.ClientCert,
			file("key", "-----BEGIN PRIVATE KEY-----\n"+planted.plant("a key")+"\n-----END PRIVATE KEY-----\n"))), nil, 2, true},
		{"a key under a password", conf(local, h.broker.TLS, fmt.Sprintf(", tls: {ca_file: %s, cert_file: %s, key_file: %s}", h.broker.CA, h.broker.ClientCert,
			file("locked", "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"+planted.plant("a locked key")+"\n-----END EC PRIVATE KEY-----\n"))), nil, 2, true},
		{"a store that refuses", conf(s.Lake("planted"), h.broker.Plain, ""), []string{"AWS_SECRET_ACCESS_KEY=" + planted.plant("a wrong key of S3"), "AWS_SESSION_TOKEN=" + planted.plant("a token of S3")}, 1, true},
		{"a store that knows nobody", conf(s.Lake("planted"), h.broker.Plain, ""), []string{"AWS_ACCESS_KEY_ID=" + planted.plant("an access key"), "AWS_SECRET_ACCESS_KEY=" + planted.plant("its secret")}, 1, true},
		{"a store that is away", conf("s3://lake/planted?region=us-east-1&endpoint=http://127.0.0.1:1", h.broker.Plain, ""), []string{"AWS_SECRET_ACCESS_KEY=" + planted.plant("a key of S3 that is away")}, 1, false},
		{"keys of a profile", conf(s.Lake("planted")+"&profile=planted", h.broker.Plain, ""),
			[]string{"AWS_SHARED_CREDENTIALS_FILE=" + file("credentials", "[planted]\naws_access_key_id = x\naws_secret_access_key = "+planted.plant("a key in a profile")+"\nbroken")}, -1, true},
		{"azure, no key", conf(azurite.Lake("p"), h.broker.Plain, ""), []string{"AZURE_STORAGE_KEY=" + planted.plant("what is no key of Azure")}, 1, true},
		{"azure, another key", conf(azurite.Lake("p"), h.broker.Plain, ""), []string{"AZURE_STORAGE_KEY=" + base64.StdEncoding.EncodeToString([]byte(planted.plant("a wrong key of Azure")))}, 1, true},
		{"azure, a signature", conf(azurite.Lake("p"), h.broker.Plain, ""), []string{"AZURE_STORAGE_KEY=", "AZURE_STORAGE_SAS_TOKEN=?sv=2021-12-02&ss=b&srt=sco&sp=rl&se=2040-01-01T00:00:00Z&sig=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(planted.plant("a signature of Azure"))))}, 1, true},
		{"google, no keys", conf("gs://lake/p", h.broker.Plain, ""), []string{"GOOGLE_APPLICATION_CREDENTIALS=" + file("google", `{"type": "service_account", "private_key": "`+planted.plant("a key of Google"))}, 1, true},
		{"google, broken keys", conf("gs://lake/p", h.broker.Plain, ""), []string{"GOOGLE_APPLICATION_CREDENTIALS=" + file("google2",
			`{"type": "service_account", "client_email": "a@b", "token_uri": "http://127.0.0.1:1/", "private_key": "-----BEGIN PRIVATE KEY-----\n`+planted.plant("a broken key of Google")+`\n-----END PRIVATE KEY-----\n"}`)}, 1, false},
		{"a registry", conf(local, h.broker.Plain, "") + "registry: {url: \"http://me:" + planted.plant("a password in a registry's address") + "@host\", username: me, " + yamlKey("password", planted.plant("a registry's password")) + "}\n", nil, -1, false},
	}
	for i, lake := range []string{
		"s3://AKIA:%s@lake/p", "s3:/AKIA:%s@lake/p", "s3://lake/p?secret_access_key=%s", "s3://lake/p#%s", "file://me:%s@host/lake", "https://me:%s@host/lake",
		"https://host/lake?sig=%s", "AKIA:%s@lake", "s3://lake/p?region=us-east-1&endpoint=http://me:%s@host", "azblob://p?account=x&sig=%s", "gs://me:%s@lake", "S3://AKIA:%s@lake/p",
	} {
		all = append(all, mistake{fmt.Sprintf("address %d", i), conf(fmt.Sprintf(lake, planted.plant(lake)), h.broker.Plain, ""), nil, 2, false})
	}
	for i, broken := range []string{
		`password: "%s`, `password: '%s`, `password: %s: x`, `password: [%s`, `password: {%s: 1}`, `password: *%s`, `password: !%s x`, `password: %%%s`, `password: @%s`, "password: `%s",
		`password: |%s`, `password: >%s`, `password: &%s`, `password: "\z%s"`, `passwrod: "%s"`, `password: "%s", password: "x"`, `password_file: "%s"`, `password: [x, "%s"]`, `password : - %s`, `password: "%s" x`,
		`password: # %s`, `password: ["%s"`, `? %s`, `password: "${%s}"`, `password: "${"%s`,
	} {
		all = append(all, mistake{fmt.Sprintf("broken yaml %d", i), conf(local, h.broker.SASL, sasl(fmt.Sprintf(broken, planted.plant(broken)))), nil, -1, false})
	}
	secret := planted.plant("a variable in the wrong place")
	for i, astray := range []string{
		"memory: ${PLANTED}\n", "batch: {max_age: \"${PLANTED}\"}\n", "http: {listen: \"${PLANTED}\"}\n", "writer: {codec: \"${PLANTED}\"}\n", "${PLANTED}: x\n", "memory: 1GiB${PLANTED}\n",
	} {
		all = append(all, mistake{fmt.Sprintf("variable astray %d", i), conf(local, h.broker.Plain, "") + astray, []string{"PLANTED=" + secret}, 2, false})
	}
	return all
}

// conf is a configuration for a lake and brokers.
func conf(lake, brokers, kafka string) string {
	return "lake: \"" + lake + "\"\nsource_system: badday\nkafka: {brokers: [\"" + brokers + "\"], group: planted" + kafka + "}\n"
}

func yamlKey(key, secret string) string { return fmt.Sprintf("%s: %q", key, secret) }

// plantedWrong is one mistake: it fails as it should, and says nothing that it must not.
func (h *house) plantedWrong(t *testing.T, tp *topic, m mistake, planted *secrets) {
	j := h.newJob(t, tp).as(t, cloudtest.Owner(), m.environ...)
	config := filepath.Join(j.dir, "planted.yaml")
	text := m.config + "tables: [{name: transactions, preset: banking/card-transactions, topics: [\"" + tp.name + "\"]}]\n"
	must(t, os.WriteFile(config, []byte(text), 0o600))
	code, said := planted.hears(j, []string{"check", "-c", config})
	if code == 0 || m.code >= 0 && code != m.code {
		t.Errorf("check: exit code %d, want %d:\n%s", code, m.code, said)
	}
	if !m.run {
		return
	}
	for _, args := range [][]string{{"run", "-c", config, "--until-current"}, {"status", "-c", config}, {"verify", "-c", config}, {"vacuum", "-c", config}} {
		if code, said := planted.hears(j, args); code == 0 {
			t.Errorf("%v: exit code 0:\n%s", args, said)
		}
	}
}
