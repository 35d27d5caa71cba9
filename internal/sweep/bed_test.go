package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	role   = "arn:aws:iam::111122223333:role/SageMakerExecution"
	subnet = "subnet-0a1b2c3d4e5f60718"
	every  = 15 * time.Minute
)

// bed is the whole flow with a sweeper.
type bed struct {
	*flow.Flow
	t       *testing.T
	clock   *sandbox.Virtual
	logs    *bytes.Buffer // of the sweeper
	options sweep.Options
	sweeper *sweep.Sweeper

	mu    sync.Mutex
	calls []sandbox.Call // of SageMaker, by the sweeper
	hints []events.Hint
	lost  sandbox.EventFaults // what is to befall events, but hints
}

// newBed makes a flow. The sweeper is a caller of its own, whose calls are
// watched: at no time there may be more than two within a second.
func newBed(t *testing.T) *bed {
	t.Helper()
	clock := sandbox.NewVirtual(began)
	o := flow.Options{Clock: clock, Seed: 1, EventDelay: 2 * time.Second}
	f, stop, err := flow.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w := f.World
	endpoint, stop, err := w.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	b := &bed{Flow: f, t: t, clock: clock, logs: &bytes.Buffer{}}
	w.Watch(b.watch)
	key, secret := w.Credentials("sagemoat-sweep", "sweep")
	cfg := aws.Config{
		Region: w.Region(), BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	client := awsjson.New(cfg)
	put := sweep.PutHints(client, f.Clock.Sleep)
	b.options = sweep.Options{
		Store: f.Store, Rules: f.Rules, Now: w.Now, Sleep: f.Clock.Sleep,
		Scope: kind.Scope{Partition: "aws", Account: w.Account(), Region: w.Region()},
		Call: func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
			// The deadline is one of the virtual clock's.
			return client.Call(context.WithoutCancel(ctx), awsjson.SageMaker(), operation, input)
		},
		Put: func(ctx context.Context, hints []events.Hint) error {
			b.hints = append(b.hints, hints...)
			// EventBridge keeps what it took.
			w.FailEvents(sandbox.EventFaults{})
			defer w.FailEvents(b.lost)
			return put(context.WithoutCancel(ctx), hints)
		},
		Log: telemetry.New(b.logs, nil), Metrics: telemetry.NewMetrics(b.logs, "sweep", w.Now),
	}
	b.restart()
	t.Cleanup(func() { b.rate(2) })
	return b
}

// restart has a new process sweep from now on.
func (b *bed) restart() { b.sweeper = sweep.New(b.options) }

// discard keeps hints, and sends none from now on.
func (b *bed) discard() {
	b.options.Put = func(_ context.Context, hints []events.Hint) error {
		b.hints = append(b.hints, hints...)
		return nil
	}
	b.restart()
}

func (b *bed) watch(c sandbox.Call) {
	if c.Service != "sagemaker" || !strings.Contains(c.Caller, "/sagemoat-sweep/") || c.Done {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Input = nil
	b.calls = append(b.calls, c)
}

// rate fails the test where more calls than that were made within a second.
func (b *bed) rate(most int) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := most; i < len(b.calls); i++ {
		if d := b.calls[i].Time.Sub(b.calls[i-most].Time); d < time.Second {
			b.t.Fatalf("%d calls within %s, at %s", most+1, d, b.calls[i].Time)
		}
	}
}

// lose says what befalls events from now on. Hints are not among them.
func (b *bed) lose(f sandbox.EventFaults) {
	b.lost = f
	b.World.FailEvents(f)
}

// sweep does a tick, and lets what it sent be judged.
func (b *bed) sweep() {
	b.t.Helper()
	b.tick()
	b.pass(time.Minute)
}

func (b *bed) tick() {
	b.t.Helper()
	if err := b.sweeper.Run(b.t.Context()); err != nil {
		b.t.Fatalf("%v\n%s", err, b.logs)
	}
}

// settled lets the first sweep come to its end.
func (b *bed) settled() {
	b.t.Helper()
	b.sweep()
	b.pass(every)
	b.sweep()
	if f := control[ledger.FirstSweep](b, ledger.Baseline); f.Done.IsZero() {
		b.t.Fatalf("the first sweep is not done: %+v\n%s", f, b.logs)
	}
	b.forget()
}

// forget forgets the calls and hints so far.
func (b *bed) forget() {
	b.rate(2)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.hints = nil, nil
	b.logs.Reset()
}

// pass lets time pass, also when nothing happens any more.
func (b *bed) pass(d time.Duration) {
	b.t.Helper()
	end := b.World.Now().Add(d)
	if err := b.Advance(b.t.Context(), d); err != nil {
		b.t.Fatal(err)
	}
	b.clock.Advance(end.Sub(b.World.Now()))
}

// do calls an operation as a user.
func (b *bed) do(operation string, input map[string]any) map[string]any {
	b.t.Helper()
	out, err := b.World.SageMaker().Create(operation, input)
	if err != nil {
		b.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// entry is what the ledger holds of a resource; nil is nothing.
func (b *bed) entry(resource string) *ledger.Entry {
	b.t.Helper()
	e, err := b.Store.Entry(b.t.Context(), resource)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// says fails the test where the ledger says something else of a resource.
func (b *bed) says(resource, want string) {
	b.t.Helper()
	got := "nothing"
	if e := b.entry(resource); e != nil {
		got = fmt.Sprintf("%s %s", e.Verdict.Compliance, e.Life.State)
	}
	if got != want {
		b.t.Errorf("%s: the ledger says %q, want %q\n%s", resource, got, want, b.logs)
	}
}

func control[T any](b *bed, name string) (value T) {
	b.t.Helper()
	if _, err := b.Store.Control(b.t.Context(), name, &value); err != nil {
		b.t.Fatal(err)
	}
	return value
}

// metric is the last value of a metric that was written, -1 where there is none.
func (b *bed) metric(name string) float64 {
	b.t.Helper()
	value := -1.0
	for line := range strings.Lines(b.logs.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		if v, ok := m[name].(float64); ok && m["_aws"] != nil {
			value = v
		}
	}
	return value
}

// hinted are the hints of a kind, with an exclamation mark where it was missed.
func (b *bed) hinted(k kind.Kind) (out []string) {
	for _, h := range b.hints {
		if h.Kind == k {
			key := h.Key
			if h.Missed {
				key += "!"
			}
			out = append(out, key)
		}
	}
	return out
}

// until has the sweeper's context end at a time of the virtual clock.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.at, true }

type object = map[string]any

func vpc() object {
	return object{"Subnets": []any{subnet}, "SecurityGroupIds": []any{"sg-0a1b2c3d4e5f60718"}}
}

func merged(a, b object) object {
	out := object{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

var (
	resources = object{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
	container = object{
		"RoleArn": role, "AlgorithmSpecification": object{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig": object{"S3OutputPath": "s3://b/o"}, "ResourceConfig": resources, "StoppingCondition": object{"MaxRuntimeInSeconds": 3600},
	}
	cluster    = object{"ClusterConfig": resources}
	monitoring = object{"JobResources": cluster, "RoleArn": role}
)

func training(name string, more object) object {
	return merged(merged(container, object{"TrainingJobName": name}), more)
}

func notebook(name string) object {
	return object{"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": role}
}

func model(name string) object {
	return object{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": object{"Image": "i"}}
}

const pipeline = `{"Version":"2020-12-01","Steps":[{"Name":"Train","Type":"Training","Arguments":{
 "AlgorithmSpecification":{"TrainingImage":"i","TrainingInputMode":"File"},"RoleArn":"` + role + `","OutputDataConfig":{"S3OutputPath":"s3://b/o"},
 "ResourceConfig":{"InstanceType":"ml.m5.xlarge","InstanceCount":1,"VolumeSizeInGB":30},"StoppingCondition":{"MaxRuntimeInSeconds":3600}}}]}`

// all makes one of every kind, and returns what they are called in the ledger.
func (b *bed) all() (out []string) {
	b.t.Helper()
	monitor := func(name, app, input, inside, output string) object {
		return merged(monitoring, object{
			"JobDefinitionName": name, app: object{"ImageUri": "i", "ConfigUri": "s3://b/c"},
			input:  merged(object{"EndpointInput": object{"EndpointName": "endpoint", "LocalPath": "/opt"}}, ground(inside)),
			output: object{"MonitoringOutputs": []any{object{"S3Output": object{"S3Uri": "s3://b/o", "LocalPath": "/opt"}}}},
		})
	}
	domain := b.do("CreateDomain", object{
		"DomainName": "domain", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "DefaultUserSettings": object{"ExecutionRole": role},
	})
	arn, _ := domain["DomainArn"].(string)
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	definition := merged(container, object{})
	for _, one := range []struct {
		kind      kind.Kind
		operation string
		input     object
		key       string
	}{
		{kind.TrainingJob, "CreateTrainingJob", training("train", nil), "train"},
		{kind.ProcessingJob, "CreateProcessingJob", object{"ProcessingJobName": "process", "RoleArn": role, "AppSpecification": object{"ImageUri": "i"}, "ProcessingResources": cluster}, "process"},
		{kind.HyperParameterTuningJob, "CreateHyperParameterTuningJob", object{
			"HyperParameterTuningJobName": "tune", "TrainingJobDefinition": definition,
			"HyperParameterTuningJobConfig": object{"Strategy": "Random", "ResourceLimits": object{"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1}},
		}, "tune"},
		{kind.AutoMLJob, "CreateAutoMLJobV2", object{
			"AutoMLJobName": "auto", "RoleArn": role, "OutputDataConfig": object{"S3OutputPath": "s3://b/o"},
			"AutoMLJobInputDataConfig": []any{object{"ChannelType": "training"}}, "AutoMLProblemTypeConfig": object{"TabularJobConfig": object{"TargetAttributeName": "y"}},
		}, "auto"},
		{kind.Model, "CreateModel", model("model"), "model"},
		{kind.TransformJob, "CreateTransformJob", object{
			"TransformJobName": "transform", "ModelName": "model", "TransformInput": object{"DataSource": object{"S3DataSource": object{"S3DataType": "S3Prefix", "S3Uri": "s3://b/i"}}},
			"TransformOutput": object{"S3OutputPath": "s3://b/o"}, "TransformResources": object{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
		}, "transform"},
		{kind.LabelingJob, "CreateLabelingJob", object{
			"LabelingJobName": "label", "LabelAttributeName": "l", "InputConfig": object{"DataSource": object{"S3DataSource": object{"ManifestS3Uri": "s3://b/m"}}},
			"OutputConfig": object{"S3OutputPath": "s3://b/o"}, "RoleArn": role, "HumanTaskConfig": object{
				"WorkteamArn": "arn:aws:sagemaker:eu-west-1:111122223333:workteam/private-crowd/team", "UiConfig": object{"UiTemplateS3Uri": "s3://b/u"}, "TaskTitle": "t", "TaskDescription": "d",
				"NumberOfHumanWorkersPerDataObject": 1, "TaskTimeLimitInSeconds": 60,
			},
		}, "label"},
		{kind.CompilationJob, "CreateCompilationJob", object{"CompilationJobName": "compile", "RoleArn": role, "OutputConfig": object{"S3OutputLocation": "s3://b/o"}, "StoppingCondition": object{}, "InputConfig": object{"S3Uri": "s3://b/m", "Framework": "PYTORCH"}}, "compile"},
		{kind.OptimizationJob, "CreateOptimizationJob", object{
			"OptimizationJobName": "optimize", "RoleArn": role, "ModelSource": object{}, "DeploymentInstanceType": "ml.g5.xlarge", "OutputConfig": object{"S3OutputLocation": "s3://b/o"}, "StoppingCondition": object{},
			"OptimizationConfigs": []any{object{"ModelQuantizationConfig": object{"Image": "i"}}},
		}, "optimize"},
		{kind.InferenceRecommendationsJob, "CreateInferenceRecommendationsJob", object{"JobName": "recommend", "JobType": "Default", "RoleArn": role, "InputConfig": object{"ModelName": "model"}}, "recommend"},
		{kind.AIBenchmarkJob, "CreateAIBenchmarkJob", object{
			"AIBenchmarkJobName": "bench", "RoleArn": role, "AIWorkloadConfigIdentifier": "w", "OutputConfig": object{"S3OutputLocation": "s3://b/o"},
			"BenchmarkTarget": object{"Endpoint": object{"Identifier": "endpoint"}},
		}, "bench"},
		{kind.Job, "CreateJob", object{"JobName": "custom", "JobCategory": "AgentRFTEvaluation", "RoleArn": role, "JobConfigSchemaVersion": "1", "JobConfigDocument": "{}"}, "AgentRFTEvaluation/custom"},
		{kind.TrainingSession, "CreateTrainingSession", object{
			"TrainingSessionName": "session", "RoleArn": role, "LoraConfig": object{"Alpha": 1, "Rank": 1}, "ModelConfig": object{"BaseModelArn": "m"},
			"OutputConfig": object{"S3Location": object{"Path": "s3://b/o"}},
		}, "session"},
		{kind.Algorithm, "CreateAlgorithm", object{"AlgorithmName": "algorithm", "TrainingSpecification": object{"TrainingImage": "i", "SupportedTrainingInstanceTypes": []any{"ml.m5.xlarge"}, "TrainingChannels": []any{object{"Name": "n", "SupportedContentTypes": []any{"c"}, "SupportedInputModes": []any{"File"}}}}}, "algorithm"},
		{kind.EndpointConfig, "CreateEndpointConfig", object{"EndpointConfigName": "config", "ProductionVariants": []any{object{"VariantName": "v", "ModelName": "model", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}}}, "config"},
		{kind.Endpoint, "CreateEndpoint", object{"EndpointName": "endpoint", "EndpointConfigName": "config"}, "endpoint"},
		{kind.InferenceComponent, "CreateInferenceComponent", object{"InferenceComponentName": "component", "EndpointName": "endpoint", "VariantName": "v", "Specification": object{"ModelName": "model"}, "RuntimeConfig": object{"CopyCount": 1}}, "component"},
		{kind.DataQualityJobDefinition, "CreateDataQualityJobDefinition", monitor("quality", "DataQualityAppSpecification", "DataQualityJobInput", "", "DataQualityJobOutputConfig"), "quality"},
		{kind.ModelBiasJobDefinition, "CreateModelBiasJobDefinition", monitor("bias", "ModelBiasAppSpecification", "ModelBiasJobInput", "truth", "ModelBiasJobOutputConfig"), "bias"},
		{kind.ModelExplainabilityJobDefinition, "CreateModelExplainabilityJobDefinition", monitor("explain", "ModelExplainabilityAppSpecification", "ModelExplainabilityJobInput", "", "ModelExplainabilityJobOutputConfig"), "explain"},
		{kind.ModelQualityJobDefinition, "CreateModelQualityJobDefinition", monitor("mquality", "ModelQualityAppSpecification", "ModelQualityJobInput", "truth", "ModelQualityJobOutputConfig"), "mquality"},
		{kind.MonitoringSchedule, "CreateMonitoringSchedule", object{"MonitoringScheduleName": "schedule", "MonitoringScheduleConfig": object{"MonitoringType": "DataQuality", "MonitoringJobDefinitionName": "quality"}}, "schedule"},
		{kind.NotebookInstance, "CreateNotebookInstance", notebook("notebook"), "notebook"},
		{kind.UserProfile, "CreateUserProfile", object{"DomainId": id, "UserProfileName": "ana"}, id + "/ana"},
		{kind.Space, "CreateSpace", object{"DomainId": id, "SpaceName": "shared"}, id + "/shared"},
		{kind.App, "CreateApp", object{"DomainId": id, "UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"}, id + "/ana/JupyterLab/default"},
		{kind.Cluster, "CreateCluster", object{"ClusterName": "cluster", "InstanceGroups": []any{object{"InstanceGroupName": "g", "ExecutionRole": role, "InstanceCount": 1, "InstanceType": "ml.g5.xlarge"}}}, "cluster"},
		{kind.Workforce, "CreateWorkforce", object{"WorkforceName": "force"}, "force"},
		{kind.Workteam, "CreateWorkteam", object{"WorkteamName": "team", "WorkforceName": "force", "Description": "d", "MemberDefinitions": []any{object{}}}, "team"},
		{kind.Pipeline, "CreatePipeline", object{"PipelineName": "pipe", "PipelineDefinition": pipeline, "RoleArn": role}, "pipe"},
		{kind.PipelineExecution, "StartPipelineExecution", object{"PipelineName": "pipe"}, ""},
	} {
		response := b.do(one.operation, one.input)
		if one.kind == kind.PipelineExecution {
			execution, _ := response["PipelineExecutionArn"].(string)
			_, one.key, _ = strings.Cut(execution, ":pipeline/")
		}
		out = append(out, string(one.kind)+"/"+one.key)
	}
	return append(out, string(kind.Domain)+"/"+id)
}

// ground is what jobs that compare with the truth have.
func ground(truth string) object {
	if truth == "" {
		return object{}
	}
	return object{"GroundTruthS3Input": object{"S3Uri": "s3://b/g"}}
}

// listed are the calls of an operation.
func (b *bed) listed(operation string) (out []sandbox.Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if c.Operation == operation {
			out = append(out, c)
		}
	}
	return out
}
