package kind

// ModelQualityJobDefinition is a model quality job definition.
const ModelQualityJobDefinition Kind = "model-quality-job-definition"

var modelQualityJobDefinition = Row{
	Kind:     ModelQualityJobDefinition,
	Words:    "model quality job definition",
	Key:      []string{"JobDefinitionName"},
	Resource: "model-quality-job-definition/{JobDefinitionName}",
	Calls: []Call{
		{Name: "CreateModelQualityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName", "ModelQualityAppSpecification", "ModelQualityJobInput"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
	},
	Deletes:  []string{"DeleteModelQualityJobDefinition"},
	Describe: Describe{Name: "DescribeModelQualityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName"}},
	Lists:    []string{"ListModelQualityJobDefinitions"},
	Closes:   "a job definition cannot be changed: create a new one with the settings below, point the monitoring schedule at it, delete the old one",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", "NetworkConfig.EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelQualityJobDefinition.html",
	parts:    networkConfigParts,

	CloudFormation: "AWS::SageMaker::ModelQualityJobDefinition",
}
