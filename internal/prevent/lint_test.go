package prevent

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

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
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
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
	report := lint.Run(&set, lint.Options{Rules: file})
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
