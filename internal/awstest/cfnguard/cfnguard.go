// Package cfnguard runs cfn-guard, which holds CloudFormation templates to rules
// that we write. https://github.com/aws-cloudformation/cloudformation-guard
//
// The program comes in a package of npm's, which is installed into .cache/ at the
// root of the repository by the hash in package-lock.json; that takes npm (Debian:
// npm), and no network after the first time. The lock file names no registry: it is
// written by
//
//	npm install --package-lock-only --omit-lockfile-registry-resolved --legacy-peer-deps
package cfnguard

import (
	"context"
	_ "embed" // what is installed
	"encoding/xml"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed package.json
var packages []byte

//go:embed package-lock.json
var lock []byte

// The status of cfn-guard where a template breaks a rule.
// https://github.com/aws-cloudformation/cloudformation-guard/blob/main/docs/cfn-guard-validate.md
const broken = 19

// Program returns the path of cfn-guard.
func Program() (string, error) {
	system, found := map[string]string{"linux": "ubuntu", "darwin": "macos"}[runtime.GOOS]
	machine, known := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if !found || !known {
		return "", fmt.Errorf("there is no cfn-guard for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	dir, err := cached.NPM("cfn-guard", packages, lock)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "node_modules", "@cdklabs", "cdk-validator-cfnguard", "bin", system, machine, "cfn-guard"), nil
}

// Broken is a file of rules that a template breaks.
type Broken struct {
	// Rules is the file's name, without its folder.
	Rules string
	// Message names a rule of the file that is broken, and where the template breaks it.
	Message string
}

// Validate holds every template (.json files, or folders of them) to every file of
// rules, and returns what each template breaks, by its absolute path. A template that
// breaks nothing is there with nothing. The error says that there is no answer: what
// could not be read is none.
func Validate(ctx context.Context, rules []string, templates ...string) (map[string][]Broken, error) {
	program, err := Program()
	if err != nil {
		return nil, err
	}
	args := []string{"validate", "--structured", "--output-format", "junit", "--show-summary", "none"}
	for _, file := range rules {
		args = append(args, "--rules", file)
	}
	for _, file := range templates {
		at, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		args = append(args, "--data", at)
	}
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // rules and templates of our own
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var status *exec.ExitError
	if err != nil && (!errors.As(err, &status) || status.ExitCode() != broken) || said.Len() > 0 {
		// Rules that it cannot parse are told of, and left out.
		return nil, fmt.Errorf("cfn-guard: %w: %s", errors.Join(err, errors.New("no answer")), said.String())
	}
	return read(out, len(rules))
}

// read reads a report; of each template it must hold every file of rules.
func read(report []byte, rules int) (map[string][]Broken, error) {
	var suites struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Rule string `xml:"message,attr"`
					Text string `xml:",chardata"`
				} `xml:"failure"`
				Error *struct {
					Text string `xml:",chardata"`
				} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(report, &suites); err != nil {
		return nil, fmt.Errorf("cfn-guard reports %.300s: %w", report, err)
	}
	out := make(map[string][]Broken, len(suites.Suites))
	for _, s := range suites.Suites {
		if len(s.Cases) != rules {
			return nil, fmt.Errorf("cfn-guard held %s to %d of %d files of rules", s.Name, len(s.Cases), rules)
		}
		out[s.Name] = nil
		for _, c := range s.Cases {
			if c.Error != nil {
				return nil, fmt.Errorf("cfn-guard, %s, %s: %s", s.Name, c.Name, c.Error.Text)
			}
			if c.Failure != nil {
				out[s.Name] = append(out[s.Name], Broken{filepath.Base(c.Name), fmt.Sprintf("%s: %.400s", c.Failure.Rule, c.Failure.Text)})
			}
		}
	}
	return out, nil
}
