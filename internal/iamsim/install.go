package iamsim

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // what is installed
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed package.json
var packages []byte

//go:embed package-lock.json
var lock []byte

// Pinned says what is installed: each package with its version and hash.
func Pinned() []byte { return append(bytes.Clone(packages), lock...) }

// Install puts the simulator into a folder, by npm, from the registry that npm is
// set up with. Nothing but what the hashes name, and no script of anybody's.
// https://docs.npmjs.com/cli/commands/npm-ci
func Install(ctx context.Context, dir string) error {
	for name, text := range map[string][]byte{"package.json": packages, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		if said := bytes.TrimSpace(out); len(said) > 0 {
			return fmt.Errorf("npm ci: %w: %s", err, said)
		}
		return missing(err)
	}
	return nil
}

// Cached returns a folder below root with the simulator in it, and installs it
// where it is not there, which it tells before.
func Cached(ctx context.Context, root string, tell func()) (dir string, err error) {
	sum := sha256.Sum256(Pinned())
	dir = filepath.Join(root, "iam-simulate-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	tell()
	if err := os.MkdirAll(root, 0o750); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(root, "part-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := Install(ctx, part); err != nil {
		return "", err
	}
	if err := os.Rename(part, dir); err != nil {
		if _, there := os.Stat(dir); there == nil {
			return dir, nil // somebody else was quicker
		}
		return "", err
	}
	return dir, nil
}

// missing says what to install where a command is not there.
func missing(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: iam-simulate, which evaluates the policies, needs Node.js 20 or newer with npm: install it (Debian: nodejs and npm)", err)
	}
	return err
}
