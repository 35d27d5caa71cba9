// Package flow is all of sagemoat in one process, around a sandbox: the
// functions' handlers as they are deployed, the rules of EventBridge, the queue and
// the stream between them. The demo and the tests of the whole run in it, in
// virtual time ([Flow.Advance]); the benchmark of the whole runs in real time
// ([Flow.Serve]).
package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/intake"
	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// The names of the parts in the sandbox.
const (
	Queue      = "sagemoat-events"
	DeadLetter = "sagemoat-dead-letters"
	Topic      = "sagemoat-alerts"
	StopAction = respond.ActionID
)

// Options say what to build.
type Options struct {
	Clock sandbox.Clock
	Seed  uint64
	// EventDelay is how long events take.
	EventDelay time.Duration
	Rules      *rules.File // nil is the default
	// Store is the ledger; nil is one in memory. What it writes must come by
	// Drain.
	Store Store
	// Logs takes the functions' logs and metrics; nil is nowhere.
	Logs io.Writer
	// Killer kills functions in the middle; nil never.
	Killer *Killer
}

// Store is a ledger whose stream can be read.
type Store interface {
	ledger.Store
	Drain() []ledger.Change
}

// Flow is the whole.
type Flow struct {
	World     *sandbox.World
	Clock     sandbox.Clock
	Store     Store
	Evaluator *evaluate.Evaluator
	Intake    *intake.Handler
	Publisher *publish.Publisher
	Responder *respond.Handler
	// Crash, if set, is asked after each batch of events whether the function
	// ended before it could answer.
	Crash func() bool

	ruleset evaluate.Ruleset
	poller  sandbox.Poller
	killer  *Killer
	// What the stream still has to deliver to either of its readers.
	toPublish, toRespond []ledger.Change
	waiting              bool
	wake                 chan struct{} // in real time: there may be changes
	err                  error         // the first that no reader of a batch took up
}

// New starts a sandbox and builds the functions around it. stop ends it.
func New(ctx context.Context, o Options) (f *Flow, stop func(), err error) {
	w := sandbox.New(sandbox.Options{Clock: o.Clock, Seed: o.Seed, EventDelay: o.EventDelay})
	endpoint, stop, err := w.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	f = &Flow{World: w, Clock: o.Clock, Store: o.Store, killer: o.Killer}
	if f.Store == nil {
		f.Store = ledger.NewMemory(w.Now)
	}
	if f.killer != nil {
		f.Store = mortal{f.Store, f.killer}
	}
	if o.Logs == nil {
		o.Logs = io.Discard
	}
	f.SetRules(o.Rules)
	w.AddQueue(sandbox.Queue{Name: DeadLetter})
	url := w.AddQueue(sandbox.Queue{Name: Queue, VisibilityTimeout: 6 * time.Minute, MaxReceiveCount: 20, DeadLetterQueue: DeadLetter})
	for _, r := range events.Patterns() {
		p, err := pattern.Compile(r.Pattern)
		if err != nil {
			return nil, nil, fmt.Errorf("the rule %s: %w", r.Name, err)
		}
		w.AddRule(sandbox.Rule{Name: r.Name, Match: p.Match, Queue: Queue})
	}
	if err := f.build(endpoint, url, o.Logs); err != nil {
		return nil, nil, err
	}
	action, err := pattern.Compile(events.CustomAction(StopAction).Pattern)
	if err != nil {
		return nil, nil, err
	}
	w.AddRule(sandbox.Rule{Name: "custom-action", Match: action.Match, Invoke: func(event []byte) error {
		return f.Responder.Action(ctx, event)
	}})
	f.poller = sandbox.Poller{Queue: Queue, Invoke: func(ctx context.Context, event []byte) ([]byte, error) {
		var batch lambdaevents.SQSEvent
		if err := json.Unmarshal(event, &batch); err != nil {
			return nil, err
		}
		out, err := f.Intake.Handle(ctx, batch)
		if f.killer.buried() || f.Crash != nil && f.Crash() {
			return nil, errKilled
		}
		if err != nil {
			return nil, err
		}
		f.stream(ctx)
		return json.Marshal(out)
	}}
	return f, stop, nil
}

// client is the SDK's configuration of a function's role.
func (f *Flow) client(endpoint, role string, retryer func() aws.Retryer) aws.Config {
	w := f.World
	key, secret := w.Credentials("sagemoat-"+role, role)
	return aws.Config{
		Region: w.Region(), BaseEndpoint: &endpoint, Retryer: retryer, HTTPClient: f.killer.client(),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "session"),
	}
}

func (f *Flow) build(endpoint, queue string, logs io.Writer) (err error) {
	w := f.World
	scope := kind.Scope{Partition: kind.Partition(w.Region()), Account: w.Account(), Region: w.Region()}
	// Time is virtual, and the pauses of the SDK are not.
	standard := func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	log := telemetry.New(logs, slog.LevelInfo)
	metrics := func(function string) *telemetry.Metrics { return telemetry.NewMetrics(logs, function, w.Now) }
	evaluator := func(caller *awsjson.Client) *evaluate.Evaluator {
		return &evaluate.Evaluator{
			Scope: scope, Store: f.Store, Now: w.Now, Visible: 2 * time.Minute,
			Rules: f.Rules,
			Resolver: live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
				return caller.Call(ctx, awsjson.SageMaker(), operation, input)
			}),
		}
	}
	audit, respondTo := f.client(endpoint, "audit", standard), f.client(endpoint, "respond", standard)
	messages := sqs.NewFromConfig(audit)
	f.Evaluator = evaluator(awsjson.New(audit))
	f.Intake = &intake.Handler{
		Evaluator: f.Evaluator, Now: w.Now, Log: log, Metrics: metrics("audit"),
		Delay: func(ctx context.Context, receipt string, d time.Duration) error {
			_, err := messages.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &queue, ReceiptHandle: &receipt, VisibilityTimeout: int32(d / time.Second), //nolint:gosec // a minute at most
			})
			return err
		},
	}
	f.Publisher = publish.New(publish.Options{
		Store:   f.Store,
		Hub:     awsjson.New(f.client(endpoint, "publish", func() aws.Retryer { return aws.NopRetryer{} })),
		Account: w.Account(), Region: w.Region(),
		DeadLetter: func(ctx context.Context, l publish.Letter) error {
			body, err := json.Marshal(l)
			if err != nil {
				return err
			}
			text, letters := string(body), w.QueueURL(DeadLetter)
			_, err = messages.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &letters, MessageBody: &text})
			return err
		},
		Now: w.Now, Sleep: f.Clock.Sleep, Log: log, Metrics: metrics("publish"),
	})
	caller := awsjson.New(respondTo)
	f.Responder, err = respond.New(respond.Options{
		Scope: scope, Store: f.Store, Rules: f.Rules, Fresh: evaluator(caller).Fresh, AWS: caller,
		SNS: sns.NewFromConfig(respondTo), Topic: w.AddTopic(Topic), Most: rules.Stop, Now: w.Now, Log: log, Metrics: metrics("respond"),
	})
	return err
}

// Rules are those in force.
func (f *Flow) Rules(context.Context) (evaluate.Ruleset, error) { return f.ruleset, nil }

// SetRules has other rules in force, nil the default.
func (f *Flow) SetRules(file *rules.File) {
	if file == nil {
		file = rules.Default()
	}
	f.ruleset = evaluate.Ruleset{File: file, Current: true, Version: ledger.RulesVersion{
		At: f.World.Now().Truncate(time.Second), ID: fmt.Sprintf("%x", f.World.Now().Unix()),
	}}
}

// Serve plays Lambda in real time, with so many invocations of audit at once and
// one of each reader of the stream, until the context ends.
func (f *Flow) Serve(ctx context.Context, audits int) {
	f.wake = make(chan struct{}, 1)
	var all sync.WaitGroup
	for range audits {
		all.Go(func() { f.World.Serve(ctx, f.poller) })
	}
	publish, respond := make(chan []ledger.Change, 1000), make(chan []ledger.Change, 1000)
	all.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-f.wake:
				if changes := f.Store.Drain(); len(changes) > 0 {
					publish <- changes
					respond <- changes
				}
			}
		}
	})
	for from, to := range map[chan []ledger.Change]func(context.Context, []ledger.Change) ([]string, error){publish: f.Publisher.Handle, respond: f.Responder.Changes} {
		all.Go(func() {
			var left []ledger.Change
			for {
				select {
				case <-ctx.Done():
					return
				case changes := <-from:
					left = append(left, changes...)
					for len(from) > 0 { // a batch is what has come meanwhile
						left = append(left, <-from...)
					}
					left = f.deliver(ctx, left, to)
				}
			}
		})
	}
	all.Wait()
}

// Advance lets time pass: what is due happens, each at its own time. The clock has
// to be a [sandbox.Virtual].
func (f *Flow) Advance(ctx context.Context, d time.Duration) error {
	f.stream(ctx)
	f.World.Settle(ctx, d, f.poller)
	return f.err
}

// Every has something happen again and again.
func (f *Flow) Every(ctx context.Context, d time.Duration, do func(context.Context) error) {
	f.Clock.After(d, func() {
		if ctx.Err() != nil {
			return
		}
		if err := do(ctx); !f.killer.buried() && err != nil && f.err == nil {
			f.err = err
		}
		f.stream(ctx)
		f.Every(ctx, d, do)
	})
}

// batch is how many changes a reader of the stream gets at a time.
const batch = 100

// again is how long the stream waits to deliver what failed.
const again = time.Second

// stream delivers what the ledger wrote. What a reader fails stays with it, and
// what comes after.
func (f *Flow) stream(ctx context.Context) {
	if f.wake != nil {
		select {
		case f.wake <- struct{}{}:
		default:
		}
		return
	}
	for {
		changes := f.Store.Drain()
		f.toPublish = append(f.toPublish, changes...)
		f.toRespond = append(f.toRespond, changes...)
		if len(changes) == 0 && len(f.toPublish)+len(f.toRespond) == 0 {
			return
		}
		f.toPublish = f.deliver(ctx, f.toPublish, f.Publisher.Handle)
		f.toRespond = f.deliver(ctx, f.toRespond, f.Responder.Changes)
		if len(changes) == 0 {
			break
		}
	}
	if len(f.toPublish)+len(f.toRespond) > 0 && !f.waiting {
		f.waiting = true
		f.Clock.After(again, func() {
			f.waiting = false
			f.stream(ctx)
		})
	}
}

// deliver hands changes to a reader in batches, and returns what is left: from
// the first that failed on, as Lambda does.
func (f *Flow) deliver(ctx context.Context, changes []ledger.Change, to func(context.Context, []ledger.Change) ([]string, error)) []ledger.Change {
	for len(changes) > 0 {
		n := min(batch, len(changes))
		failed, err := to(ctx, changes[:n])
		if f.killer.buried() || err != nil && len(failed) == 0 {
			return changes
		}
		for i := range changes[:n] {
			if len(failed) > 0 && changes[i].Sequence == failed[0] {
				return changes[i:]
			}
		}
		changes = changes[n:]
	}
	return nil
}
