package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Memory is a ledger in memory, for the demo and for tests. What it hands out
// and takes in is copied, by way of JSON as a database would.
type Memory struct {
	mu       sync.Mutex
	now      func() time.Time
	entries  map[string]*Entry
	replies  map[string]*Response
	controls map[string]control
	stream   []Change
	n        int
}

type control struct {
	version int64
	doc     []byte
}

// NewMemory returns an empty ledger.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, entries: map[string]*Entry{}, replies: map[string]*Response{}, controls: map[string]control{}}
}

// stored is a value as a database would give it back.
func stored[T any](v *T) (*T, error) {
	b, err := Encode(v)
	if err != nil {
		return nil, err
	}
	out := new(T)
	return out, json.Unmarshal(b, out)
}

// clone is a copy of what was stored.
func clone[T any](v *T) *T {
	if v == nil {
		return nil
	}
	out, err := stored(v)
	if err != nil {
		panic(err) // it was stored that way
	}
	return out
}

// After is the time of a write: now, and later than the one before.
func After(now, before time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if !now.After(before) {
		return before.Add(time.Millisecond)
	}
	return now
}

// Entry implements [Store].
func (m *Memory) Entry(ctx context.Context, resource string) (*Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clone(m.entries[resource]), ctx.Err()
}

// PutEntry implements [Store].
func (m *Memory) PutEntry(ctx context.Context, e *Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	old := m.entries[e.Resource]
	if old.version() != e.Version {
		return ErrConflict
	}
	if old != nil {
		at, ruled := e.Evidence()
		before, by := old.Evidence()
		if cmp.Or(at.Compare(before), ruled.Compare(by)) < 0 {
			return ErrOlder
		}
	}
	next := *e
	next.Version++
	next.Written = After(m.now(), e.Written)
	kept, err := stored(&next)
	if err != nil {
		return err
	}
	*e, m.entries[e.Resource] = next, kept
	m.change(Change{OldEntry: clone(old), NewEntry: clone(kept)})
	return nil
}

func (e *Entry) version() int64 {
	if e == nil {
		return 0
	}
	return e.Version
}

func (m *Memory) change(c Change) {
	m.n++
	c.Sequence, c.At = strconv.Itoa(m.n), m.now()
	m.stream = append(m.stream, c)
}

// atATime is how many entries or responses [Memory] returns at a time.
const atATime = 100

// Live implements [Store].
func (m *Memory) Live(ctx context.Context, k kind.Kind, after string) (page []*Entry, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.Kind == k && e.Life.State == Live && e.Resource > after {
			page = append(page, e)
		}
	}
	slices.SortFunc(page, func(a, b *Entry) int { return cmp.Compare(a.Resource, b.Resource) })
	if len(page) > atATime {
		page = page[:atATime]
		next = page[atATime-1].Resource
	}
	for i, e := range page {
		page[i] = clone(e)
	}
	return page, next, ctx.Err()
}

// Response implements [Store].
func (m *Memory) Response(ctx context.Context, resource string) (*Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clone(m.replies[resource]), ctx.Err()
}

// PutResponse implements [Store].
func (m *Memory) PutResponse(ctx context.Context, r *Response) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	old := m.replies[r.Resource]
	version := int64(0)
	if old != nil {
		version = old.Version
	}
	if version != r.Version {
		return ErrConflict
	}
	r.Version++
	r.Written = After(m.now(), r.Written)
	m.replies[r.Resource] = clone(r)
	m.change(Change{OldResponse: clone(old), NewResponse: clone(r)})
	return nil
}

// Due implements [Store].
func (m *Memory) Due(ctx context.Context, now time.Time) ([]*Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []*Response
	for _, r := range m.replies {
		if !r.Due.IsZero() && !r.Due.After(now) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *Response) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Resource, b.Resource)) })
	due = due[:min(len(due), atATime)]
	for i, r := range due {
		due[i] = clone(r)
	}
	return due, ctx.Err()
}

// Control implements [Store].
func (m *Memory) Control(ctx context.Context, name string, into any) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.controls[name]
	if !ok {
		return 0, ctx.Err()
	}
	return c.version, cmp.Or(ctx.Err(), json.Unmarshal(c.doc, into))
}

// PutControl implements [Store].
func (m *Memory) PutControl(ctx context.Context, name string, version int64, value any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.controls[name].version != version {
		return ErrConflict
	}
	doc, err := Encode(value)
	if err != nil {
		return err
	}
	m.controls[name] = control{version + 1, doc}
	return nil
}

// Drain returns what was written since the last time, in the order of the
// writes: the stream.
func (m *Memory) Drain() []Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.stream
	m.stream = nil
	return out
}
