// Package sweep looks for what events did not tell. Events come by best effort
// only: so from time to time it lists what can be live, and what was created since
// the last time, and compares that with the ledger. It judges nothing and writes
// no entries: it sends hints of what to look at, and the audit function looks.
//
// What it costs follows from what is live, and not from what there ever was. See
// docs/adr/0014-sweep.md.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// Options are what a sweeper works with.
type Options struct {
	Store ledger.Store
	// Call asks SageMaker for an operation. It must not repeat calls by itself:
	// each counts for the rate.
	Call func(ctx context.Context, operation string, input any) (*awsjson.Response, error)
	// Put sends hints; see [PutHints].
	Put   func(context.Context, []events.Hint) error
	Rules func(context.Context) (evaluate.Ruleset, error)
	Scope kind.Scope
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Rate is how many calls a second SageMaker is asked; 0 is 2.
	// SageMaker does not publish how many it takes.
	Rate    float64
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Sweeper sweeps one account and Region. It is for one tick at a time.
type Sweeper struct {
	Options
	pace *pace
}

// New returns a sweeper.
func New(o Options) *Sweeper {
	if o.Rate <= 0 {
		o.Rate = 2
	}
	return &Sweeper{Options: o, pace: newPace(o.Rate)}
}

func (s *Sweeper) now() time.Time { return s.Now().UTC() }

// control is the name of the round's checkpoint; those of the kinds are named
// after them.
const control = ledger.Checkpoint + "round"

// round is one time through all kinds, which takes a tick or several.
type round struct {
	Began, Ended time.Time
	// Failed are the kinds that could not be listed, though they may be later.
	Failed []kind.Kind
}

// tick is one run of the function.
type tick struct {
	*Sweeper
	deadline time.Time
	limited  bool
	round    round
	version  int64 // of the round
	// baseline says that the first sweep is not done: what is found was not missed.
	baseline bool
	rules    evaluate.Ruleset // File is nil where they cannot be had
	expired  map[string]bool  // the ids of exceptions that no longer apply

	counts map[string]int // what is live, of the kinds that were listed
	lost   []string       // kinds whose count is not known any more
	listed int
	oldest time.Time // when the oldest that was missed was created
}

// errOurs says that what failed is no list of SageMaker's but the ledger or
// EventBridge: there is no use in going on.
var errOurs = errors.New("the sweep cannot go on")

// Run does one tick: it goes on with the round that is under way, or begins the
// next, until that ends or the context's deadline is near. Where a kind cannot be
// listed, the others are. The error tells no more than a log may.
func (s *Sweeper) Run(ctx context.Context) error {
	t := &tick{Sweeper: s, counts: map[string]int{}}
	t.deadline, t.limited = ctx.Deadline()
	began := t.now()
	outcome, err := t.run(ctx)
	if errors.Is(err, ledger.ErrConflict) {
		outcome, err = "another sweep is under way", nil
	}
	t.Metrics.Count(telemetry.Received, t.listed)
	blind := 0.0
	if !t.oldest.IsZero() {
		blind = t.now().Sub(t.oldest).Seconds()
	}
	t.Metrics.Gauge(telemetry.BlindSeconds, blind)
	level := slog.LevelInfo
	if err != nil {
		level, outcome = slog.LevelError, "failed"
		err = errors.New(telemetry.ErrorText(err))
	} else {
		t.Metrics.Count(telemetry.Heartbeat, 1)
	}
	attrs := []slog.Attr{slog.String("outcome", outcome), slog.Int("count", t.listed), slog.Int64("duration_ms", t.now().Sub(began).Milliseconds())}
	if err != nil {
		attrs = append(attrs, telemetry.Error(err))
	}
	t.Log.LogAttrs(ctx, level, "sweep", attrs...)
	return errors.Join(err, t.Metrics.Flush())
}

func (t *tick) run(ctx context.Context) (outcome string, err error) {
	if err := t.begin(ctx); err != nil {
		return "", err
	}
	outcome = "round ended"
	for _, p := range plans() {
		err := t.contained(ctx, &p)
		switch {
		case errors.Is(err, errStop):
			outcome = "to be continued"
		case errors.Is(err, errOurs), errors.Is(err, ledger.ErrConflict), ctx.Err() != nil:
			return "", errors.Join(err, ctx.Err())
		case err != nil:
			t.skipped(ctx, &p, err)
		}
		if outcome != "round ended" {
			break
		}
	}
	if outcome == "round ended" {
		t.round.Ended = t.now()
	}
	if err := t.save(ctx, control, t.version, t.round); err != nil {
		return "", err
	}
	if err := t.count(ctx); err != nil {
		return "", err
	}
	return outcome, update(ctx, t.Store, ledger.Heartbeat+"sweep", func(m *ledger.Mark) { m.At = t.now() })
}

// patience is how long the first sweep waits for kinds that cannot be listed.
const patience = 24 * time.Hour

// begin reads how far the last tick came, and begins a round where that ended one.
// The first sweep is done only with the tick after it, when what it found has been
// judged.
func (t *tick) begin(ctx context.Context) (err error) {
	if t.version, err = t.Store.Control(ctx, control, &t.round); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	now := t.now()
	over := !t.round.Ended.IsZero()
	err = update(ctx, t.Store, ledger.Baseline, func(f *ledger.FirstSweep) {
		if f.Started.IsZero() {
			f.Started = now
		}
		if f.Done.IsZero() && over && (len(t.round.Failed) == 0 || now.Sub(f.Started) >= patience) {
			f.Done = now
		}
		t.baseline = f.Done.IsZero()
	})
	if err != nil {
		return err
	}
	if over || t.round.Began.IsZero() {
		t.round = round{Began: now}
		if err := t.save(ctx, control, t.version, t.round); err != nil {
			return err
		}
		t.version++
	}
	if t.rules, err = t.Rules(ctx); err != nil {
		t.rules = evaluate.Ruleset{}
		t.Log.LogAttrs(ctx, slog.LevelError, "sweep", slog.String("outcome", "no rules: nothing is judged anew for them"), telemetry.Error(err))
		return nil
	}
	t.expired = map[string]bool{}
	for _, x := range t.rules.File.Expired(now) {
		t.expired[x.ID] = true
	}
	return nil
}

// save writes a control.
func (t *tick) save(ctx context.Context, name string, version int64, value any) error {
	if err := t.Store.PutControl(ctx, name, version, value); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	return nil
}

// update changes a control that others write too.
func update[T any](ctx context.Context, store ledger.Store, name string, change func(*T)) error {
	for range 5 {
		var value T
		version, err := store.Control(ctx, name, &value)
		if err == nil {
			change(&value)
			err = store.PutControl(ctx, name, version, value)
		}
		if !errors.Is(err, ledger.ErrConflict) {
			if err != nil {
				err = fmt.Errorf("%w: %w", errOurs, err)
			}
			return err
		}
	}
	return fmt.Errorf("%w: %s was written by others again and again", errOurs, name)
}

// count writes down what is live, of the kinds that this tick listed.
func (t *tick) count(ctx context.Context) error {
	if len(t.counts)+len(t.lost) == 0 {
		return nil
	}
	return update(ctx, t.Store, ledger.LiveCount, func(c *ledger.Count) {
		c.At = t.now()
		if c.Live == nil {
			c.Live = map[string]int{}
		}
		maps.Copy(c.Live, t.counts)
		for _, k := range t.lost {
			delete(c.Live, k)
		}
	})
}

// contained sweeps a kind. A panic is contained to it.
func (t *tick) contained(ctx context.Context, p *plan) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %T at %s", v, where())
		}
	}()
	return t.kind(ctx, p)
}

// where is the function that panicked: what it panicked with may quote an answer.
func where() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "sagemoat") || !more {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
	}
}

// skipped says that a kind could not be listed. It is tried again in the next
// round. Its count is not known any more.
func (t *tick) skipped(ctx context.Context, p *plan, err error) {
	outcome := "to be listed in the next round"
	if awsjson.Denied(err) {
		outcome = "not permitted: what events miss of this kind stays unknown"
	} else if !slices.Contains(t.round.Failed, p.row.Kind) {
		t.round.Failed = append(t.round.Failed, p.row.Kind)
	}
	t.lost = append(t.lost, string(p.row.Kind))
	t.Metrics.Count(telemetry.Retried, 1)
	t.Log.LogAttrs(ctx, slog.LevelError, "kind skipped", slog.String("kind", string(p.row.Kind)), slog.String("outcome", outcome), telemetry.Error(err))
}
