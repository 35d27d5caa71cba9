package respond

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// press plays a person who picks our custom action, and keeps the events.
func (b *bed) press(findings ...string) (events [][]byte) {
	b.Helper()
	b.world.AddRule(sandbox.Rule{Name: "custom", Match: func(e []byte) bool { return strings.Contains(string(e), "Custom Action") }, Invoke: func(e []byte) error {
		events = append(events, e)
		return nil
	}})
	b.world.CustomAction(ActionID, "Stop this job", "", findings...)
	b.clock.Advance(time.Second)
	if len(events) != len(findings) {
		b.Fatalf("%d events for %d findings", len(events), len(findings))
	}
	return events
}

func (b *bed) found() string {
	b.Helper()
	all := b.world.Findings()
	return all[len(all)-1].ID
}

// TestAction: a person stops what the rules would only tell of. However often
// the event comes, it is stopped once, and answered once.
func TestAction(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	event := b.press(b.found())[0]
	for range 10 {
		ok(t, b.Action(t.Context(), event))
	}
	b.wantSaid("alert fraud-7", "stop fraud-7=announced")
	if r := b.response(resource); r.Stop.State != ledger.Requested || r.Stop.By != "arn:aws:securityhub:eu-west-1:111122223333:action/custom/SagemoatStop" || b.status(resource) != "Stopping" {
		t.Errorf("%+v", r)
	}
	b.tick(11)
	for range 10 {
		ok(t, b.Action(t.Context(), event))
	}
	b.wantSaid("alert fraud-7", "stop fraud-7=announced", "stop fraud-7=confirmed")
	if text := b.sent()[1].Text; text != "Somebody asked to stop it, by the custom action in Security Hub. It will be stopped now (StopTrainingJob)." {
		t.Errorf("it says %q", text)
	}
	b.check()
}

// TestActionDuringGrace: a person does not wait for the time that the rules give.
func TestActionDuringGrace(t *testing.T) {
	b := newBed(t, graceRules)
	resource := b.fails("fraud-7")
	ok(t, b.Action(t.Context(), b.press(b.found())[0]))
	if b.status(resource) != "Stopping" {
		t.Errorf("it is %s", b.status(resource))
	}
	b.tick(15)
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=announced", "stop fraud-7=confirmed")
}

// TestActionRefused: which rails a person cannot wave away.
func TestActionRefused(t *testing.T) {
	const r = "training-job/fraud-7"
	for _, c := range []struct {
		name   string
		change func(b *bed)
		why    string
	}{
		{"kill switch", func(b *bed) { b.control(ledger.KillSwitch, ledger.Switch{On: true}) }, "the kill switch is on"},
		{"breaker", func(b *bed) {
			b.control(ledger.BreakerOf, decide.Breaker{Breaker: ledger.Breaker{Open: true}, Told: start})
		}, "the circuit breaker is open"},
		{"passes", func(b *bed) { b.change(r, passes) }, "it does not fail the rules now"},
		{"unknown", func(b *bed) { b.change(r, func(e *ledger.Entry) { e.Verdict.Whole = false }) }, "not all of its network settings are known"},
		{"exception", func(b *bed) { b.change(r, func(e *ledger.Entry) { e.Verdict.Exception = "x-1" }) }, "an exception applies"},
		{"ended", func(b *bed) { b.world.SageMaker().Fail("training-job", "fraud-7"); b.look(r) }, "it does not run"},
		{"budget", func(b *bed) {
			b.control(ledger.BreakerOf, decide.Breaker{Breaker: ledger.Breaker{Stops: []time.Time{start, start, start, start, start}}, Told: start})
		}, "the rules allow no more stops for now"},
		{"no rules", func(b *bed) { b.noRules = errFault }, "it is not known how many stops the rules allow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, notifyRules)
			b.fails("fraud-7")
			event := b.press(b.found())[0]
			c.change(b)
			b.store.Drain()
			for range 3 {
				_ = b.Action(t.Context(), event)
			}
			said := b.sent()
			last := said[len(said)-1]
			if c.name != "no rules" && !strings.Contains(last.Text, c.why) || b.monitor.Stops() != 0 {
				t.Errorf("%d stops, it says %q", b.monitor.Stops(), last.Text)
			}
			if got := b.response(r).Stop; c.name != "no rules" && (got.State != ledger.Withheld || got.Why != c.why || got.By == decide.ByRules) {
				t.Errorf("%+v", got)
			}
			if b.breaker().Open != (c.name == "breaker") {
				t.Error("a person does not open the breaker")
			}
		})
	}
}

// TestActionNotOurs: events and findings that are not for us stop nothing.
func TestActionNotOurs(t *testing.T) {
	b := newBed(t, notifyRules)
	b.fails("fraud-7")
	good := string(b.press(b.found())[0])
	other := func(old, with string) string { return strings.ReplaceAll(good, old, with) }
	for name, event := range map[string]string{
		"no JSON":            "{",
		"another source":     other(`"aws.securityhub"`, `"my.app"`),
		"another type":       other("Custom Action", "Imported"),
		"another action":     other("action/custom/SagemoatStop", "action/custom/Other"),
		"another account":    other(`"account":"111122223333"`, `"account":"444455556666"`),
		"another Region":     other(`"region":"eu-west-1"`, `"region":"eu-west-2"`),
		"no time":            other(`"time":`, `"when":`),
		"a duplicate member": strings.Replace(good, `"source":`, `"source":"aws.securityhub","source":`, 1),
	} {
		ok(t, b.Action(t.Context(), []byte(event)))
		if got := len(b.sent()); got != 1 {
			t.Fatalf("%s: %d messages", name, got)
		}
	}
	n := 1
	for _, c := range []struct{ name, event, why string }{
		{"another account's finding", other(`"AwsAccountId":"111122223333"`, `"AwsAccountId":"444455556666"`), "no finding of sagemoat"},
		{"another product's", other(`:product/111122223333/default`, `:product/aws/guardduty`), "no finding of sagemoat"},
		{"another generator's", other(`"GeneratorId":"sagemoat/`, `"GeneratorId":"other/`), "no finding of sagemoat"},
		{"a resource of another account", other(`"Id":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7"`, `"Id":"arn:aws:sagemaker:eu-west-1:444455556666:training-job/fraud-7"`), "not of this account"},
		{"a resource that is not known", other(`training-job/fraud-7"`, `training-job/fraud-8"`), "no such resource"},
		{"a kind that is not known", other(`"sagemoat/kind":"training-job"`, `"sagemoat/kind":"toaster"`), "no such resource"},
		{"an earlier resource", other("20261102T091407Z", "20251102T091407Z"), "an earlier resource"},
		{"no resource", good[:strings.Index(good, `"Resources":`)] + `"Resources":[],` + `"X":` + good[strings.Index(good, `"Resources":`)+len(`"Resources":`):], "no finding of sagemoat"},
	} {
		ok(t, b.Action(t.Context(), []byte(c.event)))
		n++
		said := b.sent()
		if len(said) != n || !strings.Contains(said[n-1].Text, c.why) || len(said[n-1].Resources) != 0 {
			t.Fatalf("%s: %d messages, the last says %q", c.name, len(said), said[len(said)-1].Text)
		}
	}
	if b.monitor.Stops() != 0 {
		t.Errorf("%d stops", b.monitor.Stops())
	}
	b.check()
}

// TestActionDespiteTheRules: a person may stop what fails less than the rules stop
// for, and by rules that may be old.
func TestActionDespiteTheRules(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	b.ruleset.Current = false
	b.change(resource, func(e *ledger.Entry) { e.Verdict.Severity = rules.Low })
	b.deliver()
	ok(t, b.Action(t.Context(), b.press(b.found())[0]))
	if b.status(resource) != "Stopping" {
		t.Errorf("it is %s: %+v", b.status(resource), b.response(resource).Stop)
	}
}

// TestActionAgain: a message that could not be sent is sent when the event comes
// again.
func TestActionAgain(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	event := b.press(b.found())[0]
	b.world.Fail(sandbox.Fault{Service: "sns", Kind: sandbox.Unavailable, Times: 1})
	if err := b.Action(t.Context(), event); err == nil || b.monitor.Stops() != 0 {
		t.Errorf("error %v, %d stops before it was announced", err, b.monitor.Stops())
	}
	ok(t, b.Action(t.Context(), event))
	if b.status(resource) != "Stopping" {
		t.Errorf("it is %s", b.status(resource))
	}
	b.faults.on, b.faults.at, b.faults.what = true, 1, errorBefore
	if err := b.Action(t.Context(), event); err == nil {
		t.Error("no error where the ledger cannot be read")
	}
	var e struct {
		Detail struct{ Findings []json.RawMessage }
	}
	ok(t, json.Unmarshal(event, &e))
}

// TestActionReplayed: an event that comes long after it was sent stops nothing: what
// the person saw may be otherwise now.
func TestActionReplayed(t *testing.T) {
	b := newBed(t, graceRules)
	resource := b.fails("fraud-7")
	b.control(ledger.KillSwitch, ledger.Switch{On: true})
	event := b.press(b.found())[0]
	ok(t, b.Action(t.Context(), event)) // it is answered: not now
	b.tick(20)
	b.control(ledger.KillSwitch, ledger.Switch{})
	for i := 0; i < 60 && b.response(resource).Stop.State != ledger.Announced; i++ {
		b.tick(1)
	}
	if got := b.response(resource).Stop; got.State != ledger.Announced || got.By != decide.ByRules {
		t.Fatalf("%+v", got)
	}
	ok(t, b.Action(t.Context(), event))
	if b.monitor.Stops() != 0 {
		t.Error("it was stopped before its time")
	}
	said := b.sent()
	if last := said[len(said)-1]; !strings.Contains(last.Text, "too long ago") {
		t.Errorf("it says %q", last.Text)
	}
	ahead := strings.Replace(string(event), `"time":"2026`, `"time":"2027`, 1)
	ok(t, b.Action(t.Context(), []byte(ahead)))
	if b.monitor.Stops() != 0 {
		t.Error("it was stopped by an event of another time")
	}
}
