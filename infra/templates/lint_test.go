// Package templates holds the templates that are shipped, as package stack makes them.
package templates

import (
	"path/filepath"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cfnlint"
)

// TestLint: cfn-lint finds nothing, and no rule of it is switched off.
func TestLint(t *testing.T) {
	files, err := filepath.Glob("*.template.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %q, %v; want the templates", files, err)
	}
	for i := range files {
		files[i] = filepath.Join("infra", "templates", files[i])
	}
	t.Chdir(filepath.Join("..", "..")) // where tools are kept
	found, err := cfnlint.Lint(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		t.Error(m)
	}
}
