package kind

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
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
	stops   map[string]*Row
}

// index finds rows by operation without walking the table for each record.
var index = sync.OnceValue(func() lookups {
	ix := lookups{calls: map[string]claim{}, deletes: map[string]*Row{}, stops: map[string]*Row{}}
	for _, row := range Table() {
		for i := range row.Calls {
			ix.calls[row.Calls[i].Name] = claim{row, &row.Calls[i]}
		}
		for _, d := range row.Deletes {
			ix.deletes[d] = row
		}
		if stop, ok := row.StopCall(); ok {
			ix.stops[stop] = row
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

// refers says whether a document names something that the row refers to.
func (r *Row) refers(doc jsondoc.Value) bool {
	return slices.ContainsFunc(r.Refers, func(ref Reference) bool { return !doc.At(ref.Member).Empty() })
}

// After is the record of a resource after a change: base with what the change
// names over it. own is the change by itself, as [Observation.Record] reads it.
func (r *Row) After(base, own Record, o *Observation) Record {
	if o.Call != nil && o.Call.Effect != Runs && !o.Told() {
		return own // what it changed is not known, so nothing is
	}
	effect := Changes
	if o.Call != nil {
		effect = o.Call.Effect
	}
	out := base
	out.Doc = r.Overlay(base.Doc, own.Doc, effect)
	out.Base, out.Shape, out.Call, out.Look = own.Base, own.Shape, own.Call, own.Look
	switch {
	case !r.Snapshot:
		out.Time, out.Unsure = own.Time, own.Unsure
	case o.Call != nil && effect != Runs && r.refers(own.Doc), o.Call == nil && !r.sameReferences(base.Doc, own.Doc):
		// It refers anew.
		out.Time, out.Unsure = own.Time, own.Unsure
	}
	return out
}

// sameReferences says whether a later document refers to nothing else than an
// earlier one.
func (r *Row) sameReferences(earlier, later jsondoc.Value) bool {
	return !slices.ContainsFunc(r.Refers, func(ref Reference) bool {
		v := later.At(ref.Member)
		return !v.Empty() && !jsondoc.Equal(v, earlier.At(ref.Member))
	})
}

// Described is the record of a Describe response that follows what was known
// before: what no response returns is kept, and so is when references were made.
func (r *Row) Described(before, rec Record) Record {
	for _, member := range r.carry {
		if v := before.Doc.Get(member); !v.Empty() {
			rec.Doc = rec.Doc.With(member, v)
		}
	}
	if r.Snapshot && r.sameReferences(before.Doc, rec.Doc) {
		rec.Time, rec.Unsure = before.Time, before.Unsure
	}
	return rec
}

// Gist is what the row reads of a configuration, without the places: two
// records with the same gist tell the same.
func (r *Row) Gist(rec Record) string {
	var gist strings.Builder
	for _, p := range r.Parts(rec, nil) {
		gist.WriteString(p.Name + gistOf(p.Posture))
	}
	if r == &domain {
		// Who lives in a domain takes over one list or the other.
		in := &reader{Record: rec, row: r, of: Of}
		for _, list := range []string{defaultUser, defaultSpace} {
			gist.WriteString(gistOf(in.domain(list)))
		}
	}
	if r.Kind == Pipeline {
		// With other parameters than the defaults, any difference may matter.
		gist.WriteString(rec.Doc.Get(definitionMember).Str())
	}
	if r.Kind == UserProfile || r.Kind == Space {
		in := &reader{Record: rec, row: r, of: Of}
		fmt.Fprint(&gist, in.at("UserSettings.SecurityGroups").value, in.at("SpaceSharingSettings.SharingType").value, in.at("OwnershipSettings.OwnerUserProfileName").value)
	}
	return gist.String()
}

func gistOf(p posture.Posture) string {
	var access strings.Builder
	for _, a := range p.Access {
		access.WriteString(string(a.Way) + a.State.String())
	}
	var reasons strings.Builder
	for _, r := range p.Reasons {
		reasons.WriteString(r.Why)
	}
	return fmt.Sprint(p.Family, p.Isolation, p.VPC, p.DirectInternet, p.Attached, p.Encrypted, p.Workers,
		p.Subnets.Values(), p.Subnets.Unknown, p.SecurityGroups.Values(), p.SecurityGroups.Unknown, p.VPCID.Value, access.String(), reasons.String())
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
		"CreateModelPackage":         "a registry entry; the network comes with CreateModel. A ValidationSpecification in it starts transform jobs that no VPC can be given, as in CreateAlgorithm: those are not judged",
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
