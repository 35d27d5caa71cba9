package respond

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

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
	r, err := h.round(ctx)
	if err != nil {
		return sequences(changes), err
	}
	var resources []string
	for i := range changes {
		if resource, ok := worthLooking(&changes[i]); ok && !slices.Contains(resources, resource) {
			resources = append(resources, resource)
		}
	}
	undone := r.respond(ctx, resources)
	for i := range changes {
		if e := changes[i].NewEntry; e != nil && undone[e.Resource] {
			failed = append(failed, changes[i].Sequence)
		}
	}
	return failed, nil
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

// respond does what there is to do about resources. undone are those about which
// not all could be done.
func (r *round) respond(ctx context.Context, resources []string) (undone map[string]bool) {
	undone = map[string]bool{}
	var matters []*matter
	for _, resource := range resources {
		err := contain(func() error {
			m, err := r.matter(ctx, resource)
			if m != nil {
				matters = append(matters, m)
			}
			return err
		})
		r.note(ctx, undone, resource, err)
	}
	// Owners first: what is inherited from them stands in their alert.
	slices.SortStableFunc(matters, func(a, b *matter) int {
		return len(a.entry.Verdict.Notice.Owner) - len(b.entry.Verdict.Notice.Owner)
	})
	var tells []*tell
	told := map[string]bool{} // owners that are told of in this batch
	for _, m := range matters {
		err := contain(func() error {
			t, err := r.plan(ctx, m, told)
			if t != nil {
				tells = append(tells, t)
				told[m.entry.Resource] = t.kind == alertType
			}
			return err
		})
		r.note(ctx, undone, m.entry.Resource, err)
	}
	r.tell(ctx, tells, undone)
	// What was announced is due, and tried again by the tick: it need not come again.
	r.stops(ctx, matters, undone)
	return undone
}

// stops makes the stops that are due, and tells what became of them; not of what
// is undone already. late are those about which not all could be done.
func (r *round) stops(ctx context.Context, matters []*matter, undone map[string]bool) (late map[string]bool) {
	late = map[string]bool{}
	var tells []*tell
	for _, m := range matters {
		if undone[m.entry.Resource] {
			continue
		}
		err := contain(func() error {
			t, err := r.advance(ctx, m)
			if t != nil {
				tells = append(tells, t)
			}
			return err
		})
		r.note(ctx, late, m.entry.Resource, err)
	}
	r.tell(ctx, tells, late)
	return late
}

func (h *Handler) note(ctx context.Context, undone map[string]bool, resource string, err error) {
	if err == nil {
		return
	}
	undone[resource] = true
	h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("resource", resource), slog.String("outcome", "to be tried again"), telemetry.Error(err))
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
