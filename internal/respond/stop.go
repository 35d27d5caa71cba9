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
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
)

// expect decides about a stop as if its time had come: what will be found out
// then is taken to hold.
func (r *round) expect(m *matter, by string) rails.Decision {
	if !r.held.Stop {
		return r.held
	}
	return rails.Decide(r.circumstances().Expected(&m.Matter, by))
}

// switches says why nothing is stopped for now, so that it need not be looked at.
func (h *Handler) switches(ctx context.Context) rails.Decision {
	f := rails.Facts{Person: true}
	for i := range f.Holds {
		f.Holds[i] = posture.Yes
	}
	f.Holds[rails.Switch] = h.killSwitch(ctx)
	var b decide.Breaker
	_, err := h.Store.Control(ctx, ledger.BreakerOf, &b)
	f.Holds[rails.Breaker] = closed(&b, err)
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
	s := &m.Response.Stop
	switch s.State {
	case ledger.Announced:
		now := r.now()
		latest, err := r.anew(ctx)
		if err != nil {
			return nil, err
		}
		if now.Before(s.AnnouncedAt.Add(latest.circumstances().Grace(s))) || now.Sub(s.RequestedAt) < claim {
			return nil, nil // not yet, or somebody is at it
		}
		return latest.stop(ctx, m)
	case ledger.Requested:
		if life := m.Row.Life(m.Entry.Life.Status); m.Entry.Life.At.After(s.RequestedAt) && (ended(life) || m.Entry.Life.State != ledger.Live) {
			return r.confirmed(m, m.Entry.Life.Status), nil
		}
	case ledger.Confirmed, ledger.Withheld, "":
	}
	return nil, nil
}

func ended(l kind.Life) bool { return l == kind.Halted || l == kind.Over || l == kind.Removed }

// stop stops what was announced, if every rail holds.
func (r *round) stop(ctx context.Context, m *matter) (*tell, error) {
	s := m.Response.Stop
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
	if now, err := r.Store.Response(ctx, m.Entry.Resource); err != nil || now == nil || !sameStop(now.Stop, s) {
		return nil, err
	}
	switch {
	case x.gone:
		return r.over(ctx, m, "deleted")
	case x.entry != nil && !s.RequestedAt.IsZero():
		if life := m.Row.Life(x.entry.Life.Status); life == kind.Halting || ended(life) {
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
	x.entry, err = r.Fresh(ctx, m.Entry)
	switch {
	case errors.Is(err, live.ErrMissing):
		x.facts = r.circumstances().Facts(&m.Matter, m.Entry, s)
		x.facts.Holds[rails.Running] = posture.No
		return examined{facts: x.facts, asked: x.asked, gone: true}, nil
	case errors.Is(err, live.ErrDenied), errors.Is(err, live.ErrUnreadable):
		x.facts = r.circumstances().Facts(&m.Matter, m.Entry, s)
		x.facts.Holds[rails.Running] = posture.Yes
		return examined{facts: x.facts, asked: x.asked}, nil
	case err != nil:
		return x, err
	}
	x.facts = r.circumstances().Facts(&m.Matter, x.entry, s)
	x.facts.Holds[rails.Same] = rails.IsSame(m.Entry.Created, x.entry.Created)
	if x.entry.Verdict.Described {
		x.facts.Holds[rails.Afresh] = rails.IsAfresh(x.asked, r.now())
	}
	return x, nil
}

// take claims a stop for this invocation: of several that try only one can write
// over what it read.
func (r *round) take(ctx context.Context, m *matter, s *ledger.Stop) (bool, error) {
	next := *m.Response
	next.Stop = *s
	next.Stop.RequestedAt = r.now()
	next.Due = r.due(m, &next)
	err := r.Store.PutResponse(ctx, &next)
	if errors.Is(err, ledger.ErrConflict) {
		return false, nil
	}
	if err == nil {
		m.Response = &next
	}
	return err == nil, err
}

// request asks SageMaker for the stop, and tries only as long as what was seen is
// fresh.
func (r *round) request(ctx context.Context, m *matter, within time.Duration) (*tell, error) {
	operation, _ := m.Row.StopCall()
	members := m.Row.Requests(r.Scope, m.Entry.Key)
	if operation == "" || len(members) != 1 {
		return nil, fmt.Errorf("%s cannot be stopped: the table has no call for it", m.Entry.Resource)
	}
	if m.Row.Kind == kind.PipelineExecution {
		// The operation requires it; asking again with the same is one request.
		// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopPipelineExecution.html
		token := sha256.Sum256([]byte(m.Entry.ARN))
		members[0]["ClientRequestToken"] = hex.EncodeToString(token[:])
	}
	call, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err := r.AWS.Call(call, awsjson.SageMaker(), operation, members[0])
	switch {
	case err == nil:
		r.Metrics.Count(telemetry.Stops, 1)
		r.log(ctx, slog.LevelWarn, m.Entry, "stop", slog.String("operation", operation))
		return r.over(ctx, m, "")
	case awsjson.Denied(err):
		return r.refuse(ctx, m, ourRole+operation)
	case awsjson.Missing(err), refused(err):
		// It may have ended meanwhile: then the stop has what it wants.
		// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
		fresh, freshErr := r.Fresh(ctx, m.Entry)
		switch {
		case errors.Is(freshErr, live.ErrMissing):
			return r.over(ctx, m, "deleted")
		case freshErr != nil:
			return nil, errors.Join(err, freshErr)
		}
		if life := m.Row.Life(fresh.Life.Status); life == kind.Halting || ended(life) {
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
	ours := !m.Response.Stop.RequestedAt.IsZero()
	if status == "deleted" || ended(m.Row.Life(status)) {
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
	done := m.Response.Stop
	done.State, done.Why, done.EndedAt = ledger.Confirmed, "", now
	lead := "It has ended"
	if m.Row.Life(status) == kind.Halting || strings.EqualFold(status, "stopped") {
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
	r.log(ctx, slog.LevelWarn, m.Entry, "not stopped", slog.String("state", d.Rail.String()))
	held := decide.Held(d.Rail)
	if held {
		r.Metrics.Count(telemetry.BreakerOpen, 1)
	}
	if held && m.Response.Stop.By == decide.ByRules {
		return nil, r.mark(ctx, m, r.hold(m, d.Why))
	}
	return r.refuse(ctx, m, d.Why)
}

// refuse says that an announced stop is not made, and why.
func (r *round) refuse(ctx context.Context, m *matter, why string) (*tell, error) {
	mark := r.hold(m, why)
	if m.Response.Stop.Why == why { // tried again in vain, and told before
		return nil, r.mark(ctx, m, mark)
	}
	next := *m.Response
	mark(&next)
	return &tell{matter: m, kind: stopType, lead: "It was not stopped: " + why + ".", stop: &next.Stop, mark: mark}, nil
}

func (r *round) hold(m *matter, why string) func(*ledger.Response) {
	now, known := r.now(), m.Response.Stop
	return func(next *ledger.Response) {
		if !sameStop(next.Stop, known) || known.State != ledger.Announced {
			return
		}
		next.Stop.State, next.Stop.Why, next.Stop.EndedAt, next.Stop.RequestedAt = ledger.Withheld, why, now, time.Time{}
		next.Due = r.due(m, next)
	}
}
