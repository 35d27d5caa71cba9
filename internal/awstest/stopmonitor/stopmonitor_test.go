package stopmonitor

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func training(name string) map[string]any {
	return map[string]any{
		"TrainingJobName": name, "RoleArn": "arn:aws:iam::111122223333:role/SageMakerExecution",
		"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
	}
}

type recorder struct{ said []string }

func (*recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// TestFaults makes stops of each sort that should not be, and one that may.
func TestFaults(t *testing.T) {
	clock := sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC))
	w := sandbox.New(sandbox.Options{Clock: clock})
	endpoint, stop, err := w.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	client := func(role string) *awsjson.Client {
		key, secret := w.Credentials(role, "s")
		return awsjson.New(aws.Config{
			Region: w.Region(), BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient,
			Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		})
	}
	ours, theirs := client("respond"), client("somebody")
	truths := map[string]Truth{
		"training-job/good": {Fails: true, Whole: true}, "training-job/unseen": {Fails: true, Whole: true},
		"training-job/stale": {Fails: true, Whole: true}, "training-job/ended": {Fails: true, Whole: true},
		"training-job/passes": {Whole: true}, "training-job/excepted": {Fails: true, Whole: true, Excepted: true},
		"training-job/partial": {Fails: true}, "training-job/lost": {Fails: true, Whole: true}, "model/m": {Fails: true, Whole: true}, "training-job/gone": {Fails: true, Whole: true},
	}
	m := Watch(Options{World: w, Caller: "respond", Truth: func(r string) (Truth, bool) {
		truth, ok := truths[r]
		return truth, ok
	}})
	describe := func(name string) {
		t.Helper()
		if _, err := ours.Call(t.Context(), awsjson.SageMaker(), "DescribeTrainingJob", map[string]string{"TrainingJobName": name}); err != nil {
			t.Fatal(err)
		}
	}
	halt := func(c *awsjson.Client, name string) {
		_, _ = c.Call(t.Context(), awsjson.SageMaker(), "StopTrainingJob", map[string]string{"TrainingJobName": name})
	}
	for _, name := range []string{"good", "unseen", "stale", "ended", "passes", "excepted", "partial", "unknown", "theirs", "lost"} {
		if _, err := w.SageMaker().Create("CreateTrainingJob", training(name)); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Second)
	describe("stale")
	clock.Advance(61 * time.Second)
	for _, name := range []string{"good", "passes", "excepted", "partial", "unknown", "ended"} {
		describe(name)
	}
	w.SageMaker().Fail(kind.TrainingJob, "ended")
	halt(theirs, "theirs")
	halt(ours, "good")
	describe("lost")
	w.Fail(sandbox.Fault{Operation: "StopTrainingJob", Kind: sandbox.ResetAfter, Times: 1})
	halt(ours, "lost")
	halt(ours, "lost") // as the SDK does
	clock.Advance(time.Minute)
	if got := m.Faults(); len(got) != 0 || m.Stops() != 3 {
		t.Fatalf("%d stops, faults %v", m.Stops(), got)
	}
	if r := (&recorder{}); true {
		m.Check(r)
		if len(r.said) != 0 {
			t.Errorf("said %v", r.said)
		}
	}
	clock.Advance(2 * time.Second)
	for _, c := range []struct{ name, want string }{
		{"unseen", "not described before"},
		{"stale", "described 2m3s before"},
		{"ended", "its status is Failed"},
		{"lost", "its status is Stopp"},
		{"passes", "does not fail"},
		{"excepted", "exception"},
		{"partial", "fact about it is missing"},
		{"unknown", "knows nothing"},
		{"gone", "no such resource"},
		{"arn:aws:sagemaker:eu-west-1:444455556666:training-job/good", "is not of account 111122223333"},
	} {
		before := len(m.Faults())
		halt(ours, c.name)
		if got := strings.Join(m.Faults()[before:], "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for operation, input := range map[string]map[string]string{"DeleteModel": {"ModelName": "m"}, "StopTrainingJob": {}} {
		before := len(m.Faults())
		_, _ = ours.Call(t.Context(), awsjson.SageMaker(), operation, input)
		if len(m.Faults()) == before {
			t.Errorf("%s %v is no fault", operation, input)
		}
	}
	r := &recorder{}
	m.Check(r)
	if len(r.said) != len(m.Faults()) || !strings.Contains(r.said[0], "stop monitor: StopTrainingJob training-job/unseen") {
		t.Errorf("said %v", r.said)
	}
}
