package sources

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUsed: go test keeps the result of a test that builds sources, and runs it
// again when one of them changes.
func TestUsed(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(here, "sources.go"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	long := time.Now().Add(-time.Hour) // for what is new is never kept
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for p := path; len(p) >= len(root); p = filepath.Dir(p) {
			if err := os.Chtimes(p, long, long); err != nil {
				t.Fatal(err)
			}
		}
		long = long.Add(time.Minute)
	}
	write("go.mod", "module example\n\ngo 1.26\n")
	write("sources/sources.go", string(own))
	write("main/main.go", "package main\n\nfunc main() {}\n")
	write("builds/builds_test.go", `package builds
import ("example/sources"; "testing")
func TestBuild(t *testing.T) { if err := sources.Used(".."); err != nil { t.Fatal(err) } }
`)
	kept := func() bool {
		cmd := exec.Command("go", "test", "./builds")
		cmd.Dir = root
		cmd.Env = append(cmd.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.Contains(string(out), "(cached)")
	}
	if kept() || !kept() {
		t.Error("the result is not kept")
	}
	write("main/main.go", "package main\n\nfunc main() { println() }\n")
	if kept() {
		t.Error("the result is kept, though a source changed")
	}
}
