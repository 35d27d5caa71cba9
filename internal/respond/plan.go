package respond

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
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
	switch m.entry.Verdict.Compliance {
	case rules.Failed:
		t, err = r.failed(ctx, m, told)
	case rules.Passed, rules.NotAvailable:
		t, err = r.recovered(ctx, m)
	case rules.Warning, rules.Excepted: // told once a day
	}
	if t == nil && err == nil && m.response.Version > 0 && m.isOver() && !m.response.Over && m.response.Due.IsZero() {
		err = r.mark(ctx, m, func(*ledger.Response) {})
	}
	return t, err
}

// failed says what to tell of what fails the rules.
func (r *round) failed(ctx context.Context, m *matter, told map[string]bool) (*tell, error) {
	e, before := m.entry, m.response.Alert
	mode := r.mode(e)
	worse := e.Verdict.Worse(before) || before.How == ledger.Observed && mode != rules.Observe
	if worse && r.baseline(e) {
		return nil, nil // the digest of the first sweep will tell
	}
	if worse && mode != rules.Observe && r.ownerFirst(m, told) {
		return nil, r.mark(ctx, m, func(next *ledger.Response) { next.Due = r.now().Add(claim) })
	}
	how := ledger.Sent
	switch {
	case !worse:
	case mode == rules.Observe:
		how = ledger.Observed
	case m.inherits(told):
		how = ledger.Inherited
	}
	stop, lead := r.outlook(ctx, m, mode)
	alert, known := before, m.response.Stop
	if worse {
		alert = r.alerted(e, how)
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

// alerted is the alert about a verdict, as of now.
func (h *Handler) alerted(e *ledger.Entry, how ledger.How) ledger.Alert {
	v := e.Verdict
	return ledger.Alert{At: h.now(), How: how, Class: v.Class, Compliance: v.Compliance, Severity: v.Severity}
}

// inherits says whether the alert about its owner tells of a matter too.
func (m *matter) inherits(told map[string]bool) bool {
	if m.owner == nil || m.owner.Verdict.Compliance != rules.Failed {
		return false
	}
	if told[m.owner.Resource] {
		return true
	}
	return m.ownerLooked() && m.ownerResponse.Alert.How != ledger.Observed
}

// ownerLooked says whether it was decided who is told of the failure of the owner.
func (m *matter) ownerLooked() bool {
	r := m.ownerResponse
	return r != nil && !r.Alert.At.IsZero() && r.Alert.Compliance == rules.Failed
}

// ownerFirst says whether the owner of a matter fails too and is about to be told
// of: then that comes first.
func (r *round) ownerFirst(m *matter, told map[string]bool) bool {
	if m.owner == nil || m.owner.Verdict.Compliance != rules.Failed || m.inherits(told) || m.ownerLooked() {
		return false
	}
	return r.now().Sub(m.owner.Written) < pending
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
	old := m.response.Stop
	if mode != rules.Stop {
		if r.set.File == nil {
			m.later = true
			return nil, "It is not stopped: the rules file cannot be read."
		}
		return nil, fmt.Sprintf("It is not stopped: the mode is %s.", mode)
	}
	switch old.State {
	case ledger.Announced, ledger.Requested:
		return nil, "Its stop is under way."
	case ledger.Confirmed:
		if !m.runs() {
			return nil, "It was stopped."
		}
	case ledger.Withheld, "":
	}
	operation, _ := m.row.StopCall()
	d := r.expect(m, byRules)
	if d.Stop && old.State != "" {
		// It was to be stopped before, and was not, or runs again: that is not said
		// once more before a look.
		x, err := r.examine(ctx, m, &ledger.Stop{By: byRules})
		if err != nil {
			m.later = true
			r.log(ctx, slog.LevelWarn, m.entry, "not looked at", telemetry.Error(err))
			return nil, "Whether it is stopped cannot be said yet."
		}
		d = whenDue(x.facts)
	}
	if unread(d) {
		m.later = true
		return nil, "Whether it is stopped cannot be said yet: " + d.Why + "."
	}
	if !d.Stop && old.State == ledger.Confirmed && !m.entry.Life.At.After(old.EndedAt) {
		return nil, "It was stopped." // the ledger does not have that yet; clocks may differ
	}
	if !d.Stop {
		next := ledger.Stop{State: ledger.Withheld, Operation: operation, By: byRules, Why: d.Why, EndedAt: r.now()}
		if old.State == ledger.Withheld && old.Why == next.Why {
			return nil, "It is not stopped: " + d.Why + "."
		}
		r.Metrics.Count(telemetry.StopsRefused, 1)
		if d.Rail == rails.Breaker {
			r.Metrics.Count(telemetry.BreakerOpen, 1)
		}
		return &next, "It is not stopped: " + d.Why + "."
	}
	now := r.now()
	grace := r.set.File.Response.Stop.Grace
	at := now.Add(grace)
	lead = fmt.Sprintf("It will be stopped at %s (%s).", stamp(at), operation)
	if !at.After(now) {
		lead = fmt.Sprintf("It will be stopped now (%s).", operation)
	}
	next := ledger.Stop{State: ledger.Announced, Operation: operation, By: byRules, AnnouncedAt: now, Grace: grace}
	if old.State == ledger.Withheld && byCall(old.Why) {
		next.Why = old.Why
	}
	return &next, lead
}

// byRules is who asks for the stops that nobody asked for.
const byRules = "rules"

// due is when a response has to be looked at again: for its stop, and twice after
// an alert to say in Security Hub that people were told.
func (r *round) due(m *matter, next *ledger.Response) time.Time {
	now := r.now()
	due := r.stopDue(m, &next.Stop, now)
	if due.IsZero() && m.later {
		due = now.Add(claim)
	}
	if announced(next) {
		for _, after := range []time.Duration{claim, pending - claim} {
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
		return s.AnnouncedAt.Add(r.grace(s))
	case ledger.Requested:
		return now.Add(max(claim, now.Sub(s.RequestedAt)/2))
	case ledger.Withheld:
		if m.entry.Verdict.Compliance == rules.Failed && m.entry.Life.State == ledger.Live {
			return now.Add(min(max(soon, now.Sub(s.EndedAt)), late))
		}
	case ledger.Confirmed, "":
	}
	return time.Time{}
}

// grace is the time between the announcement of a stop and the stop: what was
// promised, or more where the rules want more by now. A person who asks for one
// does not wait.
func (r *round) grace(s *ledger.Stop) time.Duration {
	if s.By != byRules || r.set.File == nil {
		return 0
	}
	return max(s.Grace, r.set.File.Response.Stop.Grace)
}

// recovered says what to tell of what meets the rules again.
func (r *round) recovered(ctx context.Context, m *matter) (*tell, error) {
	before := m.response.Alert
	if before.At.IsZero() && m.response.Stop.State != ledger.Announced || before.Compliance == m.entry.Verdict.Compliance {
		return nil, nil
	}
	now := r.now()
	mark := func(next *ledger.Response) {
		next.Alert = r.alerted(m.entry, ledger.Sent)
		if s := next.Stop.State; s == ledger.Announced && next.Stop.RequestedAt.IsZero() || s == ledger.Withheld {
			next.Stop.State, next.Stop.Why, next.Stop.EndedAt = ledger.Withheld, "it meets the rules now", now
		}
		next.Due = r.due(m, next)
	}
	heard := before.Compliance == rules.Failed && (before.How == ledger.Sent || before.How == ledger.Digested)
	if !heard && m.response.Stop.State != ledger.Announced {
		return nil, r.mark(ctx, m, mark)
	}
	lead := "It meets the rules again."
	if m.entry.Verdict.Compliance == rules.NotAvailable {
		lead = "No rule applies to it any more."
	}
	if m.entry.Verdict.Exception != "" {
		lead = "It is allowed by an exception now."
	}
	if s := m.response.Stop; s.State == ledger.Announced && s.RequestedAt.IsZero() {
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
		r.log(ctx, slog.LevelInfo, t.entry, string(ledger.Suppressed))
		left.note(ctx, t.entry.Resource, r.mark(ctx, t.matter, t.mark))
	}
	groups := grouped(out)
	each(len(groups), func(i int) { r.send(ctx, groups[i], left) })
}

// send sends one message about a group, and writes it down of each.
func (r *round) send(ctx context.Context, group []*tell, left *undone) {
	err := contain(func() error { return r.publish(ctx, r.compose(group)) })
	if err != nil {
		for _, t := range group {
			left.note(ctx, t.entry.Resource, err)
		}
		return
	}
	for _, t := range group {
		if t.kind == alertType {
			r.Metrics.Count(telemetry.Alerts, 1)
		}
		r.log(ctx, slog.LevelInfo, t.entry, string(t.kind))
		left.note(ctx, t.entry.Resource, contain(func() error { return r.mark(ctx, t.matter, t.mark) }))
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
		n := t.entry.Verdict.Notice
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
