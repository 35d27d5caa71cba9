package rails

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var now = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

func TestIsAfresh(t *testing.T) {
	for _, c := range []struct {
		asked time.Time
		want  posture.Fact
	}{
		{time.Time{}, posture.Unknown},
		{now, posture.Yes},
		{now.Add(-60 * time.Second), posture.Yes},
		{now.Add(-60*time.Second - 1), posture.No},
		{now.Add(1), posture.No},
		{now.Add(-24 * time.Hour), posture.No},
	} {
		if got := IsAfresh(c.asked, now); got != c.want {
			t.Errorf("asked at %v: %v, want %v", c.asked, got, c.want)
		}
	}
}

func TestIsSame(t *testing.T) {
	for _, c := range []struct {
		a, b time.Time
		want posture.Fact
	}{
		{time.Time{}, now, posture.Unknown},
		{now, time.Time{}, posture.Unknown},
		{time.Time{}, time.Time{}, posture.Unknown},
		{now, now, posture.Yes},
		{now, now.Add(5 * time.Second), posture.Yes},
		{now.Add(5 * time.Second), now, posture.Yes},
		{now, now.Add(5*time.Second + 1), posture.No},
		{now.Add(5*time.Second + 1), now, posture.No},
	} {
		if got := IsSame(c.a, c.b); got != c.want {
			t.Errorf("%v and %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// TestIsRunning: every kind that can be stopped has a status, and only words for
// what runs let it be stopped.
func TestIsRunning(t *testing.T) {
	n := 0
	for _, row := range kind.Table() {
		if _, ok := row.StopCall(); !ok {
			continue
		}
		n++
		if row.Describe.Status == "" {
			t.Errorf("%s can be stopped and has no status", row.Kind)
		}
		for _, status := range []string{"Stopping", "Stopped", "Completed", "Failed", "Deleting", "COMPLETED", "Deleted", "Expired", "Succeeded"} {
			if got := IsRunning(row, status); got != posture.No {
				t.Errorf("%s is %s: runs %v", row.Kind, status, got)
			}
		}
		for _, status := range []string{"", "Inprogressing", "Hibernating"} {
			if got := IsRunning(row, status); got != posture.Unknown {
				t.Errorf("%s is %q: runs %v", row.Kind, status, got)
			}
		}
		for _, status := range []string{"InProgress", "IN_PROGRESS", "Executing", "InService", "Scheduled"} {
			if got := IsRunning(row, status); got != posture.Yes {
				t.Errorf("%s is %s: runs %v", row.Kind, status, got)
			}
		}
	}
	if n < 12 {
		t.Errorf("only %d kinds can be stopped", n)
	}
	// A kind without a status would always run.
	if got := IsRunning(&kind.Row{}, ""); got != posture.Unknown {
		t.Errorf("a kind without a status: %v", got)
	}
}

func TestIsOurs(t *testing.T) {
	training, _ := kind.Of(kind.TrainingJob)
	cluster, _ := kind.Of(kind.Cluster)
	ours := kind.Scope{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}
	const arn = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7"
	for _, c := range []struct {
		row  *kind.Row
		s    kind.Scope
		key  string
		arn  string
		want posture.Fact
	}{
		{training, ours, "fraud-7", arn, posture.Yes},
		{training, ours, "fraud-8", arn, posture.No},
		{training, ours, "fraud-7", "", posture.Unknown},
		{training, ours, "fraud-7", "fraud-7", posture.No},
		{training, ours, "fraud-7", strings.Replace(arn, "111122223333", "444455556666", 1), posture.No},
		{training, ours, "fraud-7", strings.Replace(arn, "eu-west-1", "eu-west-2", 1), posture.No},
		{training, ours, "fraud-7", strings.Replace(arn, "aws:", "aws-cn:", 1), posture.No},
		{training, ours, "fraud-7", strings.Replace(arn, "sagemaker", "ec2", 1), posture.No},
		{training, kind.Scope{Account: "111122223333", Region: "eu-west-1"}, "fraud-7", arn, posture.Unknown},
		{training, kind.Scope{Partition: "aws", Region: "eu-west-1"}, "fraud-7", arn, posture.Unknown},
		{training, kind.Scope{Partition: "aws", Account: "111122223333"}, "fraud-7", arn, posture.Unknown},
		{cluster, ours, "c", "arn:aws:sagemaker:eu-west-1:111122223333:cluster/4xk", posture.Yes},
		{cluster, ours, "c", "arn:aws:sagemaker:eu-west-1:444455556666:cluster/4xk", posture.No},
		{cluster, ours, "c", "arn:aws:sagemaker:eu-west-2:111122223333:cluster/4xk", posture.No},
		{cluster, ours, "c", "arn:aws-cn:sagemaker:eu-west-1:111122223333:cluster/4xk", posture.No},
		{cluster, ours, "c", "arn:aws:eks:eu-west-1:111122223333:cluster/4xk", posture.No},
		{cluster, ours, "c", "cluster/4xk", posture.No},
	} {
		if got := IsOurs(c.row, c.s, c.key, c.arn); got != c.want {
			t.Errorf("%s %s in %+v: %v, want %v", c.key, c.arn, c.s, got, c.want)
		}
	}
}

func TestWithinBudget(t *testing.T) {
	b := rules.Budget{Stops: 5, Within: 10 * time.Minute, Share: 20}
	u := posture.Unknown
	for _, c := range []struct {
		b                    rules.Budget
		recent, ofKind, live int
		number, share        posture.Fact
	}{
		{b, 0, 0, 0, posture.Yes, posture.Yes}, // one is always allowed
		{b, 1, 1, 0, posture.Yes, posture.No},
		{b, 1, 0, 0, posture.Yes, posture.Yes}, // the other stop was of another kind
		{b, 4, 0, 0, posture.Yes, posture.Yes},
		{b, 5, 0, 100, posture.No, posture.Yes},
		{b, 4, 4, 25, posture.Yes, posture.Yes}, // 20 % of 25 is 5
		{b, 4, 4, 24, posture.Yes, posture.No},
		{b, 4, 4, -1, posture.Yes, posture.No},
		{b, 6, 6, 1000, posture.No, posture.Yes},
		{rules.Budget{}, 0, 0, 100, u, u},
		{rules.Budget{Within: time.Minute, Share: 20}, 0, 0, 100, u, u},
		{rules.Budget{Stops: 5, Share: 20}, 0, 0, 100, u, u},
		{rules.Budget{Stops: 5, Within: time.Minute}, 0, 0, 100, u, u},
		{rules.Budget{Stops: -1, Within: -1, Share: -1}, 0, 0, 100, u, u},
		{b, -1, 0, 100, u, u},
		{b, 0, -1, 100, u, u},
	} {
		number, share := WithinBudget(c.b, c.recent, c.ofKind, c.live)
		if number != c.number || share != c.share {
			t.Errorf("%+v: %v, %v", c, number, share)
		}
	}
}

func TestRecent(t *testing.T) {
	stops := []time.Time{now.Add(-time.Hour), now.Add(-10 * time.Minute), now.Add(-10*time.Minute + 1), now, now.Add(time.Hour)}
	if got := Recent(stops, 10*time.Minute, now); got != 3 {
		t.Errorf("got %d, want the last three", got)
	}
	if got := Recent(slices.Clone(stops[:2]), 10*time.Minute, now); got != 0 {
		t.Errorf("got %d, want none", got)
	}
}
