package finding

import (
	"encoding/json"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Remedy says in a sentence what closes the finding; it is empty where there is
// nothing to close.
func (f *Finding) Remedy() string {
	worst, ok := f.Worst()
	if !ok {
		return ""
	}
	return remedy(worst, f.row(worst))
}

// row is the row whose settings a result is about: that of the part it came
// from where the part is of another kind, as the steps of a pipeline are.
func (f *Finding) row(r rules.Result) *kind.Row {
	if f.Row.Kind != kind.Pipeline && f.Row.Kind != kind.PipelineExecution {
		return f.Row
	}
	for _, p := range f.Judgement.Parts {
		for _, o := range p.Results {
			if o == r {
				if row, ok := kind.Of(p.Kind); ok {
					return row
				}
			}
		}
	}
	return f.Row
}

// remedy is what closes a result of a rule about a kind.
func remedy(r rules.Result, row *kind.Row) string {
	if r.Result == rules.Warning {
		if r.Rule == rules.CentralEgress || r.Rule == rules.EndpointsReachable {
			return "nothing to do: the rule is not assessed yet"
		}
		return "find out what is unknown and audit again: " + r.Message
	}
	switch r.Rule {
	case rules.WellFormed:
		return "correct the ids; " + row.Closes
	case rules.IsolationRequired:
		return "turn on network isolation; " + row.Closes
	case rules.EncryptedBetweenContainers:
		return "set EnableInterContainerTrafficEncryption to true; " + row.Closes
	case rules.InteractiveAccess:
		return accessRemedy(row)
	case rules.WorkerIngress:
		return row.Closes
	case rules.SubnetAllowed, rules.SecurityGroupAllowed:
		return "use the allowed ids; " + row.Closes
	case rules.VPCRequired, rules.NoOwnInternet, rules.NoBridge, rules.Assessable, rules.CentralEgress, rules.EndpointsReachable:
	}
	return row.Closes
}

// accessRemedy is what turns off a way in for people.
func accessRemedy(row *kind.Row) string {
	switch row.Kind {
	case kind.TrainingJob:
		return "UpdateTrainingJob with RemoteDebugConfig.EnableRemoteDebug false"
	case kind.Space:
		return "UpdateSpace with SpaceSettings.RemoteAccess DISABLED"
	case kind.Domain:
		return "UpdateDomain with DomainSettingsForUpdate.DockerSettings.EnableDockerAccess DISABLED"
	case kind.EndpointConfig, kind.Endpoint, kind.InferenceComponent:
		return "create an endpoint configuration without EnableSSMAccess, then UpdateEndpoint with it"
	default:
		return row.Closes
	}
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
	row := f.row(worst)
	if row.Paste == nil || len(f.Subnets) == 0 || len(f.SecurityGroups) == 0 {
		return ""
	}
	b, err := json.MarshalIndent(row.Paste(f.Subnets, f.SecurityGroups, worst.Rule == rules.IsolationRequired), "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}
