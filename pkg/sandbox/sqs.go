package sandbox

import (
	"cmp"
	"container/heap"
	"crypto/md5" //nolint:gosec // SQS answers with MD5, and the SDK checks it
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxMessage    = 1 << 20
	maxVisibility = 43_200
	maxReceive    = 10
)

// Queue is a standard queue.
type Queue struct {
	Name string
	// VisibilityTimeout is 30 seconds unless told.
	VisibilityTimeout time.Duration
	// DeadLetterQueue is the name of the queue that takes a message which was
	// received MaxReceiveCount times and not deleted.
	DeadLetterQueue string
	MaxReceiveCount int
}

// Message is a message in a queue.
type Message struct {
	ID           string
	Body         string
	ReceiveCount int
	Sent         time.Time
}

// message is one message and where it is: in order, or in flight.
type message struct {
	Message
	md5         string
	first       time.Time // first receive
	visible     time.Time // when it comes back, if in flight
	place       int       // in the heap; -1 if not in flight
	handle      string    // of the last receive
	deleted     bool
	attributes  map[string]any // MessageAttributes, as sent
	attributes5 string         // their MD5
}

// queue holds what waits in order, and what is in flight by the time at which it
// comes back.
type queue struct {
	Queue
	world *World

	mu       sync.Mutex
	waiting  []*message
	head     int // of waiting
	flying   inFlight
	handles  map[string]*message
	dead     *queue
	receives int
	wake     chan struct{}
}

// queues is SQS.
type queues struct {
	world *World

	mu   sync.Mutex
	byID map[string]*queue
}

func newQueues(w *World) *queues { return &queues{world: w, byID: map[string]*queue{}} }

// AddQueue makes a queue and returns its URL. Its dead letter queue has to be
// there before.
func (w *World) AddQueue(q Queue) (url string) {
	q.VisibilityTimeout = cmp.Or(q.VisibilityTimeout, 30*time.Second)
	made := &queue{Queue: q, world: w, handles: map[string]*message{}, wake: make(chan struct{}, 1)}
	if q.DeadLetterQueue != "" {
		made.dead = w.queue(q.DeadLetterQueue)
	}
	w.queues.mu.Lock()
	defer w.queues.mu.Unlock()
	w.queues.byID[q.Name] = made
	return w.QueueURL(q.Name)
}

// QueueURL is the URL of a queue.
func (w *World) QueueURL(name string) string {
	return "https://sqs." + w.region + ".amazonaws.com/" + w.account + "/" + name
}

// Messages returns what a queue holds, in flight or not, in the order of sending.
func (w *World) Messages(name string) []Message {
	q := w.queue(name)
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Message
	for _, m := range q.waiting[q.head:] {
		if !m.deleted {
			out = append(out, m.Message)
		}
	}
	for _, m := range q.flying {
		out = append(out, m.Message)
	}
	slices.SortStableFunc(out, func(a, b Message) int { return a.Sent.Compare(b.Sent) })
	return out
}

// queue is a queue that the test made: another name is a mistake in the test.
func (w *World) queue(name string) *queue {
	q := w.queues.find(name)
	if q == nil {
		panic(fmt.Sprintf("the sandbox has no queue %q: call AddQueue first", name))
	}
	return q
}

func (s *queues) find(name string) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[name]
}

// deliver sends what a service of AWS puts into a queue.
func (s *queues) deliver(name string, body []byte) { s.world.queue(name).send(string(body), nil) }

// queueName is the last part of a queue's URL or ARN.
func queueName(url string) string { return url[strings.LastIndexAny(url, "/:")+1:] }

// queryCodes are the codes that errors of SQS had before its JSON protocol, and
// that SDKs still show.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
var queryCodes = map[string]string{
	"QueueDoesNotExist":              "AWS.SimpleQueueService.NonExistentQueue",
	"MessageNotInflight":             "AWS.SimpleQueueService.MessageNotInflight",
	"EmptyBatchRequest":              "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest":   "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":       "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"ReceiptHandleIsInvalid":         "ReceiptHandleIsInvalid",
	"InvalidParameterValueException": "InvalidParameterValue",
}

func (s *queues) serve(c *call) (any, error) {
	q := s.find(queueName(c.text("QueueUrl")))
	if q == nil {
		return nil, refuse("QueueDoesNotExist", "The specified queue does not exist.")
	}
	switch c.Operation {
	case "SendMessage":
		attributes, _ := c.Input["MessageAttributes"].(map[string]any)
		return q.sendMessage(c.text("MessageBody"), attributes)
	case "ReceiveMessage":
		return q.receiveMessage(c)
	case "DeleteMessage":
		return nil, q.delete(c.text("ReceiptHandle"))
	case "ChangeMessageVisibility":
		return nil, q.changeVisibility(c.Input)
	case "DeleteMessageBatch":
		return q.batch(c, func(entry map[string]any) error {
			handle, _ := entry["ReceiptHandle"].(string)
			return q.delete(handle)
		})
	case "ChangeMessageVisibilityBatch":
		return q.batch(c, q.changeVisibility)
	case "GetQueueAttributes":
		return q.attributes(c), nil
	}
	return nil, refuse("UnknownOperationException", "%s is not served here", c.Operation)
}

func (q *queue) sendMessage(body string, attributes map[string]any) (any, error) {
	size := len(body)
	if attributes != nil {
		size += len(mustJSON(attributes))
	}
	if body == "" || size > maxMessage {
		return nil, refuse("InvalidParameterValueException", "One or more parameters are invalid. Reason: Message must be of 1 to %d bytes, and has %d.", maxMessage, size)
	}
	m := q.send(body, attributes)
	out := map[string]string{"MessageId": m.ID, "MD5OfMessageBody": m.md5}
	if m.attributes5 != "" {
		out["MD5OfMessageAttributes"] = m.attributes5
	}
	return out, nil
}

func (q *queue) send(body string, attributes map[string]any) *message {
	sum := md5.Sum([]byte(body)) //nolint:gosec // as SQS does
	m := &message{
		Message:    Message{ID: q.world.uuid(), Body: body, Sent: q.world.Now()},
		md5:        hex.EncodeToString(sum[:]),
		place:      -1,
		attributes: attributes,
	}
	if len(attributes) > 0 {
		m.attributes5 = attributesMD5(attributes)
	}
	q.mu.Lock()
	q.waiting = append(q.waiting, m)
	q.mu.Unlock()
	q.signal()
	return m
}

// signal wakes who waits for messages.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// receive takes up to n messages out of sight for a while.
func (q *queue) receive(n int, visibility time.Duration) []*message {
	now := q.world.Now()
	var dead []*message
	q.mu.Lock()
	q.land(now)
	out := make([]*message, 0, n)
	for len(out) < n && q.head < len(q.waiting) {
		m := q.waiting[q.head]
		q.waiting[q.head] = nil
		q.head++
		if m.deleted {
			continue
		}
		if q.dead != nil && m.ReceiveCount >= q.MaxReceiveCount {
			delete(q.handles, m.handle)
			dead = append(dead, m)
			continue
		}
		delete(q.handles, m.handle)
		m.ReceiveCount++
		q.receives++
		m.handle = m.ID + "." + strconv.Itoa(m.ReceiveCount)
		q.handles[m.handle] = m
		if m.first.IsZero() {
			m.first = now
		}
		m.visible = now.Add(visibility)
		heap.Push(&q.flying, m)
		out = append(out, m)
	}
	if q.head > 1024 && q.head > len(q.waiting)/2 {
		q.waiting, q.head = slices.Clone(q.waiting[q.head:]), 0
	}
	q.mu.Unlock()
	if len(dead) > 0 {
		// The message keeps its id, its time and its count.
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
		q.dead.mu.Lock()
		q.dead.waiting = append(q.dead.waiting, dead...)
		q.dead.mu.Unlock()
		q.dead.signal()
	}
	return out
}

// land puts what is due back in order.
func (q *queue) land(now time.Time) {
	for len(q.flying) > 0 && !q.flying[0].visible.After(now) {
		m, _ := heap.Pop(&q.flying).(*message)
		q.waiting = append(q.waiting, m)
	}
}

// next is when the first message in flight comes back; now, if one waits.
func (q *queue) next(now time.Time) (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head < len(q.waiting) && q.waiting[q.head].deleted {
		q.head++
	}
	if q.head < len(q.waiting) {
		return now, true
	}
	if len(q.flying) > 0 {
		return q.flying[0].visible, true
	}
	return time.Time{}, false
}

// receiveMessage does not wait for messages: WaitTimeSeconds is for wall clocks.
func (q *queue) receiveMessage(c *call) (any, error) {
	n, err := bounded(c.Input, "MaxNumberOfMessages", 1, maxReceive, 1)
	if err != nil {
		return nil, err
	}
	visibility, err := bounded(c.Input, "VisibilityTimeout", 0, maxVisibility, int(q.VisibilityTimeout/time.Second))
	if err != nil {
		return nil, err
	}
	var messages []map[string]any
	for _, m := range q.receive(n, time.Duration(visibility)*time.Second) {
		out := map[string]any{
			"MessageId": m.ID, "ReceiptHandle": m.handle, "MD5OfBody": m.md5, "Body": m.Body,
			"Attributes": chosen(q.world.messageAttributes(m), c.Input, "MessageSystemAttributeNames", "AttributeNames"),
		}
		if m.attributes5 != "" && len(texts(c.Input, "MessageAttributeNames")) > 0 {
			out["MessageAttributes"], out["MD5OfMessageAttributes"] = m.attributes, m.attributes5
		}
		messages = append(messages, out)
	}
	return map[string]any{"Messages": messages}, nil
}

// messageAttributes are what SQS tells of a message.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (w *World) messageAttributes(m *message) map[string]string {
	return map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.ReceiveCount),
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"SenderId":                         w.account,
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
}

// delete: an older handle than the last succeeds without effect, and so does one
// of a message that is gone.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (q *queue) delete(handle string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !looksLikeHandle(handle) {
		return refuse("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	m := q.handles[handle]
	if m == nil {
		return nil
	}
	m.deleted = true
	delete(q.handles, handle)
	if m.place >= 0 {
		heap.Remove(&q.flying, m.place)
	}
	return nil
}

func looksLikeHandle(handle string) bool {
	id, count, ok := strings.Cut(handle, ".")
	_, err := strconv.Atoi(count)
	return ok && len(id) == 36 && err == nil
}

// changeVisibility has a message in flight come back at another time. Twelve
// hours after its first receive it comes back in any case.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (q *queue) changeVisibility(input map[string]any) error {
	handle, _ := input["ReceiptHandle"].(string)
	seconds, err := bounded(input, "VisibilityTimeout", 0, maxVisibility, -1)
	if err != nil {
		return err
	}
	if seconds < 0 {
		return refuse("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
	}
	if !looksLikeHandle(handle) {
		return refuse("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	now := q.world.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.land(now)
	m := q.handles[handle]
	if m == nil || m.place < 0 {
		return refuse("MessageNotInflight", "The message referred to is not in flight.")
	}
	back := now.Add(time.Duration(seconds) * time.Second)
	if back.After(m.first.Add(maxVisibility * time.Second)) {
		return refuse("InvalidParameterValueException", "Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [%d seconds].", seconds, maxVisibility)
	}
	m.visible = back
	heap.Fix(&q.flying, m.place)
	q.signal()
	return nil
}

// batch does the same with up to ten entries, and says which failed.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
func (q *queue) batch(c *call, do func(entry map[string]any) error) (any, error) {
	entries, _ := c.Input["Entries"].([]any)
	if len(entries) == 0 {
		return nil, refuse("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxReceive {
		return nil, refuse("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxReceive, len(entries))
	}
	successful, failed := []map[string]any{}, []map[string]any{}
	seen := map[string]bool{}
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		id, _ := entry["Id"].(string)
		if id == "" || seen[id] {
			return nil, refuse("BatchEntryIdsNotDistinct", "Id %q is empty or repeated.", id)
		}
		seen[id] = true
	}
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if err := do(entry); err != nil {
			failed = append(failed, map[string]any{"Id": entry["Id"], "Code": outcome(err), "Message": err.Error(), "SenderFault": true})
		} else {
			successful = append(successful, map[string]any{"Id": entry["Id"]})
		}
	}
	return map[string]any{"Successful": successful, "Failed": failed}, nil
}

func (q *queue) attributes(c *call) any {
	now := q.world.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.land(now)
	waiting := 0
	for _, m := range q.waiting[q.head:] {
		if !m.deleted {
			waiting++
		}
	}
	all := map[string]string{
		"QueueArn":                              q.world.arn("sqs", q.Name),
		"ApproximateNumberOfMessages":           strconv.Itoa(waiting),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(len(q.flying)),
		"VisibilityTimeout":                     strconv.Itoa(int(q.VisibilityTimeout / time.Second)),
		"MaximumMessageSize":                    strconv.Itoa(maxMessage),
	}
	if q.dead != nil {
		all["RedrivePolicy"] = string(mustJSON(map[string]any{
			"deadLetterTargetArn": q.world.arn("sqs", q.DeadLetterQueue), "maxReceiveCount": q.MaxReceiveCount,
		}))
	}
	return map[string]any{"Attributes": chosen(all, c.Input, "AttributeNames")}
}

// chosen are the attributes that the call asked for.
func chosen(all map[string]string, input map[string]any, members ...string) map[string]string {
	out := map[string]string{}
	for _, member := range members {
		for _, name := range texts(input, member) {
			if name == "All" {
				return all
			}
			if value, ok := all[name]; ok {
				out[name] = value
			}
		}
	}
	return out
}

// texts is a member that is a list of strings.
func texts(input map[string]any, member string) []string {
	list, _ := input[member].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// bounded is a number of the input within its bounds; otherwise where there is
// none.
func bounded(input map[string]any, member string, least, most, otherwise int) (int, error) {
	v, ok := input[member]
	if !ok || v == nil {
		return otherwise, nil
	}
	number, _ := v.(json.Number)
	n, err := strconv.Atoi(number.String())
	if err != nil || n < least || n > most {
		return 0, refuse("InvalidParameterValueException", "Value %v for parameter %s is invalid. Reason: Must be >= %d and <= %d, if provided.", v, member, least, most)
	}
	return n, nil
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err)) // values of our own
	}
	return b
}

// attributesMD5 is the digest of message attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func attributesMD5(attributes map[string]any) string {
	var b []byte
	text := func(s string) {
		n := len(s)
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) //nolint:gosec // big endian
		b = append(b, s...)
	}
	for _, name := range sortedKeys(attributes) {
		attribute, _ := attributes[name].(map[string]any)
		dataType, _ := attribute["DataType"].(string)
		value, _ := attribute["StringValue"].(string)
		text(name)
		text(dataType)
		b = append(b, 1) // a string, not bytes
		text(value)
	}
	sum := md5.Sum(b) //nolint:gosec // as SQS does
	return hex.EncodeToString(sum[:])
}

// inFlight is a heap by the time at which messages come back.
type inFlight []*message

func (f inFlight) Len() int           { return len(f) }
func (f inFlight) Less(i, j int) bool { return f[i].visible.Before(f[j].visible) }
func (f inFlight) Swap(i, j int) {
	f[i], f[j] = f[j], f[i]
	f[i].place, f[j].place = i, j
}

func (f *inFlight) Push(x any) {
	m := x.(*message) //nolint:errcheck // only this file pushes
	m.place = len(*f)
	*f = append(*f, m)
}

func (f *inFlight) Pop() any {
	old := *f
	last := old[len(old)-1]
	last.place = -1
	old[len(old)-1] = nil
	*f = old[:len(old)-1]
	return last
}

// Send puts a message into a queue, as somebody would who may.
func (w *World) Send(name, body string) { w.queues.deliver(name, []byte(body)) }
