package flow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// bed is a flow for a test.
type bed struct {
	*flow.Flow
	t    *testing.T
	logs *bytes.Buffer
}

func newBed(t *testing.T, options ...func(*flow.Options)) *bed {
	t.Helper()
	b := &bed{t: t, logs: &bytes.Buffer{}}
	o := flow.Options{Clock: sandbox.NewVirtual(began), Seed: 1, EventDelay: 2 * time.Second, Logs: b.logs}
	for _, f := range options {
		f(&o)
	}
	f, stop, err := flow.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	b.Flow = f
	return b
}

func withRules(t *testing.T, text string) func(*flow.Options) {
	t.Helper()
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return func(o *flow.Options) { o.Rules = file }
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

func (b *bed) pass(d time.Duration) {
	b.t.Helper()
	if err := b.Advance(b.t.Context(), d); err != nil {
		b.t.Fatal(err)
	}
}

// entry is what the ledger holds of a resource.
func (b *bed) entry(resource string) *ledger.Entry {
	b.t.Helper()
	e, err := b.Store.Entry(b.t.Context(), resource)
	if err != nil {
		b.t.Fatal(err)
	}
	if e == nil {
		b.t.Fatalf("%s is not in the ledger\n%s", resource, b.logs)
	}
	return e
}

// says fails the test where the ledger says something else: class, compliance,
// severity, state.
func (b *bed) says(resource, want string) *ledger.Entry {
	b.t.Helper()
	e := b.entry(resource)
	if got := strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Verdict.Class, e.Verdict.Compliance, e.Verdict.Severity, e.Life.State)); got != want {
		b.t.Errorf("%s: the ledger says %q, want %q", resource, got, want)
	}
	return e
}

// calls counts what SageMaker was asked by the function.
func (b *bed) calls(operation string) int {
	n := 0
	for _, c := range b.World.Calls() {
		if c.Service == "sagemaker" && (operation == "" || c.Operation == operation) {
			n++
		}
	}
	return n
}

func vpc(subnets ...string) map[string]any {
	return map[string]any{"Subnets": anys(subnets), "SecurityGroupIds": []any{"sg-0a1b2c3d4e5f60718"}}
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

const (
	subnet  = "subnet-0a1b2c3d4e5f60718"
	account = "111122223333"
	role    = "arn:aws:iam::111122223333:role/SageMakerExecution"
)

func training(name string, more map[string]any) map[string]any {
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": role,
		"AlgorithmSpecification": map[string]any{"TrainingImage": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/i:1", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
	}
	maps.Copy(in, more)
	return in
}

// TestFromTheRecord: what a record tells in full is judged without a call.
func TestFromTheRecord(t *testing.T) {
	b := newBed(t)
	b.do("CreateTrainingJob", training("open", nil))
	b.do("CreateTrainingJob", training("closed", map[string]any{"VpcConfig": vpc(subnet)}))
	b.do("CreateTrainingJob", training("isolated", map[string]any{"VpcConfig": vpc(subnet), "EnableNetworkIsolation": true}))
	b.pass(10 * time.Second)
	e := b.says("training-job/open", "b-internet FAILED HIGH live")
	b.says("training-job/closed", "b-vpc PASSED  live")
	b.says("training-job/isolated", "a PASSED  live")
	// Where an event of SageMaker's own came first, it was asked once.
	if n := b.calls(""); n > 3 {
		t.Errorf("SageMaker was asked %d times for three jobs", n)
	}
	if e.Origin.Event != "CreateTrainingJob" || !strings.Contains(e.Origin.Actor, ":assumed-role/") || e.Origin.EventID == "" {
		t.Errorf("who created it is not known: %+v", e.Origin)
	}
	if !e.Verdict.Whole || !e.Created.Equal(began) {
		t.Errorf("verdict %+v, created %v", e.Verdict, e.Created)
	}
	// The events of SageMaker's own tell that they ended.
	b.pass(2 * time.Hour)
	b.says("training-job/open", "b-internet FAILED HIGH ended")
	b.says("training-job/closed", "b-vpc PASSED  ended")
	if n := b.calls(""); n > 3 {
		t.Errorf("SageMaker was asked %d times for what events told", n)
	}
}

func TestChanges(t *testing.T) {
	b := newBed(t)
	domain := b.do("CreateDomain", map[string]any{
		"DomainName": "d", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "AppNetworkAccessType": "VpcOnly",
		"DefaultUserSettings": map[string]any{"ExecutionRole": role, "SecurityGroups": []any{"sg-0a1b2c3d4e5f60718"}},
	})
	arn, _ := domain["DomainArn"].(string)
	id := "domain/" + arn[strings.LastIndexByte(arn, '/')+1:]
	b.pass(time.Minute * 10)
	b.says(id, "b-vpc PASSED  live")
	b.do("UpdateDomain", map[string]any{"DomainId": strings.TrimPrefix(id, "domain/"), "AppNetworkAccessType": "PublicInternetOnly"})
	b.pass(10 * time.Minute)
	b.says(id, "c FAILED HIGH live")
	b.do("CreateUserProfile", map[string]any{"DomainId": strings.TrimPrefix(id, "domain/"), "UserProfileName": "ana"})
	b.pass(10 * time.Minute)
	e := b.says("user-profile/"+strings.TrimPrefix(id, "domain/")+"/ana", "c FAILED HIGH live")
	if e.Verdict.Notice.Owner != id || len(e.Verdict.Finding) != 0 {
		t.Errorf("a profile's trouble is its domain's: owner %q, finding of %d bytes", e.Verdict.Notice.Owner, len(e.Verdict.Finding))
	}
	b.do("UpdateDomain", map[string]any{"DomainId": strings.TrimPrefix(id, "domain/"), "AppNetworkAccessType": "VpcOnly"})
	b.pass(10 * time.Minute)
	b.says(id, "b-vpc PASSED  live")
}

// endpoint makes a model, a configuration and an endpoint.
func (b *bed) endpoint(name string, network map[string]any) {
	b.t.Helper()
	model := map[string]any{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}}
	maps.Copy(model, network)
	b.do("CreateModel", model)
	b.do("CreateEndpointConfig", map[string]any{"EndpointConfigName": name, "ProductionVariants": []any{map[string]any{
		"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}})
	b.do("CreateEndpoint", map[string]any{"EndpointName": name, "EndpointConfigName": name})
}

func TestReferences(t *testing.T) {
	b := newBed(t)
	b.endpoint("good", map[string]any{"VpcConfig": vpc(subnet)})
	b.endpoint("bad", nil)
	b.pass(20 * time.Minute)
	b.says("endpoint/good", "b-vpc PASSED  live")
	b.says("endpoint-config/good", "b-vpc PASSED  live")
	b.says("endpoint/bad", "b-internet FAILED HIGH live")
	b.says("model/bad", "b-internet FAILED HIGH live")

	// The model is replaced by one of the same name that passes; what is deployed
	// is still the old one, and nothing says which network that had.
	b.do("DeleteModel", map[string]any{"ModelName": "bad"})
	b.pass(time.Minute)
	b.says("model/bad", "b-internet FAILED HIGH gone")
	b.do("CreateModel", map[string]any{"ModelName": "bad", "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}, "VpcConfig": vpc(subnet)})
	b.pass(time.Minute)
	b.says("model/bad", "b-vpc PASSED  live")
	row, _ := kind.Of(kind.Endpoint)
	if _, err := b.Evaluator.Look(t.Context(), row, "bad"); err != nil {
		t.Fatal(err)
	}
	if e := b.entry("endpoint/bad"); e.Verdict.Compliance == rules.Passed {
		t.Errorf("an endpoint passes by a model that was made after it: %+v", e.Verdict)
	}
}

// TestNotYet: what cannot be seen yet is tried again until it can be.
func TestNotYet(t *testing.T) {
	b := newBed(t)
	b.World.SageMaker().SetLag(sandbox.Lag{Describe: 45 * time.Second, List: 45 * time.Second})
	b.endpoint("slow", map[string]any{"VpcConfig": vpc(subnet)})
	b.pass(20 * time.Second)
	if e, err := b.Store.Entry(t.Context(), "endpoint/slow"); err != nil || e != nil {
		t.Errorf("judged what nobody can see: %+v, %v", e, err)
	}
	b.pass(5 * time.Minute)
	b.says("endpoint/slow", "b-vpc PASSED  live")
	if n := len(b.World.Messages(flow.DeadLetter)); n != 0 {
		t.Errorf("%d messages are dead", n)
	}
}

// TestCameAndWent: what is gone before it can be looked at is judged by its
// record.
func TestCameAndWent(t *testing.T) {
	b := newBed(t)
	b.endpoint("brief", nil)
	b.World.SageMaker().Fail(kind.Endpoint, "brief")
	b.do("DeleteEndpoint", map[string]any{"EndpointName": "brief"})
	b.pass(10 * time.Minute)
	b.says("endpoint/brief", "b-internet FAILED HIGH gone")
}

// TestNobodyMayLook: what cannot be looked at never passes.
func TestNobodyMayLook(t *testing.T) {
	b := newBed(t)
	for _, operation := range []string{"DescribeEndpoint", "DescribeModel", "DescribeDomain"} {
		b.World.Fail(sandbox.Fault{Service: "sagemaker", Operation: operation, Kind: sandbox.Denied})
	}
	b.endpoint("hidden", map[string]any{"VpcConfig": vpc(subnet)})
	b.do("CreateDomain", map[string]any{
		"DomainName": "d", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "AppNetworkAccessType": "VpcOnly",
		"DefaultUserSettings": map[string]any{"ExecutionRole": role},
	})
	open := b.do("CreateDomain", map[string]any{
		"DomainName": "e", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "AppNetworkAccessType": "PublicInternetOnly",
		"DefaultUserSettings": map[string]any{"ExecutionRole": role},
	})
	b.pass(10 * time.Minute)
	b.says("endpoint/hidden", "unknown WARNING INFORMATIONAL live")
	b.says("endpoint-config/hidden", "unknown WARNING INFORMATIONAL live")
	b.says("model/hidden", "b-vpc PASSED  live") // its record told all
	arn, _ := open["DomainArn"].(string)
	b.says("domain/"+arn[strings.LastIndexByte(arn, '/')+1:], "c FAILED HIGH live")
	domains, _, err := b.Store.Live(t.Context(), kind.Domain, "")
	if err != nil || len(domains) != 2 {
		t.Fatalf("%d domains, %v", len(domains), err)
	}
	for _, d := range domains {
		if d.Verdict.Compliance == rules.Passed || d.Verdict.Whole {
			t.Errorf("%s passes although nobody may look at it", d.Resource)
		}
	}
}

// TestAttached: an interface attached to a cluster's node is kept, though no
// response ever tells of it.
func TestAttached(t *testing.T) {
	b := newBed(t)
	b.do("CreateCluster", map[string]any{"ClusterName": "hyper", "InstanceGroups": []any{map[string]any{
		"InstanceGroupName": "g", "ExecutionRole": role, "InstanceCount": 1, "InstanceType": "ml.g5.xlarge", "LifeCycleConfig": map[string]any{"SourceS3Uri": "s3://b/l", "OnCreate": "c.sh"},
	}}})
	b.pass(20 * time.Minute)
	b.says("cluster/hyper", "b-internet FAILED HIGH live")
	b.do("AttachClusterNodeNetworkInterface", map[string]any{"ClusterName": "hyper", "NodeId": "i-0123456789abcdef0", "NetworkInterfaceId": "eni-0a1b2c3d4e5f60718"})
	b.pass(time.Minute)
	b.says("cluster/hyper", "c FAILED CRITICAL live")
	row, _ := kind.Of(kind.Cluster)
	b.pass(time.Hour)
	if _, err := b.Evaluator.Look(t.Context(), row, "hyper"); err != nil {
		t.Fatal(err)
	}
	b.says("cluster/hyper", "c FAILED CRITICAL live")
}

func TestChildren(t *testing.T) {
	b := newBed(t)
	definition := training("unused", nil)
	delete(definition, "TrainingJobName")
	b.do("CreateHyperParameterTuningJob", map[string]any{
		"HyperParameterTuningJobName":   "tune",
		"HyperParameterTuningJobConfig": map[string]any{"Strategy": "Random", "ResourceLimits": map[string]any{"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 4}},
		"TrainingJobDefinition":         definition,
	})
	b.pass(10 * time.Minute)
	b.says("hyper-parameter-tuning-job/tune", "b-internet FAILED HIGH live")
	jobs, _, err := b.Store.Live(t.Context(), kind.TrainingJob, "")
	if err != nil || len(jobs) == 0 {
		t.Fatalf("no child is in the ledger: %v\n%s", err, b.logs)
	}
	for _, j := range jobs {
		if j.Verdict.Notice.Owner != "hyper-parameter-tuning-job/tune" || j.Verdict.Finding != nil {
			t.Errorf("%s: owner %q, finding of %d bytes; want its parent's to speak for it", j.Resource, j.Verdict.Notice.Owner, len(j.Verdict.Finding))
		}
	}
}

func TestExecution(t *testing.T) {
	b := newBed(t)
	definition := func(network string) string {
		return `{"Version":"2020-12-01","Parameters":[{"Name":"Isolate","Type":"String","DefaultValue":"x"}],"Steps":[{"Name":"Train","Type":"Training","Arguments":{
 "AlgorithmSpecification":{"TrainingImage":"i","TrainingInputMode":"File"},"RoleArn":"` + role + `","OutputDataConfig":{"S3OutputPath":"s3://b/o"},
 "ResourceConfig":{"InstanceType":"ml.m5.xlarge","InstanceCount":1,"VolumeSizeInGB":30},"StoppingCondition":{"MaxRuntimeInSeconds":3600}` + network + `}}]}`
	}
	b.do("CreatePipeline", map[string]any{"PipelineName": "p", "RoleArn": role, "PipelineDefinition": definition("")})
	b.pass(time.Minute)
	b.says("pipeline/p", "b-internet FAILED HIGH live")
	out := b.do("StartPipelineExecution", map[string]any{"PipelineName": "p"})
	b.do("UpdatePipeline", map[string]any{"PipelineName": "p", "RoleArn": role, "PipelineDefinition": definition(`,"VpcConfig":{"Subnets":["` + subnet + `"],"SecurityGroupIds":["sg-0a1b2c3d4e5f60718"]}`)})
	b.pass(time.Minute)
	b.says("pipeline/p", "b-vpc PASSED  live")
	arn, _ := out["PipelineExecutionArn"].(string)
	_, key, _ := strings.Cut(arn, ":pipeline/")
	// It runs the definition of its start.
	b.says("pipeline-execution/"+key, "b-internet FAILED HIGH live")
}

// TestPoison: what cannot be read ends with the dead letters, and takes nothing
// along; what is not for us is ignored.
func TestPoison(t *testing.T) {
	b := newBed(t)
	deliver := func(body string) {
		t.Helper()
		b.World.Send(flow.Queue, body)
	}
	deliver(`{"half`)
	deliver(`{"detail-type":"x","source":"y"}`)
	deliver(strings.Repeat(`[`, 500))
	b.do("CreateTrainingJob", training("fine", nil))
	event := `{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"444455556666","time":"2026-11-02T09:00:00Z","region":"eu-west-1","resources":[],"detail":{"eventSource":"sagemaker.amazonaws.com","eventName":"CreateTrainingJob","awsRegion":"eu-west-1","recipientAccountId":"444455556666","eventTime":"2026-11-02T09:00:00Z","eventID":"x","requestParameters":{"trainingJobName":"theirs"},"responseElements":{"trainingJobArn":"arn:aws:sagemaker:eu-west-1:444455556666:training-job/theirs"}}}`
	deliver(event)
	b.pass(2 * time.Hour)
	b.says("training-job/fine", "b-internet FAILED HIGH ended")
	if e, _ := b.Store.Entry(t.Context(), "training-job/theirs"); e != nil {
		t.Errorf("an event of another account was taken in: %+v", e)
	}
	var dead []string
	for _, m := range b.World.Messages(flow.DeadLetter) {
		dead = append(dead, m.Body)
	}
	if len(dead) != 3 || slices.Contains(dead, event) {
		t.Errorf("dead letters: %q", dead)
	}
}

// TestCut: a record that CloudTrail cut is made good by a Describe call.
func TestCut(t *testing.T) {
	b := newBed(t)
	b.do("CreateTrainingJob", training("cut", map[string]any{"VpcConfig": vpc(subnet)}))
	b.World.Send(flow.Queue, `{"version":"0","id":"2","detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"111122223333","time":"2026-11-02T09:00:00Z","region":"eu-west-1","resources":[],"detail":{"eventSource":"sagemaker.amazonaws.com","eventName":"CreateTrainingJob","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":"2026-11-02T09:00:00Z","eventID":"x","requestParameters":{"trainingJobName":"cut","omitted":true},"responseElements":{"trainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/cut"}}}`)
	b.pass(time.Second)
	e := b.says("training-job/cut", "b-vpc PASSED  live")
	if !e.Verdict.Described {
		t.Error("it was judged by half a record")
	}
}

// TestOrder is figure 2: whatever the order, and however often events come, the ledger ends
// the same. This is the history of a few names: created, changed, stopped,
// deleted, created again.
func TestOrder(t *testing.T) {
	// The world makes the history once; then its events come in every order.
	source := newBed(t)
	var history [][]byte
	source.World.AddRule(sandbox.Rule{Name: "record", Match: func(e []byte) bool {
		history = append(history, bytes.Clone(e))
		return false
	}})
	b := source
	b.World.SageMaker().RunFor(kind.TrainingJob, "", 5*time.Hour)
	var names []string
	const times = 10
	each := func(do func(i int)) {
		for i := range times {
			do(i)
		}
	}
	each(func(i int) {
		b.do("CreateTrainingJob", training(fmt.Sprint("t", i), nil))
		b.endpoint(fmt.Sprint("e", i), nil)
		names = append(names, fmt.Sprint("training-job/t", i), fmt.Sprint("model/e", i), fmt.Sprint("model/short", i), fmt.Sprint("endpoint/e", i), fmt.Sprint("endpoint-config/e", i))
	})
	b.pass(30 * time.Minute)
	each(func(i int) {
		b.do("StopTrainingJob", map[string]any{"TrainingJobName": fmt.Sprint("t", i)})
		b.do("DeleteModel", map[string]any{"ModelName": fmt.Sprint("e", i)})
	})
	b.pass(10 * time.Minute)
	each(func(i int) {
		b.do("CreateModel", map[string]any{"ModelName": fmt.Sprint("e", i), "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}, "VpcConfig": vpc(subnet)})
		b.do("DeleteEndpoint", map[string]any{"EndpointName": fmt.Sprint("e", i)})
		b.do("CreateModel", map[string]any{"ModelName": fmt.Sprint("short", i), "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}})
	})
	b.pass(time.Minute)
	each(func(i int) { b.do("DeleteModel", map[string]any{"ModelName": fmt.Sprint("short", i)}) })
	b.pass(2 * time.Hour)
	if len(history) < 200 {
		t.Fatalf("a history of %d events", len(history))
	}
	state := func(s flow.Store) string {
		var all []string
		for _, name := range names {
			e, err := s.Entry(context.Background(), name)
			if err != nil || e == nil {
				t.Fatalf("%s: %v, %v", name, e, err)
			}
			e.Version, e.Written = 0, time.Time{}
			// Whether an event led to a look, and when, depends on the order. What it
			// told must not.
			e.Verdict.Finding, e.Verdict.Event, e.Verdict.EventID = nil, "", ""
			e.Verdict.At, e.Verdict.Described, e.Life.At = time.Time{}, false, time.Time{}
			text, _ := json.Marshal(e)
			all = append(all, string(text))
		}
		return strings.Join(all, "\n")
	}
	random := rand.New(rand.NewPCG(7, 7))
	var want string
	for round := range chaos.N(5, 1000) {
		b := source
		store := ledger.NewMemory(b.World.Now)
		b.Store, b.Evaluator.Store = store, store
		order := slices.Concat(history, history[:len(history)/3])
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, e := range order {
			b.World.Send(flow.Queue, string(e))
		}
		b.pass(30 * time.Minute)
		got := state(store)
		if round == 0 {
			want = got
			for _, says := range []string{`"Class":"b-internet"`, `"State":"gone"`, `"State":"ended"`} {
				if !strings.Contains(want, says) {
					t.Errorf("the history ends without %s:\n%s", says, want)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d ends differently:\n%s", round, diff)
		}
	}
}
