package publish

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// sameCreation is how far apart two records may say that the same resource was
// created; see [ledger.Merge].
const sameCreation = 5 * time.Second

// touch is how old an import may be before what is written anew, and tells
// nothing new, is imported again. Security Hub deletes active findings that were
// not updated for 90 days.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings.html
const touch = 30 * 24 * time.Hour

// ID is the id of the finding about an entry in Security Hub.
func ID(e *ledger.Entry) string {
	row, ok := kind.Of(e.Kind)
	if !ok {
		row = &kind.Row{Kind: e.Kind}
	}
	f := finding.Finding{Row: row, Name: e.Key, ARN: e.ARN, Account: e.Account, Region: e.Region, Created: e.Created}
	return f.ID()
}

// Want is a finding that Security Hub has to hold.
type Want struct {
	Entry    *ledger.Entry // whose verdict it tells
	Archived bool
}

// Decide says which findings about a resource Security Hub has to hold, given
// the entries that the ledger held before (whatever was in Security Hub is told
// by one of them, or by a response), and what it holds now. entry is nil where it
// holds none any more, and response where nothing was done about the resource.
//
//   - What fails, or could not be judged, has a finding.
//   - What passes has one where the resource was told before: it recovered. Other
//     passes are not told, for each finding costs.
//   - What nobody has to look at any more is archived: the finding of a resource
//     that is gone or ended, once somebody was alerted of what it says; of one
//     whose name another resource took, or whose id changed as more was known of
//     it; of one that no rule applies to any more, or whose owner's finding
//     speaks for it now.
//
// What the ledger dropped is not spoken of: it was gone or ended for longer than
// Security Hub keeps its findings.
func Decide(olds []*ledger.Entry, entry *ledger.Entry, response *ledger.Response) []Want {
	if entry == nil {
		return nil
	}
	id := ID(entry)
	known := alerted(response, entry)
	var out []Want
	for _, past := range byID(olds) {
		last := past[len(past)-1]
		same := ID(last) == id
		told := slices.ContainsFunc(past, bad) || passed(last) && response != nil && (!same || alerted(response, last))
		if !told {
			continue
		}
		known = known || same || sameLife(last, entry)
		if !same || !bad(entry) && !passed(entry) {
			out = append(out, Want{Entry: last, Archived: true})
		}
	}
	if bad(entry) || passed(entry) && known {
		out = append(out, Want{Entry: entry, Archived: over(entry, response)})
	}
	return out
}

// byID gathers entries that have a finding by its id, in the order of writing.
func byID(entries []*ledger.Entry) (out [][]*ledger.Entry) {
	at := map[string]int{}
	for _, e := range slices.SortedFunc(slices.Values(entries), func(a, b *ledger.Entry) int { return cmp.Compare(a.Version, b.Version) }) {
		if len(e.Verdict.Finding) == 0 {
			continue
		}
		id := ID(e)
		i, known := at[id]
		if !known {
			i = len(out)
			at[id], out = i, append(out, nil)
		}
		out[i] = append(out[i], e)
	}
	return out
}

// bad says whether an entry has a finding that a person should see. One without
// is told by its owner's.
func bad(e *ledger.Entry) bool {
	return len(e.Verdict.Finding) > 0 && (e.Verdict.Compliance == rules.Failed || e.Verdict.Compliance == rules.Warning)
}

func passed(e *ledger.Entry) bool {
	return len(e.Verdict.Finding) > 0 && e.Verdict.Compliance == rules.Passed
}

// over says whether nobody has to look at a finding any more: its resource has
// come to its end, and either passed, or somebody was told what it says.
func over(e *ledger.Entry, r *ledger.Response) bool {
	if e.Life.State != ledger.Ended && e.Life.State != ledger.Gone {
		return false
	}
	return passed(e) || alerted(r, e) && !e.Verdict.Worse(r.Alert)
}

// alerted says whether there was an alert about the resource of an entry.
func alerted(r *ledger.Response, e *ledger.Entry) bool {
	return r != nil && !r.Alert.At.IsZero() && about(r, e)
}

// about says whether a response is about the resource of an entry, and not about
// another one that has or had its name.
func about(r *ledger.Response, e *ledger.Entry) bool {
	if !r.Created.IsZero() && !e.Created.IsZero() {
		return r.Created.Sub(e.Created).Abs() <= sameCreation
	}
	for _, t := range []time.Time{r.Alert.At, r.Stop.AnnouncedAt, r.Stop.RequestedAt, r.Stop.EndedAt} {
		if !t.IsZero() && !t.Before(e.FirstSeen) {
			return true
		}
	}
	return false
}

// sameLife says whether two entries, written one after the other, are of the
// same resource. The first evidence of a later one is later.
func sameLife(old, e *ledger.Entry) bool {
	if !old.Created.IsZero() && !e.Created.IsZero() {
		return old.Created.Sub(e.Created).Abs() <= sameCreation
	}
	return !e.FirstSeen.After(old.FirstSeen)
}

// news says whether a write of an entry tells Security Hub anything.
func news(old, e *ledger.Entry) bool {
	if old == nil || e == nil {
		return e != nil
	}
	return ID(old) != ID(e) || old.Life.State != e.Life.State || old.Verdict.Compliance != e.Verdict.Compliance ||
		!sameFinding(old.Verdict.Finding, e.Verdict.Finding) || e.Written.Sub(old.Written) >= touch
}

func sameFinding(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y finding.ASFF
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && finding.Alike(x, y)
}

// answered says whether a write of a response tells Security Hub anything about
// the entry as it is now.
func answered(e *ledger.Entry, old, r *ledger.Response) bool {
	if e == nil || r == nil {
		return false
	}
	return over(e, old) != over(e, r) || !maps.Equal(stopFields(e, old), stopFields(e, r))
}

// updated is the time of a finding: the later write of the entry and of the
// response that it tells. Security Hub ignores what is not later than what it
// has, and the two are written by clocks of their own: each write of either makes
// it later by a millisecond at least, up to a second in all.
func updated(e *ledger.Entry, r *ledger.Response) time.Time {
	if r == nil {
		return e.Written
	}
	at := e.Written
	if r.Written.After(at) {
		at = r.Written
	}
	return at.Add(time.Duration(min(e.Version+r.Version, 999)) * time.Millisecond)
}
