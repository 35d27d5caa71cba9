package doctor

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// lacking are the checks of which moto cannot tell (docs/test-doubles.md).
var lacking = map[string]string{
	"lambda-concurrency": "lambda:GetAccountSettings gave no answer",
	"rules-per-bus":      "servicequotas:GetAWSDefaultServiceQuota gave no answer",
}

// TestMoto: a healthy installation in moto, of which each part is broken, and put
// right by what the line says is to be pasted.
func TestMoto(t *testing.T) {
	t.Parallel()
	b := deploy(t)
	run := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			whole := b.TB
			b.TB = t
			defer func() { b.TB = whole }()
			f(t)
		})
	}
	run("healthy", b.healthy)
	b.wire.reset()
	run("custom action", b.customAction)
	run("StackSet", b.stackSet)
	run("calls", b.called)
	run("denied", b.denials)
	run("stack", b.otherStacks)
	for _, c := range b.breakages() {
		run(c.name, func(t *testing.T) { b.breaks(t, &c) })
	}
	run("healthy again", b.healthy)
	run("the hub takes none", func(t *testing.T) { // for good: CloudWatch forgets nothing
		b.metric(own(telemetry.HubOff, "publish"), 1)
		l := b.look("Security Hub")[1]
		if l.Check != "hub-imports" || l.Status != Failed || !strings.Contains(l.Found, "took no findings 1 times") || l.Note != Riddle {
			t.Errorf("%+v", l)
		}
	})
}

// healthy: every check is ok, but for what moto cannot tell and what nobody looks
// at.
func (b *bed) healthy(t *testing.T) {
	r := b.report()
	for _, l := range r.Lines {
		want := OK
		switch {
		case lacking[l.Check] != "":
			want = Unknown
			if !strings.HasPrefix(l.Found, lacking[l.Check]) {
				t.Errorf("%s: found %q, want %q", l.Check, l.Found, lacking[l.Check])
			}
		case l.Group == "Not checked", l.Check == "hub-action":
			want = NotChecked
		}
		if l.Status != want {
			t.Errorf("%s is %s, want %s: %s", l.Check, l.Status, want, l.Found)
		}
	}
	if r.Sound() {
		t.Error("what is unknown is sound")
	}
}

// breakage is something that goes wrong.
type breakage struct {
	name, group, check string
	do                 func()
	status             Status
	found              string
	note               string
	undo               func() // where nothing that is to be pasted puts it right in moto
}

func (b *bed) breakages() []breakage {
	type m = map[string]any
	ct, bus := awsjson.CloudTrail(), awsjson.Events()
	rule := "sagemoat-" + events.Patterns()[0].Name
	pattern := string(events.Patterns()[0].Pattern)
	target := func(change func(m)) func() {
		return func() {
			t := m{
				"Id": "queue", "Arn": b.arn("sqs", "sagemoat-events"), "DeadLetterConfig": m{"Arn": b.arn("sqs", "sagemoat-dead-letters")},
				"RetryPolicy": m{"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
			}
			change(t)
			b.call(bus, "PutTargets", m{"Rule": rule, "Targets": []any{t}})
		}
	}
	attribute := func(name, value string) func() {
		return func() { b.attributes(map[string]string{name: value}) }
	}
	file := func(text string) func() {
		return func() {
			_, err := s3.NewFromConfig(b.cfg, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(b.Context(), &s3.PutObjectInput{
				Bucket: aws.String("sagemoat-rules"), Key: aws.String("rules.yaml"), Body: strings.NewReader(text),
			})
			ok(b, err)
		}
	}
	restore := func() { // the file again, and audit reads it
		file(rulesFile)()
		b.saveRules()
	}
	db := func(operation string, in m) func() {
		return func() {
			in["TableName"] = "sagemoat"
			b.target("dynamodb", "DynamoDB_20120810."+operation, in)
		}
	}
	letter := func(output string) func() {
		return func() {
			b.target("sqs", "AmazonSQS.SendMessage", m{"QueueUrl": outputs()[output], "MessageBody": "{}"})
		}
	}
	purge := func(output string) func() {
		return func() { b.target("sqs", "AmazonSQS.PurgeQueue", m{"QueueUrl": outputs()[output]}) }
	}
	later := func(d time.Duration) (do, undo func()) {
		return func() { b.now = b.now.Add(d) }, func() { b.now = b.now.Add(-d) }
	}
	mapping := func(function, change string) func() {
		return func() { b.rest("PUT", "lambda", "/2015-03-31/event-source-mappings/"+b.mapping(function), change) }
	}
	variable := func(of, name, value string) func() {
		return func() {
			all := readConfigurations(b.Context(), b.open().session)[of].value.Environment.Variables
			all[name] = value
			b.rest("PUT", "lambda", "/2015-03-31/functions/sagemoat-"+of+"/configuration", inJSON(m{"Environment": m{"Variables": all}}))
		}
	}
	quiet, again := later(2 * time.Hour)
	silent, spoke := later(26*time.Hour + 10*time.Minute)
	return []breakage{
		{name: "the trail is off", group: "CloudTrail", check: "trail", do: func() { b.call(ct, "StopLogging", m{"Name": "management"}) }, status: Failed, found: "is switched off"},
		{name: "reads alone", group: "CloudTrail", check: "trail", do: func() {
			b.selectors(m{"EventSelectors": []any{m{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}}})
		}, status: Failed, found: "logs read-only events alone"},
		{name: "no management events", group: "CloudTrail", check: "trail", do: func() {
			b.selectors(m{"EventSelectors": []any{m{"ReadWriteType": "All", "IncludeManagementEvents": false, "DataResources": []any{m{"Type": "AWS::S3::Object", "Values": []string{"arn:aws:s3"}}}}}})
		}, status: Failed, found: "logs no management events"},
		{name: "advanced selectors, reads alone", group: "CloudTrail", check: "trail", do: func() {
			b.selectors(m{"AdvancedEventSelectors": []any{m{"Name": "it's", "FieldSelectors": []any{m{"Field": "eventCategory", "Equals": []string{"Management"}}, m{"Field": "readOnly", "Equals": []string{"true"}}}}}})
		}, status: Failed, found: "leaves write management events out, by its selector on readOnly"},

		{name: "a rule is off", group: "EventBridge", check: "rules", do: func() { b.call(bus, "DisableRule", m{"Name": rule}) }, status: Failed, found: "the rule " + rule + " is DISABLED"},
		{name: "another pattern", group: "EventBridge", check: "rules", do: func() {
			b.call(bus, "PutRule", m{"Name": rule, "EventPattern": strings.Replace(pattern, "CreateTrainingJob", "CreateTrainingJobs", 1), "State": "ENABLED"})
		}, status: Failed, found: "no rule of the stack has the pattern calls of this version"},
		{name: "no rule", group: "EventBridge", check: "rules", do: func() {
			b.call(bus, "RemoveTargets", m{"Rule": rule, "Ids": []string{"queue"}})
			b.call(bus, "DeleteRule", m{"Name": rule})
		}, status: Failed, found: "the rule " + rule + " is not there"},
		{name: "no target", group: "EventBridge", check: "targets", do: func() { b.call(bus, "RemoveTargets", m{"Rule": rule, "Ids": []string{"queue"}}) }, status: Failed, found: "does not send to the queue"},
		{name: "no dead letter queue", group: "EventBridge", check: "targets", do: target(func(t m) { delete(t, "DeadLetterConfig") }), status: Failed, found: "has no dead letter queue"},
		{name: "another dead letter queue", group: "EventBridge", check: "targets", do: target(func(t m) { t["DeadLetterConfig"] = m{"Arn": b.arn("sqs", "else")} }), status: Failed, found: "another dead letter queue"},
		{name: "no retries", group: "EventBridge", check: "targets", do: target(func(t m) { delete(t, "RetryPolicy") }), status: Failed, found: "has no retry policy"},
		{name: "retries switched off", group: "EventBridge", check: "targets", do: target(func(t m) { t["RetryPolicy"] = m{"MaximumRetryAttempts": 0} }), status: Failed, found: "does not retry"},
		{name: "something else is sent", group: "EventBridge", check: "targets", do: target(func(t m) { t["InputPath"] = "$.detail" }), status: Failed, found: "sends something else"},

		{name: "gives up too soon", group: "Queues", check: "queue", do: attribute("RedrivePolicy", inJSON(m{"deadLetterTargetArn": b.arn("sqs", "sagemoat-dead-letters"), "maxReceiveCount": 3})), status: Failed, found: "gives up after 3 receives, want 20"},
		{name: "hides too shortly", group: "Queues", check: "queue", do: attribute("VisibilityTimeout", "60"), status: Failed, found: "hides a message for 60 s, and audit may take 60 s"},
		{name: "not encrypted", group: "Queues", check: "queue", do: attribute("SqsManagedSseEnabled", "false"), status: Failed, found: "is not encrypted"},
		{name: "does not keep", group: "Queues", check: "queue", do: attribute("MessageRetentionPeriod", "60"), status: Failed, found: "loses what waits for 60 s: want 14 days"},
		{name: "holds back", group: "Queues", check: "queue", do: attribute("DelaySeconds", "900"), status: Failed, found: "holds each event back for 900 s"},
		{name: "everybody may send", group: "Queues", check: "queue-policy", do: attribute("Policy", strings.Replace(queuePolicy(b.arn("sqs", "sagemoat-events"), b.ruleARNs()), `"Effect":"Deny"`, `"Effect":"Allow"`, 1)), status: Failed, found: "does not deny everybody but the rules"},
		{name: "no rule may send", group: "Queues", check: "queue-policy", do: attribute("Policy", queuePolicy(b.arn("sqs", "sagemoat-events"), []string{b.arn("events", "rule/else")})), status: Failed, found: "denies what the rule"},
		{name: "an event is given up", group: "Queues", check: "dead-letters", do: letter(OutQueueDeadLetter), undo: purge(OutQueueDeadLetter), status: Failed, found: "holds 1: events that EventBridge could not deliver", note: "cannot be moved back"},
		{name: "a finding is given up", group: "Queues", check: "dead-letters", do: letter(OutFindingDeadLetter), undo: purge(OutFindingDeadLetter), status: Failed, found: "holds 1: findings that Security Hub refuses"},
		{name: "events wait", group: "Queues", check: "queue-age", do: func() {
			letter(OutQueue)()
			b.metric(queueAge("sagemoat-events"), 4000)
		}, undo: purge(OutQueue), status: Failed, found: "1 messages, the oldest 67 min old"},

		{name: "an alien role is ignored", group: "Functions", check: "functions", do: variable("audit", ownRoles, "arn:aws:iam::111122223333:role/mine"), status: Failed, found: "it ignores what arn:aws:iam::111122223333:role/mine does"},
		{name: "another mode", group: "Functions", check: "functions", do: variable("respond", "SAGEMOAT_MODE", "observe"), status: Failed, found: "sagemoat-respond has another SAGEMOAT_MODE"},
		{name: "may not run", group: "Functions", check: "concurrency", do: func() {
			b.rest("PUT", "lambda", "/2017-10-31/functions/sagemoat-sweep/concurrency", `{"ReservedConcurrentExecutions":0}`)
		}, status: Failed, found: "sagemoat-sweep may not run"},
		{name: "no reservation", group: "Functions", check: "concurrency", do: func() {
			b.rest("DELETE", "lambda", "/2017-10-31/functions/sagemoat-sweep/concurrency", "")
		}, undo: func() {
			b.rest("PUT", "lambda", "/2017-10-31/functions/sagemoat-sweep/concurrency", `{"ReservedConcurrentExecutions":1}`)
		}, status: Warning, found: "sagemoat-sweep reserves none"},
		{name: "a mapping is off", group: "Functions", check: "triggers", do: mapping("audit", `{"Enabled":false}`), status: Failed, found: "the event queue to audit: Disabled"},
		{name: "a filter on the queue", group: "Functions", check: "triggers", do: mapping("audit", `{"FilterCriteria":{"Filters":[{"Pattern":"{\"body\":{\"source\":[\"none\"]}}"}]}}`), status: Failed, found: "the event queue to audit discards what its filter does not match"},
		{name: "another filter on the stream", group: "Functions", check: "triggers", do: mapping("respond", `{"FilterCriteria":{"Filters":[{"Pattern":"{\"dynamodb\":{\"Keys\":{\"pk\":{\"S\":[\"none\"]}}}}"}]}}`), status: Failed, found: "the ledger's stream to respond discards"},
		{name: "no mapping", group: "Functions", check: "triggers", do: func() {
			b.rest("DELETE", "lambda", "/2015-03-31/event-source-mappings/"+b.mapping("respond"), "")
		}, undo: func() { b.newMapping("respond") }, status: Failed, found: "the ledger's stream is not handed to respond"},
		{name: "a schedule is off", group: "Functions", check: "schedules", do: func() { b.schedule("PUT", "sweep", "DISABLED") }, undo: func() { b.schedule("PUT", "sweep", "ENABLED") }, status: Failed, found: "sagemoat-sweep, which wakes sweep, is switched off"},
		{name: "no schedule", group: "Functions", check: "schedules", do: func() { b.rest("DELETE", "scheduler", "/schedules/sagemoat-respond?groupName=sagemoat", "") }, undo: func() { b.schedule("POST", "respond", "ENABLED") }, status: Failed, found: "no schedule wakes respond"},

		{name: "mistakes in the rules", group: "Rules", check: "rules-file", do: file("version: 1\nrules: {no-brige: on}\n"), undo: restore, status: Failed, found: "rules.yaml:2:9"},
		{name: "too long a file", group: "Rules", check: "rules-file", do: file("version: 1\n" + strings.Repeat("# long\n", 40_000)), undo: restore, status: Failed, found: "longer than 262144 bytes"},
		{name: "no rules file", group: "Rules", check: "rules-file", do: func() {
			_, err := s3.NewFromConfig(b.cfg, func(o *s3.Options) { o.UsePathStyle = true }).DeleteObject(b.Context(), &s3.DeleteObjectInput{Bucket: aws.String("sagemoat-rules"), Key: aws.String("rules.yaml")})
			ok(b, err)
		}, undo: restore, status: Failed, found: "s3://sagemoat-rules/rules.yaml is not there"},
		{name: "not read yet", group: "Rules", check: "rules-in-force", do: file("version: 1\n"), undo: restore, status: Warning, found: "audit last read the file of"},
		{name: "more than the stack allows", group: "Rules", check: "rules-mode", do: file("version: 1\nresponse: {mode: stop}\n"), undo: restore, status: Warning, found: "the rules say stop, and the stack allows notify at most"},

		{name: "can be deleted", group: "Ledger", check: "table-recovery", do: db("UpdateTable", m{"DeletionProtectionEnabled": false}), status: Failed, found: "can be deleted by one call"},
		{name: "no recovery", group: "Ledger", check: "table-recovery", do: db("UpdateContinuousBackups", m{"PointInTimeRecoverySpecification": m{"PointInTimeRecoveryEnabled": false}}), status: Failed, found: "no point-in-time recovery"},
		{name: "no time to live", group: "Ledger", check: "table", do: db("UpdateTimeToLive", m{"TimeToLiveSpecification": m{"Enabled": false, "AttributeName": "expires"}}), status: Warning, found: "grows for ever"},
		{name: "the kill switch", group: "Ledger", check: "kill-switch", do: func() { b.control(ledger.KillSwitch, ledger.Switch{On: true, By: "ana", Why: "a drill"}) }, status: Warning, found: "on: nothing is stopped (ana: a drill)"},
		{name: "the breaker", group: "Ledger", check: "breaker", do: func() { b.control(ledger.BreakerOf, ledger.Breaker{Open: true, Why: "6 stops", OpenedAt: b.now}) }, status: Failed, found: "nothing is stopped. 6 stops"},

		{name: "no sweep", group: "Heartbeat", check: "sweep-mark", do: quiet, undo: again, status: Failed, found: "the last sweep came to its end 2 h ago: want 45 min at most"},
		{name: "respond is silent", group: "Heartbeat", check: "heartbeat", do: quiet, undo: again, status: Failed, found: "a scheduled run of respond last ended without an error 2 h ago"},
		{name: "publish is silent", group: "Heartbeat", check: "heartbeat", do: silent, undo: spoke, status: Failed, found: "no scheduled run of publish ended without an error within 25 h"},

		{name: "no hub", group: "Security Hub", check: "hub", do: func() { b.rest("DELETE", "securityhub", "/accounts", "") }, status: Failed, found: "is not enabled"},
		{name: "nobody is told", group: "Topics", check: "topics", do: b.unsubscribe, undo: b.subscribe, status: Failed, found: "nobody hears of alarms"},
	}
}

// breaks does what breaks, reads the line, and pastes what it says.
func (b *bed) breaks(t *testing.T, c *breakage) {
	c.do()
	lines := b.look(c.group)
	i := slices.IndexFunc(lines, func(l Line) bool {
		return l.Check == c.check && l.Status == c.status && strings.Contains(l.Found, c.found)
	})
	if i < 0 {
		t.Fatalf("no line says that %s is %s: %s\n%s", c.check, c.status, c.found, told(lines))
	}
	if l := lines[i]; l.Why == "" || l.Note == "" && c.note != "" || !strings.Contains(l.Note, c.note) {
		t.Errorf("why %q, note %q", l.Why, l.Note)
	}
	if c.undo != nil {
		c.undo()
		if lines[i].Status == Failed && len(lines[i].Fix) == 0 {
			t.Errorf("no fix\n%s", told(lines))
		}
	} else {
		for _, l := range lines {
			for _, f := range l.Fix {
				if strings.HasPrefix(f, "aws ") && (l.Status == Failed || l.Status == Warning) {
					b.paste(f)
				}
			}
		}
	}
	for _, l := range b.look(c.group) {
		if l.Check == c.check && l.Status != OK {
			t.Errorf("put right, %s is %s: %s", l.Check, l.Status, l.Found)
		}
	}
}

func told(lines []Line) string {
	var b strings.Builder
	ok := Report{Lines: lines}
	_ = ok.Text(&b, Print{})
	return b.String()
}

// customAction: moto has none, so that a stack that names one is not sound.
func (b *bed) customAction(t *testing.T) {
	d := b.open()
	d.stack.outputs[OutCustomAction] = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/SagemoatStop"
	r, err := d.Check(t.Context(), nil)
	ok(t, err)
	if l := r.lines("hub-action")[0]; l.Status != Unknown || !strings.Contains(l.Found, "securityhub:DescribeActionTargets gave no answer") {
		t.Errorf("%+v", l)
	}
}

// called: the policy in docs/doctor.md allows what a whole run calls, and no more.
func (b *bed) called(t *testing.T) {
	b.wire.mu.Lock()
	defer b.wire.mu.Unlock()
	got, want := slices.Sorted(maps.Keys(b.wire.calls)), policyOfPage(t)
	if !slices.Equal(got, want) {
		t.Errorf("called\n%s\nthe page allows\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// denials: a call that is denied leaves its check unknown and names the action; no
// word of AWS's message is told.
func (b *bed) denials(t *testing.T) {
	defer b.wire.deny()
	for action, checks := range map[string]string{
		"cloudformation:DescribeStacks": "Stack/stack", "cloudtrail:DescribeTrails": "CloudTrail/trail",
		"cloudtrail:GetTrailStatus": "CloudTrail/trail", "cloudtrail:GetEventSelectors": "CloudTrail/trail",
		"events:ListRules": "EventBridge/rules", "events:ListTargetsByRule": "EventBridge/targets",
		"sqs:GetQueueAttributes":          "Queues/queue Queues/queue-policy Queues/queue-age Queues/dead-letters",
		"lambda:GetFunctionConfiguration": "Functions/functions", "lambda:GetFunctionConcurrency": "Functions/concurrency",
		"lambda:ListEventSourceMappings": "Functions/triggers", "scheduler:ListSchedules": "Functions/schedules",
		"s3:GetObject": "Rules/rules-file Rules/rules-in-force Rules/rules-mode", "cloudwatch:GetMetricData": "Rules/rules-in-force Heartbeat/heartbeat Security/hub-imports",
		"dynamodb:GetItem":       "Rules/rules-in-force Ledger/kill-switch Ledger/breaker Ledger/first-sweep Heartbeat/sweep-mark",
		"dynamodb:DescribeTable": "Ledger/table Ledger/table-recovery Functions/triggers", "dynamodb:DescribeTimeToLive": "Ledger/table",
		"dynamodb:DescribeContinuousBackups": "Ledger/table-recovery", "securityhub:DescribeHub": "Security/hub",
		"sns:ListSubscriptionsByTopic": "Topics/topics", "lambda:GetAccountSettings": "Quotas/lambda-concurrency",
		"servicequotas:GetServiceQuota": "Quotas/rules-per-bus", "servicequotas:GetAWSDefaultServiceQuota": "Quotas/rules-per-bus",
	} {
		b.wire.deny(action)
		looked := map[string][]Line{}
		for want := range strings.FieldsSeq(checks) {
			group, check, _ := strings.Cut(want, "/")
			group = strings.Replace(group, "Security", "Security Hub", 1)
			if looked[group] == nil {
				looked[group] = b.look(group)
			}
			n := 0
			for _, l := range looked[group] {
				if l.Check == check && l.Status == Unknown && slices.Contains(l.Missing, action) && strings.Contains(l.Found, action+" is denied") {
					n++
				}
			}
			if n == 0 {
				t.Errorf("without %s, %s is not unknown:\n%s", action, check, told(looked[group]))
			}
		}
		for group, lines := range looked {
			if s := told(lines); strings.Contains(s, "secret-in-a-message") {
				t.Errorf("without %s, AWS's message is told of %s:\n%s", action, group, s)
			}
		}
	}
	d := b.open()
	b.wire.deny("*")
	r, err := d.Check(t.Context(), nil)
	ok(t, err)
	for _, l := range r.Lines {
		needsNone := l.Check == "caller" || l.Group == "Stack" || l.Group == "Not checked" || l.Check == "hub-action"
		if l.Status == OK && !needsNone {
			t.Errorf("with everything denied, %s is ok: %s", l.Check, l.Found)
		}
	}
}

// otherStacks: no stack, another name, before deploying.
func (b *bed) otherStacks(t *testing.T) {
	r := b.report(func(o *Options) { o.Stack = "other" })
	if l := r.lines("stack")[0]; l.Status != Failed || !strings.Contains(l.Found, "none named other in eu-west-1") || !strings.Contains(l.Note, "--preflight") {
		t.Errorf("another name: %+v", l)
	}
	for _, l := range r.Lines {
		c := Checks()[slices.IndexFunc(Checks(), func(c Check) bool { return c.ID == l.Check })]
		if c.Deployed != (l.Found == "there is no stack") || c.Deployed && l.Status != NotChecked {
			t.Errorf("without a stack, %s is %s: %s", l.Check, l.Status, l.Found)
		}
	}
	r = b.report(func(o *Options) { o.Stack, o.Preflight = "other", true })
	if n := r.Count(Failed); n != 0 {
		t.Errorf("before deploying, %d failed", n)
	}
	for _, check := range []string{"trail", "hub", "caller", "stack"} {
		if l := r.lines(check)[0]; l.Status != OK {
			t.Errorf("before deploying, %s is %s: %s", check, l.Status, l.Found)
		}
	}
}

// stackSet: where none has the default name, the one that a StackSet made is looked
// at, unless there are two, or somebody named one.
func (b *bed) stackSet(t *testing.T) {
	home := b.cfg.Region
	b.cfg.Region = "eu-central-1"
	defer func() { b.cfg.Region = home }()
	client := cloudformation.NewFromConfig(b.cfg, func(o *cloudformation.Options) { o.BaseEndpoint = aws.String(moto.Endpoint(b)) }) // not by the wire
	create := func(name string) {
		body := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}},"Outputs":{"` + OutVersion + `":{"Value":"v"},"` + OutMode + `":{"Value":"observe"}}}`
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &body})
		ok(t, err)
	}
	remove := func(name string) {
		_, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name})
		ok(t, err)
	}
	const one, two = "StackSet-sagemoat-0a1b2c3d-0000-1111-2222-0123456789ab", "StackSet-sagemoat-1a1b2c3d-0000-1111-2222-0123456789ab"
	stacks := func(status Status, found string, change ...func(*Options)) []Line {
		t.Helper()
		d := b.open(change...)
		lines := stackSubject().lines(d.session, judgeStack(d.session))
		is(t, "stack", lines[0], status, found)
		return lines
	}
	preflight := func(o *Options) { o.Preflight = true }
	named := func(name string) func(*Options) { return func(o *Options) { o.Stack = name } }
	for _, other := range []string{
		"StackSet-sagemoat-code-0a1b2c3d-0000-1111-2222-0123456789ab", "StackSet-other-0a1b2c3d-0000-1111-2222-0123456789ab", "StackSet-sagemoat-mine", "sagemoat-organization",
	} {
		create(other)
	}
	if l := stacks(Failed, "none named sagemoat in eu-central-1")[0]; !slices.Equal(l.Fix, []string{"make deploy"}) {
		t.Errorf("no stack: %+v", l)
	}
	stacks(OK, "none named sagemoat in eu-central-1", preflight)
	create(two)
	remove(two)
	create(one)
	if l := stacks(OK, one+": CREATE_COMPLETE, build v, mode observe")[1]; l.Status != Failed || strings.Contains(strings.Join(l.Fix, "\n"), "make deploy") || !strings.Contains(l.Fix[0], "sagemoat-organization") {
		t.Errorf("the stack of a StackSet is deployed by make: %+v", l)
	}
	stacks(OK, one+" is there (CREATE_COMPLETE), and is not looked at", preflight)
	stacks(OK, one+": CREATE_COMPLETE", named(one))
	stacks(Failed, "none named sagemoat in", named(DefaultStack))
	b.wire.deny(listing)
	for _, c := range [][]func(*Options){nil, {preflight}} {
		if l := stacks(Unknown, "none named sagemoat, and whether a StackSet made one is not known: cloudformation:ListStacks is denied", c...)[0]; !slices.Equal(l.Missing, []string{listing}) {
			t.Errorf("denied: %+v", l)
		}
	}
	stacks(Failed, "none named other in", named("other"))
	b.wire.deny()
	create(two)
	l := stacks(Unknown, one+" and "+two+": --stack says which is meant")
	if want := "sagemoat doctor --stack " + two + " --region eu-central-1"; len(l[0].Fix) != 2 || l[0].Fix[1] != want {
		t.Errorf("two: the fix is %q, want %q", l[0].Fix, want)
	}
	if l[1].Status != NotChecked || l[1].Found != "which stack is meant is not known" {
		t.Errorf("two: %+v", l[1])
	}
	if _, err := b.open().NewLive("arn:aws:iam::111122223333:role/r", time.Second); err == nil || !strings.Contains(err.Error(), two+": --stack says which is meant") {
		t.Errorf("two, live: %v", err)
	}
	if l := stacks(Unknown, "--stack says which is meant", preflight)[0]; !strings.Contains(l.Fix[0], "--stack "+one+" --preflight") {
		t.Errorf("two, before deploying: %+v", l)
	}
	create(DefaultStack)
	stacks(OK, "sagemoat: CREATE_COMPLETE")
}

// unsubscribe has nobody hear of the operations topic.
func (b *bed) unsubscribe() {
	client := sns.NewFromConfig(b.cfg)
	topic := outputs()[OutOperationsTopic]
	list, err := client.ListSubscriptionsByTopic(b.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	ok(b, err)
	for _, s := range list.Subscriptions {
		_, err := client.Unsubscribe(b.Context(), &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn})
		ok(b, err)
	}
}

func (b *bed) subscribe() {
	topic := outputs()[OutOperationsTopic]
	_, err := sns.NewFromConfig(b.cfg).Subscribe(b.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(b.arn("sqs", "somebody"))})
	ok(b, err)
}

// mapping is the id of a function's mapping.
func (b *bed) mapping(function string) string {
	a := listMappings(b.Context(), b.open().session, "sagemoat-"+function)
	ok(b, a.err)
	if len(a.value) != 1 {
		b.Fatalf("%s has %d mappings", function, len(a.value))
	}
	return a.value[0].UUID
}

func (b *bed) newMapping(function string) {
	t := describeTable(b.Context(), b.open().session)
	ok(b, t.err)
	b.rest("POST", "lambda", "/2015-03-31/event-source-mappings", inJSON(map[string]any{
		"FunctionName": "sagemoat-" + function, "EventSourceArn": *t.value.Table.LatestStreamArn, "StartingPosition": "LATEST",
		"FunctionResponseTypes": []string{"ReportBatchItemFailures"}, "FilterCriteria": map[string]any{"Filters": []any{map[string]string{"Pattern": streamFilter}}},
	}))
}
