// Command sagemoat audits the network of everything in Amazon SageMaker AI,
// offline: it reads what AWS recorded, places every resource in the a/b/c
// matrix and says whether the organisation's rules allow it. Only its doctor asks
// AWS something: about what is deployed.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitClean  = 0 // nothing failed the rules
	exitFailed = 1 // something failed the rules
	exitError  = 2 // wrong usage, or input that could not be read
)

// process is everything that the program touches.
type process struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// terminal says whether a stream is one, and how many columns it has.
	terminal func(w io.Writer) (columns int, ok bool)
	getenv   func(string) string
	now      time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, process{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: terminal, getenv: os.Getenv, now: time.Now(),
	})
	stop()
	os.Exit(status)
}

// run executes the command line and returns the exit status. Data goes to
// stdout, everything else to stderr.
func run(ctx context.Context, p process) int {
	status := exitClean
	root := &cobra.Command{
		Use:   "sagemoat",
		Short: "Audit the network of everything in Amazon SageMaker AI",
		Long: `sagemoat reads what AWS recorded of Amazon SageMaker AI resources, says for each
whether its code can reach your VPC, the Internet on its own path, both or
neither, and whether your rules allow that.

audit and rules read files, and never call AWS. doctor asks AWS about what is
deployed.`,
		Example: `  sagemoat audit --rules rules.yaml ./cloudtrail-logs
  aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=sagemaker.amazonaws.com | sagemoat audit -`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(auditCommand(p, &status), rulesCommand(p, &status), doctorCommand(p, &status), preventCommand(p, &status), guideCommand(p, &status)) //nolint:contextcheck // cobra hands the context to the command
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(p.stderr, "sagemoat: %v\n", err)
		return exitError
	}
	return status
}

// version is the module's version where it was installed as one, else the
// commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return s.Value
		}
	}
	return info.Main.Version
}
