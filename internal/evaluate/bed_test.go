package evaluate_test

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	subnet  = "subnet-0a1b2c3d4e5f60718"
	role    = "arn:aws:iam::111122223333:role/SageMakerExecution"
	visible = 2 * time.Minute
)

// bed is an evaluator and the SageMaker that it asks. The events of the world are
// kept, and told to the evaluator when a test says so.
type bed struct {
	*evaluate.Evaluator
	t     *testing.T
	clock *sandbox.Virtual
	world *sandbox.World
	// twist, if set, changes what SageMaker answered.
	twist  func(operation string, r *awsjson.Response) *awsjson.Response
	lost   string // an operation that finds nothing
	events [][]byte
	rules  evaluate.Ruleset
	failed error // what the rules cannot be had for
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: sandbox.NewVirtual(began)}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	b.world.AddRule(sandbox.Rule{Name: "keep", Match: func(e []byte) bool {
		b.events = append(b.events, bytes.Clone(e))
		return false
	}})
	endpoint, stop, err := b.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	key, secret := b.world.Credentials("sagemoat-audit", "audit")
	caller := awsjson.New(aws.Config{
		Region: b.world.Region(), BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "session"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	})
	scope := kind.Scope{Partition: "aws", Account: b.world.Account(), Region: b.world.Region()}
	b.use("")
	b.Evaluator = &evaluate.Evaluator{
		Scope: scope, Store: ledger.NewMemory(b.world.Now), Now: b.world.Now, Visible: visible,
		Rules: func(context.Context) (evaluate.Ruleset, error) { return b.rules, b.failed },
		Resolver: live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
			if operation == b.lost {
				return nil, &smithy.GenericAPIError{Code: "ResourceNotFound"}
			}
			r, err := caller.Call(ctx, awsjson.SageMaker(), operation, input)
			if err == nil && b.twist != nil {
				r = b.twist(operation, r)
			}
			return r, err
		}),
	}
	return b
}

// use has rules in force, the built-in ones where there is no text.
func (b *bed) use(text string) {
	b.t.Helper()
	file := rules.Default()
	if text != "" {
		var err error
		if file, err = rules.Load("rules.yaml", []byte(text), kind.Kinds()); err != nil {
			b.t.Fatal(err)
		}
	}
	b.rules = evaluate.Ruleset{File: file, Current: true, Version: ledger.RulesVersion{At: b.world.Now(), ID: b.world.Now().String()}}
}

func (b *bed) pass(d time.Duration) { b.clock.Advance(d) }

// do calls an operation as a user.
func (b *bed) do(operation string, input map[string]any) map[string]any {
	b.t.Helper()
	out, err := b.world.SageMaker().Create(operation, input)
	if err != nil {
		b.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// event takes the oldest event that is kept and has a word in it.
func (b *bed) event(word string) *kind.Observation {
	b.t.Helper()
	for i, e := range b.events {
		if !strings.Contains(string(e), `"`+word+`"`) {
			continue
		}
		b.events = append(b.events[:i:i], b.events[i+1:]...)
		observations, err := events.Decode(e)
		if err != nil || len(observations) != 1 {
			b.t.Fatalf("%s: %d observations, %v", word, len(observations), err)
		}
		return observations[0]
	}
	b.t.Fatalf("there is no event with %q", word)
	return nil
}

// tell has the evaluator take in the oldest event with a word in it.
func (b *bed) tell(word string, age time.Duration) (*ledger.Entry, error) {
	b.t.Helper()
	return b.Record(b.t.Context(), b.event(word), age)
}

// told is tell where nothing may go wrong.
func (b *bed) told(word string) *ledger.Entry {
	b.t.Helper()
	e, err := b.tell(word, time.Second)
	if err != nil {
		b.t.Fatalf("%s: %v", word, err)
	}
	return e
}

// looked is what a look finds.
func (b *bed) looked(k kind.Kind, key string) *ledger.Entry {
	b.t.Helper()
	row, _ := kind.Of(k)
	e, err := b.Look(b.t.Context(), row, key)
	if err != nil {
		b.t.Fatalf("%s/%s: %v", k, key, err)
	}
	return e
}

// says fails the test where the ledger says something else: class, compliance,
// state.
func (b *bed) says(resource, want string) *ledger.Entry {
	b.t.Helper()
	e, err := b.Store.Entry(b.t.Context(), resource)
	if err != nil {
		b.t.Fatal(err)
	}
	if e == nil {
		e = &ledger.Entry{}
	}
	if got := strings.TrimSpace(e.Verdict.Class + " " + string(e.Verdict.Compliance) + " " + string(e.Life.State)); got != want {
		b.t.Errorf("%s: the ledger says %q, want %q", resource, got, want)
	}
	return e
}

func (b *bed) deny(operation string) {
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: operation, Kind: sandbox.Denied})
}

func vpc() map[string]any {
	return map[string]any{"Subnets": []any{subnet}, "SecurityGroupIds": []any{"sg-0a1b2c3d4e5f60718"}}
}

func (b *bed) model(name string, closed bool) string {
	b.t.Helper()
	in := map[string]any{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}}
	if closed {
		in["VpcConfig"] = vpc()
	}
	b.do("CreateModel", in)
	return name
}

func (b *bed) config(name, model string) {
	b.t.Helper()
	b.do("CreateEndpointConfig", map[string]any{"EndpointConfigName": name, "ProductionVariants": []any{map[string]any{
		"VariantName": "v", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}})
}

func (b *bed) job(name string, closed bool, more map[string]any) {
	b.t.Helper()
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": role,
		"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
	}
	if closed {
		in["VpcConfig"] = vpc()
	}
	maps.Copy(in, more)
	b.do("CreateTrainingJob", in)
}

func (b *bed) domain(access string) (id string) {
	b.t.Helper()
	out := b.do("CreateDomain", map[string]any{
		"DomainName": "d", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "AppNetworkAccessType": access,
		"DefaultUserSettings": map[string]any{"ExecutionRole": role, "SecurityGroups": []any{"sg-0a1b2c3d4e5f60718"}},
	})
	arn, _ := out["DomainArn"].(string)
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

func (b *bed) cluster(name string) (arn string) {
	b.t.Helper()
	out := b.do("CreateCluster", map[string]any{"ClusterName": name, "InstanceGroups": []any{map[string]any{
		"InstanceGroupName": "g", "ExecutionRole": role, "InstanceCount": 1, "InstanceType": "ml.g5.xlarge",
		"LifeCycleConfig": map[string]any{"SourceS3Uri": "s3://b/l", "OnCreate": "c.sh"},
	}}})
	arn, _ = out["ClusterArn"].(string)
	return arn
}
