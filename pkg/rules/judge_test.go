package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var today = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	unk = posture.Unknown
	no  = posture.No
	yes = posture.Yes
	na  = posture.NotApplicable
)

// container is a posture with the paths of a training job's record.
func container(isolation, vpc posture.Fact) posture.Posture {
	p := posture.Posture{
		Family: posture.Container, Isolation: isolation, VPC: vpc,
		DirectInternet: na, Attached: na, Encrypted: na, Workers: na,
		Where: posture.Where{VPC: "vpc", Isolation: "isolation", Encrypted: "encrypted"},
	}
	if vpc == yes {
		p.Subnets = ids("subnet-1")
		p.SecurityGroups = ids("sg-1")
	}
	return p
}

func ids(values ...string) posture.IDs {
	var l posture.IDs
	for i, v := range values {
		l.List = append(l.List, posture.ID{Value: v, Path: fmt.Sprintf("list[%d]", i)})
	}
	return l
}

func studio(vpc, direct posture.Fact) posture.Posture {
	p := container(na, vpc)
	p.Family, p.DirectInternet, p.Where.DirectInternet = posture.Studio, direct, "direct"
	return p
}

func notebook(vpc, direct posture.Fact) posture.Posture {
	p := studio(vpc, direct)
	p.Family = posture.Notebook
	return p
}

func cluster(vpc, attached posture.Fact) posture.Posture {
	p := container(na, vpc)
	p.Family, p.Attached = posture.Cluster, attached
	return p
}

func noCode() posture.Posture {
	return posture.Posture{Family: posture.NoCode, Isolation: na, VPC: na, DirectInternet: na, Attached: na, Encrypted: na, Workers: na}
}

func subject(postures ...posture.Posture) *Subject {
	s := &Subject{
		Kind: kind.TrainingJob, Name: "fraud-7", ARN: "arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7",
		Account: "111122223333", Region: "eu-west-1", Principal: "arn:aws:iam::111122223333:role/ds", TagsKnown: true,
	}
	for i, p := range postures {
		part := kind.Part{Kind: kind.TrainingJob, Posture: p}
		if len(postures) > 1 {
			part.Name = fmt.Sprintf("part %d", i)
		}
		s.Parts = append(s.Parts, part)
	}
	return s
}

func with(ids ...ID) *File {
	f := Default()
	for _, id := range ids {
		f.Rules[id] = Setting{On: true}
	}
	return f
}

// line writes a judgement on one line: compliance, severity and the results.
func line(j Judgement) string {
	out := []string{string(j.Compliance)}
	if j.Severity != "" {
		out = append(out, string(j.Severity))
	}
	for _, r := range j.Results {
		s := fmt.Sprintf("%s=%s/%s", r.Rule, r.Result, r.Severity)
		if r.Path != "" {
			s += "@" + r.Path
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestJudge(t *testing.T) {
	encrypted := func(f posture.Fact) posture.Posture { p := container(no, yes); p.Encrypted = f; return p }
	workers := func(f posture.Fact) posture.Posture {
		p := noCode()
		p.Workers, p.Where.Workers = f, "cidrs"
		return p
	}
	access := func(f posture.Fact, ways ...posture.Way) posture.Posture {
		p := container(no, yes)
		for _, w := range ways {
			p.Access = append(p.Access, posture.Access{Way: w, State: f, Path: string(w)})
		}
		return p
	}
	subnets := func(l posture.IDs) posture.Posture { p := container(no, yes); p.Subnets = l; return p }
	groups := func(l posture.IDs) posture.Posture { p := container(no, yes); p.SecurityGroups = l; return p }
	vpcOf := func(p posture.Posture, vpc string) posture.Posture {
		p.VPCID = posture.ID{Value: vpc, Path: "vpcId"}
		return p
	}
	allow := func(f *File) *File {
		f.Rules[SubnetAllowed], f.Rules[SecurityGroupAllowed] = Setting{On: true}, Setting{On: true}
		f.Allow = []Allow{
			{Accounts: []string{"111122223333"}, VPC: "vpc-1", Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1"}},
			{Accounts: []string{"444455556666"}, VPC: "vpc-4", Subnets: []string{"subnet-4"}, SecurityGroups: []string{"sg-4"}},
			{Accounts: []string{"*"}, Kinds: []string{"processing-job"}, Subnets: []string{"subnet-9"}},
		}
		return f
	}
	off := func(ids ...ID) *File {
		f := Default()
		for _, id := range ids {
			f.Rules[id] = Setting{}
		}
		return f
	}
	reason := func(p posture.Posture) posture.Posture {
		p.Reasons = []posture.Reason{{Path: "model", Why: "the model is not in the input", Look: "DescribeModel m"}}
		return p
	}

	for name, c := range map[string]struct {
		file *File
		p    posture.Posture
		want string
	}{
		// What the rules say by default, for every class.
		"a by our VPC":           {Default(), container(yes, yes), "PASSED"},
		"a by the service":       {Default(), container(yes, no), "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc"},
		"a, VPC unknown":         {Default(), container(yes, unk), "WARNING INFORMATIONAL vpc-required=WARNING/INFORMATIONAL@vpc"},
		"b-vpc":                  {Default(), container(no, yes), "PASSED"},
		"b-vpc, no switch":       {Default(), container(na, yes), "PASSED"},
		"b-internet":             {Default(), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"b-internet, no switch":  {Default(), container(na, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"isolation unknown, VPC": {Default(), container(unk, yes), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"isolation unknown, none": {
			Default(), container(unk, no),
			"FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc assessable=WARNING/INFORMATIONAL@vpc",
		},
		"nothing known":              {Default(), posture.Posture{}, "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL"},
		"container, nothing known":   {Default(), container(unk, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"container, VPC unknown":     {Default(), container(no, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"notebook a bridge":          {Default(), notebook(yes, yes), "FAILED CRITICAL no-bridge=FAILED/CRITICAL@direct"},
		"notebook, own Internet":     {Default(), notebook(no, yes), "FAILED HIGH no-own-internet=FAILED/HIGH@direct"},
		"notebook, VPC only":         {Default(), notebook(yes, no), "PASSED"},
		"notebook, refused":          {Default(), notebook(no, no), "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc assessable=WARNING/INFORMATIONAL@vpc"},
		"notebook, direct unknown":   {Default(), notebook(yes, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@direct"},
		"notebook, VPC unknown, on":  {Default(), notebook(unk, yes), "FAILED HIGH no-own-internet=FAILED/HIGH@direct assessable=WARNING/INFORMATIONAL@direct"},
		"notebook, none, unknown":    {Default(), notebook(no, unk), "FAILED HIGH no-own-internet=FAILED/HIGH@direct assessable=WARNING/INFORMATIONAL@direct"},
		"notebook, VPC unknown, off": {Default(), notebook(unk, no), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"domain, efs-only":           {Default(), studio(yes, yes), "FAILED HIGH no-bridge=FAILED/HIGH@direct"},
		"domain, own Internet":       {Default(), studio(no, yes), "FAILED HIGH no-own-internet=FAILED/HIGH@direct"},
		"domain, VpcOnly":            {Default(), studio(yes, no), "PASSED"},
		"domain, mode unknown":       {Default(), studio(yes, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@direct"},
		"cluster, Slurm":             {Default(), cluster(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"cluster, attached":          {Default(), cluster(no, yes), "FAILED CRITICAL vpc-required=FAILED/MEDIUM@vpc no-bridge=FAILED/CRITICAL@vpc"},
		"cluster, VPC":               {Default(), cluster(yes, yes), "PASSED"},
		"cluster, attached?":         {Default(), cluster(no, unk), "FAILED HIGH vpc-required=FAILED/MEDIUM@vpc no-own-internet=FAILED/HIGH@vpc assessable=WARNING/INFORMATIONAL@vpc"},
		"n/a":                        {Default(), noCode(), "NOT_AVAILABLE"},
		"with a reason":              {Default(), reason(container(unk, unk)), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@model"},

		// Rules that are off.
		"own Internet allowed":    {off(NoOwnInternet), container(no, no), "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc"},
		"VPC not required":        {off(VPCRequired), container(yes, no), "PASSED"},
		"VPC not required, open":  {off(VPCRequired), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"bridge allowed":          {off(NoBridge), notebook(yes, yes), "PASSED"},
		"no rule about the class": {off(VPCRequired, NoOwnInternet, NoBridge), container(no, no), "NOT_AVAILABLE"},
		"unknown without them":    {off(VPCRequired, NoOwnInternet, NoBridge), container(unk, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},

		"unknown is no pass, ever": {off(Assessable), container(unk, unk), "WARNING INFORMATIONAL vpc-required=WARNING/INFORMATIONAL@vpc no-own-internet=WARNING/INFORMATIONAL@vpc"},

		// well-formed.
		"empty subnet":         {Default(), subnets(ids("subnet-1", "")), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[1]"},
		"group as subnet":      {Default(), subnets(ids("subnet-1", "sg-1")), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[1]"},
		"subnet as group":      {Default(), groups(ids("subnet-1")), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[0]"},
		"empty group":          {Default(), groups(ids("")), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[0]"},
		"malformed, off":       {off(WellFormed), subnets(ids("")), "PASSED"},
		"malformed and open":   {Default(), func() posture.Posture { p := container(no, no); p.Subnets = ids(""); return p }(), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc well-formed=FAILED/MEDIUM@list[0]"},
		"two VPCs":             {allow(Default()), subnets(ids("subnet-1", "subnet-4")), "FAILED HIGH well-formed=FAILED/MEDIUM@list[1] subnet-allowed=FAILED/HIGH@list[1]"},
		"the domain's VPC":     {allow(Default()), vpcOf(subnets(ids("subnet-1")), "vpc-1"), "PASSED"},
		"another VPC":          {allow(Default()), vpcOf(subnets(ids("subnet-1")), "vpc-2"), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[0]"},
		"a VPC of nobody":      {allow(with()), vpcOf(func() posture.Posture { p := subnets(ids("subnet-2")); return p }(), ""), "PASSED"},
		"workforce, malformed": {Default(), func() posture.Posture { p := noCode(); p.Subnets = ids(""); return p }(), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[0]"},

		// Allow-lists.
		"allowed":                   {allow(Default()), container(no, yes), "PASSED"},
		"two allowed":               {allow(Default()), subnets(ids("subnet-2", "subnet-1")), "PASSED"},
		"subnet not allowed":        {allow(Default()), subnets(ids("subnet-1", "subnet-3")), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[1]"},
		"another account's subnet":  {allow(Default()), subnets(ids("subnet-4")), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"},
		"another kind's subnet":     {allow(Default()), subnets(ids("subnet-9")), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"},
		"group not allowed":         {allow(Default()), groups(ids("sg-4")), "FAILED MEDIUM security-group-allowed=FAILED/MEDIUM@list[0]"},
		"no group named":            {allow(Default()), groups(posture.IDs{}), "WARNING INFORMATIONAL security-group-allowed=WARNING/INFORMATIONAL@vpc"},
		"subnets unknown":           {allow(Default()), subnets(posture.IDs{Unknown: true}), "WARNING INFORMATIONAL subnet-allowed=WARNING/INFORMATIONAL@vpc"},
		"one known, allowed":        {allow(Default()), subnets(posture.IDs{List: ids("subnet-1").List, Unknown: true}), "WARNING INFORMATIONAL subnet-allowed=WARNING/INFORMATIONAL@vpc"},
		"one known, not allowed":    {allow(Default()), subnets(posture.IDs{List: ids("subnet-3").List, Unknown: true}), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"},
		"no VPC, nothing to allow":  {allow(Default()), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"VPC unknown, which subnet": {allow(Default()), container(yes, unk), "WARNING INFORMATIONAL vpc-required=WARNING/INFORMATIONAL@vpc subnet-allowed=WARNING/INFORMATIONAL@vpc security-group-allowed=WARNING/INFORMATIONAL@vpc"},
		"empty ids are malformed":   {allow(Default()), subnets(ids("", "subnet-1")), "FAILED MEDIUM well-formed=FAILED/MEDIUM@list[0]"},

		"not allowed after empty": {allow(off(WellFormed)), subnets(ids("", "subnet-3")), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[1]"},
		"nothing but the list":    {allow(off(VPCRequired, NoOwnInternet, NoBridge)), container(no, no), "NOT_AVAILABLE"},
		"a VPC nobody told first": {allow(off(SubnetAllowed)), subnets(ids("subnet-3", "subnet-1", "subnet-2", "subnet-4")), "FAILED HIGH well-formed=FAILED/MEDIUM@list[3] subnet-allowed=FAILED/HIGH@list[0]"},

		// The rules about one switch each.
		"isolation required, on":      {with(IsolationRequired), container(yes, yes), "PASSED"},
		"isolation required, off":     {with(IsolationRequired), container(no, yes), "FAILED MEDIUM isolation-required=FAILED/MEDIUM@isolation"},
		"isolation required, unknown": {with(IsolationRequired), container(unk, yes), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc isolation-required=WARNING/INFORMATIONAL@isolation"},
		"isolation required, none":    {with(IsolationRequired), container(na, yes), "PASSED"},
		"encrypted":                   {with(EncryptedBetweenContainers), encrypted(yes), "PASSED"},
		"not encrypted":               {with(EncryptedBetweenContainers), encrypted(no), "FAILED LOW encrypted-between-containers=FAILED/LOW@encrypted"},
		"encrypted?":                  {with(EncryptedBetweenContainers), encrypted(unk), "WARNING INFORMATIONAL encrypted-between-containers=WARNING/INFORMATIONAL@encrypted"},
		"no encryption switch":        {with(EncryptedBetweenContainers), encrypted(na), "PASSED"},
		"not encrypted, rule off":     {Default(), encrypted(no), "PASSED"},
		"workers kept out":            {with(WorkerIngress), workers(yes), "PASSED"},
		"workers from anywhere":       {with(WorkerIngress), workers(no), "FAILED MEDIUM worker-ingress=FAILED/MEDIUM@cidrs"},
		"workers from where?":         {with(WorkerIngress), workers(unk), "WARNING INFORMATIONAL worker-ingress=WARNING/INFORMATIONAL@cidrs"},
		"no workers":                  {with(WorkerIngress), workers(na), "NOT_AVAILABLE"},
		"workers, rule off":           {Default(), workers(no), "NOT_AVAILABLE"},
		"access on":                   {with(InteractiveAccess), access(yes, posture.RemoteDebug), "FAILED MEDIUM interactive-access=FAILED/MEDIUM@remote-debug"},
		"access off":                  {with(InteractiveAccess), access(no, posture.RemoteDebug), "PASSED"},
		"access?":                     {with(InteractiveAccess), access(unk, posture.SSMAccess), "WARNING INFORMATIONAL interactive-access=WARNING/INFORMATIONAL@ssm-access"},
		"access n/a":                  {with(InteractiveAccess), access(na, posture.SSMAccess), "PASSED"},
		"one of two ways on": {
			with(InteractiveAccess),
			func() posture.Posture {
				p := access(unk, posture.SSMAccess)
				p.Access = append(p.Access, posture.Access{Way: posture.DockerAccess, State: yes, Path: "docker"}, posture.Access{Way: posture.RemoteAccess, State: no})
				return p
			}(),
			"FAILED MEDIUM interactive-access=FAILED/MEDIUM@docker",
		},

		"off after unknown": {
			with(InteractiveAccess),
			func() posture.Posture {
				p := access(unk, posture.SSMAccess)
				p.Access = append(p.Access, posture.Access{Way: posture.DockerAccess, State: no})
				return p
			}(),
			"WARNING INFORMATIONAL interactive-access=WARNING/INFORMATIONAL@ssm-access",
		},
		"the first of two ways on": {with(InteractiveAccess), access(yes, posture.RemoteDebug, posture.SSMAccess), "FAILED MEDIUM interactive-access=FAILED/MEDIUM@remote-debug"},

		// Not assessed yet.
		"central egress":          {with(CentralEgress), container(no, yes), "WARNING INFORMATIONAL central-egress=WARNING/INFORMATIONAL@vpc"},
		"central egress, no VPC":  {with(CentralEgress), container(yes, no), "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc"},
		"central egress, unknown": {with(CentralEgress), container(yes, unk), "WARNING INFORMATIONAL vpc-required=WARNING/INFORMATIONAL@vpc central-egress=WARNING/INFORMATIONAL@vpc"},
		"central egress, no code": {with(CentralEgress), noCode(), "NOT_AVAILABLE"},
		"endpoints":               {with(EndpointsReachable), container(no, yes), "WARNING INFORMATIONAL endpoints-reachable=WARNING/INFORMATIONAL@vpc"},
	} {
		t.Run(name, func(t *testing.T) {
			j := c.file.Judge(subject(c.p), today)
			if got := line(j); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
			if v := verdict.Of(c.p); j.Verdict != v {
				t.Errorf("verdict %v, want %v", j.Verdict, v)
			}
			for _, r := range j.Results {
				if r.Message == "" || strings.HasSuffix(r.Message, ".") {
					t.Errorf("%s has the message %q", r.Rule, r.Message)
				}
			}
		})
	}
}

// TestNeverPasses judges every posture by the rules that are on by default: a
// pass needs a class that passes, whatever is unknown.
func TestNeverPasses(t *testing.T) {
	facts := []posture.Fact{unk, no, yes, na}
	f := Default()
	for _, family := range []posture.Family{posture.Unassessed, posture.NoCode, posture.Container, posture.Notebook, posture.Studio, posture.Cluster} {
		for _, isolation := range facts {
			for _, vpc := range facts {
				for _, direct := range facts {
					for _, attached := range facts {
						p := posture.Posture{Family: family, Isolation: isolation, VPC: vpc, DirectInternet: direct, Attached: attached}
						j := f.Judge(subject(p), today)
						v := verdict.Of(p)
						want := map[verdict.Class][]Compliance{
							verdict.A:             {Passed, Failed, Warning},
							verdict.BVPC:          {Passed},
							verdict.BInternet:     {Failed},
							verdict.C:             {Failed},
							verdict.Unknown:       {Warning, Failed},
							verdict.NotApplicable: {NotAvailable},
						}[v.Class]
						if v.Class == verdict.A {
							want = map[verdict.DataPath][]Compliance{verdict.DataPathVPC: {Passed}, verdict.DataPathService: {Failed}, verdict.DataPathUnknown: {Warning, Passed}}[v.DataPath]
							if vpc == unk {
								want = []Compliance{Warning}
							}
						}
						if family == posture.NoCode && vpc != na {
							// A posture that no row makes: whatever it is, no pass.
							want = []Compliance{NotAvailable, Failed, Warning, Passed}
						}
						if !slices.Contains(want, j.Compliance) {
							t.Errorf("%s %s/%s/%s/%s: class %s is %s, want one of %v", family, isolation, vpc, direct, attached, v.Class, j.Compliance, want)
						}
					}
				}
			}
		}
	}
}

func TestWorstPart(t *testing.T) {
	for name, c := range map[string]struct {
		parts []posture.Posture
		class verdict.Class
		want  string
	}{
		"any unknown forbids a pass":     {[]posture.Posture{container(no, yes), container(unk, unk), container(yes, yes)}, verdict.Unknown, "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"failed before unknown":          {[]posture.Posture{container(unk, unk), container(yes, no)}, verdict.A, "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc assessable=WARNING/INFORMATIONAL@vpc"},
		"severity before class":          {[]posture.Posture{studio(yes, yes), notebook(yes, yes), container(no, no)}, verdict.C, "FAILED CRITICAL no-own-internet=FAILED/HIGH@vpc no-bridge=FAILED/CRITICAL@direct"},
		"class where severity is equal":  {[]posture.Posture{container(no, no), studio(yes, yes)}, verdict.C, "FAILED HIGH no-own-internet=FAILED/HIGH@vpc no-bridge=FAILED/HIGH@direct"},
		"b-vpc before a":                 {[]posture.Posture{container(yes, yes), container(no, yes)}, verdict.BVPC, "PASSED"},
		"n/a does not count":             {[]posture.Posture{noCode(), container(yes, yes), noCode()}, verdict.A, "PASSED"},
		"n/a does not hide an unknown":   {[]posture.Posture{noCode(), container(unk, unk)}, verdict.Unknown, "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc"},
		"nothing but n/a":                {[]posture.Posture{noCode(), noCode()}, verdict.NotApplicable, "NOT_AVAILABLE"},
		"the same rule's worst severity": {[]posture.Posture{studio(yes, yes), notebook(yes, yes)}, verdict.C, "FAILED CRITICAL no-bridge=FAILED/CRITICAL@direct"},
	} {
		t.Run(name, func(t *testing.T) {
			forward := Default().Judge(subject(c.parts...), today)
			if got := line(forward); got != c.want || forward.Verdict.Class != c.class {
				t.Errorf("\ngot  %s %s\nwant %s %s", forward.Verdict.Class, got, c.class, c.want)
			}
			slices.Reverse(c.parts)
			if backward := Default().Judge(subject(c.parts...), today); line(backward) != c.want || backward.Verdict.Class != c.class {
				t.Errorf("the order of the parts matters: %s %s", backward.Verdict.Class, line(backward))
			}
		})
	}
	if j := Default().Judge(&Subject{}, today); j.Compliance != NotAvailable || j.Verdict.Class == verdict.A {
		t.Errorf("a subject without parts is %+v", j)
	}
}

// TestFirstOfEqual: of parts that are equally bad the first speaks for all.
func TestFirstOfEqual(t *testing.T) {
	a, b := container(no, no), container(no, no)
	a.Where.VPC, b.Where.VPC = "first", "second"
	j := Default().Judge(subject(a, b), today)
	if got, want := line(j), "FAILED HIGH no-own-internet=FAILED/HIGH@first"; got != want || j.Posture.Where.VPC != "first" {
		t.Errorf("got %s, posture of %s", got, j.Posture.Where.VPC)
	}
}

// TestMessages: people read these.
func TestMessages(t *testing.T) {
	look := container(unk, unk)
	look.Reasons = []posture.Reason{{Path: "model", Why: `the model "m" is not in the input`, Look: "DescribeModel m"}}
	still := container(unk, unk)
	still.Reasons = []posture.Reason{{Why: "not in this event"}}
	stray := container(no, yes)
	stray.Subnets = ids("subnet-3")
	unplaced := func(s *Subject) { s.Account = "" }
	f := with(SubnetAllowed)
	f.Allow = []Allow{{Accounts: []string{"*"}, Subnets: []string{"subnet-1"}}}
	for want, c := range map[string]struct {
		p    posture.Posture
		edit func(*Subject)
	}{
		"reaches the Internet on its own path: no VPC is configured and network isolation is off":                               {container(no, no), nil},
		"reaches the Internet on its own path: no VPC is configured":                                                            {container(na, no), nil},
		"reaches the Internet on its own path: direct Internet access is enabled":                                               {notebook(no, yes), nil},
		"reaches the Internet on its own path: direct Internet access is enabled; whether it reaches a VPC too is not known":    {notebook(unk, yes), nil},
		"reaches the Internet on its own path: the domain's network access type is PublicInternetOnly":                          {studio(no, yes), nil},
		"bridges a VPC and the Internet: direct Internet access is enabled":                                                     {notebook(yes, yes), nil},
		"bridges the Internet and a VPC, as far as its EFS file system: the domain's network access type is PublicInternetOnly": {studio(yes, yes), nil},
		"bridges a VPC and the Internet: no VPC is configured, and an interface in a VPC is attached to a node":                 {cluster(no, yes), nil},
		"no VPC is configured: artifacts move over the service's own network":                                                   {container(yes, no), nil},
		`could not be assessed: the model "m" is not in the input (look it up with DescribeModel m)`:                            {look, nil},
		"could not be assessed: not in this event":                                                                              {still, nil},
		"the recorded settings contradict each other: the API refuses them":                                                     {notebook(no, no), nil},
		"subnet subnet-3 is not in the allow-list of account 111122223333":                                                      {stray, nil},
		"subnet subnet-3 is not in the allow-list":                                                                              {stray, unplaced},
	} {
		s := subject(c.p)
		if c.edit != nil {
			c.edit(s)
		}
		var got []string
		for _, r := range f.Judge(s, today).Results {
			got = append(got, r.Message)
		}
		if !slices.Contains(got, want) {
			t.Errorf("messages are %q, want %q among them", got, want)
		}
	}
	if got := f.Judge(subject(cluster(no, no)), today).Results[0].Message; got != "reaches the Internet on its own path: no VPC is configured" {
		t.Errorf("a cluster without a VPC: %q", got)
	}
}

func TestExceptions(t *testing.T) {
	x := Exception{
		ID: "EX-1", Owner: "ml@example.com", Reason: "legacy", Expires: today.Add(time.Hour), Rules: []ID{NoOwnInternet},
		Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/ds"}},
	}
	change := func(edit func(*Exception)) Exception { y := x; edit(&y); return y }
	for name, c := range map[string]struct {
		x       Exception
		p       posture.Posture
		want    string
		applied string
	}{
		"applies":                 {x, container(no, no), "PASSED no-own-internet=EXCEPTED/HIGH@vpc", "EX-1"},
		"one second before":       {change(func(x *Exception) { x.Expires = today.Add(time.Second) }), container(no, no), "PASSED no-own-internet=EXCEPTED/HIGH@vpc", "EX-1"},
		"expired":                 {change(func(x *Exception) { x.Expires = today }), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc", ""},
		"another rule":            {change(func(x *Exception) { x.Rules = []ID{NoBridge} }), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc", ""},
		"another role":            {change(func(x *Exception) { x.Match.Roles = []string{"arn:aws:iam::111122223333:role/other"} }), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc", ""},
		"exact resource":          {change(func(x *Exception) { x.Match = Match{Resources: []string{subject().ARN}} }), container(no, no), "PASSED no-own-internet=EXCEPTED/HIGH@vpc", "EX-1"},
		"another resource":        {change(func(x *Exception) { x.Match = Match{Resources: []string{subject().ARN + "8"}} }), container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc", ""},
		"nothing to except":       {x, container(no, yes), "PASSED", ""},
		"unknown stays unknown":   {change(func(x *Exception) { x.Rules = []ID{NoOwnInternet, VPCRequired, Assessable} }), container(unk, unk), "WARNING INFORMATIONAL assessable=WARNING/INFORMATIONAL@vpc", ""},
		"an unknown it would let": {change(func(x *Exception) { x.Rules = []ID{VPCRequired} }), container(yes, unk), "PASSED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := Default()
			f.Exceptions = []Exception{c.x}
			j := f.Judge(subject(c.p), today)
			if got := line(j); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
			applied := ""
			if j.Exception != nil {
				applied = j.Exception.ID
			}
			if applied != c.applied {
				t.Errorf("exception %q applied, want %q", applied, c.applied)
			}
			for _, r := range j.Results {
				if (r.Result == Excepted) != (r.Exception == "EX-1") {
					t.Errorf("%s is %s by exception %q", r.Rule, r.Result, r.Exception)
				}
			}
		})
	}
	t.Run("what the record does not tell makes no exception", func(t *testing.T) {
		f := Default()
		f.Exceptions = []Exception{x}
		s := subject(container(no, no))
		s.Principal = ""
		if got := line(f.Judge(s, today)); got != "FAILED HIGH no-own-internet=FAILED/HIGH@vpc" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("the first that applies shows", func(t *testing.T) {
		f := with(IsolationRequired)
		f.Exceptions = []Exception{change(func(x *Exception) { x.ID, x.Rules = "EX-0", []ID{NoBridge} }), x, change(func(x *Exception) { x.ID, x.Rules = "EX-2", []ID{NoOwnInternet, IsolationRequired} })}
		j := f.Judge(subject(container(no, no)), today)
		if got := line(j); got != "PASSED no-own-internet=EXCEPTED/HIGH@vpc isolation-required=EXCEPTED/MEDIUM@isolation" || j.Exception.ID != "EX-1" {
			t.Errorf("got %s by %s", got, j.Exception.ID)
		}
		if j.Results[1].Exception != "EX-2" {
			t.Errorf("isolation-required is excepted by %s", j.Results[1].Exception)
		}
	})
	t.Run("a part that is not excepted still fails", func(t *testing.T) {
		f := Default()
		f.Exceptions = []Exception{x}
		s := subject(container(no, no), notebook(yes, yes))
		if got := line(f.Judge(s, today)); got != "FAILED CRITICAL no-own-internet=EXCEPTED/HIGH@vpc no-bridge=FAILED/CRITICAL@direct" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("expired", func(t *testing.T) {
		f := Default()
		f.Exceptions = []Exception{x, change(func(x *Exception) { x.ID, x.Expires = "EX-9", today }), change(func(x *Exception) { x.ID, x.Expires = "EX-8", today.Add(-time.Hour) })}
		var got []string
		for _, e := range f.Expired(today) {
			got = append(got, e.ID)
		}
		if !slices.Equal(got, []string{"EX-9", "EX-8"}) {
			t.Errorf("expired are %v", got)
		}
	})
}

func TestOverrides(t *testing.T) {
	on, off := Settings{IsolationRequired: {On: true}}, Settings{NoOwnInternet: {}}
	failsIsolation := "FAILED MEDIUM isolation-required=FAILED/MEDIUM@isolation"
	unsure := "WARNING INFORMATIONAL isolation-required=WARNING/INFORMATIONAL@isolation"
	for name, c := range map[string]struct {
		overrides []Override
		edit      func(*Subject)
		p         posture.Posture
		want      string
	}{
		"by kind":               {[]Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: on}}, nil, container(no, yes), failsIsolation},
		"by another kind":       {[]Override{{Match: Match{Kinds: []string{"model"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"by account":            {[]Override{{Match: Match{Accounts: []string{"111122223333"}}, Rules: on}}, nil, container(no, yes), failsIsolation},
		"by another account":    {[]Override{{Match: Match{Accounts: []string{"444455556666"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"by no known account":   {[]Override{{Match: Match{Accounts: []string{"111122223333"}}, Rules: on}}, func(s *Subject) { s.Account = "" }, container(no, yes), unsure},
		"by any account":        {[]Override{{Match: Match{Accounts: []string{"*"}}, Rules: on}}, func(s *Subject) { s.Account = "" }, container(no, yes), failsIsolation},
		"by Region":             {[]Override{{Match: Match{Regions: []string{"eu-west-1"}}, Rules: on}}, nil, container(no, yes), failsIsolation},
		"by another Region":     {[]Override{{Match: Match{Regions: []string{"us-east-1"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"by name":               {[]Override{{Match: Match{Names: []string{"x", "fraud-?"}}, Rules: on}}, nil, container(no, yes), failsIsolation},
		"by another name":       {[]Override{{Match: Match{Names: []string{"fraud"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"by no known name":      {[]Override{{Match: Match{Names: []string{"*"}}, Rules: on}}, func(s *Subject) { s.Name = "" }, container(no, yes), unsure},
		"by tag":                {[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}}, func(s *Subject) { s.Tags = map[string]string{"env": "prod"} }, container(no, yes), failsIsolation},
		"by another value":      {[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}}, func(s *Subject) { s.Tags = map[string]string{"env": "dev"}; s.TagsKnown = false }, container(no, yes), "PASSED"},
		"by no such tag":        {[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"by unknown tags":       {[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}}, func(s *Subject) { s.TagsKnown = false }, container(no, yes), unsure},
		"unknown, all the same": {[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}}, func(s *Subject) { s.TagsKnown = false }, container(yes, yes), "PASSED"},
		"by role, looser":       {[]Override{{Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/ds"}}, Rules: off}}, nil, container(no, no), "FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc"},
		"by another role":       {[]Override{{Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/x"}}, Rules: off}}, nil, container(no, no), "FAILED HIGH no-own-internet=FAILED/HIGH@vpc"},
		"by no known role": {
			[]Override{{Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/ds"}}, Rules: off}},
			func(s *Subject) { s.Principal = "" }, container(no, no),
			"FAILED MEDIUM vpc-required=FAILED/MEDIUM@vpc no-own-internet=WARNING/INFORMATIONAL@vpc",
		},
		"by a role without its path": {[]Override{{Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/team/ds"}}, Rules: on}}, nil, container(no, yes), unsure},
		"by another role's path":     {[]Override{{Match: Match{Roles: []string{"arn:aws:iam::111122223333:role/team/dsx", "arn:aws:iam::444455556666:role/team/ds"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"two fields must both fit":   {[]Override{{Match: Match{Kinds: []string{"training-job"}, Accounts: []string{"444455556666"}}, Rules: on}}, nil, container(no, yes), "PASSED"},
		"no beats unknown":           {[]Override{{Match: Match{Kinds: []string{"model"}, Roles: []string{"r"}}, Rules: on}}, func(s *Subject) { s.Principal = "" }, container(no, yes), "PASSED"},
		"unknown beats yes":          {[]Override{{Match: Match{Kinds: []string{"training-job"}, Roles: []string{"r"}}, Rules: on}}, func(s *Subject) { s.Principal = "" }, container(no, yes), unsure},
		"the later wins": {
			[]Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: on}, {Match: Match{Accounts: []string{"111122223333"}}, Rules: Settings{IsolationRequired: {}}}}, nil, container(no, yes), "PASSED",
		},
		"a certain one ends a doubt": {
			[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}, {Match: Match{Kinds: []string{"training-job"}}, Rules: on}}, func(s *Subject) { s.TagsKnown = false }, container(no, yes), failsIsolation,
		},
		"doubts that could end in a fault": {
			[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}, {Match: Match{Roles: []string{"r"}}, Rules: Settings{IsolationRequired: {}}}},
			func(s *Subject) { s.TagsKnown, s.Principal = false, "" }, container(no, yes), unsure,
		},
		"doubts that differ": {
			[]Override{{Match: Match{Roles: []string{"r"}}, Rules: Settings{IsolationRequired: {}}}, {Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: on}},
			func(s *Subject) { s.TagsKnown, s.Principal = false, "" }, container(no, yes), unsure,
		},
		"not about the rule": {[]Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: off}, {Match: Match{Kinds: []string{"training-job"}}, Rules: on}}, nil, container(no, yes), failsIsolation},
		"all of many tags": {
			[]Override{{Match: Match{Tags: map[string]string{"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1", "g": "1", "h": "2"}}, Rules: on}},
			func(s *Subject) {
				s.Tags = map[string]string{"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1", "g": "1", "h": "1"}
			}, container(no, yes), "PASSED",
		},
		"a doubt about a rule that passes": {
			[]Override{{Match: Match{Tags: map[string]string{"env": "prod"}}, Rules: Settings{WorkerIngress: {On: true}}}},
			func(s *Subject) { s.TagsKnown = false },
			func() posture.Posture { p := noCode(); p.Workers = yes; return p }(), "PASSED",
		},
		"another way in": {
			[]Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: Settings{InteractiveAccess: {On: true, Ways: []posture.Way{posture.SSMAccess}}}}},
			nil,
			func() posture.Posture {
				p := container(no, yes)
				p.Access = []posture.Access{{Way: posture.RemoteDebug, State: yes, Path: "debug"}, {Way: posture.SSMAccess, State: yes, Path: "ssm"}}
				return p
			}(), "FAILED MEDIUM interactive-access=FAILED/MEDIUM@ssm",
		},
		"a way in": {
			[]Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: Settings{InteractiveAccess: {On: true, Ways: []posture.Way{posture.SSMAccess}}}}},
			nil,
			func() posture.Posture {
				p := container(no, yes)
				p.Access = []posture.Access{{Way: posture.RemoteDebug, State: yes, Path: "debug"}, {Way: posture.SSMAccess, State: no, Path: "ssm"}}
				return p
			}(), "PASSED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := Default()
			f.Overrides = c.overrides
			s := subject(c.p)
			if c.edit != nil {
				c.edit(s)
			}
			if got := line(f.Judge(s, today)); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestPipelineSteps: a step is of the kind that it starts, too; a definition of
// a tuning job is not.
func TestPipelineSteps(t *testing.T) {
	f := Default()
	f.Overrides = []Override{{Match: Match{Kinds: []string{"training-job"}}, Rules: Settings{NoOwnInternet: {}, VPCRequired: {}}}}
	for k, want := range map[kind.Kind]string{
		kind.Pipeline:                "NOT_AVAILABLE",
		kind.PipelineExecution:       "NOT_AVAILABLE",
		kind.HyperParameterTuningJob: "FAILED HIGH no-own-internet=FAILED/HIGH@vpc",
	} {
		s := subject(container(no, no))
		s.Kind = k
		got := line(f.Judge(s, today))
		if want == "NOT_AVAILABLE" {
			// no-bridge is still on, and passes.
			want = "PASSED"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", k, got, want)
		}
	}
}

func TestNarrow(t *testing.T) {
	base := func() *File {
		f := with(SubnetAllowed, SecurityGroupAllowed)
		f.Allow = []Allow{{Accounts: []string{"*"}, Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1", "sg-2"}}}
		return f
	}
	narrow := func(m Match, subnets, groups []string) Override {
		return Override{Match: m, Allow: &Narrow{Subnets: subnets, SecurityGroups: groups}}
	}
	prod := Match{Tags: map[string]string{"env": "prod"}}
	for name, c := range map[string]struct {
		o    Override
		edit func(*Subject)
		want string
	}{
		"narrowed":                 {narrow(Match{Kinds: []string{"training-job"}}, []string{"subnet-2"}, nil), nil, "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"},
		"narrowed to it":           {narrow(Match{Kinds: []string{"training-job"}}, []string{"subnet-1"}, []string{"sg-1"}), nil, "PASSED"},
		"groups narrowed":          {narrow(Match{Kinds: []string{"training-job"}}, nil, []string{"sg-2"}), nil, "FAILED MEDIUM security-group-allowed=FAILED/MEDIUM@list[0]"},
		"narrowed for another":     {narrow(Match{Kinds: []string{"model"}}, []string{"subnet-2"}, nil), nil, "PASSED"},
		"perhaps narrowed":         {narrow(prod, []string{"subnet-2"}, nil), func(s *Subject) { s.TagsKnown = false }, "WARNING INFORMATIONAL subnet-allowed=WARNING/INFORMATIONAL@list"},
		"narrowing does not widen": {narrow(Match{Kinds: []string{"training-job"}}, []string{"subnet-1", "subnet-3"}, nil), func(s *Subject) { s.Parts[0].Posture.Subnets = ids("subnet-3") }, "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := base()
			f.Overrides = []Override{c.o}
			s := subject(container(no, yes))
			if c.edit != nil {
				c.edit(s)
			}
			if got := line(f.Judge(s, today)); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("two overrides", func(t *testing.T) {
		f := base()
		f.Overrides = []Override{
			{Match: Match{Kinds: []string{"training-job"}}, Rules: Settings{NoBridge: {On: true}}},
			narrow(Match{Kinds: []string{"training-job"}}, []string{"subnet-2"}, nil),
		}
		if got, want := line(f.Judge(subject(container(no, yes)), today)), "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0]"; got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
	})
	t.Run("two lists", func(t *testing.T) {
		f := base()
		f.Allow = []Allow{{Accounts: []string{"*"}, Subnets: []string{"subnet-9"}}, f.Allow[0], {Accounts: []string{"111122223333"}, Subnets: []string{"subnet-1"}}}
		s := subject(container(no, yes))
		s.Account = ""
		if got := line(f.Judge(s, today)); got != "PASSED" {
			t.Errorf("allowed everywhere and in one account, it is %s", got)
		}
	})
	t.Run("account not told", func(t *testing.T) {
		f := base()
		f.Allow[0].Accounts = []string{"111122223333"}
		s := subject(container(no, yes))
		s.Account = ""
		want := "WARNING INFORMATIONAL subnet-allowed=WARNING/INFORMATIONAL@list security-group-allowed=WARNING/INFORMATIONAL@list"
		if got := line(f.Judge(s, today)); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
		s.Parts[0].Posture.Subnets = ids("subnet-3")
		want = "FAILED HIGH subnet-allowed=FAILED/HIGH@list[0] security-group-allowed=WARNING/INFORMATIONAL@list"
		if got := line(f.Judge(s, today)); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
	})
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything/at all", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"?", "", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"**", "x", true},
		{"ab", "abc", false},
		{"abc", "ab", false},
		{"[a]", "a", false},
		{"a.c", "abc", false},
		{"*ab", "aab", true},
		{"*?b", "ab", true},
		{"a*?", "a", false},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("glob(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

func TestSeverity(t *testing.T) {
	all := Severities()
	if want := []Severity{Critical, High, Medium, Low, Informational}; !slices.Equal(all, want) {
		t.Fatalf("Severities() = %v", all)
	}
	for i, s := range all {
		for j, o := range all {
			if got := s.AtLeast(o); got != (i <= j) {
				t.Errorf("%s.AtLeast(%s) = %v", s, o, got)
			}
		}
		if Severity("").AtLeast(s) || !s.AtLeast("") {
			t.Errorf("none is at least %s", s)
		}
	}
}

func TestClip(t *testing.T) {
	if got := clip("subnet-1"); got != "subnet-1" {
		t.Errorf("clip cut %q", got)
	}
	at := strings.Repeat("x", 64)
	if got := clip(at); got != at {
		t.Errorf("clip cut 64 bytes to %q", got)
	}
	if got, want := clip(at+"y"), at+"…"; got != want {
		t.Errorf("clip of 65 bytes is %q", got)
	}
	if got, want := clip(strings.Repeat("x", 63)+"é"), strings.Repeat("x", 63)+"…"; got != want {
		t.Errorf("clip cut a letter in half: %q", got)
	}
}

// TestTotal: nothing is asked that has no answer.
func TestTotal(t *testing.T) {
	e := &evaluation{file: Default(), subject: subject(), part: &kind.Part{}}
	if o := e.setting("no-such-rule", Setting{On: true}); o.is != na {
		t.Errorf("a rule that is none says %v", o)
	}
	if got := words("by-carrier-pigeon"); got != "by-carrier-pigeon" {
		t.Errorf("a way in that is none is called %q", got)
	}
	if o := e.allowedOff(posture.Access{Way: posture.SSMAccess, State: na}); o.is != na {
		t.Errorf("a way in that there is not says %v", o)
	}
	for _, w := range []posture.Way{posture.RemoteAccess, posture.SSMAccess, posture.RemoteDebug, posture.DockerAccess} {
		if got := e.allowedOff(posture.Access{Way: w, State: yes}).message; got == string(w)+" is on" {
			t.Errorf("%s has no words", w)
		}
	}
}

// TestAllowedForCertain: a list that certainly allows a subnet is enough, whatever
// is not known of the next.
func TestAllowedForCertain(t *testing.T) {
	certain, open := Allow{Subnets: []string{"subnet-1"}}, Allow{Subnets: []string{"subnet-1"}, Regions: []string{"us-east-1"}}
	s := subject(container(no, no))
	s.Region = ""
	for _, lists := range [][]Allow{{certain, open}, {open, certain}} {
		f := &File{Allow: lists}
		if got, _ := f.allowed("subnet-1", s, &kind.Part{}, allowSubnets, narrowSubnets); got != posture.Yes {
			t.Errorf("%v: %v", lists, got)
		}
	}
	f := &File{Allow: []Allow{open}}
	if got, _ := f.allowed("subnet-1", s, &kind.Part{}, allowSubnets, narrowSubnets); got != posture.Unknown {
		t.Errorf("got %v", got)
	}
}

// TestAllTagsMustFit, whichever of them is looked at first.
func TestAllTagsMustFit(t *testing.T) {
	want := map[string]string{"team": "fraud", "stage": "prod"}
	for range 50 {
		s := &Subject{Tags: map[string]string{"team": "fraud"}, TagsKnown: true}
		if got := tagsFit(want, s); got != posture.No {
			t.Fatalf("got %v", got)
		}
		if s.TagsKnown = false; tagsFit(want, s) != posture.Unknown {
			t.Fatal("what is not known is")
		}
		if s.Tags["stage"] = "prod"; tagsFit(want, s) != posture.Yes {
			t.Fatal("they fit")
		}
	}
}
