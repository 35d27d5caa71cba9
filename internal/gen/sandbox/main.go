// Command sandbox writes pkg/sandbox/model.json: the shapes of the operations
// of SageMaker AI that the sandbox answers, from the AWS SDK's own model. Run it
// in the root of the repository:
//
//	go run ./internal/gen/sandbox
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// file is where the shapes are, from the root of the repository.
const file = "pkg/sandbox/model.json"

func main() {
	b, err := render()
	if err == nil {
		err = os.WriteFile(filepath.FromSlash(file), b, 0o644) // #nosec G306 -- public shapes, for all to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}
