package mltools

import (
	"os"
	"os/exec"
	"testing"
)

// TestInstall: what is named is there, and the two SDKs do not see each other.
func TestInstall(t *testing.T) {
	tools := Install(t)
	for folder, program := range map[string]string{
		"":         "import awscli, boto3, cfnlint",
		tools.SDK2: "import importlib.util as u; assert u.find_spec('sagemaker.estimator') and not u.find_spec('sagemaker.train')",
		tools.SDK3: "import os, importlib.metadata as m; assert m.version('sagemaker-train') and os.environ['PYTHONPATH']",
	} {
		cmd := exec.Command(tools.Python, "-c", program)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
	}
}
