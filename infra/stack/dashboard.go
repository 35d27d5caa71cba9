package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/internal/telemetry"
)

// The size of a widget: four in a row of CloudWatch's 24 columns.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
const (
	widgetWidth, widgetHeight = 6, 6
	columns                   = 24
)

// dashboard makes a dashboard: alarms first, then what is judged, told and done,
// then how the functions are.
func (s *Stack) dashboard() {
	var alarms []any
	for _, a := range s.allAlarms() {
		alarms = append(alarms, *arn("cloudwatch", "alarm:"+*named(a.Name)))
	}
	widgets := []any{map[string]any{
		"type": "alarm", "x": 0, "y": 0, "width": columns, "height": 6,
		"properties": map[string]any{"title": "Alarms: docs/operations.md says what to do at each", "alarms": alarms},
	}}
	n := 0
	graph := func(title, statistic string, series ...[]any) {
		widgets = append(widgets, map[string]any{
			"type": "metric", "x": n * widgetWidth % columns, "y": 6 + n*widgetWidth/columns*widgetHeight, "width": widgetWidth, "height": widgetHeight,
			"properties": map[string]any{
				"title": title, "stat": statistic, "period": 300, "region": awscdk.Aws_REGION(), "view": "timeSeries", "metrics": series,
			},
		})
		n++
	}
	ours := func(function string, metrics ...telemetry.Metric) (out [][]any) {
		for _, m := range metrics {
			out = append(out, []any{telemetry.Namespace, m.String(), "function", function})
		}
		return out
	}
	lambda := func(metric string, names ...string) (out [][]any) {
		for _, name := range names {
			out = append(out, []any{"AWS/Lambda", metric, "FunctionName", *s.functions[name].Ref(), map[string]any{"label": name}})
		}
		return out
	}
	graph("Judged", "Sum", ours("audit", telemetry.Judged, telemetry.Failed, telemetry.Warned)...)
	graph("Calls that a policy denied", "Sum", ours("audit", telemetry.Prevented)...)
	graph("Alerts and stops", "Sum", ours("respond", telemetry.Alerts, telemetry.Stops, telemetry.StopsRefused, telemetry.BreakerOpen)...)
	graph("Findings", "Sum", ours("publish", telemetry.Imported, telemetry.ImportFailed, telemetry.HubOff)...)
	graph("Missed events", "Sum", ours("audit", telemetry.MissedEvents)...)
	graph("Seconds without events", "Maximum", ours("sweep", telemetry.BlindSeconds)...)
	graph("Oldest event, in seconds", "Maximum", []any{"AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", *s.queue.AttrQueueName()})
	graph("Age of what the stream's readers read", "Maximum", lambda("IteratorAge", "publish", "respond")...)
	graph("Duration", "p99", lambda("Duration", "audit", "publish", "respond", "sweep")...)
	graph("Invocations", "Sum", lambda("Invocations", "audit", "publish", "respond", "sweep")...)
	graph("Errors", "Sum", lambda("Errors", "audit", "publish", "respond", "sweep")...)
	graph("Events that cannot be read, or wait", "Sum", append(ours("audit", telemetry.Poison, telemetry.Retried), ours("publish", telemetry.Retried)...)...)
	awscloudwatch.NewCfnDashboard(s.scope, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: awscdk.Fn_Sub(named("${AWS::Region}"), nil),
		DashboardBody: s.scope.ToJsonString(map[string]any{"widgets": widgets}, nil),
	})
}
