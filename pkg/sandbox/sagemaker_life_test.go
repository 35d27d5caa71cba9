package sandbox

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

func TestTrainingJobLife(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	s.RunFor(kind.TrainingJob, "short", time.Minute)
	must(t, s, "CreateTrainingJob", training("short", nil))
	must(t, s, "CreateTrainingJob", training("long", map[string]any{"VpcConfig": vpc, "Tags": []any{map[string]any{"Key": "team", "Value": "churn"}}}))
	refused(t, s, "CreateTrainingJob", training("long", nil), "ResourceInUse", "a training job with this name already exists (arn:aws:sagemaker:eu-west-1:111122223333:training-job/long)")
	refused(t, s, "DeleteTrainingJob", named("TrainingJobName", "long"), "ValidationException", "is in status InProgress")
	clock.Advance(soon + time.Minute)
	if got, _ := s.Status(kind.TrainingJob, "short"); got != "Completed" {
		t.Errorf("short is %s", got)
	}
	if diff := cmp.Diff([]Resource{{kind.TrainingJob, "long", "arn:aws:sagemaker:eu-west-1:111122223333:training-job/long", "InProgress"}}, s.Running()); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}
	must(t, s, "StopTrainingJob", named("TrainingJobName", "long"))
	clock.Advance(grace - time.Second)
	if got, _ := s.Status(kind.TrainingJob, "long"); got != "Stopping" {
		t.Errorf("long is %s before 120 s have passed", got)
	}
	clock.Advance(time.Second)
	if got, _ := s.Status(kind.TrainingJob, "long"); got != "Stopped" {
		t.Errorf("long is %s after 120 s", got)
	}
	refused(t, s, "StopTrainingJob", named("TrainingJobName", "long"), "ValidationException", "The request was rejected because the training job is in status Stopped.")
	refused(t, s, "StopTrainingJob", named("TrainingJobName", "nobody"), "ValidationException", "Requested resource not found.")
	clock.Advance(time.Hour)

	var long []map[string]any
	for _, d := range of(*all, "SageMaker Training Job State Change") {
		if d["TrainingJobName"] == "long" {
			long = append(long, d)
		}
	}
	if got, want := states(long, "TrainingJobStatus", "SecondaryStatus"), "InProgress/Starting InProgress/Training Stopping/Stopping Stopped/Stopped"; got != want {
		t.Errorf("events tell %s, want %s", got, want)
	}
	if d := long[0]; d["EnableNetworkIsolation"] != nil || !cmp.Equal(d["VpcConfig"], any(vpc)) || !cmp.Equal(d["Tags"], any(map[string]any{"team": "churn"})) || d["CreationTime"] != 1793610000000.0 {
		t.Errorf("the event is %v", d)
	}
	if d := of(*all, "SageMaker Training Job State Change")[0]; !cmp.Equal(d["VpcConfig"], any(map[string]any{})) {
		t.Errorf("without a VPC the event has %v", d["VpcConfig"])
	}
	var calls []string
	for _, d := range of(*all, "AWS API Call via CloudTrail") {
		calls = append(calls, fmt.Sprint(d["eventName"], " ", d["errorCode"]))
	}
	want := []string{
		"CreateTrainingJob <nil>", "CreateTrainingJob <nil>", "CreateTrainingJob ResourceInUse", "DeleteTrainingJob ValidationException",
		"StopTrainingJob <nil>", "StopTrainingJob ValidationException", "StopTrainingJob ValidationException",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("CloudTrail (-want +got):\n%s", diff)
	}
	created := of(*all, "AWS API Call via CloudTrail")[1]
	request := created["requestParameters"].(map[string]any)
	if request["enableNetworkIsolation"] != false || request["trainingJobArn"] == nil || request["tags"] == nil || request["modelArtifacts"] != nil {
		t.Errorf("the record has %v", request)
	}

	must(t, s, "DeleteTrainingJob", named("TrainingJobName", "long"))
	must(t, s, "CreateTrainingJob", training("long", nil))
}

func TestNotebookInstanceLife(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	in := map[string]any{"NotebookInstanceName": "Ana", "InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam::111122223333:role/r"}
	refused(t, s, "CreateNotebookInstance", map[string]any{
		"NotebookInstanceName": "Ana", "InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam::111122223333:role/r", "DirectInternetAccess": "Disabled",
	}, "ValidationException", "SubnetId")
	out := must(t, s, "CreateNotebookInstance", in)
	if out["NotebookInstanceArn"] != "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/ana" {
		t.Errorf("the ARN is %v", out)
	}
	name := named("NotebookInstanceName", "Ana")
	refused(t, s, "CreateNotebookInstance", in, "ValidationException", "Cannot create a duplicate Notebook Instance")
	refused(t, s, "StopNotebookInstance", name, "ValidationException", "Status (Pending) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/ana).")
	clock.Advance(launch)
	if got := must(t, s, "DescribeNotebookInstance", name); got["DirectInternetAccess"] != "Enabled" || got["NotebookInstanceStatus"] != "InService" {
		t.Errorf("described as %v", got)
	}
	refused(t, s, "DeleteNotebookInstance", name, "ValidationException", "Status (InService) not in ([Stopped, Failed]). Unable to transition to (Deleting)")
	refused(t, s, "UpdateNotebookInstance", name, "ValidationException", "Unable to transition to (Updating)")
	must(t, s, "StopNotebookInstance", name)
	clock.Advance(launch)
	must(t, s, "UpdateNotebookInstance", map[string]any{"NotebookInstanceName": "Ana", "InstanceType": "ml.t3.large"})
	clock.Advance(soon)
	must(t, s, "StartNotebookInstance", name)
	clock.Advance(launch)
	must(t, s, "StopNotebookInstance", name)
	clock.Advance(launch)
	must(t, s, "DeleteNotebookInstance", name)
	clock.Advance(soon)
	refused(t, s, "DescribeNotebookInstance", name, "ValidationException", "RecordNotFound")
	if got, want := states(of(*all, "SageMaker Notebook Instance State Change"), "NotebookInstanceStatus", "InstanceType"), "Pending/ml.t3.medium InService/ml.t3.medium Stopping/ml.t3.medium Stopped/ml.t3.medium Updating/ml.t3.large Stopped/ml.t3.large Pending/ml.t3.large InService/ml.t3.large Stopping/ml.t3.large Stopped/ml.t3.large Deleting/ml.t3.large"; got != want {
		t.Errorf("events tell\n%s, want\n%s", got, want)
	}
}

func TestEndpointLife(t *testing.T) {
	w, s, clock := smWorld(t)
	all := recordAll(w)
	refused(t, s, "CreateEndpoint", map[string]any{"EndpointName": "Live", "EndpointConfigName": "none"}, "ValidationException",
		`Could not find endpoint configuration "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/none".`)
	for _, name := range []string{"one", "two"} {
		must(t, s, "CreateModel", map[string]any{"ModelName": name, "ExecutionRoleArn": "arn:aws:iam::111122223333:role/r"})
		must(t, s, "CreateEndpointConfig", map[string]any{"EndpointConfigName": name, "ProductionVariants": []any{
			map[string]any{"VariantName": name, "ModelName": name, "InitialInstanceCount": 2, "InstanceType": "ml.m5.xlarge"},
		}})
	}
	refused(t, s, "CreateModel", map[string]any{"ModelName": "one"}, "ValidationException", `Cannot create already existing model "arn:aws:sagemaker:eu-west-1:111122223333:model/one".`)
	refused(t, s, "CreateEndpointConfig", map[string]any{"EndpointConfigName": "bad", "ProductionVariants": []any{
		map[string]any{"VariantName": "v", "ModelName": "missing"},
	}}, "ValidationException", `Could not find model "arn:aws:sagemaker:eu-west-1:111122223333:model/missing".`)
	refused(t, s, "CreateEndpointConfig", map[string]any{"EndpointConfigName": "bad", "EnableNetworkIsolation": true, "ProductionVariants": []any{
		map[string]any{"VariantName": "v", "ModelName": "one"},
	}}, "ValidationException", "inference components")
	out := must(t, s, "CreateEndpoint", map[string]any{"EndpointName": "Live", "EndpointConfigName": "one"})
	if out["EndpointArn"] != "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live" {
		t.Errorf("the ARN is %v", out)
	}
	change := func(config string) map[string]any {
		return map[string]any{"EndpointName": "Live", "EndpointConfigName": config}
	}
	refused(t, s, "UpdateEndpoint", change("two"), "ValidationException", "Cannot update in-progress endpoint")
	clock.Advance(launch)
	must(t, s, "UpdateEndpoint", change("two"))
	deployed := func() string {
		d := must(t, s, "DescribeEndpoint", named("EndpointName", "Live"))
		return fmt.Sprint(d["EndpointStatus"], " ", d["EndpointConfigName"], " ", text(d, "ProductionVariants[].VariantName"), " ", text(d, "PendingDeploymentSummary.EndpointConfigName"))
	}
	for _, step := range []struct {
		after time.Duration
		fail  bool
		want  string
	}{
		{0, false, "Updating one one two"},
		{0, true, "RollingBack one one "},
		{launch, false, "InService one one "},
	} {
		if step.fail && !s.Fail(kind.Endpoint, "Live") {
			t.Error("the endpoint cannot fail")
		}
		clock.Advance(step.after)
		if got := deployed(); got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
	must(t, s, "UpdateEndpoint", change("two"))
	clock.Advance(launch)
	if got := deployed(); got != "InService two two " {
		t.Errorf("after an update: %q", got)
	}
	must(t, s, "DeleteEndpoint", named("EndpointName", "Live"))
	clock.Advance(soon)
	refused(t, s, "DescribeEndpoint", named("EndpointName", "Live"), "ValidationException", `Could not find endpoint "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live".`)
	if got, want := states(of(*all, "SageMaker Endpoint State Change"), "EndpointStatus", "EndpointConfigName"), "CREATING/one IN_SERVICE/one UPDATING/one ROLLING_BACK/one IN_SERVICE/one UPDATING/one IN_SERVICE/two DELETING/two"; got != want {
		t.Errorf("events tell %s, want %s", got, want)
	}
	if got := of(*all, "SageMaker Endpoint Deployment State Change"); len(got) != 2 || text(got[0], "PendingDeploymentSummary.EndpointConfigName") != "two" {
		t.Errorf("deployments: %v", got)
	}
}

func TestCluster(t *testing.T) {
	_, s, clock := smWorld(t)
	group := func(name string, count int) map[string]any {
		return map[string]any{"InstanceGroupName": name, "ExecutionRole": "arn:aws:iam::111122223333:role/r", "InstanceCount": count, "InstanceType": "ml.m5.xlarge"}
	}
	refused(t, s, "CreateCluster", map[string]any{"ClusterName": "c", "Orchestrator": map[string]any{"Eks": map[string]any{"ClusterArn": "arn:aws:eks:eu-west-1:111122223333:cluster/e"}}}, "ValidationException", "VpcConfig")
	arn := text(must(t, s, "CreateCluster", map[string]any{"ClusterName": "c", "InstanceGroups": []any{group("a", 1), group("b", 2)}}), "ClusterArn")
	if parsed, _ := kind.ParseARN(arn); len(parsed.ID) != 12 {
		t.Errorf("the ARN is %s", arn)
	}
	clock.Advance(launch)
	must(t, s, "UpdateCluster", map[string]any{"ClusterName": "c", "InstanceGroups": []any{group("b", 5), group("new", 1)}, "InstanceGroupsToDelete": []any{"a"}})
	clock.Advance(launch)
	d := must(t, s, "DescribeCluster", named("ClusterName", arn)) // by its ARN, too
	conforms(t, "DescribeCluster", model()["DescribeCluster"].out, d)
	var groups []string
	for _, g := range d["InstanceGroups"].([]any) {
		groups = append(groups, fmt.Sprint(text(g, "InstanceGroupName"), follow(g, "TargetCount")))
	}
	if got := strings.Join(groups, " "); got != "b[5] new[1]" {
		t.Errorf("the groups are %s", got)
	}
	out := must(t, s, "BatchAddClusterNodes", map[string]any{"ClusterName": "c", "NodesToAdd": []any{map[string]any{"InstanceGroupName": "b", "IncrementTargetCountBy": 2}}})
	conforms(t, "BatchAddClusterNodes", model()["BatchAddClusterNodes"].out, out)
	if n := len(out["Successful"].([]any)); n != 2 {
		t.Errorf("%d nodes were added", n)
	}
	out = must(t, s, "AttachClusterNodeNetworkInterface", map[string]any{"ClusterName": "c", "NodeId": "i-1", "NetworkInterfaceId": "eni-1"})
	conforms(t, "AttachClusterNodeNetworkInterface", model()["AttachClusterNodeNetworkInterface"].out, out)
	if out["ClusterArn"] != arn {
		t.Errorf("attached to %v", out)
	}
	if again := must(t, s, "DescribeCluster", named("ClusterName", "c")); strings.Contains(fmt.Sprint(again), "eni-1") {
		t.Errorf("the interface shows: %v", again)
	}
	must(t, s, "DeleteCluster", named("ClusterName", "c"))
	clock.Advance(soon)
	refused(t, s, "DescribeCluster", named("ClusterName", "c"), "ResourceNotFound", "")
}

func TestStudio(t *testing.T) {
	_, s, clock := smWorld(t)
	refused(t, s, "CreateUserProfile", map[string]any{"DomainId": "d-none", "UserProfileName": "ana"}, "ResourceNotFound", "Domain [d-none] does not exist.")
	out := must(t, s, "CreateDomain", map[string]any{
		"DomainName": "team", "AuthMode": "IAM", "DefaultUserSettings": map[string]any{"ExecutionRole": "arn:aws:iam::111122223333:role/r", "SecurityGroups": []any{"sg-1"}},
		"DomainSettings": map[string]any{"SecurityGroupIds": []any{"sg-2"}},
	})
	domain := text(out, "DomainId")
	if !strings.HasPrefix(domain, "d-") || out["DomainArn"] != "arn:aws:sagemaker:eu-west-1:111122223333:domain/"+domain {
		t.Errorf("the domain is %v", out)
	}
	clock.Advance(launch)
	in := func(over map[string]any) map[string]any {
		over["DomainId"] = domain
		return over
	}
	must(t, s, "CreateUserProfile", in(named("UserProfileName", "ana")))
	must(t, s, "CreateSpace", in(named("SpaceName", "shared")))
	for _, app := range []map[string]any{{"UserProfileName": "ana"}, {"SpaceName": "shared"}} {
		app["AppType"], app["AppName"] = "JupyterLab", "default"
		must(t, s, "CreateApp", in(app))
	}
	clock.Advance(soon)
	refused(t, s, "UpdateDomain", in(named("AppNetworkAccessType", "VpcOnly")), "ResourceInUse", "AppNetworkAccessType")
	refused(t, s, "DeleteDomain", in(map[string]any{}), "ResourceInUse", "associated with it")
	refused(t, s, "DeleteUserProfile", in(named("UserProfileName", "ana")), "ResourceInUse", "Studio app")
	apps := must(t, s, "ListApps", map[string]any{"DomainIdEquals": domain, "SpaceNameEquals": "shared"})["Apps"].([]any)
	if len(apps) != 1 || text(apps[0], "SpaceName") != "shared" {
		t.Errorf("apps of the space: %v", apps)
	}
	for _, app := range []map[string]any{{"UserProfileName": "ana"}, {"SpaceName": "shared"}} {
		app["AppType"], app["AppName"] = "JupyterLab", "default"
		must(t, s, "DeleteApp", in(app))
		clock.Advance(soon)
		if got := must(t, s, "DescribeApp", in(app))["Status"]; got != "Deleted" {
			t.Errorf("an app that was deleted is %v", got)
		}
	}
	must(t, s, "CreateApp", in(map[string]any{"UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"})) // the name is free again
	clock.Advance(soon)
	must(t, s, "DeleteApp", in(map[string]any{"UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"}))
	clock.Advance(soon)
	must(t, s, "UpdateDomain", in(map[string]any{
		"AppNetworkAccessType": "VpcOnly", "SubnetIds": []any{"subnet-1"}, "DomainSettingsForUpdate": map[string]any{"SecurityGroupIds": []any{"sg-3"}},
		"DefaultUserSettings": map[string]any{"SecurityGroups": []any{"sg-4"}},
	}))
	clock.Advance(launch)
	d := must(t, s, "DescribeDomain", in(map[string]any{}))
	if text(d, "AppNetworkAccessType") != "VpcOnly" || text(d, "DomainSettings.SecurityGroupIds[]") != "sg-3" || text(d, "DefaultUserSettings.ExecutionRole") == "" || text(d, "DefaultUserSettings.SecurityGroups[]") != "sg-4" {
		t.Errorf("after the update the domain is %v", d)
	}
	must(t, s, "DeleteUserProfile", in(named("UserProfileName", "ana")))
	must(t, s, "DeleteSpace", in(named("SpaceName", "shared")))
	clock.Advance(soon)
	must(t, s, "DeleteDomain", in(map[string]any{}))
}

// TestUpdates changes one of each kind that has an update of the general sort.
func TestUpdates(t *testing.T) {
	_, s, clock := smWorld(t)
	must(t, s, "CreateTrainingJob", training("job", nil))
	must(t, s, "UpdateTrainingJob", map[string]any{"TrainingJobName": "job", "RemoteDebugConfig": map[string]any{"EnableRemoteDebug": true}})
	if d := must(t, s, "DescribeTrainingJob", named("TrainingJobName", "job")); !cmp.Equal(follow(d, "RemoteDebugConfig.EnableRemoteDebug"), []any{true}) {
		t.Errorf("after UpdateTrainingJob: %v", d)
	}
	if !s.Fail(kind.TrainingJob, "job") || s.Fail(kind.TrainingJob, "job") {
		t.Error("a job fails once")
	}
	if d := must(t, s, "DescribeTrainingJob", named("TrainingJobName", "job")); d["TrainingJobStatus"] != "Failed" || d["SecondaryStatus"] != "Failed" || text(d, "FailureReason") == "" || d["TrainingEndTime"] == nil {
		t.Errorf("after it failed: %v", d)
	}
	refused(t, s, "UpdateTrainingJob", named("TrainingJobName", "job"), "ValidationException", "status Failed")
	refused(t, s, "UpdateTrainingJob", named("TrainingJobName", "none"), "ValidationException", "not found")

	must(t, s, "CreateWorkforce", map[string]any{"WorkforceName": "force", "SourceIpConfig": map[string]any{"Cidrs": []any{"0.0.0.0/0"}}})
	clock.Advance(soon)
	out := must(t, s, "UpdateWorkforce", map[string]any{"WorkforceName": "force", "SourceIpConfig": map[string]any{"Cidrs": []any{"10.0.0.0/8"}}})
	conforms(t, "UpdateWorkforce", model()["UpdateWorkforce"].out, out)
	if text(out, "Workforce.SourceIpConfig.Cidrs[]") != "10.0.0.0/8" {
		t.Errorf("after UpdateWorkforce: %v", out)
	}
	member := []any{map[string]any{"CognitoMemberDefinition": map[string]any{"UserPool": "p", "UserGroup": "g", "ClientId": "c"}}}
	arn := text(must(t, s, "CreateWorkteam", map[string]any{"WorkteamName": "team", "WorkforceName": "force", "Description": "d", "MemberDefinitions": member}), "WorkteamArn")
	if arn != "arn:aws:sagemaker:eu-west-1:111122223333:workteam/private-crowd/team" {
		t.Errorf("the work team is %s", arn)
	}
	out = must(t, s, "UpdateWorkteam", map[string]any{"WorkteamName": "team", "Description": "other"})
	conforms(t, "UpdateWorkteam", model()["UpdateWorkteam"].out, out)
	if text(out, "Workteam.Description") != "other" {
		t.Errorf("after UpdateWorkteam: %v", out)
	}
	clock.Advance(soon)
	refused(t, s, "DeleteWorkforce", named("WorkforceName", "force"), "ResourceInUse", "work team")
	out = must(t, s, "DeleteWorkteam", named("WorkteamName", "team"))
	if out["Success"] != true {
		t.Errorf("DeleteWorkteam: %v", out)
	}
	must(t, s, "DeleteWorkforce", named("WorkforceName", "force"))
	refused(t, s, "DeleteWorkteam", named("WorkteamName", "team"), "ValidationException", "The work team")

	schedule := func(expression string) map[string]any {
		return map[string]any{"MonitoringScheduleName": "s", "MonitoringScheduleConfig": map[string]any{
			"MonitoringType": "DataQuality", "MonitoringJobDefinitionName": "d", "ScheduleConfig": map[string]any{"ScheduleExpression": expression},
		}}
	}
	name := named("MonitoringScheduleName", "s")
	must(t, s, "CreateMonitoringSchedule", schedule("hourly"))
	must(t, s, "UpdateMonitoringSchedule", schedule("daily"))
	if d := must(t, s, "DescribeMonitoringSchedule", name); text(d, "MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression") != "daily" {
		t.Errorf("after UpdateMonitoringSchedule: %v", d)
	}
	refused(t, s, "StopMonitoringSchedule", name, "ValidationException", "status Pending")
	clock.Advance(soon)
	must(t, s, "StopMonitoringSchedule", name)
	clock.Advance(soon)
	refused(t, s, "StopMonitoringSchedule", name, "ValidationException", "status Stopped")
	must(t, s, "StartMonitoringSchedule", name)
	clock.Advance(soon)
	refused(t, s, "StartMonitoringSchedule", name, "ValidationException", "status Scheduled")
	refused(t, s, "StartMonitoringSchedule", named("MonitoringScheduleName", "none"), "ResourceNotFound", "")
	if got, _ := s.Status(kind.MonitoringSchedule, "s"); got != "Scheduled" {
		t.Errorf("the schedule is %s", got)
	}

	pipe := named("PipelineName", "pipe")
	must(t, s, "CreatePipeline", map[string]any{"PipelineName": "pipe", "RoleArn": "arn:aws:iam::111122223333:role/p", "PipelineDefinition": definitionText})
	other := strings.ReplaceAll(definitionText, "image:1", "image:9")
	must(t, s, "UpdatePipeline", map[string]any{"PipelineName": "pipe", "PipelineDefinition": other})
	if d := must(t, s, "DescribePipeline", pipe); d["PipelineDefinition"] != other {
		t.Errorf("after UpdatePipeline: %v", d)
	}
	refused(t, s, "UpdatePipeline", map[string]any{"PipelineName": "pipe", "PipelineDefinitionS3Location": map[string]any{"Bucket": "none", "ObjectKey": "k"}}, "ValidationException", "s3://none/k")
	refused(t, s, "CreatePipeline", map[string]any{"PipelineName": "none", "RoleArn": "r"}, "ValidationException", "PipelineDefinition")
	must(t, s, "UpdatePipeline", map[string]any{"PipelineName": "pipe", "PipelineDisplayName": "Pipe"})
	must(t, s, "DeletePipeline", pipe)
	for _, op := range []string{"DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution", "ListPipelineExecutionSteps", "StopPipelineExecution"} {
		refused(t, s, op, named("PipelineExecutionArn", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/pipe/execution/none"), "ResourceNotFound", "")
	}
	refused(t, s, "ListPipelineExecutions", pipe, "ResourceNotFound", "pipe")
	for _, op := range []string{"AttachClusterNodeNetworkInterface", "BatchAddClusterNodes"} {
		refused(t, s, op, minimal(model()[op].in, named("ClusterName", "none")), "ResourceNotFound", "")
	}
	refused(t, s, "ListTrainingJobsForHyperParameterTuningJob", named("HyperParameterTuningJobName", "none"), "ResourceNotFound", "")
	s.Deny("CreateDomain")
	refused(t, s, "CreateDomain", nil, "AccessDeniedException", "on resource: *")
	s.Deny("ListTags")
	refused(t, s, "ListTags", nil, "AccessDeniedException", "on resource: *")
}

// TestInParallel: many callers at once, while time passes.
func TestInParallel(t *testing.T) {
	w, s, clock := smWorld(t)
	w.AddRule(Rule{Name: "all", Invoke: func([]byte) error { return nil }})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 40 {
				name := fmt.Sprintf("job-%d-%d", i, j)
				for _, call := range []struct {
					operation string
					in        map[string]any
				}{
					{"CreateTrainingJob", training(name, nil)},
					{"DescribeTrainingJob", named("TrainingJobName", name)},
					{"StopTrainingJob", named("TrainingJobName", name)},
					{"ListTrainingJobs", map[string]any{"StatusEquals": "Stopping"}},
				} {
					if _, err := s.Create(call.operation, call.in); err != nil {
						t.Error(err)
					}
				}
				clock.Advance(time.Second)
			}
		})
	}
	callers.Wait()
	clock.Advance(grace)
	if left := s.Running(); len(left) != 0 {
		t.Errorf("%d still run, such as %v", len(left), left[0])
	}
	if n := len(must(t, s, "ListTrainingJobs", map[string]any{"StatusEquals": "Stopped", "MaxResults": 100})["TrainingJobSummaries"].([]any)); n != 100 {
		t.Errorf("a page of what was stopped has %d", n)
	}
}
