package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Breaker is the circuit breaker as it is kept: with the resource of each stop,
// so that a stop that is tried again is booked once, and when people were told
// that it opened. An operator resets it by writing a closed [ledger.Breaker].
type Breaker struct {
	ledger.Breaker
	Of   []string // of Stops; "" is not known
	Told time.Time
}

// Booking is the name under which the stop of a resource is booked.
func Booking(e *ledger.Entry) string {
	return e.Resource + "@" + e.Created.UTC().Format(time.RFC3339)
}

// prune forgets the stops that are out of the budget's time.
func (b *Breaker) prune(within time.Duration, now time.Time) {
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
func (b *Breaker) others(k kind.Kind, booking string) (all, ofKind int) {
	for i := range b.Stops {
		if b.Of[i] == booking {
			continue
		}
		all++
		if b.Of[i] == "" || strings.HasPrefix(b.Of[i], string(k)+"/") {
			ofKind++
		}
	}
	return all, ofKind
}

// Weigh says whether one more stop is within the budget, as a number and as a
// share of the live resources of the kind, and forgets the stops that are out of
// the budget's time. stops is how many others were made in it.
func (b *Breaker) Weigh(budget rules.Budget, e *ledger.Entry, live int, now time.Time) (number, share posture.Fact, stops int) {
	b.prune(budget.Within, now)
	stops, ofKind := b.others(e.Kind, Booking(e))
	number, share = rails.WithinBudget(budget, stops, ofKind, live)
	return number, share, stops
}

// Add books the stop of a resource. One that is tried again counts from then on.
func (b *Breaker) Add(e *ledger.Entry, now time.Time) {
	booking := Booking(e)
	if i := slices.Index(b.Of, booking); i >= 0 {
		b.Stops, b.Of = slices.Delete(b.Stops, i, i+1), slices.Delete(b.Of, i, i+1)
	}
	b.Stops, b.Of = append(b.Stops, now), append(b.Of, booking)
}

// Trips says whether a stop that is not made opens the breaker: it was one too
// many, and everything else allowed it. A person's never does.
func Trips(f rails.Facts, d rails.Decision) bool {
	return !d.Stop && !f.Person && (d.Rail == rails.Budget || d.Rail == rails.Share) && f.Holds[d.Rail] == posture.No
}

// Trip opens the breaker: stops were made within the budget's time, and e was to
// be the next.
func (b *Breaker) Trip(budget rules.Budget, stops int, e *ledger.Entry, why string, now time.Time) {
	b.Open, b.OpenedAt, b.Told = true, now, time.Time{}
	b.Why = fmt.Sprintf("%d stops in %s, and %s was to be the next: %s", stops, budget.Within, e.Resource, why)
}

// Held says whether a rail is one of the circuit breaker's.
func Held(r rails.Rail) bool { return r == rails.Breaker || r == rails.Budget || r == rails.Share }
