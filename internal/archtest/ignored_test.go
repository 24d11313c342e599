package archtest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestIgnoredIsNotTracked wants nothing in the repository that .gitignore names: whoever
// checks it out would lose what lies there, such as a cache.
func TestIgnoredIsNotTracked(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--ignored", "--exclude-standard")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("not looked at, since this is no checkout of git: %v: %s", err, out)
		return
	}
	if found := strings.TrimSpace(string(out)); found != "" {
		t.Errorf("tracked, and named in .gitignore: %s: git rm --cached", found)
	}
}
