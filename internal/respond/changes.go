package respond

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Changes responds to what the ledger's stream tells. failed are the sequence
// numbers of what has to come again, in their order; Lambda delivers from the
// first of them on, and what is done already is not done again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (h *Handler) Changes(ctx context.Context, changes []ledger.Change) (failed []string, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var resources []string
	for i := range changes {
		if resource, ok := worthLooking(&changes[i]); ok && !slices.Contains(resources, resource) {
			resources = append(resources, resource)
		}
	}
	if len(resources) == 0 {
		return nil, nil
	}
	r, err := h.round(ctx)
	if err != nil {
		return sequences(changes), err
	}
	left := r.respond(ctx, resources)
	for i := range changes {
		e := changes[i].NewEntry
		if e == nil || !left[e.Resource] {
			continue
		}
		if h.now().Sub(changes[i].At) > stuck && h.hand(ctx, e) == nil {
			continue
		}
		failed = append(failed, changes[i].Sequence)
	}
	return failed, nil
}

// hand leaves a resource to the tick.
func (h *Handler) hand(ctx context.Context, e *ledger.Entry) error {
	return contain(func() error {
		response, err := h.Store.Response(ctx, e.Resource)
		if err != nil {
			return err
		}
		if response == nil {
			response = &ledger.Response{Resource: e.Resource, Created: e.Created}
		}
		response.Due = h.now()
		return h.Store.PutResponse(ctx, response)
	})
}

func sequences(changes []ledger.Change) []string {
	var out []string
	for i := range changes {
		out = append(out, changes[i].Sequence)
	}
	return out
}

// worthLooking says which resource a change is of, where there may be something
// to do about it. What passed before and now, and has not ended, is the bulk of all
// changes.
func worthLooking(c *ledger.Change) (resource string, ok bool) {
	e, old := c.NewEntry, c.OldEntry
	if e == nil || quiet(e) && (old == nil || quiet(old) && old.Life.State == e.Life.State) {
		return "", false
	}
	return e.Resource, true
}

func quiet(e *ledger.Entry) bool {
	return e.Verdict.Compliance == rules.Passed || e.Verdict.Compliance == rules.NotAvailable || e.Verdict.Compliance == ""
}

// parallel is how many resources are seen to at the same time.
const parallel = 8

// each does something for each of n, several at a time.
func each(n int, do func(i int)) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // nothing in it fails
}

// undone are resources about which not all could be done. It is safe for
// concurrent use.
type undone struct {
	h    *Handler
	mu   sync.Mutex
	name map[string]bool
}

// note takes a resource in, with the reason, where there is one.
func (u *undone) note(ctx context.Context, resource string, err error) {
	if err == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.name[resource] = true
	u.h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("resource", resource), slog.String("outcome", "to be tried again"), telemetry.Error(err))
}

func (h *Handler) undone() *undone { return &undone{h: h, name: map[string]bool{}} }

// respond does what there is to do about resources, and returns those about which
// not all could be done.
func (r *round) respond(ctx context.Context, resources []string) map[string]bool {
	left := r.undone()
	matters := make([]*matter, len(resources))
	each(len(resources), func(i int) {
		left.note(ctx, resources[i], contain(func() (err error) {
			matters[i], err = r.matter(ctx, resources[i])
			return err
		}))
	})
	matters = slices.DeleteFunc(matters, func(m *matter) bool { return m == nil })
	// Owners first: what is inherited from them stands in their alert.
	slices.SortStableFunc(matters, func(a, b *matter) int {
		return len(a.Entry.Verdict.Notice.Owner) - len(b.Entry.Verdict.Notice.Owner)
	})
	var tells []*tell
	told := map[string]bool{} // owners that are told of in this batch
	for _, m := range matters {
		left.note(ctx, m.Entry.Resource, contain(func() error {
			t, err := r.plan(ctx, m, told)
			if t != nil {
				tells = append(tells, t)
				told[m.Entry.Resource] = t.kind == alertType
			}
			return err
		}))
	}
	r.tell(ctx, tells, left)
	// What was announced is due, and tried again by the tick: it need not come again.
	r.stops(ctx, matters, left.name)
	return left.name
}

// stops makes the stops that are due, and tells what became of them; not of what
// is undone already. It returns those about which not all could be done.
func (r *round) stops(ctx context.Context, matters []*matter, before map[string]bool) map[string]bool {
	late := r.undone()
	tells := make([]*tell, len(matters))
	each(len(matters), func(i int) {
		m := matters[i]
		if before[m.Entry.Resource] {
			return
		}
		late.note(ctx, m.Entry.Resource, contain(func() (err error) {
			tells[i], err = r.advance(ctx, m)
			return err
		}))
	})
	r.tell(ctx, slices.DeleteFunc(tells, func(t *tell) bool { return t == nil }), late)
	return late.name
}

// contain makes a panic over one resource an error, so that the others of the
// batch are seen to.
func contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}
