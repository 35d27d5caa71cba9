package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
)

// spawn starts a training job for another resource. CloudTrail records it as the
// service's own.
func (s *SageMaker) spawn(parent *resource, name string, doc map[string]any) {
	t := s.kinds[kind.TrainingJob]
	child := &resource{t: t, key: name, name: name, doc: doc, parent: parent}
	child.doc[t.named] = name
	if err := t.complete(s, child); err != nil {
		return // a training job completes without error
	}
	child.created = s.w.Now().UnixMilli()
	s.serviceEvent("CreateTrainingJob", child)
	parent.family.begun++
	parent.family.children = append(parent.family.children, child)
	s.add(child)
}

// live is how many of what a resource started still run.
func (f *family) live() (n int) {
	for _, child := range f.children {
		if !finished(child.status) {
			n++
		}
	}
	return n
}

// parentSettled goes on once nothing that was started runs any more.
func parentSettled(_ *SageMaker, r, _ *resource) {
	if r.family.live() == 0 && r.family.next != nil {
		r.family.next()
	}
}

// tuningBegun starts as many training jobs as may run side by side.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceLimits.html
func tuningBegun(s *SageMaker, r *resource) {
	limit := func(name string) int {
		for _, v := range follow(r.doc, "HyperParameterTuningJobConfig.ResourceLimits."+name) {
			if n, ok := number(v); ok {
				return int(n)
			}
		}
		return 1
	}
	r.family.most = limit("MaxNumberOfTrainingJobs")
	for range min(limit("MaxParallelTrainingJobs"), r.family.most) {
		tuningNext(s, r)
	}
	parentSettled(s, r, nil)
}

// tuningNext starts the next training job of a tuning job, each definition in
// its turn.
func tuningNext(s *SageMaker, r *resource) {
	definitions := append(follow(r.doc, "TrainingJobDefinition"), follow(r.doc, "TrainingJobDefinitions[]")...)
	if len(definitions) == 0 {
		return
	}
	definition, _ := definitions[r.family.begun%len(definitions)].(map[string]any)
	training := s.kinds[kind.TrainingJob].in
	doc := map[string]any{}
	for name, v := range definition {
		if member := training.members[name]; member != nil {
			doc[name] = part(member, v)
		}
	}
	doc["HyperParameters"] = map[string]any{}
	if static := definition["StaticHyperParameters"]; static != nil {
		doc["HyperParameters"] = static
	}
	doc["TunedHyperParameters"], doc["TuningJobName"], doc["TuningJobArn"] = map[string]any{}, r.name, r.arn
	if name := text(definition, "DefinitionName"); name != "" {
		doc["TrainingJobDefinitionName"] = name
	}
	s.spawn(r, fmt.Sprintf("%s-%03d-%s", r.name, r.family.begun+1, s.id()[:8]), doc)
}

func tuningSettled(s *SageMaker, r, child *resource) {
	if r.status == "InProgress" && r.family.begun < r.family.most {
		tuningNext(s, r)
		return
	}
	parentSettled(s, r, child)
}

// tuningFace counts the training jobs of a tuning job.
func tuningFace(_ *SageMaker, r *resource, sh *shape, out map[string]any) {
	if sh.members["TrainingJobStatusCounters"] == nil {
		return
	}
	counts := map[string]any{"Completed": 0, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}
	succeeded, waiting := 0, 0
	if r.family != nil {
		n := map[string]int{}
		for _, child := range r.family.children {
			n[child.status]++
		}
		succeeded, waiting = n["Completed"], r.family.live()
		counts["Completed"], counts["InProgress"] = succeeded, waiting
		counts["Stopped"], counts["NonRetryableError"] = n["Stopped"], n["Failed"]
	}
	out["TrainingJobStatusCounters"] = counts
	out["ObjectiveStatusCounters"] = map[string]any{"Succeeded": succeeded, "Pending": waiting, "Failed": 0}
}

// tuningChildren answers ListTrainingJobsForHyperParameterTuningJob.
func tuningChildren(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	sh := o.sig.out.members["TrainingJobSummaries"].of
	var all []any
	if r.family != nil {
		for _, child := range r.family.children {
			if status := text(in, "StatusEquals"); status == "" || status == child.status {
				all = append(all, s.face(child, sh, seconds))
			}
		}
	}
	return paged(in, "TrainingJobSummaries", all)
}

// paged is a page of a list.
func paged(in map[string]any, name string, all []any) (map[string]any, error) {
	p, err := pageOf(in, "", false)
	if err != nil {
		return nil, err
	}
	rest := all[min(p.offset, len(all)):]
	out := map[string]any{name: slices.Concat([]any{}, rest[:min(p.most, len(rest))])}
	if len(rest) > p.most {
		out["NextToken"] = token(0, 0, p.offset+p.most)
	}
	return out, nil
}

// autoMLMade keeps what the first version of the API was told under the names of
// the second, by which DescribeAutoMLJobV2 shows it.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeAutoMLJobV2.html
func autoMLMade(s *SageMaker, r *resource) error {
	if first, ok := r.doc["InputDataConfig"]; ok {
		second := model()["CreateAutoMLJobV2"].in.members
		r.doc["AutoMLJobInputDataConfig"] = part(second["AutoMLJobInputDataConfig"], first)
		if config := follow(r.doc, "AutoMLJobConfig.SecurityConfig"); len(config) > 0 {
			r.doc["SecurityConfig"] = config[0]
		}
	} else {
		r.doc["InputDataConfig"] = part(s.kinds[kind.AutoMLJob].in.members["InputDataConfig"], r.doc["AutoMLJobInputDataConfig"])
	}
	return nil
}

// autoMLBegun starts one training job, where Autopilot starts jobs of several
// kinds.
func autoMLBegun(s *SageMaker, r *resource) {
	doc := map[string]any{
		"RoleArn": r.doc["RoleArn"], "AutoMLJobArn": r.arn,
		"OutputDataConfig":       map[string]any{"S3OutputPath": text(r.doc, "OutputDataConfig.S3OutputPath")},
		"AlgorithmSpecification": map[string]any{"TrainingInputMode": "File"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
	}
	for _, name := range []string{"VpcConfig", "EnableInterContainerTrafficEncryption"} {
		for _, v := range follow(r.doc, "SecurityConfig."+name) {
			doc[name] = v
		}
	}
	s.spawn(r, r.name[:min(len(r.name), 40)]+"-trainer-"+s.id()[:8], doc)
}

// pipelineCheck reads the definition of a pipeline, from S3 where it is there.
func pipelineCheck(s *SageMaker, doc map[string]any) error {
	if text(doc, "PipelineDefinition") == "" {
		bucket, key := text(doc, "PipelineDefinitionS3Location.Bucket"), text(doc, "PipelineDefinitionS3Location.ObjectKey")
		if bucket == "" {
			return refuse("ValidationException", "Either PipelineDefinition or PipelineDefinitionS3Location is required.")
		}
		result, err := s.w.buckets.serve(&call{Operation: "GetObject", Input: map[string]any{"Bucket": bucket, "Key": key}})
		if err != nil {
			return refuse("ValidationException", "Unable to read the pipeline definition from s3://%s/%s: %v", bucket, key, err)
		}
		if o, ok := result.(*reply); ok {
			doc["PipelineDefinition"] = string(o.body)
		}
	}
	if _, err := pipeline.Parse([]byte(text(doc, "PipelineDefinition"))); err != nil {
		return refuse("ValidationException", "Unable to parse pipeline definition. %v", err)
	}
	return nil
}

// pipelineChange replaces the definition, in whichever way it was given.
func pipelineChange(s *SageMaker, r *resource, in map[string]any) (func(), error) {
	if in["PipelineDefinition"] != nil || in["PipelineDefinitionS3Location"] != nil {
		in = maps.Clone(in)
		if err := pipelineCheck(s, in); err != nil {
			return nil, err
		}
	}
	r.doc = merged(r.doc, in, false)
	return nil, nil
}

// executionKey starts an execution of the definition that the pipeline has now.
func executionKey(s *SageMaker, doc map[string]any) (string, error) {
	t := s.kinds[kind.Pipeline]
	r, err := s.find(t, doc)
	if err != nil {
		return "", err
	}
	doc["PipelineName"], doc["PipelineArn"], doc["PipelineDefinition"], doc["RoleArn"] = r.name, r.arn, r.doc["PipelineDefinition"], r.doc["RoleArn"]
	return r.name + "/execution/" + s.id(), nil
}

// step is one step of a pipeline execution.
type step struct {
	pipeline.Step
	status       string
	began, ended int64
	child        *resource
	reason       string
}

// stepCalls are the operations of the steps that start something here. The
// other steps pass.
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
var stepCalls = map[string]struct {
	operation, name, metadata string
	kind                      kind.Kind
}{
	"Training":   {"CreateTrainingJob", "TrainingJobName", "TrainingJob", kind.TrainingJob},
	"Processing": {"CreateProcessingJob", "ProcessingJobName", "ProcessingJob", kind.ProcessingJob},
	"Transform":  {"CreateTransformJob", "TransformJobName", "TransformJob", kind.TransformJob},
	"Tuning":     {"CreateHyperParameterTuningJob", "HyperParameterTuningJobName", "TuningJob", kind.HyperParameterTuningJob},
	"Model":      {"CreateModel", "ModelName", "Model", kind.Model},
}

// executionBegun lists the steps and starts the first. Those of branches are not
// run: what a condition says is not known here.
func executionBegun(s *SageMaker, r *resource) {
	r.family.steps, r.family.begun = nil, 0
	doc, err := pipeline.Parse([]byte(text(r.doc, "PipelineDefinition")))
	if err != nil {
		s.executionFails(r, err.Error())
		return
	}
	given := map[string]string{}
	for _, p := range follow(r.doc, "PipelineParameters[]") {
		given[text(p, "Name")] = text(p, "Value")
	}
	for _, d := range doc.Steps(given) {
		if !d.Conditional {
			r.family.steps = append(r.family.steps, &step{Step: d, status: "Starting"})
		}
	}
	s.executionNext(r)
}

// executionNext starts the next step: they run in the order of the definition.
func (s *SageMaker) executionNext(r *resource) {
	if r.family.begun == len(r.family.steps) {
		r.family.next()
		return
	}
	st := r.family.steps[r.family.begun]
	r.family.begun++
	st.status, st.began = "Executing", s.w.Now().UnixMilli()
	starts, known := stepCalls[st.Type]
	if !known {
		s.later(r, soon, func() { s.stepEnds(r, st, "Succeeded") })
		return
	}
	arguments, _ := plain(st.Arguments).(map[string]any)
	arguments = maps.Clone(arguments)
	if arguments == nil {
		arguments = map[string]any{}
	}
	name := "pipelines-" + last(r.key) + "-" + st.Name[:min(len(st.Name), 20)] + "-" + s.id()[:10]
	arguments[starts.name] = name
	_, err := s.perform(&call{
		Service: "sagemaker", Operation: starts.operation, Input: arguments, requestID: s.w.uuid(),
		Caller: "arn:" + s.w.partition + ":sts::" + s.w.account + ":assumed-role/" + last(text(r.doc, "RoleArn")) + "/SageMaker",
	})
	if err != nil {
		st.reason = err.Error()
		s.stepEnds(r, st, "Failed")
		return
	}
	st.child = s.shelves[starts.kind].items[name]
	if starts.kind == kind.Model {
		s.later(r, soon, func() { s.stepEnds(r, st, "Succeeded") })
		return
	}
	st.child.parent = r
	r.family.children = append(r.family.children, st.child)
}

// stepEnds ends a step and goes on.
func (s *SageMaker) stepEnds(r *resource, st *step, status string) {
	st.status, st.ended = status, s.w.Now().UnixMilli()
	switch {
	case r.status == "Stopping":
		r.family.next()
	case status == "Succeeded":
		s.executionNext(r)
	default:
		s.executionFails(r, "Step failure: One or multiple steps failed.")
	}
}

func (s *SageMaker) executionFails(r *resource, reason string) {
	r.reason = reason
	s.begin(r, plan{phases: []phase{{status: "Failed"}}})
}

// executionSettled ends the step whose job ended.
func executionSettled(s *SageMaker, r, child *resource) {
	for _, st := range r.family.steps {
		if st.child != child || st.ended != 0 {
			continue
		}
		switch child.status {
		case "Completed":
			s.stepEnds(r, st, "Succeeded")
		case "Stopped":
			s.stepEnds(r, st, "Stopped")
		default:
			st.reason = child.reason
			s.stepEnds(r, st, "Failed")
		}
	}
}

// plain is a value of a definition as a request has it. What only a run would
// tell has a word in its place.
func plain(v jsondoc.Value) any {
	switch v.Kind() {
	case jsondoc.Object:
		out := map[string]any{}
		for _, m := range v.Members() {
			if value := plain(m.Value); value != nil {
				out[m.Name] = value
			}
		}
		return out
	case jsondoc.Array:
		out := make([]any, 0, v.Len())
		for _, m := range v.Members() {
			out = append(out, plain(m.Value))
		}
		return out
	case jsondoc.Unknown:
		return "known-at-run-time"
	}
	if b, ok := v.Bool(); ok {
		return b
	}
	if s, ok := v.Text(); ok {
		return s
	}
	if lit, ok := v.Literal(); ok {
		if n, err := strconv.ParseFloat(lit, 64); err == nil {
			return n
		}
	}
	return nil
}

// executionDefinition answers DescribePipelineDefinitionForExecution.
func executionDefinition(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"PipelineDefinition": r.doc["PipelineDefinition"], "CreationTime": seconds(r.created)}, nil
}

// executionParameters answers ListPipelineParametersForExecution.
func executionParameters(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	return paged(in, "PipelineParameters", follow(r.doc, "PipelineParameters[]"))
}

// executionSteps answers ListPipelineExecutionSteps.
func executionSteps(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	var all []any
	if r.family != nil {
		for _, st := range r.family.steps[:r.family.begun] {
			shown := map[string]any{"StepName": st.Name, "StepStatus": st.status, "StartTime": seconds(st.began), "AttemptCount": 1}
			if st.ended != 0 {
				shown["EndTime"] = seconds(st.ended)
			}
			if st.reason != "" {
				shown["FailureReason"] = strings.TrimSpace(st.reason)
			}
			if st.child != nil {
				shown["Metadata"] = map[string]any{stepCalls[st.Type].metadata: map[string]any{"Arn": st.child.arn}}
			}
			all = append(all, shown)
		}
	}
	return paged(in, "PipelineExecutionSteps", all)
}
