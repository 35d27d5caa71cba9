package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// ErrHubOff says that Security Hub takes no findings from this account in this
// Region: it is not enabled there, or the function may not import.
var ErrHubOff = errors.New("Security Hub takes no findings here: it is not enabled in this account and Region, or the function's role may not call securityhub:BatchImportFindings") //nolint:staticcheck // a name begins it

// errInvalid says that Security Hub refused a call for what is in it.
var errInvalid = errors.New("Security Hub finds the call invalid") //nolint:staticcheck // a name begins it

// The limits of a call. A finding's own is in [finding.Validate].
// https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html
const (
	maxFindings = 100
	maxBytes    = 6 * 1000 * 1000 // the page does not say which MB: the smaller
)

// How often something is tried before it is handed back to the stream, and how
// long to wait in between.
const (
	tries  = 5 // of a call
	rounds = 3 // of a finding that was refused
	pause  = 500 * time.Millisecond
)

// batches divides findings into calls, in their order. No two of a call have one
// id, by which Security Hub names what it refused: names that AWS writes in small
// letters may stand for one resource twice.
func batches(items []*item) (out [][]*item) {
	size := 0
	var ids map[string]bool
	for _, i := range items {
		last := len(out) - 1
		if last < 0 || len(out[last]) == maxFindings || size+len(i.body)+1 > maxBytes || ids[i.id] {
			out = append(out, nil)
			last++
			size, ids = len(`{"Findings":[]}`), map[string]bool{}
		}
		out[last] = append(out[last], i)
		ids[i.id] = true
		size += len(i.body) + 1
	}
	return out
}

// send imports findings. Where Security Hub takes none, or does not answer, it
// goes no further, and says so: Lambda delivers what comes after again in any case.
func (r *run) send(ctx context.Context, items []*item) (stop bool) {
	var err error
	for _, batch := range batches(items) {
		if err = r.batch(ctx, batch); err != nil {
			break
		}
	}
	left := 0
	for _, i := range items {
		if !i.done {
			left++
		}
	}
	if n := len(items) - left; n > 0 {
		r.o.Log.LogAttrs(ctx, slog.LevelInfo, "findings imported", slog.Int("count", n))
	}
	switch {
	case err == nil:
		return false
	case errors.Is(err, ErrHubOff):
		r.o.Metrics.Count(telemetry.HubOff, 1)
		r.o.Log.LogAttrs(ctx, slog.LevelError, "Security Hub is not enabled here, or the function may not import findings; they wait",
			slog.Int("count", left), telemetry.Error(err))
	default:
		r.o.Log.LogAttrs(ctx, slog.LevelError, "findings could not be imported; they come again",
			slog.Int("count", left), telemetry.Error(err))
	}
	r.fail(err)
	return true
}

// batch imports the findings of one call, and once more each that was refused. An
// error says that there is no use in going on.
func (r *run) batch(ctx context.Context, items []*item) error {
	refused, err := r.call(ctx, items)
	if errors.Is(err, errInvalid) {
		return r.halve(ctx, items, err)
	}
	if err != nil {
		return err
	}
	if refused, err = r.look(ctx, refused); err != nil {
		return err
	}
	for round := 1; round < rounds && len(refused) > 0; round++ {
		if err := r.wait(ctx, round); err != nil {
			return err
		}
		var still []refusal
		for _, one := range refused {
			again, err := r.call(ctx, []*item{one.item})
			if errors.Is(err, errInvalid) {
				r.poison(ctx, one.item, awsjson.Code(err), err.Error())
				continue
			}
			if err != nil {
				return err
			}
			still = append(still, again...)
		}
		if refused, err = r.look(ctx, still); err != nil {
			return err
		}
	}
	for _, one := range refused {
		if r.waited(one.group) > patience {
			// It would hold up all that comes after it until the stream forgets it.
			r.poison(ctx, one.item, one.code, one.message)
			continue
		}
		r.fail(fmt.Errorf("%s: Security Hub refused its finding: %s", one.group.resource, one.code))
		r.o.Log.LogAttrs(ctx, slog.LevelError, "Security Hub refused a finding; it comes again",
			slog.String("resource", one.group.resource), slog.String("outcome", one.code))
	}
	return nil
}

// patience is how long a finding is tried that Security Hub refuses for a reason
// that it does not explain.
const patience = time.Hour

// waited is how long ago the oldest change of a group came.
func (r *run) waited(g *group) (longest time.Duration) {
	for i := range g.changes {
		if at := g.changes[i].At; !at.IsZero() {
			longest = max(longest, r.o.Now().Sub(at))
		}
	}
	return longest
}

// look puts away what Security Hub finds invalid, and returns what it refused for
// another reason. The error is [ErrHubOff] where it takes none at all.
func (r *run) look(ctx context.Context, refused []refusal) (again []refusal, err error) {
	for _, one := range refused {
		switch one.code {
		case "InvalidInput":
			r.poison(ctx, one.item, one.code, one.message)
		case "InvalidAccess":
			err = fmt.Errorf("%w: InvalidAccess", ErrHubOff)
		default:
			again = append(again, one)
		}
	}
	return again, err
}

// halve finds which of the findings make Security Hub refuse a call as a whole.
func (r *run) halve(ctx context.Context, items []*item, cause error) error {
	if len(items) == 1 {
		r.poison(ctx, items[0], awsjson.Code(cause), cause.Error())
		return nil
	}
	half := len(items) / 2
	if err := r.batch(ctx, items[:half]); err != nil {
		return err
	}
	return r.batch(ctx, items[half:])
}

// refusal is a finding that Security Hub did not take.
type refusal struct {
	*item
	code, message string
}

// call imports findings in one call that is tried several times, and marks those
// that were taken as done.
func (r *run) call(ctx context.Context, items []*item) (refused []refusal, err error) {
	for try := range tries {
		if try > 0 {
			if err := r.wait(ctx, try); err != nil {
				return nil, err
			}
		}
		now := r.o.Now()
		if err := r.o.Sleep(ctx, r.limiter.ReserveN(now, 1).DelayFrom(now)); err != nil {
			return nil, err
		}
		refused, err = r.once(ctx, items)
		if err == nil || errors.Is(err, ErrHubOff) || errors.Is(err, errInvalid) || ctx.Err() != nil {
			break
		}
		r.o.Log.LogAttrs(ctx, slog.LevelWarn, "a call to Security Hub failed", slog.Int("count", len(items)), telemetry.Error(err))
	}
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		i.done = true
	}
	for _, one := range refused {
		one.done = false
	}
	r.o.Metrics.Count(telemetry.Imported, len(items)-len(refused))
	r.o.Metrics.Count(telemetry.ImportFailed, len(refused))
	return refused, nil
}

// wait lets a growing time pass before what failed is tried again, with some of
// it by chance, so that not all who wait come at once.
func (r *run) wait(ctx context.Context, try int) error {
	d := pause << (try - 1)
	return r.o.Sleep(ctx, d/2+rand.N(d/2+1)) //nolint:gosec // nobody gains by guessing it
}

// answer is what BatchImportFindings returns.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
type answer struct {
	FailedCount    int `json:"FailedCount"`
	SuccessCount   int `json:"SuccessCount"`
	FailedFindings []struct {
		ID           string `json:"Id"`
		ErrorCode    string `json:"ErrorCode"`
		ErrorMessage string `json:"ErrorMessage"`
	} `json:"FailedFindings"`
}

// once calls Security Hub.
func (r *run) once(ctx context.Context, items []*item) ([]refusal, error) {
	bodies := make([]json.RawMessage, len(items))
	by := make(map[string]*item, len(items))
	for n, i := range items {
		bodies[n], by[i.id] = i.body, i
	}
	response, err := r.o.Hub.Call(ctx, awsjson.SecurityHub(), "BatchImportFindings", map[string]any{"Findings": bodies})
	if err != nil {
		return nil, classify(err)
	}
	var got answer
	if err := json.Unmarshal(response.Body, &got); err != nil {
		return nil, &smithy.DeserializationError{Err: err}
	}
	var out []refusal
	for _, f := range got.FailedFindings {
		if i := by[f.ID]; i != nil {
			out = append(out, refusal{i, f.ErrorCode, f.ErrorMessage})
			delete(by, f.ID)
		}
	}
	// Whatever does not add up is sent again: a finding that Security Hub has
	// already is ignored.
	if len(out) != got.FailedCount || len(by) != got.SuccessCount {
		return nil, fmt.Errorf("of %d findings Security Hub says that %d succeeded and %d failed, and names %d of them",
			len(items), got.SuccessCount, got.FailedCount, len(out))
	}
	return out, nil
}

// classify tells an error after which nothing is to be tried again.
func classify(err error) error {
	switch code := awsjson.Code(err); {
	// The finding of a wrong account is denied like a call without permission: see
	// [Publisher.own].
	case awsjson.Denied(err), code == "InvalidAccessException":
		return fmt.Errorf("%w: %w", ErrHubOff, err)
	case code == "InvalidInputException", code == "ValidationException", code == "SerializationException":
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	return err
}
