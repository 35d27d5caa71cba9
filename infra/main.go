// Command infra is the CDK app that deploys sagemoat. Its templates are golden
// files (templates/), which go test compares with what it synthesizes.
package main

import (
	"os"

	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/infra/stack"
)

func main() {
	defer jsii.Close()
	app, err := stack.App(os.Getenv("CDK_OUTDIR"), os.Getenv("SAGEMOAT_DIST"))
	if err != nil {
		os.Stderr.WriteString("infra: " + err.Error() + "\n") //nolint:errcheck // nowhere else to say it
		os.Exit(1)
	}
	app.Synth(nil)
}
