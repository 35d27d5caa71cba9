package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/awstest/dynamolocal"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/internal/runtimeapi"
	"github.com/sagemoat/sagemoat/internal/template"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// everyCallRules have everything stopped that can be, but for notebook instances,
// which a person stops; and have tags asked for, though they change nothing.
const everyCallRules = `
version: 1
overrides:
  - match: {kinds: [workforce], tags: {team: nobody}}
    rules: {worker-ingress: on}
response:
  mode: stop
  modes:
    - match: {kinds: [notebook-instance]}
      mode: notify
  stop: {severity: high, grace: 1s, budget: {stops: 1000, within: 10m, share: 100}}
`

// stackOf is our template as it is deployed, by parameters.
func stackOf(t testing.TB, parameters map[string]string) *template.Resolved {
	t.Helper()
	parsed, err := template.Load("../infra/templates/sagemoat.template.json")
	ok(t, err)
	all := map[string]string{"CodeBucketPrefix": "example-code", "RulesKey": "rules.yaml"}
	maps.Copy(all, parameters)
	stack, err := parsed.Resolve(all)
	ok(t, err)
	return stack
}

// functionsOf are the ids of functions in the template.
var functionsOf = map[string]string{"audit": "Audit", "publish": "Publish", "respond": "Respond", "sweep": "Sweep"}

// layoutOf is what things are called in a stack.
func layoutOf(t testing.TB, stack *template.Resolved) layout {
	t.Helper()
	name := func(id string) string {
		name, err := stack.Name(id)
		ok(t, err)
		return name
	}
	l := layout{
		queue: name("EventQueue"), letters: name("FindingDeadLetterQueue"), table: name("Ledger"), topic: name("AlertTopic"),
		bucket: name("RulesFileBucket"), rules: "rules.yaml", roles: map[string]string{},
	}
	for function, id := range functionsOf {
		l.roles[function] = name(id + "Role")
	}
	return l
}

// everyCall has the functions as they are deployed, under the names and with the
// environment of a stack, make every call that they can make, and returns what IAM
// would have seen.
func everyCall(t *testing.T, stack *template.Resolved) *recorder {
	t.Helper()
	d := deploy(t, layoutOf(t, stack))
	r := newRecorder(t, map[string]string{})
	for function, id := range functionsOf {
		r.roles[d.roles[function]] = id + "Role"
		d.variables[function] = variablesOf(t, stack, id)
	}
	d.world.Watch(r.see)
	d.world.PutObject(d.bucket, d.rules, []byte(everyCallRules))
	d.database = d.gate(func(in *http.Request, body []byte) []byte {
		r.dynamodb(in, body, r.roles[d.caller(in)])
		return nil
	})
	count := ledger.Count{At: time.Now(), Live: map[string]int{}}
	for _, row := range kind.Table() {
		count.Live[string(row.Kind)] = 100 // else more than one stop would be too large a share
	}
	ok(t, d.store.PutControl(t.Context(), ledger.LiveCount, 1, count))
	// The digest of the first sweep is still to be told.
	before := time.Now().Add(-time.Hour)
	ok(t, d.store.PutControl(t.Context(), ledger.Baseline, 1, ledger.FirstSweep{Started: before, Done: before}))
	p := &everything{deployment: d, recorder: r}
	p.create()
	var all errgroup.Group
	for i := range sweeps {
		all.Go(func() error { return p.sweep(i) })
	}
	p.judgeAndRespond()
	ok(t, all.Wait())
	return r
}

// variablesOf is the environment that a stack gives a function.
func variablesOf(t testing.TB, stack *template.Resolved, id string) []string {
	t.Helper()
	environment, _ := stack.Resources[id].Properties["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	if len(variables) == 0 {
		t.Fatalf("%s has no environment in the template", id)
	}
	var out []string
	for name, value := range variables {
		out = append(out, name+"="+fmt.Sprint(value))
	}
	return out
}

// everything is the way through every call.
type everything struct {
	*deployment
	recorder *recorder
	made     []sandbox.Resource // in order; of those that run, Status is "runs"
}

// create makes one of everything that fails the rules, as far as it can.
func (p *everything) create() {
	p.Helper()
	for _, row := range kind.Table() {
		if row.Ends {
			p.world.SageMaker().RunFor(row.Kind, "", -1)
		}
	}
	from := func(file string, change map[string]any) map[string]any {
		text, err := os.ReadFile(filepath.Join("..", "testdata", file+".json"))
		ok(p, err)
		request := map[string]any{}
		ok(p, json.Unmarshal(text, &request))
		for member, v := range change {
			if v == nil {
				delete(request, member)
			} else {
				request[member] = v
			}
		}
		return request
	}
	monitored := "request-network-config-without-vpc"
	p.make("CreateModel", from("model/request-no-vpc", map[string]any{"ModelName": "fraud"}))
	p.make("CreateTrainingJob", from("training-job/request-no-vpc", nil))
	p.make("CreateProcessingJob", from("processing-job/request-vpc", map[string]any{"NetworkConfig": nil}))
	p.make("CreateHyperParameterTuningJob", from("hyper-parameter-tuning-job/request-no-vpc", nil))
	p.make("CreateAutoMLJobV2", from("automl-job/request-v2-vpc", map[string]any{"SecurityConfig": nil}))
	p.make("CreateTransformJob", from("transform-job/request-model-not-in-input", nil))
	p.make("CreateLabelingJob", from("labeling-job/request-people-only", map[string]any{"LabelingJobAlgorithmsConfig": map[string]any{
		"LabelingJobAlgorithmSpecificationArn": "arn:aws:sagemaker:eu-west-1:111122223333:labeling-job-algorithm-specification/image-classification",
	}}))
	p.make("CreateCompilationJob", from("compilation-job/request-no-vpc", nil))
	p.make("CreateOptimizationJob", from("optimization-job/request-no-vpc", nil))
	p.make("CreateInferenceRecommendationsJob", from("inference-recommendations-job/request-no-vpc", nil))
	p.make("CreateAIBenchmarkJob", from("ai-benchmark-job/request-no-vpc", nil))
	p.make("CreateJob", from("job/request-vpc", map[string]any{"JobConfigDocument": `{"OutputDataConfig": {"S3OutputPath": "s3://example-ml-models/"}}`}))
	p.make("CreateTrainingSession", from("training-session/request-no-vpc", map[string]any{
		"LoraConfig": map[string]any{"Rank": 16, "Alpha": 16}, "OutputConfig": map[string]any{"S3Location": map[string]any{"Path": "s3://example-ml-models/"}},
	}))
	p.make("CreateAlgorithm", from("algorithm/request-without-validation", nil))
	p.make("CreateEndpointConfig", from("endpoint-config/request-own-network-vpc", map[string]any{"VpcConfig": nil, "ProductionVariants": []any{map[string]any{
		"VariantName": "AllTraffic", "ModelName": "fraud", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}}))
	p.make("CreateEndpoint", map[string]any{"EndpointName": "live", "EndpointConfigName": "cfg-13"})
	p.make("CreateInferenceComponent", from("inference-component/request-endpoint-not-in-input", map[string]any{"EndpointName": "live"}))
	for _, definition := range []struct{ folder, operation, monitors string }{
		{"data-quality-job-definition", "CreateDataQualityJobDefinition", "DataQuality"},
		{"model-bias-job-definition", "CreateModelBiasJobDefinition", "ModelBias"},
		{"model-explainability-job-definition", "CreateModelExplainabilityJobDefinition", "ModelExplainability"},
		{"model-quality-job-definition", "CreateModelQualityJobDefinition", "ModelQuality"},
	} {
		own := map[string]any{"JobDefinitionName": definition.monitors}
		if truth := definition.monitors + "JobInput"; truth == "ModelBiasJobInput" || truth == "ModelQualityJobInput" {
			own[truth] = map[string]any{
				"EndpointInput":      map[string]any{"EndpointName": "live", "LocalPath": "/opt/ml/processing/input"},
				"GroundTruthS3Input": map[string]any{"S3Uri": "s3://example-ml-data/truth/"},
			}
		}
		p.make(definition.operation, from(definition.folder+"/"+monitored, own))
		p.make("CreateMonitoringSchedule", map[string]any{"MonitoringScheduleName": "each-" + definition.monitors, "MonitoringScheduleConfig": map[string]any{
			"ScheduleConfig":              map[string]any{"ScheduleExpression": "cron(0 * ? * * *)"},
			"MonitoringJobDefinitionName": definition.monitors, "MonitoringType": definition.monitors,
		}})
	}
	p.make("CreateNotebookInstance", from("notebook-instance/request-required-members-only", nil))
	domain := p.make("CreateDomain", from("domain/request-vpc-only", map[string]any{"AppNetworkAccessType": "PublicInternetOnly"}))
	p.make("CreateUserProfile", from("user-profile/request-domain-not-in-input", map[string]any{"DomainId": domain}))
	p.make("CreateSpace", from("space/request-domain-not-in-input", map[string]any{"DomainId": domain}))
	p.make("CreateApp", from("app/request-domain-not-in-input", map[string]any{"DomainId": domain}))
	p.make("CreateCluster", from("cluster/request-vpc", map[string]any{"VpcConfig": nil}))
	p.make("CreateWorkforce", from("workforce/request-open", nil))
	p.make("CreateWorkteam", from("workteam/request", nil))
	p.make("CreatePipeline", from("pipeline/request-all-steps-in-vpc", map[string]any{"PipelineDefinition": `{"Version": "2020-12-01", "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {
 "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"}, "RoleArn": "` + role + `", "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
 "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}, "StoppingCondition": {"MaxRuntimeInSeconds": 3600}}}]}`}))
	p.make("StartPipelineExecution", from("pipeline-execution/request-pipeline-not-in-input", map[string]any{"PipelineParameters": nil}))
	// A tuning job that failed, and whose training jobs run on: each is stopped by
	// itself.
	failed := p.make("CreateHyperParameterTuningJob", from("hyper-parameter-tuning-job/request-no-vpc", map[string]any{"HyperParameterTuningJobName": "hpo-12"}))
	p.world.SageMaker().Fail(kind.HyperParameterTuningJob, failed)
	p.made = slices.DeleteFunc(p.made, func(m sandbox.Resource) bool { return m.Key == failed })
	for _, m := range p.world.SageMaker().Running() {
		if strings.HasPrefix(m.Key, failed+"-") {
			p.made = append(p.made, m)
		}
	}
	if m := p.made[len(p.made)-1]; m.Kind != kind.TrainingJob {
		p.Errorf("%s left nothing that runs", failed)
	}
	var kinds []kind.Kind
	for _, m := range p.made {
		kinds = append(kinds, m.Kind)
	}
	for _, row := range kind.Table() {
		if !slices.Contains(kinds, row.Kind) {
			p.Errorf("no %s is made", row.Words)
		}
	}
}

// make makes a resource, and returns its key.
func (p *everything) make(operation string, in map[string]any) (key string) {
	p.Helper()
	out, err := p.world.SageMaker().Create(operation, in)
	if err != nil {
		p.Fatalf("%s: %v", operation, err)
	}
	row, call, _ := kind.ByCall(operation)
	key, _ = row.KeyOf(document(p, in), document(p, out))
	m := sandbox.Resource{Kind: row.Kind, Key: key}
	m.ARN, _ = out[call.ARN].(string)
	p.made = append(p.made, m)
	return key
}

// judgeAndRespond has the queue, the stream and the schedule wake audit, publish
// and respond until everything that can be stopped was, people were told, and what
// cannot be imported was put away.
func (p *everything) judgeAndRespond() {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 4*time.Minute)
	defer cancel()
	audit, stopAudit := p.start("audit")
	defer stopAudit()
	publishing, stopPublish := p.start("publish")
	defer stopPublish()
	responding, stopRespond := p.start("respond")
	defer stopRespond()

	p.world.AddRule(sandbox.Rule{Name: "custom-action", Match: func(event []byte) bool {
		return strings.Contains(string(event), "Security Hub Findings - Custom Action")
	}, Invoke: func(event []byte) error {
		_, err := responding.Invoke(ctx, event)
		return err
	}})
	p.until(ctx, "everything runs", func() {}, func() (missing string) {
		for _, m := range p.made {
			if status, _ := p.world.SageMaker().Status(m.Kind, m.Key); status == "Pending" || status == "Creating" || status == "Initializing" {
				return string(m.Kind) + "/" + m.Key + " is " + status
			}
		}
		return ""
	})
	for _, m := range p.made {
		p.world.Emit(events.HintSource, events.HintDetail, nil, events.Hint{Kind: m.Kind, Key: m.Key})
	}
	p.world.Send(p.queue, "a message that is none")
	p.world.RefuseFindings(func(id string) string {
		if strings.Contains(id, "model/fraud") {
			return "InvalidInput"
		}
		return ""
	})

	poller := sandbox.Poller{Queue: p.queue, Invoke: func(ctx context.Context, event []byte) ([]byte, error) {
		out, err := audit.Invoke(ctx, event)
		if err != nil {
			p.Errorf("audit: %v\n%s", err, audit.Output())
		}
		return out, err
	}}
	invoke := func(name string, f *runtimeapi.Function, event []byte) {
		if out, err := f.Invoke(ctx, event); err != nil {
			p.Fatalf("%s: %s, %v", name, out, err)
		}
	}
	tick := []byte(`{"version":"0","source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`)
	asked := false
	p.until(ctx, "everything was stopped and told", func() {
		for p.world.Poll(ctx, poller) > 0 {
			continue
		}
		records, err := p.stream.Next(ctx)
		ok(p, err)
		if len(records) > 0 {
			event, err := json.Marshal(lambdaevents.DynamoDBEvent{Records: records})
			ok(p, err)
			invoke("publish", publishing, event)
			invoke("respond", responding, event)
		}
		invoke("respond", responding, tick)
		for _, f := range p.world.Findings() {
			if !asked && strings.Contains(f.Resources[0].ID, "notebook-instance/") {
				asked = true
				p.world.CustomAction(respond.ActionID, "Stop", "", f.ID)
			}
		}
	}, func() (missing string) {
		for _, m := range p.made {
			row, _ := kind.Of(m.Kind)
			status, _ := p.world.SageMaker().Status(m.Kind, m.Key)
			if _, stoppable := row.StopCall(); stoppable && !strings.HasPrefix(strings.ToLower(status), "stop") {
				return string(m.Kind) + "/" + m.Key + " is " + status
			}
		}
		switch {
		case len(p.world.Messages(p.letters)) == 0:
			return "no finding was put away"
		case !slices.ContainsFunc(p.world.Findings(), func(f sandbox.HubFinding) bool { return f.Workflow == "NOTIFIED" }):
			return "no finding says that people were notified"
		}
		return ""
	})
	invoke("publish", publishing, tick)
}

// until does something again and again until nothing is missing.
func (p *everything) until(ctx context.Context, what string, do func(), missing func() string) {
	p.Helper()
	for {
		do()
		left := missing()
		if left == "" {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			p.Fatalf("in vain: %s: %s", what, left)
		}
	}
}

// sweeps is how many sweeps there are at once: each lists some of the kinds, as if
// others had been listed by an earlier tick of the round, for a sweep makes two
// calls a second.
const sweeps = 4

// sweep lists some of the kinds, in a ledger of its own.
func (p *everything) sweep(i int) error {
	name := fmt.Sprintf("%s-%d", p.table, i)
	client, _ := dynamolocal.Create(p, dynamo.Table(name))
	store := dynamo.New(client, name, time.Now)
	now := time.Now().UTC()
	ok(p, store.PutControl(p.Context(), ledger.Checkpoint+"round", 0, map[string]any{"Began": now}))
	for k, row := range kind.Table() {
		if k%sweeps == i {
			ok(p, store.PutEntry(p.Context(), &ledger.Entry{
				Resource: string(row.Kind) + "/ghost", Kind: row.Kind, Key: "ghost", Name: "ghost", Account: account, Region: "eu-west-1", Partition: "aws",
				Created: now.Add(-time.Hour), Life: ledger.Life{At: now.Add(-time.Hour), State: ledger.Live},
			}))
			continue
		}
		ok(p, store.PutControl(p.Context(), ledger.Checkpoint+string(row.Kind), 0, map[string]any{"Round": now}))
	}
	own := *p.deployment
	own.database = p.gate(func(in *http.Request, body []byte) []byte {
		p.recorder.dynamodb(in, body, p.recorder.roles[p.caller(in)])
		return []byte(strings.ReplaceAll(string(body), `"`+p.table+`"`, `"`+name+`"`))
	})
	f, stop := own.start("sweep")
	defer stop()
	ctx, cancel := context.WithTimeout(p.Context(), 2*time.Minute)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"source":"aws.scheduler","detail-type":"Scheduled Event"}`)); err != nil {
		return fmt.Errorf("sweep: %w\n%s", err, f.Output())
	}
	return nil
}
