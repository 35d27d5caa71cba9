package sweep

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const (
	// most is how many entries of a kind a round has judged anew, for what is listed
	// in this page but for the first two reasons. Each costs the audit function a
	// Describe call or several.
	most = 500
	// touch is after how long a finding is written again. Security Hub deletes what
	// was not updated for 90 days.
	// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings.html
	touch = 30 * day
)

// known is what the sweep has to know of an entry that is live.
type known struct {
	resource, key string
	// evidence is the time of the newest evidence.
	evidence time.Time
	// stale says that it is to be judged anew, whatever the lists say; ruled, that it
	// was judged by other rules.
	stale, ruled bool
	// What the lists say.
	seen     bool
	modified time.Time
}

// evidence is the time of the newest evidence that an entry has.
func evidence(e *ledger.Entry) time.Time {
	if e.Life.At.After(e.Verdict.At) {
		return e.Life.At
	}
	return e.Verdict.At
}

// load reads what the ledger has live of the kind.
func (s *sweep) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	s.byKey, s.loaded = map[string]*known{}, true
	for after := ""; ; {
		if s.late(0) {
			return errStop
		}
		entries, next, err := s.Store.Live(ctx, s.row.Kind, after)
		if err != nil {
			return fmt.Errorf("%w: %w", errOurs, err)
		}
		for _, e := range entries {
			k := &known{resource: e.Resource, key: e.Key, evidence: evidence(e), stale: s.stale(e), ruled: s.ruled(e)}
			s.entries = append(s.entries, k)
			s.byKey[e.Key] = k
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// stale says whether an entry is to be judged anew, whatever the lists say.
func (s *sweep) stale(e *ledger.Entry) bool {
	now, v := s.now(), &e.Verdict
	switch {
	case s.ruled(e):
		return true
	case v.Exception != "" && s.expired[v.Exception]:
		return true
	case !v.Whole && now.Sub(v.At) >= day:
		return true // what was missing may be there now
	case s.row.Fresh && !s.row.Ends && now.Sub(v.At) >= day:
		return true // it, or what it refers to, may have changed unseen
	case !s.complete && now.Sub(evidence(e)) >= day:
		return true // the lists are too long to see what is not in them
	}
	return (v.Compliance == rules.Failed || v.Compliance == rules.Warning) && now.Sub(e.Written) >= touch
}

// ruled says whether an entry was judged by other rules than those in force.
func (s *sweep) ruled(e *ledger.Entry) bool {
	return s.rules.File != nil && s.rules.Current && !e.Verdict.Rules.Same(s.rules.Version)
}

// reviewDue says whether the entries of a kind that is listed once a day are to be
// reviewed before that.
func (s *sweep) reviewDue() bool {
	if s.Cursor != "" {
		return true
	}
	if s.rules.File == nil {
		return false
	}
	for _, x := range s.rules.File.Exceptions {
		if x.Expires.After(s.Reviewed) && s.expired[x.ID] {
			return true
		}
	}
	return s.rules.Current && !s.Rules.Same(s.rules.Version)
}

// review has looked at what is not listed any more, what changed after the newest
// evidence, and what is to be judged anew: of these so many in a round, and the
// next round goes on after them.
func (s *sweep) review(ctx context.Context, p *pass) error {
	start := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].resource > s.Cursor })
	left, cursor := most, ""
	for i := range s.entries {
		k := s.entries[(start+i)%len(s.entries)]
		switch {
		case s.gone(k, p), s.changed(k):
			s.hint(k.key, false)
		case k.stale && left > 0:
			if s.hint(k.key, false) {
				left--
			}
			if left == 0 {
				cursor = k.resource
			}
		}
		if len(s.pending) >= page {
			if s.late(0) {
				return errStop
			}
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if s.Cursor = cursor; cursor == "" {
		s.Reviewed = s.now()
		// Audit may have read the rules file a minute before we did: it is looked once
		// more whether all was judged by it.
		if s.Tried.Same(s.rules.Version) || !slices.ContainsFunc(s.entries, func(k *known) bool { return k.ruled }) {
			s.Rules = s.rules.Version
		}
		s.Tried = s.rules.Version
	}
	return nil
}

// gone says whether an entry that is live is not there any more, or has ended.
func (s *sweep) gone(k *known, p *pass) bool {
	return p.Whole && s.complete && !k.seen && p.Began.Sub(k.evidence) >= young
}

// changed says whether a resource was changed after the newest evidence of it, so
// long ago that its event is not on its way any more.
func (s *sweep) changed(k *known) bool {
	return !s.row.Ends && k.modified.After(k.evidence.Add(leeway)) && s.now().Sub(k.modified) >= young
}
