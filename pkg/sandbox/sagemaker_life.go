package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// plan is what a resource goes through next.
type plan struct {
	phases []phase
	// apply takes effect with the last phase.
	apply func()
	// gone says that the resource is no more after the last phase.
	gone bool
	// begins says that what the resource starts by itself starts.
	begins bool
}

// begin ends what a resource went through before and begins a plan.
func (s *SageMaker) begin(r *resource, p plan) {
	r.round++
	s.enter(r, p)
}

// enter is the first phase of a plan.
func (s *SageMaker) enter(r *resource, p plan) {
	if len(p.phases) == 0 {
		if p.apply != nil {
			p.apply()
		}
		if p.gone {
			if r.t.status == "" {
				s.native(r, "")
			}
			s.drop(r)
		}
		return
	}
	current, rest := p.phases[0], p
	rest.phases = p.phases[1:]
	final := len(rest.phases) == 0
	if final && p.apply != nil {
		p.apply()
	}
	previous := r.status
	now := s.w.Now().UnixMilli()
	s.shelves[r.t.kind].move(r, current.status)
	r.secondary, r.modified = current.secondary, now
	if current.lasts < 0 && r.began == 0 {
		r.began = now
	}
	if finished(current.status) && r.ended == 0 {
		r.ended = now
	}
	s.native(r, previous)
	if p.begins && current.lasts < 0 && r.t.begun != nil {
		if r.family == nil {
			r.family = &family{}
		}
		r.family.next = s.following(r, rest)
		r.t.begun(s, r)
	} else if current.lasts == until && r.family != nil {
		r.family.next = s.following(r, rest)
	}
	if final && !p.gone {
		s.settle(r)
		return
	}
	lasts := current.lasts
	if lasts == runs {
		lasts = s.length(r)
	}
	if lasts >= 0 {
		s.later(r, lasts, func() { s.enter(r, p.then()) })
	}
}

// then is what is left of a plan after its first phase.
func (p plan) then() plan {
	p.phases = p.phases[1:]
	if len(p.phases) == 0 {
		p.apply = nil // it took effect
	}
	return p
}

// following goes on with the rest of a plan, unless another was begun.
func (s *SageMaker) following(r *resource, rest plan) func() {
	round := r.round
	return func() {
		if r.round == round {
			s.begin(r, rest)
		}
	}
}

// later calls f once d has passed, unless another plan was begun by then.
func (s *SageMaker) later(r *resource, d time.Duration, f func()) {
	round := r.round
	s.effects = append(s.effects, func() {
		s.w.after(d, func() {
			s.mu.Lock()
			if r.round == round {
				f()
			}
			s.release()
		})
	})
}

// length is how long the work of a resource lasts.
func (s *SageMaker) length(r *resource) time.Duration {
	for _, key := range []string{r.key, ""} {
		if d, ok := s.lengths[string(r.t.kind)+"/"+key]; ok {
			return d
		}
	}
	return DefaultRun
}

// settle tells what started a resource that it came to an end.
func (s *SageMaker) settle(r *resource) {
	if finished(r.status) && r.parent != nil && r.parent.t.settled != nil {
		r.parent.t.settled(s, r.parent, r)
	}
}

func (s *SageMaker) drop(r *resource) {
	r.round++
	s.shelves[r.t.kind].remove(r)
	delete(s.arns, r.arn)
}

// create makes a new resource of the request.
func create(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	in = maps.Clone(in)
	r := &resource{t: o.t, doc: in}
	var err error
	if o.t.newKey != nil {
		if r.key, err = o.t.newKey(s, in); err != nil {
			return nil, err
		}
		r.name = r.key
	} else {
		r.key, r.name = o.t.keyOf(in)
		if err = nameable(o.t, r.name); err != nil {
			return nil, err
		}
	}
	if o.t.check != nil {
		if err = o.t.check(s, in); err != nil {
			return nil, err
		}
	}
	if old := s.shelves[o.t.kind].items[r.key]; old != nil {
		if old.status != "Deleted" {
			return nil, o.t.refusal(s, o.t.exists, inUse, r.key)
		}
		s.drop(old)
	}
	if err := s.referred(o.t, in); err != nil {
		return nil, err
	}
	if err := o.t.complete(s, r); err != nil {
		return nil, err
	}
	s.add(r)
	return s.face(r, o.sig.out, seconds), nil
}

// add puts a new resource in its place and begins its life.
func (s *SageMaker) add(r *resource) {
	s.seq++
	r.seq = s.seq
	r.created = s.w.Now().UnixMilli()
	r.modified = r.created
	r.arn = r.t.arn(s, r.key)
	if r.t.hidden {
		r.arn = r.t.arn(s, s.id())
	}
	s.arns[r.arn] = r
	if len(r.t.create) > 0 {
		r.status = r.t.create[0].status
	}
	s.shelves[r.t.kind].add(r)
	s.begin(r, plan{phases: r.t.create, begins: true})
}

// complete fills in what AWS does.
func (t *traits) complete(s *SageMaker, r *resource) error {
	for name, v := range t.defaults {
		if _, told := r.doc[name]; !told {
			r.doc[name] = v
		}
	}
	r.tags, _ = r.doc["Tags"].([]any)
	delete(r.doc, "Tags")
	if t.made != nil {
		return t.made(s, r)
	}
	return nil
}

// nameable says what is wrong with a name. Most names have the pattern
// ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}, as
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html has it;
// those of pipelines and templates are longer.
func nameable(t *traits, name string) error {
	ok := name != "" && len(name) <= 256 && name[0] != '-' && name[len(name)-1] != '-'
	for _, c := range []byte(name) {
		ok = ok && (c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if ok && (len(name) <= 63 || t.kind == kind.Pipeline) {
		return nil
	}
	var r reading
	if constraint := "Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"; len(name) <= 63 {
		r.problem(name, &place{name: lowerFirst(t.named)}, constraint)
	} else {
		r.problem(name, &place{name: lowerFirst(t.named)}, "Member must have length less than or equal to 63")
	}
	return r.err()
}

// referred refuses a request that names something that is not there.
func (s *SageMaker) referred(t *traits, in map[string]any) error {
	if t.kind == kind.MonitoringSchedule {
		return nil // one of four kinds, by another member
	}
	for _, ref := range t.row.Refers {
		other := s.kinds[ref.Kind]
		for _, v := range follow(in, ref.Member) {
			name, _ := v.(string)
			if arn, ok := kind.ParseARN(name); ok {
				name = arn.ID
			}
			if domain := text(in, "DomainId"); len(other.row.Key) > 1 {
				name = domain + "/" + name
			}
			if name != "" && s.shelves[ref.Kind].items[name] == nil {
				return other.refusal(s, other.missing, notFound, name)
			}
		}
	}
	return nil
}

// find is the resource that a request names.
func (s *SageMaker) find(t *traits, in map[string]any) (*resource, error) {
	key, _ := t.keyOf(in)
	r := s.shelves[t.kind].items[key]
	if given, ok := in[t.named].(string); r == nil && ok && strings.HasPrefix(given, "arn:") {
		r = s.arns[given]
	}
	if r == nil || r.t != t || r.created+s.lag.Describe.Milliseconds() > s.w.Now().UnixMilli() {
		return nil, t.refusal(s, t.missing, notFound, key)
	}
	return r, nil
}

// update changes the members that a request names.
func update(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(r, o.t.updates, "Updating"); err != nil {
		return nil, err
	}
	if err := s.referred(o.t, in); err != nil {
		return nil, err
	}
	var apply func()
	if o.t.change != nil {
		if apply, err = o.t.change(s, r, in); err != nil {
			return nil, err
		}
	} else {
		r.doc = merged(r.doc, in, o.call.Effect == kind.Changes)
	}
	r.modified = s.w.Now().UnixMilli()
	if len(o.t.update) > 0 {
		s.begin(r, plan{phases: o.t.update, apply: apply})
	}
	return s.face(r, o.sig.out, seconds), nil
}

// merged is a document with another over it: members are replaced whole or, if
// deep, objects are merged.
func merged(base, over map[string]any, deep bool) map[string]any {
	out := maps.Clone(base)
	for name, v := range over {
		below, isObject := out[name].(map[string]any)
		if update, ok := v.(map[string]any); deep && ok && isObject {
			out[name] = merged(below, update, true)
			continue
		}
		out[name] = v
	}
	return out
}

// without is a document without a member.
func without(doc map[string]any, member string) map[string]any {
	out := maps.Clone(doc)
	delete(out, member)
	return out
}

// allowed refuses a call in the wrong status. The words are those of
// https://github.com/aws/amazon-sagemaker-examples/issues/1094 (notebook
// instances), https://github.com/awslabs/benchmark-ai/issues/928 (training jobs);
// the other kinds' are not confirmed.
func (s *SageMaker) allowed(r *resource, statuses []string, next string) error {
	switch {
	case statuses == nil && r.status != "Deleting" || slices.Contains(statuses, r.status):
		return nil
	case r.t.kind == kind.NotebookInstance:
		return refuse("ValidationException", "Status (%s) not in ([%s]). Unable to transition to (%s) for Notebook Instance (%s).",
			r.status, strings.Join(statuses, ", "), next, r.arn)
	case r.t.kind == kind.Endpoint && next == "Updating":
		return refuse("ValidationException", "Cannot update in-progress endpoint %q.", r.arn)
	case r.t.kind == kind.Endpoint || len(r.t.stop) == 0:
		return refuse("ValidationException", "The request was rejected because the %s %s is in status %s.", r.t.row.Words, r.arn, r.status)
	default:
		return refuse("ValidationException", "The request was rejected because the %s is in status %s.", r.t.row.Words, r.status)
	}
}

// start runs a resource again.
func start(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(r, o.t.starts, o.t.start[0].status); err != nil {
		return nil, err
	}
	r.ended, r.reason = 0, ""
	s.begin(r, plan{phases: o.t.start, begins: true})
	return s.face(r, o.sig.out, seconds), nil
}

// stop halts a resource.
func stop(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(r, o.t.stops, o.t.stop[0].status); err != nil {
		return nil, err
	}
	s.halt(r)
	return s.face(r, o.sig.out, seconds), nil
}

// halt stops a resource and what it started.
func (s *SageMaker) halt(r *resource) {
	s.begin(r, plan{phases: r.t.stop})
	if r.family == nil {
		return
	}
	live := false
	for _, child := range r.family.children {
		if slices.Contains(child.t.stops, child.status) {
			live = true
			s.halt(child)
		}
	}
	if next := r.family.next; !live && next != nil && r.t.stop[0].lasts == until {
		s.later(r, soon, next)
	}
}

// remove deletes a resource.
func remove(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(r, o.t.removes, "Deleting"); err != nil {
		return nil, err
	}
	for _, k := range o.t.contains {
		if other := s.dependent(r, k); other != nil {
			return nil, refuse(dependentCode(r.t.kind), "Unable to delete %s [%s] because %s(s) are associated with it.", r.t.row.Words, r.key, other.t.row.Words)
		}
	}
	out := s.face(r, o.sig.out, seconds)
	if o.sig.out.members["Success"] != nil {
		out["Success"] = true
	}
	s.begin(r, plan{phases: o.t.remove, gone: true})
	return out, nil
}

// dependentCode: a pipeline declares a conflict, all else that the resource is in use.
// https://github.com/boto/botocore/blob/develop/botocore/data/sagemaker/2017-07-24/service-2.json
func dependentCode(k kind.Kind) string {
	if k == kind.Pipeline {
		return "ConflictException"
	}
	return "ResourceInUse"
}

// dependent is something of a kind that is still there and refers to r.
func (s *SageMaker) dependent(r *resource, k kind.Kind) *resource {
	for other := range s.shelves[k].all.from(0, 0) {
		if other.status == "Deleted" || r.t.kind == kind.Pipeline && finished(other.status) {
			continue
		}
		for _, ref := range other.t.row.Refers {
			if ref.Kind == r.t.kind && slices.Contains(follow(other.doc, ref.Member), any(r.name)) &&
				(len(r.t.row.Key) == 1 || strings.HasPrefix(other.key, strings.TrimSuffix(r.key, r.name))) {
				return other
			}
		}
	}
	return nil
}
