package ledger

import "time"

// The controls, and who writes them.
const (
	KillSwitch = "kill-switch" // the operator, [Switch]
	BreakerOf  = "breaker"     // respond; the operator resets it, [Breaker]
	Baseline   = "baseline"    // sweep, [FirstSweep]
	LiveCount  = "live-count"  // sweep, [Count]
	Digest     = "digest"      // respond, a [Mark]
	// Heartbeat and Checkpoint are followed by what they are of: heartbeat/audit,
	// checkpoint/training-job.
	Heartbeat  = "heartbeat/"  // each function its own, a [Mark]
	Checkpoint = "checkpoint/" // sweep, its own document
)

// Switch forbids every stop while it is on.
type Switch struct {
	On      bool
	By, Why string
	At      time.Time
}

// Breaker limits how many stops are made. Once open it stays open until somebody
// resets it.
type Breaker struct {
	Open     bool
	Why      string
	OpenedAt time.Time
	// Stops are the times of the stops within the budget's time, oldest first.
	Stops []time.Time
}

// FirstSweep says how far the first sweep of the account came. Until it is done,
// what it finds is told in one digest.
type FirstSweep struct {
	Started, Done time.Time
	// Told is when the digest was sent.
	Told time.Time
}

// Count is how many resources are live, by kind.
type Count struct {
	At   time.Time
	Live map[string]int
}

// Mark is a point in time.
type Mark struct{ At time.Time }
