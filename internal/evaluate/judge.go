package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// subject is what is judged, and what is known of it beside its configuration.
type subject struct {
	observation *kind.Observation
	record      kind.Record
	described   *live.Described // nil where a record is judged
	tags        map[string]string
	tagsKnown   bool
	at          time.Time
	principal   string
	trigger     *kind.Observation // the record that led here, or nil
	// aside says that nothing is written, and no other resource is judged.
	aside bool
}

// judge fills in the verdict.
func (e *Evaluator) judge(ctx context.Context, in *ledger.Entry, s subject, age time.Duration) error {
	set, err := e.Rules(ctx)
	if err != nil {
		return err
	}
	o := s.observation
	references := e.Resolver.References(ctx, s.described, e.now())
	parts := o.Row.Parts(s.record, references.Lookup)
	if references.Err != nil {
		return references.Err
	}
	if references.Missing && age < e.Visible {
		return fmt.Errorf("what %s refers to: %w: %w", in.Resource, ErrNotYet, live.ErrMissing)
	}
	if s.described != nil && set.File.UsesTags() && in.ARN != "" {
		if err := e.tags(ctx, in, &s); err != nil {
			return err
		}
	}
	about := &rules.Subject{
		Kind: o.Row.Kind, Name: o.Name, ARN: in.ARN, Account: in.Account, Region: in.Region,
		Principal: s.principal, Tags: s.tags, TagsKnown: s.tagsKnown, Parts: parts,
	}
	judgement := set.File.Judge(about, e.Now())
	f := finding.New(o, about, judgement, set.File)
	f.ARN, f.Time, f.Created = in.ARN, s.at, in.Created
	described := in.Verdict.Described
	in.Verdict = ledger.Judged(&judgement)
	in.Verdict.At, in.Verdict.Rules, in.Verdict.Described = s.at, set.Version, described
	in.Verdict.Event, in.Verdict.EventID = o.Source.Event, o.Source.ID
	if s.trigger != nil {
		in.Verdict.Event, in.Verdict.EventID = s.trigger.Source.Event, s.trigger.Source.ID
	}
	owner := ownerOf(o.Row, s.record.Doc)
	if judgement.OwnFault(o.Row.Kind) {
		owner = ""
	}
	if owner != "" && !s.aside {
		speaks, err := e.speaks(ctx, owner, in)
		if err != nil {
			return err
		}
		if !speaks {
			owner = ""
		}
	}
	in.Verdict.Notice = notice(f)
	in.Verdict.Notice.Owner = owner
	in.Verdict.Notice.Team, in.Verdict.Notice.Topic = set.File.Route(about, o.Pipeline())
	if owner != "" {
		return nil
	}
	asff, err := f.ASFF(e.Now())
	switch {
	case errors.Is(err, finding.ErrNothingToReport):
		return nil
	case err != nil:
		return err
	}
	in.Verdict.Finding, err = json.Marshal(asff)
	return err
}

// ownerOf is the resource whose finding speaks for another, unless its own setting
// is at fault; see [kind.Row.OwnedBy].
func ownerOf(row *kind.Row, doc jsondoc.Value) string {
	if k, key, ok := row.OwnedBy(doc); ok {
		return Resource(k, key)
	}
	return ""
}

// speaks says whether the finding of an owner speaks for what it owns: it says
// something as bad, or it is allowed by an exception. An owner that is not known,
// or was better when it was looked at, is looked at.
func (e *Evaluator) speaks(ctx context.Context, owner string, in *ledger.Entry) (bool, error) {
	old, err := e.Store.Entry(ctx, owner)
	if err != nil || old.Covers(in) {
		return err == nil, err
	}
	row, key, ok := Split(owner)
	if !ok {
		return false, nil
	}
	now, err := e.look(ctx, row, key, nil, e.Visible)
	return err == nil && now.Covers(in), err
}

// tags asks for the tags of what was described. Those that may not be had are not
// known; and right after the creation, not all of them may be told.
func (e *Evaluator) tags(ctx context.Context, in *ledger.Entry, s *subject) error {
	listed, err := e.Resolver.Tags(ctx, in.ARN)
	switch {
	case errors.Is(err, live.ErrDenied), errors.Is(err, live.ErrMissing), errors.Is(err, live.ErrUnreadable):
		return nil
	case err != nil:
		return err
	}
	if s.tags == nil {
		s.tags = map[string]string{}
	}
	maps.Copy(s.tags, listed)
	s.tagsKnown = s.tagsKnown || in.Created.IsZero() || s.at.Sub(in.Created) >= e.Visible
	return nil
}

// The longest texts of a notice, in bytes.
const (
	longTitle = 256
	longText  = 2048
	longPaste = 8192
)

func notice(f *finding.Finding) ledger.Notice {
	n := ledger.Notice{
		Title: finding.Clip(f.Title(), longTitle), Remedy: finding.Clip(f.Remedy(), longText), Doc: f.Row.Doc,
	}
	var said []string
	for _, r := range f.Judgement.Results {
		if r.Result == rules.Failed || r.Result == rules.Warning {
			said = append(said, fmt.Sprintf("%s (%s): %s.", r.Rule, strings.ToLower(string(r.Severity)), finding.Plain(r.Message)))
		}
	}
	n.Description = finding.Clip(strings.Join(said, "\n"), longText)
	if paste := f.Paste(); len(paste) <= longPaste {
		n.Paste = paste
	}
	return n
}
