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
		ResponseElements  map[string][]any `json:"responseElements,omitempty"`
	} `json:"detail"`
}

// Tampering returns the rules that tell of calls which blind sagemoat, or change
// what it does: whoever runs it should know of each, planned or not. Calls that
// AWS refused changed nothing. A call on a thing is told of where the thing is ours;
// trails and Security Hub are the account's.
//
// Changes of the roles are not among them: IAM is global, and its events are in
// us-east-1 alone. Nor are changes of a trail whose home is in another Region.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
//
// CloudTrail writes the members of a request with a small first letter, or as the
// service's API has them. Which of these EventBridge Scheduler does is not
// documented: for its calls there is a rule of each.
func Tampering(d Deployed) []Rule {
	begins := startsWith(d.Prefix)
	var rules []Rule
	add := func(name, words, service string, operations []any, request, response map[string][]any) {
		var p calledPattern
		p.Source, p.DetailType = []string{"aws." + service}, []string{detailCall}
		p.Detail.EventName, p.Detail.RequestParameters, p.Detail.ResponseElements = operations, request, response
		p.Detail.ErrorCode = []any{map[string]bool{"exists": false}}
		b, err := json.Marshal(p)
		if err != nil {
			panic(err) // strings, and maps of strings and booleans
		}
		rules = append(rules, Rule{Name: "tampering-" + name, Words: words, Pattern: b})
	}
	of := func(name, words, service string, operations []any, member string, is ...any) {
		add(name, words, service, operations, map[string][]any{member: is}, nil)
	}
	of("rules", "Changes of our own event rules", "events", []any{"DisableRule", "DeleteRule", "PutRule"}, "name", begins)
	of("targets", "Changes of what our event rules wake", "events", []any{"RemoveTargets", "PutTargets"}, "rule", begins)
	// Lambda's event names end in the version of its API, and a function may be
	// named by its ARN. https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
	of("functions", "Changes of our functions", "lambda",
		[]any{startsWith("Update"), startsWith("Delete"), startsWith("Put"), startsWith("AddPermission"), startsWith("RemovePermission")},
		"functionName", begins, wildcard("*:function:"+d.Prefix+"*"))
	// An event source is named by an id that is nowhere else; the answer names the function.
	// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
	add("sources", "Changes of what our functions read", "lambda", []any{startsWith("UpdateEventSourceMapping"), startsWith("DeleteEventSourceMapping")},
		nil, map[string][]any{"functionArn": {wildcard("*:function:" + d.Prefix + "*")}})
	of("queues", "Changes of our queues", "sqs", []any{"PurgeQueue", "SetQueueAttributes", "DeleteQueue", "AddPermission", "RemovePermission"}, "queueUrl", values(d.Queues)...)
	of("topics", "Changes of our topics", "sns", []any{"DeleteTopic", "SetTopicAttributes", "AddPermission", "RemovePermission"}, "topicArn", values(d.Topics)...)
	// https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html
	var subscriptions []any
	for _, t := range d.Topics {
		subscriptions = append(subscriptions, startsWith(t+":"))
	}
	of("subscriptions", "Subscribers of our topics that are taken away or told less", "sns", []any{"Unsubscribe", "SetSubscriptionAttributes"}, "subscriptionArn", subscriptions...)
	// A table may be named by its ARN, and is for its policy.
	of("ledger", "Changes of the ledger's table", "dynamodb", []any{"DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups"},
		"tableName", d.Table, endsIn(":table/"+d.Table))
	of("ledger-policy", "Changes of who may use the ledger", "dynamodb", []any{"PutResourcePolicy", "DeleteResourcePolicy"},
		"resourceArn", endsIn(":table/"+d.Table), wildcard("*:table/"+d.Table+"/*"))
	of("schedules", "Changes of our schedules", "scheduler", []any{"UpdateSchedule", "DeleteSchedule"}, "groupName", d.Schedules)
	of("schedules-2", "Changes of our schedules", "scheduler", []any{"UpdateSchedule", "DeleteSchedule"}, "GroupName", d.Schedules)
	of("groups", "The group of our schedules deleted", "scheduler", []any{"DeleteScheduleGroup"}, "name", d.Schedules)
	of("groups-2", "The group of our schedules deleted", "scheduler", []any{"DeleteScheduleGroup"}, "Name", d.Schedules)
	of("alarms", "Alarms of ours that are taken away or silenced", "monitoring", []any{"DeleteAlarms", "DisableAlarmActions"}, "alarmNames", begins)
	of("alarm", "Changes of our alarms, or of their state by hand", "monitoring", []any{"PutMetricAlarm", "SetAlarmState"}, "alarmName", begins)
	of("logs", "Logs of our functions that are deleted or kept for less", "logs", []any{"DeleteLogGroup", "DeleteLogStream", "PutRetentionPolicy", "DeleteRetentionPolicy"},
		"logGroupName", startsWith("/aws/lambda/"+d.Prefix))
	add("trail", "Trails that are stopped or changed: without one, there are no events", "cloudtrail", []any{"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"}, nil, nil)
	add("hub", "Security Hub switched off, or a custom action deleted", "securityhub", []any{"DisableSecurityHub", "DeleteActionTarget"}, nil, nil)
	if d.Bucket != "" {
		of("bucket", "Changes of the rules file's bucket", "s3", []any{startsWith("PutBucket"), startsWith("DeleteBucket")}, "bucketName", d.Bucket)
	}
	return rules
}

func startsWith(text string) map[string]string { return map[string]string{"prefix": text} }

func endsIn(text string) map[string]string { return map[string]string{"suffix": text} }

func wildcard(text string) map[string]string { return map[string]string{"wildcard": text} }

func values(texts []string) (out []any) {
	for _, t := range texts {
		out = append(out, t)
	}
	return out
}
