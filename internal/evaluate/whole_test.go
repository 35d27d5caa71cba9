package evaluate

import (
	"testing"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// TestWhole: a fact that is missing anywhere, whether or not a rule asks for it,
// leaves the judgement not whole, and so stops nothing.
func TestWhole(t *testing.T) {
	known := rules.Judged{Part: kind.Part{Posture: posture.Posture{VPC: posture.No}}}
	with := func(change func(*posture.Posture)) rules.Judged {
		j := known
		change(&j.Posture)
		return j
	}
	failed := []rules.Result{{Rule: rules.NoOwnInternet, Result: rules.Failed, Severity: rules.High}}
	for name, c := range map[string]struct {
		parts   []rules.Judged
		results []rules.Result
		want    bool
	}{
		"all is known":                      {[]rules.Judged{known}, failed, true},
		"nothing to judge":                  {nil, nil, false},
		"a reason that no rule speaks of":   {[]rules.Judged{with(func(p *posture.Posture) { p.Reasons = []posture.Reason{{Why: "hidden"}} })}, failed, false},
		"subnets that are not told":         {[]rules.Judged{with(func(p *posture.Posture) { p.Subnets.Unknown = true })}, failed, false},
		"security groups that are not told": {[]rules.Judged{with(func(p *posture.Posture) { p.SecurityGroups.Unknown = true })}, failed, false},
		"one part of two":                   {[]rules.Judged{known, with(func(p *posture.Posture) { p.Subnets.Unknown = true })}, failed, false},
		"a rule that cannot be told":        {[]rules.Judged{known}, append([]rules.Result{{Rule: rules.CentralEgress, Result: rules.Warning}}, failed...), false},
		"an exception":                      {[]rules.Judged{known}, []rules.Result{{Rule: rules.NoOwnInternet, Result: rules.Excepted}}, true},
	} {
		if got := whole(&rules.Judgement{Parts: c.parts, Results: c.results}); got != c.want {
			t.Errorf("%s: whole is %v, want %v", name, got, c.want)
		}
	}
}
