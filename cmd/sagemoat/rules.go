package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

func rulesCommand(p process, status *int) *cobra.Command {
	cmd := &cobra.Command{Use: "rules", Short: "Check a rules file, or print one to start from"}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check FILE",
			Short: "Check a rules file and say what it does",
			Args:  cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				file, err := loadRules(args[0], p.stdin)
				if err != nil {
					return err
				}
				*status = exitClean
				return describe(p.stdout, args[0], file, p.now)
			},
		},
		&cobra.Command{
			Use:     "init",
			Short:   "Print a commented rules file to start from",
			Example: "  sagemoat rules init > rules.yaml",
			Args:    cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := p.stdout.Write(rules.Starter())
				return err
			},
		},
	)
	return cmd
}

// loadRules reads a rules file; "-" is standard input.
func loadRules(path string, stdin io.Reader) (*rules.File, error) {
	var data []byte
	var err error
	if path == "-" {
		path = "standard input"
		data, err = io.ReadAll(io.LimitReader(stdin, maxRulesFile+1))
	} else {
		data, err = os.ReadFile(path) // #nosec G304 -- the user named the file
	}
	if err != nil {
		return nil, fmt.Errorf("rules file: %w", err)
	}
	file, err := rules.Load(path, data, kind.Kinds())
	if err != nil {
		var all rules.Errors
		if errors.As(err, &all) && len(all) > 1 {
			return nil, fmt.Errorf("the rules file has %d mistakes:\n%w", len(all), err)
		}
		return nil, err
	}
	return file, nil
}

// maxRulesFile is where reading a rules file from a stream stops; the loader
// refuses what is that long.
const maxRulesFile = 1 << 20

// describe says what a rules file does.
func describe(w io.Writer, name string, f *rules.File, now time.Time) error {
	on := 0
	for _, id := range rules.IDs() {
		if f.Rules[id].On {
			on++
		}
	}
	expired := f.Expired(now)
	_, err := fmt.Fprintf(w, "%s: valid. %d of %d rules are on, %s, %s, %s (%d expired), response %s.\n",
		name, on, len(rules.IDs()), count(len(f.Allow), "allow-list"), count(len(f.Overrides), "override"), count(len(f.Exceptions), "exception"), len(expired), &f.Response)
	for _, id := range rules.IDs() {
		if err == nil && f.Rules[id].On {
			_, err = fmt.Fprintf(w, "  on   %s\n", id)
		}
	}
	for _, id := range rules.IDs() {
		if err == nil && !f.Rules[id].On {
			_, err = fmt.Fprintf(w, "  off  %s\n", id)
		}
	}
	for _, x := range expired {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %s\n", expiredWarning(name, x))
		}
	}
	return err
}

// expiredWarning says that an exception no longer applies, and what to do.
func expiredWarning(name string, x rules.Exception) string {
	return fmt.Sprintf("%s:%d: exception %s expired on %s and does not apply: renew it with its owner (%s) or remove it", name, x.Line, x.ID, x.Expires.UTC().Format(time.DateOnly), x.Owner)
}

// count is a number and a word, in the plural where it must be.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
