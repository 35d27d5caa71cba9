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

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/report"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// asIfWriters are the formats of a comparison.
func asIfWriters() map[string]func(io.Writer, *asif.Report, report.Options) error {
	return map[string]func(io.Writer, *asif.Report, report.Options) error{
		"table": report.AsIfTable, "json": report.AsIfJSON, "markdown": report.AsIfMarkdown,
	}
}

// asIfMistakes are what is wrong with the flags of a comparison.
func (f *auditFlags) asIfMistakes(paths []string) error {
	var errs []error
	for flag, set := range map[string]bool{
		"--class": len(f.classes) > 0, "--severity": f.severity != "", "--prevented": f.prevented, "--all": f.all,
	} {
		if set {
			errs = append(errs, fmt.Errorf("%s has no meaning with --as-if: it compares all that two rules files do (filter by --kind, --account, --since, --until)", flag))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if asIfWriters()[f.output] == nil {
		errs = append(errs, fmt.Errorf("--as-if has no %s form: want --output table, json or markdown", f.output))
	}
	if n := len(slices.DeleteFunc([]string{f.rules, f.asIf}, func(s string) bool { return s != "-" })); n > 1 || n == 1 && slices.Contains(paths, "-") {
		errs = append(errs, errors.New("standard input can be one rules file or the input, not both"))
	}
	return errors.Join(errs...)
}

// runAsIf compares two rules files over the inputs. The status is that of the
// reading alone: a comparison is no verdict.
func runAsIf(ctx context.Context, p process, f auditFlags, paths []string) (int, error) {
	if err := f.asIfMistakes(paths); err != nil {
		return exitError, err
	}
	keep, err := f.filter(p.now)
	if err != nil {
		return exitError, err
	}
	o := asif.Options{Since: keep.Since, Until: keep.Until, Accounts: keep.Accounts, Kinds: keep.Kinds, Now: p.now}
	o.Sides[asif.Current] = asif.Side{Name: "the built-in rules", File: rules.Default()}
	if f.rules != "" {
		o.Sides[asif.Current].Name = f.rules
		if o.Sides[asif.Current].File, err = loadRules(f.rules, p.stdin); err != nil {
			return exitError, err
		}
	}
	o.Sides[asif.New].Name = f.asIf
	if o.Sides[asif.New].File, err = loadRules(f.asIf, p.stdin); err != nil {
		return exitError, err
	}
	tell, done := progress(p)
	records, err := audit.Read(ctx, audit.Inputs{Paths: paths, Stdin: p.stdin, Past: true}, tell)
	done()
	if err != nil {
		return exitError, err
	}
	r := asif.Run(records.All, records.Index, o)
	var b bytes.Buffer
	columns, isTerminal := p.terminal(p.stdout)
	ro := report.Options{}
	if f.out == "" {
		ro.Width, ro.Color = columns, isTerminal && p.getenv("NO_COLOR") == ""
	}
	if err := asIfWriters()[f.output](&b, r, ro); err != nil {
		return exitError, err
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, b.Bytes(), 0o600); err != nil {
			return exitError, fmt.Errorf("--out: %w", err)
		}
	} else if _, err := b.WriteTo(p.stdout); err != nil {
		return exitError, err
	}
	for _, problem := range records.Problems {
		say(p, "error: %s", finding.Plain(problem.Error()))
	}
	said := []string{count(records.Files, "file") + " read", count(len(r.Resources), "resource"), count(len(r.Differing()), "difference")}
	if records.Duplicates > 0 {
		said = append(said, count(records.Duplicates, "record")+" seen more than once")
	}
	if n := len(records.Problems); n > 0 {
		said = append(said, count(n, "error"))
	}
	say(p, "%s", strings.Join(said, ", "))
	if len(records.Problems) > 0 {
		return exitError, nil
	}
	return exitClean, nil
}
