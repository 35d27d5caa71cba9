package respond

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
)

// Tick does what has become due: stops whose time has come, the confirmation of
// stops, the digests. A schedule calls it every minute.
func (h *Handler) Tick(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	r, err := h.round(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		contain(func() error { return r.pageLate(ctx) }),
		contain(func() error { return r.overdue(ctx) }),
		contain(func() error { return r.firstDigest(ctx) }),
		contain(func() error { return r.dailyDigest(ctx) }),
	)
}

// pageLate tells of a breaker that opened a while ago, if whoever opened it could
// not.
func (r *round) pageLate(ctx context.Context) error {
	var b decide.Breaker
	if _, err := r.Store.Control(ctx, ledger.BreakerOf, &b); err != nil {
		return err
	}
	if !b.Open || !b.Told.IsZero() || r.now().Sub(b.OpenedAt) < claim {
		return nil
	}
	return r.page(ctx)
}

// overdue does what is due, page by page, until there is nothing left that was not
// tried.
func (r *round) overdue(ctx context.Context) error {
	tried := map[string]bool{}
	for {
		page, err := r.Store.Due(ctx, r.now())
		if err != nil {
			return err
		}
		var resources []string
		for _, response := range page {
			if !tried[response.Resource] {
				tried[response.Resource] = true
				resources = append(resources, response.Resource)
			}
		}
		if len(resources) == 0 {
			return nil
		}
		for resource := range r.duePage(ctx, resources) {
			r.Metrics.Count(telemetry.Retried, 1)
			r.postpone(ctx, resource)
		}
	}
}

// postpone makes way for others that are due.
func (r *round) postpone(ctx context.Context, resource string) {
	err := contain(func() error {
		response, err := r.Store.Response(ctx, resource)
		if err != nil || response == nil {
			return err
		}
		response.Due = r.now().Add(claim)
		return r.Store.PutResponse(ctx, response)
	})
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		r.undone().note(ctx, resource, err)
	}
}

// duePage does what is due about some resources.
func (r *round) duePage(ctx context.Context, resources []string) (undone map[string]bool) {
	left := r.undone()
	var matters, told []*matter
	for _, resource := range resources {
		err := contain(func() error {
			m, err := r.matter(ctx, resource)
			switch {
			case err != nil:
				return err
			case m == nil:
				return r.forget(ctx, resource)
			}
			matters = append(matters, m)
			if announced(m.Response) && r.now().Sub(m.Response.Alert.At) < decide.Pending {
				told = append(told, m)
			}
			return nil
		})
		left.note(ctx, resource, err)
	}
	missing := r.sayNotified(ctx, told)
	var tells []*tell
	for _, m := range matters {
		err := contain(func() error {
			t, err := r.look(ctx, m)
			if t != nil {
				tells = append(tells, t)
			}
			return err
		})
		left.note(ctx, m.Entry.Resource, err)
	}
	r.tell(ctx, tells, left)
	maps.Copy(left.name, r.stops(ctx, matters, left.name))
	for _, m := range matters {
		if left.name[m.Entry.Resource] {
			continue
		}
		left.note(ctx, m.Entry.Resource, contain(func() error {
			return r.mark(ctx, m, func(next *ledger.Response) { next.Due = r.next(m, next, missing[m.findingID()]) })
		}))
	}
	return left.name
}

// next is when what was seen to is due again. Security Hub may not have the
// finding yet, or did not answer: then it is asked again.
func (r *round) next(m *matter, response *ledger.Response, missing bool) time.Time {
	now := r.now()
	due := response.Due
	if !due.After(now) {
		due = r.due(m, response)
	}
	if again := now.Add(claim); missing && (due.IsZero() || due.After(again)) {
		return again
	}
	return due
}

// forget has nothing more to do about what is no longer in the ledger.
func (r *round) forget(ctx context.Context, resource string) error {
	response, err := r.Store.Response(ctx, resource)
	if err != nil || response == nil {
		return err
	}
	response.Due, response.Over = time.Time{}, true
	return r.Store.PutResponse(ctx, response)
}

// look says what is to tell of what is due, before stops are made.
func (r *round) look(ctx context.Context, m *matter) (*tell, error) {
	if m.Response.Stop.State == ledger.Requested {
		return r.await(ctx, m)
	}
	return r.plan(ctx, m, nil)
}

// await looks whether a stop that was asked for has ended what runs.
func (r *round) await(ctx context.Context, m *matter) (*tell, error) {
	s := m.Response.Stop
	f, err := r.Fresh(ctx, m.Entry)
	switch {
	case errors.Is(err, live.ErrMissing):
		return r.confirmed(m, "deleted"), nil
	case err != nil && !errors.Is(err, live.ErrDenied) && !errors.Is(err, live.ErrUnreadable):
		return nil, err
	case err == nil && ended(m.Row.Life(f.Life.Status)):
		return r.confirmed(m, f.Life.Status), nil
	}
	status, runs := "not known", false
	if err == nil {
		status, runs = f.Life.Status, rails.IsRunning(m.Row, f.Life.Status) == posture.Yes
	}
	waited := r.now().Sub(s.RequestedAt)
	switch {
	case waited > patience, waited > slow && runs: // it may have been started again
		return r.unfinished(m, ledger.Withheld, status), nil
	case waited > slow && s.Why == "":
		return r.unfinished(m, ledger.Requested, status), nil
	}
	return nil, nil
}

// unfinished says that a stop was asked for and what it was for has not ended.
func (r *round) unfinished(m *matter, state ledger.StopState, status string) *tell {
	next := m.Response.Stop
	next.State, next.Why = state, "its status is "+status
	if state != ledger.Requested {
		next.EndedAt = r.now()
	}
	return &tell{
		matter: m, kind: stopType, stop: &next,
		lead: fmt.Sprintf("Its stop was asked for at %s and is not confirmed: its status is %s.", stamp(next.RequestedAt), status),
		mark: func(response *ledger.Response) {
			response.Stop = next
			response.Due = r.due(m, response)
		},
	}
}
