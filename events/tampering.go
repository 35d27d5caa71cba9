package events

import (
	"encoding/json"
)

// Deployed names what of ours is deployed, as CloudTrail names it in the calls that
// change it.
type Deployed struct {
	// Prefix begins the names of rules, functions and alarms: "sagemoat-".
	Prefix string
	// Queues are URLs, Topics are ARNs.
	Queues, Topics []string
	// Table, Bucket and Schedules (a group) are names; Bucket may be empty.
	Table, Bucket, Schedules string
}

// calledPattern is an event pattern for calls of one service, as CloudTrail records
// them.
type calledPattern struct {
	Source     []string `json:"source"`
	DetailType []string `json:"detail-type"`
	Detail     struct {
		EventName         []any            `json:"eventName"`
		ErrorCode         []any            `json:"errorCode"`
		RequestParameters map[string][]any `json:"requestParameters,omitempty"`
	} `json:"detail"`
}

// Tampering returns the rules that tell of calls which blind sagemoat, or change
// what it does: whoever runs it should know of each, planned or not. Calls that
// AWS refused changed nothing.
//
// Changes of the roles are not among them: IAM is global, and its events are in
// us-east-1 alone.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
func Tampering(d Deployed) []Rule {
	begins := map[string]string{"prefix": d.Prefix}
	var rules []Rule
	add := func(name, words, service string, operations []any, parameters map[string][]any) {
		var p calledPattern
		p.Source, p.DetailType = []string{"aws." + service}, []string{detailCall}
		p.Detail.EventName, p.Detail.RequestParameters = operations, parameters
		p.Detail.ErrorCode = []any{map[string]bool{"exists": false}}
		b, err := json.Marshal(p)
		if err != nil {
			panic(err) // strings, and maps of strings and booleans
		}
		rules = append(rules, Rule{Name: "tampering-" + name, Words: words, Pattern: b})
	}
	add("rules", "Changes of our own event rules", "events", []any{"DisableRule", "DeleteRule", "PutRule"}, map[string][]any{"name": {begins}})
	add("targets", "Changes of what our event rules wake", "events", []any{"RemoveTargets", "PutTargets"}, map[string][]any{"rule": {begins}})
	// Lambda's event names end in the version of its API, and a function may be
	// named by its ARN. https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
	add("functions", "Changes of our functions", "lambda",
		[]any{startsWith("Update"), startsWith("Delete"), startsWith("Put"), startsWith("AddPermission"), startsWith("RemovePermission")},
		map[string][]any{"functionName": {begins, map[string]string{"wildcard": "*:function:" + d.Prefix + "*"}}})
	add("queues", "Changes of our queues", "sqs", []any{"PurgeQueue", "SetQueueAttributes", "DeleteQueue", "AddPermission", "RemovePermission"}, map[string][]any{"queueUrl": values(d.Queues)})
	add("topics", "Changes of our topics", "sns", []any{"DeleteTopic", "SetTopicAttributes", "AddPermission", "RemovePermission"}, map[string][]any{"topicArn": values(d.Topics)})
	// A table may be named by its ARN.
	add("ledger", "Changes of the ledger's table", "dynamodb",
		[]any{"DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "PutResourcePolicy", "DeleteResourcePolicy"},
		map[string][]any{"tableName": {d.Table, map[string]string{"suffix": ":table/" + d.Table}}})
	add("schedules", "Changes of our schedules", "scheduler", []any{"UpdateSchedule", "DeleteSchedule"}, map[string][]any{"groupName": {d.Schedules}})
	add("alarms", "Alarms of ours that are taken away or silenced", "monitoring", []any{"DeleteAlarms", "DisableAlarmActions"}, map[string][]any{"alarmNames": {begins}})
	add("trail", "Trails that are stopped or changed: without one, there are no events", "cloudtrail", []any{"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"}, nil)
	add("hub", "Security Hub switched off, or our custom action deleted", "securityhub", []any{"DisableSecurityHub", "DeleteActionTarget"}, nil)
	if d.Bucket != "" {
		add("bucket", "Changes of the rules file's bucket", "s3", []any{startsWith("PutBucket"), startsWith("DeleteBucket")}, map[string][]any{"bucketName": {d.Bucket}})
	}
	return rules
}

func startsWith(text string) map[string]string { return map[string]string{"prefix": text} }

func values(texts []string) (out []any) {
	for _, t := range texts {
		out = append(out, t)
	}
	return out
}
