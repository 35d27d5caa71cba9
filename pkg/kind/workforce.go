package kind

import (
	"net/netip"

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
	Describe: Describe{Name: "DescribeWorkforce", ARN: "WorkforceArn", Under: "Workforce"},
	Lists:    []string{"ListWorkforces"},
	Changes:  "VPC and allowed addresses, by UpdateWorkforce",
	Closes:   "UpdateWorkforce with SourceIpConfig.Cidrs or WorkforceVpcConfig",
	Paste: func(subnets, securityGroups []string, _ bool) any {
		return map[string]any{"WorkforceVpcConfig": map[string]any{"Subnets": subnets, "SecurityGroupIds": securityGroups}}
	},
	Doc:   "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateWorkforce.html",
	parts: workforceParts,
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
		p.SecurityGroups = r.ids(&p, r.below(vpc, "SecurityGroupIds"))
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

// restricts says whether a list of CIDR ranges keeps anybody out. One range of
// all addresses lets everybody in, whatever else is in the list.
func restricts(cidrs posture.IDs) posture.Fact {
	out := posture.No
	for _, c := range cidrs.List {
		prefix, err := netip.ParsePrefix(c.Value)
		switch {
		case err == nil && prefix.Bits() == 0:
			return posture.No
		case err != nil && c.Value != "":
			cidrs.Unknown = true
		case err == nil:
			out = posture.Yes
		}
	}
	if cidrs.Unknown {
		return posture.Unknown
	}
	return out
}
