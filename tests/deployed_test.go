package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/internal/awstest/dynamolocal"
	"github.com/sagemoat/sagemoat/internal/awstest/sources"
	"github.com/sagemoat/sagemoat/internal/awstest/stopmonitor"
	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
	"github.com/sagemoat/sagemoat/internal/runtimeapi"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// The secrets that the functions get to see, and must tell nobody.
const (
	secretOfRole         = "secret-access-key-of-the-role"
	secretToken          = "session-token-of-the-role"
	secretVariable       = "password-in-the-functions-environment"
	secretEnvironment    = "password-in-the-jobs-environment"
	secretHyperParameter = "token-in-the-hyperparameters"
	secretTag            = "token-in-a-tag"
	secretURL            = "https://b.s3.amazonaws.com/x?X-Amz-Signature=0123456789abcdef"
	secretGarbage        = "password-in-a-payload-that-is-none"
)

// hasty is the machine's clock, by which what takes SageMaker minutes takes
// seconds.
type hasty struct{ sandbox.System }

func (h hasty) After(d time.Duration, f func()) { h.System.After(d/100, f) }

// deployment is the binaries of the functions and what they run against: the
// sandbox, and DynamoDB Local.
type deployment struct {
	testing.TB
	layout
	world    *sandbox.World
	monitor  *stopmonitor.Monitor
	store    *dynamo.Store
	stream   *dynamolocal.Stream
	binaries string
	// variables of each function's environment, beside its role's.
	variables map[string][]string
	endpoint  string    // of the sandbox
	database  string    // of DynamoDB Local, for the functions
	keys      *sync.Map // roles by access key
	outputs   strings.Builder
}

// layout is what things are called.
type layout struct {
	queue, letters, table, topic, bucket, rules string
	roles                                       map[string]string // of functions
}

// plain is what things are called where no template says otherwise.
var plain = layout{
	queue: deployedQueue, letters: "sagemoat-dead-letters", table: deployedTable, topic: "sagemoat-alerts", bucket: "sagemoat-rules", rules: "rules.yaml",
	roles: map[string]string{"audit": "sagemoat-audit", "publish": "sagemoat-publish", "respond": "sagemoat-respond", "sweep": "sagemoat-sweep"},
}

// built are the functions as they are deployed, built once for all tests.
var built struct {
	sync.Once
	dir string
	err error
}

// binaries is the folder of the functions as they are deployed.
func binaries(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.err = sources.Used(".."); built.err != nil {
			return
		}
		//nolint:usetesting // for all tests, and not for the one that is first
		if built.dir, built.err = os.MkdirTemp("", "sagemoat-functions-"); built.err != nil {
			return
		}
		for name := range plain.roles {
			out := filepath.Join(built.dir, name, bootstrap.Name)
			built.err = errors.Join(built.err, bootstrap.Build(t.Context(), "..", "functions/"+name, runtime.GOARCH, out))
		}
	})
	ok(t, built.err)
	return built.dir
}

func TestMain(m *testing.M) {
	m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

const (
	deployedQueue = "sagemoat-events"
	deployedTable = "sagemoat"
	stopRules     = `
version: 1
response:
  mode: stop
  stop: {severity: high, budget: {stops: 5, within: 10m, share: 20}}
`
)

// deploy makes the functions as they are deployed, and what they need.
func deploy(t testing.TB, l layout) *deployment {
	t.Helper()
	d := &deployment{TB: t, layout: l, binaries: binaries(t), keys: &sync.Map{}}
	d.world = sandbox.New(sandbox.Options{Seed: 1, Clock: hasty{}})
	endpoint, stop, err := d.world.Start(t.Context())
	ok(t, err)
	d.endpoint = endpoint
	t.Cleanup(stop)
	d.world.AddQueue(sandbox.Queue{Name: d.letters})
	d.world.AddQueue(sandbox.Queue{Name: d.queue, VisibilityTimeout: 6 * time.Minute, MaxReceiveCount: 10, DeadLetterQueue: d.letters})
	for _, r := range events.Patterns() {
		p, err := pattern.Compile(r.Pattern)
		ok(t, err)
		d.world.AddRule(sandbox.Rule{Name: r.Name, Match: p.Match, Queue: d.queue})
	}
	topic := d.world.AddTopic(d.topic)
	d.world.Subscribe(sandbox.Subscription{Topic: topic, Protocol: "sqs", Endpoint: "people"})
	d.world.AddBucket(d.bucket, account)
	d.world.PutObject(d.bucket, d.rules, []byte(stopRules))
	d.world.SageMaker().RunFor(kind.TrainingJob, "", -1)

	client, stream := dynamolocal.Create(t, dynamo.Table(d.table))
	d.store, d.stream = dynamo.New(client, d.table, time.Now), stream
	now := time.Now()
	before := now.Add(-time.Hour)
	ok(t, d.store.PutControl(t.Context(), ledger.Baseline, 0, ledger.FirstSweep{Started: before, Done: before, Told: before}))
	ok(t, d.store.PutControl(t.Context(), ledger.LiveCount, 0, ledger.Count{At: now, Live: map[string]int{"training-job": 100}}))
	d.database = d.gate(func(*http.Request, []byte) []byte { return nil })
	all := []string{"SAGEMOAT_ACCOUNT=" + account, "SAGEMOAT_TABLE=" + d.table}
	d.variables = map[string][]string{
		"audit":   append(slices.Clone(all), "SAGEMOAT_QUEUE_URL="+d.world.QueueURL(d.queue)),
		"publish": append(slices.Clone(all), "SAGEMOAT_DEAD_LETTER_URL="+d.world.QueueURL(d.letters)),
		"respond": append(slices.Clone(all), "SAGEMOAT_TOPIC_ARN="+topic, "SAGEMOAT_MODE=stop"),
		"sweep":   all,
	}
	return d
}

// gate is a way to DynamoDB Local that each role can go: it keeps the tables of
// access keys apart, so that all have to have the same. see sees each request, and
// may return another body.
func (d *deployment) gate(see func(r *http.Request, body []byte) []byte) (url string) {
	d.Helper()
	to, err := neturl.Parse(dynamolocal.Endpoint(d))
	ok(d, err)
	key := regexp.MustCompile(`Credential=[^/]+/`)
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("Authorization", key.ReplaceAllString(r.In.Header.Get("Authorization"), "Credential=test/"))
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			return // the caller has gone
		}
		if other := see(r.In, body); other != nil {
			body = other
		}
		r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}})
	d.Cleanup(proxy.Close)
	return proxy.URL
}

// caller is the role that signed a request.
func (d *deployment) caller(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(scope, "/")
	role, _ := d.keys.Load(key)
	name, _ := role.(string)
	return name
}

// environment is that of a function.
func (d *deployment) environment(name string) []string {
	key, _ := d.world.Credentials(d.roles[name], "sagemoat-"+name)
	d.keys.Store(key, d.roles[name])
	return slices.Concat([]string{
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secretOfRole, "AWS_SESSION_TOKEN=" + secretToken,
		"SAGEMOAT_RULES_BUCKET=" + d.bucket, "SAGEMOAT_RULES_KEY=" + d.rules, "SAGEMOAT_RULES_OWNER=" + account,
		"DB_PASSWORD=" + secretVariable, "AWS_ENDPOINT_URL=" + d.endpoint, "AWS_ENDPOINT_URL_DYNAMODB=" + d.database,
	}, d.variables[name])
}

// start starts a function, with more variables where they are given. What it wrote is
// in outputs when stop is called.
func (d *deployment) start(name string, more ...string) (f *runtimeapi.Function, stop func()) {
	d.Helper()
	f, err := runtimeapi.Start(d.Context(), filepath.Join(d.binaries, name, bootstrap.Name), append(d.environment(name), more...))
	if err != nil {
		d.Fatalf("%s: %v\n%s", name, err, f.Output())
	}
	return f, func() {
		f.Close()
		d.outputs.WriteString(f.Output())
	}
}

// TestDeployed runs the binaries as they are deployed.
func TestDeployed(t *testing.T) {
	d := deploy(t, plain)
	d.monitor = stopmonitor.Watch(stopmonitor.Options{World: d.world, Caller: plain.roles["respond"], Truth: func(resource string) (stopmonitor.Truth, bool) {
		return stopmonitor.Truth{Fails: resource == "training-job/open", Whole: true}, true
	}})
	t.Run("no variable", d.noVariable)
	t.Run("garbage", d.garbage)
	t.Run("whole", d.whole)
	t.Run("swept", d.swept)
}

// swept: what the ledger has as live, and SageMaker does not, is hinted at by way
// of EventBridge. The function ends well before its time, wherever it is.
func (d *deployment) swept(t *testing.T) {
	now := time.Now().UTC()
	ok(t, d.store.PutEntry(t.Context(), &ledger.Entry{
		Resource: "training-job/ghost", Kind: kind.TrainingJob, Key: "ghost", Name: "ghost", Account: account, Region: "eu-west-1", Partition: "aws",
		Created: now.Add(-time.Hour), Life: ledger.Life{At: now.Add(-time.Hour), State: ledger.Live},
	}))
	f, stop := d.start("sweep")
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`)); err != nil {
		t.Fatalf("%v\n%s", err, f.Output())
	}
	for _, m := range d.world.Messages(deployedQueue) {
		if hint, is := events.ReadHint([]byte(m.Body)); is && hint == (events.Hint{Kind: kind.TrainingJob, Key: "ghost"}) {
			return
		}
	}
	t.Errorf("no hint at the job that is no more\n%s", f.Output())
}

// noVariable: a function that lacks a variable does not start, and says which.
func (d *deployment) noVariable(t *testing.T) {
	for name := range d.variables {
		env := d.environment(name)
		for _, v := range append(slices.Clone(d.variables[name]), "AWS_REGION=") {
			missing, _, _ := strings.Cut(v, "=")
			less := append(slices.DeleteFunc(slices.Clone(env), func(have string) bool { return have == v }), missing+"=")
			f, err := runtimeapi.Start(t.Context(), filepath.Join(d.binaries, name, bootstrap.Name), less)
			f.Close()
			if err == nil {
				t.Errorf("%s starts without %s", name, missing)
			}
			if want := name + ": " + missing + " is not set\n"; f.Output() != want {
				t.Errorf("without %s it says %q, want %q", missing, f.Output(), want)
			}
		}
	}
}

// garbage: an event that is none fails, and is not told.
func (d *deployment) garbage(t *testing.T) {
	for name := range d.variables {
		f, stop := d.start(name)
		for _, payload := range []string{
			`{"Records":"` + secretGarbage + `"}`, `{"` + secretGarbage + `":1`, `"` + secretGarbage + `"`,
			`{"Records":[{"body":{"` + secretGarbage + `":1},"dynamodb":{"Keys":{"k":{"` + secretGarbage + `":"x"}}}}]}`,
			`{"Records":[{"body":["` + secretGarbage + `"],"dynamodb":{"ApproximateCreationDateTime":"` + secretGarbage + `"}}]}`,
		} {
			out, err := f.Invoke(t.Context(), []byte(payload))
			if err == nil {
				t.Errorf("%s: %s is taken: %s", name, payload, out)
				continue
			}
			if strings.Contains(err.Error(), secretGarbage) {
				t.Errorf("%s answers with what it was sent: %v", name, err)
			}
		}
		if f.Starts() != 1 {
			t.Errorf("%s was started %d times", name, f.Starts())
		}
		stop()
		if strings.Contains(f.Output(), secretGarbage) {
			t.Errorf("%s logs what it was sent:\n%s", name, f.Output())
		}
	}
}

// whole: a job without a VPC is found, told and stopped.
func (d *deployment) whole(t *testing.T) {
	audit, stopAudit := d.start("audit")
	publish, stopPublish := d.start("publish")
	respond, stopRespond := d.start("respond")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	_, err := d.world.SageMaker().Create("CreateTrainingJob", training("open", map[string]any{
		"HyperParameters": map[string]any{"api-key": secretHyperParameter, "url": secretURL},
		"Environment":     map[string]any{"DB_PASSWORD": secretEnvironment},
		"Tags":            []any{map[string]any{"Key": "token", "Value": secretTag}},
	}))
	ok(t, err)
	_, err = d.world.SageMaker().Create("CreateTrainingJob", training("closed", map[string]any{"VpcConfig": network()}))
	ok(t, err)

	poller := sandbox.Poller{Queue: deployedQueue, Invoke: func(ctx context.Context, event []byte) ([]byte, error) {
		out, err := audit.Invoke(ctx, event)
		if err != nil {
			t.Errorf("audit: %v", err)
		}
		return out, err
	}}
	// until has the queue, the stream and the schedule wake the functions until
	// something is so.
	until := func(what string, so func() bool) {
		t.Helper()
		for !so() {
			if ctx.Err() != nil {
				t.Fatalf("in vain: %s\n%s%s%s", what, audit.Output(), publish.Output(), respond.Output())
			}
			for d.world.Poll(ctx, poller) > 0 {
				continue
			}
			records, err := d.stream.Next(ctx)
			ok(t, err)
			if len(records) > 0 {
				event, err := json.Marshal(lambdaevents.DynamoDBEvent{Records: records})
				ok(t, err)
				for name, f := range map[string]*runtimeapi.Function{"publish": publish, "respond": respond} {
					out, err := f.Invoke(ctx, event)
					if err != nil || !json.Valid(out) || bytes.Contains(out, []byte("itemIdentifier")) {
						t.Fatalf("%s: %s, %v\n%s", name, out, err, f.Output())
					}
				}
			}
			if _, err := respond.Invoke(ctx, []byte(`{"version":"0","source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`)); err != nil {
				t.Fatalf("respond: %v\n%s", err, respond.Output())
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
	until("the findings are in the hub", func() bool { return len(d.world.Findings()) == 1 })
	f := d.world.Findings()[0]
	if f.Compliance.Status != "FAILED" || !strings.HasSuffix(f.Resources[0].ID, ":training-job/open") {
		t.Errorf("the finding: %+v", f)
	}
	until("there is an alert", func() bool { return len(d.world.Published()) > 0 })
	until("the job is stopped", func() bool {
		status, _ := d.world.SageMaker().Status(kind.TrainingJob, "open")
		return status == "Stopped"
	})
	until("the stop is confirmed", func() bool { return len(d.world.Published()) > 1 })
	if status, _ := d.world.SageMaker().Status(kind.TrainingJob, "closed"); status != "InProgress" {
		t.Errorf("the job in a VPC is %s", status)
	}
	if d.monitor.Stops() != 1 {
		t.Errorf("%d stops were asked for", d.monitor.Stops())
	}
	d.monitor.Check(t)
	var told []string
	for _, n := range d.world.Published() {
		var m struct {
			Type      string
			Resources []struct {
				Resource string
				Stop     struct{ State string }
			}
		}
		if len(n.Deliveries) != 1 || json.Unmarshal([]byte(n.Deliveries[0].Body), &m) != nil || len(m.Resources) != 1 {
			t.Fatalf("the notification: %+v", n)
		}
		told = append(told, fmt.Sprintf("%s %s %s", m.Type, m.Resources[0].Resource, m.Resources[0].Stop.State))
	}
	if want := []string{"alert training-job/open announced", "stop training-job/open confirmed"}; !slices.Equal(told, want) {
		t.Errorf("people were told %q, want %q", told, want)
	}
	stopAudit()
	stopPublish()
	stopRespond()
	d.said(t)
}

// said: what the functions wrote is JSON, of members that may be told, without
// any secret; and so are messages and findings.
func (d *deployment) said(t *testing.T) {
	t.Helper()
	text := d.outputs.String()
	told, err := json.Marshal([]any{d.world.Findings(), d.world.Published()})
	ok(t, err)
	for _, secret := range []string{
		secretOfRole, secretToken, secretVariable, secretEnvironment, secretHyperParameter, secretTag, secretURL, "X-Amz-Signature", secretGarbage,
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the logs tell %q", secret)
		}
		if bytes.Contains(told, []byte(secret)) {
			t.Errorf("findings or messages tell %q", secret)
		}
	}
	allowed := []string{
		"timestamp", "level", "message",
		"account", "arn", "attempts", "class", "compliance", "count", "duration_ms", "error", "event", "function", "kind", "operation",
		"outcome", "region", "request", "resource", "rules", "severity", "state",
	}
	lines := 0
	for line := range strings.Lines(text) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Errorf("no JSON: %s", line)
			continue
		}
		lines++
		if _, metrics := members["_aws"]; metrics {
			continue
		}
		for name := range members {
			if !slices.Contains(allowed, name) {
				t.Errorf("a line has %q: %s", name, line)
			}
		}
	}
	if lines < 10 || !strings.Contains(text, `"resource":"training-job/open"`) {
		t.Errorf("only %d lines were logged:\n%s", lines, text)
	}
}
