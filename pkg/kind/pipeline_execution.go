package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// PipelineExecution is a run of a pipeline: the pipeline's definition with the
// parameters of the run.
const PipelineExecution Kind = "pipeline-execution"

var pipelineExecution = Row{
	Kind:     PipelineExecution,
	Words:    "pipeline execution",
	Key:      []string{"PipelineExecutionArn"},
	Resource: "pipeline/{PipelineExecutionArn}",
	Calls: []Call{
		{Name: "StartPipelineExecution", ARN: "PipelineExecutionArn", Marks: []string{"PipelineName", "ClientRequestToken"}},
		{Name: "RetryPipelineExecution", Effect: Runs, ARN: "PipelineExecutionArn"},
	},
	Describe: Describe{Name: "DescribePipelineExecution", ARN: "PipelineExecutionArn", Status: "PipelineExecutionStatus", Lacks: []string{"PipelineParameters"}},
	Lists:    []string{"ListPipelineExecutions"},
	Ends:     true,
	Stops:    []string{"StopPipelineExecution"},
	Natives:  []Native{{DetailType: "SageMaker Model Building Pipeline Execution Status Change", ARN: "pipelineExecutionArn", Status: "currentPipelineExecutionStatus"}},
	Refers:   []Reference{{Pipeline, "PipelineName"}},
	Snapshot: true,
	Fresh:    true,
	Closes:   "stop the execution, give the pipeline's steps the settings below by UpdatePipeline, start it again",
	Paste:    pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html",
	parts:    pipelineExecutionParts,
}

func pipelineExecutionParts(r *reader) []Part {
	name := r.at("PipelineName")
	if arn := r.at("PipelineArn"); !name.set() && arn.set() {
		name = arn
	}
	fail := func(reason posture.Reason) []Part { return single(unknown(posture.Unassessed, reason)) }
	for _, member := range []string{"PipelineVersionId", "PipelineVersionAlias"} {
		if f := r.at(member); f.set() {
			reason := r.why(f)
			reason.Why = "the execution names a version of the pipeline, and the input does not tell which definition that is"
			reason.Look = "DescribePipelineDefinitionForExecution"
			return fail(reason)
		}
	}
	if f := r.at("RoleArn"); f.set() {
		reason := r.why(f)
		reason.Why = "the execution brings a role of its own, as those of pipelines that AWS manages do: their definition is not in the input"
		reason.Look = "DescribePipelineDefinitionForExecution"
		return fail(reason)
	}
	given, reason := r.parameters(r.at("PipelineParameters"))
	if reason.Why != "" {
		return fail(reason)
	}
	p, reason := r.refer(Pipeline, name)
	if p == nil {
		reason.Look = "DescribePipelineDefinitionForExecution"
		return fail(reason)
	}
	// Of a selective execution, steps that are not selected were run by another
	// one, by the definition of its time: what they made is not known.
	p.alone = r.at("SelectiveExecutionConfig").set()
	return borrow(p.pipeline(given), name.path)
}

// parameters reads the values that an execution gives to parameters, never nil.
// The reason says why they are not known.
func (r *reader) parameters(f field) (map[string]string, posture.Reason) {
	given := map[string]string{}
	if !f.set() && !f.known {
		reason := r.why(f)
		reason.Why, reason.Look = "the record does not have the parameters of the execution", "ListPipelineParametersForExecution"
		return nil, reason
	}
	if f.set() && r.each(f) == nil {
		return nil, r.why(f)
	}
	for _, e := range r.each(f) {
		name, value := r.below(e, "Name").value, r.below(e, "Value").value
		text, ok := value.Text()
		if name.Str() == "" || !ok {
			return nil, r.why(e)
		}
		if _, twice := given[name.Str()]; twice {
			reason := r.why(e)
			reason.Why = "parameter " + name.Str() + " is given twice"
			return nil, reason
		}
		given[name.Str()] = text
	}
	return given, posture.Reason{}
}
