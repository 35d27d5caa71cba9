package flow_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/awstest/stopmonitor"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// expected is what the rules say of a resource that the test made, told by how it
// was made and by nothing of ours.
type expected struct {
	class, compliance, state string
	stops                    bool // it is of a kind that the rules stop, and fails
}

// maker makes resources at random, and knows what must be said of each.
type maker struct {
	b      *bed
	random *rand.Rand
	truth  map[string]expected
	n      int
}

func newMaker(b *bed, seed uint64) *maker {
	return &maker{b: b, random: rand.New(rand.NewPCG(seed, seed)), truth: map[string]expected{}}
}

// one makes a resource.
func (m *maker) one() {
	m.n++
	name := fmt.Sprintf("r%06d", m.n)
	withVPC, isolated := m.random.IntN(3) > 0, m.random.IntN(4) == 0
	network := map[string]any{}
	if withVPC {
		network["VpcConfig"] = vpc(subnet)
	}
	if isolated {
		network["EnableNetworkIsolation"] = true
	}
	e := expected{class: "b-internet", compliance: "FAILED", state: "live"}
	switch {
	case isolated && withVPC:
		e.class, e.compliance = "a", "PASSED"
	case isolated:
		e.class = "a" // without a VPC: vpc-required fails
	case withVPC:
		e.class, e.compliance = "b-vpc", "PASSED"
	}
	switch n := m.random.IntN(20); {
	case n < 13:
		m.b.do("CreateTrainingJob", training(name, network))
		e.state, e.stops = "ended", e.class == "b-internet"
		m.truth["training-job/"+name] = e
	case n < 17:
		in := map[string]any{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}}
		maps.Copy(in, network)
		m.b.do("CreateModel", in)
		if m.random.IntN(3) == 0 {
			m.b.do("DeleteModel", map[string]any{"ModelName": name})
			e.state = "gone"
		}
		m.truth["model/"+name] = e
	default:
		in := map[string]any{"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": role}
		direct := m.random.IntN(2) == 0
		e.class, e.compliance = "b-internet", "FAILED"
		if withVPC {
			in["SubnetId"], in["SecurityGroupIds"] = subnet, []any{"sg-0a1b2c3d4e5f60718"}
			e.class = "c"
			if !direct {
				in["DirectInternetAccess"] = "Disabled"
				e.class, e.compliance = "b-vpc", "PASSED"
			}
		}
		m.b.do("CreateNotebookInstance", in)
		m.truth["notebook-instance/"+name] = e
	}
}

// watch has every stop watched, and fails the test for one that should not be.
func (m *maker) watch(t *testing.T) *stopmonitor.Monitor {
	t.Helper()
	monitor := stopmonitor.Watch(stopmonitor.Options{
		World: m.b.World,
		Truth: func(resource string) (stopmonitor.Truth, bool) {
			e, ok := m.truth[resource]
			return stopmonitor.Truth{Fails: e.compliance == "FAILED", Whole: true}, ok
		},
	})
	t.Cleanup(func() { monitor.Check(t) })
	return monitor
}

// check compares the ledger and Security Hub with the truth: nothing lost,
// nothing made up.
func (m *maker) check(t *testing.T) {
	t.Helper()
	lost, wrong := 0, 0
	report := func(format string, args ...any) {
		if wrong++; wrong < 20 {
			t.Errorf(format, args...)
		}
	}
	active := map[string]string{}
	for _, f := range m.b.World.Findings() {
		arn, _, _ := strings.Cut(f.ID, "/sagemoat/")
		resource := arn[strings.LastIndexByte(arn, ':')+1:]
		active[resource] = string(f.Compliance.Status) + " " + f.RecordState
		if _, ok := m.truth[resource]; !ok {
			report("a finding about %s, which nobody made", resource)
		}
	}
	for resource, want := range m.truth {
		e, err := m.b.Store.Entry(t.Context(), resource)
		if err != nil || e == nil {
			lost++
			report("%s is lost: %v", resource, err)
			continue
		}
		got := expected{e.Verdict.Class, string(e.Verdict.Compliance), string(e.Life.State), want.stops}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(expected{})); diff != "" {
			report("%s:\n%s", resource, diff)
		}
		state := want.compliance + " ACTIVE"
		if want.compliance == "FAILED" && want.state != "live" {
			state = "FAILED ARCHIVED"
		}
		if want.compliance == "PASSED" {
			state = ""
		}
		if active[resource] != state {
			report("%s: Security Hub has %q, want %q", resource, active[resource], state)
		}
	}
	if lost+wrong > 0 || len(m.truth) > 10 {
		t.Logf("%d resources, %d lost, %d wrong", len(m.truth), lost, wrong)
	}
}

const stopRules = `version: 1
response:
  mode: notify
  modes:
    - match: {kinds: [training-job]}
      mode: stop
  stop: {budget: {stops: 1000, within: 1m, share: 100}}
`

// TestNoLoss is figure 1: with everything going wrong at once that can, every
// resource ends with the right verdict and finding, and only what cannot be read
// ends with the dead letters.
func TestNoLoss(t *testing.T) {
	resources := chaos.N(400, 24_000) // about 4.2 events each: 100,000
	events, cut := 0, map[string]bool{}
	arn := regexp.MustCompile(`arn:aws:sagemaker:eu-west-1:111122223333:([a-z-]+/r[0-9]+)`)
	b := newBed(t, withRules(t, stopRules), func(o *flow.Options) { o.Logs = nil })
	var mu sync.Mutex // several functions may cause events at once
	b.World.AddRule(sandbox.Rule{Name: "count", Match: func(e []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		events++
		if bytes.Contains(e, []byte(`"omitted":true`)) {
			cut[string(arn.FindSubmatch(e)[1])] = true
		}
		return false
	}})
	b.World.FailEvents(sandbox.EventFaults{Duplicate: 0.10, Window: 5 * time.Minute, Omit: 0.01})
	for _, f := range []sandbox.Fault{
		{Kind: sandbox.Throttle, Probability: 0.30},
		{Kind: sandbox.Unavailable, Probability: 0.05},
		{Kind: sandbox.ResetBefore, Probability: 0.01},
		{Kind: sandbox.ResetAfter, Probability: 0.01},
	} {
		b.World.Fail(f)
	}
	b.Every(t.Context(), time.Minute, b.Responder.Tick)
	crashes := 0
	random := rand.New(rand.NewPCG(3, 3))
	b.Crash = func() bool {
		if random.IntN(100) == 0 {
			crashes++
			return true
		}
		return false
	}
	m := newMaker(b, 11)
	monitor := m.watch(t)
	if err := b.Store.PutControl(t.Context(), ledger.LiveCount, 0, ledger.Count{At: began, Live: map[string]int{"training-job": 100_000}}); err != nil {
		t.Fatal(err)
	}
	var poison []string
	for i := range resources {
		m.one()
		if random.IntN(50) == 0 {
			text := fmt.Sprintf(`{"poison":%d`, i)
			poison = append(poison, text)
			b.World.Send(flow.Queue, text)
		}
		if i%20 == 19 {
			b.pass(10 * time.Second)
		}
	}
	b.pass(3 * time.Hour)
	b.World.Heal()
	b.pass(3 * time.Hour)
	for resource := range cut {
		if e := m.truth[resource]; e.state == "gone" {
			// It was gone when somebody could have looked, and nothing else tells.
			m.truth[resource] = expected{"unknown", "WARNING", "gone", false}
		}
	}
	m.check(t)
	var dead []string
	for _, d := range b.World.Messages(flow.DeadLetter) {
		dead = append(dead, d.Body)
	}
	slices.Sort(dead)
	slices.Sort(poison)
	if diff := cmp.Diff(poison, dead); diff != "" {
		t.Errorf("the dead letters are not what cannot be read:\n%s", diff)
	}
	calls, faults := 0, map[sandbox.FaultKind]int{}
	for _, c := range b.World.Calls() {
		calls++
		faults[c.Fault]++
	}
	t.Logf("%d events, %d functions crashed, %d stops; of the last %d calls %v", events, crashes, monitor.Stops(), calls, faults)
}

// TestKilled is figure 3: whichever point the functions are killed at, once or
// twice, what they end with is what they end with if nobody kills them.
func TestKilled(t *testing.T) {
	run := func(t *testing.T, at ...int) (state string, points, alerts int) {
		t.Helper()
		killer := &flow.Killer{At: at}
		b := newBed(t, withRules(t, stopRules), func(o *flow.Options) { o.Killer, o.Logs = killer, nil })
		b.Every(t.Context(), time.Minute, b.Responder.Tick)
		m := newMaker(b, 5)
		monitor := m.watch(t)
		b.do("CreateTrainingJob", training("open", nil))
		b.do("CreateNotebookInstance", map[string]any{"NotebookInstanceName": "bridge", "InstanceType": "ml.t3.medium", "RoleArn": role, "SubnetId": subnet})
		b.do("CreateTrainingJob", training("closed", map[string]any{"VpcConfig": vpc(subnet)}))
		b.World.SageMaker().RunFor(kind.TrainingJob, "closed", 2*time.Minute)
		b.World.SageMaker().RunFor(kind.TrainingJob, "open", time.Hour)
		m.truth["training-job/open"] = expected{"b-internet", "FAILED", "ended", true}
		m.truth["notebook-instance/bridge"] = expected{"c", "FAILED", "live", false}
		m.truth["training-job/closed"] = expected{"b-vpc", "PASSED", "ended", false}
		b.pass(20 * time.Minute)
		points = killer.Spare()
		m.check(t)
		var all []string
		for resource := range m.truth {
			e, err := b.Store.Entry(context.Background(), resource)
			if err != nil {
				t.Fatal(err)
			}
			r, err := b.Store.Response(context.Background(), resource)
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%s: %s %s %s", resource, e.Verdict.Class, e.Verdict.Compliance, e.Life.Status)
			if r != nil {
				line += fmt.Sprintf("; alert %s; stop %s %s", r.Alert.How, r.Stop.State, r.Stop.Operation)
			}
			all = append(all, line)
		}
		slices.Sort(all)
		if n := monitor.Stops(); n < 1 {
			t.Errorf("%d stops", n)
		}
		return strings.Join(all, "\n"), points, len(b.World.Published())
	}
	want, points, alerts := run(t)
	if points < 40 || !strings.Contains(want, "stop confirmed StopTrainingJob") {
		t.Fatalf("%d points; it ends with\n%s", points, want)
	}
	t.Logf("%d points, %d messages; it ends with\n%s", points, alerts, want)
	step := chaos.N(7, 1)
	for k := 1; k <= points; k += step {
		for _, at := range [][]int{{k}, {k, k + 3}} {
			got, _, sent := run(t, at...)
			if got != want {
				t.Errorf("killed at %v it ends with\n%s\nwant\n%s", at, got, want)
			}
			// What was in flight when it was killed comes once more: two at most here.
			if sent < alerts || sent > alerts+2*len(at) {
				t.Errorf("killed at %v, %d messages were sent; without, %d", at, sent, alerts)
			}
		}
	}
}

// TestTenTimes is figure 4: every event ten times gives one alert for each
// transition and one stop.
func TestTenTimes(t *testing.T) {
	b := newBed(t, withRules(t, stopRules))
	var history [][]byte
	b.World.AddRule(sandbox.Rule{Name: "ten", Match: func(e []byte) bool {
		history = append(history, slices.Clone(e))
		return false
	}})
	m := newMaker(b, 5)
	monitor := m.watch(t)
	b.do("CreateTrainingJob", training("open", nil))
	m.truth["training-job/open"] = expected{"b-internet", "FAILED", "ended", true}
	for range 60 {
		seen := len(history)
		b.pass(10 * time.Second)
		for _, e := range history[max(0, seen-3):] {
			for range 9 {
				b.World.Send(flow.Queue, string(e))
			}
		}
	}
	b.pass(time.Hour)
	m.check(t)
	var subjects []string
	for _, n := range b.World.Published() {
		subjects = append(subjects, strings.Fields(n.Subject)[0])
	}
	if diff := cmp.Diff([]string{"[HIGH]", "[stopped]"}, subjects); diff != "" {
		t.Errorf("messages:\n%s", diff)
	}
	if n := monitor.Stops(); n != 1 {
		t.Errorf("%d stops, want one", n)
	}
}

// TestSecrets is figure 17: what was seeded into a job's environment,
// hyperparameters, tags and addresses is nowhere that people or machines read.
func TestSecrets(t *testing.T) {
	b := newBed(t, withRules(t, stopRules))
	var secrets []string
	secret := func() string {
		s := fmt.Sprintf("hunter2-%04d-Zq7", len(secrets))
		secrets = append(secrets, s)
		return s
	}
	for i := range chaos.N(25, 500) {
		name := fmt.Sprintf("secret-%d", i)
		b.do("CreateTrainingJob", training(name, map[string]any{
			"Environment":      map[string]any{"API_KEY": secret()},
			"HyperParameters":  map[string]any{"password": secret()},
			"Tags":             []any{map[string]any{"Key": "token", "Value": secret()}},
			"OutputDataConfig": map[string]any{"S3OutputPath": "s3://b/o?X-Amz-Signature=" + secret()},
		}))
		b.World.Send(flow.Queue, fmt.Sprintf(`{"environment":{"KEY":%q}`, secret()))
	}
	b.World.SageMaker().Deny("DescribeTrainingJob")
	b.pass(3 * time.Hour)
	var said strings.Builder
	said.WriteString(b.logs.String())
	for _, f := range b.World.Findings() {
		fmt.Fprintf(&said, "%+v", f)
	}
	for _, n := range b.World.Published() {
		fmt.Fprintf(&said, "%+v", n)
	}
	for _, name := range []string{"training-job/secret-0"} {
		e := b.entry(name)
		fmt.Fprintf(&said, "%+v", e)
	}
	if len(b.World.Findings()) == 0 || len(b.World.Published()) == 0 {
		t.Fatal("nothing was said at all")
	}
	for _, s := range secrets {
		if strings.Contains(said.String(), s) {
			at := strings.Index(said.String(), s)
			t.Errorf("%s is told: …%s…", s, said.String()[max(0, at-80):at])
		}
	}
}

// TestHubOff: Security Hub switched off delays nothing else, and loses nothing.
func TestHubOff(t *testing.T) {
	b := newBed(t, withRules(t, stopRules))
	b.World.SetHub(sandbox.HubOff)
	b.do("CreateTrainingJob", training("open", nil))
	b.pass(5 * time.Minute)
	if n := len(b.World.Published()); n != 2 {
		t.Errorf("%d messages while the hub is off, want the alert and the stop", n)
	}
	if s, _ := b.World.SageMaker().Status(kind.TrainingJob, "open"); s != "Stopped" {
		t.Errorf("the job is %s", s)
	}
	if n := len(b.World.Findings()); n != 0 {
		t.Errorf("%d findings in a hub that is off", n)
	}
	b.World.SetHub(sandbox.HubOn)
	b.pass(time.Hour)
	if f := b.World.Findings(); len(f) != 1 || f[0].RecordState != "ARCHIVED" {
		t.Errorf("findings: %+v", f)
	}
}
