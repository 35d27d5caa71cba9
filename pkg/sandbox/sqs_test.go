package sandbox_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func (b *bed) send(t testing.TB, queue, body string) string {
	t.Helper()
	out, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(b.QueueURL(queue)), MessageBody: &body})
	ok(t, err)
	return *out.MessageId
}

func (b *bed) receive(t testing.TB, queue string) []types.Message {
	t.Helper()
	out, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(b.QueueURL(queue)), MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	ok(t, err)
	return out.Messages
}

// TestVisibility: what is received is out of sight until its time is over, and
// comes back with its count.
func TestVisibility(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q", VisibilityTimeout: time.Minute}))
	out, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("ünïcödé"),
		MessageAttributes: map[string]types.MessageAttributeValue{"team": {DataType: aws.String("String"), StringValue: aws.String("fraud")}},
	})
	ok(t, err)
	first := b.receive(t, "q")
	if len(first) != 1 || *first[0].MessageId != *out.MessageId || *first[0].Body != "ünïcödé" {
		t.Fatalf("received %v", first)
	}
	if a := first[0].MessageAttributes["team"]; a.StringValue == nil || *a.StringValue != "fraud" || *first[0].MD5OfMessageAttributes != *out.MD5OfMessageAttributes {
		t.Errorf("message attributes %v", first[0].MessageAttributes)
	}
	if a := first[0].Attributes; a["ApproximateReceiveCount"] != "1" || a["SentTimestamp"] != strconv.FormatInt(start.UnixMilli(), 10) {
		t.Errorf("attributes %v", a)
	}
	b.clock.Advance(time.Minute - time.Nanosecond)
	if again := b.receive(t, "q"); len(again) != 0 {
		t.Fatal("a message in flight was received")
	}
	b.clock.Advance(time.Nanosecond)
	again := b.receive(t, "q")
	if len(again) != 1 || again[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("received %v", again)
	}
	// The older handle deletes nothing; the newer does.
	_, err = b.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: first[0].ReceiptHandle})
	ok(t, err)
	if got := b.Messages("q"); len(got) != 1 {
		t.Fatalf("an old handle deleted the message: %v", got)
	}
	_, err = b.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: again[0].ReceiptHandle})
	ok(t, err)
	again = b.receive(t, "q")
	if len(again) != 1 {
		t.Fatal("a visibility timeout of nothing did not bring the message back")
	}
	for range 2 { // the second time it is gone, which is fine
		_, err = b.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: again[0].ReceiptHandle})
		ok(t, err)
	}
	b.clock.Advance(time.Hour)
	if got := b.Messages("q"); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}

// TestVisibilityBounds: AWS refuses what is longer than twelve hours, in one go or
// in several.
func TestVisibilityBounds(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
	b.send(t, "q", "x")
	handle := b.receive(t, "q")[0].ReceiptHandle
	change := func(handle *string, seconds int32) error {
		_, err := b.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: seconds})
		return err
	}
	wantCode(t, "43,201 seconds", change(handle, 43_201), "InvalidParameterValue")
	wantCode(t, "-1 second", change(handle, -1), "InvalidParameterValue")
	wantCode(t, "twelve hours", change(handle, 43_200), "")
	b.clock.Advance(time.Second)
	wantCode(t, "twelve hours and a second", change(handle, 43_200), "InvalidParameterValue")
	wantCode(t, "what is left of twelve hours", change(handle, 43_199), "")
	wantCode(t, "no handle", change(aws.String("nonsense"), 1), "ReceiptHandleIsInvalid")
	b.clock.Advance(12 * time.Hour)
	var landed *types.MessageNotInflight
	if err := change(handle, 1); !errors.As(err, &landed) {
		t.Errorf("no longer in flight: %v", err)
	}
	_, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 11})
	wantCode(t, "eleven messages", err, "InvalidParameterValue")
	_, err = b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, VisibilityTimeout: 43_201})
	wantCode(t, "a receive for too long", err, "InvalidParameterValue")
	_, err = b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(b.QueueURL("other"))})
	wantCode(t, "no queue", err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = b.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: url})
	wantCode(t, "an operation that is not served", err, "UnknownOperationException")
	_, err = b.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("nonsense")})
	wantCode(t, "a deletion without a handle", err, "ReceiptHandleIsInvalid")
}

func TestMessageSize(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
	for size, want := range map[int]string{1: "", 1 << 20: "", 1<<20 + 1: "InvalidParameterValue", 0: "InvalidParameterValue"} {
		_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", size))})
		wantCode(t, fmt.Sprintf("%d bytes", size), err, want)
	}
}

// TestRedrive: what was received too often without being deleted goes to the dead
// letter queue, as it is.
func TestRedrive(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.AddQueue(sandbox.Queue{Name: "dead"})
	b.AddQueue(sandbox.Queue{Name: "q", VisibilityTimeout: time.Minute, DeadLetterQueue: "dead", MaxReceiveCount: 3})
	id := b.send(t, "q", "poison")
	for i := range 3 {
		if got := b.receive(t, "q"); len(got) != 1 {
			t.Fatalf("receive %d: %v", i+1, got)
		}
		b.clock.Advance(time.Minute)
	}
	if got := b.receive(t, "q"); len(got) != 0 {
		t.Fatalf("a fourth receive: %v", got)
	}
	dead := b.receive(t, "dead")
	if len(dead) != 1 || *dead[0].MessageId != id || dead[0].Attributes["ApproximateReceiveCount"] != "4" ||
		dead[0].Attributes["SentTimestamp"] != strconv.FormatInt(start.UnixMilli(), 10) {
		t.Errorf("dead letters: %v", dead)
	}
	out, err := b.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(b.QueueURL("q")), AttributeNames: []types.QueueAttributeName{"All"},
	})
	ok(t, err)
	if !strings.Contains(out.Attributes["RedrivePolicy"], `"maxReceiveCount":3`) || out.Attributes["VisibilityTimeout"] != "60" {
		t.Errorf("attributes of the queue: %v", out.Attributes)
	}
	one, err := b.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(b.QueueURL("dead")), AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessagesNotVisible"},
	})
	ok(t, err)
	if len(one.Attributes) != 1 || one.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("attributes of the dead letter queue: %v", one.Attributes)
	}
}

func TestBatches(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	url := aws.String(b.AddQueue(sandbox.Queue{Name: "q"}))
	for i := range 3 {
		b.send(t, "q", strconv.Itoa(i))
	}
	messages := b.receive(t, "q")
	change, err := b.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: messages[0].ReceiptHandle, VisibilityTimeout: 600},
		{Id: aws.String("b"), ReceiptHandle: messages[1].ReceiptHandle, VisibilityTimeout: 50_000},
	}})
	ok(t, err)
	if len(change.Successful) != 1 || len(change.Failed) != 1 || *change.Failed[0].Id != "b" || *change.Failed[0].Code != "InvalidParameterValueException" {
		t.Errorf("changed %v, failed %v", change.Successful, change.Failed)
	}
	remove := func(entries ...types.DeleteMessageBatchRequestEntry) (*sqs.DeleteMessageBatchOutput, error) {
		return b.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: append([]types.DeleteMessageBatchRequestEntry{}, entries...)})
	}
	entry := func(id string, handle *string) types.DeleteMessageBatchRequestEntry {
		return types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: handle}
	}
	out, err := remove(entry("a", messages[1].ReceiptHandle), entry("b", messages[2].ReceiptHandle), entry("c", aws.String("nonsense")))
	ok(t, err)
	if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "c" {
		t.Errorf("deleted %v, failed %v", out.Successful, out.Failed)
	}
	b.clock.Advance(time.Minute)
	if got := b.Messages("q"); len(got) != 1 || got[0].Body != "0" || got[0].ReceiveCount != 1 {
		t.Errorf("left: %v", got)
	}
	if got := b.receive(t, "q"); len(got) != 0 {
		t.Errorf("what was changed to ten minutes is back after one: %v", got)
	}
	_, err = remove()
	wantCode(t, "no entries", err, "AWS.SimpleQueueService.EmptyBatchRequest")
	_, err = remove(entry("a", aws.String("x")), entry("a", aws.String("x")))
	wantCode(t, "ids twice", err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
	var eleven []types.DeleteMessageBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(strconv.Itoa(i), aws.String("x")))
	}
	_, err = remove(eleven...)
	wantCode(t, "eleven entries", err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
}
