// Command setup is the function that makes the custom action in Security Hub while
// the stack is deployed. CloudFormation invokes it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"github.com/sagemoat/sagemoat/internal/setup"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// account is the variable with the account that the function runs in.
const account = "SAGEMOAT_ACCOUNT"

func main() {
	h, err := build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
	lambda.Start(cfn.LambdaWrap(h.Handle))
}

func build(ctx context.Context) (*setup.Handler, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("the SDK's configuration: %w", err)
	}
	own := os.Getenv(account)
	switch {
	case own == "":
		return nil, fmt.Errorf("%s is not set", account)
	case c.Region == "":
		return nil, fmt.Errorf("AWS_REGION is not set")
	}
	return &setup.Handler{
		Hub:    securityhub.NewFromConfig(c),
		Log:    telemetry.New(os.Stdout, slog.LevelInfo),
		Prefix: "arn:" + kind.Partition(c.Region) + ":securityhub:" + c.Region + ":" + own + ":action/custom/",
	}, nil
}
