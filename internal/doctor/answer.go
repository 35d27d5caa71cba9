package doctor

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// answer is what a call returned, or why it returned nothing. The zero value is of
// a call that nobody made.
type answer[T any] struct {
	value T
	got   bool
	err   error
	// action is the IAM action that allows the call.
	action string
}

// answered makes an answer of what an SDK's client returned.
func answered[T any](action string, value T, err error) answer[T] {
	return answer[T]{value: value, got: err == nil, err: err, action: action}
}

// ask calls an operation of a service whose protocol is JSON.
func ask[T any](ctx context.Context, c *awsjson.Client, s awsjson.Service, operation string, input any) answer[T] {
	var value T
	out, err := c.Call(ctx, s, operation, input)
	if err == nil {
		if err = json.Unmarshal(out.Body, &value); err != nil {
			err = &smithy.OperationError{ServiceID: s.ID, OperationName: operation, Err: &smithy.DeserializationError{Err: err}}
		}
	}
	return answered(s.Signing+":"+operation, value, err)
}

// then makes an answer of another: what does not come from the value has its error.
func then[T, R any](a answer[T], f func(T) R) (out answer[R]) {
	out.got, out.err, out.action = a.got, a.err, a.action
	if a.got {
		out.value = f(a.value)
	}
	return out
}

// code is the code that AWS answered with; "" where it answered or could not.
func (a answer[T]) code() string { return awsjson.Code(a.err) }

// missing says whether AWS answered that there is no such thing.
func (a answer[T]) missing() bool {
	switch a.code() {
	case "ResourceNotFoundException", "ResourceNotFound", "NotFound", "NotFoundException",
		"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NoSuchKey", "NoSuchBucket":
		return true
	}
	return false
}

// denied says whether a policy forbids the call.
func denied(err error) bool {
	switch awsjson.Code(err) {
	case "AuthorizationError", "AuthorizationErrorException", "Forbidden":
		return true // of SNS; of HEAD and other answers of S3 without a body
	}
	return awsjson.Denied(err)
}

// unknown is the line of a check that this answer leaves open.
func (a answer[T]) unknown(check string) Line {
	l := Line{Check: check, Status: Unknown}
	switch {
	case a.err == nil:
		l.Found = "nobody asked"
	case denied(a.err):
		l.Found = a.action + " is denied"
		l.Missing = []string{a.action}
		l.Fix = []string{"# allow " + a.action + " to who runs this: docs/doctor.md has the policy"}
	default:
		l.Found = a.action + " gave no answer: " + telemetry.ErrorText(a.err)
		l.Fix = []string{"# try again; if it stays so, this cannot be told here"}
	}
	return l
}

// line is a line of a check.
func line(check string, s Status, found string, fix ...string) Line {
	return Line{Check: check, Status: s, Found: found, Fix: fix}
}

// with adds a note.
func (l Line) with(note string) Line {
	l.Note = note
	return l
}

// list joins names with commas, and the last one with "and".
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "none"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
