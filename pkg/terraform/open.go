package terraform

import (
	"maps"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/cloudformation"
	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The types of resources that no row has, and of which only what they are going to be
// tells whether they are SageMaker's.
const (
	// It runs code if it has validation profiles.
	modelPackage = cloudControl + "model_package"
	// It is whatever its type_name says.
	// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudcontrolapi_resource
	generic = "aws_cloudcontrolapi_resource"
)

// stacks are the types of those that a template makes.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudformation_stack
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudformation_stack_set
// https://registry.terraform.io/providers/hashicorp/awscc/latest/docs/resources/cloudformation_stack
var stacks = []string{
	"aws_cloudformation_stack", "aws_cloudformation_stack_set", "awscc_cloudformation_stack", "awscc_cloudformation_stack_set",
}

// freeFormOfStacks are the attributes of resources that are open whose members have
// names of the author's choice.
var freeFormOfStacks = func() map[string]bool {
	out := maps.Clone(freeForm)
	out["parameters"], out["outputs"] = true, true
	return out
}()

// look looks into a resource that is open.
func (r *reader) look(c *change) *Resource {
	at := c.doc.Get("change")
	v := r.converter(c).value(at.Get("after"), at.Get("after_unknown"), at.Get("after_sensitive"), nil, "")
	switch c.Type {
	case generic:
		return r.generic(c, v)
	case modelPackage:
		if !cloudformation.Silent("AWS::SageMaker::ModelPackage", v) {
			r.plan.Unknown[c.Type]++
		}
	default:
		r.stack(c, v)
	}
	return nil
}

// generic is a resource that the API Cloud Control makes: its state has the properties
// of CloudFormation's type, in JSON.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-create.html
func (r *reader) generic(c *change, v jsondoc.Value) *Resource {
	typ, ok := v.Get("TypeName").Text()
	if !ok {
		r.plan.Unknown[c.Type]++
		return nil
	}
	state := v.Get("DesiredState")
	if text, ok := state.Text(); ok {
		var err error
		if state, err = jsondoc.Parse([]byte(text), kind.FreeForm()); err != nil {
			state = jsondoc.Unresolved("the desired state cannot be read: " + err.Error())
		}
	}
	if k := state.Kind(); k != jsondoc.Object && k != jsondoc.Unknown {
		state = jsondoc.Unresolved("the plan does not say what it is going to be")
	}
	row, request := cloudformation.Request(typ, state)
	switch {
	case row != nil:
		base := c.path + ".change.after.desired_state"
		return &Resource{Address: c.Address, Type: typ, Row: row, Base: base, Region: r.region(c), Planned: true, Request: request}
	case strings.HasPrefix(typ, "AWS::SageMaker::") && !cloudformation.Silent(typ, state), strings.HasPrefix(typ, "AWS::CloudFormation::Stack"):
		r.plan.Unknown[clip(typ)]++
	}
	return nil
}

// stack keeps the template of a stack. One that is kept elsewhere, is not known or
// cannot be read is counted: it may have anything. Where there is an address the
// provider takes that one, and has in the body what was deployed before.
// https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/cloudformation/stack.go
func (r *reader) stack(c *change, v jsondoc.Value) {
	body, ok := v.Get("TemplateBody").Text()
	root, err := document.JSON([]byte(body))
	if err != nil {
		root, err = document.YAML([]byte(body))
	}
	if !ok || !v.Get("TemplateUrl").Empty() || err != nil || !cloudformation.Looks(root) || len(r.plan.Templates) == maxTemplates {
		r.plan.Unknown[c.Type]++
		return
	}
	r.plan.Templates = append(r.plan.Templates, &Template{Address: c.Address, Base: c.path + ".change.after.template_body", Root: root})
}
