package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// TrainingJob is a training job.
const TrainingJob Kind = "training-job"

var trainingJob = Row{
	Kind:     TrainingJob,
	Words:    "training job",
	Key:      []string{"TrainingJobName"},
	Resource: "training-job/{TrainingJobName}",
	Calls: []Call{
		{Name: "CreateTrainingJob", ARN: "TrainingJobArn", Marks: []string{"TrainingJobName", "RoleArn", "OutputDataConfig"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption", "EnableRemoteDebug", "FileSystemId", "FileSystemType", "FileSystemAccessMode", "FileSystemDirectoryPath"}},
		{Name: "UpdateTrainingJob", Effect: Changes, ARN: "TrainingJobArn", Marks: []string{"TrainingJobName", "RemoteDebugConfig"}, Keys: []string{"EnableRemoteDebug"}},
	},
	Deletes:  []string{"DeleteTrainingJob"},
	Describe: Describe{Name: "DescribeTrainingJob", ARN: "TrainingJobArn", Status: "TrainingJobStatus", Marks: []string{"TrainingJobName"}},
	Lists:    []string{"ListTrainingJobs", "Search"},
	Parents:  []string{"TuningJobArn", "AutoMLJobArn"},
	Ends:     true,
	Stops:    []string{"StopTrainingJob"},
	// The event has VpcConfig, {} where there is none, and never the switches.
	Natives: []Native{{
		DetailType: "SageMaker Training Job State Change", ARN: "TrainingJobArn",
		Lacks: []string{"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "RemoteDebugConfig"},
	}},
	Changes: "remote debugging, while the job runs",
	Closes:  "the network of a running job cannot be changed: stop it and start a new one with the settings below",
	Paste:   pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html",
	parts:   trainingJobParts,

	Terraform: "aws_sagemaker_training_job",
}

func trainingJobParts(r *reader) []Part {
	p := r.container(where{VPC: "VpcConfig", Isolation: "EnableNetworkIsolation", Encrypted: "EnableInterContainerTrafficEncryption"})
	r.access(&p, posture.RemoteDebug, r.at("RemoteDebugConfig.EnableRemoteDebug"), nil)
	return single(p)
}
