package deploytest_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProgram builds the binary from what the Containerfile's context admits, with
// its command, and gives it the configuration of the base, as it would be mounted.
func TestProgram(t *testing.T) {
	binary := build(t)
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is not static: it would not start in an empty image")
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}

	b := render(t)
	config, env := mount(t)
	// The arguments of the container, to a command that only looks.
	args := append([]string{"check", "--offline"}, b.Container().Args[1:]...)
	for i, a := range args {
		if a == "-c" {
			args[i+1] = config
		}
	}
	if out, err := run(t, env, binary, args...); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	// And it does look.
	spoilt := filepath.Join(filepath.Dir(config), "spoilt.yaml")
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, spoilt, strings.ReplaceAll(string(data), "instance_id:", "instance:"))
	out, err := run(t, env, binary, "check", "--offline", "-c", spoilt)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "instance") {
		t.Errorf("an unknown key: got %v, want exit code 2 and its name:\n%s", err, out)
	}
}

// mount writes what the volumes of the pod hold into a folder, and returns where the
// configuration lies there, with that folder before each path, and the environment.
func mount(t *testing.T) (config string, env []string) {
	t.Helper()
	b, dir := render(t), t.TempDir()
	text := b.Config.Data["tidemark.yaml"]
	for _, m := range b.Container().VolumeMounts {
		at := dir + m.MountPath
		if err := os.MkdirAll(at, 0o750); err != nil {
			t.Fatal(err)
		}
		for _, v := range b.Pod().Volumes {
			switch {
			case v.Name == m.Name && v.Secret != nil:
				for _, item := range v.Secret.Items {
					writeFile(t, filepath.Join(at, item.Path), secret(t, item.Path))
				}
			case v.Name == m.Name && v.ConfigMap != nil:
				config = filepath.Join(at, "tidemark.yaml")
			}
		}
		text = strings.ReplaceAll(text, m.MountPath, at)
	}
	writeFile(t, config, text)
	for _, e := range b.Container().Env {
		env = append(env, e.Name+"="+e.Value)
	}
	return config, env
}

// secret is what stands in a file of the Secret: any word, or any certificate.
func secret(t *testing.T, name string) string {
	t.Helper()
	if !strings.HasSuffix(name, ".pem") {
		return "a word\n"
	}
	pem := filepath.Join(t.TempDir(), name)
	if out, err := run(t, os.Environ(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
		"-nodes", "-subj", "/CN=test", "-keyout", pem+".key", "-out", pem); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	data, err := os.ReadFile(pem)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// build copies what Containerfile.dockerignore admits into a folder, and builds
// there as the Containerfile does.
func build(t *testing.T) (binary string) {
	t.Helper()
	src := t.TempDir()
	ignore, err := os.ReadFile(containerfile + ".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(ignore)) {
		name, admitted := strings.CutPrefix(strings.TrimSpace(line), "!")
		if !admitted {
			continue
		}
		copyTree(t, filepath.Join(root, name), filepath.Join(src, name))
	}
	command := ""
	for _, in := range instructions(t) {
		if in.name == "RUN" && strings.Contains(in.args, "go build") {
			command = in.args
		}
	}
	command = strings.ReplaceAll(command, "/out/", src+"/out/")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "VERSION=test", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v:\n%s", command, err, out)
	}
	return filepath.Join(src, "out", "tidemark")
}

// copyTree copies a file or a folder, without tests and their data.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(p string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case d.IsDir() || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		at := filepath.Join(to, strings.TrimPrefix(p, from))
		if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
			return err
		}
		return os.WriteFile(at, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &out
	err := cmd.Run()
	return out.String(), err
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
