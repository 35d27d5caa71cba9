package respond

import (
	"testing"

	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// TestAlert: who fails is told of once, and Security Hub that people were told.
func TestAlert(t *testing.T) {
	b := newBed(t, notifyRules)
	resource := b.fails("fraud-7")
	b.wantSaid("alert fraud-7")
	r := b.response(resource)
	if r.Alert.How != ledger.Sent || r.Alert.Compliance != "FAILED" || !r.Alert.At.Equal(b.clock.Now()) || r.Stop.State != "" {
		t.Errorf("%+v", r)
	}
	b.tick(11)
	b.wantSaid("alert fraud-7")
	if f := b.world.Findings(); len(f) != 1 || f[0].Workflow != "NOTIFIED" {
		t.Errorf("findings %+v", f)
	}
	if r := b.response(resource); !r.Due.IsZero() {
		t.Errorf("due %v, and there is nothing to do", r.Due)
	}
}

// TestStop: announced, stopped, confirmed, told.
func TestStop(t *testing.T) {
	b := newBed(t, stopRules)
	resource := b.fails("fraud-7")
	b.wantSaid("alert fraud-7=announced")
	if r := b.response(resource); r.Stop.State != ledger.Requested || b.status(resource) != "Stopping" || r.Stop.Operation != "StopTrainingJob" || r.Stop.By != "rules" {
		t.Errorf("%+v, %s", r.Stop, b.status(resource))
	}
	b.tick(11)
	b.wantSaid("alert fraud-7=announced", "stop fraud-7=confirmed")
	if r := b.response(resource); r.Stop.State != ledger.Confirmed || r.Stop.EndedAt.IsZero() || !r.Due.IsZero() {
		t.Errorf("%+v", r)
	}
	if b.monitor.Stops() != 1 || len(b.breaker().Stops) != 1 || b.status(resource) != "Stopped" {
		t.Errorf("%d stops, breaker %+v, %s", b.monitor.Stops(), b.breaker(), b.status(resource))
	}
	if f := b.world.Findings(); f[0].Workflow != "NOTIFIED" {
		t.Errorf("workflow %s", f[0].Workflow)
	}
}

func TestGrace(t *testing.T) {
	b := newBed(t, `
version: 1
response:
  mode: stop
  stop: {severity: high, grace: 10m}
`)
	resource := b.fails("fraud-7")
	b.tick(9)
	if b.monitor.Stops() != 0 || b.response(resource).Stop.State != ledger.Announced {
		t.Errorf("stopped %v before the time was over", b.response(resource).Stop)
	}
	b.tick(2)
	if b.monitor.Stops() != 1 || b.status(resource) != "Stopping" {
		t.Errorf("%d stops, %s", b.monitor.Stops(), b.status(resource))
	}
}
