package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../../"

func rendered(t *testing.T) string {
	t.Helper()
	text, err := render(root + source)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestThePageIsCurrent(t *testing.T) {
	got, err := os.ReadFile(root + page)
	if err != nil {
		t.Fatalf("%v; write it with: go run ./internal/gen/permissions", err)
	}
	if diff := cmp.Diff(string(got), rendered(t)); diff != "" {
		t.Errorf("%s is not what the template says. Write it anew with: go run ./internal/gen/permissions\n(-page +template):\n%s", page, diff)
	}
}

// TestThePageIsWhole: it has every action that the template names in a policy of a
// role, and nothing of one deployment.
func TestThePageIsWhole(t *testing.T) {
	text := rendered(t)
	template, err := os.ReadFile(root + source)
	if err != nil {
		t.Fatal(err)
	}
	actions := regexp.MustCompile(`"((?:sagemaker|securityhub|dynamodb|lambda|logs|ec2|events|s3|sns|sqs):[A-Z][A-Za-z0-9]+)"`).FindAllStringSubmatch(string(template), -1)
	if len(actions) < 100 {
		t.Fatalf("the template names %d actions", len(actions))
	}
	guards := regexp.MustCompile(`^s3:|^sqs:\*$`) // those of the bucket's own policy
	for _, a := range actions {
		if !guards.MatchString(a[1]) && !strings.Contains(text, "`"+a[1]+"`") {
			t.Errorf("the page does not say %s", a[1])
		}
	}
	for _, no := range []string{"111122223333", "eu-west-1", "0A1B2C3D4E5F", "0a1b2c3d4e5f", "2026"} {
		if strings.Contains(text, no) {
			t.Errorf("the page says %s", no)
		}
	}
	for _, want := range []string{
		"| WriteLedger | `dynamodb:PutItem` | `arn:aws:dynamodb:REGION:ACCOUNT:table/sagemoat-Ledger` |",
		"| StopTrainingJob | `sagemaker:StopTrainingJob` | `arn:aws:sagemaker:REGION:ACCOUNT:training-job/*` |  | `Mode` is not `observe` |",
		"| ReadRules | `s3:GetObject` | `arn:aws:s3:::sagemoat-rulesfilebucket/RULES_KEY` | `s3:ResourceAccount` StringEquals `ACCOUNT` |  |",
		"NotTheFunctionItself (**denied**)",
		"| AuditRole | Lambda | [reads the queue for the function](https://docs.aws.amazon.com/",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestNoTemplate(t *testing.T) {
	for name, text := range map[string]string{
		"no such file":             "",
		"no template":              "{",
		"there is no parameter":    `{"Resources":{"R":{"Type":"AWS::IAM::Role"}}}`,
		"words for the condition":  `{"Parameters":{"CodeBucketPrefix":{"Type":"String"},"Mode":{"Type":"String"},"RouteTopics":{"Type":"String"},"RulesKey":{"Type":"String"},"SubnetIds":{"Type":"String"},"SecurityGroupIds":{"Type":"String"}},"Conditions":{"Odd":{"Fn::Equals":["a","a"]}},"Resources":{"R":{"Type":"AWS::IAM::Role","Condition":"Odd","Properties":{"Policies":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:B","Resource":"*"}]}}]}}}}`,
		"a role that is not known": `{"Parameters":{"CodeBucketPrefix":{"Type":"String"},"Mode":{"Type":"String"},"RouteTopics":{"Type":"String"},"RulesKey":{"Type":"String"},"SubnetIds":{"Type":"String"},"SecurityGroupIds":{"Type":"String"}},"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Role":"x"}}}}`,
	} {
		file := filepath.Join(t.TempDir(), "template.json")
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := render(file); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
