// Command coverage holds a coverage profile to the house rules: every statement
// of what decides, and most of the whole.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// least is the share of statements that tests must reach, in percent.
const least = 85.0

// whole are the packages of which tests must reach every statement.
var whole = []string{"pkg/posture", "pkg/verdict", "pkg/rules"}

const module = "github.com/sagemoat/sagemoat/"

type tally struct{ statements, reached int }

func (t tally) percent() float64 {
	if t.statements == 0 {
		return 0
	}
	return 100 * float64(t.reached) / float64(t.statements)
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

func run(profile string) error {
	f, err := os.Open(profile) // #nosec G304 G703 -- the profile that make wrote
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	packages := map[string]tally{}
	var all tally
	var missed []string
	for in := bufio.NewScanner(f); in.Scan(); {
		var statements, count int
		place, rest, ok := strings.Cut(in.Text(), " ")
		if !ok || strings.HasPrefix(place, "mode:") {
			continue
		}
		if _, err := fmt.Sscan(rest, &statements, &count); err != nil {
			return fmt.Errorf("%q: %w", in.Text(), err)
		}
		file, _, _ := strings.Cut(strings.TrimPrefix(place, module), ":")
		pkg := path.Dir(file)
		if strings.HasPrefix(pkg, "internal/bench") || strings.HasPrefix(pkg, "internal/gen") {
			continue // programs for the makers; make bench and make docs run them
		}
		t := packages[pkg]
		t.statements, all.statements = t.statements+statements, all.statements+statements
		if count > 0 {
			t.reached, all.reached = t.reached+statements, all.reached+statements
		} else if slices.Contains(whole, pkg) {
			missed = append(missed, strings.TrimPrefix(place, module))
		}
		packages[pkg] = t
	}
	for _, pkg := range sorted(packages) {
		fmt.Printf("%6.1f %%  %s\n", packages[pkg].percent(), pkg)
	}
	fmt.Printf("%6.1f %%  of %d statements\n", all.percent(), all.statements)
	if len(missed) > 0 {
		return fmt.Errorf("no test reaches %s", strings.Join(missed, ", "))
	}
	if all.percent() < least {
		return fmt.Errorf("tests reach %.1f %% of the statements, want %.0f %%", all.percent(), least)
	}
	return nil
}

func sorted(m map[string]tally) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
