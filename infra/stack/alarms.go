package stack

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/internal/telemetry"
)

// Alarm is something of which those who run sagemoat are told. docs/operations.md
// says of each what to do.
type Alarm struct {
	// Name is the alarm's name after the stack's: sagemoat-poison.
	Name string
	// Words say what happened.
	Words string

	namespace, metric, statistic string
	dimensions                   map[string]*string
	period, periods              float64 // in seconds, and how many of them
	threshold                    float64 // at least this much
	absent                       bool    // what counts is that there is no datum
}

// Metrics of sagemoat have the dimension function (package telemetry).
func (s *Stack) ours(metric telemetry.Metric, function string) (namespace, name string, dimensions map[string]*string) {
	return telemetry.Namespace, metric.String(), map[string]*string{"function": jsii.String(function)}
}

// allAlarms are the alarms of a stack.
func (s *Stack) allAlarms() (all []Alarm) {
	queue := func(name, words string, q interface{ AttrQueueName() *string }) {
		all = append(all, Alarm{
			Name: name, Words: words, namespace: "AWS/SQS", metric: "ApproximateNumberOfMessagesVisible", statistic: "Maximum",
			dimensions: map[string]*string{"QueueName": q.AttrQueueName()}, period: 60, periods: 1, threshold: 1,
		})
	}
	queue("dead-events", "Events that could not be delivered, or not be handled", s.eventLetters)
	queue("dead-streams", "Changes of the ledger, or invocations, that a function failed for until it gave up", s.streamLetters)
	queue("dead-findings", "Findings that Security Hub refuses for good", s.findingLetters)
	all = append(all, Alarm{
		Name: "late-events", Words: "The oldest event waits for more than a quarter of an hour", namespace: "AWS/SQS",
		metric: "ApproximateAgeOfOldestMessage", statistic: "Maximum", dimensions: map[string]*string{"QueueName": s.queue.AttrQueueName()},
		period: 60, periods: 3, threshold: 900,
	})
	for _, name := range []string{"audit", "publish", "respond", "sweep", "setup"} {
		dimensions := map[string]*string{"FunctionName": s.functions[name].Ref()}
		if name != "setup" { // whose failures fail the deployment
			errors, throttles := 2.0, 3.0
			if name == "sweep" { // which runs every 15 minutes, and is not tried again
				errors, throttles = 1, 1
			}
			all = append(all, Alarm{
				Name: name + "-errors", Words: "Invocations of " + name + " fail", namespace: "AWS/Lambda", metric: "Errors", statistic: "Sum",
				dimensions: dimensions, period: 300, periods: errors, threshold: 1,
			}, Alarm{
				Name: name + "-throttles", Words: "Invocations of " + name + " are throttled", namespace: "AWS/Lambda", metric: "Throttles", statistic: "Sum",
				dimensions: dimensions, period: 300, periods: throttles, threshold: 1,
			})
		}
		if name == "publish" || name == "respond" {
			all = append(all, Alarm{
				Name: name + "-late", Words: "Changes of the ledger wait for " + name + " for more than five minutes", namespace: "AWS/Lambda",
				metric: "IteratorAge", statistic: "Maximum", dimensions: dimensions, period: 60, periods: 5, threshold: 300_000,
			})
		}
	}
	count := func(name, words string, metric telemetry.Metric, function string) {
		a := Alarm{Name: name, Words: words, statistic: "Sum", period: 300, periods: 1, threshold: 1}
		a.namespace, a.metric, a.dimensions = s.ours(metric, function)
		all = append(all, a)
	}
	count("poison", "Events that cannot be read and never will be", telemetry.Poison, "audit")
	count("missed-events", "The sweep found what no event told of", telemetry.MissedEvents, "audit")
	count("hub-off", "Security Hub refuses findings: it is not enabled", telemetry.HubOff, "publish")
	count("import-failed", "Security Hub refuses single findings", telemetry.ImportFailed, "publish")
	count("breaker-open", "More was to be stopped than the budget allows: nothing is stopped until somebody resets the breaker", telemetry.BreakerOpen, "respond")
	for _, name := range []string{"audit", "respond", "sweep"} {
		count("rules-stale-"+name, "The rules file cannot be read by "+name+": the last good rules are in force, and nothing is stopped by them", telemetry.RulesStale, name)
	}
	all = append(all, func() Alarm {
		a := Alarm{Name: "sweep-skips", Words: "A kind of resource could not be listed for two hours: what events miss of it is not found", statistic: "Sum", period: 900, periods: 8, threshold: 1}
		a.namespace, a.metric, a.dimensions = s.ours(telemetry.Retried, "sweep")
		return a
	}())
	heartbeat := func(name string, period, periods float64) {
		a := Alarm{Name: name + "-silent", Words: "The function " + name + " did not run to its end for too long", statistic: "Sum", period: period, periods: periods, absent: true}
		a.namespace, a.metric, a.dimensions = s.ours(telemetry.Heartbeat, name)
		all = append(all, a)
	}
	heartbeat("sweep", 900, 4)
	heartbeat("respond", 60, 10)
	heartbeat("publish", 86_400, 2)
	return append(all, Alarm{
		Name: "undelivered", Words: "EventBridge Scheduler could not invoke a function", namespace: "AWS/Scheduler", metric: "InvocationDroppedCount", statistic: "Sum",
		dimensions: map[string]*string{"ScheduleGroup": jsii.String(Name)}, period: 300, periods: 1, threshold: 1,
	})
}

// alarms makes the alarms; each tells the topic of operations, of its end too.
func (s *Stack) alarms() {
	for _, a := range s.allAlarms() {
		props := &awscloudwatch.CfnAlarmProps{
			AlarmName: named(a.Name), AlarmDescription: jsii.String(a.Words + ". What to do: docs/operations.md, " + a.Name + "."),
			Namespace: jsii.String(a.namespace), MetricName: jsii.String(a.metric), Statistic: jsii.String(a.statistic), Dimensions: dimensions(a.dimensions),
			Period: jsii.Number(a.period), EvaluationPeriods: jsii.Number(a.periods), Threshold: jsii.Number(a.threshold),
			ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"), TreatMissingData: jsii.String("notBreaching"),
			AlarmActions: &[]any{s.operations.Ref()}, OkActions: &[]any{s.operations.Ref()},
		}
		if a.absent {
			props.ComparisonOperator, props.Threshold = jsii.String("LessThanThreshold"), jsii.Number(1)
			props.TreatMissingData = jsii.String("breaching")
		}
		awscloudwatch.NewCfnAlarm(s.scope, jsii.String(id(a.Name)+"Alarm"), props)
	}
}

func dimensions(by map[string]*string) *[]any {
	var out []any
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: by[name]})
	}
	return &out
}
