package finding

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Remedy says in a sentence what closes the finding; it is empty where there is
// nothing to close.
func (f *Finding) Remedy() string {
	worst, ok := f.Worst()
	switch where := f.declared(); {
	case !ok:
		return ""
	case where != "" && worst.Result == rules.Warning && !notYet(worst.Rule):
		return "settle it in the " + where + ", or audit what comes of it"
	case where != "" && worst.Result == rules.Failed && worst.Rule == rules.InteractiveAccess:
		return "turn the access off in the " + where
	case where != "" && worst.Result == rules.Failed:
		return "write " + settings(worst.Rule, f.AtFault()) + " into the " + where + ", for it or for what it refers to"
	case worst.Result == rules.Warning:
		return f.clarify(worst)
	case worst.Rule == rules.InteractiveAccess:
		return accessRemedy(f.Row)
	default:
		return strings.ReplaceAll(f.Row.Closes, "the settings below", settings(worst.Rule, f.AtFault()))
	}
}

// declared is where a resource stands that is not there yet; empty for all others.
func (f *Finding) declared() string {
	switch f.Source.Type {
	case kind.ShapeTemplate:
		return "template"
	case kind.ShapePlan:
		return "configuration"
	case kind.ShapeCloudTrail, kind.ShapeNative, kind.ShapeDescribe, kind.ShapeRequest, kind.ShapePipeline:
	}
	return ""
}

// notYet says whether a rule is never assessed by this version.
func notYet(id rules.ID) bool { return id == rules.CentralEgress || id == rules.EndpointsReachable }

// clarify says how to learn what a result could not tell.
func (f *Finding) clarify(r rules.Result) string {
	if notYet(r.Rule) {
		return "nothing to do: the rule is not assessed yet"
	}
	p := f.Judgement.Posture
	if part, ok := f.Part(r); ok {
		p = part.Posture
	}
	for _, reason := range p.Reasons {
		if reason.Look != "" && (reason.Path == r.Path || r.Rule != rules.Assessable) {
			return "audit again together with the response of " + reason.Look
		}
	}
	return "audit again together with a record that tells what is missing"
}

// settings are the words for the settings of a kind that satisfy a rule.
func settings(id rules.ID, row *kind.Row) string {
	switch id {
	case rules.WellFormed:
		return "correct ids"
	case rules.SubnetAllowed:
		return "allowed subnets"
	case rules.SecurityGroupAllowed:
		return "allowed security groups"
	case rules.IsolationRequired:
		return "EnableNetworkIsolation true"
	case rules.EncryptedBetweenContainers:
		return "EnableInterContainerTrafficEncryption true"
	case rules.VPCRequired, rules.NoOwnInternet, rules.NoBridge, rules.Assessable, rules.CentralEgress,
		rules.EndpointsReachable, rules.InteractiveAccess, rules.WorkerIngress:
	}
	if words, ok := map[kind.Kind]string{
		kind.NotebookInstance: "a SubnetId and DirectInternetAccess Disabled",
		kind.Domain:           "AppNetworkAccessType VpcOnly",
		kind.UserProfile:      "AppNetworkAccessType VpcOnly",
		kind.Space:            "AppNetworkAccessType VpcOnly",
		kind.App:              "AppNetworkAccessType VpcOnly",
	}[row.Kind]; ok {
		return words
	}
	return "a VPC configuration"
}

// accessRemedy is what turns off a way in for people.
func accessRemedy(row *kind.Row) string {
	const endpoint = "create an endpoint configuration without EnableSSMAccess, then UpdateEndpoint with it"
	if remedy, ok := map[kind.Kind]string{
		kind.TrainingJob:        "UpdateTrainingJob with RemoteDebugConfig.EnableRemoteDebug false",
		kind.Space:              "UpdateSpace with SpaceSettings.RemoteAccess DISABLED",
		kind.Domain:             "UpdateDomain with DomainSettingsForUpdate.DockerSettings.EnableDockerAccess DISABLED",
		kind.EndpointConfig:     endpoint,
		kind.Endpoint:           endpoint,
		kind.InferenceComponent: endpoint,
	}[row.Kind]; ok {
		return remedy
	}
	return strings.ReplaceAll(row.Closes, "the settings below", "settings without that access")
}

// Part returns the part that a result came from. ok is false where the finding
// has no parts.
func (f *Finding) Part(r rules.Result) (part rules.Judged, ok bool) {
	for _, p := range f.Judgement.Parts {
		if slices.Contains(p.Results, r) {
			return p, true
		}
	}
	return rules.Judged{}, false
}

// AtFault is the row whose settings the worst result is about, which [Finding.Paste]
// is written for: that of the part it came from where the parts are of other
// kinds, as the steps of a pipeline are.
func (f *Finding) AtFault() *kind.Row {
	if f.Row.Kind != kind.Pipeline && f.Row.Kind != kind.PipelineExecution {
		return f.Row
	}
	if worst, ok := f.Worst(); ok {
		if part, ok := f.Part(worst); ok {
			if row, ok := kind.Of(part.Kind); ok {
				return row
			}
		}
	}
	return f.Row
}

// Paste is the request fragment that closes the finding, with the subnets and
// security groups that the rules file allows, as indented JSON. It is empty
// where there is none, or where the file has no allow-list for the resource.
func (f *Finding) Paste() string {
	worst, ok := f.Worst()
	if !ok || worst.Result != rules.Failed {
		return ""
	}
	switch worst.Rule {
	case rules.VPCRequired, rules.NoOwnInternet, rules.NoBridge, rules.WellFormed, rules.SubnetAllowed, rules.SecurityGroupAllowed, rules.IsolationRequired:
	case rules.Assessable, rules.CentralEgress, rules.EndpointsReachable, rules.EncryptedBetweenContainers, rules.InteractiveAccess, rules.WorkerIngress:
		return ""
	}
	return f.AtFault().Fragment(f.Subnets, f.SecurityGroups, worst.Rule == rules.IsolationRequired)
}
