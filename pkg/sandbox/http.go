package sandbox

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxBody bounds a request. The largest that AWS takes of ours is a batch of
// findings of 6 MB.
const maxBody = 16 << 20

// protocol says how a service's requests are read and its answers written.
type protocol uint8

const (
	awsJSON10 protocol = iota + 1
	awsJSON11
	restJSON
	query
	restXML
)

// protocols by signing name.
// https://smithy.io/2.0/aws/protocols/index.html
var protocols = map[string]protocol{
	"sagemaker":   awsJSON11,
	"events":      awsJSON11,
	"sqs":         awsJSON10,
	"securityhub": restJSON,
	"sns":         query,
	"s3":          restXML,
}

// reply is an answer that is no JSON document.
type reply struct {
	status int
	header map[string]string
	body   []byte
}

// ServeHTTP answers one signed request.
func (w *World) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if !w.enter() {
		return
	}
	defer w.busy.Done()
	c := &call{requestID: w.uuid(), header: r.Header}
	proto, err := w.open(c, r)
	out.Header()["Date"] = []string{w.Now().Format(http.TimeFormat)}
	out.Header()["X-Amzn-Requestid"] = []string{c.requestID}
	if proto == restXML {
		out.Header()["X-Amz-Request-Id"] = []string{c.requestID}
	}
	if err != nil {
		w.answer(out, r, proto, c, nil, err)
		return
	}
	seen := Call{
		Service: c.Service, Operation: c.Operation, Resource: c.resource(), Caller: c.Caller,
		Time: w.Now(), Input: c.Input,
	}
	fault := w.faults.pick(w, c)
	w.watch(seen)
	if fault.Delay > 0 && w.clock.Sleep(r.Context(), fault.Delay) != nil {
		fault.Kind = ResetBefore // the caller has gone
	}
	var result any
	switch fault.Kind {
	case ResetBefore:
	case Throttle:
		err = throttled(proto, c.Service)
	case Unavailable:
		err = &Error{Code: "ServiceUnavailable", Message: "Service is unable to handle request.", Status: http.StatusServiceUnavailable}
	case Denied:
		err = w.denied(proto, c)
	case ResetAfter, NoFault:
		result, err = w.services[c.Service].serve(c)
	}
	seen.Done, seen.Fault, seen.Output, seen.Outcome = true, fault.Kind, result, outcome(err)
	w.watch(seen)
	if fault.Kind == ResetBefore || fault.Kind == ResetAfter {
		reset(out)
		return
	}
	w.answer(out, r, proto, c, result, err)
}

// reset closes the connection without an answer.
func reset(out http.ResponseWriter) {
	conn, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return // gone already
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// throttled is how a service says that it is called too often.
func throttled(proto protocol, service string) *Error {
	switch {
	case proto == restXML:
		return &Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable}
	case service == "securityhub":
		return &Error{Code: "TooManyRequestsException", Message: "Rate exceeded", Status: http.StatusTooManyRequests}
	case proto == query:
		return refuse("Throttling", "Rate exceeded")
	}
	return refuse("ThrottlingException", "Rate exceeded")
}

// denied is how a service says that a policy forbids the call. SageMaker's refused
// writes are on the trail.
func (w *World) denied(proto protocol, c *call) *Error {
	e := &Error{
		Code:    "AccessDeniedException",
		Message: "User: " + c.Caller + " is not authorized to perform: " + c.Service + ":" + c.Operation,
		Status:  http.StatusForbidden,
	}
	switch proto {
	case awsJSON10, awsJSON11:
		e.Status = http.StatusBadRequest
	case query:
		e.Code = "AuthorizationError"
	case restXML:
		e.Code = "AccessDenied"
	case restJSON:
	}
	if c.Service == "sagemaker" && !reads.MatchString(c.Operation) {
		w.trail(c, c.Input, nil, "AccessDenied")
	}
	return e
}

// reads are operations that change nothing: EventBridge gets no record of them.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
var reads = regexp.MustCompile(`^(Describe|List|Get|Search|Query)`)

// outcome is the code of an error, for the log of calls.
func outcome(err error) string {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return "InternalFailure"
}

// open reads who calls what, with what.
func (w *World) open(c *call, r *http.Request) (protocol, error) {
	// AWS4-HMAC-SHA256 Credential=KEY/20261102/eu-west-1/sqs/aws4_request, SignedHeaders=…, Signature=…
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
	_, scope, signed := strings.Cut(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	if !signed || len(parts) != 5 || parts[4] != "aws4_request" || !strings.Contains(r.Header.Get("Authorization"), "Signature=") {
		return awsJSON11, &Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}
	}
	c.key, c.Service = parts[0], parts[3]
	proto, known := protocols[c.Service]
	if w.services[c.Service] == nil || !known {
		return awsJSON11, refuse("UnknownOperationException", "there is no service %q here", c.Service)
	}
	w.mu.Lock()
	caller, trusted := w.callers[c.key]
	w.mu.Unlock()
	c.Caller = caller
	if parts[2] != w.region {
		return proto, &Error{Code: "InvalidSignatureException", Message: fmt.Sprintf("Credential should be scoped to a valid region, not %q.", parts[2]), Status: http.StatusForbidden}
	}
	if !trusted {
		return proto, unknownKey(proto)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return proto, &Error{Code: "RequestEntityTooLarge", Message: err.Error(), Status: http.StatusRequestEntityTooLarge}
	}
	c.body = body
	return proto, c.decode(proto, r)
}

// unknownKey is how each protocol refuses an access key that is not one.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func unknownKey(proto protocol) *Error {
	code := "UnrecognizedClientException"
	switch proto {
	case query:
		code = "InvalidClientTokenId"
	case restXML:
		code = "InvalidAccessKeyId"
	case awsJSON10, awsJSON11, restJSON:
	}
	return &Error{Code: code, Message: "The security token included in the request is invalid.", Status: http.StatusForbidden}
}

// targets are the prefixes of X-Amz-Target by signing name.
var targets = map[string]string{"sagemaker": "SageMaker.", "events": "AWSEvents.", "sqs": "AmazonSQS."}

// decode finds the operation and its input.
func (c *call) decode(proto protocol, r *http.Request) error {
	switch proto {
	case awsJSON10, awsJSON11:
		operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targets[c.Service])
		if !ok || operation == "" {
			return refuse("UnknownOperationException", "X-Amz-Target is %q", r.Header.Get("X-Amz-Target"))
		}
		c.Operation = operation
		return c.decodeJSON()
	case restJSON:
		operation, ok := hubRoutes[r.Method+" "+r.URL.Path]
		if arn, of := strings.CutPrefix(r.URL.Path, "/actionTargets/"); of && !ok {
			operation, ok = hubRoutes[r.Method+" "+actionRoute]
			defer func() { c.Input = with(c.Input, "ActionTargetArn", arn) }()
		}
		if !ok {
			return &Error{Code: "UnknownOperationException", Message: r.Method + " " + r.URL.Path + " is not served here", Status: http.StatusNotFound}
		}
		c.Operation = operation
		return c.decodeJSON()
	case query:
		form, err := url.ParseQuery(string(c.body))
		if err != nil {
			return refuse("MalformedQueryString", "%v", err)
		}
		c.Operation = form.Get("Action")
		c.Input = make(map[string]any, len(form))
		for name := range form {
			c.Input[name] = form.Get(name)
		}
	case restXML:
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		c.Input = map[string]any{"Bucket": bucket, "Key": key}
		c.Operation = s3Operations[r.Method]
		if c.Operation == "" || key == "" {
			return &Error{Code: "NotImplemented", Message: r.Method + " " + r.URL.Path + " is not served here", Status: http.StatusNotImplemented}
		}
	}
	return nil
}

func (c *call) decodeJSON() error {
	if len(c.body) == 0 {
		c.Input = map[string]any{}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	if err := d.Decode(&c.Input); err != nil {
		return refuse("SerializationException", "the body is no JSON object: %v", err)
	}
	if c.Input == nil {
		c.Input = map[string]any{}
	}
	return nil
}

// answer writes a result or an error in the form of the protocol.
func (w *World) answer(out http.ResponseWriter, r *http.Request, proto protocol, c *call, result any, err error) {
	rep := &reply{status: http.StatusOK}
	switch {
	case err != nil:
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
		}
		rep = refusal(proto, c, e)
	case proto == query:
		rep = xmlResult(c, result)
	default:
		if written, ok := result.(*reply); ok {
			rep = written
			break
		}
		if result == nil {
			result = struct{}{}
		}
		body, failed := json.Marshal(result)
		if failed != nil {
			rep = refusal(proto, c, &Error{Code: "InternalFailure", Message: failed.Error(), Status: http.StatusInternalServerError})
			break
		}
		rep.body, rep.header = body, map[string]string{"Content-Type": contentTypes[proto]}
	}
	for name, value := range rep.header {
		out.Header().Set(name, value)
	}
	if r.Method != http.MethodHead {
		out.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	out.WriteHeader(rep.status)
	if r.Method != http.MethodHead {
		_, _ = out.Write(rep.body)
	}
}

var contentTypes = map[protocol]string{
	awsJSON10: "application/x-amz-json-1.0",
	awsJSON11: "application/x-amz-json-1.1",
	restJSON:  "application/json",
	query:     "text/xml",
	restXML:   "application/xml",
}

// refusal writes an error.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html#operation-error-serialization
func refusal(proto protocol, c *call, e *Error) *reply {
	rep := &reply{status: e.Status, header: map[string]string{"Content-Type": contentTypes[proto]}}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	switch proto {
	case awsJSON10, awsJSON11:
		rep.header["x-amzn-ErrorType"] = e.Code
		if old, ok := queryCodes[e.Code]; ok {
			rep.header["x-amzn-query-error"] = old + ";" + fault
		}
		rep.body, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) //nolint:errchkjson // strings
	case restJSON:
		rep.header["x-amzn-ErrorType"] = e.Code
		rep.body, _ = json.Marshal(map[string]string{"Code": e.Code, "Message": e.Message}) //nolint:errchkjson // strings
	case query:
		rep.body = fmt.Appendf(nil, `<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			fault, e.Code, escaped(e.Message), c.requestID)
	case restXML:
		rep.body = fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>`,
			e.Code, escaped(e.Message), c.requestID)
	}
	return rep
}

// xmlResult writes a flat result of the query protocol.
func xmlResult(c *call, result any) *reply {
	members, _ := result.(map[string]string)
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%sResponse><%sResult>", c.Operation, c.Operation)
	for _, name := range sortedKeys(members) {
		fmt.Fprintf(&b, "<%s>%s</%s>", name, escaped(members[name]), name)
	}
	fmt.Fprintf(&b, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", c.Operation, c.requestID, c.Operation)
	return &reply{status: http.StatusOK, header: map[string]string{"Content-Type": contentTypes[query]}, body: b.Bytes()}
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
