package asif

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The times within which the functions do what is played here at once.
const (
	// prompt is what an event and a tick of respond take at most: what ended so soon
	// after the time of its stop may have been stopped, or not.
	prompt = 2 * time.Minute
	// tagged is prompt where the rules look at tags: not all may be shown for two
	// minutes, and what was not whole by then is looked at again a while later.
	tagged = 20 * time.Minute
	// again is when something is stopped at the latest that could not be before:
	// respond looks at it once an hour.
	again = time.Hour + prompt
	// review is when it is noticed at the latest that an exception expired
	// (docs/adr/0014-sweep.md).
	review = 5 * time.Hour
)

// player plays one rules file over one world.
type player struct {
	h       *history
	w       *world
	side    int
	file    *rules.File
	now     time.Time
	matters map[*Resource]*matter
	named   map[string]*matter // kind/key: the last of the name
	queue   queue
	worlds  breakers
	warned  []*matter                 // for the next digest
	prompt  time.Duration             // how much later than its time a stop may be made
	stopped map[kind.Kind][]*Resource // or may have been
}

// matter is a resource, and how far it came.
type matter struct {
	decide.Matter
	resource *Resource
	out      *Outcome
	last     *event // that had a verdict
	verdict  *verdict
	// pending is the stop that is due, nil where there is none. gone says that it was
	// stopped, or may have been: what is told of its life is of another world, until
	// it is started again.
	pending *attempt
	gone    bool
	listed  bool // for the next digest
	// blocked is the rail that forbids its stop, where that may be otherwise once
	// something else changed.
	blocked rails.Rail
	late    bool // its last verdict is of an exception that expired
}

// play plays a rules file over a world.
func play(h *history, w *world, side int) Breaker {
	p := &player{
		h: h, w: w, side: side, file: h.o.Sides[side].File,
		matters: map[*Resource]*matter{}, named: map[string]*matter{}, stopped: map[kind.Kind][]*Resource{},
	}
	p.prompt = prompt
	if p.file.UsesTags() {
		p.prompt = tagged
	}
	for _, x := range p.file.Exceptions {
		if x.Expires.After(h.o.Since) && !x.Expires.After(h.end) {
			p.at(x.Expires, &task{expired: x.ID})
		}
	}
	for next := 0; next < len(w.events) || p.queue.Len() > 0; {
		if next < len(w.events) && (p.queue.Len() == 0 || !w.events[next].at.After(p.queue.tasks[0].at)) {
			p.now = w.events[next].at
		} else {
			p.now = p.queue.tasks[0].at
		}
		var changed []*matter
		for ; next < len(w.events) && w.events[next].at.Equal(p.now); next++ {
			if m := p.take(&w.events[next]); m != nil && !slices.Contains(changed, m) {
				changed = append(changed, m)
			}
		}
		var due []*attempt
		for t := p.pop(); t != nil; t = p.pop() {
			switch {
			case t.attempt != nil:
				due = append(due, t.attempt)
			case t.expired != "":
				changed = append(changed, p.expire(t.expired)...)
			case t.digest:
				p.digest()
			default:
				changed = append(changed, t.again)
			}
		}
		p.respond(changed)
		for t := p.pop(); t != nil; t = p.pop() { // announced without a grace
			due = append(due, t.attempt)
		}
		for _, a := range due {
			p.stop(a)
		}
	}
	return p.worlds.told(w.scope)
}

// respond plans what follows for resources of which something changed: owners
// first, for what is inherited from them stands in their alert.
func (p *player) respond(changed []*matter) {
	slices.SortStableFunc(changed, func(a, b *matter) int {
		return cmp.Compare(len(a.Entry.Verdict.Notice.Owner), len(b.Entry.Verdict.Notice.Owner))
	})
	told := map[string]bool{}
	for _, m := range changed {
		p.plan(m, told)
	}
}

// matter is what is known of a resource, made where nothing is.
func (p *player) matter(r *Resource) *matter {
	m := p.matters[r]
	if m == nil {
		m = &matter{resource: r, out: &r.Outcomes[p.side]}
		m.Row = r.Row
		m.Entry = &ledger.Entry{
			Resource: string(r.Row.Kind) + "/" + r.Key, Kind: r.Row.Kind, Key: r.Key, Name: r.Name, ARN: r.ARN,
			Partition: r.Partition, Account: r.Account, Region: r.Region, Life: ledger.Life{State: ledger.Live},
		}
		m.Response = &ledger.Response{Resource: m.Entry.Resource}
		p.matters[r] = m
	}
	p.named[m.Entry.Resource] = m
	return m
}

// take takes in an event. It returns the matter where there is something to do
// about it.
func (p *player) take(e *event) *matter {
	m := p.matter(e.resource)
	if e.created {
		m.Entry.Created, m.Entry.Origin = e.resource.Created, e.resource.Origin
		m.Response.Created = m.Entry.Created
	}
	m.Entry.ARN = e.resource.ARN
	ran := m.Runs()
	if e.moment != nil {
		p.live(m, e.moment)
	}
	if e.verdicts == nil {
		if e.inSilence || m.verdict == nil || m.last.inSilence || ran || !m.Runs() {
			return nil
		}
		return m // it runs again
	}
	v := e.verdicts[p.side]
	m.last = e
	p.merge(m, &v)
	if e.inSilence {
		return nil
	}
	m.out.take(&v, e.record)
	return m
}

// live takes in what is told of the life of a resource. In a world in which it was
// stopped, only its start matters.
func (p *player) live(m *matter, told *moment) {
	if m.gone && !told.begins {
		return
	}
	m.gone = false
	life := ledger.Life{At: told.at, State: ledger.Live, Status: told.status}
	switch told.life {
	case kind.Over:
		life.State = ledger.Ended
	case kind.Removed:
		life.State = ledger.Gone
	case kind.Halting:
		life.Status = cmp.Or(told.status, "Stopping")
	case kind.Running:
		if told.begins && told.breaks {
			life.Status = "Pending" // it is started again
		}
	case kind.Halted, kind.LifeUnknown:
	}
	m.Entry.Life = life
}

// merge takes a verdict into the entry, as the ledger does.
func (p *player) merge(m *matter, v *verdict) {
	in := *m.Entry
	in.Verdict = v.Verdict
	m.Owner, m.OwnerResponse = nil, nil
	if owner := p.named[v.owner]; v.owner != "" && (owner == nil || owner.verdict != nil && owner.Entry.Covers(&in)) {
		in.Verdict.Notice.Owner = v.owner
	}
	next, _ := ledger.Merge(m.Entry, in)
	next.Written = p.now
	stands := next.Verdict.At.Equal(v.At) && next.Verdict.Compliance == v.Compliance && next.Verdict.Severity == v.Severity
	m.Entry = &next
	if stands || m.verdict == nil {
		m.verdict, m.late = v, false
	}
}

// plan says what follows from the verdict on a matter: see respond.
func (p *player) plan(m *matter, told map[string]bool) {
	if owner := p.named[m.Entry.Verdict.Notice.Owner]; owner != nil {
		m.Owner, m.OwnerResponse = owner.Entry, owner.Response
	}
	mode := decide.Mode(p.file, rules.Stop, m.Entry)
	m.out.Mode = mode
	switch m.Entry.Verdict.Compliance {
	case rules.Failed:
		how, worse := m.Alert(mode, told)
		if worse && mode != rules.Observe && m.OwnerFirst(told, p.now) {
			p.at(p.now.Add(time.Minute), &task{again: m})
			return
		}
		if worse && !m.unsure(p.now) {
			m.Response.Alert = decide.Alerted(m.Entry, how, p.now)
			m.out.Alerts = append(m.out.Alerts, Alert{At: p.now, How: how})
			told[m.Entry.Resource] = how == ledger.Sent
		}
		p.outlook(m, mode)
	case rules.Passed, rules.NotAvailable:
		p.recover(m)
	case rules.Warning, rules.Excepted:
		if m.Entry.Verdict.Worse(m.Response.Alert) {
			p.list(m)
		}
		p.outlook(m, mode)
	}
}

// unsure says whether it is not told that a job was still there when an exception
// for it expired: then nobody may have looked at it any more.
func (m *matter) unsure(at time.Time) bool {
	if !m.late || !m.Row.Ends {
		return false
	}
	runs, _ := m.resource.runs(at, review)
	return runs != posture.Yes
}

// recover says that the rules are met again.
func (p *player) recover(m *matter) {
	if m.pending != nil {
		if m.Response.Stop.State == ledger.Announced {
			p.end(m.pending, Withheld, "it meets the rules now")
		}
		m.pending = nil
	}
	if changed, heard := m.Recovers(); changed {
		m.Response.Alert = decide.Alerted(m.Entry, ledger.Sent, p.now)
		if heard {
			m.out.Alerts = append(m.out.Alerts, Alert{At: p.now, How: ledger.Sent, Recovered: true})
		}
	}
	if m.Response.Stop.State == ledger.Announced {
		m.Response.Stop.State = ledger.Withheld
	}
}

// list has a warning told by the next digest.
func (p *player) list(m *matter) {
	if m.listed || !p.file.Response.Digest {
		return
	}
	m.listed = true
	if len(p.warned) == 0 {
		p.at(decide.DigestDue(p.now).Add(24*time.Hour), &task{digest: true})
	}
	p.warned = append(p.warned, m)
}

// digest tells what could not be judged, once a day. What is not told to have
// ended is taken to be there.
func (p *player) digest() {
	for _, m := range p.warned {
		m.listed = false
		v := &m.Entry.Verdict
		if v.Compliance != rules.Warning || m.Entry.Life.State != ledger.Live || !v.Worse(m.Response.Alert) {
			continue
		}
		owner := rules.Mode("")
		if m.Owner != nil {
			owner = decide.Mode(p.file, rules.Stop, m.Owner)
		}
		how := m.Digest(decide.Mode(p.file, rules.Stop, m.Entry), owner)
		m.Response.Alert = decide.Alerted(m.Entry, how, p.now)
		m.out.Alerts = append(m.out.Alerts, Alert{At: p.now, How: how})
	}
	p.warned = nil
}

// expire judges anew what an exception was for, for it holds no longer.
func (p *player) expire(id string) (changed []*matter) {
	for _, m := range p.sorted() {
		if m.verdict == nil || m.last.inSilence || m.IsOver() || m.gone && m.Row.Ends {
			continue
		}
		v := p.h.sideOf(p.side, m.last.record, p.h.subject(m.last.record), p.now)
		if m.Entry.Verdict.Exception != id && !slices.Contains(v.expired, id) {
			if m.blocked == rails.Unexcepted && m.Response.Stop.State == ledger.Withheld {
				m.late = true // this may be the one that may apply
				changed = append(changed, m)
			}
			continue
		}
		if runs, _ := m.resource.runs(p.now, p.prompt); runs == posture.No && m.Row.Ends {
			continue
		}
		v.At = p.now
		p.merge(m, &v)
		m.late = true
		if !m.unsure(p.now) {
			m.out.take(&v, m.last.record)
		}
		changed = append(changed, m)
	}
	return changed
}

// sorted are the matters in an order that does not depend on chance.
func (p *player) sorted() []*matter {
	all := make([]*matter, 0, len(p.matters))
	for _, m := range p.matters {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *matter) int {
		return cmp.Or(a.resource.Judged.Compare(b.resource.Judged), cmp.Compare(a.Entry.Resource, b.Entry.Resource), a.resource.Created.Compare(b.resource.Created))
	})
	return all
}

// task is what is to be done at a time: one of its members.
type task struct {
	at      time.Time
	n       int // of the order in which they were asked for
	attempt *attempt
	again   *matter
	expired string
	digest  bool
}

func (p *player) at(at time.Time, t *task) {
	p.queue.n++
	t.at, t.n = at, p.queue.n
	heap.Push(&p.queue, t)
}

// pop is the next task that is due, nil where there is none.
func (p *player) pop() *task {
	if p.queue.Len() == 0 || p.queue.tasks[0].at.After(p.now) {
		return nil
	}
	t, _ := heap.Pop(&p.queue).(*task)
	return t
}

// queue is a heap by time, then by order of asking.
type queue struct {
	tasks []*task
	n     int
}

// Len implements [heap.Interface].
func (q *queue) Len() int { return len(q.tasks) }

// Less implements [heap.Interface].
func (q *queue) Less(i, j int) bool {
	a, b := q.tasks[i], q.tasks[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) < 0
}

// Swap implements [heap.Interface].
func (q *queue) Swap(i, j int) { q.tasks[i], q.tasks[j] = q.tasks[j], q.tasks[i] }

// Push implements [heap.Interface].
func (q *queue) Push(x any) { q.tasks = append(q.tasks, x.(*task)) } //nolint:errcheck // only this file pushes

// Pop implements [heap.Interface].
func (q *queue) Pop() any {
	last := q.tasks[len(q.tasks)-1]
	q.tasks = q.tasks[:len(q.tasks)-1]
	return last
}
