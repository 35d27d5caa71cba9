// Command publish is the function that tells Security Hub what the ledger holds.
// The ledger's stream wakes it and, once a day, a schedule.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sagemoat/sagemoat/internal/function"
	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// letters is the queue for findings that can never be imported.
const letters = "SAGEMOAT_DEAD_LETTER_URL"

func main() {
	handler, err := build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
	lambda.Start(function.Raw(handler))
}

func build(ctx context.Context) (func(context.Context, json.RawMessage) (events.DynamoDBEventResponse, error), error) {
	f, err := function.Load(ctx, "publish", os.Getenv, time.Now, os.Stdout)
	if err != nil {
		return nil, err
	}
	url, err := f.Need(letters)
	if err != nil {
		return nil, err
	}
	// The publisher repeats calls itself, within Security Hub's rate.
	hub := f.Config.Copy()
	hub.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	queue := sqs.NewFromConfig(f.Config)
	p := publish.New(publish.Options{
		Store: f.Store, Hub: awsjson.New(hub), Account: f.Scope.Account, Region: f.Scope.Region,
		DeadLetter: func(ctx context.Context, l publish.Letter) error {
			body, err := json.Marshal(l)
			if err != nil {
				return err
			}
			_, err = queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
			return err
		},
		Now: f.Now, Sleep: function.Sleep, Log: f.Log, Metrics: f.Metrics,
	})
	return function.Takes(f, func(ctx context.Context, e function.Event) (events.DynamoDBEventResponse, error) {
		if e.Scheduled() {
			// The stream forgets after a day; Security Hub may have been off for longer.
			return events.DynamoDBEventResponse{}, f.Tick(p.Reconcile(ctx))
		}
		return f.Stream(ctx, e.Records, p.Handle)
	}), nil
}
