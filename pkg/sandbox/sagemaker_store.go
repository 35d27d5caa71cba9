package sandbox

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// resource is one resource of SageMaker AI.
type resource struct {
	t         *traits
	key, name string
	arn       string
	doc       map[string]any // the request's members; never changed in place
	tags      []any
	status    string
	secondary string
	reason    string // why it failed
	created   int64  // milliseconds since 1970, as all times here
	modified  int64
	began     int64 // when its work began; 0: not yet
	ended     int64 // when its work ended; 0: not yet
	seq       uint64
	round     uint32 // counts what was begun with it: timers of earlier rounds have no effect
	seeded    bool
	parent    *resource
	family    *family // what it started
}

// family is what a resource started.
type family struct {
	children []*resource
	next     func() // goes on when they are done
	begun    int    // how many were begun
	most     int    // how many there are to begin
	steps    []*step
}

func compareByTime(a, b *resource) int {
	return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.seq, b.seq))
}

// shelf holds the resources of a kind.
type shelf struct {
	t        *traits
	items    map[string]*resource
	all      byTime
	byStatus map[string]*byTime
}

func newShelf(t *traits) *shelf {
	return &shelf{t: t, items: map[string]*resource{}, byStatus: map[string]*byTime{}}
}

func (s *shelf) add(r *resource) {
	s.items[r.key] = r
	s.all.add(r)
	s.of(r.status).add(r)
}

func (s *shelf) remove(r *resource) {
	delete(s.items, r.key)
	s.all.remove(r)
	s.of(r.status).remove(r)
}

// of is what has a status.
func (s *shelf) of(status string) *byTime {
	if s.byStatus[status] == nil {
		s.byStatus[status] = &byTime{}
	}
	return s.byStatus[status]
}

// move gives a resource another status.
func (s *shelf) move(r *resource, status string) {
	if r.status != status {
		s.of(r.status).remove(r)
		r.status = status
		s.of(status).add(r)
	}
}

// chunkSize bounds what a change of a byTime has to move.
const chunkSize = 1024

// byTime holds resources in the order of their creation, in chunks, so that
// changes stay cheap where there are many.
type byTime struct {
	chunks [][]*resource
	n      int
}

// chunk is the index of the chunk in which r is, or would be.
func (b *byTime) chunk(r *resource) int {
	i := sort.Search(len(b.chunks), func(i int) bool {
		c := b.chunks[i]
		return compareByTime(c[len(c)-1], r) >= 0
	})
	return min(i, max(len(b.chunks)-1, 0))
}

func (b *byTime) add(r *resource) {
	b.n++
	if len(b.chunks) == 0 {
		b.chunks = [][]*resource{{r}}
		return
	}
	i := b.chunk(r)
	at, _ := slices.BinarySearchFunc(b.chunks[i], r, compareByTime)
	c := slices.Insert(b.chunks[i], at, r)
	if b.chunks[i] = c; len(c) < chunkSize {
		return
	}
	if i == len(b.chunks)-1 && at == len(c)-1 {
		// What comes in order fills each chunk.
		b.chunks = append(b.chunks, []*resource{r})
		b.chunks[i] = c[:at:at]
		return
	}
	half := len(c) / 2
	b.chunks[i] = slices.Clone(c[:half])
	b.chunks = slices.Insert(b.chunks, i+1, slices.Clone(c[half:]))
}

func (b *byTime) remove(r *resource) {
	if len(b.chunks) == 0 {
		return
	}
	i := b.chunk(r)
	at, found := slices.BinarySearchFunc(b.chunks[i], r, compareByTime)
	if !found {
		return
	}
	b.n--
	if b.chunks[i] = slices.Delete(b.chunks[i], at, at+1); len(b.chunks[i]) == 0 {
		b.chunks = slices.Delete(b.chunks, i, i+1)
	}
}

// from goes through what was created at or after a point: after (created, seq)
// itself, which may name something that is gone.
func (b *byTime) from(created int64, seq uint64) iter.Seq[*resource] {
	return func(yield func(*resource) bool) {
		point := &resource{created: created, seq: seq}
		if len(b.chunks) == 0 {
			return
		}
		for i := b.chunk(point); i < len(b.chunks); i++ {
			at, _ := slices.BinarySearchFunc(b.chunks[i], point, compareByTime)
			for _, r := range b.chunks[i][at:] {
				if compareByTime(r, point) > 0 && !yield(r) {
					return
				}
			}
		}
	}
}

// downFrom goes backwards through what was created before a point.
func (b *byTime) downFrom(created int64, seq uint64) iter.Seq[*resource] {
	return func(yield func(*resource) bool) {
		point := &resource{created: created, seq: seq}
		if len(b.chunks) == 0 {
			return
		}
		for i := b.chunk(point); i >= 0; i-- {
			at, _ := slices.BinarySearchFunc(b.chunks[i], point, compareByTime)
			for j := at - 1; j >= 0; j-- {
				if !yield(b.chunks[i][j]) {
					return
				}
			}
		}
	}
}
