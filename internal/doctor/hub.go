package doctor

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func hubSubject() subject {
	return subject{"Security Hub", []Check{
		{ID: "hub", Why: "findings can be imported only where Security Hub CSPM is on: in this account and Region"},
		{ID: "hub-imports", Why: "a finding that is not imported is seen by nobody", Deployed: true},
		{ID: "hub-action", Why: "by it people stop one resource from its finding", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		out := []Line{judgeHub(x, ask[hub](ctx, x.json, awsjson.SecurityHub(), "DescribeHub", struct{}{}))}
		if x.stack == nil {
			return out
		}
		out = append(out, judgeImports(x, x.metrics(ctx).recent))
		if arn := x.stack.out(OutCustomAction); arn != "" {
			a := ask[actions](ctx, x.json, awsjson.SecurityHub(), "DescribeActionTargets", map[string]any{"ActionTargetArns": []string{arn}})
			return append(out, judgeAction(x, a, x.rules(ctx)))
		}
		return append(out, line("hub-action", NotChecked, "the content for Security Hub was not deployed"))
	}}
}

// Riddle explains what Security Hub means by AccessDenied to BatchImportFindings.
// https://github.com/prowler-cloud/prowler/issues/867
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
const Riddle = "Security Hub answers BatchImportFindings with AccessDenied whatever is wrong: " +
	"the finding's AwsAccountId, or the account in its ProductArn, is not the caller's; " +
	"the ProductArn names another Region or partition than the one called; " +
	"Security Hub is off in this account and Region; " +
	"the role lacks securityhub:BatchImportFindings, or its condition securityhub:TargetAccount names another account; " +
	"a service control policy denies it"

// hub is what DescribeHub tells.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html
type hub struct{ HubArn, SubscribedAt string }

// actions is what DescribeActionTargets tells.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeActionTargets.html
type actions struct {
	ActionTargets []struct{ ActionTargetArn, Name string }
}

func judgeHub(x *session, a answer[hub]) Line {
	switch {
	// https://github.com/prowler-cloud/prowler/pull/1590
	case a.code() == "InvalidAccessException" || a.missing():
		return line("hub", Failed, "is not enabled", x.aws("securityhub", "enable-security-hub", "--no-enable-default-standards")).
			with("without standards it costs what findings cost; an organization's administrator may have to enable it")
	case !a.got:
		return a.unknown("hub")
	case a.value.HubArn == "":
		return line("hub", Unknown, "Security Hub names no hub")
	}
	return line("hub", OK, "enabled since "+a.value.SubscribedAt)
}

// judgeImports says by publish's metrics whether findings are taken.
func judgeImports(x *session, m answer[map[series][]point]) Line {
	if !m.got {
		return m.unknown("hub-imports")
	}
	now := x.Now()
	count := func(metric telemetry.Metric, within time.Duration) float64 {
		return sum(m.value[own(metric, "publish")], now.Add(-within))
	}
	logs := x.aws("logs", "tail", "/aws/lambda/"+x.stack.out(OutPublish), "--since", "3h", "--filter-pattern", "ERROR")
	off, refused, taken := count(telemetry.HubOff, time.Hour), count(telemetry.ImportFailed, 24*time.Hour), count(telemetry.Imported, 24*time.Hour)
	switch {
	case off > 0:
		return line("hub-imports", Failed, fmt.Sprintf("Security Hub took no findings %.0f times within the last hour", off), logs,
			x.aws("securityhub", "describe-hub"), x.aws("lambda", "get-function-configuration", "--function-name", x.stack.out(OutPublish), "--query", "Role")).with(Riddle)
	case refused > 0:
		return line("hub-imports", Warning, fmt.Sprintf("%.0f findings were refused within 24 hours, %.0f taken", refused, taken), logs).
			with("what stays refused is in the dead letter queue of findings, with the reason")
	case taken > 0:
		return line("hub-imports", OK, fmt.Sprintf("%.0f findings within 24 hours, none refused", taken))
	}
	return line("hub-imports", NotChecked, "nothing was imported within 24 hours, so nothing shows that it works", "sagemoat doctor --live")
}

// judgeAction says whether the custom action is there, and leads to respond.
func judgeAction(x *session, a answer[actions], all answer[[]rule]) Line {
	arn := x.stack.out(OutCustomAction)
	switch {
	case a.code() == "InvalidAccessException":
		return line("hub-action", Failed, "Security Hub is not enabled, so there is no action", "make deploy")
	case a.missing(), a.got && !slices.ContainsFunc(a.value.ActionTargets, func(t struct{ ActionTargetArn, Name string }) bool { return t.ActionTargetArn == arn }):
		return line("hub-action", Failed, "the custom action is not there", "make deploy")
	case !a.got:
		return a.unknown("hub-action")
	case !all.got:
		return all.unknown("hub-action")
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	want := canonical(string(events.CustomAction(id).Pattern))
	i := slices.IndexFunc(all.value, func(r rule) bool { return bytes.Equal(canonical(r.EventPattern), want) })
	switch {
	case i < 0:
		return line("hub-action", Failed, "no rule has the pattern of the custom action "+id, "make deploy")
	case !all.value[i].on():
		return line("hub-action", Failed, "the rule "+all.value[i].Name+" is "+all.value[i].State, x.aws("events", "enable-rule", "--name", all.value[i].Name))
	}
	return line("hub-action", OK, id+" is there, and its rule is enabled")
}
