package kind

import (
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Algorithm is an algorithm resource, which SageMaker may validate by running it.
const Algorithm Kind = "algorithm"

var algorithm = Row{
	Kind:     Algorithm,
	Words:    "algorithm",
	Key:      []string{"AlgorithmName"},
	Resource: "algorithm/{AlgorithmName}",
	Calls: []Call{
		{Name: "CreateAlgorithm", ARN: "AlgorithmArn", Marks: []string{"AlgorithmName", "TrainingSpecification"}},
	},
	Deletes:  []string{"DeleteAlgorithm"},
	Describe: Describe{Name: "DescribeAlgorithm", ARN: "AlgorithmArn", Status: "AlgorithmStatus", Marks: []string{"AlgorithmName"}},
	Lists:    []string{"ListAlgorithms"},
	Natives:  []Native{{DetailType: "SageMaker Algorithm State Change", ARN: "AlgorithmArn"}},
	Closes:   "validation jobs cannot be placed in a VPC: create the algorithm without a validation profile",
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAlgorithm.html",
	parts:    algorithmParts,

	Terraform: "aws_sagemaker_algorithm",
}

// algorithmParts: a validation profile starts training and transform jobs, for
// which the API has no VPC setting.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmValidationSpecification.html
func algorithmParts(r *reader) []Part {
	profiles := r.at("ValidationSpecification.ValidationProfiles")
	switch {
	case profiles.unset():
		return single(blank(posture.NoCode))
	case profiles.value.Kind() == jsondoc.Array && profiles.set():
		return single(serverless(profiles.path))
	default:
		return single(unknown(posture.Unassessed, r.why(profiles)))
	}
}
