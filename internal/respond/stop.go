package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// facts are what is known about the stop of a matter by its entry, without
// looking: what only a fresh look or the switches tell is left unknown.
func (r *round) facts(m *matter, e *ledger.Entry, s *ledger.Stop) rails.Facts {
	_, stoppable := m.row.StopCall()
	f := rails.Facts{Person: s.By != byRules}
	f.Holds[rails.Stoppable] = posture.Of(stoppable && len(m.row.Requests(r.Scope, m.entry.Key)) == 1)
	f.Holds[rails.Ours] = posture.No
	if e.Partition == r.Scope.Partition && e.Account == r.Scope.Account && e.Region == r.Scope.Region && e.ARN == m.entry.ARN {
		f.Holds[rails.Ours] = rails.IsOurs(m.row, r.Scope, m.entry.Key, e.ARN)
	}
	f.Holds[rails.Unexcepted] = r.unexcepted(m, e)
	// What audit knows counts too: it may have been told what no look tells.
	f.Holds[rails.Whole] = posture.Of(e.Verdict.Whole && m.entry.Verdict.Whole)
	f.Holds[rails.Failed] = posture.Of(e.Verdict.Compliance == rules.Failed && m.entry.Verdict.Compliance == rules.Failed)
	f.Holds[rails.Running] = rails.IsRunning(m.row, e.Life.Status)
	f.Holds[rails.Alone] = m.alone()
	f.Holds[rails.Announced] = posture.Of(s.State == ledger.Announced && !s.AnnouncedAt.IsZero())
	f.Holds[rails.Current] = posture.Of(r.set.Current)
	if file := r.set.File; file != nil {
		f.Holds[rails.Severe] = posture.Of(e.Verdict.Severity != "" && e.Verdict.Severity.AtLeast(file.Response.Stop.Severity))
		f.Holds[rails.Mode] = posture.Of(r.mode(m.entry) == rules.Stop)
		f.Holds[rails.Grace] = posture.Of(!r.now().Before(s.AnnouncedAt.Add(r.grace(s))))
	}
	return f
}

// unexcepted says whether no exception applies. One by who made the resource may,
// as long as nobody told who did.
func (r *round) unexcepted(m *matter, e *ledger.Entry) posture.Fact {
	switch {
	case e.Verdict.Exception != "", m.entry.Verdict.Exception != "":
		return posture.No
	case r.set.File != nil && r.set.File.MayExcept(about(m.entry), r.now()):
		return posture.Unknown
	}
	return posture.Yes
}

// alone says whether nothing that a matter belongs to is stopped, or will be.
func (m *matter) alone() posture.Fact {
	if m.entry.Verdict.Notice.Owner == "" {
		return posture.Yes
	}
	if m.owner == nil {
		return posture.Unknown
	}
	if r := m.ownerResponse; r != nil && r.Stop.State != "" && r.Stop.State != ledger.Withheld {
		return posture.No
	}
	return posture.Of(m.owner.Verdict.Compliance != rules.Failed)
}

// runs says whether the ledger has a matter in a status in which it runs.
func (m *matter) runs() bool {
	return rails.IsRunning(m.row, m.entry.Life.Status) == posture.Yes
}

// expect decides about a stop as if its time had come: what will be found out
// then is taken to hold.
func (r *round) expect(m *matter, by string) rails.Decision {
	if !r.held.Stop {
		return r.held
	}
	f := r.facts(m, m.entry, &ledger.Stop{By: by})
	f.Holds[rails.Afresh], f.Holds[rails.Same] = posture.Yes, posture.Yes
	if m.entry.Life.Status == "" { // a record of a creation tells none
		f.Holds[rails.Running] = posture.Of(m.entry.Life.State == ledger.Live)
	}
	return whenDue(f)
}

// whenDue decides about a stop as if it was announced, its time had come and the
// switches allowed it.
func whenDue(f rails.Facts) rails.Decision {
	for _, r := range []rails.Rail{rails.Announced, rails.Grace, rails.Switch, rails.Breaker, rails.Budget, rails.Share} {
		f.Holds[r] = posture.Yes
	}
	return rails.Decide(f)
}

// switches says why nothing is stopped for now, so that it need not be looked at.
func (h *Handler) switches(ctx context.Context) rails.Decision {
	f := rails.Facts{Person: true}
	for i := range f.Holds {
		f.Holds[i] = posture.Yes
	}
	f.Holds[rails.Switch] = h.killSwitch(ctx)
	var b breaker
	_, err := h.Store.Control(ctx, ledger.BreakerOf, &b)
	f.Holds[rails.Breaker] = b.closed(err)
	return rails.Decide(f)
}

// unread says whether nothing is stopped because a switch could not be read.
// That may pass: it is tried again, and not told.
func unread(d rails.Decision) bool {
	return (d.Rail == rails.Switch || d.Rail == rails.Breaker) && d.Why == d.Rail.Because(posture.Unknown)
}

// killSwitch says whether the kill switch was read, and is off.
func (h *Handler) killSwitch(ctx context.Context) posture.Fact {
	var s ledger.Switch
	if _, err := h.Store.Control(ctx, ledger.KillSwitch, &s); err != nil {
		return posture.Unknown
	}
	return posture.Of(!s.On)
}

// advance brings a stop further where its time has come. It may return something
// to tell.
func (r *round) advance(ctx context.Context, m *matter) (*tell, error) {
	s := &m.response.Stop
	switch s.State {
	case ledger.Announced:
		now := r.now()
		latest, err := r.anew(ctx)
		if err != nil {
			return nil, err
		}
		if now.Before(s.AnnouncedAt.Add(latest.grace(s))) || now.Sub(s.RequestedAt) < claim {
			return nil, nil // not yet, or somebody is at it
		}
		return latest.stop(ctx, m)
	case ledger.Requested:
		if life := m.row.Life(m.entry.Life.Status); m.entry.Life.At.After(s.RequestedAt) && (ended(life) || m.entry.Life.State != ledger.Live) {
			return r.confirmed(m, m.entry.Life.Status), nil
		}
	case ledger.Confirmed, ledger.Withheld, "":
	}
	return nil, nil
}

func ended(l kind.Life) bool { return l == kind.Halted || l == kind.Over || l == kind.Removed }

// stop stops what was announced, if every rail holds.
func (r *round) stop(ctx context.Context, m *matter) (*tell, error) {
	s := m.response.Stop
	if d := r.switches(ctx); unread(d) {
		return nil, errors.New(d.Why)
	} else if !d.Stop {
		return r.withheld(ctx, m, d)
	}
	x, err := r.examine(ctx, m, &s)
	if err != nil {
		return nil, err
	}
	if x.entry != nil && !x.entry.Verdict.Rules.Same(r.set.Version) {
		return nil, errors.New("the rules changed while it was looked at")
	}
	// Whoever else stops it claimed it before it was seen to stop.
	if now, err := r.Store.Response(ctx, m.entry.Resource); err != nil || now == nil || !sameStop(now.Stop, s) {
		return nil, err
	}
	switch {
	case x.gone:
		return r.over(ctx, m, "deleted")
	case x.entry != nil && !s.RequestedAt.IsZero():
		if life := m.row.Life(x.entry.Life.Status); life == kind.Halting || ended(life) {
			return r.over(ctx, m, x.entry.Life.Status) // it was asked for before, by us
		}
	}
	f := x.facts
	look := func() {
		if f.Holds[rails.Afresh] == posture.Yes {
			f.Holds[rails.Afresh] = rails.IsAfresh(x.asked, r.now())
		}
		f.Holds[rails.Switch] = r.killSwitch(ctx)
	}
	look()
	// Everything but what has to be reserved, before anything is written.
	early := f
	early.Holds[rails.Breaker], early.Holds[rails.Budget], early.Holds[rails.Share] = posture.Yes, posture.Yes, posture.Yes
	if d := rails.Decide(early); unread(d) {
		return nil, errors.New(d.Why)
	} else if !d.Stop {
		return r.withheld(ctx, m, d)
	}
	if taken, err := r.take(ctx, m, &s); !taken {
		return nil, err
	}
	d, err := r.book(ctx, m, &f, look)
	switch {
	case err != nil:
		return nil, err
	case unread(d):
		return nil, errors.New(d.Why)
	case !d.Stop:
		return r.withheld(ctx, m, d)
	}
	return r.request(ctx, m, rails.Oldest-r.now().Sub(x.asked))
}

// examined is what a fresh look told of a matter.
type examined struct {
	facts rails.Facts
	asked time.Time     // by our clock, before it
	entry *ledger.Entry // nil where it could not be looked at
	gone  bool
}

// examine looks at a matter. What has to be read or booked when the time comes is
// left unknown.
func (r *round) examine(ctx context.Context, m *matter, s *ledger.Stop) (x examined, err error) {
	x.asked = r.now()
	x.entry, err = r.Fresh(ctx, m.entry)
	switch {
	case errors.Is(err, live.ErrMissing):
		x.facts = r.facts(m, m.entry, s)
		x.facts.Holds[rails.Running] = posture.No
		return examined{facts: x.facts, asked: x.asked, gone: true}, nil
	case errors.Is(err, live.ErrDenied), errors.Is(err, live.ErrUnreadable):
		x.facts = r.facts(m, m.entry, s)
		x.facts.Holds[rails.Running] = posture.Yes
		return examined{facts: x.facts, asked: x.asked}, nil
	case err != nil:
		return x, err
	}
	x.facts = r.facts(m, x.entry, s)
	x.facts.Holds[rails.Same] = rails.IsSame(m.entry.Created, x.entry.Created)
	if x.entry.Verdict.Described {
		x.facts.Holds[rails.Afresh] = rails.IsAfresh(x.asked, r.now())
	}
	return x, nil
}

// take claims a stop for this invocation: of several that try only one can write
// over what it read.
func (r *round) take(ctx context.Context, m *matter, s *ledger.Stop) (bool, error) {
	next := *m.response
	next.Stop = *s
	next.Stop.RequestedAt = r.now()
	next.Due = r.due(m, &next)
	err := r.Store.PutResponse(ctx, &next)
	if errors.Is(err, ledger.ErrConflict) {
		return false, nil
	}
	if err == nil {
		m.response = &next
	}
	return err == nil, err
}

// request asks SageMaker for the stop, and tries only as long as what was seen is
// fresh.
func (r *round) request(ctx context.Context, m *matter, within time.Duration) (*tell, error) {
	operation, _ := m.row.StopCall()
	members := m.row.Requests(r.Scope, m.entry.Key)
	if operation == "" || len(members) != 1 {
		return nil, fmt.Errorf("%s cannot be stopped: the table has no call for it", m.entry.Resource)
	}
	if m.row.Kind == kind.PipelineExecution {
		// The operation requires it; asking again with the same is one request.
		// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopPipelineExecution.html
		token := sha256.Sum256([]byte(m.entry.ARN))
		members[0]["ClientRequestToken"] = hex.EncodeToString(token[:])
	}
	call, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err := r.AWS.Call(call, awsjson.SageMaker(), operation, members[0])
	switch {
	case err == nil:
		r.Metrics.Count(telemetry.Stops, 1)
		r.log(ctx, slog.LevelWarn, m.entry, "stop", slog.String("operation", operation))
		return r.over(ctx, m, "")
	case awsjson.Denied(err):
		return r.refuse(ctx, m, ourRole+operation)
	case awsjson.Missing(err), refused(err):
		// It may have ended meanwhile: then the stop has what it wants.
		// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
		fresh, freshErr := r.Fresh(ctx, m.entry)
		switch {
		case errors.Is(freshErr, live.ErrMissing):
			return r.over(ctx, m, "deleted")
		case freshErr != nil:
			return nil, errors.Join(err, freshErr)
		}
		if life := m.row.Life(fresh.Life.Status); life == kind.Halting || ended(life) {
			return r.over(ctx, m, fresh.Life.Status)
		}
		return r.refuse(ctx, m, sageMaker+operation+" ("+awsjson.Code(err)+")")
	default:
		// It may have been heard. What is due in a minute looks, and asks again.
		return nil, err
	}
}

// The reasons that no rail tells of begin so. What is not made for one of them is
// tried again, and not announced again: people were told, of both.
const (
	ourRole   = "our role may not call "
	sageMaker = "SageMaker refused "
)

func byCall(why string) bool {
	return strings.HasPrefix(why, ourRole) || strings.HasPrefix(why, sageMaker)
}

// refused says whether SageMaker refused a call for the state of the resource.
func refused(err error) bool {
	switch awsjson.Code(err) {
	case "ValidationException", "ConflictException", "ResourceInUse":
		return true
	}
	return false
}

// over writes down that a stop was heard, or had nothing more to do. status is
// what it was found in; empty is not looked.
func (r *round) over(ctx context.Context, m *matter, status string) (*tell, error) {
	ours := !m.response.Stop.RequestedAt.IsZero()
	if status == "deleted" || ended(m.row.Life(status)) {
		if ours {
			return r.confirmed(m, status), nil
		}
		return r.refuse(ctx, m, "it is not there any more")
	}
	return nil, r.mark(ctx, m, func(next *ledger.Response) {
		if next.Stop.State == ledger.Announced {
			next.Stop.State = ledger.Requested
			next.Due = r.due(m, next)
		}
	})
}

// confirmed says that a stop is done.
func (r *round) confirmed(m *matter, status string) *tell {
	now := r.now()
	done := m.response.Stop
	done.State, done.Why, done.EndedAt = ledger.Confirmed, "", now
	lead := "It has ended"
	if m.row.Life(status) == kind.Halting || strings.EqualFold(status, "stopped") {
		lead = "It was stopped"
	}
	if status != "" {
		lead += ": it is " + status + " now"
	}
	lead += "."
	return &tell{matter: m, kind: stopType, lead: lead, stop: &done, mark: func(next *ledger.Response) {
		next.Stop = done
		next.Due = r.due(m, next)
	}}
}

// withheld writes down that a rail forbids a stop. Where it was announced, people
// are told; but for the circuit breaker, which has one alert of its own.
func (r *round) withheld(ctx context.Context, m *matter, d rails.Decision) (*tell, error) {
	r.Metrics.Count(telemetry.StopsRefused, 1)
	r.log(ctx, slog.LevelWarn, m.entry, "not stopped", slog.String("state", d.Rail.String()))
	held := d.Rail == rails.Breaker || d.Rail == rails.Budget || d.Rail == rails.Share
	if held {
		r.Metrics.Count(telemetry.BreakerOpen, 1)
	}
	if held && m.response.Stop.By == byRules {
		return nil, r.mark(ctx, m, r.hold(m, d.Why))
	}
	return r.refuse(ctx, m, d.Why)
}

// refuse says that an announced stop is not made, and why.
func (r *round) refuse(ctx context.Context, m *matter, why string) (*tell, error) {
	mark := r.hold(m, why)
	if m.response.Stop.Why == why { // tried again in vain, and told before
		return nil, r.mark(ctx, m, mark)
	}
	next := *m.response
	mark(&next)
	return &tell{matter: m, kind: stopType, lead: "It was not stopped: " + why + ".", stop: &next.Stop, mark: mark}, nil
}

func (r *round) hold(m *matter, why string) func(*ledger.Response) {
	now, known := r.now(), m.response.Stop
	return func(next *ledger.Response) {
		if !sameStop(next.Stop, known) || known.State != ledger.Announced {
			return
		}
		next.Stop.State, next.Stop.Why, next.Stop.EndedAt, next.Stop.RequestedAt = ledger.Withheld, why, now, time.Time{}
		next.Due = r.due(m, next)
	}
}
