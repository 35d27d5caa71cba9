package report

import (
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

const (
	research   = "111122223333"
	production = "444455556666"
)

var evening = time.Date(2026, 11, 2, 21, 14, 7, 0, time.UTC)

// nasty are names that nobody should be able to give to a report.
var nasty = []string{
	"<script>alert(1)</script>|`x` @everyone #1 [click](https://evil.example) www.evil.example",
	"red\x1b[31m \u202egnp.exe\u009b2J\nsecond line\t\u2028end\x00",
	"🤖 👩‍💻 模型-学習",
	"long-" + strings.Repeat("x", 500),
}

// sample is a finding of one part in the research account.
func sample(t *testing.T, k kind.Kind, name string, v verdict.Verdict, results ...rules.Result) *finding.Finding {
	t.Helper()
	row, ok := kind.Of(k)
	if !ok {
		t.Fatalf("no kind %s", k)
	}
	f := &finding.Finding{
		Row: row, Name: name, Partition: "aws", Account: research, Region: "eu-west-1", Time: evening,
		ARN: "arn:aws:sagemaker:eu-west-1:" + research + ":" + string(k) + "/" + name,
		Source: kind.Source{
			Type: kind.ShapeCloudTrail, Event: row.Calls[0].Name, ID: "7d1c0f6e-0001", Actor: "arn:aws:sts::" + research + ":assumed-role/ds/ana",
			File: "logs/2026/11/02.json", Offset: 4096,
		},
		Subnets: []string{"subnet-0a1b2c3d", "subnet-1a1b2c3d"}, SecurityGroups: []string{"sg-0a1b2c3d"},
	}
	f.Judgement = rules.Judgement{Verdict: v, Compliance: rules.Passed, Results: results}
	for _, r := range results {
		switch {
		case r.Result == rules.Failed && (f.Judgement.Compliance != rules.Failed || r.Severity.AtLeast(f.Judgement.Severity)):
			f.Judgement.Compliance, f.Judgement.Severity = rules.Failed, r.Severity
		case r.Result == rules.Warning && f.Judgement.Compliance == rules.Passed:
			f.Judgement.Compliance, f.Judgement.Severity = rules.Warning, rules.Informational
		}
	}
	return f
}

func failed(id rules.ID, s rules.Severity, message, path string) rules.Result {
	return rules.Result{Rule: id, Result: rules.Failed, Severity: s, Message: message, Path: path}
}

func untold(id rules.ID, message, path string) rules.Result {
	return rules.Result{Rule: id, Result: rules.Warning, Severity: rules.Informational, Message: message, Path: path}
}

func ids(path string, values ...string) posture.IDs {
	var out posture.IDs
	for _, v := range values {
		out.List = append(out.List, posture.ID{Value: v, Path: path})
	}
	return out
}

var (
	bridge   = verdict.Verdict{Class: verdict.C, Reach: verdict.ReachFull, DataPath: verdict.DataPathVPCOwn}
	studio   = verdict.Verdict{Class: verdict.C, Reach: verdict.ReachEFSOnly, DataPath: verdict.DataPathOwn}
	internet = verdict.Verdict{Class: verdict.BInternet, Reach: verdict.ReachNone, DataPath: verdict.DataPathService}
	inVPC    = verdict.Verdict{Class: verdict.BVPC, Reach: verdict.ReachFull, DataPath: verdict.DataPathVPC}
	isolated = verdict.Verdict{Class: verdict.A, Reach: verdict.ReachNone, DataPath: verdict.DataPathService}
	noCode   = verdict.Verdict{Class: verdict.NotApplicable, Reach: verdict.ReachNotApplicable, DataPath: verdict.DataPathNotApplicable}

	ownInternet = failed(rules.NoOwnInternet, rules.High, "reaches the Internet on its own path: no VPC is configured and network isolation is off", "requestParameters.vpcConfig")
)

// samples cover every class, every rule, parts, an exception, what is unknown,
// nasty names, several accounts and what has no place at all.
func samples(t *testing.T) []*finding.Finding {
	t.Helper()
	var out []*finding.Finding
	add := func(f *finding.Finding) *finding.Finding { out = append(out, f); return f }

	notebook := add(sample(t, kind.NotebookInstance, "nb-research", bridge,
		failed(rules.NoBridge, rules.Critical, "bridges a VPC and the Internet: direct Internet access is enabled", "requestParameters.directInternetAccess")))
	notebook.Judgement.Posture = posture.Posture{
		VPC: posture.Yes, Isolation: posture.NotApplicable, DirectInternet: posture.Yes, Encrypted: posture.NotApplicable,
		Subnets: ids("requestParameters.subnetId", "subnet-9f8e7d6c"), SecurityGroups: ids("requestParameters.securityGroupIds[0]", "sg-9f8e7d6c"),
	}
	started := *notebook
	started.Time, started.Source.Event, started.Source.ID = evening.Add(time.Hour), "StartNotebookInstance", "7d1c0f6e-0002"
	add(&started)

	domain := add(sample(t, kind.Domain, "d-abc123", studio,
		failed(rules.NoBridge, rules.High, "bridges the Internet and a VPC, as far as its EFS file system: the domain's network access type is PublicInternetOnly", "requestParameters.appNetworkAccessType")))
	domain.Account, domain.Region = production, "us-east-1"
	domain.ARN = "arn:aws:sagemaker:us-east-1:" + production + ":domain/d-abc123"

	add(sample(t, kind.TrainingJob, "fraud-7", internet, ownInternet,
		failed(rules.EncryptedBetweenContainers, rules.Low, "traffic between containers is not encrypted", "requestParameters.enableInterContainerTrafficEncryption"),
		failed(rules.InteractiveAccess, rules.Medium, "remote debugging of the containers is on", "requestParameters.remoteDebugConfig.enableRemoteDebug")))

	pipeline := add(sample(t, kind.Pipeline, "churn", internet, ownInternet, untold(rules.Assessable, "could not be assessed: the value is known only at run time", "Steps[2].Arguments.VpcConfig")))
	step := ownInternet
	step.Path = "Steps[0].Arguments.NetworkConfig.VpcConfig"
	pipeline.Judgement.Results[0] = step
	pipeline.Judgement.Parts = []rules.Judged{
		{Part: kind.Part{Name: "Prepare", Path: "Steps[0].Arguments", Kind: kind.ProcessingJob}, Verdict: internet, Compliance: rules.Failed, Severity: rules.High, Results: []rules.Result{step}},
		{Part: kind.Part{Name: "Train", Path: "Steps[1].Arguments", Kind: kind.TrainingJob}, Verdict: inVPC, Compliance: rules.Passed},
		{Part: kind.Part{Name: "Model", Path: "Steps[2].Arguments", Kind: kind.Model, Posture: posture.Posture{Reasons: []posture.Reason{{Path: "Steps[2].Arguments.VpcConfig", Why: "known only at run time"}}}}, Compliance: rules.Warning, Severity: rules.Informational, Results: pipeline.Judgement.Results[1:]},
	}

	model := add(sample(t, kind.Model, "churn-2026", isolated, failed(rules.VPCRequired, rules.Medium, "no VPC is configured: artifacts move over the service's own network", "requestParameters.vpcConfig")))
	model.Account, model.Region, model.ARN = production, "us-east-1", "arn:aws:sagemaker:us-east-1:"+production+":model/churn-2026"

	config := add(sample(t, kind.EndpointConfig, "churn-config", verdict.Verdict{}, untold(rules.Assessable, `could not be assessed: the model "churn-2025" is not in the input (look it up with DescribeModel churn-2025)`, "requestParameters.productionVariants[0].modelName")))
	config.Judgement.Posture = posture.Posture{
		DirectInternet: posture.NotApplicable, Encrypted: posture.NotApplicable, Assumed: []string{"Parameters.Model = churn-2025"},
		Reasons: []posture.Reason{{Path: "requestParameters.productionVariants[0].modelName", Why: `the model "churn-2025" is not in the input`, Look: "DescribeModel churn-2025"}},
	}

	processing := add(sample(t, kind.ProcessingJob, "clean-3", inVPC,
		failed(rules.SubnetAllowed, rules.High, "subnet subnet-9f8e7d6c is not in the allow-list of account "+research, "requestParameters.networkConfig.vpcConfig.subnets[0]"),
		failed(rules.SecurityGroupAllowed, rules.Medium, "security group sg-9f8e7d6c is not in the allow-list of account "+research, "requestParameters.networkConfig.vpcConfig.securityGroupIds[0]")))
	processing.Judgement.Posture = posture.Posture{
		Isolation: posture.No, VPC: posture.Yes, DirectInternet: posture.NotApplicable, Encrypted: posture.No,
		Subnets: ids("requestParameters.networkConfig.vpcConfig.subnets[0]", "subnet-9f8e7d6c"), SecurityGroups: ids("requestParameters.networkConfig.vpcConfig.securityGroupIds[0]", "sg-9f8e7d6c"),
	}
	add(sample(t, kind.HyperParameterTuningJob, "tune-1", inVPC, failed(rules.IsolationRequired, rules.Medium, "network isolation is off", "requestParameters.trainingJobDefinition.enableNetworkIsolation")))
	add(sample(t, kind.TrainingJob, "routes-1", inVPC,
		untold(rules.CentralEgress, "where the subnets' routes lead is not assessed by this version", "requestParameters.vpcConfig"),
		untold(rules.EndpointsReachable, "whether the VPC has the endpoints that it needs is not assessed by this version", "requestParameters.vpcConfig")))
	add(sample(t, kind.Workforce, "annotators", noCode, failed(rules.WorkerIngress, rules.Medium, "workers can come in from any address", "requestParameters.sourceIpConfig")))
	add(sample(t, kind.TrainingJob, "fraud-8", inVPC))

	vendor := add(sample(t, kind.NotebookInstance, "nb-vendor", bridge,
		rules.Result{Rule: rules.NoBridge, Result: rules.Excepted, Severity: rules.Critical, Message: "bridges a VPC and the Internet: direct Internet access is enabled", Path: "requestParameters.directInternetAccess", Exception: "EX-2026-001"}))
	vendor.Judgement.Exception = &rules.Exception{ID: "EX-2026-001", Owner: "ml-platform@example.com", Reason: "The vendor's image\nfetches its licence.\n", Expires: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}

	labeling := add(sample(t, kind.LabelingJob, "labels", noCode))
	labeling.Judgement.Compliance = rules.NotAvailable

	request := add(sample(t, kind.TrainingJob, nasty[0], internet, ownInternet))
	request.ARN, request.Account, request.Region, request.Partition, request.Time = "", "", "", "", time.Time{}
	request.Source = kind.Source{Type: kind.ShapeRequest, Event: "CreateTrainingJob", File: "/repo/requests/a job.json"}
	request.Subnets, request.SecurityGroups = nil, nil

	for _, n := range nasty[1:] {
		add(sample(t, kind.Model, n, internet, ownInternet, failed(rules.WellFormed, rules.Medium, `"`+n[:min(len(n), 30)]+`" in the list of subnets is no subnet id`, "requestParameters.vpcConfig.subnets[0]")))
	}
	return out
}

// refusals are refused calls.
func refusals(t *testing.T) []*kind.Observation {
	t.Helper()
	row, _ := kind.Of(kind.TrainingJob)
	return []*kind.Observation{
		{
			Row: row, Name: "fraud-9", Account: research, Region: "eu-west-1", Time: evening, Refused: "AccessDenied",
			ARN:    "arn:aws:sagemaker:eu-west-1:" + research + ":training-job/fraud-9",
			Source: kind.Source{Type: kind.ShapeCloudTrail, Event: "CreateTrainingJob", ID: "7d1c0f6e-0003", Actor: "arn:aws:sts::" + research + ":assumed-role/ds/ana", File: "logs/2026/11/02.json", Offset: 8192},
		},
		{
			Row: row, Name: nasty[1] + nasty[0], Account: production, Region: "us-east-1", Refused: "ValidationException",
			Source: kind.Source{Type: kind.ShapeCloudTrail, Event: "CreateTrainingJob"},
		},
	}
}
