// Package publish tells Security Hub what the ledger holds: one finding a
// resource, imported when something new is to be told of it.
//
// It works on the ledger's stream and keeps no state. Whether there is something
// to tell is taken from the images of a change, which are the same however often
// the change is delivered; what is told, from the ledger as it is now. The time
// of a finding grows with every write of the ledger, and Security Hub ignores what
// is not newer, so the same changes may come again, and in any number of batches:
// the last one to come leaves Security Hub with what the ledger holds.
package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// Options are what a publisher works with. All are needed.
type Options struct {
	Store ledger.Store
	// Hub calls Security Hub. It should not retry by itself ([aws.NopRetryer]):
	// what it repeats is not held to the rate.
	Hub             *awsjson.Client
	Account, Region string
	// DeadLetter keeps what can never be imported for a person to look at.
	DeadLetter func(context.Context, Letter) error
	Now        func() time.Time
	Sleep      func(context.Context, time.Duration) error
	Log        *slog.Logger
	Metrics    *telemetry.Metrics
}

// Letter is a finding that can never be imported, and why: a mistake of ours. The
// finding itself is in the ledger.
type Letter struct {
	Resource  string    `json:"resource"`
	Version   int64     `json:"version"` // of the entry
	Finding   string    `json:"finding"` // its id
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
	Sequences []string  `json:"sequences"` // of the changes that led to it
	At        time.Time `json:"at"`
}

// Publisher imports findings. It is for one batch at a time.
type Publisher struct {
	o       Options
	limiter *rate.Limiter
}

// callRate is how many calls are made in a second, and at once. Security Hub
// takes 10 a second, and 30 at once, from an account in a Region: what is left is
// for other batches, which run at the same time where the stream has many shards.
// https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html
const callRate = 8

// New returns a publisher.
func New(o Options) *Publisher {
	return &Publisher{o: o, limiter: rate.NewLimiter(callRate, callRate)}
}

// Handle imports what the changes tell. failed are the sequence numbers of those
// that have to come again, in the order of the batch, and err is the first reason
// why there are any: [ErrHubOff], or that something did not answer.
//
// Of a stream, Lambda delivers everything again from the first that failed.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (p *Publisher) Handle(ctx context.Context, changes []ledger.Change) (failed []string, err error) {
	p.o.Metrics.Count(telemetry.Received, len(changes))
	r := &run{Publisher: p, groups: collapse(changes)}
	r.read(ctx)
	r.send(ctx, r.items(ctx))
	again := map[string]bool{}
	for _, g := range r.groups {
		for _, sequence := range g.sequences {
			again[sequence] = g.failed()
		}
	}
	for i := range changes {
		if again[changes[i].Sequence] {
			failed = append(failed, changes[i].Sequence)
		}
	}
	p.o.Metrics.Count(telemetry.Retried, len(failed))
	return failed, r.err
}

// Reconcile imports what Security Hub has to hold of all that is live, for when
// the stream lost changes: it keeps them for 24 hours, and Security Hub may have
// been off for longer. What is there already is ignored, as it is not newer.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
func (p *Publisher) Reconcile(ctx context.Context) error {
	var first error
	for _, row := range kind.Table() {
		for after, more := "", true; more; more = after != "" {
			page, next, err := p.o.Store.Live(ctx, row.Kind, after)
			if err != nil {
				return fmt.Errorf("read what is live of %s: %w", row.Kind, err)
			}
			r := &run{Publisher: p} // of a page: all that is live may be more than there is memory for
			for _, e := range page {
				g := &group{resource: e.Resource, entry: e, again: true}
				g.response, g.err = p.o.Store.Response(ctx, e.Resource)
				r.groups = append(r.groups, g)
			}
			stop := r.send(ctx, r.items(ctx))
			if first == nil {
				first = r.err
			}
			if stop {
				return first
			}
			after = next
		}
	}
	return first
}

// run is the work on one batch.
type run struct {
	*Publisher
	groups []*group
	err    error // the first
}

// fail keeps the first error.
func (r *run) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// group is what a batch tells of one resource.
type group struct {
	resource  string
	changes   []ledger.Change
	sequences []string

	entry    *ledger.Entry
	response *ledger.Response
	err      error // of reading
	again    bool  // whether or not the changes tell something new
	items    []*item
}

// failed says whether the changes have to come again.
func (g *group) failed() bool {
	return g.err != nil || slices.ContainsFunc(g.items, func(i *item) bool { return !i.done })
}

// item is a finding to send.
type item struct {
	id      string
	body    json.RawMessage
	version int64 // of the entry that it tells
	group   *group
	done    bool // imported, or put away
}

// collapse gathers the changes by resource, in the order of their first. What was
// taken away tells nothing.
func collapse(changes []ledger.Change) (out []*group) {
	by := map[string]*group{}
	for i := range changes {
		c := &changes[i]
		resource := ""
		switch {
		case c.NewEntry != nil:
			resource = c.NewEntry.Resource
		case c.NewResponse != nil:
			resource = c.NewResponse.Resource
		default:
			continue
		}
		g := by[resource]
		if g == nil {
			g = &group{resource: resource}
			by[resource] = g
			out = append(out, g)
		}
		g.changes = append(g.changes, *c)
		g.sequences = append(g.sequences, c.Sequence)
	}
	return out
}

// readers is how many resources are read at once.
const readers = 8

// read reads what the ledger holds now of the resources of which something may
// be told.
func (r *run) read(ctx context.Context) {
	var all errgroup.Group
	all.SetLimit(readers)
	for _, g := range r.groups {
		if !slices.ContainsFunc(g.changes, func(c ledger.Change) bool { return c.NewResponse != nil || news(c.OldEntry, c.NewEntry) }) {
			continue
		}
		all.Go(func() error {
			if g.entry, g.err = r.o.Store.Entry(ctx, g.resource); g.err == nil {
				g.response, g.err = r.o.Store.Response(ctx, g.resource)
			}
			return nil
		})
	}
	_ = all.Wait() // each group has its own error
}

// items are the findings that the groups want.
func (r *run) items(ctx context.Context) (out []*item) {
	for _, g := range r.groups {
		if g.err != nil {
			r.fail(fmt.Errorf("read %s: %w", g.resource, g.err))
			r.o.Log.LogAttrs(ctx, slog.LevelError, "the ledger could not be read",
				slog.String("resource", g.resource), telemetry.Error(g.err))
			continue
		}
		for _, w := range g.wants() {
			i, err := r.item(g, w)
			g.items = append(g.items, i)
			if err != nil {
				r.poison(ctx, i, "Invalid", err.Error())
				continue
			}
			out = append(out, i)
		}
	}
	return out
}

// wants are the findings that Security Hub has to hold of a group's resource,
// none where its changes tell nothing new.
func (g *group) wants() []Want {
	var olds []*ledger.Entry
	told := g.again
	for i := range g.changes {
		c := &g.changes[i]
		if c.NewEntry == nil {
			told = told || answered(g.entry, c.OldResponse, c.NewResponse)
			continue
		}
		told = told || news(c.OldEntry, c.NewEntry)
		if c.OldEntry != nil {
			olds = append(olds, c.OldEntry)
		}
	}
	if !told {
		return nil
	}
	return Decide(olds, g.entry, g.response)
}

// item makes a finding ready to be sent. The error says what is wrong with it.
func (r *run) item(g *group, w Want) (*item, error) {
	i := &item{id: ID(w.Entry), version: w.Entry.Version, group: g}
	response := g.response
	if w.Entry != g.entry && response != nil && about(response, g.entry) {
		response = nil // it is of the resource that took the name
	}
	a, err := r.render(w, response, updated(g.entry, g.response))
	if err != nil {
		return i, err
	}
	i.body, err = json.Marshal(a)
	return i, err
}

// poison puts away a finding that can never be imported. The changes that led to
// it count as done, so that the stream goes on. Where the letter cannot be
// written they come again.
func (r *run) poison(ctx context.Context, i *item, code, reason string) {
	r.o.Metrics.Count(telemetry.Poison, 1)
	r.o.Log.LogAttrs(ctx, slog.LevelError, "a finding can never be imported",
		slog.String("resource", i.group.resource), slog.String("outcome", code))
	err := r.o.DeadLetter(ctx, Letter{
		Resource: i.group.resource, Version: i.version, Finding: i.id, Code: code,
		Reason: finding.Clip(finding.Plain(reason), 1024), Sequences: i.group.sequences, At: r.o.Now().UTC(),
	})
	if err != nil {
		r.fail(fmt.Errorf("the dead letter of %s: %w", i.group.resource, err))
		r.o.Log.LogAttrs(ctx, slog.LevelError, "a dead letter could not be written",
			slog.String("resource", i.group.resource), telemetry.Error(err))
		return
	}
	i.done = true
}
