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
	Describe: Describe{Name: "DescribeEndpoint", ARN: "EndpointArn", Marks: []string{"EndpointName", "EndpointConfigName"}},
	Lists:    []string{"ListEndpoints"},
	Stops:    []string{"DeleteEndpoint"},
	Natives: []Native{
		{DetailType: "SageMaker Endpoint State Change", ARN: "EndpointArn"},
		{DetailType: "SageMaker Endpoint Deployment State Change", ARN: "EndpointArn"},
	},
	Changes: "the endpoint configuration, by UpdateEndpoint",
	Refers:  []Reference{{EndpointConfig, "EndpointConfigName"}},
	Closes:  "create a new endpoint configuration (its models too, where a variant has a model) with the settings below, then UpdateEndpoint with it",
	Paste:   pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html",
	parts:   endpointParts,
}

func endpointParts(r *reader) []Part {
	f := r.at("EndpointConfigName")
	if !f.set() {
		// Of a deployment in progress the event tells what is deployed.
		if g := r.at("PendingDeploymentSummary.EndpointConfigName"); g.set() {
			f = g
		}
	}
	c, reason := r.refer(EndpointConfig, f)
	if c == nil {
		return []Part{{Path: f.path, Posture: unknown(posture.Container, reason)}}
	}
	return borrow(endpointConfig.parts(c), f.path)
}
