package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// preventFlags are the flags that the commands of prevent have in common.
type preventFlags struct {
	rules, account string
}

func (f *preventFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.rules, "rules", "", "rules `FILE` (default: what sagemoat rules init prints)")
	cmd.Flags().StringVar(&f.account, "account", "", "for this `ACCOUNT` only, which makes policies shorter")
}

var account = regexp.MustCompile(`^[0-9]{12}$`)

// load reads the rules file, and says what of it does not apply.
func (f *preventFlags) load(p process) (*rules.File, prevent.Options, error) {
	o := prevent.Options{Account: f.account, Now: p.now}
	if f.account != "" && !account.MatchString(f.account) {
		return nil, o, fmt.Errorf("--account %s: want an account id, 12 digits", f.account)
	}
	if f.rules == "" {
		return rules.Default(), o, nil
	}
	file, err := loadRules(f.rules, p.stdin)
	if err != nil {
		return nil, o, err
	}
	for _, x := range file.Expired(p.now) {
		say(p, "warning: %s", expiredWarning(f.rules, x))
	}
	return file, o, nil
}

func preventWriteCommand(p process, form, short string) *cobra.Command {
	var f preventFlags
	var language, out string
	cmd := &cobra.Command{
		Use:   form,
		Short: short,
		Long: short + `.

Every statement denies, and its Sid says by which rules. No statement denies a call
that the rules pass: presence is denied only where every call that complies must
name its VPC. What the policies cannot stop, sagemoat prevent gap says; try them
with sagemoat prevent test before they bind anybody.`,
		Example: `  sagemoat prevent ` + form + ` --rules rules.yaml --out policies/
  sagemoat prevent ` + form + ` --rules rules.yaml --account 111122223333 --form terraform`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file, o, err := f.load(p)
			if err != nil {
				return err
			}
			return writePolicies(p, file, prevent.Form(form), language, out, o)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&language, "form", "json", "`FORM` of what is written: "+strings.Join(prevent.Languages(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "write files into the folder `DIR` instead of standard output")
	return cmd
}

// writePolicies writes the policies of a rules file.
func writePolicies(p process, file *rules.File, form prevent.Form, language, out string, o prevent.Options) error {
	set := prevent.Generate(file, o)
	documents, err := set.Policies(form)
	if err != nil {
		return err
	}
	files, err := prevent.Files(documents, form, language, o.Account)
	if err != nil {
		return fmt.Errorf("--form %w", err)
	}
	for _, l := range set.Limits {
		say(p, "not expressed: %s, %s, %s: %s", l.Operation, l.Rule, l.Where, l.Why)
	}
	if out == "" {
		for _, f := range files {
			if _, err := io.WriteString(p.stdout, f.Text); err != nil {
				return err
			}
		}
	} else if err := writeFiles(p, out, files, func(name string) bool { return prevent.IsFile(name, form, language, o.Account) }); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	for _, x := range file.Exceptions {
		if p.now.Before(x.Expires) {
			say(p, "exception %s is left out of what is denied: write the policies again when it expires, on %s", finding.Plain(x.ID), x.Expires.UTC().Format(time.DateOnly))
		}
	}
	say(p, "%s", sizes(form, documents))
	return nil
}

// writeFiles writes files into a folder, which is made. What an older rules file left
// there is taken away: whoever deploys the folder would deploy it, too.
func writeFiles(p process, dir string, files []prevent.File, ours func(name string) bool) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Text), 0o600))
	}
	for _, e := range there {
		written := slices.ContainsFunc(files, func(f prevent.File) bool { return f.Name == e.Name() })
		if !e.Type().IsRegular() || written || !ours(e.Name()) {
			continue
		}
		old := filepath.Join(dir, e.Name())
		if err := os.Remove(old); err != nil {
			errs = append(errs, err)
			continue
		}
		say(p, "removed %s: the rules file does not ask for it any more", finding.Plain(old))
	}
	return errors.Join(errs...)
}

// sizes says how much of AWS's quotas the policies take.
func sizes(form prevent.Form, documents []prevent.Document) string {
	if len(documents) == 0 {
		return "the rules ask for nothing that a policy can deny"
	}
	limits := form.Limits()
	each := make([]string, 0, len(documents))
	for _, d := range documents {
		each = append(each, fmt.Sprint(form.Size(d)))
	}
	said := fmt.Sprintf("%s of %s characters (AWS takes %d)", policiesFor(len(documents)), strings.Join(each, ", "), limits.Size)
	attached := len(documents)
	if form == prevent.SCP {
		attached++ // FullAWSAccess
		said += fmt.Sprintf("; with FullAWSAccess %d of the %d that a target can have", attached, limits.Count)
	}
	if attached > limits.Count {
		other := "shorten the allow-lists"
		if form == prevent.SCP {
			other = "attach some to the units above it"
		}
		said += ": too many for one target: " + other + ", or write them for one account (--account)"
	}
	return said
}

func policiesFor(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}

func preventGapCommand(p process) *cobra.Command {
	var f preventFlags
	var output string
	writers := map[string]func(io.Writer, []prevent.Entry) error{
		"table": func(w io.Writer, all []prevent.Entry) error {
			columns, _ := p.terminal(w)
			return prevent.GapText(w, all, columns)
		},
		"markdown": prevent.GapMarkdown,
		"json":     prevent.GapJSON,
	}
	formats := []string{"table", "json", "markdown"}
	cmd := &cobra.Command{
		Use:   "gap",
		Short: "Say which rules a policy can hold for which operation, and what slips through",
		Long: `gap says for each operation and each rule that is on in the rules file whether the
policies deny all that fails, some of it, or nothing; what is not denied and why;
and what holds the rule instead.`,
		Example: "  sagemoat prevent gap --rules rules.yaml\n  sagemoat prevent gap --output json | jq 'select(.status != \"denied\")'",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(formats, output) {
				return fmt.Errorf("--output %s: want one of %s", output, strings.Join(formats, ", "))
			}
			file, o, err := f.load(p)
			if err != nil {
				return err
			}
			return writers[output](p.stdout, prevent.Gap(file, o))
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&output, "output", "table", "output `FORMAT`: "+strings.Join(formats, ", "))
	return cmd
}
