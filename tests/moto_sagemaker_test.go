package tests

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// made is a resource that the SDK's client makes, in moto as in the sandbox.
type made struct {
	kind kind.Kind
	name string
	// make makes it, and returns its key where that is not its name.
	make func(context.Context, *sagemaker.Client) (string, error)
	// want is what the ledger says of it then: class and compliance, or that it
	// is not there.
	want string
	// moto is what it says where moto lies, and why.
	moto, why string
}

var (
	sdkVPC       = &types.VpcConfig{Subnets: []string{subnet}, SecurityGroupIds: []string{group}}
	sdkResources = &types.ResourceConfig{InstanceType: types.TrainingInstanceTypeMlM5Xlarge, InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(30)}
	sdkStopping  = &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(3600)}
	sdkOutput    = &types.OutputDataConfig{S3OutputPath: aws.String("s3://b/o")}
	sdkAlgorithm = &types.AlgorithmSpecification{TrainingImage: aws.String("image"), TrainingInputMode: types.TrainingInputModeFile}
)

func trainingOf(name string, vpc *types.VpcConfig, isolated bool) made {
	return made{kind: kind.TrainingJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateTrainingJob(ctx, &sagemaker.CreateTrainingJobInput{
			TrainingJobName: &name, RoleArn: aws.String(role), AlgorithmSpecification: sdkAlgorithm, OutputDataConfig: sdkOutput,
			ResourceConfig: sdkResources, StoppingCondition: sdkStopping, VpcConfig: vpc, EnableNetworkIsolation: &isolated,
		})
		return "", err
	}}
}

func processingOf(name string, network *types.NetworkConfig) made {
	return made{kind: kind.ProcessingJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateProcessingJob(ctx, &sagemaker.CreateProcessingJobInput{
			ProcessingJobName: &name, RoleArn: aws.String(role), AppSpecification: &types.AppSpecification{ImageUri: aws.String("image")},
			ProcessingResources: &types.ProcessingResources{ClusterConfig: &types.ProcessingClusterConfig{
				InstanceType: types.ProcessingInstanceTypeMlM5Xlarge, InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(30),
			}},
			NetworkConfig: network,
		})
		return "", err
	}}
}

func modelOf(name string, vpc *types.VpcConfig, isolated bool) made {
	return made{kind: kind.Model, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateModel(ctx, &sagemaker.CreateModelInput{
			ModelName: &name, ExecutionRoleArn: aws.String(role), PrimaryContainer: &types.ContainerDefinition{Image: aws.String("image")},
			VpcConfig: vpc, EnableNetworkIsolation: &isolated,
		})
		return "", err
	}}
}

func configOf(name string) made {
	return made{kind: kind.EndpointConfig, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{{
			VariantName: aws.String("v"), ModelName: &name, InitialInstanceCount: aws.Int32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Xlarge,
		}}})
		return "", err
	}}
}

func endpointOf(name string) made {
	return made{kind: kind.Endpoint, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name})
		return "", err
	}}
}

func transformOf(name string) made {
	return made{kind: kind.TransformJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateTransformJob(ctx, &sagemaker.CreateTransformJobInput{
			TransformJobName: &name, ModelName: &name,
			TransformInput:     &types.TransformInput{DataSource: &types.TransformDataSource{S3DataSource: &types.TransformS3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String("s3://b/i")}}},
			TransformOutput:    &types.TransformOutput{S3OutputPath: aws.String("s3://b/o")},
			TransformResources: &types.TransformResources{InstanceType: types.TransformInstanceTypeMlM5Xlarge, InstanceCount: aws.Int32(1)},
		})
		return "", err
	}}
}

func notebookOf(name string, access types.DirectInternetAccess, subnet *string, groups ...string) made {
	return made{kind: kind.NotebookInstance, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateNotebookInstance(ctx, &sagemaker.CreateNotebookInstanceInput{
			NotebookInstanceName: &name, InstanceType: types.InstanceTypeMlT3Medium, RoleArn: aws.String(role),
			DirectInternetAccess: access, SubnetId: subnet, SecurityGroupIds: groups,
		})
		return "", err
	}}
}

func domainOf(name string, access types.AppNetworkAccessType) made {
	return made{kind: kind.Domain, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		out, err := c.CreateDomain(ctx, &sagemaker.CreateDomainInput{
			DomainName: &name, AuthMode: types.AuthModeIam, VpcId: aws.String("vpc-0a1b2c3d4e5f60718"), SubnetIds: []string{subnet},
			AppNetworkAccessType: access, DefaultUserSettings: &types.UserSettings{ExecutionRole: aws.String(role), SecurityGroups: []string{group}},
		})
		if err != nil {
			return "", err
		}
		return (*out.DomainArn)[strings.LastIndexByte(*out.DomainArn, '/')+1:], nil
	}}
}

func clusterOf(name string, vpc *types.VpcConfig) made {
	return made{kind: kind.Cluster, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateCluster(ctx, &sagemaker.CreateClusterInput{ClusterName: &name, VpcConfig: vpc, InstanceGroups: []types.ClusterInstanceGroupSpecification{{
			InstanceGroupName: aws.String("g"), ExecutionRole: aws.String(role), InstanceCount: aws.Int32(1), InstanceType: types.ClusterInstanceTypeMlM5Xlarge, ThreadsPerCore: aws.Int32(1),
			LifeCycleConfig: &types.ClusterLifeCycleConfig{SourceS3Uri: aws.String("s3://sagemaker-b/l"), OnCreate: aws.String("c.sh")},
		}}})
		return "", err
	}}
}

func compilationOf(name string, vpc *types.NeoVpcConfig) made {
	return made{kind: kind.CompilationJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateCompilationJob(ctx, &sagemaker.CreateCompilationJobInput{
			CompilationJobName: &name, RoleArn: aws.String(role), StoppingCondition: sdkStopping, VpcConfig: vpc,
			InputConfig:  &types.InputConfig{S3Uri: aws.String("s3://b/m"), Framework: types.FrameworkPytorch, DataInputConfig: aws.String(`{"x":[1]}`)},
			OutputConfig: &types.OutputConfig{S3OutputLocation: aws.String("s3://b/o"), TargetDevice: types.TargetDeviceMlM5},
		})
		return "", err
	}}
}

func tuningOf(name string, vpc *types.VpcConfig) made {
	return made{kind: kind.HyperParameterTuningJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateHyperParameterTuningJob(ctx, &sagemaker.CreateHyperParameterTuningJobInput{
			HyperParameterTuningJobName: &name,
			HyperParameterTuningJobConfig: &types.HyperParameterTuningJobConfig{
				Strategy: types.HyperParameterTuningJobStrategyTypeRandom, ResourceLimits: &types.ResourceLimits{MaxParallelTrainingJobs: aws.Int32(1), MaxNumberOfTrainingJobs: aws.Int32(1)},
			},
			TrainingJobDefinition: &types.HyperParameterTrainingJobDefinition{
				RoleArn: aws.String(role), AlgorithmSpecification: &types.HyperParameterAlgorithmSpecification{TrainingImage: aws.String("image"), TrainingInputMode: types.TrainingInputModeFile},
				OutputDataConfig: sdkOutput, ResourceConfig: sdkResources, StoppingCondition: sdkStopping, VpcConfig: vpc,
			},
		})
		return "", err
	}}
}

// What the definitions of monitoring jobs have in common.
var (
	sdkEndpointInput = &types.EndpointInput{EndpointName: aws.String("e"), LocalPath: aws.String("/opt/ml/processing/input")}
	sdkTruth         = &types.MonitoringGroundTruthS3Input{S3Uri: aws.String("s3://b/t")}
	sdkMonitored     = &types.MonitoringOutputConfig{MonitoringOutputs: []types.MonitoringOutput{{
		S3Output: &types.MonitoringS3Output{S3Uri: aws.String("s3://b/o"), LocalPath: aws.String("/opt/ml/processing/output")},
	}}}
	sdkMonitors = &types.MonitoringResources{ClusterConfig: &types.MonitoringClusterConfig{
		InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceTypeMlM5Xlarge, VolumeSizeInGB: aws.Int32(30),
	}}
)

func dataQualityOf(name string, network *types.MonitoringNetworkConfig) made {
	return made{kind: kind.DataQualityJobDefinition, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateDataQualityJobDefinition(ctx, &sagemaker.CreateDataQualityJobDefinitionInput{
			JobDefinitionName: &name, RoleArn: aws.String(role), NetworkConfig: network, JobResources: sdkMonitors,
			DataQualityAppSpecification: &types.DataQualityAppSpecification{ImageUri: aws.String("image")},
			DataQualityJobInput:         &types.DataQualityJobInput{EndpointInput: sdkEndpointInput},
			DataQualityJobOutputConfig:  sdkMonitored,
		})
		return "", err
	}}
}

func biasOf(name string, network *types.MonitoringNetworkConfig) made {
	return made{kind: kind.ModelBiasJobDefinition, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateModelBiasJobDefinition(ctx, &sagemaker.CreateModelBiasJobDefinitionInput{
			JobDefinitionName: &name, RoleArn: aws.String(role), NetworkConfig: network, JobResources: sdkMonitors,
			ModelBiasAppSpecification: &types.ModelBiasAppSpecification{ImageUri: aws.String("image"), ConfigUri: aws.String("s3://b/c")},
			ModelBiasJobInput:         &types.ModelBiasJobInput{EndpointInput: sdkEndpointInput, GroundTruthS3Input: sdkTruth},
			ModelBiasJobOutputConfig:  sdkMonitored,
		})
		return "", err
	}}
}

func explainabilityOf(name string, network *types.MonitoringNetworkConfig) made {
	return made{kind: kind.ModelExplainabilityJobDefinition, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateModelExplainabilityJobDefinition(ctx, &sagemaker.CreateModelExplainabilityJobDefinitionInput{
			JobDefinitionName: &name, RoleArn: aws.String(role), NetworkConfig: network, JobResources: sdkMonitors,
			ModelExplainabilityAppSpecification: &types.ModelExplainabilityAppSpecification{ImageUri: aws.String("image"), ConfigUri: aws.String("s3://b/c")},
			ModelExplainabilityJobInput:         &types.ModelExplainabilityJobInput{EndpointInput: sdkEndpointInput},
			ModelExplainabilityJobOutputConfig:  sdkMonitored,
		})
		return "", err
	}}
}

func qualityOf(name string, network *types.MonitoringNetworkConfig) made {
	return made{kind: kind.ModelQualityJobDefinition, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateModelQualityJobDefinition(ctx, &sagemaker.CreateModelQualityJobDefinitionInput{
			JobDefinitionName: &name, RoleArn: aws.String(role), NetworkConfig: network, JobResources: sdkMonitors,
			ModelQualityAppSpecification: &types.ModelQualityAppSpecification{ImageUri: aws.String("image"), ProblemType: types.MonitoringProblemTypeRegression},
			ModelQualityJobInput:         &types.ModelQualityJobInput{EndpointInput: sdkEndpointInput, GroundTruthS3Input: sdkTruth},
			ModelQualityJobOutputConfig:  sdkMonitored,
		})
		return "", err
	}}
}

func autoMLOf(name string, security *types.AutoMLSecurityConfig) made {
	return made{kind: kind.AutoMLJob, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreateAutoMLJobV2(ctx, &sagemaker.CreateAutoMLJobV2Input{
			AutoMLJobName: &name, RoleArn: aws.String(role), SecurityConfig: security,
			AutoMLJobInputDataConfig: []types.AutoMLJobChannel{{DataSource: &types.AutoMLDataSource{S3DataSource: &types.AutoMLS3DataSource{
				S3DataType: types.AutoMLS3DataTypeS3Prefix, S3Uri: aws.String("s3://b/i"),
			}}}},
			AutoMLProblemTypeConfig: &types.AutoMLProblemTypeConfigMemberTabularJobConfig{Value: types.TabularJobConfig{TargetAttributeName: aws.String("y"), ProblemType: types.ProblemTypeRegression, CompletionCriteria: &types.AutoMLJobCompletionCriteria{MaxCandidates: aws.Int32(1)}}},
			OutputDataConfig:        &types.AutoMLOutputDataConfig{S3OutputPath: aws.String("s3://b/o")},
		})
		return "", err
	}}
}

func executionOf(pipeline string) made {
	return made{kind: kind.PipelineExecution, name: pipeline, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		out, err := c.StartPipelineExecution(ctx, &sagemaker.StartPipelineExecutionInput{PipelineName: &pipeline, ClientRequestToken: aws.String(strings.Repeat("t", 32))})
		if err != nil {
			return "", err
		}
		_, key, _ := strings.Cut(*out.PipelineExecutionArn, ":pipeline/")
		return key, nil
	}}
}

func pipelineOf(name, network string) made {
	return made{kind: kind.Pipeline, name: name, make: func(ctx context.Context, c *sagemaker.Client) (string, error) {
		_, err := c.CreatePipeline(ctx, &sagemaker.CreatePipelineInput{
			PipelineName: &name, RoleArn: aws.String(role), ClientRequestToken: aws.String(strings.Repeat("t", 32)),
			PipelineDefinition: aws.String(`{"Version":"2020-12-01","Steps":[{"Name":"Train","Type":"Training","Arguments":{
 "AlgorithmSpecification":{"TrainingImage":"i","TrainingInputMode":"File"},"RoleArn":"` + role + `","OutputDataConfig":{"S3OutputPath":"s3://b/o"},
 "ResourceConfig":{"InstanceType":"ml.m5.xlarge","InstanceCount":1,"VolumeSizeInGB":30},"StoppingCondition":{"MaxRuntimeInSeconds":3600}` + network + `}}]}`),
		})
		return "", err
	}}
}

func (m made) says(want string) made {
	m.want = want
	return m
}

// but says what the ledger says of moto's resource, and why.
func (m made) but(moto, why string) made {
	m.moto, m.why = moto, why
	return m
}

// dropped is what moto does with a model's isolation.
const dropped = "CreateModel of moto drops EnableNetworkIsolation, and DescribeModel says that it is off"

// makes are resources in an order in which each finds what it refers to.
func makes() []made {
	return []made{
		trainingOf("train-open", nil, false).says("b-internet FAILED"),
		trainingOf("train-vpc", sdkVPC, false).says("b-vpc PASSED"),
		trainingOf("train-isolated", sdkVPC, true).says("a PASSED"),
		processingOf("process-open", nil).says("b-internet FAILED"),
		processingOf("process-vpc", &types.NetworkConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		modelOf("open", nil, false).says("b-internet FAILED"),
		modelOf("vpc", sdkVPC, false).says("b-vpc PASSED"),
		modelOf("isolated", nil, true).says("a FAILED").but("b-internet FAILED", dropped),
		modelOf("isolated-vpc", sdkVPC, true).says("a PASSED").but("b-vpc PASSED", dropped),
		configOf("open").says("b-internet FAILED"),
		configOf("vpc").says("b-vpc PASSED"),
		endpointOf("open").says("b-internet FAILED"),
		endpointOf("vpc").says("b-vpc PASSED"),
		transformOf("open").says("b-internet FAILED"),
		transformOf("vpc").says("b-vpc PASSED"),
		notebookOf("nb-open", types.DirectInternetAccessEnabled, nil).says("b-internet FAILED"),
		notebookOf("nb-both", types.DirectInternetAccessEnabled, aws.String(subnet), group).says("c FAILED"),
		notebookOf("nb-vpc", types.DirectInternetAccessDisabled, aws.String(subnet), group).says("b-vpc PASSED"),
		domainOf("public", types.AppNetworkAccessTypePublicInternetOnly).says("c FAILED"),
		domainOf("private", types.AppNetworkAccessTypeVpcOnly).says("b-vpc PASSED"),
		clusterOf("cluster-open", nil).says("b-internet FAILED"),
		clusterOf("cluster-vpc", sdkVPC).says("b-vpc PASSED"),
		compilationOf("compile-open", nil).says("b-internet FAILED"),
		compilationOf("compile-vpc", &types.NeoVpcConfig{Subnets: []string{subnet}, SecurityGroupIds: []string{group}}).says("b-vpc PASSED"),
		tuningOf("tune-open", nil).says("b-internet FAILED"),
		tuningOf("tune-vpc", sdkVPC).says("b-vpc PASSED"),
		dataQualityOf("quality-open", nil).says("b-internet FAILED"),
		dataQualityOf("quality-vpc", &types.MonitoringNetworkConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		biasOf("bias-open", nil).says("b-internet FAILED"),
		biasOf("bias-vpc", &types.MonitoringNetworkConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		explainabilityOf("explain-open", nil).says("b-internet FAILED"),
		explainabilityOf("explain-vpc", &types.MonitoringNetworkConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		qualityOf("model-quality-open", nil).says("b-internet FAILED"),
		qualityOf("model-quality-vpc", &types.MonitoringNetworkConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		autoMLOf("automl-open", nil).says("b-internet FAILED"),
		autoMLOf("automl-vpc", &types.AutoMLSecurityConfig{VpcConfig: sdkVPC}).says("b-vpc PASSED"),
		pipelineOf("pipeline-open", "").says("b-internet FAILED"),
		pipelineOf("pipeline-vpc", `,"VpcConfig":{"Subnets":["`+subnet+`"],"SecurityGroupIds":["`+group+`"]}`).says("b-vpc PASSED"),
		executionOf("pipeline-open").says("b-internet FAILED"),
		executionOf("pipeline-vpc").says("b-vpc PASSED"),
	}
}

// TestMotoSageMaker: what the SDK's client makes in moto is read, by our own calls,
// to the same verdicts as in the sandbox, but for where moto drops what it is told.
func TestMotoSageMaker(t *testing.T) {
	w := sandbox.New(sandbox.Options{Seed: 1})
	endpoint, stop, err := w.Start(t.Context())
	ok(t, err)
	t.Cleanup(stop)
	configs := map[string]aws.Config{"moto": moto.Config(t), "sandbox": sandboxConfig(w, endpoint, "sagemoat")}
	for _, where := range slices.Sorted(maps.Keys(configs)) {
		t.Run(where, func(t *testing.T) {
			client := sagemaker.NewFromConfig(configs[where])
			audit := evaluator(configs[where], ledger.NewMemory(time.Now), time.Now)
			for _, m := range makes() {
				want := m.want
				if where == "moto" && m.moto != "" {
					want = m.moto
				}
				if got := m.judged(t, client, audit); got != want {
					t.Errorf("%s/%s: %q, want %q %s", m.kind, m.name, got, want, m.why)
				}
			}
		})
	}
}

// judged makes it, and says what the ledger says of it.
func (m made) judged(t *testing.T, client *sagemaker.Client, audit *evaluate.Evaluator) string {
	t.Helper()
	key, err := m.make(t.Context(), client)
	if err != nil {
		return err.Error()
	}
	if key == "" {
		key = m.name
	}
	row, _ := kind.Of(m.kind)
	audit.Visible = 0
	e, err := audit.Look(t.Context(), row, key)
	switch {
	case err != nil:
		return err.Error()
	case e == nil:
		return "not there"
	}
	return e.Verdict.Class + " " + string(e.Verdict.Compliance)
}

// TestMotoLacks: the kinds that moto cannot describe, and the calls that stop
// which it does not have. docs/test-doubles.md lists them.
func TestMotoLacks(t *testing.T) {
	config := moto.Config(t)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	caller := awsjson.New(config)
	has := func(operation string, input any) bool {
		_, err := caller.Call(t.Context(), awsjson.SageMaker(), operation, input)
		var r *awshttp.ResponseError
		return !errors.As(err, &r) || r.HTTPStatusCode() < http.StatusInternalServerError && awsjson.Code(err) != "NotImplemented"
	}
	var described, stopped []string
	for _, row := range kind.Table() {
		key := strings.Join(slices.Repeat([]string{"x"}, len(row.Key)), "/")
		requests := row.Requests(scope, key)
		if len(requests) == 0 {
			t.Fatalf("no request for %s %s", row.Kind, key)
		}
		if has(row.Describe.Name, requests[0]) {
			described = append(described, string(row.Kind))
		}
		if operation, stops := row.StopCall(); stops && has(operation, requests[0]) {
			stopped = append(stopped, operation)
		}
	}
	if diff := cmp.Diff([]string{
		"automl-job", "cluster", "compilation-job", "data-quality-job-definition", "domain", "endpoint", "endpoint-config", "hyper-parameter-tuning-job",
		"model", "model-bias-job-definition", "model-explainability-job-definition", "model-quality-job-definition", "notebook-instance",
		"pipeline", "pipeline-execution", "processing-job", "training-job", "transform-job",
	}, slices.Sorted(slices.Values(described))); diff != "" {
		t.Errorf("the kinds that moto describes:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"StopAutoMLJob", "StopNotebookInstance", "StopProcessingJob"}, slices.Sorted(slices.Values(stopped))); diff != "" {
		t.Errorf("the stops that moto has:\n%s", diff)
	}
	for _, m := range makes() {
		described = slices.DeleteFunc(described, func(k string) bool { return k == string(m.kind) })
	}
	if len(described) > 0 {
		t.Errorf("moto describes kinds that are not compared: %v", described)
	}
}
