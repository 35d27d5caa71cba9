package verdict

import (
	"slices"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Class is the place of a configuration in the matrix.
type Class uint8

// The classes. The zero value is Unknown.
const (
	Unknown       Class = iota
	A                   // isolated: no network at all
	BVPC                // reaches our VPC, and the Internet only by its routes
	BInternet           // reaches the Internet on its own path, and no VPC of ours
	C                   // reaches both: a bridge
	NotApplicable       // no code of ours runs there
)

// String returns the class as the command line writes it.
func (c Class) String() string {
	switch c {
	case A:
		return "a"
	case BVPC:
		return "b-vpc"
	case BInternet:
		return "b-internet"
	case C:
		return "c"
	case NotApplicable:
		return "n/a"
	case Unknown:
	}
	return "unknown"
}

// MarshalText writes the class as [Class.String] does.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Classes lists every class, worst first: c, b-internet, unknown, b-vpc, a, n/a.
func Classes() []Class { return []Class{C, BInternet, Unknown, BVPC, A, NotApplicable} }

// Rank is the place of a class in [Classes]: 0 is the worst.
func (c Class) Rank() int { return slices.Index(Classes(), c) }

// Reach says how much of our VPC the code can reach.
type Reach uint8

// The reaches. The zero value is ReachUnknown.
const (
	ReachUnknown       Reach = iota
	ReachNone                // nothing
	ReachEFSOnly             // the domain's EFS file system, as documented; what else is unmeasured
	ReachFull                // whatever the security groups and routes allow
	ReachNotApplicable       // no code of ours runs there
)

// String returns the reach as the command line writes it.
func (r Reach) String() string {
	switch r {
	case ReachNone:
		return "none"
	case ReachEFSOnly:
		return "efs-only"
	case ReachFull:
		return "full"
	case ReachNotApplicable:
		return "n/a"
	case ReachUnknown:
	}
	return "unknown"
}

// MarshalText writes the reach as [Reach.String] does.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// DataPath says by which network artifacts move.
type DataPath uint8

// The data paths. The zero value is DataPathUnknown.
const (
	DataPathUnknown       DataPath = iota
	DataPathVPC                    // our subnets
	DataPathService                // the service's own network
	DataPathOwn                    // the resource's own Internet access
	DataPathVPCOwn                 // our subnets and the resource's own Internet access
	DataPathNotApplicable          // no code of ours runs there
)

// String returns the data path as the command line writes it.
func (d DataPath) String() string {
	switch d {
	case DataPathVPC:
		return "vpc"
	case DataPathService:
		return "service"
	case DataPathOwn:
		return "own"
	case DataPathVPCOwn:
		return "vpc+own"
	case DataPathNotApplicable:
		return "n/a"
	case DataPathUnknown:
	}
	return "unknown"
}

// MarshalText writes the data path as [DataPath.String] does.
func (d DataPath) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Verdict is the answer to the two questions, and the data path.
type Verdict struct {
	Class    Class
	Reach    Reach
	DataPath DataPath
}

// Of judges a posture. It is total: every posture has a verdict, and what the
// matrix does not name is unknown.
func Of(p posture.Posture) Verdict {
	switch p.Family {
	case posture.NoCode:
		return Verdict{NotApplicable, ReachNotApplicable, DataPathNotApplicable}
	case posture.Container:
		return container(p.Isolation, p.VPC)
	case posture.Notebook:
		return notebook(p.VPC, p.DirectInternet)
	case posture.Studio:
		return studio(p.VPC, p.DirectInternet)
	case posture.Cluster:
		return cluster(p.VPC, p.Attached)
	case posture.Unassessed:
	}
	return Verdict{}
}

func container(isolation, vpc posture.Fact) Verdict {
	path := DataPathUnknown
	switch vpc {
	case posture.Yes:
		path = DataPathVPC
	case posture.No:
		path = DataPathService
	case posture.Unknown, posture.NotApplicable:
	}
	switch isolation {
	case posture.Yes:
		return Verdict{A, ReachNone, path}
	case posture.No, posture.NotApplicable:
		if vpc == posture.Yes {
			return Verdict{BVPC, ReachFull, path}
		}
		if vpc == posture.No {
			return Verdict{BInternet, ReachNone, path}
		}
		return Verdict{}
	case posture.Unknown:
	}
	if vpc == posture.No {
		return Verdict{Unknown, ReachNone, path}
	}
	return Verdict{DataPath: path}
}

func notebook(vpc, direct posture.Fact) Verdict {
	if vpc == posture.Yes {
		if direct == posture.Yes {
			return Verdict{C, ReachFull, DataPathVPCOwn}
		}
		if direct == posture.No {
			return Verdict{BVPC, ReachFull, DataPathVPC}
		}
		return Verdict{Reach: ReachFull}
	}
	return withoutVPC(vpc, direct)
}

func studio(vpc, direct posture.Fact) Verdict {
	if vpc == posture.Yes {
		if direct == posture.Yes {
			return Verdict{C, ReachEFSOnly, DataPathOwn}
		}
		if direct == posture.No {
			return Verdict{BVPC, ReachFull, DataPathVPC}
		}
		return Verdict{}
	}
	return withoutVPC(vpc, direct)
}

// withoutVPC is what a notebook instance or a domain can reach where no VPC is
// known to be configured.
func withoutVPC(vpc, direct posture.Fact) Verdict {
	if vpc != posture.No {
		return Verdict{}
	}
	if direct == posture.Yes {
		return Verdict{BInternet, ReachNone, DataPathOwn}
	}
	return Verdict{Reach: ReachNone}
}

func cluster(vpc, attached posture.Fact) Verdict {
	if vpc == posture.Yes {
		return Verdict{BVPC, ReachFull, DataPathVPC}
	}
	if vpc != posture.No || attached == posture.Unknown {
		return Verdict{}
	}
	if attached == posture.Yes {
		return Verdict{C, ReachFull, DataPathVPCOwn}
	}
	return Verdict{BInternet, ReachNone, DataPathService}
}

// Possible returns the verdicts that are left when every unknown fact of the
// posture is replaced by each answer it may have, without repetition. Only one
// is left where nothing that matters is unknown. Combinations that the API
// refuses are left out as long as others remain.
func Possible(p posture.Posture) []Verdict {
	if p.Family == posture.Unassessed {
		return []Verdict{
			{A, ReachNone, DataPathVPC},
			{A, ReachNone, DataPathService},
			{BVPC, ReachFull, DataPathVPC},
			{BInternet, ReachNone, DataPathService},
			{C, ReachFull, DataPathVPCOwn},
			{NotApplicable, ReachNotApplicable, DataPathNotApplicable},
		}
	}
	var all, known []Verdict
	for _, isolation := range answers(p.Isolation) {
		for _, vpc := range answers(p.VPC) {
			for _, direct := range answers(p.DirectInternet) {
				for _, attached := range answers(p.Attached) {
					q := p
					q.Isolation, q.VPC, q.DirectInternet, q.Attached = isolation, vpc, direct, attached
					v := Of(q)
					if !slices.Contains(all, v) {
						all = append(all, v)
						if v.Class != Unknown {
							known = append(known, v)
						}
					}
				}
			}
		}
	}
	if len(known) > 0 {
		return known
	}
	return all
}

// answers are the answers that a fact may turn out to have.
func answers(f posture.Fact) []posture.Fact {
	if f == posture.Unknown {
		return []posture.Fact{posture.No, posture.Yes}
	}
	return []posture.Fact{f}
}
