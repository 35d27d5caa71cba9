// Command kinds writes docs/kinds.md, the table of kinds as a page. Run it in
// the root of the repository:
//
//	go run ./internal/gen/kinds
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// page is where the page is, from the root of the repository.
const page = "docs/kinds.md"

func main() {
	if err := os.WriteFile(filepath.FromSlash(page), []byte(render()), 0o644); err != nil { // #nosec G306 -- documentation, for all to read
		fmt.Fprintln(os.Stderr, "kinds:", err)
		os.Exit(1)
	}
}
