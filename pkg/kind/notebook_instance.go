package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// NotebookInstance is a notebook instance. With a subnet and its default direct
// Internet access it has two interfaces, and is a bridge.
// https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html
const NotebookInstance Kind = "notebook-instance"

var notebookInstance = Row{
	Kind:     NotebookInstance,
	Words:    "notebook instance",
	Key:      []string{"NotebookInstanceName"},
	Resource: "notebook-instance/{NotebookInstanceName}",
	Calls: []Call{
		{Name: "CreateNotebookInstance", ARN: "NotebookInstanceArn", Marks: []string{"NotebookInstanceName", "InstanceType", "RoleArn"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "DirectInternetAccess", "MinimumInstanceMetadataServiceVersion", "RootAccess"}},
		{Name: "UpdateNotebookInstance", Effect: Changes, Keys: []string{"MinimumInstanceMetadataServiceVersion", "RootAccess"}},
		{Name: "StartNotebookInstance", Effect: Runs},
	},
	Deletes:  []string{"DeleteNotebookInstance"},
	Describe: Describe{Name: "DescribeNotebookInstance", ARN: "NotebookInstanceArn", Status: "NotebookInstanceStatus", Marks: []string{"NotebookInstanceName"}},
	Lists:    []string{"ListNotebookInstances"},
	Stops:    []string{"StopNotebookInstance"},
	// A captured event of an instance without a VPC has none of the three members.
	Natives: []Native{{DetailType: "SageMaker Notebook Instance State Change", ARN: "NotebookInstanceArn", Whole: true}},
	Closes:  "the network of a notebook instance cannot be updated: save the work, create a new instance with the settings below, delete the old one",
	Paste: func(subnets, securityGroups []string, _ bool) any {
		return map[string]any{"DirectInternetAccess": "Disabled", "SubnetId": subnets[0], "SecurityGroupIds": securityGroups}
	},
	Doc:   "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html",
	parts: notebookInstanceParts,

	CloudFormation: "AWS::SageMaker::NotebookInstance",
	Terraform:      "aws_sagemaker_notebook_instance",
}

// notebookInstanceParts: the request has SecurityGroupIds, the Describe
// response and the event have SecurityGroups.
func notebookInstanceParts(r *reader) []Part {
	p := blank(posture.Notebook)
	subnet := r.at("SubnetId")
	p.Where.VPC = subnet.path
	p.VPC = posture.Unknown
	if subnet.set() || subnet.unset() {
		p.Subnets = r.ids(&p, subnet)
		p.VPC = hasSubnet(p.Subnets)
	} else {
		p.Subnets.Unknown = true
		p.Reasons = append(p.Reasons, r.why(subnet))
	}
	groups := r.at("SecurityGroupIds")
	if other := r.at("SecurityGroups"); other.set() {
		groups = other
	}
	if groups.set() || groups.unset() {
		p.SecurityGroups = r.groups(&p, groups)
	} else {
		p.SecurityGroups.Unknown = true
	}
	direct := r.at("DirectInternetAccess")
	p.Where.DirectInternet = direct.path
	p.DirectInternet = r.choice(&p, direct, posture.Yes, map[string]posture.Fact{"Enabled": posture.Yes, "Disabled": posture.No})
	return single(p)
}
