package respond

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// closed says whether the breaker was read, and is closed.
func closed(b *decide.Breaker, err error) posture.Fact {
	if err != nil {
		return posture.Unknown
	}
	return posture.Of(!b.Open)
}

// book decides, and books a stop in the budget before it is made. Of several who
// try at once, each sees the bookings of those before. look renews the facts that
// may change while it tries.
func (r *round) book(ctx context.Context, m *matter, f *rails.Facts, look func()) (rails.Decision, error) {
	var budget rules.Budget
	if r.set.File != nil {
		budget = r.set.File.Response.Stop.Budget
	}
	live := r.live(ctx, m)
	for range attempts {
		var b decide.Breaker
		version, err := r.Store.Control(ctx, ledger.BreakerOf, &b)
		now := r.now()
		var stops int
		f.Holds[rails.Breaker] = closed(&b, err)
		f.Holds[rails.Budget], f.Holds[rails.Share], stops = b.Weigh(budget, m.Entry, live, now)
		look()
		d := rails.Decide(*f)
		trips := decide.Trips(*f, d)
		switch {
		case !d.Stop && !trips:
			return d, nil
		case d.Stop:
			b.Add(m.Entry, now)
		default:
			b.Trip(budget, stops, m.Entry, d.Why, now)
		}
		err = r.Store.PutControl(ctx, ledger.BreakerOf, version, b)
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err == nil && trips {
			err = r.page(ctx)
		}
		return d, err
	}
	return rails.Decision{}, fmt.Errorf("the circuit breaker: %w", ledger.ErrConflict)
}

// live is how many resources of the kind are live; 0 where nobody counted them
// within a day.
func (r *round) live(ctx context.Context, m *matter) int {
	var c ledger.Count
	if _, err := r.Store.Control(ctx, ledger.LiveCount, &c); err != nil || r.now().Sub(c.At) > 24*time.Hour {
		return 0
	}
	return c.Live[string(m.Entry.Kind)]
}

// page says that the breaker opened, once. Whoever opened it does; should it not
// come to that, the next tick.
func (h *Handler) page(ctx context.Context) error {
	var b decide.Breaker
	version, err := h.Store.Control(ctx, ledger.BreakerOf, &b)
	if err != nil || !b.Open || !b.Told.IsZero() {
		return err
	}
	if err := h.publish(ctx, h.composePage(&b)); err != nil {
		return err
	}
	b.Told = h.now()
	err = h.Store.PutControl(ctx, ledger.BreakerOf, version, b)
	if errors.Is(err, ledger.ErrConflict) {
		return nil // reset, or told by somebody else
	}
	return err
}
