// Package tests holds the tests of the whole: against moto, which plays AWS as
// somebody else understood it, and of the binaries as they are deployed.
package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/intake"
	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/internal/ruleset"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	subnet  = "subnet-0a1b2c3d4e5f60718"
	group   = "sg-0f9e8d7c6b5a40312"
	role    = "arn:aws:iam::111122223333:role/SageMakerExecution"
)

var scope = kind.Scope{Partition: "aws", Account: account, Region: region}

// buffer takes what several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bed is what the functions are made from, between two doubles: SageMaker is the
// sandbox's, whose clock stands still unless it is told otherwise, and everything
// else is moto's.
type bed struct {
	testing.TB
	clock *sandbox.Virtual
	world *sandbox.World
	there aws.Config // of the sandbox
	moto  aws.Config
	store *ledger.Memory
	logs  buffer
}

func newBed(t testing.TB) *bed {
	t.Helper()
	b := &bed{TB: t, clock: sandbox.NewVirtual(time.Now().Truncate(time.Second)), moto: moto.Config(t)}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	endpoint, stop, err := b.world.Start(t.Context())
	ok(t, err)
	t.Cleanup(stop)
	b.there = sandboxConfig(b.world, endpoint, "sagemoat")
	b.store = ledger.NewMemory(b.clock.Now)
	return b
}

// sandboxConfig is the SDK's configuration of a role in the sandbox.
func sandboxConfig(w *sandbox.World, endpoint, role string) aws.Config {
	key, secret := w.Credentials(role, "session")
	return aws.Config{
		Region: w.Region(), BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func inForce(context.Context) (evaluate.Ruleset, error) {
	return evaluate.Ruleset{File: rules.Default(), Current: true}, nil
}

// evaluator judges what SageMaker says at a configuration's endpoint.
func evaluator(config aws.Config, store ledger.Store, now func() time.Time) *evaluate.Evaluator {
	caller := awsjson.New(config)
	return &evaluate.Evaluator{
		Scope: scope, Store: store, Now: now, Visible: 2 * time.Minute, Rules: inForce,
		Resolver: live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
			return caller.Call(ctx, awsjson.SageMaker(), operation, input)
		}),
	}
}

func (b *bed) evaluator() *evaluate.Evaluator { return evaluator(b.there, b.store, b.clock.Now) }

func (b *bed) log() *slog.Logger { return telemetry.New(&b.logs, slog.LevelInfo) }

func (b *bed) metrics(function string) *telemetry.Metrics {
	return telemetry.NewMetrics(&b.logs, function, b.clock.Now)
}

// do calls an operation of the sandbox's SageMaker as a user.
func (b *bed) do(operation string, input map[string]any) {
	b.Helper()
	if _, err := b.world.SageMaker().Create(operation, input); err != nil {
		b.Fatalf("%s: %v", operation, err)
	}
}

// says fails the test where the ledger says something else: class and compliance.
func (b *bed) says(resource, want string) {
	b.Helper()
	e, err := b.store.Entry(b.Context(), resource)
	ok(b, err)
	if e == nil {
		b.Fatalf("%s is not in the ledger\n%s", resource, b.logs.String())
		return
	}
	if got := e.Verdict.Class + " " + string(e.Verdict.Compliance) + " " + string(e.Life.State); got != want {
		b.Errorf("%s: the ledger says %q, want %q", resource, got, want)
	}
}

// queue makes a queue of moto's.
func (b *bed) queue(name string) (url, arn string) {
	b.Helper()
	client := sqs.NewFromConfig(b.moto)
	out, err := client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "360"}})
	ok(b, err)
	return *out.QueueUrl, "arn:aws:sqs:" + region + ":" + account + ":" + name
}

// receive takes all that is to be seen in a queue of moto's.
func (b *bed) receive(url string) (all []sqstypes.Message) {
	b.Helper()
	client := sqs.NewFromConfig(b.moto)
	for {
		out, err := client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
		})
		ok(b, err)
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// batch is what Lambda makes of messages.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func batch(messages []sqstypes.Message) (out lambdaevents.SQSEvent) {
	for _, m := range messages {
		out.Records = append(out.Records, lambdaevents.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			Md5OfBody: *m.MD5OfBody, EventSource: "aws:sqs", AWSRegion: region,
		})
	}
	return out
}

func network() map[string]any {
	return map[string]any{"Subnets": []any{subnet}, "SecurityGroupIds": []any{group}}
}

func training(name string, more map[string]any) map[string]any {
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": role,
		"AlgorithmSpecification": map[string]any{"TrainingImage": account + ".dkr.ecr.eu-west-1.amazonaws.com/i:1", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
	}
	maps.Copy(in, more)
	return in
}

// event is what EventBridge delivers.
type event struct {
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// whole puts the account into an event of moto's, which leaves it out.
func whole(event *string) *string {
	return aws.String(`{"account":"` + account + `",` + strings.TrimPrefix(*event, "{"))
}

// TestMotoEvents: moto's EventBridge delivers by our patterns what our own matcher
// lets through, its SQS hands it to audit, and takes back what is not certain yet.
func TestMotoEvents(t *testing.T) {
	b := newBed(t)
	bus := awsjson.New(b.moto)
	url, arn := b.queue("events")
	call := func(operation string, input any) []byte {
		t.Helper()
		out, err := bus.Call(t.Context(), awsjson.Events(), operation, input)
		ok(t, err)
		return out.Body
	}
	patterns := map[string]*pattern.Pattern{}
	for _, r := range events.Patterns() {
		p, err := pattern.Compile(r.Pattern)
		ok(t, err)
		patterns[r.Name] = p
		call("PutRule", map[string]any{"Name": r.Name, "EventPattern": string(r.Pattern), "State": "ENABLED"})
		call("PutTargets", map[string]any{"Rule": r.Name, "Targets": []any{map[string]any{"Id": "queue", "Arn": arn}}})
	}
	var happened [][]byte
	b.world.AddRule(sandbox.Rule{Name: "record", Match: func(e []byte) bool {
		happened = append(happened, bytes.Clone(e))
		return false
	}})
	// key tells an event by what rules do not change.
	key := func(e *event) string {
		var detail any
		ok(t, json.Unmarshal(e.Detail, &detail))
		same, err := json.Marshal([]any{e.Source, e.DetailType, e.Time.Unix(), e.Resources, detail})
		ok(t, err)
		return string(same)
	}
	seen := map[string]int{}
	// put sends what happened to moto, and returns what it delivered. That it
	// takes events whose source is of AWS is a kindness: EventBridge refuses them.
	put := func() []sqstypes.Message {
		t.Helper()
		want := map[string]int{}
		for _, text := range happened {
			var e event
			ok(t, json.Unmarshal(text, &e))
			for _, p := range patterns {
				if p.Match(text) {
					want[key(&e)]++
				}
			}
			var answer struct{ FailedEntryCount int }
			ok(t, json.Unmarshal(call("PutEvents", map[string]any{"Entries": []any{map[string]any{
				"Source": e.Source, "DetailType": e.DetailType, "Detail": string(e.Detail), "Resources": e.Resources, "Time": e.Time.Unix(),
			}}}), &answer))
			if answer.FailedEntryCount != 0 {
				t.Fatalf("moto refuses %s of %s", e.DetailType, e.Source)
			}
			seen[e.DetailType]++
		}
		if len(want) == 0 || len(want) == len(happened) {
			t.Errorf("%d of %d events match: the test needs both", len(want), len(happened))
		}
		happened = nil
		messages := b.receive(url)
		got := map[string]int{}
		for i := range messages {
			var e event
			ok(t, json.Unmarshal([]byte(*messages[i].Body), &e))
			got[key(&e)]++
			if e.Account != "" || e.ID == "" || e.Region != region {
				t.Errorf("moto delivered the event %s of account %q in %q", e.ID, e.Account, e.Region)
			}
			messages[i].Body = whole(messages[i].Body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("moto delivers something else than our matcher lets through (-ours +moto):\n%s", diff)
		}
		return messages
	}
	messages := sqs.NewFromConfig(b.moto)
	audit := &intake.Handler{
		Evaluator: b.evaluator(), Now: b.clock.Now, Log: b.log(), Metrics: b.metrics("audit"),
		Delay: func(ctx context.Context, receipt string, d time.Duration) error {
			_, err := messages.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &url, ReceiptHandle: &receipt, VisibilityTimeout: int32(d / time.Second),
			})
			return err
		},
	}
	// handle hands messages to audit, so many at a time, deletes what it took and
	// returns the rest.
	handle := func(size int, list []sqstypes.Message) (left []sqstypes.Message) {
		t.Helper()
		for part := range slices.Chunk(list, size) {
			out, err := audit.Handle(t.Context(), batch(part))
			ok(t, err)
			for _, m := range part {
				if slices.ContainsFunc(out.BatchItemFailures, func(f lambdaevents.SQSBatchItemFailure) bool { return f.ItemIdentifier == *m.MessageId }) {
					left = append(left, m)
					continue
				}
				_, err := messages.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
				ok(t, err)
			}
		}
		return left
	}

	// What nobody can see yet is left for later, by moto's ChangeMessageVisibility.
	noise := map[string]any{"eventSource": "s3.amazonaws.com", "eventName": "CreateBucket"}
	b.world.SageMaker().SetLag(sandbox.Lag{Describe: 45 * time.Second})
	b.do("CreateModel", map[string]any{"ModelName": "slow", "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}})
	b.do("CreateEndpointConfig", map[string]any{"EndpointConfigName": "slow", "ProductionVariants": []any{map[string]any{
		"VariantName": "v", "ModelName": "slow", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}})
	b.world.Emit("aws.s3", "AWS API Call via CloudTrail", nil, noise)
	left := handle(1, put())
	if len(left) != 2 || !strings.Contains(*left[0].Body+*left[1].Body, "CreateEndpointConfig") {
		t.Fatalf("%d messages are left for later, want both of the endpoint configuration\n%s", len(left), b.logs.String())
	}
	if strings.Contains(b.logs.String(), "visibility timeout not changed") {
		t.Errorf("moto refused ChangeMessageVisibility:\n%s", b.logs.String())
	}
	if again := b.receive(url); len(again) != 0 {
		t.Errorf("%d messages came back at once", len(again))
	}
	// Its pause is over, and the model is to be seen.
	b.clock.Advance(time.Minute)
	for _, m := range left {
		_, err := messages.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
		ok(t, err)
	}
	back := b.receive(url)
	if len(back) != 2 || back[0].Attributes["ApproximateReceiveCount"] != "2" || back[0].Attributes["SentTimestamp"] == "" {
		t.Fatalf("what came back: %+v", back)
	}
	for i := range back {
		back[i].Body = whole(back[i].Body)
	}
	if left := handle(10, back); len(left) != 0 {
		t.Errorf("%d messages are still left\n%s", len(left), b.logs.String())
	}
	b.says("endpoint-config/slow", "b-internet FAILED live")

	b.world.SageMaker().SetLag(sandbox.Lag{})
	b.do("CreateTrainingJob", training("open", nil))
	b.do("CreateTrainingJob", training("closed", map[string]any{"VpcConfig": network()}))
	b.do("CreateTrainingJob", training("isolated", map[string]any{"VpcConfig": network(), "EnableNetworkIsolation": true}))
	b.world.SageMaker().Deny("CreateTrainingJob")
	if _, err := b.world.SageMaker().Create("CreateTrainingJob", training("forbidden", nil)); err == nil {
		t.Error("a denied call was served")
	}
	b.do("DeleteModel", map[string]any{"ModelName": "slow"})
	b.world.Emit("aws.s3", "AWS API Call via CloudTrail", nil, noise)
	b.world.Emit("aws.sagemaker", "SageMaker Model Card State Change", nil, map[string]any{"ModelCardName": "c"})
	b.clock.Advance(time.Hour)
	if left := handle(10, put()); len(left) != 0 {
		t.Errorf("%d messages are left\n%s", len(left), b.logs.String())
	}
	b.says("training-job/open", "b-internet FAILED ended")
	b.says("training-job/closed", "b-vpc PASSED ended")
	b.says("training-job/isolated", "a PASSED ended")
	b.says("model/slow", "b-internet FAILED gone")
	if e, _ := b.store.Entry(t.Context(), "training-job/forbidden"); e != nil {
		t.Errorf("what was prevented is in the ledger: %+v", e)
	}
	for _, want := range []string{"AWS API Call via CloudTrail", "SageMaker Training Job State Change"} {
		if seen[want] == 0 {
			t.Errorf("no event of type %q was sent", want)
		}
	}
}

// changes judges a job without a VPC and returns what the ledger's stream tells.
func (b *bed) changes(name string) []ledger.Change {
	b.Helper()
	b.do("CreateTrainingJob", training(name, nil))
	row, _ := kind.Of(kind.TrainingJob)
	_, err := b.evaluator().Look(b.Context(), row, name)
	ok(b, err)
	return b.store.Drain()
}

// TestMotoHub: what publish imports comes back from moto's Security Hub member for
// member, and so it does from the sandbox's.
func TestMotoHub(t *testing.T) {
	b := newBed(t)
	changes := b.changes("hub")
	found := map[string]map[string]any{}
	for name, config := range map[string]aws.Config{"moto": b.moto, "sandbox": b.there} {
		p := publish.New(publish.Options{
			Store: b.store, Hub: awsjson.New(config), Account: account, Region: region,
			DeadLetter: func(_ context.Context, l publish.Letter) error { return fmt.Errorf("refused: %+v", l) },
			Now:        b.clock.Now, Sleep: b.clock.Sleep, Log: b.log(), Metrics: b.metrics("publish"),
		})
		failed, err := p.Handle(t.Context(), changes)
		if err != nil || len(failed) != 0 {
			t.Fatalf("%s: failed %v, %v\n%s", name, failed, err, b.logs.String())
		}
		page := securityhub.NewGetFindingsPaginator(securityhub.NewFromConfig(config), &securityhub.GetFindingsInput{})
		for page.HasMorePages() {
			out, err := page.NextPage(t.Context())
			ok(t, err)
			for i := range out.Findings {
				if strings.HasSuffix(*out.Findings[i].Resources[0].Id, ":training-job/hub") {
					found[name] = members(t, out.Findings[i])
				}
			}
		}
	}
	if len(found) != 2 {
		t.Fatalf("the finding is in %d hubs of two", len(found))
	}
	// The sandbox fills in what Security Hub does; moto does not.
	filled := []string{"ProcessedAt", "Region", "Workflow", "WorkflowState", "Severity", "Types", "ProductFields", "ProductName", "CompanyName", "Sample"}
	for name, want := range found["moto"] {
		if diff := cmp.Diff(want, found["sandbox"][name]); diff != "" && !slices.Contains(filled, name) {
			t.Errorf("%s differs (-moto +sandbox):\n%s", name, diff)
		}
	}
	for name := range found["sandbox"] {
		if found["moto"][name] == nil && !slices.Contains(filled, name) {
			t.Errorf("moto has no %s", name)
		}
	}
	for _, name := range []string{"Compliance", "Remediation", "Resources", "FindingProviderFields", "RecordState", "UpdatedAt", "Title", "Description"} {
		if found["moto"][name] == nil {
			t.Errorf("the finding has no %s", name)
		}
	}
}

// members are the members of a value that are there, by name.
func members(t testing.TB, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	ok(t, err)
	var out map[string]any
	ok(t, json.Unmarshal(text, &out))
	for name, v := range out {
		if v == nil {
			delete(out, name)
		}
	}
	return out
}

// TestMotoAlerts: an alert of respond's comes through moto's SNS to the queues
// that are subscribed, as its own text for queues, by the filter of each.
func TestMotoAlerts(t *testing.T) {
	b := newBed(t)
	client := sns.NewFromConfig(b.moto)
	topic, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")})
	ok(t, err)
	subscriptions := []struct {
		name       string
		attributes map[string]string
		want       bool
	}{
		{"raw", map[string]string{"RawMessageDelivery": "true"}, true},
		{"wrapped", nil, true},
		{"high", map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"severity":["HIGH","CRITICAL"]}`}, true},
		{"low", map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"severity":["LOW"]}`}, false},
	}
	urls := map[string]string{}
	for _, s := range subscriptions {
		url, arn := b.queue("alerts-" + s.name)
		urls[s.name] = url
		_, err := client.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &arn, Attributes: s.attributes})
		ok(t, err)
	}
	now := b.clock.Now()
	ok(t, b.store.PutControl(t.Context(), ledger.Baseline, 0, ledger.FirstSweep{Started: now.Add(-time.Hour), Done: now.Add(-time.Hour), Told: now.Add(-time.Hour)}))
	h, err := respond.New(respond.Options{
		Scope: scope, Store: b.store, Rules: inForce, Fresh: b.evaluator().Fresh, AWS: awsjson.New(b.there),
		SNS: client, Topic: *topic.TopicArn, Most: rules.Stop, Now: b.clock.Now, Log: b.log(), Metrics: b.metrics("respond"),
	})
	ok(t, err)
	failed, err := h.Changes(t.Context(), b.changes("alert"))
	if err != nil || len(failed) != 0 {
		t.Fatalf("failed %v, %v\n%s", failed, err, b.logs.String())
	}
	for _, s := range subscriptions {
		got := b.receive(urls[s.name])
		if !s.want {
			if len(got) != 0 {
				t.Errorf("%s: %d messages came through the filter", s.name, len(got))
			}
			continue
		}
		if len(got) != 1 {
			t.Errorf("%s: got %d messages, want 1", s.name, len(got))
			continue
		}
		body := *got[0].Body
		severity := aws.ToString(got[0].MessageAttributes["severity"].StringValue)
		if s.name == "wrapped" {
			var n struct {
				Type, TopicArn, Subject, Message string
				MessageAttributes                map[string]struct{ Type, Value string }
			}
			ok(t, json.Unmarshal([]byte(body), &n))
			if n.Type != "Notification" || n.TopicArn != *topic.TopicArn || !strings.Contains(n.Subject, "[HIGH]") {
				t.Errorf("the notification: %+v", n)
			}
			body, severity = n.Message, n.MessageAttributes["severity"].Value
		}
		var alert struct {
			Version   int
			Type      string
			Account   string
			Resources []struct{ Resource, Compliance, Severity string }
		}
		if err := json.Unmarshal([]byte(body), &alert); err != nil {
			t.Errorf("%s: the text is not that for queues: %v: %s", s.name, err, body)
			continue
		}
		if alert.Version != 1 || alert.Type != "alert" || alert.Account != account || len(alert.Resources) != 1 || alert.Resources[0].Resource != "training-job/alert" || alert.Resources[0].Compliance != "FAILED" {
			t.Errorf("%s: the alert: %s", s.name, body)
		}
		if severity != "HIGH" {
			t.Errorf("%s: the severity among the attributes is %q", s.name, severity)
		}
	}
}

// answers keeps the statuses of HTTP responses.
type answers struct {
	http.RoundTripper
	statuses []int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := a.RoundTripper.RoundTrip(r)
	if err == nil {
		a.statuses = append(a.statuses, out.StatusCode)
	}
	return out, err
}

// TestMotoRules: the rules file is read from moto's S3, and read again only when
// it changed. Moto lets anybody say whose the bucket is; S3 and the sandbox do not.
func TestMotoRules(t *testing.T) {
	b := newBed(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	seen := &answers{RoundTripper: transport}
	config := b.moto
	config.HTTPClient = &http.Client{Transport: seen}
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("rules"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region}})
	ok(t, err)
	write := func(text string) string {
		t.Helper()
		out, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("rules"), Key: aws.String("rules.yaml"), Body: strings.NewReader(text)})
		ok(t, err)
		return strings.Trim(*out.ETag, `"`)
	}
	source := ruleset.New(ruleset.Options{
		S3: client, Bucket: "rules", Key: "rules.yaml", Owner: account, Store: b.store, Save: true,
		Now: b.clock.Now, Log: b.log(), Metrics: b.metrics("audit"),
	})
	// read reads the rules once more than a minute has passed.
	read := func(status int) (evaluate.Ruleset, error) {
		t.Helper()
		b.clock.Advance(2 * time.Minute)
		seen.statuses = nil
		set, err := source.Rules(t.Context())
		if want := []int{status}; !slices.Equal(seen.statuses, want) {
			t.Errorf("moto answered %v, want %v", seen.statuses, want)
		}
		return set, err
	}
	if _, err := read(http.StatusNotFound); err == nil {
		t.Error("there are rules although there is no file")
	}
	etag := write("version: 1\nresponse: {mode: observe}\n")
	set, err := read(http.StatusOK)
	ok(t, err)
	if set.Version.ID != etag || set.Version.At.IsZero() || !set.Current || set.File.Response.Mode != rules.Observe {
		t.Errorf("the rules: %+v", set)
	}
	if set, err = read(http.StatusNotModified); err != nil || set.Version.ID != etag || !set.Current {
		t.Errorf("unchanged, the rules are %+v, %v", set, err)
	}
	next := write("version: 1\nresponse: {mode: stop}\n")
	if set, err = read(http.StatusOK); err != nil || set.Version.ID != next || next == etag || set.File.Response.Mode != rules.Stop {
		t.Errorf("changed, the rules are %+v, %v", set, err)
	}
	write("version: 2\n")
	if set, err = read(http.StatusOK); err != nil || set.Version.ID != next || set.Current {
		t.Errorf("with a file that cannot be read, the rules are %+v, %v; want the last good ones", set, err)
	}
}
