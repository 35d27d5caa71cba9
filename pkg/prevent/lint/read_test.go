package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const small = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Action":"sagemaker:CreateModel","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnets":"true"}}}]}`

// TestForms: one policy, in everything that AWS prints, is the same policy.
func TestForms(t *testing.T) {
	text, err := json.Marshal(small)
	if err != nil {
		t.Fatal(err)
	}
	encoded := `"` + url.PathEscape(small) + `"`
	for name, c := range map[string]struct {
		doc, path string
		line      int
		t         PolicyType
	}{
		"a document":              {small, "Statement[0]", 1, Unattached},
		"with a mark":             {"\xef\xbb\xbf" + small, "Statement[0]", 1, Unattached},
		"a single statement":      {strings.NewReplacer("[", "", "]", "").Replace(small), "Statement", 1, Unattached},
		"on several lines":        {"{\n\"Version\":\"2012-10-17\",\n\"Statement\":\n[\n" + small[strings.Index(small, "[")+1:], "Statement[0]", 5, Unattached},
		"get-policy-version":      {`{"PolicyVersion":{"VersionId":"v1",` + "\n" + `"Document":` + small + `}}`, "PolicyVersion.Document.Statement[0]", 2, Managed},
		"get-policy-version, API": {`{"PolicyVersion":{"Document":` + encoded + `}}`, "PolicyVersion.Document.Statement[0]", 1, Managed},
		"get-role-policy":         {`{"RoleName":"r","PolicyName":"p","PolicyDocument":` + small + `}`, "PolicyDocument.Statement[0]", 1, Inline},
		"get-user-policy, API":    {`{"UserName":"r","PolicyName":"p",` + "\n\n" + `"PolicyDocument":` + encoded + `}`, "PolicyDocument.Statement[0]", 3, Inline},
		"describe-policy":         {`{"Policy":{"PolicySummary":{"Name":"n","Type":"SERVICE_CONTROL_POLICY"},"Content":` + string(text) + `}}`, "Policy.Content.Statement[0]", 1, SCP},
		"a role's, chosen":        {`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"Ref":"AWS::NoValue"},{"Fn::If":["C",{"Ref":"AWS::NoValue"},{"Fn::If":["D",{"PolicyName":"p","PolicyDocument":` + small + `},{"Ref":"AWS::NoValue"}]}]}]}}}}`, "Resources.R.Properties.Policies[1].Fn::If[2].Fn::If[1].PolicyDocument.Statement[0]", 1, Inline},
		"a role of a template":    {`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"PolicyName":"p","PolicyDocument":` + small + `}]}}}}`, "Resources.R.Properties.Policies[0].PolicyDocument.Statement[0]", 1, Inline},
		"a group's of a template": {`{"Resources":{"R":{"Type":"AWS::IAM::GroupPolicy","Properties":{"PolicyDocument":` + small + `}}}}`, "Resources.R.Properties.PolicyDocument.Statement[0]", 1, Inline},
		"a plan":                  {`{"planned_values":{"root_module":{"resources":[{"address":"a","type":"aws_iam_role_policy","values":{"policy":` + string(text) + `}}]}}}`, "planned_values.root_module.resources[0].values.policy.Statement[0]", 1, Inline},
		"authorization details":   {`{"Policies":[{"PolicyName":"p","Arn":"arn:aws:iam::111122223333:policy/p","PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":false},{"IsDefaultVersion":true,"Document":` + encoded + `}]}]}`, "Policies[0].PolicyVersionList[1].Document.Statement[0]", 1, Managed},
		"AWS's own":               {`{"Policies":[{"PolicyName":"p","Arn":"arn:aws:iam::aws:policy/p","PolicyVersionList":[{"IsDefaultVersion":true,"Document":` + small + `}]}]}`, "Policies[0].PolicyVersionList[0].Document.Statement[0]", 1, ManagedAWS},
	} {
		t.Run(name, func(t *testing.T) {
			var s Set
			if err := s.Read("f.json", []byte(c.doc)); err != nil || len(s.Policies) != 1 {
				t.Fatalf("%d policies, %v", len(s.Policies), err)
			}
			p := s.Policies[0]
			st := p.Statements[0]
			if p.Type != c.t || st.Where != (Where{"f.json", c.line, c.path}) || st.Sid != "A" {
				t.Errorf("type %q, %+v", p.Type, st.Where)
			}
			r := Run(&s, Options{Rules: rules.Default()})
			if want := NotAtAll; state(r, "CreateModel", NoVPC) != Stopped || state(r, "CreateTrainingJob", NoVPC) != want {
				t.Errorf("it stops %v", names(r, NoVPC, Stopped))
			}
		})
	}
}

// TestRefused: what is not read says why, and where.
func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, jsondoc.MaxDepth+1) + "1" + strings.Repeat("}", jsondoc.MaxDepth+1)
	statement := func(s string) string {
		return `{"Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*"},` + s + `]}`
	}
	for doc, want := range map[string]string{
		``:            "ends in the middle",
		`[]`:          "no policy",
		`{}`:          "no policy",
		`{"a":1}`:     "no policy",
		`{"a":1,"a"}`: "duplicate",
		deep:          "deep",
		`{"Statement":[{"Effect":"Deny","effect":"Allow"}]}`: "differ only by case",
		`{"Statement":1}`: "no Statement",
		statement(`1`):    "Statement[1]: a statement is an object, this is a number",
		statement(`{"Action":"a:b","Resource":"*"}`):                                                             "Statement[1].Effect: want Allow or Deny",
		statement(`{"Effect":"deny","Action":"a:b","Resource":"*"}`):                                             "Statement[1].Effect: want Allow or Deny",
		statement(`{"effect":"Deny","Action":"a:b","Resource":"*"}`):                                             "Statement[1].effect: a statement has no such element",
		statement(`{"Effect":"Deny","Resource":"*"}`):                                                            "Statement[1]: want Action or NotAction, one of them",
		statement(`{"Effect":"Deny","Action":"a:b","NotAction":"a:c","Resource":"*"}`):                           "want Action or NotAction, one of them",
		statement(`{"Effect":"Deny","Action":[],"Resource":"*"}`):                                                "Statement[1].Action: an empty list",
		statement(`{"Effect":"Deny","Action":["a:b",1],"Resource":"*"}`):                                         "Statement[1].Action[1]: want a string, this is a number",
		statement(`{"Effect":"Deny","Action":"a:b"}`):                                                            "want Resource or NotResource",
		statement(`{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":[]}`):                              "Statement[1].Condition: want an object, this is a list",
		statement(`{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"Null":1}}`):                      "Statement[1].Condition.Null: want an object of condition keys",
		statement(`{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"Null":{"x":[[]]}}}`):             "Statement[1].Condition.Null.x: want strings, found a list",
		`{"PolicyVersion":{"Document":"%zz"}}`:                                                                   "PolicyVersion.Document: neither JSON nor URL-encoded",
		`{"PolicyVersion":{"Document":"{\"Statement\":1}"}}`:                                                     "PolicyVersion.Document: no Statement",
		`{"PolicyVersion":{"Document":7}}`:                                                                       "PolicyVersion.Document: want a policy document, this is a number",
		`{"PolicyVersion":{}}`:                                                                                   "PolicyVersion.Document: want a policy document, this is nothing",
		`{"Policy":{"PolicySummary":{"Type":"TAG_POLICY"},"Content":"{}"}}`:                                      "TAG_POLICY",
		`{"Resources":{"A":{"Type":"AWS::S3::Bucket"}}}`:                                                         "no policy",
		`{"Resources":{"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Fn::If":[1,2,3]}}}}}`:     "Resources.A.Properties.PolicyDocument: no Statement",
		`{"planned_values":{"root_module":{"resources":[]}}}`:                                                    "no policy",
		`{"planned_values":{"root_module":{"resources":[{"address":"x","type":"aws_iam_policy","values":{}}]}}}`: "x is known only after apply",
		`{"Policies":[{"PolicyName":"p"}]}`:                                                                      "no policy",
	} {
		var s Set
		err := s.Read("f.json", []byte(doc))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", doc, err, want)
		}
		if (want == "no policy") != errors.Is(err, ErrNoPolicy) {
			t.Errorf("%.80s: there is no policy: %v", doc, errors.Is(err, ErrNoPolicy))
		}
	}
	var s Set
	if err := s.Read("f.json", make([]byte, MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("too long: %v", err)
	}
}

// TestTooMany: statements without end are refused before they are tried.
func TestTooMany(t *testing.T) {
	s := Set{denials: MaxDenials - 1}
	for i, want := range []bool{true, false} {
		if err := s.Read("f.json", []byte(small)); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "the document: more than 10000 statements") {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestForeign: policies of resources are passed over and counted.
func TestForeign(t *testing.T) {
	var s Set
	if err := s.Read("f.json", []byte(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`)); err != nil || s.Foreign != 1 || len(s.Policies) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestLarge: an account's details, longer than one document may be, are read one by
// one, and each is where it is.
func TestLarge(t *testing.T) {
	var b strings.Builder
	b.WriteString("{\"RoleDetailList\": [\n")
	const n = 3000
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"RoleName":"r%d","Arn":"arn:aws:iam::111122223333:role/r%d","RolePolicyList":[{"PolicyName":"p","PolicyDocument":%q}],"Tags":[{"Key":"%s","Value":""}]}`, i, i, url.PathEscape(small), strings.Repeat("x", 200))
	}
	b.WriteString("],\n\"IsTruncated\": false, \"UserDetailList\": [], \"Policies\": [{\"PolicyName\":\"q\",\"PolicyVersionList\":[{\"IsDefaultVersion\":true,\"Document\":" + small + "}]}]}")
	if b.Len() < jsondoc.MaxBytes {
		t.Fatalf("only %d bytes", b.Len())
	}
	var s Set
	began := time.Now()
	if err := s.Read("f.json", []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if len(s.Policies) != n+1 || len(s.Principals) != n {
		t.Fatalf("%d policies, %d principals", len(s.Policies), len(s.Principals))
	}
	if got := s.Policies[1000].Statements[0].Where; got != (Where{"f.json", 1002, "RoleDetailList[1000].RolePolicyList[0].PolicyDocument.Statement[0]"}) {
		t.Errorf("%+v", got)
	}
	r := Run(&s, Options{Rules: rules.Default()})
	if r.Policies != n+1 || len(r.Through) != 0 || !r.Everyone {
		t.Errorf("%d policies, %d get through", r.Policies, len(r.Through))
	}
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("it took %v", d)
	}
	// What is wrong in one of them is told, and the others are read.
	broken := strings.Replace(b.String(), `"RoleName":"r7"`, `"RoleName":"r7","rolename":1`, 1)
	var part Set
	if err := part.Read("f.json", []byte(broken)); err == nil || !strings.Contains(err.Error(), "RoleDetailList[7]") || len(part.Policies) != n {
		t.Errorf("%d policies, %v", len(part.Policies), err)
	}
	var none Set
	if err := none.Read("f.json", []byte(`{"a":"`+strings.Repeat("x", jsondoc.MaxBytes)+`"}`)); !errors.Is(err, ErrNoPolicy) {
		t.Errorf("a large file without policies: %v", err)
	}
	for _, text := range []string{"[" + strings.Repeat(" ", jsondoc.MaxBytes) + "]", b.String()[:b.Len()-10], `{"a":[` + strings.Repeat(" ", jsondoc.MaxBytes)} {
		if err := new(Set).Read("f.json", []byte(text)); err == nil {
			t.Errorf("%.20s… is read", text)
		}
	}
}

// TestFromAccount: what was read from an account has no lines.
func TestFromAccount(t *testing.T) {
	var s Set
	if err := s.Read("", []byte(small)); err != nil || s.Policies[0].Statements[0].Where != (Where{Path: "Statement[0]"}) {
		t.Errorf("%+v, %v", s.Policies, err)
	}
}

// TestPrincipals: who gets through is who is allowed to, by all that is attached,
// and denied by nothing.
func TestPrincipals(t *testing.T) {
	r := Run(read(t, "authorization-details.json"), Options{Rules: rules.Default()})
	got := map[string][]string{}
	for _, p := range r.Through {
		got[p.ARN[strings.LastIndex(p.ARN, ":")+1:]] = p.Operations[NoVPC]
	}
	if ana, ok := got["user/ana"]; ok {
		t.Errorf("ana, whose group may start jobs in a VPC only, gets through: %v", ana)
	}
	if diff := strings.Join(got["role/bounded"], " "); diff != "CreateModel" {
		t.Errorf("bounded gets through with %s, want CreateModel: its boundary allows no more", diff)
	}
	for _, name := range []string{"role/admin", "role/ds"} {
		if has := got[name]; !slices.Contains(has, "CreateModel") || slices.Contains(has, "CreateTrainingJob") == (name == "role/ds") {
			t.Errorf("%s gets through with %v", name, has)
		}
	}
	for _, p := range r.Through {
		if strings.HasSuffix(p.ARN, "/other") && len(p.Missing) != 1 {
			t.Errorf("a policy of other's is missing: %+v", p)
		}
	}
	// What applies to all of them is no finding's any more.
	s := read(t, "authorization-details.json")
	scp, err := os.ReadFile(filepath.Join(policies, "describe-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Read("scp.json", scp); err != nil {
		t.Fatal(err)
	}
	r = Run(s, Options{Rules: rules.Default()})
	if state(r, "CreateModel", NoVPC) != Stopped {
		t.Error("the SCP stops nothing")
	}
	for _, p := range r.Through {
		if slices.Contains(p.Operations[NoVPC], "CreateModel") {
			t.Errorf("%s gets through the SCP", p.ARN)
		}
	}
}

// TestBoundaryIsAttached: a policy may be a role's boundary and one of its policies.
func TestBoundaryIsAttached(t *testing.T) {
	const both = `{"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/r","RolePolicyList":[],
		"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::111122223333:policy/p"}],"PermissionsBoundary":{"PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/p"}}],
		"Policies":[{"PolicyName":"p","Arn":"arn:aws:iam::111122223333:policy/p","PolicyVersionList":[{"IsDefaultVersion":true,
		"Document":{"Statement":[{"Effect":"Allow","Action":"sagemaker:CreateModel","Resource":"*"}]}}]}]}`
	var s Set
	if err := s.Read("f.json", []byte(both)); err != nil {
		t.Fatal(err)
	}
	r := Run(&s, Options{Rules: rules.Default()})
	if len(r.Through) != 1 || !slices.Equal(r.Through[0].Operations[NoVPC], []string{"CreateModel"}) || s.Policies[0].Type != Managed {
		t.Errorf("%+v, %s", r.Through, s.Policies[0].Type)
	}
}

// FuzzRead: whatever is read, is linted, in time that a person waits for.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(policies, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Set
		_ = s.Read("f.json", data)
		r := Run(&s, Options{Rules: rules.Default()})
		for _, f := range r.Findings {
			if DocOf(f.ID).ID != f.ID || f.Found == "" {
				t.Errorf("%+v", f)
			}
		}
	})
}
