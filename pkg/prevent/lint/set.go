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

// whole finds what the set leaves open: of what the rules ask, and of what they do
// not.
func (l *linter) whole() {
	told := map[Question][]string{} // operations of which a finding of their own tells
	l.open(told, "CreateDomain", DomainMode, VPCOnlyNotEnforced)
	l.open(told, "CreateNotebookInstance", DirectInternet, DirectInternetOpen)
	for _, q := range Questions() {
		byRules, byPolicies := l.meansIt(q)
		var counted, beside []asking
		for _, o := range operations() {
			a, asked := o.asks[q]
			if !asked || a.cannot != "" || l.cells[o.name][q].State == Elsewhere || slices.Contains(told[q], o.name) {
				continue
			}
			if want, ok := l.asked(q, o); ok {
				counted = append(counted, asking{o, want})
			} else if byPolicies {
				counted = append(counted, asking{o, a})
			} else {
				beside = append(beside, asking{o, a})
			}
		}
		l.leftOpen(q, counted, l.judged, byRules, questions()[q].severity, len(told[q]) > 0)
		l.leftOpen(q, beside, l.cells, false, rules.Informational, false)
	}
}

// leftOpen finds what the set leaves open of one question, for some operations. Notes
// are all of one severity.
func (l *linter) leftOpen(q Question, those []asking, cells map[string]map[Question]Cell, byRules bool, severity rules.Severity, told bool) {
	var with, open bool
	var without, leftOut, variants []asking
	var by, leftOutBy, variantsBy []*Statement
	var passes []string
	for _, x := range those {
		c := cells[x.name][q]
		others := slices.DeleteFunc(slices.Clone(c.Passes), func(s string) bool { return s == x.ask.slips })
		switch {
		case c.State == NotAtAll, c.State == NotKnown && !c.omitted:
			without = append(without, x)
			open = open || x.ask.open
			continue
		case c.omitted:
			leftOut, leftOutBy = append(leftOut, x), append(leftOutBy, c.by...)
		}
		if answer := meant(q, c.by); len(answer) > 0 {
			with, by = with || byRules || slices.ContainsFunc(answer, func(s *Statement) bool { return s.lists(q) }), append(by, answer...)
		}
		if len(others) > 0 {
			variants, variantsBy = append(variants, x), append(variantsBy, c.by...)
			for _, s := range others {
				if !slices.Contains(passes, s) {
					passes = append(passes, s)
				}
			}
		}
	}
	words := questions()[q].words
	if open {
		words += ", with an open way to the Internet"
	}
	fix := func(those []asking) string { return denialFix(q, those, l.ids()) }
	if len(leftOut) > 0 {
		least := rules.Medium
		if severity == rules.Informational {
			least = severity
		}
		l.add(LeftOutPasses, q, least, leftOutBy, fix(leftOut), named(leftOut), "%s left out, which means %s, may pass: AWS does not say what the condition key holds then", memberOf(q), words)
	}
	if len(variants) > 0 {
		l.add(VariantPasses, q, severity, variantsBy, fix(variants), named(variants), "%s: passes with %s", words, strings.Join(passes, "; with "))
	}
	names := named(without)
	switch {
	case len(without) == 0:
	case with || told:
		l.add(OperationsMissing, q, severity, by, fix(without), names, "%s %s %s", list(names), pass(names), words)
	case byRules:
		l.add(NotCovered, q, severity, nil, fix(without), names, "nothing stops a call %s, and the rules forbid it", words)
	default:
		l.add(NotCovered, q, rules.Informational, nil, fix(without), names, "nothing stops a call %s; the rules do not ask for it", words)
	}
}

// lists says whether the statement compares what a question is about with values:
// one that asks whether there are subnets has no list of them.
func (s *Statement) lists(q Question) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return c.set != nil && slices.Contains(c.set.asks, q) && (q != Subnets && q != SecurityGroups || c.Operator.Base != condition.Null)
	})
}

// named are the names of operations.
func named(those []asking) []string {
	var out []string
	for _, x := range those {
		out = append(out, x.name)
	}
	return out
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

// open finds an operation whose VPC is seen to, and whose Internet access is not,
// though the rules ask for it.
func (l *linter) open(told map[Question][]string, name string, q Question, id ID) {
	o := operationNamed(name)
	a, asked := l.asked(q, o)
	cells := l.cells[name]
	by := meant(NoVPC, append(slices.Clone(cells[NoVPC].by), cells[Subnets].by...))
	if !asked || len(by) == 0 || l.judged[name][q].State != NotAtAll {
		return
	}
	told[q] = append(told[q], name)
	l.add(id, q, questions()[q].severity, by, denialFix(q, []asking{{o, a}}, nil), []string{name}, "the VPC of %s is seen to, and a call %s passes", name, questions()[q].words)
}

// absence finds lists that let pass what names nothing at all, and what the rules
// forbid.
func (l *linter) absence() {
	for _, s := range l.everyone {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			set := c.set
			if set == nil || set.name != vpcSubnets || c.Operator.Set != condition.ForAnyValue || !c.Operator.Negated() {
				continue
			}
			var without []asking
			for _, o := range operations() {
				if a, asked := l.asked(NoVPC, o); asked && a.cannot == "" && !s.reach(o).none && !covered(l.judged[o.name][NoVPC]) {
					without = append(without, asking{o, a})
				}
			}
			if names := named(without); len(without) > 0 {
				f := &Finding{
					ID: ForAnyAbsent, Severity: DocOf(ForAnyAbsent).Severity, Policy: s.Policy.Name, Statement: s.label(), Where: c.Where,
					Question: NoVPC, Operations: names, Fix: denialFix(NoVPC, without, nil),
					Found: c.Operator.Name + " is not met by a call without a VPC, and no other statement denies it for " + list(names),
				}
				slices.Sort(f.Operations)
				l.report.Findings = append(l.report.Findings, f)
			}
		}
	}
}

// mostIDs is how many ids are tried of a list.
const mostIDs = 64

// contradicts finds operations of which the statements together deny every call that
// complies, while none does alone: two lists that have no id in common.
func (l *linter) contradicts() {
	var names []string
	var by []*Statement
	for _, o := range operations() {
		alone := slices.ContainsFunc(l.report.Findings, func(f *Finding) bool { return f.ID == BreaksCompliant && slices.Contains(f.Operations, o.name) })
		if statements := l.denying(o); !alone && len(statements) > 1 && l.all(o, statements) {
			names, by = append(names, o.name), together(by, statements)
		}
	}
	if len(names) > 0 {
		l.add(BreaksCompliant, "", DocOf(BreaksCompliant).Severity, by, "", names, "together, %s deny every call of %s in a VPC, whichever subnets and security groups it names", labels(by), list(names))
	}
}

// denying are the statements that apply to every call of an operation, and are about
// its settings; none where the whole operation is denied.
func (l *linter) denying(o *operation) []*Statement {
	var out []*Statement
	for _, s := range l.everyone {
		r := s.reach(o)
		if r.none || len(r.limits) > 0 || len(r.places) > 0 {
			continue
		}
		if !slices.ContainsFunc(s.mentions(), func(set *setting) bool { return o.carries(set.name) }) {
			if s.matches(point{}) == condition.Yes {
				return nil
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// all says whether statements deny every call of an operation that complies: with
// each of the ids that it may name. The rules may allow none.
func (l *linter) all(o *operation, statements []*Statement) bool {
	ids := map[string][]string{}
	for _, name := range []string{vpcSubnets, vpcSecurityGroups} {
		if set, _ := settingOf(prefix + name); o.carries(name) {
			ids[name] = l.witnesses(o, set, statements)
		}
	}
	subnets, groups := ids[vpcSubnets], ids[vpcSecurityGroups]
	if len(subnets) == 0 || len(subnets) > mostIDs || len(groups) > mostIDs || o.carries(vpcSecurityGroups) && len(groups) == 0 {
		return false
	}
	if len(groups) == 0 {
		groups = []string{""}
	}
	for _, subnet := range subnets {
		for _, group := range groups {
			for _, w := range o.compliant(shape{}, func(set *setting) string {
				if set.name == vpcSubnets {
					return subnet
				}
				return group
			}) {
				if !l.memory.compare(len(statements)) || !slices.ContainsFunc(statements, func(s *Statement) bool { return s.matches(w) == condition.Yes }) {
					return false
				}
			}
		}
	}
	return true
}

// labels name statements.
func labels(statements []*Statement) string {
	var out []string
	for _, s := range statements {
		out = append(out, s.label())
	}
	return list(out)
}

// differs compares the policies' lists of ids with those that the rules have for the
// operations that a statement is about.
func (l *linter) differs() {
	for _, s := range l.everyone {
		for i := range s.Conditions {
			if c := &s.Conditions[i]; c.set != nil && c.set.key.Many && c.Operator.Negated() {
				l.differ(s, c)
			}
		}
	}
}

// ruled is an operation with the ids that the rules allow for it.
type ruled struct {
	*operation

	ids     []string
	allowed map[string]bool
	shuts   []*Statement // that deny some ids, whatever else a request says
}

// ruled are the operations that a statement is about and for which the rules have a
// list of a setting's ids.
func (l *linter) ruled(s *Statement, set *setting) []ruled {
	id := rules.SubnetAllowed
	if set.name == vpcSecurityGroups {
		id = rules.SecurityGroupAllowed
	}
	var out []ruled
	for _, o := range operations() {
		if !o.carries(set.name) || l.wishes.of(id, o) == off || s.reach(o).none {
			continue
		}
		one := ruled{operation: o, ids: l.witnesses(o, set, []*Statement{s}), allowed: map[string]bool{}, shuts: l.shuts(o, set)}
		if len(one.ids) == 0 {
			one.ids = l.witnesses(o, set, nil) // the rules name no account that it is for
		}
		slices.Sort(one.ids)
		ids := one.ids
		if !s.always() {
			// Others may deny the same callers what is not for this operation.
			ids = slices.Concat(ids, listedBy(l.rules)[set.name])
		}
		for _, id := range ids {
			one.allowed[id] = true
		}
		out = append(out, one)
	}
	return out
}

// always says whether the statement has conditions on settings of the network only.
func (s *Statement) always() bool {
	return !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.set == nil })
}

// shuts are the statements that deny some ids of a setting for every call of an
// operation, whatever else it says.
func (l *linter) shuts(o *operation, set *setting) []*Statement {
	key := wanted{set.name, o.name}
	if known, ok := l.shut[key]; ok {
		return known
	}
	var out []*Statement
	for _, s := range l.everyone {
		if m := s.mentions(); len(m) != 1 || m[0] != set {
			continue
		}
		if r := s.reach(o); !r.none && len(r.limits) == 0 && len(r.places) == 0 {
			out = append(out, s)
		}
	}
	l.shut[key] = out
	return out
}

// passes says whether an id of a list, or one that a pattern of it fits, is not
// allowed for an operation, and no statement denies it.
func (l *linter) passes(o *ruled, c *Condition, text string) bool {
	if strings.HasSuffix(string(c.Operator.Base), "IgnoreCase") {
		text = strings.ToLower(text)
	}
	if o.allowed[text] || everyID(c.set, text) || !l.memory.compare(1+len(o.shuts)) {
		return false
	}
	id := []string{condition.Example(text)}
	return !slices.ContainsFunc(o.shuts, func(s *Statement) bool {
		t, _ := s.matchesSetting(c.set, id)
		return t == condition.Yes
	})
}

// differ compares one list.
func (l *linter) differ(s *Statement, c *Condition) {
	those := l.ruled(s, c.set)
	if len(those) == 0 {
		return
	}
	var more, less, names []string
	for _, v := range c.Values {
		if v.Open {
			continue
		}
		found := false
		for i := range those {
			if o := &those[i]; l.passes(o, c, v.Text) {
				found = true
				if !slices.Contains(names, o.name) {
					names = append(names, o.name)
				}
			}
		}
		if found {
			more = append(more, v.Text)
		}
	}
	for _, id := range those[0].ids {
		if slices.ContainsFunc(those, func(o ruled) bool { return !o.allowed[id] }) {
			continue
		}
		if t, _ := c.eval(c.set.key, []string{id}); t == condition.Yes {
			less = append(less, id)
		}
	}
	same := !slices.ContainsFunc(those, func(o ruled) bool { return !slices.Equal(o.ids, those[0].ids) })
	fix := ""
	if same {
		fix = fragment(map[string]any{c.Operator.Name: map[string]any{prefix + c.set.name: those[0].ids}})
	}
	tell := func(severity rules.Severity, names []string, found string) {
		l.report.Findings = append(l.report.Findings, &Finding{ID: ListDiffers, Severity: severity, Policy: s.Policy.Name, Statement: s.label(), Where: c.Where, Operations: names, Found: found, Fix: fix})
	}
	l.wider(c.set, names)
	if len(more) > 0 {
		says := "it lets " + list(more) + " pass, which the rules do not allow"
		if same {
			names = nil // all alike
		} else {
			slices.Sort(names)
			says += " for " + list(names)
		}
		tell(rules.High, names, says)
	}
	// A list for some accounts need not have all.
	if len(less) > 0 && s.always() {
		tell(rules.Medium, nil, "it denies "+list(less)+", which the rules allow")
	}
}

// wider says in the coverage that ids pass which the rules do not allow for some
// operations.
func (l *linter) wider(set *setting, names []string) {
	q := Subnets
	if set.name == vpcSecurityGroups {
		q = SecurityGroups
	}
	for _, name := range names {
		cell, ok := l.cells[name][q]
		if !ok || !covered(cell) {
			continue
		}
		cell.State = Partly
		if words := set.member + " that the rules do not allow for it"; !slices.Contains(cell.Passes, words) {
			cell.Passes = append(slices.Clip(cell.Passes), words)
		}
		l.cells[name][q] = cell
	}
}

// everyID says whether a pattern fits every id: it asks for the form, and is no list.
func everyID(set *setting, pattern string) bool {
	return condition.Like(pattern, other(set.name)) && condition.Like(pattern, lists{}.fine(set.name)) && !condition.Literal(pattern)
}
