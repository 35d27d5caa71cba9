package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// LabelingJob is a Ground Truth labeling job.
const LabelingJob Kind = "labeling-job"

var labelingJob = Row{
	Kind:     LabelingJob,
	Words:    "labeling job",
	Key:      []string{"LabelingJobName"},
	Resource: "labeling-job/{LabelingJobName}",
	Calls: []Call{
		{Name: "CreateLabelingJob", ARN: "LabelingJobArn", Marks: []string{"LabelingJobName", "LabelAttributeName"}},
	},
	Describe: Describe{Name: "DescribeLabelingJob", ARN: "LabelingJobArn", Status: "LabelingJobStatus", Marks: []string{"LabelingJobName"}},
	Lists:    []string{"ListLabelingJobs"},
	Ends:     true,
	Stops:    []string{"StopLabelingJob"},
	Natives:  []Native{{DetailType: "SageMaker Ground Truth Labeling Job State Change"}},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("LabelingJobAlgorithmsConfig.LabelingJobResourceConfig.VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateLabelingJob.html",
	parts:    labelingJobParts,

	Terraform: "aws_sagemaker_labeling_job",
}

// labelingJobParts: people label, and no code runs, unless automated labeling
// is configured.
func labelingJobParts(r *reader) []Part {
	f := r.at("LabelingJobAlgorithmsConfig")
	switch {
	case f.unset():
		return single(blank(posture.NoCode))
	case !f.set():
		return single(unknown(posture.Unassessed, r.why(f)))
	default:
		return single(r.containerBelow(f, where{VPC: "LabelingJobResourceConfig.VpcConfig"}))
	}
}
