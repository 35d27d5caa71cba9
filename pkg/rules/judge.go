// Package rules says whether an organisation allows a network: it holds the
// rules file and judges verdicts by it. Rules are three-valued: a rule that
// fails whatever the unknown facts turn out to be fails; one that may or may
// not is a WARNING; what is not known is never a pass.
package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// Compliance is the answer of the rules, in the words of the AWS Security
// Finding Format.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html
type Compliance string

// The answers.
const (
	Passed       Compliance = "PASSED"
	Failed       Compliance = "FAILED"
	Warning      Compliance = "WARNING"       // could not be told
	NotAvailable Compliance = "NOT_AVAILABLE" // no rule applies
	// Excepted is the result of a rule that failed, and may by an exception. It
	// is never the compliance of a whole.
	Excepted Compliance = "EXCEPTED"
)

// Severity is how bad a failed rule is.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html
type Severity string

// The severities; empty is none.
const (
	Critical      Severity = "CRITICAL"
	High          Severity = "HIGH"
	Medium        Severity = "MEDIUM"
	Low           Severity = "LOW"
	Informational Severity = "INFORMATIONAL"
)

// Severities lists the severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Informational} }

// rank is the place of a severity in [Severities]; none stands last.
func (s Severity) rank() int {
	if i := slices.Index(Severities(), s); i >= 0 {
		return i
	}
	return len(Severities())
}

// AtLeast says whether s is as bad as o or worse.
func (s Severity) AtLeast(o Severity) bool { return s.rank() <= o.rank() }

// rank orders compliance, worst first.
func (c Compliance) rank() int {
	return slices.Index([]Compliance{Failed, Warning, Passed, NotAvailable}, c)
}

// Result is what one rule says of one part.
type Result struct {
	Rule      ID
	Result    Compliance // Failed, Warning or Excepted: what passed is not listed
	Severity  Severity
	Message   string // a sentence without a full stop
	Path      string // JSON path in the record; may be empty
	Exception string // id of the exception that applied
}

// Judged is a part with its verdict and what the rules say of it.
type Judged struct {
	kind.Part
	Verdict    verdict.Verdict
	Compliance Compliance
	Severity   Severity
	Results    []Result
}

// Judgement is what the rules say of a resource. Verdict and Posture are those
// of its worst part.
type Judgement struct {
	Verdict    verdict.Verdict
	Posture    posture.Posture
	Compliance Compliance
	Severity   Severity
	Results    []Result // of all parts, each rule once, with its worst result
	Parts      []Judged
	Exception  *Exception // the first that applied
}

// Judge judges a resource. now decides which exceptions have expired.
func (f *File) Judge(s *Subject, now time.Time) Judgement {
	var j Judgement
	for i := range s.Parts {
		j.Parts = append(j.Parts, f.part(s, &s.Parts[i], now, &j.Exception))
	}
	if len(j.Parts) == 0 {
		j.Compliance = NotAvailable
		return j
	}
	// A part where no rule applies stands behind every other, so that parts of
	// class n/a count only where there is nothing else.
	worst := slices.MinFunc(j.Parts, func(a, b Judged) int { return a.compare(&b) })
	j.Verdict, j.Posture = worst.Verdict, worst.Posture
	j.Compliance, j.Severity = worst.Compliance, worst.Severity
	for _, id := range IDs() {
		if r, ok := worstOf(j.Parts, id); ok {
			j.Results = append(j.Results, r)
		}
	}
	return j
}

// Whole says whether nothing was missing for the judgement.
func (j *Judgement) Whole() bool {
	for i := range j.Parts {
		p := &j.Parts[i].Posture
		if len(p.Reasons) > 0 || p.Subnets.Unknown || p.SecurityGroups.Unknown {
			return false
		}
	}
	for _, r := range j.Results {
		if r.Result == Warning {
			return false
		}
	}
	return len(j.Parts) > 0
}

// OwnFault says whether what is wrong with a resource of a kind is its own
// setting, and not that of its owner.
func (j *Judgement) OwnFault(k kind.Kind) bool {
	own := map[kind.Kind][]ID{
		kind.UserProfile: {SecurityGroupAllowed, WellFormed},
		kind.Space:       {InteractiveAccess},
	}[k]
	for _, r := range j.Results {
		if r.Result == Failed && slices.Contains(own, r.Rule) {
			return true
		}
	}
	return false
}

// compare orders parts, worst first: by compliance, then severity, then class.
func (p *Judged) compare(o *Judged) int {
	return cmp.Or(
		cmp.Compare(p.Compliance.rank(), o.Compliance.rank()),
		cmp.Compare(p.Severity.rank(), o.Severity.rank()),
		cmp.Compare(p.Verdict.Class.Rank(), o.Verdict.Class.Rank()),
	)
}

// worstOf is the worst result that a rule has in any of the parts; the first of
// those that are equally bad.
func worstOf(parts []Judged, id ID) (worst Result, found bool) {
	var all []Result
	for _, p := range parts {
		for _, r := range p.Results {
			if r.Rule == id {
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return Result{}, false
	}
	order := []Compliance{Failed, Warning, Excepted}
	return slices.MinFunc(all, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Result), slices.Index(order, b.Result)),
			cmp.Compare(a.Severity.rank(), b.Severity.rank()),
		)
	}), true
}

// outcome is what a rule says before exceptions: fails, passes, cannot be told,
// or does not apply.
type outcome struct {
	is       posture.Fact // Yes: passes, No: fails
	severity Severity
	message  string
	path     string
}

func passes() outcome       { return outcome{is: posture.Yes} }
func doesNotApply() outcome { return outcome{is: posture.NotApplicable} }

func fails(severity Severity, path, message string) outcome {
	return outcome{posture.No, severity, message, path}
}

func cannotTell(path, message string) outcome {
	return outcome{posture.Unknown, Informational, message, path}
}

// part judges one part by every rule.
func (f *File) part(s *Subject, p *kind.Part, now time.Time, applied **Exception) Judged {
	j := Judged{Part: *p, Verdict: verdict.Of(p.Posture), Compliance: NotAvailable}
	e := evaluation{file: f, subject: s, part: p, verdict: j.Verdict, possible: verdict.Possible(p.Posture)}
	for _, id := range IDs() {
		o := e.rule(id)
		x := f.exception(id, s, p, now)
		if o.is == posture.Yes && id != Assessable && id != WellFormed {
			j.add(Passed, "")
		}
		if o.good() {
			continue
		}
		r := Result{Rule: id, Result: Failed, Severity: o.severity, Message: o.message, Path: o.path}
		if o.is == posture.Unknown {
			if x != nil || e.on(Assessable) && j.subsumes(id) {
				continue // whatever it turns out to be, it is allowed; or assessable says it
			}
			r.Result = Warning
		} else if x != nil {
			r.Result, r.Exception = Excepted, x.ID
			if *applied == nil {
				*applied = x
			}
		}
		j.Results = append(j.Results, r)
		if r.Result == Excepted {
			j.add(Passed, "")
		} else {
			j.add(r.Result, r.Severity)
		}
	}
	return j
}

// subsumes says whether assessable already says that a rule about the class
// could not be told: the class itself is unknown.
func (p *Judged) subsumes(id ID) bool {
	return p.Verdict.Class == verdict.Unknown && (id == VPCRequired || id == NoOwnInternet || id == NoBridge)
}

// add takes a rule's result into the compliance of the part.
func (p *Judged) add(c Compliance, s Severity) {
	if c.rank() < p.Compliance.rank() || c == p.Compliance && s.rank() < p.Severity.rank() {
		p.Compliance, p.Severity = c, s
	}
}

// exception is the first exception that lets the subject break a rule. It must
// certainly match: what the record does not tell makes no exception.
func (f *File) exception(id ID, s *Subject, p *kind.Part, now time.Time) *Exception {
	for i := range f.Exceptions {
		x := &f.Exceptions[i]
		if id != Assessable && slices.Contains(x.Rules, id) && now.Before(x.Expires) && x.Match.fits(s, p) == posture.Yes {
			return x
		}
	}
	return nil
}

// evaluation judges one part.
type evaluation struct {
	file     *File
	subject  *Subject
	part     *kind.Part
	verdict  verdict.Verdict
	possible []verdict.Verdict
}

// rule is the outcome of a rule, whichever of its possible settings it has.
func (e *evaluation) rule(id ID) outcome {
	one, others, _ := e.file.settings(id, e.subject, e.part)
	first := e.setting(id, one)
	for _, s := range others {
		o := e.setting(id, s)
		if o.is == first.is || o.good() && first.good() {
			if o.is == posture.Yes {
				first = o
			}
			continue
		}
		if first.good() {
			first = o
		}
		return cannotTell(first.path, "whether the rule is on for this resource cannot be told from the record; if it is: "+first.message)
	}
	return first
}

func (o outcome) good() bool { return o.is == posture.Yes || o.is == posture.NotApplicable }

// setting is the outcome of a rule with one setting.
func (e *evaluation) setting(id ID, s Setting) outcome {
	if !s.On {
		return doesNotApply()
	}
	p := &e.part.Posture
	switch id {
	case VPCRequired:
		return e.vpcRequired()
	case NoOwnInternet:
		return e.noOwnInternet()
	case NoBridge:
		return e.noBridge()
	case WellFormed:
		return e.wellFormed()
	case Assessable:
		return e.assessable()
	case SubnetAllowed:
		return e.idsAllowed("subnet", p.Subnets, allowSubnets, narrowSubnets, High)
	case SecurityGroupAllowed:
		return e.idsAllowed("security group", p.SecurityGroups, allowGroups, narrowGroups, Medium)
	case IsolationRequired:
		return e.required(p.Isolation, p.Where.Isolation, Medium, "network isolation is off", "whether network isolation is on")
	case EncryptedBetweenContainers:
		return e.required(p.Encrypted, p.Where.Encrypted, Low, "traffic between containers is not encrypted", "whether traffic between containers is encrypted")
	case WorkerIngress:
		return e.required(p.Workers, p.Where.Workers, Medium, "workers can come in from any address", "whether workers can come in from any address")
	case InteractiveAccess:
		return e.interactiveAccess(s.Ways)
	case CentralEgress:
		return e.notAssessed("where the subnets' routes lead is not assessed by this version")
	case EndpointsReachable:
		return e.notAssessed("whether the VPC has the endpoints that it needs is not assessed by this version")
	}
	return doesNotApply()
}

// all says whether every possible verdict has one of the classes: yes, no
// (none has), or unknown (some have).
func (e *evaluation) all(classes ...verdict.Class) posture.Fact {
	n := 0
	for _, v := range e.possible {
		if slices.Contains(classes, v.Class) {
			n++
		}
	}
	switch n {
	case 0:
		return posture.No
	case len(e.possible):
		return posture.Yes
	default:
		return posture.Unknown
	}
}

// on says whether a rule is certainly on for the part.
func (e *evaluation) on(id ID) bool {
	one, others, _ := e.file.settings(id, e.subject, e.part)
	return one.On && !slices.ContainsFunc(others, func(s Setting) bool { return !s.On })
}

func (e *evaluation) vpcRequired() outcome {
	p := &e.part.Posture
	switch p.VPC {
	case posture.Yes:
		return passes()
	case posture.NotApplicable:
		return doesNotApply()
	case posture.Unknown:
		return cannotTell(p.Where.VPC, "whether a VPC is configured is not known")
	case posture.No:
	}
	if e.all(verdict.BInternet) == posture.Yes && e.on(NoOwnInternet) {
		return doesNotApply() // the same fault, as no-own-internet says it
	}
	return fails(Medium, p.Where.VPC, "no VPC is configured: artifacts move over the service's own network")
}

func (e *evaluation) noOwnInternet() outcome {
	p := &e.part.Posture
	switch e.all(verdict.BInternet) {
	case posture.Yes:
		return fails(High, e.faultPath(), "reaches the Internet on its own path: "+e.fault())
	case posture.No:
		if e.all(verdict.NotApplicable) == posture.Yes {
			return doesNotApply()
		}
		return passes()
	case posture.Unknown, posture.NotApplicable:
	}
	if e.all(verdict.BInternet, verdict.C) == posture.Yes {
		return fails(High, e.faultPath(), "reaches the Internet on its own path: "+e.fault()+"; whether it reaches a VPC too is not known")
	}
	return cannotTell(p.Where.VPC, "whether it reaches the Internet on its own path is not known")
}

func (e *evaluation) noBridge() outcome {
	switch e.all(verdict.C) {
	case posture.No:
		if e.all(verdict.NotApplicable) == posture.Yes {
			return doesNotApply()
		}
		return passes()
	case posture.Yes:
	case posture.Unknown, posture.NotApplicable:
		return cannotTell(e.faultPath(), "whether it bridges a VPC and the Internet is not known")
	}
	for _, v := range e.possible {
		if v.Reach == verdict.ReachEFSOnly {
			return fails(High, e.faultPath(), "bridges the Internet and a VPC, as far as its EFS file system: "+e.fault())
		}
	}
	return fails(Critical, e.faultPath(), "bridges a VPC and the Internet: "+e.fault())
}

// fault says which settings give a resource its own path to the Internet.
func (e *evaluation) fault() string {
	p := &e.part.Posture
	switch p.Family {
	case posture.Notebook:
		return "direct Internet access is enabled"
	case posture.Studio:
		return "the domain's network access type is PublicInternetOnly"
	case posture.Cluster:
		if p.Attached == posture.Yes {
			return "no VPC is configured, and an interface in a VPC is attached to a node"
		}
		return "no VPC is configured"
	case posture.Container, posture.NoCode, posture.Unassessed:
	}
	if p.Isolation == posture.NotApplicable {
		return "no VPC is configured"
	}
	return "no VPC is configured and network isolation is off"
}

// faultPath is where that setting is, or would be.
func (e *evaluation) faultPath() string {
	w := e.part.Posture.Where
	if w.DirectInternet != "" && e.part.Posture.DirectInternet != posture.No {
		return w.DirectInternet
	}
	return w.VPC
}

func (e *evaluation) wellFormed() outcome {
	p := &e.part.Posture
	for _, list := range []struct {
		ids          posture.IDs
		prefix, what string
	}{{p.Subnets, "subnet-", "subnet"}, {p.SecurityGroups, "sg-", "security group"}} {
		for _, id := range list.ids.List {
			if id.Value == "" {
				return fails(Medium, id.Path, "an id in the list of "+list.what+"s is empty")
			}
			if !strings.HasPrefix(id.Value, list.prefix) {
				return fails(Medium, id.Path, fmt.Sprintf("%q in the list of %ss is no %s id", clip(id.Value), list.what, list.what))
			}
		}
	}
	vpc, member := p.VPCID.Value, "the VPC is"
	for _, id := range p.Subnets.List {
		v := e.vpcOf(id.Value)
		if v == "" {
			continue
		}
		if vpc != "" && v != vpc {
			return fails(Medium, id.Path, fmt.Sprintf("subnet %s is in %s, but %s %s", clip(id.Value), v, member, clip(vpc)))
		}
		if vpc == "" {
			vpc, member = v, "subnet "+clip(id.Value)+" is in"
		}
	}
	return passes()
}

// vpcOf is the VPC that the rules file says a subnet is in, or "".
func (e *evaluation) vpcOf(subnet string) string {
	for _, a := range e.file.Allow {
		if a.VPC != "" && slices.Contains(a.Subnets, subnet) {
			return a.VPC
		}
	}
	return ""
}

func (e *evaluation) assessable() outcome {
	if e.verdict.Class != verdict.Unknown {
		return passes()
	}
	p := &e.part.Posture
	if len(p.Reasons) == 0 {
		return cannotTell(e.faultPath(), "the recorded settings contradict each other: the API refuses them")
	}
	r := p.Reasons[max(0, slices.IndexFunc(p.Reasons, func(r posture.Reason) bool { return !r.Ids }))]
	message := "could not be assessed: " + r.Why
	if r.Look != "" {
		message += " (look it up with " + r.Look + ")"
	}
	return cannotTell(r.Path, message)
}

// idsAllowed judges a list of ids by the allow-lists.
func (e *evaluation) idsAllowed(what string, ids posture.IDs, list func(*Allow) []string, narrow func(*Narrow) []string, severity Severity) outcome {
	p := &e.part.Posture
	unsure := ""
	for _, id := range ids.List {
		if id.Value == "" {
			continue
		}
		switch fit, _ := e.file.allowed(id.Value, e.subject, e.part, list, narrow); fit {
		case posture.No:
			return fails(severity, id.Path, fmt.Sprintf("%s %s is not in the allow-list%s", what, clip(id.Value), e.ofAccount()))
		case posture.Unknown:
			unsure = fmt.Sprintf("whether %s %s is allowed depends on what the record does not tell", what, clip(id.Value))
		case posture.Yes, posture.NotApplicable:
		}
	}
	if unsure != "" {
		return cannotTell(ids.Path(), unsure)
	}
	if ids.Unknown || p.VPC == posture.Unknown {
		return cannotTell(p.Where.VPC, "which "+what+"s are used is not known")
	}
	if len(ids.List) == 0 && p.VPC == posture.Yes {
		// A notebook instance or a domain may leave them out.
		return cannotTell(p.Where.VPC, "no "+what+" is named: which one is in force is not in the record")
	}
	if len(ids.List) == 0 {
		return doesNotApply()
	}
	return passes()
}

func (e *evaluation) ofAccount() string {
	if e.subject.Account == "" {
		return ""
	}
	return " of account " + e.subject.Account
}

// required is the outcome of a switch that must be on.
func (e *evaluation) required(fact posture.Fact, path string, severity Severity, off, unsure string) outcome {
	switch fact {
	case posture.Yes:
		return passes()
	case posture.No:
		return fails(severity, path, off)
	case posture.NotApplicable:
		return doesNotApply()
	case posture.Unknown:
	}
	return cannotTell(path, unsure+" is not known")
}

func (e *evaluation) interactiveAccess(ways []posture.Way) outcome {
	out := doesNotApply()
	for _, a := range e.part.Posture.Access {
		if len(ways) > 0 && !slices.Contains(ways, a.Way) {
			continue
		}
		o := e.allowedOff(a)
		if out.good() || o.is == posture.No && out.is != posture.No {
			out = o
		}
	}
	return out
}

// allowedOff is the outcome of a way in that must be off.
func (e *evaluation) allowedOff(a posture.Access) outcome {
	switch a.State {
	case posture.Yes:
		return fails(Medium, a.Path, words(a.Way)+" is on")
	case posture.No:
		return passes()
	case posture.NotApplicable:
		return doesNotApply()
	case posture.Unknown:
	}
	return cannotTell(a.Path, "whether "+words(a.Way)+" is on is not known")
}

// words is a way in as a person says it.
func words(w posture.Way) string {
	switch w {
	case posture.RemoteAccess:
		return "remote access to the space"
	case posture.SSMAccess:
		return "SSM access to the instances"
	case posture.RemoteDebug:
		return "remote debugging of the containers"
	case posture.DockerAccess:
		return "Docker access"
	}
	return string(w)
}

// notAssessed is the outcome of a rule about a VPC that cannot be judged yet.
func (e *evaluation) notAssessed(message string) outcome {
	p := &e.part.Posture
	if p.VPC == posture.No || p.VPC == posture.NotApplicable {
		return doesNotApply()
	}
	return cannotTell(p.Where.VPC, message)
}

// clip keeps a value from the record short.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
