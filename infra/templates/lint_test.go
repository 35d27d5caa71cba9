// Package templates holds the templates that are shipped, as package stack makes them.
package templates

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cfnlint"
)

// accepted are findings of cfn-lint that are right as they are, with the reason.
var accepted = []struct{ template, rule, path, reason string }{
	{
		"sagemoat.template.json", "E3005", `Resources/\w+/DependsOn/0`,
		"without a VPC the policy that the function waits for is not there, and there is nothing to wait for",
	},
	{
		"sagemoat-organization.template.json", "W1030", `Parameters/(OrganizationalUnitIds|Regions)/Default`,
		"the two lists have no default that makes sense: who deploys must give them",
	},
}

// TestLint: cfn-lint finds nothing but what is accepted, and all of that.
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
	used := make([]bool, len(accepted))
	for _, m := range found {
		by := slices.IndexFunc(accepted, func(a struct{ template, rule, path, reason string }) bool {
			return a.template == filepath.Base(m.File) && a.rule == m.Rule && regexp.MustCompile("^("+a.path+")$").MatchString(m.Path)
		})
		if by < 0 {
			t.Error(m)
			continue
		}
		used[by] = true
	}
	for i, a := range accepted {
		if !used[i] {
			t.Errorf("cfn-lint does not find %s in %s of %s: take it away", a.rule, a.path, a.template)
		}
	}
}
