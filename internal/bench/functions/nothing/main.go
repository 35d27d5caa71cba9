// Command nothing is a function that does nothing: what aws-lambda-go and the
// Runtime API take by themselves. With BENCH_DECODE it has the event decoded first,
// by encoding/json, into what aws-lambda-go has for it.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	switch os.Getenv("BENCH_DECODE") {
	case "sqs":
		lambda.Start(func(context.Context, events.SQSEvent) error { return nil })
	case "dynamodb":
		lambda.Start(func(context.Context, events.DynamoDBEvent) error { return nil })
	default:
		lambda.Start(func(context.Context) error { return nil })
	}
}
