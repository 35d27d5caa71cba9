package sweep

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// plan is how a kind is listed. A kind without a plan of its own is listed whole
// in each round: there are few of them, or what they are can change.
type plan struct {
	row *kind.Row
	// live are the statuses in which something of a kind that ends may still run.
	// What is being deleted had ended before.
	live []string
	// search is the name that Search has for the kind, where it is found by that.
	search string
	// searched says that Search finds what is new, too.
	searched bool
	// after is the member of the list's request that leaves out what was created
	// earlier.
	after string
	// unsorted says that the list cannot be sorted.
	unsorted bool
	// each are the requests that make up the list, where one does not do.
	each []map[string]any
	// daily says that it is listed whole once a day, and between only what is new.
	daily bool
}

// plans says how every kind of the table is listed, from the requests of the List
// operations.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
//
// Search is used where it saves calls. ListTrainingJobs with a status reads as
// many jobs as a page holds and then leaves out those of another status, so that
// a look for what runs would go through all that ever ran:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
// Executions are listed by pipeline only, and jobs of model customization by
// category, where Search has all of them; and Search takes several statuses at a
// time. How long it takes to show what is new is not documented, so where there is
// another way what is new is not looked for with it.
func plans() []plan {
	own := map[kind.Kind]plan{
		kind.TrainingJob:                 {live: []string{"InProgress", "Stopping"}, search: "TrainingJob"},
		kind.ProcessingJob:               {live: []string{"InProgress", "Stopping"}},
		kind.HyperParameterTuningJob:     {live: []string{"InProgress", "Stopping"}, search: "HyperParameterTuningJob"},
		kind.AutoMLJob:                   {live: []string{"InProgress", "Stopping"}},
		kind.TransformJob:                {live: []string{"InProgress", "Stopping"}},
		kind.LabelingJob:                 {live: []string{"Initializing", "InProgress", "Stopping"}},
		kind.CompilationJob:              {live: []string{"STARTING", "INPROGRESS", "STOPPING"}},
		kind.OptimizationJob:             {live: []string{"STARTING", "INPROGRESS", "STOPPING"}},
		kind.InferenceRecommendationsJob: {live: []string{"PENDING", "IN_PROGRESS", "STOPPING"}},
		kind.AIBenchmarkJob:              {live: []string{"InProgress", "Stopping"}},
		kind.Job: {
			live: []string{"InProgress", "Stopping"}, search: "Job",
			each: []map[string]any{{"JobCategory": "AgentRFT"}, {"JobCategory": "AgentRFTEvaluation"}},
		},
		kind.TrainingSession:   {live: []string{"Created", "Scheduled", "Blocked", "Running", "Stopping"}, unsorted: true},
		kind.PipelineExecution: {live: []string{"Executing", "Stopping"}, search: "PipelineExecution", searched: true},

		// They cannot change, and there can be tens of thousands.
		kind.Model:                            {daily: true},
		kind.Algorithm:                        {daily: true},
		kind.EndpointConfig:                   {daily: true},
		kind.DataQualityJobDefinition:         {daily: true},
		kind.ModelBiasJobDefinition:           {daily: true},
		kind.ModelExplainabilityJobDefinition: {daily: true},
		kind.ModelQualityJobDefinition:        {daily: true},
	}
	var out []plan
	for _, row := range kind.Table() {
		p := own[row.Kind]
		p.row = row
		if p.live != nil || p.daily {
			p.after = "CreationTimeAfter"
		}
		if p.each == nil {
			p.each = []map[string]any{{}}
		}
		out = append(out, p)
	}
	return out
}

// page is how many elements a page may have, in every list.
const page = 100

// step is a list to go through.
type step struct {
	operation string
	input     map[string]any
	// under is the member of a result that Search has the resource in.
	under string
	// counts says that what is listed is all that is live, or part of it.
	counts bool
	// newest says that the newest comes first, and what is older than since need
	// not be gone through.
	newest bool
}

// steps are the lists that make up a pass: all that can be live, and what was
// created since a time; or all there is.
func (p *plan) steps(whole bool, since time.Time) []step {
	if p.live == nil && (whole || !p.daily) {
		return p.lists(func(step) step { return step{counts: true} })
	}
	var out []step
	switch {
	case p.search != "":
		out = []step{p.find(map[string]string{
			"Name": p.row.Describe.Status, "Operator": "In", "Value": strings.Join(p.live, ","),
		}, "Ascending")}
		out[0].counts = true
	default:
		for _, status := range p.live {
			out = append(out, p.lists(func(s step) step {
				s.input["StatusEquals"] = status
				return step{counts: true}
			})...)
		}
	}
	if p.searched {
		recent := p.find(map[string]string{
			"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": since.UTC().Format(time.RFC3339),
		}, "Descending")
		return append(out, recent)
	}
	return append(out, p.lists(func(s step) step {
		s.input[p.after] = since.Unix()
		if p.unsorted {
			return step{}
		}
		s.input["SortBy"], s.input["SortOrder"] = "CreationTime", "Descending"
		return step{newest: true}
	})...)
}

// lists are the requests of the kind's List operation. with completes each, and
// says what it is.
func (p *plan) lists(with func(step) step) []step {
	out := make([]step, len(p.each))
	for i, given := range p.each {
		input := maps.Clone(given)
		input["MaxResults"] = page
		s := with(step{input: input})
		s.operation, s.input = p.row.Lists[0], input
		out[i] = s
	}
	return out
}

// find is a Search by one property. Results come by the time of creation: that
// cannot change between two pages.
func (p *plan) find(filter map[string]string, order string) step {
	return step{operation: "Search", under: p.search, input: map[string]any{
		"Resource": p.search, "MaxResults": page, "SortBy": "CreationTime", "SortOrder": order,
		"SearchExpression": map[string]any{"Filters": []map[string]string{filter}},
	}}
}

// Calls are the operations that the sweep asks SageMaker for, sorted: its role
// needs these.
func Calls() []string {
	var out []string
	for _, p := range plans() {
		for _, whole := range []bool{true, false} {
			for _, s := range p.steps(whole, time.Time{}) {
				out = append(out, s.operation)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
