package kind

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// Table returns the rows, in the order in which people think of them: jobs,
// models and what serves them, monitoring, notebooks and Studio, clusters,
// people, pipelines. The caller must not change them.
func Table() []*Row {
	return []*Row{
		&trainingJob, &processingJob, &hyperParameterTuningJob, &autoMLJob, &transformJob, &labelingJob,
		&compilationJob, &optimizationJob, &inferenceRecommendationsJob, &aiBenchmarkJob, &job, &trainingSession,
		&model, &algorithm, &endpointConfig, &endpoint, &inferenceComponent,
		&dataQualityJobDefinition, &modelBiasJobDefinition, &modelExplainabilityJobDefinition, &modelQualityJobDefinition, &monitoringSchedule,
		&notebookInstance, &domain, &userProfile, &space, &app,
		&cluster,
		&workforce, &workteam,
		&pipelineRow, &pipelineExecution,
	}
}

// claim is who claims an operation.
type claim struct {
	row  *Row
	call *Call
}

type lookups struct {
	calls   map[string]claim
	deletes map[string]*Row
}

// index finds rows by operation without walking the table for each record.
var index = sync.OnceValue(func() lookups {
	ix := lookups{calls: map[string]claim{}, deletes: map[string]*Row{}}
	for _, row := range Table() {
		for i := range row.Calls {
			ix.calls[row.Calls[i].Name] = claim{row, &row.Calls[i]}
		}
		for _, d := range row.Deletes {
			ix.deletes[d] = row
		}
	}
	return ix
})

// Overlay is the configuration after a call that changes or replaces part of
// base.
func (r *Row) Overlay(base, update jsondoc.Value, effect Effect) jsondoc.Value {
	switch effect {
	case Creates:
		return update
	case Runs:
		return jsondoc.Overlay(base, jsondoc.Value{})
	case Replaces, Changes:
	}
	switch {
	case r.overlay != nil:
		return r.overlay(base, update)
	case effect == Replaces:
		return replace(base, update)
	default:
		return jsondoc.Overlay(base, update)
	}
}

// replace is base with the members that update names, each taken whole.
func replace(base, update jsondoc.Value) jsondoc.Value {
	out := jsondoc.Overlay(base, update)
	for _, m := range update.Members() {
		if !m.Value.Empty() {
			out = out.With(m.Name, m.Value)
		}
	}
	return out
}

// Kinds lists the names of all kinds, in the table's order.
func Kinds() []string {
	var out []string
	for _, row := range Table() {
		out = append(out, string(row.Kind))
	}
	return out
}

// Unclaimed are the operations that start or change something and that touch a
// network or could be thought to, with the reason why no row has them.
func Unclaimed() map[string]string {
	return map[string]string{
		"CreateInferenceExperiment":  "runs on an existing endpoint with existing models, which have their own verdicts; the variants it deploys appear as CreateEndpointConfig",
		"UpdateInferenceExperiment":  "as CreateInferenceExperiment",
		"StartInferenceExperiment":   "as CreateInferenceExperiment",
		"StartSession":               "opens a session to a space, whose RemoteAccess setting is judged",
		"CreateModelPackage":         "a registry entry; the network comes with CreateModel",
		"CreateFlowDefinition":       "human review; the workforce decides from where workers come in",
		"CreateAIRecommendationJob":  "has no network setting: runs on the service's own endpoints",
		"CreateMlflowTrackingServer": "has no network setting: reached by a public endpoint or PrivateLink",
		"CreateMlflowApp":            "has no network setting",
		"CreatePartnerApp":           "has no network setting: reached by PrivateLink",
		"CreateFeatureGroup":         "has no network setting: reached by PrivateLink",
		"CreateClusterExtension":     "has no network setting: nodes keep the cluster's VPC",
		"UpdateClusterExtension":     "as CreateClusterExtension",
		"CreateEdgePackagingJob":     "has no network setting",
		"UpdateClusterSoftware":      "patches nodes; their network stays",
		"AttachClusterNodeVolume":    "attaches storage, not a network",
		"StartClusterHealthCheck":    "tests nodes; their network stays",
		"StartMlflowTrackingServer":  "has no network setting",
		"StartEdgeDeploymentStage":   "edge devices are not in SageMaker's network",
	}
}

// lists are the lists of strings in indented JSON.
var lists = regexp.MustCompile(`\[[^\[\]{}]*\]`)

// Fragment is the request fragment of [Row.Paste] as indented JSON, each list on
// a line of its own; it is empty where there is nothing to paste.
func (r *Row) Fragment(subnets, securityGroups []string, isolation bool) string {
	if r.Paste == nil || len(subnets) == 0 || len(securityGroups) == 0 {
		return ""
	}
	b, err := json.MarshalIndent(r.Paste(subnets, securityGroups, isolation), "", "  ")
	if err != nil {
		return ""
	}
	return lists.ReplaceAllStringFunc(string(b), func(list string) string {
		return strings.ReplaceAll(strings.Join(strings.Fields(list), ""), ",", ", ")
	})
}

// slot returns m[name] as a map, made where it was not there.
func slot(m map[string]any, name string) map[string]any {
	if _, ok := m[name]; !ok {
		m[name] = map[string]any{}
	}
	below, _ := m[name].(map[string]any)
	return below
}

// pasteNetwork writes the request fragment with a VpcConfig at one path and,
// where it is wanted and the kind has the switch, isolation at another.
func pasteNetwork(vpc, isolation string) func(subnets, securityGroups []string, isolate bool) any {
	return func(subnets, securityGroups []string, isolate bool) any {
		out := map[string]any{}
		at := out
		for name := range strings.SplitSeq(vpc, ".") {
			at = slot(at, name)
		}
		at["SecurityGroupIds"], at["Subnets"] = securityGroups, subnets
		if isolation != "" && isolate {
			at = out
			names := strings.Split(isolation, ".")
			for _, name := range names[:len(names)-1] {
				at = slot(at, name)
			}
			at[names[len(names)-1]] = true
		}
		return out
	}
}
