package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of SNS.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxNotification = 262_144 // bytes, with the attributes
	maxSubject      = 100     // characters; less than that
)

// Subscription is who gets the notifications of a topic.
type Subscription struct {
	Topic    string // ARN
	Protocol string // email, sqs, https, lambda …
	Endpoint string
	// FilterPolicy selects by message attributes: each attribute named has to
	// have one of the values. Empty selects everything.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
	FilterPolicy map[string][]string
}

// Notification is a message that was published.
type Notification struct {
	ID         string
	Topic      string // ARN
	Subject    string
	Message    string // as published
	Attributes map[string]string
	Time       time.Time
	// Deliveries are what the subscribers got.
	Deliveries []Delivery
}

// Delivery is what one subscriber got of a notification.
type Delivery struct {
	Protocol, Endpoint string
	Body               string
}

// topics is SNS. It delivers to nobody: it records what each would get.
type topics struct {
	world *World

	mu            sync.Mutex
	known         map[string]bool // ARN
	subscriptions []Subscription
	published     []Notification
}

func newTopics(w *World) *topics { return &topics{world: w, known: map[string]bool{}} }

// AddTopic makes a topic and returns its ARN.
func (w *World) AddTopic(name string) (arn string) {
	w.topics.mu.Lock()
	defer w.topics.mu.Unlock()
	arn = w.arn("sns", name)
	w.topics.known[arn] = true
	return arn
}

// Subscribe adds a subscription, confirmed.
func (w *World) Subscribe(s Subscription) {
	w.topics.mu.Lock()
	defer w.topics.mu.Unlock()
	w.topics.subscriptions = append(w.topics.subscriptions, s)
}

// Published returns what was published, the oldest first.
func (w *World) Published() []Notification {
	w.topics.mu.Lock()
	defer w.topics.mu.Unlock()
	return slices.Clone(w.topics.published)
}

func (t *topics) serve(c *call) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Operation != "Publish" {
		return nil, refuse("InvalidAction", "The action %s is not valid for this endpoint.", c.Operation)
	}
	if arn := c.text("TopicArn"); !t.known[arn] {
		return nil, &Error{Code: "NotFound", Message: "Topic does not exist", Status: http.StatusNotFound}
	}
	return t.publish(c)
}

func invalidParameter(format string, args ...any) *Error {
	return refuse("InvalidParameter", "Invalid parameter: "+format, args...)
}

func (t *topics) publish(c *call) (any, error) {
	n := Notification{
		ID: t.world.uuid(), Topic: c.text("TopicArn"), Subject: c.text("Subject"), Message: c.text("Message"),
		Time: t.world.Now(),
	}
	attributes, size, err := attributesOf(c)
	if err != nil {
		return nil, err
	}
	n.Attributes = attributes.values
	if n.Message == "" {
		return nil, invalidParameter("Empty message")
	}
	if len(n.Message)+size > maxNotification {
		return nil, invalidParameter("Message too long")
	}
	if s := n.Subject; s != "" && (utf8.RuneCountInString(s) >= maxSubject || strings.ContainsFunc(s, unicode.IsControl)) {
		return nil, invalidParameter("Subject")
	}
	bodies := map[string]string{"default": n.Message}
	switch structure := c.text("MessageStructure"); structure {
	case "":
	case "json":
		if bodies, err = structured(n.Message); err != nil {
			return nil, err
		}
	default:
		return nil, invalidParameter("MessageStructure %q", structure)
	}
	for _, s := range t.subscriptions {
		if s.Topic != n.Topic || !attributes.pass(s.FilterPolicy) {
			continue
		}
		body, own := bodies[s.Protocol]
		if !own {
			body = bodies["default"]
		}
		n.Deliveries = append(n.Deliveries, Delivery{s.Protocol, s.Endpoint, body})
	}
	t.published = append(t.published, n)
	return map[string]string{"MessageId": n.ID}, nil
}

// structured are the bodies by protocol. A key that is no transport protocol is
// ignored, and so is one whose value is no string. The messages are those that
// were recorded from SNS.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
// https://github.com/sivchari/kumo/pull/940
func structured(message string) (map[string]string, error) {
	var raw map[string]any
	if err := json.Unmarshal([]byte(message), &raw); err != nil || raw == nil {
		return nil, invalidParameter("Message Structure - JSON message body failed to parse")
	}
	bodies := map[string]string{}
	for protocol, body := range raw {
		if s, ok := body.(string); ok {
			bodies[protocol] = s
		}
	}
	if _, ok := bodies["default"]; !ok {
		return nil, invalidParameter("Message Structure - No default entry in JSON message body")
	}
	return bodies, nil
}

// attributes are message attributes, with what filters see.
type attributes struct {
	values map[string]string
	lists  map[string][]string
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// attributesOf reads the message attributes of a form, and how many bytes they
// count for.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func attributesOf(c *call) (attributes, int, error) {
	out := attributes{map[string]string{}, map[string][]string{}}
	size := 0
	for i := 1; ; i++ {
		entry := "MessageAttributes.entry." + strconv.Itoa(i) + "."
		name, present := c.Input[entry+"Name"].(string)
		if !present {
			return out, size, nil
		}
		dataType, value := c.text(entry+"Value.DataType"), c.text(entry+"Value.StringValue")
		lower := strings.ToLower(name)
		switch {
		case !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
			strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
			return out, 0, refuse("ParameterValueInvalid", "The message attribute name %q is not valid.", name)
		case value == "":
			return out, 0, refuse("ParameterValueInvalid", "The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, dataType)
		}
		switch dataType {
		case "String":
			out.lists[name] = []string{value}
		case "String.Array":
			var list []string
			if err := json.Unmarshal([]byte(value), &list); err != nil {
				return out, 0, refuse("ParameterValueInvalid", "The message attribute %q is no JSON array of strings.", name)
			}
			out.lists[name] = list
		default:
			return out, 0, refuse("ParameterValueInvalid", "Message attributes of type %q are not served here.", dataType)
		}
		if _, twice := out.values[name]; twice {
			return out, 0, refuse("ParameterValueInvalid", "The message attribute %q is there twice.", name)
		}
		out.values[name] = value
		size += len(name) + len(dataType) + len(value)
	}
}

// pass: of each attribute that the policy names, one value is among those that it
// lists.
func (a attributes) pass(policy map[string][]string) bool {
	for name, wanted := range policy {
		if !slices.ContainsFunc(a.lists[name], func(v string) bool { return slices.Contains(wanted, v) }) {
			return false
		}
	}
	return true
}
