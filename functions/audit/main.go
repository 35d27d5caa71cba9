// Command audit is the function that judges what events tell of.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sagemoat/sagemoat/internal/function"
	"github.com/sagemoat/sagemoat/internal/intake"
)

// The variables of this function's environment, beside those of package function.
const (
	queue    = "SAGEMOAT_QUEUE_URL" // the queue that the events come from
	ownRoles = "SAGEMOAT_OWN_ROLES" // ARNs of the functions' roles, between commas
)

func main() {
	handler, err := build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
	lambda.Start(function.Raw(handler))
}

func build(ctx context.Context) (func(context.Context, json.RawMessage) (events.SQSEventResponse, error), error) {
	f, err := function.Load(ctx, "audit", os.Getenv, time.Now, os.Stdout)
	if err != nil {
		return nil, err
	}
	url, err := f.Need(queue)
	if err != nil {
		return nil, err
	}
	messages := sqs.NewFromConfig(f.Config)
	h := &intake.Handler{
		Evaluator: f.Evaluator(), OwnRoles: f.List(ownRoles), Now: f.Now, Log: f.Log, Metrics: f.Metrics,
		Delay: func(ctx context.Context, receipt string, d time.Duration) error {
			_, err := messages.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &url, ReceiptHandle: &receipt, VisibilityTimeout: int32(d / time.Second), //nolint:gosec // a minute at most
			})
			return err
		},
	}
	return function.Takes(f, h.Handle), nil
}
