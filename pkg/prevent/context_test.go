package prevent

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

func parse(t testing.TB, text string) jsondoc.Value {
	t.Helper()
	v, err := jsondoc.Parse([]byte(text), kind.FreeForm())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func request(t testing.TB, operation, doc string) *Request {
	t.Helper()
	row, call, ok := kind.ByCall(operation)
	if !ok {
		t.Fatalf("no row has %s", operation)
	}
	return &Request{Row: row, Call: call, Doc: parse(t, doc), Principal: "arn:aws:iam::111122223333:role/ml/ds", Partition: "aws", Account: "111122223333", Region: "eu-west-1"}
}

// TestContexts: what a request shows, once or in each way that AWS leaves open. The
// documents are requests as the API and as CloudTrail write them.
func TestContexts(t *testing.T) {
	tests := []struct{ operation, doc, want string }{
		{
			"CreateTrainingJob", `{"TrainingJobName":"t","VpcConfig":{"Subnets":["s-1","s-2"],"SecurityGroupIds":["g-1"]},"EnableNetworkIsolation":true,"EnableInterContainerTrafficEncryption":false,"RemoteDebugConfig":{"EnableRemoteDebug":true}}`,
			`EnableRemoteDebug=true InterContainerTrafficEncryption=false NetworkIsolation=true VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1 s-2]`,
		},
		{
			"CreateTrainingJob", `{"trainingJobName":"t","vpcConfig":{"subnets":["s-1"],"securityGroupIds":["g-1"]},"enableNetworkIsolation":false,"enableInterContainerTrafficEncryption":true,"remoteDebugConfig":{"enableRemoteDebug":false}}`,
			`EnableRemoteDebug=false InterContainerTrafficEncryption=true NetworkIsolation=false VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`,
		},
		{"CreateModel", `{"ModelName":"m"}`, ` | NetworkIsolation=false`},
		{"CreateModel", `{"ModelName":"m","VpcConfig":{"Subnets":[],"SecurityGroupIds":[]},"EnableNetworkIsolation":null}`, ` | NetworkIsolation=false`},
		{
			"CreateProcessingJob", `{"NetworkConfig":{"VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]},"EnableNetworkIsolation":true,"EnableInterContainerTrafficEncryption":true}}`,
			`InterContainerTrafficEncryption=true NetworkIsolation=true VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`,
		},
		{
			"CreateHyperParameterTuningJob", `{"TrainingJobDefinition":{"VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]},"EnableNetworkIsolation":true,"EnableInterContainerTrafficEncryption":true}}`,
			`InterContainerTrafficEncryption=true NetworkIsolation=true VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`,
		},
		// All subnets, and either value.
		{
			"CreateHyperParameterTuningJob", `{"TrainingJobDefinitions":[{"DefinitionName":"a","VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]},"EnableNetworkIsolation":true,"EnableInterContainerTrafficEncryption":true},{"DefinitionName":"b","VpcConfig":{"Subnets":["s-2"],"SecurityGroupIds":["g-1"]},"EnableInterContainerTrafficEncryption":true}]}`,
			`InterContainerTrafficEncryption=true NetworkIsolation=true VpcSecurityGroupIds=[g-1 g-1] VpcSubnets=[s-1 s-2] | InterContainerTrafficEncryption=true NetworkIsolation=false VpcSecurityGroupIds=[g-1 g-1] VpcSubnets=[s-1 s-2]`,
		},
		{"CreateAutoMLJob", `{"AutoMLJobConfig":{"SecurityConfig":{"VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]},"EnableInterContainerTrafficEncryption":true}}}`, `InterContainerTrafficEncryption=true VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`},
		{"CreateAutoMLJobV2", `{"SecurityConfig":{"EnableInterContainerTrafficEncryption":true}}`, `InterContainerTrafficEncryption=true`},
		{"CreateJob", `{"JobName":"j","JobConfigDocument":"{\"VpcConfig\":{\"Subnets\":[\"s-1\"],\"SecurityGroupIds\":[\"g-1\"]}}"}`, `VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`},
		{"CreateEndpointConfig", `{"EndpointConfigName":"c","ProductionVariants":[{"VariantName":"a","ModelName":"m"}]}`, `ModelArn=arn:aws:sagemaker:eu-west-1:111122223333:model/m | ModelArn=arn:aws:sagemaker:eu-west-1:111122223333:model/m NetworkIsolation=false`},
		{"CreateEndpointConfig", `{"EnableNetworkIsolation":true,"ProductionVariants":[{"VariantName":"a"},{"VariantName":"b","ModelName":"m","ServerlessConfig":{"MemorySizeInMB":2048,"MaxConcurrency":1}}]}`, `ModelArn=arn:aws:sagemaker:eu-west-1:111122223333:model/m NetworkIsolation=true ServerlessMemorySize=2048`},
		{"CreateMonitoringSchedule", `{"MonitoringScheduleConfig":{"MonitoringJobDefinitionName":"d","MonitoringType":"DataQuality"}}`, ` | InterContainerTrafficEncryption=false | NetworkIsolation=false | InterContainerTrafficEncryption=false NetworkIsolation=false`},
		{"UpdateMonitoringSchedule", `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"NetworkConfig":{"EnableNetworkIsolation":true,"EnableInterContainerTrafficEncryption":true,"VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]}}}}}`, `InterContainerTrafficEncryption=true NetworkIsolation=true VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`},
		{"CreateNotebookInstance", `{"SubnetId":"s-1","SecurityGroupIds":["g-1","g-2"],"DirectInternetAccess":"Disabled"}`, `DirectInternetAccess=Disabled VpcSecurityGroupIds=[g-1 g-2] VpcSubnets=[s-1]`},
		{"CreateNotebookInstance", `{"SubnetId":"s-1"}`, `VpcSubnets=[s-1] | DirectInternetAccess=Enabled VpcSubnets=[s-1]`},
		{"CreateDomain", `{"SubnetIds":["s-1"],"DefaultUserSettings":{"SecurityGroups":["g-1"]},"AppNetworkAccessType":"VpcOnly"}`, `AppNetworkAccessType=VpcOnly VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1]`},
		{
			"CreateDomain", `{"DefaultUserSettings":{"SecurityGroups":["g-1"]},"DefaultSpaceSettings":{"SecurityGroups":["g-2"]},"DomainSettings":{"SecurityGroupIds":["g-3"]},"AppNetworkAccessType":"VpcOnly"}`,
			`AppNetworkAccessType=VpcOnly VpcSecurityGroupIds=[g-1] | AppNetworkAccessType=VpcOnly VpcSecurityGroupIds=[g-1 g-2 g-3]`,
		},
		{"UpdateDomain", `{"DomainId":"d-1"}`, ``}, // an update has no defaults
		{"UpdateDomain", `{"DomainId":"d-1","AppNetworkAccessType":"PublicInternetOnly","DomainSettingsForUpdate":{"SecurityGroupIds":["g-3"]}}`, `AppNetworkAccessType=PublicInternetOnly | AppNetworkAccessType=PublicInternetOnly VpcSecurityGroupIds=[g-3]`},
		{"UpdateUserProfile", `{"UserSettings":{"SecurityGroups":["g-1"]}}`, `VpcSecurityGroupIds=[g-1]`},
		{"CreateSpace", `{}`, ` | RemoteAccess=DISABLED`},
		{"UpdateSpace", `{"SpaceSettings":{"RemoteAccess":"ENABLED"}}`, `RemoteAccess=ENABLED`},
		{"UpdateTrainingJob", `{"RemoteDebugConfig":{"EnableRemoteDebug":false}}`, `EnableRemoteDebug=false`},
		{
			"CreateCluster", `{"VpcConfig":{"Subnets":["s-1"],"SecurityGroupIds":["g-1"]},"InstanceGroups":[{"OverrideVpcConfig":{"Subnets":["s-2"],"SecurityGroupIds":["g-2"]}},{}]}`,
			`VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1] | VpcSecurityGroupIds=[g-1 g-2] VpcSubnets=[s-1] | VpcSecurityGroupIds=[g-1] VpcSubnets=[s-1 s-2] | VpcSecurityGroupIds=[g-1 g-2] VpcSubnets=[s-1 s-2]`,
		},
		{"UpdateCluster", `{"RestrictedInstanceGroups":[{"OverrideVpcConfig":{"Subnets":["s-2"],"SecurityGroupIds":["g-2"]}}]}`, `VpcSecurityGroupIds=[g-2] VpcSubnets=[s-2]`},
		{"CreateTransformJob", `{"ModelName":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"}`, `ModelArn=arn:aws:sagemaker:eu-west-1:111122223333:model/m`},
		{"CreateInferenceComponent", `{"Specification":{"ModelName":"m"}}`, `ModelArn=arn:aws:sagemaker:eu-west-1:111122223333:model/m`},
		{"CreatePipeline", `{"PipelineName":"p"}`, ``},
	}
	for _, tt := range tests {
		got, err := request(t, tt.operation, tt.doc).Contexts()
		if err != nil {
			t.Errorf("%s %s: %v", tt.operation, tt.doc, err)
			continue
		}
		var said []string
		for _, c := range got {
			said = append(said, own(c))
		}
		if diff := cmp.Diff(tt.want, strings.Join(said, " | ")); diff != "" {
			t.Errorf("%s %s: -want +got\n%s", tt.operation, tt.doc, diff)
		}
	}
}

// own are SageMaker's keys of a context.
func own(c Context) string {
	var out []string
	for key, value := range c {
		if name, ok := strings.CutPrefix(key, "sagemaker:"); ok {
			text, _ := json.Marshal(value)
			out = append(out, name+"="+strings.NewReplacer(`"`, "", ",", " ").Replace(string(text)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestCommonKeys(t *testing.T) {
	tagged := `{"ModelName":"m","EnableNetworkIsolation":true,"Tags":[{"Key":"env","Value":"prod"},{"Key":"empty","Value":""}]}`
	got, err := request(t, "CreateModel", tagged).Contexts()
	want := []Context{{
		"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ml/ds", "aws:PrincipalAccount": "111122223333", "aws:ResourceAccount": "111122223333",
		"aws:RequestedRegion": "eu-west-1", "aws:RequestTag/env": "prod", "aws:TagKeys": []string{"env", "empty"}, "sagemaker:NetworkIsolation": "true",
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	for _, key := range []string{"aws:principalarn", "aws:RequestTag/Env", "sagemaker:vpcsubnets", "aws:TagKeys"} {
		if !Known(key) {
			t.Errorf("%s is not known", key)
		}
	}
	for _, key := range []string{"aws:PrincipalTag/team", "aws:SourceVpce", "sagemaker:RootAccess"} {
		if Known(key) {
			t.Errorf("%s is known", key)
		}
	}
}

func TestNotTold(t *testing.T) {
	for operation, docs := range map[string][]string{
		"CreateModel": {`null`, `"HIDDEN_DUE_TO_SECURITY_REASONS"`, `{"omitted":true}`, `{"vpcConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, `{"VPCConfig":{}}`, `{"vpcConfig":{"omitted":true,"originalSize":200}}`},
		"CreateJob":   {`{"JobName":"j"}`, `{"JobConfigDocument":{}}`, `{"JobConfigDocument":"{\"a\":1,\"a\":2}"}`},
	} {
		for _, doc := range docs {
			got, err := request(t, operation, doc).Contexts()
			if err == nil || got != nil || !errors.Is(err, ErrNotTold) && operation == "CreateModel" {
				t.Errorf("%s %s: %v, %v", operation, doc, got, err)
			}
		}
	}
}

// TestShown: each path is one of the API's, and each key of the network one of the
// operation's. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
func TestShown(t *testing.T) {
	for _, row := range kind.Table() {
		for _, call := range row.Calls {
			var keys []string
			for _, s := range shown(call.Name) {
				keys = append(keys, s.key)
				if s.document != "" {
					if !sdkmodel.Has(sdkmodel.Operations()[call.Name].Input, s.document) {
						t.Errorf("%s has no member %s", call.Name, s.document)
					}
					continue
				}
				for _, path := range slices.Concat(s.at, s.maybe) {
					if !sdkmodel.Has(sdkmodel.Operations()[call.Name].Input, path) {
						t.Errorf("%s has no member %s", call.Name, path)
					}
				}
			}
			var want []string
			for _, key := range call.Keys {
				if !strings.HasPrefix(key, "FileSystem") && key != "RootAccess" && key != "MinimumInstanceMetadataServiceVersion" {
					want = append(want, key)
				}
			}
			slices.Sort(keys)
			slices.Sort(want)
			if !slices.Equal(keys, want) {
				t.Errorf("%s shows %v, and has the keys %v", call.Name, keys, want)
			}
		}
	}
}

func TestResource(t *testing.T) {
	tests := []struct{ operation, doc, arn, want string }{
		{"CreateModel", `{"ModelName":"m"}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:model/m"},
		{"CreateModel", `{"ModelName":"m"}`, "arn:aws:sagemaker:eu-west-1:111122223333:model/M", "arn:aws:sagemaker:eu-west-1:111122223333:model/M"},
		{"CreateModel", `{"ModelName":"m"}`, "arn:aws:sagemaker:eu-west-1:111122223333:space/x", "arn:aws:sagemaker:eu-west-1:111122223333:model/m"},
		{"CreateUserProfile", `{"DomainId":"d-1","UserProfileName":"u"}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:user-profile/d-1/u"},
		{"CreateUserProfile", `{}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:user-profile/0/0"},
		{"StartPipelineExecution", `{}`, "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p"},
		{"RetryPipelineExecution", `{}`, "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e"},
		{"RetryPipelineExecution", `{}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/0/execution/0"},
		{"StartPipelineExecution", `{}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/0"},
		{"CreateDomain", `{"DomainName":"d"}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:domain/0"},
		{"CreateCluster", `{"ClusterName":"c"}`, "", "arn:aws:sagemaker:eu-west-1:111122223333:cluster/c"},
	}
	for _, tt := range tests {
		r := request(t, tt.operation, tt.doc)
		r.ARN = tt.arn
		if got := r.Resource(); got != tt.want {
			t.Errorf("%s %s %s: %s, want %s", tt.operation, tt.doc, tt.arn, got, tt.want)
		}
	}
}

func TestKeys(t *testing.T) {
	got, err := Keys(json.RawMessage(`{"Statement":{"Condition":{"Null":{"a:b":"true"},"StringEquals":{"a:b":"x","c:d":["y"]}}}}`))
	if err != nil || !slices.Equal(got, []string{"a:b", "c:d"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Keys(json.RawMessage(`{"Statement":[{"Effect":"Deny"},{"Condition":{"Bool":{"e:f":true}}}]}`)); err != nil || !slices.Equal(got, []string{"e:f"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{`[]`, `{"Statement":1}`, `{}`} {
		if got, err := Keys(json.RawMessage(bad)); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
}
