package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// Domain is a Studio domain. With PublicInternetOnly, the default, traffic to
// the domain's EFS file system goes through its VPC and everything else through
// an interface of the service's with Internet access.
// https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
const Domain Kind = "domain"

var domain = Row{
	Kind:     Domain,
	Words:    "Studio domain",
	Key:      []string{"DomainId"},
	Resource: "domain/{DomainId}",
	Calls: []Call{
		{Name: "CreateDomain", ARN: "DomainArn", Marks: []string{"DomainName", "AuthMode"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "AppNetworkAccessType"}},
		{Name: "UpdateDomain", Effect: Changes, ARN: "DomainArn", Marks: []string{"DomainId", "AppNetworkAccessType"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "AppNetworkAccessType"}},
	},
	Deletes:  []string{"DeleteDomain"},
	Describe: Describe{Name: "DescribeDomain", ARN: "DomainArn", Status: "Status", Marks: []string{"DomainId"}},
	Lists:    []string{"ListDomains"},
	Changes:  "AppNetworkAccessType, subnets, VPC and security groups, by UpdateDomain",
	Fresh:    true,
	Closes:   "delete the domain's running apps, UpdateDomain with the settings below, start the apps again",
	Paste: func(subnets, securityGroups []string, _ bool) any {
		return map[string]any{
			"AppNetworkAccessType": "VpcOnly",
			"SubnetIds":            subnets,
			"DefaultUserSettings":  map[string]any{"SecurityGroups": securityGroups},
		}
	},
	Doc:   "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateDomain.html",
	parts: func(r *reader) []Part { return single(r.domain(defaultUser, defaultSpace, domainBoundary)) },

	CloudFormation: "AWS::SageMaker::Domain",
	Terraform:      "aws_sagemaker_domain",
}

// The members of a domain that hold security groups. UpdateDomain has the
// settings under another name than CreateDomain and DescribeDomain.
const (
	defaultUser    = "DefaultUserSettings.SecurityGroups"
	defaultSpace   = "DefaultSpaceSettings.SecurityGroups"
	domainBoundary = "DomainSettings.SecurityGroupIds"
)

// domain reads a domain with the security groups at the given members.
func (r *reader) domain(groups ...string) posture.Posture {
	p := blank(posture.Studio)
	subnets := r.at("SubnetIds")
	p.Where.VPC = subnets.path
	p.VPC = posture.Unknown
	id := r.at("VpcId")
	if id.set() {
		p.VPCID = posture.ID{Value: id.value.Str(), Path: id.path}
	}
	switch {
	case subnets.set():
		p.Subnets = r.ids(&p, subnets)
		p.VPC = hasSubnet(p.Subnets)
	case subnets.unset() && id.unset():
		p.VPC = posture.No
	default:
		p.Subnets.Unknown = true
		p.Reasons = append(p.Reasons, r.why(subnets))
	}
	for _, path := range groups {
		f := r.at(path)
		if path == domainBoundary {
			if update := r.at("DomainSettingsForUpdate.SecurityGroupIds"); update.set() {
				f = update
			}
		}
		p.SecurityGroups = r.addGroups(&p, p.SecurityGroups, f)
	}
	mode := r.at("AppNetworkAccessType")
	p.Where.DirectInternet = mode.path
	p.DirectInternet = r.choice(&p, mode, posture.Yes, map[string]posture.Fact{"PublicInternetOnly": posture.Yes, "VpcOnly": posture.No})
	docker := r.at("DomainSettings.DockerSettings.EnableDockerAccess")
	if update := r.at("DomainSettingsForUpdate.DockerSettings.EnableDockerAccess"); update.set() {
		docker = update
	}
	r.access(&p, posture.DockerAccess, docker, onOff())
	return p
}

// addGroups adds the ids of security groups at a field to a list.
func (r *reader) addGroups(p *posture.Posture, list posture.IDs, f field) posture.IDs {
	return r.add(p, list, f, r.groups)
}

// addIDs adds the ids at a field to a list.
func (r *reader) addIDs(p *posture.Posture, list posture.IDs, f field) posture.IDs {
	return r.add(p, list, f, r.ids)
}

func (*reader) add(p *posture.Posture, list posture.IDs, f field, read func(*posture.Posture, field) posture.IDs) posture.IDs {
	if !f.set() && !f.unset() {
		list.Unknown = true
		return list
	}
	more := read(p, f)
	list.List = append(list.List, more.List...)
	list.Unknown, list.Certain = list.Unknown || more.Unknown, list.Certain || more.Certain
	return list
}
