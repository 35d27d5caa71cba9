package kind

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// outputOf is the type of what an operation of the SDK returns.
func outputOf(t *testing.T, operation string) reflect.Type {
	t.Helper()
	m, ok := reflect.TypeFor[*sagemaker.Client]().MethodByName(operation)
	if !ok {
		t.Fatalf("the SDK has no %s", operation)
	}
	return m.Type.Out(0).Elem()
}

// TestLifeOfEveryStatus: each status that the SDK knows of a kind is one that
// the table understands, and each kind's status is where the row says.
func TestLifeOfEveryStatus(t *testing.T) {
	for _, row := range Table() {
		out := outputOf(t, row.Describe.Name)
		if row.Describe.Under != "" {
			f, ok := out.FieldByName(row.Describe.Under)
			if !ok {
				t.Errorf("%s returns no %s", row.Describe.Name, row.Describe.Under)
				continue
			}
			out = f.Type
			if out.Kind() == reflect.Pointer {
				out = out.Elem()
			}
		}
		if row.Describe.Status == "" {
			for f := range out.Fields() {
				if strings.HasSuffix(f.Name, "Status") {
					t.Errorf("%s: the response has %s; is that not the status?", row.Kind, f.Name)
				}
			}
			if got := row.Life(""); got != Running {
				t.Errorf("%s has no status and is %d, want Running as long as it is there", row.Kind, got)
			}
			continue
		}
		f, ok := out.FieldByName(row.Describe.Status)
		if !ok {
			t.Errorf("%s returns no %s", row.Describe.Name, row.Describe.Status)
			continue
		}
		values := reflect.New(f.Type).Elem().MethodByName("Values").Call(nil)[0]
		for i := range values.Len() {
			status := values.Index(i).String()
			if got := row.Life(status); got == LifeUnknown {
				t.Errorf("%s: the status %s is not understood", row.Kind, status)
			}
		}
		if values.Len() == 0 || row.Life("Bewitched") != LifeUnknown || row.Life("") != LifeUnknown {
			t.Errorf("%s: a status that nobody knows is understood", row.Kind)
		}
	}
}

func TestLife(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		status string
		want   Life
	}{
		{TrainingJob, "InProgress", Running},
		{CompilationJob, "INPROGRESS", Running},
		{InferenceRecommendationsJob, "IN_PROGRESS", Running},
		{TrainingJob, "Stopping", Halting},
		{TrainingJob, "Stopped", Over},
		{TrainingJob, "Failed", Over},
		{TrainingJob, "Deleting", Removed},
		{NotebookInstance, "Stopped", Halted},
		{NotebookInstance, "InService", Running},
		{NotebookInstance, "Failed", Halted},
		{Endpoint, "OutOfService", Halted},
		{Endpoint, "IN_SERVICE", Running},
		{Endpoint, "UpdateRollbackFailed", Running},
		{App, "Deleted", Removed},
		{PipelineExecution, "Executing", Running},
		{PipelineExecution, "CompletedWithFailures", Over},
		{Domain, "Update_Failed", Running},
		{Model, "anything", Running},
	} {
		row, _ := Of(c.kind)
		if got := row.Life(c.status); got != c.want {
			t.Errorf("a %s that is %s is %d, want %d", row.Words, c.status, got, c.want)
		}
	}
}

// TestRequests: the members that name a resource are those that the operations
// require.
func TestRequests(t *testing.T) {
	scope := Scope{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}
	for _, row := range Table() {
		keys := make([]string, len(row.Key))
		for i := range keys {
			keys[i] = "k" + string(rune('a'+i))
		}
		key := strings.Join(keys, "/")
		requests := row.Requests(scope, key)
		if len(requests) == 0 {
			t.Errorf("%s: nothing asks for %s", row.Kind, key)
			continue
		}
		operations := []string{row.Describe.Name}
		if stop, ok := row.StopCall(); ok {
			operations = append(operations, stop)
		}
		for _, operation := range operations {
			for _, name := range sdkmodel.Operations()[operation].Required {
				if _, ok := requests[0][name]; !ok && name != "ClientRequestToken" {
					t.Errorf("%s requires %s, which %v lacks", operation, name, requests[0])
				}
			}
			for name := range requests[0] {
				if !sdkmodel.Has(sdkmodel.Operations()[operation].Input, name) {
					t.Errorf("%s has no member %s", operation, name)
				}
			}
		}
		if got := row.Requests(scope, ""); got != nil {
			t.Errorf("%s: an empty key asks for %v", row.Kind, got)
		}
	}
	app, _ := Of(App)
	want := []map[string]string{
		{"DomainId": "d-1", "UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"},
		{"DomainId": "d-1", "SpaceName": "ana", "AppType": "JupyterLab", "AppName": "default"},
	}
	if diff := cmp.Diff(want, app.Requests(scope, "d-1/ana/JupyterLab/default")); diff != "" {
		t.Error(diff)
	}
	execution, _ := Of(PipelineExecution)
	if got := execution.Requests(scope, "p/execution/x1")[0]["PipelineExecutionArn"]; got != "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/x1" {
		t.Errorf("an execution is asked for as %s", got)
	}
	if got := app.Requests(scope, "d-1/ana"); got != nil {
		t.Errorf("half a key asks for %v", got)
	}
}

// TestStopCall: nothing is stopped by deleting it.
func TestStopCall(t *testing.T) {
	var stoppable []Kind
	for _, row := range Table() {
		if operation, ok := row.StopCall(); ok {
			stoppable = append(stoppable, row.Kind)
			if !strings.HasPrefix(operation, "Stop") {
				t.Errorf("a %s is stopped by %s", row.Words, operation)
			}
			if !row.Ends && row.Kind != NotebookInstance && row.Kind != MonitoringSchedule {
				t.Errorf("a %s can be stopped and does not end by itself: does it lose anything?", row.Words)
			}
		}
	}
	if len(stoppable) != 15 || slices.Contains(stoppable, Endpoint) || slices.Contains(stoppable, Model) {
		t.Errorf("%d kinds can be stopped: %v", len(stoppable), stoppable)
	}
}

func TestCarry(t *testing.T) {
	doc := func(s string) jsondoc.Value {
		v, err := jsondoc.Parse([]byte(s), FreeForm())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		kind Kind
		doc  string
		want map[string]string
	}{
		{Cluster, `{"clusterName":"c","networkInterfaceId":"eni-1"}`, map[string]string{"NetworkInterfaceId": "eni-1"}},
		{Endpoint, `{"endpointName":"e","endpointConfigName":"v2"}`, map[string]string{"EndpointConfigName": "v2"}},
		{TransformJob, `{"modelName":"m"}`, map[string]string{"ModelName": "m"}},
		{EndpointConfig, `{"endpointConfigName":"v2"}`, map[string]string{}},
		{Cluster, `{"clusterName":"c"}`, map[string]string{}},
	} {
		row, _ := Of(c.kind)
		got, ok := row.Carry(doc(c.doc))
		if diff := cmp.Diff(c.want, got); diff != "" || ok != (len(c.want) > 0) {
			t.Errorf("%s of %s: %v\n%s", c.kind, c.doc, ok, diff)
		}
	}
}

// TestOwnedBy: owners are told by members that the Describe response has.
func TestOwnedBy(t *testing.T) {
	doc := func(s string) jsondoc.Value {
		v, err := jsondoc.Parse([]byte(s), FreeForm())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range Table() {
		members := slices.Clone(row.Parents)
		if row.Owner.Kind != "" {
			members = append(members, row.Owner.Member)
		}
		out := outputOf(t, row.Describe.Name)
		for _, m := range members {
			if _, ok := out.FieldByName(m); !ok {
				t.Errorf("%s returns no %s", row.Describe.Name, m)
			}
		}
	}
	for _, c := range []struct {
		kind      Kind
		doc, want string
	}{
		{UserProfile, `{"DomainId":"d-1"}`, "domain/d-1"},
		{App, `{"domainId":"d-1"}`, "domain/d-1"},
		{App, `{}`, ""},
		{InferenceComponent, `{"EndpointName":"e"}`, "endpoint/e"},
		{TrainingJob, `{"TuningJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/tune"}`, "hyper-parameter-tuning-job/tune"},
		{TrainingJob, `{"AutoMLJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:automl-job/auto"}`, "automl-job/auto"},
		{TrainingJob, `{"TuningJobArn":"arn:aws:s3:::bucket"}`, ""},
		{TrainingJob, `{"TuningJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/itself"}`, ""},
		{Model, `{"DomainId":"d-1"}`, ""},
	} {
		row, _ := Of(c.kind)
		got := ""
		if k, key, ok := row.OwnedBy(doc(c.doc)); ok {
			got = string(k) + "/" + key
		}
		if got != c.want {
			t.Errorf("%s of %s is owned by %q, want %q", c.kind, c.doc, got, c.want)
		}
	}
}
