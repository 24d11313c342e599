package deploytest_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tidemark/tools/deploytest"
)

// The overlay that the README shows works, as it stands there, beside a copy of the
// base.
func TestOverlayOfREADME(t *testing.T) {
	page, err := os.ReadFile(root + "/deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	overlay, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README shows no overlay")
	}
	fs := filesys.MakeFsInMemory()
	write := func(name string, data []byte) {
		if err := fs.WriteFile(name, data); err != nil {
			t.Fatal(err)
		}
	}
	disk := filesys.MakeFsOnDisk()
	names, err := disk.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := disk.ReadFile(path.Join(base, name))
		if err != nil {
			t.Fatal(err)
		}
		write("/tidemark/deploy/kubernetes/"+name, data)
		if name == "tidemark.yaml" {
			write("/mine/"+name, []byte(strings.ReplaceAll(string(data), "core_banking", "mine")))
		}
	}
	write("/mine/kustomization.yaml", []byte(overlay))
	b, err := deploytest.Render(fs, "/mine")
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range deploytest.Check(b) {
		t.Error(finding)
	}
	for what, pair := range map[string][2]string{
		"image":         {b.Container().Image, "REGISTRY/tidemark:1"},
		"storage":       {b.Volume.Spec.Resources.Requests.Storage().String(), "500Gi"},
		"namespace":     {b.Deployment.Namespace, "tidemark"},
		"source_system": {word(b.Config.Data["tidemark.yaml"], "source_system: "), "mine"},
	} {
		if got, want := pair[0], pair[1]; got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
}

// word is what follows a key, to the end of the line.
func word(text, key string) string {
	_, rest, _ := strings.Cut(text, key)
	word, _, _ := strings.Cut(rest, "\n")
	return word
}
