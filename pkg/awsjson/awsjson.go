// Package awsjson calls the AWS services whose protocol is JSON, by the names of
// their operations, on the SDK's own middleware: its retries, its signer, its
// errors. What comes back is the response as AWS wrote it, with every member:
// the client of a service would leave out those that it does not know.
//
// The table names SageMaker's operations as text, and the client of a service
// with 400 operations is most of a function's size and of its start. See
// docs/adr/0011-one-caller.md.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Service is an AWS service and how its operations are asked for.
type Service struct {
	// ID is the service's name in messages and metrics.
	ID string
	// Signing is its name in signatures, Host the first part of its address.
	Signing, Host string
	// target begins X-Amz-Target, in the protocols JSON 1.0 and 1.1; empty in REST.
	target string
	// old says that it is JSON 1.0.
	old bool
	// routes are the method and path of each operation, in REST.
	routes map[string]route
}

// route is a method and a path. Members of the input whose names stand in the
// path, in braces, are put there; those of a GET, which has no body, into the
// query. https://smithy.io/2.0/spec/http-bindings.html
type route struct{ method, path string }

// SageMaker is Amazon SageMaker AI.
// https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
func SageMaker() Service {
	return Service{ID: "SageMaker", Signing: "sagemaker", Host: "api.sagemaker", target: "SageMaker"}
}

// Events is Amazon EventBridge.
// https://docs.aws.amazon.com/general/latest/gr/ev.html
func Events() Service {
	return Service{ID: "EventBridge", Signing: "events", Host: "events", target: "AWSEvents"}
}

// SecurityHub is AWS Security Hub CSPM, with the operations that findings need,
// and those that tell how it is set up.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Operations.html
func SecurityHub() Service {
	return Service{ID: "SecurityHub", Signing: "securityhub", Host: "securityhub", routes: map[string]route{
		"BatchImportFindings":   {http.MethodPost, "/findings/import"},
		"BatchUpdateFindings":   {http.MethodPatch, "/findings/batchupdate"},
		"DescribeActionTargets": {http.MethodPost, "/actionTargets/get"},
		"DescribeHub":           {http.MethodGet, "/accounts"},
		"GetFindings":           {http.MethodPost, "/findings"},
	}}
}

// CloudTrail is AWS CloudTrail.
// https://docs.aws.amazon.com/general/latest/gr/ct.html
func CloudTrail() Service {
	return Service{ID: "CloudTrail", Signing: "cloudtrail", Host: "cloudtrail", target: "CloudTrail_20131101"}
}

// CloudWatch is Amazon CloudWatch, whose protocols are CBOR, JSON 1.0 and Query.
// https://github.com/boto/botocore/blob/develop/botocore/data/cloudwatch/2010-08-01/service-2.json.gz
func CloudWatch() Service {
	return Service{ID: "CloudWatch", Signing: "monitoring", Host: "monitoring", target: "GraniteServiceVersion20100801", old: true}
}

// ServiceQuotas is Service Quotas.
// https://docs.aws.amazon.com/general/latest/gr/servicequotas.html
func ServiceQuotas() Service {
	return Service{ID: "ServiceQuotas", Signing: "servicequotas", Host: "servicequotas", target: "ServiceQuotasV20190624"}
}

// Lambda is AWS Lambda, with the operations that tell how functions are set up.
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
func Lambda() Service {
	return Service{ID: "Lambda", Signing: "lambda", Host: "lambda", routes: map[string]route{
		"GetAccountSettings":       {http.MethodGet, "/2016-08-19/account-settings"},
		"GetFunctionConcurrency":   {http.MethodGet, "/2019-09-30/functions/{FunctionName}/concurrency"},
		"GetFunctionConfiguration": {http.MethodGet, "/2015-03-31/functions/{FunctionName}/configuration"},
		"ListEventSourceMappings":  {http.MethodGet, "/2015-03-31/event-source-mappings"},
	}}
}

// Scheduler is Amazon EventBridge Scheduler. The group of ListSchedules is its
// parameter ScheduleGroup.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
func Scheduler() Service {
	return Service{ID: "Scheduler", Signing: "scheduler", Host: "scheduler", routes: map[string]route{
		"ListSchedules": {http.MethodGet, "/schedules"},
	}}
}

// MaxBytes is the longest response that is read.
const MaxBytes = 16 << 20

// ErrTooLong says that a response is longer than [MaxBytes].
var ErrTooLong = fmt.Errorf("the response is longer than %d bytes", MaxBytes)

// Response is what a service answered.
type Response struct {
	Body []byte
	// Date is the service's clock when it answered, to the second; zero where it
	// did not say.
	Date time.Time
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	http        aws.HTTPClient
	retryer     aws.Retryer
	credentials aws.CredentialsProvider
	region      string
	endpoint    string
}

// New returns a client for the configuration's Region, with its HTTP client, its
// retryer and its endpoint where it has them. The retryer should be
// [retry.NewStandard]: the adaptive one never gets its quota back.
// https://github.com/aws/aws-sdk-go-v2/issues/3550
func New(cfg aws.Config) *Client {
	c := &Client{
		http: cfg.HTTPClient, credentials: cfg.Credentials,
		region: cfg.Region, endpoint: aws.ToString(cfg.BaseEndpoint),
	}
	if c.http == nil {
		c.http = awshttp.NewBuildableClient()
	}
	if cfg.Retryer != nil {
		c.retryer = cfg.Retryer()
	} else {
		c.retryer = retry.NewStandard()
	}
	return c
}

// Endpoint is the address of a service in a Region.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
func (s Service) Endpoint(region string) string {
	return "https://" + s.Host + "." + region + "." + suffix(region)
}

// suffix is the domain of a Region's partition.
func suffix(region string) string {
	switch kind.Partition(region) {
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-iso":
		return "c2s.ic.gov"
	case "aws-iso-b":
		return "sc2s.sgov.gov"
	case "aws-iso-e":
		return "cloud.adc-e.uk"
	case "aws-iso-f":
		return "csp.hci.ic.gov"
	case "aws-eusc":
		return "amazonaws.eu"
	default:
		return "amazonaws.com"
	}
}

// Call asks for an operation with an input that is written as JSON. Errors that
// the service answered with are [smithy.APIError]; see [Code].
func (c *Client) Call(ctx context.Context, s Service, operation string, input any) (*Response, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", s.ID, operation, err)
	}
	x := exchange{service: s, operation: operation, body: body}
	if x.url, err = c.address(s); err != nil {
		return nil, err
	}
	if s.target == "" {
		r, ok := s.routes[operation]
		if !ok {
			return nil, fmt.Errorf("%s has no operation %s here", s.ID, operation)
		}
		if x.route, x.query, err = r.fill(body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", s.ID, operation, err)
		}
		if r.method == http.MethodGet {
			x.body = nil
		}
	} else {
		x.route = route{http.MethodPost, "/"}
	}
	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	if err := c.build(stack, x); err != nil {
		return nil, err
	}
	out, meta, err := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(c.http), stack).Handle(middleware.ClearStackValues(ctx), input)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: s.ID, OperationName: operation, Err: err}
	}
	answer, _ := out.([]byte)
	date, _ := awsmiddleware.GetServerTime(meta)
	return &Response{Body: answer, Date: date}, nil
}

// fill puts members of an input into the path and, of a GET, into the query.
func (r route) fill(input []byte) (filled route, query url.Values, err error) {
	if r.method != http.MethodGet {
		return r, nil, nil
	}
	var members map[string]string
	if err := json.Unmarshal(input, &members); err != nil {
		return r, nil, err
	}
	query = url.Values{}
	for name, value := range members {
		if in := "{" + name + "}"; strings.Contains(r.path, in) {
			r.path = strings.ReplaceAll(r.path, in, url.PathEscape(value))
		} else {
			query.Set(name, value)
		}
	}
	return r, query, nil
}

func (c *Client) address(s Service) (*url.URL, error) {
	if c.region == "" {
		return nil, errors.New("no Region is set: set AWS_REGION")
	}
	endpoint := c.endpoint
	if endpoint == "" {
		endpoint = s.Endpoint(c.region)
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint of %s: %w", s.ID, err)
	}
	return u, nil
}

// build puts the SDK's steps in their order: write, sign within each attempt,
// read.
func (c *Client) build(stack *middleware.Stack, x exchange) error {
	return errors.Join(
		stack.Serialize.Add(middleware.SerializeMiddlewareFunc("Write", x.write), middleware.After),
		stack.Build.Add(middleware.BuildMiddlewareFunc("UserAgent", userAgent), middleware.After),
		stack.Finalize.Add(retry.NewAttemptMiddleware(c.retryer, smithyhttp.RequestCloner), middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing", c.sign(x)), middleware.After),
		// The SDK puts its own steps around the one of this name.
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", x.read), middleware.After),
		awsmiddleware.AddRecordResponseTiming(stack),
		awsmiddleware.AddRequestIDRetrieverMiddleware(stack),
		awshttp.AddResponseErrorMiddleware(stack),
	)
}

// sign signs each attempt.
func (c *Client) sign(x exchange) func(context.Context, middleware.FinalizeInput, middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	hash := sha256.Sum256(x.body)
	signer := v4.NewSigner()
	return func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, meta middleware.Metadata, err error) {
		req, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return out, meta, fmt.Errorf("found %T, not an HTTP request", in.Request)
		}
		keys, err := c.credentials.Retrieve(ctx)
		if err != nil {
			return out, meta, fmt.Errorf("the credentials: %w", err)
		}
		now := time.Now() //nolint:forbidigo // signatures are good for minutes of the real time
		if err := signer.SignHTTP(ctx, keys, req.Request, hex.EncodeToString(hash[:]), x.service.Signing, c.region, now); err != nil {
			return out, meta, err
		}
		return next.HandleFinalize(ctx, in)
	}
}

func userAgent(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		req.Header.Set("User-Agent", "sagemoat aws-sdk-go-v2/"+aws.SDKVersion)
	}
	return next.HandleBuild(ctx, in)
}

// exchange is one request and its answer.
type exchange struct {
	service   Service
	operation string
	route     route
	url       *url.URL
	query     url.Values
	body      []byte
}

func (x exchange) write(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (out middleware.SerializeOutput, meta middleware.Metadata, err error) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, meta, fmt.Errorf("found %T, not an HTTP request", in.Request)
	}
	req.Method = x.route.method
	at := *x.url
	at.RawPath = strings.TrimSuffix(at.EscapedPath(), "/") + x.route.path
	if at.Path, err = url.PathUnescape(at.RawPath); err != nil {
		return out, meta, err
	}
	at.RawQuery = x.query.Encode()
	req.URL = &at
	if x.body == nil {
		return next.HandleSerialize(ctx, in)
	}
	req.Header.Set("Content-Type", "application/json")
	if x.service.target != "" {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		if x.service.old {
			req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		}
		req.Header.Set("X-Amz-Target", x.service.target+"."+x.operation)
	}
	if in.Request, err = req.SetStream(bytes.NewReader(x.body)); err != nil {
		return out, meta, err
	}
	return next.HandleSerialize(ctx, in)
}

func (x exchange) read(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (out middleware.DeserializeOutput, meta middleware.Metadata, err error) {
	out, meta, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, meta, err
	}
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, meta, fmt.Errorf("found %T, not an HTTP response", out.RawResponse)
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxBytes+1))
	if err != nil {
		return out, meta, &smithy.DeserializationError{Err: err}
	}
	if len(body) > MaxBytes {
		return out, meta, ErrTooLong
	}
	if response.StatusCode/100 != 2 {
		return out, meta, apiError(response, body)
	}
	out.Result = body
	return out, meta, nil
}

// apiError reads an error in either protocol: the code stands in a header or in
// the body.
func apiError(response *smithyhttp.Response, body []byte) error {
	out := &smithy.GenericAPIError{Code: response.Header.Get("X-Amzn-ErrorType")}
	code, message, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(body)))
	if err == nil {
		out.Message = message
		if out.Code == "" {
			out.Code = code
		}
	}
	out.Code = restjson.SanitizeErrorCode(out.Code)
	if out.Code == "" {
		out.Code = "UnknownError"
	}
	out.Fault = smithy.FaultClient
	if response.StatusCode >= http.StatusInternalServerError {
		out.Fault = smithy.FaultServer
	}
	return out
}

// Code is the code of an error that AWS answered with, or "".
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Denied says whether AWS refused a call for want of permission.
func Denied(err error) bool {
	switch Code(err) {
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "UnauthorizedException", "NotAuthorized":
		return true
	}
	return false
}

// Missing says whether AWS answered that there is no such resource. Most Describe
// operations of SageMaker say so by a validation error, which they do not declare.
// https://github.com/aws/sagemaker-python-sdk/issues/1021
func Missing(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ResourceNotFound", "ResourceNotFoundException":
		return true
	case "ValidationException":
		m := strings.ToLower(api.ErrorMessage())
		return slices.ContainsFunc([]string{
			"not found", "could not find", "cannot find", "recordnotfound", "does not exist", "doesn't exist", "no workforce found",
		}, func(words string) bool { return strings.Contains(m, words) })
	}
	return false
}
