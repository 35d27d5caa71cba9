// Package stopmonitor watches a sandbox and says which stops should not have been
// made: whatever test runs, a stop without a fresh look, of what is not ours, of
// what has ended, under an exception, or with a fact missing is a fault.
package stopmonitor

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// Truth is what the test knows of a resource, whatever the functions think.
type Truth struct {
	// Fails says that the rules forbid it, Whole that nothing about its network is
	// hidden, Excepted that an exception allows it.
	Fails, Whole, Excepted bool
}

// Options say what to watch.
type Options struct {
	World *sandbox.World
	// Truth tells of a resource (kind/key); ok is false for one that the test does
	// not know.
	Truth func(resource string) (t Truth, ok bool)
	// Caller, where set, is the role whose calls are watched; others may stop what
	// they like.
	Caller string
}

// Monitor keeps what it saw. It is safe for concurrent use.
type Monitor struct {
	o Options

	mu        sync.Mutex
	described map[string]time.Time // by kind/key: when it was last described
	lost      map[string]time.Time // likewise: when a stop was made whose answer was lost
	stops     int
	faults    []string
}

// Watch begins to watch.
func Watch(o Options) *Monitor {
	m := &Monitor{o: o, described: map[string]time.Time{}, lost: map[string]time.Time{}}
	o.World.Watch(m.see)
	return m
}

// Stops is how many stops were asked for.
func (m *Monitor) Stops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stops
}

// Faults are the stops that should not have been asked for, each with the reason.
func (m *Monitor) Faults() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.faults...)
}

// T is the part of a test that is needed to fail it.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check fails a test with what was seen.
func (m *Monitor) Check(t T) {
	t.Helper()
	for _, fault := range m.Faults() {
		t.Errorf("stop monitor: %s", fault)
	}
}

// rows are the kinds by the operations that describe and stop them.
func rows(operation string) (row *kind.Row, stops, deletes bool) {
	for _, r := range kind.Table() {
		if r.Describe.Name == operation {
			return r, false, false
		}
		for _, s := range r.Stops {
			if s == operation {
				return r, true, !strings.HasPrefix(s, "Stop")
			}
		}
		if slices.Contains(r.Deletes, operation) {
			return r, true, true
		}
	}
	return nil, false, false
}

// see looks at a call: at a stop before it is served, while the resource is as
// the caller found it, and at a description after.
func (m *Monitor) see(c sandbox.Call) {
	if c.Service != "sagemaker" || m.o.Caller != "" && !strings.Contains(c.Caller, ":assumed-role/"+m.o.Caller+"/") {
		return
	}
	row, stops, deletes := rows(c.Operation)
	if row == nil {
		return
	}
	key, ok := keyOf(row, c.Input)
	if c.Done && stops && c.Fault == sandbox.ResetAfter && c.Outcome == "" {
		m.mu.Lock()
		m.lost[string(row.Kind)+"/"+key] = c.Time
		m.mu.Unlock()
	}
	if stops == c.Done {
		return
	}
	if !stops {
		if ok && c.Outcome == "" {
			m.mu.Lock()
			m.described[string(row.Kind)+"/"+key] = c.Time
			m.mu.Unlock()
		}
		return
	}
	m.judge(c, row, key, ok, deletes)
}

func (m *Monitor) judge(c sandbox.Call, row *kind.Row, key string, named, deletes bool) {
	resource := string(row.Kind) + "/" + key
	status, there := m.o.World.SageMaker().Status(row.Kind, key)
	truth, known := m.o.Truth(resource)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stops++
	fault := func(format string, args ...any) {
		m.faults = append(m.faults, fmt.Sprintf("%s %s at %s by %s: ", c.Operation, resource, c.Time.Format(time.RFC3339), c.Caller)+fmt.Sprintf(format, args...))
	}
	if deletes {
		fault("it deletes")
	}
	if !named {
		fault("what it is about cannot be told from %v", c.Input)
		return
	}
	if at, ok := m.described[resource]; !ok {
		fault("it was not described before")
	} else if age := c.Time.Sub(at); age < 0 || age > rails.Oldest {
		fault("it was described %s before", age)
	}
	if foreign := foreign(m.o.World, c.Input); foreign != "" {
		fault("%s is not of account %s and Region %s", foreign, m.o.World.Account(), m.o.World.Region())
	}
	switch {
	case !there:
		fault("there is no such resource")
	case row.Life(status) != kind.Running && !m.again(resource, c.Time):
		fault("its status is %s", status)
	}
	switch {
	case !known:
		fault("the test knows nothing of it")
	case !truth.Fails:
		fault("it does not fail the rules")
	case truth.Excepted:
		fault("an exception allows it")
	case !truth.Whole:
		fault("a fact about it is missing")
	}
}

// again says whether a stop is made again because the answer to the last one was
// lost, as the SDK does: who makes it cannot know that it was heard.
func (m *Monitor) again(resource string, at time.Time) bool {
	lost, ok := m.lost[resource]
	return ok && at.Sub(lost) <= rails.Oldest
}

// keyOf is the key that the members of a call name.
func keyOf(row *kind.Row, in map[string]any) (string, bool) {
	var parts []string
	for _, alternatives := range row.Key {
		found := ""
		for member := range strings.SplitSeq(alternatives, "|") {
			if s, ok := in[member].(string); ok && s != "" {
				found = s
			}
		}
		if found == "" {
			return "", false
		}
		if arn, ok := kind.ParseARN(found); ok {
			found = arn.ID
		}
		parts = append(parts, found)
	}
	return strings.Join(parts, "/"), true
}

// foreign is an ARN among the members that is of somewhere else.
func foreign(w *sandbox.World, in map[string]any) string {
	for _, v := range in {
		s, _ := v.(string)
		if arn, ok := kind.ParseARN(s); ok && (arn.Account != w.Account() || arn.Region != w.Region()) {
			return s
		}
	}
	return ""
}
