package kind

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// InferenceComponent is a model's share of an endpoint. It runs in the network
// of the endpoint's variant.
const InferenceComponent Kind = "inference-component"

var inferenceComponent = Row{
	Kind:     InferenceComponent,
	Words:    "inference component",
	Key:      []string{"InferenceComponentName"},
	Resource: "inference-component/{InferenceComponentName}",
	Calls: []Call{
		{Name: "CreateInferenceComponent", ARN: "InferenceComponentArn", Marks: []string{"InferenceComponentName", "EndpointName"}, Keys: []string{"ModelArn"}},
		{Name: "UpdateInferenceComponent", Effect: Changes, ARN: "InferenceComponentArn", Marks: []string{"InferenceComponentName", "Specification"}},
	},
	Deletes:  []string{"DeleteInferenceComponent"},
	Describe: Describe{Name: "DescribeInferenceComponent", ARN: "InferenceComponentArn", Status: "InferenceComponentStatus", Marks: []string{"InferenceComponentName"}},
	Lists:    []string{"ListInferenceComponents"},
	Stops:    []string{"DeleteInferenceComponent"},
	Changes:  "what runs in it; the network stays the endpoint's",
	Owner:    Reference{Endpoint, "EndpointName"},
	Refers:   []Reference{{Endpoint, "EndpointName"}},
	Fresh:    true,
	Closes:   "the network is the endpoint's: create a new endpoint configuration with the settings below, then UpdateEndpoint with it",
	Paste:    pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html",
	parts:    inferenceComponentParts,

	CloudFormation: "AWS::SageMaker::InferenceComponent",
}

// inferenceComponentParts are the endpoint's parts, or those of the component's
// variant.
func inferenceComponentParts(r *reader) []Part {
	f := r.at("EndpointName")
	e, reason := r.refer(Endpoint, f)
	if e == nil {
		return []Part{{Path: f.path, Posture: unknown(posture.Container, reason)}}
	}
	parts := borrow(endpoint.parts(e), f.path)
	if variant := r.at("VariantName").value.Str(); variant != "" {
		// While a deployment is in progress there are two of the name.
		named := slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return p.Name != variant && !strings.HasPrefix(p.Name, variant+"/") })
		if len(named) > 0 {
			return named
		}
	}
	return parts
}
