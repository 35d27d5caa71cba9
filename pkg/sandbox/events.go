package sandbox

import (
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Rule sends the events that match to its targets, at least once.
type Rule struct {
	Name string
	// Match is the pattern. Nil matches everything.
	Match func(event []byte) bool
	// Queue is the name of a queue that gets the event as a message.
	Queue string
	// Invoke plays a Lambda function. Its error has the event delivered again
	// after one and after two minutes more; then it goes to DeadLetterQueue, or
	// is lost. Under [Virtual] it runs inside the Advance that it is due in.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
	Invoke          func(event []byte) error
	DeadLetterQueue string
}

// bus is the default event bus.
type bus struct {
	delay time.Duration

	mu     sync.Mutex
	rules  []Rule
	faults EventFaults
}

// envelope is what every event has.
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
type envelope struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

// AddRule adds a rule to the default event bus. Its queues have to be there
// before.
func (w *World) AddRule(r Rule) {
	for _, name := range []string{r.Queue, r.DeadLetterQueue} {
		if name != "" {
			w.queue(name)
		}
	}
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	w.bus.rules = append(w.bus.rules, r)
}

// Emit puts an event of an AWS service on the bus, for tests that play a service.
func (w *World) Emit(source, detailType string, resources []string, detail any) {
	w.emit(source, detailType, resources, detail)
}

// emit puts an event on the bus. It never calls a target itself: what it
// delivers, it delivers by the clock.
func (w *World) emit(source, detailType string, resources []string, detail any) {
	w.put(envelope{DetailType: detailType, Source: source, Resources: resources, Detail: detail})
}

// put completes an event, finds its rules and has it delivered.
func (w *World) put(e envelope) string {
	e.Version, e.ID, e.Account, e.Region = "0", w.uuid(), w.account, w.region
	if e.Time == "" {
		e.Time = w.Now().Format("2006-01-02T15:04:05Z")
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	w.bus.mu.Lock()
	rules, faults := w.bus.rules, w.bus.faults
	w.bus.mu.Unlock()
	if len(rules) == 0 || faults.drops(w) {
		return e.ID
	}
	event := mustJSON(e)
	for i := range rules {
		if rules[i].Match == nil || rules[i].Match(event) {
			for range faults.copies(w) {
				w.after(w.bus.delay+faults.delay(w), func() { w.deliver(&rules[i], event, 0) })
			}
		}
	}
	return e.ID
}

// pauses are what Lambda waits before it tries an asynchronous call again.
var pauses = []time.Duration{time.Minute, 2 * time.Minute}

func (w *World) deliver(r *Rule, event []byte, tries int) {
	if r.Queue != "" {
		w.queues.deliver(r.Queue, event)
	}
	if r.Invoke == nil || r.Invoke(event) == nil {
		return
	}
	if tries < len(pauses) {
		w.after(pauses[tries], func() { w.deliver(&Rule{Invoke: r.Invoke, DeadLetterQueue: r.DeadLetterQueue}, event, tries+1) })
	} else if r.DeadLetterQueue != "" {
		w.queues.deliver(r.DeadLetterQueue, event)
	}
}

// trail records a call as CloudTrail does, and puts the record on the bus.
// request and response are in the API's own casing; errorCode is empty where the
// call succeeded.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func (w *World) trail(c *call, request, response any, errorCode string) {
	record := map[string]any{
		"eventVersion":       "1.11",
		"userIdentity":       w.identity(c),
		"eventTime":          w.Now().Format("2006-01-02T15:04:05Z"),
		"eventSource":        c.Service + ".amazonaws.com",
		"eventName":          c.Operation,
		"awsRegion":          w.region,
		"sourceIPAddress":    "192.0.2.17",
		"userAgent":          c.header.Get("User-Agent"),
		"requestParameters":  lowered(request),
		"responseElements":   lowered(response),
		"requestID":          c.requestID,
		"eventID":            w.uuid(),
		"readOnly":           false,
		"eventType":          "AwsApiCall",
		"managementEvent":    true,
		"recipientAccountId": w.account,
		"eventCategory":      "Management",
	}
	if errorCode != "" {
		record["errorCode"] = errorCode
		record["responseElements"] = nil
	}
	w.bus.mu.Lock()
	omit := w.bus.faults.Omit
	w.bus.mu.Unlock()
	if omit > 0 && errorCode == "" && strings.HasPrefix(c.Operation, "Create") && w.chance() < omit {
		record["requestParameters"] = map[string]any{"omitted": true, "originalSize": 150_000, "reason": "Value too large"}
	}
	w.emit("aws."+c.Service, "AWS API Call via CloudTrail", nil, record)
}

// identity is the userIdentity of a role's session.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (w *World) identity(c *call) map[string]any {
	_, path, _ := strings.Cut(c.Caller, ":assumed-role/")
	role, session, _ := strings.Cut(path, "/")
	principal := "AROA" + strings.ToUpper(role)
	return map[string]any{
		"type":        "AssumedRole",
		"principalId": principal + ":" + session,
		"arn":         c.Caller,
		"accountId":   w.account,
		"accessKeyId": c.key,
		"sessionContext": map[string]any{
			"sessionIssuer": map[string]any{
				"type":        "Role",
				"principalId": principal,
				"arn":         "arn:" + w.partition + ":iam::" + w.account + ":role/" + role,
				"accountId":   w.account,
				"userName":    role,
			},
			"attributes": map[string]any{
				"creationDate":     w.Now().Format("2006-01-02T15:04:05Z"),
				"mfaAuthenticated": "false",
			},
		},
	}
}

// lowered is a document as CloudTrail writes it: the first letter of each member
// in lower case, all the way down, except in maps, whose keys the caller chose.
func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		out := make(map[string]any, len(v))
		for name, value := range v {
			if inner, ok := value.(map[string]any); ok && kind.FreeForm()[name] {
				out[lowerFirst(name)] = inner
			} else {
				out[lowerFirst(name)] = lowered(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = lowered(v[i])
		}
		return out
	}
	return v
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}
