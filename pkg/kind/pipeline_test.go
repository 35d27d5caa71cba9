package kind

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
)

// definition is the request of CreatePipeline with the steps.
func definition(t *testing.T, steps string) string {
	t.Helper()
	text, err := json.Marshal(`{"Version":"2020-12-01","Parameters":[{"Name":"Net","Type":"String","DefaultValue":"subnet-d"}],"Steps":` + steps + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return `{"PipelineName":"p","PipelineDefinition":` + string(text) + `}`
}

func step(name, typ, arguments string) string {
	return `{"Name":"` + name + `","Type":"` + typ + `","Arguments":` + arguments + `}`
}

func steps(s ...string) string { return "[" + strings.Join(s, ",") + "]" }

func TestPipelineSteps(t *testing.T) {
	const net = `{"VpcConfig":` + vpcConfig + `}`
	var tests []test
	add := func(name string, want []string, why string, s ...string) {
		tests = append(tests, test{name: name, doc: definition(t, steps(s...)), want: want, why: why})
	}
	add("jobs and models", []string{"T: b-vpc vpc", "P: a service", "C: b-internet service", "Q: b-vpc vpc", "H/one: b-vpc vpc", "A: b-vpc vpc", "M: a vpc", "J: b-vpc vpc"}, "",
		step("T", "Training", net),
		step("P", "Processing", `{"NetworkConfig":{"EnableNetworkIsolation":true}}`),
		step("C", "ClarifyCheck", `{}`),
		step("Q", "QualityCheck", `{"NetworkConfig":`+net+`}`),
		step("H", "Tuning", `{"TrainingJobDefinition":{"DefinitionName":"one","VpcConfig":`+vpcConfig+`}}`),
		step("A", "AutoML", `{"AutoMLJobConfig":{"SecurityConfig":`+net+`}}`),
		step("M", "Model", `{"EnableNetworkIsolation":true,"VpcConfig":`+vpcConfig+`}`),
		step("J", "Job", `{"JobConfigDocument":"{}","VpcConfig":`+vpcConfig+`}`),
	)
	add("a job step's document does not count", []string{"J: b-internet service"}, "",
		step("J", "Job", `{"JobConfigDocument":"{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"]}}"}`))
	add("what starts no code here", []string{"R: n/a n/a", "C: n/a n/a", "L: n/a n/a", "B: n/a n/a", "N: n/a n/a"}, "",
		step("R", "RegisterModel", `{}`), step("C", "Condition", `{"IfSteps":[]}`), step("L", "Lambda", `{}`), step("B", "BedrockCustomModel", `{}`), step("N", "BedrockSomethingNew", `{}`))
	add("EMR", []string{"E: b-vpc vpc", "F: b-vpc vpc", "D: unknown unknown", "X: unknown unknown", "H: unknown unknown"}, "default VPC",
		step("E", "EMR", `{"ClusterConfig":{"Instances":{"Ec2SubnetId":"subnet-1","EmrManagedMasterSecurityGroup":"sg-1"}}}`),
		step("F", "EMR", `{"ClusterConfig":{"Instances":{"Ec2SubnetIds":["subnet-1"]}}}`),
		step("D", "EMR", `{"ClusterConfig":{"Instances":{"InstanceCount":1}}}`),
		step("X", "EMR", `{"ClusterId":"j-1"}`),
		step("H", "EMR", `{"ClusterConfig":{"Instances":"HIDDEN_DUE_TO_SECURITY_REASONS"}}`))
	add("EMR Serverless", []string{"E: b-vpc vpc", "D: unknown unknown", "X: unknown unknown"}, "emr-serverless:GetApplication app-1",
		step("E", "EMRServerless", `{"ApplicationConfig":{"networkConfiguration":{"subnetIds":["subnet-1"],"securityGroupIds":["sg-1"]}}}`),
		step("D", "EMRServerless", `{"ApplicationConfig":{"releaseLabel":"emr-7"}}`),
		step("X", "EMRServerless", `{"ApplicationId":"app-1"}`))
	add("branches", []string{"C: n/a n/a", "T: b-vpc vpc", "D: n/a n/a", "E: b-internet service"}, "",
		step("C", "Condition", `{"IfSteps":`+steps(step("T", "Training", net))+`,"ElseSteps":`+steps(step("D", "Condition", `{"IfSteps":`+steps(step("E", "Training", `{}`))+`}`))+`}`))
	add("a loop", []string{"F: n/a n/a", "T: b-internet service"}, "", step("F", "ForEach", `{"Body":`+steps(step("T", "Training", `{}`))+`}`))
	add("a loop in which nothing was found", []string{"F: unknown unknown"}, "ForEach is not known here", step("F", "ForEach", `{"Body":{"S3Uri":"s3://x"}}`))
	add("a type that is not known", []string{"Q: unknown unknown"}, "step type Quantum is not known here", step("Q", "Quantum", `{}`))
	add("what is no step", []string{"unknown unknown", "T: b-vpc vpc"}, "not understood as a step", `7`, step("T", "Training", net))
	add("no arguments", []string{"T: unknown unknown"}, "the step has no Arguments", `{"Name":"T","Type":"Training"}`)
	add("no steps", []string{"n/a n/a"}, "")
	add("a parameter", []string{"T: b-vpc vpc"}, "", step("T", "Training", `{"VpcConfig":{"Subnets":[{"Get":"Parameters.Net"}]}}`))
	add("known at run time only", []string{"T: unknown service"}, "known at run time", step("T", "Training", `{"EnableNetworkIsolation":{"Get":"Steps.X.Y"}}`))

	model, config := step("M", "Model", net), step("C", "EndpointConfig", `{"ProductionVariants":[{"VariantName":"V","ModelName":{"Get":"Steps.M.ModelName"}}]}`)
	add("transform by a model step", []string{"M: b-vpc vpc", "X: b-vpc vpc"}, "", model, step("X", "Transform", `{"ModelName":{"Get":"Steps.M.ModelName"}}`))
	add("endpoint by two steps", []string{"M: b-vpc vpc", "C/V: b-vpc vpc", "E/V: b-vpc vpc", "I/V: b-vpc vpc"}, "",
		model, config, step("E", "Endpoint", `{"EndpointConfigName":{"Get":"Steps.C.EndpointConfigName"}}`),
		step("I", "InferenceComponent", `{"EndpointName":{"Get":"Steps.E.EndpointName"},"VariantName":"V"}`))
	add("transform by a model that exists", []string{"X: b-vpc vpc"}, "", step("X", "Transform", `{"ModelName":"placed"}`))
	add("another member of a step", []string{"M: b-vpc vpc", "X: unknown unknown"}, "known at run time", model, step("X", "Transform", `{"ModelName":{"Get":"Steps.M.ModelArn"}}`))
	add("a step of another type", []string{"T: b-vpc vpc", "X: unknown unknown"}, "known at run time", step("T", "Training", net), step("X", "Transform", `{"ModelName":{"Get":"Steps.T.ModelName"}}`))
	add("a step that is not there", []string{"X: unknown unknown"}, "known at run time", step("X", "Transform", `{"ModelName":{"Get":"Steps.Z.ModelName"}}`))
	add("two steps of one name", []string{"M: b-vpc vpc", "M: b-internet service", "X: unknown unknown"}, "known at run time",
		model, step("M", "Model", `{}`), step("X", "Transform", `{"ModelName":{"Get":"Steps.M.ModelName"}}`))
	add("steps that refer to each other", []string{"E/C: unknown unknown"}, "",
		step("E", "Transform", `{"ModelName":{"Get":"Steps.E.ModelName"}}`))
	tests[len(tests)-1].want = []string{"E: unknown unknown"}

	tests = append(tests,
		test{name: "in S3", doc: `{"PipelineDefinitionS3Location":{"Bucket":"b","ObjectKey":"k"}}`, want: []string{"unknown unknown"}, why: "in S3 (b/k)"},
		test{name: "no definition", doc: `{"PipelineName":"p"}`, want: []string{"unknown unknown"}},
		test{name: "not JSON", doc: `{"PipelineDefinition":"{"}`, want: []string{"unknown unknown"}, why: "cannot be read"},
		test{name: "twice", doc: `{"PipelineDefinition":"{\"Steps\":[],\"steps\":[]}"}`, want: []string{"unknown unknown"}, why: "cannot be read"},
		test{name: "an update that names none", event: "UpdatePipeline", doc: `{"PipelineName":"p"}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
	)
	checkAll(t, &pipelineRow, tests)
}

func TestPipelinePaths(t *testing.T) {
	doc := definition(t, steps(step("T", "Training", `{"VpcConfig":{"Subnets":[{"Get":"Parameters.Net"}]}}`)))
	rec := observe(t, ShapeCloudTrail, &pipelineRow, "CreatePipeline", strings.ReplaceAll(doc, "PipelineDefinition", "pipelineDefinition"))
	rec.Base = "requestParameters"
	p := pipelineRow.Parts(rec, nil)[0]
	const at = "requestParameters.pipelineDefinition.Steps[0]"
	if p.Path != at || p.Posture.Where.VPC != at+".Arguments.VpcConfig" || p.Posture.Subnets.List[0].Path != at+".Arguments.VpcConfig.Subnets[0]" {
		t.Errorf("the part is at %q, its VPC at %q, its subnet at %q", p.Path, p.Posture.Where.VPC, p.Posture.Subnets.List[0].Path)
	}
	if p.Kind != TrainingJob {
		t.Errorf("the part is of kind %s, want %s", p.Kind, TrainingJob)
	}
	if diff := cmp.Diff([]string{"Parameters.Net = subnet-d (default value)"}, p.Posture.Assumed); diff != "" {
		t.Errorf("assumed (-want +got):\n%s", diff)
	}
}

func TestDefinitionInAFile(t *testing.T) {
	doc, err := pipeline.Parse([]byte(`{"Version":"2020-12-01","Steps":` + steps(step("X", "Transform", `{"ModelName":"placed"}`), step("T", "Training", `{}`)) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	parts := Definition(doc, other.lookup(t))
	if diff := cmp.Diff([]string{"X: b-vpc vpc", "T: b-internet service"}, allSaid(parts)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if parts[1].Path != "Steps[1]" {
		t.Errorf("the part is at %q", parts[1].Path)
	}
}

func TestPipelineExecution(t *testing.T) {
	checkAll(t, &pipelineExecution, []test{
		{name: "by pipeline", doc: `{"PipelineName":"p"}`, want: []string{"T: b-vpc vpc"}},
		{name: "by ARN", doc: `{"PipelineName":"arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p"}`, want: []string{"T: b-vpc vpc"}},
		{name: "a parameter that is no subnet", doc: `{"PipelineName":"p","PipelineParameters":[{"Name":"Net","Value":""}]}`, want: []string{"T: b-internet service"}},
		{name: "a parameter", doc: `{"PipelineName":"p","PipelineParameters":[{"Name":"Net","Value":"subnet-2"}]}`, want: []string{"T: b-vpc vpc"}},
		{name: "a parameter twice", doc: `{"PipelineName":"p","PipelineParameters":[{"Name":"Net","Value":"subnet-2"},{"Name":"Net","Value":""}]}`, want: []string{"unknown unknown"}, why: "given twice"},
		{name: "a parameter without a name", doc: `{"PipelineName":"p","PipelineParameters":[{"Value":"subnet-2"}]}`, want: []string{"unknown unknown"}},
		{name: "a parameter that is hidden", doc: `{"PipelineName":"p","PipelineParameters":[{"Name":"Net","Value":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}`, want: []string{"unknown unknown"}},
		{name: "parameters that are no list", doc: `{"PipelineName":"p","PipelineParameters":"x"}`, want: []string{"unknown unknown"}},
		{name: "a version", doc: `{"PipelineName":"p","PipelineVersionId":3}`, want: []string{"unknown unknown"}, why: "names a version"},
		{name: "an alias", doc: `{"PipelineName":"p","PipelineVersionAlias":"live"}`, want: []string{"unknown unknown"}, why: "DescribePipelineDefinitionForExecution"},
		{name: "a pipeline that is not there", doc: `{"PipelineName":"lost"}`, want: []string{"unknown unknown"}, why: "DescribePipelineDefinitionForExecution"},
		{name: "a pipeline that cannot be read", doc: `{"PipelineName":"broken"}`, want: []string{"unknown unknown"}, why: "cannot be read"},
		{name: "a response does not have the parameters", shape: ShapeDescribe, doc: `{"PipelineArn":"arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p"}`, want: []string{"unknown unknown"}, why: "ListPipelineParametersForExecution"},
		{name: "an event does not have them either", shape: ShapeNative, doc: `{"pipelineArn":"arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p"}`, want: []string{"unknown unknown"}},
		{name: "a retry without a base", event: "RetryPipelineExecution", doc: `{"PipelineExecutionArn":"x"}`, want: []string{"unknown unknown"}},
	})
	p := pipelineExecution.Parts(observe(t, ShapeRequest, &pipelineExecution, "", `{"PipelineName":"p","PipelineParameters":[{"Name":"Net","Value":"subnet-2"}]}`), other.lookup(t))[0].Posture
	if diff := cmp.Diff([]string{"subnet-2"}, p.Subnets.Values()); diff != "" {
		t.Errorf("subnets (-want +got):\n%s", diff)
	}
}

func TestReferencesEnd(t *testing.T) {
	// Two components that would refer to each other for ever, if the API let them.
	loop := known{
		"endpoint e":        `{"EndpointConfigName":"c"}`,
		"endpoint-config c": `{"ProductionVariants":[{"ModelName":"m"}]}`,
		"model m":           `{}`,
	}
	r := &reader{Record: Record{Doc: parse(t, `{"EndpointName":"e"}`)}, row: &inferenceComponent, of: Of, lookup: loop.lookup(t)}
	if diff := cmp.Diff([]string{"ProductionVariants[0]: b-internet service"}, allSaid(inferenceComponent.parts(r))); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	r.depth = maxReferences
	parts := inferenceComponent.parts(r)
	if got := parts[0].Posture.Reasons; len(got) != 1 || got[0].Why != "references go too deep" {
		t.Errorf("reasons %+v", got)
	}
	r.depth, r.of = 0, func(Kind) (*Row, bool) { return nil, false }
	if diff := cmp.Diff([]string{"unknown unknown"}, allSaid(inferenceComponent.parts(r))); diff != "" {
		t.Errorf("with no table (-want +got):\n%s", diff)
	}
	r.of, r.lookup = Of, nil
	if got := inferenceComponent.parts(r)[0].Posture.Reasons[0].Why; got != `the endpoint "e" is not in the input` {
		t.Errorf("without a lookup: %q", got)
	}
}

func TestOverlay(t *testing.T) {
	for _, tt := range []struct {
		name, event, base, update, want string
		parts                           []string
	}{
		{
			name: "a call that creates begins anew", event: "CreateModel",
			base: `{"EnableNetworkIsolation":true}`, update: `{"ModelName":"m"}`,
			want: `{"ModelName":"m"}`, parts: []string{"b-internet service"},
		},
		{
			name: "a call that runs changes nothing", event: "StartNotebookInstance",
			base: `{"SubnetId":"subnet-1","DirectInternetAccess":"Disabled"}`, update: `{"NotebookInstanceName":"n"}`,
			want: `{"SubnetId":"subnet-1","DirectInternetAccess":"Disabled"}`, parts: []string{"b-vpc vpc"},
		},
		{
			name: "a partial update keeps what it does not name", event: "UpdateDomain",
			base: `{"SubnetIds":["subnet-1"],"AppNetworkAccessType":"VpcOnly"}`, update: `{"AppNetworkAccessType":"PublicInternetOnly"}`,
			want: `{"SubnetIds":["subnet-1"],"AppNetworkAccessType":"PublicInternetOnly"}`, parts: []string{"c own"},
		},
		{
			name: "a replaced member is taken whole", event: "UpdateMonitoringSchedule",
			base:   `{"MonitoringScheduleName":"s","MonitoringScheduleConfig":{"MonitoringJobDefinition":{"NetworkConfig":{"EnableNetworkIsolation":true}}}}`,
			update: `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"RoleArn":"r"}}}`,
			want:   `{"MonitoringScheduleName":"s","MonitoringScheduleConfig":{"MonitoringJobDefinition":{"RoleArn":"r"}}}`, parts: []string{"b-internet service"},
		},
		{
			name: "an empty member replaces nothing", event: "UpdateEndpoint",
			base: `{"EndpointConfigName":"placed"}`, update: `{"EndpointConfigName":""}`,
			want: `{"EndpointConfigName":"placed"}`, parts: []string{"A: b-vpc vpc"},
		},
		{
			name: "a definition takes the place of one in S3", event: "UpdatePipeline",
			base: `{"PipelineDefinitionS3Location":{"Bucket":"b"}}`, update: `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[]}"}`,
			want: `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[]}"}`, parts: []string{"n/a n/a"},
		},
		{
			name: "one in S3 takes the place of a definition", event: "UpdatePipeline",
			base: `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[]}"}`, update: `{"PipelineDefinitionS3Location":{"Bucket":"b"}}`,
			want: `{"PipelineDefinitionS3Location":{"Bucket":"b"}}`, parts: []string{"unknown unknown"},
		},
		{
			name: "another name of a pipeline", event: "UpdatePipeline",
			base: `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[]}"}`, update: `{"PipelineDisplayName":"x"}`,
			want: `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[]}","PipelineDisplayName":"x"}`, parts: []string{"n/a n/a"},
		},
		{
			name: "groups of a cluster: changed, added, deleted", event: "UpdateCluster",
			base: `{"VpcConfig":` + vpcConfig + `,"InstanceGroups":[{"InstanceGroupName":"a","InstanceCount":1,"OverrideVpcConfig":` + vpcConfig + `},{"InstanceGroupName":"gone"},{"InstanceGroupName":"kept"}],` +
				`"RestrictedInstanceGroups":[{"InstanceGroupName":"r"}]}`,
			update: `{"InstanceGroups":[{"InstanceGroupName":"new"},{"InstanceGroupName":"a","InstanceCount":2}],"InstanceGroupsToDelete":["gone"]}`,
			want: `{"VpcConfig":` + vpcConfig + `,"InstanceGroupsToDelete":["gone"],"InstanceGroups":[{"InstanceGroupName":"new"},{"InstanceGroupName":"a","InstanceCount":2,"OverrideVpcConfig":` + vpcConfig + `},{"InstanceGroupName":"kept"}],` +
				`"RestrictedInstanceGroups":[{"InstanceGroupName":"r"}]}`,
			parts: []string{"new: b-vpc vpc", "a: b-vpc vpc", "kept: b-vpc vpc", "r: b-vpc vpc"},
		},
		{
			name: "an interface is attached", event: "AttachClusterNodeNetworkInterface",
			base: `{"InstanceGroups":[{"InstanceGroupName":"a"}]}`, update: `{"NetworkInterfaceId":"eni-1"}`,
			want: `{"InstanceGroups":[{"InstanceGroupName":"a"}],"NetworkInterfaceId":"eni-1"}`, parts: []string{"a: c vpc+own"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row, call, ok := ByCall(tt.event)
			if !ok {
				t.Fatalf("no row claims %s", tt.event)
			}
			got := row.Overlay(parse(t, tt.base), parse(t, tt.update), call.Effect)
			if !jsondoc.Equal(present(got), parse(t, tt.want)) {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.parts, allSaid(row.Parts(Record{Doc: got}, other.lookup(t)))); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// present is an object without members that are absent.
func present(v jsondoc.Value) jsondoc.Value {
	var out []jsondoc.Member
	for _, m := range v.Members() {
		if m.Value.Kind() != jsondoc.Absent {
			out = append(out, m)
		}
	}
	return jsondoc.OfObject(out...)
}

// TestWhatWasInherited: a setting that an earlier record has is not said to be
// in the one that is judged.
func TestWhatWasInherited(t *testing.T) {
	doc := domain.Overlay(parse(t, `{"SubnetIds":["subnet-1"],"AppNetworkAccessType":"PublicInternetOnly"}`), parse(t, `{"AppNetworkAccessType":"VpcOnly"}`), Changes)
	p := domain.Parts(Record{Doc: doc, Base: "requestParameters"}, nil)[0].Posture
	if p.Subnets.List[0].Path != "" || p.Where.VPC != "" || p.Where.DirectInternet != "requestParameters.AppNetworkAccessType" {
		t.Errorf("the settings are said to be at %+v, the subnet at %q", p.Where, p.Subnets.List[0].Path)
	}
}

func TestTags(t *testing.T) {
	for _, tt := range []struct {
		shape Shape
		doc   string
		want  map[string]string
		known bool
	}{
		{ShapeRequest, `{"Tags":[{"Key":"team","Value":"fraud"},{"Key":"Team","Value":"Fraud"}]}`, map[string]string{"team": "fraud", "Team": "Fraud"}, true},
		{ShapeCloudTrail, `{"tags":[{"key":"team","value":"fraud"}]}`, map[string]string{"team": "fraud"}, true},
		{ShapeNative, `{"Tags":{"team":"fraud","Team":"Fraud"}}`, map[string]string{"team": "fraud", "Team": "Fraud"}, true},
		{ShapeRequest, `{}`, map[string]string{}, true},
		{ShapeNative, `{}`, map[string]string{}, false},
		{ShapeDescribe, `{}`, map[string]string{}, false},
		{ShapeRequest, `{"Tags":"x"}`, map[string]string{}, false},
	} {
		got, known := trainingJob.Tags(observe(t, tt.shape, &trainingJob, "", tt.doc))
		if diff := cmp.Diff(tt.want, got); diff != "" || known != tt.known {
			t.Errorf("%s %s: known %v (-want +got):\n%s", tt.shape, tt.doc, known, diff)
		}
	}
}

func TestWhole(t *testing.T) {
	for event, want := range map[string]bool{"CreateModel": true, "UpdateDomain": false, "UpdateEndpoint": false, "StartNotebookInstance": false, "UpdateWorkteam": false} {
		row, call, _ := ByCall(event)
		for _, shape := range []Shape{ShapeRequest, ShapeCloudTrail} {
			o := &Observation{Row: row, Call: call, Source: Source{Type: shape}}
			if o.Whole() != want {
				t.Errorf("%s of %s is whole: %v, want %v", shape, event, o.Whole(), want)
			}
		}
	}
	for shape, want := range map[Shape]bool{ShapeDescribe: true, ShapePipeline: true, ShapeNative: false} {
		o := &Observation{Row: &model, Native: &model.Natives[0], Source: Source{Type: shape}}
		if o.Whole() != want {
			t.Errorf("%s is whole: %v, want %v", shape, o.Whole(), want)
		}
	}
	if o := (&Observation{Row: &notebookInstance, Native: &notebookInstance.Natives[0], Source: Source{Type: ShapeNative}}); !o.Whole() {
		t.Error("an event of a notebook instance is whole")
	}
}
