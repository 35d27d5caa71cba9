package guide

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// template makes the calls that CloudFormation would for a template.
func (c *cloud) template(it item) {
	c.t.Helper()
	var doc struct {
		Resources yaml.MapSlice `yaml:"Resources"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(strings.ReplaceAll(it.Text, "!GetAtt Domain.DomainId", text(domainPlaceholder))), &doc, yaml.UseOrderedMap()); err != nil {
		c.t.Errorf("%s: %v\n%s", it.Label, err, it.Text)
		return
	}
	w := c.begin(it.Label)
	for _, item := range doc.Resources {
		resource, _ := treeOf(item.Value).(object)
		typ, _ := lookUp(resource, "Type")
		properties, _ := resource.get("Properties")
		request, _ := properties.(object)
		if p, ok := request.get("PipelineDefinition"); ok {
			body, _ := lookUp(p.(object), "PipelineDefinitionBody")
			request = request.with("PipelineDefinition", body).with("ClientRequestToken", "0123456789abcdef0123456789abcdef")
		}
		c.made(it, w, "Create"+strings.TrimPrefix(typ, "AWS::SageMaker::"), jsonOf(request))
	}
}

func (c *cloud) made(it item, w *world, operation, request string) {
	c.t.Helper()
	if out := w.call("", operation, []byte(request)); out.Code != http.StatusOK {
		c.t.Errorf("%s: %s: %s\n%s", it.Label, operation, out.Body, request)
	}
}

// hcl makes the calls that Terraform would. Its provider cannot be had, so that
// what its arguments mean is told by their names alone; see TestTerraformNames.
func (c *cloud) hcl(it item) {
	c.t.Helper()
	file, problems := hclsyntax.ParseConfig([]byte(it.Text), it.Label, hcl.InitialPos)
	if problems.HasErrors() {
		c.t.Errorf("%s: %v\n%s", it.Label, problems, it.Text)
		return
	}
	w := c.begin(it.Label)
	body, _ := file.Body.(*hclsyntax.Body)
	for _, block := range body.Blocks {
		request, operation, err := requestOf(block)
		if err != nil {
			c.t.Errorf("%s: %v\n%s", it.Label, err, it.Text)
			continue
		}
		c.made(it, w, operation, request)
	}
}

// requestOf reads a resource as the request that it stands for.
func requestOf(block *hclsyntax.Block) (request, operation string, err error) {
	for _, list := range recipes() {
		for _, r := range list {
			for _, call := range r.calls {
				if call.terraform.resource == "" || call.terraform.resource != block.Labels[0] {
					continue
				}
				names := map[string]string{}
				collect(call.request, call.terraform.names, names)
				row, _ := call.row()
				collect(treeOf(row.Paste([]string{"s"}, []string{"g"}, true)).(object), call.terraform.names, names)
				names["enable_inter_container_traffic_encryption"] = "EnableInterContainerTrafficEncryption"
				tree, err := treeOfBody(block.Body, names)
				if err != nil {
					return "", "", err
				}
				if call.name == "CreatePipeline" {
					tree = tree.with("ClientRequestToken", "0123456789abcdef0123456789abcdef")
				}
				return jsonOf(tree), call.name, nil
			}
		}
	}
	return "", "", fmt.Errorf("no recipe makes %s", block.Labels[0])
}

// collect adds the names of a request's members, by Terraform's names of them.
func collect(o object, own, into map[string]string) {
	for _, m := range o {
		name := snake(m.name)
		if n, ok := own[m.name]; ok {
			name = n
		}
		into[name] = m.name
		switch v := m.value.(type) {
		case object:
			collect(v, own, into)
		case []any:
			for _, e := range v {
				if below, ok := e.(object); ok {
					collect(below, own, into)
				}
			}
		}
	}
}

func treeOfBody(body *hclsyntax.Body, names map[string]string) (object, error) {
	var out object
	functions := &hcl.EvalContext{
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
		Variables: map[string]cty.Value{"aws_sagemaker_domain": cty.ObjectVal(map[string]cty.Value{
			"example": cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(domainPlaceholder)}),
		})},
	}
	for _, a := range body.Attributes {
		value, problems := a.Expr.Value(functions)
		if problems.HasErrors() {
			return nil, problems
		}
		text, err := ctyjson.Marshal(value, value.Type())
		if err != nil {
			return nil, err
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, err
		}
		if a.Name == "tags" {
			var tags []any
			for key, value := range v.(map[string]any) {
				tags = append(tags, object{{"Key", key}, {"Value", value}})
			}
			out = append(out, member{"Tags", tags})
			continue
		}
		if value.Type() == cty.Number {
			f, _ := v.(float64)
			v = int(f)
		}
		name, ok := names[a.Name]
		if !ok {
			return nil, fmt.Errorf("no member is called %s", a.Name)
		}
		out = append(out, member{name, treeOf(v)})
	}
	lists := map[string]bool{"ProductionVariants": true, "MonitoringOutputs": true, "MonitoringInputs": true}
	for _, b := range body.Blocks {
		name, ok := names[b.Type]
		if !ok {
			return nil, fmt.Errorf("no member is called %s", b.Type)
		}
		below, err := treeOfBody(b.Body, names)
		if err != nil {
			return nil, err
		}
		var value any = below
		if lists[name] {
			had, _ := out.get(name)
			list, _ := had.([]any)
			value = append(list, below)
		}
		out = out.with(name, value)
	}
	return out, nil
}
