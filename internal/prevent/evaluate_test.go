package prevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// record is a call as CloudTrail records it.
func record(operation, identity, request, more string) string {
	return fmt.Sprintf(`{"eventSource":"sagemaker.amazonaws.com","eventName":%q,"eventID":"1","eventTime":"2026-11-02T09:14:07Z","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":%s,"requestParameters":%s,"responseElements":null%s}`,
		operation, identity, request, more)
}

const (
	asRole    = `{"arn":"arn:aws:sts::111122223333:assumed-role/ds/ana","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/ml/ds"}}}`
	asUser    = `{"arn":"arn:aws:iam::111122223333:user/ana"}`
	asLinked  = `{"arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/x","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}}}`
	asService = `{"invokedBy":"sagemaker.amazonaws.com"}`
	openModel = `{"modelName":"m"}`
)

func observe(t testing.TB, text string) *kind.Observation {
	t.Helper()
	got, err := events.Decode([]byte(text))
	if err != nil || len(got) != 1 {
		t.Fatalf("%s: %v, %v", text, got, err)
	}
	return got[0]
}

// deny is an SCP with one statement.
func deny(action, condition string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Deny","Action":%q,"Resource":"*","Condition":%s}]}`, action, condition))
}

func TestEvaluate(t *testing.T) {
	sim := simulator.Start(t)
	noVPC, ofRole := `{"Null":{"sagemaker:VpcSubnets":"true"}}`, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/ml/ds"}}`
	vpc := `{"modelName":"m","vpcConfig":{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}}`
	tests := []struct {
		name                         string
		form                         prevent.Form
		condition                    string
		operation, identity, request string
		want                         Outcome
	}{
		{"an SCP that fits", prevent.SCP, noVPC, "CreateModel", asRole, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"an SCP that does not", prevent.SCP, noVPC, "CreateModel", asRole, vpc, Outcome{Allowed, nil, ""}},
		{"a managed policy", prevent.IAM, noVPC, "CreateModel", asRole, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"the role, with its path", prevent.SCP, ofRole, "CreateModel", asRole, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a user is no role", prevent.SCP, ofRole, "CreateModel", asUser, openModel, Outcome{Allowed, nil, ""}},
		{"a user", prevent.SCP, noVPC, "CreateModel", asUser, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a service-linked role and an SCP", prevent.SCP, noVPC, "CreateModel", asLinked, openModel, Outcome{Allowed, nil, "a service-linked role called, which no SCP binds"}},
		{"a service-linked role and another policy", prevent.IAM, noVPC, "CreateModel", asLinked, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a service", prevent.SCP, noVPC, "CreateModel", asService, openModel, Outcome{Allowed, nil, "an AWS service called, which no policy of this form binds"}},
		{"nobody who is told", prevent.SCP, noVPC, "CreateModel", `{}`, openModel, Outcome{NotEvaluated, nil, "who called is not in the record"}},
		{"one that IAM does not know", prevent.SCP, noVPC, "CreateModel", `{"arn":"arn:aws:identitystore::111122223333:user/ana"}`, openModel, Outcome{NotEvaluated, nil, "who called is not in the record"}},
		{"the root user", prevent.SCP, noVPC, "CreateModel", `{"arn":"arn:aws:iam::111122223333:root"}`, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a federated user", prevent.SCP, noVPC, "CreateModel", `{"arn":"arn:aws:sts::111122223333:federated-user/ana"}`, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a switch that is left out, and a key that may be missing", prevent.SCP, `{"Bool":{"sagemaker:NetworkIsolation":"false"}}`, "CreateModel", asRole, openModel, Outcome{Depends, []string{"S"}, ""}},
		{"the same, whatever AWS does", prevent.SCP, `{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`, "CreateModel", asRole, openModel, Outcome{Denied, []string{"S"}, ""}},
		{"a request that is not told", prevent.SCP, noVPC, "CreateModel", asRole, `null`, Outcome{NotEvaluated, nil, "the request is not in the record"}},
		{"an operation that is new", prevent.SCP, noVPC, "CreateTrainingSession", asRole, `{"trainingSessionName":"s"}`, Outcome{NotEvaluated, nil, "iam-simulate does not know the action: it is newer than its data"}},
	}
	for _, tt := range tests {
		a := Attached{tt.form, []json.RawMessage{deny("sagemaker:*", tt.condition)}}
		got, err := Evaluate(t.Context(), sim, a, []*kind.Observation{observe(t, record(tt.operation, tt.identity, tt.request, ""))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Outcome{tt.want}, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
	// A boundary without an Allow allows nothing.
	o := []*kind.Observation{observe(t, record("CreateModel", asRole, vpc, ""))}
	if got, err := Evaluate(t.Context(), sim, Attached{prevent.Boundary, []json.RawMessage{deny("sagemaker:*", noVPC)}}, o, nil); err != nil || got[0].Answer != Denied || got[0].By != nil {
		t.Errorf("%v, %v", got, err)
	}
	// A policy that IAM refuses gives no answer.
	if got, err := Evaluate(t.Context(), sim, Attached{prevent.SCP, []json.RawMessage{json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"No"}]}`)}}, o, nil); err != nil || got[0].Answer != NotEvaluated || !strings.Contains(got[0].Why, "Effect") {
		t.Errorf("%v, %v", got, err)
	}
}

// TestEveryOperation: each can be evaluated, by an ARN of its own type.
func TestEveryOperation(t *testing.T) {
	var calls []*kind.Observation
	for _, operation := range kind.Operations() {
		calls = append(calls, observe(t, record(operation, asRole, `{"probe":"p"}`, "")))
	}
	// The document of a job is needed, and so is the domain of what lives in one.
	got, err := Evaluate(t.Context(), simulator.Start(t), Attached{Form: prevent.SCP}, calls, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		switch operation := kind.Operations()[i]; {
		case operation == "CreateTrainingSession" || operation == "CreateJob":
			if o.Answer != NotEvaluated {
				t.Errorf("%s: %+v", operation, o)
			}
		case o.Answer != Allowed:
			t.Errorf("%s: %+v", operation, o)
		}
	}
}

// TestGeneratedPoliciesPass: what prevent test says of what prevent writes.
func TestGeneratedPoliciesPass(t *testing.T) {
	sim := simulator.Start(t)
	for name, text := range map[string]string{
		"the defaults": "version: 1",
		"all of it": `version: 1
rules: {isolation-required: on, encrypted-between-containers: on, interactive-access: on, central-egress: on}
allow:
- {accounts: ["111122223333"], regions: [eu-west-1], subnets: [subnet-0a1b2c3d4e5f60718], security-groups: [sg-0a1b2c3d4e5f60718]}
overrides:
- {match: {kinds: [training-job], tags: {env: prod}}, rules: {isolation-required: on}, allow: {subnets: [subnet-0a1b2c3d4e5f60718]}}
- {match: {kinds: [model, training-job, domain], accounts: ["444455556666"], roles: ["arn:aws:iam::444455556666:role/sandbox"]}, rules: {vpc-required: off}}
- {match: {names: ["prod-*"], kinds: [model]}, rules: {isolation-required: on}}
exceptions:
- {id: EX-1, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet, vpc-required], match: {resources: ["arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7"]}}
- {id: EX-2, owner: o, reason: r, expires: 2026-01-01, rules: [no-own-internet], match: {accounts: ["111122223333"]}}
`,
	} {
		f, err := rules.Load(name, []byte(text), kind.Kinds())
		if err != nil {
			t.Fatal(err)
		}
		for _, account := range map[string][]string{"the defaults": {"111122223333"}, "all of it": {""}}[name] {
			o := prevent.Options{Account: account, Now: now}
			cases, err := Cases(f, o)
			if err != nil {
				t.Fatal(err)
			}
			a, err := Generated(prevent.Generate(f, o), prevent.SCP)
			if err != nil {
				t.Fatal(err)
			}
			if err := Try(t.Context(), sim, a, cases, nil); err != nil {
				t.Fatal(err)
			}
			n, who := map[Want]int{}, map[string]bool{}
			for _, c := range cases {
				n[c.Want]++
				who[c.Who] = true
				if c.Wrong() {
					t.Errorf("%s %q: %s, %s for %q: want %s, got %+v", name, account, c.Operation, c.What, c.Who, c.Want, c.Outcome)
				}
			}
			if n[MustDeny] < 35 || n[MustAllow] < 20 {
				t.Errorf("%s: %v", name, n)
			}
			if name == "all of it" && (!who["exception EX-1"] || !who["overrides[1]"] || who["exception EX-2"] || len(who) != 5) {
				t.Errorf("%s: for %v", name, who)
			}
		}
	}
}

// TestAPolicyOfSomebodyElse: a much copied policy for models. BoolIfExists never
// matches a list that is there, and always one that is not.
func TestAPolicyOfSomebodyElse(t *testing.T) {
	cases, err := Cases(rules.Default(), prevent.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	cases = slices.DeleteFunc(cases, func(c *Case) bool { return c.Operation != "CreateModel" && c.Operation != "CreateTrainingJob" })
	a := Attached{prevent.SCP, []json.RawMessage{
		deny("sagemaker:CreateModel", `{"BoolIfExists":{"sagemaker:VpcSubnets":"false"}}`),
		deny("sagemaker:CreateModel", `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["subnet-other"]}}`),
	}}
	if err := Try(t.Context(), simulator.Start(t), a, cases, nil); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := PrintCases(&b, cases); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"CreateTrainingJob, no VPC: should be denied, is allowed\n    {",
		"CreateModel, as it should be: should be allowed, is denied (by S)",
		"no-own-internet: reaches the Internet on its own path",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "CreateModel, no VPC:") {
		t.Errorf("a model without a VPC is denied, and said to be wrong:\n%s", b.String())
	}
}

// TestPast: the shipped archive of the demo, and calls that make each of the effects.
func TestPast(t *testing.T) {
	sim := simulator.Start(t)
	past := func(a Attached, text string) []Call {
		t.Helper()
		records, err := audit.Read(t.Context(), audit.Inputs{Paths: []string{"-"}, Stdin: strings.NewReader(text)}, nil)
		if err != nil || len(records.Problems) > 0 {
			t.Fatal(err, records.Problems)
		}
		calls, err := Past(t.Context(), sim, a, records, rules.Default(), now, nil)
		if err != nil {
			t.Fatal(err)
		}
		return calls
	}
	generated, err := Generated(prevent.Generate(rules.Default(), prevent.Options{Now: now}), prevent.SCP)
	if err != nil {
		t.Fatal(err)
	}
	demo, err := os.ReadFile("../../demo/cloudtrail.json")
	if err != nil {
		t.Fatal(err)
	}
	n := map[Effect]int{}
	for _, c := range past(generated, string(demo)) {
		n[c.effect()]++
		if c.effect() == Breaks {
			t.Errorf("%s by %s: %s", c.Operation, c.Actor, c.Outcome.By)
		}
	}
	if n[Stops] < 10 || n[Misses] < 10 || n[NoEffect] < 10 || n[Unclear] != 1 {
		t.Errorf("the demo: %v", n)
	}

	id := 0
	call := func(operation, identity, request, more string) string {
		id++
		return strings.Replace(record(operation, identity, request, more), `"eventID":"1"`, fmt.Sprintf(`"eventID":"%d"`, id), 1) + "\n"
	}
	vpc := `"vpcConfig":{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}`
	text := call("CreateModel", asRole, `{"modelName":"open-1"}`, "") + call("CreateModel", asRole, `{"modelName":"open-2"}`, "") +
		call("CreateModel", asUser, `{"modelName":"good",`+vpc+`}`, "") +
		call("CreateModel", asRole, `{"modelName":"refused"}`, `,"errorCode":"AccessDenied"`) +
		call("DeleteModel", asRole, `{"modelName":"open-1"}`, "") +
		call("CreateCompilationJob", asRole, `{"compilationJobName":"neo"}`, "") +
		call("CreateProcessingJob", asRole, `{"processingJobName":"prep","networkConfig":{`+vpc+`}}`, "") +
		call("CreateTrainingJob", asRole, `{"trainingJobName":"quiet",`+vpc+`}`, "")
	broad := Attached{prevent.SCP, []json.RawMessage{
		deny("sagemaker:CreateModel", `{"Null":{"sagemaker:NetworkIsolation":"true"}}`), // also where it may be missing
		deny("sagemaker:CreateProcessingJob", `{}`),
		deny("sagemaker:CreateModel", `{"Bool":{"sagemaker:NetworkIsolation":"false"}}`),
	}}
	calls := past(broad, text)
	if len(calls) != 6 || !Trouble(calls) {
		t.Errorf("%d calls, trouble %v", len(calls), Trouble(calls))
	}
	var got []string
	for _, g := range Groups(calls) {
		got = append(got, fmt.Sprintf("%d %d %s %s %s %s", g.Effect, g.Calls, g.Actor[strings.LastIndexByte(g.Actor, '/')+1:], g.Operation, g.Why, g.Example[strings.LastIndexByte(g.Example, '/')+1:]))
	}
	want := []string{
		"0 2 ana CreateModel S open-2",
		"1 1 ana CreateModel S good",
		"1 1 ana CreateProcessingJob S prep",
		"2 1 ana CreateCompilationJob no-own-internet neo",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var b bytes.Buffer
	if err := PrintPast(&b, calls); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Violations that the policies would have denied", "without a violation", "let through\n", "6 calls: 2 violations denied, 1 let through, 2 other calls denied, 0 that cannot be told"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	// Many calls are told of on the way.
	var told []int
	many := slices.Repeat([]*kind.Observation{observe(t, record("CreateModel", asService, openModel, ""))}, 2*portion+1)
	if got, err := Evaluate(t.Context(), sim, generated, many, func(done, of int) { told = append(told, done, of) }); err != nil || len(got) != len(many) || !slices.Equal(told, []int{portion, len(many), 2 * portion, len(many), len(many), len(many)}) {
		t.Errorf("%d outcomes, %v, told %v", len(got), err, told)
	}
	if c := past(generated, call("CreateModel", asUser, `{"modelName":"fine",`+vpc+`}`, "")); Trouble(c) || len(Groups(c)) != 0 {
		t.Errorf("nothing happens to %v", c)
	}
}
