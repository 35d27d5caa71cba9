package guide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// What stands where the rules file has no id. None of them looks like one: to AWS
// and to the rule well-formed they are wrong until somebody has replaced them.
const (
	subnetPlaceholder  = "YOUR-SUBNET-ID"
	groupPlaceholder   = "YOUR-SECURITY-GROUP-ID"
	vpcPlaceholder     = "YOUR-VPC-ID"
	accountPlaceholder = "YOUR-ACCOUNT-ID"
	regionPlaceholder  = "YOUR-REGION"
)

// What is judged in their place: ids that no list has.
const (
	subnetStandIn = "subnet-00000000000000000"
	groupStandIn  = "sg-00000000000000000"
)

// who is who asks, and for what: what an override or a route may depend on.
type who struct {
	condition     string
	role          string
	tags          map[string]string
	name          string // of the resource; empty leaves the recipe's
	kinds         []string
	accounts, all []string // the accounts and Regions that it is about; empty is all
}

// place is an account in a Region.
func (b *builder) place(account, region string) Place {
	p := Place{Account: account}
	usual := who{}
	for _, row := range b.rows() {
		if k, ok := b.kind(account, region, row, usual); ok {
			p.Kinds = append(p.Kinds, k)
		}
	}
	p.Sets = b.sets(account, region, p.Kinds)
	p.Defaults = b.defaults(account, region, p.Kinds)
	for _, w := range b.others() {
		v := Variant{Condition: w.condition}
		if !holds(w.accounts, account) || !holds(w.all, region) {
			continue
		}
		for i, k := range p.Kinds {
			if len(w.kinds) > 0 && !slices.Contains(w.kinds, string(k.Row.Kind)) {
				continue
			}
			if other, ok := b.kind(account, region, k.Row, w); ok && other.differs(&p.Kinds[i]) {
				v.Kinds = append(v.Kinds, other)
			}
		}
		if len(v.Kinds) > 0 {
			p.Variants = append(p.Variants, v)
		}
	}
	return p
}

func holds(list []string, value string) bool {
	return len(list) == 0 || slices.Contains(list, value) || slices.Contains(list, "*")
}

// differs says whether other settings are needed.
func (k *Kind) differs(usual *Kind) bool {
	return k.Fragment != usual.Fragment || !slices.Equal(k.Also, usual.Also)
}

// rows are the kinds that the guide is about and that have a network to set.
func (b *builder) rows() []*kind.Row {
	return slices.DeleteFunc(kind.Table(), func(r *kind.Row) bool {
		return r.Paste == nil || len(b.options.Kinds) > 0 && !slices.Contains(b.options.Kinds, r.Kind)
	})
}

// others are those whom an override that does not hold for everybody is about.
func (b *builder) others() []who {
	var out []who
	for _, o := range b.file.Overrides {
		m := o.Match
		if len(m.Tags) == 0 && len(m.Names) == 0 && len(m.Roles) == 0 {
			continue
		}
		w := who{condition: conditionOf(m, nil), tags: m.Tags, kinds: m.Kinds, accounts: m.Accounts, all: m.Regions}
		if len(m.Roles) > 0 {
			w.role = m.Roles[0]
		}
		if len(m.Names) > 0 {
			w.name = nameFor(m.Names[0])
		}
		if !slices.ContainsFunc(out, func(had who) bool { return had.condition == w.condition }) {
			out = append(out, w)
		}
	}
	return out
}

// nameFor is a name that a pattern matches.
func nameFor(pattern string) string {
	return strings.NewReplacer("*", "example", "?", "x").Replace(pattern)
}

// subject is what is judged of a call, as far as it is told.
func (b *builder) subject(account, region string, o *kind.Observation, w who, parts []kind.Part) *rules.Subject {
	tags := w.tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &rules.Subject{
		Kind: o.Row.Kind, Name: o.Name, Parts: parts,
		Account: cmp.Or(account, accountPlaceholder), Region: cmp.Or(region, regionPlaceholder),
		Principal: cmp.Or(w.role, "arn:aws:iam::"+cmp.Or(account, accountPlaceholder)+":role/any-other"),
		Tags:      tags, TagsKnown: true,
	}
}

// settings are what a request gets besides its own.
type settings struct {
	network              rules.Network // ids, placeholders or stand-ins
	none                 bool          // leave the network out
	isolation, encrypted bool
	encryptedAt          []spot // where encryption is set
}

// spot is a member of a call of a recipe.
type spot struct {
	call int
	path string
}

// kind says how a resource of a kind is made. ok is false where there is no recipe.
func (b *builder) kind(account, region string, row *kind.Row, w who) (k Kind, ok bool) {
	k.Row = row
	for i, r := range recipes()[row.Kind] {
		s := settings{}
		networks := b.networks(account, region, row, r, w)
		if len(networks) > 0 {
			s.network = networks[0]
		}
		full := s.network
		s.network = standIns(full)
		still := b.judge(b.calls(account, region, row, r, w, s), account, region, w)
		for _, result := range still {
			switch result.Rule { //nolint:exhaustive // the two that a switch of the request answers
			case rules.IsolationRequired:
				s.isolation = true
			case rules.EncryptedBetweenContainers:
				s.encrypted = true
				s.encryptedAt = append(s.encryptedAt, spot{result.call, result.Path})
			default:
			}
		}
		if s.isolation || s.encrypted {
			still = b.judge(b.calls(account, region, row, r, w, s), account, region, w)
		}
		none := s
		none.none = true
		left := b.judge(b.calls(account, region, row, r, w, none), account, region, w)
		half := b.judge(halves(b.calls(account, region, row, r, w, s)), account, region, w)
		s.network, s.none = placeholders(full), b.bare
		m := b.make(account, region, row, r, w, s)
		k.Recipes = append(k.Recipes, Recipe{Title: r.title, Snippets: m.snippets()})
		if i > 0 {
			continue
		}
		k.Network, k.Left = full, unique(left)
		if len(half) != len(still) {
			k.Half = unique(half)
		}
		k.Note = b.note(account, full, still)
		k.Still = unique(slices.DeleteFunc(still, func(r found) bool {
			return r.Rule == rules.SubnetAllowed && len(full.Subnets) == 0 || r.Rule == rules.SecurityGroupAllowed && len(full.SecurityGroups) == 0
		}))
		k.Fragment = row.Fragment(s.network.Subnets, s.network.SecurityGroups, s.isolation)
		if s.isolation {
			k.Also = append(k.Also, alsoIsolation)
		}
		if s.encrypted {
			k.Also = append(k.Also, alsoEncryption)
		}
		main := b.observe(m.calls[len(m.calls)-1], account, region)
		subject := b.subject(account, region, main, w, nil)
		k.Mode = b.file.ModeFor(subject)
		if operation, ok := row.StopCall(); ok && k.Mode == rules.Stop && atLeast(k.Left, b.file.Response.Stop.Severity) {
			k.Stopped, k.Grace = operation, b.file.Response.Stop.Grace
		}
		k.Team, _ = b.file.Route(subject, "")
	}
	for _, c := range row.Calls {
		switch {
		case c.Effect == kind.Runs:
		case canDeny(c.Keys):
			k.Denied = append(k.Denied, c.Name)
		case c.Effect != kind.Changes:
			k.Open = append(k.Open, c.Name)
		}
	}
	return k, len(k.Recipes) > 0
}

func atLeast(results []rules.Result, s rules.Severity) bool {
	return slices.ContainsFunc(results, func(r rules.Result) bool { return r.Result == rules.Failed && r.Severity.AtLeast(s) })
}

// canDeny says whether condition keys tell of the network.
func canDeny(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		return k == "VpcSubnets" || k == "VpcSecurityGroupIds" || k == "AppNetworkAccessType" || k == "DirectInternetAccess"
	})
}

// standIns are ids to judge by where the file has none.
func standIns(n rules.Network) rules.Network {
	if len(n.Subnets) == 0 {
		n.Subnets = []string{subnetStandIn}
	}
	if len(n.SecurityGroups) == 0 {
		n.SecurityGroups = []string{groupStandIn}
	}
	return n
}

// placeholders are what to show where the file has no ids.
func placeholders(n rules.Network) rules.Network {
	if len(n.Subnets) == 0 {
		n.Subnets = []string{subnetPlaceholder + "-1", subnetPlaceholder + "-2"}
	}
	if len(n.SecurityGroups) == 0 {
		n.SecurityGroups = []string{groupPlaceholder}
	}
	n.VPC = cmp.Or(n.VPC, vpcPlaceholder)
	return n
}

// note says what the rules file lacks.
func (b *builder) note(_ string, n rules.Network, judged []found) string {
	missing := func(id rules.ID, what string) string {
		if slices.ContainsFunc(judged, func(r found) bool { return r.Rule == id && r.Result.Result == rules.Failed }) {
			return "the rules allow no " + what + " here, so that any fails " + string(id) + ": ask whoever keeps the rules file before you create it"
		}
		return "the rules file names no " + what + " for it: ask whoever runs the network which to put in the place of the words in capitals"
	}
	switch {
	case len(n.Subnets) == 0 && len(n.SecurityGroups) == 0:
		return missing(rules.SubnetAllowed, "subnet and no security group")
	case len(n.Subnets) == 0:
		return missing(rules.SubnetAllowed, "subnet")
	case len(n.SecurityGroups) == 0:
		return missing(rules.SecurityGroupAllowed, "security group")
	}
	return ""
}

// networks are what may be used for a recipe: what every resource that it makes may.
func (b *builder) networks(account, region string, row *kind.Row, r recipe, w who) []rules.Network {
	calls := b.calls(account, region, row, r, w, settings{none: true})
	index := resolve.New()
	var all [][]rules.Network
	for _, c := range calls {
		o := b.observe(c, account, region)
		index.Add(o)
		if c.at == "" {
			continue
		}
		all = append(all, b.file.Networks(b.subject(account, region, o, w, index.Parts(o))))
	}
	last := b.observe(calls[len(calls)-1], account, region)
	all = append(all, b.file.Networks(b.subject(account, region, last, w, nil)))
	if row.Kind == kind.Pipeline || row.Kind == kind.PipelineExecution {
		all = all[:1] // its steps decide
	}
	out := all[0]
	for _, more := range all[1:] {
		out = common(out, more)
	}
	return out
}

// common is what two lists of networks have in common.
func common(a, b []rules.Network) []rules.Network {
	var out []rules.Network
	for _, n := range a {
		for _, m := range b {
			if n.VPC != m.VPC {
				continue
			}
			n.Subnets, n.SecurityGroups = both(n.Subnets, m.Subnets), both(n.SecurityGroups, m.SecurityGroups)
			if len(n.Subnets)+len(n.SecurityGroups) > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

func both(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// calls are a recipe's, with an account, a name, tags and the network in place.
func (b *builder) calls(account, region string, row *kind.Row, r recipe, w who, s settings) []call {
	values := filler(account, region, s.network.VPC)
	own := ""
	if w.name != "" {
		last := r.calls[len(r.calls)-1]
		own, _ = lookUp(last.request, row.Key[len(row.Key)-1])
	}
	var out []call
	for i, c := range r.calls {
		c.request, _ = fill(c.request, func(s string) string {
			if own != "" && s == own {
				return w.name
			}
			return values.Replace(s)
		}).(object)
		if len(w.tags) > 0 && !c.untagged {
			var tags []any
			for _, key := range slices.Sorted(maps.Keys(w.tags)) {
				tags = append(tags, object{{"Key", key}, {"Value", w.tags[key]}})
			}
			c.request = c.request.with("Tags", tags)
		}
		if c.at != "" {
			c.request = b.connect(row, c, i, s)
		}
		out = append(out, c)
	}
	return out
}

// filler fills in what data/requests.yaml leaves open.
func filler(account, region, vpc string) *strings.Replacer {
	return strings.NewReplacer(
		"{partition}", cmp.Or(kind.Partition(region), "aws"), "{account}", cmp.Or(account, accountPlaceholder),
		"{region}", cmp.Or(region, regionPlaceholder), "{suffix}", suffix(region), "{vpc}", cmp.Or(vpc, vpcPlaceholder),
	)
}

func lookUp(o object, name string) (string, bool) {
	v, _ := o.get(name)
	s, ok := v.(string)
	return s, ok
}

// connect puts the network into the request of a call.
func (b *builder) connect(row *kind.Row, c call, index int, s settings) object {
	if s.none {
		return withoutVPC(c.request)
	}
	paste, _ := treeOf(row.Paste(s.network.Subnets, s.network.SecurityGroups, s.isolation)).(object)
	request, err := c.request.at(c.at, func(v any) any {
		switch v := v.(type) {
		case object:
			return v.over(paste)
		case document:
			return document{v.over(paste)}
		default:
			return v
		}
	})
	for _, at := range s.encryptedAt {
		if err == nil && at.call == index {
			request, err = request.at(at.path, func(any) any { return true })
		}
	}
	if err != nil {
		panic(fmt.Errorf("data/requests.yaml: %s: %w", c.name, err)) // the tests make every recipe
	}
	return request
}

// withoutVPC leaves out what of a recipe's own belongs to the network: the VPC's
// id, which only some requests have.
func withoutVPC(o object) object {
	var out object
	for _, m := range o {
		if m.name == "VpcId" || m.name == "WorkforceVpcConfig" {
			continue
		}
		out = append(out, m)
	}
	return out
}

// suffix is the end of the addresses of a Region's registries.
// https://docs.aws.amazon.com/general/latest/gr/ecr.html
func suffix(region string) string {
	if kind.Partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// make is a recipe for the tools.
func (b *builder) make(account, region string, row *kind.Row, r recipe, w who, s settings) *made {
	m := &made{row: row, calls: b.calls(account, region, row, r, w, s), region: region}
	last := m.calls[len(m.calls)-1].request
	name, _ := lookUp(last, row.Key[len(row.Key)-1])
	tags, _ := last.get("Tags")
	m.sdk.Tags, _ = tags.([]any)
	values := filler(account, region, "")
	m.sdk.Role = values.Replace("arn:{partition}:iam::{account}:role/MySageMakerRole")
	m.sdk.Image = values.Replace("{account}.dkr.ecr.{region}.{suffix}/my-image:1")
	m.sdk.Network, m.sdk.Subnets, m.sdk.SecurityGroups = !s.none, s.network.Subnets, s.network.SecurityGroups
	m.sdk.Isolation, m.sdk.Encrypted = s.isolation, s.encrypted
	m.sdk.Name = name
	m.sdk.ModelData, m.sdk.Data, m.sdk.Out = "s3://my-bucket/model.tar.gz", "s3://my-bucket/train/", "s3://my-bucket/output/"
	return m
}

// found is a result, and the call of a recipe whose it is.
type found struct {
	rules.Result
	call int
}

// observe is the record of a call that was not made yet.
func (b *builder) observe(c call, account, region string) *kind.Observation {
	row, op := c.row()
	doc, err := jsondoc.Parse([]byte(jsonOf(c.request)), kind.FreeForm())
	if err != nil {
		panic(fmt.Errorf("data/requests.yaml: %s: %w", c.name, err))
	}
	o := &kind.Observation{
		Row: row, Call: op, Doc: doc, Source: kind.Source{Type: kind.ShapeRequest, Event: op.Name},
		Partition: cmp.Or(kind.Partition(region), "aws"), Account: cmp.Or(account, accountPlaceholder), Region: cmp.Or(region, regionPlaceholder),
	}
	o.Key, o.Name = row.KeyOf(doc)
	if row.Kind == kind.Domain {
		// Its id is given by AWS; what refers to it says YOUR-DOMAIN-ID.
		o.Key, o.Name = domainPlaceholder, domainPlaceholder
	}
	return o
}

// domainPlaceholder is the id of the domain in data/requests.yaml.
const domainPlaceholder = "YOUR-DOMAIN-ID"

// judge judges the calls of a recipe, one after another.
func (b *builder) judge(calls []call, account, region string, w who) []found {
	index := resolve.New()
	at := time.Unix(0, 0).UTC()
	var observed []*kind.Observation
	for i, c := range calls {
		o := b.observe(c, account, region)
		o.Time = at.Add(time.Duration(i) * time.Minute)
		index.Add(o)
		observed = append(observed, o)
	}
	var out []found
	for i, o := range observed {
		j := b.file.Judge(b.subject(account, region, o, w, index.Parts(o)), b.options.Now)
		for _, r := range j.Results {
			out = append(out, found{r, i})
		}
	}
	return out
}

// halves are calls with a network, but without what closes the way that the
// service has to the Internet beside it.
func halves(calls []call) []call {
	var out []call
	for _, c := range calls {
		c.request = slices.DeleteFunc(slices.Clone(c.request), func(m member) bool {
			return m.name == "DirectInternetAccess" || m.name == "AppNetworkAccessType"
		})
		out = append(out, c)
	}
	return out
}

// unique are the results, each rule once, the worst first.
func unique(all []found) []rules.Result {
	var out []rules.Result
	for _, r := range all {
		i := slices.IndexFunc(out, func(had rules.Result) bool { return had.Rule == r.Rule })
		if i < 0 {
			out = append(out, r.Result)
		} else if out[i].Result != rules.Failed && r.Result.Result == rules.Failed {
			out[i] = r.Result
		}
	}
	slices.SortStableFunc(out, func(a, b rules.Result) int {
		return cmp.Compare(slices.Index(rules.Severities(), a.Severity), slices.Index(rules.Severities(), b.Severity))
	})
	return out
}

// sets are the networks of a place, with the kinds that have them.
func (b *builder) sets(account, region string, kinds []Kind) []Set {
	var out []Set
	for _, k := range kinds {
		var others []rules.Network
		if all := b.networks(account, region, k.Row, recipes()[k.Row.Kind][0], who{}); len(all) > 1 {
			others = all[1:]
		}
		i := slices.IndexFunc(out, func(s Set) bool {
			return s.Note == k.Note && same(s.Network, k.Network) && slices.EqualFunc(s.Others, others, same)
		})
		if i < 0 {
			out = append(out, Set{Network: k.Network, Others: others, Note: k.Note})
			i = len(out) - 1
		}
		out[i].Kinds = append(out[i].Kinds, k.Row.Words)
	}
	if len(out) == 1 {
		out[0].Kinds = nil
	}
	return out
}

func same(a, b rules.Network) bool {
	return a.VPC == b.VPC && slices.Equal(a.Subnets, b.Subnets) && slices.Equal(a.SecurityGroups, b.SecurityGroups)
}

// What the rules may ask for besides the network.
const (
	alsoIsolation  = "network isolation"
	alsoEncryption = "encryption of the traffic between containers (the snippets switch it on)"
)
