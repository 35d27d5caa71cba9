package policies

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const (
	guard  = `{"Version":"2012-10-17","Statement":[{"Sid":"Guard","Effect":"Deny","Action":"sagemaker:CreateTrainingJob","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnets":"true"}}}]}`
	open   = `{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Action":"sagemaker:*","Resource":"*"}]}`
	models = `{"Version":"2012-10-17","Statement":[{"Sid":"Models","Effect":"Deny","Action":"sagemaker:CreateModel","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnets":"true"}}}]}`
	trust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

// must fails the test with an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestAccount: roles, groups and users with what is attached to them, and the SCPs
// above the account, as moto has them.
func TestAccount(t *testing.T) {
	cfg := moto.Config(t)
	ctx := t.Context()
	c := iam.NewFromConfig(cfg)
	managed := must[*iam.CreatePolicyOutput](t)(c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("open"), PolicyDocument: aws.String(open)}))
	for _, role := range []string{"guarded", "free"} {
		must[*iam.CreateRoleOutput](t)(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: aws.String(trust)}))
		must[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: managed.Policy.Arn}))
	}
	must[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("guarded"), PolicyName: aws.String("guard"), PolicyDocument: aws.String(guard)}))
	must[*iam.CreateUserOutput](t)(c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ana")}))
	must[*iam.CreateGroupOutput](t)(c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("scientists")}))
	must[*iam.PutGroupPolicyOutput](t)(c.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("scientists"), PolicyName: aws.String("open"), PolicyDocument: aws.String(open)}))
	must[*iam.AddUserToGroupOutput](t)(c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("scientists"), UserName: aws.String("ana")}))

	read := func(cfg aws.Config) (*Read, map[string][]string) {
		t.Helper()
		var r Read
		answers := 0
		if err := r.Account(ctx, cfg, func(n int, _ int64) { answers = n }); err != nil || len(r.Problems) > 0 || answers == 0 {
			t.Fatalf("%v, %v, after %d answers", err, r.Problems, answers)
		}
		through := map[string][]string{}
		for _, p := range lint.Run(&r.Set, lint.Options{Rules: rules.Default()}).Through {
			through[p.ARN[strings.LastIndex(p.ARN, "/")+1:]] = p.Operations[lint.NoVPC]
			if len(p.Missing) > 0 {
				t.Errorf("of %s %v is missing", p.ARN, p.Missing)
			}
		}
		return &r, through
	}

	// No organization: nothing is missing.
	r, through := read(cfg)
	if len(r.Missing) > 0 {
		t.Errorf("missing: %v", r.Missing)
	}
	for name, free := range map[string]bool{"guarded": false, "free": true, "ana": true} {
		if got := slices.Contains(through[name], "CreateTrainingJob"); got != free || !slices.Contains(through[name], "CreateModel") {
			t.Errorf("%s can %v", name, through[name])
		}
	}

	// An organization's management account: its SCPs are without effect there.
	o := organizations.NewFromConfig(cfg)
	must[*organizations.CreateOrganizationOutput](t)(o.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll}))
	if r, _ = read(cfg); len(r.Missing) != 1 || !strings.Contains(r.Missing[0], "management account") {
		t.Errorf("missing: %v", r.Missing)
	}

	// A member two units below the root, each with a policy of its own.
	root := must[*organizations.ListRootsOutput](t)(o.ListRoots(ctx, &organizations.ListRootsInput{})).Roots[0].Id
	_, _ = o.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: root, PolicyType: types.PolicyTypeServiceControlPolicy}) // on already, in some versions
	unit := must[*organizations.CreateOrganizationalUnitOutput](t)(o.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{ParentId: root, Name: aws.String("ml")})).OrganizationalUnit.Id
	made := must[*organizations.CreateAccountOutput](t)(o.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("member"), Email: aws.String("member@example.com")}))
	member := made.CreateAccountStatus.AccountId
	must[*organizations.MoveAccountOutput](t)(o.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: member, SourceParentId: root, DestinationParentId: unit}))
	for target, content := range map[string]string{*root: guard, *unit: models} {
		p := must[*organizations.CreatePolicyOutput](t)(o.CreatePolicy(ctx, &organizations.CreatePolicyInput{
			Name: aws.String("scp-" + target), Description: aws.String(""), Type: types.PolicyTypeServiceControlPolicy, Content: &content,
		}))
		must[*organizations.AttachPolicyOutput](t)(o.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: p.Policy.PolicySummary.Id, TargetId: &target}))
	}
	a := account{Read: &Read{}, id: *member}
	if err := a.controls(ctx, o); err != nil {
		t.Fatal(err)
	}
	report := lint.Run(&a.Set, lint.Options{Rules: rules.Default()})
	for _, row := range report.Coverage {
		if stopped := row.Cells[lint.NoVPC].State == lint.Stopped; stopped != (row.Operation == "CreateTrainingJob" || row.Operation == "CreateModel") {
			t.Errorf("%s without a VPC is stopped by the SCPs: %v", row.Operation, stopped)
		}
	}
	for _, p := range a.Set.Policies {
		if p.Type != lint.SCP || p.Where.File != "" || p.Where.Line != 0 {
			t.Errorf("%+v", p)
		}
	}
}

// TestAccountFails: what is not permitted is told; without the IAM policies nothing
// is linted.
func TestAccountFails(t *testing.T) {
	nobody := aws.Config{Region: "eu-west-1", Credentials: credentials.StaticCredentialsProvider{}}
	if err := new(Read).Account(t.Context(), nobody, nil); err == nil || !strings.Contains(err.Error(), "who calls is not known") {
		t.Errorf("without credentials: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(Read).Account(ctx, moto.Config(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFiles: files that are named must hold a policy; of folders those are read that
// do.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a.json": guard, "sub/b.JSON": models, "sub/other.json": `{"a":1}`, "sub/notes.txt": "x", ".git/c.json": guard,
		"broken/d.json": "{\n\"a\":\n}", "two.json": `{"Policies":[{"PolicyName":"x","PolicyVersionList":[{"IsDefaultVersion":true,"Document":{"Statement":1}}]},{"PolicyName":"y","PolicyVersionList":[{"IsDefaultVersion":true,"Document":{"Statement":2}}]}]}`,
		"empty/x.txt": "",
	})
	if err := os.Symlink(dir, filepath.Join(dir, "sub", "loop")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		paths            []string
		policies, others int
		problems         []string
	}{
		"a file":              {[]string{"a.json"}, 1, 0, nil},
		"a folder":            {[]string{"sub"}, 1, 1, nil},
		"standard input":      {[]string{"-"}, 1, 0, nil},
		"one that holds none": {[]string{"sub/other.json"}, 0, 0, []string{"other.json: no policy"}},
		"one that is broken":  {[]string{"broken"}, 0, 0, []string{"d.json: line 3: a:"}},
		"two are wrong":       {[]string{"two.json"}, 0, 0, []string{"two.json: Policies[0]", "two.json: Policies[1]"}},
		"none there":          {[]string{"nothing"}, 0, 0, []string{"nothing: no such file"}},
		"nothing to read":     {[]string{"empty"}, 0, 0, []string{"empty: no file to read in there"}},
		"several":             {[]string{"a.json", "sub", "nothing"}, 2, 1, []string{"nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(dir)
			var r Read
			told := 0
			if err := r.Files(t.Context(), c.paths, strings.NewReader(guard), func(n int, _ int64) { told = n }); err != nil {
				t.Fatal(err)
			}
			if len(r.Set.Policies) != c.policies || r.Others != c.others || told != r.Count {
				t.Errorf("%d policies, %d others, %d of %d told", len(r.Set.Policies), r.Others, told, r.Count)
			}
			if len(r.Problems) != len(c.problems) {
				t.Fatalf("problems: %v, want %q", r.Problems, c.problems)
			}
			for i, want := range c.problems {
				if !strings.Contains(r.Problems[i].Error(), want) {
					t.Errorf("problem %v, want %q", r.Problems[i], want)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(Read).Files(ctx, []string{dir}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
