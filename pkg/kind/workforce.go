package kind

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Workforce is a private workforce of labelers. No code of ours runs there;
// what matters is from where its portal can be reached.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateWorkforce.html
const Workforce Kind = "workforce"

var workforce = Row{
	Kind:     Workforce,
	Words:    "workforce",
	Key:      []string{"WorkforceName"},
	Resource: "workforce/{WorkforceName}",
	Calls: []Call{
		{Name: "CreateWorkforce", ARN: "WorkforceArn", Marks: []string{"WorkforceName"}},
		{Name: "UpdateWorkforce", Effect: Changes, ARN: "Workforce.WorkforceArn", Result: "Workforce"},
	},
	Deletes:  []string{"DeleteWorkforce"},
	Describe: Describe{Name: "DescribeWorkforce", ARN: "WorkforceArn", Status: "Status", Under: "Workforce"},
	Lists:    []string{"ListWorkforces"},
	Changes:  "VPC and allowed addresses, by UpdateWorkforce",
	Fresh:    true,
	Closes:   "UpdateWorkforce with SourceIpConfig.Cidrs or WorkforceVpcConfig",
	Paste: func(subnets, securityGroups []string, _ bool) any {
		return map[string]any{"WorkforceVpcConfig": map[string]any{"Subnets": subnets, "SecurityGroupIds": securityGroups}}
	},
	Doc:     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateWorkforce.html",
	overlay: overlayWorkforce,
	parts:   workforceParts,

	CloudFormation: "AWS::SageMaker::Workforce",
	Terraform:      "aws_sagemaker_workforce",
}

func workforceParts(r *reader) []Part {
	p := blank(posture.NoCode)
	vpc, cidrs := r.at("WorkforceVpcConfig"), r.at("SourceIpConfig.Cidrs")
	p.Where.VPC, p.Where.Workers = vpc.path, cidrs.path
	byVPC, byAddress := posture.No, posture.No
	switch id := r.below(vpc, "VpcId"); {
	case vpc.unset():
	case vpc.value.Kind() != jsondoc.Object:
		byVPC = posture.Unknown
		p.Reasons = append(p.Reasons, r.why(vpc))
	default:
		p.Subnets = r.ids(&p, r.below(vpc, "Subnets"))
		p.SecurityGroups = r.groups(&p, r.below(vpc, "SecurityGroupIds"))
		byVPC = hasSubnet(p.Subnets)
		if id.value.Str() != "" {
			p.VPCID = posture.ID{Value: id.value.Str(), Path: id.path}
			byVPC = posture.Yes
		} else if !id.unset() && byVPC == posture.No {
			byVPC = posture.Unknown
			p.Reasons = append(p.Reasons, r.why(id))
		}
	}
	switch {
	case cidrs.set():
		byAddress = restricts(r.ids(&p, cidrs))
	case !cidrs.unset():
		byAddress = posture.Unknown
		p.Reasons = append(p.Reasons, r.why(cidrs))
	}
	switch {
	case byVPC == posture.Yes || byAddress == posture.Yes:
		p.Workers = posture.Yes
	case byVPC == posture.Unknown || byAddress == posture.Unknown:
		p.Workers = posture.Unknown
	default:
		p.Workers = posture.No
	}
	return single(p)
}

// restricts says whether a list of CIDR ranges keeps anybody out: whether they
// leave any address out, of IPv4 and of IPv6 each.
func restricts(cidrs posture.IDs) posture.Fact {
	var v4, v6 []span
	for _, c := range cidrs.List {
		prefix, err := netip.ParsePrefix(c.Value)
		switch {
		case err == nil && prefix.Addr().Is4():
			b := prefix.Masked().Addr().As4()
			v4 = append(v4, spanOf(uint64(binary.BigEndian.Uint32(b[:]))<<32, prefix.Bits()))
		case err == nil:
			// The upper half of the address is enough: no prefix of interest is longer.
			b := prefix.Masked().Addr().As16()
			v6 = append(v6, spanOf(binary.BigEndian.Uint64(b[:8]), min(prefix.Bits(), 64)))
		case c.Value != "":
			cidrs.Unknown = true
		}
	}
	switch {
	case coverAll(v4), coverAll(v6):
		return posture.No
	case cidrs.Unknown:
		return posture.Unknown
	default:
		return posture.Of(len(v4)+len(v6) > 0)
	}
}

// span is a range of 64-bit numbers, its ends included.
type span struct{ first, last uint64 }

func spanOf(first uint64, bits int) span {
	if bits == 0 {
		return span{0, math.MaxUint64}
	}
	return span{first, first + (1<<(64-bits) - 1)}
}

// coverAll says whether spans leave no number out.
func coverAll(spans []span) bool {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var reached uint64 // the numbers below are covered
	for _, s := range spans {
		if s.first > reached {
			return false
		}
		if s.last == math.MaxUint64 {
			return true
		}
		reached = max(reached, s.last+1)
	}
	return false
}

// overlayWorkforce: whether an update with an empty list or VPC takes the
// restriction away is not documented, so that what is left is not known.
func overlayWorkforce(base, update jsondoc.Value) jsondoc.Value {
	out := jsondoc.Overlay(base, update)
	for _, name := range []string{"SourceIpConfig", "WorkforceVpcConfig"} {
		m, ok := update.Find(name)
		if ok && m.Value.Kind() != jsondoc.Null && (m.Value.Empty() || name == "SourceIpConfig" && m.Value.Get("Cidrs").Empty()) {
			out = out.With(m.Name, jsondoc.Unresolved("an update with an empty value: whether it takes the restriction away is not documented"))
		}
	}
	return out
}
