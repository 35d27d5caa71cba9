package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// seconds writes a time as the JSON protocol does: 1592411992.203.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
func seconds(ms int64) any { return float64(ms) / 1000 }

// millis writes a time as most of SageMaker's own events do.
func millis(ms int64) any { return ms }

// times are the members that hold times.
var times = map[string]func(*resource) int64{
	"CreationTime": createdAt, "CreateDate": createdAt,
	"LastModifiedTime": modifiedAt, "LastUpdatedDate": modifiedAt,
	"StartTime": beganAt, "TrainingStartTime": beganAt, "ProcessingStartTime": beganAt, "TransformStartTime": beganAt,
	"CompilationStartTime": beganAt, "OptimizationStartTime": beganAt,
	"EndTime": endedAt, "TrainingEndTime": endedAt, "ProcessingEndTime": endedAt, "TransformEndTime": endedAt,
	"HyperParameterTuningEndTime": endedAt, "CompilationEndTime": endedAt, "OptimizationEndTime": endedAt, "CompletionTime": endedAt,
}

func createdAt(r *resource) int64  { return r.created }
func modifiedAt(r *resource) int64 { return r.modified }
func beganAt(r *resource) int64    { return r.began }
func endedAt(r *resource) int64    { return r.ended }

// face is what a shape shows of a resource.
func (s *SageMaker) face(r *resource, sh *shape, at func(int64) any) map[string]any {
	out := make(map[string]any, len(sh.members))
	for name, member := range sh.members {
		if name == r.t.row.Describe.Under && member.typ == "structure" {
			out[name] = s.face(r, member, at)
		} else if v, ok := s.member(r, name, member, at); ok {
			out[name] = v
		}
	}
	if r.t.face != nil {
		r.t.face(s, r, sh, out)
	}
	return out
}

// member is what one member of a response shows.
func (s *SageMaker) member(r *resource, name string, sh *shape, at func(int64) any) (any, bool) {
	switch {
	case name == r.t.row.Describe.ARN, name == "MonitoringJobDefinitionArn":
		return r.arn, true
	case name == r.t.named:
		return r.name, true
	case name == r.t.status && name != "":
		return r.status, true
	case name == r.t.secondary && name != "":
		return r.secondary, r.secondary != ""
	case name == "FailureReason" && r.reason != "":
		return r.reason, true
	case name == "Tags":
		return r.tags, len(r.tags) > 0 && !s.unseen(r, s.lag.Tags)
	}
	if sh.typ == "timestamp" && times[name] != nil {
		ms := times[name](r)
		return at(ms), ms != 0
	}
	path := cmp.Or(r.t.also[name], name)
	switch path {
	case r.t.secondary:
		return r.secondary, r.secondary != ""
	case r.t.named:
		return r.name, true
	}
	v, found := r.doc[path]
	if !found && path != name {
		if values := follow(r.doc, path); len(values) > 0 {
			v, found = values[0], true
		}
	}
	if !found {
		v, found = r.t.fixed[name]
		return v, found
	}
	if r.t.in.members[path] != sh {
		v = part(sh, v)
	}
	return v, true
}

// unseen says whether a resource is newer than a lag.
func (s *SageMaker) unseen(r *resource, lag time.Duration) bool {
	return lag > 0 && r.created+lag.Milliseconds() > s.w.Now().UnixMilli()
}

func describe(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	return s.face(r, o.sig.out, seconds), nil
}

// page is which part of a list is wanted.
type page struct {
	most       int
	sort       string
	descending bool
	created    int64 // of what the last page ended with
	seq        uint64
	offset     int
}

// pageOf reads the members of a request that every list has. A page has ten
// elements unless told, as
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html
// has it.
func pageOf(in map[string]any, sort string, descending bool) (page, error) {
	p := page{most: 10, sort: sort, descending: descending}
	if n, told := number(in["MaxResults"]); told {
		var r reading
		at := &place{name: "maxResults"}
		switch {
		case n < 1:
			r.problem(n, at, "Member must have value greater than or equal to 1")
		case n > 100:
			r.problem(n, at, "Member must have value less than or equal to 100")
		}
		if err := r.err(); err != nil {
			return p, err
		}
		p.most = int(n)
	}
	if by, told := in["SortBy"].(string); told {
		p.sort = by
	}
	if order, told := in["SortOrder"].(string); told {
		p.descending = order == "Descending"
	}
	// The point before everything, in either direction.
	if p.descending {
		p.created, p.seq = math.MaxInt64, math.MaxUint64
	} else {
		p.created = math.MinInt64
	}
	if token, told := in["NextToken"].(string); told {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			_, err = fmt.Sscanf(string(raw), "%d %d %d", &p.created, &p.seq, &p.offset)
		}
		if err != nil {
			return p, refuse("ValidationException", "The pagination token is not valid.")
		}
	}
	return p, nil
}

func token(created int64, seq uint64, offset int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d", created, seq, offset))
}

// order compares by what a list is sorted by; nil for the time of creation.
func (p page) order() func(a, b *resource) int {
	by := strings.ToLower(p.sort)
	switch {
	case by == "", strings.Contains(by, "creat"):
		return nil
	case strings.Contains(by, "modified"):
		return func(a, b *resource) int { return cmp.Compare(a.modified, b.modified) }
	case strings.Contains(by, "status"):
		return func(a, b *resource) int { return cmp.Compare(a.status, b.status) }
	default:
		return func(a, b *resource) int { return cmp.Compare(a.name, b.name) }
	}
}

// take is the page of what matches: matches says of each whether it does.
// from bounds the time of creation.
func (p page) take(b *byTime, from int64, matches func(*resource) bool) (out []*resource, next string) {
	order := p.order()
	if order == nil {
		var walk iter.Seq[*resource]
		if p.descending {
			walk = b.downFrom(p.created, p.seq)
		} else {
			if from > p.created {
				p.created, p.seq = from, 0
			}
			walk = b.from(p.created, p.seq)
		}
		for r := range walk {
			if r.created < from {
				break // only on the way down
			}
			if !matches(r) {
				continue
			}
			if len(out) == p.most {
				last := out[len(out)-1]
				return out, token(last.created, last.seq, 0)
			}
			out = append(out, r)
		}
		return out, ""
	}
	for r := range b.from(from, 0) {
		if matches(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *resource) int {
		c := cmp.Or(order(a, b), compareByTime(a, b))
		if p.descending {
			return -c
		}
		return c
	})
	out = out[min(p.offset, len(out)):]
	if len(out) > p.most {
		return out[:p.most], token(0, 0, p.offset+p.most)
	}
	return out, ""
}

// list answers the List operation of a kind.
func list(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	t := o.t
	p, err := pageOf(in, t.sort, t.descending)
	if err != nil {
		return nil, err
	}
	if t.kind == kind.PipelineExecution {
		if err := s.referred(t, in); err != nil {
			return nil, err
		}
	}
	shelf := s.shelves[t.kind]
	among := &shelf.all
	if status, told := in["StatusEquals"].(string); told {
		among = shelf.of(status)
	}
	from := int64(math.MinInt64)
	filters := []func(*resource) bool{func(r *resource) bool { return !s.unseen(r, s.lag.List) }}
	for name, v := range in {
		at := int64(0)
		if seconds, ok := number(v); ok {
			at = int64(math.Round(seconds * 1000))
		}
		switch name {
		case "NextToken", "MaxResults", "SortBy", "SortOrder", "StatusEquals":
		case "CreationTimeAfter", "CreatedAfter":
			from = at
		case "CreationTimeBefore", "CreatedBefore":
			filters = append(filters, func(r *resource) bool { return r.created <= at })
		case "LastModifiedTimeAfter":
			filters = append(filters, func(r *resource) bool { return r.modified >= at })
		case "LastModifiedTimeBefore":
			filters = append(filters, func(r *resource) bool { return r.modified <= at })
		case "NameContains", "UserProfileNameContains", "SpaceNameContains":
			infix, _ := v.(string)
			filters = append(filters, func(r *resource) bool { return strings.Contains(r.name, infix) })
		default:
			want, ok := v.(string)
			if !ok {
				return nil, refuse("ValidationException", "the sandbox does not know the filter %s of %s", name, o.name)
			}
			if arn, isARN := kind.ParseARN(want); isARN && name == "PipelineName" {
				want = arn.ID
			}
			path := strings.TrimSuffix(name, "Equals")
			path = cmp.Or(t.also[path], path)
			filters = append(filters, func(r *resource) bool { return text(r.doc, path) == want })
		}
	}
	found, next := p.take(among, from, func(r *resource) bool {
		return !slices.ContainsFunc(filters, func(f func(*resource) bool) bool { return !f(r) })
	})
	return s.listed(o.sig.out, found, next), nil
}

// listed is the response with a page.
func (s *SageMaker) listed(sh *shape, found []*resource, next string) map[string]any {
	out := map[string]any{}
	if next != "" {
		out["NextToken"] = next
	}
	for name, member := range sh.members {
		if member.typ == "list" {
			elements := make([]any, len(found))
			for i, r := range found {
				elements[i] = s.face(r, member.of, seconds)
			}
			out[name] = elements
		}
	}
	return out
}

// byARN is the resource with an ARN.
func (s *SageMaker) byARN(arn string) *resource {
	if r := s.arns[arn]; r != nil {
		return r
	}
	parsed, ok := kind.ParseARN(arn)
	if !ok {
		return nil
	}
	if shelf := s.shelves[kind.Kind(parsed.Type)]; shelf != nil {
		return shelf.items[parsed.ID] // seeded
	}
	return nil
}

// tagged is the resource that a call about tags names.
func (s *SageMaker) tagged(in map[string]any) (*resource, error) {
	arn, _ := in["ResourceArn"].(string)
	r := s.byARN(arn)
	if r == nil || s.unseen(r, s.lag.Describe) {
		return nil, refuse("ValidationException", "Resource %s does not exist", arn)
	}
	return r, nil
}

func listTags(s *SageMaker, _ *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	out := []any{}
	if !s.unseen(r, s.lag.Tags) {
		out = append(out, r.tags...)
	}
	return map[string]any{"Tags": out}, nil
}

func addTags(s *SageMaker, _ *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	added, _ := in["Tags"].([]any)
	keys := make([]string, 0, len(added))
	for _, tag := range added {
		keys = append(keys, text(tag, "Key"))
	}
	r.tags = append(withoutTags(r.tags, keys), added...)
	return map[string]any{"Tags": r.tags}, nil
}

func deleteTags(s *SageMaker, _ *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, v := range follow(in, "TagKeys[]") {
		key, _ := v.(string)
		keys = append(keys, key)
	}
	r.tags = withoutTags(r.tags, keys)
	return map[string]any{}, nil
}

func withoutTags(tags []any, keys []string) []any {
	out := make([]any, 0, len(tags))
	for _, tag := range tags {
		if !slices.Contains(keys, text(tag, "Key")) {
			out = append(out, tag)
		}
	}
	return out
}
