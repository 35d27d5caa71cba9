// Package resolve finds the configuration that was in force when a record was
// made: the record's own, on top of what earlier records told of the same
// resource, and that of the resources it refers to.
//
// References resolve by partition, account, Region, kind and name, to the
// creation that precedes the referring record and was not deleted before it.
// CloudTrail's times have a resolution of a second: where the order of records
// within one second could change the answer, the answer is unknown.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Index holds everything that the records of one run tell, whatever their
// order. It is for use by one goroutine.
type Index struct {
	all       []*kind.Observation
	resources map[name]*history // nil until the first question after an Add
	aliases   map[name]string
	twice     map[name]bool // what several resources of a document are called
}

// name is what a reference resolves by. Account and Region are empty for
// requests and files that do not tell theirs; those resolve among themselves.
type name struct {
	scope kind.Scope
	kind  kind.Kind
	key   string
}

// New returns an empty index.
func New() *Index { return &Index{} }

// Add takes in an observation that was not refused. Events of SageMaker's own, and
// stops, tell a status, not a history, and are not kept.
func (ix *Index) Add(o *kind.Observation) {
	for _, v := range o.Variants {
		ix.Add(v.Observation)
	}
	if len(o.Variants) > 0 {
		return
	}
	if o.Key == "" || o.Halts || o.Refused != "" || o.Source.Type == kind.ShapeNative || o.Source.Type == kind.ShapePipeline {
		return
	}
	if o.Call != nil && o.Call.Effect == kind.Runs {
		return
	}
	ix.all = append(ix.all, o)
	ix.resources = nil
}

// build files the observations by name. A cluster's ARN holds an id in place of
// its name, and calls may name it by the ARN, so ids lead to names.
func (ix *Index) build() {
	ix.resources, ix.aliases = map[name]*history{}, map[name]string{}
	ix.twice = map[name]bool{}
	for _, o := range ix.all {
		if arn, ok := kind.ParseARN(o.ARN); ok && arn.ID != o.Key && o.Row.Resource == "" {
			ix.aliases[name{scopeOf(o), o.Row.Kind, arn.ID}] = o.Key
		}
		if o.Document != "" {
			ix.alias(o)
		}
	}
	entries := map[name][]*kind.Observation{}
	for _, o := range ix.all {
		n := ix.canonical(nameOf(o))
		entries[n] = append(entries[n], o)
	}
	for n, all := range entries {
		ix.resources[n] = newHistory(all)
	}
}

func (ix *Index) canonical(n name) name {
	if key, ok := ix.aliases[n]; ok {
		n.key = key
	}
	return n
}

// history returns what was told of a name, or nil.
func (ix *Index) history(n name) *history {
	if len(ix.all) == 0 {
		return nil
	}
	if ix.resources == nil {
		ix.build()
	}
	return ix.resources[ix.canonical(n)]
}

// Key is the key of the resource that an observation tells of, by which everything
// else in the index tells of it too.
func (ix *Index) Key(o *kind.Observation) string {
	if ix.resources == nil {
		ix.build()
	}
	return ix.canonical(nameOf(o)).key
}

func scopeOf(o *kind.Observation) kind.Scope {
	return kind.Scope{Partition: o.Partition, Account: o.Account, Region: o.Region, Document: o.Document}
}

func nameOf(o *kind.Observation) name { return name{scopeOf(o), o.Row.Kind, o.Key} }

// Record returns the configuration that was in force right after an
// observation.
func (ix *Index) Record(o *kind.Observation) kind.Record {
	own := o.Record()
	h := ix.history(nameOf(o))
	if h == nil || o.Time.IsZero() {
		return own
	}
	if o.Source.Type == kind.ShapeDescribe {
		if before := h.until(second(o.Time)); before.live() {
			return o.Row.Described(before.rec, own)
		}
		return own
	}
	if o.Whole() {
		return own
	}
	base := h.under(o)
	if base.why != "" {
		own.Why = "not named in this call, and the resource " + base.why
	}
	if !base.live() {
		return own
	}
	return o.Row.After(base.rec, own, o)
}

// Parts judges nothing: it reads the configurations of a resource as they were
// right after an observation, with every reference resolved as of then.
func (ix *Index) Parts(o *kind.Observation) []kind.Part {
	if len(o.Variants) > 0 {
		return ix.variants(o.Variants)
	}
	if o.Definition != nil {
		return kind.Definition(o.Definition, ix.lookup)
	}
	return o.Row.Parts(ix.Record(o), ix.lookup)
}

// lookup resolves a reference.
func (ix *Index) lookup(ask kind.Ask) (kind.Record, string) {
	row, _ := kind.Of(ask.Kind)
	said := strings.TrimPrefix(ask.Key, kind.Sign(""))
	if ix.ambiguous(name{ask.Scope, ask.Kind, ask.Key}) {
		return kind.Record{}, fmt.Sprintf("several resources beside it are called %q", said)
	}
	h := ix.history(name{ask.Scope, ask.Kind, ask.Key})
	if h == nil {
		return kind.Record{}, fmt.Sprintf("the %s %q is not in the input", row.Words, said)
	}
	s := h.before(ask.At)
	if ask.Unsure && s.live() && h.ambiguous(ask.At) {
		s.why = "was created more than once, and the record does not tell which is meant"
	}
	switch {
	case s.why != "":
		return kind.Record{}, fmt.Sprintf("the %s %q %s", row.Words, said, s.why)
	case s.none:
		return kind.Record{}, fmt.Sprintf("the %s %q appears in the input only later", row.Words, said)
	}
	return s.rec, ""
}

// state is what is known of a name at some time.
type state struct {
	row  *kind.Row
	rec  kind.Record
	none bool   // nothing told of it yet
	why  string // why what was told does not say which configuration is in force
}

func (s state) live() bool { return !s.none && s.why == "" }

// history is what was told of one name, second by second.
type history struct {
	seconds []moment
	undated state // of what has no time
}

// moment is what happened within one second, and what was known after it.
type moment struct {
	at      time.Time
	entries []*kind.Observation
	after   state
}

// second is a time at CloudTrail's resolution.
func second(t time.Time) time.Time { return t.Truncate(time.Second) }

func newHistory(all []*kind.Observation) *history {
	slices.SortStableFunc(all, func(a, b *kind.Observation) int {
		return cmp.Or(second(a.Time).Compare(second(b.Time)), cmp.Compare(a.Source.ID, b.Source.ID), cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Offset, b.Source.Offset))
	})
	nothing := state{row: all[0].Row, none: true}
	h := &history{undated: nothing}
	s := nothing
	for len(all) > 0 {
		n := 1
		for n < len(all) && second(all[n].Time).Equal(second(all[0].Time)) {
			n++
		}
		if all[0].Time.IsZero() {
			h.undated = nothing.within(all[:n])
		} else {
			s = s.within(all[:n])
			h.seconds = append(h.seconds, moment{second(all[0].Time), all[:n], s})
		}
		all = all[n:]
	}
	return h
}

// find is the place of the first moment that is not before t.
func (h *history) find(t time.Time) int {
	i, _ := slices.BinarySearchFunc(h.seconds, t, func(m moment, t time.Time) int { return m.at.Compare(t) })
	return i
}

// of returns what happened in the second t.
func (h *history) of(t time.Time) []*kind.Observation {
	if i := h.find(t); i < len(h.seconds) && h.seconds[i].at.Equal(t) {
		return h.seconds[i].entries
	}
	return nil
}

// until is the state of everything before the second t. What has no time counts
// only where nothing that has one tells anything of the name: it may be of an
// earlier or of a later incarnation.
func (h *history) until(t time.Time) state {
	if len(h.seconds) == 0 {
		return h.undated
	}
	if i := h.find(t); i > 0 {
		return h.seconds[i-1].after
	}
	return state{row: h.undated.row, none: true}
}

// before is the state for a reference made at t: of everything up to t, as long
// as what happened in the very second of t makes no difference. A reference
// without a time sees everything.
func (h *history) before(t time.Time) state {
	if t.IsZero() && len(h.seconds) > 0 {
		return h.seconds[len(h.seconds)-1].after
	}
	t = second(t)
	older := h.until(t)
	// A deletion in the same second is not before the reference.
	now := slices.DeleteFunc(slices.Clone(h.of(t)), func(o *kind.Observation) bool { return o.Deletes })
	if len(now) == 0 {
		return older
	}
	newer := older.within(now)
	if older.live() && newer.why == "" && !older.same(newer) {
		newer.why = "changed in the same second as this record"
	}
	return newer
}

// under is the state that a change was made to: of everything before its second,
// and of a creation in the same second. Where other changes in that second would
// make a difference, it is not known.
func (h *history) under(o *kind.Observation) state {
	t := second(o.Time)
	s := h.until(t)
	var creations, others []*kind.Observation
	for _, e := range h.of(t) {
		switch {
		case e == o, e.Deletes:
		case e.Whole():
			creations = append(creations, e)
		default:
			others = append(others, e)
		}
	}
	if len(creations) > 0 {
		s = s.within(creations)
	}
	if !s.live() || len(others) == 0 {
		return s
	}
	with := s.within(others)
	gist := func(base state) string { return o.Row.Gist(o.Row.After(base.rec, o.Record(), o)) }
	if with.why != "" || gist(s) != gist(with) {
		s.why = "was changed twice in the same second, in an order that is not recorded"
	}
	return s
}

// ambiguous says whether the name meant different configurations up to t.
func (h *history) ambiguous(t time.Time) bool {
	var first *state
	for i := range h.seconds {
		m := &h.seconds[i]
		if !t.IsZero() && m.at.After(second(t)) {
			break
		}
		switch {
		case !m.after.live():
		case first == nil:
			first = &m.after
		case !first.same(m.after):
			return true
		}
	}
	return false
}

// within is the state after what happened within one second.
func (s state) within(entries []*kind.Observation) state {
	var wholes, changes []*kind.Observation
	deleted := false
	for _, e := range entries {
		switch {
		case e.Deletes:
			deleted = true
		case e.Whole():
			wholes = append(wholes, e)
		default:
			changes = append(changes, e)
		}
	}
	switch {
	case deleted && len(wholes) == 0:
		return state{row: s.row, why: "was deleted before"}
	case deleted && !s.live():
		return state{row: s.row, why: "was created and deleted in the same second, in an order that is not recorded"}
	}
	before := s
	for i, w := range wholes {
		next := state{row: s.row, rec: w.Record()}
		if w.Source.Type == kind.ShapeDescribe && before.live() && !deleted {
			next.rec = w.Row.Described(before.rec, next.rec)
		}
		if i > 0 && !s.same(next) {
			return state{row: s.row, why: "was created twice in the same second, in an order that is not recorded"}
		}
		s = next
	}
	forward := s.change(changes)
	if len(changes) > 1 {
		slices.Reverse(changes)
		if backward := s.change(changes); !forward.same(backward) {
			return state{row: s.row, why: "was changed twice in the same second, in an order that is not recorded"}
		}
	}
	return forward
}

func (s state) change(changes []*kind.Observation) state {
	for _, c := range changes {
		rec := c.Record()
		if s.live() {
			rec = c.Row.After(s.rec, rec, c)
		}
		s = state{row: s.row, rec: rec}
	}
	return s
}

// same says whether two states that are known tell the same.
func (s state) same(o state) bool { return s.row.Gist(s.rec) == s.row.Gist(o.rec) }
