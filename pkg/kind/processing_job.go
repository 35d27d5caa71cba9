package kind

// ProcessingJob is a processing job.
const ProcessingJob Kind = "processing-job"

var processingJob = Row{
	Kind:     ProcessingJob,
	Words:    "processing job",
	Key:      []string{"ProcessingJobName"},
	Resource: "processing-job/{ProcessingJobName}",
	Calls: []Call{
		{Name: "CreateProcessingJob", ARN: "ProcessingJobArn", Marks: []string{"ProcessingJobName", "RoleArn", "ProcessingResources"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
	},
	Deletes:  []string{"DeleteProcessingJob"},
	Describe: Describe{Name: "DescribeProcessingJob", ARN: "ProcessingJobArn", Status: "ProcessingJobStatus", Marks: []string{"ProcessingJobName"}},
	Lists:    []string{"ListProcessingJobs"},
	Parents:  []string{"AutoMLJobArn"},
	Ends:     true,
	Stops:    []string{"StopProcessingJob"},
	Natives:  []Native{{DetailType: "SageMaker Processing Job State Change", ARN: "ProcessingJobArn"}},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", "NetworkConfig.EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html",
	parts:    networkConfigParts,

	CloudFormation: "AWS::SageMaker::ProcessingJob",
}

// networkConfigParts reads NetworkConfig, which processing jobs and the job
// definitions of Model Monitor have in common.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_NetworkConfig.html
func networkConfigParts(r *reader) []Part { return single(r.container(underNetworkConfig(""))) }

// underNetworkConfig is where NetworkConfig has its settings, below a path.
func underNetworkConfig(base string) where {
	base = join(base, "NetworkConfig")
	return where{
		VPC:       join(base, "VpcConfig"),
		Isolation: join(base, "EnableNetworkIsolation"),
		Encrypted: join(base, "EnableInterContainerTrafficEncryption"),
	}
}
