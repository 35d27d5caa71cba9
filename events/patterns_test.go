package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/sagemoat/sagemoat/events/pattern"
	"github.com/sagemoat/sagemoat/internal/oracle/eventruler"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// allRules are the rules with the matchers of their patterns.
func allRules(t *testing.T) (rules []Rule, matchers []*pattern.Pattern) {
	t.Helper()
	rules = append(Patterns(), CustomAction("stop"))
	for _, r := range rules {
		p, err := pattern.Compile(r.Pattern)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		matchers = append(matchers, p)
	}
	return rules, matchers
}

// woken are the names of the rules that an event wakes.
func woken(t *testing.T, event string) []string {
	t.Helper()
	var names []string
	rules, matchers := allRules(t)
	for i, m := range matchers {
		if m.Match([]byte(event)) {
			names = append(names, rules[i].Name)
		}
	}
	return names
}

func TestPatterns(t *testing.T) {
	rules, _ := allRules(t)
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
		if n := len(r.Pattern); n > pattern.MaxSize {
			t.Errorf("%s has %d characters, EventBridge takes %d", r.Name, n, pattern.MaxSize)
		}
		if r.Words == "" {
			t.Errorf("%s has no description", r.Name)
		}
		var small bytes.Buffer
		if err := json.Compact(&small, r.Pattern); err != nil || small.String() != string(r.Pattern) {
			t.Errorf("%s is not compact: %v", r.Name, err)
		}
		t.Logf("%s: %d characters", r.Name, len(r.Pattern))
	}
	if want := []string{"calls", "refused", "service-events", "state-changes", "hints", "custom-action"}; !slices.Equal(names, want) {
		t.Errorf("the rules are %q, want %q", names, want)
	}
	if again := append(Patterns(), CustomAction("stop")); !reflect.DeepEqual(again, rules) {
		t.Error("a second call gives other rules")
	}
}

// TestRecorded: where operations need several rules, each is in exactly one.
func TestRecorded(t *testing.T) {
	var operations []string
	for i := range 200 {
		operations = append(operations, fmt.Sprintf("CreateSomethingOrOther%d", i))
	}
	for n := range operations {
		rules := recorded("calls", "words", operations[:n], map[string]bool{"exists": false})
		var named []string
		for i, r := range rules {
			if len(r.Pattern) > pattern.MaxSize {
				t.Errorf("%d operations: rule %d has %d characters", n, i, len(r.Pattern))
			}
			if want := strings.TrimSuffix(fmt.Sprintf("calls-%d", i+1), "-1"); i < 9 && r.Name != want {
				t.Errorf("rule %d is called %s, want %s", i, r.Name, want)
			}
			var p struct {
				Detail struct{ EventName []string }
			}
			if err := json.Unmarshal(r.Pattern, &p); err != nil {
				t.Fatal(err)
			}
			named = append(named, p.Detail.EventName...)
			// The next operation would not have fitted.
			if len(named) < n && len(r.Pattern)+len(operations[len(named)])+len(`"",`) <= pattern.MaxSize {
				t.Errorf("%d operations: rule %d has %d characters, with room for another operation", n, i, len(r.Pattern))
			}
		}
		if !slices.Equal(named, operations[:n]) {
			t.Errorf("of %d operations the rules name %d", n, len(named))
		}
	}
}

func called(source, eventSource, detailType, operation, more string) string {
	return fmt.Sprintf(`{"version":"0","id":"1","detail-type":%q,"source":%q,"account":"111122223333","region":"eu-west-1","time":"2026-11-02T09:14:07Z","resources":[],`+
		`"detail":{"eventSource":%q,"eventName":%q%s}}`, detailType, source, eventSource, operation, more)
}

// TestOperations puts every operation that SageMaker has, the claimed ones and
// the reads, to the rules.
func TestOperations(t *testing.T) {
	client := reflect.TypeFor[*sagemaker.Client]()
	claimed, others := 0, 0
	for method := range client.Methods() {
		name := method.Name
		_, _, isCall := kind.ByCall(name)
		_, isDelete := kind.ByDelete(name)
		for more, want := range map[string][]string{
			"":                                     {"calls"},
			`,"errorCode":"AccessDenied"`:          {"refused"},
			`,"errorCode":"AccessDeniedException"`: {"refused"},
			`,"errorCode":"ValidationException"`:   nil,
			`,"errorCode":"ThrottlingException"`:   nil,
		} {
			if !isCall && !isDelete || isDelete && more != "" {
				want = nil
			}
			if got := woken(t, called("aws.sagemaker", "sagemaker.amazonaws.com", "AWS API Call via CloudTrail", name, more)); !slices.Equal(got, want) {
				t.Errorf("%s%s wakes %q, want %q", name, more, got, want)
			}
		}
		if isCall || isDelete {
			claimed++
		} else {
			others++
		}
	}
	want := 0
	for _, row := range kind.Table() {
		want += len(row.Calls) + len(row.Deletes)
	}
	if claimed != want || others < 200 {
		t.Errorf("SageMaker has %d claimed operations and %d others; the table has %d", claimed, others, want)
	}
}

func TestOtherEvents(t *testing.T) {
	const call, own = "AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"
	custom := func(source, detailType, action string) string {
		return fmt.Sprintf(`{"detail-type":%q,"source":%q,"account":"111122223333","resources":["arn:aws-cn:securityhub:cn-north-1:111122223333:action/custom/%s"],"detail":{"actionName":"Stop","findings":[{}]}}`, detailType, source, action)
	}
	for event, want := range map[string][]string{
		called("aws.es", "es.amazonaws.com", call, "CreateDomain", ""):                                    nil,
		called("aws.codepipeline", "codepipeline.amazonaws.com", call, "StartPipelineExecution", ""):      nil,
		called("aws.codepipeline", "codepipeline.amazonaws.com", call, "CreatePipeline", ""):              nil,
		called("aws.amplify", "amplify.amazonaws.com", call, "CreateApp", ""):                             nil,
		called("aws.sagemaker", "metrics-sagemaker.amazonaws.com", call, "CreateModel", ""):               nil,
		called("aws.cloudtrail", "sagemaker.amazonaws.com", call, "CreateModel", ""):                      nil,
		called("aws.sagemaker", "sagemaker.amazonaws.com", call, "createmodel", ""):                       nil,
		called("aws.sagemaker", "sagemaker.amazonaws.com", call, "CreateModelCard", ""):                   nil,
		called("aws.sagemaker", "sagemaker.amazonaws.com", own, "CreateTrainingJob", ""):                  {"service-events"},
		called("aws.sagemaker", "sagemaker.amazonaws.com", own, "AnythingElse", ""):                       {"service-events"},
		called("aws.kms", "kms.amazonaws.com", own, "RotateKey", ""):                                      nil,
		called("aws.sagemaker", "sagemaker.amazonaws.com", "AWS Console Sign In via CloudTrail", "x", ""): nil,
		`{"source":"aws.sagemaker","detail-type":"SageMaker Image State Change","detail":{}}`:             nil,
		`{"source":"mine","detail-type":"SageMaker Model State Change","detail":{}}`:                      nil,
		`{"source":"sagemoat.sweep","detail-type":"Resource To Assess","detail":{"kind":"model"}}`:        {"hints"},
		`{"source":"mine","detail-type":"Resource To Assess","detail":{"kind":"model"}}`:                  nil,
		`{"source":"sagemoat.sweep","detail-type":"Something Else","detail":{"kind":"model"}}`:            nil,
		custom("aws.securityhub", "Security Hub Findings - Custom Action", "stop"):                        {"custom-action"},
		custom("aws.securityhub", "Security Hub Findings - Custom Action", "nonstop"):                     nil,
		custom("aws.securityhub", "Security Hub Findings - Imported", "stop"):                             nil,
		custom("mine", "Security Hub Findings - Custom Action", "stop"):                                   nil,
	} {
		if got := woken(t, event); !slices.Equal(got, want) {
			t.Errorf("%s wakes %q, want %q", event, got, want)
		}
	}
	for _, row := range kind.Table() {
		for _, n := range row.Natives {
			event := fmt.Sprintf(`{"source":"aws.sagemaker","detail-type":%q,"detail":{}}`, n.DetailType)
			if got := woken(t, event); !slices.Equal(got, []string{"state-changes"}) {
				t.Errorf("%s wakes %q", event, got)
			}
		}
	}
}

// delivered are the events of testdata as EventBridge delivers them.
func delivered(t *testing.T) []string {
	t.Helper()
	var events []string
	var add func(raw json.RawMessage)
	add = func(raw json.RawMessage) {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil {
			for _, e := range list {
				add(e)
			}
			return
		}
		var doc map[string]json.RawMessage
		if json.Unmarshal(raw, &doc) != nil {
			return
		}
		text := func(name string) (s string) {
			json.Unmarshal(doc[name], &s)
			return s
		}
		switch {
		case doc["detail-type"] != nil:
			events = append(events, string(raw))
		case doc["CloudTrailEvent"] != nil:
			add(json.RawMessage(text("CloudTrailEvent")))
		case doc["eventSource"] != nil && doc["eventName"] != nil:
			detailType := detailCall
			if text("eventType") == "AwsServiceEvent" {
				detailType = detailService
			}
			service, _, _ := strings.Cut(text("eventSource"), ".")
			events = append(events, fmt.Sprintf(`{"version":"0","id":"1","detail-type":%q,"source":%q,"account":"111122223333","time":"2026-11-02T09:14:07Z","region":"eu-west-1","resources":[],"detail":%s}`,
				detailType, "aws."+service, raw))
		default:
			for _, member := range []string{"Records", "Events"} {
				add(doc[member])
			}
		}
	}
	err := filepath.WalkDir(filepath.Join("..", "testdata"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".want.json") {
			return err
		}
		b, err := os.ReadFile(path)
		for dec := json.NewDecoder(bytes.NewReader(b)); err == nil; {
			var raw json.RawMessage
			if dec.Decode(&raw) != nil {
				break
			}
			add(raw)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// TestDelivered: what the decoder reads of an event of testdata is what the
// rules deliver of it.
func TestDelivered(t *testing.T) {
	seen := map[string]int{}
	for _, event := range delivered(t) {
		got := woken(t, event)
		observed, err := Decode([]byte(event))
		if err != nil {
			continue // that must be said by audit: whether it is delivered is compared below
		}
		var want []string
		for _, o := range observed {
			switch {
			case o.Native != nil:
				want = []string{"state-changes"}
			case strings.Contains(event, detailService):
				want = []string{"service-events"}
			case o.Refused == "":
				want = []string{"calls"}
			case strings.HasPrefix(o.Refused, "AccessDenied") && !o.Deletes:
				want = []string{"refused"}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.300s\nwakes %q, want %q", event, got, want)
		}
		seen[strings.Join(want, " ")]++
	}
	t.Logf("%v", seen)
	for _, rule := range []string{"", "calls", "refused", "service-events", "state-changes"} {
		if seen[rule] == 0 {
			t.Errorf("no event of testdata wakes %q", rule)
		}
	}
}

// TestPatternsByEventRuler: EventBridge's own matcher takes every pattern and
// agrees about every event of testdata.
func TestPatternsByEventRuler(t *testing.T) {
	rules, matchers := allRules(t)
	events := append(delivered(t), called("aws.sagemaker", "sagemaker.amazonaws.com", detailCall, "DescribeModel", ""),
		`{"source":"sagemoat.sweep","detail-type":"Resource To Assess","detail":{"kind":"model"}}`,
		`{"detail-type":"Security Hub Findings - Custom Action","source":"aws.securityhub","resources":["arn:aws:securityhub:eu-west-1:111122223333:action/custom/stop"],"detail":{}}`)
	var pairs []eventruler.Pair
	var ours []bool
	matched := map[string]int{}
	for i, r := range rules {
		for _, e := range events {
			pairs = append(pairs, eventruler.Pair{Pattern: string(r.Pattern), Event: e})
			ours = append(ours, matchers[i].Match([]byte(e)))
			if ours[len(ours)-1] {
				matched[r.Name]++
			}
		}
	}
	answers, err := eventruler.Ask(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Refused != "" {
			t.Errorf("event-ruler refuses %s: %s", pairs[i].Pattern, a.Refused)
		} else if a.Match != ours[i] {
			t.Errorf("event-ruler says %v, we say %v\n%s\n%s", a.Match, ours[i], pairs[i].Pattern, pairs[i].Event)
		}
	}
	t.Logf("%d patterns, %d events, %d pairs; matches: %v", len(rules), len(events), len(pairs), matched)
	for _, r := range rules {
		if matched[r.Name] == 0 {
			t.Errorf("no event wakes %s", r.Name)
		}
	}
}
