package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// UserProfile is a user's profile in a Studio domain. The domain decides; the
// profile's security groups are added to the domain's.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UserSettings.html
const UserProfile Kind = "user-profile"

var userProfile = Row{
	Kind:     UserProfile,
	Words:    "user profile",
	Key:      []string{"DomainId", "UserProfileName"},
	Resource: "user-profile/{DomainId}/{UserProfileName}",
	Calls: []Call{
		{Name: "CreateUserProfile", ARN: "UserProfileArn", Marks: []string{"DomainId", "UserProfileName"}, Keys: []string{"VpcSecurityGroupIds"}},
		{Name: "UpdateUserProfile", Effect: Changes, ARN: "UserProfileArn", Marks: []string{"DomainId", "UserProfileName", "UserSettings"}, Keys: []string{"VpcSecurityGroupIds"}},
	},
	Deletes:  []string{"DeleteUserProfile"},
	Describe: Describe{Name: "DescribeUserProfile", ARN: "UserProfileArn", Status: "Status", Marks: []string{"UserProfileName"}},
	Lists:    []string{"ListUserProfiles"},
	Changes:  "security groups, by UpdateUserProfile",
	Owner:    Reference{Domain, "DomainId"},
	Refers:   []Reference{{Domain, "DomainId"}},
	Fresh:    true,
	Closes:   "the network is the domain's: UpdateDomain with the settings below; security groups of the profile's own: UpdateUserProfile",
	Paste:    domain.Paste,
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateUserProfile.html",
	parts: func(r *reader) []Part {
		return single(r.inDomain(func(d *reader) posture.Posture { return d.domain(defaultUser) }, r.at("UserSettings.SecurityGroups")))
	},

	CloudFormation: "AWS::SageMaker::UserProfile",
	Terraform:      "aws_sagemaker_user_profile",
}

// inDomain is the posture of something that lives in a domain: the domain's, as
// read reads it, and the security groups at the given fields of its own.
func (r *reader) inDomain(read func(*reader) posture.Posture, groups ...field) posture.Posture {
	id := r.at("DomainId")
	var p posture.Posture
	if d, reason := r.refer(Domain, id); d != nil {
		p = borrow(single(read(d)), id.path)[0].Posture
	} else {
		p = unknown(posture.Studio, reason)
	}
	// Docker access is the domain's own setting, and its finding.
	p.Access = nil
	for _, f := range groups {
		p.SecurityGroups = r.addGroups(&p, p.SecurityGroups, f)
	}
	return p
}
