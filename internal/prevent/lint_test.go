package prevent

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// lintOfOurs is what lint says of the policies that a rules file becomes.
func lintOfOurs(t *testing.T, text string) (*rules.File, *lint.Report) {
	t.Helper()
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	documents, err := prevent.Generate(file, prevent.Options{Now: now}).Policies(prevent.SCP)
	if err != nil {
		t.Fatal(err)
	}
	var set lint.Set
	for _, d := range documents {
		if err := set.Read("scp.json", []byte(d.Text())); err != nil {
			t.Fatal(err)
		}
	}
	return file, lint.Run(&set, lint.Options{Rules: file, Now: now})
}

// TestLintAgrees: who lints policies knows nothing of who writes them, and both have a
// table of what AWS's keys can tell. Of the policies that are written, the linter has
// nothing to object to, and it says of each operation what the gap says: no more is
// stopped, and no less.
func TestLintAgrees(t *testing.T) {
	asks := map[rules.ID]lint.Question{
		rules.VPCRequired: lint.NoVPC, rules.SubnetAllowed: lint.Subnets, rules.SecurityGroupAllowed: lint.SecurityGroups,
		rules.IsolationRequired: lint.Isolation, rules.EncryptedBetweenContainers: lint.Encryption, rules.InteractiveAccess: lint.Interactive,
	}
	const text = `version: 1
rules: {isolation-required: on, encrypted-between-containers: on, interactive-access: on}
allow:
- {accounts: ["*"], subnets: [subnet-0a1b2c3d4e5f60718], security-groups: [sg-0a1b2c3d4e5f60718]}
`
	file, report := lintOfOurs(t, text)
	for _, f := range report.Findings {
		if f.Counts() {
			t.Errorf("%s %s: %s (%s)", f.Severity, f.ID, f.Found, strings.Join(f.Operations, " "))
		}
	}
	covered := map[string]map[lint.Question]lint.Cell{}
	for _, row := range report.Coverage {
		covered[row.Operation] = row.Cells
	}
	compared := 0
	for _, e := range prevent.Gap(file, prevent.Options{Now: now}) {
		c, told := covered[e.Operation][asks[e.Rule]]
		if !told {
			continue // it means nothing for one of them
		}
		compared++
		// The linter asks about what the request says, the gap about what comes of it: so
		// much of what slips through is decided elsewhere.
		here := slices.ContainsFunc(e.Slips, func(s prevent.Slip) bool {
			return !slices.Contains([]string{prevent.SlipModel, prevent.SlipDefinition, prevent.SlipUnchanged, prevent.SlipDomainGroups}, s.ID)
		})
		var want []lint.State
		switch {
		case e.Status == prevent.Denied, e.Status == prevent.Partly && !here:
			want = []lint.State{lint.Stopped}
		case e.Status == prevent.Detected:
			want = []lint.State{lint.CannotBe, lint.Elsewhere}
		case e.Operation == "CreateEndpointConfig" && e.Rule == rules.VPCRequired:
			want = []lint.State{lint.CannotBe} // what is denied are serverless variants, of which the linter has no question
		default:
			want = []lint.State{lint.Partly}
		}
		if !slices.Contains(want, c.State) {
			t.Errorf("%s %s: the gap says %s (%v %s), the linter %s (%v %s)", e.Operation, e.Rule, e.Status, e.Slips, e.Reason, c.State, c.Passes, c.Why)
		}
	}
	if compared < 100 {
		t.Errorf("%d answers were compared", compared)
	}
}

// TestLintOfOurs: of the policies that are written from a rules file, the linter finds
// nothing bad by the same file: what passes is what the rules allow, and no compliant
// call is denied. Files that tell resources apart by tags or names are left out: those
// the caller chooses, and the linter says so.
func TestLintOfOurs(t *testing.T) {
	const lists = `
allow:
- {accounts: ["111122223333"], subnets: [subnet-0a1b2c3d4e5f60718], security-groups: [sg-0a1b2c3d4e5f60718]}
- {accounts: ["444455556666"], regions: [eu-west-1], kinds: [training-job], subnets: [subnet-0b1b2c3d4e5f60718]}
`
	texts := []string{
		"rules: {vpc-required: off}",
		"rules: {vpc-required: off, no-bridge: off}",
		"rules: {no-own-internet: off}",
		"rules: {no-own-internet: off, no-bridge: off}",
		"rules: {vpc-required: off, no-own-internet: off}",
		"rules: {vpc-required: off, no-own-internet: off, no-bridge: off}",
		"rules: {isolation-required: on, encrypted-between-containers: on, interactive-access: on}" + lists +
			`exceptions: [{id: X, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet, vpc-required, subnet-allowed], match: {roles: ["arn:aws:iam::111122223333:role/v"]}}]`,
		`rules: {vpc-required: off, no-own-internet: off, no-bridge: off}
overrides:
- {match: {accounts: ["111122223333"]}, rules: {no-own-internet: on}}
- {match: {kinds: [training-job], regions: [eu-west-1]}, rules: {vpc-required: on}}`,
		`overrides:
- {match: {kinds: [training-job]}, rules: {vpc-required: off, no-own-internet: off}}
- {match: {kinds: [notebook-instance]}, rules: {no-bridge: off}}`,
	}
	var kinds []string
	for _, op := range keyedOperations() {
		if row, _, _ := kind.ByCall(op); !slices.Contains(kinds, string(row.Kind)) {
			kinds = append(kinds, string(row.Kind))
		}
	}
	d := draw{rand.New(rand.NewPCG(11, 12)), 4}
	for n := chaos.N(30, 400); n > 0; {
		text := d.rulesFile(kinds)
		if !slices.ContainsFunc([]string{" tags:", " names:", " resources:"}, func(chosen string) bool { return strings.Contains(text, chosen) }) {
			texts = append(texts, strings.TrimPrefix(text, "version: 1\n"))
			n--
		}
	}
	for _, text := range texts {
		_, report := lintOfOurs(t, "version: 1\n"+text)
		for _, f := range report.Findings {
			if f.Severity.AtLeast(rules.High) {
				t.Errorf("%s: %s %s (%s)\n%s", f.ID, f.Statement, f.Found, strings.Join(f.Operations, " "), text)
			}
		}
	}
}
