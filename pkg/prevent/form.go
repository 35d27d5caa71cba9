package prevent

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// File is something to write: policies in some language.
type File struct {
	Name string
	Text string
}

// Languages are the languages that policies can be written in.
func Languages() []string { return []string{"json", "cloudformation", "terraform", "cdk"} }

// IsFile says whether a name is one that [Files] gives, for these documents or others:
// one that is there and was not written now is of an older rules file.
func IsFile(name string, form Form, language, account string) bool {
	p := printing{form: form, account: account}
	rest, ok := strings.CutPrefix(name, p.stem())
	if language == "json" {
		// An account's has 12 digits, which is another file's name.
		return ok && regexp.MustCompile(`^(-[0-9]{1,4})?\.json$`).MatchString(rest)
	}
	return ok && rest == extensions[language]
}

// extensions are those of the languages in which all policies are one file.
var extensions = map[string]string{"cloudformation": ".template.json", "terraform": ".tf.json", "cdk": ".ts"}

// Files writes policies in a language; for JSON each has a file of its own. With an
// account it is part of their names.
func Files(documents []Document, form Form, language, account string) ([]File, error) {
	p := printing{documents, form, account}
	if len(documents) == 0 {
		return nil, nil
	}
	switch language {
	case "json":
		var out []File
		for i, d := range documents {
			out = append(out, File{p.name(i) + ".json", d.Text() + "\n"})
		}
		return out, nil
	case "cloudformation":
		return []File{{p.stem() + extensions[language], p.cloudFormation()}}, nil
	case "terraform":
		return []File{{p.stem() + extensions[language], p.terraform()}}, nil
	case "cdk":
		return []File{{p.stem() + extensions[language], p.cdk()}}, nil
	}
	return nil, fmt.Errorf("%s: want one of %s", language, strings.Join(Languages(), ", "))
}

// printing is policies to write.
type printing struct {
	documents []Document
	form      Form
	account   string
}

func (p *printing) stem() string {
	out := "sagemoat-" + string(p.form)
	if p.account != "" {
		out += "-" + p.account
	}
	return out
}

func (p *printing) name(i int) string {
	if len(p.documents) == 1 {
		return p.stem()
	}
	return fmt.Sprintf("%s-%d", p.stem(), i+1)
}

// identifier is the name in a language that has letters, digits and underscores.
func (p *printing) identifier(i int) string { return strings.ReplaceAll(p.name(i), "-", "_") }

// logical is the name in a template: letters and digits.
func (p *printing) logical(i int) string {
	return camel(p.name(i))
}

// description says which rules a policy is of.
func (p *printing) description(i int) string {
	var ids []rules.ID
	for _, s := range p.documents[i].Statement {
		ids = union(ids, s.Rules)
	}
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return "Written by sagemoat prevent " + string(p.form) + " from the rules file: " + strings.Join(names, ", ")
}

// object is a JSON object.
type object = map[string]any

// indented writes a value as JSON, with a line break at the end.
func indented(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // objects, lists and strings
	}
	return b.String()
}

// cloudFormation is a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-organizations-policy.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
func (p *printing) cloudFormation() string {
	resources, outputs := object{}, object{}
	template := object{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, "Outputs": outputs}
	switch p.form {
	case SCP:
		template["Description"] = "What SageMaker AI may not do in the organization. To be deployed in its management account"
		template["Parameters"] = object{"TargetIds": object{
			"Type": "CommaDelimitedList", "Description": "What the policies are attached to: ids of organizational units, accounts or the root",
		}}
	case IAM:
		template["Description"] = "What SageMaker AI may not do for the roles that the policies are attached to"
		template["Parameters"] = object{"RoleNames": object{
			"Type": "CommaDelimitedList", "Default": "", "Description": "Names of the roles that the policies are attached to; none as long as nothing is said",
		}}
		template["Conditions"] = object{"HasRoles": object{"Fn::Not": []any{object{"Fn::Equals": []any{object{"Fn::Join": []any{"", object{"Ref": "RoleNames"}}}, ""}}}}}
	case Boundary:
		template["Description"] = "A permissions boundary for roles that use SageMaker AI"
	}
	for i, d := range p.documents {
		id := p.logical(i)
		properties := object{"Description": p.description(i)}
		kind := "AWS::IAM::ManagedPolicy"
		switch p.form {
		case SCP:
			kind = "AWS::Organizations::Policy"
			properties["Name"], properties["Type"], properties["Content"], properties["TargetIds"] = p.name(i), "SERVICE_CONTROL_POLICY", d, object{"Ref": "TargetIds"}
			outputs[id] = object{"Value": object{"Ref": id}}
		case IAM:
			properties["PolicyDocument"] = d
			properties["Roles"] = object{"Fn::If": []any{"HasRoles", object{"Ref": "RoleNames"}, object{"Ref": "AWS::NoValue"}}}
			outputs[id] = object{"Value": object{"Ref": id}}
		case Boundary:
			properties["PolicyDocument"] = d
			outputs[id] = object{"Value": object{"Ref": id}, "Description": "The ARN to set as PermissionsBoundary"}
		}
		resources[id] = object{"Type": kind, "Properties": properties}
	}
	return indented(template)
}

// terraform is a configuration in JSON syntax.
// https://developer.hashicorp.com/terraform/language/syntax/json
func (p *printing) terraform() string {
	policies, attachments, outputs := object{}, object{}, object{}
	// literal keeps Terraform from reading a text as a template.
	literal := strings.NewReplacer("${", "$${", "%{", "%%{").Replace
	for i, d := range p.documents {
		id := p.identifier(i)
		policy := object{"name": p.name(i), "description": p.description(i)}
		policies[id] = policy
		switch p.form {
		case SCP:
			policy["type"], policy["content"] = "SERVICE_CONTROL_POLICY", literal(d.Text())
			attachments[id] = object{"for_each": "${var.target_ids}", "policy_id": "${aws_organizations_policy." + id + ".id}", "target_id": "${each.value}"}
		case IAM:
			policy["policy"] = literal(d.Text())
			attachments[id] = object{"for_each": "${var.role_names}", "policy_arn": "${aws_iam_policy." + id + ".arn}", "role": "${each.value}"}
		case Boundary:
			policy["policy"] = literal(d.Text())
			outputs[id] = object{"value": "${aws_iam_policy." + id + ".arn}", "description": "the ARN to set as permissions_boundary"}
		}
	}
	variable := func(name, what string) object {
		return object{name: object{"type": "set(string)", "default": []string{}, "description": what}}
	}
	switch p.form {
	case SCP:
		return indented(object{
			"variable": variable("target_ids", "what the policies are attached to: ids of organizational units, accounts or the root"),
			"resource": object{"aws_organizations_policy": policies, "aws_organizations_policy_attachment": attachments},
		})
	case IAM:
		return indented(object{
			"variable": variable("role_names", "names of the roles that the policies are attached to"),
			"resource": object{"aws_iam_policy": policies, "aws_iam_role_policy_attachment": attachments},
		})
	case Boundary:
	}
	return indented(object{"resource": object{"aws_iam_policy": policies}, "output": outputs})
}

// cdk is a construct in TypeScript.
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_organizations.CfnPolicy.html
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_iam.CfnManagedPolicy.html
func (p *printing) cdk() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	class := p.logical(0)
	if len(p.documents) > 1 {
		class = strings.TrimSuffix(class, "1")
	}
	imported, parameter, what := "CfnManagedPolicy } from 'aws-cdk-lib/aws-iam'", "", ""
	switch p.form {
	case SCP:
		imported, parameter, what = "CfnPolicy } from 'aws-cdk-lib/aws-organizations'", ", targetIds: string[]", "Service control policies, attached to organizational units, accounts or the root."
	case IAM:
		parameter, what = ", roles: string[]", "Managed policies, attached to roles by their names."
	case Boundary:
		what = "A permissions boundary: set its ref as the boundary of roles."
	}
	say("import { %s;", imported)
	say("import { Construct } from 'constructs';\n")
	say("/** %s */", what)
	say("export class %s extends Construct {", class)
	if p.form != SCP {
		say("  readonly arns: string[] = [];\n")
	}
	say("  constructor(scope: Construct, id: string%s) {", parameter)
	say("    super(scope, id);")
	for i, d := range p.documents {
		about := must(json.Marshal(p.description(i)))
		text := strings.ReplaceAll(d.Text(), "\n", "\n      ")
		switch p.form {
		case SCP:
			say("    new CfnPolicy(this, 'Policy%d', {", i+1)
			say("      name: '%s',\n      description: %s,\n      type: 'SERVICE_CONTROL_POLICY',\n      targetIds,\n      content: %s,\n    });", p.name(i), about, text)
		case IAM:
			say("    this.arns.push(new CfnManagedPolicy(this, 'Policy%d', {", i+1)
			say("      description: %s,\n      roles,\n      policyDocument: %s,\n    }).ref);", about, text)
		case Boundary:
			say("    this.arns.push(new CfnManagedPolicy(this, 'Policy%d', {", i+1)
			say("      description: %s,\n      policyDocument: %s,\n    }).ref);", about, text)
		}
	}
	say("  }\n}")
	return b.String()
}
