package prevent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Want is what policies must do with a request.
type Want string

// What they must do.
const (
	MustDeny  Want = "deny"   // it fails a rule that a policy can hold for the operation
	MustAllow Want = "allow"  // it complies
	Either    Want = "either" // it fails only what no policy can see, or could not be judged
)

// Case is a request that is tried.
type Case struct {
	Operation string
	What      string // in words
	Who       string // whose call it is: empty, or an override or exception that is meant
	Request   map[string]any
	Judgement rules.Judgement
	Want      Want
	Outcome   Outcome

	observed *kind.Observation
}

// Wrong says that the policies do not do what they must.
func (c *Case) Wrong() bool {
	switch c.Want {
	case MustDeny:
		return c.Outcome.Answer != Denied
	case MustAllow:
		return c.Outcome.Answer != Allowed
	case Either:
	}
	return c.Outcome.Answer == NotEvaluated
}

// Ids that no allow-list names, for an id of AWS's has other digits than 0.
const (
	otherSubnet = "subnet-00000000000000000"
	otherGroup  = "sg-00000000000000000"
)

// subject is whose calls are tried.
type subject struct {
	who                   string
	account, region, role string
	name                  string
	tags                  map[string]string
	kinds                 []string
}

// subjects are a caller for whom nothing special holds, and one for each override
// and exception.
func subjects(f *rules.File, account string, now time.Time) []subject {
	base := subject{account: account, region: "eu-west-1", name: "sagemoat-test"}
	for _, a := range f.Allow {
		if base.account == "" && a.Accounts[0] != "*" {
			base.account = a.Accounts[0]
		}
	}
	if base.account == "" {
		base.account = "111122223333"
	}
	for _, a := range f.Allow {
		if len(a.Regions) > 0 && (slices.Contains(a.Accounts, base.account) || slices.Contains(a.Accounts, "*")) {
			base.region = a.Regions[0]
			break
		}
	}
	base.role = "arn:aws:iam::" + base.account + ":role/sagemoat-test"
	out := []subject{base}
	add := func(who string, m rules.Match) {
		s := base
		s.who, s.kinds, s.tags = who, m.Kinds, m.Tags
		if len(m.Accounts) > 0 {
			s.account = m.Accounts[0]
			s.role = "arn:aws:iam::" + s.account + ":role/sagemoat-test"
		}
		if len(m.Regions) > 0 {
			s.region = m.Regions[0]
		}
		for _, role := range m.Roles {
			if arn, _ := kind.ParseARN(role); len(m.Accounts) == 0 || slices.Contains(m.Accounts, arn.Account) {
				s.role, s.account = role, arn.Account
				break
			}
		}
		if len(m.Names) > 0 {
			s.name = strings.NewReplacer("*", "x", "?", "x").Replace(m.Names[0])
		}
		if len(m.Resources) > 0 {
			arn, _ := kind.ParseARN(m.Resources[0])
			s.account, s.region, s.kinds = arn.Account, arn.Region, []string{arn.Type}
			s.name = arn.ID[strings.LastIndexByte(arn.ID, '/')+1:]
			if len(m.Roles) == 0 {
				s.role = "arn:aws:iam::" + s.account + ":role/sagemoat-test"
			}
		}
		if account == "" || s.account == account {
			out = append(out, s)
		}
	}
	for i, o := range f.Overrides {
		add(fmt.Sprintf("overrides[%d]", i), o.Match)
	}
	for _, x := range f.Exceptions {
		if now.Before(x.Expires) {
			add("exception "+x.ID, x.Match)
		}
	}
	return out
}

// variation changes a request that complies.
type variation struct {
	what   string
	change func(*Ask)
}

// parts changes the network of every part of a request.
func parts(change func(*Network)) func(*Ask) {
	return func(a *Ask) {
		change(&a.Own)
		for i := range a.Parts {
			change(&a.Parts[i])
		}
	}
}

func variations() []variation {
	return []variation{
		{"as it should be", func(*Ask) {}},
		{"no VPC", parts(func(n *Network) { n.Subnets, n.Groups, n.Isolation = nil, nil, Off })},
		{"no VPC, and no switches either", parts(func(n *Network) { n.Subnets, n.Groups, n.Isolation, n.Encrypted = nil, nil, Absent, Absent })},
		{"no VPC, but isolated", parts(func(n *Network) { n.Subnets, n.Groups, n.Isolation = nil, nil, On })},
		{"another subnet", parts(func(n *Network) { n.Subnets = []string{otherSubnet} })},
		{"another subnet beside an allowed one", parts(func(n *Network) { n.Subnets = append(slices.Clone(n.Subnets), otherSubnet) })},
		{"another security group", parts(func(n *Network) { n.Groups = []string{otherGroup} })},
		{"a security group among the subnets", parts(func(n *Network) { n.Subnets = append(slices.Clone(n.Subnets), otherGroup) })},
		{"isolation off", parts(func(n *Network) { n.Isolation = Off })},
		{"isolation left out", parts(func(n *Network) { n.Isolation = Absent })},
		{"traffic between containers not encrypted", parts(func(n *Network) { n.Encrypted = Off })},
		{"encryption left out", parts(func(n *Network) { n.Encrypted = Absent })},
		{"direct Internet access", func(a *Ask) { a.Direct = On }},
		{"direct Internet access left out", func(a *Ask) { a.Direct = Absent }},
		{"direct Internet access and no VPC", func(a *Ask) { a.Direct, a.Own.Subnets, a.Own.Groups = On, nil, nil }},
		{"a way in is open", func(a *Ask) { a.Enter = On }},
		{"a way in is left out", func(a *Ask) { a.Enter = Absent }},
		{"names nothing", func(a *Ask) { a.Own, a.Parts, a.Direct, a.Enter = Network{}, nil, Absent, Absent }},
	}
}

// special are requests that only one operation has.
func special(operation string, good Network) []variation {
	switch operation {
	case "CreateEndpointConfig":
		return []variation{
			{"a variant with a model that complies", func(a *Ask) { a.Own, a.Parts = Network{}, []Network{{Model: "good"}} }},
			{"a variant with a model that does not", func(a *Ask) { a.Own, a.Parts = Network{}, []Network{{Model: "open"}} }},
			{"a serverless variant", func(a *Ask) { a.Own, a.Parts = Network{}, []Network{{Model: "good", Serverless: true}} }},
		}
	case "CreateMonitoringSchedule", "UpdateMonitoringSchedule":
		return []variation{
			{"the name of a job definition that complies", func(a *Ask) { a.Definition = "good" }},
			{"the name of a job definition that does not", func(a *Ask) { a.Definition = "open" }},
		}
	case "CreateHyperParameterTuningJob":
		return []variation{
			{"two definitions that comply", func(a *Ask) { a.Parts = []Network{good, good} }},
			{"one of two definitions has no VPC", func(a *Ask) { a.Parts = []Network{good, {}} }},
		}
	case "CreateCluster":
		return []variation{{"a group with another subnet", func(a *Ask) { a.Parts = []Network{{Subnets: []string{otherSubnet}, Groups: good.Groups}} }}}
	}
	return nil
}

// world is what was made before a request: models, job definitions, a domain, and
// what the request changes. All of it complies save what is named "open".
func world(a *Ask, good Network) []*Ask {
	earlier := func(operation, name string, own Network) *Ask {
		b := *a
		b.Operation, b.Name, b.Own, b.Parts, b.Definition, b.Direct, b.Enter = operation, name, own, nil, "", Off, Off
		b.Time, b.ID = a.Time.Add(-time.Hour), a.ID+1
		return &b
	}
	out := []*Ask{
		earlier("CreateModel", "good", good), earlier("CreateModel", "open", Network{}),
		earlier("CreateDataQualityJobDefinition", "good", good), earlier("CreateDataQualityJobDefinition", "open", Network{}),
	}
	row, call, _ := kind.ByCall(a.Operation)
	if row.Kind == kind.UserProfile || row.Kind == kind.Space || a.Operation == "UpdateDomain" {
		out = append(out, earlier("CreateDomain", "d-1", good))
	}
	if call.Effect != kind.Creates && row.Kind != kind.Domain {
		out = append(out, earlier(strings.Replace(a.Operation, "Update", "Create", 1), a.Name, good))
	}
	return out
}

// Cases returns requests of every operation that some key can deny, and what
// policies from the rules file must do with them.
func Cases(f *rules.File, o prevent.Options) ([]*Case, error) {
	gap := map[string]prevent.Status{}
	for _, e := range prevent.Gap(f, o) {
		gap[e.Operation+" "+string(e.Rule)] = e.Status
	}
	var out []*Case
	for _, s := range subjects(f, o.Account, o.Now) {
		for _, row := range kind.Table() {
			if len(s.kinds) > 0 && !slices.Contains(s.kinds, string(row.Kind)) {
				continue
			}
			for _, call := range row.Calls {
				if len(call.Keys) == 0 || call.Name == "UpdateNotebookInstance" {
					continue // its keys are about no network
				}
				more, err := s.cases(f, o, call.Name, gap)
				if err != nil {
					return nil, err
				}
				out = append(out, more...)
			}
		}
	}
	return out, nil
}

// cases are the requests of one operation.
func (s *subject) cases(f *rules.File, o prevent.Options, operation string, gap map[string]prevent.Status) (out []*Case, err error) {
	row, _, _ := kind.ByCall(operation)
	good := Network{Isolation: On, Encrypted: On}
	// By the allow-lists alone: where an override takes away what is used, it is to be
	// denied.
	lists := rules.File{Allow: f.Allow}
	if networks := lists.Networks(&rules.Subject{Kind: row.Kind, Account: s.account, Region: s.region}); len(networks) > 0 {
		good.Subnets, good.Groups = networks[0].Subnets, networks[0].SecurityGroups
	}
	if len(good.Subnets) == 0 {
		good.Subnets = []string{"subnet-0a1b2c3d4e5f60718"}
	}
	if len(good.Groups) == 0 {
		good.Groups = []string{"sg-0a1b2c3d4e5f60718"}
	}
	seen := map[string]bool{}
	for _, v := range slices.Concat(variations(), special(operation, good)) {
		a := &Ask{
			Operation: operation, Account: s.account, Region: s.region, Role: s.role, Name: s.name, Domain: "d-1", Tags: s.tags,
			Actor: "arn:aws:sts::" + s.account + ":assumed-role/" + s.role[strings.LastIndexByte(s.role, '/')+1:] + "/sagemoat",
			Own:   good, Direct: Off, Enter: Off, Time: o.Now, ID: 1,
		}
		switch operation {
		case "CreateDomain", "UpdateDomain":
			a.Name = "d-1"
		case "CreateHyperParameterTuningJob", "UpdateCluster":
			a.Parts = []Network{good}
		case "CreateEndpointConfig":
			a.Parts = []Network{{}}
		case "CreateTransformJob", "CreateInferenceComponent":
			a.Own = Network{Model: "good"}
		}
		v.change(a)
		text, _ := json.Marshal(a.Doc()) //nolint:errchkjson // strings
		if seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		c := &Case{Operation: operation, What: v.what, Who: s.who, Request: a.Doc()}
		if c.observed, c.Judgement, err = judge(f, a, world(a, good)); err != nil {
			return nil, err
		}
		c.Want = wanted(c, gap)
		out = append(out, c)
	}
	return out, nil
}

// judge is what the rules say of a request, after others.
func judge(f *rules.File, a *Ask, before []*Ask) (*kind.Observation, rules.Judgement, error) {
	index := resolve.New()
	for _, b := range before {
		o, err := b.Observe()
		if err != nil {
			return nil, rules.Judgement{}, err
		}
		index.Add(o)
	}
	o, err := a.Observe()
	if err != nil {
		return nil, rules.Judgement{}, err
	}
	index.Add(o)
	return o, audit.Judge(index, o, f, a.Time).Judgement, nil
}

// compliance is what the rules that a policy could hold say: those about the VPC's
// routes and endpoints, which this version does not assess, are left out.
func compliance(j *rules.Judgement) rules.Compliance {
	if j.Compliance == rules.Warning && !slices.ContainsFunc(j.Results, func(r rules.Result) bool {
		return r.Result == rules.Warning && r.Rule != rules.CentralEgress && r.Rule != rules.EndpointsReachable
	}) {
		return rules.Passed
	}
	return j.Compliance
}

// wanted is what a policy must do with a case.
func wanted(c *Case, gap map[string]prevent.Status) Want {
	switch compliance(&c.Judgement) {
	case rules.Passed, rules.NotAvailable:
		return MustAllow
	case rules.Failed:
		for _, r := range c.Judgement.Results {
			if r.Result == rules.Failed && gap[c.Operation+" "+string(r.Rule)] == prevent.Denied {
				return MustDeny
			}
		}
	case rules.Warning, rules.Excepted:
	}
	return Either
}

// Try evaluates cases.
func Try(ctx context.Context, sim *iamsim.Simulator, a Attached, cases []*Case, tell Progress) error {
	calls := make([]*kind.Observation, 0, len(cases))
	for _, c := range cases {
		calls = append(calls, c.observed)
	}
	outcomes, err := Evaluate(ctx, sim, a, calls, tell)
	if err != nil {
		return err
	}
	for i := range cases {
		cases[i].Outcome = outcomes[i]
	}
	return nil
}
