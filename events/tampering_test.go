package events

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/internal/oracle/eventruler"
)

const (
	sqsAt   = "https://sqs.eu-west-1.amazonaws.com/111122223333/"
	snsAt   = "arn:aws:sns:eu-west-1:111122223333:"
	tableAt = "arn:aws:dynamodb:eu-west-1:111122223333:table/"
	lambda  = "arn:aws:lambda:eu-west-1:111122223333:function:"
	// What CloudFormation calls what has no name of ours.
	queueName, letterName = "sagemoat-EventQueue-3FQ1S0VXKCV2", "sagemoat-EventDeadLetterQueue-9bXxC2mKqYw1"
	tableName, bucketName = "sagemoat-Ledger-1T9QK7Y3ZV0AB", "sagemoat-rulesfilebucket-q2w3e4r5t6y7"
)

var ours = Deployed{
	Prefix: "sagemoat-", Queues: []string{sqsAt + queueName, sqsAt + letterName}, Topics: []string{snsAt + "sagemoat-alerts", snsAt + "sagemoat-operations"},
	Table: tableName, Schedules: "sagemoat", Bucket: bucketName,
}

// change is a call that changes something of ours, and the same call on something of
// somebody else's: the request that CloudTrail records, or the answer.
type change struct {
	rule, service, name, mine, theirs string
	answers                           bool // mine and theirs are of the answer
}

// changes are calls as CloudTrail records them. Of PutRule, UpdateFunctionCode,
// PutMetricAlarm, DeleteTable, PutBucketPolicy, SetQueueAttributes, Unsubscribe and
// StopLogging records are published; the members of the others follow the same rule.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
var changes = []change{
	{rule: "rules", service: "events", name: "DisableRule", mine: `{"name":"sagemoat-calls"}`, theirs: `{"name":"nightly-sagemoat-calls"}`},
	{rule: "rules", service: "events", name: "DeleteRule", mine: `{"name":"sagemoat-tampering-rules","force":false}`, theirs: `{"name":"sagemoa","force":false}`},
	{rule: "rules", service: "events", name: "PutRule", mine: `{"name":"sagemoat-calls","eventPattern":"{\"source\":[\"aws.ec2\"]}","state":"ENABLED"}`, theirs: `{"name":"calls","state":"DISABLED"}`},
	{rule: "targets", service: "events", name: "RemoveTargets", mine: `{"rule":"sagemoat-calls","ids":["target"]}`, theirs: `{"rule":"other","ids":["sagemoat-"]}`},
	{rule: "targets", service: "events", name: "PutTargets", mine: `{"rule":"sagemoat-hints","targets":[{"id":"target","arn":"arn:aws:sqs:eu-west-1:444455556666:elsewhere"}]}`, theirs: `{"rule":"other","targets":[{"id":"1","arn":"` + lambda + `sagemoat-audit"}]}`},
	{rule: "functions", service: "lambda", name: "UpdateFunctionCode20150331v2", mine: `{"functionName":"` + lambda + `sagemoat-audit","publish":false,"dryRun":false}`, theirs: `{"functionName":"` + lambda + `my-sagemoat-audit"}`},
	{rule: "functions", service: "lambda", name: "UpdateFunctionConfiguration20150331v2", mine: `{"functionName":"sagemoat-respond","timeout":3}`, theirs: `{"functionName":"respond","timeout":3}`},
	{rule: "functions", service: "lambda", name: "PutFunctionConcurrency20171031", mine: `{"functionName":"111122223333:function:sagemoat-audit","reservedConcurrentExecutions":0}`, theirs: `{"functionName":"111122223333:function:other","reservedConcurrentExecutions":0}`},
	{rule: "functions", service: "lambda", name: "DeleteFunctionConcurrency20171031", mine: `{"functionName":"sagemoat-sweep"}`, theirs: `{"functionName":"sweep"}`},
	{rule: "functions", service: "lambda", name: "DeleteFunction20150331", mine: `{"functionName":"sagemoat-publish:1"}`, theirs: `{"functionName":"publish"}`},
	{rule: "functions", service: "lambda", name: "AddPermission20150331v2", mine: `{"functionName":"sagemoat-respond","statementId":"x","action":"lambda:InvokeFunction","principal":"*"}`, theirs: `{"functionName":"other","principal":"*"}`},
	{rule: "functions", service: "lambda", name: "PutFunctionEventInvokeConfig", mine: `{"functionName":"sagemoat-publish","maximumRetryAttempts":0}`, theirs: `{"functionName":"other"}`},
	{rule: "sources", service: "lambda", name: "UpdateEventSourceMapping20150331", mine: `{"uUID":"0b1a2c3d-0000-4000-8000-000000000001","functionArn":"` + lambda + `sagemoat-audit","state":"Disabling"}`, theirs: `{"functionArn":"` + lambda + `other"}`, answers: true},
	{rule: "sources", service: "lambda", name: "DeleteEventSourceMapping20150331", mine: `{"functionArn":"` + lambda + `sagemoat-respond","state":"Deleting"}`, theirs: `{"functionArn":"` + lambda + `audit"}`, answers: true},
	{rule: "queues", service: "sqs", name: "PurgeQueue", mine: `{"queueUrl":"` + sqsAt + queueName + `"}`, theirs: `{"queueUrl":"` + sqsAt + `EventQueue"}`},
	{rule: "queues", service: "sqs", name: "SetQueueAttributes", mine: `{"queueUrl":"` + sqsAt + letterName + `","attributes":{"Policy":""}}`, theirs: `{"queueUrl":"` + sqsAt + queueName + `2","attributes":{"Policy":""}}`},
	{rule: "queues", service: "sqs", name: "DeleteQueue", mine: `{"queueUrl":"` + sqsAt + queueName + `"}`, theirs: `{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/` + queueName + `"}`},
	{rule: "topics", service: "sns", name: "SetTopicAttributes", mine: `{"topicArn":"` + snsAt + `sagemoat-operations","attributeName":"Policy","attributeValue":"{}"}`, theirs: `{"topicArn":"` + snsAt + `operations"}`},
	{rule: "topics", service: "sns", name: "DeleteTopic", mine: `{"topicArn":"` + snsAt + `sagemoat-alerts"}`, theirs: `{"topicArn":"` + snsAt + `sagemoat-alerts-2"}`},
	{rule: "subscriptions", service: "sns", name: "Unsubscribe", mine: `{"subscriptionArn":"` + snsAt + `sagemoat-operations:c3019def-3714-403e-ba29-eb14079d5c69"}`, theirs: `{"subscriptionArn":"` + snsAt + `sagemoat-operations-2:c3019def-3714-403e-ba29-eb14079d5c69"}`},
	{rule: "subscriptions", service: "sns", name: "SetSubscriptionAttributes", mine: `{"subscriptionArn":"` + snsAt + `sagemoat-alerts:c3019def-3714-403e-ba29-eb14079d5c69","attributeName":"FilterPolicy"}`, theirs: `{"subscriptionArn":"` + snsAt + `alerts:c3019def-3714-403e-ba29-eb14079d5c69"}`},
	{rule: "ledger", service: "dynamodb", name: "DeleteTable", mine: `{"tableName":"` + tableName + `"}`, theirs: `{"tableName":"Ledger"}`},
	{rule: "ledger", service: "dynamodb", name: "UpdateTable", mine: `{"tableName":"` + tableAt + tableName + `","deletionProtectionEnabled":false}`, theirs: `{"tableName":"` + tableAt + tableName + `2","deletionProtectionEnabled":false}`},
	{rule: "ledger", service: "dynamodb", name: "UpdateContinuousBackups", mine: `{"tableName":"` + tableName + `","pointInTimeRecoverySpecification":{"pointInTimeRecoveryEnabled":false}}`, theirs: `{"tableName":"orders"}`},
	{rule: "ledger-policy", service: "dynamodb", name: "PutResourcePolicy", mine: `{"resourceArn":"` + tableAt + tableName + `","policy":"{}"}`, theirs: `{"resourceArn":"` + tableAt + `orders","policy":"{}"}`},
	{rule: "ledger-policy", service: "dynamodb", name: "PutResourcePolicy", mine: `{"resourceArn":"` + tableAt + tableName + `/stream/2026-11-02T09:14:07.000","policy":"{}"}`, theirs: `{"resourceArn":"` + tableAt + `orders/stream/2026-11-02T09:14:07.000","policy":"{}"}`},
	{rule: "schedules", service: "scheduler", name: "DeleteSchedule", mine: `{"name":"sweep","groupName":"sagemoat","clientToken":"x"}`, theirs: `{"name":"sweep","groupName":"default"}`},
	{rule: "schedules-2", service: "scheduler", name: "UpdateSchedule", mine: `{"Name":"sweep","GroupName":"sagemoat","State":"DISABLED"}`, theirs: `{"Name":"sagemoat","GroupName":"default"}`},
	{rule: "groups", service: "scheduler", name: "DeleteScheduleGroup", mine: `{"name":"sagemoat"}`, theirs: `{"name":"sagemoat-2"}`},
	{rule: "groups-2", service: "scheduler", name: "DeleteScheduleGroup", mine: `{"Name":"sagemoat"}`, theirs: `{"Name":"other"}`},
	{rule: "alarms", service: "monitoring", name: "DeleteAlarms", mine: `{"alarmNames":["other","sagemoat-poison"]}`, theirs: `{"alarmNames":["other","not-sagemoat-poison"]}`},
	{rule: "alarms", service: "monitoring", name: "DisableAlarmActions", mine: `{"alarmNames":["sagemoat-sweep-silent"]}`, theirs: `{"alarmNames":["other"]}`},
	{rule: "alarm", service: "monitoring", name: "PutMetricAlarm", mine: `{"alarmName":"sagemoat-poison","threshold":1000000.0,"evaluationPeriods":1}`, theirs: `{"alarmName":"poison","threshold":1.0}`},
	{rule: "alarm", service: "monitoring", name: "SetAlarmState", mine: `{"alarmName":"sagemoat-hub-off","stateValue":"OK","stateReason":"x"}`, theirs: `{"alarmName":"hub-off","stateValue":"OK"}`},
	{rule: "logs", service: "logs", name: "DeleteLogGroup", mine: `{"logGroupName":"/aws/lambda/sagemoat-audit"}`, theirs: `{"logGroupName":"/aws/lambda/audit"}`},
	{rule: "logs", service: "logs", name: "PutRetentionPolicy", mine: `{"logGroupName":"/aws/lambda/sagemoat-audit","retentionInDays":1}`, theirs: `{"logGroupName":"sagemoat-audit","retentionInDays":1}`},
	{rule: "trail", service: "cloudtrail", name: "StopLogging", mine: `{"name":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization"}`},
	{rule: "trail", service: "cloudtrail", name: "PutEventSelectors", mine: `{"trailName":"organization","eventSelectors":[{"readWriteType":"ReadOnly"}]}`},
	{rule: "hub", service: "securityhub", name: "DisableSecurityHub", mine: `null`},
	{rule: "hub", service: "securityhub", name: "DeleteActionTarget", mine: `{"ActionTargetArn":"arn:aws:securityhub:eu-west-1:111122223333:action/custom/SagemoatStop"}`},
	{rule: "bucket", service: "s3", name: "PutBucketPolicy", mine: `{"bucketName":"` + bucketName + `","Host":"x.s3.eu-west-1.amazonaws.com","policy":""}`, theirs: `{"bucketName":"` + bucketName + `-2"}`},
	{rule: "bucket", service: "s3", name: "DeleteBucketPolicy", mine: `{"bucketName":"` + bucketName + `"}`, theirs: `{"bucketName":"rules"}`},
	{rule: "bucket", service: "s3", name: "PutBucketVersioning", mine: `{"bucketName":"` + bucketName + `","VersioningConfiguration":{"Status":"Suspended"}}`, theirs: `{"bucketName":"other"}`},
}

// record is an event of EventBridge about a call.
func (c change) record(service, parameters, more string) string {
	member := `"requestParameters":`
	if c.answers {
		member = `"requestParameters":{"uUID":"0b1a2c3d-0000-4000-8000-000000000001"},"responseElements":`
	}
	return called("aws."+service, service+".amazonaws.com", detailCall, c.name, ","+member+parameters+more)
}

// TestTampering: each call on a thing of ours wakes its rule and no other; the same
// call wakes none where the thing is somebody else's, where AWS refused it, or where
// it is a read. AWS's own matcher agrees.
func TestTampering(t *testing.T) {
	rules := Tampering(ours)
	var matchers []*pattern.Pattern
	for _, r := range rules {
		p, err := pattern.Compile(r.Pattern)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		matchers = append(matchers, p)
	}
	woke := map[string]bool{}
	var pairs []eventruler.Pair
	var answers []bool
	check := func(event, want string) {
		t.Helper()
		for i, m := range matchers {
			is := m.Match([]byte(event))
			if is != (rules[i].Name == want) {
				t.Errorf("%s\nwakes %s: %v, want it to wake %q", event, rules[i].Name, is, want)
			}
			if is {
				woke[rules[i].Name] = true
			}
			pairs, answers = append(pairs, eventruler.Pair{Pattern: string(rules[i].Pattern), Event: event}), append(answers, is)
		}
	}
	for _, c := range changes {
		check(c.record(c.service, c.mine, ""), "tampering-"+c.rule)
		check(c.record(c.service, c.mine, `,"errorCode":"AccessDenied"`), "")
		check(c.record("ec2", c.mine, ""), "")
		if c.theirs != "" {
			check(c.record(c.service, c.theirs, ""), "")
		}
		read := c
		read.name = "Describe" + c.name
		check(read.record(c.service, c.mine, ""), "")
	}
	got, err := eventruler.Ask(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got {
		if a.Refused != "" || a.Match != answers[i] {
			t.Errorf("event-ruler says %+v, we say %v\n%s\n%s", a, answers[i], pairs[i].Pattern, pairs[i].Event)
		}
	}
	for _, r := range rules {
		if !woke[r.Name] {
			t.Errorf("no change wakes %s", r.Name)
		}
	}
}

// TestTamperingFits: the patterns fit into rules, and the names into names, with the
// longest names that there are.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func TestTamperingFits(t *testing.T) {
	const stack = "sagemoat-of-the-platform-team-12345678"
	long := Deployed{Prefix: stack + "-", Table: strings.Repeat("t", 255), Schedules: stack, Bucket: strings.Repeat("b", 63)}
	for range 4 {
		long.Queues = append(long.Queues, "https://sqs.ap-southeast-1.amazonaws.com/111122223333/"+strings.Repeat("q", 80))
	}
	for range 2 {
		long.Topics = append(long.Topics, "arn:aws-us-gov:sns:us-gov-west-1:111122223333:"+stack+"-operations")
	}
	names := map[string]bool{}
	for _, r := range Tampering(long) {
		if n := len(r.Pattern); n > pattern.MaxSize {
			t.Errorf("%s has %d characters, EventBridge takes %d", r.Name, n, pattern.MaxSize)
		}
		if n := len(long.Prefix + r.Name); n > 64 {
			t.Errorf("%s%s has %d characters, EventBridge takes 64", long.Prefix, r.Name, n)
		}
		if names[r.Name] || r.Words == "" {
			t.Errorf("%s is there twice, or has no words", r.Name)
		}
		names[r.Name] = true
	}
	without := ours
	without.Bucket = ""
	if slices.ContainsFunc(Tampering(without), func(r Rule) bool { return r.Name == "tampering-bucket" }) {
		t.Error("a bucket that is not there is watched")
	}
}
