package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// failing puts n jobs that fail into the ledger, and returns the changes.
func (b *bed) failing(n int) []ledger.Change {
	b.t.Helper()
	template := b.entry(kind.TrainingJob, "job-00000")
	for i := range n {
		e := template
		name := fmt.Sprintf("job-%05d", i)
		e.Key, e.Name, e.Resource = name, name, "training-job/"+name
		e.ARN = strings.ReplaceAll(e.ARN, "job-00000", name)
		e.Verdict.Finding = bytes.ReplaceAll(e.Verdict.Finding, []byte("job-00000"), []byte(name))
		if err := b.store.PutEntry(b.t.Context(), &e); err != nil {
			b.t.Fatal(err)
		}
	}
	return b.store.Drain()
}

// imported are the names of the jobs that Security Hub has a finding about.
func (b *bed) imported() map[string]bool {
	out := map[string]bool{}
	for _, f := range b.world.Findings() {
		out[nameOf(f.ID)] = true
	}
	return out
}

// nameOf is the job's name in an id: …:training-job/NAME/sagemoat/network/….
func nameOf(id string) string { return strings.Split(id, "/")[1] }

// TestTwoOfOneID: two entries that mean the same resource, as of a name written in
// two ways, hold up nobody.
func TestTwoOfOneID(t *testing.T) {
	b := newBed(t, "eu-west-1")
	b.put(b.entry(kind.TrainingJob, "job-00000"))
	e := b.entry(kind.TrainingJob, "job-00000")
	e.Key, e.Name, e.Resource = "Job-00000", "Job-00000", "training-job/Job-00000"
	b.put(e)
	b.put(b.entry(kind.TrainingJob, "job-00002"))
	b.publish()
	if got := b.imported(); !got["job-00000"] || !got["job-00002"] {
		t.Errorf("imported: %v", got)
	}
}

// TestFigure5: whichever of 0 to 100 findings are refused, exactly those are sent
// again, each alone, and exactly those that stay refused are handed back.
func TestFigure5(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	batches := chaos.N(20, 1000)
	retried, refusals, lost := 0, 0, 0
	for range batches {
		b := newBed(t, "eu-west-1")
		n := 1 + random.IntN(100)
		changes := b.failing(n)
		share := []float64{0, random.Float64(), 1}[random.IntN(3)]
		left := map[string]int{} // how often a finding is refused
		for i := range n {
			if random.Float64() < share {
				left[fmt.Sprintf("job-%05d", i)] = 1 + random.IntN(rounds+1)
			}
		}
		want := map[string]int{}
		var failed []string
		for name, times := range left {
			want[name] = min(times, rounds-1)
			if times >= rounds {
				failed = append(failed, name)
			}
		}
		b.refuse = func(id string) string {
			if name := nameOf(id); left[name] > 0 {
				left[name]--
				return []string{"InternalFailure", "Throttled", "ConcurrentModification"}[random.IntN(3)]
			}
			return ""
		}
		got, err := b.p.Handle(t.Context(), changes)
		if (err == nil) != (len(failed) == 0) {
			t.Fatalf("%d failed: %v", len(failed), err)
		}
		if strings.Contains(b.logs.String(), "a call to Security Hub failed") {
			// A connection broke, and a call that came through was made again: seen by
			// others, too. https://github.com/aws/aws-sdk-go-v2/issues/2737
			lost++
			continue
		}
		again := map[string]int{}
		for _, call := range b.sent[1:] {
			if len(call) != 1 {
				t.Fatalf("%d findings in a call that repeats:\n%s", len(call), b.logs.String())
			}
			again[nameOf(call[0])]++
		}
		// A finding is sent again as often as it was refused, within the rounds.
		if len(b.sent[0]) != n || !equal(again, want) {
			t.Fatalf("sent again %v, want %v", again, want)
		}
		var names []string
		for _, c := range changes {
			if slices.Contains(got, c.Sequence) {
				names = append(names, c.NewEntry.Name)
			}
		}
		slices.Sort(failed)
		if !slices.Equal(names, failed) || len(got) != len(failed) || len(b.imported()) != n-len(failed) {
			t.Fatalf("handed back %v, want %v; %d of %d imported", names, failed, len(b.imported()), n)
		}
		counts := b.counts()
		b.is(telemetry.Imported, counts, n-len(failed))
		b.is(telemetry.Retried, counts, len(failed))
		retried += len(b.sent) - 1
		refusals += len(failed)
	}
	if lost > batches/4 {
		t.Errorf("of %d batches, the answer to a call was lost in %d", batches, lost)
	}
	t.Logf("%d batches: %d findings sent again, %d handed back", batches, retried, refusals)
}

func equal(a, b map[string]int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

// TestFigure6: 10,000 findings against 10 calls a second, 30 at once.
func TestFigure6(t *testing.T) {
	n := chaos.N(1_000, 10_000)
	for _, size := range []int{100, n} { // records in a batch of the stream
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			b := newBed(t, "eu-west-1")
			changes := b.failing(n)
			for batch := range slices.Chunk(changes, size) {
				if failed, err := b.p.Handle(t.Context(), batch); err != nil || len(failed) > 0 {
					t.Fatal(len(failed), err)
				}
			}
			took := b.clock.Now().Sub(start)
			calls := b.world.Calls()
			throttled := 0
			for _, c := range calls {
				if c.Outcome != "" {
					throttled++
				}
			}
			if len(calls) != (n+99)/100 || throttled > 0 || len(b.world.Findings()) != n || took > time.Duration(n/100)*time.Second/callRate {
				t.Errorf("%d calls, %d of them refused, %d findings, %s", len(calls), throttled, len(b.world.Findings()), took)
			}
			t.Logf("%d findings in %d calls, none throttled, in %s", n, len(calls), took)
		})
	}
}

// TestFigure6Throttled: throttles, lost connections and answers, and errors of
// the service; the stream delivers again what was handed back.
func TestFigure6Throttled(t *testing.T) {
	for _, share := range []float64{0.1, 0.3, 0.9} {
		b := newBed(t, "eu-west-1")
		n := chaos.N(500, 10_000)
		changes := b.failing(n)
		b.world.Fail(sandbox.Fault{Kind: sandbox.Throttle, Probability: share})
		b.world.Fail(sandbox.Fault{Kind: sandbox.Unavailable, Probability: 0.05})
		b.world.Fail(sandbox.Fault{Kind: sandbox.ResetBefore, Probability: 0.02})
		b.world.Fail(sandbox.Fault{Kind: sandbox.ResetAfter, Probability: 0.02})
		deliveries := 0
		for batch := range slices.Chunk(changes, 200) {
			for len(batch) > 0 {
				if deliveries++; deliveries > 10_000 {
					t.Fatal("it does not end")
				}
				failed, err := b.p.Handle(t.Context(), batch)
				if (err == nil) != (len(failed) == 0) {
					t.Fatalf("%d handed back: %v", len(failed), err)
				}
				// Lambda goes on from the first that failed.
				first := slices.IndexFunc(batch, func(c ledger.Change) bool { return slices.Contains(failed, c.Sequence) })
				if first < 0 {
					break
				}
				batch = batch[first:]
			}
		}
		imports := 0
		for _, f := range b.world.Findings() {
			imports += f.Imports
		}
		own := 0
		faults := map[sandbox.FaultKind]int{}
		for _, c := range b.world.Calls() {
			faults[c.Fault]++
			if c.Outcome != "" && c.Fault == sandbox.NoFault {
				own++
			}
		}
		// What was imported and not heard of is imported again, and ignored.
		if len(b.world.Findings()) != n || imports != n || own > 0 {
			t.Errorf("%d findings of %d, %d imports, %d throttled by the rate", len(b.world.Findings()), n, imports, own)
		}
		t.Logf("%.0f%% throttled: %d findings, %d deliveries, calls %v, %s", share*100, n, deliveries, faults, b.clock.Now().Sub(start))
	}
}

// TestHubOff: everything waits, with one line in the log, until the hub is on.
func TestHubOff(t *testing.T) {
	denied := func(b *bed) { b.p.o.Account, b.p.o.Hub = account, deniedHub(b) }
	for name, off := range map[string]func(*bed){
		"by call":    func(b *bed) { b.world.SetHub(sandbox.HubOff) },
		"by finding": func(b *bed) { b.world.SetHub(sandbox.HubOffByFinding) },
		"denied":     denied,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, "eu-west-1")
			changes := b.failing(250)
			on := b.p.o.Hub
			off(b)
			for range 3 {
				b.logs.Reset()
				failed, err := b.p.Handle(t.Context(), changes)
				if !errors.Is(err, ErrHubOff) || len(failed) != len(changes) || failed[0] != changes[0].Sequence {
					t.Fatalf("%d of %d: %v", len(failed), len(changes), err)
				}
				if lines := strings.Count(b.logs.String(), "\n"); lines != 1 || strings.Contains(b.logs.String(), "dropped") {
					t.Errorf("%d lines: %s", lines, &b.logs)
				}
				counts := b.counts()
				b.is(telemetry.HubOff, counts, 1)
				b.is(telemetry.Retried, counts, len(changes))
			}
			if len(b.letters) > 0 || len(b.world.Findings()) > 0 {
				t.Errorf("%d letters, %d findings", len(b.letters), len(b.world.Findings()))
			}
			b.world.SetHub(sandbox.HubOn)
			b.p.o.Hub = on
			if failed, err := b.p.Handle(t.Context(), changes); err != nil || len(failed) > 0 || len(b.world.Findings()) != 250 {
				t.Errorf("%v, %v, %d findings", failed, err, len(b.world.Findings()))
			}
		})
	}
}

// TestHubOffMeanwhile: what was imported before the hub went off is not handed
// back, and what comes after is.
func TestHubOffMeanwhile(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(250)
	b.world.Watch(func(c sandbox.Call) {
		if c.Done {
			b.world.SetHub(sandbox.HubOff)
		}
	})
	failed, err := b.p.Handle(t.Context(), changes)
	if !errors.Is(err, ErrHubOff) || len(failed) != 150 || failed[0] != changes[100].Sequence {
		t.Errorf("%d: %v", len(failed), err)
	}
	if !strings.Contains(b.logs.String(), `"findings imported","count":100`) {
		t.Error(b.logs.String())
	}
}

// TestPoison: what can never be imported goes to the dead letters, and keeps
// nothing else from being imported.
func TestPoison(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(60)
	broken := func(i int, finding string) {
		e := *changes[i].NewEntry
		e.Verdict.Finding = json.RawMessage(finding)
		if err := b.store.PutEntry(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
	good := string(changes[0].NewEntry.Verdict.Finding)
	broken(3, `"no finding"`)
	broken(4, strings.Replace(good, `"CompanyName":"sagemoat"`, `"CompanyName":" "`, 1))
	broken(5, strings.ReplaceAll(good, account, "444455556666"))
	broken(6, strings.ReplaceAll(good, "eu-west-1", "eu-west-2"))
	changes = append(changes, b.store.Drain()...)
	b.refuse = func(id string) string {
		if nameOf(id) == "job-00007" {
			return "InvalidInput"
		}
		return ""
	}
	failed, err := b.p.Handle(t.Context(), changes)
	if err != nil || len(failed) > 0 || len(b.imported()) != 55 || len(b.sent) != 1 {
		t.Errorf("%v, %v, %d findings in %d calls", failed, err, len(b.imported()), len(b.sent))
	}
	counts := b.counts()
	b.is(telemetry.Poison, counts, 5)
	b.is(telemetry.ImportFailed, counts, 1)
	var got []string
	for _, l := range b.letters {
		got = append(got, fmt.Sprintf("%s %d %s %d %s", l.Resource, l.Version, l.Code, len(l.Sequences), l.Reason))
	}
	want := []string{
		"training-job/job-00003 2 Invalid 2 the finding in the ledger cannot be read",
		"training-job/job-00004 2 Invalid 2 CompanyName is empty",
		`training-job/job-00005 2 Invalid 2 AwsAccountId is "444455556666", not the own account`,
		"training-job/job-00006 2 Invalid 2 the Region of Resources[0] is another one",
		"training-job/job-00007 1 InvalidInput 1 it says InvalidInput",
	}
	if !slices.Equal(got, want) {
		t.Errorf("letters:\n%s", strings.Join(got, "\n"))
	}
}

// TestPoisonedCall: Security Hub refuses the call as a whole for one finding.
func TestPoisonedCall(t *testing.T) {
	for _, alone := range []bool{false, true} {
		b := newBed(t, "eu-west-1")
		changes := b.failing(100)
		first := true
		b.refuse = func(id string) string {
			if alone && nameOf(id) == "job-00042" && first {
				first = false
				return "InternalFailure" // and the next time as a whole
			}
			return ""
		}
		b.p.o.Hub = hubOf(b, func(r *http.Request, body []byte) *http.Response {
			if !bytes.Contains(body, []byte("job-00042")) || alone && first {
				return nil
			}
			return answerOf(r, http.StatusBadRequest, "InvalidInputException", "the request is not valid")
		})
		failed, err := b.p.Handle(t.Context(), changes)
		if err != nil || len(failed) > 0 || len(b.imported()) != 99 || len(b.letters) != 1 || b.letters[0].Resource != "training-job/job-00042" || b.letters[0].Code != "InvalidInputException" {
			t.Errorf("alone %t: %v, %v, %d findings, %v", alone, failed, err, len(b.imported()), b.letters)
		}
	}
}

// TestOffWhileHalving: the hub goes off while the finding is looked for that
// makes it refuse the call.
func TestOffWhileHalving(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(4)
	b.p.o.Hub = hubOf(b, func(r *http.Request, body []byte) *http.Response {
		if bytes.Count(body, []byte(`"SchemaVersion"`)) == 4 {
			return answerOf(r, http.StatusBadRequest, "InvalidInputException", "the request is not valid")
		}
		return answerOf(r, http.StatusUnauthorized, "InvalidAccessException", "not subscribed")
	})
	if failed, err := b.p.Handle(t.Context(), changes); !errors.Is(err, ErrHubOff) || len(failed) != 4 || len(b.letters) > 0 {
		t.Errorf("%v, %v, %v", failed, err, b.letters)
	}
}

// TestReconcile: the stream lost everything of two days, and what Security Hub
// has already is not imported once more.
func TestReconcile(t *testing.T) {
	b := newBed(t, "eu-west-1")
	b.failing(150)
	b.put(b.entry(kind.Endpoint, "passed", is(rules.Passed)))
	e := b.put(b.entry(kind.Endpoint, "recovered"))
	b.respond(told(e.Resource, e.Created))
	b.put(b.entry(kind.Endpoint, "recovered", is(rules.Passed)))
	b.put(b.entry(kind.Endpoint, "owned", is(rules.NotAvailable)))
	b.store.Drain()
	for range 2 {
		if err := b.p.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	imports := 0
	for _, f := range b.world.Findings() {
		imports += f.Imports
	}
	if len(b.world.Findings()) != 151 || imports != 151 || !b.imported()["recovered"] {
		t.Errorf("%d findings, %d imports", len(b.world.Findings()), imports)
	}
	b.world.SetHub(sandbox.HubOff)
	if err := b.p.Reconcile(t.Context()); !errors.Is(err, ErrHubOff) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.p.Reconcile(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNoLetters: while the dead letters cannot be written, nothing is lost.
func TestNoLetters(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(3)
	b.refuse = func(id string) string {
		if nameOf(id) == "job-00001" {
			return "InvalidInput"
		}
		return ""
	}
	b.noMail = errors.New("no queue")
	failed, err := b.p.Handle(t.Context(), changes)
	if !errors.Is(err, b.noMail) || !slices.Equal(failed, []string{changes[1].Sequence}) || len(b.imported()) != 2 {
		t.Errorf("%v, %v", failed, err)
	}
	b.noMail = nil
	if failed, err := b.p.Handle(t.Context(), changes[1:]); err != nil || len(failed) > 0 || len(b.letters) != 1 {
		t.Errorf("%v, %v, %v", failed, err, b.letters)
	}
}

// TestUnreadableAnswer: what does not add up counts as no answer.
func TestUnreadableAnswer(t *testing.T) {
	for _, garbled := range []string{
		`{`, `{}`, `{"FailedCount":0,"SuccessCount":3}`, `{"FailedCount":1,"SuccessCount":1}`,
		`{"FailedCount":1,"SuccessCount":1,"FailedFindings":[{"Id":"another","ErrorCode":"InternalFailure"}]}`,
	} {
		b := newBed(t, "eu-west-1")
		changes := b.failing(2)
		b.garble = []byte(garbled)
		failed, err := b.p.Handle(t.Context(), changes)
		if err == nil || len(failed) != 2 || len(b.sent) != tries {
			t.Errorf("%s: %v, %v, %d calls", garbled, failed, err, len(b.sent))
		}
		b.garble = nil
		if failed, err := b.p.Handle(t.Context(), changes); err != nil || len(failed) > 0 || len(b.imported()) != 2 {
			t.Errorf("%s: %v, %v", garbled, failed, err)
		}
	}
}

// TestDeadline: what is not done when time is up is handed back.
func TestDeadline(t *testing.T) {
	for _, at := range []int{0, 1, 2, 3} { // before which sleep
		b := newBed(t, "eu-west-1")
		changes := b.failing(300)
		b.refuse = func(id string) string {
			if nameOf(id) == "job-00000" {
				return "InternalFailure"
			}
			return ""
		}
		ctx, cancel := context.WithCancel(t.Context())
		sleeps := 0
		b.p.o.Sleep = func(ctx context.Context, d time.Duration) error {
			if sleeps++; sleeps > at {
				cancel()
			}
			return b.clock.Sleep(ctx, d)
		}
		failed, err := b.p.Handle(ctx, changes)
		cancel()
		if !errors.Is(err, context.Canceled) || !slices.Contains(failed, changes[0].Sequence) || len(failed) != 300-len(b.imported()) {
			t.Errorf("%d: %d failed, %d imported, %v", at, len(failed), len(b.imported()), err)
		}
	}
	b := newBed(t, "eu-west-1")
	changes := b.failing(2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if failed, err := b.p.Handle(ctx, changes); !errors.Is(err, context.Canceled) || len(failed) != 2 {
		t.Errorf("%v, %v", failed, err)
	}
}

// TestBatches: no call has more than 100 findings or 6 MB.
func TestBatches(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	for range chaos.N(8, 200) {
		var items []*item
		for range random.IntN(400) {
			size := 2 + random.IntN([]int{500, 20_000, 240_000}[random.IntN(3)])
			items = append(items, &item{id: fmt.Sprint(len(items)), body: json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`)})
		}
		var got []*item
		all := batches(items)
		for n, batch := range all {
			bodies := make([]json.RawMessage, len(batch))
			for i := range batch {
				bodies[i] = batch[i].body
			}
			sent, err := json.Marshal(map[string]any{"Findings": bodies})
			if err != nil || len(sent) > maxBytes || len(batch) == 0 || len(batch) > maxFindings {
				t.Fatalf("%d findings, %d bytes: %v", len(batch), len(sent), err)
			}
			// The batch before had no room for the first of this one.
			if n > 0 {
				before := all[n-1]
				size := len(`{"Findings":[]}`) + len(batch[0].body)
				for _, i := range before {
					size += len(i.body) + 1
				}
				if len(before) < maxFindings && size <= maxBytes {
					t.Fatalf("a batch of %d findings has room for another", len(before))
				}
			}
			got = append(got, batch...)
		}
		if !slices.Equal(got, items) {
			t.Fatalf("%d items became %d", len(items), len(got))
		}
	}
}

// TestPartitions: the same in China, in GovCloud, and in the sovereign cloud.
func TestPartitions(t *testing.T) {
	for region, partition := range map[string]string{
		"cn-northwest-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "us-isob-east-1": "aws-iso-b", "eu-west-1": "aws",
	} {
		b := newBed(t, region)
		b.put(b.entry(kind.NotebookInstance, "nb"))
		b.publish()
		all := b.world.Findings()
		if len(all) != 1 || !strings.HasPrefix(all[0].ID, "arn:"+partition+":sagemaker:"+region+":"+account+":") ||
			all[0].ProductARN != "arn:"+partition+":securityhub:"+region+":"+account+":product/"+account+"/default" ||
			all[0].Resources[0].Partition != partition || all[0].ProductFields["sagemoat/rules-version"] != "built-in" {
			t.Errorf("%s: %+v, letters %v", region, all, b.letters)
		}
	}
}

// TestUnreadableLedger: the resource that cannot be read is handed back, and the
// others are imported.
func TestUnreadableLedger(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(3)
	b.p.o.Store = &unreadable{Store: b.store, resource: "training-job/job-00001"}
	failed, err := b.p.Handle(t.Context(), changes)
	if !errors.Is(err, errUnreadable) || !slices.Equal(failed, []string{changes[1].Sequence}) || len(b.imported()) != 2 {
		t.Errorf("%v, %v", failed, err)
	}
}

var errUnreadable = errors.New("cannot be read")

type unreadable struct {
	ledger.Store
	resource string
}

func (u *unreadable) Entry(ctx context.Context, resource string) (*ledger.Entry, error) {
	if resource == u.resource {
		return nil, errUnreadable
	}
	return u.Store.Entry(ctx, resource)
}

// TestWorkflowIsLeftAlone: an import has none of the members that are the
// customer's.
func TestWorkflowIsLeftAlone(t *testing.T) {
	b := newBed(t, "eu-west-1")
	e := b.put(b.entry(kind.TrainingJob, "fraud-7"))
	r := told(e.Resource, e.Created)
	r.Stop = ledger.Stop{State: ledger.Withheld, Why: "the kill switch is on"}
	b.respond(r)
	b.publish()
	for _, member := range []string{"Workflow", "WorkflowState", "Note", "VerificationState", "UserDefinedFields", "Severity", "Types", "Confidence"} {
		var call struct{ Findings []map[string]any }
		if err := json.Unmarshal(b.bodies[0], &call); err != nil {
			t.Fatal(err)
		}
		if _, there := call.Findings[0][member]; there {
			t.Errorf("%s is sent", member)
		}
	}
	if f := b.world.Findings()[0]; finding.Validate(f.ASFF) != nil || f.Workflow != "NEW" {
		t.Errorf("%+v", f)
	}
}

// TestPatience: a finding that is refused again and again, and nobody says why,
// does not hold up the others until the stream forgets them.
func TestPatience(t *testing.T) {
	b := newBed(t, "eu-west-1")
	changes := b.failing(3)
	b.refuse = func(id string) string {
		if nameOf(id) == "job-00000" {
			return "InternalFailure"
		}
		return ""
	}
	failed, _ := b.p.Handle(t.Context(), changes)
	if !slices.Equal(failed, []string{changes[0].Sequence}) || len(b.letters) != 0 {
		t.Errorf("at first %v comes again, and there are letters: %v", failed, b.letters)
	}
	b.clock.Advance(2 * time.Hour)
	failed, err := b.p.Handle(t.Context(), changes)
	if len(failed) != 0 || err != nil {
		t.Errorf("after two hours %v comes again: %v", failed, err)
	}
	if len(b.letters) != 1 || b.letters[0].Code != "InternalFailure" || !strings.Contains(b.letters[0].Finding, "job-00000") {
		t.Errorf("letters: %+v", b.letters)
	}
}
