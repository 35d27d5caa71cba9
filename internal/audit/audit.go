// Package audit reads inputs, resolves what they refer to among all of them,
// and judges every call that created or changed the network of a SageMaker AI
// resource.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// Options say what to judge by and what of it to keep.
type Options struct {
	Rules *rules.File
	Now   time.Time // decides which exceptions have expired
	Keep  Filter
	// Progress, if not nil, is told what was read so far. It may be called from
	// several goroutines, one at a time.
	Progress func(files int, bytes int64)
}

// Filter keeps findings. The zero Filter keeps everything.
type Filter struct {
	Classes  []verdict.Class
	Severity rules.Severity // at least as bad; empty keeps all
	Kinds    []kind.Kind
	Accounts []string
	// Since and Until bound the time of the evidence; what has no time is kept.
	Since, Until time.Time
}

// Problem is something of the input that could not be read.
type Problem struct {
	File   string
	Offset int64 // byte in the decompressed file; -1 where the whole file is meant
	Err    error
}

func (p Problem) Error() string {
	if p.Offset < 0 {
		return fmt.Sprintf("%s: %v", p.File, p.Err)
	}
	return fmt.Sprintf("%s: byte %d: %v", p.File, p.Offset, p.Err)
}

// Unwrap returns the reason.
func (p Problem) Unwrap() error { return p.Err }

// Reading says what was read and what could not be.
type Reading struct {
	Problems   []Problem
	Duplicates int // records that were in the input more than once
	Skipped    int // files of folders that were not read, because of their names
	Others     int // files of folders that are nothing that is read
	Sources    int // files of folders with Terraform's source, which is no plan
	// Folders counts the folders that were not looked into, by their names.
	Folders map[string]int
	// Notes are what is to be known of inputs that could be read.
	Notes []string
	// Unjudged counts the resources in templates and plans that are SageMaker's, or
	// may hold some, and that are not judged: most are of types not known here.
	Unjudged map[string]int
	// Incomplete says that a template or a plan does not have all that is going to be:
	// the notes say which and why.
	Incomplete bool
	Files      int
	Bytes      int64 // decompressed
}

// Records are what the inputs of a run tell.
type Records struct {
	// All are the observations, those of refused calls and of stops too, by time,
	// then resource.
	All []*kind.Observation
	// Index finds what they refer to among each other.
	Index *resolve.Index
	Reading
}

// Outcome is how a verdict ended.
type Outcome struct {
	Compliance rules.Compliance
	Severity   rules.Severity
}

// Report is what a run found.
type Report struct {
	Findings []*finding.Finding // by time, then resource
	// LeftOut counts what the filter leaves out by its judgement. It counts all the same
	// for whether something failed.
	LeftOut map[Outcome]int
	Refused []*kind.Observation
	Reading
}

// Read reads the inputs. What cannot be read is a Problem of the records; the
// error is the context's. Progress is as in [Options].
func Read(ctx context.Context, in Inputs, progress func(files int, bytes int64)) (*Records, error) {
	r := &Records{Index: resolve.New()}
	all, err := in.read(ctx, &r.Reading, progress)
	if err != nil {
		return nil, err
	}
	r.All = r.unique(all)
	for _, o := range r.All {
		r.Index.Add(o)
	}
	return r, nil
}

// Run reads the inputs and judges them. What cannot be read is a Problem of
// the report; the error is the context's.
func Run(ctx context.Context, in Inputs, opts Options) (*Report, error) {
	records, err := Read(ctx, in, opts.Progress)
	if err != nil {
		return nil, err
	}
	report := &Report{Reading: records.Reading, LeftOut: map[Outcome]int{}}
	for _, o := range records.All {
		switch {
		case o.Halts, o.Deletes, o.Context, !opts.Keep.observation(o):
		case o.Refused != "":
			report.Refused = append(report.Refused, o)
		default:
			if f := Judge(records.Index, o, opts.Rules, opts.Now); opts.Keep.finding(f) {
				report.Findings = append(report.Findings, f)
			} else {
				report.LeftOut[Outcome{f.Judgement.Compliance, f.Judgement.Severity}]++
			}
		}
	}
	return report, nil
}

// Judge judges one observation, with its references resolved in the index.
func Judge(index *resolve.Index, o *kind.Observation, file *rules.File, now time.Time) *finding.Finding {
	s := rules.Observed(o, index.Parts(o))
	s.Tags, s.TagsKnown = o.Row.Tags(index.Record(o))
	return finding.New(o, s, file.Judge(s, now), file)
}

// unique sorts observations by time and resource, and leaves out those that
// are the same record again.
func (r *Reading) unique(all []*kind.Observation) []*kind.Observation {
	slices.SortStableFunc(all, func(a, b *kind.Observation) int {
		return cmp.Or(
			a.Time.Compare(b.Time), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Row.Kind, b.Row.Kind), cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Source.Event, b.Source.Event), cmp.Compare(a.Source.ID, b.Source.ID),
			cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Offset, b.Source.Offset),
		)
	})
	type identity struct{ id, account, region, event, key string }
	seen := map[identity][]*kind.Observation{}
	return slices.DeleteFunc(all, func(o *kind.Observation) bool {
		if o.Source.ID == "" {
			return false
		}
		id := identity{o.Source.ID, o.Account, o.Region, o.Source.Event, o.Key}
		for _, older := range seen[id] {
			if older.Time.Equal(o.Time) && older.Refused == o.Refused && jsondoc.Equal(older.Doc, o.Doc) && jsondoc.Equal(older.Response, o.Response) {
				r.Duplicates++
				return true
			}
		}
		seen[id] = append(seen[id], o)
		return false
	})
}

// observation keeps by what is known before judging.
func (f Filter) observation(o *kind.Observation) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, o.Row.Kind):
		return false
	case len(f.Accounts) > 0 && o.Account != "" && !slices.Contains(f.Accounts, o.Account): // a template has none
		return false
	case o.Time.IsZero():
		return true
	case !f.Since.IsZero() && o.Time.Before(f.Since):
		return false
	default:
		return f.Until.IsZero() || o.Time.Before(f.Until)
	}
}

// finding keeps by the judgement.
func (f Filter) finding(g *finding.Finding) bool {
	if len(f.Classes) > 0 && !slices.Contains(f.Classes, g.Judgement.Verdict.Class) {
		return false
	}
	return f.Severity == "" || g.Judgement.Severity != "" && g.Judgement.Severity.AtLeast(f.Severity)
}

// Failed says whether anything failed the rules with at least a severity; empty is
// any. What is left out of the list counts, too.
func (r *Report) Failed(least rules.Severity) bool {
	return r.any(func(o Outcome) bool { return o.Compliance == rules.Failed && o.Severity.AtLeast(least) })
}

// Warned says whether there is anything that could not be told.
func (r *Report) Warned() bool {
	return r.any(func(o Outcome) bool { return o.Compliance == rules.Warning })
}

func (r *Report) any(is func(Outcome) bool) bool {
	for o := range r.LeftOut {
		if is(o) {
			return true
		}
	}
	return slices.ContainsFunc(r.Findings, func(f *finding.Finding) bool {
		return is(Outcome{f.Judgement.Compliance, f.Judgement.Severity})
	})
}
