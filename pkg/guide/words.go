package guide

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// conditionOf is a match in words. What it names was chosen by somebody else.
func conditionOf(m rules.Match, pipelines []string) string {
	var parts []string
	say := func(what string, values []string) {
		if len(values) > 0 {
			parts = append(parts, what+" "+strings.Join(values, " or "))
		}
	}
	var tags []string
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		tags = append(tags, key+"="+m.Tags[key])
	}
	if len(tags) > 0 {
		parts = append(parts, "tag "+strings.Join(tags, " and "))
	}
	say("name", m.Names)
	say("role", m.Roles)
	say("pipeline", pipelines)
	say("kind", kindWords(m.Kinds))
	say("account", m.Accounts)
	say("Region", m.Regions)
	return finding.Plain(strings.Join(parts, ", "))
}

func kindWords(kinds []string) []string {
	var out []string
	for _, k := range kinds {
		if row, ok := kind.Of(kind.Kind(k)); ok {
			k = row.Words
		}
		out = append(out, k)
	}
	return out
}

// ruleWords says of a rule what it is for, and how bad it is to break it.
func ruleWords(f *rules.File, id rules.ID) RuleWords {
	w := RuleWords{ID: id, On: f.Rules[id].On}
	switch id {
	case rules.VPCRequired:
		w.Severity, w.Why = "MEDIUM", "Without a VPC configuration even isolated code has its data moved by the service's own network, which nobody here sees or controls."
	case rules.NoOwnInternet:
		w.Severity, w.Why = "HIGH", "Code that reaches the Internet on the service's path does so past the firewalls and the logs of our VPCs."
	case rules.NoBridge:
		w.Severity, w.Why = "CRITICAL, HIGH where only EFS is reached", "Code that reaches a VPC of ours and, on its own path, the Internet is a bridge by which data can leave."
	case rules.WellFormed:
		w.Severity, w.Why = "MEDIUM", "Empty ids, ids in the wrong list and subnets of two VPCs do not do what they seem to."
	case rules.Assessable:
		w.Severity, w.Why = "a warning", "What is not known is never a pass."
	case rules.SubnetAllowed:
		w.Severity, w.Why = "HIGH", "Only the subnets that are listed here have routes, logs and endpoints that were made for this."
	case rules.SecurityGroupAllowed:
		w.Severity, w.Why = "MEDIUM", "Only the security groups that are listed here let in and out what was agreed."
	case rules.IsolationRequired:
		w.Severity, w.Why = "MEDIUM", "Containers get no network at all; SageMaker still moves their data through the VPC."
	case rules.CentralEgress:
		w.Severity, w.Why = "a warning", "Routes should lead to the Internet by the allowed way only. Not assessed yet."
	case rules.EndpointsReachable:
		w.Severity, w.Why = "a warning", "A closed subnet needs VPC endpoints. Not assessed yet."
	case rules.EncryptedBetweenContainers:
		w.Severity, w.Why = "LOW", "Traffic between the containers of one job is encrypted."
	case rules.InteractiveAccess:
		w.Severity, w.Why = "MEDIUM", "No person gets a shell where code runs: leave remote access, SSM access, remote debugging and Docker access off."
	case rules.WorkerIngress:
		w.Severity, w.Why = "MEDIUM", "The portal of a private workforce is reached from a VPC or from listed addresses only."
	}
	return w
}

// without are the kinds, and the forms of kinds, that have no network to set.
func (b *builder) without() []Without {
	var out []Without
	for _, row := range kind.Table() {
		if len(b.options.Kinds) > 0 && !slices.Contains(b.options.Kinds, row.Kind) {
			continue
		}
		if row.Paste == nil {
			out = append(out, Without{row.Words, row.Closes, row.Doc})
		}
		if instead, ok := exempt()[row.Kind]; ok {
			out = append(out, Without{instead[0], instead[1], row.Doc})
		}
	}
	return out
}

// exempt are forms of kinds that have a network otherwise.
// https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_LabelingJobAlgorithmsConfig.html
func exempt() map[kind.Kind][2]string {
	return map[kind.Kind][2]string{
		kind.EndpointConfig: {"serverless variant of an endpoint", "ServerlessConfig takes no VPC and no isolation, so that its model runs in the service's network: use a variant with InstanceType and InitialInstanceCount, which scales down to zero with inference components"},
		kind.LabelingJob:    {"labeling job without automated labeling", "people label, and no code runs: there is nothing to set. From where they may come in is the workforce's to say"},
	}
}

// untold are the operations that have no network to set, with the reason.
func untold() []Untold {
	var out []Untold
	all := kind.Unclaimed()
	for _, operation := range slices.Sorted(maps.Keys(all)) {
		if why := all[operation]; strings.HasPrefix(why, "has no network setting") || strings.Contains(why, "no VPC can be given") {
			out = append(out, Untold{operation, why})
		}
	}
	return out
}

// Refusals are what a denied call looks like.
type Refusals struct{ Python, Policy string }

// refusals are errors as AWS writes them; which policy it was is said at the end.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
// https://github.com/aws-samples/amazon-bedrock-workshop/issues/233
func refusals() Refusals {
	const call, account = "CreateTrainingJob", "111122223333"
	return Refusals{
		Python: fmt.Sprintf("botocore.exceptions.ClientError: An error occurred (AccessDeniedException) when calling the %[1]s operation: "+
			"User: arn:aws:sts::%[2]s:assumed-role/DataScience/ana is not authorized to perform: sagemaker:%[1]s "+
			"on resource: arn:aws:sagemaker:eu-west-1:%[2]s:training-job/my-training-job with an explicit deny in a service control policy", call, account),
		Policy: "with an explicit deny in",
	}
}
