package prevent

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a rules file that becomes one short policy.
const small = `rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off, interactive-access: [remote-access]}`

const (
	smallStatement = `{"Sid":"InteractiveAccess","Effect":"Deny","Action":["sagemaker:CreateSpace","sagemaker:UpdateSpace"],"Resource":"*","Condition":{"StringEquals":{"sagemaker:RemoteAccess":"ENABLED"}}}`
	allowStatement = `{"Sid":"AllowTheRest","Effect":"Allow","Action":"*","Resource":"*"}`
	smallPolicy    = `{"Version":"2012-10-17","Statement":[` + "\n" + smallStatement + "\n]}"
	smallBoundary  = `{"Version":"2012-10-17","Statement":[` + "\n" + allowStatement + ",\n" + smallStatement + "\n]}"
)

func files(t *testing.T, rules string, form Form, language, account string) map[string]string {
	t.Helper()
	documents, err := Generate(load(t, rules), Options{Now: now}).Policies(form)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Files(documents, form, language, account)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range all {
		out[f.Name] = f.Text
	}
	return out
}

func TestJSON(t *testing.T) {
	for form, want := range map[Form]map[string]string{
		SCP: {"sagemoat-scp.json": smallPolicy + "\n"}, IAM: {"sagemoat-iam.json": smallPolicy + "\n"}, Boundary: {"sagemoat-boundary.json": smallBoundary + "\n"},
	} {
		if diff := cmp.Diff(want, files(t, small, form, "json", "")); diff != "" {
			t.Errorf("%s: -want +got\n%s", form, diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"sagemoat-scp-111122223333.json": smallPolicy + "\n"}, files(t, small, SCP, "json", "111122223333")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := files(t, large(12, 8), SCP, "json", ""); got["sagemoat-scp-1.json"] == "" || got["sagemoat-scp-2.json"] == "" {
		t.Errorf("%d files", len(got))
	}
	if _, err := Files([]Document{newDocument()}, SCP, "yaml", ""); err == nil || !strings.Contains(err.Error(), "json, cloudformation, terraform, cdk") {
		t.Errorf("%v", err)
	}
	if got, err := Files(nil, SCP, "cdk", ""); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// equal compares JSON texts by what they say.
func equal(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCloudFormation(t *testing.T) {
	equal(t, files(t, small, SCP, "cloudformation", "")["sagemoat-scp.template.json"], `{
		"AWSTemplateFormatVersion": "2010-09-09", "Description": "What SageMaker AI may not do in the organization. To be deployed in its management account",
		"Parameters": {"TargetIds": {"Type": "CommaDelimitedList", "Description": "What the policies are attached to: ids of organizational units, accounts or the root"}},
		"Resources": {"SagemoatScp": {"Type": "AWS::Organizations::Policy", "Properties": {
			"Name": "sagemoat-scp", "Description": "Written by sagemoat prevent scp from the rules file: interactive-access", "Type": "SERVICE_CONTROL_POLICY",
			"TargetIds": {"Ref": "TargetIds"}, "Content": `+smallPolicy+`}}},
		"Outputs": {"SagemoatScp": {"Value": {"Ref": "SagemoatScp"}}}}`)
	equal(t, files(t, small, IAM, "cloudformation", "")["sagemoat-iam.template.json"], `{
		"AWSTemplateFormatVersion": "2010-09-09", "Description": "What SageMaker AI may not do for the roles that the policies are attached to",
		"Parameters": {"RoleNames": {"Type": "CommaDelimitedList", "Default": "", "Description": "Names of the roles that the policies are attached to; none as long as nothing is said"}},
		"Conditions": {"HasRoles": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "RoleNames"}]}, ""]}]}},
		"Resources": {"SagemoatIam": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
			"Description": "Written by sagemoat prevent iam from the rules file: interactive-access",
			"Roles": {"Fn::If": ["HasRoles", {"Ref": "RoleNames"}, {"Ref": "AWS::NoValue"}]}, "PolicyDocument": `+smallPolicy+`}}},
		"Outputs": {"SagemoatIam": {"Value": {"Ref": "SagemoatIam"}}}}`)
	equal(t, files(t, small, Boundary, "cloudformation", "")["sagemoat-boundary.template.json"], `{
		"AWSTemplateFormatVersion": "2010-09-09", "Description": "A permissions boundary for roles that use SageMaker AI",
		"Resources": {"SagemoatBoundary": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
			"Description": "Written by sagemoat prevent boundary from the rules file: interactive-access", "PolicyDocument": `+smallBoundary+`}}},
		"Outputs": {"SagemoatBoundary": {"Value": {"Ref": "SagemoatBoundary"}, "Description": "The ARN to set as PermissionsBoundary"}}}`)
}

func TestTerraform(t *testing.T) {
	text := func(policy string) string { return must(json.Marshal(policy)) }
	equal(t, files(t, small, SCP, "terraform", "")["sagemoat-scp.tf.json"], `{
		"variable": {"target_ids": {"type": "set(string)", "default": [], "description": "what the policies are attached to: ids of organizational units, accounts or the root"}},
		"resource": {
			"aws_organizations_policy": {"sagemoat_scp": {"name": "sagemoat-scp", "description": "Written by sagemoat prevent scp from the rules file: interactive-access", "type": "SERVICE_CONTROL_POLICY", "content": `+text(smallPolicy)+`}},
			"aws_organizations_policy_attachment": {"sagemoat_scp": {"for_each": "${var.target_ids}", "policy_id": "${aws_organizations_policy.sagemoat_scp.id}", "target_id": "${each.value}"}}}}`)
	equal(t, files(t, small, IAM, "terraform", "")["sagemoat-iam.tf.json"], `{
		"variable": {"role_names": {"type": "set(string)", "default": [], "description": "names of the roles that the policies are attached to"}},
		"resource": {
			"aws_iam_policy": {"sagemoat_iam": {"name": "sagemoat-iam", "description": "Written by sagemoat prevent iam from the rules file: interactive-access", "policy": `+text(smallPolicy)+`}},
			"aws_iam_role_policy_attachment": {"sagemoat_iam": {"for_each": "${var.role_names}", "policy_arn": "${aws_iam_policy.sagemoat_iam.arn}", "role": "${each.value}"}}}}`)
	equal(t, files(t, small, Boundary, "terraform", "")["sagemoat-boundary.tf.json"], `{
		"resource": {"aws_iam_policy": {"sagemoat_boundary": {"name": "sagemoat-boundary", "description": "Written by sagemoat prevent boundary from the rules file: interactive-access", "policy": `+text(smallBoundary)+`}}},
		"output": {"sagemoat_boundary": {"value": "${aws_iam_policy.sagemoat_boundary.arn}", "description": "the ARN to set as permissions_boundary"}}}`)
	// What Terraform would take for a template is a text.
	tag := `rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}
overrides: [{match: {kinds: [model], tags: {a: "%{x}"}}, rules: {vpc-required: on}}]`
	if got := files(t, tag, SCP, "terraform", "")["sagemoat-scp.tf.json"]; !strings.Contains(got, `%%{x}`) {
		t.Errorf("%s", got)
	}
}

func TestCDK(t *testing.T) {
	in := func(policy string) string { return strings.ReplaceAll(policy, "\n", "\n      ") }
	for form, want := range map[Form]string{
		SCP: `import { CfnPolicy } from 'aws-cdk-lib/aws-organizations';
import { Construct } from 'constructs';

/** Service control policies, attached to organizational units, accounts or the root. */
export class SagemoatScp extends Construct {
  constructor(scope: Construct, id: string, targetIds: string[]) {
    super(scope, id);
    new CfnPolicy(this, 'Policy1', {
      name: 'sagemoat-scp',
      description: "Written by sagemoat prevent scp from the rules file: interactive-access",
      type: 'SERVICE_CONTROL_POLICY',
      targetIds,
      content: ` + in(smallPolicy) + `,
    });
  }
}
`,
		IAM: `import { CfnManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** Managed policies, attached to roles by their names. */
export class SagemoatIam extends Construct {
  readonly arns: string[] = [];

  constructor(scope: Construct, id: string, roles: string[]) {
    super(scope, id);
    this.arns.push(new CfnManagedPolicy(this, 'Policy1', {
      description: "Written by sagemoat prevent iam from the rules file: interactive-access",
      roles,
      policyDocument: ` + in(smallPolicy) + `,
    }).ref);
  }
}
`,
		Boundary: `import { CfnManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** A permissions boundary: set its ref as the boundary of roles. */
export class SagemoatBoundary extends Construct {
  readonly arns: string[] = [];

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.arns.push(new CfnManagedPolicy(this, 'Policy1', {
      description: "Written by sagemoat prevent boundary from the rules file: interactive-access",
      policyDocument: ` + in(smallBoundary) + `,
    }).ref);
  }
}
`,
	} {
		if diff := cmp.Diff(want, files(t, small, form, "cdk", "")["sagemoat-"+string(form)+".ts"]); diff != "" {
			t.Errorf("%s: -want +got\n%s", form, diff)
		}
	}
	if got := files(t, large(12, 8), SCP, "cdk", "")["sagemoat-scp.ts"]; !strings.Contains(got, "class SagemoatScp extends") || !strings.Contains(got, "'Policy2'") {
		t.Errorf("%s", got)
	}
}
