// Package sources tells go test what a test builds by itself.
package sources

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// Used looks into every folder of the module in root that may hold sources. What a
// test looks at is part of what its cached result depends on
// (https://pkg.go.dev/cmd/go#hdr-Test_packages), and what it has "go build" or "go
// list" read is not: without this, a test of binaries would not run again when
// their sources change.
func Used(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		return err
	})
}
