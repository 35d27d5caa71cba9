// Package evaluate judges one resource of a running account: from the record of
// an event where that tells all, else from what SageMaker says of it now. What it
// finds goes to the ledger.
//
// Evidence has a time: that of the call in a record, that of the answer to a
// Describe call by SageMaker's own clock. The ledger keeps the latest, so the
// order in which events come does not matter, nor how often.
package evaluate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// ErrNotYet says that the answer is not certain yet, and will be in a while: what
// was created cannot be seen yet, or two things happened within one second.
var ErrNotYet = errors.New("not certain yet")

// Ruleset is the rules file in force.
type Ruleset struct {
	File    *rules.File
	Version ledger.RulesVersion
	// Current says that it was certainly the newest a minute ago. Otherwise it is
	// the last that could be read, and nothing is to be stopped by it.
	Current bool
}

// Evaluator judges the resources of one account and Region. It is safe for
// concurrent use.
type Evaluator struct {
	Scope    kind.Scope
	Store    ledger.Store
	Resolver *live.Resolver
	Rules    func(context.Context) (Ruleset, error)
	Now      func() time.Time
	// Visible is how long what was created may take to be seen.
	Visible time.Duration
}

// Resource is the name of a resource in the ledger.
func Resource(k kind.Kind, key string) string { return string(k) + "/" + key }

// Split is the kind and key of a resource in the ledger. ok is false where there
// is no such kind.
func Split(resource string) (row *kind.Row, key string, ok bool) {
	k, key, found := strings.Cut(resource, "/")
	row, known := kind.Of(kind.Kind(k))
	return row, key, found && known && key != ""
}

// Record takes in what a record tells. age is how long ago it was sent.
// The entry is what the ledger holds now; nil where the record changes nothing.
func (e *Evaluator) Record(ctx context.Context, o *kind.Observation, age time.Duration) (*ledger.Entry, error) {
	switch {
	case o.Key == "":
		return nil, fmt.Errorf("%s names no %s", o.Source.Event, o.Row.Words)
	case o.Deletes:
		return e.deleted(ctx, o, age)
	case o.Native != nil:
		return e.native(ctx, o, age)
	case o.Row.Fresh || !creates(o) || !o.Told():
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	if late, err := e.unattributed(ctx, o); err != nil || late {
		if err != nil {
			return nil, err
		}
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	in, err := e.fromRecord(ctx, o, age)
	if err != nil {
		return nil, err
	}
	if !in.Verdict.Whole {
		// SageMaker may tell what the record does not.
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	entry, err := e.settle(ctx, o.Row, o.Key, in, age, false)
	if errors.Is(err, errBlind) {
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	return entry, err
}

// deleted takes in that a resource was deleted. A call may name a cluster by its
// id: SageMaker is asked for its name.
func (e *Evaluator) deleted(ctx context.Context, o *kind.Observation, age time.Duration) (*ledger.Entry, error) {
	if o.Row.Resource == "" {
		old, err := e.Store.Entry(ctx, Resource(o.Row.Kind, o.Key))
		if err != nil {
			return nil, err
		}
		if old == nil {
			return e.look(ctx, o.Row, o.Key, o, max(age, e.Visible))
		}
	}
	return e.settle(ctx, o.Row, o.Key, e.blank(o.Row, o.Key, func(in *ledger.Entry) {
		in.Life = ledger.Life{At: o.Time, State: ledger.Gone}
	}), age, false)
}

// unattributed says whether a resource was judged by a look before anybody told
// who made it, where the rules want to know that.
func (e *Evaluator) unattributed(ctx context.Context, o *kind.Observation) (bool, error) {
	set, err := e.Rules(ctx)
	if err != nil || !usesRoles(set.File) {
		return false, err
	}
	old, err := e.Store.Entry(ctx, Resource(o.Row.Kind, o.Key))
	return old != nil && old.Verdict.Described && old.Origin.At.IsZero(), err
}

// usesRoles says whether who made a resource makes a difference.
func usesRoles(f *rules.File) bool {
	return slices.ContainsFunc(f.Exceptions, func(x rules.Exception) bool { return len(x.Match.Roles) > 0 }) ||
		slices.ContainsFunc(f.Overrides, func(o rules.Override) bool { return len(o.Match.Roles) > 0 }) ||
		slices.ContainsFunc(f.Response.Routes, func(r rules.Route) bool { return len(r.Match.Roles) > 0 })
}

// creates says whether an observation is the record of a creation.
func creates(o *kind.Observation) bool {
	return o != nil && o.Call != nil && !o.Deletes && o.Call.Effect == kind.Creates
}

// changes says whether an observation is the record of a change.
func changes(o *kind.Observation) bool {
	return o != nil && o.Call != nil && !o.Deletes && (o.Call.Effect == kind.Replaces || o.Call.Effect == kind.Changes)
}

// createdBy is when the resource was created that an observation tells of; zero
// where it does not tell.
func createdBy(o *kind.Observation) time.Time {
	switch {
	case creates(o):
		return o.Time
	case o != nil && o.Native != nil:
		// https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
		return milliseconds(o.Doc.Get("CreationTime"))
	}
	return time.Time{}
}

// milliseconds reads a time as SageMaker's own events write it: milliseconds since
// 1970. What is anything else is not told.
func milliseconds(v jsondoc.Value) time.Time {
	lit, _ := v.Literal()
	n, err := strconv.ParseInt(lit, 10, 64)
	if err != nil || n < 1e11 || n > 1e14 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// anew says whether an observation tells of a later resource of the name.
func anew(old *ledger.Entry, o *kind.Observation) bool {
	created := createdBy(o)
	return old != nil && created.After(old.Created) && !ledger.SameCreation(created, old.Created)
}

// Look judges a resource by what SageMaker says of it now. The entry is nil where
// there is no such resource, and never was.
func (e *Evaluator) Look(ctx context.Context, row *kind.Row, key string) (*ledger.Entry, error) {
	return e.look(ctx, row, key, nil, e.Visible)
}

// blank is evidence that tells nothing yet.
func (e *Evaluator) blank(row *kind.Row, key string, fill func(*ledger.Entry)) ledger.Entry {
	in := ledger.Entry{
		Resource: Resource(row.Kind, key), Kind: row.Kind, Key: key, Name: key[strings.LastIndexByte(key, '/')+1:],
		ARN:       row.Build(e.Scope.Partition, e.Scope.Region, e.Scope.Account, key),
		Partition: e.Scope.Partition, Account: e.Scope.Account, Region: e.Scope.Region,
	}
	fill(&in)
	return in
}

// native takes in an event of SageMaker's own. Where the verdict is known
// already, and cannot have changed, only the status is new.
func (e *Evaluator) native(ctx context.Context, o *kind.Observation, age time.Duration) (*ledger.Entry, error) {
	old, err := e.Store.Entry(ctx, Resource(o.Row.Kind, o.Key))
	if err != nil {
		return nil, err
	}
	set, err := e.Rules(ctx)
	if err != nil {
		return nil, err
	}
	status := statusOf(o)
	life := o.Row.Life(status)
	known := old != nil && !anew(old, o) && old.Life.State != ledger.Gone && old.Verdict.Whole && old.Verdict.Rules.Same(set.Version) && !o.Row.Fresh
	if !known || life == kind.LifeUnknown || life == kind.Removed {
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	return e.settle(ctx, o.Row, o.Key, e.blank(o.Row, o.Key, func(in *ledger.Entry) {
		in.Life = ledger.Life{At: o.Time, State: state(life), Status: status}
	}), age, false)
}

// statusOf is the status that an event of SageMaker's own tells.
func statusOf(o *kind.Observation) string {
	if o.Native.Status != "" {
		return o.Doc.Get(o.Native.Status).Str()
	}
	return o.Doc.Get(o.Row.Describe.Status).Str()
}

// state is where a resource is in its life, for the ledger.
func state(l kind.Life) ledger.State {
	switch l {
	case kind.Over:
		return ledger.Ended
	case kind.Removed:
		return ledger.Gone
	case kind.Running, kind.Halting, kind.Halted:
		return ledger.Live
	case kind.LifeUnknown:
	}
	return ledger.Live // it is there; what it does is not known
}

// fromRecord is the evidence of a record of a creation.
func (e *Evaluator) fromRecord(ctx context.Context, o *kind.Observation, age time.Duration) (ledger.Entry, error) {
	own := *o
	own.Partition, own.Account, own.Region = e.Scope.Partition, e.Scope.Account, e.Scope.Region
	in := e.blank(o.Row, o.Key, func(in *ledger.Entry) {
		in.Created = o.Time
		in.ARN = spelled(in.ARN, o.ARN)
		in.Origin = originOf(o)
		in.Life = ledger.Life{At: o.Time, State: ledger.Live}
		in.Carry = carryOf(o)
	})
	rec := own.Record()
	tags, known := o.Row.Tags(rec)
	err := e.judge(ctx, &in, subject{
		observation: &own, record: rec, tags: tags, tagsKnown: known, at: o.Time, principal: o.Principal,
	}, age)
	return in, err
}

// spelled is the ARN as AWS spells it: names of notebook instances, endpoints and
// apps are in small letters there. What is said to be the ARN is believed only as
// far as that, but where the name does not tell it.
func spelled(built, said string) string {
	if built == "" || strings.EqualFold(built, said) {
		return said
	}
	return built
}

func originOf(o *kind.Observation) ledger.Origin {
	if !creates(o) {
		return ledger.Origin{}
	}
	return ledger.Origin{
		At: o.Time, Event: o.Source.Event, EventID: o.Source.ID,
		Actor: finding.Clip(finding.Plain(o.Source.Actor), 512), Principal: finding.Clip(finding.Plain(o.Principal), 512),
	}
}

// carryOf is what has to be kept of a call, for no Describe response returns it.
func carryOf(o *kind.Observation) ledger.Carry {
	if o == nil || o.Call == nil || o.Deletes {
		return ledger.Carry{}
	}
	members, ok := o.Row.Carry(o.Doc)
	if !ok {
		return ledger.Carry{}
	}
	doc, err := json.Marshal(members)
	if err != nil {
		return ledger.Carry{}
	}
	return ledger.Carry{At: o.Time, Doc: doc}
}

// look judges a resource by a fresh Describe call. o is the record that led to
// it, or nil.
func (e *Evaluator) look(ctx context.Context, row *kind.Row, key string, o *kind.Observation, age time.Duration) (*ledger.Entry, error) {
	old, err := e.Store.Entry(ctx, Resource(row.Kind, key))
	if err != nil {
		return nil, err
	}
	asked := e.now()
	var in ledger.Entry
	d, err := e.Resolver.Describe(ctx, row, key)
	if err == nil && d.Status == mixed {
		err = fmt.Errorf("it is in service with two configurations at once: %w", live.ErrUnreadable)
	}
	if err == nil {
		in, err = e.described(ctx, row, key, d, old, o, age, false)
	}
	switch {
	case errors.Is(err, live.ErrMissing) && age < e.Visible:
		return nil, fmt.Errorf("%s: %w: %w", Resource(row.Kind, key), ErrNotYet, err)
	case errors.Is(err, live.ErrMissing):
		return e.missing(ctx, row, key, old, o, asked, age)
	case errors.Is(err, live.ErrDenied), errors.Is(err, live.ErrUnreadable):
		return e.unseen(ctx, row, key, old, o, err, asked, age)
	case err != nil:
		return nil, err
	}
	entry, err := e.settle(ctx, row, in.Key, in, age, true)
	switch {
	case errors.Is(err, errBlind):
		return e.look(ctx, row, key, o, age)
	case err != nil:
		return entry, err
	case changes(o) && age < e.Visible && before(row, d, o):
		return entry, fmt.Errorf("%s: SageMaker does not show %s yet: %w", in.Resource, o.Source.Event, ErrNotYet)
	case e.young(&in) && !in.Verdict.Whole:
		set, err := e.Rules(ctx)
		if err != nil || set.File.UsesTags() {
			return entry, errors.Join(fmt.Errorf("%s: its tags may not all be told: %w", in.Resource, ErrNotYet), err)
		}
	}
	return entry, nil
}

// mixed is the status of an endpoint that has some of two configurations, of which
// only one is told.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
const mixed = "UpdateRollbackFailed"

// now is the time to the second, as records and SageMaker tell it: what is told of
// the same second has no order.
func (e *Evaluator) now() time.Time { return e.Now().UTC().Truncate(time.Second) }

// young says whether something was judged so soon after its creation that not all
// that was given to it may be told.
func (e *Evaluator) young(in *ledger.Entry) bool {
	return !in.Created.IsZero() && in.Verdict.At.Sub(in.Created) < e.Visible
}

// before says whether SageMaker tells what was before a change: an answer may be
// old, and so is the configuration while the change is being made. Where an event
// of SageMaker's own says that it was made, nobody has to wait for that.
func before(row *kind.Row, d *live.Described, change *kind.Observation) bool {
	if len(row.Natives) == 0 && strings.HasSuffix(strings.ToUpper(d.Status), "UPDATING") {
		return true
	}
	return !d.Modified.IsZero() && d.Modified.Before(change.Time.Add(-time.Second))
}

// Fresh is the evidence of a Describe call made now, beside what is known. Nothing
// is written: whoever responds may not write what is judged. So where another
// resource owns it, that one is not looked at, and there is no finding of its own.
// The error wraps [live.ErrMissing] where there is no such resource.
func (e *Evaluator) Fresh(ctx context.Context, old *ledger.Entry) (*ledger.Entry, error) {
	row, key, ok := Split(old.Resource)
	if !ok {
		return nil, fmt.Errorf("%q is no resource of the table", old.Resource)
	}
	d, err := e.Resolver.Describe(ctx, row, key)
	if err != nil {
		return nil, err
	}
	in, err := e.described(ctx, row, key, d, old, nil, e.Visible, true)
	if err != nil {
		return nil, err
	}
	return &in, nil
}

// described is the evidence of a Describe response. aside says that nothing is
// written, and no other resource is judged.
func (e *Evaluator) described(ctx context.Context, row *kind.Row, key string, d *live.Described, old *ledger.Entry, o *kind.Observation, age time.Duration, aside bool) (ledger.Entry, error) {
	at := e.answered(d)
	// A cluster may have been named by its id, and any name in small letters.
	if name, _ := row.KeyOf(d.Doc); name != "" && name != key && (row.Resource == "" || strings.EqualFold(name, key)) {
		key = name
		var err error
		if old, err = e.Store.Entry(ctx, Resource(row.Kind, key)); err != nil {
			return ledger.Entry{}, err
		}
	}
	in := e.blank(row, key, func(in *ledger.Entry) {
		in.ARN = spelled(in.ARN, d.ARN)
		in.Created = d.Created
		in.Life = ledger.Life{At: at, State: state(d.Life(row)), Status: d.Status}
		in.Origin = originOf(o)
		in.Carry = carryOf(o)
	})
	described := kind.Observation{
		Row: row, Key: key, Name: in.Name, ARN: in.ARN, Partition: in.Partition, Account: in.Account, Region: in.Region,
		Doc: d.Doc, Base: row.Describe.Under, Time: d.Created,
		Source: kind.Source{Type: kind.ShapeDescribe, Event: row.Describe.Name},
	}
	if !in.Created.IsZero() && !in.Origin.At.IsZero() && in.Created.Sub(in.Origin.At).Abs() > time.Minute {
		// The record is of an older resource of the name.
		in.Origin, in.Carry = ledger.Origin{}, ledger.Carry{}
	}
	if row.Kind == kind.Endpoint && old != nil && bytes.Equal(in.Carry.Doc, old.Carry.Doc) {
		// It may be rolled back, to what has the same name: the first time counts.
		in.Carry = ledger.Carry{}
	}
	// What is known of this resource already, together with what led here.
	with, _ := ledger.Merge(old, in)
	in.Origin = with.Origin
	described.Source.Actor, described.Source.ID = with.Origin.Actor, with.Origin.EventID
	rec := described.Record()
	rec.Unsure = false // see package live: creation times decide
	if with.Carry.Doc != nil {
		carried, err := jsondoc.Parse(with.Carry.Doc, nil)
		if err != nil {
			return ledger.Entry{}, fmt.Errorf("what was kept of %s: %w", in.Resource, err)
		}
		referred := with.Carry.At
		if referred.Before(d.Created) {
			referred = d.Created // by the call that made it, whose record tells seconds only
		}
		rec = row.Described(kind.Record{Doc: carried, Time: referred}, rec)
	}
	in.Verdict.Described = true
	s := subject{observation: &described, record: rec, described: d, at: at, principal: with.Origin.Principal, trigger: o, aside: aside}
	if creates(o) && o.Told() && ledger.SameCreation(o.Time, in.Created) {
		s.tags, s.tagsKnown = row.Tags(o.Record())
	}
	err := e.judge(ctx, &in, s, age)
	return in, err
}

// answered is when a response was given, by SageMaker's clock. It may be wrong, or
// not told: nothing is told after it is heard, or of what is not made yet.
func (e *Evaluator) answered(d *live.Described) time.Time {
	at, now := d.At, e.now()
	if at.IsZero() || at.After(now) {
		at = now
	}
	if made := d.Created.Truncate(time.Second); at.Before(made) {
		at = made
	}
	return at
}

// missing takes in that there is no such resource, however long one waits. What
// was made a moment ago might not be found yet, so that the answer tells only what
// was so before.
func (e *Evaluator) missing(ctx context.Context, row *kind.Row, key string, old *ledger.Entry, o *kind.Observation, asked time.Time, age time.Duration) (*ledger.Entry, error) {
	gone := ledger.Life{At: asked.Add(-e.Visible), State: ledger.Gone}
	var in ledger.Entry
	switch {
	case creates(o):
		// It came and went; its record is all there is.
		var err error
		if in, err = e.fromRecord(ctx, o, age); err != nil {
			return nil, err
		}
		if gone.At.Before(o.Time) {
			gone.At = o.Time
		}
	case old != nil:
		in = e.blank(row, key, func(*ledger.Entry) {})
		if old.Life.Open && old.Created.Before(gone.At) {
			gone.At = asked // its deletion was told, and it is no new one
		}
	default:
		return nil, nil
	}
	in.Life = gone
	entry, err := e.settle(ctx, row, key, in, age, true)
	if err == nil && entry.Life.State != ledger.Gone {
		return entry, fmt.Errorf("%s is not found, and was there a moment ago: %w", in.Resource, ErrNotYet)
	}
	return entry, err
}

// unseen takes in that a resource cannot be looked at. What failed before is not
// mended by that, and what passed is not known any more, unless it cannot have
// changed.
func (e *Evaluator) unseen(ctx context.Context, row *kind.Row, key string, old *ledger.Entry, o *kind.Observation, cause error, asked time.Time, age time.Duration) (*ledger.Entry, error) {
	set, err := e.Rules(ctx)
	if err != nil {
		return nil, err
	}
	if creates(o) && o.Told() {
		in, err := e.fromRecord(ctx, o, age)
		if err != nil {
			return nil, err
		}
		if in.Verdict.Compliance == rules.Failed {
			in.Verdict.Whole = false
			return e.settle(ctx, row, key, in, age, true)
		}
	}
	other := old == nil || old.Life.State == ledger.Gone || anew(old, o)
	lasting := !row.Fresh && !changes(o)
	in := e.blank(row, key, func(in *ledger.Entry) {
		in.Life = lifeUnseen(row, other, o, asked)
		in.Origin = originOf(o)
		in.Created = createdBy(o)
	})
	if !other && (old.Verdict.Compliance == rules.Failed || lasting && old.Verdict.Whole && old.Verdict.Rules.Same(set.Version)) {
		return e.settle(ctx, row, key, in, age, true)
	}
	described := kind.Observation{
		Row: row, Key: key, Name: in.Name, ARN: in.ARN, Partition: in.Partition, Account: in.Account, Region: in.Region,
		Source: kind.Source{Type: kind.ShapeDescribe, Event: row.Describe.Name},
	}
	rec := described.Record()
	rec.Absence, rec.Why = kind.AbsentIsUnknown, "could not be looked at: "+plain(cause)
	if err := e.judge(ctx, &in, subject{observation: &described, record: rec, at: asked, trigger: o}, age); err != nil {
		return nil, err
	}
	in.Verdict.Unseen = lasting && (other || old.Verdict.At.IsZero())
	return e.settle(ctx, row, key, in, age, true)
}

// lifeUnseen is where a resource is in its life that cannot be looked at: as an
// event says, and else as it was. Of another one than is known it is taken to run.
func lifeUnseen(row *kind.Row, other bool, o *kind.Observation, asked time.Time) ledger.Life {
	if o != nil && o.Native != nil {
		status := statusOf(o)
		if life := row.Life(status); life != kind.LifeUnknown {
			return ledger.Life{At: o.Time, State: state(life), Status: status}
		}
	}
	if o != nil && o.Deletes {
		return ledger.Life{At: o.Time, State: ledger.Gone}
	}
	if other {
		return ledger.Life{At: asked, State: ledger.Live}
	}
	return ledger.Life{}
}

// plain is an error in words that tell nothing but the operation and the code.
func plain(err error) string {
	if errors.Is(err, live.ErrUnreadable) {
		return live.ErrUnreadable.Error()
	}
	return finding.Clip(finding.Plain(err.Error()), 200)
}

// errBlind says that what was judged was judged without knowing who made it, while
// somebody else was told that.
var errBlind = errors.New("judged before it was known who made it")

// blind says whether a verdict that is about to stand, or does, was made by a look
// before anybody told who made the resource, where the rules want to know that.
func (e *Evaluator) blind(ctx context.Context, old, in, next *ledger.Entry) (bool, error) {
	if old == nil || next.Origin.At.IsZero() {
		return false, nil
	}
	looked := in.Verdict.Described && in.Origin.At.IsZero()
	told := !in.Verdict.Described && !in.Origin.At.IsZero() && old.Verdict.Described && old.Origin.At.IsZero()
	if !looked && !told {
		return false, nil
	}
	set, err := e.Rules(ctx)
	return err == nil && usesRoles(set.File), err
}

// attempts bounds how often an entry is merged anew because somebody else wrote it.
const attempts = 10

// settle merges evidence into the ledger. Where its order is not certain, the
// worse stands until a later look decides.
//
// looked says that the evidence is that of a look: another one within the same
// second would not tell more.
func (e *Evaluator) settle(ctx context.Context, row *kind.Row, key string, in ledger.Entry, age time.Duration, looked bool) (*ledger.Entry, error) {
	in.Resource, in.Key = Resource(row.Kind, key), key
	for range attempts {
		old, err := e.Store.Entry(ctx, in.Resource)
		if err != nil {
			return nil, err
		}
		next, unsettled := ledger.Merge(old, in)
		if blind, err := e.blind(ctx, old, &in, &next); blind || err != nil {
			return nil, cmp.Or(err, errBlind)
		}
		if old != nil && same(old, &next) {
			if unsettled {
				return e.again(ctx, row, old, age, looked)
			}
			return old, nil
		}
		switch err := e.Store.PutEntry(ctx, &next); {
		case errors.Is(err, ledger.ErrConflict):
			continue
		case err != nil:
			return nil, err
		}
		if unsettled {
			return e.again(ctx, row, &next, age, looked)
		}
		return &next, nil
	}
	return nil, fmt.Errorf("%s: %w", in.Resource, ledger.ErrConflict)
}

// again looks once more where a record left the order open. Looking tells the
// present, which is later than any record; only a look within the same second
// does not settle it.
func (e *Evaluator) again(ctx context.Context, row *kind.Row, now *ledger.Entry, age time.Duration, looked bool) (*ledger.Entry, error) {
	if looked {
		return now, fmt.Errorf("%s: two things in one second: %w", now.Resource, ErrNotYet)
	}
	return e.look(ctx, row, now.Key, nil, max(age, e.Visible))
}

// same says whether a merge changed nothing.
func same(a, b *ledger.Entry) bool {
	x, errX := ledger.Encode(a)
	y, errY := ledger.Encode(b)
	return errX == nil && errY == nil && slices.Equal(x, y)
}
