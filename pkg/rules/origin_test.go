package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// TestModeFrom: the line is that of the entry that decided, and of none where the
// mode is that of everything, or nothing can be stopped.
func TestModeFrom(t *testing.T) {
	f := Default()
	f.Response.Modes = []ModeOverride{
		{Match: Match{Kinds: []string{"training-job", "model"}}, Mode: Stop, Line: 3},
		{Match: Match{Roles: []string{releaseRole}}, Mode: Observe, Line: 5},
	}
	for name, c := range map[string]struct {
		k    kind.Kind
		role string
		mode Mode
		line int
	}{
		"an entry":                     {kind.TrainingJob, "arn:aws:iam::111122223333:role/ds", Stop, 3},
		"a later one":                  {kind.TrainingJob, releaseRole, Observe, 5},
		"one that may match":           {kind.TrainingJob, "", Observe, 5},
		"none":                         {kind.ProcessingJob, "arn:aws:iam::111122223333:role/ds", Notify, 0},
		"a kind that is never stopped": {kind.Model, "arn:aws:iam::111122223333:role/ds", Notify, 0},
	} {
		if mode, line := f.ModeFrom(&Subject{Kind: c.k, Principal: c.role}); mode != c.mode || line != c.line {
			t.Errorf("%s: %s by line %d, want %s by %d", name, mode, line, c.mode, c.line)
		}
	}
}

// TestObserved: what an observation tells of its resource, and nothing of its tags.
func TestObserved(t *testing.T) {
	row, _ := kind.Of(kind.Model)
	o := &kind.Observation{Row: row, Name: "m", ARN: "a", Account: "111122223333", Region: "eu-west-1", Principal: "r"}
	want := &Subject{Kind: kind.Model, Name: "m", ARN: "a", Account: "111122223333", Region: "eu-west-1", Principal: "r", Parts: []kind.Part{{Name: "p"}}}
	if diff := cmp.Diff(want, Observed(o, []kind.Part{{Name: "p"}})); diff != "" {
		t.Error(diff)
	}
}

func TestSettingFrom(t *testing.T) {
	f := Default()
	f.Overrides = []Override{
		{Match: Match{Kinds: []string{"training-job"}}, Rules: Settings{IsolationRequired: {On: true}}, Line: 4},
		{Match: Match{Roles: []string{releaseRole}}, Rules: Settings{IsolationRequired: {}}, Line: 7},
	}
	for name, c := range map[string]struct {
		id     ID
		k      kind.Kind
		role   string
		on     bool
		line   int
		unsure bool
	}{
		"for everything":     {NoBridge, kind.TrainingJob, "r", true, 0, false},
		"by an override":     {IsolationRequired, kind.TrainingJob, "r", true, 4, false},
		"by the later":       {IsolationRequired, kind.TrainingJob, releaseRole, false, 7, false},
		"another may decide": {IsolationRequired, kind.TrainingJob, "", true, 4, true},
		"by none":            {IsolationRequired, kind.Model, "r", false, 0, false},
	} {
		one, line, unsure := f.SettingFrom(c.id, &Subject{Kind: c.k, Principal: c.role}, &kind.Part{})
		if one.On != c.on || line != c.line || unsure != c.unsure {
			t.Errorf("%s: on %v by line %d, unsure %v", name, one.On, line, unsure)
		}
	}
}

func TestNarrowedFrom(t *testing.T) {
	f := Default()
	f.Allow = []Allow{{Accounts: []string{"*"}, Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1", "sg-2"}}}
	f.Overrides = []Override{
		{Match: Match{Kinds: []string{"training-job"}}, Allow: &Narrow{Subnets: []string{"subnet-1"}}, Line: 6},
		{Match: Match{Kinds: []string{"training-job"}}, Allow: &Narrow{SecurityGroups: []string{"sg-1"}}, Line: 9},
	}
	list := func(ids ...string) (out posture.IDs) {
		for _, id := range ids {
			out.List = append(out.List, posture.ID{Value: id})
		}
		return out
	}
	for _, c := range []struct {
		k       kind.Kind
		subnets posture.IDs
		groups  posture.IDs
		want    int
	}{
		{kind.TrainingJob, list("subnet-1"), list("sg-1"), 0},
		{kind.TrainingJob, list("subnet-1", "subnet-2"), list("sg-1"), 6},
		{kind.TrainingJob, list("subnet-1"), list("sg-2"), 9},
		{kind.TrainingJob, list("subnet-3"), list("sg-3"), 0}, // in no list to begin with
		{kind.Model, list("subnet-2"), list("sg-2"), 0},
	} {
		p := &kind.Part{Posture: posture.Posture{Subnets: c.subnets, SecurityGroups: c.groups}}
		if got := f.NarrowedFrom(&Subject{Kind: c.k, Account: "111122223333"}, p); got != c.want {
			t.Errorf("%s %v %v: line %d, want %d", c.k, c.subnets.Values(), c.groups.Values(), got, c.want)
		}
	}
}
