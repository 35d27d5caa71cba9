// Package cfnlint runs cfn-lint, AWS's linter of CloudFormation templates.
// https://github.com/aws-cloudformation/cfn-lint
//
// It needs python3 with venv on the PATH (Debian: python3, python3-venv). The first
// call installs it from PyPI, by the versions and hashes in requirements.txt, into
// .cache/ at the root of the repository; later ones need no network.
// requirements.txt is written from requirements.in by
//
//	pip-compile --generate-hashes --strip-extras --no-header
package cfnlint

import (
	"context"
	_ "embed" // what it needs
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed requirements.txt
var requirements []byte

// Match is something that cfn-lint found.
type Match struct {
	// File is the template, as it was given; Line is where in it, from 1.
	File string
	Line int
	// Rule is the rule's id: E3005. Message says what is wrong.
	Rule, Message string
	// Path leads to it: Resources/Audit/DependsOn.
	Path string
}

// String is what one needs to find and mend it.
func (m Match) String() string {
	return fmt.Sprintf("%s:%d: %s: %s (%s)", m.File, m.Line, m.Rule, m.Message, m.Path)
}

// Lint returns what cfn-lint finds in templates, errors and warnings. The error says
// that there is no answer.
func Lint(ctx context.Context, templates ...string) ([]Match, error) {
	python, _, err := cached.Python("cfn-lint", requirements, nil)
	if err != nil {
		return nil, err
	}
	//nolint:gosec // templates of our own
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(python), "cfn-lint"), append([]string{"--format", "json", "--non-zero-exit-code", "none", "--"}, templates...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cfn-lint: %w: %s%s", err, said.String(), out)
	}
	var found []struct {
		Filename, Message string
		Rule              struct{ ID string }
		Location          struct {
			Start struct{ LineNumber int }
			Path  []any
		}
	}
	if err := json.Unmarshal(out, &found); err != nil { //nolint:musttag // the members are named as in its answer
		return nil, fmt.Errorf("cfn-lint answers %.300s: %w", out, err)
	}
	matches := make([]Match, 0, len(found))
	for _, f := range found {
		path := make([]string, len(f.Location.Path))
		for i, part := range f.Location.Path {
			path[i] = fmt.Sprint(part)
		}
		matches = append(matches, Match{f.Filename, f.Location.Start.LineNumber, f.Rule.ID, f.Message, strings.Join(path, "/")})
	}
	return matches, nil
}
