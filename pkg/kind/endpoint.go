package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// Endpoint is an inference endpoint. Its endpoint configuration decides.
const Endpoint Kind = "endpoint"

var endpoint = Row{
	Kind:     Endpoint,
	Words:    "endpoint",
	Key:      []string{"EndpointName"},
	Resource: "endpoint/{EndpointName}",
	Calls: []Call{
		{Name: "CreateEndpoint", ARN: "EndpointArn", Marks: []string{"EndpointName", "EndpointConfigName"}},
		{Name: "UpdateEndpoint", Effect: Replaces, ARN: "EndpointArn"},
	},
	Deletes:  []string{"DeleteEndpoint"},
	Describe: Describe{Name: "DescribeEndpoint", ARN: "EndpointArn", Status: "EndpointStatus", Marks: []string{"EndpointName", "EndpointConfigName"}},
	Lists:    []string{"ListEndpoints"},
	Stops:    []string{"DeleteEndpoint"},
	Natives: []Native{
		{DetailType: "SageMaker Endpoint State Change", ARN: "EndpointArn"},
		{DetailType: "SageMaker Endpoint Deployment State Change", ARN: "EndpointArn"},
	},
	Changes:  "the endpoint configuration, by UpdateEndpoint",
	Refers:   []Reference{{EndpointConfig, "EndpointConfigName"}},
	Snapshot: true,
	Fresh:    true,
	Closes:   "create a new endpoint configuration (its models too, where a variant has a model) with the settings below, then UpdateEndpoint with it",
	Paste:    pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html",
	parts:    endpointParts,

	CloudFormation: "AWS::SageMaker::Endpoint",
	Terraform:      "aws_sagemaker_endpoint",
}

// endpointParts are those of the endpoint's configuration and, while a
// deployment is in progress, of the one that is being deployed.
func endpointParts(r *reader) []Part {
	current, pending := r.at("EndpointConfigName"), r.at("PendingDeploymentSummary.EndpointConfigName")
	if !pending.set() || pending.value.Str() == current.value.Str() {
		return r.byConfig(current)
	}
	parts := r.byConfig(pending)
	if current.set() {
		parts = append(parts, r.byConfig(current)...)
	}
	return parts
}

// byConfig are the parts of the endpoint configuration that a field names.
func (r *reader) byConfig(f field) []Part {
	c, reason := r.refer(EndpointConfig, f)
	if c == nil {
		return []Part{{Path: f.path, Posture: unknown(posture.Container, reason)}}
	}
	return borrow(endpointConfig.parts(c), f.path)
}
