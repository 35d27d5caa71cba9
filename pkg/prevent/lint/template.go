package lint

import (
	"errors"
	"fmt"
	"iter"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// template reads the policies of a CloudFormation template in JSON. What an
// intrinsic function gives is not known; a document that is one is an error.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_IAM.html
func (r reader) template(resources jsondoc.Value) error {
	var errs []error
	found := false
	add := func(p *Policy, path string, v jsondoc.Value) {
		found = true
		_, err := r.policy(p, path, v)
		errs = append(errs, err)
	}
	for _, m := range resources.Members() {
		properties := exact(m.Value, "Properties")
		path := "Resources." + m.Name + ".Properties."
		switch exact(m.Value, "Type").Str() {
		case "AWS::IAM::ManagedPolicy":
			add(&Policy{Name: m.Name, Type: Managed}, path+"PolicyDocument", exact(properties, "PolicyDocument"))
		case "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy":
			add(&Policy{Name: m.Name, Type: Inline}, path+"PolicyDocument", exact(properties, "PolicyDocument"))
		case "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group":
			for i, one := range exact(properties, "Policies").Members() {
				for at, inline := range branches(fmt.Sprintf("%sPolicies[%d]", path, i), one.Value) {
					name := m.Name + "/" + exact(inline, "PolicyName").Str()
					add(&Policy{Name: name, Type: Inline}, at+".PolicyDocument", exact(inline, "PolicyDocument"))
				}
			}
		case "AWS::Organizations::Policy":
			if exact(properties, "Type").Str() == "SERVICE_CONTROL_POLICY" {
				add(&Policy{Name: m.Name, Type: SCP}, path+"Content", exact(properties, "Content"))
			}
		}
	}
	if !found {
		return ErrNoPolicy
	}
	return errors.Join(errs...)
}

// branches are what an element may turn out to be, each with its path: the element, or
// what an Fn::If chooses from, save nothing. A policy is read as it is where it is
// deployed.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html#intrinsic-function-reference-conditions-if
func branches(path string, v jsondoc.Value) iter.Seq2[string, jsondoc.Value] {
	return func(yield func(string, jsondoc.Value) bool) { branch(path, v, yield) }
}

func branch(path string, v jsondoc.Value, yield func(string, jsondoc.Value) bool) bool {
	choice := exact(v, "Fn::If").Members()
	if len(choice) != 3 {
		return exact(v, "Ref").Str() == "AWS::NoValue" || yield(path, v)
	}
	return branch(path+".Fn::If[1]", choice[1].Value, yield) && branch(path+".Fn::If[2]", choice[2].Value, yield)
}

// plan reads the policies that a Terraform plan (terraform show -json) creates or
// keeps.
// https://developer.hashicorp.com/terraform/internals/json-format
func (r reader) plan(doc jsondoc.Value) error {
	found, err := r.module(doc.At("planned_values.root_module"), "planned_values.root_module")
	if !found {
		return ErrNoPolicy
	}
	return err
}

// module reads one module of a plan and those below it.
func (r reader) module(m jsondoc.Value, path string) (found bool, err error) {
	var errs []error
	for i, resource := range exact(m, "resources").Members() {
		member, t := "policy", Inline
		switch exact(resource.Value, "type").Str() {
		case "aws_iam_policy":
			t = Managed
		case "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy":
		case "aws_organizations_policy":
			member, t = "content", SCP
			if kind := exact(exact(resource.Value, "values"), "type").Str(); kind != "" && kind != "SERVICE_CONTROL_POLICY" {
				continue
			}
		default:
			continue
		}
		found = true
		at := fmt.Sprintf("%s.resources[%d].values.%s", path, i, member)
		address := exact(resource.Value, "address").Str()
		v := exact(exact(resource.Value, "values"), member)
		if v.Kind() == jsondoc.Absent || v.Kind() == jsondoc.Null {
			errs = append(errs, fmt.Errorf("%s: %s is known only after apply: lint the applied policy", at, address))
			continue
		}
		_, err := r.policy(&Policy{Name: address, Type: t}, at, v)
		errs = append(errs, err)
	}
	for i, child := range exact(m, "child_modules").Members() {
		more, err := r.module(child.Value, fmt.Sprintf("%s.child_modules[%d]", path, i))
		found = found || more
		errs = append(errs, err)
	}
	return found, errors.Join(errs...)
}
