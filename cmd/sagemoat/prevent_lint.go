package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/internal/policies"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/report"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// lintFlags are the flags of prevent lint, as they were typed.
type lintFlags struct {
	rules, output, out string
	account, all       bool
}

func preventLintCommand(p process, status *int) *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint [flags] PATH...",
		Short: "Say what SCPs and IAM policies do not stop, and what they break",
		Long: `lint reads SCPs and IAM policies ("-" is standard input, of folders the files that
end in .json) and says, per statement and for all together, what they do not stop
and which compliant calls they deny: conditions that never match or match what they
should not, operations that are left out, ways around. The coverage says for every
operation what is stopped and what no policy can stop.

It reads policy documents, and what these print: aws iam get-policy-version,
get-role-policy, get-user-policy, get-group-policy and
get-account-authorization-details, aws organizations describe-policy; CloudFormation
templates and Terraform plans in JSON. The files are taken to apply together, unless
they tell what is attached to whom.

With --account it reads the policies of the account that your AWS configuration
leads to (AWS_PROFILE and the like), and calls
iam:GetAccountAuthorizationDetails, and for the SCPs, where you may,
organizations:DescribeOrganization, ListParents, ListPoliciesForTarget and
DescribePolicy. Nothing is changed.

What each finding means is in docs/lint.md.

Exit status: 0 nothing was found; 1 something was; 2 wrong usage, or input that could
not be read (what could be was linted and printed).`,
		Example: `  sagemoat prevent lint scp.json
  aws organizations describe-policy --policy-id p-examplepolicyid111 | sagemoat prevent lint -
  sagemoat prevent lint --rules rules.yaml --output sarif --out lint.sarif policies/
  AWS_PROFILE=ml sagemoat prevent lint --account`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !f.account {
				return errors.New("nothing to lint: name files or folders, - for standard input, or --account (sagemoat prevent lint --help)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := runLint(cmd.Context(), p, f, args)
			*status = s
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rules, "rules", "", "rules `FILE`: what the policies are held to (default: what sagemoat rules init prints)")
	flags.StringVar(&f.output, "output", "table", "output `FORMAT`: "+strings.Join(lintFormats(), ", "))
	flags.StringVar(&f.out, "out", "", "write to `FILE` instead of standard output")
	flags.BoolVar(&f.account, "account", false, "read the policies of the account that the AWS configuration leads to")
	flags.BoolVar(&f.all, "all", false, "list notes, too: what the rules do not ask for, what wildcards name")
	return cmd
}

func lintFormats() []string { return []string{"table", "json", "sarif", "markdown"} }

// lintWriters are the output formats.
func lintWriters() map[string]func(io.Writer, *lint.Report, report.Options) error {
	return map[string]func(io.Writer, *lint.Report, report.Options) error{
		"table": report.LintTable, "json": report.LintJSON, "sarif": report.LintSARIF, "markdown": report.LintMarkdown,
	}
}

// accountPatience is how long reading an account may take.
const accountPatience = 10 * time.Minute

// runLint runs prevent lint and returns the exit status; the error is of usage.
func runLint(ctx context.Context, p process, f lintFlags, paths []string) (int, error) {
	if !slices.Contains(lintFormats(), f.output) {
		return exitError, fmt.Errorf("--output %s: want one of %s", f.output, strings.Join(lintFormats(), ", "))
	}
	if f.rules == "-" && slices.Contains(paths, "-") {
		return exitError, errors.New("standard input can be the rules file or the input, not both")
	}
	file := rules.Default()
	if f.rules != "" {
		var err error
		if file, err = loadRules(f.rules, p.stdin); err != nil {
			return exitError, err
		}
	}
	var read policies.Read
	tell, done := progress(p)
	err := f.read(ctx, &read, paths, p.stdin, tell)
	done()
	if err != nil {
		return exitError, err
	}
	if len(read.Set.Policies) == 0 && !f.account {
		if len(read.Problems) == 0 {
			return exitError, fmt.Errorf("no policy in %s", strings.Join(paths, ", "))
		}
		f.summary(p, &read)
		return exitError, nil
	}
	r := lint.Run(&read.Set, lint.Options{Rules: file, Now: p.now})
	if err := f.write(p, r); err != nil {
		return exitError, err
	}
	f.summary(p, &read)
	switch {
	case len(read.Problems) > 0:
		return exitError, nil
	case r.Fails():
		return exitFailed, nil
	default:
		return exitClean, nil
	}
}

// read reads the files and the account.
func (f *lintFlags) read(ctx context.Context, read *policies.Read, paths []string, stdin io.Reader, tell func(files int, bytes int64)) error {
	if err := read.Files(ctx, paths, stdin, tell); err != nil || !f.account {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	cfg, err := policies.Config(ctx)
	if err != nil {
		return fmt.Errorf("--account: %w", err)
	}
	if err := read.Account(ctx, cfg, tell); err != nil {
		return fmt.Errorf("--account: %w", err)
	}
	return nil
}

// write writes the report to standard output or to the file.
func (f *lintFlags) write(p process, r *lint.Report) error {
	columns, isTerminal := p.terminal(p.stdout)
	o := report.Options{Now: p.now, Version: version(), All: f.all}
	if o.Root, _ = os.Getwd(); f.out == "" {
		o.Width, o.Color = columns, isTerminal && p.getenv("NO_COLOR") == ""
	}
	var b bytes.Buffer
	if err := lintWriters()[f.output](&b, r, o); err != nil {
		return err
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		return nil
	}
	_, err := b.WriteTo(p.stdout)
	return err
}

// summary says on standard error what was read and what could not be.
func (f *lintFlags) summary(p process, read *policies.Read) {
	for _, problem := range read.Problems {
		say(p, "error: %s", finding.Plain(problem.Error()))
	}
	for _, missing := range read.Missing {
		say(p, "warning: %s", finding.Plain(missing))
	}
	said := []string{fmt.Sprintf("%s read", count(read.Count, "file"))}
	if read.Others > 0 {
		said = append(said, fmt.Sprintf("%d of them without a policy", read.Others))
	}
	if read.Set.Foreign > 0 {
		said = append(said, fmt.Sprintf("%d policies of resources passed over: they name a Principal, which no SCP and no IAM policy does", read.Set.Foreign))
	}
	if n := len(read.Problems); n > 0 {
		said = append(said, count(n, "error"))
	}
	say(p, "%s", strings.Join(said, ", "))
}
