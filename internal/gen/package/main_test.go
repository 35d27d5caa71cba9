package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
)

// module is a module of its own in a new folder, with our dependencies and the
// toy as the functions named.
func module(t *testing.T, functions ...string) string {
	t.Helper()
	root := t.TempDir()
	write := func(from string, to ...string) {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(append([]string{root}, to...)...)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("../../../go.mod", "go.mod")
	write("../../../go.sum", "go.sum")
	for _, f := range functions {
		write("testdata/toy/main.go", "functions", f, "main.go")
	}
	write("../../../infra/templates/sagemoat.template.json", "infra", "templates", "sagemoat.template.json")
	return root
}

func git(t *testing.T, root string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "m"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestReproducible: two builds, of the same source in two places, one of them a
// repository, give the same zips.
func TestReproducible(t *testing.T) {
	t.Setenv("GOFLAGS", "-buildvcs=auto") // as it is unless somebody says otherwise
	roots := []string{module(t, "audit", "publish"), module(t, "audit", "publish")}
	git(t, roots[1])
	var said [2]string
	for i, root := range roots {
		var out bytes.Buffer
		if err := run(t.Context(), root, filepath.Join(root, "dist"), &out); err != nil {
			t.Fatal(err)
		}
		said[i] = strings.ReplaceAll(out.String(), root, "")
	}
	if said[0] != said[1] || strings.Count(said[0], "\n") != 3 {
		t.Errorf("two builds say:\n%s\n%s", said[0], said[1])
	}
	text, err := os.ReadFile(filepath.Join(roots[0], "dist", latest))
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(text))
	for _, name := range []string{"audit.zip", "publish.zip"} {
		var zips [2][]byte
		for i, root := range roots {
			b, err := os.ReadFile(filepath.Join(root, "dist", "sagemoat", version, name))
			if err != nil {
				t.Fatal(err)
			}
			zips[i] = b
		}
		if !bytes.Equal(zips[0], zips[1]) {
			t.Errorf("%s: two builds differ", name)
		}
		if !strings.Contains(said[0], fmt.Sprintf("%s  %9d bytes", name, len(zips[0]))) {
			t.Errorf("%s has %d bytes; printed was\n%s", name, len(zips[0]), said[0])
		}
		check(t, zips[0])
	}
	template, err := os.ReadFile(filepath.Join(roots[0], "dist", "sagemoat", version, "sagemoat.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Resources map[string]struct {
			Properties struct {
				Code    struct{ S3Key string }
				Version string
			}
		}
		Outputs struct{ Version struct{ Value string } }
	}
	if err := json.Unmarshal(template, &parsed); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit", "publish", "respond", "setup", "sweep"} {
		id := strings.ToUpper(name[:1]) + name[1:]
		if got, want := parsed.Resources[id].Properties.Code.S3Key, "sagemoat/"+version+"/"+name+".zip"; got != want {
			t.Errorf("the template deploys %s from %q, want %q", name, got, want)
		}
	}
	if got := []string{parsed.Resources["CustomAction"].Properties.Version, parsed.Outputs.Version.Value}; got[0] != version || got[1] != version {
		t.Errorf("the template says that it is of version %q, want %q", got, version)
	}
	if bytes.Contains(template, []byte(unreleased)) {
		t.Error("something in the template is of no version")
	}
}

// check: the zip holds what Lambda runs: one file, which may be executed, for
// arm64, without symbols, with the flags that it is to be built with.
func check(t *testing.T, zipped []byte) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != bootstrap.Name || r.File[0].Mode() != 0o755 || r.File[0].Modified.UTC().Year() != 1980 {
		t.Fatalf("the zip has %d files, the first %s %s of %s", len(r.File), r.File[0].Name, r.File[0].Mode(), r.File[0].Modified)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	e, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	if e.Machine != elf.EM_AARCH64 || e.Section(".symtab") != nil || e.Section(".debug_info") != nil || e.Section(".interp") != nil {
		t.Errorf("built for %s, with sections %v", e.Machine, e.Sections)
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	settings := info.String()
	for _, want := range []string{"-tags=lambda.norpc", "CGO_ENABLED=0", "-trimpath=true"} {
		if !strings.Contains(settings, want) {
			t.Errorf("built without %s:\n%s", want, settings)
		}
	}
	if bytes.Contains(binary, []byte("net/rpc.(*Server)")) {
		t.Error("net/rpc is in the binary")
	}
}

func TestNothingToPackage(t *testing.T) {
	root := module(t)
	if err := run(t.Context(), root, filepath.Join(root, "dist"), io.Discard); err == nil {
		t.Error("packaged without functions/")
	}
	if err := os.Mkdir(filepath.Join(root, "functions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), root, filepath.Join(root, "dist"), io.Discard); err == nil {
		t.Error("packaged no function")
	}
	bare := module(t, "audit")
	if err := os.RemoveAll(filepath.Join(bare, "infra")); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), bare, filepath.Join(bare, "dist"), io.Discard); err == nil || !strings.Contains(err.Error(), "no template") {
		t.Errorf("packaged without templates: %v", err)
	}
	broken := filepath.Join(root, "functions", "audit")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "main.go"), []byte("package main\nfunc main() { nothing() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), root, filepath.Join(root, "dist"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") || !strings.Contains(err.Error(), "audit for arm64") {
		t.Errorf("got %v, want what the compiler says", err)
	}
}
