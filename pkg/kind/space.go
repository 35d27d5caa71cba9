package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// Space is a Studio space: private to one user profile, or shared. The domain
// decides; a private space has the security groups of the domain's users and of
// its owner, a shared one those of the domain's space settings.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DefaultSpaceSettings.html
const Space Kind = "space"

var space = Row{
	Kind:     Space,
	Words:    "space",
	Key:      []string{"DomainId", "SpaceName"},
	Resource: "space/{DomainId}/{SpaceName}",
	Calls: []Call{
		{Name: "CreateSpace", ARN: "SpaceArn", Marks: []string{"DomainId", "SpaceName"}, Keys: []string{"RemoteAccess"}},
		{Name: "UpdateSpace", Effect: Changes, ARN: "SpaceArn", Marks: []string{"DomainId", "SpaceName", "SpaceSettings"}, Keys: []string{"RemoteAccess"}},
	},
	Deletes:  []string{"DeleteSpace"},
	Describe: Describe{Name: "DescribeSpace", ARN: "SpaceArn", Status: "Status", Marks: []string{"SpaceName"}},
	Lists:    []string{"ListSpaces"},
	Changes:  "remote access, by UpdateSpace",
	Owner:    Reference{Domain, "DomainId"},
	Refers:   []Reference{{Domain, "DomainId"}, {UserProfile, "OwnershipSettings.OwnerUserProfileName"}},
	Fresh:    true,
	Closes:   "the network is the domain's: UpdateDomain with the settings below; remote access: UpdateSpace with SpaceSettings.RemoteAccess DISABLED",
	Paste:    domain.Paste,
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateSpace.html",
	parts:    func(r *reader) []Part { return single(r.space()) },

	CloudFormation: "AWS::SageMaker::Space",
	Terraform:      "aws_sagemaker_space",
}

func (r *reader) space() posture.Posture {
	sharing := r.at("SpaceSharingSettings.SharingType")
	var p posture.Posture
	switch {
	case sharing.value.Str() == "Private":
		p = r.ofProfile(r.at("OwnershipSettings.OwnerUserProfileName"))
	case sharing.value.Str() == "Shared", sharing.unset():
		// Spaces from before private ones existed have no sharing settings: all were shared.
		p = r.inDomain(func(d *reader) posture.Posture { return d.domain(defaultSpace) })
	default:
		p = r.inDomain(func(d *reader) posture.Posture { return d.domain() })
		p.SecurityGroups.Unknown = true
	}
	r.access(&p, posture.RemoteAccess, r.at("SpaceSettings.RemoteAccess"), onOff())
	return p
}

// ofProfile is the posture of what runs for one user profile.
func (r *reader) ofProfile(name field) posture.Posture {
	asUser := func(d *reader) posture.Posture { return d.domain(defaultUser) }
	u, reason := r.refer(UserProfile, name, r.at("DomainId"))
	if u == nil {
		p := r.inDomain(asUser)
		p.SecurityGroups.Unknown = true
		p.Reasons = append(p.Reasons, reason)
		return p
	}
	return r.inDomain(asUser, u.at("UserSettings.SecurityGroups"))
}
