package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
)

// ErrorText is what may be written of an error, in at most 256 bytes. Of one
// that an AWS client returned: service, operation and code
// (SageMaker.DescribeTrainingJob: ValidationException), or what kind of error it
// was if there is no code. Its message is left out, and with it whatever we put
// around it: messages of AWS quote values of the request, those of net/http the
// URL. Of an error of our own: its message.
//
// The Lambda library logs what a handler returns as an error
// (https://github.com/aws/aws-lambda-go/blob/v1.55.1/lambda/invoke_loop.go#L99):
// return errors.New(ErrorText(err)).
func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	var place string
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		place = word(op.Service()) + "." + word(op.Operation()) + ": "
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return clean(place + word(api.ErrorCode()))
	}
	_, isURL := errors.AsType[*url.Error](err)
	_, isNet := errors.AsType[net.Error](err)
	if place == "" && !isURL && (!isNet || errors.Is(err, context.DeadlineExceeded)) {
		return clean(err.Error())
	}
	return clean(place + cause(err, isNet))
}

// cause names a failure on the way.
func cause(err error, isNet bool) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	}
	if isNet {
		if n, _ := errors.AsType[net.Error](err); n.Timeout() {
			return "timeout"
		}
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Sprintf("%T", err)
}

// word keeps what the name of an error or operation is made of.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == ':' || r == '-' {
			return r
		}
		return -1
	}, s)
}
