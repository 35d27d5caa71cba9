// Package asif plays two rules files over the past: what each would have flagged,
// told and stopped, and where they differ. Time in the records is the clock.
//
// Who is told and what may be stopped is decided by package decide and package
// rails, as the functions do. What the records do not tell is not guessed: a stop
// is certain only where every fact that it needs is, in whichever of the worlds
// that the records allow, and else it is counted as not told, with what follows if
// what was not told to have ended still ran.
//
// See docs/adr/0017-as-if.md.
package asif

import (
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The sides of a comparison, as places in [Report.Sides] and [Resource.Outcomes].
const (
	Current = iota // the rules in force
	New            // the rules as if
	sides
)

// Side is a rules file, and what it is called.
type Side struct {
	Name string
	File *rules.File
}

// Options say what to play.
type Options struct {
	Sides [sides]Side
	// Since and Until bound the period, in which the rules are taken to have been in
	// force; what has no time counts as in it. Zero is no bound.
	Since, Until time.Time
	// Accounts and Kinds are those that are reported; empty is all. The stops of
	// other kinds count in the budget all the same.
	Accounts []string
	Kinds    []kind.Kind
	// Now judges what has no time.
	Now time.Time
}

// Report is what two rules files make of a period.
type Report struct {
	Sides [sides]Side
	// From and To are the first and the last time of what was judged.
	From, To  time.Time
	Resources []*Resource // by the time at which they were first judged
	Breakers  [sides][]Breaker
}

// Resource is one resource of the period, from its creation to its end.
type Resource struct {
	Row                                        *kind.Row
	Key, Name, ARN, Partition, Account, Region string
	// Created is when it was created, and Origin who did; zero where that is not told.
	Created time.Time
	Origin  ledger.Origin
	// Judged is when it was first judged in the period; zero where it has no time.
	Judged   time.Time
	Outcomes [sides]Outcome
	// Why says what made the difference between the outcomes; empty where there is
	// none.
	Why []string

	life []moment
	told bool // by the record of its creation
}

// Differs says whether the two rules files make something else of it.
func (r *Resource) Differs() bool { return len(r.Why) > 0 }

// Outcome is what a rules file makes of a resource.
type Outcome struct {
	// Compliance, Severity, Class and Results are those of the worst verdict in the
	// period, and At is when it was first as bad.
	Compliance rules.Compliance
	Severity   rules.Severity
	Class      string
	Results    []rules.Result
	At         time.Time
	// Excepted and Expired are the ids of exceptions that applied, and of those that
	// would have, had they not expired.
	Excepted, Expired []string
	// Team is whom the rules tell; empty is nobody in particular.
	Team string
	Mode rules.Mode
	// Alerts are what became of the alerts about it, in their order.
	Alerts []Alert
	Stops  []Stop

	record *kind.Observation
}

// Alert is what became of an alert.
type Alert struct {
	At  time.Time
	How ledger.How
	// Recovered says that it told that the rules are met again.
	Recovered bool
}

// State is what becomes of a stop.
type State string

// The states.
const (
	Stopped  State = "stopped"  // every rail certainly holds
	Held     State = "held"     // the circuit breaker holds it back
	Ended    State = "ended"    // it was announced, and there was nothing left to stop
	Withheld State = "withheld" // another rail certainly forbids it
	NotTold  State = "not-told" // the records do not tell
)

// Stop is a stop that the rules ask for, and what becomes of it.
type Stop struct {
	// AnnouncedAt is when people are told; zero where they certainly are not. It is
	// certain where Announced is true.
	AnnouncedAt time.Time
	Announced   bool
	// At is when it is made, at the earliest.
	At        time.Time
	Operation string
	State     State
	// Why says what forbids it, or what is not told.
	Why string
	// Assumed is, where it is not told, what becomes of it if what was not told to
	// have ended still ran, and enough of its kind did: Stopped or Held. Empty is
	// none of these.
	Assumed State
	// Rule is the worst rule that it fails.
	Rule     rules.ID
	Severity rules.Severity
}

// Breaker is what becomes of the circuit breaker of an account and Region.
type Breaker struct {
	Account, Region string
	// OpenedAt is when it certainly opened, MayOpenAt the first time at which it may
	// have, and AssumedAt when it opens if what was not told to have ended still ran.
	// Zero is never.
	OpenedAt, MayOpenAt, AssumedAt time.Time
	// Why says by what, of the first of the three that there is.
	Why string
}

// Run plays the rules files over observations, which are by time; the index finds
// what they refer to.
func Run(all []*kind.Observation, index *resolve.Index, o Options) *Report {
	h := read(all, index, &o)
	report := &Report{Sides: o.Sides}
	for _, w := range h.worlds {
		for side := range o.Sides {
			if b := play(h, w, side); !b.MayOpenAt.IsZero() || !b.OpenedAt.IsZero() || !b.AssumedAt.IsZero() {
				report.Breakers[side] = append(report.Breakers[side], b)
			}
		}
	}
	for _, r := range h.resources {
		if !r.reported(&o) {
			continue
		}
		r.Why = h.why(r)
		report.Resources = append(report.Resources, r)
		if !r.Judged.IsZero() {
			if report.From.IsZero() {
				report.From = r.Judged
			}
			report.To = r.Judged
		}
	}
	return report
}

// reported says whether a resource was judged in the period and is of those that
// are asked for.
func (r *Resource) reported(o *Options) bool {
	return r.Outcomes[Current].record != nil && (len(o.Kinds) == 0 || slices.Contains(o.Kinds, r.Row.Kind))
}
