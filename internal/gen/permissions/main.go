// Command permissions writes docs/permissions.md: what the roles of the template may
// do, as a page. Run it in the root of the repository:
//
//	go run ./internal/gen/permissions
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// page and source are where they are, from the root of the repository.
const (
	page   = "docs/permissions.md"
	source = "infra/templates/sagemoat.template.json"
)

func main() {
	text, err := render(filepath.FromSlash(source))
	if err == nil {
		err = os.WriteFile(filepath.FromSlash(page), []byte(text), 0o644) // #nosec G306 -- documentation, for all to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "permissions:", err)
		os.Exit(1)
	}
}
