package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/intake"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// bed is the handler, the SageMaker that it asks, and what it asked of the queue.
type bed struct {
	*intake.Handler
	t      *testing.T
	clock  *sandbox.Virtual
	world  *sandbox.World
	events []string
	logs   *bytes.Buffer
	n      int

	mu      sync.Mutex
	delays  map[string]time.Duration // by receipt handle
	refused error                    // what a delay fails with
	rules   func(context.Context) error
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), logs: &bytes.Buffer{}, delays: map[string]time.Duration{}}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	b.world.AddRule(sandbox.Rule{Name: "keep", Match: func(e []byte) bool {
		b.events = append(b.events, string(e))
		return false
	}})
	endpoint, stop, err := b.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	id, secret := b.world.Credentials("sagemoat-audit", "audit")
	caller := awsjson.New(aws.Config{
		Region: b.world.Region(), BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, "session"),
		Retryer:     func() aws.Retryer { return retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond) },
	})
	scope := kind.Scope{Partition: "aws", Account: b.world.Account(), Region: b.world.Region()}
	b.Handler = &intake.Handler{
		Evaluator: &evaluate.Evaluator{
			Scope: scope, Store: ledger.NewMemory(b.world.Now), Now: b.world.Now, Visible: 2 * time.Minute,
			Rules: func(ctx context.Context) (evaluate.Ruleset, error) {
				if b.rules != nil {
					if err := b.rules(ctx); err != nil {
						return evaluate.Ruleset{}, err
					}
				}
				return evaluate.Ruleset{File: rules.Default(), Current: true}, nil
			},
			Resolver: live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
				return caller.Call(ctx, awsjson.SageMaker(), operation, input)
			}),
		},
		Delay: func(_ context.Context, receipt string, d time.Duration) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.delays[receipt] = d
			return b.refused
		},
		Now: b.world.Now, Log: telemetry.New(b.logs, slog.LevelInfo), Metrics: telemetry.NewMetrics(b.logs, "audit", b.world.Now),
	}
	return b
}

// message is a message of the queue, sent a while ago and received for the nth time.
func (b *bed) message(body string, ago time.Duration, n int) lambda.SQSMessage {
	b.n++
	id := fmt.Sprintf("m%d", b.n)
	return lambda.SQSMessage{MessageId: id, ReceiptHandle: "receipt-" + id, Body: body, Attributes: map[string]string{
		"SentTimestamp": strconv.FormatInt(b.world.Now().Add(-ago).UnixMilli(), 10), "ApproximateReceiveCount": strconv.Itoa(n),
	}}
}

// handle has the messages handled, and returns the ids of those to come again.
func (b *bed) handle(ctx context.Context, messages ...lambda.SQSMessage) []string {
	b.t.Helper()
	out, err := b.Handle(ctx, lambda.SQSEvent{Records: messages})
	if err != nil {
		b.t.Fatal(err)
	}
	ids := []string{}
	for _, f := range out.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	slices.Sort(ids)
	return ids
}

// model makes a model, and returns the event of the call.
func (b *bed) model(name string) string {
	b.t.Helper()
	b.events = nil
	if _, err := b.world.SageMaker().Create("CreateModel", map[string]any{
		"ModelName": name, "ExecutionRoleArn": "arn:aws:iam::111122223333:role/R", "PrimaryContainer": map[string]any{"Image": "i"},
	}); err != nil {
		b.t.Fatal(err)
	}
	for _, e := range b.events {
		if strings.Contains(e, "CloudTrail") {
			return e
		}
	}
	b.t.Fatal("no event")
	return ""
}

func (b *bed) entry(resource string) *ledger.Entry {
	b.t.Helper()
	e, err := b.Evaluator.Store.Entry(b.t.Context(), resource)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func hint(t *testing.T, h events.Hint) string {
	t.Helper()
	detail, err := h.Detail()
	if err != nil {
		t.Fatal(err)
	}
	return `{"version":"0","id":"1","source":"` + events.HintSource + `","detail-type":"` + events.HintDetail + `","account":"111122223333","region":"eu-west-1","time":"2026-11-02T09:00:00Z","resources":[],"detail":` + detail + `}`
}

// metric is what the last line of metrics counts.
func (b *bed) metric(name string) float64 {
	b.t.Helper()
	lines := strings.Split(strings.TrimSpace(b.logs.String()), "\n")
	for _, line := range slices.Backward(lines) {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["_aws"] != nil {
			n, _ := m[name].(float64)
			return n
		}
	}
	b.t.Fatalf("no metrics in\n%s", b.logs)
	return 0
}

// TestJudged: what is judged is done with, however often it comes, and however
// many messages of a batch are of one resource.
func TestJudged(t *testing.T) {
	b := newBed(t)
	event := b.model("m")
	var batch []lambda.SQSMessage
	for range 20 {
		batch = append(batch, b.message(event, time.Second, 1))
	}
	batch = append(batch, b.message(hint(t, events.Hint{Kind: kind.Model, Key: "m", Missed: true}), time.Second, 1))
	b.clock.Advance(time.Second)
	if again := b.handle(t.Context(), batch...); len(again) != 0 {
		t.Errorf("%v come again\n%s", again, b.logs)
	}
	if e := b.entry("model/m"); e == nil || e.Verdict.Compliance != rules.Failed {
		t.Errorf("%+v", e)
	}
	if b.metric("Judged") != 21 || b.metric("Failed") != 21 || b.metric("MissedEvents") != 1 || b.metric("Received") != 21 {
		t.Errorf("metrics: %s", b.logs)
	}
	if b.entry("model/none") != nil {
		t.Error("what is this?")
	}
	if again := b.handle(t.Context(), b.message(hint(t, events.Hint{Kind: kind.Model, Key: "none"}), time.Second, 1)); len(again) != 0 {
		t.Errorf("a hint at nothing: %v come again", again)
	}
}

// TestPanic: a panic is contained to its message, and what it says is not logged.
func TestPanic(t *testing.T) {
	b := newBed(t)
	b.model("m")
	const secret = "hunter2"
	var once sync.Once
	b.rules = func(context.Context) error {
		once.Do(func() { panic(secret) })
		return nil
	}
	bad, good := b.message(b.model("m1"), time.Second, 1), b.message(b.model("m2"), time.Second, 1)
	if again := b.handle(t.Context(), bad); !slices.Equal(again, []string{bad.MessageId}) {
		t.Errorf("%v come again", again)
	}
	if again := b.handle(t.Context(), bad, good); len(again) != 0 {
		t.Errorf("%v come again", again)
	}
	if text := b.logs.String(); strings.Contains(text, secret) || !strings.Contains(text, "panic: string at ") || !strings.Contains(text, "intake_test.go") && !strings.Contains(text, "sagemoat") {
		t.Errorf("%s", text)
	}
}

// TestDelays: what is not certain yet is left alone for a while, a little longer
// each time.
func TestDelays(t *testing.T) {
	b := newBed(t)
	b.world.SageMaker().SetLag(sandbox.Lag{Describe: time.Hour})
	event := strings.Replace(b.model("m"), `"requestParameters":{`, `"requestParameters":{"omitted":true,`, 1)
	for n, want := range []time.Duration{10 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute, time.Minute} {
		m := b.message(event, time.Second, n)
		if again := b.handle(t.Context(), m); len(again) != 1 || b.delays[m.ReceiptHandle] != want {
			t.Errorf("the %d. time: %v come again, after %v", n, again, b.delays[m.ReceiptHandle])
		}
	}
	garbled := b.message(event, time.Second, 1)
	garbled.Attributes["ApproximateReceiveCount"] = "many"
	b.refused = errors.New("no")
	if again := b.handle(t.Context(), garbled); len(again) != 1 || b.delays[garbled.ReceiptHandle] != 10*time.Second {
		t.Errorf("%v come again, after %v", again, b.delays[garbled.ReceiptHandle])
	}
	if !strings.Contains(b.logs.String(), "visibility timeout not changed") {
		t.Errorf("%s", b.logs)
	}
	// It is not waited for for ever. Where the message does not tell when it was
	// sent, its event tells.
	old, silent := b.message(event, 2*time.Minute, 6), b.message(event, 0, 1)
	delete(silent.Attributes, "SentTimestamp")
	if again := b.handle(t.Context(), silent); len(again) != 1 {
		t.Errorf("%v come again", again)
	}
	b.clock.Advance(2 * time.Minute)
	if again := b.handle(t.Context(), old, silent); len(again) != 0 {
		t.Errorf("%v come again\n%s", again, b.logs)
	}
}

// TestIgnored: what is not for us, or our own doing, is done with and not judged.
func TestIgnored(t *testing.T) {
	b := newBed(t)
	event := b.model("m")
	b.OwnRoles = []string{"arn:aws:iam::111122223333:role/sagemoat-audit"}
	before, after, _ := strings.Cut(event, `"arn":"arn:aws:iam::111122223333:role/DataScience"`)
	own := before + `"arn":"` + b.OwnRoles[0] + `"` + after
	for name, body := range map[string]string{
		"our own":            own,
		"another account":    strings.ReplaceAll(event, "111122223333", "444455556666"),
		"another Region":     strings.ReplaceAll(event, "eu-west-1", "us-east-1"),
		"another service":    strings.ReplaceAll(strings.ReplaceAll(event, "aws.sagemaker", "aws.s3"), "sagemaker.amazonaws.com", "s3.amazonaws.com"),
		"a hint at the moon": hint(t, events.Hint{Kind: "moon-base", Key: "1"}),
	} {
		if again := b.handle(t.Context(), b.message(body, time.Second, 1)); len(again) != 0 || b.metric("Ignored") != 1 {
			t.Errorf("%s: %v come again\n%s", name, again, b.logs)
		}
	}
	refused := strings.Replace(event, `"eventName"`, `"errorCode":"AccessDenied","eventName"`, 1)
	if again := b.handle(t.Context(), b.message(refused, time.Second, 1)); len(again) != 0 || b.metric("Prevented") != 1 {
		t.Errorf("%v come again\n%s", again, b.logs)
	}
	if e := b.entry("model/m"); e != nil {
		t.Errorf("judged: %+v", e)
	}
}

// TestPoison: what cannot be read comes again until the queue puts it away, and
// takes nothing along.
func TestPoison(t *testing.T) {
	b := newBed(t)
	event := b.model("m")
	nameless := strings.ReplaceAll(strings.ReplaceAll(event, `"modelName":"m"`, `"modelName":""`), ":model/m", "")
	batch := []lambda.SQSMessage{
		b.message(`{"half`, time.Second, 1), b.message(``, time.Second, 1), b.message(strings.Repeat("[", 1<<10), time.Second, 1),
		b.message(`{"x":"`+strings.Repeat("x", 1<<20)+`"}`, time.Second, 1), b.message(nameless, time.Second, 1),
		b.message(event, time.Second, 1),
	}
	again := b.handle(t.Context(), batch...)
	if len(again) != 5 || slices.Contains(again, batch[5].MessageId) || b.metric("Poison") != 5 || b.metric("Judged") != 1 {
		t.Errorf("%v come again\n%s", again, b.logs)
	}
}

// TestAgain: what fails for a moment comes again.
func TestAgain(t *testing.T) {
	b := newBed(t)
	m := b.message(b.model("m"), time.Second, 1)
	b.rules = func(context.Context) error { return errors.New("no rules") }
	if again := b.handle(t.Context(), m); len(again) != 1 || b.metric("Retried") != 1 {
		t.Errorf("%v come again", again)
	}
	for n, want := range []time.Duration{30 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		next := b.message(m.Body, time.Second, n)
		if again := b.handle(t.Context(), next); len(again) != 1 || b.delays[next.ReceiptHandle] != want {
			t.Errorf("the %d. time: %v come again, after %v", n, again, b.delays[next.ReceiptHandle])
		}
	}
	bad := b.message("{", time.Second, 9)
	if again := b.handle(t.Context(), bad); len(again) != 1 || b.delays[bad.ReceiptHandle] != 30*time.Second {
		t.Errorf("what cannot be read: %v come again, after %v", again, b.delays[bad.ReceiptHandle])
	}
}

// TestList: a message may tell of several resources. Each of them is judged, and
// it comes again as long as one could not be.
func TestList(t *testing.T) {
	b := newBed(t)
	body := "[" + b.model("m1") + "," + b.model("m2") + "," + b.model("m3") + "]"
	if again := b.handle(t.Context(), b.message(body, time.Second, 1)); len(again) != 0 {
		t.Errorf("%v come again\n%s", again, b.logs)
	}
	for _, name := range []string{"m1", "m2", "m3"} {
		if b.entry("model/"+name) == nil {
			t.Errorf("%s is not judged", name)
		}
	}
}

// TestDeadline: what would not be done in time is not begun, and what takes too
// long is given up in time, without a word about what is done.
func TestDeadline(t *testing.T) {
	b := newBed(t)
	b.Now = time.Now
	m := b.message(b.model("m"), time.Second, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
	defer cancel()
	if again := b.handle(ctx, m); len(again) != 1 || b.entry("model/m") != nil {
		t.Errorf("begun too late: %v come again", again)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if again := b.handle(over, m); len(again) != 1 {
		t.Errorf("begun when it was over: %v come again", again)
	}

	slow, quick := b.message(b.model("slow"), time.Second, 1), b.message(b.model("quick"), time.Second, 1)
	first := true
	var mu sync.Mutex
	b.rules = func(ctx context.Context) error {
		mu.Lock()
		wait := first
		first = false
		mu.Unlock()
		if wait {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	ctx, cancel = context.WithTimeout(t.Context(), 2300*time.Millisecond)
	defer cancel()
	again := b.handle(ctx, slow, quick)
	if len(again) != 1 || ctx.Err() != nil {
		t.Errorf("%v come again; the deadline: %v", again, ctx.Err())
	}
}
