package audit

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What the index of the corpus says of each file, as far as it is about a
// network. A file that is not here fails the test.
type theirs struct {
	verdict string // kind, class, data path, compliance; empty: nothing to judge
	subnets []string
	groups  []string
	parts   string // name=class; name=class
	problem string // a piece of the message; empty: none
}

// Messages.
const (
	noShape   = "not a CloudTrail record or log"
	noJSON    = "not JSON"
	noEvent   = "an EventBridge pattern or schema"
	badAnswer = "an AWS error response (ValidationException)"
)

var corpus = map[string]theirs{
	"INDEX.md": {problem: noJSON},

	// The index: "network mode NOT in record". The configuration is not in the file.
	"cloudtrail/doc-CreateEndpoint-v1.05.json":                                         {verdict: "endpoint unknown unknown WARNING"},
	"cloudtrail/doc-CreateModel-v1.05.json":                                            {verdict: "model b-internet service FAILED"},
	"cloudtrail/doc-PutRecord-data-event-v1.08.json":                                   {},
	"cloudtrail/real-ListEndpoints-v1.11.json":                                         {},
	"cloudtrail/real-ListTrainingJobs-v1.11.json":                                      {},
	"cloudtrail-envelope/shared-event-id.json":                                         {},
	"cloudtrail-envelope/error-AccessDenied.json":                                      {},
	"cloudtrail-envelope/error-ValidationException.json":                               {},
	"cloudtrail-envelope/hidden-due-to-security-reasons.json":                          {},
	"cloudtrail-envelope/vpc-endpoint-id.json":                                         {},
	"cloudtrail-envelope/aws-service-identity.json":                                    {},
	"cloudtrail-envelope/c7n-event-cloud-trail-bedrock-create-customization-jobs.json": {},
	"cloudtrail-envelope/c7n-event-cloud-trail-run-instances.json":                     {},

	// The index: "indeterminate" or "not applicable". A recorded request without
	// labelingJobAlgorithmsConfig has people label, so no code runs.
	"eventbridge-cloudtrail/mlspace-CreateLabelingJob.json":          {verdict: "labeling-job n/a n/a NOT_AVAILABLE"},
	"eventbridge-cloudtrail/c7n-event-securityhub-lambda-cross.json": {},

	// "SubnetId absent ... unknown->default Enabled": the event carries the
	// members where they are set, so absent is not set.
	"eventbridge-native/mlspace-Notebook-InService.json": {verdict: "notebook-instance b-internet own FAILED"},
	// "mode=public or needs Describe": the event never carries either member, so
	// it needs a Describe.
	"eventbridge-native/mlspace-Model-created.json": {verdict: "model unknown unknown WARNING"},
	// "VPC absent (trimmed)": the event carries VpcConfig, {} where there is none.
	"eventbridge-native/mlspace-TrainingJob-fromTuning.json":  {verdict: "training-job unknown unknown WARNING"},
	"eventbridge-native/mlspace-TransformJob-InProgress.json": {verdict: "transform-job unknown unknown WARNING"},
	"eventbridge-native/mlspace-Translate-noise.json":         {},
	// "isolation absent => false/indeterminate": indeterminate, for the event
	// never carries it. Without a VPC it fails whatever isolation is.
	"eventbridge-native/doc-SageMaker-Training-Job-State-Change.json": {verdict: "training-job unknown service FAILED"},
	// "isolation absent; mode=vpc": the VPC is known and isolation is not, so
	// class a or b-vpc. What fails is the placeholder in the list of subnets.
	"eventbridge-native/doc-SageMaker-HyperParameter-Tuning-Job-State-Change.json": {
		verdict: "hyper-parameter-tuning-job unknown vpc FAILED", subnets: []string{"subnets"}, groups: []string{"securityGroupIds"}, parts: "TrainingJobDefinition=unknown",
	},
	"eventbridge-native/doc-SageMaker-Transform-Job-State-Change.json":                      {verdict: "transform-job unknown unknown WARNING"},
	"eventbridge-native/doc-SageMaker-Endpoint-State-Change.json":                           {verdict: "endpoint unknown unknown WARNING"},
	"eventbridge-native/doc-SageMaker-Feature-Group-State-Change.json":                      {},
	"eventbridge-native/doc-SageMaker-Model-Building-Pipeline-Execution-Status-Change.json": {verdict: "pipeline-execution unknown unknown WARNING"},
	"eventbridge-native/doc-SageMaker-Image-State-Change.json":                              {},
	"eventbridge-native/doc-SageMaker-Model-Card-State-Change.json":                         {},
	"eventbridge-native/malformed/doc-SageMaker-Endpoint-Deployment-State-Change-1.txt":     {problem: "invalid character 'T'"},

	// "no network keys": not even a training job definition, which every tuning
	// job has. The fixture was cut.
	"describe/mlspace-mock_hpo_describe.json": {verdict: "hyper-parameter-tuning-job unknown unknown WARNING"},

	// Recorded responses are whole: "no network keys present" is none set.
	"describe/c7n-DescribeModel-model_mark_for_op-cefa.json":                                                     {verdict: "model b-internet service FAILED"},
	"describe/c7n-DescribeModel-delete_model-8cb7.json":                                                          {problem: badAnswer},
	"describe/c7n-DescribeAutoMLJobV2-auto_ml_job_stop-4d14.json":                                                {verdict: "automl-job b-internet service FAILED"},
	"describe/c7n-DescribeCompilationJob-compilation_job_query-0068.json":                                        {verdict: "compilation-job b-internet service FAILED"},
	"describe/c7n-DescribeCompilationJob-compilation_job_stop-87c0.json":                                         {verdict: "compilation-job b-internet service FAILED"},
	"describe/c7n-DescribeDataQualityJobDefinition-data_quality_job_definition_delete-d189.json":                 {verdict: "data-quality-job-definition b-internet service FAILED"},
	"describe/c7n-DescribeModelExplainabilityJobDefinition-model_explainability_job_definition_delete-6c81.json": {verdict: "model-explainability-job-definition b-internet service FAILED"},
	"describe/c7n-DescribeCluster-delete_cluster-f375.json":                                                      {verdict: "cluster b-internet service FAILED", parts: "test-c7n-ig=b-internet"},
	"describe/c7n-DescribeNotebookInstance-delete_notebook_instance-1335.json":                                   {verdict: "notebook-instance b-internet own FAILED"},
	"describe/c7n-DescribeNotebookInstance-stop_notebook_instance-c08c.json":                                     {verdict: "notebook-instance b-internet own FAILED"},
	// A subnet and no DirectInternetAccess: recorded before the member was, and
	// its default is Enabled.
	"describe/c7n-DescribeNotebookInstance-mark_for_op_notebook_instance-9623.json":  {verdict: "notebook-instance c vpc+own FAILED", subnets: []string{"subnet-efbcccb7"}, groups: []string{"sg-6c7fa917"}},
	"describe/c7n-DescribeNotebookInstance-notebook_instances-e20b.json":             {verdict: "notebook-instance c vpc+own FAILED", subnets: []string{"subnet-efbcccb7"}, groups: []string{"sg-6c7fa917"}},
	"describe/c7n-DescribeNotebookInstance-start_notebook_instance-bb1f.json":        {verdict: "notebook-instance c vpc+own FAILED", subnets: []string{"subnet-efbcccb7"}, groups: []string{"sg-6c7fa917"}},
	"describe/c7n-DescribeNotebookInstance-notebook_security_group_filter-1342.json": {verdict: "notebook-instance c vpc+own FAILED", subnets: []string{"subnet-914763e7"}, groups: []string{"sg-ac538cd9"}},
	"describe/c7n-DescribeDomain-domain_kms_key_filter-0a97.json":                    {verdict: "domain c own FAILED", subnets: []string{"subnet-044d9e3b66dccd75a"}},
	// What they refer to is in another file.
	"describe/c7n-DescribeEndpointConfig-endpoint_config-6316.json":             {verdict: "endpoint-config unknown unknown WARNING", parts: "AllTraffic=unknown"},
	"describe/c7n-DescribeEndpointConfig-endpoint_config_mark_for_op-526d.json": {verdict: "endpoint-config unknown unknown WARNING", parts: "variant-name-1=unknown"},
	"describe/c7n-DescribeEndpoint-endpoint_delete-d73e.json":                   {verdict: "endpoint unknown unknown WARNING"},
	"describe/c7n-DescribeEndpoint-endpoints-384d.json":                         {verdict: "endpoint unknown unknown WARNING"},
	"describe/c7n-DescribeTransformJob-transform_job_remove_tag-1174.json":      {verdict: "transform-job unknown unknown WARNING"},
	"describe/c7n-DescribeTransformJob-transform_job_stop-7eb5.json":            {verdict: "transform-job unknown unknown WARNING"},
	"describe/c7n-DescribeHyperParameterTuningJob-hyperparameter_tuning_job_query-232a.json": {
		verdict: "hyper-parameter-tuning-job b-vpc vpc PASSED", subnets: []string{"subnet-0bd18cd4df2d0d3b9"}, groups: []string{"sg-03c0b84cdad91744f"}, parts: "c7n-test-definition=b-vpc",
	},
	"describe/c7n-DescribeHyperParameterTuningJob-hyperparameter_tuning_job_tag-3151.json": {verdict: "hyper-parameter-tuning-job b-internet service FAILED", parts: "c7n-test-def=b-internet"},
	"describe/c7n-DescribeProcessingJob-processing_job_query-bf7e.json":                    {verdict: "processing-job b-internet service FAILED"},
	"describe/c7n-DescribeProcessingJob-processing_job_stop-0de5.json":                     {verdict: "processing-job b-internet service FAILED"},
	"describe/c7n-DescribeTrainingJob-training_job_query-3949.json":                        {verdict: "training-job b-internet service FAILED"},
	"describe/c7n-DescribeTrainingJob-training_job_stop-4d94.json":                         {verdict: "training-job b-internet service FAILED"},
	// Of another service, and not a shape that is read: an error, not silence.
	"describe/c7n-ec2.DescribeSecurityGroups-cluster_security_group_filter-ad55.json":  {problem: noShape},
	"describe/c7n-ec2.DescribeSecurityGroups-notebook_security_group_filter-9d45.json": {problem: noShape},

	// "iso=absent" is off: a definition is the whole configuration.
	"pipelines/smex-full_pipeline_property_file-2fd6e2a1.json": {
		verdict: "pipeline b-internet service FAILED", parts: "DataWranglerProcessingStep=b-internet; TrainTestSplit=b-internet; TrainingStep=b-internet",
	},
	"pipelines/smex-sagemaker-pipelines-lambda-step_outputs-90625bca.json": {
		verdict: "pipeline b-internet service FAILED",
		parts:   "PreprocessAbaloneData=b-internet; TrainAbaloneModel=b-internet; EvaluateAbaloneModel=b-internet; CheckMSEAbaloneEvaluation=n/a; CreateModel=b-internet; LambdaStep=n/a",
	},
	// The index has no network for the RegisterModel step (none starts) and for
	// the transform step, which has that of the model that a step before creates.
	"pipelines/smex-sm-pipelines_preprocess_train_evaluate_batch_transform-e3eaf68e.json": {
		verdict: "pipeline b-internet service FAILED",
		parts:   "AbaloneProcess=b-internet; AbaloneTrain=b-internet; AbaloneEval=b-internet; AbaloneMSECond=n/a; AbaloneRegisterModel-RegisterModel=n/a; AbaloneCreateModel-CreateModel=b-internet; AbaloneTransform=b-internet; AbaloneMSEFail=n/a",
	},
	"pipelines/ack-my-pipeline.json":  {verdict: "pipeline b-internet service FAILED", parts: "AbaloneTrain=b-internet"},
	"pipelines/ack-e2e-pipeline.json": {verdict: "pipeline b-internet service FAILED", parts: "MyModelCreationStep-CreateModel=b-internet"},
	"pipelines/sdkv3-deterministic_template-vpc.json": {
		verdict: "pipeline b-vpc vpc PASSED", subnets: []string{"subnet-0aa", "subnet-0bb"}, groups: []string{"sg-0a1b2c3d"},
		parts: "CreateEvaluationAction=n/a; EvaluateBaseModel=b-vpc; EvaluateCustomModel=b-vpc; AssociateLineage=n/a",
	},
	"pipelines/sdkv3-deterministic_template_base_model_only-vpc.json": {
		verdict: "pipeline b-vpc vpc PASSED", subnets: []string{"subnet-0aa", "subnet-0bb"}, groups: []string{"sg-0a1b2c3d"}, parts: "EvaluateBaseModel=b-vpc",
	},
	// AWS's own template leaves the metrics steps without the VPC.
	"pipelines/sdkv3-llmaj_template-vpc.json": {
		verdict: "pipeline b-internet service FAILED",
		parts:   "CreateEvaluationAction=n/a; EvaluateBaseInferenceModel=b-vpc; EvaluateCustomInferenceModel=b-vpc; EvaluateBaseModelMetrics=b-internet; EvaluateCustomModelMetrics=b-internet; AssociateLineage=n/a",
	},
	"pipelines/sdkv3-llmaj_template_base_model_only-vpc.json": {verdict: "pipeline b-internet service FAILED", parts: "EvaluateBaseInferenceModel=b-vpc; EvaluateBaseModelMetrics=b-internet"},
	"pipelines/sdkv2-notebookjob-step-vpc.json": {
		verdict: "pipeline b-vpc vpc PASSED", subnets: []string{"subnet-12345678", "subnet-87654321"}, groups: []string{"sg-12345678", "sg-87654321"}, parts: "NotebookStep=b-vpc",
	},
	// "ids without subnet-/sg- prefix": a VPC is configured, and malformed.
	"pipelines/sdkv2-repack-step-vpc.json": {
		verdict: "pipeline b-vpc vpc FAILED", subnets: []string{"abc", "def"}, groups: []string{"123", "456"}, parts: "EstimatorTransformerStepRepackModel=b-vpc",
	},

	// Of no shape that is read.
	"api-model/network-fields-by-operation.json": {problem: noShape},
	"api-model/operations-create-update.json":    {problem: noShape},
}

// of is what the index says of a file: its own row, or that of its folder.
func of(file string) (theirs, bool) {
	if want, ok := corpus[file]; ok {
		return want, true
	}
	switch dir, _, _ := strings.Cut(file, "/"); dir {
	case "bulk":
		return theirs{}, true // "0 findings"
	case "event-patterns", "eventbridge-schemas":
		// A schema has the members of an event, with the names of types for
		// values. It lacks those that EventBridge itself writes, by which the two
		// are told apart: what no account sent is no event.
		return theirs{problem: noEvent}, true
	case "iac-k8s-ack":
		return theirs{problem: noJSON}, true
	}
	return theirs{}, false
}

func TestCorpus(t *testing.T) {
	dir := cmp.Or(os.Getenv("SAGEMOAT_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	if _, err := os.Stat(filepath.Join(dir, "INDEX.md")); err != nil {
		t.Skipf("NOT TESTED against records that others wrote: set SAGEMOAT_CORPUS to the corpus (%v)", err)
	}
	seen := map[string]bool{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		file, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		seen[file] = true
		if dir, _, _ := strings.Cut(file, "/"); slices.Contains(scanned, dir) {
			return nil // TestCompared has them
		}
		want, ok := of(file)
		if !ok {
			t.Errorf("%s is not in this test's table: say there what is in it", file)
			return nil
		}
		t.Run(file, func(t *testing.T) { compare(t, path, want) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for file := range corpus {
		if !seen[file] {
			t.Errorf("%s is in this test's table and not in the corpus", file)
		}
	}
}

func compare(t *testing.T, path string, want theirs) {
	report := run(t, nil, path)
	var got theirs
	for _, p := range report.Problems {
		got.problem += p.Error()
	}
	if want.problem != "" && strings.Contains(got.problem, want.problem) {
		got.problem = want.problem
	}
	if len(report.Refused) > 0 {
		t.Errorf("%d refused calls", len(report.Refused))
	}
	if len(report.Findings) > 1 {
		t.Fatalf("%d findings", len(report.Findings))
	}
	for _, f := range report.Findings {
		got = theirsOf(essenceOf(t, f), got.problem)
	}
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(theirs{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func theirsOf(e essence, problem string) theirs {
	got := theirs{
		verdict: strings.Join([]string{string(e.Kind), e.Class, e.DataPath, e.Compliance}, " "),
		problem: problem,
	}
	// No list is the same as an empty one.
	got.subnets = append(got.subnets, e.Subnets...)
	got.groups = append(got.groups, e.SecurityGroups...)
	var parts []string
	for _, p := range e.Parts {
		parts = append(parts, p.Name+"="+p.Class)
	}
	got.parts = strings.Join(parts, "; ")
	return got
}

// Everything at once: references between the files resolve, and nothing else
// changes.
func TestCorpusAtOnce(t *testing.T) {
	dir := cmp.Or(os.Getenv("SAGEMOAT_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NOT TESTED against records that others wrote: set SAGEMOAT_CORPUS to the corpus (%v)", err)
	}
	report := run(t, nil, dir)
	verdicts := 0
	for file := range corpus {
		if corpus[file].verdict != "" {
			verdicts++
		}
	}
	for _, c := range comparisons {
		if c.ours != none && !strings.HasPrefix(c.file, "iac-tf/") && c.of == "" {
			verdicts++ // Terraform source is no plan, and tests of rules are no templates
		}
	}
	if len(report.Findings) != verdicts {
		t.Errorf("%d findings, want one for each of the %d files that have one", len(report.Findings), verdicts)
	}
}
