package prevent

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// compiler turns a rules file into statements.
type compiler struct {
	file    *rules.File
	account string
	now     time.Time

	drafts []draft
	limits []Limit
	// covered are the rules that the statements of another one see to.
	covered map[target]bool
}

// draft is a statement about one operation.
type draft struct {
	op        operation
	rules     []rules.ID
	scope     scope
	condition Condition
}

// Generate writes the statements that a rules file asks for.
func Generate(f *rules.File, o Options) *Set {
	c := &compiler{file: f, account: o.Account, now: o.Now, covered: map[target]bool{}}
	for _, op := range operations() {
		c.operation(op)
	}
	s := &Set{Limits: c.limits, by: c.covered}
	for _, d := range c.drafts {
		for _, id := range d.rules {
			s.by[target{d.op.name(), id}] = true
		}
	}
	s.Statements = merge(c.drafts)
	return s
}

// operations are the calls that some key can deny, in the table's order.
func operations() (out []operation) {
	for _, row := range kind.Table() {
		for i := range row.Calls {
			if len(row.Calls[i].Keys) > 0 {
				out = append(out, operation{row, &row.Calls[i]})
			}
		}
	}
	return out
}

// source is what the file says of a rule for the calls that match.
type source struct {
	match rules.Match
	on    bool
	where string
}

// sources are what the file says of a rule for an operation; later ones win.
func (c *compiler) sources(op operation, id rules.ID, on func(rules.Setting) bool) []source {
	all := []source{{on: on(c.file.Rules[id]), where: "rules"}}
	for i, o := range c.file.Overrides {
		setting, named := o.Rules[id]
		if named && op.meant(o.Match.Kinds) {
			all = append(all, source{o.Match, on(setting), fmt.Sprintf("overrides[%d]", i)})
		}
	}
	return all
}

// meant says whether the operation is of one of the kinds.
func (o operation) meant(kinds []string) bool {
	return len(kinds) == 0 || slices.Contains(kinds, string(o.row.Kind))
}

// on are the scopes in which a rule is on and has no exception.
func (c *compiler) on(op operation, id rules.ID, on func(rules.Setting) bool) []scope {
	return c.excepted(op, id, c.set(op, id, on))
}

// set are the scopes in which a rule is on.
func (c *compiler) set(op operation, id rules.ID, on func(rules.Setting) bool) (out []scope) {
	all := c.sources(op, id, on)
	for i, s := range all {
		if !s.on {
			continue
		}
		sc, why := op.scopeOf(s.match)
		if why != "" {
			c.limit(op, id, s.where, why)
			continue
		}
		scopes := []scope{sc}
		for _, later := range all[i+1:] {
			if !later.on {
				scopes = c.without(op, id, scopes, later.match, later.where)
			}
		}
		out = append(out, scopes...)
	}
	return reduced(c.here(out))
}

// unset are the scopes in which a rule is off. Where it is on for names or tags
// that the request does not show, these scopes have them too; unseen are such.
func (c *compiler) unset(op operation, id rules.ID, on func(rules.Setting) bool) (out []scope, unseen []source) {
	all := c.sources(op, id, on)
	for i, s := range all {
		if s.on {
			continue
		}
		sc, why := op.scopeOf(s.match)
		if why != "" {
			continue // only a rule that is switched on is matched by tags and names
		}
		scopes := []scope{sc}
		for _, later := range all[i+1:] {
			switch {
			case !later.on:
			case len(later.match.Tags) > 0 && !op.tagged(), len(later.match.Names) > 0 && !op.named():
				if !slices.ContainsFunc(unseen, func(u source) bool { return u.where == later.where }) {
					later.match.Tags, later.match.Names = nil, nil
					unseen = append(unseen, later)
				}
			default:
				scopes = c.without(op, id, scopes, later.match, later.where)
			}
		}
		out = append(out, scopes...)
	}
	return reduced(c.here(out)), unseen
}

// excepted takes the exceptions from a rule out of scopes.
func (c *compiler) excepted(op operation, id rules.ID, scopes []scope) []scope {
	for i, x := range c.file.Exceptions {
		if slices.Contains(x.Rules, id) && op.meant(x.Match.Kinds) && c.now.Before(x.Expires) {
			scopes = c.without(op, id, scopes, x.Match, fmt.Sprintf("exceptions[%d] (%s)", i, x.ID))
		}
	}
	return scopes
}

func (c *compiler) without(op operation, id rules.ID, scopes []scope, m rules.Match, where string) []scope {
	out, exact := op.without(scopes, m)
	if !exact {
		c.limit(op, id, where, "a statement cannot say all that is left, and says less")
	}
	return out
}

func (c *compiler) limit(op operation, id rules.ID, where, why string) {
	l := Limit{op.name(), id, where, why}
	if !slices.Contains(c.limits, l) {
		c.limits = append(c.limits, l)
	}
}

// here leaves what is about the one account, which then need not be asked for.
func (c *compiler) here(scopes []scope) (out []scope) {
	if c.account == "" {
		return scopes
	}
	for _, s := range scopes {
		if !s.accounts.has(c.account) {
			continue
		}
		s.accounts = set{}
		s.roles.values = slices.DeleteFunc(slices.Clone(s.roles.values), func(role string) bool {
			arn, _ := kind.ParseARN(role)
			return arn.Account != c.account
		})
		if !s.empty() {
			out = append(out, s)
		}
	}
	return out
}

func isOn(s rules.Setting) bool { return s.On }

// forWay says whether interactive-access forbids a way in.
func forWay(way posture.Way) func(rules.Setting) bool {
	return func(s rules.Setting) bool { return s.On && (len(s.Ways) == 0 || slices.Contains(s.Ways, way)) }
}

// operation writes the statements about one operation.
func (c *compiler) operation(op operation) {
	c.presence(op)
	c.ids(op, rules.WellFormed, "VpcSubnets")
	c.ids(op, rules.WellFormed, "VpcSecurityGroupIds")
	c.ids(op, rules.SubnetAllowed, "VpcSubnets")
	c.ids(op, rules.SecurityGroupAllowed, "VpcSecurityGroupIds")
	c.switched(op, rules.IsolationRequired, "NetworkIsolation")
	c.switched(op, rules.EncryptedBetweenContainers, "InterContainerTrafficEncryption")
	if op.has("RemoteAccess") {
		c.deny(op, []rules.ID{rules.InteractiveAccess}, c.on(op, rules.InteractiveAccess, forWay(posture.RemoteAccess)), is("StringEquals", "RemoteAccess", "ENABLED"))
	}
	if op.has("EnableRemoteDebug") {
		c.deny(op, []rules.ID{rules.InteractiveAccess}, c.on(op, rules.InteractiveAccess, forWay(posture.RemoteDebug)), is("Bool", "EnableRemoteDebug", "true"))
	}
}

// deny writes a statement for each scope.
func (c *compiler) deny(op operation, ids []rules.ID, scopes []scope, conditions ...Condition) {
	for _, s := range scopes {
		c.drafts = append(c.drafts, draft{op, ids, s, all(conditions...)})
	}
}

// is a condition on one key of SageMaker's.
func is(operator, key string, values ...string) Condition {
	return Condition{operator: {"sagemaker:" + key: values}}
}

// noVPC and present are conditions on whether a key is in the context.
func noVPC() Condition             { return is("Null", "VpcSubnets", "true") }
func present(key string) Condition { return is("Null", key, "false") }

// all joins conditions by AND.
func all(conditions ...Condition) Condition {
	out := Condition{}
	for _, c := range conditions {
		for operator, keys := range c {
			if out[operator] == nil {
				out[operator] = map[string]Values{}
			}
			maps.Copy(out[operator], keys)
		}
	}
	return out
}

// carries says whether every call of the operation that complies must name its VPC
// and its switches: it creates, and nothing that it refers to decides in its place.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringScheduleConfig.html
func (o operation) carries() bool {
	return o.call.Effect == kind.Creates && len(o.row.Refers) == 0
}

// ways is how an operation's request says that the resource has no Internet access
// of its own, and how that it has. The second is true where the request does not
// say, for that is the API's default.
type ways struct{ shut, open Condition }

// way is the setting beside the VPC that decides; ok is false where there is none.
func (o operation) way() (w ways, ok bool) {
	switch {
	case o.has("DirectInternetAccess"):
		return ways{is("StringEquals", "DirectInternetAccess", "Disabled"), is("StringNotEquals", "DirectInternetAccess", "Disabled")}, true
	case o.has("AppNetworkAccessType"):
		return ways{is("StringEquals", "AppNetworkAccessType", "VpcOnly"), is("StringNotEquals", "AppNetworkAccessType", "VpcOnly")}, true
	case o.has("NetworkIsolation"):
		return ways{is("Bool", "NetworkIsolation", "true"), is("BoolIfExists", "NetworkIsolation", "false")}, true
	}
	return ways{}, false
}

// presence writes what vpc-required, no-own-internet and no-bridge ask for.
//
// A call without a VPC fails no-own-internet unless the container is isolated or
// the direct way is shut; where that rule is off it fails vpc-required, and so does
// one that is isolated or shut. A call with a VPC whose direct way is open fails
// no-bridge.
func (c *compiler) presence(op operation) {
	update, serverless, place := op.call.Name == "UpdateDomain", op.has("ServerlessMemorySize"), op.has("VpcSubnets") && op.carries()
	if !update && !serverless && !place {
		return
	}
	// Without a VPC, and open.
	own := c.on(op, rules.NoOwnInternet, isOn)
	vpc := c.on(op, rules.VPCRequired, isOn)
	elsewhere, unseen := c.unset(op, rules.NoOwnInternet, isOn)
	var instead []scope
	for _, s := range vpc {
		for _, e := range elsewhere {
			if both, ok := s.and(e); ok {
				instead = append(instead, both)
			}
		}
	}
	for _, u := range unseen {
		// Where no-own-internet may be on after all, its exceptions count.
		may, _ := op.scopeOf(u.match)
		var inside []scope
		for _, s := range instead {
			if both, ok := s.and(may); ok {
				inside = append(inside, both)
			}
		}
		inside = c.here(inside)
		if excepted := c.excepted(op, rules.NoOwnInternet, inside); !slices.EqualFunc(excepted, inside, func(a, b scope) bool { return a.key() == b.key() }) {
			c.limit(op, rules.VPCRequired, u.where, "what it matches by is not in the request, so that the exceptions to no-own-internet hold for more")
			outside, _ := op.without(instead, u.match)
			instead = append(outside, excepted...)
		}
	}
	instead = reduced(instead)
	open := named(rules.NoOwnInternet, own).and(named(rules.VPCRequired, instead))
	if len(open) > 0 && len(vpc) > 0 && !update {
		c.covered[target{op.name(), rules.VPCRequired}] = true
	}

	if serverless {
		// A serverless variant has no VPC and no isolation.
		// https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
		c.each(op, open, present("ServerlessMemorySize"))
	}
	if update {
		c.domainUpdate(op, open)
	}
	if !place {
		return
	}
	w, ok := op.way()
	if !ok {
		c.each(op, open, noVPC())
		return
	}
	shut := named(rules.VPCRequired, vpc)
	var bridge scoped
	if !op.has("NetworkIsolation") {
		bridge = named(rules.NoBridge, c.on(op, rules.NoBridge, isOn))
	}
	for _, s := range open.and(shut).and(bridge) {
		inOpen, inShut, inBridge := open.of(s.scope), shut.of(s.scope), bridge.of(s.scope)
		switch {
		case inOpen != nil && inShut != nil:
			c.one(op, inOpen, inShut, s.scope, noVPC())
		case inOpen != nil && inBridge == nil:
			c.one(op, inOpen, nil, s.scope, noVPC(), w.open)
		case inShut != nil:
			c.one(op, inShut, nil, s.scope, noVPC(), w.shut)
		}
		switch {
		case inBridge != nil && inOpen != nil:
			c.one(op, inBridge, inOpen, s.scope, w.open)
		case inBridge != nil:
			c.one(op, inBridge, nil, s.scope, present("VpcSubnets"), w.open)
		}
	}
}

// domainUpdate writes what an update may not do to a domain. What it does not name
// stays as it was, so that only a new value can be denied: a domain that becomes
// public has its own way to the Internet, and is a bridge if it has a VPC.
func (c *compiler) domainUpdate(op operation, open scoped) {
	bridge := named(rules.NoBridge, c.on(op, rules.NoBridge, isOn))
	public := is("StringEquals", "AppNetworkAccessType", "PublicInternetOnly")
	var whole []scope
	for _, o := range open {
		for _, b := range bridge {
			if both, ok := o.scope.and(b.scope); ok {
				whole = append(whole, both)
				c.one(op, o.rules, b.rules, both, public)
			}
		}
	}
	for _, b := range bridge {
		if !slices.ContainsFunc(whole, b.scope.within) {
			c.one(op, b.rules, nil, b.scope, present("VpcSubnets"), public)
		}
	}
}

// fault is a scope and the rules that fail in it.
type fault struct {
	scope scope
	rules []rules.ID
}

// scoped are faults, each scope once.
type scoped []fault

func named(id rules.ID, scopes []scope) (out scoped) {
	for _, s := range scopes {
		out = append(out, fault{s, []rules.ID{id}})
	}
	return out
}

// and is both lists, each scope once.
func (s scoped) and(o scoped) scoped {
	out := slices.Clone(s)
	for _, x := range o {
		i := slices.IndexFunc(out, func(y fault) bool { return y.scope.key() == x.scope.key() })
		if i < 0 {
			out = append(out, x)
			continue
		}
		out[i].rules = union(out[i].rules, x.rules)
	}
	return out
}

// of are the rules that fail in a scope; nil where it is not in the list.
func (s scoped) of(sc scope) []rules.ID {
	for _, x := range s {
		if x.scope.key() == sc.key() {
			return x.rules
		}
	}
	return nil
}

func union(a, b []rules.ID) []rules.ID {
	out := slices.Concat(a, b)
	slices.SortFunc(out, func(x, y rules.ID) int { return ruleRank(x) - ruleRank(y) })
	return slices.Compact(out)
}

// one writes one statement.
func (c *compiler) one(op operation, some, more []rules.ID, s scope, conditions ...Condition) {
	c.deny(op, union(some, more), []scope{s}, conditions...)
}

// each writes a statement for each scope.
func (c *compiler) each(op operation, in scoped, conditions ...Condition) {
	for _, s := range in {
		c.one(op, s.rules, nil, s.scope, conditions...)
	}
}

// switched writes what a rule asks for that wants a switch on. The key may be in
// the context or not where the request leaves the switch out: both mean off. Where
// a request that complies need not have the switch, a VPC says that it is one that
// must.
func (c *compiler) switched(op operation, id rules.ID, key string) {
	if !op.has(key) {
		return
	}
	conditions := []Condition{is("BoolIfExists", key, "false")}
	if !op.carries() {
		conditions = append(conditions, present("VpcSubnets"))
	}
	c.deny(op, []rules.ID{id}, c.on(op, id, isOn), conditions...)
}

// ids writes what a rule asks of a list of ids.
func (c *compiler) ids(op operation, id rules.ID, key string) {
	if !op.has(key) {
		return
	}
	allowed := rules.SubnetAllowed
	prefix := "subnet-"
	if key == "VpcSecurityGroupIds" {
		allowed, prefix = rules.SecurityGroupAllowed, "sg-"
	}
	scopes := c.on(op, id, isOn)
	if id == rules.WellFormed {
		// What an allow-list does not have is denied by it.
		listed := c.on(op, allowed, isOn)
		scopes = slices.DeleteFunc(scopes, func(s scope) bool {
			in := slices.ContainsFunc(listed, s.within)
			if in {
				c.covered[target{op.name(), id}] = true
			}
			return in
		})
		c.deny(op, []rules.ID{id}, scopes, is("ForAnyValue:StringNotLike", key, prefix+"*"))
		return
	}
	for _, list := range c.lists(op, id) {
		for _, s := range scopes {
			if both, ok := s.and(list.scope); ok {
				c.deny(op, []rules.ID{id}, c.here([]scope{both}), outside(key, list.ids))
			}
		}
	}
	for i, o := range c.file.Overrides {
		if o.Allow == nil || !op.meant(o.Match.Kinds) {
			continue
		}
		narrow := o.Allow.Subnets
		if id == rules.SecurityGroupAllowed {
			narrow = o.Allow.SecurityGroups
		}
		if len(narrow) == 0 {
			continue
		}
		match, why := op.scopeOf(o.Match)
		if why != "" {
			c.limit(op, id, "overrides["+strconv.Itoa(i)+"]", why)
			continue
		}
		for _, s := range scopes {
			if both, ok := s.and(match); ok {
				c.deny(op, []rules.ID{id}, c.here([]scope{both}), outside(key, narrow))
			} else if !both.empty() {
				c.limit(op, id, "overrides["+strconv.Itoa(i)+"]", "together with what else matches, a statement cannot say it")
			}
		}
	}
}

// outside is the condition that some id is not in the list.
func outside(key string, list []string) Condition {
	if len(list) == 0 {
		return present(key)
	}
	return is("ForAnyValue:StringNotEquals", key, sorted(list)...)
}

// list is what may be used in a scope.
type list struct {
	scope scope
	ids   []string
}

// lists are what the allow-lists let an operation use, by account and Region. All
// calls are in one of the scopes.
func (c *compiler) lists(op operation, id rules.ID) (out []list) {
	var entries []rules.Allow
	var accounts, regions []string
	for _, a := range c.file.Allow {
		if op.meant(a.Kinds) {
			entries = append(entries, a)
			regions = append(regions, a.Regions...)
			if !slices.Contains(a.Accounts, "*") {
				accounts = append(accounts, a.Accounts...)
			}
		}
	}
	// Each account and Region that the file names, and "" for all others.
	accounts, regions = append(sorted(accounts), ""), append(sorted(regions), "")
	ids := func(account, region string) (out []string) {
		for _, e := range entries {
			if (slices.Contains(e.Accounts, "*") || slices.Contains(e.Accounts, account)) && (len(e.Regions) == 0 || slices.Contains(e.Regions, region)) {
				if id == rules.SubnetAllowed {
					out = append(out, e.Subnets...)
				} else {
					out = append(out, e.SecurityGroups...)
				}
			}
		}
		return sorted(out)
	}
	// byRegion are the lists of an account.
	byRegion := func(account string) []list {
		return grouped(regions, func(region string) string { return strings.Join(ids(account, region), ",") }, func(some set, first string) list {
			return list{scope{regions: some}, ids(account, first)}
		})
	}
	signature := func(account string) string {
		var b strings.Builder
		for _, region := range regions {
			b.WriteString(strings.Join(ids(account, region), ",") + ";")
		}
		return b.String()
	}
	for _, some := range grouped(accounts, signature, func(some set, first string) []list {
		all := byRegion(first)
		for i := range all {
			all[i].scope.accounts = some
		}
		return all
	}) {
		out = append(out, some...)
	}
	return out
}

// grouped makes one of all values, the last of which is "" for all others, that
// look the same.
func grouped[T any](values []string, look func(string) string, make func(some set, first string) T) (out []T) {
	seen := map[string]bool{}
	for _, v := range values {
		if seen[look(v)] {
			continue
		}
		seen[look(v)] = true
		var same, other []string
		for _, o := range values {
			if look(o) == look(v) {
				same = append(same, o)
			} else {
				other = append(other, o)
			}
		}
		some := only(same...)
		if slices.Contains(same, "") {
			some = allBut(other...)
		}
		out = append(out, make(some, v))
	}
	return out
}
