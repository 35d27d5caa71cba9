// Command handler does what its event says: it is what the Runtime API is tested
// with.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do  string
	Say string
	Big int
}

type answer struct {
	Said     string
	Count    int // invocations of this process
	Request  string
	Function string
	Trace    string
	Deadline int64
	Env      []string
	Dir      string
}

func main() {
	switch os.Getenv("HANDLER_INIT") {
	case "exit":
		fmt.Println("cannot start")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	}
	count := 0
	lambda.Start(func(ctx context.Context, e event) (any, error) {
		count++
		switch e.Do {
		case "error":
			return nil, errors.New(e.Say)
		case "panic":
			panic(e.Say)
		case "exit":
			os.Exit(7)
		case "hang":
			time.Sleep(time.Hour)
		case "print":
			fmt.Println(e.Say)
			fmt.Fprintln(os.Stderr, e.Say)
		case "big":
			return strings.Repeat("x", e.Big), nil
		}
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		dir, err := os.Getwd()
		return answer{
			Said: e.Say, Count: count, Request: lc.AwsRequestID, Function: lc.InvokedFunctionArn, Trace: os.Getenv("_X_AMZN_TRACE_ID"),
			Deadline: deadline.UnixMilli(), Env: os.Environ(), Dir: dir,
		}, err
	})
}
