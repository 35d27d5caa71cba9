package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/internal/awstest/stopmonitor"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

var start = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

const account = "111122223333"

// bed is a handler between a ledger in memory and the sandbox, over real
// connections, in virtual time. Audit and publish are the real ones, too.
type bed struct {
	testing.TB
	*Handler
	world     *sandbox.World
	clock     *sandbox.Virtual
	store     *ledger.Memory
	audit     *evaluate.Evaluator
	publisher *publish.Publisher
	monitor   *stopmonitor.Monitor
	topic     string
	logs      safeBuffer
	metrics   safeBuffer
	options   Options

	mu      sync.Mutex
	ruleset evaluate.Ruleset
	noRules error
	truth   map[string]stopmonitor.Truth
	faults  *faults
}

type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// stopRules stop training jobs at once.
const stopRules = `
version: 1
response:
  mode: stop
  stop: {severity: high, budget: {stops: 5, within: 10m, share: 20}}
`

const notifyRules = "version: 1\n"

func newBed(t testing.TB, text string) *bed {
	t.Helper()
	b := &bed{TB: t, clock: sandbox.NewVirtual(start), truth: map[string]stopmonitor.Truth{}, faults: &faults{}}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	b.monitor = stopmonitor.Watch(stopmonitor.Options{World: b.world, Caller: "sagemoat-respond", Truth: func(r string) (stopmonitor.Truth, bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		truth, ok := b.truth[r]
		return truth, ok
	}})
	endpoint, stop, err := b.world.Start(t.Context())
	ok(t, err)
	t.Cleanup(stop)
	t.Cleanup(func() { b.monitor.Check(t) })
	b.store = ledger.NewMemory(b.clock.Now)
	b.rules(text)
	b.topic = b.world.AddTopic("alerts")
	for _, p := range []string{"email", "https", "sqs", "sms"} {
		b.world.Subscribe(sandbox.Subscription{Topic: b.topic, Protocol: p, Endpoint: p})
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	client := func(role string, rt http.RoundTripper) aws.Config {
		key, secret := b.world.Credentials(role, "function")
		return aws.Config{
			Region: b.world.Region(), BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: rt},
			Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		}
	}
	scope := kind.Scope{Partition: "aws", Account: account, Region: b.world.Region()}
	evaluator := func(c *awsjson.Client, s ledger.Store) *evaluate.Evaluator {
		return &evaluate.Evaluator{
			Scope: scope, Store: s, Now: b.clock.Now, Visible: 2 * time.Minute, Rules: b.inForce,
			Resolver: live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
				return c.Call(ctx, awsjson.SageMaker(), operation, input)
			}),
		}
	}
	plain := client("sagemoat-audit", transport)
	b.audit = evaluator(awsjson.New(plain), b.store)
	b.publisher = publish.New(publish.Options{
		Store: b.store, Hub: awsjson.New(plain), Account: account, Region: b.world.Region(), Now: b.clock.Now, Sleep: b.clock.Sleep,
		DeadLetter: func(context.Context, publish.Letter) error { return errors.New("nothing is dead") },
		Log:        telemetry.New(&b.logs, slog.LevelInfo), Metrics: telemetry.NewMetrics(&b.metrics, "publish", b.clock.Now),
	})
	faulty := client("sagemoat-respond", faultyTransport{b.faults, transport})
	caller, store := awsjson.New(faulty), faultyStore{b.store, b.faults}
	b.options = Options{
		Scope: scope, Store: store, Rules: b.inForce, Fresh: evaluator(caller, store).Fresh, AWS: caller, SNS: sns.NewFromConfig(faulty), Topic: b.topic, Most: rules.Stop,
		Now: b.clock.Now, Log: telemetry.New(&b.logs, slog.LevelInfo), Metrics: telemetry.NewMetrics(&b.metrics, "respond", b.clock.Now),
	}
	b.Handler, err = New(b.options)
	ok(t, err)
	ok(t, b.store.PutControl(t.Context(), ledger.Baseline, 0, ledger.FirstSweep{Started: start.Add(-time.Hour), Done: start.Add(-time.Hour), Told: start.Add(-time.Hour)}))
	ok(t, b.store.PutControl(t.Context(), ledger.LiveCount, 0, ledger.Count{At: start, Live: map[string]int{"training-job": 100, "notebook-instance": 1}}))
	return b
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rules puts a rules file in force.
func (b *bed) rules(text string) {
	b.Helper()
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	ok(b, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ruleset = evaluate.Ruleset{File: file, Current: true, Version: ledger.RulesVersion{At: b.clock.Now(), ID: fmt.Sprint(b.clock.Now().UnixNano())}}
}

func (b *bed) inForce(context.Context) (evaluate.Ruleset, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ruleset, b.noRules
}

// training creates a training job: by itself on the Internet, or closed.
func (b *bed) training(name string, over map[string]any) string {
	b.Helper()
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": "arn:aws:iam::111122223333:role/SageMakerExecution",
		"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 86400},
	}
	maps.Copy(in, over)
	resource := "training-job/" + name
	_, closed := over["VpcConfig"]
	b.mu.Lock()
	b.truth[resource] = stopmonitor.Truth{Fails: !closed, Whole: true}
	b.mu.Unlock()
	_, err := b.world.SageMaker().Create("CreateTrainingJob", in)
	ok(b, err)
	b.world.SageMaker().RunFor(kind.TrainingJob, name, 20*time.Hour)
	return resource
}

// look has audit judge a resource as it is now.
func (b *bed) look(resource string) *ledger.Entry {
	b.Helper()
	row, key, _ := evaluate.Split(resource)
	e, err := b.audit.Look(b.Context(), row, key)
	ok(b, err)
	if e == nil {
		b.Fatalf("%s is not there", resource)
	}
	return e
}

// stream delivers what the ledger's stream has, times times.
func (b *bed) stream(times int) []string {
	b.Helper()
	var undelivered []string
	for changes := b.store.Drain(); len(changes) > 0; changes = b.store.Drain() {
		failed, err := b.publisher.Handle(b.Context(), changes)
		if err != nil || len(failed) > 0 {
			b.Fatalf("publish: %v, %v", failed, err)
		}
		for range times {
			failed, err := b.Changes(b.Context(), changes)
			if err != nil {
				failed = append(failed, err.Error())
			}
			undelivered = append(undelivered, failed...)
		}
	}
	return undelivered
}

// fails creates a training job that fails, and has it seen.
func (b *bed) fails(name string) string {
	b.Helper()
	resource := b.training(name, nil)
	b.clock.Advance(time.Second)
	b.look(resource)
	b.deliver()
	return resource
}

// notebook creates a notebook instance that fails, and has it seen.
func (b *bed) notebook(name string) string {
	b.Helper()
	resource := "notebook-instance/" + name
	b.truth[resource] = stopmonitor.Truth{Fails: true, Whole: true}
	_, err := b.world.SageMaker().Create("CreateNotebookInstance", map[string]any{
		"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam::111122223333:role/R",
	})
	ok(b, err)
	b.clock.Advance(time.Hour)
	b.look(resource)
	b.deliver()
	return resource
}

// starts starts a notebook instance that was stopped, and has that seen.
func (b *bed) starts(name string) {
	b.Helper()
	_, err := b.world.SageMaker().Create("StartNotebookInstance", map[string]any{"NotebookInstanceName": name})
	ok(b, err)
	b.clock.Advance(15 * time.Minute)
	b.look("notebook-instance/" + name)
}

func (b *bed) deliver() {
	b.Helper()
	if failed := b.stream(1); len(failed) > 0 {
		b.Fatalf("undelivered: %v\n%s", failed, b.logs.String())
	}
}

// tick lets minutes pass, each with its tick.
func (b *bed) tick(minutes int) {
	b.Helper()
	for range minutes {
		b.clock.Advance(time.Minute)
		ok(b, b.Tick(b.Context()))
		b.deliver()
	}
}

func (b *bed) response(resource string) ledger.Response {
	b.Helper()
	r, err := b.store.Response(b.Context(), resource)
	ok(b, err)
	if r == nil {
		return ledger.Response{}
	}
	return *r
}

func (b *bed) status(resource string) string {
	row, key, _ := evaluate.Split(resource)
	status, _ := b.world.SageMaker().Status(row.Kind, key)
	return status
}

// sent are the messages, as machines got them.
func (b *bed) sent() (out []message) {
	b.Helper()
	for _, n := range b.world.Published() {
		var bodies map[string]string
		ok(b, json.Unmarshal([]byte(n.Message), &bodies))
		var m message
		ok(b, json.Unmarshal([]byte(bodies["sqs"]), &m))
		out = append(out, m)
	}
	return out
}

// said are the messages in short: type, resource, stop.
func (b *bed) said() (out []string) {
	b.Helper()
	for _, m := range b.sent() {
		said := []string{string(m.Type)}
		for _, r := range m.Resources {
			name := r.Resource[strings.IndexByte(r.Resource, '/')+1:]
			if r.Stop != nil {
				name += "=" + string(r.Stop.State)
			}
			said = append(said, name)
		}
		out = append(out, strings.Join(said, " "))
	}
	return out
}

func (b *bed) wantSaid(want ...string) {
	b.Helper()
	if got := b.said(); !slices.Equal(got, want) {
		b.Errorf("said %q, want %q", got, want)
	}
}

func (b *bed) control(name string, value any) {
	b.Helper()
	var raw json.RawMessage
	version, err := b.store.Control(b.Context(), name, &raw)
	ok(b, err)
	ok(b, b.store.PutControl(b.Context(), name, version, value))
}

func (b *bed) breaker() (out decide.Breaker) {
	b.Helper()
	_, err := b.store.Control(b.Context(), ledger.BreakerOf, &out)
	ok(b, err)
	return out
}

// calls counts the calls of respond to an operation that succeeded.
func (b *bed) calls(operation string) (n int) {
	for _, c := range b.world.Calls() {
		if c.Operation == operation && c.Outcome == "" && strings.Contains(c.Caller, "sagemoat-respond") {
			n++
		}
	}
	return n
}

// fault is what happens at a point.
type fault uint8

const (
	errorBefore fault = iota + 1
	errorAfter
	panicAfter
	deadBefore // the invocation ends: nothing more of it has an effect
	deadAfter
)

var errFault = errors.New("a fault on purpose")

// faults count the calls to the ledger and to AWS, and have some go wrong.
type faults struct {
	mu   sync.Mutex
	on   bool
	n    int
	dead bool
	// The call number at goes wrong, and the next of its name too where twice.
	at    int
	what  fault
	twice bool
	again string
	names []string
	// closed is the name of a call that always goes wrong; empty is none.
	closed string
}

// point is one call: f has its effect.
func (x *faults) point(name string, f func() error) error {
	x.mu.Lock()
	if x.closed == name {
		x.mu.Unlock()
		return errFault
	}
	if !x.on {
		x.mu.Unlock()
		return f()
	}
	x.n++
	x.names = append(x.names, name)
	what := fault(0)
	switch {
	case x.n == x.at:
		what = x.what
		if x.twice {
			x.again = name
		}
	case x.again == name:
		what, x.again = x.what, ""
	}
	dead := x.dead || what == deadBefore
	x.dead = dead || what == deadAfter
	x.mu.Unlock()
	switch {
	case dead || what == errorBefore:
		return errFault
	case what == 0:
		return f()
	}
	_ = f()
	if what == panicAfter {
		panic("a panic on purpose")
	}
	return errFault
}

// unreadable has a control be so, or not any more.
func (b *bed) unreadable(control string, is bool) {
	b.faults.mu.Lock()
	defer b.faults.mu.Unlock()
	b.faults.closed = ""
	if is {
		b.faults.closed = "Control " + control
	}
}

// alive begins another invocation.
func (x *faults) alive() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dead = false
}

type faultyTransport struct {
	*faults
	http.RoundTripper
}

func (t faultyTransport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	err = t.point(r.Header.Get("X-Amz-Target")+r.Method+r.URL.Path, func() error {
		response, err = t.RoundTripper.RoundTrip(r) //nolint:bodyclose // the caller does
		return err
	})
	if err != nil {
		if response != nil {
			response.Body.Close()
		}
		return nil, err
	}
	return response, nil
}

type faultyStore struct {
	ledger.Store
	*faults
}

func (s faultyStore) Entry(ctx context.Context, resource string) (e *ledger.Entry, err error) {
	err = s.point("Entry "+resource, func() error { e, err = s.Store.Entry(ctx, resource); return err })
	return e, err
}

func (s faultyStore) Live(ctx context.Context, k kind.Kind, after string) (page []*ledger.Entry, next string, err error) {
	err = s.point("Live "+string(k), func() error { page, next, err = s.Store.Live(ctx, k, after); return err })
	return page, next, err
}

func (s faultyStore) Response(ctx context.Context, resource string) (r *ledger.Response, err error) {
	err = s.point("Response "+resource, func() error { r, err = s.Store.Response(ctx, resource); return err })
	return r, err
}

func (s faultyStore) PutResponse(ctx context.Context, r *ledger.Response) error {
	return s.point("PutResponse "+r.Resource, func() error { return s.Store.PutResponse(ctx, r) })
}

func (s faultyStore) Due(ctx context.Context, now time.Time) (due []*ledger.Response, err error) {
	err = s.point("Due", func() error { due, err = s.Store.Due(ctx, now); return err })
	return due, err
}

func (s faultyStore) Control(ctx context.Context, name string, into any) (version int64, err error) {
	err = s.point("Control "+name, func() error { version, err = s.Store.Control(ctx, name, into); return err })
	return version, err
}

func (s faultyStore) PutControl(ctx context.Context, name string, version int64, value any) error {
	return s.point("PutControl "+name, func() error { return s.Store.PutControl(ctx, name, version, value) })
}
