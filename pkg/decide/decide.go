// Package decide holds what follows from a verdict as far as it is a decision
// and not a deed: who is told of it, and what is to be stopped. internal/respond
// acts by it, and package asif plays it over the past. It is pure: whatever has to
// be found out is told to it.
package decide

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Matter is a resource and what was done about it.
type Matter struct {
	Row      *kind.Row
	Entry    *ledger.Entry
	Response *ledger.Response
	// Owner is the resource whose setting it is; nil where it is its own, or where
	// the owner is not known. OwnerResponse may be nil.
	Owner         *ledger.Entry
	OwnerResponse *ledger.Response
}

// Renew forgets what was done about an earlier resource of the same name.
func (m *Matter) Renew() {
	r := m.Response
	switch {
	case r == nil:
		m.Response = &ledger.Response{Resource: m.Entry.Resource, Created: m.Entry.Created}
	case !r.Created.IsZero() && !m.Entry.Created.IsZero() && !ledger.SameCreation(m.Entry.Created, r.Created):
		m.Response = &ledger.Response{Resource: r.Resource, Created: m.Entry.Created, Written: r.Written, Version: r.Version}
	case r.Created.IsZero():
		r.Created = m.Entry.Created
	}
}

// IsOver says whether a resource is ended or gone.
func (m *Matter) IsOver() bool {
	return m.Entry.Life.State == ledger.Ended || m.Entry.Life.State == ledger.Gone
}

// Runs says whether the entry has a status in which it runs.
func (m *Matter) Runs() bool {
	return rails.IsRunning(m.Row, m.Entry.Life.Status) == posture.Yes
}

// About is an entry as the rules match it.
func About(e *ledger.Entry) *rules.Subject {
	return &rules.Subject{Kind: e.Kind, Name: e.Name, ARN: e.ARN, Account: e.Account, Region: e.Region, Principal: e.Origin.Principal}
}

// Mode is what the rules want done about what fails, within the most that is allowed
// where this is deployed. Without rules, and with old ones, it is never more than to
// tell.
func Mode(file *rules.File, most rules.Mode, e *ledger.Entry) rules.Mode {
	if file == nil {
		return rules.Notify.AtMost(most)
	}
	return file.ModeFor(About(e)).AtMost(most)
}

// Alerted is the alert about a verdict, as of now.
func Alerted(e *ledger.Entry, how ledger.How, now time.Time) ledger.Alert {
	v := e.Verdict
	return ledger.Alert{At: now, How: how, Class: v.Class, Compliance: v.Compliance, Severity: v.Severity}
}
