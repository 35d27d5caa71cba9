// Command package builds the functions for Lambda's arm64 and writes what a
// deployment needs that has neither the CDK nor Node to dist/sagemoat/VERSION/: a
// zip of each function, and the templates. VERSION is made of the zips; the same
// source gives the same bytes. Run it in the root of the repository:
//
//	go run ./internal/gen/package
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
)

func main() {
	if err := run(context.Background(), ".", "dist", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// Latest is the file in dist that says the version that was built last.
const latest = "VERSION"

func run(ctx context.Context, root, dist string, out io.Writer) error {
	names, err := bootstrap.Functions(root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	zips := map[string][]byte{}
	all := sha256.New()
	for _, name := range names {
		if zips[name], err = build(ctx, root, name, filepath.Join(work, name)); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(all, "%s %x\n", name, sha256.Sum256(zips[name])) // a hash takes everything
	}
	version := fmt.Sprintf("%x", all.Sum(nil))[:12]
	folder := filepath.Join(dist, "sagemoat", version)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for _, name := range names {
		file := filepath.Join(folder, name+".zip")
		if err := write(file, zips[name]); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s  %9d bytes  sha256 %x\n", file, len(zips[name]), sha256.Sum256(zips[name])); err != nil {
			return err
		}
	}
	if err := templates(root, folder, version, out); err != nil {
		return err
	}
	return write(filepath.Join(dist, latest), []byte(version+"\n"))
}

// build is the zip of a function.
func build(ctx context.Context, root, name, work string) ([]byte, error) {
	if err := bootstrap.Build(ctx, root, filepath.Join("functions", name), "arm64", work); err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(work) // #nosec G304 -- built just now
	if err != nil {
		return nil, err
	}
	return bootstrap.Zip(binary)
}

// unreleased stands in the templates where the version of the zips goes: in the keys
// of the zips, in the custom resource that each version sees to again, in the output.
const unreleased = "unreleased"

// templates puts the templates beside the zips: those of the CDK app, as
// infra/templates has them, with this version as the one that they deploy.
func templates(root, folder, version string, out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(root, "infra", "templates", "*.template.json"))
	if err != nil {
		return err
	}
	if files == nil {
		return fmt.Errorf("no template in %s", filepath.Join(root, "infra", "templates"))
	}
	for _, file := range files {
		text, err := os.ReadFile(file) // #nosec G304 -- of our own
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte(unreleased), []byte(version))
		to := filepath.Join(folder, filepath.Base(file))
		if err := write(to, text); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s  %9d bytes  sha256 %x\n", to, len(text), sha256.Sum256(text)); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, text []byte) error {
	return os.WriteFile(file, text, 0o644) // #nosec G306 G703 -- named by our folders; to be deployed by whoever may
}
