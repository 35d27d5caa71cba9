package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// TransformJob is a batch transform job. It has no network settings: its
// model's decide.
const TransformJob Kind = "transform-job"

var transformJob = Row{
	Kind:     TransformJob,
	Words:    "transform job",
	Key:      []string{"TransformJobName"},
	Resource: "transform-job/{TransformJobName}",
	Calls: []Call{
		{Name: "CreateTransformJob", ARN: "TransformJobArn", Marks: []string{"TransformJobName", "ModelName", "TransformInput"}, Keys: []string{"ModelArn"}},
	},
	Describe: Describe{Name: "DescribeTransformJob", ARN: "TransformJobArn", Status: "TransformJobStatus", Marks: []string{"TransformJobName"}},
	Lists:    []string{"ListTransformJobs"},
	Parents:  []string{"AutoMLJobArn"},
	Ends:     true,
	Stops:    []string{"StopTransformJob"},
	Natives:  []Native{{DetailType: "SageMaker Transform Job State Change", ARN: "TransformJobArn"}},
	Refers:   []Reference{{Model, "ModelName"}},
	Snapshot: true,
	Fresh:    true,
	Closes:   "the network is the model's: create a new model with the settings below and start the transform job with it",
	Paste:    pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html",
	parts:    func(r *reader) []Part { return r.byModel(r.at("ModelName")) },
}

// byModel are the parts of the model that a field names.
func (r *reader) byModel(f field) []Part {
	m, reason := r.refer(Model, f)
	if m == nil {
		return []Part{{Path: f.path, Posture: unknown(posture.Container, reason)}}
	}
	return borrow(model.parts(m), f.path)
}
