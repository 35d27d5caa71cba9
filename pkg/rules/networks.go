package rules

import (
	"slices"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Network is what may be used together: subnets and security groups of one VPC.
type Network struct {
	VPC            string // empty where no list names it
	Subnets        []string
	SecurityGroups []string
}

// Networks returns what the subject certainly may use, all of its parts
// considered, in the file's order, less what an override takes away. A list without
// a VPC counts for each of them.
func (f *File) Networks(s *Subject) []Network {
	parts := s.Parts
	if len(parts) == 0 {
		parts = []kind.Part{{}}
	}
	everywhere := func(fits func(p *kind.Part) posture.Fact) bool {
		for i := range parts {
			if fits(&parts[i]) != posture.Yes {
				return false
			}
		}
		return true
	}
	var fit []*Allow
	var vpcs []string
	for i := range f.Allow {
		a := &f.Allow[i]
		if everywhere(func(p *kind.Part) posture.Fact {
			return Match{Accounts: a.Accounts, Regions: a.Regions, Kinds: a.Kinds}.fits(s, p)
		}) {
			fit = append(fit, a)
			vpcs = union(vpcs, []string{a.VPC})
		}
	}
	if len(vpcs) > 1 {
		vpcs = slices.DeleteFunc(vpcs, func(v string) bool { return v == "" })
	}
	var out []Network
	for _, vpc := range vpcs {
		n := Network{VPC: vpc}
		for _, a := range fit {
			if a.VPC == vpc || a.VPC == "" {
				n.Subnets, n.SecurityGroups = union(n.Subnets, a.Subnets), union(n.SecurityGroups, a.SecurityGroups)
			}
		}
		keep := func(ids []string, list func(*Allow) []string, narrow func(*Narrow) []string) []string {
			return slices.DeleteFunc(ids, func(id string) bool {
				return !everywhere(func(p *kind.Part) posture.Fact {
					is, _ := f.allowed(id, s, p, list, narrow)
					return is
				})
			})
		}
		n.Subnets = keep(n.Subnets, allowSubnets, narrowSubnets)
		n.SecurityGroups = keep(n.SecurityGroups, allowGroups, narrowGroups)
		if len(n.Subnets)+len(n.SecurityGroups) > 0 {
			out = append(out, n)
		}
	}
	return out
}
