package respond

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// tell is something to say of a matter, and what to write down once it is said.
type tell struct {
	*matter
	kind messageType
	// lead says what is done, and notes what was not found out.
	lead  string
	notes []string
	// stop is the stop as the message has it; nil where there is none.
	stop *ledger.Stop
	mark func(*ledger.Response)
}

// plan says what to tell of a matter, after it wrote down what needs no telling.
// It is nil where there is nothing to tell. told are the resources that are told
// of in the same batch.
func (r *round) plan(ctx context.Context, m *matter, told map[string]bool) (*tell, error) {
	var t *tell
	var err error
	switch m.Entry.Verdict.Compliance {
	case rules.Failed:
		t, err = r.failed(ctx, m, told)
	case rules.Passed, rules.NotAvailable:
		t, err = r.recovered(ctx, m)
	case rules.Warning, rules.Excepted: // told once a day
	}
	if t == nil && err == nil && m.Response.Version > 0 && m.IsOver() && !m.Response.Over && m.Response.Due.IsZero() {
		err = r.mark(ctx, m, func(*ledger.Response) {})
	}
	return t, err
}

// failed says what to tell of what fails the rules.
func (r *round) failed(ctx context.Context, m *matter, told map[string]bool) (*tell, error) {
	e, before := m.Entry, m.Response.Alert
	mode := r.mode(e)
	how, worse := m.Alert(mode, told)
	if worse && r.baseline(e) {
		return nil, nil // the digest of the first sweep will tell
	}
	if worse && mode != rules.Observe && m.OwnerFirst(told, r.now()) {
		return nil, r.mark(ctx, m, func(next *ledger.Response) { next.Due = r.now().Add(claim) })
	}
	stop, lead := r.outlook(ctx, m, mode)
	alert, known := before, m.Response.Stop
	if worse {
		alert = decide.Alerted(e, how, r.now())
	}
	mark := func(next *ledger.Response) {
		next.Alert = alert
		if stop != nil && sameStop(next.Stop, known) {
			next.Stop = *stop
		}
		next.Due = r.due(m, next)
	}
	// A stop that is announced is announced to somebody, whatever the alert.
	announces := stop != nil && stop.State == ledger.Announced && stop.Why == ""
	if worse && how == ledger.Sent {
		return &tell{matter: m, kind: alertType, lead: lead, stop: stop, mark: mark}, nil
	}
	if announces {
		return &tell{matter: m, kind: stopType, lead: lead, stop: stop, mark: mark}, nil
	}
	if !worse && stop == nil && !m.later {
		return nil, nil
	}
	if worse {
		r.log(ctx, slog.LevelInfo, e, string(how))
	}
	return nil, r.mark(ctx, m, mark)
}

// baseline says whether a matter waits for the digest of the first sweep. What was
// created while we were watching does not: a kind that cannot be listed would keep
// it back for hours. A sweep that does not come to its end keeps nothing back for
// more than a day.
func (r *round) baseline(e *ledger.Entry) bool {
	return r.sweeping() && !e.Origin.At.After(r.first.Started)
}

func (r *round) sweeping() bool {
	f := r.first
	return !f.Started.IsZero() && f.Done.IsZero() && r.now().Sub(f.Started) < patience
}

// outlook says whether what fails will be stopped, as far as that can be said
// before the time comes. stop is what to write down of it; nil is nothing new.
func (r *round) outlook(ctx context.Context, m *matter, mode rules.Mode) (stop *ledger.Stop, lead string) {
	old := m.Response.Stop
	if mode != rules.Stop {
		if r.set.File == nil {
			m.later = true
			return nil, "It is not stopped: the rules file cannot be read."
		}
		return nil, fmt.Sprintf("It is not stopped: the mode is %s.", mode)
	}
	switch underWay, done := m.Progress(); {
	case underWay:
		return nil, "Its stop is under way."
	case done:
		return nil, "It was stopped."
	}
	operation, _ := m.Row.StopCall()
	d := r.expect(m, decide.ByRules)
	if d.Stop && old.State != "" {
		// It was to be stopped before, and was not, or runs again: that is not said
		// once more before a look.
		x, err := r.examine(ctx, m, &ledger.Stop{By: decide.ByRules})
		if err != nil {
			m.later = true
			r.log(ctx, slog.LevelWarn, m.Entry, "not looked at", telemetry.Error(err))
			return nil, "Whether it is stopped cannot be said yet."
		}
		d = rails.Decide(decide.WhenDue(x.facts))
	}
	if unread(d) {
		m.later = true
		return nil, "Whether it is stopped cannot be said yet: " + d.Why + "."
	}
	if !d.Stop && old.State == ledger.Confirmed && !m.Entry.Life.At.After(old.EndedAt) {
		return nil, "It was stopped." // the ledger does not have that yet; clocks may differ
	}
	if !d.Stop {
		next := ledger.Stop{State: ledger.Withheld, Operation: operation, By: decide.ByRules, Why: d.Why, EndedAt: r.now()}
		if old.State == ledger.Withheld && old.Why == next.Why {
			return nil, "It is not stopped: " + d.Why + "."
		}
		r.Metrics.Count(telemetry.StopsRefused, 1)
		if d.Rail == rails.Breaker {
			r.Metrics.Count(telemetry.BreakerOpen, 1)
		}
		return &next, "It is not stopped: " + d.Why + "."
	}
	c := r.circumstances()
	next := c.Announce(operation)
	at := c.Now.Add(next.Grace)
	lead = fmt.Sprintf("It will be stopped at %s (%s).", stamp(at), operation)
	if !at.After(c.Now) {
		lead = fmt.Sprintf("It will be stopped now (%s).", operation)
	}
	if old.State == ledger.Withheld && byCall(old.Why) {
		next.Why = old.Why
	}
	return &next, lead
}

// due is when a response has to be looked at again: for its stop, and twice after
// an alert to say in Security Hub that people were told.
func (r *round) due(m *matter, next *ledger.Response) time.Time {
	now := r.now()
	due := r.stopDue(m, &next.Stop, now)
	if due.IsZero() && m.later {
		due = now.Add(claim)
	}
	if announced(next) {
		for _, after := range []time.Duration{claim, decide.Pending - claim} {
			if at := next.Alert.At.Add(after); at.After(now) && (due.IsZero() || at.Before(due)) {
				return at
			}
		}
	}
	return due
}

func (r *round) stopDue(m *matter, s *ledger.Stop, now time.Time) time.Time {
	switch s.State {
	case ledger.Announced:
		if !s.RequestedAt.IsZero() {
			return now.Add(claim)
		}
		return s.AnnouncedAt.Add(r.circumstances().Grace(s))
	case ledger.Requested:
		return now.Add(max(claim, now.Sub(s.RequestedAt)/2))
	case ledger.Withheld:
		if m.Entry.Verdict.Compliance == rules.Failed && m.Entry.Life.State == ledger.Live {
			return now.Add(min(max(soon, now.Sub(s.EndedAt)), late))
		}
	case ledger.Confirmed, "":
	}
	return time.Time{}
}

// recovered says what to tell of what meets the rules again.
func (r *round) recovered(ctx context.Context, m *matter) (*tell, error) {
	changed, heard := m.Recovers()
	if !changed {
		return nil, nil
	}
	now := r.now()
	mark := func(next *ledger.Response) {
		next.Alert = decide.Alerted(m.Entry, ledger.Sent, now)
		if s := next.Stop.State; s == ledger.Announced && next.Stop.RequestedAt.IsZero() || s == ledger.Withheld {
			next.Stop.State, next.Stop.Why, next.Stop.EndedAt = ledger.Withheld, "it meets the rules now", now
		}
		next.Due = r.due(m, next)
	}
	if !heard {
		return nil, r.mark(ctx, m, mark)
	}
	lead := "It meets the rules again."
	if m.Entry.Verdict.Compliance == rules.NotAvailable {
		lead = "No rule applies to it any more."
	}
	if m.Entry.Verdict.Exception != "" {
		lead = "It is allowed by an exception now."
	}
	if s := m.Response.Stop; s.State == ledger.Announced && s.RequestedAt.IsZero() {
		lead += " It is not stopped."
	}
	return &tell{matter: m, kind: recoveredType, lead: lead, mark: mark}, nil
}

// tell asks Security Hub who was suppressed, sends the rest, and writes it down.
func (r *round) tell(ctx context.Context, tells []*tell, left *undone) {
	states, answered := r.workflows(ctx, tells)
	var out []*tell
	for _, t := range tells {
		state := states[t.findingID()]
		if t.kind != alertType || state != suppressed {
			if t.kind == alertType && !answered {
				t.notes = append(t.notes, "Security Hub did not answer whether somebody suppressed this finding.")
			}
			out = append(out, t)
			continue
		}
		// A person does not want to hear of it. A stop is announced all the same.
		mark := t.mark
		t.mark = func(next *ledger.Response) {
			mark(next)
			next.Alert.How = ledger.Suppressed
			next.Due = r.due(t.matter, next)
		}
		if t.stop != nil && t.stop.State == ledger.Announced {
			t.kind = stopType
			out = append(out, t)
			continue
		}
		r.log(ctx, slog.LevelInfo, t.Entry, string(ledger.Suppressed))
		left.note(ctx, t.Entry.Resource, r.mark(ctx, t.matter, t.mark))
	}
	groups := grouped(out)
	each(len(groups), func(i int) { r.send(ctx, groups[i], left) })
}

// send sends one message about a group, and writes it down of each.
func (r *round) send(ctx context.Context, group []*tell, left *undone) {
	err := contain(func() error { return r.publish(ctx, r.compose(group)) })
	if err != nil {
		for _, t := range group {
			left.note(ctx, t.Entry.Resource, err)
		}
		return
	}
	for _, t := range group {
		if t.kind == alertType {
			r.Metrics.Count(telemetry.Alerts, 1)
		}
		r.log(ctx, slog.LevelInfo, t.Entry, string(t.kind))
		left.note(ctx, t.Entry.Resource, contain(func() error { return r.mark(ctx, t.matter, t.mark) }))
	}
}

// many is how many messages of one sort a team gets from one batch before they
// become one message.
const many = 20

// grouped puts together what one team is told in one message: each by itself,
// or all of a sort where they are many. What is to be stopped is among so few that
// an e-mail names it.
func grouped(tells []*tell) (groups [][]*tell) {
	type address struct {
		topic, team string
		kind        messageType
		announces   bool
	}
	of := map[address][]*tell{}
	var order []address
	for _, t := range tells {
		n := t.Entry.Verdict.Notice
		a := address{n.Topic, n.Team, t.kind, t.stop != nil && t.stop.State == ledger.Announced}
		if of[a] == nil {
			order = append(order, a)
		}
		of[a] = append(of[a], t)
	}
	for _, a := range order {
		if len(of[a]) > many {
			size := len(of[a])
			if a.announces {
				size = shown
			}
			groups = slices.AppendSeq(groups, slices.Chunk(of[a], size))
			continue
		}
		for _, t := range of[a] {
			groups = append(groups, []*tell{t})
		}
	}
	return groups
}
