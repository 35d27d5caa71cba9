package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// App is an application that runs in Studio, for a user profile or in a space.
const App Kind = "app"

var app = Row{
	Kind:     App,
	Words:    "Studio app",
	Key:      []string{"DomainId", "UserProfileName|SpaceName", "AppType", "AppName"},
	Resource: "app/{DomainId}/{UserProfileName|SpaceName}/{AppType}/{AppName}",
	Calls: []Call{
		{Name: "CreateApp", ARN: "AppArn", Marks: []string{"DomainId", "AppType", "AppName"}},
	},
	Deletes:  []string{"DeleteApp"},
	Describe: Describe{Name: "DescribeApp", ARN: "AppArn", Status: "Status", Marks: []string{"AppName", "AppType"}},
	Lists:    []string{"ListApps"},
	Stops:    []string{"DeleteApp"},
	Owner:    Reference{Domain, "DomainId"},
	Refers:   []Reference{{Domain, "DomainId"}, {UserProfile, "UserProfileName"}, {Space, "SpaceName"}},
	Closes:   "the network is the domain's: DeleteApp, UpdateDomain with the settings below, start the app again",
	Paste:    domain.Paste,
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateApp.html",
	parts:    func(r *reader) []Part { return single(r.app()) },

	CloudFormation: "AWS::SageMaker::App",
	Terraform:      "aws_sagemaker_app",
}

func (r *reader) app() posture.Posture {
	domainOnly := func(d *reader) posture.Posture { return d.domain() }
	if name := r.at("SpaceName"); name.set() {
		s, reason := r.refer(Space, name, r.at("DomainId"))
		if s == nil {
			p := r.inDomain(domainOnly)
			p.SecurityGroups.Unknown = true
			p.Reasons = append(p.Reasons, reason)
			return p
		}
		p := borrow(single(s.space()), name.path)[0].Posture
		// Remote access is the space's own setting, and its finding.
		p.Access = nil
		return p
	}
	if name := r.at("UserProfileName"); name.set() {
		return r.ofProfile(name)
	}
	p := r.inDomain(domainOnly)
	p.SecurityGroups.Unknown = true
	return p
}
