// Package setup makes, while the stack is deployed, what CloudFormation has no type
// for: the custom action in Security Hub by which people ask for a stop.
package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/sagemoat/sagemoat/internal/telemetry"
)

// The properties of the custom resource: the members of CreateActionTarget.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateActionTarget.html
const (
	propertyID          = "Id"
	propertyName        = "Name"
	propertyDescription = "Description"
)

// Handler makes and deletes the action. It may be asked for the same thing twice.
type Handler struct {
	Hub *securityhub.Client
	// Prefix is the action's ARN without its id.
	Prefix string
	Log    *slog.Logger
}

// errOff says what to do where Security Hub is off. CloudFormation shows it to
// whoever deploys.
var errOff = errors.New("AWS Security Hub CSPM is not enabled in this account and Region: enable it, or deploy with SecurityHub=disabled")

// Handle does what CloudFormation asks for.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
func (h *Handler) Handle(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	property := func(name string) string { s, _ := e.ResourceProperties[name].(string); return s }
	action := property(propertyID)
	if action == "" {
		return e.PhysicalResourceID, nil, fmt.Errorf("the property %s is missing", propertyID)
	}
	arn := h.Prefix + action
	switch e.RequestType {
	case cfn.RequestCreate, cfn.RequestUpdate:
		err = h.ensure(ctx, arn, action, property(propertyName), property(propertyDescription))
	case cfn.RequestDelete:
		err = h.remove(ctx, e.PhysicalResourceID)
	default:
		err = fmt.Errorf("%q is no request of CloudFormation's", e.RequestType)
	}
	if off := new(types.InvalidAccessException); errors.As(err, &off) {
		err = errOff
		if e.RequestType == cfn.RequestUpdate {
			// An update that fails is undone by a second one, which would fail, too, and leave
			// a stack that cannot be updated. sagemoat doctor tells that the action is missing.
			// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html#troubleshooting-errors-update-rollback-failed
			h.Log.LogAttrs(ctx, slog.LevelWarn, "setup", slog.String("outcome", "the custom action was left as it is"), telemetry.Error(err))
			err = nil
		}
	}
	return arn, nil, err
}

// ensure makes the action, or has what is there say the same.
func (h *Handler) ensure(ctx context.Context, arn, id, name, description string) error {
	_, err := h.Hub.CreateActionTarget(ctx, &securityhub.CreateActionTargetInput{Id: &id, Name: &name, Description: &description})
	if there := new(types.ResourceConflictException); errors.As(err, &there) {
		_, err = h.Hub.UpdateActionTarget(ctx, &securityhub.UpdateActionTargetInput{ActionTargetArn: &arn, Name: &name, Description: &description})
	}
	return err
}

// remove deletes the action. Where there is none, as after a creation that failed,
// or where Security Hub is off by now, there is nothing to do.
func (h *Handler) remove(ctx context.Context, arn string) error {
	if len(arn) < len(h.Prefix) || arn[:len(h.Prefix)] != h.Prefix {
		return nil
	}
	_, err := h.Hub.DeleteActionTarget(ctx, &securityhub.DeleteActionTargetInput{ActionTargetArn: &arn})
	none, off := new(types.ResourceNotFoundException), new(types.InvalidAccessException)
	if errors.As(err, &none) || errors.As(err, &off) {
		return nil
	}
	return err
}
