package kind

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vpcConfig is a VpcConfig with one subnet.
const vpcConfig = `{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}`

// other are the resources that the cases refer to.
var other = known{
	"model isolated":         `{"ModelName":"isolated","EnableNetworkIsolation":true}`,
	"model placed":           `{"ModelName":"placed","VpcConfig":` + vpcConfig + `}`,
	"model open":             `{"ModelName":"open"}`,
	"endpoint-config placed": `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"}]}`,
	"endpoint-config two":    `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"},{"VariantName":"B","ModelName":"open"}]}`,
	"endpoint two":           `{"EndpointConfigName":"two"}`,
	"endpoint lost":          `{"EndpointConfigName":"lost"}`,

	"data-quality-job-definition d":         `{"NetworkConfig":{"EnableNetworkIsolation":true}}`,
	"model-quality-job-definition d":        `{"NetworkConfig":{"VpcConfig":` + vpcConfig + `}}`,
	"model-bias-job-definition d":           `{}`,
	"model-explainability-job-definition d": `{"NetworkConfig":{"VpcConfig":` + vpcConfig + `,"EnableNetworkIsolation":true}}`,

	"domain only":   `{"AppNetworkAccessType":"VpcOnly","VpcId":"vpc-1","SubnetIds":["subnet-1"],"DefaultUserSettings":{"SecurityGroups":["sg-user"]},"DefaultSpaceSettings":{"SecurityGroups":["sg-space"]},"DomainSettings":{"SecurityGroupIds":["sg-boundary"],"DockerSettings":{"EnableDockerAccess":"ENABLED"}}}`,
	"domain public": `{"SubnetIds":["subnet-1"],"VpcId":"vpc-1"}`,
	"domain bare":   `{}`,

	"user-profile only/anna":  `{"DomainId":"only","UserSettings":{"SecurityGroups":["sg-anna"]}}`,
	"user-profile only/plain": `{"DomainId":"only"}`,
	"space only/shared":       `{"DomainId":"only","SpaceSharingSettings":{"SharingType":"Shared"}}`,
	"space only/hers":         `{"DomainId":"only","OwnershipSettings":{"OwnerUserProfileName":"anna"},"SpaceSharingSettings":{"SharingType":"Private"},"SpaceSettings":{"RemoteAccess":"ENABLED"}}`,

	"pipeline p":      `{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Parameters\":[{\"Name\":\"Net\",\"Type\":\"String\",\"DefaultValue\":\"subnet-d\"}],\"Steps\":[{\"Name\":\"T\",\"Type\":\"Training\",\"Arguments\":{\"VpcConfig\":{\"Subnets\":[{\"Get\":\"Parameters.Net\"}],\"SecurityGroupIds\":[\"sg-1\"]}}}]}"}`,
	"pipeline broken": `{"PipelineDefinition":"{"}`,
}

// test is one record and what must be said of it.
type test struct {
	name  string
	shape Shape  // request where it is empty
	event string // the operation; the kind's first where it is empty
	doc   string
	want  []string // the parts
	why   string   // a piece of some reason
}

// checkAll runs cases of one kind.
func checkAll(t *testing.T, row *Row, tests []test) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shape := tt.shape
			if shape == "" {
				shape = ShapeRequest
			}
			parts := row.Parts(observe(t, shape, row, tt.event, tt.doc), other.lookup(t))
			if diff := cmp.Diff(tt.want, allSaid(parts)); diff != "" {
				t.Errorf("%s\nparts (-want +got):\n%s", tt.doc, diff)
			}
			var why []string
			for _, p := range parts {
				for _, r := range p.Posture.Reasons {
					why = append(why, r.Path+": "+r.Why+" "+r.Look)
				}
			}
			if tt.why != "" && !strings.Contains(strings.Join(why, "\n"), tt.why) {
				t.Errorf("reasons %q, want one with %q", why, tt.why)
			}
			for _, p := range parts {
				if strings.Contains(said(p), "unknown") && len(p.Posture.Reasons) == 0 {
					t.Errorf("part %q is unknown for no reason", said(p))
				}
			}
		})
	}
}

func TestTrainingJobEvents(t *testing.T) {
	checkAll(t, &trainingJob, []test{
		{name: "an event tells the VPC and never the isolation", shape: ShapeNative, doc: `{"VpcConfig":` + vpcConfig + `}`, want: []string{"unknown vpc"}, why: "not in this event"},
		{name: "an event without a VPC has {}", shape: ShapeNative, doc: `{"VpcConfig":{}}`, want: []string{"unknown service"}, why: "EnableNetworkIsolation"},
		{name: "an event without the member", shape: ShapeNative, doc: `{}`, want: []string{"unknown unknown"}},
		{name: "a response", shape: ShapeDescribe, doc: `{"EnableNetworkIsolation":true}`, want: []string{"a service"}},
		{name: "the request is null", shape: ShapeCloudTrail, doc: `null`, want: []string{"unknown unknown"}, why: "requestParameters is empty"},
		{name: "the request is omitted", shape: ShapeCloudTrail, doc: `{"omitted":true}`, want: []string{"unknown unknown"}, why: "omitted the value because of its size"},
		{name: "the request is hidden", shape: ShapeCloudTrail, doc: `"HIDDEN_DUE_TO_SECURITY_REASONS"`, want: []string{"unknown unknown"}, why: "CloudTrail hid the value"},
		{name: "an update of a job that was not seen", event: "UpdateTrainingJob", doc: `{"RemoteDebugConfig":{"EnableRemoteDebug":true}}`, want: []string{"unknown unknown"}, why: "the configuration before it is not in the input"},
		{name: "spelled otherwise", doc: `{"enablenetworkisolation":true,"VpcConfig":` + vpcConfig + `}`, want: []string{"unknown vpc"}, why: "is not spelled as AWS spells it"},
	})
}

func TestHyperParameterTuningJob(t *testing.T) {
	checkAll(t, &hyperParameterTuningJob, []test{
		{name: "neither", doc: `{"HyperParameterTuningJobName":"h"}`, want: []string{"unknown unknown"}, why: "no training job definition"},
		{name: "an empty definition says that the record was cut", doc: `{"TrainingJobDefinition":{}}`, want: []string{"unknown unknown"}, why: "no training job definition"},
		{name: "one", doc: `{"TrainingJobDefinition":{"VpcConfig":` + vpcConfig + `}}`, want: []string{"TrainingJobDefinition: b-vpc vpc"}},
		{name: "several", doc: `{"TrainingJobDefinitions":[{"DefinitionName":"a","EnableNetworkIsolation":true},{"DefinitionName":"b"}]}`, want: []string{"a: a service", "b: b-internet service"}},
		{name: "both", doc: `{"TrainingJobDefinition":{"DefinitionName":"a","EnableNetworkIsolation":true},"TrainingJobDefinitions":[{"DefinitionName":"b"}]}`, want: []string{"a: a service", "b: b-internet service"}},
		{name: "an empty one in the list", doc: `{"TrainingJobDefinitions":[{}]}`, want: []string{"TrainingJobDefinition: b-internet service"}},
		{name: "a list that is none", doc: `{"TrainingJobDefinition":{"EnableNetworkIsolation":true},"TrainingJobDefinitions":"x"}`, want: []string{"TrainingJobDefinition: a service", "TrainingJobDefinitions: unknown unknown"}},
		{name: "something in the list that is no definition", doc: `{"TrainingJobDefinitions":[{"EnableNetworkIsolation":true},"x"]}`, want: []string{"TrainingJobDefinition: a service", "TrainingJobDefinition: unknown unknown"}},
		{name: "an event", shape: ShapeNative, doc: `{"TrainingJobDefinition":{"VpcConfig":` + vpcConfig + `}}`, want: []string{"TrainingJobDefinition: unknown vpc"}},
		{name: "an event of an untold definition", shape: ShapeNative, doc: `{}`, want: []string{"unknown unknown"}},
	})
}

func TestAutoMLJob(t *testing.T) {
	checkAll(t, &autoMLJob, []test{
		{name: "first version", doc: `{"AutoMLJobConfig":{"SecurityConfig":{"VpcConfig":` + vpcConfig + `}}}`, want: []string{"b-vpc vpc"}},
		{name: "first version, bare", doc: `{"AutoMLJobName":"j"}`, want: []string{"b-internet service"}},
		{name: "second version", event: "CreateAutoMLJobV2", doc: `{"SecurityConfig":{"VpcConfig":` + vpcConfig + `}}`, want: []string{"b-vpc vpc"}},
		{name: "second version, bare", event: "CreateAutoMLJobV2", doc: `{}`, want: []string{"b-internet service"}},
		{name: "what the second version has does not count in the first", doc: `{"SecurityConfig":{"VpcConfig":` + vpcConfig + `},"AutoMLProblemTypeConfig":{"a":1}}`, want: []string{"b-internet service"}},
		{name: "what the first version has does not count in the second", event: "CreateAutoMLJobV2", doc: `{"AutoMLJobConfig":{"SecurityConfig":{"VpcConfig":` + vpcConfig + `}}}`, want: []string{"b-internet service"}},
		{name: "a response of the second version", shape: ShapeDescribe, doc: `{"AutoMLJobInputDataConfig":[{"ChannelType":"training"}],"SecurityConfig":{"VpcConfig":` + vpcConfig + `}}`, want: []string{"b-vpc vpc"}},
		{name: "a response of the first version", shape: ShapeDescribe, doc: `{"InputDataConfig":[{}],"AutoMLJobConfig":{"SecurityConfig":{"VpcConfig":` + vpcConfig + `}}}`, want: []string{"b-vpc vpc"}},
		{name: "there is no isolation", doc: `{"EnableNetworkIsolation":true,"AutoMLJobConfig":{"SecurityConfig":{"EnableNetworkIsolation":true}}}`, want: []string{"b-internet service"}},
	})
}

func TestJob(t *testing.T) {
	checkAll(t, &job, []test{
		{name: "set", doc: `{"JobConfigDocument":"{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"],\"SecurityGroupIds\":[\"sg-1\"]}}"}`, want: []string{"b-vpc vpc"}},
		{name: "empty VpcConfig", doc: `{"JobConfigDocument":"{\"VpcConfig\":{}}"}`, want: []string{"b-internet service"}},
		{name: "no document", doc: `{"JobName":"j"}`, want: []string{"unknown unknown"}, why: "not in this record"},
		{name: "an empty document", doc: `{"JobConfigDocument":""}`, want: []string{"unknown unknown"}},
		{name: "not a string", doc: `{"JobConfigDocument":{"VpcConfig":` + vpcConfig + `}}`, want: []string{"unknown unknown"}, why: "found an object"},
		{name: "hidden", doc: `{"JobConfigDocument":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, want: []string{"unknown unknown"}, why: "CloudTrail hid"},
		{name: "not JSON", doc: `{"JobConfigDocument":"VpcConfig: x"}`, want: []string{"unknown unknown"}, why: "cannot be read"},
		{name: "not an object", doc: `{"JobConfigDocument":"[1]"}`, want: []string{"unknown unknown"}, why: "not a JSON object"},
		{name: "twice", doc: `{"JobConfigDocument":"{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"]},\"VpcConfig\":{}}"}`, want: []string{"unknown unknown"}, why: "cannot be read"},
		{name: "twice, in another case", doc: `{"JobConfigDocument":"{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"]},\"vpcconfig\":{}}"}`, want: []string{"unknown unknown"}, why: "differ only by case"},
		{name: "beside the document does not count", doc: `{"VpcConfig":` + vpcConfig + `,"JobConfigDocument":"{}"}`, want: []string{"b-internet service"}},
		{name: "deeper does not count", doc: `{"JobConfigDocument":"{\"NetworkConfig\":{\"VpcConfig\":{\"Subnets\":[\"subnet-1\"]}}}"}`, want: []string{"b-internet service"}},
	})
}

func TestLabelingJobAndAlgorithm(t *testing.T) {
	checkAll(t, &labelingJob, []test{
		{name: "people only", doc: `{"LabelingJobName":"l"}`, want: []string{"n/a n/a"}},
		{name: "people only, written out", doc: `{"LabelingJobAlgorithmsConfig":{}}`, want: []string{"n/a n/a"}},
		{name: "automated", doc: `{"LabelingJobAlgorithmsConfig":{"LabelingJobAlgorithmSpecificationArn":"a"}}`, want: []string{"b-internet service"}},
		{name: "hidden", doc: `{"LabelingJobAlgorithmsConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, want: []string{"unknown unknown"}},
		{name: "an event tells nothing", shape: ShapeNative, doc: `{"LabelingJobStatus":"Completed"}`, want: []string{"unknown unknown"}},
	})
	checkAll(t, &algorithm, []test{
		{name: "no validation", doc: `{"AlgorithmName":"a"}`, want: []string{"n/a n/a"}},
		{name: "no profile", doc: `{"ValidationSpecification":{"ValidationRole":"r","ValidationProfiles":[]}}`, want: []string{"n/a n/a"}},
		{name: "validated", doc: `{"ValidationSpecification":{"ValidationProfiles":[{"ProfileName":"p"}]}}`, want: []string{"b-internet service"}},
		{name: "a VPC beside it does not count", doc: `{"VpcConfig":` + vpcConfig + `,"ValidationSpecification":{"ValidationProfiles":[{"ProfileName":"p"}]}}`, want: []string{"b-internet service"}},
		{name: "hidden", doc: `{"ValidationSpecification":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, want: []string{"unknown unknown"}},
	})
}

func TestEndpointConfig(t *testing.T) {
	checkAll(t, &endpointConfig, []test{
		{name: "by model", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"},{"VariantName":"B","ModelName":"isolated"},{"VariantName":"C","ModelName":"open"}]}`, want: []string{"A: b-vpc vpc", "B: a service", "C: b-internet service"}},
		{name: "by an ARN of the model", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"arn:aws:sagemaker:eu-central-1:111122223333:model/placed"}]}`, want: []string{"A: b-vpc vpc"}},
		{name: "a model that is not there", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"lost"}]}`, want: []string{"A: unknown unknown"}, why: "DescribeModel lost"},
		{name: "a model decides over the configuration", doc: `{"VpcConfig":` + vpcConfig + `,"EnableNetworkIsolation":true,"ProductionVariants":[{"VariantName":"A","ModelName":"open"}]}`, want: []string{"A: b-internet service"}},
		{name: "components", doc: `{"VpcConfig":` + vpcConfig + `,"ProductionVariants":[{"VariantName":"A"}]}`, want: []string{"A: b-vpc vpc"}},
		{name: "components, isolated", doc: `{"EnableNetworkIsolation":true,"ProductionVariants":[{"VariantName":"A"}]}`, want: []string{"A: a service"}},
		{name: "serverless", doc: `{"ProductionVariants":[{"VariantName":"A","ServerlessConfig":{"MaxConcurrency":1}}]}`, want: []string{"A: b-internet service"}},
		{name: "serverless with a model in a VPC", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed","ServerlessConfig":{"MaxConcurrency":1}}]}`, want: []string{"A: b-internet service"}},
		{name: "serverless or not is hidden", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed","ServerlessConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}`, want: []string{"A: unknown unknown"}},
		{name: "the model's name is hidden", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}`, want: []string{"A: unknown unknown"}},
		{name: "shadow", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"}],"ShadowProductionVariants":[{"VariantName":"S","ModelName":"open"}]}`, want: []string{"A: b-vpc vpc", "S: b-internet service"}},
		{name: "shadows that are no list", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"}],"ShadowProductionVariants":"x"}`, want: []string{"A: b-vpc vpc", "ShadowProductionVariants: unknown unknown"}},
		{name: "without a name", doc: `{"ProductionVariants":[{"ModelName":"placed"}]}`, want: []string{"ProductionVariants[0]: b-vpc vpc"}},
		{name: "no variant", doc: `{"EndpointConfigName":"c"}`, want: []string{"ProductionVariants: unknown unknown"}},
		{name: "an event does not tell what is serverless", shape: ShapeNative, doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"}]}`, want: []string{"A: unknown unknown", "A/InstancePools: unknown unknown"}},
		{name: "a pool of instances with another model", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed","InstancePools":[{"InstanceType":"ml.g6.2xlarge","Priority":1,"ModelNameOverride":"open"},{"InstanceType":"ml.g5.2xlarge","Priority":2}]}]}`, want: []string{"A: b-vpc vpc", "A/ml.g6.2xlarge: b-internet service"}},
		{name: "pools alone, of a shadow", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed"}],"ShadowProductionVariants":[{"VariantName":"S","ModelName":"placed","InstancePools":[{"ModelNameOverride":"lost"}]}]}`, want: []string{"A: b-vpc vpc", "S: b-vpc vpc", "S/0: unknown unknown"}, why: "DescribeModel lost"},
		{name: "pools that are hidden", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed","InstancePools":"HIDDEN_DUE_TO_SECURITY_REASONS"},{"VariantName":"B","ModelName":"placed","InstancePools":[{"ModelNameOverride":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}]}`, want: []string{"A: b-vpc vpc", "A/InstancePools: unknown unknown", "B: b-vpc vpc", "B/0: unknown unknown"}},
		{name: "no pools", doc: `{"ProductionVariants":[{"VariantName":"A","ModelName":"placed","InstancePools":[]}]}`, want: []string{"A: b-vpc vpc"}},
	})
}

func TestEndpointAndInferenceComponent(t *testing.T) {
	checkAll(t, &endpoint, []test{
		{name: "by configuration", doc: `{"EndpointConfigName":"two"}`, want: []string{"A: b-vpc vpc", "B: b-internet service"}},
		{name: "not there", doc: `{"EndpointConfigName":"lost"}`, want: []string{"unknown unknown"}, why: "DescribeEndpointConfig lost"},
		{name: "no configuration", doc: `{}`, want: []string{"unknown unknown"}},
		{name: "update", event: "UpdateEndpoint", doc: `{"EndpointConfigName":"placed"}`, want: []string{"A: b-vpc vpc"}},
		{name: "update that names none", event: "UpdateEndpoint", doc: `{}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
		{name: "a deployment", shape: ShapeNative, doc: `{"PendingDeploymentSummary":{"EndpointConfigName":"placed"}}`, want: []string{"A: b-vpc vpc"}},
	})
	checkAll(t, &inferenceComponent, []test{
		{name: "one variant", doc: `{"EndpointName":"two","VariantName":"A"}`, want: []string{"A: b-vpc vpc"}},
		{name: "no variant named", doc: `{"EndpointName":"two"}`, want: []string{"A: b-vpc vpc", "B: b-internet service"}},
		{name: "a variant that is not there", doc: `{"EndpointName":"two","VariantName":"Z"}`, want: []string{"A: b-vpc vpc", "B: b-internet service"}},
		{name: "the endpoint's configuration is not there", doc: `{"EndpointName":"lost"}`, want: []string{"unknown unknown"}, why: "DescribeEndpointConfig lost"},
		{name: "an update without a base", event: "UpdateInferenceComponent", doc: `{"InferenceComponentName":"i"}`, want: []string{"unknown unknown"}},
	})
	checkAll(t, &transformJob, []test{
		{name: "by model", doc: `{"ModelName":"isolated"}`, want: []string{"a service"}},
		{name: "its own settings do not exist", doc: `{"ModelName":"open","VpcConfig":` + vpcConfig + `,"EnableNetworkIsolation":true}`, want: []string{"b-internet service"}},
		{name: "not there", doc: `{"ModelName":"lost"}`, want: []string{"unknown unknown"}, why: "DescribeModel lost"},
		{name: "an event names the model", shape: ShapeNative, doc: `{"ModelName":"placed"}`, want: []string{"b-vpc vpc"}},
	})
}

func TestMonitoringSchedule(t *testing.T) {
	named := func(typ string) string {
		return `{"MonitoringScheduleConfig":{"MonitoringJobDefinitionName":"d","MonitoringType":"` + typ + `"}}`
	}
	checkAll(t, &monitoringSchedule, []test{
		{name: "data quality", doc: named("DataQuality"), want: []string{"a service"}},
		{name: "model quality", doc: named("ModelQuality"), want: []string{"b-vpc vpc"}},
		{name: "bias", doc: named("ModelBias"), want: []string{"b-internet service"}},
		{name: "explainability", doc: named("ModelExplainability"), want: []string{"a vpc"}},
		{name: "a type that is not known", doc: named("Drift"), want: []string{"unknown unknown"}, why: "found Drift"},
		{name: "no type", doc: `{"MonitoringScheduleConfig":{"MonitoringJobDefinitionName":"d"}}`, want: []string{"unknown unknown"}},
		{name: "a definition that is not there", doc: `{"MonitoringScheduleConfig":{"MonitoringJobDefinitionName":"lost","MonitoringType":"DataQuality"}}`, want: []string{"unknown unknown"}, why: "DescribeDataQualityJobDefinition lost"},
		{name: "inline", doc: `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"RoleArn":"r"}}}`, want: []string{"b-internet service"}},
		{name: "a name decides over what is inline", doc: `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"NetworkConfig":{"EnableNetworkIsolation":true}},"MonitoringJobDefinitionName":"d","MonitoringType":"ModelBias"}}`, want: []string{"b-internet service"}},
		{name: "neither", doc: `{"MonitoringScheduleConfig":{}}`, want: []string{"unknown unknown"}, why: "neither a job definition nor the name"},
		{name: "an update names the whole", event: "UpdateMonitoringSchedule", doc: `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"NetworkConfig":{"EnableNetworkIsolation":true}}}}`, want: []string{"a service"}},
		{name: "a start without a base", event: "StartMonitoringSchedule", doc: `{"MonitoringScheduleName":"s"}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
		{name: "an event", shape: ShapeNative, doc: `{"MonitoringScheduleStatus":"Scheduled"}`, want: []string{"unknown unknown"}},
	})
}

func TestNotebookInstance(t *testing.T) {
	checkAll(t, &notebookInstance, []test{
		{name: "nothing set", doc: `{}`, want: []string{"b-internet own"}},
		{name: "subnet", doc: `{"SubnetId":"subnet-1","SecurityGroupIds":["sg-1"]}`, want: []string{"c vpc+own"}},
		{name: "subnet, Enabled", doc: `{"SubnetId":"subnet-1","DirectInternetAccess":"Enabled"}`, want: []string{"c vpc+own"}},
		{name: "subnet, Disabled", doc: `{"SubnetId":"subnet-1","DirectInternetAccess":"Disabled"}`, want: []string{"b-vpc vpc"}},
		{name: "empty subnet", doc: `{"SubnetId":"","DirectInternetAccess":"Enabled"}`, want: []string{"b-internet own"}},
		{name: "hidden subnet", doc: `{"SubnetId":"HIDDEN_DUE_TO_SECURITY_REASONS","DirectInternetAccess":"Disabled"}`, want: []string{"unknown unknown"}},
		{name: "another value", doc: `{"SubnetId":"subnet-1","DirectInternetAccess":"Sometimes"}`, want: []string{"unknown unknown"}, why: `found "Sometimes"`},
		{name: "another spelling of the value", doc: `{"SubnetId":"subnet-1","DirectInternetAccess":"disabled"}`, want: []string{"unknown unknown"}},
		{name: "another type", doc: `{"SubnetId":"subnet-1","DirectInternetAccess":false}`, want: []string{"unknown unknown"}},
		{name: "an event has everything", shape: ShapeNative, doc: `{}`, want: []string{"b-internet own"}},
		{name: "an update without a base", event: "UpdateNotebookInstance", doc: `{"InstanceType":"ml.t3.medium"}`, want: []string{"unknown unknown"}},
		{name: "a start without a base", event: "StartNotebookInstance", doc: `{}`, want: []string{"unknown unknown"}},
	})
	// Refused by the API: unknown, though every fact is known.
	parts := notebookInstance.Parts(observe(t, ShapeRequest, &notebookInstance, "", `{"DirectInternetAccess":"Disabled"}`), nil)
	if diff := cmp.Diff([]string{"unknown unknown"}, allSaid(parts)); diff != "" {
		t.Errorf("Disabled without a subnet (-want +got):\n%s", diff)
	}
	for member, shape := range map[string]Shape{"SecurityGroupIds": ShapeRequest, "SecurityGroups": ShapeDescribe} {
		p := notebookInstance.Parts(observe(t, shape, &notebookInstance, "", `{"SubnetId":"subnet-1","`+member+`":["sg-1","sg-2"]}`), nil)[0].Posture
		if diff := cmp.Diff([]string{"sg-1", "sg-2"}, p.SecurityGroups.Values()); diff != "" || p.SecurityGroups.Unknown {
			t.Errorf("%s (-want +got):\n%s", member, diff)
		}
	}
}

func TestDomain(t *testing.T) {
	checkAll(t, &domain, []test{
		{name: "the default mode", doc: `{"VpcId":"vpc-1","SubnetIds":["subnet-1"]}`, want: []string{"c own"}},
		{name: "PublicInternetOnly", doc: `{"VpcId":"vpc-1","SubnetIds":["subnet-1"],"AppNetworkAccessType":"PublicInternetOnly"}`, want: []string{"c own"}},
		{name: "no VPC", doc: `{"DomainName":"d"}`, want: []string{"b-internet own"}},
		{name: "VpcOnly", doc: `{"VpcId":"vpc-1","SubnetIds":["subnet-1"],"AppNetworkAccessType":"VpcOnly"}`, want: []string{"b-vpc vpc"}},
		{name: "a VPC without subnets", doc: `{"VpcId":"vpc-1","AppNetworkAccessType":"VpcOnly"}`, want: []string{"unknown unknown"}},
		{name: "another mode", doc: `{"VpcId":"vpc-1","SubnetIds":["subnet-1"],"AppNetworkAccessType":"Both"}`, want: []string{"unknown unknown"}, why: `found "Both"`},
		{name: "an update without a base", event: "UpdateDomain", doc: `{"AppNetworkAccessType":"VpcOnly"}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
		{name: "an update with an empty list changes nothing", event: "UpdateDomain", doc: `{"AppNetworkAccessType":"PublicInternetOnly","SubnetIds":[],"VpcId":""}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
		{name: "an update that names everything", event: "UpdateDomain", doc: `{"AppNetworkAccessType":"VpcOnly","SubnetIds":["subnet-1"]}`, want: []string{"b-vpc vpc"}},
	})
}

// TestStudioSecurityGroups: whose groups apply to what.
func TestStudioSecurityGroups(t *testing.T) {
	for _, tt := range []struct {
		name, event, doc string
		kind             Kind
		class            string
		groups           []string
		unknown          bool
	}{
		{"domain", "CreateDomain", other["domain only"], Domain, "b-vpc vpc", []string{"sg-user", "sg-space", "sg-boundary"}, false},
		{"domain, updated", "UpdateDomain", `{"DomainSettings":{"SecurityGroupIds":["sg-old"]},"DomainSettingsForUpdate":{"SecurityGroupIds":["sg-new"]},"AppNetworkAccessType":"VpcOnly","SubnetIds":["subnet-1"]}`, Domain, "b-vpc vpc", []string{"sg-new"}, true},
		{"profile", "CreateUserProfile", other["user-profile only/anna"], UserProfile, "b-vpc vpc", []string{"sg-user", "sg-anna"}, false},
		{"profile without its own", "CreateUserProfile", other["user-profile only/plain"], UserProfile, "b-vpc vpc", []string{"sg-user"}, false},
		{"profile, updated", "UpdateUserProfile", `{"DomainId":"only","UserProfileName":"anna"}`, UserProfile, "b-vpc vpc", []string{"sg-user"}, true},
		{"profile of a domain that is not there", "CreateUserProfile", `{"DomainId":"lost","UserSettings":{"SecurityGroups":["sg-anna"]}}`, UserProfile, "unknown unknown", []string{"sg-anna"}, true},
		{"shared space", "CreateSpace", other["space only/shared"], Space, "b-vpc vpc", []string{"sg-space"}, false},
		{"space from before there were private ones", "CreateSpace", `{"DomainId":"only","SpaceName":"s"}`, Space, "b-vpc vpc", []string{"sg-space"}, false},
		{"private space", "CreateSpace", other["space only/hers"], Space, "b-vpc vpc", []string{"sg-user", "sg-anna"}, false},
		{"private space of a profile that is not there", "CreateSpace", `{"DomainId":"only","OwnershipSettings":{"OwnerUserProfileName":"lost"},"SpaceSharingSettings":{"SharingType":"Private"}}`, Space, "b-vpc vpc", []string{"sg-user"}, true},
		{"space of another kind of sharing", "CreateSpace", `{"DomainId":"only","SpaceSharingSettings":{"SharingType":"Odd"}}`, Space, "b-vpc vpc", nil, true},
		{"space in a public domain", "CreateSpace", `{"DomainId":"public"}`, Space, "c own", nil, false},
		{"space in a domain without a VPC", "CreateSpace", `{"DomainId":"bare"}`, Space, "b-internet own", nil, false},
		{"app of a profile", "CreateApp", `{"DomainId":"only","UserProfileName":"anna","AppType":"JupyterLab"}`, App, "b-vpc vpc", []string{"sg-user", "sg-anna"}, false},
		{"app in a shared space", "CreateApp", `{"DomainId":"only","SpaceName":"shared","AppType":"JupyterLab"}`, App, "b-vpc vpc", []string{"sg-space"}, false},
		{"app in a private space", "CreateApp", `{"DomainId":"only","SpaceName":"hers","AppType":"JupyterLab"}`, App, "b-vpc vpc", []string{"sg-user", "sg-anna"}, false},
		{"app in a space that is not there", "CreateApp", `{"DomainId":"only","SpaceName":"lost"}`, App, "b-vpc vpc", nil, true},
		{"app of nobody", "CreateApp", `{"DomainId":"only"}`, App, "b-vpc vpc", nil, true},
		{"app in a public domain", "CreateApp", `{"DomainId":"public","UserProfileName":"lost"}`, App, "c own", nil, true},
		{"app in a domain that is not there", "CreateApp", `{"DomainId":"lost","SpaceName":"lost"}`, App, "unknown unknown", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row, _ := Of(tt.kind)
			parts := row.Parts(observe(t, ShapeRequest, row, tt.event, tt.doc), other.lookup(t))
			if diff := cmp.Diff([]string{tt.class}, allSaid(parts)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			var groups []string
			groups = append(groups, parts[0].Posture.SecurityGroups.Values()...)
			if diff := cmp.Diff(tt.groups, groups); diff != "" {
				t.Errorf("security groups (-want +got):\n%s", diff)
			}
			if got := parts[0].Posture.SecurityGroups.Unknown; got != tt.unknown {
				t.Errorf("more security groups may be there: %v, want %v", got, tt.unknown)
			}
		})
	}
}

// TestAccess: the ways in for people, and of whom they are said.
func TestAccess(t *testing.T) {
	for _, tt := range []struct {
		kind       Kind
		event, doc string
		want       []string
	}{
		{TrainingJob, "", `{}`, []string{"remote-debug no"}},
		{TrainingJob, "", `{"RemoteDebugConfig":{"EnableRemoteDebug":true}}`, []string{"remote-debug yes"}},
		{TrainingJob, "", `{"RemoteDebugConfig":{"EnableRemoteDebug":"yes"}}`, []string{"remote-debug unknown"}},
		{TrainingJob, "UpdateTrainingJob", `{"RemoteDebugConfig":{"EnableRemoteDebug":false}}`, []string{"remote-debug no"}},
		{TrainingJob, "UpdateTrainingJob", `{}`, []string{"remote-debug unknown"}},
		{EndpointConfig, "", `{"ProductionVariants":[{"ModelName":"placed","EnableSSMAccess":true}],"ShadowProductionVariants":[{"ModelName":"placed"}]}`, []string{"ssm-access yes", "ssm-access no"}},
		{Domain, "", other["domain only"], []string{"docker-access yes"}},
		{Domain, "", `{"DomainSettings":{"DockerSettings":{"EnableDockerAccess":"DISABLED"}}}`, []string{"docker-access no"}},
		{Domain, "UpdateDomain", `{"DomainSettingsForUpdate":{"DockerSettings":{"EnableDockerAccess":"ENABLED"}}}`, []string{"docker-access yes"}},
		{Space, "", other["space only/hers"], []string{"remote-access yes"}},
		{Space, "", other["space only/shared"], []string{"remote-access no"}},
		// A partial update tells nothing of what it does not name, at any depth.
		{TrainingJob, "UpdateTrainingJob", `{"RemoteDebugConfig":{"Other":1}}`, []string{"remote-debug unknown"}},
		{Domain, "UpdateDomain", `{"DomainSettingsForUpdate":{"DockerSettings":{"RootlessDocker":"ENABLED"}}}`, []string{"docker-access unknown"}},
		{Space, "UpdateSpace", `{"DomainId":"only","SpaceSettings":{"AppType":"JupyterLab"}}`, []string{"remote-access unknown"}},
		{Space, "UpdateSpace", `{"DomainId":"only","SpaceSettings":{"RemoteAccess":"Sometimes"}}`, []string{"remote-access unknown"}},
		{UserProfile, "", other["user-profile only/anna"], nil},
		{App, "", `{"DomainId":"only","SpaceName":"hers"}`, nil},
	} {
		row, _ := Of(tt.kind)
		var got []string
		for _, p := range row.Parts(observe(t, ShapeRequest, row, tt.event, tt.doc), other.lookup(t)) {
			for _, a := range p.Posture.Access {
				got = append(got, string(a.Way)+" "+a.State.String())
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.kind, tt.doc, diff)
		}
	}
}

func TestCluster(t *testing.T) {
	checkAll(t, &cluster, []test{
		{name: "Slurm without a VPC", doc: `{"InstanceGroups":[{"InstanceGroupName":"g"}]}`, want: []string{"g: b-internet service"}},
		{name: "EKS", doc: `{"VpcConfig":` + vpcConfig + `,"Orchestrator":{"Eks":{"ClusterArn":"a"}},"InstanceGroups":[{"InstanceGroupName":"g"}]}`, want: []string{"g: b-vpc vpc"}},
		{name: "an override", doc: `{"InstanceGroups":[{"InstanceGroupName":"g","OverrideVpcConfig":` + vpcConfig + `},{"InstanceGroupName":"h"}]}`, want: []string{"g: b-vpc vpc", "h: b-internet service"}},
		{name: "an empty override is none", doc: `{"VpcConfig":` + vpcConfig + `,"InstanceGroups":[{"InstanceGroupName":"g","OverrideVpcConfig":{}}]}`, want: []string{"g: b-vpc vpc"}},
		{name: "a hidden override", doc: `{"VpcConfig":` + vpcConfig + `,"InstanceGroups":[{"InstanceGroupName":"g","OverrideVpcConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}`, want: []string{"g: unknown unknown"}},
		{name: "restricted", doc: `{"RestrictedInstanceGroups":[{"InstanceGroupName":"r","OverrideVpcConfig":` + vpcConfig + `}]}`, want: []string{"r: b-vpc vpc"}},
		{name: "groups without names", doc: `{"InstanceGroups":[{}],"RestrictedInstanceGroups":[{}]}`, want: []string{"InstanceGroups: b-internet service", "RestrictedInstanceGroups: b-internet service"}},
		{name: "no groups", doc: `{"VpcConfig":` + vpcConfig + `}`, want: []string{"b-vpc vpc"}},
		{name: "an interface of ours", doc: `{"NetworkInterfaceId":"eni-1","InstanceGroups":[{"InstanceGroupName":"g"},{"InstanceGroupName":"v","OverrideVpcConfig":` + vpcConfig + `}],"RestrictedInstanceGroups":[{"InstanceGroupName":"r"}]}`, want: []string{"g: c vpc+own", "v: b-vpc vpc", "r: b-internet service"}},
		{name: "attaching to a cluster that was not seen", event: "AttachClusterNodeNetworkInterface", doc: `{"ClusterName":"c","NodeId":"i-1","NetworkInterfaceId":"eni-1"}`, want: []string{"unknown unknown"}, why: "the configuration before it"},
		{name: "an update of a cluster that was not seen", event: "UpdateCluster", doc: `{"InstanceGroups":[{"InstanceGroupName":"g"},{"InstanceGroupName":"h","OverrideVpcConfig":` + vpcConfig + `}]}`, want: []string{"g: unknown unknown", "h: b-vpc vpc", "other groups: unknown unknown"}},
		{name: "nodes for a cluster that was not seen", event: "BatchAddClusterNodes", doc: `{"ClusterName":"c","NodesToAdd":[{}]}`, want: []string{"unknown unknown"}},
		{name: "an event", shape: ShapeNative, doc: `{"VpcConfig":` + vpcConfig + `,"InstanceGroups":[{"InstanceGroupName":"g"}]}`, want: []string{"g: b-vpc vpc"}},
	})
}

func TestWorkforceAndWorkteam(t *testing.T) {
	for doc, want := range map[string]string{
		`{}`:                              "no",
		`{"SourceIpConfig":{"Cidrs":[]}}`: "no",
		`{"SourceIpConfig":{"Cidrs":["203.0.113.0/24"]}}`:                                   "yes",
		`{"SourceIpConfig":{"Cidrs":["0.0.0.0/0"]}}`:                                        "no",
		`{"SourceIpConfig":{"Cidrs":["::/0"]}}`:                                             "no",
		`{"SourceIpConfig":{"Cidrs":["203.0.113.0/24","0.0.0.0/0"]}}`:                       "no",
		`{"SourceIpConfig":{"Cidrs":[""]}}`:                                                 "no",
		`{"SourceIpConfig":{"Cidrs":[null]}}`:                                               "no",
		`{"SourceIpConfig":{"Cidrs":["everywhere"]}}`:                                       "unknown",
		`{"WorkforceVpcConfig":{"VpcId":"HIDDEN_DUE_TO_SECURITY_REASONS"}}`:                 "unknown",
		`{"WorkforceVpcConfig":{"Subnets":[7]}}`:                                            "unknown",
		`{"WorkforceVpcConfig":{"Subnets":[]}}`:                                             "no",
		`{"WorkforceVpcConfig":{"omitted":true}}`:                                           "unknown",
		`{"SourceIpConfig":{"Cidrs":[7]}}`:                                                  "unknown",
		`{"SourceIpConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}`:                               "unknown",
		`{"WorkforceVpcConfig":{"VpcId":"vpc-1"}}`:                                          "yes",
		`{"WorkforceVpcConfig":{"Subnets":["subnet-1"]}}`:                                   "yes",
		`{"WorkforceVpcConfig":{}}`:                                                         "no",
		`{"WorkforceVpcConfig":"HIDDEN_DUE_TO_SECURITY_REASONS"}`:                           "unknown",
		`{"WorkforceVpcConfig":{"VpcId":"vpc-1"},"SourceIpConfig":{"Cidrs":["0.0.0.0/0"]}}`: "yes",
	} {
		parts := workforce.Parts(observe(t, ShapeRequest, &workforce, "", doc), nil)
		if diff := cmp.Diff([]string{"n/a n/a"}, allSaid(parts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc, diff)
		}
		if got := parts[0].Posture.Workers.String(); got != want {
			t.Errorf("%s: workers come from known places: %s, want %s", doc, got, want)
		}
	}
	// An update answers with the whole.
	o := &Observation{Row: &workforce, Source: Source{Type: ShapeCloudTrail}, Doc: parse(t, `{"workforceName":"w"}`), Response: parse(t, `{"workforce":{"sourceIpConfig":{"cidrs":["203.0.113.0/24"]}}}`)}
	_, o.Call, _ = ByCall("UpdateWorkforce")
	p := workforce.Parts(o.Record(), nil)[0].Posture
	if p.Workers.String() != "yes" || p.Where.Workers != "responseElements.workforce.sourceIpConfig.cidrs" {
		t.Errorf("after an update: %s at %s", p.Workers, p.Where.Workers)
	}
	if !o.Whole() {
		t.Error("the answer to an update is the whole configuration")
	}
	o.Response = parse(t, `null`)
	if got := workforce.Parts(o.Record(), nil)[0].Posture.Workers.String(); got != "unknown" || o.Whole() {
		t.Errorf("after an update without an answer: %s, want unknown", got)
	}
	checkAll(t, &workteam, []test{{name: "any", doc: `{"WorkteamName":"w"}`, want: []string{"n/a n/a"}}})
}
