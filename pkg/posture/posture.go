// Package posture holds the facts about the network of one configuration, as
// far as a record tells them. A fact has three values and a fourth for a
// question that does not arise. The zero value of everything here is "not
// known", so that a fact somebody forgot to fill cannot read as compliant.
package posture

import "strings"

// Fact answers one question about a configuration.
type Fact uint8

// The answers. The zero value is Unknown.
const (
	Unknown       Fact = iota // the record does not tell
	No                        // no
	Yes                       // yes
	NotApplicable             // the kind has no such setting
)

// Of is Yes for true and No for false.
func Of(b bool) Fact {
	if b {
		return Yes
	}
	return No
}

// String returns unknown, no, yes or n/a.
func (f Fact) String() string {
	switch f {
	case No:
		return "no"
	case Yes:
		return "yes"
	case NotApplicable:
		return "n/a"
	case Unknown:
	}
	return "unknown"
}

// MarshalText writes the fact as [Fact.String] does.
func (f Fact) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Family says which facts decide where the code of a configuration can reach.
type Family uint8

// The families. The zero value is Unassessed.
const (
	Unassessed Family = iota // nothing is known of the configuration, not even whether code runs
	NoCode                   // no code of ours runs there, or only ingress is at stake
	Container                // models, jobs, schedules, job definitions: isolation and VPC decide
	Notebook                 // a notebook instance: VPC and direct Internet access decide
	Studio                   // a Studio domain and what lives in it: VPC and network access type decide
	Cluster                  // a HyperPod instance group: VPC and attached interfaces decide
)

// String returns the family's name as the matrix in package verdict writes it.
func (f Family) String() string {
	switch f {
	case NoCode:
		return "no-code"
	case Container:
		return "container"
	case Notebook:
		return "notebook"
	case Studio:
		return "studio"
	case Cluster:
		return "cluster"
	case Unassessed:
	}
	return "unassessed"
}

// ID is the id of a subnet or security group, and the JSON path it was found at
// (empty where an earlier record named it).
type ID struct{ Value, Path string }

// IDs is a list of subnets or security groups.
type IDs struct {
	List []ID
	// Unknown says that there are ids which the record does not tell.
	Unknown bool
	// Certain says that at least one of them is there, and is of the list's type.
	Certain bool
}

// Values returns the ids without their paths, never nil.
func (l IDs) Values() []string {
	out := make([]string, len(l.List))
	for i, id := range l.List {
		out[i] = id.Value
	}
	return out
}

// Path is where the list was found: the first id's path without its index.
func (l IDs) Path() string {
	if len(l.List) == 0 {
		return ""
	}
	path := l.List[0].Path
	if strings.HasSuffix(path, "]") {
		path = path[:strings.LastIndexByte(path, '[')]
	}
	return path
}

// Access is a way in for a person to where the code runs.
type Access struct {
	Way   Way
	State Fact
	Path  string
}

// Way names an interactive access.
type Way string

// The ways in.
const (
	// RemoteAccess connects a local IDE to a Studio space.
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SpaceSettings.html
	RemoteAccess Way = "remote-access"
	// SSMAccess opens a shell on the instances behind an endpoint.
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
	SSMAccess Way = "ssm-access"
	// RemoteDebug opens a shell in a training container.
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RemoteDebugConfig.html
	RemoteDebug Way = "remote-debug"
	// DockerAccess lets Studio users run Docker in their applications.
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DockerSettings.html
	DockerAccess Way = "docker-access"
)

// Reason says why a fact is unknown.
type Reason struct {
	Path string // where the value would sit in the record
	Why  string // what was found instead
	Look string // the AWS call that would tell, for example DescribeModel fraud; may be empty
	// Ids says that only which ids are used is not known, so that it decides no class.
	Ids bool
}

// Where is the JSON path of each setting in the record, whether or not it was
// set; empty where the setting sits in another record.
type Where struct {
	Isolation, VPC, DirectInternet, Encrypted, Workers string
}

// Posture is what a record tells of the network of one configuration.
type Posture struct {
	Family Family

	// Isolation: the container has no network at all (EnableNetworkIsolation).
	Isolation Fact
	// VPC: a VPC of ours is configured.
	VPC Fact
	// DirectInternet: the resource's own Internet access is on (DirectInternetAccess
	// of a notebook instance, PublicInternetOnly of a domain).
	DirectInternet Fact
	// Attached: an interface of ours was attached to a cluster's node.
	Attached Fact
	// Encrypted: traffic between the containers of a job is encrypted.
	Encrypted Fact
	// Workers: a workforce can be reached from a VPC or a list of addresses only.
	Workers Fact

	Subnets, SecurityGroups IDs
	VPCID                   ID // the VPC itself, where the record names it

	Access  []Access
	Where   Where
	Reasons []Reason // why facts are unknown
	Assumed []string // values that were taken from defaults, for example Parameters.Subnet = subnet-1
}
