package prevent

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	ours, theirs = "111122223333", "444455556666"
	west, east   = "eu-west-1", "us-east-1"
)

var (
	accounts = []string{ours, theirs}
	regions  = []string{west, east}
	roles    = []string{"arn:aws:iam::111122223333:role/ml/ds", "arn:aws:iam::111122223333:role/release", "arn:aws:iam::444455556666:role/sandbox"}
	// The last of each is in no allow-list.
	allSubnets = []string{"subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712", "subnet-0a1b2c3d4e5f60713", "subnet-0a1b2c3d4e5f60714", "subnet-0a1b2c3d4e5f60719"}
	allGroups  = []string{"sg-0a1b2c3d4e5f60711", "sg-0a1b2c3d4e5f60712", "sg-0a1b2c3d4e5f60713", "sg-0a1b2c3d4e5f60719"}
	names      = []string{"prod-1", "prod-2", "job", "x"}
)

// draw makes choices: of lists and overrides fewer than most.
type draw struct {
	*rand.Rand

	most int
}

func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

func (d draw) one(list []string) string { return list[d.IntN(len(list))] }

// some is some of a list, one at least.
func (d draw) some(list []string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(string) bool { return d.chance(50) })
	if len(out) == 0 {
		out = []string{d.one(list)}
	}
	return out
}

func quoted(list []string) string {
	b, _ := json.Marshal(list)
	return string(b)
}

// rulesFile is the text of a rules file.
func (d draw) rulesFile(kinds []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("version: 1")
	lists := d.IntN(d.most)
	settings := func(indent string, percent int, tighten bool) int {
		n := 0
		for _, id := range rules.IDs() {
			if !d.chance(percent) || id == rules.Assessable || id == rules.CentralEgress || id == rules.EndpointsReachable {
				continue
			}
			value := "on"
			if !tighten && d.chance(40) {
				value = "off"
			}
			if (id == rules.SubnetAllowed || id == rules.SecurityGroupAllowed) && lists == 0 {
				value = "off"
				if tighten {
					continue
				}
			}
			if id == rules.InteractiveAccess && !tighten && d.chance(40) {
				value = quoted(d.some([]string{"remote-access", "remote-debug", "ssm-access"}))
			}
			line("%s%s: %s", indent, id, value)
			n++
		}
		return n
	}
	line("rules:")
	if settings("  ", 60, false) == 0 {
		line("  vpc-required: on")
	}
	if lists > 0 {
		line("allow:")
		for range lists {
			line("  - accounts: %s", d.choose([]string{`["*"]`, quoted(d.some(accounts)), quoted(accounts[:1])}))
			if d.chance(30) {
				line("    regions: %s", quoted(d.some(regions)))
			}
			if d.chance(25) {
				line("    kinds: %s", quoted(d.some(kinds)))
			}
			if d.chance(20) {
				line("    vpc: vpc-0a1b2c3d")
			}
			line("    subnets: %s", quoted(d.some(allSubnets[:4])))
			line("    security-groups: %s", quoted(d.some(allGroups[:3])))
		}
	}
	// listed are ids of the allow-lists so far.
	listed := func(all []string) (out []string) {
		for _, id := range all {
			if strings.Contains(b.String(), `"`+id+`"`) {
				out = append(out, id)
			}
		}
		return out
	}
	if n := d.IntN(d.most); n > 0 {
		line("overrides:")
		for range n {
			tighten := d.chance(40)
			line("  - match:")
			some := false
			if d.chance(50) {
				line("      kinds: %s", quoted(d.some(kinds)))
				some = true
			}
			if d.chance(30) {
				line("      accounts: %s", quoted(d.some(accounts)))
				some = true
			}
			if d.chance(20) {
				line("      regions: %s", quoted(d.some(regions)))
				some = true
			}
			if d.chance(30) {
				line("      roles: %s", quoted(d.some(roles)))
				some = true
			}
			switch {
			case tighten && d.chance(50):
				tags := []string{`{env: prod}`, `{team: a}`, `{env: prod, team: a}`}
				line("      tags: %s", d.one(tags))
			case tighten:
				line("      names: %s", d.one([]string{`["prod-*"]`, `["?"]`, `[job, "*-2"]`}))
			case !some:
				line("      accounts: %s", quoted(accounts[1:]))
			}
			if lists > 0 && d.chance(40) {
				line("    allow:")
				line("      subnets: %s", quoted(d.some(listed(allSubnets[:4]))))
				if d.chance(50) {
					line("      security-groups: %s", quoted(d.some(listed(allGroups[:3]))))
				}
			}
			line("    rules:")
			if settings("      ", 30, tighten) == 0 {
				line("      vpc-required: on")
			}
		}
	}
	if n := d.IntN(3); n > 0 {
		line("exceptions:")
		for i := range n {
			line("  - id: EX-%d\n    owner: o\n    reason: r\n    expires: %s", i, d.one([]string{"2027-01-01", "2026-01-01"}))
			ids := d.some([]string{"vpc-required", "no-own-internet", "no-bridge", "well-formed", "subnet-allowed", "security-group-allowed", "isolation-required", "encrypted-between-containers", "interactive-access"})
			line("    rules: %s\n    match:", quoted(ids))
			some := false
			if d.chance(50) {
				line("      roles: %s", quoted(d.some(roles)))
				some = true
			}
			if d.chance(30) {
				line("      resources: %s", quoted([]string{"arn:aws:sagemaker:eu-west-1:111122223333:" + d.one(kinds) + "/" + d.one(names)}))
				some = true
			}
			if !some || d.chance(20) {
				line("      accounts: %s", quoted(d.some(accounts)))
			}
			if d.chance(20) {
				line("      kinds: %s", quoted(d.some(kinds)))
			}
			if d.chance(20) {
				line("      regions: %s", quoted(d.some(regions)))
			}
		}
	}
	return b.String()
}

func (d draw) choose(list []string) string { return d.one(list) }

// network draws a network that complies more often than not.
func (d draw) network(f *rules.File, a *Ask, k kind.Kind) Network {
	var n Network
	var subnets, groups []string
	lists := rules.File{Allow: f.Allow}
	if networks := lists.Networks(&rules.Subject{Kind: k, Account: a.Account, Region: a.Region}); len(networks) > 0 {
		subnets, groups = networks[0].Subnets, networks[0].SecurityGroups
	}
	if len(subnets) == 0 || d.chance(20) {
		subnets = allSubnets
	}
	if len(groups) == 0 || d.chance(20) {
		groups = allGroups
	}
	if d.chance(75) {
		n.Subnets, n.Groups = d.some(subnets), d.some(groups)
		switch d.IntN(20) {
		case 0:
			n.Subnets = append(n.Subnets, groups[0])
		case 1:
			n.Groups = append(n.Groups, subnets[0])
		}
	}
	n.Isolation, n.Encrypted = Switch(d.IntN(3)), Switch(d.IntN(3))
	if d.chance(40) {
		n.Isolation, n.Encrypted = On, On
	}
	return n
}

// ask draws a request of an operation.
func (d draw) ask(f *rules.File, operation string, id int) *Ask {
	row, _, _ := kind.ByCall(operation)
	a := &Ask{Operation: operation, Account: d.one(accounts), Region: d.one(regions), Name: d.one(names), Domain: "d-1", ID: id, Time: now}
	switch d.IntN(4) {
	case 0:
		a.Actor = "arn:aws:iam::" + a.Account + ":user/ana"
	default:
		a.Role = d.one(roles)
		if d.chance(30) {
			a.Role = "arn:aws:iam::" + a.Account + ":role/other"
		}
		arn, _ := kind.ParseARN(a.Role)
		a.Account = arn.Account
		a.Actor = "arn:aws:sts::" + a.Account + ":assumed-role/" + a.Role[strings.LastIndexByte(a.Role, '/')+1:] + "/ana"
	}
	for _, x := range f.Exceptions {
		for _, r := range x.Match.Resources {
			if arn, _ := kind.ParseARN(r); arn.Type == string(row.Kind) && d.chance(40) {
				// The resource that is meant, and not only one like it.
				a.Account, a.Region, a.Name = arn.Account, arn.Region, arn.ID
				a.Role, a.Actor = roles[0], "arn:aws:sts::"+ours+":assumed-role/ds/ana"
			}
		}
	}
	a.Tags = map[string]string{}
	if d.chance(60) {
		// Two keys that differ by case alone cannot be told apart in a request.
		a.Tags[d.one([]string{"env", "env", "Env"})] = d.one([]string{"prod", "prod", "dev"})
	}
	if d.chance(35) {
		a.Tags["team"] = d.one([]string{"a", "b"})
	}
	a.Own = d.network(f, a, row.Kind)
	a.Direct, a.Enter = Switch(d.IntN(3)), Switch(d.IntN(3))
	if d.chance(40) {
		a.Direct = Off
	}
	switch row.Kind {
	case kind.Domain:
		a.Name = "d-1"
		if d.chance(20) {
			a.SpaceGroups = d.some(allGroups)
		}
		if operation == "UpdateDomain" && d.chance(40) {
			a.Own.Subnets, a.Own.Groups = nil, nil
		}
	case kind.HyperParameterTuningJob:
		for range 1 + d.IntN(3) {
			a.Parts = append(a.Parts, d.network(f, a, row.Kind))
		}
	case kind.Cluster:
		// A group's VPC needs one of the cluster's.
		// https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html
		for range d.IntN(3) {
			if n := d.network(f, a, row.Kind); n.Subnets != nil && (a.Own.Subnets != nil || operation == "UpdateCluster") {
				a.Parts = append(a.Parts, n)
			}
		}
	case kind.EndpointConfig:
		a.Own.Encrypted = Absent
		own := false
		for range 1 + d.IntN(2) {
			p := Network{Model: d.one([]string{"good", "open"})}
			switch {
			case d.chance(30):
				p.Model, own = "", true
			case d.chance(20):
				p.Serverless = true
			}
			a.Parts = append(a.Parts, p)
		}
		if !own {
			a.Own = Network{} // as the API wants
		}
	case kind.MonitoringSchedule:
		if d.chance(40) {
			a.Definition = d.one([]string{"good", "open"})
		}
	case kind.TransformJob, kind.InferenceComponent:
		a.Own = Network{Model: d.one([]string{"good", "open"})}
	default:
	}
	return a
}

// before are the calls that were made before: those that the request refers to or
// changes.
func (d draw) before(f *rules.File, a *Ask) []*Ask {
	earlier := func(operation, name string, own Network) *Ask {
		return &Ask{Operation: operation, Account: a.Account, Region: a.Region, Role: roles[1], Actor: "arn:aws:sts::" + ours + ":assumed-role/release/x", Name: name, Domain: "d-1", Own: own, Time: now.Add(-time.Hour), ID: a.ID + 1_000_000, Tags: a.Tags, Direct: Off}
	}
	good := d.network(f, a, kind.Model)
	good.Isolation, good.Encrypted = On, On
	switch row, _, _ := kind.ByCall(a.Operation); row.Kind {
	case kind.EndpointConfig, kind.TransformJob:
		return []*Ask{earlier("CreateModel", "good", good), earlier("CreateModel", "open", Network{})}
	case kind.MonitoringSchedule:
		return []*Ask{earlier("CreateDataQualityJobDefinition", "good", good), earlier("CreateDataQualityJobDefinition", "open", Network{})}
	case kind.UserProfile, kind.Space, kind.Domain:
		if a.Operation == "CreateDomain" {
			return nil
		}
		domain := earlier("CreateDomain", "d-1", good)
		domain.Direct = Switch(d.IntN(3))
		out := []*Ask{domain}
		if create := strings.Replace(a.Operation, "Update", "Create", 1); create != a.Operation && row.Kind != kind.Domain {
			out = append(out, earlier(create, a.Name, d.network(f, a, row.Kind)))
		}
		return out
	case kind.Cluster, kind.TrainingJob:
		if create := strings.Replace(a.Operation, "Update", "Create", 1); create != a.Operation {
			return []*Ask{earlier(create, a.Name, good)}
		}
	default:
	}
	return nil
}

// try is a request, what the rules say of it, and what the policies do.
type try struct {
	ask       *Ask
	observed  *kind.Observation
	judgement rules.Judgement
	outcome   Outcome
}

// keyedOperations are those that some condition key of the network can deny.
func keyedOperations() (out []string) {
	for _, row := range kind.Table() {
		for _, c := range row.Calls {
			if len(c.Keys) > 0 && c.Name != "UpdateNotebookInstance" {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

// trial is one rules file with requests of every operation.
type trial struct {
	text string
	file *rules.File
	set  *prevent.Set
	gap  map[[2]string]prevent.Entry
	form prevent.Form
	docs Attached
	// statements are what is tried: those of the set, or mutants of them.
	statements []prevent.Statement
	try        []*try
}

var forms = []prevent.Form{prevent.SCP, prevent.IAM, prevent.Boundary}

func newTrial(t testing.TB, d draw, each int) *trial {
	t.Helper()
	var kinds []string
	for _, op := range keyedOperations() {
		if row, _, _ := kind.ByCall(op); !slices.Contains(kinds, string(row.Kind)) {
			kinds = append(kinds, string(row.Kind))
		}
	}
	tr := &trial{text: d.rulesFile(kinds), gap: map[[2]string]prevent.Entry{}, form: forms[d.IntN(3)]}
	var err error
	if tr.file, err = rules.Load("rules.yaml", []byte(tr.text), kind.Kinds()); err != nil {
		t.Fatalf("%v\n%s", err, tr.text)
	}
	options := prevent.Options{Now: now}
	tr.set = prevent.Generate(tr.file, options)
	tr.statements = tr.set.Statements
	for _, e := range prevent.Gap(tr.file, options) {
		tr.gap[[2]string{e.Operation, string(e.Rule)}] = e
	}
	tr.docs, err = Generated(tr.set, tr.form)
	if tr.form == prevent.Boundary && err != nil {
		tr.form = prevent.SCP // too large
		tr.docs, err = Generated(tr.set, tr.form)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range keyedOperations() {
		for range each {
			a := d.ask(tr.file, op, len(tr.try))
			index := resolve.New()
			for _, b := range d.before(tr.file, a) {
				o, err := b.Observe()
				if err != nil {
					t.Fatal(err)
				}
				index.Add(o)
			}
			o, err := a.Observe()
			if err != nil {
				t.Fatal(err)
			}
			index.Add(o)
			tr.try = append(tr.try, &try{ask: a, observed: o, judgement: audit.Judge(index, o, tr.file, now).Judgement})
		}
	}
	return tr
}

// run evaluates the requests of a trial by its policies.
func (tr *trial) run(t testing.TB, sim *iamsim.Simulator) {
	t.Helper()
	tr.evaluate(t, sim, tr.docs, tr.try)
}

// quick evaluates the requests by the statements that name their operation, which
// takes a fraction of the time.
func (tr *trial) quick(t testing.TB, sim *iamsim.Simulator) {
	t.Helper()
	of := map[string][]*try{}
	for _, x := range tr.try {
		of[x.ask.Operation] = append(of[x.ask.Operation], x)
	}
	for operation, some := range of {
		a := Attached{Form: prevent.SCP}
		if tr.form == prevent.IAM {
			a.Form = prevent.IAM
		}
		d := prevent.Document{Version: "2012-10-17"}
		for _, s := range tr.statements {
			if slices.ContainsFunc(s.Action, func(pattern string) bool { ok, _ := path.Match(pattern, "sagemaker:"+operation); return ok }) {
				d.Statement = append(d.Statement, s)
			}
		}
		if len(d.Statement) > 0 {
			a.Policies = []json.RawMessage{json.RawMessage(d.Text())}
		}
		tr.evaluate(t, sim, a, some)
	}
}

func (tr *trial) evaluate(t testing.TB, sim *iamsim.Simulator, a Attached, some []*try) {
	t.Helper()
	calls := make([]*kind.Observation, 0, len(some))
	for _, x := range some {
		calls = append(calls, x.observed)
	}
	outcomes, err := Evaluate(t.Context(), sim, a, calls, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		some[i].outcome = o
	}
}

// wrong are the ways in which the policies are not as the rules and the gap say.
func (tr *trial) wrong() (out []string) {
	for _, x := range tr.try {
		for _, w := range tr.wrongWith(x) {
			out = append(out, fmt.Sprintf("%s: %s\n%s", x.ask.Operation, w, tr.show(x)))
		}
	}
	return out
}

func (tr *trial) show(x *try) string {
	doc, _ := json.Marshal(x.ask.Doc())
	var results []string
	for _, r := range x.judgement.Results {
		results = append(results, fmt.Sprintf("%s %s (%s)", r.Rule, r.Result, r.Message))
	}
	return fmt.Sprintf("  as %s%s in %s %s: %s\n  %s %s: %s\n  %s by %v %s\n", x.ask.Role, x.ask.Actor, x.ask.Account, x.ask.Region, doc,
		x.judgement.Compliance, x.judgement.Verdict.Class, strings.Join(results, "; "), x.outcome.Answer, x.outcome.By, x.outcome.Why)
}

func (tr *trial) wrongWith(x *try) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if x.outcome.Answer == NotEvaluated {
		say("not evaluated")
		return out
	}
	result := map[rules.ID]rules.Result{}
	for _, r := range x.judgement.Results {
		result[r.Rule] = r
	}
	unsure := x.judgement.Verdict.Class == verdict.Unknown
	by := map[rules.ID]bool{}
	for _, sid := range x.outcome.By {
		i := slices.IndexFunc(tr.set.Statements, func(s prevent.Statement) bool { return s.Sid == sid })
		if i < 0 {
			say("denied by %s, which is no statement", sid)
			continue
		}
		justified := unsure
		for _, id := range tr.set.Statements[i].Rules {
			by[id] = true
			for _, same := range []rules.ID{id, sameFault[id]} {
				r := result[same]
				justified = justified || r.Result == rules.Failed || r.Result == rules.Warning
			}
		}
		if !justified {
			say("%s denies, and no rule of it fails", sid)
		}
	}
	if x.judgement.Compliance == rules.Passed && x.outcome.Answer != Allowed {
		say("passes, and is %s", x.outcome.Answer)
	}
	for id, r := range result {
		if r.Result != rules.Failed {
			continue
		}
		// An allow-list denies what is malformed.
		denied := x.outcome.Answer == Denied && (by[id] || by[sameFault[id]] || id == rules.WellFormed && (by[rules.SubnetAllowed] || by[rules.SecurityGroupAllowed]))
		e, ok := tr.gap[[2]string{x.ask.Operation, string(id)}]
		switch {
		case !ok:
			say("fails %s, and the gap does not know it", id)
		case e.Status == prevent.Denied && !denied:
			say("fails %s, which is said to be denied", id)
		case e.Status == prevent.Detected && by[id]:
			say("is denied by %s, which is said to be only detected", id)
		case e.Status == prevent.Partly && !denied && !slices.ContainsFunc(e.Slips, func(s prevent.Slip) bool { return tr.slips(x, r, s.ID) }):
			say("fails %s, and slips through in no way that is said: %v", id, e.Slips)
		}
	}
	return out
}

// sameFault: a call without a VPC fails one of the two.
var sameFault = map[rules.ID]rules.ID{rules.VPCRequired: rules.NoOwnInternet, rules.NoOwnInternet: rules.VPCRequired}

var inRequest = regexp.MustCompile(`^requestParameters`)

// slips says whether a request that fails a rule is one that a slip is about.
func (tr *trial) slips(x *try, r rules.Result, slip string) bool {
	a := x.ask
	any := func(is func(Network) bool) bool { return slices.ContainsFunc(a.Parts, is) }
	switch slip {
	case prevent.SlipModel:
		return any(func(n Network) bool { return n.Model != "" && !n.Serverless })
	case prevent.SlipOwn:
		return a.Own.Subnets == nil && any(func(n Network) bool { return n.Model == "" })
	case prevent.SlipDefinition:
		return a.Definition != ""
	case prevent.SlipInline:
		return a.Definition == "" && a.Own.Subnets == nil
	case prevent.SlipSeveral:
		return len(a.Parts) > 1
	case prevent.SlipOverride:
		return len(a.Parts) > 0 && x.outcome.Answer == Depends
	case prevent.SlipUnchanged:
		switch r.Rule {
		case rules.VPCRequired, rules.NoOwnInternet, rules.NoBridge:
			return a.Direct != On || a.Own.Subnets == nil
		case rules.InteractiveAccess:
			return a.Enter != On
		default:
			return !inRequest.MatchString(r.Path)
		}
	case prevent.SlipSpaceGroups:
		return a.SpaceGroups != nil
	case prevent.SlipDomainGroups:
		return !inRequest.MatchString(r.Path)
	case prevent.SlipTwoVPCs:
		return strings.Contains(r.Message, " is in vpc-")
	case prevent.SlipUnsayable:
		return true
	}
	return false
}

// TestPoliciesDoWhatTheRulesSay: for generated rules files and requests of every
// operation that a key can deny, the generated policies, as iam-simulate evaluates
// them, deny what fails and allow what passes; what they do not deny the gap report
// says. Which of the contexts AWS makes is not documented, so it holds for each.
func TestPoliciesDoWhatTheRulesSay(t *testing.T) {
	sim := simulator.Start(t)
	denied, allowed, slipped := 0, 0, 0
	for n := range chaos.N(200, 1000) {
		d := draw{rand.New(rand.NewPCG(20, uint64(n))), chaos.N(3, 4)}
		tr := newTrial(t, d, chaos.N(1, 3))
		if n%chaos.N(10, 1) == 0 {
			tr.run(t, sim)
		} else {
			tr.quick(t, sim)
		}
		for _, w := range tr.wrong() {
			t.Errorf("rules file %d (%s): %s", n, tr.form, w)
		}
		if t.Failed() {
			t.Fatalf("%s\n%s", tr.text, tr.docs.Policies)
		}
		for _, x := range tr.try {
			switch {
			case x.outcome.Answer == Denied:
				denied++
			case x.judgement.Compliance == rules.Failed:
				slipped++
			default:
				allowed++
			}
		}
	}
	t.Logf("%d denied, %d failed and not denied, %d allowed", denied, slipped, allowed)
}
