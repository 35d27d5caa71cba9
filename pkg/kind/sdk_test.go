package kind

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// bearing are the operations whose request has network settings of its own, or
// a document that may have some.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
var bearing = []string{
	"CreateTrainingJob", "CreateProcessingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJob", "CreateAutoMLJobV2",
	"CreateCompilationJob", "CreateOptimizationJob", "CreateInferenceRecommendationsJob", "CreateAIBenchmarkJob",
	"CreateLabelingJob", "CreateTrainingSession", "CreateModel", "CreateEndpointConfig",
	"CreateDataQualityJobDefinition", "CreateModelBiasJobDefinition", "CreateModelExplainabilityJobDefinition", "CreateModelQualityJobDefinition",
	"CreateMonitoringSchedule", "UpdateMonitoringSchedule", "CreateNotebookInstance", "CreateDomain", "UpdateDomain",
	"CreateUserProfile", "UpdateUserProfile", "CreateCluster", "UpdateCluster", "AttachClusterNodeNetworkInterface",
	"CreateWorkforce", "UpdateWorkforce",
	"CreateJob", "CreatePipeline", "UpdatePipeline", // in a document
}

// beside are the operations that let somebody in, or start code where no
// network can be chosen. Same source.
var beside = []string{
	"UpdateNotebookInstance", "CreateSpace", "UpdateSpace", "CreateWorkteam", "UpdateWorkteam", "UpdateTrainingJob", "CreateAlgorithm",
}

// inheriting are the operations whose code runs in a network that was chosen
// elsewhere, or that have none to choose. Same source.
var inheriting = []string{
	"CreateEndpoint", "UpdateEndpoint", "CreateInferenceComponent", "UpdateInferenceComponent", "CreateTransformJob",
	"CreateInferenceExperiment", "UpdateInferenceExperiment", "CreateApp", "StartPipelineExecution", "RetryPipelineExecution",
	"StartMonitoringSchedule", "StartNotebookInstance", "BatchAddClusterNodes", "StartSession", "CreateModelPackage",
	"CreateFlowDefinition", "CreateAIRecommendationJob", "CreateMlflowTrackingServer", "CreateMlflowApp", "CreatePartnerApp",
	"CreateFeatureGroup", "CreateClusterExtension", "UpdateClusterExtension", "CreateEdgePackagingJob",
}

// newerThanTheSDK are operations that the API has and the SDK of go.mod does
// not yet.
var newerThanTheSDK = []string{"CreateClusterExtension", "UpdateClusterExtension"}

func TestEveryOperationIsClaimedOnceOrLeftOutForAReason(t *testing.T) {
	claims := map[string][]Kind{}
	for _, row := range Table() {
		for _, c := range row.Calls {
			claims[c.Name] = append(claims[c.Name], row.Kind)
		}
	}
	if len(bearing) != 32 {
		t.Errorf("%d operations bear a network, want 32", len(bearing))
	}
	for _, name := range slices.Concat(bearing, beside) {
		if len(claims[name]) != 1 {
			t.Errorf("%s is claimed by %v, want exactly one row: it has network settings of its own", name, claims[name])
		}
	}
	for _, name := range inheriting {
		_, out := Unclaimed()[name]
		if n := len(claims[name]); n > 1 || (n == 1) == out {
			t.Errorf("%s is claimed by %v and in Unclaimed: %v; want one row, or a reason in Unclaimed", name, claims[name], out)
		}
	}
	for name, why := range Unclaimed() {
		if len(claims[name]) > 0 {
			t.Errorf("%s is in Unclaimed, and claimed by %v", name, claims[name])
		}
		if why == "" {
			t.Errorf("Unclaimed has no reason for %s", name)
		}
		if _, ok := sdkmodel.Operations()[name]; !ok && !slices.Contains(newerThanTheSDK, name) {
			t.Errorf("Unclaimed has %s, which the SDK does not have", name)
		}
	}
	for _, name := range newerThanTheSDK {
		if _, ok := sdkmodel.Operations()[name]; ok {
			t.Errorf("the SDK has %s now: take it out of newerThanTheSDK", name)
		}
	}
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(claims)), Operations()); diff != "" {
		t.Errorf("Operations (-want +got):\n%s", diff)
	}
}

// operation finds an operation of the SDK.
func operation(t *testing.T, name string) sdkmodel.Operation {
	t.Helper()
	op, ok := sdkmodel.Operations()[name]
	if !ok {
		t.Fatalf("the SDK has no operation %s", name)
	}
	return op
}

// member says whether any of the structures has the member at a path; "A|B" is
// either of two.
func member(path string, in ...*smithy.Schema) bool {
	for alternative := range strings.SplitSeq(path, "|") {
		if !slices.ContainsFunc(in, func(s *smithy.Schema) bool { return sdkmodel.Has(s, alternative) }) {
			return false
		}
	}
	return true
}

// descend is the structure at a member of another.
func descend(s *smithy.Schema, path string) *smithy.Schema {
	if path == "" {
		return s
	}
	return s.Member(path)
}

func TestTheTableNamesWhatTheSDKHas(t *testing.T) {
	for _, row := range Table() {
		t.Run(string(row.Kind), func(t *testing.T) {
			for _, name := range slices.Concat(row.Deletes, row.Lists, row.Stops) {
				operation(t, name)
			}
			describe := operation(t, row.Describe.Name)
			described := descend(describe.Output, row.Describe.Under)
			if described == nil {
				t.Fatalf("Describe.Under: the response of %s has no %s", describe.Name, row.Describe.Under)
			}
			if !member(row.Describe.ARN, described) {
				t.Errorf("Describe.ARN: the response of %s has no %s", describe.Name, row.Describe.ARN)
			}
			for _, m := range row.Describe.Marks {
				if !member(m, described) {
					t.Errorf("Describe.Marks: the response of %s has no %s", describe.Name, m)
				}
			}
			var inputs []*smithy.Schema
			for _, c := range row.Calls {
				op := operation(t, c.Name)
				inputs = append(inputs, op.Input)
				if c.ARN != "" && !member(c.ARN, op.Output) {
					t.Errorf("Call.ARN: the response of %s has no %s", c.Name, c.ARN)
				}
				if c.Result != "" && !member(c.Result, op.Output) {
					t.Errorf("Call.Result: the response of %s has no %s", c.Name, c.Result)
				}
				for _, m := range c.Marks {
					if !member(m, op.Input) {
						t.Errorf("Call.Marks: the request of %s has no %s", c.Name, m)
					}
				}
			}
			for _, m := range row.Describe.Lacks {
				if member(m, described) {
					t.Errorf("Describe.Lacks has %s, which the response of %s has", m, describe.Name)
				}
				if !member(m, inputs...) {
					t.Errorf("Describe.Lacks has %s, which no request of the kind has", m)
				}
			}
			// A domain's id and an execution's ARN are made by the call.
			for _, c := range row.Calls {
				op := operation(t, c.Name)
				for _, k := range row.Key {
					if !member(k, op.Input) && !member(k, op.Output) {
						t.Errorf("Key: neither request nor response of %s has %s", c.Name, k)
					}
				}
			}
			for _, k := range row.Key {
				if !member(k, described) {
					t.Errorf("Key: the response of %s has no %s", describe.Name, k)
				}
			}
			for _, ref := range row.Refers {
				if !member(ref.Member, inputs...) {
					t.Errorf("Refers: no request of the kind has %s", ref.Member)
				}
				if _, ok := Of(ref.Kind); !ok {
					t.Errorf("Refers: there is no kind %s", ref.Kind)
				}
			}
		})
	}
}

// TestWhatClosesAFindingCanBeSent holds the fragments to paste to the requests
// they are for: the kind's own, or those of a kind that it refers to.
func TestWhatClosesAFindingCanBeSent(t *testing.T) {
	var inputs func(row *Row) []*smithy.Schema
	inputs = func(row *Row) []*smithy.Schema {
		var out []*smithy.Schema
		for _, c := range row.Calls {
			out = append(out, operation(t, c.Name).Input)
		}
		for _, ref := range row.Refers {
			other, _ := Of(ref.Kind)
			out = append(out, inputs(other)...)
		}
		return out
	}
	for _, row := range Table() {
		if row.Paste == nil {
			continue
		}
		in := inputs(row)
		switch row.Kind {
		case Pipeline, PipelineExecution:
			for _, r := range stepRows() {
				if r != nil {
					in = append(in, inputs(r)...)
				}
			}
		case Job:
			// It goes into the document, which has no model in the SDK.
			continue
		}
		fragment, ok := row.Paste([]string{"subnet-1", "subnet-2"}, []string{"sg-1"}, true).(map[string]any)
		if !ok {
			t.Errorf("%s: the fragment is no object", row.Kind)
			continue
		}
		var check func(path string, v any)
		check = func(path string, v any) {
			if m, ok := v.(map[string]any); ok && len(m) > 0 {
				for name, below := range m {
					check(join(path, name), below)
				}
				return
			}
			if !member(path, in...) {
				t.Errorf("%s: no request has %s", row.Kind, path)
			}
		}
		check("", fragment)
	}
}

// serviceAuthorization are the condition keys of SageMaker's actions that look
// at a network or an access, without the prefix "sagemaker:". ServerlessMemorySize
// tells a variant that runs in the service's network from one that does not.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-actions-as-permissions
var serviceAuthorization = map[string]string{
	"CreateAutoMLJob":                        "VpcSubnets VpcSecurityGroupIds InterContainerTrafficEncryption",
	"CreateAutoMLJobV2":                      "VpcSubnets VpcSecurityGroupIds InterContainerTrafficEncryption",
	"CreateCluster":                          "VpcSubnets VpcSecurityGroupIds",
	"CreateDataQualityJobDefinition":         "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateDomain":                           "VpcSubnets VpcSecurityGroupIds AppNetworkAccessType",
	"CreateEndpointConfig":                   "VpcSubnets VpcSecurityGroupIds NetworkIsolation ModelArn ServerlessMemorySize",
	"CreateHyperParameterTuningJob":          "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption FileSystemId FileSystemType FileSystemAccessMode FileSystemDirectoryPath",
	"CreateInferenceComponent":               "ModelArn",
	"CreateJob":                              "VpcSubnets VpcSecurityGroupIds",
	"CreateModel":                            "VpcSubnets VpcSecurityGroupIds NetworkIsolation",
	"CreateModelBiasJobDefinition":           "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateModelExplainabilityJobDefinition": "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateModelQualityJobDefinition":        "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateMonitoringSchedule":               "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateNotebookInstance":                 "VpcSubnets VpcSecurityGroupIds DirectInternetAccess MinimumInstanceMetadataServiceVersion RootAccess",
	"CreateProcessingJob":                    "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"CreateSpace":                            "RemoteAccess",
	"CreateTrainingJob":                      "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption EnableRemoteDebug FileSystemId FileSystemType FileSystemAccessMode FileSystemDirectoryPath",
	"CreateTransformJob":                     "ModelArn",
	"CreateUserProfile":                      "VpcSecurityGroupIds",
	"UpdateCluster":                          "VpcSubnets VpcSecurityGroupIds",
	"UpdateDomain":                           "VpcSubnets VpcSecurityGroupIds AppNetworkAccessType",
	"UpdateMonitoringSchedule":               "VpcSubnets VpcSecurityGroupIds NetworkIsolation InterContainerTrafficEncryption",
	"UpdateNotebookInstance":                 "MinimumInstanceMetadataServiceVersion RootAccess",
	"UpdateSpace":                            "RemoteAccess",
	"UpdateTrainingJob":                      "EnableRemoteDebug",
	"UpdateUserProfile":                      "VpcSecurityGroupIds",
}

func TestConditionKeys(t *testing.T) {
	got := map[string]string{}
	for _, row := range Table() {
		for _, c := range row.Calls {
			if len(c.Keys) > 0 {
				got[c.Name] = strings.Join(c.Keys, " ")
			}
		}
	}
	if diff := gocmp.Diff(serviceAuthorization, got); diff != "" {
		t.Errorf("condition keys (-reference +table):\n%s", diff)
	}
}

// TestFreeForm walks every request, and every response that is read.
func TestFreeForm(t *testing.T) {
	mapped, structures := map[string]bool{}, map[string]string{}
	var walk func(operation, name string, s *smithy.Schema, above []smithy.ShapeID)
	walk = func(operation, name string, s *smithy.Schema, above []smithy.ShapeID) {
		switch s.Type() {
		case smithy.ShapeTypeMap:
			if name != "" {
				mapped[name] = true
			}
		case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
			if name != "" {
				structures[name] = operation
			}
		default:
		}
		if slices.Contains(above, s.TargetID()) {
			return
		}
		above = append(slices.Clip(above), s.TargetID())
		switch s.Type() {
		case smithy.ShapeTypeMap:
			walk(operation, "", s.MapValue(), above)
		case smithy.ShapeTypeList:
			walk(operation, "", s.ListMember(), above)
		case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
			for name, below := range s.Members() {
				walk(operation, name, below, above)
			}
		default:
		}
	}
	for name, op := range sdkmodel.Operations() {
		walk(name, "", op.Input, nil)
	}
	for _, row := range Table() {
		walk(row.Describe.Name, "", operation(t, row.Describe.Name).Output, nil)
	}
	// In SageMaker's own events tags are an object, with keys that may differ by
	// case alone.
	// https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
	mapped["Tags"] = true
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(mapped)), slices.Sorted(maps.Keys(FreeForm()))); diff != "" {
		t.Errorf("free-form members (-SDK +FreeForm):\n%s", diff)
	}
	for name := range FreeForm() {
		if op, ok := structures[name]; ok {
			t.Errorf("%s is a map somewhere and a structure in %s: where it is a structure, members that differ only by case would pass", name, op)
		}
	}
}

// stepTypes are the types of the steps whose executions have the metadata.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PipelineExecutionStepMetadata.html
var stepTypes = map[string]string{
	"TrainingJob": "Training", "ProcessingJob": "Processing", "ClarifyCheck": "ClarifyCheck", "QualityCheck": "QualityCheck",
	"TuningJob": "Tuning", "AutoMLJob": "AutoML", "Model": "Model", "EndpointConfig": "EndpointConfig", "Endpoint": "Endpoint",
	"InferenceComponent": "InferenceComponent", "TransformJob": "Transform", "Job": "Job", "RegisterModel": "RegisterModel",
	"Condition": "Condition", "Lambda": "Lambda", "Callback": "Callback", "Fail": "Fail", "Lineage": "Lineage",
	"EMR": "EMR", "EMRServerless": "EMRServerless", "ForEach": "ForEach", "Athena": "Athena", "Cleanup": "Cleanup",
	"BedrockCustomModel": "BedrockCustomModel", "BedrockCustomModelDeployment": "BedrockCustomModelDeployment",
	"BedrockProvisionedModelThroughput": "BedrockProvisionedModelThroughput", "BedrockModelImport": "BedrockModelImport",
}

func TestEveryStepTypeIsJudged(t *testing.T) {
	metadata := operation(t, "ListPipelineExecutionSteps").Output.Member("PipelineExecutionSteps").ListMember().Member("Metadata")
	for name := range metadata.Members() {
		typ, ok := stepTypes[name]
		if !ok {
			t.Errorf("pipeline steps have the metadata %s: which type of step is that? Add it to stepTypes here and, if it runs code, to stepRows", name)
			continue
		}
		definition := `{"Version":"2020-12-01","Steps":[{"Name":"S","Type":"` + typ + `","Arguments":{"Steps":[{"Name":"Inner","Type":"Fail","Arguments":{}}]}}]}`
		doc := jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinition", Value: jsondoc.OfString(definition)})
		for _, p := range pipelineRow.Parts(Record{Doc: doc}, nil) {
			for _, reason := range p.Posture.Reasons {
				if strings.Contains(reason.Why, "is not known here") {
					t.Errorf("step type %s: %s", typ, reason.Why)
				}
			}
		}
	}
	for name := range stepTypes {
		if metadata.Member(name) == nil {
			t.Errorf("no pipeline step has the metadata %s any more", name)
		}
	}
}

// withARN has the row's own ARN at a member, and others wherever else a member
// holds one.
func withARN(row *Row, member string) sdkmodel.Values {
	return func(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
		if path == join(row.Describe.Under, member) {
			id := strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(row.Resource, string(row.Kind)+"/"), "{", ""), "}", "")
			switch row.Kind {
			case Pipeline:
				return jsondoc.OfString("arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p"), true
			case PipelineExecution:
				return jsondoc.OfString("arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p/execution/e"), true
			default:
				return jsondoc.OfString("arn:aws:sagemaker:eu-central-1:111122223333:" + string(row.Kind) + "/" + id), true
			}
		}
		if strings.HasSuffix(path, "Arn") {
			return jsondoc.OfString("arn:aws:sagemaker:eu-central-1:111122223333:something-else/x"), true
		}
		return jsondoc.Value{}, false
	}
}

func TestByDescribe(t *testing.T) {
	described := map[string]bool{}
	for _, row := range Table() {
		described[row.Describe.Name] = true
		doc := sdkmodel.Full(operation(t, row.Describe.Name).Output, withARN(row, row.Describe.ARN))
		got, ok := ByDescribe(doc)
		if !ok || got.Kind != row.Kind {
			t.Errorf("a response of %s is recognised as %v %v, want %s", row.Describe.Name, got, ok, row.Kind)
		}
	}
	// The first version of the AutoML API describes the same jobs.
	const older = "DescribeAutoMLJob"
	described[older] = true
	if got, ok := ByDescribe(sdkmodel.Full(operation(t, older).Output, withARN(&autoMLJob, "AutoMLJobArn"))); !ok || got != &autoMLJob {
		t.Errorf("a response of %s is recognised as %v %v, want %s", older, got, ok, AutoMLJob)
	}
	for name, op := range sdkmodel.Operations() {
		if described[name] || !strings.HasPrefix(name, "Describe") {
			continue
		}
		// Each member that holds an ARN has one of the type that its name says,
		// for example NotebookInstanceArn of notebook-instance.
		doc := sdkmodel.Full(op.Output, func(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
			s := segmentsOf(path)
			what, isARN := strings.CutSuffix(s[len(s)-1], "Arn")
			if !isARN {
				return jsondoc.Value{}, false
			}
			return jsondoc.OfString("arn:aws:sagemaker:eu-central-1:111122223333:" + dashed(what) + "/x"), true
		})
		if row, ok := ByDescribe(doc); ok {
			t.Errorf("a response of %s is recognised as one of %s", name, row.Describe.Name)
		}
	}
}

// dashed writes NotebookInstance as notebook-instance.
func dashed(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(c)
	}
	return strings.ToLower(b.String())
}

// smallest are the creations whose smallest request is not told to be one: it
// could ask for a change as well, or names a resource and nothing else.
var smallest = map[string]string{
	"CreateWorkteam": "UpdateWorkteam",
	"CreateSpace":    "", "CreateUserProfile": "", "CreateWorkforce": "",
}

// TestCreationOnly holds the table of what only a creation can have to the SDK.
func TestCreationOnly(t *testing.T) {
	for _, row := range Table() {
		var creation, change *Call
		for i := range row.Calls {
			switch c := &row.Calls[i]; c.Effect {
			case Creates:
				creation = cmp.Or(creation, c)
			case Changes:
				change = cmp.Or(change, c)
			default:
			}
		}
		var want []string
		if creation != nil && change != nil {
			in := operation(t, change.Name).Input
			if !slices.ContainsFunc(creation.Marks, func(m string) bool { return !member(m, in) }) {
				for m := range operation(t, creation.Name).Input.Members() {
					if !member(m, in) {
						want = append(want, m)
					}
				}
				slices.Sort(want)
				if creation != &row.Calls[0] {
					t.Errorf("%s: the creation is not the first call", row.Kind)
				}
			}
		}
		if row == &notebookInstance {
			want = nil // its creation's defaults fail
		}
		if diff := gocmp.Diff(want, creationOnly(row.Kind)); diff != "" {
			t.Errorf("%s: only a creation has (-SDK +table)\n%s", row.Kind, diff)
		}
	}
}

func TestByRequestOfWhatCouldBeSeveral(t *testing.T) {
	for doc, want := range map[string]string{
		`{"ClusterName":"c","InstanceGroups":[]}`: "CreateCluster",
		`{"ClusterName":"c","InstanceGroups":[{"InstanceGroupName":"g","OverrideVpcConfig":{"Subnets":["subnet-1"]}}]}`: "UpdateCluster",
		`{"ClusterName":"c","InstanceGroups":[],"VpcConfig":{}}`:                                                        "CreateCluster",
		`{"NotebookInstanceName":"n","InstanceType":"t","RoleArn":"r"}`:                                                 "CreateNotebookInstance",
		`{"NotebookInstanceName":"n","InstanceType":"t"}`:                                                               "nothing",
		`{"NotebookInstanceName":"n","InstanceType":"t","RoleArn":"r","SubnetId":"s"}`:                                  "CreateNotebookInstance",
		`{"WorkforceName":"w"}`:                                                                "nothing",
		`{"WorkforceName":"w","SourceIpConfig":{}}`:                                            "UpdateWorkforce",
		`{"WorkforceName":"w","CognitoConfig":{}}`:                                             "CreateWorkforce",
		`{"DomainId":"d","SpaceName":"s"}`:                                                     "nothing",
		`{"DomainId":"d","SpaceName":"s","SpaceSettings":{}}`:                                  "UpdateSpace",
		`{"DomainId":"d","SpaceName":"s","OwnershipSettings":{}}`:                              "CreateSpace",
		`{"DomainId":"d","UserProfileName":"u"}`:                                               "nothing",
		`{"DomainId":"d","UserProfileName":"u","UserSettings":{}}`:                             "UpdateUserProfile",
		`{"DomainId":"d","UserProfileName":"u","UserSettings":{},"Tags":[]}`:                   "CreateUserProfile",
		`{"DomainId":"d","AppNetworkAccessType":"VpcOnly"}`:                                    "UpdateDomain",
		`{"WorkteamName":"w","MemberDefinitions":[]}`:                                          "UpdateWorkteam",
		`{"ModelName":"m","ExecutionRoleArn":"r","EndpointName":"e","EndpointConfigName":"c"}`: "nothing",
	} {
		v, err := jsondoc.Parse([]byte(doc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, call, _ := ByRequest(v); name(call) != want {
			t.Errorf("%s is recognised as %s, want %s", doc, name(call), want)
		}
	}
}

func TestByRequest(t *testing.T) {
	for _, row := range Table() {
		for _, c := range row.Calls {
			if len(c.Marks) == 0 && c.Effect != Changes {
				continue
			}
			op := operation(t, c.Name)
			whole := sdkmodel.Full(op.Input, nil)
			for form, doc := range map[string]jsondoc.Value{
				"smallest": sdkmodel.Only(whole, slices.Concat(op.Required, c.Marks)...),
				"whole":    whole,
			} {
				if len(c.Marks) == 0 && form == "smallest" {
					continue
				}
				got, call, ok := ByRequest(doc)
				if want, is := smallest[c.Name]; is && form == "smallest" {
					if name(call) != cmp.Or(want, "nothing") {
						t.Errorf("the smallest request of %s is recognised as %s, want %q", c.Name, name(call), want)
					}
					continue
				}
				if !ok || got != row {
					t.Errorf("the %s request of %s is recognised as %v, want %s", form, c.Name, name(call), row.Kind)
					continue
				}
				if call.Name != c.Name && row != &notebookInstance && (row != &cluster || form != "smallest") {
					t.Errorf("the %s request of %s is recognised as %s", form, c.Name, call.Name)
				}
			}
		}
	}
	claimed := Operations()
	for opName, op := range sdkmodel.Operations() {
		if slices.Contains(claimed, opName) || !strings.HasPrefix(opName, "Create") {
			continue
		}
		whole := sdkmodel.Full(op.Input, nil)
		for form, doc := range map[string]jsondoc.Value{"smallest": sdkmodel.Only(whole, op.Required...), "whole": whole} {
			row, call, ok := ByRequest(doc)
			if ok {
				t.Errorf("the %s request of %s is recognised as %s of %s", form, opName, call.Name, row.Kind)
			}
		}
	}
}

func name(c *Call) string {
	if c == nil {
		return "nothing"
	}
	return c.Name
}
