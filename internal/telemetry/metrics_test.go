package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagemoat/sagemoat/internal/telemetry"
)

func clock() time.Time { return time.Date(2026, 11, 2, 9, 14, 7, 250e6, time.UTC) }

// valid checks a line against the specification: its schema, and that what is
// referred to is there, dimensions as strings and metrics as numbers.
func valid(t *testing.T, line []byte) map[string]any {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(line, []byte{'\n'}); n != 1 || !bytes.HasSuffix(line, []byte{'\n'}) {
		t.Errorf("%q is %d lines, want one", line, n)
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(root); err != nil {
		t.Error(err)
	}
	var doc struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var members map[string]any
	if err := errors.Join(json.Unmarshal(line, &doc), json.Unmarshal(line, &members)); err != nil {
		t.Fatal(err)
	}
	for _, directive := range doc.AWS.CloudWatchMetrics {
		for _, set := range directive.Dimensions {
			for _, name := range set {
				if s, ok := members[name].(string); !ok || s == "" {
					t.Errorf("the dimension %s is %v, want a string", name, members[name])
				}
			}
		}
		for _, m := range directive.Metrics {
			if _, ok := members[m.Name].(float64); !ok {
				t.Errorf("the metric %s is %v, want a number", m.Name, members[m.Name])
			}
		}
	}
	return members
}

func TestGolden(t *testing.T) {
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, "sweep", clock, telemetry.ByKind("training-job"), telemetry.ByClass("b-internet"))
	m.Count(telemetry.Judged, 3)
	m.Count(telemetry.Failed, 1)
	m.Count(telemetry.Failed, 1)
	m.Count(telemetry.MissedEvents, 0)
	m.Gauge(telemetry.BlindSeconds, 12)
	m.Gauge(telemetry.BlindSeconds, 90.5)
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	valid(t, out.Bytes())
	want, err := os.ReadFile("testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEveryMetric: all of them are written, by the names and units of the table
// that the package's comment shows.
func TestEveryMetric(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^//\t(\w+) +(Count|Seconds) +\S`).FindAllStringSubmatch(string(source), -1)
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, "audit", clock)
	for i, row := range rows {
		name := telemetry.Metric(i)
		if name.String() != row[1] || name.Unit() != row[2] {
			t.Errorf("metric %d is %s in %s, the comment says %s in %s", i, name, name.Unit(), row[1], row[2])
		}
		m.Count(name, i)
	}
	last := telemetry.Metric(len(rows))
	if rows == nil || last != telemetry.Heartbeat+1 {
		t.Errorf("the comment has %d metrics, want %d", len(rows), telemetry.Heartbeat+1)
	}
	m.Count(last, 1) // none of the table: not counted
	if last.String() != "Metric(19)" || last.Unit() != "None" {
		t.Errorf("%s in %s is not of the table and should say so", last, last.Unit())
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	members := valid(t, out.Bytes())
	for i, row := range rows {
		if members[row[1]] != float64(i) {
			t.Errorf("%s is %v, want %d", row[1], members[row[1]], i)
		}
	}
	if len(members) != len(rows)+2 { // and _aws, function
		t.Errorf("%d members, want %d: %s", len(members), len(rows)+2, out.String())
	}
}

func TestFlush(t *testing.T) {
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, "audit", clock)
	m.Gauge(telemetry.BlindSeconds, math.NaN())
	m.Gauge(telemetry.BlindSeconds, math.Inf(1))
	if err := m.Flush(); err != nil || out.Len() > 0 {
		t.Errorf("without values: %v, %q; want nothing", err, out.String())
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				m.Count(telemetry.Received, 1)
			}
		})
	}
	wg.Wait()
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := valid(t, out.Bytes())["Received"]; got != 800.0 {
		t.Errorf("Received is %v, want 800", got)
	}
	out.Reset()
	if err := m.Flush(); err != nil || out.Len() > 0 {
		t.Errorf("flushed twice: %v, %q; want nothing", err, out.String())
	}
	broken := telemetry.NewMetrics(refuse{}, "audit", clock)
	broken.Count(telemetry.Judged, 1)
	if err := broken.Flush(); !errors.Is(err, errRefused) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

// TestHostileDimension: a value from outside cannot leave its string.
func TestHostileDimension(t *testing.T) {
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, "audit", clock, telemetry.ByKind("a\n\"}"+strings.Repeat("x", 1000)))
	m.Count(telemetry.Judged, 1)
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	kind, _ := valid(t, out.Bytes())["kind"].(string)
	if !strings.HasPrefix(kind, `a"}xxx`) || len(kind) > 256 {
		t.Errorf("kind is %q", kind)
	}
}

var errRefused = errors.New("refused")

type refuse struct{}

func (refuse) Write([]byte) (int, error) { return 0, errRefused }
