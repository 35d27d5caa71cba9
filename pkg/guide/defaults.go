package guide

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// sections are the parts of the SageMaker SDK's config.yaml that hold a network,
// by the kind that it is for; what is in them is a request's. The older AutoML
// call has its own.
// https://sagemaker.readthedocs.io/en/stable/overview.html#configuring-and-using-defaults-with-the-sagemaker-python-sdk
func sections() map[kind.Kind]string {
	return map[kind.Kind]string{
		kind.TrainingJob:        "TrainingJob",
		kind.ProcessingJob:      "ProcessingJob",
		kind.AutoMLJob:          "AutoMLJobV2",
		kind.CompilationJob:     "CompilationJob",
		kind.Model:              "Model",
		kind.MonitoringSchedule: "MonitoringSchedule",
	}
}

// defaults is the file config.yaml for a place, or empty where no kind of the
// guide has a part in it.
func (b *builder) defaults(account, region string, kinds []Kind) string {
	settings := object{}
	for _, k := range kinds {
		section, ok := sections()[k.Row.Kind]
		if !ok {
			continue
		}
		n := placeholders(k.Network)
		network, _ := treeOf(k.Row.Paste(n.Subnets, n.SecurityGroups, slices.Contains(k.Also, alsoIsolation))).(object)
		if at, ok := besideVPC[k.Row.Kind]; ok && slices.Contains(k.Also, alsoEncryption) {
			network, _ = network.at(at, func(any) any { return true })
		}
		settings = settings.with(section, network)
		switch k.Row.Kind { //nolint:exhaustive // the two that the SDK has under another name, too
		case kind.AutoMLJob:
			settings = settings.with("AutoMLJob", object{{"AutoMLJobConfig", network}})
		case kind.TrainingJob:
			// What @remote and notebook jobs start are training jobs.
			vpc, _ := network.get("VpcConfig")
			remote := object{{"VpcConfig", vpc}}
			if slices.Contains(k.Also, alsoEncryption) {
				remote = remote.with("EnableInterContainerTrafficEncryption", true)
			}
			settings = settings.with("PythonSDK", object{{"Modules", object{
				{"ModelTrainer", object{{"networking", trainer(n, k)}}}, {"RemoteFunction", remote}, {"NotebookJob", object{{"VpcConfig", vpc}}},
			}}})
		default:
		}
	}
	if len(settings) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("# Account " + cmp.Or(account, accountPlaceholder) + ", " + cmp.Or(region, "every Region") + ".\n")
	writeYAML(&out, object{{"SchemaVersion", "1.0"}, {"SageMaker", settings}}, "")
	return out.String()
}

// trainer are the settings of version 3's ModelTrainer, which reads of TrainingJob
// the isolation, but not the VPC.
// https://github.com/aws/sagemaker-python-sdk/blob/master/sagemaker-train/src/sagemaker/train/model_trainer.py
func trainer(n rules.Network, k Kind) object {
	out := object{{"subnets", treeOf(n.Subnets)}, {"security_group_ids", treeOf(n.SecurityGroups)}}
	if slices.Contains(k.Also, alsoIsolation) {
		out = out.with("enable_network_isolation", true)
	}
	if slices.Contains(k.Also, alsoEncryption) {
		out = out.with("enable_inter_container_traffic_encryption", true)
	}
	return out
}

// besideVPC is where encryption between containers is set, in the parts that have
// it.
var besideVPC = map[kind.Kind]string{
	kind.TrainingJob:        "EnableInterContainerTrafficEncryption",
	kind.ProcessingJob:      "NetworkConfig.EnableInterContainerTrafficEncryption",
	kind.AutoMLJob:          "SecurityConfig.EnableInterContainerTrafficEncryption",
	kind.MonitoringSchedule: "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.EnableInterContainerTrafficEncryption",
}
