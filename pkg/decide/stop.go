package decide

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// ByRules is who asks for the stops that nobody asked for.
const ByRules = "rules"

// Circumstances are what a stop depends on beside its matter.
type Circumstances struct {
	// Scope is our partition, account and Region.
	Scope kind.Scope
	// File are the rules; nil where they cannot be read. Current says that they are
	// the newest.
	File    *rules.File
	Current bool
	// Most is the most that the rules may have done where this is deployed.
	Most rules.Mode
	Now  time.Time
}

// Facts are what is known about a stop by an entry, without looking: what only a
// fresh look or the switches tell is left unknown. The entry is the matter's, or
// what a look made of it: of both, the more careful counts.
func (c *Circumstances) Facts(m *Matter, e *ledger.Entry, s *ledger.Stop) rails.Facts {
	_, stoppable := m.Row.StopCall()
	f := rails.Facts{Person: s.By != ByRules}
	f.Holds[rails.Stoppable] = posture.Of(stoppable && len(m.Row.Requests(c.Scope, m.Entry.Key)) == 1)
	f.Holds[rails.Ours] = posture.No
	if e.Partition == c.Scope.Partition && e.Account == c.Scope.Account && e.Region == c.Scope.Region && e.ARN == m.Entry.ARN {
		f.Holds[rails.Ours] = rails.IsOurs(m.Row, c.Scope, m.Entry.Key, e.ARN)
	}
	f.Holds[rails.Unexcepted] = c.unexcepted(m, e)
	// What audit knows counts too: it may have been told what no look tells.
	f.Holds[rails.Whole] = posture.Of(e.Verdict.Whole && m.Entry.Verdict.Whole)
	f.Holds[rails.Failed] = posture.Of(e.Verdict.Compliance == rules.Failed && m.Entry.Verdict.Compliance == rules.Failed)
	f.Holds[rails.Running] = rails.IsRunning(m.Row, e.Life.Status)
	f.Holds[rails.Alone] = m.alone()
	f.Holds[rails.Announced] = posture.Of(s.State == ledger.Announced && !s.AnnouncedAt.IsZero())
	f.Holds[rails.Current] = posture.Of(c.Current)
	if c.File != nil {
		f.Holds[rails.Severe] = posture.Of(e.Verdict.Severity != "" && e.Verdict.Severity.AtLeast(c.File.Response.Stop.Severity))
		f.Holds[rails.Mode] = posture.Of(Mode(c.File, c.Most, m.Entry) == rules.Stop)
		f.Holds[rails.Grace] = posture.Of(!c.Now.Before(s.AnnouncedAt.Add(c.Grace(s))))
	}
	return f
}

// unexcepted says whether no exception applies. One by who made the resource may,
// as long as nobody told who did.
func (c *Circumstances) unexcepted(m *Matter, e *ledger.Entry) posture.Fact {
	switch {
	case e.Verdict.Exception != "", m.Entry.Verdict.Exception != "":
		return posture.No
	case c.File != nil && c.File.MayExcept(About(m.Entry), c.Now):
		return posture.Unknown
	}
	return posture.Yes
}

// alone says whether nothing that a matter belongs to is stopped, or will be.
func (m *Matter) alone() posture.Fact {
	if m.Entry.Verdict.Notice.Owner == "" {
		return posture.Yes
	}
	if m.Owner == nil {
		return posture.Unknown
	}
	if r := m.OwnerResponse; r != nil && r.Stop.State != "" && r.Stop.State != ledger.Withheld {
		return posture.No
	}
	return posture.Of(m.Owner.Verdict.Compliance != rules.Failed)
}

// Grace is the time between the announcement of a stop and the stop: what was
// promised, or more where the rules want more by now. A person who asks for one
// does not wait.
func (c *Circumstances) Grace(s *ledger.Stop) time.Duration {
	if s.By != ByRules || c.File == nil {
		return 0
	}
	return max(s.Grace, c.File.Response.Stop.Grace)
}

// Progress says how far the stop of a matter came: whether it is under way, or
// done and what was stopped does not run again.
func (m *Matter) Progress() (underWay, done bool) {
	switch m.Response.Stop.State {
	case ledger.Announced, ledger.Requested:
		return true, false
	case ledger.Confirmed:
		return false, !m.Runs()
	case ledger.Withheld, "":
	}
	return false, false
}

// Expected are the facts about a stop that is not announced yet, as if a look
// told nothing new. A record of a creation tells no status: it begins to run.
func (c *Circumstances) Expected(m *Matter, by string) rails.Facts {
	f := c.Facts(m, m.Entry, &ledger.Stop{By: by})
	f.Holds[rails.Afresh], f.Holds[rails.Same] = posture.Yes, posture.Yes
	if m.Entry.Life.Status == "" {
		f.Holds[rails.Running] = posture.Of(m.Entry.Life.State == ledger.Live)
	}
	return WhenDue(f)
}

// WhenDue are facts as if the stop was announced, its time had come and the
// switches allowed it.
func WhenDue(f rails.Facts) rails.Facts {
	for _, r := range []rails.Rail{rails.Announced, rails.Grace, rails.Switch, rails.Breaker, rails.Budget, rails.Share} {
		f.Holds[r] = posture.Yes
	}
	return f
}

// Announce is the stop that is announced now.
func (c *Circumstances) Announce(operation string) ledger.Stop {
	return ledger.Stop{State: ledger.Announced, Operation: operation, By: ByRules, AnnouncedAt: c.Now, Grace: c.File.Response.Stop.Grace}
}
