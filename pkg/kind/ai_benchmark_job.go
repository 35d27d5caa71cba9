package kind

// AIBenchmarkJob is an AI benchmark job.
const AIBenchmarkJob Kind = "ai-benchmark-job"

var aiBenchmarkJob = Row{
	Kind:     AIBenchmarkJob,
	Words:    "AI benchmark job",
	Key:      []string{"AIBenchmarkJobName"},
	Resource: "ai-benchmark-job/{AIBenchmarkJobName}",
	Calls: []Call{
		{Name: "CreateAIBenchmarkJob", ARN: "AIBenchmarkJobArn", Marks: []string{"AIBenchmarkJobName", "BenchmarkTarget"}},
	},
	Deletes:  []string{"DeleteAIBenchmarkJob"},
	Describe: Describe{Name: "DescribeAIBenchmarkJob", ARN: "AIBenchmarkJobArn", Status: "AIBenchmarkJobStatus", Marks: []string{"AIBenchmarkJobName"}},
	Lists:    []string{"ListAIBenchmarkJobs"},
	Ends:     true,
	Stops:    []string{"StopAIBenchmarkJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("NetworkConfig.VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAIBenchmarkJob.html",
	parts:    func(r *reader) []Part { return single(r.container(where{VPC: "NetworkConfig.VpcConfig"})) },
}
