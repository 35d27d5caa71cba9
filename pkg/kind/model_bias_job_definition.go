package kind

// ModelBiasJobDefinition is a model bias job definition.
const ModelBiasJobDefinition Kind = "model-bias-job-definition"

var modelBiasJobDefinition = Row{
	Kind:     ModelBiasJobDefinition,
	Words:    "model bias job definition",
	Key:      []string{"JobDefinitionName"},
	Resource: "model-bias-job-definition/{JobDefinitionName}",
	Calls: []Call{
		{Name: "CreateModelBiasJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName", "ModelBiasAppSpecification", "ModelBiasJobInput"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
	},
	Deletes:  []string{"DeleteModelBiasJobDefinition"},
	Describe: Describe{Name: "DescribeModelBiasJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName"}},
	Lists:    []string{"ListModelBiasJobDefinitions"},
	Closes:   "a job definition cannot be changed: create a new one with the settings below, point the monitoring schedule at it, delete the old one",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", "NetworkConfig.EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelBiasJobDefinition.html",
	parts:    networkConfigParts,

	CloudFormation: "AWS::SageMaker::ModelBiasJobDefinition",
}
