package respond

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// change writes an entry with a change.
func (b *bed) change(resource string, f func(*ledger.Entry)) {
	b.Helper()
	e, err := b.store.Entry(b.Context(), resource)
	ok(b, err)
	f(e)
	ok(b, b.store.PutEntry(b.Context(), e))
}

func passes(e *ledger.Entry) {
	e.Verdict.Compliance, e.Verdict.Severity, e.Verdict.Class = rules.Passed, "", "b-vpc"
	e.Verdict.Notice.Title = "Training job " + e.Name + " meets the network rules"
}

// TestRecovered: said once, and a failure after it is news.
func TestRecovered(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	var before ledger.Verdict
	b.change(resource, func(e *ledger.Entry) { before = e.Verdict; passes(e) })
	if failed := b.stream(3); len(failed) > 0 {
		t.Fatal(failed)
	}
	b.wantSaid("alert fraud-7", "recovered fraud-7")
	b.change(resource, func(e *ledger.Entry) { e.Verdict = before })
	b.deliver()
	b.wantSaid("alert fraud-7", "recovered fraud-7", "alert fraud-7")
	b.check()
}

// TestRecoveredInTime: what was to be stopped meets the rules before.
func TestRecoveredInTime(t *testing.T) {
	b := newBed(t, graceRules)
	resource := b.fails("fraud-7")
	b.change(resource, passes)
	b.deliver()
	b.tick(15)
	b.wantSaid("alert fraud-7=announced", "recovered fraud-7")
	if m := b.sent()[1]; m.Text != "It meets the rules again. It is not stopped." {
		t.Errorf("it says %q", m.Text)
	}
	if r := b.response(resource); r.Stop.State != ledger.Withheld || r.Stop.Why != "it meets the rules now" || b.monitor.Stops() != 0 {
		t.Errorf("%+v", r)
	}
}

// TestRecoveredOtherwise: no rule applies any more, or an exception does.
func TestRecoveredOtherwise(t *testing.T) {
	b := newBed(t, notifyRules)
	one, two := b.fails("one"), b.fails("two")
	b.change(one, func(e *ledger.Entry) { passes(e); e.Verdict.Compliance = rules.NotAvailable })
	b.change(two, func(e *ledger.Entry) { passes(e); e.Verdict.Exception = "x-1" })
	b.deliver()
	var said []string
	for _, m := range b.sent()[2:] {
		said = append(said, m.Text)
	}
	slices.Sort(said)
	if diff := cmp.Diff([]string{"It is allowed by an exception now.", "No rule applies to it any more."}, said); diff != "" {
		t.Error(diff)
	}
}

// TestWorse: only what is worse than what was told is told again.
func TestWorse(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	for _, s := range []rules.Severity{rules.Medium, rules.High, rules.Critical, rules.High, rules.Critical} {
		b.change(resource, func(e *ledger.Entry) { e.Verdict.Severity = s })
		b.deliver()
	}
	b.wantSaid("alert fraud-7", "alert fraud-7")
}

// TestAnother: a later resource of the same name is told of anew.
func TestAnother(t *testing.T) {
	b := newBed(t, stopRules)
	resource := b.fails("fraud-7")
	b.tick(11)
	b.change(resource, func(e *ledger.Entry) { e.Created = e.Created.Add(time.Hour) })
	b.rules(notifyRules)
	b.deliver()
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=confirmed", "alert fraud-7")
	if r := b.response(resource); r.Stop.State != "" {
		t.Errorf("%+v", r)
	}
}

func TestObserve(t *testing.T) {
	b := newBed(t, "version: 1\nresponse: {mode: observe}\n")
	resource := b.fails("fraud-7")
	b.wantSaid()
	if r := b.response(resource); r.Alert.How != ledger.Observed || !r.Due.IsZero() {
		t.Errorf("%+v", r)
	}
	b.rules(notifyRules)
	b.look(resource)
	b.deliver()
	b.wantSaid("alert fraud-7")
}

// suppress plays a person in Security Hub.
func (b *bed) suppress(id string) {
	b.Helper()
	key, secret := b.world.Credentials("person", "ana")
	hub := securityhub.New(securityhub.Options{
		Region: b.world.Region(), BaseEndpoint: b.SNS.Options().BaseEndpoint, HTTPClient: b.SNS.Options().HTTPClient,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
	_, err := hub.BatchUpdateFindings(b.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{{Id: &id, ProductArn: aws.String("arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default")}},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusSuppressed},
	})
	ok(b, err)
}

// TestSuppressed: who suppressed a finding hears no more of it; a stop is
// announced all the same, for only the rules file allows.
func TestSuppressed(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	b.suppress(b.world.Findings()[0].ID)
	b.change(resource, func(e *ledger.Entry) { e.Verdict.Severity = rules.Critical })
	b.deliver()
	b.wantSaid("alert fraud-7")
	if r := b.response(resource); r.Alert.How != ledger.Suppressed || r.Alert.Severity != rules.Critical {
		t.Errorf("%+v", r)
	}
	b.tick(11)
	if f := b.world.Findings(); f[0].Workflow != "SUPPRESSED" {
		t.Errorf("the finding is %s", f[0].Workflow)
	}
	b.rules(stopRules)
	b.change(resource, func(e *ledger.Entry) { e.Verdict.Class = "c" })
	b.deliver()
	b.wantSaid("alert fraud-7", "stop fraud-7=announced")
	if r := b.response(resource); r.Alert.How != ledger.Suppressed || r.Stop.State != ledger.Requested {
		t.Errorf("%+v", r)
	}
}

// TestHub: nothing waits for Security Hub.
func TestHub(t *testing.T) {
	b := newBed(t, notifyRules)
	b.world.Fail(sandbox.Fault{Service: "securityhub", Operation: "GetFindings", Kind: sandbox.Unavailable})
	b.fails("one")
	b.world.Heal()
	b.world.Fail(sandbox.Fault{Service: "securityhub", Operation: "BatchUpdateFindings", Kind: sandbox.Unavailable})
	b.fails("two")
	b.tick(2)
	b.world.SetHub(sandbox.HubOff)
	two := b.training("three", nil)
	b.clock.Advance(time.Second)
	b.look(two)
	if failed, err := b.Changes(t.Context(), b.store.Drain()); err != nil || len(failed) > 0 {
		t.Fatal(failed, err)
	}
	b.wantSaid("alert one", "alert two", "alert three")
	for i, want := range []int{1, 0, 0} {
		if got := b.sent()[i].Notes; len(got) != want {
			t.Errorf("notes %q", got)
		}
	}
	b.check()
}

// TestMany: a flood for one team is one message, for another one each.
func TestMany(t *testing.T) {
	b := newBed(t, `
version: 1
response:
  routes:
    - match: {names: ["a-*"]}
      team: a-team
    - match: {names: ["b-*"]}
      team: b-team
`)
	for i := range 25 {
		b.training(fmt.Sprintf("a-%02d", i), nil)
	}
	b.training("b-1", nil)
	b.training("b-2", nil)
	b.clock.Advance(time.Second)
	for i := range 25 {
		b.look(fmt.Sprintf("training-job/a-%02d", i))
	}
	b.look("training-job/b-1")
	b.look("training-job/b-2")
	b.deliver()
	if got := slices.Sorted(slices.Values(b.said())); len(got) != 3 || !strings.HasPrefix(got[0], "alert a-00 a-01") || got[1] != "alert b-1" || got[2] != "alert b-2" {
		t.Errorf("said %q", got)
	}
	published := b.world.Published() // those of one batch in any order
	many := published[slices.IndexFunc(published, func(n sandbox.Notification) bool { return strings.Contains(n.Subject, "25 ") })]
	if n := many; n.Subject != "[HIGH] 25 resources that fail the network rules (111122223333 eu-west-1)" || n.Attributes["team"] != "a-team" {
		t.Errorf("%q %v", n.Subject, n.Attributes)
	}
	for i := range 25 {
		if r := b.response(fmt.Sprintf("training-job/a-%02d", i)); r.Alert.How != ledger.Sent {
			t.Errorf("%+v", r)
		}
	}
	b.check()
	if mail := many.Deliveries[0].Body; strings.Count(mail, "\n- HIGH Training job a-") != shown {
		t.Errorf("the mail is\n%s", mail)
	}
}

// TestTopics: a route has a topic of its own; one that cannot be used costs no alert.
func TestTopics(t *testing.T) {
	b := newBed(t, `
version: 1
response:
  routes:
    - match: {names: ["a-*"]}
      team: a-team
      topic: arn:aws:sns:eu-west-1:111122223333:a-team
    - match: {names: ["b-*"]}
      team: b-team
      topic: arn:aws:sns:eu-west-1:111122223333:no-such-topic
`)
	topic := b.world.AddTopic("a-team")
	b.fails("a-1")
	b.fails("b-1")
	p := b.world.Published()
	if len(p) != 2 || p[0].Topic != topic || p[1].Topic != b.topic {
		t.Fatalf("%+v", p)
	}
	if n := b.sent()[1].Notes; len(n) != 1 || n[0] != "The rules send this to arn:aws:sns:eu-west-1:111122223333:no-such-topic, which cannot be used (NotFound)." {
		t.Errorf("notes %q", n)
	}
}

// TestTopicDown: what could not be sent comes again, and nothing else.
func TestTopicDown(t *testing.T) {
	b := newBed(t, notifyRules)
	for _, name := range []string{"one", "two"} {
		b.training(name, nil)
	}
	b.clock.Advance(time.Second)
	b.look("training-job/one")
	b.look("training-job/two")
	b.world.Fail(sandbox.Fault{Service: "sns", Kind: sandbox.Unavailable, Times: 1})
	changes := b.store.Drain()
	failed, err := b.Changes(t.Context(), changes)
	ok(t, err)
	if said := b.said(); len(failed) != 1 || len(said) != 1 || changes[slices.Index(sequences(changes), failed[0])].NewEntry.Name == strings.TrimPrefix(said[0], "alert ") {
		t.Errorf("failed %v of %v, said %q", failed, sequences(changes), said)
	}
	if failed, err = b.Changes(t.Context(), changes); err != nil || len(failed) > 0 {
		t.Error(failed, err)
	}
	if said := slices.Sorted(slices.Values(b.said())); !slices.Equal(said, []string{"alert one", "alert two"}) {
		t.Errorf("said %q", said)
	}
}

// TestWarnings: told once a day, in one message, and only what is new.
func TestWarnings(t *testing.T) {
	b := newBed(t, notifyRules)
	warn := func(name string) {
		b.training(name, nil)
		b.clock.Advance(time.Second)
		b.look("training-job/" + name)
		b.change("training-job/"+name, func(e *ledger.Entry) {
			e.Verdict.Compliance, e.Verdict.Severity, e.Verdict.Whole = rules.Warning, rules.Informational, false
		})
		b.store.Drain()
	}
	warn("one")
	warn("two")
	b.tick(1)
	b.wantSaid()
	b.clock.Advance(24 * time.Hour)
	b.tick(5)
	b.wantSaid("digest one two")
	if n := b.world.Published()[0]; n.Subject != "[digest] 2 resources that could not be judged (111122223333 eu-west-1)" && !strings.Contains(n.Subject, "could not be judged") {
		t.Errorf("subject %q", n.Subject)
	}
	warn("three")
	b.clock.Advance(24 * time.Hour)
	b.tick(5)
	b.wantSaid("digest one two", "digest three")
	b.rules("version: 1\nresponse: {digest: never}\n")
	warn("four")
	b.clock.Advance(48 * time.Hour)
	b.tick(5)
	b.wantSaid("digest one two", "digest three")
	b.check()
}

// TestFirstSweep: what the first look at an account finds is told in one message
// to each team, and then stopped where the rules say so.
func TestFirstSweep(t *testing.T) {
	b := newBed(t, `
version: 1
response:
  mode: stop
  routes:
    - match: {names: ["a-*"]}
      team: a-team
`)
	b.control(ledger.Baseline, ledger.FirstSweep{Started: start})
	for i := range 30 {
		b.fails(fmt.Sprintf("a-%02d", i))
	}
	b.fails("z")
	b.world.SageMaker().Fail("training-job", "a-00") // it ended before anybody looked
	ended := b.look("training-job/a-00")
	ended.Origin = ledger.Origin{}
	b.deliver()
	b.tick(3)
	b.wantSaid()
	b.control(ledger.Baseline, ledger.FirstSweep{Started: start, Done: b.clock.Now()})
	for range 3 {
		ok(t, b.Tick(t.Context()))
	}
	said := b.said()
	if len(said) < 2 || !strings.HasPrefix(said[0], "digest a-01 a-02") || said[1] != "digest z" {
		t.Fatalf("said %q", said)
	}
	if first := b.sent()[0]; len(first.Resources) != 29 || *first.Team != "a-team" || first.Title != "29 resources that fail the network rules" {
		t.Errorf("%+v", first)
	}
	var first ledger.FirstSweep
	_, err := b.store.Control(t.Context(), ledger.Baseline, &first)
	ok(t, err)
	if first.Told.IsZero() {
		t.Error("it is not written down that the digest was sent")
	}
	b.tick(3)
	for _, m := range b.sent()[2:] {
		if m.Type == alertType || m.Type == digestType {
			t.Errorf("it says again: %s %s", m.Type, m.Title)
		}
	}
	if b.monitor.Stops() != 5 { // the budget
		t.Errorf("%d stops", b.monitor.Stops())
	}
	// A sweep that does not come to its end keeps nothing back for ever.
	late := newBed(t, notifyRules)
	late.control(ledger.Baseline, ledger.FirstSweep{Started: start})
	late.fails("fraud-7")
	late.wantSaid()
	late.clock.Advance(25 * time.Hour)
	late.tick(1)
	late.wantSaid("digest fraud-7")
	b.check()
}

// TestIds: a message that comes twice has the same id, another one another.
func TestIds(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	r, err := b.store.Response(t.Context(), resource)
	ok(t, err)
	r.Alert = ledger.Alert{} // as if it was sent, and not written down
	ok(t, b.store.PutResponse(t.Context(), r))
	b.change(resource, func(*ledger.Entry) {})
	b.deliver()
	b.change(resource, func(e *ledger.Entry) { e.Verdict.Class = "c" })
	b.deliver()
	m := b.sent()
	if len(m) != 3 || m[0].ID != m[1].ID || m[1].ID == m[2].ID {
		t.Errorf("%d messages", len(m))
	}
}

// TestQuiet: what there is nothing to say of costs no read.
func TestQuiet(t *testing.T) {
	for _, c := range []struct {
		c    ledger.Change
		want bool
	}{
		{ledger.Change{}, false},
		{ledger.Change{NewResponse: &ledger.Response{}}, false},
		{ledger.Change{NewEntry: entryOf(rules.Passed)}, false},
		{ledger.Change{NewEntry: entryOf(rules.Passed), OldEntry: entryOf(rules.NotAvailable)}, false},
		{ledger.Change{NewEntry: entryOf(rules.Passed), OldEntry: entryOf(rules.Failed)}, true},
		{ledger.Change{NewEntry: entryOf(rules.Failed)}, true},
		{ledger.Change{NewEntry: entryOf(rules.Warning), OldEntry: entryOf(rules.Passed)}, true},
		{ledger.Change{OldEntry: entryOf(rules.Failed)}, false},
		{ledger.Change{NewEntry: &ledger.Entry{Life: ledger.Life{State: ledger.Ended}}, OldEntry: entryOf(rules.Passed)}, true},
	} {
		if _, got := worthLooking(&c.c); got != c.want {
			t.Errorf("%+v: %v", c.c, got)
		}
	}
}

func entryOf(c rules.Compliance) *ledger.Entry {
	return &ledger.Entry{Resource: "model/m", Verdict: ledger.Verdict{Compliance: c}}
}

// TestBadEntry: what cannot be understood holds up nothing else.
func TestBadEntry(t *testing.T) {
	b := newBed(t, notifyRules)
	ok(t, b.store.PutEntry(t.Context(), &ledger.Entry{Resource: "nonsense", Verdict: ledger.Verdict{Compliance: rules.Failed, Finding: json.RawMessage("{}")}}))
	ok(t, b.store.PutResponse(t.Context(), &ledger.Response{Resource: "training-job/dropped", Due: start}))
	b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	b.look("training-job/fraud-7")
	if failed, err := b.Changes(t.Context(), b.store.Drain()); err != nil || len(failed) > 0 {
		t.Errorf("failed %v, %v", failed, err)
	}
	b.tick(1)
	b.wantSaid("alert fraud-7")
	if r := b.response("training-job/dropped"); !r.Due.IsZero() {
		t.Errorf("%+v", r)
	}
}

// TestOver: what was done about a resource is kept no longer than the resource.
func TestOver(t *testing.T) {
	b := newBed(t, notifyRules)
	fails, recovers := b.fails("fails"), b.fails("recovers")
	b.change(recovers, passes)
	b.deliver()
	b.tick(11)
	for _, r := range []string{fails, recovers} {
		if x := b.response(r); x.Over || !x.Due.IsZero() {
			t.Errorf("%+v", x)
		}
		b.change(r, func(e *ledger.Entry) {
			e.Life = ledger.Life{At: b.clock.Now(), State: ledger.Ended, Status: "Completed"}
		})
		b.deliver()
		if x := b.response(r); !x.Over {
			t.Errorf("%+v", x)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a handler without a topic")
	}
	for _, mode := range []rules.Mode{"", "stopp", "STOP"} {
		if _, err := New(Options{Topic: "arn:aws:sns:eu-west-1:111122223333:alerts", Most: mode}); err == nil {
			t.Errorf("a handler that may do %q", mode)
		}
	}
}

// TestStuck: what fails again and again does not hold up the stream for ever, and is
// not forgotten.
func TestStuck(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	b.look(resource)
	changes := b.store.Drain()
	b.world.Fail(sandbox.Fault{Service: "sns", Kind: sandbox.Unavailable})
	for minute := range 18 {
		failed, err := b.Changes(t.Context(), changes)
		if err != nil || len(failed) != len(changes) && minute < 15 || len(failed) > 0 && minute > 15 {
			t.Errorf("minute %d: failed %v of %d, %v", minute, failed, len(changes), err)
		}
		b.clock.Advance(time.Minute)
	}
	b.tick(3)
	b.world.Heal()
	b.tick(3)
	b.wantSaid("alert fraud-7")
	// So with what is well again.
	b.change(resource, passes)
	changes = b.store.Drain()
	changes = changes[len(changes)-1:]
	b.world.Fail(sandbox.Fault{Service: "sns", Kind: sandbox.Unavailable})
	b.clock.Advance(time.Hour)
	if failed, err := b.Changes(t.Context(), changes); err != nil || len(failed) > 0 {
		t.Error(failed, err)
	}
	b.world.Heal()
	b.tick(3)
	b.wantSaid("alert fraud-7", "recovered fraud-7")
}

// TestManyStops: each of what is to be stopped is named in an e-mail before.
func TestManyStops(t *testing.T) {
	b := newBed(t, graceRules)
	const n, name = 90, "job-with-a-name-as-long-as-names-may-be-0123456789-01234567-%02d"
	for i := range n {
		b.training(fmt.Sprintf(name, i), nil)
	}
	b.clock.Advance(time.Second)
	for i := range n {
		e := b.look("training-job/" + fmt.Sprintf(name, i))
		e.Origin = ledger.Origin{
			At: e.Created, Event: "CreateTrainingJob", EventID: "0f0e2f9c-9d4c-4f4b-8f4e-6d3f3b1f2a10",
			Actor: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_DataScientist_0123456789abcdef/somebody.with-a-long-name@some-long-domain.example",
		}
		ok(t, b.store.PutEntry(t.Context(), e))
	}
	b.deliver()
	published := b.world.Published()
	for i := range n {
		name := "training-job/" + fmt.Sprintf(name, i)
		if !slices.ContainsFunc(published, func(p sandbox.Notification) bool { return strings.Contains(p.Deliveries[0].Body, name) }) {
			t.Errorf("%s is announced to nobody", name)
		}
	}
	if len(published) != 4 {
		t.Errorf("%d messages", len(published))
	}
}

// TestObservedOwner: whose owner nobody hears of is told of itself.
func TestObservedOwner(t *testing.T) {
	b := newBed(t, "version: 1\nresponse:\n  modes: [{match: {kinds: [notebook-instance]}, mode: observe}]\n")
	owner := b.notebook("nb")
	resource := b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	e := b.look(resource)
	e.Verdict.Notice.Owner = owner
	ok(t, b.store.PutEntry(t.Context(), e))
	b.deliver()
	b.wantSaid("alert fraud-7")
}

// TestNewsInFirstSweep: what is created while the first sweep is under way does not
// wait for its end.
func TestNewsInFirstSweep(t *testing.T) {
	b := newBed(t, stopRules)
	b.control(ledger.Baseline, ledger.FirstSweep{Started: start.Add(-time.Minute)})
	b.fails("old")
	resource := b.training("new", nil)
	b.clock.Advance(time.Second)
	e := b.look(resource)
	e.Origin = ledger.Origin{At: e.Created, Event: "CreateTrainingJob"}
	ok(t, b.store.PutEntry(t.Context(), e))
	b.deliver()
	b.wantSaid("alert new=announced")
	if b.status(resource) != "Stopping" {
		t.Errorf("it is %s", b.status(resource))
	}
}
