package setup

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const prefix = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/"

func handler(t *testing.T) (*Handler, *sandbox.World) {
	t.Helper()
	w := sandbox.New(sandbox.Options{Seed: 1})
	endpoint, stop, err := w.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	key, secret := w.Credentials("sagemoat-setup", "setup")
	return &Handler{Prefix: prefix, Log: slog.New(slog.DiscardHandler), Hub: securityhub.New(securityhub.Options{
		Region: w.Region(), BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})}, w
}

func event(kind cfn.RequestType, id, name string) cfn.Event {
	return cfn.Event{RequestType: kind, PhysicalResourceID: id, ResourceProperties: map[string]any{"Id": "SagemoatStop", "Name": name, "Description": "d"}}
}

// TestHandle: the action is there after a creation, made once or twice; it says what
// an update says, and goes with the stack.
func TestHandle(t *testing.T) {
	h, w := handler(t)
	do := func(e cfn.Event, want string) {
		t.Helper()
		id, _, err := h.Handle(t.Context(), e)
		if err != nil || id != prefix+"SagemoatStop" {
			t.Fatalf("%s: %q, %v", e.RequestType, id, err)
		}
		if got := w.Actions()[id].Name; got != want {
			t.Errorf("%s: the action is called %q, want %q", e.RequestType, got, want)
		}
	}
	do(event(cfn.RequestCreate, "", "Stop"), "Stop")
	do(event(cfn.RequestCreate, "", "Stop again"), "Stop again")
	do(event(cfn.RequestUpdate, prefix+"SagemoatStop", "Stop this job"), "Stop this job")
	// What a creation that failed leaves is no ARN of ours: nothing of anybody's is deleted.
	do(event(cfn.RequestDelete, "the-id-of-a-request", ""), "Stop this job")
	do(event(cfn.RequestDelete, prefix+"SagemoatStop", ""), "")
	do(event(cfn.RequestDelete, prefix+"SagemoatStop", ""), "")
}

// TestRefused: what went wrong is said, and a stack can be deleted all the same.
func TestRefused(t *testing.T) {
	h, w := handler(t)
	w.SetHub(sandbox.HubOff)
	if _, _, err := h.Handle(t.Context(), event(cfn.RequestCreate, "", "Stop")); !errors.Is(err, errOff) {
		t.Errorf("with Security Hub off: %v, want what to do about it", err)
	}
	for range 2 { // CloudFormation's own, and the one that would undo it
		if id, _, err := h.Handle(t.Context(), event(cfn.RequestUpdate, prefix+"SagemoatStop", "Stop")); err != nil || id != prefix+"SagemoatStop" {
			t.Errorf("with Security Hub off, an update ends with %q, %v: the stack could not be updated", id, err)
		}
	}
	if _, _, err := h.Handle(t.Context(), event(cfn.RequestDelete, prefix+"SagemoatStop", "")); err != nil {
		t.Errorf("with Security Hub off, the deletion fails: %v", err)
	}
	w.SetHub(sandbox.HubOn)
	w.Fail(sandbox.Fault{Service: "securityhub", Operation: "DeleteActionTarget", Kind: sandbox.Denied})
	if _, _, err := h.Handle(t.Context(), event(cfn.RequestDelete, prefix+"SagemoatStop", "")); err == nil {
		t.Error("a deletion that was denied is told as done")
	}
	for _, e := range []cfn.Event{{RequestType: cfn.RequestCreate}, {RequestType: "Rename", ResourceProperties: map[string]any{"Id": "SagemoatStop"}}} {
		if _, _, err := h.Handle(t.Context(), e); err == nil || len(w.Actions()) > 0 {
			t.Errorf("%+v: %v, and there are %v", e, err, w.Actions())
		}
	}
	if _, _, err := h.Handle(t.Context(), event(cfn.RequestCreate, "", strings.Repeat("x", 21))); err == nil {
		t.Error("a name of 21 letters is taken")
	}
}
