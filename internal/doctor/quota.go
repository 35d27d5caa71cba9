package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func quotaSubject() subject {
	return subject{"Quotas", []Check{
		{ID: "lambda-concurrency", Why: "a reservation fails where less than 100 would be left to the others"},
		{ID: "rules-per-bus", Why: "a bus takes no more rules than its quota"},
	}, func(ctx context.Context, x *session) []Line {
		limits := ask[limits](ctx, x.json, awsjson.Lambda(), "GetAccountSettings", struct{}{})
		return []Line{judgeUnreserved(x, limits), judgeRoom(x, x.rules(ctx), rulesQuota(ctx, x))}
	}}
}

// limits is what GetAccountSettings tells.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
type limits struct {
	AccountLimit struct{ ConcurrentExecutions, UnreservedConcurrentExecutions *int }
}

// quota is what Service Quotas tells of one.
type quota struct{ Quota struct{ Value *float64 } }

// rulesQuotaCode is that of the rules of a bus.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const rulesQuotaCode = "L-244521F2"

// wildcards is how many rules of a bus may have a wildcard in their pattern. It
// cannot be raised, and Service Quotas does not know it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const wildcards = 30

// rulesQuota asks for the quota that is in force, or else for the default, which
// is in force where nobody raised it.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
func rulesQuota(ctx context.Context, x *session) answer[quota] {
	in := map[string]string{"ServiceCode": "events", "QuotaCode": rulesQuotaCode}
	a := ask[quota](ctx, x.json, awsjson.ServiceQuotas(), "GetServiceQuota", in)
	if a.code() == "NoSuchResourceException" {
		return ask[quota](ctx, x.json, awsjson.ServiceQuotas(), "GetAWSDefaultServiceQuota", in)
	}
	return a
}

// spare is what has to be left to functions without a reservation.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const spare = 100

// withoutReservation deploys functions that reserve nothing.
const withoutReservation = `make deploy ARGS="--context reservedConcurrency=disabled"`

// judgeUnreserved says whether there is room for what the functions reserve.
func judgeUnreserved(x *session, a answer[limits]) Line {
	l := a.value.AccountLimit
	if !a.got {
		return a.unknown("lambda-concurrency")
	}
	if l.UnreservedConcurrentExecutions == nil || l.ConcurrentExecutions == nil {
		return line("lambda-concurrency", Unknown, "Lambda does not say how much is left")
	}
	left, all := *l.UnreservedConcurrentExecutions, *l.ConcurrentExecutions
	found := fmt.Sprintf("%d of %d concurrent executions are not reserved", left, all)
	if x.stack != nil {
		return line("lambda-concurrency", OK, found+"; the stack has what it needs")
	}
	if left >= spare+Reserved {
		return line("lambda-concurrency", OK, fmt.Sprintf("%s; with the default setting the functions reserve %d", found, Reserved))
	}
	found += fmt.Sprintf("; with the default setting %d have to be reserved beside the %d that Lambda keeps free", Reserved, spare)
	more := x.aws("service-quotas", "request-service-quota-increase", "--service-code", "lambda", "--quota-code", "L-B99A9384", "--desired-value", "1000")
	if left < 1 {
		return line("lambda-concurrency", Failed, found+", and nothing is left to run in", more)
	}
	return line("lambda-concurrency", Warning, found, more, withoutReservation).
		with("either have the quota raised, or deploy without reservations: then others can take all there is, and sagemoat can take theirs")
}

// judgeRoom says whether the default bus takes the rules.
func judgeRoom(x *session, have answer[[]rule], a answer[quota]) Line {
	if !have.got {
		return have.unknown("rules-per-bus")
	}
	if !a.got {
		return a.unknown("rules-per-bus")
	}
	if a.value.Quota.Value == nil {
		return line("rules-per-bus", Unknown, "Service Quotas names no value")
	}
	most, need := int(*a.value.Quota.Value), 0
	wild, wildNeed := 0, 0
	var with []string
	there := map[string]bool{}
	for _, r := range have.value {
		there[r.Name] = true
		if hasWildcard([]byte(r.EventPattern)) {
			wild++
			with = append(with, r.Name)
		}
	}
	if x.stack == nil {
		for _, r := range x.deploys() {
			switch {
			case there[r.Name]: // of a stack that --preflight does not look at
			case hasWildcard(r.Pattern):
				need, wildNeed = need+1, wildNeed+1
			default:
				need++
			}
		}
	}
	found := fmt.Sprintf("%d of %d rules of the default bus are there, %d of %d with a wildcard", len(have.value), most, wild, wildcards)
	var wrong, fix []string
	if len(have.value)+need > most {
		wrong = append(wrong, fmt.Sprintf("%d more are needed", need))
		fix = append(fix, x.aws("service-quotas", "request-service-quota-increase", "--service-code", "events", "--quota-code", rulesQuotaCode, "--desired-value", fmt.Sprint(most+100)))
	}
	l := line("rules-per-bus", OK, found)
	if wildNeed > 0 && wild+wildNeed > wildcards {
		wrong = append(wrong, fmt.Sprintf("%d more with a wildcard are needed", wildNeed))
		fix = append(fix, x.aws("events", "describe-rule", "--name", with[0]))
		l.Note = "the quota of rules with a wildcard cannot be raised: move some to another bus, or write prefixes and suffixes in them. They are " + list(with)
	}
	if len(wrong) > 0 {
		l.Status, l.Found, l.Fix = Failed, found+", and "+strings.Join(wrong, "; "), fix
	}
	return l
}

// deploys are all rules that the stack makes, under the names that they get. What
// they name of the stack does not matter here.
func (x *session) deploys() (all []events.Rule) {
	all = append(events.Patterns(), events.CustomAction(respond.ActionID))
	all = append(all, events.Tampering(events.Deployed{Prefix: DefaultStack + "-", Bucket: "rules"})...)
	for i := range all {
		all[i].Name = DefaultStack + "-" + all[i].Name // whatever the stack is called
	}
	return all
}

// hasWildcard says whether a filter of an event pattern has a wildcard in it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
func hasWildcard(pattern []byte) bool {
	var fields map[string]any
	return json.Unmarshal(pattern, &fields) == nil && wild(fields)
}

// wild is [hasWildcard] of the fields of a pattern: each has more fields in it, or a
// list of filters; $or has a list of patterns.
func wild(fields map[string]any) bool {
	for name, v := range fields {
		if below, is := v.(map[string]any); is && wild(below) {
			return true
		}
		filters, _ := v.([]any)
		for _, f := range filters {
			filter, _ := f.(map[string]any)
			but, _ := filter["anything-but"].(map[string]any)
			if name == "$or" && wild(filter) || name != "$or" && (filter["wildcard"] != nil || but["wildcard"] != nil) {
				return true
			}
		}
	}
	return false
}
