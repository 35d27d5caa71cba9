package cached

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// packages are those of Debian that have Python.
const packages = "python3 and python3-venv"

// Python returns a Python that has what a list of requirements names, by version
// and hash, and the folder that it is in. Beside it, for packages that cannot stand
// beside each other, are more lists by name: each is in the folder of its name,
// for PYTHONPATH. Nothing but what the hashes name is installed, and nobody's setup
// script is run.
func Python(name string, requirements []byte, beside map[string][]byte) (python, dir string, err error) {
	version, err := exec.Command("python3", "--version").Output() //nolint:noctx // at once
	if err != nil {
		return "", "", fmt.Errorf("python3 --version: %w: install %s", err, packages)
	}
	from := append(version, requirements...)
	for _, other := range slices.Sorted(maps.Keys(beside)) {
		from = append(from, beside[other]...)
	}
	in := func(dir string) string { return filepath.Join(dir, "venv", "bin", "python3") }
	dir, err = Install(name, from, func(dir string) error {
		if err := Run(packages, "python3", "-m", "venv", "--clear", filepath.Join(dir, "venv")); err != nil {
			return fmt.Errorf("%w: install %s", err, packages)
		}
		if err := pip(in(dir), dir, "requirements", requirements); err != nil {
			return err
		}
		for other, list := range beside {
			if err := pip(in(dir), dir, other, list, "--target", filepath.Join(dir, other)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", "", err
	}
	return in(dir), dir, nil
}

// pip installs a list. Bytecode is written when something is first imported: most
// of what is installed never is.
func pip(python, dir, name string, requirements []byte, more ...string) error {
	list := filepath.Join(dir, name+".txt")
	if err := os.WriteFile(list, requirements, 0o600); err != nil {
		return err
	}
	args := append([]string{
		"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", list,
	}, more...)
	return Run(packages, python, args...)
}
