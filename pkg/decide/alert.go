package decide

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Pending is how long a finding may take to appear in Security Hub, and how long
// the alert about an owner is waited for.
const Pending = 10 * time.Minute

// Alert says what becomes of the alert about a failure. worse is false where what
// was told before was as bad: then there is none. told are the resources that are
// told of in the same batch.
func (m *Matter) Alert(mode rules.Mode, told map[string]bool) (how ledger.How, worse bool) {
	before := m.Response.Alert
	worse = m.Entry.Verdict.Worse(before) || before.How == ledger.Observed && mode != rules.Observe
	switch {
	case mode == rules.Observe:
		return ledger.Observed, worse
	case m.Inherits(told):
		return ledger.Inherited, worse
	}
	return ledger.Sent, worse
}

// Inherits says whether the alert about its owner tells of a matter too.
func (m *Matter) Inherits(told map[string]bool) bool {
	if m.Owner == nil || m.Owner.Verdict.Compliance != rules.Failed {
		return false
	}
	if told[m.Owner.Resource] {
		return true
	}
	return m.ownerLooked() && m.OwnerResponse.Alert.How != ledger.Observed
}

// ownerLooked says whether it was decided who is told of the failure of the owner.
func (m *Matter) ownerLooked() bool {
	r := m.OwnerResponse
	return r != nil && !r.Alert.At.IsZero() && r.Alert.Compliance == rules.Failed
}

// OwnerFirst says whether the owner of a matter fails too and is about to be told
// of: then that comes first.
func (m *Matter) OwnerFirst(told map[string]bool, now time.Time) bool {
	if m.Owner == nil || m.Owner.Verdict.Compliance != rules.Failed || m.Inherits(told) || m.ownerLooked() {
		return false
	}
	return now.Sub(m.Owner.Written) < Pending
}

// Recovers says what is to be done about what meets the rules: changed is whether
// it did not before, as far as anything was written of that, and heard whether
// people were told, so that they are told of this too.
func (m *Matter) Recovers() (changed, heard bool) {
	before, announced := m.Response.Alert, m.Response.Stop.State == ledger.Announced
	if before.At.IsZero() && !announced || before.Compliance == m.Entry.Verdict.Compliance {
		return false, false
	}
	told := before.Compliance == rules.Failed && (before.How == ledger.Sent || before.How == ledger.Digested)
	return true, told || announced
}

// dailyAt is when in the day, in UTC, warnings are told.
const dailyAt = 7 * time.Hour

// DigestDue is the last time up to now at which the daily digest was due.
func DigestDue(now time.Time) time.Time {
	return now.Add(-dailyAt).Truncate(24 * time.Hour).Add(dailyAt)
}

// Digest says what becomes of what a digest lists. mode is the matter's, and
// owner that of its owner, where it has one.
func (m *Matter) Digest(mode, owner rules.Mode) ledger.How {
	switch {
	case mode == rules.Observe:
		return ledger.Observed
	case m.Inherits(nil) || m.ownerListed(owner):
		return ledger.Inherited
	}
	return ledger.Digested
}

// ownerListed says whether a digest that lists a matter has its owner too, or an
// earlier one had.
func (m *Matter) ownerListed(mode rules.Mode) bool {
	o := m.Owner
	return o != nil && o.Life.State == ledger.Live && o.Verdict.Compliance == m.Entry.Verdict.Compliance && mode != rules.Observe
}
