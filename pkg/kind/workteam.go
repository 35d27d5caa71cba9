package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// Workteam is a team of a workforce. Its own setting, constraints on presigned
// URLs (WorkerAccessConfiguration), limits ingress only.
const Workteam Kind = "workteam"

var workteam = Row{
	Kind:     Workteam,
	Words:    "work team",
	Key:      []string{"WorkteamName"},
	Resource: "workteam/private-crowd/{WorkteamName}",
	Calls: []Call{
		{Name: "CreateWorkteam", ARN: "WorkteamArn", Marks: []string{"WorkteamName", "MemberDefinitions"}},
		{Name: "UpdateWorkteam", Effect: Changes, ARN: "Workteam.WorkteamArn", Result: "Workteam"},
	},
	Deletes:  []string{"DeleteWorkteam"},
	Describe: Describe{Name: "DescribeWorkteam", ARN: "WorkteamArn", Under: "Workteam"},
	Lists:    []string{"ListWorkteams"},
	Changes:  "constraints on presigned URLs, by UpdateWorkteam",
	Refers:   []Reference{{Workforce, "WorkforceName"}},
	Fresh:    true,
	Closes:   "nothing to close: the workforce decides from where workers can come in",
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateWorkteam.html",
	parts:    func(*reader) []Part { return single(blank(posture.NoCode)) },

	CloudFormation: "AWS::SageMaker::Workteam",
	Terraform:      "aws_sagemaker_workteam",
}
