package asif

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// history is what the records tell, ready to be played.
type history struct {
	o         *Options
	index     *resolve.Index
	resources []*Resource // those that were judged in the period, by the time of that
	worlds    []*world    // by account and Region
	end       time.Time   // of the period
}

// world is an account and Region: it has a ledger and a circuit breaker of its own.
type world struct {
	scope  kind.Scope
	events []event // by time
	runs   map[kind.Kind][]*Resource
	spans  map[kind.Kind]*lives
}

// event is what one record tells of one resource.
type event struct {
	at       time.Time
	resource *Resource
	record   *kind.Observation
	// verdicts are nil where it tells of none. In silence says that it is before the
	// period: what it tells is known, and nobody acts on it.
	verdicts  *[sides]verdict
	inSilence bool
	moment    *moment // nil where it tells nothing of the life
	created   bool
}

// verdict is what a rules file says of a record.
type verdict struct {
	ledger.Verdict
	results []rules.Result
	// owner is whose finding may speak for it; empty is nobody's.
	owner string
	// open says that a look may find what the record does not tell.
	open    bool
	expired []string
}

// name is what a resource is called within a world.
type name struct {
	scope kind.Scope
	kind  kind.Kind
	key   string
}

// reader reads a history.
type reader struct {
	history
	current map[name]*Resource
	of      map[kind.Scope]*world
}

// read files what the observations tell by resource, and judges it by both rules
// files at once.
func read(all []*kind.Observation, index *resolve.Index, o *Options) *history {
	r := &reader{history: history{o: o, index: index}, current: map[name]*Resource{}, of: map[kind.Scope]*world{}}
	for _, record := range all {
		if record.Refused != "" || len(o.Accounts) > 0 && !slices.Contains(o.Accounts, record.Account) {
			continue
		}
		if t := record.Time; t.After(r.end) && (o.Until.IsZero() || t.Before(o.Until)) {
			r.end = t
		}
		r.record(record)
	}
	slices.SortStableFunc(r.resources, func(a, b *Resource) int { return a.Judged.Compare(b.Judged) })
	return &r.history
}

// record takes in one observation.
func (r *reader) record(o *kind.Observation) {
	if o.Time.IsZero() || o.Key == "" {
		r.untimed(o)
		return
	}
	w := r.world(o)
	resource := r.resource(w, o)
	e := event{at: o.Time, resource: resource, record: o, created: creates(o)}
	if m, ok := momentOf(o); ok {
		resource.life = append(resource.life, m)
		e.moment = &m
	}
	late := !r.o.Until.IsZero() && !o.Time.Before(r.o.Until)
	if !late && judged(o, resource) {
		e.verdicts = r.judge(o)
		e.inSilence = o.Time.Before(r.o.Since)
		if !e.inSilence && resource.Judged.IsZero() {
			resource.Judged = o.Time
			r.resources = append(r.resources, resource)
		}
	}
	if creates(o) && o.Told() {
		resource.told = true
	}
	if !late {
		w.events = append(w.events, e)
	}
}

// untimed takes in what has no time or no name: it is judged, and is in nobody's
// history.
func (r *reader) untimed(o *kind.Observation) {
	if o.Halts || o.Deletes {
		return
	}
	resource := newResource(o)
	for side, v := range r.judge(o) {
		out := &resource.Outcomes[side]
		out.take(&v, o)
		out.Team, out.Mode = v.Notice.Team, r.o.Sides[side].File.ModeFor(rules.Observed(o, nil))
		if _, ok := o.Row.StopCall(); ok && out.Mode == rules.Stop && (v.Compliance == rules.Failed || v.open) {
			operation, _ := o.Row.StopCall()
			s := Stop{Operation: operation, State: NotTold, Why: "the record does not tell when it was made"}
			s.Rule, s.Severity = worst(v.results)
			out.Stops = []Stop{s}
		}
	}
	r.resources = append(r.resources, resource)
}

func (r *reader) world(o *kind.Observation) *world {
	scope := kind.Scope{Partition: o.Partition, Account: o.Account, Region: o.Region}
	w := r.of[scope]
	if w == nil {
		w = &world{scope: scope, runs: map[kind.Kind][]*Resource{}, spans: map[kind.Kind]*lives{}}
		r.of[scope] = w
		r.worlds = append(r.worlds, w)
	}
	return w
}

// resource is the one that an observation tells of: the last of the name, unless
// it was deleted or is created anew.
func (r *reader) resource(w *world, o *kind.Observation) *Resource {
	n := name{w.scope, o.Row.Kind, r.index.Key(o)}
	old := r.current[n]
	if old != nil && !anew(old, o) {
		if creates(o) && old.Created.IsZero() {
			old.Created, old.Origin = o.Time, origin(o)
		}
		old.ARN = cmp.Or(old.ARN, o.ARN)
		return old
	}
	if old != nil && creates(o) {
		old.life = append(old.life, moment{at: o.Time, life: kind.Removed, breaks: true, what: "another of its name was created at " + stamp(o.Time)})
	}
	resource := newResource(o)
	resource.Key = n.key
	r.current[n] = resource
	w.runs[o.Row.Kind] = append(w.runs[o.Row.Kind], resource)
	return resource
}

// anew says whether an observation tells of another resource than the one before it
// of the same name.
func anew(old *Resource, o *kind.Observation) bool {
	gone := false
	if m, _ := old.before(o.Time); m != nil && m.life == kind.Removed {
		gone = true
	}
	if creates(o) {
		first := old.Created
		if first.IsZero() && len(old.life) > 0 {
			first = old.life[0].at // an event may be a moment older than the record
		}
		return gone || !ledger.SameCreation(first, o.Time)
	}
	return gone && o.Native == nil && !o.Deletes
}

func newResource(o *kind.Observation) *Resource {
	r := &Resource{
		Row: o.Row, Key: o.Key, Name: o.Name, ARN: o.ARN,
		Partition: o.Partition, Account: o.Account, Region: o.Region,
	}
	if creates(o) {
		r.Created, r.Origin = o.Time, origin(o)
	}
	return r
}

func origin(o *kind.Observation) ledger.Origin {
	return ledger.Origin{At: o.Time, Event: o.Source.Event, EventID: o.Source.ID, Actor: o.Source.Actor, Principal: o.Principal}
}

// creates says whether an observation is of a call that creates.
func creates(o *kind.Observation) bool {
	return o.Call != nil && !o.Deletes && !o.Halts && o.Call.Effect == kind.Creates
}

// starts says whether an observation is of a call that has something run again.
func starts(o *kind.Observation) bool {
	return o.Call != nil && !o.Deletes && !o.Halts && o.Call.Effect == kind.Runs
}

// judged says whether a verdict follows from an observation. An event of
// SageMaker's own tells only a status, where the record of the creation told all.
func judged(o *kind.Observation, r *Resource) bool {
	return !o.Halts && !o.Deletes && (o.Native == nil || !r.told)
}

// momentOf is what an observation tells of the life of its resource.
func momentOf(o *kind.Observation) (m moment, ok bool) {
	m = moment{at: o.Time}
	by := ""
	if o.Source.Actor != "" {
		by = " by " + o.Source.Actor
	}
	switch {
	case o.Deletes:
		m.life, m.breaks, m.what = kind.Removed, true, o.Source.Event+" at "+stamp(o.Time)+by
	case o.Halts:
		m.life, m.what = kind.Halting, o.Source.Event+" at "+stamp(o.Time)+by
	case creates(o):
		m.life, m.begins = kind.Running, true
	case starts(o):
		m.life, m.begins, m.breaks = kind.Running, true, true
	case o.Native != nil || o.Source.Type == kind.ShapeDescribe:
		m.status = statusOf(o)
		if m.life = o.Row.Life(m.status); o.Row.Describe.Status == "" || m.life == kind.LifeUnknown {
			return m, false
		}
		m.what = "it was " + m.status + " at " + stamp(o.Time)
	default:
		return m, false
	}
	return m, true
}

// statusOf is the status that an event or a description tells.
func statusOf(o *kind.Observation) string {
	if o.Native != nil && o.Native.Status != "" {
		return o.Doc.Get(o.Native.Status).Str()
	}
	return o.Doc.Get(o.Row.Describe.Status).Str()
}

// judge judges an observation by both rules files. Exceptions are compared with
// the time of the record, for that is when the rules are taken to have been asked.
func (h *history) judge(o *kind.Observation) *[sides]verdict {
	s := h.subject(o)
	at := o.Time
	if at.IsZero() {
		at = h.o.Now
	}
	var out [sides]verdict
	for side := range out {
		out[side] = h.sideOf(side, o, s, at)
	}
	return &out
}

// subject is what the rules judge of an observation.
func (h *history) subject(o *kind.Observation) *rules.Subject {
	s := rules.Observed(o, h.index.Parts(o))
	s.Tags, s.TagsKnown = o.Row.Tags(h.index.Record(o))
	return s
}

// sideOf judges an observation by one rules file, as of a time.
func (h *history) sideOf(side int, o *kind.Observation, s *rules.Subject, at time.Time) verdict {
	file := h.o.Sides[side].File
	j := file.Judge(s, at)
	v := verdict{Verdict: ledger.Judged(&j), results: j.Results}
	v.At, v.Event, v.EventID = o.Time, o.Source.Event, o.Source.ID
	v.Notice.Team, v.Notice.Topic = file.Route(s, o.Pipeline())
	v.open = !v.Whole && !neverWhole(&j)
	if k, key, ok := o.Row.OwnedBy(h.index.Record(o).Doc); ok && !j.OwnFault(o.Row.Kind) {
		v.owner = string(k) + "/" + key
	}
	if v.Compliance == rules.Failed && len(file.Expired(at)) > 0 {
		v.expired = wouldExcept(file, s, at)
	}
	return v
}

// neverWhole says whether all that is missing for a judgement is what this version
// does not assess: then no look finds it.
func neverWhole(j *rules.Judgement) bool {
	known := *j
	known.Results = slices.DeleteFunc(slices.Clone(j.Results), func(r rules.Result) bool {
		return r.Result == rules.Warning && (r.Rule == rules.CentralEgress || r.Rule == rules.EndpointsReachable)
	})
	return known.Whole()
}

// wouldExcept are the ids of the exceptions that would apply, had they not expired.
func wouldExcept(file *rules.File, s *rules.Subject, at time.Time) (ids []string) {
	for _, r := range file.Judge(s, time.Time{}).Results {
		i := slices.IndexFunc(file.Exceptions, func(x rules.Exception) bool { return x.ID == r.Exception })
		if r.Result == rules.Excepted && i >= 0 && !at.Before(file.Exceptions[i].Expires) && !slices.Contains(ids, r.Exception) {
			ids = append(ids, r.Exception)
		}
	}
	return ids
}

// take takes a verdict into the outcome.
func (out *Outcome) take(v *verdict, o *kind.Observation) { //nolint:staticcheck // o is the observation
	for _, r := range v.results {
		if r.Result == rules.Excepted && !slices.Contains(out.Excepted, r.Exception) {
			out.Excepted = append(out.Excepted, r.Exception)
		}
	}
	for _, id := range v.expired {
		if !slices.Contains(out.Expired, id) {
			out.Expired = append(out.Expired, id)
		}
	}
	before := ledger.Alert{Class: out.Class, Compliance: out.Compliance, Severity: out.Severity}
	if out.record != nil {
		before.At = o.Time.Add(1) // any time that is not zero
	}
	if !v.Worse(before) {
		return
	}
	out.Compliance, out.Severity, out.Class = v.Compliance, v.Severity, v.Class
	out.Results, out.At, out.Team, out.record = v.results, o.Time, v.Notice.Team, o
}

// worst is the worst rule that fails, else the first that cannot be told.
func worst(results []rules.Result) (rules.ID, rules.Severity) {
	r, _ := (&finding.Finding{Judgement: rules.Judgement{Results: results}}).Worst()
	return r.Rule, r.Severity
}

// stamp is a time as people read it.
func stamp(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }
