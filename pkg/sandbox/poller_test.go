package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestBatchResponses holds the poller to what Lambda documents of responses.
func TestBatchResponses(t *testing.T) {
	for _, test := range []struct {
		name     string
		response func(ids []string) string
		err      error
		left     int // of three messages
	}{
		{"nothing", func([]string) string { return "" }, nil, 0},
		{"null", func([]string) string { return "null" }, nil, 0},
		{"an empty object", func([]string) string { return "{}" }, nil, 0},
		{"a null list", func([]string) string { return `{"batchItemFailures":null}` }, nil, 0},
		{"an empty list", func([]string) string { return `{"batchItemFailures":[]}` }, nil, 0},
		{"one failure", func(ids []string) string {
			return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, ids[1])
		}, nil, 1},
		{"the same failure twice", func(ids []string) string {
			return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q},{"itemIdentifier":%q}]}`, ids[1], ids[1])
		}, nil, 1},
		{"an empty identifier", func([]string) string { return `{"batchItemFailures":[{"itemIdentifier":""}]}` }, nil, 3},
		{"a null identifier", func([]string) string { return `{"batchItemFailures":[{"itemIdentifier":null}]}` }, nil, 3},
		{"another key", func(ids []string) string {
			return fmt.Sprintf(`{"batchItemFailures":[{"messageId":%q}]}`, ids[0])
		}, nil, 3},
		{"a failure and one that is unknown", func(ids []string) string {
			return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q},{"itemIdentifier":"x"}]}`, ids[1])
		}, nil, 3},
		{"no JSON", func([]string) string { return `{"batchItem` }, nil, 3},
		{"another type", func([]string) string { return `{"batchItemFailures":"none"}` }, nil, 3},
		{"an error", func([]string) string { return "{}" }, errors.New("panic"), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBed(t, sandbox.Options{})
			b.AddQueue(sandbox.Queue{Name: "q"})
			for range 3 {
				b.send(t, "q", "{}")
			}
			n := b.Poll(t.Context(), sandbox.Poller{Queue: "q", Invoke: func(_ context.Context, event []byte) ([]byte, error) {
				var e events.SQSEvent
				ok(t, json.Unmarshal(event, &e))
				var ids []string
				for _, r := range e.Records {
					ids = append(ids, r.MessageId)
				}
				return []byte(test.response(ids)), test.err
			}})
			if left := len(b.Messages("q")); n != 3 || left != test.left {
				t.Errorf("received %d, left %d, not %d", n, left, test.left)
			}
		})
	}
}

// TestEventOfQueue: the event has what aws-lambda-go reads of it.
func TestEventOfQueue(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.AddQueue(sandbox.Queue{Name: "q"})
	id := b.send(t, "q", `{"a":1}`)
	b.clock.Advance(time.Second)
	var got events.SQSEvent
	b.Poll(t.Context(), sandbox.Poller{Queue: "q", BatchSize: 1, Invoke: func(_ context.Context, event []byte) ([]byte, error) {
		return nil, json.Unmarshal(event, &got)
	}})
	want := events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: id, ReceiptHandle: id + ".1", Body: `{"a":1}`, Md5OfBody: "bb6cb5c68df4652941caf652a366f2d8",
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1793610847000",
			"SenderId": "111122223333", "ApproximateFirstReceiveTimestamp": "1793610848000",
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSourceARN:    "arn:aws:sqs:eu-west-1:111122223333:q", EventSource: "aws:sqs", AWSRegion: "eu-west-1",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSettle: failures come back by the virtual clock until they succeed or are
// dead letters.
func TestSettle(t *testing.T) {
	b := newBed(t, sandbox.Options{EventDelay: 2 * time.Second})
	b.AddQueue(sandbox.Queue{Name: "dead"})
	b.AddQueue(sandbox.Queue{Name: "q", VisibilityTimeout: 5 * time.Minute, DeadLetterQueue: "dead", MaxReceiveCount: 4})
	b.AddRule(sandbox.Rule{Queue: "q"})
	for i := range 25 {
		b.Emit("aws.test", "Test", nil, i)
	}
	tries := map[string]int{}
	poller := sandbox.Poller{Queue: "q", Invoke: func(_ context.Context, event []byte) ([]byte, error) {
		var e events.SQSEvent
		ok(t, json.Unmarshal(event, &e))
		var out events.SQSEventResponse
		for _, r := range e.Records {
			var body events.EventBridgeEvent
			ok(t, json.Unmarshal([]byte(r.Body), &body))
			n := string(body.Detail)
			tries[n]++
			if n == "7" || n == "9" && tries[n] < 3 {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
			}
		}
		return json.Marshal(out)
	}}
	if b.Settle(t.Context(), time.Minute, poller) {
		t.Error("nothing is due after a minute, though two messages are in flight")
	}
	if now := b.Now(); !now.Equal(start.Add(time.Minute)) {
		t.Errorf("it is %v", now)
	}
	if !b.Settle(t.Context(), time.Hour, poller) {
		t.Error("something is due after an hour")
	}
	if tries["7"] != 4 || tries["9"] != 3 || tries["8"] != 1 || len(tries) != 25 {
		t.Errorf("tries: %v", tries)
	}
	if dead := b.Messages("dead"); len(dead) != 1 || len(b.Messages("q")) != 0 {
		t.Errorf("dead letters: %v, left: %v", dead, b.Messages("q"))
	}
	if now := b.Now(); !now.Equal(start.Add(2*time.Second + 20*time.Minute)) {
		t.Errorf("it took until %v", now)
	}
}

// TestServe: several pollers share a queue under the machine's clock, and what
// fails comes back to them.
func TestServe(t *testing.T) {
	b := newBed(t, sandbox.Options{Clock: sandbox.System{}})
	b.AddQueue(sandbox.Queue{Name: "q", VisibilityTimeout: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	seen := map[string]int{}
	done := 0
	poller := sandbox.Poller{Queue: "q", Invoke: func(_ context.Context, event []byte) ([]byte, error) {
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		var out events.SQSEventResponse
		for _, r := range e.Records {
			seen[r.Body]++
			if seen[r.Body] == 1 {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
			} else if done++; done == 30 {
				cancel()
			}
		}
		return json.Marshal(out)
	}}
	var pollers sync.WaitGroup
	for range 3 {
		pollers.Go(func() { b.Serve(ctx, poller) })
	}
	for i := range 30 {
		b.send(t, "q", fmt.Sprint(i))
	}
	pollers.Wait()
	if len(seen) != 30 {
		t.Errorf("saw %d bodies", len(seen))
	}
}
