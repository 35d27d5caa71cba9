package awsjson_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// asked is a request as a service sees it.
type asked struct {
	Method, Path, Query, Target, ContentType string
	Body                                     any
	Signed                                   string // the headers that are signed
	Scope                                    string // what for
}

// server answers what it is told to, and keeps what it was asked.
type server struct {
	mu      sync.Mutex
	asked   []asked
	answers []func(http.ResponseWriter)
}

func start(t *testing.T, answers ...func(http.ResponseWriter)) (*server, aws.Config) {
	t.Helper()
	s := &server{answers: answers}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, aws.Config{
		Region: "eu-west-1", BaseEndpoint: &h.URL, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", "TOKEN"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	a := asked{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query().Encode(), Target: r.Header.Get("X-Amz-Target"), ContentType: r.Header.Get("Content-Type")}
	_ = json.Unmarshal(raw, &a.Body)
	for f := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ", ") {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "Credential":
			a.Scope = strings.Join(strings.Split(value, "/")[2:], "/")
		case "SignedHeaders":
			a.Signed = value
		}
	}
	s.asked = append(s.asked, a)
	n := min(len(s.asked), len(s.answers)) - 1
	s.answers[n](w)
}

func answer(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestAsTheSDK: a call is, byte for byte of its meaning, the one that the SDK's
// client of the service makes.
func TestAsTheSDK(t *testing.T) {
	s, cfg := start(t, answer(http.StatusOK, "{}"))
	client := awsjson.New(cfg)
	calls := []twice{
		{
			"awsJson1.1",
			func() error {
				_, err := client.Call(t.Context(), awsjson.SageMaker(), "DescribeTrainingJob", map[string]string{"TrainingJobName": "fraud-7"})
				return err
			},
			func() error {
				_, err := sagemaker.NewFromConfig(cfg).DescribeTrainingJob(t.Context(), &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String("fraud-7")})
				return err
			},
		},
		{
			"restJson1",
			func() error {
				_, err := client.Call(t.Context(), awsjson.SecurityHub(), "GetFindings", map[string]any{"MaxResults": 5})
				return err
			},
			func() error {
				_, err := securityhub.NewFromConfig(cfg).GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: aws.Int32(5)})
				return err
			},
		},
		{
			"restJson1 PATCH",
			func() error {
				_, err := client.Call(t.Context(), awsjson.SecurityHub(), "BatchUpdateFindings", map[string]any{
					"FindingIdentifiers": []map[string]string{{"Id": "i", "ProductArn": "p"}}, "Workflow": map[string]string{"Status": "NOTIFIED"},
				})
				return err
			},
			func() error {
				_, err := securityhub.NewFromConfig(cfg).BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
					FindingIdentifiers: []hubtypes.AwsSecurityFindingIdentifier{{Id: aws.String("i"), ProductArn: aws.String("p")}},
					Workflow:           &hubtypes.WorkflowUpdate{Status: hubtypes.WorkflowStatusNotified},
				})
				return err
			},
		},
		{
			"import",
			func() error {
				_, err := client.Call(t.Context(), awsjson.SecurityHub(), "BatchImportFindings", map[string]any{"Findings": []any{}})
				return err
			},
			func() error {
				_, err := securityhub.NewFromConfig(cfg).BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: []hubtypes.AwsSecurityFinding{}})
				return err
			},
		},
	}
	for _, c := range append(calls, reads(t, cfg)...) {
		t.Run(c.name, func(t *testing.T) {
			s.asked = nil
			if err := c.ours(); err != nil {
				t.Fatal(err)
			}
			if err := c.theirs(); err != nil {
				t.Fatal(err)
			}
			ours, theirs := s.asked[0], s.asked[1]
			// The SDK signs a header of its own about retries.
			theirs.Signed = strings.ReplaceAll(theirs.Signed, "amz-sdk-invocation-id;", "")
			ours.Signed = strings.ReplaceAll(ours.Signed, "amz-sdk-invocation-id;", "")
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("the SDK's request and ours differ (-SDK +ours):\n%s", diff)
			}
		})
	}
}

// twice is a call by us and by the SDK.
type twice struct {
	name         string
	ours, theirs func() error
}

// reads are calls of services that are only asked how they are set up.
func reads(t *testing.T, cfg aws.Config) []twice {
	t.Helper()
	client := awsjson.New(cfg)
	ours := func(s awsjson.Service, operation string, input any) func() error {
		return func() error {
			_, err := client.Call(t.Context(), s, operation, input)
			return err
		}
	}
	hub, functions, trails := securityhub.NewFromConfig(cfg), lambda.NewFromConfig(cfg), cloudtrail.NewFromConfig(cfg)
	return []twice{
		{"CloudTrail", ours(awsjson.CloudTrail(), "GetTrailStatus", map[string]string{"Name": "arn:t"}), func() error {
			_, err := trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("arn:t")})
			return err
		}},
		{"ServiceQuotas", ours(awsjson.ServiceQuotas(), "GetServiceQuota", map[string]string{"ServiceCode": "events", "QuotaCode": "L"}), func() error {
			_, err := servicequotas.NewFromConfig(cfg).GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("events"), QuotaCode: aws.String("L")})
			return err
		}},
		{"restJson1 GET", ours(awsjson.SecurityHub(), "DescribeHub", struct{}{}), func() error {
			_, err := hub.DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
			return err
		}},
		{"actions", ours(awsjson.SecurityHub(), "DescribeActionTargets", map[string]any{"ActionTargetArns": []string{"arn:a"}}), func() error {
			_, err := hub.DescribeActionTargets(t.Context(), &securityhub.DescribeActionTargetsInput{ActionTargetArns: []string{"arn:a"}})
			return err
		}},
		{"a GET with a query", ours(awsjson.Scheduler(), "ListSchedules", map[string]string{"ScheduleGroup": "my group&", "NextToken": "t="}), func() error {
			_, err := scheduler.NewFromConfig(cfg).ListSchedules(t.Context(), &scheduler.ListSchedulesInput{GroupName: aws.String("my group&"), NextToken: aws.String("t=")})
			return err
		}},
		{"a GET with a name", ours(awsjson.Lambda(), "GetFunctionConfiguration", map[string]string{"FunctionName": "b/c ?d"}), func() error {
			_, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("b/c ?d")})
			return err
		}},
		{"concurrency", ours(awsjson.Lambda(), "GetFunctionConcurrency", map[string]string{"FunctionName": "f"}), func() error {
			_, err := functions.GetFunctionConcurrency(t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String("f")})
			return err
		}},
		{"account", ours(awsjson.Lambda(), "GetAccountSettings", struct{}{}), func() error {
			_, err := functions.GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{})
			return err
		}},
		{"mappings", ours(awsjson.Lambda(), "ListEventSourceMappings", map[string]string{"FunctionName": "f"}), func() error {
			_, err := functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")})
			return err
		}},
	}
}

// TestEndpoints: the addresses are those of the SDK, in every partition.
func TestEndpoints(t *testing.T) {
	for _, region := range []string{"eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"} {
		sm, err := sagemaker.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sagemaker.EndpointParameters{Region: &region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		if got := awsjson.SageMaker().Endpoint(region); got != strings.TrimSuffix(sm.URI.String(), "/") {
			t.Errorf("SageMaker in %s is at %s, want %s", region, got, sm.URI.String())
		}
		hub, err := securityhub.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), securityhub.EndpointParameters{Region: &region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		if got := awsjson.SecurityHub().Endpoint(region); got != strings.TrimSuffix(hub.URI.String(), "/") {
			t.Errorf("Security Hub in %s is at %s, want %s", region, got, hub.URI.String())
		}
	}
}

func TestAnswers(t *testing.T) {
	const date = "Mon, 02 Nov 2026 09:14:07 GMT"
	_, cfg := start(t, answer(http.StatusOK, `{"TrainingJobName":"fraud-7","SomethingNew":{"x":1}}`, "Date", date))
	got, err := awsjson.New(cfg).Call(t.Context(), awsjson.SageMaker(), "DescribeTrainingJob", struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC); !got.Date.Equal(want) {
		t.Errorf("the service's clock reads %v, want %v", got.Date, want)
	}
	if !strings.Contains(string(got.Body), "SomethingNew") {
		t.Errorf("the answer lost a member: %s", got.Body)
	}
}

// TestOldJSON: the SDK's client of CloudWatch speaks CBOR, so that there is nothing
// to compare a call in its other protocol with; tests against moto make it.
func TestOldJSON(t *testing.T) {
	s, cfg := start(t, answer(http.StatusOK, "{}"))
	if _, err := awsjson.New(cfg).Call(t.Context(), awsjson.CloudWatch(), "GetMetricData", map[string]string{"NextToken": "t"}); err != nil {
		t.Fatal(err)
	}
	got := s.asked[0]
	if got.ContentType != "application/x-amz-json-1.0" || got.Target != "GraniteServiceVersion20100801.GetMetricData" || !strings.Contains(got.Scope, "/monitoring/") {
		t.Errorf("asked %+v", got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name            string
		answer          func(http.ResponseWriter)
		code            string
		denied, missing bool
		asked           int
	}{
		{"denied", answer(400, `{"__type":"AccessDeniedException","Message":"no"}`), "AccessDeniedException", true, false, 1},
		{"denied, REST", answer(403, `{"Message":"no","Code":"AccessDeniedException"}`, "X-Amzn-ErrorType", "AccessDeniedException:http://internal/"), "AccessDeniedException", true, false, 1},
		{"not found", answer(400, `{"__type":"com.amazon#ResourceNotFound","message":"no"}`), "ResourceNotFound", false, true, 1},
		{"not found, as most say it", answer(400, `{"__type":"ValidationException","message":"Requested resource not found."}`), "ValidationException", false, true, 1},
		{"not found, as others say it", answer(400, `{"__type":"ValidationException","message":"Could not find model \"arn:m\"."}`), "ValidationException", false, true, 1},
		{"invalid", answer(400, `{"__type":"ValidationException","message":"1 validation error detected"}`), "ValidationException", false, false, 1},
		{"throttled", answer(400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), "ThrottlingException", false, false, 3},
		{"broken", answer(500, `<html>`), "UnknownError", false, false, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, cfg := start(t, c.answer)
			_, err := awsjson.New(cfg).Call(t.Context(), awsjson.SageMaker(), "DescribeModel", struct{}{})
			if awsjson.Code(err) != c.code || awsjson.Denied(err) != c.denied || awsjson.Missing(err) != c.missing {
				t.Errorf("code %q, denied %v, missing %v of %v", awsjson.Code(err), awsjson.Denied(err), awsjson.Missing(err), err)
			}
			if len(s.asked) != c.asked {
				t.Errorf("asked %d times, want %d", len(s.asked), c.asked)
			}
		})
	}
}

// TestRecovers: what fails for a while is asked again, each time signed anew.
func TestRecovers(t *testing.T) {
	s, cfg := start(t, answer(500, "{}"), answer(429, `{"__type":"TooManyRequestsException"}`), answer(200, `{"a":1}`))
	got, err := awsjson.New(cfg).Call(t.Context(), awsjson.SecurityHub(), "GetFindings", map[string]any{"x": "y"})
	if err != nil || string(got.Body) != `{"a":1}` {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, a := range s.asked {
		if a.Scope == "" || !cmp.Equal(a.Body, any(map[string]any{"x": "y"})) {
			t.Errorf("an attempt without signature or body: %+v", a)
		}
	}
}

// TestQuotaComesBack: thousands of throttled calls do not use up the retries of
// later ones, as they do with the SDK's adaptive mode.
// https://github.com/aws/aws-sdk-go-v2/issues/3550
func TestQuotaComesBack(t *testing.T) {
	n := 0
	s, cfg := start(t, func(w http.ResponseWriter) {
		if n++; n%2 == 1 {
			answer(400, `{"__type":"ThrottlingException"}`)(w)
			return
		}
		answer(200, "{}")(w)
	})
	client := awsjson.New(cfg)
	for i := range 500 {
		if _, err := client.Call(t.Context(), awsjson.SageMaker(), "DescribeModel", struct{}{}); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if len(s.asked) != 1000 {
		t.Errorf("asked %d times, want 1000", len(s.asked))
	}
}

func TestRefusals(t *testing.T) {
	_, cfg := start(t, func(w http.ResponseWriter) {
		_, _ = w.Write(make([]byte, awsjson.MaxBytes+1))
	})
	client := awsjson.New(cfg)
	if _, err := client.Call(t.Context(), awsjson.SageMaker(), "ListModels", struct{}{}); !errors.Is(err, awsjson.ErrTooLong) {
		t.Errorf("an endless answer: %v", err)
	}
	if _, err := client.Call(t.Context(), awsjson.SecurityHub(), "DeleteEverything", struct{}{}); err == nil {
		t.Error("an operation without a route was asked for")
	}
	if _, err := client.Call(t.Context(), awsjson.SageMaker(), "ListModels", func() {}); err == nil {
		t.Error("what cannot be written was asked for")
	}
	cfg.Region = ""
	if _, err := awsjson.New(cfg).Call(t.Context(), awsjson.SageMaker(), "ListModels", struct{}{}); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("without a Region: %v", err)
	}
	cfg.Region, cfg.BaseEndpoint = "eu-west-1", aws.String("http://[")
	if _, err := awsjson.New(cfg).Call(t.Context(), awsjson.SageMaker(), "ListModels", struct{}{}); err == nil {
		t.Error("an endpoint that is no address was asked")
	}
}
