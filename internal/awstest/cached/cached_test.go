package cached

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstall(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("go.mod", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	filled := 0
	install := func(from string, err error) (string, error) {
		return Install("thing", []byte(from), func(dir string) error {
			filled++
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "part"), nil, 0o600))
		})
	}
	if _, err := install("1", errors.New("half of it")); err == nil {
		t.Error("half of it counts as all")
	}
	first, err := install("1", nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := install("1", nil)
	if err != nil || again != first || filled != 2 {
		t.Errorf("%s and %s, filled %d times, %v; want one folder, filled again after the half", first, again, filled, err)
	}
	if other, err := install("2", nil); err != nil || other == first || filled != 3 {
		t.Errorf("another version is in %s, %v", other, err)
	}
	t.Chdir(t.TempDir())
	if _, err := install("1", nil); err == nil {
		t.Error("a folder outside of any project")
	}
}

func TestRun(t *testing.T) {
	if err := Run("coreutils", "true"); err != nil {
		t.Error(err)
	}
	if err := Run("coreutils", "ls", "/none/such"); err == nil || !strings.Contains(err.Error(), "/none/such") {
		t.Errorf("%v, want what it wrote", err)
	}
	if err := Run("the-package", "no-such-command"); err == nil || !strings.Contains(err.Error(), "install the-package") {
		t.Errorf("%v, want what to install", err)
	}
}
