package rules

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// ID names a rule.
type ID string

// The rules. The first five are on by default.
const (
	VPCRequired                ID = "vpc-required"
	NoOwnInternet              ID = "no-own-internet"
	NoBridge                   ID = "no-bridge"
	WellFormed                 ID = "well-formed"
	Assessable                 ID = "assessable"
	SubnetAllowed              ID = "subnet-allowed"
	SecurityGroupAllowed       ID = "security-group-allowed"
	IsolationRequired          ID = "isolation-required"
	CentralEgress              ID = "central-egress"
	EndpointsReachable         ID = "endpoints-reachable"
	EncryptedBetweenContainers ID = "encrypted-between-containers"
	InteractiveAccess          ID = "interactive-access"
	WorkerIngress              ID = "worker-ingress"
)

// IDs lists every rule in the order in which it is judged and printed.
func IDs() []ID {
	return []ID{
		VPCRequired, NoOwnInternet, NoBridge, WellFormed, Assessable,
		SubnetAllowed, SecurityGroupAllowed, IsolationRequired, CentralEgress,
		EndpointsReachable, EncryptedBetweenContainers, InteractiveAccess, WorkerIngress,
	}
}

// byDefault are the rules that are on where the file does not name them.
func byDefault() []ID {
	return []ID{VPCRequired, NoOwnInternet, NoBridge, WellFormed, Assessable}
}

// Setting switches one rule.
type Setting struct {
	On bool
	// Ways limits interactive-access to some ways in; empty is all of them.
	Ways []posture.Way
}

// Settings switches the rules that it names.
type Settings map[ID]Setting

// File is a rules file: what an organisation wants of its SageMaker AI
// networks. The zero File is not valid; see [Default] and [Load].
type File struct {
	// Rules switches rules for everything.
	Rules Settings
	// Allow lists the subnets and security groups that may be used.
	Allow []Allow
	// Overrides switch rules or narrow the allow-lists for some resources.
	Overrides []Override
	// Exceptions let some resources break some rules for some time.
	Exceptions []Exception
	// Response says what is done about what fails, and who is told.
	Response Response
}

// Default is the rules file in force where none is given.
func Default() *File {
	f := &File{Rules: Settings{}, Response: defaultResponse()}
	for _, id := range byDefault() {
		f.Rules[id] = Setting{On: true}
	}
	return f
}

// Allow is one allow-list. What a resource may use is the union of the lists
// that fit it.
type Allow struct {
	Accounts []string // 12 digits each; "*" is every account
	Regions  []string // empty is every Region
	Kinds    []string // empty is every kind
	// VPC is the VPC that the subnets and security groups are in; it is what
	// well-formed needs to see that a list mixes two VPCs. May be empty.
	VPC            string
	Subnets        []string
	SecurityGroups []string
}

// Match says which resources something is about. Fields that are empty do not
// matter, those that are not must all fit; of the values of one field any may.
type Match struct {
	Kinds    []string
	Accounts []string
	Regions  []string
	// Roles are IAM role ARNs of who made the call.
	Roles []string
	// Tags and Names (with * and ?) can be chosen by whoever creates the
	// resource, so they stand in overrides that tighten and in routes, never in
	// an exception or with a mode.
	Tags  map[string]string
	Names []string
	// Resources are exact ARNs; exceptions only.
	Resources []string
}

// Override changes settings for the resources that match. Later overrides win.
type Override struct {
	Match Match
	Rules Settings
	// Allow, where not nil, leaves of the allow-lists only what it names too.
	Allow *Narrow
	Line  int // line in the rules file, for messages
}

// Narrow is a subset of an allow-list; an empty list narrows nothing.
type Narrow struct {
	Subnets        []string
	SecurityGroups []string
}

// Exception lets the resources that match break the named rules until it expires.
type Exception struct {
	ID      string
	Owner   string
	Reason  string
	Expires time.Time // the first instant (UTC) at which it no longer applies
	Rules   []ID
	Match   Match
	Line    int // line in the rules file, for messages
}

// Expired lists the exceptions that no longer apply at now.
func (f *File) Expired(now time.Time) []Exception {
	var out []Exception
	for _, e := range f.Exceptions {
		if !now.Before(e.Expires) {
			out = append(out, e)
		}
	}
	return out
}
