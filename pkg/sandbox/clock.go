package sandbox

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Clock is the time of a world. [Virtual] moves only when it is told to;
// [System] is the machine's.
type Clock interface {
	Now() time.Time
	// After calls f once d has passed. f must not block.
	After(d time.Duration, f func())
	// Sleep returns once d has passed, or with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time.
func (System) Now() time.Time { return time.Now() } //nolint:forbidigo // this is the machine's clock

// After starts a timer.
func (System) After(d time.Duration, f func()) { time.AfterFunc(d, f) }

// Sleep waits.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Virtual is a clock that moves only by [Virtual.Advance] and, as if nothing else
// happened meanwhile, by [Virtual.Sleep]: hours pass in no time, and always in
// the same order. It is for use by several goroutines.
type Virtual struct {
	mu     sync.Mutex
	now    time.Time
	timers timers
	n      int
}

// NewVirtual returns a clock that stands at start.
func NewVirtual(start time.Time) *Virtual { return &Virtual{now: start} }

// Now returns where the clock stands.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// After has f called by the Advance or Sleep that moves the clock past d from
// now. What is due at the same time is called in the order in which it was asked
// for.
func (v *Virtual) After(d time.Duration, f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.n++
	heap.Push(&v.timers, timer{v.now.Add(max(d, 0)), v.n, f})
}

// Advance moves the clock by d, and calls what comes due on the way, each at its
// own time.
func (v *Virtual) Advance(d time.Duration) {
	v.mu.Lock()
	end := v.now.Add(d)
	for len(v.timers) > 0 && !v.timers[0].at.After(end) {
		due, _ := heap.Pop(&v.timers).(timer)
		if due.at.After(v.now) {
			v.now = due.at
		}
		v.mu.Unlock()
		due.f()
		v.mu.Lock()
	}
	if end.After(v.now) {
		v.now = end
	}
	v.mu.Unlock()
}

// Next says when the next timer is due; ok is false where there is none.
func (v *Virtual) Next() (at time.Time, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.timers) == 0 {
		return time.Time{}, false
	}
	return v.timers[0].at, true
}

// Sleep moves the clock by d at once.
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.Advance(d)
	return nil
}

type timer struct {
	at time.Time
	n  int
	f  func()
}

// timers is a heap by time, then by order of asking.
type timers []timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].n < t[j].n
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) } //nolint:errcheck // only this file pushes
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}
