package respond

import (
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// TestMost: rules that want more than is allowed here get what is allowed.
func TestMost(t *testing.T) {
	for _, c := range []struct {
		most            rules.Mode
		alerted, halted bool
	}{
		{rules.Observe, false, false},
		{rules.Notify, true, false},
		{rules.Stop, true, true},
	} {
		t.Run(string(c.most), func(t *testing.T) {
			b := newBed(t, stopRules)
			b.Most = c.most
			resource := b.training("open", nil)
			b.clock.Advance(time.Second)
			b.look(resource)
			for range 3 {
				b.stream(1)
				b.clock.Advance(time.Minute)
				ok(t, b.Tick(t.Context()))
			}
			if got := len(b.said()) > 0; got != c.alerted {
				t.Errorf("alerted: %v, want %v: %q", got, c.alerted, b.said())
			}
			if got := b.monitor.Stops() > 0; got != c.halted {
				t.Errorf("stopped: %v, want %v", got, c.halted)
			}
		})
	}
}
