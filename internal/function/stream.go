package function

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
)

// ErrEvent says that nothing of ours invokes the function with such an event.
var ErrEvent = errors.New("neither a batch nor an event of EventBridge that this function takes")

// Takes has a function take what reads as T. What does not is told without a word
// of it: the errors of the decoders quote what they read.
func Takes[T, R any](f *Function, handle func(context.Context, T) (R, error)) func(context.Context, json.RawMessage) (R, error) {
	return func(ctx context.Context, payload json.RawMessage) (out R, err error) {
		var event T
		if json.Unmarshal(payload, &event) != nil {
			return out, f.End(ErrEvent)
		}
		return handle(ctx, event)
	}
}

// Event is what invokes a function of the ledger's stream: a batch of it, or an
// event of EventBridge.
type Event struct {
	Records []events.DynamoDBEventRecord `json:"Records"`
	Source  string                       `json:"source"`
}

// Scheduled says whether a schedule invoked the function: a rule of EventBridge, or
// EventBridge Scheduler with the same event.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func (e *Event) Scheduled() bool { return e.Source == "aws.events" || e.Source == "aws.scheduler" }

// Raw hands a function its events as they came: the library would read each one
// to its end only to hand out the same bytes.
func Raw[R any](handle func(context.Context, json.RawMessage) (R, error)) lambda.Handler {
	return raw(func(ctx context.Context, payload []byte) ([]byte, error) {
		out, err := handle(ctx, payload)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	})
}

type raw func(context.Context, []byte) ([]byte, error)

// Invoke is what the library calls.
func (r raw) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return r(ctx, payload) }

// Stream has a handler read the ledger's stream. The response names what failed;
// Lambda delivers everything again from the first of it on. A record that cannot
// be read never will be: it is counted, and what it is about is still in the table.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (f *Function) Stream(ctx context.Context, records []events.DynamoDBEventRecord, handle func(context.Context, []ledger.Change) (failed []string, err error)) (events.DynamoDBEventResponse, error) {
	changes, bad := dynamo.Changes(records)
	for _, b := range bad {
		f.Metrics.Count(telemetry.Poison, 1)
		f.Log.LogAttrs(ctx, slog.LevelError, "stream", slog.String("request", b.Sequence), slog.String("outcome", "a record that cannot be read"), telemetry.Error(b.Err))
	}
	failed, err := handle(ctx, changes)
	if err != nil {
		f.Log.LogAttrs(ctx, slog.LevelError, "stream", slog.Int("count", len(failed)), slog.String("outcome", "to be tried again"), telemetry.Error(err))
	}
	var out events.DynamoDBEventResponse
	for _, sequence := range failed {
		out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: sequence})
	}
	if err != nil && len(failed) > 0 {
		err = nil // the response says which
	}
	return out, f.End(err)
}

// Tick ends an invocation that a schedule asked for. One that did what it was to do
// is a heartbeat. Nothing else is, so that an alarm rings where the schedule is gone,
// too. (The sweep, which nothing but its schedule starts, counts its own.)
func (f *Function) Tick(err error) error {
	if err == nil {
		f.Metrics.Count(telemetry.Heartbeat, 1)
	}
	return f.End(err)
}

// End ends an invocation: it writes the metrics, and makes of an error one that
// the runtime may log.
func (f *Function) End(err error) error {
	if err := f.Metrics.Flush(); err != nil {
		f.Log.Error("metrics", telemetry.Error(err))
	}
	if err != nil {
		return errors.New(telemetry.ErrorText(err))
	}
	return nil
}
