package cached

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// npmPackages are those of Debian that have npm.
const npmPackages = "nodejs and npm"

// NPM returns a folder with the node_modules of a project: what its lock file names,
// by hash. No script of anybody's is run.
func NPM(name string, project, lock []byte) (dir string, err error) {
	return Install(name, append(append([]byte{}, project...), lock...), func(dir string) error {
		for file, text := range map[string][]byte{"package.json": project, "package-lock.json": lock} {
			if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
				return err
			}
		}
		return Run(npmPackages, "npm", "ci", "--prefix", dir, "--prefer-offline", "--ignore-scripts", "--legacy-peer-deps",
			"--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
	})
}

// NPMFiles returns a folder with some files of one package, without what it depends
// on. The package is name@version, and its integrity what the registry says of it.
func NPMFiles(pkg, integrity string, files ...string) (dir string, err error) {
	return Install("npm", []byte(pkg+integrity+strings.Join(files, " ")), func(dir string) error {
		if err := Run(npmPackages, "npm", "pack", "--pack-destination", dir, "--loglevel=error", pkg); err != nil {
			return err
		}
		archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
		if err != nil || len(archives) != 1 {
			return fmt.Errorf("%s: %d archives, %w", pkg, len(archives), err)
		}
		text, err := os.ReadFile(archives[0])
		if err != nil {
			return err
		}
		sum := sha512.Sum512(text)
		if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != integrity {
			return fmt.Errorf("%s has the integrity %s, want %s", pkg, got, integrity)
		}
		return Run("tar", "tar", append([]string{"--extract", "--gzip", "--file", archives[0], "--directory", dir, "--wildcards"}, files...)...)
	})
}
