package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

func TestTuningJobAndItsChildren(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	definition := minimal(model()["CreateHyperParameterTuningJob"].in.members["TrainingJobDefinition"], map[string]any{"VpcConfig": vpc})
	create := func(name string) map[string]any {
		return map[string]any{
			"HyperParameterTuningJobName": name, "TrainingJobDefinition": definition,
			"HyperParameterTuningJobConfig": map[string]any{"Strategy": "Random", "ResourceLimits": map[string]any{"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 3}},
		}
	}
	children := func(name string) []any {
		return must(t, s, "ListTrainingJobsForHyperParameterTuningJob", named("HyperParameterTuningJobName", name))["TrainingJobSummaries"].([]any)
	}
	must(t, s, "CreateHyperParameterTuningJob", create("whole"))
	if n := len(children("whole")); n != 2 {
		t.Errorf("%d children run side by side, want 2", n)
	}
	child := text(children("whole")[0], "TrainingJobName")
	described := must(t, s, "DescribeTrainingJob", named("TrainingJobName", child))
	if text(described, "TuningJobArn") != "arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/whole" || !cmp.Equal(described["VpcConfig"], any(vpc)) {
		t.Errorf("a child is described as %v", described)
	}
	conforms(t, "DescribeTrainingJob", model()["DescribeTrainingJob"].out, described)
	clock.Advance(3 * (DefaultRun + soon))
	if got, _ := s.Status(kind.HyperParameterTuningJob, "whole"); got != "Completed" || len(children("whole")) != 3 {
		t.Errorf("the tuning job is %s with %d children", got, len(children("whole")))
	}
	counters := must(t, s, "DescribeHyperParameterTuningJob", named("HyperParameterTuningJobName", "whole"))["TrainingJobStatusCounters"].(map[string]any)
	if counters["Completed"] != 3 || counters["InProgress"] != 0 {
		t.Errorf("it counts %v", counters)
	}

	must(t, s, "CreateHyperParameterTuningJob", create("halted"))
	clock.Advance(time.Minute)
	must(t, s, "StopHyperParameterTuningJob", named("HyperParameterTuningJobName", "halted"))
	for _, c := range children("halted") {
		if text(c, "TrainingJobStatus") != "Stopping" {
			t.Errorf("a child is %s", text(c, "TrainingJobStatus"))
		}
	}
	clock.Advance(grace)
	if got, _ := s.Status(kind.HyperParameterTuningJob, "halted"); got != "Stopped" || len(children("halted")) != 2 || len(s.Running()) != 0 {
		t.Errorf("the tuning job is %s with %d children; %v runs", got, len(children("halted")), s.Running())
	}
	spawned := of(*all, "AWS Service Event via CloudTrail")
	if len(spawned) != 5 || spawned[0]["requestParameters"] != nil || text(spawned[0], "serviceEventDetails.trainingJobName") != child || spawned[0]["eventType"] != "AwsServiceEvent" {
		t.Errorf("%d service events; the first is %v", len(spawned), spawned[0])
	}
}

func TestPipelineExecution(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	refused(t, s, "CreatePipeline", map[string]any{"PipelineName": "pipe", "RoleArn": "arn:aws:iam::111122223333:role/p", "PipelineDefinition": "{"}, "ValidationException", "Unable to parse pipeline definition")
	refused(t, s, "StartPipelineExecution", named("PipelineName", "pipe"), "ResourceNotFound", "Pipeline 'arn:aws:sagemaker:eu-west-1:111122223333:pipeline/pipe' does not exist.")
	w.AddBucket("definitions", "111122223333")
	w.PutObject("definitions", "pipe.json", []byte(definitionText))
	must(t, s, "CreatePipeline", map[string]any{
		"PipelineName": "pipe", "RoleArn": "arn:aws:iam::111122223333:role/service/PipelineRole",
		"PipelineDefinitionS3Location": map[string]any{"Bucket": "definitions", "ObjectKey": "pipe.json"},
	})
	if d := must(t, s, "DescribePipeline", named("PipelineName", "pipe")); d["PipelineDefinition"] != definitionText {
		t.Errorf("described as %v", d)
	}
	refused(t, s, "CreatePipeline", map[string]any{"PipelineName": "pipe", "RoleArn": "arn:aws:iam::111122223333:role/p", "PipelineDefinition": definitionText}, "ValidationException", "Pipeline names must be unique")
	begin := func() string {
		return text(must(t, s, "StartPipelineExecution", map[string]any{
			"PipelineName": "pipe", "PipelineExecutionDisplayName": "nightly", "PipelineParameters": []any{map[string]any{"Name": "Image", "Value": "image:2"}},
		}), "PipelineExecutionArn")
	}
	arn := begin()
	status := func() string {
		return text(must(t, s, "DescribePipelineExecution", named("PipelineExecutionArn", arn)), "PipelineExecutionStatus")
	}
	steps := func() string {
		out := must(t, s, "ListPipelineExecutionSteps", named("PipelineExecutionArn", arn))
		conforms(t, "ListPipelineExecutionSteps", model()["ListPipelineExecutionSteps"].out, out)
		var all []string
		for _, st := range follow(out, "PipelineExecutionSteps[]") {
			all = append(all, text(st, "StepName")+" "+text(st, "StepStatus"))
		}
		return strings.Join(all, ", ")
	}
	refused(t, s, "DeletePipeline", named("PipelineName", "pipe"), "ConflictException", "pipeline execution")
	clock.Advance(soon)
	if got := steps(); got != "Check Succeeded, Train Executing" || status() != "Executing" {
		t.Errorf("the execution is %s: %s", status(), got)
	}
	if p := must(t, s, "ListPipelineParametersForExecution", named("PipelineExecutionArn", arn)); text(p, "PipelineParameters[].Value") != "image:2" {
		t.Errorf("the parameters are %v", p)
	}
	running := s.Running()
	if len(running) != 2 || !strings.HasPrefix(running[0].Key, "pipelines-") {
		t.Fatalf("running: %v", running)
	}
	if job := must(t, s, "DescribeTrainingJob", named("TrainingJobName", running[0].Key)); text(job, "AlgorithmSpecification.TrainingImage") != "image:2" {
		t.Errorf("the job of the step is %v", job)
	}
	clock.Advance(DefaultRun + soon)
	if got := steps(); got != "Check Succeeded, Train Succeeded" || status() != "Succeeded" {
		t.Errorf("the execution is %s: %s", status(), got)
	}

	arn = begin()
	clock.Advance(soon)
	must(t, s, "StopPipelineExecution", named("PipelineExecutionArn", arn))
	if status() != "Stopping" {
		t.Errorf("after the stop it is %s", status())
	}
	clock.Advance(grace)
	if got := steps(); got != "Check Succeeded, Train Stopped" || status() != "Stopped" {
		t.Errorf("the execution is %s: %s", status(), got)
	}
	refused(t, s, "StopPipelineExecution", named("PipelineExecutionArn", arn), "ValidationException", "is in status Stopped")
	must(t, s, "RetryPipelineExecution", named("PipelineExecutionArn", arn))
	must(t, s, "StopPipelineExecution", named("PipelineExecutionArn", arn)) // in a step without a job
	clock.Advance(soon)
	if status() != "Stopped" {
		t.Errorf("after a stop between jobs it is %s", status())
	}

	arn = begin()
	clock.Advance(soon)
	s.Fail(kind.TrainingJob, s.Running()[0].Key)
	if got := steps(); got != "Check Succeeded, Train Failed" || status() != "Failed" {
		t.Errorf("the execution is %s: %s", status(), got)
	}
	arn = begin()
	s.Deny("CreateTrainingJob")
	clock.Advance(soon)
	if status() != "Failed" {
		t.Errorf("with a step that is denied the execution is %s", status())
	}
	clock.Advance(0)
	executions := of(*all, "SageMaker Model Building Pipeline Execution Status Change")
	if got, want := states(executions[:6], "previousPipelineExecutionStatus", "currentPipelineExecutionStatus"), "<nil>/Executing Executing/Succeeded <nil>/Executing Executing/Stopping Stopping/Stopped Stopped/Executing"; got != want {
		t.Errorf("events tell %q, want %q", got, want)
	}
	for _, call := range of(*all, "AWS API Call via CloudTrail") {
		if call["eventName"] == "CreateTrainingJob" && text(call, "userIdentity.arn") != "arn:aws:sts::111122223333:assumed-role/PipelineRole/SageMaker" {
			t.Errorf("a step calls as %s", text(call, "userIdentity.arn"))
		}
	}
}

func TestAutoML(t *testing.T) {
	_, s, clock := smWorld(t)
	must(t, s, "CreateAutoMLJob", map[string]any{
		"AutoMLJobName": "first", "RoleArn": "arn:aws:iam::111122223333:role/r", "OutputDataConfig": map[string]any{"S3OutputPath": "s3://b/o"},
		"InputDataConfig": []any{map[string]any{"TargetAttributeName": "y"}},
		"AutoMLJobConfig": map[string]any{"SecurityConfig": map[string]any{"VpcConfig": vpc}},
	})
	for op, path := range map[string]string{"DescribeAutoMLJob": "AutoMLJobConfig.SecurityConfig.VpcConfig", "DescribeAutoMLJobV2": "SecurityConfig.VpcConfig"} {
		d := must(t, s, op, named("AutoMLJobName", "first"))
		conforms(t, op, model()[op].out, d)
		if found := follow(d, path); len(found) != 1 || !cmp.Equal(found[0], any(vpc)) {
			t.Errorf("%s: %v", op, d)
		}
	}
	running := s.Running()
	if len(running) != 2 {
		t.Fatalf("running: %v", running)
	}
	if child := must(t, s, "DescribeTrainingJob", named("TrainingJobName", running[0].Key)); !cmp.Equal(child["VpcConfig"], any(vpc)) || text(child, "AutoMLJobArn") == "" {
		t.Errorf("the child is %v", child)
	}
	clock.Advance(DefaultRun + soon)
	if got, _ := s.Status(kind.AutoMLJob, "first"); got != "Completed" {
		t.Errorf("the job is %s", got)
	}
}

// TestManySteps: lists of what is no resource have pages, too.
func TestManySteps(t *testing.T) {
	_, s, clock := smWorld(t)
	var steps []string
	for i := range 15 {
		steps = append(steps, fmt.Sprintf(`{"Name":"s%d","Type":"Fail","Arguments":{}}`, i))
	}
	steps = append(steps, `{"Name":"m","Type":"Model","Arguments":{"ExecutionRoleArn":{"Get":"Execution.Role"},"EnableNetworkIsolation":true,"PrimaryContainer":{"Image":"i"},"Containers":[{"Image":"a"}]}}`)
	must(t, s, "CreatePipeline", map[string]any{"PipelineName": "p", "RoleArn": "arn:aws:iam::111122223333:role/p", "PipelineDefinition": `{"Version":"2020-12-01","Steps":[` + strings.Join(steps, ",") + `]}`})
	arn := must(t, s, "StartPipelineExecution", named("PipelineName", "p"))["PipelineExecutionArn"]
	clock.Advance(20 * soon)
	in := map[string]any{"PipelineExecutionArn": arn}
	n := 0
	for {
		page := must(t, s, "ListPipelineExecutionSteps", in)
		n += len(page["PipelineExecutionSteps"].([]any))
		if page["NextToken"] == nil {
			break
		}
		in["NextToken"] = page["NextToken"]
	}
	if got := text(must(t, s, "DescribePipelineExecution", map[string]any{"PipelineExecutionArn": arn}), "PipelineExecutionStatus"); n != 16 || got != "Succeeded" {
		t.Errorf("%d steps, %s", n, got)
	}
	models := must(t, s, "Search", map[string]any{"Resource": "Model"})
	if role := text(models, "Results[].Model.Model.ExecutionRoleArn"); role != "known-at-run-time" || !cmp.Equal(follow(models, "Results[].Model.Model.EnableNetworkIsolation"), []any{true}) {
		t.Errorf("the model is %v", models)
	}
	refused(t, s, "ListPipelineExecutionSteps", map[string]any{"PipelineExecutionArn": arn, "MaxResults": 500}, "ValidationException", "maxResults")
	must(t, s, "CreateHyperParameterTuningJob", minimal(model()["CreateHyperParameterTuningJob"].in, named("HyperParameterTuningJobName", "empty")))
	if got, _ := s.Status(kind.HyperParameterTuningJob, "empty"); got != "Completed" {
		t.Errorf("a tuning job that starts nothing is %s", got)
	}
}
