package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// newSession is one with a healthy stack, and without AWS.
func newSession(change ...func(*session)) *session {
	x := &session{
		Options: Options{Now: func() time.Time { return now }}, stackName: DefaultStack,
		region: region, account: account, partition: kind.Partition(region),
		stack: &stack{status: "CREATE_COMPLETE", created: now.Add(-30 * 24 * time.Hour), outputs: outputs()},
	}
	x.described = answered("cloudformation:DescribeStacks", x.stack, nil)
	for _, c := range change {
		c(x)
	}
	return x
}

// yes is an answer, no a refusal, fails an error of another kind.
func yes[T any](v T) answer[T] { return answered("s:Call", v, nil) }

func no[T any]() answer[T] {
	var none T
	return answered("s:Call", none, &smithy.OperationError{ServiceID: "S", OperationName: "Call", Err: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "secret"}})
}

func fails[T any](code string) answer[T] {
	var none T
	return answered("s:Call", none, &smithy.OperationError{ServiceID: "S", OperationName: "Call", Err: &smithy.GenericAPIError{Code: code, Message: "secret"}})
}

// is fails the test unless a line says what it should.
func is(t *testing.T, name string, l Line, status Status, found string) {
	t.Helper()
	if l.Status != status || !strings.Contains(l.Found, found) || strings.Contains(l.Found, "secret") {
		t.Errorf("%s: %s %q, want %s %q", name, l.Status, l.Found, status, found)
	}
	if (l.Status == Failed || len(l.Missing) > 0) && len(l.Fix) == 0 {
		t.Errorf("%s: no fix: %+v", name, l)
	}
}

// TestSelectors: what of a trail's selectors lets writes of SageMaker through, and
// that what is to be pasted lets them through and keeps what was there.
func TestSelectors(t *testing.T) {
	field := func(f, op string, values ...string) map[string]any { return map[string]any{"Field": f, op: values} }
	advanced := func(fields ...map[string]any) map[string]any { return map[string]any{"FieldSelectors": fields} }
	management := field("eventCategory", "Equals", "Management")
	for name, c := range map[string]struct {
		basic, advanced []any
		want            string
	}{
		"all":                  {[]any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true}}, nil, ""},
		"writes":               {[]any{map[string]any{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}}, nil, ""},
		"defaults":             {[]any{map[string]any{}}, nil, ""},
		"reads":                {[]any{map[string]any{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}}, nil, "read-only"},
		"data":                 {[]any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": false}}, nil, "no management"},
		"data and reads":       {[]any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": false}, map[string]any{"ReadWriteType": "ReadOnly"}}, nil, "no management"},
		"data, then all":       {[]any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": false}, map[string]any{"ReadWriteType": "All"}}, nil, ""},
		"without KMS":          {[]any{map[string]any{"ReadWriteType": "All", "ExcludeManagementEventSources": []string{"kms.amazonaws.com"}}}, nil, ""},
		"without SageMaker":    {[]any{map[string]any{"ReadWriteType": "All", "ExcludeManagementEventSources": []string{"sagemaker.amazonaws.com"}}}, nil, "no management"},
		"a new type":           {[]any{map[string]any{"ReadWriteType": "Sometimes"}}, nil, "read-only"},
		"none":                 {nil, nil, "no management"},
		"management":           {nil, []any{advanced(management)}, ""},
		"management, writes":   {nil, []any{advanced(management, field("readOnly", "Equals", "false"))}, ""},
		"management, reads":    {nil, []any{advanced(management, field("readOnly", "Equals", "true"))}, "readOnly"},
		"not reads":            {nil, []any{advanced(management, field("readOnly", "NotEquals", "true"))}, ""},
		"data events":          {nil, []any{advanced(field("eventCategory", "Equals", "Data"), field("resources.type", "Equals", "AWS::S3::Object"))}, "no management"},
		"advanced without KMS": {nil, []any{advanced(management, field("eventSource", "NotEquals", "kms.amazonaws.com", "rdsdata.amazonaws.com"))}, ""},
		"only EC2":             {nil, []any{advanced(management, field("eventSource", "Equals", "ec2.amazonaws.com"))}, "eventSource"},
		"not by suffix":        {nil, []any{advanced(management, field("eventSource", "NotEndsWith", "maker.amazonaws.com"))}, "eventSource"},
		"not by prefix":        {nil, []any{advanced(management, field("eventSource", "NotStartsWith", "sage"))}, "eventSource"},
		"by prefix":            {nil, []any{advanced(management, field("eventSource", "StartsWith", "sage"))}, ""},
		"by somebody":          {nil, []any{advanced(management, field("userIdentity.arn", "NotEquals", "arn:x"))}, "userIdentity.arn"},
		"somebody, then all":   {nil, []any{advanced(management, field("userIdentity.arn", "NotEquals", "arn:x")), advanced(management)}, ""},
		"no fields":            {nil, []any{map[string]any{"FieldSelectors": []any{}}}, "no management"},
	} {
		var s selectors
		ok(t, json.Unmarshal([]byte(inJSON(map[string]any{"EventSelectors": c.basic, "AdvancedEventSelectors": c.advanced})), &s))
		got, why, fix := s.writes()
		if got != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %v %q, want %q", name, got, why, c.want)
		}
		if got {
			continue
		}
		var next selectors
		ok(t, json.Unmarshal([]byte(`{"`+map[string]string{"--event-selectors": "EventSelectors", "--advanced-event-selectors": "AdvancedEventSelectors"}[fix[0]]+`":`+fix[1]+`}`), &next))
		if again, why, _ := next.writes(); !again {
			t.Errorf("%s: pasted, %s: %s", name, why, fix[1])
		}
		for _, kept := range c.advanced {
			if !strings.Contains(fix[1], inJSON(kept)) {
				t.Errorf("%s: %s is lost in %s", name, inJSON(kept), fix[1])
			}
		}
	}
}

func TestTrails(t *testing.T) {
	all := yes(selectors{EventSelectors: []json.RawMessage{json.RawMessage(`{"ReadWriteType":"All"}`)}})
	reads := yes(selectors{EventSelectors: []json.RawMessage{json.RawMessage(`{"ReadWriteType":"ReadOnly"}`)}})
	on, off := yes(trailStatus{IsLogging: true}), yes(trailStatus{})
	const foreign = "arn:aws:cloudtrail:us-east-1:444455556666:trail/org"
	one := func(status answer[trailStatus], s answer[selectors]) trail {
		return trail{Name: "t", TrailARN: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", HomeRegion: region, status: status, selectors: s}
	}
	org := trail{Name: "org", TrailARN: foreign, HomeRegion: "us-east-1", IsMultiRegionTrail: true, IsOrganizationTrail: true, status: on, selectors: fails[selectors]("TrailNotFoundException")}
	for name, c := range map[string]struct {
		f      trailFacts
		status Status
		found  string
		fix    string
	}{
		"none":                      {trailFacts{trails: yes([]trail(nil))}, Failed, "no trail logs", "create-trail"},
		"not listed":                {trailFacts{trails: no[[]trail]()}, Unknown, "s:Call is denied", "docs/doctor.md"},
		"one that logs":             {trailFacts{trails: yes([]trail{one(on, all)})}, OK, "trail t logs write", ""},
		"one that does not":         {trailFacts{trails: yes([]trail{one(off, all)})}, Failed, "switched off", "start-logging"},
		"one of two":                {trailFacts{trails: yes([]trail{one(off, all), one(on, all)})}, OK, "logs write", ""},
		"two, for two reasons":      {trailFacts{trails: yes([]trail{one(off, all), one(on, reads)})}, Failed, "switched off; trail t logs read-only", "put-event-selectors"},
		"no status":                 {trailFacts{trails: yes([]trail{one(no[trailStatus](), all)})}, Unknown, "may be switched off", ""},
		"no selectors":              {trailFacts{trails: yes([]trail{one(on, no[selectors]())})}, Unknown, "may leave", ""},
		"off, without selectors":    {trailFacts{trails: yes([]trail{one(off, no[selectors]())})}, Failed, "switched off", "start-logging"},
		"reads, without a status":   {trailFacts{trails: yes([]trail{one(no[trailStatus](), reads)})}, Failed, "read-only", "put-event-selectors"},
		"the organization's":        {trailFacts{trails: yes([]trail{org})}, Unknown, foreign + " (of the organization, of all Regions) may leave", "us-east-1"},
		"and events came":           {trailFacts{trails: yes([]trail{org}), arrived: yes(now.Add(-23 * time.Hour))}, OK, "last matched a recorded call 23 h ago, so a trail logs them", ""},
		"and events came once":      {trailFacts{trails: yes([]trail{org}), arrived: yes(now.Add(-24 * time.Hour))}, Warning, "last matched a recorded call 24 h ago: nobody called", "get-event-selectors"},
		"and events came long ago":  {trailFacts{trails: yes([]trail{org}), arrived: yes(now.Add(-13 * 24 * time.Hour))}, Warning, "13 days ago: nobody called what is judged since, or no trail logs it any more; " + foreign, "get-event-selectors"},
		"and none came":             {trailFacts{trails: yes([]trail{org}), arrived: yes(time.Time{})}, Unknown, "may leave", ""},
		"and nobody knows":          {trailFacts{trails: yes([]trail{org}), arrived: no[time.Time]()}, Unknown, "may leave", ""},
		"events came, and off now":  {trailFacts{trails: yes([]trail{one(off, all)}), arrived: yes(now)}, Failed, "switched off", "start-logging"},
		"cannot write":              {trailFacts{trails: yes([]trail{one(yes(trailStatus{IsLogging: true, LatestDeliveryError: "AccessDenied"}), all)})}, Warning, "cannot write to its bucket: AccessDenied", ""},
		"unknown beats switched on": {trailFacts{trails: yes([]trail{one(answer[trailStatus]{}, all)})}, Unknown, "nobody asked", ""},
	} {
		l := judgeTrails(newSession(), c.f)[0]
		is(t, name, l, c.status, c.found)
		if fix := strings.Join(l.Fix, "\n"); !strings.Contains(fix, c.fix) || c.status == OK && fix != "" {
			t.Errorf("%s: the fix is %q, want %q", name, fix, c.fix)
		}
	}
}

// TestArrived: the newest match of a rule of the stack for calls counts, and no other.
func TestArrived(t *testing.T) {
	x := newSession()
	of := func(i int) rule {
		w := events.Patterns()[i]
		return rule{Name: "sagemoat-" + w.Name, EventPattern: string(w.Pattern)}
	}
	calls, refused, hints := of(0), of(1), of(4)
	x.shared = new(shared)
	x.shared.rules.Do(func() {
		x.shared.rules.value = yes([]rule{calls, refused, hints, {Name: "else", EventPattern: calls.EventPattern}})
	})
	m := &metrics{long: yes(map[series][]point{
		matched(calls.Name):   {{now.Add(-50 * time.Hour), 3}, {now.Add(-60 * time.Hour), 1}, {now.Add(-time.Hour), 0}},
		matched(refused.Name): {{now.Add(-70 * time.Hour), 9}},
		matched(hints.Name):   {{now.Add(-2 * time.Hour), 9}},
		matched("else"):       {{now.Add(-3 * time.Hour), 9}},
	})}
	if a := m.arrived(t.Context(), x); !a.got || !a.value.Equal(now.Add(-50*time.Hour)) {
		t.Errorf("%+v, want 50 hours ago", a)
	}
	if a := (&metrics{long: yes(map[series][]point{})}).arrived(t.Context(), x); !a.got || !a.value.IsZero() {
		t.Errorf("%+v, want never", a)
	}
	if a := (&metrics{long: no[map[series][]point]()}).arrived(t.Context(), x); a.got {
		t.Errorf("%+v, want no answer", a)
	}
}

// TestPolicy: the policy that we would set has nothing wrong; each change of it does.
func TestPolicy(t *testing.T) {
	const queue, space = "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:events:eu-west-1:111122223333:rule/"
	rules := []string{space + "sagemoat-calls", space + "sagemoat-hints"}
	type m = map[string]any
	good := func() []m {
		var p struct{ Statement []m }
		ok(t, json.Unmarshal([]byte(queuePolicy(queue, rules)), &p))
		return p.Statement
	}
	condition := func(operator string, key string, value any) m { return m{operator: m{key: value}} }
	for name, c := range map[string]struct {
		change func(s []m) []m
		wrong  string // "" is nothing
	}{
		"as it should be": {func(s []m) []m { return s }, ""},
		"by patterns": {func(s []m) []m {
			s[0]["Condition"] = condition("ArnLike", "aws:SourceArn", space+"sagemoat-*")
			return s
		}, ""},
		"deny by patterns": {func(s []m) []m {
			s[1]["Condition"] = condition("ArnNotLike", "aws:SourceArn", space+"sagemoat-*")
			return s
		}, ""},
		"deny by strings": {func(s []m) []m { s[1]["Condition"] = condition("StringNotEquals", "aws:sourcearn", rules); return s }, ""},
		"if exists":       {func(s []m) []m { s[1]["Condition"] = condition("ArnNotLikeIfExists", "aws:SourceArn", rules); return s }, ""},
		"one statement per rule": {func(s []m) []m {
			a := maps.Clone(s[0])
			a["Condition"] = condition("ArnEquals", "aws:SourceArn", rules[1])
			s[0]["Condition"] = condition("ArnEquals", "aws:SourceArn", rules[0])
			return append(s, a)
		}, ""},
		"and the account":   {func(s []m) []m { s[0]["Condition"].(m)["StringEquals"] = m{"aws:SourceAccount": account}; return s }, ""},
		"all of SQS denied": {func(s []m) []m { s[1]["Action"] = "sqs:*"; return s }, ""},
		"lists": {func(s []m) []m {
			s[1]["Action"] = []string{"SQS:sendmessage"}
			s[1]["Principal"] = m{"AWS": []string{"*"}}
			return s
		}, ""},
		"a boolean": {func(s []m) []m { s[2]["Condition"] = m{"Bool": m{"aws:SecureTransport": false}}; return s }, ""},

		"no statement":  {func([]m) []m { return nil }, "does not allow what the rule sagemoat-calls sends"},
		"no allow":      {func(s []m) []m { return s[1:] }, "does not allow"},
		"one rule only": {func(s []m) []m { s[0]["Condition"] = condition("ArnEquals", "aws:SourceArn", rules[0]); return s }, "does not allow what the rule sagemoat-hints"},
		"another account's": {func(s []m) []m {
			s[0]["Condition"].(m)["StringEquals"] = m{"aws:SourceAccount": "444455556666"}
			return s
		}, "does not allow"},
		"a condition unknown here": {func(s []m) []m { s[0]["Condition"].(m)["StringEquals"] = m{"aws:PrincipalOrgID": "o-1"}; return s }, "does not allow"},
		"an operator unknown here": {func(s []m) []m {
			s[0]["Condition"] = condition("ForAllValues:ArnLike", "aws:SourceArn", rules)
			return s
		}, "does not allow"},
		"another service": {func(s []m) []m { s[0]["Principal"] = m{"Service": "sns.amazonaws.com"}; return s }, "does not allow"},
		"another action":  {func(s []m) []m { s[0]["Action"] = "sqs:ReceiveMessage"; return s }, "does not allow"},
		"another queue":   {func(s []m) []m { s[0]["Resource"] = queue + "2"; return s }, "does not allow"},
		"no deny":         {func(s []m) []m { return []m{s[0], s[2]} }, "does not deny everybody"},
		"deny of one":     {func(s []m) []m { s[1]["Principal"] = m{"AWS": "111122223333"}; return s }, "does not deny everybody"},
		"deny of all but some": {func(s []m) []m {
			delete(s[1], "Principal")
			s[1]["NotPrincipal"] = m{"AWS": "arn:aws:iam::111122223333:role/r"}
			return s
		}, "does not deny everybody"},
		"deny of something else":   {func(s []m) []m { s[1]["Action"] = "sqs:DeleteMessage"; return s }, "does not deny everybody"},
		"deny for another queue":   {func(s []m) []m { s[1]["Resource"] = queue + "2"; return s }, "does not deny everybody"},
		"deny of rules of anybody": {func(s []m) []m { s[1]["Condition"] = condition("ArnNotLike", "aws:SourceArn", space+"*"); return s }, "lets in what comes from " + space + "*"},
		"deny but of all accounts": {func(s []m) []m {
			s[1]["Condition"] = condition("ArnNotLike", "aws:SourceArn", "arn:aws:events:*:*:rule/sagemoat-calls")
			return s
		}, "lets in"},
		"deny of nobody": {func(s []m) []m {
			s[1]["Condition"] = condition("ArnNotLike", "aws:SourceArn", []string{rules[0], rules[1], "*"})
			return s
		}, "lets in what comes from *"},
		"deny with an AND": {func(s []m) []m {
			s[1]["Condition"].(m)["StringEquals"] = m{"aws:PrincipalAccount": "444455556666"}
			return s
		}, "does not deny everybody"},
		"deny with an AND in it": {func(s []m) []m { s[1]["Condition"].(m)["ArnNotEquals"].(m)["aws:PrincipalArn"] = "x"; return s }, "does not deny everybody"},
		"deny by account": {func(s []m) []m {
			s[1]["Condition"] = condition("StringNotEquals", "aws:SourceAccount", account)
			return s
		}, "does not deny everybody"},
		"deny the wrong way": {func(s []m) []m { s[1]["Condition"] = condition("ArnEquals", "aws:SourceArn", rules); return s }, "denies what the rule sagemoat-calls sends"},
		"deny of our own":    {func(s []m) []m { s[1]["Condition"] = condition("ArnNotEquals", "aws:SourceArn", rules[:1]); return s }, "denies what the rule sagemoat-hints sends"},
		"deny of who knows what": {func(s []m) []m {
			return append(s, m{"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": queue, "Condition": condition("StringEquals", "aws:PrincipalOrgID", "o-1")})
		}, "denies what the rule"},
		"an allow for nobody":       {func(s []m) []m { s[1]["Effect"] = "Allow"; return s }, "does not deny everybody"},
		"no TLS":                    {func(s []m) []m { return s[:2] }, "without TLS"},
		"TLS, if one feels like it": {func(s []m) []m { s[2]["Condition"] = condition("Bool", "aws:SecureTransport", "true"); return s }, "denies what the rule"},
		"TLS for one":               {func(s []m) []m { s[2]["Principal"] = m{"AWS": "111122223333"}; return s }, "without TLS"},
		"TLS for receiving":         {func(s []m) []m { s[2]["Action"] = "sqs:ReceiveMessage"; return s }, "without TLS"},
	} {
		text := inJSON(m{"Version": "2012-10-17", "Statement": c.change(good())})
		wrong := strings.Join(judgePolicy(text, queue, account, space, rules), "; ")
		if c.wrong == "" && wrong != "" || !strings.Contains(wrong, c.wrong) {
			t.Errorf("%s: %q, want %q\n%s", name, wrong, c.wrong, text)
		}
	}
	for text, want := range map[string]string{"": "has no policy", "{": "cannot be read", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`: "does not deny everybody", `{"Statement":[{"Principal":7}]}`: "cannot be read"} {
		if wrong := strings.Join(judgePolicy(text, queue, account, space, rules), "; "); !strings.Contains(wrong, want) {
			t.Errorf("%s: %q, want %q", text, wrong, want)
		}
	}
}

func TestRules(t *testing.T) {
	x := newSession()
	whole := func() (all []rule) {
		for _, w := range events.Patterns() {
			all = append(all, rule{Name: "sagemoat-" + w.Name, State: "ENABLED", EventPattern: string(w.Pattern)})
		}
		return append(all, rule{Name: "else", State: "ENABLED", EventPattern: `{"source":["aws.ec2"]}`})
	}
	lines := func(all []rule) (texts []string) {
		for _, l := range judgeRules(x, yes(all)) {
			texts = append(texts, l.Status.String()+" "+l.Found+" "+strings.Join(l.Fix, " "))
		}
		return texts
	}
	if got := lines(whole()); len(got) != 1 || !strings.HasPrefix(got[0], "ok 5, enabled") {
		t.Errorf("healthy: %q", got)
	}
	// The order within lists, and spaces, do not matter.
	reordered := whole()
	var p map[string]any
	ok(t, json.Unmarshal([]byte(reordered[0].EventPattern), &p))
	names := p["detail"].(map[string]any)["eventName"].([]any)
	slices.Reverse(names)
	b, _ := json.MarshalIndent(p, "", "  ")
	reordered[0].EventPattern = string(b)
	if got := lines(reordered); len(got) != 1 || !strings.HasPrefix(got[0], "ok ") {
		t.Errorf("reordered: %q", got)
	}
	// One operation less does.
	p["detail"].(map[string]any)["eventName"] = names[1:]
	less := whole()
	less[0].EventPattern = inJSON(p)
	if got := lines(less); len(got) != 2 || !strings.HasPrefix(got[0], "failed no rule of the stack has the pattern calls") || !strings.Contains(got[0], "put-rule") || !strings.HasPrefix(got[1], "warning sagemoat-calls") {
		t.Errorf("one operation less: %q", got)
	}
	gone := whole()[1:]
	if got := lines(gone); len(got) != 2 || !strings.Contains(got[1], "put-targets --rule sagemoat-calls") {
		t.Errorf("a rule is gone: %q", got)
	}
	off := whole()
	off[1].State = "DISABLED"
	if got := lines(off); len(got) != 1 || !strings.HasPrefix(got[0], "failed the rule sagemoat-refused is DISABLED") {
		t.Errorf("off: %q", got)
	}
	none := newSession(func(x *session) { x.stack.outputs[OutEventRules] = "" })
	if l := judgeTargets(none, yes(whole()), nil); len(l) != 1 || l[0].Status != Failed {
		t.Errorf("no rules: %+v", l)
	}
	if l := judgeRules(x, no[[]rule]()); l[0].Status != Unknown {
		t.Errorf("denied: %+v", l)
	}
	if l := judgeTargets(x, yes(whole()), nil); len(l) != 5 || l[0].Status != Unknown {
		t.Errorf("nobody asked for targets: %+v", l)
	}
}

func TestFunctions(t *testing.T) {
	x := newSession()
	const role = "arn:aws:iam::111122223333:role/"
	roles := []string{role + "audit", role + "publish", role + "respond", role + "sweep"}
	environment := func(f string) variables { // as in the template
		v := variables{"SAGEMOAT_ACCOUNT": account, "SAGEMOAT_TABLE": "sagemoat"}
		if f != "publish" {
			v["SAGEMOAT_RULES_BUCKET"], v["SAGEMOAT_RULES_KEY"], v["SAGEMOAT_RULES_OWNER"] = "sagemoat-rules", "rules.yaml", account
		}
		switch f {
		case "audit":
			v["SAGEMOAT_QUEUE_URL"], v[ownRoles] = outputs()[OutQueue], strings.Join(roles, ",")
		case "publish":
			v["SAGEMOAT_DEAD_LETTER_URL"] = outputs()[OutFindingDeadLetter]
		case "respond":
			v["SAGEMOAT_TOPIC_ARN"], v["SAGEMOAT_MODE"] = outputs()[OutAlertTopic], "notify"
		}
		return v
	}
	of := func(f string, change func(*configuration)) answer[configuration] {
		c := configuration{State: "Active", LastUpdateStatus: "Successful", Timeout: 60, Role: role + f}
		c.Environment.Variables = environment(f)
		if change != nil {
			change(&c)
		}
		return yes(c)
	}
	good := func(change func(*configuration)) answer[configuration] { return of("audit", change) }
	set := func(name, value string) answer[configuration] {
		return good(func(c *configuration) { c.Environment.Variables[name] = value })
	}
	audit := functions()[0]
	for _, f := range functions() {
		if l := judgeFunction(x, f, of(f.name, nil), roles); len(l) != 0 {
			t.Errorf("healthy: %s: %+v", f.name, l)
		}
		for name := range environment(f.name) {
			l := judgeFunction(x, f, of(f.name, func(c *configuration) { c.Environment.Variables[name] = "else" }), roles)
			if len(l) != 1 {
				t.Errorf("%s of %s: %d lines", name, f.name, len(l))
				continue
			}
			is(t, f.name, l[0], Failed, "sagemoat-"+f.name+" has another "+name+" than the stack says")
			words := split(t, l[0].Fix[0])
			var pasted struct{ Variables variables }
			i := slices.Index(words, "--environment") + 1
			ok(t, json.Unmarshal([]byte(words[i]), &pasted))
			if !maps.Equal(pasted.Variables, environment(f.name)) {
				t.Errorf("%s of %s: %s", name, f.name, l[0].Fix[0])
			}
			l = judgeFunction(x, f, of(f.name, func(c *configuration) { delete(c.Environment.Variables, name) }), roles)
			if len(l) != 1 || l[0].Status != Failed {
				t.Errorf("%s of %s is not there: %+v", name, f.name, l)
			}
		}
	}
	for name, c := range map[string]struct {
		a      answer[configuration]
		status Status
		found  string
	}{
		"failed":        {good(func(c *configuration) { c.State, c.StateReason = "Failed", "no image" }), Failed, "is Failed: no image"},
		"pending":       {good(func(c *configuration) { c.State = "Pending" }), Failed, "is Pending: no reason"},
		"no state":      {good(func(c *configuration) { c.State = "" }), Failed, "in no state"},
		"being updated": {good(func(c *configuration) { c.LastUpdateStatus = "InProgress" }), Warning, "being updated"},
		"not updated":   {good(func(c *configuration) { c.LastUpdateStatus = "Failed" }), Failed, "the last update"},
		"a role more":   {set(ownRoles, strings.Join(append(roles, role+"mine"), ",")), Failed, "another SAGEMOAT_OWN_ROLES than the stack says: it ignores what " + role + "mine does"},
		"blanks":        {set(ownRoles, strings.Join(roles, ",")+" "+role+"mine"), Failed, "it ignores what " + role + "mine does"},
		"a role less":   {set(ownRoles, strings.Join(roles[1:], ",")), Failed, "another SAGEMOAT_OWN_ROLES"},
		"unreadable": {good(func(c *configuration) {
			c.Environment.Variables, c.Environment.Error = nil, &struct{ ErrorCode string }{"AccessDeniedException"}
		}), Unknown, "encrypted and cannot be read: AccessDeniedException"},
		"not there": {fails[configuration]("ResourceNotFoundException"), Failed, "is not there"},
		"denied":    {no[configuration](), Unknown, "s:Call is denied"},
		"throttled": {fails[configuration]("TooManyRequestsException"), Unknown, "S.Call: TooManyRequestsException"},
	} {
		l := judgeFunction(x, audit, c.a, roles)
		if len(l) != 1 {
			t.Errorf("%s: %d lines", name, len(l))
			continue
		}
		is(t, name, l[0], c.status, c.found)
	}
	if l := judgeFunction(x, audit, good(func(c *configuration) { c.State = "Inactive" }), roles); len(l) != 0 {
		t.Errorf("idle: %+v", l)
	}
	if l := judgeFunction(x, audit, set(ownRoles, strings.Join([]string{roles[3], roles[0], roles[2], roles[1]}, ", ")), roles); len(l) != 0 {
		t.Errorf("in another order: %+v", l)
	}
	is(t, "without the roles", judgeFunction(x, audit, good(nil), nil)[0], Unknown, "not all of them are")
	is(t, "without the roles, and another table", judgeFunction(x, audit, set("SAGEMOAT_TABLE", "other"), nil)[0], Failed, "another SAGEMOAT_TABLE")
	all := map[string]answer[configuration]{}
	for _, f := range functions() {
		all[f.name] = of(f.name, nil)
	}
	if got := rolesOf(all); !slices.Equal(got, roles) {
		t.Errorf("roles %v, want %v", got, roles)
	}
	all["sweep"] = no[configuration]()
	if got := rolesOf(all); got != nil {
		t.Errorf("roles %v, want none: not all are known", got)
	}
	var ours variables
	ok(t, json.Unmarshal([]byte(`{"SAGEMOAT_TABLE":"t","SECRET":"s"}`), &ours))
	if !maps.Equal(ours, variables{"SAGEMOAT_TABLE": "t"}) {
		t.Errorf("%v is kept", ours)
	}
	builtIn := newSession(func(x *session) { x.stack.outputs[OutRulesKey] = NoRules })
	if l := judgeFunction(builtIn, audit, good(nil), roles); len(l) != 1 || l[0].Status != Failed {
		t.Errorf("a file that the stack does not name: %+v", l)
	}
	if l := judgeFunction(builtIn, audit, set("SAGEMOAT_RULES_BUCKET", ""), roles); len(l) != 0 {
		t.Errorf("the built-in rules: %+v", l)
	}
	nameless := newSession(func(x *session) { delete(x.stack.outputs, OutSweep) })
	sweep := functions()[3]
	is(t, "nameless", judgeFunction(nameless, sweep, answer[configuration]{}, nil)[0], Failed, "does not name sweep")
	is(t, "nameless", judgeConcurrency(nameless, sweep, answer[reservation]{})[0], Failed, "sweep is not there")
	is(t, "nameless", judgeTriggers(nameless, nil, answer[*dynamodb.DescribeTableOutput]{})[0], Failed, "audit is not there")
	is(t, "nameless", judgeSchedules(nameless, yes([]schedule(nil)))[2], Failed, "sweep is not there")
	number := func(n int) answer[reservation] { return yes(reservation{&n}) }
	for name, c := range map[string]struct {
		f    function
		a    answer[reservation]
		want string
	}{
		"some": {audit, number(5), ""}, "none": {audit, yes(reservation{}), "warning"}, "zero": {audit, number(0), "failed"},
		"one sweep": {functions()[3], number(1), ""}, "two sweeps": {functions()[3], number(2), "warning"}, "denied": {audit, no[reservation](), "unknown"},
	} {
		var got []string
		for _, l := range judgeConcurrency(x, c.f, c.a) {
			got = append(got, l.Status.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
	if l := judgeConcurrency(x, audit, yes(reservation{})); !slices.Equal(l[0].Fix, []string{`make deploy ARGS="--context reservedConcurrency=enabled"`}) || !strings.Contains(l[0].Note, "reservedConcurrency=disabled") {
		t.Errorf("no reservation: %+v", l)
	}
}

func TestTriggers(t *testing.T) {
	x := newSession()
	const stream = "arn:aws:dynamodb:eu-west-1:111122223333:table/sagemoat/stream/2026"
	table := yes(&dynamodb.DescribeTableOutput{Table: &ddbtypes.TableDescription{LatestStreamArn: aws.String(stream)}})
	type filter = struct{ Pattern string }
	good := func(source string) mapping {
		m := mapping{UUID: "u", EventSourceArn: source, State: "Enabled", FunctionArn: "arn:aws:lambda:eu-west-1:111122223333:function:f", FunctionResponseTypes: []string{"ReportBatchItemFailures"}, LastProcessingResult: "OK"}
		if source == stream {
			m.FilterCriteria.Filters = []filter{{`{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "response#"}, {"prefix": "entry#"}]}}}}`}}
		}
		return m
	}
	queue := x.arn("sqs", "sagemoat-events")
	whole := func() map[string]answer[[]mapping] {
		return map[string]answer[[]mapping]{"audit": yes([]mapping{good(queue)}), "publish": yes([]mapping{good(stream)}), "respond": yes([]mapping{good(stream)}), "sweep": yes([]mapping(nil))}
	}
	if l := judgeTriggers(x, whole(), table); len(l) != 0 {
		t.Errorf("healthy: %+v", l)
	}
	changed := func(change func(*mapping)) answer[[]mapping] {
		m := good(stream)
		change(&m)
		return yes([]mapping{m})
	}
	for name, c := range map[string]struct {
		publish answer[[]mapping]
		status  Status
		found   string
	}{
		"off":            {changed(func(m *mapping) { m.State = "Disabled" }), Failed, "Disabled"},
		"no state":       {changed(func(m *mapping) { m.State = "" }), Failed, "in no state"},
		"coming":         {changed(func(m *mapping) { m.State = "Enabling" }), Warning, "Enabling"},
		"whole batches":  {changed(func(m *mapping) { m.FunctionResponseTypes = nil }), Failed, "partial failures"},
		"a problem":      {changed(func(m *mapping) { m.LastProcessingResult = "PROBLEM: Function call failed" }), Warning, "PROBLEM"},
		"another stream": {changed(func(m *mapping) { m.EventSourceArn = strings.Replace(stream, "2026", "2025", 1) }), Failed, "is not handed to publish"},
		"none":           {yes([]mapping(nil)), Failed, "is not handed to publish"},
		"less": {changed(func(m *mapping) {
			m.FilterCriteria.Filters[0].Pattern = `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"entry#"}]}}}}`
		}), Failed, `discards what its filter does not match: {"dynamodb":`},
		"no JSON":   {changed(func(m *mapping) { m.FilterCriteria.Filters[0].Pattern = "{" }), Failed, "discards"},
		"one more":  {changed(func(m *mapping) { m.FilterCriteria.Filters = append(m.FilterCriteria.Filters, filter{"{}"}) }), Failed, " or {}"},
		"no filter": {changed(func(m *mapping) { m.FilterCriteria.Filters = nil }), Warning, "has no filter"},
		"not readable": {changed(func(m *mapping) {
			m.FilterCriteria.Filters, m.FilterCriteriaError = nil, &struct{ ErrorCode string }{"KMSAccessDeniedException"}
		}), Unknown, "cannot be read: KMSAccessDeniedException"},
		"denied": {no[[]mapping](), Unknown, "denied"},
	} {
		all := whole()
		all["publish"] = c.publish
		l := judgeTriggers(x, all, table)
		if len(l) != 1 {
			t.Errorf("%s: %d lines", name, len(l))
			continue
		}
		is(t, name, l[0], c.status, c.found)
	}
	all, m := whole(), good(queue)
	m.FilterCriteria.Filters = []filter{{`{"body":{"detail":{"eventName":["CreateApp"]}}}`}}
	all["audit"] = yes([]mapping{m})
	l := judgeTriggers(x, all, table)
	is(t, "the queue filtered", l[0], Failed, `the event queue to audit discards what its filter does not match: {"body":{"detail":{"eventName":["CreateApp"]}}}; want none`)
	if !strings.Contains(l[0].Fix[0], "--filter-criteria '{}'") {
		t.Errorf("the queue filtered: %q", l[0].Fix)
	}
	m.State = "Disabled"
	all["audit"] = yes([]mapping{m})
	if l := judgeTriggers(x, all, table); len(l) != 2 {
		t.Errorf("filtered and off: %+v", l)
	}
	if l := judgeTriggers(x, whole(), no[*dynamodb.DescribeTableOutput]()); len(l) != 2 || l[0].Status != Unknown {
		t.Errorf("without the table: %+v", l)
	}
	without := yes(&dynamodb.DescribeTableOutput{Table: &ddbtypes.TableDescription{}})
	if l := judgeTriggers(x, whole(), without); len(l) != 2 || l[0].Status != Failed {
		t.Errorf("without a stream: %+v", l)
	}
}

func TestTable(t *testing.T) {
	x := newSession()
	want := dynamo.Table("sagemoat")
	good := func() *ddbtypes.TableDescription {
		return &ddbtypes.TableDescription{
			TableStatus: ddbtypes.TableStatusActive, KeySchema: want.KeySchema, StreamSpecification: want.StreamSpecification, DeletionProtectionEnabled: aws.Bool(true),
			GlobalSecondaryIndexes: []ddbtypes.GlobalSecondaryIndexDescription{{IndexName: aws.String(dynamo.Index), KeySchema: want.GlobalSecondaryIndexes[0].KeySchema, IndexStatus: ddbtypes.IndexStatusActive}},
		}
	}
	ttl := yes(&dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &ddbtypes.TimeToLiveDescription{AttributeName: aws.String(dynamo.Expires), TimeToLiveStatus: ddbtypes.TimeToLiveStatusEnabled}})
	for name, c := range map[string]struct {
		change func(*ddbtypes.TableDescription)
		found  string
	}{
		"being deleted": {func(d *ddbtypes.TableDescription) { d.TableStatus = ddbtypes.TableStatusDeleting }, "is DELETING"},
		"no stream":     {func(d *ddbtypes.TableDescription) { d.StreamSpecification = nil }, "no stream of old and new images"},
		"keys alone": {func(d *ddbtypes.TableDescription) {
			d.StreamSpecification = &ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddbtypes.StreamViewTypeKeysOnly}
		}, "no stream of old and new images"},
		"no index": {func(d *ddbtypes.TableDescription) { d.GlobalSecondaryIndexes = nil }, "no index state"},
		"index is made": {func(d *ddbtypes.TableDescription) {
			d.GlobalSecondaryIndexes[0].IndexStatus = ddbtypes.IndexStatusCreating
		}, "no index state"},
		"another key": {func(d *ddbtypes.TableDescription) { d.KeySchema = want.GlobalSecondaryIndexes[0].KeySchema }, "has another key"},
	} {
		d := good()
		c.change(d)
		is(t, name, judgeTable(x, yes(&dynamodb.DescribeTableOutput{Table: d}), ttl), Failed, c.found)
	}
	table := yes(&dynamodb.DescribeTableOutput{Table: good()})
	is(t, "healthy", judgeTable(x, table, ttl), OK, "is active")
	is(t, "gone", judgeTable(x, fails[*dynamodb.DescribeTableOutput]("ResourceNotFoundException"), ttl), Failed, "is not there")
	is(t, "time to live denied", judgeTable(x, table, no[*dynamodb.DescribeTimeToLiveOutput]()), Unknown, "denied")
	is(t, "backups denied", judgeRecovery(x, table, no[*dynamodb.DescribeContinuousBackupsOutput]()), Unknown, "denied")
	is(t, "no word of backups", judgeRecovery(x, table, yes(&dynamodb.DescribeContinuousBackupsOutput{})), Failed, "no point-in-time recovery")
}

func TestStackStates(t *testing.T) {
	for state, want := range map[string]Status{
		"CREATE_COMPLETE": OK, "UPDATE_COMPLETE": OK, "IMPORT_COMPLETE": OK, "UPDATE_ROLLBACK_COMPLETE": Warning, "UPDATE_IN_PROGRESS": Warning,
		"CREATE_IN_PROGRESS": Warning, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Warning, "DELETE_IN_PROGRESS": Failed, "ROLLBACK_COMPLETE": Failed,
		"UPDATE_ROLLBACK_FAILED": Failed, "CREATE_FAILED": Failed, "ROLLBACK_IN_PROGRESS": Failed, "DELETE_FAILED": Failed, "": Failed, "SOMETHING_NEW": Failed,
	} {
		x := newSession(func(x *session) { x.stack.status = state })
		is(t, state, judgeStack(x)[0], want, state)
	}
	if l := judgeStack(newSession()); len(l) != 2 {
		t.Errorf("more than the state and the outputs: %+v", l)
	} else {
		is(t, "the build", l[0], OK, "sagemoat: CREATE_COMPLETE, build 0123456789ab, mode notify")
	}
	for _, key := range Required() {
		x := newSession(func(x *session) { delete(x.stack.outputs, key) })
		is(t, "without "+key, judgeStack(x)[1], Failed, key)
	}
	x := newSession(func(x *session) { x.described = no[*stack](); x.stack = nil })
	is(t, "denied", judgeStack(x)[0], Unknown, "denied")
}

func TestHeartbeat(t *testing.T) {
	at := func(ago time.Duration) answer[ledger.Mark] { return yes(ledger.Mark{At: now.Add(-ago)}) }
	young := newSession(func(x *session) { x.stack.created = now.Add(-10 * time.Minute) })
	is(t, "in time", judgeMark(newSession(), at(44*time.Minute)), OK, "44 min")
	is(t, "late", judgeMark(newSession(), at(46*time.Minute)), Failed, "46 min")
	is(t, "never", judgeMark(newSession(), yes(ledger.Mark{})), Failed, "no sweep ever")
	is(t, "not yet", judgeMark(young, yes(ledger.Mark{})), Warning, "10 min old")
	is(t, "denied", judgeMark(newSession(), no[ledger.Mark]()), Unknown, "denied")
	beat := func(ago map[string]time.Duration) answer[map[series][]point] {
		m := map[series][]point{}
		for f, d := range ago {
			m[own(telemetry.Heartbeat, f)] = []point{{now.Add(-d), 1}, {now, 0}}
		}
		return yes(m)
	}
	is(t, "all", judgeBeats(newSession(), beat(map[string]time.Duration{"respond": 2 * time.Minute, "sweep": 20 * time.Minute, "publish": 20 * time.Hour}))[0], OK, "in time")
	l := judgeBeats(newSession(), beat(map[string]time.Duration{"respond": time.Hour, "sweep": 20 * time.Minute}))
	if len(l) != 2 {
		t.Fatalf("%d lines", len(l))
	}
	is(t, "late", l[0], Failed, "a scheduled run of respond last ended without an error 60 min ago")
	is(t, "never", l[1], Failed, "no scheduled run of publish ended without an error within 25 h")
	l = judgeBeats(young, beat(nil))
	is(t, "young", l[0], Warning, "no scheduled run of respond ended yet; the stack is 10 min old")
	if len(l) != 3 {
		t.Errorf("%d lines of a young stack", len(l))
	}
	is(t, "denied", judgeBeats(newSession(), no[map[series][]point]())[0], Unknown, "denied")
	sweep := func(s, d time.Duration) answer[ledger.FirstSweep] {
		f := ledger.FirstSweep{}
		if s > 0 {
			f.Started = now.Add(-s)
		}
		if d > 0 {
			f.Done = now.Add(-d)
		}
		return yes(f)
	}
	is(t, "done", judgeBaseline(newSession(), sweep(9*time.Hour, time.Hour)), OK, "done")
	is(t, "under way", judgeBaseline(newSession(), sweep(time.Hour, 0)), Warning, "not done")
	is(t, "too long", judgeBaseline(newSession(), sweep(27*time.Hour, 0)), Failed, "not done")
	is(t, "not begun", judgeBaseline(newSession(), sweep(0, 0)), Failed, "has not begun")
	is(t, "not begun yet", judgeBaseline(young, sweep(0, 0)), Warning, "has not begun")
}

func TestHub(t *testing.T) {
	x := newSession(func(x *session) {
		x.stack.outputs[OutCustomAction] = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/SagemoatStop"
	})
	is(t, "off", judgeHub(x, fails[hub]("InvalidAccessException")), Failed, "is not enabled")
	is(t, "denied", judgeHub(x, no[hub]()), Unknown, "denied")
	is(t, "silent", judgeHub(x, yes(hub{})), Unknown, "names no hub")
	metric := func(off, failed, imported float64) answer[map[series][]point] {
		return yes(map[series][]point{
			own(telemetry.HubOff, "publish"):       {{now.Add(-30 * time.Minute), off}},
			own(telemetry.ImportFailed, "publish"): {{now.Add(-20 * time.Hour), failed}},
			own(telemetry.Imported, "publish"):     {{now.Add(-20 * time.Hour), imported}},
		})
	}
	is(t, "off lately", judgeImports(x, metric(2, 0, 9)), Failed, "took no findings 2 times")
	is(t, "refused", judgeImports(x, metric(0, 1, 9)), Warning, "1 findings were refused")
	is(t, "taken", judgeImports(x, metric(0, 0, 9)), OK, "9 findings")
	is(t, "nothing", judgeImports(x, metric(0, 0, 0)), NotChecked, "nothing was imported")
	is(t, "denied", judgeImports(x, no[map[series][]point]()), Unknown, "denied")

	type action = struct{ ActionTargetArn, Name string }
	there := yes(actions{ActionTargets: []action{{ActionTargetArn: x.stack.out(OutCustomAction)}}})
	leads := rule{Name: "sagemoat-custom-action", State: "ENABLED", EventPattern: string(events.CustomAction("SagemoatStop").Pattern)}
	off := leads
	off.State = "DISABLED"
	is(t, "action", judgeAction(x, there, yes([]rule{leads})), OK, "SagemoatStop is there")
	is(t, "no rule", judgeAction(x, there, yes([]rule{{Name: "else", EventPattern: "{}"}})), Failed, "no rule has the pattern")
	is(t, "rule off", judgeAction(x, there, yes([]rule{off})), Failed, "is DISABLED")
	is(t, "no action", judgeAction(x, yes(actions{}), yes([]rule{leads})), Failed, "is not there")
	is(t, "no such action", judgeAction(x, fails[actions]("ResourceNotFoundException"), yes([]rule{leads})), Failed, "is not there")
	is(t, "hub off", judgeAction(x, fails[actions]("InvalidAccessException"), yes([]rule{leads})), Failed, "not enabled")
	is(t, "denied", judgeAction(x, no[actions](), yes([]rule{leads})), Unknown, "denied")
	is(t, "rules denied", judgeAction(x, there, no[[]rule]()), Unknown, "denied")
}

func TestQuotas(t *testing.T) {
	deployed, before := newSession(), newSession(func(x *session) { x.stack = nil })
	limit := func(left, all int) answer[limits] {
		var l limits
		l.AccountLimit.UnreservedConcurrentExecutions, l.AccountLimit.ConcurrentExecutions = &left, &all
		return yes(l)
	}
	is(t, "room", judgeUnreserved(before, limit(1000, 1000)), OK, "1000 of 1000")
	is(t, "just enough", judgeUnreserved(before, limit(spare+Reserved, 1000)), OK, fmt.Sprint(spare+Reserved))
	for left, all := range map[int]int{spare + Reserved - 1: 1000, 50: 50, 10: 10} {
		l := judgeUnreserved(before, limit(left, all))
		is(t, "too little", l, Warning, fmt.Sprintf("%d of %d concurrent executions are not reserved; with the default setting 17 have to be reserved beside the 100 that Lambda keeps free", left, all))
		if len(l.Fix) != 2 || !strings.Contains(l.Fix[0], "request-service-quota-increase") || l.Fix[1] != `make deploy ARGS="--context reservedConcurrency=disabled"` {
			t.Errorf("too little: %q", l.Fix)
		}
	}
	is(t, "nothing", judgeUnreserved(before, limit(0, 10)), Failed, "nothing is left to run in")
	is(t, "deployed", judgeUnreserved(deployed, limit(100, 1000)), OK, "has what it needs")
	is(t, "silent", judgeUnreserved(before, yes(limits{})), Unknown, "does not say")
	is(t, "denied", judgeUnreserved(before, no[limits]()), Unknown, "denied")
	most := func(v float64) answer[quota] {
		var q quota
		q.Quota.Value = &v
		return yes(q)
	}
	have := func(n int) answer[[]rule] { return yes(make([]rule, n)) }
	const need, wildNeed = 25, 3 // as TestTemplateRules has them
	is(t, "room", judgeRoom(before, have(300-need), most(300)), OK, "275 of 300 rules of the default bus are there, 0 of 30 with a wildcard")
	is(t, "one too many", judgeRoom(before, have(300-need+1), most(300)), Failed, "276 of 300 rules of the default bus are there, 0 of 30 with a wildcard, and 25 more are needed")
	var ours []rule
	for _, r := range before.deploys() {
		ours = append(ours, rule{Name: r.Name, EventPattern: string(r.Pattern)})
	}
	is(t, "full, and a stack that is not looked at", judgeRoom(before, yes(append(make([]rule, 300-need), ours...)), most(300)), OK, "300 of 300")
	wild := func(n int) answer[[]rule] {
		all := make([]rule, 100)
		for i := range n {
			all[i] = rule{Name: fmt.Sprintf("w%d", i), EventPattern: `{"detail":{"a":{"b":["x",{"wildcard":"*x*"}]}}}`}
		}
		return yes(all)
	}
	is(t, "room for wildcards", judgeRoom(before, wild(wildcards-wildNeed), most(300)), OK, "27 of 30 with a wildcard")
	l := judgeRoom(before, wild(wildcards-wildNeed+1), most(300))
	is(t, "too many wildcards", l, Failed, "28 of 30 with a wildcard, and 3 more with a wildcard are needed")
	if !strings.Contains(l.Note, "cannot be raised") || !strings.Contains(l.Note, "w0, w1") || !strings.Contains(l.Fix[0], "describe-rule --name w0") {
		t.Errorf("too many wildcards: %+v", l)
	}
	is(t, "too many of both", judgeRoom(before, wild(28), most(110)), Failed, "25 more are needed; 3 more with")
	is(t, "wildcards, and deployed", judgeRoom(deployed, wild(wildcards), most(300)), OK, "30 of 30")
	is(t, "full, and deployed", judgeRoom(deployed, have(300), most(300)), OK, "300 of 300")
	is(t, "no quota", judgeRoom(before, have(3), no[quota]()), Unknown, "denied")
	is(t, "no value", judgeRoom(before, have(3), yes(quota{})), Unknown, "names no value")
	is(t, "no rules", judgeRoom(before, no[[]rule](), most(300)), Unknown, "denied")
}

func TestWildcard(t *testing.T) {
	for pattern, want := range map[string]bool{
		`{"detail":{"a":[{"wildcard":"*"}]}}`:                                true,
		`{"a":["x",{"prefix":"y"},{"wildcard":"*"}]}`:                        true,
		`{"a":[{"anything-but":{"wildcard":"*x"}}]}`:                         true,
		`{"a":[{"anything-but":{"wildcard":["*x","y*"]}}]}`:                  true,
		`{"detail":{"$or":[{"a":["x"]},{"b":{"c":[{"wildcard":"x*"}]}}]}}`:   true,
		`{"a":["wildcard",{"prefix":"wildcard"},{"anything-but":["x"]}]}`:    false,
		`{"detail":{"wildcard":["x"]}}`:                                      false,
		`{"detail":{"wildcard":{"x":["y"]}}}`:                                false,
		`{"detail":{"$or":[{"wildcard":["x"]},{"anything-but":["x"]}]}}`:     false,
		`{"detail":{"a":[{"anything-but":{"prefix":"x"}},{"exists":true}]}}`: false,
		``: false,
	} {
		if got := hasWildcard([]byte(pattern)); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
}

func TestQueue(t *testing.T) {
	x := newSession()
	audit := yes(configuration{Timeout: 60})
	good := func(change map[string]string) answer[map[string]string] {
		all := map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:sagemoat-dead-letters","maxReceiveCount":"20"}`, "VisibilityTimeout": "360", "SqsManagedSseEnabled": "true",
			"MessageRetentionPeriod": "1209600", "DelaySeconds": "0",
			"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		}
		maps.Copy(all, change)
		return yes(all)
	}
	is(t, "good", judgeQueue(x, good(nil), audit), OK, "20 receives")
	is(t, "without audit's timeout", judgeQueue(x, good(nil), no[configuration]()), Unknown, "how long audit may take")
	is(t, "no redrive", judgeQueue(x, good(map[string]string{"RedrivePolicy": ""}), audit), Failed, "does not give up to the stack's")
	is(t, "KMS", judgeQueue(x, good(map[string]string{"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "alias/aws/sqs"}), audit), Failed, "KMS key")
	is(t, "not kept", judgeQueue(x, good(map[string]string{"MessageRetentionPeriod": "60"}), audit), Failed, "loses what waits for 60 s: want 14 days")
	is(t, "nobody says how long", judgeQueue(x, good(map[string]string{"MessageRetentionPeriod": ""}), audit), Failed, "loses what waits")
	is(t, "held back", judgeQueue(x, good(map[string]string{"DelaySeconds": "900"}), audit), Failed, "holds each event back for 900 s")
	is(t, "held back, not known how long", judgeQueue(x, good(map[string]string{"DelaySeconds": ""}), audit), Failed, "an unknown number of s")
	is(t, "held back and not kept", judgeQueue(x, good(map[string]string{"DelaySeconds": "900", "MessageRetentionPeriod": "345600"}), audit), Failed, "loses what waits for 4 days: want 14 days; holds each event back")
	is(t, "gone", judgeQueue(x, fails[map[string]string]("AWS.SimpleQueueService.NonExistentQueue"), audit), Failed, "is not there")
	none := yes(map[series][]point{})
	age := func(v float64) answer[map[series][]point] {
		return yes(map[series][]point{queueAge("sagemoat-events"): {{now.Add(-10 * time.Minute), v}, {now.Add(-time.Hour), 99999}}})
	}
	waiting := good(map[string]string{"ApproximateNumberOfMessagesNotVisible": "2"})
	is(t, "empty", judgeAge(x, good(nil), none), OK, "nothing waits")
	is(t, "waits", judgeAge(x, waiting, age(30)), OK, "2 messages, the oldest 30 s old")
	is(t, "waits long", judgeAge(x, waiting, age(1000)), Warning, "17 min")
	is(t, "waits too long", judgeAge(x, waiting, age(4000)), Failed, "67 min")
	is(t, "nobody knows", judgeAge(x, waiting, none), Unknown, "CloudWatch does not say")
	is(t, "no count", judgeAge(x, yes(map[string]string{}), none), Unknown, "SQS does not say")
	is(t, "denied", judgeAge(x, waiting, no[map[series][]point]()), Unknown, "denied")
	letters := judgeLetters(x, map[string]answer[map[string]string]{OutQueueDeadLetter: fails[map[string]string]("QueueDoesNotExist"), OutStreamDeadLetter: no[map[string]string](), OutFindingDeadLetter: yes(map[string]string{})})
	is(t, "no queue", letters[0], Failed, "is not there")
	is(t, "denied", letters[1], Unknown, "denied")
	is(t, "no count", letters[2], Unknown, "does not say")
}

func TestInForce(t *testing.T) {
	x := newSession()
	v := ledger.RulesVersion{At: now, ID: "e"}
	file, none := yes(rulesObject{version: v}), yes(map[series][]point{})
	stale := yes(map[series][]point{own(telemetry.RulesStale, "respond"): {{now.Add(-10 * time.Minute), 1}}})
	is(t, "same", judgeInForce(x, file, yes(savedRules{true, v}), none), OK, "this file")
	is(t, "never", judgeInForce(x, file, yes(savedRules{}), none), Warning, "has not read")
	is(t, "older", judgeInForce(x, file, yes(savedRules{true, ledger.RulesVersion{At: now, ID: "d"}}), none), Warning, "last read")
	is(t, "stale", judgeInForce(x, file, yes(savedRules{true, v}), stale), Failed, "respond could not read")
	is(t, "metrics denied", judgeInForce(x, file, yes(savedRules{true, v}), no[map[series][]point]()), Unknown, "denied")
	is(t, "ledger denied", judgeInForce(x, file, no[savedRules](), none), Unknown, "denied")
	is(t, "file denied", judgeInForce(x, no[rulesObject](), yes(savedRules{true, v}), none), Unknown, "denied")
	is(t, "built in", judgeInForce(newSession(func(x *session) { x.stack.outputs[OutRulesKey] = NoRules }), answer[rulesObject]{}, answer[savedRules]{}, none), OK, "built-in")
	is(t, "denied", judgeRulesFile(x, no[rulesObject]()), Unknown, "s3://sagemoat-rules/rules.yaml: s:Call is denied")
	is(t, "no mode", judgeRulesMode(newSession(func(x *session) { x.stack.outputs[OutMode] = "loud" }), fetchBuiltIn()), Failed, "loud")
	is(t, "unusable", judgeRulesMode(x, yes(rulesObject{invalid: errors.New("x")})), Unknown, "cannot be used")
}

func TestTopics(t *testing.T) {
	x := newSession()
	is(t, "some", judgeTopic(x, "arn:t", "alerts", yes(subscribed{2, 1})), OK, "2 subscribed to alerts")
	is(t, "pending", judgeTopic(x, "arn:t", "alerts", yes(subscribed{0, 1})), Failed, "wait to be confirmed")
	is(t, "gone", judgeTopic(x, "arn:t", "alerts", fails[subscribed]("NotFound")), Failed, "is not there")
	is(t, "denied", judgeTopic(x, "arn:t", "alerts", fails[subscribed]("AuthorizationError")), Unknown, "denied")
}

func TestSchedules(t *testing.T) {
	x := newSession()
	is(t, "gone", judgeSchedules(x, fails[[]schedule]("ResourceNotFoundException"))[0], Failed, "the group sagemoat is not there")
	is(t, "denied", judgeSchedules(x, no[[]schedule]())[0], Unknown, "denied")
	if l := judgeSchedules(x, yes([]schedule(nil))); len(l) != 3 {
		t.Errorf("no schedule: %+v", l)
	}
}

// fetchBuiltIn is the answer where no file is named.
func fetchBuiltIn() answer[rulesObject] { return yes(rulesObject{file: rules.Default()}) }
