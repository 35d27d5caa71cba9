package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

const (
	// young is how long an event may be on its way: what is newer is left to the
	// next round. CloudTrail takes about 5 minutes.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html
	young = 5 * time.Minute
	// overlap is how much of the time before the last pass is listed again: what was
	// young then, what lists did not show yet, and what clocks differ by.
	overlap = 15 * time.Minute
	// leeway is what times of one event may differ by.
	leeway = 5 * time.Second
	// day is after how long what there can be tens of thousands of is listed whole,
	// and what may have changed unseen is looked at again.
	day = 24 * time.Hour
	// often is after how many pages it is written down how far a pass came.
	often = 20
)

// checkpoint is how far the sweep of a kind came.
type checkpoint struct {
	// Round is the round that it was last swept in, or skipped.
	Round time.Time
	// Mark is the time before which all that was created has been listed; Whole is
	// when all that can be live was.
	Mark, Whole time.Time
	// Reviewed is when all entries had been reviewed, and found to be judged by the
	// rules of the version; Tried are the rules that this was last looked for. Cursor
	// is the resource after which the next review goes on.
	Reviewed     time.Time
	Rules, Tried ledger.RulesVersion
	Cursor       string
	Pass         *pass
}

// pass is one time through the lists of a kind.
type pass struct {
	Began, Since time.Time
	Whole        bool
	Step         int
	Token        string
	Count        int
}

// sweep is the pass over a kind in this tick.
type sweep struct {
	*tick
	*plan
	checkpoint
	version int64
	steps   []step
	// complete says that the whole pass took place in this tick: what it did not
	// list is not there.
	complete bool
	loaded   bool
	entries  []*known // what the ledger has live, by resource
	byKey    map[string]*known
	hinted   map[string]bool
	pending  []events.Hint
	missed   int
	foreign  int
}

// kind sweeps a kind, unless that was done in this round.
func (t *tick) kind(ctx context.Context, p *plan) error {
	s := &sweep{tick: t, plan: p, hinted: map[string]bool{}}
	var err error
	if s.version, err = t.Store.Control(ctx, s.name(), &s.checkpoint); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	if s.Round.Equal(t.round.Began) {
		return nil
	}
	s.begin()
	if s.Pass.Whole {
		err = s.load(ctx)
	}
	finished := false
	defer func() {
		if !finished { // a panic: what caused it is not to be met again at once
			s.Pass, s.Round = nil, t.round.Began
			_ = s.keep(ctx) // the panic is told
		}
	}()
	if err == nil {
		err = s.list(ctx)
	}
	if err == nil {
		s.tell(ctx)
		err = s.end(ctx)
	}
	finished = true
	return s.leave(ctx, err)
}

func (s *sweep) name() string { return ledger.Checkpoint + string(s.row.Kind) }

// begin begins a pass, or goes on with the one that is under way.
func (s *sweep) begin() {
	s.complete = s.Pass == nil
	if s.complete {
		now := s.now()
		from := s.Mark
		if from.IsZero() {
			from = now
		}
		s.Pass = &pass{Began: now, Since: from.Add(-overlap), Whole: !s.daily || now.Sub(s.Whole) >= day}
	}
	s.steps = s.plan.steps(s.Pass.Whole, s.Pass.Since)
}

// list goes through the lists from where the pass is.
func (s *sweep) list(ctx context.Context) error {
	first := true
	for pages := 1; s.Pass.Step < len(s.steps); pages++ {
		st := &s.steps[s.Pass.Step]
		input := st.input
		if s.Pass.Token != "" {
			input["NextToken"] = s.Pass.Token
		}
		response, err := s.ask(ctx, st.operation, input)
		if err != nil && first && s.Pass.Token != "" && awsjson.Code(err) == "ValidationException" {
			// How long tokens are good for is not documented.
			s.Pass = nil
			s.begin()
			s.complete = false
			continue
		}
		if err != nil {
			return err
		}
		first = false
		items, next, foreign, err := s.read(response.Body, st, s.Scope)
		if err != nil {
			return err
		}
		s.listed += len(items)
		s.foreign += foreign
		for _, i := range items {
			if err := s.take(ctx, i, st); err != nil {
				return err
			}
		}
		if err := s.flush(ctx); err != nil {
			return err
		}
		s.Pass.Token = next
		if next == "" || st.newest && s.reached(items, foreign) {
			s.Pass.Step, s.Pass.Token = s.Pass.Step+1, ""
		}
		if pages%often == 0 {
			if err := s.keep(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// reached says whether a list that has the newest first came to what is older than
// was asked for. ListTrainingJobs can fill a page with what its filters leave out
// again, so that what follows an empty page is older still.
// https://github.com/boto/boto3/issues/2838
func (s *sweep) reached(items []item, foreign int) bool {
	n := len(items)
	return n+foreign == 0 || n > 0 && !items[n-1].created.IsZero() && items[n-1].created.Before(s.Pass.Since)
}

// take compares what is listed with the ledger.
func (s *sweep) take(ctx context.Context, i item, st *step) error {
	if st.counts && !i.over {
		s.Pass.Count++
	}
	k := s.byKey[i.key]
	if k != nil && !i.created.After(k.evidence.Add(leeway)) {
		if !i.over {
			k.seen, k.modified = true, i.modified
		}
		return nil
	}
	if k != nil {
		k.seen = true // another one of the name
	}
	now := s.now()
	if !i.created.IsZero() && now.Sub(i.created) < young || i.over && i.created.Before(s.Pass.Since) {
		return nil
	}
	if !s.first() {
		old, err := s.Store.Entry(ctx, evaluate.Resource(s.row.Kind, i.key))
		if err != nil {
			return fmt.Errorf("%w: %w", errOurs, err)
		}
		if old != nil && !i.created.After(evidence(old).Add(leeway)) {
			// What is over in the ledger and runs again, as an execution can.
			again := !i.over && old.Life.State != ledger.Live && now.Sub(evidence(old)) >= young
			if again || old.Verdict.At.IsZero() {
				s.hint(i.key, false)
			}
			return nil
		}
	}
	missed := !s.first() && !s.baseline
	if s.hint(i.key, missed) && missed {
		s.missed++
		if !i.created.IsZero() && (s.oldest.IsZero() || i.created.Before(s.oldest)) {
			s.oldest = i.created
		}
	}
	return nil
}

// first says whether the kind was never listed before to its end: nothing of it
// was missed.
func (s *sweep) first() bool { return s.Whole.IsZero() }

// hint has a resource looked at, unless that was done in this tick.
func (s *sweep) hint(key string, missed bool) bool {
	if s.hinted[key] {
		return false
	}
	s.hinted[key] = true
	s.pending = append(s.pending, events.Hint{Kind: s.row.Kind, Key: key, Missed: missed})
	return true
}

// flush sends the hints. Only then it is written down that their pages are done.
func (s *sweep) flush(ctx context.Context) error {
	if len(s.pending) == 0 {
		return nil
	}
	if err := s.Put(ctx, s.pending); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	s.pending = s.pending[:0]
	return nil
}

// keep writes down how far it came.
func (s *sweep) keep(ctx context.Context) error {
	if err := s.save(ctx, s.name(), s.version, s.checkpoint); err != nil {
		return err
	}
	s.version++
	return nil
}

// end takes in that the lists were gone through, and reviews the entries.
func (s *sweep) end(ctx context.Context) error {
	p := s.Pass
	if p.Whole {
		s.Whole = p.Began
		s.counts[string(s.row.Kind)] = p.Count
	}
	s.Mark, s.Pass = p.Began, nil
	if !p.Whole && !s.reviewDue() {
		return nil
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	return s.review(ctx, p)
}

// leave writes down what became of the pass. A kind that failed is left for this
// round: the others are not to wait for it.
func (s *sweep) leave(ctx context.Context, err error) error {
	stopped := errors.Is(err, errStop) || ctx.Err() != nil
	if err != nil && !stopped {
		s.Pass = nil
	}
	if s.Pass == nil {
		s.Round = s.round.Began
	}
	if kept := s.keep(context.WithoutCancel(ctx)); kept != nil {
		return kept
	}
	return err
}

// tell says what a pass found.
func (s *sweep) tell(ctx context.Context) {
	if s.missed > 0 {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "events missed", slog.String("kind", string(s.row.Kind)), slog.Int("count", s.missed))
	}
	if s.foreign > 0 {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "listed without a name, or of another account or Region", slog.String("kind", string(s.row.Kind)), slog.Int("count", s.foreign))
	}
}
