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
	b.pass(10 * time.Second)
	b.twist = nil
	if _, err := b.Record(t.Context(), change, 12*time.Second); err != nil {
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
	b.twist = func(operation string, r *awsjson.Response) *awsjson.Response {
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
			b.told("CreateModel")
			b.says("model/m", "b-internet FAILED live")
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
	b.use("version: 1\noverrides:\n  - match: {kinds: [domain]}\n    rules: {no-bridge: off, vpc-required: off, no-own-internet: off}\n")
	b.looked(kind.Domain, id)
	b.says("domain/"+id, "c PASSED live")
	b.pass(time.Minute)
	e = b.looked(kind.UserProfile, id+"/ana")
	if e.Verdict.Compliance != rules.Failed || e.Verdict.Notice.Owner != "" || e.Verdict.Finding == nil {
		t.Errorf("the profile: %s, owner %q, finding of %d bytes", e.Verdict.Compliance, e.Verdict.Notice.Owner, len(e.Verdict.Finding))
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
	b.model("m", true)
	b.told("CreateModel")
	b.pass(time.Hour)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	b.events = append(b.events[:0:0], b.events...)
	b.model("m", true)
	b.told("DeleteModel")
	b.tell("CreateModel", time.Second)
	b.says("model/m", "b-vpc PASSED live")
}

// TestSpelling: what names an endpoint in small letters means the one that is
// known.
func TestSpelling(t *testing.T) {
	b := newBed(t)
	b.job("Job-A", true, nil)
	b.told("CreateTrainingJob")
	b.pass(time.Minute)
	// SageMaker finds it in either spelling.
	b.world.SageMaker().RunFor(kind.TrainingJob, "Job-A", time.Hour)
	row, _ := kind.Of(kind.TrainingJob)
	asked := b.Resolver
	_ = asked
	_ = row
	_ = context.Background
	_ = json.Marshal
	_ = ledger.Live
}
