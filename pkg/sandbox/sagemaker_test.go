package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// recordAll keeps every event of a world.
func recordAll(w *World) *[]map[string]any {
	var all []map[string]any
	w.AddRule(Rule{Name: "all", Invoke: func(event []byte) error {
		var e map[string]any
		err := json.Unmarshal(event, &e)
		all = append(all, e)
		return err
	}})
	return &all
}

// of are the events with a detail-type, newest last, without the rest of the
// envelope.
func of(all []map[string]any, detailType string) (out []map[string]any) {
	for _, e := range all {
		if e["detail-type"] == detailType {
			out = append(out, e["detail"].(map[string]any))
		}
	}
	return out
}

func must(t *testing.T, s *SageMaker, operation string, in map[string]any) map[string]any {
	t.Helper()
	out, err := s.Create(operation, in)
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// refused calls an operation that AWS refuses with a code and, in part, words.
func refused(t *testing.T, s *SageMaker, operation string, in map[string]any, code, words string) {
	t.Helper()
	_, err := s.Create(operation, in)
	if e := (*Error)(nil); !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("%s: %v, want %s with %q", operation, err, code, words)
	}
}

func training(name string, over map[string]any) map[string]any {
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": "arn:aws:iam::111122223333:role/SageMakerExecution",
		"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
	}
	maps.Copy(in, over)
	return in
}

func named(member, name string) map[string]any { return map[string]any{member: name} }

// states are the values of a member of details, without repetitions.
func states(details []map[string]any, members ...string) string {
	var out []string
	for _, d := range details {
		var values []string
		for _, m := range members {
			values = append(values, fmt.Sprint(d[m]))
		}
		if v := strings.Join(values, "/"); len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return strings.Join(out, " ")
}

// TestEventsAreRead: sagemoat reads every event and record that the sandbox
// sends, and finds what it is about.
func TestEventsAreRead(t *testing.T) {
	w, s, clock := smWorld(t)
	var raw [][]byte
	w.AddRule(Rule{Name: "all", Invoke: func(event []byte) error { raw = append(raw, event); return nil }})
	domain := ""
	arns := map[string]bool{}
	for _, smp := range samples() {
		row, _ := kind.Of(smp.kind)
		operation := smp.operation
		if operation == "" {
			operation = row.Calls[0].Name
		}
		over := maps.Clone(smp.over)
		if len(row.Key) > 1 && row.Key[0] == "DomainId" {
			over["DomainId"] = domain
		}
		out := must(t, s, operation, minimal(model()[operation].in, over))
		arn, key := made(row, smp, over, out)
		if smp.kind == kind.Domain {
			domain = key
		}
		arns[arn] = true
		clock.Advance(time.Second)
	}
	clock.Advance(time.Hour)
	told := map[string]bool{}
	for _, event := range raw {
		var e struct {
			DetailType string `json:"detail-type"`
			Detail     struct{ EventName string }
		}
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		observations, err := events.Decode(event)
		if err != nil || len(observations) != 1 {
			t.Errorf("%s: %v, %v", event, observations, err)
			continue
		}
		o := observations[0]
		if arns[o.ARN] {
			told[o.ARN+" "+e.DetailType] = true
		} else if !strings.HasPrefix(o.ARN, "arn:aws:sagemaker:eu-west-1:111122223333:training-job/") { // the children
			t.Errorf("%s is about %s, which nobody made", event, o.ARN)
		}
	}
	for arn := range arns {
		if !told[arn+" AWS API Call via CloudTrail"] {
			t.Errorf("no record is about %s", arn)
		}
	}
	for _, smp := range samples() {
		row, _ := kind.Of(smp.kind)
		for _, n := range row.Natives {
			found := slices.ContainsFunc(slices.Collect(maps.Keys(told)), func(s string) bool { return strings.HasSuffix(s, " "+n.DetailType) })
			if !found && !strings.Contains(n.DetailType, "Deployment") {
				t.Errorf("there is no event %s", n.DetailType)
			}
		}
	}
}

func TestDeny(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	s.Deny("CreateTrainingJob")
	s.Deny("DescribeTrainingJob")
	s.SetCaller("arn:aws:sts::111122223333:assumed-role/Intern/ben")
	refused(t, s, "CreateTrainingJob", training("a", nil), "AccessDeniedException",
		"User: arn:aws:sts::111122223333:assumed-role/Intern/ben is not authorized to perform: sagemaker:CreateTrainingJob on resource: arn:aws:sagemaker:eu-west-1:111122223333:training-job/a with an explicit deny in a service control policy")
	refused(t, s, "DescribeTrainingJob", named("TrainingJobName", "a"), "AccessDeniedException", "DescribeTrainingJob")
	clock.Advance(0)
	if calls := of(*all, "AWS API Call via CloudTrail"); len(calls) != 1 || calls[0]["errorCode"] != "AccessDenied" || calls[0]["responseElements"] != nil || text(calls[0], "requestParameters.trainingJobName") != "a" {
		t.Errorf("CloudTrail has %v", calls)
	}
	s.Allow("CreateTrainingJob")
	must(t, s, "CreateTrainingJob", training("a", nil))
}

// TestRefusals of requests that are not of the model's shape.
func TestRefusals(t *testing.T) {
	_, s, _ := smWorld(t)
	refused(t, s, "CreateSomething", nil, "UnknownOperationException", "CreateSomething")
	refused(t, s, "StopTrainingJob", nil, "ValidationException", "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: Member must not be null")
	refused(t, s, "CreateTrainingJob", named("TrainingJobName", "a"), "ValidationException", "2 validation errors detected: Value null at 'outputDataConfig'")
	refused(t, s, "CreateTrainingJob", training("a", map[string]any{"VpcConfig": map[string]any{"Subnets": []any{"subnet-1"}}}), "ValidationException", "Value null at 'vpcConfig.securityGroupIds'")
	refused(t, s, "CreateEndpointConfig", map[string]any{"EndpointConfigName": "c", "ProductionVariants": []any{map[string]any{"VariantName": "v", "InstanceType": "ml.none"}}},
		"ValidationException", "Value 'ml.none' at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum value set: [")
	for name, v := range map[string]any{
		"RoleArn": 1, "EnableNetworkIsolation": "true", "VpcConfig": "none", "InputDataConfig": map[string]any{}, "HyperParameters": []any{},
		"StoppingCondition": map[string]any{"MaxRuntimeInSeconds": true}, "ResourceConfig": map[string]any{"InstanceType": 7},
	} {
		refused(t, s, "CreateTrainingJob", training("a", map[string]any{name: v}), "SerializationException", "")
	}
	for _, name := range []string{"", "a_b", "-a", "a-", strings.Repeat("a", 64)} {
		refused(t, s, "CreateModel", named("ModelName", name), "ValidationException", "at 'modelName' failed to satisfy constraint")
	}
	// What AWS does not know it ignores, and null is not there.
	must(t, s, "CreateModel", map[string]any{"ModelName": "a", "Unknown": 1, "VpcConfig": nil})
	refused(t, s, "ListModels", map[string]any{"MaxResults": 101}, "ValidationException", "less than or equal to 100")
	refused(t, s, "ListModels", map[string]any{"MaxResults": 0}, "ValidationException", "greater than or equal to 1")
	refused(t, s, "ListModels", map[string]any{"NextToken": "?"}, "ValidationException", "token")
	refused(t, s, "Search", named("Resource", "Image"), "ValidationException", "Image")
	refused(t, s, "CreateTransformJob", minimal(model()["CreateTransformJob"].in, map[string]any{"TransformJobName": "t", "ModelName": "none"}), "ValidationException", "Could not find model")
	if err := s.SeedFinished("CreateDomain", nil, 1); err == nil {
		t.Error("a domain can be seeded")
	}
	if err := s.SeedFinished("CreateModel", nil, 1); err == nil {
		t.Error("a model without a name can be seeded")
	}
	if s.Fail(kind.TrainingJob, "none") {
		t.Error("what is not there can fail")
	}
	if _, ok := s.Status("none", "none"); ok {
		t.Error("what is not there has a status")
	}
}

func BenchmarkCreateAndDescribe(b *testing.B) {
	w := New(Options{Clock: NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), Seed: 1})
	s := w.SageMaker()
	i := 0
	for b.Loop() {
		i++
		name := fmt.Sprintf("job-%d", i)
		if _, err := s.Create("CreateTrainingJob", training(name, nil)); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Create("DescribeTrainingJob", named("TrainingJobName", name)); err != nil {
			b.Fatal(err)
		}
	}
}
