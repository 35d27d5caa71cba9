package live_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/resolve/live"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

var scope = kind.Scope{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}

const role = "arn:aws:iam::111122223333:role/r"

// bed is a resolver that asks the sandbox.
type bed struct {
	*live.Resolver
	t     *testing.T
	world *sandbox.World
	clock *sandbox.Virtual
	// answer, if not nil, takes the place of what the sandbox answers.
	answer func(operation string) (*awsjson.Response, error)
	asked  []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	endpoint, stop, err := b.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	key, secret := b.world.Credentials("audit", "function")
	client := awsjson.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
	b.Resolver = live.New(scope, func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
		b.asked = append(b.asked, operation)
		if b.answer != nil {
			return b.answer(operation)
		}
		return client.Call(ctx, awsjson.SageMaker(), operation, input)
	})
	return b
}

func (b *bed) do(operation string, input map[string]any) map[string]any {
	b.t.Helper()
	out, err := b.world.SageMaker().Create(operation, input)
	if err != nil {
		b.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func (b *bed) model(name string) {
	b.t.Helper()
	b.do("CreateModel", map[string]any{"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"}})
}

func row(k kind.Kind) *kind.Row {
	r, _ := kind.Of(k)
	return r
}

func TestDescribe(t *testing.T) {
	b := newBed(t)
	b.clock.Advance(250 * time.Millisecond)
	b.model("m")
	b.clock.Advance(time.Minute)
	d, err := b.Describe(t.Context(), row(kind.Model), "m")
	if err != nil {
		t.Fatal(err)
	}
	if d.ARN != "arn:aws:sagemaker:eu-west-1:111122223333:model/m" || d.Status != "" || d.Life(row(kind.Model)) != kind.Running {
		t.Errorf("%+v", d)
	}
	if want := time.Date(2026, 11, 2, 9, 0, 0, 250e6, time.UTC); !d.Created.Equal(want) {
		t.Errorf("created %v, want %v", d.Created, want)
	}
	if want := time.Date(2026, 11, 2, 9, 1, 0, 0, time.UTC); !d.At.Equal(want) {
		t.Errorf("answered at %v, want the service's clock, to the second: %v", d.At, want)
	}
	for _, c := range []struct {
		key  string
		want error
	}{{"none", live.ErrMissing}, {"", live.ErrMissing}} {
		if _, err := b.Describe(t.Context(), row(kind.Model), c.key); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.key, err, c.want)
		}
	}
	b.world.Fail(sandbox.Fault{Operation: "DescribeModel", Kind: sandbox.Denied})
	if _, err := b.Describe(t.Context(), row(kind.Model), "m"); !errors.Is(err, live.ErrDenied) || strings.Contains(err.Error(), "arn:") {
		t.Errorf("%v, want that it is refused and nothing of the request", err)
	}
	b.world.Heal()
	b.world.Fail(sandbox.Fault{Operation: "DescribeModel", Kind: sandbox.Throttle})
	if _, err := b.Describe(t.Context(), row(kind.Model), "m"); err == nil || errors.Is(err, live.ErrMissing) || errors.Is(err, live.ErrDenied) {
		t.Errorf("%v, want an error that may pass", err)
	}
	b.answer = func(string) (*awsjson.Response, error) {
		return &awsjson.Response{Body: []byte(`{"ModelArn":"a","modelArn":"b"}`)}, nil
	}
	if _, err := b.Describe(t.Context(), row(kind.Model), "m"); !errors.Is(err, live.ErrUnreadable) {
		t.Errorf("an answer that says a thing twice: %v", err)
	}
}

// TestApps: a key that leaves open which member names the owner is tried with
// both.
func TestApps(t *testing.T) {
	b := newBed(t)
	d := b.do("CreateDomain", map[string]any{
		"DomainName": "d", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": []any{"subnet-1"}, "DefaultUserSettings": map[string]any{"ExecutionRole": role},
	})
	arn, _ := d["DomainArn"].(string)
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	b.clock.Advance(10 * time.Minute)
	b.do("CreateSpace", map[string]any{"DomainId": id, "SpaceName": "shared"})
	b.clock.Advance(10 * time.Minute)
	b.do("CreateApp", map[string]any{"DomainId": id, "SpaceName": "shared", "AppType": "JupyterLab", "AppName": "default"})
	got, err := b.Describe(t.Context(), row(kind.App), id+"/shared/JupyterLab/default")
	if err != nil || got.Doc.Get("SpaceName").Str() != "shared" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestReferences: a name means what had it when the reference was made.
func TestReferences(t *testing.T) {
	b := newBed(t)
	b.model("m")
	made := b.clock.Now()
	b.clock.Advance(time.Minute)
	ask := func(at time.Time, change func(*kind.Ask)) (string, *live.References) {
		x := b.References(t.Context(), nil, b.clock.Now())
		a := kind.Ask{Kind: kind.Model, Key: "m", Scope: scope, At: at}
		if change != nil {
			change(&a)
		}
		_, why := x.Lookup(a)
		return why, x
	}
	if why, x := ask(made, nil); why != "" || x.Err != nil || x.Missing {
		t.Errorf("referred to when it was made: %q, %+v", why, x)
	}
	// What is kept answers for what was referred to before it was asked for.
	asked := len(b.asked)
	if why, _ := ask(made.Add(30*time.Second), nil); why != "" || len(b.asked) != asked {
		t.Errorf("%q, asked again: %v", why, b.asked[asked:])
	}
	if why, _ := ask(b.clock.Now(), nil); why != "" || len(b.asked) == asked {
		t.Errorf("%q: what was kept answers for a later reference", why)
	}
	if why, _ := ask(time.Time{}, nil); !strings.Contains(why, "is not told") {
		t.Errorf("referred to at a time that nobody knows: %q", why)
	}
	b.clock.Advance(time.Minute)
	b.do("DeleteModel", map[string]any{"ModelName": "m"})
	if why, x := ask(b.clock.Now(), nil); why != `the model "m" was not found` || !x.Missing {
		t.Errorf("%q, %+v", why, x)
	}
	b.clock.Advance(time.Minute)
	between := b.clock.Now().Add(-30 * time.Second)
	b.model("m")
	b.clock.Advance(time.Minute)
	if why, _ := ask(between, nil); !strings.Contains(why, "was created after it was referred to") {
		t.Errorf("another one that has the name now: %q", why)
	}
	for _, other := range []kind.Scope{{Partition: "aws", Account: "444455556666", Region: "eu-west-1"}, {Partition: "aws", Account: "111122223333", Region: "eu-central-1"}, {}} {
		if why, _ := ask(b.clock.Now(), func(a *kind.Ask) { a.Scope = other }); !strings.Contains(why, "where this one does not look") {
			t.Errorf("in %v: %q", other, why)
		}
	}
	if why, _ := ask(b.clock.Now(), func(a *kind.Ask) { a.Kind = "spell" }); why == "" {
		t.Error("a kind that is none was found")
	}
	b.world.Fail(sandbox.Fault{Operation: "DescribeModel", Kind: sandbox.Denied, Times: 1})
	if why, x := ask(b.clock.Now(), nil); !strings.Contains(why, "could not be looked at") || x.Err != nil {
		t.Errorf("refused: %q, %v", why, x.Err)
	}
	b.world.Fail(sandbox.Fault{Operation: "DescribeModel", Kind: sandbox.Throttle, Times: 1})
	if why, x := ask(b.clock.Now(), nil); why == "" || x.Err == nil {
		t.Errorf("throttled: %q, %v; want that what was judged with it is not kept", why, x.Err)
	}
}

func TestExecution(t *testing.T) {
	b := newBed(t)
	b.do("CreatePipeline", map[string]any{"PipelineName": "p", "RoleArn": role, "PipelineDefinition": `{"Version":"2020-12-01","Parameters":[{"Name":"A","Type":"String"}],"Steps":[]}`})
	var parameters []any
	for _, name := range []string{"A"} {
		parameters = append(parameters, map[string]any{"Name": name, "Value": "x"})
	}
	out := b.do("StartPipelineExecution", map[string]any{"PipelineName": "p", "PipelineParameters": parameters})
	arn, _ := out["PipelineExecutionArn"].(string)
	_, key, _ := strings.Cut(arn, ":pipeline/")
	d, err := b.Describe(t.Context(), row(kind.PipelineExecution), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Doc.Get("PipelineParameters").Members(); len(got) != 1 || got[0].Value.Get("Value").Str() != "x" {
		t.Errorf("parameters %v", got)
	}
	b.do("UpdatePipeline", map[string]any{"PipelineName": "p", "RoleArn": role, "PipelineDefinition": `{"Version":"2020-12-01","Steps":[]}`})
	rec, why := b.References(t.Context(), d, b.clock.Now()).Lookup(kind.Ask{Kind: kind.Pipeline, Key: "p", Scope: scope})
	if why != "" || !strings.Contains(rec.Doc.Get("PipelineDefinition").Str(), `"Name":"A"`) {
		t.Errorf("%q: an execution runs the definition of its start, not %v", why, rec.Doc.Get("PipelineDefinition").Str())
	}
	for _, operation := range []string{"DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution"} {
		b.world.Fail(sandbox.Fault{Operation: operation, Kind: sandbox.Denied, Times: 1})
		if _, err := b.Describe(t.Context(), row(kind.PipelineExecution), key); !errors.Is(err, live.ErrDenied) {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

func TestTags(t *testing.T) {
	b := newBed(t)
	b.do("CreateModel", map[string]any{
		"ModelName": "m", "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "i"},
		"Tags": []any{map[string]any{"Key": "team", "Value": "churn"}, map[string]any{"Key": "env", "Value": ""}},
	})
	const arn = "arn:aws:sagemaker:eu-west-1:111122223333:model/m"
	got, err := b.Tags(t.Context(), arn)
	if diff := cmp.Diff(map[string]string{"team": "churn", "env": ""}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	pages := []string{`{"Tags":[{"Key":"a","Value":"1"}],"NextToken":"x"}`, `{"Tags":[{"Key":"b","Value":"2"}]}`}
	b.answer = func(string) (*awsjson.Response, error) {
		page := pages[0]
		pages = pages[1:]
		return &awsjson.Response{Body: []byte(page)}, nil
	}
	got, err = b.Tags(t.Context(), arn)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got); err != nil || diff != "" {
		t.Errorf("in two pages: %v\n%s", err, diff)
	}
	pages = []string{`{"Tags":`}
	if _, err := b.Tags(t.Context(), arn); err == nil {
		t.Error("half an answer was read")
	}
	b.answer = nil
	b.world.Fail(sandbox.Fault{Operation: "ListTags", Kind: sandbox.Denied})
	if _, err := b.Tags(t.Context(), arn); err == nil {
		t.Error("tags that may not be looked at were read")
	}
}

// TestMissingOfEveryKind: however an operation says that there is no such resource,
// it is understood.
func TestMissingOfEveryKind(t *testing.T) {
	b := newBed(t)
	for _, r := range kind.Table() {
		key := make([]string, len(r.Key))
		for i := range key {
			key[i] = "nothing"
		}
		switch r.Kind {
		case kind.PipelineExecution:
			key = []string{"p/execution/nothing12345"}
		case kind.Job:
			key[0] = "AgentRFT"
		case kind.App:
			key[2] = "JupyterLab"
		}
		if strings.HasPrefix(r.Key[0], "DomainId") {
			key[0] = "d-nothing12345"
		}
		if _, err := b.Describe(t.Context(), r, strings.Join(key, "/")); !errors.Is(err, live.ErrMissing) {
			t.Errorf("%s: %v", r.Kind, err)
		}
	}
}
