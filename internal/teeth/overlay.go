package teeth

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// StaleError says that a text which a tooth replaces is not in its file exactly once.
type StaleError struct {
	Tooth string
	Edit  Edit
	Times int
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("tooth %s is stale: %s holds its text %d times: write the bug into the source as it is now:\n%s", e.Tooth, e.Edit.File, e.Times, e.Edit.Old)
}

// Apply makes the edits in the sources of a module and returns the files that they
// change. The error is a *StaleError where the source has moved on (T1).
func (t *Tooth) Apply(module fs.FS) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range t.Edits {
		text, ok := out[e.File]
		if !ok {
			data, err := fs.ReadFile(module, e.File)
			if err != nil {
				return nil, fmt.Errorf("apply tooth %s: %w", t.Name, err)
			}
			text = string(data)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, &StaleError{Tooth: t.Name, Edit: e, Times: n}
		}
		out[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	return out, nil
}

// Packages are the packages that the edits change, in order.
func (t *Tooth) Packages() []string {
	set := map[string]bool{}
	for _, e := range t.Edits {
		set[path.Dir(e.File)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Overlay writes what Apply makes of the module in root into dir, and the file that
// the go command's -overlay wants, whose name it returns.
func (t *Tooth) Overlay(root, dir string) (string, error) {
	changed, err := t.Apply(os.DirFS(root))
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(changed)) {
		to := filepath.Join(dir, strconv.Itoa(i)+"-"+path.Base(name))
		if err := os.WriteFile(to, []byte(changed[name]), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = to
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, data, 0o600)
}
