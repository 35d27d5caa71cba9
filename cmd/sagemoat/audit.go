package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/report"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// auditFlags are the flags of audit, as they were typed.
type auditFlags struct {
	rules, output, out string
	asIf               string
	classes, kinds     []string
	severity           string
	accounts           []string
	since, until       string
	failOn             string
	prevented, all     bool
	skipOthers         bool
}

func auditCommand(p process, status *int) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit [flags] PATH...",
		Short: "Judge what was created or changed, or is about to be",
		Long: `audit reads files and folders ("-" is standard input) and judges every successful
call in them that created or changed the network of a SageMaker AI resource, and
every resource that a template or a plan is about to create or change.

The content decides what a file is: a CloudTrail log (.json.gz is read as it is),
CloudTrail records one a line, LookupEvents output, EventBridge events, Describe
responses, API requests, pipeline definitions, CloudFormation templates in JSON or
YAML, Terraform plans (terraform show -json). References (a transform job's model,
an endpoint's configuration, a profile's domain) are resolved among all the inputs,
whatever their order; those of a template or a plan within it.

A file that is named must be one of these. In a folder, files that are none of them
are counted.

With --as-if it compares two rules files over the past instead: what each would
have flagged, told and stopped, by day, rule and team, and why they differ. The
first is that of --rules; time in the records is the clock.

Exit status: 0 nothing failed the rules; 1 something did; 2 wrong usage, or input
that could not be read (what could be was judged and printed). With --as-if it is
0 or 2: a comparison is no verdict.`,
		Example: `  sagemoat audit ./AWSLogs
  sagemoat audit --rules rules.yaml --output sarif --out sagemoat.sarif template.yaml
  terraform show -json plan.tfplan | sagemoat audit -
  sagemoat audit --class c,b-internet --since 7d ./AWSLogs
  sagemoat audit --prevented ./AWSLogs
  sagemoat audit --rules rules.yaml --as-if rules-with-stop.yaml --since 30d ./AWSLogs`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("nothing to audit: name files or folders, or - for standard input (sagemoat audit --help)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			run := runAudit
			if f.asIf != "" {
				run = runAsIf
			}
			s, err := run(cmd.Context(), p, f, args)
			*status = s
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rules, "rules", "", "rules `FILE` (default: what sagemoat rules init prints)")
	flags.StringVar(&f.asIf, "as-if", "", "compare the rules with those of another `FILE`, over the past")
	flags.StringVar(&f.output, "output", "table", "output `FORMAT`: "+strings.Join(formats(), ", "))
	flags.StringVar(&f.out, "out", "", "write to `FILE` instead of standard output")
	flags.StringSliceVar(&f.classes, "class", nil, "list only these `CLASS`es: "+joined(verdict.Classes())+"; the status counts the others, too")
	flags.StringVar(&f.severity, "severity", "", "list only what is at least this `SEVERITY`: critical, high, medium, low, informational; the status counts the rest, too (--fail-on)")
	flags.StringSliceVar(&f.kinds, "kind", nil, "only these `KIND`s, for example training-job")
	flags.StringSliceVar(&f.accounts, "account", nil, "only these `ACCOUNT`s")
	flags.StringVar(&f.since, "since", "", "only from this `TIME` on: 2026-11-02, 2026-11-02T09:00:00Z, or how long ago: 36h, 7d")
	flags.StringVar(&f.until, "until", "", "only before this `TIME`")
	flags.BoolVar(&f.prevented, "prevented", false, "list the calls that AWS refused, instead of verdicts")
	flags.StringVar(&f.failOn, "fail-on", "low", "exit with status 1 where something failed with at least this `SEVERITY`: critical, high, medium, low; unknown: also where something could not be told")
	flags.BoolVar(&f.skipOthers, "skip-others", false, "count files that are nothing that is read, as in a folder, although they were named")
	flags.BoolVar(&f.all, "all", false, "list in the table what passed, too")
	return cmd
}

// writer writes a report.
type writer func(w io.Writer, findings []*finding.Finding, o report.Options) error

// writers are the output formats.
func writers() map[string]writer {
	return map[string]writer{
		"table": report.Table, "json": report.JSON, "markdown": report.Markdown, "sarif": report.SARIF, "asff": nil,
	}
}

func formats() []string { return []string{"table", "json", "asff", "sarif", "markdown"} }

// refusedWriters are the formats in which refused calls are listed.
func refusedWriters() map[string]func(io.Writer, []*kind.Observation, report.Options) error {
	return map[string]func(io.Writer, []*kind.Observation, report.Options) error{
		"table": report.RefusedTable, "json": report.RefusedJSON, "markdown": report.RefusedMarkdown,
	}
}

// runAudit runs audit and returns the exit status; the error is of usage.
func runAudit(ctx context.Context, p process, f auditFlags, paths []string) (int, error) {
	if !slices.Contains(formats(), f.output) {
		return exitError, fmt.Errorf("--output %s: want one of %s", f.output, strings.Join(formats(), ", "))
	}
	if f.prevented && refusedWriters()[f.output] == nil {
		return exitError, fmt.Errorf("--prevented has no %s form: want --output table, json or markdown", f.output)
	}
	if f.rules == "-" && slices.Contains(paths, "-") {
		return exitError, errors.New("standard input can be the rules file or the input, not both")
	}
	keep, err := f.filter(p.now)
	if err != nil {
		return exitError, err
	}
	if !slices.Contains(failOn, f.failOn) {
		return exitError, fmt.Errorf("--fail-on %s: want one of %s", f.failOn, strings.Join(failOn, ", "))
	}
	file := rules.Default()
	if f.rules != "" {
		if file, err = loadRules(f.rules, p.stdin); err != nil {
			return exitError, err
		}
		for _, x := range file.Expired(p.now) {
			say(p, "warning: %s", expiredWarning(f.rules, x))
		}
	}

	tell, done := progress(p)
	r, err := audit.Run(ctx, audit.Inputs{Paths: paths, Stdin: p.stdin, SkipOthers: f.skipOthers}, audit.Options{Rules: file, Now: p.now, Keep: keep, Progress: tell})
	done()
	if err != nil {
		return exitError, err
	}
	if err := f.write(p, r); err != nil {
		return exitError, err
	}
	f.summary(p, r)
	switch {
	case len(r.Problems) > 0:
		return exitError, nil
	case !f.prevented && f.fails(r):
		return exitFailed, nil
	default:
		return exitClean, nil
	}
}

// failOn are the values of the flag, most lenient first.
var failOn = []string{"critical", "high", "medium", "low", "unknown"}

// fails says whether something is as bad as it takes.
func (f *auditFlags) fails(r *audit.Report) bool {
	if f.failOn == "unknown" {
		return r.Failed("") || r.Warned() || len(r.Unjudged) > 0 || r.Incomplete
	}
	return r.Failed(rules.Severity(strings.ToUpper(f.failOn)))
}

// write writes the report to standard output or to the file.
func (f *auditFlags) write(p process, r *audit.Report) error {
	columns, isTerminal := p.terminal(p.stdout)
	o := report.Options{Now: p.now, Version: version(), Line: new(lines).of, All: f.all, LeftOut: len(r.LeftOut) > 0}
	if o.Root, _ = os.Getwd(); f.out == "" {
		o.Width, o.Color = columns, isTerminal && p.getenv("NO_COLOR") == ""
	}
	var b bytes.Buffer
	var err error
	switch {
	case f.prevented:
		err = refusedWriters()[f.output](&b, r.Refused, o)
	case f.output == "asff":
		err = f.asff(p, &b, r, o)
	default:
		err = writers()[f.output](&b, r.Findings, o)
	}
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		return nil
	}
	_, err = b.WriteTo(p.stdout)
	return err
}

// asff writes findings for Security Hub, and says which there cannot be.
func (f *auditFlags) asff(p process, w io.Writer, r *audit.Report, o report.Options) error {
	stats, err := report.ASFF(w, r.Findings, o)
	for _, s := range stats.Skipped {
		say(p, "no finding for Security Hub: %s: %v", finding.Plain(s.Finding.Resource()), s.Err)
	}
	return err
}

// summary says on standard error what was read and what could not be.
func (f *auditFlags) summary(p process, r *audit.Report) {
	for _, problem := range r.Problems {
		say(p, "error: %s", finding.Plain(problem.Error()))
	}
	for _, t := range slices.Sorted(maps.Keys(r.Unjudged)) {
		say(p, "not judged: %s of type %s", count(r.Unjudged[t], "resource"), finding.Plain(t))
	}
	if r.Sources > 0 {
		say(p, "not read: %s of Terraform source; audit the plan that is made of it (terraform show -json PLANFILE)", count(r.Sources, "file"))
	}
	for _, note := range r.Notes {
		say(p, "note: %s", finding.Plain(note))
	}
	said := []string{fmt.Sprintf("%s read", count(r.Files, "file"))}
	if r.Skipped > 0 {
		said = append(said, count(r.Skipped, "file")+" skipped by name")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Folders)) {
		said = append(said, count(r.Folders[name], "folder")+" "+name+" not looked into")
	}
	if r.Others > 0 {
		said = append(said, fmt.Sprintf("%s of them nothing that is audited", count(r.Others, "file")))
	}
	left, failed := 0, 0
	for o, n := range r.LeftOut {
		if left += n; o.Compliance == rules.Failed {
			failed += n
		}
	}
	said = append(said, count(len(r.Findings)+left, "verdict"))
	if left > 0 {
		said = append(said, fmt.Sprintf("%d of them left out by --class or --severity (%d failed)", left, failed))
	}
	if n := len(r.Refused); n > 0 {
		denied := 0
		for _, o := range r.Refused {
			if strings.HasPrefix(o.Refused, "AccessDenied") {
				denied++
			}
		}
		said = append(said, fmt.Sprintf("%s refused by AWS (%d by AccessDenied; --prevented lists them)", count(n, "call"), denied))
	}
	if r.Duplicates > 0 {
		said = append(said, count(r.Duplicates, "record")+" seen more than once")
	}
	if n := len(r.Problems); n > 0 {
		said = append(said, count(n, "error"))
	}
	say(p, "%s", strings.Join(said, ", "))
}

// say writes a line to standard error.
func say(p process, format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, "sagemoat: "+format+"\n", args...)
}

// filter reads the flags that choose what is kept.
func (f *auditFlags) filter(now time.Time) (audit.Filter, error) {
	keep := audit.Filter{Accounts: f.accounts}
	var errs []error
	for _, a := range f.accounts {
		if !accountID.MatchString(a) {
			errs = append(errs, fmt.Errorf("--account %s: want 12 digits, for example 111122223333", a))
		}
	}
	for _, c := range f.classes {
		i := slices.IndexFunc(verdict.Classes(), func(v verdict.Class) bool { return v.String() == c })
		if i < 0 {
			errs = append(errs, fmt.Errorf("--class %s: want one of %s", c, joined(verdict.Classes())))
			continue
		}
		keep.Classes = append(keep.Classes, verdict.Classes()[i])
	}
	for _, k := range f.kinds {
		if !slices.Contains(kind.Kinds(), k) {
			errs = append(errs, fmt.Errorf("--kind %s: want one of %s", k, strings.Join(kind.Kinds(), ", ")))
		}
		keep.Kinds = append(keep.Kinds, kind.Kind(k))
	}
	if f.severity != "" {
		keep.Severity = rules.Severity(strings.ToUpper(f.severity))
		if !slices.Contains(rules.Severities(), keep.Severity) {
			errs = append(errs, fmt.Errorf("--severity %s: want one of critical, high, medium, low, informational", f.severity))
		}
	}
	var err error
	if keep.Since, err = instant(f.since, now); err != nil {
		errs = append(errs, fmt.Errorf("--since %w", err))
	}
	if keep.Until, err = instant(f.until, now); err != nil {
		errs = append(errs, fmt.Errorf("--until %w", err))
	}
	if !keep.Since.IsZero() && !keep.Until.IsZero() && !keep.Since.Before(keep.Until) {
		errs = append(errs, fmt.Errorf("--since %s is not before --until %s: nothing is between them", f.since, f.until))
	}
	return keep, errors.Join(errs...)
}

// instant reads a point in time, or how long before now one was.
func instant(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	ago := s
	days := 0
	if before, ok := strings.CutSuffix(s, "d"); ok {
		if _, err := fmt.Sscanf(before+";", "%d;", &days); err == nil && days > 0 {
			ago = "0s"
		}
	}
	if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
		return now.AddDate(0, 0, -days).Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s: want a date (2026-11-02), a time (2026-11-02T09:00:00Z) or how long ago (36h, 7d)", s)
}

// joined lists names with commas.
func joined[T fmt.Stringer](all []T) string {
	var names []string
	for _, v := range all {
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}
