package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
)

func TestThePageIsCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(page)))
	if err != nil {
		t.Fatalf("%v; write it with: go run ./internal/gen/lint", err)
	}
	if diff := cmp.Diff(string(got), render()); diff != "" {
		t.Errorf("%s is not what the code says. Write it anew with: go run ./internal/gen/lint\n(-page +code):\n%s", page, diff)
	}
}

// TestThePageIsWhole: each kind of finding has a section, with its reason, AWS's
// word for it and what to do; each question is there.
func TestThePageIsWhole(t *testing.T) {
	text := render()
	plain := strings.Join(strings.Fields(text), " ")
	for _, d := range lint.Docs() {
		if strings.Count(text, "\n### "+string(d.ID)+"\n") != 1 || !strings.Contains(text, "(#"+string(d.ID)+")") {
			t.Errorf("%s has no section, or no link", d.ID)
		}
		for _, want := range []string{strings.Join(strings.Fields(d.Reason), " "), d.Source, strings.Join(strings.Fields(d.Remedy), " ")} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s: the page does not say %q", d.ID, want)
			}
		}
	}
	for _, q := range lint.Questions() {
		if !strings.Contains(text, "| `"+string(q)+"` |") {
			t.Errorf("%s is not asked", q)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 240 && !strings.HasPrefix(line, "|") && !strings.Contains(line, "](http") {
			t.Errorf("a long line: %s", line)
		}
	}
}
