package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	tried "github.com/sagemoat/sagemoat/internal/prevent"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// preventTestFlags are the flags of prevent test.
type preventTestFlags struct {
	preventFlags
	as      string
	archive []string
}

func preventTestCommand(p process, status *int) *cobra.Command {
	var f preventTestFlags
	cmd := &cobra.Command{
		Use:   "test [flags] [POLICY...]",
		Short: "Try policies by evaluation: made-up requests, or the calls of an archive",
		Long: `test evaluates policies with iam-simulate, an evaluator that others wrote, which
it starts with Node.js and installs with npm the first time. POLICY is a file with
one policy as JSON; without one, what sagemoat prevent writes is tried.

Without --archive it tries requests of every operation that a condition key can
deny: those that the rules fail must be denied, where a policy can, and those that
comply must be allowed. With --archive it says which calls of the past the policies
would have denied, whose, and which violations they would have let through.

Exit status: 0 the policies do what the rules say; 1 they do not; 2 wrong usage, or
something that could not be read or evaluated.`,
		Example: `  sagemoat prevent test --rules rules.yaml
  sagemoat prevent test --rules rules.yaml our-scp.json
  sagemoat prevent test --rules rules.yaml --archive ./AWSLogs`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := runPreventTest(cmd.Context(), p, &f, args)
			*status = s
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.as, "as", "scp", "how the policies are attached, as `FORM`: scp, iam, boundary")
	cmd.Flags().StringSliceVar(&f.archive, "archive", nil, "evaluate the calls in these CloudTrail `PATH`s, as sagemoat audit reads them")
	return cmd
}

func runPreventTest(ctx context.Context, p process, f *preventTestFlags, paths []string) (int, error) {
	form := prevent.Form(f.as)
	if !slices.Contains([]prevent.Form{prevent.SCP, prevent.IAM, prevent.Boundary}, form) {
		return exitError, fmt.Errorf("--as %s: want one of scp, iam, boundary", f.as)
	}
	file, o, err := f.load(p)
	if err != nil {
		return exitError, err
	}
	attached, err := f.policiesFor(p, prevent.Generate(file, o), form, paths)
	if err != nil {
		return exitError, err
	}
	sim, err := simulator(ctx, p)
	if err != nil {
		return exitError, err
	}
	defer sim.Close() //nolint:errcheck // it has answered
	if len(f.archive) > 0 {
		return f.past(ctx, p, sim, attached, file)
	}
	cases, err := tried.Cases(file, o)
	if err != nil {
		return exitError, err
	}
	tell, done := evaluating(p)
	err = tried.Try(ctx, sim, attached, cases, tell)
	if done(); err != nil {
		return exitError, err
	}
	if err := tried.PrintCases(p.stdout, cases); err != nil {
		return exitError, err
	}
	if slices.ContainsFunc(cases, (*tried.Case).Wrong) {
		return exitFailed, nil
	}
	return exitClean, nil
}

// evaluating shows on a terminal how many requests were evaluated; it returns nil
// elsewhere. done takes the display away again.
func evaluating(p process) (tell tried.Progress, done func()) {
	if _, ok := p.terminal(p.stderr); !ok {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.stderr), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSpinnerType(14))
	bar.Describe("evaluating")
	_ = bar.RenderBlank()
	return func(n, of int) {
		bar.Describe(fmt.Sprintf("%d of %s evaluated", n, count(of, "request")))
		_ = bar.Add(1)
	}, func() { _ = bar.Finish() }
}

// past evaluates the calls of an archive.
func (f *preventTestFlags) past(ctx context.Context, p process, sim *iamsim.Simulator, attached tried.Attached, file *rules.File) (int, error) {
	tell, done := progress(p)
	records, err := audit.Read(ctx, audit.Inputs{Paths: f.archive, Stdin: p.stdin}, tell)
	done()
	if err != nil {
		return exitError, err
	}
	evaluated, done := evaluating(p)
	calls, err := tried.Past(ctx, sim, attached, records, file, p.now, evaluated)
	if done(); err != nil {
		return exitError, err
	}
	if err := tried.PrintPast(p.stdout, calls); err != nil {
		return exitError, err
	}
	for _, problem := range records.Problems {
		say(p, "error: %s", finding.Plain(problem.Error()))
	}
	say(p, "%s read, %s", count(records.Files, "file"), count(len(calls), "call"))
	switch {
	case len(records.Problems) > 0:
		return exitError, nil
	case tried.Trouble(calls):
		return exitFailed, nil
	default:
		return exitClean, nil
	}
}

// policies reads the policies to try; without any they are the generated ones.
func (f *preventTestFlags) policiesFor(p process, set *prevent.Set, form prevent.Form, paths []string) (tried.Attached, error) {
	if len(paths) == 0 {
		return tried.Generated(set, form)
	}
	a := tried.Attached{Form: form}
	for _, path := range paths {
		policy, err := readPolicy(path, p.stdin)
		if err != nil {
			return a, err
		}
		a.Policies = append(a.Policies, policy)
		keys, err := prevent.Keys(policy)
		if err != nil {
			return a, fmt.Errorf("%s: %w", path, err)
		}
		var unknown []string
		for _, key := range keys {
			if !prevent.Known(key) {
				unknown = append(unknown, key)
			}
		}
		if len(unknown) > 0 {
			say(p, "%s asks for %s, which no request here shows: evaluated as if it were not there", path, strings.Join(unknown, ", "))
		}
	}
	return a, nil
}

// readPolicy reads a policy; "-" is standard input.
func readPolicy(path string, stdin io.Reader) (json.RawMessage, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(io.LimitReader(stdin, jsondoc.MaxBytes+1))
	} else {
		data, err = os.ReadFile(path) // #nosec G304 -- the user named the file
	}
	if err != nil {
		return nil, err
	}
	doc, err := jsondoc.Parse(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s := doc.Get("Statement").Kind(); s != jsondoc.Array && s != jsondoc.Object {
		return nil, fmt.Errorf("%s: found no Statement: want one policy as JSON, {\"Version\": …, \"Statement\": […]}", path)
	}
	return data, nil
}

// simulator starts iam-simulate, which is installed in the user's cache.
func simulator(ctx context.Context, p process) (*iamsim.Simulator, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no folder to install iam-simulate in: %w", errors.Join(err))
	}
	dir, err := iamsim.Cached(ctx, filepath.Join(cache, "sagemoat"), func() { say(p, "installing iam-simulate with npm, once") })
	if err != nil {
		return nil, err
	}
	return iamsim.Start(ctx, dir)
}
