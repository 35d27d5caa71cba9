package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/awstest/stopmonitor"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const graceRules = `
version: 1
response:
  mode: stop
  stop: {severity: high, grace: 10m}
`

// TestEachTenTimes delivers each change ten times: one message for a transition,
// one stop.
func TestEachTenTimes(t *testing.T) {
	b := newBed(t, stopRules)
	n := chaos.N(4, 5)
	for i := range n {
		b.training(fmt.Sprintf("job-%d", i), nil)
	}
	b.clock.Advance(time.Second)
	for i := range n {
		b.look(fmt.Sprintf("training-job/job-%d", i))
	}
	if failed := b.stream(10); len(failed) > 0 {
		t.Fatalf("undelivered: %v", failed)
	}
	for range 12 {
		b.clock.Advance(time.Minute)
		for i := range n {
			b.look(fmt.Sprintf("training-job/job-%d", i))
		}
		for range 10 {
			ok(t, b.Tick(t.Context()))
		}
		if failed := b.stream(10); len(failed) > 0 {
			t.Fatalf("undelivered: %v", failed)
		}
	}
	seen := map[string]int{}
	for _, s := range b.said() {
		seen[s]++
	}
	for s, times := range seen {
		if times != 1 {
			t.Errorf("%q was said %d times", s, times)
		}
	}
	if len(seen) != 2*n || b.monitor.Stops() != n {
		t.Errorf("%d messages and %d stops for %d jobs: %v", len(seen), b.monitor.Stops(), n, seen)
	}
}

// TestBreaker: rules that flag everything, and several responders at once: five
// stops, one page, and nothing more until somebody resets it.
func TestBreaker(t *testing.T) {
	b := newBed(t, stopRules)
	n := chaos.N(300, 5000)
	b.control(ledger.LiveCount, ledger.Count{At: start, Live: map[string]int{"training-job": n}})
	for i := range n {
		b.training(fmt.Sprintf("job-%04d", i), nil)
	}
	b.clock.Advance(time.Second)
	for i := range n {
		b.look(fmt.Sprintf("training-job/job-%04d", i))
	}
	changes := b.store.Drain()
	var wg sync.WaitGroup
	for i := range 5 {
		mine := changes[i*len(changes)/5 : (i+1)*len(changes)/5]
		h, err := New(b.options)
		ok(t, err)
		wg.Go(func() {
			for batch := range slices.Chunk(mine, 50) {
				if failed, err := h.Changes(t.Context(), batch); err != nil || len(failed) > 0 {
					t.Errorf("failed %v: %v", failed, err)
				}
			}
		})
	}
	wg.Wait()
	count := func() (pages, told int) {
		for _, m := range b.sent() {
			if m.Type == pageType {
				pages++
			}
			if m.Type == alertType {
				told += len(m.Resources) + m.Omitted
			}
		}
		return pages, told
	}
	pages, told := count()
	if b.monitor.Stops() > 5 || b.monitor.Stops() == 0 || pages != 1 || told != n || !b.breaker().Open {
		t.Errorf("%d stops, %d pages, %d told of %d, breaker %+v", b.monitor.Stops(), pages, told, n, b.breaker())
	}
	t.Logf("%d jobs: %d stops, %d pages, %d messages", n, b.monitor.Stops(), pages, len(b.sent()))
	// It stays open, and says nothing more of it.
	for range chaos.N(40, 90) {
		b.clock.Advance(time.Minute)
		ok(t, b.Tick(t.Context()))
	}
	if pages, _ := count(); b.monitor.Stops() != 5 || pages != 1 {
		t.Errorf("later %d stops, %d pages", b.monitor.Stops(), pages)
	}
	// An operator resets it: the budget is there again, and no more than that.
	b.control(ledger.BreakerOf, ledger.Breaker{})
	for range 61 {
		b.clock.Advance(time.Minute)
		ok(t, b.Tick(t.Context()))
	}
	if pages, _ := count(); b.monitor.Stops() != 10 || pages != 2 {
		t.Errorf("after the reset %d stops, %d pages", b.monitor.Stops(), pages)
	}
}

// TestPageLate: whoever opened the breaker could not say so; the next tick does.
func TestPageLate(t *testing.T) {
	b := newBed(t, stopRules)
	b.control(ledger.BreakerOf, decide.Breaker{Breaker: ledger.Breaker{Open: true, Why: "x", OpenedAt: b.clock.Now()}})
	ok(t, b.Tick(t.Context()))
	b.wantSaid()
	b.tick(3)
	b.wantSaid("page")
}

// TestShare: of ten notebooks two may be stopped, of another kind none counts.
func TestShare(t *testing.T) {
	b := newBed(t, stopRules)
	b.control(ledger.LiveCount, ledger.Count{At: start, Live: map[string]int{"training-job": 10}})
	b.control(ledger.BreakerOf, decide.Breaker{Breaker: ledger.Breaker{Stops: []time.Time{start}}, Of: []string{"processing-job/other@x"}})
	for i := range 3 {
		b.fails(fmt.Sprintf("job-%d", i))
	}
	if b.monitor.Stops() != 2 || !b.breaker().Open || !strings.Contains(b.breaker().Why, "what runs") {
		t.Errorf("%d stops, breaker %+v", b.monitor.Stops(), b.breaker())
	}
}

// TestWithheld: each thing that may come between an announcement and a stop.
func TestWithheld(t *testing.T) {
	const r = "training-job/fraud-7"
	for _, c := range []struct {
		name   string
		change func(b *bed)
		why    string
		silent bool
	}{
		{"kill switch", func(b *bed) { b.control(ledger.KillSwitch, ledger.Switch{On: true}) }, "the kill switch is on", false},
		{"breaker", func(b *bed) {
			b.control(ledger.BreakerOf, decide.Breaker{Breaker: ledger.Breaker{Open: true}, Told: start})
		}, "the circuit breaker is open", true},
		{"old rules", func(b *bed) { b.ruleset.Current = false }, "the newest rules file cannot be read", false},
		{"no rules", func(b *bed) { b.noRules = errors.New("no rules") }, "", true},
		{"notify", func(b *bed) { b.rules(notifyRules) }, "the rules do not ask for stops here", false},
		{"severity", func(b *bed) { b.rules(strings.Replace(graceRules, "high", "critical", 1)) }, "the failure is less severe than what the rules stop for", false},
		{"exception", func(b *bed) {
			b.rules(graceRules + `
exceptions:
  - id: x-1
    owner: ana
    reason: for this test
    expires: 2027-01-31
    rules: [no-own-internet]
    match: {accounts: ["111122223333"]}
`)
			b.truth[r] = stopmonitor.Truth{Whole: true, Excepted: true}
		}, "an exception applies", false},
		{"ended", func(b *bed) { b.world.SageMaker().Fail(kind.TrainingJob, "fraud-7") }, "it does not run", false},
		{"not to be described", func(b *bed) { b.world.SageMaker().Deny("DescribeTrainingJob") }, "it could not be described now", false},
		{"no permission", func(b *bed) { b.world.SageMaker().Deny("StopTrainingJob") }, "our role may not call StopTrainingJob", false},
		{"another one", func(b *bed) {
			e, _ := b.store.Entry(b.Context(), r)
			e.Created = e.Created.Add(-time.Hour)
			ok(b, b.store.PutEntry(b.Context(), e))
			response, _ := b.store.Response(b.Context(), r)
			response.Created = e.Created
			ok(b, b.store.PutResponse(b.Context(), response))
		}, "a later resource has its name now", false},
		{"an owner that is not known", func(b *bed) {
			e, _ := b.store.Entry(b.Context(), r)
			e.Verdict.Notice.Owner = "hyper-parameter-tuning-job/t"
			ok(b, b.store.PutEntry(b.Context(), e))
		}, "what it belongs to is not known", false},
		{"another account", func(b *bed) {
			e, _ := b.store.Entry(b.Context(), r)
			e.ARN = strings.Replace(e.ARN, account, "444455556666", 1)
			ok(b, b.store.PutEntry(b.Context(), e))
		}, "it is not of this account and Region", false},
		{"no longer known to SageMaker", func(b *bed) {
			b.Fresh = func(ctx context.Context, e *ledger.Entry) (*ledger.Entry, error) {
				other := *e
				other.Key, other.Resource = "never", "training-job/never"
				return b.options.Fresh(ctx, &other)
			}
		}, "it is not there any more", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, graceRules)
			b.fails("fraud-7")
			b.wantSaid("alert fraud-7=announced")
			b.tick(5)
			c.change(b)
			stops := b.calls("StopTrainingJob")
			for range 8 {
				b.clock.Advance(time.Minute)
				_ = b.Tick(t.Context())
			}
			if got := b.response(r).Stop; c.why != "" && (got.State != ledger.Withheld || got.Why != c.why) {
				t.Errorf("%+v", got)
			}
			if b.calls("StopTrainingJob") != stops {
				t.Error("it was stopped")
			}
			if c.silent {
				b.wantSaid("alert fraud-7=announced")
				return
			}
			for range 200 { // it is not said again
				b.clock.Advance(time.Minute)
				_ = b.Tick(t.Context())
			}
			b.wantSaid("alert fraud-7=announced", "stop fraud-7=withheld")
			last := b.sent()[1]
			if !strings.Contains(last.Text, c.why) || *last.Resources[0].Stop.Why != c.why {
				t.Errorf("it says %q", last.Text)
			}
		})
	}
}

// TestMissingFact: what is not known is never stopped.
func TestMissingFact(t *testing.T) {
	b := newBed(t, stopRules)
	resource := b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	e := b.look(resource)
	e.Verdict.Whole = false
	ok(t, b.store.PutEntry(t.Context(), e))
	b.deliver()
	if got := b.response(resource).Stop; got.State != ledger.Withheld || got.Why != "not all of its network settings are known" || b.monitor.Stops() != 0 {
		t.Errorf("%+v, %d stops", got, b.monitor.Stops())
	}
	b.wantSaid("alert fraud-7=withheld")
}

// TestEndsMeanwhile: it came to its end between the last look and the call.
func TestEndsMeanwhile(t *testing.T) {
	b := newBed(t, stopRules)
	b.world.Watch(func(c sandbox.Call) {
		if c.Operation == "StopTrainingJob" && !c.Done {
			b.world.SageMaker().Fail(kind.TrainingJob, "fraud-7")
		}
	})
	resource := b.fails("fraud-7")
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=confirmed")
	if got := b.response(resource).Stop; got.State != ledger.Confirmed {
		t.Errorf("%+v", got)
	}
	if text := b.sent()[1].Text; text != "It has ended: it is Failed now." {
		t.Errorf("it says %q", text)
	}
}

// TestNotStoppable: what AWS can only delete is never stopped, whatever the rules say.
func TestNotStoppable(t *testing.T) {
	b := newBed(t, stopRules)
	_, err := b.world.SageMaker().Create("CreateModel", map[string]any{"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::111122223333:role/R", "PrimaryContainer": map[string]any{"Image": "i"}})
	ok(t, err)
	b.clock.Advance(time.Second)
	b.look("model/m")
	b.deliver()
	b.tick(11)
	if r := b.response("model/m"); r.Stop.State != "" || r.Alert.How != ledger.Sent {
		t.Errorf("%+v", r)
	}
	if text := b.sent()[0].Text; text != "It is not stopped: the mode is notify." {
		t.Errorf("it says %q", text)
	}
}

// TestSwitchToStop: the rules begin to ask for stops of what was told of before.
func TestSwitchToStop(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	b.tick(1)
	b.rules(stopRules)
	b.look(resource) // the sweep does
	b.deliver()
	b.wantSaid("alert fraud-7", "stop fraud-7=announced")
	if b.status(resource) != "Stopping" {
		t.Errorf("it is %s", b.status(resource))
	}
}

// TestSlowStop: a stop that does not end is told of after an hour, and after a day.
func TestSlowStop(t *testing.T) {
	b := newBed(t, stopRules)
	fresh := b.options.Fresh
	b.Fresh = func(ctx context.Context, e *ledger.Entry) (*ledger.Entry, error) {
		f, err := fresh(ctx, e)
		if f != nil && f.Life.Status == "Stopped" {
			f.Life.Status = "Stopping"
		}
		return f, err
	}
	resource := b.fails("fraud-7")
	b.tick(65)
	b.wantSaid("alert fraud-7=announced")
	b.tick(40)
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=requested")
	b.tick(36 * 60)
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=requested", "stop fraud-7=withheld")
	if got := b.response(resource).Stop; got.State != ledger.Withheld {
		t.Errorf("%+v", got)
	}
}

// TestUncertainCall: the call was heard and its answer lost: it is not made again.
func TestUncertainCall(t *testing.T) {
	b := newBed(t, stopRules)
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "StopTrainingJob", Kind: sandbox.ResetAfter, Times: 1})
	resource := b.fails("fraud-7")
	if got := b.response(resource).Stop; got.State != ledger.Announced || got.RequestedAt.IsZero() {
		t.Errorf("%+v", got)
	}
	b.tick(12)
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=confirmed")
	if b.monitor.Stops() != 1 {
		t.Errorf("%d stops", b.monitor.Stops())
	}
}

// TestThrottledCall: the call is made again, and booked once.
func TestThrottledCall(t *testing.T) {
	b := newBed(t, stopRules)
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "StopTrainingJob", Kind: sandbox.Throttle, Times: 3})
	b.fails("fraud-7")
	b.tick(5)
	if n := len(b.breaker().Stops); n != 1 || b.calls("StopTrainingJob") != 1 {
		t.Errorf("%d booked, %d calls", n, b.calls("StopTrainingJob"))
	}
}

// TestChild: what belongs to something that fails is told of there, and ends with it.
func TestChild(t *testing.T) {
	b := newBed(t, stopRules)
	parent, child := b.training("parent", nil), b.training("child", nil)
	b.clock.Advance(time.Second)
	c := b.look(child)
	c.Verdict.Notice.Owner = parent
	ok(t, b.store.PutEntry(t.Context(), c))
	b.deliver() // the parent is not known yet: the child is told of
	if r := b.response(child); r.Alert.How != ledger.Sent || r.Stop.State != ledger.Withheld {
		t.Errorf("%+v", r)
	}
	second := b.training("second", nil)
	b.clock.Advance(time.Second)
	b.look(parent)
	c = b.look(second)
	c.Verdict.Notice.Owner = parent
	ok(t, b.store.PutEntry(t.Context(), c))
	b.deliver()
	b.tick(12)
	if r := b.response(second); r.Alert.How != ledger.Inherited || r.Stop.State != ledger.Withheld || r.Stop.Why != "what it belongs to is stopped, or fails itself" {
		t.Errorf("%+v", r)
	}
	if b.monitor.Stops() != 1 || b.status(parent) != "Stopped" {
		t.Errorf("%d stops, parent %s", b.monitor.Stops(), b.status(parent))
	}
}

// TestStartsAgain: a notebook that was stopped and started again is stopped again.
func TestStartsAgain(t *testing.T) {
	b := newBed(t, stopRules)
	b.notebook("nb")
	b.tick(30)
	b.wantSaid("alert nb=announced", "stop nb=confirmed")
	b.starts("nb")
	b.deliver()
	b.tick(30)
	b.wantSaid("alert nb=announced", "stop nb=confirmed", "stop nb=announced", "stop nb=confirmed")
}

// TestSameAtOnce: several responders get the same changes at the same time: each
// job is stopped once, and what is written down is right.
func TestSameAtOnce(t *testing.T) {
	b := newBed(t, stopRules)
	for i := range 4 {
		b.training(fmt.Sprintf("job-%d", i), nil)
	}
	b.clock.Advance(time.Second)
	for i := range 4 {
		b.look(fmt.Sprintf("training-job/job-%d", i))
	}
	changes := b.store.Drain()
	var wg sync.WaitGroup
	for range 5 {
		h, err := New(b.options)
		ok(t, err)
		wg.Go(func() {
			if failed, err := h.Changes(t.Context(), changes); err != nil || len(failed) > 0 {
				t.Errorf("failed %v: %v", failed, err)
			}
		})
	}
	wg.Wait()
	b.tick(12)
	for i := range 4 {
		resource := fmt.Sprintf("training-job/job-%d", i)
		if r := b.response(resource); r.Stop.State != ledger.Confirmed || r.Alert.How != ledger.Sent {
			t.Errorf("%+v", r)
		}
	}
	if n := b.calls("StopTrainingJob"); n != 4 || len(b.breaker().Stops) != 4 {
		t.Errorf("%d calls, %d booked", n, len(b.breaker().Stops))
	}
}

// TestMarkConflict: what was sent is written down, whatever was written meanwhile.
func TestMarkConflict(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	m, err := b.matter(t.Context(), resource)
	ok(t, err)
	other := b.response(resource)
	other.Due = start
	ok(t, b.store.PutResponse(t.Context(), &other))
	ok(t, b.mark(t.Context(), m, func(r *ledger.Response) { r.Alert.Class = "c" }))
	if r := b.response(resource); r.Alert.Class != "c" || !r.Due.Equal(start) || r.Version != other.Version+1 {
		t.Errorf("%+v", r)
	}
}

// TestDeadline: what there is no time for comes again.
func TestDeadline(t *testing.T) {
	b := newBed(t, notifyRules)
	b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	b.look("training-job/fraud-7")
	changes := b.store.Drain()
	ctx, cancel := context.WithTimeout(t.Context(), spare)
	defer cancel()
	if failed, err := b.Changes(ctx, changes); err == nil && len(failed) == 0 {
		t.Error("nothing is to come again")
	}
	b.wantSaid()
}

// TestMayBeExcepted: an exception may apply, by who made the job, and nobody told
// who did. Such a job fails, and is not stopped.
func TestMayBeExcepted(t *testing.T) {
	const exception = stopRules + `
exceptions:
  - id: release
    owner: ana
    reason: for this test
    expires: %s
    rules: [no-own-internet]
    match: {roles: ["arn:aws:iam::111122223333:role/Release"]}
`
	for _, c := range []struct {
		name, expires, role string
		stops               int
	}{
		{"nobody told who made it", "2027-01-31", "", 0},
		{"somebody else made it", "2027-01-31", "arn:aws:iam::111122223333:role/Other", 1},
		{"it is over", "2026-01-31", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, fmt.Sprintf(exception, c.expires))
			resource := b.training("fraud-7", nil)
			b.truth[resource] = stopmonitor.Truth{Fails: true, Whole: true, Excepted: c.stops == 0}
			b.clock.Advance(time.Second)
			e := b.look(resource)
			if c.role != "" {
				e.Origin = ledger.Origin{At: e.Created, Principal: c.role}
				ok(t, b.store.PutEntry(t.Context(), e))
			}
			b.deliver()
			if got := b.response(resource).Stop; b.monitor.Stops() != c.stops || c.stops == 0 && got.Why != "it is not known whether an exception applies" {
				t.Errorf("%d stops, %+v", b.monitor.Stops(), got)
			}
		})
	}
}

// TestNotSaidYet: what could not be found out when something failed is asked again,
// and then acted on.
func TestNotSaidYet(t *testing.T) {
	t.Run("no rules", func(t *testing.T) {
		b := newBed(t, stopRules)
		resource := b.training("fraud-7", nil)
		b.clock.Advance(time.Second)
		b.look(resource)
		b.noRules = errors.New("no rules")
		b.deliver()
		b.wantSaid("alert fraud-7")
		b.tick(3)
		b.noRules = nil
		b.tick(2)
		if b.monitor.Stops() != 1 {
			t.Errorf("%d stops: %+v", b.monitor.Stops(), b.response(resource))
		}
	})
	// What was told of is to be stopped, and a switch cannot be read just then.
	for _, control := range []string{ledger.KillSwitch, ledger.BreakerOf} {
		t.Run(control, func(t *testing.T) {
			b := newBed(t, notifyRules)
			resource := b.fails("fraud-7")
			b.tick(12)
			b.rules(stopRules)
			b.look(resource)
			b.unreadable(control, true)
			b.deliver()
			b.unreadable(control, false)
			b.tick(2)
			if b.monitor.Stops() != 1 {
				t.Errorf("%d stops: %+v", b.monitor.Stops(), b.response(resource))
			}
		})
	}
	t.Run("a look", func(t *testing.T) {
		b := newBed(t, stopRules)
		resource := b.notebook("nb")
		b.tick(30)
		b.starts("nb")
		b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "DescribeNotebookInstance", Kind: sandbox.Throttle})
		b.deliver()
		b.world.Heal()
		b.tick(20)
		if b.monitor.Stops() != 2 {
			t.Errorf("%d stops: %+v", b.monitor.Stops(), b.response(resource))
		}
	})
}

// TestStartsUnseen: a notebook was started again before anybody saw that it was
// stopped.
func TestStartsUnseen(t *testing.T) {
	b := newBed(t, stopRules)
	resource := b.notebook("nb")
	for b.status(resource) != "Stopped" {
		b.clock.Advance(time.Second)
	}
	b.starts("nb")
	b.deliver()
	b.tick(3 * 60)
	if b.monitor.Stops() < 2 {
		t.Errorf("%d stops: %+v", b.monitor.Stops(), b.response(resource))
	}
}

// TestRulesMeanwhile: rules that changed while a long invocation was under way do
// not stop by what they said before.
func TestRulesMeanwhile(t *testing.T) {
	b := newBed(t, graceRules)
	resource := b.fails("fraud-7")
	b.clock.Advance(11 * time.Minute)
	r, err := b.round(t.Context())
	ok(t, err)
	b.rules(notifyRules)
	m, err := r.matter(t.Context(), resource)
	ok(t, err)
	r.stops(t.Context(), []*matter{m}, nil)
	if b.monitor.Stops() != 0 {
		t.Error("it was stopped by rules that are not in force any more")
	}
	b.tick(2)
	if got := b.response(resource).Stop; got.State != ledger.Withheld || got.Why != "the rules do not ask for stops here" {
		t.Errorf("%+v", got)
	}
}

// TestStartsAgainSkewed: as TestStartsAgain, where our clock is ahead of SageMaker's.
func TestStartsAgainSkewed(t *testing.T) {
	b := newBed(t, stopRules)
	resource := b.notebook("nb")
	b.tick(30)
	r := b.response(resource)
	r.Stop.EndedAt = r.Stop.EndedAt.Add(time.Hour)
	ok(t, b.store.PutResponse(t.Context(), &r))
	b.starts("nb")
	b.deliver()
	b.tick(2)
	if b.monitor.Stops() != 2 {
		t.Errorf("%d stops: %+v", b.monitor.Stops(), b.response(resource))
	}
}

// TestPassesMeanwhile: what audit knows to pass is not stopped, whatever a look says;
// nor is it said that it will not be, once the stop was asked for.
func TestPassesMeanwhile(t *testing.T) {
	b := newBed(t, stopRules)
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "StopTrainingJob", Kind: sandbox.Throttle, Times: 1})
	resource := b.fails("fraud-7")
	b.change(resource, passes)
	b.deliver()
	b.tick(20)
	b.wantSaid("alert fraud-7=announced", "recovered fraud-7", "stop fraud-7=withheld")
	if text := b.sent()[1].Text; text != "It meets the rules again." || b.calls("StopTrainingJob") != 0 {
		t.Errorf("it says %q, %d calls", text, b.calls("StopTrainingJob"))
	}
}

// TestKillSwitchInABatch: once the switch is on, no more stops are made than were
// under way.
func TestKillSwitchInABatch(t *testing.T) {
	b := newBed(t, strings.NewReplacer("stops: 5", "stops: 50", "share: 20", "share: 100").Replace(stopRules))
	var thrown sync.Once
	b.world.Watch(func(c sandbox.Call) {
		if c.Operation == "StopTrainingJob" && !c.Done {
			thrown.Do(func() { b.control(ledger.KillSwitch, ledger.Switch{On: true}) })
		}
	})
	const n = 40
	for i := range n {
		b.training(fmt.Sprintf("job-%02d", i), nil)
	}
	b.clock.Advance(time.Second)
	for i := range n {
		b.look(fmt.Sprintf("training-job/job-%02d", i))
	}
	b.deliver()
	if stops := b.monitor.Stops(); stops == 0 || stops > parallel {
		t.Errorf("%d stops", stops)
	}
	b.tick(60)
	if stops := b.monitor.Stops(); stops > parallel {
		t.Errorf("%d stops", stops)
	}
}

// TestBudgetOfRetries: a stop that is tried again counts from when it was.
func TestBudgetOfRetries(t *testing.T) {
	b := newBed(t, strings.Replace(stopRules, "stops: 5", "stops: 1", 1))
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "StopTrainingJob", Kind: sandbox.Throttle})
	b.fails("one")
	b.tick(8)
	b.world.Heal()
	b.tick(2)
	if b.calls("StopTrainingJob") != 1 {
		t.Fatalf("%d calls", b.calls("StopTrainingJob"))
	}
	b.fails("two")
	if b.calls("StopTrainingJob") != 1 || !b.breaker().Open {
		t.Errorf("%d stops within 10 minutes, of 1: %+v", b.calls("StopTrainingJob"), b.breaker())
	}
}

// TestPromisedGrace: who was told when it will be stopped has that time, whatever
// the rules say meanwhile; if they give more, more.
func TestPromisedGrace(t *testing.T) {
	grace := func(d string) string {
		return "version: 1\nresponse: {mode: stop, stop: {grace: " + d + "}}\n"
	}
	b := newBed(t, grace("2h"))
	resource := b.fails("fraud-7")
	b.tick(9)
	b.rules(grace("0s"))
	b.tick(100)
	if n := b.monitor.Stops(); n != 0 {
		t.Errorf("%d stops before the time that was told", n)
	}
	b.tick(15)
	if r := b.response(resource); b.monitor.Stops() != 1 || r.Stop.State != ledger.Confirmed {
		t.Errorf("%d stops, %+v", b.monitor.Stops(), r.Stop)
	}
	b.check()
}
