package kind

// ModelExplainabilityJobDefinition is a model explainability job definition.
const ModelExplainabilityJobDefinition Kind = "model-explainability-job-definition"

var modelExplainabilityJobDefinition = Row{
	Kind:     ModelExplainabilityJobDefinition,
	Words:    "model explainability job definition",
	Key:      []string{"JobDefinitionName"},
	Resource: "model-explainability-job-definition/{JobDefinitionName}",
	Calls: []Call{
		{Name: "CreateModelExplainabilityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName", "ModelExplainabilityAppSpecification", "ModelExplainabilityJobInput"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
	},
	Deletes:  []string{"DeleteModelExplainabilityJobDefinition"},
	Describe: Describe{Name: "DescribeModelExplainabilityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName"}},
	Lists:    []string{"ListModelExplainabilityJobDefinitions"},
	Closes:   "a job definition cannot be changed: create a new one with the settings below, point the monitoring schedule at it, delete the old one",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", "NetworkConfig.EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelExplainabilityJobDefinition.html",
	parts:    networkConfigParts,

	CloudFormation: "AWS::SageMaker::ModelExplainabilityJobDefinition",
}
