// Package mltools has the tools of those who use SageMaker AI, as they install them:
// boto3, the AWS CLI, cfn-lint, and versions 2 and 3 of the SageMaker SDK for Python.
//
// It needs python3 with venv on the PATH. The first call installs them from PyPI, by
// the versions and hashes in the lists here, into .cache/ at the root of the
// repository; later ones need no network. requirements.txt is written from
// requirements.in by
//
//	pip-compile --generate-hashes --strip-extras --no-header --no-emit-find-links
//
// and sdk2.txt and sdk3.txt by pip download and pip hash: the SDKs name many packages
// that nothing here imports, and each has a package of the name sagemaker.
package mltools

import (
	_ "embed" // what is installed
	"path/filepath"
	"sync"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

var (
	//go:embed requirements.txt
	requirements []byte
	//go:embed sdk2.txt
	sdk2 []byte
	//go:embed sdk3.txt
	sdk3 []byte
)

// Tools are where the tools are.
type Tools struct {
	// Python has boto3, the AWS CLI and cfn-lint.
	Python string
	// SDK2 and SDK3 are folders for PYTHONPATH.
	SDK2, SDK3 string
}

var install = sync.OnceValues(func() (Tools, error) {
	python, dir, err := cached.Python("mltools", requirements, map[string][]byte{"sdk2": sdk2, "sdk3": sdk3})
	return Tools{Python: python, SDK2: filepath.Join(dir, "sdk2"), SDK3: filepath.Join(dir, "sdk3")}, err
})

// Install installs them once.
func Install(tb testing.TB) Tools {
	tb.Helper()
	tools, err := install()
	if err != nil {
		tb.Fatal(err)
	}
	return tools
}
