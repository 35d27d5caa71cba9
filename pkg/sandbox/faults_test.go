package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestFaults: each fault shows as it does with AWS, and has the effect that it
// says.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		kind sandbox.FaultKind
		want string // the code; empty for a broken connection
		sent int
	}{
		{sandbox.Throttle, "ThrottlingException", 0},
		{sandbox.Unavailable, "ServiceUnavailable", 0},
		{sandbox.Denied, "AccessDeniedException", 0},
		{sandbox.ResetBefore, "", 0},
		{sandbox.ResetAfter, "", 1},
	} {
		b := newBed(t, sandbox.Options{})
		url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
		b.Fail(sandbox.Fault{Service: "sqs", Operation: "SendMessage", Kind: test.kind, Times: 1})
		in := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")}
		_, err := b.sqs.SendMessage(t.Context(), in)
		if got := code(err); err == nil || test.want != "" && got != test.want || test.want == "" && !strings.Contains(got, "connection reset") && !strings.Contains(got, "EOF") {
			t.Errorf("%s: %v", test.kind, err)
		}
		if sent := len(b.Messages("q")); sent != test.sent {
			t.Errorf("%s: %d messages were sent", test.kind, sent)
		}
		if _, err = b.sqs.SendMessage(t.Context(), in); err != nil {
			t.Errorf("%s, the second time: %v", test.kind, err)
		}
	}
}

// TestFaultCodes: each service refuses in its own words, which the SDK knows.
func TestFaultCodes(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	topic := b.AddTopic("t")
	b.AddBucket("b", "111122223333")
	ctx := t.Context()
	calls := map[string]func() error{
		"securityhub": func() error {
			_, err := b.hub.GetFindings(ctx, &securityhub.GetFindingsInput{})
			return err
		},
		"sns": func() error {
			_, err := b.sns.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String("x")})
			return err
		},
		"s3": func() error {
			_, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
			return err
		},
	}
	for kind, want := range map[sandbox.FaultKind]map[string]string{
		sandbox.Throttle:    {"securityhub": "TooManyRequestsException", "sns": "Throttling", "s3": "SlowDown"},
		sandbox.Denied:      {"securityhub": "AccessDeniedException", "sns": "AuthorizationError", "s3": "AccessDenied"},
		sandbox.Unavailable: {"securityhub": "ServiceUnavailable", "sns": "ServiceUnavailable", "s3": "ServiceUnavailable"},
	} {
		b.Heal()
		b.Fail(sandbox.Fault{Kind: kind})
		for service, f := range calls {
			wantCode(t, string(kind)+" of "+service, f(), want[service])
		}
	}
}

// TestRetriesOutlast: a client as it is by default gets through.
func TestRetriesOutlast(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
	b.Fail(sandbox.Fault{Kind: sandbox.Throttle, Times: 1})
	b.Fail(sandbox.Fault{Kind: sandbox.ResetBefore, Times: 1})
	_, err := sqs.NewFromConfig(b.patient()).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")})
	ok(t, err)
	var outcomes []string
	for _, c := range b.Calls() {
		outcomes = append(outcomes, string(c.Fault)+":"+c.Outcome)
	}
	if fmt.Sprint(outcomes) != "[throttle:ThrottlingException reset-before: :]" {
		t.Errorf("calls: %v", outcomes)
	}
}

// TestSlow: a delay passes by the world's clock, and within its time only.
func TestSlow(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
	b.Fail(sandbox.Fault{Service: "sqs", Delay: 10 * time.Second, From: start.Add(time.Minute), Until: start.Add(2 * time.Minute)})
	for _, want := range []time.Duration{0, time.Minute + 10*time.Second, 2*time.Minute + 10*time.Second} {
		_, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url})
		ok(t, err)
		if got := b.Now().Sub(start); got != want {
			t.Errorf("after a call it is %v, not %v", got, want)
		}
		b.clock.Advance(time.Minute)
	}
}

// TestWatch: who watches sees each call before it is served and after; the log
// keeps the last ones.
func TestWatch(t *testing.T) {
	b := newBed(t, sandbox.Options{CallLog: 3})
	b.AddQueue(sandbox.Queue{Name: "q"})
	var mu sync.Mutex
	var seen []string
	b.Watch(func(c sandbox.Call) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %s %v %q %v", c.Service, c.Operation, c.Resource, c.Done, c.Outcome, c.Input["MessageBody"]))
		if c.Caller != "arn:aws:sts::111122223333:assumed-role/SagemoatAudit/audit" {
			t.Errorf("caller %s", c.Caller)
		}
		if (c.Output != nil) != (c.Done && c.Outcome == "") {
			t.Errorf("output %v of %+v", c.Output, c)
		}
	})
	b.send(t, "q", "one")
	_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(b.QueueURL("no")), MessageBody: aws.String("x")})
	if err == nil {
		t.Fatal(errors.New("sent to no queue"))
	}
	mu.Lock()
	want := []string{
		`sqs SendMessage q false "" one`, `sqs SendMessage q true "" one`,
		`sqs SendMessage no false "" x`, `sqs SendMessage no true "QueueDoesNotExist" x`,
	}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("saw\n%s", strings.Join(seen, "\n"))
	}
	mu.Unlock()
	for _, body := range []string{"two", "three"} {
		b.send(t, "q", body)
		b.clock.Advance(time.Second)
	}
	calls := b.Calls()
	if len(calls) != 3 || calls[0].Outcome != "QueueDoesNotExist" || !calls[2].Time.Equal(start.Add(time.Second)) || calls[2].Input != nil {
		t.Errorf("the log has %+v", calls)
	}
}

// TestConcurrent: many callers and a moving clock, for the race detector.
func TestConcurrent(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.AddQueue(sandbox.Queue{Name: "q", VisibilityTimeout: time.Second})
	b.AddRule(sandbox.Rule{Queue: "q"})
	b.Fail(sandbox.Fault{Kind: sandbox.Throttle, Probability: 0.3})
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for n := range 25 {
				f := sample(fmt.Sprintf("%d-%d", i, n), start)
				_, _ = b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{f}})
				b.Emit("aws.test", "Test", nil, n)
				_, _ = b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(b.QueueURL("q"))})
				b.clock.Advance(100 * time.Millisecond)
				_ = b.Findings()
				_ = b.Calls()
			}
		})
	}
	callers.Wait()
	b.clock.Advance(time.Minute)
	if got := len(b.Messages("q")); got < 100 {
		t.Errorf("%d messages of at least 100", got)
	}
}
