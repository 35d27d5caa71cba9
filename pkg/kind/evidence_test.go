package kind

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// classes are the classes of a configuration's parts, in their order.
func classes(parts []Part) string {
	var out []string
	for _, p := range parts {
		out = append(out, verdict.Of(p.Posture).Class.String())
	}
	return strings.Join(out, " ")
}

// TestPendingDeployment: what is being deployed counts beside what runs.
func TestPendingDeployment(t *testing.T) {
	configs := known{
		"endpoint-config good": `{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]},"ProductionVariants":[{"VariantName":"v"}]}`,
		"endpoint-config bad":  `{"ProductionVariants":[{"VariantName":"v"}]}`,
	}
	for doc, want := range map[string]string{
		`{"EndpointConfigName":"good"}`: "b-vpc",
		`{"EndpointConfigName":"good","PendingDeploymentSummary":{"EndpointConfigName":"bad"}}`:       "b-internet b-vpc",
		`{"EndpointConfigName":"good","PendingDeploymentSummary":{"EndpointConfigName":"good"}}`:      "b-vpc",
		`{"PendingDeploymentSummary":{"EndpointConfigName":"bad"}}`:                                   "b-internet",
		`{"EndpointConfigName":"good","PendingDeploymentSummary":{"EndpointConfigName":"elsewhere"}}`: "unknown b-vpc",
	} {
		if got := classes(endpoint.Parts(Record{Doc: parse(t, doc)}, configs.lookup(t))); got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
}

// TestWorkersEverywhere: ranges that together leave nobody out are no limit.
func TestWorkersEverywhere(t *testing.T) {
	for cidrs, want := range map[string]posture.Fact{
		`"10.0.0.0/8"`:                           posture.Yes,
		`"0.0.0.0/0"`:                            posture.No,
		`"10.0.0.0/8","0.0.0.0/0"`:               posture.No,
		`"0.0.0.0/1","128.0.0.0/1"`:              posture.No,
		`"128.0.0.0/1","0.0.0.0/2","64.0.0.0/2"`: posture.No,
		`"0.0.0.0/1","128.0.0.0/2"`:              posture.Yes,
		`"0.0.0.0/1","129.0.0.0/1"`:              posture.No,
		`"128.0.0.0/1","192.0.0.0/2"`:            posture.Yes,
		`"::/0"`:                                 posture.No,
		`"::/1","8000::/1"`:                      posture.No,
		`"2001:db8::/32"`:                        posture.Yes,
		`"2001:db8::1/128"`:                      posture.Yes,
		`"somewhere"`:                            posture.Unknown,
		`"10.0.0.0/8","somewhere"`:               posture.Unknown,
		`"0.0.0.0/0","somewhere"`:                posture.No,
	} {
		p := workforce.Parts(Record{Doc: parse(t, `{"SourceIpConfig":{"Cidrs":[`+cidrs+`]}}`)}, nil)[0].Posture
		if p.Workers != want {
			t.Errorf("%s: workers are kept out: %s, want %s", cidrs, p.Workers, want)
		}
	}
	base := parse(t, `{"WorkforceName":"w","SourceIpConfig":{"Cidrs":["10.0.0.0/8"]}}`)
	for update, want := range map[string]posture.Fact{
		`{"WorkforceName":"w"}`:                                          posture.Yes,
		`{"WorkforceName":"w","SourceIpConfig":null}`:                    posture.Yes,
		`{"WorkforceName":"w","SourceIpConfig":{"Cidrs":["0.0.0.0/0"]}}`: posture.No,
		`{"WorkforceName":"w","SourceIpConfig":{"Cidrs":[]}}`:            posture.Unknown,
		`{"WorkforceName":"w","SourceIpConfig":{}}`:                      posture.Unknown,
		`{"WorkforceName":"w","WorkforceVpcConfig":{}}`:                  posture.Yes,
		`{"WorkforceName":"w","WorkforceVpcConfig":{"VpcId":"vpc-1"}}`:   posture.Yes,
	} {
		doc := workforce.Overlay(base, parse(t, update), Changes)
		if p := workforce.Parts(Record{Doc: doc}, nil)[0].Posture; p.Workers != want {
			t.Errorf("after %s workers are kept out: %s, want %s", update, p.Workers, want)
		}
	}
}

// TestExecutionsOfElse: an execution that may run another definition is unknown,
// and so is what steps take from steps that are not run.
func TestExecutionsOfElse(t *testing.T) {
	p := known{"pipeline p": `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[{\"Name\":\"M\",\"Type\":\"Model\",\"Arguments\":{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"],\"SecurityGroupIds\":[\"sg-1\"]}}},{\"Name\":\"T\",\"Type\":\"Transform\",\"Arguments\":{\"ModelName\":{\"Get\":\"Steps.M.ModelName\"}}}]}"}`}
	for doc, want := range map[string]string{
		`{"PipelineName":"p"}`: "b-vpc b-vpc",
		`{"PipelineName":"p","RoleArn":"arn:aws:iam::1:role/x"}`:                               "unknown",
		`{"PipelineName":"p","SelectiveExecutionConfig":{"SelectedSteps":[{"StepName":"T"}]}}`: "b-vpc unknown",
		`{"PipelineName":"arn:aws:sagemaker:eu-west-1:1:model/p"}`:                             "unknown",
	} {
		if got := classes(pipelineExecution.Parts(Record{Doc: parse(t, doc)}, p.lookup(t))); got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
}

// TestClusterGaps: groups that the record does not tell are not passed over.
func TestClusterGaps(t *testing.T) {
	const vpc = `"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}`
	for doc, want := range map[string]string{
		`{` + vpc + `,"InstanceGroups":[{"InstanceGroupName":"g"}]}`:                                                             "b-vpc",
		`{` + vpc + `,"InstanceGroups":"HIDDEN_DUE_TO_SECURITY_REASONS"}`:                                                        "unknown",
		`{` + vpc + `,"InstanceGroups":[{"InstanceGroupName":"g"}],"RestrictedInstanceGroups":"HIDDEN_DUE_TO_SECURITY_REASONS"}`: "b-vpc unknown",
		`{` + vpc + `,"omitted":true}`: "unknown unknown",
	} {
		if got := classes(cluster.Parts(Record{Doc: parse(t, doc)}, nil)); got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
	attached := cluster.Parts(Record{Doc: parse(t, `{`+vpc+`,"NetworkInterfaceId":"eni-1","InstanceGroups":[{"InstanceGroupName":"g"}],"RestrictedInstanceGroups":[{"InstanceGroupName":"r"}]}`)}, nil)
	if !attached[0].Posture.Subnets.Unknown || attached[1].Posture.Subnets.Unknown || attached[1].Posture.Attached != posture.No {
		t.Errorf("an attached interface: %+v", attached)
	}
}

// TestBothEMR: a step that names a cluster of its own and one that exists tells
// neither.
func TestBothEMR(t *testing.T) {
	for _, step := range []string{
		`{"Name":"e","Type":"EMR","Arguments":{"ClusterId":"j-1","ClusterConfig":{"Instances":{"Ec2SubnetId":"subnet-1"}}}}`,
		`{"Name":"e","Type":"EMRServerless","Arguments":{"ApplicationId":"a","ApplicationConfig":{"networkConfiguration":{"subnetIds":["subnet-1"]}}}}`,
	} {
		doc := jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinition", Value: jsondoc.OfString(`{"Version":"2020-12-01","Steps":[` + step + `]}`)})
		if got := classes(pipelineRow.Parts(Record{Doc: doc}, nil)); got != "unknown" {
			t.Errorf("%s: %s", step, got)
		}
	}
}

// TestTagsAsFarAsTold: tags are known only as far as they can be read, and only right after
// the creation.
func TestTagsAsFarAsTold(t *testing.T) {
	for name, c := range map[string]struct {
		rec   Record
		tags  string
		known bool
	}{
		"a creation":         {Record{Call: "CreateModel", Doc: parse(t, `{"tags":[{"key":"env","value":"prod"}]}`)}, "env=prod", true},
		"without tags":       {Record{Call: "CreateModel", Doc: parse(t, `{"modelName":"m"}`)}, "", true},
		"an event":           {Record{Doc: parse(t, `{"Tags":{"env":"prod"}}`)}, "env=prod", true},
		"a change":           {Record{Call: "UpdateDomain", Doc: parse(t, `{"tags":[{"key":"env","value":"prod"}]}`)}, "env=prod", false},
		"hidden":             {Record{Call: "CreateModel", Doc: parse(t, `{"tags":"HIDDEN_DUE_TO_SECURITY_REASONS"}`)}, "", false},
		"one hidden":         {Record{Call: "CreateModel", Doc: parse(t, `{"tags":["HIDDEN_DUE_TO_SECURITY_REASONS",{"key":"a","value":"b"}]}`)}, "a=b", false},
		"a hidden value":     {Record{Call: "CreateModel", Doc: parse(t, `{"tags":[{"key":"env","value":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}`)}, "", false},
		"not in the record":  {Record{Call: "CreateModel", Lacks: []string{"Tags"}, Doc: parse(t, `{"modelName":"m"}`)}, "", false},
		"a value of no text": {Record{Call: "CreateModel", Doc: parse(t, `{"tags":[{"key":"env","value":7}]}`)}, "", false},
	} {
		row := &model
		if c.rec.Call == "UpdateDomain" {
			row = &domain
		}
		tags, isKnown := row.Tags(c.rec)
		var got []string
		for k, v := range tags {
			got = append(got, k+"="+v)
		}
		slices.Sort(got)
		if strings.Join(got, ",") != c.tags || isKnown != c.known {
			t.Errorf("%s: %v, known %v, want %s, %v", name, got, isKnown, c.tags, c.known)
		}
	}
}

// TestManyParts: the parts of a pipeline are bounded, and the rest is unknown.
func TestManyParts(t *testing.T) {
	var steps []string
	var variants []string
	for range 300 {
		variants = append(variants, `{"ModelName":{"Get":"Steps.m.ModelName"}}`)
		steps = append(steps, `{"Name":"x","Type":"Endpoint","Arguments":{"EndpointConfigName":{"Get":"Steps.c.EndpointConfigName"}}}`)
	}
	steps = append(steps, `{"Name":"m","Type":"Model","Arguments":{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}}`,
		`{"Name":"c","Type":"EndpointConfig","Arguments":{"ProductionVariants":[`+strings.Join(variants, ",")+`]}}`)
	doc := jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinition", Value: jsondoc.OfString(`{"Version":"2020-12-01","Steps":[` + strings.Join(steps, ",") + `]}`)})
	parts := pipelineRow.Parts(Record{Doc: doc}, nil)
	if last := parts[len(parts)-1]; len(parts) > 2*maxParts || verdict.Of(last.Posture).Class != verdict.Unknown {
		t.Errorf("%d parts, the last of class %s", len(parts), verdict.Of(last.Posture).Class)
	}
}

// TestComponentDuringDeployment: a component is in both of the variants that have
// its name while one takes the place of the other.
func TestComponentDuringDeployment(t *testing.T) {
	input := known{
		"endpoint e":           `{"EndpointConfigName":"bad","PendingDeploymentSummary":{"EndpointConfigName":"good"}}`,
		"endpoint-config good": `{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]},"ProductionVariants":[{"VariantName":"v"},{"VariantName":"w"}]}`,
		"endpoint-config bad":  `{"ProductionVariants":[{"VariantName":"v"}]}`,
	}
	for doc, want := range map[string]string{
		`{"EndpointName":"e","VariantName":"v"}`: "b-vpc b-internet",
		`{"EndpointName":"e","VariantName":"w"}`: "b-vpc",
		`{"EndpointName":"e","VariantName":"x"}`: "b-vpc b-vpc b-internet",
		`{"EndpointName":"e"}`:                   "b-vpc b-vpc b-internet",
	} {
		if got := classes(inferenceComponent.Parts(Record{Doc: parse(t, doc)}, input.lookup(t))); got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
}

// TestRegisteredModels: a model package that is validated runs jobs.
func TestRegisteredModels(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"ModelPackageGroupName":"g"}`:                                            "n/a",
		`{"ValidationSpecification":{"ValidationProfiles":[{"ProfileName":"p"}]}}`: "b-internet",
		`{"ValidationSpecification":{"Get":"Steps.x.y"}}`:                          "unknown",
	} {
		doc := jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinition", Value: jsondoc.OfString(`{"Version":"2020-12-01","Steps":[{"Name":"r","Type":"RegisterModel","Arguments":` + arguments + `}]}`)})
		if got := classes(pipelineRow.Parts(Record{Doc: doc}, nil)); got != want {
			t.Errorf("%s: %s, want %s", arguments, got, want)
		}
	}
}
