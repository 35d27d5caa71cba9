package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// HyperParameterTuningJob is a hyperparameter tuning job.
const HyperParameterTuningJob Kind = "hyper-parameter-tuning-job"

var hyperParameterTuningJob = Row{
	Kind:     HyperParameterTuningJob,
	Words:    "hyperparameter tuning job",
	Key:      []string{"HyperParameterTuningJobName"},
	Resource: "hyper-parameter-tuning-job/{HyperParameterTuningJobName}",
	Calls: []Call{
		{Name: "CreateHyperParameterTuningJob", ARN: "HyperParameterTuningJobArn", Marks: []string{"HyperParameterTuningJobName", "HyperParameterTuningJobConfig"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption", "FileSystemId", "FileSystemType", "FileSystemAccessMode", "FileSystemDirectoryPath"}},
	},
	Deletes:  []string{"DeleteHyperParameterTuningJob"},
	Describe: Describe{Name: "DescribeHyperParameterTuningJob", ARN: "HyperParameterTuningJobArn", Status: "HyperParameterTuningJobStatus", Marks: []string{"HyperParameterTuningJobName"}},
	Lists:    []string{"ListHyperParameterTuningJobs", "Search"},
	Ends:     true,
	Stops:    []string{"StopHyperParameterTuningJob"},
	Natives: []Native{{
		DetailType: "SageMaker HyperParameter Tuning Job State Change", ARN: "HyperParameterTuningJobArn",
		Lacks: []string{"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"},
	}},
	Closes: "the network of a running job cannot be changed: stop it and start a new one with the settings below in every training job definition",
	Paste:  pasteNetwork("TrainingJobDefinition.VpcConfig", "TrainingJobDefinition.EnableNetworkIsolation"),
	Doc:    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html",
	parts:  hyperParameterTuningJobParts,

	Terraform: "aws_sagemaker_hyper_parameter_tuning_job",
}

// hyperParameterTuningJobParts reads the one definition and the list of them: a
// request has either. An empty one beside no list says only that the record was
// cut, for every tuning job has a definition.
func hyperParameterTuningJobParts(r *reader) []Part {
	w := where{VPC: "VpcConfig", Isolation: "EnableNetworkIsolation", Encrypted: "EnableInterContainerTrafficEncryption"}
	var parts []Part
	one, many := r.at("TrainingJobDefinition"), r.at("TrainingJobDefinitions")
	if one.set() {
		parts = append(parts, r.definition(one, w))
	}
	for _, f := range r.each(many) {
		parts = append(parts, r.definition(f, w))
	}
	if many.set() && many.value.Len() == 0 {
		parts = append(parts, Part{Name: "TrainingJobDefinitions", Path: many.path, Posture: unknown(posture.Container, r.why(many))})
	}
	if len(parts) == 0 {
		reason := r.why(one)
		reason.Why = "the record has no training job definition"
		return single(unknown(posture.Container, reason))
	}
	return parts
}

func (r *reader) definition(f field, w where) Part {
	name := r.below(f, "DefinitionName").value.Str()
	if name == "" {
		name = "TrainingJobDefinition"
	}
	return Part{Name: name, Path: f.path, Kind: TrainingJob, Posture: r.containerBelow(f, w)}
}
