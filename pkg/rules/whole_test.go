package rules_test

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
		j := rules.Judgement{Parts: c.parts, Results: c.results}
		if got := j.Whole(); got != c.want {
			t.Errorf("%s: whole is %v, want %v", name, got, c.want)
		}
	}
}

// TestOwnFault: a domain speaks for what lives in it, but for the settings that
// are not its own.
func TestOwnFault(t *testing.T) {
	for _, c := range []struct {
		k    kind.Kind
		rule rules.ID
		is   rules.Compliance
		want bool
	}{
		{kind.UserProfile, rules.SecurityGroupAllowed, rules.Failed, true},
		{kind.UserProfile, rules.WellFormed, rules.Failed, true},
		{kind.UserProfile, rules.SecurityGroupAllowed, rules.Warning, false},
		{kind.UserProfile, rules.NoBridge, rules.Failed, false},
		{kind.Space, rules.InteractiveAccess, rules.Failed, true},
		{kind.Space, rules.InteractiveAccess, rules.Excepted, false},
		{kind.Space, rules.WellFormed, rules.Failed, false},
		{kind.App, rules.InteractiveAccess, rules.Failed, false},
	} {
		j := rules.Judgement{Results: []rules.Result{{Rule: rules.NoOwnInternet, Result: rules.Failed}, {Rule: c.rule, Result: c.is}}}
		if got := j.OwnFault(c.k); got != c.want {
			t.Errorf("%s, %s %s: %v", c.k, c.rule, c.is, got)
		}
	}
}
