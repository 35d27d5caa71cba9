// Package intake is the audit function: it takes events from the queue and has
// each resource that they tell of judged. Each message stands for itself: one
// that fails, or panics, is tried again, and takes no other with it.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	ours "github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Handler judges what messages tell of.
type Handler struct {
	Evaluator *evaluate.Evaluator
	// Delay has a message seen again only after a while. It is told the message's
	// receipt handle.
	Delay func(ctx context.Context, receipt string, d time.Duration) error
	// OwnRoles are the roles of sagemoat's functions, whose events are ignored.
	OwnRoles []string
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  *telemetry.Metrics
}

// spare is how long before its deadline the function begins nothing new.
const spare = 2 * time.Second

// parallel is how many messages are judged at the same time.
const parallel = 8

// outcome says what became of a message.
type outcome string

const (
	judged    outcome = "judged"
	prevented outcome = "prevented"
	ignored   outcome = "ignored"
	later     outcome = "later"  // not certain yet
	again     outcome = "again"  // something failed that may pass
	poison    outcome = "poison" // cannot be read, and never will be
)

// Handle judges a batch. What failed is to be delivered again: the response names
// those messages and no other.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (h *Handler) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	failed := make([]bool, len(batch.Records))
	deadline, limited := ctx.Deadline()
	work := ctx
	if limited {
		// What takes longer is given up in time to hand back no more than that.
		var cancel context.CancelFunc
		work, cancel = context.WithDeadline(ctx, deadline.Add(-spare/2))
		defer cancel()
	}
	group := errgroup.Group{}
	group.SetLimit(parallel)
	var mu sync.Mutex // of the metrics
	one := func(i int) {
		if work.Err() != nil || limited && deadline.Sub(h.Now()) < spare {
			failed[i] = true
			return
		}
		m := &batch.Records[i]
		began := h.Now()
		result, about, err := h.message(work, m)
		failed[i] = result == later || result == again || result == poison
		if failed[i] {
			if err := h.Delay(ctx, m.ReceiptHandle, wait(result, m)); err != nil {
				// It comes back all the same, after the queue's own timeout.
				h.Log.LogAttrs(ctx, slog.LevelWarn, "delay", slog.String("outcome", "visibility timeout not changed"), telemetry.Error(err))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		h.count(result, about)
		h.log(ctx, result, about, err, h.Now().Sub(began))
	}
	last := len(batch.Records) - 1
	for i := range last {
		group.Go(func() error {
			one(i)
			return nil
		})
	}
	if last >= 0 {
		one(last) // here: most batches are of one, which needs no goroutine
	}
	_ = group.Wait() // what failed is in failed
	var out events.SQSEventResponse
	for i, f := range failed {
		if f {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: batch.Records[i].MessageId})
		}
	}
	h.Metrics.Count(telemetry.Received, len(batch.Records))
	return out, h.Metrics.Flush()
}

// subject is what a message was about, for the log.
type subject struct {
	event, id, resource string
	entry               *ledger.Entry
	kind                kind.Kind
	missed              bool
}

// message judges what one message tells of. A panic is contained to it.
func (h *Handler) message(ctx context.Context, m *events.SQSMessage) (result outcome, about subject, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = again, fmt.Errorf("panic: %T at %s", p, where())
		}
	}()
	if len(m.Body) > jsondoc.MaxBytes {
		return poison, about, fmt.Errorf("a message of %d bytes, more than %d", len(m.Body), jsondoc.MaxBytes)
	}
	if hint, ok := ours.ReadHint([]byte(m.Body)); ok {
		return h.hint(ctx, hint)
	}
	observations, err := ours.Decode([]byte(m.Body))
	if err != nil {
		return poison, about, err
	}
	result = ignored
	for _, o := range observations {
		var one outcome
		one, about, err = h.observation(ctx, o, m)
		if one == poison || one == again || one == later {
			return one, about, err
		}
		if one != ignored {
			result = one
		}
	}
	return result, about, nil
}

// where is the function that panicked: what it panicked with may quote a record.
func where() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "sagemoat") || !more {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
	}
}

func (h *Handler) hint(ctx context.Context, hint ours.Hint) (outcome, subject, error) {
	row, _ := kind.Of(hint.Kind)
	about := subject{event: "sweep", resource: evaluate.Resource(hint.Kind, hint.Key), kind: hint.Kind, missed: hint.Missed}
	entry, err := h.Evaluator.Look(ctx, row, hint.Key)
	about.entry = entry
	return told(err), about, err
}

// told is the outcome of an evaluation.
func told(err error) outcome {
	switch {
	case errors.Is(err, evaluate.ErrNotYet):
		return later
	case err != nil:
		return again
	}
	return judged
}

func (h *Handler) observation(ctx context.Context, o *kind.Observation, m *events.SQSMessage) (outcome, subject, error) {
	about := subject{event: o.Source.Event, id: o.Source.ID, resource: evaluate.Resource(o.Row.Kind, o.Key), kind: o.Row.Kind}
	scope := h.Evaluator.Scope
	switch {
	case o.Account != scope.Account || o.Region != scope.Region:
		// A rule of this account and Region delivers no such event.
		return ignored, about, fmt.Errorf("an event of account %s in %s, not of %s in %s", o.Account, o.Region, scope.Account, scope.Region)
	case o.Principal != "" && slices.Contains(h.OwnRoles, o.Principal):
		return ignored, about, nil
	case o.Refused != "":
		return prevented, about, nil
	case o.Key == "":
		return poison, about, fmt.Errorf("%s names no %s", o.Source.Event, o.Row.Words)
	}
	entry, err := h.Evaluator.Record(ctx, o, h.age(o, m))
	about.entry = entry
	return told(err), about, err
}

// age is how long ago a message was sent, or if it does not tell what it speaks
// of happened.
func (h *Handler) age(o *kind.Observation, m *events.SQSMessage) time.Duration {
	since := o.Time
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		since = time.UnixMilli(ms)
	}
	return h.Now().Sub(since)
}

// wait is how long a message is left alone. What cannot be seen yet will be soon:
// a little longer each time, so that two minutes pass in five times. What failed
// may go on failing: twice as long each time, so that the queue's 20 receives last
// for hours. What cannot be read is to be among the dead letters soon.
func wait(result outcome, m *events.SQSMessage) time.Duration {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		n = 1
	}
	switch result {
	case later:
		return min(5*time.Second<<min(n, 4), time.Minute)
	case again:
		return min(15*time.Second<<min(n, 6), 15*time.Minute)
	case poison, judged, prevented, ignored:
	}
	return 30 * time.Second
}

func (h *Handler) count(result outcome, about subject) {
	switch result {
	case judged:
		h.Metrics.Count(telemetry.Judged, 1)
		if about.missed {
			h.Metrics.Count(telemetry.MissedEvents, 1)
		}
		if about.entry == nil {
			return
		}
		switch about.entry.Verdict.Compliance {
		case rules.Failed:
			h.Metrics.Count(telemetry.Failed, 1)
		case rules.Warning:
			h.Metrics.Count(telemetry.Warned, 1)
		case rules.Passed, rules.NotAvailable, rules.Excepted:
		}
	case prevented:
		h.Metrics.Count(telemetry.Prevented, 1)
	case ignored:
		h.Metrics.Count(telemetry.Ignored, 1)
	case later, again:
		h.Metrics.Count(telemetry.Retried, 1)
	case poison:
		h.Metrics.Count(telemetry.Poison, 1)
	}
}

// log writes the one line of a message.
func (h *Handler) log(ctx context.Context, result outcome, about subject, err error, took time.Duration) {
	level := slog.LevelInfo
	if result == again || result == poison {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("outcome", string(result)), slog.Int64("duration_ms", took.Milliseconds())}
	for _, a := range []struct{ key, value string }{{"event", about.event}, {"request", about.id}, {"resource", about.resource}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if e := about.entry; e != nil {
		v := &e.Verdict
		attrs = append(attrs, slog.String("class", v.Class), slog.String("compliance", string(v.Compliance)), slog.String("severity", string(v.Severity)), slog.String("state", string(e.Life.State)))
	}
	if err != nil {
		attrs = append(attrs, telemetry.Error(err))
	}
	h.Log.LogAttrs(ctx, level, "message", attrs...)
}
