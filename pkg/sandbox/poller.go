package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Poller plays the event source mapping between a queue and a Lambda function.
type Poller struct {
	Queue     string
	BatchSize int // up to 10, which is the default
	// Invoke is the function: the event as Lambda sends it, and its response.
	Invoke func(ctx context.Context, event []byte) ([]byte, error)
}

// record is one message of the event.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
type record struct {
	MessageID         string            `json:"messageId"`
	ReceiptHandle     string            `json:"receiptHandle"`
	Body              string            `json:"body"`
	Attributes        map[string]string `json:"attributes"`
	MessageAttributes map[string]any    `json:"messageAttributes"`
	MD5OfBody         string            `json:"md5OfBody"`
	EventSource       string            `json:"eventSource"`
	EventSourceARN    string            `json:"eventSourceARN"`
	AWSRegion         string            `json:"awsRegion"`
}

// Poll receives one batch, calls the function with it, and deletes what it did
// not report as failed: the rest comes back when its visibility timeout ends. It
// returns how many messages were received.
func (w *World) Poll(ctx context.Context, p Poller) int {
	q := w.queue(p.Queue)
	messages := q.receive(cmp.Or(p.BatchSize, maxReceive), q.VisibilityTimeout)
	if len(messages) == 0 {
		return 0
	}
	records := make([]record, len(messages))
	handles := make(map[string]string, len(messages))
	for i, m := range messages {
		handles[m.ID] = m.handle
		records[i] = record{
			MessageID: m.ID, ReceiptHandle: m.handle, Body: m.Body, MD5OfBody: m.md5,
			Attributes: w.messageAttributes(m), MessageAttributes: lambdaAttributes(m.attributes),
			EventSource: "aws:sqs", EventSourceARN: w.arn("sqs", q.Name), AWSRegion: w.region,
		}
	}
	response, err := p.Invoke(ctx, mustJSON(map[string]any{"Records": records}))
	if err != nil {
		return len(messages)
	}
	failed, err := failures(response, handles)
	if err != nil {
		return len(messages)
	}
	for _, m := range messages { // in order, for the same seed has the same world
		if !failed[m.ID] {
			_ = q.delete(handles[m.ID])
		}
	}
	return len(messages)
}

// failures are the messages that a response reports as failed. An error means
// that the whole batch failed.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func failures(response []byte, batch map[string]string) (map[string]bool, error) {
	if len(bytes.TrimSpace(response)) == 0 {
		return nil, nil
	}
	var r *struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		return nil, fmt.Errorf("the response is no batch response: %w", err)
	}
	if r == nil {
		return nil, nil
	}
	out := make(map[string]bool, len(r.BatchItemFailures))
	for _, f := range r.BatchItemFailures {
		if f.ItemIdentifier == nil {
			return nil, fmt.Errorf("an item has no itemIdentifier")
		}
		if _, ok := batch[*f.ItemIdentifier]; !ok {
			return nil, fmt.Errorf("the itemIdentifier %q is not in the batch", *f.ItemIdentifier)
		}
		out[*f.ItemIdentifier] = true
	}
	return out, nil
}

// lambdaAttributes are message attributes as Lambda writes them.
func lambdaAttributes(sent map[string]any) map[string]any {
	out := make(map[string]any, len(sent))
	for name, v := range sent {
		attribute, _ := v.(map[string]any)
		out[name] = map[string]any{
			"stringValue": attribute["StringValue"], "dataType": attribute["DataType"],
			"stringListValues": []string{}, "binaryListValues": []string{},
		}
	}
	return out
}

// Serve polls until the context ends, under any clock that others move. Several
// may serve the same queue.
func (w *World) Serve(ctx context.Context, p Poller) {
	q := w.queue(p.Queue)
	for ctx.Err() == nil {
		if w.Poll(ctx, p) > 0 {
			q.signal() // there may be more, for the others
			continue
		}
		if at, ok := q.next(w.Now()); ok {
			w.after(at.Sub(w.Now()), q.signal)
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

// Settle runs the pollers in the present goroutine, and moves the clock from one
// thing that is due to the next, until nothing is due or the time limit is over.
// It returns whether nothing is due any more. The world's clock must be
// [Virtual].
func (w *World) Settle(ctx context.Context, limit time.Duration, pollers ...Poller) bool {
	clock, ok := w.clock.(*Virtual)
	if !ok {
		panic("Settle moves a virtual clock, and this world has another")
	}
	end := w.Now().Add(limit)
	for ctx.Err() == nil {
		received := 0
		for _, p := range pollers {
			received += w.Poll(ctx, p)
		}
		if received > 0 {
			continue
		}
		at, due := clock.Next()
		for _, p := range pollers {
			if next, ok := w.queue(p.Queue).next(w.Now()); ok && (!due || next.Before(at)) {
				at, due = next, true
			}
		}
		if !due {
			return true
		}
		if at.After(end) {
			clock.Advance(end.Sub(w.Now()))
			return false
		}
		clock.Advance(at.Sub(w.Now()))
	}
	return false
}
