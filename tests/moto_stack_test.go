package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/internal/awstest/dynamolocal"
	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/awstest/sources"
	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
	"github.com/sagemoat/sagemoat/internal/runtimeapi"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// What of the template moto 5.2.5 cannot create. docs/test-doubles.md has the same
// lists, and a test of the page holds it to them.
var (
	// motoSpared are resources that moto is not given. It does not know the schedules,
	// and refuses what refers to them. By the event source mappings it would invoke the
	// functions, in Docker, and take messages and changes away whether it could or not:
	// the test invokes them.
	motoSpared = []string{
		"AuditQueue", "PublishSchedule", "PublishStream", "RespondSchedule", "RespondStream", "ScheduleRole", "Schedules", "SweepSchedule",
	}
	// motoSkips are types that moto passes over, and says so in its log only.
	motoSkips = []string{
		"AWS::CloudFormation::CustomResource", "AWS::CloudWatch::Alarm", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy",
		"AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::SecurityHub::Insight",
	}
)

// stack is the stack as moto's CloudFormation made it from the shipped template, and
// the functions in it: their binaries, with the environment that the template gives
// them.
type stack struct {
	*bed
	outputs  map[string]string
	binaries string
	endpoint string // of everything, by way of a proxy
	stream   *dynamolocal.Stream
}

// TestMotoLists: docs/test-doubles.md has what moto is not given, and what it passes
// over.
func TestMotoLists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "test-doubles.md"))
	ok(t, err)
	for _, name := range slices.Concat(motoSpared, motoSkips) {
		if !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("docs/test-doubles.md does not say that %s is not made by moto", name)
		}
	}
}

// stackParameters are what somebody deploys with who wants jobs to be stopped.
var stackParameters = map[string]string{"CodeBucketPrefix": "acme", "Mode": "stop", "RulesKey": "rules.yaml"}

// TestMotoStack: the template, deployed into moto by CloudFormation. A job that
// somebody creates comes by EventBridge through the deployed rule and queue to the
// functions under the Runtime API; the finding is read back from Security Hub, the
// alert from the topic, and the job is stopped.
func TestMotoStack(t *testing.T) {
	s := &stack{bed: newBed(t), binaries: t.TempDir()}
	s.proxy()
	s.create()
	s.complete()
	ok(t, sources.Used(".."))
	for _, name := range []string{"audit", "publish", "respond", "setup"} {
		ok(t, bootstrap.Build(t.Context(), "..", "functions/"+name, runtime.GOARCH, filepath.Join(s.binaries, name, bootstrap.Name)))
	}
	t.Run("flow", s.flow)
	t.Run("setup", s.setup)
}

// proxy is the endpoint of all services: SageMaker's calls go to the sandbox, whose
// jobs run, and those of Security Hub that moto does not have; all else to moto.
func (s *stack) proxy() {
	s.Helper()
	to := func(address string) *url.URL {
		u, err := url.Parse(address)
		ok(s, err)
		return u
	}
	there, here := to(aws.ToString(s.there.BaseEndpoint)), to(moto.Endpoint(s))
	key, _ := s.world.Credentials("sagemoat", "functions")
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		scope := r.In.Header.Get("Authorization")
		if strings.Contains(scope, "/sagemaker/") || strings.HasPrefix(r.In.URL.Path, "/actionTargets") {
			r.SetURL(there)
			_, rest, _ := strings.Cut(scope, "/")
			r.Out.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/"+rest)
			return
		}
		r.SetURL(here)
	}})
	s.Cleanup(server.Close)
	s.endpoint = server.URL
}

// create deploys the template, without what moto is spared.
func (s *stack) create() {
	s.Helper()
	ctx := s.Context()
	bucket := s3.NewFromConfig(s.moto, func(o *s3.Options) { o.UsePathStyle = true })
	name := stackParameters["CodeBucketPrefix"] + "-" + region
	_, err := bucket.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region}})
	ok(s, err)
	code, err := bootstrap.Zip([]byte("the binaries run under the Runtime API, not in moto"))
	ok(s, err)
	for _, f := range []string{"audit", "publish", "respond", "setup", "sweep"} {
		_, err := bucket.PutObject(ctx, &s3.PutObjectInput{Bucket: &name, Key: aws.String("sagemoat/unreleased/" + f + ".zip"), Body: bytes.NewReader(code)})
		ok(s, err)
	}
	text, err := os.ReadFile(filepath.Join("..", "infra", "templates", "sagemoat.template.json"))
	ok(s, err)
	var template map[string]any
	ok(s, json.Unmarshal(text, &template))
	resources, _ := template["Resources"].(map[string]any)
	for _, id := range motoSpared {
		if resources[id] == nil {
			s.Errorf("%s is not in the template any more", id)
		}
		delete(resources, id)
	}
	// A policy that a condition leaves out is none to moto, which trips over it.
	for _, r := range resources {
		properties, _ := r.(map[string]any)["Properties"].(map[string]any)
		if policies, is := properties["Policies"].([]any); is {
			properties["Policies"] = slices.DeleteFunc(policies, func(p any) bool { _, conditional := p.(map[string]any)["Fn::If"]; return conditional })
		}
	}
	text, err = json.Marshal(template)
	ok(s, err)
	var parameters []cfntypes.Parameter
	for key, value := range stackParameters {
		parameters = append(parameters, cfntypes.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	client := cloudformation.NewFromConfig(s.moto)
	_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("sagemoat"), TemplateBody: aws.String(string(text)), Parameters: parameters,
		Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
	})
	ok(s, err)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("sagemoat")})
	ok(s, err)
	if status := out.Stacks[0].StackStatus; status != cfntypes.StackStatusCreateComplete {
		s.Fatalf("the stack is %s", status)
	}
	s.outputs = map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		s.outputs[*o.OutputKey] = *o.OutputValue
	}
	_, err = bucket.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(s.outputs["RulesBucketName"]), Key: aws.String("rules.yaml"), Body: strings.NewReader(stopRules)})
	ok(s, err)
	table, err := dynamodb.NewFromConfig(s.moto).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(s.outputs["LedgerTableName"])})
	ok(s, err)
	s.stream = dynamolocal.NewStream(s.moto, *table.Table.LatestStreamArn)
}

// complete: what moto made is the template, but for what is on the lists, and for
// what conditions leave out.
func (s *stack) complete() {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("..", "infra", "templates", "sagemoat.template.json"))
	ok(s, err)
	var template struct {
		Resources map[string]struct{ Type, Condition string }
		Outputs   map[string]any
	}
	ok(s, json.Unmarshal(text, &template))
	out, err := cloudformation.NewFromConfig(s.moto).ListStackResources(s.Context(), &cloudformation.ListStackResourcesInput{StackName: aws.String("sagemoat")})
	ok(s, err)
	made := map[string]bool{}
	for _, r := range out.StackResourceSummaries {
		made[*r.LogicalResourceId] = r.ResourceStatus == cfntypes.ResourceStatusCreateComplete
	}
	skipped := map[string]bool{}
	// With these parameters there is no e-mail, no VPC, no other topic.
	without := []string{"HasAlertTopicEmail", "HasOperationsTopicEmail", "InVpc", "HasRouteTopics"}
	for id, r := range template.Resources {
		switch {
		case slices.Contains(motoSpared, id), made[id]:
		case slices.Contains(without, r.Condition):
		case slices.Contains(motoSkips, r.Type):
			skipped[r.Type] = true
		default:
			s.Errorf("moto did not create %s (%s)", id, r.Type)
		}
		if made[id] && (slices.Contains(motoSkips, r.Type) || slices.Contains(without, r.Condition)) {
			s.Errorf("moto made %s (%s): take it off the list", id, r.Type)
		}
	}
	if got := slices.Sorted(maps.Keys(skipped)); !slices.Equal(got, motoSkips) {
		s.Errorf("moto passes over %q, the list has %q", got, motoSkips)
	}
	for key := range template.Outputs {
		if s.outputs[key] == "" {
			s.Errorf("there is no output %s", key)
		}
	}
}

// start starts a function with the environment that the deployed function has.
func (s *stack) start(name string) *runtimeapi.Function {
	s.Helper()
	client := lambda.NewFromConfig(s.moto)
	deployed, err := client.GetFunctionConfiguration(s.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("sagemoat-" + name)})
	ok(s, err)
	env := []string{"AWS_ENDPOINT_URL=" + s.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=" + secretToken}
	for key, value := range deployed.Environment.Variables {
		env = append(env, key+"="+value)
	}
	f, err := runtimeapi.Start(s.Context(), filepath.Join(s.binaries, name, bootstrap.Name), env)
	if err != nil {
		s.Fatalf("%s: %v\n%s", name, err, f.Output())
	}
	s.Cleanup(f.Close)
	return f
}

// flow: what people do comes out where people look.
func (s *stack) flow(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	audit, publish, respond := s.start("audit"), s.start("publish"), s.start("respond")
	inbox, arn := s.queue("people")
	_, err := sns.NewFromConfig(s.moto).Subscribe(ctx, &sns.SubscribeInput{TopicArn: aws.String(s.outputs["AlertTopicArn"]), Protocol: aws.String("sqs"), Endpoint: &arn, Attributes: map[string]string{"RawMessageDelivery": "true"}})
	ok(t, err)
	// The stack is new: there was no sweep yet, and its first alerts would be a digest.
	store := dynamo.New(dynamodb.NewFromConfig(s.moto), s.outputs["LedgerTableName"], time.Now)
	before := time.Now().Add(-time.Hour)
	ok(t, store.PutControl(ctx, ledger.Baseline, 0, ledger.FirstSweep{Started: before, Done: before, Told: before}))
	ok(t, store.PutControl(ctx, ledger.LiveCount, 0, ledger.Count{At: time.Now(), Live: map[string]int{"training-job": 100}}))

	bus := awsjson.New(s.moto)
	s.world.AddRule(sandbox.Rule{Name: "bus", Match: func(e []byte) bool {
		var is event
		ok(t, json.Unmarshal(e, &is))
		_, err := bus.Call(ctx, awsjson.Events(), "PutEvents", map[string]any{"Entries": []any{map[string]any{
			"Source": is.Source, "DetailType": is.DetailType, "Detail": string(is.Detail), "Resources": is.Resources, "Time": is.Time.Unix(),
		}}})
		ok(t, err)
		return false
	}})
	s.do("CreateTrainingJob", training("open", nil))
	s.do("CreateTrainingJob", training("closed", map[string]any{"VpcConfig": network()}))
	s.do("CreateNotebookInstance", map[string]any{"NotebookInstanceName": "bridge", "InstanceType": "ml.t3.medium", "RoleArn": role, "SubnetId": subnet, "SecurityGroupIds": []any{group}})

	// step lets each part run once.
	step := func() {
		t.Helper()
		messages := s.receive(s.outputs["EventQueueUrl"]) //nolint:contextcheck // with the test's own
		for i := range messages {
			messages[i].Body = whole(messages[i].Body)
		}
		for part := range slices.Chunk(messages, 10) {
			in, err := json.Marshal(batch(part))
			ok(t, err)
			if out, err := audit.Invoke(ctx, in); err != nil || bytes.Contains(out, []byte("itemIdentifier")) {
				t.Fatalf("audit: %s, %v\n%s", out, err, audit.Output())
			}
		}
		records, err := s.stream.Next(ctx)
		ok(t, err)
		if len(records) > 0 {
			in, err := json.Marshal(lambdaevents.DynamoDBEvent{Records: records})
			ok(t, err)
			for name, f := range map[string]*runtimeapi.Function{"publish": publish, "respond": respond} {
				if out, err := f.Invoke(ctx, in); err != nil || bytes.Contains(out, []byte("itemIdentifier")) {
					t.Fatalf("%s: %s, %v\n%s", name, out, err, f.Output())
				}
			}
		}
		if _, err = respond.Invoke(ctx, []byte(`{"source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`)); err != nil {
			t.Fatalf("respond: %v\n%s%s", err, audit.Output(), respond.Output())
		}
	}
	status := func() string {
		got, _ := s.world.SageMaker().Status(kind.TrainingJob, "open")
		return got
	}
	for status() == "InProgress" {
		if ctx.Err() != nil {
			t.Fatalf("the job is not stopped\n%s%s", audit.Output(), respond.Output())
		}
		step()
	}
	if got := status(); got != "Stopping" && got != "Stopped" {
		t.Errorf("the job is %s", got)
	}
	if got, _ := s.world.SageMaker().Status(kind.TrainingJob, "closed"); got != "InProgress" {
		t.Errorf("the job in a VPC is %s", got)
	}
	found := map[string]string{}
	page := securityhub.NewGetFindingsPaginator(securityhub.NewFromConfig(s.moto), &securityhub.GetFindingsInput{})
	for page.HasMorePages() {
		out, err := page.NextPage(ctx)
		ok(t, err)
		for _, f := range out.Findings {
			_, name, _ := strings.Cut(*f.Resources[0].Id, account+":")
			found[name] = fmt.Sprintf("%s %s %s", f.Compliance.Status, f.FindingProviderFields.Severity.Label, f.ProductFields["sagemoat/class"])
		}
	}
	want := map[string]string{"training-job/open": "FAILED HIGH b-internet", "notebook-instance/bridge": "FAILED CRITICAL c"}
	if !maps.Equal(found, want) {
		t.Errorf("Security Hub has %v, want %v", found, want)
	}
	told := map[string]bool{}
	for _, m := range s.receive(inbox) {
		var alert struct {
			Type      string
			Resources []struct{ Resource string }
		}
		ok(t, json.Unmarshal([]byte(*m.Body), &alert))
		for _, r := range alert.Resources {
			told[alert.Type+" "+r.Resource] = true
		}
	}
	for _, want := range []string{"alert training-job/open", "alert notebook-instance/bridge"} {
		if !told[want] {
			t.Errorf("nobody was told of %q, only of %v", want, slices.Sorted(maps.Keys(told)))
		}
	}
}

// setup: the custom resource's function, as CloudFormation invokes it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
func (s *stack) setup(t *testing.T) {
	answers := make(chan map[string]any, 1)
	bucket := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var answer map[string]any
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&answer); err != nil {
			t.Error(err)
		}
		answers <- answer
	}))
	defer bucket.Close()
	f := s.start("setup")
	ask := func(kind, id string) map[string]any {
		t.Helper()
		in, err := json.Marshal(map[string]any{
			"RequestType": kind, "RequestId": "r", "StackId": "s", "LogicalResourceId": "CustomAction", "ResourceType": "AWS::CloudFormation::CustomResource",
			"PhysicalResourceId": id, "ResponseURL": bucket.URL + "/?X-Amz-Signature=0123456789abcdef",
			"ResourceProperties": map[string]any{"Id": "SagemoatStop", "Name": "Stop this job", "Description": "d"},
		})
		ok(t, err)
		if _, err := f.Invoke(t.Context(), in); err != nil {
			t.Fatalf("%v\n%s", err, f.Output())
		}
		return <-answers
	}
	made := ask("Create", "")
	if made["Status"] != "SUCCESS" || made["PhysicalResourceId"] != s.outputs["CustomActionArn"] {
		t.Errorf("it answers %v, want the ARN %s", made, s.outputs["CustomActionArn"])
	}
	if got := s.world.Actions()[s.outputs["CustomActionArn"]].Name; got != "Stop this job" {
		t.Errorf("the action is called %q", got)
	}
	if gone := ask("Delete", s.outputs["CustomActionArn"]); gone["Status"] != "SUCCESS" || len(s.world.Actions()) != 0 {
		t.Errorf("it answers %v, and there are %v", gone, s.world.Actions())
	}
	s.world.SetHub(sandbox.HubOff)
	if off := ask("Create", ""); off["Status"] != "FAILED" || !strings.Contains(fmt.Sprint(off["Reason"]), "SecurityHub=disabled") {
		t.Errorf("with Security Hub off it answers %v", off)
	}
	if strings.Contains(f.Output(), "X-Amz-Signature") {
		t.Errorf("it logs the presigned URL:\n%s", f.Output())
	}
}
