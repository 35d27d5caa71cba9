package lint

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

var update = flag.Bool("update", false, "write the expectations")

// policies is where the policies are that were written for this project. Beside
// X.json stands X.want, which says what there is to find.
var policies = filepath.Join("testdata", "policies")

// read reads policies into one set.
func read(t testing.TB, files ...string) *Set {
	t.Helper()
	var s Set
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(policies, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Read(f, b); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	return &s
}

// lint lints a policy with the given statements.
func lint(t testing.TB, file *rules.File, statements ...string) *Report {
	t.Helper()
	var s Set
	if err := s.Read("p.json", []byte(policyOf(statements...))); err != nil {
		t.Fatal(err)
	}
	return Run(&s, Options{Rules: file})
}

func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",\n") + `]}`
}

// told writes a report in short: a line for each finding and for what is covered.
func told(r *Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s %s:%d %s\n", f.Severity, f.ID, f.Policy, f.Where.Line, f.Statement)
		fmt.Fprintf(&b, "    %s: %s\n", f.Where.Path, f.Found)
		if len(f.Operations) > 0 {
			fmt.Fprintf(&b, "    %s\n", strings.Join(f.Operations, " "))
		}
	}
	for _, row := range r.Coverage {
		for _, q := range Questions() {
			c, ok := row.Cells[q]
			if !ok || c.State == NotAtAll || c.State == CannotBe || c.State == Elsewhere {
				continue
			}
			fmt.Fprintf(&b, "%s %s: %s", row.Operation, q, c.State)
			for _, s := range slices.Concat(c.Passes, c.Only) {
				fmt.Fprintf(&b, "; %s", s)
			}
			fmt.Fprintf(&b, " %s\n", c.Why)
		}
	}
	for _, p := range r.Through {
		fmt.Fprintf(&b, "%s gets through:\n", p.ARN)
		for _, q := range Questions() {
			if len(p.Operations[q]) > 0 {
				fmt.Fprintf(&b, "    %s: %s\n", q, strings.Join(p.Operations[q], " "))
			}
		}
		for _, m := range p.Missing {
			fmt.Fprintf(&b, "    not read: %s\n", m)
		}
	}
	return b.String()
}

// TestPolicies: what there is to find in the policies of testdata.
func TestPolicies(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(policies, "*.json"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d policies, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := told(Run(read(t, filepath.Base(file)), Options{Rules: rules.Default()}))
			path := strings.TrimSuffix(file, ".json") + ".want"
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got), see go test -update:\n%s", path, diff)
			}
		})
	}
}

// of are the findings of a kind.
func of(r *Report, id ID) []*Finding {
	var out []*Finding
	for _, f := range r.Findings {
		if f.ID == id {
			out = append(out, f)
		}
	}
	return out
}

func state(r *Report, operation string, q Question) State {
	for _, row := range r.Coverage {
		if row.Operation == operation {
			if c, ok := row.Cells[q]; ok {
				return c.State
			}
		}
	}
	return ""
}

// names lists operations with a state of a question.
func names(r *Report, q Question, states ...State) []string {
	var out []string
	for _, row := range r.Coverage {
		if c, ok := row.Cells[q]; ok && slices.Contains(states, c.State) {
			out = append(out, row.Operation)
		}
	}
	slices.Sort(out)
	return out
}

// TestArticle: a deny of BoolIfExists false and of subnets that are not listed, on
// CreateModel, as an article has it. It works, by IfExists alone, and leaves out
// every other operation.
func TestArticle(t *testing.T) {
	r := Run(read(t, "article.json"), Options{Rules: rules.Default()})
	bools := of(r, BoolOnList)
	if len(bools) != 1 || bools[0].Where.Line != 11 || bools[0].Fix != nullFix(vpcSubnets, Deny) || bools[0].Severity != rules.Medium {
		t.Errorf("the Bool of a list is told so: %+v", bools)
	}
	if diff := cmp.Diff([]string{"CreateModel"}, names(r, NoVPC, Stopped, Partly, NotKnown)); diff != "" {
		t.Errorf("stopped without a VPC:\n%s", diff)
	}
	if state(r, "CreateModel", NoVPC) != Stopped || state(r, "CreateModel", Subnets) != Stopped {
		t.Error("a model without a VPC, or in another subnet, passes")
	}
	missing := of(r, OperationsMissing)
	if len(missing) != 2 || len(missing[0].Operations) != 13 || len(missing[1].Operations) != 18 {
		t.Errorf("operations that are missing: %+v", missing)
	}
	if got := of(r, ForAnyAbsent); len(got) > 0 {
		t.Errorf("the absence is denied by the other statement: %+v", got)
	}
	// In one statement the conditions exclude each other: no request is in no VPC and in
	// another subnet.
	r = Run(read(t, "article-one-statement.json"), Options{Rules: rules.Default()})
	if got := names(r, NoVPC, Stopped, Partly, NotKnown); got != nil || len(of(r, ForAnyAbsent)) != 1 || len(of(r, BoolOnList)) != 1 {
		t.Errorf("%v is stopped; %v", got, told(r))
	}
}

// TestDataPerimeter: the form of AWS's example: presence only, CreateJob is missing
// and CreateEndpointConfig cannot be, an exemption by a tag, and compliant updates
// and schedules are denied.
func TestDataPerimeter(t *testing.T) {
	r := Run(read(t, "data-perimeter.json"), Options{Rules: rules.Default()})
	if got := of(r, OperationsMissing); len(got) != 1 || !slices.Equal(got[0].Operations, []string{"CreateJob"}) {
		t.Errorf("missing: %+v", got)
	}
	if state(r, "CreateEndpointConfig", NoVPC) != CannotBe {
		t.Error("a policy could deny endpoint configurations without a VPC")
	}
	for _, q := range []Question{Subnets, SecurityGroups, Isolation, Encryption, Interactive} {
		if got := names(r, q, Stopped, Partly, NotKnown); got != nil {
			t.Errorf("%s is stopped for %v", q, got)
		}
	}
	if got := of(r, TagExemption); len(got) != 3 {
		t.Errorf("exemptions by tag: %+v", got)
	}
	broken := map[string]bool{}
	for _, f := range of(r, BreaksCompliant) {
		for _, o := range f.Operations {
			broken[o] = true
		}
	}
	want := map[string]bool{"UpdateDomain": true, "CreateMonitoringSchedule": true, "UpdateMonitoringSchedule": true}
	if diff := cmp.Diff(want, broken); diff != "" {
		t.Errorf("broken:\n%s", diff)
	}
	if got := of(r, LeftOutPasses); len(got) != 1 || !slices.Equal(got[0].Operations, []string{"CreateNotebookInstance"}) {
		t.Errorf("left out: %+v", got)
	}
	if got := names(r, NoVPC, Partly); len(got) != 13 || state(r, "CreateTrainingJob", NoVPC) != Partly {
		t.Errorf("partly: %v", got)
	}
}

// everything is a rules file that asks for all that a policy can deny.
func everything(t testing.TB) *rules.File {
	t.Helper()
	f, err := rules.Load("rules.yaml", []byte(`version: 1
rules: {isolation-required: on, encrypted-between-containers: on, interactive-access: on}
allow:
  - accounts: ["*"]
    subnets: [subnet-0a1b2c3d4e5f60718, subnet-0b2c3d4e5f6071829]
    security-groups: [sg-0a1b2c3d4e5f60718]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFixesClose: whoever pastes what a finding offers has closed it, and no other
// is opened by that; what is left in the end is what no policy can stop.
func TestFixesClose(t *testing.T) {
	file := everything(t)
	statements := []string{`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`}
	r := lint(t, file, statements...)
	for _, f := range r.Findings {
		if f.ID != NotCovered || f.Fix == "" {
			t.Fatalf("of a policy about nothing: %+v", f)
		}
		statements = append(statements, pasted(t, f)...)
	}
	r = lint(t, file, statements...)
	if len(r.Findings) > 0 {
		t.Errorf("with all that was pasted:\n%s", told(r))
	}
	for _, row := range r.Coverage {
		for q, c := range row.Cells {
			o := operationNamed(row.Operation)
			want := Stopped
			switch {
			case o.asks[q].cannot != "":
				want = CannotBe
			case o.asks[q].slips != "":
				want = Partly
			case len(o.asks) == 0:
				want = Elsewhere
			}
			if c.State != want {
				t.Errorf("%s %s is %s, want %s: %+v", row.Operation, q, c.State, want, c)
			}
		}
	}
	// Without any one of them, something is found.
	for i := range statements[1:] {
		fewer := slices.Delete(slices.Clone(statements), i+1, i+2)
		if r := lint(t, file, fewer...); !r.Fails() {
			t.Errorf("nothing is found without %s", statements[i+1])
		}
	}
}

// pasted are the statements that a finding offers.
func pasted(t testing.TB, f *Finding) []string {
	t.Helper()
	var many []json.RawMessage
	if err := json.Unmarshal([]byte(f.Fix), &many); err != nil {
		many = []json.RawMessage{json.RawMessage(f.Fix)}
	}
	var out []string
	for _, one := range many {
		out = append(out, string(one))
	}
	return out
}
