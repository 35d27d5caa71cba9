package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// The two windows of metrics, and how finely they are read. CloudWatch keeps
// values of five minutes for 63 days.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
const (
	lately        = 26 * time.Hour
	fine          = 5 * time.Minute
	arrivedWithin = 14 * 24 * time.Hour
	coarse        = time.Hour
)

// series is what is asked of CloudWatch.
type series struct{ namespace, name, dimension, value, stat string }

// point is a value of a metric, and the time at which its period begins.
type point struct {
	at    time.Time
	value float64
}

// metrics are those of the stack.
type metrics struct {
	recent, long answer[map[series][]point]
}

// own is a metric of ours.
func own(m telemetry.Metric, function string) series {
	return series{telemetry.Namespace, m.String(), "function", function, "Sum"}
}

func queueAge(name string) series {
	return series{"AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, "Maximum"}
}

func matched(rule string) series {
	return series{"AWS/Events", "MatchedEvents", "RuleName", rule, "Sum"}
}

// readMetrics reads all of them: two calls.
func readMetrics(ctx context.Context, x *session) *metrics {
	if x.stack == nil {
		return &metrics{}
	}
	var recent, long []series
	for _, f := range functions() {
		recent = append(recent, own(telemetry.Heartbeat, f.name), own(telemetry.RulesStale, f.name))
	}
	for _, m := range []telemetry.Metric{telemetry.Imported, telemetry.ImportFailed, telemetry.HubOff} {
		recent = append(recent, own(m, "publish"))
	}
	recent = append(recent, queueAge(lastOf(x.stack.out(OutQueue))))
	for _, name := range x.stack.rules() {
		long = append(long, matched(name))
	}
	return &metrics{
		recent: x.metricData(ctx, recent, lately, fine),
		long:   x.metricData(ctx, long, arrivedWithin, coarse),
	}
}

// lastOf is what follows the last slash: the name of a queue in its URL.
func lastOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// metricData asks for all of them, a page of answers after the other. Times are
// seconds since 1970.
func (x *session) metricData(ctx context.Context, all []series, window, period time.Duration) answer[map[series][]point] {
	type m = map[string]any
	var queries []any
	for i, s := range all {
		queries = append(queries, m{"Id": fmt.Sprintf("m%d", i), "MetricStat": m{
			"Metric": m{"Namespace": s.namespace, "MetricName": s.name, "Dimensions": []any{m{"Name": s.dimension, "Value": s.value}}},
			"Period": int(period / time.Second), "Stat": s.stat,
		}})
	}
	end := x.Now().UTC().Truncate(fine).Add(fine)
	in := m{"MetricDataQueries": queries, "StartTime": end.Add(-window).Unix(), "EndTime": end.Unix()}
	out := map[series][]point{}
	for {
		a := ask[metricPage](ctx, x.json, awsjson.CloudWatch(), "GetMetricData", in)
		a.action = "cloudwatch:GetMetricData"
		for _, r := range a.value.MetricDataResults {
			var i int
			if _, err := fmt.Sscanf(r.ID, "m%d", &i); err != nil || i < 0 || i >= len(all) {
				continue
			}
			for n := range min(len(r.Timestamps), len(r.Values)) {
				out[all[i]] = append(out[all[i]], point{time.UnixMilli(int64(r.Timestamps[n] * 1000)).UTC(), r.Values[n]})
			}
		}
		if !a.got || a.value.NextToken == "" {
			return then(a, func(metricPage) map[series][]point { return out })
		}
		in["NextToken"] = a.value.NextToken
	}
}

// metricPage is what GetMetricData tells.
type metricPage struct {
	MetricDataResults []struct {
		ID         string `json:"Id"`
		Timestamps []float64
		Values     []float64
	}
	NextToken string
}

// sum is the sum of a metric since a time. It has no value where nothing happened.
func sum(points []point, since time.Time) (total float64) {
	for _, p := range points {
		if !p.at.Add(fine).Before(since) {
			total += p.value
		}
	}
	return total
}

// newest is the time of the newest value above zero; zero where there is none.
func newest(points []point) (at time.Time) {
	for _, p := range points {
		if p.value > 0 && p.at.After(at) {
			at = p.at
		}
	}
	return at
}

// arrived is the hour in which the rules for recorded calls last matched one in the
// long window; zero where they did not.
func (m *metrics) arrived(ctx context.Context, x *session) answer[time.Time] {
	rules := x.rules(ctx)
	if !rules.got {
		return answer[time.Time]{err: rules.err, action: rules.action}
	}
	return then(m.long, func(all map[series][]point) (last time.Time) {
		for _, r := range rules.value {
			if !slices.Contains(x.stack.rules(), r.Name) || !r.ofCalls() {
				continue
			}
			if at := newest(all[matched(r.Name)]); at.After(last) {
				last = at
			}
		}
		return last
	})
}

// days writes a time in days.
func days(d time.Duration) string { return fmt.Sprintf("%.0f days", d.Hours()/24) }

// ago writes how long ago something was, for people.
func ago(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return days(d)
}
