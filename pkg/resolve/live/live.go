// Package live finds the configuration of resources by asking SageMaker, where
// package resolve finds it among the records of a run.
//
// A response tells the present. What a reference meant earlier follows from when
// the resource that has the name now was created: if that was before the
// reference was made, it is the one that is meant, for it has been there ever
// since; otherwise the name meant another one, which is gone.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// ErrMissing says that there is no such resource, or none that can be seen yet:
// what was just created may take a while to be found.
var ErrMissing = errors.New("SageMaker knows no such resource")

// ErrDenied says that a call was refused for want of permission.
var ErrDenied = errors.New("refused for want of permission")

// ErrUnreadable says that SageMaker answered something that cannot be read.
var ErrUnreadable = errors.New("the response cannot be read")

// Caller asks SageMaker for an operation.
type Caller func(ctx context.Context, operation string, input any) (*awsjson.Response, error)

// Resolver asks for configurations. It keeps those of references for a while. It
// is safe for concurrent use.
type Resolver struct {
	call  Caller
	scope kind.Scope

	mu   sync.Mutex
	kept map[string]found
}

// New returns a resolver for the resources of an account and Region.
func New(scope kind.Scope, call Caller) *Resolver {
	return &Resolver{call: call, scope: scope, kept: map[string]found{}}
}

// found is an answer of SageMaker's, when it was given, and of how many bytes it is.
type found struct {
	doc  jsondoc.Value
	at   time.Time
	size int
}

// most is how many configurations are kept, and largest of how many bytes one may
// be: larger ones are asked for each time.
const (
	most    = 1000
	largest = 32 << 10
)

// pages is how many pages of a list are read. A pipeline has 200 parameters at
// most, and a resource 50 tags.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListPipelineParametersForExecution.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html
const pages = 100

// Described is what SageMaker says of a resource.
type Described struct {
	Doc jsondoc.Value // below Describe.Under
	// At is the service's clock.
	At      time.Time
	Created time.Time // zero where the response does not tell
	// Modified is when it was last changed; zero where the response does not tell.
	Modified time.Time
	Status   string // as AWS writes it
	ARN      string
	// Definition is that of a pipeline execution's pipeline.
	definition jsondoc.Value
}

// Life says what the status means.
func (d *Described) Life(row *kind.Row) kind.Life { return row.Life(d.Status) }

// Describe asks for a resource. The error wraps [ErrMissing] or [ErrDenied], or
// is what else went wrong, which may pass.
func (r *Resolver) Describe(ctx context.Context, row *kind.Row, key string) (*Described, error) {
	requests := row.Requests(r.scope, key)
	if len(requests) == 0 {
		return nil, fmt.Errorf("%q names no %s: %w", key, row.Words, ErrMissing)
	}
	var err error
	for _, request := range requests {
		var f found
		if f, err = r.ask(ctx, row.Describe.Name, request); errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d := describedBy(row, f.doc, f.at)
		if row.Kind == kind.PipelineExecution {
			if d, err = r.execution(ctx, d, request); errors.Is(err, ErrMissing) {
				// It was found itself.
				return nil, fmt.Errorf("what belongs to it is not found: %w", ErrUnreadable)
			}
			return d, err
		}
		return d, nil
	}
	return nil, err
}

func describedBy(row *kind.Row, doc jsondoc.Value, at time.Time) *Described {
	if row.Describe.Under != "" {
		doc = doc.Get(row.Describe.Under)
	}
	d := &Described{Doc: doc, At: at, ARN: doc.Get(row.Describe.ARN).Str(), Status: doc.Get(row.Describe.Status).Str()}
	for _, member := range []string{"CreationTime", "CreateDate"} {
		if t, ok := epoch(doc.Get(member)); ok {
			d.Created = t
			break
		}
	}
	for _, member := range []string{"LastModifiedTime", "LastUpdatedDate"} {
		if t, ok := epoch(doc.Get(member)); ok {
			d.Modified = t
			break
		}
	}
	return d
}

// epoch reads a time as the protocol writes it: seconds since 1970.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
func epoch(v jsondoc.Value) (time.Time, bool) {
	lit, ok := v.Literal()
	if !ok {
		return time.Time{}, false
	}
	s, err := strconv.ParseFloat(lit, 64)
	if err != nil || s < 1e8 || s > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(s*1000 + 0.5)).UTC(), true
}

// execution completes an execution of a pipeline: the definition that it runs
// and the parameters that it was given are other operations' to tell.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineDefinitionForExecution.html
func (r *Resolver) execution(ctx context.Context, d *Described, request map[string]string) (*Described, error) {
	definition, err := r.ask(ctx, "DescribePipelineDefinitionForExecution", request)
	if err != nil {
		return nil, err
	}
	d.definition = definition.doc
	var parameters []jsondoc.Value
	for token, n := "", 0; ; n++ {
		if n == pages {
			return nil, fmt.Errorf("ListPipelineParametersForExecution: more than %d pages: %w", pages, ErrUnreadable)
		}
		input := maps.Clone(request)
		if token != "" {
			input["NextToken"] = token
		}
		page, err := r.ask(ctx, "ListPipelineParametersForExecution", input)
		if err != nil {
			return nil, err
		}
		for _, m := range page.doc.Get("PipelineParameters").Members() {
			parameters = append(parameters, m.Value)
		}
		if token = page.doc.Get("NextToken").Str(); token == "" {
			break
		}
	}
	// The definition is at hand, whichever version it is of, and whoever runs it.
	members := []jsondoc.Member{{Name: "PipelineParameters", Value: jsondoc.OfArray(parameters...)}}
	for _, m := range d.Doc.Members() {
		if m.Name != "PipelineVersionId" && m.Name != "RoleArn" {
			members = append(members, m)
		}
	}
	d.Doc = jsondoc.OfObject(members...)
	return d, nil
}

// ask makes one call and reads what it answers.
func (r *Resolver) ask(ctx context.Context, operation string, input any) (found, error) {
	response, err := r.call(ctx, operation, input)
	if err != nil {
		return found{}, plain(operation, err)
	}
	doc, err := jsondoc.Parse(response.Body, kind.FreeForm())
	if err != nil {
		return found{}, fmt.Errorf("%s: %w: %w", operation, ErrUnreadable, err)
	}
	return found{doc, response.Date, len(response.Body)}, nil
}

// plain is a failed call in words of this package.
func plain(operation string, err error) error {
	switch {
	case awsjson.Missing(err):
		return fmt.Errorf("%s: %w", operation, ErrMissing)
	case awsjson.Denied(err):
		return fmt.Errorf("%s (%s): %w", operation, awsjson.Code(err), ErrDenied)
	}
	return err
}

// References resolves the references of one evaluation.
type References struct {
	r   *Resolver
	ctx context.Context //nolint:containedctx // kind.Lookup has no context, and this lives as long as one evaluation
	// of is the resource that refers, where it was described: an execution knows
	// the definition that it runs.
	of *Described
	// now is the time of the evaluation: no answer is told after it.
	now time.Time
	// Err is the first failure that may pass, or a resource that was not found
	// and may be found later. What was judged with it is not to be kept.
	Err error
	// Missing are the references that led nowhere.
	Missing bool
}

// References returns what resolves the references of a resource; of is what
// SageMaker said of it, or nil where a record is judged; now is the time.
func (r *Resolver) References(ctx context.Context, of *Described, now time.Time) *References {
	return &References{r: r, ctx: ctx, of: of, now: now}
}

// Lookup is a [kind.Lookup].
func (x *References) Lookup(ask kind.Ask) (kind.Record, string) {
	row, ok := kind.Of(ask.Kind)
	if !ok {
		return kind.Record{}, fmt.Sprintf("there is no kind %q", ask.Kind)
	}
	if ask.Kind == kind.Pipeline && x.of != nil && !x.of.definition.Empty() {
		return kind.Record{Doc: x.of.definition, Scope: ask.Scope}, ""
	}
	if ask.Scope != x.r.scope {
		return kind.Record{}, fmt.Sprintf("the %s %q is in account %s and Region %s, where this one does not look", row.Words, ask.Key, ask.Scope.Account, ask.Scope.Region)
	}
	f, err := x.r.lookup(x.ctx, row, ask, x.now)
	switch {
	case errors.Is(err, ErrMissing):
		x.Missing = true
		return kind.Record{}, fmt.Sprintf("the %s %q was not found", row.Words, ask.Key)
	case errors.Is(err, ErrDenied), errors.Is(err, ErrUnreadable):
		return kind.Record{}, fmt.Sprintf("the %s %q could not be looked at: %v", row.Words, ask.Key, err)
	case err != nil:
		x.Err = errors.Join(x.Err, err)
		return kind.Record{}, "the lookup failed"
	}
	d := describedBy(row, f.doc, f.at)
	if !row.Fresh && (ask.At.IsZero() || d.Created.IsZero()) {
		return kind.Record{}, fmt.Sprintf("whether the %s %q that is there now is the one that was referred to is not told", row.Words, ask.Key)
	}
	if !row.Fresh && d.Created.After(ask.At) {
		return kind.Record{}, fmt.Sprintf("the %s %q that is there now was created after it was referred to", row.Words, ask.Key)
	}
	o := kind.Observation{
		Row: row, Doc: d.Doc, Key: ask.Key, ARN: d.ARN, Partition: ask.Scope.Partition, Account: ask.Scope.Account, Region: ask.Scope.Region,
		Source: kind.Source{Type: kind.ShapeDescribe}, Time: d.Created,
	}
	rec := o.Record()
	rec.Unsure = false // its creation is when, at the latest, it took over what it refers to
	return rec, ""
}

// lookup asks for a resource that is referred to, unless an answer is kept that
// was given after the reference was made.
func (r *Resolver) lookup(ctx context.Context, row *kind.Row, ask kind.Ask, now time.Time) (found, error) {
	name := string(row.Kind) + "/" + ask.Key
	r.mu.Lock()
	kept, ok := r.kept[name]
	r.mu.Unlock()
	if ok && !row.Fresh && !ask.At.IsZero() && ask.At.Before(kept.at.Truncate(time.Second)) {
		return kept, nil
	}
	requests := row.Requests(r.scope, ask.Key)
	if len(requests) == 0 {
		return found{}, ErrMissing
	}
	f, err := r.ask(ctx, row.Describe.Name, requests[0])
	if err != nil {
		return found{}, err
	}
	if f.at.After(now) {
		f.at = now // a clock that is fast would have it answer for what comes later
	}
	if row.Fresh || f.size > largest {
		return f, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= most {
		clear(r.kept)
	}
	r.kept[name] = f
	return f, nil
}

// Tags asks for the tags of a resource.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html
func (r *Resolver) Tags(ctx context.Context, arn string) (map[string]string, error) {
	tags := map[string]string{}
	for token, n := "", 0; ; n++ {
		if n == pages {
			return nil, fmt.Errorf("ListTags: more than %d pages: %w", pages, ErrUnreadable)
		}
		input := map[string]string{"ResourceArn": arn}
		if token != "" {
			input["NextToken"] = token
		}
		response, err := r.call(ctx, "ListTags", input)
		if err != nil {
			return nil, plain("ListTags", err)
		}
		var page struct {
			Tags []struct {
				Key   string `json:"Key"`
				Value string `json:"Value"`
			} `json:"Tags"`
			NextToken string `json:"NextToken"`
		}
		if err := json.Unmarshal(response.Body, &page); err != nil {
			return nil, fmt.Errorf("ListTags: %w", ErrUnreadable)
		}
		for _, t := range page.Tags {
			tags[t.Key] = t.Value
		}
		if token = page.NextToken; token == "" {
			return tags, nil
		}
	}
}
