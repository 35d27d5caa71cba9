package iamsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/internal/iamsim"
)

const (
	account = "111122223333"
	role    = "arn:aws:iam::111122223333:role/ml/ds"
	session = "arn:aws:sts::111122223333:assumed-role/ds/ana"
	job     = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7"
)

func policy(statement string) json.RawMessage {
	return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)
}

// under is a policy with one statement about CreateTrainingJob.
func under(effect, condition string) json.RawMessage {
	return policy(fmt.Sprintf(`{"Sid":"S1","Effect":%q,"Action":"sagemaker:CreateTrainingJob","Resource":"*","Condition":%s}`, effect, condition))
}

// subnets is the context of a request with these values of the multi-valued key.
func subnets(ids ...string) map[string]any { return map[string]any{"sagemaker:VpcSubnets": ids} }

// TestOperators holds the simulator to what IAM documents of missing keys, of
// negated operators and of keys with several values. A condition that matches
// denies here.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html
func TestOperators(t *testing.T) {
	isolated := func(value string) map[string]any { return map[string]any{"sagemaker:NetworkIsolation": value} }
	as := func(arn string) map[string]any { return map[string]any{"aws:PrincipalArn": arn} }
	both := map[string]any{"sagemaker:VpcSubnets": []string{"s-1"}, "sagemaker:VpcSecurityGroupIds": []string{"g-1"}}
	tests := []struct {
		condition string
		context   map[string]any
		matches   bool
	}{
		// Null: whether the key is there.
		{`{"Null":{"sagemaker:VpcSubnets":"true"}}`, nil, true},
		{`{"Null":{"sagemaker:VpcSubnets":"true"}}`, subnets("s-1"), false},
		{`{"Null":{"sagemaker:VpcSubnets":"true"}}`, subnets(), true}, // its value is null
		{`{"Null":{"sagemaker:VpcSubnets":"false"}}`, nil, false},
		{`{"Null":{"sagemaker:VpcSubnets":"false"}}`, subnets("s-1", "s-2"), true},
		// Keys under one operator are joined by AND.
		{`{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"true"}}`, subnets("s-1"), false},
		{`{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"true"}}`, both, false},
		{`{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"true"}}`, nil, true},
		// ForAnyValue: some value; false where there is none.
		{`{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, nil, false},
		{`{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-1"), false},
		{`{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-2", "s-1"), false},
		{`{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-1", "s-9"), true},
		{`{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-9"), true},
		{`{"ForAnyValue:StringEquals":{"sagemaker:VpcSubnets":["s-1"]}}`, subnets("s-9", "s-1"), true},
		{`{"ForAnyValue:StringEquals":{"sagemaker:VpcSubnets":["s-1"]}}`, subnets("s-9"), false},
		// ForAllValues: every value; true where there is none.
		{`{"ForAllValues:StringNotEquals":{"sagemaker:VpcSubnets":["s-1"]}}`, nil, true},
		{`{"ForAllValues:StringNotEquals":{"sagemaker:VpcSubnets":["s-1"]}}`, subnets("s-1", "s-9"), false},
		{`{"ForAllValues:StringNotEquals":{"sagemaker:VpcSubnets":["s-1"]}}`, subnets("s-8", "s-9"), true},
		{`{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-1"), true},
		{`{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, subnets("s-1", "s-9"), false},
		{`{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["s-1","s-2"]}}`, nil, true},
		{`{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["s-1"]},"Null":{"sagemaker:VpcSubnets":"false"}}`, nil, false},
		// Bool: false where the key is missing, unless IfExists.
		{`{"Bool":{"sagemaker:NetworkIsolation":"false"}}`, nil, false},
		{`{"Bool":{"sagemaker:NetworkIsolation":"false"}}`, isolated("false"), true},
		{`{"Bool":{"sagemaker:NetworkIsolation":"false"}}`, isolated("true"), false},
		{`{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`, nil, true},
		{`{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`, isolated("false"), true},
		{`{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`, isolated("true"), false},
		// A key with several values needs a set operator: this never matches one.
		{`{"BoolIfExists":{"sagemaker:VpcSubnets":"false"}}`, subnets("s-1"), false},
		{`{"BoolIfExists":{"sagemaker:VpcSubnets":"false"}}`, nil, true},
		// Negated operators are true where the key is missing.
		{`{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}`, nil, true},
		{`{"StringNotEquals":{"aws:PrincipalAccount":["111122223333"]}}`, map[string]any{"aws:PrincipalAccount": account}, false},
		{`{"StringNotEquals":{"aws:PrincipalAccount":["444455556666"]}}`, map[string]any{"aws:PrincipalAccount": account}, true},
		{`{"StringEquals":{"aws:PrincipalAccount":["444455556666","111122223333"]}}`, map[string]any{"aws:PrincipalAccount": account}, true},
		{`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/ml/ds"]}}`, nil, true},
		{`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::444455556666:role/x","arn:aws:iam::111122223333:role/ml/ds"]}}`, as(role), false},
		{`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/other"]}}`, as(role), true},
		{`{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/*/ds"]}}`, as(role), false}, // as ArnNotLike
		{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/aws-service-role/*"}}`, as(role), false},
		// Values of one key are joined by OR; operators by AND.
		{`{"StringEquals":{"aws:RequestTag/team":["a","b"]}}`, map[string]any{"aws:RequestTag/team": "b"}, true},
		{`{"StringEquals":{"aws:RequestTag/team":["a","b"]}}`, nil, false},
		{`{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"aws:RequestTag/team":"a"}}`, map[string]any{"aws:RequestTag/team": "a"}, true},
		{`{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"aws:RequestTag/team":"a"}}`, nil, false},
	}
	cases := make([]iamsim.Case, 0, len(tests))
	for _, tt := range tests {
		cases = append(cases, iamsim.Case{
			Principal: session, Action: "sagemaker:CreateTrainingJob", Resource: job, ResourceAccount: account, Context: tt.context,
			Identity: []json.RawMessage{iamsim.FullAccess}, SCPs: []json.RawMessage{iamsim.FullAccess, under("Deny", tt.condition)},
		})
	}
	for i, r := range run(t, cases) {
		tt := tests[i]
		want := iamsim.Allowed
		if tt.matches {
			want = iamsim.ExplicitlyDenied
		}
		if r.Decision != want || r.Error != "" || len(r.Ignored) > 0 {
			t.Errorf("%s with %v: %+v, want %s", tt.condition, tt.context, r, want)
		}
		if tt.matches && !slices.Contains(r.Matched, "scp[1] S1") {
			t.Errorf("%s with %v: decided by %v", tt.condition, tt.context, r.Matched)
		}
	}
}

func run(t *testing.T, cases []iamsim.Case) []iamsim.Result {
	t.Helper()
	return ask(t, simulator.Start(t), cases)
}

func ask(t *testing.T, sim *iamsim.Simulator, cases []iamsim.Case) []iamsim.Result {
	t.Helper()
	results, err := sim.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(cases) {
		t.Fatalf("%d answers to %d cases", len(results), len(cases))
	}
	return results
}

// TestEvaluation holds the simulator to the order in which IAM evaluates policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
func TestEvaluation(t *testing.T) {
	all := iamsim.FullAccess
	list := func(p ...json.RawMessage) []json.RawMessage { return p }
	allow := policy(`{"Effect":"Allow","Action":"sagemaker:Create*","Resource":"*"}`)
	other := policy(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	deny := policy(`{"Sid":"No","Effect":"Deny","Action":"sagemaker:CreateTrainingJob","Resource":"*"}`)
	named := policy(`{"Effect":"Deny","Action":"sagemaker:CreateTrainingJob","Resource":"arn:aws:sagemaker:*:*:training-job/prod-*"}`)
	not := policy(`{"Effect":"Deny","NotAction":"sagemaker:CreateTrainingJob","Resource":"*"}`)
	tests := map[string]struct {
		identity, scps, boundary []json.RawMessage
		resource                 string
		want                     string
		matched                  string
	}{
		"nothing allows":                     {nil, nil, nil, job, iamsim.ImplicitlyDenied, ""},
		"an identity policy allows":          {list(allow), nil, nil, job, iamsim.Allowed, "identity[0] 1"},
		"and another denies":                 {list(allow, deny), nil, nil, job, iamsim.ExplicitlyDenied, "identity[1] No"},
		"an SCP that allows something else":  {list(allow), list(other), nil, job, iamsim.ImplicitlyDenied, ""},
		"an SCP that allows all":             {list(allow), list(all), nil, job, iamsim.Allowed, "scp[0] 1"},
		"an SCP that allows does not grant":  {list(other), list(all), nil, job, iamsim.ImplicitlyDenied, ""},
		"an SCP that denies":                 {list(allow), list(all, deny), nil, job, iamsim.ExplicitlyDenied, "scp[1] No"},
		"a boundary that allows other calls": {list(allow), nil, list(other), job, iamsim.ImplicitlyDenied, ""},
		"a boundary that allows":             {list(allow), nil, list(all), job, iamsim.Allowed, "boundary[0] 1"},
		"a boundary does not grant":          {list(other), nil, list(all), job, iamsim.ImplicitlyDenied, ""},
		"a boundary that denies":             {list(allow), nil, list(all, deny), job, iamsim.ExplicitlyDenied, "boundary[1] No"},
		"another resource is denied":         {list(allow, named), nil, nil, job, iamsim.Allowed, ""},
		"this resource is denied":            {list(allow, named), nil, nil, strings.Replace(job, "fraud", "prod", 1), iamsim.ExplicitlyDenied, ""},
		"all others are denied":              {list(allow, not), nil, nil, job, iamsim.Allowed, ""},
	}
	var names []string
	var cases []iamsim.Case
	for name, tt := range tests {
		names = append(names, name)
		cases = append(cases, iamsim.Case{
			Principal: session, Action: "sagemaker:CreateTrainingJob", Resource: tt.resource, ResourceAccount: account,
			Identity: tt.identity, SCPs: tt.scps, Boundary: tt.boundary,
		})
	}
	for i, r := range run(t, cases) {
		tt := tests[names[i]]
		if r.Decision != tt.want || r.Error != "" || (tt.matched != "" && !slices.Contains(r.Matched, tt.matched)) {
			t.Errorf("%s: %+v, want %s by %q", names[i], r, tt.want, tt.matched)
		}
	}
}

// TestRefused: what has no answer says why, and does not stop the rest.
func TestRefused(t *testing.T) {
	question := func(action, resource string, context map[string]any, identity ...string) iamsim.Case {
		c := iamsim.Case{Principal: session, Action: action, Resource: resource, ResourceAccount: account, Context: context}
		for _, p := range append(identity, string(iamsim.FullAccess)) {
			c.Identity = append(c.Identity, json.RawMessage(p))
		}
		return c
	}
	sim := simulator.Start(t)
	good := question("sagemaker:CreateTrainingJob", job, nil)
	tests := []struct {
		name string
		c    iamsim.Case
		want string // in the error; empty: allowed
	}{
		{"a call", good, ""},
		{"an action that nobody knows", question("sagemaker:CreateMoat", job, nil), "invalid.action"},
		{"a service that nobody knows", question("moat:CreateTrainingJob", job, nil), "invalid.service"},
		{"a resource of another type", question("sagemaker:CreateTrainingJob", strings.Replace(job, "training-job", "model", 1), nil), "no.resource.types"},
		{"many resources", question("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:eu-west-1:111122223333:training-job/*", nil), "wildcard"},
		{"an effect that is none", question("sagemaker:CreateTrainingJob", job, nil, string(policy(`{"Effect":"deny","Action":"s3:*","Resource":"*"}`))), "identityPolicyErrors[0]: Statement[0].Effect"},
		{"two elements that exclude each other", question("sagemaker:CreateTrainingJob", job, nil, string(policy(`{"Effect":"Deny","Action":"s3:*","NotAction":"s3:*","Resource":"*"}`))), "NotAction"},
		{"an element that is none", question("sagemaker:CreateTrainingJob", job, nil, string(policy(`{"Effect":"Deny","Action":"s3:*","Resource":"*","Conditions":{}}`))), "Conditions"},
		{"a call after all this", good, ""},
	}
	cases := make([]iamsim.Case, 0, len(tests))
	for _, tt := range tests {
		cases = append(cases, tt.c)
	}
	for i, r := range ask(t, sim, cases) {
		tt := tests[i]
		if tt.want == "" && r.Decision != iamsim.Allowed {
			t.Errorf("%s: %+v, want it allowed", tt.name, r)
		}
		if tt.want != "" && (r.Decision != "" || !strings.Contains(r.Error, tt.want)) {
			t.Errorf("%s: %+v, want an error with %q", tt.name, r, tt.want)
		}
	}
	// It is no judge of Sids and operators: IAM refuses both of these.
	for _, bad := range []string{
		`{"Sid":"a-b","Effect":"Deny","Action":"s3:*","Resource":"*"},{"Sid":"a-b","Effect":"Deny","Action":"s3:*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Strings":{"aws:PrincipalArn":"x"}}}`,
	} {
		if r := ask(t, sim, []iamsim.Case{question("sagemaker:CreateTrainingJob", job, nil, string(policy(bad)))})[0]; r.Decision != iamsim.Allowed {
			t.Errorf("%s: %+v: the simulator has become stricter; the doc comment of Run says otherwise", bad, r)
		}
	}
	// A key that the action does not have is not an error; nobody sees it.
	unseen := question("sagemaker:CreateTrainingJob", job, map[string]any{"sagemaker:DirectInternetAccess": "Enabled"},
		string(policy(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"sagemaker:DirectInternetAccess":"false"}}}`)))
	if r := ask(t, sim, []iamsim.Case{unseen})[0]; r.Decision != iamsim.Allowed || !slices.Equal(r.Ignored, []string{"sagemaker:DirectInternetAccess"}) {
		t.Errorf("a key of another action: %+v, want it allowed and the key ignored", r)
	}
}

// TestMany: hundreds of cases at once do not fill the pipes for ever, and a
// simulator answers again.
func TestMany(t *testing.T) {
	sim := simulator.Start(t)
	c := iamsim.Case{Principal: session, Action: "sagemaker:CreateTrainingJob", Resource: job, ResourceAccount: account, Identity: []json.RawMessage{iamsim.FullAccess}}
	for range 2 {
		results, err := sim.Run(t.Context(), slices.Repeat([]iamsim.Case{c}, 200))
		if err != nil || len(results) != 200 || results[199].Decision != iamsim.Allowed {
			t.Fatalf("%d answers, %v", len(results), err)
		}
	}
}

func TestEnds(t *testing.T) {
	c := iamsim.Case{Principal: session, Action: "sagemaker:CreateTrainingJob", Resource: job, ResourceAccount: account}
	t.Run("by its context", func(t *testing.T) {
		dir, err := cached.Install("iam-simulate", iamsim.Pinned(), func(dir string) error { return iamsim.Install(t.Context(), dir) })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		sim, err := iamsim.Start(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := sim.Run(ctx, slices.Repeat([]iamsim.Case{c}, 3000)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
		if err := sim.Close(); err == nil {
			t.Error("Close does not say that it was killed")
		}
	})
	t.Run("where it is not installed", func(t *testing.T) {
		sim, err := iamsim.Start(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Run(t.Context(), []iamsim.Case{c}); err == nil || !strings.Contains(err.Error(), "Cannot find package") {
			t.Errorf("%v, want what node said", err)
		}
		if err := sim.Close(); err == nil {
			t.Error("Close does not say that it failed")
		}
	})
}

func TestMissingTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, starts := iamsim.Start(t.Context(), t.TempDir())
	root := filepath.Join(t.TempDir(), "cache")
	_, installs := iamsim.Cached(t.Context(), root, func() {})
	for what, err := range map[string]error{"node": starts, "npm": installs} {
		if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "install it (Debian: nodejs and npm)") {
			t.Errorf("without %s: %v", what, err)
		}
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("a failed installation leaves %v, %v", left, err)
	}
}

// TestCached: what is there is not installed again.
func TestCached(t *testing.T) {
	root, told := filepath.Join("..", "..", ".cache", "user", "sagemoat"), 0 // it may be there
	tell := func() { told++ }
	first, err := iamsim.Cached(t.Context(), root, tell)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	again, err := iamsim.Cached(t.Context(), root, tell)
	if err != nil || again != first || told > 1 {
		t.Errorf("%s and then %s, told %d times, %v", first, again, told, err)
	}
	if _, err := os.Stat(filepath.Join(first, "node_modules", "@cloud-copilot", "iam-simulate", "LICENSE.txt")); err != nil {
		t.Error(err)
	}
}
