// Package evaluate judges one resource of a running account: from the record of
// an event where that tells all, else from what SageMaker says of it now. What it
// finds goes to the ledger.
//
// Evidence has a time: that of the call in a record, that of the answer to a
// Describe call by SageMaker's own clock. The ledger keeps the latest, so the
// order in which events come does not matter, nor how often.
package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
		return e.settle(ctx, o.Row, o.Key, e.blank(o.Row, o.Key, func(in *ledger.Entry) {
			in.Life = ledger.Life{At: o.Time, State: ledger.Gone}
		}), age)
	case o.Native != nil:
		return e.native(ctx, o, age)
	case o.Row.Fresh || o.Call == nil || o.Call.Effect != kind.Creates || !o.Told():
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
	return e.settle(ctx, o.Row, o.Key, in, age)
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
	status := o.Doc.Get(o.Row.Describe.Status).Str()
	if o.Native.Status != "" {
		status = o.Doc.Get(o.Native.Status).Str()
	}
	life := o.Row.Life(status)
	known := old != nil && old.Life.State != ledger.Gone && old.Verdict.Whole && old.Verdict.Rules.Same(set.Version) && !o.Row.Fresh
	if !known || life == kind.LifeUnknown || life == kind.Removed {
		return e.look(ctx, o.Row, o.Key, o, age)
	}
	return e.settle(ctx, o.Row, o.Key, e.blank(o.Row, o.Key, func(in *ledger.Entry) {
		in.Life = ledger.Life{At: o.Time, State: state(life), Status: status}
	}), age)
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
		observation: &own, record: rec, tags: tags, tagsKnown: known, at: o.Time, role: o.Role,
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
	if o == nil || o.Call == nil || o.Call.Effect != kind.Creates || o.Deletes {
		return ledger.Origin{}
	}
	return ledger.Origin{
		At: o.Time, Event: o.Source.Event, EventID: o.Source.ID,
		Actor: finding.Clip(finding.Plain(o.Source.Actor), 512), Role: finding.Clip(finding.Plain(o.Role), 512),
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
	in, err := e.described(ctx, row, key, old, o, age)
	switch {
	case errors.Is(err, live.ErrMissing) && age < e.Visible:
		return nil, fmt.Errorf("%s: %w: %w", Resource(row.Kind, key), ErrNotYet, err)
	case errors.Is(err, live.ErrMissing):
		return e.missing(ctx, row, key, old, o, age)
	case errors.Is(err, live.ErrDenied), errors.Is(err, live.ErrUnreadable):
		return e.unseen(ctx, row, key, old, o, err, age)
	case err != nil:
		return nil, err
	}
	if arnKey := in.Key; arnKey != key {
		key = arnKey
	}
	return e.settle(ctx, row, key, in, age)
}

// Fresh is the evidence of a Describe call made now, beside what is known. It is
// not written. The error wraps [live.ErrMissing] where there is no such resource.
func (e *Evaluator) Fresh(ctx context.Context, old *ledger.Entry) (*ledger.Entry, error) {
	row, key, ok := Split(old.Resource)
	if !ok {
		return nil, fmt.Errorf("%q is no resource of the table", old.Resource)
	}
	in, err := e.described(ctx, row, key, old, nil, e.Visible)
	if err != nil {
		return nil, err
	}
	return &in, nil
}

// described is the evidence of a Describe call.
func (e *Evaluator) described(ctx context.Context, row *kind.Row, key string, old *ledger.Entry, o *kind.Observation, age time.Duration) (ledger.Entry, error) {
	d, err := e.Resolver.Describe(ctx, row, key)
	if err != nil {
		return ledger.Entry{}, err
	}
	at := d.At
	if at.IsZero() {
		at = e.Now().UTC()
	}
	// A cluster may have been named by its id.
	if name, _ := row.KeyOf(d.Doc); name != "" && row.Resource == "" {
		key = name
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
	// What is known of this resource already, together with what led here.
	with, _ := ledger.Merge(old, in)
	described.Source.Actor, described.Source.ID = with.Origin.Actor, with.Origin.EventID
	rec := described.Record()
	rec.Unsure = false // see package live: creation times decide
	if with.Carry.Doc != nil {
		carried, err := jsondoc.Parse(with.Carry.Doc, nil)
		if err != nil {
			return ledger.Entry{}, fmt.Errorf("what was kept of %s: %w", in.Resource, err)
		}
		rec = row.Described(kind.Record{Doc: carried, Time: with.Carry.At}, rec)
	}
	in.Verdict.Described = true
	err = e.judge(ctx, &in, subject{
		observation: &described, record: rec, described: d, at: at, role: with.Origin.Role, trigger: o,
	}, age)
	return in, err
}

// missing takes in that there is no such resource, however long one waits.
func (e *Evaluator) missing(ctx context.Context, row *kind.Row, key string, old *ledger.Entry, o *kind.Observation, age time.Duration) (*ledger.Entry, error) {
	gone := ledger.Life{At: e.Now().UTC(), State: ledger.Gone}
	var in ledger.Entry
	switch {
	case o != nil && o.Call != nil && o.Call.Effect == kind.Creates:
		// It came and went; its record is all there is.
		var err error
		if in, err = e.fromRecord(ctx, o, age); err != nil {
			return nil, err
		}
	case old != nil:
		in = e.blank(row, key, func(*ledger.Entry) {})
	default:
		return nil, nil
	}
	in.Life = gone
	return e.settle(ctx, row, key, in, age)
}

// unseen takes in that a resource cannot be looked at. What failed before is not
// mended by that, and what passed is not known any more.
func (e *Evaluator) unseen(ctx context.Context, row *kind.Row, key string, old *ledger.Entry, o *kind.Observation, cause error, age time.Duration) (*ledger.Entry, error) {
	if o != nil && o.Call != nil && o.Call.Effect == kind.Creates && o.Told() {
		in, err := e.fromRecord(ctx, o, age)
		if err != nil {
			return nil, err
		}
		if in.Verdict.Compliance == rules.Failed {
			in.Verdict.Whole = false
			return e.settle(ctx, row, key, in, age)
		}
	}
	if old != nil && old.Life.State != ledger.Gone && (old.Verdict.Compliance == rules.Failed || old.Verdict.Whole && !row.Fresh) {
		return old, nil
	}
	at := e.Now().UTC()
	in := e.blank(row, key, func(in *ledger.Entry) {
		in.Life = ledger.Life{At: at, State: ledger.Live}
		in.Origin = originOf(o)
		if o != nil && o.Call != nil && o.Call.Effect == kind.Creates {
			in.Created = o.Time
		}
	})
	described := kind.Observation{
		Row: row, Key: key, Name: in.Name, ARN: in.ARN, Partition: in.Partition, Account: in.Account, Region: in.Region,
		Source: kind.Source{Type: kind.ShapeDescribe, Event: row.Describe.Name},
	}
	rec := described.Record()
	rec.Absence, rec.Why = kind.AbsentIsUnknown, "could not be looked at: "+plain(cause)
	err := e.judge(ctx, &in, subject{observation: &described, record: rec, at: at, trigger: o}, age)
	if err != nil {
		return nil, err
	}
	in.Verdict.Unseen = !row.Fresh
	return e.settle(ctx, row, key, in, age)
}

// plain is an error in words that tell nothing but the operation and the code.
func plain(err error) string {
	if errors.Is(err, live.ErrUnreadable) {
		return live.ErrUnreadable.Error()
	}
	return finding.Clip(finding.Plain(err.Error()), 200)
}

// attempts bounds how often an entry is merged anew because somebody else wrote it.
const attempts = 10

// settle merges evidence into the ledger. Where its order is not certain, the
// worse stands until a later look decides.
func (e *Evaluator) settle(ctx context.Context, row *kind.Row, key string, in ledger.Entry, age time.Duration) (*ledger.Entry, error) {
	in.Resource, in.Key = Resource(row.Kind, key), key
	for range attempts {
		old, err := e.Store.Entry(ctx, in.Resource)
		if err != nil {
			return nil, err
		}
		next, unsettled := ledger.Merge(old, in)
		if old != nil && same(old, &next) {
			if unsettled {
				return e.again(ctx, row, key, old, in, age)
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
			return e.again(ctx, row, key, &next, in, age)
		}
		return &next, nil
	}
	return nil, fmt.Errorf("%s: %w", in.Resource, ledger.ErrConflict)
}

// again looks once more where a record left the order open. Looking tells the
// present, which is later than any record; only a look within the same second
// does not settle it.
func (e *Evaluator) again(ctx context.Context, row *kind.Row, key string, now *ledger.Entry, in ledger.Entry, age time.Duration) (*ledger.Entry, error) {
	if in.Verdict.Described || row.Describe.Name == "" {
		return now, fmt.Errorf("%s: two things in one second: %w", in.Resource, ErrNotYet)
	}
	return e.look(ctx, row, key, nil, max(age, e.Visible))
}

// same says whether a merge changed nothing.
func same(a, b *ledger.Entry) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && slices.Equal(x, y)
}
