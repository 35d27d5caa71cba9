package guide

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"text/template"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Tool is what a snippet is for.
type Tool string

// The tools, in the order in which the guide shows them.
const (
	SDKv3          Tool = "SageMaker Python SDK v3"
	SDKv2          Tool = "SageMaker Python SDK v2"
	Boto3          Tool = "boto3"
	CLI            Tool = "AWS CLI"
	CloudFormation Tool = "CloudFormation"
	Terraform      Tool = "Terraform"
	CDK            Tool = "AWS CDK (TypeScript)"
)

// Snippet is a text to paste.
type Snippet struct {
	Tool     Tool
	Language string // of the text, as Markdown names it
	Text     string
}

// made is a recipe with its network in place.
type made struct {
	row    *kind.Row
	calls  []call
	region string // empty where any will do
	sdk    sdkValues
}

// sdkValues are what the templates of the SDK for Python fill in.
type sdkValues struct {
	Network                                 bool // false leaves the network out
	Subnets, SecurityGroups                 []string
	Isolation, Encrypted                    bool
	Tags                                    []any
	Name, Role, Image, ModelData, Data, Out string
}

// snippets writes a recipe for every tool that has it.
func (m *made) snippets() []Snippet {
	var out []Snippet
	add := func(tool Tool, language, text string) {
		if text != "" {
			out = append(out, Snippet{tool, language, text})
		}
	}
	add(SDKv3, "python", cmp.Or(m.sdkText("v3"), m.core()))
	add(SDKv2, "python", m.sdkText("v2"))
	add(Boto3, "python", m.boto3())
	add(CLI, "bash", m.cli())
	add(CloudFormation, "yaml", m.cloudFormation())
	add(Terraform, "hcl", m.terraform())
	add(CDK, "typescript", m.cdk())
	return out
}

// importJSON is what Python needs where a request has a document in a string.
func (m *made) importJSON() string {
	for _, c := range m.calls {
		for _, member := range c.request {
			if _, ok := member.value.(document); ok {
				return "import json\n\n"
			}
		}
	}
	return ""
}

func (m *made) boto3() string {
	var b strings.Builder
	region := ""
	if m.region != "" {
		region = ", region_name=" + text(m.region)
	}
	b.WriteString(m.importJSON() + "import boto3\n\nclient = boto3.client(\"sagemaker\"" + region + ")\n")
	for _, c := range m.calls {
		b.WriteString("client." + snake(c.name) + "(\n")
		arguments(&b, python(), c.request, func(s string) string { return s })
		b.WriteString(")\n")
	}
	return b.String()
}

// arguments writes the members of a request as arguments by name.
func arguments(b *strings.Builder, l *language, request object, name func(string) string) {
	for _, member := range request {
		b.WriteString("    " + name(member.name) + "=")
		l.write(b, member.value, "    ")
		b.WriteString(",\n")
	}
}

// core is a recipe with the resources of sagemaker-core, which version 3 of the
// SDK is built on: a class for each resource, and the API's names in lower case.
// https://github.com/aws/sagemaker-python-sdk/tree/master/sagemaker-core
func (m *made) core() string {
	var b, imports strings.Builder
	l := python()
	l.key = func(s string) string { return text(snake(s)) }
	for i, c := range m.calls {
		if !strings.HasPrefix(c.name, "Create") || slices.Contains(c.lacks, any("core")) {
			return ""
		}
		if i > 0 {
			imports.WriteString(", ")
		}
		imports.WriteString(c.resource())
		b.WriteString(c.resource() + ".create(\n")
		arguments(&b, l, c.request, snake)
		if m.region != "" {
			b.WriteString("    region=" + text(m.region) + ",\n")
		}
		b.WriteString(")\n")
	}
	return m.importJSON() + "from sagemaker.core.resources import " + imports.String() + "\n\n" + b.String()
}

// sdkText is the template of a version of the SDK for the kind; empty where
// there is none.
func (m *made) sdkText(version string) string {
	name := "data/" + version + "/" + string(m.row.Kind) + ".py.tmpl"
	source, err := data.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	list := func(ids []string) string { return python().flat(treeOf(ids)) }
	t, err := template.New(name).Funcs(template.FuncMap{
		"text": text, "list": list,
		"tags": func(tags []any, key, value string) string {
			l := python()
			l.key = func(s string) string { return text(map[string]string{"Key": key, "Value": value}[s]) }
			return l.flat(tags)
		},
	}).Parse(string(source))
	var b bytes.Buffer
	if err == nil {
		err = t.Execute(&b, m.sdk)
	}
	if err != nil {
		panic(err) // the tests run every template
	}
	return b.String()
}

// cli writes each member as an option, its value as JSON unless it is a text.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-types.html
func (m *made) cli() string {
	var b strings.Builder
	for _, c := range m.calls {
		if slices.Contains(c.lacks, any("cli")) {
			return ""
		}
		b.WriteString("aws sagemaker " + kebab(c.name))
		if m.region != "" {
			b.WriteString(" --region " + shell(m.region))
		}
		for _, member := range c.request {
			b.WriteString(" \\\n    --" + kebab(member.name))
			switch v := member.value.(type) {
			case bool:
				if !v {
					return "" // no recipe has one
				}
			case string:
				b.WriteString(" " + shell(v))
			case document:
				b.WriteString(" " + shell(jsonOf(v.object)))
			default:
				b.WriteString(" " + shell(jsonOf(v)))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// properties are a call's as CloudFormation and the CDK have them. ok is false
// where there is no type for it.
func (c *call) properties() (properties object, ok bool) {
	if !c.templated {
		return nil, false
	}
	for _, m := range c.request {
		instead, ok := c.template.get(m.name)
		switch v := instead.(type) {
		case nil:
			if ok {
				continue
			}
			properties = append(properties, m)
		case object:
			for _, below := range v {
				properties = append(properties, member{m.name, verbatim{object{{below.name, m.value}}}})
			}
		}
	}
	return properties, true
}

// refers says whether a call names the domain that another one made.
func (c *call) refers() bool {
	id, _ := lookUp(c.request, "DomainId")
	return id == domainPlaceholder
}

func (m *made) cloudFormation() string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i, c := range m.calls {
		properties, ok := c.properties()
		if !ok {
			return ""
		}
		b.WriteString("  " + c.resource() + ":\n    Type: AWS::SageMaker::" + c.resource() + "\n")
		if i > 0 && !c.refers() {
			b.WriteString("    DependsOn: " + m.calls[i-1].resource() + "\n")
		}
		b.WriteString("    Properties:\n")
		writeYAML(&b, properties, "      ")
	}
	return b.String()
}

func (m *made) cdk() string {
	var b strings.Builder
	b.WriteString("import { aws_sagemaker as sagemaker } from \"aws-cdk-lib\";\n\n// in a stack\n")
	before := ""
	for _, c := range m.calls {
		properties, ok := c.properties()
		if !ok {
			return ""
		}
		name := strings.ToLower(c.resource()[:1]) + c.resource()[1:]
		b.WriteString("const " + name + " = new sagemaker.Cfn" + c.resource() + "(this, " + text(c.resource()) + ", ")
		typescript().write(&b, properties, "")
		b.WriteString(");\n")
		if before != "" && !c.refers() {
			b.WriteString(name + ".addDependency(" + before + ");\n")
		}
		before = name
	}
	return b.String()
}

func (m *made) terraform() string {
	var b strings.Builder
	for _, c := range m.calls {
		if c.terraform.resource == "" {
			return ""
		}
		request := c.request
		if tags, ok := request.get("Tags"); ok {
			request = request.with("Tags", tagMap(tags))
		}
		b.WriteString("resource " + text(c.terraform.resource) + " \"example\" {\n")
		writeHCL(&b, request, c.terraform.names, []string{"Tags"}, "  ")
		b.WriteString("}\n")
	}
	return b.String()
}

// tagMap is a list of tags as an object.
func tagMap(tags any) object {
	var out object
	list, _ := tags.([]any)
	for _, t := range list {
		tag, _ := t.(object)
		key, _ := tag.get("Key")
		value, _ := tag.get("Value")
		name, _ := key.(string)
		out = append(out, member{name, value})
	}
	return out
}
