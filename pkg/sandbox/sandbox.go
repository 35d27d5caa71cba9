// Package sandbox is AWS in memory: SageMaker AI, Security Hub, EventBridge, SQS,
// SNS and S3, as far as sagemoat uses them, over loopback HTTP in AWS's own
// protocols, so that the real SDK talks to it over real connections. It is the
// world of the demo and the bed of the fault tests. docs/test-doubles.md lists
// each behaviour with its source, and those that nobody has confirmed.
package sandbox

import (
	"fmt"
	"net/http"
)

// Error is an error that AWS answers with.
type Error struct {
	Code    string // ResourceNotFound, ThrottlingException …
	Message string
	Status  int // HTTP
}

// Error returns code and message.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// refuse is an error of the caller's.
func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// call is one request to a service, with its protocol taken off.
type call struct {
	Service   string // signing name: sagemaker, securityhub, events, sqs, sns, s3
	Operation string
	Input     map[string]any // numbers are json.Number
	// Caller is the ARN of who signed the request, as CloudTrail would write it.
	Caller string

	// The rest is for those who write logs, and for S3, whose bodies are no
	// documents.
	key       string // access key of the caller
	requestID string
	header    http.Header
	body      []byte
}

// service answers the calls to one AWS service. The result is written as JSON;
// an error that is no *Error becomes an internal failure.
type service interface {
	serve(c *call) (result any, err error)
}
