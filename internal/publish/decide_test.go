package publish

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const (
	job  = "training-job/fraud-7/sagemoat/network/20261102T091407Z"
	book = "notebook-instance/nb/sagemoat/network/20261102T091407Z"
)

// told is an alert about what entries of [bed.entry] say.
func told(resource string, created time.Time) ledger.Response {
	return ledger.Response{Resource: resource, Created: created, Alert: ledger.Alert{
		At: created.Add(time.Minute), How: ledger.Sent, Class: "c", Compliance: rules.Failed, Severity: rules.High,
	}}
}

func TestFailedThenPassed(t *testing.T) {
	b := newBed(t, "eu-west-1")
	b.put(b.entry(kind.Endpoint, "e", is(rules.Failed)))
	b.publish()
	id := "endpoint/e/sagemoat/network/20261102T091407Z"
	b.holds(id + " FAILED ACTIVE 1")
	b.put(b.entry(kind.Endpoint, "e", is(rules.Warning)))
	b.publish()
	b.holds(id + " WARNING ACTIVE 2")
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
	b.publish()
	b.holds(id + " PASSED ACTIVE 3")
	b.put(b.entry(kind.Endpoint, "e", is(rules.Failed)))
	b.put(b.entry(kind.Endpoint, "e", is(rules.NotAvailable)))
	b.publish()
	b.holds(id + " FAILED ARCHIVED 4")
}

func TestPassedIsNotTold(t *testing.T) {
	b := newBed(t, "eu-west-1")
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
	b.put(b.entry(kind.Endpoint, "f", is(rules.NotAvailable)))
	b.publish()
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed), in(ledger.Gone)))
	b.put(b.entry(kind.Endpoint, "f", is(rules.NotAvailable), in(ledger.Gone)))
	b.publish()
	b.clock.Advance(100 * 24 * time.Hour)
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
	b.publish()
	b.holds()
	if len(b.sent) > 0 {
		t.Errorf("%d calls", len(b.sent))
	}
}

// TestPassedBeforeItWasSeen: a failure that was over before its change was
// handled is told as a recovery.
func TestPassedBeforeItWasSeen(t *testing.T) {
	for _, together := range []bool{true, false} {
		b := newBed(t, "eu-west-1")
		b.put(b.entry(kind.Endpoint, "e", is(rules.Failed)))
		b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
		changes := b.store.Drain()
		if together {
			b.p.Handle(t.Context(), changes)
		} else {
			b.p.Handle(t.Context(), changes[:1])
			b.holds()
			b.p.Handle(t.Context(), changes[1:])
		}
		b.holds("endpoint/e/sagemoat/network/20261102T091407Z PASSED ACTIVE 1")
	}
}

// TestLostBatch: the stream lost the change from FAILED to PASSED. The alert
// tells that there was a failure, and the next touch mends it.
func TestLostBatch(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.Endpoint, "e"))
	b.respond(told(e.Resource, e.Created))
	b.publish()
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
	b.store.Drain()
	b.clock.Advance(touch)
	b.put(b.entry(kind.Endpoint, "e", is(rules.Passed)))
	b.publish()
	b.holds("endpoint/e/sagemoat/network/20261102T091407Z PASSED ACTIVE 2")
}

func TestTouch(t *testing.T) {
	b := newBed(t, "eu-west-1")
	b.put(b.entry(kind.NotebookInstance, "nb"))
	b.publish()
	b.put(b.entry(kind.NotebookInstance, "nb")) // another record says the same
	b.publish()
	b.holds(book + " FAILED ACTIVE 1")
	b.clock.Advance(touch - time.Second)
	b.put(b.entry(kind.NotebookInstance, "nb"))
	b.publish()
	b.holds(book + " FAILED ACTIVE 2")
}

func TestArchived(t *testing.T) {
	t.Run("ended before it was alerted", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
		b.put(b.entry(kind.TrainingJob, "fraud-7", in(ledger.Ended)))
		b.publish()
		b.holds(job + " FAILED ACTIVE 1")
		b.respond(told(e.Resource, e.Created))
		b.publish()
		b.holds(job + " FAILED ARCHIVED 2")
	})
	t.Run("alerted before it ended", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
		b.publish()
		b.respond(told(e.Resource, e.Created))
		b.publish()
		b.holds(job + " FAILED ACTIVE 1")
		b.put(b.entry(kind.TrainingJob, "fraud-7", in(ledger.Ended)))
		b.publish()
		b.holds(job + " FAILED ARCHIVED 2")
	})
	t.Run("worse than the alert", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
		b.respond(told(e.Resource, e.Created))
		b.put(b.entry(kind.TrainingJob, "fraud-7", in(ledger.Ended), func(e *ledger.Entry) { e.Verdict.Severity = rules.Critical }))
		b.publish()
		b.holds(job + " FAILED ACTIVE 1")
	})
	t.Run("alert of an older one of the name", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		e := b.entry(kind.NotebookInstance, "nb", in(ledger.Gone))
		b.put(e)
		b.respond(told(e.Resource, start.Add(-time.Hour)))
		b.publish()
		b.holds(book + " FAILED ACTIVE 1")
	})
	t.Run("recovered and gone", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		b.put(b.entry(kind.NotebookInstance, "nb"))
		b.publish()
		b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed), in(ledger.Gone)))
		b.publish()
		b.holds(book + " PASSED ARCHIVED 2")
	})
	t.Run("its owner speaks for it now", func(t *testing.T) {
		b := newBed(t, "eu-west-1")
		e := b.entry(kind.TrainingJob, "fraud-7")
		b.put(e)
		b.publish()
		e.Verdict.Finding = nil
		b.put(e)
		b.publish()
		b.holds(job + " FAILED ARCHIVED 2")
	})
}

// TestIncarnations: a name is taken by another resource, and the id changes as
// more is known of one.
func TestIncarnations(t *testing.T) {
	later := start.Add(time.Hour)
	b := newBed(t, "eu-west-1")
	b.put(b.entry(kind.NotebookInstance, "nb"))
	b.publish()
	b.clock.Advance(time.Hour)
	b.put(b.entry(kind.NotebookInstance, "nb", born(later)))
	b.publish()
	next := "notebook-instance/nb/sagemoat/network/20261102T101407Z"
	b.holds(book+" FAILED ARCHIVED 2", next+" FAILED ACTIVE 1")
	// It was created a little earlier than the record said.
	b.put(b.entry(kind.NotebookInstance, "nb", born(later.Add(-2*time.Second)), is(rules.Passed)))
	b.publish()
	b.holds(book+" FAILED ARCHIVED 2", next+" FAILED ARCHIVED 2",
		"notebook-instance/nb/sagemoat/network/20261102T101405Z PASSED ACTIVE 1")
}

// TestPassedIncarnation: what recovered, and whose name another one took, is
// archived too; the one that took it passed from the beginning.
func TestPassedIncarnation(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.NotebookInstance, "nb"))
	b.respond(told(e.Resource, e.Created))
	b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed)))
	b.publish()
	b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed), born(start.Add(time.Hour))))
	b.publish()
	b.holds(book + " PASSED ARCHIVED 2")
}

// TestRecoveredWithin: what failed when the batch began, and passed before it
// ended, is told as a recovery, or archived where another one has the name now.
func TestRecoveredWithin(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		b := newBed(t, "eu-west-1")
		b.put(b.entry(kind.NotebookInstance, "nb"))
		b.publish()
		b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed)))
		b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed), in(ledger.Gone)))
		if replaced {
			b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed), born(start.Add(time.Hour))))
		}
		b.publish()
		b.holds(book + " PASSED ARCHIVED 2")
	}
}

// TestIDOfTheEntry: the finding was made from one piece of evidence, and its id is
// that of all of it.
func TestIDOfTheEntry(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.entry(kind.NotebookInstance, "nb", born(start.Add(3*time.Second)))
	e.Created = start
	b.put(e)
	b.publish()
	b.holds(book + " FAILED ACTIVE 1")
}

// TestUnknownCreation: where the creation of one is not known, the time of the
// alert tells about which it was.
func TestUnknownCreation(t *testing.T) {
	at := func(seen, alerted time.Time) (archived bool) {
		e := &ledger.Entry{Kind: kind.TrainingJob, Key: "j", FirstSeen: seen, Life: ledger.Life{State: ledger.Ended}, Verdict: ledger.Verdict{
			Class: "c", Compliance: rules.Failed, Severity: rules.High, Finding: json.RawMessage(`{}`),
		}}
		r := told("training-job/j", start)
		r.Alert.At = alerted
		out := Decide(nil, e, &r)
		return len(out) == 1 && out[0].Archived
	}
	if !at(start, start) || at(start.Add(time.Second), start) {
		t.Error("the alert was taken for that of another one")
	}
	// Where both are known they decide, whenever the alert was sent.
	r := told("training-job/j", start)
	if about(&r, &ledger.Entry{Created: start.Add(6 * time.Second), FirstSeen: start}) || !about(&r, &ledger.Entry{Created: start.Add(5 * time.Second), FirstSeen: start.Add(time.Hour)}) {
		t.Error("the creation does not decide")
	}
	old, e := &ledger.Entry{FirstSeen: start}, &ledger.Entry{FirstSeen: start.Add(time.Second)}
	if sameLife(old, e) || !sameLife(e, old) {
		t.Error("what was seen first after the other is a later one")
	}
}

func TestRemoved(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.entry(kind.TrainingJob, "fraud-7")
	failed, err := b.p.Handle(t.Context(), []ledger.Change{
		{Sequence: "1", OldEntry: &e},
		{Sequence: "2", OldResponse: &ledger.Response{Resource: e.Resource}},
		{Sequence: "3", NewEntry: &e},
		{Sequence: "4", NewResponse: &ledger.Response{Resource: "training-job/other"}},
	})
	if err != nil || len(failed) > 0 || len(b.sent) > 0 {
		t.Errorf("%v, %v, %v", failed, err, b.sent)
	}
}

func TestNews(t *testing.T) {
	b := newBed(t, "eu-west-1")
	base := b.entry(kind.NotebookInstance, "nb")
	for what, test := range map[string]struct {
		change with
		want   bool
	}{
		"nothing":    {func(*ledger.Entry) {}, false},
		"status":     {func(e *ledger.Entry) { e.Life.Status = "Updating" }, false},
		"rules":      {func(e *ledger.Entry) { e.Verdict.Rules.ID = "etag" }, false},
		"state":      {in(ledger.Gone), true},
		"compliance": {is(rules.Warning), true},
		"creation":   {func(e *ledger.Entry) { e.Created = e.Created.Add(time.Second) }, true},
		"within it":  {func(e *ledger.Entry) { e.Created = e.Created.Add(time.Millisecond) }, false},
		"no finding": {func(e *ledger.Entry) { e.Verdict.Finding = nil }, true},
		"not JSON":   {func(e *ledger.Entry) { e.Verdict.Finding = json.RawMessage(`{`) }, true},
		"much later": {func(e *ledger.Entry) { e.Written = e.Written.Add(touch) }, true},
	} {
		e := base
		if test.change(&e); news(&base, &e) != test.want {
			t.Errorf("%s: %t", what, !test.want)
		}
	}
	if news(&base, nil) || !news(nil, &base) {
		t.Error("what is new tells something, what was taken away nothing")
	}
}

// TestID: kinds that this version does not know have an id too.
func TestID(t *testing.T) {
	e := ledger.Entry{Kind: "space-ship", Key: "x/y", Account: account, Region: "eu-west-1"}
	if got := ID(&e); got != account+"/eu-west-1/space-ship/x/y/sagemoat/network" {
		t.Error(got)
	}
}

func TestStopIsTold(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
	r := told(e.Resource, e.Created)
	at := start.Add(90 * time.Second)
	imports := 1
	b.publish()
	for _, test := range []struct {
		stop        ledger.Stop
		says, field string
	}{
		{ledger.Stop{State: ledger.Announced, Operation: "StopTrainingJob", By: "rules", AnnouncedAt: at}, "Its stop (StopTrainingJob) was announced at 2026-11-02T09:15:37Z.", "2026-11-02T09:15:37Z"},
		{ledger.Stop{State: ledger.Requested, Operation: "StopTrainingJob", By: "rules", AnnouncedAt: at, RequestedAt: at}, "Its stop (StopTrainingJob) was requested at 2026-11-02T09:15:37Z.", "2026-11-02T09:15:37Z"},
		{ledger.Stop{State: ledger.Confirmed, Operation: "StopTrainingJob", By: "rules", EndedAt: at}, "It was stopped (StopTrainingJob) at 2026-11-02T09:15:37Z.", "2026-11-02T09:15:37Z"},
		{ledger.Stop{State: ledger.Withheld, Why: "the\u202e budget is spent"}, "It was not stopped: the budget is spent.", ""},
		{ledger.Stop{State: ledger.Withheld}, "It was not stopped.", ""},
	} {
		r.Stop = test.stop
		b.respond(r)
		b.respond(r) // nothing new
		b.publish()
		imports++
		got := b.world.Findings()[0]
		if !strings.HasSuffix(got.Description, " "+test.says) || got.ProductFields["sagemoat/stop"] != string(test.stop.State) ||
			got.ProductFields["sagemoat/stop-at"] != test.field || got.ProductFields["sagemoat/stop-by"] != test.stop.By || got.Imports != imports {
			t.Errorf("%s: %q, %v, %d imports", test.stop.State, got.Description, got.ProductFields, got.Imports)
		}
	}
	r.Stop = ledger.Stop{}
	b.respond(r)
	b.publish()
	if got := b.world.Findings()[0]; strings.Contains(got.Description, "stopped") || got.ProductFields["sagemoat/stop"] != "" {
		t.Errorf("%q, %v", got.Description, got.ProductFields)
	}
}

// TestStopOfTheOther: the stop of what took the name is not told of the one that
// had it before, nor the other way round.
func TestStopOfTheOther(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.NotebookInstance, "nb", func(e *ledger.Entry) { e.Created = time.Time{} }))
	b.publish()
	later := b.entry(kind.NotebookInstance, "nb", born(start.Add(time.Hour)))
	b.put(later)
	r := told(e.Resource, later.Created)
	r.Stop = ledger.Stop{State: ledger.Announced, Operation: "StopNotebookInstance", AnnouncedAt: later.Created.Add(time.Minute)}
	b.respond(r)
	b.publish()
	for _, f := range b.world.Findings() {
		if stopped := strings.Contains(f.Description, "Its stop"); stopped != strings.HasSuffix(f.ID, "Z") {
			t.Errorf("%s: %s", f.ID, f.Description)
		}
	}
}

// TestTimes: created stays, updated grows with each write, whatever the clocks of
// those who write say, and is never before created.
func TestTimes(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
	b.publish()
	f := b.world.Findings()[0]
	if f.CreatedAt != "2026-11-02T09:14:07.000Z" || f.UpdatedAt != "2026-11-02T09:14:08.000Z" {
		t.Errorf("%s, %s", f.CreatedAt, f.UpdatedAt)
	}
	// The clock of respond is five minutes ahead of that of audit.
	r := told(e.Resource, e.Created)
	r.Stop.State = ledger.Announced
	r.Written = b.clock.Now().Add(5 * time.Minute)
	if err := b.store.PutResponse(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	b.publish()
	last := b.world.Findings()[0]
	for n, c := range []rules.Compliance{rules.Warning, rules.Passed, rules.Failed, rules.Passed} {
		b.put(b.entry(kind.TrainingJob, "fraud-7", is(c)))
		b.publish()
		f := b.world.Findings()[0]
		if f.Compliance.Status != c || f.UpdatedAt <= last.UpdatedAt || f.CreatedAt != last.CreatedAt {
			t.Errorf("write %d: %s at %s after %s", n, f.Compliance.Status, f.UpdatedAt, last.UpdatedAt)
		}
		last = f
	}
	written := b.clock.Now().Add(6 * time.Minute)
	if last.UpdatedAt > written.Format(time.RFC3339) {
		t.Errorf("%s is in the future of %s", last.UpdatedAt, written)
	}
	// Evidence from a clock that is ahead of the ledger's.
	b.put(b.entry(kind.Endpoint, "e", born(b.clock.Now().Add(time.Hour))))
	b.publish()
	if f := b.world.Findings()[1]; f.CreatedAt != f.UpdatedAt {
		t.Errorf("%s, %s", f.CreatedAt, f.UpdatedAt)
	}
}

// TestOrders: however the stream cuts the changes into batches, however often and
// late it delivers them, Security Hub holds what the ledger holds.
func TestOrders(t *testing.T) {
	again := born(start.Add(time.Hour))
	steps := []func(b *bed){
		func(b *bed) { b.put(b.entry(kind.NotebookInstance, "nb")) },
		func(b *bed) { b.respond(told("notebook-instance/nb", start)) },
		func(b *bed) { b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed))) },
		func(b *bed) { b.put(b.entry(kind.NotebookInstance, "nb", is(rules.Passed), in(ledger.Gone))) },
		func(b *bed) { b.put(b.entry(kind.NotebookInstance, "nb", again)) },
		func(b *bed) {
			r := told("notebook-instance/nb", start.Add(time.Hour))
			r.Stop = ledger.Stop{State: ledger.Requested, RequestedAt: start.Add(time.Hour)}
			b.respond(r)
		},
		func(b *bed) { b.put(b.entry(kind.NotebookInstance, "nb", again, in(ledger.Gone))) },
	}
	for cut := range 1 << len(steps) {
		for _, late := range []bool{false, true} {
			b := newBed(t, "eu-west-1")
			var all, batch []ledger.Change
			deliver := func(batch []ledger.Change) {
				for range 2 {
					if _, err := b.p.Handle(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
				}
			}
			var batches [][]ledger.Change
			for i, step := range steps {
				step(b)
				batch = append(batch, b.store.Drain()...)
				if i < len(steps)-1 && cut>>i&1 == 0 {
					continue
				}
				if !late {
					deliver(batch)
				}
				batches, all, batch = append(batches, batch), append(all, batch...), nil
			}
			if late {
				for _, batch := range batches {
					deliver(batch)
				}
			}
			for _, repeated := range []bool{false, true} {
				if repeated {
					deliver(all) // the whole stream once more
				}
				state := map[string]string{}
				for _, f := range b.world.Findings() {
					state[f.ID[strings.LastIndexByte(f.ID, '/')+1:]] = string(f.Compliance.Status) + " " + f.RecordState + " " + f.ProductFields["sagemoat/stop"]
				}
				// The first failed and recovered. It may be told with the one or the other.
				if first := state["20261102T091407Z"]; first != "PASSED ARCHIVED " && first != "FAILED ARCHIVED " {
					t.Errorf("cut %b, late %t, repeated %t: the first is %q", cut, late, repeated, first)
				}
				if state["20261102T101407Z"] != "FAILED ARCHIVED requested" || len(state) != 2 {
					t.Errorf("cut %b, late %t, repeated %t: %v", cut, late, repeated, state)
				}
			}
		}
	}
}
