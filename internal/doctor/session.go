package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
)

// Options say what to look at.
type Options struct {
	// Stack is the stack's name; empty is [DefaultStack] or, where there is none, the
	// one that a StackSet of that name made.
	Stack string
	// Region and Profile are those of the SDK's configuration where they are empty.
	Region, Profile string
	// Preflight says that nothing is deployed yet.
	Preflight bool
	Now       func() time.Time
}

// Doctor looks at one account and Region.
type Doctor struct{ *session }

// session is what the subjects work with.
type session struct {
	Options
	stackName, region, account, partition string
	caller                                string // ARN
	preflight                             bool

	described answer[*stack]
	several   []string // of a StackSet, where none has the default name
	stack     *stack   // nil: there is none, it could not be read, or it is not looked at
	without   string   // why there is none

	cfg  aws.Config
	json *awsjson.Client
	s3   *s3.Client
	sns  *sns.Client
	sqs  *sqs.Client
	db   *dynamodb.Client

	shared *shared
}

// shared is what several subjects ask for, and is asked for once in a run.
type shared struct {
	rules   once[answer[[]rule]]
	metrics once[*metrics]
	queues  once[map[string]answer[map[string]string]]
	table   once[answer[*dynamodb.DescribeTableOutput]]
	configs once[map[string]answer[configuration]]
}

// once keeps what is asked for first.
type once[T any] struct {
	sync.Once
	value T
}

func (o *once[T]) get(ctx context.Context, x *session, ask func(context.Context, *session) T) T {
	o.Do(func() { o.value = ask(ctx, x) })
	return o.value
}

func (x *session) rules(ctx context.Context) answer[[]rule] {
	return x.shared.rules.get(ctx, x, listRules)
}

func (x *session) metrics(ctx context.Context) *metrics {
	return x.shared.metrics.get(ctx, x, readMetrics)
}

func (x *session) queues(ctx context.Context) map[string]answer[map[string]string] {
	return x.shared.queues.get(ctx, x, readQueues)
}

func (x *session) table(ctx context.Context) answer[*dynamodb.DescribeTableOutput] {
	return x.shared.table.get(ctx, x, describeTable)
}

func (x *session) configs(ctx context.Context) map[string]answer[configuration] {
	return x.shared.configs.get(ctx, x, readConfigurations)
}

// ErrIdentity says that nobody knows who calls: there are no credentials, or none
// that AWS takes.
var ErrIdentity = errors.New("no credentials that AWS takes")

// Timeouts of a call.
const (
	dialTimeout = 5 * time.Second
	callTimeout = 15 * time.Second
)

// Open finds out who calls, and reads the stack. The error is [ErrIdentity], or
// says that no Region is set.
func Open(ctx context.Context, o Options) (*Doctor, error) {
	client := awshttp.NewBuildableClient().WithTimeout(callTimeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 16 })
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client), config.WithRetryer(func() aws.Retryer { return retry.NewStandard() }),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no Region: name one by --region, AWS_REGION or the profile's region")
	}
	if !regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d+$`).MatchString(cfg.Region) {
		return nil, fmt.Errorf("%q is no Region: one is called like eu-west-1", cfg.Region)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: see aws sts get-caller-identity", ErrIdentity, telemetry.ErrorText(err))
	}
	return open(ctx, o, cfg, aws.ToString(who.Account), aws.ToString(who.Arn))
}

// sessionOf is a session that has not read the stack.
func sessionOf(o Options, cfg aws.Config, account, caller string) *session {
	return &session{
		Options: o, cfg: cfg, region: cfg.Region, partition: kind.Partition(cfg.Region), account: account, caller: caller,
		stackName: cmp.Or(o.Stack, DefaultStack), preflight: o.Preflight,
		json: awsjson.New(cfg), sns: sns.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg), db: dynamodb.NewFromConfig(cfg),
		shared: new(shared),
		// Whoever sets an endpoint has no names of buckets in the DNS.
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
	}
}

func open(ctx context.Context, o Options, cfg aws.Config, account, caller string) (*Doctor, error) {
	x := sessionOf(o, cfg, account, caller)
	x.find(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case o.Preflight:
		x.without = "there is no need yet: --preflight"
	case !x.described.got:
		x.without = "the stack could not be read"
	case len(x.several) > 0:
		x.without = "which stack is meant is not known"
	case x.described.value == nil:
		x.without = "there is no stack"
	default:
		x.stack = x.described.value
	}
	return &Doctor{x}, nil
}

// Account is the caller's account, Region the one that is looked at, Caller the
// ARN of who calls.
func (d *Doctor) Account() string { return d.account }

// Region is the Region that is looked at.
func (d *Doctor) Region() string { return d.region }

// Caller is the ARN of who calls.
func (d *Doctor) Caller() string { return d.caller }

// ledger is the ledger of the stack.
func (x *session) ledger() *dynamo.Store { return dynamo.New(x.db, x.stack.out(OutTable), x.Now) }

// arn is the name of something in the account and Region.
func (x *session) arn(service, resource string) string {
	return "arn:" + x.partition + ":" + service + ":" + x.region + ":" + x.account + ":" + resource
}

// queueARN is the ARN of the queue at an URL, whose path is the account and the
// name.
func (x *session) queueARN(url string) string {
	return x.arn("sqs", url[strings.LastIndexByte(url, '/')+1:])
}

// aws is a command of the AWS CLI to paste.
func (x *session) aws(words ...string) string { return x.awsIn(x.region, words...) }

// awsIn is a command in another Region.
func (x *session) awsIn(region string, words ...string) string {
	return x.command(region, append([]string{"aws"}, words...)...)
}

// command is a command to paste, with the Region and the profile.
func (x *session) command(region string, words ...string) string {
	words = append(words, "--region", region)
	if x.Profile != "" {
		words = append(words, "--profile", x.Profile)
	}
	for i, w := range words {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote makes of a text one word of a shell.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func identitySubject() subject {
	return subject{"Identity", []Check{
		{ID: "caller", Why: "everything below is of this account and Region only"},
	}, func(_ context.Context, x *session) []Line {
		return []Line{line("caller", OK, x.caller+", account "+x.account+", Region "+x.region)}
	}}
}
