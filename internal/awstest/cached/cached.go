// Package cached keeps what tests need from elsewhere in the folder .cache of the
// project: fetched once, whichever test binary comes first, and found there
// afterwards.
package cached

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Install returns the folder for something, named after from, which says what and
// in which versions. Where it is not there yet, fill fills it; one is filled at a
// time, for Maven and pip share what they fetch.
func Install(name string, from []byte, fill func(dir string) error) (dir string, err error) {
	root, err := root()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(from)
	dir = filepath.Join(root, name+"-"+hex.EncodeToString(sum[:6]))
	// Without a lock, which would be a file that changes: go test runs what read one
	// again, though nothing else did.
	done := filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	lock, err := Lock(filepath.Join(root, "install.lock"), syscall.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()      // unlocks
	if _, err := os.Stat(done); err == nil { // somebody else was first
		return dir, nil
	}
	if err := fill(dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o600)
}

// Maven returns a folder with the libraries that a project file names, and other
// files by name.
// https://maven.apache.org/plugins/maven-dependency-plugin/copy-dependencies-mojo.html
func Maven(name string, pom []byte, others map[string][]byte) (dir string, err error) {
	from := slices.Clone(pom)
	for _, other := range slices.Sorted(maps.Keys(others)) {
		from = append(from, others[other]...)
	}
	return Install(name, from, func(dir string) error {
		project := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(project, pom, 0o600); err != nil {
			return err
		}
		for other, text := range others {
			if err := os.WriteFile(filepath.Join(dir, other), text, 0o600); err != nil {
				return err
			}
		}
		return Run("maven and default-jdk-headless", "mvn", "--quiet", "--batch-mode", "--strict-checksums", "--file", project,
			"-Dmaven.repo.local="+filepath.Join(filepath.Dir(dir), "m2"),
			"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
}

// Run runs a command; the error has what it wrote or, where there is no such
// command, which of Debian's packages to install.
func Run(packages, name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput() //nolint:gosec,noctx // arguments of our own
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: install %s", err, packages)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Lock returns a file that is locked until it is closed; how is that of flock(2).
func Lock(name string, how int) (*os.File, error) {
	f, err := os.Create(name) //nolint:gosec // a name of our own
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil { //nolint:gosec // descriptors are small
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// root is the folder .cache beside the go.mod above the working directory.
func root() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, ".cache"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working directory")
		}
	}
	return "", err
}
