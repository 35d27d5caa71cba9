package sweep

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// inputOf and outputOf are the shapes of an operation in the SDK.
func inputOf(t *testing.T, operation string) reflect.Type {
	t.Helper()
	m, ok := reflect.TypeFor[*sagemaker.Client]().MethodByName(operation)
	if !ok {
		t.Fatalf("the SDK has no %s", operation)
	}
	return m.Type.In(2).Elem()
}

func outputOf(t *testing.T, operation string) reflect.Type {
	t.Helper()
	m, _ := reflect.TypeFor[*sagemaker.Client]().MethodByName(operation)
	return m.Type.Out(0).Elem()
}

// values are those of an enumeration.
func values(t *testing.T, typ reflect.Type) (out []string) {
	t.Helper()
	list := reflect.Zero(typ).MethodByName("Values").Call(nil)[0]
	for i := range list.Len() {
		out = append(out, list.Index(i).String())
	}
	return out
}

// TestPlans compares how kinds are listed with the SDK's shapes: every member is
// one of the request, every value one of its enumeration, and the statuses are all
// in which something may run.
func TestPlans(t *testing.T) {
	for _, p := range plans() {
		if p.row.Ends != (p.live != nil) {
			t.Errorf("%s: it ends by itself, and no statuses are listed in which it does not; or the other way round", p.row.Kind)
		}
		for _, whole := range []bool{true, false} {
			for _, s := range p.steps(whole, time.Now()) {
				in := inputOf(t, s.operation)
				for member, v := range s.input {
					f, ok := in.FieldByName(member)
					if !ok {
						t.Errorf("%s has no %s", s.operation, member)
						continue
					}
					if _, enum := f.Type.MethodByName("Values"); enum && !slices.Contains(values(t, f.Type), v.(string)) {
						t.Errorf("%s: %s has no value %v", s.operation, member, v)
					}
				}
			}
		}
		if p.live == nil {
			continue
		}
		described := outputOf(t, p.row.Describe.Name)
		if under, ok := described.FieldByName(p.row.Describe.Under); ok {
			described = under.Type.Elem()
		}
		status, _ := described.FieldByName(p.row.Describe.Status)
		var want []string
		for _, v := range values(t, status.Type) {
			if life := p.row.Life(v); life != kind.Over && life != kind.Removed && v != "Deleting" && v != "DELETING" {
				want = append(want, v)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(p.live))); diff != "" {
			t.Errorf("%s: statuses (-SDK +plan):\n%s", p.row.Kind, diff)
		}
		if p.search != "" && !slices.Contains(values(t, reflect.TypeFor[types.ResourceType]()), p.search) {
			t.Errorf("Search has no %s", p.search)
		}
	}
	for _, p := range plans() {
		if p.row.Kind != kind.Job {
			continue
		}
		var got []string
		for _, each := range p.each {
			got = append(got, each["JobCategory"].(string))
		}
		if diff := cmp.Diff(values(t, reflect.TypeFor[types.JobCategory]()), got); diff != "" {
			t.Errorf("categories (-SDK +plan):\n%s", diff)
		}
	}
}

// TestCalls: the operations are those of the table, and Search.
func TestCalls(t *testing.T) {
	calls := Calls()
	for _, row := range kind.Table() {
		if !slices.Contains(calls, row.Lists[0]) && row.Kind != kind.PipelineExecution {
			t.Errorf("%s is not listed by %s", row.Kind, row.Lists[0])
		}
	}
	if len(calls) != len(kind.Table()) { // and Search, but not ListPipelineExecutions
		t.Errorf("%d operations for %d kinds: %v", len(calls), len(kind.Table()), calls)
	}
}

// TestRead: what a page holds is read whatever else it holds.
func TestRead(t *testing.T) {
	scope := kind.Scope{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}
	find := func(k kind.Kind) *plan {
		all := plans()
		return &all[slices.IndexFunc(all, func(p plan) bool { return p.row.Kind == k })]
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 500e6, time.UTC)
	for _, c := range []struct {
		name, body string
		kind       kind.Kind
		under      string
		want       []item
		next       string
		foreign    int
		err        string
	}{
		{
			name: "summaries", kind: kind.TrainingJob,
			body: `{"NextToken":"n","TrainingJobSummaries":[{"TrainingJobName":"a","CreationTime":1793610000.5,"TrainingJobStatus":"InProgress","TrainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/a"},{"TrainingJobName":"b","TrainingJobStatus":"Completed"}]}`,
			want: []item{{key: "a", created: at}, {key: "b", over: true}}, next: "n",
		},
		{
			name: "of others", kind: kind.TrainingJob, foreign: 3,
			body: `{"TrainingJobSummaries":[{"TrainingJobName":"a","TrainingJobArn":"arn:aws:sagemaker:eu-west-1:444455556666:training-job/a"},{"TrainingJobName":"b","TrainingJobArn":"arn:aws:sagemaker:eu-central-1:111122223333:training-job/b"},{"TrainingJobName":7}]}`,
		},
		{
			name: "found", kind: kind.PipelineExecution, under: "PipelineExecution", foreign: 1,
			body: `{"Results":[{"PipelineExecution":{"PipelineExecutionArn":"arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/x","CreationTime":1793610000.5,"PipelineExecutionStatus":"Executing","Twin":1,"twin":2}},{"Other":{}}]}`,
			want: []item{{key: "p/execution/x", created: at}},
		},
		{
			name: "by ARN", kind: kind.TrainingSession,
			body: `{"TrainingSessionSummaries":[{"TrainingSessionArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-session/s","CreationTime":"soon"}]}`,
			want: []item{{key: "s"}},
		},
		{
			name: "two parts", kind: kind.App,
			body: `{"Apps":[{"DomainId":"d-1","SpaceName":"s","AppType":"JupyterLab","AppName":"default","Status":"Deleted"},{"DomainId":"d-1"}]}`,
			want: []item{{key: "d-1/s/JupyterLab/default", over: true}}, foreign: 1,
		},
		{name: "no list", kind: kind.Model, body: `{"Models":{}}`, err: "the answer of Op has no list"},
		{name: "a list of something else", kind: kind.Model, body: `{"Models":[1]}`, err: "the answer of Op has no list"},
		{name: "no JSON", kind: kind.Model, body: `<html>`, err: "the answer of Op cannot be read"},
		{name: "null", kind: kind.Model, body: `{"Models":null}`},
		{name: "left out", kind: kind.Model, body: `{}`},
		{name: "left out of a page", kind: kind.Model, body: `{"NextToken":"n"}`, next: "n"},
		{name: "no answer of a list", kind: kind.Model, body: `{"message":"Rate exceeded"}`, err: "the answer of Op has no list"},
	} {
		items, next, foreign, err := find(c.kind).read([]byte(c.body), &step{operation: "Op", under: c.under}, scope)
		if diff := cmp.Diff(c.want, items, cmp.AllowUnexported(item{})); diff != "" || next != c.next || foreign != c.foreign {
			t.Errorf("%s: next %q, foreign %d (-want +got):\n%s", c.name, next, foreign, diff)
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}

// TestReached: a list that has the newest first need not be gone through to its
// end, also where its pages are filled before they are filtered.
func TestReached(t *testing.T) {
	since := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := &sweep{checkpoint: checkpoint{Pass: &pass{Since: since}}}
	newer, older := item{created: since.Add(time.Second)}, item{created: since.Add(-time.Second)}
	for _, c := range []struct {
		items   []item
		foreign int
		want    bool
	}{
		{nil, 0, true},
		{nil, 3, false},
		{[]item{newer}, 0, false},
		{[]item{newer, older}, 0, true},
		{[]item{{}}, 0, false},
	} {
		if got := s.reached(c.items, c.foreign); got != c.want {
			t.Errorf("%v and %d foreign: %t, want %t", c.items, c.foreign, got, c.want)
		}
	}
}
