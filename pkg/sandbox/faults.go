package sandbox

import (
	"strings"
	"sync"
	"time"
)

// FaultKind is what goes wrong with a call.
type FaultKind string

// The kinds of faults.
const (
	NoFault     FaultKind = ""
	Throttle    FaultKind = "throttle"     // refused for its rate, without effect
	Unavailable FaultKind = "unavailable"  // a 503, without effect
	Denied      FaultKind = "denied"       // refused by a policy, without effect
	ResetBefore FaultKind = "reset-before" // the connection is reset, without effect
	ResetAfter  FaultKind = "reset-after"  // the effect takes place; the answer is lost
)

// Fault is something that goes wrong with calls on demand. A fault with a Delay
// and no Kind makes them slow.
type Fault struct {
	Service   string // signing name; empty for every service
	Operation string // empty for every operation
	Kind      FaultKind
	Delay     time.Duration // by the world's clock, before the rest happens
	// Probability is the share of calls that are hit. Zero means all of them.
	Probability float64
	// Times ends the fault after so many hits. Zero means never.
	Times int
	// From and Until bound the time of the calls that are hit, where they are set.
	From, Until time.Time
}

// faults are the faults of calls.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Fail arms a fault. Of several that hit a call, the one armed first counts.
func (w *World) Fail(f Fault) {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.list = append(w.faults.list, &f)
}

// Heal disarms all faults, of calls and of events.
func (w *World) Heal() {
	w.faults.mu.Lock()
	w.faults.list = nil
	w.faults.mu.Unlock()
	w.FailEvents(EventFaults{})
}

// pick is the fault that hits a call.
func (f *faults) pick(w *World, c *call) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if fault.Service != "" && fault.Service != c.Service || fault.Operation != "" && fault.Operation != c.Operation {
			continue
		}
		if !within(w.Now(), fault.From, fault.Until) || fault.Probability > 0 && w.chance() >= fault.Probability {
			continue
		}
		hit := *fault
		if fault.Times > 0 {
			if fault.Times--; fault.Times == 0 {
				f.list = append(f.list[:i:i], f.list[i+1:]...)
			}
		}
		return hit
	}
	return Fault{}
}

func within(now, from, until time.Time) bool {
	return (from.IsZero() || !now.Before(from)) && (until.IsZero() || now.Before(until))
}

// EventFaults are what goes wrong with the delivery of events.
type EventFaults struct {
	Drop      float64 // share of events that are lost
	Duplicate float64 // share of deliveries that take place twice
	// Omit is the share of CloudTrail records of creations whose request is left
	// out, as of one that is too large.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
	Omit float64
	// Window delays each delivery by a random time within it, so that their order
	// is lost.
	Window time.Duration
	// BlindFrom and BlindUntil lose every event between them.
	BlindFrom, BlindUntil time.Time
}

// FailEvents says what goes wrong with the delivery of events from now on.
func (w *World) FailEvents(f EventFaults) {
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	w.bus.faults = f
}

func (f *EventFaults) drops(w *World) bool {
	if !f.BlindUntil.IsZero() && within(w.Now(), f.BlindFrom, f.BlindUntil) {
		return true
	}
	return f.Drop > 0 && w.chance() < f.Drop
}

func (f *EventFaults) copies(w *World) int {
	if f.Duplicate > 0 && w.chance() < f.Duplicate {
		return 2
	}
	return 1
}

func (f *EventFaults) delay(w *World) time.Duration {
	if f.Window == 0 {
		return 0
	}
	return time.Duration(w.chance() * float64(f.Window))
}

// Call is a request that the world was asked to serve.
type Call struct {
	Service   string
	Operation string
	// Resource is the name or ARN of what the call is about, where it names one.
	Resource string
	Caller   string // ARN
	Time     time.Time
	// Done is false before the call is served, true after.
	Done bool
	// Outcome is the code of the error, empty where it was served.
	Outcome string
	Fault   FaultKind
	// Input and Output are there for [World.Watch] only, and must not be changed.
	Input  map[string]any
	Output any
}

// callLog keeps the last calls, and tells who watches.
type callLog struct {
	mu      sync.Mutex
	most    int
	ring    []Call
	next    int
	watches []func(Call)
}

// Calls returns the calls that were served, the oldest first: the last
// Options.CallLog of them.
func (w *World) Calls() []Call {
	l := &w.calls
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]Call{}, l.ring[l.next:]...), l.ring[:l.next]...)
}

// Watch has f called for every signed request, before it is served and after, in
// the goroutine that serves it.
func (w *World) Watch(f func(Call)) {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	w.calls.watches = append(w.calls.watches, f)
}

func (w *World) watch(c Call) {
	l := &w.calls
	l.mu.Lock()
	watches := l.watches
	if c.Done {
		kept := c
		kept.Input, kept.Output = nil, nil
		if len(l.ring) < l.most {
			l.ring = append(l.ring, kept)
		} else {
			l.ring[l.next] = kept
			l.next = (l.next + 1) % l.most
		}
	}
	l.mu.Unlock()
	for _, f := range watches {
		f(c)
	}
}

// resource is the name or the ARN that the input gives, best effort.
func (c *call) resource() string {
	switch c.Service {
	case "sqs":
		return queueName(c.text("QueueUrl"))
	case "sns":
		return c.text("TopicArn")
	case "s3":
		return c.text("Bucket") + "/" + c.text("Key")
	}
	noun := strings.TrimLeftFunc(c.Operation[min(1, len(c.Operation)):], func(r rune) bool { return r >= 'a' && r <= 'z' })
	for _, member := range []string{noun + "Name", noun + "Arn", strings.TrimSuffix(noun, "V2") + "Name", noun + "Id", "ResourceArn", "PipelineName"} {
		if name := c.text(member); name != "" {
			return name
		}
	}
	return ""
}

// text is a member of the input that is a string, or empty.
func (c *call) text(member string) string {
	s, _ := c.Input[member].(string)
	return s
}
