package lint

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

func fileOf(t testing.TB, text string) *rules.File {
	t.Helper()
	f, err := rules.Load("rules.yaml", []byte("version: 1\n"+text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestWishes: how far a rule is on for an operation, by overrides and exceptions.
func TestWishes(t *testing.T) {
	const excepted = "exceptions: [{id: X, owner: o, reason: r, expires: 2027-01-01, rules: [vpc-required], match: {"
	for text, want := range map[string]wish{
		"":                           on,
		"rules: {vpc-required: off}": off,
		"overrides: [{match: {kinds: [training-job]}, rules: {vpc-required: off}}]":                                                                                        off,
		"overrides: [{match: {kinds: [model]}, rules: {vpc-required: off}}]":                                                                                               on,
		"overrides: [{match: {accounts: ['111122223333']}, rules: {vpc-required: off}}]":                                                                                   sometimes,
		"rules: {vpc-required: off}\noverrides: [{match: {regions: [eu-west-1]}, rules: {vpc-required: on}}]":                                                              sometimes,
		"rules: {vpc-required: off}\noverrides: [{match: {tags: {env: prod}}, rules: {vpc-required: on}}]":                                                                 off, // the caller decides
		"rules: {vpc-required: off}\noverrides: [{match: {regions: [eu-west-1]}, rules: {vpc-required: on}}, {match: {regions: [eu-west-1]}, rules: {vpc-required: off}}]": off,
		excepted + "roles: ['arn:aws:iam::111122223333:role/a']}}]":                                                                                                        sometimes,
		excepted + "resources: ['arn:aws:sagemaker:eu-west-1:111122223333:training-job/a']}}]":                                                                             on,
		"rules: {vpc-required: off}\noverrides: [{match: {roles: ['arn:aws:iam::111122223333:role/a'], accounts: ['444455556666']}, rules: {vpc-required: on}}]":           off,
	} {
		f := fileOf(t, text)
		if got := newWishes(f, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)).of(rules.VPCRequired, operationNamed("CreateTrainingJob")); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
		if got := newWishes(f, time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC)).of(rules.VPCRequired, operationNamed("CreateTrainingJob")); strings.HasPrefix(text, excepted) && got != on {
			t.Errorf("%s, when it has expired: %d", text, got)
		}
	}
	if got := newWishes(fileOf(t, excepted+"roles: ['arn:aws:iam::111122223333:role/a']}}]"), time.Time{}).of(rules.VPCRequired, operationNamed("CreateTrainingJob")); got != on {
		t.Errorf("an exception is in force at no time: %d", got)
	}
	w := newWishes(fileOf(t, "rules: {interactive-access: [remote-access]}"), time.Now())
	if w.of(rules.InteractiveAccess, operationNamed("CreateSpace")) != on || w.of(rules.InteractiveAccess, operationNamed("CreateTrainingJob")) != off {
		t.Error("one way in is forbidden, and not the other")
	}
}

// TestAsked: what is found depends on what the rules ask. A fix denies what they
// forbid and no more: with it, nothing is left to find, and nothing is broken.
func TestAsked(t *testing.T) {
	noVPC := deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`)
	open := deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`)
	notebook := deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"StringNotEquals":{"sagemaker:DirectInternetAccess":"Disabled"}}`)
	for _, c := range []struct {
		rules, statement string
		breaks           string // a piece of what it is said to break; empty: nothing
		passes           bool   // training jobs without a VPC are said to pass
	}{
		{"{well-formed: on}", noVPC, "", false},
		{"{well-formed: on}", open, "", true},
		{"{vpc-required: off}", noVPC, "EnableNetworkIsolation true, which the rules allow", false},
		{"{vpc-required: off}", open, "", false},
		{"{vpc-required: off, no-own-internet: off}", open, "EnableNetworkIsolation false, which the rules allow", false},
		{"{vpc-required: off, no-own-internet: off, isolation-required: on}", open, "", false},
		{"{no-own-internet: off}", open, "", true},
		{"{no-bridge: off}", notebook, "in a VPC, with DirectInternetAccess Enabled", true},
		{"{vpc-required: off}", notebook, "", true},
	} {
		r := lint(t, fileOf(t, "rules: "+c.rules), c.statement)
		var broken []string
		for _, f := range of(r, BreaksCompliant) {
			broken = append(broken, f.Found)
		}
		if (len(broken) > 0) != (c.breaks != "") || !strings.Contains(strings.Join(broken, "\n"), c.breaks) {
			t.Errorf("%s with %s breaks %v, want %q", c.statement, c.rules, broken, c.breaks)
		}
		passes := slices.ContainsFunc(r.Findings, func(f *Finding) bool {
			return f.Counts() && f.Question == NoVPC && slices.Contains(f.Operations, "CreateTrainingJob")
		})
		if passes != c.passes {
			t.Errorf("%s with %s: training jobs pass: %v\n%s", c.statement, c.rules, passes, told(r))
		}
	}
	for _, text := range []string{"{well-formed: on}", "{vpc-required: off}", "{vpc-required: off, no-bridge: off}", "{no-own-internet: off}", "{vpc-required: off, no-own-internet: off}", "{vpc-required: off, no-own-internet: off, no-bridge: off}"} {
		file := fileOf(t, "rules: "+text)
		statements := []string{`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`}
		for _, f := range lint(t, file, statements...).Findings {
			if f.Counts() {
				statements = append(statements, pasted(t, f)...)
			}
		}
		if r := lint(t, file, statements...); r.Fails() {
			t.Errorf("%s, with all that was pasted:\n%s\n%s", text, strings.Join(statements, "\n"), told(r))
		}
	}
}

// TestWitnessesOfLists: a deny-list of what is not allowed breaks nothing, and one of
// all that is does. Two lists that have no id in common break every call.
func TestWitnessesOfLists(t *testing.T) {
	list := func(operator, ids string) string {
		return deny(jobs, `{"ForAnyValue:`+operator+`":{"sagemaker:VpcSubnets":[`+ids+`]}}`)
	}
	const a, b, c = `"subnet-0a1b2c3d4e5f60718"`, `"subnet-0b2c3d4e5f6071829"`, `"subnet-0bad0bad0bad0bad0"`
	for _, x := range []struct {
		file       *rules.File
		statements []string
		breaks     int
	}{
		{everything(t), []string{list("StringEquals", c)}, 0},
		{everything(t), []string{list("StringEquals", a)}, 0},
		{everything(t), []string{list("StringEquals", a+","+b)}, 1},
		{rules.Default(), []string{list("StringEquals", c)}, 0},
		{rules.Default(), []string{list("StringNotEquals", a), list("StringNotEquals", b)}, 1},
		{rules.Default(), []string{list("StringNotEquals", a+","+b), list("StringNotEquals", b)}, 0},
		{everything(t), []string{list("StringNotEquals", a+","+c), list("StringNotEquals", b+","+c)}, 1},
		{rules.Default(), []string{list("StringNotEquals", a+","+c), list("StringNotEquals", b+","+c)}, 0},
		{rules.Default(), []string{list("StringNotEquals", a), list("StringNotEquals", b), `{"Effect":"Deny",` + jobs + `}`}, 0},
	} {
		if got := of(lint(t, x.file, x.statements...), BreaksCompliant); len(got) != x.breaks {
			t.Errorf("%v: %d findings, want %d", x.statements, len(got), x.breaks)
		}
	}
	// What asks for the form of an id is no list.
	if got := of(lint(t, everything(t), list("StringNotLike", `"subnet-*"`)), ListDiffers); slices.ContainsFunc(got, func(f *Finding) bool { return f.Severity == rules.High }) {
		t.Errorf("%+v", got[0])
	}
	if got := of(lint(t, everything(t), list("StringNotLike", `"subnet-0a*"`)), ListDiffers); len(got) == 0 {
		t.Error("subnet-0a* is more than the rules allow")
	}
	// Capitals do not matter to an operator that ignores them.
	r := lint(t, everything(t), list("StringNotEqualsIgnoreCase", strings.ToUpper(a)+","+strings.ToUpper(b)))
	if got := slices.Concat(of(r, ValueForm), of(r, ListDiffers)); len(got) > 0 {
		t.Errorf("%+v", got[0])
	}
}

// TestOtherServices: what denies calls of other services, too, is told so.
func TestOtherServices(t *testing.T) {
	for rest, want := range map[string]string{
		`"Action":"*","Resource":"*"`:                                        "every other service",
		`"Action":["s3:*","sagemaker:CreateModel"],"Resource":"*"`:           "s3:*",
		`"NotAction":["iam:*","s3:*"],"Resource":"*"`:                        "every service that NotAction does not name",
		`"NotAction":["*"],"Resource":"*"`:                                   "",
		`"Action":"*","Resource":"arn:aws:sagemaker:*:*:*"`:                  "",
		`"Action":"*","NotResource":"arn:aws:sagemaker:*:*:model/*"`:         "every other service",
		`"Action":"sagemaker:*","Resource":"*"`:                              "",
		`"Action":["SageMaker:CreateModel","s*:CreateModel"],"Resource":"*"`: "",
	} {
		for condition, denies := range map[string]bool{
			`{"Null":{"sagemaker:VpcSubnets":"true"}}`:                                         true,
			`{"Null":{"sagemaker:VpcSubnets":"false"}}`:                                        false,
			`{"Null":{"sagemaker:VpcSubnet":"true"}}`:                                          true, // no request has it
			`{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"sagemaker:Colour":"x"}}`: false,
		} {
			var got string
			for _, f := range of(lint(t, rules.Default(), deny(rest, condition)), BreaksCompliant) {
				if _, after, found := strings.Cut(f.Found, "it denies calls of "); found && strings.HasSuffix(after, "whatever they ask for") {
					got, _, _ = strings.Cut(after, ":"+" they do not have")
				}
			}
			if denies && got != want || !denies && got != "" {
				t.Errorf("%s %s: %q, want %q", rest, condition, got, want)
			}
		}
	}
}

// TestWholeOperation: who denies an operation denies all that could slip through.
func TestWholeOperation(t *testing.T) {
	r := lint(t, rules.Default(), `{"Effect":"Deny","Action":"sagemaker:*","Resource":"*"}`)
	for _, row := range r.Coverage {
		for q, c := range row.Cells {
			if c.State != Stopped && c.State != Elsewhere {
				t.Errorf("%s %s: %s", row.Operation, q, c.State)
			}
		}
	}
	// A condition that not every call meets denies some only.
	r = lint(t, rules.Default(), deny(`"Action":"sagemaker:CreateEndpointConfig","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"false"}}`))
	if got := state(r, "CreateEndpointConfig", NoVPC); got != CannotBe {
		t.Errorf("%s", got)
	}
}
