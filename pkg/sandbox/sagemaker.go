package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// SageMaker is SageMaker AI: all kinds of pkg/kind, with their lives, events and
// records. Requests and responses have the shapes of the AWS SDK's model.
type SageMaker struct {
	w          *World
	operations map[string]*operation
	kinds      map[kind.Kind]*traits

	mu      sync.Mutex // holds what follows
	shelves map[kind.Kind]*shelf
	arns    map[string]*resource // but what was seeded
	seq     uint64
	effects []func() // what is to be done once mu is free
	denied  map[string]bool
	lengths map[string]time.Duration
	lag     Lag
	caller  string
}

// Lag is how long a new resource stays out of sight. How long it does in AWS is
// not documented; https://github.com/cloud-custodian/cloud-custodian/issues/11085
// tells of it.
type Lag struct {
	Describe time.Duration // until Describe, Update, Stop and Delete find it
	List     time.Duration // until lists and Search have it
	Tags     time.Duration // until ListTags has its tags
}

// operation is one operation that is answered.
type operation struct {
	name string
	t    *traits // nil where it is of no kind
	call *kind.Call
	sig  signature
	verb func(s *SageMaker, o *operation, c *call, in map[string]any) (map[string]any, error)
}

// writes says whether CloudTrail calls it a write.
func (o *operation) writes() bool {
	return !strings.HasPrefix(o.name, "Describe") && !strings.HasPrefix(o.name, "List") && o.name != "Search"
}

func newSageMaker(w *World) *SageMaker {
	s := &SageMaker{
		w: w, operations: map[string]*operation{}, kinds: map[kind.Kind]*traits{}, shelves: map[kind.Kind]*shelf{},
		arns: map[string]*resource{}, denied: map[string]bool{}, lengths: map[string]time.Duration{},
		caller: "arn:" + w.partition + ":sts::" + w.account + ":assumed-role/DataScience/ana",
	}
	shapes := model()
	for _, t := range kindTraits() {
		t.row, _ = kind.Of(t.kind)
		t.status = t.row.Describe.Status
		t.in = shapes[t.row.Calls[0].Name].in
		t.described = shapes[t.row.Describe.Name].out
		if under := t.described.members[t.row.Describe.Under]; under != nil {
			t.described = under
		}
		if name := t.row.Key[len(t.row.Key)-1]; !strings.Contains(name, "|") {
			t.named = name
		}
		if statuses := t.described.members[t.status]; statuses != nil {
			for _, v := range statuses.values {
				if strings.EqualFold(v, "failed") {
					t.failed = v
				}
			}
		}
		s.kinds[t.kind], s.shelves[t.kind] = t, newShelf(t)
		s.claim(t)
	}
	for name, verb := range map[string]verb{
		"AddTags": addTags, "DeleteTags": deleteTags, "ListTags": listTags, "Search": search,
		"DescribePipelineDefinitionForExecution": executionDefinition, "ListPipelineParametersForExecution": executionParameters,
		"ListPipelineExecutionSteps": executionSteps, "ListTrainingJobsForHyperParameterTuningJob": tuningChildren,
		"AttachClusterNodeNetworkInterface": attachInterface, "BatchAddClusterNodes": addNodes,
	} {
		o := s.operations[name]
		if o == nil {
			o = &operation{name: name, sig: shapes[name]}
			s.operations[name] = o
		}
		o.verb = verb
	}
	for name, k := range map[string]kind.Kind{
		"DescribePipelineDefinitionForExecution": kind.PipelineExecution, "ListPipelineParametersForExecution": kind.PipelineExecution,
		"ListPipelineExecutionSteps": kind.PipelineExecution, "ListTrainingJobsForHyperParameterTuningJob": kind.HyperParameterTuningJob,
	} {
		s.operations[name].t = s.kinds[k]
	}
	return s
}

// verb does what an operation does, with s.mu held.
type verb func(s *SageMaker, o *operation, c *call, in map[string]any) (map[string]any, error)

// claim finds the operations of a kind in its row.
func (s *SageMaker) claim(t *traits) {
	shapes := model()
	add := func(name string, call *kind.Call, v verb) {
		if s.operations[name] == nil && name != "Search" {
			s.operations[name] = &operation{name: name, t: t, call: call, sig: shapes[name], verb: v}
		}
	}
	for i := range t.row.Calls {
		call := &t.row.Calls[i]
		switch call.Effect {
		case kind.Creates:
			add(call.Name, call, create)
		case kind.Replaces, kind.Changes:
			add(call.Name, call, update)
		case kind.Runs:
			add(call.Name, call, start)
		}
	}
	for _, name := range t.row.Deletes {
		add(name, nil, remove)
	}
	for _, name := range t.row.Stops {
		add(name, nil, stop)
	}
	for _, name := range t.row.Lists {
		add(name, nil, list)
	}
	add(t.row.Describe.Name, nil, describe)
	if t.kind == kind.AutoMLJob {
		add("DescribeAutoMLJob", nil, describe)
	}
}

// SageMaker is SageMaker AI in this world.
func (w *World) SageMaker() *SageMaker {
	s, _ := w.services["sagemaker"].(*SageMaker)
	return s
}

func (s *SageMaker) serve(c *call) (any, error) {
	s.mu.Lock()
	out, err := s.perform(c)
	s.release()
	if err != nil {
		return nil, err
	}
	return out, nil
}

// release frees the lock, and then does what was to be done.
func (s *SageMaker) release() {
	effects := s.effects
	s.effects = nil
	s.mu.Unlock()
	for _, f := range effects {
		f()
	}
}

// perform does one call, with the lock held. The record of the call comes before
// what follows from it.
func (s *SageMaker) perform(c *call) (map[string]any, error) {
	o := s.operations[c.Operation]
	if o == nil {
		return nil, refuse("UnknownOperationException", "the sandbox does not know the operation %q of SageMaker AI", c.Operation)
	}
	before := len(s.effects)
	request, out, err := s.attempt(o, c)
	if o.writes() {
		code := ""
		if err != nil {
			code = outcome(err)
		}
		if code == "AccessDeniedException" {
			// CloudTrail writes it so for most services; for SageMaker that is not confirmed.
			code = "AccessDenied"
		}
		var response map[string]any
		if err == nil && len(out) > 0 {
			response = out
		}
		s.effects = slices.Insert(s.effects, before, func() { s.w.trail(c, request, response, code) })
	}
	return out, err
}

// attempt checks a call and does it. request is what CloudTrail has of it.
func (s *SageMaker) attempt(o *operation, c *call) (request, out map[string]any, err error) {
	if s.denied[o.name] {
		return c.Input, nil, &Error{
			Code: "AccessDeniedException", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("User: %s is not authorized to perform: sagemaker:%s on resource: %s with an explicit deny in a service control policy",
				c.Caller, o.name, s.resourceOf(o, c.Input)),
		}
	}
	var r reading
	in, err := r.readStructure(o.sig.in, c.Input, nil)
	if err == nil {
		err = r.err()
	}
	if err != nil {
		return c.Input, nil, err
	}
	out, err = o.verb(s, o, c, in)
	if err == nil && o.name == "CreateTrainingJob" {
		// As in a record of 2026; what is added to other requests is not known.
		// https://github.com/fotso94/medzen-platform/blob/73638e06/tests/fixtures/aws/cloudtrail-createtrainingjob-arm1-real.json
		in = merged(o.t.defaults, in, false)
		in["TrainingJobArn"] = out["TrainingJobArn"]
	}
	return in, out, err
}

// resourceOf is the ARN that a denied call would have been about, or "*".
func (s *SageMaker) resourceOf(o *operation, in map[string]any) string {
	if o.t == nil || o.t.newKey != nil || o.t.hidden {
		return "*"
	}
	if key, _ := o.t.keyOf(in); key != "" {
		return o.t.arn(s, key)
	}
	return "*"
}

// Create calls an operation, of those that create or any other, as the user of
// [SageMaker.SetCaller], without a connection. A ClientRequestToken is filled in
// as the SDK does.
func (s *SageMaker) Create(operation string, input map[string]any) (map[string]any, error) {
	if sig, ok := model()[operation]; ok && sig.in.members["ClientRequestToken"] != nil && input["ClientRequestToken"] == nil {
		with := map[string]any{"ClientRequestToken": s.w.uuid()}
		maps.Copy(with, input)
		input = with
	}
	s.mu.Lock()
	out, err := s.perform(&call{Service: "sagemaker", Operation: operation, Input: input, Caller: s.caller, requestID: s.w.uuid()})
	s.release()
	return out, err
}

// SetCaller sets who [SageMaker.Create] calls as: the ARN of a role's session.
func (s *SageMaker) SetCaller(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caller = arn
}

// Deny refuses an operation from now on, as a service control policy would.
// Allow takes that back.
func (s *SageMaker) Deny(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[operation] = true
}

// Allow ends what [SageMaker.Deny] began.
func (s *SageMaker) Allow(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.denied, operation)
}

// SetLag sets how long what is created from now on stays out of sight.
func (s *SageMaker) SetLag(lag Lag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = lag
}

// RunFor sets how long the work of a resource lasts that is not at work yet; with
// an empty key, that of all of the kind without a length of their own. A negative
// length has no end.
func (s *SageMaker) RunFor(k kind.Kind, key string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lengths[string(k)+"/"+key] = d
}

// Status is the status of a resource; ok is false where there is none of the
// name. Key is as in [kind.Row.KeyOf].
func (s *SageMaker) Status(k kind.Kind, key string) (status string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shelf := s.shelves[k]
	if shelf == nil || shelf.items[key] == nil {
		return "", false
	}
	return shelf.items[key].status, true
}

// Resource names a resource and its status.
type Resource struct {
	Kind   kind.Kind
	Key    string
	ARN    string
	Status string
}

// Running lists what runs, or is on its way to, of the kinds that can be stopped.
func (s *SageMaker) Running() []Resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Resource
	for _, row := range kind.Table() {
		if len(row.Stops) == 0 {
			continue
		}
		shelf := s.shelves[row.Kind]
		for _, status := range sortedKeys(shelf.byStatus) {
			if finished(status) {
				continue
			}
			for r := range shelf.byStatus[status].from(0, 0) {
				out = append(out, Resource{row.Kind, r.key, r.arn, r.status})
			}
		}
	}
	return out
}

// Fail has a resource fail: an update of an endpoint is rolled back; all else
// takes its kind's status for what failed. It is false where there is no such
// resource, or it cannot fail any more.
func (s *SageMaker) Fail(k kind.Kind, key string) bool {
	s.mu.Lock()
	defer s.release()
	r := s.shelves[k].items[key]
	switch {
	case r == nil || finished(r.status) || r.t.failed == "":
		return false
	case r.status == "Updating" && k == kind.Endpoint:
		r.doc = without(r.doc, pending)
		s.begin(r, plan{phases: []phase{{"RollingBack", "", launch}, {"InService", "", 0}}})
	default:
		r.reason = "InternalServerError: We encountered an internal error. Please try again."
		failed := phase{status: r.t.failed}
		if r.t.secondary != "" {
			failed.secondary = "Failed"
		}
		s.begin(r, plan{phases: []phase{failed}})
	}
	return true
}

// SeedFinished puts n finished resources in place at once, without records and
// events, created one a second until now. Input is the request of an operation
// that creates; its name is followed by a number.
func (s *SageMaker) SeedFinished(operation string, input map[string]any, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.operations[operation]
	if o == nil || o.call == nil || o.call.Effect != kind.Creates || o.t.newKey != nil || o.t.named == "" {
		return fmt.Errorf("seed %s: only operations that create something of a given name can be seeded", operation)
	}
	var r reading
	doc, err := r.readStructure(o.sig.in, input, nil)
	if err == nil {
		err = r.err()
	}
	if err != nil {
		return err
	}
	template := &resource{t: o.t, doc: doc}
	template.key, template.name = o.t.keyOf(doc)
	if err = o.t.complete(s, template); err != nil {
		return err
	}
	end := phase{}
	if len(o.t.create) > 0 {
		end = o.t.create[len(o.t.create)-1]
	}
	outer := strings.TrimSuffix(template.key, template.name)
	now := s.w.Now().UnixMilli()
	shelf := s.shelves[o.t.kind]
	for i := range n {
		s.seq++
		name := fmt.Sprintf("%s-%07d", template.name, i)
		at := now - int64(n-i)*1000
		shelf.add(&resource{
			t: o.t, key: outer + name, name: name, arn: o.t.arn(s, outer+name), doc: doc, tags: template.tags, seeded: true,
			status: end.status, secondary: end.secondary, created: at, modified: at + 500, began: at, ended: at + 500, seq: s.seq,
		})
	}
	return nil
}

// id is a random id as SageMaker has them, twelve letters and digits.
func (s *SageMaker) id() string { return strings.ReplaceAll(s.w.uuid(), "-", "")[:12] }

// finished says whether nothing runs any more in a status.
func finished(status string) bool {
	switch strings.ToLower(status) {
	case "completed", "failed", "stopped", "succeeded", "deleted", "expired", "completedwithfailures":
		return true
	}
	return false
}

// keyOf is [kind.Row.KeyOf] of a request.
func (t *traits) keyOf(in map[string]any) (key, name string) {
	parts := make([]string, 0, 4)
	for _, alternatives := range t.row.Key {
		found := ""
		for member := range strings.SplitSeq(alternatives, "|") {
			if v, ok := in[member].(string); ok && found == "" {
				found = v
			}
		}
		if found == "" {
			return "", ""
		}
		if arn, ok := kind.ParseARN(found); ok {
			found = arn.ID
		}
		parts = append(parts, found)
	}
	return strings.Join(parts, "/"), parts[len(parts)-1]
}

// arn is the ARN of the resource with a key.
func (t *traits) arn(s *SageMaker, key string) string {
	prefix, _, _ := strings.Cut(t.row.Resource, "{")
	if prefix == "" {
		prefix = string(t.kind) + "/"
	}
	if t.lower {
		key = strings.ToLower(key)
	}
	return s.w.arn("sagemaker", prefix+key)
}

// refusal is an error about a name.
func (t *traits) refusal(s *SageMaker, text, otherwise refusalText, key string) error {
	if text.code == "" {
		text = otherwise
	}
	words := t.row.Words
	return refuse(text.code, "%s", strings.NewReplacer(
		"{arn}", t.arn(s, key), "{name}", last(key), "{words}", words, "{Words}", strings.ToUpper(words[:1])+words[1:],
	).Replace(text.message))
}

// last is what follows the last slash.
func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
