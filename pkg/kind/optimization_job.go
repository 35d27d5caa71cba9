package kind

// OptimizationJob is an optimization job.
const OptimizationJob Kind = "optimization-job"

var optimizationJob = Row{
	Kind:     OptimizationJob,
	Words:    "optimization job",
	Key:      []string{"OptimizationJobName"},
	Resource: "optimization-job/{OptimizationJobName}",
	Calls: []Call{
		{Name: "CreateOptimizationJob", ARN: "OptimizationJobArn", Marks: []string{"OptimizationJobName", "OptimizationConfigs", "ModelSource"}},
	},
	Deletes:  []string{"DeleteOptimizationJob"},
	Describe: Describe{Name: "DescribeOptimizationJob", ARN: "OptimizationJobArn", Status: "OptimizationJobStatus", Marks: []string{"OptimizationJobName"}},
	Lists:    []string{"ListOptimizationJobs"},
	Ends:     true,
	Stops:    []string{"StopOptimizationJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateOptimizationJob.html",
	parts:    func(r *reader) []Part { return single(r.container(where{VPC: "VpcConfig"})) },
}
