// Package function builds what the functions have in common from their
// environment: the SDK's configuration, the ledger, the rules, the logs.
package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/ruleset"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
)

// The variables of a function's environment, beside those that Lambda sets.
const (
	account = "SAGEMOAT_ACCOUNT"      // the account that the function runs in
	table   = "SAGEMOAT_TABLE"        // name of the ledger's table
	bucket  = "SAGEMOAT_RULES_BUCKET" // bucket of the rules file; empty: the built-in rules
	key     = "SAGEMOAT_RULES_KEY"    // key of the rules file
	owner   = "SAGEMOAT_RULES_OWNER"  // account that owns the bucket
	region  = "AWS_REGION"            // set by Lambda
)

// Function is what a function works with.
type Function struct {
	Name     string
	Config   aws.Config
	Scope    kind.Scope
	Store    ledger.Store
	Rules    *ruleset.Source
	Caller   *awsjson.Client
	Resolver *live.Resolver
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  *telemetry.Metrics

	env func(string) string
}

// Visible is how long what was created may take to be seen by Describe calls.
const Visible = 2 * time.Minute

// Timeouts of a call: an answer that takes longer does not come in time for a
// batch, and is tried again.
const (
	dialTimeout = time.Second
	callTimeout = 3 * time.Second
)

// Load reads the environment and the SDK's configuration. env is os.Getenv, now
// is time.Now; out takes logs and metrics.
func Load(ctx context.Context, name string, env func(string) string, now func() time.Time, out io.Writer) (*Function, error) {
	f := &Function{Name: name, Now: now, env: env, Log: telemetry.New(out, slog.LevelInfo), Metrics: telemetry.NewMetrics(out, name, now)}
	slog.SetDefault(f.Log) // and with it package log, by which the Lambda library tells errors
	f.Scope = kind.Scope{Partition: kind.Partition(env(region)), Account: env(account), Region: env(region)}
	for _, v := range []string{region, account, table} {
		if env(v) == "" {
			return nil, fmt.Errorf("%s is not set", v)
		}
	}
	client := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 16 })
	var err error
	f.Config, err = config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer { return retry.NewStandard() }),
		config.WithLogger(sdkLog(ctx, f.Log)),
	)
	if err != nil {
		return nil, fmt.Errorf("the SDK's configuration: %w", err)
	}
	f.Store = dynamo.New(dynamodb.NewFromConfig(f.Config), env(table), now)
	f.Caller = awsjson.New(f.Config)
	f.Resolver = live.New(f.Scope, f.SageMaker)
	f.Rules = ruleset.New(ruleset.Options{
		S3:     s3.NewFromConfig(f.Config, func(o *s3.Options) { o.UsePathStyle = f.Config.BaseEndpoint != nil }),
		Bucket: env(bucket), Key: env(key), Owner: env(owner),
		Store: f.Store, Save: name == "audit", Now: now, Log: f.Log, Metrics: f.Metrics,
	})
	return f, nil
}

// sdkLog has what the SDK tells of itself in our logs. What it fills in may quote
// a request or a response, and is left out.
func sdkLog(ctx context.Context, log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(class logging.Classification, format string, _ ...any) {
		level := slog.LevelInfo
		if class == logging.Warn {
			level = slog.LevelWarn
		}
		log.LogAttrs(ctx, level, "SDK", slog.String("outcome", format))
	})
}

// SageMaker asks SageMaker for an operation.
func (f *Function) SageMaker(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
	return f.Caller.Call(ctx, awsjson.SageMaker(), operation, input)
}

// Evaluator judges resources.
func (f *Function) Evaluator() *evaluate.Evaluator {
	return &evaluate.Evaluator{
		Scope: f.Scope, Store: f.Store, Resolver: f.Resolver, Rules: f.Rules.Rules, Now: f.Now, Visible: Visible,
	}
}

// Need is a variable of the environment that must be set.
func (f *Function) Need(name string) (string, error) {
	if v := f.env(name); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%s is not set", name)
}

// List is a variable that holds several values, between commas.
func (f *Function) List(name string) []string {
	return strings.FieldsFunc(f.env(name), func(r rune) bool { return r == ',' || r == ' ' })
}

// Sleep waits, or returns the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
