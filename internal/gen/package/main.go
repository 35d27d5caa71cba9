// Command package builds the functions for Lambda's arm64 and writes a zip of
// each to dist/, with its size and SHA-256. The same source gives the same bytes.
// Run it in the root of the repository:
//
//	go run ./internal/gen/package
package main

import (
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
	if err := os.MkdirAll(dist, 0o750); err != nil {
		return err
	}
	for _, name := range names {
		built := filepath.Join(work, name)
		if err := bootstrap.Build(ctx, root, filepath.Join("functions", name), "arm64", built); err != nil {
			return err
		}
		binary, err := os.ReadFile(built) // #nosec G304 -- built just now
		if err != nil {
			return err
		}
		zipped, err := bootstrap.Zip(binary)
		if err != nil {
			return err
		}
		file := filepath.Join(dist, name+".zip")
		if err := os.WriteFile(file, zipped, 0o644); err != nil { // #nosec G306 G703 -- named by our folders; to be deployed by whoever may
			return err
		}
		if _, err := fmt.Fprintf(out, "%s  %9d bytes  sha256 %x\n", file, len(zipped), sha256.Sum256(zipped)); err != nil {
			return err
		}
	}
	return nil
}
