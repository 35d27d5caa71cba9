package events

import (
	"encoding/json"
	"fmt"

	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Rule is a rule of the default event bus.
type Rule struct {
	// Name is the rule's name within a stack.
	Name string
	// Words is the rule's description.
	Words string
	// Pattern is the event pattern, at most [pattern.MaxSize] characters.
	Pattern json.RawMessage
}

// eventPattern is an event pattern, its fields in the order in which they are written.
type eventPattern struct {
	Source     []string       `json:"source"`
	DetailType []string       `json:"detail-type"`
	Resources  []any          `json:"resources,omitempty"`
	Detail     *recordPattern `json:"detail,omitempty"`
}

// recordPattern is the part of an event pattern that is about a CloudTrail record.
type recordPattern struct {
	EventSource []string `json:"eventSource"`
	EventName   []string `json:"eventName,omitempty"`
	ErrorCode   []any    `json:"errorCode,omitempty"`
}

func (p eventPattern) rule(name, words string) Rule {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, and maps of strings and booleans
	}
	return Rule{Name: name, Words: words, Pattern: b}
}

// Patterns returns the rules that bring audit what it judges, built from the
// table. Operations stand there by name: a prefix would let reads in, and
// operations that no row claims.
//
// A call that failed changed nothing. Of these, those that IAM denied are
// counted as prevented: records of other services have AccessDenied, the API
// calls the error AccessDeniedException, and either is taken.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
func Patterns() []Rule {
	var calls, all, natives []string
	for _, row := range kind.Table() {
		for _, c := range row.Calls {
			calls = append(calls, c.Name)
		}
		for _, n := range row.Natives {
			natives = append(natives, n.DetailType)
		}
	}
	all = append(all, calls...)
	for _, row := range kind.Table() {
		all = append(all, row.Deletes...)
	}
	rules := recorded("calls", "Calls that create, change or delete what is judged", all, map[string]bool{"exists": false})
	rules = append(rules, recorded("refused", "Calls that IAM denied", calls, map[string]string{"prefix": "AccessDenied"})...)
	return append(
		rules,
		// Child jobs of automatic model tuning are no calls of anybody's.
		// https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html
		eventPattern{Source: []string{sageMaker}, DetailType: []string{detailService}, Detail: &recordPattern{EventSource: []string{kind.EventSource}}}.
			rule("service-events", "What SageMaker AI does by itself, as CloudTrail records it"),
		eventPattern{Source: []string{sageMaker}, DetailType: natives}.
			rule("state-changes", "State changes that SageMaker AI tells of by itself"),
		eventPattern{Source: []string{HintSource}, DetailType: []string{HintDetail}}.
			rule("hints", "Resources that our own sweep wants to be judged"),
	)
}

// CustomAction returns the rule that brings respond the findings on which
// somebody used the Security Hub custom action with the given id, which ends the
// action's ARN in the event's resources.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html
func CustomAction(id string) Rule {
	return eventPattern{
		Source: []string{"aws.securityhub"}, DetailType: []string{"Security Hub Findings - Custom Action"},
		Resources: []any{map[string]string{"suffix": ":action/custom/" + id}},
	}.rule("custom-action", "Findings that somebody sent to the custom action "+id)
}

// sageMaker is the source of SageMaker's events; CloudTrail's records of its calls
// have it too, not one of CloudTrail's.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const sageMaker = "aws.sagemaker"

// recorded returns as few rules for calls as have room for all operations.
func recorded(name, words string, operations []string, code any) []Rule {
	var rules []Rule
	for len(operations) > 0 {
		s := eventPattern{
			Source: []string{sageMaker}, DetailType: []string{detailCall},
			Detail: &recordPattern{EventSource: []string{kind.EventSource}, ErrorCode: []any{code}},
		}
		room := pattern.MaxSize - len(s.rule("", "").Pattern) - len(`"eventName":[],`)
		n := 0
		for n < len(operations) && room >= len(operations[n])+len(`"",`) {
			room -= len(operations[n]) + len(`"",`)
			n++
		}
		s.Detail.EventName, operations = operations[:n], operations[n:]
		label := name
		if len(rules) > 0 {
			label = fmt.Sprintf("%s-%d", name, len(rules)+1)
		}
		rules = append(rules, s.rule(label, words))
	}
	return rules
}
