package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// render makes the finding as it is sent: that of the verdict, with its id, times
// and state, and what was done about the resource. response is nil where nothing
// was.
func (p *Publisher) render(w Want, response *ledger.Response, at time.Time) (finding.ASFF, error) {
	e := w.Entry
	var a finding.ASFF
	if err := json.Unmarshal(e.Verdict.Finding, &a); err != nil {
		return a, errors.New("the finding in the ledger cannot be read")
	}
	a.ID = ID(e)
	a.SetTimes(e.FirstSeen, at)
	a.RecordState = "ACTIVE"
	if w.Archived {
		a.RecordState = "ARCHIVED"
	}
	a.Put("sagemoat/rules-version", rulesVersion(e.Verdict.Rules))
	for key, value := range stopFields(e, response) {
		a.Put(key, value)
	}
	if said := stopSaid(e, response); said != "" {
		a.Say(said)
	}
	return a, errors.Join(finding.Validate(a), p.own(a))
}

// rulesVersion names the rules that judged.
func rulesVersion(v ledger.RulesVersion) string {
	if v.ID == "" {
		return "built-in"
	}
	return v.ID
}

// own refuses what is of another account or Region. One such finding has the
// whole call denied, and the error speaks of permissions.
// https://github.com/prowler-cloud/prowler/issues/867
func (p *Publisher) own(a finding.ASFF) error {
	if a.AWSAccountID != p.o.Account {
		return fmt.Errorf("AwsAccountId is %q, not the own account", finding.Clip(a.AWSAccountID, 20))
	}
	for i, r := range a.Resources {
		if r.Region != p.o.Region || r.Partition != kind.Partition(p.o.Region) {
			return fmt.Errorf("the Region of Resources[%d] is another one", i)
		}
	}
	return nil
}

// stop is what was done to stop the resource of an entry; nothing where the
// response is not about it.
func stop(e *ledger.Entry, r *ledger.Response) ledger.Stop {
	if r == nil || !about(r, e) {
		return ledger.Stop{}
	}
	return r.Stop
}

// stopFields are the product fields that tell of a stop.
func stopFields(e *ledger.Entry, r *ledger.Response) map[string]string {
	s := stop(e, r)
	if s.State == "" {
		return nil
	}
	out := map[string]string{
		"sagemoat/stop":           string(s.State),
		"sagemoat/stop-operation": s.Operation,
		"sagemoat/stop-by":        s.By,
		"sagemoat/stop-why":       s.Why,
	}
	if at := stopAt(s); !at.IsZero() {
		out["sagemoat/stop-at"] = at.UTC().Format(time.RFC3339)
	}
	return out
}

// stopAt is when a stop came to the state it is in; zero where that is not told.
func stopAt(s ledger.Stop) time.Time {
	switch s.State {
	case ledger.Announced:
		return s.AnnouncedAt
	case ledger.Requested:
		return s.RequestedAt
	case ledger.Confirmed:
		return s.EndedAt
	case ledger.Withheld:
	}
	return time.Time{}
}

// stopSaid is the sentence about a stop, for people.
func stopSaid(e *ledger.Entry, r *ledger.Response) string {
	s := stop(e, r)
	when := ""
	if at := stopAt(s); !at.IsZero() {
		when = " at " + at.UTC().Format(time.RFC3339)
	}
	switch s.State {
	case ledger.Announced:
		return fmt.Sprintf("Its stop (%s) was announced%s.", s.Operation, when)
	case ledger.Requested:
		return fmt.Sprintf("Its stop (%s) was requested%s.", s.Operation, when)
	case ledger.Confirmed:
		return fmt.Sprintf("It was stopped (%s)%s.", s.Operation, when)
	case ledger.Withheld:
		if s.Why == "" {
			return "It was not stopped."
		}
		return fmt.Sprintf("It was not stopped: %s.", s.Why)
	}
	return ""
}
