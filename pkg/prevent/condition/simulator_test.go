package condition

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/iamsim"
)

// trial is one condition and one request.
type trial struct {
	operator, name string
	key            Key
	policy         []string
	request        []string
}

// trials are every operator, with every kind of key, absent and with some values.
func trials(rng *rand.Rand, n int) []trial {
	bases := []Base{
		StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike,
		ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, BoolEquals, Null, "NumericEquals", "NumericNotEquals", "DateLessThan", "IpAddress", "NotIpAddress",
	}
	kinds := []struct {
		name             string
		key              Key
		values, patterns []string
	}{
		{"sagemaker:VpcSubnets", list, []string{"subnet-0a", "subnet-0b", "subnet-0c"}, []string{"subnet-*", "subnet-0?", "false"}},
		{"sagemaker:NetworkIsolation", flag, []string{"true", "false"}, nil},
		{"sagemaker:FileSystemType", text, []string{"EFS", "efs", "FSxLustre"}, []string{"*", "E?S", "${*}"}},
		{"sagemaker:OutputKmsKeyArn", arn, []string{"arn:aws:kms:eu-west-1:111122223333:key/a", "arn:aws:kms:eu-west-1:111122223333:key/b"}, []string{"arn:aws:kms:*:111122223333:key/*", "arn:*", "*"}},
	}
	some := func(values []string, least, most int) []string {
		out := []string{}
		for range least + rng.IntN(most-least+1) {
			out = append(out, values[rng.IntN(len(values))])
		}
		return out
	}
	var out []trial
	for round := range n {
		for _, base := range bases {
			for _, set := range []string{"", "ForAnyValue:", "ForAllValues:"} {
				for _, exists := range []string{"", "IfExists"} {
					name := set + string(base) + exists
					if _, ok := Parse(name); !ok {
						continue
					}
					for _, k := range kinds {
						policy := some(append(k.patterns, k.values...), 1, 3)
						if base == Null {
							policy = some([]string{"true", "false"}, 1, 2)
						}
						var request []string
						if round%2 == 1 { // else it is absent
							request = some(k.values, 1, 1)
						}
						if k.key.Many && request != nil && rng.IntN(2) == 0 {
							request = some(k.values, 2, 3)
						}
						out = append(out, trial{name, k.name, k.key, policy, request})
					}
				}
			}
		}
	}
	return out
}

// TestSimulator: what is known here, iam-simulate says as well, of every operator
// and kind of key. What is Unknown it may say as it likes.
func TestSimulator(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := trials(rng, chaos.N(2, 60))
	cases := make([]iamsim.Case, len(all))
	for i, c := range all {
		context := map[string]any{}
		switch {
		case c.request == nil:
		case c.key.Many:
			context[c.name] = c.request
		default:
			context[c.name] = c.request[0]
		}
		block, err := json.Marshal(map[string]any{c.operator: map[string]any{c.name: c.policy}})
		if err != nil {
			t.Fatal(err)
		}
		cases[i] = iamsim.Case{
			Principal: "arn:aws:iam::111122223333:role/ds", Action: "sagemaker:CreateTrainingJob", ResourceAccount: "111122223333",
			Resource: "arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7", Context: context, Identity: []json.RawMessage{
				iamsim.FullAccess,
				json.RawMessage(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":%s}]}`, block)),
			},
		}
	}
	results, err := simulator.Start(t).Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	known := map[Truth]int{}
	sure := map[string]bool{} // the operators of which something is known
	for i, r := range results {
		c := all[i]
		o, _ := Parse(c.operator)
		got, _ := o.Eval(c.key, c.request, operands(c.policy...))
		known[got]++
		if got != Unknown {
			sure[c.operator] = true
		}
		want := No
		if r.Decision == iamsim.ExplicitlyDenied {
			want = Yes
		}
		if r.Error != "" || len(r.Ignored) > 0 {
			t.Fatalf("%+v: %+v", c, r)
		}
		if got != Unknown && got != want {
			t.Errorf("%+v: %s, the simulator says %s", c, got, want)
		}
	}
	if min(known[Yes], known[No]) < len(all)/6 || known[Unknown] > len(all)/2 {
		t.Errorf("of %d trials: %v: too few answers", len(all), known)
	}
	for _, c := range all {
		if !sure[c.operator] {
			t.Errorf("of %s nothing is known", c.operator)
		}
	}
	t.Logf("%d trials: %v", len(all), known)
}
