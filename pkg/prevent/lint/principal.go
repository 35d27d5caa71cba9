package lint

import (
	"cmp"
	"slices"

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
			for q := range o.asks {
				if l.required(q) && o.through(q, deny, allow, bound, p.Boundary != nil) {
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

// through says whether some request that a question is about may be allowed, and
// is not certainly denied.
func (o *operation) through(q Question, deny, allow, bound []*Statement, bounded bool) bool {
	if c := o.cover(q, deny); c.State == Stopped {
		return false
	}
	all := slices.Concat(deny, allow, bound)
	var names []string
	for _, s := range all {
		names = append(names, s.mentions()...)
	}
	l := listed(all)
	var reaches []reach
	var about []*Statement
	for _, s := range deny {
		if r := s.reach(o); !r.none {
			about, reaches = append(about, s), append(reaches, r)
		}
	}
	for _, r := range o.requests(append(names, keysOf(q)...), l) {
		if !o.isAbout(q, r) || judge(r, about, reaches).stopping == denied {
			continue
		}
		if o.mayBe(r, allow) && (!bounded || o.mayBe(r, bound)) {
			return true
		}
	}
	return false
}

// keysOf are the condition keys of a question.
func keysOf(q Question) []string {
	var out []string
	for _, s := range settings() {
		if slices.Contains(s.asks, q) {
			out = append(out, s.name)
		}
	}
	return out
}

// isAbout says whether a request does what a question is about; one of which
// policies see nothing does.
func (o *operation) isAbout(q Question, r request) bool {
	seen := false
	for i, s := range r.settings {
		if !slices.Contains(s.asks, q) {
			continue
		}
		seen = true
		c := r.choices[i]
		if c.breaks && q != NoVPC || c.absent && q == NoVPC {
			return true
		}
	}
	return !seen
}

// mayBe says whether some statement may allow the request.
func (o *operation) mayBe(r request, allow []*Statement) bool {
	return slices.ContainsFunc(allow, func(s *Statement) bool {
		return !s.reach(o).none && slices.ContainsFunc(r.points(), func(p point) bool {
			t, _ := s.matches(p)
			return t != condition.No
		})
	})
}
