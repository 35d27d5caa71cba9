// Command respond is the function that tells people, and stops what the rules say
// is to be stopped. The ledger's stream wakes it, a person's custom action in
// Security Hub, and a schedule.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/internal/function"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The variables of this function's environment, beside those of package function.
const (
	topic = "SAGEMOAT_TOPIC_ARN" // ARN of the topic for what no route of the rules sends elsewhere
	mode  = "SAGEMOAT_MODE"      // the most that the rules may have done: observe, notify or stop
)

func main() {
	handler, err := build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "respond:", err)
		os.Exit(1)
	}
	lambda.Start(function.Raw(handler))
}

func build(ctx context.Context) (func(context.Context, json.RawMessage) (any, error), error) {
	f, err := function.Load(ctx, "respond", os.Getenv, time.Now, os.Stdout)
	if err != nil {
		return nil, err
	}
	arn, err := f.Need(topic)
	if err != nil {
		return nil, err
	}
	most, err := f.Need(mode)
	if err != nil {
		return nil, err
	}
	h, err := respond.New(respond.Options{
		Scope: f.Scope, Store: f.Store, Rules: f.Rules.Rules, Fresh: f.Evaluator().Fresh, AWS: f.Caller,
		SNS: sns.NewFromConfig(f.Config), Topic: arn, Most: rules.Mode(most), Now: f.Now, Log: f.Log, Metrics: f.Metrics,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var e function.Event
		if json.Unmarshal(payload, &e) != nil {
			return nil, f.End(function.ErrEvent)
		}
		switch {
		case e.Records != nil:
			return f.Stream(ctx, e.Records, h.Changes)
		case e.Source == "aws.securityhub":
			return nil, f.End(h.Action(ctx, payload))
		case e.Scheduled():
			return nil, f.Tick(h.Tick(ctx))
		default:
			return nil, f.End(function.ErrEvent)
		}
	}, nil
}
