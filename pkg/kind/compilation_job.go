package kind

// CompilationJob is a compilation job.
const CompilationJob Kind = "compilation-job"

var compilationJob = Row{
	Kind:     CompilationJob,
	Words:    "compilation job",
	Key:      []string{"CompilationJobName"},
	Resource: "compilation-job/{CompilationJobName}",
	Calls: []Call{
		{Name: "CreateCompilationJob", ARN: "CompilationJobArn", Marks: []string{"CompilationJobName", "OutputConfig", "RoleArn", "StoppingCondition"}},
	},
	Deletes:  []string{"DeleteCompilationJob"},
	Describe: Describe{Name: "DescribeCompilationJob", ARN: "CompilationJobArn", Status: "CompilationJobStatus", Marks: []string{"CompilationJobName"}},
	Lists:    []string{"ListCompilationJobs"},
	Ends:     true,
	Stops:    []string{"StopCompilationJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCompilationJob.html",
	parts:    func(r *reader) []Part { return single(r.container(where{VPC: "VpcConfig"})) },
}
