package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queueSubject() subject {
	return subject{"Queues", []Check{
		{ID: "queue", Why: "a message that comes back too soon is judged twice, and one that is given up too soon is lost", Deployed: true},
		{ID: "queue-policy", Why: "EventBridge must be able to send, and nobody else: whoever can, can make up events", Deployed: true},
		{ID: "queue-age", Why: "what waits is not judged", Deployed: true},
		{ID: "dead-letters", Why: "each message is something that was given up", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		all := x.queues(ctx)
		events := all[OutQueue]
		out := []Line{judgeQueue(x, events, x.configs(ctx)["audit"]), judgeQueuePolicy(x, events), judgeAge(x, events, x.metrics(ctx).recent)}
		return append(out, judgeLetters(x, all)...)
	}}
}

// letters are the dead letter queues, what is in them, and what to do with it.
var letters = []struct{ output, of, note string }{
	{
		OutQueueDeadLetter, "events that EventBridge could not deliver, or audit could not handle",
		"The sweep finds within 15 minutes what they told of. Look at them, mend what made them fail, then: aws sqs purge-queue. They cannot be moved back: the queue takes messages of EventBridge alone.",
	},
	{
		OutStreamDeadLetter, "batches of the ledger's stream that publish or respond gave up",
		"Each names a place in the stream, which DynamoDB keeps for a day. publish imports once a day what is missing; respond looks again at what is due. Mend what made them fail, then: aws sqs purge-queue.",
	},
	{
		OutFindingDeadLetter, "findings that Security Hub refuses for good",
		"Each has the reason with it. Report it: a finding that is refused is a fault of ours.",
	},
}

// readQueues asks for the attributes of each queue, by the name of its output.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func readQueues(ctx context.Context, x *session) map[string]answer[map[string]string] {
	out := map[string]answer[map[string]string]{}
	for _, key := range []string{OutQueue, OutQueueDeadLetter, OutStreamDeadLetter, OutFindingDeadLetter} {
		url := x.stack.out(key)
		if url == "" {
			continue
		}
		got, err := x.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		a := answer[map[string]string]{err: err, action: "sqs:GetQueueAttributes"}
		if err == nil {
			a.value, a.got = got.Attributes, true
		}
		out[key] = a
	}
	return out
}

// receives is how often a message is received before it is given up, at least:
// what is waited for is received again too. See docs/functions.md.
const receives = 20

// retention is how many seconds the queue keeps a message: the longest that SQS has.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const retention = 14 * 24 * 3600

// judgeQueue looks at the settings of the event queue.
func judgeQueue(x *session, q answer[map[string]string], audit answer[configuration]) Line {
	url := x.stack.out(OutQueue)
	if q.missing() {
		return line("queue", Failed, "the queue "+lastOf(url)+" is not there", "make deploy")
	}
	if !q.got {
		return q.unknown("queue")
	}
	set := func(name, value string) string {
		return x.aws("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", inJSON(map[string]string{name: value}))
	}
	var wrong, fix []string
	var redrive struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // a number, or one as text
	}
	_ = json.Unmarshal([]byte(q.value["RedrivePolicy"]), &redrive)
	want := x.queueARN(x.stack.out(OutQueueDeadLetter))
	count, _ := strconv.Atoi(strings.Trim(string(redrive.MaxReceiveCount), `"`))
	if redrive.DeadLetterTargetArn != want || count < receives {
		what := fmt.Sprintf("gives up after %d receives, want %d", count, receives)
		if redrive.DeadLetterTargetArn != want {
			what = "does not give up to the stack's dead letter queue"
		}
		wrong = append(wrong, what)
		fix = append(fix, set("RedrivePolicy", inJSON(map[string]any{"deadLetterTargetArn": want, "maxReceiveCount": receives})))
	}
	visible, _ := strconv.Atoi(q.value["VisibilityTimeout"])
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	if audit.got && visible < 6*audit.value.Timeout {
		wrong = append(wrong, fmt.Sprintf("hides a message for %d s, and audit may take %d s: want 6 times as long", visible, audit.value.Timeout))
		fix = append(fix, set("VisibilityTimeout", strconv.Itoa(6*audit.value.Timeout)))
	}
	if q.value["SqsManagedSseEnabled"] != "true" {
		// EventBridge cannot deliver to a queue with the key that AWS manages.
		// https://github.com/aws/aws-cdk/issues/30549
		what := "is not encrypted at rest"
		if key := q.value["KmsMasterKeyId"]; key != "" {
			what = "is encrypted by a KMS key: EventBridge delivers only if that key's policy lets it"
		}
		wrong = append(wrong, what)
		fix = append(fix, set("SqsManagedSseEnabled", "true"))
	}
	if kept, _ := strconv.Atoi(q.value["MessageRetentionPeriod"]); kept < retention {
		wrong = append(wrong, fmt.Sprintf("loses what waits for %s: want %s", ago(time.Duration(kept)*time.Second), days(retention*time.Second)))
		fix = append(fix, set("MessageRetentionPeriod", strconv.Itoa(retention)))
	}
	if delay := q.value["DelaySeconds"]; delay != "0" {
		wrong = append(wrong, "holds each event back for "+cmp.Or(delay, "an unknown number of")+" s")
		fix = append(fix, set("DelaySeconds", "0"))
	}
	if len(wrong) > 0 {
		return line("queue", Failed, lastOf(url)+" "+strings.Join(wrong, "; "), fix...)
	}
	if !audit.got {
		l := audit.unknown("queue")
		l.Found = "how long audit may take is not known: " + l.Found
		return l
	}
	return line("queue", OK, fmt.Sprintf("%s gives up after %d receives, hides for %d s, keeps for %s, is encrypted", lastOf(url), count, visible, days(retention*time.Second)))
}

func judgeQueuePolicy(x *session, q answer[map[string]string]) Line {
	if q.missing() {
		return line("queue-policy", Failed, "the queue is not there", "make deploy")
	}
	if !q.got {
		return q.unknown("queue-policy")
	}
	space := x.arn("events", "rule/")
	var rules []string
	for _, name := range x.stack.rules() {
		rules = append(rules, space+name)
	}
	queue := x.queueARN(x.stack.out(OutQueue))
	if wrong := judgePolicy(q.value["Policy"], queue, x.account, space, rules); len(wrong) > 0 {
		return line("queue-policy", Failed, "the policy "+strings.Join(wrong, "; "),
			x.aws("sqs", "set-queue-attributes", "--queue-url", x.stack.out(OutQueue), "--attributes", inJSON(map[string]string{"Policy": queuePolicy(queue, rules)})))
	}
	return line("queue-policy", OK, fmt.Sprintf("%d rules may send, everybody else is denied, and so is what comes without TLS", len(rules)))
}

// queuePolicy is the policy as it should be.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
func queuePolicy(queue string, rules []string) string {
	return inJSON(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": sendMessage, "Resource": queue,
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rules}},
		},
		map[string]any{
			"Effect": "Deny", "Principal": "*", "Action": sendMessage, "Resource": queue,
			"Condition": map[string]any{"ArnNotEquals": map[string]any{"aws:SourceArn": rules}},
		},
		map[string]any{
			"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": queue,
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
	}})
}

// How old the oldest message may be.
const (
	lateWarning = 15 * time.Minute
	lateFailure = time.Hour
)

// judgeAge says whether events wait. SQS tells of a queue only while something
// happens in it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func judgeAge(x *session, q answer[map[string]string], m answer[map[series][]point]) Line {
	if q.missing() {
		return line("queue-age", Failed, "the queue is not there", "make deploy")
	}
	if !q.got {
		return q.unknown("queue-age")
	}
	waiting, known := depth(q.value)
	if !known {
		return line("queue-age", Unknown, "SQS does not say how many messages there are")
	}
	if waiting == 0 {
		return line("queue-age", OK, "nothing waits")
	}
	if !m.got {
		return m.unknown("queue-age")
	}
	since := x.Now().Add(-lateWarning)
	oldest, any := time.Duration(0), false
	for _, p := range m.value[queueAge(lastOf(x.stack.out(OutQueue)))] {
		if p.at.Add(fine).After(since) {
			oldest, any = max(oldest, time.Duration(p.value*float64(time.Second))), true
		}
	}
	found := fmt.Sprintf("%d messages, the oldest %s old", waiting, ago(oldest))
	logs := x.aws("logs", "tail", "/aws/lambda/"+x.stack.out(OutAudit), "--since", "1h", "--filter-pattern", "ERROR")
	switch {
	case !any:
		return line("queue-age", Unknown, fmt.Sprintf("%d messages, and CloudWatch does not say how old", waiting), "# look again in a few minutes")
	case oldest >= lateFailure:
		return line("queue-age", Failed, found, logs)
	case oldest >= lateWarning:
		return line("queue-age", Warning, found, logs)
	}
	return line("queue-age", OK, found)
}

// depth is how many messages a queue holds, in whatever state.
func depth(attributes map[string]string) (n int, known bool) {
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		one, err := strconv.Atoi(attributes[name])
		if err != nil {
			return 0, false
		}
		n += one
	}
	return n, true
}

func judgeLetters(x *session, all map[string]answer[map[string]string]) (out []Line) {
	for _, l := range letters {
		a, url := all[l.output], x.stack.out(l.output)
		switch n, known := depth(a.value); {
		case url == "":
			out = append(out, line("dead-letters", Failed, "the stack does not name the queue of "+l.of, "make deploy"))
		case a.missing():
			out = append(out, line("dead-letters", Failed, lastOf(url)+" is not there: "+l.of+" are lost", "make deploy"))
		case !a.got:
			out = append(out, a.unknown("dead-letters"))
		case !known:
			out = append(out, line("dead-letters", Unknown, "SQS does not say how many messages are in "+lastOf(url)))
		case n > 0:
			out = append(out, line("dead-letters", Failed, fmt.Sprintf("%s holds %d: %s", lastOf(url), n, l.of),
				x.aws("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10", "--attribute-names", "All", "--message-attribute-names", "All")).with(l.note))
		}
	}
	if len(out) == 0 {
		out = append(out, line("dead-letters", OK, fmt.Sprintf("all %d are empty", len(letters))))
	}
	return slices.Clip(out)
}
