package evaluate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestNativeOfAnother: an event of SageMaker's own about a resource that took the
// name is not taken for the one that is known, though nobody told that it was
// made anew.
func TestNativeOfAnother(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	b.told("CreateModel")
	b.told("SageMaker Model State Change")
	b.says("model/m", "b-vpc PASSED live")
	b.pass(time.Hour)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.events = nil
	b.model("m", false)
	b.pass(time.Minute)
	b.told("SageMaker Model State Change")
	b.says("model/m", "b-internet FAILED live")
}

// TestDeniedAnew: what was known of an older resource of the name does not stand
// for one whose record is cut, and that nobody may look at.
func TestDeniedAnew(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	b.told("CreateModel")
	b.pass(time.Hour)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.events = nil
	b.world.FailEvents(sandbox.EventFaults{Omit: 1})
	b.model("m", false)
	b.deny("DescribeModel")
	b.told("CreateModel")
	b.says("model/m", "unknown WARNING live")
}

// TestDeniedByNewRules: what passed by other rules, and cannot be looked at by
// those in force, is not known to pass.
func TestDeniedByNewRules(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	b.told("CreateModel")
	b.pass(time.Hour)
	b.deny("DescribeModel")
	b.looked(kind.Model, "m")
	b.says("model/m", "b-vpc PASSED live") // as good as ever
	b.use("version: 1\nrules:\n  isolation-required: on\n")
	b.looked(kind.Model, "m")
	b.says("model/m", "unknown WARNING live")
}

// TestStale: a Describe call right after a change may answer as of before. It is
// asked again until it tells the change.
func TestStale(t *testing.T) {
	b := newBed(t)
	id := b.domain("VpcOnly")
	b.told("CreateDomain")
	b.pass(time.Hour)
	b.says("domain/"+id, "b-vpc PASSED live")
	var old []byte
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
		if operation == "DescribeDomain" && old == nil {
			old = r.Body
		}
		return r
	}
	b.looked(kind.Domain, id)
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
		if operation == "DescribeDomain" {
			return &awsjson.Response{Body: old, Date: r.Date}
		}
		return r
	}
	b.do("UpdateDomain", map[string]any{"DomainId": id, "AppNetworkAccessType": "PublicInternetOnly"})
	change := b.event("UpdateDomain")
	b.pass(3 * time.Second)
	if _, err := b.Record(t.Context(), change, 2*time.Second); !errors.Is(err, evaluate.ErrNotYet) {
		t.Errorf("what SageMaker said before a change was taken for what it is after: %v", err)
	}
	b.pass(10 * time.Minute)
	b.twist = nil
	if _, err := b.Record(t.Context(), change, time.Second); err != nil {
		t.Error(err)
	}
	b.says("domain/"+id, "c FAILED live")
}

// TestUnderWay: while a change is being made the old configuration may be told.
func TestUnderWay(t *testing.T) {
	b := newBed(t)
	id := b.domain("VpcOnly")
	b.told("CreateDomain")
	b.pass(time.Hour)
	b.do("UpdateDomain", map[string]any{"DomainId": id, "AppNetworkAccessType": "PublicInternetOnly"})
	change := b.event("UpdateDomain")
	b.twist = func(_ string, r *awsjson.Response) *awsjson.Response {
		body := strings.NewReplacer("PublicInternetOnly", "VpcOnly", "InService", "Updating").Replace(string(r.Body))
		return &awsjson.Response{Body: []byte(body), Date: r.Date}
	}
	b.pass(3 * time.Second)
	if _, err := b.Record(t.Context(), change, 2*time.Second); !errors.Is(err, evaluate.ErrNotYet) {
		t.Errorf("what is being changed counts as changed: %v", err)
	}
	b.pass(visible)
	if _, err := b.Record(t.Context(), change, visible+2*time.Second); err != nil {
		t.Errorf("it is not waited for ever: %v", err)
	}
}

// TestNotSeenYet: that a resource cannot be found does not tell that one which was
// made a moment ago is gone.
func TestNotSeenYet(t *testing.T) {
	b := newBed(t)
	b.model("m", false)
	b.told("CreateModel")
	b.pass(time.Hour)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.told("DeleteModel")
	b.says("model/m", "b-internet FAILED gone")
	b.pass(10 * time.Second)
	b.world.SageMaker().SetLag(sandbox.Lag{Describe: 45 * time.Second})
	b.events = nil
	b.model("m", false)
	b.pass(2 * time.Second)
	b.looked(kind.Model, "m") // not to be found yet
	b.told("CreateModel")
	b.says("model/m", "b-internet FAILED live")
}

// TestClocks: SageMaker's clock may be wrong, or not told.
func TestClocks(t *testing.T) {
	for name, skew := range map[string]time.Duration{"slow": -5 * time.Minute, "fast": 5 * time.Minute, "none": 0} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.twist = func(_ string, r *awsjson.Response) *awsjson.Response {
				out := *r
				if out.Date = r.Date.Add(skew); skew == 0 {
					out.Date = time.Time{}
				}
				return &out
			}
			b.pass(300 * time.Millisecond)
			b.model("m", true)
			b.events = nil
			b.pass(time.Second)
			b.looked(kind.Model, "m")
			b.says("model/m", "b-vpc PASSED live")
			b.pass(time.Minute)
			b.config("c", "m")
			b.told("CreateEndpointConfig")
			b.says("endpoint-config/c", "b-vpc PASSED live")
			// Another one of the name, a minute later.
			b.pass(time.Minute)
			b.do("DeleteModel", map[string]any{"ModelName": "m"})
			b.told("DeleteModel")
			b.model("m", false)
			record := b.event("CreateModel")
			if _, err := b.Record(t.Context(), record, time.Second); !errors.Is(err, evaluate.ErrNotYet) {
				t.Errorf("deleted and made within one second: %v", err)
			}
			b.says("model/m", "b-internet FAILED live")
			b.pass(6 * time.Minute) // a clock that is slow takes that long to be past it
			if _, err := b.Record(t.Context(), record, 6*time.Minute); err != nil {
				t.Error(err)
			}
			if e := b.says("model/m", "b-internet FAILED live"); e.Unsettled() {
				t.Error("a later look does not settle it")
			}
			b.pass(time.Second)
			b.config("d", "m")
			b.told("CreateEndpointConfig")
			b.says("endpoint-config/d", "b-internet FAILED live")
		})
	}
}

// TestSameSecond: without a clock of SageMaker's, what was looked at in the second
// in which another resource took the name does not stand for that.
func TestSameSecond(t *testing.T) {
	b := newBed(t)
	b.twist = func(_ string, r *awsjson.Response) *awsjson.Response { return &awsjson.Response{Body: r.Body} }
	b.model("m", true)
	b.told("CreateModel")
	b.pass(time.Hour + 500*time.Millisecond)
	b.looked(kind.Model, "m")
	b.pass(200 * time.Millisecond)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.events = nil
	b.model("m", false)
	record := b.event("CreateModel")
	_, err := b.Record(t.Context(), record, time.Second)
	if !errors.Is(err, evaluate.ErrNotYet) && err != nil {
		t.Fatal(err)
	}
	b.says("model/m", "b-internet FAILED live")
}

// TestLateTags: right after a creation ListTags may not have all tags. What they
// tighten is not taken to be untightened.
func TestLateTags(t *testing.T) {
	b := newBed(t)
	b.use("version: 1\noverrides:\n  - match: {tags: {data: secret}}\n    rules: {isolation-required: on}\n")
	b.world.SageMaker().SetLag(sandbox.Lag{Tags: 30 * time.Second})
	b.job("j", true, map[string]any{"Tags": []any{map[string]any{"Key": "data", "Value": "secret"}}})
	b.pass(time.Second)
	// A hint, or an event that tells no tags.
	row, _ := kind.Of(kind.TrainingJob)
	if e, err := b.Look(t.Context(), row, "j"); err == nil && e.Verdict.Compliance == rules.Passed {
		t.Error("it passes by tags that were not there yet")
	}
	b.pass(3 * time.Minute)
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "b-vpc FAILED live")
}

// TestTags: tags that cannot be had for a moment are asked for again; those that
// may not be had are not known.
func TestTags(t *testing.T) {
	b := newBed(t)
	b.use("version: 1\noverrides:\n  - match: {tags: {data: secret}}\n    rules: {isolation-required: on}\n")
	b.job("j", true, nil)
	b.pass(5 * time.Minute)
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "ListTags", Kind: sandbox.Unavailable, Times: 3})
	row, _ := kind.Of(kind.TrainingJob)
	if _, err := b.Look(t.Context(), row, "j"); err == nil || errors.Is(err, evaluate.ErrNotYet) {
		t.Errorf("a failure that passes: %v", err)
	}
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "b-vpc PASSED live")
	b.deny("ListTags")
	b.pass(time.Minute)
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "b-vpc WARNING live")
}

// TestRoleLater: an exception for a role counts as soon as it is known who made
// the resource, though it was looked at before.
func TestRoleLater(t *testing.T) {
	b := newBed(t)
	b.use("version: 1\nexceptions:\n  - id: x\n    owner: o\n    reason: r\n    expires: 2027-01-01\n    rules: [no-own-internet]\n    match: {roles: [\"arn:aws:iam::111122223333:role/Data\"], kinds: [training-job]}\n")
	b.world.SageMaker().SetCaller("arn:aws:sts::111122223333:assumed-role/Data/ana")
	b.job("j", false, nil)
	b.pass(2 * time.Second)
	b.told("SageMaker Training Job State Change")
	b.says("training-job/j", "b-internet FAILED live")
	b.pass(2 * time.Minute)
	b.told("CreateTrainingJob")
	b.says("training-job/j", "b-internet PASSED live")
}

// raced is a ledger that something else is written to, once, after it was read and
// before it is written.
type raced struct {
	ledger.Store
	meanwhile func()
}

// PutEntry implements [ledger.Store].
func (r *raced) PutEntry(ctx context.Context, e *ledger.Entry) error {
	if do := r.meanwhile; do != nil {
		r.meanwhile = nil
		do()
	}
	return r.Store.PutEntry(ctx, e)
}

// TestRoleMeanwhile: an exception for a role counts too where the record of the
// creation and an event of SageMaker's own are judged at the same time, whichever
// is written first.
func TestRoleMeanwhile(t *testing.T) {
	for _, first := range []string{"CreateTrainingJob", "SageMaker Training Job State Change"} {
		b := newBed(t)
		b.use("version: 1\nexceptions:\n  - id: x\n    owner: o\n    reason: r\n    expires: 2027-01-01\n    rules: [no-own-internet]\n    match: {roles: [\"arn:aws:iam::111122223333:role/Data\"], kinds: [training-job]}\n")
		b.world.SageMaker().SetCaller("arn:aws:sts::111122223333:assumed-role/Data/ana")
		b.job("j", false, nil)
		b.pass(2 * time.Second)
		record, native := b.event("CreateTrainingJob"), b.event("SageMaker Training Job State Change")
		second := native
		if first == native.Source.Event {
			second = record
		}
		plain := b.Store
		b.Store = &raced{plain, func() {
			b.Store = plain
			one := record
			if second == record {
				one = native
			}
			if _, err := b.Record(t.Context(), one, 2*time.Second); err != nil {
				t.Error(err)
			}
		}}
		_, err := b.Record(t.Context(), second, 2*time.Second)
		if errors.Is(err, evaluate.ErrNotYet) { // two looks within a second: it comes again
			b.pass(10 * time.Second)
			_, err = b.Record(t.Context(), second, 12*time.Second)
		}
		if err != nil {
			t.Error(err)
		}
		if e := b.says("training-job/j", "b-internet PASSED live"); e.Verdict.Exception != "x" {
			t.Errorf("%s first: exception %q", first, e.Verdict.Exception)
		}
	}
}

// TestOwner: what is wrong with a domain is said by the domain's finding, which
// has to say it.
func TestOwner(t *testing.T) {
	b := newBed(t)
	id := b.domain("VpcOnly")
	b.told("CreateDomain")
	b.pass(time.Hour)
	b.do("UpdateDomain", map[string]any{"DomainId": id, "AppNetworkAccessType": "PublicInternetOnly"})
	b.events = nil // nobody tells
	b.pass(time.Hour)
	b.do("CreateUserProfile", map[string]any{"DomainId": id, "UserProfileName": "ana"})
	b.pass(time.Minute)
	e := b.told("CreateUserProfile")
	if e.Verdict.Compliance != rules.Failed || e.Verdict.Notice.Owner != "domain/"+id || e.Verdict.Finding != nil {
		t.Errorf("the profile: %s, owner %q, finding of %d bytes", e.Verdict.Compliance, e.Verdict.Notice.Owner, len(e.Verdict.Finding))
	}
	b.says("domain/"+id, "c FAILED live")
	// Where it does not say it, what is owned speaks for itself.
	b.use("version: 1\noverrides:\n  - match: {kinds: [domain]}\n    rules: {no-bridge: off}\n")
	b.looked(kind.Domain, id)
	b.says("domain/"+id, "c PASSED live")
	b.pass(time.Minute)
	e = b.looked(kind.UserProfile, id+"/ana")
	if e.Verdict.Compliance != rules.Failed || e.Verdict.Notice.Owner != "" || e.Verdict.Finding == nil {
		t.Errorf("the profile: %s, owner %q, finding of %d bytes", e.Verdict.Compliance, e.Verdict.Notice.Owner, len(e.Verdict.Finding))
	}
	// Whoever only looks may not write, not even of the owner.
	b.pass(time.Minute)
	memory := b.Store.(*ledger.Memory)
	memory.Drain()
	fresh, err := b.Fresh(t.Context(), e)
	if err != nil || fresh.Verdict.Compliance != rules.Failed {
		t.Errorf("%+v, %v", fresh, err)
	}
	for _, c := range memory.Drain() {
		t.Errorf("a look wrote of %s", c.NewEntry.Resource)
	}
}

// TestClusterByARN: a call may name a cluster by its ARN, which has its id and
// not its name.
func TestClusterByARN(t *testing.T) {
	b := newBed(t)
	arn := b.cluster("hyper")
	b.told("CreateCluster")
	b.says("cluster/hyper", "b-internet FAILED live")
	b.pass(time.Hour)
	b.do("AttachClusterNodeNetworkInterface", map[string]any{"ClusterName": arn, "NodeId": "i-0123456789abcdef0", "NetworkInterfaceId": "eni-0a1b2c3d4e5f60718"})
	b.pass(time.Second)
	if _, err := b.tell("AttachClusterNodeNetworkInterface", time.Hour); err != nil {
		t.Fatal(err)
	}
	b.says("cluster/hyper", "c FAILED live")
	b.pass(time.Minute)
	b.looked(kind.Cluster, arn[strings.LastIndexByte(arn, '/')+1:])
	b.says("cluster/hyper", "c FAILED live")
	b.pass(time.Hour)
	b.do("DeleteCluster", map[string]any{"ClusterName": arn})
	b.pass(time.Second)
	if _, err := b.tell("DeleteCluster", time.Hour); err != nil {
		t.Fatal(err)
	}
	b.says("cluster/hyper", "c FAILED gone")
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	b.says("cluster/"+id, "")
}

// TestTogether: a script makes a model, a configuration and an endpoint within one
// second.
func TestTogether(t *testing.T) {
	b := newBed(t)
	b.pass(100 * time.Millisecond)
	b.model("m", true)
	b.pass(300 * time.Millisecond)
	b.config("c", "m")
	b.pass(300 * time.Millisecond)
	b.do("CreateEndpoint", map[string]any{"EndpointName": "e", "EndpointConfigName": "c"})
	b.pass(10 * time.Minute)
	b.told("CreateEndpointConfig")
	b.told("CreateEndpoint")
	b.says("endpoint-config/c", "b-vpc PASSED live")
	b.says("endpoint/e", "b-vpc PASSED live")
}

// TestEndsUnseen: a job that nobody may look at ends when its event says so, and
// stays ended.
func TestEndsUnseen(t *testing.T) {
	b := newBed(t)
	b.deny("DescribeTrainingJob")
	b.job("j", true, nil)
	b.pass(2 * time.Hour)
	for i := range b.events {
		if strings.Contains(string(b.events[i]), `"CreateTrainingJob"`) {
			b.events = append(b.events[:i:i], b.events[i+1:]...)
			break
		}
	}
	for len(b.events) > 0 {
		b.told("SageMaker Training Job State Change")
	}
	b.says("training-job/j", "unknown WARNING ended")
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "unknown WARNING ended")
}

// TestOpenAndDenied: what is left open and cannot be looked at is tried again, and
// not within the same call for ever.
func TestOpenAndDenied(t *testing.T) {
	b := newBed(t)
	b.deny("DescribeModel")
	b.job("j", true, nil)
	b.model("m", true)
	b.told("CreateModel")
	b.pass(time.Hour)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.events = nil
	b.model("m", true)
	gone := b.event("CreateModel")
	gone.Deletes = true // in the same second
	if _, err := b.Record(t.Context(), gone, time.Second); err != nil {
		t.Fatal(err)
	}
	gone.Deletes = false
	for range 2 {
		if _, err := b.Record(t.Context(), gone, time.Second); !errors.Is(err, evaluate.ErrNotYet) {
			t.Errorf("gone and there in one second: %v", err)
		}
	}
	b.says("model/m", "b-vpc PASSED live")
}

// TestSpelling: the Amazon Resource Names of some kinds have their names in small
// letters. What is told by such a name is told of the resource itself.
func TestSpelling(t *testing.T) {
	b := newBed(t)
	b.do("CreateEndpointConfig", map[string]any{"EndpointConfigName": "C", "ProductionVariants": []any{map[string]any{
		"VariantName": "v", "ModelName": b.model("m", true), "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}})
	b.told("CreateEndpointConfig")
	row, _ := kind.Of(kind.EndpointConfig)
	body := ""
	b.twist = func(_ string, r *awsjson.Response) *awsjson.Response {
		if strings.Contains(string(r.Body), "EndpointConfigName") {
			body = string(r.Body)
		}
		return r
	}
	b.pass(time.Minute)
	b.looked(kind.EndpointConfig, "C")
	b.do("CreateEndpointConfig", map[string]any{"EndpointConfigName": "c", "ProductionVariants": []any{map[string]any{
		"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
	}}})
	// SageMaker finds the one, whichever way it is written.
	b.twist = func(_ string, r *awsjson.Response) *awsjson.Response {
		if strings.Contains(string(r.Body), "EndpointConfigName") {
			return &awsjson.Response{Body: []byte(body), Date: r.Date}
		}
		return r
	}
	b.pass(time.Minute)
	e, err := b.Look(t.Context(), row, "c")
	if err != nil || e.Resource != "endpoint-config/C" {
		t.Errorf("%v, %v", e, err)
	}
	b.says("endpoint-config/c", "")
}

// TestChangedUnseen: what passed does not pass any more where it was changed, and
// nobody may look.
func TestChangedUnseen(t *testing.T) {
	b := newBed(t)
	b.use("version: 1\nrules:\n  interactive-access: on\n")
	b.job("j", true, map[string]any{"RemoteDebugConfig": map[string]any{"EnableRemoteDebug": false}})
	b.told("CreateTrainingJob")
	b.says("training-job/j", "b-vpc PASSED live")
	b.pass(time.Minute)
	b.do("UpdateTrainingJob", map[string]any{"TrainingJobName": "j", "RemoteDebugConfig": map[string]any{"EnableRemoteDebug": true}})
	b.deny("DescribeTrainingJob")
	b.told("UpdateTrainingJob")
	b.says("training-job/j", "unknown WARNING live")
	b.world.Heal()
	b.pass(time.Minute)
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "b-vpc FAILED live")
}

// TestCameAndWent: what cannot be found any more, or never could, is judged by its
// record where there is one.
func TestCameAndWent(t *testing.T) {
	b := newBed(t)
	b.cluster("c")
	b.do("DeleteCluster", map[string]any{"ClusterName": "c"})
	b.pass(10 * time.Minute)
	record := b.event("CreateCluster")
	if _, err := b.Record(t.Context(), record, time.Second); !errors.Is(err, evaluate.ErrNotYet) {
		t.Errorf("it may be found in a moment: %v", err)
	}
	if _, err := b.Record(t.Context(), record, visible); err != nil {
		t.Error(err)
	}
	b.says("cluster/c", "b-internet FAILED gone")
	// Of what nobody ever told there is nothing to say.
	if e := b.looked(kind.Model, "never"); e != nil {
		t.Errorf("%+v", e)
	}
	// What is not found a moment after it was there is asked for again.
	b.model("m", false)
	b.told("CreateModel")
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.pass(time.Second)
	row, _ := kind.Of(kind.Model)
	if _, err := b.Look(t.Context(), row, "m"); !errors.Is(err, evaluate.ErrNotYet) {
		t.Errorf("not found: %v", err)
	}
	b.pass(visible)
	b.looked(kind.Model, "m")
	b.says("model/m", "b-internet FAILED gone")
}

// TestReferences: what is referred to and cannot be looked at is not known, and
// what fails for a moment is asked for again.
func TestReferences(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	b.config("c", "m")
	record := b.event("CreateEndpointConfig")
	b.pass(time.Second)
	b.world.Fail(sandbox.Fault{Service: "sagemaker", Operation: "DescribeModel", Kind: sandbox.Throttle, Times: 3})
	if e, err := b.Record(t.Context(), record, time.Second); err == nil || errors.Is(err, evaluate.ErrNotYet) || e != nil {
		t.Errorf("throttled: %+v, %v", e, err)
	}
	b.world.SageMaker().SetLag(sandbox.Lag{Describe: time.Minute})
	if e, err := b.Record(t.Context(), record, time.Second); !errors.Is(err, evaluate.ErrNotYet) || e != nil {
		t.Errorf("not to be seen: %+v, %v", e, err)
	}
	b.says("endpoint-config/c", "")
	b.world.SageMaker().SetLag(sandbox.Lag{})
	b.deny("DescribeModel")
	if _, err := b.Record(t.Context(), record, time.Second); err != nil {
		t.Error(err)
	}
	b.says("endpoint-config/c", "unknown WARNING live")
	b.world.Heal()
	b.pass(time.Minute)
	b.looked(kind.EndpointConfig, "c")
	b.says("endpoint-config/c", "b-vpc PASSED live")
}

// TestExecution: each of the calls that tell of a pipeline's execution may be
// refused, and then nothing passes.
func TestExecution(t *testing.T) {
	for _, operation := range []string{"DescribePipelineExecution", "DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution"} {
		b := newBed(t)
		definition, err := json.Marshal(map[string]any{"Version": "2020-12-01", "Steps": []any{map[string]any{"Name": "T", "Type": "Training", "Arguments": map[string]any{
			"RoleArn": role, "AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
			"OutputDataConfig": map[string]any{"S3OutputPath": "s3://b/o"}, "StoppingCondition": map[string]any{"MaxRuntimeInSeconds": 3600},
			"ResourceConfig": map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}, "VpcConfig": vpc(),
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		b.do("CreatePipeline", map[string]any{"PipelineName": "p", "RoleArn": role, "PipelineDefinition": string(definition)})
		out := b.do("StartPipelineExecution", map[string]any{"PipelineName": "p"})
		arn, _ := out["PipelineExecutionArn"].(string)
		_, key, _ := strings.Cut(arn, ":pipeline/")
		b.pass(time.Second)
		b.deny(operation)
		e := b.told("StartPipelineExecution")
		if e.Verdict.Compliance != rules.Warning || e.Resource != "pipeline-execution/"+key {
			t.Errorf("%s denied: %s of %s", operation, e.Verdict.Compliance, e.Resource)
		}
		b.world.Heal()
		b.pass(time.Second)
		b.looked(kind.PipelineExecution, key)
		b.says("pipeline-execution/"+key, "b-vpc PASSED live")
		// That a part of it is not found does not tell that it is gone.
		b.pass(10 * time.Minute)
		if b.lost = operation; operation != "DescribePipelineExecution" {
			b.looked(kind.PipelineExecution, key)
			b.says("pipeline-execution/"+key, "unknown WARNING live")
		}
	}
}

// TestNoRules: where there are no rules nothing is judged, and nothing is written.
func TestNoRules(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	b.failed = errors.New("no rules")
	for _, word := range []string{"SageMaker Model State Change", "CreateModel"} {
		if e, err := b.tell(word, time.Second); err == nil || e != nil {
			t.Errorf("%s: %+v, %v", word, e, err)
		}
	}
	b.deny("DescribeModel")
	row, _ := kind.Of(kind.Model)
	if _, err := b.Look(t.Context(), row, "m"); err == nil {
		t.Error("judged without rules")
	}
	b.says("model/m", "")
}

// contested is a ledger that somebody else writes to all the time.
type contested struct {
	ledger.Store
	left int
}

func (c *contested) PutEntry(ctx context.Context, e *ledger.Entry) error {
	if c.left--; c.left >= 0 {
		return ledger.ErrConflict
	}
	return c.Store.PutEntry(ctx, e)
}

// TestContested: a write that somebody else came before is made anew, and what
// cannot be written is never taken for written.
func TestContested(t *testing.T) {
	b := newBed(t)
	b.model("m", true)
	record := b.event("CreateModel")
	store := &contested{b.Store, 9}
	b.Store = store
	if _, err := b.Record(t.Context(), record, time.Second); err != nil {
		t.Error(err)
	}
	b.says("model/m", "b-vpc PASSED live")
	store.left = 1000
	b.pass(time.Minute)
	row, _ := kind.Of(kind.Model)
	if _, err := b.Look(t.Context(), row, "m"); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("%v", err)
	}
}

// TestFresh: a look that is not written.
func TestFresh(t *testing.T) {
	b := newBed(t)
	b.model("m", false)
	b.pass(time.Minute)
	old := b.told("CreateModel")
	e, err := b.Fresh(t.Context(), old)
	if err != nil || e.Verdict.Compliance != rules.Failed || !e.Verdict.Described || e.Version != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if after := b.says("model/m", "b-internet FAILED live"); after.Version != old.Version {
		t.Error("it was written")
	}
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	if _, err := b.Fresh(t.Context(), old); !errors.Is(err, live.ErrMissing) {
		t.Errorf("%v", err)
	}
	if _, err := b.Fresh(t.Context(), &ledger.Entry{Resource: "moon-base/1"}); err == nil {
		t.Error("a kind that is none")
	}
	record := b.event("SageMaker Model State Change")
	record.Key = ""
	if _, err := b.Record(t.Context(), record, time.Second); err == nil {
		t.Error("a record that names nothing")
	}
}

// TestSecrets: nothing of what a resource was given in confidence is kept.
func TestSecrets(t *testing.T) {
	const secret = "hunter2-hunter2"
	b := newBed(t)
	b.use("version: 1\noverrides:\n  - match: {tags: {data: open}}\n    rules: {isolation-required: on}\n")
	more := map[string]any{
		"Environment": map[string]any{"TOKEN": secret}, "HyperParameters": map[string]any{"password": secret},
		"Tags": []any{map[string]any{"Key": "data", "Value": secret}},
	}
	b.job("j", false, more)
	b.told("CreateTrainingJob")
	b.pass(5 * time.Minute)
	b.looked(kind.TrainingJob, "j")
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
		if operation == "DescribeTrainingJob" {
			return &awsjson.Response{Body: append(r.Body, secret...), Date: r.Date}
		}
		return r
	}
	b.job("k", true, more)
	b.pass(5 * time.Minute)
	b.looked(kind.TrainingJob, "k")
	b.says("training-job/k", "unknown WARNING live")
	for _, resource := range []string{"training-job/j", "training-job/k"} {
		e, err := b.Store.Entry(t.Context(), resource)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := ledger.Encode(e); strings.Contains(string(text), secret) {
			t.Errorf("the ledger has a secret: %s", text)
		}
	}
}

// TestEndless: a list that never ends, and a response that is too long, are not
// read for ever, and nothing passes by what was read of them.
func TestEndless(t *testing.T) {
	b := newBed(t)
	b.use("version: 1\noverrides:\n  - match: {tags: {data: open}}\n    rules: {isolation-required: on}\n")
	b.job("j", true, nil)
	b.model("m", true)
	b.pass(5 * time.Minute)
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
		switch operation {
		case "ListTags":
			return &awsjson.Response{Body: []byte(`{"Tags":[],"NextToken":"more"}`), Date: r.Date}
		case "DescribeModel":
			return &awsjson.Response{Body: append(make([]byte, 2<<20), r.Body...), Date: r.Date}
		}
		return r
	}
	b.looked(kind.TrainingJob, "j")
	b.says("training-job/j", "b-vpc WARNING live")
	b.looked(kind.Model, "m")
	b.says("model/m", "unknown WARNING live")
}

// TestKept: what is referred to is asked for once, but for what is too large to be
// kept.
func TestKept(t *testing.T) {
	b := newBed(t)
	asked := 0
	pad := ""
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
		if operation != "DescribeModel" {
			return r
		}
		asked++
		return &awsjson.Response{Body: append([]byte(pad), r.Body...), Date: r.Date}
	}
	b.model("m", true)
	b.pass(time.Second)
	for _, name := range []string{"c1", "c2", "c3"} {
		b.config(name, "m")
	}
	b.pass(2 * time.Second)
	for range 3 {
		b.told("CreateEndpointConfig")
	}
	if asked != 1 {
		t.Errorf("asked %d times for what three refer to", asked)
	}
	b.model("n", true)
	pad, asked = strings.Repeat(" ", 40<<10), 0
	b.pass(time.Second)
	for _, name := range []string{"d1", "d2"} {
		b.config(name, "n")
	}
	b.pass(2 * time.Second)
	for range 2 {
		b.told("CreateEndpointConfig")
	}
	if asked != 2 {
		t.Errorf("asked %d times for what is large", asked)
	}
}

// TestRolledBack: an update that failed leaves what was deployed before, also where
// another configuration has its name by now.
func TestRolledBack(t *testing.T) {
	b := newBed(t)
	b.model("open", false)
	b.model("closed", true)
	b.pass(time.Second)
	b.config("c", "open")
	b.pass(time.Second)
	b.do("CreateEndpoint", map[string]any{"EndpointName": "e", "EndpointConfigName": "c"})
	b.pass(time.Hour)
	b.told("CreateEndpoint")
	b.says("endpoint/e", "b-internet FAILED live")
	b.do("DeleteEndpointConfig", map[string]any{"EndpointConfigName": "c"})
	b.config("c", "closed")
	b.pass(2 * time.Second)
	b.do("UpdateEndpoint", map[string]any{"EndpointName": "e", "EndpointConfigName": "c"})
	b.pass(2 * time.Second)
	if !b.world.SageMaker().Fail(kind.Endpoint, "e") {
		t.Fatal("it does not fail")
	}
	b.pass(time.Hour)
	b.told("UpdateEndpoint")
	b.says("endpoint/e", "b-internet FAILED live") // what the name meant then is kept
	b.pass(time.Hour)
	b.looked(kind.Endpoint, "e")
	b.says("endpoint/e", "b-internet FAILED live") // what the name meant then is kept
	// Of two configurations in service only one is told.
	b.config("d", "closed")
	b.pass(2 * time.Second)
	b.do("CreateEndpoint", map[string]any{"EndpointName": "f", "EndpointConfigName": "d"})
	b.pass(time.Hour)
	b.twist = func(_ string, r *awsjson.Response) *awsjson.Response {
		return &awsjson.Response{Body: []byte(strings.Replace(string(r.Body), `"InService"`, `"UpdateRollbackFailed"`, 1)), Date: r.Date}
	}
	b.looked(kind.Endpoint, "f")
	b.says("endpoint/f", "unknown WARNING live")
}
