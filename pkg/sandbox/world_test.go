package sandbox_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestMain: nothing is left running. The standard library waits half a second
// after a request whose body it did not read to the end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

var start = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

// bed is a world under a virtual clock, and the real clients of its services.
type bed struct {
	*sandbox.World
	clock    *sandbox.Virtual
	config   aws.Config
	hub      *securityhub.Client
	sqs      *sqs.Client
	sns      *sns.Client
	s3       *s3.Client
	endpoint string
}

// newBed starts a world. The clients call once: a test that wants retries says so.
func newBed(t testing.TB, o sandbox.Options) *bed {
	t.Helper()
	b := &bed{clock: sandbox.NewVirtual(start)}
	if o.Clock == nil {
		o.Clock = b.clock
	}
	b.World = sandbox.New(o)
	endpoint, stop, err := b.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	b.endpoint = endpoint
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	key, secret := b.Credentials("SagemoatAudit", "audit")
	b.config = aws.Config{
		Region: b.Region(), BaseEndpoint: aws.String(endpoint), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		// As config.LoadDefaultConfig has them.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	b.hub = securityhub.NewFromConfig(b.config)
	b.sqs = sqs.NewFromConfig(b.config)
	b.sns = sns.NewFromConfig(b.config)
	b.s3 = s3.NewFromConfig(b.config, func(o *s3.Options) { o.UsePathStyle = true })
	return b
}

// patient has clients try as they do by default.
func (b *bed) patient() aws.Config {
	c := b.config.Copy()
	c.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	return c
}

// code is the error code that a client shows, or what it says instead.
func code(err error) string {
	if err == nil {
		return ""
	}
	for e := err; e != nil; {
		if coded, ok := e.(interface{ ErrorCode() string }); ok {
			return coded.ErrorCode()
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return err.Error()
}

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("%s: %q, not %q (%v)", what, got, want, err)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSigned: a request that is not signed by a known key for this Region reaches
// no service.
func TestSigned(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.AddQueue(sandbox.Queue{Name: "q"})
	input := &sqs.ReceiveMessageInput{QueueUrl: aws.String(b.QueueURL("q"))}
	ctx := t.Context()
	for _, test := range []struct {
		what, want string
		change     func(*aws.Config)
	}{
		{"as it should be", "", func(*aws.Config) {}},
		{"no signature", "MissingAuthenticationToken", func(c *aws.Config) { c.Credentials = aws.AnonymousCredentials{} }},
		{"unknown key", "UnrecognizedClientException", func(c *aws.Config) {
			c.Credentials = credentials.NewStaticCredentialsProvider("nobody", "knows", "")
		}},
		{"another Region", "InvalidSignatureException", func(c *aws.Config) { c.Region = "us-east-1" }},
	} {
		config := b.config.Copy()
		test.change(&config)
		_, err := sqs.NewFromConfig(config).ReceiveMessage(ctx, input)
		wantCode(t, test.what, err, test.want)
	}
	_, err := sns.NewFromConfig(b.config, func(o *sns.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("nobody", "knows", "")
	}).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("x"), Message: aws.String("x")})
	wantCode(t, "unknown key of SNS", err, "InvalidClientTokenId")
	_, err = s3.NewFromConfig(b.config, func(o *s3.Options) {
		o.UsePathStyle = true
		o.Credentials = credentials.NewStaticCredentialsProvider("nobody", "knows", "")
	}).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("x"), Key: aws.String("x")})
	wantCode(t, "unknown key of S3", err, "InvalidAccessKeyId")
	if b.Account() != "111122223333" || b.Region() != "eu-west-1" {
		t.Errorf("account %s, Region %s", b.Account(), b.Region())
	}
	if calls := b.Calls(); len(calls) != 1 || calls[0].Operation != "ReceiveMessage" {
		t.Errorf("the log has %v", calls)
	}
}

// raw sends a request that no client would send.
func (b *bed) raw(t *testing.T, method, path, service, body string, header map[string]string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.endpoint+path, strings.NewReader(body))
	ok(t, err)
	key, _ := b.Credentials("Raw", "raw")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261102/"+b.Region()+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	out, err := b.config.HTTPClient.Do(r)
	ok(t, err)
	defer out.Body.Close()
	var text strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := out.Body.Read(buffer)
		text.Write(buffer[:n])
		if err != nil {
			return out.StatusCode, text.String(), out.Header
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	for _, test := range []struct {
		method, path, service, body, target string
		status                              int
		want                                string
	}{
		{"POST", "/", "sqs", "{}", "", 400, "UnknownOperationException"},
		{"POST", "/", "sqs", "not json", "AmazonSQS.SendMessage", 400, "SerializationException"},
		{"POST", "/", "sqs", "null", "AmazonSQS.SendMessage", 400, "QueueDoesNotExist"},
		{"POST", "/", "sqs", "", "AmazonSQS.SendMessage", 400, "QueueDoesNotExist"},
		{"POST", "/", "dynamodb", "{}", "DynamoDB_20120810.GetItem", 400, "UnknownOperationException"},
		{"POST", "/", "events", "{}", "AWSEvents.PutRule", 400, "UnknownOperationException"},
		{"POST", "/nothing", "securityhub", "{}", "", 404, "UnknownOperationException"},
		{"POST", "/", "sns", "Action=Publish;%zz", "", 400, "<Code>MalformedQueryString</Code>"},
		{"POST", "/", "sns", "Action=Delete%3CTopic", "", 400, "The action Delete&lt;Topic is not valid"},
		{"DELETE", "/b/k", "s3", "", "", 501, "<Code>NotImplemented</Code>"},
		{"GET", "/b", "s3", "", "", 501, "<Code>NotImplemented</Code>"},
		{"POST", "/", "sqs", strings.Repeat(" ", 17<<20), "AmazonSQS.SendMessage", 413, "RequestEntityTooLarge"},
	} {
		status, body, header := b.raw(t, test.method, test.path, test.service, test.body, map[string]string{"X-Amz-Target": test.target})
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s of %s with %.20q: %d %s", test.method, test.path, test.service, test.body, status, body)
		}
		if header.Get("X-Amzn-Requestid") == "" || header.Get("Date") != "Mon, 02 Nov 2026 09:14:07 GMT" {
			t.Errorf("%s of %s: headers %v", test.method, test.service, header)
		}
	}
}

// TestSameSeed: the same calls in the same order have the same answers.
func TestSameSeed(t *testing.T) {
	run := func(seed uint64) string {
		b := newBed(t, sandbox.Options{Seed: seed})
		b.AddQueue(sandbox.Queue{Name: "q"})
		b.Fail(sandbox.Fault{Service: "sqs", Kind: sandbox.Throttle, Probability: 0.5})
		var said strings.Builder
		for range 20 {
			out, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(b.QueueURL("q")), MessageBody: aws.String("x")})
			if err == nil {
				said.WriteString(*out.MessageId)
			}
			said.WriteString(code(err) + "\n")
		}
		return said.String()
	}
	one, other := run(7), run(8)
	if one != run(7) {
		t.Error("the same seed gave another world")
	}
	if one == other {
		t.Error("two seeds gave the same world")
	}
	if !strings.Contains(one, "ThrottlingException") || strings.Count(one, "ThrottlingException") == 20 {
		t.Errorf("half of the calls should be throttled:\n%s", one)
	}
}

func TestStopEndsWhatIsDue(t *testing.T) {
	clock := sandbox.NewVirtual(start)
	w := sandbox.New(sandbox.Options{Clock: clock})
	_, stop, err := w.Start(context.Background())
	ok(t, err)
	called := false
	w.AddRule(sandbox.Rule{Invoke: func([]byte) error { called = true; return nil }})
	w.Emit("aws.test", "Test", nil, nil)
	stop()
	clock.Advance(time.Hour)
	if called {
		t.Error("an event was delivered in a world that had ended")
	}
}
