package respond

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/awstest/stopmonitor"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// story is a history with everything in it that respond does: an alert, a stop
// and its confirmation, a recovery, what a child inherits, a digest of warnings
// and what a person asks for. It ends when nothing is left to do.
type story struct {
	*bed
	waiting []ledger.Change
}

func (s *story) write(e ledger.Entry) {
	s.Helper()
	old, err := s.store.Entry(s.Context(), e.Resource)
	ok(s, err)
	if old != nil {
		e.Version = old.Version
	}
	ok(s, s.store.PutEntry(s.Context(), &e))
}

// step is an invocation, and those after it until the stream is delivered.
func (s *story) step(tick bool) {
	s.Helper()
	for range 20 {
		changes := s.store.Drain()
		_, err := s.publisher.Handle(s.Context(), changes)
		ok(s, err)
		s.waiting = append(s.waiting, changes...)
		if len(s.waiting) == 0 {
			break
		}
		left := s.waiting
		failed := sequences(left) // where the function does not come to its end
		s.invoke(func() {
			var err error
			if failed, err = s.Changes(s.Context(), left); err != nil && len(failed) == 0 {
				s.Fatal("an error without what failed")
			}
		})
		s.waiting = nil
		for i := range left {
			if len(failed) > 0 && left[i].Sequence == failed[0] {
				s.waiting = slices.Clone(left[i:])
				break
			}
		}
	}
	if tick {
		s.invoke(func() { _ = s.Tick(s.Context()) })
	}
}

// invoke plays one invocation. A panic ends it, as it ends the function.
func (s *story) invoke(f func()) {
	s.faults.alive()
	defer func() { _ = recover() }()
	f()
}

// play plays the story and returns its end.
func play(t *testing.T, at int, what fault, twice bool) (end string, names []string, messages map[string]int) {
	t.Helper()
	b := newBed(t, stopRules+"  modes:\n    - {match: {kinds: [processing-job]}, mode: notify}\n")
	s := &story{bed: b}
	// What a person asks to stop.
	b.truth["processing-job/asked"] = stopmonitor.Truth{Fails: true, Whole: true}
	_, err := b.world.SageMaker().Create("CreateProcessingJob", map[string]any{
		"ProcessingJobName": "asked", "RoleArn": "arn:aws:iam::111122223333:role/SageMakerExecution",
		"AppSpecification":    map[string]any{"ImageUri": "i"},
		"ProcessingResources": map[string]any{"ClusterConfig": map[string]any{"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}},
	})
	ok(t, err)
	b.world.SageMaker().RunFor(kind.ProcessingJob, "asked", 20*time.Hour)
	b.clock.Advance(1e9)
	b.look("processing-job/asked")
	b.deliver()
	event := b.press(b.found())[0]
	// What was told of before, and passes now.
	recovered := b.training("recovered", nil)
	b.clock.Advance(1e9)
	e := *b.look(recovered)
	ok(t, b.store.PutResponse(t.Context(), &ledger.Response{
		Resource: recovered, Created: e.Created,
		Alert: ledger.Alert{At: start, How: ledger.Sent, Class: e.Verdict.Class, Compliance: rules.Failed, Severity: rules.High},
	}))
	b.store.Drain()
	b.truth[recovered] = b.truth["nothing"]
	e.Verdict.Compliance, e.Verdict.Severity, e.Verdict.Class = rules.Passed, "", "b-vpc"
	s.write(e)
	// What could not be judged.
	warned := b.training("warned", nil)
	b.clock.Advance(1e9)
	w := *b.look(warned)
	b.truth[warned] = b.truth["nothing"]
	w.Verdict.Compliance, w.Verdict.Severity, w.Verdict.Whole = rules.Warning, rules.Informational, false
	s.write(w)
	ok(t, b.store.PutControl(t.Context(), ledger.Digest, 0, ledger.Mark{At: start.AddDate(0, 0, -1)}))
	// What fails, and its child.
	failing := b.training("failing", nil)
	child := b.training("child", nil)
	b.clock.Advance(1e9)
	b.look(failing)
	c := *b.look(child)
	c.Verdict.Notice.Owner = failing
	s.write(c)

	b.faults.on, b.faults.at, b.faults.what, b.faults.twice = true, at, what, twice
	for i := range 12 {
		if i == 1 {
			for again := true; again; { // asynchronous events come again
				again = true
				s.invoke(func() { again = s.Action(s.Context(), event) != nil })
			}
		}
		s.step(true)
		b.clock.Advance(61e9)
	}
	b.faults.on = false
	names = b.faults.names
	b.monitor.Check(t)
	messages = map[string]int{}
	for _, m := range b.said() {
		messages[m]++
	}
	var lines []string
	for _, r := range []string{recovered, warned, failing, child, "processing-job/asked"} {
		x := b.response(r)
		lines = append(lines, fmt.Sprintln(r, x.Alert.How, x.Alert.Compliance, x.Alert.Severity, x.Stop.State, x.Stop.Operation, x.Stop.By, x.Stop.Why, b.status(r)))
	}
	k := b.breaker()
	slices.Sort(k.Of)
	lines = append(lines, fmt.Sprintln("breaker", k.Open, k.Of, len(k.Stops)))
	for _, f := range b.world.Findings() {
		lines = append(lines, fmt.Sprintln("finding", f.ID, f.Workflow))
	}
	return strings.Join(lines, ""), names, messages
}

// TestCrash has every call to AWS and to the ledger go wrong, once and twice: by
// an error before or after its effect, by a panic, and by the end of the
// invocation. The end is that of the story without.
func TestCrash(t *testing.T) {
	want, points, said := play(t, 0, 0, false)
	t.Logf("%d points\n%s%v", len(points), want, said)
	if len(said) != 7 || said["stop asked=announced"] != 1 || said["stop asked=confirmed"] != 1 || said["stop failing=confirmed"] != 1 || said["recovered recovered"] != 1 || said["digest warned"] != 1 {
		t.Fatalf("the story says %v", said)
	}
	stories, most := 0, 0
	for k := 1; k <= len(points); k += chaos.N(11, 1) {
		for what := errorBefore; what <= deadAfter; what++ {
			for _, twice := range []bool{false, true} {
				where := fmt.Sprintf("point %d (%s), fault %d, twice %v", k, points[k-1], what, twice)
				end, _, messages := play(t, k, what, twice)
				stories++
				if end != want {
					t.Errorf("%s: it ends with\n%snot\n%s", where, end, want)
				}
				extra := 0
				if messages["alert failing"] > 0 && messages["stop failing=announced"] > 0 {
					// The switches could not be read: the alert came first, the announcement
					// by itself.
					messages["alert failing=announced"]++
					delete(messages, "alert failing")
					delete(messages, "stop failing=announced")
				}
				for m, n := range said {
					if messages[m] < n {
						t.Errorf("%s: %q was not told", where, m)
					}
				}
				for m, n := range messages {
					if said[m] == 0 {
						t.Errorf("%s: it says %q", where, m)
					}
					extra = max(extra, n-said[m]) // of each: several are under way at a time
				}
				if most = max(most, extra); extra > 1 && !twice || extra > 2 {
					t.Errorf("%s: a message came %d times too often: %v", where, extra, messages)
				}
			}
		}
	}
	t.Logf("%d stories, a message %d times too often at most", stories, most)
}
