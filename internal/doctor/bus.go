package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func busSubject() subject {
	return subject{"EventBridge", []Check{
		{ID: "rules", Why: "what no enabled rule lets through is never judged, until the sweep finds it", Deployed: true},
		{ID: "targets", Why: "an event that cannot be delivered is lost without a dead letter queue and retries", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		all := x.rules(ctx)
		out := judgeRules(x, all)
		return append(out, judgeTargets(x, all, lookAtTargets(ctx, x))...)
	}}
}

// rule is a rule of the default event bus.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Rule.html
type rule struct{ Name, Arn, EventPattern, State string }

// on says whether the rule lets events through.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
func (r *rule) on() bool {
	return r.State == "ENABLED" || r.State == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
}

// ofCalls says whether the rule is for calls that CloudTrail recorded.
func (r *rule) ofCalls() bool {
	var p struct {
		DetailType []json.RawMessage `json:"detail-type"`
	}
	return json.Unmarshal([]byte(r.EventPattern), &p) == nil && slices.ContainsFunc(p.DetailType, func(raw json.RawMessage) bool {
		return string(raw) == `"AWS API Call via CloudTrail"`
	})
}

// target is where a rule sends events.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
type target struct {
	ID               string `json:"Id"`
	Arn              string
	Input, InputPath string
	InputTransformer json.RawMessage
	DeadLetterConfig *struct{ Arn string }
	RetryPolicy      *struct{ MaximumRetryAttempts int }
}

// listRules lists the rules of the default bus.
func listRules(ctx context.Context, x *session) answer[[]rule] {
	type page struct {
		Rules     []rule
		NextToken string
	}
	var all []rule
	for in := map[string]any{"Limit": 100}; ; {
		a := ask[page](ctx, x.json, awsjson.Events(), "ListRules", in)
		all = append(all, a.value.Rules...)
		if !a.got || a.value.NextToken == "" {
			return then(a, func(page) []rule { return all })
		}
		in["NextToken"] = a.value.NextToken
	}
}

func lookAtTargets(ctx context.Context, x *session) map[string]answer[[]target] {
	out := map[string]answer[[]target]{}
	type page struct{ Targets []target }
	for _, name := range x.stack.rules() {
		out[name] = then(ask[page](ctx, x.json, awsjson.Events(), "ListTargetsByRule", map[string]string{"Rule": name}), func(p page) []target { return p.Targets })
	}
	return out
}

// canonical is a pattern with its lists in order, which makes none in patterns.
// It is nil for what is no JSON.
func canonical(pattern string) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader([]byte(pattern)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	b, err := json.Marshal(sorted(v))
	if err != nil {
		return nil
	}
	return b
}

func sorted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, below := range v {
			v[name] = sorted(below)
		}
	case []any:
		texts := make([]json.RawMessage, len(v))
		for i := range v {
			texts[i] = json.RawMessage(inJSON(sorted(v[i])))
		}
		slices.SortFunc(texts, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
		return texts
	}
	return v
}

// judgeRules compares the rules of the stack with those that this version deploys.
func judgeRules(x *session, all answer[[]rule]) (out []Line) {
	if !all.got {
		return []Line{all.unknown("rules")}
	}
	have := map[string]*rule{} // by pattern, of those that are on
	var strange []string
	for _, name := range x.stack.rules() {
		i := slices.IndexFunc(all.value, func(r rule) bool { return r.Name == name })
		if i < 0 {
			out = append(out, line("rules", Failed, "the rule "+name+" is not there", "make deploy").
				with("CloudFormation does not put back what was deleted by hand unless the template changes: see below for what it let through"))
			continue
		}
		r := &all.value[i]
		switch {
		case r.on():
			have[string(canonical(r.EventPattern))] = r
		default:
			out = append(out, line("rules", Failed, "the rule "+name+" is "+cmp.Or(r.State, "in no state"), x.aws("events", "enable-rule", "--name", name)))
			have[string(canonical(r.EventPattern))] = r // told already
		}
	}
	wanted := map[string]bool{}
	for _, w := range events.Patterns() {
		c := string(canonical(string(w.Pattern)))
		wanted[c] = true
		if have[c] == nil {
			out = append(out, line("rules", Failed, "no rule of the stack has the pattern "+w.Name+" of this version ("+w.Words+")", x.putRule(all.value, w)...))
		}
	}
	for c, r := range have {
		if !wanted[c] {
			strange = append(strange, r.Name)
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		out = append(out, line("rules", Warning, list(strange)+": a pattern that this version does not deploy; it was changed, or is of another version", "make deploy"))
	}
	if len(out) == 0 {
		out = append(out, line("rules", OK, fmt.Sprintf("%d, enabled, with the patterns of this version", len(x.stack.rules()))))
	}
	return out
}

// putRule are the commands that put a pattern in force again: in the rule of the
// stack whose pattern is none that is wanted, if the names tell which.
func (x *session) putRule(all []rule, w events.Rule) []string {
	var named []string
	for _, name := range x.stack.rules() {
		if suffixed(name, w.Name) {
			named = append(named, name)
		}
	}
	if len(named) != 1 {
		return []string{"make deploy"}
	}
	fix := []string{x.aws("events", "put-rule", "--name", named[0], "--state", "ENABLED", "--description", w.Words, "--event-pattern", string(w.Pattern))}
	if !slices.ContainsFunc(all, func(r rule) bool { return r.Name == named[0] }) {
		fix = append(fix, x.putTarget(named[0], "queue"))
	}
	return fix
}

// suffixed says whether the name of a deployed rule ends in that of a pattern.
func suffixed(name, pattern string) bool {
	return name == pattern || len(name) > len(pattern) && name[len(name)-len(pattern)-1] == '-' && name[len(name)-len(pattern):] == pattern
}

// putTarget is the command that has a rule send to the queue, as it should. The
// policy is EventBridge's longest.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
func (x *session) putTarget(rule, id string) string {
	return x.aws("events", "put-targets", "--rule", rule, "--targets", inJSON([]any{map[string]any{
		"Id": id, "Arn": x.queueARN(x.stack.out(OutQueue)),
		"DeadLetterConfig": map[string]any{"Arn": x.queueARN(x.stack.out(OutQueueDeadLetter))},
		"RetryPolicy":      map[string]any{"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
	}}))
}

// judgeTargets says whether each rule of the stack sends to the queue, with
// retries, and to the dead letter queue what it cannot deliver.
func judgeTargets(x *session, all answer[[]rule], targets map[string]answer[[]target]) (out []Line) {
	queue, letters := x.queueARN(x.stack.out(OutQueue)), x.queueARN(x.stack.out(OutQueueDeadLetter))
	for _, name := range x.stack.rules() {
		a := targets[name]
		if a.missing() || all.got && !slices.ContainsFunc(all.value, func(r rule) bool { return r.Name == name }) {
			out = append(out, line("targets", Failed, "the rule "+name+" is not there", x.putTarget(name, "queue")))
			continue
		}
		if !a.got {
			out = append(out, a.unknown("targets"))
			continue
		}
		i := slices.IndexFunc(a.value, func(t target) bool { return t.Arn == queue })
		if i < 0 {
			out = append(out, line("targets", Failed, "the rule "+name+" does not send to the queue", x.putTarget(name, "queue")))
			continue
		}
		t := a.value[i]
		why := ""
		switch {
		case t.Input != "" || t.InputPath != "" || len(t.InputTransformer) > 0 && string(t.InputTransformer) != "null":
			why = "sends something else than the event"
		case t.DeadLetterConfig == nil || t.DeadLetterConfig.Arn == "":
			why = "has no dead letter queue"
		case t.DeadLetterConfig.Arn != letters:
			why = "has another dead letter queue than the stack's"
		case t.RetryPolicy == nil:
			why = "has no retry policy"
		case t.RetryPolicy.MaximumRetryAttempts == 0:
			why = "does not retry"
		}
		if why != "" {
			out = append(out, line("targets", Failed, "the rule "+name+" "+why, x.putTarget(name, t.ID)))
		}
	}
	if len(x.stack.rules()) == 0 {
		return []Line{line("targets", Failed, "the stack names no rule", "make deploy")}
	}
	if len(out) == 0 {
		out = append(out, line("targets", OK, fmt.Sprintf("%d rules send to the queue, with a dead letter queue and retries", len(x.stack.rules()))))
	}
	return out
}
