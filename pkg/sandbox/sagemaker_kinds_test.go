package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var vpc = map[string]any{"SecurityGroupIds": []any{"sg-1"}, "Subnets": []any{"subnet-1", "subnet-2"}}

// smWorld is a world under a virtual clock.
func smWorld(t *testing.T) (*World, *SageMaker, *Virtual) {
	t.Helper()
	clock := NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	w := New(Options{Clock: clock, Seed: 1})
	return w, w.SageMaker(), clock
}

// minimal is a request with what a shape requires, and over it what is given.
func minimal(sh *shape, over map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range sh.required {
		out[name] = example(sh.members[name])
	}
	maps.Copy(out, over)
	return out
}

func example(sh *shape) any {
	switch sh.typ {
	case "structure":
		return minimal(sh, nil)
	case "union":
		name := slices.Sorted(maps.Keys(sh.members))[0]
		return map[string]any{name: example(sh.members[name])}
	case "list":
		return []any{example(sh.of)}
	case "map":
		return map[string]any{"key": example(sh.of)}
	case "enum":
		return sh.values[0]
	case "boolean":
		return true
	case "string", "blob":
		return "example"
	default:
		return 1
	}
}

// sample is how one of each kind is made.
type sample struct {
	kind      kind.Kind
	operation string
	over      map[string]any
	key       string
	// running and stopped are the statuses after creation and after a stop.
	running, stopped string
	undeletable      bool
}

// definitionText is a pipeline with a training step and one that starts nothing.
const definitionText = `{"Version":"2020-12-01","Parameters":[{"Name":"Image","Type":"String","DefaultValue":"image:1"}],"Steps":[
 {"Name":"Check","Type":"Lambda","Arguments":{}},
 {"Name":"Train","Type":"Training","Arguments":{"AlgorithmSpecification":{"TrainingImage":{"Get":"Parameters.Image"},"TrainingInputMode":"File"},
  "RoleArn":"arn:aws:iam::111122223333:role/SageMakerExecution","OutputDataConfig":{"S3OutputPath":"s3://b/o"},
  "ResourceConfig":{"InstanceType":"ml.m5.xlarge","InstanceCount":1,"VolumeSizeInGB":30},"StoppingCondition":{"MaxRuntimeInSeconds":3600},
  "VpcConfig":{"SecurityGroupIds":["sg-1"],"Subnets":["subnet-1"]}}}]}`

// samples has one of each kind, in an order in which each finds what it needs.
func samples() []sample {
	network := map[string]any{"VpcConfig": vpc, "EnableNetworkIsolation": true}
	return []sample{
		{kind: kind.TrainingJob, over: map[string]any{"TrainingJobName": "train", "VpcConfig": vpc, "EnableNetworkIsolation": true, "AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"}}, key: "train", running: "InProgress", stopped: "Stopped"},
		{kind: kind.ProcessingJob, over: map[string]any{"ProcessingJobName": "process", "NetworkConfig": network}, key: "process", running: "InProgress", stopped: "Stopped"},
		{kind: kind.HyperParameterTuningJob, over: map[string]any{"HyperParameterTuningJobName": "tune", "TrainingJobDefinition": minimal(model()["CreateHyperParameterTuningJob"].in.members["TrainingJobDefinition"], network), "HyperParameterTuningJobConfig": map[string]any{"Strategy": "Random", "ResourceLimits": map[string]any{"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 3}}}, key: "tune", running: "InProgress", stopped: "Stopped"},
		{kind: kind.AutoMLJob, operation: "CreateAutoMLJobV2", over: map[string]any{"AutoMLJobName": "auto", "SecurityConfig": map[string]any{"VpcConfig": vpc}, "AutoMLProblemTypeConfig": map[string]any{"TabularJobConfig": map[string]any{"TargetAttributeName": "y"}}}, key: "auto", running: "InProgress", stopped: "Stopped", undeletable: true},
		{kind: kind.Model, over: map[string]any{"ModelName": "model", "ExecutionRoleArn": "arn:aws:iam::111122223333:role/r", "VpcConfig": vpc, "EnableNetworkIsolation": true}, key: "model"},
		{kind: kind.TransformJob, over: map[string]any{"TransformJobName": "transform", "ModelName": "model"}, key: "transform", running: "InProgress", stopped: "Stopped", undeletable: true},
		{kind: kind.LabelingJob, over: map[string]any{"LabelingJobName": "label"}, key: "label", running: "Initializing", stopped: "Stopped", undeletable: true},
		{kind: kind.CompilationJob, over: map[string]any{"CompilationJobName": "compile", "VpcConfig": vpc, "InputConfig": map[string]any{"S3Uri": "s3://b/m", "Framework": "PYTORCH"}}, key: "compile", running: "STARTING", stopped: "STOPPED"},
		{kind: kind.OptimizationJob, over: map[string]any{"OptimizationJobName": "optimize", "VpcConfig": vpc, "OptimizationConfigs": []any{map[string]any{"ModelQuantizationConfig": map[string]any{"Image": "i"}}}}, key: "optimize", running: "STARTING", stopped: "STOPPED"},
		{kind: kind.InferenceRecommendationsJob, over: map[string]any{"JobName": "recommend", "InputConfig": map[string]any{"ModelName": "model", "VpcConfig": vpc}}, key: "recommend", running: "PENDING", stopped: "STOPPED", undeletable: true},
		{kind: kind.AIBenchmarkJob, over: map[string]any{"AIBenchmarkJobName": "bench", "NetworkConfig": map[string]any{"VpcConfig": vpc}}, key: "bench", running: "InProgress", stopped: "Stopped"},
		{kind: kind.Job, over: map[string]any{"JobName": "custom", "JobConfigDocument": `{"VpcConfig":{"SecurityGroupIds":["sg-1"],"Subnets":["subnet-1"]}}`}, key: "AgentRFT/custom", running: "InProgress", stopped: "Stopped"},
		{kind: kind.TrainingSession, over: map[string]any{"TrainingSessionName": "session", "VpcConfig": vpc}, key: "session", running: "Created", stopped: "Stopped"},
		{kind: kind.Algorithm, over: map[string]any{"AlgorithmName": "algorithm"}, key: "algorithm", running: "Pending"},
		{kind: kind.EndpointConfig, over: map[string]any{"EndpointConfigName": "config", "ProductionVariants": []any{map[string]any{"VariantName": "v", "ModelName": "model", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}}}, key: "config"},
		{kind: kind.Endpoint, over: map[string]any{"EndpointName": "Endpoint", "EndpointConfigName": "config"}, key: "Endpoint", running: "Creating"},
		{kind: kind.InferenceComponent, over: map[string]any{"InferenceComponentName": "component", "EndpointName": "Endpoint", "VariantName": "v", "Specification": map[string]any{"ModelName": "model"}, "RuntimeConfig": map[string]any{"CopyCount": 1}}, key: "component", running: "Creating"},
		{kind: kind.DataQualityJobDefinition, over: map[string]any{"JobDefinitionName": "quality", "NetworkConfig": network}, key: "quality"},
		{kind: kind.ModelBiasJobDefinition, over: map[string]any{"JobDefinitionName": "bias", "NetworkConfig": network}, key: "bias"},
		{kind: kind.ModelExplainabilityJobDefinition, over: map[string]any{"JobDefinitionName": "explain", "NetworkConfig": network}, key: "explain"},
		{kind: kind.ModelQualityJobDefinition, over: map[string]any{"JobDefinitionName": "mquality", "NetworkConfig": network}, key: "mquality"},
		{kind: kind.MonitoringSchedule, over: map[string]any{"MonitoringScheduleName": "schedule", "MonitoringScheduleConfig": map[string]any{"MonitoringType": "DataQuality", "MonitoringJobDefinition": minimal(model()["CreateMonitoringSchedule"].in.members["MonitoringScheduleConfig"].members["MonitoringJobDefinition"], map[string]any{"NetworkConfig": network})}}, key: "schedule", running: "Pending", stopped: "Stopped"},
		{kind: kind.NotebookInstance, over: map[string]any{"NotebookInstanceName": "Notebook", "SubnetId": "subnet-1", "SecurityGroupIds": []any{"sg-1"}, "DirectInternetAccess": "Disabled"}, key: "Notebook", running: "Pending", stopped: "Stopped"},
		{kind: kind.Domain, over: map[string]any{"DomainName": "domain", "VpcId": "vpc-1", "SubnetIds": []any{"subnet-1"}, "AppNetworkAccessType": "VpcOnly", "DefaultUserSettings": map[string]any{"ExecutionRole": "r", "SecurityGroups": []any{"sg-1"}}}, running: "Pending"},
		{kind: kind.UserProfile, over: map[string]any{"UserProfileName": "ana"}, key: "{domain}/ana", running: "Pending"},
		{kind: kind.Space, over: map[string]any{"SpaceName": "shared"}, key: "{domain}/shared", running: "Pending"},
		{kind: kind.App, over: map[string]any{"UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"}, key: "{domain}/ana/JupyterLab/default", running: "Pending"},
		{kind: kind.Cluster, over: map[string]any{"ClusterName": "cluster", "VpcConfig": vpc, "InstanceGroups": []any{map[string]any{"InstanceGroupName": "g", "ExecutionRole": "r", "InstanceCount": 2, "InstanceType": "ml.m5.xlarge"}}}, key: "cluster", running: "Creating"},
		{kind: kind.Workforce, over: map[string]any{"WorkforceName": "force", "WorkforceVpcConfig": map[string]any{"VpcId": "vpc-1", "Subnets": []any{"subnet-1"}, "SecurityGroupIds": []any{"sg-1"}}}, key: "force", running: "Initializing"},
		{kind: kind.Workteam, over: map[string]any{"WorkteamName": "team", "WorkforceName": "force"}, key: "team"},
		{kind: kind.Pipeline, over: map[string]any{"PipelineName": "pipe", "PipelineDefinition": definitionText, "RoleArn": "arn:aws:iam::111122223333:role/PipelineRole"}, key: "pipe", running: "Active"},
		{kind: kind.PipelineExecution, over: map[string]any{"PipelineName": "pipe"}, running: "Executing", stopped: "Stopped", undeletable: true},
	}
}

func TestEveryKindHasASample(t *testing.T) {
	var got, want []kind.Kind
	for _, smp := range samples() {
		got = append(got, smp.kind)
	}
	for _, row := range kind.Table() {
		want = append(want, row.Kind)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-table +samples):\n%s", diff)
	}
}

// client is a real client of the world.
func client(t *testing.T, w *World) *sagemaker.Client {
	t.Helper()
	endpoint, stop, err := w.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	key, secret := w.Credentials("DataScience", "ana")
	return sagemaker.New(sagemaker.Options{
		Region: w.Region(), BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"), Retryer: aws.NopRetryer{},
	})
}

// ask calls an operation of the SDK's client with a request from a map, and
// returns the response as a map.
func ask(c *sagemaker.Client, operation string, in map[string]any) (out map[string]any, err error) {
	method := reflect.ValueOf(c).MethodByName(operation)
	input := reflect.New(method.Type().In(1).Elem())
	fill(input.Elem(), in)
	results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	if err, _ := results[1].Interface().(error); err != nil {
		return nil, err
	}
	b, err := json.Marshal(results[0].Interface())
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(b, &out)
	return out, err
}

// unions are the union members that samples use.
var unions = map[string]reflect.Type{
	"TabularJobConfig":        reflect.TypeFor[types.AutoMLProblemTypeConfigMemberTabularJobConfig](),
	"ModelQuantizationConfig": reflect.TypeFor[types.OptimizationConfigMemberModelQuantizationConfig](),
	"Endpoint":                reflect.TypeFor[types.AIBenchmarkTargetMemberEndpoint](),
}

// fill writes a value as JSON has it into a value of the SDK.
func fill(to reflect.Value, from any) {
	switch to.Kind() {
	case reflect.Pointer:
		p := reflect.New(to.Type().Elem())
		fill(p.Elem(), from)
		to.Set(p)
	case reflect.Struct:
		for name, v := range from.(map[string]any) {
			f := to.FieldByName(name)
			if !f.IsValid() {
				panic(fmt.Sprintf("%s has no %s", to.Type(), name))
			}
			fill(f, v)
		}
	case reflect.Slice:
		list := from.([]any)
		to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
		for i, v := range list {
			fill(to.Index(i), v)
		}
	case reflect.Map:
		to.Set(reflect.MakeMap(to.Type()))
		for name, v := range from.(map[string]any) {
			e := reflect.New(to.Type().Elem()).Elem()
			fill(e, v)
			to.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), e)
		}
	case reflect.Interface:
		for name, v := range from.(map[string]any) {
			u := reflect.New(unions[name])
			fill(u.Elem().FieldByName("Value"), v)
			to.Set(u)
		}
	default:
		to.Set(reflect.ValueOf(from).Convert(to.Type()))
	}
}

// made is what the creation of a sample leads to: its ARN, and its key.
func made(row *kind.Row, smp sample, request, response map[string]any) (arn, key string) {
	arn, _ = response[row.Calls[0].ARN].(string)
	parsed, _ := kind.ParseARN(arn)
	if smp.key == "" {
		return arn, parsed.ID
	}
	return arn, strings.ReplaceAll(smp.key, "{domain}", fmt.Sprint(request["DomainId"]))
}

// asked is the request that names a sample.
func asked(op string, row *kind.Row, request map[string]any, key, arn string) map[string]any {
	in := map[string]any{}
	for name := range model()[op].in.members {
		if v, ok := request[name]; ok && slices.Contains([]string{"DomainId", "UserProfileName", "SpaceName", "AppType", "JobCategory"}, name) {
			in[name] = v
		}
	}
	name := last(key)
	member := row.Key[len(row.Key)-1]
	if row.Kind == kind.PipelineExecution {
		name = arn
	}
	if model()[op].in.members[member] != nil {
		in[member] = name
	}
	return in
}

// TestEveryKindOverTheSDK: each kind is made, described, listed, stopped and
// deleted by the real client, which decodes every response.
func TestEveryKindOverTheSDK(t *testing.T) {
	w, s, clock := smWorld(t)
	c := client(t, w)
	type one struct {
		sample
		row      *kind.Row
		request  map[string]any
		arn, key string
	}
	var all []one
	domain := ""
	for _, smp := range samples() {
		row, _ := kind.Of(smp.kind)
		operation := smp.operation
		if operation == "" {
			operation = row.Calls[0].Name
		}
		over := maps.Clone(smp.over)
		if model()[operation].in.members["Tags"] != nil {
			over["Tags"] = []any{map[string]any{"Key": "team", "Value": "churn"}}
		}
		if len(row.Key) > 1 && row.Key[0] == "DomainId" {
			over["DomainId"] = domain
		}
		request := minimal(model()[operation].in, over)
		response, err := ask(c, operation, request)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		arn, key := made(row, smp, request, response)
		if smp.kind == kind.Domain {
			domain = key
		}
		if arn == "" {
			t.Errorf("%s answered without an ARN: %v", operation, response)
		}
		if got, _ := s.Status(smp.kind, key); got != smp.running {
			t.Errorf("%s: the status is %q, want %q", key, got, smp.running)
		}

		described, err := ask(c, row.Describe.Name, asked(row.Describe.Name, row, request, key, arn))
		if err != nil {
			t.Fatalf("%s: %v", row.Describe.Name, err)
		}
		if row.Describe.Under != "" {
			described, _ = described[row.Describe.Under].(map[string]any)
		}
		if described[row.Describe.ARN] != arn {
			t.Errorf("%s: the ARN is %v, want %s", row.Describe.Name, described[row.Describe.ARN], arn)
		}
		if want := w.Now().Format(time.RFC3339); described["CreationTime"] != want && described["CreateDate"] != want {
			t.Errorf("%s: created at %v, want %s", row.Describe.Name, described["CreationTime"], want)
		}

		in := map[string]any{}
		if smp.kind == kind.PipelineExecution {
			in["PipelineName"] = "pipe"
		}
		if smp.kind == kind.Job {
			in["JobCategory"] = request["JobCategory"]
		}
		listed, err := ask(c, row.Lists[0], in)
		if err != nil {
			t.Fatalf("%s: %v", row.Lists[0], err)
		}
		if told := fmt.Sprint(listed); !strings.Contains(told, arn) && len(row.Key) == 1 || !strings.Contains(told, last(key)) {
			t.Errorf("%s does not have %s: %v", row.Lists[0], arn, listed)
		}
		if _, hasTags := over["Tags"]; hasTags {
			tags, err := ask(c, "ListTags", map[string]any{"ResourceArn": arn})
			if err != nil || !strings.Contains(fmt.Sprint(tags), "churn") {
				t.Errorf("ListTags of %s: %v, %v", arn, tags, err)
			}
		}
		all = append(all, one{smp, row, request, arn, key})
		clock.Advance(time.Second)
	}

	// Stop what can be stopped, once notebook instances are in service.
	clock.Advance(launch)
	halt := func(o one) error {
		in := asked(o.row.Stops[0], o.row, o.request, o.key, o.arn)
		if o.kind == kind.PipelineExecution {
			in["ClientRequestToken"] = "token-0123456789-0123456789-0123456789"
		}
		_, err := ask(c, o.row.Stops[0], in)
		return err
	}
	for _, o := range all {
		if o.stopped != "" {
			if err := halt(o); err != nil {
				t.Errorf("%s: %v", o.row.Stops[0], err)
			}
		}
	}
	clock.Advance(launch)
	for _, o := range all {
		if o.stopped == "" {
			continue
		}
		if got, _ := s.Status(o.kind, o.key); got != o.stopped {
			t.Errorf("%s: the status is %s, want %s", o.key, got, o.stopped)
		}
		// Once more, it is refused by an error that the model does not declare.
		err := halt(o)
		if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "ValidationException" {
			t.Errorf("%s again: %v, want a ValidationException", o.row.Stops[0], err)
		}
	}
	clock.Advance(30 * time.Minute)
	slices.Reverse(all)
	for _, o := range all {
		if len(o.row.Deletes) == 0 {
			if !o.undeletable {
				t.Errorf("%s cannot be deleted", o.kind)
			}
			continue
		}
		in := asked(o.row.Deletes[0], o.row, o.request, o.key, o.arn)
		if o.kind == kind.Pipeline {
			in["ClientRequestToken"] = "token-0123456789-0123456789-0123456789"
		}
		if _, err := ask(c, o.row.Deletes[0], in); err != nil {
			t.Errorf("%s: %v", o.row.Deletes[0], err)
		}
		clock.Advance(25 * time.Hour)
		_, err := ask(c, o.row.Describe.Name, asked(o.row.Describe.Name, o.row, o.request, o.key, o.arn))
		if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "ResourceNotFound" && api.ErrorCode() != "ValidationException" {
			t.Errorf("%s after it was deleted: %v", o.row.Describe.Name, err)
		}
	}
}

// TestDescribeTellsWhatWasAsked: sagemoat reads of every response the verdict
// that it reads of the request. Every response has the shape of the model.
func TestDescribeTellsWhatWasAsked(t *testing.T) {
	t.Run("in a VPC", func(t *testing.T) { describeTells(t, samples()) })
	// AWS fills in the defaults.
	bare := samples()
	for i := range bare {
		for _, name := range []string{
			"VpcConfig", "EnableNetworkIsolation", "NetworkConfig", "SecurityConfig", "SubnetId", "SecurityGroupIds", "DirectInternetAccess",
			"VpcId", "SubnetIds", "AppNetworkAccessType", "WorkforceVpcConfig",
		} {
			delete(bare[i].over, name)
		}
	}
	t.Run("without a word about the network", func(t *testing.T) { describeTells(t, bare) })
}

func describeTells(t *testing.T, samples []sample) {
	t.Helper()
	_, s, _ := smWorld(t)
	known := map[string]kind.Record{}
	asRequested := map[string]kind.Record{}
	domain := ""
	for _, smp := range samples {
		row, _ := kind.Of(smp.kind)
		operation := smp.operation
		if operation == "" {
			operation = row.Calls[0].Name
		}
		over := maps.Clone(smp.over)
		if len(row.Key) > 1 && row.Key[0] == "DomainId" {
			over["DomainId"] = domain
		}
		request := minimal(model()[operation].in, over)
		response, err := s.Create(operation, request)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		conforms(t, operation, model()[operation].out, response)
		arn, key := made(row, smp, request, response)
		if smp.kind == kind.Domain {
			domain = key
		}
		described, err := s.Create(row.Describe.Name, asked(row.Describe.Name, row, request, key, arn))
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, row.Describe.Name, model()[row.Describe.Name].out, described)
		if resource := s.kinds[smp.kind].search; resource != "" {
			found, err := s.Create("Search", map[string]any{"Resource": resource, "SearchExpression": map[string]any{"Filters": []any{
				map[string]any{"Name": row.Describe.ARN, "Value": arn},
			}}})
			if err != nil || len(found["Results"].([]any)) != 1 {
				t.Errorf("Search for %s: %v, %v", resource, found, err)
			}
			conforms(t, "Search", model()["Search"].out, found)
		}
		for _, op := range row.Lists {
			if op == "Search" {
				continue
			}
			in := map[string]any{}
			if smp.kind == kind.PipelineExecution {
				in["PipelineName"] = "pipe"
			}
			if smp.kind == kind.Job {
				in["JobCategory"] = request["JobCategory"]
			}
			listed, err := s.Create(op, in)
			if err != nil {
				t.Fatal(err)
			}
			conforms(t, op, model()[op].out, listed)
		}

		lookup := func(from map[string]kind.Record) kind.Lookup {
			return func(ask kind.Ask) (kind.Record, string) {
				rec, ok := from[string(ask.Kind)+" "+ask.Key]
				if !ok {
					return rec, "not in the test"
				}
				return rec, ""
			}
		}
		doc, err := jsondoc.Parse(encode(t, request), kind.FreeForm())
		if err != nil {
			t.Fatal(err)
		}
		_, call, _ := kind.ByCall(operation)
		asked := (&kind.Observation{Row: row, Call: call, Doc: doc, Key: key, Source: kind.Source{Type: kind.ShapeRequest}}).Record()
		observations, err := events.Decode(encode(t, described))
		if err != nil || len(observations) != 1 || observations[0].Row != row {
			t.Errorf("%s: decoded as %v, %v", row.Describe.Name, observations, err)
			continue
		}
		if smp.kind != kind.PipelineExecution && observations[0].Key != key {
			t.Errorf("%s: the key is %q, want %q", row.Describe.Name, observations[0].Key, key)
		}
		told := observations[0].Record()
		told = row.Described(asked, told) // what no response has, sagemoat keeps
		asRequested[string(smp.kind)+" "+key], known[string(smp.kind)+" "+key] = asked, told
		want, got := classesOf(row.Parts(asked, lookup(asRequested))), classesOf(row.Parts(told, lookup(known)))
		if smp.kind == kind.PipelineExecution {
			// What runs is asked for by another call.
			definition, err := s.Create("DescribePipelineDefinitionForExecution", map[string]any{"PipelineExecutionArn": arn})
			if err != nil || definition["PipelineDefinition"] != definitionText {
				t.Errorf("the definition of the execution is %v, %v", definition, err)
			}
			continue
		}
		if smp.kind == kind.Domain {
			// A request of a new domain does not know of the boundary.
			want, got = strings.SplitN(want, " ", 2)[0], strings.SplitN(got, " ", 2)[0]
		}
		if got != want || got == "" {
			t.Errorf("%s: the response reads as %q, the request as %q\n%s", smp.kind, got, want, encode(t, described))
		}
	}
}

func classesOf(parts []kind.Part) string {
	var out []string
	for _, p := range parts {
		out = append(out, verdict.Of(p.Posture).Class.String())
	}
	return strings.Join(out, " ")
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// conforms holds a response to its shape: nothing that it does not have, all
// that it requires, of the right types.
func conforms(t *testing.T, at string, sh *shape, v any) {
	t.Helper()
	switch sh.typ {
	case "structure", "union":
		members, ok := v.(map[string]any)
		if !ok {
			t.Errorf("%s is %T, want a structure", at, v)
			return
		}
		for name, value := range members {
			if sh.members[name] == nil {
				t.Errorf("%s has a member %s, which its shape has not", at, name)
				continue
			}
			conforms(t, at+"."+name, sh.members[name], value)
		}
		for _, name := range sh.required {
			if members[name] == nil {
				t.Errorf("%s lacks %s", at, name)
			}
		}
	case "list":
		list, ok := v.([]any)
		if !ok {
			t.Errorf("%s is %T, want a list", at, v)
		}
		for _, e := range list {
			conforms(t, at+"[]", sh.of, e)
		}
	case "map":
		for name, e := range v.(map[string]any) {
			conforms(t, at+"."+name, sh.of, e)
		}
	case "enum":
		if text, _ := v.(string); !slices.Contains(sh.values, text) {
			t.Errorf("%s is %v, want one of %v", at, v, sh.values)
		}
	default:
		if !simple(sh.typ, v) {
			t.Errorf("%s is %T, want %s", at, v, sh.typ)
		}
	}
}
