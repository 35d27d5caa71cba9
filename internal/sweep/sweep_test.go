package sweep_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestFirstSweep: what was there before sagemoat is found, of every kind, and is
// not called missed.
func TestFirstSweep(t *testing.T) {
	b := newBed(t)
	b.lose(sandbox.EventFaults{Drop: 1})
	resources := b.all()
	b.pass(6 * time.Minute)
	b.sweep()
	for _, r := range resources {
		if e := b.entry(r); e == nil || e.Verdict.Compliance == "" || e.Life.State != ledger.Live {
			t.Errorf("%s: %+v", r, e)
		}
	}
	for _, h := range b.hints {
		if h.Missed {
			t.Errorf("%+v was there before", h)
		}
	}
	if b.metric("BlindSeconds") != 0 || b.metric("Heartbeat") != 1 {
		t.Errorf("metrics: %s", b.logs)
	}
	f := control[ledger.FirstSweep](b, ledger.Baseline)
	if !f.Started.Equal(began.Add(6*time.Minute)) || !f.Done.IsZero() {
		t.Errorf("the first sweep: %+v", f)
	}
	count := control[ledger.Count](b, ledger.LiveCount)
	want := map[string]int{}
	for _, row := range kind.Table() {
		want[string(row.Kind)] = 1
	}
	want[string(kind.TrainingJob)] = count.Live[string(kind.TrainingJob)] // jobs have children
	if diff := gocmp.Diff(want, count.Live); diff != "" {
		t.Errorf("what is live (-want +got):\n%s", diff)
	}
	if got := control[ledger.Mark](b, ledger.Heartbeat+"sweep").At; got.Before(f.Started) {
		t.Errorf("heartbeat at %s", got)
	}
	b.pass(every)
	b.sweep()
	if f := control[ledger.FirstSweep](b, ledger.Baseline); f.Done.IsZero() {
		t.Errorf("the first sweep is not done with the second: %+v", f)
	}
}

// TestMissedEvents is figure 7: one event of a hundred is lost, and all of one
// hour. What was created since the last sweep is in the ledger before the next,
// but for what was so young that its event could have been on its way.
func TestMissedEvents(t *testing.T) {
	b := newBed(t)
	b.settled()
	blind := b.World.Now().Add(2 * time.Hour)
	b.lose(sandbox.EventFaults{Drop: 0.01, BlindFrom: blind, BlindUntil: blind.Add(time.Hour)})
	random := rand.New(rand.NewPCG(7, 7))
	made := map[string]time.Time{} // not yet known to be in the ledger
	var worst time.Duration
	missed, total, sweeps := 0, 0, 0
	b.Every(t.Context(), every, func(ctx context.Context) error {
		sweeps++
		b.logs.Reset()
		before := len(b.hints)
		err := b.sweeper.Run(ctx)
		for _, h := range b.hints[before:] {
			if h.Missed {
				missed++
			}
		}
		return err
	})
	check := func() {
		now := b.World.Now()
		for r, at := range made {
			if e := b.entry(r); e != nil && e.Verdict.Compliance != "" {
				delete(made, r)
				worst = max(worst, e.FirstSeen.Sub(at), e.Verdict.At.Sub(at))
			} else if age := now.Sub(at); age > every+7*time.Minute {
				t.Fatalf("%s is not in the ledger after %s\n%s", r, age, b.logs)
			}
		}
	}
	hours := chaos.N(4, 24)
	perMinute := chaos.N(2, 10)
	for minute := range 60 * hours {
		for i := range perMinute {
			name := fmt.Sprintf("r-%d-%d", minute, i)
			total++
			at := b.World.Now()
			switch random.IntN(4) {
			case 0:
				b.World.SageMaker().RunFor(kind.TrainingJob, name, time.Duration(random.IntN(40))*time.Minute)
				b.do("CreateTrainingJob", training(name, object{"VpcConfig": vpc()}))
				made["training-job/"+name] = at
			case 1: // comes and goes between two sweeps
				b.World.SageMaker().RunFor(kind.ProcessingJob, name, time.Second)
				b.do("CreateProcessingJob", object{"ProcessingJobName": name, "RoleArn": role, "AppSpecification": object{"ImageUri": "i"}, "ProcessingResources": object{"ClusterConfig": resources}})
				made["processing-job/"+name] = at
			case 2:
				b.do("CreateModel", model(name))
				made["model/"+name] = at
			default:
				b.do("CreateNotebookInstance", notebook(name))
				made["notebook-instance/"+name] = at
			}
		}
		b.pass(time.Minute)
		check()
	}
	b.pass(every + 7*time.Minute)
	check()
	if len(made) > 0 {
		t.Errorf("%d of %d are not in the ledger", len(made), total)
	}
	if missed < total/hours/2 {
		t.Errorf("%d were missed of %d in %d hours, one of them blind", missed, total, hours)
	}
	b.rate(2)
	t.Logf("%d resources in %d hours: events of %d missed, all found; the last %s after its creation; %d sweeps of %d calls each",
		total, hours, missed, worst, sweeps, len(b.calls)/sweeps)
}

// TestBlind: the time since the oldest creation that was missed is told, and those
// that were missed are counted by audit.
func TestBlind(t *testing.T) {
	b := newBed(t)
	b.settled()
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("CreateTrainingJob", training("missed", nil))
	b.pass(10 * time.Minute)
	b.do("CreateTrainingJob", training("young", nil))
	b.tick()
	if diff := gocmp.Diff([]string{"missed!"}, b.hinted(kind.TrainingJob)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	if got := b.metric("BlindSeconds"); got < 600 || got > 660 {
		t.Errorf("blind for %v seconds, want ten minutes", got)
	}
	if !strings.Contains(b.logs.String(), `"message":"events missed","kind":"training-job","count":1`) {
		t.Errorf("not logged: %s", b.logs)
	}
	b.pass(every)
	b.tick()
	if diff := gocmp.Diff([]string{"missed!", "young!"}, b.hinted(kind.TrainingJob)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	b.pass(every)
	b.tick()
	if b.metric("BlindSeconds") != 0 {
		t.Errorf("still blind: %s", b.logs)
	}
}

// TestPages: what was created since the last sweep is gone through page by page,
// and the next pass does not go through it again.
func TestPages(t *testing.T) {
	b := newBed(t)
	b.settled()
	n := chaos.N(5_000, 50_000)
	b.pass(time.Duration(n) * time.Second) // they are created one a second
	if err := b.World.SageMaker().SeedFinished("CreateTrainingJob", training("job", nil), n); err != nil {
		t.Fatal(err)
	}
	b.discard()
	b.tick()
	seen := map[string]bool{}
	for _, h := range b.hints {
		seen[h.Key] = true
	}
	// Those of the last five minutes are young, as of when their page is read.
	if want := n - 300; len(seen) < want || len(seen) > want+10 || len(b.hints) != len(seen) {
		t.Errorf("%d hints of %d jobs, want %d", len(b.hints), len(seen), want)
	}
	pages := len(b.listed("ListTrainingJobs"))
	if want := (n + 99) / 100; pages < want || pages > want+2 { // a call may be tried again
		t.Errorf("%d pages, want %d", pages, want)
	}
	b.forget()
	b.pass(every)
	b.tick()
	// An overlap of 15 minutes, and what was created meanwhile: nothing.
	if again := len(b.listed("ListTrainingJobs")); again > 10 {
		t.Errorf("%d pages are listed again", again)
	}
}

// TestCost: 500,000 jobs that are finished cost nothing but the pages of what is
// new.
func TestCost(t *testing.T) {
	finished, live := chaos.N(50_000, 500_000), 50
	b := newBed(t)
	b.World.SageMaker().RunFor(kind.TrainingJob, "", -1)
	b.lose(sandbox.EventFaults{Drop: 1})
	if err := b.World.SageMaker().SeedFinished("CreateTrainingJob", training("job", nil), finished); err != nil {
		t.Fatal(err)
	}
	for i := range live {
		b.do("CreateTrainingJob", training(fmt.Sprintf("live-%d", i), nil))
	}
	b.pass(6 * time.Minute)
	b.tick()
	first := len(b.calls)
	if n := len(b.hinted(kind.TrainingJob)); n != live+540 { // and those of the quarter of an hour before that
		t.Errorf("%d hints", n)
	}
	b.pass(every)
	b.forget()
	b.tick()
	second := len(b.calls)
	if len(b.hints) != 0 {
		t.Errorf("hints of what is known: %v", b.hints)
	}
	b.pass(every)
	b.forget()
	b.tick()
	t.Logf("%d finished and %d live jobs: %d calls in the first sweep, %d in the second, %d in the third", finished, live, first, second, len(b.calls))
	if first > 70 || second > 70 || len(b.calls) > 62 {
		t.Errorf("%d, %d and %d calls, want at most 70, 70 and 62", first, second, len(b.calls))
	}
	if len(b.hints) != 0 {
		t.Errorf("hints of what is known: %v", b.hints)
	}
}

// TestFilteredLate: ListTrainingJobs may fill a page before it leaves out what was
// created earlier. The look at what is new ends there all the same.
func TestFilteredLate(t *testing.T) {
	b := newBed(t)
	if err := b.World.SageMaker().SeedFinished("CreateTrainingJob", training("old", nil), 5_000); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Hour)
	b.settled()
	call := b.options.Call
	b.options.Call = func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
		in := merged(input.(object), nil)
		after, ok := in["CreationTimeAfter"].(int64)
		delete(in, "CreationTimeAfter")
		response, err := call(ctx, operation, in)
		if err != nil || !ok || operation != "ListTrainingJobs" {
			return response, err
		}
		var out object
		if err := json.Unmarshal(response.Body, &out); err != nil {
			return nil, err
		}
		out["TrainingJobSummaries"] = slices.DeleteFunc(out["TrainingJobSummaries"].([]any), func(e any) bool {
			return e.(object)["CreationTime"].(float64) < float64(after)
		})
		response.Body, err = json.Marshal(out)
		return response, err
	}
	b.restart()
	b.lose(sandbox.EventFaults{Drop: 1})
	for i := range 120 {
		b.do("CreateTrainingJob", training(fmt.Sprint("new-", i), nil))
	}
	b.pass(6 * time.Minute)
	b.tick()
	if n := len(b.hinted(kind.TrainingJob)); n != 120 {
		t.Errorf("%d hints, want 120", n)
	}
	if n := len(b.listed("ListTrainingJobs")); n != 3 {
		t.Errorf("%d pages, want 3: two with new jobs, and one without", n)
	}
}

// TestContinued: a tick ends before its deadline, and the next goes on.
func TestContinued(t *testing.T) {
	b := newBed(t)
	b.settled()
	n := 1_000
	b.pass(time.Duration(n) * time.Second)
	if err := b.World.SageMaker().SeedFinished("CreateTrainingJob", training("job", nil), n); err != nil {
		t.Fatal(err)
	}
	ticks := 0
	for round := (control[struct{ Began, Ended time.Time }](b, ledger.Checkpoint+"round")); ; ticks++ {
		now := b.World.Now()
		at := now.Add(24 * time.Second)
		if err := b.sweeper.Run(until{t.Context(), at}); err != nil {
			t.Fatal(err)
		}
		b.restart() // in another process
		if left := at.Sub(b.World.Now()); left < 19*time.Second {
			t.Fatalf("a tick went on until %s before its deadline", left)
		}
		b.pass(every)
		next := control[struct{ Began, Ended time.Time }](b, ledger.Checkpoint+"round")
		if !next.Ended.IsZero() && next.Began.After(round.Ended) {
			break
		}
		if ticks > 20 {
			t.Fatal("the round does not end")
		}
	}
	if ticks < 3 {
		t.Errorf("it took %d ticks: that tests nothing", ticks)
	}
	seen := map[string]bool{}
	for _, key := range b.hinted(kind.TrainingJob) {
		seen[key] = true
	}
	if len(seen) < n-300 {
		t.Errorf("%d of %d jobs were found", len(seen), n)
	}
	// What was gone through is not gone through again: 10 pages, and one more for
	// each time that a process ended.
	if pages := len(b.listed("ListTrainingJobs")); pages > 10+ticks {
		t.Errorf("%d pages in %d ticks", pages, ticks)
	}
	b.says("training-job/job-0000000", "FAILED ended")
	if !strings.Contains(b.logs.String(), `"outcome":"to be continued"`) {
		t.Errorf("not logged: %s", b.logs)
	}
}

// TestToken: how long a token is good for nobody knows. One that is refused has
// the pass begin anew.
func TestToken(t *testing.T) {
	b := newBed(t)
	b.settled()
	b.discard()
	b.pass(1000 * time.Second)
	if err := b.World.SageMaker().SeedFinished("CreateTrainingJob", training("job", nil), 1000); err != nil {
		t.Fatal(err)
	}
	if err := b.sweeper.Run(until{t.Context(), b.World.Now().Add(23 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	const name = ledger.Checkpoint + "training-job"
	var c map[string]any
	version, err := b.Store.Control(t.Context(), name, &c)
	if err != nil {
		t.Fatal(err)
	}
	under, _ := c["Pass"].(map[string]any)
	if under == nil || under["Token"] == "" {
		t.Fatalf("it did not stop within the pages: %v", c)
	}
	under["Token"] = "stale"
	if err := b.Store.PutControl(t.Context(), name, version, c); err != nil {
		t.Fatal(err)
	}
	b.sweep()
	if n := len(b.hinted(kind.TrainingJob)); n < 700 {
		t.Errorf("%d hints\n%s", n, b.logs)
	}
	if strings.Contains(b.logs.String(), "kind skipped") {
		t.Errorf("skipped: %s", b.logs)
	}
}

// TestReconcile: what events did not tell of the end of, the lists do.
func TestReconcile(t *testing.T) {
	b := newBed(t)
	b.World.SageMaker().RunFor(kind.TrainingJob, "", 2*time.Hour)
	b.do("CreateNotebookInstance", notebook("n"))
	b.do("CreateModel", model("m"))
	b.do("CreateTrainingJob", training("j", nil))
	b.do("CreateTrainingJob", training("again", nil))
	b.pass(20 * time.Minute)
	b.settled()
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("StopNotebookInstance", object{"NotebookInstanceName": "n"})
	b.pass(5 * time.Minute)
	b.do("DeleteNotebookInstance", object{"NotebookInstanceName": "n"})
	b.do("DeleteModel", object{"ModelName": "m"})
	b.pass(2 * time.Hour)
	b.sweep()
	b.says("notebook-instance/n", "FAILED gone")
	b.says("training-job/j", "FAILED ended")
	b.says("model/m", "FAILED live") // models are listed whole once a day
	b.pass(24 * time.Hour)
	b.sweep()
	b.says("model/m", "FAILED gone")
	for _, h := range b.hints {
		if h.Missed {
			t.Errorf("%+v was known", h)
		}
	}
	b.forget()
	b.sweep()
	if len(b.hints) > 0 {
		t.Errorf("what is over is looked at again: %v", b.hints)
	}
}

// TestAnotherOfTheName: a name that was deleted and created again, both unseen.
func TestAnotherOfTheName(t *testing.T) {
	b := newBed(t)
	b.do("CreateModel", model("m"))
	b.do("CreateModel", model("gone"))
	b.pass(time.Minute)
	b.do("DeleteModel", object{"ModelName": "gone"})
	b.pass(time.Minute)
	b.settled()
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("DeleteModel", object{"ModelName": "m"})
	b.do("CreateModel", merged(model("m"), object{"VpcConfig": vpc()}))
	b.do("CreateModel", merged(model("gone"), object{"VpcConfig": vpc()}))
	b.pass(10 * time.Minute)
	b.sweep()
	b.says("model/m", "PASSED live")
	b.says("model/gone", "PASSED live")
	if diff := gocmp.Diff([]string{"gone!", "m!"}, b.hinted(kind.Model)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

// TestChanged: a change whose event was lost shows in the time of the last change,
// or else within a day.
func TestChanged(t *testing.T) {
	b := newBed(t)
	made := b.do("CreateDomain", object{
		"DomainName": "d", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{subnet}, "AppNetworkAccessType": "VpcOnly",
		"DefaultUserSettings": object{"ExecutionRole": role, "SecurityGroups": []any{"sg-0a1b2c3d4e5f60718"}},
	})
	arn, _ := made["DomainArn"].(string)
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	b.do("CreateUserProfile", object{"DomainId": id, "UserProfileName": "ana"})
	b.pass(10 * time.Minute)
	b.settled()
	b.says("domain/"+id, "PASSED live")
	b.says("user-profile/"+id+"/ana", "PASSED live")
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("UpdateDomain", object{"DomainId": id, "AppNetworkAccessType": "PublicInternetOnly"})
	b.pass(20 * time.Minute)
	b.sweep()
	b.says("domain/"+id, "FAILED live")
	b.says("user-profile/"+id+"/ana", "PASSED live") // its own time did not change
	b.pass(24 * time.Hour)
	b.sweep()
	b.says("user-profile/"+id+"/ana", "FAILED live")
}

func load(t *testing.T, text string) *rules.File {
	t.Helper()
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRules: other rules have everything judged anew that is live, and so has an
// exception that is over.
func TestRules(t *testing.T) {
	b := newBed(t)
	b.World.SageMaker().RunFor(kind.TrainingJob, "", -1)
	b.do("CreateTrainingJob", training("j", nil))
	b.do("CreateModel", model("m"))
	b.pass(time.Minute)
	b.says("training-job/j", "FAILED live")
	b.settled()
	expires := b.World.Now().Add(48 * time.Hour).Truncate(24 * time.Hour)
	b.SetRules(load(t, `version: 1
exceptions:
  - id: accepted
    owner: ana@example.com
    reason: until it moves
    expires: `+expires.Format(time.DateOnly)+`
    rules: [vpc-required, no-own-internet]
    match: {accounts: ["111122223333"]}
`))
	b.pass(every)
	b.sweep()
	b.says("training-job/j", "PASSED live")
	b.says("model/m", "PASSED live")
	b.forget()
	b.pass(every)
	b.sweep()
	if len(b.hints) > 0 {
		t.Errorf("judged anew by the same rules: %v", b.hints)
	}
	// It applies until the end of that day.
	b.pass(expires.Add(23 * time.Hour).Sub(b.World.Now()))
	b.sweep()
	b.says("training-job/j", "PASSED live")
	b.says("model/m", "PASSED live")
	b.forget()
	b.pass(time.Hour)
	b.sweep()
	b.says("training-job/j", "FAILED live")
	b.says("model/m", "FAILED live")
}

// TestReviewGoesOn: what is judged anew is bounded in each round, and the next
// goes on where it ended.
func TestReviewGoesOn(t *testing.T) {
	b := newBed(t)
	b.settled()
	set, err := b.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := b.World.Now()
	for i := range 1_200 {
		key := fmt.Sprintf("m-%04d", i)
		if err := b.Store.PutEntry(t.Context(), &ledger.Entry{
			Resource: "model/" + key, Kind: kind.Model, Key: key, Life: ledger.Life{At: now, State: ledger.Live},
			Verdict: ledger.Verdict{At: now, Rules: set.Version, Whole: true, Compliance: rules.Passed},
		}); err != nil {
			t.Fatal(err)
		}
	}
	b.tick()
	if len(b.hints) > 0 {
		t.Errorf("judged anew by the same rules: %v", b.hints)
	}
	b.discard()
	b.SetRules(load(t, "version: 1\nrules: {isolation-required: on}\n"))
	var got []string
	for range 4 {
		b.pass(every)
		b.forget()
		b.tick()
		keys := b.hinted(kind.Model)
		if len(keys) == 0 {
			t.Fatalf("no hints\n%s", b.logs)
		}
		got = append(got, fmt.Sprint(len(keys), " ", keys[0], " to ", keys[len(keys)-1]))
	}
	// They stay as they are, for nobody looks: so it begins anew.
	want := []string{"500 m-0000 to m-0499", "500 m-0500 to m-0999", "500 m-1000 to m-0299", "500 m-0300 to m-0799"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("hints of each round (-want +got):\n%s", diff)
	}
}

// TestStale: findings that stay are written again within 30 days, and what could
// not be judged is tried every day.
func TestStale(t *testing.T) {
	b := newBed(t)
	b.do("CreateModel", model("m"))
	b.World.Fail(sandbox.Fault{Service: "sagemaker", Operation: "DescribeEndpoint", Kind: sandbox.Denied})
	b.do("CreateEndpointConfig", object{"EndpointConfigName": "c", "ProductionVariants": []any{object{"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}}})
	b.do("CreateEndpoint", object{"EndpointName": "e", "EndpointConfigName": "c"})
	b.pass(10 * time.Minute)
	b.settled()
	b.says("endpoint/e", "WARNING live")
	b.World.Heal()
	b.pass(every)
	b.sweep()
	b.says("endpoint/e", "WARNING live")
	b.pass(24 * time.Hour)
	b.sweep()
	b.says("endpoint/e", "FAILED live")
	before := b.entry("model/m").Written
	for range 2 {
		b.pass(15 * 24 * time.Hour)
		b.sweep()
	}
	if after := b.entry("model/m").Written; !after.After(before.Add(29 * 24 * time.Hour)) {
		t.Errorf("a finding was written at %s, and not again until %s", before, b.World.Now())
	}
}

// TestThrottled: a call that is throttled is made again, and for a while half as
// many.
func TestThrottled(t *testing.T) {
	b := newBed(t)
	b.settled()
	b.World.Fail(sandbox.Fault{Service: "sagemaker", Operation: "ListProcessingJobs", Kind: sandbox.Throttle, Times: 2})
	start := b.World.Now()
	b.tick()
	if n := len(b.listed("ListProcessingJobs")); n != 5 {
		t.Errorf("%d calls, want three lists and two more tries", n)
	}
	if strings.Contains(b.logs.String(), "kind skipped") {
		t.Errorf("skipped: %s", b.logs)
	}
	if took := b.World.Now().Sub(start); took < 50*time.Second {
		t.Errorf("the tick took %s: at the full rate", took)
	}
	b.rate(2)
	b.forget()
	b.pass(every)
	start = b.World.Now()
	b.tick()
	if took := b.World.Now().Sub(start); took > 35*time.Second {
		t.Errorf("the tick took %s: still at half the rate", took)
	}
}

// TestSkipped: a kind that cannot be listed takes no other with it.
func TestSkipped(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   sandbox.FaultKind
		outcome string
		calls   int
		failed  int
	}{
		{"denied", sandbox.Denied, "not permitted: what events miss of this kind stays unknown", 1, 0},
		{"unavailable", sandbox.Unavailable, "to be listed in the next round", 6, 1},
		{"reset", sandbox.ResetBefore, "to be listed in the next round", 6, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.lose(sandbox.EventFaults{Drop: 1})
			b.all()
			b.pass(6 * time.Minute)
			b.World.Fail(sandbox.Fault{Service: "sagemaker", Operation: "ListNotebookInstances", Kind: c.fault})
			b.sweep()
			if n := len(b.listed("ListNotebookInstances")); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
			if got := len(b.hinted(kind.Cluster)); got != 1 {
				t.Errorf("what comes after was not listed: %d hints", got)
			}
			if !strings.Contains(b.logs.String(), c.outcome) || b.metric("Retried") != 1 || b.metric("Heartbeat") != 1 {
				t.Errorf("logs: %s", b.logs)
			}
			if failed := control[struct{ Failed []string }](b, ledger.Checkpoint+"round").Failed; len(failed) != c.failed {
				t.Errorf("failed: %v", failed)
			}
			if live, ok := control[ledger.Count](b, ledger.LiveCount).Live["notebook-instance"]; ok {
				t.Errorf("%d notebook instances were counted", live)
			}
			b.World.Heal()
			b.pass(every)
			b.sweep()
			// What fails is waited for; what is not permitted is not.
			if f := control[ledger.FirstSweep](b, ledger.Baseline); f.Done.IsZero() != (c.failed > 0) {
				t.Errorf("the first sweep: %+v", f)
			}
			b.says("notebook-instance/notebook", "FAILED live")
			for _, h := range b.hints {
				if h.Missed {
					t.Errorf("%+v is found by the first list of its kind", h)
				}
			}
			b.pass(every)
			b.sweep()
			if f := control[ledger.FirstSweep](b, ledger.Baseline); f.Done.IsZero() {
				t.Errorf("the first sweep: %+v", f)
			}
		})
	}
}

// TestPanic: a panic takes one kind, and begins no loop.
func TestPanic(t *testing.T) {
	b := newBed(t)
	b.settled()
	call := b.options.Call
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("CreateModel", model("m"))
	b.do("CreateCluster", object{"ClusterName": "cluster", "InstanceGroups": []any{object{"InstanceGroupName": "g", "ExecutionRole": role, "InstanceCount": 1, "InstanceType": "ml.g5.xlarge"}}})
	b.options.Call = func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
		if operation == "ListModels" {
			panic("secret")
		}
		return call(ctx, operation, input)
	}
	b.restart()
	b.pass(6 * time.Minute)
	b.sweep()
	b.says("cluster/cluster", "FAILED live")
	if logs := b.logs.String(); !strings.Contains(logs, "panic: string at ") || strings.Contains(logs, "secret") {
		t.Errorf("logs: %s", logs)
	}
	b.options.Call = call
	b.restart()
	b.pass(every)
	b.sweep()
	b.says("model/m", "FAILED live")
}

// broken is a ledger that fails on demand.
type broken struct {
	ledger.Store
	fail func(operation, name string) error
}

func (s *broken) Entry(ctx context.Context, r string) (*ledger.Entry, error) {
	if err := s.fail("Entry", r); err != nil {
		return nil, err
	}
	return s.Store.Entry(ctx, r)
}

func (s *broken) Live(ctx context.Context, k kind.Kind, after string) ([]*ledger.Entry, string, error) {
	if err := s.fail("Live", string(k)); err != nil {
		return nil, "", err
	}
	return s.Store.Live(ctx, k, after)
}

func (s *broken) Control(ctx context.Context, name string, into any) (int64, error) {
	if err := s.fail("Control", name); err != nil {
		return 0, err
	}
	return s.Store.Control(ctx, name, into)
}

func (s *broken) PutControl(ctx context.Context, name string, version int64, value any) error {
	if err := s.fail("PutControl", name); err != nil {
		return err
	}
	return s.Store.PutControl(ctx, name, version, value)
}

// TestOurs: where the ledger or EventBridge fails the tick ends with an error, and
// nothing is taken for done; the next finds all there is. Another sweep that is
// under way is no error.
func TestOurs(t *testing.T) {
	down := errors.New("down")
	for _, c := range []struct {
		name, operation, on string
		err                 error
		quiet               bool
	}{
		{"an entry", "Entry", "", down, false},
		{"what is live", "Live", "model", down, false},
		{"the round", "Control", ledger.Checkpoint + "round", down, false},
		{"the first sweep", "Control", ledger.Baseline, down, false},
		{"a checkpoint is read", "Control", ledger.Checkpoint + "model", down, false},
		{"a checkpoint is written", "PutControl", ledger.Checkpoint + "model", down, false},
		{"the round is written", "PutControl", ledger.Checkpoint + "round", down, false},
		{"the count", "PutControl", ledger.LiveCount, down, false},
		{"the heartbeat", "PutControl", ledger.Heartbeat + "sweep", down, false},
		{"others write on", "PutControl", ledger.LiveCount, ledger.ErrConflict, false},
		{"another sweep", "PutControl", ledger.Checkpoint + "model", ledger.ErrConflict, true},
		{"hints", "Put", "", down, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.settled()
			store, put := b.options.Store, b.options.Put
			failed := false
			fail := func(operation, name string) error {
				if operation == c.operation && (c.on == "" || c.on == name) {
					failed = true
					return c.err
				}
				return nil
			}
			b.options.Store = &broken{store, fail}
			b.options.Put = func(ctx context.Context, hints []events.Hint) error {
				return cmp.Or(fail("Put", ""), put(ctx, hints))
			}
			b.restart()
			b.lose(sandbox.EventFaults{Drop: 1})
			b.do("CreateModel", model("m"))
			b.do("CreateNotebookInstance", notebook("n"))
			b.pass(26 * time.Hour) // models are listed whole again
			err := b.sweeper.Run(t.Context())
			if !failed {
				t.Fatal("nothing failed")
			}
			if (err == nil) != c.quiet {
				t.Errorf("the error is %v", err)
			}
			if beats := b.metric("Heartbeat") == 1; beats != c.quiet {
				t.Errorf("heartbeat: %t\n%s", beats, b.logs)
			}
			b.pass(time.Minute)
			b.options.Store, b.options.Put = store, put
			b.restart()
			for range 2 { // the rest of that round, and the next
				b.pass(every)
				b.sweep()
			}
			b.says("model/m", "FAILED live")
			b.says("notebook-instance/n", "FAILED live")
		})
	}
}

// TestNoRules: without rules the lists are gone through all the same.
func TestNoRules(t *testing.T) {
	b := newBed(t)
	b.settled()
	b.options.Rules = func(context.Context) (evaluate.Ruleset, error) {
		return evaluate.Ruleset{}, errors.New("no good rules file is known")
	}
	b.restart()
	b.lose(sandbox.EventFaults{Drop: 1})
	b.do("CreateModel", model("m"))
	b.pass(every)
	b.sweep()
	b.says("model/m", "FAILED live")
	if !strings.Contains(b.logs.String(), "no good rules file is known") {
		t.Errorf("not logged: %s", b.logs)
	}
}

// TestCanceled: a context that ends, ends the tick; the next goes on.
func TestCanceled(t *testing.T) {
	b := newBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	call := b.options.Call
	b.options.Call = func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
		if operation == "ListModels" {
			cancel()
		}
		return call(ctx, operation, input)
	}
	b.restart()
	if err := b.sweeper.Run(ctx); err == nil {
		t.Error("no error")
	}
	b.options.Call = call
	b.restart()
	b.pass(time.Second)
	b.settled()
}

// TestPutHints: what EventBridge does not take of a call is sent again, and only
// that.
func TestPutHints(t *testing.T) {
	var hints []events.Hint
	for i := range 25 {
		hints = append(hints, events.Hint{Kind: kind.Model, Key: fmt.Sprint("m-", i), Missed: i == 3})
	}
	type answer = func(entries []any) (int, any)
	refuse := func(which ...int) answer {
		return func(entries []any) (int, any) {
			results := make([]any, len(entries))
			for i := range results {
				results[i] = object{"EventId": "e"}
			}
			for _, i := range which {
				results[i] = object{"ErrorCode": "ThrottlingException"}
			}
			return http.StatusOK, object{"FailedEntryCount": len(which), "Entries": results}
		}
	}
	for _, c := range []struct {
		name    string
		answers []answer // the last one is given again and again
		calls   []int    // entries of each call
		err     string
	}{
		{"all taken", []answer{refuse()}, []int{10, 10, 5}, ""},
		{"some not taken", []answer{refuse(1, 9), refuse(0), refuse()}, []int{10, 2, 1, 10, 5}, ""},
		{"never taken", []answer{refuse(0)}, []int{10, 1, 1, 1, 1, 1}, "PutEvents refused 1 events 6 times: ThrottlingException"},
		{"denied", []answer{func([]any) (int, any) { return http.StatusBadRequest, object{"__type": "AccessDeniedException"} }}, []int{10}, "AccessDeniedException"},
		{"answers too little", []answer{func([]any) (int, any) { return http.StatusOK, object{"FailedEntryCount": 1} }}, []int{10}, "PutEvents answered for 0 of 10 events"},
		{"no answer", []answer{func([]any) (int, any) { return http.StatusOK, []int{1} }}, []int{10}, "the answer of PutEvents cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls []int
			keys := map[string]int{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var in struct{ Entries []any }
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
					t.Errorf("%v, %s", err, r.Header.Get("X-Amz-Target"))
				}
				status, out := c.answers[min(len(calls), len(c.answers)-1)](in.Entries)
				calls = append(calls, len(in.Entries))
				for _, e := range in.Entries {
					keys[e.(object)["Detail"].(string)]++
				}
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(out)
			}))
			defer server.Close()
			client := awsjson.New(aws.Config{
				Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
				Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			})
			clock := sandbox.NewVirtual(began)
			err := sweep.PutHints(client, clock.Sleep)(t.Context(), hints)
			if diff := gocmp.Diff(c.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %q", err, c.err)
			}
			if err == nil && (len(keys) != len(hints) || keys[`{"kind":"model","key":"m-3","missed":true}`] != 1) {
				t.Errorf("%d hints arrived: %v", len(keys), keys)
			}
		})
	}
}

// TestRulesLate: audit may have other rules a minute later than the sweep. What it
// judged by the old ones meanwhile is judged anew in the next round, also of a kind
// that is listed whole once a day.
func TestRulesLate(t *testing.T) {
	b := newBed(t)
	b.do("CreateModel", model("m"))
	b.pass(10 * time.Minute)
	b.settled()
	before := b.Evaluator.Rules
	set, err := before(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.SetRules(load(t, "version: 1\nrules: {isolation-required: on}\n"))
	b.Evaluator.Rules = func(context.Context) (evaluate.Ruleset, error) { return set, nil }
	b.pass(every)
	b.sweep()
	b.Evaluator.Rules = before
	b.pass(every)
	b.sweep()
	now, err := before(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := b.entry("model/m").Verdict.Rules; !got.Same(now.Version) {
		t.Errorf("judged by the rules of %s, and those of %s are in force", got.At, now.Version.At)
	}
	b.forget()
	b.pass(every)
	b.sweep()
	if got := b.hinted(kind.Model); len(got) > 0 {
		t.Errorf("it is looked at again and again: %v", got)
	}
}

// TestSwitchToStop: rules that begin to ask for stops act on what is known and still
// runs, within the budget.
func TestSwitchToStop(t *testing.T) {
	for _, c := range []struct{ jobs, stops int }{{3, 3}, {10, 5}} {
		t.Run(fmt.Sprint(c.jobs), func(t *testing.T) {
			b := newBed(t)
			b.Every(t.Context(), time.Minute, b.Responder.Tick)
			for i := range c.jobs {
				name := fmt.Sprintf("job-%d", i)
				b.do("CreateTrainingJob", training(name, nil))
				b.World.SageMaker().RunFor(kind.TrainingJob, name, 100*time.Hour)
			}
			b.pass(10 * time.Minute)
			b.settled()
			stopped := func() (n int) {
				for i := range c.jobs {
					if status, _ := b.World.SageMaker().Status(kind.TrainingJob, fmt.Sprintf("job-%d", i)); status == "Stopped" {
						n++
					}
				}
				return n
			}
			if stopped() > 0 {
				t.Fatal("a stop that nobody asked for")
			}
			b.SetRules(load(t, "version: 1\nresponse: {mode: stop, stop: {grace: 5m, budget: {stops: 5, within: 10m, share: 100}}}\n"))
			b.pass(every)
			b.sweep()
			if n := stopped(); n > 0 {
				t.Errorf("%d stops before their time", n)
			}
			b.pass(10 * time.Minute)
			if n := stopped(); n != c.stops {
				t.Errorf("%d stops, want %d", n, c.stops)
			}
			if open := control[ledger.Breaker](b, ledger.BreakerOf).Open; open != (c.stops < c.jobs) {
				t.Errorf("the breaker is open: %v", open)
			}
		})
	}
}
