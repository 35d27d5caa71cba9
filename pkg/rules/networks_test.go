package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

func TestNetworks(t *testing.T) {
	f := &File{
		Allow: []Allow{
			{Accounts: []string{"111122223333"}, VPC: "vpc-1", Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1"}},
			{Accounts: []string{"*"}, SecurityGroups: []string{"sg-0"}},
			{Accounts: []string{"111122223333"}, Kinds: []string{"model"}, VPC: "vpc-2", Subnets: []string{"subnet-3"}},
			{Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}, VPC: "vpc-1", Subnets: []string{"subnet-4"}},
		},
		Overrides: []Override{
			{Match: Match{Kinds: []string{"processing-job"}}, Allow: &Narrow{Subnets: []string{"subnet-2"}}},
			{Match: Match{Tags: map[string]string{"env": "prod"}}, Allow: &Narrow{Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}}},
			{Match: Match{Kinds: []string{"domain"}}, Allow: &Narrow{Subnets: []string{"subnet-9"}, SecurityGroups: []string{"sg-9"}}},
		},
	}
	in := func(s Subject) *Subject {
		s.TagsKnown = s.Tags != nil
		return &s
	}
	none := map[string]string{}
	for name, c := range map[string]struct {
		subject *Subject
		want    []Network
	}{
		"two VPCs": {
			in(Subject{Kind: kind.Model, Account: "111122223333", Region: "eu-west-1", Tags: none}),
			[]Network{{"vpc-1", []string{"subnet-1", "subnet-2", "subnet-4"}, []string{"sg-1", "sg-0"}}, {"vpc-2", []string{"subnet-3"}, []string{"sg-0"}}},
		},
		"an override": {
			in(Subject{Kind: kind.ProcessingJob, Account: "111122223333", Region: "us-east-1", Tags: none}),
			[]Network{{"vpc-1", []string{"subnet-2"}, []string{"sg-1", "sg-0"}}},
		},
		"an override by a tag": {
			in(Subject{Kind: kind.TrainingJob, Account: "111122223333", Region: "us-east-1", Tags: map[string]string{"env": "prod"}}),
			[]Network{{"vpc-1", []string{"subnet-1"}, []string{"sg-1"}}},
		},
		"an override that may match takes away": {
			in(Subject{Kind: kind.TrainingJob, Account: "111122223333", Region: "us-east-1"}),
			[]Network{{"vpc-1", []string{"subnet-1"}, []string{"sg-1"}}},
		},
		"a Region that is not told": {
			in(Subject{Kind: kind.TrainingJob, Account: "111122223333", Tags: none}),
			[]Network{{"vpc-1", []string{"subnet-1", "subnet-2"}, []string{"sg-1", "sg-0"}}},
		},
		"no VPC": {
			in(Subject{Kind: kind.TrainingJob, Account: "444455556666", Region: "us-east-1", Tags: none}),
			[]Network{{"", nil, []string{"sg-0"}}},
		},
		"nothing left": {in(Subject{Kind: kind.Domain, Account: "111122223333", Region: "us-east-1", Tags: none}), nil},
		"a pipeline's steps, all of them": {
			in(Subject{Kind: kind.Pipeline, Account: "111122223333", Region: "us-east-1", Tags: none, Parts: []kind.Part{{Kind: kind.Model}, {Kind: kind.ProcessingJob}}}),
			[]Network{{"vpc-1", []string{"subnet-2"}, []string{"sg-1", "sg-0"}}},
		},
	} {
		if diff := cmp.Diff(c.want, f.Networks(c.subject)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if got := Default().Networks(in(Subject{Kind: kind.Model})); got != nil {
		t.Errorf("without lists: %v", got)
	}
}
