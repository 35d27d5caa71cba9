package kind

import (
	"strconv"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// EndpointConfig is an endpoint configuration. A variant with a model has the
// model's network, and so has each pool of its instances that runs another one; a
// variant without one, which inference components use, has the configuration's own;
// a serverless variant has none of ours.
// https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InstancePool.html
const EndpointConfig Kind = "endpoint-config"

var endpointConfig = Row{
	Kind:     EndpointConfig,
	Words:    "endpoint configuration",
	Key:      []string{"EndpointConfigName"},
	Resource: "endpoint-config/{EndpointConfigName}",
	Calls: []Call{
		{Name: "CreateEndpointConfig", ARN: "EndpointConfigArn", Marks: []string{"EndpointConfigName", "ProductionVariants"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "ModelArn", "ServerlessMemorySize"}},
	},
	Deletes:  []string{"DeleteEndpointConfig"},
	Describe: Describe{Name: "DescribeEndpointConfig", ARN: "EndpointConfigArn", Marks: []string{"EndpointConfigName"}},
	Lists:    []string{"ListEndpointConfigs"},
	Natives: []Native{{
		DetailType: "SageMaker Endpoint Config State Change", ARN: "EndpointConfigArn",
		Lacks: []string{"VpcConfig", "EnableNetworkIsolation", "ServerlessConfig", "EnableSSMAccess", "InstancePools"},
	}},
	Refers: []Reference{
		{Model, "ProductionVariants[].ModelName"},
		{Model, "ProductionVariants[].InstancePools[].ModelNameOverride"},
		{Model, "ShadowProductionVariants[].ModelName"},
		{Model, "ShadowProductionVariants[].InstancePools[].ModelNameOverride"},
	},
	Closes: "an endpoint configuration cannot be changed: create a new one (its models too, where a variant has a model) with the settings below, then UpdateEndpoint with it",
	Paste:  pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
	parts:  endpointConfigParts,

	CloudFormation: "AWS::SageMaker::EndpointConfig",
	Terraform:      "aws_sagemaker_endpoint_configuration",
}

func endpointConfigParts(r *reader) []Part {
	own := r.container(where{VPC: "VpcConfig", Isolation: "EnableNetworkIsolation"})
	var parts []Part
	for _, list := range []string{"ProductionVariants", "ShadowProductionVariants"} {
		f := r.at(list)
		variants := r.each(f)
		for i, v := range variants {
			parts = append(parts, r.variant(v, list+"["+strconv.Itoa(i)+"]", own)...)
		}
		if len(variants) == 0 && (f.set() || list == "ProductionVariants") {
			// Every configuration has a production variant.
			parts = append(parts, Part{Name: list, Path: f.path, Posture: unknown(posture.Container, r.why(f))})
		}
	}
	return parts
}

// pools are the pools of a variant's instances that run a model of their own in place
// of the variant's.
func (r *reader) pools(v field, variant string) (parts []Part) {
	f := r.below(v, "InstancePools")
	all := r.each(f)
	if len(all) == 0 && !f.unset() {
		return []Part{{Name: variant + "/InstancePools", Path: f.path, Posture: unknown(posture.Container, r.why(f))}}
	}
	for i, pool := range all {
		override := r.below(pool, "ModelNameOverride")
		if override.unset() {
			continue
		}
		name := r.below(pool, "InstanceType").value.Str()
		if name == "" {
			name = strconv.Itoa(i)
		}
		own := single(unknown(posture.Container, r.why(override)))
		if override.set() {
			own = r.byModel(override)
		}
		for i := range own {
			own[i].Name, own[i].Path = variant+"/"+name, pool.path
		}
		parts = append(parts, own...)
	}
	return parts
}

// variant judges one variant: serverless, by its model, or by the
// configuration's own settings.
func (r *reader) variant(v field, fallback string, own posture.Posture) []Part {
	name := r.below(v, "VariantName").value.Str()
	if name == "" {
		name = fallback
	}
	serverlessConfig, modelName := r.below(v, "ServerlessConfig"), r.below(v, "ModelName")
	var parts []Part
	switch {
	case serverlessConfig.value.Why() != "" || !serverlessConfig.known:
		parts = single(unknown(posture.Container, r.why(serverlessConfig)))
	case serverlessConfig.set():
		parts = single(serverless(serverlessConfig.path))
	case modelName.set():
		parts = r.byModel(modelName)
	case modelName.unset():
		parts = single(own)
	default:
		parts = single(unknown(posture.Container, r.why(modelName)))
	}
	for i := range parts {
		parts[i].Name, parts[i].Path = name, v.path
	}
	parts = append(parts, r.pools(v, name)...)
	for i := range parts {
		p := &parts[i].Posture
		r.access(p, posture.SSMAccess, r.below(v, "EnableSSMAccess"), nil)
	}
	return parts
}
