package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// breaker is the circuit breaker as it is kept: with the resource of each stop,
// so that a stop that is tried again is booked once, and when people were told
// that it opened. An operator resets it by writing a closed [ledger.Breaker].
type breaker struct {
	ledger.Breaker
	Of   []string // of Stops; "" is not known
	Told time.Time
}

// closed says whether the breaker was read, and is closed.
func (b *breaker) closed(err error) posture.Fact {
	if err != nil {
		return posture.Unknown
	}
	return posture.Of(!b.Open)
}

// prune forgets the stops that are out of the budget's time.
func (b *breaker) prune(within time.Duration, now time.Time) {
	stops, of := b.Stops, b.Of
	b.Stops, b.Of = nil, nil
	for i, at := range stops {
		if rails.Recent([]time.Time{at}, within, now) == 0 {
			continue
		}
		resource := ""
		if i < len(of) {
			resource = of[i]
		}
		b.Stops, b.Of = append(b.Stops, at), append(b.Of, resource)
	}
}

// others counts the stops of other resources, and those of a kind among them. A
// stop of which the resource is not known is of every kind.
func (b *breaker) others(k, booking string) (all, ofKind int) {
	for i := range b.Stops {
		if b.Of[i] == booking {
			continue
		}
		all++
		if b.Of[i] == "" || strings.HasPrefix(b.Of[i], k+"/") {
			ofKind++
		}
	}
	return all, ofKind
}

// add books a stop. One that is tried again counts from then on.
func (b *breaker) add(booking string, now time.Time) {
	if i := slices.Index(b.Of, booking); i >= 0 {
		b.Stops, b.Of = slices.Delete(b.Stops, i, i+1), slices.Delete(b.Of, i, i+1)
	}
	b.Stops, b.Of = append(b.Stops, now), append(b.Of, booking)
}

// book decides, and books a stop in the budget before it is made. Of several who
// try at once, each sees the bookings of those before. look renews the facts that
// may change while it tries.
func (r *round) book(ctx context.Context, m *matter, f *rails.Facts, look func()) (rails.Decision, error) {
	booking := m.entry.Resource + "@" + m.entry.Created.UTC().Format(time.RFC3339)
	var budget rules.Budget
	if r.set.File != nil {
		budget = r.set.File.Response.Stop.Budget
	}
	live := r.live(ctx, m)
	for range attempts {
		var b breaker
		version, err := r.Store.Control(ctx, ledger.BreakerOf, &b)
		now := r.now()
		b.prune(budget.Within, now)
		all, ofKind := b.others(string(m.entry.Kind), booking)
		f.Holds[rails.Breaker] = b.closed(err)
		f.Holds[rails.Budget], f.Holds[rails.Share] = rails.WithinBudget(budget, all, ofKind, live)
		look()
		d := rails.Decide(*f)
		trips := !d.Stop && !f.Person && (d.Rail == rails.Budget || d.Rail == rails.Share) && f.Holds[d.Rail] == posture.No
		switch {
		case !d.Stop && !trips:
			return d, nil
		case d.Stop:
			b.add(booking, now)
		default:
			b.Open, b.OpenedAt, b.Told = true, now, time.Time{}
			b.Why = fmt.Sprintf("%d stops in %s, and %s was to be the next: %s", all, budget.Within, m.entry.Resource, d.Why)
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
	return c.Live[string(m.entry.Kind)]
}

// page says that the breaker opened, once. Whoever opened it does; should it not
// come to that, the next tick.
func (h *Handler) page(ctx context.Context) error {
	var b breaker
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
