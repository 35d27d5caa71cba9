// Command infra is the CDK app that deploys sagemoat. Its templates are golden
// files (templates/), which go test compares with what it synthesizes.
package main

import (
	"fmt"
	"os"

	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/infra/stack"
)

func main() {
	defer jsii.Close()
	app, err := stack.App(os.Getenv("CDK_OUTDIR"), os.Getenv("SAGEMOAT_DIST")) //nolint:forbidigo // this is main
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
	app.Synth(nil)
}
