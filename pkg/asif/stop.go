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
		without, _ := decision(decide.WhenDue(f))
		switch {
		case decide.Held(d.Rail) && without.Stop:
			state = Held
		case decide.Held(d.Rail):
			state, d.Why = NotTold, untold(without.Rail)
		case m.Entry.Verdict.Compliance != rules.Failed:
			return // nobody asks for its stop
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
		a.loose, a.why = review, "when it is noticed that an exception has expired"
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
	m.blocked = d.Rail
	if known.State == ledger.Withheld && known.Why == d.Why || d.Rail == rails.Running && len(m.out.Stops) > 0 {
		return // it is said already, or was over with the stop before
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
		a.loose, a.why = again, "when it is past its start, and SageMaker takes the call,"
	}
	var ended string
	f.Holds[rails.Running], ended = m.resource.runs(p.now, max(p.prompt, a.loose))
	d, certain := decision(decide.WhenDue(f))
	if reason := why[d.Rail]; reason != "" {
		d.Why = reason
	}
	if certain && !d.Stop {
		state := Withheld
		if d.Rail == rails.Running {
			state, d.Why = Ended, ended
		}
		p.end(a, state, d.Why)
		m.blocked = d.Rail
		return
	}
	// All that forbids it now, if anything does, is the breaker, or is not told.
	verdicts := p.decide(f, a)
	asks, _ := decision(ran(decide.WhenDue(f)))
	switch {
	case asks.Stop && decide.Held(verdicts[least].Rail):
		p.end(a, Held, verdicts[least].Why)
	case d.Stop && a.loose == 0 && verdicts[most].Stop:
		p.done(a, Stopped, "")
	default:
		if asks.Stop && verdicts[assumed].Stop {
			s.Assumed = Stopped
		} else if asks.Stop && decide.Held(verdicts[assumed].Rail) {
			s.Assumed = Held
		}
		reason := untold(d.Rail)
		if d.Stop && a.loose > 0 {
			reason = a.why + " is not told"
		} else if d.Stop {
			reason = untold(verdicts[most].Rail)
		}
		p.done(a, NotTold, reason)
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
		m.Entry.Life = ledger.Life{At: p.now, State: ledger.Live, Status: "Stopping"}
	}
}

// end writes down what became of a stop.
func (p *player) end(a *attempt, state State, why string) {
	s := &a.out.Stops[a.stop]
	s.State, s.Why = state, why
	r := a.Response
	r.Stop.State, r.Stop.Why, r.Stop.EndedAt = ledger.Withheld, why, p.now
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

// The worlds that the records allow, as far as the circuit breaker is concerned.
const (
	// least has no stop but those that are certain: it opens last. What is held in
	// it, after it opened or by opening it, is held in all.
	least = iota
	// most has every stop that may be made, and counts what is certainly live: it
	// opens first. What is stopped in it, certainly being there to be stopped, is
	// stopped in all.
	most
	// assumed has those that are made if what is not told to have ended still ran.
	assumed
	worlds
)

// breakers are the circuit breaker in each of the worlds.
type breakers [worlds]decide.Breaker

// closed says whether the breaker is closed.
func (b *breakers) closed() posture.Fact {
	switch {
	case b[least].Open:
		return posture.No
	case b[most].Open:
		return posture.Unknown
	}
	return posture.Yes
}

// enough is a number of live resources that leaves any share.
const enough = math.MaxInt32

// decide decides about a stop in each world, and books it there or opens the
// breaker.
func (p *player) decide(f rails.Facts, a *attempt) (out [worlds]rails.Decision) {
	budget, e := p.file.Response.Stop.Budget, a.Entry
	for w := range p.worlds {
		one, g, live := &p.worlds[w], f, enough
		switch w {
		case most:
			live = p.counted(e.Kind)
			for r, holds := range g.Holds {
				if holds == posture.Unknown {
					g.Holds[r] = posture.Yes
				}
			}
		case assumed:
			g = ran(g)
		}
		stops := 0
		g.Holds[rails.Breaker] = posture.Of(!one.Open)
		g.Holds[rails.Budget], g.Holds[rails.Share] = posture.Yes, posture.Yes
		// In the world with the least, one that may be made later is not made.
		later := w == least && a.loose > 0
		if !one.Open && !later {
			g.Holds[rails.Budget], g.Holds[rails.Share], stops = one.Weigh(budget, e, live, p.now)
		}
		out[w] = rails.Decide(g)
		switch {
		case later:
		case out[w].Stop && w == most:
			one.Add(e, p.now.Add(a.loose))
		case out[w].Stop:
			one.Add(e, p.now)
		case decide.Trips(g, out[w]):
			one.Trip(budget, stops, e, out[w].Why, p.now)
		}
		if w == least {
			out[w] = rails.Decide(ran(g)) // had it run, would it be held?
		}
	}
	return out
}

// untold says what is not told of a stop, by the rail that would need it.
func untold(r rails.Rail) string {
	switch r { //nolint:exhaustive // the others say it well
	case rails.Running:
		return "whether it still ran is not told"
	case rails.Whole:
		return "not all of its network settings are told"
	case rails.Breaker:
		return "whether the circuit breaker was still closed is not told"
	case rails.Budget:
		return "how many stops were made before is not told"
	case rails.Share:
		return "how many of its kind were live is not told"
	}
	return r.Because(posture.Unknown)
}

// told is what became of the breaker.
func (b *breakers) told(s kind.Scope) Breaker {
	out := Breaker{Account: s.Account, Region: s.Region}
	out.OpenedAt, out.MayOpenAt, out.AssumedAt = b[least].OpenedAt, b[most].OpenedAt, b[assumed].OpenedAt
	for w := range b { // the most certain last
		if one := &b[[worlds]int{most, assumed, least}[w]]; one.Open {
			out.Why = one.Why
		}
	}
	return out
}
