package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// listen gathers the details of what a rule without a pattern gets.
func (b *bed) listen(t *testing.T) func() []string {
	var got []string
	b.AddRule(sandbox.Rule{Invoke: func(event []byte) error {
		var e struct {
			Detail json.RawMessage `json:"detail"`
		}
		ok(t, json.Unmarshal(event, &e))
		got = append(got, string(e.Detail))
		return nil
	}})
	return func() []string { return got }
}

func TestRules(t *testing.T) {
	b := newBed(t, sandbox.Options{EventDelay: 3 * time.Second})
	b.AddQueue(sandbox.Queue{Name: "matching"})
	b.AddQueue(sandbox.Queue{Name: "all"})
	b.AddRule(sandbox.Rule{Name: "one", Queue: "matching", Match: func(event []byte) bool { return strings.Contains(string(event), `"detail":2`) }})
	b.AddRule(sandbox.Rule{Name: "all", Queue: "all"})
	b.Emit("aws.test", "Test", []string{"arn:aws:test"}, 1)
	b.clock.Advance(time.Second)
	b.Emit("aws.test", "Test", nil, 2)
	b.clock.Advance(2*time.Second - 1)
	if got := b.Messages("all"); len(got) != 0 {
		t.Fatalf("early: %v", got)
	}
	b.clock.Advance(1)
	if got := b.Messages("all"); len(got) != 1 {
		t.Fatalf("on time: %v", got)
	}
	b.clock.Advance(time.Second)
	all, matching := b.Messages("all"), b.Messages("matching")
	if len(all) != 2 || len(matching) != 1 || matching[0].Body != all[1].Body {
		t.Fatalf("all %v, matching %v", all, matching)
	}
	var e map[string]any
	ok(t, json.Unmarshal([]byte(all[0].Body), &e))
	delete(e, "id")
	want := map[string]any{
		"version": "0", "detail-type": "Test", "source": "aws.test", "account": "111122223333", "region": "eu-west-1",
		"time": "2026-11-02T09:14:07Z", "resources": []any{"arn:aws:test"}, "detail": 1.0,
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

// TestFunctionTarget: an error has the event delivered twice more.
func TestFunctionTarget(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.AddQueue(sandbox.Queue{Name: "dead"})
	var at []time.Duration
	b.AddRule(sandbox.Rule{DeadLetterQueue: "dead", Invoke: func([]byte) error {
		at = append(at, b.Now().Sub(start))
		return errors.New("no")
	}})
	failOnce := 0
	b.AddRule(sandbox.Rule{Invoke: func([]byte) error {
		if failOnce++; failOnce == 1 {
			return errors.New("not yet")
		}
		return nil
	}})
	b.Emit("aws.test", "Test", nil, 1)
	b.clock.Advance(time.Hour)
	if want := []time.Duration{0, time.Minute, 3 * time.Minute}; !slices.Equal(at, want) {
		t.Errorf("tried at %v", at)
	}
	if got := b.Messages("dead"); len(got) != 1 || failOnce != 2 {
		t.Errorf("dead letters %v; the other function was called %d times", got, failOnce)
	}
}

func TestEventFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults sandbox.EventFaults
		check  func(got []string) bool
	}{
		{"none", sandbox.EventFaults{}, func(got []string) bool { return len(got) == 1000 && slices.IsSortedFunc(got, byNumber) }},
		{"dropped", sandbox.EventFaults{Drop: 0.1}, func(got []string) bool { return len(got) > 850 && len(got) < 950 }},
		{"duplicated", sandbox.EventFaults{Duplicate: 0.1}, func(got []string) bool { return len(got) > 1050 && len(got) < 1150 }},
		{"out of order", sandbox.EventFaults{Window: time.Minute}, func(got []string) bool { return len(got) == 1000 && !slices.IsSortedFunc(got, byNumber) }},
		{"blind", sandbox.EventFaults{BlindFrom: start.Add(200 * time.Second), BlindUntil: start.Add(300 * time.Second)}, func(got []string) bool {
			return len(got) == 900 && !slices.Contains(got, "200") && !slices.Contains(got, "299") && slices.Contains(got, "199") && slices.Contains(got, "300")
		}},
	} {
		run := func() []string {
			b := newBed(t, sandbox.Options{Seed: 42})
			got := b.listen(t)
			b.FailEvents(test.faults)
			for i := range 1000 {
				b.Emit("aws.test", "Test", nil, i)
				b.clock.Advance(time.Second)
			}
			b.clock.Advance(time.Hour)
			b.Heal()
			b.Emit("aws.test", "Test", nil, 1000)
			b.clock.Advance(0)
			last := len(got()) - 1
			if got()[last] != "1000" {
				t.Errorf("%s: the last event did not arrive after healing", test.name)
			}
			return got()[:last]
		}
		one := run()
		if !test.check(one) {
			t.Errorf("%s: %d events: %.200v", test.name, len(one), one)
		}
		if !slices.Equal(one, run()) {
			t.Errorf("%s: the same seed gave other faults", test.name)
		}
	}
}

func byNumber(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) }

// TestPutEvents: entries fail one by one, and nobody plays AWS.
func TestPutEvents(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	got := b.listen(t)
	put := func(body string) (int, string) {
		status, out, _ := b.raw(t, "POST", "/", "events", body, map[string]string{"X-Amz-Target": "AWSEvents.PutEvents"})
		return status, out
	}
	status, out := put(`{"Entries":[
		{"Source":"sagemoat.sweep","DetailType":"Hint","Detail":"{\"n\":1}","Time":1793610000},
		{"Source":"aws.sagemaker","DetailType":"Hint","Detail":"{}"},
		{"Source":"sagemoat.sweep","DetailType":"Hint","Detail":"[1]"},
		{"Source":"sagemoat.sweep","DetailType":"Hint","Detail":"null"},
		{"Source":"sagemoat.sweep","DetailType":"Hint"},
		{"Source":"sagemoat.sweep","DetailType":"Hint","Detail":"{\"x\":\"` + strings.Repeat("x", 1<<20) + `\"}"},
		{"Source":"sagemoat.sweep","DetailType":"Hint","Detail":"{}","Time":1e999}]}`)
	var result struct {
		FailedEntryCount int
		Entries          []struct {
			ID        string `json:"EventId"`
			ErrorCode string
		}
	}
	ok(t, json.Unmarshal([]byte(out), &result))
	var codes []string
	for _, e := range result.Entries {
		codes = append(codes, e.ErrorCode)
	}
	want := "[ NotAuthorizedForSourceException MalformedDetail MalformedDetail InvalidArgument InvalidArgument InvalidArgument]"
	if status != 200 || result.FailedEntryCount != 6 || fmt.Sprint(codes) != want || len(result.Entries[0].ID) != 36 {
		t.Errorf("%d %+v", status, result)
	}
	b.clock.Advance(0)
	if fmt.Sprint(got()) != `[{"n":1}]` {
		t.Errorf("arrived: %v", got())
	}
	if status, out := put(`{"Entries":[` + strings.Repeat(`{},`, 10) + `{}]}`); status != 400 || !strings.Contains(out, "ValidationException") {
		t.Errorf("eleven entries: %d %s", status, out)
	}
}
