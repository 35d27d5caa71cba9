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
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Index holds everything that the records of one run tell, whatever their
// order. It is for use by one goroutine.
type Index struct {
	resources map[name]*history
}

// name is what a reference resolves by. Account and Region are empty for
// requests and files that do not tell theirs; those resolve among themselves.
type name struct {
	partition, account, region string
	kind                       kind.Kind
	key                        string
}

// history is what was told of one name, in the order of time.
type history struct {
	entries []*kind.Observation // whole, changing and deleting ones; sorted when read
	sorted  bool
}

// New returns an empty index.
func New() *Index { return &Index{resources: map[name]*history{}} }

// Add takes in an observation that was not refused. Events of SageMaker's own
// tell a status, not a history, and are not kept.
func (ix *Index) Add(o *kind.Observation) {
	if o.Key == "" || o.Refused != "" || o.Source.Type == kind.ShapeNative || o.Source.Type == kind.ShapePipeline {
		return
	}
	if o.Call != nil && o.Call.Effect == kind.Runs {
		return
	}
	n := nameOf(o)
	h := ix.resources[n]
	if h == nil {
		h = &history{}
		ix.resources[n] = h
	}
	h.entries = append(h.entries, o)
	h.sorted = false
}

func nameOf(o *kind.Observation) name {
	return name{o.Partition, o.Account, o.Region, o.Row.Kind, o.Key}
}

// Record returns the configuration that was in force right after an
// observation.
func (ix *Index) Record(o *kind.Observation) kind.Record {
	own := o.Record()
	if o.Whole() {
		return own
	}
	h := ix.resources[nameOf(o)]
	if h == nil || o.Time.IsZero() {
		return own
	}
	base := h.at(o.Time, o)
	if base.why != "" || base.none {
		return own
	}
	effect := kind.Changes
	if o.Call != nil {
		effect = o.Call.Effect
	}
	out := base.rec
	out.Doc = o.Row.Overlay(base.rec.Doc, own.Doc, effect)
	out.Base, out.Lower, out.Call, out.Look = own.Base, own.Lower, own.Call, own.Look
	return out
}

// Parts judges nothing: it reads the configurations of a resource as they were
// right after an observation, with every reference resolved as of then.
func (ix *Index) Parts(o *kind.Observation) []kind.Part {
	if o.Definition != nil {
		return kind.Definition(o.Definition, ix.lookup(o))
	}
	return o.Row.Parts(ix.Record(o), ix.lookup(o))
}

// lookup resolves the references of an observation.
func (ix *Index) lookup(o *kind.Observation) kind.Lookup {
	return func(k kind.Kind, key string) (kind.Record, string) {
		row, _ := kind.Of(k)
		h := ix.resources[name{o.Partition, o.Account, o.Region, k, key}]
		if h == nil {
			return kind.Record{}, fmt.Sprintf("the %s %q is not in the input", row.Words, key)
		}
		s := h.before(o.Time)
		if s.none || s.why != "" {
			why := s.why
			if why == "" {
				why = "appears in the input only later"
			}
			return kind.Record{}, fmt.Sprintf("the %s %q %s", row.Words, key, why)
		}
		return s.rec, ""
	}
}

// state is what is known of a name at some time.
type state struct {
	rec  kind.Record
	none bool   // nothing told of it yet
	why  string // why what was told does not say which configuration is in force
}

func (h *history) sort() {
	if h.sorted {
		return
	}
	slices.SortStableFunc(h.entries, func(a, b *kind.Observation) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Source.ID, b.Source.ID), cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Offset, b.Source.Offset))
	})
	h.sorted = true
}

// before is the state for a reference made at t: of everything up to t, as long
// as what happened in the very second of t makes no difference. A reference
// without a time sees everything.
func (h *history) before(t time.Time) state {
	h.sort()
	if t.IsZero() {
		return h.dated(h.entries)
	}
	// A deletion in the same second is not before the reference.
	earlier, upTo := []*kind.Observation{}, []*kind.Observation{}
	for _, e := range h.entries {
		if e.Time.Before(t) {
			earlier = append(earlier, e)
		}
		if !e.Time.After(t) && (!e.Deletes || e.Time.Before(t)) {
			upTo = append(upTo, e)
		}
	}
	older, newer := h.dated(earlier), h.dated(upTo)
	if older.none || older.why != "" {
		return newer
	}
	if newer.why == "" && !same(older.rec, newer.rec) {
		newer.why = "changed in the same second as this record"
	}
	return newer
}

// at is the state under an observation at t: of everything before t, and of a
// creation in the same second.
func (h *history) at(t time.Time, self *kind.Observation) state {
	h.sort()
	var entries []*kind.Observation
	for _, e := range h.entries {
		if e != self && (e.Time.Before(t) || e.Time.Equal(t) && e.Whole() && !e.Deletes) {
			entries = append(entries, e)
		}
	}
	return h.dated(entries)
}

// dated folds the entries that have a time; what has none counts only where
// nothing else tells.
func (h *history) dated(entries []*kind.Observation) state {
	first := slices.IndexFunc(entries, func(e *kind.Observation) bool { return !e.Time.IsZero() })
	if first < 0 {
		first = len(entries)
	}
	if s := fold(entries[first:]); !s.none {
		return s
	}
	return fold(entries[:first])
}

// fold applies sorted entries one second after the other.
func fold(entries []*kind.Observation) state {
	s := state{none: true}
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Time.Equal(entries[0].Time) {
			n++
		}
		s = s.second(entries[:n])
		entries = entries[n:]
	}
	return s
}

// second applies what happened within one second.
func (s state) second(entries []*kind.Observation) state {
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
	live := !s.none && s.why == ""
	switch {
	case deleted && len(wholes) == 0:
		return state{why: "was deleted before"}
	case deleted && !live:
		return state{why: "was created and deleted in the same second, in an order that is not recorded"}
	}
	for i, w := range wholes {
		rec := w.Record()
		if i > 0 && !same(s.rec, rec) {
			return state{why: "was created twice in the same second, in an order that is not recorded"}
		}
		s = state{rec: rec}
	}
	forward := s.change(changes)
	if len(changes) > 1 {
		slices.Reverse(changes)
		if backward := s.change(changes); !same(forward.rec, backward.rec) {
			return state{why: "was changed twice in the same second, in an order that is not recorded"}
		}
	}
	return forward
}

func (s state) change(changes []*kind.Observation) state {
	for _, c := range changes {
		rec := c.Record()
		if !s.none && s.why == "" {
			doc := c.Row.Overlay(s.rec.Doc, rec.Doc, c.Call.Effect)
			rec.Absence, rec.Why, rec.Lacks = s.rec.Absence, s.rec.Why, s.rec.Lacks
			rec.Doc = doc
		}
		s = state{rec: rec}
	}
	return s
}

// same says whether two records tell the same.
func same(a, b kind.Record) bool {
	return a.Absence == b.Absence && jsondoc.Equal(a.Doc, b.Doc)
}
