package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLag: what is new is out of sight for a while.
func TestLag(t *testing.T) {
	_, s, clock := smWorld(t)
	s.SetLag(Lag{Describe: 10 * time.Second, List: 20 * time.Second, Tags: 30 * time.Second})
	arn := text(must(t, s, "CreateTrainingJob", training("new", map[string]any{"Tags": []any{map[string]any{"Key": "k", "Value": "v"}}})), "TrainingJobArn")
	refused(t, s, "CreateTrainingJob", training("new", nil), "ResourceInUse", "")
	seen := func() string {
		_, err := s.Create("DescribeTrainingJob", named("TrainingJobName", "new"))
		out := fmt.Sprint(err == nil)
		out += fmt.Sprint(" ", len(must(t, s, "ListTrainingJobs", nil)["TrainingJobSummaries"].([]any)))
		out += fmt.Sprint(" ", len(must(t, s, "Search", named("Resource", "TrainingJob"))["Results"].([]any)))
		tags, err := s.Create("ListTags", named("ResourceArn", arn))
		if err != nil {
			return out + " no tags"
		}
		return out + fmt.Sprint(" ", len(tags["Tags"].([]any)))
	}
	for _, want := range []string{"false 0 0 no tags", "true 0 0 0", "true 1 1 0", "true 1 1 1"} {
		if got := seen(); got != want {
			t.Errorf("at %s: %s, want %s", s.w.Now(), got, want)
		}
		clock.Advance(10 * time.Second)
	}
}

func TestTags(t *testing.T) {
	_, s, _ := smWorld(t)
	arn := text(must(t, s, "CreateModel", named("ModelName", "m")), "ModelArn")
	tag := func(key, value string) map[string]any { return map[string]any{"Key": key, "Value": value} }
	must(t, s, "AddTags", map[string]any{"ResourceArn": arn, "Tags": []any{tag("a", "1"), tag("b", "2")}})
	must(t, s, "AddTags", map[string]any{"ResourceArn": arn, "Tags": []any{tag("a", "3")}})
	must(t, s, "DeleteTags", map[string]any{"ResourceArn": arn, "TagKeys": []any{"b"}})
	out := must(t, s, "ListTags", named("ResourceArn", arn))
	if diff := cmp.Diff([]any{tag("a", "3")}, out["Tags"]); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	for _, missing := range []string{"arn:aws:sagemaker:eu-west-1:111122223333:model/none", "nonsense"} {
		refused(t, s, "ListTags", named("ResourceArn", missing), "ValidationException", "does not exist")
	}
	refused(t, s, "AddTags", map[string]any{"ResourceArn": "x", "Tags": []any{}}, "ValidationException", "does not exist")
	refused(t, s, "DeleteTags", map[string]any{"ResourceArn": "x", "TagKeys": []any{}}, "ValidationException", "does not exist")
}

// TestListsInPages: filters, order and pages, also while things change.
func TestListsInPages(t *testing.T) {
	_, s, clock := smWorld(t)
	for i := range 25 {
		must(t, s, "CreateTrainingJob", training(fmt.Sprintf("job-%02d", 24-i), nil))
		clock.Advance(time.Second)
	}
	pages := func(operation, list, name string, in map[string]any) (out []string, calls int) {
		in = maps.Clone(in)
		for {
			page := must(t, s, operation, in)
			calls++
			for _, e := range follow(page, list+"[]") {
				out = append(out, text(e, name))
			}
			if page["NextToken"] == nil {
				return out, calls
			}
			in["NextToken"] = page["NextToken"]
		}
	}
	at := func(sec int) float64 { return float64(time.Date(2026, 11, 2, 9, 0, sec, 0, time.UTC).Unix()) }
	for _, test := range []struct {
		in          map[string]any
		n, calls    int
		first, last string
	}{
		{map[string]any{}, 25, 3, "job-24", "job-00"},
		{map[string]any{"MaxResults": 100, "SortOrder": "Descending"}, 25, 1, "job-00", "job-24"},
		{map[string]any{"SortBy": "Name"}, 25, 3, "job-00", "job-24"},
		{map[string]any{"SortBy": "Name", "SortOrder": "Descending", "MaxResults": 5}, 25, 5, "job-24", "job-00"},
		{map[string]any{"SortBy": "Status"}, 25, 3, "job-24", "job-00"},
		{map[string]any{"CreationTimeAfter": at(20)}, 5, 1, "job-04", "job-00"},
		{map[string]any{"CreationTimeAfter": at(20), "SortOrder": "Descending"}, 5, 1, "job-00", "job-04"},
		{map[string]any{"CreationTimeAfter": at(20), "SortBy": "Name"}, 5, 1, "job-00", "job-04"},
		{map[string]any{"CreationTimeBefore": at(4)}, 5, 1, "job-24", "job-20"},
		{map[string]any{"NameContains": "-1"}, 10, 1, "job-19", "job-10"},
		{map[string]any{"StatusEquals": "InProgress", "MaxResults": 10}, 25, 3, "job-24", "job-00"},
		{map[string]any{"StatusEquals": "Stopped"}, 0, 1, "", ""},
		{map[string]any{"LastModifiedTimeAfter": at(22)}, 7, 1, "job-12", "job-00"},
		{map[string]any{"LastModifiedTimeBefore": at(10)}, 1, 1, "job-24", "job-24"},
	} {
		got, calls := pages("ListTrainingJobs", "TrainingJobSummaries", "TrainingJobName", test.in)
		if len(got) != test.n || calls != test.calls || test.n > 0 && (got[0] != test.first || got[len(got)-1] != test.last) {
			t.Errorf("%v: %d in %d calls: %v", test.in, len(got), calls, got)
		}
	}
	refused(t, s, "ListTrainingJobs", map[string]any{"WarmPoolStatusEquals": "Available", "TrainingPlanArnEquals": "x", "MaxResults": "1"}, "SerializationException", "")

	// What is created or ends between two pages does not shift the others.
	first := must(t, s, "ListTrainingJobs", map[string]any{"StatusEquals": "InProgress"})
	must(t, s, "StopTrainingJob", named("TrainingJobName", "job-24"))
	must(t, s, "CreateTrainingJob", training("late", nil))
	rest, _ := pages("ListTrainingJobs", "TrainingJobSummaries", "TrainingJobName", map[string]any{"StatusEquals": "InProgress", "NextToken": first["NextToken"]})
	if len(rest) != 16 || rest[0] != "job-14" || rest[15] != "late" {
		t.Errorf("the rest is %v", rest)
	}

	search := func(expression map[string]any, more map[string]any) []string {
		in := map[string]any{"Resource": "TrainingJob", "SearchExpression": expression, "MaxResults": 7}
		maps.Copy(in, more)
		out, _ := pages("Search", "Results", "TrainingJob.TrainingJobName", in)
		return out
	}
	filters := func(operator string, triples ...string) map[string]any {
		var list []any
		for i := 0; i < len(triples); i += 3 {
			list = append(list, map[string]any{"Name": triples[i], "Operator": triples[i+1], "Value": triples[i+2]})
		}
		return map[string]any{"Filters": list, "Operator": operator}
	}
	for _, test := range []struct {
		expression map[string]any
		more       map[string]any
		n          int
		first      string
	}{
		{filters("And", "TrainingJobStatus", "Equals", "InProgress"), map[string]any{"SortBy": "CreationTime", "SortOrder": "Ascending"}, 25, "job-23"},
		{filters("And", "TrainingJobStatus", "Equals", "InProgress"), nil, 25, "late"},
		{filters("And", "TrainingJobStatus", "NotEquals", "InProgress"), nil, 1, "job-24"},
		{filters("And", "TrainingJobStatus", "Equals", "InProgress", "CreationTime", "GreaterThanOrEqualTo", "2026-11-02T09:00:20"), map[string]any{"SortBy": "CreationTime"}, 6, "late"},
		{filters("And", "CreationTime", "GreaterThan", "2026-11-02T09:00:20Z"), nil, 5, "late"},
		{filters("And", "CreationTime", "LessThan", "2026-11-02T09:00:02"), map[string]any{"SortBy": "TrainingJobName", "SortOrder": "Ascending"}, 2, "job-23"},
		{filters("And", "CreationTime", "LessThanOrEqualTo", "2026-11-02T09:00:02"), nil, 3, "job-24"},
		{filters("Or", "TrainingJobName", "Equals", "job-03", "TrainingJobName", "Contains", "lat"), nil, 2, "late"},
		{filters("And", "TrainingJobName", "In", "job-03,job-04", "VpcConfig", "NotExists", ""), nil, 2, "job-03"},
		{filters("And", "EnableNetworkIsolation", "Exists", "", "EnableNetworkIsolation", "Equals", "true"), nil, 0, ""},
		{map[string]any{"SubExpressions": []any{filters("Or", "SecondaryStatus", "Equals", "Stopping"), filters("And", "Tags.team", "NotExists", "")}}, nil, 1, "job-24"},
		{filters("And", "TrainingJobArn", "Contains", "job-0", "RoleArn", "Exists", ""), nil, 10, "job-09"},
	} {
		got := search(test.expression, test.more)
		if len(got) != test.n || test.n > 0 && got[0] != test.first {
			t.Errorf("%v: %d: %v", test.expression, len(got), got)
		}
	}
	for _, bad := range []map[string]any{
		filters("And", "CreationTime", "Equals", "yesterday"), filters("And", "TrainingJobName", "GreaterThan", "a"),
		{"NestedFilters": []any{map[string]any{"NestedPropertyName": "InputDataConfig", "Filters": []any{map[string]any{"Name": "x"}}}}},
		{"SubExpressions": []any{filters("And", "CreationTime", "Equals", "")}},
	} {
		refused(t, s, "Search", map[string]any{"Resource": "TrainingJob", "SearchExpression": bad}, "ValidationException", "")
	}
	must(t, s, "CreateModel", map[string]any{"ModelName": "m", "VpcConfig": vpc, "Tags": []any{map[string]any{"Key": "team", "Value": "churn"}}})
	out := must(t, s, "Search", map[string]any{"Resource": "Model", "SearchExpression": filters("And", "Tags.team", "Equals", "churn")})
	conforms(t, "Search", model()["Search"].out, out)
	if got := follow(out, "Results[].Model.Model.VpcConfig"); len(got) != 1 || !cmp.Equal(got[0], any(vpc)) {
		t.Errorf("found %v", out)
	}
}

// TestManyFinished: hundreds of thousands of jobs that ended do not slow down the search
// for those that run.
func TestManyFinished(t *testing.T) {
	_, s, clock := smWorld(t)
	const finished, live = 200_000, 50
	if err := s.SeedFinished("CreateTrainingJob", training("old", map[string]any{"VpcConfig": vpc}), finished); err != nil {
		t.Fatal(err)
	}
	for i := range live {
		must(t, s, "CreateTrainingJob", training(fmt.Sprintf("live-%02d", i), nil))
		clock.Advance(time.Millisecond)
	}
	begin := time.Now()
	page := must(t, s, "ListTrainingJobs", map[string]any{"StatusEquals": "InProgress", "MaxResults": 100})
	if n := len(page["TrainingJobSummaries"].([]any)); n != live {
		t.Errorf("%d run, want %d", n, live)
	}
	found := must(t, s, "Search", map[string]any{"Resource": "TrainingJob", "MaxResults": 100, "SortBy": "CreationTime", "SearchExpression": map[string]any{"Filters": []any{
		map[string]any{"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": s.w.Now().Add(-30 * time.Second).Format(time.RFC3339Nano)},
	}}})
	if n := len(found["Results"].([]any)); n != live+30-1 && n != live+30 {
		t.Errorf("%d were created in the last half minute", n)
	}
	if n := len(s.Running()); n != live {
		t.Errorf("%d run", n)
	}
	if took := time.Since(begin); took > 100*time.Millisecond {
		t.Errorf("that took %s", took)
	}
	d := must(t, s, "DescribeTrainingJob", named("TrainingJobName", "old-0123456"))
	conforms(t, "DescribeTrainingJob", model()["DescribeTrainingJob"].out, d)
	if d["TrainingJobStatus"] != "Completed" || !cmp.Equal(d["VpcConfig"], any(vpc)) {
		t.Errorf("described as %v", d)
	}
	if tags := must(t, s, "ListTags", map[string]any{"ResourceArn": d["TrainingJobArn"]}); len(tags["Tags"].([]any)) != 0 {
		t.Errorf("tags: %v", tags)
	}
	all := 0
	in := map[string]any{"StatusEquals": "Completed", "MaxResults": 100}
	for range 20 {
		page := must(t, s, "ListTrainingJobs", in)
		all += len(page["TrainingJobSummaries"].([]any))
		in["NextToken"] = page["NextToken"]
	}
	if all != 2000 {
		t.Errorf("20 pages have %d", all)
	}
}

// TestShelfInOrder: whatever comes and goes, a byTime has all, in order.
func TestShelfInOrder(t *testing.T) {
	var b byTime
	var want []*resource
	for i := range 5000 {
		r := &resource{created: int64(i * 7919 % 5003), seq: uint64(i + 1)}
		b.add(r)
		want = append(want, r)
	}
	for i := 0; i < len(want); i += 3 {
		b.remove(want[i])
		b.remove(want[i]) // is not there any more
		want[i] = nil
	}
	want = slices.DeleteFunc(want, func(r *resource) bool { return r == nil })
	slices.SortFunc(want, compareByTime)
	if got := slices.Collect(b.from(0, 0)); !slices.Equal(got, want) || b.n != len(want) {
		t.Errorf("%d in order, want %d", len(got), len(want))
	}
	slices.Reverse(want)
	if got := slices.Collect(b.downFrom(1<<40, 0)); !slices.Equal(got, want) {
		t.Errorf("%d in order downwards, want %d", len(got), len(want))
	}
	for _, r := range want {
		b.remove(r)
	}
	if b.n != 0 || len(b.chunks) != 0 {
		t.Errorf("%d are left in %d chunks", b.n, len(b.chunks))
	}
}
