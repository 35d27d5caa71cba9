// Package pytools installs the programs in Python that judge what others run: what
// pre-commit makes of our hook (https://pre-commit.com/) and whether our action has
// the form that GitHub wants (https://check-jsonschema.readthedocs.io/).
// requirements.txt is written from requirements.in by
//
//	pip-compile --generate-hashes --strip-extras --no-header
package pytools

import (
	_ "embed" // what is installed
	"path/filepath"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed requirements.txt
var requirements []byte

// Program returns the path of a program: pre-commit or check-jsonschema. The first
// call installs it from PyPI into .cache/, later ones need no network.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	python, _, err := cached.Python("pytools", requirements, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(filepath.Dir(python), name)
}
