package flow

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// errKilled says that the function was killed.
var errKilled = errors.New("killed")

// Killer kills the function that gets to one of the points at which it waits for
// something outside: before a call to AWS or the ledger has its effect, and after
// it. From there on nothing that it does has any effect, until it is started anew.
type Killer struct {
	// At are the points, counted from 1 over the whole run, at which to kill.
	At []int

	mu     sync.Mutex
	points int
	dead   bool
}

// Spare kills nobody any more, and says how many points were passed.
func (k *Killer) Spare() (points int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.At, k.dead = nil, false
	return k.points
}

// point is passed before and after each effect.
func (k *Killer) point() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return errKilled
	}
	k.points++
	if k.dead = slices.Contains(k.At, k.points); k.dead {
		return errKilled
	}
	return nil
}

// buried says whether the function was killed, and has it started anew.
func (k *Killer) buried() bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.dead
	k.dead = false
	return was
}

// client is an HTTP client of a function that can be killed; nil where none can.
func (k *Killer) client() aws.HTTPClient {
	if k == nil {
		return nil
	}
	return mortalClient{k}
}

type mortalClient struct{ k *Killer }

// Do implements [aws.HTTPClient].
func (c mortalClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.k.point(); err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r) // #nosec G704 -- the sandbox's address
	if err != nil {
		return nil, err
	}
	if err := c.k.point(); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// mortal is a ledger of functions that can be killed.
type mortal struct {
	Store
	k *Killer
}

// write has an effect between two points.
func (m mortal) write(do func() error) error {
	if err := m.k.point(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.k.point()
}

// read passes one point: what is read has no effect.
func read[T any](m mortal, do func() (T, error)) (T, error) {
	if err := m.k.point(); err != nil {
		var none T
		return none, err
	}
	return do()
}

// Entry implements [ledger.Store].
func (m mortal) Entry(ctx context.Context, resource string) (*ledger.Entry, error) {
	return read(m, func() (*ledger.Entry, error) { return m.Store.Entry(ctx, resource) })
}

// PutEntry implements [ledger.Store].
func (m mortal) PutEntry(ctx context.Context, e *ledger.Entry) error {
	return m.write(func() error { return m.Store.PutEntry(ctx, e) })
}

// Live implements [ledger.Store].
func (m mortal) Live(ctx context.Context, k kind.Kind, after string) (page []*ledger.Entry, next string, err error) {
	if err := m.k.point(); err != nil {
		return nil, "", err
	}
	return m.Store.Live(ctx, k, after)
}

// Response implements [ledger.Store].
func (m mortal) Response(ctx context.Context, resource string) (*ledger.Response, error) {
	return read(m, func() (*ledger.Response, error) { return m.Store.Response(ctx, resource) })
}

// PutResponse implements [ledger.Store].
func (m mortal) PutResponse(ctx context.Context, r *ledger.Response) error {
	return m.write(func() error { return m.Store.PutResponse(ctx, r) })
}

// Due implements [ledger.Store].
func (m mortal) Due(ctx context.Context, now time.Time) ([]*ledger.Response, error) {
	return read(m, func() ([]*ledger.Response, error) { return m.Store.Due(ctx, now) })
}

// Control implements [ledger.Store].
func (m mortal) Control(ctx context.Context, name string, into any) (int64, error) {
	return read(m, func() (int64, error) { return m.Store.Control(ctx, name, into) })
}

// PutControl implements [ledger.Store].
func (m mortal) PutControl(ctx context.Context, name string, version int64, value any) error {
	return m.write(func() error { return m.Store.PutControl(ctx, name, version, value) })
}
