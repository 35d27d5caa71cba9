// Command sweep is the function that looks for what no event told of. A schedule
// wakes it; what one tick does not finish the next goes on with.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sagemoat/sagemoat/internal/function"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func main() {
	handler, err := build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
	lambda.Start(function.Raw(handler))
}

func build(ctx context.Context) (func(context.Context, json.RawMessage) (any, error), error) {
	f, err := function.Load(ctx, "sweep", os.Getenv, time.Now, os.Stdout)
	if err != nil {
		return nil, err
	}
	// The sweep repeats calls itself, within the rate that it leaves to others.
	once := f.Config.Copy()
	once.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	caller := awsjson.New(once)
	s := sweep.New(sweep.Options{
		Store: f.Store, Rules: f.Rules.Rules, Scope: f.Scope,
		Call: func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
			return caller.Call(ctx, awsjson.SageMaker(), operation, input)
		},
		Put: sweep.PutHints(f.Caller, function.Sleep),
		Now: f.Now, Sleep: function.Sleep, Log: f.Log, Metrics: f.Metrics,
	})
	return function.Takes(f, func(ctx context.Context, e function.Event) (any, error) {
		if !e.Scheduled() {
			return nil, f.End(function.ErrEvent)
		}
		return nil, f.End(s.Run(ctx))
	}), nil
}
