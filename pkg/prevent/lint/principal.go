package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// Through is a principal that can make calls that a rule forbids.
type Through struct {
	ARN string
	// Operations are those that it can call so, by what the call does.
	Operations map[Question][]string
	// Missing are attached policies that no input has: what they allow or deny is
	// not known.
	Missing []string
}

// through finds the principals that can do what the rules forbid.
func (l *linter) through() {
	for _, p := range l.set.Principals {
		t := Through{ARN: p.ARN, Operations: map[Question][]string{}, Missing: p.Missing}
		deny := slices.Clone(l.everyone)
		var allow, bound []*Statement
		for _, policy := range p.Policies {
			deny, allow = sorted(policy, deny, allow)
		}
		if p.Boundary != nil {
			deny, bound = sorted(p.Boundary, deny, bound)
		}
		for _, o := range operations() {
			for _, q := range Questions() {
				if a, ok := l.asked(q, o); ok && l.gets(o, q, a, deny, allow, bound, p) {
					t.Operations[q] = append(t.Operations[q], o.name)
				}
			}
		}
		if len(t.Operations) > 0 || len(t.Missing) > 0 {
			l.report.Through = append(l.report.Through, t)
		}
	}
	slices.SortFunc(l.report.Through, func(a, b Through) int { return cmp.Compare(a.ARN, b.ARN) })
}

// sorted adds the statements of a policy to those that deny and those that allow.
func sorted(p *Policy, deny, allow []*Statement) (denying, allowing []*Statement) {
	for _, s := range p.Statements {
		if s.Effect == Deny {
			deny = append(deny, s)
		} else {
			allow = append(allow, s)
		}
	}
	return deny, allow
}

// gets says whether some request that a question is about may be allowed, and
// is not certainly denied.
func (l *linter) gets(o *operation, q Question, a ask, deny, allow, bound []*Statement, p *Principal) bool {
	bounded := p.Boundary != nil
	about := func(all []*Statement) []*Statement {
		return slices.DeleteFunc(slices.Clone(all), func(s *Statement) bool { return s.reach(o).none })
	}
	deny, allow, bound = about(deny), about(allow), about(bound)
	if len(allow) == 0 || bounded && len(bound) == 0 {
		return false
	}
	v := l.memory.view(o, slices.Concat(deny, allow, bound))
	kinds := slices.Concat(slices.Repeat([]kindOf{denies}, len(deny)), slices.Repeat([]kindOf{allows}, len(allow)), slices.Repeat([]kindOf{bounds}, len(bound)))
	for _, r := range v.requests(append(keysOf(q), o.beside(a)...)...) {
		if o.isAbout(q, a, r) && v.gets(r, kinds, p) {
			return true
		}
	}
	return false
}

// kindOf is what a statement does for a principal.
type kindOf uint8

const (
	allows kindOf = iota
	bounds        // an Allow of the permissions boundary
	denies
)

// gets says whether a request may be allowed in some world, in which it is not
// certainly denied.
func (v *view) gets(r request, kinds []kindOf, p *Principal) bool {
	world := make([]int, len(r.settings))
	for {
		allowed, within, stopped := false, p.Boundary == nil, false
		for i, k := range kinds {
			a := v.matches(i, r, world)
			switch k {
			case allows:
				allowed = allowed || a.truth != condition.No
			case bounds:
				within = within || a.truth != condition.No
			case denies:
				stopped = stopped || a.truth == condition.Yes && v.reaches[i].everywhere(p)
			}
		}
		if allowed && within && !stopped {
			return true
		}
		if !step(world, r) {
			return false
		}
	}
}

// everywhere says whether a statement applies to whatever calls a principal makes.
func (r reach) everywhere(p *Principal) bool {
	at := place{principalARN: p.ARN, principalAccount: p.account()}
	return len(r.limits) == 0 && r.at(at).truth == condition.Yes && !slices.ContainsFunc(r.places, func(c *Condition) bool {
		return strings.EqualFold(c.Key, requestedRegion)
	})
}

// account is that of the principal; empty where its ARN does not tell.
func (p *Principal) account() string {
	arn, _ := kind.ParseARN(p.ARN)
	return arn.Account
}

// keysOf are the settings of a question.
func keysOf(q Question) []*setting {
	var out []*setting
	for _, s := range settings() {
		if slices.Contains(s.asks, q) {
			out = append(out, s)
		}
	}
	return out
}

// isAbout says whether a request does what a question is about; one of which
// policies see nothing does.
func (o *operation) isAbout(q Question, a ask, r request) bool {
	seen := false
	if !o.meant(a, r) {
		return false
	}
	for i, s := range r.settings {
		if !slices.Contains(s.asks, q) {
			continue
		}
		seen = true
		if r.choices[i].about(q) {
			return true
		}
	}
	return !seen
}
