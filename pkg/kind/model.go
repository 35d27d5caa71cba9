package kind

// Model is a model that endpoints and batch transform jobs run.
const Model Kind = "model"

var model = Row{
	Kind:     Model,
	Words:    "model",
	Key:      []string{"ModelName"},
	Resource: "model/{ModelName}",
	Calls: []Call{
		{Name: "CreateModel", ARN: "ModelArn", Marks: []string{"ModelName", "ExecutionRoleArn"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation"}},
	},
	Deletes:  []string{"DeleteModel"},
	Describe: Describe{Name: "DescribeModel", ARN: "ModelArn", Marks: []string{"ModelName"}},
	Lists:    []string{"ListModels", "Search"},
	// The event carries neither VpcConfig nor EnableNetworkIsolation.
	Natives: []Native{{DetailType: "SageMaker Model State Change", ARN: "ModelArn"}},
	Closes:  "a model cannot be changed: create a new one with the settings below, point what uses it at the new one, delete the old one",
	Paste:   pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html",
	parts: func(r *reader) []Part {
		return single(r.container(where{VPC: "VpcConfig", Isolation: "EnableNetworkIsolation"}))
	},

	CloudFormation: "AWS::SageMaker::Model",
	Terraform:      "aws_sagemaker_model",
}
