package doctor

import (
	"context"
	"fmt"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func quotaSubject() subject {
	return subject{"Quotas", []Check{
		{ID: "lambda-concurrency", Why: "reserving concurrency fails where less than 100 would be left to the others"},
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
	if left < spare+Reserved {
		return line("lambda-concurrency", Failed, fmt.Sprintf("%s, and %d have to be left beside the %d of the functions", found, spare, Reserved),
			x.aws("service-quotas", "request-service-quota-increase", "--service-code", "lambda", "--quota-code", "L-B99A9384", "--desired-value", "1000"))
	}
	return line("lambda-concurrency", OK, fmt.Sprintf("%s; the functions reserve %d at most", found, Reserved))
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
	if x.stack == nil {
		need = len(events.Patterns()) + 1 // and that of the custom action
	}
	found := fmt.Sprintf("%d of %d rules of the default bus are there", len(have.value), most)
	if len(have.value)+need > most {
		return line("rules-per-bus", Failed, fmt.Sprintf("%s, and %d more are needed", found, need),
			x.aws("service-quotas", "request-service-quota-increase", "--service-code", "events", "--quota-code", rulesQuotaCode, "--desired-value", fmt.Sprint(most+100)))
	}
	return line("rules-per-bus", OK, found)
}
