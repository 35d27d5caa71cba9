package sandbox

import (
	"maps"
	"net/http"
	"regexp"
)

// HubAction is a custom action in Security Hub.
type HubAction struct{ Name, Description string }

// Actions are the custom actions, by ARN.
func (w *World) Actions() map[string]HubAction {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.actions)
}

// actionRoute is the path of one action: a label that takes slashes.
// https://smithy.io/2.0/spec/http-bindings.html#greedy-labels
const actionRoute = "/actionTargets/{ActionTargetArn+}"

// with is a document with one more member.
func with(doc map[string]any, name string, value any) map[string]any {
	if doc == nil {
		doc = map[string]any{}
	}
	doc[name] = value
	return doc
}

// The limits of a custom action.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateActionTarget.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-configure.html
var (
	actionID   = regexp.MustCompile(`^[0-9A-Za-z]{1,20}$`)
	actionName = regexp.MustCompile(`^.{1,20}$`)
)

// changeAction makes, changes and deletes custom actions.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_UpdateActionTarget.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DeleteActionTarget.html
func (h *hub) changeAction(c *call) (any, error) {
	text := func(name string) string { s, _ := c.Input[name].(string); return s }
	arn := text("ActionTargetArn")
	if c.Operation == "CreateActionTarget" {
		if !actionID.MatchString(text("Id")) {
			return nil, invalidInput("Invalid parameter 'Id': 1 to 20 letters and digits")
		}
		arn = h.world.arn("securityhub", "action/custom/"+text("Id"))
	}
	old, there := h.actions[arn]
	switch {
	case c.Operation == "CreateActionTarget" && there:
		return nil, &Error{Code: "ResourceConflictException", Message: "The action target already exists", Status: http.StatusConflict}
	case c.Operation != "CreateActionTarget" && !there:
		return nil, &Error{Code: "ResourceNotFoundException", Message: "There is no such action target", Status: http.StatusNotFound}
	case c.Operation == "DeleteActionTarget":
		delete(h.actions, arn)
		return map[string]any{"ActionTargetArn": arn}, nil
	}
	if name := text("Name"); name != "" || !there {
		if !actionName.MatchString(name) {
			return nil, invalidInput("Invalid parameter 'Name': 1 to 20 characters")
		}
		old.Name = name
	}
	if description := text("Description"); description != "" || !there {
		old.Description = description
	}
	h.actions[arn] = old
	return map[string]any{"ActionTargetArn": arn}, nil
}
