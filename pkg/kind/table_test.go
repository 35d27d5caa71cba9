package kind

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	if n := len(Table()); n != 32 {
		t.Errorf("the table has %d rows, want 32; if that is right, say so here and in the documents that count them", n)
	}
	kinds, words, details, operations := map[Kind]bool{}, map[string]bool{}, map[string]Kind{}, map[string]Kind{}
	once := func(t *testing.T, seen map[string]Kind, what, name string, k Kind) {
		t.Helper()
		if other, ok := seen[name]; ok {
			t.Errorf("%s %s is of %s and of %s", what, name, other, k)
		}
		seen[name] = k
	}
	for _, row := range Table() {
		t.Run(string(row.Kind), func(t *testing.T) {
			if kinds[row.Kind] || words[row.Words] {
				t.Errorf("kind %q or its words %q are taken", row.Kind, row.Words)
			}
			kinds[row.Kind], words[row.Words] = true, true
			if got, ok := Of(row.Kind); !ok || got != row {
				t.Errorf("Of(%s) is %v", row.Kind, got)
			}
			if row.Words == "" || row.Closes == "" || row.parts == nil || len(row.Key) == 0 || len(row.Calls) == 0 || len(row.Lists) == 0 {
				t.Error("Words, Closes, parts, Key, Calls and Lists must be there")
			}
			if !strings.HasPrefix(row.Doc, "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_") {
				t.Errorf("Doc is %q, want a page of the API reference", row.Doc)
			}
			if row.Describe.Name == "" || row.Describe.ARN == "" {
				t.Error("Describe must have Name and ARN")
			}
			for i, c := range row.Calls {
				once(t, operations, "operation", c.Name, row.Kind)
				if (c.Effect == Creates) != (strings.HasPrefix(c.Name, "Create") || c.Name == "StartPipelineExecution") {
					t.Errorf("%s has effect %d: calls that create, and only those, make a new configuration", c.Name, c.Effect)
				}
				if i == 0 && c.Effect != Creates {
					t.Errorf("%s stands first and does not create", c.Name)
				}
				if c.Effect == Creates && (c.ARN == "" || len(c.Marks) == 0) {
					t.Errorf("%s creates: its response has the ARN, and its request must be recognised", c.Name)
				}
				if got, call, ok := ByCall(c.Name); !ok || got != row || call.Name != c.Name {
					t.Errorf("ByCall(%s) is %v", c.Name, got)
				}
			}
			for _, d := range row.Deletes {
				once(t, operations, "operation", d, row.Kind)
				if got, ok := ByDelete(d); !ok || got != row {
					t.Errorf("ByDelete(%s) is %v", d, got)
				}
			}
			for _, n := range row.Natives {
				once(t, details, "detail type", n.DetailType, row.Kind)
				if got, native, ok := ByDetailType(n.DetailType); !ok || got != row || native.DetailType != n.DetailType {
					t.Errorf("ByDetailType(%s) is %v", n.DetailType, got)
				}
			}
			updates := slices.ContainsFunc(row.Calls, func(c Call) bool { return c.Effect == Replaces || c.Effect == Changes })
			if row.Changes != "" && !updates {
				t.Errorf("Changes says %q, but no call changes anything", row.Changes)
			}
			if row.Resource != "" {
				const key = "k"
				built := row.Build("aws", "eu-central-1", "111122223333", key)
				arn, ok := ParseARN(built)
				if !ok || !strings.HasSuffix("/"+arn.ID, "/"+key) || arn.Region != "eu-central-1" || arn.Account != "111122223333" {
					t.Errorf("Build makes %q", built)
				}
				for _, k := range row.Key {
					if !strings.Contains(row.Resource, "{"+k+"}") {
						t.Errorf("Resource %q has no {%s}", row.Resource, k)
					}
				}
			}
		})
	}
	for _, unknown := range []string{"", "DescribeModel", "CreateHub", "createmodel"} {
		if row, _, ok := ByCall(unknown); ok {
			t.Errorf("ByCall(%q) is %s", unknown, row.Kind)
		}
		if row, ok := ByDelete(unknown); ok {
			t.Errorf("ByDelete(%q) is %s", unknown, row.Kind)
		}
		if row, _, ok := ByDetailType(unknown); ok {
			t.Errorf("ByDetailType(%q) is %s", unknown, row.Kind)
		}
		if row, ok := Of(Kind(unknown)); ok {
			t.Errorf("Of(%q) is %s", unknown, row.Kind)
		}
	}
}

// TestTestdata holds the folders of records to the table: one a kind.
func TestTestdata(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "as-if" { // histories of several kinds, for pkg/asif
			continue
		}
		folders[e.Name()] = true
		if !slices.Contains(Kinds(), e.Name()) {
			t.Errorf("testdata/%s is of no kind in the table", e.Name())
		}
	}
	for _, k := range Kinds() {
		if !folders[k] {
			t.Errorf("testdata/%s is missing: every kind has records there", k)
		}
	}
}

// TestByStop: a stop that deletes is none.
func TestByStop(t *testing.T) {
	for operation, want := range map[string]Kind{
		"StopTrainingJob": TrainingJob, "StopNotebookInstance": NotebookInstance, "StopPipelineExecution": PipelineExecution,
		"DeleteEndpoint": "", "DeleteApp": "", "CreateModel": "", "": "",
	} {
		row, ok := ByStop(operation)
		if ok != (want != "") || ok && row.Kind != want {
			t.Errorf("%q: %v, %v", operation, row, ok)
		}
	}
}

// TestPipelineOf: pipelines and their executions are of a pipeline, and nothing else
// is.
func TestPipelineOf(t *testing.T) {
	for k, want := range map[Kind]string{Pipeline: "fraud", PipelineExecution: "fraud", TrainingJob: ""} {
		row, _ := Of(k)
		o := Observation{Row: row, Key: "fraud/execution/4xk"}
		if got := o.Pipeline(); got != want {
			t.Errorf("%s: %q", k, got)
		}
	}
}

func TestParseARN(t *testing.T) {
	for s, want := range map[string]ARN{
		"arn:aws:sagemaker:eu-central-1:111122223333:model/fraud":                {"aws", "sagemaker", "eu-central-1", "111122223333", "model", "fraud"},
		"arn:aws-cn:sagemaker:cn-north-1:111122223333:app/d-1/anna/JupyterLab/x": {"aws-cn", "sagemaker", "cn-north-1", "111122223333", "app", "d-1/anna/JupyterLab/x"},
		"arn:aws:s3:::bucket": {"aws", "s3", "", "", "bucket", ""},
	} {
		if got, ok := ParseARN(s); !ok || got != want {
			t.Errorf("ParseARN(%q) = %+v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "fraud", "arn:aws:sagemaker", "arn::sagemaker:r:a:model/x", "arn:aws::r:a:model/x", "urn:aws:sagemaker:r:a:model/x"} {
		if got, ok := ParseARN(s); ok {
			t.Errorf("ParseARN(%q) = %+v, want no ARN", s, got)
		}
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{
		"": "", "eu-central-1": "aws", "us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "us-isof-south-1": "aws-iso-f",
		"eu-isoe-west-1": "aws-iso-e", "eusc-de-east-1": "aws-eusc",
	} {
		if got := Partition(region); got != want {
			t.Errorf("Partition(%q) = %q, want %q", region, got, want)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for _, tt := range []struct{ kind, request, response, key, name, arn string }{
		{"model", `{"ModelName":"fraud"}`, `{}`, "fraud", "fraud", "arn:aws:sagemaker:eu-central-1:111122223333:model/fraud"},
		{"model", `{"modelName":"fraud"}`, `{}`, "fraud", "fraud", "arn:aws:sagemaker:eu-central-1:111122223333:model/fraud"},
		{"model", `{"ModelName":"arn:aws:sagemaker:eu-central-1:111122223333:model/fraud"}`, `{}`, "fraud", "fraud", "arn:aws:sagemaker:eu-central-1:111122223333:model/fraud"},
		{"model", `{"ModelName":null}`, `{}`, "", "", ""},
		{"job", `{"JobName":"j","JobCategory":"AgentRFT"}`, `{}`, "AgentRFT/j", "j", "arn:aws:sagemaker:eu-central-1:111122223333:job/AgentRFT/j"},
		{"job", `{"JobName":"j"}`, `{}`, "", "", ""},
		{"domain", `{"DomainName":"studio"}`, `{"DomainId":"d-1"}`, "d-1", "d-1", "arn:aws:sagemaker:eu-central-1:111122223333:domain/d-1"},
		{"app", `{"DomainId":"d-1","SpaceName":"s","AppType":"JupyterLab","AppName":"default"}`, `{}`, "d-1/s/JupyterLab/default", "default", "arn:aws:sagemaker:eu-central-1:111122223333:app/d-1/s/JupyterLab/default"},
		{"app", `{"DomainId":"d-1","UserProfileName":"anna","AppType":"JupyterLab","AppName":"default"}`, `{}`, "d-1/anna/JupyterLab/default", "default", "arn:aws:sagemaker:eu-central-1:111122223333:app/d-1/anna/JupyterLab/default"},
		{"cluster", `{"ClusterName":"c"}`, `{}`, "c", "c", ""},
		{
			"pipeline-execution", `{"PipelineName":"p"}`, `{"PipelineExecutionArn":"arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p/execution/e"}`,
			"p/execution/e", "p/execution/e", "arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p/execution/e",
		},
	} {
		row, _ := Of(Kind(tt.kind))
		key, name := row.KeyOf(parse(t, tt.request), parse(t, tt.response))
		if key != tt.key || name != tt.name {
			t.Errorf("%s %s: key %q, name %q; want %q, %q", tt.kind, tt.request, key, name, tt.key, tt.name)
		}
		if got := row.Build("aws", "eu-central-1", "111122223333", key); got != tt.arn {
			t.Errorf("%s %s: ARN %q, want %q", tt.kind, tt.request, got, tt.arn)
		}
	}
	if got := model.Build("aws", "", "111122223333", "fraud"); got != "" {
		t.Errorf("without a Region the ARN is %q, want none", got)
	}
}

// TestTypes: each row says by which type templates and plans create it, or is among
// those of which there is no such type.
func TestTypes(t *testing.T) {
	// By the CloudFormation registry of 2026-09 (@aws-cdk/aws-service-spec 0.1.216) and
	// the provider hashicorp/aws of 2026-09 (@pulumi/aws 7.48.0).
	noTemplate := []Kind{
		TrainingJob, HyperParameterTuningJob, AutoMLJob, TransformJob, LabelingJob, CompilationJob, OptimizationJob,
		InferenceRecommendationsJob, AIBenchmarkJob, Job, TrainingSession, PipelineExecution,
		Algorithm, // AWS::SageMaker::Algorithm has no validation profile, so that it starts no code
	}
	noPlan := []Kind{
		ProcessingJob, AutoMLJob, TransformJob, CompilationJob, OptimizationJob, InferenceRecommendationsJob, AIBenchmarkJob, Job,
		TrainingSession, PipelineExecution, InferenceComponent, ModelBiasJobDefinition, ModelExplainabilityJobDefinition,
		ModelQualityJobDefinition, Cluster,
	}
	seen := map[string]Kind{}
	for _, row := range Table() {
		for _, c := range []struct {
			what, typ, prefix string
			without           []Kind
		}{
			{"CloudFormation", row.CloudFormation, "AWS::SageMaker::", noTemplate},
			{"Terraform", row.Terraform, "aws_sagemaker_", noPlan},
		} {
			switch none := slices.Contains(c.without, row.Kind); {
			case c.typ == "" && !none:
				t.Errorf("%s has no type of %s: give it one, or list it here", row.Kind, c.what)
			case c.typ != "" && none:
				t.Errorf("%s has the type %s, and is listed among those without", row.Kind, c.typ)
			case c.typ != "" && (!strings.HasPrefix(c.typ, c.prefix) || seen[c.typ] != ""):
				t.Errorf("%s has the type %s, which is also of %q", row.Kind, c.typ, seen[c.typ])
			}
			seen[c.typ] = row.Kind
		}
		// What is read of a template is the request that creates.
		if row.Calls[0].Effect != Creates {
			t.Errorf("%s: the first call does not create", row.Kind)
		}
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"VpcConfig": "vpc_config", "EnableSSMAccess": "enable_ssm_access", "DataQualityJobDefinition": "data_quality_job_definition",
		"AIBenchmarkJob": "ai_benchmark_job", "VolumeSizeInGB": "volume_size_in_gb", "a": "a", "": "", "ABC": "abc", "HumanTaskUi": "human_task_ui",
	} {
		if got := Snake(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
