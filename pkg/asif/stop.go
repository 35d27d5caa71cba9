package asif

import (
	"math"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// attempt is a stop that may be made when its time has come.
type attempt struct {
	*matter
	at time.Time
	// stop is its place in the outcome.
	stop int
	// loose is how much later than its time it may be made; why says why.
	loose time.Duration
	why   string
}

// circumstances are what a stop depends on, as of now. The rules are taken to be
// the newest.
func (p *player) circumstances() *decide.Circumstances {
	return &decide.Circumstances{Scope: p.w.scope, File: p.file, Most: rules.Stop, Current: true, Now: p.now}
}

// outlook says whether something will be stopped, as far as that can be said
// before the time comes.
func (p *player) outlook(m *matter, mode rules.Mode) {
	underWay, done := m.Progress()
	if mode != rules.Stop || m.pending != nil || underWay || done {
		return
	}
	c := p.circumstances()
	f, why := p.overlay(m, c.Expected(&m.Matter, decide.ByRules))
	f.Holds[rails.Breaker] = p.worlds.closed()
	d, certain := decision(f)
	operation, _ := m.Row.StopCall()
	s := Stop{Operation: operation, At: p.now}
	s.Rule, s.Severity = worst(m.verdict.results)
	if !d.Stop && certain {
		state := Withheld
		if decide.Held(d.Rail) {
			state = Held
			if without, _ := decision(decide.WhenDue(f)); !without.Stop {
				state, d = NotTold, without
			}
		}
		if reason := why[d.Rail]; reason != "" {
			d.Why = reason
		}
		p.withhold(m, s, state, d)
		return
	}
	s.AnnouncedAt, s.Announced = p.now, d.Stop
	announced := c.Announce(operation)
	s.At = p.now.Add(c.Grace(&announced))
	a := &attempt{matter: m, at: s.At, stop: len(m.out.Stops)}
	switch {
	case m.late:
		a.loose, a.why = review, "when it is noticed that an exception expired"
	case m.Response.Stop.State == ledger.Withheld:
		a.loose, a.why = again, "when it is tried again"
	}
	if m.Entry.Verdict.Compliance == rules.Failed {
		m.Response.Stop = announced
	}
	m.out.Stops = append(m.out.Stops, s)
	m.pending = a
	p.at(a.at, &task{attempt: a})
}

// withhold writes down that a stop is not announced, and why, once.
func (p *player) withhold(m *matter, s Stop, state State, d rails.Decision) {
	known := m.Response.Stop
	m.Response.Stop = ledger.Stop{State: ledger.Withheld, Operation: s.Operation, By: decide.ByRules, Why: d.Why, EndedAt: p.now}
	p.block(m, d.Rail)
	if known.State == ledger.Withheld && known.Why == d.Why {
		return
	}
	s.State, s.Why = state, d.Why
	m.out.Stops = append(m.out.Stops, s)
}

// overlay is what the records tell of facts that the functions would know: where a
// look may find what no record tells, a no is not known. why has reasons for rails
// that the records decide in another way than a person expects.
func (p *player) overlay(m *matter, f rails.Facts) (rails.Facts, map[rails.Rail]string) {
	why := map[rails.Rail]string{}
	v := &m.Entry.Verdict
	if v.Open || m.verdict.open {
		f.Holds[rails.Whole] = posture.Unknown
		if v.Open || v.Compliance == rules.Warning {
			f.Holds[rails.Failed] = posture.Unknown
		}
		if f.Holds[rails.Severe] == posture.No {
			f.Holds[rails.Severe] = posture.Unknown // it may turn out to be worse
		}
	}
	if f.Holds[rails.Unexcepted] == posture.Unknown && !m.Entry.Origin.At.IsZero() {
		// The functions know no more of who made it.
		f.Holds[rails.Unexcepted] = posture.No
		why[rails.Unexcepted] = rails.Unexcepted.Because(posture.Unknown)
	}
	return f, why
}

// decision is what the rails decide, and whether that is certain: one that
// certainly does not hold decides, whatever is not known of the others.
func decision(f rails.Facts) (d rails.Decision, certain bool) {
	d = rails.Decide(f)
	if d.Stop {
		return d, true
	}
	for _, r := range rails.Rails() {
		if holds := f.Holds[r]; holds != posture.Yes && holds != posture.Unknown {
			return rails.Decision{Rail: r, Why: r.Because(posture.No)}, true
		}
	}
	return d, false
}

// stop is what becomes of a stop whose time has come.
func (p *player) stop(a *attempt) {
	m := a.matter
	if m.pending != a {
		return
	}
	m.pending = nil
	c := p.circumstances()
	s := &m.out.Stops[a.stop]
	f, why := p.overlay(m, c.Facts(&m.Matter, m.Entry, &ledger.Stop{By: decide.ByRules}))
	for _, r := range []rails.Rail{rails.Afresh, rails.Same, rails.Announced, rails.Grace, rails.Switch} {
		f.Holds[r] = posture.Yes
	}
	if !m.resource.settled(p.now) && a.loose < again {
		a.loose, a.why = again, "when it is past its start, so that SageMaker takes the call"
	}
	var ended string
	f.Holds[rails.Running], ended = m.resource.runs(p.now, max(p.prompt, a.loose))
	budget := p.file.Response.Stop.Budget
	f, stops := p.worlds.weigh(f, budget, m.Entry, p.counted(m.Entry.Kind), p.now)
	d, certain := decision(f)
	if reason := why[d.Rail]; reason != "" {
		d.Why = reason
	}
	held := decide.Held(d.Rail)
	if certain && held {
		// Whether it was to be stopped at all has to be certain too.
		if without, _ := decision(ran(decide.WhenDue(f))); !without.Stop {
			d, certain = without, false
		}
	}
	switch {
	case d.Stop && a.loose == 0:
		p.worlds.book(m.Entry, p.now)
		p.done(a, Stopped, "")
	case d.Stop:
		s.Assumed = p.worlds.assume(f, budget, m.Entry, a.loose, p.now)
		p.done(a, NotTold, "it is not told "+a.why)
	case certain && held:
		p.worlds.refuse(f, budget, stops, m.Entry, p.now)
		p.end(a, Held, d.Why)
	case certain && d.Rail == rails.Running:
		p.end(a, Ended, ended)
	case certain:
		p.end(a, Withheld, d.Why)
		p.block(m, d.Rail)
	default:
		s.Assumed = p.worlds.assume(f, budget, m.Entry, a.loose, p.now)
		p.done(a, NotTold, d.Why)
	}
}

// ran are facts as if what is not told to have ended still ran.
func ran(f rails.Facts) rails.Facts {
	if f.Holds[rails.Running] == posture.Unknown {
		f.Holds[rails.Running] = posture.Yes
	}
	return f
}

// done says that something was stopped, or may have been.
func (p *player) done(a *attempt, state State, why string) {
	p.end(a, state, why)
	m := a.matter
	p.stopped[m.Row.Kind] = append(p.stopped[m.Row.Kind], m.resource)
	if s := &m.out.Stops[a.stop]; state == Stopped || s.Assumed == Stopped {
		m.gone = true
		m.Response.Stop.State, m.Response.Stop.EndedAt = ledger.Confirmed, p.now
		m.Entry.Life = ledger.Life{At: p.now, State: ledger.Live, Status: "Stopped"}
		if m.Row.Ends {
			m.Entry.Life.State = ledger.Ended
		}
	}
}

// end writes down what became of a stop.
func (p *player) end(a *attempt, state State, why string) {
	s := &a.matter.out.Stops[a.stop]
	s.State, s.Why = state, why
	r := a.matter.Response
	r.Stop.State, r.Stop.Why, r.Stop.EndedAt = ledger.Withheld, why, p.now
}

// block keeps the rail that forbids a stop, for those that may hold later.
func (p *player) block(m *matter, r rails.Rail) {
	m.blocked = r
	if r == rails.Alone && !slices.Contains(p.waiting, m) {
		p.waiting = append(p.waiting, m)
	}
}

// seen is how old what is live has to be at most to be in the count by which the
// share is measured: a sweep counts every quarter of an hour, if it takes no longer.
const seen = 30 * time.Minute

// span is when a resource certainly is live and counted.
type span struct{ from, to time.Time }

func (r *Resource) span() (s span, ok bool) {
	if r.Created.IsZero() {
		return s, false
	}
	s = span{r.Created.Add(seen), r.proven(r.Created)}
	return s, s.to.After(s.from)
}

// lives are the spans of the resources of a kind: where they begin, and where they
// end, each by time.
type lives struct{ from, to []time.Time }

func (w *world) lives(k kind.Kind) *lives {
	l := w.spans[k]
	if l == nil {
		l = &lives{}
		for _, r := range w.runs[k] {
			if s, ok := r.span(); ok {
				l.from, l.to = append(l.from, s.from), append(l.to, s.to)
			}
		}
		slices.SortFunc(l.from, time.Time.Compare)
		slices.SortFunc(l.to, time.Time.Compare)
		w.spans[k] = l
	}
	return l
}

// upTo counts the times that are not after another.
func upTo(all []time.Time, at time.Time) int {
	n, _ := slices.BinarySearchFunc(all, at, func(t, at time.Time) int {
		if t.After(at) {
			return 1
		}
		return -1
	})
	return n
}

// counted is how many resources of a kind certainly are live and counted, whatever
// was stopped of them.
func (p *player) counted(k kind.Kind) int {
	l := p.w.lives(k)
	n := upTo(l.from, p.now) - upTo(l.to, p.now)
	p.stopped[k] = slices.DeleteFunc(p.stopped[k], func(r *Resource) bool {
		s, ok := r.span()
		return !ok || !s.to.After(p.now)
	})
	for _, r := range p.stopped[k] {
		if s, _ := r.span(); !s.from.After(p.now) {
			n--
		}
	}
	return n
}

// breakers are the circuit breaker in the worlds that the records allow: with the
// stops that are certain, with all that may be made, and with those that are made
// if what is not told to have ended still ran.
type breakers struct {
	sure, most, assumed *decide.Breaker
	mayOpen             time.Time
	why                 string // it may be open
}

func newBreakers() breakers {
	return breakers{sure: &decide.Breaker{}, most: &decide.Breaker{}, assumed: &decide.Breaker{}}
}

// closed says whether the breaker is closed.
func (b *breakers) closed() posture.Fact {
	switch {
	case b.sure.Open:
		return posture.No
	case !b.mayOpen.IsZero():
		return posture.Unknown
	}
	return posture.Yes
}

// enough is a number of live resources that leaves any share.
const enough = math.MaxInt32

// weigh fills in whether the breaker is closed and the budget allows one more stop:
// that is known where it is so with the fewest stops that there may have been and
// with the most. stops is how many certainly were.
func (b *breakers) weigh(f rails.Facts, budget rules.Budget, e *ledger.Entry, live int, now time.Time) (out rails.Facts, stops int) {
	f.Holds[rails.Breaker] = b.closed()
	number, share, _ := b.most.Weigh(budget, e, live, now)
	least, leastShare, stops := b.sure.Weigh(budget, e, enough, now)
	f.Holds[rails.Budget], f.Holds[rails.Share] = agree(number, least), agree(share, leastShare)
	return f, stops
}

// agree is what two worlds agree on.
func agree(a, b posture.Fact) posture.Fact {
	if a == b {
		return a
	}
	return posture.Unknown
}

// book books a stop that is certain.
func (b *breakers) book(e *ledger.Entry, now time.Time) {
	for _, one := range []*decide.Breaker{b.sure, b.most, b.assumed} {
		one.Add(e, now)
	}
}

// refuse takes in a stop that the breaker certainly does not allow. It opens it,
// where it is not open and everything else certainly allows the stop.
func (b *breakers) refuse(f rails.Facts, budget rules.Budget, stops int, e *ledger.Entry, now time.Time) {
	if b.sure.Open {
		return
	}
	if d := rails.Decide(f); decide.Trips(f, d) {
		b.sure.Trip(budget, stops, e, d.Why, now)
	}
	b.may("more was to be stopped than the rules allow, and "+e.Resource+" was the next", now)
	b.other(f, budget, e, now)
}

func (b *breakers) may(why string, now time.Time) {
	if b.mayOpen.IsZero() {
		b.mayOpen, b.why = now, why
	}
}

// assume takes in a stop that may be made, up to some time later, and says what
// becomes of it if what is not told to have ended still ran.
func (b *breakers) assume(f rails.Facts, budget rules.Budget, e *ledger.Entry, loose time.Duration, now time.Time) State {
	if f.Holds[rails.Budget] != posture.Yes || f.Holds[rails.Share] != posture.Yes {
		b.may("more may be stopped than the rules allow, and "+e.Resource+" may be the next", now)
	}
	b.most.Add(e, now.Add(loose))
	return b.other(f, budget, e, now)
}

// other is what becomes of a stop if what is not told to have ended still ran, and
// enough of its kind did.
func (b *breakers) other(f rails.Facts, budget rules.Budget, e *ledger.Entry, now time.Time) State {
	var stops int
	f = ran(f)
	f.Holds[rails.Breaker] = posture.Of(!b.assumed.Open)
	f.Holds[rails.Budget], f.Holds[rails.Share], stops = b.assumed.Weigh(budget, e, enough, now)
	d := rails.Decide(f)
	switch {
	case d.Stop:
		b.assumed.Add(e, now)
		return Stopped
	case decide.Trips(f, d):
		b.assumed.Trip(budget, stops, e, d.Why, now)
		return Held
	case decide.Held(d.Rail):
		return Held
	}
	return ""
}

// told is what became of the breaker.
func (b *breakers) told(s kind.Scope) Breaker {
	out := Breaker{Account: s.Account, Region: s.Region, MayOpenAt: b.mayOpen, Why: b.why}
	if b.assumed.Open {
		out.AssumedAt, out.Why = b.assumed.OpenedAt, b.assumed.Why
	}
	if b.sure.Open {
		out.OpenedAt, out.Why = b.sure.OpenedAt, b.sure.Why
	}
	return out
}
