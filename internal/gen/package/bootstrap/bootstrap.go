// Package bootstrap builds functions as they are deployed.
package bootstrap

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Name is what provided.al2023 runs, in the root of the zip
// (https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html).
const Name = "bootstrap"

// Functions are the names of the functions: the folders under functions/ of the
// module in root, in order.
func Functions(root string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		return nil, fmt.Errorf("functions: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if names == nil {
		return nil, fmt.Errorf("functions: no folder in %s", filepath.Join(root, "functions"))
	}
	return names, nil
}

// Build builds the main package in a folder of the module in root for Linux on
// arch, into the file out. What is built depends on the source and the version of
// Go, and on nothing else: not on the place of the source, nor on the state of
// its repository.
//
// lambda.norpc leaves out what the Go 1.x runtime needed, 2 to 4 MB
// (https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html).
func Build(ctx context.Context, root, folder, arch, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("building %s: %w", folder, err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w -buildid=", "-o", out, "./"+filepath.ToSlash(folder)) // #nosec G204 -- folders of our own
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if told, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %s: %w\n%s", folder, arch, err, bytes.TrimSpace(told))
	}
	return nil
}

// Zip is the binary as a zip to deploy, the same for the same binary.
func Zip(binary []byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: Name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)} // the first day that a zip knows
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(binary)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return out.Bytes(), nil
}
