package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

// Namespace is where CloudWatch keeps the metrics.
const Namespace = "sagemoat"

// Metric is the name of a metric: one of the table in the package's comment.
type Metric uint8

// The metrics; what each says is in the package's comment.
const (
	Received Metric = iota
	Judged
	Failed
	Warned
	Prevented
	Ignored
	Retried
	Poison
	MissedEvents
	BlindSeconds
	Imported
	ImportFailed
	HubOff
	Alerts
	Stops
	StopsRefused
	BreakerOpen
	RulesStale
	Heartbeat
	metricCount
)

// table has the names and units. Units are those of CloudWatch
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html).
var table = [metricCount]struct{ name, unit string }{
	Received:     {"Received", "Count"},
	Judged:       {"Judged", "Count"},
	Failed:       {"Failed", "Count"},
	Warned:       {"Warned", "Count"},
	Prevented:    {"Prevented", "Count"},
	Ignored:      {"Ignored", "Count"},
	Retried:      {"Retried", "Count"},
	Poison:       {"Poison", "Count"},
	MissedEvents: {"MissedEvents", "Count"},
	BlindSeconds: {"BlindSeconds", "Seconds"},
	Imported:     {"Imported", "Count"},
	ImportFailed: {"ImportFailed", "Count"},
	HubOff:       {"HubOff", "Count"},
	Alerts:       {"Alerts", "Count"},
	Stops:        {"Stops", "Count"},
	StopsRefused: {"StopsRefused", "Count"},
	BreakerOpen:  {"BreakerOpen", "Count"},
	RulesStale:   {"RulesStale", "Count"},
	Heartbeat:    {"Heartbeat", "Count"},
}

// String is the name that CloudWatch knows the metric by.
func (m Metric) String() string {
	if m >= metricCount {
		return fmt.Sprintf("Metric(%d)", uint8(m))
	}
	return table[m].name
}

// Unit is the metric's unit, in CloudWatch's words.
func (m Metric) Unit() string {
	if m >= metricCount {
		return "None"
	}
	return table[m].unit
}

// Dimension is a second thing that the metrics of a line are told apart by. Every
// value is a metric of its own, which is paid for: so there are two, of few
// values.
type Dimension struct {
	name, value string
}

// ByKind tells the metrics apart by the kind of resource.
func ByKind(kind string) Dimension { return Dimension{"kind", kind} }

// ByClass tells the metrics apart by the class of the verdict.
func ByClass(class string) Dimension { return Dimension{"class", class} }

// Metrics gathers the metrics of an invocation. It may be used by several
// goroutines.
type Metrics struct {
	w          io.Writer
	now        func() time.Time
	dimensions []Dimension

	mu     sync.Mutex
	values [metricCount]float64
	known  [metricCount]bool
}

// NewMetrics returns metrics of a function, without values, to be written to w.
// CloudWatch keeps them by function, and by function and each further dimension.
func NewMetrics(w io.Writer, function string, now func() time.Time, by ...Dimension) *Metrics {
	return &Metrics{w: w, now: now, dimensions: append([]Dimension{{"function", function}}, by...)}
}

// Count adds n to a counter. Adding 0 writes a 0, which is not the same as no
// data to an alarm.
func (m *Metrics) Count(name Metric, n int) {
	m.set(name, float64(n), true)
}

// Gauge sets a value in the metric's unit; the last one counts. CloudWatch takes
// no NaN and no infinity, and neither does this.
func (m *Metrics) Gauge(name Metric, value float64) {
	m.set(name, value, false)
}

func (m *Metrics) set(name Metric, value float64, add bool) {
	if name >= metricCount || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if add {
		value += m.values[name]
	}
	m.values[name], m.known[name] = value, true
}

type metricDefinition struct {
	Name string
	Unit string
}

type metricDirective struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metricDefinition
}

// Flush writes the metrics as one line in the embedded metric format and starts
// anew; without any it writes nothing. A line that could not be written is lost.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (m *Metrics) Flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	line := map[string]any{}
	var metrics []metricDefinition
	for name := range metricCount {
		if m.known[name] {
			metrics = append(metrics, metricDefinition{Name: name.String(), Unit: name.Unit()})
			line[name.String()] = m.values[name]
		}
	}
	if metrics == nil {
		return nil
	}
	m.values, m.known = [metricCount]float64{}, [metricCount]bool{}
	sets := [][]string{{m.dimensions[0].name}}
	for i, d := range m.dimensions {
		line[d.name] = clean(d.value)
		if i > 0 {
			sets = append(sets, []string{sets[0][0], d.name})
		}
	}
	line["_aws"] = map[string]any{
		"Timestamp":         m.now().UnixMilli(),
		"CloudWatchMetrics": []metricDirective{{Namespace: Namespace, Dimensions: sets, Metrics: metrics}},
	}
	b, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if _, err := m.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
