package kind

import (
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Job is a model customization job (AgentRFT, AgentRFTEvaluation), whose
// configuration is a JSON document in a string.
const Job Kind = "job"

var job = Row{
	Kind:     Job,
	Words:    "job",
	Key:      []string{"JobCategory", "JobName"},
	Resource: "job/{JobCategory}/{JobName}",
	Calls: []Call{
		{Name: "CreateJob", ARN: "JobArn", Marks: []string{"JobName", "JobCategory", "JobConfigDocument"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds"}},
	},
	Deletes:  []string{"DeleteJob"},
	Describe: Describe{Name: "DescribeJob", ARN: "JobArn", Status: "JobStatus", Marks: []string{"JobName", "JobCategory"}},
	Lists:    []string{"ListJobs", "Search"},
	Ends:     true,
	Stops:    []string{"StopJob"},
	Closes:   "the network of a running job cannot be changed: stop it and start a new one with the settings below in its JobConfigDocument",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateJob.html",
	parts:    jobParts,
}

// jobParts reads VpcConfig at the top of the document. In a pipeline step of
// type Job it stands beside the document instead.
func jobParts(r *reader) []Part {
	w := where{VPC: "VpcConfig"}
	f := r.at("JobConfigDocument")
	if r.step != nil {
		return single(r.container(w))
	}
	text, ok := f.value.Text()
	if !ok || text == "" {
		return single(unknown(posture.Container, r.why(f)))
	}
	doc, err := jsondoc.Parse([]byte(text), FreeForm())
	if err == nil && doc.Kind() == jsondoc.Object {
		inner := *r
		inner.Doc, inner.Base, inner.Shape = doc, f.path, ShapeRequest
		return single(inner.container(w))
	}
	reason := r.why(f)
	reason.Why = "is not a JSON object"
	if err != nil {
		reason.Why = "cannot be read: " + err.Error()
	}
	return single(unknown(posture.Container, reason))
}
