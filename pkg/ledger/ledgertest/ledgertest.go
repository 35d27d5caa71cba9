// Package ledgertest is what every store of a ledger has to do.
package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Start is the time at which a store under test begins.
var Start = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

// Entry is an entry of which every member is set, as of a time.
func Entry(name string, at time.Time) *ledger.Entry {
	return &ledger.Entry{
		Resource: "training-job/" + name, Kind: kind.TrainingJob, Key: name, Name: name,
		ARN:       "arn:aws:sagemaker:eu-west-1:111122223333:training-job/" + name,
		Partition: "aws", Account: "111122223333", Region: "eu-west-1",
		Created: at,
		Origin:  ledger.Origin{At: at, Event: "CreateTrainingJob", EventID: "1", Actor: "arn:aws:sts::111122223333:assumed-role/ds/ana", Principal: "ds"},
		Life:    ledger.Life{At: at, State: ledger.Live, Status: "InProgress"},
		Verdict: ledger.Verdict{
			At: at, Rules: ledger.RulesVersion{At: Start.Add(-time.Hour), ID: "etag"}, Event: "CreateTrainingJob", EventID: "1",
			Described: true, Whole: true, Class: "b-internet", DataPath: "service",
			Compliance: rules.Failed, Severity: rules.High, Exception: "x",
			Finding: []byte(`{"Title":"<é>"}`),
			Notice:  ledger.Notice{Title: "t", Description: "d", Remedy: "r", Paste: "{}", Doc: "https://docs.aws.amazon.com/", Team: "fraud", Topic: "topic", Owner: "o/o"},
		},
		Carry:     ledger.Carry{At: at, Doc: []byte(`{"a":1}`)},
		FirstSeen: at,
	}
}

// Response is a response that is due at a time.
func Response(name string, due time.Time) *ledger.Response {
	return &ledger.Response{
		Resource: "training-job/" + name, Created: Start, Due: due,
		Alert: ledger.Alert{At: Start, How: ledger.Sent, Class: "b-internet", Compliance: rules.Failed, Severity: rules.High},
		Stop:  ledger.Stop{State: ledger.Announced, Operation: "StopTrainingJob", By: "rules", AnnouncedAt: Start},
	}
}

// Clock is a clock that a test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Run holds a store to the contract. open returns an empty one.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) ledger.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, ledger.Store, *Clock){
		"entries":     entries,
		"older":       older,
		"responses":   responses,
		"controls":    controls,
		"concurrency": concurrency,
		"live":        live,
		"due":         due,
		"ended":       ended,
	} {
		t.Run(name, func(t *testing.T) {
			clock := &Clock{now: Start}
			test(t, open(t, clock.Now), clock)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// entries: what is written is read, each version once, and what is refused
// changes nothing.
func entries(t *testing.T, s ledger.Store, clock *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	none, err := s.Entry(ctx, "training-job/fraud-7")
	must(t, err)
	if none != nil {
		t.Errorf("an empty ledger has %+v", none)
	}
	e := Entry("fraud-7", Start)
	must(t, s.PutEntry(ctx, e))
	if e.Version != 1 || !e.Written.Equal(Start) {
		t.Errorf("the first write is version %d at %v", e.Version, e.Written)
	}
	got, err := s.Entry(ctx, e.Resource)
	must(t, err)
	equal(t, "what was read", got, e)
	if !got.Told(e) {
		t.Error("what was read tells something else")
	}

	first := *e
	e.Life.Status = "Stopping"
	must(t, s.PutEntry(ctx, e))
	if e.Version != 2 || !e.Written.After(first.Written) {
		t.Errorf("the second write is version %d at %v, with the clock at rest since %v", e.Version, e.Written, first.Written)
	}
	clock.Add(-time.Hour)
	must(t, s.PutEntry(ctx, e))
	if e.Version != 3 || e.Written.Before(Start) {
		t.Errorf("the third write, by a clock that went back, is version %d at %v", e.Version, e.Written)
	}
	stale, fresh := first, *Entry("fraud-7", Start)
	refused(t, "a version that was replaced", s.PutEntry(ctx, &stale), ledger.ErrConflict)
	refused(t, "a first version of what is there", s.PutEntry(ctx, &fresh), ledger.ErrConflict)
	equal(t, "what was refused", stale, first)
	absent := *Entry("other", Start)
	absent.Version = 4
	refused(t, "a later version of what is not there", s.PutEntry(ctx, &absent), ledger.ErrConflict)
	got, err = s.Entry(ctx, e.Resource)
	must(t, err)
	equal(t, "what stands", got, e)

	broken := *e
	broken.Verdict.Finding = []byte(`{`)
	if err := s.PutEntry(ctx, &broken); err == nil {
		t.Error("a finding that is not JSON was written")
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	refused(t, "a write whose time is over", s.PutEntry(over, e), context.Canceled)
	refused(t, "a response whose time is over", s.PutResponse(over, Response("fraud-7", Start)), context.Canceled)
	refused(t, "a control whose time is over", s.PutControl(over, ledger.KillSwitch, 0, ledger.Switch{}), context.Canceled)
	_, err = s.Entry(over, e.Resource)
	refused(t, "a read whose time is over", err, context.Canceled)
}

// older: whoever did not merge is refused.
func older(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	e := Entry("fraud-7", Start)
	must(t, s.PutEntry(ctx, e))
	for what, change := range map[string]func(*ledger.Entry){
		"older evidence":                 func(e *ledger.Entry) { e.Verdict.At = Start.Add(-time.Nanosecond) },
		"older rules":                    func(e *ledger.Entry) { e.Verdict.Rules.At = e.Verdict.Rules.At.Add(-time.Second) },
		"older evidence, by newer rules": func(e *ledger.Entry) { e.Verdict.At, e.Verdict.Rules.At = Start.Add(-time.Second), Start },
		"no verdict":                     func(e *ledger.Entry) { e.Verdict = ledger.Verdict{} },
	} {
		back := *e
		change(&back)
		err := s.PutEntry(ctx, &back)
		refused(t, what, err, ledger.ErrOlder)
		if errors.Is(err, ledger.ErrConflict) {
			t.Errorf("%s: trying again would not help, and the error says so: %v", what, err)
		}
	}
	e.Verdict.At, e.Verdict.Rules.At = Start.Add(time.Second), Start.Add(-2*time.Hour)
	must(t, s.PutEntry(ctx, e)) // newer evidence, by older rules
	e.Verdict.Rules.At = Start
	must(t, s.PutEntry(ctx, e)) // the same evidence, by newer rules
	e.Created, e.Verdict = Start.Add(time.Minute), ledger.Verdict{}
	must(t, s.PutEntry(ctx, e)) // created again, and not judged yet
}

func responses(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	none, err := s.Response(ctx, "training-job/fraud-7")
	must(t, err)
	if none != nil {
		t.Errorf("an empty ledger has %+v", none)
	}
	r := Response("fraud-7", Start)
	must(t, s.PutResponse(ctx, r))
	first := *r
	r.Due, r.Stop.State = time.Time{}, ledger.Confirmed
	must(t, s.PutResponse(ctx, r))
	if r.Version != 2 || !r.Written.After(first.Written) {
		t.Errorf("the second write is version %d at %v, after %v", r.Version, r.Written, first.Written)
	}
	got, err := s.Response(ctx, r.Resource)
	must(t, err)
	equal(t, "what was read", got, r)
	refused(t, "a version that was replaced", s.PutResponse(ctx, &first), ledger.ErrConflict)
	e, err := s.Entry(ctx, r.Resource)
	must(t, err)
	if e != nil {
		t.Errorf("a response became an entry: %+v", e)
	}
}

func controls(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	var got ledger.Breaker
	v, err := s.Control(ctx, ledger.BreakerOf, &got)
	must(t, err)
	if v != 0 || got.Open {
		t.Errorf("an empty ledger has version %d: %+v", v, got)
	}
	want := ledger.Breaker{Open: true, Why: "too many", OpenedAt: Start, Stops: []time.Time{Start}}
	must(t, s.PutControl(ctx, ledger.BreakerOf, 0, want))
	refused(t, "a first version of what is there", s.PutControl(ctx, ledger.BreakerOf, 0, want), ledger.ErrConflict)
	v, err = s.Control(ctx, ledger.BreakerOf, &got)
	must(t, err)
	if v != 1 {
		t.Errorf("version %d", v)
	}
	equal(t, "the breaker", got, want)
	must(t, s.PutControl(ctx, ledger.BreakerOf, v, ledger.Breaker{}))
	refused(t, "a version that was replaced", s.PutControl(ctx, ledger.BreakerOf, v, want), ledger.ErrConflict)
	if _, err := s.Control(ctx, ledger.BreakerOf, new([]string)); err == nil {
		t.Error("a control of another shape was read")
	}
	if err := s.PutControl(ctx, "x", 0, func() {}); err == nil {
		t.Error("a control that is not JSON was written")
	}
	v, err = s.Control(ctx, ledger.KillSwitch, &ledger.Switch{})
	must(t, err)
	if v != 0 {
		t.Errorf("another control is at version %d", v)
	}
}

// concurrency: twenty write at once, and no write is lost.
func concurrency(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	const writers, times = 20, 3
	ctx := t.Context()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < times; {
				var n int
				v, err := s.Control(ctx, "n", &n)
				if err == nil {
					err = s.PutControl(ctx, "n", v, n+1)
				}
				if errors.Is(err, ledger.ErrConflict) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				done++
			}
		})
	}
	var mu sync.Mutex
	won := 0
	for range writers {
		wg.Go(func() {
			switch err := s.PutEntry(ctx, Entry("fraud-7", Start)); {
			case err == nil:
				mu.Lock()
				won++
				mu.Unlock()
			case !errors.Is(err, ledger.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	v, err := s.Control(ctx, "n", &n)
	must(t, err)
	if n != writers*times || v != writers*times {
		t.Errorf("%d writers wrote %d times: got %d, version %d", writers, times, n, v)
	}
	if won != 1 {
		t.Errorf("%d were the first to write an entry", won)
	}
}

// live: a thousand entries, page by page, each once and in order.
func live(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	const n = 1000
	var want []string
	var wg sync.WaitGroup
	limit := make(chan struct{}, 8)
	write := func(name string, change func(*ledger.Entry)) {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			e := Entry(name, Start)
			change(e)
			if err := s.PutEntry(ctx, e); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range n {
		name := fmt.Sprintf("job-%d", i)
		want = append(want, "training-job/"+name)
		write(name, func(*ledger.Entry) {})
	}
	write("gone", func(e *ledger.Entry) { e.Life.State = ledger.Gone })
	write("ended", func(e *ledger.Entry) { e.Life.State = ledger.Ended })
	write("unknown", func(e *ledger.Entry) { e.Life = ledger.Life{} })
	write("n", func(e *ledger.Entry) { e.Kind, e.Resource = kind.NotebookInstance, "notebook-instance/n" })
	wg.Wait()
	slices.Sort(want)
	var got []string
	pages := 0
	for after := ""; pages == 0 || after != ""; pages++ {
		page, next, err := s.Live(ctx, kind.TrainingJob, after)
		must(t, err)
		for _, e := range page {
			got = append(got, e.Resource)
		}
		after = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d entries, want %d", len(got), len(want))
	}
	if pages < 2 || pages > n/10 {
		t.Errorf("%d entries on %d pages", n, pages)
	}
	page, next, err := s.Live(ctx, kind.NotebookInstance, "")
	must(t, err)
	if len(page) != 1 || next != "" {
		t.Errorf("of the other kind got %d, and next %q", len(page), next)
	}
}

// due: the longest due first, and none that is not.
func due(t *testing.T, s ledger.Store, clock *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	for name, at := range map[string]time.Time{
		"now": Start, "soon": Start.Add(time.Nanosecond), "never": {}, "b": Start.Add(-time.Hour), "a": Start.Add(-time.Hour),
		"zoned": Start.Add(-2 * time.Hour).In(time.FixedZone("", 7*3600)), "old": Start.Add(-time.Hour - time.Nanosecond),
	} {
		must(t, s.PutResponse(ctx, Response(name, at)))
	}
	names := func() (names []string) {
		got, err := s.Due(ctx, clock.Now())
		must(t, err)
		for _, r := range got {
			names = append(names, r.Resource[len("training-job/"):])
		}
		return names
	}
	equal(t, "what is due", names(), []string{"zoned", "old", "a", "b", "now"})
	clock.Add(time.Second)
	equal(t, "what is due then", names(), []string{"zoned", "old", "a", "b", "now", "soon"})
	r, err := s.Response(ctx, "training-job/a")
	must(t, err)
	r.Due = time.Time{}
	must(t, s.PutResponse(ctx, r))
	equal(t, "what is due after one was done", names(), []string{"zoned", "old", "b", "now", "soon"})
	for i := range 150 {
		must(t, s.PutResponse(ctx, Response(fmt.Sprintf("many-%03d", i), Start.Add(-24*time.Hour))))
	}
	if got := names(); len(got) < 10 || len(got) > 149 || got[0] != "many-000" {
		t.Errorf("of many got %d at once, the first %v", len(got), got[:min(3, len(got))])
	}
}

// ended: what ends is not listed any more, and is there.
func ended(t *testing.T, s ledger.Store, _ *Clock) { //nolint:thelper // it is the test, whose lines one wants to know
	ctx := t.Context()
	e := Entry("fraud-7", Start)
	for _, state := range []ledger.State{ledger.Live, ledger.Ended, ledger.Live, ledger.Gone} {
		e.Life.State = state
		must(t, s.PutEntry(ctx, e))
		page, _, err := s.Live(ctx, e.Kind, "")
		must(t, err)
		if got := len(page) == 1; got != (state == ledger.Live) {
			t.Errorf("what is %s is listed: %t", state, got)
		}
		got, err := s.Entry(ctx, e.Resource)
		must(t, err)
		equal(t, "what was read", got, e)
	}
}
