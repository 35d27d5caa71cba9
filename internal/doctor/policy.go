package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// policy is the policy of a queue.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type policy struct {
	Statement several[statement] `json:"Statement"`
}

type statement struct {
	Effect       string                               `json:"Effect"`
	Principal    principal                            `json:"Principal"`
	NotPrincipal principal                            `json:"NotPrincipal"`
	Action       several[string]                      `json:"Action"`
	NotAction    several[string]                      `json:"NotAction"`
	Resource     several[string]                      `json:"Resource"`
	NotResource  several[string]                      `json:"NotResource"`
	Condition    map[string]map[string]several[value] `json:"Condition"`
}

// several is one value or a list of them.
type several[T any] []T

// UnmarshalJSON reads either.
func (s *several[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(s))
	}
	var one T
	err := json.Unmarshal(b, &one)
	*s = several[T]{one}
	return err
}

// value is a string, or a boolean or number as which some write one.
type value string

// UnmarshalJSON reads any of them.
func (v *value) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(v))
	}
	*v = value(b)
	return nil
}

// principal is who a statement is about, by the kind of principal; "*" stands
// under AWS.
type principal map[string]several[string]

// UnmarshalJSON reads "*" or the principals by kind.
func (p *principal) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		*p = principal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(b, (*map[string]several[string])(p))
}

func (p principal) everybody() bool { return slices.Contains(p["AWS"], "*") }

const (
	sendMessage = "sqs:SendMessage"
	sourceArn   = "aws:sourcearn"
	onlyTLS     = "aws:securetransport"
)

// covers says whether a statement is about sending to the queue.
func (s *statement) covers(queue string) bool {
	action := slices.ContainsFunc(s.Action, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(sendMessage)) })
	if len(s.NotAction) > 0 {
		action = !slices.ContainsFunc(s.NotAction, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(sendMessage)) })
	}
	resource := slices.ContainsFunc(s.Resource, func(r string) bool { return like(r, queue) })
	if len(s.NotResource) > 0 {
		resource = !slices.ContainsFunc(s.NotResource, func(r string) bool { return like(r, queue) })
	}
	return action && resource
}

// like matches * and ? as IAM does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func like(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			if pattern == "" {
				return true
			}
			for i := range len(s) + 1 {
				if like(pattern, s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
		default:
			if s == "" || pattern[0] != s[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// delivery is a message that EventBridge sends for a rule.
type delivery struct{ queue, rule, account string }

// meets says whether a statement's conditions hold for a delivery.
func (s *statement) meets(d delivery) posture.Fact {
	fact := posture.Yes
	for operator, keys := range s.Condition {
		for key, values := range keys {
			switch condition(operator, key, values, d) {
			case posture.No:
				return posture.No
			case posture.Unknown, posture.NotApplicable:
				fact = posture.Unknown
			case posture.Yes:
			}
		}
	}
	return fact
}

// condition says whether one condition holds for a delivery.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func condition(operator, key string, values several[value], d delivery) posture.Fact {
	has := map[string]string{sourceArn: d.rule, "aws:sourceaccount": d.account, onlyTLS: "true", "aws:principalisawsservice": "true"}
	is, known := has[strings.ToLower(key)]
	if !known {
		return posture.Unknown
	}
	name := strings.TrimSuffix(strings.ToLower(operator), "ifexists")
	not := strings.Contains(name, "not")
	var fits func(v string) bool
	switch strings.Replace(name, "not", "", 1) {
	case "stringequals", "arnequals", "arnlike", "stringlike":
		fits = func(v string) bool { return like(v, is) }
		if strings.HasPrefix(name, "string") && strings.HasSuffix(name, "equals") {
			fits = func(v string) bool { return v == is }
		}
	case "stringequalsignorecase", "bool":
		fits = func(v string) bool { return strings.EqualFold(v, is) }
	default:
		return posture.Unknown
	}
	if slices.ContainsFunc(values, func(v value) bool { return fits(string(v)) }) != not {
		return posture.Yes
	}
	return posture.No
}

// toEventBridge says whether a statement is about EventBridge.
func (s *statement) toEventBridge() bool {
	if len(s.NotPrincipal) > 0 {
		return !slices.Contains(s.NotPrincipal["Service"], "events.amazonaws.com") && !s.NotPrincipal.everybody()
	}
	return s.Principal.everybody() || slices.Contains(s.Principal["Service"], "events.amazonaws.com")
}

// keepsOut says whether a statement denies sending to everybody whose message does
// not come from the rules. Where the key is not in a request, as for anybody's own
// call, a negated condition holds.
func (s *statement) keepsOut(queue string, ours func(arn string) bool) (ok bool, why string) {
	if s.Effect != "Deny" || !s.covers(queue) || !s.Principal.everybody() {
		return false, ""
	}
	for operator, keys := range s.Condition {
		switch strings.TrimSuffix(strings.ToLower(operator), "ifexists") {
		case "arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike":
		default:
			return false, ""
		}
		for key, values := range keys {
			if strings.ToLower(key) != sourceArn || len(values) == 0 {
				return false, ""
			}
			for _, v := range values {
				if !ours(string(v)) {
					return false, "lets in what comes from " + string(v)
				}
			}
		}
	}
	return true, ""
}

// needsTLS says whether a statement denies what is not encrypted on its way.
func (s *statement) needsTLS(queue string) bool {
	if s.Effect != "Deny" || !s.covers(queue) || !s.Principal.everybody() || len(s.Condition) != 1 {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !strings.EqualFold(operator, "Bool") && !strings.EqualFold(operator, "BoolIfExists") || !strings.EqualFold(key, onlyTLS) || len(keys) != 1 ||
				len(values) != 1 || !strings.EqualFold(string(values[0]), "false") {
				return false
			}
		}
	}
	return true
}

// judgePolicy says what is wrong with the policy of the queue. rules are the ARNs
// of the rules that send to it; space is what the ARNs of all rules of the account
// and Region begin with.
func judgePolicy(text, queue, account, space string, rules []string) (wrong []string) {
	if text == "" {
		return []string{"has no policy: EventBridge may not send"}
	}
	var p policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return []string{"has a policy that cannot be read"}
	}
	for _, rule := range rules {
		d := delivery{queue, rule, account}
		allowed, forbidden := posture.No, posture.No
		for i := range p.Statement {
			s := &p.Statement[i]
			if !s.covers(queue) || !s.toEventBridge() {
				continue
			}
			switch meets := s.meets(d); s.Effect {
			case "Allow":
				allowed = better(allowed, meets)
			case "Deny":
				forbidden = better(forbidden, meets)
			}
		}
		switch {
		case forbidden != posture.No:
			wrong = append(wrong, "denies what the rule "+lastOf(rule)+" sends")
		case allowed != posture.Yes:
			wrong = append(wrong, "does not allow what the rule "+lastOf(rule)+" sends")
		}
	}
	keeps, tls := false, false
	var holes []string
	// A whole name, or the beginning of one, of a rule here.
	ours := func(arn string) bool {
		name, ok := strings.CutPrefix(arn, space)
		return ok && name != "" && !strings.ContainsAny(name[:1], "*?")
	}
	for i := range p.Statement {
		ok, why := p.Statement[i].keepsOut(queue, ours)
		keeps = keeps || ok
		if why != "" {
			holes = append(holes, why)
		}
		tls = tls || p.Statement[i].needsTLS(queue)
	}
	if !keeps {
		wrong = append(wrong, "does not deny everybody but the rules to send: whoever may, can make up events")
		for _, h := range holes {
			wrong[len(wrong)-1] += fmt.Sprintf(" (%s)", h)
		}
	}
	if !tls {
		wrong = append(wrong, "does not deny what comes without TLS")
	}
	return wrong
}

// better is the one of two answers that says more for a yes.
func better(a, b posture.Fact) posture.Fact {
	for _, f := range []posture.Fact{posture.Yes, posture.Unknown} {
		if a == f || b == f {
			return f
		}
	}
	return posture.No
}
