package deploytest_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	root          = "../.."
	containerfile = root + "/deploy/Containerfile"
)

// instruction is one line of a Containerfile: FROM, COPY, USER, …
type instruction struct{ name, args string }

func instructions(t *testing.T) []instruction {
	t.Helper()
	data, err := os.ReadFile(containerfile)
	if err != nil {
		t.Fatal(err)
	}
	var out []instruction
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\\\n", "")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			name, args, _ := strings.Cut(line, " ")
			out = append(out, instruction{name, args})
		}
	}
	return out
}

// The image is the binary, without a system around it, run by the user that the
// Deployment names.
func TestContainerfile(t *testing.T) {
	last := map[string]string{} // of the last stage
	goVersion := ""
	for _, in := range instructions(t) {
		switch {
		case in.name == "FROM":
			last = map[string]string{"FROM": in.args}
		case in.name == "ARG" && strings.HasPrefix(in.args, "GO_VERSION="):
			goVersion = strings.TrimPrefix(in.args, "GO_VERSION=")
		default:
			last[in.name] += in.args
		}
	}
	security := render(t).Pod().SecurityContext
	for name, want := range map[string]string{
		"FROM":       "scratch",
		"USER":       fmt.Sprintf("%d:%d", *security.RunAsUser, *security.RunAsGroup),
		"ENTRYPOINT": `["/tidemark"]`,
		"EXPOSE":     strconv.Itoa(int(render(t).Container().Ports[0].ContainerPort)),
		"RUN":        "",
	} {
		if got := last[name]; got != want {
			t.Errorf("%s of the last stage: got %q, want %q", name, got, want)
		}
	}
	for _, label := range []string{"title", "description", "licenses", "version", "revision"} {
		if !strings.Contains(last["LABEL"], "org.opencontainers.image."+label+"=") {
			t.Errorf("the image has no label %s", label)
		}
	}
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := goDirective(string(mod)); !newer(goVersion, want) {
		t.Errorf("GO_VERSION is %q, and go.mod wants %q", goVersion, want)
	}
}

func goDirective(mod string) string {
	for line := range strings.Lines(mod) {
		if v, ok := strings.CutPrefix(line, "go "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// newer reports whether version a is at least b.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil || x != y {
			return errX == nil && errY == nil && x > y
		}
	}
	return len(as) >= len(bs)
}
