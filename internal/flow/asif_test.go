package flow_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// past is what people did: calls at their times, and how long jobs ran.
type past struct {
	calls   []pastCall
	lengths map[string]time.Duration // by kind/key
	lasts   time.Duration
}

type pastCall struct {
	at        time.Duration
	caller    string
	operation string
	input     map[string]any
}

// delay is what an event takes in these tests. Calls are made so long before a
// whole minute, so that what follows from them follows at whole minutes, at which
// respond ticks.
const delay = 2 * time.Second

// draw draws a past.
func draw(r *rand.Rand) past {
	p := past{lengths: map[string]time.Duration{}}
	minute := 1
	at := func() time.Duration {
		minute += 1 + r.IntN(3)
		return time.Duration(minute)*time.Minute - delay
	}
	caller := func() string {
		return "arn:aws:sts::" + account + ":assumed-role/" + []string{"ds", "release", "ci"}[r.IntN(3)] + "/ana"
	}
	do := func(operation string, input map[string]any) {
		p.calls = append(p.calls, pastCall{at(), caller(), operation, input})
	}
	network := func() map[string]any {
		n := map[string]any{}
		if r.IntN(2) == 0 {
			n["VpcConfig"] = vpc([]string{subnet, "subnet-0b2c3d4e5f6071829"}[r.IntN(2)])
		}
		if r.IntN(4) == 0 {
			n["EnableNetworkIsolation"] = true
		}
		return n
	}
	length := func(k kind.Kind, name string) {
		p.lengths[string(k)+"/"+name] = time.Duration(1+r.IntN(120)) * time.Minute
	}
	tags := func(in map[string]any) map[string]any {
		if r.IntN(2) == 0 {
			in["Tags"] = []any{map[string]any{"Key": "team", "Value": []string{"churn", "fraud"}[r.IntN(2)]}}
		}
		return in
	}
	if r.IntN(3) > 0 { // a fleet that meets any rules, so that enough is live
		for n := range 14 {
			name := fmt.Sprintf("fleet%02d", n)
			in := training(name, map[string]any{"VpcConfig": vpc(subnet), "EnableNetworkIsolation": true, "EnableInterContainerTrafficEncryption": true})
			p.calls = append(p.calls, pastCall{time.Minute - delay, caller(), "CreateTrainingJob", in})
			p.lengths["training-job/"+name] = 200 * time.Minute
		}
		minute = 40
	}
	var jobs, notebooks []string
	for n := range 12 + r.IntN(28) {
		name := fmt.Sprintf("r%02d", n)
		switch r.IntN(16) - 2 {
		case -2, -1, 0, 1, 2, 3, 4, 5:
			do("CreateTrainingJob", tags(training(name, network())))
			length(kind.TrainingJob, name)
			jobs = append(jobs, name)
		case 6, 7:
			do("CreateProcessingJob", tags(map[string]any{
				"ProcessingJobName": name, "RoleArn": role, "AppSpecification": map[string]any{"ImageUri": "i"}, "NetworkConfig": network(),
				"ProcessingResources": map[string]any{"ClusterConfig": map[string]any{"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}},
			}))
			length(kind.ProcessingJob, name)
		case 8, 9:
			in := map[string]any{"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": role}
			if r.IntN(2) == 0 {
				in["SubnetId"], in["SecurityGroupIds"] = subnet, []any{"sg-0a1b2c3d4e5f60718"}
			}
			if r.IntN(2) == 0 && in["SubnetId"] != nil {
				in["DirectInternetAccess"] = "Disabled"
			}
			do("CreateNotebookInstance", tags(in))
			notebooks = append(notebooks, name)
		case 10:
			in := map[string]any{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}}
			maps.Copy(in, network())
			do("CreateModel", tags(in))
			job := "t" + name
			do("CreateTransformJob", map[string]any{
				"TransformJobName": job, "ModelName": name, "TransformOutput": map[string]any{"S3OutputPath": "s3://b/o"},
				"TransformInput":     map[string]any{"DataSource": map[string]any{"S3DataSource": map[string]any{"S3DataType": "S3Prefix", "S3Uri": "s3://b/i"}}},
				"TransformResources": map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
			})
			length(kind.TransformJob, job)
		case 11:
			definition := training("unused", network())
			delete(definition, "TrainingJobName")
			do("CreateHyperParameterTuningJob", map[string]any{
				"HyperParameterTuningJobName": name, "TrainingJobDefinition": definition,
				"HyperParameterTuningJobConfig": map[string]any{"Strategy": "Random", "ResourceLimits": map[string]any{"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 2}},
			})
		case 12:
			if len(jobs) > 0 {
				do("StopTrainingJob", map[string]any{"TrainingJobName": jobs[r.IntN(len(jobs))]})
			}
		case 13:
			if len(notebooks) > 0 {
				do([]string{"StopNotebookInstance", "StartNotebookInstance", "DeleteNotebookInstance"}[r.IntN(3)], map[string]any{"NotebookInstanceName": notebooks[r.IntN(len(notebooks))]})
			}
		}
	}
	minute += 120
	do("CreateModel", map[string]any{"ModelName": "last", "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}, "VpcConfig": vpc(subnet)})
	p.lasts = time.Duration(minute+1) * time.Minute
	return p
}

// drawRules draws a rules file that stops some things.
func drawRules(r *rand.Rand, last time.Time) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	var b strings.Builder
	b.WriteString("version: 1\n")
	if r.IntN(2) == 0 {
		b.WriteString("rules: {" + pick("isolation-required: on", "encrypted-between-containers: on", "vpc-required: off", "no-bridge: on") + "}\n")
	}
	if r.IntN(2) == 0 {
		b.WriteString("allow:\n  - {accounts: ['*'], subnets: [" + subnet + pick("", ", subnet-0b2c3d4e5f6071829") + "], security-groups: [sg-0a1b2c3d4e5f60718]}\n")
		b.WriteString("overrides:\n  - match: " + pick("{names: ['r1*']}", "{kinds: [training-job]}") + "\n    rules: {isolation-required: on}\n    allow: {subnets: [" + subnet + "]}\n")
	}
	if r.IntN(2) == 0 {
		expires := began.Add(time.Duration(r.Int64N(int64(last.Sub(began))))).Truncate(time.Minute)
		b.WriteString("exceptions:\n  - {id: EX-1, owner: o, reason: r, expires: '" + expires.Format(time.RFC3339) + "', rules: [no-own-internet, vpc-required, no-bridge],\n     match: " +
			pick("{accounts: ['111122223333'], kinds: [training-job]}", "{roles: ['arn:aws:iam::111122223333:role/release']}", "{roles: ['arn:aws:iam::111122223333:role/team/ci']}",
				"{accounts: ['111122223333'], kinds: [notebook-instance]}", "{resources: ['arn:aws:sagemaker:eu-west-1:111122223333:training-job/r03']}") + "}\n")
	}
	b.WriteString("response:\n  mode: " + pick("stop", "stop", "notify", "observe") + "\n  modes:\n    - {match: {accounts: ['111122223333'], kinds: [training-job, processing-job]}, mode: stop}\n")
	if r.IntN(3) == 0 {
		b.WriteString("    - {match: {roles: ['arn:aws:iam::111122223333:role/" + pick("ci", "release", "team/ds") + "']}, mode: " + pick("notify", "observe", "stop") + "}\n")
	}
	fmt.Fprintf(&b, "  stop: {severity: %s, grace: %s, budget: {stops: %d, within: %dm, share: %s}}\n",
		pick("high", "medium"), pick("0m", "0m", "3m", "20m"), 1+r.IntN(6), 2+r.IntN(20), pick("100", "100", "100", "20"))
	return b.String()
}

// play has people do what they did, in a world whose time advance lets pass.
func (p past) play(t *testing.T, w *sandbox.World, advance func(time.Duration)) {
	t.Helper()
	for key, d := range p.lengths {
		k, name, _ := strings.Cut(key, "/")
		w.SageMaker().RunFor(kind.Kind(k), name, d)
	}
	now := time.Duration(0)
	for _, c := range p.calls {
		advance(c.at - now)
		now = c.at
		w.SageMaker().SetCaller(c.caller)
		_, _ = w.SageMaker().Create(c.operation, c.input) // what is refused is refused
	}
	advance(p.lasts - now)
}

// record is the archive of a past without sagemoat: the events of the bus, one a
// line. Where the events that SageMaker sends are left out, it is what CloudTrail
// alone has.
func (p past) record(t *testing.T, natives bool) []byte {
	t.Helper()
	var archive bytes.Buffer
	clock := sandbox.NewVirtual(began)
	w := sandbox.New(sandbox.Options{Clock: clock, Seed: 1})
	w.AddRule(sandbox.Rule{Name: "archive", Invoke: func(event []byte) error {
		if natives || bytes.Contains(event, []byte("via CloudTrail")) {
			archive.Write(event)
			archive.WriteByte('\n')
		}
		return nil
	}})
	p.play(t, w, clock.Advance)
	return archive.Bytes()
}

// plainName is the name of a resource without what chance gave the children of
// tuning jobs.
func plainName(resource string) string {
	if isChild(resource) {
		return resource[:len(resource)-9]
	}
	return resource
}

// isChild says whether a resource was started by a tuning job.
func isChild(resource string) bool {
	i := strings.LastIndexByte(resource, '-')
	return i > 0 && len(resource)-i == 9 && strings.HasPrefix(resource, "training-job/")
}

// replayed is sagemoat around a past that was played again.
type replayed struct {
	*bed
	stops map[string][]time.Time // by kind/key
	live  int
}

// replay plays a past in the sandbox with sagemoat around it. live, where not 0, is
// how many of each kind are taken to be live.
func (p past) replay(t *testing.T, text string, live int) *replayed {
	t.Helper()
	b := &replayed{stops: map[string][]time.Time{}, live: live}
	b.bed = newBed(t, withRules(t, text), func(o *flow.Options) { o.EventDelay, o.Logs = delay, nil })
	b.World.Watch(func(c sandbox.Call) {
		if c.Done && c.Outcome == "" && strings.Contains(c.Caller, ":assumed-role/sagemoat-respond") && strings.HasPrefix(c.Operation, "Stop") {
			row, _ := kind.ByStop(c.Operation)
			name, _ := c.Input[row.Key[0]].(string)
			resource := plainName(string(row.Kind) + "/" + name)
			b.stops[resource] = append(b.stops[resource], c.Time)
		}
	})
	b.Every(t.Context(), time.Minute, b.Responder.Tick)
	b.Every(t.Context(), 15*time.Minute, b.sweep)
	if err := b.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.play(t, b.World, b.pass)
	return b
}

// sweep counts what is live, and has looked at what an exception was for that
// expired, as the sweep does.
func (b *replayed) sweep(ctx context.Context) error {
	now := b.World.Now()
	count := ledger.Count{At: now, Live: map[string]int{}}
	set, err := b.Rules(ctx)
	if err != nil {
		return err
	}
	expired := set.File.Expired(now)
	for _, row := range kind.Table() {
		for after, more := "", true; more; more = after != "" {
			var page []*ledger.Entry
			if page, after, err = b.Store.Live(ctx, row.Kind, after); err != nil {
				return err
			}
			count.Live[string(row.Kind)] += len(page) + b.live
			for _, e := range page {
				if slices.ContainsFunc(expired, func(x rules.Exception) bool { return x.ID == e.Verdict.Exception }) {
					if _, err := b.Evaluator.Look(ctx, row, e.Key); err != nil {
						return err
					}
				}
			}
		}
	}
	var old ledger.Count
	version, err := b.Store.Control(ctx, ledger.LiveCount, &old)
	if err != nil {
		return err
	}
	return b.Store.PutControl(ctx, ledger.LiveCount, version, count)
}

// tally counts what was compared.
type tally struct{ certain, made, untold, held, opened, alerts int }

// check compares what as-if says of a past with what sagemoat did in it, late at
// the most after the time that as-if says.
func (b *replayed) check(t *testing.T, r *asif.Report, late time.Duration, sum *tally) {
	t.Helper()
	fits := func(s asif.Stop, at time.Time) bool { return at.Sub(s.At) >= delay && at.Sub(s.At) <= late }
	said := map[string]bool{}
	for _, one := range r.Resources {
		resource := plainName(string(one.Row.Kind) + "/" + one.Key)
		made := b.stops[resource]
		said[resource] = true
		var certain, untold []asif.Stop
		for _, s := range one.Outcomes[asif.New].Stops {
			switch s.State {
			case asif.Stopped:
				certain = append(certain, s)
			case asif.NotTold:
				untold = append(untold, s)
			case asif.Held:
				sum.held++
			case asif.Ended, asif.Withheld:
			}
		}
		sum.certain, sum.made, sum.untold = sum.certain+len(certain), sum.made+len(made), sum.untold+len(untold)
		for _, s := range certain {
			if !slices.ContainsFunc(made, func(at time.Time) bool { return fits(s, at) }) {
				t.Errorf("%s: as-if says that it is stopped at %s; it was at %v", resource, s.At, made)
			}
		}
		for _, at := range made {
			sure := slices.ContainsFunc(certain, func(s asif.Stop) bool { return fits(s, at) })
			// When a child is started depends on what became of the one before.
			child := isChild(string(one.Row.Kind) + "/" + one.Key)
			open := slices.ContainsFunc(untold, func(s asif.Stop) bool { return child || !at.Before(s.At) })
			if !sure && !open {
				t.Errorf("%s: it was stopped at %s; as-if says %+v", resource, at, one.Outcomes[asif.New].Stops)
			}
		}
		b.alerted(t, one, sum)
	}
	for resource, at := range b.stops {
		if !said[resource] {
			t.Errorf("%s was stopped at %v; as-if does not know it", resource, at)
		}
	}
	var breaker decide.Breaker
	if _, err := b.Store.Control(t.Context(), ledger.BreakerOf, &breaker); err != nil {
		t.Fatal(err)
	}
	var told asif.Breaker
	if len(r.Breakers[asif.New]) > 0 {
		told = r.Breakers[asif.New][0]
	}
	switch {
	case !told.OpenedAt.IsZero():
		sum.opened++
		if !breaker.Open || breaker.OpenedAt.After(told.OpenedAt.Add(late)) {
			t.Errorf("as-if says that the breaker opens at %s (%s); open %v at %s", told.OpenedAt, told.Why, breaker.Open, breaker.OpenedAt)
		}
	case told.MayOpenAt.IsZero() && breaker.Open:
		t.Errorf("the breaker opened at %s (%s); as-if says that it does not", breaker.OpenedAt, breaker.Why)
	case breaker.Open && breaker.OpenedAt.Before(told.MayOpenAt):
		t.Errorf("the breaker opened at %s (%s); as-if says not before %s", breaker.OpenedAt, breaker.Why, told.MayOpenAt)
	}
}

// alerted compares what was told of a resource that is known for certain.
func (b *replayed) alerted(t *testing.T, one *asif.Resource, sum *tally) {
	t.Helper()
	o := &one.Outcomes[asif.New]
	if o.Compliance != rules.Failed || len(o.Excepted)+len(o.Expired) > 0 || one.Created.IsZero() || isChild(string(one.Row.Kind)+"/"+one.Key) {
		return
	}
	resource := string(one.Row.Kind) + "/" + one.Key
	response, err := b.Store.Response(t.Context(), resource)
	if err != nil {
		t.Fatal(err)
	}
	if response == nil || len(o.Alerts) == 0 || response.Alert.How != o.Alerts[len(o.Alerts)-1].How {
		t.Errorf("%s: as-if says of its alerts %+v; it has %+v", resource, o.Alerts, response)
		return
	}
	sum.alerts++
}

// TestAsIf: whatever as-if says of a past that it would stop, sagemoat stops when
// the same calls are made around it, and nothing else than what as-if says cannot
// be told; and people are told the same.
func TestAsIf(t *testing.T) {
	var sum, trail tally
	const first = 21 // seeds with which much happens
	for seed := uint64(first); seed < uint64(first+chaos.N(2, 200)); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 17))
			p := draw(r)
			text := drawRules(r, began.Add(p.lasts))
			b := p.replay(t, text, 0)
			b.check(t, asIf(t, p.record(t, true), text), delay, &sum)
			b.check(t, asIf(t, p.record(t, false), text), delay, &trail)
			if t.Failed() {
				t.Logf("seed %d\n%s", seed, text)
			}
		})
	}
	t.Logf("with SageMaker's own events %+v; with CloudTrail alone %+v", sum, trail)
	if sum.certain*2 < sum.made || sum.held == 0 || sum.opened == 0 || sum.alerts == 0 {
		t.Errorf("too little is certain: %+v", sum)
	}
}

// TestAsIfTags: where the rules look at tags, stops come later, for SageMaker does
// not show them at once; but the same are made. As more may then be stopped at once,
// the budget is none that matters.
func TestAsIfTags(t *testing.T) {
	var sum tally
	const text = `version: 1
overrides:
  - match: {tags: {team: fraud}}
    rules: {isolation-required: on}
response:
  modes:
    - {match: {accounts: ['111122223333'], kinds: [training-job, processing-job]}, mode: stop}
  stop: {severity: medium, grace: 1m, budget: {stops: 1000, within: 1m, share: 100}}
`
	for seed := range uint64(chaos.N(1, 40)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := draw(rand.New(rand.NewPCG(seed, 18)))
			p.replay(t, text, 1000).check(t, asIf(t, p.record(t, true), text), 20*time.Minute, &sum)
		})
	}
	t.Logf("%+v", sum)
	if sum.certain == 0 {
		t.Errorf("nothing is certain: %+v", sum)
	}
}

// asIf compares rules with the built-in ones over an archive.
func asIf(t *testing.T, archive []byte, text string) *asif.Report {
	t.Helper()
	records, err := audit.Read(t.Context(), audit.Inputs{Paths: []string{"-"}, Stdin: bytes.NewReader(archive)}, nil)
	if err != nil || len(records.Problems) > 0 {
		t.Fatal(err, records.Problems)
	}
	file, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	o := asif.Options{}
	o.Sides[asif.Current] = asif.Side{Name: "built-in", File: rules.Default()}
	o.Sides[asif.New] = asif.Side{Name: "rules.yaml", File: file}
	return asif.Run(records.All, records.Index, o)
}
