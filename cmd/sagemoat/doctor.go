package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/internal/doctor"
)

// doctorFlags are the flags of doctor, as they were typed.
type doctorFlags struct {
	stack, region, profile, output string
	preflight                      bool
}

func doctorCommand(p process, status *int) *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check what is deployed in an account and Region, and what must be there before",
		Long: `doctor asks AWS, with your credentials, what of sagemoat works in an account and
Region: the trail, the event rules, the queues, the functions, the rules file, the
ledger, Security Hub. It reads only. Each line says what was found; where
something is to be done, why, and what to paste.

A call that is denied leaves its line unknown, which is not ok: docs/doctor.md has
the policy that allows all of them. What nobody looks at is listed as well.

Exit status: 0 nothing failed and nothing is unknown; 1 something failed, or is
unknown; 2 wrong usage, or no credentials.`,
		Example: `  sagemoat doctor --preflight --region eu-west-1
  sagemoat doctor --stack sagemoat --profile audit
  sagemoat doctor --output json | jq 'select(.status == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := runDoctor(cmd.Context(), p, f)
			*status = s
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stack, "stack", doctor.DefaultStack, "`NAME` of the CloudFormation stack")
	flags.StringVar(&f.region, "region", "", "`REGION` (default: AWS_REGION, or that of the profile)")
	flags.StringVar(&f.profile, "profile", "", "`PROFILE` of the AWS configuration")
	flags.StringVar(&f.output, "output", "text", "output `FORMAT`: text, json")
	flags.BoolVar(&f.preflight, "preflight", false, "nothing is deployed yet: check what must be there before")
	return cmd
}

// runDoctor runs doctor and returns the exit status.
func runDoctor(ctx context.Context, p process, f doctorFlags) (int, error) {
	if f.output != "text" && f.output != "json" {
		return exitError, fmt.Errorf("--output %s: want text or json", f.output)
	}
	tell, done := spinner(p)
	defer done()
	tell("asking who calls")
	d, err := doctor.Open(ctx, doctor.Options{
		Stack: f.stack, Region: f.region, Profile: f.profile, Preflight: f.preflight, Version: version(), Now: time.Now,
	})
	if err != nil {
		return exitError, explained(err)
	}
	tell("checking")
	r, err := d.Check(ctx, func(group string) { tell("checked: " + group) })
	if err != nil {
		return exitError, err
	}
	done()
	return f.print(p, r)
}

// print writes a report and returns the exit status.
func (f *doctorFlags) print(p process, r *doctor.Report) (int, error) {
	var err error
	if f.output == "json" {
		if err = r.JSON(p.stdout); err == nil {
			say(p, "%s", r.Summary())
		}
	} else {
		columns, isTerminal := p.terminal(p.stdout)
		err = r.Text(p.stdout, doctor.Print{Width: columns, Color: isTerminal && p.getenv("NO_COLOR") == ""})
	}
	switch {
	case err != nil:
		return exitError, err
	case !r.Sound():
		return exitFailed, nil
	}
	return exitClean, nil
}

// explained adds to an error what to do about it.
func explained(err error) error {
	if errors.Is(err, doctor.ErrIdentity) {
		return fmt.Errorf("%w (AWS_PROFILE or --profile chooses credentials, aws sso login renews them)", err)
	}
	return err
}
