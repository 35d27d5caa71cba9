// Package respond does what follows from a verdict: it tells people, and stops
// what runs where the rules say so and every rail of package rails holds.
//
// It is woken by the ledger's stream, by a person's custom action in Security
// Hub, and every minute by a schedule. Whatever wakes it is a hint: what is done
// follows from the ledger as it is now, so that it does not matter how often, or
// in which order, hints come.
//
// The order of effects is: send, then write down that it was sent; announce, wait,
// claim, reserve, stop, write down, confirm, tell. Whoever ends between two of
// them is followed by one who does the second: a message may be sent twice, and
// none is lost; a stop is asked for again only where it still runs.
package respond

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Options are what a handler works with; all of them are needed.
type Options struct {
	// Scope is our partition, account and Region.
	Scope kind.Scope
	Store ledger.Store
	// Rules returns the rules in force.
	Rules func(context.Context) (evaluate.Ruleset, error)
	// Fresh judges a resource by a Describe call made now. The error wraps
	// [live.ErrMissing] where there is no such resource.
	Fresh func(context.Context, *ledger.Entry) (*ledger.Entry, error)
	// AWS calls SageMaker and Security Hub, SNS sends messages.
	AWS *awsjson.Client
	SNS *sns.Client
	// Topic is the ARN of the topic for what no route sends elsewhere.
	Topic string
	// Most is the most that the rules may have done here: whoever deploys has a say
	// beside whoever writes the rules (ADR 0016). A person's own request is no
	// matter of it.
	Most    rules.Mode
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Handler responds. It is safe for concurrent use.
type Handler struct{ Options }

// New returns a handler.
func New(o Options) (*Handler, error) {
	if o.Topic == "" {
		return nil, errors.New("no topic is set: set the ARN of the SNS topic that alerts go to")
	}
	if !o.Most.Known() {
		return nil, fmt.Errorf("%q is no mode: set observe, notify or stop", o.Most)
	}
	return &Handler{o}, nil
}

// The times of the handler.
const (
	// claim is how long whoever began to stop something is left alone with it.
	claim = time.Minute
	// soon and late bound after what time a stop that a rail forbade is looked at
	// again: the rail may hold by then without anything else happening.
	soon, late = 15 * time.Minute, time.Hour
	// patience is how long the end of a stop is waited for.
	patience = 24 * time.Hour
	// slow is after what time people are told that a stop takes long.
	slow = time.Hour
	// hubTime bounds the calls to Security Hub, which nothing else waits for.
	hubTime = 5 * time.Second
	// stuck is how long the stream brings again what could not be done: from then
	// on the tick tries, and does not hold up what comes after.
	stuck = 15 * time.Minute
	// spare is kept of an invocation's time to say what was not done.
	spare = 2 * time.Second
)

// round is what one invocation knows: the rules, the switches, how far the first
// sweep came. What permits a stop is read anew for each.
type round struct {
	*Handler
	set   evaluate.Ruleset
	first ledger.FirstSweep
	// held says why no stop is made for now; empty where nothing is known of it.
	held rails.Decision
}

func (h *Handler) round(ctx context.Context) (*round, error) {
	r := &round{Handler: h}
	if _, err := h.Store.Control(ctx, ledger.Baseline, &r.first); err != nil {
		return nil, err
	}
	set, err := h.Rules(ctx)
	if err != nil {
		// Without rules nothing is stopped, but people are told.
		h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("outcome", "no rules: nothing is stopped"), telemetry.Error(err))
		set = evaluate.Ruleset{}
	}
	r.set = set
	r.held = h.switches(ctx)
	return r, nil
}

// matter is a resource and what was done about it.
type matter struct {
	decide.Matter
	// later says that something could not be found out, and is to be tried again.
	later bool
}

// matter reads a resource. It is nil where there is none in the ledger, and where
// the ledger has one that is not of the table, which no trying again will mend.
func (h *Handler) matter(ctx context.Context, resource string) (*matter, error) {
	row, _, ok := evaluate.Split(resource)
	if !ok {
		h.Metrics.Count(telemetry.Poison, 1)
		h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("resource", resource), slog.String("outcome", "no resource of the table"))
		return nil, nil
	}
	e, err := h.Store.Entry(ctx, resource)
	if err != nil || e == nil {
		return nil, err
	}
	return h.matterOf(ctx, row, e)
}

func (h *Handler) matterOf(ctx context.Context, row *kind.Row, e *ledger.Entry) (m *matter, err error) {
	m = &matter{Matter: decide.Matter{Row: row, Entry: e}}
	if m.Response, err = h.Store.Response(ctx, e.Resource); err != nil {
		return nil, err
	}
	m.Renew()
	if owner := e.Verdict.Notice.Owner; owner != "" {
		if m.Owner, err = h.Store.Entry(ctx, owner); err != nil {
			return nil, err
		}
		if m.OwnerResponse, err = h.Store.Response(ctx, owner); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mark changes what is written of a matter, whatever was written meanwhile.
func (h *Handler) mark(ctx context.Context, m *matter, change func(*ledger.Response)) error {
	for range attempts {
		next := *m.Response
		change(&next)
		next.Over = m.IsOver() && next.Due.IsZero()
		if next == *m.Response && next.Version > 0 {
			return nil
		}
		err := h.Store.PutResponse(ctx, &next)
		if err == nil {
			m.Response = &next
			return nil
		}
		if !errors.Is(err, ledger.ErrConflict) {
			return err
		}
		if m.Response, err = h.Store.Response(ctx, m.Entry.Resource); err != nil {
			return err
		}
		m.Renew()
	}
	return fmt.Errorf("%s: %w", m.Entry.Resource, ledger.ErrConflict)
}

// attempts bounds how often something is written anew because somebody else
// wrote it.
const attempts = 20

// mode is what the rules want done about what fails, within what is allowed here.
func (r *round) mode(e *ledger.Entry) rules.Mode { return decide.Mode(r.set.File, r.Most, e) }

// circumstances are what a stop depends on, as of now.
func (r *round) circumstances() *decide.Circumstances {
	return &decide.Circumstances{Scope: r.Scope, File: r.set.File, Most: r.Most, Current: r.set.Current, Now: r.now()}
}

// anew is a round by the rules as they are now: an invocation may take longer than
// they stay.
func (r *round) anew(ctx context.Context) (*round, error) {
	next := *r
	var err error
	next.set, err = r.Rules(ctx)
	return &next, err
}

// topic is where the team of a matter is told.
func (h *Handler) topic(e *ledger.Entry) string { return cmp.Or(e.Verdict.Notice.Topic, h.Topic) }

func (h *Handler) log(ctx context.Context, level slog.Level, e *ledger.Entry, outcome string, more ...slog.Attr) {
	h.Log.LogAttrs(ctx, level, "respond", append([]slog.Attr{
		slog.String("resource", e.Resource), slog.String("compliance", string(e.Verdict.Compliance)),
		slog.String("severity", string(e.Verdict.Severity)), slog.String("outcome", outcome),
	}, more...)...)
}

// now is the time, as the ledger keeps it.
func (h *Handler) now() time.Time { return h.Now().UTC().Truncate(time.Millisecond) }

// sameStop says whether two stops are the same, whoever read them.
func sameStop(a, b ledger.Stop) bool {
	times := a.AnnouncedAt.Equal(b.AnnouncedAt) && a.RequestedAt.Equal(b.RequestedAt) && a.EndedAt.Equal(b.EndedAt)
	return times && a.State == b.State && a.Operation == b.Operation && a.By == b.By && a.Why == b.Why
}

// bounded leaves time to say what was not done.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-spare))
	}
	return context.WithCancel(ctx)
}
