package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// statementLint finds what is wrong with one statement.
type statementLint struct {
	*linter

	s *Statement
	// about are the operations that the statement names, and reached those of them
	// whose resources it has.
	about, reached []*operation
	found          []*Finding
	// denied says whether the conditions on subnets and security groups deny an id.
	denied map[string]condition.Truth
}

// statement finds what is wrong with a statement by itself.
func (l *linter) statement(s *Statement) []*Finding {
	one := &statementLint{linter: l, s: s, denied: map[string]condition.Truth{}}
	one.gather()
	return one.found
}

// gather finds it.
func (l *statementLint) gather() {
	s := l.s
	l.actions()
	for _, o := range operations() {
		if !s.actsOn(o.name) {
			continue
		}
		l.about = append(l.about, o)
		if !s.onResources(o).none {
			l.reached = append(l.reached, o)
		}
	}
	if len(l.about) == 0 {
		return
	}
	l.resources()
	for i := range s.Conditions {
		l.condition(&s.Conditions[i])
	}
	l.nulls()
	l.limits()
	if s.Effect == Allow {
		l.guard()
		return
	}
	if len(s.mentions()) > 0 || slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.ofNoRequest() }) {
		l.expansion()
		l.breaks()
		l.nothing()
	}
}

// add adds a finding of the usual severity.
func (l *statementLint) add(id ID, where Where, fix string, operations []string, format string, args ...any) *Finding {
	f := &Finding{
		ID: id, Severity: DocOf(id).Severity, Policy: l.s.Policy.Name, Statement: l.s.label(), Where: where,
		Found: fmt.Sprintf(format, args...), Fix: fix, Operations: operations,
	}
	slices.Sort(f.Operations)
	l.found = append(l.found, f)
	return f
}

// actions finds names that SageMaker does not have.
func (l *statementLint) actions() {
	var all []string
	for _, a := range actions() {
		all = append(all, strings.ToLower(prefix+a))
	}
	for _, p := range l.s.Actions {
		name, ours := cutPrefix(p.Text)
		if p.Open || !ours || slices.ContainsFunc(all, func(a string) bool { return condition.Like(p.lower, a) }) {
			continue
		}
		meant := ""
		if near := rules.Nearest(name, actions()); near != "" {
			meant = prefix + near
		}
		fix := ""
		if meant != "" {
			fix = quote(meant)
		}
		l.add(ActionUnknown, p.Where, fix, nil, "%s is no action of SageMaker%s", p.Text, didYouMean(meant))
	}
}

func didYouMean(meant string) string {
	if meant == "" {
		return ""
	}
	return ": did you mean " + meant + "?"
}

// resources finds operations that a Deny names, and whose resources it has not.
func (l *statementLint) resources() {
	if l.s.Effect != Deny {
		return
	}
	var missed []string
	for _, o := range l.about {
		if !slices.Contains(l.reached, o) && len(o.asks) > 0 {
			missed = append(missed, o.name)
		}
	}
	named := "Resource"
	if l.s.NotResource {
		named = "NotResource"
	}
	if len(missed) > 0 {
		l.add(ResourceMismatch, l.s.Resources[0].Where, `"Resource": "*"`, missed, "the statement's %s leaves out every resource of %s", named, list(missed))
	}
}

// condition checks one condition.
func (l *statementLint) condition(c *Condition) {
	if known, meant := knownKey(c.Key); !known {
		fix := ""
		if meant != "" {
			fix = quote(meant)
		}
		l.add(KeyUnknown, c.Where, fix, nil, "SageMaker has no condition key %s%s", c.Key, didYouMean(meant))
		return
	}
	l.variables(c)
	set := c.set
	if set == nil {
		return
	}
	if !c.Known {
		l.add(OperatorUnknown, c.Where, "", nil, "AWS documents no condition operator %s", c.Operator.Name)
		return
	}
	l.carried(c, set)
	l.operator(c, set)
	l.values(c, set)
}

// variables finds variables that are none.
func (l *statementLint) variables(c *Condition) {
	if l.s.Policy.Version == currentVersion {
		return
	}
	for _, v := range c.Values {
		if !v.Open && variable(v.Text) {
			l.add(VariableLiteral, c.Where, `"Version": "2012-10-17"`, nil, "the policy's version is %s, so %s is no variable, and equals nothing", orNone(l.s.Policy.Version), v.Text)
			return
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

// carried finds operations that do not have the key.
func (l *statementLint) carried(c *Condition, set *setting) {
	var without []string
	for _, o := range l.reached {
		if !o.carries(set.name) {
			without = append(without, o.name)
		}
	}
	if len(without) == 0 || l.broad() {
		return // what a wildcard names is told by what it breaks
	}
	t, _ := c.eval(set.key, nil)
	never := "so the condition never matches"
	if t == condition.Yes {
		never = "so the condition matches every call"
	}
	l.add(KeyNotOfAction, c.Where, "", without, "%s %s not have the key %s, %s", list(without), do(without), prefix+set.name, never)
}

// broad says whether the statement names actions by more than their names.
func (l *statementLint) broad() bool {
	return l.s.NotAction || slices.ContainsFunc(l.s.Actions, wildcard)
}

func wildcard(p Pattern) bool { return p.Open || !condition.Literal(p.Text) }

// operator checks the operator against the key.
func (l *statementLint) operator(c *Condition, set *setting) {
	op, key := c.Operator, prefix+set.name
	negative := op.Negated()
	switch {
	case op.Base == condition.Null:
	case set.key.Many && op.Base == condition.BoolEquals:
		says := "never matches a request without the key, and no id is true or false: it stops nothing"
		f := l.add(BoolOnList, c.Where, nullFix(set.name, l.s.Effect), nil, "")
		if op.IfExists || op.Set == condition.ForAllValues {
			f.Severity = rules.Medium
			says = "matches a request without the key, by IfExists alone; what it does with a list of ids AWS does not document"
			if op.Set == condition.ForAllValues {
				says = "matches a request without the key, as ForAllValues does whatever it compares"
			}
		}
		f.Found = fmt.Sprintf("%s asks whether a list of ids is %s: it %s", op.Name, texts(c.Values), says)
	case set.key.Many && op.Set == condition.One:
		fix := ""
		if op.Fits(set.key.Type) {
			fix = fragment(map[string]any{"ForAnyValue:" + op.Name: map[string]any{key: values(c.Values)}})
		}
		l.add(SetOperatorMissing, c.Where, fix, nil, "%s is a list, and %s without ForAnyValue or ForAllValues is not documented for lists", key, op.Name)
	case !set.key.Many && op.Set != condition.One:
		_, plain, _ := strings.Cut(op.Name, ":")
		l.add(SetOperatorNeedless, c.Where, fragment(map[string]any{plain: map[string]any{key: values(c.Values)}}), nil, "%s has one value, and %s compares a list", key, op.Name)
	case !op.Fits(set.key.Type):
		l.add(OperatorType, c.Where, "", nil, "%s is of type %s, and %s is for another", key, set.key.Type, op.Name)
	case op.Set == condition.ForAllValues && !l.present(set.name):
		if l.s.Effect == Allow {
			l.add(ForAllWithoutNull, c.Where, nullFix(set.name, Allow), nil, "%s allows a request without %s", op.Name, key)
			return
		}
		says := "also denies every request without " + key
		fix := ""
		if negative {
			says += ", and lets a list pass of which one id is allowed"
			fix = fragment(map[string]any{"ForAnyValue:" + string(op.Base): map[string]any{key: values(c.Values)}})
		}
		f := l.add(ForAllWithoutNull, c.Where, fix, nil, "%s %s", op.Name, says)
		f.Severity = rules.Medium
	default:
	}
}

// present says whether the statement asks, beside, that the key is there.
func (l *statementLint) present(name string) bool {
	return slices.ContainsFunc(l.s.Conditions, func(c Condition) bool {
		if c.set == nil || c.set.name != name || c.Operator.Base != condition.Null {
			return false
		}
		t, _ := c.eval(c.set.key, nil)
		return t == condition.No
	})
}

// Ids as AWS writes them.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
var (
	subnetID = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	groupID  = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// values checks what the key is compared with.
func (l *statementLint) values(c *Condition, set *setting) {
	op := c.Operator
	report := func(v condition.Operand, why, fix string) {
		l.add(ValueForm, c.Where, fix, nil, "%s %q: %s", prefix+set.name, v.Text, why)
	}
	like := op.Base == condition.StringLike || op.Base == condition.StringNotLike
	for _, v := range c.Values {
		switch lower := strings.ToLower(v.Text); {
		case v.Open:
		case op.Base == condition.Null || op.Base == condition.BoolEquals:
			if v.Text == "true" || v.Text == "false" {
				continue
			}
			fix := ""
			if lower == "true" || lower == "false" {
				fix = quote(lower)
			}
			report(v, op.Name+" knows true and false", fix)
		case like && !condition.Literal(v.Text):
		case !op.Fits(set.key.Type):
		case set.key.Many:
			text := v.Text
			if strings.HasSuffix(string(op.Base), "IgnoreCase") {
				text = lower
			}
			form, wrong := subnetID, "no subnet has such an id"
			if set.name == vpcSecurityGroups {
				form, wrong = groupID, "no security group has such an id"
			}
			switch {
			case form.MatchString(text):
			case !condition.Literal(v.Text):
				report(v, op.Name+" has no wildcards, and takes * and ? as letters", "")
			default:
				report(v, wrong, "")
			}
		case v.Text == set.good || v.Text == set.bad:
		case strings.HasSuffix(string(op.Base), "IgnoreCase") && (strings.EqualFold(v.Text, set.good) || strings.EqualFold(v.Text, set.bad)):
		case strings.EqualFold(v.Text, set.good):
			report(v, "the value is written "+set.good, quote(set.good))
		case strings.EqualFold(v.Text, set.bad):
			report(v, "the value is written "+set.bad, quote(set.bad))
		default:
			report(v, fmt.Sprintf("the values are %s and %s", set.good, set.bad), "")
		}
	}
}

// nulls finds several keys under one Null.
func (l *statementLint) nulls() {
	if l.s.Effect != Deny {
		return
	}
	var keys []string
	var at Where
	for _, c := range l.s.Conditions {
		if c.set == nil || c.Operator.Base != condition.Null {
			continue
		}
		if t, _ := c.eval(c.set.key, nil); t == condition.Yes {
			keys = append(keys, c.set.name)
			at = c.Where
		}
	}
	if len(keys) < 2 {
		return
	}
	var apart []string
	for _, o := range l.reached {
		both := o.carries(keys[0]) && o.carries(keys[1])
		if both && (!o.coupled || len(keys) > 2 || !lists2(keys)) {
			apart = append(apart, o.name)
		}
	}
	f := l.add(NullOfSeveral, at, fragment(map[string]any{"Null": map[string]any{prefix + keys[0]: "true"}}), apart,
		"the request must lack %s, all of them, to be denied", list(keys))
	if len(apart) == 0 {
		f.Severity = rules.Low
		f.Found += "; of these operations a request has both or neither, so that one key would do"
	}
}

// lists2 says whether two keys are those of subnets and security groups.
func lists2(keys []string) bool {
	return slices.Contains(keys, vpcSubnets) && slices.Contains(keys, vpcSecurityGroups)
}

// limits finds exemptions that those who are to be stopped can give themselves. A
// statement without a condition on the network is about something else.
func (l *statementLint) limits() {
	if l.s.Effect != Deny || len(l.s.mentions()) == 0 || !slices.ContainsFunc(l.reached, func(o *operation) bool { return len(o.asks) > 0 }) {
		return
	}
	for i := range l.s.Conditions {
		c := &l.s.Conditions[i]
		if known, _ := knownKey(c.Key); !known || c.set != nil {
			continue
		}
		switch limit := limitOf(c); limit.who {
		case tags:
			l.add(TagExemption, c.Where, exemptFix(), nil, "who is stopped is decided by a tag of the caller: %s", limit.words)
		case callers:
			l.add(CallerChosen, c.Where, "", nil, "whether it applies is decided by the request: %s", limit.words)
		case administrators, circumstances:
		}
	}
	var chosen []string
	words := ""
	for _, o := range l.reached {
		if r := l.s.onResources(o); len(o.asks) > 0 && avoidable(r.limits) {
			chosen = append(chosen, o.name)
			words = r.limits[0].words
		}
	}
	if len(chosen) > 0 {
		l.add(CallerChosen, l.s.Resources[0].Where, `"Resource": "*"`, chosen, "whether it applies is decided by the name that the caller gives: %s", words)
	}
}

// guard tells of an Allow with conditions on the network, and what it lets through.
func (l *statementLint) guard() {
	if len(l.s.mentions()) == 0 || slices.ContainsFunc(l.found, func(f *Finding) bool { return f.ID == ForAllWithoutNull }) {
		return
	}
	var names []string
	for _, o := range l.reached {
		names = append(names, o.name)
	}
	l.add(AllowAsGuard, l.s.Where, "", names, "the conditions of this Allow stop nothing that another policy allows")
}

// expansion tells what wildcards and NotAction name.
func (l *statementLint) expansion() {
	if !l.broad() {
		return
	}
	var with, others []string
	for _, o := range l.about {
		if len(o.keys) > 0 {
			with = append(with, o.name)
		}
	}
	for _, a := range actions() {
		if l.s.actsOn(a) && !slices.Contains(with, a) {
			others = append(others, a)
		}
	}
	what := "the pattern names"
	if l.s.NotAction {
		what = "NotAction leaves"
	}
	l.add(ActionWildcard, l.s.Actions[0].Where, "", with, "%s %s and %s of SageMaker that have no such keys", what, count(len(with), "operation"), count(len(others), "action"))
}

// breaks finds compliant calls that the statement denies.
func (l *statementLint) breaks() {
	for i := range l.s.Conditions {
		if c := &l.s.Conditions[i]; c.set != nil && !c.Known {
			return
		}
	}
	var sure, maybe breakage
	for _, o := range l.reached {
		r := l.s.reach(o)
		if r.none {
			continue
		}
		if len(o.keys) == 0 || !slices.ContainsFunc(l.s.mentions(), func(s *setting) bool { return o.carries(s.name) }) {
			if l.s.matches(point{}) == condition.Yes {
				sure.add("whatever they ask for: they do not have the key", o.name)
			}
			continue
		}
		shapes := append([]shape{{words: "that comply with every rule"}}, o.partial...)
		if !avoidable(r.limits) {
			// Else the rules may forbid it for what is tagged or named so.
			shapes = slices.Concat(shapes, l.permitted(o))
		}
		if l.s.somewhere() {
			// It may be that no id is allowed there.
			shapes = slices.DeleteFunc(shapes, func(like shape) bool { return len(like.out) == 0 })
		}
		for _, shape := range shapes {
			switch all, some := l.denies(o, shape); {
			case all:
				sure.add(shape.words, o.name)
			case some:
				maybe.add(shape.words, o.name)
			}
		}
	}
	for _, b := range sure {
		l.add(BreaksCompliant, l.s.Where, l.breaksFix(sure), b.names, "it denies calls of %s %s", list(b.names), b.words)
	}
	for _, b := range maybe {
		f := l.add(BreaksCompliant, l.s.Where, "", b.names, "it may deny calls of %s %s: AWS does not say what the condition key holds when the member is left out", list(b.names), b.words)
		f.Severity = rules.Medium
	}
	// What SageMaker has beside, and the pattern names.
	var others []string
	if l.broad() && l.s.matches(point{}) == condition.Yes {
		for _, a := range actions() {
			if l.s.actsOn(a) && !slices.ContainsFunc(operations(), func(o *operation) bool { return o.name == a }) {
				others = append(others, a)
			}
		}
	}
	if services := l.s.services(); services != "" && l.s.matches(point{}) == condition.Yes && !slices.ContainsFunc(l.s.Conditions, func(c Condition) bool {
		t, _ := c.eval(condition.Key{}, nil)
		return c.ofNoRequest() && t != condition.Yes
	}) {
		l.add(BreaksCompliant, l.s.Actions[0].Where, "", nil, "it denies calls of %s: they do not have the key, whatever they ask for", services)
	}
	if len(others) > 0 {
		l.add(BreaksCompliant, l.s.Where, "", nil, "it denies every call of %s that %s not have the key, %s among them", count(len(others), "other action"), do(others), others[0])
	}
}

// breakage is what is broken, by the shape of the calls.
type breakage []brokenCalls

type brokenCalls struct {
	words string
	names []string
}

func (b *breakage) add(words, name string) {
	for i := range *b {
		if (*b)[i].words == words {
			(*b)[i].names = append((*b)[i].names, name)
			return
		}
	}
	*b = append(*b, brokenCalls{words, []string{name}})
}

// permitted are the shapes of requests that break no rule, because the rules file
// switches a rule off that is on by default.
func (l *linter) permitted(o *operation) []shape {
	const words = ", which the rules allow"
	var out []shape
	way := o.way()
	says := func(value string) string { return "with " + way.member + " " + value }
	isolated := way != nil && way.name == networkIsolation && l.wishes.of(rules.IsolationRequired, o) != off
	if a, asked := o.asks[NoVPC]; asked && a.cannot == "" {
		none := []string{vpcSubnets, vpcSecurityGroups}
		forbidden, shut := l.wishes.noVPC(o)
		open := forbidden == off
		switch {
		case shut != off:
		case way != nil:
			out = append(out, shape{words: "without a VPC, " + says(way.good) + words, out: none})
			if open && !isolated {
				out = append(out, shape{words: "without a VPC, " + says(way.bad) + words, out: none, bad: []string{way.name}})
			}
		case open:
			out = append(out, shape{words: "without a VPC" + words, out: none})
		}
	}
	_, direct := o.asks[DirectInternet]
	_, domain := o.asks[DomainMode]
	if (direct || domain) && l.wishes.of(rules.NoBridge, o) == off {
		out = append(out, shape{words: "in a VPC, " + says(way.bad) + words, bad: []string{way.name}})
	}
	return out
}

// compliant are the requests of a shape, as a policy may see them, with given ids.
func (o *operation) compliant(like shape, ids func(*setting) string) []point {
	worlds := []point{{}}
	for _, set := range settings() {
		out := slices.Contains(like.out, set.name)
		if !o.carries(set.name) || out && (set.key.Many || !like.defaults) {
			continue
		}
		values := [][]string{{set.good}}
		switch {
		case out:
			values = [][]string{nil, {set.bad}} // the default
		case slices.Contains(like.bad, set.name):
			values = [][]string{{set.bad}}
		case set.asks[0] == Interactive:
			values = append(values, nil) // off is also what is left out
		case set.key.Many:
			values = [][]string{{ids(set)}}
		}
		var next []point
		for _, w := range worlds {
			for _, v := range values {
				w[set.index] = v
				next = append(next, w)
			}
		}
		worlds = next
	}
	return worlds
}

// denies says whether the statement denies the compliant requests of a shape: in all
// worlds, or in some. Where there is none, for no id is allowed, it denies none.
func (l *statementLint) denies(o *operation, like shape) (all, some bool) {
	ids := map[*setting]string{}
	for _, set := range settings() {
		if set.key.Many && o.carries(set.name) && !slices.Contains(like.out, set.name) {
			id, ok := l.leastDenied(o, set)
			if !ok {
				return false, false
			}
			ids[set] = id
		}
	}
	all = true
	for _, w := range o.compliant(like, func(set *setting) string { return ids[set] }) {
		yes := l.s.matches(w) == condition.Yes
		all, some = all && yes, some || yes
	}
	return all, some
}

// leastDenied is the id that a compliant request may have and that the statement's
// conditions on the key deny least; ok is false where there is none, or finding it takes
// too long.
func (l *statementLint) leastDenied(o *operation, set *setting) (id string, ok bool) {
	least := condition.Yes
	for _, one := range l.witnesses(o, set, []*Statement{l.s}) {
		t, known := l.denied[set.name+one]
		if !known {
			if !l.memory.compare(l.s.work(set)) {
				return "", false
			}
			t, _ = l.s.matchesSetting(set, []string{one})
			l.denied[set.name+one] = t
		}
		switch {
		case t == condition.No:
			return one, true
		case !ok, t == condition.Unknown && least == condition.Yes:
			id, ok, least = one, true, t
		}
	}
	return id, ok
}

// witnesses are ids that a compliant request may have: those that the rules list;
// where they have no list, those that statements name, and one that nobody does.
// They are of callers to whom the statements apply.
func (l *linter) witnesses(o *operation, set *setting, statements []*Statement) []string {
	var reaches []reach
	for _, s := range statements {
		reaches = append(reaches, s.reach(o))
	}
	applies := func(at place) bool {
		return !slices.ContainsFunc(reaches, func(r reach) bool { return r.at(at).truth == condition.No })
	}
	switch {
	case set.name == vpcSubnets && l.wishes.of(rules.SubnetAllowed, o) != off:
		return l.wishes.allows(o, applies, func(a *rules.Allow) []string { return a.Subnets }, func(n *rules.Narrow) []string { return n.Subnets })
	case set.name == vpcSecurityGroups && l.wishes.of(rules.SecurityGroupAllowed, o) != off:
		return l.wishes.allows(o, applies, func(a *rules.Allow) []string { return a.SecurityGroups }, func(n *rules.Narrow) []string { return n.SecurityGroups })
	}
	// Those that are not listed come before the second one: most lists deny all of
	// theirs, or none.
	ids := l.memory.listed(statements)[set.name]
	first := min(len(ids), 1)
	return slices.Concat(ids[:first], []string{lists{}.fine(set.name), other(set.name)}, ids[first:])
}

// services names other services whose calls the statement's actions and resources
// have; empty: none.
func (s *Statement) services() string {
	resources := s.NotResource || slices.ContainsFunc(s.Resources, func(p Pattern) bool {
		parts := strings.SplitN(p.Text, ":", 4)
		return !p.Open && (len(parts) < 4 || condition.Overlap(parts[2], "s3") || !strings.EqualFold(parts[2], "sagemaker"))
	})
	if !resources {
		return ""
	}
	if s.NotAction {
		if slices.ContainsFunc(s.Actions, func(p Pattern) bool { return p.Open || condition.Like(p.lower, "*") }) {
			return ""
		}
		return "every service that NotAction does not name"
	}
	var out []string
	for _, p := range s.Actions {
		service, _, found := strings.Cut(p.lower, ":")
		switch {
		case p.Open:
		case !found && condition.Overlap(service, "s3:*") && condition.Overlap(service, "ec2:*"):
			return "every other service"
		case found && service == "*":
			return "other services"
		case found && condition.Literal(service) && service != "sagemaker":
			out = append(out, p.Text)
		}
	}
	return list(out)
}

// nothing finds a Deny that no request meets.
func (l *statementLint) nothing() {
	if len(l.reached) == 0 || len(l.found) > 0 && slices.ContainsFunc(l.found, func(f *Finding) bool { return explains(f.ID) }) {
		return
	}
	for _, o := range l.reached {
		v := l.memory.view(o, []*Statement{l.s})
		for _, r := range v.requests() {
			if v.may(0, r) {
				return
			}
		}
	}
	l.add(DeniesNothing, l.s.Where, "", nil, "no request meets all of its conditions")
}

// explains are the findings that say already why a statement denies nothing.
func explains(id ID) bool {
	return slices.Contains([]ID{BoolOnList, ValueForm, KeyNotOfAction, KeyUnknown, ResourceMismatch}, id)
}

// texts are the values as a person says them.
func texts(values []condition.Operand) string {
	var out []string
	for _, v := range values {
		out = append(out, v.Text)
	}
	return strings.Join(out, " or ")
}

// list names a few things.
func list(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

// do agrees with a list of names.
func do(names []string) string {
	if len(names) == 1 {
		return "does"
	}
	return "do"
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
