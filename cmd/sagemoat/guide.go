package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/pkg/guide"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// guideFlags are the flags of guide, as they were typed.
type guideFlags struct {
	rules, account, output, out string
	kinds                       []string
}

func guideCommand(p process, status *int) *cobra.Command {
	var f guideFlags
	cmd := &cobra.Command{
		Use:   "guide --rules FILE",
		Short: "Write the page that tells ML users which networks to use",
		Long: `guide writes, from a rules file, the page for those who use SageMaker AI: which
subnets and security groups each account, team and kind of resource has to use, and
why; snippets to paste for the SageMaker SDK, boto3, the AWS CLI, CloudFormation,
Terraform and the CDK; defaults for the SDK's config.yaml, so that nobody has to
remember ids; and what happens without them.`,
		Example: `  sagemoat guide --rules rules.yaml --output html --out networks.html
  sagemoat guide --rules rules.yaml --account 111122223333 --kind training-job`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			*status = exitClean
			return runGuide(p, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rules, "rules", "", "rules `FILE`; - is standard input")
	flags.StringVar(&f.account, "account", "", "only for this `ACCOUNT`")
	flags.StringSliceVar(&f.kinds, "kind", nil, "only these `KIND`s, for example training-job")
	flags.StringVar(&f.output, "output", "markdown", "output `FORMAT`: markdown or html")
	flags.StringVar(&f.out, "out", "", "write to `FILE` instead of standard output")
	return cmd
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

func runGuide(p process, f guideFlags) error {
	write, ok := map[string]func(io.Writer, *guide.Guide) error{"markdown": guide.Markdown, "html": guide.HTML}[f.output]
	switch {
	case f.rules == "":
		return errors.New("--rules is missing: the guide says what a rules file asks for (sagemoat rules init prints one to start from)")
	case !ok:
		return fmt.Errorf("--output %s: want markdown or html", f.output)
	case f.account != "" && !accountID.MatchString(f.account):
		return fmt.Errorf("--account %s: want the 12 digits of an account", f.account)
	}
	o := guide.Options{Name: filepath.Base(f.rules), Account: f.account, Now: p.now}
	if f.rules == "-" {
		o.Name = "standard input"
	}
	for _, k := range f.kinds {
		if !slices.Contains(kind.Kinds(), k) {
			return fmt.Errorf("--kind %s: want one of %s", k, strings.Join(kind.Kinds(), ", "))
		}
		o.Kinds = append(o.Kinds, kind.Kind(k))
	}
	file, err := loadRules(f.rules, p.stdin)
	if err != nil {
		return err
	}
	for _, x := range file.Expired(p.now) {
		say(p, "warning: %s", expiredWarning(f.rules, x))
	}
	var b bytes.Buffer
	if err := write(&b, guide.New(file, o)); err != nil {
		return err
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, b.Bytes(), 0o644); err != nil { // #nosec G306 -- a page, for all to read
			return fmt.Errorf("--out: %w", err)
		}
		return nil
	}
	_, err = b.WriteTo(p.stdout)
	return err
}
