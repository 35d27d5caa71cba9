package lint

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// covered says whether a cell is answered at least in part.
func covered(c Cell) bool { return c.State == Stopped || c.State == Partly }

// meant are the statements that answer a question, and not by denying everything:
// those with a condition on a setting that it is about.
func meant(q Question, by []*Statement) []*Statement {
	var out []*Statement
	for _, s := range by {
		if slices.ContainsFunc(s.mentions(), func(set *setting) bool { return slices.Contains(set.asks, q) }) {
			out = append(out, s)
		}
	}
	return out
}

// whole finds what the set leaves open.
func (l *linter) whole() {
	told := map[Question][]string{} // operations of which a finding of their own tells
	l.open(told, "CreateDomain", DomainMode, VPCOnlyNotEnforced)
	l.open(told, "CreateNotebookInstance", DirectInternet, DirectInternetOpen)
	for _, q := range Questions() {
		var with, without, leftOut, variants []string
		var by, leftOutBy, variantsBy []*Statement
		var passes []string
		for _, o := range operations() {
			c, ok := l.cells[o.name][q]
			if !ok || o.asks[q].cannot != "" || c.State == Elsewhere || slices.Contains(told[q], o.name) {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(c.Passes), func(s string) bool { return s == o.asks[q].slips })
			switch {
			case c.State == NotAtAll, c.State == NotKnown && !c.omitted:
				without = append(without, o.name)
				continue
			case c.omitted:
				leftOut, leftOutBy = append(leftOut, o.name), append(leftOutBy, c.by...)
			}
			if those := meant(q, c.by); len(those) > 0 {
				with, by = append(with, o.name), append(by, those...)
			}
			if len(others) > 0 {
				variants, variantsBy = append(variants, o.name), append(variantsBy, c.by...)
				for _, s := range others {
					if !slices.Contains(passes, s) {
						passes = append(passes, s)
					}
				}
			}
		}
		about := questions()[q]
		fix := func(names []string) string { return denialFix(q, names, l.ids()) }
		if len(leftOut) > 0 {
			l.add(LeftOutPasses, q, rules.Medium, leftOutBy, fix(leftOut), leftOut, "%s left out, which means %s, may pass: AWS does not say what the condition key holds then", memberOf(q), about.words)
		}
		if len(variants) > 0 {
			l.add(VariantPasses, q, about.severity, variantsBy, fix(variants), variants, "%s: passes with %s", about.words, strings.Join(passes, "; with "))
		}
		switch {
		case len(without) == 0:
		case len(with) > 0 || len(told[q]) > 0:
			l.add(OperationsMissing, q, about.severity, by, fix(without), without, "%s %s %s", list(without), pass(without), about.words)
		case l.required(q):
			l.add(NotCovered, q, about.severity, nil, fix(without), without, "nothing stops a call %s, and the rules forbid it", about.words)
		default:
			l.add(NotCovered, q, rules.Informational, nil, fix(without), without, "nothing stops a call %s; the rules do not ask for it", about.words)
		}
	}
}

// pass agrees with a list of names.
func pass(names []string) string {
	if len(names) == 1 {
		return "passes"
	}
	return "pass"
}

// memberOf is the member that a question is about.
func memberOf(q Question) string {
	all := settings()
	return all[slices.IndexFunc(all, func(s *setting) bool { return slices.Contains(s.asks, q) })].member
}

// open finds an operation whose VPC is seen to, and whose Internet access is not.
func (l *linter) open(told map[Question][]string, name string, q Question, id ID) {
	cells := l.cells[name]
	by := meant(NoVPC, append(slices.Clone(cells[NoVPC].by), cells[Subnets].by...))
	if len(by) == 0 || cells[q].State != NotAtAll {
		return
	}
	told[q] = append(told[q], name)
	l.add(id, q, questions()[q].severity, by, denialFix(q, []string{name}, nil), []string{name}, "the VPC of %s is seen to, and a call %s passes", name, questions()[q].words)
}

// absence finds lists that let pass what names nothing at all.
func (l *linter) absence() {
	for _, s := range l.everyone {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			set := c.set
			if set == nil || set.name != vpcSubnets || c.Operator.Set != condition.ForAnyValue || !c.Operator.Negated() {
				continue
			}
			var without []string
			for _, o := range operations() {
				if a, asked := o.asks[NoVPC]; asked && a.cannot == "" && !s.reach(o).none && !covered(l.cells[o.name][NoVPC]) {
					without = append(without, o.name)
				}
			}
			if len(without) > 0 {
				f := &Finding{
					ID: ForAnyAbsent, Severity: DocOf(ForAnyAbsent).Severity, Policy: s.Policy.Name, Statement: s.label(), Where: c.Where,
					Question: NoVPC, Operations: without, Fix: denialFix(NoVPC, without, nil),
					Found: c.Operator.Name + " is not met by a call without a VPC, and no other statement denies it for " + list(without),
				}
				slices.Sort(f.Operations)
				l.report.Findings = append(l.report.Findings, f)
			}
		}
	}
}

// differs compares the policies' lists of ids with the rules'.
func (l *linter) differs() {
	allowed := lists{}
	for _, a := range l.rules.Allow {
		allowed[vpcSubnets] = append(allowed[vpcSubnets], a.Subnets...)
		allowed[vpcSecurityGroups] = append(allowed[vpcSecurityGroups], a.SecurityGroups...)
	}
	for _, s := range l.everyone {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			set := c.set
			if set == nil || !set.key.Many || !c.Operator.Negated() || len(allowed[set.name]) == 0 {
				continue
			}
			var more, less []string
			for _, v := range c.Values {
				if !v.Open && !slices.Contains(allowed[set.name], v.Text) {
					more = append(more, v.Text)
				}
			}
			for _, id := range allowed[set.name] {
				if !slices.ContainsFunc(c.Values, func(v condition.Operand) bool { return v.Open || condition.Like(v.Text, id) }) {
					less = append(less, id)
				}
			}
			fix := fragment(map[string]any{c.Operator.Name: map[string]any{prefix + set.name: l.ids()[set.name]}})
			tell := func(severity rules.Severity, found string) {
				l.report.Findings = append(l.report.Findings, &Finding{ID: ListDiffers, Severity: severity, Policy: s.Policy.Name, Statement: s.label(), Where: c.Where, Found: found, Fix: fix})
			}
			if len(more) > 0 {
				tell(rules.High, "it lets "+list(more)+" pass, which the rules do not allow")
			}
			// A list for some accounts need not have all.
			if len(less) > 0 && !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.set == nil }) {
				tell(rules.Medium, "it denies "+list(less)+", which the rules allow")
			}
		}
	}
}
