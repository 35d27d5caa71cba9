package rails

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Oldest is how old a description may be when something is stopped by it.
const Oldest = time.Minute

// IsAfresh says whether what was asked for at a time is still fresh. The time is
// that of our clock before the question, and not of the answer's: two clocks may
// differ by more than a minute. A time to come is none that we asked at.
func IsAfresh(asked, now time.Time) posture.Fact {
	if asked.IsZero() {
		return posture.Unknown
	}
	age := now.Sub(asked)
	return posture.Of(age >= 0 && age <= Oldest)
}

// IsSame says whether two times of creation are of one resource. One that is not
// known makes it unknown.
func IsSame(a, b time.Time) posture.Fact {
	if a.IsZero() || b.IsZero() {
		return posture.Unknown
	}
	return posture.Of(ledger.SameCreation(a, b))
}

// IsRunning says whether a status is one in which a resource of the kind runs.
func IsRunning(row *kind.Row, status string) posture.Fact {
	if status == "" {
		return posture.Unknown
	}
	switch row.Life(status) {
	case kind.Running:
		return posture.Yes
	case kind.Halting, kind.Halted, kind.Over, kind.Removed:
		return posture.No
	case kind.LifeUnknown:
	}
	return posture.Unknown
}

// IsOurs says whether an ARN is the one that the table makes of the key in our
// partition, Region and account. An ARN that the table cannot make, as that of a
// kind whose ARNs have ids, must at least be of them.
func IsOurs(row *kind.Row, s kind.Scope, key, arn string) posture.Fact {
	if s.Partition == "" || s.Region == "" || s.Account == "" || arn == "" {
		return posture.Unknown
	}
	a, _ := kind.ParseARN(arn) // of what is none, nothing
	if a.Service != "sagemaker" || a.Partition != s.Partition || a.Region != s.Region || a.Account != s.Account {
		return posture.No
	}
	built := row.Build(s.Partition, s.Region, s.Account, key)
	return posture.Of(built == "" || built == arn)
}

// WithinBudget says whether one more stop is within the budget: as a number, and
// as a share of the live resources of the kind. recent are the stops within the
// budget's time, ofKind how many of them are of the kind. One is always within
// the share; beyond it a number of live resources that is not known allows none.
func WithinBudget(b rules.Budget, recent, ofKind, live int) (number, share posture.Fact) {
	if b.Stops <= 0 || b.Within <= 0 || b.Share <= 0 || recent < 0 || ofKind < 0 {
		return posture.Unknown, posture.Unknown
	}
	most := max(1, live*b.Share/100)
	return posture.Of(recent+1 <= b.Stops), posture.Of(ofKind+1 <= most)
}

// Recent counts the stops that are within the budget's time. A stop that seems to
// be still to come was made by a clock ahead of ours, and counts.
func Recent(stops []time.Time, within time.Duration, now time.Time) int {
	n := 0
	for _, at := range stops {
		if now.Sub(at) < within {
			n++
		}
	}
	return n
}
