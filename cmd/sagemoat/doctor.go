package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/internal/doctor"
)

// doctorFlags are the flags of doctor, as they were typed.
type doctorFlags struct {
	stack, region, profile, output string
	preflight                      bool
	live, yes                      bool
	role                           string
	timeout                        time.Duration
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

--live is the self-test, and writes: it creates a pipeline that fails the rules, which
is never run, waits until the ledger and Security Hub have it, deletes it, and waits
until they know that too. It says first what it does and costs, and asks.

Exit status: 0 nothing failed and nothing is unknown; 1 something failed, or is
unknown; 2 wrong usage, or no credentials.`,
		Example: `  sagemoat doctor --preflight --region eu-west-1
  sagemoat doctor --stack sagemoat --profile audit
  sagemoat doctor --output json | jq 'select(.status == "failed")'
  sagemoat doctor --live --role arn:aws:iam::111122223333:role/SageMakerExecution`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"role", "yes", "timeout"} {
				if !f.live && cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s is for --live", name)
				}
			}
			s, err := runDoctor(cmd.Context(), p, f)
			*status = s
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stack, "stack", "", "`NAME` of the CloudFormation stack (default: "+doctor.DefaultStack+", or that of a StackSet of the name)")
	flags.StringVar(&f.region, "region", "", "`REGION` (default: AWS_REGION, or that of the profile)")
	flags.StringVar(&f.profile, "profile", "", "`PROFILE` of the AWS configuration")
	flags.StringVar(&f.output, "output", "text", "output `FORMAT`: text, json")
	flags.BoolVar(&f.preflight, "preflight", false, "nothing is deployed yet: check what must be there before")
	flags.BoolVar(&f.live, "live", false, "run the self-test: create a pipeline that is never run, follow it, delete it")
	flags.StringVar(&f.role, "role", "", "`ARN` of the role that the pipeline of --live has, and does not use")
	flags.DurationVar(&f.timeout, "timeout", doctor.LiveTimeout, "longest `TIME` that a stage of --live may take")
	flags.BoolVar(&f.yes, "yes", false, "do not ask before --live")
	return cmd
}

// runDoctor runs doctor and returns the exit status.
func runDoctor(ctx context.Context, p process, f doctorFlags) (int, error) {
	if f.output != "text" && f.output != "json" {
		return exitError, fmt.Errorf("--output %s: want text or json", f.output)
	}
	if f.live && f.preflight {
		return exitError, errors.New("--live needs what --preflight says is not there")
	}
	tell, done := spinner(p)
	defer done()
	tell("asking who calls")
	d, err := doctor.Open(ctx, doctor.Options{
		Stack: f.stack, Region: f.region, Profile: f.profile, Preflight: f.preflight, Now: time.Now,
	})
	if err != nil {
		return exitError, explained(err)
	}
	if f.live {
		done()
		return f.selfTest(ctx, p, d)
	}
	tell("checking")
	r, err := d.Check(ctx, func(group string) { tell("checked: " + group) })
	if err != nil {
		return exitError, err
	}
	done()
	return f.print(p, r)
}

// selfTest asks, and runs the self-test.
func (f *doctorFlags) selfTest(ctx context.Context, p process, d *doctor.Doctor) (int, error) {
	l, err := d.NewLive(f.role, f.timeout)
	if err != nil {
		return exitError, err
	}
	_, _ = fmt.Fprint(p.stderr, l.Plan())
	if !f.yes {
		_, _ = fmt.Fprintf(p.stderr, "\nType the account's id to go on: ")
		typed, err := answer(ctx, p.stdin)
		if err != nil {
			return exitError, err
		}
		if typed != d.Account() {
			return exitError, fmt.Errorf("that is not %s: nothing was done", d.Account())
		}
	}
	tell, done := spinner(p)
	defer done()
	l.Tell = func(stage string, since time.Duration) { tell(fmt.Sprintf("%s, %.0f s", stage, since.Seconds())) }
	if f.output == "text" {
		l.Done = func(line doctor.Line) {
			done()
			_, _ = fmt.Fprint(p.stdout, f.style(p).Line(&line))
		}
	}
	r, err := l.Run(ctx)
	done()
	if f.output == "json" {
		status, jsonErr := f.print(p, r)
		return status, errors.Join(err, jsonErr)
	}
	_, _ = fmt.Fprintf(p.stdout, "\n%s\n", r.Summary())
	if err != nil {
		return exitError, err
	}
	return status(r), nil
}

// answer reads a line, or until the context ends.
func answer(ctx context.Context, in io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(in, 200)).ReadString('\n')
		got <- read{strings.TrimSpace(line), err}
	}()
	select {
	case r := <-got:
		if r.err != nil && (!errors.Is(r.err, io.EOF) || r.line == "") {
			return "", errors.New("nobody answered: nothing was done (--yes does not ask)")
		}
		return r.line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// style is how text is written to standard output.
func (f *doctorFlags) style(p process) doctor.Print {
	columns, isTerminal := p.terminal(p.stdout)
	return doctor.Print{Width: columns, Color: isTerminal && p.getenv("NO_COLOR") == ""}
}

func status(r *doctor.Report) int {
	if r.Sound() {
		return exitClean
	}
	return exitFailed
}

// print writes a report and returns the exit status.
func (f *doctorFlags) print(p process, r *doctor.Report) (int, error) {
	var err error
	if f.output == "json" {
		if err = r.JSON(p.stdout); err == nil {
			say(p, "%s", r.Summary())
		}
	} else {
		err = r.Text(p.stdout, f.style(p))
	}
	if err != nil {
		return exitError, err
	}
	return status(r), nil
}

// explained adds
// explained adds to an error what to do about it.
func explained(err error) error {
	if errors.Is(err, doctor.ErrIdentity) {
		return fmt.Errorf("%w (AWS_PROFILE or --profile chooses credentials, aws sso login renews them)", err)
	}
	return err
}
