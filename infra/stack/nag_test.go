package stack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// suppression says why a finding of cdk-nag is right as it is.
type suppression struct {
	// rule and where are regular expressions for all of the finding's id and of the
	// resource's path: sagemoat/AuditRole.
	rule, where string
	// reason is what a security reviewer is told.
	reason string
}

// suppressions are all that is suppressed; docs/nag.md is made of them. They stand
// here and not in the app, so that the templates carry no metadata of cdk-nag.
var suppressions = []suppression{
	{
		`AwsSolutions-IAM5\[Resource::\*\]`, `sagemoat/(Publish|Respond)Role`,
		"`dynamodb:ListStreams`, which Lambda wants for a function that reads a stream, knows no resources; it tells names of streams and nothing that is in them. So do not the calls for a VPC, as above.",
	},
	{
		`AwsSolutions-IAM5\[Resource::\*\]`, `sagemoat/SweepRole`,
		"The `List*` and `Search` calls of SageMaker AI, with which the sweep finds what no event told of, know no resources; they change nothing.",
	},
	{
		`AwsSolutions-IAM5\[Resource::\*\]`, `sagemoat/(Audit|Setup)Role`,
		"Lambda makes a function's network interfaces by calls that know no resource before it is there; the policy is only there where subnets are given, and denies them to the function's own code.",
	},
	{
		`AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:\*\]`, `sagemoat/(Audit|Respond)Role`,
		"An audit looks at every resource of SageMaker AI in its account and Region: the statement holds `Describe*` calls by name and two that list tags and parameters, none of which changes anything.",
	},
	{
		`AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:[a-z-]+/\*\]`, `sagemoat/RespondStopPolicy`,
		"Which job will have to be stopped is not known before: each statement holds one `Stop*` call for one type of resource of this account and Region, and the policy is not there in mode `observe`.",
	},
	{
		`NIST\.800\.53\.R5-IAMNoInlinePolicy`, `sagemoat/[A-Za-z]+(Role|Policy)`,
		"Each policy is for one role of one function and goes with it; a managed one could be attached to anything else.",
	},
	{
		`NIST\.800\.53\.R5-LambdaInsideVPC`, `sagemoat/(Audit|Publish|Respond|Setup|Sweep)`,
		"The functions call AWS and nothing in a VPC, and listen to nobody; whoever wants them in one gives its subnets (`subnetIds`), and cdk-nag looks at the template without them.",
	},
	{
		`NIST\.800\.53\.R5-LambdaDLQ`, `sagemoat/(Publish|Respond|Sweep)`,
		"What is given up goes to a queue by the on-failure destinations of the function and of its event source, which tell more than a dead letter queue of the function would.",
	},
	{
		`NIST\.800\.53\.R5-LambdaDLQ`, `sagemoat/Audit`,
		"The function is only invoked for its queue, which has a dead letter queue: one of the function's own would never get anything.",
	},
	{
		`NIST\.800\.53\.R5-LambdaDLQ`, `sagemoat/Setup`,
		"The function is only invoked by CloudFormation, which waits for its answer: where it fails, the deployment does.",
	},
	{
		`CdkNagValidationFailure\[NIST\.800\.53\.R5-LambdaConcurrency\]`, `sagemoat/(Audit|Publish|Respond|Setup|Sweep)`,
		"The rule cannot read a reserved concurrency that depends on parameters; `infra/guard/all/functions.guard` demands one of every function.",
	},
	{
		`NIST\.800\.53\.R5-CloudWatchLogGroupEncrypted`, `sagemoat/(Audit|Publish|Respond|Setup|Sweep)Logs`,
		"CloudWatch Logs encrypts every log group, here with a key of its own; the logs hold names, classes and metrics, never an environment, a hyperparameter or a tag.",
	},
	{
		`NIST\.800\.53\.R5-SNSEncryptedKMS`, `sagemoat/(Alert|Operations)Topic|sagemoat-organization/AlertTopic`,
		"SNS stores messages on encrypted disks; with a key of KMS an alarm or an alert would be lost for a grant that is missing, and the key that AWS manages lets neither CloudWatch nor EventBridge send.",
	},
	{
		`NIST\.800\.53\.R5-S3DefaultEncryptionKMS`, `sagemoat(-organization)?/RulesFileBucket|sagemoat-code/CodeBucket`,
		"Objects are encrypted with S3's own keys; rules and code are no secrets, other accounts must read them, and what protects them is who may write.",
	},
	{
		`NIST\.800\.53\.R5-S3BucketReplicationEnabled`, `sagemoat(-organization)?/RulesFileBucket|sagemoat-code/CodeBucket`,
		"The origin of the rules file and of the code is version control, from which they are put there again; versions are kept against deletion and mistakes.",
	},
	{
		`AwsSolutions-S1|NIST\.800\.53\.R5-S3BucketLoggingEnabled`, `sagemoat(-organization)?/RulesFileBucket|sagemoat-code/CodeBucket`,
		"Changes of the buckets are in CloudTrail, and an event rule tells of them; who reads or writes objects, a trail's data events record, and a log bucket of the stack's own would need the same protection again.",
	},
	{
		`NIST\.800\.53\.R5-DynamoDBInBackupPlan`, `sagemoat/Ledger`,
		"The table has point-in-time recovery and deletion protection, and outlives the stack; what it holds can be judged again from what is there.",
	},
	{
		`AwsSolutions-SQS3`, `sagemoat/(Finding|Stream)DeadLetterQueue`,
		"They are dead letter queues: functions and event sources send to them what is given up, which cdk-nag cannot see.",
	},
}

// nagged is a finding of cdk-nag.
type nagged struct{ rule, where string }

// TestNag: cdk-nag finds nothing in the app's stacks that is not suppressed with a
// reason, and nothing is suppressed that it does not find.
func TestNag(t *testing.T) {
	app, err := App(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	inVPC(t, app)
	packs := &cdknag.NagPackProps{Reports: jsii.Bool(false)}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(packs), nil)
	awscdk.Aspects_Of(app).Add(cdknag.NewNIST80053R5Checks(packs), nil)
	assembly := app.Synth(nil)
	var found []nagged
	for _, name := range names {
		for _, m := range *assembly.GetStackByName(&name).Messages() {
			rule, _, _ := strings.Cut(fmt.Sprint(m.Entry.Data), ": ")
			found = append(found, nagged{rule, strings.TrimPrefix(*m.Id, "/")})
		}
	}
	if len(found) == 0 {
		t.Fatal("cdk-nag finds nothing at all: does it run?")
	}
	where := suppress(t, found)
	page := nagPage(where)
	if *update {
		if err := os.WriteFile(nagFile, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if is, err := os.ReadFile(nagFile); err != nil || string(is) != page {
		t.Errorf("%s is not current: %v (run: make templates)\n%s", nagFile, err, difference(string(is), page))
	}
}

// inVPC has roles hold for good the policies that they hold on a condition: cdk-nag
// does not read a role at all that has one of those.
func inVPC(t *testing.T, app awscdk.App) {
	t.Helper()
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	type policy struct {
		PolicyName     string
		PolicyDocument any
		If             []json.RawMessage `json:"Fn::If"`
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Policies []policy }
		}
	}
	if err := json.Unmarshal(made[Name], &template); err != nil {
		t.Fatal(err)
	}
	scope := app.Node().FindChild(jsii.String(Name)).Node()
	for id, r := range template.Resources {
		if r.Type != "AWS::IAM::Role" {
			continue
		}
		var policies []any
		for _, p := range r.Properties.Policies {
			if p.If != nil {
				if err := json.Unmarshal(p.If[1], &p); err != nil {
					t.Fatal(err)
				}
			}
			policies = append(policies, &awsiam.CfnRole_PolicyProperty{PolicyName: &p.PolicyName, PolicyDocument: p.PolicyDocument})
		}
		scope.FindChild(&id).(awsiam.CfnRole).SetPolicies(policies)
	}
}

// suppress fails the test for what is found and not suppressed, and for what is
// suppressed and not found. It returns what each suppression is about.
func suppress(t *testing.T, found []nagged) (where [][]nagged) {
	t.Helper()
	where = make([][]nagged, len(suppressions))
	for _, f := range found {
		by := slices.IndexFunc(suppressions, func(s suppression) bool {
			return regexp.MustCompile("^(?:"+s.rule+")$").MatchString(f.rule) && regexp.MustCompile("^(?:"+s.where+")$").MatchString(f.where)
		})
		if by < 0 {
			t.Errorf("%s: %s", f.where, f.rule)
			continue
		}
		where[by] = append(where[by], f)
	}
	for i, s := range suppressions {
		if where[i] == nil {
			t.Errorf("nothing is suppressed by %s for %s: take it away", s.rule, s.where)
		}
		if !strings.HasSuffix(s.reason, ".") || len(s.reason) < 60 {
			t.Errorf("%s for %s: %q is no reason", s.rule, s.where, s.reason)
		}
	}
	return where
}

var nagFile = filepath.Join("..", "..", "docs", "nag.md")

// nagPage is the page of what is suppressed.
func nagPage(where [][]nagged) string {
	var b strings.Builder
	n := 0
	for i, s := range suppressions {
		n += len(where[i])
		rules, resources := map[string]bool{}, map[string]bool{}
		for _, f := range where[i] {
			rule, _, _ := strings.Cut(f.rule, "[Resource")
			rules[rule], resources[f.where] = true, true
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", ticked(rules), ticked(resources), s.reason)
	}
	return fmt.Sprintf(`# What cdk-nag finds, and why it stays

Written by `+"`make templates`"+` from `+"`infra/stack/nag_test.go`"+`; do not edit.

[cdk-nag](https://github.com/cdklabs/cdk-nag) looks at the three stacks of the app with its
rules AwsSolutions and NIST 800-53 r5, in every `+"`go test`"+` of `+"`infra/`"+`. It has %d findings
left. Each is suppressed for one of the %d reasons below; a finding without a reason
fails the test, and so does a reason without a finding.

| rule | resources | why it stays |
|---|---|---|
`, n, len(suppressions)) + b.String()
}

func ticked(set map[string]bool) string {
	var out []string
	for s := range set {
		out = append(out, "`"+s+"`")
	}
	slices.SortFunc(out, cmp.Compare[string])
	return strings.Join(out, ", ")
}
