package kind

// AutoMLJob is an Autopilot job.
const AutoMLJob Kind = "automl-job"

var autoMLJob = Row{
	Kind:     AutoMLJob,
	Words:    "AutoML job",
	Key:      []string{"AutoMLJobName"},
	Resource: "automl-job/{AutoMLJobName}",
	Calls: []Call{
		{Name: "CreateAutoMLJob", ARN: "AutoMLJobArn", Marks: []string{"AutoMLJobName", "InputDataConfig", "OutputDataConfig"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "InterContainerTrafficEncryption"}},
		{Name: "CreateAutoMLJobV2", ARN: "AutoMLJobArn", Marks: []string{"AutoMLJobName", "AutoMLJobInputDataConfig", "AutoMLProblemTypeConfig"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "InterContainerTrafficEncryption"}},
	},
	Describe: Describe{Name: "DescribeAutoMLJobV2", ARN: "AutoMLJobArn", Status: "AutoMLJobStatus", Marks: []string{"AutoMLJobName"}},
	Lists:    []string{"ListAutoMLJobs"},
	Ends:     true,
	Stops:    []string{"StopAutoMLJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("SecurityConfig.VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAutoMLJobV2.html",
	parts:    autoMLJobParts,
}

// autoMLJobParts reads SecurityConfig, which the second version of the API has
// at the top and the first below AutoMLJobConfig. Neither has an isolation switch.
func autoMLJobParts(r *reader) []Part {
	second := r.Call == "CreateAutoMLJobV2"
	if r.Call == "" {
		second = r.at("AutoMLJobInputDataConfig").set() || r.at("AutoMLProblemTypeConfig").set() || r.at("SecurityConfig").set()
	}
	base := "AutoMLJobConfig.SecurityConfig"
	if second {
		base = "SecurityConfig"
	}
	return single(r.container(where{VPC: join(base, "VpcConfig"), Encrypted: join(base, "EnableInterContainerTrafficEncryption")}))
}
