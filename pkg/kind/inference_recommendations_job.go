package kind

// InferenceRecommendationsJob is an Inference Recommender job.
const InferenceRecommendationsJob Kind = "inference-recommendations-job"

var inferenceRecommendationsJob = Row{
	Kind:     InferenceRecommendationsJob,
	Words:    "inference recommendations job",
	Key:      []string{"JobName"},
	Resource: "inference-recommendations-job/{JobName}",
	Calls: []Call{
		{Name: "CreateInferenceRecommendationsJob", ARN: "JobArn", Marks: []string{"JobName", "JobType", "InputConfig"}},
	},
	Describe: Describe{Name: "DescribeInferenceRecommendationsJob", ARN: "JobArn", Status: "Status", Marks: []string{"JobName", "JobType"}},
	Lists:    []string{"ListInferenceRecommendationsJobs"},
	Ends:     true,
	Stops:    []string{"StopInferenceRecommendationsJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("InputConfig.VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceRecommendationsJob.html",
	parts:    func(r *reader) []Part { return single(r.container(where{VPC: "InputConfig.VpcConfig"})) },
}
