package kind

// DataQualityJobDefinition is a data quality job definition.
const DataQualityJobDefinition Kind = "data-quality-job-definition"

var dataQualityJobDefinition = Row{
	Kind:     DataQualityJobDefinition,
	Words:    "data quality job definition",
	Key:      []string{"JobDefinitionName"},
	Resource: "data-quality-job-definition/{JobDefinitionName}",
	Calls: []Call{
		{Name: "CreateDataQualityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName", "DataQualityAppSpecification", "DataQualityJobInput"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
	},
	Deletes:  []string{"DeleteDataQualityJobDefinition"},
	Describe: Describe{Name: "DescribeDataQualityJobDefinition", ARN: "JobDefinitionArn", Marks: []string{"JobDefinitionName"}},
	Lists:    []string{"ListDataQualityJobDefinitions"},
	Closes:   "a job definition cannot be changed: create a new one with the settings below, point the monitoring schedule at it, delete the old one",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", "NetworkConfig.EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateDataQualityJobDefinition.html",
	parts:    networkConfigParts,

	CloudFormation: "AWS::SageMaker::DataQualityJobDefinition",
	Terraform:      "aws_sagemaker_data_quality_job_definition",
}
